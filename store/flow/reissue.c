// SPDX-License-Identifier: Apache-2.0
/*
 * reissue.c - starts a reissue and takes its next step. Writes what it is about to do before it does
 * it; never sends a second POST while the first may have taken effect.
 */
#include "flow/reissue_fate.h"

#include <stdio.h>
#include <string.h>

#include "base/trace.h"
#include "flow/key.h"
#include "flow/policy_limits.h"
#include "flow/policy_names.h"

enum { CSR_PEM_MAX = 1 << 17 };

/* ---- beginning ---- */

static bool new_tag(const struct dcs_env *env, char out[33], struct dcs_err *err)
{
    uint8_t random[16];

    if (!dcs_env_random(env, random, sizeof(random), err))
        return false;
    dcs_hex(random, sizeof(random), out);
    return true;
}

static int64_t newest_request(const struct dcs_order *order)
{
    int64_t newest = 0;

    for (size_t i = 0; i < order->request_count; i++)
        if (order->requests[i].id > newest)
            newest = order->requests[i].id;
    return newest;
}

/* What stands at the CA now: looked back at after a lost answer. The names are the complete set of now,
 * or one that was added since would be dropped, and every earlier certificate revoked for it. */
static bool note_before(const struct dcs_order *order, struct dcs_request *request,
                        struct dcs_err *err)
{
    snprintf(request->common_name, sizeof(request->common_name), "%s", order->common_name);
    request->before_certificate = order->certificate_id;
    request->before_request = newest_request(order);
    snprintf(request->before_serial, sizeof(request->before_serial), "%s", order->serial);
    return dcs_request_set_names(request, order->names, order->name_count, err);
}

static bool make_request(const struct dcs_reissue_run *r, const struct dcs_reissue_goal *goal,
                         const struct dcs_buf *csr, struct dcs_request **ret_request,
                         struct dcs_err *err)
{
    dcs_auto(dcs_request) struct dcs_request *request = dcs_alloc(1, sizeof(*request), err);

    if (!request || !new_tag(r->env, request->tag, err) ||
        !dcs_csr_spki_sha256(dcs_buf_text(csr), request->spki_sha256, err) ||
        !note_before(r->order, request, err))
        return false;
    request->created_at = dcs_env_now(r->env);
    snprintf(request->cause, sizeof(request->cause), "%s", goal->cause);
    snprintf(request->why, sizeof(request->why), "%s", goal->why);
    snprintf(request->input, sizeof(request->input), "%s", goal->input);
    request->is_duplicate = goal->is_duplicate;
    snprintf(request->end_date, sizeof(request->end_date), "%s", goal->end_date);
    snprintf(request->profile_option, sizeof(request->profile_option), "%s", goal->profile_option);
    request->skip_approval = true;
    request->expected_end = goal->expected_end;
    request->drift_disable_ct = goal->drift_disable_ct;
    request->drift_account = goal->drift_account;
    request->drift_mode = goal->drift_mode;
    *ret_request = dcs_steal(&request);
    return true;
}

static struct dcs_csr_subject subject_of(const struct dcs_order *order)
{
    return (struct dcs_csr_subject){ .common_name = order->common_name,
                                     .names = (const char *const *)order->names,
                                     .name_count = order->name_count };
}

static bool put_csr(const struct dcs_reissue_run *r, const struct dcs_intent *intent,
                    const struct dcs_buf *pem, struct dcs_err *err)
{
    return dcs_buf_ok(pem, "a certificate request", err) &&
           dcs_cache_intent_put_csr(r->cache, intent, pem, err);
}

/* The CA takes names from these fields alone: a request without them would drop them all. */
static bool knows_names(const struct dcs_order *order, struct dcs_err *err)
{
    enum dcs_product product = dcs_order_product(order);
    bool needs_email = product == DCS_PRODUCT_SMIME;
    bool has_email = false;

    for (size_t i = 0; i < order->name_count; i++)
        has_email |= strchr(order->names[i], '@') != NULL;
    if (needs_email ? has_email
                    : !dcs_policy_product(product)->sends_names || order->name_count > 0 ||
                          *order->common_name)
        return true;
    dcs_fail(err, DCS_E_POLICY, "order %lld: the CA's description of the order names no %s",
             (long long)order->id, needs_email ? "e-mail address" : "host");
    return dcs_hint(err, "a request without them would drop them; reissue it in CertCentral");
}

/* Out of its token, too. What cannot be removed there now stays: it is of no use to anybody. */
static void drop_unsent(const struct dcs_reissue_run *r, const struct dcs_intent *intent)
{
    dcs_auto(dcs_key) struct dcs_key key = { 0 };
    struct dcs_err why = { 0 };

    if (intent->has_key && dcs_cache_intent_key(r->cache, intent, &key, NULL) &&
        !dcs_keys_destroy(r->env, &key, &why))
        dcs_trace(r->env, "%s: %s", intent->dir, why.text);
}

/* The key goes to the disk as it is to lie there. */
static bool put_key(const struct dcs_reissue_run *r, const struct dcs_access *access,
                    const struct dcs_key *key, struct dcs_intent *intent, struct dcs_err *err)
{
    dcs_auto(dcs_key) struct dcs_key sealed = { 0 };

    bool closes = r->passphrase && key->form == DCS_KEY_PKCS8;
    if (closes && !dcs_key_encrypt(key, r->passphrase, &sealed, err))
        return false;
    return dcs_cache_intent_put_key(r->cache, access, closes ? &sealed : key, intent, err);
}

bool dcs_reissue_begin(const struct dcs_reissue_run *run, const struct dcs_reissue_goal *goal,
                       struct dcs_intent *intent, struct dcs_err *err)
{
    dcs_auto(dcs_key) struct dcs_key key = { 0 };
    dcs_auto(dcs_buf) struct dcs_buf csr = { .max = CSR_PEM_MAX };

    const struct dcs_csr_subject subject = subject_of(run->order);
    char label[32];

    snprintf(label, sizeof(label), "order-%lld", (long long)intent->order);
    if (!knows_names(run->order, err) || !dcs_keys_prepare(run->env, goal->key_kind, &key, err))
        return false;
    /* A key from before that was never sent is replaced: it may be of another kind. */
    drop_unsent(run, intent);
    return put_key(run, &goal->access, &key, intent, err) &&
           dcs_keys_make(run->env, &key, goal->key_kind, label, &subject, &csr, err) &&
           put_csr(run, intent, &csr, err) &&
           make_request(run, goal, &csr, &intent->request, err) &&
           dcs_reissue_save(run, intent, err);
}

/* ---- the POST ---- */

static bool load_csr(const struct dcs_reissue_run *r, const struct dcs_intent *intent,
                     struct dcs_buf *ret_pem, struct dcs_err *err)
{
    dcs_auto(dcs_key) struct dcs_key key = { 0 };
    dcs_auto(dcs_key) struct dcs_key open = { 0 };
    const struct dcs_csr_subject subject = subject_of(r->order);
    struct dcs_err why = { 0 };

    if (dcs_cache_intent_csr(r->cache, intent, ret_pem, &why))
        return true;
    dcs_trace(r->env, "%s: %s: made anew", intent->dir, why.text);
    dcs_buf_clear(ret_pem);
    if (!dcs_cache_intent_key(r->cache, intent, &key, err))
        return false;
    if (key.form == DCS_KEY_ENCRYPTED && r->passphrase &&
        !dcs_key_decrypt(&key, r->passphrase, &open, err))
        return false;
    return dcs_keys_request(r->env, open.form ? &open : &key, &subject, ret_pem, err) &&
           put_csr(r, intent, ret_pem, err);
}

static bool send_ask(const struct dcs_reissue_run *r, const struct dcs_intent *intent,
                     struct dcs_api_asked *ret_asked, enum dcs_tri *ret_taken, struct dcs_err *err)
{
    dcs_auto(dcs_buf) struct dcs_buf csr = { .max = CSR_PEM_MAX };
    const struct dcs_request *request = intent->request;
    const struct dcs_product_row *product = dcs_policy_product(dcs_order_product(r->order));
    char comments[64];

    *ret_taken = DCS_NO;
    if (!load_csr(r, intent, &csr, err))
        return false;
    snprintf(comments, sizeof(comments), "digicert-store %s", request->tag);
    const struct dcs_api_ask ask = {
        .order = intent->order,
        .is_duplicate = request->is_duplicate,
        .common_name = product->sends_common_name ? request->common_name : "",
        .names = (const char *const *)request->names,
        .name_count = request->name_count,
        .csr = dcs_buf_text(&csr),
        .end_date = request->end_date,
        .profile_option = request->profile_option,
        .comments = comments,
        .skip_approval = request->skip_approval,
    };
    return dcs_api_ask(r->api, &ask, ret_asked, ret_taken, err);
}

static bool speaks_of(const struct dcs_err *why, const char *what)
{
    return strstr(why->service_code, what) || strstr(why->text, what);
}

/* The CA refused one of our wishes, not the certificate: without it, once more. */
static bool drop_wish(const struct dcs_order *order, struct dcs_request *request,
                      const struct dcs_err *why)
{
    bool about_date = speaks_of(why, "expiration_date") || strstr(why->service_code, "validity");

    if (why->code == DCS_E_REFUSED && about_date && *request->end_date) {
        request->end_date[0] = '\0';
        request->end_refused = order->order_valid_till > 0 ? order->order_valid_till : 0;
        return true;
    }
    if (why->code == DCS_E_REFUSED && speaks_of(why, "profile_option") &&
        *request->profile_option) {
        request->profile_option[0] = '\0';
        return true;
    }
    bool about_approval = why->code == DCS_E_REFUSED && speaks_of(why, "skip_approval");
    if ((why->code == DCS_E_DENIED || about_approval) && request->skip_approval &&
        !strstr(why->service_code, "invalid_key")) {
        request->skip_approval = false;
        return true;
    }
    return false;
}

/* Nothing is out any more: the CA certainly did nothing. */
static void take_back(struct dcs_request *request)
{
    request->posts--;
    request->posted_at = 0;
}

static bool post_once(const struct dcs_reissue_run *r, struct dcs_intent *intent,
                      enum dcs_tri *ret_taken, struct dcs_err *err)
{
    struct dcs_request *request = intent->request;
    struct dcs_api_asked asked = { 0 };

    *ret_taken = DCS_NO;
    if (!dcs_api_may_change(r->api, err))
        return false;
    request->posted_at = dcs_env_now(r->env);
    request->posts++;
    request->looks = 0;
    if (!dcs_reissue_save(r, intent, err)) {
        take_back(request);
        return false;
    }
    if (send_ask(r, intent, &asked, ret_taken, err)) {
        request->request_id = asked.request_id;
        request->certificate_id = asked.certificate_id;
        request->needs_approval = !asked.certificate_id;
        snprintf(request->dcv_token, sizeof(request->dcv_token), "%s", asked.dcv_token);
        dcs_reissue_save_if_possible(r, intent); /* lost: found again by tag and key */
        return true;
    }
    if (*ret_taken == DCS_UNKNOWN)
        return false;
    take_back(request);
    dcs_reissue_save_if_possible(r, intent);
    return false;
}

static bool post(const struct dcs_reissue_run *r, struct dcs_intent *intent, struct dcs_err *err)
{
    enum dcs_tri taken = DCS_NO;
    struct dcs_err why = { 0 };

    while (!post_once(r, intent, &taken, &why)) {
        if (taken == DCS_NO && drop_wish(r->order, intent->request, &why))
            continue;
        *err = why;
        if (taken == DCS_NO && why.code == DCS_E_REFUSED)
            return dcs_reissue_close(r, intent, err);
        if (taken == DCS_UNKNOWN)
            dcs_hint(err, "the answer was lost: whether the CA took the request is looked for at "
                          "the next step, never assumed");
        return false;
    }
    return true;
}

/* ---- one step ---- */

/* What policy looked at before the first POST must hold for the next one, too. */
static bool keeps_names(const struct dcs_order *order, const struct dcs_request *request,
                        struct dcs_err *err)
{
    const struct dcs_name_set before = { .common_name = request->common_name,
                                         .names = (const char *const *)request->names,
                                         .count = request->name_count };
    const struct dcs_name_set after = { .common_name = order->common_name,
                                        .names = (const char *const *)order->names,
                                        .count = order->name_count };
    struct dcs_names_diff diff;

    dcs_policy_compare_names(&before, &after, &diff);
    if (diff.change != DCS_NAMES_LOST)
        return true;
    return dcs_fail(err, DCS_E_POLICY,
                    "order %lld: its names changed since the request was sent, which is not sent "
                    "again: %.200s would go",
                    (long long)order->id, diff.lost_count ? diff.lost : request->common_name);
}

bool dcs_reissue_step(const struct dcs_reissue_run *run, struct dcs_intent *intent,
                      bool *ret_denied, struct dcs_accepted *ret_accepted, struct dcs_err *err)
{
    struct dcs_request *request = intent->request;

    *ret_denied = false;
    if (request->posted_at && dcs_request_wait_s(request, dcs_env_now(run->env)) > 0 &&
        !run->impatient)
        return dcs_reissue_fail_pending(run, intent, err);
    if (request->posted_at && !request->request_id && !request->certificate_id &&
        !dcs_reissue_look(run, intent, ret_denied, err))
        return false;
    if (!request->posted_at && (!note_before(run->order, request, err) || !post(run, intent, err)))
        return false;
    return dcs_reissue_poll(run, intent, ret_accepted, err);
}

bool dcs_reissue_repeat(const struct dcs_reissue_run *run, struct dcs_intent *intent,
                        struct dcs_accepted *ret_accepted, struct dcs_err *err)
{
    struct dcs_err why = { 0 };

    if (!keeps_names(run->order, intent->request, &why)) {
        if (dcs_reissue_abandon(run, intent, why.text, err))
            *err = why;
        return false;
    }
    return note_before(run->order, intent->request, err) && post(run, intent, err) &&
           dcs_reissue_poll(run, intent, ret_accepted, err);
}
