// SPDX-License-Identifier: Apache-2.0
/*
 * store_sync_work.c - one order of a run: one attempt within a deadline of its own. Never waits for the CA
 * to issue: it says when to come back.
 */
#include <stdio.h>
#include <string.h>

#include "flow/cache_request.h"
#include "store_away.h"
#include "store_sync.h"

enum { ORDER_DEADLINE_MS = 60000, LOCKED_MAX_MS = 900000, LOCKED_PAUSE_MS = 1000 };

struct dcs_json *dcs_sync_describe(struct job *job, const struct sync_task *task,
                                   const char *action)
{
    dcs_auto(dcs_json) struct dcs_json *result = dcs_json_new_object();

    dcs_json_add_text(result, "action", action);
    if (task->line)
        dcs_json_add_i64(result, "line", task->line);
    if (!task->id)
        dcs_json_add_text(result, "section", task->section->value);
    else if (!dcs_show_describe(job, task->id, result, 0, NULL))
        dcs_json_add_i64(result, "order_id", task->id);
    return dcs_steal(&result);
}

static void current_of(struct job *job, int64_t id, char out[DCS_GENERATION_DIR])
{
    if (!id || !dcs_cache_current(&job->cache, id, out, NULL))
        out[0] = '\0';
}

static bool serves(struct job *job, const char *dir, const char *serial)
{
    dcs_auto(dcs_bundle) struct dcs_bundle *bundle = NULL;

    return dir[0] && dcs_cache_load_dir(&job->cache, dir, &bundle, NULL) &&
           strcmp(dcs_bundle_facts(bundle)->leaf.serial, serial) == 0;
}

static bool is_known(const struct dcs_ids *known, int64_t id)
{
    for (size_t i = 0; known && i < known->count; i++)
        if (known->ids[i] == id)
            return true;
    return false;
}

/* A name or reference of a section that nothing here answers to. *ret_skip: the order is another task. */
static bool resolve(const struct sync_pool *pool, struct job *job, struct sync_task *task,
                    bool *ret_skip, struct dcs_err *err)
{
    struct dcs_uri uri = { .kind = task->section->kind, .types = DCS_TYPE_DEFAULT };

    snprintf(uri.value, sizeof(uri.value), "%s", task->section->value);
    if (!dcs_resolve(job, &uri, &task->id, err))
        return false;
    *ret_skip = is_known(pool->known, task->id);
    return true;
}

/* A request of ours is out, and the order's time is not up: when to look again, 0 not. */
static int64_t polled_at(struct job *job, const struct sync_task *task)
{
    dcs_auto(dcs_intent) struct dcs_intent intent = { 0 };
    int64_t pause_ms = (int64_t)1000 << (task->rounds < 3 ? task->rounds : 3);

    if (!dcs_cache_intent(&job->cache, task->id, &intent, NULL) || !intent.request ||
        !intent.request->posted_at)
        return 0;
    int64_t wait_ms = 1000 * dcs_request_wait_s(intent.request, dcs_env_now(job->env));
    int64_t at = dcs_env_mono_ms(job->env) + (wait_ms > pause_ms ? wait_ms : pause_ms);
    return at - task->first_ms < ORDER_DEADLINE_MS ? at : 0;
}

/* When the order is to be tried again in this run; 0: not. */
static int64_t comes_back_at(struct job *job, struct sync_task *task, const struct dcs_err *why)
{
    int64_t now_ms = dcs_env_mono_ms(job->env);
    int64_t since_boot_ms = task->since_boot_ms;

    task->since_boot_ms = 0;
    if (why->code == DCS_E_PENDING)
        return polled_at(job, task);
    if (why->code != DCS_E_TIMEOUT || now_ms - task->first_ms > LOCKED_MAX_MS)
        return 0;
    task->since_boot_ms = since_boot_ms ? since_boot_ms : task->began_boot_ms;
    return now_ms + LOCKED_PAUSE_MS;
}

static bool attempt(struct job *job, struct sync_task *task, const char *seen, struct dcs_err *why)
{
    const struct dcs_fetch_options options = {
        .seen_dir = seen,
        .deadline = dcs_deadline_in(job->env, ORDER_DEADLINE_MS),
        .may_repeat = true,
        .comes_back = true,
        .since_boot_ms = task->since_boot_ms,
        .wish = task->wish,
    };
    task->began_boot_ms = dcs_env_boot_ms(job->env);
    bool done = dcs_fetch_order(job, task->id, &options, why);

    dcs_memory_forget(job->store, task->id);
    return done;
}

/* The result to give out; NULL when there is none yet, or none at all. */
struct dcs_json *dcs_sync_work(const struct sync_pool *pool, struct job *job,
                               struct sync_task *task, struct dcs_err *why)
{
    char seen[DCS_GENERATION_DIR];
    char after[DCS_GENERATION_DIR];
    bool skip = false;

    task->at_ms = 0;
    if (!task->rounds++)
        task->first_ms = dcs_env_mono_ms(job->env);
    if (!task->id && !resolve(pool, job, task, &skip, why))
        return dcs_sync_describe(job, task, "failed");
    if (skip)
        return NULL;
    bool is_held = dcs_away_holds(job, DCS_SERVICE_ISSUANCE);
    current_of(job, task->id, seen);
    if (task->serial && !serves(job, seen, task->serial))
        return dcs_sync_describe(job, task, "already");
    bool done = attempt(job, task, seen, why);
    current_of(job, task->id, after);
    if (!done && strcmp(seen, after) == 0)
        task->at_ms = comes_back_at(job, task, why);
    if (task->at_ms)
        return NULL;
    task->is_done = why->code != DCS_E_TIMEOUT;
    if (done)
        return dcs_sync_describe(job, task, strcmp(seen, after) == 0 ? "nothing" : "changed");
    if (is_held && why->code == DCS_E_AWAY) {
        *why = (struct dcs_err){ 0 };
        return dcs_sync_describe(job, task, "waiting");
    }
    return dcs_sync_describe(job, task, why->code == DCS_E_PENDING ? "pending" : "failed");
}
