// SPDX-License-Identifier: Apache-2.0
/* api_reissue.c - POST and GET of reissues and duplicates, and the answers to submissions. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api_check.h"
#include "api_routes.h"
#include "dcv.h"
#include "json.h"
#include "submission.h"

/* ---- answers ---- */

static void add_block(cJSON *list, const char *name, const char *pem)
{
    cJSON *block = cJSON_CreateObject();

    sb_set_text(block, "subject_common_name", name);
    sb_set_text(block, "pem", pem);
    cJSON_AddItemToArray(list, block);
}

/* Blocks of PEM with CR LF, as certificate_chain and /chain hold them: leaf first. */
void sb_add_chain(const struct sb_world *world, const struct sb_certificate *c, cJSON *list)
{
    const char *const pems[] = { c->pem, sb_issuer_intermediate(world->issuer, c->ca),
                                 sb_issuer_root(world->issuer) };
    const char *const names[] = { c->common_name, sb_issuer_name(world->issuer, c->ca),
                                  "Sandbox Global Root G2" };

    for (size_t i = 0; i < SB_COUNT(pems); i++) {
        struct sb_buf text = { 0 };
        sb_add_crlf(&text, pems[i]);
        add_block(list, names[i], sb_buf_text(&text));
        sb_buf_clear(&text);
    }
}

static void add_request(cJSON *root, const cJSON *submission, bool with_status)
{
    cJSON *row = cJSON_CreateObject();

    sb_copy_item(row, submission, "id");
    if (with_status)
        sb_copy_item(row, submission, "status");
    cJSON_AddItemToArray(cJSON_AddArrayToObject(root, "requests"), row);
}

/* Only new orders are told their domains. */
static void add_domains(const struct sb_world *world, cJSON *root, const cJSON *submission,
                        const struct sb_certificate *c)
{
    cJSON *list = cJSON_AddArrayToObject(root, "domains");

    for (size_t i = 0; i < c->names.count; i++) {
        cJSON *row = cJSON_CreateObject();
        cJSON *token = cJSON_CreateObject();
        sb_set_number(row, "id", sb_number_of(sb_dcv_domain(world, c->names.list[i]), "id", 1));
        sb_set_text(row, "name", c->names.list[i]);
        sb_set_text(row, "dns_name", c->names.list[i]);
        sb_copy_item(token, submission, "token");
        sb_set_text(token, "status", "pending");
        sb_set_date(token, "expiration_date", sb_clock_now(&world->clock) + 30 * SB_DAY, true);
        sb_set_item(row, "dcv_token", token);
        cJSON_AddItemToArray(list, row);
    }
}

void sb_reply_submission(const struct sb_request *request, struct sb_order *order,
                         const cJSON *submission, struct sb_reply *reply)
{
    struct sb_world *world = request->world;
    const char *form = sb_switch_text(world, order, "answer", "immediate");
    const char *stage = sb_stage(submission);
    bool is_new = strcmp(sb_text_of(submission, "type", ""), "new_request") == 0;
    const struct sb_certificate *c =
        sb_order_certificate(order, sb_number_of(submission, "certificate_id", 0));
    cJSON *root = cJSON_CreateObject();

    sb_set_number(root, "id", order->id);
    if (strcmp(stage, "approval") == 0 || strcmp(form, "request-only") == 0) {
        add_request(root, submission, is_new || strcmp(stage, "approval") != 0);
        sb_reply_json(reply, 201, root);
        return;
    }
    sb_set_number(root, "certificate_id", sb_number_of(submission, "certificate_id", 0));
    if (strcmp(stage, "dcv") == 0 && c) {
        sb_set_text(root, "dcv_random_value", sb_text_of(submission, "token", ""));
        if (is_new)
            add_domains(world, root, submission, c);
    }
    if (strcmp(stage, "done") == 0 && c && strcmp(form, "immediate") == 0)
        sb_add_chain(world, c, cJSON_AddArrayToObject(root, "certificate_chain"));
    if (sb_switch_is(world, order, "answer_request"))
        add_request(root, submission, true);
    sb_reply_json(reply, 201, root);
}

bool sb_may_skip(const struct sb_request *request, const cJSON *body)
{
    return sb_flag_of(body, "skip_approval") && request->key->may_approve;
}

/* ---- reissue ---- */

/* Codes for these are not documented; a client takes any 400 as final. */
static bool is_reissuable(const struct sb_request *request, struct sb_order *order,
                          struct sb_reply *reply)
{
    static const struct {
        const char *status, *code, *message;
    } reasons[] = {
        { "revoked", "order_is_revoked", "The order has been revoked." },
        { "expired", "order_is_expired", "The order has expired." },
        { "reissue_pending", "reissue_pending", "A reissue of this order is pending already." },
    };
    const char *status = sb_order_status(request->world, order);
    const char *second = sb_switch_text(request->world, order, "second_reissue", "refuse");

    if (strcmp(status, "issued") == 0)
        return true;
    if (strcmp(status, "reissue_pending") == 0 && strcmp(second, "replace") == 0)
        return true;
    for (size_t i = 0; i < SB_COUNT(reasons); i++) {
        if (strcmp(reasons[i].status, status) != 0)
            continue;
        sb_reply_error(reply, 400, reasons[i].code, reasons[i].message);
        return false;
    }
    return sb_refuse_value(reply, "order_status");
}

static struct sb_check check_of(const struct sb_request *request, const struct sb_order *order)
{
    struct sb_check check = { .request = request,
                              .product = sb_order_product(order),
                              .order = order,
                              .order_end = sb_order_end(order) };
    const char *created = sb_text_of(order->info, "date_created", "");

    if (!sb_time_parse(created, &check.order_from))
        check.order_from = sb_clock_now(&request->world->clock);
    return check;
}

void sb_reissue_route(const struct sb_request *request, struct sb_order *order,
                      struct sb_reply *reply)
{
    cJSON *body = sb_body(request, reply);
    const struct sb_check check = check_of(request, order);

    if (body && is_reissuable(request, order, reply) && sb_check_certificate(&check, body, reply)) {
        cJSON *pending = sb_open_submission(order, "reissue");
        if (pending)
            sb_reject(request->world, order, pending, "Replaced by a later reissue.");
        sb_copy_item(order->info, body, "dcv_method");
        const cJSON *s =
            sb_submit(request->world, order, "reissue", body, sb_may_skip(request, body));
        sb_reply_submission(request, order, s, reply);
    }
    cJSON_Delete(body);
}

/* ---- duplicate ---- */

/* Names are the original's: another of them as common name, fewer of them, or below a wildcard. */
static bool are_names_of(const struct sb_certificate *primary, const cJSON *certificate)
{
    struct sb_names wanted = { 0 };
    const char *common_name = sb_text_of(certificate, "common_name", "");
    bool good = true;

    sb_names_of(sb_item(certificate, "dns_names"), &wanted);
    if (*common_name && !sb_names_has(&wanted, common_name))
        sb_names_add(&wanted, common_name);
    for (size_t i = 0; i < wanted.count; i++)
        good = good && (sb_names_has(&primary->names, wanted.list[i]) ||
                        sb_rule_is_below(&primary->names, wanted.list[i]));
    sb_names_clear(&wanted);
    return good;
}

static bool is_duplicable(const struct sb_request *request, struct sb_order *order,
                          const cJSON *body, struct sb_reply *reply)
{
    const struct sb_certificate *primary = sb_order_primary(order);
    const struct sb_check check = check_of(request, order);
    int64_t now = sb_clock_now(&request->world->clock);

    if (!is_reissuable(request, order, reply) || !sb_check_certificate(&check, body, reply))
        return false;
    if (sb_product_is_dv(check.product) || !primary || primary->revoked_at)
        return sb_refuse_value(reply, "order_id");
    if (!are_names_of(primary, sb_item(body, "certificate")))
        return sb_refuse_value(reply, "dns_names");
    /* A duplicate is issued at once or not at all: it cannot wait for validation. */
    if (!sb_dcv_is_open(request->world, order, &primary->names, now))
        return true;
    sb_reply_error(reply, 400, "domain_validation_expired",
                   "The validation of a domain has expired; reissue the certificate first.");
    return false;
}

void sb_duplicate_route(const struct sb_request *request, struct sb_order *order,
                        struct sb_reply *reply)
{
    cJSON *body = sb_body(request, reply);

    if (body && is_duplicable(request, order, body, reply)) {
        const cJSON *s =
            sb_submit(request->world, order, "duplicate", body, sb_may_skip(request, body));
        sb_reply_submission(request, order, s, reply);
    }
    cJSON_Delete(body);
}

/* ---- listings ---- */

static void add_issued(const struct sb_world *world, cJSON *row, const struct sb_certificate *c)
{
    int64_t left = (c->not_after - sb_clock_now(&world->clock)) / SB_DAY;

    sb_set_text(row, "thumbprint", c->thumbprint);
    sb_set_text(row, "serial_number", c->serial);
    sb_set_date(row, "valid_from", c->not_before, false);
    sb_set_date(row, "valid_till", c->not_after, false);
    sb_set_number(row, "days_remaining", left);
    sb_set_number(row, "key_size", c->key_size);
    sb_set_text(row, "ca_cert_id", sb_issuer_id(world->issuer, c->ca));
    if (c->revoke_due)
        sb_set_date(row, "revocation_date", c->revoke_due, true);
}

static cJSON *row_of(const struct sb_world *world, const struct sb_certificate *c)
{
    static const char *const states[] = { "issued", "pending", "rejected" };
    cJSON *row = cJSON_CreateObject();
    cJSON *platform = cJSON_CreateObject();

    sb_set_number(row, "id", c->id);
    if (c->state == SB_ISSUED)
        add_issued(world, row, c);
    sb_set_text(row, "common_name", c->common_name);
    sb_set_item(row, "dns_names", sb_names_json(&c->names));
    sb_set_text(row, "status",
                c->revoked_at   ? "revoked"
                : c->revoke_due ? "revocation_pending"
                                : states[c->state]);
    sb_set_date(row, "date_created", c->created, true);
    sb_set_text(row, "csr", c->csr);
    sb_set_number(platform, "id", -1);
    sb_set_text(platform, "name", "OTHER");
    sb_set_item(row, "server_platform", platform);
    sb_set_text(row, "signature_hash", c->hash ? c->hash : "sha256");
    return row;
}

static void add_duplicate_facts(cJSON *row, const struct sb_certificate *c, int number)
{
    sb_auto(sb_free_drop) char *sub = sb_format("%03d", number);
    sb_auto(sb_free_drop) char *public = sb_format("%llX", (unsigned long long)c->id);

    sb_set_text(row, "sub_id", sub);
    sb_set_text(row, "public_id", public);
    sb_set_text(row, "archived", "0");
    sb_set_number(row, "user_id", 31);
    sb_set_text(row, "firstname", "Sand");
    sb_set_text(row, "lastname", "Box");
}

/* The empty list is {}. The reissue list was seen to begin with the first certificate. */
void sb_certificate_list(const struct sb_request *request, struct sb_order *order, const char *kind,
                         struct sb_reply *reply)
{
    cJSON *root = cJSON_CreateObject();
    cJSON *list = cJSON_CreateArray();
    bool repeats = request->world->settings.list_repeats_primary && strcmp(kind, "reissue") == 0;

    for (size_t i = 0; i < order->certificate_count; i++) {
        const struct sb_certificate *c = &order->certificates[i];
        bool listed = strcmp(c->kind, kind) == 0;
        if (!listed && !(repeats && i == 0 && order->certificate_count > 1))
            continue;
        cJSON *row = row_of(request->world, c);
        cJSON_AddItemToArray(list, row);
        if (strcmp(kind, "duplicate") == 0)
            add_duplicate_facts(row, c, cJSON_GetArraySize(list));
    }
    if (cJSON_GetArraySize(list) > 0)
        cJSON_AddItemToObject(root, "certificates", list);
    else
        cJSON_Delete(list);
    sb_reply_json(reply, 200, root);
}
