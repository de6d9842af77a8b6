// SPDX-License-Identifier: Apache-2.0
/* api_account.c - who the key belongs to, and the parts of the account that clients ping. */
#include <string.h>

#include "api_routes.h"

static void reply_text(struct sb_reply *reply, const char *json)
{
    sb_reply_json(reply, 200, cJSON_Parse(json));
}

void sb_me_route(const struct sb_request *request, struct sb_reply *reply)
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

void sb_account_route(const struct sb_request *request, struct sb_reply *reply)
{
    cJSON *root = cJSON_Parse("{\"id\":5153184,\"primary_organization_name\":\"Example Net Ltd\","
                              "\"cert_central_type\":\"retail\",\"ent_support_plan\":\"1\"}");

    cJSON_AddStringToObject(root, "cert_transparency",
                            request->world->settings.ct_off ? "disabled" : "embed");
    sb_reply_json(reply, 200, root);
}

void sb_organization_route(const struct sb_request *request, struct sb_reply *reply)
{
    (void)request;
    reply_text(
        reply,
        "{\"organizations\":[{\"id\":112200,\"status\":\"active\",\"name\":\"Example Net Ltd\","
        "\"is_active\":true}],\"page\":{\"total\":1,\"limit\":1000,\"offset\":0}}");
}

void sb_domain_route(const struct sb_request *request, struct sb_reply *reply)
{
    (void)request;
    reply_text(
        reply,
        "{\"domains\":[{\"id\":1,\"is_active\":true,\"name\":\"example.com\",\"organization\":"
        "{\"id\":112200,\"is_active\":\"1\"}}],\"page\":{\"total\":1,\"limit\":0,\"offset\":0}}");
}

void sb_product_route(const struct sb_request *request, struct sb_reply *reply)
{
    (void)request;
    reply_text(
        reply,
        "{\"products\":[{\"group_name\":\"SSL\",\"name_id\":\"ssl_basic\",\"name\":\"Basic OV\","
        "\"type\":\"ssl_certificate\",\"csr_required\":true}]}");
}

void sb_request_route(const struct sb_request *request, struct sb_reply *reply)
{
    (void)request;
    reply_text(reply, "{\"page\":{\"total\":0,\"limit\":1000,\"offset\":0}}");
}

void sb_intermediates_route(const struct sb_request *request, struct sb_reply *reply)
{
    cJSON *root = cJSON_CreateObject();
    cJSON *row = cJSON_CreateObject();

    cJSON_AddStringToObject(row, "subject_common_name", sb_issuer_name(request->world->issuer));
    cJSON_AddStringToObject(row, "is_private", "0");
    cJSON_AddItemToArray(cJSON_AddArrayToObject(root, "intermediates"), row);
    sb_reply_json(reply, 200, root);
}
