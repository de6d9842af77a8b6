// SPDX-License-Identifier: Apache-2.0
/*
 * store_affected.c - `sync --all-affected-by`: certificates that a revocation notice names are reissued, each
 * once. Whether one is still affected is read off what is served here, so a run that was killed goes
 * on where it was; no record of the run is kept.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow/cache_request.h"
#include "store_away.h"
#include "store_sync.h"

enum { ANSWERED_S = 30 * 86400, CALLS = 3 };

#define WHY "a revocation notice names its certificate"

/* ---- what lies here, by what a notice may name it ---- */

struct known {
    char *key; /* serial number, thumbprint or host; hex without leading zeros */
    int64_t order;
};

struct known_list {
    struct known *list;
    size_t count, capacity;
    bool failed;
};

struct affected {
    struct job *job;
    const struct dcs_affected *notice;
    struct dcs_ids ids; /* managed orders, sorted */
    struct known_list hex, hosts;
    struct sync_listener listener;
    struct dcs_sync_summary summary;
    bool is_dry;
    struct named { /* one order that is to be reissued */
        int64_t order;
        int line;
        char serial[65];
        char why[160];
        struct dcs_wish wish;
    } * named;
    size_t named_count, named_capacity;
};

static void known_list_drop(struct known_list *known)
{
    for (size_t i = 0; i < known->count; i++)
        free(known->list[i].key);
    free(known->list);
}

static void affected_drop(struct affected *a)
{
    dcs_ids_drop(&a->ids);
    known_list_drop(&a->hex);
    known_list_drop(&a->hosts);
    free(a->named);
}

static void add_known(struct known_list *known, const char *key, int64_t order)
{
    if (known->count == known->capacity) {
        size_t capacity = known->capacity ? 2 * known->capacity : 64;
        void *bigger = realloc(known->list, capacity * sizeof(*known->list));
        known->failed |= !bigger;
        if (!bigger)
            return;
        known->list = bigger;
        known->capacity = capacity;
    }
    char *copy = NULL;
    known->failed |= !dcs_str_copy(key, &copy, NULL);
    if (copy)
        known->list[known->count++] = (struct known){ copy, order };
}

static const char *no_zeros(const char *hex)
{
    return hex + strspn(hex, "0");
}

static bool add_generation(void *context, struct dcs_bundle *bundle)
{
    struct affected *a = context;
    const struct dcs_facts *facts = dcs_bundle_facts(bundle);
    char hex[2 * DCS_SHA256_LEN + 1];
    int64_t order = dcs_bundle_order(bundle);

    add_known(&a->hex, no_zeros(facts->leaf.serial), order);
    dcs_hex(facts->leaf.sha1, DCS_SHA1_LEN, hex);
    add_known(&a->hex, no_zeros(hex), order);
    dcs_hex(facts->leaf.sha256, DCS_SHA256_LEN, hex);
    add_known(&a->hex, no_zeros(hex), order);
    return true;
}

static int by_key(const void *a, const void *b)
{
    const struct known *x = a;
    const struct known *y = b;
    int order = strcmp(x->key, y->key);

    return order ? order : (x->order > y->order) - (x->order < y->order);
}

/* The first of that key; *ret_count so many follow. */
static const struct known *find(const struct known_list *known, const char *key, size_t *ret_count)
{
    size_t low = 0;
    size_t high = known->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(known->list[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    size_t end = low;
    while (end < known->count && strcmp(known->list[end].key, key) == 0)
        end++;
    *ret_count = end - low;
    return known->list + low;
}

static bool load_current(struct job *job, int64_t order, struct dcs_bundle **ret_bundle)
{
    char dir[DCS_GENERATION_DIR];

    return dcs_cache_current(&job->cache, order, dir, NULL) &&
           dcs_cache_load_dir(&job->cache, dir, ret_bundle, NULL);
}

static bool note_order(struct affected *a, int64_t order, struct dcs_err *err)
{
    dcs_auto(dcs_bundle) struct dcs_bundle *current = NULL;

    if (!dcs_cache_each(&a->job->cache, order, add_generation, a, err))
        return false;
    if (!load_current(a->job, order, &current))
        return true;
    const struct dcs_facts *facts = dcs_bundle_facts(current);
    for (size_t i = 0; i < facts->name_count; i++)
        add_known(&a->hosts, facts->names[i], order);
    return true;
}

static bool learn(struct affected *a, struct dcs_err *err)
{
    if (!dcs_sync_managed(a->job, &a->ids, err))
        return false;
    for (size_t i = 0; i < a->ids.count; i++)
        if (!note_order(a, a->ids.ids[i], err))
            return false;
    if (a->hex.failed || a->hosts.failed)
        return dcs_fail(err, DCS_E_NOMEM, "out of memory");
    if (a->hex.count)
        qsort(a->hex.list, a->hex.count, sizeof(*a->hex.list), by_key);
    if (a->hosts.count)
        qsort(a->hosts.list, a->hosts.count, sizeof(*a->hosts.list), by_key);
    return true;
}

/* ---- telling ---- */

static void tell(struct affected *a, int line, int64_t order, const char *action,
                 const struct dcs_err *why)
{
    dcs_auto(dcs_json) struct dcs_json *result = dcs_json_new_object();
    const struct dcs_err none = { 0 };

    dcs_json_add_text(result, "action", action);
    dcs_json_add_i64(result, "line", line);
    if (order && !dcs_show_describe(a->job, order, result, 0, NULL))
        dcs_json_add_i64(result, "order_id", order);
    dcs_sync_tell(&a->listener, result, why ? why : &none);
}

static void tell_unknown(struct affected *a, const struct dcs_affected_entry *entry,
                         const char *format, ...) DCS_PRINTF(3, 4);
static void tell_unknown(struct affected *a, const struct dcs_affected_entry *entry,
                         const char *format, ...)
{
    struct dcs_err why = { 0 };
    char text[300];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    (void)dcs_fail(&why, DCS_E_NOT_FOUND, "line %d: %s", entry->line, text);
    tell(a, entry->line, 0, "failed", &why);
}

/* ---- which certificates are affected ---- */

struct answer {
    int generation;
    int64_t since;
    bool found;
};

static bool is_answer(void *context, const struct dcs_past_request *past)
{
    struct answer *answer = context;

    if (past->generation != answer->generation)
        return past->generation > answer->generation;
    answer->found = past->is_committed && past->request->created_at >= answer->since &&
                    strncmp(past->request->why, WHY, sizeof(WHY) - 1) == 0;
    return false;
}

/* An order or a host was named, no certificate: the one that is here is affected unless it is itself the
 * answer to a notice. */
static bool answers_a_notice(struct job *job, const struct dcs_bundle *current)
{
    struct answer answer = { .generation = dcs_bundle_generation(current),
                             .since = dcs_env_now(job->env) - ANSWERED_S };

    return dcs_cache_each_request(&job->cache, dcs_bundle_order(current), is_answer, &answer,
                                  NULL) &&
           answer.found;
}

static bool is_hex_of(const struct dcs_bundle *current, const char *value)
{
    const struct dcs_cert_info *leaf = &dcs_bundle_facts(current)->leaf;
    char sha1[2 * DCS_SHA1_LEN + 1];
    char sha256[2 * DCS_SHA256_LEN + 1];

    dcs_hex(leaf->sha1, DCS_SHA1_LEN, sha1);
    dcs_hex(leaf->sha256, DCS_SHA256_LEN, sha256);
    return strcmp(no_zeros(leaf->serial), value) == 0 || strcmp(no_zeros(sha1), value) == 0 ||
           strcmp(no_zeros(sha256), value) == 0;
}

static bool is_named(const struct affected *a, int64_t order)
{
    for (size_t i = 0; i < a->named_count; i++)
        if (a->named[i].order == order)
            return true;
    return false;
}

static void name(struct affected *a, int line, const struct dcs_bundle *current)
{
    dcs_auto(dcs_order) struct dcs_order *order = NULL;
    struct dcs_order_settings settings;

    if (a->named_count == a->named_capacity) {
        size_t capacity = a->named_capacity ? 2 * a->named_capacity : 64;
        void *bigger = realloc(a->named, capacity * sizeof(*a->named));
        if (!bigger)
            return;
        a->named = bigger;
        a->named_capacity = capacity;
    }
    struct named *n = &a->named[a->named_count++];
    dcs_show_read_order(a->job, dcs_bundle_order(current), &order, &settings);
    *n = (struct named){ .order = dcs_bundle_order(current), .line = line };
    n->wish =
        (struct dcs_wish){ .reissue = true, .is_duplicate = settings.via == DCS_VIA_DUPLICATE };
    snprintf(n->serial, sizeof(n->serial), "%s", dcs_bundle_facts(current)->leaf.serial);
    snprintf(n->why, sizeof(n->why), WHY " %s", n->serial);
}

/* One order that a line names; hex: only while that certificate is the one that is served. */
static void consider(struct affected *a, const struct dcs_affected_entry *entry, int64_t order)
{
    dcs_auto(dcs_bundle) struct dcs_bundle *current = NULL;

    if (is_named(a, order)) /* by a line before */
        return;
    if (!load_current(a->job, order, &current)) {
        tell_unknown(a, entry, "order %lld has no certificate here", (long long)order);
        return;
    }
    bool is_hex = entry->kind == DCS_URI_SERIAL || entry->kind == DCS_URI_THUMBPRINT;
    if (is_hex ? !is_hex_of(current, entry->value) : answers_a_notice(a->job, current))
        tell(a, entry->line, order, "already", NULL);
    else
        name(a, entry->line, current);
}

static bool is_managed(const struct affected *a, int64_t order)
{
    return order && (a->ids.count && bsearch(&order, a->ids.ids, a->ids.count, sizeof(*a->ids.ids),
                                             dcs_sync_by_id));
}

/* A certificate that was never here: the CA tells whose it is. */
static void ask_the_ca(struct affected *a, const struct dcs_affected_entry *entry)
{
    struct dcs_uri uri = { .kind = entry->kind, .types = DCS_TYPE_DEFAULT };
    struct dcs_err why = { 0 };
    struct dcs_err said = { 0 };
    int64_t order = 0;

    /* In whole bytes, as the CA writes it. */
    snprintf(uri.value, sizeof(uri.value), "%s%s", strlen(entry->value) % 2 ? "0" : "",
             entry->value);
    a->job->waits = false;
    if (entry->kind == DCS_URI_SERIAL && dcs_resolve_at_ca(a->job, &uri, &order, &why)) {
        if (!is_managed(a, order))
            tell_unknown(a, entry, "%s is of order %lld, which is not managed here", entry->value,
                         (long long)order);
        else
            tell(a, entry->line, order, "already", NULL); /* another host's, or long replaced */
        return;
    }
    if (why.code == DCS_E_NONE || why.code == DCS_E_NOT_FOUND) {
        tell_unknown(a, entry, "%s is of no certificate that is known here or at the CA",
                     entry->value);
        return;
    }
    (void)dcs_fail(&said, why.code, "line %d: %s", entry->line, why.text);
    tell(a, entry->line, 0, "failed", &said);
}

/* "www.example.com" is covered by "*.example.com", too. */
static const struct known *hosts_of(const struct affected *a, const char *host, size_t *ret_count)
{
    const struct known *found = find(&a->hosts, host, ret_count);
    const char *dot = strchr(host, '.');
    char wild[256];

    if (*ret_count || !dot || host[0] == '*')
        return found;
    snprintf(wild, sizeof(wild), "*%s", dot);
    return find(&a->hosts, wild, ret_count);
}

static void take_entry(struct affected *a, const struct dcs_affected_entry *entry)
{
    const struct known *found = NULL;
    size_t count = 0;

    if (entry->kind == DCS_URI_ORDER) {
        if (is_managed(a, entry->id))
            consider(a, entry, entry->id);
        else
            tell_unknown(a, entry, "order %lld is not managed here", (long long)entry->id);
        return;
    }
    if (entry->kind == DCS_URI_NAME) {
        found = hosts_of(a, entry->value, &count);
        if (!count)
            tell_unknown(a, entry, "no managed order has a certificate for %s", entry->value);
    } else {
        found = find(&a->hex, entry->value, &count);
        if (!count)
            ask_the_ca(a, entry);
    }
    for (size_t i = 0; i < count; i++)
        if (i == 0 || found[i].order != found[i - 1].order)
            consider(a, entry, found[i].order);
}

/* ---- the run ---- */

static bool work(struct affected *a, struct dcs_err *err)
{
    dcs_auto(sync_tasks) struct sync_tasks tasks = { 0 };

    tasks.list = dcs_alloc(a->named_count, sizeof(*tasks.list), err);
    if (!tasks.list)
        return false;
    for (size_t i = 0; i < a->named_count; i++) {
        struct named *n = &a->named[i];
        n->wish.why = n->why;
        tasks.list[i] = (struct sync_task){ .id = n->order,
                                            .rank = SYNC_CRITICAL,
                                            .key = n->line,
                                            .line = n->line,
                                            .serial = n->serial,
                                            .wish = &n->wish };
    }
    struct sync_pool pool = { .job = a->job,
                              .tasks = tasks.list,
                              .count = a->named_count,
                              .listener = &a->listener,
                              .orders = (int64_t)a->named_count };
    dcs_sync_pool_run(&pool);
    return true;
}

static void show_what_would_be(struct affected *a)
{
    dcs_auto(dcs_api) struct dcs_api *api = NULL;
    struct dcs_err why = { 0 };

    for (size_t i = 0; i < a->named_count; i++)
        tell(a, a->named[i].line, a->named[i].order, "would-reissue", NULL);
    a->summary.eta_s = -1;
    if (dcs_job_api(a->job, dcs_deadline_in(a->job->env, 0), &api, &why))
        a->summary.eta_s = dcs_api_estimate_s(api, (int64_t)a->named_count * CALLS);
}

static bool run_all(struct affected *a, bool tries_now, struct dcs_err *err)
{
    struct job *job = a->job;
    struct dcs_service_run service;

    if (!dcs_job_check_config(job, 0, err) || !dcs_job_look(job, err) ||
        !dcs_cache_need_keeper(&job->cache, err))
        return false;
    dcs_away_begin(job, tries_now, &service);
    bool done = learn(a, err);
    for (size_t i = 0; done && i < a->notice->count; i++)
        take_entry(a, &a->notice->entries[i]);
    if (done && a->is_dry)
        show_what_would_be(a);
    else if (done)
        done = work(a, err);
    dcs_away_end(job);
    return done;
}

bool dcs_store_affected(struct dcs_store *store, const struct dcs_affected *notice, bool is_dry,
                        const struct dcs_sync_options *options, dcs_sync_cb *each, void *context,
                        struct dcs_err *err)
{
    int64_t began_ms = dcs_env_mono_ms(store->env);
    atomic_llong requests = 0;
    struct dcs_err why = { 0 };
    struct job job;

    if (!dcs_job_begin(store, &job, err))
        return false;
    dcs_auto(affected) struct affected a = {
        .job = &job, .notice = notice, .is_dry = is_dry, .summary = { .next_due = -1, .eta_s = -1 }
    };
    a.listener = (struct sync_listener){ options, each, context, &a.summary };
    job.counter = &requests;
    job.patience_ms = DCS_SYNC_PATIENCE_MS;
    bool done = run_all(&a, options && options->tries_now, &why);
    dcs_job_end(&job);
    if (!done && err)
        *err = why;
    a.summary.requests += atomic_load(&requests);
    a.summary.elapsed_ms = dcs_env_mono_ms(store->env) - began_ms;
    if (options && options->ret_summary)
        *options->ret_summary = a.summary;
    return done;
}
