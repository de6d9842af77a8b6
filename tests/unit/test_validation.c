// SPDX-License-Identifier: Apache-2.0
/* test_validation.c - how long the CA's validations hold, and which of them concern an order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flow/cache_validation.h"

static const char lists[] =
    "{\"cert_transparency\":\"embed\",\"domains\":["
    "{\"name\":\"Example.com\",\"is_active\":true,\"dcv_expiration\":{\"ov\":\"2027-05-04T10:00:00+"
    "00:00\","
    "\"ev\":\"2027-01-04T10:00:00+00:00\"}},"
    "{\"name\":\"deep.example.com\",\"dcv_expiration\":{\"ov\":\"2027-03-01T00:00:00+00:00\"}},"
    "{\"name\":\"old.example\",\"dcv_expiration\":{\"ov_status\":\"expired\"}},"
    "{\"name\":\"untold.example\",\"dcv_expiration\":{\"ov_status\":\"valid\"}},"
    "{\"name\":\"gone.example\",\"is_active\":false,\"dcv_expiration\":{\"ov\":\"2020-01-01\"}}],"
    "\"organizations\":[{\"id\":112200,\"validations\":[{\"type\":\"ov\",\"status\":\"active\","
    "\"validated_until\":\"2027-02-03T00:00:00+00:00\"},{\"type\":\"ev\",\"status\":\"expired\"}]}]"
    "}";

static void read_lists(struct dcs_validation *ret_v)
{
    dcs_auto(dcs_json) struct dcs_json *root = NULL;

    *ret_v = (struct dcs_validation){ .read_at = 1795478400 };
    assert_true(dcs_json_parse(lists, strlen(lists), &root, NULL));
    ret_v->account_ct = dcs_validation_account_ct(root);
    assert_true(dcs_validation_add_domains(ret_v, dcs_json_get(root, "domains"), NULL));
    assert_true(dcs_validation_add_organizations(ret_v, dcs_json_get(root, "organizations"), NULL));
}

static int64_t at(const char *text)
{
    int64_t when = 0;

    assert_true(dcs_time_parse(text, &when));
    return when;
}

static struct dcs_validation_ends ends_of(const struct dcs_validation *v, const char *validation,
                                          const char *product, const char *names)
{
    char text[256];
    char *list[8];
    char *save = NULL;
    struct dcs_order order = { .id = 1, .names = list, .organization_id = 112200 };
    struct dcs_validation_ends ends;

    snprintf(text, sizeof(text), "%s", names);
    for (char *n = strtok_r(text, " ", &save); n; n = strtok_r(NULL, " ", &save))
        list[order.name_count++] = n;
    snprintf(order.validation_type, sizeof(order.validation_type), "%s", validation);
    snprintf(order.product, sizeof(order.product), "%s", product);
    dcs_validation_ends_of(v, &order, &ends);
    return ends;
}

static void the_first_domain_to_lapse_counts(void **state)
{
    static const struct {
        const char *validation, *product, *names, *until, *first; /* until NULL: not known */
    } cases[] = {
        { "ov", "ssl_basic", "www.example.com", "2027-05-04T10:00:00Z", "example.com" },
        { "ov", "ssl_basic", "*.example.com example.com", "2027-05-04T10:00:00Z", "example.com" },
        { "ev", "ssl_ev_basic", "www.example.com", "2027-01-04T10:00:00Z", "example.com" },
        /* the most specific domain counts, the name itself included */
        { "ov", "ssl_basic", "deep.example.com", "2027-03-01T00:00:00Z", "deep.example.com" },
        { "ov", "ssl_basic", "a.deep.example.com www.example.com", "2027-03-01T00:00:00Z",
          "deep.example.com" },
        /* labels, not letters */
        { "ov", "ssl_basic", "notexample.com", NULL, "" },
        { "ov", "ssl_basic", "com", NULL, "" },
        /* not validated at all comes before everything */
        { "ov", "ssl_basic", "www.example.com x.old.example", "1970-01-01T00:00:01Z",
          "old.example" },
        { "ov", "ssl_basic", "untold.example gone.example", NULL, "" },
        /* DV never uses one again; a private CA asks for none */
        { "dv", "ssl_dv_geotrust", "www.example.com", NULL, "" },
        { "ov", "private_ssl_plus", "www.example.com", NULL, "" },
        { "", "ssl_basic", "www.example.com", NULL, "" },
    };
    dcs_auto(dcs_validation) struct dcs_validation v = { 0 };

    (void)state;
    read_lists(&v);
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        struct dcs_validation_ends ends =
            ends_of(&v, cases[i].validation, cases[i].product, cases[i].names);
        assert_int_equal(cases[i].until ? at(cases[i].until) : -1, ends.dcv_until);
        assert_string_equal(cases[i].first, ends.dcv_name);
    }
}

static void an_organization_is_validated_for_ov_and_ev_apart(void **state)
{
    dcs_auto(dcs_validation) struct dcs_validation v = { 0 };

    (void)state;
    read_lists(&v);
    assert_int_equal(at("2027-02-03T00:00:00Z"),
                     ends_of(&v, "ov", "ssl_basic", "x").organization_until);
    assert_int_equal(DCS_VALIDATION_NONE,
                     ends_of(&v, "ev", "ssl_ev_basic", "x").organization_until);
    assert_int_equal(-1, ends_of(&v, "dv", "ssl_dv_geotrust", "x").organization_until);
    v.organizations.items[0].id++;
    assert_int_equal(-1, ends_of(&v, "ov", "ssl_basic", "x").organization_until);
}

static void the_word_for_ct_of_the_account(void **state)
{
    static const struct {
        const char *json;
        enum dcs_tri on;
    } cases[] = {
        { "{\"cert_transparency\":\"embed\"}", DCS_YES },
        { "{\"cert_transparency\":\"disabled\"}", DCS_NO },
        { "{\"cert_transparency\":\"sometimes\"}", DCS_UNKNOWN },
        { "{\"cert_transparency\":1}", DCS_UNKNOWN },
        { "{}", DCS_UNKNOWN },
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        dcs_auto(dcs_json) struct dcs_json *root = NULL;
        assert_true(dcs_json_parse(cases[i].json, strlen(cases[i].json), &root, NULL));
        assert_int_equal(cases[i].on, dcs_validation_account_ct(root));
    }
}

static void record_and_memo_give_back_what_was_noted(void **state)
{
    dcs_auto(dcs_validation) struct dcs_validation v = { 0 };
    dcs_auto(dcs_validation) struct dcs_validation again = { 0 };
    dcs_auto(dcs_json) struct dcs_json *json = NULL;
    struct dcs_memo memo = { 0 };

    (void)state;
    read_lists(&v);
    assert_true(dcs_validation_to_json(&v, &json, NULL));
    assert_true(dcs_validation_from_json(json, &again, NULL));
    struct dcs_validation_ends ends = ends_of(&again, "ov", "ssl_basic", "www.example.com");
    assert_int_equal(v.read_at, ends.read_at);
    assert_int_equal(DCS_YES, ends.account_ct);
    assert_int_equal(at("2027-05-04T10:00:00Z"), ends.dcv_until);
    assert_true(dcs_validation_to_memo(&ends, &memo));
    assert_false(dcs_validation_to_memo(&ends, &memo)); /* nothing to write */
    struct dcs_validation_ends noted;
    dcs_validation_of_memo(&memo, &noted);
    assert_memory_equal(&ends.dcv_until, &noted.dcv_until, sizeof(noted.dcv_until));
    assert_string_equal("example.com", noted.dcv_name);
    assert_int_equal(ends.organization_until, noted.organization_until);
    memo = (struct dcs_memo){ 0 };
    dcs_validation_of_memo(&memo, &noted);
    assert_int_equal(0, noted.read_at);
    assert_int_equal(-1, noted.dcv_until);
    assert_int_equal(-1, noted.organization_until);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_domain_to_lapse_counts),
        cmocka_unit_test(an_organization_is_validated_for_ov_and_ev_apart),
        cmocka_unit_test(the_word_for_ct_of_the_account),
        cmocka_unit_test(record_and_memo_give_back_what_was_noted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
