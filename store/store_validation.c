// SPDX-License-Identifier: Apache-2.0
/*
 * store_validation.c - reads the account's domains, organizations and CT setting now and then, and
 * notes for each order what concerns it. Only hints for people and dates; decides nothing.
 */
#include "store_validation.h"

#include <stdio.h>
#include <string.h>

#include "base/trace.h"

enum {
    HOUR_S = 3600,
    DAY_S = 86400,
    WEEK_S = 7 * DAY_S,
    SOON_S = 30 * DAY_S,
    ASK_DEADLINE_MS = 30000
};

bool dcs_validation_known(struct job *job, int64_t order, struct dcs_validation_ends *ret_ends)
{
    struct dcs_memo memo;

    dcs_cache_read_memo(&job->cache, order, &memo);
    dcs_validation_of_memo(&memo, ret_ends);
    return ret_ends->read_at != 0;
}

/* ---- noting ---- */

static void note(struct job *job, const struct dcs_validation *v, const struct dcs_order *order)
{
    dcs_auto(dcs_lock) struct dcs_lock lock = DCS_LOCK_NONE;
    struct dcs_validation_ends ends;
    struct dcs_err why = { 0 };
    struct dcs_memo memo;
    char path[64];
    bool held = false;

    if (!dcs_cache_has_order(&job->cache, order->id))
        return;
    snprintf(path, sizeof(path), "orders/%lld/lock", (long long)order->id);
    dcs_validation_ends_of(v, order, &ends);
    if (!dcs_cache_try_lock(&job->cache, path, &held, &lock, &why) || !held)
        return; /* whoever works on it: noted at the next time */
    dcs_cache_read_memo(&job->cache, order->id, &memo);
    if (dcs_validation_to_memo(&ends, &memo) &&
        !dcs_cache_write_memo(&job->cache, order->id, &memo, &why))
        dcs_trace(job->env, "order %lld: %s", (long long)order->id, why.text);
}

static void note_all(struct job *job, const struct dcs_validation *v, const int64_t *orders,
                     size_t count)
{
    for (size_t i = 0; i < count; i++) {
        dcs_auto(dcs_order) struct dcs_order *order = NULL;
        if (dcs_cache_read_order(&job->cache, orders[i], &order, NULL))
            note(job, v, order);
    }
}

bool dcs_validation_note_new(struct job *job, const struct dcs_order *order, struct dcs_memo *memo)
{
    dcs_auto(dcs_validation) struct dcs_validation v = { 0 };
    struct dcs_validation_ends ends;

    if (job->is_door || memo->validation_at)
        return false;
    dcs_cache_read_validation(&job->cache, &v);
    if (!v.read_at)
        return false;
    dcs_validation_ends_of(&v, order, &ends);
    return dcs_validation_to_memo(&ends, memo);
}

/* ---- asking ---- */

static bool ends_soon(const struct dcs_validation_ends *ends, int64_t now)
{
    return (ends->dcv_until >= 0 && ends->dcv_until < now + SOON_S) ||
           (ends->organization_until >= 0 && ends->organization_until < now + SOON_S);
}

static void keep(struct job *job, const struct dcs_validation *v)
{
    struct dcs_err why = { 0 };

    if (!dcs_cache_write_validation(&job->cache, v, &why))
        dcs_trace(job->env, "validation.json: %s", why.text);
}

static bool ask(struct job *job, struct dcs_api *api, struct dcs_validation *ret_v)
{
    struct dcs_err why = { 0 };

    if (!dcs_api_validation(api, ret_v, &why)) {
        dcs_trace(job->env, "%s", why.text);
        return false;
    }
    ret_v->read_at = dcs_env_now(job->env);
    ret_v->next_at = ret_v->read_at + WEEK_S;
    return true;
}

bool dcs_validation_ask(struct job *job, struct dcs_api *api, const struct dcs_order *order,
                        struct dcs_validation_ends *ret_ends)
{
    dcs_auto(dcs_validation) struct dcs_validation v = { 0 };

    if (!ask(job, api, &v))
        return false;
    dcs_validation_ends_of(&v, order, ret_ends);
    if (ends_soon(ret_ends, v.read_at))
        v.next_at = v.read_at + DAY_S;
    keep(job, &v);
    note(job, &v, order);
    return true;
}

/* ---- sync ---- */

static bool any_ends_soon(struct job *job, const struct dcs_validation *v, const int64_t *orders,
                          size_t count)
{
    struct dcs_validation_ends ends;

    for (size_t i = 0; i < count; i++)
        if (dcs_validation_known(job, orders[i], &ends) && ends_soon(&ends, v->read_at))
            return true;
    return false;
}

/* None further ahead than we ever wait is believed: that clock was wrong. */
static bool is_due(const struct dcs_validation *v, int64_t now)
{
    return now >= v->next_at || v->next_at > now + 2 * WEEK_S || v->read_at > now;
}

void dcs_validation_keep(struct job *job, const int64_t *orders, size_t count)
{
    dcs_auto(dcs_validation) struct dcs_validation before = { 0 };
    dcs_auto(dcs_validation) struct dcs_validation v = { 0 };
    dcs_auto(dcs_api) struct dcs_api *api = NULL;
    int64_t now = dcs_env_now(job->env);
    struct dcs_err why = { 0 };

    if (count == 0)
        return;
    dcs_cache_read_validation(&job->cache, &before);
    if (!is_due(&before, now))
        return;
    if (!dcs_job_api(job, dcs_deadline_in(job->env, ASK_DEADLINE_MS), &api, &why) ||
        !ask(job, api, &v)) {
        before.next_at = now + HOUR_S;
        keep(job, &before);
        return;
    }
    note_all(job, &v, orders, count);
    /* Spread: the hosts of an account need not ask at the same minute. */
    v.next_at = now + (any_ends_soon(job, &v, orders, count) ? DAY_S : WEEK_S);
    v.next_at -= dcs_env_jitter(job->env, 0, (v.next_at - now) / 10);
    keep(job, &v);
}

/* ---- telling ---- */

void dcs_validation_to_plan(const struct dcs_validation_ends *ends, struct dcs_plan_order *order)
{
    order->dcv_valid_until = ends->dcv_until;
    order->organization_valid_until = ends->organization_until;
    order->account_ct = ends->account_ct;
}

static const char *day(int64_t when, char out[DCS_TIME_TEXT])
{
    dcs_time_text(when, out);
    out[10] = '\0';
    return out;
}

/* "validated until 2027-05-04", "not validated". */
static void say_end(int64_t end, int64_t now, char *out, size_t capacity)
{
    char when[DCS_TIME_TEXT];

    if (end == DCS_VALIDATION_NONE)
        snprintf(out, capacity, "not validated");
    else
        snprintf(out, capacity, "validat%s %s", end <= now ? "ion ended on" : "ed until",
                 day(end, when));
}

void dcs_validation_holds_up(const struct dcs_validation_ends *ends, int64_t now, char *out,
                             size_t capacity)
{
    char dcv[80] = "";
    char organization[80] = "";
    bool no_dcv = ends->dcv_until >= 0 && ends->dcv_until <= now;
    bool no_organization = ends->organization_until >= 0 && ends->organization_until <= now;

    if (no_dcv)
        say_end(ends->dcv_until, now, dcv, sizeof(dcv));
    if (no_organization)
        say_end(ends->organization_until, now, organization, sizeof(organization));
    snprintf(out, capacity, "%s%.200s%s%s%s%s%s", no_dcv ? "fresh domain validation: " : "",
             no_dcv ? ends->dcv_name : "", no_dcv ? ", " : "", dcv,
             no_dcv && no_organization ? "; " : "",
             no_organization ? "fresh validation of the organization: " : "", organization);
}

void dcs_show_validation(struct dcs_json *parent, const struct dcs_validation_ends *ends,
                         const struct dcs_plan *plan)
{
    char words[400];

    if (!ends->read_at)
        return;
    struct dcs_json *object = dcs_json_add_object(parent, "validation");
    dcs_json_add_time(object, "read_at", ends->read_at);
    if (ends->dcv_until > DCS_VALIDATION_NONE)
        dcs_json_add_time(object, "dcv_until", ends->dcv_until);
    if (ends->dcv_until >= 0)
        dcs_json_add_text(object, "dcv_first", ends->dcv_name);
    if (ends->organization_until > DCS_VALIDATION_NONE)
        dcs_json_add_time(object, "organization_until", ends->organization_until);
    if (ends->account_ct != DCS_UNKNOWN)
        dcs_json_add_bool(object, "account_ct", ends->account_ct == DCS_YES);
    dcs_json_add_bool(object, "dcv_lapses", plan->dcv_lapses);
    dcs_json_add_bool(object, "organization_lapses", plan->organization_lapses);
    if (!plan->dcv_lapses && !plan->organization_lapses)
        return;
    snprintf(words, sizeof(words), "%s%.200s%s%s at the CA, or the next reissue waits for it",
             plan->dcv_lapses ? "validate the domain " : "", plan->dcv_lapses ? ends->dcv_name : "",
             plan->dcv_lapses && plan->organization_lapses ? " and " : "",
             !plan->organization_lapses ? " anew"
             : plan->dcv_lapses         ? "the organization anew"
                                        : "validate the organization anew");
    dcs_json_add_text(object, "words", words);
}
