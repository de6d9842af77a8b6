// SPDX-License-Identifier: Apache-2.0
/*
 * pkey_make.c - new private keys and the certificate requests for them. The CA takes no name from a
 * request: what is asked for stands in the API's own fields.
 */
#include <arpa/inet.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "io/pkey_evp.h"

enum {
    COMMON_NAME_MAX = 64, /* ub-common-name, RFC 5280 appendix A; longer names go without */
    CSR_TEXT_MAX = 1 << 17,
};

/* What DigiCert takes for public TLS (facts/policy.md 5). */
static const struct {
    const char *kind, *algorithm, *group;
    size_t bits;
} kinds[] = {
    { "ec:P-256", "EC", "P-256", 0 },  { "ec:P-384", "EC", "P-384", 0 },
    { "rsa:2048", "RSA", NULL, 2048 }, { "rsa:3072", "RSA", NULL, 3072 },
    { "rsa:4096", "RSA", NULL, 4096 },
};

static EVP_PKEY *generate(size_t row, OSSL_LIB_CTX *libctx)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(libctx, kinds[row].algorithm, NULL);
    EVP_PKEY *pkey = NULL;
    size_t bits = kinds[row].bits;
    OSSL_PARAM params[2] = { OSSL_PARAM_construct_end(), OSSL_PARAM_construct_end() };

    if (kinds[row].group)
        params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
                                                     (char *)kinds[row].group, 0);
    else
        params[0] = OSSL_PARAM_construct_size_t(OSSL_PKEY_PARAM_RSA_BITS, &bits);
    if (!ctx || EVP_PKEY_keygen_init(ctx) != 1 || EVP_PKEY_CTX_set_params(ctx, params) != 1 ||
        EVP_PKEY_generate(ctx, &pkey) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

bool dcs_key_generate(const char *kind, struct dcs_key *ret_key, struct dcs_err *err)
{
    dcs_auto(dcs_quiet) int quiet = dcs_quiet_begin();
    dcs_auto(dcs_evp) EVP_PKEY *pkey = NULL;
    OSSL_LIB_CTX *libctx = dcs_crypto(err);
    size_t row = 0;

    (void)quiet;
    if (!libctx)
        return false;
    while (row < DCS_COUNT(kinds) && strcmp(kinds[row].kind, kind) != 0)
        row++;
    if (row == DCS_COUNT(kinds))
        return dcs_fail(err, DCS_E_CONFIG, "no key of kind \"%.100s\" can be made here", kind);
    pkey = generate(row, libctx);
    if (!pkey)
        return dcs_fail(err, DCS_E_BUG, "making a key of kind %s: %s", kind, dcs_crypto_reason());
    return dcs_key_from_evp(pkey, ret_key, err);
}

/* ---- requests ---- */

static void names_drop(GENERAL_NAMES **names)
{
    GENERAL_NAMES_free(*names);
}

static void extensions_drop(X509_EXTENSIONS **extensions)
{
    sk_X509_EXTENSION_pop_free(*extensions, X509_EXTENSION_free);
}

void dcs_csr_drop(X509_REQ **request)
{
    X509_REQ_free(*request);
}

/* An iPAddress for an address, a dNSName for a name with dots, an rfc822Name for an e-mail address. */
static bool push_name(GENERAL_NAMES *names, const char *name)
{
    uint8_t address[16];
    ASN1_STRING *value = NULL;
    size_t address_len = 0;
    int type = strchr(name, '@') ? GEN_EMAIL : GEN_DNS;

    if (inet_pton(AF_INET, name, address) == 1)
        address_len = 4;
    else if (inet_pton(AF_INET6, name, address) == 1)
        address_len = 16;
    value = address_len ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
    GENERAL_NAME *general = GENERAL_NAME_new();
    if (!value || !general ||
        ASN1_STRING_set(value, address_len ? (const void *)address : name,
                        (int)(address_len ? address_len : strlen(name))) != 1) {
        ASN1_STRING_free(value);
        GENERAL_NAME_free(general);
        return false;
    }
    GENERAL_NAME_set0_value(general, address_len ? GEN_IPADD : type, value);
    if (sk_GENERAL_NAME_push(names, general) > 0)
        return true;
    GENERAL_NAME_free(general);
    return false;
}

static bool add_names(X509_REQ *request, const char *const *list, size_t count)
{
    dcs_auto(names) GENERAL_NAMES *names = GENERAL_NAMES_new();
    dcs_auto(extensions) X509_EXTENSIONS *extensions = NULL;

    if (count == 0)
        return true;
    for (size_t i = 0; i < count && names; i++)
        if (!push_name(names, list[i]))
            return false;
    return names &&
           X509V3_add1_i2d(&extensions, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1 &&
           X509_REQ_add_extensions(request, extensions) == 1;
}

static bool set_common_name(X509_REQ *request, const char *common_name)
{
    X509_NAME *subject = X509_REQ_get_subject_name(request);

    return !*common_name || strlen(common_name) > COMMON_NAME_MAX ||
           X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
                                      (const unsigned char *)common_name, -1, -1, 0) == 1;
}

bool dcs_csr_print(const X509_REQ *request, struct dcs_buf *ret_pem, struct dcs_err *err)
{
    unsigned char *der = NULL;
    int len = i2d_X509_REQ(request, &der);

    if (len <= 0)
        return dcs_fail(err, DCS_E_BUG, "encoding a certificate request: %s", dcs_crypto_reason());
    bool good = dcs_pem_add(ret_pem, "CERTIFICATE REQUEST", der, (size_t)len, err);
    OPENSSL_free(der);
    return good;
}

X509_REQ *dcs_csr_unsigned(EVP_PKEY *pkey, const struct dcs_csr_subject *subject,
                           struct dcs_err *err)
{
    X509_REQ *request = X509_REQ_new_ex(dcs_crypto(NULL), NULL);

    if (request && X509_REQ_set_version(request, X509_REQ_VERSION_1) == 1 &&
        set_common_name(request, subject->common_name) &&
        add_names(request, subject->names, subject->name_count) &&
        X509_REQ_set_pubkey(request, pkey) == 1)
        return request;
    X509_REQ_free(request);
    dcs_fail(err, DCS_E_BUG, "making a certificate request: %s", dcs_crypto_reason());
    return NULL;
}

bool dcs_csr_make(const struct dcs_key *key, const struct dcs_csr_subject *subject,
                  struct dcs_buf *ret_pem, struct dcs_err *err)
{
    dcs_auto(dcs_quiet) int quiet = dcs_quiet_begin();
    dcs_auto(dcs_evp) EVP_PKEY *pkey = dcs_key_to_evp(key, err);
    dcs_auto(dcs_csr) X509_REQ *request = NULL;

    (void)quiet;
    if (!pkey || !(request = dcs_csr_unsigned(pkey, subject, err)))
        return false;
    if (X509_REQ_sign(request, pkey, dcs_crypto_sha256()) <= 0)
        return dcs_fail(err, DCS_E_BUG, "making a certificate request: %s", dcs_crypto_reason());
    return dcs_csr_print(request, ret_pem, err);
}

/* PEM as it should be, on one line, or its base64 alone: the CA was seen to keep all of them. */
static X509_REQ *read_request(const char *pem)
{
    dcs_auto(dcs_buf) struct dcs_buf digits = { .max = CSR_TEXT_MAX };
    dcs_auto(dcs_buf) struct dcs_buf der = { .max = CSR_TEXT_MAX };
    size_t padding = 0;
    X509_REQ *request = X509_REQ_new_ex(dcs_crypto(NULL), NULL);

    while (*pem) {
        const char *end = strncmp(pem, "-----", 5) == 0 ? strstr(pem + 5, "-----") : NULL;
        if (!end && !strchr(" \t\r\n", *pem)) {
            padding = *pem == '=' ? padding + 1 : 0;
            dcs_buf_add(&digits, pem, 1);
        }
        pem = end ? end + 5 : pem + 1;
    }
    dcs_buf_add(&der, dcs_buf_text(&digits), digits.len); /* room: decoded it is shorter */
    if (request && dcs_buf_ok(&digits, "", NULL) && dcs_buf_ok(&der, "", NULL) && der.len > 0) {
        const unsigned char *at = (const unsigned char *)der.data;
        int len = EVP_DecodeBlock((unsigned char *)der.data,
                                  (const unsigned char *)dcs_buf_text(&digits), (int)digits.len);
        if (len > (int)padding && d2i_X509_REQ(&request, &at, len - (long)padding))
            return request;
    }
    X509_REQ_free(request);
    return NULL;
}

bool dcs_csr_spki_sha256(const char *pem, uint8_t out[DCS_SHA256_LEN], struct dcs_err *err)
{
    dcs_auto(dcs_quiet) int quiet = dcs_quiet_begin();
    dcs_auto(dcs_csr) X509_REQ *request = read_request(pem);

    (void)quiet;
    if (!request)
        return dcs_fail(err, DCS_E_REJECTED, "a certificate request cannot be read: %s",
                        dcs_crypto_reason());
    EVP_PKEY *pkey = X509_REQ_get0_pubkey(request);
    if (!pkey)
        return dcs_fail(err, DCS_E_REJECTED, "the public key of a certificate request: %s",
                        dcs_crypto_reason());
    return dcs_evp_spki_sha256(pkey, out, err);
}
