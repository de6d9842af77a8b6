// SPDX-License-Identifier: Apache-2.0
/* test_policy.c - the stages of a certificate's life, and the load table row by row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "flow/policy.h"

enum { DAY = 86400 };

#define LIFE(days)                                            \
    {                                                         \
        .not_before = 0, .not_after = (int64_t)(days)*DAY - 1 \
    }

static void stages_begin_where_the_formulas_say(void **state)
{
    const struct dcs_life life = LIFE(199);
    static const struct {
        int64_t now;
        enum dcs_stage want;
    } cases[] = {
        { 0, DCS_STAGE_FRESH },
        { 199LL * DAY / 3 * 2 - 1, DCS_STAGE_FRESH },
        { 199LL * DAY / 3 * 2, DCS_STAGE_DUE }, /* two thirds of the life */
        { 199LL * DAY - 199LL * DAY / 20 - 1, DCS_STAGE_DUE },
        { 199LL * DAY - 199LL * DAY / 20, DCS_STAGE_URGENT }, /* L/20 = 9.95 days left */
        { 199LL * DAY - 199LL * DAY / 50, DCS_STAGE_CRITICAL },
        { 199LL * DAY - 1, DCS_STAGE_CRITICAL }, /* notAfter itself is the last good second */
        { 199LL * DAY, DCS_STAGE_EXPIRED },
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++)
        assert_int_equal(dcs_policy_stage(&life, cases[i].now), cases[i].want);
}

static void short_lives_keep_the_order_of_their_stages(void **state)
{
    (void)state;
    for (int days = 1; days <= 825; days++) {
        struct dcs_life life = LIFE(days);
        struct dcs_life_times t;
        for (int approval = 0; approval <= 1; approval++) {
            life.human_approval = approval;
            dcs_policy_times(&life, &t);
            assert_true(t.due > life.not_before);
            assert_true(t.due < t.urgent && t.urgent < t.critical);
            assert_true(t.critical <= life.not_after);
        }
    }
}

static void a_life_never_gets_younger(void **state)
{
    (void)state;
    for (int days = 2; days <= 400; days += 7) {
        struct dcs_life life = LIFE(days);
        int last = DCS_STAGE_FRESH;
        for (int64_t now = 0; now <= life.not_after + DAY; now += 3607) {
            int stage = (int)dcs_policy_stage(&life, now);
            assert_true(stage >= last);
            last = stage;
        }
        assert_int_equal(last, DCS_STAGE_EXPIRED);
    }
}

static void the_spread_stays_within_a_thirtieth(void **state)
{
    const struct dcs_life life = LIFE(199);

    (void)state;
    for (uint64_t i = 0; i < 1000; i++) {
        int64_t spread = dcs_policy_spread(&life, i * 0x9E3779B97F4A7C15u);
        assert_true(spread >= 0 && spread < 199LL * DAY / 30);
    }
}

static void revoked_comes_before_every_date(void **state)
{
    struct dcs_life life = LIFE(199);

    (void)state;
    life.revoked = true;
    assert_int_equal(dcs_policy_stage(&life, 0), DCS_STAGE_REVOKED);
}

static void the_load_table_holds_row_by_row(void **state)
{
    static const struct {
        enum dcs_stage stage;
        bool has_key, is_auto, pinned, server_auth;
        enum dcs_tri serve_expired;
        enum dcs_action want;
    } cases[] = {
        { DCS_STAGE_NONE, false, false, false, false, DCS_UNKNOWN, DCS_ACT_FETCH },
        { DCS_STAGE_FRESH, false, false, false, true, DCS_UNKNOWN, DCS_ACT_SERVE },
        { DCS_STAGE_DUE, true, true, false, true, DCS_UNKNOWN, DCS_ACT_SERVE },
        /* auto without a key is nothing usable, whatever is asked for */
        { DCS_STAGE_FRESH, false, true, false, true, DCS_UNKNOWN, DCS_ACT_FETCH },
        { DCS_STAGE_URGENT, true, false, false, true, DCS_UNKNOWN, DCS_ACT_REFRESH_THEN_SERVE },
        { DCS_STAGE_CRITICAL, true, false, false, true, DCS_UNKNOWN, DCS_ACT_REFRESH_THEN_SERVE },
        { DCS_STAGE_EXPIRED, true, false, false, true, DCS_UNKNOWN, DCS_ACT_FETCH_OR_SERVE },
        { DCS_STAGE_EXPIRED, true, false, false, false, DCS_UNKNOWN, DCS_ACT_FETCH },
        { DCS_STAGE_EXPIRED, true, false, false, true, DCS_NO, DCS_ACT_FETCH },
        { DCS_STAGE_EXPIRED, true, false, false, false, DCS_YES, DCS_ACT_FETCH_OR_SERVE },
        { DCS_STAGE_REVOKED, true, false, false, true, DCS_UNKNOWN, DCS_ACT_FETCH_OR_SERVE },
        { DCS_STAGE_REVOKED, true, false, false, true, DCS_NO, DCS_ACT_FETCH },
        /* pins always serve */
        { DCS_STAGE_EXPIRED, false, true, true, false, DCS_NO, DCS_ACT_SERVE },
        { DCS_STAGE_NONE, false, false, true, false, DCS_NO, DCS_ACT_FETCH },
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        const struct dcs_load_facts facts = { .stage = cases[i].stage,
                                              .has_key = cases[i].has_key,
                                              .is_auto = cases[i].is_auto,
                                              .is_pinned = cases[i].pinned,
                                              .server_auth = cases[i].server_auth,
                                              .serve_expired = cases[i].serve_expired };
        struct dcs_decision decision;
        dcs_policy_load(&facts, &decision);
        assert_int_equal(decision.action, cases[i].want);
        assert_true(decision.reason[0]);
        /* Only who has nothing to serve at all asks whatever the last attempt left. */
        bool is_nothing = cases[i].stage == DCS_STAGE_NONE ||
                          (cases[i].is_auto && !cases[i].has_key && !cases[i].pinned);
        assert_int_equal(decision.heeds_next_try, !is_nothing);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stages_begin_where_the_formulas_say),
        cmocka_unit_test(short_lives_keep_the_order_of_their_stages),
        cmocka_unit_test(a_life_never_gets_younger),
        cmocka_unit_test(the_spread_stays_within_a_thirtieth),
        cmocka_unit_test(revoked_comes_before_every_date),
        cmocka_unit_test(the_load_table_holds_row_by_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
