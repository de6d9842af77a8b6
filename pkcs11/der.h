/* SPDX-License-Identifier: Apache-2.0 */
/*
 * der.h - the parts of a certificate that objects are made of, as slices of its DER: no decoding, no
 * copying, no allocation.
 */
#ifndef PKCS11_DER_H
#define PKCS11_DER_H

#include "digicert-store.h"

struct der_cert {
    struct dcs_bytes serial, issuer, subject, spki; /* with their tags */
    char start[8], end[8];                          /* CK_DATE: YYYYMMDD */
    enum dcs_key_kind kind;
    struct dcs_bytes key_bits;          /* of subjectPublicKey */
    struct dcs_bytes modulus, exponent; /* RSA, without leading zeros */
    struct dcs_bytes curve;             /* EC: the parameters, with their tag */
};
/* False when it is no certificate that we understand; nothing is written then. */
bool der_cert_read(struct dcs_bytes der, struct der_cert *ret_cert);

#endif
