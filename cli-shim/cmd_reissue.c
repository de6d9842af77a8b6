// SPDX-License-Identifier: Apache-2.0
/* cmd_reissue.c - `reissue`, `duplicate` and `wait`: a new certificate under an order, now. */
#include <string.h>

#include "cli.h"

enum { WAIT_DEFAULT_S = 60, WAIT_FOR_PEOPLE_S = 365 * 86400 };
enum { OPT_DRY_RUN, OPT_ALLOW_SAN_CHANGE, OPT_AGAIN, OPT_TIMEOUT };
enum { OPT_WAIT_TIMEOUT };

#define REISSUE_OPTIONS                                                                     \
    [OPT_DRY_RUN] = { "--dry-run", NULL, "Say what would happen, and change nothing" },     \
    [OPT_ALLOW_SAN_CHANGE] = { "--allow-san-change", NULL,                                  \
                               "Go on although names are lost and the CA will revoke the "  \
                               "earlier certificates within 72 hours" },                    \
    [OPT_AGAIN] = { "--again", NULL, "Also when one was reissued within the last minute" }, \
    [OPT_TIMEOUT] = { "--timeout", "SECONDS", "How long to wait for the CA (60)" },         \
    {                                                                                       \
        NULL, NULL, NULL                                                                    \
    }

const struct cli_option cli_reissue_options[] = { REISSUE_OPTIONS };
const struct cli_option cli_duplicate_options[] = { REISSUE_OPTIONS };
const struct cli_option cli_wait_options[] = {
    [OPT_WAIT_TIMEOUT] = { "--timeout", "SECONDS", "How long to wait; without it, until it comes" },
    { NULL, NULL, NULL },
};

static bool read_timeout(const char *text, int64_t otherwise_s, int64_t *ret_ms)
{
    int64_t seconds = otherwise_s;

    if (text && !dcs_parse_i64(text, 0, WAIT_FOR_PEOPLE_S, &seconds))
        return false;
    *ret_ms = seconds * 1000;
    return true;
}

static void print_line(const char *label, const char *text)
{
    if (text && *text)
        printf("  %-14s %s\n", label, text);
}

static void print_preview(const struct dcs_json *report)
{
    static const struct {
        const char *path, *label;
    } rows[] = {
        { "plan.words", "would" },          { "plan.expected_not_after", "not after" },
        { "plan.ask_for_end", "asks for" }, { "names_lost", "names lost" },
        { "names_added", "names added" },   { "revokes", "CA revokes" },
        { "held_up_by", "held up by" },     { "plan.ct.words", "CT" },
    };
    const struct dcs_json *names = dcs_json_get(report, "names");
    int64_t id = 0;

    (void)dcs_json_i64(report, "order_id", &id);
    printf("digicert://order/%lld, nothing was changed\n", (long long)id);
    for (size_t i = 0; i < DCS_COUNT(rows); i++)
        print_line(rows[i].label, dcs_json_text(report, rows[i].path));
    printf("  %-14s", "names");
    for (const struct dcs_json *n = dcs_json_first(names); n; n = dcs_json_next(n))
        printf(" %s", dcs_json_text(n, ""));
    putchar('\n');
}

/* 8 when policy would refuse, 5 while a request is open: so that a script can ask. */
static int preview_status(const struct dcs_json *report)
{
    static const struct {
        const char *action;
        int status;
    } rows[] = { { "refused", CLI_POLICY },
                 { "renewal_due", CLI_POLICY },
                 { "pending", CLI_PENDING } };
    const char *action = dcs_json_text(report, "plan.action");

    for (size_t i = 0; action && i < DCS_COUNT(rows); i++)
        if (strcmp(action, rows[i].action) == 0)
            return rows[i].status;
    return CLI_DONE;
}

static void print_done(const struct dcs_json *report)
{
    const char *action = dcs_json_text(report, "action");
    int64_t id = 0;

    (void)dcs_json_i64(report, "order_id", &id);
    printf("order %lld: %s\n", (long long)id,
           action && strcmp(action, "already") == 0
               ? "it has what was asked for already (reissue --again asks for another)"
               : "the certificate is here");
    print_line("serial", dcs_json_text(report, "current.serial"));
    print_line("not after", dcs_json_text(report, "current.not_after"));
    print_line("directory", dcs_json_text(report, "current.dir"));
}

int cli_print_report(const struct dcs_json *report, bool as_json)
{
    if (as_json)
        return cli_print_json(report) ? CLI_DONE : CLI_LOCAL;
    print_done(report);
    return CLI_DONE;
}

static int reissue_one(struct dcs_store *store, const char *text,
                       const struct dcs_reissue_options *options, bool dry_run, bool as_json)
{
    dcs_auto(dcs_json) struct dcs_json *report = NULL;
    struct dcs_uri uri;
    struct dcs_err err = { 0 };

    if (!dcs_uri_parse_loose(text, &uri, &err))
        return cli_fail(&err);
    if (!dry_run)
        return dcs_store_reissue(store, &uri, options, &report, &err)
                   ? cli_print_report(report, as_json)
                   : cli_fail(&err);
    if (!dcs_store_preview(store, &uri, options, &report, &err))
        return cli_fail(&err);
    if (as_json && !cli_print_json(report))
        return CLI_LOCAL;
    if (!as_json)
        print_preview(report);
    return preview_status(report);
}

static int ask(const char *command, bool is_duplicate, int argc, char **argv)
{
    dcs_auto(dcs_store) struct dcs_store *store = NULL;
    struct dcs_reissue_options options = { .is_duplicate = is_duplicate };
    struct cli_args args;
    int status = cli_parse(command, argc, argv, &args);

    if (status != CLI_DONE)
        return status;
    if (args.rest_count == 0)
        return cli_usage_error(command, "%s wants a URI, for example order/123", command);
    if (!read_timeout(args.values[OPT_TIMEOUT], WAIT_DEFAULT_S, &options.wait_ms))
        return cli_usage_error(command, "--timeout wants a number of seconds, not \"%s\"",
                               args.values[OPT_TIMEOUT]);
    options.allow_san_change = args.values[OPT_ALLOW_SAN_CHANGE] != NULL;
    options.again = args.values[OPT_AGAIN] != NULL;
    store = cli_open_store(&status);
    for (int i = 0; store && i < args.rest_count; i++)
        status = cli_worst(status, reissue_one(store, args.rest[i], &options,
                                               args.values[OPT_DRY_RUN] != NULL, args.json));
    return status;
}

int cmd_reissue(int argc, char **argv)
{
    return ask("reissue", false, argc, argv);
}

int cmd_duplicate(int argc, char **argv)
{
    return ask("duplicate", true, argc, argv);
}

static int wait_one(struct dcs_store *store, const char *text, int64_t wait_ms, bool as_json)
{
    dcs_auto(dcs_json) struct dcs_json *report = NULL;
    struct dcs_uri uri;
    struct dcs_err err = { 0 };

    if (!dcs_uri_parse_loose(text, &uri, &err) ||
        !dcs_store_wait(store, &uri, wait_ms, &report, &err))
        return cli_fail(&err);
    return cli_print_report(report, as_json);
}

int cmd_wait(int argc, char **argv)
{
    dcs_auto(dcs_store) struct dcs_store *store = NULL;
    struct cli_args args;
    int64_t wait_ms = 0;
    int status = cli_parse("wait", argc, argv, &args);

    if (status != CLI_DONE)
        return status;
    if (args.rest_count == 0)
        return cli_usage_error("wait", "wait wants a URI, for example order/123");
    if (!read_timeout(args.values[OPT_WAIT_TIMEOUT], WAIT_FOR_PEOPLE_S, &wait_ms))
        return cli_usage_error("wait", "--timeout wants a number of seconds, not \"%s\"",
                               args.values[OPT_WAIT_TIMEOUT]);
    store = cli_open_store(&status);
    for (int i = 0; store && i < args.rest_count; i++)
        status = cli_worst(status, wait_one(store, args.rest[i], wait_ms, args.json));
    return status;
}
