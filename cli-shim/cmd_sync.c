// SPDX-License-Identifier: Apache-2.0
/* cmd_sync.c - `sync`: everything that is due, for all managed orders; a line for each that changed. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "every.h"
#include "sync.h"

enum { OPT_NOW, OPT_EVERY, OPT_AFFECTED, OPT_DRY_RUN };

const struct cli_option cli_sync_options[] = {
    { "--now", NULL, "Ask the CA although it was away and its next try is ahead" },
    { "--every", "INTERVAL", "Again and again, and deliver: for hosts without a timer (10m, 1h)" },
    { "--all-affected-by", "FILE", "Reissue what a revocation notice names, nothing else" },
    { "--dry-run", NULL, "With --all-affected-by: say what would be reissued" },
    { NULL, NULL, NULL },
};

/* ---- results, for all kinds of runs ---- */

static void add_row(struct cli_sync *run, const struct dcs_json *result, const struct dcs_err *err)
{
    static const struct {
        const char *name, *path;
    } texts[] = { { "section", "section" },       { "action", "action" },
                  { "serial", "current.serial" }, { "source", "current.source" },
                  { "plan", "plan.words" },       { "not_after", "current.not_after" } };
    struct dcs_json *row = dcs_json_add_object(run->results, NULL);
    int64_t id = 0;

    if (dcs_json_i64(result, "order_id", &id))
        dcs_json_add_i64(row, "order_id", id);
    if (dcs_json_i64(result, "line", &id))
        dcs_json_add_i64(row, "line", id);
    for (size_t i = 0; i < DCS_COUNT(texts); i++)
        if (dcs_json_text(result, texts[i].path))
            dcs_json_add_text(row, texts[i].name, dcs_json_text(result, texts[i].path));
    if (err->code == DCS_E_NONE)
        return;
    dcs_json_add_text(row, "code", dcs_code_name(err->code));
    dcs_json_add_text(row, "text", err->text);
    if (err->hint[0])
        dcs_json_add_text(row, "hint", err->hint);
}

void cli_sync_take(void *context, const struct dcs_json *result, const struct dcs_err *err)
{
    static const struct {
        const char *action, *words;
    } said[] = { { "changed", "new certificate for" },
                 { "would-reissue", "would be reissued:" },
                 { "already", "replaced already:" } };
    struct cli_sync *run = context;
    const char *action = dcs_json_text(result, "action");
    const char *till = dcs_json_text(result, "current.not_after");
    const char *name = dcs_json_text(result, "current.common_name");
    int64_t id = 0;

    if (err->code != DCS_E_NONE) {
        cli_progress_clear(&run->progress);
        run->status =
            cli_worst(run->status, run->as_json ? (int)cli_status_of(err->code) : cli_fail(err));
    }
    if (run->as_json) {
        add_row(run, result, err);
        return;
    }
    if (!action || !dcs_json_i64(result, "order_id", &id))
        return;
    for (size_t i = 0; i < DCS_COUNT(said); i++) {
        if (strcmp(action, said[i].action) != 0)
            continue;
        cli_progress_clear(&run->progress);
        printf("order %lld: %s %s, not after %s\n", (long long)id, said[i].words, name ? name : "?",
               till ? till : "?");
    }
}

void cli_sync_progress(void *context, const struct dcs_sync_progress *progress)
{
    struct cli_sync *run = context;

    cli_progress_show(&run->progress, progress);
}

void cli_sync_begin(struct cli_sync *run, bool as_json)
{
    *run = (struct cli_sync){ .as_json = as_json, .root = dcs_json_new_object() };
    run->results = dcs_json_add_array(run->root, "orders");
    cli_progress_begin(&run->progress, true);
}

void cli_sync_end(struct cli_sync *run)
{
    dcs_json_free(run->root);
    run->root = NULL;
}

/* ---- the end ---- */

static const struct counter {
    const char *name, *text;
    size_t offset;
    bool always;
} counters[] = {
    { "reissued", "renewed", offsetof(struct dcs_sync_summary, reissued), true },
    { "fetched", "fetched", offsetof(struct dcs_sync_summary, fetched), true },
    { "pending", "pending", offsetof(struct dcs_sync_summary, pending), true },
    { "failed", "failed", offsetof(struct dcs_sync_summary, failed), true },
    { "refused", "refused", offsetof(struct dcs_sync_summary, refused), false },
    { "waiting", "waiting for the service", offsetof(struct dcs_sync_summary, waiting), false },
};

static int64_t count_of(const struct dcs_sync_summary *summary, const struct counter *counter)
{
    return *(const int64_t *)(const void *)((const char *)summary + counter->offset);
}

static void print_json(struct cli_sync *run, const struct dcs_sync_summary *summary)
{
    struct dcs_json *object = dcs_json_add_object(run->root, "summary");

    dcs_json_add_i64(object, "orders", summary->orders);
    for (size_t i = 0; i < DCS_COUNT(counters); i++)
        dcs_json_add_i64(object, counters[i].name, count_of(summary, &counters[i]));
    dcs_json_add_i64(object, "requests", summary->requests);
    dcs_json_add_i64(object, "elapsed_ms", summary->elapsed_ms);
    if (summary->next_due >= 0)
        dcs_json_add_time(object, "next_due", summary->next_due);
    if (!cli_print_json(run->root))
        run->status = CLI_LOCAL;
}

static void print_line(const struct dcs_sync_summary *summary)
{
    char due[DCS_TIME_TEXT];
    char took[32];

    printf("%lld orders:", (long long)summary->orders);
    for (size_t i = 0; i < DCS_COUNT(counters); i++)
        if (counters[i].always || count_of(summary, &counters[i]))
            printf(" %lld %s,", (long long)count_of(summary, &counters[i]), counters[i].text);
    cli_duration_text(summary->elapsed_ms / 1000, took);
    printf(" %lld requests in %s", (long long)summary->requests, took);
    if (summary->next_due >= 0) {
        dcs_time_text(summary->next_due, due);
        printf("; next due %s", due);
    }
    putchar('\n');
}

/* Why orders wait and until when: the service was away in this run, or an earlier one found it so. */
static void tell_waiting(struct dcs_store *store, struct cli_sync *run, int64_t waiting)
{
    dcs_auto(dcs_json) struct dcs_json *service = NULL;
    struct dcs_err err = { 0 };

    if (waiting == 0)
        return;
    run->status = cli_worst(run->status, CLI_AWAY);
    if (!dcs_store_service(store, &service, &err) || !dcs_json_text(service, "words"))
        return;
    if (!run->as_json) {
        cli_say("%lld orders wait: %s", (long long)waiting, dcs_json_text(service, "words"));
        fprintf(stderr, "hint: nothing is lost; `digicert-store sync --now` tries at once\n");
        return;
    }
    dcs_json_attach(run->root, "service", dcs_steal(&service));
}

/* Said once, not again where an order failed by the same. */
static void tell_trouble(struct cli_sync *run, const struct dcs_err *trouble)
{
    int status = (int)cli_status_of(trouble->code);

    if (trouble->code == DCS_E_NONE)
        return;
    if (run->as_json) {
        struct dcs_json *object = dcs_json_add_object(run->root, "trouble");
        dcs_json_add_text(object, "code", dcs_code_name(trouble->code));
        dcs_json_add_text(object, "text", trouble->text);
        if (trouble->hint[0])
            dcs_json_add_text(object, "hint", trouble->hint);
    } else if (run->status != status) {
        (void)cli_fail(trouble);
    }
    run->status = cli_worst(run->status, status);
}

int cli_sync_finish(struct cli_sync *run, struct dcs_store *store,
                    const struct dcs_sync_summary *summary)
{
    cli_progress_clear(&run->progress);
    tell_waiting(store, run, summary->waiting);
    tell_trouble(run, &summary->trouble);
    if (run->as_json)
        print_json(run, summary);
    else
        print_line(summary);
    return run->status;
}

/* ---- one run, or many ---- */

struct call {
    bool as_json, tries_now;
    const atomic_bool *stop;
};

static int sync_once(const struct call *call)
{
    dcs_auto(dcs_store) struct dcs_store *store = NULL;
    dcs_auto(cli_sync) struct cli_sync run = { 0 };
    struct dcs_sync_summary summary;
    struct dcs_err err = { 0 };
    int status = CLI_DONE;
    const struct dcs_sync_options options = { .tries_now = call->tries_now,
                                              .stop = call->stop,
                                              .progress = cli_sync_progress,
                                              .ret_summary = &summary };

    if (!(store = cli_open_store(&status)))
        return status;
    cli_sync_begin(&run, call->as_json);
    if (!dcs_store_sync(store, &options, cli_sync_take, &run, &err)) {
        cli_progress_clear(&run.progress);
        return cli_fail(&err);
    }
    return cli_sync_finish(&run, store, &summary);
}

/* What the units do: a run, and then what came of it goes to the programs. */
static int sync_and_deliver(void *context)
{
    const struct call *call = context;
    char name[] = "deliver";
    char quiet[] = "--json";
    char *argv[] = { name, call->as_json ? quiet : NULL, NULL };
    int status = sync_once(call);

    return atomic_load(call->stop) ? status
                                   : cli_worst(status, cmd_deliver(call->as_json ? 2 : 1, argv));
}

/* What will not get better by itself ends the loop before it begins. */
static int check_config(void)
{
    dcs_auto(dcs_store) struct dcs_store *store = NULL;
    struct dcs_err err = { 0 };
    int status = CLI_DONE;

    store = cli_open_store(&status);
    return !store || dcs_store_config_ok(store, &err) ? status : cli_fail(&err);
}

int cmd_sync(int argc, char **argv)
{
    struct cli_args args;
    int status = cli_parse("sync", argc, argv, &args);

    if (status != CLI_DONE)
        return status;
    if (args.rest_count > 0)
        return cli_usage_error("sync", "sync takes no argument: it is for all managed orders");
    const char *every = args.values[OPT_EVERY];
    /* A person who asks is answered; a timer follows the ladder. */
    struct call call = { .as_json = args.json,
                         .tries_now = args.values[OPT_NOW] || (!every && isatty(STDIN_FILENO)),
                         .stop = cli_stop_on_signals() };
    if (every && (args.values[OPT_NOW] || args.values[OPT_AFFECTED]))
        return cli_usage_error("sync", "%s is for one run, --every for many",
                               args.values[OPT_NOW] ? "--now" : "--all-affected-by");
    if (args.values[OPT_DRY_RUN] && !args.values[OPT_AFFECTED])
        return cli_usage_error("sync", "--dry-run goes with --all-affected-by");
    if (every)
        return (status = check_config()) == CLI_DONE ? cli_every(every, sync_and_deliver, &call)
                                                     : status;
    status = args.values[OPT_AFFECTED]
                 ? cli_sync_affected(args.values[OPT_AFFECTED], args.values[OPT_DRY_RUN], args.json,
                                     call.stop)
                 : sync_once(&call);
    cli_end_by_signal();
    return status;
}
