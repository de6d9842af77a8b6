// SPDX-License-Identifier: Apache-2.0
/* key.c - from a key file to an EVP_PKEY in our own library context; key bytes are wiped at once. */
#include "key.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdlib.h>

enum { CONTEXTS_KEPT = 8 };

struct key {
    unsigned refs; /* under the mutex */
    EVP_PKEY *pkey;
    struct {
        EVP_PKEY_CTX *context;
        struct setup setup;
        bool decrypts;
    } idle[CONTEXTS_KEPT];
    unsigned next_idle;
};

struct key *key_ref(struct key *key)
{
    key->refs++;
    return key;
}

void key_unref(struct key *key)
{
    if (!key || --key->refs > 0)
        return;
    if (!crypto_is_gone()) {
        for (size_t i = 0; i < CONTEXTS_KEPT; i++)
            EVP_PKEY_CTX_free(key->idle[i].context);
        EVP_PKEY_free(key->pkey);
    }
    free(key);
}

EVP_PKEY *key_pkey(const struct key *key)
{
    return key->pkey;
}

EVP_PKEY_CTX *key_take_context(struct key *key, const struct setup *setup, bool decrypts)
{
    for (size_t i = 0; i < CONTEXTS_KEPT; i++) {
        EVP_PKEY_CTX *context = key->idle[i].context;
        if (!context || key->idle[i].decrypts != decrypts ||
            !setup_same(&key->idle[i].setup, setup))
            continue;
        key->idle[i].context = NULL;
        return context;
    }
    return NULL;
}

void key_give_context(struct key *key, const struct setup *setup, bool decrypts,
                      EVP_PKEY_CTX *context)
{
    unsigned place = key->next_idle++ % CONTEXTS_KEPT;

    for (unsigned i = 0; i < CONTEXTS_KEPT; i++)
        if (!key->idle[i].context)
            place = i;
    EVP_PKEY_CTX_free(key->idle[place].context);
    key->idle[place].context = context;
    key->idle[place].setup = *setup;
    key->idle[place].decrypts = decrypts;
}

static EVP_PKEY *decode(const struct dcs_key *key)
{
    const unsigned char *at = key->der.data;
    OSSL_LIB_CTX *libctx = dcs_crypto(NULL);

    if (!libctx || key->form != DCS_KEY_PKCS8)
        return NULL;
    ERR_set_mark();
    EVP_PKEY *pkey = d2i_AutoPrivateKey_ex(NULL, &at, (long)key->der.len, libctx, NULL);
    ERR_pop_to_mark();
    return pkey;
}

static CK_RV load(struct cryptoki *c, const struct dcs_bundle *bundle, struct key **ret_key)
{
    dcs_auto(dcs_key) struct dcs_key bytes = { 0 };
    struct dcs_err err = { 0 };
    struct key *key;

    if (!dcs_store_key(c->store, bundle, &bytes, &err))
        return rv_of(&err);
    key = calloc(1, sizeof(*key));
    if (!key)
        return CKR_HOST_MEMORY;
    key->refs = 1;
    key->pkey = decode(&bytes);
    if (!key->pkey) {
        free(key);
        return CKR_DEVICE_ERROR;
    }
    *ret_key = key;
    return CKR_OK;
}

CK_RV key_of(struct cryptoki *c, struct generation *g, struct key **ret_key)
{
    dcs_auto(dcs_bundle) struct dcs_bundle *bundle = NULL;
    struct dcs_err err = { 0 };
    struct key *key = NULL;

    if (g->key) {
        *ret_key = key_ref(g->key);
        return CKR_OK;
    }
    if (!g->has_key)
        return CKR_KEY_HANDLE_INVALID;
    if (!catalogue_bundle(c, g, &bundle, &err))
        return err.code == DCS_E_NOT_FOUND ? CKR_KEY_HANDLE_INVALID : rv_of(&err);
    cryptoki_pause();
    CK_RV rv = load(c, bundle, &key);
    cryptoki_resume();
    if (rv != CKR_OK)
        return rv;
    if (g->key) { /* another thread was faster */
        key_unref(key);
        key = g->key;
    } else {
        g->key = key;
        g->key_usable = true;
    }
    *ret_key = key_ref(key);
    return CKR_OK;
}

EVP_PKEY *key_public(struct dcs_bytes spki)
{
    const unsigned char *at = spki.data;
    OSSL_LIB_CTX *libctx = dcs_crypto(NULL);

    ERR_set_mark();
    EVP_PKEY *pkey = libctx ? d2i_PUBKEY_ex(NULL, &at, (long)spki.len, libctx, NULL) : NULL;
    ERR_pop_to_mark();
    return pkey;
}
