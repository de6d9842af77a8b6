// SPDX-License-Identifier: Apache-2.0
/*
 * store_token.c - the orders as a token shows them: many, each looked at shortly and often. Keeps
 * nothing of them in memory; the door holds a stamp an order and asks again.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_instance.h"

enum { ATTEMPT_AGAIN_S = 60, PIN_FILE_MAX = 512, HINTS_MAX = 32 };

/* ---- has anything changed? ---- */

static uint64_t mix(uint64_t hash, const void *data, size_t len)
{
    const uint8_t *at = data;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ at[i]) * 1099511628211u;
    return hash ? hash : 1;
}

static uint64_t config_now(struct dcs_store *store, const struct dcs_config *config)
{
    dcs_store_enter(store);
    uint64_t serial = store->config == config ? store->config_serial : 0;
    dcs_store_leave(store);
    return serial + 1;
}

/* `current` and memo.json as they are, through whole paths: two system calls. */
static void read_stamp(struct dcs_store *store, const struct dcs_config *config, int64_t order,
                       struct dcs_stamp *ret_stamp)
{
    const uint64_t basis = 14695981039346656037u;
    char dir[DCS_GENERATION_DIR] = "";
    struct dcs_fs_stat memo = { 0 };
    struct dcs_cache cache;
    char path[sizeof(cache.path) + 64];
    char id[DCS_ID_TEXT + 1];

    dcs_cache_bare(store->env, dcs_config_settings(config)->state_dir, &cache);
    if (!dcs_cache_current(&cache, order, dir, NULL))
        dir[0] = '\0';
    snprintf(id, sizeof(id), "%lld", (long long)order);
    if (!dcs_cache_path(&cache, (const char *const[]){ "orders", id, "memo.json", NULL }, path,
                        sizeof(path)) ||
        !dcs_fs_stat(AT_FDCWD, path, &memo, NULL))
        memo = (struct dcs_fs_stat){ 0 };
    const int64_t facts[] = { (int64_t)memo.inode, memo.size, memo.mtime_s, memo.mtime_ns };
    *ret_stamp = (struct dcs_stamp){ .generation = mix(basis, dir, strlen(dir)),
                                     .memo = mix(basis, facts, sizeof(facts)),
                                     .config = config_now(store, config) };
}

static bool nothing_changed(const struct dcs_stamp *before, const struct dcs_stamp *now,
                            int64_t when, bool may_fetch)
{
    return before->generation == now->generation && before->memo == now->memo &&
           before->config == now->config && when < before->until &&
           (!may_fetch || when < before->attempt_at);
}

/* ---- a look ---- */

static bool has_section(const struct job *job, int64_t order)
{
    struct dcs_order_settings settings;

    dcs_config_order(job->config, &(struct dcs_order_names){ .id = order }, &settings);
    return settings.has_section;
}

static bool load(struct job *job, int64_t order, bool fetch, struct memory *ret_offer,
                 struct dcs_err *err)
{
    const struct dcs_uri uri = { .kind = DCS_URI_ORDER, .id = order, .types = DCS_TYPE_DEFAULT };

    job->cached_only = !fetch;
    job->looked = false; /* who may fetch finds its role anew, and makes what is missing */
    return dcs_load_served(job, order, &uri, ret_offer, err);
}

/* When the stage after this one begins: until then the same generation is served. */
static int64_t next_stage(const struct dcs_life *life, int64_t now)
{
    struct dcs_life_times times;

    dcs_policy_times(life, &times);
    if (now < times.urgent)
        return times.urgent;
    return now <= life->not_after ? life->not_after + 1 : INT64_MAX;
}

static void describe(struct job *job, const struct memory *offer, bool is_own,
                     struct dcs_stamp *stamp, struct dcs_look *look)
{
    struct dcs_life life;
    int64_t now = dcs_env_now(job->env);

    dcs_load_life(offer, &life);
    stamp->until = next_stage(&life, now);
    stamp->attempt_at = is_own ? stamp->until : INT64_MAX;
    if (is_own && dcs_policy_stage(&life, now) >= DCS_STAGE_URGENT)
        stamp->attempt_at = now + ATTEMPT_AGAIN_S;
    snprintf(look->token, sizeof(look->token), "%s", offer->settings.token);
    look->bundle = dcs_bundle_ref(offer->bundle);
}

static bool is_urgent(const struct job *job, const struct memory *offer)
{
    struct dcs_life life;

    dcs_load_life(offer, &life);
    return dcs_policy_stage(&life, dcs_env_now(job->env)) >= DCS_STAGE_URGENT;
}

static bool look_again(struct job *job, int64_t order, bool may_fetch, struct dcs_stamp *stamp,
                       struct dcs_look *look, struct dcs_err *err)
{
    struct memory offer = { 0 };
    bool is_own = has_section(job, order);

    bool loaded = load(job, order, false, &offer, err);
    if (may_fetch && is_own && (!loaded || is_urgent(job, &offer))) {
        dcs_memory_copy_drop(&offer);
        loaded = load(job, order, true, &offer, err);
        read_stamp(job->store, job->config, order, stamp); /* the attempt changed it */
    }
    if (loaded)
        describe(job, &offer, is_own, stamp, look);
    dcs_memory_copy_drop(&offer);
    return loaded;
}

bool dcs_store_look(struct dcs_store *store, int64_t order, bool may_fetch, struct dcs_stamp *stamp,
                    struct dcs_look *ret_look, struct dcs_err *err)
{
    dcs_auto(dcs_config) struct dcs_config *config = NULL;
    struct dcs_stamp now = { 0 };
    struct dcs_look look = { 0 };
    struct dcs_err why = { 0 };
    struct job job;

    if (!dcs_store_config(store, &config, err))
        return false;
    read_stamp(store, config, order, &now);
    if (nothing_changed(stamp, &now, dcs_env_now(store->env), may_fetch)) {
        *ret_look = look;
        return true;
    }
    *stamp = (struct dcs_stamp){ 0 };
    if (!dcs_job_begin(store, &job, err))
        return false;
    job.forgets = true;
    bool good = look_again(&job, order, may_fetch, &now, &look, &why);
    dcs_job_end(&job);
    if (good) {
        *stamp = now;
        *ret_look = look;
    } else if (err) {
        *err = why;
    }
    return good;
}

/* ---- generations ---- */

bool dcs_store_generation(struct dcs_store *store, int64_t order, int generation,
                          struct dcs_bundle **ret_bundle, struct dcs_err *err)
{
    char dir[DCS_GENERATION_DIR];
    struct job job;

    if (!dcs_job_begin(store, &job, err))
        return false;
    snprintf(dir, sizeof(dir), "orders/%lld/gen-%04d", (long long)order, generation);
    bool loaded = dcs_cache_load_dir(&job.cache, dir, ret_bundle, err);
    dcs_job_end(&job);
    return loaded;
}

bool dcs_store_by_ckaid(struct dcs_store *store, const uint8_t ckaid[DCS_SHA1_LEN],
                        struct dcs_place *places, size_t capacity, size_t *ret_count,
                        struct dcs_err *err)
{
    struct dcs_hint hints[HINTS_MAX];
    size_t most = capacity < HINTS_MAX ? capacity : HINTS_MAX;
    char hex[2 * DCS_SHA1_LEN + 1];
    size_t count = 0;
    struct job job;

    if (!dcs_job_begin(store, &job, err))
        return false;
    dcs_hex(ckaid, DCS_SHA1_LEN, hex);
    bool good = dcs_cache_hints(&job.cache, DCS_INDEX_CKAID, hex, hints, most, &count, err);
    dcs_job_end(&job);
    if (!good)
        return false;
    for (size_t i = 0; i < count; i++)
        places[i] = (struct dcs_place){ hints[i].order, hints[i].generation };
    *ret_count = count;
    return true;
}

bool dcs_store_local_orders(struct dcs_store *store, int64_t **ret_orders, size_t *ret_count,
                            struct dcs_err *err)
{
    struct dcs_ids ids = { 0 };
    struct job job;

    if (!dcs_job_begin(store, &job, err))
        return false;
    bool listed = dcs_cache_orders(&job.cache, &ids, err);
    dcs_job_end(&job);
    if (!listed)
        return false;
    *ret_orders = ids.ids;
    *ret_count = ids.count;
    return true;
}

/* ---- PINs ---- */

bool dcs_store_token_pin(struct dcs_store *store, const char *token, bool *ret_has,
                         struct dcs_secret *ret_pin, struct dcs_err *err)
{
    dcs_auto(dcs_config) struct dcs_config *config = NULL;
    dcs_auto(dcs_secret) struct dcs_secret text = { 0 };
    struct dcs_err why = { 0 };
    struct dcs_fs_stat stat;
    char path[4200];

    if (!dcs_store_config(store, &config, err))
        return false;
    const char *dir = dcs_config_settings(config)->pin_dir;
    if (!*dir) {
        *ret_has = false;
        return true;
    }
    snprintf(path, sizeof(path), "%.4100s/%s", dir, token);
    if (!dcs_fs_stat(AT_FDCWD, path, &stat, &why) && why.code == DCS_E_NOT_FOUND) {
        *ret_has = false;
        return true;
    }
    if (!dcs_fs_read_secret(AT_FDCWD, path, PIN_FILE_MAX, &text, NULL, &why))
        return dcs_fail(err, DCS_E_STATE, "the PIN of token %s: %.400s", token, why.text);
    while (text.len > 0 && strchr("\r\n", text.data[text.len - 1]))
        text.len--;
    *ret_has = dcs_secret_copy(text.data, text.len, ret_pin, err);
    return *ret_has;
}
