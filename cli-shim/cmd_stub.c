// SPDX-License-Identifier: Apache-2.0
/* cmd_stub.c - `stub`: writes the PEM file that stands for an order's private key. */
#include "cli.h"

enum { OPT_PIN, OPT_OUT, OPT_MODE };

const struct cli_option cli_stub_options[] = {
    [OPT_PIN] = { "--pin", NULL, "Stand for the key that is served now, and no other" },
    [OPT_OUT] = { "--out", "FILE", "Write to FILE instead of stdout" },
    [OPT_MODE] = { "--mode", "MODE",
                   "Mode of FILE, 0644 by default; PostgreSQL wants 0640 or less" },
    { NULL, NULL, NULL },
};

static bool print(const struct dcs_uri *uri, const struct cli_args *args, const struct dcs_buf *pem)
{
    dcs_auto(dcs_json) struct dcs_json *object = NULL;
    char canonical[DCS_URI_TEXT];

    if (!args->json)
        return args->values[OPT_OUT] || fputs(dcs_buf_text(pem), stdout) >= 0;
    object = dcs_json_new_object();
    dcs_uri_canonical(uri, canonical);
    dcs_json_add_text(object, "uri", canonical);
    dcs_json_add_bool(object, "pinned", args->values[OPT_PIN] || uri->has_spki || uri->serial[0]);
    if (args->values[OPT_OUT])
        dcs_json_add_text(object, "file", args->values[OPT_OUT]);
    else
        dcs_json_add_text(object, "pem", dcs_buf_text(pem));
    return cli_print_json(object);
}

int cmd_stub(int argc, char **argv)
{
    dcs_auto(dcs_store) struct dcs_store *store = NULL;
    dcs_auto(dcs_buf) struct dcs_buf pem = { .max = 1 << 16 };
    struct dcs_err err = { 0 };
    struct cli_args args;
    struct dcs_uri uri;
    mode_t mode = 0644;
    int status = cli_parse("stub", argc, argv, &args);

    if (status != CLI_DONE)
        return status;
    if (args.rest_count != 1)
        return cli_usage_error("stub", "stub wants one URI, for example order/123");
    if (args.values[OPT_MODE] && !cli_parse_mode(args.values[OPT_MODE], &mode))
        return cli_usage_error("stub", "--mode is an octal mode such as 0640, not \"%s\"",
                               args.values[OPT_MODE]);
    if (!dcs_uri_parse_loose(args.rest[0], &uri, &err))
        return cli_fail(&err);
    store = cli_open_store(&status);
    if (!store)
        return status;
    if (!dcs_store_stub(store, &uri, args.values[OPT_PIN], &pem, &err) ||
        (args.values[OPT_OUT] && !cli_write_file(args.values[OPT_OUT], mode, &pem, &err)))
        return cli_fail(&err);
    return print(&uri, &args, &pem) ? CLI_DONE : CLI_LOCAL;
}
