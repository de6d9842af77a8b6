/* SPDX-License-Identifier: Apache-2.0 */
/*
 * order.h - an order as the CA describes it, reduced to the fields we use: no persons.
 *
 * Read from order info, listing rows and our own order.json (the same field names), with all the
 * loose typing of facts/certcentral-api.md 1.4. Absent is absent, never a default.
 */
#ifndef DCS_MODEL_ORDER_H
#define DCS_MODEL_ORDER_H

#include "base/env.h"
#include "io/json.h"
#include "model/uri.h"

enum dcs_order_status {
    DCS_ORDER_UNKNOWN = 0, /* a word that we do not know; status_text holds it */
    DCS_ORDER_NEEDS_APPROVAL,
    DCS_ORDER_PENDING,
    DCS_ORDER_PROCESSING,
    DCS_ORDER_NEEDS_CSR,
    DCS_ORDER_WAITING_PICKUP,
    DCS_ORDER_ISSUED,
    DCS_ORDER_REISSUE_PENDING,
    DCS_ORDER_REJECTED,
    DCS_ORDER_CANCELED,
    DCS_ORDER_REVOKED,
    DCS_ORDER_EXPIRED,
};

struct dcs_order_request {
    int64_t id;
    char type[16];   /* new_request, reissue, duplicate, revoke */
    char status[16]; /* submitted, pending, approved, rejected; "" when absent */
    char date[32];
    char comments[256];
};

struct dcs_order {
    int64_t id;
    enum dcs_order_status status;
    char status_text[32];
    int64_t certificate_id; /* 0: none yet */
    char certificate_status[24];
    char serial[65];     /* lower-case hex without leading zeros; "" when absent */
    char thumbprint[65]; /* lower-case hex */
    char common_name[256];
    char **names; /* dns_names, lower case */
    size_t name_count;
    int64_t valid_from;       /* of the certificate, midnight of the day, -1 unknown */
    int64_t valid_till;       /* of the certificate, 23:59:59 of the day, -1 unknown */
    int64_t order_valid_till; /* end of coverage: 23:59:59 of the day, -1 unknown */
    int64_t date_issued;      /* -1 unknown */
    enum dcs_tri disable_ct, is_multi_year, is_renewed, is_renewal, auto_renew, auto_reissue;
    int64_t renewed_order_id; /* 0: none */
    char alternative_id[256];
    char product[64];         /* name_id */
    char product_type[48];    /* ssl_certificate, ... */
    char validation_type[16]; /* dv, ov, ev, "" */
    char dcv_method[32];
    char issuer_name[128];
    int64_t organization_id; /* 0: none, or not told */
    struct dcs_order_request *requests;
    size_t request_count;
};

/* True for an object with a positive whole `id` (or `order_id`). DCS_E_AWAY otherwise. */
bool dcs_order_from_json(const struct dcs_json *object, struct dcs_order **ret_order,
                         struct dcs_err *err) DCS_CHECKED;
bool dcs_order_to_json(const struct dcs_order *order, struct dcs_json **ret_object,
                       struct dcs_err *err) DCS_CHECKED;
void dcs_order_free(struct dcs_order *order);
void dcs_order_drop(struct dcs_order **order);

/* A serial number as we compare them: lower-case hex without leading zeros; "" when it is none. */
void dcs_order_read_serial(const struct dcs_json *object, const char *path, char out[65]);

const char *dcs_order_status_name(enum dcs_order_status status);
/* Whether a certificate of this order may be downloadable (issued once, whatever came after). */
bool dcs_order_has_certificate(const struct dcs_order *order);
/* The CA has closed it: what it does not have by now it will not get. */
bool dcs_order_is_over(enum dcs_order_status status);
/* What the order waits for, in a sentence: "needs approval by an administrator", ... */
const char *dcs_order_waits_for(enum dcs_order_status status);

enum dcs_product { /* rows of facts/policy.md by product.type */
                   DCS_PRODUCT_UNKNOWN = 0,
                   DCS_PRODUCT_PUBLIC_TLS,
                   DCS_PRODUCT_PRIVATE_TLS,
                   DCS_PRODUCT_SMIME,
                   DCS_PRODUCT_CODE_SIGNING,
                   DCS_PRODUCT_DOCUMENT_SIGNING,
                   DCS_PRODUCT_CLIENT,
                   DCS_PRODUCT_MARK,
};
enum dcs_product dcs_order_product(const struct dcs_order *order);

#endif
