// SPDX-License-Identifier: Apache-2.0
/*
 * store_fetch.c - one attempt for one order: single-flight over threads and processes, order info,
 * download, checks, commit. Whoever waited takes what the one before found, good or bad.
 */
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/trace.h"
#include "store_instance.h"

enum { POLL_MAX_S = 6 * 3600, RETRY_FIRST_S = 60, LOCK_POLL_MIN_MS = 5, LOCK_POLL_MAX_MS = 100 };

/* An attempt under way. */
struct fetch {
    struct job *job;
    int64_t id;
    char canonical[64];
    int64_t began_boot_ms;
    const char *seen_dir; /* the generation that our caller knew, "" none */
    bool only_if_free;    /* and only when the time for the next try has come */
    struct dcs_deadline deadline;
    struct dcs_lock cold, lock; /* cold while the order has no directory */
    struct dcs_memo memo;
    struct dcs_order_settings settings;
};

void dcs_fetch_settings(struct job *job, const struct dcs_order *order,
                        struct dcs_order_settings *ret_settings)
{
    const struct dcs_order_names names = { .id = order->id,
                                           .alternative_id = order->alternative_id,
                                           .names = (const char *const *)order->names,
                                           .name_count = order->name_count };

    dcs_config_order(job->config, &names, ret_settings);
}

/* None ahead of what record() writes is believed: that clock was wrong. */
bool dcs_fetch_may_try(const struct dcs_memo *memo, int64_t now)
{
    return now >= memo->next_try || memo->next_try - now > POLL_MAX_S;
}

/* ---- waiting ---- */

/* True when somebody committed a generation since our caller looked: that is our answer. */
static bool committed_since(const struct fetch *f)
{
    dcs_auto(dcs_bundle) struct dcs_bundle *bundle = NULL;
    char dir[DCS_GENERATION_DIR];

    return dcs_cache_current(&f->job->cache, f->id, dir, NULL) && strcmp(dir, f->seen_dir) != 0 &&
           dcs_cache_load_dir(&f->job->cache, dir, &bundle, NULL);
}

static bool try_one_lock(struct fetch *f, bool *ret_held, struct dcs_err *err)
{
    char path[64];

    *ret_held = false;
    if (dcs_cache_has_order(&f->job->cache, f->id)) {
        dcs_lock_drop(&f->cold);
        snprintf(path, sizeof(path), "orders/%lld/lock", (long long)f->id);
        return dcs_cache_try_lock(&f->job->cache, path, ret_held, &f->lock, err);
    }
    dcs_cache_cold_path(f->canonical, path);
    if (!dcs_cache_try_lock(&f->job->cache, path, ret_held, &f->cold, err))
        return false;
    if (*ret_held && dcs_cache_has_order(&f->job->cache, f->id))
        return try_one_lock(f, ret_held, err); /* it was made while we got the cold lock */
    return true;
}

/* *ret_answered: somebody else's work is the answer, and no lock is held. */
static bool wait_for_lock(struct fetch *f, bool *ret_answered, struct dcs_err *err)
{
    int64_t pause = LOCK_POLL_MIN_MS;

    *ret_answered = false;
    for (;;) {
        bool held = false;
        if (!try_one_lock(f, &held, err))
            return false;
        if (held)
            return true;
        if (committed_since(f)) {
            *ret_answered = true;
            return true;
        }
        int64_t left = f->only_if_free ? 0 : dcs_deadline_left_ms(f->job->env, f->deadline);
        if (left == 0)
            return dcs_fail(err, DCS_E_TIMEOUT, "another process is working on order %lld",
                            (long long)f->id);
        int64_t wait = dcs_env_jitter(f->job->env, LOCK_POLL_MIN_MS, pause);
        dcs_env_sleep_ms(f->job->env, wait < left ? wait : left);
        pause = pause * 2 < LOCK_POLL_MAX_MS ? pause * 2 : LOCK_POLL_MAX_MS;
    }
}

/* An attempt made while we waited is our own, so that 1,024 waiters make one. *ret_failure code
 * NONE: it succeeded and found nothing newer. A key to import may make a difference: then not. */
static bool attempted_since(struct fetch *f, struct dcs_err *ret_failure)
{
    struct dcs_cold cold;

    if (f->cold.fd >= 0) {
        if (!dcs_cache_cold_find(&f->job->cache, &f->cold, f->canonical, f->began_boot_ms, &cold) ||
            cold.order)
            return false;
        *ret_failure = cold.failure;
        return true;
    }
    dcs_cache_read_memo(&f->job->cache, f->id, &f->memo);
    /* It may have been made between our look at next_try and our lock. */
    bool too_early = f->only_if_free && !dcs_fetch_may_try(&f->memo, dcs_env_now(f->job->env));
    if (f->job->offered || (f->memo.attempt_boot_ms <= f->began_boot_ms && !too_early))
        return false;
    *ret_failure = f->memo.failure;
    return true;
}

/* ---- commit ---- */

bool dcs_fetch_group(const struct dcs_config *config, const char *name, gid_t *ret_gid,
                     struct dcs_err *err)
{
    char room[8192];
    struct group entry;
    struct group *found = NULL;

    *ret_gid = (gid_t)-1;
    if (!name[0])
        return true;
    if (getgrnam_r(name, &entry, room, sizeof(room), &found) != 0 || !found) {
        dcs_fail(err, DCS_E_CONFIG, "key_group = %s in %s: there is no such group", name,
                 dcs_config_origin(config));
        return dcs_hint(
            err, "create it (groupadd --system %s), or name another in the configuration", name);
    }
    *ret_gid = entry.gr_gid;
    return true;
}

static bool access_of(const struct job *job, const struct dcs_order_settings *settings,
                      struct dcs_access *ret_access, struct dcs_err *err)
{
    ret_access->is_private = settings->is_private;
    return dcs_fetch_group(job->config, settings->key_group, &ret_access->key_gid, err);
}

bool dcs_fetch_commit(struct job *job, const struct dcs_order *order,
                      const struct dcs_order_settings *settings, struct dcs_accepted *accepted,
                      const struct dcs_key *key, struct dcs_err *err)
{
    dcs_auto(dcs_bundle) struct dcs_bundle *bundle = NULL;
    struct dcs_choice choice = dcs_fetch_choice(job, settings, NULL);
    struct dcs_commit commit = { .order = order->id,
                                 .certificate_id = accepted->facts->certificate_id,
                                 .facts = accepted->facts,
                                 .certs = &accepted->certs,
                                 .offsets = accepted->offsets,
                                 .cert_count = accepted->cert_count,
                                 .key = key,
                                 .combined = settings->combined };
    struct dcs_memo memo;
    char dir[DCS_GENERATION_DIR];

    if (!access_of(job, settings, &commit.access, err))
        return false;
    dcs_cache_tidy(&job->cache, order->id);
    dcs_cache_read_memo(&job->cache, order->id, &memo);
    choice.revoked_serial = memo.revoked_serial;
    accepted->facts->order_id = order->id;
    accepted->facts->committed_at = dcs_env_now(job->env);
    if (!dcs_cache_commit(&job->cache, &commit, dir, err) ||
        !dcs_cache_settle(&job->cache, order->id, &choice, err))
        return false;
    if (dcs_cache_load_dir(&job->cache, dir, &bundle, NULL))
        dcs_cache_index_add(&job->cache, bundle, order->alternative_id);
    return true;
}

/* ---- the newer certificate and our keys ---- */

struct ours {
    const struct dcs_facts *fresh;
    int64_t now;
    struct dcs_bundle *same_certificate, *same_key, *best_pair, *best;
};

static bool in_date(const struct dcs_bundle *bundle, int64_t now)
{
    return now <= dcs_bundle_facts(bundle)->leaf.not_after;
}

static void keep(struct dcs_bundle **slot, struct dcs_bundle *bundle)
{
    if (!*slot)
        *slot = dcs_bundle_ref(bundle);
}

static bool compare_with_ours(void *context, struct dcs_bundle *bundle)
{
    struct ours *ours = context;
    const struct dcs_cert_info *leaf = &dcs_bundle_facts(bundle)->leaf;
    bool has_key = dcs_bundle_has_key(bundle);

    if (memcmp(leaf->sha256, ours->fresh->leaf.sha256, DCS_SHA256_LEN) == 0)
        keep(&ours->same_certificate, bundle);
    if (has_key && memcmp(leaf->spki_sha256, ours->fresh->leaf.spki_sha256, DCS_SHA256_LEN) == 0)
        keep(&ours->same_key, bundle);
    if (has_key && in_date(bundle, ours->now))
        keep(&ours->best_pair, bundle);
    if (in_date(bundle, ours->now))
        keep(&ours->best, bundle);
    return true;
}

static void ours_drop(struct ours *ours)
{
    dcs_bundle_unref(ours->same_certificate);
    dcs_bundle_unref(ours->same_key);
    dcs_bundle_unref(ours->best_pair);
    dcs_bundle_unref(ours->best);
}

static void note_elsewhere(struct fetch *f, const struct dcs_facts *fresh)
{
    f->memo.elsewhere_certificate = fresh->certificate_id;
    f->memo.elsewhere_not_after = fresh->leaf.not_after;
    snprintf(f->memo.elsewhere_serial, sizeof(f->memo.elsewhere_serial), "%s", fresh->leaf.serial);
}

/* "Ours first": a newer certificate whose key is not here never displaces a pair of ours, nor an
 * expired one a valid one; it is recorded and shown. */
static bool take_in(struct fetch *f, const struct dcs_order *order, struct dcs_accepted *accepted,
                    struct dcs_err *err)
{
    dcs_auto(ours) struct ours ours = { .fresh = accepted->facts, .now = dcs_env_now(f->job->env) };
    dcs_auto(dcs_key) struct dcs_key key = { 0 };

    if (!dcs_cache_each(&f->job->cache, f->id, compare_with_ours, &ours, err))
        return false;
    f->memo.elsewhere_certificate = 0;
    f->memo.elsewhere_serial[0] = '\0';
    f->memo.elsewhere_not_after = 0;
    if (ours.same_certificate && (dcs_bundle_has_key(ours.same_certificate) || !ours.same_key))
        return true;
    if (f->job->offered &&
        memcmp(f->job->offered_spki, accepted->facts->leaf.spki_sha256, DCS_SHA256_LEN) == 0)
        return dcs_fetch_commit(f->job, order, &f->settings, accepted, f->job->offered, err);
    bool fresh_is_good = ours.now <= accepted->facts->leaf.not_after;
    bool has_key =
        dcs_cache_find_key(&f->job->cache, f->id, accepted->facts->leaf.spki_sha256, &key, NULL);
    if (!has_key && (ours.best_pair || (ours.best && !fresh_is_good))) {
        note_elsewhere(f, accepted->facts);
        return true;
    }
    return dcs_fetch_commit(f->job, order, &f->settings, accepted, has_key ? &key : NULL, err);
}

static bool reject(struct fetch *f, const struct dcs_order *order, const struct dcs_err *why,
                   struct dcs_err *err)
{
    f->memo.rejected_certificate = order->certificate_id;
    snprintf(f->memo.rejected_reason, sizeof(f->memo.rejected_reason), "%.250s", why->text);
    dcs_fail(err, why->code, "order %lld: certificate %lld as sent by the CA was set aside: %s",
             (long long)order->id, (long long)order->certificate_id, why->text);
    return dcs_hint(err, "nothing that was cached is lost; it is asked for again later");
}

static bool download(struct fetch *f, struct dcs_api *api, const struct dcs_order *order,
                     struct dcs_err *err)
{
    dcs_auto(dcs_buf) struct dcs_buf pem = { .max = 1 << 20 };
    dcs_auto(dcs_accepted) struct dcs_accepted accepted = { 0 };
    const struct dcs_accept expected = { .order = order,
                                         .certificate_id = order->certificate_id,
                                         .serial = order->serial,
                                         .source = "fetch",
                                         .now = dcs_env_now(f->job->env) };
    struct dcs_err why = { 0 };

    if (!dcs_api_download(api, order->certificate_id, &pem, err))
        return dcs_fail_while(err, "order %lld", (long long)order->id);
    if (!dcs_accept(&expected, dcs_buf_text(&pem), pem.len, &accepted, &why))
        return reject(f, order, &why, err);
    f->memo.rejected_certificate = 0;
    f->memo.rejected_reason[0] = '\0';
    return take_in(f, order, &accepted, err);
}

/* ---- one attempt ---- */

struct known {
    const struct dcs_order *order;
    bool found;
};

static bool is_the_one_named(void *context, struct dcs_bundle *bundle)
{
    struct known *known = context;
    const struct dcs_facts *facts = dcs_bundle_facts(bundle);

    known->found =
        facts->certificate_id == known->order->certificate_id &&
        (!known->order->serial[0] || strcmp(known->order->serial, facts->leaf.serial) == 0);
    return !known->found;
}

static void note_revocation(struct fetch *f, const struct dcs_order *order)
{
    bool revoked =
        order->status == DCS_ORDER_REVOKED || strcmp(order->certificate_status, "revoked") == 0;

    if (revoked && order->serial[0])
        snprintf(f->memo.revoked_serial, sizeof(f->memo.revoked_serial), "%s", order->serial);
    else if (order->serial[0] && strcmp(order->serial, f->memo.revoked_serial) == 0)
        f->memo.revoked_serial[0] = '\0';
}

static bool fail_without_certificate(const struct dcs_order *order, struct dcs_err *err)
{
    if (dcs_order_is_over(order->status)) {
        dcs_fail(err, DCS_E_ENDED,
                 "order %lld has no certificate and gets none: the CA says \"%s\"",
                 (long long)order->id, order->status_text);
        return dcs_hint(err, "order anew in CertCentral, and use that order's number");
    }
    if (dcs_order_has_certificate(order))
        dcs_fail(err, DCS_E_PENDING, "order %lld: the CA says \"%s\" but names no certificate",
                 (long long)order->id, order->status_text);
    else
        dcs_fail(err, DCS_E_PENDING, "order %lld has no certificate yet: the CA says \"%s\" (%s)",
                 (long long)order->id, order->status_text, dcs_order_waits_for(order->status));
    return dcs_hint(err, "nothing is lost; load it again when the CA has issued");
}

/* The CA has confirmed the order: it gets its directory, and its lock instead of the cold one. */
static bool make_home(struct fetch *f, const struct dcs_order *order, struct dcs_err *err)
{
    struct dcs_access access;

    if (f->lock.fd < 0 &&
        (!access_of(f->job, &f->settings, &access, err) ||
         !dcs_cache_make_order(&f->job->cache, f->id, &access, f->deadline, &f->lock, err)))
        return false;
    return dcs_cache_write_order(&f->job->cache, order, err);
}

static bool fetch_with(struct fetch *f, struct dcs_api *api, struct dcs_err *err)
{
    dcs_auto(dcs_order) struct dcs_order *order = NULL;
    char id[DCS_ID_TEXT + 1];

    snprintf(id, sizeof(id), "%lld", (long long)f->id);
    if (!dcs_api_order(api, id, &order, err))
        return dcs_fail_while(err, "order %lld", (long long)f->id);
    if (order->id != f->id)
        return dcs_fail(err, DCS_E_AWAY,
                        "asked for order %lld, the service answered with order %lld",
                        (long long)f->id, (long long)order->id);
    dcs_fetch_settings(f->job, order, &f->settings);
    if (!make_home(f, order, err))
        return false;
    f->memo.read_at = dcs_env_now(f->job->env);
    note_revocation(f, order);
    if (!order->certificate_id || !dcs_order_has_certificate(order))
        return fail_without_certificate(order, err);
    struct known known = { order, false };
    if (!dcs_cache_each(&f->job->cache, f->id, is_the_one_named, &known, err))
        return false;
    return known.found || download(f, api, order, err);
}

/* Success looks again after min(6 h, L/48) at most; failures wait 1, 10, 100 min, then 6 h. */
static int64_t next_try(const struct fetch *f, bool succeeded)
{
    int64_t wait = POLL_MAX_S;

    if (!succeeded) {
        wait = RETRY_FIRST_S;
        for (int64_t i = 1; i < f->memo.failures && wait < POLL_MAX_S; i++)
            wait *= 10;
        wait = wait < POLL_MAX_S ? wait : POLL_MAX_S;
    }
    return dcs_env_now(f->job->env) + wait / 2 + dcs_env_jitter(f->job->env, 0, wait / 2);
}

static void record(struct fetch *f, bool succeeded, const struct dcs_err *why)
{
    struct dcs_err err = { 0 };

    f->memo.attempt_at = dcs_env_now(f->job->env);
    f->memo.failures = succeeded ? 0 : f->memo.failures + 1;
    f->memo.failure = succeeded ? (struct dcs_err){ 0 } : *why;
    f->memo.attempt_boot_ms = dcs_env_boot_ms(f->job->env);
    f->memo.next_try = next_try(f, succeeded);
    if (f->lock.fd >= 0) {
        if (!dcs_cache_write_memo(&f->job->cache, f->id, &f->memo, &err))
            dcs_trace(f->job->env, "order %lld: %s", (long long)f->id, err.text);
        return;
    }
    if (!succeeded && f->cold.fd >= 0) {
        const struct dcs_cold cold = { .when = f->memo.attempt_at,
                                       .boot_ms = f->memo.attempt_boot_ms,
                                       .failure = *why };
        dcs_cache_cold_store(&f->job->cache, &f->cold, f->canonical, &cold);
    }
}

/* `current` names the best of what is here: a process that was killed between commit and switch left
 * it behind, or the CA's word changed what is best. */
static void settle(struct fetch *f)
{
    struct dcs_choice choice = dcs_fetch_choice(f->job, &f->settings, f->memo.revoked_serial);
    struct dcs_err why = { 0 };

    if (f->lock.fd >= 0 && !dcs_cache_settle(&f->job->cache, f->id, &choice, &why) &&
        why.code != DCS_E_NOT_FOUND)
        dcs_trace(f->job->env, "order %lld: %s", (long long)f->id, why.text);
}

static void settle_as_known(struct fetch *f)
{
    dcs_auto(dcs_order) struct dcs_order *known = NULL;

    if (!dcs_cache_read_order(&f->job->cache, f->id, &known, NULL))
        return;
    dcs_fetch_settings(f->job, known, &f->settings);
    settle(f);
}

static bool attempt_locked(struct fetch *f, struct dcs_err *err)
{
    dcs_auto(dcs_api) struct dcs_api *api = NULL;
    struct dcs_err why = { 0 };

    if (committed_since(f))
        return true;
    if (attempted_since(f, &why)) {
        if (why.code != DCS_E_NONE && err)
            *err = why;
        return why.code == DCS_E_NONE;
    }
    settle_as_known(f);
    if (f->job->is_door && committed_since(f))
        return true;
    bool done = dcs_job_api(f->job, f->deadline, &api, &why) && fetch_with(f, api, &why);
    record(f, done, &why);
    settle(f);
    dcs_memory_forget(f->job->store, f->id);
    if (!done && err)
        *err = why;
    return done;
}

bool dcs_fetch_order(struct job *job, int64_t order, const char *seen_dir,
                     struct dcs_deadline deadline, bool only_if_free, struct dcs_err *err)
{
    struct fetch f = { .job = job,
                       .id = order,
                       .seen_dir = seen_dir,
                       .only_if_free = only_if_free,
                       .began_boot_ms = dcs_env_boot_ms(job->env),
                       .deadline = deadline,
                       .cold = DCS_LOCK_NONE,
                       .lock = DCS_LOCK_NONE };
    bool answered = false;

    snprintf(f.canonical, sizeof(f.canonical), "digicert://order/%lld", (long long)order);
    bool done = wait_for_lock(&f, &answered, err) && (answered || attempt_locked(&f, err));
    dcs_lock_drop(&f.lock);
    dcs_lock_drop(&f.cold);
    return done;
}
