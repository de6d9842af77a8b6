// SPDX-License-Identifier: Apache-2.0
/*
 * many.c - one `sync` over very many orders, of which a twentieth is due, against a CA that keeps its
 * real request limits: no answer 429, about the time that the limits allow; killed in the middle and
 * started again it repeats nothing; a run with nothing to do asks next to nothing. DCS_SIM_ORDERS=10000
 * makes the big run.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim.h"

enum {
    FIRST_ID = 1000000,
    STEP_MS = 100,
    UNCHANGED_REQUESTS = 12, /* design.md section 14 */
    WEEKLY = 10,
    WORKERS = 8,
    CALLS = 4,         /* order info, the request, downloads */
    BUDGET_3MIN = 720, /* 800 by default, a tenth left to doors */
    ALLOWED_5S = 100,
    ALLOWED_3MIN = 1000,
};
static const int64_t SUMMER = 1780617600; /* 2026-06-05 */

struct many {
    struct sim sim;
    struct sim_host host;
    int64_t orders;
};

/* ---- a run ---- */

struct seen {
    int64_t changed, kill_at;
    int64_t lost,
        may_be_lost; /* requests that a kill cut off: looked for before they are repeated */
};

static void take_result(void *context, const struct dcs_json *result, const struct dcs_err *err)
{
    struct seen *seen = context;
    const char *action = dcs_json_text(result, "action");

    if (err->code == DCS_E_PENDING && seen->lost < seen->may_be_lost)
        seen->lost++;
    else if (err->code != DCS_E_NONE)
        fail_msg("%s", err->text);
    seen->changed += strcmp(action, "changed") == 0;
    if (seen->kill_at && seen->changed == seen->kill_at)
        kill(getpid(), SIGKILL); /* the other threads are in the middle of theirs */
}

static double cpu_s(void)
{
    struct timespec t = { 0 };

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void run_sync(struct many *many, struct seen *seen, struct dcs_sync_summary *ret_summary)
{
    const struct dcs_sync_options options = { .ret_summary = ret_summary };
    struct dcs_err err = { 0 };
    double began = cpu_s();

    if (!dcs_store_sync(many->host.verb, &options, take_result, seen, &err))
        fail_msg("sync: %s", err.text);
    const struct dcs_sync_summary *s = ret_summary;
    print_message("%lld orders, %lld reissued, %lld fetched, %lld pending, %lld requests, %lld s, "
                  "CPU %.2f s\n",
                  (long long)s->orders, (long long)s->reissued, (long long)s->fetched,
                  (long long)s->pending, (long long)s->requests, (long long)s->elapsed_ms / 1000,
                  cpu_s() - began);
    assert_int_equal(s->orders, many->orders);
    assert_int_equal(s->failed + s->refused + s->waiting, 0);
    assert_int_equal(s->pending, seen->lost);
}

/* A process of its own, killed when so many orders have their new certificate. */
static void sync_until_killed(struct many *many, int64_t kill_at)
{
    int status = 0;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        struct seen seen = { .kill_at = kill_at };
        struct dcs_sync_summary summary;
        run_sync(many, &seen, &summary);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    sim_take_over_clock(&many->sim);
}

/* ---- the CA's log ---- */

struct log {
    int64_t count, posts, downloads, again, most_5s, most_3min;
};

static int64_t number_behind(const char *path, const char *prefix)
{
    const char *at = strstr(path, prefix);

    return at ? strtoll(at + strlen(prefix), NULL, 10) : 0;
}

/* How many were asked for before. */
static int64_t again(unsigned char *counts, int64_t index)
{
    assert_true(index >= 0);
    return counts[index]++ > 0;
}

static int64_t most_within(const int64_t *times, int64_t count, int64_t window_ms)
{
    int64_t most = 0;

    for (int64_t from = 0, till = 0; till < count; till++) {
        while (times[from] <= times[till] - window_ms)
            from++;
        most = till - from + 1 > most ? till - from + 1 : most;
    }
    return most;
}

static void read_log(struct many *many, struct log *ret_log)
{
    dcs_auto(dcs_json) struct dcs_json *rows = sim_control(&many->sim, "GET", "/requests", NULL);
    struct log log = { .count = (int64_t)dcs_json_count(rows) };
    unsigned char *posts = calloc((size_t)many->orders, 1);
    unsigned char *downloads = calloc(1 << 24, 1);
    int64_t *times = calloc((size_t)log.count + 1, sizeof(*times));
    int64_t at = 0;

    assert_true(posts && downloads && times);
    for (const struct dcs_json *row = dcs_json_first(rows); row; row = dcs_json_next(row)) {
        const char *path = dcs_json_text(row, "path");
        int64_t order = number_behind(path, "/order/certificate/");
        int64_t certificate = number_behind(path, "/certificate/");
        if (sim_number_at(row, "status") == 429)
            fail_msg("the CA's limit was met");
        times[at++] = sim_number_at(row, "time_ms");
        if (strcmp(dcs_json_text(row, "method"), "POST") == 0) {
            if (again(posts, order - FIRST_ID))
                fail_msg("order %lld: a second certificate was asked for", (long long)order);
            log.posts++;
        } else if (strstr(path, "/download/")) {
            log.again += again(downloads, certificate % (1 << 24));
            log.downloads++;
        }
    }
    log.most_5s = most_within(times, log.count, 5000);
    log.most_3min = most_within(times, log.count, 180000);
    free(posts);
    free(downloads);
    free(times);
    *ret_log = log;
}

static void clear_log(struct many *many)
{
    dcs_json_free(sim_control(&many->sim, "DELETE", "/requests", NULL));
}

/* What the budget lets through, the first three minutes' worth at once. */
static int64_t allowed_s(int64_t requests)
{
    return 180 * (requests / BUDGET_3MIN) + 60;
}

/* ---- the story ---- */

static void begin(struct many *many)
{
    size_t room = (size_t)many->orders * 24 + 64;
    char *sections = calloc(1, room);
    size_t len = 0;

    assert_non_null(sections);
    sim_begin(&many->sim, SUMMER, sim_seed(4));
    many->sim.step_ms = STEP_MS;
    dcs_json_free(sim_control(&many->sim, "POST", "/settings", "{\"rate_limit\":true}"));
    dcs_json_free(
        sim_control(&many->sim, "POST", "/orders",
                    "{\"count\":%lld,\"first_id\":%d,\"common_name\":\"h%%d.many.example\"}",
                    (long long)many->orders, FIRST_ID));
    len += (size_t)snprintf(sections, room, "reissue = auto\n");
    for (int64_t i = 0; i < many->orders; i++)
        len += (size_t)snprintf(sections + len, room - len, "[order/%lld]\n",
                                (long long)(FIRST_ID + i));
    sim_host_begin(&many->sim, &many->host, "host", sections);
    free(sections);
}

static void check_log(const struct log *log, int64_t elapsed_s)
{
    print_message("%lld requests (%lld POST, %lld downloads) in %lld s; at most %lld in 5 s, %lld "
                  "in 3 min\n",
                  (long long)log->count, (long long)log->posts, (long long)log->downloads,
                  (long long)elapsed_s, (long long)log->most_5s, (long long)log->most_3min);
    assert_true(log->most_5s <= ALLOWED_5S && log->most_3min <= ALLOWED_3MIN);
    if (elapsed_s > allowed_s(log->count) * 11 / 10)
        fail_msg("%lld s, the limit allows for %lld s", (long long)elapsed_s,
                 (long long)allowed_s(log->count));
}

/* Those few apart that have become due meanwhile. */
static void quiet_run(struct many *many, int64_t most, struct dcs_sync_summary *ret_summary)
{
    struct seen seen = { 0 };

    run_sync(many, &seen, ret_summary);
    assert_true(seen.changed <= many->orders / 200 + 2);
    assert_true(ret_summary->requests <= most + CALLS * seen.changed);
}

static void a_run_with_nothing_to_do_asks_next_to_nothing(struct many *many)
{
    struct dcs_sync_summary summary;

    quiet_run(many, UNCHANGED_REQUESTS + WEEKLY, &summary);
    sim_move_to(&many->sim, many->sim.world.now + 600);
    quiet_run(many, UNCHANGED_REQUESTS + WEEKLY, &summary);
}

/* Gives the first moment at which an order is due. */
static int64_t a_day_later_the_weekly_looks_begin(struct many *many)
{
    struct dcs_sync_summary summary;

    sim_move_to(&many->sim, many->sim.world.now + 25 * SIM_HOUR);
    quiet_run(many, UNCHANGED_REQUESTS + WEEKLY, &summary);
    assert_true(summary.requests > 1);
    assert_true(summary.next_due > many->sim.world.now);
    return summary.next_due;
}

/* The CA's answer to a request that was cut off is looked for twice, over ten minutes, before it is sent
 * again. */
static void find_what_was_cut_off(struct many *many, struct seen *after)
{
    for (int i = 0; i < 4; i++) {
        struct seen seen = { .may_be_lost = WORKERS };
        struct dcs_sync_summary summary;

        sim_move_to(&many->sim, many->sim.world.now + 20 * 60);
        run_sync(many, &seen, &summary);
        after->changed += seen.changed;
        if (i == 3)
            assert_int_equal(seen.lost, 0);
    }
}

static void many_orders_are_kept_within_the_limits_and_nothing_is_done_twice(void **state)
{
    struct many many = { .orders = sim_number("DCS_SIM_ORDERS", 1000) };
    struct dcs_sync_summary summary;
    struct seen seen = { 0 };
    struct log log;

    (void)state;
    begin(&many);
    int64_t began = many.sim.world.now;
    run_sync(&many, &seen, &summary);
    assert_int_equal(summary.reissued, many.orders);
    read_log(&many, &log);
    check_log(&log, many.sim.world.now - began);
    assert_int_equal(log.posts, many.orders);
    assert_int_equal(log.again, 0);
    /* They are spread over a thirtieth of their life: after a part of that, the same part is due. Of few
     * orders a half, or chance alone would often leave none or twice as many. */
    int64_t part = many.orders < 200 ? 2 : 20;
    a_run_with_nothing_to_do_asks_next_to_nothing(&many);
    int64_t first_due = a_day_later_the_weekly_looks_begin(&many);
    sim_move_to(&many.sim, first_due + 199 * SIM_DAY / 30 / part);
    clear_log(&many);
    began = many.sim.world.now;
    int64_t due = many.orders / part;
    sync_until_killed(&many, due / 2);
    struct seen after = { .may_be_lost = WORKERS };
    run_sync(&many, &after, &summary);
    read_log(&many, &log);
    check_log(&log, many.sim.world.now - began);
    assert_true(log.posts > due / 2 && log.posts < 2 * due);
    /* Downloads that the kill cut off: such a certificate is read as what the order names, and then as the
     * answer to our request. */
    assert_true(log.again <= 2 * WORKERS);
    /* What was in the middle is neither lost nor done twice. */
    find_what_was_cut_off(&many, &after);
    read_log(&many, &log);
    print_message("%lld due, %lld cut off and found\n", (long long)log.posts,
                  (long long)after.lost);
    assert_in_range(log.posts, due / 2 + after.changed, due / 2 + after.changed + WORKERS);
    a_run_with_nothing_to_do_asks_next_to_nothing(&many);
    sim_host_end(&many.host);
    sim_end(&many.sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_orders_are_kept_within_the_limits_and_nothing_is_done_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
