// SPDX-License-Identifier: Apache-2.0
/* test_prune.c - which generations go, and when; and the order whose pair another one serves. */
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
#include "flow/cache_prune.h"
#include "test_certs.h"

enum { DAY = 86400, ORDER = 5 };
static const struct dcs_access everybody = { false, (gid_t)-1 };

struct place {
    char *dir;
    struct dcs_cache cache;
    int64_t now; /* when the second pair, if any, was committed: the first one's days begin then */
};

static void open_place(struct place *place, int pairs)
{
    char state[4096];

    place->dir = fake_dir_new();
    for (int i = 0; i < pairs; i++)
        test_commit_pair(place->dir, ORDER);
    snprintf(state, sizeof(state), "%s/state", place->dir);
    assert_true(dcs_cache_open(dcs_env_real(), state, DCS_CACHE_LOOK, &place->cache, NULL));
    dcs_auto(dcs_bundle) struct dcs_bundle *second = NULL;
    const char *dir = pairs > 1 ? "orders/5/gen-0002" : "orders/5/gen-0001";
    assert_true(dcs_cache_load_dir(&place->cache, dir, &second, NULL));
    place->now = dcs_bundle_facts(second)->committed_at;
}

static void place_drop(struct place *place)
{
    dcs_cache_drop(&place->cache);
    fake_dir_drop(&place->dir);
}

static bool has(const struct place *place, int64_t order, int generation)
{
    char path[64];
    struct dcs_fs_stat stat;

    snprintf(path, sizeof(path), "orders/%lld/gen-%04d", (long long)order, generation);
    return dcs_fs_stat(place->cache.fd, path, &stat, NULL);
}

static void what_serves_and_the_one_before_stay_others_go_after_seven_days(void **state)
{
    static const struct {
        int days;
        bool first_stays;
    } cases[] = { { 0, true }, { 7, true }, { 8, false }, { 400, false } };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        dcs_auto(place) struct place place = { 0 };
        open_place(&place, 3);
        dcs_cache_prune(&place.cache, ORDER, 0, place.now + cases[i].days * DAY);
        assert_int_equal(has(&place, ORDER, 1), cases[i].first_stays);
        assert_true(has(&place, ORDER, 2)); /* the one before */
        assert_true(has(&place, ORDER, 3));
    }
}

static void what_was_delivered_and_the_one_before_stay(void **state)
{
    dcs_auto(place) struct place place = { 0 };

    (void)state;
    open_place(&place, 5);
    assert_true(dcs_fs_switch_link(place.cache.fd, "orders/5/delivered", "gen-0002",
                                   DCS_FS_OWNER_SELF, NULL));
    dcs_cache_prune(&place.cache, ORDER, 0, place.now + 30 * DAY);
    for (int i = 1; i <= 5; i++)
        assert_int_equal(has(&place, ORDER, i), i != 3);
}

static void what_a_predecessor_serves_stays(void **state)
{
    dcs_auto(place) struct place place = { 0 };

    (void)state;
    open_place(&place, 4);
    test_commit_pair(place.dir, 4);
    assert_true(dcs_fs_switch_link(place.cache.fd, "orders/4/current", "../5/gen-0001",
                                   DCS_FS_OWNER_SELF, NULL));
    dcs_cache_prune(&place.cache, ORDER, 4, place.now + 30 * DAY);
    assert_true(has(&place, ORDER, 1));
    assert_false(has(&place, ORDER, 2));
    assert_true(has(&place, ORDER, 3) && has(&place, ORDER, 4));
}

static void what_is_held_stays(void **state)
{
    dcs_auto(place) struct place place = { 0 };

    (void)state;
    open_place(&place, 3);
    fake_write(place.dir, "state/orders/5/gen-0001/held.json", "{}", 0600);
    dcs_cache_prune(&place.cache, ORDER, 0, place.now + 30 * DAY);
    assert_true(has(&place, ORDER, 1));
}

static void put_intent(struct place *place, struct dcs_intent *intent, bool asked)
{
    dcs_auto(dcs_key) struct dcs_key key = { 0 };

    *intent = (struct dcs_intent){ .order = ORDER };
    assert_true(dcs_key_generate("ec:P-256", &key, NULL));
    assert_true(dcs_cache_intent_put_key(&place->cache, &everybody, &key, intent, NULL));
    if (!asked)
        return;
    intent->request = dcs_alloc(1, sizeof(*intent->request), NULL);
    assert_true(dcs_request_set_names(intent->request, NULL, 0, NULL));
    assert_true(dcs_cache_intent_put_request(&place->cache, intent, NULL));
}

static void a_key_whose_request_is_open_is_never_removed(void **state)
{
    dcs_auto(place) struct place place = { 0 };
    dcs_auto(dcs_intent) struct dcs_intent key_only = { 0 };
    dcs_auto(dcs_intent) struct dcs_intent asked = { 0 };

    (void)state;
    open_place(&place, 1);
    put_intent(&place, &key_only, false);
    put_intent(&place, &asked, true);
    dcs_cache_prune(&place.cache, ORDER, 0, place.now + 4000 * (int64_t)DAY);
    assert_true(has(&place, ORDER, key_only.generation));
    assert_true(has(&place, ORDER, asked.generation));
}

static void a_closed_one_stays_for_ninety_days(void **state)
{
    static const struct {
        int days;
        bool stays;
    } cases[] = { { 0, true }, { 90, true }, { 91, false } };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        dcs_auto(place) struct place place = { 0 };
        dcs_auto(dcs_intent) struct dcs_intent intent = { 0 };
        open_place(&place, 1);
        put_intent(&place, &intent, true);
        const struct dcs_closed closed = { .closed_at = place.now, .code = "refused" };
        assert_true(dcs_cache_intent_close(&place.cache, &intent, &closed, NULL));
        dcs_cache_prune(&place.cache, ORDER, 0, place.now + cases[i].days * DAY);
        assert_int_equal(has(&place, ORDER, intent.generation), cases[i].stays);
    }
}

static void a_successor_serves_once_it_has_a_pair_in_date(void **state)
{
    dcs_auto(place) struct place place = { 0 };
    char current[DCS_GENERATION_DIR];

    (void)state;
    open_place(&place, 1);
    struct dcs_choice choice = { .now = place.now, .serve_expired = DCS_YES, .successor = 6 };
    assert_true(dcs_cache_settle(&place.cache, ORDER, &choice, NULL));
    assert_true(dcs_cache_current(&place.cache, ORDER, current, NULL));
    assert_string_equal(current, "orders/5/gen-0001"); /* 6 has nothing yet */
    test_commit_pair(place.dir, 6);
    assert_true(dcs_cache_settle(&place.cache, ORDER, &choice, NULL));
    assert_true(dcs_cache_current(&place.cache, ORDER, current, NULL));
    assert_string_equal(current, "orders/6/gen-0001");
    choice.now += 400 * (int64_t)DAY; /* the successor's has expired: back to our own */
    assert_true(dcs_cache_settle(&place.cache, ORDER, &choice, NULL));
    assert_true(dcs_cache_current(&place.cache, ORDER, current, NULL));
    assert_string_equal(current, "orders/5/gen-0001");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_serves_and_the_one_before_stay_others_go_after_seven_days),
        cmocka_unit_test(what_was_delivered_and_the_one_before_stay),
        cmocka_unit_test(what_a_predecessor_serves_stays),
        cmocka_unit_test(what_is_held_stays),
        cmocka_unit_test(a_key_whose_request_is_open_is_never_removed),
        cmocka_unit_test(a_closed_one_stays_for_ninety_days),
        cmocka_unit_test(a_successor_serves_once_it_has_a_pair_in_date),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
