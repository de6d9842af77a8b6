/* SPDX-License-Identifier: Apache-2.0 */
/* key.h - keys and certificate requests (CSRs) as PEM, and what they are known by. */
#ifndef SANDBOX_KEY_H
#define SANDBOX_KEY_H

#include <openssl/evp.h>

#include "base.h"

#define SB_SPKI_TEXT 65

/* "ec:P-256", "rsa:2048"...; NULL for a kind that is not known. */
EVP_PKEY *sb_key_make(const char *kind);
char *sb_key_to_pem(EVP_PKEY *key);
EVP_PKEY *sb_key_from_pem(const char *pem);
/* SHA-256 of the public key's SubjectPublicKeyInfo, upper-case hex. */
bool sb_key_spki(EVP_PKEY *key, char out[SB_SPKI_TEXT]) SB_CHECKED;
/* Why a public CA would not certify this key; NULL when it would. */
const char *sb_key_complaint(EVP_PKEY *key);

/* NULL when the CSR cannot be read or its signature is wrong; PEM with or without line breaks. */
EVP_PKEY *sb_csr_key(const char *pem);
char *sb_csr_make(EVP_PKEY *key, const char *common_name); /* NULL when it cannot be made */
EVP_PKEY *sb_cert_key(const char *pem);                    /* the certificate's public key */

#endif
