// SPDX-License-Identifier: Apache-2.0
/* world.c - the account's content: finding, keeping and making orders, certificates and keys. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "file.h"
#include "world_parts.h"

/* ---- finding ---- */

struct sb_order *sb_world_order(const struct sb_world *world, int64_t id)
{
    size_t low = 0;
    size_t high = world->order_count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (world->orders[middle]->id == id)
            return world->orders[middle];
        if (world->orders[middle]->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static struct sb_certificate *newest(const struct sb_order *order)
{
    return order->certificate_count ? &order->certificates[order->certificate_count - 1] : NULL;
}

struct sb_order *sb_world_order_named(const struct sb_world *world, const char *name)
{
    int64_t id = 0;

    if (strlen(name) < 19 && sb_parse_number(name, 1, INT64_MAX, &id))
        return sb_world_order(world, id);
    for (size_t i = 0; i < world->order_count; i++) {
        const struct sb_certificate *primary = newest(world->orders[i]);
        if (primary &&
            (strcasecmp(primary->serial, name) == 0 || strcasecmp(primary->thumbprint, name) == 0))
            return world->orders[i];
    }
    return NULL;
}

/* Bulk orders' certificates have the order's id plus this, so that they are found without a list. */
enum { BULK_CERTIFICATE = 500000000 };

struct sb_order *sb_world_certificate(const struct sb_world *world, int64_t id,
                                      struct sb_certificate **ret_certificate)
{
    struct sb_order *bulk =
        id > BULK_CERTIFICATE ? sb_world_order(world, id - BULK_CERTIFICATE) : NULL;

    if (bulk && bulk->bulk_name) {
        *ret_certificate = &bulk->certificates[0];
        return bulk;
    }
    for (size_t i = 0; i < world->order_count; i++) {
        struct sb_order *order = world->orders[i];
        for (size_t k = 0; !order->bulk_name && k < order->certificate_count; k++) {
            if (order->certificates[k].id != id)
                continue;
            *ret_certificate = &order->certificates[k];
            return order;
        }
    }
    return NULL;
}

/* ---- orders ---- */

void sb_free_order(struct sb_order *order)
{
    for (size_t i = 0; i < order->certificate_count; i++) {
        sb_free(order->certificates[i].pem);
        sb_free(order->certificates[i].kind);
    }
    sb_free(order->certificates);
    sb_free(order->key_pem);
    sb_free(order->chain_kind);
    sb_free(order->bulk_name);
    cJSON_Delete(order->info);
    sb_free(order);
}

static int compare_orders(const void *a, const void *b)
{
    int64_t x = (*(struct sb_order *const *)a)->id;
    int64_t y = (*(struct sb_order *const *)b)->id;

    return x < y ? -1 : x > y;
}

void sb_append_order(struct sb_world *world, struct sb_order *order)
{
    if ((world->order_count & (world->order_count - 1)) == 0)
        world->orders =
            sb_realloc(world->orders,
                       (world->order_count ? world->order_count * 2 : 1) * sizeof(*world->orders));
    world->orders[world->order_count++] = order;
}

void sb_sort_orders(struct sb_world *world)
{
    qsort(world->orders, world->order_count, sizeof(*world->orders), compare_orders);
}

struct sb_certificate *sb_add_certificate(struct sb_order *order, int64_t id, const char *kind)
{
    order->certificates = sb_realloc(order->certificates,
                                     (order->certificate_count + 1) * sizeof(*order->certificates));
    struct sb_certificate *certificate = &order->certificates[order->certificate_count++];
    *certificate = (struct sb_certificate){ .id = id, .kind = sb_strdup(kind) };
    return certificate;
}

/* ---- policies by product ---- */

static const struct product {
    const char *name_id, *name, *type, *validation, *policy;
    bool is_private, email, code;
} products[] = {
    { "ssl_basic", "Basic OV", "ssl_certificate", "ov", "2.23.140.1.2.2", false, false, false },
    { "ssl_ev_basic", "Basic EV", "ssl_certificate", "ev", "2.23.140.1.1", false, false, false },
    { "ssl_dv_geotrust_flex", "GeoTrust DV", "dv_ssl_certificate", "dv", "2.23.140.1.2.1", false,
      false, false },
    { "private_ssl_plus", "Private SSL", "ssl_certificate", "ov", NULL, true, false, false },
    { "secure_email_mailbox", "Secure Email", "secure_email_certificate", "ov", NULL, true, true,
      false },
    { "code_signing", "Code Signing", "code_signing_certificate", "ov", NULL, true, false, true },
    { "document_signing_org_1", "Document Signing", "document_signing_certificate", "ov", NULL,
      true, true, false },
};

static const struct product *sb_product_named(const char *name_id)
{
    for (size_t i = 0; i < SB_COUNT(products); i++)
        if (strcmp(products[i].name_id, name_id) == 0)
            return &products[i];
    return NULL;
}

const char *sb_text_of(const cJSON *object, const char *name, const char *otherwise)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsString(item) ? item->valuestring : otherwise;
}

int64_t sb_number_of(const cJSON *object, const char *name, int64_t otherwise)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsNumber(item) ? (int64_t)item->valuedouble : otherwise;
}

bool sb_flag_of(const cJSON *object, const char *name)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, name));
}

/* DigiCert's maximum on the day of issue (facts: 199, 99, 46 days; 397 before). */
static int64_t max_days(int64_t when)
{
    static const struct {
        int64_t from, days;
    } steps[] = { { 0, 397 }, { 1771891200, 199 }, { 1805068800, 99 }, { 1868227200, 46 } };
    int64_t days = 397;

    for (size_t i = 0; i < SB_COUNT(steps); i++)
        if (when >= steps[i].from)
            days = steps[i].days;
    return days;
}

/* ---- issuing ---- */

void sb_set_item(cJSON *object, const char *name, cJSON *item)
{
    cJSON_DeleteItemFromObjectCaseSensitive(object, name);
    cJSON_AddItemToObject(object, name, item);
}

void sb_set_date(cJSON *object, const char *name, int64_t when, bool with_time)
{
    char text[SB_TIME_TEXT];

    if (with_time)
        sb_time_iso(when, text);
    else
        sb_time_date(when, text);
    sb_set_item(object, name, cJSON_CreateString(text));
}

static void names_of(const cJSON *certificate, struct sb_names *ret_names)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(certificate, "dns_names");
    const cJSON *name = NULL;

    cJSON_ArrayForEach(name, list) if (cJSON_IsString(name) &&
                                       !sb_names_has(ret_names, name->valuestring))
        sb_names_add(ret_names, name->valuestring);
    const char *common_name = sb_text_of(certificate, "common_name", NULL);
    if (ret_names->count == 0 && common_name)
        sb_names_add(ret_names, common_name);
}

static EVP_PKEY *key_for(const cJSON *wanted, struct sb_order *order, const char **ret_why)
{
    const char *csr = sb_text_of(wanted, "csr", NULL);
    EVP_PKEY *key = NULL;

    if (csr) {
        key = sb_csr_key(csr);
        *ret_why = "the CSR cannot be read";
        return key;
    }
    if (sb_flag_of(wanted, "same_key") && order->key_pem)
        return sb_key_from_pem(order->key_pem);
    key = sb_key_make(sb_text_of(wanted, "key", "ec:P-256"));
    *ret_why = "this kind of key is not known: ec:P-256, ec:P-384, rsa:2048, rsa:3072, rsa:4096";
    if (key && !sb_flag_of(wanted, "key_elsewhere")) {
        sb_free(order->key_pem);
        order->key_pem = sb_key_to_pem(key);
    }
    return key;
}

struct validity {
    int64_t from, till;
};

static struct validity validity_of(const struct sb_world *world, const struct sb_order *order,
                                   const cJSON *wanted, bool limited)
{
    int64_t from = 0;
    int64_t order_end = 0;
    const char *text = sb_text_of(wanted, "valid_from", NULL);

    if (!text || !sb_time_parse(text, &from))
        from = sb_clock_now(&world->clock);
    from = sb_time_midnight(from);
    int64_t most = limited ? max_days(from) : 1095;
    int64_t days = sb_number_of(wanted, "validity_days", most);
    if (!sb_flag_of(wanted, "over_the_limit") && days > most)
        days = most;
    struct validity validity = { from, from + days * SB_DAY - 1 };
    text = sb_text_of(order->info, "order_valid_till", NULL);
    if (text && sb_time_parse(text, &order_end) && order_end + SB_DAY - 1 < validity.till)
        validity.till = order_end + SB_DAY - 1;
    return validity;
}

static void describe(struct sb_order *order, const struct sb_certificate *c,
                     const struct validity *v, const struct sb_world *world)
{
    cJSON *certificate = cJSON_GetObjectItemCaseSensitive(order->info, "certificate");
    cJSON *ca = cJSON_CreateObject();

    sb_set_item(certificate, "id", cJSON_CreateNumber((double)c->id));
    sb_set_item(certificate, "thumbprint", cJSON_CreateString(c->thumbprint));
    sb_set_item(certificate, "serial_number", cJSON_CreateString(c->serial));
    sb_set_date(certificate, "date_issued", v->from + 3600, true);
    sb_set_date(certificate, "valid_from", v->from, false);
    sb_set_date(certificate, "valid_till", v->till, false);
    /* Positive even when expired, as a live listing was seen to show. */
    sb_set_item(certificate, "days_remaining",
                cJSON_CreateNumber((double)((v->till - v->from) / SB_DAY)));
    cJSON_AddStringToObject(ca, "id", "A1B2C3D4E5F60718");
    cJSON_AddStringToObject(ca, "name", sb_issuer_name(world->issuer));
    sb_set_item(certificate, "ca_cert", ca);
    if (order->certificate_count > 1)
        sb_set_item(certificate, "status", cJSON_CreateString("issued"));
}

bool sb_world_issue(struct sb_world *world, struct sb_order *order, const cJSON *wanted,
                    const char *kind, const char **ret_why)
{
    cJSON *certificate = cJSON_GetObjectItemCaseSensitive(order->info, "certificate");
    const struct product *product =
        sb_product_named(sb_text_of(order->info, "product_name_id", ""));
    struct sb_names names = { 0 };
    struct sb_issued issued = { 0 };
    EVP_PKEY *key = key_for(wanted, order, ret_why);

    if (!key || !product)
        return false;
    names_of(certificate, &names);
    struct validity validity = validity_of(world, order, wanted, !product->is_private);
    const struct sb_leaf leaf = {
        .common_name = sb_text_of(certificate, "common_name", "nobody.example"),
        .names = &names,
        .policy = product->policy,
        .is_private = product->is_private,
        .logged = !sb_flag_of(order->info, "disable_ct") && !world->settings.ct_off,
        .client_auth = sb_flag_of(wanted, "client_auth"),
        .email = product->email,
        .code = product->code,
        .is_precertificate = sb_flag_of(wanted, "precertificate"),
        .not_before = validity.from,
        .not_after = validity.till,
    };
    bool good = sb_issuer_issue(world->issuer, &leaf, key, &issued);
    *ret_why = "the certificate cannot be issued";
    if (good) {
        struct sb_certificate *c = sb_add_certificate(order, world->next_id++, kind);
        c->pem = issued.pem;
        issued.pem = NULL;
        memcpy(c->serial, issued.serial, sizeof(c->serial));
        memcpy(c->thumbprint, issued.thumbprint, sizeof(c->thumbprint));
        if (strcmp(kind, "duplicate") != 0)
            describe(order, c, &validity, world);
    }
    sb_issued_clear(&issued);
    sb_names_clear(&names);
    EVP_PKEY_free(key);
    return good;
}

/* ---- making orders ---- */

static void copy_if_there(cJSON *to, const cJSON *from, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(from, name);

    if (item)
        sb_set_item(to, name, cJSON_Duplicate(item, 1));
}

static void add_product(cJSON *info, const struct product *product)
{
    cJSON *object = cJSON_AddObjectToObject(info, "product");

    cJSON_AddStringToObject(object, "name_id", product->name_id);
    cJSON_AddStringToObject(object, "name", product->name);
    cJSON_AddStringToObject(object, "type", product->type);
    cJSON_AddStringToObject(object, "validation_type", product->validation);
    cJSON_AddBoolToObject(object, "csr_required", 1);
    cJSON_AddStringToObject(info, "product_name_id", product->name_id);
}

static void add_organization(cJSON *info, const struct product *product)
{
    if (strcmp(product->validation, "dv") == 0) {
        cJSON_AddArrayToObject(info, "organization"); /* DV orders: an empty array */
        return;
    }
    cJSON *object = cJSON_AddObjectToObject(info, "organization");
    cJSON_AddNumberToObject(object, "id", 112200);
    cJSON_AddStringToObject(object, "name", "Example Net Ltd");
    cJSON_AddStringToObject(object, "country", "gb");
}

static cJSON *sb_new_info(const struct sb_world *world, const cJSON *wanted,
                          const struct product *product)
{
    static const char *const copied[] = {
        "alternative_order_id", "is_renewed",         "is_renewal", "renewed_order_id",
        "auto_reissue",         "is_multi_year_plan", "dcv_method"
    };
    cJSON *info = cJSON_CreateObject();
    cJSON *certificate = cJSON_AddObjectToObject(info, "certificate");
    int64_t now = sb_clock_now(&world->clock);
    const char *common_name = sb_text_of(wanted, "common_name", "www.example.com");

    cJSON_AddStringToObject(certificate, "common_name", common_name);
    copy_if_there(certificate, wanted, "dns_names");
    if (!cJSON_HasObjectItem(certificate, "dns_names"))
        cJSON_AddItemToArray(cJSON_AddArrayToObject(certificate, "dns_names"),
                             cJSON_CreateString(common_name));
    sb_set_date(certificate, "date_created", now, true);
    cJSON_AddStringToObject(certificate, "signature_hash", "sha256");
    cJSON_AddStringToObject(info, "status", sb_text_of(wanted, "status", "issued"));
    cJSON_AddBoolToObject(info, "is_renewal", 0);
    sb_set_date(info, "date_created", now, true);
    add_organization(info, product);
    cJSON_AddNumberToObject(info, "validity_years", 1);
    const char *end = sb_text_of(wanted, "order_valid_till", NULL);
    if (end)
        cJSON_AddStringToObject(info, "order_valid_till", end);
    else
        sb_set_date(info, "order_valid_till", sb_time_midnight(now) + 365 * SB_DAY - 1, false);
    cJSON_AddBoolToObject(info, "disable_ct", sb_flag_of(wanted, "disable_ct"));
    cJSON_AddNumberToObject(info, "auto_renew", 0);
    add_product(info, product);
    for (size_t i = 0; i < SB_COUNT(copied); i++)
        copy_if_there(info, wanted, copied[i]);
    cJSON *request = cJSON_CreateObject();
    cJSON_AddNumberToObject(request, "id", (double)world->next_id);
    sb_set_date(request, "date", now, true);
    cJSON_AddStringToObject(request, "type", "new_request");
    cJSON_AddStringToObject(request, "status", "approved");
    cJSON_AddItemToArray(cJSON_AddArrayToObject(info, "requests"), request);
    return info;
}

/* Statuses under which the CA has issued at least once. */
static bool is_issued_status(const char *status)
{
    static const char *const issued[] = { "issued", "expired", "revoked", "reissue_pending" };

    return sb_find_name(issued, SB_COUNT(issued), status) >= 0;
}

struct sb_order *sb_world_make_order(struct sb_world *world, const cJSON *wanted,
                                     const char **ret_why)
{
    const struct product *product = sb_product_named(sb_text_of(wanted, "product", "ssl_basic"));
    int64_t id = sb_number_of(wanted, "id", world->next_id++);

    *ret_why = "this product is not known";
    if (!product)
        return NULL;
    *ret_why = "there is an order with this id";
    if (id <= 0 || sb_world_order(world, id))
        return NULL;
    struct sb_order *order = sb_alloc(sizeof(*order));
    order->id = id;
    order->info = sb_new_info(world, wanted, product);
    sb_set_item(order->info, "id", cJSON_CreateNumber((double)id));
    sb_set(&order->chain_kind, sb_text_of(wanted, "chain", "normal"));
    const char *status = sb_text_of(wanted, "status", "issued");
    if (is_issued_status(status) && !sb_world_issue(world, order, wanted, "primary", ret_why)) {
        sb_free_order(order);
        return NULL;
    }
    if (order->certificate_count && strcmp(status, "revoked") == 0)
        newest(order)->revoked = true;
    if (order->certificate_count && order->key_pem) {
        sb_auto(sb_free_drop) char *path = sb_format("%s/keys/%lld.pem", world->dir, (long long)id);
        if (!sb_file_write(path, order->key_pem, strlen(order->key_pem), 0600))
            sb_complain("the key of order %lld is in memory only", (long long)id);
    }
    sb_append_order(world, order);
    sb_sort_orders(world);
    return order;
}

bool sb_world_make_bulk(struct sb_world *world, const cJSON *wanted, const char **ret_why)
{
    int64_t count = sb_number_of(wanted, "count", 0);
    int64_t first = sb_number_of(wanted, "first_id", 1000000);
    const char *pattern = sb_text_of(wanted, "common_name", "h%d.bulk.example");

    *ret_why = "count is 1 to 1000000, and first_id leaves the ids of other orders alone";
    if (count < 1 || count > 1000000 || first < 1 || sb_world_order(world, first) ||
        sb_world_order(world, first + count - 1))
        return false;
    for (int64_t i = 0; i < count; i++) {
        struct sb_order *order = sb_alloc(sizeof(*order));
        order->id = first + i;
        order->bulk_name = sb_strdup(pattern);
        order->chain_kind = sb_strdup("normal");
        sb_add_certificate(order, order->id + BULK_CERTIFICATE, "primary");
        sb_append_order(world, order);
    }
    sb_sort_orders(world);
    return true;
}

/* The name of a bulk order: its number in place of %d. */
char *sb_bulk_name(const struct sb_order *order)
{
    const char *mark = strstr(order->bulk_name, "%d");

    if (!mark)
        return sb_strdup(order->bulk_name);
    return sb_format("%.*s%lld%s", (int)(mark - order->bulk_name), order->bulk_name,
                     (long long)order->id, mark + 2);
}

/* A bulk order becomes an ordinary one when its certificate is asked for. */
bool sb_make_real(struct sb_world *world, struct sb_order *order)
{
    sb_auto(sb_free_drop) char *name = sb_bulk_name(order);
    cJSON *wanted = cJSON_CreateObject();
    const char *why = NULL;

    cJSON_AddStringToObject(wanted, "common_name", name);
    order->info = sb_new_info(world, wanted, &products[0]);
    sb_set_item(order->info, "id", cJSON_CreateNumber((double)order->id));
    int64_t id = order->certificates[0].id;
    sb_free(order->certificates[0].kind);
    order->certificate_count = 0;
    bool good = sb_world_issue(world, order, wanted, "primary", &why);
    cJSON_Delete(wanted);
    if (!good)
        return false;
    order->certificates[0].id = id;
    cJSON *certificate = cJSON_GetObjectItemCaseSensitive(order->info, "certificate");
    sb_set_item(certificate, "id", cJSON_CreateNumber((double)id));
    return true;
}
