// SPDX-License-Identifier: Apache-2.0
/* api_change.c - reissue, duplicate, their fate, and the order's CT setting. */
#include "flow/api_change.h"

#include <stdio.h>
#include <string.h>

#include "flow/api_request.h"
#include "io/pkey.h"

enum { CHANGE_ANSWER_MAX = 1 << 20, LIST_MAX = 8 << 20 };

/* ---- asking ---- */

static void add_names(const struct dcs_api_ask *ask, bool emails, const char *field,
                      struct dcs_json *certificate)
{
    struct dcs_json *names = NULL;

    for (size_t i = 0; i < ask->name_count; i++) {
        if ((strchr(ask->names[i], '@') != NULL) != emails)
            continue;
        if (!names)
            names = dcs_json_add_array(certificate, field);
        dcs_json_add_text(names, NULL, ask->names[i]);
    }
}

static bool ask_body(const struct dcs_api_ask *ask, struct dcs_buf *ret_body, struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *root = dcs_json_new_object();
    struct dcs_json *certificate = dcs_json_add_object(root, "certificate");

    if (*ask->common_name)
        dcs_json_add_text(certificate, "common_name", ask->common_name);
    add_names(ask, false, "dns_names", certificate);
    add_names(ask, true, "emails", certificate);
    dcs_json_add_text(certificate, "csr", ask->csr);
    dcs_json_add_text(certificate, "signature_hash", "sha256");
    if (*ask->end_date)
        dcs_json_add_text(dcs_json_add_object(certificate, "cert_validity"),
                          "custom_expiration_date", ask->end_date);
    if (*ask->profile_option)
        dcs_json_add_text(certificate, "profile_option", ask->profile_option);
    if (ask->skip_approval)
        dcs_json_add_bool(root, "skip_approval", true);
    dcs_json_add_text(root, "comments", ask->comments);
    return dcs_json_print(root, false, ret_body, err);
}

/* The CA said in its own words that it did not do it. */
static bool certainly_not_taken(const struct dcs_err *why, bool was_sent)
{
    return !was_sent ||
           (why->http_status && (why->code == DCS_E_REFUSED || why->code == DCS_E_DENIED ||
                                 why->code == DCS_E_LIMIT || why->code == DCS_E_NOT_FOUND));
}

static void read_asked(const struct dcs_json *root, struct dcs_api_asked *ret_asked)
{
    const struct dcs_json *requests = dcs_json_get(root, "requests");
    const struct dcs_json *request =
        dcs_json_is_array(requests) ? dcs_json_first(requests) : requests;

    *ret_asked = (struct dcs_api_asked){ 0 };
    if (!dcs_json_i64(request, "id", &ret_asked->request_id) || ret_asked->request_id < 0)
        ret_asked->request_id = 0;
    if (!dcs_json_i64(root, "certificate_id", &ret_asked->certificate_id) ||
        ret_asked->certificate_id < 0)
        ret_asked->certificate_id = 0;
    dcs_clean_text(dcs_json_text(root, "dcv_random_value"), ret_asked->dcv_token,
                   sizeof(ret_asked->dcv_token));
}

bool dcs_api_ask(struct dcs_api *api, const struct dcs_api_ask *ask,
                 struct dcs_api_asked *ret_asked, enum dcs_tri *ret_taken, struct dcs_err *err)
{
    dcs_auto(dcs_http_answer) struct dcs_http_answer answer = { 0 };
    dcs_auto(dcs_json) struct dcs_json *root = NULL;
    dcs_auto(dcs_buf) struct dcs_buf body = { .max = 1 << 18 };
    struct dcs_err why = { 0 };
    char path[96];
    int before = dcs_api_requests_made(api);
    int64_t answered = 0;

    *ret_taken = DCS_NO;
    snprintf(path, sizeof(path), "/order/certificate/%lld/%s", (long long)ask->order,
             ask->is_duplicate ? "duplicate" : "reissue");
    if (!ask_body(ask, &body, err))
        return false;
    const struct dcs_api_request request = { .method = "POST",
                                             .path = path,
                                             .body = dcs_buf_text(&body),
                                             .max_bytes = CHANGE_ANSWER_MAX,
                                             .place = DCS_API_ORDER,
                                             .check = dcs_api_is_object };
    if (!dcs_api_send(api, &request, &answer, &why) ||
        !dcs_json_parse(dcs_buf_text(&answer.body), answer.body.len, &root, &why)) {
        if (!certainly_not_taken(&why, dcs_api_requests_made(api) > before))
            *ret_taken = DCS_UNKNOWN;
        *err = why;
        return false;
    }
    if (dcs_json_i64(root, "id", &answered) && answered != ask->order) {
        /* Its ids are somebody else's. */
        *ret_taken = DCS_UNKNOWN;
        return dcs_fail(err, DCS_E_AWAY,
                        "asked under order %lld, the service answered about order %lld",
                        (long long)ask->order, (long long)answered);
    }
    *ret_taken = DCS_YES;
    read_asked(root, ret_asked);
    return true;
}

/* ---- what became of it ---- */

/* Keeps the highest ids. */
static void add_unread(struct dcs_api_list_look *look, int64_t id)
{
    size_t at = look->unread_count;

    if (at == DCS_UNREAD_MAX) {
        look->left_out = true;
        if (id <= look->unread[--at])
            return;
    } else {
        look->unread_count++;
    }
    for (; at > 0 && look->unread[at - 1] < id; at--)
        look->unread[at] = look->unread[at - 1];
    look->unread[at] = id;
}

static void look_at_entry(const struct dcs_json *entry, const uint8_t spki_sha256[DCS_SHA256_LEN],
                          struct dcs_api_list_look *look)
{
    const char *csr = dcs_json_text(entry, "csr");
    uint8_t hash[DCS_SHA256_LEN];
    int64_t id = 0;

    if (!dcs_json_i64(entry, "id", &id) || id < 0)
        id = 0;
    if (!csr || !dcs_csr_spki_sha256(csr, hash, NULL)) {
        add_unread(look, id);
        return;
    }
    if (memcmp(hash, spki_sha256, sizeof(hash)) != 0 ||
        (look->found && id <= look->issued.certificate_id))
        return;
    look->found = true;
    look->issued.certificate_id = id;
    dcs_clean_text(dcs_json_text(entry, "status"), look->issued.status,
                   sizeof(look->issued.status));
}

bool dcs_api_find_issued(struct dcs_api *api, int64_t order, bool is_duplicate,
                         const uint8_t spki_sha256[DCS_SHA256_LEN],
                         struct dcs_api_list_look *ret_look, struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *root = NULL;
    char path[128];

    snprintf(path, sizeof(path), "/order/certificate/%lld/%s", (long long)order,
             is_duplicate ? "duplicate?show_archived=true" : "reissue");
    if (!dcs_api_get(api, path, LIST_MAX, DCS_API_ORDER, &root, err))
        return false;
    *ret_look = (struct dcs_api_list_look){ 0 };
    const struct dcs_json *rows = dcs_json_get(root, "certificates"); /* omitted when empty */
    for (const struct dcs_json *r = dcs_json_first(rows); r; r = dcs_json_next(r))
        look_at_entry(r, spki_sha256, ret_look);
    return true;
}

bool dcs_api_request_state(struct dcs_api *api, int64_t request_id,
                           struct dcs_api_request_state *ret_state, struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *root = NULL;
    char path[64];

    snprintf(path, sizeof(path), "/request/%lld", (long long)request_id);
    if (!dcs_api_get(api, path, CHANGE_ANSWER_MAX, DCS_API_ORDER, &root, err))
        return false;
    dcs_clean_text(dcs_json_text(root, "status"), ret_state->status, sizeof(ret_state->status));
    dcs_clean_text(dcs_json_text(root, "processor_comment"), ret_state->comment,
                   sizeof(ret_state->comment));
    return true;
}

/* ---- CT ---- */

bool dcs_api_set_ct(struct dcs_api *api, int64_t order, bool disable, struct dcs_err *err)
{
    dcs_auto(dcs_http_answer) struct dcs_http_answer answer = { 0 };
    char path[96];
    const struct dcs_api_request request = { .method = "PUT",
                                             .path = path,
                                             .body = disable ? "{\"disable_ct\":true}"
                                                             : "{\"disable_ct\":false}",
                                             .max_bytes = CHANGE_ANSWER_MAX,
                                             .place = DCS_API_ORDER };

    snprintf(path, sizeof(path), "/order/certificate/%lld/ct-status", (long long)order);
    return dcs_api_send(api, &request, &answer, err);
}
