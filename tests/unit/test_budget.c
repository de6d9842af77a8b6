// SPDX-License-Identifier: Apache-2.0
/* test_budget.c - thousands of virtual requests: no window is ever fuller than its limit. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"
#include "flow/budget.h"

struct room {
    char *dir;
    int fd;
    struct fake_world world;
};

static int set_up(void **state)
{
    struct room *room = calloc(1, sizeof(*room));

    fake_world_init(&room->world);
    room->dir = fake_dir_new();
    room->fd = -1;
    *state = room;
    return dcs_fs_open_dir(AT_FDCWD, room->dir, &room->fd, NULL) ? 0 : -1;
}

static int tear_down(void **state)
{
    struct room *room = *state;

    dcs_fd_drop(&room->fd);
    fake_dir_drop(&room->dir);
    free(room);
    return 0;
}

static struct dcs_budget budget_in(struct room *room, bool is_verb)
{
    return (struct dcs_budget){ .env = &room->world.env,
                                .state_fd = room->fd,
                                .owner = DCS_FS_OWNER_SELF,
                                .hash = "0123456789abcdef",
                                .per_5s = 80,
                                .per_3min = 800,
                                .is_verb = is_verb };
}

static void no_window_is_ever_fuller_than_its_limit(void **state)
{
    enum { REQUESTS = 3000 };
    struct room *room = *state;
    struct dcs_budget budgets[] = { budget_in(room, false), budget_in(room, true) };
    int64_t *stamps = calloc(REQUESTS, sizeof(*stamps));

    for (int i = 0; i < REQUESTS;
         i++) { /* a door and a verb take turns: two processes on one file */
        assert_true(
            dcs_budget_take(&budgets[i % 2], dcs_deadline_in(&room->world.env, 400000), NULL));
        stamps[i] = room->world.ms;
    }
    for (int i = 80; i < REQUESTS; i++)
        assert_true(stamps[i] - stamps[i - 80] >= 5000);
    for (int i = 800; i < REQUESTS; i++)
        assert_true(stamps[i] - stamps[i - 800] >= 180000);
    /* 3,000 at 800 in 3 min need over 8 min, and not much more than the verb's nine tenths allow */
    assert_in_range(stamps[REQUESTS - 1] - stamps[0], 495000, 740000);
    free(stamps);
}

static void a_turn_beyond_the_deadline_fails_at_once(void **state)
{
    struct room *room = *state;
    struct dcs_budget budget = budget_in(room, false);
    struct dcs_err err = { 0 };

    for (int i = 0; i < 80; i++)
        assert_true(dcs_budget_take(&budget, dcs_deadline_in(&room->world.env, 1000), NULL));
    int64_t before = room->world.slept_ms;
    assert_false(dcs_budget_take(&budget, dcs_deadline_in(&room->world.env, 1000), &err));
    assert_int_equal(err.code, DCS_E_LIMIT);
    assert_int_equal(room->world.slept_ms, before);
}

static void a_verb_leaves_a_tenth_to_doors(void **state)
{
    struct room *room = *state;
    struct dcs_budget verb = budget_in(room, true);
    struct dcs_budget door = budget_in(room, false);
    int taken = 0;

    while (dcs_budget_take(&verb, dcs_deadline_in(&room->world.env, 0), NULL))
        taken++;
    assert_int_equal(taken, 72);
    for (int i = 0; i < 8; i++)
        assert_true(dcs_budget_take(&door, dcs_deadline_in(&room->world.env, 0), NULL));
    assert_false(dcs_budget_take(&door, dcs_deadline_in(&room->world.env, 0), NULL));
}

static void after_429_the_rate_is_halved_for_ten_minutes(void **state)
{
    struct room *room = *state;
    struct dcs_budget budget = budget_in(room, false);
    int taken = 0;

    dcs_budget_halve(&budget);
    while (dcs_budget_take(&budget, dcs_deadline_in(&room->world.env, 0), NULL))
        taken++;
    assert_int_equal(taken, 40);
    room->world.ms += 601000;
    taken = 0;
    while (dcs_budget_take(&budget, dcs_deadline_in(&room->world.env, 0), NULL))
        taken++;
    assert_int_equal(taken, 80);
}

static void a_damaged_file_costs_a_pause_and_nothing_else(void **state)
{
    struct room *room = *state;
    struct dcs_budget budget = budget_in(room, false);

    fake_write(room->dir, "budget-0123456789abcdef", "garbage", 0600);
    assert_true(dcs_budget_take(&budget, dcs_deadline_in(&room->world.env, 30000), NULL));
    assert_in_range(room->world.slept_ms, 5000, 5100);
    /* a stamp ahead of now: the clock of another boot, or damage */
    room->world.ms -= 500000;
    assert_true(dcs_budget_take(&budget, dcs_deadline_in(&room->world.env, 30000), NULL));
    assert_in_range(room->world.slept_ms, 10000, 10200);
}

int main(void)
{
#define IN_A_ROOM(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        IN_A_ROOM(no_window_is_ever_fuller_than_its_limit),
        IN_A_ROOM(a_turn_beyond_the_deadline_fails_at_once),
        IN_A_ROOM(a_verb_leaves_a_tenth_to_doors),
        IN_A_ROOM(after_429_the_rate_is_halved_for_ten_minutes),
        IN_A_ROOM(a_damaged_file_costs_a_pause_and_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
