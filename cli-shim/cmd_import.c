// SPDX-License-Identifier: Apache-2.0
/* cmd_import.c - `import`: a private key from a file or stdin, into the order that it belongs to. */
#include <string.h>

#include "cli.h"

enum { OPT_KEY, OPT_PASSPHRASE, OPT_ENCRYPTED };

const struct cli_option cli_import_options[] = {
    [OPT_KEY] = { "--key", "FILE", "The private key, PEM or DER; - is stdin" },
    [OPT_PASSPHRASE] = { "--passphrase-file", "FILE", "Its passphrase, when it is encrypted" },
    [OPT_ENCRYPTED] = { "--keep-encrypted", NULL,
                        "Keep it encrypted under that passphrase; OpenSSL asks for it" },
    { NULL, NULL, NULL },
};

/* One line without its end. */
static bool read_passphrase(const char *path, struct dcs_secret *ret_secret, struct dcs_err *err)
{
    if (!cli_read_file(path, ret_secret, err))
        return false;
    while (ret_secret->len > 0 && strchr("\r\n", ret_secret->data[ret_secret->len - 1]))
        ret_secret->data[--ret_secret->len] = '\0';
    return true;
}

static bool read_key(const struct cli_args *args, struct dcs_secret *ret_passphrase,
                     struct dcs_key *ret_key, struct dcs_err *err)
{
    dcs_auto(dcs_secret) struct dcs_secret text = { 0 };
    const char *path = args->values[OPT_PASSPHRASE];

    if (path && !read_passphrase(path, ret_passphrase, err))
        return false;
    if (!cli_read_file(args->values[OPT_KEY], &text, err))
        return false;
    if (!dcs_key_import(text.data, text.len, path ? ret_passphrase : NULL, ret_key, err))
        return dcs_fail_while(err, "%s", args->values[OPT_KEY]);
    return true;
}

static int print_result(const struct dcs_bundle *bundle, bool as_json)
{
    dcs_auto(dcs_json) struct dcs_json *object = NULL;

    if (!as_json) {
        printf("order %lld: %s has its private key now\n", (long long)dcs_bundle_order(bundle),
               dcs_bundle_dir(bundle));
        return CLI_DONE;
    }
    object = dcs_json_new_object();
    dcs_json_add_i64(object, "order_id", dcs_bundle_order(bundle));
    dcs_json_add_i64(object, "generation", dcs_bundle_generation(bundle));
    dcs_json_add_text(object, "dir", dcs_bundle_dir(bundle));
    dcs_json_add_text(object, "serial", dcs_bundle_facts(bundle)->leaf.serial);
    dcs_json_add_bool(object, "has_key", dcs_bundle_has_key(bundle));
    return cli_print_json(object) ? CLI_DONE : CLI_LOCAL;
}

int cmd_import(int argc, char **argv)
{
    dcs_auto(dcs_store) struct dcs_store *store = NULL;
    dcs_auto(dcs_bundle) struct dcs_bundle *bundle = NULL;
    dcs_auto(dcs_key) struct dcs_key key = { 0 };
    dcs_auto(dcs_secret) struct dcs_secret passphrase = { 0 };
    struct dcs_uri uri;
    struct dcs_err err = { 0 };
    struct cli_args args;
    int status = cli_parse("import", argc, argv, &args);

    if (status != CLI_DONE)
        return status;
    if (args.rest_count != 1 || !args.values[OPT_KEY])
        return cli_usage_error("import", "import wants one URI and --key FILE");
    if (args.values[OPT_ENCRYPTED] && !args.values[OPT_PASSPHRASE])
        return cli_usage_error("import", "--keep-encrypted wants --passphrase-file FILE");
    if (!(store = cli_open_store(&status)))
        return status;
    if (!dcs_uri_parse_loose(args.rest[0], &uri, &err) ||
        !read_key(&args, &passphrase, &key, &err) ||
        !dcs_store_import(store, &uri, &key, args.values[OPT_ENCRYPTED] ? &passphrase : NULL,
                          &bundle, &err))
        return cli_fail(&err);
    return print_result(bundle, args.json);
}
