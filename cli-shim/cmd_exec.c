// SPDX-License-Identifier: Apache-2.0
/* cmd_exec.c - `exec`: runs a command with the provider configured; ends as the command does. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"

#define BASE_CONF "DIGICERT_STORE_BASE_CONF"

enum { NOT_FOUND = 127, NOT_EXECUTABLE = 126 };

const struct cli_option cli_exec_options[] = { { NULL, NULL, NULL } };

/* A file that OpenSSL would ignore, or whose sections would not be merged with ours: the provider
 * would silently be missing. *ret_as_it_is: such a file that activates the provider itself. */
static int check_base(const char *path, bool *ret_as_it_is)
{
    struct dcs_openssl_conf conf;
    struct dcs_err err = { 0 };

    *ret_as_it_is = false;
    if (!dcs_openssl_conf_read(path, &conf, &err))
        return cli_fail(&err);
    if (cli_names_fit(&conf))
        return CLI_DONE;
    const struct dcs_openssl_provider *ours = dcs_openssl_conf_find(&conf, "digicert");
    *ret_as_it_is = ours && ours->is_activated;
    if (*ret_as_it_is)
        return CLI_DONE;
    cli_say("%s names its sections [%s]%s%s%s, which does not fit the provider's configuration",
            path, conf.init_section, conf.providers_section[0] ? " and [" : "",
            conf.providers_section, conf.providers_section[0] ? "]" : "");
    fprintf(stderr, "hint: rename them to openssl_init and provider_sect, or activate digicert in "
                    "them: `digicert-store doctor` prints the lines\n");
    return CLI_USAGE;
}

/* The openssl.cnf that was in force is included first, so that nothing of it is lost. */
static int set_environment(void)
{
    struct cli_place place;
    char base[4096];
    bool as_it_is = false;

    cli_find_place(&place);
    for (size_t i = 0; i < 2; i++) {
        const char *needed = i == 0 ? place.exec_conf : place.module;
        if (access(needed, R_OK) == 0)
            continue;
        cli_say("%s: %s", needed, strerror(errno));
        fprintf(stderr,
                "hint: install digicert-store (meson install), or run it from its build tree\n");
        return CLI_LOCAL;
    }
    const char *outer = getenv(BASE_CONF);
    if (outer) /* exec inside exec: the base is still the first one's */
        snprintf(base, sizeof(base), "%s", outer);
    else
        cli_openssl_conf(base, sizeof(base));
    if (access(base, R_OK) != 0)
        snprintf(base, sizeof(base), "/dev/null");
    int status = check_base(base, &as_it_is);
    if (status == CLI_DONE && !as_it_is &&
        (setenv(BASE_CONF, base, 1) != 0 || setenv("OPENSSL_CONF", place.exec_conf, 1) != 0))
        status = CLI_LOCAL;
    return status;
}

/* Our own options stand before the command; what follows it belongs to it. */
int cmd_exec(int argc, char **argv)
{
    struct cli_args args;
    int first = 1;

    while (first < argc && argv[first][0] == '-' && strcmp(argv[first], "--") != 0)
        first++;
    int status = cli_parse("exec", first, argv, &args);
    if (status != CLI_DONE)
        return status;
    if (first < argc && strcmp(argv[first], "--") == 0)
        first++;
    if (first >= argc)
        return cli_usage_error("exec",
                               "exec wants a command: digicert-store exec -- openssl version");
    status = set_environment();
    if (status != CLI_DONE)
        return status;
    execvp(argv[first], argv + first);
    cli_say("%s: %s", argv[first], strerror(errno));
    return errno == ENOENT ? NOT_FOUND : NOT_EXECUTABLE;
}
