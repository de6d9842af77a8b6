// SPDX-License-Identifier: Apache-2.0
/* test_ct.c - order, certificate and configuration about CT (facts/policy.md 2.5), and the
 * browsers' rule (2.2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flow/policy_ct.h"

enum { DAY = 86400 };

static void each_row_of_the_table_is_judged_as_it_says(void **state)
{
    static const struct {
        enum dcs_tri disable_ct;
        int scts;
        int64_t lifetime;
        enum dcs_ct mode;
        enum dcs_ct_state want;
    } cases[] = {
        { DCS_NO, 3, 199 * DAY, DCS_CT_AS_ORDER, DCS_CT_IN_STEP },
        { DCS_NO, 0, 199 * DAY, DCS_CT_AS_ORDER, DCS_CT_DRIFT_LOG },  /* no SCT is not success */
        { DCS_NO, -1, 199 * DAY, DCS_CT_AS_ORDER, DCS_CT_DRIFT_LOG }, /* nor is a malformed list */
        { DCS_NO, 2, 199 * DAY, DCS_CT_AS_ORDER, DCS_CT_DRIFT_FEW },
        { DCS_NO, 2, 99 * DAY, DCS_CT_AS_ORDER, DCS_CT_IN_STEP }, /* two do up to 180 days */
        { DCS_NO, 1, 99 * DAY, DCS_CT_AS_ORDER, DCS_CT_DRIFT_FEW },
        { DCS_YES, 0, 199 * DAY, DCS_CT_AS_ORDER, DCS_CT_IN_STEP },
        { DCS_YES, 3, 199 * DAY, DCS_CT_AS_ORDER, DCS_CT_DRIFT_UNLOG },
        { DCS_YES, -1, 199 * DAY, DCS_CT_AS_ORDER, DCS_CT_UNKNOWN },
        { DCS_UNKNOWN, 0, 199 * DAY, DCS_CT_AS_ORDER, DCS_CT_UNKNOWN },
        { DCS_UNKNOWN, 3, 199 * DAY, DCS_CT_LOGGED, DCS_CT_UNKNOWN },
        /* a wish that the order shares is as-order */
        { DCS_NO, 0, 199 * DAY, DCS_CT_LOGGED, DCS_CT_DRIFT_LOG },
        { DCS_NO, 3, 199 * DAY, DCS_CT_LOGGED, DCS_CT_IN_STEP },
        { DCS_YES, 3, 199 * DAY, DCS_CT_UNLOGGED, DCS_CT_DRIFT_UNLOG },
        { DCS_YES, 0, 199 * DAY, DCS_CT_UNLOGGED, DCS_CT_IN_STEP },
        /* one that it does not share is for a person, whatever the certificate has */
        { DCS_YES, 0, 199 * DAY, DCS_CT_LOGGED, DCS_CT_MISMATCH },
        { DCS_YES, 3, 199 * DAY, DCS_CT_LOGGED, DCS_CT_MISMATCH },
        { DCS_NO, 3, 199 * DAY, DCS_CT_UNLOGGED, DCS_CT_MISMATCH },
        { DCS_NO, 0, 199 * DAY, DCS_CT_UNLOGGED, DCS_CT_MISMATCH },
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        struct dcs_ct_facts facts = {
            .public_tls = true,
            .scts = cases[i].scts,
            .lifetime = cases[i].lifetime,
            .wish = { .disable_ct = cases[i].disable_ct, .mode = cases[i].mode },
        };
        struct dcs_ct_judgement j;
        dcs_ct_judge(&facts, NULL, "order/123", &j);
        if (j.state != cases[i].want)
            fail_msg("case %zu: %s", i, dcs_ct_state_name(j.state));
        assert_false(j.repeated);
        assert_true(j.words[0]);
        facts.public_tls = false; /* private roots are exempt, logs refuse them */
        dcs_ct_judge(&facts, NULL, NULL, &j);
        assert_int_equal(j.state, DCS_CT_NOT_JUDGED);
    }
}

static void a_disagreement_names_the_command(void **state)
{
    struct dcs_ct_facts facts = { .public_tls = true,
                                  .wish = { .disable_ct = DCS_YES, .mode = DCS_CT_LOGGED } };
    struct dcs_ct_judgement j;

    (void)state;
    dcs_ct_judge(&facts, NULL, "order/123", &j);
    assert_non_null(strstr(j.words, "`digicert-store ct order/123 logged`"));
    facts.wish = (struct dcs_ct_wish){ .disable_ct = DCS_NO, .mode = DCS_CT_UNLOGGED };
    dcs_ct_judge(&facts, NULL, NULL, &j);
    assert_non_null(strstr(j.words, "`digicert-store ct URI unlogged`"));
}

static void a_drift_is_answered_once_until_a_setting_changes(void **state)
{
    const struct dcs_ct_wish answered = { DCS_NO, DCS_UNKNOWN, DCS_CT_AS_ORDER };
    static const struct {
        struct dcs_ct_wish wish;
        int scts;
        bool drifts, repeated;
    } cases[] = {
        { { DCS_NO, DCS_UNKNOWN, DCS_CT_AS_ORDER }, 0, true, true },
        { { DCS_YES, DCS_UNKNOWN, DCS_CT_AS_ORDER }, 3, true, false }, /* the order's setting */
        { { DCS_NO, DCS_YES, DCS_CT_AS_ORDER }, 0, true, false },      /* the account's */
        { { DCS_NO, DCS_NO, DCS_CT_AS_ORDER }, 0, true, true },        /* that is what it showed */
        { { DCS_NO, DCS_UNKNOWN, DCS_CT_LOGGED }, 0, true, false },    /* the configuration */
        { { DCS_NO, DCS_UNKNOWN, DCS_CT_AS_ORDER }, 3, false, false }, /* cured */
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        struct dcs_ct_facts facts = { true, cases[i].scts, 199 * DAY, cases[i].wish };
        struct dcs_ct_judgement j;
        dcs_ct_judge(&facts, &answered, NULL, &j);
        assert_int_equal(dcs_ct_is_drift(j.state), cases[i].drifts);
        assert_int_equal(j.repeated, cases[i].repeated);
    }
}

/* ---- browsers ---- */

/* A good one; the tests spoil it. */
static struct dcs_sct sct(char log, const char *operator_name)
{
    struct dcs_sct s = { .timestamp_ms = 1000,
                         .verified = DCS_YES,
                         .operator_name = operator_name,
                         .log = DCS_LOG_USABLE };

    memset(s.log_id, log, sizeof(s.log_id));
    return s;
}

static enum dcs_tri content(const struct dcs_sct *scts, size_t count, int64_t lifetime)
{
    struct dcs_ct_browsers verdict;

    dcs_ct_browsers(scts, count, lifetime, 0, &verdict);
    assert_true(verdict.words[0]);
    return verdict.content;
}

static void the_edge_of_180_days_counts_both_ends(void **state)
{
    (void)state;
    assert_int_equal(dcs_ct_needed(180LL * DAY), 2);
    assert_int_equal(dcs_ct_needed(180LL * DAY + 1),
                     3); /* Apple's reading of a 180-day difference */
    assert_int_equal(dcs_ct_needed(1), 2);
}

static void browsers_want_logs_and_operators(void **state)
{
    const struct dcs_sct two[] = { sct('A', "a"), sct('B', "b") };
    const struct dcs_sct same_operator[] = { sct('A', "a"), sct('B', "A"), sct('C', "a") };
    const struct dcs_sct same_log[] = { sct('A', "a"), sct('A', "a"), sct('B', "b") };
    const struct dcs_sct three[] = { sct('A', "a"), sct('B', "a"), sct('C', "b") };

    (void)state;
    assert_int_equal(content(NULL, 0, 90 * DAY), DCS_NO);
    assert_int_equal(content(two, 1, 90 * DAY), DCS_NO);
    assert_int_equal(content(two, 2, 90 * DAY), DCS_YES);
    assert_int_equal(content(two, 2, 199 * DAY), DCS_NO);
    assert_int_equal(content(same_operator, 3, 90 * DAY), DCS_NO);  /* one per operator counts */
    assert_int_equal(content(same_operator, 3, 199 * DAY), DCS_NO); /* two do */
    assert_int_equal(content(same_log, 3, 199 * DAY), DCS_NO);      /* a log counts once */
    assert_int_equal(content(three, 3, 199 * DAY), DCS_YES);
    assert_int_equal(content(three, 3, 90 * DAY), DCS_YES);
}

static void states_of_logs_decide_what_counts(void **state)
{
    static const struct {
        enum dcs_tri verified;
        enum dcs_log_state log;
        int64_t retired_ms;
        enum dcs_tri want; /* beside one good SCT of another operator, 90 days */
    } cases[] = {
        { DCS_YES, DCS_LOG_USABLE, 0, DCS_YES },
        { DCS_YES, DCS_LOG_QUALIFIED, 0, DCS_YES },
        { DCS_YES, DCS_LOG_READONLY, 0, DCS_YES },
        { DCS_YES, DCS_LOG_RETIRED, 1001, DCS_YES }, /* the SCT is older than the retirement */
        { DCS_YES, DCS_LOG_RETIRED, 1000, DCS_NO },
        { DCS_YES, DCS_LOG_RETIRED, 0, DCS_NO },
        { DCS_YES, DCS_LOG_PENDING, 0, DCS_NO },
        { DCS_YES, DCS_LOG_REJECTED, 0, DCS_NO },
        { DCS_NO, DCS_LOG_USABLE, 0, DCS_NO },           /* a signature that is wrong */
        { DCS_UNKNOWN, DCS_LOG_USABLE, 0, DCS_UNKNOWN }, /* not checked is not wrong */
        { DCS_YES, DCS_LOG_UNKNOWN, 0, DCS_UNKNOWN },
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        struct dcs_sct scts[] = { sct('A', "a"), sct('B', "b") };
        scts[1].verified = cases[i].verified;
        scts[1].log = cases[i].log;
        scts[1].retired_ms = cases[i].retired_ms;
        if (content(scts, 2, 90 * DAY) != cases[i].want)
            fail_msg("case %zu", i);
    }
    /* At least one log must be current. */
    struct dcs_sct retired[] = { sct('A', "a"), sct('B', "b") };
    for (size_t i = 0; i < 2; i++) {
        retired[i].log = DCS_LOG_RETIRED;
        retired[i].retired_ms = 2000;
    }
    assert_int_equal(content(retired, 2, 90 * DAY), DCS_NO);
}

static void a_stale_or_missing_list_makes_unknown_not_failed(void **state)
{
    struct dcs_sct scts[] = { sct('A', "a"), sct('B', "a") };
    struct dcs_ct_browsers verdict;

    (void)state;
    scts[1].log = DCS_LOG_PENDING;
    dcs_ct_browsers(scts, 2, 90 * DAY, 70LL * DAY, &verdict);
    assert_int_equal(verdict.content, DCS_NO);
    dcs_ct_browsers(scts, 2, 90 * DAY, 70LL * DAY + 1, &verdict); /* what it says counts no more */
    assert_int_equal(verdict.content, DCS_UNKNOWN);
    dcs_ct_browsers(scts, 2, 90 * DAY, -1, &verdict);
    assert_int_equal(verdict.content, DCS_UNKNOWN);
    dcs_ct_browsers(scts, 2, 199 * DAY, -1, &verdict); /* too few by any list */
    assert_int_equal(verdict.content, DCS_NO);
    scts[0].log = DCS_LOG_REJECTED; /* a key that everybody has proves nothing, list or not */
    dcs_ct_browsers(scts, 2, 90 * DAY, -1, &verdict);
    assert_int_equal(verdict.content, DCS_NO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_of_the_table_is_judged_as_it_says),
        cmocka_unit_test(a_disagreement_names_the_command),
        cmocka_unit_test(a_drift_is_answered_once_until_a_setting_changes),
        cmocka_unit_test(the_edge_of_180_days_counts_both_ends),
        cmocka_unit_test(browsers_want_logs_and_operators),
        cmocka_unit_test(states_of_logs_decide_what_counts),
        cmocka_unit_test(a_stale_or_missing_list_makes_unknown_not_failed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
