// SPDX-License-Identifier: Apache-2.0
/* test_accept.c - what may enter the cache: the list of facts/policy.md 6.3, and the cache itself. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"
#include "flow/accept.h"
#include "flow/cache.h"
#include "test_certs.h"

enum { DAY = 86400 };
static const int64_t NOW =
    1795521600; /* 2026-11-24: 200 days are allowed, 199 are DigiCert's own */

struct authority {
    struct test_cert root, middle;
};

static struct authority make_authority(void)
{
    struct authority a;
    const struct test_wish root = { .common_name = "Root",
                                    .is_ca = true,
                                    .not_before = NOW - 900 * DAY,
                                    .not_after = NOW + 900 * DAY };
    a.root = test_make(&root);
    const struct test_wish middle = { .common_name = "Middle",
                                      .is_ca = true,
                                      .issuer = &a.root,
                                      .not_before = NOW - 900 * DAY,
                                      .not_after = NOW + 900 * DAY };
    a.middle = test_make(&middle);
    return a;
}

static void authority_drop(struct authority *a)
{
    test_drop(&a->root);
    test_drop(&a->middle);
}

static struct test_cert make_leaf(const struct authority *a, int days, bool poison)
{
    const struct test_wish wish = { .common_name = "www.example.com",
                                    .names = "DNS:www.example.com",
                                    .issuer = &a->middle,
                                    .poison = poison,
                                    .not_before = NOW,
                                    .not_after = NOW + (int64_t)days * DAY - 1 };

    return test_make(&wish);
}

static struct dcs_order *tls_order(void)
{
    dcs_auto(dcs_json) struct dcs_json *json = NULL;
    struct dcs_order *order = NULL;
    static const char text[] =
        "{\"id\":123,\"status\":\"issued\",\"product\":{\"name_id\":\"ssl_basic\","
        "\"type\":\"ssl_certificate\"},\"disable_ct\":false,\"certificate\":{\"id\":7,"
        "\"dns_names\":[\"www.example.com\",\"more.example.com\"]}}";

    if (!dcs_json_parse(text, sizeof(text) - 1, &json, NULL) ||
        !dcs_order_from_json(json, &order, NULL))
        abort();
    return order;
}

/* Judges the certificates in that order; the code of the refusal, NONE when accepted. */
static enum dcs_code judge(const struct dcs_accept *expected, const struct test_cert *const *sent,
                           struct dcs_accepted *ret_accepted)
{
    dcs_auto(dcs_buf) struct dcs_buf pem = { 0 };
    struct dcs_err err = { 0 };

    for (size_t i = 0; sent[i]; i++)
        test_add_pem(&pem, sent[i]);
    if (dcs_accept(expected, dcs_buf_text(&pem), pem.len, ret_accepted, &err))
        return DCS_E_NONE;
    assert_true(err.text[0]);
    return err.code;
}

static void blocks_in_any_order_become_leaf_and_issuers_without_root(void **state)
{
    dcs_auto(authority) struct authority a = make_authority();
    dcs_auto(dcs_order) struct dcs_order *order = tls_order();
    struct test_cert leaf = make_leaf(&a, 199, false);
    const struct test_cert *const orders[][4] = { { &leaf, &a.middle, &a.root, NULL },
                                                  { &a.root, &a.middle, &leaf, NULL },
                                                  { &a.middle, &leaf, &a.root, NULL } };
    const struct dcs_accept expected = { .order = order, .certificate_id = 7, .now = NOW };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(orders); i++) {
        dcs_auto(dcs_accepted) struct dcs_accepted accepted = { 0 };
        assert_int_equal(judge(&expected, orders[i], &accepted), DCS_E_NONE);
        assert_int_equal(accepted.cert_count, 2);
        assert_string_equal(accepted.facts->leaf.common_name, "www.example.com");
        assert_int_equal(accepted.facts->order_id, 123);
        assert_non_null(strstr(accepted.facts->notes, "more.example.com"));
        assert_non_null(strstr(accepted.facts->notes, "not logged"));
    }
    test_drop(&leaf);
}

static void what_must_not_enter_is_rejected(void **state)
{
    dcs_auto(authority) struct authority a = make_authority();
    dcs_auto(authority) struct authority b = make_authority(); /* the same names, other keys */
    dcs_auto(dcs_order) struct dcs_order *order = tls_order();
    struct test_cert good = make_leaf(&a, 200, false);
    struct test_cert longer = make_leaf(&a, 201, false); /* one day over the industry's maximum */
    struct test_cert poisoned = make_leaf(&a, 199, true);
    struct test_cert second = make_leaf(&a, 199, false);
    char serial[65];
    const struct {
        const struct test_cert *sent[4];
        const char *serial;
        bool has_spki;
        enum dcs_code want;
    } cases[] = {
        { { &good, &a.middle, NULL }, "", false, DCS_E_NONE },
        { { &longer, &a.middle, NULL }, "", false, DCS_E_REJECTED },
        { { &poisoned, &a.middle, NULL }, "", false, DCS_E_REJECTED },
        { { &good, &b.middle, NULL }, "", false, DCS_E_REJECTED },   /* signature by nobody sent */
        { { &a.middle, &a.root, NULL }, "", false, DCS_E_REJECTED }, /* no leaf */
        { { &good, &second, NULL }, "", false, DCS_E_REJECTED },     /* which one? */
        { { &second, &good, NULL }, serial, false, DCS_E_NONE },     /* the CA named it */
        { { &second, NULL }, serial, false, DCS_E_REJECTED },        /* another serial */
        { { &good, NULL }, "", true, DCS_E_REJECTED },               /* another key than ours */
        { { NULL }, "", false, DCS_E_REJECTED },                     /* nothing */
    };

    (void)state;
    test_serial(&good, serial);
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        dcs_auto(dcs_accepted) struct dcs_accepted accepted = { 0 };
        const struct dcs_accept expected = { .order = order,
                                             .certificate_id = 7,
                                             .now = NOW,
                                             .serial = cases[i].serial,
                                             .has_spki = cases[i].has_spki };
        enum dcs_code got = judge(&expected, cases[i].sent, &accepted);
        if (got != cases[i].want)
            fail_msg("case %zu: %s", i, dcs_code_name(got));
    }
    test_drop(&good);
    test_drop(&longer);
    test_drop(&poisoned);
    test_drop(&second);
}

static void a_leaf_without_its_issuer_is_noted_whatever_else_came(void **state)
{
    dcs_auto(authority) struct authority a = make_authority();
    const struct test_wish strange = { .common_name = "Another CA",
                                       .is_ca = true,
                                       .not_before = NOW - 900 * DAY,
                                       .not_after = NOW + 900 * DAY };
    struct test_cert leaf = make_leaf(&a, 199, false);
    struct test_cert other = test_make(&strange);
    const struct test_wish direct = { .common_name = "two.levels",
                                      .names = "DNS:two.levels",
                                      .issuer = &a.root,
                                      .not_before = NOW,
                                      .not_after = NOW + 199 * DAY - 1 };
    struct test_cert short_path = test_make(&direct);
    const struct {
        const struct test_cert *sent[4];
        bool noted;
    } cases[] = {
        { { &leaf, NULL }, true },
        { { &leaf, &other, NULL }, true },
        { { &leaf, &a.root, NULL }, true }, /* the one between them is missing */
        { { &leaf, &a.middle, NULL }, false },
        { { &short_path, &a.root, NULL }, false }, /* the root, though left out of what is kept */
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        dcs_auto(dcs_accepted) struct dcs_accepted accepted = { 0 };
        const struct dcs_accept expected = { .certificate_id = 7, .now = NOW };
        assert_int_equal(judge(&expected, cases[i].sent, &accepted), DCS_E_NONE);
        if ((strstr(accepted.facts->notes, "no issuer came") != NULL) != cases[i].noted)
            fail_msg("case %zu: \"%s\"", i, accepted.facts->notes);
    }
    test_drop(&leaf);
    test_drop(&other);
    test_drop(&short_path);
}

static void where_no_serial_is_named_the_thumbprint_tells_another_certificate(void **state)
{
    dcs_auto(authority) struct authority a = make_authority();
    dcs_auto(dcs_order) struct dcs_order *order = tls_order();
    dcs_auto(dcs_accepted) struct dcs_accepted first = { 0 };
    struct test_cert good = make_leaf(&a, 199, false);
    struct test_cert other = make_leaf(&a, 199, false);
    const struct test_cert *const sent[][3] = { { &good, &a.middle, NULL },
                                                { &other, &a.middle, NULL } };
    const struct dcs_accept expected = { .order = order, .certificate_id = 7, .now = NOW };

    (void)state;
    assert_int_equal(judge(&expected, sent[0], &first), DCS_E_NONE);
    dcs_hex(first.facts->leaf.sha1, DCS_SHA1_LEN, order->thumbprint);
    for (size_t i = 0; i < DCS_COUNT(sent); i++) {
        dcs_auto(dcs_accepted) struct dcs_accepted accepted = { 0 };
        assert_int_equal(judge(&expected, sent[i], &accepted), i ? DCS_E_REJECTED : DCS_E_NONE);
    }
    test_drop(&good);
    test_drop(&other);
}

static void a_row_of_the_configuration_decides_what_is_too_long(void **state)
{
    dcs_auto(authority) struct authority a = make_authority();
    dcs_auto(dcs_order) struct dcs_order *order = tls_order();
    struct test_cert leaf = make_leaf(&a, 201, false);
    const struct test_cert *const sent[] = { &leaf, &a.middle, NULL };
    struct dcs_limits limits = *dcs_limits_builtin();
    struct dcs_accept expected = { .order = order, .certificate_id = 7, .now = NOW };
    const char *why = NULL;

    (void)state;
    for (int corrected = 0; corrected <= 1; corrected++) {
        dcs_auto(dcs_accepted) struct dcs_accepted accepted = { 0 };
        assert_int_equal(judge(&expected, sent, &accepted),
                         corrected ? DCS_E_NONE : DCS_E_REJECTED);
        assert_true(dcs_limits_correct(&limits, DCS_LIMIT_TLS, "2026-03-15:201:200", &why));
        expected.limits = &limits;
    }
    test_drop(&leaf);
}

/* ---- the cache, with what was accepted ---- */

static void the_newest_pair_in_date_becomes_current_and_damage_is_set_aside(void **state)
{
    dcs_auto(fake_dir) char *dir = fake_dir_new();
    dcs_auto(dcs_cache) struct dcs_cache cache = { .fd = -1 };
    const struct dcs_choice choice = { .now = dcs_env_now(dcs_env_real()),
                                       .serve_expired = DCS_YES };
    char path[4096];
    char current[DCS_GENERATION_DIR];

    (void)state;
    test_commit_pair(dir, 5);
    test_commit_pair(dir, 5);
    snprintf(path, sizeof(path), "%s/state", dir);
    assert_true(dcs_cache_open(dcs_env_real(), path, DCS_CACHE_LOOK, &cache, NULL));
    assert_true(dcs_cache_current(&cache, 5, current, NULL));
    assert_string_equal(current, "orders/5/gen-0002");
    fake_write(dir, "state/orders/5/gen-0002/fullchain.pem", "damage", 0644);
    for (int holds_lock = 0; holds_lock <= 1; holds_lock++) {
        dcs_auto(dcs_bundle) struct dcs_bundle *bundle = NULL;
        assert_true(dcs_cache_load(&cache, 5, &choice, holds_lock, &bundle, NULL));
        assert_string_equal(dcs_bundle_dir(bundle), "orders/5/gen-0001");
        assert_true(cache.saw_damage);
    }
    assert_true(dcs_cache_current(&cache, 5, current, NULL)); /* whoever held the lock moved it */
    assert_string_equal(current, "orders/5/gen-0001");
    test_commit_pair(dir, 5); /* a number is never given twice, not even of one set aside */
    assert_true(dcs_cache_current(&cache, 5, current, NULL));
    assert_string_equal(current, "orders/5/gen-0003");
}

static void leftovers_go_but_not_with_the_only_copy_of_a_key(void **state)
{
    dcs_auto(dcs_buf) struct dcs_buf key = { .max = 1 << 16 };
    dcs_auto(fake_dir) char *dir = fake_dir_new();
    dcs_auto(dcs_cache) struct dcs_cache cache = { .fd = -1 };
    struct dcs_fs_stat stat;
    char path[4096];

    (void)state;
    test_commit_pair(dir, 5);
    fake_write(dir, "state/orders/5/gen-0002/cert.pem", "half", 0644);
    fake_write(dir, "state/orders/5/gen-0003/privkey.pem", "a key whose request may be open", 0600);
    fake_write(dir, "state/orders/5/.tmp-1-1", "half", 0600);
    fake_write(dir, "state/orders/5/gen-0001/.tmp-1-2", "half of held.json", 0600);
    snprintf(path, sizeof(path), "%s/state", dir);
    assert_true(dcs_cache_open(dcs_env_real(), path, DCS_CACHE_LOOK, &cache, NULL));
    assert_true(dcs_fs_read(cache.fd, "orders/5/gen-0001/privkey.pem", 1 << 16, &key, NULL, NULL));
    fake_write(dir, "state/orders/5/gen-0004/privkey.pem", dcs_buf_text(&key), 0600);
    dcs_cache_tidy(&cache, 5);
    assert_false(dcs_fs_stat(cache.fd, "orders/5/gen-0004", &stat, NULL)); /* gen-0001 has it */
    assert_false(dcs_fs_stat(cache.fd, "orders/5/gen-0002", &stat, NULL));
    assert_false(dcs_fs_stat(cache.fd, "orders/5/.tmp-1-1", &stat, NULL));
    assert_false(dcs_fs_stat(cache.fd, "orders/5/gen-0001/.tmp-1-2", &stat, NULL));
    assert_true(dcs_fs_stat(cache.fd, "orders/5/gen-0003/privkey.pem", &stat, NULL));
}

static void links_that_lead_elsewhere_are_not_followed(void **state)
{
    static const struct {
        const char *target;
        bool good;
    } cases[] = {
        { "gen-0001", true },          { "../456/gen-0007", true }, { "/etc", false },
        { "../../../etc", false },     { "gen-1", false },          { "gen-00001", false },
        { "../0456/gen-0001", false }, { "gen-0001/../x", false },  { "", false }
    };
    dcs_auto(fake_dir) char *dir = fake_dir_new();
    dcs_auto(dcs_cache) struct dcs_cache cache = { .fd = -1 };
    char path[4096];

    (void)state;
    test_commit_pair(dir, 5);
    snprintf(path, sizeof(path), "%s/state", dir);
    assert_true(dcs_cache_open(dcs_env_real(), path, DCS_CACHE_LOOK, &cache, NULL));
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        char current[DCS_GENERATION_DIR];
        if (cases[i].target[0] && !dcs_fs_switch_link(cache.fd, "orders/5/current", cases[i].target,
                                                      DCS_FS_OWNER_SELF, NULL))
            fail();
        if (!cases[i].target[0])
            continue;
        assert_int_equal(dcs_cache_current(&cache, 5, current, NULL), cases[i].good);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_in_any_order_become_leaf_and_issuers_without_root),
        cmocka_unit_test(what_must_not_enter_is_rejected),
        cmocka_unit_test(a_leaf_without_its_issuer_is_noted_whatever_else_came),
        cmocka_unit_test(where_no_serial_is_named_the_thumbprint_tells_another_certificate),
        cmocka_unit_test(a_row_of_the_configuration_decides_what_is_too_long),
        cmocka_unit_test(the_newest_pair_in_date_becomes_current_and_damage_is_set_aside),
        cmocka_unit_test(leftovers_go_but_not_with_the_only_copy_of_a_key),
        cmocka_unit_test(links_that_lead_elsewhere_are_not_followed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
