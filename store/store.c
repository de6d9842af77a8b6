// SPDX-License-Identifier: Apache-2.0
/*
 * store.c - the instance and its public calls, each the whole story from top to bottom; the stages
 * stand in store_*.c. No in-process lock is held over files, network or callbacks.
 */
#include "store_instance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/trace.h"

/* Counts the forks of this process; the one child handler of the module. */
static atomic_uint fork_count;
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;
static const unsigned FORK_REPAIR = 0xFFFFFFFFu; /* no fork count: a repair is under way */

static void count_fork(void)
{
    atomic_fetch_add(&fork_count, 1);
}

static void register_fork(void)
{
    pthread_atfork(NULL, NULL, count_fork);
}

/* Another thread may have held the mutex, or been in the middle of a list, when this process was
 * forked: a child starts with a fresh mutex and an empty memory. */
static void repair_after_fork(struct dcs_store *store, unsigned now)
{
    unsigned was = atomic_load(&store->forks);

    while (was != now) {
        if (was == FORK_REPAIR) {
            was = atomic_load(&store->forks);
            continue;
        }
        if (!atomic_compare_exchange_weak(&store->forks, &was, FORK_REPAIR))
            continue;
        pthread_mutex_init(&store->mutex, NULL);
        memset(store->memory, 0, sizeof(store->memory));
        if (store->failures)
            memset(store->failures, 0, FAILURES_KEPT * sizeof(*store->failures));
        store->config = NULL;
        store->config_file[0] = '\0';
        atomic_store(&store->forks, now);
        return;
    }
}

void dcs_store_enter(struct dcs_store *store)
{
    pthread_once(&fork_once,
                 register_fork); /* a fork before the first use finds nothing to repair */
    repair_after_fork(store, atomic_load(&fork_count));
    pthread_mutex_lock(&store->mutex);
}

void dcs_store_leave(struct dcs_store *store)
{
    pthread_mutex_unlock(&store->mutex);
}

DCS_AT_START bool dcs_store_new(const struct dcs_store_options *options,
                                struct dcs_store **ret_store, struct dcs_err *err)
{
    struct dcs_store *store = dcs_alloc(1, sizeof(*store), err);

    if (!store)
        return false;
    store->env = options->env ? options->env : dcs_env_real();
    store->caller = options->caller;
    store->calendar = options->calendar;
    if (!dcs_str_copy(options->config_path, &store->config_path, err)) {
        free(store);
        return false;
    }
    atomic_init(&store->forks, atomic_load(&fork_count));
    pthread_mutex_init(&store->mutex, NULL);
    *ret_store = store;
    return true;
}

void dcs_store_free(struct dcs_store *store)
{
    if (!store)
        return;
    repair_after_fork(store, atomic_load(&fork_count)); /* forget what the parent left half done */
    for (size_t i = 0; i < MEMORY_BUCKETS; i++) {
        while (store->memory[i]) {
            struct memory *gone = store->memory[i];
            store->memory[i] = gone->next;
            dcs_memory_copy_drop(gone);
            free(gone);
        }
    }
    dcs_config_unref(store->config);
    pthread_mutex_destroy(&store->mutex);
    free(store->config_path);
    free(store->failures);
    free(store);
}

void dcs_store_drop(struct dcs_store **store)
{
    dcs_store_free(*store);
    *store = NULL;
}

/* ---- one call ---- */

bool dcs_job_begin(struct dcs_store *store, struct job *ret_job, struct dcs_err *err)
{
    struct job job = { .store = store, .env = store->env, .cache = { .fd = -1 } };

    job.is_door = store->caller != DCS_CALLER_VERB;
    if (!dcs_store_config(store, &job.config, err))
        return false;
    dcs_store_enter(store);
    job.config_err = store->config_err;
    dcs_store_leave(store);
    job.settings = dcs_config_settings(job.config);
    if (!dcs_cache_open(job.env, job.settings->state_dir, DCS_CACHE_PEEK, &job.cache, err)) {
        dcs_job_end(&job);
        return false;
    }
    *ret_job = job;
    return true;
}

void dcs_job_end(struct job *job)
{
    dcs_config_unref(job->config);
    job->config = NULL;
    free(job->windows);
    job->windows = NULL;
    dcs_cache_drop(&job->cache);
}

bool dcs_job_look(struct job *job, struct dcs_err *err)
{
    struct dcs_cache cache;

    if (job->looked)
        return true;
    if (!dcs_cache_open(job->env, job->settings->state_dir,
                        job->cached_only ? DCS_CACHE_LOOK : DCS_CACHE_CREATE, &cache, err))
        return false;
    dcs_cache_drop(&job->cache);
    job->cache = cache;
    job->looked = true;
    if (!job->is_door && cache.format > DCS_CACHE_FORMAT)
        return dcs_fail(err, DCS_E_STATE, "%s: %s", cache.path, cache.why_reader);
    return true;
}

struct dcs_deadline dcs_job_deadline(struct job *job)
{
    if (!job->waits)
        job->deadline = dcs_deadline_in(job->env, job->settings->load_deadline_ms);
    job->waits = true;
    return job->deadline;
}

bool dcs_job_check_config(const struct job *job, int64_t order, struct dcs_err *err)
{
    if (job->config_err.code != DCS_E_NONE) {
        *err = job->config_err;
        return false;
    }
    return dcs_config_check(job->config, order, err);
}

bool dcs_job_api(struct job *job, struct dcs_deadline deadline, struct dcs_api **ret_api,
                 struct dcs_err *err)
{
    const struct dcs_api_options options = { .env = job->env,
                                             .settings = job->settings,
                                             .state_fd = job->cache.fd,
                                             .owner = job->cache.owner,
                                             .is_verb = !job->is_door,
                                             .windows = dcs_job_windows(job),
                                             .run = job->run,
                                             .deadline = deadline,
                                             .patience_ms = job->patience_ms,
                                             .counter = job->counter };

    return dcs_api_new(&options, ret_api, err);
}

/* ---- loading ---- */

/* A verb refuses a configuration with errors; a door goes on with what concerns the order. */
static bool begin_load(struct dcs_store *store, const struct dcs_uri *uri, struct job *ret_job,
                       struct dcs_err *err)
{
    if (uri->kind == DCS_URI_LIST)
        return dcs_fail(err, DCS_E_URI, "\"digicert:\" names no single order");
    if (!dcs_job_begin(store, ret_job, err))
        return false;
    if (ret_job->is_door || (dcs_job_check_config(ret_job, 0, err) && dcs_job_look(ret_job, err)))
        return true;
    dcs_job_end(ret_job);
    return false;
}

static bool load_uri(struct job *job, const struct dcs_uri *uri, struct dcs_bundle **ret_bundle,
                     struct dcs_err *err)
{
    int64_t order = 0;

    if (uri->kind == DCS_URI_CERTIFICATE)
        return dcs_load_certificate(job, uri, ret_bundle, err);
    return dcs_resolve(job, uri, &order, err) && dcs_load_order(job, order, uri, ret_bundle, err);
}

/*
 * The warm path, which is budgeted in microseconds: configuration looked at, `current` read, and what
 * this process remembers of that generation served. Anything else goes the long way.
 */
static struct dcs_bundle *open_warm(struct dcs_store *store, const struct dcs_uri *uri)
{
    dcs_auto(dcs_config) struct dcs_config *config = NULL;
    struct dcs_bundle *bundle = NULL;

    if (uri->kind != DCS_URI_ORDER || uri->has_spki || uri->serial[0] ||
        store->caller != DCS_CALLER_DOOR || !dcs_store_config(store, &config, NULL))
        return NULL;
    struct job job = { .store = store, .env = store->env, .config = config, .is_door = true };
    job.settings = dcs_config_settings(config);
    dcs_cache_bare(job.env, job.settings->state_dir, &job.cache);
    return dcs_load_remembered(&job, uri, &bundle) ? bundle : NULL;
}

bool dcs_store_open(struct dcs_store *store, const struct dcs_uri *uri, bool need_key,
                    struct dcs_bundle **ret_bundle, struct dcs_err *err)
{
    dcs_auto(dcs_bundle) struct dcs_bundle *bundle = NULL;
    dcs_auto(dcs_key) struct dcs_key key = { 0 };
    char canonical[DCS_URI_TEXT];
    struct dcs_err why = { 0 };
    struct job job;

    bundle = open_warm(store, uri);
    bool opened = bundle != NULL;
    if (!opened) {
        if (!begin_load(store, uri, &job, err))
            return false;
        opened = load_uri(&job, uri, &bundle, &why);
        dcs_job_end(&job);
    }
    if (opened && (!need_key || dcs_store_key(store, bundle, &key, &why))) {
        *ret_bundle = dcs_steal(&bundle);
        return true;
    }
    dcs_uri_canonical(uri, canonical);
    dcs_trace(store->env, "%s: %s: %s", canonical, dcs_code_name(why.code), why.text);
    if (err)
        *err = why;
    return false;
}

bool dcs_store_open_cached(struct dcs_store *store, const struct dcs_uri *uri,
                           struct dcs_bundle **ret_bundle, struct dcs_err *err)
{
    struct dcs_err why = { 0 };
    struct job job;

    if (!begin_load(store, uri, &job, err))
        return false;
    job.cached_only = true;
    bool opened = load_uri(&job, uri, ret_bundle, &why);
    dcs_job_end(&job);
    if (!opened && err)
        *err = why;
    return opened;
}

/* A certificate that was fetched by its own id may belong to a key of ours. */
static bool take_key(void *context, struct dcs_bundle *bundle)
{
    struct dcs_bundle **found = context;

    if (!dcs_bundle_has_key(bundle))
        return true;
    *found = dcs_bundle_ref(bundle);
    return false;
}

static bool key_by_spki(struct job *job, const struct dcs_bundle *bundle, struct dcs_key *ret_key,
                        struct dcs_err *err)
{
    dcs_auto(dcs_bundle) struct dcs_bundle *owner = NULL;
    char hex[2 * DCS_SHA256_LEN + 1];

    dcs_hex(dcs_bundle_facts(bundle)->leaf.spki_sha256, DCS_SHA256_LEN, hex);
    if (!dcs_cache_find(&job->cache, DCS_INDEX_SPKI, hex, take_key, &owner, err))
        return false;
    if (owner)
        return dcs_cache_key(&job->cache, owner, ret_key, err);
    if (dcs_bundle_order(bundle))
        dcs_fail(err, DCS_E_NO_KEY, "order %lld: its certificate is here, its private key is not",
                 (long long)dcs_bundle_order(bundle));
    else
        dcs_fail(err, DCS_E_NO_KEY, "certificate %lld: its private key is not here",
                 (long long)dcs_bundle_facts(bundle)->certificate_id);
    return dcs_hint(err,
                    "bring the key with `digicert-store import order/%lld --key FILE`, or set "
                    "reissue = auto in [order/%lld] for a new key and certificate",
                    (long long)dcs_bundle_order(bundle), (long long)dcs_bundle_order(bundle));
}

static bool key_elsewhere(struct dcs_store *store, const struct dcs_bundle *bundle,
                          struct dcs_key *ret_key, struct dcs_err *err)
{
    struct job job;

    if (!dcs_job_begin(store, &job, err))
        return false;
    bool read = key_by_spki(&job, bundle, ret_key, err);
    dcs_job_end(&job);
    return read;
}

/* The bundle came from the state directory of the configuration in memory: no second look. */
static bool key_of_bundle(struct dcs_store *store, const struct dcs_bundle *bundle,
                          struct dcs_key *ret_key, struct dcs_err *err)
{
    dcs_auto(dcs_config) struct dcs_config *config = NULL;
    struct dcs_cache cache;

    dcs_store_enter(store);
    config = dcs_config_ref(store->config);
    dcs_store_leave(store);
    if (!config && !dcs_store_config(store, &config, err)) /* after a fork */
        return false;
    dcs_cache_bare(store->env, dcs_config_settings(config)->state_dir, &cache);
    return dcs_cache_key(&cache, bundle, ret_key, err);
}

/* The next open looks at the disk again, and finds a damaged key set aside. */
static void mend_key(struct dcs_store *store, int64_t order)
{
    struct job job;

    dcs_memory_forget(store, order);
    if (order == 0 || !dcs_job_begin(store, &job, NULL))
        return;
    dcs_load_mend(&job, order);
    dcs_job_end(&job);
}

bool dcs_store_key(struct dcs_store *store, const struct dcs_bundle *bundle,
                   struct dcs_key *ret_key, struct dcs_err *err)
{
    dcs_auto(dcs_key) struct dcs_key key = { 0 };
    struct dcs_err why = { 0 };

    if ((dcs_bundle_has_key(bundle) ? key_of_bundle(store, bundle, &key, &why)
                                    : key_elsewhere(store, bundle, &key, &why)) &&
        (key.form != DCS_KEY_ENCRYPTED ||
         dcs_store_unseal(store, dcs_bundle_order(bundle), &key, &why))) {
        *ret_key = dcs_key_take(&key);
        return true;
    }
    /* Damage, or pruned meanwhile: the next open looks at the disk again. */
    if (why.code == DCS_E_STATE)
        mend_key(store, dcs_bundle_order(bundle));
    if (err)
        *err = why;
    return false;
}
