// SPDX-License-Identifier: Apache-2.0
/*
 * reissue_fate.c - what became of a request: looks for a lost answer, polls, downloads and checks,
 * or closes the intent with the CA's words. Never assumes, never POSTs.
 */
#include "flow/reissue_fate.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/trace.h"

enum {
    POSTS_MAX = 3,
    LOOKS_BEFORE_POST = 2,
    LOOKS_APART_S = 60,
    DENIED_FOR_S = 600, /* the CA denies for so long that it knows the first POST */
    POLL_FIRST_S = 2,
    POLLS_DOUBLED_MAX = 12,
    PEM_MAX = 1 << 20,
    SENT_MAX = 32,
};

bool dcs_reissue_save(const struct dcs_reissue_run *r, const struct dcs_intent *intent,
                      struct dcs_err *err)
{
    return dcs_cache_intent_put_request(r->cache, intent, err) ||
           dcs_fail_while(err, "order %lld: recording the request", (long long)intent->order);
}

/* For what may be lost without harm: the next step finds it out again. */
void dcs_reissue_save_if_possible(const struct dcs_reissue_run *r, const struct dcs_intent *intent)
{
    struct dcs_err err = { 0 };

    if (!dcs_reissue_save(r, intent, &err))
        dcs_trace(r->env, "%s", err.text);
}

/* ---- the end without a certificate ---- */

bool dcs_reissue_close(const struct dcs_reissue_run *r, const struct dcs_intent *intent,
                       struct dcs_err *err)
{
    struct dcs_closed closed = { .closed_at = dcs_env_now(r->env) };
    struct dcs_err why = { 0 };

    snprintf(closed.code, sizeof(closed.code), "%s", dcs_code_name(err->code));
    snprintf(closed.reason, sizeof(closed.reason), "%s", err->text);
    if (!dcs_cache_intent_close(r->cache, intent, &closed, &why))
        dcs_trace(r->env, "order %lld: %s", (long long)intent->order, why.text);
    return false;
}

bool dcs_reissue_abandon(const struct dcs_reissue_run *run, const struct dcs_intent *intent,
                         const char *why, struct dcs_err *err)
{
    struct dcs_closed closed = { .closed_at = dcs_env_now(run->env) };

    snprintf(closed.code, sizeof(closed.code), "%s", dcs_code_name(DCS_E_POLICY));
    snprintf(closed.reason, sizeof(closed.reason),
             "the CA does not know the request, and it is not sent again: %.400s", why);
    return dcs_cache_intent_close(run->cache, intent, &closed, err) ||
           dcs_fail_while(err, "order %lld: closing a request", (long long)intent->order);
}

static bool close_for(const struct dcs_reissue_run *r, const struct dcs_intent *intent,
                      enum dcs_code code, const char *reason, const char *words,
                      struct dcs_err *err)
{
    dcs_fail(err, code, "order %lld: the request for a new certificate %s%s%s%s",
             (long long)intent->order, reason, *words ? ": \"" : "", words, *words ? "\"" : "");
    dcs_hint(err, "look at the order in CertCentral, then `digicert-store reissue order/%lld`",
             (long long)intent->order);
    return dcs_reissue_close(r, intent, err);
}

/* ---- our request among the order's ---- */

static bool is_ours(const struct dcs_order_request *row, const struct dcs_request *request)
{
    return (request->request_id && row->id == request->request_id) ||
           (*request->tag && strstr(row->comments, request->tag));
}

static bool is_unsettled(const struct dcs_order_request *row)
{
    return strcasecmp(row->status, "pending") == 0 || strcasecmp(row->status, "submitted") == 0 ||
           strcasecmp(row->status, "needs_approval") == 0;
}

static bool is_refusal(const char *status)
{
    static const char *const words[] = { "rejected", "denied", "canceled", "cancelled" };

    for (size_t i = 0; i < DCS_COUNT(words); i++)
        if (strcasecmp(status, words[i]) == 0)
            return true;
    return false;
}

/* By its id, else by our tag: the newest one that lives, since a POST that was repeated has the tag of
 * the first. */
static const struct dcs_order_request *our_row(const struct dcs_reissue_run *r,
                                               const struct dcs_request *request)
{
    const struct dcs_order_request *found = NULL;

    for (size_t i = 0; i < r->order->request_count; i++) {
        const struct dcs_order_request *row = &r->order->requests[i];
        if (request->request_id && row->id == request->request_id)
            return row;
        if (!is_ours(row, request))
            continue;
        bool lives = !is_refusal(row->status);
        bool has_life = found && !is_refusal(found->status);
        if (!found || (lives && !has_life) || (lives == has_life && row->id > found->id))
            found = row;
    }
    return found;
}

/* ---- waiting ---- */

static void wait_longer(const struct dcs_reissue_run *r, struct dcs_request *request)
{
    int64_t doublings = request->polls < POLLS_DOUBLED_MAX ? request->polls : POLLS_DOUBLED_MAX;
    int64_t wait = (int64_t)POLL_FIRST_S << doublings;

    wait = wait < DCS_REQUEST_WAIT_MAX_S ? wait : DCS_REQUEST_WAIT_MAX_S;
    request->polls++;
    request->next_look_at = dcs_env_now(r->env) + wait;
}

bool dcs_reissue_fail_pending(const struct dcs_reissue_run *r, const struct dcs_intent *intent,
                              struct dcs_err *err)
{
    const struct dcs_request *request = intent->request;

    (void)r;
    dcs_fail(err, DCS_E_PENDING, "order %lld: a new certificate was asked for, the CA %s",
             (long long)intent->order,
             *request->waits_for ? request->waits_for : "has not issued it yet");
    if (request->dcv_token[0])
        return dcs_hint(err, "publish the value, then `digicert-store wait order/%lld`",
                        (long long)intent->order);
    return dcs_hint(err, "nothing is lost; `digicert-store wait order/%lld` waits for it",
                    (long long)intent->order);
}

/* What the CA waits for, as far as order info tells. */
static void note_waiting(const struct dcs_reissue_run *r, struct dcs_request *request)
{
    const struct dcs_order *order = r->order;
    const struct dcs_order_request *row = our_row(r, request);

    if (request->dcv_token[0])
        snprintf(request->waits_for, sizeof(request->waits_for),
                 "waits for domain validation of %.100s by %.30s with the value %.70s",
                 order->common_name,
                 order->dcv_method[0] ? order->dcv_method : "one of its methods",
                 request->dcv_token);
    else if (request->needs_approval && (!row || is_unsettled(row)))
        snprintf(request->waits_for, sizeof(request->waits_for),
                 "waits for approval of request %lld by an administrator of the account",
                 (long long)request->request_id);
    else
        snprintf(request->waits_for, sizeof(request->waits_for),
                 "has not issued it yet (order status \"%s\")", order->status_text);
}

static bool still_pending(const struct dcs_reissue_run *r, struct dcs_intent *intent,
                          struct dcs_err *err)
{
    note_waiting(r, intent->request);
    wait_longer(r, intent->request);
    dcs_reissue_save_if_possible(r, intent);
    return dcs_reissue_fail_pending(r, intent, err);
}

/* ---- a lost answer: look, never assume ---- */

const struct dcs_order_request *dcs_reissue_foreign(const struct dcs_order *order,
                                                    const struct dcs_request *ours)
{
    for (size_t i = 0; i < order->request_count; i++) {
        const struct dcs_order_request *row = &order->requests[i];
        bool changes = strcasecmp(row->type, "reissue") == 0 ||
                       strcasecmp(row->type, "revoke") == 0 ||
                       strcasecmp(row->type, "duplicate") == 0;
        if (changes && is_unsettled(row) && !(ours && is_ours(row, ours)))
            return row;
    }
    return NULL;
}

static bool look_in_order(const struct dcs_reissue_run *r, struct dcs_request *request)
{
    const struct dcs_order_request *row = our_row(r, request);

    if (row)
        request->request_id = row->id;
    return row != NULL;
}

/* What a look at the CA's lists found out. */
struct sight {
    bool found, refused;
    bool is_doubtful; /* something there may be ours: that nothing was found is no denial */
};

static bool has_our_key(const struct dcs_request *request, const struct dcs_buf *pem)
{
    dcs_auto(dcs_cert_list) struct dcs_cert_list sent = { 0 };

    if (!dcs_certs_from_pem(dcs_buf_text(pem), pem->len, SENT_MAX, &sent, NULL))
        return false;
    for (size_t i = 0; i < sent.count; i++)
        if (memcmp(dcs_cert_info(sent.certs[i])->spki_sha256, request->spki_sha256,
                   DCS_SHA256_LEN) == 0)
            return true;
    return false;
}

/* Entries that keep their CSR to themselves: their certificates show the key. */
static bool look_at_unread(const struct dcs_reissue_run *r, struct dcs_request *request,
                           const struct dcs_api_list_look *look, struct sight *sight,
                           struct dcs_err *err)
{
    sight->is_doubtful |=
        look->left_out && look->unread[DCS_UNREAD_MAX - 1] > request->before_certificate;
    for (size_t i = 0; i < look->unread_count && !sight->found; i++) {
        dcs_auto(dcs_buf) struct dcs_buf pem = { .max = PEM_MAX };
        struct dcs_err why = { 0 };
        int64_t id = look->unread[i];
        if (id != 0 && (id == request->before_certificate || id == request->certificate_id))
            continue;
        if (id != 0 && dcs_api_download(r->api, id, &pem, &why)) {
            sight->found = has_our_key(request, &pem);
            if (sight->found)
                request->certificate_id = id;
            continue;
        }
        sight->is_doubtful = true; /* not issued yet */
        if (id != 0 && why.code != DCS_E_PENDING && why.code != DCS_E_NOT_FOUND) {
            *err = why;
            return false;
        }
    }
    return true;
}

static bool look_in_list(const struct dcs_reissue_run *r, struct dcs_request *request,
                         bool of_duplicates, struct sight *sight, struct dcs_err *err)
{
    struct dcs_api_list_look look = { 0 };
    struct dcs_err why = { 0 };

    if (!dcs_api_find_issued(r->api, r->order->id, of_duplicates, request->spki_sha256, &look,
                             &why)) {
        sight->is_doubtful = true;
        if (why.code == DCS_E_NOT_FOUND) /* this CA keeps no such list */
            return true;
        *err = why;
        return false;
    }
    if (!look.found)
        return look_at_unread(r, request, &look, sight, err);
    sight->found = true;
    sight->refused = is_refusal(look.issued.status);
    if (look.issued.certificate_id)
        request->certificate_id = look.issued.certificate_id;
    return true;
}

/* In the list of its kind, then in the other: what a damaged record asked for is not known. */
static bool look_in_lists(const struct dcs_reissue_run *r, struct dcs_request *request,
                          struct sight *sight, struct dcs_err *err)
{
    return look_in_list(r, request, request->is_duplicate, sight, err) &&
           (sight->found || look_in_list(r, request, !request->is_duplicate, sight, err));
}

/* An order that waits for something, or a request newer than what we knew, may be ours without its
 * comment: that is no denial. */
static bool may_be_ours(const struct dcs_reissue_run *r, const struct dcs_request *request)
{
    if (r->order->status == DCS_ORDER_REISSUE_PENDING)
        return true;
    for (size_t i = 0; i < r->order->request_count; i++)
        if (r->order->requests[i].id > request->before_request &&
            is_unsettled(&r->order->requests[i]))
            return true;
    return false;
}

static void note_look(const struct dcs_reissue_run *r, struct dcs_request *request)
{
    request->last_look_at = dcs_env_now(r->env);
    if (request->looks == 0)
        request->first_look_at = request->last_look_at;
    request->looks++;
}

static bool was_denied_long_enough(const struct dcs_request *request)
{
    return request->looks >= LOOKS_BEFORE_POST &&
           request->last_look_at - request->first_look_at >= LOOKS_APART_S &&
           request->last_look_at - request->posted_at >= DENIED_FOR_S;
}

bool dcs_reissue_look(const struct dcs_reissue_run *r, struct dcs_intent *intent, bool *ret_denied,
                      struct dcs_err *err)
{
    struct dcs_request *request = intent->request;
    struct sight sight = { .found = look_in_order(r, request) };

    if (!sight.found && !look_in_lists(r, request, &sight, err))
        return false;
    if (sight.found)
        return dcs_reissue_save(r, intent, err);
    if (!may_be_ours(r, request) && !sight.is_doubtful)
        note_look(r, request);
    bool is_denied = was_denied_long_enough(request);
    if (is_denied && request->posts >= POSTS_MAX)
        /* Nobody refused anything: it may be asked for anew after a while, with a new key. */
        return close_for(r, intent, DCS_E_AWAY, "was sent three times and is not known to the CA",
                         "", err);
    *ret_denied = is_denied && r->may_repeat;
    if (*ret_denied)
        return dcs_reissue_fail_pending(r, intent, err);
    snprintf(request->waits_for, sizeof(request->waits_for),
             "did not answer; whether it took the request is looked for");
    wait_longer(r, request);
    dcs_reissue_save_if_possible(r, intent);
    return dcs_reissue_fail_pending(r, intent, err);
}

/* ---- polling ---- */

static bool order_has_ended(const struct dcs_reissue_run *r)
{
    switch (r->order->status) {
    case DCS_ORDER_REJECTED:
    case DCS_ORDER_CANCELED:
    case DCS_ORDER_REVOKED:
        return true;
    case DCS_ORDER_EXPIRED: /* or its certificate: an order whose end is ahead goes on */
        return r->order->order_valid_till <= dcs_env_now(r->env);
    case DCS_ORDER_UNKNOWN:
    case DCS_ORDER_NEEDS_APPROVAL:
    case DCS_ORDER_PENDING:
    case DCS_ORDER_PROCESSING:
    case DCS_ORDER_NEEDS_CSR:
    case DCS_ORDER_WAITING_PICKUP:
    case DCS_ORDER_ISSUED:
    case DCS_ORDER_REISSUE_PENDING:
        return false;
    }
    return false;
}

/* True: it may still come. */
static bool check_fate(const struct dcs_reissue_run *r, const struct dcs_intent *intent,
                       bool is_refused, struct dcs_err *err)
{
    const struct dcs_request *request = intent->request;
    const struct dcs_order_request *row = our_row(r, request);
    struct dcs_api_request_state state = { 0 };
    int64_t id = row ? row->id : request->request_id;

    is_refused |= row && is_refusal(row->status);
    /* Order info need not list requests: then the request itself is asked. */
    if (id && (!row || is_refused) && dcs_api_request_state(r->api, id, &state, NULL))
        is_refused |= is_refusal(state.status);
    if (is_refused)
        return close_for(r, intent, DCS_E_REFUSED, "was rejected or cancelled", state.comment, err);
    if (order_has_ended(r))
        return close_for(r, intent, DCS_E_REFUSED, "came to nothing: the order ended",
                         r->order->status_text, err);
    return true;
}

static bool reject(const struct dcs_reissue_run *r, struct dcs_intent *intent,
                   const struct dcs_err *why, struct dcs_err *err)
{
    struct dcs_request *request = intent->request;

    request->rejected_certificate = request->certificate_id;
    snprintf(request->rejected_reason, sizeof(request->rejected_reason), "%.250s", why->text);
    wait_longer(r, request);
    dcs_reissue_save_if_possible(r, intent);
    dcs_fail(err, DCS_E_REJECTED,
             "order %lld: new certificate %lld as sent by the CA was set "
             "aside: %s",
             (long long)intent->order, (long long)request->certificate_id, why->text);
    return dcs_hint(err, "nothing is lost; it is downloaded again later");
}

/* E-mail is not among our names, and a name that is no ASCII stands there in another form. */
static bool is_comparable(const char *name)
{
    for (; *name; name++)
        if (*name == '@' || (unsigned char)*name >= 0x80)
            return false;
    return true;
}

static bool has_all_names(const struct dcs_request *request, const struct dcs_facts *facts,
                          struct dcs_err *err)
{
    for (size_t i = 0; i < request->name_count; i++) {
        bool found = !is_comparable(request->names[i]);
        for (size_t k = 0; k < facts->name_count && !found; k++)
            found = strcmp(request->names[i], facts->names[k]) == 0;
        if (!found)
            return dcs_fail(err, DCS_E_REJECTED, "it lacks the name %.200s that was asked for",
                            request->names[i]);
    }
    return true;
}

static bool check_answer(const struct dcs_request *request, const struct dcs_accepted *accepted,
                         struct dcs_err *err)
{
    if (*request->before_serial &&
        strcmp(request->before_serial, accepted->facts->leaf.serial) == 0)
        return dcs_fail(err, DCS_E_REJECTED, "it is the certificate from before, serial %s",
                        request->before_serial);
    return has_all_names(request, accepted->facts, err);
}

enum download { DOWNLOADED, NOT_YET, NOT_GOOD, NO_ANSWER };

static enum download download(const struct dcs_reissue_run *r, const struct dcs_request *request,
                              struct dcs_accepted *ret_accepted, struct dcs_err *why)
{
    dcs_auto(dcs_buf) struct dcs_buf pem = { .max = PEM_MAX };
    dcs_auto(dcs_accepted) struct dcs_accepted accepted = { 0 };
    struct dcs_accept expected = { .order = r->order,
                                   .limits = r->limits,
                                   .certificate_id = request->certificate_id,
                                   .has_spki = true,
                                   .source = "reissue",
                                   .now = dcs_env_now(r->env) };

    memcpy(expected.spki_sha256, request->spki_sha256, DCS_SHA256_LEN);
    if (!dcs_api_download(r->api, request->certificate_id, &pem, why))
        return why->code == DCS_E_PENDING || why->code == DCS_E_NOT_FOUND ? NOT_YET : NO_ANSWER;
    if (!dcs_accept(&expected, dcs_buf_text(&pem), pem.len, &accepted, why) ||
        !check_answer(request, &accepted, why))
        return NOT_GOOD;
    *ret_accepted = accepted;
    accepted = (struct dcs_accepted){ 0 };
    return DOWNLOADED;
}

/* The id that the CA gave may be a wrong one: its list may know our key under another. */
static bool found_other_id(const struct dcs_reissue_run *r, struct dcs_request *request,
                           struct sight *sight)
{
    int64_t before = request->certificate_id;
    struct dcs_err err = { 0 };

    if (!look_in_list(r, request, request->is_duplicate, sight, &err))
        dcs_trace(r->env, "order %lld: %s", (long long)r->order->id, err.text);
    return request->certificate_id != before;
}

bool dcs_reissue_poll(const struct dcs_reissue_run *r, struct dcs_intent *intent,
                      struct dcs_accepted *ret_accepted, struct dcs_err *err)
{
    struct dcs_request *request = intent->request;
    enum download result = NOT_YET;
    struct sight sight = { 0 };
    struct dcs_err why = { 0 };

    /* A request id alone cannot be joined to a certificate: the public key does. */
    if (!request->certificate_id && !look_in_list(r, request, request->is_duplicate, &sight, err))
        return false;
    if (request->certificate_id)
        result = download(r, request, ret_accepted, &why);
    if (request->certificate_id && (result == NOT_YET || result == NOT_GOOD) &&
        found_other_id(r, request, &sight))
        result = download(r, request, ret_accepted, &why);
    switch (result) {
    case DOWNLOADED:
        return true;
    case NOT_GOOD:
        return reject(r, intent, &why, err);
    case NO_ANSWER:
        *err = why;
        return dcs_fail_while(err, "order %lld", (long long)intent->order);
    case NOT_YET:
        break;
    }
    return check_fate(r, intent, sight.refused, err) && still_pending(r, intent, err);
}
