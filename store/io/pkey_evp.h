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
bool dcs_evp_spki_sha256(EVP_PKEY *pkey, uint8_t out[DCS_SHA256_LEN],
                         struct dcs_err *err) DCS_CHECKED;

#endif
