// SPDX-License-Identifier: Apache-2.0
/*
 * order.c - reads an order from order info, listing rows or order.json; accepts every loose type
 * that the service was seen to send. Absent stays absent.
 */
#include "model/order.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { DAY_S = 86400, REQUESTS_MAX = 200, NAMES_MAX = 1000, HEX_OCTETS = 32 };

static const struct {
    enum dcs_order_status status;
    const char *name; /* the CA's word */
    bool has_certificate;
    const char *waits_for;
} statuses[] = {
    { DCS_ORDER_ISSUED, "issued", true, "nothing" },
    { DCS_ORDER_NEEDS_APPROVAL, "needs_approval", false, "approval by an administrator" },
    { DCS_ORDER_PENDING, "pending", false, "validation of the organization or the domains" },
    { DCS_ORDER_PROCESSING, "processing", false, "the CA, which is issuing it" },
    { DCS_ORDER_NEEDS_CSR, "needs_csr", false, "a certificate request (CSR)" },
    { DCS_ORDER_WAITING_PICKUP, "waiting_pickup", false, "somebody who picks it up" },
    { DCS_ORDER_REISSUE_PENDING, "reissue_pending", true, "a reissue that is under way" },
    { DCS_ORDER_REJECTED, "rejected", false, "nothing: it was rejected" },
    { DCS_ORDER_CANCELED, "canceled", false, "nothing: it was canceled" },
    { DCS_ORDER_REVOKED, "revoked", true, "nothing: the certificate was revoked" },
    { DCS_ORDER_EXPIRED, "expired", true, "nothing: the order has ended" },
    /* older words and spellings */
    { DCS_ORDER_PROCESSING, "approved", false, "the CA, which is issuing it" },
    { DCS_ORDER_REJECTED, "denied", false, "nothing: it was rejected" },
    { DCS_ORDER_CANCELED, "cancelled", false, "nothing: it was canceled" },
};

const char *dcs_order_status_name(enum dcs_order_status status)
{
    for (size_t i = 0; i < DCS_COUNT(statuses); i++)
        if (statuses[i].status == status)
            return statuses[i].name;
    return "unknown";
}

const char *dcs_order_waits_for(enum dcs_order_status status)
{
    for (size_t i = 0; i < DCS_COUNT(statuses); i++)
        if (statuses[i].status == status)
            return statuses[i].waits_for;
    return "something that this version does not know";
}

bool dcs_order_is_over(enum dcs_order_status status)
{
    return status == DCS_ORDER_REJECTED || status == DCS_ORDER_CANCELED ||
           status == DCS_ORDER_REVOKED || status == DCS_ORDER_EXPIRED;
}

bool dcs_order_has_certificate(const struct dcs_order *order)
{
    for (size_t i = 0; i < DCS_COUNT(statuses); i++)
        if (statuses[i].status == order->status)
            return statuses[i].has_certificate;
    /* A word that we do not know: the certificate's own id and dates say more. */
    return order->certificate_id > 0 && order->valid_till >= 0;
}

static enum dcs_order_status status_of(const char *word)
{
    for (size_t i = 0; i < DCS_COUNT(statuses); i++)
        if (strcasecmp(statuses[i].name, word) == 0)
            return statuses[i].status;
    return DCS_ORDER_UNKNOWN;
}

void dcs_order_free(struct dcs_order *order)
{
    if (!order)
        return;
    for (size_t i = 0; i < order->name_count; i++)
        free(order->names[i]);
    free(order->names);
    free(order->requests);
    free(order);
}

void dcs_order_drop(struct dcs_order **order)
{
    dcs_order_free(*order);
    *order = NULL;
}

/* ---- reading ---- */

static void lower(char *text)
{
    for (; *text; text++)
        if (*text >= 'A' && *text <= 'Z')
            *text |= 0x20;
}

/* The first of the paths that is there; some fields move between order info and listing rows. */
static const char *text_at(const struct dcs_json *object, const char *first, const char *second)
{
    const char *text = dcs_json_text(object, first);

    return text || !second ? text : dcs_json_text(object, second);
}

static void read_text(const struct dcs_json *object, const char *first, const char *second,
                      char *out, size_t capacity)
{
    dcs_clean_text(text_at(object, first, second), out, capacity);
}

/* Hex, lower case; what is no hex reads as absent. A serial number without its leading zero is an
 * odd count of digits: one that was dropped would be one that nobody compares. */
static void read_hex(const struct dcs_json *object, const char *path, bool drop_zeros, char *out,
                     size_t capacity)
{
    char digits[2 * HEX_OCTETS + 2] = "0"; /* that zero */
    uint8_t octets[HEX_OCTETS];
    size_t count = 0;
    size_t len = 0;
    size_t first = 0;
    const char *text = dcs_json_text(object, path);

    out[0] = '\0';
    for (; text && *text; text++) {
        if (strchr(" :", *text))
            continue;
        if (count == sizeof(digits) - 2)
            return;
        digits[1 + count++] = *text;
    }
    digits[1 + count] = '\0';
    if (count == 0 || !dcs_unhex(digits + (count % 2 == 0), octets, sizeof(octets), &len) ||
        capacity < 2 * len + 1)
        return;
    while (drop_zeros && first + 1 < len && octets[first] == 0)
        first++;
    dcs_hex(octets + first, len - first, out);
}

void dcs_order_read_serial(const struct dcs_json *object, const char *path, char out[65])
{
    read_hex(object, path, true, out, 65);
}

static int64_t read_date(const struct dcs_json *object, const char *path)
{
    int64_t when = -1;
    const char *text = dcs_json_text(object, path);

    return text && dcs_time_parse(text, &when) ? when : -1;
}

/* The CA's ends are days, and their last second is still covered. */
static int64_t last_second(int64_t day)
{
    return day >= 0 ? dcs_time_midnight(day) + DAY_S - 1 : -1;
}

static int64_t read_id(const struct dcs_json *object, const char *first, const char *second)
{
    int64_t id = 0;

    if ((dcs_json_i64(object, first, &id) || (second && dcs_json_i64(object, second, &id))) &&
        id > 0)
        return id;
    return 0;
}

static bool add_name(struct dcs_order *order, const char *text, struct dcs_err *err)
{
    char name[256];

    dcs_clean_text(text, name, sizeof(name));
    lower(name);
    if (!name[0] || strcmp(name, " ") == 0) /* [" "] was sent for "none" until 2022 */
        return true;
    for (size_t i = 0; i < order->name_count; i++)
        if (strcmp(order->names[i], name) == 0)
            return true;
    if (!dcs_str_copy(name, &order->names[order->name_count], err))
        return false;
    order->name_count++;
    return true;
}

static size_t array_count(const struct dcs_json *array)
{
    return dcs_json_is_array(array) ? dcs_json_count(array) : 0;
}

/* What a request names: hosts, or the addresses of an e-mail certificate. */
static bool read_names(const struct dcs_json *object, struct dcs_order *order, struct dcs_err *err)
{
    enum dcs_product product = dcs_order_product(order);
    bool has_email = product == DCS_PRODUCT_SMIME || product == DCS_PRODUCT_CLIENT;
    const struct dcs_json *arrays[] = {
        dcs_json_path(object, "certificate.dns_names"),
        has_email ? dcs_json_path(object, "certificate.emails") : NULL,
    };
    size_t count = array_count(arrays[0]) + array_count(arrays[1]);

    if (count > NAMES_MAX)
        return dcs_fail(err, DCS_E_AWAY, "the order has more than %d names", NAMES_MAX);
    order->names = dcs_alloc(count, sizeof(*order->names), err);
    if (!order->names)
        return false;
    for (size_t i = 0; i < DCS_COUNT(arrays); i++) {
        const struct dcs_json *n = array_count(arrays[i]) ? dcs_json_first(arrays[i]) : NULL;
        for (; n; n = dcs_json_next(n)) {
            const char *text = dcs_json_text(n, "");
            if (text && !add_name(order, text, err))
                return false;
        }
    }
    return true;
}

static void read_request(const struct dcs_json *row, struct dcs_order_request *to)
{
    to->id = read_id(row, "id", NULL);
    read_text(row, "type", NULL, to->type, sizeof(to->type));
    read_text(row, "status", NULL, to->status, sizeof(to->status));
    read_text(row, "date", NULL, to->date, sizeof(to->date));
    read_text(row, "comments", "comment", to->comments, sizeof(to->comments));
}

static int newest_first(const void *a, const void *b)
{
    int64_t x = ((const struct dcs_order_request *)a)->id;
    int64_t y = ((const struct dcs_order_request *)b)->id;

    return (x < y) - (x > y);
}

/* In whichever order they come: beyond the bound the older ones are left out. */
static bool read_requests(const struct dcs_json *object, struct dcs_order *order,
                          struct dcs_err *err)
{
    const struct dcs_json *array = dcs_json_get(object, "requests");
    size_t count = array_count(array);

    order->requests = dcs_alloc(count, sizeof(*order->requests), err);
    if (!order->requests)
        return false;
    for (const struct dcs_json *r = count ? dcs_json_first(array) : NULL; r; r = dcs_json_next(r))
        read_request(r, &order->requests[order->request_count++]);
    if (order->request_count > REQUESTS_MAX) {
        qsort(order->requests, order->request_count, sizeof(*order->requests), newest_first);
        order->request_count = REQUESTS_MAX;
    }
    return true;
}

static void read_certificate(const struct dcs_json *object, struct dcs_order *order)
{
    order->certificate_id = read_id(object, "certificate.id", "certificate_id");
    read_text(object, "certificate.status", NULL, order->certificate_status,
              sizeof(order->certificate_status));
    read_hex(object, "certificate.serial_number", true, order->serial, sizeof(order->serial));
    read_hex(object, "certificate.thumbprint", false, order->thumbprint, sizeof(order->thumbprint));
    read_text(object, "certificate.common_name", "common_name", order->common_name,
              sizeof(order->common_name));
    order->valid_from = read_date(object, "certificate.valid_from");
    order->valid_till = last_second(read_date(object, "certificate.valid_till"));
    order->date_issued = read_date(object, "certificate.date_issued");
    read_text(object, "certificate.ca_cert.name", NULL, order->issuer_name,
              sizeof(order->issuer_name));
}

static void read_flags(const struct dcs_json *object, struct dcs_order *order)
{
    order->disable_ct = dcs_json_tri(object, "disable_ct");
    order->is_multi_year = dcs_json_tri(object, "is_multi_year_plan");
    order->is_renewed = dcs_json_tri(object, "is_renewed");
    order->is_renewal = dcs_json_tri(object, "is_renewal");
    order->auto_renew = dcs_json_tri(object, "auto_renew");
    order->auto_reissue = dcs_json_tri(object, "auto_reissue");
    order->renewed_order_id = read_id(object, "renewed_order_id", NULL);
}

static void read_product(const struct dcs_json *object, struct dcs_order *order)
{
    read_text(object, "product.name_id", "product_name_id", order->product, sizeof(order->product));
    read_text(object, "product.type", NULL, order->product_type, sizeof(order->product_type));
    read_text(object, "product.validation_type", NULL, order->validation_type,
              sizeof(order->validation_type));
    read_text(object, "dcv_method", NULL, order->dcv_method, sizeof(order->dcv_method));
    order->organization_id =
        read_id(object, "organization.id", "certificate.organization.id"); /* [] on DV orders */
}

bool dcs_order_from_json(const struct dcs_json *object, struct dcs_order **ret_order,
                         struct dcs_err *err)
{
    dcs_auto(dcs_order) struct dcs_order *order = dcs_alloc(1, sizeof(*order), err);

    if (!order)
        return false;
    order->id = read_id(object, "id", "order_id");
    if (order->id == 0)
        return dcs_fail(err, DCS_E_AWAY, "the answer describes no order");
    read_text(object, "status", NULL, order->status_text, sizeof(order->status_text));
    order->status = status_of(order->status_text);
    read_certificate(object, order);
    order->order_valid_till = last_second(read_date(object, "order_valid_till"));
    read_flags(object, order);
    read_text(object, "alternative_order_id", NULL, order->alternative_id,
              sizeof(order->alternative_id));
    read_product(object, order);
    if (!read_names(object, order, err) || !read_requests(object, order, err))
        return false;
    *ret_order = dcs_steal(&order);
    return true;
}

/* ---- writing: the same names, only what is known ---- */

static void write_text(struct dcs_json *object, const char *name, const char *text)
{
    if (*text)
        dcs_json_add_text(object, name, text);
}

static void write_date(struct dcs_json *object, const char *name, int64_t when)
{
    char text[DCS_TIME_TEXT];

    if (when < 0)
        return;
    dcs_time_text(when, text);
    dcs_json_add_text(object, name, text);
}

static void write_tri(struct dcs_json *object, const char *name, enum dcs_tri value)
{
    if (value != DCS_UNKNOWN)
        dcs_json_add_bool(object, name, value == DCS_YES);
}

static void write_certificate(struct dcs_json *object, const struct dcs_order *order)
{
    struct dcs_json *certificate = dcs_json_add_object(object, "certificate");

    if (order->certificate_id)
        dcs_json_add_i64(certificate, "id", order->certificate_id);
    write_text(certificate, "status", order->certificate_status);
    write_text(certificate, "serial_number", order->serial);
    write_text(certificate, "thumbprint", order->thumbprint);
    write_text(certificate, "common_name", order->common_name);
    struct dcs_json *names = dcs_json_add_array(certificate, "dns_names");
    for (size_t i = 0; i < order->name_count; i++)
        dcs_json_add_text(names, NULL, order->names[i]);
    write_date(certificate, "valid_from", order->valid_from);
    write_date(certificate, "valid_till", order->valid_till);
    write_date(certificate, "date_issued", order->date_issued);
    if (order->issuer_name[0])
        dcs_json_add_text(dcs_json_add_object(certificate, "ca_cert"), "name", order->issuer_name);
}

static void write_requests(struct dcs_json *object, const struct dcs_order *order)
{
    struct dcs_json *array = dcs_json_add_array(object, "requests");

    for (size_t i = 0; i < order->request_count; i++) {
        struct dcs_json *row = dcs_json_add_object(array, NULL);
        dcs_json_add_i64(row, "id", order->requests[i].id);
        write_text(row, "type", order->requests[i].type);
        write_text(row, "status", order->requests[i].status);
        write_text(row, "date", order->requests[i].date);
        write_text(row, "comments", order->requests[i].comments);
    }
}

bool dcs_order_to_json(const struct dcs_order *order, struct dcs_json **ret_object,
                       struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *object = dcs_json_new_object();

    if (!object || !dcs_json_add_i64(object, "id", order->id))
        return dcs_fail(err, DCS_E_NOMEM, "out of memory");
    write_text(object, "status", order->status_text);
    write_certificate(object, order);
    write_date(object, "order_valid_till", order->order_valid_till);
    write_tri(object, "disable_ct", order->disable_ct);
    write_tri(object, "is_multi_year_plan", order->is_multi_year);
    write_tri(object, "is_renewed", order->is_renewed);
    write_tri(object, "is_renewal", order->is_renewal);
    write_tri(object, "auto_renew", order->auto_renew);
    write_tri(object, "auto_reissue", order->auto_reissue);
    if (order->renewed_order_id)
        dcs_json_add_i64(object, "renewed_order_id", order->renewed_order_id);
    write_text(object, "alternative_order_id", order->alternative_id);
    struct dcs_json *product = dcs_json_add_object(object, "product");
    write_text(product, "name_id", order->product);
    write_text(product, "type", order->product_type);
    write_text(product, "validation_type", order->validation_type);
    write_text(object, "dcv_method", order->dcv_method);
    if (order->organization_id)
        dcs_json_add_i64(dcs_json_add_object(object, "organization"), "id", order->organization_id);
    write_requests(object, order);
    *ret_object = dcs_steal(&object);
    return true;
}

/* ---- products (facts/policy.md 1; facts/certcentral-api.md 7) ---- */

enum dcs_product dcs_order_product(const struct dcs_order *order)
{
    /* By name first: private TLS shares its type with public TLS. Prefixes. */
    static const struct {
        const char *name, *type;
        enum dcs_product product;
    } rows[] = {
        { "private_", NULL, DCS_PRODUCT_PRIVATE_TLS },
        { "secure_email", NULL, DCS_PRODUCT_SMIME },
        { "class1_smime", NULL, DCS_PRODUCT_SMIME },
        { "code_signing", NULL, DCS_PRODUCT_CODE_SIGNING },
        { "document_signing", NULL, DCS_PRODUCT_DOCUMENT_SIGNING },
        { "client_", NULL, DCS_PRODUCT_CLIENT },
        { "vmc", NULL, DCS_PRODUCT_MARK },
        { "cmc", NULL, DCS_PRODUCT_MARK },
        { "ssl_", NULL, DCS_PRODUCT_PUBLIC_TLS },
        { "wildcard_", NULL, DCS_PRODUCT_PUBLIC_TLS },
        { "cloud_", NULL, DCS_PRODUCT_PUBLIC_TLS },
        { NULL, "private_ssl", DCS_PRODUCT_PRIVATE_TLS },
        { NULL, "ssl_certificate", DCS_PRODUCT_PUBLIC_TLS },
        { NULL, "dv_ssl_certificate", DCS_PRODUCT_PUBLIC_TLS },
        { NULL, "secure_email", DCS_PRODUCT_SMIME },
        { NULL, "smime", DCS_PRODUCT_SMIME },
        { NULL, "code_signing", DCS_PRODUCT_CODE_SIGNING },
        { NULL, "document_signing", DCS_PRODUCT_DOCUMENT_SIGNING },
        { NULL, "client_certificate", DCS_PRODUCT_CLIENT },
        { NULL, "verified_mark", DCS_PRODUCT_MARK },
    };

    for (size_t i = 0; i < DCS_COUNT(rows); i++) {
        const char *wanted = rows[i].name ? rows[i].name : rows[i].type;
        const char *have = rows[i].name ? order->product : order->product_type;
        if (strncasecmp(have, wanted, strlen(wanted)) == 0)
            return rows[i].product;
    }
    return DCS_PRODUCT_UNKNOWN;
}
