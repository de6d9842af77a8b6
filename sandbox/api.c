// SPDX-License-Identifier: Apache-2.0
/*
 * api.c - the routes of the CertCentral Services API, answered as the service does, with its loose
 * typing (facts: omitted keys for empty lists, strings for numbers, an empty body for changes).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "reply.h"

enum { LIMIT_MAX = 1000, WINDOW_DAYS = 7 };

void sb_reply_json(struct sb_reply *reply, int status, cJSON *json)
{
    char *text = cJSON_PrintUnformatted(json);

    reply->status = status;
    reply->content_type = "application/json";
    /* The service escapes slashes, as PHP does. */
    for (const char *at = text; at && *at; at++)
        sb_buf_adds(&reply->body, *at == '/' ? "\\/" : (char[]){ *at, '\0' });
    cJSON_free(text);
    cJSON_Delete(json);
}

void sb_reply_error(struct sb_reply *reply, int status, const char *code, const char *message)
{
    cJSON *root = cJSON_CreateObject();
    cJSON *error = cJSON_CreateObject();

    cJSON_AddStringToObject(error, "code", code);
    cJSON_AddStringToObject(error, "message", message);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(root, "errors"), error);
    sb_reply_json(reply, status, root);
}

int64_t sb_query_number(const struct sb_request *request, const char *name, int64_t otherwise)
{
    const char *text = request->query(request->source, name);
    int64_t number = otherwise;

    return text && sb_parse_number(text, 0, INT64_MAX, &number) ? number : otherwise;
}

/* ---- what a path names ---- */

/* The part of the path between prefix and the next slash; *ret_rest what follows. */
static char *segment(const char *path, const char *prefix, const char **ret_rest)
{
    size_t len = strlen(prefix);

    if (strncmp(path, prefix, len) != 0)
        return NULL;
    size_t name = strcspn(path + len, "/");
    *ret_rest = path + len + name;
    return name ? sb_strndup(path + len, name) : NULL;
}

static void no_such_order(struct sb_reply *reply)
{
    sb_reply_error(reply, 404, "not_found|order", "The specified order could not be found.");
}

/* ---- orders ---- */

static void list_certificates(struct sb_order *order, const char *kind, struct sb_reply *reply)
{
    cJSON *root = cJSON_CreateObject();
    cJSON *list = cJSON_CreateArray();

    for (size_t i = 0; i < order->certificate_count; i++) {
        const struct sb_certificate *c = &order->certificates[i];
        /* The reissue list was seen to repeat the primary. */
        if (strcmp(c->kind, kind) != 0 &&
            !(strcmp(kind, "reissue") == 0 && i == 0 && order->certificate_count > 1))
            continue;
        cJSON *row = cJSON_CreateObject();
        cJSON_AddNumberToObject(row, "id", (double)c->id);
        cJSON_AddStringToObject(row, "serial_number", c->serial);
        cJSON_AddStringToObject(row, "thumbprint", c->thumbprint);
        cJSON_AddStringToObject(row, "status", c->revoked ? "revoked" : "issued");
        cJSON_AddItemToArray(list, row);
    }
    if (cJSON_GetArraySize(list) > 0)
        cJSON_AddItemToObject(root, "certificates", list);
    else
        cJSON_Delete(list); /* an empty answer is {} */
    sb_reply_json(reply, 200, root);
}

static void ct_status(const struct sb_request *request, struct sb_order *order,
                      struct sb_reply *reply)
{
    cJSON *body = cJSON_Parse(request->body);
    const cJSON *disable = cJSON_GetObjectItemCaseSensitive(body, "disable_ct");

    if (!body)
        sb_reply_error(reply, 400, "bad_request_format", "The request body is not valid JSON.");
    else if (request->world->settings.ct_off)
        sb_reply_error(reply, 400, "cert_transparency_turned_off_for_account",
                       "CT logging is turned off for your account.");
    else if (!cJSON_IsBool(disable))
        sb_reply_error(reply, 400, "invalid_value:disable_ct",
                       "disable_ct contains an invalid value.");
    else {
        cJSON_DeleteItemFromObjectCaseSensitive(order->info, "disable_ct");
        cJSON_AddBoolToObject(order->info, "disable_ct", cJSON_IsTrue(disable));
        reply->status = sb_world_save(request->world) ? 204 : 500;
    }
    cJSON_Delete(body);
}

static void order_info(const struct sb_request *request, struct sb_order *order,
                       struct sb_reply *reply)
{
    cJSON *info = sb_order_info(request->world, order);

    if (info)
        sb_reply_json(reply, 200, info);
    else
        sb_reply_error(reply, 500, "internal_error", "The order's certificate cannot be made.");
}

static void order_route(const struct sb_request *request, struct sb_reply *reply)
{
    const char *rest = NULL;
    sb_auto(sb_free_drop) char *name = segment(request->path, "/order/certificate/", &rest);
    struct sb_order *order = name ? sb_world_order_named(request->world, name) : NULL;
    bool is_get = strcmp(request->method, "GET") == 0;

    if (!order)
        no_such_order(reply);
    else if (!*rest && is_get)
        order_info(request, order, reply);
    else if (strcmp(rest, "/reissue") == 0 && is_get)
        list_certificates(order, "reissue", reply);
    else if (strcmp(rest, "/duplicate") == 0 && is_get)
        list_certificates(order, "duplicate", reply);
    else if (strcmp(rest, "/ct-status") == 0 && strcmp(request->method, "PUT") == 0 && order->info)
        ct_status(request, order, reply);
    else
        sb_reply_error(reply, 404, "not_found|route", "The specified route could not be found.");
}

/* ---- listings ---- */

static const char *certificate_text(const cJSON *row, const char *name)
{
    const cJSON *certificate = cJSON_GetObjectItemCaseSensitive(row, "certificate");
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(certificate, name));

    return text ? text : "";
}

static bool has_domain(const cJSON *row, const char *wanted)
{
    const cJSON *certificate = cJSON_GetObjectItemCaseSensitive(row, "certificate");
    const cJSON *name = NULL;

    cJSON_ArrayForEach(name,
                       cJSON_GetObjectItemCaseSensitive(
                           certificate, "dns_names")) if (cJSON_IsString(name) &&
                                                          strcasecmp(name->valuestring, wanted) ==
                                                              0) return true;
    return strcasecmp(certificate_text(row, "common_name"), wanted) == 0;
}

static bool has_certificate(const struct sb_order *order, const char *wanted, bool by_serial)
{
    for (size_t i = 0; i < order->certificate_count; i++) {
        char id[24];
        snprintf(id, sizeof(id), "%lld", (long long)order->certificates[i].id);
        if (strcasecmp(by_serial ? order->certificates[i].serial : id, wanted) == 0)
            return true;
    }
    return false;
}

static bool top_text_is(const cJSON *row, const char *name, const char *wanted)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(row, name));

    return text && strcasecmp(text, wanted) == 0;
}

/* "Issued" as a filter includes orders whose certificate has expired. */
static bool passes(const struct sb_request *request, const struct sb_order *order, const cJSON *row)
{
    const char *v = request->query(request->source, "filters[status]");

    if (v && !top_text_is(row, "status", v))
        return false;
    v = request->query(request->source, "filters[common_name]");
    if (v && strcasecmp(certificate_text(row, "common_name"), v) != 0)
        return false;
    v = request->query(request->source, "filters[domain_name]");
    if (v && !has_domain(row, v))
        return false;
    v = request->query(request->source, "filters[product_name_id]");
    if (v && !top_text_is(row, "product_name_id", v))
        return false;
    v = request->query(request->source, "filters[serial_number]");
    if (v && !has_certificate(order, v, true))
        return false;
    v = request->query(request->source, "filters[certificate_id]");
    if (v && !has_certificate(order, v, false))
        return false;
    v = request->query(request->source, "filters[id]");
    return !v || strtoll(v, NULL, 10) == order->id;
}

static bool is_filtered(const struct sb_request *request)
{
    static const char *const filters[] = {
        "status",        "common_name",    "domain_name", "product_name_id",
        "serial_number", "certificate_id", "id"
    };

    for (size_t i = 0; i < SB_COUNT(filters); i++) {
        char name[64];
        snprintf(name, sizeof(name), "filters[%s]", filters[i]);
        if (request->query(request->source, name))
            return true;
    }
    return false;
}

static cJSON *page_of(int64_t total, int64_t limit, int64_t offset)
{
    cJSON *page = cJSON_CreateObject();

    cJSON_AddNumberToObject(page, "total", (double)total);
    cJSON_AddNumberToObject(page, "limit", (double)limit);
    cJSON_AddNumberToObject(page, "offset", (double)offset);
    return page;
}

static void list_csv(const cJSON *orders, struct sb_reply *reply)
{
    const cJSON *row = NULL;

    sb_buf_adds(&reply->body, "Order ID,Common Name,Status\r\n");
    cJSON_ArrayForEach(row, orders)
        sb_buf_addf(&reply->body, "%.0f,%s,%s\r\n",
                    cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(row, "id")),
                    certificate_text(row, "common_name"),
                    cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(row, "status")));
    reply->status = 200;
    reply->content_type = "text/csv";
}

static void list_route(const struct sb_request *request, struct sb_reply *reply)
{
    struct sb_world *world = request->world;
    int64_t limit = sb_query_number(request, "limit", LIMIT_MAX);
    int64_t offset = sb_query_number(request, "offset", 0);
    bool filtered = is_filtered(request);
    cJSON *root = cJSON_CreateObject();
    cJSON *orders = cJSON_CreateArray();
    int64_t total = 0;

    limit = limit < 1 || limit > LIMIT_MAX ? LIMIT_MAX : limit;
    for (size_t i = 0; i < world->order_count; i++) {
        bool in_page = total >= offset && total < offset + limit;
        cJSON *row = filtered || in_page ? sb_order_row(world, world->orders[i]) : NULL;
        if (filtered && (!row || !passes(request, world->orders[i], row))) {
            cJSON_Delete(row);
            continue;
        }
        total++;
        if (in_page && row)
            cJSON_AddItemToArray(orders, row);
        else
            cJSON_Delete(row);
    }
    if (request->accept && strstr(request->accept, "text/csv")) {
        list_csv(orders, reply);
        cJSON_Delete(orders);
        cJSON_Delete(root);
        return;
    }
    if (cJSON_GetArraySize(orders) > 0)
        cJSON_AddItemToObject(root, "orders", orders);
    else
        cJSON_Delete(orders); /* the key is omitted when there is none */
    cJSON_AddItemToObject(root, "page", page_of(total, limit, offset));
    sb_reply_json(reply, 200, root);
}

static cJSON *reference_of(const struct sb_request *request, struct sb_order *order)
{
    cJSON *info = sb_order_info(request->world, order);
    cJSON *row = cJSON_CreateObject();

    cJSON_AddNumberToObject(row, "order_id", (double)order->id);
    if (order->certificate_count)
        cJSON_AddNumberToObject(row, "certificate_id",
                                (double)order->certificates[order->certificate_count - 1].id);
    cJSON_AddStringToObject(row, "status",
                            cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(info, "status")));
    cJSON_Delete(info);
    return row;
}

static void alternate_route(const struct sb_request *request, struct sb_reply *reply)
{
    const char *reference = request->path + strlen("/order/alternate/");
    cJSON *root = cJSON_CreateObject();
    cJSON *orders = cJSON_AddArrayToObject(root, "orders");

    for (size_t i = 0; i < request->world->order_count; i++) {
        struct sb_order *order = request->world->orders[i];
        if (order->info && top_text_is(order->info, "alternative_order_id", reference))
            cJSON_AddItemToArray(orders, reference_of(request, order));
    }
    int count = cJSON_GetArraySize(orders);
    if (count == 0) {
        cJSON_Delete(root);
        no_such_order(reply);
        return;
    }
    cJSON_AddItemToObject(root, "page", page_of(count, LIMIT_MAX, 0));
    sb_reply_json(reply, 200, root);
}

static void changes_route(const struct sb_request *request, struct sb_reply *reply)
{
    int64_t span =
        sb_query_number(request, "minutes", 0) * 60 + sb_query_number(request, "seconds", 0);
    const char *range = request->query(request->source, "filters[status_last_updated]");
    int64_t now = sb_clock_now(&request->world->clock);
    int64_t from = now - span;
    int64_t till = now;
    cJSON *root = cJSON_CreateObject();
    cJSON *orders = cJSON_CreateArray();

    if (range) {
        const char *dots = strstr(range, "...");
        sb_auto(sb_free_drop) char *first =
            sb_strndup(range, dots ? (size_t)(dots - range) : strlen(range));
        if (!dots || !sb_time_parse(first, &from) || !sb_time_parse(dots + 3, &till))
            span = -1;
        from = sb_time_from_mountain(from); /* the filter is in Mountain Time */
        till = sb_time_from_mountain(till);
        span = span < 0 ? span : till - from;
    }
    if (span <= 0 || span > WINDOW_DAYS * SB_DAY) {
        cJSON_Delete(orders);
        cJSON_Delete(root);
        sb_reply_error(reply, 400, span > 0 ? "time_frame_too_long" : "invalid_value:minutes",
                       span > 0 ? "The time frame may be 7 days at most."
                                : "A time frame is required.");
        return;
    }
    for (size_t i = 0; i < request->world->order_count; i++) {
        struct sb_order *order = request->world->orders[i];
        int64_t changed = 0;
        const char *text =
            cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(order->info, "date_created"));
        if (order->info && text && sb_time_parse(text, &changed) && changed >= from &&
            changed <= till)
            cJSON_AddItemToArray(orders, reference_of(request, order));
    }
    if (cJSON_GetArraySize(orders) > 0)
        cJSON_AddItemToObject(root, "orders", orders);
    else
        cJSON_Delete(orders);
    sb_reply_json(reply, 200, root);
}

/* ---- downloads ---- */

static const struct {
    const char *name;
    bool chain, root;
} formats[] = {
    { "pem_all", true, true },
    { "pem_noroot", true, false },
    { "pem_nointermediate", false, false },
    { "29", true, true }, /* the platform that means pem_all */
};

static void not_issued(const struct sb_request *request, struct sb_reply *reply)
{
    int status = request->world->settings.not_issued_status;

    sb_reply_error(reply, status, status == 404 ? "not_found" : "certificate_not_issued",
                   "The certificate is not available for download.");
}

static void send_pem(const struct sb_request *request, struct sb_order *order,
                     struct sb_certificate *certificate, const char *format, struct sb_reply *reply)
{
    for (size_t i = 0; i < SB_COUNT(formats); i++) {
        if (strcmp(formats[i].name, format) != 0)
            continue;
        if (!sb_order_pem(request->world, order, certificate, formats[i].chain, formats[i].root,
                          &reply->body)) {
            not_issued(request, reply);
            return;
        }
        reply->status = 200;
        reply->content_type = "application/x-pem-file";
        return;
    }
    sb_reply_error(reply, 400, "invalid_value:format", "format contains an invalid value.");
}

static void add_block(cJSON *list, const char *name, const char *pem)
{
    cJSON *entry = cJSON_CreateObject();

    cJSON_AddStringToObject(entry, "subject_common_name", name);
    cJSON_AddStringToObject(entry, "pem", pem);
    cJSON_AddItemToArray(list, entry);
}

/* Despite its name it holds the leaf first. */
static void chain_route(const struct sb_request *request, struct sb_order *order,
                        struct sb_certificate *certificate, struct sb_reply *reply)
{
    struct sb_buf leaf = { 0 };
    cJSON *root = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(root, "intermediates");

    if (sb_order_pem(request->world, order, certificate, false, false, &leaf)) {
        add_block(list, certificate_text(order->info, "common_name"), sb_buf_text(&leaf));
        add_block(list, sb_issuer_name(request->world->issuer),
                  sb_issuer_intermediate(request->world->issuer));
        add_block(list, "Sandbox Global Root G2", sb_issuer_root(request->world->issuer));
    }
    sb_buf_clear(&leaf);
    sb_reply_json(reply, 200, root);
}

static void download_route(const struct sb_request *request, struct sb_reply *reply)
{
    const char *rest = NULL;
    sb_auto(sb_free_drop) char *name = segment(request->path, "/certificate/", &rest);
    struct sb_certificate *certificate = NULL;
    int64_t id = 0;

    struct sb_order *order = name && sb_parse_number(name, 1, INT64_MAX, &id)
                                 ? sb_world_certificate(request->world, id, &certificate)
                                 : NULL;
    if (!order)
        not_issued(request, reply);
    else if (strcmp(rest, "/chain") == 0)
        chain_route(request, order, certificate, reply);
    else if (strncmp(rest, "/download/format/", 17) == 0)
        send_pem(request, order, certificate, rest + 17, reply);
    else if (strncmp(rest, "/download/platform/", 19) == 0)
        send_pem(request, order, certificate, rest + 19, reply);
    else
        sb_reply_error(reply, 404, "not_found|route", "The specified route could not be found.");
}

static void order_download_route(const struct sb_request *request, struct sb_reply *reply)
{
    const char *rest = NULL;
    sb_auto(sb_free_drop) char *name =
        segment(request->path, "/certificate/download/order/", &rest);
    struct sb_order *order = name ? sb_world_order_named(request->world, name) : NULL;

    if (!order)
        no_such_order(reply);
    else if (order->certificate_count == 0)
        not_issued(request, reply);
    else
        send_pem(request, order, &order->certificates[order->certificate_count - 1],
                 strncmp(rest, "/format/", 8) == 0 ? rest + 8 : "pem_all", reply);
}

/* ---- the account ---- */

static void reply_text(struct sb_reply *reply, const char *json)
{
    sb_reply_json(reply, 200, cJSON_Parse(json));
}

static void me_route(const struct sb_request *request, struct sb_reply *reply)
{
    cJSON *root = cJSON_Parse("{\"id\":31,\"username\":\"sandbox.user\",\"account_id\":5153184,"
                              "\"first_name\":\"Sand\",\"last_name\":\"Box\",\"status\":\"active\","
                              "\"type\":\"standard\",\"is_cert_central\":true}");
    cJSON *role = cJSON_CreateObject();
    bool admin = request->key->role == SB_ROLE_NONE;

    cJSON_AddNumberToObject(role, "id", admin ? 1 : 5);
    cJSON_AddStringToObject(role, "name", admin ? "Administrator" : "Standard User");
    cJSON_AddItemToArray(cJSON_AddArrayToObject(root, "access_roles"), role);
    sb_reply_json(reply, 200, root);
}

static void account_route(const struct sb_request *request, struct sb_reply *reply)
{
    cJSON *root = cJSON_Parse("{\"id\":5153184,\"primary_organization_name\":\"Example Net Ltd\","
                              "\"cert_central_type\":\"retail\",\"ent_support_plan\":\"1\"}");

    cJSON_AddStringToObject(root, "cert_transparency",
                            request->world->settings.ct_off ? "disabled" : "embed");
    sb_reply_json(reply, 200, root);
}

static void organization_route(const struct sb_request *request, struct sb_reply *reply)
{
    (void)request;
    reply_text(
        reply,
        "{\"organizations\":[{\"id\":112200,\"status\":\"active\",\"name\":\"Example Net Ltd\","
        "\"is_active\":true}],\"page\":{\"total\":1,\"limit\":1000,\"offset\":0}}");
}

static void domain_route(const struct sb_request *request, struct sb_reply *reply)
{
    (void)request;
    reply_text(
        reply,
        "{\"domains\":[{\"id\":1,\"is_active\":true,\"name\":\"example.com\",\"organization\":"
        "{\"id\":112200,\"is_active\":\"1\"}}],\"page\":{\"total\":1,\"limit\":0,\"offset\":0}}");
}

static void product_route(const struct sb_request *request, struct sb_reply *reply)
{
    (void)request;
    reply_text(
        reply,
        "{\"products\":[{\"group_name\":\"SSL\",\"name_id\":\"ssl_basic\",\"name\":\"Basic OV\","
        "\"type\":\"ssl_certificate\",\"csr_required\":true}]}");
}

static void request_route(const struct sb_request *request, struct sb_reply *reply)
{
    (void)request;
    reply_text(reply, "{\"page\":{\"total\":0,\"limit\":1000,\"offset\":0}}");
}

static void intermediates_route(const struct sb_request *request, struct sb_reply *reply)
{
    cJSON *root = cJSON_CreateObject();
    cJSON *row = cJSON_CreateObject();

    cJSON_AddStringToObject(row, "subject_common_name", sb_issuer_name(request->world->issuer));
    cJSON_AddStringToObject(row, "is_private", "0");
    cJSON_AddItemToArray(cJSON_AddArrayToObject(root, "intermediates"), row);
    sb_reply_json(reply, 200, root);
}

/* ---- the table ---- */

static const struct {
    const char *path;
    bool is_prefix;
    void (*answer)(const struct sb_request *, struct sb_reply *);
} routes[] = {
    { "/order/certificate/status-changes", false, changes_route },
    { "/order/certificate", false, list_route },
    { "/order/certificate/", true, order_route },
    { "/order/alternate/", true, alternate_route },
    { "/certificate/download/order/", true, order_download_route },
    { "/certificate/intermediates", false, intermediates_route },
    { "/certificate/", true, download_route },
    { "/user/me", false, me_route },
    { "/account", false, account_route },
    { "/organization", false, organization_route },
    { "/domain", false, domain_route },
    { "/product", false, product_route },
    { "/request", false, request_route },
};

void sb_api_answer(const struct sb_request *request, struct sb_reply *reply)
{
    bool is_get = strcmp(request->method, "GET") == 0;

    if (!request->key || request->key->revoked) {
        sb_reply_error(reply, 403, "access_denied|access_denied_invalid_key",
                       "Access denied due to access_denied_invalid_key.");
        return;
    }
    if ((request->key->role == SB_ROLE_VIEW && !is_get) || request->key->role == SB_ROLE_USERS) {
        sb_reply_error(reply, 403, "access_denied|missing_permission",
                       "Your API key lacks the permission for this request.");
        return;
    }
    for (size_t i = 0; i < SB_COUNT(routes); i++) {
        if (routes[i].is_prefix
                ? strncmp(routes[i].path, request->path, strlen(routes[i].path)) != 0
                : strcmp(routes[i].path, request->path) != 0)
            continue;
        routes[i].answer(request, reply);
        return;
    }
    sb_reply_error(reply, 404, "not_found|route", "The specified route could not be found.");
}
