/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli.h - what the commands of digicert-store share. Results go to stdout, all else to stderr as
 * "digicert-store: ..." without capital and full stop, then "hint: ..." when the cure is known.
 */
#ifndef DCS_CLI_H
#define DCS_CLI_H

#include <stdio.h>
#include <sys/types.h>

#include "digicert-store.h"

/* Exit statuses (digicert-store(1)). */
enum cli_status {
    CLI_DONE = 0,
    CLI_BUG = 1,
    CLI_USAGE = 2,
    CLI_NOT_FOUND = 3,
    CLI_DENIED = 4,
    CLI_PENDING = 5,
    CLI_AWAY = 6,
    CLI_LOCAL = 7,
    CLI_POLICY = 8,
};

struct cli_option {
    const char *name;     /* "--key" */
    const char *argument; /* "FILE", NULL for a flag */
    const char *help;
};

struct cli_command {
    const char *name, *arguments, *help;
    const struct cli_option *options; /* ended by a NULL name */
    int (*run)(int argc, char **argv);
};
extern const struct cli_command cli_commands[];

/* Options and the rest of a command line. */
struct cli_args {
    const char *values[16]; /* by index of the command's options; "" for a flag that was given */
    char **rest;
    int rest_count;
    bool json;
};
/* CLI_DONE, or CLI_USAGE after a message; --help prints and exits. */
int cli_parse(const char *command, int argc, char **argv, struct cli_args *ret_args);

void cli_say(const char *format, ...) DCS_PRINTF(1, 2);
/* Says the error and gives its exit status. */
int cli_fail(const struct dcs_err *err);
int cli_usage_error(const char *command, const char *format, ...) DCS_PRINTF(2, 3);
/* The worse of two, in the order 7 4 8 2 3 6 5 0. */
int cli_worst(int a, int b);
enum cli_status cli_status_of(enum dcs_code code);
bool cli_print_json(const struct dcs_json *json);
/* NULL after a message; exit status in *ret_status. */
struct dcs_store *cli_open_store(int *ret_status);
/* 1 MiB at most, "-" is stdin; wiped memory. */
bool cli_read_file(const char *path, struct dcs_secret *ret_secret, struct dcs_err *err);
/* The same with another limit. */
bool cli_read_bytes(const char *path, size_t max, struct dcs_secret *ret_secret,
                    struct dcs_err *err);
/* out.c. Beside the file with mode 0600, then renamed: a failure leaves no file, and no half one. */
bool cli_write_file(const char *path, mode_t mode, const struct dcs_buf *data, struct dcs_err *err);
bool cli_write_all(int fd, const struct dcs_buf *data); /* false: see errno */
/* An octal mode such as 0640. */
bool cli_parse_mode(const char *text, mode_t *ret_mode);

/* One row of text for each member that is there. */
struct cli_row {
    const char *path, *label;
};
void cli_print_rows(const struct dcs_json *object, const struct cli_row *rows, size_t count);
/* 0 when the member is not there or is no time. */
int64_t cli_time_of(const struct dcs_json *object, const char *path);

int cmd_show(int argc, char **argv);
int cmd_get(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_import(int argc, char **argv);
int cmd_config(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_exec(int argc, char **argv);
int cmd_reissue(int argc, char **argv);
int cmd_duplicate(int argc, char **argv);
int cmd_wait(int argc, char **argv);
int cmd_ct(int argc, char **argv);
int cmd_deliver(int argc, char **argv);
int cmd_sync(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_maintenance(int argc, char **argv);
int cmd_stub(int argc, char **argv);
/* ---- progress.c: on a terminal only ---- */

struct cli_progress {
    bool is_on, is_drawn;
    int64_t began_ms;
};
void cli_progress_begin(struct cli_progress *progress, bool wanted);
void cli_progress_show(struct cli_progress *progress, const struct dcs_sync_progress *at);
/* Before anything else is printed. */
void cli_progress_clear(struct cli_progress *progress);
void cli_duration_text(int64_t seconds, char out[32]);

/* What a verb that made a new certificate tells. */
int cli_print_report(const struct dcs_json *report, bool as_json);

extern const struct cli_option cli_show_options[], cli_get_options[], cli_list_options[],
    cli_status_options[], cli_import_options[], cli_config_options[], cli_doctor_options[],
    cli_exec_options[], cli_reissue_options[], cli_duplicate_options[], cli_wait_options[],
    cli_ct_options[], cli_report_options[], cli_sync_options[], cli_stub_options[],
    cli_deliver_options[], cli_maintenance_options[];

#endif
