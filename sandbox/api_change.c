// SPDX-License-Identifier: Apache-2.0
/* api_change.c - PUT on orders and certificates: CT, status, revocation, auto-reissue, DCV check. */
#include <string.h>
#include <strings.h>

#include "api_check.h"
#include "api_routes.h"
#include "json.h"
#include "submission.h"

static void changed(const struct sb_request *request, struct sb_order *order,
                    struct sb_reply *reply)
{
    sb_world_touch(request->world, order);
    reply->status = 204;
}

/* ---- CT ---- */

void sb_ct_status_route(const struct sb_request *request, struct sb_order *order,
                        struct sb_reply *reply)
{
    const struct sb_settings *settings = &request->world->settings;
    const char *status = sb_order_status(request->world, order);
    cJSON *body = sb_body(request, reply);
    const cJSON *disable = sb_item(body, "disable_ct");

    if (!body)
        return;
    if (settings->ct_off) {
        sb_reply_error(reply, 400, "cert_transparency_turned_off_for_account",
                       "CT logging is turned off for your account.");
    } else if (!settings->per_request_ct || !sb_product_is_public(sb_order_product(order)) ||
               !cJSON_IsBool(disable)) {
        sb_refuse_value(reply, "disable_ct");
    } else if (strcmp(status, "revoked") == 0 || strcmp(status, "expired") == 0) {
        sb_refuse_value(reply, "order_status");
    } else {
        sb_set_flag(order->info, "disable_ct", cJSON_IsTrue(disable));
        changed(request, order, reply);
    }
    cJSON_Delete(body);
}

/* ---- cancelling ---- */

/* The order's own submission, or its reissue: what cancelling takes back. */
static void cancel(const struct sb_request *request, struct sb_order *order, const char *note,
                   struct sb_reply *reply)
{
    cJSON *reissue = sb_open_submission(order, "reissue");
    cJSON *fresh = sb_open_submission(order, "new_request");
    const char *status = sb_order_status(request->world, order);
    bool waits = strcmp(status, "pending") == 0 || strcmp(status, "waiting_pickup") == 0;

    if (!note || !*note) {
        sb_refuse_missing(reply, "note");
        return;
    }
    if (!waits && !reissue) {
        sb_refuse_value(reply, "status");
        return;
    }
    if (reissue || fresh)
        sb_reject(request->world, order, reissue ? reissue : fresh, note);
    if (!reissue)
        sb_order_set_status(request->world, order, "canceled");
    changed(request, order, reply);
}

/* Lower case today, upper case in earlier pages; both are sent by clients. */
void sb_status_route(const struct sb_request *request, struct sb_order *order,
                     struct sb_reply *reply)
{
    cJSON *body = sb_body(request, reply);
    const char *status = sb_text_of(body, "status", "");

    if (body && strcasecmp(status, "canceled") == 0)
        cancel(request, order, sb_text_of(body, "note", NULL), reply);
    else if (body)
        sb_refuse_value(reply, "status");
    cJSON_Delete(body);
}

/* ---- revocation ---- */

static bool check_revocation(const struct sb_request *request, const struct sb_order *order,
                             const cJSON *body, struct sb_reply *reply)
{
    static const char *const reasons[] = { "unspecified", "key_compromise", "affiliation_changed",
                                           "superseded", "cessation_of_operation" };
    const char *reason = sb_text_of(body, "revocation_reason", NULL);

    (void)request;
    if (sb_open_submission(order, "reissue")) {
        sb_reply_error(reply, 400, "reissue_pending",
                       "A certificate cannot be revoked while a reissue is pending.");
        return false;
    }
    if (strcmp(sb_text_of(order->info, "status", ""), "revoked") == 0) {
        sb_reply_error(reply, 400, "order_already_revoked", "The order has been revoked already.");
        return false;
    }
    if (!sb_order_primary(order))
        return sb_refuse_value(reply, "order_status");
    /* Only TLS has reasons; elsewhere they are ignored. */
    return !reason || !sb_product_is_tls(sb_order_product(order)) ||
           sb_find_name(reasons, SB_COUNT(reasons), reason) >= 0 ||
           sb_refuse_value(reply, "revocation_reason");
}

static void reply_revocation(const cJSON *submission, struct sb_reply *reply)
{
    static const char *const shown[] = { "id", "date", "type", "status", "comments" };
    cJSON *root = cJSON_CreateObject();
    cJSON *requester = cJSON_Parse("{\"id\":31,\"first_name\":\"Sand\",\"last_name\":\"Box\"}");

    for (size_t i = 0; i < SB_COUNT(shown); i++)
        sb_copy_item(root, submission, shown[i]);
    sb_set_item(root, "requester", requester);
    sb_reply_json(reply, 201, root);
}

/* certificate NULL: the whole order. */
static void revoke(const struct sb_request *request, struct sb_order *order,
                   const struct sb_certificate *certificate, struct sb_reply *reply)
{
    cJSON *body = sb_body(request, reply);

    if (!body || !check_revocation(request, order, body, reply)) {
        cJSON_Delete(body);
        return;
    }
    bool skip = sb_may_skip(request, body);
    if (skip)
        sb_set_item(body, "comments", NULL); /* not stored then */
    else if (!sb_item(body, "comments"))
        sb_copy_item(body, body, "comment");
    if (certificate)
        sb_set_number(body, "certificate_id", certificate->id);
    else
        sb_set_item(body, "certificate_id", NULL);
    const cJSON *s = sb_submit(request->world, order, "revoke", body, skip);
    if (sb_is_open(s))
        reply_revocation(s, reply);
    else
        changed(request, order, reply);
    cJSON_Delete(body);
}

void sb_revoke_order_route(const struct sb_request *request, struct sb_order *order,
                           struct sb_reply *reply)
{
    revoke(request, order, NULL, reply);
}

void sb_revoke_certificate_route(const struct sb_request *request, const char *name,
                                 struct sb_reply *reply)
{
    struct sb_world *world = request->world;
    struct sb_certificate *certificate = NULL;
    int64_t id = 0;
    struct sb_order *order = strlen(name) < 19 && sb_parse_number(name, 1, INT64_MAX, &id)
                                 ? sb_world_certificate(world, id, &certificate)
                                 : sb_world_certificate_by_serial(world, name, &certificate);

    if (order && sb_world_real(world, order) && !certificate)
        certificate = sb_order_certificate(order, id);
    if (!order || !certificate || certificate->state != SB_ISSUED)
        sb_reply_error(reply, 404, "not_found", "The certificate could not be found.");
    else if (certificate->revoked_at)
        sb_reply_error(reply, 400, "certificate_already_revoked",
                       "The certificate has been revoked already.");
    else
        revoke(request, order, certificate, reply);
}

/* ---- auto-reissue ---- */

void sb_auto_reissue_route(const struct sb_request *request, struct sb_order *order,
                           struct sb_reply *reply)
{
    cJSON *body = sb_body(request, reply);
    const cJSON *wish = sb_item(body, "auto_reissue");
    bool plan = strcmp(sb_text_of(order->info, "is_multi_year_plan", "0"), "1") == 0;

    if (body && (!cJSON_IsNumber(wish) || (wish->valuedouble != 0 && wish->valuedouble != 1) ||
                 (wish->valuedouble == 1 && !plan))) {
        sb_refuse_value(reply, "auto_reissue");
    } else if (body) {
        sb_copy_item(order->info, body, "auto_reissue");
        sb_world_expect(request->world, 1); /* it may be due at once */
        changed(request, order, reply);
    }
    cJSON_Delete(body);
}

/* ---- DCV ---- */

/* What the CA says when it does not find the token. */
static bool find_records(const struct sb_request *request, const struct sb_order *order,
                         struct sb_reply *reply)
{
    const char *method = sb_text_of(order->info, "dcv_method", "email");
    bool by_file = strncmp(method, "http-token", 10) == 0;

    if (strcmp(method, "email") == 0)
        sb_reply_error(reply, 400, "invalid_dns_method", "The order is validated by email.");
    else if (sb_switch_is(request->world, order, "dcv_published"))
        return true;
    else if (by_file)
        sb_reply_error(reply, 400, "file_random_value_not_found",
                       "Could not find the random value in the file.");
    else
        sb_reply_error(reply, 400, "invalid_dns_txt",
                       "Could not find a valid TXT record for one or more domains.");
    return false;
}

static cJSON *dcv_report(const struct sb_request *request, const struct sb_order *order,
                         const struct sb_certificate *c)
{
    cJSON *root = cJSON_CreateObject();
    cJSON *list = cJSON_CreateArray();

    sb_set_text(root, "order_status", sb_order_status(request->world, order));
    sb_set_text(root, "dcv_status", "valid");
    if (c)
        sb_set_number(root, "certificate_id", c->id);
    for (size_t i = 0; c && i < c->names.count; i++) {
        cJSON *row = cJSON_CreateObject();
        sb_set_text(row, "dns_name", c->names.list[i]);
        sb_set_text(row, "status", "approved");
        cJSON_AddItemToArray(list, row);
    }
    sb_set_item(root, "dns_name_validations", list);
    return root;
}

/* The check itself may complete the issuance; no certificate comes in the answer. */
void sb_check_dcv_route(const struct sb_request *request, struct sb_order *order,
                        struct sb_reply *reply)
{
    cJSON *s = sb_open_submission(order, NULL);
    const struct sb_certificate *c =
        s ? sb_order_certificate(order, sb_number_of(s, "certificate_id", 0))
          : sb_order_primary(order);

    if (s && sb_flag_of(s, "dcv")) {
        if (!find_records(request, order, reply))
            return;
        sb_validated(request->world, order, s);
    }
    sb_reply_json(reply, 200, dcv_report(request, order, c));
}
