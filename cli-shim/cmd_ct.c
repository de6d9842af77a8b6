// SPDX-License-Identifier: Apache-2.0
/* cmd_ct.c - `ct`: the order's CT setting and the certificate's SCTs; and switching it. */
#include <string.h>

#include "cli.h"

enum { WAIT_MS = 60000 };

const struct cli_option cli_ct_options[] = {
    { NULL, NULL, NULL },
};

static int switch_ct(struct dcs_store *store, const struct dcs_uri *uri, const char *to,
                     bool as_json)
{
    dcs_auto(dcs_json) struct dcs_json *report = NULL;
    struct dcs_err err = { 0 };
    bool logged = strcmp(to, "logged") == 0;

    if (!logged && strcmp(to, "unlogged") != 0)
        return cli_usage_error("ct", "ct switches to \"logged\" or \"unlogged\", not \"%s\"", to);
    if (!dcs_store_set_ct(store, uri, logged, WAIT_MS, &report, &err))
        return cli_fail(&err);
    return cli_print_report(report, as_json);
}

static void print_ct(const struct dcs_json *object)
{
    const struct dcs_json *scts = dcs_json_get(object, "scts");
    int64_t id = 0;

    (void)dcs_json_i64(object, "order_id", &id);
    printf("digicert://order/%lld\n", (long long)id);
    printf("  %-14s %s\n", "order says", dcs_json_text(object, "setting"));
    printf("  %-14s %s\n", "certificate", dcs_json_text(object, "words"));
    for (const struct dcs_json *sct = dcs_json_first(scts); sct; sct = dcs_json_next(sct)) {
        const char *log = dcs_json_text(sct, "log");
        printf("  %-14s %s, %s, %s\n", "SCT", log ? log : dcs_json_text(sct, "log_id"),
               dcs_json_text(sct, "time"), dcs_json_text(sct, "signature"));
    }
    if (dcs_json_get(object, "browsers"))
        printf("  %-14s %s: %s\n", "browsers", dcs_json_text(object, "browsers.content"),
               dcs_json_text(object, "browsers.words"));
}

static int show_ct(struct dcs_store *store, const struct dcs_uri *uri, bool as_json)
{
    dcs_auto(dcs_json) struct dcs_json *object = NULL;
    struct dcs_err err = { 0 };

    if (!dcs_store_ct(store, uri, &object, &err))
        return cli_fail(&err);
    if (as_json)
        return cli_print_json(object) ? CLI_DONE : CLI_LOCAL;
    print_ct(object);
    return CLI_DONE;
}

int cmd_ct(int argc, char **argv)
{
    dcs_auto(dcs_store) struct dcs_store *store = NULL;
    struct dcs_uri uri;
    struct dcs_err err = { 0 };
    struct cli_args args;
    int status = cli_parse("ct", argc, argv, &args);

    if (status != CLI_DONE)
        return status;
    if (args.rest_count < 1 || args.rest_count > 2)
        return cli_usage_error("ct", "ct wants a URI, then perhaps \"logged\" or \"unlogged\"");
    if (!dcs_uri_parse_loose(args.rest[0], &uri, &err))
        return cli_fail(&err);
    if (!(store = cli_open_store(&status)))
        return status;
    return args.rest_count == 2 ? switch_ct(store, &uri, args.rest[1], args.json)
                                : show_ct(store, &uri, args.json);
}
