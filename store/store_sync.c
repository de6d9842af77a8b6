// SPDX-License-Identifier: Apache-2.0
/*
 * store_sync.c - what is due for all managed orders, one after the other. Each order is an attempt like
 * any other, so a run that is killed or fails at one order loses nothing of the rest.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/trace.h"
#include "flow/cache_prune.h"
#include "store_away.h"
#include "store_show.h"
#include "store_validation.h"

enum { ORDER_DEADLINE_MS = 60000, POLL_MAX_S = 6 * 3600, POLLS_IN_LIFE = 48 };

/* ---- which orders ---- */

struct managed {
    int64_t *ids;
    size_t count;
};

static void managed_drop(struct managed *managed)
{
    free(managed->ids);
}

static int by_id(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static bool has_key_here(void *context, struct dcs_bundle *bundle)
{
    bool *found = context;

    *found = dcs_bundle_has_key(bundle);
    return !*found;
}

/* An order with a section of its own, or with a generation with key here. */
static bool is_managed(struct job *job, int64_t id)
{
    dcs_auto(dcs_order) struct dcs_order *order = NULL;
    struct dcs_order_settings settings;
    bool found = false;

    dcs_show_read_order(job, id, &order, &settings);
    if (settings.has_section)
        return true;
    return dcs_cache_each(&job->cache, id, has_key_here, &found, NULL) && found;
}

/* A name or reference of a section is resolved once; what it names has a directory afterwards. */
static bool add_section(struct job *job, const struct dcs_config_section *section,
                        struct managed *all, dcs_sync_cb *each, void *context)
{
    struct dcs_uri uri = { .kind = section->kind, .id = section->id, .types = DCS_TYPE_DEFAULT };
    struct dcs_err why = { 0 };
    int64_t id = 0;

    snprintf(uri.value, sizeof(uri.value), "%s", section->value ? section->value : "");
    if (dcs_resolve(job, &uri, &id, &why)) {
        all->ids[all->count++] = id;
        return true;
    }
    dcs_auto(dcs_json) struct dcs_json *result = dcs_json_new_object();
    dcs_json_add_text(result, "section", section->value ? section->value : "");
    dcs_json_add_text(result, "action",
                      dcs_away_holds(job, DCS_SERVICE_WHOLE) ? "waiting" : "failed");
    each(context, result, &why);
    return false;
}

/* Its section is a section of its successor, too, which need not be here yet. */
static void add_successor(struct job *job, const struct dcs_config_section *section,
                          struct managed *all)
{
    struct dcs_order_settings settings;

    if (section->kind != DCS_URI_ORDER)
        return;
    dcs_config_order(job->config, &(struct dcs_order_names){ .id = section->id }, &settings);
    if (settings.successor)
        all->ids[all->count++] = settings.successor;
}

static bool collect(struct job *job, dcs_sync_cb *each, void *context, struct managed *ret_all,
                    struct dcs_err *err)
{
    dcs_auto(dcs_ids) struct dcs_ids dirs = { 0 };
    size_t sections = dcs_config_section_count(job->config);

    if (!dcs_cache_orders(&job->cache, &dirs, err))
        return false;
    ret_all->ids = dcs_alloc(dirs.count + 2 * sections, sizeof(*ret_all->ids), err);
    if (!ret_all->ids)
        return false;
    for (size_t i = 0; i < dirs.count; i++)
        if (is_managed(job, dirs.ids[i]))
            ret_all->ids[ret_all->count++] = dirs.ids[i];
    for (size_t i = 0; i < sections; i++) {
        (void)add_section(job, dcs_config_section(job->config, i), ret_all, each, context);
        add_successor(job, dcs_config_section(job->config, i), ret_all);
    }
    qsort(ret_all->ids, ret_all->count, sizeof(*ret_all->ids), by_id);
    size_t kept = 0;
    for (size_t i = 0; i < ret_all->count; i++)
        if (kept == 0 || ret_all->ids[kept - 1] != ret_all->ids[i])
            ret_all->ids[kept++] = ret_all->ids[i];
    ret_all->count = kept;
    return true;
}

/* ---- one order ---- */

/* min(6 h, L/48): how old what we know of an order may be (facts/policy.md 3.3). */
static int64_t poll_s(const struct plan_input *input)
{
    const struct dcs_plan_certificate *c = &input->facts.certificate;
    int64_t part = c->exists ? (c->not_after - c->not_before + 1) / POLLS_IN_LIFE : POLL_MAX_S;

    return part < POLL_MAX_S ? part : POLL_MAX_S;
}

/* What a run does about an order: WAITS for a service that is away. */
enum need { NEEDS_NOTHING, NEEDS_ATTEMPT, WAITS };

/* Whether the CA need be asked about the order in this run, by what is known here. */
static bool needs_attempt(struct job *job, int64_t id, struct dcs_err *err, enum need *ret_need)
{
    dcs_auto(dcs_order) struct dcs_order *order = NULL;
    dcs_auto(dcs_intent) struct dcs_intent intent = { 0 };
    struct dcs_order_settings settings;
    struct plan_input input;
    struct dcs_plan plan;
    struct dcs_memo memo;
    int64_t now = dcs_env_now(job->env);

    *ret_need = dcs_away_holds(job, DCS_SERVICE_WHOLE) ? WAITS : NEEDS_ATTEMPT;
    dcs_cache_read_memo(&job->cache, id, &memo);
    if (!dcs_cache_read_order(&job->cache, id, &order, NULL))
        return true;
    dcs_fetch_settings(job, order, &settings);
    const struct plan_query query = { .id = id, .order = order, .settings = &settings, .now = now };
    if (!dcs_plan_gather(job, &query, &input, err) ||
        !dcs_cache_intent(&job->cache, id, &intent, err))
        return false;
    dcs_plan_decide(&input.facts, now, &plan);
    bool backs_off =
        memo.failures > 0 && !dcs_fetch_may_try(&memo, now) && !dcs_away_explains(job, &memo);
    bool is_out = intent.request && intent.request->posted_at;
    bool asks = !is_out && (intent.request || plan.action == DCS_PLAN_REISSUE ||
                            plan.action == DCS_PLAN_DUPLICATE);
    bool is_stale = memo.read_at > now || now - memo.read_at >= poll_s(&input);
    bool looks = is_out ? dcs_request_wait_s(intent.request, now) == 0
                        : is_stale || !input.facts.certificate.exists;
    if (is_out ? !looks : backs_off || !(asks || looks))
        *ret_need = NEEDS_NOTHING;
    else if (asks && !looks && dcs_away_holds(job, DCS_SERVICE_ISSUANCE))
        *ret_need = WAITS;
    return true;
}

static void tell(struct job *job, int64_t id, const char *action, const struct dcs_err *why,
                 dcs_sync_cb *each, void *context)
{
    dcs_auto(dcs_json) struct dcs_json *result = dcs_json_new_object();
    const struct dcs_err none = { 0 };

    dcs_json_add_text(result, "action", action);
    if (!dcs_show_describe(job, id, result, 0, NULL))
        dcs_json_add_i64(result, "order_id", id);
    each(context, result, why ? why : &none);
}

static void current_of(struct job *job, int64_t id, char out[DCS_GENERATION_DIR])
{
    if (!dcs_cache_current(&job->cache, id, out, NULL))
        out[0] = '\0';
}

/* What needs no question to the CA: the successor's pair, and what nobody needs any more. An order
 * that another process works on is left to the next run. */
static void keep_house(struct job *job, int64_t id)
{
    dcs_auto(dcs_order) struct dcs_order *order = NULL;
    dcs_auto(dcs_lock) struct dcs_lock lock = DCS_LOCK_NONE;
    struct dcs_order_settings settings;
    char path[64];
    bool held = false;

    dcs_show_read_order(job, id, &order, &settings);
    if (settings.successor)
        dcs_fetch_lead(job, settings.successor);
    snprintf(path, sizeof(path), "orders/%lld/lock", (long long)id);
    if (!dcs_cache_has_order(&job->cache, id) ||
        !dcs_cache_try_lock(&job->cache, path, &held, &lock, NULL) || !held)
        return;
    dcs_cache_tidy(&job->cache, id);
    dcs_cache_prune(&job->cache, id, dcs_config_predecessor(job->config, id),
                    dcs_env_now(job->env));
}

static void sync_one(struct job *job, int64_t id, dcs_sync_cb *each, void *context)
{
    char seen[DCS_GENERATION_DIR];
    char after[DCS_GENERATION_DIR];
    struct dcs_err why = { 0 };
    enum need need = NEEDS_NOTHING;

    if (!needs_attempt(job, id, &why, &need)) {
        tell(job, id, "failed", &why, each, context);
        return;
    }
    if (need != NEEDS_ATTEMPT) {
        tell(job, id, need == WAITS ? "waiting" : "nothing", NULL, each, context);
        return;
    }
    current_of(job, id, seen);
    const struct dcs_fetch_options options = {
        .seen_dir = seen,
        .deadline = dcs_deadline_in(job->env, ORDER_DEADLINE_MS),
        .may_repeat = true,
    };
    bool is_held = dcs_away_holds(job, DCS_SERVICE_ISSUANCE);
    bool done = dcs_fetch_order(job, id, &options, &why);
    dcs_memory_forget(job->store, id);
    current_of(job, id, after);
    if (!done && is_held && why.code == DCS_E_AWAY) {
        tell(job, id, "waiting", NULL, each, context);
        return;
    }
    if (!done)
        tell(job, id, why.code == DCS_E_PENDING ? "pending" : "failed", &why, each, context);
    else
        tell(job, id, strcmp(seen, after) == 0 ? "nothing" : "changed", NULL, each, context);
}

static bool is_stopped(const struct dcs_sync_options *options)
{
    return options && options->stop && atomic_load(options->stop);
}

static bool sync_all(struct job *job, const struct dcs_sync_options *options, dcs_sync_cb *each,
                     void *context, struct dcs_err *err)
{
    dcs_auto(managed) struct managed all = { 0 };

    if (!collect(job, each, context, &all, err))
        return false;
    dcs_cache_sweep(&job->cache);
    for (size_t i = 0; i < all.count && !is_stopped(options); i++) {
        sync_one(job, all.ids[i], each, context);
        keep_house(job, all.ids[i]);
    }
    dcs_validation_keep(job, all.ids, all.count);
    return true;
}

static bool sync_run(struct job *job, const struct dcs_sync_options *options, dcs_sync_cb *each,
                     void *context, struct dcs_err *err)
{
    struct dcs_service_run run;

    if (!dcs_job_check_config(job, 0, err) || !dcs_job_look(job, err) ||
        !dcs_cache_need_keeper(&job->cache, err))
        return false;
    dcs_away_begin(job, options && options->tries_now, &run);
    bool done = sync_all(job, options, each, context, err);
    dcs_away_end(job);
    return done;
}

bool dcs_store_sync(struct dcs_store *store, const struct dcs_sync_options *options,
                    dcs_sync_cb *each, void *context, struct dcs_err *err)
{
    struct dcs_err why = { 0 };
    struct job job;

    if (!dcs_job_begin(store, &job, err))
        return false;
    bool done = sync_run(&job, options, each, context, &why);
    dcs_job_end(&job);
    if (!done && err)
        *err = why;
    return done;
}
