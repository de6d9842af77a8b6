// SPDX-License-Identifier: Apache-2.0
/* cmd_show.c - `show`: what the room knows of an order, for people or as it stands (--json). */
#include <string.h>

#include "cli.h"

enum { OPT_REFRESH, OPT_AT };

const struct cli_option cli_show_options[] = {
    { "--refresh", NULL, "Ask the CA for the order first" },
    { "--at", "DATE", "What the plan would be on that day (YYYY-MM-DD, or with a time)" },
    { NULL, NULL, NULL },
};

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
                        const struct cli_row *rows, size_t count)
{
    const struct dcs_json *object = *name ? dcs_json_get(root, name) : root;

    if (!object)
        return;
    if (*title)
        printf("%s\n", title);
    cli_print_rows(object, rows, count);
}

/* What a hook wrote, its lines set off. */
static void print_output(const char *text)
{
    while (text && *text) {
        size_t len = strcspn(text, "\n");
        printf("  | %.*s\n", (int)len, text);
        text += len + (text[len] == '\n');
    }
}

static void print_delivery(const struct dcs_json *root)
{
    static const struct cli_row rows[] = {
        { "state", "state" },
        { "delivered.dir", "delivered" },
        { "delivered.serial", "serial" },
        { "delivered_at", "since" },
        { "stage", "failed at" },
        { "reason", "why" },
        { "failures", "failures" },
        { "failing_since", "failing since" },
        { "next_try", "next try" },
    };
    const struct dcs_json *held = dcs_json_path(root, "delivery.held");
    int64_t generation = 0;

    print_group(root, "delivery", "delivery", rows, DCS_COUNT(rows));
    for (const struct dcs_json *h = dcs_json_first(held); h; h = dcs_json_next(h)) {
        (void)dcs_json_i64(h, "generation", &generation);
        printf("  %-14s generation %lld, since %s: %s\n", "held", (long long)generation,
               dcs_json_text(h, "since"), dcs_json_text(h, "reason"));
    }
    print_output(dcs_json_text(root, "hook_output"));
}

static void print_order(const struct dcs_json *root)
{
    static const struct cli_row order[] = {
        { "status", "status" },           { "certificate.common_name", "common name" },
        { "product.name_id", "product" }, { "order_valid_till", "order ends" },
        { "disable_ct", "CT disabled" },  { "alternative_order_id", "reference" },
        { "is_renewed", "renewed" },      { "renewed_order_id", "renewed by" },
    };
    static const struct cli_row current[] = {
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
    static const struct cli_row failure[] = { { "text", "what" },
                                              { "hint", "hint" },
                                              { "http_status", "HTTP" },
                                              { "service_code", "CA's code" } };
    static const struct cli_row elsewhere[] = { { "certificate_id", "certificate" },
                                                { "serial", "serial" },
                                                { "not_after", "not after" } };
    static const struct cli_row rejected[] = { { "certificate_id", "certificate" },
                                               { "reason", "reason" } };
    static const struct cli_row plan[] = { { "action", "would" },
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
    static const struct cli_row request[] = {
        { "kind", "kind" },          { "why", "why" },
        { "since", "since" },        { "sent", "sent" },
        { "request_id", "request" }, { "certificate_id", "certificate" },
        { "waits_for", "the CA" },   { "dcv_token", "DCV token" },
        { "rejected", "set aside" }
    };
    static const struct cli_row validation[] = { { "dcv_until", "domains until" },
                                                 { "dcv_first", "first of them" },
                                                 { "organization_until", "organization" },
                                                 { "account_ct", "account's CT" },
                                                 { "words", "to do" },
                                                 { "read_at", "read" } };
    static const struct cli_row attempts[] = { { "order_read_at", "order read" },
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
    print_group(root, "validation", "validated at the CA", validation, DCS_COUNT(validation));
    print_group(root, "request", "request under way", request, DCS_COUNT(request));
    print_group(root, "elsewhere", "newer at the CA, its key is not here", elsewhere,
                DCS_COUNT(elsewhere));
    print_group(root, "rejected", "set aside", rejected, DCS_COUNT(rejected));
    print_group(root, "last_failure", "last failure", failure, DCS_COUNT(failure));
    print_delivery(root);
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
