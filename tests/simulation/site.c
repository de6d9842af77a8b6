// SPDX-License-Identifier: Apache-2.0
/* site.c - orders of a site from the first day to the last, and the ledger that each certificate must be
 * found in. Nothing here asks the store why it did something without a bound of its own. */
#include "site.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    END_SHIFT = 4 * SIM_DAY,
    RETRY = 8 * SIM_HOUR,   /* the ladder's last rung, and the timer after it */
    DENIED = 2 * SIM_HOUR,  /* a lost request is asked for again after ten minutes of denial */
    UNAWARE = 7 * SIM_HOUR, /* order info is read each six hours: a revocation is learnt by then */
};

/* ---- the plan's own need, by the page ---- */

static const struct {
    int64_t from;
    int days;
} tls_days[] = { { 1868227200, 46 }, { 1805068800, 99 }, { 1771891200, 199 }, { 0, 397 } };

static int64_t longest_days(const struct kind *kind, int64_t when)
{
    size_t i = 0;

    if (kind->is_private)
        return 1095;
    if (kind->is_email)
        return 824;
    while (when < tls_days[i].from)
        i++;
    return tls_days[i].days;
}

/* The first day after `when` on which TLS certificates become shorter, -1 none. */
static int64_t next_step(const struct kind *kind, int64_t when)
{
    int64_t found = -1;

    for (size_t i = 0; !kind->is_private && !kind->is_email && i < DCS_COUNT(tls_days); i++)
        if (tls_days[i].from > when)
            found = tls_days[i].from;
    return found;
}

/* How many certificates can come after that one: each is replaced as early as it may be, or on the first
 * day of shorter ones, which an earlier one would have put off. */
static int needed_after(const struct site *site, int64_t from, int64_t till, int64_t until)
{
    int64_t at = sim_due(from, till, site->kind->people_days > 0);
    int most = 0;

    if (till >= site->order_end - END_SHIFT || at > until)
        return 0;
    for (; at >= 0 && at <= till && at <= until; at = next_step(site->kind, at)) {
        int64_t next = dcs_time_midnight(at);
        int64_t end = next + longest_days(site->kind, at) * SIM_DAY - 1;
        int count = 1 + needed_after(site, next, end, until);
        most = count > most ? count : most;
    }
    return most;
}

static int needed(const struct site *site, const struct sim_pair *first, int64_t until)
{
    return needed_after(site, first->not_before, first->not_after, until);
}

/* ---- beginning ---- */

static void configure(struct country *c, struct site *site)
{
    char text[256];

    snprintf(text, sizeof(text), "[order/%lld]\nreissue = auto\n%s", (long long)site->order,
             site->kind->section);
    sim_host_configure(&c->sim, &site->host, text);
}

static void import_key(struct country *c, struct site *site)
{
    dcs_auto(dcs_key) struct dcs_key key = { 0 };
    dcs_auto(dcs_bundle) struct dcs_bundle *bundle = NULL;
    struct dcs_uri uri = sim_uri(site->order);
    struct dcs_err err = { 0 };

    sim_order_key(&c->sim, site->order, &key);
    if (!dcs_store_import(site->host.verb, &uri, &key, NULL, &bundle, &err))
        fail_msg("import: %s", err.text);
}

void site_begin_order(struct country *c, struct site *site)
{
    const struct kind *kind = site->kind;
    int64_t now = c->sim.world.now;
    struct site fresh = { .kind = kind, .number = site->number, .order = c->next_order++ };
    char name[64];

    fresh.host = site->host;
    fresh.next_timer = site->next_timer;
    fresh.begin = fresh.checked_at = fresh.acted_at = now;
    fresh.order_end = dcs_time_midnight(now) + 365LL * kind->years * SIM_DAY - 1;
    fresh.allowed[BY_NO_PAIR] = 1;
    free(site->journal);
    *site = fresh;
    snprintf(name, sizeof(name), kind->is_email ? "box%d@s%d.example" : "w%d.s%d.example",
             site->number, site->number);
    dcs_json_free(sim_control(&c->sim, "POST", "/orders",
                              "{\"id\":%lld,\"common_name\":\"%s\",\"product\":\"%s\","
                              "\"order_days\":%d%s,\"switches\":{%s}}",
                              (long long)site->order, name, kind->product, 365 * kind->years,
                              kind->order, kind->switches));
    configure(c, site);
    c->sum.orders++;
    bool imports = sim_up_to(&c->sim, 1);
    site_note(c, site, "the order begins, %s", imports ? "its key is imported" : "no key here");
    if (imports)
        import_key(c, site);
}

struct dcs_json *site_at_ca(struct country *c, const struct site *site)
{
    char path[64];

    snprintf(path, sizeof(path), "/orders/%lld", (long long)site->order);
    return sim_control(&c->sim, "GET", path, NULL);
}

/* ---- revoked at the CA ---- */

static const char *no_zeros(const char *serial)
{
    return serial ? serial + strspn(serial, "0") : "";
}

static bool is_revoked(const struct dcs_json *at_ca, const char *serial)
{
    const struct dcs_json *one = dcs_json_first(dcs_json_get(at_ca, "certificates"));

    for (; one; one = dcs_json_next(one))
        if (strcasecmp(no_zeros(dcs_json_text(one, "serial")), no_zeros(serial)) == 0)
            return sim_time_at(one, "revoked_at") > 0;
    return false;
}

/* ---- each new certificate has a cause ---- */

static enum cause cause_of(const struct sim_pair *pair, int64_t *ret_asked_at)
{
    static const struct {
        const char *name;
        enum cause cause;
    } names[] = { { "due", BY_PLAN },        { "urgent", BY_PLAN },        { "ct_drift", BY_DRIFT },
                  { "no_pair", BY_NO_PAIR }, { "revoked", BY_REVOCATION }, { "verb", BY_VERB } };
    dcs_auto(dcs_json) struct dcs_json *request = sim_request(pair);
    const char *name = dcs_json_text(request, "cause");

    *ret_asked_at = -1;
    if (strcmp(pair->source, "reissue") != 0)
        return BY_CA;
    *ret_asked_at = sim_number_at(request, "created_at");
    for (size_t i = 0; name && i < DCS_COUNT(names); i++)
        if (strcmp(name, names[i].name) == 0)
            return names[i].cause;
    fail_msg("%s: of no cause", pair->dir);
    return CAUSES;
}

/* The current one was revoked, and an older one is good: not a new certificate. */
static bool is_known(struct site *site, const struct sim_pair *pair)
{
    for (int i = 0; i < site->known_count; i++)
        if (strcmp(site->known[i], pair->serial) == 0)
            return true;
    assert_true(site->known_count < (int)DCS_COUNT(site->known));
    memcpy(site->known[site->known_count++], pair->serial, sizeof(pair->serial));
    return false;
}

static void go_back(struct country *c, struct site *site, const struct sim_pair *pair)
{
    site->plan_before += needed(site, &site->segment, c->sim.world.now);
    site->segment = site->earlier = site->pair = *pair;
    site->since = c->sim.world.now;
    site_note(c, site, "back to %.8s", pair->serial);
}

static void note_pair(struct country *c, struct site *site, const struct sim_pair *pair,
                      enum cause cause, int64_t asked_at)
{
    static const char *const names[] = { "plan", "drift", "no pair", "revocation", "verb", "CA" };
    char dates[3][DCS_TIME_TEXT];

    dcs_time_text(pair->not_before, dates[0]);
    dcs_time_text(pair->not_after, dates[1]);
    dcs_time_text(asked_at, dates[2]);
    site_note(c, site, "%.8s of %.10s to %.10s for %s, asked for at %s", pair->serial, dates[0],
              dates[1], names[cause], asked_at < 0 ? "no time" : dates[2]);
}

static bool before_is_revoked(struct country *c, const struct site *site)
{
    dcs_auto(dcs_json) struct dcs_json *at_ca = c->is_down ? NULL : site_at_ca(c, site);

    return site->has_pair && site->allowed[BY_REVOCATION] > 0 && at_ca &&
           is_revoked(at_ca, site->pair.serial);
}

static void count_pair(struct country *c, struct site *site, const struct sim_pair *pair)
{
    int64_t asked_at = -1;
    enum cause cause = cause_of(pair, &asked_at);
    int64_t due = sim_due(site->pair.not_before, site->pair.not_after, site->kind->people_days > 0);

    /* Between two looks of ours the store may go back to an older pair, for the newer one is revoked,
     * and find that one due. */
    if (cause == BY_PLAN && asked_at < due && before_is_revoked(c, site))
        cause = BY_REVOCATION;
    site->seen[cause]++;
    c->sum.by[cause]++;
    note_pair(c, site, pair, cause, asked_at);
    if (cause == BY_PLAN) {
        if (asked_at < due)
            site_fail(c, site, "asked at %lld, due from %lld", (long long)asked_at, (long long)due);
    } else {
        if (site->has_pair)
            site->plan_before += needed(site, &site->segment, c->sim.world.now);
        site->segment = *pair;
    }
    site->earlier = site->pair;
    site->pair = *pair;
    site->since = c->sim.world.now;
    site->has_pair = true;
    int plan = site->plan_before + needed(site, &site->segment, c->sim.world.now) + 1;
    if (site->seen[BY_PLAN] > plan)
        site_fail(c, site, "the plan needs %d, %d were asked for", plan - 1, site->seen[BY_PLAN]);
    /* A revoked one that is not served at all leaves no pair: the store may call it either. */
    int helpless = site->seen[BY_NO_PAIR] + site->seen[BY_REVOCATION] - site->allowed[BY_NO_PAIR] -
                   site->allowed[BY_REVOCATION];
    if (helpless > 0)
        site_fail(c, site, "more reissues for want of a pair than had a reason");
    for (int i = BY_DRIFT; i < BY_CA; i++)
        if (i != BY_NO_PAIR && site->seen[i] > site->allowed[i])
            site_fail(c, site, "%d certificates of cause %d, %d had a reason", site->seen[i], i,
                      site->allowed[i]);
}

/* ---- a day without a valid certificate ---- */

/* Whether the order's newest request waits for somebody at the CA. */
bool site_waits(struct country *c, const struct site *site)
{
    dcs_auto(dcs_json) struct dcs_json *order = site_at_ca(c, site);
    const struct dcs_json *row = dcs_json_first(dcs_json_get(order, "requests"));

    for (; row; row = dcs_json_next(row)) {
        const char *stage = dcs_json_text(row, "stage");
        if (stage && strcmp(stage, "done") != 0 && strcmp(stage, "rejected") != 0)
            return true;
    }
    return false;
}

static bool is_excused(struct country *c, const struct site *site)
{
    int64_t now = c->sim.world.now;

    return c->is_down || now - c->outage_ends < RETRY || now - site->last_disturbed < DENIED ||
           now - site->revoked_at < UNAWARE || (site->remedy_at && site->kind->may_reject) ||
           site_waits(c, site);
}

/* Nothing that is here would have been better than what is served. */
static void nothing_better_is_here(struct country *c, const struct site *site)
{
    dcs_auto(dcs_json) struct dcs_json *at_ca = c->is_down ? NULL : site_at_ca(c, site);
    dcs_auto(dcs_json) struct dcs_json *shown = sim_show(&site->host, site->order, 0);
    const struct dcs_json *one = dcs_json_first(dcs_json_get(shown, "generations"));

    if (c->is_down && site->allowed[BY_REVOCATION])
        return;
    for (; one; one = dcs_json_next(one)) {
        const char *serial = dcs_json_text(one, "serial");
        if (dcs_json_tri(one, "has_key") == DCS_YES && serial &&
            sim_time_at(one, "not_after") >= c->sim.world.now && !is_revoked(at_ca, serial))
            site_fail(c, site, "%s is valid and not served", serial);
    }
}

/* Served, but the CA has revoked it: asked only where that may be. */
static bool serves_revoked(struct country *c, const struct site *site, const struct sim_pair *pair)
{
    if (c->is_down || site->allowed[BY_REVOCATION] == 0)
        return false;
    dcs_auto(dcs_json) struct dcs_json *at_ca = site_at_ca(c, site);
    return is_revoked(at_ca, pair->serial);
}

void site_check(struct country *c, struct site *site)
{
    struct sim_pair pair = { 0 };
    struct dcs_err err = { 0 };
    int64_t now = c->sim.world.now;

    if (!site->order || now > site->order_end)
        return;
    bool loaded = sim_read(&site->host, site->order, &pair, &err);
    bool in_date = loaded && now >= pair.not_before && now <= pair.not_after;
    if (loaded && strcmp(pair.serial, site->pair.serial) != 0) {
        if (is_known(site, &pair))
            go_back(c, site, &pair);
        else
            count_pair(c, site, &pair);
    }
    int64_t step_s = now - site->checked_at;
    site->checked_at = now;
    c->sum.order_s += step_s;
    if (in_date && !serves_revoked(c, site, &pair))
        return;
    if (in_date == false && site->has_pair)
        nothing_better_is_here(c, site);
    if (loaded && !in_date && site->pair.not_after >= site->order_end - END_SHIFT)
        return; /* the CA moved the end of the order off a weekend */
    if (!is_excused(c, site))
        site_fail(c, site, "%s", loaded ? "what is served is not valid" : err.text);
    c->sum.excused_s += step_s;
    site_note(c, site, "without a valid pair");
}

/* ---- the end ---- */

/* DigiCert's own reissues, with the request of before. */
static int count_auto_reissues(const struct dcs_json *order)
{
    const struct dcs_json *one = dcs_json_first(dcs_json_get(order, "requests"));
    int count = 0;

    for (; one; one = dcs_json_next(one)) {
        const char *comments = dcs_json_text(one, "comments");
        count += comments && strcmp(comments, "Auto-reissue") == 0;
    }
    return count;
}

/* Each public key has one certificate, or DigiCert itself has used the old request again. */
static void one_certificate_a_key(struct country *c, const struct site *site,
                                  const struct dcs_json *order)
{
    const struct dcs_json *list = dcs_json_get(order, "certificates");
    int twice = 0;

    for (const struct dcs_json *a = dcs_json_first(list); a; a = dcs_json_next(a)) {
        const char *key = dcs_json_text(a, "spki_sha256");
        for (const struct dcs_json *b = dcs_json_next(a); b; b = dcs_json_next(b)) {
            const char *other = dcs_json_text(b, "spki_sha256");
            if (key && other && *key && strcmp(key, other) == 0) {
                twice++;
                break;
            }
        }
    }
    if (twice > count_auto_reissues(order))
        site_fail(c, site, "%d keys were certified twice, DigiCert did so %d times", twice,
                  count_auto_reissues(order));
}

void site_end_order(struct country *c, struct site *site)
{
    dcs_auto(dcs_json) struct dcs_json *order = site_at_ca(c, site);
    const struct dcs_json *one = dcs_json_first(dcs_json_get(order, "certificates"));
    int issued = 0;
    int ours = site->seen[BY_PLAN];

    for (; one; one = dcs_json_next(one)) {
        const char *state = dcs_json_text(one, "state");
        issued += state && strcmp(state, "issued") == 0;
    }
    for (int i = BY_DRIFT; i < BY_CA; i++)
        ours += site->allowed[i];
    /* The one that was bought, ours, those of others. */
    int most = 1 + ours + count_auto_reissues(order) + site->reissued_elsewhere;
    if (issued > most)
        site_fail(c, site, "the CA has issued %d, %d are accounted for", issued, most);
    one_certificate_a_key(c, site, order);
    c->sum.certificates += issued;
    sim_host_forget(&site->host, site->order);
    site->order = 0;
}
