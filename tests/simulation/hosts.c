// SPDX-License-Identifier: Apache-2.0
/*
 * hosts.c - ten hosts, each with its own state directory and salt, on one `auto` order through a
 * year: each always serves a valid pair of its own, asks for no more than the plan needs, and none
 * chases another.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim.h"

enum { HOSTS = 10, ORDER = 7000 };
static const int64_t SUMMER = 1780617600; /* 2026-06-05, so that the year has both rules of 2027 */

/* design.md section 7: certificates of a year of an order, and so of each host. */
static const struct {
    int days, certificates;
} tables[] = { { 199, 2 }, { 99, 5 } };

struct fleet {
    struct sim *sim;
    struct sim_host hosts[HOSTS];
    struct sim_pair pairs[HOSTS];
    int certificates[HOSTS];
    int64_t id, order_end;
};

static void no_result(void *context, const struct dcs_json *result, const struct dcs_err *err)
{
    (void)context;
    (void)result;
    if (err->code != DCS_E_NONE && err->code != DCS_E_POLICY)
        fail_msg("sync: %s", err->text);
}

static bool is_taken(const struct fleet *fleet, int host, const struct sim_pair *pair)
{
    for (int i = 0; i < HOSTS; i++)
        if (i != host && (strcmp(fleet->pairs[i].serial, pair->serial) == 0 ||
                          memcmp(fleet->pairs[i].spki_sha256, pair->spki_sha256,
                                 sizeof(pair->spki_sha256)) == 0))
            return true;
    return false;
}

/* What an application on that host gets now is valid, and its own. */
static void look(struct fleet *fleet, int host)
{
    struct sim_pair pair = { 0 };
    struct dcs_err err = { 0 };
    int64_t now = fleet->sim->world.now;

    if (!sim_load(&fleet->hosts[host], fleet->id, &pair, &err))
        fail_msg("host %d: %s", host, err.text);
    if (now < pair.not_before || now > pair.not_after)
        fail_msg("host %d at %lld serves what ended at %lld", host, (long long)now,
                 (long long)pair.not_after);
    if (is_taken(fleet, host, &pair))
        fail_msg("host %d serves the pair of another host", host);
    if (strcmp(pair.serial, fleet->pairs[host].serial) == 0)
        return;
    /* Nobody asks before its own certificate is due. */
    const struct sim_pair *before = &fleet->pairs[host];
    if (before->serial[0] && now < sim_due(before->not_before, before->not_after, false))
        fail_msg("host %d asked on day %lld of its certificate", host,
                 (long long)((now - before->not_before) / SIM_DAY));
    fleet->pairs[host] = pair;
    fleet->certificates[host]++;
}

static void visit(struct fleet *fleet, int host)
{
    struct dcs_err err = { 0 };

    look(fleet, host);
    if (!dcs_store_sync(fleet->hosts[host].verb, NULL, no_result, NULL, &err))
        fail_msg("host %d: %s", host, err.text);
    look(fleet, host);
}

static void begin(struct fleet *fleet, int days)
{
    char text[512];
    char name[32];

    dcs_json_free(sim_control(fleet->sim, "POST", "/settings",
                              "{\"max_days\":[{\"from\":\"2020-01-01\",\"days\":%d}]}", days));
    dcs_json_free(sim_control(fleet->sim, "POST", "/orders",
                              "{\"id\":%lld,\"common_name\":\"ten.example.com\","
                              "\"order_days\":365,\"switches\":{\"dcv\":\"valid\"}}",
                              (long long)fleet->id));
    fleet->order_end = dcs_time_midnight(fleet->sim->world.now) + 365LL * SIM_DAY - 1;
    sim_only_days(days, text, sizeof(text));
    size_t len = strlen(text);
    snprintf(text + len, sizeof(text) - len, "[order/%lld]\nreissue = auto\n",
             (long long)fleet->id);
    for (int i = 0; i < HOSTS; i++) {
        snprintf(name, sizeof(name), "host-%d-%d", days, i);
        sim_host_begin(fleet->sim, &fleet->hosts[i], name, text);
    }
}

/* Every certificate of the order was asked for by one of the hosts, and none is revoked. */
static void settle(struct fleet *fleet, int days, int allowed)
{
    char path[64];
    int sum = 0;
    int most = 0;

    for (int i = 0; i < HOSTS; i++) {
        if (fleet->pairs[i].not_after != fleet->order_end)
            fail_msg("host %d: its last pair ends before the order", i);
        if (fleet->certificates[i] > allowed)
            fail_msg("host %d took %d certificates of %d days", i, fleet->certificates[i], days);
        sum += fleet->certificates[i];
        most = fleet->certificates[i] > most ? fleet->certificates[i] : most;
        sim_host_end(&fleet->hosts[i]);
    }
    snprintf(path, sizeof(path), "/orders/%lld", (long long)fleet->id);
    dcs_auto(dcs_json) struct dcs_json *order = sim_control(fleet->sim, "GET", path, NULL);
    assert_int_equal(dcs_json_count(dcs_json_get(order, "certificates")), sum + 1);
    dcs_auto(dcs_json) struct dcs_json *counts = sim_control(fleet->sim, "GET", "/counts", NULL);
    assert_int_equal(sim_number_at(counts, "revoked"), 0);
    assert_int_equal(sim_number_at(counts, "revocations_due"), 0);
    print_message("%d hosts on one order, %d days: %d certificates, at most %d a host\n", HOSTS,
                  days, sum, most);
}

static void ten_hosts_share_an_order_for_a_year(void **state)
{
    struct sim *sim = *state;
    struct fleet fleet;

    sim_begin(sim, SUMMER, sim_seed(20260605));
    for (size_t t = 0; t < DCS_COUNT(tables); t++) {
        fleet = (struct fleet){ .sim = sim, .id = ORDER + (int64_t)t };
        begin(&fleet, tables[t].days);
        for (int64_t day = dcs_time_midnight(sim->world.now); day < fleet.order_end;
             day += SIM_DAY) {
            for (int i = 0; i < HOSTS; i++) {
                int64_t to = day + (2 * i + 1) * SIM_HOUR + sim_up_to(sim, SIM_HOUR);
                sim_move_to(sim, to < fleet.order_end ? to : fleet.order_end);
                visit(&fleet, i);
            }
        }
        settle(&fleet, tables[t].days, tables[t].certificates);
        sim_move_to(sim, fleet.order_end + SIM_DAY);
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
        cmocka_unit_test_prestate_setup_teardown(ten_hosts_share_an_order_for_a_year, NULL, end,
                                                 &sim),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
