// SPDX-License-Identifier: Apache-2.0
/* test_notice.c - which events an order gives, how often they are said, and what a command is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store_event.h"
#include "store_notify.h"

#define NOW "2027-03-20T12:00:00Z"
enum { DAY = 86400 };

static int64_t now(void)
{
    int64_t when = 0;

    assert_true(dcs_time_parse(NOW, &when));
    return when;
}

/* Single quotes, for readable cases. */
static struct dcs_json *parse(const char *text)
{
    char json[1024];
    struct dcs_json *root = NULL;

    snprintf(json, sizeof(json), "%s", text);
    for (char *at = json; *at; at++)
        if (*at == '\'')
            *at = '"';
    assert_true(dcs_json_parse(json, strlen(json), &root, NULL));
    return root;
}

#define CERT "'current':{'serial':'0a','not_after':'2027-05-01T00:00:00Z',"

static void each_trouble_has_its_event(void **state)
{
    static const struct {
        const char *order;
        enum dcs_code code;
        const char *events, *key; /* of the first */
    } rows[] = {
        { "{}", DCS_E_NONE, "", "" },
        { "{}", DCS_E_REFUSED, "failed", "refused 400 no_such_profile" },
        { "{}", DCS_E_AWAY, "failed", "away" }, /* for all orders: without details */
        { "{}", DCS_E_PENDING, "pending", "no_such_profile" },
        { "{'request':{'waits_for':'waits for approval'}}", DCS_E_PENDING, "pending",
          "waits for approval" },
        { "{'request':{'waits_for':'waits for approval'}}", DCS_E_NONE, "", "" },
        /* a day after it was due, not before, and not where policy waits on purpose */
        { "{" CERT "'due':'2027-03-19T12:00:00Z'},'plan':{'action':'reissue'}}", DCS_E_NONE,
          "expiring", "due-missed 0a" },
        { "{" CERT "'due':'2027-03-19T12:00:01Z'},'plan':{'action':'reissue'}}", DCS_E_NONE, "",
          "" },
        { "{" CERT "'due':'2027-03-01T00:00:00Z'},'plan':{'action':'wait','reason':'little_gain'}}",
          DCS_E_NONE, "", "" },
        { "{" CERT "'due':'2027-03-01T00:00:00Z'},'plan':{'action':'wait','reason':'never'}}",
          DCS_E_NONE, "expiring", "due-missed 0a" },
        /* the latest stage counts, from its first second */
        { "{" CERT "'warn':'2027-03-20T12:00:00Z','urgent':'2027-03-20T12:00:01Z'}}", DCS_E_NONE,
          "expiring", "warn 0a" },
        { "{" CERT "'warn':'2027-03-01T00:00:00Z','urgent':'2027-03-20T12:00:00Z'}}", DCS_E_NONE,
          "expiring", "urgent 0a" },
        { "{" CERT "'urgent':'2027-03-01T00:00:00Z','critical':'2027-03-20T12:00:00Z'}}",
          DCS_E_NONE, "expiring", "critical 0a" },
        { "{'current':{'serial':'0a','not_after':'2027-03-20T12:00:00Z'}}", DCS_E_NONE, "expiring",
          "expired 0a" },
        { "{'validation':{'dcv_lapses':false,'dcv_first':'a.example'}}", DCS_E_NONE, "", "" },
        { "{'validation':{'dcv_lapses':true,'dcv_first':'a.example','dcv_until':'2027-03-25T00:00:"
          "00Z'}}",
          DCS_E_NONE, "dcv-expiring", "a.example 2027-03-25T00:00:00Z" },
        { "{'current':{'serial':'0a','not_after':'2027-03-01T00:00:00Z'},"
          "'validation':{'dcv_lapses':true}}",
          DCS_E_REFUSED, "failed expiring dcv-expiring", "refused 400 no_such_profile" },
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(rows); i++) {
        dcs_auto(dcs_json) struct dcs_json *order = parse(rows[i].order);
        struct dcs_notice notices[DCS_NOTICES];
        struct dcs_err err = { .code = rows[i].code };
        char events[128] = "";
        if (err.code != DCS_E_NONE) {
            dcs_fail(&err, rows[i].code, "what the CA said");
            err.http_status = 400;
            snprintf(err.service_code, sizeof(err.service_code), "no_such_profile");
        }
        size_t count = dcs_notice_judge(order, &err, now(), notices);
        for (size_t k = 0; k < count; k++) {
            size_t used = strlen(events);
            snprintf(events + used, sizeof(events) - used, "%s%s", k ? " " : "", notices[k].event);
            assert_true(notices[k].words[0]);
        }
        if (strcmp(events, rows[i].events) != 0)
            fail_msg("%s: \"%s\", wanted \"%s\"", rows[i].order, events, rows[i].events);
        if (count > 0)
            assert_string_equal(notices[0].key, rows[i].key);
    }
}

static void the_same_is_said_once_a_day_and_a_change_at_once(void **state)
{
    static const struct {
        const char *last;
        int64_t ago;
        bool is_daily, is_new;
    } rows[] = {
        { NULL, 0, true, true },          { "k", 0, true, false },
        { "k", DAY - 1, true, false },    { "k", DAY, true, true },
        { "k", 400 * DAY, false, false }, /* a stage of one certificate */
        { "other", 1, true, true },       { "other", 1, false, true },
        { "k", -1, true, true }, /* said by a clock that was ahead */
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(rows); i++) {
        struct dcs_notice notice = { .event = "failed", .key = "k", .is_daily = rows[i].is_daily };
        assert_int_equal(dcs_notice_is_new(&notice, rows[i].last, now() - rows[i].ago, now()),
                         rows[i].is_new);
    }
}

/* ---- the environment ---- */

static const char *value_of(const struct dcs_event_environment *rows, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; rows->rows[i]; i++)
        if (strncmp(rows->rows[i], name, len) == 0 && rows->rows[i][len] == '=')
            return rows->rows[i] + len + 1;
    return NULL;
}

static void the_environment_is_these_variables_and_no_other(void **state)
{
    static const char *const names[] = {
        "PATH",
        "LANG",
        "DIGICERT_STORE_EVENT",
        "DIGICERT_STORE_URI",
        "DIGICERT_STORE_ORDER",
        "DIGICERT_STORE_DIR",
        "DIGICERT_STORE_CURRENT",
        "DIGICERT_STORE_NAMES",
        "DIGICERT_STORE_OLD_SERIAL",
        "DIGICERT_STORE_NEW_SERIAL",
        "DIGICERT_STORE_NOT_AFTER",
        "DIGICERT_STORE_REASON",
    };
    char *two[] = { (char *)"a.example", (char *)"b.example\nLD_PRELOAD=x" };
    struct dcs_facts facts = { .names = two, .name_count = 2 };
    const struct dcs_event event = { .name = "renewed",
                                     .order = 7,
                                     .dir = "/d  with blanks/gen-0001",
                                     .current = "/d/current",
                                     .now = &facts,
                                     .old_serial = "0a",
                                     .reason = "the CA\nsaid \033[31mno" };
    dcs_auto(dcs_event_environment) struct dcs_event_environment rows = { 0 };
    size_t count = 0;

    (void)state;
    snprintf(facts.leaf.serial, sizeof(facts.leaf.serial), "0b");
    assert_true(dcs_event_environment(&event, &rows, NULL));
    while (rows.rows[count])
        count++;
    assert_int_equal(count, DCS_COUNT(names));
    for (size_t i = 0; i < count; i++)
        assert_non_null(value_of(&rows, names[i]));
    assert_string_equal(value_of(&rows, "DIGICERT_STORE_URI"), "digicert://order/7");
    assert_string_equal(value_of(&rows, "DIGICERT_STORE_DIR"), "/d  with blanks/gen-0001");
    assert_string_equal(value_of(&rows, "DIGICERT_STORE_OLD_SERIAL"), "0a");
    assert_string_equal(value_of(&rows, "DIGICERT_STORE_NEW_SERIAL"), "0b");
    for (size_t i = 0; i < count; i++) /* nothing that the CA sent makes a second line */
        assert_null(strpbrk(rows.rows[i], "\n\033"));
}

/* Linux takes 128 KiB as one string: more, and no command could be started. */
static void a_thousand_long_names_do_not_stop_a_hook(void **state)
{
    enum { COUNT = 1000 };
    static char *names[COUNT];
    char name[256];
    struct dcs_facts facts = { .names = names, .name_count = COUNT };
    const struct dcs_event event = { .name = "renewed", .order = 7, .now = &facts };
    dcs_auto(dcs_event_environment) struct dcs_event_environment rows = { 0 };

    (void)state;
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    for (int i = 0; i < COUNT; i++)
        names[i] = name;
    assert_true(dcs_event_environment(&event, &rows, NULL));
    size_t len = strlen(value_of(&rows, "DIGICERT_STORE_NAMES"));
    assert_in_range(len, 60000, 65536);
    assert_int_equal((len + 1) % 256, 0); /* whole names */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_trouble_has_its_event),
        cmocka_unit_test(the_same_is_said_once_a_day_and_a_change_at_once),
        cmocka_unit_test(the_environment_is_these_variables_and_no_other),
        cmocka_unit_test(a_thousand_long_names_do_not_stop_a_hook),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
