// SPDX-License-Identifier: Apache-2.0
/* cmd_sync.c - `sync`: everything that is due, for all managed orders; a line for each that changed. */
#include <string.h>
#include <unistd.h>

#include "cli.h"

enum { OPT_NOW };

const struct cli_option cli_sync_options[] = {
    { "--now", NULL, "Ask the CA although it was away and its next try is ahead" },
    { NULL, NULL, NULL },
};

struct run {
    bool as_json;
    int status;
    int orders, changed, pending, waiting, failed;
    struct dcs_json *results; /* an array, with as_json */
};

static struct {
    const char *action;
    size_t offset;
} const counters[] = {
    { "changed", offsetof(struct run, changed) },
    { "pending", offsetof(struct run, pending) },
    { "waiting", offsetof(struct run, waiting) },
    { "failed", offsetof(struct run, failed) },
};

static void count(struct run *run, const char *action)
{
    run->orders++;
    for (size_t i = 0; i < DCS_COUNT(counters); i++)
        if (strcmp(action, counters[i].action) == 0)
            ++*(int *)(void *)((char *)run + counters[i].offset);
}

static void add_result(struct run *run, const struct dcs_json *result, const struct dcs_err *err)
{
    struct dcs_json *row = dcs_json_add_object(run->results, NULL);
    int64_t id = 0;

    if (dcs_json_i64(result, "order_id", &id))
        dcs_json_add_i64(row, "order_id", id);
    dcs_json_add_text(row, "action", dcs_json_text(result, "action"));
    if (dcs_json_text(result, "plan.words"))
        dcs_json_add_text(row, "plan", dcs_json_text(result, "plan.words"));
    if (dcs_json_text(result, "current.not_after"))
        dcs_json_add_text(row, "not_after", dcs_json_text(result, "current.not_after"));
    if (err->code == DCS_E_NONE)
        return;
    dcs_json_add_text(row, "code", dcs_code_name(err->code));
    dcs_json_add_text(row, "text", err->text);
    if (err->hint[0])
        dcs_json_add_text(row, "hint", err->hint);
}

static void take_result(void *context, const struct dcs_json *result, const struct dcs_err *err)
{
    struct run *run = context;
    const char *action = dcs_json_text(result, "action");
    const char *till = dcs_json_text(result, "current.not_after");
    const char *name = dcs_json_text(result, "current.common_name");
    int64_t id = 0;

    count(run, action);
    if (err->code != DCS_E_NONE)
        run->status =
            cli_worst(run->status, run->as_json ? (int)cli_status_of(err->code) : cli_fail(err));
    if (run->as_json) {
        add_result(run, result, err);
        return;
    }
    if (strcmp(action, "changed") == 0 && dcs_json_i64(result, "order_id", &id))
        printf("order %lld: new certificate for %s, not after %s\n", (long long)id,
               name ? name : "?", till ? till : "?");
}

/* Why orders wait and until when: the service was away in this run, or an earlier one found it so. */
static void tell_waiting(struct dcs_store *store, struct run *run, struct dcs_json *root)
{
    dcs_auto(dcs_json) struct dcs_json *service = NULL;
    struct dcs_err err = { 0 };

    if (run->waiting == 0)
        return;
    run->status = cli_worst(run->status, CLI_AWAY);
    if (!dcs_store_service(store, &service, &err) || !dcs_json_text(service, "words"))
        return;
    if (!run->as_json) {
        cli_say("%d orders wait: %s", run->waiting, dcs_json_text(service, "words"));
        fprintf(stderr, "hint: nothing is lost; `digicert-store sync --now` tries at once\n");
        return;
    }
    dcs_json_attach(root, "service", dcs_steal(&service));
}

int cmd_sync(int argc, char **argv)
{
    dcs_auto(dcs_store) struct dcs_store *store = NULL;
    dcs_auto(dcs_json) struct dcs_json *root = NULL;
    struct dcs_err err = { 0 };
    struct cli_args args;
    int status = cli_parse("sync", argc, argv, &args);
    struct run run = { 0 };

    if (status != CLI_DONE || !(store = cli_open_store(&status)))
        return status;
    if (args.rest_count > 0)
        return cli_usage_error("sync", "sync takes no argument: it is for all managed orders");
    root = dcs_json_new_object();
    run.as_json = args.json;
    run.results = dcs_json_add_array(root, "orders");
    /* A person who asks is answered; a timer follows the ladder. */
    const struct dcs_sync_options options = { .tries_now =
                                                  args.values[OPT_NOW] || isatty(STDIN_FILENO) };
    if (!dcs_store_sync(store, &options, take_result, &run, &err))
        return cli_fail(&err);
    tell_waiting(store, &run, root);
    if (args.json)
        return cli_print_json(root) ? run.status : CLI_LOCAL;
    printf("%d orders: %d with a new certificate, %d pending, %d failed", run.orders, run.changed,
           run.pending, run.failed);
    if (run.waiting > 0)
        printf(", %d waiting for the service", run.waiting);
    putchar('\n');
    return run.status;
}
