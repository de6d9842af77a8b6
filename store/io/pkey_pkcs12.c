// SPDX-License-Identifier: Apache-2.0
/* pkey_pkcs12.c - certificates and key as one PKCS#12 file, with libcrypto's present defaults. */
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include "io/pkey_evp.h"

enum { PKCS12_MAX = 1 << 20 };

struct parts {
    EVP_PKEY *key;
    X509 *leaf;
    STACK_OF(X509) * chain;
};

static void parts_drop(struct parts *parts)
{
    EVP_PKEY_free(parts->key);
    X509_free(parts->leaf);
    sk_X509_pop_free(parts->chain, X509_free);
}

static bool read_parts(const struct dcs_key *key, const struct dcs_bytes *certs, size_t count,
                       struct parts *parts, struct dcs_err *err)
{
    OSSL_LIB_CTX *libctx = dcs_crypto(err);

    if (!libctx)
        return false;
    parts->chain = sk_X509_new_null();
    parts->leaf = count ? dcs_x509_from_der(&certs[0], libctx) : NULL;
    if (!parts->chain || !parts->leaf)
        return dcs_fail(err, DCS_E_NOMEM, "the certificate cannot be read again");
    for (size_t i = 1; i < count; i++) {
        X509 *x509 = dcs_x509_from_der(&certs[i], libctx);
        if (!x509 || !sk_X509_push(parts->chain, x509)) {
            X509_free(x509);
            return dcs_fail(err, DCS_E_NOMEM, "the chain cannot be read again");
        }
    }
    if (!key)
        return true;
    parts->key = dcs_key_to_evp(key, err);
    return parts->key != NULL;
}

bool dcs_pkcs12_make(const struct dcs_key *key, const struct dcs_bytes *certs, size_t count,
                     const char *friendly_name, const struct dcs_secret *passphrase,
                     struct dcs_buf *ret_der, struct dcs_err *err)
{
    dcs_auto(dcs_quiet) int quiet = dcs_quiet_begin();
    dcs_auto(parts) struct parts parts = { 0 };
    const char *pass = passphrase && passphrase->data ? (const char *)passphrase->data : "";
    unsigned char *der = NULL;

    (void)quiet;
    if (!read_parts(key, certs, count, &parts, err))
        return false;
    PKCS12 *p12 = PKCS12_create_ex(pass, friendly_name, parts.key, parts.leaf, parts.chain, 0, 0, 0,
                                   0, 0, dcs_crypto(NULL), NULL);
    int len = p12 ? i2d_PKCS12(p12, &der) : 0;
    PKCS12_free(p12);
    if (len <= 0)
        return dcs_fail(err, DCS_E_NOMEM, "the PKCS#12 file cannot be made: %s",
                        dcs_crypto_reason());
    if (ret_der->max == 0)
        ret_der->max = PKCS12_MAX;
    ret_der->secret = true;
    dcs_buf_add(ret_der, der, (size_t)len);
    OPENSSL_clear_free(der, (size_t)len);
    return dcs_buf_ok(ret_der, "a PKCS#12 file", err);
}
