// SPDX-License-Identifier: Apache-2.0
/*
 * century.c - a hundred years of orders in sum, 2026 to 2029, a day or a little more at a time, through the steps of the
 * limits, with outages, lost answers and people who approve, reject, reissue, revoke and switch.
 *
 * No day without a valid certificate that could have had one; no more reissues than the plan needs
 * plus one; no revocation by us; no request sent twice. DCS_SIM_SITES makes it longer: 26 are a hundred years.
 */
#include "site.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SITES = 6, FIRST_ORDER = 20000, BOOKS_EVERY_DAYS = 30, STAGGER_DAYS = 40, TAGS_MAX = 4096 };
static const int64_t FIRST_DAY = 1767571200; /* 2026-01-05 */
static const int64_t LAST_DAY = 1893456000;  /* 2030-01-01 */

/* ---- the timer ---- */

struct timer {
    struct country *c;
    struct site *site;
};

static void take_result(void *context, const struct dcs_json *result, const struct dcs_err *err)
{
    const struct timer *timer = context;
    struct site *site = timer->site;
    const char *action = dcs_json_text(result, "action");
    bool waits = err->code == DCS_E_PENDING || err->code == DCS_E_POLICY ||
                 err->code == DCS_E_REFUSED || err->code == DCS_E_ENDED;
    bool is_away = err->code == DCS_E_AWAY || err->code == DCS_E_REJECTED;

    site->was_pending |= waits;
    site->is_open = err->code != DCS_E_NONE || (action && strcmp(action, "waiting") == 0);
    timer->c->sum.pending += waits;
    if (site->is_open || (action && strcmp(action, "nothing") != 0))
        site_note(timer->c, site, "sync: %s %s", action ? action : "", err->text);
    if (err->code != DCS_E_NONE && !waits && !is_away)
        site_fail(timer->c, site, "sync: %s: %s", dcs_code_name(err->code), err->text);
}

/* What comes next may hang on the hour. */
static bool is_near(const struct site *site, int64_t now)
{
    return !site->has_pair || site->is_open || now - site->acted_at < SIM_DAY ||
           now >= sim_due(site->pair.not_before, site->pair.not_after, site->kind->people_days) -
                      SIM_DAY;
}

/* Each ten minutes as on a real host where something has just gone wrong, each hour near whatever may
 * happen; in between most runs would find nothing, and are left out. */
static int64_t pause_of(const struct country *c, const struct site *site)
{
    int64_t now = c->sim.world.now;

    if (now - site->last_disturbed < 2 * SIM_HOUR ||
        (now - c->outage_ends < SIM_HOUR && site->is_open))
        return SIM_HOUR / 6;
    return is_near(site, now) ? SIM_HOUR : 12 * SIM_HOUR;
}

/* What an unprivileged server gets is looked at each time. */
static void fire(struct country *c, struct site *site)
{
    struct timer timer = { c, site };
    struct dcs_err err = { 0 };

    if (site->order && !dcs_store_sync(site->host.verb, NULL, take_result, &timer, &err))
        site_fail(c, site, "sync: %s", err.text);
    outages_note(c, site);
    site_check(c, site);
    site->next_timer = c->sim.world.now + pause_of(c, site);
}

static struct site *next_site(struct country *c)
{
    struct site *first = &c->sites[0];

    for (int i = 1; i < c->count; i++)
        if (c->sites[i].next_timer < first->next_timer)
            first = &c->sites[i];
    return first;
}

static void live_until(struct country *c, int64_t when)
{
    for (struct site *site = next_site(c); site->next_timer < when; site = next_site(c)) {
        sim_move_to(&c->sim, site->next_timer);
        fire(c, site);
    }
    sim_move_to(&c->sim, when);
}

/* ---- the books ---- */

struct tags {
    char list[TAGS_MAX][48];
    int count;
};

/* How often requests of one intent were sent beyond its first, by the CA's log. */
static int count_again(const struct dcs_json *log, struct tags *tags)
{
    int again = 0;

    for (const struct dcs_json *one = dcs_json_first(log); one; one = dcs_json_next(one)) {
        const char *tag = dcs_json_text(one, "comments");
        int i = 0;
        if (!tag || strncmp(tag, "digicert-store ", 15) != 0)
            continue;
        while (i < tags->count && strcmp(tags->list[i], tag + 15) != 0)
            i++;
        again += i < tags->count;
        if (i < tags->count)
            continue;
        assert_true(tags->count < TAGS_MAX);
        snprintf(tags->list[tags->count++], sizeof(tags->list[0]), "%s", tag + 15);
    }
    return again;
}

static void keep_books(struct country *c, struct tags *tags)
{
    dcs_auto(dcs_json) struct dcs_json *counts = sim_control(&c->sim, "GET", "/counts", NULL);
    dcs_auto(dcs_json) struct dcs_json *log =
        sim_control(&c->sim, "GET", "/requests?method=POST", NULL);

    assert_int_equal(sim_number_at(counts, "revoked"), c->revoked);
    if (sim_number_at(counts, "revocations_due") > 0)
        site_tell_revocations(c);
    c->sent_again += count_again(log, tags);
    if (c->sent_again > c->never_arrived)
        fail_msg("%d requests were sent again, %d at most had been lost", c->sent_again,
                 c->never_arrived);
    sim_try(&c->sim, "DELETE", "/requests", NULL);
}

/* ---- a day ---- */

static void change_orders(struct country *c)
{
    int64_t now = c->sim.world.now;

    for (int i = 0; i < c->count && !c->is_down; i++) {
        struct site *site = &c->sites[i];
        if (site->order && now > site->order_end)
            site_end_order(c, site);
        if (!site->order && now >= site->begin)
            site_begin_order(c, site);
    }
}

/* Some applications load before the timer comes round. */
static void load_some(struct country *c)
{
    struct sim_pair pair = { 0 };
    struct dcs_err err = { 0 };

    for (int i = 0; i < c->count; i++) {
        struct site *site = &c->sites[i];
        if (!site->order || sim_up_to(&c->sim, 3) != 0)
            continue;
        (void)!sim_load(&site->host, site->order, &pair, &err);
        outages_note(c, site);
    }
}

/* After people acted, and after the CA came back, timers are at hand. */
static void wake(struct country *c, bool all)
{
    for (int i = 0; i < c->count; i++) {
        int64_t soon = c->sim.world.now + sim_up_to(&c->sim, SIM_HOUR / 6);
        if ((all || c->sites[i].acted_at + SIM_HOUR / 6 > c->sim.world.now) &&
            c->sites[i].next_timer > soon)
            c->sites[i].next_timer = soon;
    }
}

static void live_a_day(struct country *c)
{
    live_until(c, c->sim.world.now + 20 * SIM_HOUR + sim_up_to(&c->sim, 20 * SIM_HOUR));
    bool was_down = c->is_down;
    outages_act(c);
    change_orders(c);
    sim_move_to(&c->sim, c->sim.world.now + 10); /* a new configuration is looked at by then */
    for (int i = 0; i < c->count; i++)
        people_act(c, &c->sites[i]);
    load_some(c);
    wake(c, was_down && !c->is_down);
}

static void tell(const struct country *c)
{
    print_message("%lld orders, %.1f years in %d sites: %lld certificates; taken in for the plan "
                  "%lld, CT %lld, no pair %lld, revocation %lld, verbs %lld, from the CA %lld\n",
                  (long long)c->sum.orders, (double)c->sum.order_s / SIM_DAY / 365.25, c->count,
                  (long long)c->sum.certificates, (long long)c->sum.by[BY_PLAN],
                  (long long)c->sum.by[BY_DRIFT], (long long)c->sum.by[BY_NO_PAIR],
                  (long long)c->sum.by[BY_REVOCATION], (long long)c->sum.by[BY_VERB],
                  (long long)c->sum.by[BY_CA]);
    print_message("%lld outages, %lld lost answers set up, %lld acts, %d revocations by people; %d "
                  "requests sent again; %.0f order-days without a valid pair, each with a reason\n",
                  (long long)c->sum.outages, (long long)c->sum.lost, (long long)c->sum.acts,
                  c->revoked, c->sent_again, (double)c->sum.excused_s / SIM_DAY);
}

static void begin_hosts(struct country *c)
{
    char name[32];

    for (int i = 0; i < c->count; i++) {
        snprintf(name, sizeof(name), "site-%d", i);
        sim_host_begin(&c->sim, &c->sites[i].host, name, "");
    }
}

static void a_hundred_years(void **state)
{
    static struct tags tags;
    struct country *c = *state;
    int64_t books_at = FIRST_DAY;

    sim_begin(&c->sim, FIRST_DAY, sim_seed(20260105));
    c->count = (int)sim_number("DCS_SIM_SITES", SITES);
    c->sites = calloc((size_t)c->count, sizeof(*c->sites));
    assert_non_null(c->sites);
    c->next_order = FIRST_ORDER;
    c->outage_begins = FIRST_DAY + 20 * SIM_DAY;
    c->next_loss = FIRST_DAY + 3 * SIM_DAY;
    for (int i = 0; i < c->count; i++)
        c->sites[i] =
            (struct site){ .kind = &kinds[(size_t)i % kind_count],
                           .number = i,
                           .begin = FIRST_DAY + sim_up_to(&c->sim, STAGGER_DAYS) * SIM_DAY,
                           .next_timer = FIRST_DAY };
    begin_hosts(c);
    while (c->sim.world.now < LAST_DAY) {
        live_a_day(c);
        if (c->is_down || c->sim.world.now < books_at)
            continue;
        keep_books(c, &tags);
        books_at = c->sim.world.now + BOOKS_EVERY_DAYS * SIM_DAY;
    }
    if (c->is_down) {
        c->outage_ends = c->sim.world.now;
        outages_act(c);
    }
    keep_books(c, &tags);
    for (int i = 0; i < c->count; i++) {
        if (c->sites[i].order)
            site_end_order(c, &c->sites[i]);
        sim_host_end(&c->sites[i].host);
    }
    tell(c);
    for (int i = 0; i < CAUSES; i++)
        assert_true(c->sum.by[i] > 0); /* all that the ledger bounds has happened */
    /* Reasons are exceptions: no more than one day in a hundred. */
    assert_true(c->sum.excused_s * 100 <= c->sum.order_s);
}

static int end(void **state)
{
    struct country *c = *state;

    sim_end(&c->sim);
    for (int i = 0; i < c->count; i++)
        free(c->sites[i].journal);
    free(c->sites);
    return 0;
}

/* meson's word for a test that was left out. */
enum { LEFT_OUT = 77 };

int main(void)
{
    static struct country country;

    if (sim_number("DCS_SIM_SITES", 0) == 0) {
        puts("SKIPPED: a_hundred_years takes minutes: DCS_SIM_SITES=6 plays a quarter of a "
             "century, 26 all of it");
        return LEFT_OUT;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate_setup_teardown(a_hundred_years, NULL, end, &country),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
