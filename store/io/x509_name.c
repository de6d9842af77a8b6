// SPDX-License-Identifier: Apache-2.0
/*
 * x509_name.c - names in certificates: alternative names, TLS matching, distinguished names. Host
 * matching never looks at the subject and never accepts a partial wildcard.
 */
#include <arpa/inet.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/x509_cert.h"
#include "io/x509_context.h"

enum { MATCH_FLAGS = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT };

/* A DNS name as it may be compared and shown; false for what no host is called. */
static bool dns_text(const ASN1_STRING *name, char *out, size_t capacity)
{
    const unsigned char *bytes = ASN1_STRING_get0_data(name);
    int len = ASN1_STRING_length(name);

    if (len <= 0 || (size_t)len >= capacity)
        return false;
    for (int i = 0; i < len; i++) {
        if (bytes[i] <= 0x20 || bytes[i] >= 0x7F) /* NUL too: "good.example\0.evil.example" */
            return false;
        out[i] = (char)(bytes[i] >= 'A' && bytes[i] <= 'Z' ? bytes[i] | 0x20 : bytes[i]);
    }
    out[len] = '\0';
    return true;
}

static bool ip_text(const ASN1_STRING *address, char *out, size_t capacity)
{
    int family = ASN1_STRING_length(address) == 4 ? AF_INET : AF_INET6;

    if (family == AF_INET6 && ASN1_STRING_length(address) != 16)
        return false;
    return inet_ntop(family, ASN1_STRING_get0_data(address), out, (socklen_t)capacity) != NULL;
}

static bool add_name(struct dcs_cert *cert, const char *text, struct dcs_err *err)
{
    for (size_t i = 0; i < cert->name_count; i++)
        if (strcmp(cert->names[i], text) == 0)
            return true;
    if (!dcs_str_copy(text, &cert->names[cert->name_count], err))
        return false;
    cert->name_count++;
    return true;
}

bool dcs_cert_read_names(struct dcs_cert *cert, struct dcs_err *err)
{
    GENERAL_NAMES *all = X509_get_ext_d2i(cert->x509, NID_subject_alt_name, NULL, NULL);
    int count = all ? sk_GENERAL_NAME_num(all) : 0;
    bool good = true;

    count = count < DCS_NAMES_MAX ? count : DCS_NAMES_MAX;
    cert->names = dcs_alloc((size_t)count, sizeof(*cert->names), err);
    if (!cert->names)
        good = false;
    for (int i = 0; good && i < count; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(all, i);
        char text[256];
        if ((name->type == GEN_DNS && dns_text(name->d.dNSName, text, sizeof(text))) ||
            (name->type == GEN_IPADD && ip_text(name->d.iPAddress, text, sizeof(text))))
            good = add_name(cert, text, err);
    }
    GENERAL_NAMES_free(all);
    return good;
}

bool dcs_cert_covers(const struct dcs_cert *cert, const char *host)
{
    dcs_auto(dcs_quiet) int quiet = dcs_quiet_begin();
    unsigned char address[16];

    (void)quiet;
    /* A leading dot means "any sub-domain" to OpenSSL (facts/policy.md 6.2). */
    if (!*host || *host == '.')
        return false;
    if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
        return X509_check_ip_asc(cert->x509, host, MATCH_FLAGS) == 1;
    return X509_check_host(cert->x509, host, strlen(host), MATCH_FLAGS, NULL) == 1;
}

/* ---- distinguished names ---- */

static X509_NAME *read_name(const uint8_t *der, size_t len)
{
    const uint8_t *at = der;
    X509_NAME *name = len && len <= INT32_MAX ? d2i_X509_NAME(NULL, &at, (long)len) : NULL;

    if (name && at == der + len)
        return name;
    X509_NAME_free(name);
    return NULL;
}

bool dcs_name_hash(const uint8_t *der, size_t len, uint32_t *ret_hash)
{
    OSSL_LIB_CTX *libctx = dcs_crypto(NULL);
    dcs_auto(dcs_quiet) int quiet = dcs_quiet_begin();
    X509_NAME *name = read_name(der, len);
    int good = 0;

    (void)quiet;
    if (name && libctx) {
        uint32_t hash = (uint32_t)X509_NAME_hash_ex(name, libctx, NULL, &good);
        if (good)
            *ret_hash = hash;
    }
    X509_NAME_free(name);
    return good != 0;
}

bool dcs_name_equal(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
    dcs_auto(dcs_quiet) int quiet = dcs_quiet_begin();
    X509_NAME *first = read_name(a, a_len);
    X509_NAME *second = read_name(b, b_len);
    bool equal = first && second && X509_NAME_cmp(first, second) == 0;

    (void)quiet;
    X509_NAME_free(first);
    X509_NAME_free(second);
    return equal;
}

void dcs_name_text(const uint8_t *der, size_t len, char *out, size_t capacity)
{
    dcs_auto(dcs_quiet) int quiet = dcs_quiet_begin();
    X509_NAME *name = read_name(der, len);
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;

    (void)quiet;
    if (capacity)
        out[0] = '\0';
    if (name && bio &&
        X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0 &&
        BIO_write(bio, "", 1) == 1 && BIO_get_mem_data(bio, &text) > 0)
        dcs_clean_text(text, out, capacity);
    BIO_free(bio);
    X509_NAME_free(name);
}

/* ---- names inside encoded objects, found by walking the DER ---- */

/* The element at *at; content into *ret. Moves *at behind it. */
static bool der_next(const uint8_t **at, const uint8_t *end, int want_tag,
                     struct dcs_bytes *ret_content)
{
    long len = 0;
    int tag = 0;
    int class = 0;
    const uint8_t *p = *at;
    int kind = p < end ? ASN1_get_object(&p, &len, &tag, &class, end - p) : 0x80;

    /* Bit 0x80: error; bit 0x01: indefinite length, which DER has not. */
    if (kind & 0x81 || len < 0 || len > end - p || (want_tag >= 0 && tag != want_tag))
        return false;
    ret_content->data = p;
    ret_content->len = (size_t)len;
    *at = p + len;
    return true;
}

/* Enters the outer SEQUENCE and the to-be-signed SEQUENCE in it. */
static bool enter_tbs(const uint8_t *der, size_t len, const uint8_t **ret_at,
                      const uint8_t **ret_end)
{
    struct dcs_bytes outer;
    struct dcs_bytes tbs;

    if (!der_next(&der, der + len, V_ASN1_SEQUENCE, &outer))
        return false;
    const uint8_t *at = outer.data;
    if (!der_next(&at, outer.data + outer.len, V_ASN1_SEQUENCE, &tbs))
        return false;
    *ret_at = tbs.data;
    *ret_end = tbs.data + tbs.len;
    return true;
}

static bool take_name(const uint8_t **at, const uint8_t *end, struct dcs_bytes *ret_name)
{
    const uint8_t *start = *at;
    struct dcs_bytes content;

    if (!der_next(at, end, V_ASN1_SEQUENCE, &content))
        return false;
    *ret_name = (struct dcs_bytes){ start, (size_t)(*at - start) };
    return true;
}

/* RFC 5280 4.1: [0] version, serialNumber, signature, issuer, validity, subject. */
static bool cert_names(const uint8_t *der, size_t len, struct dcs_bytes *ret_issuer,
                       struct dcs_bytes *ret_subject)
{
    const uint8_t *at = NULL;
    const uint8_t *end = NULL;
    struct dcs_bytes skipped;

    ERR_set_mark();
    bool good = enter_tbs(der, len, &at, &end);
    if (good && at < end && *at == 0xA0)
        good = der_next(&at, end, -1, &skipped);
    good = good && der_next(&at, end, V_ASN1_INTEGER, &skipped) &&
           der_next(&at, end, V_ASN1_SEQUENCE, &skipped) && take_name(&at, end, ret_issuer) &&
           der_next(&at, end, V_ASN1_SEQUENCE, &skipped) && take_name(&at, end, ret_subject);
    ERR_pop_to_mark();
    return good;
}

bool dcs_cert_subject(const uint8_t *der, size_t len, struct dcs_bytes *ret_name)
{
    struct dcs_bytes issuer;

    return cert_names(der, len, &issuer, ret_name);
}

bool dcs_cert_issuer(const uint8_t *der, size_t len, struct dcs_bytes *ret_name)
{
    struct dcs_bytes subject;

    return cert_names(der, len, ret_name, &subject);
}

/* RFC 5280 5.1: version (optional INTEGER), signature, issuer. */
bool dcs_crl_issuer(const uint8_t *der, size_t len, struct dcs_bytes *ret_name)
{
    const uint8_t *at = NULL;
    const uint8_t *end = NULL;
    struct dcs_bytes skipped;

    ERR_set_mark();
    bool good = enter_tbs(der, len, &at, &end);
    if (good && at < end && *at == V_ASN1_INTEGER)
        good = der_next(&at, end, V_ASN1_INTEGER, &skipped);
    good = good && der_next(&at, end, V_ASN1_SEQUENCE, &skipped) && take_name(&at, end, ret_name);
    ERR_pop_to_mark();
    return good;
}
