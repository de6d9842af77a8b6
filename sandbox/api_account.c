// SPDX-License-Identifier: Apache-2.0
/* api_account.c - who the key belongs to, and the parts of the account that clients ping. */
#include <string.h>

#include "api_routes.h"
#include "dcv.h"
#include "json.h"

void sb_me_route(const struct sb_request *request, struct sb_reply *reply)
{
    cJSON *root = cJSON_Parse("{\"id\":31,\"username\":\"sandbox.user\",\"account_id\":5153184,"
                              "\"first_name\":\"Sand\",\"last_name\":\"Box\",\"status\":\"active\","
                              "\"type\":\"standard\",\"is_cert_central\":true}");
    cJSON *role = cJSON_CreateObject();
    bool admin = request->key->role == SB_ROLE_NONE && request->key->may_approve;

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

/* ---- organizations: one, whose validation lapses when a setting says so ---- */

static void add_organization_validation(const struct sb_world *world, const char *type, cJSON *list)
{
    int64_t end = world->settings.organization_valid_until;
    cJSON *row = cJSON_CreateObject();

    sb_set_text(row, "type", type);
    sb_set_text(row, "status", end && end <= sb_clock_now(&world->clock) ? "expired" : "active");
    if (end)
        sb_set_date(row, "validated_until", end, true);
    cJSON_AddItemToArray(list, row);
}

static cJSON *organization_validations(const struct sb_world *world)
{
    cJSON *list = cJSON_CreateArray();

    add_organization_validation(world, "ov", list);
    add_organization_validation(world, "ev", list);
    return list;
}

void sb_organization_route(const struct sb_request *request, struct sb_reply *reply)
{
    const char *wanted = request->query(request->source, "include_validation");
    cJSON *root = cJSON_Parse(
        "{\"organizations\":[{\"id\":112200,\"status\":\"active\",\"name\":\"Example Net Ltd\","
        "\"is_active\":true}],\"page\":{\"total\":1,\"limit\":1000,\"offset\":0}}");
    cJSON *row = cJSON_GetArrayItem(sb_item(root, "organizations"), 0);

    if (wanted && strcmp(wanted, "true") == 0)
        sb_set_item(row, "validations", organization_validations(request->world));
    sb_reply_json(reply, 200, root);
}

void sb_organization_validation_route(const struct sb_request *request, struct sb_reply *reply)
{
    cJSON *root = cJSON_CreateObject();

    if (strcmp(request->path, "/organization/112200/validation") != 0) {
        cJSON_Delete(root);
        sb_no_such_route(reply);
        return;
    }
    sb_set_item(root, "validations", organization_validations(request->world));
    sb_reply_json(reply, 200, root);
}

/* ---- domains ---- */

static void show_domain(const struct sb_world *world, const cJSON *domain, bool utc, cJSON *row)
{
    cJSON *expiration = cJSON_CreateObject();
    int64_t end = sb_dcv_end(world, domain);
    int64_t validated = sb_number_of(domain, "validated", 0);
    bool lapsed = !end || end <= sb_clock_now(&world->clock);
    const char *status = lapsed ? "expired" : "valid";

    sb_copy_item(row, domain, "id");
    sb_copy_item(row, domain, "name");
    sb_set_flag(row, "is_active", true);
    sb_set_item(row, "organization",
                cJSON_Parse("{\"id\":112200,\"name\":\"Example Net Ltd\",\"is_active\":\"1\"}"));
    sb_set_text(row, "dcv_method", "dns-txt-token");
    if (end) {
        /* Mountain Time unless UTC is asked for. */
        int64_t shown = utc ? end : sb_time_to_mountain(end);
        sb_set_date(row, "dcv_approval_datetime", validated, true);
        sb_set_date(expiration, "ov", shown, utc);
        sb_set_date(expiration, "ev", shown, utc);
        sb_set_date(expiration, "dcv_approval_date", validated, false);
    }
    sb_set_text(expiration, "ov_status", status);
    sb_set_text(expiration, "ev_status", status);
    sb_set_item(row, "dcv_expiration", expiration);
}

/* A name whose validation a switch ends on a day of its own: a domain beside the one above it. */
static bool show_switched(const struct sb_world *world, const struct sb_order *order, cJSON *row)
{
    const char *until = sb_switch_text(world, order, "dcv_valid_until", NULL);
    const char *name =
        order->info ? sb_text_of(sb_item(order->info, "certificate"), "common_name", NULL) : NULL;
    cJSON *expiration = NULL;
    int64_t end = 0;

    if (!until || !name || !sb_time_parse(until, &end))
        return false;
    const char *status = end <= sb_clock_now(&world->clock) ? "expired" : "valid";
    expiration = cJSON_CreateObject();
    sb_set_number(row, "id", order->id);
    sb_set_text(row, "name", name);
    sb_set_flag(row, "is_active", true);
    sb_set_date(expiration, "ov", end, true);
    sb_set_date(expiration, "ev", end, true);
    sb_set_text(expiration, "ov_status", status);
    sb_set_text(expiration, "ev_status", status);
    sb_set_item(row, "dcv_expiration", expiration);
    return true;
}

static void add_switched(const struct sb_world *world, cJSON *list)
{
    for (size_t i = 0; i < world->order_count; i++) {
        cJSON *row = cJSON_CreateObject();
        if (world->orders[i]->switches && show_switched(world, world->orders[i], row))
            cJSON_AddItemToArray(list, row);
        else
            cJSON_Delete(row);
    }
}

void sb_domain_route(const struct sb_request *request, struct sb_reply *reply)
{
    const char *utc = request->query(request->source, "include_dcv_expiration_time");
    const cJSON *domain = request->world->domains ? request->world->domains->child : NULL;
    int64_t limit = sb_query_number(request, "limit", SB_LIMIT_MAX);
    int64_t offset = sb_query_number(request, "offset", 0);
    cJSON *root = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(root, "domains");
    int64_t total = 0;

    if (limit < 1 || limit > SB_LIMIT_MAX)
        limit = SB_LIMIT_MAX;
    for (; domain; domain = domain->next, total++) {
        if (total < offset || total >= offset + limit)
            continue;
        cJSON *row = cJSON_CreateObject();
        show_domain(request->world, domain, utc && strcmp(utc, "true") == 0, row);
        cJSON_AddItemToArray(list, row);
    }
    if (offset == 0)
        add_switched(request->world, list);
    total = total > cJSON_GetArraySize(list) ? total : cJSON_GetArraySize(list);
    /* The limit was seen to be 0. */
    cJSON_AddItemToObject(root, "page", sb_page_of(total, 0, offset));
    sb_reply_json(reply, 200, root);
}

static cJSON *validation_of(const struct sb_world *world, const cJSON *domain, const char *type)
{
    cJSON *row = cJSON_CreateObject();
    int64_t end = sb_dcv_end(world, domain);
    bool runs = end > sb_clock_now(&world->clock);

    sb_set_text(row, "type", type);
    sb_set_text(row, "status", runs ? "active" : "expired");
    sb_set_text(row, "dcv_status", runs ? "complete" : "pending");
    if (end)
        sb_set_date(row, "validated_until", end, true);
    return row;
}

void sb_one_domain_route(const struct sb_request *request, struct sb_reply *reply)
{
    const char *rest = NULL;
    sb_auto(sb_free_drop) char *name = sb_segment(request->path, "/domain/", &rest);
    const cJSON *domain = request->world->domains ? request->world->domains->child : NULL;
    int64_t id = 0;

    if (!name || *rest || !sb_parse_number(name, 1, INT64_MAX, &id))
        domain = NULL;
    while (domain && sb_number_of(domain, "id", 0) != id)
        domain = domain->next;
    if (!domain) {
        sb_reply_error(reply, 404, "not_found", "The specified domain could not be found.");
        return;
    }
    cJSON *row = cJSON_CreateObject();
    cJSON *validations = cJSON_AddArrayToObject(row, "validations");
    show_domain(request->world, domain, true, row);
    cJSON_AddItemToArray(validations, validation_of(request->world, domain, "ov"));
    cJSON_AddItemToArray(validations, validation_of(request->world, domain, "ev"));
    sb_reply_json(reply, 200, row);
}

static cJSON *product_row(const struct sb_product *product)
{
    cJSON *row = cJSON_CreateObject();

    sb_set_text(row, "group_name", "SSL");
    sb_set_text(row, "name_id", product->name_id);
    sb_set_text(row, "name", product->name);
    sb_set_text(row, "type", product->type);
    sb_set_text(row, "validation_type", product->validation);
    sb_set_flag(row, "csr_required", true);
    return row;
}

void sb_product_route(const struct sb_request *request, struct sb_reply *reply)
{
    cJSON *root = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(root, "products");

    (void)request;
    for (size_t i = 0; sb_product_at(i); i++)
        cJSON_AddItemToArray(list, product_row(sb_product_at(i)));
    sb_reply_json(reply, 200, root);
}

void sb_intermediates_route(const struct sb_request *request, struct sb_reply *reply)
{
    const struct sb_issuer *issuer = request->world->issuer;
    cJSON *root = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(root, "intermediates");

    for (size_t i = 0; i < sb_issuer_count(issuer); i++) {
        cJSON *row = cJSON_CreateObject();
        sb_set_text(row, "id", sb_issuer_id(issuer, i));
        sb_set_text(row, "subject_common_name", sb_issuer_name(issuer, i));
        sb_set_text(row, "is_private", "0");
        cJSON_AddItemToArray(list, row);
    }
    sb_reply_json(reply, 200, root);
}
