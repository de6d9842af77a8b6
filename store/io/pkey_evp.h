/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkey_evp.h - between our key bytes and libcrypto's EVP_PKEY, for io/pkey* alone. Callers hold a
 * dcs_quiet mark.
 */
#ifndef DCS_IO_PKEY_EVP_H
#define DCS_IO_PKEY_EVP_H

#include "io/pkey.h"
#include "io/x509_context.h"

void dcs_evp_drop(EVP_PKEY **pkey);
/* NULL with *err when the key is in a token or cannot be decoded; the caller frees. */
EVP_PKEY *dcs_key_to_evp(const struct dcs_key *key, struct dcs_err *err) DCS_CHECKED;
bool dcs_key_from_evp(EVP_PKEY *pkey, struct dcs_key *ret_key, struct dcs_err *err) DCS_CHECKED;
/* Names and public key, not signed; NULL with *err. The caller frees. */
X509_REQ *dcs_csr_unsigned(EVP_PKEY *pkey, const struct dcs_csr_subject *subject,
                           struct dcs_err *err) DCS_CHECKED;
void dcs_csr_drop(X509_REQ **request);
bool dcs_csr_print(const X509_REQ *request, struct dcs_buf *ret_pem,
                   struct dcs_err *err) DCS_CHECKED;
bool dcs_evp_spki_sha256(EVP_PKEY *pkey, uint8_t out[DCS_SHA256_LEN],
                         struct dcs_err *err) DCS_CHECKED;

#endif
