// SPDX-License-Identifier: Apache-2.0
/* api_new.c - POST of new orders and renewals. Nothing makes a repeated POST harmless: each one that
 * arrives is an order that is paid for. */
#include <stdio.h>
#include <string.h>

#include "api_check.h"
#include "api_routes.h"
#include "json.h"
#include "submission.h"
#include "validity.h"

enum { ORDER_DAYS_MOST = 1095 };

struct wish {
    struct sb_order *renews; /* NULL: a first order */
    int64_t end;             /* last second of the order */
    bool is_plan;            /* longer than one certificate may be */
};

/* "order_validity" or the members beside it; one year when nothing is said. */
static bool read_validity(const struct sb_request *request, const struct sb_product *product,
                          const cJSON *body, struct wish *ret_wish, struct sb_reply *reply)
{
    const struct sb_settings *settings = &request->world->settings;
    const cJSON *inner = sb_item(body, "order_validity");
    struct sb_asked asked = { 0 };
    const char *unit = NULL;
    int64_t today = sb_time_midnight(sb_clock_now(&request->world->clock));

    if (!sb_validity_read(inner ? inner : body, inner ? "" : "validity_", &asked, &unit))
        return sb_refuse_value(reply, unit);
    if (!asked.days && !asked.end)
        asked.days = 365;
    ret_wish->end = asked.end ? asked.end : today + asked.days * SB_DAY - 1;
    int64_t days = (ret_wish->end + 1 - today) / SB_DAY;
    int64_t most = settings->multi_year ? ORDER_DAYS_MOST : 366;
    if (days < 1 || days > most)
        return sb_refuse_value(reply, unit);
    ret_wish->is_plan = days > sb_rule_max_days(product->kind, today, &settings->max_days);
    return true;
}

/* What is left of the old order goes over to the new one, as far as the limit allows. */
static bool read_renewal(const struct sb_request *request, const cJSON *body, struct wish *wish,
                         struct sb_reply *reply)
{
    int64_t id = sb_number_of(body, "renewal_of_order_id", 0);
    int64_t today = sb_time_midnight(sb_clock_now(&request->world->clock));
    struct sb_order *old = id ? sb_world_order(request->world, id) : NULL;

    if (!id)
        return true;
    if (!old || !sb_world_real(request->world, old)) {
        sb_no_such_order(reply);
        return false;
    }
    const char *status = sb_order_status(request->world, old);
    if (sb_flag_of(old->info, "is_renewed")) {
        sb_reply_error(reply, 400, "order_renewed_already", "The order has been renewed already.");
        return false;
    }
    if (strcmp(status, "issued") != 0 && strcmp(status, "expired") != 0) {
        sb_reply_error(reply, 400, "order_not_eligible_for_renewal",
                       "The order is not eligible for renewal.");
        return false;
    }
    int64_t left = (sb_order_end(old) + 1 - today) / SB_DAY;
    int64_t longest = today + (int64_t)ORDER_DAYS_MOST * SB_DAY - 1;
    if (left > 0)
        wish->end += left * SB_DAY;
    if (wish->end > longest)
        wish->end = longest;
    wish->renews = old;
    return true;
}

static bool check_order(const struct sb_request *request, const struct sb_product *product,
                        const cJSON *body, struct sb_reply *reply)
{
    const struct sb_settings *settings = &request->world->settings;
    const cJSON *organization = sb_item(body, "organization");

    if (!sb_product_is_dv(product) && !cJSON_IsNumber(sb_item(organization, "id")))
        return sb_refuse_missing(reply, "organization");
    if (!sb_flag_of(body, "disable_ct") || (settings->per_request_ct && !settings->ct_off))
        return true;
    sb_reply_error(reply, 400, "cert_transparency_turned_off_for_account",
                   "CT logging is turned off for your account.");
    return false;
}

/* The order as sb_world_new_order wants it. */
static cJSON *flat_wish(const cJSON *body, const struct wish *wish)
{
    static const char *const copied[] = {
        "disable_ct",     "alternative_order_id", "dcv_method",
        "order_validity", "auto_renew",           "validity_years"
    };
    const cJSON *certificate = sb_item(body, "certificate");
    cJSON *flat = cJSON_CreateObject();

    sb_copy_item(flat, certificate, "common_name");
    sb_copy_item(flat, certificate, "dns_names");
    for (size_t i = 0; i < SB_COUNT(copied); i++)
        sb_copy_item(flat, body, copied[i]);
    sb_set_date(flat, "order_valid_till", wish->end, false);
    sb_set_text(flat, "status", "pending");
    sb_set_text(flat, "is_multi_year_plan", wish->is_plan ? "1" : "0");
    if (wish->renews)
        sb_set_flag(flat, "is_renewal", true);
    return flat;
}

static void place(const struct sb_request *request, const struct sb_product *product,
                  const cJSON *body, const struct wish *wish, struct sb_reply *reply)
{
    static const char *const copied[] = { "custom_fields", "additional_emails", "payment_method",
                                          "container", "disable_renewal_notifications" };
    struct sb_world *world = request->world;
    cJSON *flat = flat_wish(body, wish);
    struct sb_order *order = sb_world_new_order(world, flat, product, world->next_id++);

    cJSON_Delete(flat);
    for (size_t i = 0; i < SB_COUNT(copied); i++)
        sb_copy_item(order->info, body, copied[i]);
    sb_world_insert(world, order);
    if (wish->renews) {
        sb_set_flag(wish->renews->info, "is_renewed", true);
        sb_set_number(wish->renews->info, "renewed_order_id", order->id);
        sb_world_touch(world, wish->renews);
    }
    const cJSON *s = sb_submit(world, order, "new_request", body, sb_may_skip(request, body));
    sb_reply_submission(request, order, s, reply);
}

void sb_new_order_route(const struct sb_request *request, const char *name, struct sb_reply *reply)
{
    const struct sb_product *product = sb_product_named(name);
    cJSON *body = product ? sb_body(request, reply) : NULL;
    struct sb_check check = { .request = request, .product = product };
    struct wish wish = { 0 };

    if (!product)
        sb_reply_error(reply, 404, "not_found|product",
                       "The specified product could not be found.");
    if (body && read_validity(request, product, body, &wish, reply) &&
        read_renewal(request, body, &wish, reply)) {
        check.order_from = sb_clock_now(&request->world->clock);
        check.order_end = wish.end;
        if (check_order(request, product, body, reply) && sb_check_certificate(&check, body, reply))
            place(request, product, body, &wish, reply);
    }
    cJSON_Delete(body);
}
