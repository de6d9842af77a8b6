// SPDX-License-Identifier: Apache-2.0
/*
 * store_plan.c - gathers the facts that the reissue policy decides on: from what lies in the order's
 * generations, the CA's description and the settings. Derives records from the requests that were
 * written, keeps no flags; decides nothing.
 */
#include <stdio.h>
#include <string.h>

#include "store_validation.h"

enum {
    DAY_S = 86400,
    NOT_TAKEN_WAIT_S = 6 * 3600, /* the top of the ladder of service.h */
};

/* ---- the past requests of this order ---- */

struct past {
    int64_t now;
    int64_t order_end;
    struct plan_input *input;
    int current_generation; /* that `current` names, 0 none */
    int left_out;           /* generation of a request that is taken for never sent, 0 none */
    bool saw_newest, saw_answer;
};

static bool same_day(int64_t a, int64_t b)
{
    return dcs_time_midnight(a) == dcs_time_midnight(b);
}

/* Revocations and what people asked for do not count against the day. */
static bool counts_against_day(const struct dcs_request *request)
{
    enum dcs_cause cause = dcs_cause_from_name(request->cause);

    return request->posted_at && cause != DCS_CAUSE_VERB && cause != DCS_CAUSE_REVOKED;
}

/* Whatever the cause, a reissue shows what the order's CT setting brings; a duplicate cannot, nor can
 * one that was refused for another cause, or whose certificate another one followed. */
static bool answers_drift(const struct past *past, const struct dcs_past_request *one)
{
    if (dcs_cause_from_name(one->request->cause) == DCS_CAUSE_CT_DRIFT)
        return true;
    return one->is_committed && !one->request->is_duplicate &&
           one->generation >= past->current_generation;
}

static void take_newest(struct past *past, const struct dcs_past_request *one)
{
    struct dcs_plan_facts *facts = &past->input->facts;
    const struct dcs_request *request = one->request;

    past->saw_newest = true;
    if (answers_drift(past, one)) {
        past->input->answered = (struct dcs_ct_wish){ .disable_ct = request->drift_disable_ct,
                                                      .account_on = request->drift_account,
                                                      .mode = (enum dcs_ct)request->drift_mode };
        facts->answered = &past->input->answered;
    }
    if (!one->closed || one->generation < past->current_generation)
        return;
    facts->closed = (struct dcs_plan_closed){ .exists = true,
                                              .asked_at = request->created_at,
                                              .cause = dcs_cause_from_name(request->cause),
                                              .input_changed =
                                                  strcmp(request->input, past->input->input) != 0 };
    if (strcmp(one->closed->code, dcs_code_name(DCS_E_AWAY)) == 0)
        facts->closed.again_at = request->posted_at + NOT_TAKEN_WAIT_S;
}

/* Given up here because the CA did not know it: that was no answer of the CA. */
static bool is_abandoned(const struct dcs_past_request *one)
{
    return one->closed && strcmp(one->closed->code, dcs_code_name(DCS_E_POLICY)) == 0;
}

static bool take_past(void *context, const struct dcs_past_request *one)
{
    struct past *past = context;
    struct dcs_plan_facts *facts = &past->input->facts;
    const struct dcs_request *request = one->request;

    if (one->generation == past->left_out)
        return true;
    past->input->has_kept_key |= one->closed && !one->is_committed && !one->is_lost;
    if (!past->saw_newest && !is_abandoned(one))
        take_newest(past, one);
    if (!one->is_committed && !one->closed && !one->is_lost && request->posted_at)
        facts->ours = (struct dcs_plan_request){ .exists = true,
                                                 .id = request->request_id,
                                                 .since = request->posted_at };
    if (counts_against_day(request) && same_day(request->posted_at, past->now))
        facts->made_here++;
    if (!past->saw_answer && (request->request_id || request->certificate_id)) {
        past->saw_answer = true;
        facts->settings.human_approval = request->needs_approval;
    }
    if (request->end_refused && request->end_refused == past->order_end)
        facts->custom_end_refused = true;
    if (one->generation == past->current_generation && request->expected_end &&
        dcs_plan_is_end(past->order_end, request->expected_end, facts->certificate.not_after))
        facts->end_of_order = past->order_end;
    return true;
}

/* ---- the certificate in hand ---- */

static void take_certificate(struct job *job, const struct dcs_bundle *bundle,
                             const struct dcs_memo *memo, struct dcs_plan_certificate *to)
{
    const struct dcs_cert_info *leaf = &dcs_bundle_facts(bundle)->leaf;

    to->exists = true;
    to->has_key = dcs_bundle_has_key(bundle);
    to->revoked = dcs_revoked_has(memo->revoked_serials, leaf->serial);
    to->revocation_pending = leaf->serial[0] && strcmp(memo->to_be_revoked, leaf->serial) == 0;
    to->is_held = dcs_cache_has_held(&job->cache, dcs_bundle_order(bundle));
    to->client_auth = leaf->eku_client_auth;
    to->scts = leaf->sct_count;
    to->not_before = leaf->not_before;
    to->not_after = leaf->not_after;
}

static void note_here(const struct dcs_bundle *bundle, struct dcs_plan_here *to)
{
    const struct dcs_facts *facts = dcs_bundle_facts(bundle);

    snprintf(to->serial, sizeof(to->serial), "%s", facts->leaf.serial);
    snprintf(to->common_name, sizeof(to->common_name), "%s", facts->leaf.common_name);
    to->certificate_id = facts->certificate_id;
    to->committed_at = facts->committed_at;
}

static uint64_t hash_of(struct job *job, int64_t order, const char *serial)
{
    char text[160];
    char hex[65];
    uint8_t salt[32];
    uint8_t hash[DCS_SHA256_LEN];
    uint64_t value = 0;

    dcs_cache_salt(&job->cache, salt);
    dcs_hex(salt, sizeof(salt), hex);
    int len = snprintf(text, sizeof(text), "%s/%lld/%s", hex, (long long)order, serial);
    if (len > 0 && (size_t)len < sizeof(text) && dcs_sha256(text, (size_t)len, hash, NULL))
        memcpy(&value, hash, sizeof(value));
    return value;
}

/* ---- the CA's description ---- */

static bool is_of_day(const char *date, int64_t now)
{
    int64_t when = 0;

    return dcs_time_parse(date, &when) && same_day(when, now);
}

static void count_there(const struct dcs_order *order, int64_t now, struct dcs_plan_facts *facts)
{
    for (size_t i = 0; i < order->request_count; i++) {
        const struct dcs_order_request *row = &order->requests[i];
        bool issues = strcmp(row->type, "reissue") == 0 || strcmp(row->type, "duplicate") == 0;
        if (issues && is_of_day(row->date, now))
            facts->seen_there++;
    }
}

static void take_foreign(const struct dcs_order *order, const struct dcs_request *ours,
                         struct dcs_plan_request *to)
{
    const struct dcs_order_request *row = dcs_reissue_foreign(order, ours);

    if (!row)
        return;
    *to = (struct dcs_plan_request){ .exists = true, .id = row->id, .since = -1 };
    if (!dcs_time_parse(row->date, &to->since))
        to->since = -1;
}

/* notAfter of the certificate that order info names: 0 revoked or none, -1 not known. */
static int64_t primary_end(const struct dcs_order *order)
{
    if (!order->certificate_id || strcmp(order->certificate_status, "revoked") == 0)
        return 0;
    return order->valid_till < 0 ? -1 : dcs_time_midnight(order->valid_till) + DAY_S - 1;
}

static void take_order(const struct dcs_order *order, struct dcs_plan_order *to)
{
    to->known = true;
    to->status = order->status;
    to->product = dcs_order_product(order);
    to->order_end = order->order_valid_till;
    to->disable_ct = order->disable_ct;
    to->primary_not_after = primary_end(order);
}

/*
 * A request sends the name set of the order. Where the order's certificate is the one that is here, that
 * set must hold each of its names: order info that lacks one would have it dropped. Where the CA has
 * another one, somebody changed the names on purpose, and the order's set is the CA's own.
 */
static void compare_names(const struct dcs_order *order, const struct dcs_bundle *bundle,
                          struct plan_input *input)
{
    const struct dcs_facts *facts = dcs_bundle_facts(bundle);
    const struct dcs_name_set before = { .common_name = facts->leaf.common_name,
                                         .names = (const char *const *)facts->names,
                                         .count = facts->name_count };
    const struct dcs_name_set after = { .common_name = order->common_name,
                                        .names = (const char *const *)order->names,
                                        .count = order->name_count };

    bool is_the_one_here = order->serial[0] ? strcmp(order->serial, facts->leaf.serial) == 0
                                            : order->certificate_id == facts->certificate_id;
    if (!dcs_policy_product(dcs_order_product(order))->sends_names || !is_the_one_here)
        return;
    dcs_policy_compare_names(&before, &after, &input->names);
    input->facts.names = &input->names;
}

/* What a refusal by the CA was an answer to: while it is the same, the same is not asked again. */
static bool hash_input(const struct dcs_order *order, const struct dcs_order_settings *settings,
                       const struct dcs_bundle *bundle, char out[65], struct dcs_err *err)
{
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = 1 << 20 };
    uint8_t hash[DCS_SHA256_LEN];

    dcs_buf_addf(&text, "%s\n%s\n%u %u %u\n%s\n", order->common_name, settings->key, settings->via,
                 settings->ct, order->disable_ct,
                 bundle ? dcs_bundle_facts(bundle)->leaf.serial : "");
    dcs_buf_addf(&text, "%lld\n", (long long)order->order_valid_till);
    for (size_t i = 0; i < order->name_count; i++)
        dcs_buf_addf(&text, "%s\n", order->names[i]);
    if (!dcs_buf_ok(&text, "names", err) || !dcs_sha256(dcs_buf_text(&text), text.len, hash, err))
        return false;
    dcs_hex(hash, sizeof(hash), out);
    return true;
}

static void take_settings(const struct job *job, const struct dcs_order_settings *settings,
                          struct dcs_plan_settings *to)
{
    to->limits = job->settings->limits;
    to->reissue = settings->reissue;
    to->via = settings->via;
    to->ct = settings->ct;
    to->client_auth_needed = settings->client_auth_needed;
    to->key_in_token = strncmp(settings->key, "pkcs11:", 7) == 0;
    to->max_reissues_per_day = settings->max_reissues_per_day;
}

/* ---- all of it ---- */

struct current {
    struct dcs_bundle *bundle; /* NULL: nothing is here */
};

static void current_drop(struct current *current)
{
    dcs_bundle_unref(current->bundle);
}

static bool load_current(struct job *job, int64_t id, const struct dcs_order_settings *settings,
                         const struct dcs_memo *memo, struct current *ret_current,
                         struct dcs_err *err)
{
    struct dcs_choice choice = dcs_fetch_choice(job, settings, memo->revoked_serials);
    struct dcs_err why = { 0 };

    if (dcs_cache_load(&job->cache, id, &choice, false, &ret_current->bundle, &why) ||
        why.code == DCS_E_NOT_FOUND)
        return true;
    *err = why;
    return false;
}

static bool gather_past(struct job *job, const struct dcs_intent *intent, struct past *past,
                        struct dcs_err *err)
{
    struct dcs_plan_facts *facts = &past->input->facts;

    if (!dcs_cache_each_request(&job->cache, intent->order, take_past, past, err))
        return false;
    /* A request whose record cannot be read is open all the same. */
    if (intent->request && intent->request->posted_at && !facts->ours.exists && !past->left_out)
        facts->ours = (struct dcs_plan_request){ .exists = true,
                                                 .id = intent->request->request_id,
                                                 .since = intent->request->posted_at };
    return true;
}

bool dcs_plan_would_be_urgent(struct job *job, int64_t id, const struct dcs_order *order,
                              const struct dcs_order_settings *settings,
                              const struct dcs_bundle *bundle)
{
    const struct dcs_cert_info *leaf = &dcs_bundle_facts(bundle)->leaf;
    int64_t now = dcs_env_now(job->env);
    const struct plan_query query = { .id = id, .order = order, .settings = settings, .now = now };
    struct plan_input input;
    struct dcs_plan plan;
    struct dcs_memo memo;

    if (!dcs_plan_gather(job, &query, &input, NULL))
        return now > leaf->not_after;
    dcs_cache_read_memo(&job->cache, id, &memo);
    take_certificate(job, bundle, &memo, &input.facts.certificate);
    dcs_plan_decide(&input.facts, now, &plan);
    return plan.stage >= DCS_STAGE_URGENT;
}

bool dcs_plan_gather(struct job *job, const struct plan_query *query, struct plan_input *ret_input,
                     struct dcs_err *err)
{
    dcs_auto(current) struct current current = { 0 };
    dcs_auto(dcs_intent) struct dcs_intent intent = { 0 };
    const struct dcs_order *order = query->order;
    const struct dcs_order_settings *settings = query->settings;
    struct plan_input *input = ret_input;
    struct dcs_plan_facts *facts = &input->facts;
    char successor[DCS_GENERATION_DIR];
    int64_t id = query->id;
    int64_t now = query->now;

    *input = (struct plan_input){ 0 };
    snprintf(input->uri, sizeof(input->uri), "order/%lld", (long long)id);
    facts->order.uri = input->uri;
    facts->order.dcv_valid_until = -1;
    facts->order.order_end = -1;
    facts->certificate.not_before = facts->certificate.not_after = -1;
    facts->ours.since = facts->foreign.since = -1;
    facts->counted_day = dcs_time_midnight(now);
    facts->windows = dcs_job_windows(job);
    take_settings(job, settings, &facts->settings);
    facts->order.has_successor =
        dcs_cache_usable_pair(&job->cache, settings->successor, now, successor);
    dcs_cache_read_memo(&job->cache, id, &input->memo);
    if (!load_current(job, id, settings, &input->memo, &current, err) ||
        !dcs_cache_intent(&job->cache, id, &intent, err))
        return false;
    if (current.bundle) {
        take_certificate(job, current.bundle, &input->memo, &facts->certificate);
        note_here(current.bundle, &input->here);
        facts->hash = hash_of(job, id, dcs_bundle_facts(current.bundle)->leaf.serial);
    }
    input->has_intent = intent.request != NULL;
    input->intent_was_sent = intent.request && intent.request->posted_at;
    input->intent_wait_s = intent.request ? dcs_request_wait_s(intent.request, now) : 0;
    if (order) {
        take_order(order, &facts->order);
        dcs_validation_of_memo(&input->memo, &input->validation);
        dcs_validation_to_plan(&input->validation, &facts->order);
        count_there(order, now, facts);
        take_foreign(order, intent.request, &facts->foreign);
        if (!hash_input(order, settings, current.bundle, input->input, err))
            return false;
        if (current.bundle)
            compare_names(order, current.bundle, input);
    }
    struct past past = { .now = now,
                         .order_end = order ? order->order_valid_till : -1,
                         .input = input,
                         .current_generation =
                             current.bundle ? dcs_bundle_generation(current.bundle) : 0,
                         .left_out = query->is_anew ? intent.generation : 0 };
    return gather_past(job, &intent, &past, err);
}
