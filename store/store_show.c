// SPDX-License-Identifier: Apache-2.0
/*
 * store_show.c - what is known, as JSON for people and scripts: one order (show), all local ones
 * and the service (status). Reads; only `show` with refresh asks the CA.
 */
#include <stdio.h>
#include <string.h>

#include "store_away.h"
#include "store_show.h"
#include "store_validation.h"

static void add_error(struct dcs_json *parent, const char *name, const struct dcs_err *err)
{
    if (err->code == DCS_E_NONE)
        return;
    struct dcs_json *object = dcs_json_add_object(parent, name);
    dcs_json_add_text(object, "code", dcs_code_name(err->code));
    dcs_json_add_text(object, "text", err->text);
    if (err->hint[0])
        dcs_json_add_text(object, "hint", err->hint);
    if (err->http_status)
        dcs_json_add_i64(object, "http_status", err->http_status);
    if (err->service_code[0])
        dcs_json_add_text(object, "service_code", err->service_code);
}

static void add_hex(struct dcs_json *object, const char *name, const uint8_t *data, size_t len)
{
    char hex[2 * DCS_SHA256_LEN + 1];

    dcs_hex(data, len, hex);
    dcs_json_add_text(object, name, hex);
}

static const char *ct_text(const struct dcs_cert_info *leaf)
{
    if (leaf->sct_count < 0)
        return "malformed";
    return leaf->sct_count > 0 ? "logged" : "not logged";
}

static void add_current(const struct job *job, struct dcs_json *parent, const struct memory *offer,
                        const struct dcs_plan *plan)
{
    const struct dcs_facts *facts = dcs_bundle_facts(offer->bundle);
    struct dcs_json *object = dcs_json_add_object(parent, "current");
    char path[4096 + DCS_GENERATION_DIR];

    dcs_json_add_i64(object, "generation", dcs_bundle_generation(offer->bundle));
    snprintf(path, sizeof(path), "%s/%s", job->cache.path, dcs_bundle_dir(offer->bundle));
    dcs_json_add_text(object, "dir", path);
    dcs_json_add_bool(object, "has_key", dcs_bundle_has_key(offer->bundle));
    dcs_json_add_text(object, "source", facts->source);
    dcs_json_add_time(object, "since", facts->committed_at);
    if (facts->certificate_id)
        dcs_json_add_i64(object, "certificate_id", facts->certificate_id);
    dcs_json_add_text(object, "serial", facts->leaf.serial);
    dcs_json_add_text(object, "common_name", facts->leaf.common_name);
    struct dcs_json *names = dcs_json_add_array(object, "names");
    for (size_t i = 0; i < facts->name_count; i++)
        dcs_json_add_text(names, NULL, facts->names[i]);
    dcs_json_add_time(object, "not_before", facts->leaf.not_before);
    dcs_json_add_time(object, "not_after", facts->leaf.not_after);
    dcs_json_add_text(object, "stage", dcs_stage_name(plan->stage));
    dcs_json_add_time(object, "due", plan->dates.due);
    dcs_json_add_time(object, "warn", plan->dates.warn);
    dcs_json_add_time(object, "urgent", plan->dates.urgent);
    dcs_json_add_time(object, "critical", plan->dates.critical);
    add_hex(object, "sha1", facts->leaf.sha1, DCS_SHA1_LEN);
    add_hex(object, "sha256", facts->leaf.sha256, DCS_SHA256_LEN);
    add_hex(object, "spki_sha256", facts->leaf.spki_sha256, DCS_SHA256_LEN);
    dcs_json_add_text(object, "ct", ct_text(&facts->leaf));
    dcs_json_add_i64(object, "sct_count", facts->leaf.sct_count);
    dcs_json_add_i64(object, "chain_length", (int64_t)dcs_bundle_chain_count(offer->bundle));
    if (facts->notes[0])
        dcs_json_add_text(object, "notes", facts->notes);
}

struct generations {
    struct dcs_json *array;
};

static bool add_generation(void *context, struct dcs_bundle *bundle)
{
    struct generations *all = context;
    const struct dcs_facts *facts = dcs_bundle_facts(bundle);
    struct dcs_json *object = dcs_json_add_object(all->array, NULL);

    dcs_json_add_i64(object, "generation", dcs_bundle_generation(bundle));
    dcs_json_add_bool(object, "has_key", dcs_bundle_has_key(bundle));
    dcs_json_add_text(object, "serial", facts->leaf.serial);
    add_hex(object, "spki_sha256", facts->leaf.spki_sha256, DCS_SHA256_LEN);
    dcs_json_add_time(object, "not_after", facts->leaf.not_after);
    return true;
}

static void add_memo(struct dcs_json *parent, const struct dcs_memo *memo)
{
    /* That the CA takes its time is told as last_failure, but it is no failure to count. */
    bool fails = memo->failures && memo->failure.code != DCS_E_PENDING;

    if (memo->read_at)
        dcs_json_add_time(parent, "order_read_at", memo->read_at);
    if (memo->attempt_at)
        dcs_json_add_time(parent, "last_attempt", memo->attempt_at);
    if (memo->next_try && memo->failures)
        dcs_json_add_time(parent, "next_try", memo->next_try);
    if (fails)
        dcs_json_add_i64(parent, "failures", memo->failures);
    if (fails && memo->failing_since)
        dcs_json_add_time(parent, "failing_since", memo->failing_since);
    add_error(parent, "last_failure", &memo->failure);
    if (memo->elsewhere_serial[0]) {
        struct dcs_json *object = dcs_json_add_object(parent, "elsewhere");
        dcs_json_add_i64(object, "certificate_id", memo->elsewhere_certificate);
        dcs_json_add_text(object, "serial", memo->elsewhere_serial);
        dcs_json_add_time(object, "not_after", memo->elsewhere_not_after);
    }
    if (memo->rejected_reason[0]) {
        struct dcs_json *object = dcs_json_add_object(parent, "rejected");
        dcs_json_add_i64(object, "certificate_id", memo->rejected_certificate);
        dcs_json_add_text(object, "reason", memo->rejected_reason);
    }
}

static void add_settings(struct dcs_json *parent, const struct dcs_order_settings *settings)
{
    struct dcs_json *object = dcs_json_add_object(parent, "config");

    dcs_json_add_bool(object, "has_section", settings->has_section);
    dcs_json_add_text(object, "reissue", settings->reissue == DCS_REISSUE_AUTO ? "auto" : "never");
    if (settings->serve_expired != DCS_UNKNOWN)
        dcs_json_add_bool(object, "serve_expired", settings->serve_expired == DCS_YES);
    if (settings->key_group[0])
        dcs_json_add_text(object, "key_group", settings->key_group);
}

void dcs_show_read_order(struct job *job, int64_t id, struct dcs_order **ret_order,
                         struct dcs_order_settings *ret_settings)
{
    if (dcs_cache_read_order(&job->cache, id, ret_order, NULL))
        dcs_fetch_settings(job, *ret_order, ret_settings);
    else
        dcs_config_order(job->config, &(struct dcs_order_names){ .id = id }, ret_settings);
}

static bool add_order_info(const struct dcs_order *order, struct dcs_json *parent,
                           struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *json = NULL;

    if (!order)
        return true;
    if (!dcs_order_to_json(order, &json, err))
        return false;
    dcs_json_attach(parent, "order", dcs_steal(&json));
    return true;
}

static void add_request(struct job *job, int64_t id, struct dcs_json *parent)
{
    dcs_auto(dcs_intent) struct dcs_intent intent = { 0 };

    if (!dcs_cache_intent(&job->cache, id, &intent, NULL) || !intent.request)
        return;
    const struct dcs_request *request = intent.request;
    struct dcs_json *object = dcs_json_add_object(parent, "request");
    dcs_json_add_i64(object, "generation", intent.generation);
    dcs_json_add_text(object, "kind", request->is_duplicate ? "duplicate" : "reissue");
    dcs_json_add_text(object, "cause", request->cause);
    dcs_json_add_text(object, "why", request->why);
    dcs_json_add_time(object, "since", request->created_at);
    if (request->posted_at)
        dcs_json_add_time(object, "sent", request->posted_at);
    if (request->request_id)
        dcs_json_add_i64(object, "request_id", request->request_id);
    if (request->certificate_id)
        dcs_json_add_i64(object, "certificate_id", request->certificate_id);
    if (request->waits_for[0])
        dcs_json_add_text(object, "waits_for", request->waits_for);
    if (request->dcv_token[0])
        dcs_json_add_text(object, "dcv_token", request->dcv_token);
    if (request->rejected_reason[0])
        dcs_json_add_text(object, "rejected", request->rejected_reason);
    if (request->next_look_at)
        dcs_json_add_time(object, "next_look", request->next_look_at);
}

static const char *role_name(const struct job *job)
{
    return job->cache.role == DCS_ROLE_KEEPER ? "keeper" : "reader";
}

bool dcs_show_plan_of(struct job *job, int64_t id, const struct dcs_order *order,
                      const struct dcs_order_settings *settings, int64_t at,
                      struct plan_input *ret_input, struct dcs_plan *ret_plan, struct dcs_err *err)
{
    int64_t now = at ? at : dcs_env_now(job->env);

    const struct plan_query query = { .id = id, .order = order, .settings = settings, .now = now };

    if (!dcs_plan_gather(job, &query, ret_input, err))
        return false;
    dcs_plan_decide(&ret_input->facts, now, ret_plan);
    return true;
}

bool dcs_show_describe(struct job *job, int64_t id, struct dcs_json *root, int64_t at,
                       struct dcs_err *err)
{
    dcs_auto(dcs_order) struct dcs_order *order = NULL;
    struct dcs_order_settings settings;
    struct plan_input input;
    struct dcs_plan plan;
    struct memory offer = { 0 };
    enum dcs_stage stage = DCS_STAGE_NONE;
    struct dcs_memo memo;
    char uri[64];

    snprintf(uri, sizeof(uri), "digicert://order/%lld", (long long)id);
    dcs_json_add_text(root, "uri", uri);
    dcs_json_add_i64(root, "order_id", id);
    dcs_show_read_order(job, id, &order, &settings);
    if (!add_order_info(order, root, err) ||
        !dcs_show_plan_of(job, id, order, &settings, at, &input, &plan, err))
        return false;
    if (dcs_load_offer(job, id, &offer, &stage, NULL)) {
        add_current(job, root, &offer, &plan);
        dcs_memory_copy_drop(&offer);
    }
    dcs_show_plan(root, &input, &plan);
    dcs_show_validation(root, &input.validation, &plan);
    if (order && order->renewed_order_id && !settings.successor) {
        char line[80];
        snprintf(line, sizeof(line), "successor = %lld", (long long)order->renewed_order_id);
        dcs_json_add_text(root, "proposal", line);
    }
    add_request(job, id, root);
    dcs_cache_read_memo(&job->cache, id, &memo);
    add_memo(root, &memo);
    add_settings(root, &settings);
    dcs_show_delivery(job, id, &settings, root);
    dcs_show_health(root, at ? at : dcs_env_now(job->env));
    return true;
}

static bool add_generations(struct job *job, int64_t id, struct dcs_json *root, struct dcs_err *err)
{
    struct generations all = { dcs_json_add_array(root, "generations") };

    return dcs_cache_each(&job->cache, id, add_generation, &all, err);
}

static bool refresh_order(struct job *job, int64_t id, struct dcs_err *err)
{
    char seen[DCS_GENERATION_DIR];

    if (!dcs_cache_need_keeper(&job->cache, err))
        return false;
    if (!dcs_cache_current(&job->cache, id, seen, NULL))
        seen[0] = '\0';
    const struct dcs_fetch_options options = {
        .seen_dir = seen,
        .deadline = dcs_deadline_in(job->env, job->settings->load_deadline_ms),
        .begins_nothing = true,
    };
    return dcs_fetch_order(job, id, &options, err);
}

/* What reissues of it would wait for; an order that was just read, else nothing was. */
static void refresh_validation(struct job *job, int64_t id)
{
    dcs_auto(dcs_api) struct dcs_api *api = NULL;
    dcs_auto(dcs_order) struct dcs_order *order = NULL;
    struct dcs_deadline deadline = dcs_deadline_in(job->env, job->settings->load_deadline_ms);
    struct dcs_validation_ends ends;

    if (dcs_cache_read_order(&job->cache, id, &order, NULL) &&
        dcs_job_api(job, deadline, &api, NULL))
        (void)dcs_validation_ask(job, api, order, &ends);
}

static bool show(struct job *job, const struct dcs_uri *uri, const struct dcs_show_options *options,
                 struct dcs_json *root, struct dcs_err *err)
{
    struct dcs_order_settings settings;
    struct dcs_err why = { 0 };
    int64_t id = 0;

    if (!dcs_job_check_config(job, 0, err) || !dcs_job_look(job, err) ||
        !dcs_resolve(job, uri, &id, err))
        return false;
    if (options->refresh && !refresh_order(job, id, &why) && why.code != DCS_E_PENDING &&
        why.code != DCS_E_ENDED) {
        *err = why;
        return false;
    }
    if (options->refresh)
        refresh_validation(job, id);
    dcs_config_order(job->config, &(struct dcs_order_names){ .id = id }, &settings);
    if (!dcs_cache_has_order(&job->cache, id) && !settings.has_section) {
        dcs_fail(err, DCS_E_NOT_FOUND, "order %lld: nothing is known of it here", (long long)id);
        return dcs_hint(err, "ask the CA with `digicert-store show --refresh order/%lld`",
                        (long long)id);
    }
    dcs_json_add_text(root, "role", role_name(job));
    if (!dcs_show_describe(job, id, root, options->at, err) || !add_generations(job, id, root, err))
        return false;
    dcs_show_hook_output(job, id, root);
    return true;
}

bool dcs_store_show(struct dcs_store *store, const struct dcs_uri *uri,
                    const struct dcs_show_options *options, struct dcs_json **ret_object,
                    struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *root = dcs_json_new_object();
    struct dcs_err why = { 0 };
    struct job job;

    if (uri->kind == DCS_URI_LIST || uri->kind == DCS_URI_CERTIFICATE) {
        dcs_fail(err, DCS_E_URI,
                 "show wants an order, by number, name, reference, serial or thumbprint");
        return dcs_hint(err, "digicert-store show order/123");
    }
    if (!dcs_job_begin(store, &job, err))
        return false;
    bool done = show(&job, uri, options, root, &why);
    dcs_job_end(&job);
    if (!done) {
        if (err)
            *err = why;
        return false;
    }
    *ret_object = dcs_steal(&root);
    return true;
}

/* ---- status ---- */

static bool status(struct job *job, struct dcs_json *root, struct dcs_err *err)
{
    dcs_auto(dcs_ids) struct dcs_ids dirs = { 0 };
    size_t sections = dcs_config_section_count(job->config);

    if (!dcs_job_check_config(job, 0, err) || !dcs_job_look(job, err) ||
        !dcs_cache_orders(&job->cache, &dirs, err))
        return false;
    dcs_json_add_time(root, "now", dcs_env_now(job->env));
    dcs_json_add_text(root, "state_dir", job->cache.path);
    dcs_json_add_text(root, "role", role_name(job));
    if (job->cache.why_reader[0])
        dcs_json_add_text(root, "why_reader", job->cache.why_reader);
    struct dcs_json *service = dcs_away_can_tell(job) ? dcs_json_add_object(root, "service") : NULL;
    dcs_away_show(job, service);
    dcs_show_maintenance(job, root);
    dcs_show_last_sync(job, root);
    struct dcs_json *orders = dcs_json_add_array(root, "orders");
    for (size_t i = 0; i < dirs.count; i++)
        if (!dcs_show_describe(job, dirs.ids[i], dcs_json_add_object(orders, NULL), 0, err))
            return false;
    for (size_t i = 0; i < sections; i++) {
        const struct dcs_config_section *section = dcs_config_section(job->config, i);
        if (section->kind == DCS_URI_ORDER && !dcs_cache_has_order(&job->cache, section->id) &&
            !dcs_show_describe(job, section->id, dcs_json_add_object(orders, NULL), 0, err))
            return false;
    }
    dcs_away_count(orders, service);
    dcs_status_health(root, dcs_env_now(job->env));
    return true;
}

bool dcs_store_status(struct dcs_store *store, struct dcs_json **ret_object, struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *root = dcs_json_new_object();
    struct dcs_err why = { 0 };
    struct job job;

    if (!dcs_job_begin(store, &job, err))
        return false;
    job.cached_only = true; /* looks, makes no directory, asks nobody */
    bool done = status(&job, root, &why);
    dcs_job_end(&job);
    if (!done) {
        if (err)
            *err = why;
        return false;
    }
    *ret_object = dcs_steal(&root);
    return true;
}
