// SPDX-License-Identifier: Apache-2.0
/* world_make.c - new orders: one as the control or the Services API asks, or many thousands. */
#include <stdio.h>
#include <string.h>

#include "dcv.h"
#include "file.h"
#include "key.h"
#include "submission.h"
#include "world_parts.h"

static void add_product(cJSON *info, const struct sb_product *product)
{
    cJSON *object = cJSON_AddObjectToObject(info, "product");

    sb_set_text(object, "name_id", product->name_id);
    sb_set_text(object, "name", product->name);
    sb_set_text(object, "type", product->type);
    sb_set_text(object, "validation_type", product->validation);
    sb_set_flag(object, "csr_required", true);
    sb_set_text(info, "product_name_id", product->name_id);
}

static void add_organization(cJSON *info, const struct sb_product *product)
{
    if (sb_product_is_dv(product)) {
        cJSON_AddArrayToObject(info, "organization"); /* DV orders: an empty array */
        return;
    }
    cJSON *object = cJSON_AddObjectToObject(info, "organization");
    sb_set_number(object, "id", 112200);
    sb_set_text(object, "name", "Example Net Ltd");
    sb_set_text(object, "country", "gb");
}

static void add_certificate(cJSON *info, const cJSON *wanted, int64_t now)
{
    cJSON *certificate = cJSON_AddObjectToObject(info, "certificate");
    const char *common_name = sb_text_of(wanted, "common_name", "www.example.com");

    sb_set_text(certificate, "common_name", common_name);
    sb_copy_item(certificate, wanted, "dns_names");
    if (!cJSON_HasObjectItem(certificate, "dns_names"))
        cJSON_AddItemToArray(cJSON_AddArrayToObject(certificate, "dns_names"),
                             cJSON_CreateString(common_name));
    sb_set_date(certificate, "date_created", now, true);
    sb_set_text(certificate, "signature_hash", "sha256");
}

struct sb_order *sb_world_new_order(struct sb_world *world, const cJSON *wanted,
                                    const struct sb_product *product, int64_t id)
{
    static const char *const copied[] = {
        "alternative_order_id", "is_renewed",     "is_renewal", "renewed_order_id", "auto_reissue",
        "is_multi_year_plan",   "order_validity", "dcv_method", "auto_renew",       "validity_years"
    };
    struct sb_order *order = sb_alloc(sizeof(*order));
    cJSON *info = cJSON_CreateObject();
    int64_t now = sb_world_now(world);
    int64_t created = now - sb_number_of(wanted, "age_days", 0) * SB_DAY;
    const char *end = sb_text_of(wanted, "order_valid_till", NULL);
    int64_t days = sb_number_of(wanted, "order_days", 365);

    order->id = id;
    order->changed = created;
    order->info = info;
    sb_set_number(info, "id", id);
    add_certificate(info, wanted, created);
    sb_set_text(info, "status", sb_text_of(wanted, "status", "issued"));
    sb_set_flag(info, "is_renewal", false);
    sb_set_date(info, "date_created", created, true);
    add_organization(info, product);
    sb_set_number(info, "validity_years", 1);
    if (end)
        sb_set_text(info, "order_valid_till", end);
    else
        sb_set_date(info, "order_valid_till", sb_time_midnight(now) + days * SB_DAY - 1, false);
    sb_set_flag(info, "disable_ct", sb_flag_of(wanted, "disable_ct"));
    sb_set_number(info, "auto_renew", 0);
    sb_set_number(info, "auto_reissue", 0);
    add_product(info, product);
    for (size_t i = 0; i < SB_COUNT(copied); i++)
        sb_copy_item(info, wanted, copied[i]);
    sb_set(&order->chain_kind, sb_text_of(wanted, "chain", "normal"));
    return order;
}

/* ---- with the certificate or the request that its status speaks of ---- */

/* Statuses under which the CA has issued at least once. */
static bool is_issued_status(const char *status)
{
    static const char *const issued[] = { "issued", "expired", "revoked", "reissue_pending" };

    return sb_find_name(issued, SB_COUNT(issued), status) >= 0;
}

/* A request with a CSR whose key nobody has. */
static void submit_waiting(struct sb_world *world, struct sb_order *order, const char *type,
                           const char *waits_for)
{
    const cJSON *info = sb_item(order->info, "certificate");
    EVP_PKEY *key = sb_key_make("ec:P-256");
    cJSON *wanted = cJSON_CreateObject();
    cJSON *certificate = cJSON_AddObjectToObject(wanted, "certificate");
    cJSON *switches = order->switches;

    sb_copy_item(certificate, info, "common_name");
    sb_copy_item(certificate, info, "dns_names");
    sb_auto(sb_free_drop) char *csr =
        key ? sb_csr_make(key, sb_text_of(info, "common_name", "nobody.example")) : NULL;
    sb_set_text(certificate, "csr", csr);
    order->switches = cJSON_CreateObject();
    sb_set_text(order->switches, "dcv", strcmp(waits_for, "dcv") == 0 ? "open" : "valid");
    sb_set_flag(order->switches, "staff", strcmp(waits_for, "staff") == 0);
    sb_set_text(order->switches, "approval",
                strcmp(waits_for, "approval") == 0 ? "always" : "never");
    sb_set_number(order->switches, "polls", strcmp(waits_for, "polls") == 0 ? 1000000 : 0);
    sb_submit(world, order, type, wanted, true);
    cJSON_Delete(order->switches);
    order->switches = switches;
    /* Domain validation stays open until somebody does it. */
    if (strcmp(waits_for, "dcv") == 0 && !order->switches)
        order->switches = cJSON_CreateObject();
    if (strcmp(waits_for, "dcv") == 0)
        sb_set_text(order->switches, "dcv", "open");
    cJSON_Delete(wanted);
    EVP_PKEY_free(key);
}

/* For hosts of their own, which made their keys. */
static bool add_duplicates(struct sb_world *world, struct sb_order *order, int64_t count,
                           const char **ret_why)
{
    cJSON *wanted = cJSON_Parse("{\"key_elsewhere\":true}");
    bool good = true;

    for (int64_t i = 0; i < count && good; i++)
        good = sb_world_issue(world, order, wanted, "duplicate", ret_why);
    cJSON_Delete(wanted);
    return good;
}

static bool fill_order(struct sb_world *world, struct sb_order *order, const cJSON *wanted,
                       const char **ret_why)
{
    static const struct {
        const char *status, *waits_for;
    } waiting[] = { { "pending", "dcv" },
                    { "needs_approval", "approval" },
                    { "processing", "polls" } };
    sb_auto(sb_free_drop) char *status = sb_strdup(sb_text_of(wanted, "status", "issued"));

    for (size_t i = 0; i < SB_COUNT(waiting); i++)
        if (strcmp(waiting[i].status, status) == 0)
            submit_waiting(world, order, "new_request", waiting[i].waits_for);
    if (!is_issued_status(status))
        return true;
    if (!sb_world_issue(world, order, wanted, "primary", ret_why))
        return false;
    sb_dcv_know(world, &order->certificates[0].names, sb_world_now(world));
    sb_submit_past(world, order, "new_request", &order->certificates[0]);
    if (strcmp(status, "revoked") == 0)
        sb_order_revoke(world, order, &order->certificates[0], sb_world_now(world));
    if (strcmp(status, "reissue_pending") == 0)
        submit_waiting(world, order, "reissue", "staff");
    /* The setting was changed after the certificate had been issued. */
    if (sb_flag_of(wanted, "ct_drift"))
        sb_set_flag(order->info, "disable_ct", !sb_flag_of(order->info, "disable_ct"));
    return add_duplicates(world, order, sb_number_of(wanted, "duplicates", 0), ret_why);
}

static void write_key(const struct sb_world *world, const struct sb_order *order)
{
    sb_auto(sb_free_drop) char *path =
        sb_format("%s/keys/%lld.pem", world->dir, (long long)order->id);

    if (!sb_file_write(path, order->key_pem, strlen(order->key_pem), 0600))
        sb_complain("the key of order %lld is in memory only", (long long)order->id);
}

struct sb_order *sb_world_make_order(struct sb_world *world, const cJSON *wanted,
                                     const char **ret_why)
{
    const struct sb_product *product = sb_product_named(sb_text_of(wanted, "product", "ssl_basic"));
    int64_t id = sb_number_of(wanted, "id", world->next_id++);
    cJSON *switches = NULL;

    *ret_why = "this product is not known";
    if (!product)
        return NULL;
    *ret_why = "there is an order with this id";
    if (id <= 0 || sb_world_order(world, id))
        return NULL;
    if (sb_item(wanted, "switches") &&
        !sb_switches_set(&switches, sb_item(wanted, "switches"), ret_why))
        return NULL;
    struct sb_order *order = sb_world_new_order(world, wanted, product, id);
    order->switches = switches;
    if (!fill_order(world, order, wanted, ret_why)) {
        sb_world_forget(world, order);
        sb_free_order(order);
        return NULL;
    }
    if (order->certificate_count && order->key_pem)
        write_key(world, order);
    sb_world_insert(world, order);
    sb_world_touch(world, order);
    return order;
}

/* ---- many ---- */

bool sb_world_make_bulk(struct sb_world *world, const cJSON *wanted, const char **ret_why)
{
    int64_t count = sb_number_of(wanted, "count", 0);
    int64_t first = sb_number_of(wanted, "first_id", 1000000);

    *ret_why = "count is 1 to 1000000, and first_id leaves the ids of other orders alone";
    if (count < 1 || count > 1000000 || first < 1 || sb_world_order(world, first) ||
        sb_world_order(world, first + count - 1))
        return false;
    sb_add_bulk(world, sb_text_of(wanted, "common_name", "h%d.bulk.example"), first, count);
    sb_world_touch(world, NULL);
    return true;
}

/* A bulk order becomes an ordinary one when it is asked for. */
bool sb_world_real(struct sb_world *world, struct sb_order *order)
{
    const struct sb_product *product = sb_product_named("ssl_basic");
    const char *why = NULL;

    if (order->info)
        return true;
    sb_auto(sb_free_drop) char *name = sb_bulk_name(order);
    cJSON *wanted = cJSON_CreateObject();
    sb_set_text(wanted, "common_name", name);
    struct sb_order *made = sb_world_new_order(world, wanted, product, order->id);
    order->info = made->info;
    order->changed = made->changed;
    made->info = NULL;
    sb_free_order(made);
    bool good = sb_world_issue(world, order, wanted, "primary", &why);
    cJSON_Delete(wanted);
    if (!good)
        return sb_complain("bulk order %lld: %s", (long long)order->id, why);
    struct sb_certificate *c = &order->certificates[0];
    c->id = order->id + SB_BULK_CERTIFICATE;
    sb_set_number((cJSON *)sb_item(order->info, "certificate"), "id", c->id);
    sb_dcv_know(world, &c->names, sb_world_now(world));
    sb_submit_past(world, order, "new_request", c);
    return true;
}
