// SPDX-License-Identifier: Apache-2.0
/* cmd_exec.c - `exec`: runs a command with the provider configured; ends as the command does. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "place.h"

#define BASE_CONF "DIGICERT_STORE_BASE_CONF"

enum { NOT_FOUND = 127, NOT_EXECUTABLE = 126 };

const struct cli_option cli_exec_options[] = { { NULL, NULL, NULL } };

/* Sections of other names would not be merged with ours, and the provider would silently be missing. */
static bool names_fit(const char *path)
{
    static const struct {
        const char *name, *value;
    } expected[] = { { "openssl_conf", "openssl_init" }, { "providers", "provider_sect" } };
    FILE *file = fopen(path, "re");
    char line[1024];
    bool fit = true;

    while (file && fit && fgets(line, sizeof(line), file)) {
        char name[64] = "";
        char value[256] = "";
        if (sscanf(line, " %63[a-z_] = %255[^ \t\r\n#]", name, value) != 2)
            continue;
        for (size_t i = 0; i < DCS_COUNT(expected); i++)
            if (strcmp(name, expected[i].name) == 0 && strcmp(value, expected[i].value) != 0)
                fit = false;
    }
    if (file)
        fclose(file);
    if (fit)
        return true;
    cli_say("%s says \"%.*s\", which does not fit the provider's configuration", path,
            (int)strcspn(line, "\r\n"), line);
    fprintf(stderr, "hint: rename the sections there to openssl_init and provider_sect, or "
                    "activate digicert in "
                    "them (provider-digicert(7))\n");
    return false;
}

/* The openssl.cnf that was in force is included first, so that nothing of it is lost. */
static bool set_environment(void)
{
    struct cli_place place;
    char base[4096];

    cli_find_place(&place);
    if (access(place.exec_conf, R_OK) != 0) {
        cli_say("%s: %s", place.exec_conf, strerror(errno));
        fprintf(stderr,
                "hint: install digicert-store (meson install), or run it from its build tree\n");
        return false;
    }
    const char *outer = getenv(BASE_CONF);
    if (outer) /* exec inside exec: the base is still the first one's */
        snprintf(base, sizeof(base), "%s", outer);
    else
        cli_openssl_conf(base, sizeof(base));
    if (access(base, R_OK) != 0)
        snprintf(base, sizeof(base), "/dev/null");
    if (!names_fit(base))
        return false;
    return setenv(BASE_CONF, base, 1) == 0 && setenv("OPENSSL_CONF", place.exec_conf, 1) == 0;
}

int cmd_exec(int argc, char **argv)
{
    int first = 1;

    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        struct cli_args args;
        return cli_parse("exec", argc, argv, &args);
    }
    if (argc > 1 && strcmp(argv[1], "--") == 0)
        first = 2;
    if (first >= argc)
        return cli_usage_error("exec",
                               "exec wants a command: digicert-store exec -- openssl version");
    if (!set_environment())
        return CLI_LOCAL;
    execvp(argv[first], argv + first);
    cli_say("%s: %s", argv[first], strerror(errno));
    return errno == ENOENT ? NOT_FOUND : NOT_EXECUTABLE;
}
