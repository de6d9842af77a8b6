/* SPDX-License-Identifier: Apache-2.0 */
/*
 * criteria.h - OSSL_STORE search criteria, as a loader receives them, and what meets them. They are
 * asked inside TLS handshakes: answers come from memory or disk, never from the network.
 */
#ifndef DCS_PROVIDER_CRITERIA_H
#define DCS_PROVIDER_CRITERIA_H

#include <openssl/params.h>

#include "provider.h"

struct criteria {
    struct dcs_buf subject, issuer, fingerprint; /* DER names; octets */
    char serial[2 * DCS_SERIAL_MAX + 1];         /* lower-case hex */
    char digest[32];
    char alias[256];
    bool has_alias;
    bool given;
};

/* Takes the parameters that are criteria; false when one is malformed. */
bool criteria_set(struct criteria *criteria, const OSSL_PARAM params[]);
void criteria_clear(struct criteria *criteria);
/* is_leaf: aliases speak of the order, so they meet its leaf only. */
bool criteria_meet_cert(const struct criteria *criteria, const struct dcs_bundle *bundle,
                        struct dcs_bytes cert, bool is_leaf);
bool criteria_meet_crl(const struct criteria *criteria, struct dcs_bytes crl);

#endif
