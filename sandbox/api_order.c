// SPDX-License-Identifier: Apache-2.0
/* api_order.c - /order/certificate/...: one order by number, serial or thumbprint, and new ones. */
#include <string.h>

#include "api_routes.h"
#include "submission.h"

static void order_info(const struct sb_request *request, struct sb_order *order,
                       struct sb_reply *reply)
{
    sb_order_was_read(request->world, order);
    sb_reply_json(reply, 200, sb_order_info(request->world, order));
}

static void reissues(const struct sb_request *request, struct sb_order *order,
                     struct sb_reply *reply)
{
    sb_certificate_list(request, order, "reissue", reply);
}

static void duplicates(const struct sb_request *request, struct sb_order *order,
                       struct sb_reply *reply)
{
    sb_certificate_list(request, order, "duplicate", reply);
}

static const struct {
    const char *method, *rest;
    sb_order_route *answer;
} routes[] = {
    { "GET", "", order_info },
    { "GET", "/reissue", reissues },
    { "POST", "/reissue", sb_reissue_route },
    { "GET", "/duplicate", duplicates },
    { "POST", "/duplicate", sb_duplicate_route },
    { "PUT", "/ct-status", sb_ct_status_route },
    { "PUT", "/status", sb_status_route },
    { "PUT", "/revoke", sb_revoke_order_route },
    { "PUT", "/auto-reissue", sb_auto_reissue_route },
    { "PUT", "/check-dcv", sb_check_dcv_route },
};

void sb_one_order_route(const struct sb_request *request, struct sb_reply *reply)
{
    const char *rest = NULL;
    sb_auto(sb_free_drop) char *name = sb_segment(request->path, "/order/certificate/", &rest);

    if (name && !*rest && strcmp(request->method, "POST") == 0) {
        sb_new_order_route(request, name, reply);
        return;
    }
    struct sb_order *order = name ? sb_world_order_named(request->world, name) : NULL;
    if (!order) {
        sb_no_such_order(reply);
        return;
    }
    for (size_t i = 0; i < SB_COUNT(routes); i++) {
        if (strcmp(routes[i].method, request->method) != 0 || strcmp(routes[i].rest, rest) != 0)
            continue;
        if (sb_world_real(request->world, order))
            routes[i].answer(request, order, reply);
        else
            sb_reply_error(reply, 500, "internal_error", "The certificate cannot be made.");
        return;
    }
    sb_no_such_route(reply);
}
