// SPDX-License-Identifier: Apache-2.0
/*
 * outage.c - each way in which the CA was ever away, for days: four hosts under one API key, a timer
 * every ten minutes on each, applications that load, and certificates that become due meanwhile.
 *
 * Applications always get a valid pair. The CA's log shows the ladder with its spread, no crowd when
 * the CA is back, and no request for a certificate that took effect twice. DCS_SIM_OUTAGES=all plays
 * all kinds for their whole time, DCS_SIM_OUTAGES=NAME that one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim.h"

enum {
    HOSTS = 4,
    ORDERS = 3,
    FIRST_ORDER = 8000,
    LIFE_DAYS = 10,
    TICK = 600,
    TURNS_MAX = 16384,
    CA_BACK_H = 8,    /* the top of the ladder, a tick, and a little */
    WINDOW_MAX = 100, /* DigiCert's limit for 5 s */
    RUN_MAX =
        11, /* requests of a run that finds the CA away: three in a row, and what eight threads had begun */
};
static const int64_t SPRING = 1772323200; /* 2026-03-01 */
static const int64_t rungs[] = { 60, 600, 6000, 21600 };

/* ---- the kinds ---- */

#define ERRORS(code) \
    "{\\\"errors\\\":[{\\\"code\\\":\\\"" code "\\\",\\\"message\\\":\\\"words\\\"}]}"

struct kind {
    const char *name;
    const char *fault;                                /* what each answer is like, "" none */
    bool refuses, distrusts, is_unknown, only_issues; /* or: what is away */
    bool took_effect; /* requests reach the CA all the same, their answers do not come back */
    bool is_limit;    /* the CA is there: no ladder, each run tries */
    int hours;        /* when all is played */
    int usual_h;      /* played each time for so long; 0: not */
};

static const struct kind kinds[] = {
    { "503 with HTML", "\"status\":503,\"html\":true", .hours = 60, .usual_h = 26 },
    { "404 with HTML for every call", "\"status\":404,\"html\":true", .hours = 30 },
    { "404 and nothing", "\"status\":404,\"body\":\"\"", .hours = 30 },
    { "500 with JSON", "\"status\":500,\"body\":\"" ERRORS("internal") "\"", .hours = 30 },
    { "200 with HTML", "\"html\":true", .hours = 30 },
    { "a redirect", "\"status\":302,\"redirect\":\"https://maintenance.example/\"", .hours = 30 },
    { "429", "\"status\":429,\"body\":\"" ERRORS("request_limit_exceeded") "\"", .is_limit = true,
      .hours = 12 },
    { "cut connections", "\"cut\":\"before\"", .hours = 30 },
    { "refused connections", "", .refuses = true, .hours = 60, .usual_h = 14 },
    { "TLS that is not trusted", "", .distrusts = true, .hours = 30 },
    { "an unknown host", "", .is_unknown = true, .hours = 30 },
    { "issuance: 503 with HTML", "\"status\":503,\"html\":true", .only_issues = true, .hours = 60,
      .usual_h = 14 },
    { "issuance: 503 with JSON", "\"status\":503,\"body\":\"" ERRORS("service_unavailable") "\"",
      .only_issues = true, .hours = 30 },
    { "issuance: 400 service_unavailable",
      "\"status\":400,\"body\":\"" ERRORS("service_unavailable") "\"", .only_issues = true,
      .hours = 30 },
    { "issuance: requests that never arrive", "\"cut\":\"before\"", .only_issues = true,
      .hours = 30 },
    { "issuance: answers that are lost", "\"cut\":\"after\"", .only_issues = true,
      .took_effect = true, .hours = 12, .usual_h = 12 },
};

/* ---- the fleet ---- */

struct turn {
    int64_t when;
    int host;
    bool is_load;
};

struct fleet {
    struct sim sim;
    struct sim_host hosts[HOSTS];
    struct sim_pair pairs[HOSTS][ORDERS];
    int renewed[HOSTS][ORDERS]; /* in this cycle */
    int64_t renewed_at[HOSTS];  /* the first of them after the outage */
    struct turn turns[TURNS_MAX];
    int turn_count;
    int64_t from, till; /* of the outage; 0: none now */
    char sections[HOSTS][1024];
};

static int64_t order_of(int host, int order)
{
    return FIRST_ORDER + 10 * host + order;
}

static void take_result(void *context, const struct dcs_json *result, const struct dcs_err *err)
{
    struct fleet *fleet = context;
    bool is_down = fleet->from != 0;
    bool fine = err->code == DCS_E_NONE || err->code == DCS_E_PENDING || err->code == DCS_E_AWAY ||
                err->code == DCS_E_LIMIT || err->code == DCS_E_POLICY;

    (void)result;
    if (!fine || (!is_down && err->code == DCS_E_POLICY))
        fail_msg("sync: %s: %s", dcs_code_name(err->code), err->text);
}

static void note_turn(struct fleet *fleet, int host, bool is_load)
{
    assert_true(fleet->turn_count < TURNS_MAX);
    fleet->turns[fleet->turn_count++] = (struct turn){ fleet->sim.world.now, host, is_load };
}

/* The timer of that host. */
static void sync(struct fleet *fleet, int host)
{
    struct dcs_err err = { 0 };

    note_turn(fleet, host, false);
    if (!dcs_store_sync(fleet->hosts[host].verb, NULL, take_result, fleet, &err))
        fail_msg("host %d: %s", host, err.text);
}

/* What applications there get now is valid, at any moment. */
static void load(struct fleet *fleet, int host)
{
    int64_t now = fleet->sim.world.now;

    note_turn(fleet, host, true);
    for (int i = 0; i < ORDERS; i++) {
        struct sim_pair *known = &fleet->pairs[host][i];
        struct sim_pair pair = { 0 };
        struct dcs_err err = { 0 };
        if (!sim_load(&fleet->hosts[host], order_of(host, i), &pair, &err))
            fail_msg("host %d: an application gets nothing: %s", host, err.text);
        if (now < pair.not_before || now > pair.not_after)
            fail_msg("host %d: an application gets what ended", host);
        if (known->serial[0] && strcmp(known->serial, pair.serial) != 0) {
            fleet->renewed[host][i]++;
            if (!fleet->renewed_at[host])
                fleet->renewed_at[host] = now;
        }
        *known = pair;
    }
}

/* Ten minutes of the fleet: each host at its own moment. */
static void tick(struct fleet *fleet, int64_t at, bool loads)
{
    for (int host = 0; host < HOSTS; host++) {
        sim_move_to(&fleet->sim, at + host * (TICK / HOSTS) + sim_up_to(&fleet->sim, 60));
        sync(fleet, host);
        if (!loads)
            continue;
        sim_move_to(&fleet->sim, fleet->sim.world.now + 20);
        load(fleet, host);
    }
}

static void live_until(struct fleet *fleet, int64_t until, int64_t step)
{
    for (int64_t at = fleet->sim.world.now + 1, n = 0; at < until; at += step, n++)
        tick(fleet, at, n % (step == TICK ? 6 : 1) == 0);
    sim_move_to(&fleet->sim, until);
}

static void begin(struct fleet *fleet)
{
    char limits[512];

    sim_begin(&fleet->sim, SPRING, sim_seed(20260301));
    dcs_json_free(sim_control(&fleet->sim, "POST", "/settings",
                              "{\"max_days\":[{\"from\":\"2020-01-01\",\"days\":%d}],"
                              "\"weekend_ends\":false,\"switches\":{\"dcv\":\"valid\"}}",
                              LIFE_DAYS));
    sim_only_days(LIFE_DAYS, limits, sizeof(limits));
    for (int host = 0; host < HOSTS; host++) {
        char name[32];
        char *text = fleet->sections[host];
        size_t size = sizeof(fleet->sections[host]);
        size_t len = (size_t)snprintf(text, size, "%s", limits);
        for (int i = 0; i < ORDERS; i++) {
            dcs_json_free(sim_control(&fleet->sim, "POST", "/orders",
                                      "{\"id\":%lld,\"common_name\":\"o%lld.example.com\","
                                      "\"product\":\"ssl_securesite_flex\",\"order_days\":1000}",
                                      (long long)order_of(host, i), (long long)order_of(host, i)));
            len += (size_t)snprintf(text + len, size - len, "[order/%lld]\nreissue = auto\n",
                                    (long long)order_of(host, i));
        }
        snprintf(name, sizeof(name), "host-%d", host);
        sim_host_begin(&fleet->sim, &fleet->hosts[host], name, text);
    }
}

/* ---- the outage ---- */

static void configure(struct fleet *fleet)
{
    for (int host = 0; host < HOSTS; host++)
        sim_host_configure(&fleet->sim, &fleet->hosts[host], fleet->sections[host]);
    sim_move_to(&fleet->sim, fleet->sim.world.now + 10); /* it is looked at by then */
}

static void fault(struct fleet *fleet, const struct kind *kind)
{
    static const char *const all[] = { "* /order*", "* /certificate*", "* /request*" };
    static const char *const issuance[] = { "POST /order/certificate/*" };
    const char *const *paths = kind->only_issues ? issuance : all;

    for (size_t i = 0; i < (kind->only_issues ? DCS_COUNT(issuance) : DCS_COUNT(all)); i++)
        dcs_json_free(sim_control(&fleet->sim, "POST", "/faults",
                                  "{\"match\":\"%s\",\"times\":1000000,%s}", paths[i],
                                  kind->fault));
}

static void go_down(struct fleet *fleet, const struct kind *kind)
{
    char before[4096];

    fleet->from = fleet->sim.world.now;
    fleet->turn_count = 0;
    sim_try(&fleet->sim, "DELETE", "/requests", NULL);
    if (kind->fault[0])
        fault(fleet, kind);
    if (kind->refuses)
        sim_stop_sandbox(&fleet->sim);
    if (kind->distrusts) {
        snprintf(before, sizeof(before), "%s", fleet->sim.ca);
        snprintf(fleet->sim.ca, sizeof(fleet->sim.ca), "/etc/ssl/certs/ca-certificates.crt");
        configure(fleet);
        snprintf(fleet->sim.ca, sizeof(fleet->sim.ca), "%s", before);
    }
    if (kind->is_unknown) {
        snprintf(before, sizeof(before), "%s", fleet->sim.url);
        snprintf(fleet->sim.url, sizeof(fleet->sim.url), "https://ca.invalid/services/v2");
        configure(fleet);
        snprintf(fleet->sim.url, sizeof(fleet->sim.url), "%s", before);
    }
}

static void come_back(struct fleet *fleet, const struct kind *kind)
{
    if (kind->refuses)
        sim_start_sandbox(&fleet->sim);
    sim_try(&fleet->sim, "DELETE", "/faults", NULL);
    if (kind->distrusts || kind->is_unknown)
        configure(fleet);
    memset(fleet->renewed_at, 0, sizeof(fleet->renewed_at));
    fleet->till = fleet->sim.world.now;
}

/* What a person sees in the middle of it: since when, what waits, when it is tried. */
static void look_at_status(struct fleet *fleet, const struct kind *kind)
{
    for (int host = 0; host < HOSTS && !kind->took_effect && !kind->is_limit; host++) {
        dcs_auto(dcs_json) struct dcs_json *status = NULL;
        struct dcs_err err = { 0 };
        if (!dcs_store_status(fleet->hosts[host].verb, &status, &err))
            fail_msg("status: %s", err.text);
        const struct dcs_json *service = dcs_json_get(status, "service");
        const struct dcs_json *part =
            kind->only_issues ? dcs_json_get(service, "issuance") : service;
        if (dcs_json_tri(part, "away") != DCS_YES)
            fail_msg("%s, host %d: status does not tell of it", kind->name, host);
        int64_t since = sim_time_at(part, "away_since");
        if (since < fleet->from || since > fleet->from + 12 * SIM_HOUR)
            fail_msg("%s: away since %lld s after it began", kind->name,
                     (long long)(since - fleet->from));
        assert_true(sim_time_at(part, "next_try") > since);
        assert_non_null(strstr(dcs_json_text(service, "words"), "sync"));
        /* All of them have become due by now. */
        assert_int_equal(sim_number_at(service, "waiting"), ORDERS);
    }
}

/* ---- what the CA's log tells ---- */

static const struct turn *turn_at(const struct fleet *fleet, int64_t when)
{
    const struct turn *last = NULL;

    for (int i = 0; i < fleet->turn_count && fleet->turns[i].when <= when; i++)
        last = &fleet->turns[i];
    return last;
}

/* The ladder, host by host: no run asks much, and none before its time. */
static int check_ladder(const struct fleet *fleet, const struct kind *kind,
                        const struct dcs_json *log)
{
    const struct turn *last[HOSTS] = { NULL };
    int climbed[HOSTS] = { 0 };
    int in_run[HOSTS] = { 0 };
    int attempts = 0;

    for (const struct dcs_json *row = dcs_json_first(log); row; row = dcs_json_next(row)) {
        int64_t when = sim_number_at(row, "time_ms") / 1000;
        const struct turn *turn = turn_at(fleet, when);
        bool counts = !kind->only_issues || strcmp(dcs_json_text(row, "method"), "POST") == 0;
        if (!turn || when < fleet->from || when >= fleet->till || turn->is_load || !counts)
            continue;
        int host = turn->host;
        if (last[host] == turn) {
            if (++in_run[host] > RUN_MAX)
                fail_msg("%s: more than %d requests in one run", kind->name, RUN_MAX);
            continue;
        }
        if (last[host]) {
            size_t rung = (size_t)climbed[host]++;
            int64_t least = rungs[rung < DCS_COUNT(rungs) ? rung : DCS_COUNT(rungs) - 1] / 2;
            if (turn->when - last[host]->when < least)
                fail_msg("%s, host %d: asked again after %lld s, on rung %zu", kind->name, host,
                         (long long)(turn->when - last[host]->when), rung);
        }
        last[host] = turn;
        in_run[host] = 1;
        attempts++;
    }
    return attempts;
}

/* Nobody comes with a crowd, and no intent took effect twice. */
static void check_log(const struct fleet *fleet, const struct kind *kind,
                      const struct dcs_json *log)
{
    int64_t times[WINDOW_MAX] = { 0 };
    int64_t count = 0;

    for (const struct dcs_json *row = dcs_json_first(log); row; row = dcs_json_next(row)) {
        int64_t when = sim_number_at(row, "time_ms");
        int64_t *slot = &times[count++ % WINDOW_MAX];
        if (count > WINDOW_MAX && when - *slot < 5000)
            fail_msg("%s: %d requests within 5 s", kind->name, WINDOW_MAX);
        *slot = when;
        const char *tag = dcs_json_text(row, "comments");
        /* What the outage swallowed had no effect, whatever the log calls its status. */
        bool is_swallowed = !kind->took_effect && when / 1000 < fleet->till;
        if (!tag || is_swallowed || sim_number_at(row, "status") > 299)
            continue;
        for (const struct dcs_json *other = dcs_json_next(row); other;
             other = dcs_json_next(other)) {
            const char *also = dcs_json_text(other, "comments");
            if (also && strcmp(also, tag) == 0)
                fail_msg("%s: %s was sent again after it had taken effect", kind->name, tag);
        }
    }
}

static int64_t spread_of(const struct fleet *fleet)
{
    int64_t first = INT64_MAX;
    int64_t last = 0;

    for (int host = 0; host < HOSTS; host++) {
        first = fleet->renewed_at[host] < first ? fleet->renewed_at[host] : first;
        last = fleet->renewed_at[host] > last ? fleet->renewed_at[host] : last;
    }
    return last - first;
}

static void fail_renewal(struct fleet *fleet, const struct kind *kind, int host, int order)
{
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = 1 << 20 };
    int64_t id = order_of(host, order);
    dcs_auto(dcs_json) struct dcs_json *show = sim_show(&fleet->hosts[host], id, 0);

    if (dcs_json_print(show, true, &text, NULL))
        fprintf(stderr, "now %lld, away from %lld till %lld\n%s\n", (long long)fleet->sim.world.now,
                (long long)fleet->from, (long long)fleet->till, dcs_buf_text(&text));
    fail_msg("%s: order %lld got %d new certificates", kind->name, (long long)id,
             fleet->renewed[host][order]);
}

static void settle(struct fleet *fleet, const struct kind *kind, int hours)
{
    dcs_auto(dcs_json) struct dcs_json *log = sim_control(&fleet->sim, "GET", "/requests", NULL);
    int attempts = kind->took_effect || kind->is_limit ? 0 : check_ladder(fleet, kind, log);

    check_log(fleet, kind, log);
    for (int host = 0; host < HOSTS; host++)
        for (int i = 0; i < ORDERS; i++)
            if (fleet->renewed[host][i] != 1)
                fail_renewal(fleet, kind, host, i);
    if (hours >= 24 && spread_of(fleet) < 2 * TICK)
        fail_msg("%s: all hosts came back within %lld s", kind->name, (long long)spread_of(fleet));
    print_message("%s, %d h: %d runs asked, renewed over %.1f h after it\n", kind->name, hours,
                  attempts, (double)spread_of(fleet) / SIM_HOUR);
    memset(fleet->renewed, 0, sizeof(fleet->renewed));
    fleet->from = fleet->till = 0;
}

/* All orders get new pairs in one morning, so that they become due together. */
static int64_t renew_all(struct fleet *fleet)
{
    const struct dcs_reissue_options options = { .again = true, .wait_ms = 10000 };
    int64_t midnight = dcs_time_midnight(fleet->sim.world.now) + SIM_DAY;

    sim_move_to(&fleet->sim, midnight + 6 * SIM_HOUR);
    for (int host = 0; host < HOSTS; host++) {
        for (int i = 0; i < ORDERS; i++) {
            dcs_auto(dcs_json) struct dcs_json *report = NULL;
            struct dcs_uri uri = sim_uri(order_of(host, i));
            struct dcs_err err = { 0 };
            if (!dcs_store_reissue(fleet->hosts[host].verb, &uri, &options, &report, &err))
                fail_msg("reissue: %s", err.text);
        }
        load(fleet, host);
    }
    return midnight;
}

/* Certificates of ten days are due on the seventh; the outage covers that. */
static void one_cycle(struct fleet *fleet, const struct kind *kind, int hours)
{
    int64_t issued = renew_all(fleet);

    live_until(fleet, issued + 6 * SIM_DAY + 6 * SIM_HOUR, 6 * SIM_HOUR);
    memset(fleet->renewed, 0, sizeof(fleet->renewed));
    go_down(fleet, kind);
    live_until(fleet, fleet->from + (hours - 1) * SIM_HOUR, TICK);
    look_at_status(fleet, kind);
    live_until(fleet, fleet->from + hours * SIM_HOUR, TICK);
    come_back(fleet, kind);
    live_until(fleet, fleet->till + CA_BACK_H * SIM_HOUR, TICK);
    settle(fleet, kind, hours);
}

static void days_without_a_ca_harm_nobody(void **state)
{
    struct fleet *fleet = *state;
    const char *which = getenv("DCS_SIM_OUTAGES");
    bool all = which && strcmp(which, "all") == 0;

    begin(fleet);
    tick(fleet, SPRING + 60, true); /* all hosts get their pairs */
    for (size_t i = 0; i < DCS_COUNT(kinds); i++) {
        bool is_wanted = all || (which && *which && strcmp(kinds[i].name, which) == 0);
        int hours = is_wanted ? kinds[i].hours : which && *which ? 0 : kinds[i].usual_h;
        if (hours > 0)
            one_cycle(fleet, &kinds[i], hours);
    }
}

static int end(void **state)
{
    struct fleet *fleet = *state;

    for (int host = 0; host < HOSTS; host++)
        sim_host_end(&fleet->hosts[host]);
    sim_end(&fleet->sim);
    return 0;
}

int main(void)
{
    static struct fleet fleet;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate_setup_teardown(days_without_a_ca_harm_nobody, NULL, end, &fleet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
