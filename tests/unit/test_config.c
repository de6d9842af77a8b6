// SPDX-License-Identifier: Apache-2.0
/* test_config.c - the configuration: layers, problems with their lines, and the manual's keys. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "io/fs.h"
#include "model/config.h"

static struct dcs_config *parse(const char *text)
{
    const struct dcs_config_places places = { .origin = "t.conf", .default_state_dir = "/s" };
    struct dcs_config *config = NULL;
    struct dcs_err err = { 0 };

    if (!dcs_config_parse(text, strlen(text), &places, &config, &err))
        fail_msg("%s", err.text);
    return config;
}

static void an_empty_file_is_the_built_in_values(void **state)
{
    dcs_auto(dcs_config) struct dcs_config *config = parse("");
    const struct dcs_settings *s = dcs_config_settings(config);

    (void)state;
    assert_string_equal(s->api_url, "https://www.digicert.com/services/v2");
    assert_string_equal(s->state_dir, "/s");
    assert_int_equal(s->load_deadline_ms, 30000);
    assert_int_equal(s->refresh_deadline_ms, 5000);
    assert_int_equal(s->budget_5s, 80);
    assert_int_equal(dcs_config_problem_count(config), 0);
    assert_int_equal(dcs_config_section_count(config), 0);
}

static void sections_for_one_order_add_up_by_rank(void **state)
{
    dcs_auto(dcs_config) struct dcs_config *config =
        parse("key_group = everybody\ncombined = yes\n"
              "[name/www.example.com]\nkey_group = named\nhook = /n\n"
              "[alternate/web%2017]\nkey_group = alternate\nserve_expired = no\n"
              "[order/123]\nkey_group = own\n");
    const char *const names[] = { "www.example.com" };
    struct dcs_order_names whole = {
        .id = 123, .alternative_id = "web 17", .names = names, .name_count = 1
    };
    struct dcs_order_names other = { .id = 5, .names = names, .name_count = 1 };
    struct dcs_order_names nobody = { .id = 6 };
    struct dcs_order_settings s;

    (void)state;
    assert_int_equal(dcs_config_problem_count(config), 0);
    dcs_config_order(config, &whole, &s);
    assert_true(s.has_section && s.combined);
    assert_string_equal(s.key_group, "own");
    assert_string_equal(s.hook, "/n");
    assert_int_equal(s.serve_expired, DCS_NO);
    dcs_config_order(config, &other, &s);
    assert_string_equal(s.key_group, "named");
    assert_true(s.has_section);
    dcs_config_order(config, &nobody, &s);
    assert_string_equal(s.key_group, "everybody");
    assert_false(s.has_section); /* defaults never add an order */
    assert_int_equal(s.serve_expired, DCS_UNKNOWN);
}

static void problems_name_line_and_likely_meaning(void **state)
{
    static const struct {
        const char *text, *word;
        int line;
        int64_t order;
    } cases[] = {
        { "api_ur = https://x\n", "did you mean \"api_url\"", 1, 0 },
        { "api_url = http://x\n", "https", 1, 0 },
        { "state_dir = here\n", "absolute path", 1, 0 },
        { "load_deadline = soon\n", "duration", 1, 0 },
        { "budget_5s = 0\n", "number", 1, 0 },
        { "[order/7]\nreisue = auto\n", "did you mean \"reissue\"", 2, 7 },
        { "[order/7]\nreissue = maybe\n", "never|auto", 2, 7 },
        { "[order/7]\nkey = ec:P-999\n", "ec:P-256", 2, 7 },
        { "[order/7]\napi_url = https://x\n", "holds for everything", 2, 7 },
        { "[order/7]\ncombined = perhaps\n", "yes or no", 2, 7 },
        { "[order/7] hook = /x\n", "after ]", 1, 7 },
        { "[order/7]\nhook = a\nhook = b\n", "line 2", 3, 7 },
        { "[order/7]\nnonsense\n", "NAME = VALUE", 2, 7 },
        { "[order/07]\ncombined = yes\n", "names no order", 1, 0 },
        { "[orders/7]\n", "names no order", 1, 0 },
        { "[order/7\ncombined = yes\n", "section head", 1, 0 },
        { ".include /etc/passwd\n", "not used", 1, 0 },
        { "[order/7]\nsuccessor = 8\n[order/8]\nsuccessor = 7\n", "leads back", 2, 7 },
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        dcs_auto(dcs_config) struct dcs_config *config = parse(cases[i].text);
        if (dcs_config_problem_count(config) == 0)
            fail_msg("no problem seen in: %s", cases[i].text);
        const struct dcs_config_problem *p = dcs_config_problem(config, 0);
        if (!strstr(p->text, cases[i].word) || p->line != cases[i].line ||
            p->order != cases[i].order)
            fail_msg("%s: line %d, order %lld: %s", cases[i].text, p->line, (long long)p->order,
                     p->text);
    }
}

static void a_broken_section_does_not_concern_another_order(void **state)
{
    dcs_auto(dcs_config) struct dcs_config *config =
        parse("[order/7]\nreisue = auto\n[order/8]\ncombined = yes\n");
    struct dcs_err err = { 0 };

    (void)state;
    assert_true(dcs_config_check(config, 8, &err));
    assert_false(dcs_config_check(config, 7, &err));
    assert_non_null(strstr(err.text, "t.conf:2:"));
    assert_false(dcs_config_check(config, 0, &err)); /* the CLI wants it whole */
}

static void lines_below_a_broken_head_belong_to_nobody(void **state)
{
    dcs_auto(dcs_config) struct dcs_config *config =
        parse("[order/7]\ncombined = yes\n[order/8\nprivate = yes\n");
    struct dcs_order_settings s;

    (void)state;
    dcs_config_order(config, &(struct dcs_order_names){ .id = 7 }, &s);
    assert_true(s.combined);
    assert_false(s.is_private);
}

static void ten_thousand_sections_are_read(void **state)
{
    dcs_auto(dcs_buf) struct dcs_buf text = { 0 };
    struct dcs_order_settings s;

    (void)state;
    for (int i = 1; i <= 10000; i++)
        dcs_buf_addf(&text, "[order/%d]\ncombined = yes\n", i);
    dcs_auto(dcs_config) struct dcs_config *config = parse(dcs_buf_text(&text));
    assert_int_equal(dcs_config_section_count(config), 10000);
    dcs_config_order(config, &(struct dcs_order_names){ .id = 9999 }, &s);
    assert_true(s.combined);
}

static char *read_source(const char *name)
{
    dcs_auto(dcs_buf) struct dcs_buf text = { 0 };
    const char *root = getenv("DCS_SOURCE_ROOT");
    char path[4096];
    char *copy = NULL;

    snprintf(path, sizeof(path), "%s/%s", root ? root : ".", name);
    assert_true(dcs_fs_read_user_file(path, 1 << 20, &text, NULL, NULL));
    assert_true(dcs_buf_steal(&text, &copy, NULL));
    return copy;
}

static void the_manual_describes_every_key(void **state)
{
    dcs_auto(dcs_str) char *manual = read_source("docs/digicert-store.conf.5");
    size_t count = 0;
    const struct dcs_config_row *rows = dcs_config_rows(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        char item[64];
        snprintf(item, sizeof(item), ".It Cm %s ", rows[i].name);
        if (!strstr(manual, item) || !strstr(manual, rows[i].help))
            fail_msg("digicert-store.conf.5 does not describe %s as the table does", rows[i].name);
    }
}

static void the_sample_has_no_problem(void **state)
{
    dcs_auto(dcs_str) char *sample = read_source("examples/digicert-store.conf");
    dcs_auto(dcs_config) struct dcs_config *config = parse(sample);

    (void)state;
    assert_int_equal(dcs_config_problem_count(config), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_file_is_the_built_in_values),
        cmocka_unit_test(sections_for_one_order_add_up_by_rank),
        cmocka_unit_test(problems_name_line_and_likely_meaning),
        cmocka_unit_test(a_broken_section_does_not_concern_another_order),
        cmocka_unit_test(lines_below_a_broken_head_belong_to_nobody),
        cmocka_unit_test(ten_thousand_sections_are_read),
        cmocka_unit_test(the_manual_describes_every_key),
        cmocka_unit_test(the_sample_has_no_problem),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
