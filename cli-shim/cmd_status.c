// SPDX-License-Identifier: Apache-2.0
/*
 * cmd_status.c - `status`: all local orders and the service, for people, for scripts (--json) and for
 * monitoring. Asks nobody.
 */
#include <string.h>

#include "status.h"

enum { OPT_CHECK, OPT_NAGIOS, OPT_PROMETHEUS, OPT_OUT, OPT_COUNT };
enum { PLUGIN_UNKNOWN = 3, METRICS_MAX = 512 << 20 };

const struct cli_option cli_status_options[] = {
    [OPT_CHECK] = { "--check", NULL,
                    "One line, and an exit status: 0 good, 5 pending, 6 away, 8 due, 3 expired" },
    [OPT_NAGIOS] = { "--nagios", NULL, "The same line; 0 OK, 1 warning, 2 critical, 3 unknown" },
    [OPT_PROMETHEUS] = { "--prometheus", NULL,
                         "Metrics for the node exporter's textfile collector" },
    [OPT_OUT] = { "--out", "FILE", "Write the metrics to FILE, whole or not at all" },
    [OPT_COUNT] = { NULL, NULL, NULL },
};

static void print_status_row(const struct dcs_json *order)
{
    const char *stage = dcs_json_text(order, "current.stage");
    const char *till = dcs_json_text(order, "current.not_after");
    const char *name = dcs_json_text(order, "current.common_name");
    const char *state = dcs_json_text(order, "health.state");
    int64_t id = 0;

    (void)dcs_json_i64(order, "order_id", &id);
    printf("%-12lld %-9s %-4s %-21s %s\n", (long long)id, stage ? stage : "-",
           dcs_json_tri(order, "current.has_key") == DCS_YES ? "key" : "-", till ? till : "-",
           name ? name : "-");
    if (state && strcmp(state, "good") != 0)
        printf("             %s: %s\n", state, dcs_json_text(order, "health.words"));
    else if (dcs_json_text(order, "last_failure.text"))
        printf("             %s\n", dcs_json_text(order, "last_failure.text"));
    else if (dcs_json_text(order, "request.waits_for"))
        printf("             a new certificate was asked for, the CA %s\n",
               dcs_json_text(order, "request.waits_for"));
}

static void print_service(const struct dcs_json *service)
{
    static const struct cli_row rows[] = { { "api_url", "api_url" },
                                           { "away", "away" },
                                           { "words", "state" },
                                           { "waiting", "orders waiting" },
                                           { "away_since", "away since" },
                                           { "next_try", "next try" },
                                           { "reason", "reason" },
                                           { "last_success", "last success" },
                                           { "budget_left_5s", "left in 5 s" },
                                           { "budget_left_3min", "left in 3 min" } };

    if (service) {
        printf("service\n");
        cli_print_rows(service, rows, DCS_COUNT(rows));
    }
}

/* The window that is on, and the next one: in UTC and by this host's clock. */
static void print_maintenance(const struct dcs_json *root)
{
    static const char *const which[] = { "now", "next" };
    const struct dcs_json *maintenance = dcs_json_get(root, "maintenance");

    for (size_t i = 0; i < DCS_COUNT(which); i++) {
        const struct dcs_json *w = dcs_json_get(maintenance, which[i]);
        if (w)
            printf("maintenance, %-4s  %s to %s (here %s): %s\n", which[i],
                   dcs_json_text(w, "start"), dcs_json_text(w, "end"),
                   dcs_json_text(w, "start_local"), dcs_json_text(w, "title"));
    }
}

static int print_line(const struct dcs_json *root, bool is_plugin)
{
    dcs_auto(dcs_buf) struct dcs_buf line = { 0 };
    struct dcs_err err = { 0 };

    cli_check_line(root, &line);
    if (!dcs_buf_ok(&line, "the line", &err))
        return cli_fail(&err);
    fputs(dcs_buf_text(&line), stdout);
    return is_plugin ? cli_plugin_status(root) : cli_check_status(root);
}

static int print_table(const struct dcs_json *root)
{
    const struct dcs_json *orders = dcs_json_get(root, "orders");

    printf("%-12s %-9s %-4s %-21s %s\n", "ORDER", "STAGE", "KEY", "NOT AFTER", "NAME");
    for (const struct dcs_json *o = dcs_json_first(orders); o; o = dcs_json_next(o))
        print_status_row(o);
    print_service(dcs_json_get(root, "service"));
    print_maintenance(root);
    return CLI_DONE;
}

static int print_metrics(const struct dcs_json *root, const char *path)
{
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = METRICS_MAX };
    struct dcs_err err = { 0 };

    cli_metrics(root, &text);
    if (!dcs_buf_ok(&text, "the metrics", &err) ||
        (path && !cli_write_file(path, 0644, &text, &err)))
        return cli_fail(&err);
    if (!path)
        fwrite(dcs_buf_text(&text), 1, text.len, stdout);
    return CLI_DONE;
}

static int print(const struct dcs_json *root, const struct cli_args *args)
{
    if (args->json && !cli_print_json(root))
        return CLI_LOCAL;
    if (args->json)
        return args->values[OPT_CHECK] ? cli_check_status(root) : CLI_DONE;
    if (args->values[OPT_NAGIOS] || args->values[OPT_CHECK])
        return print_line(root, args->values[OPT_NAGIOS] != NULL);
    if (args->values[OPT_PROMETHEUS])
        return print_metrics(root, args->values[OPT_OUT]);
    return print_table(root);
}

/* A plug-in says on stdout why it cannot tell. */
static int fail(const struct dcs_err *err, bool is_plugin)
{
    if (!is_plugin)
        return cli_fail(err);
    printf("DIGICERT-STORE UNKNOWN - %s\n", err->text);
    return PLUGIN_UNKNOWN;
}

static int check_usage(const struct cli_args *args)
{
    int ways = 0;

    if (args->rest_count > 0)
        return cli_usage_error("status", "status takes no argument; `digicert-store show %s`?",
                               args->rest[0]);
    for (int i = OPT_CHECK; i <= OPT_PROMETHEUS; i++)
        ways += args->values[i] != NULL;
    if (ways > 1 || (args->json && ways > 0 && !args->values[OPT_CHECK]))
        return cli_usage_error("status", "one way to tell it at a time");
    if (args->values[OPT_OUT] && !args->values[OPT_PROMETHEUS])
        return cli_usage_error("status", "--out goes with --prometheus");
    return CLI_DONE;
}

int cmd_status(int argc, char **argv)
{
    dcs_auto(dcs_store) struct dcs_store *store = NULL;
    dcs_auto(dcs_json) struct dcs_json *root = NULL;
    struct dcs_err err = { 0 };
    struct cli_args args;
    int status = cli_parse("status", argc, argv, &args);

    if (status == CLI_DONE)
        status = check_usage(&args);
    if (status != CLI_DONE || !(store = cli_open_store(&status)))
        return status;
    if (!dcs_store_status(store, &root, &err))
        return fail(&err, args.values[OPT_NAGIOS] != NULL);
    return print(root, &args);
}
