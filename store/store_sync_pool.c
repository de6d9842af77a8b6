// SPDX-License-Identifier: Apache-2.0
/*
 * store_sync_pool.c - works on several orders at a time, the most urgent first, each within a deadline of
 * its own. What waits for the CA to issue is put back and holds no worker. Results are given out in
 * the caller's thread. When the service itself is away the rest is left to the next run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/trace.h"
#include "store_away.h"
#include "store_sync.h"

enum {
    WORKERS = 8,
    TURNS_OF_AN_ORDER = 3, /* order info, the request, a download */
    TICK_MS = 200,
    CALLS_GUESS = 3,
};

struct outcome {
    struct outcome *next;
    struct dcs_json *result;
    struct dcs_err err;
};

struct run {
    struct sync_pool *pool;
    pthread_mutex_t mutex; /* over what follows; not held over files, network or callbacks */
    pthread_cond_t for_workers, for_caller;
    size_t fresh;     /* of the tasks that nobody has begun */
    size_t *put_back; /* tasks that wait for the CA */
    size_t put_back_count, busy, workers;
    struct outcome *first, **last;
    int64_t done;
    atomic_llong requests;
};

/* ---- handing out ---- */

/* The next task for a worker, with the mutex held; *ret_wait_ms when only what waits is left. */
static struct sync_task *take(struct run *run, int64_t *ret_wait_ms)
{
    int64_t now = dcs_env_mono_ms(run->pool->job->env);
    int64_t soonest = INT64_MAX;

    *ret_wait_ms = 0;
    for (size_t i = 0; i < run->put_back_count; i++) {
        struct sync_task *task = &run->pool->tasks[run->put_back[i]];
        if (task->at_ms <= now) {
            run->put_back[i] = run->put_back[--run->put_back_count];
            return task;
        }
        soonest = task->at_ms < soonest ? task->at_ms : soonest;
    }
    if (run->fresh < run->pool->count)
        return &run->pool->tasks[run->fresh++];
    *ret_wait_ms = soonest == INT64_MAX ? 0 : soonest - now;
    return NULL;
}

static bool is_stopped(const struct sync_pool *pool)
{
    const struct dcs_sync_options *options = pool->listener->options;

    return options && options->stop && atomic_load(options->stop);
}

/* NULL: all is done, or no more is to be begun. */
static struct sync_task *next_task(struct run *run)
{
    struct sync_task *task = NULL;
    int64_t wait_ms = 0;

    pthread_mutex_lock(&run->mutex);
    while (!is_stopped(run->pool) && !(task = take(run, &wait_ms)) &&
           (run->put_back_count || run->busy)) {
        if (wait_ms == 0) { /* others may put something back */
            pthread_cond_wait(&run->for_workers, &run->mutex);
            continue;
        }
        pthread_mutex_unlock(&run->mutex);
        dcs_env_sleep_ms(run->pool->job->env, wait_ms < TICK_MS ? wait_ms : TICK_MS);
        pthread_mutex_lock(&run->mutex);
    }
    if (task)
        run->busy++;
    pthread_mutex_unlock(&run->mutex);
    return task;
}

/* ---- results ---- */

static void push(struct run *run, struct dcs_json *result, const struct dcs_err *err)
{
    struct outcome *outcome = calloc(1, sizeof(*outcome));

    run->done++;
    if (!outcome) {
        dcs_json_free(result);
        return;
    }
    outcome->result = result;
    outcome->err = *err;
    *run->last = outcome;
    run->last = &outcome->next;
}

static void finish(struct run *run, struct sync_task *task, struct dcs_json *result,
                   const struct dcs_err *err)
{
    pthread_mutex_lock(&run->mutex);
    run->busy--;
    if (task->at_ms)
        run->put_back[run->put_back_count++] = (size_t)(task - run->pool->tasks);
    else if (result)
        push(run, result, err);
    else
        run->done++;
    pthread_cond_broadcast(&run->for_workers);
    pthread_cond_signal(&run->for_caller);
    pthread_mutex_unlock(&run->mutex);
}

/* The service is away: for another run. A weekly look is nothing that anybody waits for. */
static void leave_out(struct run *run, struct job *job, struct sync_task *task)
{
    const struct dcs_err none = { 0 };

    task->at_ms = 0;
    finish(run, task, dcs_sync_describe(job, task, task->rank == SYNC_READ ? "nothing" : "waiting"),
           &none);
}

/* An attempt is begun when the budget lets it end, so that an order's lock is not held meanwhile. */
static void await_turns(struct job *job)
{
    dcs_auto(dcs_api) struct dcs_api *api = NULL;
    struct dcs_err why = { 0 };

    if (!dcs_job_api(job, dcs_deadline_in(job->env, 0), &api, &why) ||
        !dcs_api_await_turns(api, TURNS_OF_AN_ORDER, &why))
        dcs_trace(job->env, "%s", why.text); /* the attempt says so */
}

static void *worker(void *argument)
{
    struct run *run = argument;
    struct job job = *run->pool->job; /* its own look at the directory, over the same descriptor */
    struct sync_task *task;

    job.patience_ms = DCS_SYNC_PATIENCE_MS;
    job.counter = &run->requests;
    while ((task = next_task(run))) {
        struct dcs_err why = { 0 };
        if (!dcs_away_holds(&job, DCS_SERVICE_WHOLE))
            await_turns(&job);
        if (dcs_away_holds(&job, DCS_SERVICE_WHOLE)) {
            leave_out(run, &job, task);
            continue;
        }
        job.waits = false;
        struct dcs_json *result = dcs_sync_work(run->pool, &job, task, &why);
        if (task->id && !task->at_ms)
            dcs_sync_keep_house(&job, task->id);
        finish(run, task, result, &why);
    }
    pthread_mutex_lock(&run->mutex);
    run->workers--;
    pthread_cond_broadcast(&run->for_workers); /* whoever waits for what is put back */
    pthread_cond_signal(&run->for_caller);
    pthread_mutex_unlock(&run->mutex);
    return NULL;
}

/* ---- the caller ---- */

static bool is_named(const struct dcs_json *result, const char *path, const char *word)
{
    const char *text = dcs_json_text(result, path);

    return text && strcmp(text, word) == 0;
}

void dcs_sync_tell(const struct sync_listener *listener, const struct dcs_json *result,
                   const struct dcs_err *err)
{
    struct dcs_sync_summary *summary = listener->summary;

    summary->orders++;
    if (is_named(result, "action", "changed") && is_named(result, "current.source", "reissue"))
        summary->reissued++;
    else if (is_named(result, "action", "changed"))
        summary->fetched++;
    else if (is_named(result, "action", "pending"))
        summary->pending++;
    else if (is_named(result, "action", "waiting"))
        summary->waiting++;
    else if (err->code == DCS_E_POLICY || err->code == DCS_E_REFUSED)
        summary->refused++;
    else if (is_named(result, "action", "failed"))
        summary->failed++;
    listener->each(listener->context, result, err);
    dcs_notifier_tell(listener->notifier, result, err);
}

static int64_t eta_s(struct run *run, struct dcs_api *api, int64_t done, int64_t requests)
{
    int64_t left = (int64_t)run->pool->count - done;
    double calls = done ? (double)requests / (double)done : CALLS_GUESS;

    return api ? dcs_api_estimate_s(api, (int64_t)((double)left * calls)) : -1;
}

static void show_progress(struct run *run, struct dcs_api *api, int64_t done)
{
    const struct sync_pool *pool = run->pool;
    const struct dcs_sync_summary *s = pool->listener->summary;
    int64_t requests = atomic_load(&run->requests);
    const struct dcs_sync_progress progress = {
        .orders = pool->orders,
        .to_do = (int64_t)pool->count,
        .done = done,
        .not_done = s->failed + s->refused + s->waiting,
        .requests = requests,
        .eta_s = eta_s(run, api, done, requests),
    };

    pool->listener->options->progress(pool->listener->context, &progress);
}

static bool shows_progress(const struct run *run)
{
    return run->pool->listener->options && run->pool->listener->options->progress;
}

/* Gives out what is there; false when nothing will come any more. */
static bool give_out(struct run *run, int64_t *ret_done)
{
    pthread_mutex_lock(&run->mutex);
    while (!run->first && run->workers && !shows_progress(run))
        pthread_cond_wait(&run->for_caller, &run->mutex);
    struct outcome *outcome = run->first;
    run->first = NULL;
    run->last = &run->first;
    *ret_done = run->done;
    bool more = run->workers > 0;
    pthread_mutex_unlock(&run->mutex);
    while (outcome) {
        struct outcome *gone = outcome;
        dcs_sync_tell(run->pool->listener, outcome->result, &outcome->err);
        outcome = outcome->next;
        dcs_json_free(gone->result);
        free(gone);
    }
    return more;
}

static void accompany(struct run *run)
{
    dcs_auto(dcs_api) struct dcs_api *api = NULL;
    struct job *job = run->pool->job;
    int64_t done = 0;
    bool shows = shows_progress(run);

    if (shows && !dcs_job_api(job, dcs_deadline_in(job->env, 0), &api, NULL))
        dcs_trace(job->env, "no estimate");
    while (give_out(run, &done)) {
        if (!shows)
            continue;
        show_progress(run, api, done);
        dcs_env_sleep_ms(job->env, TICK_MS);
    }
    (void)give_out(run, &done);
    if (shows)
        show_progress(run, api, done);
}

static int by_urgency(const void *a, const void *b)
{
    const struct sync_task *x = a;
    const struct sync_task *y = b;

    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

static size_t start(struct run *run, pthread_t threads[WORKERS])
{
    size_t wanted = run->pool->count < WORKERS ? run->pool->count : WORKERS;
    size_t started = 0;

    run->workers = wanted;
    while (started < wanted && pthread_create(&threads[started], NULL, worker, run) == 0)
        started++;
    pthread_mutex_lock(&run->mutex);
    run->workers -= wanted - started;
    pthread_mutex_unlock(&run->mutex);
    return started;
}

void sync_tasks_drop(struct sync_tasks *tasks)
{
    free(tasks->list);
    tasks->list = NULL;
}

void dcs_sync_pool_run(struct sync_pool *pool)
{
    struct run run = { .pool = pool,
                       .mutex = PTHREAD_MUTEX_INITIALIZER,
                       .for_workers = PTHREAD_COND_INITIALIZER,
                       .for_caller = PTHREAD_COND_INITIALIZER };
    pthread_t threads[WORKERS];

    if (pool->count == 0)
        return;
    run.last = &run.first;
    run.put_back = calloc(pool->count, sizeof(*run.put_back));
    if (!run.put_back)
        return; /* for another run */
    qsort(pool->tasks, pool->count, sizeof(*pool->tasks), by_urgency);
    size_t started = start(&run, threads);
    if (started == 0) { /* no thread to be had: by oneself, one after the other */
        run.workers = 1;
        worker(&run);
    }
    accompany(&run);
    for (size_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    pool->listener->summary->requests += atomic_load(&run.requests);
    free(run.put_back);
    pthread_mutex_destroy(&run.mutex);
}
