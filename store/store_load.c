// SPDX-License-Identifier: Apache-2.0
/*
 * store_load.c - loads an order whose number is known: offer of the cache, decision of the policy,
 * and then serving, an attempt, or an error. The table is section 6 of docs/design.md.
 */
#include <stdio.h>
#include <string.h>

#include "base/trace.h"
#include "store_instance.h"

struct dcs_choice dcs_fetch_choice(const struct job *job, const struct dcs_order_settings *settings,
                                   const char *revoked_serials)
{
    return (struct dcs_choice){ .now = dcs_env_now(job->env),
                                .serve_expired = settings->serve_expired,
                                .revoked_serials = revoked_serials,
                                .successor = settings->successor };
}

void dcs_load_life(const struct memory *offer, struct dcs_life *ret_life)
{
    const struct dcs_cert_info *leaf = &dcs_bundle_facts(offer->bundle)->leaf;

    *ret_life = (struct dcs_life){ .not_before = leaf->not_before,
                                   .not_after = leaf->not_after,
                                   .human_approval = offer->human_approval,
                                   .revoked = offer->is_revoked };
}

/* By a keeper, when the order's lock is free; damage never stops an application. */
void dcs_load_mend(struct job *job, int64_t order)
{
    dcs_auto(dcs_lock) struct dcs_lock lock = DCS_LOCK_NONE;
    dcs_auto(dcs_bundle) struct dcs_bundle *bundle = NULL;
    struct dcs_order_settings settings;
    struct dcs_memo memo;
    struct dcs_err err = { 0 };
    char path[64];
    bool held = false;

    if (job->cached_only || !dcs_job_look(job, NULL) || job->cache.role != DCS_ROLE_KEEPER)
        return;
    snprintf(path, sizeof(path), "orders/%lld/lock", (long long)order);
    if (!dcs_cache_try_lock(&job->cache, path, &held, &lock, &err) || !held)
        return;
    dcs_config_order(job->config, &(struct dcs_order_names){ .id = order }, &settings);
    dcs_cache_read_memo(&job->cache, order, &memo);
    struct dcs_choice choice = dcs_fetch_choice(job, &settings, memo.revoked_serials);
    job->cache.check_keys = true;
    if (!dcs_cache_load(&job->cache, order, &choice, true, &bundle, &err))
        dcs_trace(job->env, "order %lld: %s", (long long)order, err.text);
    job->cache.check_keys = false;
}

bool dcs_load_offer(struct job *job, int64_t order, struct memory *ret_offer,
                    enum dcs_stage *ret_stage, struct dcs_err *err)
{
    dcs_auto(dcs_bundle) struct dcs_bundle *bundle = NULL;
    struct dcs_order_settings settings;
    struct dcs_memo memo;
    struct dcs_life life;
    char dir[DCS_GENERATION_DIR];

    if (!dcs_cache_current(&job->cache, order, dir, NULL) ||
        !dcs_memory_find(job, order, dir, ret_offer)) {
        dcs_config_order(job->config, &(struct dcs_order_names){ .id = order }, &settings);
        dcs_cache_read_memo(&job->cache, order, &memo);
        struct dcs_choice choice = dcs_fetch_choice(job, &settings, memo.revoked_serials);
        job->cache.saw_damage = false;
        bool loaded = dcs_cache_load(&job->cache, order, &choice, false, &bundle, err);
        if (job->cache.saw_damage)
            dcs_load_mend(job, order);
        if (!loaded)
            return false;
        dcs_memory_put(job, bundle, ret_offer);
    }
    dcs_load_life(ret_offer, &life);
    *ret_stage = dcs_policy_stage(&life, dcs_env_now(job->env));
    return true;
}

/* ---- pins ---- */

struct pin {
    const struct dcs_uri *uri;
    struct dcs_bundle *found;
};

static bool meets_pin(const struct dcs_uri *uri, const struct dcs_bundle *bundle)
{
    const struct dcs_cert_info *leaf = &dcs_bundle_facts(bundle)->leaf;

    return (!uri->has_spki ||
            memcmp(uri->spki_sha256, leaf->spki_sha256, sizeof(leaf->spki_sha256)) == 0) &&
           (!uri->serial[0] || strcmp(uri->serial, leaf->serial) == 0);
}

static bool take_pinned(void *context, struct dcs_bundle *bundle)
{
    struct pin *pin = context;

    if (!meets_pin(pin->uri, bundle))
        return true;
    pin->found = dcs_bundle_ref(bundle);
    return false;
}

static bool load_pinned(struct job *job, int64_t order, const struct dcs_uri *uri,
                        struct dcs_bundle **ret_bundle, struct dcs_err *err)
{
    struct pin pin = { uri, NULL };

    if (!dcs_cache_each(&job->cache, order, take_pinned, &pin, err))
        return false;
    if (!pin.found) {
        dcs_fail(err, DCS_E_NOT_FOUND,
                 "order %lld: no generation kept here meets the pin in the URI", (long long)order);
        return dcs_hint(err,
                        "`digicert-store show order/%lld` lists what is here; write the stub or "
                        "URI anew after the key was replaced",
                        (long long)order);
    }
    *ret_bundle = pin.found;
    return true;
}

/* ---- errors of those who may not fetch ---- */

static bool fail_reader(const struct job *job, int64_t order, const char *reason,
                        struct dcs_err *err)
{
    unsigned keeper = job->cache.fd >= 0 ? job->cache.state_uid : 0;

    if (job->cached_only)
        return dcs_fail(err, DCS_E_READER, "order %lld: %s, and this kind of access never fetches",
                        (long long)order, reason);
    dcs_fail(err, DCS_E_READER, "order %lld: %s, and this process may not fetch: %.180s",
             (long long)order, reason, job->cache.why_reader);
    return dcs_hint(err, "run `digicert-store get order/%lld` as root%s", (long long)order,
                    keeper ? " or as the owner of the state directory" : "");
}

static bool fail_unserved(const struct memory *offer, enum dcs_stage stage,
                          const struct dcs_err *why, struct dcs_err *err)
{
    const struct dcs_cert_info *leaf = &dcs_bundle_facts(offer->bundle)->leaf;
    char when[DCS_TIME_TEXT];

    if (why && why->code != DCS_E_NONE) {
        *err = *why;
        return false;
    }
    dcs_time_text(leaf->not_after, when);
    if (stage == DCS_STAGE_EXPIRED || stage == DCS_STAGE_REVOKED) {
        dcs_fail(err, DCS_E_POLICY, "order %lld: its certificate %s %s", (long long)offer->order,
                 stage == DCS_STAGE_EXPIRED ? "expired on"
                                            : "is revoked by the CA; it would have ended on",
                 when);
        return dcs_hint(err,
                        "reissue it at the CA; serve_expired = yes in [order/%lld] serves it "
                        "all the same",
                        (long long)offer->order);
    }
    dcs_fail(err, DCS_E_NO_KEY,
             "order %lld: its certificate is here without its private key, and reissue = auto "
             "wants a pair",
             (long long)offer->order);
    return dcs_hint(err, "`digicert-store import order/%lld --key FILE` brings the key",
                    (long long)offer->order);
}

/* ---- attempts ---- */

/* One attempt of a door or a verb; what it changed is looked at by the caller. */
static bool attempt(struct job *job, int64_t order, const char *seen_dir,
                    struct dcs_deadline deadline, bool only_if_free, struct dcs_err *err)
{
    char canonical[64];
    struct dcs_err why = { 0 };

    snprintf(canonical, sizeof(canonical), "digicert://order/%lld", (long long)order);
    if (dcs_memory_failed(job, canonical, err))
        return false;
    const struct dcs_fetch_options options = { .seen_dir = seen_dir,
                                               .deadline = deadline,
                                               .only_if_free = only_if_free };
    if (dcs_job_check_config(job, order, err) && dcs_fetch_order(job, order, &options, &why))
        return true;
    if (why.code == DCS_E_NONE) /* the configuration's error is in *err already */
        return false;
    dcs_memory_note_failure(job, canonical, &why);
    *err = why;
    return false;
}

static bool may_open_cold(struct job *job, int64_t order, struct dcs_err *err)
{
    struct dcs_order_settings settings;
    char canonical[64];

    snprintf(canonical, sizeof(canonical), "digicert://order/%lld", (long long)order);
    dcs_config_order(job->config, &(struct dcs_order_names){ .id = order }, &settings);
    return settings.has_section || dcs_memory_failed(job, canonical, NULL) ||
           dcs_memory_may_open_cold(job, canonical, err);
}

static bool load_cold(struct job *job, int64_t order, struct memory *ret_offer,
                      enum dcs_stage *ret_stage, struct dcs_err *err)
{
    struct dcs_err why = { 0 };

    if (!dcs_job_look(job, err))
        return false;
    if (job->cached_only || job->cache.role != DCS_ROLE_KEEPER)
        return fail_reader(job, order, "nothing usable is cached", err);
    if (!may_open_cold(job, order, err))
        return false;
    bool fetched = attempt(job, order, "", dcs_job_deadline(job), false, &why);
    if (dcs_load_offer(job, order, ret_offer, ret_stage, err))
        return true;
    if (!fetched && err)
        *err = why;
    return false;
}

static void load_facts(const struct memory *offer, enum dcs_stage stage, const struct dcs_uri *uri,
                       struct dcs_load_facts *ret_facts)
{
    const struct dcs_order_settings *settings = &offer->settings;

    /* Without any key here, `auto` needs a section of its own (design.md section 6). */
    bool managed = settings->has_section || dcs_bundle_has_key(offer->bundle);
    *ret_facts = (struct dcs_load_facts){
        .stage = stage,
        .has_key = dcs_bundle_has_key(offer->bundle),
        .is_auto = managed && settings->reissue == DCS_REISSUE_AUTO,
        .is_pinned = uri->has_spki || uri->serial[0],
        .server_auth = dcs_bundle_facts(offer->bundle)->leaf.eku_server_auth,
        .serve_expired = settings->serve_expired,
    };
}

static bool may_try_now(struct job *job, int64_t order)
{
    struct dcs_memo memo;

    dcs_cache_read_memo(&job->cache, order, &memo);
    return dcs_fetch_may_try(&memo, dcs_env_now(job->env));
}

static bool may_attempt(struct job *job, const struct memory *offer,
                        const struct dcs_decision *decision)
{
    /* A verb that would fail otherwise always tries: somebody waits for its answer. */
    bool heeds = decision->heeds_next_try && (job->is_door || decision->action != DCS_ACT_FETCH);

    return !job->cached_only && dcs_job_look(job, NULL) && job->cache.role == DCS_ROLE_KEEPER &&
           (!heeds || may_try_now(job, offer->order));
}

/* After an attempt: what there is now is served, or the reason why not is told. */
static bool serve_after(struct job *job, struct memory *offer, const struct dcs_uri *uri,
                        const struct dcs_err *why, struct dcs_err *err)
{
    struct dcs_load_facts facts;
    struct dcs_decision decision;
    struct memory fresh = { 0 };
    enum dcs_stage stage = DCS_STAGE_NONE;

    if (!dcs_load_offer(job, offer->order, &fresh, &stage, err))
        return false;
    dcs_memory_copy_drop(offer);
    *offer = fresh;
    load_facts(offer, stage, uri, &facts);
    dcs_policy_load(&facts, &decision);
    return decision.action != DCS_ACT_FETCH || fail_unserved(offer, stage, why, err);
}

static bool act(struct job *job, struct memory *offer, enum dcs_stage stage,
                const struct dcs_uri *uri, struct dcs_err *err)
{
    struct dcs_load_facts facts;
    struct dcs_decision decision;
    struct dcs_err why = { 0 };

    load_facts(offer, stage, uri, &facts);
    dcs_policy_load(&facts, &decision);
    if (decision.action == DCS_ACT_SERVE)
        return true;
    if (!may_attempt(job, offer, &decision)) {
        if (decision.action != DCS_ACT_FETCH)
            return true;
        if (job->cached_only || job->cache.role != DCS_ROLE_KEEPER) {
            char reason[160];
            snprintf(reason, sizeof(reason), "what is cached is not usable (%s)", decision.reason);
            return fail_reader(job, offer->order, reason, err);
        }
        return fail_unserved(offer, stage, NULL, err);
    }
    bool only_if_free = decision.action != DCS_ACT_FETCH;
    struct dcs_deadline deadline =
        only_if_free ? dcs_deadline_in(job->env, job->settings->refresh_deadline_ms)
                     : dcs_job_deadline(job);
    if (!attempt(job, offer->order, dcs_bundle_dir(offer->bundle), deadline, only_if_free, &why))
        dcs_trace(job->env, "order %lld, %s: %s", (long long)offer->order, decision.reason,
                  why.text);
    return serve_after(job, offer, uri, &why, err);
}

bool dcs_load_remembered(struct job *job, const struct dcs_uri *uri, struct dcs_bundle **ret_bundle)
{
    struct memory offer = { 0 };
    struct dcs_life life;
    struct dcs_load_facts facts;
    struct dcs_decision decision;
    char dir[DCS_GENERATION_DIR];

    if (!dcs_cache_current(&job->cache, uri->id, dir, NULL) ||
        !dcs_memory_find(job, uri->id, dir, &offer))
        return false;
    dcs_load_life(&offer, &life);
    load_facts(&offer, dcs_policy_stage(&life, dcs_env_now(job->env)), uri, &facts);
    dcs_policy_load(&facts, &decision);
    if (decision.action == DCS_ACT_SERVE)
        *ret_bundle = dcs_bundle_ref(offer.bundle);
    dcs_memory_copy_drop(&offer);
    return decision.action == DCS_ACT_SERVE;
}

/* What is there, after an attempt when the policy wants one; pins take it whatever it is worth. */
static bool find_offer(struct job *job, int64_t order, const struct dcs_uri *uri,
                       struct memory *ret_offer, struct dcs_err *err)
{
    bool is_pinned = uri->has_spki || uri->serial[0];
    enum dcs_stage stage = DCS_STAGE_NONE;
    struct dcs_err why = { 0 };

    if (dcs_load_offer(job, order, ret_offer, &stage, &why))
        return is_pinned || act(job, ret_offer, stage, uri, err);
    if (why.code == DCS_E_NOT_FOUND)
        return load_cold(job, order, ret_offer, &stage, err) &&
               (is_pinned || serve_after(job, ret_offer, uri, NULL, err));
    return dcs_fail(err, why.code, "%s", why.text);
}

bool dcs_load_served(struct job *job, int64_t order, const struct dcs_uri *uri,
                     struct memory *ret_offer, struct dcs_err *err)
{
    struct memory offer = { 0 };

    if (find_offer(job, order, uri, &offer, err)) {
        *ret_offer = offer;
        return true;
    }
    dcs_memory_copy_drop(&offer);
    return false;
}

bool dcs_load_order(struct job *job, int64_t order, const struct dcs_uri *uri,
                    struct dcs_bundle **ret_bundle, struct dcs_err *err)
{
    bool is_pinned = uri->has_spki || uri->serial[0];
    struct memory offer = { 0 };

    bool good = find_offer(job, order, uri, &offer, err);
    if (good && is_pinned && !meets_pin(uri, offer.bundle)) {
        good = load_pinned(job, order, uri, ret_bundle, err);
    } else if (good) {
        *ret_bundle = dcs_bundle_ref(offer.bundle);
    }
    dcs_memory_copy_drop(&offer);
    return good;
}
