// SPDX-License-Identifier: Apache-2.0
/* pkey_seal.c - private keys under a passphrase, as PKCS#8 (RFC 5958) has them. */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include "io/pkey_evp.h"

enum { ROUNDS = 100000 }; /* of PBKDF2: some 25 ms for whoever opens the key */

static void info_drop(PKCS8_PRIV_KEY_INFO **info)
{
    PKCS8_PRIV_KEY_INFO_free(*info);
}

static void sealed_drop(X509_SIG **sealed)
{
    X509_SIG_free(*sealed);
}

static void cipher_drop(EVP_CIPHER **cipher)
{
    EVP_CIPHER_free(*cipher);
}

static const char *text_of(const struct dcs_secret *passphrase)
{
    return passphrase->len > 0 ? (const char *)passphrase->data : "";
}

bool dcs_key_encrypt(const struct dcs_key *key, const struct dcs_secret *passphrase,
                     struct dcs_key *ret_key, struct dcs_err *err)
{
    dcs_auto(dcs_quiet) int quiet = dcs_quiet_begin();
    dcs_auto(dcs_evp) EVP_PKEY *pkey = dcs_key_to_evp(key, err);
    dcs_auto(cipher) EVP_CIPHER *cipher = NULL;
    dcs_auto(info) PKCS8_PRIV_KEY_INFO *info = NULL;
    dcs_auto(sealed) X509_SIG *sealed = NULL;
    dcs_auto(dcs_key) struct dcs_key made = { .form = DCS_KEY_ENCRYPTED };
    unsigned char *der = NULL;

    (void)quiet;
    if (!pkey)
        return false;
    cipher = EVP_CIPHER_fetch(dcs_crypto(NULL), "AES-256-CBC", NULL);
    info = EVP_PKEY2PKCS8(pkey);
    if (cipher && info)
        sealed = PKCS8_encrypt_ex(-1, cipher, text_of(passphrase), (int)passphrase->len, NULL, 0,
                                  ROUNDS, info, dcs_crypto(NULL), NULL);
    int len = sealed ? i2d_X509_SIG(sealed, &der) : 0;
    if (len <= 0)
        return dcs_fail(err, DCS_E_BUG, "encrypting a private key: %s", dcs_crypto_reason());
    bool copied = dcs_secret_copy(der, (size_t)len, &made.der, err);
    OPENSSL_free(der);
    if (copied)
        *ret_key = dcs_key_take(&made);
    return copied;
}

bool dcs_key_decrypt(const struct dcs_key *key, const struct dcs_secret *passphrase,
                     struct dcs_key *ret_key, struct dcs_err *err)
{
    dcs_auto(dcs_quiet) int quiet = dcs_quiet_begin();
    dcs_auto(dcs_evp) EVP_PKEY *pkey = NULL;
    dcs_auto(info) PKCS8_PRIV_KEY_INFO *info = NULL;
    dcs_auto(sealed) X509_SIG *sealed = NULL;
    const unsigned char *at = key->der.data;
    OSSL_LIB_CTX *libctx = dcs_crypto(err);

    (void)quiet;
    if (!libctx)
        return false;
    if (key->form != DCS_KEY_ENCRYPTED)
        return dcs_fail(err, DCS_E_BUG, "the key is not encrypted");
    sealed = d2i_X509_SIG(NULL, &at, (long)key->der.len);
    if (!sealed)
        return dcs_fail(err, DCS_E_STATE, "the encrypted private key cannot be decoded");
    info = PKCS8_decrypt_ex(sealed, text_of(passphrase), (int)passphrase->len, libctx, NULL);
    pkey = info ? EVP_PKCS82PKEY_ex(info, libctx, NULL) : NULL;
    if (!pkey)
        return dcs_fail(err, DCS_E_INPUT, "the private key cannot be decrypted: wrong passphrase?");
    return dcs_key_from_evp(pkey, ret_key, err);
}
