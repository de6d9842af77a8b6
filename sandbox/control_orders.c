// SPDX-License-Identifier: Apache-2.0
/* control_orders.c - /_sandbox/orders: making them, looking into them, and what staff would do. */
#include <string.h>

#include "control.h"
#include "json.h"
#include "submission.h"

void sb_control_add_orders(struct sb_control *c, struct sb_reply *reply)
{
    struct sb_world *world = c->request->world;
    const char *why = "the body is not JSON";

    if (cJSON_HasObjectItem(c->body, "count")) {
        if (sb_world_make_bulk(world, c->body, &why))
            sb_reply_json(reply, 201, cJSON_CreateObject());
        else
            sb_control_refuse(reply, why);
        return;
    }
    struct sb_order *order = c->body ? sb_world_make_order(world, c->body, &why) : NULL;
    if (order)
        sb_reply_json(reply, 201, sb_order_info(world, order));
    else
        sb_control_refuse(reply, why);
}

/* The order that the path names, made real when it is a bulk one. */
static struct sb_order *order_of(struct sb_control *c, const char **ret_rest)
{
    size_t len = strcspn(c->rest, "/");
    sb_auto(sb_free_drop) char *name = sb_strndup(c->rest, len);
    struct sb_world *world = c->request->world;
    int64_t id = 0;

    *ret_rest = c->rest + len;
    struct sb_order *order =
        sb_parse_number(name, 1, INT64_MAX, &id) ? sb_world_order(world, id) : NULL;
    return order && sb_world_real(world, order) ? order : NULL;
}

static void no_such(struct sb_reply *reply)
{
    sb_reply_error(reply, 404, "not_found", "There is no such order, or its key is elsewhere.");
}

void sb_control_get_order(struct sb_control *c, struct sb_reply *reply)
{
    const char *rest = NULL;
    struct sb_order *order = order_of(c, &rest);

    if (order && !*rest) {
        sb_reply_json(reply, 200, sb_order_state(c->request->world, order));
    } else if (order && strcmp(rest, "/key") == 0 && order->key_pem) {
        sb_buf_adds(&reply->body, order->key_pem);
        reply->status = 200;
        reply->content_type = "application/x-pem-file";
    } else {
        no_such(reply);
    }
}

/* ---- changing order info behind the API's back ---- */

static void set_members(cJSON *to, const cJSON *members)
{
    for (const cJSON *item = members->child; item; item = item->next)
        sb_set_item(to, item->string, cJSON_IsNull(item) ? NULL : cJSON_Duplicate(item, 1));
}

static bool patch(struct sb_control *c, struct sb_order *order, const cJSON *item,
                  const char **ret_why)
{
    struct sb_world *world = c->request->world;
    struct sb_certificate *primary = sb_order_primary(order);

    if (strcmp(item->string, "issue") == 0)
        return sb_world_issue(world, order, item, sb_text_of(item, "kind", "reissue"), ret_why);
    if (strcmp(item->string, "switches") == 0)
        return sb_switches_set(&order->switches, item, ret_why);
    *ret_why = "the intermediate cannot be changed";
    if (strcmp(item->string, "rotate") == 0)
        return sb_issuer_rotate(world->issuer, sb_world_now(world));
    *ret_why = "revoke_at is a time, and the order has a certificate";
    if (strcmp(item->string, "revoke_at") == 0)
        return primary && cJSON_IsString(item) &&
               sb_time_parse(item->valuestring, &primary->revoke_due);
    if (strcmp(item->string, "revoke") == 0 && primary)
        sb_order_revoke(world, order, primary, sb_world_now(world));
    else if (strcmp(item->string, "certificate") == 0)
        set_members((cJSON *)sb_item(order->info, "certificate"), item);
    else if (strcmp(item->string, "status") == 0 && cJSON_IsString(item))
        sb_order_set_status(world, order, item->valuestring);
    else
        sb_set_item(order->info, item->string,
                    cJSON_IsNull(item) ? NULL : cJSON_Duplicate(item, 1));
    return true;
}

void sb_control_patch_order(struct sb_control *c, struct sb_reply *reply)
{
    struct sb_world *world = c->request->world;
    const char *why = "there is no such order, or the body is no JSON";
    const char *rest = NULL;
    struct sb_order *order = order_of(c, &rest);
    bool good = order && cJSON_IsObject(c->body);

    for (const cJSON *item = good ? c->body->child : NULL; item && good; item = item->next)
        good = patch(c, order, item, &why);
    if (order) {
        sb_world_touch(world, order);
        sb_world_expect(world, 1); /* what was set may make something due */
    }
    if (good)
        sb_reply_json(reply, 200, sb_order_info(world, order));
    else
        sb_control_refuse(reply, why);
}

/* ---- POST /_sandbox/orders/ID/actions ---- */

static void approve(struct sb_world *world, struct sb_order *order, cJSON *s, const char *comment)
{
    sb_approve(world, order, s, comment);
}

static void validate(struct sb_world *world, struct sb_order *order, cJSON *s, const char *comment)
{
    (void)comment;
    sb_validated(world, order, s);
}

static void finish_staff(struct sb_world *world, struct sb_order *order, cJSON *s,
                         const char *comment)
{
    (void)comment;
    sb_set_flag(s, "staff", false);
    sb_settle(world, order, s);
}

static void complete(struct sb_world *world, struct sb_order *order, cJSON *s, const char *comment)
{
    (void)comment;
    sb_complete(world, order, s);
}

static const struct {
    const char *name;
    void (*act)(struct sb_world *, struct sb_order *, cJSON *, const char *);
} actions[] = { { "approve", approve },
                { "reject", sb_reject },
                { "validate", validate },
                { "staff_done", finish_staff },
                { "complete", complete } };

/* {"do": "approve", "comment": "..."} on the newest open request of the order. */
void sb_control_act(struct sb_control *c, struct sb_reply *reply)
{
    struct sb_world *world = c->request->world;
    const char *rest = NULL;
    struct sb_order *order = order_of(c, &rest);
    const char *what = sb_text_of(c->body, "do", "");
    cJSON *open = order ? sb_open_submission(order, NULL) : NULL;
    size_t which = 0;

    if (!order || strcmp(rest, "/actions") != 0) {
        no_such(reply);
        return;
    }
    while (which < SB_COUNT(actions) && strcmp(actions[which].name, what) != 0)
        which++;
    if (strcmp(what, "auto_reissue") == 0 && sb_order_primary(order) &&
        sb_order_primary(order)->csr) {
        sb_auto_reissue(world, order);
    } else if (which < SB_COUNT(actions) && open) {
        actions[which].act(world, order, open, sb_text_of(c->body, "comment", NULL));
    } else {
        sb_control_refuse(reply, "give {\"do\": approve, reject, validate, staff_done, complete or "
                                 "auto_reissue}; all but the last need an open request");
        return;
    }
    sb_reply_json(reply, 200, sb_order_state(world, order));
}
