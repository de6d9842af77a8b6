// SPDX-License-Identifier: Apache-2.0
/* main.c - digicert-store: the table of commands, and the way to one of them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli-build.h"
#include "cli.h"

const struct cli_command cli_commands[] = {
    { "show", "URI...", "Say what is known of an order, and what its certificate's life looks like",
      cli_show_options, cmd_show },
    { "get", "URI", "Write the certificate chain, and the key when asked, as PEM, DER or PKCS#12",
      cli_get_options, cmd_get },
    { "list", "", "List the account's orders and the local ones", cli_list_options, cmd_list },
    { "status", "", "Show all local orders, failures and the service's state", cli_status_options,
      cmd_status },
    { "report", "", "Write the status as a page of HTML for people", cli_report_options,
      cmd_report },
    { "sync", "", "Do everything that is due, for all managed orders", cli_sync_options, cmd_sync },
    { "deliver", "[URI...]", "Bring new pairs to their programs: copy, hook, verify; roll back",
      cli_deliver_options, cmd_deliver },
    { "maintenance", "", "List when the CA is announced to be away", cli_maintenance_options,
      cmd_maintenance },
    { "reissue", "URI...", "Ask the CA for a new certificate under the order, with a new key",
      cli_reissue_options, cmd_reissue },
    { "duplicate", "URI...", "Ask the CA for a further copy, with a key of its own",
      cli_duplicate_options, cmd_duplicate },
    { "wait", "URI...", "Wait until a pending certificate is here", cli_wait_options, cmd_wait },
    { "ct", "URI [logged|unlogged]", "Show whether certificates are logged for CT, or switch it",
      cli_ct_options, cmd_ct },
    { "import", "URI", "Put a private key beside the order's certificate that it belongs to",
      cli_import_options, cmd_import },
    { "stub", "URI", "Write a PEM file that stands for the order's private key", cli_stub_options,
      cmd_stub },
    { "config", "", "Show the configuration in force and where each value comes from",
      cli_config_options, cmd_config },
    { "doctor", "", "Check configuration, API key, clock, directories and OpenSSL",
      cli_doctor_options, cmd_doctor },
    { "exec", "-- COMMAND [ARGUMENT...]", "Run a command with the provider configured",
      cli_exec_options, cmd_exec },
    { NULL, NULL, NULL, NULL, NULL },
};

static void usage(FILE *to)
{
    fprintf(to, "usage: digicert-store COMMAND [--json] [OPTION...] [ARGUMENT...]\n\n");
    for (const struct cli_command *c = cli_commands; c->name; c++)
        fprintf(to, "  %-11s %-26s %s\n", c->name, c->arguments, c->help);
    fprintf(to, "\n`digicert-store COMMAND --help` tells more; digicert-store(1) is the manual. "
                "Example:\n\n"
                "  $ digicert-store import order/123 --key www.key\n"
                "  $ openssl storeutl digicert://order/123\n");
}

/* A result that did not arrive (a full disk behind a redirection) is no success. */
static int finish(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    cli_say("stdout cannot be written: %s", strerror(errno));
    return cli_worst(status, CLI_LOCAL);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        usage(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        usage(stdout);
        return CLI_DONE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("digicert-store " CLI_VERSION);
        return CLI_DONE;
    }
    for (const struct cli_command *c = cli_commands; c->name; c++)
        if (strcmp(argv[1], c->name) == 0)
            return finish(c->run(argc - 1, argv + 1));
    cli_say("there is no command \"%s\"", argv[1]);
    usage(stderr);
    return CLI_USAGE;
}
