// SPDX-License-Identifier: Apache-2.0
/* cmd_report.c - `report --html FILE`: the status as a page for people. Asks nobody. */
#include <string.h>

#include "report.h"

enum { OPT_HTML, OPT_COUNT };
enum { PAGE_MAX = 512 << 20 };

const struct cli_option cli_report_options[] = {
    [OPT_HTML] = { "--html", "FILE", "Write the page to FILE, whole or not at all; - is stdout" },
    [OPT_COUNT] = { NULL, NULL, NULL },
};

static int print_json(const struct dcs_json *root, const char *path)
{
    dcs_auto(dcs_json) struct dcs_json *object = dcs_json_new_object();
    int64_t orders = 0;

    (void)dcs_json_i64(root, "health.orders", &orders);
    dcs_json_add_text(object, "file", path);
    dcs_json_add_i64(object, "orders", orders);
    dcs_json_add_text(object, "level", dcs_json_text(root, "health.level"));
    dcs_json_add_text(object, "words", dcs_json_text(root, "health.words"));
    return cli_print_json(object) ? CLI_DONE : CLI_LOCAL;
}

int cmd_report(int argc, char **argv)
{
    dcs_auto(dcs_store) struct dcs_store *store = NULL;
    dcs_auto(dcs_json) struct dcs_json *root = NULL;
    dcs_auto(dcs_buf) struct dcs_buf page = { .max = PAGE_MAX };
    struct dcs_err err = { 0 };
    struct cli_args args;
    int status = cli_parse("report", argc, argv, &args);

    if (status != CLI_DONE)
        return status;
    const char *path = args.values[OPT_HTML];
    if (args.rest_count > 0 || !path || !*path)
        return cli_usage_error("report", "report wants --html FILE");
    bool to_stdout = strcmp(path, "-") == 0;
    if (to_stdout && args.json)
        return cli_usage_error("report", "--json wants the page in a file");
    if (!(store = cli_open_store(&status)))
        return status;
    if (!dcs_store_status(store, &root, &err) || !cli_report(root, &page, &err) ||
        (!to_stdout && !cli_write_file(path, 0644, &page, &err)))
        return cli_fail(&err);
    if (to_stdout)
        fwrite(dcs_buf_text(&page), 1, page.len, stdout);
    return args.json ? print_json(root, path) : CLI_DONE;
}
