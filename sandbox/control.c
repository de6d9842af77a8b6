// SPDX-License-Identifier: Apache-2.0
/* control.c - /_sandbox/...: faults, clock, log, orders, keys and settings, for tests and demos. */
#include <stdio.h>
#include <string.h>

#include "control.h"
#include "fault.h"
#include "json.h"
#include "log.h"

static void done(struct sb_reply *reply)
{
    reply->status = 204;
}

void sb_control_refuse(struct sb_reply *reply, const char *why)
{
    sb_reply_error(reply, 400, "bad_request_format", why);
}

static void get_faults(struct sb_control *c, struct sb_reply *reply)
{
    sb_reply_json(reply, 200, sb_faults_list(c->faults));
}

static void clear_faults(struct sb_control *c, struct sb_reply *reply)
{
    sb_faults_clear(c->faults);
    done(reply);
}

/* One fault or an array of them. */
static void add_faults(struct sb_control *c, struct sb_reply *reply)
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
        sb_control_refuse(reply, why);
}

static void get_clock(struct sb_control *c, struct sb_reply *reply)
{
    cJSON *root = cJSON_CreateObject();
    char text[SB_TIME_TEXT];
    int64_t now = sb_clock_now(&c->request->world->clock);

    sb_time_iso(now, text);
    cJSON_AddNumberToObject(root, "now", (double)now);
    cJSON_AddStringToObject(root, "text", text);
    sb_reply_json(reply, 200, root);
}

static void set_clock(struct sb_control *c, struct sb_reply *reply)
{
    struct sb_world *world = c->request->world;
    struct sb_clock *clock = &world->clock;
    const cJSON *now = sb_item(c->body, "now");
    const cJSON *advance = sb_item(c->body, "advance_s");
    const cJSON *freeze = sb_item(c->body, "freeze");
    int64_t when = 0;

    if (cJSON_IsNumber(now))
        sb_clock_set(clock, (int64_t)now->valuedouble * 1000);
    else if (cJSON_IsString(now) && sb_time_parse(now->valuestring, &when))
        sb_clock_set(clock, when * 1000);
    else if (cJSON_IsNumber(advance))
        sb_clock_set(clock, sb_clock_now_ms(clock) + (int64_t)advance->valuedouble * 1000);
    else if (!cJSON_IsBool(freeze)) {
        sb_control_refuse(reply, "give {\"now\": seconds or RFC 3339}, {\"advance_s\": seconds} or "
                                 "{\"freeze\": true}");
        return;
    }
    if (cJSON_IsBool(freeze))
        sb_clock_freeze(clock, cJSON_IsTrue(freeze));
    sb_world_touch(world, NULL);
    sb_world_tick(world);
    get_clock(c, reply);
}

static void get_log(struct sb_control *c, struct sb_reply *reply)
{
    sb_reply_json(reply, 200, sb_log_list(c->log, c->request->query(c->request->source, "method")));
}

static void clear_log(struct sb_control *c, struct sb_reply *reply)
{
    sb_log_clear(c->log);
    done(reply);
}

/* {"role": 0, "approver": true} */
static void add_key(struct sb_control *c, struct sb_reply *reply)
{
    struct sb_key *key = sb_world_add_key(
        c->request->world, (enum sb_role)sb_number_of(c->body, "role", SB_ROLE_NONE));
    cJSON *root = cJSON_CreateObject();

    if (key) {
        key->may_approve = !cJSON_IsFalse(sb_item(c->body, "approver"));
        sb_set_text(root, "key", key->text);
    }
    sb_reply_json(reply, 201, root);
}

/* {"key": "...", "revoked": true, "approver": false}; what is not said is not revoked. */
static void patch_key(struct sb_control *c, struct sb_reply *reply)
{
    struct sb_key *key = sb_world_key(c->request->world, sb_text_of(c->body, "key", NULL));

    if (!key) {
        sb_control_refuse(reply, "there is no such key");
        return;
    }
    key->revoked = sb_flag_of(c->body, "revoked");
    if (sb_item(c->body, "approver"))
        key->may_approve = sb_flag_of(c->body, "approver");
    sb_world_touch(c->request->world, NULL);
    done(reply);
}

/* Sums for long simulations, without fetching every order. */
static void get_counts(struct sb_control *c, struct sb_reply *reply)
{
    sb_reply_json(reply, 200, sb_world_counts(c->request->world));
}

static void set_settings(struct sb_control *c, struct sb_reply *reply)
{
    const char *why = "the body is not JSON";

    if (!cJSON_IsObject(c->body) || !sb_settings_set(&c->request->world->settings, c->body, &why)) {
        sb_control_refuse(reply, why);
        return;
    }
    sb_world_touch(c->request->world, NULL);
    done(reply);
}

static void get_settings(struct sb_control *c, struct sb_reply *reply)
{
    sb_reply_json(reply, 200, sb_settings_to_json(&c->request->world->settings));
}

static const struct {
    const char *method, *path;
    bool is_prefix;
    void (*answer)(struct sb_control *, struct sb_reply *);
} routes[] = {
    { "GET", "/_sandbox/faults", false, get_faults },
    { "POST", "/_sandbox/faults", false, add_faults },
    { "DELETE", "/_sandbox/faults", false, clear_faults },
    { "GET", "/_sandbox/clock", false, get_clock },
    { "POST", "/_sandbox/clock", false, set_clock },
    { "GET", "/_sandbox/requests", false, get_log },
    { "DELETE", "/_sandbox/requests", false, clear_log },
    { "GET", "/_sandbox/counts", false, get_counts },
    { "POST", "/_sandbox/orders", false, sb_control_add_orders },
    { "GET", "/_sandbox/orders/", true, sb_control_get_order },
    { "PATCH", "/_sandbox/orders/", true, sb_control_patch_order },
    { "POST", "/_sandbox/orders/", true, sb_control_act },
    { "POST", "/_sandbox/keys", false, add_key },
    { "PATCH", "/_sandbox/keys", false, patch_key },
    { "GET", "/_sandbox/settings", false, get_settings },
    { "POST", "/_sandbox/settings", false, set_settings },
};

void sb_control_answer(const struct sb_request *request, struct sb_faults *faults,
                       struct sb_log *log, struct sb_reply *reply)
{
    struct sb_control c = { .request = request, .faults = faults, .log = log };

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
        if (!sb_world_save(request->world))
            sb_reply_error(reply, 500, "internal_error", "The change could not be saved.");
        return;
    }
    sb_reply_error(reply, 404, "not_found|route",
                   "The control API has no such route; see README.md.");
}
