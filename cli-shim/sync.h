/* SPDX-License-Identifier: Apache-2.0 */
/* sync.h - a run over many orders and what it tells, between the files of `sync`. */
#ifndef DCS_CLI_SYNC_H
#define DCS_CLI_SYNC_H

#include "cli.h"

struct cli_sync {
    bool as_json;
    int status;
    struct cli_progress progress;
    struct dcs_json *root, *results; /* with as_json */
};
void cli_sync_begin(struct cli_sync *run, bool as_json);
void cli_sync_end(struct cli_sync *run);
#define cli_sync_drop cli_sync_end
/* dcs_sync_cb and dcs_sync_progress_cb; context: struct cli_sync. */
void cli_sync_take(void *context, const struct dcs_json *result, const struct dcs_err *err);
void cli_sync_progress(void *context, const struct dcs_sync_progress *progress);
/* One line, or the JSON; gives the exit status: the worst of all. */
int cli_sync_finish(struct cli_sync *run, struct dcs_store *store,
                    const struct dcs_sync_summary *summary);

/* cmd_sync_affected.c */
int cli_sync_affected(const char *path, bool is_dry, bool as_json, const atomic_bool *stop);

#endif
