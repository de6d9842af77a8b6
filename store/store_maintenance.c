// SPDX-License-Identifier: Apache-2.0
/*
 * store_maintenance.c - announced maintenance for plans, `status` and `maintenance`. A failing source
 * fails nothing here.
 */
#include <stdio.h>
#include <string.h>

#include "base/trace.h"
#include "store_instance.h"

static struct dcs_maintenance_run run_of(const struct job *job, bool asks_now)
{
    return (struct dcs_maintenance_run){ .env = job->env,
                                         .settings = job->settings,
                                         .state_fd = job->cache.fd,
                                         .owner = job->cache.owner,
                                         .calendar = job->store->calendar,
                                         .asks_now = asks_now };
}

/* The record, with the configuration as it is now where this program can read it. */
static void read_windows(const struct job *job, struct dcs_maintenance *ret_maintenance)
{
    const struct dcs_maintenance_run run = run_of(job, false);

    if (job->store->calendar)
        dcs_maintenance_now(&run, ret_maintenance);
    else
        dcs_maintenance_read(job->cache.fd, ret_maintenance);
}

/* Without memory for them there are none. */
static void take_spans(struct job *job, const struct dcs_maintenance *maintenance)
{
    if (!job->windows)
        job->windows = dcs_alloc(1, sizeof(*job->windows), NULL);
    if (job->windows) /* what waited for the end of a window is spread over a day after it */
        dcs_maintenance_spans(maintenance, dcs_env_now(job->env) - DCS_WINDOWS_BACK_S,
                              job->windows);
}

const struct dcs_spans *dcs_job_windows(struct job *job)
{
    dcs_auto(dcs_maintenance) struct dcs_maintenance maintenance = { 0 };

    if (!job->windows) {
        read_windows(job, &maintenance);
        take_spans(job, &maintenance);
    }
    return job->windows && job->windows->count > 0 ? job->windows : NULL;
}

static bool refresh(struct job *job, bool asks_now, struct dcs_maintenance *ret_maintenance,
                    struct dcs_err *err)
{
    const struct dcs_maintenance_run run = run_of(job, asks_now);

    if (!dcs_maintenance_refresh(&run, ret_maintenance, err))
        return false;
    take_spans(job, ret_maintenance);
    return true;
}

void dcs_maintenance_keep(struct job *job)
{
    dcs_auto(dcs_maintenance) struct dcs_maintenance maintenance = { 0 };
    struct dcs_err why = { 0 };

    if (!refresh(job, false, &maintenance, &why))
        dcs_trace(job->env, "maintenance: %s", why.text);
    (void)dcs_job_windows(job); /* workers copy the job: what plans look at is there before */
}

/* ---- as JSON ---- */

static void add_when(struct dcs_json *object, const char *name, int64_t when)
{
    char local[DCS_TIME_LOCAL];
    char local_name[32];

    dcs_time_local(when, local);
    snprintf(local_name, sizeof(local_name), "%s_local", name);
    dcs_json_add_time(object, name, when);
    dcs_json_add_text(object, local_name, local);
}

static void add_window(struct dcs_json *object, const struct dcs_window *window,
                       const struct dcs_maintenance_source *source)
{
    add_when(object, "start", window->start);
    add_when(object, "end", window->end);
    dcs_json_add_text(object, "title", window->title);
    if (window->status[0])
        dcs_json_add_text(object, "status", window->status);
    if (window->impact[0])
        dcs_json_add_text(object, "impact", window->impact);
    dcs_json_add_text(object, "source", source->kind);
    dcs_json_add_text(object, "place", source->place);
}

/* The earliest window that ends after `after`, of all sources; those that begin together one after the
 * other. */
struct cursor {
    const struct dcs_maintenance *all;
    size_t at[DCS_MAINTENANCE_SOURCES];
    int64_t after;
};

static const struct dcs_window *next_window(struct cursor *c,
                                            const struct dcs_maintenance_source **ret_source)
{
    const struct dcs_window *first = NULL;
    size_t which = 0;

    for (size_t s = 0; s < c->all->count; s++) {
        const struct dcs_windows *windows = &c->all->sources[s].windows;
        while (c->at[s] < windows->count && windows->items[c->at[s]].end <= c->after)
            c->at[s]++;
        if (c->at[s] < windows->count &&
            (!first || windows->items[c->at[s]].start < first->start)) {
            first = &windows->items[c->at[s]];
            which = s;
        }
    }
    if (!first)
        return NULL;
    c->at[which]++;
    *ret_source = &c->all->sources[which];
    return first;
}

static void add_windows(struct dcs_json *root, const struct dcs_maintenance *all, int64_t now,
                        const struct dcs_spans *spans)
{
    struct dcs_json *list = dcs_json_add_array(root, "windows");
    struct cursor cursor = { .all = all, .after = now };
    const struct dcs_maintenance_source *source = NULL;
    const struct dcs_window *window = NULL;

    while ((window = next_window(&cursor, &source))) {
        struct dcs_json *object = dcs_json_add_object(list, NULL);
        const struct dcs_span *span = dcs_span_at(spans, window->start);
        add_window(object, window, source);
        dcs_json_add_bool(object, "now", window->start <= now);
        /* Over a week on end is no maintenance; the spans of a plan are bounded. */
        dcs_json_add_bool(object, "planned_by", span && window->end <= span->end);
    }
}

static void add_age(struct dcs_json *object, const char *name, int64_t when)
{
    if (when > 0)
        dcs_json_add_time(object, name, when);
}

static void add_sources(struct dcs_json *root, const struct dcs_maintenance *all)
{
    struct dcs_json *list = dcs_json_add_array(root, "sources");

    for (size_t i = 0; i < all->count; i++) {
        const struct dcs_maintenance_source *s = &all->sources[i];
        struct dcs_json *object = dcs_json_add_object(list, NULL);
        dcs_json_add_text(object, "source", s->kind);
        dcs_json_add_text(object, "place", s->place);
        dcs_json_add_i64(object, "windows", (int64_t)s->windows.count);
        if (s->windows.is_cut)
            dcs_json_add_bool(object, "more", true);
        add_age(object, "read_at", s->fetched_at);
        add_age(object, "tried_at", s->tried_at);
        add_age(object, "next_try", s->next_at);
        if (s->problem[0])
            dcs_json_add_text(object, "problem", s->problem);
        if (s->note[0])
            dcs_json_add_text(object, "note", s->note);
    }
}

static bool show(struct job *job, bool asks_now, struct dcs_json *root, struct dcs_err *err)
{
    dcs_auto(dcs_maintenance) struct dcs_maintenance all = { 0 };
    int64_t now = dcs_env_now(job->env);

    if (!dcs_job_check_config(job, 0, err) || !dcs_job_look(job, err))
        return false;
    bool is_keeper = job->cache.role == DCS_ROLE_KEEPER;
    if (asks_now && !dcs_cache_need_keeper(&job->cache, err))
        return false;
    if (is_keeper && !refresh(job, asks_now, &all, err))
        return false;
    if (!is_keeper)
        read_windows(job, &all);
    dcs_json_add_time(root, "now", now);
    dcs_json_add_bool(root, "in_window", dcs_span_at(dcs_job_windows(job), now) != NULL);
    add_windows(root, &all, now, dcs_job_windows(job));
    add_sources(root, &all);
    return true;
}

bool dcs_store_maintenance(struct dcs_store *store, bool asks_now, struct dcs_json **ret_object,
                           struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *root = dcs_json_new_object();
    struct dcs_err why = { 0 };
    struct job job;

    if (!dcs_job_begin(store, &job, err))
        return false;
    bool done = show(&job, asks_now, root, &why);
    dcs_job_end(&job);
    if (!done) {
        if (err)
            *err = why;
        return false;
    }
    *ret_object = dcs_steal(&root);
    return true;
}

void dcs_show_maintenance(struct job *job, struct dcs_json *root)
{
    dcs_auto(dcs_maintenance) struct dcs_maintenance all = { 0 };
    int64_t now = dcs_env_now(job->env);
    struct cursor cursor = { .all = &all, .after = now };
    const struct dcs_maintenance_source *source = NULL;
    const struct dcs_window *window = NULL;
    bool is_on = false;

    read_windows(job, &all);
    if (all.count == 0)
        return;
    struct dcs_json *object = dcs_json_add_object(root, "maintenance");
    while ((window = next_window(&cursor, &source))) {
        bool is_coming = window->start > now;
        if (is_on && !is_coming)
            continue;
        add_window(dcs_json_add_object(object, is_coming ? "next" : "now"), window, source);
        is_on = true;
        if (is_coming)
            return;
    }
}
