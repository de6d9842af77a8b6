// SPDX-License-Identifier: Apache-2.0
/* world.c - the account's content: finding, keeping and making orders, certificates and keys. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "file.h"

enum { RING = 1024 };

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

static void free_order(struct sb_order *order)
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

static void append_order(struct sb_world *world, struct sb_order *order)
{
    if ((world->order_count & (world->order_count - 1)) == 0)
        world->orders =
            sb_realloc(world->orders,
                       (world->order_count ? world->order_count * 2 : 1) * sizeof(*world->orders));
    world->orders[world->order_count++] = order;
}

static void sort_orders(struct sb_world *world)
{
    qsort(world->orders, world->order_count, sizeof(*world->orders), compare_orders);
}

static struct sb_certificate *add_certificate(struct sb_order *order, int64_t id, const char *kind)
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

static const struct product *product_named(const char *name_id)
{
    for (size_t i = 0; i < SB_COUNT(products); i++)
        if (strcmp(products[i].name_id, name_id) == 0)
            return &products[i];
    return NULL;
}

static const char *text_of(const cJSON *object, const char *name, const char *otherwise)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsString(item) ? item->valuestring : otherwise;
}

static int64_t number_of(const cJSON *object, const char *name, int64_t otherwise)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsNumber(item) ? (int64_t)item->valuedouble : otherwise;
}

static bool flag_of(const cJSON *object, const char *name)
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

static void set_item(cJSON *object, const char *name, cJSON *item)
{
    cJSON_DeleteItemFromObjectCaseSensitive(object, name);
    cJSON_AddItemToObject(object, name, item);
}

static void set_date(cJSON *object, const char *name, int64_t when, bool with_time)
{
    char text[SB_TIME_TEXT];

    if (with_time)
        sb_time_iso(when, text);
    else
        sb_time_date(when, text);
    set_item(object, name, cJSON_CreateString(text));
}

static void names_of(const cJSON *certificate, struct sb_names *ret_names)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(certificate, "dns_names");
    const cJSON *name = NULL;

    cJSON_ArrayForEach(name, list) if (cJSON_IsString(name) &&
                                       !sb_names_has(ret_names, name->valuestring))
        sb_names_add(ret_names, name->valuestring);
    const char *common_name = text_of(certificate, "common_name", NULL);
    if (ret_names->count == 0 && common_name)
        sb_names_add(ret_names, common_name);
}

static EVP_PKEY *key_for(const cJSON *wanted, struct sb_order *order, const char **ret_why)
{
    const char *csr = text_of(wanted, "csr", NULL);
    EVP_PKEY *key = NULL;

    if (csr) {
        key = sb_csr_key(csr);
        *ret_why = "the CSR cannot be read";
        return key;
    }
    if (flag_of(wanted, "same_key") && order->key_pem)
        return sb_key_from_pem(order->key_pem);
    key = sb_key_make(text_of(wanted, "key", "ec:P-256"));
    *ret_why = "this kind of key is not known: ec:P-256, ec:P-384, rsa:2048, rsa:3072, rsa:4096";
    if (key && !flag_of(wanted, "key_elsewhere")) {
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
    const char *text = text_of(wanted, "valid_from", NULL);

    if (!text || !sb_time_parse(text, &from))
        from = sb_clock_now(&world->clock);
    from = sb_time_midnight(from);
    int64_t most = limited ? max_days(from) : 1095;
    int64_t days = number_of(wanted, "validity_days", most);
    if (!flag_of(wanted, "over_the_limit") && days > most)
        days = most;
    struct validity validity = { from, from + days * SB_DAY - 1 };
    text = text_of(order->info, "order_valid_till", NULL);
    if (text && sb_time_parse(text, &order_end) && order_end + SB_DAY - 1 < validity.till)
        validity.till = order_end + SB_DAY - 1;
    return validity;
}

static void describe(struct sb_order *order, const struct sb_certificate *c,
                     const struct validity *v, const struct sb_world *world)
{
    cJSON *certificate = cJSON_GetObjectItemCaseSensitive(order->info, "certificate");
    cJSON *ca = cJSON_CreateObject();

    set_item(certificate, "id", cJSON_CreateNumber((double)c->id));
    set_item(certificate, "thumbprint", cJSON_CreateString(c->thumbprint));
    set_item(certificate, "serial_number", cJSON_CreateString(c->serial));
    set_date(certificate, "date_issued", v->from + 3600, true);
    set_date(certificate, "valid_from", v->from, false);
    set_date(certificate, "valid_till", v->till, false);
    /* Positive even when expired, as a live listing was seen to show. */
    set_item(certificate, "days_remaining",
             cJSON_CreateNumber((double)((v->till - v->from) / SB_DAY)));
    cJSON_AddStringToObject(ca, "id", "A1B2C3D4E5F60718");
    cJSON_AddStringToObject(ca, "name", sb_issuer_name(world->issuer));
    set_item(certificate, "ca_cert", ca);
    if (order->certificate_count > 1)
        set_item(certificate, "status", cJSON_CreateString("issued"));
}

bool sb_world_issue(struct sb_world *world, struct sb_order *order, const cJSON *wanted,
                    const char *kind, const char **ret_why)
{
    cJSON *certificate = cJSON_GetObjectItemCaseSensitive(order->info, "certificate");
    const struct product *product = product_named(text_of(order->info, "product_name_id", ""));
    struct sb_names names = { 0 };
    struct sb_issued issued = { 0 };
    EVP_PKEY *key = key_for(wanted, order, ret_why);

    if (!key || !product)
        return false;
    names_of(certificate, &names);
    struct validity validity = validity_of(world, order, wanted, !product->is_private);
    const struct sb_leaf leaf = {
        .common_name = text_of(certificate, "common_name", "nobody.example"),
        .names = &names,
        .policy = product->policy,
        .is_private = product->is_private,
        .logged = !flag_of(order->info, "disable_ct") && !world->settings.ct_off,
        .client_auth = flag_of(wanted, "client_auth"),
        .email = product->email,
        .code = product->code,
        .is_precertificate = flag_of(wanted, "precertificate"),
        .not_before = validity.from,
        .not_after = validity.till,
    };
    bool good = sb_issuer_issue(world->issuer, &leaf, key, &issued);
    *ret_why = "the certificate cannot be issued";
    if (good) {
        struct sb_certificate *c = add_certificate(order, world->next_id++, kind);
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
        set_item(to, name, cJSON_Duplicate(item, 1));
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

static cJSON *new_info(const struct sb_world *world, const cJSON *wanted,
                       const struct product *product)
{
    static const char *const copied[] = {
        "alternative_order_id", "is_renewed",         "is_renewal", "renewed_order_id",
        "auto_reissue",         "is_multi_year_plan", "dcv_method"
    };
    cJSON *info = cJSON_CreateObject();
    cJSON *certificate = cJSON_AddObjectToObject(info, "certificate");
    int64_t now = sb_clock_now(&world->clock);
    const char *common_name = text_of(wanted, "common_name", "www.example.com");

    cJSON_AddStringToObject(certificate, "common_name", common_name);
    copy_if_there(certificate, wanted, "dns_names");
    if (!cJSON_HasObjectItem(certificate, "dns_names"))
        cJSON_AddItemToArray(cJSON_AddArrayToObject(certificate, "dns_names"),
                             cJSON_CreateString(common_name));
    set_date(certificate, "date_created", now, true);
    cJSON_AddStringToObject(certificate, "signature_hash", "sha256");
    cJSON_AddStringToObject(info, "status", text_of(wanted, "status", "issued"));
    cJSON_AddBoolToObject(info, "is_renewal", 0);
    set_date(info, "date_created", now, true);
    add_organization(info, product);
    cJSON_AddNumberToObject(info, "validity_years", 1);
    const char *end = text_of(wanted, "order_valid_till", NULL);
    if (end)
        cJSON_AddStringToObject(info, "order_valid_till", end);
    else
        set_date(info, "order_valid_till", sb_time_midnight(now) + 365 * SB_DAY - 1, false);
    cJSON_AddBoolToObject(info, "disable_ct", flag_of(wanted, "disable_ct"));
    cJSON_AddNumberToObject(info, "auto_renew", 0);
    add_product(info, product);
    for (size_t i = 0; i < SB_COUNT(copied); i++)
        copy_if_there(info, wanted, copied[i]);
    cJSON *request = cJSON_CreateObject();
    cJSON_AddNumberToObject(request, "id", (double)world->next_id);
    set_date(request, "date", now, true);
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
    const struct product *product = product_named(text_of(wanted, "product", "ssl_basic"));
    int64_t id = number_of(wanted, "id", world->next_id++);

    *ret_why = "this product is not known";
    if (!product)
        return NULL;
    *ret_why = "there is an order with this id";
    if (id <= 0 || sb_world_order(world, id))
        return NULL;
    struct sb_order *order = sb_alloc(sizeof(*order));
    order->id = id;
    order->info = new_info(world, wanted, product);
    set_item(order->info, "id", cJSON_CreateNumber((double)id));
    sb_set(&order->chain_kind, text_of(wanted, "chain", "normal"));
    const char *status = text_of(wanted, "status", "issued");
    if (is_issued_status(status) && !sb_world_issue(world, order, wanted, "primary", ret_why)) {
        free_order(order);
        return NULL;
    }
    if (order->certificate_count && strcmp(status, "revoked") == 0)
        newest(order)->revoked = true;
    if (order->certificate_count && order->key_pem) {
        sb_auto(sb_free_drop) char *path = sb_format("%s/keys/%lld.pem", world->dir, (long long)id);
        if (!sb_file_write(path, order->key_pem, strlen(order->key_pem), 0600))
            sb_complain("the key of order %lld is in memory only", (long long)id);
    }
    append_order(world, order);
    sort_orders(world);
    return order;
}

bool sb_world_make_bulk(struct sb_world *world, const cJSON *wanted, const char **ret_why)
{
    int64_t count = number_of(wanted, "count", 0);
    int64_t first = number_of(wanted, "first_id", 1000000);
    const char *pattern = text_of(wanted, "common_name", "h%d.bulk.example");

    *ret_why = "count is 1 to 1000000, and first_id leaves the ids of other orders alone";
    if (count < 1 || count > 1000000 || first < 1 || sb_world_order(world, first) ||
        sb_world_order(world, first + count - 1))
        return false;
    for (int64_t i = 0; i < count; i++) {
        struct sb_order *order = sb_alloc(sizeof(*order));
        order->id = first + i;
        order->bulk_name = sb_strdup(pattern);
        order->chain_kind = sb_strdup("normal");
        add_certificate(order, order->id + BULK_CERTIFICATE, "primary");
        append_order(world, order);
    }
    sort_orders(world);
    return true;
}

/* The name of a bulk order: its number in place of %d. */
static char *bulk_name(const struct sb_order *order)
{
    const char *mark = strstr(order->bulk_name, "%d");

    if (!mark)
        return sb_strdup(order->bulk_name);
    return sb_format("%.*s%lld%s", (int)(mark - order->bulk_name), order->bulk_name,
                     (long long)order->id, mark + 2);
}

/* A bulk order becomes an ordinary one when its certificate is asked for. */
static bool make_real(struct sb_world *world, struct sb_order *order)
{
    sb_auto(sb_free_drop) char *name = bulk_name(order);
    cJSON *wanted = cJSON_CreateObject();
    const char *why = NULL;

    cJSON_AddStringToObject(wanted, "common_name", name);
    order->info = new_info(world, wanted, &products[0]);
    set_item(order->info, "id", cJSON_CreateNumber((double)order->id));
    int64_t id = order->certificates[0].id;
    sb_free(order->certificates[0].kind);
    order->certificate_count = 0;
    bool good = sb_world_issue(world, order, wanted, "primary", &why);
    cJSON_Delete(wanted);
    if (!good)
        return false;
    order->certificates[0].id = id;
    cJSON *certificate = cJSON_GetObjectItemCaseSensitive(order->info, "certificate");
    set_item(certificate, "id", cJSON_CreateNumber((double)id));
    return true;
}

/* ---- what is shown ---- */

static void follow_clock(const struct sb_world *world, cJSON *info)
{
    cJSON *certificate = cJSON_GetObjectItemCaseSensitive(info, "certificate");
    int64_t end = 0;
    const char *till = text_of(info, "order_valid_till", NULL);

    /* An order ends by the clock; an expired certificate of a running order stays "issued". */
    if (strcmp(text_of(info, "status", ""), "issued") == 0 && till && sb_time_parse(till, &end) &&
        sb_clock_now(&world->clock) > end + SB_DAY - 1)
        set_item(info, "status", cJSON_CreateString("expired"));
    if (strcmp(text_of(info, "status", ""), "needs_approval") == 0)
        cJSON_DeleteItemFromObjectCaseSensitive(certificate, "id");
}

cJSON *sb_order_info(struct sb_world *world, struct sb_order *order)
{
    if (!order->info && !make_real(world, order))
        return NULL;
    cJSON *info = cJSON_Duplicate(order->info, 1);
    follow_clock(world, info);
    return info;
}

static cJSON *bulk_row(const struct sb_world *world, const struct sb_order *order)
{
    sb_auto(sb_free_drop) char *name = bulk_name(order);
    cJSON *row = cJSON_CreateObject();
    cJSON *certificate = cJSON_AddObjectToObject(row, "certificate");
    int64_t now = sb_time_midnight(sb_clock_now(&world->clock));

    cJSON_AddNumberToObject(row, "id", (double)order->id);
    cJSON_AddNumberToObject(certificate, "id", (double)order->certificates[0].id);
    cJSON_AddStringToObject(certificate, "common_name", name);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(certificate, "dns_names"),
                         cJSON_CreateString(name));
    set_date(certificate, "valid_till", now + 199 * SB_DAY - 1, false);
    cJSON_AddStringToObject(row, "status", "issued");
    cJSON_AddStringToObject(row, "product_name_id", products[0].name_id);
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
        if (!make_real(world, order))
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

/* ---- API keys ---- */

struct sb_key *sb_world_key(const struct sb_world *world, const char *text)
{
    for (size_t i = 0; text && i < world->key_count; i++)
        if (strcmp(world->keys[i].text, text) == 0)
            return &world->keys[i];
    return NULL;
}

struct sb_key *sb_world_add_key(struct sb_world *world, enum sb_role role)
{
    unsigned char bytes[32];
    char hex[65];

    if (!sb_random(bytes, sizeof(bytes)))
        return NULL;
    sb_hex(bytes, sizeof(bytes), hex);
    world->keys = sb_realloc(world->keys, (world->key_count + 1) * sizeof(*world->keys));
    struct sb_key *key = &world->keys[world->key_count++];
    *key = (struct sb_key){ .text = sb_strdup(hex),
                            .role = role,
                            .stamps = sb_alloc(RING * sizeof(int64_t)) };
    return key;
}

/* ---- keeping it ---- */

static cJSON *certificate_to_json(const struct sb_certificate *c)
{
    cJSON *object = cJSON_CreateObject();

    cJSON_AddNumberToObject(object, "id", (double)c->id);
    if (c->pem)
        cJSON_AddStringToObject(object, "pem", c->pem);
    cJSON_AddStringToObject(object, "serial", c->serial);
    cJSON_AddStringToObject(object, "thumbprint", c->thumbprint);
    cJSON_AddStringToObject(object, "kind", c->kind);
    cJSON_AddBoolToObject(object, "revoked", c->revoked);
    return object;
}

static cJSON *order_to_json(const struct sb_order *order)
{
    cJSON *object = cJSON_CreateObject();

    cJSON_AddNumberToObject(object, "id", (double)order->id);
    if (order->info)
        cJSON_AddItemToObject(object, "info", cJSON_Duplicate(order->info, 1));
    if (order->key_pem)
        cJSON_AddStringToObject(object, "key", order->key_pem);
    if (order->bulk_name)
        cJSON_AddStringToObject(object, "bulk_name", order->bulk_name);
    cJSON_AddStringToObject(object, "chain", order->chain_kind);
    cJSON *list = cJSON_AddArrayToObject(object, "certificates");
    for (size_t i = 0; i < order->certificate_count; i++)
        cJSON_AddItemToArray(list, certificate_to_json(&order->certificates[i]));
    return object;
}

bool sb_world_save(const struct sb_world *world)
{
    sb_auto(sb_free_drop) char *path = sb_format("%s/state.json", world->dir);
    cJSON *root = cJSON_CreateObject();
    cJSON *orders = cJSON_AddArrayToObject(root, "orders");
    cJSON *keys = cJSON_AddArrayToObject(root, "keys");

    cJSON_AddNumberToObject(root, "next_id", (double)world->next_id);
    cJSON_AddNumberToObject(root, "clock_offset_ms", (double)world->clock.offset_ms);
    for (size_t i = 0; i < world->order_count; i++)
        cJSON_AddItemToArray(orders, order_to_json(world->orders[i]));
    for (size_t i = 0; i < world->key_count; i++) {
        cJSON *key = cJSON_CreateObject();
        cJSON_AddStringToObject(key, "text", world->keys[i].text);
        cJSON_AddNumberToObject(key, "role", world->keys[i].role);
        cJSON_AddBoolToObject(key, "revoked", world->keys[i].revoked);
        cJSON_AddItemToArray(keys, key);
    }
    char *text = cJSON_PrintUnformatted(root);
    bool saved = text && sb_file_write(path, text, strlen(text), 0600);
    cJSON_free(text);
    cJSON_Delete(root);
    return saved;
}

static void order_from_json(struct sb_world *world, const cJSON *object)
{
    struct sb_order *order = sb_alloc(sizeof(*order));
    const cJSON *info = cJSON_GetObjectItemCaseSensitive(object, "info");
    const cJSON *c = NULL;

    order->id = number_of(object, "id", 0);
    order->info = info ? cJSON_Duplicate(info, 1) : NULL;
    order->key_pem = sb_strdup(text_of(object, "key", NULL));
    order->bulk_name = sb_strdup(text_of(object, "bulk_name", NULL));
    order->chain_kind = sb_strdup(text_of(object, "chain", "normal"));
    cJSON_ArrayForEach(c, cJSON_GetObjectItemCaseSensitive(object, "certificates"))
    {
        struct sb_certificate *to =
            add_certificate(order, number_of(c, "id", 0), text_of(c, "kind", "primary"));
        to->pem = sb_strdup(text_of(c, "pem", NULL));
        snprintf(to->serial, sizeof(to->serial), "%s", text_of(c, "serial", ""));
        snprintf(to->thumbprint, sizeof(to->thumbprint), "%s", text_of(c, "thumbprint", ""));
        to->revoked = flag_of(c, "revoked");
    }
    append_order(world, order);
}

static bool load(struct sb_world *world, const char *text, size_t len)
{
    cJSON *root = cJSON_ParseWithLength(text, len);
    const cJSON *item = NULL;

    if (!root)
        return sb_complain("%s/state.json is damaged; remove the directory to start anew",
                           world->dir);
    world->next_id = number_of(root, "next_id", 700000000);
    world->clock.offset_ms = number_of(root, "clock_offset_ms", 0);
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(root, "orders"))
        order_from_json(world, item);
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(root, "keys"))
    {
        struct sb_key *key = sb_world_add_key(world, (enum sb_role)number_of(item, "role", 0));
        if (!key)
            continue;
        sb_set(&key->text, text_of(item, "text", ""));
        key->revoked = flag_of(item, "revoked");
    }
    cJSON_Delete(root);
    sort_orders(world);
    return true;
}

bool sb_world_open(const char *dir, const char *crl_url, bool seed, const int64_t *now,
                   struct sb_world **ret_world)
{
    struct sb_world *world = sb_alloc(sizeof(*world));
    sb_auto(sb_free_drop) char *state = sb_format("%s/state.json", dir);
    sb_auto(sb_free_drop) char *keys = sb_format("%s/keys", dir);
    struct sb_buf text = { 0 };

    world->dir = sb_strdup(dir);
    world->next_id = 700000000;
    world->settings = (struct sb_settings){ .rate_limit = true, .not_issued_status = 404 };
    bool known = sb_file_make_dir(dir) && sb_file_make_dir(keys) && sb_file_exists(state);
    bool good = !known || (sb_file_read(state, &text) && load(world, sb_buf_text(&text), text.len));
    if (now)
        sb_clock_set(&world->clock, *now * 1000);
    good = good && sb_issuer_open(dir, crl_url, sb_clock_now(&world->clock), &world->issuer);
    if (good && !known) {
        good = sb_world_add_key(world, SB_ROLE_NONE) != NULL;
        if (good && seed)
            sb_world_seed(world);
        good = good && sb_world_save(world);
    }
    sb_buf_clear(&text);
    if (good) {
        *ret_world = world;
        return true;
    }
    sb_world_free(world);
    return false;
}

void sb_world_free(struct sb_world *world)
{
    for (size_t i = 0; i < world->order_count; i++)
        free_order(world->orders[i]);
    for (size_t i = 0; i < world->key_count; i++) {
        sb_free(world->keys[i].text);
        sb_free(world->keys[i].stamps);
    }
    sb_free(world->orders);
    sb_free(world->keys);
    sb_issuer_free(world->issuer);
    sb_free(world->dir);
    sb_free(world);
}
