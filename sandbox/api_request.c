// SPDX-License-Identifier: Apache-2.0
/* api_request.c - GET and PUT of requests: what waits for an approver, and who decides. */
#include <string.h>

#include "api_check.h"
#include "api_routes.h"
#include "json.h"
#include "submission.h"

static cJSON *person(void)
{
    return cJSON_Parse("{\"id\":31,\"first_name\":\"Sand\",\"last_name\":\"Box\","
                       "\"email\":\"sand.box@example.net\"}");
}

/* The order inside is what it was when the request came: its status lags. */
static cJSON *request_row(const cJSON *submission)
{
    static const char *const shown[] = {
        "id", "date", "type", "status", "date_processed", "comments", "order", "processor_comment"
    };
    cJSON *row = cJSON_CreateObject();

    for (size_t i = 0; i < SB_COUNT(shown); i++)
        sb_copy_item(row, submission, shown[i]);
    sb_set_item(row, "requester", person());
    if (sb_item(row, "date_processed"))
        sb_set_item(row, "processor", person());
    return row;
}

static void add_requests(const struct sb_request *request, cJSON *list, int64_t *total)
{
    const char *status = request->query(request->source, "status");
    int64_t limit = sb_query_number(request, "limit", SB_LIMIT_MAX);
    int64_t offset = sb_query_number(request, "offset", 0);

    if (!status)
        status = request->query(request->source, "filters[status]");
    for (size_t i = 0; i < request->world->order_count; i++) {
        const struct sb_order *order = request->world->orders[i];
        const cJSON *s = order->submissions ? order->submissions->child : NULL;
        for (; s; s = s->next) {
            if (status && strcmp(sb_text_of(s, "status", ""), status) != 0)
                continue;
            if (*total >= offset && *total < offset + limit)
                cJSON_AddItemToArray(list, request_row(s));
            ++*total;
        }
    }
}

void sb_requests_route(const struct sb_request *request, struct sb_reply *reply)
{
    cJSON *root = cJSON_CreateObject();
    cJSON *list = cJSON_CreateArray();
    int64_t total = 0;

    add_requests(request, list, &total);
    if (cJSON_GetArraySize(list) > 0)
        cJSON_AddItemToObject(root, "requests", list);
    else
        cJSON_Delete(list); /* the key is omitted when there is none */
    cJSON_AddItemToObject(root, "page",
                          sb_page_of(total, sb_query_number(request, "limit", SB_LIMIT_MAX),
                                     sb_query_number(request, "offset", 0)));
    sb_reply_json(reply, 200, root);
}

static void decide(const struct sb_request *request, struct sb_order *order, cJSON *submission,
                   const cJSON *body, struct sb_reply *reply)
{
    const char *status = sb_text_of(body, "status", "");
    const char *comment = sb_text_of(body, "processor_comment", NULL);
    bool approve = strcmp(status, "approved") == 0;

    if (!request->key->may_approve) {
        sb_reply_error(reply, 403, "access_denied|invalid_approver",
                       "The key's user may not approve this request.");
        return;
    }
    if ((!approve && strcmp(status, "rejected") != 0) ||
        strcmp(sb_stage(submission), "approval") != 0) {
        sb_refuse_value(reply, "status");
        return;
    }
    if (approve)
        sb_approve(request->world, order, submission, comment);
    else
        sb_reject(request->world, order, submission, comment);
    reply->status = 204;
}

void sb_one_request_route(const struct sb_request *request, struct sb_reply *reply)
{
    const char *rest = NULL;
    sb_auto(sb_free_drop) char *name = sb_segment(request->path, "/request/", &rest);
    cJSON *submission = NULL;
    int64_t id = 0;
    struct sb_order *order = name && sb_parse_number(name, 1, INT64_MAX, &id)
                                 ? sb_world_submission(request->world, id, &submission)
                                 : NULL;

    if (!order) {
        sb_reply_error(reply, 404, "not_found", "The specified request could not be found.");
    } else if (!*rest && strcmp(request->method, "GET") == 0) {
        sb_reply_json(reply, 200, request_row(submission));
    } else if (strcmp(rest, "/status") == 0 && strcmp(request->method, "PUT") == 0) {
        cJSON *body = sb_body(request, reply);
        if (body)
            decide(request, order, submission, body, reply);
        cJSON_Delete(body);
    } else {
        sb_no_such_route(reply);
    }
}
