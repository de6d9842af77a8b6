// SPDX-License-Identifier: Apache-2.0
/* test_service.c - what processes tell each other about an away service: the ladder, who heeds it and
 * for how long, and when a run over many orders gives up. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "fake.h"
#include "flow/service.h"

#define WHOLE DCS_SERVICE_WHOLE
#define ISSUANCE DCS_SERVICE_ISSUANCE

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

static struct dcs_service service_in(struct room *room, bool is_verb)
{
    return (struct dcs_service){ .env = &room->world.env,
                                 .state_fd = room->fd,
                                 .owner = DCS_FS_OWNER_SELF,
                                 .is_verb = is_verb,
                                 .hash = "0123456789abcdef" };
}

static const int64_t rungs[] = { 60, 600, 6000, 21600, 21600 };

/* Six hours of the ladder do not begin in the last minutes of a window of two. */
static void after_announced_maintenance_it_is_tried_soon(void **state)
{
    struct room *room = *state;
    struct dcs_service verb = service_in(room, true);
    struct dcs_service_state seen;
    int64_t end = room->world.now + 7200;

    verb.announced_end = end;
    for (int rung = 0; room->world.now < end; rung++) {
        dcs_service_failed(&verb, WHOLE, "HTTP 503");
        dcs_service_read(&verb, &seen);
        assert_true(seen.parts[WHOLE].next_try > room->world.now);
        assert_true(seen.parts[WHOLE].next_try <= end + 1800);
        assert_true(rung < 6); /* it is still a ladder */
        room->world.now = seen.parts[WHOLE].next_try;
    }
    /* It is over, and the service is away all the same: the ladder as it was. */
    dcs_service_failed(&verb, WHOLE, "HTTP 503");
    dcs_service_read(&verb, &seen);
    assert_true(seen.parts[WHOLE].next_try >= room->world.now + 10800);
}

static void verbs_climb_the_ladder_and_doors_heed_it_for_ten_minutes(void **state)
{
    struct room *room = *state;
    struct dcs_service verb = service_in(room, true);
    struct dcs_service door = service_in(room, false);
    struct dcs_service_state s;

    for (size_t i = 0; i < DCS_COUNT(rungs); i++) {
        struct dcs_err err = { 0 };
        dcs_service_failed(&verb, WHOLE, "HTTP 503");
        dcs_service_read(&verb, &s);
        int64_t wait = s.parts[WHOLE].next_try - room->world.now;
        assert_in_range(wait, rungs[i] / 2, rungs[i]);
        assert_int_equal(dcs_service_wait_s(&s, WHOLE, room->world.now), wait);
        assert_false(dcs_service_may_try(&door, WHOLE, &err));
        assert_int_equal(err.code, DCS_E_AWAY);
        assert_true(dcs_service_may_try(&verb, WHOLE, &err)); /* verbs always try */
        room->world.now += wait > 600 ? 601 : wait; /* doors forget after ten minutes at most */
        assert_true(dcs_service_may_try(&door, WHOLE, &err));
        room->world.now += wait;
    }
    dcs_service_succeeded(&verb, WHOLE);
    dcs_service_read(&verb, &s);
    assert_int_equal(s.parts[WHOLE].since, 0);
    assert_int_equal(s.parts[WHOLE].failures, 0);
    assert_int_equal(s.parts[WHOLE].was_till, room->world.now);
}

static void who_tries_before_its_time_climbs_no_rung(void **state)
{
    struct room *room = *state;
    struct dcs_service verb = service_in(room, true);
    struct dcs_service_state first, s;

    dcs_service_failed(&verb, WHOLE, "HTTP 503");
    dcs_service_read(&verb, &first);
    for (int i = 0; i < 10; i++) {
        room->world.now += 1;
        dcs_service_failed(&verb, WHOLE, "HTTP 502");
    }
    dcs_service_read(&verb, &s);
    assert_int_equal(s.parts[WHOLE].failures, 1);
    assert_int_equal(s.parts[WHOLE].next_try, first.parts[WHOLE].next_try);
    assert_int_equal(s.parts[WHOLE].since, first.parts[WHOLE].since);
    assert_string_equal(s.parts[WHOLE].reason, "HTTP 502");
}

/* Whoever looks at an order is not held back because none is issued. */
static void issuance_is_a_part_of_its_own(void **state)
{
    struct room *room = *state;
    struct dcs_service verb = service_in(room, true);
    struct dcs_service door = service_in(room, false);
    struct dcs_service_state s;
    struct dcs_err err = { 0 };

    dcs_service_failed(&verb, ISSUANCE, "HTTP 503");
    assert_true(dcs_service_may_try(&door, WHOLE, &err));
    assert_false(dcs_service_may_try(&door, ISSUANCE, &err));
    assert_non_null(strstr(err.text, "issues nothing"));
    dcs_service_succeeded(&verb, WHOLE); /* it answers: that was known */
    assert_false(dcs_service_may_try(&door, ISSUANCE, NULL));
    dcs_service_failed(&verb, WHOLE, "HTTP 503");
    dcs_service_succeeded(&verb, ISSUANCE);
    dcs_service_read(&verb, &s);
    assert_int_equal(s.parts[WHOLE].since, 0);
    assert_int_equal(s.parts[ISSUANCE].since, 0);
    assert_true(dcs_service_may_try(&door, ISSUANCE, NULL));
}

static void a_door_writes_its_mark_alone(void **state)
{
    struct room *room = *state;
    struct dcs_service door = service_in(room, false);
    struct dcs_service_state s;
    char path[4096];
    struct stat info;

    dcs_service_failed(&door, WHOLE, "HTTP 503");
    dcs_service_succeeded(&door, WHOLE);
    dcs_service_read(&door, &s);
    assert_int_equal(s.parts[WHOLE].since, 0);
    snprintf(path, sizeof(path), "%s/service-0123456789abcdef.json", room->dir);
    assert_int_equal(stat(path, &info), -1);
    snprintf(path, sizeof(path), "%s/away-0123456789abcdef", room->dir);
    assert_int_equal(stat(path, &info), 0);
}

static void what_cannot_be_believed_reads_as_not_away(void **state)
{
    static const char *const texts[] = {
        "{\"service\":{\"away_since\":",
        "[]",
        "{\"service\":7}",
        /* a next try that no ladder gives: of a clock that was wrong */
        "{\"service\":{\"away_since\":5,\"next_try\":99999999999,\"written\":1795521600}}",
    };
    struct room *room = *state;
    struct dcs_service door = service_in(room, false);

    for (size_t i = 0; i < DCS_COUNT(texts); i++) {
        fake_write(room->dir, "service-0123456789abcdef.json", texts[i], 0600);
        assert_true(dcs_service_may_try(&door, WHOLE, NULL));
    }
}

/* ---- runs ---- */

static void begin(struct dcs_service *service, bool tries_now, struct dcs_service_run *run)
{
    service->run = NULL;
    dcs_service_run_begin(service, tries_now, run);
    service->run = run;
}

static void a_run_gives_up_after_three_in_a_row_and_climbs_one_rung(void **state)
{
    struct room *room = *state;
    struct dcs_service verb = service_in(room, true);
    struct dcs_service_run run;
    struct dcs_service_state s;
    struct dcs_err err = { 0 };

    begin(&verb, false, &run);
    int64_t first = room->world.now;
    for (int i = 0; i < 3; i++) {
        assert_true(dcs_service_may_try(&verb, WHOLE, &err));
        dcs_service_failed(&verb, WHOLE, "no answer");
        room->world.now += 60; /* each a time-out */
    }
    assert_false(dcs_service_may_try(&verb, WHOLE, &err));
    assert_int_equal(err.code, DCS_E_AWAY);
    assert_non_null(strstr(err.text, "no answer"));
    assert_true(dcs_service_run_holds(&run, ISSUANCE)); /* the part of an away whole */
    dcs_service_run_end(&verb);
    dcs_service_read(&verb, &s);
    assert_int_equal(s.parts[WHOLE].failures, 1);
    assert_int_equal(s.parts[WHOLE].since, first);
}

static void one_bad_order_makes_no_outage(void **state)
{
    struct room *room = *state;
    struct dcs_service verb = service_in(room, true);
    struct dcs_service_run run;
    struct dcs_service_state s;

    begin(&verb, false, &run);
    for (int i = 0; i < 20; i++) {
        dcs_service_failed(&verb, WHOLE, "HTTP 500");
        dcs_service_failed(&verb, WHOLE, "HTTP 500");
        dcs_service_succeeded(&verb, WHOLE);
    }
    dcs_service_failed(&verb, WHOLE, "HTTP 500"); /* the last one of the run */
    assert_false(dcs_service_run_holds(&run, WHOLE));
    dcs_service_run_end(&verb);
    dcs_service_read(&verb, &s);
    assert_int_equal(s.parts[WHOLE].since, 0);
    assert_false(dcs_service_was_away(&s, room->world.now));
}

/* Eight threads: three orders hang, and five others are answered meanwhile. */
static void requests_that_hang_while_others_are_answered_end_no_run(void **state)
{
    struct room *room = *state;
    struct dcs_service verb = service_in(room, true);
    struct dcs_service_run run;

    begin(&verb, false, &run);
    for (int i = 0; i < 8; i++) {
        verb.sent_ms = 1000; /* before the answer of */
        room->world.ms = 5000;
        if (i % 2)
            dcs_service_failed(&verb, WHOLE, "timed out");
        else
            dcs_service_succeeded(&verb, WHOLE);
    }
    for (int i = 0; i < 4; i++)
        dcs_service_failed(&verb, WHOLE, "timed out");
    assert_false(dcs_service_run_holds(&run, WHOLE));
    verb.sent_ms = 6000; /* those that are sent now do */
    for (int i = 0; i < 3; i++)
        dcs_service_failed(&verb, WHOLE, "timed out");
    assert_true(dcs_service_run_holds(&run, WHOLE));
}

static void a_run_over_one_order_climbs_at_its_end(void **state)
{
    struct room *room = *state;
    struct dcs_service verb = service_in(room, true);
    struct dcs_service_run run;
    struct dcs_service_state s;

    begin(&verb, false, &run);
    dcs_service_failed(&verb, WHOLE, "HTTP 503");
    dcs_service_run_end(&verb);
    dcs_service_read(&verb, &s);
    assert_int_equal(s.parts[WHOLE].failures, 1);
}

static void the_next_run_waits_for_its_time_unless_told_otherwise(void **state)
{
    struct room *room = *state;
    struct dcs_service verb = service_in(room, true);
    struct dcs_service_run run;
    struct dcs_service_state s;

    for (size_t i = 0; i < DCS_COUNT(rungs); i++) {
        begin(&verb, false, &run);
        assert_false(dcs_service_run_holds(&run, WHOLE));
        dcs_service_failed(&verb, WHOLE, "HTTP 503");
        dcs_service_run_end(&verb);
        begin(&verb, false, &run);
        assert_true(dcs_service_run_holds(&run, WHOLE));
        dcs_service_run_end(&verb); /* asked for nothing, learned nothing */
        begin(&verb, true, &run);
        assert_false(dcs_service_run_holds(&run, WHOLE));
        dcs_service_run_end(&verb);
        verb.run = NULL;
        dcs_service_read(&verb, &s);
        assert_int_equal(s.parts[WHOLE].failures, (int)i + 1);
        assert_in_range(s.parts[WHOLE].next_try - room->world.now, rungs[i] / 2, rungs[i]);
        room->world.now = s.parts[WHOLE].next_try;
    }
}

static void the_limit_ends_a_run_and_is_no_outage(void **state)
{
    struct room *room = *state;
    struct dcs_service verb = service_in(room, true);
    struct dcs_service_run run;
    struct dcs_service_state s;

    begin(&verb, false, &run);
    for (int i = 0; i < 2; i++)
        dcs_service_limited(&verb, "HTTP 429");
    dcs_service_run_end(&verb);
    dcs_service_limited(&verb, "HTTP 429");
    assert_true(dcs_service_run_holds(&run, WHOLE));
    dcs_service_run_end(&verb);
    dcs_service_read(&verb, &s);
    assert_int_equal(s.parts[WHOLE].since, 0);
}

/* What failed while the service was away is gone on with at once; what failed by itself is not. */
static void an_outage_that_ended_explains_failures_within_it(void **state)
{
    struct room *room = *state;
    struct dcs_service verb = service_in(room, true);
    struct dcs_service_state s;
    int64_t from = room->world.now;

    dcs_service_failed(&verb, WHOLE, "HTTP 503");
    dcs_service_read(&verb, &s);
    room->world.now += 7200;
    assert_true(dcs_service_was_away(&s, room->world.now));
    dcs_service_succeeded(&verb, WHOLE);
    dcs_service_read(&verb, &s);
    assert_true(dcs_service_was_away(&s, from));
    assert_true(dcs_service_was_away(&s, from + 3600));
    assert_false(dcs_service_was_away(&s, from - 1));
    assert_false(dcs_service_was_away(&s, room->world.now + 1));
}

int main(void)
{
#define IN_A_ROOM(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        IN_A_ROOM(after_announced_maintenance_it_is_tried_soon),
        IN_A_ROOM(verbs_climb_the_ladder_and_doors_heed_it_for_ten_minutes),
        IN_A_ROOM(who_tries_before_its_time_climbs_no_rung),
        IN_A_ROOM(issuance_is_a_part_of_its_own),
        IN_A_ROOM(a_door_writes_its_mark_alone),
        IN_A_ROOM(what_cannot_be_believed_reads_as_not_away),
        IN_A_ROOM(a_run_gives_up_after_three_in_a_row_and_climbs_one_rung),
        IN_A_ROOM(one_bad_order_makes_no_outage),
        IN_A_ROOM(requests_that_hang_while_others_are_answered_end_no_run),
        IN_A_ROOM(a_run_over_one_order_climbs_at_its_end),
        IN_A_ROOM(the_next_run_waits_for_its_time_unless_told_otherwise),
        IN_A_ROOM(the_limit_ends_a_run_and_is_no_outage),
        IN_A_ROOM(an_outage_that_ended_explains_failures_within_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
