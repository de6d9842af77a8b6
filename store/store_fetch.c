// SPDX-License-Identifier: Apache-2.0
/*
 * store_fetch.c - one attempt for one order: single-flight over threads and processes, order info,
 * download, checks, commit. Whoever waited takes what the one before found, good or bad.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/trace.h"
#include "flow/cache_delivery.h"
#include "store_validation.h"

enum {
    POLL_MAX_S = 6 * 3600,
    RETRY_FIRST_S = 60,
    LOCK_POLL_MIN_MS = 5,
    LOCK_POLL_MAX_MS = 100,
    LEAD_MS = 2000,
    PAUSES_DOUBLED = 6
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

/* By what is known of the order here: `auto`, so that a certificate without its key is no answer. */
static bool wants_pair(const struct fetch *f)
{
    dcs_auto(dcs_order) struct dcs_order *known = NULL;
    struct dcs_order_settings settings;

    if (dcs_cache_read_order(&f->job->cache, f->id, &known, NULL))
        dcs_fetch_settings(f->job, known, &settings);
    else
        dcs_config_order(f->job->config, &(struct dcs_order_names){ .id = f->id }, &settings);
    return settings.has_section && settings.reissue == DCS_REISSUE_AUTO;
}

static bool is_answer(const struct fetch *f, const struct dcs_bundle *bundle)
{
    if (f->wish && f->wish->reissue)
        return strcmp(dcs_bundle_facts(bundle)->source, "reissue") == 0;
    return dcs_bundle_has_key(bundle) || !wants_pair(f);
}

/* True when somebody committed a generation since our caller looked, and it is what we want. */
static bool committed_since(const struct fetch *f)
{
    dcs_auto(dcs_bundle) struct dcs_bundle *bundle = NULL;
    char dir[DCS_GENERATION_DIR];

    return dcs_cache_current(&f->job->cache, f->id, dir, NULL) && strcmp(dir, f->seen_dir) != 0 &&
           dcs_cache_load_dir(&f->job->cache, dir, &bundle, NULL) && is_answer(f, bundle);
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
        int64_t left =
            f->only_if_free || f->never_waits ? 0 : dcs_deadline_left_ms(f->job->env, f->deadline);
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
    /* That somebody looked and found nothing is no answer to who wants a new certificate. */
    return f->memo.failure.code != DCS_E_NONE || !(f->wish && f->wish->reissue);
}

/* ---- one attempt ---- */

/* Written down at once: the plan of this very attempt reads it there. */
static void note_revocation(struct fetch *f, const struct dcs_order *order)
{
    struct dcs_err why = { 0 };
    bool revoked =
        order->status == DCS_ORDER_REVOKED || strcmp(order->certificate_status, "revoked") == 0;

    if (!order->serial[0] || revoked == dcs_revoked_has(f->memo.revoked_serials, order->serial))
        return;
    dcs_revoked_note(f->memo.revoked_serials, order->serial, revoked);
    if (!dcs_cache_write_memo(&f->job->cache, f->id, &f->memo, &why))
        dcs_trace(f->job->env, "order %lld: %s", (long long)f->id, why.text);
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
        (!dcs_fetch_access(f->job, &f->settings, &access, err) ||
         !dcs_cache_make_order(&f->job->cache, f->id, &access, f->deadline, &f->lock, err)))
        return false;
    return dcs_cache_write_order(&f->job->cache, order, err);
}

/* A certificate that was set aside or cannot be downloaded stops no reissue: a new one is what helps. An
 * order that names none is gone on with when a request of ours is out. */
static bool goes_on(const struct fetch *f, bool has_certificate, const struct dcs_err *why)
{
    dcs_auto(dcs_intent) struct dcs_intent intent = { 0 };

    if (has_certificate)
        return why->code == DCS_E_REJECTED || why->code == DCS_E_PENDING ||
               why->code == DCS_E_REFUSED;
    return dcs_cache_intent(&f->job->cache, f->id, &intent, NULL) && intent.request &&
           intent.request->posted_at;
}

/* What was rolled back may serve again when what serves in its place comes to its end: before a new
 * certificate is asked for. */
static void release_when_urgent(struct fetch *f)
{
    dcs_auto(dcs_order) struct dcs_order *order = NULL;
    dcs_auto(dcs_bundle) struct dcs_bundle *bundle = NULL;
    struct dcs_err why = { 0 };
    char dir[DCS_GENERATION_DIR];
    int count = 0;

    if (f->lock.fd < 0 || !dcs_cache_has_held(&f->job->cache, f->id) ||
        !dcs_cache_current(&f->job->cache, f->id, dir, NULL) ||
        !dcs_cache_load_dir(&f->job->cache, dir, &bundle, NULL))
        return;
    if (!dcs_cache_read_order(&f->job->cache, f->id, &order, NULL))
        order = NULL;
    if (dcs_plan_would_be_urgent(f->job, f->id, order, &f->settings, bundle) &&
        !dcs_cache_release(&f->job->cache, f->id, &count, &why))
        dcs_trace(f->job->env, "order %lld: %s", (long long)f->id, why.text);
}

/* `current` names the best of what is here: a process that was killed between commit and switch left
 * it behind, or the CA's word changed what is best. */
static bool settle(struct fetch *f, struct dcs_err *err)
{
    struct dcs_choice choice = dcs_fetch_choice(f->job, &f->settings, f->memo.revoked_serials);
    struct dcs_err why = { 0 };

    release_when_urgent(f);
    if (f->lock.fd < 0 || dcs_cache_settle(&f->job->cache, f->id, &choice, &why) ||
        why.code == DCS_E_NOT_FOUND)
        return true;
    return dcs_fail(err, why.code, "order %lld: %s", (long long)f->id, why.text);
}

static void settle_if_possible(struct fetch *f)
{
    struct dcs_err why = { 0 };

    if (!settle(f, &why))
        dcs_trace(f->job->env, "%s", why.text);
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
    (void)dcs_validation_note_new(f->job, order, &f->memo);
    note_revocation(f, order);
    /* What is wanted is decided on the best that is here; and a certificate of a process that was killed
     * before the switch is the one that a person asks for again. */
    if (!settle(f, err) || (dcs_fetch_lists(f, api, order) && !settle(f, err)))
        return false;
    if (f->wish && f->wish->reissue && committed_since(f))
        return true;
    struct dcs_err why = { 0 };
    bool has_certificate = order->certificate_id && dcs_order_has_certificate(order);
    bool fetched = has_certificate ? dcs_fetch_issued(f, api, order, &why)
                                   : fail_without_certificate(order, &why);
    if (!fetched && !goes_on(f, has_certificate, &why)) {
        *err = why;
        return false;
    }
    if (!dcs_fetch_reissue(f, api, order, err))
        return false;
    if (!fetched && !f->reissued)
        *err = why;
    return fetched || f->reissued;
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
    if (succeeded || f->memo.failures == 1)
        f->memo.failing_since = succeeded ? 0 : f->memo.attempt_at;
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

static void settle_as_known(struct fetch *f)
{
    dcs_auto(dcs_order) struct dcs_order *known = NULL;

    if (!dcs_cache_read_order(&f->job->cache, f->id, &known, NULL))
        return;
    dcs_fetch_settings(f->job, known, &f->settings);
    settle_if_possible(f);
}

/* When the next step of a request of ours is due, for who waits for it. */
static void note_open_request(struct fetch *f)
{
    dcs_auto(dcs_intent) struct dcs_intent intent = { 0 };

    if (!dcs_cache_intent(&f->job->cache, f->id, &intent, NULL) || !intent.request ||
        !intent.request->posted_at)
        return;
    int64_t left = dcs_request_wait_s(intent.request, dcs_env_now(f->job->env));
    f->look_again_s = left > 1 ? left : 1;
}

static bool attempt_locked(struct fetch *f, struct dcs_err *err)
{
    dcs_auto(dcs_api) struct dcs_api *api = NULL;
    struct dcs_err why = { 0 };

    if (committed_since(f))
        return true;
    if (attempted_since(f, &why)) {
        note_open_request(f);
        if (why.code != DCS_E_NONE && err)
            *err = why;
        return why.code == DCS_E_NONE;
    }
    settle_as_known(f);
    if (f->job->is_door && committed_since(f))
        return true;
    bool done = dcs_job_api(f->job, f->deadline, &api, &why) && fetch_with(f, api, &why);
    note_open_request(f);
    record(f, done, &why);
    settle_if_possible(f);
    dcs_memory_forget(f->job->store, f->id);
    if (!done && err)
        *err = why;
    return done;
}

/* One turn under the lock; it is held for no longer. */
static bool one_turn(struct fetch *f, struct dcs_err *err)
{
    bool answered = false;
    bool done = wait_for_lock(f, &answered, err) && (answered || attempt_locked(f, err));

    dcs_lock_drop(&f->lock);
    dcs_lock_drop(&f->cold);
    return done;
}

void dcs_fetch_lead(struct job *job, int64_t order)
{
    int64_t before = dcs_config_predecessor(job->config, order);
    struct fetch f = { .job = job, .id = before, .cold = DCS_LOCK_NONE, .lock = DCS_LOCK_NONE };
    struct dcs_err why = { 0 };

    if (!before || !dcs_cache_has_order(&job->cache, before))
        return;
    if (!dcs_cache_lock_order(&job->cache, before, dcs_deadline_in(job->env, LEAD_MS), &f.lock,
                              &why)) {
        dcs_trace(job->env, "order %lld: %s", (long long)before, why.text);
        return;
    }
    dcs_cache_read_memo(&job->cache, before, &f.memo);
    settle_as_known(&f);
    dcs_lock_drop(&f.lock);
    dcs_memory_forget(job->store, before);
}

bool dcs_fetch_order(struct job *job, int64_t order, const struct dcs_fetch_options *options,
                     struct dcs_err *err)
{
    struct fetch f = { .job = job,
                       .id = order,
                       .seen_dir = options->seen_dir,
                       .only_if_free = options->only_if_free,
                       .never_waits = options->comes_back,
                       .deadline = options->deadline,
                       .begins_nothing = options->begins_nothing,
                       .may_repeat = options->may_repeat,
                       .wish = options->wish,
                       .cold = DCS_LOCK_NONE,
                       .lock = DCS_LOCK_NONE };
    struct dcs_err why = { 0 };

    snprintf(f.canonical, sizeof(f.canonical), "digicert://order/%lld", (long long)order);
    for (int round = 0;; round++) {
        f.began_boot_ms =
            options->since_boot_ms ? options->since_boot_ms : dcs_env_boot_ms(job->env);
        f.look_again_s = 0;
        why = (struct dcs_err){ 0 };
        if (one_turn(&f, &why)) {
            dcs_fetch_lead(job, order);
            return true;
        }
        /* A request of ours that the CA works on is waited for, the lock free for others; for a
         * person also when its answer was lost. */
        bool may_come = why.code == DCS_E_PENDING || (options->wish && why.code == DCS_E_AWAY);
        /* Not faster each time, also when no step came so far as to say when to look again. */
        int64_t wait_ms = (int64_t)1000 << (round < PAUSES_DOUBLED ? round : PAUSES_DOUBLED);
        if (f.look_again_s * 1000 > wait_ms)
            wait_ms = f.look_again_s * 1000;
        if (!may_come || f.look_again_s == 0 || options->only_if_free || options->comes_back ||
            wait_ms >= dcs_deadline_left_ms(job->env, options->deadline))
            break;
        dcs_env_sleep_ms(job->env, wait_ms);
    }
    if (err)
        *err = why;
    return false;
}
