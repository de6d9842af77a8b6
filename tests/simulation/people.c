// SPDX-License-Identifier: Apache-2.0
/* people.c - what people, DigiCert and the network do in a hundred years: by chance, from the seed, each
 * act entered in the ledger of the site. */
#include "site.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define VALID "\"dcv\":\"valid\""
const struct kind kinds[] = {
    { "ov", "ssl_basic", VALID, 1, .logs = true, .order = "", .section = "" },
    { "ev", "ssl_ev_basic", VALID, 1, .logs = true, .order = "", .section = "key = ec:P-384\n" },
    { "dv", "ssl_dv_geotrust", VALID, 1, .logs = true, .order = "", .section = "" },
    { "dv-validated", "ssl_dv_geotrust", "\"dcv\":\"open\"", 1, .logs = true, .people_days = 3,
      .order = ",\"dcv_method\":\"dns-txt-token\"", .section = "" },
    { "private", "private_ssl_plus", "", 1, .is_private = true, .order = "", .section = "" },
    { "private-3", "private_ssl_plus", "", 3, .is_private = true, .order = "", .section = "" },
    { "ov-2", "ssl_securesite", VALID, 2, .logs = true, .order = "", .section = "" },
    { "ov-3", "ssl_securesite_flex", VALID, 3, .logs = true, .order = "", .section = "" },
    { "approved", "ssl_basic", VALID ",\"approval\":\"always\"", 1, .logs = true, .people_days = 5,
      .may_reject = true, .order = "", .section = "" },
    { "approved-ev-2", "ssl_ev_basic", VALID ",\"approval\":\"always\"", 2, .logs = true,
      .people_days = 4, .may_reject = true, .order = "", .section = "" },
    { "duplicate", "ssl_basic", VALID, 1, .logs = true, .order = "",
      .section = "via = duplicate\n" },
    { "unlogged", "ssl_basic", VALID, 1, .logs = true, .order = ",\"disable_ct\":true",
      .section = "" },
    { "s-mime", "secure_email_mailbox", "", 1, .is_email = true, .order = "", .section = "" },
    { "revalidated", "ssl_multi_domain", "", 1, .logs = true, .people_days = 3, .order = "",
      .section = "" },
    { "auto-reissue", "ssl_basic", VALID, 2, .logs = true,
      .order = ",\"is_multi_year_plan\":\"1\",\"auto_reissue\":1", .section = "" },
    { "slow", "ssl_basic", VALID ",\"polls\":2,\"answer\":\"request-only\"", 1, .logs = true,
      .people_days = 1, .order = "", .section = "" },
    { "staff", "ssl_ev_basic", VALID ",\"staff\":true,\"answer\":\"id-only\"", 1, .logs = true,
      .people_days = 4, .order = "", .section = "" },
};
const size_t kind_count = DCS_COUNT(kinds);

enum { QUIET_DAYS = 90, REMEDY_DAYS = 2, VERB_MS = 10000 };

/* ---- at the portal ---- */

static void patch(struct country *c, const struct site *site, const char *body)
{
    char path[64];

    snprintf(path, sizeof(path), "/orders/%lld", (long long)site->order);
    dcs_json_free(sim_control(&c->sim, "PATCH", path, "%s", body));
}

static bool act(struct country *c, const struct site *site, const char *what)
{
    char path[64];
    char body[64];

    snprintf(path, sizeof(path), "/orders/%lld/actions", (long long)site->order);
    snprintf(body, sizeof(body), "{\"do\":\"%s\"}", what);
    return sim_try(&c->sim, "POST", path, body) == 200;
}

/* The serial of the order's own certificate is the one that we serve. */
static bool serves_primary(struct country *c, const struct site *site)
{
    dcs_auto(dcs_json) struct dcs_json *order = site_at_ca(c, site);
    const char *serial = dcs_json_text(order, "info.certificate.serial_number");

    return serial && site->has_pair &&
           strcasecmp(serial + strspn(serial, "0"),
                      site->pair.serial + strspn(site->pair.serial, "0")) == 0;
}

static void revoke(struct country *c, struct site *site)
{
    if (!serves_primary(c, site))
        return;
    patch(c, site, "{\"revoke\":true}");
    site->allowed[BY_REVOCATION]++;
    site->revoked_at = c->sim.world.now;
    c->revoked++;
    site_note(c, site, "%.8s is revoked", site->pair.serial);
}

/* Somebody adds a name with a key of his own: elsewhere, and no reason to reissue. */
static void add_name(struct country *c, struct site *site)
{
    char body[512];
    size_t len = 0;

    /* While a request is open the CA takes no other. */
    if (site->kind->is_email || site->names > 5 || site_waits(c, site))
        return;
    site->names++;
    len += (size_t)snprintf(body, sizeof(body),
                            "{\"issue\":{\"kind\":\"reissue\",\"key_elsewhere\":true,"
                            "\"dns_names\":[\"w%d.s%d.example\"",
                            site->number, site->number);
    for (int i = 1; i <= site->names; i++)
        len += (size_t)snprintf(body + len, sizeof(body) - len, ",\"n%d.s%d.example\"", i,
                                site->number);
    snprintf(body + len, sizeof(body) - len, "]}}");
    patch(c, site, body);
    site->reissued_elsewhere++;
    site_note(c, site, "reissued elsewhere with a name more");
}

static void flip_ct(struct country *c, struct site *site)
{
    if (!site->kind->logs)
        return;
    dcs_auto(dcs_json) struct dcs_json *order = site_at_ca(c, site);
    bool off = dcs_json_tri(order, "info.disable_ct") == DCS_YES;
    patch(c, site, off ? "{\"disable_ct\":false}" : "{\"disable_ct\":true}");
    site->allowed[BY_DRIFT]++;
    site_note(c, site, "CT logging is switched %s at the CA", off ? "on" : "off");
}

static void auto_reissue(struct country *c, struct site *site)
{
    if (!site_waits(c, site) && act(c, site, "auto_reissue"))
        site_note(c, site, "reissued by the CA");
}

static void rotate(struct country *c, struct site *site)
{
    patch(c, site, "{\"rotate\":true}");
}

/* ---- at the command line ---- */

static void note_verb(struct country *c, struct site *site, bool done, const struct dcs_err *err)
{
    bool fine = err->code == DCS_E_PENDING || err->code == DCS_E_AWAY ||
                err->code == DCS_E_POLICY || err->code == DCS_E_REFUSED ||
                err->code == DCS_E_REJECTED || err->code == DCS_E_ENDED;

    if (!done && !fine)
        site_fail(c, site, "a verb ended with %s: %s", dcs_code_name(err->code), err->text);
    site->allowed[BY_VERB]++;
    site->was_pending |= !done;
    site_note(c, site, "verb: %s", done ? "done" : err->text);
}

static void reissue(struct country *c, struct site *site)
{
    const struct dcs_reissue_options options = { .again = true, .wait_ms = VERB_MS };
    dcs_auto(dcs_json) struct dcs_json *report = NULL;
    struct dcs_uri uri = sim_uri(site->order);
    struct dcs_err err = { 0 };

    note_verb(c, site, dcs_store_reissue(site->host.verb, &uri, &options, &report, &err), &err);
}

static void set_ct(struct country *c, struct site *site)
{
    dcs_auto(dcs_json) struct dcs_json *report = NULL;
    struct dcs_uri uri = sim_uri(site->order);
    struct dcs_err err = { 0 };
    bool logged = sim_up_to(&c->sim, 1);

    if (!site->kind->logs)
        return;
    /* Where the verb cannot reissue at once, the drift is left to sync. */
    site->allowed[BY_DRIFT]++;
    note_verb(c, site, dcs_store_set_ct(site->host.verb, &uri, logged, VERB_MS, &report, &err),
              &err);
}

static void (*const acts[])(struct country *, struct site *) = { reissue,  set_ct, flip_ct,
                                                                 add_name, revoke, auto_reissue,
                                                                 rotate };

/* ---- people whom the CA waits for ---- */

static void go_to_work(struct country *c, struct site *site)
{
    int64_t now = c->sim.world.now;

    if (site->was_pending && !site->people_at && site->kind->people_days)
        site->people_at = now + sim_up_to(&c->sim, site->kind->people_days * (int64_t)SIM_DAY);
    site->was_pending = false;
    if (site->people_at && now >= site->people_at) {
        site->people_at = 0;
        if (site->kind->may_reject && site->rejections == 0 && sim_up_to(&c->sim, 3) == 0 &&
            act(c, site, "reject")) {
            site->rejections++;
            site_note(c, site, "rejected");
            site->remedy_at = now + REMEDY_DAYS * SIM_DAY + sim_up_to(&c->sim, 5 * SIM_DAY);
        } else {
            act(c, site, "complete");
            site_note(c, site, "people did what it waits for");
        }
        c->sum.acts++;
    }
    /* Whoever rejected it by mistake asks again. */
    if (site->remedy_at && now >= site->remedy_at) {
        site->remedy_at = 0;
        reissue(c, site);
    }
}

void people_act(struct country *c, struct site *site)
{
    if (!site->order || c->is_down)
        return;
    go_to_work(c, site);
    outages_note(c, site);
    if (sim_up_to(&c->sim, QUIET_DAYS) > 0 || c->sim.world.now > site->order_end)
        return;
    acts[sim_up_to(&c->sim, (int64_t)DCS_COUNT(acts) - 1)](c, site);
    outages_note(c, site);
    site->acted_at = c->sim.world.now;
    c->sum.acts++;
}

/* ---- the CA away, answers lost ---- */

static void fault(struct country *c, const char *what)
{
    static const char *const paths[] = { "* /order*", "* /certificate*", "* /request*" };

    for (size_t i = 0; i < DCS_COUNT(paths); i++)
        dcs_json_free(sim_control(&c->sim, "POST", "/faults",
                                  "{\"match\":\"%s\",\"times\":1000000,%s}", paths[i], what));
}

static void begin_outage(struct country *c)
{
    static const char *const faults[] = {
        "\"status\":503,\"html\":true",
        "\"cut\":\"before\"",
        "\"status\":500,\"body\":\"{\\\"errors\\\":[]}\"",
        "\"redirect\":\"https://maintenance.example/\",\"status\":302",
    };
    int64_t kind = sim_up_to(&c->sim, (int64_t)DCS_COUNT(faults));

    c->is_down = true;
    c->was_killed = kind == (int64_t)DCS_COUNT(faults);
    if (c->was_killed)
        sim_stop_sandbox(&c->sim);
    else
        fault(c, faults[kind]);
    c->outage_ends = c->sim.world.now + 6 * SIM_HOUR + sim_up_to(&c->sim, 114 * SIM_HOUR);
    c->sum.outages++;
    country_note(c, "the CA is down");
}

static void end_outage(struct country *c)
{
    int64_t now = c->sim.world.now;

    if (c->was_killed)
        sim_start_sandbox(&c->sim);
    else
        sim_try(&c->sim, "DELETE", "/faults", NULL);
    c->is_down = false;
    country_note(c, "the CA is back");
    c->outage_ends = now;
    c->outage_begins = now + (15 + sim_up_to(&c->sim, 45)) * SIM_DAY;
}

/* One answer to a request for a certificate is lost: the CA got it, or it never did. */
static void lose_one(struct country *c)
{
    static const char *const cuts[] = { "after", "mid-body", "before" };
    static const char *const calls[] = { "reissue", "duplicate" };
    int64_t cut = sim_up_to(&c->sim, 2);

    for (size_t i = 0; i < DCS_COUNT(calls); i++)
        dcs_json_free(sim_control(&c->sim, "POST", "/faults",
                                  "{\"match\":\"POST /order/certificate/*/%s\",\"cut\":\"%s\"}",
                                  calls[i], cuts[cut]));
    c->never_arrived += cut == 2 ? 2 : 0;
    c->next_loss = c->sim.world.now + (5 + sim_up_to(&c->sim, 20)) * SIM_DAY;
    c->sum.lost++;
}

/* A loss that was set up waits for its request. */
void outages_note(struct country *c, struct site *site)
{
    if (c->is_down || c->faults_left == 0)
        return;
    dcs_auto(dcs_json) struct dcs_json *list = sim_control(&c->sim, "GET", "/faults", NULL);
    int64_t left = (int64_t)dcs_json_count(list);

    if (left < c->faults_left) {
        site->last_disturbed = c->sim.world.now;
        site_note(c, site, "a request or an answer was lost");
    }
    c->faults_left = left;
}

void outages_act(struct country *c)
{
    int64_t now = c->sim.world.now;

    if (c->is_down && now >= c->outage_ends) {
        end_outage(c);
        c->faults_left = 0;
    }
    if (c->is_down)
        return;
    if (now >= c->next_loss) {
        lose_one(c);
        c->faults_left += 2;
    }
    if (now >= c->outage_begins)
        begin_outage(c);
}
