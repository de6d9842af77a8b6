// SPDX-License-Identifier: Apache-2.0
/* test_uri.c - the grammar of digicert: URIs, by tables of what is right and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/uri.h"

static void right_uris_are_read(void **state)
{
    static const struct {
        const char *text;
        enum dcs_uri_kind kind;
        const char *value, *canonical;
    } cases[] = {
        { "digicert:", DCS_URI_LIST, "", "digicert://" },
        { "digicert://", DCS_URI_LIST, "", "digicert://" },
        { "digicert:order/123", DCS_URI_ORDER, "123", "digicert://order/123" },
        { "DigiCert://ORDER/999999999999999999", DCS_URI_ORDER, "999999999999999999",
          "digicert://order/999999999999999999" },
        { "digicert:certificate/7", DCS_URI_CERTIFICATE, "7", "digicert://certificate/7" },
        { "digicert:alternate/web%20prod%2F17", DCS_URI_ALTERNATE, "web prod/17",
          "digicert://alternate/web%20prod%2F17" },
        { "digicert:name/WWW.Example.COM.", DCS_URI_NAME, "www.example.com",
          "digicert://name/www.example.com" },
        { "digicert:name/[2001:DB8::1]", DCS_URI_NAME, "2001:db8::1",
          "digicert://name/2001%3Adb8%3A%3A1" },
        { "digicert:name/*.example.com", DCS_URI_NAME, "*.example.com",
          "digicert://name/%2A.example.com" },
        { "digicert:serial/00:0A:bC", DCS_URI_SERIAL, "0abc", "digicert://serial/0abc" },
        { "digicert:serial/00", DCS_URI_SERIAL, "00", "digicert://serial/00" },
        { "digicert:thumbprint/0102030405060708090a0b0c0d0e0f1011121314", DCS_URI_THUMBPRINT,
          "0102030405060708090a0b0c0d0e0f1011121314",
          "digicert://thumbprint/0102030405060708090a0b0c0d0e0f1011121314" },
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        struct dcs_uri uri;
        struct dcs_uri again;
        char canonical[DCS_URI_TEXT];
        assert_true(dcs_uri_parse(cases[i].text, &uri, NULL));
        assert_int_equal(uri.kind, cases[i].kind);
        assert_string_equal(uri.value, cases[i].value);
        dcs_uri_canonical(&uri, canonical);
        assert_string_equal(canonical, cases[i].canonical);
        assert_true(dcs_uri_parse(canonical, &again, NULL)); /* what we print we read */
        assert_string_equal(again.value, uri.value);
    }
}

static void wrong_uris_are_refused_with_a_hint(void **state)
{
    static const char *const cases[] = {
        "order/123",
        "http://order/123",
        "digicert:order",
        "digicert:order/",
        "digicert:order/0",
        "digicert:order/012",
        "digicert:order/1234567890123456789",
        "digicert:order/12a",
        "digicert:order/-1",
        "digicert:/order/1",
        "digicert:///order/1",
        "digicert:order/1/2",
        "digicert:orders/1",
        "digicert:name/",
        "digicert:name/a..b",
        "digicert:name/-a.example",
        "digicert:name/a_b%00",
        "digicert:name/b\xc3\xbc"
        "cher.example",
        "digicert:alternate/%",
        "digicert:alternate/%zz",
        "digicert:alternate/%0a",
        "digicert:alternate/%ff",
        "digicert:serial/",
        "digicert:serial/abc",
        "digicert:serial/0g",
        "digicert:thumbprint/00",
        "digicert:order/1?",
        "digicert:order/1?type",
        "digicert:order/1?type=",
        "digicert:order/1?=x",
        "digicert:order/1?type=none",
        "digicert:order/1?spki=00",
        "digicert:order/1?colour=red",
        "digicert:order/1?serial=1",
        "digicert:order/1?serial=01&serial=02",
        "digicert:order/1?scope=local",
        "digicert:?scope=all",
        "digicert:?serial=01",
        "digicert:order/1\n",
        "digicert:order/1\x7f",
        "",
        NULL,
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        struct dcs_uri uri;
        struct dcs_err err = { 0 };
        if (dcs_uri_parse(cases[i], &uri, &err))
            fail_msg("accepted: %s", cases[i]);
        assert_int_equal(err.code, DCS_E_URI);
        assert_true(err.text[0] && err.hint[0]);
    }
}

static void types_add_up_in_every_spelling(void **state)
{
    static const struct {
        const char *text;
        unsigned types;
    } cases[] = {
        { "digicert:order/1", DCS_TYPE_DEFAULT },
        { "digicert:order/1?type=key", DCS_TYPE_KEY },
        { "digicert:order/1;TYPE=KEY", DCS_TYPE_KEY },
        { "digicert:order/1?type=cert&type=key", DCS_TYPE_CERT | DCS_TYPE_KEY },
        { "digicert:order/1;type=ca,type=public;type=crl",
          DCS_TYPE_CA | DCS_TYPE_PUBLIC | DCS_TYPE_CRL },
        { "digicert:order/1?type=chain", DCS_TYPE_CERT | DCS_TYPE_CA },
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        struct dcs_uri uri;
        assert_true(dcs_uri_parse(cases[i].text, &uri, NULL));
        assert_int_equal(uri.types, cases[i].types);
    }
}

static void the_longest_uri_is_512_bytes(void **state)
{
    char text[600];
    struct dcs_uri uri;

    (void)state;
    memset(text, 'x', sizeof(text));
    memcpy(text, "digicert:alternate/", 19);
    text[512] = '\0';
    assert_true(dcs_uri_parse(text, &uri, NULL));
    text[512] = 'x';
    text[513] = '\0';
    assert_false(dcs_uri_parse(text, &uri, NULL));
}

static void the_cli_may_leave_the_scheme_out(void **state)
{
    struct dcs_uri uri;

    (void)state;
    assert_true(dcs_uri_parse_loose("123", &uri, NULL));
    assert_int_equal(uri.id, 123);
    assert_true(dcs_uri_parse_loose("order/123?type=key", &uri, NULL));
    assert_int_equal(uri.types, DCS_TYPE_KEY);
    assert_true(dcs_uri_parse_loose("digicert:name/a.example", &uri, NULL));
    assert_false(dcs_uri_parse_loose("0123", &uri, NULL));
}

static void a_pin_takes_its_prefix_and_its_colons(void **state)
{
    struct dcs_uri uri;

    (void)state;
    assert_true(dcs_uri_parse("digicert:order/1?spki=sha256:"
                              "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
                              &uri, NULL));
    assert_true(uri.has_spki);
    assert_int_equal(uri.spki_sha256[31], 31);
    assert_true(dcs_uri_parse("digicert:order/1?serial=00:AB", &uri, NULL));
    assert_string_equal(uri.serial, "ab");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_uris_are_read),
        cmocka_unit_test(wrong_uris_are_refused_with_a_hint),
        cmocka_unit_test(types_add_up_in_every_spelling),
        cmocka_unit_test(the_longest_uri_is_512_bytes),
        cmocka_unit_test(the_cli_may_leave_the_scheme_out),
        cmocka_unit_test(a_pin_takes_its_prefix_and_its_colons),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
