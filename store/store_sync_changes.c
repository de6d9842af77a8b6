// SPDX-License-Identifier: Apache-2.0
/*
 * store_sync_changes.c - asks the CA which orders have changed since the last run, in one request; when
 * that time is unknown or too long ago, compares the account's listing with what is known here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/trace.h"
#include "store_sync.h"

enum {
    WINDOW_MAX_S = 604800, /* facts/certcentral-api.md 4: time_frame_too_long beyond */
    OVERLAP_S = 300,       /* a change may be told late; clocks differ; seconds are whole */
    DEADLINE_MS = 60000,
    PAGE_ROWS = 1000,
    READ_EACH_MAX = 10, /* so few orders are read rather than a listing of the account */
};

void sync_changes_drop(struct sync_changes *changes)
{
    dcs_order_refs_drop(&changes->refs);
}

static int by_order(const void *a, const void *b)
{
    int64_t x = ((const struct dcs_order_ref *)a)->order_id;
    int64_t y = ((const struct dcs_order_ref *)b)->order_id;

    return (x > y) - (x < y);
}

static void sort(struct dcs_order_refs *refs)
{
    if (refs->count)
        qsort(refs->refs, refs->count, sizeof(*refs->refs), by_order);
}

const struct dcs_order_ref *dcs_sync_change_of(const struct sync_changes *changes, int64_t id)
{
    const struct dcs_order_ref key = { .order_id = id };

    if (!changes->refs.count)
        return NULL;
    return bsearch(&key, changes->refs.refs, changes->refs.count, sizeof(key), by_order);
}

static int64_t now_at_ca(const struct job *job, const struct dcs_api *api)
{
    int64_t ahead_s = 0;

    (void)dcs_api_clock_offset(api, &ahead_s);
    return dcs_env_now(job->env) + ahead_s;
}

/* ---- since the last run ---- */

/*
 * `seconds`, not the filter on dates: that one is in Mountain Time and leaves out orders that changed
 * again later. How long ago the last run was is known by the CA's clock only after its answer; when
 * ours had jumped, the same is asked again for the time that it really was. *ret_too_long: the
 * window would be longer than the CA allows.
 */
static bool ask_since(struct job *job, struct dcs_api *api, int64_t last,
                      struct sync_changes *changes, bool *ret_too_long, struct dcs_err *err)
{
    int64_t seconds = dcs_env_now(job->env) - last;

    *ret_too_long = false;
    for (int i = 0;; i++) {
        seconds = (seconds > 0 ? seconds : 0) + OVERLAP_S;
        *ret_too_long = seconds > WINDOW_MAX_S;
        if (*ret_too_long)
            return true;
        dcs_order_refs_drop(&changes->refs);
        if (!dcs_api_status_changes(api, seconds, &changes->refs, err))
            return false;
        changes->asked_at = now_at_ca(job, api);
        changes->since = dcs_env_now(job->env) - seconds;
        int64_t really = changes->asked_at - last;
        if (really + OVERLAP_S / 2 <= seconds || i > 0)
            return true;
        seconds = really;
    }
}

/* ---- without a last run ---- */

static bool is_revoked(const struct dcs_order *order)
{
    return strcmp(order->certificate_status, "revoked") == 0;
}

/* order.json was read before what was reissued here since then. */
static bool is_current_here(struct job *job, const struct dcs_order *row)
{
    dcs_auto(dcs_bundle) struct dcs_bundle *bundle = NULL;
    char dir[DCS_GENERATION_DIR];

    return dcs_cache_current(&job->cache, row->id, dir, NULL) &&
           dcs_cache_load_dir(&job->cache, dir, &bundle, NULL) &&
           dcs_bundle_facts(bundle)->certificate_id == row->certificate_id;
}

/* Whether the listing's row says something that is not known here. */
static bool row_differs(struct job *job, const struct dcs_order *row)
{
    dcs_auto(dcs_order) struct dcs_order *known = NULL;

    if (!dcs_cache_read_order(&job->cache, row->id, &known, NULL) || known->status != row->status ||
        is_revoked(known) != is_revoked(row) ||
        (row->order_valid_till >= 0 && row->order_valid_till != known->order_valid_till))
        return true;
    return known->certificate_id != row->certificate_id && !is_current_here(job, row);
}

static bool add_ref(struct dcs_order_refs *refs, const struct dcs_order *row, struct dcs_err *err)
{
    struct dcs_order_ref *bigger = refs->refs;

    if ((refs->count & (refs->count + 1)) == 0) { /* 0, 1, 3, 7, ...: full */
        bigger = realloc(refs->refs, (2 * refs->count + 2) * sizeof(*bigger));
        if (!bigger)
            return dcs_fail(err, DCS_E_NOMEM, "out of memory");
        refs->refs = bigger;
    }
    struct dcs_order_ref *ref = &bigger[refs->count++];
    *ref = (struct dcs_order_ref){ .order_id = row->id, .certificate_id = row->certificate_id };
    snprintf(ref->status, sizeof(ref->status), "%s", row->status_text);
    return true;
}

static bool is_here(const struct dcs_ids *ids, int64_t id)
{
    size_t low = 0;
    size_t high = ids->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ids->ids[middle] == id)
            return true;
        if (ids->ids[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* Many orders cost a listing, a page for a thousand of the account; few are read one by one. */
static bool compare_listing(struct job *job, struct dcs_api *api, const struct dcs_ids *ids,
                            struct sync_changes *changes, struct dcs_err *err)
{
    size_t seen = 0;
    int64_t offset = 0;

    changes->was_listed = true;
    for (bool last = false; !last && seen < ids->count;) {
        dcs_auto(dcs_order_page) struct dcs_order_page page = { 0 };
        if (!dcs_api_page(api, "", offset, &page, err))
            return false;
        changes->asked_at = changes->asked_at ? changes->asked_at : now_at_ca(job, api);
        if (page.total / PAGE_ROWS > (int64_t)ids->count) {
            changes->all = true;
            return true;
        }
        for (size_t i = 0; i < page.count; i++) {
            if (!is_here(ids, page.orders[i]->id))
                continue;
            seen++;
            if (row_differs(job, page.orders[i]) && !add_ref(&changes->refs, page.orders[i], err))
                return false;
        }
        offset += (int64_t)page.rows;
        last = page.is_last;
    }
    return true;
}

static bool start_anew(struct job *job, struct dcs_api *api, const struct dcs_ids *ids,
                       struct sync_changes *changes, struct dcs_err *err)
{
    changes->since = INT64_MAX; /* no row is explained by what was learned meanwhile */
    if (ids->count > READ_EACH_MAX)
        return compare_listing(job, api, ids, changes, err);
    changes->all = true;
    changes->asked_at = dcs_env_now(job->env);
    return true;
}

/* ---- both ---- */

static bool ask(struct job *job, struct dcs_api *api, const struct dcs_ids *ids,
                struct sync_changes *changes, struct dcs_err *err)
{
    bool too_long = false;

    changes->position = (struct dcs_position){ .env = job->env,
                                               .state_fd = job->cache.fd,
                                               .owner = job->cache.owner };
    if (!dcs_api_hash(api, changes->position.hash, err))
        return false;
    int64_t last = dcs_position_read(&changes->position);
    if (last && !ask_since(job, api, last, changes, &too_long, err))
        return false;
    if (last && !too_long)
        return true;
    dcs_trace(job->env, "changes at the CA: %s; comparing with what is known here",
              last ? "over a week has passed since the last run" : "no run before this one");
    return start_anew(job, api, ids, changes, err);
}

void dcs_sync_ask_changes(struct job *job, const struct dcs_ids *ids,
                          struct sync_changes *ret_changes)
{
    dcs_auto(dcs_api) struct dcs_api *api = NULL;
    struct sync_changes *changes = ret_changes;

    *changes = (struct sync_changes){ 0 };
    changes->is_told =
        ids->count > 0 &&
        dcs_job_api(job, dcs_deadline_in(job->env, DEADLINE_MS), &api, &changes->trouble) &&
        ask(job, api, ids, changes, &changes->trouble);
    if (!changes->is_told) {
        dcs_order_refs_drop(&changes->refs);
        changes->all = false;
    }
    if (changes->trouble.code != DCS_E_NONE)
        dcs_trace(job->env, "changes at the CA: %s", changes->trouble.text);
    sort(&changes->refs);
}

void dcs_sync_advance(struct job *job, const struct sync_changes *changes)
{
    struct dcs_err why = { 0 };

    if (changes->is_told && !dcs_position_write(&changes->position, changes->asked_at, &why))
        dcs_trace(job->env, "changes at the CA: %s", why.text);
}
