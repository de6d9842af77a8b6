// SPDX-License-Identifier: Apache-2.0
/*
 * cmd_sync_affected.c - `sync --all-affected-by FILE`: reissues what a revocation notice names. Prints a line
 * for each certificate, and each line of the notice that nothing could be done about.
 */
#include <string.h>
#include <unistd.h>

#include "sync.h"

static bool read_notice(const char *path, struct dcs_affected *ret_notice, struct dcs_err *err)
{
    dcs_auto(dcs_secret) struct dcs_secret text = { 0 };

    if (cli_read_bytes(path, DCS_AFFECTED_BYTES_MAX, &text, err) &&
        dcs_affected_parse((const char *)text.data, text.len, ret_notice, err))
        return true;
    return dcs_fail_while(err, "%s", path);
}

/* Said first: who reads the list wants to know what it does not cover. */
static void say_problems(struct cli_sync *run, const struct dcs_affected *notice)
{
    for (size_t i = 0; i < notice->problem_count; i++) {
        const struct dcs_affected_problem *p = &notice->problems[i];
        run->status = cli_worst(run->status, CLI_USAGE);
        if (!run->as_json) {
            cli_say("line %d: %s", p->line, p->text);
            continue;
        }
        struct dcs_json *row = dcs_json_add_object(run->results, NULL);
        dcs_json_add_i64(row, "line", p->line);
        dcs_json_add_text(row, "action", "failed");
        dcs_json_add_text(row, "code", dcs_code_name(DCS_E_INPUT));
        dcs_json_add_text(row, "text", p->text);
    }
}

struct counts {
    struct cli_sync *run;
    int64_t named, already;
};

static void take(void *context, const struct dcs_json *result, const struct dcs_err *err)
{
    struct counts *counts = context;
    const char *action = dcs_json_text(result, "action");

    counts->named += strcmp(action, "would-reissue") == 0;
    counts->already += strcmp(action, "already") == 0;
    cli_sync_take(counts->run, result, err);
}

static void progress(void *context, const struct dcs_sync_progress *at)
{
    struct counts *counts = context;

    cli_sync_progress(counts->run, at);
}

static void say_estimate(const struct counts *counts, const struct dcs_sync_summary *summary)
{
    char eta[32];

    printf(
        "%lld certificates would be reissued, %lld are replaced already, %lld lines name nothing "
        "that is managed here",
        (long long)counts->named, (long long)counts->already, (long long)summary->failed);
    if (counts->named && summary->eta_s >= 0) {
        cli_duration_text(summary->eta_s, eta);
        printf("; about %s by the request budget", eta);
    }
    putchar('\n');
}

int cli_sync_affected(const char *path, bool is_dry, bool as_json, const atomic_bool *stop)
{
    dcs_auto(dcs_store) struct dcs_store *store = NULL;
    dcs_auto(dcs_affected) struct dcs_affected notice = { 0 };
    dcs_auto(cli_sync) struct cli_sync run = { 0 };
    struct counts counts = { .run = &run };
    struct dcs_sync_summary summary;
    struct dcs_err err = { 0 };

    int status = CLI_DONE;
    if (!read_notice(path, &notice, &err))
        return cli_fail(&err);
    if (!(store = cli_open_store(&status)))
        return status;
    cli_sync_begin(&run, as_json);
    say_problems(&run, &notice);
    const struct dcs_sync_options options = { .tries_now = true, /* a person asks */
                                              .stop = stop,
                                              .progress = progress,
                                              .ret_summary = &summary };
    if (!dcs_store_affected(store, &notice, is_dry, &options, take, &counts, &err)) {
        cli_progress_clear(&run.progress);
        return cli_fail(&err);
    }
    if (!is_dry || as_json)
        return cli_sync_finish(&run, store, &summary);
    cli_progress_clear(&run.progress);
    say_estimate(&counts, &summary);
    return run.status;
}
