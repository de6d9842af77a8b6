// SPDX-License-Identifier: Apache-2.0
/*
 * x509.c - parses certificates into what the store asks of them; holds the process's own library
 * context. Leaves nothing in the caller's error queue.
 */
#include "io/x509.h"

#include <openssl/ct.h>
#include <openssl/obj_mac.h>
#include <openssl/provider.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/x509_cert.h"
#include "io/x509_context.h"

static OSSL_LIB_CTX *context;
static EVP_MD *sha256_md, *sha1_md;
static pthread_once_t context_once = PTHREAD_ONCE_INIT;

/* The explicit load keeps openssl.cnf, and with it this very provider, out of the context. */
static void make_context(void)
{
    OSSL_LIB_CTX *made = OSSL_LIB_CTX_new();

    if (!made || !OSSL_PROVIDER_load(made, "default"))
        return;
    sha256_md = EVP_MD_fetch(made, "SHA256", NULL);
    sha1_md = EVP_MD_fetch(made, "SHA1", NULL);
    if (sha256_md && sha1_md)
        context = made;
}

OSSL_LIB_CTX *dcs_crypto(struct dcs_err *err)
{
    dcs_auto(dcs_quiet) int quiet = dcs_quiet_begin();

    (void)quiet;
    pthread_once(&context_once, make_context);
    if (!context)
        dcs_fail(err, DCS_E_BUG, "libcrypto's default provider cannot be loaded");
    return context;
}

const EVP_MD *dcs_crypto_sha256(void)
{
    return sha256_md;
}

const EVP_MD *dcs_crypto_sha1(void)
{
    return sha1_md;
}

X509 *dcs_x509_from_der(const struct dcs_bytes *der, OSSL_LIB_CTX *libctx)
{
    const unsigned char *at = der->data;
    X509 *x509 = X509_new_ex(libctx, NULL);

    if (x509 && d2i_X509(&x509, &at, (long)der->len))
        return x509;
    X509_free(x509);
    return NULL;
}

const char *dcs_crypto_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    return reason ? reason : "unknown reason";
}

static bool digest(const EVP_MD *md, const void *data, size_t len, uint8_t *out,
                   struct dcs_err *err)
{
    dcs_auto(dcs_quiet) int quiet = dcs_quiet_begin();

    (void)quiet;
    if (md && EVP_Digest(data, len, out, NULL, md, NULL) == 1)
        return true;
    return dcs_fail(err, DCS_E_NOMEM, "hashing failed: %s", dcs_crypto_reason());
}

bool dcs_sha256(const void *data, size_t len, uint8_t out[DCS_SHA256_LEN], struct dcs_err *err)
{
    return dcs_crypto(err) && digest(sha256_md, data ? data : "", len, out, err);
}

bool dcs_sha1(const void *data, size_t len, uint8_t out[DCS_SHA1_LEN], struct dcs_err *err)
{
    return dcs_crypto(err) && digest(sha1_md, data ? data : "", len, out, err);
}

bool dcs_digest(const char *name, const void *data, size_t len, uint8_t out[DCS_DIGEST_MAX],
                size_t *ret_len, struct dcs_err *err)
{
    _Static_assert(DCS_DIGEST_MAX >= EVP_MAX_MD_SIZE, "any digest fits");
    if (!dcs_crypto(err))
        return false;
    dcs_auto(dcs_quiet) int quiet = dcs_quiet_begin();
    EVP_MD *md = EVP_MD_fetch(context, name, NULL);
    bool good = digest(md, data, len, out, err);

    (void)quiet;
    if (good)
        *ret_len = (size_t)EVP_MD_get_size(md);
    EVP_MD_free(md);
    return good;
}

/* ---- what a certificate says ---- */

static int64_t asn1_time(const ASN1_TIME *time)
{
    struct tm parts = { 0 };

    return ASN1_TIME_to_tm(time, &parts) == 1 ? (int64_t)timegm(&parts) : -1;
}

static bool read_serial(X509 *x509, struct dcs_cert_info *info)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(x509);
    const uint8_t *bytes = ASN1_STRING_get0_data(serial);
    size_t len = (size_t)ASN1_STRING_length(serial);

    while (len > 1 && bytes[0] == 0) {
        bytes++;
        len--;
    }
    /* A negative serial has a type bit of its own; RFC 5280 4.1.2.2 forbids it. */
    if (len == 0 || len > DCS_SERIAL_MAX || ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER)
        return false;
    dcs_hex(bytes, len, info->serial);
    return true;
}

static void read_key(X509 *x509, struct dcs_cert_info *info)
{
    EVP_PKEY *key = X509_get0_pubkey(x509);

    if (!key)
        return;
    info->key_bits = EVP_PKEY_get_bits(key);
    info->key_kind = EVP_PKEY_is_a(key, "RSA")  ? DCS_KEY_RSA
                     : EVP_PKEY_is_a(key, "EC") ? DCS_KEY_EC
                                                : DCS_KEY_OTHER;
}

static bool read_hashes(const struct dcs_cert *cert, struct dcs_cert_info *info,
                        struct dcs_err *err)
{
    const ASN1_BIT_STRING *bits = X509_get0_pubkey_bitstr(cert->x509);
    int good = 0;

    info->subject_hash =
        (uint32_t)X509_NAME_hash_ex(X509_get_subject_name(cert->x509), context, NULL, &good);
    if (good)
        info->issuer_hash =
            (uint32_t)X509_NAME_hash_ex(X509_get_issuer_name(cert->x509), context, NULL, &good);
    if (!good || !bits)
        return dcs_fail(err, DCS_E_REJECTED, "the certificate's names or key cannot be read");
    return dcs_sha1(cert->der, cert->len, info->sha1, err) &&
           dcs_sha256(cert->der, cert->len, info->sha256, err) &&
           dcs_sha256(cert->spki, cert->spki_len, info->spki_sha256, err) &&
           dcs_sha1(ASN1_STRING_get0_data(bits), (size_t)ASN1_STRING_length(bits), info->ckaid,
                    err);
}

/* facts/policy.md 2.4: absent is -1, repeated -2, both with NULL; unparsable is NULL with >= 0. */
static int count_scts(X509 *x509)
{
    int critical = 0;
    STACK_OF(SCT) *list = X509_get_ext_d2i(x509, NID_ct_precert_scts, &critical, NULL);

    if (!list)
        return critical == -1 ? 0 : -1;
    int count = sk_SCT_num(list);
    SCT_LIST_free(list);
    return count > 0 ? count : -1;
}

static void read_eku(X509 *x509, struct dcs_cert_info *info)
{
    uint32_t eku = X509_get_extended_key_usage(x509);

    info->eku_any = eku == UINT32_MAX;
    if (info->eku_any)
        return;
    info->eku_server_auth = eku & XKU_SSL_SERVER;
    info->eku_client_auth = eku & XKU_SSL_CLIENT;
    info->eku_code_signing = eku & XKU_CODE_SIGN;
    info->eku_email = eku & XKU_SMIME;
}

/* The CA/B Forum's reserved policies: DV, OV, IV and EV (facts/policy.md 6.1). */
static void read_policy(X509 *x509, struct dcs_cert_info *info)
{
    static const char *const reserved[] = { "2.23.140.1.2.1", "2.23.140.1.2.2", "2.23.140.1.2.3",
                                            "2.23.140.1.1" };
    CERTIFICATEPOLICIES *policies = X509_get_ext_d2i(x509, NID_certificate_policies, NULL, NULL);

    for (int i = 0; policies && i < sk_POLICYINFO_num(policies); i++) {
        char oid[64] = "";
        OBJ_obj2txt(oid, sizeof(oid), sk_POLICYINFO_value(policies, i)->policyid, 1);
        for (size_t k = 0; k < DCS_COUNT(reserved); k++)
            if (strcmp(oid, reserved[k]) == 0)
                snprintf(info->policy, sizeof(info->policy), "%s", reserved[k]);
    }
    CERTIFICATEPOLICIES_free(policies);
}

static void read_common_name(X509 *x509, struct dcs_cert_info *info)
{
    const X509_NAME *subject = X509_get_subject_name(x509);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    unsigned char *text = NULL;

    if (at < 0)
        return;
    int len =
        ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    if (len > 0)
        dcs_clean_text((const char *)text, info->common_name, sizeof(info->common_name));
    OPENSSL_free(text);
}

static bool read_info(struct dcs_cert *cert, struct dcs_err *err)
{
    struct dcs_cert_info *info = &cert->info;

    if (!read_serial(cert->x509, info))
        return dcs_fail(err, DCS_E_REJECTED, "the certificate's serial number is not acceptable");
    info->not_before = asn1_time(X509_get0_notBefore(cert->x509));
    info->not_after = asn1_time(X509_get0_notAfter(cert->x509));
    if (info->not_before < 0 || info->not_after < info->not_before)
        return dcs_fail(err, DCS_E_REJECTED, "the certificate's dates cannot be read");
    if (!read_hashes(cert, info, err))
        return false;
    read_key(cert->x509, info);
    read_common_name(cert->x509, info);
    read_eku(cert->x509, info);
    read_policy(cert->x509, info);
    info->is_ca = X509_check_ca(cert->x509) == 1;
    info->has_poison = X509_get_ext_by_NID(cert->x509, NID_ct_precert_poison, -1) >= 0;
    info->sct_count = count_scts(cert->x509);
    return true;
}

static bool read_spki(struct dcs_cert *cert, struct dcs_err *err)
{
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert->x509), &cert->spki);

    if (len <= 0)
        return dcs_fail(err, DCS_E_REJECTED, "the certificate's public key cannot be read");
    cert->spki_len = (size_t)len;
    return true;
}

bool dcs_cert_parse(const uint8_t *der, size_t len, struct dcs_cert **ret_cert, struct dcs_err *err)
{
    dcs_auto(dcs_cert) struct dcs_cert *cert = dcs_alloc(1, sizeof(*cert), err);
    const uint8_t *at = der;
    OSSL_LIB_CTX *libctx = dcs_crypto(err);
    dcs_auto(dcs_quiet) int quiet = dcs_quiet_begin();

    (void)quiet;
    if (!cert || !libctx)
        return false;
    if (len == 0 || len > INT32_MAX)
        return dcs_fail(err, DCS_E_REJECTED, "the certificate is empty");
    cert->x509 = X509_new_ex(libctx, NULL);
    cert->der = malloc(len);
    if (!cert->x509 || !cert->der)
        return dcs_fail(err, DCS_E_NOMEM, "out of memory");
    memcpy(cert->der, der, len);
    cert->len = len;
    if (!d2i_X509(&cert->x509, &at, (long)len) || at != der + len)
        return dcs_fail(err, DCS_E_REJECTED, "this is no X.509 certificate: %s",
                        dcs_crypto_reason());
    if (!read_spki(cert, err) || !read_info(cert, err) || !dcs_cert_read_names(cert, err))
        return false;
    *ret_cert = dcs_steal(&cert);
    return true;
}

void dcs_cert_free(struct dcs_cert *cert)
{
    if (!cert)
        return;
    X509_free(cert->x509);
    OPENSSL_free(cert->spki);
    free(cert->der);
    for (size_t i = 0; i < cert->name_count; i++)
        free(cert->names[i]);
    free(cert->names);
    free(cert);
}

void dcs_cert_drop(struct dcs_cert **cert)
{
    dcs_cert_free(*cert);
    *cert = NULL;
}

const struct dcs_cert_info *dcs_cert_info(const struct dcs_cert *cert)
{
    return &cert->info;
}

struct dcs_bytes dcs_cert_der(const struct dcs_cert *cert)
{
    return (struct dcs_bytes){ cert->der, cert->len };
}

struct dcs_bytes dcs_cert_spki(const struct dcs_cert *cert)
{
    return (struct dcs_bytes){ cert->spki, cert->spki_len };
}

struct dcs_bytes dcs_cert_key_bits(const struct dcs_cert *cert)
{
    const ASN1_BIT_STRING *bits = X509_get0_pubkey_bitstr(cert->x509);

    return (struct dcs_bytes){ ASN1_STRING_get0_data(bits), (size_t)ASN1_STRING_length(bits) };
}

size_t dcs_cert_name_count(const struct dcs_cert *cert)
{
    return cert->name_count;
}

const char *dcs_cert_name(const struct dcs_cert *cert, size_t index)
{
    return index < cert->name_count ? cert->names[index] : NULL;
}

bool dcs_cert_issued_by(const struct dcs_cert *cert, const struct dcs_cert *issuer)
{
    dcs_auto(dcs_quiet) int quiet = dcs_quiet_begin();
    EVP_PKEY *key = X509_get0_pubkey(issuer->x509);

    (void)quiet;
    return key && X509_check_issued(issuer->x509, cert->x509) == X509_V_OK &&
           X509_verify(cert->x509, key) == 1;
}

bool dcs_cert_self_signed(const struct dcs_cert *cert)
{
    return cert->info.subject_hash == cert->info.issuer_hash && dcs_cert_issued_by(cert, cert);
}
