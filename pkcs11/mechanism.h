/* SPDX-License-Identifier: Apache-2.0 */
/* mechanism.h - the table of mechanisms, and what a CK_MECHANISM's parameter says. */
#ifndef PKCS11_MECHANISM_H
#define PKCS11_MECHANISM_H

#include <openssl/evp.h>

#include "module.h"

enum hash { HASH_NONE = 0, HASH_SHA1, HASH_SHA224, HASH_SHA256, HASH_SHA384, HASH_SHA512, HASHES };

enum scheme {
    SCHEME_DIGEST = 1,
    SCHEME_RSA_PKCS1,
    SCHEME_RSA_RAW,
    SCHEME_RSA_PSS,
    SCHEME_RSA_OAEP,
    SCHEME_ECDSA,
};

struct mechanism {
    CK_MECHANISM_TYPE type;
    enum scheme scheme;
    enum hash hash; /* HASH_NONE: the caller hashes */
    CK_ULONG min_bits, max_bits;
    CK_FLAGS flags;
};
extern const struct mechanism mechanisms[];
extern const size_t mechanism_count;
/* NULL when there is none. */
const struct mechanism *mechanism_find(CK_MECHANISM_TYPE type);

/* A mechanism with its parameter. */
struct setup {
    const struct mechanism *mechanism;
    enum hash hash; /* of the mechanism, else of the parameter (PSS, OAEP) */
    enum hash mgf;
    size_t salt;
    const uint8_t *label; /* OAEP; lent by the caller's parameter */
    size_t label_len;
};
CK_RV setup_read(const CK_MECHANISM *mechanism, CK_FLAGS wanted, struct setup *ret_setup);
bool setup_same(const struct setup *a, const struct setup *b);

size_t hash_len(enum hash hash);
/* From our own library context; fetched once. NULL when libcrypto has none. */
const EVP_MD *hash_md(enum hash hash);

/* All mechanisms of a kind of key, for CKA_ALLOWED_MECHANISMS. */
size_t mechanisms_for(enum dcs_key_kind kind, CK_MECHANISM_TYPE *out, size_t capacity);

#endif
