/* SPDX-License-Identifier: Apache-2.0 */
/* every.h - a command again and again, and an end between two steps of it. */
#ifndef DCS_CLI_EVERY_H
#define DCS_CLI_EVERY_H

#include "cli.h"

/* From now on SIGTERM and SIGINT set the flag that is given; a second one ends the process at once. */
const atomic_bool *cli_stop_on_signals(void);
/* A process that was told to stop and has done so ends as one that the signal ended. */
void cli_end_by_signal(void);

typedef int cli_once_fn(void *context);
/*
 * Calls once every so often ("10m", at least 10 s), each time a tenth earlier or later, the first time
 * within a tenth (a minute at most), so that hosts that start together do not come to the CA
 * together. Ends with 0 on SIGTERM or SIGINT; CLI_USAGE after a message when the interval is none.
 */
int cli_every(const char *interval, cli_once_fn *once, void *context);

#endif
