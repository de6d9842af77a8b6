/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key.h - private keys in libcrypto's form, read from the key file when they are first used; kept with
 * their generation, together with contexts that are ready to sign.
 */
#ifndef PKCS11_KEY_H
#define PKCS11_KEY_H

#include "catalogue.h"
#include "mechanism.h"

struct key;

/* The generation's key (paused); the caller's reference. */
CK_RV key_of(struct cryptoki *cryptoki, struct generation *generation, struct key **ret_key);
struct key *key_ref(struct key *key);
void key_unref(struct key *key); /* under the mutex */
EVP_PKEY *key_pkey(const struct key *key);
/* A context that was set up like this before, or NULL; and giving one back. Under the mutex. */
EVP_PKEY_CTX *key_take_context(struct key *key, const struct setup *setup, bool decrypts);
void key_give_context(struct key *key, const struct setup *setup, bool decrypts,
                      EVP_PKEY_CTX *context);

/* The public half of a certificate, for verifying; the caller frees. NULL when it cannot be read. */
EVP_PKEY *key_public(struct dcs_bytes spki);

#endif
