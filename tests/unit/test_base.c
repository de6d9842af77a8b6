// SPDX-License-Identifier: Apache-2.0
/* test_base.c - errors, memory, buffers, cleaned text and time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/idset.h"
#include "fake.h"

static void an_error_that_is_too_long_is_cut_at_a_word(void **state)
{
    struct dcs_err err = { 0 };
    char words[2000];

    (void)state;
    memset(words, 0, sizeof(words));
    for (size_t i = 0; i + 8 < sizeof(words); i += 6)
        memcpy(words + i, "abcde ", 6);
    assert_false(dcs_fail(&err, DCS_E_AWAY, "%s", words));
    assert_true(strlen(err.text) < sizeof(err.text));
    assert_string_equal(err.text + strlen(err.text) - 9, "abcde ...");
}

static void while_puts_the_circumstance_first_and_keeps_code_and_hint(void **state)
{
    struct dcs_err err = { 0 };

    (void)state;
    dcs_fail(&err, DCS_E_URI, "no number");
    dcs_hint(&err, "write one");
    dcs_fail_while(&err, "opening %s", "x");
    assert_string_equal(err.text, "opening x: no number");
    assert_string_equal(err.hint, "write one");
    assert_int_equal(err.code, DCS_E_URI);
}

static void code_names_come_back_as_codes(void **state)
{
    (void)state;
    for (int i = 0; i < DCS_E_COUNT; i++)
        assert_int_equal(dcs_code_from_name(dcs_code_name((enum dcs_code)i)), i);
    assert_int_equal(dcs_code_from_name("nonsense"), DCS_E_BUG);
    assert_int_equal(dcs_code_from_name(NULL), DCS_E_BUG);
}

static void a_buffer_never_grows_beyond_its_maximum(void **state)
{
    dcs_auto(dcs_buf) struct dcs_buf buf = { .max = 10 };

    (void)state;
    dcs_buf_adds(&buf, "0123456789"); /* exactly full */
    assert_true(dcs_buf_ok(&buf, "x", NULL));
    dcs_buf_addc(&buf, 'x'); /* one too many */
    assert_false(dcs_buf_ok(&buf, "x", NULL));
    assert_string_equal(dcs_buf_text(&buf), "0123456789");
    dcs_buf_clear(&buf);
    dcs_buf_addf(&buf, "%d", 42);
    assert_string_equal(dcs_buf_text(&buf), "42");
}

static void text_from_the_ca_is_made_harmless(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        { "plain", "plain" },
        { "a\tb\r\n  c", "a b c" },       /* white space folds */
        { "\x1b[31mred", "?[31mred" },    /* escape sequences lose their escape */
        { "caf\xc3\xa9", "caf\xc3\xa9" }, /* UTF-8 stays */
        { "bad\xff\xc3", "bad??" },       /* malformed and cut off */
        { "\xc0\xaf", "??" },             /* overlong slash */
        { "\xed\xa0\x80", "???" },        /* surrogate */
        { "a\xe2\x80\xae"
          "b",
          "a?b" },           /* right-to-left override */
        { "\xc2\x85", "?" }, /* C1 next line */
        { NULL, "" },
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        char out[64];
        dcs_clean_text(cases[i].in, out, sizeof(out));
        assert_string_equal(out, cases[i].out);
    }
}

static void cleaned_text_is_cut_at_a_character(void **state)
{
    char out[5];

    (void)state;
    dcs_clean_text("abc\xc3\xa9", out, sizeof(out)); /* the last one would need two bytes of one */
    assert_string_equal(out, "abc");
}

static void times_are_read_in_all_forms_that_the_ca_sends(void **state)
{
    static const struct {
        const char *text;
        int64_t want; /* -1: refused */
    } cases[] = {
        { "2026-11-24", 1795478400 },
        { "2026-11-24T12:00:00Z", 1795521600 },
        { "2026-11-24T12:00:00+00:00", 1795521600 },
        { "2026-11-24T14:00:00+02:00", 1795521600 },
        { "2026-11-24T05:00:00-0700", 1795521600 },
        { "2026-11-24 12:00:00", 1795521600 },
        { "2026-11-24T12:00:00.123Z", 1795521600 },
        { "2024-02-29", 1709164800 }, /* a leap day */
        { "2026-02-29", -1 },
        { "2026-13-01", -1 },
        { "2026-00-10", -1 },
        { "2026-11-24T25:00:00Z", -1 },
        { "2026-11-24x", -1 },
        { "26-11-24", -1 },
        { "", -1 },
        { NULL, -1 },
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        int64_t when = -1;
        bool good = dcs_time_parse(cases[i].text, &when);
        assert_int_equal(good, cases[i].want >= 0);
        if (good)
            assert_int_equal(when, cases[i].want);
    }
}

static void http_dates_are_read_and_others_refused(void **state)
{
    int64_t when = 0;
    char text[DCS_TIME_TEXT];

    (void)state;
    assert_true(dcs_time_parse_http("Tue, 24 Nov 2026 12:00:00 GMT", &when));
    assert_int_equal(when, 1795521600);
    assert_false(dcs_time_parse_http("Tue, 24 Foo 2026 12:00:00 GMT", &when));
    assert_false(dcs_time_parse_http("2026-11-24", &when));
    assert_false(dcs_time_parse_http(NULL, &when));
    dcs_time_text(1795521600, text);
    assert_string_equal(text, "2026-11-24T12:00:00Z");
    assert_int_equal(dcs_time_midnight(1795521600), 1795478400);
    assert_int_equal(dcs_time_midnight(-1), -86400);
}

static void numbers_and_hex_are_read_whole_or_not_at_all(void **state)
{
    int64_t number = 0;
    uint8_t bytes[4];
    size_t len = 0;

    (void)state;
    assert_true(dcs_parse_i64("-12", -20, 20, &number));
    assert_int_equal(number, -12);
    assert_false(dcs_parse_i64(" 12", 0, 20, &number));
    assert_false(dcs_parse_i64("12x", 0, 20, &number));
    assert_false(dcs_parse_i64("21", 0, 20, &number));
    assert_false(dcs_parse_i64("99999999999999999999", 0, INT64_MAX, &number));
    assert_true(dcs_unhex("0a:FF", bytes, sizeof(bytes), &len));
    assert_int_equal(len, 2);
    assert_int_equal(bytes[1], 255);
    assert_false(dcs_unhex("0a:", bytes, sizeof(bytes), &len));
    assert_false(dcs_unhex("0", bytes, sizeof(bytes), &len));
    assert_false(dcs_unhex("0011223344", bytes, sizeof(bytes), &len)); /* one byte too many */
}

static void a_set_of_ids_knows_each_once_however_many(void **state)
{
    enum { COUNT = 100000 };
    dcs_auto(dcs_idset) struct dcs_idset set = { 0 };
    bool is_new = false;

    (void)state;
    for (int round = 0; round < 2; round++)
        for (int64_t i = 1; i <= COUNT; i++) {
            int64_t id = i % 2 ? i : i << 40; /* neighbours, and equal low halves */
            assert_true(dcs_idset_add(&set, id, &is_new, NULL));
            if (is_new != (round == 0))
                fail_msg("%lld in round %d", (long long)id, round);
        }
    assert_int_equal(set.count, COUNT);
    assert_false(dcs_idset_add(&set, 0, &is_new, NULL));
    assert_false(dcs_idset_add(&set, -1, &is_new, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_that_is_too_long_is_cut_at_a_word),
        cmocka_unit_test(while_puts_the_circumstance_first_and_keeps_code_and_hint),
        cmocka_unit_test(code_names_come_back_as_codes),
        cmocka_unit_test(a_buffer_never_grows_beyond_its_maximum),
        cmocka_unit_test(text_from_the_ca_is_made_harmless),
        cmocka_unit_test(cleaned_text_is_cut_at_a_character),
        cmocka_unit_test(times_are_read_in_all_forms_that_the_ca_sends),
        cmocka_unit_test(http_dates_are_read_and_others_refused),
        cmocka_unit_test(numbers_and_hex_are_read_whole_or_not_at_all),
        cmocka_unit_test(a_set_of_ids_knows_each_once_however_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
