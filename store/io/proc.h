/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc.h - runs a command of the administrator's: a shell with an environment of its own, a deadline,
 * and no more of its output than fits.
 *
 * The command gets /, /dev/null as its input, umask 022, no descriptor of ours, default signals and a
 * process group of its own, which is ended at the deadline. What it leaves running is not waited for,
 * also when that keeps the output open.
 */
#ifndef DCS_IO_PROC_H
#define DCS_IO_PROC_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/env.h"

enum { DCS_OUTPUT_KEPT = 65536 };

struct dcs_command {
    const char *text;               /* for /bin/sh -c */
    const char *const *environment; /* NAME=VALUE, ended by NULL: all that it gets */
    int64_t deadline_ms;
    uid_t uid; /* (uid_t)-1: as this process; else with that user's groups */
    gid_t gid;
};

struct dcs_outcome {
    bool timed_out;
    int exit_status;       /* -1: ended by a signal */
    int signal;            /* 0: it exited */
    int64_t output_len;    /* of all that it wrote */
    struct dcs_buf output; /* the last DCS_OUTPUT_KEPT bytes of it, as they are */
};
void dcs_outcome_drop(struct dcs_outcome *outcome);

/* False when it could not be started; how it ended is in *ret_outcome. */
bool dcs_command_run(const struct dcs_env *env, const struct dcs_command *command,
                     struct dcs_outcome *ret_outcome, struct dcs_err *err) DCS_CHECKED;
/* "" when it succeeded, else "exit status 3", "killed by signal 9 (Killed)", "not done after 60 s". */
void dcs_outcome_words(const struct dcs_outcome *outcome, int64_t deadline_ms, char *out,
                       size_t capacity);

#endif
