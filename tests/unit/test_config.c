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
        { "tls_limit = 2027-03-15\n", "2027-03-15:100:99", 1, 0 },
        { "tls_limit = 2027-03-15:100\n", "2027-03-15:100:99", 1, 0 },
        { "tls_limit = 2027-02-30:100:99\n", "a date such as", 1, 0 },
        { "tls_limit = 2027-03-15T00:00:00Z:100:99\n", "a date such as", 1, 0 },
        { "tls_limit = 2027-03-15:0:0\n", "days from 1", 1, 0 },
        { "tls_limit = 2027-03-15:100:99:98\n", "days from 1", 1, 0 },
        { "tls_limit = 2027-03-15:99:100\n", "more than the industry's", 1, 0 },
        { "tls_limit = 2027-03-15:100:99 2029-03-15:47:46\n", "comma", 1, 0 },
        { "dcv_reuse = 2027-03-15:100:99,\n", "such as 2027-03-15", 1, 0 },
        { "client_auth_stop = March\n", "a date such as", 1, 0 },
        { "maintenance = tomorrow\n", "START/LENGTH", 1, 0 },
        { "maintenance_calendar = http://x/a.ics\n", "https:// URLs", 1, 0 },
        { "maintenance_calendar = https://x/a.ics ical.ics\n", "https:// URLs", 1, 0 },
        { "maintenance_calendar = https://me:secret@x/a.ics\n", "https:// URLs", 1, 0 },
        { "maintenance_calendar = https:///a.ics\n", "https:// URLs", 1, 0 },
        { "maintenance_calendar = /1 /2 /3 /4 /5 /6 /7 /8 /9\n", "more than 8", 1, 0 },
        { "maintenance_status_page = http://127.0.0.1/\n", "status page", 1, 0 },
        { "maintenance_status_page = https://a.example b\n", "status page", 1, 0 },
        { "[order/7]\nmaintenance = 2026-12-05T22:00/2h\n", "holds for everything", 2, 7 },
        { "tls_limits = 2027-03-15:100:99\n", "did you mean \"tls_limit\"", 1, 0 },
        { "[order/7]\ntls_limit = 2027-03-15:100:99\n", "holds for everything", 2, 7 },
        { "[order/7]\nmax_reissues_per_day = 0\n", "number", 2, 7 },
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

static int ca_days(const struct dcs_config *config, enum dcs_limit table, const char *date)
{
    int64_t when = 0;

    assert_true(dcs_limit_read_date(date, &when));
    const struct dcs_limit_row *row =
        dcs_limit_at(dcs_config_settings(config)->limits, table, when);
    return row ? row->ca_days : 0;
}

static void maintenance_is_read_as_it_is_written(void **state)
{
    dcs_auto(dcs_config) struct dcs_config *plain = parse("");
    dcs_auto(dcs_config) struct dcs_config *config =
        parse("maintenance = 2026-01-03T22:00/2h America/Denver FREQ=MONTHLY;BYDAY=1SA,3SA, "
              "2026-12-12T05:00/1h # by mail\n"
              "maintenance_calendar = /etc/ca.ics https://cal.example/a/b.ics?key=1&x=2\n"
              "maintenance_status_page = https://status.digicert.com\n"
              "maintenance_components = CertCentral, CertCentral Services API\n"
              "maintenance_refresh = 1h\nmaintenance_ca_file = /etc/ca.pem\n");
    const struct dcs_settings *s = dcs_config_settings(config);

    (void)state;
    assert_int_equal(dcs_config_problem_count(config), 0);
    assert_string_equal(s->maintenance, "2026-01-03T22:00/2h America/Denver "
                                        "FREQ=MONTHLY;BYDAY=1SA,3SA, 2026-12-12T05:00/1h");
    assert_string_equal(s->maintenance_calendar,
                        "/etc/ca.ics https://cal.example/a/b.ics?key=1&x=2");
    assert_string_equal(s->maintenance_status_page, "https://status.digicert.com");
    assert_string_equal(s->maintenance_components, "CertCentral, CertCentral Services API");
    assert_string_equal(s->maintenance_ca_file, "/etc/ca.pem");
    assert_int_equal(s->maintenance_refresh_ms, 3600000);
    assert_string_equal(dcs_config_settings(plain)->maintenance, "");
    assert_int_equal(dcs_config_settings(plain)->maintenance_refresh_ms, 6 * 3600000);
}

static void rows_of_the_file_lie_over_the_built_in_limits(void **state)
{
    dcs_auto(dcs_config) struct dcs_config *plain = parse("");
    dcs_auto(dcs_config) struct dcs_config *config =
        parse("tls_limit = 2027-02-24:200:99 , 2029-03-15:47:40\n"
              "smime_limit = 2028-01-01:398:397\nclient_auth_stop = 2027-06-01\n"
              "max_reissues_per_day = 3\n[order/7]\nmax_reissues_per_day = 5\n");
    struct dcs_order_settings s;

    (void)state;
    assert_int_equal(dcs_config_problem_count(config), 0);
    assert_int_equal(ca_days(plain, DCS_LIMIT_TLS, "2027-02-24"), 199);
    assert_int_equal(ca_days(config, DCS_LIMIT_TLS, "2027-02-23"), 199);
    assert_int_equal(ca_days(config, DCS_LIMIT_TLS, "2027-02-24"), 99); /* added */
    assert_int_equal(ca_days(config, DCS_LIMIT_TLS, "2027-03-15"), 99); /* kept */
    assert_int_equal(ca_days(config, DCS_LIMIT_TLS, "2029-03-15"), 40); /* replaced */
    assert_int_equal(ca_days(config, DCS_LIMIT_SMIME, "2027-12-31"), 824);
    assert_int_equal(ca_days(config, DCS_LIMIT_SMIME, "2028-01-01"), 397);
    assert_int_equal(dcs_config_settings(plain)->limits->client_auth_stop, 1803859200);
    assert_int_equal(dcs_config_settings(config)->limits->client_auth_stop, 1811808000);
    dcs_config_order(plain, &(struct dcs_order_names){ .id = 7 }, &s);
    assert_int_equal(s.max_reissues_per_day, 12); /* design.md section 7 */
    dcs_config_order(config, &(struct dcs_order_names){ .id = 7 }, &s);
    assert_int_equal(s.max_reissues_per_day, 5);
    dcs_config_order(config, &(struct dcs_order_names){ .id = 8 }, &s);
    assert_int_equal(s.max_reissues_per_day, 3);
}

static void a_value_with_too_many_rows_changes_nothing(void **state)
{
    struct dcs_limits limits = *dcs_limits_builtin();
    const char *why = NULL;
    char text[1024] = "";

    (void)state;
    for (int i = 0; i < 30; i++) {
        size_t at = strlen(text);
        snprintf(text + at, sizeof(text) - at, "%s2031-%02d-%02d:47:46", at ? "," : "", i / 28 + 1,
                 i % 28 + 1);
    }
    assert_false(dcs_limits_correct(&limits, DCS_LIMIT_TLS, text, &why));
    assert_string_equal(why, "too many rows");
    assert_memory_equal(&limits, dcs_limits_builtin(), sizeof(limits));
    /* Twenty more fit beside the eight that are built in. */
    text[20 * strlen("2031-01-01:47:46,") - 1] = '\0';
    assert_true(dcs_limits_correct(&limits, DCS_LIMIT_TLS, text, &why));
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
        cmocka_unit_test(maintenance_is_read_as_it_is_written),
        cmocka_unit_test(rows_of_the_file_lie_over_the_built_in_limits),
        cmocka_unit_test(a_value_with_too_many_rows_changes_nothing),
        cmocka_unit_test(the_manual_describes_every_key),
        cmocka_unit_test(the_sample_has_no_problem),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
