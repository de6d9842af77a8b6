// SPDX-License-Identifier: Apache-2.0
/* test_cache.c - what is believed of a state directory that was damaged, moved, or left by others. */
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
#include "flow/cache.h"
#include "test_certs.h"

struct room {
    char *dir;
    char state_dir[4096];
    struct fake_world world;
    struct dcs_cache cache;
};

static int set_up(void **state)
{
    struct room *room = calloc(1, sizeof(*room));

    fake_world_init(&room->world);
    room->world.ms = 50000;
    room->dir = fake_dir_new();
    snprintf(room->state_dir, sizeof(room->state_dir), "%s/state", room->dir);
    *state = room;
    return dcs_cache_open(&room->world.env, room->state_dir, DCS_CACHE_CREATE, &room->cache, NULL)
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    struct room *room = *state;

    dcs_cache_drop(&room->cache);
    fake_dir_drop(&room->dir);
    free(room);
    return 0;
}

static void make_order(struct room *room, int64_t order)
{
    dcs_auto(dcs_lock) struct dcs_lock lock = DCS_LOCK_NONE;

    assert_true(dcs_cache_make_order(&room->cache, order, &(struct dcs_access){ false, (gid_t)-1 },
                                     dcs_deadline_in(&room->world.env, 0), &lock, NULL));
}

/* ---- stamps ---- */

static void rewrite(struct room *room, const char *path, const char *from, const char *to)
{
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = 8192 };
    char *at;

    assert_true(dcs_fs_read(room->cache.fd, path, 8192, &text, NULL, NULL));
    at = strstr(dcs_buf_text(&text), from);
    assert_non_null(at);
    assert_int_equal(strlen(from), strlen(to));
    memcpy(text.data + (at - dcs_buf_text(&text)), to, strlen(to));
    assert_true(
        dcs_fs_write(room->cache.fd, path, text.data, text.len, 0600, DCS_FS_OWNER_SELF, NULL));
}

/* Without this an order that was pending, or a mistyped number, stayed so without a request after a
 * reboot, until the machine had been up as long as before. */
static void an_attempt_of_another_boot_is_no_attempt_of_now(void **state)
{
    struct room *room = *state;
    const struct dcs_memo memo = { .attempt_at = 1,
                                   .attempt_boot_ms = 40000,
                                   .failure = { .code = DCS_E_PENDING } };
    char boot[DCS_BOOT_ID];
    struct dcs_memo read;

    dcs_fs_boot_id(boot);
    assert_int_equal(strlen(boot), DCS_BOOT_ID - 1);
    make_order(room, 150);
    assert_true(dcs_cache_write_memo(&room->cache, 150, &memo, NULL));
    dcs_cache_read_memo(&room->cache, 150, &read);
    assert_int_equal(read.attempt_boot_ms, 40000);
    room->world.ms = 39999; /* ahead of now */
    dcs_cache_read_memo(&room->cache, 150, &read);
    assert_int_equal(read.attempt_boot_ms, 0);
    room->world.ms = 50000;
    rewrite(room, "orders/150/memo.json", boot, "00000000-0000-0000-0000-000000000000");
    dcs_cache_read_memo(&room->cache, 150, &read);
    assert_int_equal(read.attempt_boot_ms, 0);
    assert_int_equal(read.failure.code, DCS_E_PENDING);
}

static bool cold_has(struct room *room, int64_t began_boot_ms)
{
    static const char uri[] = "digicert://order/31337";
    dcs_auto(dcs_lock) struct dcs_lock lock = DCS_LOCK_NONE;
    struct dcs_cold cold;

    assert_true(
        dcs_cache_lock_cold(&room->cache, uri, dcs_deadline_in(&room->world.env, 0), &lock, NULL));
    return dcs_cache_cold_find(&room->cache, &lock, uri, began_boot_ms, &cold);
}

static void a_cold_failure_of_another_boot_is_no_answer(void **state)
{
    static const char uri[] = "digicert://order/31337";
    struct room *room = *state;
    const struct dcs_cold cold = { .when = 1,
                                   .boot_ms = 40000,
                                   .failure = { .code = DCS_E_NOT_FOUND } };
    dcs_auto(dcs_lock) struct dcs_lock lock = DCS_LOCK_NONE;
    char boot[DCS_BOOT_ID];
    char path[16];

    assert_true(
        dcs_cache_lock_cold(&room->cache, uri, dcs_deadline_in(&room->world.env, 0), &lock, NULL));
    dcs_cache_cold_store(&room->cache, &lock, uri, &cold);
    dcs_lock_drop(&lock);
    assert_true(cold_has(room, 40000));
    assert_false(cold_has(room, 40001)); /* before we began to wait */
    room->world.ms = 39999;
    assert_false(cold_has(room, 0));
    room->world.ms = 50000;
    dcs_fs_boot_id(boot);
    dcs_cache_cold_path(uri, path);
    rewrite(room, path, boot, "00000000-0000-0000-0000-000000000000");
    assert_false(cold_has(room, 0));
}

/* ---- the account's listing ---- */

static void a_listing_cut_off_in_a_line_is_carried_on_from_the_whole_ones(void **state)
{
    static const char cut[] = "{\"begun\":1}\n{\"id\":1}\n{\"id\":2}\n{\"id\":3,\"comm";
    struct room *room = *state;
    struct dcs_order third = { .id = 3, .valid_till = -1 };
    struct dcs_order *page[] = { &third };
    dcs_auto(dcs_lines) struct dcs_lines *lines = NULL;
    struct dcs_account_state before;
    const char *line = NULL;
    int64_t seen = 0;

    assert_true(dcs_fs_write(room->cache.fd, "account.part", cut, sizeof(cut) - 1, 0600,
                             DCS_FS_OWNER_SELF, NULL));
    dcs_account_read(&room->cache, &before);
    assert_int_equal(before.partial, 2);
    assert_true(dcs_account_resume(&room->cache, NULL));
    assert_true(dcs_account_add(&room->cache, page, 1, NULL));
    dcs_account_read(&room->cache, &before);
    assert_int_equal(before.partial, 3);
    assert_true(dcs_account_finish(&room->cache, NULL));
    assert_true(dcs_account_open(&room->cache, &lines, NULL));
    while (dcs_lines_next(lines, &line, NULL) && line) {
        dcs_auto(dcs_json) struct dcs_json *row = NULL;
        int64_t id = 0;
        if (dcs_json_parse(line, strlen(line), &row, NULL) && dcs_json_i64(row, "id", &id))
            seen = seen * 10 + id;
    }
    assert_int_equal(seen, 123);
}

/* ---- names of the CA ---- */

static void a_reference_of_the_ca_never_leaves_the_index(void **state)
{
    static const char *const hostile[] = { "../../evil", "..",           ".",     "",
                                           "/tmp/evil",  "a/../../evil", "\x01\n" };
    struct room *room = *state;
    dcs_auto(dcs_bundle) struct dcs_bundle *bundle = NULL;
    dcs_auto(dcs_names) struct dcs_names top = { 0 };
    dcs_auto(dcs_names) struct dcs_names index = { 0 };
    dcs_auto(dcs_names) struct dcs_names keys = { 0 };
    char dir[DCS_GENERATION_DIR];

    test_commit_pair(room->dir, 123);
    assert_true(dcs_cache_current(&room->cache, 123, dir, NULL));
    assert_true(dcs_cache_load_dir(&room->cache, dir, &bundle, NULL));
    for (size_t i = 0; i < DCS_COUNT(hostile); i++)
        dcs_cache_index_add(&room->cache, bundle, hostile[i]);
    assert_true(dcs_fs_list(room->cache.fd, ".", 100, &top, NULL));
    assert_int_equal(top.count, 7); /* FORMAT certificates cold crls index lock orders */
    assert_true(dcs_fs_list(room->cache.fd, "index", 100, &index, NULL));
    assert_int_equal(index.count, 7); /* one for each kind of key */
    assert_true(dcs_fs_list(room->cache.fd, "index/alternate", 100, &keys, NULL));
    for (size_t i = 0; i < keys.count; i++)
        assert_true(keys.names[i][0] == '%' || strncmp(keys.names[i], "a%2F", 4) == 0);
    dcs_cache_index_add(&room->cache, bundle, "web/17");
    struct dcs_fs_stat entry;
    assert_true(dcs_fs_stat(room->cache.fd, "index/alternate/web%2F17/123", &entry, NULL));
}

/* ---- what killed processes left ---- */

static void leave(struct room *room, const char *path, int64_t mtime)
{
    const struct timespec times[2] = { { .tv_sec = mtime }, { .tv_sec = mtime } };

    assert_true(dcs_fs_write(room->cache.fd, path, "x", 1, 0600, DCS_FS_OWNER_SELF, NULL));
    assert_int_equal(utimensat(room->cache.fd, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

static bool is_left(struct room *room, const char *path)
{
    struct dcs_fs_stat stat;

    return dcs_fs_stat(room->cache.fd, path, &stat, NULL);
}

/* A temporary file of the last hour may be a living process's: many work here at once without a lock. */
static void old_temporary_files_are_swept_away_wherever_they_are_made(void **state)
{
    static const char *const old[] = { ".tmp-1-1", "cold/.tmp-1-2", "orders/.tmp-1-3",
                                       "orders/123/.tmp-1-4", "index/serial/.tmp-1-5" };
    struct room *room = *state;
    int64_t now = room->world.now;

    make_order(room, 123);
    assert_int_equal(mkdirat(room->cache.fd, "index/serial", 0755), 0);
    for (size_t i = 0; i < DCS_COUNT(old); i++)
        leave(room, old[i], now - 3600);
    leave(room, "index/.tmp-1-6", now + 3600); /* another clock's */
    leave(room, "orders/123/.tmp-1-7", now - 3599);
    leave(room, "orders/123/tmp-1-8", now - 3600);
    dcs_cache_sweep(&room->cache);
    for (size_t i = 0; i < DCS_COUNT(old); i++)
        assert_false(is_left(room, old[i]));
    assert_false(is_left(room, "index/.tmp-1-6"));
    assert_true(is_left(room, "orders/123/.tmp-1-7"));
    assert_true(is_left(room, "orders/123/tmp-1-8"));
    assert_true(is_left(room, "orders/123/lock"));
}

static void revoked_serials_are_kept_apart_and_taken_back(void **state)
{
    char serials[DCS_REVOKED_TEXT] = "";

    (void)state;
    assert_false(dcs_revoked_has(serials, "0a"));
    assert_false(dcs_revoked_has(NULL, "0a"));
    dcs_revoked_note(serials, "0a", true);
    dcs_revoked_note(serials, "0a1", true);
    dcs_revoked_note(serials, "0a", true); /* not twice */
    assert_string_equal(serials, "0a 0a1");
    assert_true(dcs_revoked_has(serials, "0a") && dcs_revoked_has(serials, "0a1"));
    assert_false(dcs_revoked_has(serials, "a1"));
    assert_false(dcs_revoked_has(serials, ""));
    dcs_revoked_note(serials, "0a", false);
    assert_string_equal(serials, "0a1");
    for (int n = 0; n < 200; n++) { /* the oldest are forgotten, the newest stay whole */
        char serial[65];
        snprintf(serial, sizeof(serial), "%064d", n);
        dcs_revoked_note(serials, serial, true);
        assert_true(dcs_revoked_has(serials, serial));
    }
    assert_true(strlen(serials) < sizeof(serials));
    assert_false(dcs_revoked_has(serials, "0a1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(revoked_serials_are_kept_apart_and_taken_back),
        cmocka_unit_test_setup_teardown(an_attempt_of_another_boot_is_no_attempt_of_now, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_cold_failure_of_another_boot_is_no_answer, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            a_listing_cut_off_in_a_line_is_carried_on_from_the_whole_ones, set_up, tear_down),
        cmocka_unit_test_setup_teardown(old_temporary_files_are_swept_away_wherever_they_are_made,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_reference_of_the_ca_never_leaves_the_index, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
