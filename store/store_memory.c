// SPDX-License-Identifier: Apache-2.0
/*
 * store_memory.c - what one process remembers: bundles that `current` still names, settings,
 * failed cold opens. It saves work and requests, never decides anything by itself.
 */
#include <stdlib.h>
#include <string.h>

#include "store_instance.h"

static struct memory **bucket_of(struct dcs_store *store, int64_t order)
{
    return &store->memory[(uint64_t)order * 0x9E3779B97F4A7C15u >> 55];
}

/* The caller's own references, so that it can work outside the mutex. */
static void copy_out(const struct memory *from, struct memory *ret_copy)
{
    *ret_copy = *from;
    ret_copy->next = NULL;
    dcs_bundle_ref(ret_copy->bundle);
    dcs_config_ref(ret_copy->config);
}

void dcs_memory_copy_drop(struct memory *copy)
{
    dcs_bundle_unref(copy->bundle);
    dcs_config_unref(copy->config);
    copy->bundle = NULL;
    copy->config = NULL;
}

bool dcs_memory_find(struct job *job, int64_t order, const char *dir, struct memory *ret_copy)
{
    int64_t now_ms = dcs_env_mono_ms(job->env);
    bool found = false;

    dcs_store_enter(job->store);
    for (struct memory *m = *bucket_of(job->store, order); m && !found; m = m->next) {
        if (m->order != order || m->config != job->config ||
            strcmp(dcs_bundle_dir(m->bundle), dir) != 0 || now_ms - m->memo_read_ms > MEMO_KEPT_MS)
            continue;
        copy_out(m, ret_copy);
        found = true;
    }
    dcs_store_leave(job->store);
    return found;
}

/* Settings need the order's names; its reference only when the configuration speaks of one. */
static void find_settings(struct job *job, struct memory *entry)
{
    dcs_auto(dcs_order) struct dcs_order *order = NULL;
    const struct dcs_facts *facts = dcs_bundle_facts(entry->bundle);
    struct dcs_order_names names = { .id = entry->order,
                                     .names = (const char *const *)facts->names,
                                     .name_count = facts->name_count };

    if (dcs_config_section_count(job->config) > 0 &&
        dcs_cache_read_order(&job->cache, entry->order, &order, NULL))
        names.alternative_id = order->alternative_id;
    dcs_config_order(job->config, &names, &entry->settings);
}

void dcs_memory_put(struct job *job, struct dcs_bundle *bundle, struct memory *ret_copy)
{
    struct memory entry = { .order = dcs_bundle_order(bundle), .bundle = dcs_bundle_ref(bundle) };
    struct memory *room =
        job->forgets ? NULL : malloc(sizeof(*room)); /* without it: served, not remembered */
    struct dcs_memo memo;

    entry.config = dcs_config_ref(job->config);
    find_settings(job, &entry);
    dcs_cache_read_memo(&job->cache, entry.order, &memo);
    entry.is_revoked = dcs_revoked_has(memo.revoked_serials, dcs_bundle_facts(bundle)->leaf.serial);
    entry.memo_read_ms = dcs_env_mono_ms(job->env);
    copy_out(&entry, ret_copy);

    if (!job->forgets)
        dcs_memory_forget(job->store, entry.order);
    if (!room) {
        dcs_memory_copy_drop(&entry);
        return;
    }
    *room = entry;
    dcs_store_enter(job->store);
    struct memory **bucket = bucket_of(job->store, entry.order);
    room->next = *bucket;
    *bucket = room;
    dcs_store_leave(job->store);
}

void dcs_memory_forget(struct dcs_store *store, int64_t order)
{
    struct memory *gone = NULL;

    dcs_store_enter(store);
    for (struct memory **at = bucket_of(store, order); *at;) {
        struct memory *m = *at;
        if (m->order != order) {
            at = &m->next;
            continue;
        }
        *at = m->next;
        m->next = gone;
        gone = m;
    }
    dcs_store_leave(store);
    while (gone) {
        struct memory *next = gone->next;
        dcs_memory_copy_drop(gone);
        free(gone);
        gone = next;
    }
}

/* ---- failures ---- */

static uint64_t hash_of(const char *canonical)
{
    uint64_t hash = 14695981039346656037u;

    for (const char *at = canonical; *at; at++)
        hash = (hash ^ (unsigned char)*at) * 1099511628211u;
    return hash ? hash : 1;
}

bool dcs_memory_failed(struct job *job, const char *canonical, struct dcs_err *err)
{
    int64_t now_ms = dcs_env_mono_ms(job->env);
    uint64_t hash = hash_of(canonical);
    bool failed = false;

    if (!job->is_door)
        return false;
    dcs_store_enter(job->store);
    size_t kept = job->store->failures ? FAILURES_KEPT : 0;
    for (size_t i = 0; i < kept && !failed; i++) {
        const struct failure *f = &job->store->failures[i];
        failed = f->hash == hash && f->until_ms > now_ms;
        if (failed && err)
            *err = f->err;
    }
    if (!failed && job->store->away_until_ms > now_ms) {
        failed = true;
        dcs_fail(err, DCS_E_AWAY, "the service was away less than a minute ago");
    }
    dcs_store_leave(job->store);
    return failed;
}

/* That URI's row, else the oldest; NULL when there is no memory for rows. Under the mutex. */
static struct failure *failure_row(struct dcs_store *store, uint64_t hash)
{
    if (!store->failures)
        store->failures = calloc(FAILURES_KEPT, sizeof(*store->failures));
    struct failure *oldest = store->failures;
    for (size_t i = 0; oldest && i < FAILURES_KEPT; i++) {
        struct failure *f = &store->failures[i];
        if (f->hash == hash)
            return f;
        if (f->until_ms < oldest->until_ms)
            oldest = f;
    }
    return oldest;
}

void dcs_memory_note_failure(struct job *job, const char *canonical, const struct dcs_err *err)
{
    int64_t now_ms = dcs_env_mono_ms(job->env);
    uint64_t hash = hash_of(canonical);

    if (!job->is_door)
        return;
    dcs_store_enter(job->store);
    struct failure *row = failure_row(job->store, hash);
    if (row)
        *row = (struct failure){ hash, now_ms + FAILURE_KEPT_MS, *err };
    if (err->code == DCS_E_AWAY)
        job->store->away_until_ms = now_ms + FAILURE_KEPT_MS;
    dcs_store_leave(job->store);
}

/* Counts things, not attempts: sixteen threads that open one order open one. */
bool dcs_memory_may_open_cold(struct job *job, const char *canonical, struct dcs_err *err)
{
    int64_t now_ms = dcs_env_mono_ms(job->env);
    uint64_t hash = hash_of(canonical);
    struct cold_open *oldest = job->store->cold_opens;
    bool counted = false;

    if (!job->is_door)
        return true;
    dcs_store_enter(job->store);
    for (size_t i = 0; i < COLD_ORDERS_PER_MINUTE; i++) {
        struct cold_open *o = &job->store->cold_opens[i];
        counted |= o->hash == hash && now_ms - o->ms < 60000;
        if (o->ms < oldest->ms)
            oldest = o;
    }
    bool may = counted || oldest->hash == 0 || now_ms - oldest->ms >= 60000;
    if (may && !counted)
        *oldest = (struct cold_open){ hash, now_ms };
    dcs_store_leave(job->store);
    if (may)
        return true;
    dcs_fail(err, DCS_E_LIMIT, "this process opened %d orders that were not cached within a minute",
             COLD_ORDERS_PER_MINUTE);
    return dcs_hint(err,
                    "give the orders sections of their own, or fetch them with digicert-store get");
}
