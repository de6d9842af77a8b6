// SPDX-License-Identifier: Apache-2.0
/*
 * store_notify.c - runs `notify` for what is new, and remembers in notified.jsonl what was said: one event
 * a line, so that a killed run repeats one at most. Never holds up `sync` beyond hook_deadline.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/trace.h"
#include "store_event.h"
#include "store_notify.h"
#include "store_show.h"

enum { KEPT_S = 400 * 86400, LINE_MAX_BYTES = 1024, BUCKETS = 1024, LINES_MAX = 200000 };

/* What was said last of one event of one order (0: of all). */
struct said {
    struct said *next;
    int64_t order, at;
    char event[16];
    char key[DCS_NOTICE_KEY];
};

struct dcs_notifier {
    struct job *job;
    struct said *said[BUCKETS];
    size_t lines, entries; /* in the file; different ones of them */
    int64_t left_ms;       /* for all commands of this run */
};

static const char *const FILE_NAME = "notified.jsonl";

static struct said **bucket_of(struct dcs_notifier *n, int64_t order)
{
    return &n->said[(uint64_t)order % BUCKETS];
}

static struct said *find(struct dcs_notifier *n, int64_t order, const char *event)
{
    struct said *s = *bucket_of(n, order);

    while (s && (s->order != order || strcmp(s->event, event) != 0))
        s = s->next;
    return s;
}

static void remember(struct dcs_notifier *n, int64_t order, const char *event, const char *key,
                     int64_t at)
{
    struct said *s = find(n, order, event);

    if (!s) {
        s = dcs_alloc(1, sizeof(*s), NULL);
        if (!s)
            return;
        s->order = order;
        snprintf(s->event, sizeof(s->event), "%s", event);
        s->next = *bucket_of(n, order);
        *bucket_of(n, order) = s;
        n->entries++;
    }
    s->at = at;
    snprintf(s->key, sizeof(s->key), "%s", key);
}

/* ---- the file ---- */

static void read_line(struct dcs_notifier *n, const char *line, int64_t now)
{
    dcs_auto(dcs_json) struct dcs_json *json = NULL;
    int64_t order = 0;
    int64_t at = 0;

    if (!dcs_json_parse(line, strlen(line), &json, NULL))
        return;
    const char *event = dcs_json_text(json, "event");
    const char *key = dcs_json_text(json, "key");
    if (event && key && dcs_json_i64(json, "order", &order) && dcs_json_i64(json, "at", &at) &&
        order >= 0 && now - at < KEPT_S)
        remember(n, order, event, key, at);
}

static void read_file(struct dcs_notifier *n, const struct job *job)
{
    dcs_auto(dcs_lines) struct dcs_lines *lines = NULL;
    const char *line = NULL;

    if (!dcs_lines_open(job->cache.fd, FILE_NAME, &lines, NULL))
        return;
    while (n->lines < LINES_MAX && dcs_lines_next(lines, &line, NULL) && line) {
        n->lines++;
        read_line(n, line, dcs_env_now(job->env));
    }
}

static void add_line(struct dcs_buf *text, int64_t order, const char *event, const char *key,
                     int64_t at)
{
    dcs_auto(dcs_json) struct dcs_json *json = dcs_json_new_object();

    dcs_json_add_i64(json, "order", order);
    dcs_json_add_text(json, "event", event);
    dcs_json_add_text(json, "key", key);
    dcs_json_add_i64(json, "at", at);
    if (dcs_json_print(json, false, text, NULL))
        dcs_buf_addc(text, '\n');
}

/* Written anew when most of its lines were followed by others. */
static void compact(struct dcs_notifier *n, const struct job *job)
{
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = 64u << 20 };
    struct dcs_err why = { 0 };

    if (n->lines < 2 * n->entries + 64)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        for (const struct said *s = n->said[i]; s; s = s->next)
            add_line(&text, s->order, s->event, s->key, s->at);
    if (!dcs_buf_ok(&text, FILE_NAME, &why) ||
        !dcs_fs_write(job->cache.fd, FILE_NAME, dcs_buf_text(&text), text.len, 0600,
                      job->cache.owner, &why))
        dcs_trace(job->env, "%s", why.text);
}

static bool append(const struct job *job, int64_t order, const struct dcs_notice *notice,
                   struct dcs_err *err)
{
    dcs_auto(dcs_buf) struct dcs_buf line = { .max = LINE_MAX_BYTES };

    add_line(&line, order, notice->event, notice->key, dcs_env_now(job->env));
    return dcs_buf_ok(&line, FILE_NAME, err) &&
           dcs_fs_make_empty(job->cache.fd, FILE_NAME, 0600, job->cache.owner, err) &&
           dcs_fs_append(job->cache.fd, FILE_NAME, dcs_buf_text(&line), line.len, 0600,
                         job->cache.owner, err);
}

/* ---- a run ---- */

bool dcs_notifier_begin(struct job *job, struct dcs_notifier **ret_notifier, struct dcs_err *err)
{
    struct dcs_notifier *n = NULL;

    *ret_notifier = NULL;
    if (!job->settings->notify[0])
        return true;
    n = dcs_alloc(1, sizeof(*n), err);
    if (!n)
        return false;
    n->job = job;
    n->left_ms = job->settings->hook_deadline_ms;
    read_file(n, job);
    compact(n, job);
    *ret_notifier = n;
    return true;
}

void dcs_notifier_drop(struct dcs_notifier **notifier)
{
    struct dcs_notifier *n = *notifier;

    if (!n)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        while (n->said[i]) {
            struct said *gone = n->said[i];
            n->said[i] = gone->next;
            free(gone);
        }
    }
    free(n);
    *notifier = NULL;
}

static void run_command(struct dcs_notifier *n, int64_t id, const struct dcs_notice *notice)
{
    struct job *job = n->job;
    dcs_auto(dcs_bundle) struct dcs_bundle *bundle = NULL;
    dcs_auto(dcs_outcome) struct dcs_outcome outcome = { 0 };
    struct dcs_event event = { .name = notice->event, .order = id, .reason = notice->words };
    char dir[DCS_GENERATION_DIR];
    char full[4096 + DCS_GENERATION_DIR] = "";
    char current[4200] = "";
    char how[128] = "";
    struct dcs_err why = { 0 };

    if (dcs_cache_current(&job->cache, id, dir, NULL) &&
        dcs_cache_load_dir(&job->cache, dir, &bundle, NULL)) {
        snprintf(full, sizeof(full), "%s/%s", job->cache.path, dir);
        snprintf(current, sizeof(current), "%s/orders/%lld/current", job->cache.path,
                 (long long)id);
        event.now = dcs_bundle_facts(bundle);
    }
    event.dir = full;
    event.current = current;
    int64_t began = dcs_env_mono_ms(job->env);
    bool ran = dcs_event_run(job, job->settings->notify, &event, true, n->left_ms, &outcome, &why);
    n->left_ms -= dcs_env_mono_ms(job->env) - began;
    if (ran)
        dcs_outcome_words(&outcome, job->settings->hook_deadline_ms, how, sizeof(how));
    if (!ran || how[0]) { /* not said: the next run tries again */
        dcs_trace(job->env, "order %lld: notify %s: %s", (long long)id, notice->event,
                  ran ? how : why.text);
        return;
    }
    int64_t order = notice->for_all ? 0 : id;
    remember(n, order, notice->event, notice->key, dcs_env_now(job->env));
    if (!append(job, order, notice, &why))
        dcs_trace(job->env, "%s", why.text);
}

void dcs_notifier_tell(struct dcs_notifier *notifier, const struct dcs_json *result,
                       const struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *order = NULL;
    struct dcs_notice notices[DCS_NOTICES];
    int64_t id = 0;

    if (!notifier || !dcs_json_i64(result, "order_id", &id))
        return;
    struct job *job = notifier->job;
    order = dcs_json_new_object();
    if (!dcs_show_describe(job, id, order, 0, NULL))
        dcs_trace(job->env, "order %lld cannot be described for notify", (long long)id);
    int64_t now = dcs_env_now(job->env);
    size_t count = dcs_notice_judge(order, err, now, notices);
    for (size_t i = 0; i < count; i++) {
        const struct said *last = find(notifier, notices[i].for_all ? 0 : id, notices[i].event);
        if (dcs_notice_is_new(&notices[i], last ? last->key : NULL, last ? last->at : 0, now) &&
            notifier->left_ms > 0)
            run_command(notifier, id, &notices[i]);
    }
}
