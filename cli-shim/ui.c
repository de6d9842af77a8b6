// SPDX-License-Identifier: Apache-2.0
/*
 * ui.c - words to the person, exit statuses by table, command lines by the table of options. Never
 * prints a secret.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

enum { FILE_MAX = 1 << 20 };

void cli_say(const char *format, ...)
{
    va_list args;

    fputs("digicert-store: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

enum cli_status cli_status_of(enum dcs_code code)
{
    static const enum cli_status statuses[DCS_E_COUNT] = {
        [DCS_E_NONE] = CLI_DONE,           [DCS_E_BUG] = CLI_BUG,
        [DCS_E_NOMEM] = CLI_LOCAL,         [DCS_E_URI] = CLI_USAGE,
        [DCS_E_CONFIG] = CLI_USAGE,        [DCS_E_INPUT] = CLI_USAGE,
        [DCS_E_NOT_FOUND] = CLI_NOT_FOUND, [DCS_E_NO_KEY] = CLI_NOT_FOUND,
        [DCS_E_KEY_FILE] = CLI_LOCAL,      [DCS_E_DENIED] = CLI_DENIED,
        [DCS_E_REFUSED] = CLI_POLICY,      [DCS_E_PENDING] = CLI_PENDING,
        [DCS_E_AWAY] = CLI_AWAY,           [DCS_E_LIMIT] = CLI_AWAY,
        [DCS_E_READER] = CLI_LOCAL,        [DCS_E_STATE] = CLI_LOCAL,
        [DCS_E_TIMEOUT] = CLI_PENDING,     [DCS_E_REJECTED] = CLI_POLICY,
        [DCS_E_POLICY] = CLI_POLICY,       [DCS_E_ENDED] = CLI_NOT_FOUND,
    };

    return (unsigned)code < DCS_E_COUNT ? statuses[code] : CLI_BUG;
}

int cli_fail(const struct dcs_err *err)
{
    cli_say("%s", err->text);
    if (err->hint[0])
        fprintf(stderr, "hint: %s\n", err->hint);
    return (int)cli_status_of(err->code);
}

int cli_worst(int a, int b)
{
    static const int order[] = { CLI_BUG,       CLI_LOCAL, CLI_DENIED,  CLI_POLICY, CLI_USAGE,
                                 CLI_NOT_FOUND, CLI_AWAY,  CLI_PENDING, CLI_DONE };

    for (size_t i = 0; i < DCS_COUNT(order); i++)
        if (a == order[i] || b == order[i])
            return order[i];
    return CLI_BUG;
}

/* ---- command lines ---- */

static const struct cli_command *command_named(const char *name)
{
    for (const struct cli_command *c = cli_commands; c->name; c++)
        if (strcmp(c->name, name) == 0)
            return c;
    abort();
}

static void command_usage(const struct cli_command *c, FILE *to)
{
    fprintf(to, "usage: digicert-store %s [--json] [OPTION...] %s\n\n%s.\n\n", c->name,
            c->arguments, c->help);
    for (const struct cli_option *o = c->options; o->name; o++) {
        char left[64];
        snprintf(left, sizeof(left), "%s%s%s", o->name, o->argument ? " " : "",
                 o->argument ? o->argument : "");
        fprintf(to, "  %-26s %s\n", left, o->help);
    }
    fprintf(to, "  %-26s %s\n", "--json", "Print the result as JSON");
}

int cli_usage_error(const char *command, const char *format, ...)
{
    va_list args;

    fputs("digicert-store: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\nhint: digicert-store %s --help\n", command);
    return CLI_USAGE;
}

/* The value of an option, from "--key=FILE" or the next argument; false after a message. */
static bool take_option(const struct cli_command *c, int argc, char **argv, int *at,
                        struct cli_args *args)
{
    const char *text = argv[*at];
    size_t len = strcspn(text, "=");

    for (size_t i = 0; c->options[i].name; i++) {
        const struct cli_option *o = &c->options[i];
        if (strlen(o->name) != len || strncmp(o->name, text, len) != 0)
            continue;
        if (!o->argument && text[len]) {
            cli_usage_error(c->name, "%s takes no value", o->name);
            return false;
        }
        if (o->argument && !text[len] && *at + 1 >= argc) {
            cli_usage_error(c->name, "%s wants %s", o->name, o->argument);
            return false;
        }
        args->values[i] = !o->argument ? "" : text[len] ? text + len + 1 : argv[++*at];
        return true;
    }
    cli_usage_error(c->name, "there is no option \"%s\"", text);
    return false;
}

int cli_parse(const char *command, int argc, char **argv, struct cli_args *ret_args)
{
    const struct cli_command *c = command_named(command);
    int kept = 0;

    *ret_args = (struct cli_args){ .rest = argv };
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            command_usage(c, stdout);
            exit(CLI_DONE);
        } else if (strcmp(argv[i], "--json") == 0) {
            ret_args->json = true;
        } else if (strcmp(argv[i], "--") == 0) {
            while (++i < argc)
                argv[kept++] = argv[i];
        } else if (argv[i][0] == '-' && argv[i][1]) {
            if (!take_option(c, argc, argv, &i, ret_args))
                return CLI_USAGE;
        } else {
            argv[kept++] = argv[i];
        }
    }
    ret_args->rest_count = kept;
    return CLI_DONE;
}

/* ---- shared work ---- */

bool cli_print_json(const struct dcs_json *json)
{
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = 256u << 20 };
    struct dcs_err err = { 0 };

    if (!dcs_json_print(json, true, &text, &err)) {
        cli_fail(&err);
        return false;
    }
    return fputs(dcs_buf_text(&text), stdout) >= 0;
}

struct dcs_store *cli_open_store(int *ret_status)
{
    const struct dcs_store_options options = { .caller = DCS_CALLER_VERB,
                                               .calendar = dcs_calendar_read };
    struct dcs_store *store = NULL;
    struct dcs_err err = { 0 };

    *ret_status = CLI_DONE;
    if (!dcs_store_new(&options, &store, &err))
        *ret_status = cli_fail(&err);
    return store;
}

bool cli_read_bytes(const char *path, size_t max, struct dcs_secret *ret_secret,
                    struct dcs_err *err)
{
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = max, .secret = true };
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(path, "rbe");
    char block[4096];
    size_t got;

    if (!file)
        return dcs_fail(err, DCS_E_INPUT, "%s: %s", path, strerror(errno));
    while ((got = fread(block, 1, sizeof(block), file)) > 0)
        dcs_buf_add(&text, block, got);
    bool failed = ferror(file);
    dcs_wipe(block, sizeof(block));
    if (!is_stdin)
        fclose(file);
    if (failed)
        return dcs_fail(err, DCS_E_INPUT, "%s cannot be read", path);
    if (text.failed)
        return dcs_fail(err, DCS_E_INPUT, "%s is larger than %zu MiB", path, max >> 20);
    return dcs_secret_copy(text.data ? text.data : "", text.len, ret_secret, err);
}

bool cli_read_file(const char *path, struct dcs_secret *ret_secret, struct dcs_err *err)
{
    return cli_read_bytes(path, FILE_MAX, ret_secret, err);
}
