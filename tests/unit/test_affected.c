// SPDX-License-Identifier: Apache-2.0
/* test_affected.c - what the lines of a revocation notice say, and what is said of the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/affected.h"

#define SHA256 "c0ffee0000000000000000000000000000000000000000000000000000000001"
#define SERIAL "a1b2c3d4e5f60718293a4b5c6d7e8f9"

static void a_line_says_which_certificate(void **state)
{
    static const struct {
        const char *line;
        enum dcs_uri_kind kind;
        int64_t id;
        const char *value;
    } cases[] = {
        { "123", DCS_URI_ORDER, 123, "" },
        { "999999999999999999", DCS_URI_ORDER, 999999999999999999, "" },     /* 18 digits */
        { "9999999999999999999", DCS_URI_SERIAL, 0, "9999999999999999999" }, /* 19 */
        { "0A1B2C3D4E5F60718293A4B5C6D7E8F9", DCS_URI_SERIAL, 0, SERIAL },
        { "0a:1b:2c:3d:4e:5f:60:71:82:93:a4:b5:c6:d7:e8:f9", DCS_URI_SERIAL, 0, SERIAL },
        { "0A 1B 2C 3D 4E 5F 60 71 82 93 A4 B5 C6 D7 E8 F9", DCS_URI_SERIAL, 0, SERIAL },
        { "0x0a1b2c3d4e5f60718293a4b5c6d7e8f9", DCS_URI_SERIAL, 0, SERIAL },
        { "00:0A:1B:2C:3D:4E:5F:60:71:82:93:A4:B5:C6:D7:E8:F9", DCS_URI_SERIAL, 0, SERIAL },
        { SHA256, DCS_URI_THUMBPRINT, 0, SHA256 },
        { "WWW.Example.COM.", DCS_URI_NAME, 0, "www.example.com" },
        { "*.example.com", DCS_URI_NAME, 0, "*.example.com" },
        { "cafe.de", DCS_URI_NAME, 0, "cafe.de" }, /* not hex: it has a dot */
        { "deadbeef", DCS_URI_SERIAL, 0, "deadbeef" },
        { "order/123", DCS_URI_ORDER, 123, "" },
        { "digicert://serial/0A1B2C3D4E5F60718293A4B5C6D7E8F9", DCS_URI_SERIAL, 0, SERIAL },
        { "name/www.example.com", DCS_URI_NAME, 0, "www.example.com" },
        { "  \"0A1B2C3D4E5F60718293A4B5C6D7E8F9\" , 12, x", DCS_URI_SERIAL, 0, SERIAL },
        { "www.example.com;revoked\r", DCS_URI_NAME, 0, "www.example.com" },
        { "123\t456", DCS_URI_ORDER, 123, "" },
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        dcs_auto(dcs_affected) struct dcs_affected notice = { 0 };
        struct dcs_err err = { 0 };
        if (!dcs_affected_parse(cases[i].line, strlen(cases[i].line), &notice, &err))
            fail_msg("%s: %s", cases[i].line, err.text);
        assert_int_equal(notice.count, 1);
        assert_int_equal(notice.problem_count, 0);
        assert_int_equal(notice.entries[0].kind, cases[i].kind);
        assert_int_equal(notice.entries[0].id, cases[i].id);
        assert_string_equal(notice.entries[0].value, cases[i].value);
    }
}

static void lines_are_numbered_and_what_says_nothing_is_a_problem(void **state)
{
    static const char text[] = "\xEF\xBB\xBF"
                               "Serial Number,Order ID\r\n"
                               "# of 2026-11-20\r\n"
                               "\r\n"
                               "deadbeef01,5\r\n"
                               "what is this?\r\n"
                               "certificate/5\r\n"
                               "123\r\n"
                               "www.example.com";
    dcs_auto(dcs_affected) struct dcs_affected notice = { 0 };
    struct dcs_err err = { 0 };

    (void)state;
    assert_true(dcs_affected_parse(text, sizeof(text) - 1, &notice, &err));
    assert_int_equal(notice.count, 3);
    assert_int_equal(notice.entries[0].line, 4);
    assert_int_equal(notice.entries[2].line, 8);
    assert_int_equal(notice.problem_count, 2);
    assert_int_equal(notice.problems[0].line, 5);
    assert_non_null(strstr(notice.problems[0].text, "\"what is this?\""));
    assert_int_equal(notice.problems[1].line, 6);
}

static void a_head_is_one_at_the_beginning_only(void **state)
{
    static const char text[] = "123\nserial number\n";
    dcs_auto(dcs_affected) struct dcs_affected notice = { 0 };

    (void)state;
    assert_true(dcs_affected_parse(text, strlen(text), &notice, NULL));
    assert_int_equal(notice.problem_count, 1);
}

static void an_empty_first_column_is_a_problem_and_an_empty_row_none(void **state)
{
    static const char text[] = "123\n\"\",deadbeef01\n,,\n\"\";\"\"\r\n \n456\n";
    dcs_auto(dcs_affected) struct dcs_affected notice = { 0 };
    struct dcs_err err = { 0 };

    (void)state;
    assert_true(dcs_affected_parse(text, strlen(text), &notice, &err));
    assert_int_equal(notice.count, 2);
    assert_int_equal(notice.problem_count, 1);
    assert_int_equal(notice.problems[0].line, 2);
    assert_non_null(strstr(notice.problems[0].text, "deadbeef01"));
    dcs_affected_clear(&notice);
    assert_false(dcs_affected_parse(",123\n,456\n", 10, &notice, &err));
    assert_int_equal(err.code, DCS_E_INPUT);
}

static void a_file_of_something_else_is_refused_as_a_whole(void **state)
{
    static const char *const texts[] = { "<html>\n<body>\n123\n", "\177ELF\n", "GET / HTTP\n" };
    dcs_auto(dcs_affected) struct dcs_affected notice = { 0 };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(texts); i++) {
        struct dcs_err err = { 0 };
        assert_false(dcs_affected_parse(texts[i], strlen(texts[i]), &notice, &err));
        assert_int_equal(err.code, DCS_E_INPUT);
        assert_non_null(strstr(err.text, "line 1"));
    }
}

static void thousands_of_lines_are_read(void **state)
{
    enum { LINES = 20000, WIDTH = 20 };
    dcs_auto(dcs_affected) struct dcs_affected notice = { 0 };
    char *text = calloc(LINES, WIDTH);
    size_t len = 0;

    (void)state;
    assert_non_null(text);
    for (int i = 0; i < LINES; i++)
        len += (size_t)snprintf(text + len, WIDTH, "%d\n", 1000000 + i);
    assert_true(dcs_affected_parse(text, len, &notice, NULL));
    free(text);
    assert_int_equal(notice.count, LINES);
    assert_int_equal(notice.entries[LINES - 1].id, 1000000 + LINES - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_says_which_certificate),
        cmocka_unit_test(lines_are_numbered_and_what_says_nothing_is_a_problem),
        cmocka_unit_test(a_head_is_one_at_the_beginning_only),
        cmocka_unit_test(an_empty_first_column_is_a_problem_and_an_empty_row_none),
        cmocka_unit_test(a_file_of_something_else_is_refused_as_a_whole),
        cmocka_unit_test(thousands_of_lines_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
