/* SPDX-License-Identifier: Apache-2.0 */
/* store_event.h - what hook and notify are told, in their environment and nowhere else. */
#ifndef DCS_STORE_EVENT_H
#define DCS_STORE_EVENT_H

#include "io/proc.h"
#include "store_instance.h"

enum { DCS_EVENT_VARIABLES = 16 };

struct dcs_event {
    const char *name; /* "renewed", "failed", "expiring", "pending", "dcv-expiring" */
    int64_t order;
    const char *dir;             /* with the files of the new pair, "" none */
    const char *current;         /* the same by a path that stays, "" none */
    const struct dcs_facts *now; /* of the new certificate, NULL none */
    const char *old_serial;      /* "" none */
    const char *reason;          /* in words */
};

/* NAME=VALUE, ended by NULL; each value one line, and short enough for a process to be started. */
struct dcs_event_environment {
    char *rows[DCS_EVENT_VARIABLES];
};
bool dcs_event_environment(const struct dcs_event *event, struct dcs_event_environment *ret_rows,
                           struct dcs_err *err) DCS_CHECKED;
void dcs_event_environment_drop(struct dcs_event_environment *rows);

/* Runs a command of the configuration for the event, within hook_deadline and `left_ms` (-1: no other
 * bound). as_owner: root becomes the owner of the state directory first. */
bool dcs_event_run(struct job *job, const char *command, const struct dcs_event *event,
                   bool as_owner, int64_t left_ms, struct dcs_outcome *ret_outcome,
                   struct dcs_err *err) DCS_CHECKED;

#endif
