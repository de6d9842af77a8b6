// SPDX-License-Identifier: Apache-2.0
/* cmd_list.c - `list`: the account's orders and the local ones, as a stream. */
#include <string.h>

#include "cli.h"

const struct cli_option cli_list_options[] = {
    { "--local", NULL, "Only orders that are cached or configured on this host; asks nobody" },
    { NULL, NULL, NULL },
};

static void print_entry(const struct dcs_entry *entry)
{
    char till[DCS_TIME_TEXT] = "-";

    if (entry->not_after >= 0)
        dcs_time_text(entry->not_after, till);
    printf("%-34s %-16s %-21s %-5s %s\n", entry->uri, entry->status, till,
           entry->has_key    ? "key"
           : entry->is_local ? "local"
                             : "-",
           entry->common_name[0] ? entry->common_name : "-");
}

/* A JSON array, row by row: the account may have a hundred thousand. */
static bool print_entry_json(const struct dcs_entry *entry, bool first, struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *object = dcs_json_new_object();
    dcs_auto(dcs_buf) struct dcs_buf text = { 0 };

    dcs_json_add_text(object, "uri", entry->uri);
    dcs_json_add_i64(object, "order_id", entry->order_id);
    dcs_json_add_text(object, "common_name", entry->common_name);
    dcs_json_add_text(object, "status", entry->status);
    if (entry->not_after >= 0)
        dcs_json_add_time(object, "not_after", entry->not_after);
    dcs_json_add_bool(object, "local", entry->is_local);
    dcs_json_add_bool(object, "has_key", entry->has_key);
    if (!dcs_json_print(object, false, &text, err))
        return false;
    printf("%s%s", first ? "[\n" : ",\n", dcs_buf_text(&text));
    return true;
}

/* What was listed stands, but nobody shall take it for the whole account. */
static int finish(const struct dcs_listing *listing)
{
    const struct dcs_err *why = dcs_listing_shortfall(listing);

    if (!why)
        return CLI_DONE;
    fflush(stdout);
    cli_say("this is not the whole account as it is now:");
    return cli_fail(why);
}

int cmd_list(int argc, char **argv)
{
    dcs_auto(dcs_store) struct dcs_store *store = NULL;
    dcs_auto(dcs_listing) struct dcs_listing *listing = NULL;
    struct dcs_entry entry;
    struct dcs_err err = { 0 };
    struct cli_args args;
    bool done = false;
    bool first = true;
    int status = cli_parse("list", argc, argv, &args);

    if (status != CLI_DONE || !(store = cli_open_store(&status)))
        return status;
    if (args.rest_count > 0)
        return cli_usage_error("list", "list takes no argument");
    if (!dcs_store_list(store, args.values[0] ? DCS_SCOPE_LOCAL : DCS_SCOPE_ACCOUNT, &listing,
                        &err))
        return cli_fail(&err);
    for (;; first = false) {
        if (!dcs_listing_next(listing, &entry, &done, &err))
            return cli_fail(&err);
        if (done)
            break;
        if (!args.json)
            print_entry(&entry);
        else if (!print_entry_json(&entry, first, &err))
            return cli_fail(&err);
    }
    if (args.json)
        printf("%s\n", first ? "[]" : "\n]");
    return finish(listing);
}
