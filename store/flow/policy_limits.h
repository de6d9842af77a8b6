/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_limits.h - what a product may have, and until when a certificate asked for on some day
 * would be valid. Pure: tables and dates in, dates out.
 *
 * design.md section 7; days and dates are model/limits. Times are UTC seconds, ends inclusive.
 */
#ifndef DCS_FLOW_POLICY_LIMITS_H
#define DCS_FLOW_POLICY_LIMITS_H

#include "model/limits.h"
#include "model/order.h"

enum { DCS_LIMIT_NONE = -1, DCS_RENEW_WINDOW_DAYS = 90 };

/* What a request for this kind of product holds. */
struct dcs_product_row {
    const char *name;
    int life;               /* enum dcs_limit, or DCS_LIMIT_NONE: the product's own setting */
    bool by_itself;         /* may be reissued without a person: we know what a request needs */
    bool sends_names;       /* dns_names: TLS */
    bool sends_email;       /* S/MIME */
    bool sends_common_name; /* not code and document signing */
    bool software_key;      /* false: the key must be made in a token (CSBR 6.2.7.4) */
    bool public_tls;        /* CT is judged, and EKU clientAuth ends with client_auth_stop */
};
const struct dcs_product_row *dcs_policy_product(enum dcs_product product);

/* What limits the end of a certificate of one order. */
struct dcs_term {
    const struct dcs_limits *limits;
    enum dcs_product product;
    int64_t order_end; /* 23:59:59 of the last day; -1 none or unknown */
    int64_t usual_s;   /* life of the cached certificate, for products without a table; 0 unknown */
};
/* Lmax(when): the CA's maximum for what is issued then, in seconds; 0 when nothing is known. */
int64_t dcs_term_longest_s(const struct dcs_term *term, int64_t when);
/* end(when) = min(midnight(when) + Lmax - 1 s, order_end); -1 when nothing limits it. */
int64_t dcs_term_end(const struct dcs_term *term, int64_t when);
/* Whether order_end is what limits it, and can be asked for as custom_expiration_date. */
bool dcs_term_is_order_end(const struct dcs_term *term, int64_t when);

/* Until when a validation of that day can be used again at the CA, by the shorter of the rows of
 * then and of `now`: a step shortens what is already there. table: DCV_REUSE or SII_REUSE. */
int64_t dcs_policy_reuse_until(const struct dcs_limits *limits, enum dcs_limit table,
                               int64_t validated_at, int64_t now);

#endif
