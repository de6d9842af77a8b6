// SPDX-License-Identifier: Apache-2.0
/*
 * lost.c - how long a host whose timer fires each ten minutes is without a valid pair when what it sends for
 * one, or what comes back, is lost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim.h"

enum { TIMER = 600, LONGEST = 3 * SIM_DAY };
static const int64_t SUMMER = 1780617600; /* 2026-06-05 */

/* What got to the CA is found at the next look; what did not is sent again after ten minutes of denial,
 * which takes two looks. */
static const struct {
    const char *cut;
    int times; /* in a row */
    int timers;
} cases[] = { { "after", 1, 2 },  { "mid-body", 1, 2 }, { "before", 1, 3 },
              { "before", 2, 5 }, { "after", 2, 2 },    { "mid-body", 2, 2 } };

static void any_result(void *context, const struct dcs_json *result, const struct dcs_err *err)
{
    (void)context;
    (void)result;
    if (err->code != DCS_E_NONE && err->code != DCS_E_AWAY && err->code != DCS_E_PENDING)
        fail_msg("sync: %s", err->text);
}

/* Timers until an unprivileged server gets a pair in date. */
static int count_timers(struct sim *sim, struct sim_host *host, int64_t order)
{
    struct sim_pair pair = { 0 };
    struct dcs_err err = { 0 };

    for (int i = 1; i <= LONGEST / TIMER; i++) {
        if (!dcs_store_sync(host->verb, NULL, any_result, NULL, &err))
            fail_msg("sync: %s", err.text);
        err = (struct dcs_err){ 0 };
        if (sim_read(host, order, &pair, &err) && pair.not_after > sim->world.now)
            return i;
        err = (struct dcs_err){ 0 };
        sim_move_to(sim, sim->world.now + TIMER);
    }
    fail_msg("order %lld: without a pair after three days", (long long)order);
    return 0;
}

static void import_key(struct sim *sim, struct sim_host *host, int64_t order)
{
    dcs_auto(dcs_key) struct dcs_key key = { 0 };
    dcs_auto(dcs_bundle) struct dcs_bundle *bundle = NULL;
    struct dcs_uri uri = sim_uri(order);
    struct dcs_err err = { 0 };

    sim_order_key(sim, order, &key);
    if (!dcs_store_import(host->verb, &uri, &key, NULL, &bundle, &err))
        fail_msg("import: %s", err.text);
}

static void play(struct sim *sim, size_t number, bool has_expired)
{
    struct sim_host host;
    char section[64];
    char name[32];
    int64_t order = 9000 + 2 * (int64_t)number + has_expired;

    dcs_json_free(sim_control(sim, "POST", "/orders",
                              "{\"id\":%lld,\"common_name\":\"lost.example.com\",%s"
                              "\"switches\":{\"dcv\":\"valid\"}}",
                              (long long)order,
                              has_expired
                                  ? "\"age_days\":110,\"validity_days\":100,\"order_days\":1000,"
                                  : "\"key_elsewhere\":true,"));
    snprintf(section, sizeof(section), "[order/%lld]\nreissue = auto\n", (long long)order);
    snprintf(name, sizeof(name), "host-%lld", (long long)order);
    sim_host_begin(sim, &host, name, section);
    if (has_expired)
        import_key(sim, &host, order);
    dcs_json_free(sim_control(sim, "POST", "/faults",
                              "{\"match\":\"POST /order/certificate/%lld/reissue\","
                              "\"cut\":\"%s\",\"times\":%d}",
                              (long long)order, cases[number].cut, cases[number].times));
    int timers = count_timers(sim, &host, order);
    dcs_auto(dcs_json) struct dcs_json *log =
        sim_control(sim, "GET", "/requests?method=POST", NULL);
    print_message("%s, %s %d times: a pair after %d timers of ten minutes, %zu POSTs\n",
                  has_expired ? "expired" : "no pair", cases[number].cut, cases[number].times,
                  timers, dcs_json_count(log));
    assert_int_equal(timers, cases[number].timers);
    assert_int_equal(dcs_json_count(log), strcmp(cases[number].cut, "before") == 0
                                              ? (size_t)cases[number].times + 1
                                              : 1);
    sim_try(sim, "DELETE", "/faults", NULL);
    sim_try(sim, "DELETE", "/requests", NULL);
    sim_host_end(&host);
}

static void a_lost_answer_costs_minutes(void **state)
{
    struct sim *sim = *state;

    sim_begin(sim, SUMMER, sim_seed(20260605));
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        play(sim, i, false);
        play(sim, i, true);
    }
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
        cmocka_unit_test_prestate_setup_teardown(a_lost_answer_costs_minutes, NULL, end, &sim),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
