// SPDX-License-Identifier: Apache-2.0
/* cmd_maintenance.c - `maintenance`: announced windows in UTC and by this host's clock, and their sources. */
#include <string.h>

#include "cli.h"

enum { OPT_REFRESH, OPT_ALL, SHOWN = 20 };

const struct cli_option cli_maintenance_options[] = {
    { "--refresh", NULL, "Read calendars and status page now, whatever the time" },
    { "--all", NULL, "Show every window, not the next 20 alone" },
    { NULL, NULL, NULL },
};

static const char *text_of(const struct dcs_json *object, const char *name)
{
    const char *text = dcs_json_text(object, name);

    return text ? text : "";
}

/* "2026-12-06 05:00 - 07:00", the day said again only when it is another one; times as in RFC 3339. */
static void print_span(const char *start, const char *end, int width)
{
    char text[48];
    bool same_day = strncmp(start, end, 10) == 0;

    snprintf(text, sizeof(text), "%.10s %.5s - %.*s%s%.5s", start,
             strlen(start) > 11 ? start + 11 : "", same_day ? 0 : 10, end, same_day ? "" : " ",
             strlen(end) > 11 ? end + 11 : "");
    printf("%-*s", width, text);
}

static void print_window(const struct dcs_json *w)
{
    const char *local = text_of(w, "end_local");
    const char *status = text_of(w, "status");

    print_span(text_of(w, "start"), text_of(w, "end"), 37);
    print_span(text_of(w, "start_local"), local, 37);
    printf("%-8s", strlen(local) > 19 ? local + 19 : "");
    printf("%s (%s%s%s)%s%s\n", text_of(w, "title"),
           strcmp(text_of(w, "source"), "status_page") == 0 ? "status page" : text_of(w, "source"),
           *status ? ", " : "", status, dcs_json_tri(w, "now") == DCS_YES ? ", now" : "",
           dcs_json_tri(w, "planned_by") == DCS_YES ? "" : ", too long to plan by");
}

static void print_windows(const struct dcs_json *root, bool all)
{
    const struct dcs_json *list = dcs_json_get(root, "windows");
    size_t count = dcs_json_count(list);
    size_t shown = 0;

    if (count == 0) {
        printf("no maintenance is announced\n");
        return;
    }
    printf("%-37s%-37s%-8s%s\n", "UTC", "here", "", "window");
    for (const struct dcs_json *w = dcs_json_first(list); w && (all || shown < SHOWN);
         w = dcs_json_next(w), shown++)
        print_window(w);
    if (shown < count)
        printf("... and %zu more: --all shows them\n", count - shown);
}

/* "calendar https://cal.example", "configuration" */
static const char *name_of(const struct dcs_json *source, char out[256])
{
    const char *kind = text_of(source, "source");
    bool is_page = strcmp(kind, "status_page") == 0;

    snprintf(out, 256, "%s%s%s", is_page ? "status page" : kind,
             strcmp(kind, "configuration") == 0 ? "" : " ",
             strcmp(kind, "configuration") == 0 ? "" : text_of(source, "place"));
    return out;
}

static void print_source(const struct dcs_json *s)
{
    const char *read_at = text_of(s, "read_at");
    const char *next = text_of(s, "next_try");
    int64_t windows = 0;
    char name[256];

    (void)dcs_json_i64(s, "windows", &windows);
    printf("%s: %lld windows%s, %s%s%s%s\n", name_of(s, name), (long long)windows,
           dcs_json_tri(s, "more") == DCS_YES ? " (and more)" : "",
           *read_at ? "read " : "never read", read_at, *next ? ", again after " : "", next);
}

/* What a source lacks goes to stderr; the windows that it gave before stand. */
static int complain(const struct dcs_json *s)
{
    const char *problem = text_of(s, "problem");
    const char *note = text_of(s, "note");
    bool is_remote = strncmp(text_of(s, "place"), "https://", 8) == 0;
    char name[256];

    if (*problem)
        cli_say("%s: %s%s", name_of(s, name), problem,
                *text_of(s, "read_at") && is_remote ? "; what was read before stands" : "");
    else if (*note)
        cli_say("%s: %s", name_of(s, name), note);
    if (!*problem)
        return CLI_DONE;
    return is_remote ? CLI_AWAY : CLI_USAGE;
}

static int finish(const struct dcs_json *root, const struct cli_args *args)
{
    const struct dcs_json *sources = dcs_json_get(root, "sources");
    int status = CLI_DONE;

    if (args->json && !cli_print_json(root))
        return CLI_LOCAL;
    if (!args->json)
        print_windows(root, args->values[OPT_ALL] != NULL);
    if (!args->json && dcs_json_count(sources) == 0)
        fprintf(stderr, "hint: nothing tells of maintenance; maintenance_status_page = "
                        "https://status.digicert.com in digicert-store.conf does\n");
    for (const struct dcs_json *s = dcs_json_first(sources); s; s = dcs_json_next(s)) {
        if (!args->json)
            print_source(s);
        fflush(stdout);
        status = cli_worst(status, complain(s));
    }
    return status;
}

int cmd_maintenance(int argc, char **argv)
{
    dcs_auto(dcs_store) struct dcs_store *store = NULL;
    dcs_auto(dcs_json) struct dcs_json *root = NULL;
    struct dcs_err err = { 0 };
    struct cli_args args;
    int status = cli_parse("maintenance", argc, argv, &args);

    if (status != CLI_DONE || !(store = cli_open_store(&status)))
        return status;
    if (args.rest_count > 0)
        return cli_usage_error("maintenance", "maintenance takes no argument");
    if (!dcs_store_maintenance(store, args.values[OPT_REFRESH] != NULL, &root, &err))
        return cli_fail(&err);
    return finish(root, &args);
}
