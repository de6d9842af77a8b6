// SPDX-License-Identifier: Apache-2.0
/*
 * store_verbs.c - what a person asks for: a new certificate, its preview, waiting, the CT setting.
 * Each public call is the whole story; the steps are those of every attempt (store_reissue.c).
 */
#include <stdio.h>
#include <string.h>

#include "store_fetch.h"
#include "store_show.h"
#include "store_validation.h"

enum { JUST_NOW_S = 60, ORDER_POLL_MS = 10000 };

/* ---- a verb under way ---- */

struct verb {
    struct job job;
    int64_t id;
    char seen[DCS_GENERATION_DIR]; /* what `current` named when it began */
    struct dcs_deadline deadline;
};

static void verb_drop(struct verb *verb)
{
    dcs_job_end(&verb->job);
}

static bool begin(struct dcs_store *store, const struct dcs_uri *uri, int64_t wait_ms,
                  struct verb *verb, struct dcs_err *err)
{
    if (uri->kind == DCS_URI_LIST || uri->kind == DCS_URI_CERTIFICATE || uri->has_spki ||
        uri->serial[0]) {
        dcs_fail(err, DCS_E_URI, "a new certificate is asked for under an order");
        return dcs_hint(err, "name the order: order/ID, name/HOST or alternate/REFERENCE");
    }
    if (!dcs_job_begin(store, &verb->job, err))
        return false;
    if (!dcs_job_check_config(&verb->job, 0, err) || !dcs_job_look(&verb->job, err) ||
        !dcs_cache_need_keeper(&verb->job.cache, err) ||
        !dcs_resolve(&verb->job, uri, &verb->id, err)) {
        dcs_job_end(&verb->job);
        verb->job.cache.fd = -1;
        return false;
    }
    verb->deadline = dcs_deadline_in(verb->job.env, wait_ms);
    if (!dcs_cache_current(&verb->job.cache, verb->id, verb->seen, NULL))
        verb->seen[0] = '\0';
    return true;
}

static bool attempt(struct verb *verb, const struct dcs_wish *wish, struct dcs_err *err)
{
    const struct dcs_fetch_options options = { .seen_dir = verb->seen,
                                               .deadline = verb->deadline,
                                               .wish = wish };

    bool done = dcs_fetch_order(&verb->job, verb->id, &options, err);
    dcs_memory_forget(verb->job.store, verb->id);
    return done;
}

static bool report(struct verb *verb, const char *action, struct dcs_json **ret_report,
                   struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *root = dcs_json_new_object();

    dcs_json_add_text(root, "action", action);
    if (!dcs_show_describe(&verb->job, verb->id, root, 0, err))
        return false;
    *ret_report = dcs_steal(&root);
    return true;
}

/* ---- reissue and duplicate ---- */

/* Whoever asks twice within a minute, or 256 times at once, wants one certificate. */
static bool was_just_reissued(struct verb *verb)
{
    dcs_auto(dcs_bundle) struct dcs_bundle *bundle = NULL;

    if (!verb->seen[0] || !dcs_cache_load_dir(&verb->job.cache, verb->seen, &bundle, NULL))
        return false;
    const struct dcs_facts *facts = dcs_bundle_facts(bundle);
    int64_t age = dcs_env_now(verb->job.env) - facts->committed_at;
    return strcmp(facts->source, "reissue") == 0 && age >= 0 && age < JUST_NOW_S;
}

bool dcs_store_reissue(struct dcs_store *store, const struct dcs_uri *uri,
                       const struct dcs_reissue_options *options, struct dcs_json **ret_report,
                       struct dcs_err *err)
{
    dcs_auto(verb) struct verb verb = { .job = { .cache = { .fd = -1 } } };
    const struct dcs_wish wish = { .reissue = true,
                                   .is_duplicate = options->is_duplicate,
                                   .allow_san_change = options->allow_san_change };

    if (!begin(store, uri, options->wait_ms, &verb, err))
        return false;
    if (!options->again && was_just_reissued(&verb))
        return report(&verb, "already", ret_report, err);
    return attempt(&verb, &wish, err) && report(&verb, "reissued", ret_report, err);
}

bool dcs_store_preview(struct dcs_store *store, const struct dcs_uri *uri,
                       const struct dcs_reissue_options *options, struct dcs_json **ret_report,
                       struct dcs_err *err)
{
    dcs_auto(verb) struct verb verb = { .job = { .cache = { .fd = -1 } } };
    dcs_auto(dcs_api) struct dcs_api *api = NULL;
    dcs_auto(dcs_order) struct dcs_order *order = NULL;
    dcs_auto(dcs_json) struct dcs_json *root = dcs_json_new_object();
    struct dcs_order_settings settings;
    struct plan_input input;
    struct dcs_plan plan;
    int64_t ahead_s = 0;
    char id[DCS_ID_TEXT + 1];

    if (!begin(store, uri, options->wait_ms, &verb, err) ||
        !dcs_job_api(&verb.job, verb.deadline, &api, err))
        return false;
    snprintf(id, sizeof(id), "%lld", (long long)verb.id);
    if (!dcs_api_order(api, id, &order, err))
        return dcs_fail_while(err, "order %lld", (long long)verb.id);
    dcs_fetch_settings(&verb.job, order, &settings);
    int64_t now = dcs_env_now(verb.job.env);
    const struct plan_query query = {
        .id = verb.id, .order = order, .settings = &settings, .now = now
    };
    if (!dcs_plan_gather(&verb.job, &query, &input, err))
        return false;
    if (dcs_validation_ask(&verb.job, api, order, &input.validation))
        dcs_validation_to_plan(&input.validation, &input.facts.order);
    if (dcs_api_clock_offset(api, &ahead_s))
        input.facts.clock_skew_s = -ahead_s;
    input.facts.verb = true;
    input.facts.allow_san_change = options->allow_san_change;
    input.facts.settings.via = options->is_duplicate ? DCS_VIA_DUPLICATE : DCS_VIA_REISSUE;
    dcs_plan_decide(&input.facts, now, &plan);
    dcs_json_add_text(root, "action", "preview");
    dcs_json_add_i64(root, "order_id", verb.id);
    dcs_show_plan(root, &input, &plan);
    dcs_show_validation(root, &input.validation, &plan);
    dcs_show_consequences(root, order, &input, now);
    *ret_report = dcs_steal(&root);
    return true;
}

/* ---- wait ---- */

bool dcs_store_wait(struct dcs_store *store, const struct dcs_uri *uri, int64_t wait_ms,
                    struct dcs_json **ret_report, struct dcs_err *err)
{
    dcs_auto(verb) struct verb verb = { .job = { .cache = { .fd = -1 } } };
    const struct dcs_wish wish = { .reissue = false };
    struct dcs_err why = { 0 };

    if (!begin(store, uri, wait_ms, &verb, err))
        return false;
    /* An order that has no certificate at all yet waits for people at the CA: asked now and then. */
    while (!attempt(&verb, &wish, &why)) {
        int64_t left = dcs_deadline_left_ms(verb.job.env, verb.deadline);
        if (why.code != DCS_E_PENDING || left <= ORDER_POLL_MS) {
            *err = why;
            return false;
        }
        dcs_env_sleep_ms(verb.job.env, ORDER_POLL_MS);
        why = (struct dcs_err){ 0 };
    }
    return report(&verb, "complete", ret_report, err);
}

/* ---- CT ---- */

static bool set_at_ca(struct verb *verb, bool logged, bool *ret_switched, struct dcs_err *err)
{
    dcs_auto(dcs_api) struct dcs_api *api = NULL;
    dcs_auto(dcs_order) struct dcs_order *order = NULL;
    char id[DCS_ID_TEXT + 1];

    snprintf(id, sizeof(id), "%lld", (long long)verb->id);
    if (!dcs_job_api(&verb->job, verb->deadline, &api, err))
        return false;
    if (!dcs_api_order(api, id, &order, err))
        return dcs_fail_while(err, "order %lld", (long long)verb->id);
    if (dcs_order_product(order) != DCS_PRODUCT_PUBLIC_TLS)
        return dcs_fail(err, DCS_E_POLICY,
                        "order %lld: CT logging is for public TLS certificates, this is \"%s\"",
                        (long long)verb->id, order->product);
    if (order->disable_ct == (logged ? DCS_NO : DCS_YES))
        return true;
    *ret_switched = true;
    return dcs_api_set_ct(api, verb->id, !logged, err) ||
           dcs_fail_while(err, "order %lld: switching CT logging %s", (long long)verb->id,
                          logged ? "on" : "off");
}

/* Whether what `current` names is in step with the setting that was just made. */
static bool is_in_step(struct verb *verb, bool logged)
{
    dcs_auto(dcs_bundle) struct dcs_bundle *bundle = NULL;

    if (!verb->seen[0] || !dcs_cache_load_dir(&verb->job.cache, verb->seen, &bundle, NULL))
        return false;
    const struct dcs_cert_info *leaf = &dcs_bundle_facts(bundle)->leaf;
    int needed = dcs_ct_needed(leaf->not_after - leaf->not_before + 1);
    return logged ? leaf->sct_count >= needed : leaf->sct_count == 0;
}

bool dcs_store_set_ct(struct dcs_store *store, const struct dcs_uri *uri, bool logged,
                      int64_t wait_ms, struct dcs_json **ret_report, struct dcs_err *err)
{
    dcs_auto(verb) struct verb verb = { .job = { .cache = { .fd = -1 } } };
    const struct dcs_wish wish = { .reissue = true,
                                   .why = logged ? "CT logging was switched on for the order"
                                                 : "CT logging was switched off for the order" };

    const struct dcs_wish look = { .reissue = false };
    bool switched = false;

    if (!begin(store, uri, wait_ms, &verb, err) || !set_at_ca(&verb, logged, &switched, err))
        return false;
    if (is_in_step(&verb,
                   logged)) /* the certificate; what is known here of the order is not any more */
        return (!switched || attempt(&verb, &look, err)) &&
               report(&verb, "already", ret_report, err);
    bool was_open = dcs_cache_has_open_request(&verb.job.cache, verb.id);
    if (!attempt(&verb, &wish, err))
        return false;
    /* What was asked for before the switch may have come as the order was then. */
    if (was_open && dcs_cache_current(&verb.job.cache, verb.id, verb.seen, NULL) &&
        !is_in_step(&verb, logged) && !attempt(&verb, &wish, err))
        return false;
    return report(&verb, "reissued", ret_report, err);
}
