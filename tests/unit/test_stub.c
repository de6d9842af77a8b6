// SPDX-License-Identifier: Apache-2.0
/* test_stub.c - key stubs: what they may name, and that what is written is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "io/x509.h"
#include "model/stub.h"

#define PIN "c0ffee0000000000000000000000000000000000000000000000000000000001"
#define BEGIN "-----BEGIN DIGICERT URI-----\n"
#define END "-----END DIGICERT URI-----\n"

static void a_stub_holds_the_uri_asking_for_the_key(void **state)
{
    static const struct {
        const char *uri, *inside;
    } cases[] = {
        { "order/123", "digicert://order/123?type=key" },
        { "digicert:order/123?type=cert", "digicert://order/123?type=key" },
        { "name/WWW.example.com", "digicert://name/www.example.com?type=key" },
        { "name/*.example.com", "digicert://name/%2A.example.com?type=key" },
        { "order/1?spki=" PIN, "digicert://order/1?type=key&spki=sha256:" PIN },
        { "order/1?serial=0A:0B", "digicert://order/1?type=key&serial=0a0b" },
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        dcs_auto(dcs_buf) struct dcs_buf pem = { 0 };
        dcs_auto(dcs_buf) struct dcs_buf inside = { 0 };
        struct dcs_uri uri;
        struct dcs_uri again;
        size_t offsets[2];
        size_t count = 0;
        assert_true(dcs_uri_parse_loose(cases[i].uri, &uri, NULL));
        assert_true(dcs_stub_write(&uri, &pem, NULL));
        assert_true(dcs_pem_blocks(dcs_buf_text(&pem), pem.len, DCS_STUB_LABEL, &inside, offsets, 2,
                                   &count, NULL));
        assert_string_equal(dcs_buf_text(&inside), cases[i].inside);
        assert_true(dcs_stub_read(dcs_buf_text(&pem), pem.len, &again, NULL));
        assert_int_equal(again.kind, uri.kind);
        assert_string_equal(again.value, uri.value);
        assert_string_equal(again.serial, uri.serial);
        assert_int_equal(again.has_spki, uri.has_spki);
    }
}

static void what_a_stub_may_not_name_is_refused_both_ways(void **state)
{
    static const char *const uris[] = { "digicert:",     "digicert:?scope=local",
                                        "certificate/5", "alternate/web",
                                        "serial/0a",     ("thumbprint/" PIN) };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(uris); i++) {
        dcs_auto(dcs_buf) struct dcs_buf pem = { 0 };
        struct dcs_err err = { 0 };
        struct dcs_uri uri;
        char text[256];
        assert_true(dcs_uri_parse_loose(uris[i], &uri, NULL));
        assert_false(dcs_stub_write(&uri, &pem, &err));
        assert_int_equal(err.code, DCS_E_URI);
        assert_int_equal(pem.len, 0);
        snprintf(text, sizeof(text), "%s%s?type=key",
                 strncmp(uris[i], "digicert:", 9) == 0 ? "" : "digicert://", uris[i]);
        assert_true(dcs_pem_add(&pem, DCS_STUB_LABEL, (const uint8_t *)text, strlen(text), NULL));
        err = (struct dcs_err){ 0 };
        assert_false(dcs_stub_read(dcs_buf_text(&pem), pem.len, &uri, &err));
        assert_int_equal(err.code, DCS_E_URI);
    }
}

static void a_malformed_stub_is_an_error_and_no_key(void **state)
{
    char longest[DCS_STUB_MAX + 64];
    static const char *const texts[] = {
        "",
        BEGIN,
        BEGIN END,
        BEGIN "####\n" END,
        BEGIN "ZGln\n",                                               /* no end */
        BEGIN "ZGlnaWNlcnQ6Ly9vcmRlci8xMjM=\n" END,                   /* asks for no type */
        BEGIN "ZGlnaWNlcnQ6Ly9vcmRlci8xMjM/dHlwZT1jaGFpbg==\n" END,   /* type=chain */
        BEGIN "ZGlnaWNlcnQ6Ly9vcmRlci8xMjM/dHlwZT1rZXkAeA==\n" END,   /* a NUL inside */
        BEGIN "aHR0cHM6Ly9leGFtcGxlLmNvbS8=\n" END,                   /* https://example.com/ */
        BEGIN "ZGlnaWNlcnQ6Ly9vcmRlci8xMjM/dHlwZT1rZXk=\n" END BEGIN, /* more after it */
        "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n",
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(texts); i++) {
        struct dcs_err err = { 0 };
        struct dcs_uri uri;
        assert_false(dcs_stub_read(texts[i], strlen(texts[i]), &uri, &err));
        assert_int_equal(err.code, DCS_E_URI);
    }
    memset(longest, 'A', sizeof(longest));
    struct dcs_uri uri;
    assert_false(dcs_stub_read(longest, sizeof(longest), &uri, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stub_holds_the_uri_asking_for_the_key),
        cmocka_unit_test(what_a_stub_may_not_name_is_refused_both_ways),
        cmocka_unit_test(a_malformed_stub_is_an_error_and_no_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
