// SPDX-License-Identifier: Apache-2.0
/* test_plan_windows.c - what announced maintenance does to plans: what waits, what is hurried, and
 * that nothing waits that is urgent. */
#include "plan_facts.h"

#define HOUR 3600LL

static struct dcs_spans spans;

static void windows(struct dcs_plan_facts *f, int64_t start, int64_t end)
{
    spans = (struct dcs_spans){ .list = { { start, end } }, .count = 1 };
    f->windows = &spans;
}

static struct dcs_plan_dates dates_of(const struct dcs_plan_facts *f)
{
    struct dcs_plan_dates dates;

    dcs_plan_dates(f, &dates);
    return dates;
}

#define ASKS(plan) ((plan).action == DCS_PLAN_REISSUE || (plan).action == DCS_PLAN_DUPLICATE)

/* ---- waiting ---- */

static void what_becomes_due_in_a_window_waits_for_its_end(void **state)
{
    struct dcs_plan_facts f = sound();
    int64_t due = dates_of(&f).due;
    int64_t end = due + HOUR;

    (void)state;
    windows(&f, due - HOUR, end);
    struct dcs_plan p = decide(&f, due - 2 * HOUR);
    assert_int_equal(p.reason, DCS_WHY_FRESH);
    assert_non_null(strstr(p.words, "because of the maintenance window of 2027-04-05 15:00 to "
                                    "2027-04-05 17:00 UTC"));
    int64_t then = p.moved_to;
    assert_true(then >= end && then < end + DAY);
    p = decide(&f, due);
    assert_int_equal(p.action, DCS_PLAN_WAIT);
    assert_int_equal(p.reason, DCS_WHY_MAINTENANCE);
    assert_int_equal(p.cause, DCS_CAUSE_DUE);
    assert_int_equal(p.stage, DCS_STAGE_DUE);
    assert_int_equal(p.held_until, then);
    assert_int_equal(p.next_change, then);
    assert_true(p.in_window);
    assert_non_null(strstr(p.words,
                           "due since 2027-04-05, but waits for the end of the maintenance "
                           "window of 2027-04-05 15:00 to 2027-04-05 17:00 UTC; asked for "
                           "on 2027-04-0"));
    assert_int_equal(decide(&f, then - 1).reason, DCS_WHY_MAINTENANCE); /* after the end, too */
    assert_false(decide(&f, end).in_window);
    assert_int_equal(decide(&f, then).action, DCS_PLAN_REISSUE);
}

static void what_was_due_before_it_and_nobody_came_to_waits_as_well(void **state)
{
    struct dcs_plan_facts f = sound();
    int64_t due = dates_of(&f).due;

    (void)state;
    windows(&f, due + DAY, due + DAY + 2 * HOUR);
    assert_int_equal(decide(&f, due).action, DCS_PLAN_REISSUE);
    assert_int_equal(decide(&f, due + DAY - 1).action, DCS_PLAN_REISSUE);
    assert_int_equal(decide(&f, due + DAY).reason, DCS_WHY_MAINTENANCE);
    struct dcs_plan p = decide(&f, due + DAY + HOUR);
    assert_int_equal(decide(&f, p.held_until).action, DCS_PLAN_REISSUE);
}

/* Its own spread is enough for what becomes due right after the end. */
static void what_becomes_due_after_the_end_does_not_wait(void **state)
{
    struct dcs_plan_facts f = sound();
    int64_t due = dates_of(&f).due;

    (void)state;
    windows(&f, due - 2 * HOUR, due);
    assert_int_equal(decide(&f, due - 1).reason, DCS_WHY_FRESH);
    assert_int_equal(decide(&f, due - 1).moved_to, 0);
    assert_int_equal(decide(&f, due).action, DCS_PLAN_REISSUE);
}

static void windows_far_away_change_nothing(void **state)
{
    struct dcs_plan_facts f = sound();
    struct dcs_plan_dates d = dates_of(&f);
    const int64_t starts[] = { d.due - 3 * DAY, d.due + 10 * DAY, d.expires + DAY };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(starts); i++) {
        windows(&f, starts[i], starts[i] + 2 * HOUR);
        struct dcs_plan p = decide(&f, d.due);
        assert_int_equal(p.action, DCS_PLAN_REISSUE);
        assert_null(strstr(p.words, "maintenance"));
        p = decide(&f, d.due - 1);
        assert_int_equal(p.moved_to, 0);
        assert_int_equal(p.next_change, d.due);
    }
}

/* The time after the first is the time before the second: it is asked for between them. */
static void between_two_windows_there_is_time(void **state)
{
    struct dcs_plan_facts f = sound();
    int64_t due = dates_of(&f).due;

    (void)state;
    for (uint64_t host = 0; host < 200; host++) {
        f.hash = host * 0x9e3779b97f4a7c15ULL;
        due = dates_of(&f).due;
        spans = (struct dcs_spans){
            .list = { { due - HOUR, due + HOUR }, { due + 3 * HOUR, due + 9 * DAY } }, .count = 2
        };
        f.windows = &spans;
        struct dcs_plan p = decide(&f, due);
        assert_true(p.held_until >= due + HOUR && p.held_until <= due + 2 * HOUR + HOUR / 2);
        assert_int_equal(decide(&f, p.held_until).action, DCS_PLAN_REISSUE);
    }
}

/* ---- hurrying ---- */

static void what_would_become_urgent_in_a_window_is_hurried(void **state)
{
    struct dcs_plan_facts f = sound();
    int64_t urgent = dates_of(&f).urgent;

    (void)state;
    /* Due, but a new one would not gain a quarter of a life: waits for urgent otherwise. */
    f.order.order_end = f.certificate.not_after + 20 * DAY;
    f.end_of_order = 0;
    urgent = dates_of(&f).urgent;
    windows(&f, urgent - HOUR, urgent + HOUR);
    struct dcs_plan p = decide(&f, urgent - 3 * DAY);
    assert_int_equal(p.reason, DCS_WHY_LITTLE_GAIN);
    int64_t then = p.next_change;
    assert_true(then >= urgent - HOUR - DAY && then <= urgent - HOUR - 6 * HOUR);
    p = decide(&f, then);
    assert_int_equal(p.action, DCS_PLAN_REISSUE);
    assert_int_equal(p.cause, DCS_CAUSE_URGENT);
    assert_int_equal(p.stage, DCS_STAGE_DUE);
    assert_true(p.hurried && !p.in_window);
    assert_non_null(strstr(p.words, "hurried, it would be urgent on 2027-06-0"));
    assert_non_null(strstr(p.words, "in the maintenance window of 2027-06-0"));
    /* Nobody came to it: it goes on, and when it is urgent it is only that. */
    assert_true(decide(&f, urgent - 1).hurried);
    assert_int_equal(decide(&f, urgent - 1).action, DCS_PLAN_REISSUE);
    p = decide(&f, urgent);
    assert_false(p.hurried);
    assert_int_equal(p.action, DCS_PLAN_REISSUE);
    assert_non_null(strstr(p.words, "urgent since"));
}

/* A certificate of a week, a window over days: due and urgent both fall into it. */
static void what_becomes_due_and_urgent_in_one_window_is_asked_for_before_it(void **state)
{
    struct dcs_plan_facts f = sound();

    (void)state;
    f.certificate.not_after = T0 + 7 * DAY - 1;
    struct dcs_plan_dates d = dates_of(&f);
    windows(&f, d.due - HOUR, d.urgent + HOUR);
    struct dcs_plan p = decide(&f, T0 + DAY);
    assert_int_equal(p.reason, DCS_WHY_FRESH);
    assert_true(p.moved_to < d.due - HOUR && p.moved_to > d.due - HOUR - DAY / 3);
    assert_non_null(strstr(p.words, "before the maintenance window"));
    assert_int_equal(p.next_change, p.moved_to);
    p = decide(&f, p.moved_to);
    assert_int_equal(p.action, DCS_PLAN_REISSUE);
    assert_true(p.hurried);
}

/* Urgent right after the end: waits no longer than that. */
static void waiting_ends_when_it_is_urgent(void **state)
{
    struct dcs_plan_facts f = sound();
    struct dcs_plan_dates d = dates_of(&f);

    (void)state;
    for (uint64_t host = 0; host < 500; host++) {
        f.hash = host * 0x9e3779b97f4a7c15ULL;
        d = dates_of(&f);
        windows(&f, d.urgent - 6 * DAY, d.urgent);
        struct dcs_plan p = decide(&f, d.urgent - DAY);
        assert_int_equal(p.reason, DCS_WHY_MAINTENANCE);
        assert_int_equal(p.held_until, d.urgent);
        assert_int_equal(decide(&f, d.urgent).action, DCS_PLAN_REISSUE);
    }
}

/* ---- what does not wait ---- */

static void make_urgent(struct dcs_plan_facts *f)
{
    f->certificate.not_after = T0 + 8 * DAY - 1;
    f->certificate.not_before = f->certificate.not_after + 1 - 199 * DAY;
}

static void make_expired(struct dcs_plan_facts *f)
{
    f->certificate.not_after = T0 - DAY;
    f->certificate.not_before = f->certificate.not_after + 1 - 199 * DAY;
}

static void make_revoked(struct dcs_plan_facts *f)
{
    f->certificate.revoked = true;
}

static void lose_key(struct dcs_plan_facts *f)
{
    f->certificate.has_key = false;
}

static void lose_all(struct dcs_plan_facts *f)
{
    f->certificate = (struct dcs_plan_certificate){ .not_before = -1, .not_after = -1 };
}

static void drift(struct dcs_plan_facts *f)
{
    f->certificate.scts = 0;
}

static void ask(struct dcs_plan_facts *f)
{
    f->verb = true;
}

static void everything_but_due_is_tried_in_a_window(void **state)
{
    static void (*const cases[])(struct dcs_plan_facts *) = {
        make_urgent, make_expired, make_revoked, lose_key, lose_all, drift, ask,
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        struct dcs_plan_facts f = sound();
        cases[i](&f);
        windows(&f, T0 - HOUR, T0 + HOUR);
        struct dcs_plan p = decide(&f, T0);
        if (!ASKS(p) || !p.in_window || p.held_until ||
            !strstr(p.words, "although maintenance is announced until 2026-11-24 01:00 UTC"))
            fail_msg("case %zu: %s", i, p.words);
    }
}

/* ---- hosts ---- */

/* A thousand hosts, due within one window: at most a tenth of them in any hour after it. */
static void hosts_do_not_stampede_at_the_end(void **state)
{
    static const int days[] = { 199, 99, 46, 7 };

    (void)state;
    for (size_t k = 0; k < DCS_COUNT(days); k++) {
        int64_t unit = days[k] * DAY / 30 < DAY ? days[k] * DAY / 30 : DAY;
        int bins[20] = { 0 };
        int waiting = 0;
        for (uint64_t host = 0; host < 20000; host++) {
            struct dcs_plan_facts f = sound();
            f.certificate.not_after = T0 + days[k] * DAY - 1;
            f.hash = host * 0x9e3779b97f4a7c15ULL + 12345;
            struct dcs_plan_dates d = dates_of(&f);
            int64_t middle = T0 + days[k] * DAY / 3 * 2 - days[k] * DAY / 60;
            if (days[k] < 10)
                middle = T0 + days[k] * DAY / 2 - days[k] * DAY / 60;
            windows(&f, middle - HOUR, middle + HOUR);
            if (d.due < middle - HOUR || d.due >= middle + HOUR)
                continue;
            struct dcs_plan p = decide(&f, d.due);
            assert_int_equal(p.reason, DCS_WHY_MAINTENANCE);
            int64_t bin = (p.held_until - (middle + HOUR)) * 20 / unit;
            assert_in_range(bin, 0, 19);
            bins[bin]++;
            waiting++;
        }
        assert_true(waiting > 200);
        for (size_t i = 0; i < DCS_COUNT(bins); i++)
            if (bins[i] > waiting / 8 || bins[i] < waiting / 60)
                fail_msg("%d days: %d of %d in part %zu", days[k], bins[i], waiting, i);
    }
}

/* ---- always ---- */

static uint64_t seed = 20261125;

static int64_t draw(int64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (int64_t)(seed % (uint64_t)below);
}

static void draw_windows(void)
{
    int64_t at = T0;

    for (spans.count = 0; spans.count < DCS_SPANS_MAX; spans.count++) {
        int64_t start = at + DCS_SPAN_GAP_S + draw(draw(3) ? 12 * DAY : DAY);
        at = start + 60 + draw(draw(4) ? 4 * HOUR : 7 * DAY - 60);
        spans.list[spans.count] = (struct dcs_span){ start, at };
    }
}

/* The first moment at which it would be asked for, going from change to change; -1 never. */
static int64_t first_ask(const struct dcs_plan_facts *f, int64_t from, int *ret_steps)
{
    int64_t now = from;

    for (*ret_steps = 0; *ret_steps < 1000; ++*ret_steps) {
        struct dcs_plan p = decide(f, now);
        if (ASKS(p))
            return now;
        if (p.next_change < 0)
            return -1;
        assert_true(p.next_change > now);
        now = p.next_change;
    }
    fail_msg("a plan that changes for ever");
    return -1;
}

static void never_later_than_urgent_and_never_without_end(void **state)
{
    static const int days[] = { 1, 3, 7, 30, 46, 99, 199, 397 };

    (void)state;
    for (int i = 0; i < 20000; i++) {
        struct dcs_plan_facts f = sound();
        int steps = 0;
        int64_t life = days[draw(DCS_COUNT(days))] * DAY;
        f.certificate.not_before = T0;
        f.certificate.not_after = T0 + life - 1;
        f.order.order_end = f.certificate.not_after + draw(400 * DAY);
        f.settings.human_approval = draw(4) == 0;
        f.hash = (uint64_t)draw(INT64_MAX);
        struct dcs_plan_dates d = dates_of(&f);
        int64_t without = first_ask(&f, T0, &steps);
        draw_windows();
        f.windows = &spans;
        int64_t with = first_ask(&f, T0, &steps);
        if (without < 0) { /* only a hurry could find a cause, and it needs a day to gain as well */
            assert_true(with < 0 || with <= d.urgent);
            continue;
        }
        if (with < 0 || (with > without && with > d.urgent))
            fail_msg("%d: %lld instead of %lld, urgent at %lld", i, (long long)(with - T0),
                     (long long)(without - T0), (long long)(d.urgent - T0));
        /* Earlier only to be before a window in which it would become urgent, by a day at most. */
        if (with < without && (with > d.urgent || !decide(&f, with).hurried))
            fail_msg("%d: %lld instead of %lld", i, (long long)(with - T0),
                     (long long)(without - T0));
    }
}

static void what_is_urgent_is_decided_as_without_windows(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        struct dcs_plan_facts f = sound();
        f.hash = (uint64_t)draw(INT64_MAX);
        f.order.order_end = f.certificate.not_after + draw(400 * DAY);
        struct dcs_plan_dates d = dates_of(&f);
        int64_t now = d.urgent + draw(40 * DAY);
        struct dcs_plan a = decide(&f, now);
        draw_windows();
        f.windows = &spans;
        struct dcs_plan b = decide(&f, now);
        assert_true(a.action == b.action && a.cause == b.cause && a.reason == b.reason);
    }
}

/* A calendar full of windows costs time, not much: 10,000 orders are planned in one run. */
static void many_windows_are_looked_through_in_passing(void **state)
{
    struct dcs_plan_facts f = sound();
    struct dcs_plan p;

    (void)state;
    spans.count = 0;
    for (int64_t i = 0; i < DCS_SPANS_MAX; i++)
        spans.list[spans.count++] =
            (struct dcs_span){ T0 + (130 + i / 4) * DAY + i % 4 * 5 * HOUR,
                               T0 + (130 + i / 4) * DAY + i % 4 * 5 * HOUR + 2 * HOUR };
    f.windows = &spans;
    for (int i = 0; i < 1000; i++)
        p = decide(&f, T0 + 100 * DAY + i);
    assert_int_equal(p.reason, DCS_WHY_FRESH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_becomes_due_in_a_window_waits_for_its_end),
        cmocka_unit_test(what_was_due_before_it_and_nobody_came_to_waits_as_well),
        cmocka_unit_test(what_becomes_due_after_the_end_does_not_wait),
        cmocka_unit_test(windows_far_away_change_nothing),
        cmocka_unit_test(between_two_windows_there_is_time),
        cmocka_unit_test(what_would_become_urgent_in_a_window_is_hurried),
        cmocka_unit_test(what_becomes_due_and_urgent_in_one_window_is_asked_for_before_it),
        cmocka_unit_test(waiting_ends_when_it_is_urgent),
        cmocka_unit_test(everything_but_due_is_tried_in_a_window),
        cmocka_unit_test(hosts_do_not_stampede_at_the_end),
        cmocka_unit_test(never_later_than_urgent_and_never_without_end),
        cmocka_unit_test(what_is_urgent_is_decided_as_without_windows),
        cmocka_unit_test(many_windows_are_looked_through_in_passing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
