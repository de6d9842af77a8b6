// SPDX-License-Identifier: Apache-2.0
/*
 * test_plan_year.c - an order's life played against a CA that shortens: how many certificates it
 * takes, that none is missing on any day, and that nothing is asked for again and again. The
 * numbers are those of design.md section 7.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "flow/policy_plan.h"

enum { DAY = 86400, TICK = 6 * 3600 };
static const int64_t YEAR_BEGIN = 1767225600; /* 2026-01-01, a Thursday */

static uint64_t mix(uint64_t value)
{
    value += 0x9E3779B97F4A7C15u;
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9u;
    value = (value ^ (value >> 27)) * 0x94D049BB133111EBu;
    return value ^ (value >> 31);
}

/* One maximum for ever. */
static struct dcs_limits only(int days)
{
    struct dcs_limits limits = *dcs_limits_builtin();

    for (size_t i = 0; i < DCS_LIMIT_ROWS; i++)
        limits.tables[DCS_LIMIT_TLS][i] = (struct dcs_limit_row){ 0 };
    limits.tables[DCS_LIMIT_TLS][0] = (struct dcs_limit_row){ 0, days + 1, days };
    return limits;
}

/* How the CA and the world behave. */
struct world {
    const struct dcs_limits *limits;
    int order_days;
    uint64_t seed;        /* spread, moments of sync, outages */
    int64_t outage_max;   /* of this length at most, just when a request is to be made */
    bool outage_is_full;  /* always the longest */
    bool moves_ends;      /* off weekends, unless asked for a date */
    bool no_custom_end;   /* refuses custom_expiration_date */
    bool forgets_the_end; /* the record end_of_order is not kept: what the rule is for */
    int64_t approval_max; /* a person approves within that time */
};

struct course {
    int certificates;
    int64_t last_end, order_end;
    int64_t gap_s; /* time without a valid certificate */
    bool renewal_said;
};

/* Saturday and Sunday back to Friday: DigiCert's rule without its holidays. */
static int64_t off_weekend(int64_t end)
{
    int64_t weekday = (end / DAY + 4) % 7; /* 1970-01-01 was a Thursday; 0 is Sunday */

    if (weekday == 0)
        return end - 2 * DAY;
    return weekday == 6 ? end - DAY : end;
}

static int64_t up_to(uint64_t *seed, int64_t max)
{
    *seed = mix(*seed);
    return max > 0 ? (int64_t)(*seed % (uint64_t)(max + 1)) : 0;
}

static void issue(const struct world *world, int64_t now, int64_t ask_end,
                  struct dcs_plan_facts *facts)
{
    const struct dcs_limit_row *row = dcs_limit_at(world->limits, DCS_LIMIT_TLS, now);
    int64_t begin = dcs_time_midnight(now);
    int64_t end = begin + (int64_t)row->ca_days * DAY - 1;

    if (end > facts->order.order_end)
        end = facts->order.order_end;
    if (ask_end && ask_end < end)
        end = ask_end;
    if (world->moves_ends && !ask_end)
        end = off_weekend(end);
    facts->certificate.not_before = begin;
    facts->certificate.not_after = end;
    facts->hash = mix(world->seed ^ (uint64_t)begin); /* each serial has its own */
}

/* The answer comes, and a keeper writes down what policy asks it to. */
static void commit(const struct world *world, const struct dcs_plan *plan, int64_t now,
                   struct dcs_plan_facts *facts, struct course *course)
{
    int64_t before = facts->certificate.not_after;
    int64_t day = dcs_time_midnight(now);

    issue(world, now, world->no_custom_end ? 0 : plan->ask_end, facts);
    if (!world->forgets_the_end &&
        dcs_plan_is_end(facts->order.order_end, plan->expected_end, facts->certificate.not_after))
        facts->end_of_order = facts->order.order_end;
    facts->made_here = facts->counted_day == day ? facts->made_here + 1 : 1;
    facts->seen_there = facts->made_here;
    facts->counted_day = day;
    if (now > before + 1)
        course->gap_s += now - before - 1;
    course->certificates++;
}

/* The CA may be away just then: what is asked for when it is back is decided anew. */
static void take_request(const struct world *world, struct dcs_plan *plan, uint64_t *seed,
                         int64_t *now, struct dcs_plan_facts *facts, struct course *course)
{
    *now += world->outage_is_full ? world->outage_max : up_to(seed, world->outage_max);
    dcs_plan_decide(facts, *now, plan);
    if (plan->action != DCS_PLAN_REISSUE)
        return;
    *now += up_to(seed, world->approval_max);
    commit(world, plan, *now, facts, course);
    *now += TICK;
}

static struct course play(const struct world *world, int64_t start)
{
    uint64_t seed = mix(world->seed ^ (uint64_t)start);
    int64_t now = start + up_to(&seed, TICK);
    struct dcs_plan_facts facts = {
        .certificate = { .exists = true, .has_key = true, .scts = 3 },
        .order = { .known = true,
                   .status = DCS_ORDER_ISSUED,
                   .product = DCS_PRODUCT_PUBLIC_TLS,
                   .order_end = dcs_time_midnight(start) + (int64_t)world->order_days * DAY - 1,
                   .disable_ct = DCS_NO,
                   .primary_not_after = -1,
                   .dcv_valid_until = -1 },
        .settings = { .limits = world->limits,
                      .reissue = DCS_REISSUE_AUTO,
                      .human_approval = world->approval_max > 0,
                      .max_reissues_per_day = 12 },
    };
    struct course course = { .certificates = 1, .order_end = facts.order.order_end };
    struct dcs_plan plan;

    issue(world, now, 0, &facts); /* by the purchase */
    for (int i = 0; now <= facts.order.order_end; i++) {
        if (i > 2000)
            fail_msg("a loop: %d certificates", course.certificates);
        dcs_plan_decide(&facts, now, &plan);
        if (plan.action == DCS_PLAN_REISSUE) {
            take_request(world, &plan, &seed, &now, &facts, &course);
            continue;
        }
        course.renewal_said |= plan.action == DCS_PLAN_RENEWAL_DUE;
        if (plan.next_change < 0)
            break;
        /* The next sync after the change. */
        int64_t ticks = (plan.next_change - now + TICK - 1) / TICK;
        now += ticks * TICK;
    }
    course.last_end = facts.certificate.not_after;
    if (course.last_end < course.order_end)
        course.gap_s += course.order_end - course.last_end;
    return course;
}

/* ---- the design's numbers ---- */

static const struct {
    int days, certificates;
} designed[] = { { 199, 2 }, { 99, 5 }, { 46, 12 } };

struct spread {
    int least, most, runs, over;
};

static struct spread play_all(const struct dcs_limits *limits, bool moves_ends, int limit)
{
    struct spread s = { .least = 1000 };

    for (int start = 0; start < 365; start++) {
        for (uint64_t host = 0; host < 60; host++) {
            const struct world world = {
                .limits = limits,
                .order_days = 365,
                .seed = host,
                /* a third of the hosts each: none, up to five days, always five days */
                .outage_max = host % 3 ? 5 * DAY : 0,
                .outage_is_full = host % 3 == 2,
                .moves_ends = moves_ends,
            };
            struct course c = play(&world, YEAR_BEGIN + (int64_t)start * DAY);
            if (c.gap_s || c.last_end != c.order_end)
                fail_msg("start %d, host %d: gap of %lld s", start, (int)host, (long long)c.gap_s);
            s.least = c.certificates < s.least ? c.certificates : s.least;
            s.most = c.certificates > s.most ? c.certificates : s.most;
            s.over += c.certificates > limit;
            s.runs++;
        }
    }
    return s;
}

static void a_year_takes_what_the_design_says_and_ends_with_the_order(void **state)
{
    (void)state;
    for (size_t d = 0; d < DCS_COUNT(designed); d++) {
        const struct dcs_limits limits = only(designed[d].days);
        struct spread s = play_all(&limits, false, designed[d].certificates);
        print_message("365 days by %d: %d to %d certificates in %d lives\n", designed[d].days,
                      s.least, s.most, s.runs);
        assert_int_equal(s.most, designed[d].certificates);
    }
}

/* Certificates in the middle of the plan, which nobody asks a date for, are up to two days shorter
 * then; twelve of 46 days have no room for that at a few starts. */
static void ends_moved_off_weekends_cost_one_more_at_most(void **state)
{
    (void)state;
    for (size_t d = 0; d < DCS_COUNT(designed); d++) {
        const struct dcs_limits limits = only(designed[d].days);
        struct spread s = play_all(&limits, true, designed[d].certificates);
        print_message("365 days by %d, off weekends: %d to %d, %d of %d lives over the plan\n",
                      designed[d].days, s.least, s.most, s.over, s.runs);
        assert_true(s.most <= designed[d].certificates + (designed[d].days == 46));
    }
}

/* Fourteen days or L/10 earlier, and seven days more of rest: approval may cost one or two more. */
static void a_person_who_approves_within_a_week_leaves_no_gap(void **state)
{
    static const int allowed[] = { 3, 6, 14 };

    (void)state;
    for (size_t d = 0; d < DCS_COUNT(designed); d++) {
        const struct dcs_limits limits = only(designed[d].days);
        int most = 0;
        for (int start = 0; start < 365; start++) {
            for (uint64_t host = 0; host < 12; host++) {
                const struct world world = { .limits = &limits,
                                             .order_days = 365,
                                             .seed = host,
                                             .moves_ends = host & 1,
                                             .approval_max = 7 * DAY };
                struct course c = play(&world, YEAR_BEGIN + (int64_t)start * DAY);
                if (c.gap_s || c.last_end != c.order_end || c.certificates > allowed[d])
                    fail_msg("%d days, start %d, host %d: %d certificates, gap of %lld s",
                             designed[d].days, start, (int)host, c.certificates,
                             (long long)c.gap_s);
                most = c.certificates > most ? c.certificates : most;
            }
        }
        print_message("365 days by %d, approved by a person: at most %d\n", designed[d].days, most);
    }
}

/* The most that the timing can need by the tables: each replaced as early as due allows. */
static int most_by_tables(const struct dcs_limits *limits, int64_t start, int64_t order_end)
{
    int count = 1;

    for (int64_t at = dcs_time_midnight(start);;) {
        int64_t days = dcs_limit_at(limits, DCS_LIMIT_TLS, at)->ca_days;
        if (at + days * DAY > order_end)
            return count;
        at += (days * 2 / 3 - days / 30 - 1) * DAY;
        count++;
    }
}

static void steps_of_the_table_leave_no_gap_and_cost_one_more_at_most(void **state)
{
    const struct dcs_limits *limits = dcs_limits_builtin();
    int worst = -100;
    int most = 0;

    (void)state;
    /* Orders that begin from 2026-03-15 to 2030-01-01 cross 2027-03-15, 2029-03-15 or neither. */
    for (int64_t start = 1773532800; start < 1893456000; start += DAY) {
        int bound = most_by_tables(limits, start, start + 365LL * DAY - 1);
        for (uint64_t host = 0; host < 12; host++) {
            const struct world world = { .limits = limits,
                                         .order_days = 365,
                                         .seed = host,
                                         .outage_max = host % 3 ? 5 * DAY : 0,
                                         .outage_is_full = host % 3 == 2,
                                         .moves_ends = host & 1 };
            struct course c = play(&world, start);
            if (c.gap_s || c.last_end != c.order_end || c.certificates > bound + 1)
                fail_msg("start %lld, host %d: %d certificates (%d), gap of %lld s",
                         (long long)start, (int)host, c.certificates, bound, (long long)c.gap_s);
            worst = c.certificates - bound > worst ? c.certificates - bound : worst;
            most = c.certificates > most ? c.certificates : most;
        }
    }
    print_message("365 days over the steps: at most %d, %d against the tables' bound\n", most,
                  worst);
}

/* ---- the loop at the end of an order ---- */

static int most_of_56(const struct dcs_limits *limits, bool forgets, int more_than, int *ret_loops)
{
    int most = 0;

    *ret_loops = 0;
    for (int start = 0; start < 56; start++) {
        const struct world world = { .limits = limits,
                                     .order_days = 365,
                                     .seed = 7,
                                     .moves_ends = true,
                                     .no_custom_end = true,
                                     .forgets_the_end = forgets };
        struct course c = play(&world, YEAR_BEGIN + (int64_t)start * DAY);
        most = c.certificates > most ? c.certificates : most;
        *ret_loops += c.certificates > more_than;
        if (!forgets && c.gap_s >= 4LL * DAY) /* what the CA moved it by, no more */
            fail_msg("start %d: gap of %lld s after %d certificates, last %lld of %lld", start,
                     (long long)c.gap_s, c.certificates, (long long)c.last_end,
                     (long long)c.order_end);
        assert_true(c.renewal_said || forgets);
    }
    return most;
}

static void an_end_that_was_moved_off_a_weekend_makes_no_loop(void **state)
{
    (void)state;
    for (size_t d = 0; d < DCS_COUNT(designed); d++) {
        const struct dcs_limits limits = only(designed[d].days);
        int loops = 0;
        int most = most_of_56(&limits, false, designed[d].certificates, &loops);
        assert_int_equal(loops, 0);
        assert_true(most <= designed[d].certificates);
        /* Without the record 16 of 56 starts go round: Saturdays and Sundays, two in seven. */
        int without = most_of_56(&limits, true, designed[d].certificates, &loops);
        print_message("56 starts by %d: at most %d; without the record %d of 56 loop, up to %d\n",
                      designed[d].days, most, loops, without);
        assert_true(loops > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_year_takes_what_the_design_says_and_ends_with_the_order),
        cmocka_unit_test(ends_moved_off_weekends_cost_one_more_at_most),
        cmocka_unit_test(a_person_who_approves_within_a_week_leaves_no_gap),
        cmocka_unit_test(steps_of_the_table_leave_no_gap_and_cost_one_more_at_most),
        cmocka_unit_test(an_end_that_was_moved_off_a_weekend_makes_no_loop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
