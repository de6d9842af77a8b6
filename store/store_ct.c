// SPDX-License-Identifier: Apache-2.0
/*
 * store_ct.c - Certificate Transparency of an order as JSON: its setting at the CA, the SCTs in the
 * certificate that is served, and whether they agree. Asks nobody, changes nothing.
 */
#include <stdio.h>
#include <string.h>

#include "io/x509_sct.h"
#include "store_show.h"

struct look {
    struct job *job;
    struct dcs_logs *logs; /* NULL without ct_log_list */
    struct dcs_cert_sct scts[DCS_SCTS_MAX];
    size_t count;
};

static void look_drop(struct look *look)
{
    dcs_logs_free(look->logs);
}

static const char *tri_text(enum dcs_tri tri, const char *yes, const char *no, const char *unknown)
{
    if (tri == DCS_UNKNOWN)
        return unknown;
    return tri == DCS_YES ? yes : no;
}

static enum dcs_log_state log_state(const struct dcs_log *log)
{
    static const struct {
        const char *word;
        enum dcs_log_state state;
    } words[] = { { "pending", DCS_LOG_PENDING }, { "qualified", DCS_LOG_QUALIFIED },
                  { "usable", DCS_LOG_USABLE },   { "readonly", DCS_LOG_READONLY },
                  { "retired", DCS_LOG_RETIRED }, { "rejected", DCS_LOG_REJECTED } };

    for (size_t i = 0; log && i < DCS_COUNT(words); i++)
        if (strcmp(log->state, words[i].word) == 0)
            return words[i].state;
    return DCS_LOG_UNKNOWN;
}

static void add_sct(const struct look *look, const struct dcs_cert_sct *sct, struct dcs_json *array)
{
    struct dcs_json *object = dcs_json_add_object(array, NULL);
    const struct dcs_log *log = dcs_logs_find(look->logs, sct->log_id);
    char hex[2 * DCS_SHA256_LEN + 1];

    dcs_hex(sct->log_id, DCS_SHA256_LEN, hex);
    dcs_json_add_text(object, "log_id", hex);
    if (log) {
        dcs_json_add_text(object, "log", log->name);
        dcs_json_add_text(object, "operator", log->operator_name);
        dcs_json_add_text(object, "log_state", log->state);
    }
    dcs_json_add_time(object, "time", sct->timestamp_ms / 1000);
    dcs_json_add_text(object, "signature",
                      tri_text(sct->verified, "verified", "INVALID",
                               look->logs ? "not verified: its log is not in ct_log_list"
                                          : "not verified: ct_log_list is not set"));
}

/* By the browsers' rule; the list's age counts from the day its file was written. */
static void add_browsers(const struct look *look, const struct dcs_cert_info *leaf,
                         struct dcs_json *parent)
{
    struct dcs_sct scts[DCS_SCTS_MAX];
    struct dcs_ct_browsers verdict;
    int64_t age = -1;

    for (size_t i = 0; i < look->count; i++) {
        const struct dcs_log *log = dcs_logs_find(look->logs, look->scts[i].log_id);
        scts[i] = (struct dcs_sct){ .timestamp_ms = look->scts[i].timestamp_ms,
                                    .verified = look->scts[i].verified,
                                    .operator_name =
                                        log && *log->operator_name ? log->operator_name : NULL,
                                    .log = log_state(log),
                                    .retired_ms = log ? log->retired_ms : 0 };
        memcpy(scts[i].log_id, look->scts[i].log_id, sizeof(scts[i].log_id));
    }
    if (look->logs)
        age = dcs_env_now(look->job->env) - dcs_logs_written_at(look->logs);
    dcs_ct_browsers(scts, look->count, leaf->not_after - leaf->not_before + 1,
                    look->logs && age < 0 ? 0 : age, &verdict);
    struct dcs_json *object = dcs_json_add_object(parent, "browsers");
    dcs_json_add_text(object, "content", tri_text(verdict.content, "yes", "no", "unknown"));
    dcs_json_add_text(object, "words", verdict.words);
}

static bool read_scts(struct look *look, const struct dcs_bundle *bundle, struct dcs_err *err)
{
    const char *list = look->job->settings->ct_log_list;
    struct dcs_bytes leaf = dcs_bundle_leaf(bundle);
    struct dcs_bytes issuer = { 0 };
    bool has_issuer = dcs_bundle_chain_count(bundle) > 0;

    if (*list && !dcs_logs_load(list, &look->logs, err))
        return false;
    if (has_issuer)
        issuer = dcs_bundle_chain(bundle, 0);
    return dcs_cert_scts(&leaf, has_issuer ? &issuer : NULL, look->logs,
                         dcs_env_now(look->job->env), look->scts, DCS_SCTS_MAX, &look->count, err);
}

static bool describe_ct(struct job *job, int64_t id, struct dcs_json *root, struct dcs_err *err)
{
    dcs_auto(look) struct look look = { .job = job };
    dcs_auto(dcs_order) struct dcs_order *order = NULL;
    struct dcs_order_settings settings;
    struct plan_input input;
    struct dcs_plan plan;
    struct memory offer = { 0 };
    enum dcs_stage stage = DCS_STAGE_NONE;

    dcs_show_read_order(job, id, &order, &settings);
    if (!dcs_show_plan_of(job, id, order, &settings, 0, &input, &plan, err) ||
        !dcs_load_offer(job, id, &offer, &stage, err))
        return false;
    dcs_json_add_i64(root, "order_id", id);
    dcs_json_add_text(
        root, "setting",
        tri_text(order ? order->disable_ct : DCS_UNKNOWN, "not logged", "logged", "unknown"));
    dcs_json_add_text(root, "state", dcs_ct_state_name(plan.ct.state));
    dcs_json_add_text(root, "words", plan.ct.words);
    bool good = read_scts(&look, offer.bundle, err);
    if (good) {
        struct dcs_json *array = dcs_json_add_array(root, "scts");
        for (size_t i = 0; i < look.count; i++)
            add_sct(&look, &look.scts[i], array);
        if (dcs_bundle_facts(offer.bundle)->public_tls != DCS_NO)
            add_browsers(&look, &dcs_bundle_facts(offer.bundle)->leaf, root);
    }
    dcs_memory_copy_drop(&offer);
    return good;
}

bool dcs_store_ct(struct dcs_store *store, const struct dcs_uri *uri, struct dcs_json **ret_object,
                  struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *root = dcs_json_new_object();
    struct dcs_err why = { 0 };
    struct job job;
    int64_t id = 0;

    if (uri->kind == DCS_URI_LIST || uri->kind == DCS_URI_CERTIFICATE)
        return dcs_fail(err, DCS_E_URI, "ct wants an order, for example order/123");
    if (!dcs_job_begin(store, &job, err))
        return false;
    bool done = dcs_job_check_config(&job, 0, &why) && dcs_job_look(&job, &why) &&
                dcs_resolve(&job, uri, &id, &why) && describe_ct(&job, id, root, &why);
    dcs_job_end(&job);
    if (!done) {
        *err = why;
        return false;
    }
    *ret_object = dcs_steal(&root);
    return true;
}
