// SPDX-License-Identifier: Apache-2.0
/* test_proc.c - commands that succeed, fail, hang, write without end, and leave daemons behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/proc.h"

static const char *const environment[] = { "PATH=/usr/bin:/bin", "ONE=two words", NULL };

static void run(const char *text, int64_t deadline_ms, struct dcs_outcome *ret_outcome)
{
    const struct dcs_command command = { .text = text,
                                         .environment = environment,
                                         .deadline_ms = deadline_ms,
                                         .uid = (uid_t)-1,
                                         .gid = (gid_t)-1 };

    assert_true(dcs_command_run(dcs_env_real(), &command, ret_outcome, NULL));
}

static void it_tells_how_a_command_ended(void **state)
{
    static const struct {
        const char *text, *words, *output;
    } rows[] = {
        { "true", "", "" },
        { "exit 3", "exit status 3", "" },
        { "nothing-of-that-name 2>/dev/null", "exit status 127", "" },
        { "kill -9 $$", "killed by signal 9 (Killed)", "" },
        { "kill -TERM -$$", "killed by signal 15 (Terminated)", "" },
        { "echo out; echo err >&2; exit 1", "exit status 1", "out\nerr\n" },
        { "echo \"$ONE\"", "", "two words\n" },
        { "pwd; umask", "", "/\n0022\n" },
        { "cat", "", "" }, /* its input is empty */
        { "if test -t 0 || test -t 1; then echo terminal; fi", "", "" },
        { "trap - PIPE; env | sort | sed 's/=.*//' | tr '\\n' ' '", "", "ONE PATH PWD " },
        { "ls /proc/self/fd | wc -l", "", "4\n" }, /* 0, 1, 2 and the directory itself */
    };

    (void)state;
    assert_true(dup(STDOUT_FILENO) > 2); /* one of ours, which the command must not get */
    for (size_t i = 0; i < DCS_COUNT(rows); i++) {
        dcs_auto(dcs_outcome) struct dcs_outcome outcome = { 0 };
        char words[128];
        run(rows[i].text, 10000, &outcome);
        dcs_outcome_words(&outcome, 10000, words, sizeof(words));
        assert_string_equal(words, rows[i].words);
        assert_string_equal(dcs_buf_text(&outcome.output), rows[i].output);
    }
}

static int64_t timed(const char *text, int64_t deadline_ms, struct dcs_outcome *ret_outcome)
{
    int64_t began = dcs_env_mono_ms(dcs_env_real());

    run(text, deadline_ms, ret_outcome);
    return dcs_env_mono_ms(dcs_env_real()) - began;
}

static void what_hangs_is_ended_with_its_children(void **state)
{
    dcs_auto(dcs_outcome) struct dcs_outcome outcome = { 0 };
    char words[128];

    (void)state;
    assert_in_range(timed("sleep 600 & echo $!; sleep 600", 200, &outcome), 200, 30000);
    assert_true(outcome.timed_out);
    dcs_outcome_words(&outcome, 200, words, sizeof(words));
    assert_string_equal(words, "not done after 1 s");
    int64_t child = 0;
    outcome.output.data[strcspn(outcome.output.data, "\n")] = '\0';
    assert_true(dcs_parse_i64(outcome.output.data, 2, INT32_MAX, &child));
    char stat[64];
    snprintf(stat, sizeof(stat), "/proc/%d/cwd", (int)child);
    for (int i = 0; i < 100 && access(stat, F_OK) == 0; i++)
        usleep(20000);
    assert_int_not_equal(access(stat, F_OK), 0);
}

static void what_heeds_no_SIGTERM_is_killed(void **state)
{
    dcs_auto(dcs_outcome) struct dcs_outcome outcome = { 0 };

    (void)state;
    assert_in_range(timed("trap '' TERM; while :; do sleep 0.1; done", 100, &outcome), 2000, 30000);
    assert_true(outcome.timed_out);
    assert_int_equal(outcome.signal, 9);
}

/* The daemon keeps our pipe: nobody waits for it, and it lives on. */
static void a_daemon_that_keeps_the_output_open_hangs_nobody(void **state)
{
    dcs_auto(dcs_outcome) struct dcs_outcome outcome = { 0 };

    (void)state;
    assert_in_range(timed("setsid sleep 15 & sleep 15 & echo started", 60000, &outcome), 0, 14000);
    assert_false(outcome.timed_out);
    assert_int_equal(outcome.exit_status, 0);
    assert_string_equal(dcs_buf_text(&outcome.output), "started\n");
}

static void of_megabytes_the_end_is_kept(void **state)
{
    dcs_auto(dcs_outcome) struct dcs_outcome outcome = { 0 };

    (void)state;
    run("head -c 8000000 /dev/zero | tr '\\0' x; echo; echo the end", 60000, &outcome);
    assert_int_equal(outcome.exit_status, 0);
    assert_int_equal(outcome.output_len, 8000000 + 1 + 8);
    assert_int_equal(outcome.output.len, DCS_OUTPUT_KEPT);
    assert_string_equal(outcome.output.data + DCS_OUTPUT_KEPT - 10, "x\nthe end\n");
    dcs_outcome_drop(&outcome);
    run("head -c 65536 /dev/zero | tr '\\0' y", 60000, &outcome); /* just what fits */
    assert_int_equal(outcome.output.len, DCS_OUTPUT_KEPT);
}

static void a_writer_without_end_is_ended(void **state)
{
    dcs_auto(dcs_outcome) struct dcs_outcome outcome = { 0 };

    (void)state;
    assert_in_range(timed("yes", 300, &outcome), 300, 30000);
    assert_true(outcome.timed_out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_tells_how_a_command_ended),
        cmocka_unit_test(what_hangs_is_ended_with_its_children),
        cmocka_unit_test(what_heeds_no_SIGTERM_is_killed),
        cmocka_unit_test(a_daemon_that_keeps_the_output_open_hangs_nobody),
        cmocka_unit_test(of_megabytes_the_end_is_kept),
        cmocka_unit_test(a_writer_without_end_is_ended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
