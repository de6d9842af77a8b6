// SPDX-License-Identifier: Apache-2.0
/*
 * store_list.c - `digicert:`: the local orders, then the account's, as a stream. The account's
 * listing is fetched by a keeper when it is older than six hours; what is there so far when the
 * deadline passes is what is listed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/idset.h"
#include "base/trace.h"
#include "store_instance.h"

enum { PAGES_MAX = 100000 };

struct dcs_listing {
    struct dcs_store *store;
    struct job job;
    bool begun_job;
    enum dcs_scope scope;
    bool started;
    struct dcs_ids local; /* directories and sections, sorted */
    size_t next_local;
    struct dcs_lines *account;
    struct dcs_idset named; /* of the account: rows move to the next page while orders come in */
    bool named_something;
    struct dcs_err why_no_account; /* code NONE: the account's names are complete or not wanted */
};

bool dcs_store_list(struct dcs_store *store, enum dcs_scope scope, struct dcs_listing **ret_listing,
                    struct dcs_err *err)
{
    struct dcs_listing *listing = dcs_alloc(1, sizeof(*listing), err);

    if (!listing)
        return false;
    listing->store = store;
    listing->scope = scope;
    *ret_listing = listing;
    return true;
}

const struct dcs_err *dcs_listing_shortfall(const struct dcs_listing *listing)
{
    return listing->why_no_account.code != DCS_E_NONE ? &listing->why_no_account : NULL;
}

void dcs_listing_free(struct dcs_listing *listing)
{
    if (!listing)
        return;
    if (listing->begun_job)
        dcs_job_end(&listing->job);
    dcs_ids_drop(&listing->local);
    dcs_lines_free(listing->account);
    dcs_idset_drop(&listing->named);
    free(listing);
}

void dcs_listing_drop(struct dcs_listing **listing)
{
    dcs_listing_free(*listing);
    *listing = NULL;
}

/* ---- local orders ---- */

static int compare_ids(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

static bool collect_local(struct dcs_listing *listing, struct dcs_err *err)
{
    const struct dcs_config *config = listing->job.config;
    dcs_auto(dcs_ids) struct dcs_ids dirs = { 0 };
    size_t sections = dcs_config_section_count(config);

    if (!dcs_cache_orders(&listing->job.cache, &dirs, err))
        return false;
    int64_t *ids = dcs_alloc(dirs.count + sections, sizeof(*ids), err);
    if (!ids)
        return false;
    size_t count = 0;
    for (size_t i = 0; i < dirs.count; i++)
        ids[count++] = dirs.ids[i];
    for (size_t i = 0; i < sections; i++)
        if (dcs_config_section(config, i)->kind == DCS_URI_ORDER)
            ids[count++] = dcs_config_section(config, i)->id;
    qsort(ids, count, sizeof(*ids), compare_ids);
    size_t unique = 0;
    for (size_t i = 0; i < count; i++)
        if (unique == 0 || ids[unique - 1] != ids[i])
            ids[unique++] = ids[i];
    listing->local = (struct dcs_ids){ ids, unique };
    return true;
}

static void start_entry(int64_t order, struct dcs_entry *entry)
{
    *entry = (struct dcs_entry){ .order_id = order, .not_after = -1 };
    snprintf(entry->uri, sizeof(entry->uri), "digicert://order/%lld", (long long)order);
}

/* False when nothing may be said of it: neither its directory nor a section can be read. */
static bool local_entry(struct dcs_listing *listing, int64_t order, struct dcs_entry *entry)
{
    dcs_auto(dcs_order) struct dcs_order *known = NULL;
    struct memory offer = { 0 };
    enum dcs_stage stage = DCS_STAGE_NONE;
    struct dcs_order_settings settings;
    struct dcs_err err = { 0 };

    start_entry(order, entry);
    entry->is_local = true;
    bool has_order = dcs_cache_read_order(&listing->job.cache, order, &known, &err);
    if (has_order) {
        snprintf(entry->common_name, sizeof(entry->common_name), "%s", known->common_name);
        snprintf(entry->status, sizeof(entry->status), "%s", known->status_text);
        entry->not_after = known->valid_till;
    }
    if (dcs_load_offer(&listing->job, order, &offer, &stage, &err)) {
        const struct dcs_facts *facts = dcs_bundle_facts(offer.bundle);
        if (facts->leaf.common_name[0])
            snprintf(entry->common_name, sizeof(entry->common_name), "%s", facts->leaf.common_name);
        if (!entry->status[0])
            snprintf(entry->status, sizeof(entry->status), "cached");
        entry->not_after = facts->leaf.not_after;
        entry->has_key = dcs_bundle_has_key(offer.bundle);
        dcs_memory_copy_drop(&offer);
        return true;
    }
    dcs_config_order(listing->job.config, &(struct dcs_order_names){ .id = order }, &settings);
    if (!entry->status[0])
        snprintf(entry->status, sizeof(entry->status), "not fetched yet");
    return has_order || settings.has_section;
}

/* ---- the account's orders ---- */

static bool fetch_pages(struct job *job, struct dcs_api *api, int64_t offset, struct dcs_err *err)
{
    int64_t first = 0;

    for (int i = 0; i < PAGES_MAX; i++) {
        dcs_auto(dcs_order_page) struct dcs_order_page page = { 0 };
        if (!dcs_api_page(api, "", offset, &page, err))
            return false;
        if (page.count > 0 && page.orders[0]->id == first)
            return dcs_fail(err, DCS_E_AWAY, "the service's listing repeats itself");
        if (!dcs_account_add(&job->cache, page.orders, page.count, err))
            return false;
        first = page.count > 0 ? page.orders[0]->id : 0;
        offset += (int64_t)page.rows;
        if (page.is_last)
            return dcs_account_finish(&job->cache, err);
    }
    return dcs_fail(err, DCS_E_AWAY, "the service's listing does not end");
}

static bool is_fresh(const struct job *job, int64_t since)
{
    int64_t age = dcs_env_now(job->env) - since;

    return since > 0 && age >= 0 && age < DCS_ACCOUNT_FRESH_S;
}

/* Under state_dir/lock; carries on where a killed or late process stopped. */
static bool refresh_account(struct job *job, struct dcs_err *err)
{
    dcs_auto(dcs_lock) struct dcs_lock lock = DCS_LOCK_NONE;
    dcs_auto(dcs_api) struct dcs_api *api = NULL;
    struct dcs_deadline deadline = dcs_deadline_in(job->env, job->settings->load_deadline_ms);
    struct dcs_account_state state;
    bool held = false;

    while (!held) {
        if (!dcs_cache_try_lock(&job->cache, "lock", &held, &lock, err))
            return false;
        if (!held && dcs_deadline_left_ms(job->env, deadline) == 0)
            return dcs_fail(err, DCS_E_TIMEOUT, "another process is fetching the listing");
        if (!held)
            dcs_env_sleep_ms(job->env, dcs_env_jitter(job->env, 5, 100));
    }
    dcs_account_read(&job->cache, &state);
    if (is_fresh(job, state.fetched))
        return true; /* the one before us did it */
    bool resume = is_fresh(job, state.partial_begun);
    bool ready =
        resume ? dcs_account_resume(&job->cache, err) : dcs_account_begin(&job->cache, err);
    return ready && dcs_job_api(job, deadline, &api, err) &&
           fetch_pages(job, api, resume ? state.partial : 0, err);
}

static void open_account(struct dcs_listing *listing)
{
    static const char canonical[] = "digicert:";
    struct job *job = &listing->job;
    struct dcs_account_state state;
    struct dcs_err why = { 0 };

    if (!dcs_job_look(job, &why) || job->cache.role != DCS_ROLE_KEEPER || job->cached_only)
        return; /* a reader lists what is local */
    dcs_account_read(&job->cache, &state);
    if (!is_fresh(job, state.fetched)) {
        bool refused = dcs_memory_failed(job, canonical, &why);
        if (refused || !dcs_job_check_config(job, 0, &why) || !refresh_account(job, &why)) {
            if (!refused)
                dcs_memory_note_failure(job, canonical, &why);
            dcs_trace(job->env, "listing the account: %s", why.text);
            listing->why_no_account = why;
        }
    }
    if (!dcs_account_open(&job->cache, &listing->account, NULL))
        listing->account = NULL;
}

static bool start(struct dcs_listing *listing, struct dcs_err *err)
{
    listing->started = true;
    if (!dcs_job_begin(listing->store, &listing->job, err))
        return false;
    listing->begun_job = true;
    if (!listing->job.is_door &&
        (!dcs_job_check_config(&listing->job, 0, err) || !dcs_job_look(&listing->job, err)))
        return false;
    if (listing->scope == DCS_SCOPE_ACCOUNT)
        open_account(listing);
    return collect_local(listing, err);
}

static bool account_entry(const char *line, struct dcs_entry *entry)
{
    dcs_auto(dcs_json) struct dcs_json *row = NULL;
    int64_t id = 0;

    if (!dcs_json_parse(line, strlen(line), &row, NULL) || !dcs_json_i64(row, "id", &id) || id <= 0)
        return false;
    start_entry(id, entry);
    dcs_clean_text(dcs_json_text(row, "common_name"), entry->common_name,
                   sizeof(entry->common_name));
    dcs_clean_text(dcs_json_text(row, "status"), entry->status, sizeof(entry->status));
    (void)dcs_json_i64(row, "valid_till", &entry->not_after);
    return true;
}

static bool is_local(const struct dcs_listing *listing, int64_t order)
{
    return listing->local.count > 0 &&
           bsearch(&order, listing->local.ids, listing->local.count, sizeof(order), compare_ids);
}

static bool next_of_account(struct dcs_listing *listing, struct dcs_entry *ret_entry,
                            bool *ret_done, struct dcs_err *err)
{
    const char *line = NULL;

    while (listing->account) {
        if (!dcs_lines_next(listing->account, &line, err))
            return false;
        if (!line)
            break;
        bool is_new = false;
        if (!account_entry(line, ret_entry) || is_local(listing, ret_entry->order_id))
            continue;
        if (!dcs_idset_add(&listing->named, ret_entry->order_id, &is_new, err))
            return false;
        if (!is_new)
            continue;
        listing->named_something = true;
        *ret_done = false;
        return true;
    }
    *ret_done = true;
    /* No names at all because the listing failed is an error; some names and a trace line are not. */
    if (listing->named_something || listing->why_no_account.code == DCS_E_NONE)
        return true;
    *err = listing->why_no_account;
    return dcs_fail_while(err, "listing the account's orders");
}

bool dcs_listing_next(struct dcs_listing *listing, struct dcs_entry *ret_entry, bool *ret_done,
                      struct dcs_err *err)
{
    struct dcs_err why = { 0 };

    if (!listing->started && !start(listing, &why)) {
        if (err)
            *err = why;
        return false;
    }
    while (listing->next_local < listing->local.count) {
        if (!local_entry(listing, listing->local.ids[listing->next_local++], ret_entry))
            continue;
        listing->named_something = true;
        *ret_done = false;
        return true;
    }
    if (next_of_account(listing, ret_entry, ret_done, &why))
        return true;
    if (err)
        *err = why;
    return false;
}
