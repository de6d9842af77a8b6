// SPDX-License-Identifier: Apache-2.0
/* test_escape.c - no text of the CA ends a label, a tag, an attribute or a line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "escape.h"

static const struct {
    const char *text, *html, *label, *plain;
} cases[] = {
    { "www.example.com", "www.example.com", "l=\"www.example.com\"", "www.example.com" },
    { "", "", "l=\"\"", "" },
    { NULL, "", "l=\"\"", "" },
    { "<script>alert('1')</script>", "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;",
      "l=\"<script>alert('1')</script>\"", "<script>alert('1')</script>" },
    { "a\"b\\c", "a&quot;b\\c", "l=\"a\\\"b\\\\c\"", "a\"b\\c" },
    { "a\nb\r\n\tc", "a b c", "l=\"a b c\"", "a b c" },
    { "a|b&amp;", "a|b&amp;amp;", "l=\"a|b&amp;\"", "a/b&amp;" },
    { "\x01\x1b[2J", "??[2J", "l=\"??[2J\"", "??[2J" },
    { "m\xc3\xbcnchen", "m\xc3\xbcnchen", "l=\"m\xc3\xbcnchen\"", "m\xc3\xbcnchen" },
    /* bad UTF-8 would make the whole file unreadable; a cut character too */
    { "a\xff\xc3", "a??", "l=\"a??\"", "a??" },
    /* C1, and the overrides that turn text around */
    { "a\xc2\x85\xe2\x80\xae", "a??", "l=\"a??\"", "a??" },
    /* U+FFFF: UTF-8, and yet no character of XML */
    { "\xef\xbf\xbf", "&#xFFFD;", "l=\"\xef\xbf\xbf\"", "\xef\xbf\xbf" },
    { "]]><!--", "]]&gt;&lt;!--", "l=\"]]><!--\"", "]]><!--" },
};

static void foreign_texts_stay_what_they_are(void **state)
{
    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        dcs_auto(dcs_buf) struct dcs_buf html = { 0 };
        dcs_auto(dcs_buf) struct dcs_buf label = { 0 };
        dcs_auto(dcs_buf) struct dcs_buf plain = { 0 };
        cli_add_html(&html, cases[i].text);
        cli_add_label(&label, "l", cases[i].text);
        cli_add_plain(&plain, cases[i].text);
        assert_string_equal(dcs_buf_text(&html), cases[i].html);
        assert_string_equal(dcs_buf_text(&label), cases[i].label);
        assert_string_equal(dcs_buf_text(&plain), cases[i].plain);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(foreign_texts_stay_what_they_are) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
