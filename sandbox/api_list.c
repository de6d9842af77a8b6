// SPDX-License-Identifier: Apache-2.0
/* api_list.c - many orders: the listing with its filters, by reference, and what has changed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api_routes.h"

enum { WINDOW_DAYS = 7 };

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

    if (v && strcasecmp(sb_order_status(request->world, order), v) != 0)
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

cJSON *sb_page_of(int64_t total, int64_t limit, int64_t offset)
{
    cJSON *page = cJSON_CreateObject();

    cJSON_AddNumberToObject(page, "total", (double)total);
    cJSON_AddNumberToObject(page, "limit", (double)limit);
    cJSON_AddNumberToObject(page, "offset", (double)offset);
    return page;
}

/* Only what is shown is copied; but a bulk order has nothing else to be judged by. */
static bool matches(const struct sb_request *request, struct sb_order *order)
{
    if (order->info)
        return passes(request, order, order->info);
    cJSON *row = sb_order_row(request->world, order);
    bool good = passes(request, order, row);
    cJSON_Delete(row);
    return good;
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

void sb_list_route(const struct sb_request *request, struct sb_reply *reply)
{
    struct sb_world *world = request->world;
    int64_t limit = sb_query_number(request, "limit", SB_LIMIT_MAX);
    int64_t offset = sb_query_number(request, "offset", 0);
    bool filtered = is_filtered(request);
    cJSON *root = cJSON_CreateObject();
    cJSON *orders = cJSON_CreateArray();
    int64_t total = 0;

    /* Only the direction matters to what is kept here: orders are sorted by id. */
    const char *sort = request->query(request->source, "sort");
    bool falling = sort && sort[0] == '-';
    limit = limit < 1 || limit > SB_LIMIT_MAX ? SB_LIMIT_MAX : limit;
    for (size_t i = 0; i < world->order_count; i++) {
        struct sb_order *order = world->orders[falling ? world->order_count - 1 - i : i];
        bool in_page = total >= offset && total < offset + limit;
        if (filtered && !matches(request, order))
            continue;
        total++;
        if (in_page)
            cJSON_AddItemToArray(orders, sb_order_row(world, order));
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
    cJSON_AddItemToObject(root, "page", sb_page_of(total, limit, offset));
    sb_reply_json(reply, 200, root);
}

static cJSON *reference_of(const struct sb_request *request, const struct sb_order *order)
{
    const struct sb_certificate *c = sb_order_primary(order);
    cJSON *row = cJSON_CreateObject();

    if (!c && order->certificate_count)
        c = &order->certificates[order->certificate_count - 1];
    cJSON_AddNumberToObject(row, "order_id", (double)order->id);
    if (c)
        cJSON_AddNumberToObject(row, "certificate_id", (double)c->id);
    cJSON_AddStringToObject(row, "status", sb_order_status(request->world, order));
    return row;
}

void sb_alternate_route(const struct sb_request *request, struct sb_reply *reply)
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
    cJSON_AddItemToObject(root, "page", sb_page_of(count, SB_LIMIT_MAX, 0));
    sb_reply_json(reply, 200, root);
}

void sb_changes_route(const struct sb_request *request, struct sb_reply *reply)
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
        if (order->info && order->changed >= from && order->changed <= till)
            cJSON_AddItemToArray(orders, reference_of(request, order));
    }
    if (cJSON_GetArraySize(orders) > 0)
        cJSON_AddItemToObject(root, "orders", orders);
    else
        cJSON_Delete(orders);
    sb_reply_json(reply, 200, root);
}
