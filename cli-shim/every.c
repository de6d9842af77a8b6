// SPDX-License-Identifier: Apache-2.0
/* every.c - a loop for hosts without a timer of their own: waits for its turn or a signal, and never
 * ends in the middle of a step. */
#include "every.h"

#include <signal.h>
#include <sys/select.h>
#include <time.h>

enum { INTERVAL_MIN_MS = 10000, INTERVAL_MAX_MS = 7 * 86400000, FIRST_MAX_MS = 60000 };

static atomic_bool stop;
static volatile sig_atomic_t stopped_by;

static void on_signal(int number)
{
    stopped_by = number;
    atomic_store(&stop, true);
}

static void stop_signals(sigset_t *ret_set)
{
    sigemptyset(ret_set);
    sigaddset(ret_set, SIGTERM);
    sigaddset(ret_set, SIGINT);
}

const atomic_bool *cli_stop_on_signals(void)
{
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND };

    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    return &stop;
}

void cli_end_by_signal(void)
{
    if (!stopped_by)
        return;
    fflush(stdout);
    signal(stopped_by, SIG_DFL);
    raise(stopped_by);
}

/* Signals come in here and nowhere else between the look at the flag and the wait. */
static void wait_ms(int64_t ms)
{
    const struct timespec span = { .tv_sec = (time_t)(ms / 1000),
                                   .tv_nsec = (long)(ms % 1000) * 1000000 };
    sigset_t blocked;
    sigset_t before;

    stop_signals(&blocked);
    sigprocmask(SIG_BLOCK, &blocked, &before);
    if (!atomic_load(&stop))
        (void)pselect(0, NULL, NULL, NULL, &span, &before);
    sigprocmask(SIG_SETMASK, &before, NULL);
}

int cli_every(const char *interval, cli_once_fn *once, void *context)
{
    const struct dcs_env *env = dcs_env_real();
    int64_t every_ms = 0;

    if (!dcs_config_duration(interval, &every_ms) || every_ms < INTERVAL_MIN_MS ||
        every_ms > INTERVAL_MAX_MS) {
        cli_say("--every wants an interval from 10s to 7d, such as 10m, not \"%s\"", interval);
        return CLI_USAGE;
    }
    (void)cli_stop_on_signals();
    int64_t tenth = every_ms / 10;
    int64_t next_ms = dcs_env_jitter(env, 0, tenth < FIRST_MAX_MS ? tenth : FIRST_MAX_MS);
    for (;;) {
        wait_ms(next_ms);
        if (atomic_load(&stop))
            return CLI_DONE;
        int64_t began_ms = dcs_env_mono_ms(env);
        (void)once(context);
        fflush(stdout);
        /* From beginning to beginning; a run that took longer is followed by the next one soon. */
        next_ms = every_ms + dcs_env_jitter(env, 0, 2 * tenth) - tenth -
                  (dcs_env_mono_ms(env) - began_ms);
        next_ms = next_ms > 1000 ? next_ms : 1000;
    }
}
