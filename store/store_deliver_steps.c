// SPDX-License-Identifier: Apache-2.0
/*
 * store_deliver_steps.c - the steps of a delivery: copy, hook, verify; back, and release. The order's lock
 * is held while links move and records are written, never while a hook runs.
 */
#include <stdio.h>
#include <string.h>

#include "base/trace.h"
#include "model/endpoint.h"
#include "store_deliver.h"
#include "store_event.h"
#include "store_show.h"

enum {
    LOCK_WAIT_MS = 90000, /* an attempt of another process holds the lock for a minute at most */
    HANDSHAKE_MS = 5000,
    HANDSHAKES_IN_A_ROW = 3,
    PAUSE_GOOD_MS = 100,
    PAUSE_BAD_MS = 500
};

static bool lock_order(struct job *job, int64_t order, struct dcs_lock *ret_lock,
                       struct dcs_err *err)
{
    return dcs_cache_lock_order(&job->cache, order, dcs_deadline_in(job->env, LOCK_WAIT_MS),
                                ret_lock, err);
}

static bool write_record(struct deliver *d, struct dcs_err *err)
{
    dcs_auto(dcs_lock) struct dcs_lock lock = DCS_LOCK_NONE;

    return lock_order(d->job, d->id, &lock, err) &&
           dcs_cache_write_delivery(&d->job->cache, d->id, &d->record, err);
}

/* ---- copy ---- */

/* The paths that the hook is told. */
struct place {
    char dir[4096 + DCS_GENERATION_DIR], current[4096 + DCS_GENERATION_DIR];
};

static bool copy_pair(struct deliver *d, struct place *ret_place, struct dcs_err *err)
{
    dcs_auto(dcs_pair) struct dcs_pair pair = { 0 };
    const struct dcs_cache *cache = &d->job->cache;
    const char *to = d->settings.deliver;
    struct dcs_copy copy;
    char name[16];

    snprintf(ret_place->dir, sizeof(ret_place->dir), "%s/%s", cache->path,
             dcs_bundle_dir(d->current));
    snprintf(ret_place->current, sizeof(ret_place->current), "%s/orders/%lld/current", cache->path,
             (long long)d->id);
    if (!to[0])
        return true;
    if (!dcs_copy_settings(d->job, d->settings.deliver_owner, d->settings.deliver_mode, &copy,
                           err) ||
        !dcs_cache_read_pair(cache, dcs_bundle_dir(d->current), &pair, err))
        return false;
    copy.dir = to;
    copy.certs = &pair.certs;
    copy.key = &pair.key;
    if (!dcs_copy_make(&copy, name, err))
        return false;
    snprintf(ret_place->dir, sizeof(ret_place->dir), "%s/%s", to, name);
    snprintf(ret_place->current, sizeof(ret_place->current), "%s/current", to);
    return true;
}

/* ---- hook ---- */

static void why_words(const struct deliver *d, char *out, size_t capacity)
{
    const struct dcs_facts *facts = dcs_bundle_facts(d->current);

    if (d->record.again)
        snprintf(out, capacity, "%s", d->record.reason);
    else if (d->delivered && strcmp(dcs_bundle_dir(d->delivered), dcs_bundle_dir(d->current)) == 0)
        snprintf(out, capacity, "the copy in %.300s was missing or changed", d->settings.deliver);
    else
        snprintf(out, capacity, "a new certificate is here, by %s", facts->source);
}

static bool run_hook(struct deliver *d, const struct place *place, const char *words,
                     struct dcs_err *err)
{
    dcs_auto(dcs_outcome) struct dcs_outcome outcome = { 0 };
    const struct dcs_event event = { .name = "renewed",
                                     .order = d->id,
                                     .dir = place->dir,
                                     .current = place->current,
                                     .now = dcs_bundle_facts(d->current),
                                     .old_serial = d->record.old_serial,
                                     .reason = words };
    char how[128];

    if (!d->settings.hook[0])
        return true;
    if (!dcs_event_run(d->job, d->settings.hook, &event, false, -1, &outcome, err))
        return dcs_fail_while(err, "running the hook");
    dcs_outcome_words(&outcome, d->job->settings->hook_deadline_ms, how, sizeof(how));
    if (!how[0])
        return true;
    dcs_delivery_set_output(&d->record,
                            dcs_delivery_output(outcome.output.data, outcome.output.len));
    return dcs_fail(err, DCS_E_STATE, "the hook failed: %s", how);
}

/* ---- verify ---- */

static bool is_shown(struct deliver *d, const struct dcs_endpoint *endpoint, int64_t left_ms,
                     struct dcs_err *err)
{
    uint8_t seen[DCS_SHA256_LEN];

    const struct dcs_tls_server server = { endpoint->host, endpoint->port, endpoint->sni };

    if (!d->options->handshake(d->job->env, &server,
                               left_ms < HANDSHAKE_MS ? left_ms : HANDSHAKE_MS, seen, err))
        return false;
    return memcmp(seen, dcs_bundle_facts(d->current)->leaf.sha256, sizeof(seen)) == 0 ||
           dcs_fail(err, DCS_E_STATE, "it still presents another certificate");
}

/* Old workers may answer first: three in a row count. */
static bool verify(struct deliver *d, struct dcs_err *err)
{
    const char *url = d->settings.verify;
    struct dcs_endpoint endpoint;
    struct dcs_err why = { 0 };
    int in_a_row = 0;

    if (!url[0] || d->record.again)
        return true;
    if (!d->options->handshake || !dcs_endpoint_parse(url, &endpoint))
        return dcs_fail(err, DCS_E_CONFIG, "verify = %.200s cannot be asked", url);
    struct dcs_deadline deadline =
        dcs_deadline_in(d->job->env, d->job->settings->verify_deadline_ms);
    for (;;) {
        int64_t left = dcs_deadline_left_ms(d->job->env, deadline);
        if (left == 0)
            break;
        bool shown = is_shown(d, &endpoint, left, &why);
        in_a_row = shown ? in_a_row + 1 : 0;
        if (in_a_row == HANDSHAKES_IN_A_ROW)
            return true;
        int64_t pause = shown ? PAUSE_GOOD_MS : PAUSE_BAD_MS;
        dcs_env_sleep_ms(d->job->env, pause < left ? pause : left);
    }
    return dcs_fail(err, DCS_E_STATE,
                    "%.150s did not present the new certificate within %lld s: %.200s", url,
                    (long long)d->job->settings->verify_deadline_ms / 1000,
                    why.text[0] ? why.text : "too few handshakes");
}

/* ---- one delivery ---- */

/* Counted before it begins: a hook that ends this very process is retried by the ladder, too. */
static bool begin_try(struct deliver *d, struct dcs_err *err)
{
    struct dcs_delivery *r = &d->record;
    const char *dir = dcs_bundle_dir(d->current);
    int64_t now = dcs_env_now(d->job->env);

    if (strcmp(r->target, dir) != 0) {
        int64_t delivered_at = r->delivered_at;
        dcs_delivery_drop(r);
        r->delivered_at = delivered_at;
        snprintf(r->target, sizeof(r->target), "%s", dir);
        if (d->delivered && strcmp(dcs_bundle_dir(d->delivered), dir) != 0)
            snprintf(r->old_serial, sizeof(r->old_serial), "%s",
                     dcs_bundle_facts(d->delivered)->leaf.serial);
    }
    r->failures++;
    r->last_try = now;
    r->next_try = dcs_delivery_next_try(r->failures, now);
    if (!r->failing_since)
        r->failing_since = now;
    if (!r->again && r->failures == 1)
        snprintf(r->reason, sizeof(r->reason), "the delivery was interrupted");
    return write_record(d, err);
}

static void note_failure(struct deliver *d, const char *stage, const struct dcs_err *why)
{
    struct dcs_delivery *r = &d->record;
    struct dcs_err err = { 0 };

    snprintf(r->stage, sizeof(r->stage), "%s", stage);
    if (!r->again) /* else it tells of the rollback */
        snprintf(r->reason, sizeof(r->reason), "%s", why->text);
    if (strcmp(stage, "copy") != 0)
        r->refusals++;
    r->next_try = dcs_delivery_next_try(r->failures, dcs_env_now(d->job->env));
    if (!write_record(d, &err))
        dcs_trace(d->job->env, "order %lld: %s", (long long)d->id, err.text);
}

static bool finish(struct deliver *d, struct dcs_err *err)
{
    dcs_auto(dcs_lock) struct dcs_lock lock = DCS_LOCK_NONE;
    struct dcs_delivery *r = &d->record;

    dcs_delivery_drop(r);
    r->delivered_at = dcs_env_now(d->job->env);
    snprintf(r->target, sizeof(r->target), "%s", dcs_bundle_dir(d->current));
    return lock_order(d->job, d->id, &lock, err) &&
           dcs_cache_set_delivered(&d->job->cache, d->id, dcs_bundle_dir(d->current), err) &&
           dcs_cache_write_delivery(&d->job->cache, d->id, r, err);
}

static bool try_it(struct deliver *d, const char *words, const char **ret_stage,
                   struct dcs_err *err)
{
    struct place place;

    *ret_stage = "copy";
    if (!copy_pair(d, &place, err))
        return false;
    *ret_stage = "hook";
    if (!run_hook(d, &place, words, err))
        return false;
    *ret_stage = "verify";
    return verify(d, err);
}

bool dcs_deliver_now(struct deliver *d, struct dcs_err *err)
{
    const char *stage = "";
    struct dcs_err why = { 0 };
    char words[600];

    d->tried = true;
    why_words(d, words, sizeof(words));
    if (!begin_try(d, &why)) {
        if (why.code == DCS_E_TIMEOUT) { /* of an order that another process works on */
            d->action = "failed";
            *err = why;
            return false;
        }
        /* A full disk keeps no new pair from a server. */
        dcs_trace(d->job->env, "order %lld: %s", (long long)d->id, why.text);
    }
    dcs_delivery_set_output(&d->record, NULL);
    bool done = try_it(d, words, &stage, &why);
    if (!done)
        note_failure(d, stage, &why);
    done = done && finish(d, &why);
    if (!done)
        *err = why;
    if (strcmp(d->action, "rolled-back") != 0) /* that says more */
        d->action = done ? "delivered" : "failed";
    return done;
}

/* ---- back ---- */

bool dcs_deliver_settle(struct job *job, int64_t order, struct dcs_err *err)
{
    dcs_auto(dcs_lock) struct dcs_lock lock = DCS_LOCK_NONE;
    dcs_auto(dcs_order) struct dcs_order *known = NULL;
    struct dcs_order_settings settings;
    struct dcs_memo memo;
    struct dcs_err why = { 0 };

    dcs_show_read_order(job, order, &known, &settings);
    if (!lock_order(job, order, &lock, err))
        return false;
    dcs_cache_read_memo(&job->cache, order, &memo);
    struct dcs_choice choice = dcs_fetch_choice(job, &settings, memo.revoked_serials);
    if (!dcs_cache_settle(&job->cache, order, &choice, &why) && why.code != DCS_E_NOT_FOUND)
        return dcs_fail(err, why.code, "order %lld: %s", (long long)order, why.text);
    dcs_memory_forget(job->store, order);
    return true;
}

struct hold {
    const struct dcs_cache *cache;
    const char *reason;
    int64_t order; /* of the generation to go back to */
    int generation;
    struct dcs_err why; /* code NONE: all are held */
};

/* Every pair that would come before the one to go back to. */
static bool hold_newer(void *context, struct dcs_bundle *bundle)
{
    struct hold *hold = context;

    if (dcs_bundle_order(bundle) == hold->order &&
        dcs_bundle_generation(bundle) <= hold->generation)
        return false;
    return !dcs_bundle_has_key(bundle) ||
           dcs_cache_hold(hold->cache, dcs_bundle_dir(bundle), hold->reason, &hold->why);
}

static bool hold_in(struct deliver *d, int64_t order, const char *reason, struct dcs_err *err)
{
    dcs_auto(dcs_lock) struct dcs_lock lock = DCS_LOCK_NONE;
    struct hold hold = { .cache = &d->job->cache,
                         .reason = reason,
                         .order = dcs_bundle_order(d->delivered),
                         .generation = dcs_bundle_generation(d->delivered) };

    if (!lock_order(d->job, order, &lock, err) ||
        !dcs_cache_each(&d->job->cache, order, hold_newer, &hold, err))
        return false;
    if (hold.why.code == DCS_E_NONE)
        return true;
    *err = hold.why;
    return false;
}

/* The record comes first: held.json is what the next run goes on from when this one is killed. */
bool dcs_deliver_roll_back(struct deliver *d, struct dcs_err *err)
{
    int64_t where = dcs_bundle_order(d->current);
    struct dcs_delivery back = { .again = true, .delivered_at = d->record.delivered_at };
    char reason[512];

    snprintf(reason, sizeof(reason), "its delivery failed %lld times: %.400s",
             (long long)d->record.refusals, d->record.reason);
    snprintf(back.target, sizeof(back.target), "%s", dcs_bundle_dir(d->delivered));
    snprintf(back.old_serial, sizeof(back.old_serial), "%s",
             dcs_bundle_facts(d->current)->leaf.serial);
    snprintf(back.reason, sizeof(back.reason), "rolled back from generation %d: %.400s",
             dcs_bundle_generation(d->current), reason);
    back.output = dcs_steal(&d->record.output);
    dcs_delivery_drop(&d->record);
    d->record = back;
    if (!write_record(d, err) || !hold_in(d, where, reason, err) ||
        !dcs_deliver_settle(d->job, where, err) ||
        (where != d->id && !dcs_deliver_settle(d->job, d->id, err)))
        return false;
    d->tried = false;
    d->action = "rolled-back";
    dcs_fail(&d->why, DCS_E_STATE, "%s", back.reason);
    dcs_hint(&d->why,
             "mend the hook or the server, then `digicert-store deliver --release order/%lld`",
             (long long)d->id);
    return true;
}

static bool release_in(struct deliver *d, int64_t order, int *count, struct dcs_err *err)
{
    dcs_auto(dcs_lock) struct dcs_lock lock = DCS_LOCK_NONE;
    int released = 0;

    if (!lock_order(d->job, order, &lock, err) ||
        !dcs_cache_release(&d->job->cache, order, &released, err))
        return false;
    dcs_lock_drop(&lock);
    *count += released;
    return dcs_deliver_settle(d->job, order, err);
}

bool dcs_deliver_release(struct deliver *d, int *ret_count, struct dcs_err *err)
{
    int64_t successor = d->settings.successor;
    int count = 0;

    if ((successor && dcs_cache_has_order(&d->job->cache, successor) &&
         !release_in(d, successor, &count, err)) ||
        !release_in(d, d->id, &count, err))
        return false;
    *ret_count = count;
    return true;
}
