// SPDX-License-Identifier: Apache-2.0
/* test_api.c - what answers mean, by a table of recorded and hostile ones; orders' loose types. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flow/api_answer.h"
#include "flow/api_issued.h"
#include "model/order.h"

#define ERROR(code) "{\"errors\":[{\"code\":\"" code "\",\"message\":\"words\"}]}"

static void a_status_is_believed_only_with_its_error_body(void **state)
{
    static const struct {
        int status;
        enum dcs_api_place place;
        const char *body;
        enum dcs_code want; /* NONE: good */
    } cases[] = {
        { 200, DCS_API_ORDER, "{}", DCS_E_NONE },
        { 201, DCS_API_OTHER, "", DCS_E_NONE },
        { 204, DCS_API_OTHER, "", DCS_E_NONE },
        { 302, DCS_API_ORDER, "", DCS_E_AWAY },
        { 404, DCS_API_ORDER, ERROR("not_found|order"), DCS_E_NOT_FOUND },
        { 404, DCS_API_ORDER, ERROR("not_found"), DCS_E_NOT_FOUND },
        { 404, DCS_API_DOWNLOAD, ERROR("not_found"), DCS_E_PENDING },
        { 404, DCS_API_OTHER, ERROR("not_found|route"), DCS_E_AWAY },
        { 404, DCS_API_ORDER, "<html>down</html>", DCS_E_AWAY },
        { 404, DCS_API_ORDER, "", DCS_E_AWAY },
        { 404, DCS_API_ORDER, "{}", DCS_E_AWAY },
        { 404, DCS_API_ORDER, "{\"errors\":[]}", DCS_E_AWAY },
        { 404, DCS_API_ORDER, "{\"errors\":\"x\"}", DCS_E_AWAY },
        { 403, DCS_API_ORDER, ERROR("access_denied|access_denied_invalid_key"), DCS_E_DENIED },
        { 401, DCS_API_ORDER, ERROR("whatever"), DCS_E_DENIED },
        { 403, DCS_API_ORDER, "<html>WAF</html>", DCS_E_AWAY },
        { 403, DCS_API_ORDER, "{\"errors\":{\"code\":\"access_denied|missing_permission\"}}",
          DCS_E_DENIED },
        { 429, DCS_API_ORDER, ERROR("request_limit_exceeded"), DCS_E_LIMIT },
        { 429, DCS_API_ORDER, "", DCS_E_AWAY },
        { 400, DCS_API_ORDER, ERROR("invalid_value:x"), DCS_E_REFUSED },
        { 400, DCS_API_DOWNLOAD, ERROR("certificate_not_issued"), DCS_E_PENDING },
        { 400, DCS_API_ORDER,
          "{\"errors\":[{\"code\":\"a\"},{\"code\":\"request_limit_exceeded\",\"message\":\"m\"}]}",
          DCS_E_LIMIT },
        { 503, DCS_API_ORDER, ERROR("service_unavailable"), DCS_E_AWAY },
        { 503, DCS_API_ORDER, "<html></html>", DCS_E_AWAY },
        { 500, DCS_API_ORDER, "[[[[", DCS_E_AWAY },
        { 406, DCS_API_ORDER, ERROR("not_acceptable"), DCS_E_AWAY },
        { 408, DCS_API_ORDER, ERROR("timeout"), DCS_E_AWAY },
        { 400, DCS_API_ORDER, ERROR("service_unavailable"), DCS_E_AWAY },
        { 400, DCS_API_ORDER, ERROR("maintenance|issuance"), DCS_E_AWAY },
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        struct dcs_http_answer answer = { .status = cases[i].status };
        struct dcs_err err = { 0 };
        dcs_buf_adds(&answer.body, cases[i].body);
        bool good = dcs_api_judge(&answer, cases[i].place, &err);
        dcs_buf_clear(&answer.body);
        if (good != (cases[i].want == DCS_E_NONE) || err.code != cases[i].want)
            fail_msg("HTTP %d %s: %s", cases[i].status, cases[i].body, dcs_code_name(err.code));
        if (!good)
            assert_int_equal(err.http_status, cases[i].status);
        if (err.code == DCS_E_PENDING)
            assert_non_null(strstr(err.hint, "check the number"));
    }
}

static void an_answer_that_is_not_the_apis_says_where_to_look(void **state)
{
    static const struct {
        int status;
        const char *want; /* NULL: no hint */
    } cases[] = { { 301, "api_url" },
                  { 302, "never followed" },
                  { 307, "never followed" },
                  { 403, "firewall" },
                  { 404, "/services/v2" },
                  { 407, "proxy" },
                  { 429, NULL },
                  { 503, NULL } };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        const struct dcs_http_answer answer = { .status = cases[i].status };
        struct dcs_err err = { 0 };
        assert_false(dcs_api_judge(&answer, DCS_API_ORDER, &err));
        assert_int_equal(err.code, DCS_E_AWAY);
        if (cases[i].want ? !strstr(err.hint, cases[i].want) : err.hint[0] != '\0')
            fail_msg("HTTP %d: hint \"%s\"", cases[i].status, err.hint);
    }
}

static struct dcs_order *order_of(const char *text)
{
    dcs_auto(dcs_json) struct dcs_json *json = NULL;
    struct dcs_order *order = NULL;

    assert_true(dcs_json_parse(text, strlen(text), &json, NULL));
    return dcs_order_from_json(json, &order, NULL) ? order : NULL;
}

static void orders_are_read_with_all_loose_types(void **state)
{
    dcs_auto(dcs_order) struct dcs_order *order =
        order_of("{\"id\":\"700112233\",\"status\":\"ISSUED\",\"certificate\":{\"id\":"
                 "\"12345678901\",\"serial_number\":"
                 "\"00:0A:1B\",\"thumbprint\":\"ABCD\",\"dns_names\":[\"A.example\",\" "
                 "\",\"a.example\",7],\"valid_till\":"
                 "\"2026-09-16\"},\"order_valid_till\":\"2027-03-01\",\"is_multi_year_plan\":\"1\","
                 "\"disable_ct\":0,"
                 "\"organization\":[],\"is_renewed\":false,\"auto_renew\":2,\"product\":{\"type\":"
                 "\"dv_ssl_certificate\"}}");

    (void)state;
    assert_non_null(order);
    assert_int_equal(order->id, 700112233);
    assert_int_equal(order->status, DCS_ORDER_ISSUED);
    assert_int_equal(order->certificate_id, 12345678901);
    assert_string_equal(order->serial, "0a1b");
    assert_string_equal(order->thumbprint, "abcd");
    assert_int_equal(order->name_count, 1);
    assert_string_equal(order->names[0], "a.example");
    assert_int_equal(order->order_valid_till, 1803945599); /* 2027-03-01T23:59:59Z */
    assert_int_equal(order->valid_till, 1789603199);       /* 2026-09-16T23:59:59Z */
    assert_int_equal(order->is_multi_year, DCS_YES);
    assert_int_equal(order->disable_ct, DCS_NO);
    assert_int_equal(order->is_renewed, DCS_NO);
    assert_int_equal(order->is_renewal, DCS_UNKNOWN);
    assert_int_equal(dcs_order_product(order), DCS_PRODUCT_PUBLIC_TLS);
}

static void serial_numbers_are_read_in_every_form(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        { "0A1B2C", "0a1b2c" },
        { "0a:1b:2c", "0a1b2c" },
        { "0A 1B 2C", "0a1b2c" },
        { "A1B2C", "0a1b2c" }, /* without its leading zero: an odd count of digits */
        { "00000A1B2C", "0a1b2c" },
        { "0", "00" },
        { "", "" },
        { " ", "" },
        { "none", "" },
        { "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
          "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" },
        { "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0", "" },
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        char text[160];
        snprintf(text, sizeof(text), "{\"id\":1,\"certificate\":{\"serial_number\":\"%s\"}}",
                 cases[i].text);
        dcs_auto(dcs_order) struct dcs_order *order = order_of(text);
        assert_non_null(order);
        assert_string_equal(order->serial, cases[i].want);
    }
}

static void what_describes_no_order_is_refused(void **state)
{
    static const char *const cases[] = {
        "{}", "[]", "{\"id\":0}", "{\"id\":-1}", "{\"id\":1.5}", "{\"id\":\"x\"}", "{\"id\":null}",
        "7"
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++)
        if (order_of(cases[i]))
            fail_msg("taken for an order: %s", cases[i]);
}

static void statuses_say_whether_there_is_a_certificate_or_ever_will_be(void **state)
{
    static const struct {
        const char *word;
        bool has, is_over;
    } cases[] = { { "issued", true, false },          { "reissue_pending", true, false },
                  { "revoked", true, true },          { "expired", true, true },
                  { "pending", false, false },        { "needs_approval", false, false },
                  { "waiting_pickup", false, false }, { "rejected", false, true },
                  { "canceled", false, true },        { "cancelled", false, true },
                  { "denied", false, true },          { "something_new", false, false } };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        char text[64] = "{\"id\":1,\"status\":\"";
        strncat(text, cases[i].word, 30);
        strncat(text, "\"}", 3);
        dcs_auto(dcs_order) struct dcs_order *order = order_of(text);
        assert_int_equal(dcs_order_has_certificate(order), cases[i].has);
        assert_int_equal(dcs_order_is_over(order->status), cases[i].is_over);
        assert_true(dcs_order_waits_for(order->status)[0]);
    }
}

static void a_listing_ends_where_its_rows_say_not_its_total(void **state)
{
    static const struct {
        const char *body; /* asked for with limit 2 */
        int64_t offset;
        size_t rows;
        int64_t total;
        bool is_last;
    } cases[] = {
        { "{}", 0, 0, 0, true },
        { "{\"orders\":null,\"page\":{\"total\":0}}", 0, 0, 0, true },
        { "{\"orders\":{\"0\":{}},\"page\":{\"total\":9}}", 0, 0, 9, true }, /* no array */
        { "{\"orders\":[{},{}],\"page\":{\"total\":5}}", 0, 2, 5, false },
        { "{\"orders\":[{},{}],\"page\":{\"total\":\"5\"}}", 2, 2, 5, false },
        { "{\"orders\":[{}],\"page\":{\"total\":5}}", 4, 1, 5, true },
        { "{\"orders\":[{}],\"page\":{\"total\":5}}", 2, 1, 5, false }, /* served less than asked */
        { "{\"page\":{\"total\":5}}", 2, 0, 5, true }, /* promised more than it has */
        { "{\"orders\":[{},{}],\"page\":{\"total\":0,\"limit\":0}}", 0, 2, 2, false },
        { "{\"orders\":[{}],\"page\":{\"total\":0,\"limit\":0}}", 2, 1, 3, true },
        { "{\"orders\":[{}],\"page\":{\"limit\":1}}", 2, 1, 3, false },
        { "{\"orders\":[{},{}]}", 2, 2, 4, false },
        { "{\"orders\":[7,null]}", 0, 2, 2, false }, /* unreadable rows are rows */
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        dcs_auto(dcs_json) struct dcs_json *json = NULL;
        assert_true(dcs_json_parse(cases[i].body, strlen(cases[i].body), &json, NULL));
        struct dcs_page_end end = dcs_api_page_end(json, cases[i].offset, 2);
        if (end.rows != cases[i].rows || end.total != cases[i].total ||
            end.is_last != cases[i].is_last)
            fail_msg("%s: %zu rows, total %lld, %s", cases[i].body, end.rows, (long long)end.total,
                     end.is_last ? "last" : "not last");
    }
}

static void json_is_bounded_and_whole(void **state)
{
    static const struct {
        const char *text;
        bool good;
    } cases[] = {
        { "{}", true },
        { " [1] \n", true },
        { "", false },
        { "{} {}", false },
        { "{\"a\":", false },
        { "\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"",
          true }, /* brackets in a string are no depth */
        { "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", true }, /* 32 */
        { "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", false },
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        dcs_auto(dcs_json) struct dcs_json *json = NULL;
        if (dcs_json_parse(cases[i].text, strlen(cases[i].text), &json, NULL) != cases[i].good)
            fail_msg("%s", cases[i].text);
    }
}

static void a_number_that_lost_its_last_digit_is_none(void **state)
{
    static const struct {
        const char *text;
        bool good;
        int64_t want;
    } cases[] = {
        { "9007199254740991", true, 9007199254740991 },
        { "9007199254740993", false, 0 }, /* reads as ...992, another order */
        { "9007199254740992", false, 0 },
        { "\"9007199254740993\"", true, 9007199254740993 },
        { "-9007199254740993", false, 0 },
        { "1e400", false, 0 },
        { "1.5", false, 0 },
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        dcs_auto(dcs_json) struct dcs_json *json = NULL;
        int64_t got = 0;
        assert_true(dcs_json_parse(cases[i].text, strlen(cases[i].text), &json, NULL));
        if (dcs_json_i64(json, "", &got) != cases[i].good || got != cases[i].want)
            fail_msg("%s: %lld", cases[i].text, (long long)got);
    }
}

static void large_numbers_come_back_as_they_were_written(void **state)
{
    static const int64_t cases[] = {
        0, -1, 9007199254740991, 9007199254740992, 9007199254740993, -9007199254740992, INT64_MAX
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        dcs_auto(dcs_json) struct dcs_json *object = dcs_json_new_object();
        int64_t got = 0;
        assert_true(dcs_json_add_i64(object, "id", cases[i]));
        assert_true(dcs_json_i64(object, "id", &got));
        assert_int_equal(got, cases[i]);
    }
}

/* Two bytes of text become 64 of memory: 8 MiB of them are not parsed. */
static void json_of_too_many_values_is_refused_before_it_takes_memory(void **state)
{
    static const struct {
        size_t count;
        const char *item;
        bool good;
    } cases[] = {
        { 500000, "1,", true },   { 4000000, "1,", false },   { 300000, "{},", false },
        { 300000, "[],", false }, { 500000, "\",\",", true }, /* commas in strings are none */
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        dcs_auto(dcs_buf) struct dcs_buf text = { .max = 16 << 20 };
        dcs_auto(dcs_json) struct dcs_json *json = NULL;
        dcs_buf_addc(&text, '[');
        for (size_t k = 0; k < cases[i].count; k++)
            dcs_buf_adds(&text, cases[i].item);
        dcs_buf_adds(&text, "0]");
        assert_int_equal(dcs_json_parse(dcs_buf_text(&text), text.len, &json, NULL), cases[i].good);
    }
}

static void a_row_of_the_lists_tells_its_fate(void **state)
{
    static const struct {
        const char *status;
        bool is_issued, is_revoked, is_to_be_revoked;
    } cases[] = {
        { "issued", true, false, false },
        { "approved", true, false, false },
        { "revoked", false, true, false },
        { "Revoked", false, true, false },
        { "revocation_pending", false, false, true },
        { "Revocation pending", false, false, true }, /* as the pages write it */
        { "pending_revocation", false, false, true },
        { "pending", false, false, false },
        { "rejected", false, false, false },
        { "", false, false, false },
        { "a status that is longer than any word of theirs, revoked", false, false, false },
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        dcs_auto(dcs_json) struct dcs_json *row = dcs_json_new_object();
        struct dcs_api_entry entry;
        dcs_json_add_text(row, "status", cases[i].status);
        dcs_json_add_text(row, "serial_number", "00:0A:1B");
        dcs_api_entry_read(row, &entry);
        assert_int_equal(cases[i].is_issued, entry.is_issued);
        assert_int_equal(cases[i].is_revoked, entry.is_revoked);
        assert_int_equal(cases[i].is_to_be_revoked, entry.is_to_be_revoked);
        assert_string_equal("0a1b", entry.serial);
        assert_int_equal(0, entry.certificate_id);
        assert_false(entry.has_spki);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_of_the_lists_tells_its_fate),
        cmocka_unit_test(a_status_is_believed_only_with_its_error_body),
        cmocka_unit_test(an_answer_that_is_not_the_apis_says_where_to_look),
        cmocka_unit_test(orders_are_read_with_all_loose_types),
        cmocka_unit_test(serial_numbers_are_read_in_every_form),
        cmocka_unit_test(what_describes_no_order_is_refused),
        cmocka_unit_test(statuses_say_whether_there_is_a_certificate_or_ever_will_be),
        cmocka_unit_test(a_listing_ends_where_its_rows_say_not_its_total),
        cmocka_unit_test(json_is_bounded_and_whole),
        cmocka_unit_test(a_number_that_lost_its_last_digit_is_none),
        cmocka_unit_test(large_numbers_come_back_as_they_were_written),
        cmocka_unit_test(json_of_too_many_values_is_refused_before_it_takes_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
