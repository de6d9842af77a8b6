// SPDX-License-Identifier: Apache-2.0
/* test_certs.c - the certificates of test_certs.h; any failure ends the test program. */
#include "test_certs.h"

#include <openssl/bn.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow/accept.h"
#include "flow/cache.h"
#include "io/pkey.h"

static void need(bool good)
{
    if (!good)
        abort();
}

static void extend(X509 *x509, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    need(extension && X509_add_ext(x509, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

struct test_cert test_make(const struct test_wish *wish)
{
    struct test_cert made = { .x509 = X509_new() };
    unsigned char serial[16];
    BIGNUM *number = NULL;

    made.key = wish->key ? (EVP_PKEY *)wish->key : EVP_EC_gen("P-256");
    if (wish->key)
        EVP_PKEY_up_ref(made.key);
    need(RAND_bytes(serial, sizeof(serial)) == 1);
    serial[0] = 0x11;
    number = BN_bin2bn(serial, sizeof(serial), NULL);
    need(made.key && made.x509 && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(made.x509)));
    BN_free(number);
    X509_set_version(made.x509, X509_VERSION_3);
    ASN1_TIME_set(X509_getm_notBefore(made.x509), (time_t)wish->not_before);
    ASN1_TIME_set(X509_getm_notAfter(made.x509), (time_t)wish->not_after);
    X509_set_pubkey(made.x509, made.key);
    need(X509_NAME_add_entry_by_txt(X509_get_subject_name(made.x509), "CN", MBSTRING_UTF8,
                                    (const unsigned char *)wish->common_name, -1, -1, 0));
    X509_set_issuer_name(made.x509,
                         X509_get_subject_name(wish->issuer ? wish->issuer->x509 : made.x509));
    extend(made.x509, NID_basic_constraints,
           wish->is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (!wish->is_ca)
        extend(made.x509, NID_ext_key_usage, wish->purposes ? wish->purposes : "serverAuth");
    if (wish->names)
        extend(made.x509, NID_subject_alt_name, wish->names);
    if (wish->poison)
        extend(made.x509, NID_ct_precert_poison, "critical,DER:0500");
    need(X509_sign(made.x509, wish->issuer ? wish->issuer->key : made.key, EVP_sha256()) > 0);
    return made;
}

void test_drop(struct test_cert *cert)
{
    EVP_PKEY_free(cert->key);
    X509_free(cert->x509);
}

void test_add_pem(struct dcs_buf *out, const struct test_cert *cert)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;

    need(bio && PEM_write_bio_X509(bio, cert->x509) == 1);
    long len = BIO_get_mem_data(bio, &text);
    for (long i = 0; i < len; i++) {
        if (text[i] == '\n')
            dcs_buf_addc(out, '\r');
        dcs_buf_addc(out, text[i]);
    }
    BIO_free(bio);
}

void test_serial(const struct test_cert *cert, char out[65])
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(cert->x509);

    dcs_hex(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial), out);
}

static struct dcs_key our_key(EVP_PKEY *pkey)
{
    struct dcs_key key = { 0 };
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;

    need(bio && PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) == 1);
    long len = BIO_get_mem_data(bio, &text);
    need(dcs_key_import((const uint8_t *)text, (size_t)len, NULL, &key, NULL));
    BIO_free(bio);
    return key;
}

void test_commit(const char *dir, int64_t order, const struct test_wish *wish)
{
    const struct dcs_choice choice = { .now = dcs_env_now(dcs_env_real()),
                                       .serve_expired = DCS_YES };
    const struct dcs_accept expected = { .certificate_id = 1, .source = "test", .now = choice.now };
    struct test_cert cert = test_make(wish);
    dcs_auto(dcs_buf) struct dcs_buf pem = { 0 };
    dcs_auto(dcs_accepted) struct dcs_accepted accepted = { 0 };
    dcs_auto(dcs_cache) struct dcs_cache cache = { .fd = -1 };
    dcs_auto(dcs_lock) struct dcs_lock lock = DCS_LOCK_NONE;
    dcs_auto(dcs_key) struct dcs_key key = our_key(cert.key);
    dcs_auto(dcs_bundle) struct dcs_bundle *bundle = NULL;
    char state[4096];
    char committed[DCS_GENERATION_DIR];

    snprintf(state, sizeof(state), "%s/state", dir);
    test_add_pem(&pem, &cert);
    if (wish->issuer)
        test_add_pem(&pem, wish->issuer);
    need(dcs_accept(&expected, dcs_buf_text(&pem), pem.len, &accepted, NULL));
    need(dcs_cache_open(dcs_env_real(), state, DCS_CACHE_CREATE, &cache, NULL));
    need(dcs_cache_make_order(&cache, order, &(struct dcs_access){ false, (gid_t)-1 },
                              dcs_deadline_in(dcs_env_real(), 5000), &lock, NULL));
    accepted.facts->order_id = order;
    accepted.facts->committed_at = dcs_env_now(dcs_env_real());
    struct dcs_commit commit = { .order = order,
                                 .certificate_id = 1,
                                 .facts = accepted.facts,
                                 .certs = &accepted.certs,
                                 .offsets = accepted.offsets,
                                 .cert_count = accepted.cert_count,
                                 .key = &key,
                                 .access = { false, (gid_t)-1 } };
    need(dcs_cache_commit(&cache, &commit, committed, NULL));
    need(dcs_cache_load_dir(&cache, committed, &bundle, NULL));
    dcs_cache_index_add(&cache, bundle, NULL);
    need(dcs_cache_settle(&cache, order, &choice, NULL));
    test_drop(&cert);
}

void test_commit_pair(const char *dir, int64_t order)
{
    const int64_t now = dcs_env_now(dcs_env_real());
    const struct test_wish wish = { .common_name = "www.example.com",
                                    .names = "DNS:www.example.com",
                                    .not_before = now - 86400,
                                    .not_after = now + 190 * 86400LL };

    test_commit(dir, order, &wish);
}
