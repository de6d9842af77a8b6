// SPDX-License-Identifier: Apache-2.0
/* world_show.c - what the account shows of its orders: order info, listing rows, PEM, CRL. */
#include <stdio.h>
#include <string.h>

#include "world_parts.h"

static void follow_clock(const struct sb_world *world, cJSON *info)
{
    cJSON *certificate = cJSON_GetObjectItemCaseSensitive(info, "certificate");
    int64_t end = 0;
    const char *till = sb_text_of(info, "order_valid_till", NULL);

    /* An order ends by the clock; an expired certificate of a running order stays "issued". */
    if (strcmp(sb_text_of(info, "status", ""), "issued") == 0 && till &&
        sb_time_parse(till, &end) && sb_clock_now(&world->clock) > end + SB_DAY - 1)
        sb_set_item(info, "status", cJSON_CreateString("expired"));
    if (strcmp(sb_text_of(info, "status", ""), "needs_approval") == 0)
        cJSON_DeleteItemFromObjectCaseSensitive(certificate, "id");
}

cJSON *sb_order_info(struct sb_world *world, struct sb_order *order)
{
    if (!order->info && !sb_make_real(world, order))
        return NULL;
    cJSON *info = cJSON_Duplicate(order->info, 1);
    follow_clock(world, info);
    return info;
}

static cJSON *bulk_row(const struct sb_world *world, const struct sb_order *order)
{
    sb_auto(sb_free_drop) char *name = sb_bulk_name(order);
    cJSON *row = cJSON_CreateObject();
    cJSON *certificate = cJSON_AddObjectToObject(row, "certificate");
    int64_t now = sb_time_midnight(sb_clock_now(&world->clock));

    cJSON_AddNumberToObject(row, "id", (double)order->id);
    cJSON_AddNumberToObject(certificate, "id", (double)order->certificates[0].id);
    cJSON_AddStringToObject(certificate, "common_name", name);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(certificate, "dns_names"),
                         cJSON_CreateString(name));
    sb_set_date(certificate, "valid_till", now + 199 * SB_DAY - 1, false);
    cJSON_AddStringToObject(row, "status", "issued");
    cJSON_AddStringToObject(row, "product_name_id", "ssl_basic");
    return row;
}

/* The short form: no persons, no CSR, counts instead of lists, strings for numbers. */
cJSON *sb_order_row(struct sb_world *world, struct sb_order *order)
{
    static const char *const left_out[] = { "requests", "auto_renew", "dcv_method", "disable_ct" };

    if (!order->info)
        return bulk_row(world, order);
    cJSON *row = sb_order_info(world, order);
    for (size_t i = 0; i < SB_COUNT(left_out); i++)
        cJSON_DeleteItemFromObjectCaseSensitive(row, left_out[i]);
    cJSON_AddBoolToObject(row, "has_duplicates", 0);
    cJSON_AddNumberToObject(row, "reissues_count",
                            (double)(order->certificate_count ? order->certificate_count - 1 : 0));
    cJSON_AddNumberToObject(row, "price", 454);
    return row;
}

/* The service separates blocks and lines with CR LF. */
static void add_crlf(struct sb_buf *out, const char *pem)
{
    for (; *pem; pem++) {
        if (*pem == '\n')
            sb_buf_adds(out, "\r");
        sb_buf_add(out, pem, 1);
    }
}

bool sb_order_pem(struct sb_world *world, struct sb_order *order,
                  struct sb_certificate *certificate, bool chain, bool root, struct sb_buf *ret_pem)
{
    if (!order->info) {
        if (!sb_make_real(world, order))
            return false;
        certificate = &order->certificates[0];
    }
    if (!certificate->pem)
        return false;
    add_crlf(ret_pem, certificate->pem);
    if (!chain || strcmp(order->chain_kind, "leaf") == 0)
        return true;
    add_crlf(ret_pem, sb_issuer_intermediate(world->issuer));
    if (strcmp(order->chain_kind, "cross") == 0)
        add_crlf(ret_pem, sb_issuer_cross(world->issuer));
    if (root)
        add_crlf(ret_pem, sb_issuer_root(world->issuer));
    return true;
}

bool sb_world_crl(struct sb_world *world, struct sb_buf *ret_der)
{
    struct sb_names revoked = { 0 };

    for (size_t i = 0; i < world->order_count; i++)
        for (size_t k = 0; k < world->orders[i]->certificate_count; k++)
            if (world->orders[i]->certificates[k].revoked)
                sb_names_add(&revoked, world->orders[i]->certificates[k].serial);
    bool good = sb_issuer_crl(world->issuer, &revoked, sb_clock_now(&world->clock), ret_der);
    sb_names_clear(&revoked);
    return good;
}
