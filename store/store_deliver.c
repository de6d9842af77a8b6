// SPDX-License-Identifier: Apache-2.0
/*
 * store_deliver.c - `deliver`: which orders, one after the other; nothing here asks the CA or reads the
 * API key.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_deliver.h"
#include "store_show.h"

static bool same(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* A renewal is delivered as what it stands for: the order before it serves its pair, and its settings
 * are those of that order unless it has its own. */
bool dcs_deliver_is_by_another(struct job *job, int64_t id, const struct dcs_order_settings *own)
{
    dcs_auto(dcs_order) struct dcs_order *order = NULL;
    struct dcs_order_settings before;
    char dir[DCS_GENERATION_DIR];
    char prefix[64];
    int64_t predecessor = dcs_config_predecessor(job->config, id);

    snprintf(prefix, sizeof(prefix), "orders/%lld/", (long long)id);
    if (!predecessor || !dcs_cache_current(&job->cache, predecessor, dir, NULL) ||
        strncmp(dir, prefix, strlen(prefix)) != 0)
        return false;
    dcs_show_read_order(job, predecessor, &order, &before);
    return same(own->hook, before.hook) && same(own->deliver, before.deliver) &&
           same(own->verify, before.verify);
}

static void add_bundle(struct dcs_json *result, const struct job *job,
                       const struct dcs_bundle *bundle)
{
    const struct dcs_facts *facts = dcs_bundle_facts(bundle);
    char path[4096 + DCS_GENERATION_DIR];

    snprintf(path, sizeof(path), "%s/%s", job->cache.path, dcs_bundle_dir(bundle));
    dcs_json_add_text(result, "generation", path);
    dcs_json_add_text(result, "common_name", facts->leaf.common_name);
    dcs_json_add_text(result, "serial", facts->leaf.serial);
    dcs_json_add_time(result, "not_after", facts->leaf.not_after);
}

static void tell(const struct deliver *d, dcs_deliver_cb *each, void *context)
{
    dcs_auto(dcs_json) struct dcs_json *result = dcs_json_new_object();

    dcs_json_add_i64(result, "order_id", d->id);
    dcs_json_add_text(result, "action", d->action);
    if (d->current)
        add_bundle(result, d->job, d->current);
    if (d->settings.deliver && d->settings.deliver[0])
        dcs_json_add_text(result, "directory", d->settings.deliver);
    if (d->record.failures > 0) {
        dcs_json_add_i64(result, "failures", d->record.failures);
        dcs_json_add_time(result, "next_try", d->record.next_try);
    }
    if (d->record.reason[0])
        dcs_json_add_text(result, "reason", d->record.reason);
    each(context, result, &d->why);
}

static void deliver_drop(struct deliver *d)
{
    dcs_lock_drop(&d->lock);
    dcs_delivery_drop(&d->record);
    dcs_bundle_unref(d->current);
    dcs_bundle_unref(d->delivered);
}

static void deliver_one(struct job *job, int64_t id, bool asked,
                        const struct dcs_deliver_options *options, dcs_deliver_cb *each,
                        void *context)
{
    dcs_auto(dcs_order) struct dcs_order *order = NULL;
    dcs_auto(deliver) struct deliver d = { .job = job,
                                           .options = options,
                                           .id = id,
                                           .asked = asked,
                                           .lock = DCS_LOCK_NONE,
                                           .action = "nothing" };

    dcs_show_read_order(job, id, &order, &d.settings);
    if (asked || !dcs_deliver_is_by_another(job, id, &d.settings))
        dcs_deliver_order(&d);
    tell(&d, each, context);
}

static bool deliver_all(struct job *job, const struct dcs_deliver_options *options,
                        dcs_deliver_cb *each, void *context, struct dcs_err *err)
{
    dcs_auto(dcs_ids) struct dcs_ids dirs = { 0 };

    if (!dcs_cache_orders(&job->cache, &dirs, err))
        return false;
    for (size_t i = 0; i < dirs.count; i++)
        deliver_one(job, dirs.ids[i], false, options, each, context);
    return true;
}

static bool deliver(struct job *job, const struct dcs_uri *uris, size_t count,
                    const struct dcs_deliver_options *options, dcs_deliver_cb *each, void *context,
                    struct dcs_err *err)
{
    int64_t id = 0;

    job->cached_only = true;
    if (!dcs_job_check_config(job, 0, err) || !dcs_job_look(job, err) ||
        !dcs_cache_need_keeper(&job->cache, err))
        return false;
    if (count == 0)
        return deliver_all(job, options, each, context, err);
    for (size_t i = 0; i < count; i++) {
        if (!dcs_resolve(job, &uris[i], &id, err))
            return false;
        if (!dcs_cache_has_order(&job->cache, id)) {
            dcs_fail(err, DCS_E_NOT_FOUND, "order %lld: nothing of it is here", (long long)id);
            return dcs_hint(err,
                            "`digicert-store sync` or `digicert-store get order/%lld` "
                            "fetches it",
                            (long long)id);
        }
        deliver_one(job, id, true, options, each, context);
    }
    return true;
}

bool dcs_store_deliver(struct dcs_store *store, const struct dcs_uri *uris, size_t count,
                       const struct dcs_deliver_options *options, dcs_deliver_cb *each,
                       void *context, struct dcs_err *err)
{
    struct dcs_err why = { 0 };
    struct job job;

    if (!dcs_job_begin(store, &job, err))
        return false;
    bool done = deliver(&job, uris, count, options, each, context, &why);
    dcs_job_end(&job);
    if (!done && err)
        *err = why;
    return done;
}
