// SPDX-License-Identifier: Apache-2.0
/*
 * store_deliver_order.c - one order: gathers the facts that flow/policy_delivery decides on, takes the
 * step, and looks again, until nothing is left for this run.
 */
#include <string.h>

#include "base/trace.h"
#include "store_deliver.h"
#include "store_show.h"

enum { STEPS_MAX = 8 };

/* ---- facts ---- */

static bool load_current(struct deliver *d, char dir[DCS_GENERATION_DIR], struct dcs_err *err)
{
    dcs_bundle_drop(&d->current);
    return dcs_cache_current(&d->job->cache, d->id, dir, err) &&
           dcs_cache_load_dir(&d->job->cache, dir, &d->current, err);
}

/* A damaged one is set aside first, as a load would do. */
static void find_current(struct deliver *d)
{
    char dir[DCS_GENERATION_DIR];
    struct dcs_err why = { 0 };

    if (load_current(d, dir, &why) || why.code == DCS_E_NOT_FOUND)
        return;
    d->job->cached_only = false;
    dcs_load_mend(d->job, d->id);
    d->job->cached_only = true;
    if (!load_current(d, dir, &why))
        dcs_trace(d->job->env, "order %lld: %s", (long long)d->id, why.text);
}

static void find_delivered(struct deliver *d)
{
    char dir[DCS_GENERATION_DIR];

    dcs_bundle_drop(&d->delivered);
    if (dcs_cache_delivered(&d->job->cache, d->id, dir, NULL) &&
        !dcs_cache_load_dir(&d->job->cache, dir, &d->delivered, NULL))
        d->delivered = NULL;
}

static bool is_urgent(struct deliver *d, const struct dcs_bundle *bundle)
{
    dcs_auto(dcs_order) struct dcs_order *order = NULL;
    struct dcs_order_settings settings;

    dcs_show_read_order(d->job, d->id, &order, &settings);
    return dcs_plan_would_be_urgent(d->job, d->id, order, &settings, bundle);
}

static bool is_stale(struct deliver *d)
{
    dcs_auto(dcs_pair) struct dcs_pair pair = { 0 };
    struct dcs_copy copy;

    if (!d->settings.deliver[0])
        return false;
    /* What cannot be read or is set up wrongly is said by the step that tries. */
    if (!dcs_copy_settings(d->job, d->settings.deliver_owner, d->settings.deliver_mode, &copy,
                           NULL) ||
        !dcs_cache_read_pair(&d->job->cache, dcs_bundle_dir(d->current), &pair, NULL))
        return true;
    copy.dir = d->settings.deliver;
    copy.certs = &pair.certs;
    copy.key = &pair.key;
    return !dcs_copy_is_fresh(&copy);
}

static bool can_go_back(struct deliver *d)
{
    return d->delivered && dcs_bundle_has_key(d->delivered) &&
           strcmp(dcs_bundle_dir(d->delivered), dcs_bundle_dir(d->current)) != 0 &&
           !dcs_cache_is_held(&d->job->cache, dcs_bundle_dir(d->delivered)) &&
           !is_urgent(d, d->delivered);
}

static void gather(struct deliver *d, struct dcs_delivery_facts *ret_facts)
{
    const struct dcs_cache *cache = &d->job->cache;
    struct dcs_delivery_facts f = { .rollback = d->settings.rollback,
                                    .asked = d->asked,
                                    .tried = d->tried,
                                    .settled = d->settled,
                                    .record = &d->record };

    dcs_delivery_drop(&d->record);
    dcs_cache_read_delivery(cache, d->id, &d->record);
    find_current(d);
    find_delivered(d);
    f.has_pair = d->current && dcs_bundle_has_key(d->current);
    if (f.has_pair) {
        const char *dir = dcs_bundle_dir(d->current);
        f.is_delivered = d->delivered && strcmp(dir, dcs_bundle_dir(d->delivered)) == 0;
        f.record_fits = strcmp(d->record.target, dir) == 0;
        f.is_held = dcs_cache_is_held(cache, dir);
        f.is_released = dcs_cache_is_released(cache, dir);
        f.any_held = dcs_cache_has_held(cache, d->id) ||
                     (d->settings.successor && dcs_cache_has_held(cache, d->settings.successor));
        f.is_urgent = f.any_held && is_urgent(d, d->current);
        f.copy_is_stale = f.is_delivered && is_stale(d);
        f.can_go_back = d->settings.rollback && can_go_back(d);
    }
    *ret_facts = f;
}

/* ---- steps ---- */

static bool release(struct deliver *d, struct dcs_err *err)
{
    int count = 0;

    return dcs_deliver_release(d, &count, err);
}

static bool settle(struct deliver *d, struct dcs_err *err)
{
    d->settled = true;
    return dcs_deliver_settle(d->job, d->id, err);
}

static bool take_step(struct deliver *d, enum dcs_delivery_step step, struct dcs_err *err)
{
    static bool (*const steps[])(struct deliver *, struct dcs_err *) = {
        [DCS_DELIVERY_RELEASE] = release,
        [DCS_DELIVERY_SETTLE] = settle,
        [DCS_DELIVERY_DELIVER] = dcs_deliver_now,
        [DCS_DELIVERY_ROLL_BACK] = dcs_deliver_roll_back,
    };

    return steps[step](d, err);
}

static void run_steps(struct deliver *d)
{
    struct dcs_delivery_facts facts;

    for (int i = 0; i < STEPS_MAX; i++) {
        struct dcs_err why = { 0 };
        gather(d, &facts);
        enum dcs_delivery_step step = dcs_delivery_decide(&facts, dcs_env_now(d->job->env));
        if (step == DCS_DELIVERY_WAIT && !d->tried)
            d->action = "waits";
        if (step == DCS_DELIVERY_NOTHING || step == DCS_DELIVERY_WAIT)
            return;
        dcs_trace(d->job->env, "order %lld: %s", (long long)d->id, dcs_delivery_step_name(step));
        if (take_step(d, step, &why))
            continue;
        d->why = why;
        if (step != DCS_DELIVERY_DELIVER) { /* the disk, or another process: the next run */
            d->action = "failed";
            return;
        }
    }
}

static bool begin(struct deliver *d, struct dcs_err *err)
{
    bool held = false;
    int count = 0;

    if (!dcs_cache_lock_delivery(&d->job->cache, d->id, &held, &d->lock, err))
        return false;
    if (!held) {
        d->action = "busy";
        return true;
    }
    if (!d->options->release)
        return true;
    if (!dcs_deliver_release(d, &count, err))
        return false;
    if (count > 0)
        return true;
    dcs_fail(err, DCS_E_NOT_FOUND, "order %lld: nothing is held", (long long)d->id);
    return dcs_hint(err, "`digicert-store show order/%lld` tells the state of its delivery",
                    (long long)d->id);
}

void dcs_deliver_order(struct deliver *d)
{
    struct dcs_delivery_facts facts;

    /* Nothing to do is the common case: no lock, no write. */
    gather(d, &facts);
    if (!d->options->release &&
        dcs_delivery_decide(&facts, dcs_env_now(d->job->env)) == DCS_DELIVERY_NOTHING)
        return;
    if (!begin(d, &d->why))
        d->action = "failed";
    else if (d->lock.fd >= 0)
        run_steps(d);
    dcs_memory_forget(d->job->store, d->id);
}
