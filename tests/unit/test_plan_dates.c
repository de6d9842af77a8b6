// SPDX-License-Identifier: Apache-2.0
/* test_plan_dates.c - when, until when and for which end: gain, the order's end, plan points, products. */
#include "plan_facts.h"

static void gain_is_judged_by_what_the_cause_needs(void **state)
{
    static const struct {
        int cause;
        int64_t order_days; /* from the end of the cached one */
        enum dcs_plan_action action;
        enum dcs_plan_reason reason;
    } cases[] = {
        /* merely due: L/4 of 199 days = 49.75 */
        { D, 50, DCS_PLAN_REISSUE, DCS_WHY_GO },
        { D, 49, DCS_PLAN_WAIT, DCS_WHY_LITTLE_GAIN },
        { D, 1, DCS_PLAN_WAIT, DCS_WHY_LITTLE_GAIN },
        { D, 0, DCS_PLAN_RENEWAL_DUE, DCS_WHY_ORDER_END },
        { U, 1, DCS_PLAN_REISSUE, DCS_WHY_GO },
        { U, 0, DCS_PLAN_RENEWAL_DUE, DCS_WHY_ORDER_END },
        { C, 0, DCS_PLAN_REISSUE, DCS_WHY_GO },
        { N, 0, DCS_PLAN_REISSUE, DCS_WHY_GO },
        { R, 0, DCS_PLAN_REISSUE, DCS_WHY_GO },
        { V, 0, DCS_PLAN_REISSUE, DCS_WHY_GO },
        { R, -20, DCS_PLAN_REISSUE, DCS_WHY_GO }, /* shorter than before, and accepted */
    };
    int64_t now = 0;

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        struct dcs_plan_facts f = asking(cases[i].cause, &now);
        f.order.order_end = f.certificate.not_after + cases[i].order_days * DAY;
        struct dcs_plan p = decide(&f, now);
        if (p.action != cases[i].action || p.reason != cases[i].reason)
            fail_msg("case %zu: %s", i, p.words);
        assert_int_equal(p.gain_s, cases[i].order_days * DAY);
        /* Once the order is over nothing is asked for, whatever the cause. */
        p = decide(&f, f.order.order_end + 1);
        assert_int_equal(p.action, DCS_PLAN_REFUSED);
        assert_int_equal(p.reason, DCS_WHY_ORDER_ENDED);
    }
}

static void a_small_gain_waits_until_it_is_urgent_or_grows(void **state)
{
    int64_t now = 0;
    struct dcs_plan_facts f = asking(D, &now);

    (void)state;
    f.order.order_end = f.certificate.not_after + 10 * DAY;
    assert_int_equal(decide(&f, now).next_change, T0 + URGENT);
    assert_int_equal(decide(&f, T0 + URGENT).action, DCS_PLAN_REISSUE);
    /* A step of the table: 99 days from day 150 on end later than 199 from day 0 by 49.75 days only
     * from day 150 on; waiting makes it longer. */
    f = sound();
    f.settings.limits = dcs_limits_builtin(); /* 2027-03-15 is T0 + 111 days */
    struct dcs_plan p = decide(&f, T0 + DUE);
    assert_int_equal(p.action, DCS_PLAN_WAIT);
    assert_int_equal(p.reason, DCS_WHY_LITTLE_GAIN);
    assert_int_equal(p.gain_s, (132 + 99 - 199) * DAY);
    assert_int_equal(p.next_change, T0 + 150 * DAY);
    assert_int_equal(decide(&f, T0 + 150 * DAY).action, DCS_PLAN_REISSUE);
    /* Due before the step it goes; from the first second of the step it gains too little. */
    f.certificate.not_before = T0 - 30 * DAY;
    f.certificate.not_after = T0 + 169 * DAY - 1;
    p = decide(&f, T0 + 105 * DAY);
    assert_int_equal(p.action, DCS_PLAN_REISSUE);
    assert_int_equal(p.next_change, T0 + 111 * DAY);
    assert_int_equal(decide(&f, p.next_change - 1).action, DCS_PLAN_REISSUE);
    p = decide(&f, p.next_change);
    assert_int_equal(p.reason, DCS_WHY_LITTLE_GAIN);
    assert_int_equal(p.next_change, T0 + 120 * DAY);
}

static void the_end_of_the_order_is_asked_for_by_its_date(void **state)
{
    int64_t now = 0;
    struct dcs_plan_facts f = asking(D, &now);

    (void)state;
    assert_int_equal(decide(&f, now).ask_end, 0); /* Lmax is what limits */
    f.order.order_end = now + 199 * DAY - 1;      /* as far as a new one reaches, to the second */
    assert_int_equal(decide(&f, now).ask_end, f.order.order_end);
    assert_int_equal(decide(&f, now).expected_end, f.order.order_end);
    assert_non_null(strstr(decide(&f, now).words, "the end of the order"));
    f.order.order_end += DAY;
    assert_int_equal(decide(&f, now).ask_end, 0);
    f.order.order_end -= 2 * DAY;
    assert_int_equal(decide(&f, now).ask_end, f.order.order_end);
    f.custom_end_refused = true; /* once more without */
    assert_int_equal(decide(&f, now).ask_end, 0);
    assert_int_equal(decide(&f, now).action, DCS_PLAN_REISSUE);
    f.custom_end_refused = false;
    f.order.order_end = -1; /* an order without end */
    assert_int_equal(decide(&f, now).ask_end, 0);
    assert_int_equal(decide(&f, now).expected_end, now + 199 * DAY - 1);
}

static void what_came_short_of_the_end_is_not_asked_for_again(void **state)
{
    const int64_t end = T0 + 201 * DAY - 1; /* two days behind the cached one's */
    struct dcs_plan_facts f = sound();

    (void)state;
    assert_true(dcs_plan_is_end(end, end, end - 2 * DAY));
    assert_true(dcs_plan_is_end(end, end, end - 4 * DAY + 1));
    assert_false(dcs_plan_is_end(end, end, end - 4 * DAY));       /* under four days, not four */
    assert_false(dcs_plan_is_end(end, end - DAY, end - 2 * DAY)); /* Lmax was what limited it */
    assert_false(dcs_plan_is_end(-1, -1, T0));
    f.order.order_end = end;
    assert_int_equal(decide(&f, T0 + URGENT).action, DCS_PLAN_REISSUE);
    f.end_of_order = end;
    for (int64_t day = 133; day < 201; day++) { /* due, urgent, expired on day 199 */
        struct dcs_plan p = decide(&f, T0 + day * DAY);
        assert_int_equal(p.action, DCS_PLAN_RENEWAL_DUE);
        assert_non_null(strstr(p.words, "the order ends on 2027-06-12"));
    }
    f.verb = true; /* a person may */
    assert_int_equal(decide(&f, T0 + URGENT).action, DCS_PLAN_REISSUE);
    f.verb = false;
    f.certificate.has_key = false; /* and a pair is needed */
    assert_int_equal(decide(&f, T0 + URGENT).action, DCS_PLAN_REISSUE);
    f.certificate.has_key = true;
    f.order.order_end += 30 * DAY; /* the order was made longer */
    assert_int_equal(decide(&f, T0 + URGENT).action, DCS_PLAN_REISSUE);
    /* The record does not count for a certificate that ends long before. */
    f.order.order_end = end;
    f.certificate.not_after = end - 4 * DAY;
    assert_int_equal(decide(&f, T0 + URGENT).action, DCS_PLAN_REISSUE);
}

static void a_renewal_that_is_due_is_said_for_orders_of_a_person_too(void **state)
{
    struct dcs_plan_facts f = sound();

    (void)state;
    f.settings.reissue = DCS_REISSUE_NEVER;
    f.order.order_end = f.certificate.not_after;
    assert_int_equal(decide(&f, T0 + DUE - 1).action, DCS_PLAN_WAIT);
    struct dcs_plan p = decide(&f, T0 + DUE);
    assert_int_equal(p.action, DCS_PLAN_RENEWAL_DUE);
    assert_int_equal(p.say_since, T0 + 132 * DAY); /* once a day */
    assert_int_equal(p.dates.renew_from, T0 + 109 * DAY);
}

static void client_auth_is_asked_for_while_the_ca_gives_it(void **state)
{
    static const struct {
        bool has, needed;
        enum dcs_product product;
        int64_t now;
        bool asks;
    } cases[] = {
        { true, false, DCS_PRODUCT_PUBLIC_TLS, 1803859199, true },
        { true, false, DCS_PRODUCT_PUBLIC_TLS, 1803859200, false }, /* accepted without, reported */
        { false, true, DCS_PRODUCT_PUBLIC_TLS, 1803859199, true },
        { false, false, DCS_PRODUCT_PUBLIC_TLS, 1803859199, false },
        { true, false, DCS_PRODUCT_PRIVATE_TLS, 1803859199, false },
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        struct dcs_plan_facts f = sound();
        f.verb = true;
        f.certificate.client_auth = cases[i].has;
        f.settings.client_auth_needed = cases[i].needed;
        f.order.product = cases[i].product;
        struct dcs_plan p = decide(&f, cases[i].now);
        assert_int_equal(p.action, DCS_PLAN_REISSUE);
        assert_int_equal(p.ask_client_auth, cases[i].asks);
    }
}

static void a_duplicate_is_taken_where_it_would_do(void **state)
{
    static const struct {
        int cause;
        int64_t primary; /* days from now, -1 unknown, 0 none */
        enum dcs_plan_action action;
        int64_t end; /* days from now */
    } cases[] = {
        { D, -1, DCS_PLAN_DUPLICATE, 199 },
        { D, 180, DCS_PLAN_DUPLICATE, 180 }, /* another host's reissue was here first */
        { D, 49, DCS_PLAN_REISSUE, 199 },    /* nobody's: it ends with ours */
        { D, 99, DCS_PLAN_DUPLICATE, 99 },   /* 50 days more than ours, L/4 is 49.75 */
        { D, 98, DCS_PLAN_REISSUE, 199 },
        { U, 34, DCS_PLAN_DUPLICATE, 34 },
        { U, 33, DCS_PLAN_REISSUE, 199 }, /* it would be urgent at once: 199/6 */
        { N, 150, DCS_PLAN_DUPLICATE, 150 },
        { N, 34, DCS_PLAN_DUPLICATE, 34 },
        { N, 33, DCS_PLAN_REISSUE, 199 },
        { N, 0, DCS_PLAN_REISSUE, 199 },
        { R, 0, DCS_PLAN_REISSUE, 199 },
        { R, 150, DCS_PLAN_DUPLICATE, 150 },
        { V, 150, DCS_PLAN_DUPLICATE, 150 },
        { C, 150, DCS_PLAN_REISSUE, 199 }, /* it cannot have another CT setting */
    };
    int64_t now = 0;

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        struct dcs_plan_facts f = asking(cases[i].cause, &now);
        f.settings.via = DCS_VIA_DUPLICATE;
        f.order.primary_not_after =
            cases[i].primary > 0 ? now + cases[i].primary * DAY - 1 : cases[i].primary;
        struct dcs_plan p = decide(&f, now);
        if (p.action != cases[i].action || p.expected_end != now + cases[i].end * DAY - 1 ||
            p.gain_s != p.expected_end - f.certificate.not_after)
            fail_msg("case %zu: %s", i, p.words);
        assert_int_equal(p.ask_end, 0);
    }
    /* At the end of the order nothing lasts longer than the original. */
    struct dcs_plan_facts f = asking(N, &now);
    f.settings.via = DCS_VIA_DUPLICATE;
    f.order.order_end = f.order.primary_not_after = now + 20 * DAY - 1;
    assert_int_equal(decide(&f, now).action, DCS_PLAN_DUPLICATE);
    assert_int_equal(decide(&f, now).ask_end, 0);
}

static void a_drift_that_a_reissue_did_not_cure_is_let_alone(void **state)
{
    const struct dcs_ct_wish record = { DCS_NO, DCS_UNKNOWN, DCS_CT_AS_ORDER };
    int64_t now = 0;
    struct dcs_plan_facts f = asking(C, &now);

    (void)state;
    f.answered = &record;
    struct dcs_plan p = decide(&f, now);
    assert_int_equal(p.action, DCS_PLAN_WAIT);
    assert_int_equal(p.reason, DCS_WHY_FRESH);
    assert_true(p.ct.repeated);
    assert_non_null(strstr(p.ct.words, "did not change that"));
    f.verb = true;
    assert_int_equal(decide(&f, now).action, DCS_PLAN_REISSUE);
    f.verb = false;
    f.order.disable_ct = DCS_YES; /* in step now */
    assert_int_equal(decide(&f, now).ct.state, DCS_CT_IN_STEP);
    f.order.disable_ct = DCS_NO;
    f.settings.ct = DCS_CT_UNLOGGED; /* only the verb `ct` changes the order */
    p = decide(&f, now);
    assert_int_equal(p.action, DCS_PLAN_WAIT);
    assert_int_equal(p.ct.state, DCS_CT_MISMATCH);
    assert_non_null(strstr(p.ct.words, "digicert-store ct order/123 unlogged"));
}

static void dates_are_those_of_the_formulas(void **state)
{
    static const struct {
        int days; /* L = Lmax */
        int order_days;
        bool approval;
        int64_t due, point; /* hours from T0; -1 none */
    } cases[] = {
        { 199, 1095, false, 199 * 16, -1 }, /* 2L/3 */
        { 199, 365, false, 166 * 24, 166 }, /* P = 365 - 199 */
        { 199, 378, false, 179 * 24, 179 }, /* notAfter - R - P = 0.1 days short of one second */
        { 199, 379, false, 199 * 16, -1 },  /* P after notAfter - R: not waited for */
        { 199, 331, false, 199 * 16, -1 },  /* P = 132, before due */
        { 199, 332, false, 133 * 24, 133 },
        { 199, 365, true, 166 * 24, 166 }, /* seven days more of rest: until day 172 */
        { 199, 372, true, 2848, -1 },      /* min(14 d, L/10) earlier */
        { 46, 365, false, 736, -1 },       /* mid-plan */
        { 46, 84, false, 38 * 24, 38 },    /* R = 7 days: until day 39 */
        { 46, 85, false, 736, -1 },        /* P = 39: a second too late */
        { 9, 365, false, 108, -1 },        /* half, under ten days */
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        struct dcs_limits limits = *of_199_days();
        struct dcs_plan_facts f = sound();
        struct dcs_plan_dates d;
        limits.tables[DCS_LIMIT_TLS][0].ca_days = cases[i].days;
        f.settings.limits = &limits;
        f.settings.human_approval = cases[i].approval;
        f.certificate.not_after = T0 + cases[i].days * DAY - 1;
        f.order.order_end = T0 + cases[i].order_days * DAY - 1;
        dcs_plan_dates(&f, &d);
        if ((d.due - T0 + 1799) / 3600 != cases[i].due ||
            d.plan_point != (cases[i].point < 0 ? -1 : T0 + cases[i].point * DAY))
            fail_msg("case %zu: due %.2f h, plan point %.2f d", i, (double)(d.due - T0) / 3600,
                     (double)(d.plan_point - T0) / (double)DAY);
        assert_int_equal(d.expires, T0 + cases[i].days * DAY);
        assert_true(d.due < d.urgent && d.urgent <= d.critical && d.critical < d.expires);
    }
}

static void spread_lies_before_due_but_after_the_plan_point(void **state)
{
    struct dcs_plan_facts f = sound();
    struct dcs_plan_dates d;

    (void)state;
    for (uint64_t i = 0; i < 2000; i++) {
        f.hash = i * 0x9E3779B97F4A7C15u;
        f.order.order_end = T0 + 1095 * DAY - 1;
        dcs_plan_dates(&f, &d);
        assert_true(d.due <= T0 + DUE && d.due > T0 + DUE - 199 * DAY / 30);
        f.order.order_end = T0 + 365 * DAY - 1;
        dcs_plan_dates(&f, &d);
        assert_int_equal(d.plan_point, T0 + 166 * DAY);
        assert_true(d.due >= d.plan_point && d.due < d.plan_point + 199 * DAY / 30);
        f.order.order_end = T0 + 377 * DAY - 1; /* 1.1 days are left before notAfter - R */
        dcs_plan_dates(&f, &d);
        assert_true(d.due >= d.plan_point && d.due < d.plan_point + 2 * DAY);
    }
}

static void a_step_makes_a_plan_point_only_where_it_holds(void **state)
{
    /* Built in: 199 days until 2027-03-15 = T0 + 111 d, then 99. */
    struct dcs_plan_facts f = sound();
    struct dcs_plan_dates d;

    (void)state;
    f.settings.limits = dcs_limits_builtin();
    f.order.order_end = T0 + 265 * DAY - 1; /* by 99 days P = 166; by 199 it was 66, before due */
    dcs_plan_dates(&f, &d);
    assert_int_equal(d.plan_point, T0 + 166 * DAY);
    /* Due before the step, when 199 days still reach the end: no waiting for 99 days to do so. */
    f.certificate.not_before = T0 - 30 * DAY;
    f.certificate.not_after = f.certificate.not_before + 199 * DAY - 1; /* due on day 102.7 */
    f.order.order_end = T0 + 240 * DAY - 1;                             /* 99 days: P = 141 */
    dcs_plan_dates(&f, &d);
    assert_int_equal(d.plan_point, -1);
    assert_int_equal(d.due, f.certificate.not_before + DUE);
    /* P just before the step: the spread does not carry it over. */
    f.order.order_end = T0 + 309 * DAY - 1; /* by 199 days P = 110, a day before the step */
    for (uint64_t i = 0; i < 500; i++) {
        f.hash = i * 0x9E3779B97F4A7C15u;
        dcs_plan_dates(&f, &d);
        assert_int_equal(d.plan_point, T0 + 110 * DAY);
        assert_true(d.due >= T0 + 110 * DAY && d.due < T0 + 111 * DAY);
    }
}

static void products_without_a_table_go_by_the_life_of_the_cached_one(void **state)
{
    struct dcs_plan_facts f = sound();

    (void)state;
    f.order.product = DCS_PRODUCT_PRIVATE_TLS;
    f.certificate.not_after = T0 + 300 * DAY - 1;
    struct dcs_plan p = decide(&f, T0 + 200 * DAY);
    assert_int_equal(p.action, DCS_PLAN_REISSUE);
    assert_int_equal(p.expected_end, T0 + 500 * DAY - 1);
    f.certificate.exists = false; /* nothing is known: the order's end, and not asked for by date */
    p = decide(&f, T0);
    assert_int_equal(p.expected_end, f.order.order_end);
    assert_int_equal(p.ask_end, 0);
    f.order.order_end = -1;
    p = decide(&f, T0);
    assert_int_equal(p.action, DCS_PLAN_REISSUE);
    assert_int_equal(p.expected_end, -1);
}

static void each_product_has_its_row(void **state)
{
    static const struct {
        enum dcs_product product;
        int life;
        bool by_itself, names, email, common_name, software_key, public_tls;
    } cases[] = {
        { DCS_PRODUCT_UNKNOWN, DCS_LIMIT_NONE, false, false, false, true, true, false },
        { DCS_PRODUCT_PUBLIC_TLS, DCS_LIMIT_TLS, true, true, false, true, true, true },
        { DCS_PRODUCT_PRIVATE_TLS, DCS_LIMIT_NONE, true, true, false, true, true, false },
        { DCS_PRODUCT_SMIME, DCS_LIMIT_SMIME, true, false, true, true, true, false },
        { DCS_PRODUCT_CODE_SIGNING, DCS_LIMIT_CODE_SIGNING, true, false, false, false, false,
          false },
        { DCS_PRODUCT_DOCUMENT_SIGNING, DCS_LIMIT_NONE, true, false, false, false, true, false },
        { DCS_PRODUCT_CLIENT, DCS_LIMIT_NONE, true, false, true, true, true, false },
        { DCS_PRODUCT_MARK, DCS_LIMIT_NONE, false, false, false, true, true, false },
        { (enum dcs_product)99, DCS_LIMIT_NONE, false, false, false, true, true, false },
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        const struct dcs_product_row *row = dcs_policy_product(cases[i].product);
        assert_non_null(row->name);
        assert_int_equal(row->life, cases[i].life);
        assert_int_equal(row->by_itself, cases[i].by_itself);
        assert_int_equal(row->sends_names, cases[i].names);
        assert_int_equal(row->sends_email, cases[i].email);
        assert_int_equal(row->sends_common_name, cases[i].common_name);
        assert_int_equal(row->software_key, cases[i].software_key);
        assert_int_equal(row->public_tls, cases[i].public_tls);
    }
}

static void a_step_shortens_the_reuse_of_validations_that_are_there(void **state)
{
    const struct dcs_limits *l = dcs_limits_builtin();

    (void)state;
    assert_int_equal(dcs_policy_reuse_until(l, DCS_LIMIT_DCV_REUSE, T0, T0), T0 + 199 * DAY - 1);
    assert_int_equal(dcs_policy_reuse_until(l, DCS_LIMIT_DCV_REUSE, T0, T0 + 111 * DAY),
                     T0 + 99 * DAY - 1);
    assert_int_equal(dcs_policy_reuse_until(l, DCS_LIMIT_SII_REUSE, T0, T0), T0 + 397 * DAY - 1);
    assert_int_equal(dcs_policy_reuse_until(l, DCS_LIMIT_SHORT_LIVED, 0, T0), -1);
    struct dcs_plan_facts f = sound();
    f.order.dcv_valid_until = T0 + DUE + 7 * DAY;
    assert_false(decide(&f, T0).dcv_lapses);
    f.order.dcv_valid_until--;
    assert_true(decide(&f, T0).dcv_lapses);
    f.order.dcv_valid_until = T0 + 150 * DAY;
    assert_false(decide(&f, T0 + 143 * DAY).dcv_lapses);
    assert_true(decide(&f, T0 + 143 * DAY + 1).dcv_lapses);
}

static void a_foreign_request_is_said_at_once_and_at_each_stage(void **state)
{
    struct dcs_plan_facts f = sound();
    struct dcs_plan_dates d;

    (void)state;
    f.foreign = (struct dcs_plan_request){ true, 77, T0 + 100 * DAY };
    dcs_plan_dates(&f, &d);
    assert_int_equal(decide(&f, T0 + DUE).say_since, T0 + 100 * DAY);
    assert_int_equal(decide(&f, d.warn - 1).say_since, T0 + 100 * DAY);
    assert_int_equal(decide(&f, d.warn).say_since, d.warn);
    assert_int_equal(decide(&f, d.urgent).say_since, d.urgent);
    assert_int_equal(decide(&f, d.critical).say_since, d.critical);
    assert_int_equal(decide(&f, d.expires).say_since, d.critical);
    f.foreign.since = -1;
    assert_int_equal(decide(&f, T0 + DUE).say_since, 1); /* when it was never said */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gain_is_judged_by_what_the_cause_needs),
        cmocka_unit_test(a_small_gain_waits_until_it_is_urgent_or_grows),
        cmocka_unit_test(the_end_of_the_order_is_asked_for_by_its_date),
        cmocka_unit_test(what_came_short_of_the_end_is_not_asked_for_again),
        cmocka_unit_test(a_renewal_that_is_due_is_said_for_orders_of_a_person_too),
        cmocka_unit_test(client_auth_is_asked_for_while_the_ca_gives_it),
        cmocka_unit_test(a_duplicate_is_taken_where_it_would_do),
        cmocka_unit_test(a_drift_that_a_reissue_did_not_cure_is_let_alone),
        cmocka_unit_test(dates_are_those_of_the_formulas),
        cmocka_unit_test(spread_lies_before_due_but_after_the_plan_point),
        cmocka_unit_test(a_step_makes_a_plan_point_only_where_it_holds),
        cmocka_unit_test(products_without_a_table_go_by_the_life_of_the_cached_one),
        cmocka_unit_test(each_product_has_its_row),
        cmocka_unit_test(a_step_shortens_the_reuse_of_validations_that_are_there),
        cmocka_unit_test(a_foreign_request_is_said_at_once_and_at_each_stage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
