// SPDX-License-Identifier: Apache-2.0
/*
 * store_sync.c - what is due for all managed orders: what has changed at the CA, a look at each order, then
 * the work, the most urgent first. Each order is an attempt like any other, so a run that is killed
 * loses nothing and repeats nothing.
 */
#include "store_sync.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/trace.h"
#include "store_away.h"
#include "store_validation.h"

enum { WEEKLY_MAX = 10 }; /* looks for what no list of changes tells, in one run */

struct run {
    struct job *job;
    struct sync_listener listener;
    struct dcs_notifier *notifier; /* NULL: no notify */
    struct dcs_sync_summary summary;
    struct dcs_ids ids;                        /* that may be managed, sorted */
    const struct dcs_config_section **unknown; /* sections that nothing here answers to */
    size_t unknown_count;
    struct sync_changes changes;
    struct sync_task *tasks;
    size_t task_count;
    struct weekly {
        int64_t id, read_at;
        struct dcs_json *result; /* when it is not taken after all */
    } weekly[WEEKLY_MAX];        /* those that were read longest ago */
    size_t weekly_count;
};

static void run_drop(struct run *run)
{
    dcs_notifier_drop(&run->notifier);
    dcs_ids_drop(&run->ids);
    sync_changes_drop(&run->changes);
    for (size_t i = 0; i < run->weekly_count; i++)
        dcs_json_free(run->weekly[i].result);
    free(run->unknown);
    free(run->tasks);
}

/* ---- which orders ---- */

int dcs_sync_by_id(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* The order of a section by what lies here; 0 none. */
static int64_t order_of(const struct job *job, const struct dcs_config_section *section)
{
    struct dcs_uri uri = { .kind = section->kind, .id = section->id, .types = DCS_TYPE_DEFAULT };
    struct job local = *job;
    int64_t id = 0;

    local.cached_only = true;
    snprintf(uri.value, sizeof(uri.value), "%s", section->value ? section->value : "");
    return dcs_resolve(&local, &uri, &id, NULL) ? id : 0;
}

/* Its section is a section of its successor, too, which need not be here yet. */
static void add_successor(struct run *run, const struct dcs_config_section *section)
{
    struct dcs_order_settings settings;

    if (section->kind != DCS_URI_ORDER)
        return;
    dcs_config_order(run->job->config, &(struct dcs_order_names){ .id = section->id }, &settings);
    if (settings.successor)
        run->ids.ids[run->ids.count++] = settings.successor;
}

static bool collect(struct run *run, struct dcs_err *err)
{
    struct job *job = run->job;
    dcs_auto(dcs_ids) struct dcs_ids dirs = { 0 };
    size_t sections = dcs_config_section_count(job->config);

    if (!dcs_cache_orders(&job->cache, &dirs, err))
        return false;
    run->ids.ids = dcs_alloc(dirs.count + 2 * sections, sizeof(*run->ids.ids), err);
    run->unknown = dcs_alloc(sections, sizeof(struct dcs_config_section *), err);
    run->tasks = dcs_alloc(dirs.count + 2 * sections, sizeof(*run->tasks), err);
    if (!run->ids.ids || !run->unknown || !run->tasks)
        return false;
    for (size_t i = 0; i < dirs.count; i++)
        run->ids.ids[run->ids.count++] = dirs.ids[i];
    for (size_t i = 0; i < sections; i++) {
        const struct dcs_config_section *section = dcs_config_section(job->config, i);
        int64_t id = order_of(job, section);
        if (id)
            run->ids.ids[run->ids.count++] = id;
        else
            run->unknown[run->unknown_count++] = section;
        add_successor(run, section);
    }
    qsort(run->ids.ids, run->ids.count, sizeof(*run->ids.ids), dcs_sync_by_id);
    size_t kept = 0;
    for (size_t i = 0; i < run->ids.count; i++)
        if (kept == 0 || run->ids.ids[kept - 1] != run->ids.ids[i])
            run->ids.ids[kept++] = run->ids.ids[i];
    run->ids.count = kept;
    return true;
}

bool dcs_sync_managed(struct job *job, struct dcs_ids *ret_ids, struct dcs_err *err)
{
    dcs_auto(run) struct run run = { .job = job };

    if (!collect(&run, err))
        return false;
    size_t kept = 0;
    for (size_t i = 0; i < run.ids.count; i++)
        if (dcs_sync_is_managed(job, run.ids.ids[i]))
            run.ids.ids[kept++] = run.ids.ids[i];
    *ret_ids = (struct dcs_ids){ dcs_steal(&run.ids.ids), kept };
    return true;
}

/* ---- a look at each ---- */

static void tell_nothing(struct run *run, const struct dcs_json *result)
{
    const struct dcs_err none = { 0 };

    dcs_sync_tell(&run->listener, result, &none);
}

static void tell_failure(struct run *run, int64_t id, const struct dcs_err *why)
{
    dcs_auto(dcs_json) struct dcs_json *result = dcs_json_new_object();

    dcs_json_add_text(result, "action", "failed");
    dcs_json_add_i64(result, "order_id", id);
    dcs_sync_tell(&run->listener, result, why);
}

/* Keeps the ten that were read longest ago; the result of the one that is not is told. */
static void consider_weekly(struct run *run, int64_t id, struct sync_look *look)
{
    struct weekly one = { id, look->read_at, dcs_steal(&look->result) };

    for (size_t i = 0; i < run->weekly_count; i++) {
        if (one.read_at >= run->weekly[i].read_at)
            continue;
        struct weekly other = run->weekly[i];
        run->weekly[i] = one;
        one = other;
    }
    if (run->weekly_count < WEEKLY_MAX) {
        run->weekly[run->weekly_count++] = one;
        return;
    }
    tell_nothing(run, one.result);
    dcs_json_free(one.result);
}

static void add_task(struct run *run, const struct sync_task *task)
{
    run->tasks[run->task_count++] = *task;
}

static void note_due(struct dcs_sync_summary *summary, int64_t due)
{
    if (due >= 0 && (summary->next_due < 0 || due < summary->next_due))
        summary->next_due = due;
}

static void look_at(struct run *run, int64_t id)
{
    dcs_auto(sync_look) struct sync_look look = { 0 };

    dcs_sync_look(run->job, id, &run->changes, &look);
    if (look.err.code != DCS_E_NONE) {
        tell_failure(run, id, &look.err);
        return;
    }
    if (!look.is_managed)
        return;
    note_due(&run->summary, look.next_due);
    if (look.rank != SYNC_NOTHING && !look.waits) {
        add_task(run, &(struct sync_task){ .id = id,
                                           .rank = look.rank,
                                           .key = look.not_after,
                                           .is_changed = look.is_changed });
        return;
    }
    if (look.needs_house)
        dcs_sync_keep_house(run->job, id);
    if (look.is_weekly)
        consider_weekly(run, id, &look);
    else if (look.refusal.code != DCS_E_NONE)
        tell_failure(run, id, &look.refusal);
    else
        tell_nothing(run, look.result);
}

/* ---- the run ---- */

/* What the service was not asked about because it was away is asked about again. */
static void advance(struct run *run)
{
    for (size_t i = 0; i < run->task_count; i++)
        if (run->tasks[i].is_changed && !run->tasks[i].is_done)
            return;
    dcs_sync_advance(run->job, &run->changes);
}

/* What is asked about the account: changes first, validations when that was no listing, so that no run asks
 * for much of both. */
static void ask(struct run *run, bool is_over)
{
    struct job asking = *run->job;
    atomic_llong requests = 0;

    asking.counter = &requests;
    if (!is_over)
        dcs_sync_ask_changes(&asking, &run->ids, &run->changes);
    else if (!run->changes.was_listed)
        dcs_validation_keep(&asking, run->ids.ids, run->ids.count);
    run->summary.requests += atomic_load(&requests);
}

/* An absence and a limit pass, and concern those orders that wait; a refused API key does not, and without
 * a word of it orders that are not due would look well looked after. */
static void note_trouble(struct run *run)
{
    const struct dcs_err *why = &run->changes.trouble;

    if (why->code == DCS_E_NONE || why->code == DCS_E_AWAY || why->code == DCS_E_LIMIT ||
        why->code == DCS_E_TIMEOUT)
        return;
    run->summary.trouble = *why;
    dcs_fail_while(&run->summary.trouble, "asking the CA what has changed");
}

static bool sync_all(struct run *run, struct dcs_err *err)
{
    struct job *job = run->job;

    if (!collect(run, err))
        return false;
    dcs_cache_sweep(&job->cache);
    ask(run, false);
    note_trouble(run);
    for (size_t i = 0; i < run->ids.count; i++)
        look_at(run, run->ids.ids[i]);
    for (size_t i = 0; i < run->weekly_count; i++)
        add_task(run, &(struct sync_task){ .id = run->weekly[i].id,
                                           .rank = SYNC_READ,
                                           .key = run->weekly[i].read_at });
    for (size_t i = 0; i < run->unknown_count; i++)
        add_task(run, &(struct sync_task){ .section = run->unknown[i], .rank = SYNC_FETCH });
    struct sync_pool pool = { .job = job,
                              .tasks = run->tasks,
                              .count = run->task_count,
                              .known = &run->ids,
                              .listener = &run->listener,
                              .orders = (int64_t)(run->ids.count + run->unknown_count) };
    dcs_sync_pool_run(&pool);
    advance(run);
    ask(run, true);
    return true;
}

static bool sync_run(struct run *run, bool tries_now, struct dcs_err *err)
{
    struct job *job = run->job;
    struct dcs_service_run service;

    if (!dcs_job_check_config(job, 0, err) || !dcs_job_look(job, err) ||
        !dcs_cache_need_keeper(&job->cache, err))
        return false;
    if (!dcs_notifier_begin(job, &run->notifier, err))
        return false;
    run->listener.notifier = run->notifier;
    dcs_maintenance_keep(job);
    dcs_away_begin(job, tries_now, &service);
    bool done = sync_all(run, err);
    dcs_away_end(job);
    return done;
}

bool dcs_store_sync(struct dcs_store *store, const struct dcs_sync_options *options,
                    dcs_sync_cb *each, void *context, struct dcs_err *err)
{
    int64_t began_ms = dcs_env_mono_ms(store->env);
    struct dcs_err why = { 0 };
    struct job job;

    if (!dcs_job_begin(store, &job, err))
        return false;
    dcs_auto(run) struct run run = { .job = &job, .summary = { .next_due = -1 } };
    run.listener = (struct sync_listener){ options, each, context, &run.summary, NULL };
    bool done = sync_run(&run, options && options->tries_now, &why);
    run.summary.elapsed_ms = dcs_env_mono_ms(store->env) - began_ms;
    bool is_useless =
        run.summary.trouble.code != DCS_E_NONE && !run.summary.reissued && !run.summary.fetched;
    const struct dcs_err *none_done = is_useless ? &run.summary.trouble : NULL;
    dcs_sync_last_write(&job, &run.summary, done ? none_done : &why);
    dcs_job_end(&job);
    if (!done && err)
        *err = why;
    if (options && options->ret_summary)
        *options->ret_summary = run.summary;
    return done;
}
