// SPDX-License-Identifier: Apache-2.0
/* cmd_show.c - `show` and `status`: what the room knows, for people or as it stands (--json). */
#include <string.h>

#include "cli.h"

enum { OPT_REFRESH, OPT_AT };

const struct cli_option cli_show_options[] = {
    { "--refresh", NULL, "Ask the CA for the order first" },
    { "--at", "DATE", "What the plan would be on that day (YYYY-MM-DD, or with a time)" },
    { NULL, NULL, NULL },
};

const struct cli_option cli_status_options[] = {
    { "--check", NULL, "For monitoring: exit 0 good, 5 pending, 6 away, 8 due, 3 expired or none" },
    { NULL, NULL, NULL },
};

/* One row of text for each member that is there. */
struct row {
    const char *path, *label;
};

static void print_rows(const struct dcs_json *object, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct dcs_json *node = dcs_json_path(object, rows[i].path);
        const char *text = dcs_json_text(node, "");
        int64_t number = 0;
        if (dcs_json_is_null(node))
            continue;
        if (text && *text)
            printf("  %-14s %s\n", rows[i].label, text);
        else if (!text && dcs_json_i64(node, "", &number))
            printf("  %-14s %lld\n", rows[i].label, (long long)number);
        else if (!text && dcs_json_tri(node, "") != DCS_UNKNOWN)
            printf("  %-14s %s\n", rows[i].label, dcs_json_tri(node, "") == DCS_YES ? "yes" : "no");
    }
}

static void print_names(const struct dcs_json *names)
{
    if (dcs_json_count(names) == 0)
        return;
    printf("  %-14s", "names");
    for (const struct dcs_json *n = dcs_json_first(names); n; n = dcs_json_next(n))
        printf(" %s", dcs_json_text(n, ""));
    putchar('\n');
}

static void print_group(const struct dcs_json *root, const char *name, const char *title,
                        const struct row *rows, size_t count)
{
    const struct dcs_json *object = *name ? dcs_json_get(root, name) : root;

    if (!object)
        return;
    if (*title)
        printf("%s\n", title);
    print_rows(object, rows, count);
}

static void print_order(const struct dcs_json *root)
{
    static const struct row order[] = {
        { "status", "status" },           { "certificate.common_name", "common name" },
        { "product.name_id", "product" }, { "order_valid_till", "order ends" },
        { "disable_ct", "CT disabled" },  { "alternative_order_id", "reference" },
        { "is_renewed", "renewed" },      { "renewed_order_id", "renewed by" },
    };
    static const struct row current[] = {
        { "dir", "directory" },
        { "has_key", "private key" },
        { "source", "came by" },
        { "since", "since" },
        { "serial", "serial" },
        { "certificate_id", "certificate" },
        { "not_before", "not before" },
        { "not_after", "not after" },
        { "stage", "stage" },
        { "spki_sha256", "spki_sha256" },
        { "ct", "CT" },
        { "sct_count", "SCTs" },
        { "notes", "notes" },
    };
    static const struct row failure[] = { { "text", "what" },
                                          { "hint", "hint" },
                                          { "http_status", "HTTP" },
                                          { "service_code", "CA's code" } };
    static const struct row elsewhere[] = { { "certificate_id", "certificate" },
                                            { "serial", "serial" },
                                            { "not_after", "not after" } };
    static const struct row rejected[] = { { "certificate_id", "certificate" },
                                           { "reason", "reason" } };
    static const struct row plan[] = { { "action", "would" },
                                       { "words", "why" },
                                       { "expected_not_after", "new one ends" },
                                       { "ask_for_end", "asks for end" },
                                       { "due", "due" },
                                       { "urgent", "urgent" },
                                       { "critical", "critical" },
                                       { "plan_point", "plan point" },
                                       { "order_end", "order ends" },
                                       { "renew_from", "renewable" },
                                       { "next_change", "next change" },
                                       { "ct.words", "CT" } };
    static const struct row request[] = {
        { "kind", "kind" },          { "why", "why" },
        { "since", "since" },        { "sent", "sent" },
        { "request_id", "request" }, { "certificate_id", "certificate" },
        { "waits_for", "the CA" },   { "dcv_token", "DCV token" },
        { "rejected", "set aside" }
    };
    static const struct row attempts[] = { { "order_read_at", "order read" },
                                           { "last_attempt", "last attempt" },
                                           { "next_try", "next try" } };

    printf("%s\n", dcs_json_text(root, "uri"));
    print_group(root, "order", "order, as the CA describes it", order, DCS_COUNT(order));
    print_group(root, "current", "certificate that is served", current, DCS_COUNT(current));
    print_names(dcs_json_path(root, "current.names"));
    if (!dcs_json_get(root, "current"))
        printf("nothing usable is cached\n");
    print_group(root, "plan", "plan", plan, DCS_COUNT(plan));
    if (dcs_json_text(root, "proposal"))
        printf("  %-14s the CA says that it was renewed: %s serves the renewal\n", "proposal",
               dcs_json_text(root, "proposal"));
    print_group(root, "request", "request under way", request, DCS_COUNT(request));
    print_group(root, "elsewhere", "newer at the CA, its key is not here", elsewhere,
                DCS_COUNT(elsewhere));
    print_group(root, "rejected", "set aside", rejected, DCS_COUNT(rejected));
    print_group(root, "last_failure", "last failure", failure, DCS_COUNT(failure));
    print_group(root, "", "", attempts, DCS_COUNT(attempts));
}

static int show_one(struct dcs_store *store, const char *text,
                    const struct dcs_show_options *options, bool as_json)
{
    dcs_auto(dcs_json) struct dcs_json *object = NULL;
    struct dcs_uri uri;
    struct dcs_err err = { 0 };

    if (!dcs_uri_parse_loose(text, &uri, &err) ||
        !dcs_store_show(store, &uri, options, &object, &err))
        return cli_fail(&err);
    if (as_json)
        return cli_print_json(object) ? CLI_DONE : CLI_LOCAL;
    print_order(object);
    return CLI_DONE;
}

int cmd_show(int argc, char **argv)
{
    dcs_auto(dcs_store) struct dcs_store *store = NULL;
    struct cli_args args;
    int status = cli_parse("show", argc, argv, &args);

    if (status != CLI_DONE)
        return status;
    if (args.rest_count == 0)
        return cli_usage_error("show", "show wants a URI, for example order/123");
    struct dcs_show_options options = { .refresh = args.values[OPT_REFRESH] != NULL };
    if (args.values[OPT_AT] && !dcs_time_parse(args.values[OPT_AT], &options.at))
        return cli_usage_error("show", "--at wants a day such as 2027-03-20, not \"%s\"",
                               args.values[OPT_AT]);
    store = cli_open_store(&status);
    for (int i = 0; store && i < args.rest_count; i++)
        status = cli_worst(status, show_one(store, args.rest[i], &options, args.json));
    return status;
}

/* ---- status ---- */

/* One order's word for monitoring. */
static int check_order(const struct dcs_json *order)
{
    static const struct {
        const char *stage;
        int status;
    } stages[] = { { "fresh", CLI_DONE },        { "due", CLI_DONE },
                   { "urgent", CLI_POLICY },     { "critical", CLI_POLICY },
                   { "expired", CLI_NOT_FOUND }, { "revoked", CLI_NOT_FOUND } };
    const char *stage = dcs_json_text(order, "current.stage");
    const char *failure = dcs_json_text(order, "last_failure.code");

    /* Configured and never fetched is no certificate either. */
    if (!stage)
        return failure ? (int)cli_status_of(dcs_code_from_name(failure)) : CLI_NOT_FOUND;
    /* Due is good while nothing failed; due and failing is not progressing. */
    if (stage && strcmp(stage, "due") == 0 && failure)
        return CLI_POLICY;
    for (size_t i = 0; stage && i < DCS_COUNT(stages); i++)
        if (strcmp(stages[i].stage, stage) == 0)
            return stages[i].status;
    return CLI_DONE;
}

static void print_status_row(const struct dcs_json *order)
{
    const char *stage = dcs_json_text(order, "current.stage");
    const char *till = dcs_json_text(order, "current.not_after");
    const char *name = dcs_json_text(order, "current.common_name");
    const char *failure = dcs_json_text(order, "last_failure.text");
    int64_t id = 0;

    (void)dcs_json_i64(order, "order_id", &id);
    printf("%-12lld %-9s %-4s %-21s %s\n", (long long)id, stage ? stage : "-",
           dcs_json_tri(order, "current.has_key") == DCS_YES ? "key" : "-", till ? till : "-",
           name ? name : "-");
    if (failure)
        printf("             %s\n", failure);
    if (dcs_json_text(order, "request.waits_for") && !failure)
        printf("             a new certificate was asked for, the CA %s\n",
               dcs_json_text(order, "request.waits_for"));
}

static void print_service(const struct dcs_json *service)
{
    static const struct row rows[] = { { "api_url", "api_url" },
                                       { "away", "away" },
                                       { "away_since", "away since" },
                                       { "next_try", "next try" },
                                       { "reason", "reason" },
                                       { "last_success", "last success" },
                                       { "budget_left_5s", "left in 5 s" },
                                       { "budget_left_3min", "left in 3 min" } };

    if (service) {
        printf("service\n");
        print_rows(service, rows, DCS_COUNT(rows));
    }
}

int cmd_status(int argc, char **argv)
{
    dcs_auto(dcs_store) struct dcs_store *store = NULL;
    dcs_auto(dcs_json) struct dcs_json *root = NULL;
    struct dcs_err err = { 0 };
    struct cli_args args;
    int status = cli_parse("status", argc, argv, &args);

    if (status != CLI_DONE || !(store = cli_open_store(&status)))
        return status;
    if (args.rest_count > 0)
        return cli_usage_error("status", "status takes no argument; `digicert-store show %s`?",
                               args.rest[0]);
    if (!dcs_store_status(store, &root, &err))
        return cli_fail(&err);
    const struct dcs_json *orders = dcs_json_get(root, "orders");
    if (args.values[0])
        for (const struct dcs_json *o = dcs_json_first(orders); o; o = dcs_json_next(o))
            status = cli_worst(status, check_order(o));
    if (args.values[0] && status == CLI_DONE && dcs_json_tri(root, "service.away") == DCS_YES)
        status = CLI_AWAY;
    if (args.json)
        return cli_print_json(root) ? status : CLI_LOCAL;
    printf("%-12s %-9s %-4s %-21s %s\n", "ORDER", "STAGE", "KEY", "NOT AFTER", "NAME");
    for (const struct dcs_json *o = dcs_json_first(orders); o; o = dcs_json_next(o))
        print_status_row(o);
    print_service(dcs_json_get(root, "service"));
    return status;
}
