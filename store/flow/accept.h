/* SPDX-License-Identifier: Apache-2.0 */
/*
 * accept.h - the checks between a download and the cache (facts/policy.md 6.3, design.md 6).
 *
 * Pure: bytes and expectations in, an accepted certificate with its facts out, or DCS_E_REJECTED
 * with the reason. What is recorded but not rejected goes into facts->notes.
 */
#ifndef DCS_FLOW_ACCEPT_H
#define DCS_FLOW_ACCEPT_H

#include "model/bundle.h"
#include "model/limits.h"
#include "model/order.h"

struct dcs_accept {
    const struct dcs_order *order; /* NULL for certificate/ID without order info */
    int64_t certificate_id;        /* that was asked for; recorded */
    const char *serial;            /* that the CA named, "" or NULL unknown */
    bool has_spki;                 /* a key of ours must match */
    uint8_t spki_sha256[DCS_SHA256_LEN];
    const char *source;              /* "fetch", ... */
    const struct dcs_limits *limits; /* of the settings; NULL: what is compiled in */
    int64_t now;
};

struct dcs_accepted {
    struct dcs_buf certs; /* DER: leaf, chain upward, root left out */
    size_t offsets[DCS_CHAIN_MAX + 2];
    size_t cert_count;
    struct dcs_facts *facts; /* files are not filled in yet; order_id from the order */
};
void dcs_accepted_drop(struct dcs_accepted *accepted);

bool dcs_accept(const struct dcs_accept *expected, const char *pem, size_t pem_len,
                struct dcs_accepted *ret_accepted, struct dcs_err *err) DCS_CHECKED;

#endif
