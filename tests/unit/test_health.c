// SPDX-License-Identifier: Apache-2.0
/* test_health.c - the verdict of monitoring on one order and on all, from their JSON alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "store_show.h"

#define NOW "2027-03-20T12:00:00Z"

static int64_t now(void)
{
    int64_t when = 0;

    assert_true(dcs_time_parse(NOW, &when));
    return when;
}

static struct dcs_json *parse(const char *text)
{
    struct dcs_json *json = NULL;

    assert_true(dcs_json_parse(text, strlen(text), &json, NULL));
    return json;
}

static void each_order_gets_the_first_verdict_that_holds(void **state)
{
    static const struct {
        const char *order, *state, *level, *words;
    } cases[] = {
        { "{'current':{'stage':'fresh'},'plan':{'action':'wait','words':'valid'}}", "good", "ok",
          "valid" },
        /* merely due is good while something can come of it */
        { "{'current':{'stage':'due','due':'2027-03-20T11:00:00Z'},'plan':{'action':'reissue'}}",
          "good", "ok", "" },
        { "{'current':{'stage':'due','due':'2027-03-01T00:00:00Z'},'plan':{'action':'wait',"
          "'reason':'never','words':'never'}}",
          "good", "ok", "never" },
        /* a day after it was due and after the last try; one second less is no trouble */
        { "{'current':{'stage':'due','due':'2027-03-19T12:00:00Z'},"
          "'last_attempt':'2027-03-19T12:00:00Z','plan':{'action':'reissue','words':'due'}}",
          "stuck", "warning",
          "due, and nothing was tried for a day: does `digicert-store sync` run?" },
        { "{'current':{'stage':'due','due':'2027-03-19T12:00:00Z'},"
          "'last_attempt':'2027-03-19T12:00:01Z','plan':{'action':'reissue','words':'due'}}",
          "good", "ok", "due" },
        { "{'current':{'stage':'due'},'failures':1,'last_failure':{'code':'refused','text':'no'}}",
          "stuck", "warning", "due, and it fails: no" },
        { "{'current':{'stage':'due'},'failures':1,'last_failure':{'code':'away','text':'503'}}",
          "away", "warning", "503" },
        /* an absence of the service concerns nobody who needs nothing of it */
        { "{'current':{'stage':'fresh'},'failures':9,'last_failure':{'code':'away','text':'503'}}",
          "good", "ok", "" },
        { "{'current':{'stage':'fresh'},'failures':1,'last_failure':{'code':'denied','text':'no'}}",
          "denied", "critical", "no" },
        { "{'current':{'stage':'fresh'},'failures':2,'last_failure':{'code':'state','text':'no'}}",
          "good", "ok", "" },
        { "{'current':{'stage':'fresh'},'failures':3,'last_failure':{'code':'state','text':'no'}}",
          "failing", "warning", "no" },
        /* once is tried again at once, and while a hook runs it counts */
        { "{'current':{'stage':'fresh'},'delivery':{'state':'failing','failures':1,'words':'w'}}",
          "good", "ok", "" },
        { "{'current':{'stage':'fresh'},'delivery':{'state':'failing','failures':2,'words':'w'}}",
          "undelivered", "warning", "w" },
        { "{'current':{'stage':'fresh'},'delivery':{'state':'rolled-back','words':'held'}}",
          "undelivered", "warning", "held" },
        { "{'current':{'stage':'fresh','since':'2027-03-19T12:00:01Z'},"
          "'delivery':{'state':'waiting'}}",
          "good", "ok", "" },
        { "{'current':{'stage':'fresh','since':'2027-03-19T12:00:00Z'},"
          "'delivery':{'state':'waiting'}}",
          "undelivered", "warning",
          "the new pair waits for a day: does `digicert-store deliver` run?" },
        { "{'current':{'stage':'due'},'plan':{'action':'renewal_due','words':'ends'}}", "stuck",
          "warning", "ends" },
        { "{'current':{'stage':'fresh'},'plan':{'action':'refused','reason':'names',"
          "'words':'a name would go'}}",
          "stuck", "warning", "a name would go" },
        { "{'current':{'stage':'due'},'plan':{'action':'refused','reason':'successor',"
          "'words':'456 serves'}}",
          "good", "ok", "456 serves" },
        /* the CA gets an hour */
        { "{'current':{'stage':'due'},'request':{'sent':'2027-03-20T11:00:01Z',"
          "'waits_for':'waits'},'last_failure':{'code':'pending','text':'p'}}",
          "good", "ok", "" },
        { "{'current':{'stage':'due'},'request':{'sent':'2027-03-20T11:00:00Z',"
          "'waits_for':'waits for a DNS record'},'last_failure':{'code':'pending','text':'p'}}",
          "pending", "warning", "waits for a DNS record" },
        { "{'request':{'sent':'2027-03-20T12:00:00Z','waits_for':'waits'}}", "pending", "warning",
          "waits" },
        /* nobody can use a certificate whose key is not here */
        { "{'current':{'stage':'fresh'},'plan':{'action':'pending','cause':'no_pair'},"
          "'request':{'sent':'2027-03-20T12:00:00Z','waits_for':'waits'}}",
          "pending", "warning", "waits" },
        { "{'last_failure':{'code':'pending','text':'p'}}", "pending", "warning", "p" },
        { "{'last_failure':{'code':'away','text':'a'}}", "away", "warning", "a" },
        { "{'last_failure':{'code':'limit','text':'a'}}", "away", "warning", "a" },
        { "{'last_failure':{'code':'rejected','text':'wrong key'}}", "stuck", "critical",
          "wrong key" },
        { "{'last_failure':{'code':'ended','text':'canceled'}}", "missing", "critical",
          "no certificate is here: canceled" },
        { "{'plan':{'words':'never read'}}", "missing", "critical", "never read" },
        { "{}", "missing", "critical", "no certificate is here" },
        /* urgent is urgent, whatever goes on */
        { "{'current':{'stage':'urgent'},'request':{'sent':'2027-03-20T11:59:00Z',"
          "'waits_for':'waits'}}",
          "urgent", "critical", "urgent: waits" },
        { "{'current':{'stage':'critical'},'last_failure':{'code':'denied','text':'no'}}", "urgent",
          "critical", "urgent: no" },
        { "{'current':{'stage':'expired'},'plan':{'words':'ended'}}", "expired", "critical",
          "ended" },
        { "{'current':{'stage':'revoked'}}", "revoked", "critical", "revoked by the CA" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[1024];
        snprintf(text, sizeof(text), "%s", cases[i].order);
        for (char *c = text; *c; c++)
            *c = *c == '\'' ? '"' : *c;
        dcs_auto(dcs_json) struct dcs_json *order = parse(text);
        dcs_show_health(order, now());
        print_message("%s\n", text);
        assert_string_equal(dcs_json_text(order, "health.state"), cases[i].state);
        assert_string_equal(dcs_json_text(order, "health.level"), cases[i].level);
        assert_string_equal(dcs_json_text(order, "health.words"), cases[i].words);
    }
}

static void all_orders_are_added_up_and_the_worst_counts(void **state)
{
    static const struct {
        const char *status, *level, *words;
    } cases[] = {
        { "{\"orders\":[]}", "ok", "no orders are here" },
        { "{\"orders\":[{\"current\":{\"stage\":\"fresh\"}}]}", "ok", "1 order, all good" },
        { "{\"service\":{\"away\":true},\"orders\":[{\"current\":{\"stage\":\"fresh\"}}]}",
          "warning", "1 order, all good, but the service is away" },
        { "{\"orders\":[{},{\"current\":{\"stage\":\"fresh\"}}]}", "critical",
          "1 of 2 orders needs attention" },
        { "{\"orders\":[{\"current\":{\"stage\":\"fresh\"}},{},"
          "{\"current\":{\"stage\":\"fresh\"},\"plan\":{\"action\":\"renewal_due\"}}]}",
          "critical", "2 of 3 orders need attention" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        dcs_auto(dcs_json) struct dcs_json *root = parse(cases[i].status);
        struct dcs_json *orders = (struct dcs_json *)dcs_json_get(root, "orders");
        for (const struct dcs_json *o = dcs_json_first(orders); o; o = dcs_json_next(o))
            dcs_show_health((struct dcs_json *)o, now());
        dcs_status_health(root, now());
        assert_string_equal(dcs_json_text(root, "health.level"), cases[i].level);
        assert_string_equal(dcs_json_text(root, "health.words"), cases[i].words);
    }
}

static void the_next_expiry_is_of_a_certificate_that_still_lives(void **state)
{
    dcs_auto(dcs_json) struct dcs_json *root =
        parse("{\"orders\":[{\"current\":{\"not_after\":\"2027-03-20T12:00:00Z\"}},"
              "{\"current\":{\"not_after\":\"2027-03-20T12:00:02Z\"}},"
              "{\"current\":{\"not_after\":\"2027-03-20T12:00:01Z\"}}]}");
    int64_t good = -1;

    (void)state;
    dcs_status_health(root, now());
    assert_string_equal(dcs_json_text(root, "health.next_expiry"), "2027-03-20T12:00:01Z");
    assert_true(dcs_json_i64(root, "health.states.expired", &good));
    assert_int_equal(good, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_order_gets_the_first_verdict_that_holds),
        cmocka_unit_test(all_orders_are_added_up_and_the_worst_counts),
        cmocka_unit_test(the_next_expiry_is_of_a_certificate_that_still_lives),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
