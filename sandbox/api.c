// SPDX-License-Identifier: Apache-2.0
/*
 * api.c - the routes of the CertCentral Services API, answered as the service does, with its loose
 * typing (facts: omitted keys for empty lists, strings for numbers, an empty body for changes).
 */
#include <string.h>

#include "api_routes.h"

void sb_reply_json(struct sb_reply *reply, int status, cJSON *json)
{
    char *text = cJSON_PrintUnformatted(json);

    reply->status = status;
    reply->content_type = "application/json";
    /* The service escapes slashes, as PHP does. */
    for (const char *at = text; at && *at;) {
        size_t plain = strcspn(at, "/");
        sb_buf_add(&reply->body, at, plain);
        at += plain;
        if (*at++ == '/')
            sb_buf_adds(&reply->body, "\\/");
        else
            break;
    }
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

void sb_no_such_route(struct sb_reply *reply)
{
    sb_reply_error(reply, 404, "not_found|route", "The specified route could not be found.");
}

/* ---- the table ---- */

/* What a key must be restricted to, or less, to use a route. */
enum area { ORDERS, DOMAINS, ACCOUNT, USERS };

static const struct route {
    const char *path;
    bool is_prefix;
    enum area area;
    sb_route *answer;
} routes[] = {
    { "/order/certificate/status-changes", false, ORDERS, sb_changes_route },
    { "/order/certificate", false, ORDERS, sb_list_route },
    { "/order/certificate/", true, ORDERS, sb_one_order_route },
    { "/order/alternate/", true, ORDERS, sb_alternate_route },
    { "/certificate/download/order/", true, ORDERS, sb_order_download_route },
    { "/certificate/intermediates", false, ORDERS, sb_intermediates_route },
    { "/certificate/", true, ORDERS, sb_download_route },
    { "/request", false, ORDERS, sb_requests_route },
    { "/request/", true, ORDERS, sb_one_request_route },
    { "/product", false, ACCOUNT, sb_product_route },
    { "/account", false, ACCOUNT, sb_account_route },
    { "/user/me", false, USERS, sb_me_route },
    { "/organization", false, DOMAINS, sb_organization_route },
    { "/organization/", true, DOMAINS, sb_organization_validation_route },
    { "/domain", false, DOMAINS, sb_domain_route },
    { "/domain/", true, DOMAINS, sb_one_domain_route },
};

/* 100: orders, requests, certificates; 101: domains and organizations, too; 102: GET only; 103:
 * users only (facts 1). Everybody may ask who he is. */
static bool may(const struct sb_key *key, enum area area, bool is_get)
{
    switch (key->role) {
    case SB_ROLE_NONE:
    case SB_ROLE_ORDERS_DOMAINS:
        return true;
    case SB_ROLE_VIEW:
        return is_get;
    case SB_ROLE_ORDERS:
        return area != DOMAINS;
    case SB_ROLE_USERS:
        break;
    }
    return area == USERS;
}

static const struct route *route_of(const char *path)
{
    for (size_t i = 0; i < SB_COUNT(routes); i++)
        if (routes[i].is_prefix ? strncmp(routes[i].path, path, strlen(routes[i].path)) == 0
                                : strcmp(routes[i].path, path) == 0)
            return &routes[i];
    return NULL;
}

void sb_api_answer(const struct sb_request *request, struct sb_reply *reply)
{
    const struct route *route = route_of(request->path);

    if (!request->key || request->key->revoked)
        sb_reply_error(reply, 403, "access_denied|access_denied_invalid_key",
                       "Access denied due to access_denied_invalid_key.");
    else if (!may(request->key, route ? route->area : ORDERS, strcmp(request->method, "GET") == 0))
        sb_reply_error(reply, 403, "access_denied|missing_permission",
                       "Your API key lacks the permission for this request.");
    else if (route)
        route->answer(request, reply);
    else
        sb_no_such_route(reply);
    if (!sb_world_save(request->world))
        sb_reply_error(reply, 500, "internal_error", "The change could not be saved.");
}
