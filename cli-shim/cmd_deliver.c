// SPDX-License-Identifier: Apache-2.0
/* cmd_deliver.c - `deliver`: new pairs to the programs that use them; a line for each that moved. */
#include <string.h>
#include <unistd.h>

#include "cli.h"

enum { OPT_RELEASE, OPT_TO, OPT_OWNER, OPT_MODE, URIS_MAX = 1000, LADDER_FROM = 3 };

const struct cli_option cli_deliver_options[] = {
    { "--release", NULL, "Let what was rolled back serve again; it is not rolled back twice" },
    { "--to", "DIR", "Only copy the pair there: no hook, no verify" },
    { "--owner", "USER[:GROUP]", "Of that copy, instead of deliver_owner" },
    { "--mode", "MODE", "Of that copy's private key, instead of deliver_mode" },
    { NULL, NULL, NULL },
};

struct run {
    bool as_json;
    int status;
    int delivered, waiting, failed, orders;
    struct dcs_json *results; /* an array, with as_json */
};

static void copy_text(struct dcs_json *to, const struct dcs_json *from, const char *name)
{
    if (dcs_json_text(from, name))
        dcs_json_add_text(to, name, dcs_json_text(from, name));
}

static void add_result(struct run *run, const struct dcs_json *result, const struct dcs_err *err)
{
    static const char *const texts[] = { "action",    "generation", "common_name", "serial",
                                         "not_after", "directory",  "next_try",    "reason" };
    static const char *const numbers[] = { "order_id", "failures" };
    struct dcs_json *row = dcs_json_add_object(run->results, NULL);
    int64_t number = 0;

    for (size_t i = 0; i < DCS_COUNT(numbers); i++)
        if (dcs_json_i64(result, numbers[i], &number))
            dcs_json_add_i64(row, numbers[i], number);
    for (size_t i = 0; i < DCS_COUNT(texts); i++)
        copy_text(row, result, texts[i]);
    if (err->code == DCS_E_NONE)
        return;
    dcs_json_add_text(row, "code", dcs_code_name(err->code));
    dcs_json_add_text(row, "text", err->text);
    if (err->hint[0])
        dcs_json_add_text(row, "hint", err->hint);
}

static const char *text_or(const struct dcs_json *result, const char *name, const char *otherwise)
{
    return dcs_json_text(result, name) ? dcs_json_text(result, name) : otherwise;
}

static void say_next_try(const struct dcs_json *result, int64_t id)
{
    int64_t failures = 0;

    if (!dcs_json_i64(result, "failures", &failures) || failures == 0)
        return;
    if (failures < LADDER_FROM)
        cli_say("order %lld: the next run tries again", (long long)id);
    else
        cli_say("order %lld: next try %s, or when the order is named", (long long)id,
                text_or(result, "next_try", "?"));
}

static void print_result(const struct dcs_json *result, const struct dcs_err *err, int64_t id)
{
    const char *action = dcs_json_text(result, "action");

    if (err->code != DCS_E_NONE) {
        cli_say("order %lld: %s%s", (long long)id,
                strcmp(action, "rolled-back") == 0 ? "" : "not delivered: ", err->text);
        say_next_try(result, id);
        if (err->hint[0])
            fprintf(stderr, "hint: %s\n", err->hint);
    } else if (strcmp(action, "delivered") == 0) {
        printf("order %lld: delivered %s, not after %s\n", (long long)id,
               text_or(result, "common_name", "?"), text_or(result, "not_after", "?"));
    } else if (strcmp(action, "waits") == 0) {
        printf("order %lld: not delivered yet: %s; next try %s\n", (long long)id,
               text_or(result, "reason", "?"), text_or(result, "next_try", "?"));
    } else if (strcmp(action, "busy") == 0) {
        printf("order %lld: another process is delivering it\n", (long long)id);
    }
}

static void take_result(void *context, const struct dcs_json *result, const struct dcs_err *err)
{
    struct run *run = context;
    const char *action = dcs_json_text(result, "action");
    int64_t id = 0;

    (void)dcs_json_i64(result, "order_id", &id);
    run->orders++;
    run->delivered += strcmp(action, "delivered") == 0;
    run->waiting += strcmp(action, "waits") == 0;
    run->failed += err->code != DCS_E_NONE;
    if (err->code != DCS_E_NONE)
        run->status = cli_worst(run->status, (int)cli_status_of(err->code));
    if (run->as_json)
        add_result(run, result, err);
    else
        print_result(result, err, id);
}

static int deliver(struct dcs_store *store, const struct cli_args *args)
{
    dcs_auto(dcs_json) struct dcs_json *root = dcs_json_new_object();
    const struct dcs_deliver_options options = { .release = args->values[OPT_RELEASE] != NULL,
                                                 .handshake = dcs_tls_leaf };
    static struct dcs_uri uris[URIS_MAX];
    struct run run = { .as_json = args->json };
    struct dcs_err err = { 0 };

    if (args->rest_count > URIS_MAX)
        return cli_usage_error("deliver", "at most %d URIs at a time", URIS_MAX);
    for (int i = 0; i < args->rest_count; i++)
        if (!dcs_uri_parse_loose(args->rest[i], &uris[i], &err))
            return cli_fail(&err);
    run.results = dcs_json_add_array(root, "orders");
    if (!dcs_store_deliver(store, uris, (size_t)args->rest_count, &options, take_result, &run,
                           &err))
        return cli_worst(run.status, cli_fail(&err));
    if (args->json)
        return cli_print_json(root) ? run.status : CLI_LOCAL;
    if (args->rest_count == 0)
        printf("%d orders: %d delivered, %d waiting, %d failed\n", run.orders, run.delivered,
               run.waiting, run.failed);
    else if (run.delivered + run.waiting + run.failed == 0)
        printf("nothing to deliver\n");
    return run.status;
}

static int deliver_to(struct dcs_store *store, const struct cli_args *args)
{
    dcs_auto(dcs_json) struct dcs_json *report = NULL;
    struct dcs_deliver_to_options options = { .owner = args->values[OPT_OWNER],
                                              .mode = args->values[OPT_MODE] };
    char cwd[4096] = "";
    char dir[8192];
    struct dcs_uri uri;
    struct dcs_err err = { 0 };

    if (args->rest_count != 1)
        return cli_usage_error("deliver", "--to copies one order: deliver order/123 --to DIR");
    if (!args->values[OPT_TO][0])
        return cli_usage_error("deliver", "--to wants a directory");
    if (args->values[OPT_TO][0] != '/' && !getcwd(cwd, sizeof(cwd)))
        return cli_usage_error("deliver", "--to wants an absolute path");
    snprintf(dir, sizeof(dir), "%s%s%s", cwd, cwd[0] ? "/" : "", args->values[OPT_TO]);
    options.dir = dir;
    if (!dcs_uri_parse_loose(args->rest[0], &uri, &err) ||
        !dcs_store_deliver_to(store, &uri, &options, &report, &err))
        return cli_fail(&err);
    if (dcs_json_text(report, "reason"))
        cli_say("the copy in %s stays: %s", dir, dcs_json_text(report, "reason"));
    if (args->json)
        return cli_print_json(report) ? CLI_DONE : CLI_LOCAL;
    printf("%s: %s, not after %s\n", dir, dcs_json_text(report, "action"),
           text_or(report, "not_after", "?"));
    return CLI_DONE;
}

int cmd_deliver(int argc, char **argv)
{
    dcs_auto(dcs_store) struct dcs_store *store = NULL;
    struct cli_args args;
    int status = cli_parse("deliver", argc, argv, &args);

    if (status != CLI_DONE || !(store = cli_open_store(&status)))
        return status;
    if (args.values[OPT_RELEASE] && (args.values[OPT_TO] || args.rest_count == 0))
        return cli_usage_error("deliver", "--release wants the order: deliver --release order/123");
    if (!args.values[OPT_TO] && (args.values[OPT_OWNER] || args.values[OPT_MODE]))
        return cli_usage_error("deliver", "--owner and --mode belong to --to; otherwise "
                                          "deliver_owner and deliver_mode hold");
    return args.values[OPT_TO] ? deliver_to(store, &args) : deliver(store, &args);
}
