// SPDX-License-Identifier: Apache-2.0
/* test_copy.c - pairs as a source, and their copies in other directories. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake.h"
#include "flow/cache_delivery.h"
#include "flow/copy.h"
#include "test_certs.h"

enum { ORDER = 5 };

struct place {
    char *dir;
    struct dcs_cache cache;
    char to[4096];
};

static void open_place(struct place *place, int pairs)
{
    char state[4096];

    place->dir = fake_dir_new();
    for (int i = 0; i < pairs; i++)
        test_commit_pair(place->dir, ORDER);
    snprintf(state, sizeof(state), "%s/state", place->dir);
    snprintf(place->to, sizeof(place->to), "%s/to", place->dir);
    assert_true(dcs_cache_open(dcs_env_real(), state, DCS_CACHE_LOOK, &place->cache, NULL));
}

static void place_drop(struct place *place)
{
    dcs_cache_drop(&place->cache);
    fake_dir_drop(&place->dir);
}

static struct dcs_copy copy_of(const struct place *place, const struct dcs_pair *pair)
{
    return (struct dcs_copy){ .env = dcs_env_real(),
                              .dir = place->to,
                              .owner = DCS_FS_OWNER_SELF,
                              .key_mode = 0600,
                              .certs = &pair->certs,
                              .key = &pair->key };
}

static void a_copy_is_fresh_until_something_of_it_changes(void **state)
{
    static const char *const files[] = { "cert.pem", "chain.pem", "fullchain.pem", "privkey.pem",
                                         "combined.pem" };
    dcs_auto(place) struct place place = { 0 };
    dcs_auto(dcs_pair) struct dcs_pair pair = { 0 };
    struct dcs_cert_info leaf;
    char name[16];
    char path[4200];

    (void)state;
    open_place(&place, 1);
    assert_true(dcs_cache_read_pair(&place.cache, "orders/5/gen-0001", &pair, NULL));
    struct dcs_copy copy = copy_of(&place, &pair);
    assert_false(dcs_copy_is_fresh(&copy));
    assert_false(dcs_copy_usable(place.to, &leaf, NULL));
    assert_true(dcs_copy_make(&copy, name, NULL));
    assert_true(dcs_copy_is_fresh(&copy));
    for (size_t i = 0; i < DCS_COUNT(files); i++) {
        struct stat stat_of;
        snprintf(path, sizeof(path), "%s/current/%s", place.to, files[i]);
        assert_int_equal(stat(path, &stat_of), 0);
        assert_int_equal(stat_of.st_mode & 07777, i < 3 ? 0644 : 0600);
        assert_int_equal(chmod(path, 0640), 0);
        assert_false(dcs_copy_is_fresh(&copy));
        assert_true(dcs_copy_make(&copy, name, NULL));
        assert_true(dcs_copy_is_fresh(&copy));
    }
    /* Of a run that was killed at a link; nothing new is copied. */
    snprintf(path, sizeof(path), "%s/.tmp-1-1", place.to);
    assert_int_equal(symlink("gen-0001", path), 0);
    assert_true(dcs_copy_make(&copy, name, NULL));
    assert_int_not_equal(unlink(path), 0); /* gone */
    assert_true(dcs_copy_usable(place.to, &leaf, NULL));
    assert_string_equal(leaf.serial, dcs_cert_info(pair.certs.certs[0])->serial);
}

static void an_earlier_copy_is_used_again_and_older_ones_go(void **state)
{
    dcs_auto(place) struct place place = { 0 };
    char names[4][16];
    char dir[DCS_GENERATION_DIR];
    char path[4200];

    (void)state;
    open_place(&place, 3);
    static const int order[] = { 1, 2, 1, 3 };
    for (size_t i = 0; i < DCS_COUNT(order); i++) {
        dcs_auto(dcs_pair) struct dcs_pair pair = { 0 };
        snprintf(dir, sizeof(dir), "orders/5/gen-%04d", order[i]);
        assert_true(dcs_cache_read_pair(&place.cache, dir, &pair, NULL));
        struct dcs_copy copy = copy_of(&place, &pair);
        assert_true(dcs_copy_make(&copy, names[i], NULL));
    }
    assert_string_equal(names[0], "gen-0001");
    assert_string_equal(names[1], "gen-0002");
    assert_string_equal(names[2], "gen-0001"); /* back, without a new one */
    assert_string_equal(names[3], "gen-0003");
    snprintf(path, sizeof(path), "%s/gen-0001", place.to);
    assert_int_equal(access(path, F_OK), 0); /* the one before */
    snprintf(path, sizeof(path), "%s/gen-0002", place.to);
    assert_int_not_equal(unlink(path), 0); /* gone */
}

static void a_source_that_is_no_pair_is_refused(void **state)
{
    static const struct {
        const char *shell;
        enum dcs_code code;
    } rows[] = {
        { "cp gen-0002/privkey.pem gen-0001/privkey.pem", DCS_E_REJECTED },
        { "mv gen-0001/privkey.pem k && ln -s ../k gen-0001/privkey.pem", DCS_E_STATE },
        { "mv gen-0001 g && ln -s g gen-0001", DCS_E_STATE },
        { "chmod 644 gen-0001/privkey.pem", DCS_E_KEY_FILE },
        { "chmod 660 gen-0001/privkey.pem", DCS_E_KEY_FILE },
        { "rm gen-0001/privkey.pem", DCS_E_NOT_FOUND },
        { "echo x >gen-0001/fullchain.pem", DCS_E_REJECTED },
        { "rm gen-0001/fullchain.pem && mkfifo gen-0001/fullchain.pem", DCS_E_STATE },
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(rows); i++) {
        dcs_auto(place) struct place place = { 0 };
        dcs_auto(dcs_pair) struct dcs_pair pair = { 0 };
        struct dcs_err err = { 0 };
        char command[8192];
        open_place(&place, 2);
        snprintf(command, sizeof(command), "cd %s/state/orders/5 && %s", place.dir, rows[i].shell);
        assert_int_equal(system(command), 0);
        assert_false(dcs_cache_read_pair(&place.cache, "orders/5/gen-0001", &pair, &err));
        if (err.code != rows[i].code)
            fail_msg("%s: %s", rows[i].shell, err.text);
    }
}

static void only_generations_are_sources(void **state)
{
    static const char *const dirs[] = { "orders/5",
                                        "orders/5/../5/gen-0001",
                                        "certificates/5",
                                        "orders/5/gen-1",
                                        "orders//gen-0001",
                                        "/etc",
                                        "" };
    dcs_auto(place) struct place place = { 0 };

    (void)state;
    open_place(&place, 1);
    for (size_t i = 0; i < DCS_COUNT(dirs); i++) {
        dcs_auto(dcs_pair) struct dcs_pair pair = { 0 };
        assert_false(dcs_cache_read_pair(&place.cache, dirs[i], &pair, NULL));
    }
}

static void a_generation_is_held_once(void **state)
{
    dcs_auto(place) struct place place = { 0 };
    int64_t since = 0;
    int count = 0;
    char reason[512];

    (void)state;
    open_place(&place, 2);
    assert_true(dcs_cache_hold(&place.cache, "orders/5/gen-0002", "the hook said no", NULL));
    assert_true(dcs_cache_is_held(&place.cache, "orders/5/gen-0002"));
    assert_true(dcs_cache_has_held(&place.cache, ORDER));
    assert_true(dcs_cache_read_held(&place.cache, "orders/5/gen-0002", &since, reason));
    assert_string_equal(reason, "the hook said no");
    assert_true(dcs_cache_release(&place.cache, ORDER, &count, NULL));
    assert_int_equal(count, 1);
    assert_true(dcs_cache_is_released(&place.cache, "orders/5/gen-0002"));
    assert_true(dcs_cache_hold(&place.cache, "orders/5/gen-0002", "again", NULL));
    assert_false(dcs_cache_is_held(&place.cache, "orders/5/gen-0002")); /* never again */
    assert_true(dcs_cache_release(&place.cache, ORDER, &count, NULL));
    assert_int_equal(count, 0);
}

static void a_successor_that_is_held_does_not_lead(void **state)
{
    dcs_auto(place) struct place place = { 0 };
    char current[DCS_GENERATION_DIR];

    (void)state;
    open_place(&place, 1);
    test_commit_pair(place.dir, 6);
    const struct dcs_choice choice = { .now = dcs_env_now(dcs_env_real()),
                                       .serve_expired = DCS_YES,
                                       .successor = 6 };
    assert_true(dcs_cache_hold(&place.cache, "orders/6/gen-0001", "no", NULL));
    assert_true(dcs_cache_settle(&place.cache, ORDER, &choice, NULL));
    assert_true(dcs_cache_current(&place.cache, ORDER, current, NULL));
    assert_string_equal(current, "orders/5/gen-0001");
    assert_true(dcs_cache_set_delivered(&place.cache, ORDER, "orders/6/gen-0001", NULL));
    assert_true(dcs_cache_delivered(&place.cache, ORDER, current, NULL));
    assert_string_equal(current, "orders/6/gen-0001");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_is_fresh_until_something_of_it_changes),
        cmocka_unit_test(an_earlier_copy_is_used_again_and_older_ones_go),
        cmocka_unit_test(a_source_that_is_no_pair_is_refused),
        cmocka_unit_test(only_generations_are_sources),
        cmocka_unit_test(a_generation_is_held_once),
        cmocka_unit_test(a_successor_that_is_held_does_not_lead),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
