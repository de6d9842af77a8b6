// SPDX-License-Identifier: Apache-2.0
/*
 * plan.c - a 365-day order from its first day to its last against the sandbox: how many certificates
 * it takes, that a sync does at each change what `show --at` said before, and nothing in between.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim.h"

/* design.md section 7; ends moved off weekends may cost twelve of 46 days one more (test_plan_year). */
static const struct {
    int days, certificates, over_by_weekends;
} tables[] = { { 199, 2, 0 }, { 99, 5, 0 }, { 46, 12, 1 } };

enum { ORDER = 5000, STEPS_MAX = 400, STARTS = 5 };
static const int64_t SPRING = 1777593600; /* 2026-05-01, a Friday */

struct life {
    struct sim *sim;
    struct sim_host host;
    int64_t id, order_end;
    int certificates; /* the one that was bought included */
    struct sim_pair pair;
    bool renewal_said;
    int explained;
};

static void only(struct sim *sim, int days, bool weekends)
{
    dcs_json_free(sim_control(sim, "POST", "/settings",
                              "{\"max_days\":[{\"from\":\"2020-01-01\",\"days\":%d}],"
                              "\"weekend_ends\":%s}",
                              days, weekends ? "true" : "false"));
}

static void no_result(void *context, const struct dcs_json *result, const struct dcs_err *err)
{
    (void)context;
    (void)result;
    if (err->code != DCS_E_NONE && err->code != DCS_E_POLICY)
        fail_msg("sync: %s", err->text);
}

static void sync(struct life *life)
{
    struct dcs_err err = { 0 };

    if (!dcs_store_sync(life->host.verb, NULL, no_result, NULL, &err))
        fail_msg("sync: %s", err.text);
}

static void load(struct life *life, struct sim_pair *ret_pair)
{
    struct dcs_err err = { 0 };
    int64_t now = life->sim->world.now;

    if (!sim_load(&life->host, life->id, ret_pair, &err))
        fail_msg("%s", err.text);
    if (now < ret_pair->not_before || now > ret_pair->not_after)
        fail_msg("at %lld the certificate from %lld to %lld is served", (long long)now,
                 (long long)ret_pair->not_before, (long long)ret_pair->not_after);
}

static void begin(struct life *life, const char *text)
{
    dcs_auto(dcs_key) struct dcs_key key = { 0 };
    dcs_auto(dcs_bundle) struct dcs_bundle *bundle = NULL;
    struct dcs_uri uri = sim_uri(life->id);
    struct dcs_err err = { 0 };
    char name[32];

    dcs_json_free(sim_control(life->sim, "POST", "/orders",
                              "{\"id\":%lld,\"common_name\":\"plan.example.com\","
                              "\"order_days\":365,\"switches\":{\"dcv\":\"valid\"}}",
                              (long long)life->id));
    snprintf(name, sizeof(name), "host-%lld", (long long)life->id);
    sim_host_begin(life->sim, &life->host, name, text);
    sim_order_key(life->sim, life->id, &key);
    if (!dcs_store_import(life->host.verb, &uri, &key, NULL, &bundle, &err))
        fail_msg("%s", err.text);
    load(life, &life->pair);
    life->certificates = 1;
    life->order_end = dcs_time_midnight(life->sim->world.now) + 365LL * SIM_DAY - 1;
}

/* What is said of that moment: whole, and in words that name its date. */
struct said {
    char action[16], cause[16];
    int64_t next_change, expected;
};

static void explain(struct life *life, int64_t at, struct said *ret_said)
{
    dcs_auto(dcs_json) struct dcs_json *shown = sim_show(&life->host, life->id, at);
    const char *words = dcs_json_text(shown, "plan.words");
    const char *cause = dcs_json_text(shown, "plan.cause");
    char day[DCS_TIME_TEXT];

    assert_non_null(words);
    snprintf(ret_said->action, sizeof(ret_said->action), "%s", dcs_json_text(shown, "plan.action"));
    snprintf(ret_said->cause, sizeof(ret_said->cause), "%s", cause ? cause : "");
    ret_said->next_change = sim_time_at(shown, "plan.next_change");
    ret_said->expected = sim_time_at(shown, "plan.expected_not_after");
    if (strcmp(ret_said->action, "reissue") == 0) {
        assert_true(*ret_said->cause);
        dcs_time_text(ret_said->expected, day);
        day[10] = '\0';
        if (!strstr(words, day))
            fail_msg("\"%s\" does not tell that %s is to be expected", words, day);
    }
    assert_int_equal(sim_time_at(shown, "plan.order_end"), life->order_end);
    life->explained++;
}

/* Three moments on the way to the next change, where nothing is to happen by what was said. */
static void nothing_happens_before(struct life *life, int64_t change, const struct said *now_said)
{
    int64_t from = life->sim->world.now;
    struct sim_pair pair;
    struct said said;

    for (int i = 1; i <= 3; i++) {
        int64_t at = i < 3 ? from + (change - from) * i / 3 : change - 1;
        explain(life, at, &said);
        assert_string_equal(said.action, now_said->action);
        sim_move_to(life->sim, at);
        sync(life);
        load(life, &pair);
        assert_string_equal(pair.serial, life->pair.serial);
    }
}

/* True: the order's life goes on. */
static bool step(struct life *life)
{
    struct said now_said;
    struct said then_said;
    struct sim_pair pair;

    explain(life, 0, &now_said);
    int64_t change = now_said.next_change;
    if (change < 0 || change > life->order_end) {
        sim_move_to(life->sim, life->pair.not_after);
        load(life, &pair);
        return false;
    }
    explain(life, change, &then_said);
    nothing_happens_before(life, change, &now_said);
    sim_move_to(life->sim, change);
    sync(life);
    load(life, &pair);
    life->renewal_said |= strcmp(then_said.action, "renewal_due") == 0;
    if (strcmp(then_said.action, "reissue") != 0) {
        assert_string_equal(pair.serial, life->pair.serial);
        return true;
    }
    assert_string_not_equal(pair.serial, life->pair.serial);
    /* The CA moves ends off weekends, four days at most. */
    if (pair.not_after > then_said.expected || pair.not_after <= then_said.expected - 4LL * SIM_DAY)
        fail_msg("an end of %lld was expected, %lld came", (long long)then_said.expected,
                 (long long)pair.not_after);
    dcs_auto(dcs_json) struct dcs_json *request = sim_request(&pair);
    assert_string_equal(dcs_json_text(request, "cause"), then_said.cause);
    life->pair = pair;
    life->certificates++;
    return true;
}

static void live(struct sim *sim, int table, int64_t id, bool weekends)
{
    struct life life = { .sim = sim, .id = id };
    char text[512];
    char path[64];

    only(sim, tables[table].days, weekends);
    sim_only_days(tables[table].days, text, sizeof(text));
    size_t len = strlen(text);
    snprintf(text + len, sizeof(text) - len, "[order/%lld]\nreissue = auto\n", (long long)id);
    begin(&life, text);
    for (int i = 0; step(&life); i++)
        if (i == STEPS_MAX)
            fail_msg("no end after %d steps", i);
    assert_int_equal(life.pair.not_after, life.order_end);
    if (life.certificates > tables[table].certificates + weekends * tables[table].over_by_weekends)
        fail_msg("365 days by %d: %d certificates", tables[table].days, life.certificates);
    assert_true(life.renewal_said);
    snprintf(path, sizeof(path), "/orders/%lld", (long long)id);
    dcs_auto(dcs_json) struct dcs_json *order = sim_control(sim, "GET", path, NULL);
    assert_int_equal(dcs_json_count(dcs_json_get(order, "certificates")), life.certificates);
    print_message("365 days by %d%s: %d certificates, %d moments explained\n", tables[table].days,
                  weekends ? ", ends off weekends" : "", life.certificates, life.explained);
    sim_host_end(&life.host);
}

static void a_year_is_covered_to_its_last_day_as_show_says(void **state)
{
    struct sim *sim = *state;
    int64_t id = ORDER;

    sim_begin(sim, SPRING, sim_seed(20260501));
    for (size_t t = 0; t < DCS_COUNT(tables); t++) {
        for (int i = 0; i < STARTS; i++) {
            live(sim, (int)t, id++, i & 1);
            /* The next one begins on another day of the week. */
            sim_move_to(sim, sim->world.now + (1 + sim_up_to(sim, 6)) * SIM_DAY);
        }
    }
    dcs_auto(dcs_json) struct dcs_json *counts = sim_control(sim, "GET", "/counts", NULL);
    assert_int_equal(sim_number_at(counts, "revoked"), 0);
    assert_int_equal(sim_number_at(counts, "revocations_due"), 0);
}

static int end(void **state)
{
    sim_end(*state);
    return 0;
}

int main(void)
{
    static struct sim sim;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate_setup_teardown(a_year_is_covered_to_its_last_day_as_show_says,
                                                 NULL, end, &sim),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
