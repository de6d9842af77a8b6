// SPDX-License-Identifier: Apache-2.0
/* x509_crl.c - certificate revocation lists: where a certificate says they are, and whether one is
 * what it claims to be. Fetches nothing. */
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "io/x509_cert.h"
#include "io/x509_context.h"

static void take_url(const DIST_POINT *point, char *out, size_t capacity)
{
    if (!point->distpoint || point->distpoint->type != 0)
        return;
    const GENERAL_NAMES *names = point->distpoint->name.fullname;
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && !*out; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_URI)
            continue;
        const char *uri = (const char *)ASN1_STRING_get0_data(name->d.uniformResourceIdentifier);
        size_t len = (size_t)ASN1_STRING_length(name->d.uniformResourceIdentifier);
        bool plain = len < capacity && strncasecmp(uri, "http://", 7) == 0;
        for (size_t k = 0; plain && k < len; k++)
            plain = uri[k] > 0x20 && uri[k] < 0x7F;
        if (plain)
            snprintf(out, capacity, "%.*s", (int)len, uri);
    }
}

void dcs_cert_crl_url(const struct dcs_cert *cert, char *out, size_t capacity)
{
    dcs_auto(dcs_quiet) int quiet = dcs_quiet_begin();
    CRL_DIST_POINTS *points = X509_get_ext_d2i(cert->x509, NID_crl_distribution_points, NULL, NULL);

    (void)quiet;
    out[0] = '\0';
    for (int i = 0; points && i < sk_DIST_POINT_num(points) && !*out; i++)
        take_url(sk_DIST_POINT_value(points, i), out, capacity);
    CRL_DIST_POINTS_free(points);
}

static int64_t crl_time(const ASN1_TIME *time)
{
    struct tm parts = { 0 };

    return time && ASN1_TIME_to_tm(time, &parts) == 1 ? (int64_t)timegm(&parts) : 0;
}

/* DER is the rule (RFC 5280 4.2.1.13); PEM is what some servers send. */
static X509_CRL *read_crl(const uint8_t *data, size_t len)
{
    const uint8_t *at = data;

    if (len > INT32_MAX)
        return NULL;
    if (len < 5 || memcmp(data, "-----", 5) != 0)
        return d2i_X509_CRL(NULL, &at, (long)len);
    BIO *bio = BIO_new_mem_buf(data, (int)len);
    X509_CRL *crl = bio ? PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    return crl;
}

static bool check(X509_CRL *crl, const struct dcs_cert *issuer, struct dcs_buf *ret_der,
                  struct dcs_crl_info *ret_info, struct dcs_err *err)
{
    unsigned char *der = NULL;
    EVP_PKEY *key = X509_get0_pubkey(issuer->x509);

    if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(issuer->x509)) != 0)
        return dcs_fail(err, DCS_E_REJECTED, "the CRL is of another issuer");
    if (!key || X509_CRL_verify(crl, key) != 1)
        return dcs_fail(err, DCS_E_REJECTED, "the CRL's signature is wrong");
    int len = i2d_X509_CRL(crl, &der);
    if (len <= 0)
        return dcs_fail(err, DCS_E_NOMEM, "out of memory");
    dcs_buf_add(ret_der, der, (size_t)len);
    OPENSSL_free(der);
    *ret_info = (struct dcs_crl_info){ .this_update = crl_time(X509_CRL_get0_lastUpdate(crl)),
                                       .next_update = crl_time(X509_CRL_get0_nextUpdate(crl)),
                                       .issuer_hash = issuer->info.subject_hash };
    return dcs_buf_ok(ret_der, "a CRL", err);
}

bool dcs_crl_check(const uint8_t *data, size_t len, const struct dcs_cert *issuer,
                   struct dcs_buf *ret_der, struct dcs_crl_info *ret_info, struct dcs_err *err)
{
    dcs_auto(dcs_quiet) int quiet = dcs_quiet_begin();
    X509_CRL *crl = read_crl(data, len);

    (void)quiet;
    if (!crl)
        return dcs_fail(err, DCS_E_REJECTED, "this is no CRL");
    bool good = check(crl, issuer, ret_der, ret_info, err);
    X509_CRL_free(crl);
    return good;
}
