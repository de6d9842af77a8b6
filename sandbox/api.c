// SPDX-License-Identifier: Apache-2.0
/*
 * api.c - the routes of the CertCentral Services API, answered as the service does, with its loose
 * typing (facts: omitted keys for empty lists, strings for numbers, an empty body for changes).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api_routes.h"

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
char *sb_segment(const char *path, const char *prefix, const char **ret_rest)
{
    size_t len = strlen(prefix);

    if (strncmp(path, prefix, len) != 0)
        return NULL;
    size_t name = strcspn(path + len, "/");
    *ret_rest = path + len + name;
    return name ? sb_strndup(path + len, name) : NULL;
}

void sb_no_such_order(struct sb_reply *reply)
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
    sb_auto(sb_free_drop) char *name = sb_segment(request->path, "/order/certificate/", &rest);
    struct sb_order *order = name ? sb_world_order_named(request->world, name) : NULL;
    bool is_get = strcmp(request->method, "GET") == 0;

    if (!order)
        sb_no_such_order(reply);
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

const char *sb_certificate_text(const cJSON *row, const char *name)
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
    return strcasecmp(sb_certificate_text(row, "common_name"), wanted) == 0;
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
    if (v && strcasecmp(sb_certificate_text(row, "common_name"), v) != 0)
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
                    sb_certificate_text(row, "common_name"),
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

    /* Only the direction matters to what is kept here: orders are sorted by id. */
    const char *sort = request->query(request->source, "sort");
    bool falling = sort && sort[0] == '-';
    limit = limit < 1 || limit > LIMIT_MAX ? LIMIT_MAX : limit;
    for (size_t i = 0; i < world->order_count; i++) {
        struct sb_order *order = world->orders[falling ? world->order_count - 1 - i : i];
        bool in_page = total >= offset && total < offset + limit;
        cJSON *row = filtered || in_page ? sb_order_row(world, order) : NULL;
        if (filtered && (!row || !passes(request, order, row))) {
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
        sb_no_such_order(reply);
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
    { "/certificate/download/order/", true, sb_order_download_route },
    { "/certificate/intermediates", false, sb_intermediates_route },
    { "/certificate/", true, sb_download_route },
    { "/user/me", false, sb_me_route },
    { "/account", false, sb_account_route },
    { "/organization", false, sb_organization_route },
    { "/domain", false, sb_domain_route },
    { "/product", false, sb_product_route },
    { "/request", false, sb_request_route },
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
