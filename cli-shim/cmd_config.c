// SPDX-License-Identifier: Apache-2.0
/* cmd_config.c - `config`: values in force with their places, problems, and the table of keys. */
#include <string.h>

#include "cli.h"

enum { OPT_KEYS };

const struct cli_option cli_config_options[] = {
    [OPT_KEYS] = { "--keys", NULL, "Describe every key instead" },
    { NULL, NULL, NULL },
};

static int print_keys(bool as_json)
{
    dcs_auto(dcs_json) struct dcs_json *array = dcs_json_new_array();
    size_t count = 0;
    const struct dcs_config_row *rows = dcs_config_rows(&count);

    for (size_t i = 0; i < count; i++) {
        const char *scope = rows[i].scope == DCS_KEY_GLOBAL ? "global" : "order";
        if (!as_json) {
            printf("%-20s %-7s %-26s default: %s\n    %s\n", rows[i].name, scope, rows[i].type,
                   *rows[i].default_value ? rows[i].default_value : "(none)", rows[i].help);
            continue;
        }
        struct dcs_json *row = dcs_json_add_object(array, NULL);
        dcs_json_add_text(row, "name", rows[i].name);
        dcs_json_add_text(row, "scope", scope);
        dcs_json_add_text(row, "type", rows[i].type);
        dcs_json_add_text(row, "default", rows[i].default_value);
        dcs_json_add_text(row, "help", rows[i].help);
    }
    return !as_json || cli_print_json(array) ? CLI_DONE : CLI_LOCAL;
}

static void print_values(const struct dcs_json *values)
{
    for (const struct dcs_json *v = dcs_json_first(values); v; v = dcs_json_next(v))
        printf("%-20s = %-50s # %s\n", dcs_json_name(v), dcs_json_text(v, "value"),
               dcs_json_text(v, "from"));
}

static void print_report(const struct dcs_json *report)
{
    const char *file = dcs_json_text(report, "file");

    printf("# %s\n", file && *file ? file : "no configuration file: built-in values");
    print_values(dcs_json_get(report, "values"));
    const struct dcs_json *sections = dcs_json_get(report, "sections");
    for (const struct dcs_json *s = dcs_json_first(sections); s; s = dcs_json_next(s)) {
        printf("\n[%s]\n", dcs_json_text(s, "section"));
        print_values(dcs_json_get(s, "values"));
    }
}

int cmd_config(int argc, char **argv)
{
    dcs_auto(dcs_store) struct dcs_store *store = NULL;
    dcs_auto(dcs_config) struct dcs_config *config = NULL;
    dcs_auto(dcs_json) struct dcs_json *report = NULL;
    struct dcs_err err = { 0 };
    struct cli_args args;
    int status = cli_parse("config", argc, argv, &args);

    if (status != CLI_DONE)
        return status;
    if (args.values[OPT_KEYS])
        return print_keys(args.json);
    if (!(store = cli_open_store(&status)))
        return status;
    if (!dcs_store_config(store, &config, &err) || !dcs_config_report(config, &report, &err))
        return cli_fail(&err);
    if (args.json ? !cli_print_json(report) : (print_report(report), false))
        return CLI_LOCAL;
    if (!dcs_store_config_ok(store, &err))
        status = cli_fail(&err);
    for (size_t i = 1; i < dcs_config_problem_count(config); i++) {
        const struct dcs_config_problem *p = dcs_config_problem(config, i);
        cli_say("%s:%d: %s", dcs_config_origin(config), p->line, p->text);
    }
    return status;
}
