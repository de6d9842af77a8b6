// SPDX-License-Identifier: Apache-2.0
/* test_pkey.c - keys that are made here, and the requests for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "io/pkey.h"

static void each_kind_is_made_as_it_is_named_and_another_is_refused(void **state)
{
    static const struct {
        const char *kind;
        bool good;
        enum dcs_key_kind is;
    } cases[] = {
        { "ec:P-256", true, DCS_KEY_EC },       { "ec:P-384", true, DCS_KEY_EC },
        { "rsa:2048", true, DCS_KEY_RSA },      { "rsa:3072", true, DCS_KEY_RSA },
        { "rsa:1024", false, DCS_KEY_UNKNOWN }, /* below what any CA takes */
        { "ec:P-521", false, DCS_KEY_UNKNOWN }, /* not known to be taken by DigiCert */
        { "ed25519", false, DCS_KEY_UNKNOWN },  /* not allowed in public TLS */
        { "", false, DCS_KEY_UNKNOWN },
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        dcs_auto(dcs_key) struct dcs_key key = { 0 };
        struct dcs_err err = { 0 };
        assert_int_equal(dcs_key_generate(cases[i].kind, &key, &err), cases[i].good);
        if (!cases[i].good) {
            assert_int_equal(err.code, DCS_E_CONFIG);
            continue;
        }
        assert_int_equal(key.form, DCS_KEY_PKCS8);
        assert_int_equal(key.kind, cases[i].is);
        assert_true(dcs_key_sound(&key, &err));
    }
}

static void an_encrypted_key_opens_with_its_passphrase_alone(void **state)
{
    static const char *const kinds[] = { "ec:P-256", "rsa:2048" };
    char right[] = "correct horse";
    char wrong[] = "correct horsf";
    const struct dcs_secret pass = { (uint8_t *)right, strlen(right) };
    const struct dcs_secret other = { (uint8_t *)wrong, strlen(wrong) };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(kinds); i++) {
        dcs_auto(dcs_key) struct dcs_key key = { 0 };
        dcs_auto(dcs_key) struct dcs_key sealed = { 0 };
        dcs_auto(dcs_key) struct dcs_key read = { 0 };
        dcs_auto(dcs_key) struct dcs_key open = { 0 };
        dcs_auto(dcs_buf) struct dcs_buf pem = { .max = 1 << 16 };
        uint8_t hash[DCS_SHA256_LEN];
        struct dcs_err err = { 0 };
        assert_true(dcs_key_generate(kinds[i], &key, NULL));
        assert_true(dcs_key_encrypt(&key, &pass, &sealed, NULL));
        assert_true(dcs_key_to_pem(&sealed, &pem, NULL));
        assert_ptr_equal(strstr(dcs_buf_text(&pem), "-----BEGIN ENCRYPTED PRIVATE KEY-----"),
                         dcs_buf_text(&pem));
        assert_true(dcs_key_from_our_pem(dcs_buf_text(&pem), pem.len, &read, NULL));
        assert_int_equal(read.form, DCS_KEY_ENCRYPTED);
        assert_false(dcs_key_spki_sha256(&read, hash, &err)); /* it does not show its public half */
        assert_int_equal(err.code, DCS_E_INPUT);
        assert_false(dcs_key_decrypt(&read, &other, &open, &err));
        assert_int_equal(err.code, DCS_E_INPUT);
        assert_int_equal(open.form, 0);
        assert_true(dcs_key_decrypt(&read, &pass, &open, NULL));
        assert_int_equal(open.kind, key.kind);
        assert_int_equal(open.der.len, key.der.len);
        assert_memory_equal(open.der.data, key.der.data, key.der.len);
    }
}

static void a_pointer_holds_the_uri_of_a_key_in_a_token(void **state)
{
    static const char *const uris[] = { "pkcs11:token=web;id=%01%02;type=private", "pkcs11:" };
    char out[64];
    char small[8];

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(uris); i++) {
        dcs_auto(dcs_key) struct dcs_key key = { 0 };
        dcs_auto(dcs_key) struct dcs_key read = { 0 };
        dcs_auto(dcs_buf) struct dcs_buf pem = { .max = 1 << 16 };
        assert_true(dcs_key_point_at(uris[i], &key, NULL));
        assert_true(dcs_key_to_pem(&key, &pem, NULL));
        assert_non_null(strstr(dcs_buf_text(&pem), "-----BEGIN PKCS#11 PROVIDER URI-----"));
        assert_true(dcs_key_from_our_pem(dcs_buf_text(&pem), pem.len, &read, NULL));
        assert_true(dcs_key_pointed_at(&read, out, sizeof(out), NULL));
        assert_string_equal(out, uris[i]);
        assert_int_equal(dcs_key_pointed_at(&read, small, sizeof(small), NULL),
                         strlen(uris[i]) < sizeof(small));
    }
}

static void a_malformed_pointer_points_nowhere(void **state)
{
    static const struct {
        uint8_t der[24];
        size_t len;
    } cases[] = {
        { { 0 }, 0 },
        { { 0x30, 0x00 }, 2 },
        { { 0x30, 0x03, 0x0C, 0x01, 'x' }, 5 },                        /* one text alone */
        { { 0x30, 0x06, 0x1A, 0x01, 'x', 0x1A, 0x01, 'y' }, 8 },       /* no UTF8String */
        { { 0x30, 0x07, 0x1A, 0x01, 'x', 0x0C, 0x02, 'y', 0x00 }, 9 }, /* a NUL inside */
        { { 0x30, 0x06, 0x1A, 0x01, 'x', 0x0C, 0x05, 'y' }, 8 },       /* cut off */
    };
    char out[64];

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        dcs_auto(dcs_key) struct dcs_key key = { .form = DCS_KEY_POINTER };
        struct dcs_err err = { 0 };
        assert_true(dcs_secret_copy(cases[i].der, cases[i].len, &key.der, NULL));
        assert_false(dcs_key_pointed_at(&key, out, sizeof(out), &err));
        assert_int_equal(err.code, DCS_E_STATE);
    }
}

static void two_keys_are_never_the_same(void **state)
{
    dcs_auto(dcs_key) struct dcs_key a = { 0 };
    dcs_auto(dcs_key) struct dcs_key b = { 0 };
    uint8_t hash_a[DCS_SHA256_LEN];
    uint8_t hash_b[DCS_SHA256_LEN];

    (void)state;
    assert_true(dcs_key_generate("ec:P-256", &a, NULL) && dcs_key_generate("ec:P-256", &b, NULL));
    assert_true(dcs_key_spki_sha256(&a, hash_a, NULL) && dcs_key_spki_sha256(&b, hash_b, NULL));
    assert_memory_not_equal(hash_a, hash_b, sizeof(hash_a));
}

static bool make_csr(const struct dcs_key *key, const char *common_name, const char *const *names,
                     size_t count, struct dcs_buf *pem)
{
    const struct dcs_csr_subject subject = { common_name, names, count };

    return dcs_csr_make(key, &subject, pem, NULL);
}

static X509_REQ *read_request(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509_REQ *request = PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL);

    BIO_free(bio);
    assert_non_null(request);
    return request;
}

/* "DNS:a, IP:1.2.3.4, ..." as OpenSSL prints it. */
static void names_of(X509_REQ *request, char *out, size_t capacity)
{
    STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(request);
    GENERAL_NAMES *names = X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL);
    BIO *bio = BIO_new(BIO_s_mem());

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        if (i)
            BIO_puts(bio, ", ");
        GENERAL_NAME_print(bio, sk_GENERAL_NAME_value(names, i));
    }
    int len = BIO_read(bio, out, (int)capacity - 1);
    out[len > 0 ? len : 0] = '\0';
    BIO_free(bio);
    GENERAL_NAMES_free(names);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
}

static void a_request_holds_name_names_and_key_and_is_signed_by_it(void **state)
{
    static const char *const names[] = { "www.example.com", "*.example.com", "192.0.2.7",
                                         "2001:db8::1", "user@example.com" };
    static const char *const kinds[] = { "ec:P-256", "rsa:2048" };
    char text[512];

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(kinds); i++) {
        dcs_auto(dcs_key) struct dcs_key key = { 0 };
        dcs_auto(dcs_buf) struct dcs_buf pem = { 0 };
        uint8_t of_key[DCS_SHA256_LEN];
        uint8_t of_request[DCS_SHA256_LEN];
        assert_true(dcs_key_generate(kinds[i], &key, NULL));
        assert_true(make_csr(&key, "www.example.com", names, DCS_COUNT(names), &pem));
        X509_REQ *request = read_request(dcs_buf_text(&pem));
        assert_int_equal(X509_REQ_verify(request, X509_REQ_get0_pubkey(request)), 1);
        names_of(request, text, sizeof(text));
        assert_string_equal(text, "DNS:www.example.com, DNS:*.example.com, IP Address:192.0.2.7, "
                                  "IP Address:2001:DB8:0:0:0:0:0:1, email:user@example.com");
        X509_REQ_free(request);
        assert_true(dcs_key_spki_sha256(&key, of_key, NULL));
        assert_true(dcs_csr_spki_sha256(dcs_buf_text(&pem), of_request, NULL));
        assert_memory_equal(of_key, of_request, sizeof(of_key));
    }
}

static void a_common_name_over_64_bytes_is_left_out(void **state)
{
    char name[80];
    const char *names[] = { name };
    dcs_auto(dcs_key) struct dcs_key key = { 0 };
    dcs_auto(dcs_buf) struct dcs_buf pem = { 0 };

    (void)state;
    memset(name, 'a', 60);
    snprintf(name + 60, sizeof(name) - 60, ".example"); /* 68 bytes */
    assert_true(dcs_key_generate("ec:P-256", &key, NULL));
    assert_true(make_csr(&key, name, names, 1, &pem));
    X509_REQ *request = read_request(dcs_buf_text(&pem));
    assert_int_equal(X509_NAME_entry_count(X509_REQ_get_subject_name(request)), 0);
    X509_REQ_free(request);
}

static void what_is_no_request_has_no_public_key(void **state)
{
    static const char *const cases[] = {
        "",
        "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE REQUEST-----\n",
    };
    uint8_t hash[DCS_SHA256_LEN];

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        struct dcs_err err = { 0 };
        assert_false(dcs_csr_spki_sha256(cases[i], hash, &err));
        assert_int_equal(err.code, DCS_E_REJECTED);
    }
}

static void a_request_with_crlf_reads_like_one_with_lf(void **state)
{
    dcs_auto(dcs_key) struct dcs_key key = { 0 };
    dcs_auto(dcs_buf) struct dcs_buf pem = { 0 };
    dcs_auto(dcs_buf) struct dcs_buf crlf = { 0 };
    uint8_t plain[DCS_SHA256_LEN];
    uint8_t other[DCS_SHA256_LEN];

    (void)state;
    assert_true(dcs_key_generate("ec:P-256", &key, NULL));
    assert_true(make_csr(&key, "a.example", NULL, 0, &pem));
    for (const char *at = dcs_buf_text(&pem); *at; at++) {
        if (*at == '\n')
            dcs_buf_addc(&crlf, '\r');
        dcs_buf_addc(&crlf, *at);
    }
    assert_true(dcs_csr_spki_sha256(dcs_buf_text(&pem), plain, NULL));
    assert_true(dcs_csr_spki_sha256(dcs_buf_text(&crlf), other, NULL));
    assert_memory_equal(plain, other, sizeof(plain));
}

/* The CA keeps a request as some client sent it: without line breaks, or without its frame. */
static void a_request_on_one_line_is_read(void **state)
{
    dcs_auto(dcs_key) struct dcs_key key = { 0 };
    dcs_auto(dcs_buf) struct dcs_buf pem = { 0 };
    dcs_auto(dcs_buf) struct dcs_buf line = { 0 };
    dcs_auto(dcs_buf) struct dcs_buf bare = { 0 };
    const char *const names[] = { "a.example", "b.example" };
    uint8_t plain[DCS_SHA256_LEN];
    uint8_t other[DCS_SHA256_LEN];

    (void)state;
    assert_true(dcs_key_generate("ec:P-256", &key, NULL));
    assert_true(make_csr(&key, "a.example", names, 2, &pem));
    for (const char *at = dcs_buf_text(&pem); *at; at++)
        if (*at != '\n')
            dcs_buf_addc(&line, *at);
    const char *body = strstr(dcs_buf_text(&line) + 5, "-----") + 5;
    dcs_buf_add(&bare, body, strcspn(body, "-"));
    assert_true(dcs_key_spki_sha256(&key, plain, NULL));
    assert_true(dcs_csr_spki_sha256(dcs_buf_text(&line), other, NULL));
    assert_memory_equal(plain, other, sizeof(plain));
    assert_true(dcs_csr_spki_sha256(dcs_buf_text(&bare), other, NULL));
    assert_memory_equal(plain, other, sizeof(plain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_is_made_as_it_is_named_and_another_is_refused),
        cmocka_unit_test(a_request_on_one_line_is_read),
        cmocka_unit_test(a_pointer_holds_the_uri_of_a_key_in_a_token),
        cmocka_unit_test(a_malformed_pointer_points_nowhere),
        cmocka_unit_test(an_encrypted_key_opens_with_its_passphrase_alone),
        cmocka_unit_test(two_keys_are_never_the_same),
        cmocka_unit_test(a_request_holds_name_names_and_key_and_is_signed_by_it),
        cmocka_unit_test(a_common_name_over_64_bytes_is_left_out),
        cmocka_unit_test(what_is_no_request_has_no_public_key),
        cmocka_unit_test(a_request_with_crlf_reads_like_one_with_lf),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
