// SPDX-License-Identifier: Apache-2.0
/* test_plan.c - whether a new certificate is asked for: each cause, each refusal. */
#include "plan_facts.h"

static struct dcs_names_diff lost = { .change = DCS_NAMES_LOST, .lost_count = 1, .lost = "b.x" };
static struct dcs_names_diff added = { .change = DCS_NAMES_ADDED };

static void causes_are_found_and_the_strongest_wins(void **state)
{
    struct dcs_plan_facts f[10];
    const struct {
        int64_t at;
        enum dcs_plan_action action;
        enum dcs_cause cause;
    } want[DCS_COUNT(f)] = {
        { 0, DCS_PLAN_WAIT, DCS_CAUSE_NONE },
        { DUE - 1, DCS_PLAN_WAIT, DCS_CAUSE_NONE },
        { DUE, DCS_PLAN_REISSUE, DCS_CAUSE_DUE },
        { URGENT - 1, DCS_PLAN_REISSUE, DCS_CAUSE_DUE },
        { URGENT, DCS_PLAN_REISSUE, DCS_CAUSE_URGENT },
        { 250 * DAY, DCS_PLAN_REISSUE, DCS_CAUSE_URGENT }, /* expired */
        { URGENT, DCS_PLAN_REISSUE, DCS_CAUSE_CT_DRIFT },
        { URGENT, DCS_PLAN_REISSUE, DCS_CAUSE_NO_PAIR },
        { 0, DCS_PLAN_REISSUE, DCS_CAUSE_REVOKED },
        { 0, DCS_PLAN_REISSUE, DCS_CAUSE_VERB },
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(f); i++)
        f[i] = sound();
    for (size_t i = 6; i < DCS_COUNT(f); i++) /* from here each has all the weaker ones too */
        f[i].certificate.scts = 0;
    for (size_t i = 7; i < DCS_COUNT(f); i++)
        f[i].certificate.has_key = false;
    for (size_t i = 8; i < DCS_COUNT(f); i++)
        f[i].certificate.revoked = true;
    f[9].verb = true;
    for (size_t i = 0; i < DCS_COUNT(f); i++) {
        struct dcs_plan p = decide(&f[i], T0 + want[i].at);
        if (p.action != want[i].action || p.cause != want[i].cause)
            fail_msg("case %zu: %s for %s: %s", i, dcs_plan_action_name(p.action),
                     dcs_cause_name(p.cause), p.words);
    }
}

static void no_certificate_at_all_is_a_missing_pair(void **state)
{
    struct dcs_plan_facts f = sound();

    (void)state;
    f.certificate = (struct dcs_plan_certificate){ .not_before = -1, .not_after = -1 };
    struct dcs_plan p = decide(&f, T0);
    assert_int_equal(p.action, DCS_PLAN_REISSUE);
    assert_int_equal(p.cause, DCS_CAUSE_NO_PAIR);
    assert_int_equal(p.stage, DCS_STAGE_NONE);
    assert_int_equal(p.dates.due, -1);
    assert_int_equal(p.expected_end, T0 + 199 * DAY - 1);
    assert_int_equal(p.gain_s, 199 * DAY - 1); /* from now */
    assert_int_equal(p.ct.state, DCS_CT_NOT_JUDGED);
}

static void a_revocation_that_is_announced_is_one(void **state)
{
    struct dcs_plan_facts f = sound();

    (void)state;
    f.certificate.revocation_pending = true;
    struct dcs_plan p = decide(&f, T0);
    assert_int_equal(p.cause, DCS_CAUSE_REVOKED);
    assert_int_equal(p.stage, DCS_STAGE_FRESH); /* it is still good for TLS */
}

/* ---- refusals ---- */

typedef void spoil_fn(struct dcs_plan_facts *f);

static void no_order(struct dcs_plan_facts *f)
{
    f->order.known = false;
}
static void not_issued(struct dcs_plan_facts *f)
{
    f->order.status = DCS_ORDER_PENDING;
}
static void strange_status(struct dcs_plan_facts *f)
{
    f->order.status = DCS_ORDER_UNKNOWN;
}
static void dead(struct dcs_plan_facts *f)
{
    f->order.status = DCS_ORDER_CANCELED;
}
static void ended(struct dcs_plan_facts *f)
{
    f->order.order_end = T0 + 1;
}
static void ended_by_status(struct dcs_plan_facts *f)
{
    f->order.status = DCS_ORDER_EXPIRED;
    f->order.order_end = -1;
}
static void clock_ahead(struct dcs_plan_facts *f)
{
    f->clock_skew_s = 3601;
}
static void clock_behind(struct dcs_plan_facts *f)
{
    f->clock_skew_s = -3601;
}
static void strange_product(struct dcs_plan_facts *f)
{
    f->order.product = DCS_PRODUCT_UNKNOWN;
}
static void a_mark(struct dcs_plan_facts *f)
{
    f->order.product = DCS_PRODUCT_MARK;
}
static void code_signing(struct dcs_plan_facts *f)
{
    f->order.product = DCS_PRODUCT_CODE_SIGNING;
}
static void successor(struct dcs_plan_facts *f)
{
    f->order.has_successor = true;
}
static void held(struct dcs_plan_facts *f)
{
    f->certificate.is_held = true;
}
static void client_auth(struct dcs_plan_facts *f)
{
    f->settings.client_auth_needed = true;
}
static void foreign(struct dcs_plan_facts *f)
{
    f->foreign = (struct dcs_plan_request){ true, 77, T0 + 100 * DAY };
}
static void foreign_by_status(struct dcs_plan_facts *f)
{
    f->order.status = DCS_ORDER_REISSUE_PENDING;
}
static void loses_name(struct dcs_plan_facts *f)
{
    f->names = &lost;
}
static void answered(struct dcs_plan_facts *f)
{
    f->closed = (struct dcs_plan_closed){ true, T0 + 250 * DAY, DCS_CAUSE_REVOKED, false, 0 };
}

static void not_taken(struct dcs_plan_facts *f)
{
    answered(f);
    f->closed.again_at = T0 + 900 * DAY;
}
static void three_here(struct dcs_plan_facts *f)
{
    f->made_here = 3;
}
static void twelve_there(struct dcs_plan_facts *f)
{
    f->seen_there = 12;
}

static const struct {
    spoil_fn *spoil;
    enum dcs_plan_reason reason;
    int causes;
} refusals[] = {
    { no_order, DCS_WHY_NO_ORDER, ALL & ~C }, /* without order info there is no drift either */
    { not_issued, DCS_WHY_NOT_ISSUED, ALL },
    { strange_status, DCS_WHY_NOT_ISSUED, ALL },
    { dead, DCS_WHY_ORDER_DEAD, ALL },
    { ended, DCS_WHY_ORDER_ENDED, ALL },
    { ended_by_status, DCS_WHY_ORDER_ENDED, ALL },
    { clock_ahead, DCS_WHY_CLOCK, ALL },
    { clock_behind, DCS_WHY_CLOCK, ALL },
    { strange_product, DCS_WHY_PRODUCT, ALL & ~V & ~C }, /* CT is judged for public TLS only */
    { a_mark, DCS_WHY_PRODUCT, ALL & ~V & ~C },
    { code_signing, DCS_WHY_SOFTWARE_KEY, ALL & ~C },
    { successor, DCS_WHY_SUCCESSOR, ALL },
    { held, DCS_WHY_HELD, D },
    { client_auth, DCS_WHY_CLIENT_AUTH, ALL }, /* asked after client_auth_stop, T0 + 97 d */
    { foreign, DCS_WHY_FOREIGN_PENDING, ALL },
    { foreign_by_status, DCS_WHY_FOREIGN_PENDING, ALL },
    { loses_name, DCS_WHY_NAMES, ALL },
    { answered, DCS_WHY_ANSWERED, ALL & ~V },
    { not_taken, DCS_WHY_NOT_TAKEN, ALL & ~V },
    { three_here, DCS_WHY_TODAY_HERE, ALL & ~R & ~V },
    { twelve_there, DCS_WHY_TODAY_THERE, D },
};

static void every_refusal_holds_for_the_causes_that_it_is_for(void **state)
{
    static const enum dcs_cause causes[] = { DCS_CAUSE_DUE,      DCS_CAUSE_URGENT,
                                             DCS_CAUSE_CT_DRIFT, DCS_CAUSE_NO_PAIR,
                                             DCS_CAUSE_REVOKED,  DCS_CAUSE_VERB };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(refusals); i++) {
        for (int bit = 0; bit < 6; bit++) {
            int64_t now = 0;
            struct dcs_plan_facts f = asking(1 << bit, &now);
            struct dcs_plan p = decide(&f, now);
            assert_int_equal(p.action, DCS_PLAN_REISSUE); /* unspoilt it goes */
            assert_int_equal(p.cause, causes[bit]);
            refusals[i].spoil(&f);
            p = decide(&f, now);
            bool refused = p.action == DCS_PLAN_REFUSED;
            bool drift_gone = bit == 2 && !(refusals[i].causes & C) && p.cause == DCS_CAUSE_NONE;
            if (refusals[i].causes & (1 << bit)
                    ? !refused || p.reason != refusals[i].reason || p.cause != causes[bit]
                    : !drift_gone && p.action != DCS_PLAN_REISSUE)
                fail_msg("row %zu, %s: %s, %s: %s", i, dcs_cause_name(causes[bit]),
                         dcs_plan_action_name(p.action), dcs_plan_reason_name(p.reason), p.words);
        }
    }
}

static void every_reason_has_a_row_a_name_and_words(void **state)
{
    bool seen[DCS_WHY_COUNT] = { false };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(refusals); i++)
        seen[refusals[i].reason] = true;
    for (int why = DCS_WHY_NO_ORDER; why < DCS_WHY_COUNT; why++)
        if (!seen[why])
            fail_msg("no test for the refusal %s", dcs_plan_reason_name((enum dcs_plan_reason)why));
    for (int why = 0; why < DCS_WHY_COUNT; why++)
        for (int other = 0; other < why; other++)
            assert_string_not_equal(dcs_plan_reason_name((enum dcs_plan_reason)why),
                                    dcs_plan_reason_name((enum dcs_plan_reason)other));
    for (int cause = DCS_CAUSE_NONE; cause <= DCS_CAUSE_VERB; cause++)
        assert_int_equal(dcs_cause_from_name(dcs_cause_name((enum dcs_cause)cause)), cause);
    assert_int_equal(dcs_cause_from_name("whim"), DCS_CAUSE_NONE);
}

static void words_name_what_a_person_needs(void **state)
{
    static const struct {
        spoil_fn *spoil;
        const char *words;
    } cases[] = {
        { foreign, "request 77 that was not made here" },
        { foreign, "50 days old" },
        { foreign_by_status, "a request that was not made here" },
        { not_issued, "waits for validation" },
        { dead, "the order is canceled" },
        { ended, "the order ended on 2026-11-24" },
        { clock_ahead, "60 minutes ahead of the CA's" },
        { clock_behind, "60 minutes behind the CA's" },
        { code_signing, "key = pkcs11:" },
        { loses_name, "b.x would go" },
        { loses_name, "--allow-san-change" },
        { client_auth, "client_auth = not-needed" },
        { three_here, "three were asked for here today" },
    };
    int64_t now = 0;

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        struct dcs_plan_facts f = asking(N, &now);
        cases[i].spoil(&f);
        struct dcs_plan p = decide(&f, now);
        assert_non_null(strstr(p.words, "its private key is not here; "));
        if (!strstr(p.words, cases[i].words))
            fail_msg("case %zu: %s", i, p.words);
    }
    struct dcs_plan_facts f = asking(D, &now);
    struct dcs_plan p = decide(&f, now);
    assert_string_equal(p.words, "due since 2027-04-05; a reissue would last until 2027-11-07 "
                                 "(+150 days)");
}

static void edges_of_refusals_lie_where_the_design_says(void **state)
{
    int64_t now = 0;
    struct dcs_plan_facts f = asking(D, &now);

    (void)state;
    f.clock_skew_s = 3600; /* over an hour is too much, an hour is not */
    assert_int_equal(decide(&f, now).action, DCS_PLAN_REISSUE);
    f.clock_skew_s = -3600;
    f.made_here = 2;
    f.seen_there = 11;
    f.names = &added;
    assert_int_equal(decide(&f, now).action, DCS_PLAN_REISSUE);
    f.made_here = 3;
    f.seen_there = 12;
    assert_int_equal(decide(&f, now).action, DCS_PLAN_REFUSED);
    assert_int_equal(decide(&f, now).next_change, now + DAY); /* counters are of a UTC day */
    assert_int_equal(decide(&f, now + DAY - 1).action, DCS_PLAN_REFUSED);
    assert_int_equal(decide(&f, now + DAY).action, DCS_PLAN_REISSUE);
    f = asking(V, &now);
    f.names = &lost;
    f.allow_san_change = true;
    assert_int_equal(decide(&f, now).action, DCS_PLAN_REISSUE);
    f.verb = false; /* --allow-san-change is a person's; sync never has it */
    f.certificate.has_key = false;
    assert_int_equal(decide(&f, now).reason, DCS_WHY_NAMES);
    f = asking(N, &now);
    f.settings.client_auth_needed = true;
    assert_int_equal(decide(&f, 1803859199).action, DCS_PLAN_REISSUE);
    assert_int_equal(decide(&f, 1803859199).next_change, 1803859200); /* 2027-03-01 */
    assert_int_equal(decide(&f, 1803859200).reason, DCS_WHY_CLIENT_AUTH);
    f.order.product = DCS_PRODUCT_PRIVATE_TLS; /* ends for public TLS only */
    assert_int_equal(decide(&f, 1803859200).action, DCS_PLAN_REISSUE);
    f.order.product = DCS_PRODUCT_CODE_SIGNING;
    f.settings.client_auth_needed = false;
    f.settings.key_in_token = true;
    assert_int_equal(decide(&f, now).action, DCS_PLAN_REISSUE);
    f = asking(D, &now);
    f.order.status = DCS_ORDER_EXPIRED; /* but its end is ahead: its certificate expired */
    assert_int_equal(decide(&f, now).action, DCS_PLAN_REISSUE);
}

static void never_means_that_only_a_person_asks(void **state)
{
    int64_t now = 0;

    (void)state;
    for (int bit = 0; bit < 6; bit++) {
        struct dcs_plan_facts f = asking(1 << bit, &now);
        f.settings.reissue = DCS_REISSUE_NEVER;
        struct dcs_plan p = decide(&f, now);
        assert_int_equal(p.action, 1 << bit == V ? DCS_PLAN_REISSUE : DCS_PLAN_WAIT);
        assert_int_equal(p.reason, 1 << bit == V ? DCS_WHY_GO : DCS_WHY_NEVER);
        foreign(&f); /* what would refuse is nobody's business then */
        p = decide(&f, now);
        assert_int_equal(p.action, 1 << bit == V ? DCS_PLAN_REFUSED : DCS_PLAN_WAIT);
    }
}

static void our_own_request_is_carried_on_until_the_order_ends(void **state)
{
    int64_t now = 0;
    struct dcs_plan_facts f = asking(D, &now);

    (void)state;
    f.ours = (struct dcs_plan_request){ true, 88, now };
    f.order.status = DCS_ORDER_REISSUE_PENDING;
    f.made_here = 3;
    struct dcs_plan p = decide(&f, now);
    assert_int_equal(p.action, DCS_PLAN_PENDING);
    assert_non_null(strstr(p.words, "our request 88"));
    f = sound(); /* also while nothing is due any more */
    f.ours.exists = true;
    assert_int_equal(decide(&f, T0).action, DCS_PLAN_PENDING);
    f.order.status = DCS_ORDER_CANCELED;
    p = decide(&f, T0);
    assert_int_equal(p.action, DCS_PLAN_REFUSED);
    assert_int_equal(p.reason, DCS_WHY_ORDER_DEAD);
}

static void a_refused_request_is_not_repeated_but_once_when_urgent(void **state)
{
    static const struct {
        int cause;             /* now */
        enum dcs_cause closed; /* then */
        int64_t asked_at;
        bool input_changed, goes;
    } cases[] = {
        { D, DCS_CAUSE_DUE, 140 * DAY, false, false },
        { D, DCS_CAUSE_DUE, 140 * DAY, true, true },
        { U, DCS_CAUSE_DUE, 140 * DAY, false, true },       /* stronger, and reached since */
        { U, DCS_CAUSE_URGENT, URGENT, false, false },      /* that was the once */
        { U, DCS_CAUSE_CT_DRIFT, URGENT - 1, false, true }, /* reaching urgent is what counts */
        { U, DCS_CAUSE_CT_DRIFT, URGENT, false, false },
        { C, DCS_CAUSE_DUE, 100 * DAY, false, true },
        { C, DCS_CAUSE_CT_DRIFT, 100 * DAY, false, false },
        { N, DCS_CAUSE_CT_DRIFT, 100 * DAY, false, true },
        { R, DCS_CAUSE_NO_PAIR, 100 * DAY, false, true },
        { R, DCS_CAUSE_REVOKED, 100 * DAY, false, false },
        { N, DCS_CAUSE_REVOKED, 100 * DAY, false, false },
        { D, DCS_CAUSE_VERB, 140 * DAY, false, false }, /* what a person heard, sync need not ask */
        { V, DCS_CAUSE_VERB, 140 * DAY, false, true },
    };
    int64_t now = 0;

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        struct dcs_plan_facts f = asking(cases[i].cause, &now);
        f.closed = (struct dcs_plan_closed){ true, T0 + cases[i].asked_at, cases[i].closed,
                                             cases[i].input_changed, 0 };
        struct dcs_plan p = decide(&f, now);
        if ((p.action == DCS_PLAN_REISSUE) != cases[i].goes)
            fail_msg("case %zu: %s", i, p.words);
    }
}

/* An outage of issuance for days is no refusal: three POSTs that nobody knows end that intent alone. */
static void a_request_that_never_arrived_is_sent_anew_after_a_while(void **state)
{
    int64_t now = 0;
    struct dcs_plan_facts f = asking(D, &now);

    (void)state;
    f.closed = (struct dcs_plan_closed){ true, now - 7200, DCS_CAUSE_DUE, false, now + 1 };
    struct dcs_plan p = decide(&f, now);
    assert_int_equal(p.action, DCS_PLAN_REFUSED);
    assert_int_equal(p.reason, DCS_WHY_NOT_TAKEN);
    assert_int_equal(p.next_change, now + 1);
    assert_non_null(strstr(p.words, "three times"));
    assert_int_equal(decide(&f, now + 1).action, DCS_PLAN_REISSUE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(causes_are_found_and_the_strongest_wins),
        cmocka_unit_test(no_certificate_at_all_is_a_missing_pair),
        cmocka_unit_test(a_revocation_that_is_announced_is_one),
        cmocka_unit_test(every_refusal_holds_for_the_causes_that_it_is_for),
        cmocka_unit_test(every_reason_has_a_row_a_name_and_words),
        cmocka_unit_test(words_name_what_a_person_needs),
        cmocka_unit_test(edges_of_refusals_lie_where_the_design_says),
        cmocka_unit_test(never_means_that_only_a_person_asks),
        cmocka_unit_test(our_own_request_is_carried_on_until_the_order_ends),
        cmocka_unit_test(a_refused_request_is_not_repeated_but_once_when_urgent),
        cmocka_unit_test(a_request_that_never_arrived_is_sent_anew_after_a_while),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
