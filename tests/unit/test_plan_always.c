// SPDX-License-Identifier: Apache-2.0
/* test_plan_always.c - what holds for facts drawn at random: when decisions change, and that they
 * end. */
#include "plan_facts.h"

static struct dcs_names_diff lost = { .change = DCS_NAMES_LOST, .lost_count = 1, .lost = "b.x" };
static struct dcs_names_diff added = { .change = DCS_NAMES_ADDED };

static uint64_t seed = 20261124;

static uint64_t draw(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

static bool one_in(uint64_t n)
{
    return draw(n) == 0;
}

static void draw_order(struct dcs_plan_facts *f)
{
    static const enum dcs_order_status statuses[] = { DCS_ORDER_REISSUE_PENDING, DCS_ORDER_PENDING,
                                                      DCS_ORDER_CANCELED, DCS_ORDER_EXPIRED };

    if (one_in(10))
        f->order.status = statuses[draw(DCS_COUNT(statuses))];
    if (one_in(6))
        f->order.product = (enum dcs_product)draw(9);
    f->order.known = !one_in(30);
    f->order.order_end = one_in(8) ? -1 : T0 + (int64_t)draw(1100) * DAY - 1;
    if (one_in(3)) /* near the end of the cached one */
        f->order.order_end = f->certificate.not_after + ((int64_t)draw(80) - 20) * DAY;
    f->order.has_successor = one_in(20);
    f->order.disable_ct = (enum dcs_tri)draw(3);
    if (one_in(2))
        f->order.primary_not_after = one_in(5) ? 0 : T0 + (int64_t)draw(400) * DAY - 1;
}

/* Hours to days long, hours to weeks apart: as they are after merging. */
static const struct dcs_spans *draw_windows(void)
{
    static struct dcs_spans spans;
    int64_t at = T0 - 10 * DAY + (int64_t)draw((uint64_t)(100 * DAY));

    for (spans.count = 0; spans.count < 40; spans.count++) {
        int64_t start = at + DCS_SPAN_GAP_S + (int64_t)draw((uint64_t)(one_in(4) ? DAY : 30 * DAY));
        at = start + 60 + (int64_t)draw((uint64_t)(one_in(4) ? 6 * DAY : 10000));
        spans.list[spans.count] = (struct dcs_span){ start, at };
    }
    return one_in(3) ? NULL : &spans;
}

static struct dcs_plan_facts draw_facts(const struct dcs_ct_wish *record, int64_t now)
{
    static const int lives[] = { 1, 7, 30, 46, 99, 180, 199, 397, 825 };
    struct dcs_plan_facts f = sound();
    int64_t life = lives[draw(DCS_COUNT(lives))] - (int64_t)draw(2);

    f.certificate.exists = !one_in(15);
    f.certificate.has_key = !one_in(8);
    f.certificate.revoked = one_in(12);
    f.certificate.revocation_pending = one_in(15);
    f.certificate.is_held = one_in(8);
    f.certificate.scts = (int)draw(5) - 1;
    f.certificate.client_auth = one_in(2);
    f.certificate.not_before = T0 - (int64_t)draw(60) * DAY;
    f.certificate.not_after = f.certificate.not_before + (life > 0 ? life : 1) * DAY - 1;
    draw_order(&f);
    f.settings.limits = one_in(3) ? of_199_days() : dcs_limits_builtin();
    f.settings.reissue = one_in(5) ? DCS_REISSUE_NEVER : DCS_REISSUE_AUTO;
    f.settings.via = one_in(3) ? DCS_VIA_DUPLICATE : DCS_VIA_REISSUE;
    f.settings.ct = (enum dcs_ct)draw(3);
    f.settings.client_auth_needed = one_in(8);
    f.settings.key_in_token = one_in(3);
    f.settings.human_approval = one_in(4);
    f.hash = draw(UINT64_MAX);
    f.ours.exists = one_in(15);
    f.foreign.exists = one_in(15);
    f.foreign.since = one_in(3) ? -1 : T0;
    f.closed =
        (struct dcs_plan_closed){ one_in(5), T0 + (int64_t)draw(300) * DAY, (enum dcs_cause)draw(7),
                                  one_in(3), one_in(3) ? T0 + (int64_t)draw(300) * DAY : 0 };
    f.verb = one_in(12);
    f.allow_san_change = one_in(2);
    f.names = one_in(10) ? &lost : one_in(2) ? &added : NULL;
    f.clock_skew_s = one_in(15) ? 4000 : 0;
    f.counted_day = dcs_time_midnight(now) - (int64_t)draw(2) * DAY;
    f.made_here = (int)draw(5);
    f.seen_there = one_in(4) ? 12 : 0;
    f.end_of_order = one_in(3) ? f.order.order_end : 0;
    f.custom_end_refused = one_in(4);
    f.answered = one_in(3) ? record : NULL;
    f.windows = draw_windows();
    return f;
}

static bool same(const struct dcs_plan *a, const struct dcs_plan *b)
{
    return a->action == b->action && a->cause == b->cause && a->reason == b->reason;
}

static void check_plan(const struct dcs_plan_facts *f, int64_t now, const struct dcs_plan *p)
{
    bool asks = p->action == DCS_PLAN_REISSUE || p->action == DCS_PLAN_DUPLICATE;
    bool refused = p->action == DCS_PLAN_REFUSED;

    assert_int_equal(asks, p->reason == DCS_WHY_GO);
    assert_int_equal(refused, p->reason >= DCS_WHY_NO_ORDER);
    assert_int_equal(p->action == DCS_PLAN_RENEWAL_DUE, p->reason == DCS_WHY_ORDER_END);
    assert_int_equal(p->action == DCS_PLAN_PENDING, p->reason == DCS_WHY_OURS_PENDING);
    assert_int_equal(p->action == DCS_PLAN_WAIT,
                     p->reason >= DCS_WHY_FRESH && p->reason <= DCS_WHY_MAINTENANCE);
    assert_true(strlen(p->words) < sizeof(p->words) - 1); /* nothing is cut */
    if (!asks)
        return;
    assert_true(p->cause != DCS_CAUSE_NONE && f->order.known);
    assert_true(p->expected_end < 0 || p->expected_end >= now);
    if (p->cause == DCS_CAUSE_DUE || p->cause == DCS_CAUSE_URGENT)
        assert_true(p->expected_end < 0 || p->gain_s >= DAY);
    assert_true(!p->ask_end || p->ask_end == p->expected_end);
    assert_true(!p->ask_end || p->ask_end == f->order.order_end);
}

static void the_next_change_is_where_the_decision_changes(void **state)
{
    const struct dcs_ct_wish record = { DCS_NO, DCS_UNKNOWN, DCS_CT_AS_ORDER };
    int changes = 0;

    (void)state;
    for (int i = 0; i < 40000; i++) {
        /* Half of them around the step of 2027-03-15, where most can change. */
        int64_t now = T0 + (int64_t)draw((uint64_t)((one_in(2) ? 130 : 500) * DAY));
        struct dcs_plan_facts f = draw_facts(&record, now);
        struct dcs_plan p = decide(&f, now);
        check_plan(&f, now, &p);
        int64_t until = p.next_change < 0 ? now + 2500 * DAY : p.next_change;
        assert_true(until > now);
        for (int k = 0; k < 12; k++) { /* somewhere before it, and right before it */
            int64_t at = k ? now + (int64_t)draw((uint64_t)(until - now)) : until - 1;
            struct dcs_plan q = decide(&f, at);
            if (!same(&p, &q))
                fail_msg("%d: at %lld of %lld: %s / %s", i, (long long)(at - now),
                         (long long)(p.next_change - now), p.words, q.words);
        }
        if (p.next_change < 0)
            continue;
        struct dcs_plan q = decide(&f, p.next_change);
        assert_false(same(&p, &q));
        changes++;
    }
    assert_true(changes > 4000);
}

static void causes_only_grow_with_time(void **state)
{
    const struct dcs_ct_wish record = { DCS_NO, DCS_UNKNOWN, DCS_CT_AS_ORDER };

    (void)state;
    for (int i = 0; i < 3000; i++) {
        struct dcs_plan_facts f = draw_facts(&record, T0);
        struct dcs_plan last = decide(&f, T0);
        bool due_was_over = false;
        for (int64_t now = T0; now < T0 + 900 * DAY; now += 3 * DAY + (int64_t)draw(DAY)) {
            struct dcs_plan p = decide(&f, now);
            assert_true(p.cause >= last.cause && p.stage >= last.stage);
            /* What has ended does not begin again. */
            due_was_over |= p.reason == DCS_WHY_ORDER_ENDED;
            assert_true(!due_was_over || p.action == DCS_PLAN_REFUSED ||
                        f.settings.reissue == DCS_REISSUE_NEVER);
            last = p;
        }
    }
}

static void every_reason_is_met_at_random(void **state)
{
    const struct dcs_ct_wish record = { DCS_NO, DCS_UNKNOWN, DCS_CT_AS_ORDER };
    int met[DCS_WHY_COUNT] = { 0 };

    (void)state;
    for (int i = 0; i < 100000; i++) {
        int64_t now = T0 + (int64_t)draw((uint64_t)(400 * DAY));
        struct dcs_plan_facts f = draw_facts(&record, now);
        struct dcs_plan p = decide(&f, now);
        met[p.reason]++;
    }
    for (int why = 0; why < DCS_WHY_COUNT; why++)
        if (met[why] == 0)
            fail_msg("never met: %s", dcs_plan_reason_name((enum dcs_plan_reason)why));
}

/* A CA that gives what it likes, and an order that takes it: the number stays that of the lives. */
static void accepting_what_comes_makes_no_loop(void **state)
{
    (void)state;
    for (int i = 0; i < 4000; i++) {
        struct dcs_plan_facts f = sound();
        int64_t now = T0;
        int64_t moved = (int64_t)draw(4); /* days that ends are moved by, under four */
        bool refuses_dates = one_in(2);
        int certificates = 0;
        f.settings.limits = one_in(2) ? of_199_days() : dcs_limits_builtin();
        f.settings.human_approval = one_in(3);
        f.order.order_end = T0 + (int64_t)(200 + draw(600)) * DAY - 1;
        f.custom_end_refused = refuses_dates;
        for (int step = 0; step < 1000; step++) {
            struct dcs_plan p = decide(&f, now);
            f.hash = draw(UINT64_MAX);
            if (p.action == DCS_PLAN_REISSUE) {
                int64_t end = p.expected_end - (p.ask_end ? 0 : moved * DAY);
                if (one_in(8)) /* much shorter than promised: a step that nobody announced */
                    end = now + (int64_t)(20 + draw(30)) * DAY;
                if (end > f.order.order_end)
                    end = f.order.order_end;
                f.certificate.not_before = dcs_time_midnight(now);
                f.certificate.not_after = dcs_time_midnight(end) + DAY - 1;
                if (f.certificate.not_after > f.order.order_end)
                    f.certificate.not_after = f.order.order_end;
                if (dcs_plan_is_end(f.order.order_end, p.expected_end, f.certificate.not_after))
                    f.end_of_order = f.order.order_end;
                certificates++;
                now += 3600;
                continue;
            }
            p = decide(&f, now);
            if (p.next_change < 0)
                break;
            now = p.next_change;
        }
        /* The shortest life is 20 days, of which two thirds are used: 800 days, 13 days each. */
        if (certificates > 62 || now < f.order.order_end - 60 * DAY)
            fail_msg("%d: %d certificates, stopped %lld days before the end", i, certificates,
                     (long long)((f.order.order_end - now) / DAY));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_change_is_where_the_decision_changes),
        cmocka_unit_test(causes_only_grow_with_time),
        cmocka_unit_test(every_reason_is_met_at_random),
        cmocka_unit_test(accepting_what_comes_makes_no_loop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
