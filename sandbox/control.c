// SPDX-License-Identifier: Apache-2.0
/* control.c - /_sandbox/...: faults, clock, log, orders, keys and settings, for tests and demos. */
#include <stdio.h>
#include <string.h>

#include "fault.h"
#include "reply.h"

struct control {
    const struct sb_request *request;
    struct sb_faults *faults;
    struct sb_log *log;
    cJSON *body;      /* NULL when there is none or it is no JSON */
    const char *rest; /* of the path, behind the route */
};

static void done(struct sb_reply *reply)
{
    reply->status = 204;
}

static void refuse(struct sb_reply *reply, const char *why)
{
    sb_reply_error(reply, 400, "bad_request_format", why);
}

static void get_faults(struct control *c, struct sb_reply *reply)
{
    sb_reply_json(reply, 200, sb_faults_list(c->faults));
}

static void clear_faults(struct control *c, struct sb_reply *reply)
{
    sb_faults_clear(c->faults);
    done(reply);
}

/* One fault or an array of them. */
static void add_faults(struct control *c, struct sb_reply *reply)
{
    const char *why = "the body is not JSON";
    const cJSON *fault = NULL;
    bool good = c->body != NULL;

    if (cJSON_IsArray(c->body))
        cJSON_ArrayForEach(fault, c->body) good = good && sb_faults_add(c->faults, fault, &why);
    else
        good = good && sb_faults_add(c->faults, c->body, &why);
    if (good)
        done(reply);
    else
        refuse(reply, why);
}

static void get_clock(struct control *c, struct sb_reply *reply)
{
    cJSON *root = cJSON_CreateObject();
    char text[SB_TIME_TEXT];
    int64_t now = sb_clock_now(&c->request->world->clock);

    sb_time_iso(now, text);
    cJSON_AddNumberToObject(root, "now", (double)now);
    cJSON_AddStringToObject(root, "text", text);
    sb_reply_json(reply, 200, root);
}

static void set_clock(struct control *c, struct sb_reply *reply)
{
    struct sb_clock *clock = &c->request->world->clock;
    const cJSON *now = cJSON_GetObjectItemCaseSensitive(c->body, "now");
    const cJSON *advance = cJSON_GetObjectItemCaseSensitive(c->body, "advance_s");
    int64_t when = 0;

    if (cJSON_IsNumber(now))
        sb_clock_set(clock, (int64_t)now->valuedouble * 1000);
    else if (cJSON_IsString(now) && sb_time_parse(now->valuestring, &when))
        sb_clock_set(clock, when * 1000);
    else if (cJSON_IsNumber(advance))
        sb_clock_set(clock, sb_clock_now_ms(clock) + (int64_t)advance->valuedouble * 1000);
    else {
        refuse(reply, "give {\"now\": seconds or RFC 3339} or {\"advance_s\": seconds}");
        return;
    }
    get_clock(c, reply);
}

static void get_log(struct control *c, struct sb_reply *reply)
{
    sb_reply_json(reply, 200, sb_log_list(c->log));
}

static void clear_log(struct control *c, struct sb_reply *reply)
{
    sb_log_clear(c->log);
    done(reply);
}

static void add_orders(struct control *c, struct sb_reply *reply)
{
    struct sb_world *world = c->request->world;
    const char *why = "the body is not JSON";
    cJSON *root = NULL;

    if (cJSON_HasObjectItem(c->body, "count")) {
        if (!sb_world_make_bulk(world, c->body, &why)) {
            refuse(reply, why);
            return;
        }
        root = cJSON_CreateObject();
    } else {
        struct sb_order *order = c->body ? sb_world_make_order(world, c->body, &why) : NULL;
        if (!order) {
            refuse(reply, why);
            return;
        }
        root = sb_order_info(world, order);
    }
    if (!sb_world_save(world))
        sb_complain("the state could not be saved");
    sb_reply_json(reply, 201, root);
}

static struct sb_order *order_of(struct control *c, const char **ret_rest)
{
    size_t len = strcspn(c->rest, "/");
    sb_auto(sb_free_drop) char *name = sb_strndup(c->rest, len);
    int64_t id = 0;

    *ret_rest = c->rest + len;
    return sb_parse_number(name, 1, INT64_MAX, &id) ? sb_world_order(c->request->world, id) : NULL;
}

static void get_key(struct control *c, struct sb_reply *reply)
{
    const char *rest = NULL;
    struct sb_order *order = order_of(c, &rest);

    if (!order || strcmp(rest, "/key") != 0 || !order->key_pem) {
        sb_reply_error(reply, 404, "not_found", "There is no such order, or its key is elsewhere.");
        return;
    }
    sb_buf_adds(&reply->body, order->key_pem);
    reply->status = 200;
    reply->content_type = "application/x-pem-file";
}

static void set_member(cJSON *to, const cJSON *item)
{
    cJSON_DeleteItemFromObjectCaseSensitive(to, item->string);
    if (!cJSON_IsNull(item))
        cJSON_AddItemToObject(to, item->string, cJSON_Duplicate(item, 1));
}

/* {"issue": {...}} issues under the order, {"revoke": true} revokes its newest certificate,
 * {"rotate": true} changes the intermediate; {"certificate": {...}} and all others set members of
 * order info, null removes one. */
static void patch_order(struct control *c, struct sb_reply *reply)
{
    struct sb_world *world = c->request->world;
    const char *why = "there is no such order, or it is a bulk order";
    const char *rest = NULL;
    struct sb_order *order = order_of(c, &rest);
    const cJSON *item = NULL;
    const cJSON *inner = NULL;
    bool good = order && order->info && cJSON_IsObject(c->body);

    cJSON_ArrayForEach(item, (good ? c->body : (cJSON *)NULL))
    {
        if (strcmp(item->string, "issue") == 0)
            good = good && sb_world_issue(world, order, item, "reissue", &why);
        else if (strcmp(item->string, "revoke") == 0 && order->certificate_count)
            order->certificates[order->certificate_count - 1].revoked = true;
        else if (strcmp(item->string, "rotate") == 0)
            good = good && sb_issuer_rotate(world->issuer, sb_clock_now(&world->clock));
        else if (strcmp(item->string, "certificate") == 0)
            cJSON_ArrayForEach(inner, item)
                set_member(cJSON_GetObjectItemCaseSensitive(order->info, "certificate"), inner);
        else
            set_member(order->info, item);
    }
    if (!good) {
        refuse(reply, why);
        return;
    }
    if (!sb_world_save(world))
        sb_complain("the state could not be saved");
    sb_reply_json(reply, 200, sb_order_info(world, order));
}

static void add_key(struct control *c, struct sb_reply *reply)
{
    const cJSON *role = cJSON_GetObjectItemCaseSensitive(c->body, "role");
    struct sb_key *key = sb_world_add_key(
        c->request->world,
        cJSON_IsNumber(role) ? (enum sb_role)(int)role->valuedouble : SB_ROLE_NONE);
    cJSON *root = cJSON_CreateObject();

    if (key)
        cJSON_AddStringToObject(root, "key", key->text);
    if (!key || !sb_world_save(c->request->world))
        sb_complain("the new key could not be saved");
    sb_reply_json(reply, 201, root);
}

/* {"key": "...", "revoked": true} */
static void patch_key(struct control *c, struct sb_reply *reply)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(c->body, "key"));
    struct sb_key *key = sb_world_key(c->request->world, text);

    if (!key) {
        refuse(reply, "there is no such key");
        return;
    }
    key->revoked = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(c->body, "revoked"));
    if (!sb_world_save(c->request->world))
        sb_complain("the key could not be saved");
    done(reply);
}

static void set_settings(struct control *c, struct sb_reply *reply)
{
    struct sb_settings *settings = &c->request->world->settings;
    const struct {
        const char *name;
        bool *flag;
        int *number;
    } members[] = { { "ct_off", &settings->ct_off, NULL },
                    { "rate_limit", &settings->rate_limit, NULL },
                    { "pending_shows_new", &settings->pending_shows_new, NULL },
                    { "not_issued_status", NULL, &settings->not_issued_status },
                    { "latency_ms", NULL, &settings->latency_ms } };
    const cJSON *item = NULL;
    bool good = cJSON_IsObject(c->body);

    cJSON_ArrayForEach(item, (good ? c->body : (cJSON *)NULL))
    {
        bool known = false;
        for (size_t i = 0; i < SB_COUNT(members); i++) {
            if (strcmp(members[i].name, item->string) != 0)
                continue;
            known = true;
            if (members[i].flag)
                *members[i].flag = cJSON_IsTrue(item);
            else
                *members[i].number = (int)cJSON_GetNumberValue(item);
        }
        good = good && known;
    }
    if (good)
        done(reply);
    else
        refuse(reply,
               "settings are ct_off, rate_limit, pending_shows_new, not_issued_status, latency_ms");
}

static const struct {
    const char *method, *path;
    bool is_prefix;
    void (*answer)(struct control *, struct sb_reply *);
} routes[] = {
    { "GET", "/_sandbox/faults", false, get_faults },
    { "POST", "/_sandbox/faults", false, add_faults },
    { "DELETE", "/_sandbox/faults", false, clear_faults },
    { "GET", "/_sandbox/clock", false, get_clock },
    { "POST", "/_sandbox/clock", false, set_clock },
    { "GET", "/_sandbox/requests", false, get_log },
    { "DELETE", "/_sandbox/requests", false, clear_log },
    { "POST", "/_sandbox/orders", false, add_orders },
    { "GET", "/_sandbox/orders/", true, get_key },
    { "PATCH", "/_sandbox/orders/", true, patch_order },
    { "POST", "/_sandbox/keys", false, add_key },
    { "PATCH", "/_sandbox/keys", false, patch_key },
    { "POST", "/_sandbox/settings", false, set_settings },
};

void sb_control_answer(const struct sb_request *request, struct sb_faults *faults,
                       struct sb_log *log, struct sb_reply *reply)
{
    struct control c = { .request = request, .faults = faults, .log = log };

    for (size_t i = 0; i < SB_COUNT(routes); i++) {
        size_t len = strlen(routes[i].path);
        if (strcmp(routes[i].method, request->method) != 0 ||
            strncmp(routes[i].path, request->path, len) != 0 ||
            (!routes[i].is_prefix && request->path[len]))
            continue;
        c.rest = request->path + len;
        c.body = cJSON_Parse(request->body);
        routes[i].answer(&c, reply);
        cJSON_Delete(c.body);
        return;
    }
    sb_reply_error(reply, 404, "not_found|route",
                   "The control API has no such route; see README.md.");
}
