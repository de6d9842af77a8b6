// SPDX-License-Identifier: Apache-2.0
/*
 * cmd_doctor.c - `doctor`: the room's own checks, then OpenSSL's side by running the real openssl:
 * behaviour and not versions. Changes nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "doctor.h"

enum { OUTPUT_MAX = 65536, CHILD_MS = 10000 };

const struct cli_option cli_doctor_options[] = {
    { "--offline", NULL, "Leave out what asks the CA" },
    { NULL, NULL, NULL },
};

static const char *const level_names[] = { "ok", "note", "warning", "error" };

struct report {
    struct dcs_json *array; /* NULL: text */
    enum dcs_finding worst;
};

static void add_finding(void *context, enum dcs_finding level, const char *subject,
                        const char *text, const char *hint)
{
    struct report *report = context;

    report->worst = level > report->worst ? level : report->worst;
    if (report->array) {
        struct dcs_json *row = dcs_json_add_object(report->array, NULL);
        dcs_json_add_text(row, "level", level_names[level]);
        dcs_json_add_text(row, "subject", subject);
        dcs_json_add_text(row, "text", text);
        if (hint)
            dcs_json_add_text(row, "hint", hint);
        return;
    }
    printf("%-8s %s: %s\n", level_names[level], subject, text);
    if (hint)
        printf("         hint: %s\n", hint);
}

/* ---- running openssl ---- */

static void child(char *const argv[], int out)
{
    int null = open("/dev/null", O_RDONLY);

    dup2(null, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    execvp(argv[0], argv);
    _exit(127);
}

/* Both streams of the command, within ten seconds; its exit status, -1 when it did not end. */
static int run(char *const argv[], struct dcs_buf *output)
{
    int ends[2];
    int status = -1;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0)
        child(argv, ends[1]);
    close(ends[1]);
    int64_t left = CHILD_MS;
    while (pid > 0 && left > 0) {
        char block[4096];
        struct pollfd wait = { .fd = ends[0], .events = POLLIN };
        int64_t before = dcs_env_mono_ms(dcs_env_real());
        ssize_t got = poll(&wait, 1, (int)left) > 0 ? read(ends[0], block, sizeof(block)) : -1;
        if (got <= 0 && errno != EINTR)
            break;
        if (got > 0)
            dcs_buf_add(output, block, (size_t)got);
        if (got == 0)
            break;
        left -= dcs_env_mono_ms(dcs_env_real()) - before;
    }
    close(ends[0]);
    if (pid <= 0)
        return -1;
    if (left <= 0)
        kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- OpenSSL's side ---- */

static bool check_openssl(struct report *report)
{
    dcs_auto(dcs_buf) struct dcs_buf output = { .max = OUTPUT_MAX };
    char *const argv[] = { (char *)"openssl", (char *)"version", NULL };
    char line[200];

    int status = run(argv, &output);
    if (status == 127) {
        add_finding(report, DCS_FINDING_NOTE, "openssl", "the openssl program is not installed",
                    "install it (Debian: openssl) so that doctor can look through it");
        return false;
    }
    snprintf(line, sizeof(line), "%.*s", (int)strcspn(dcs_buf_text(&output), "\n"),
             dcs_buf_text(&output));
    if (status != 0) {
        add_finding(report, DCS_FINDING_ERROR, "openssl", line,
                    "`openssl version` fails: look at openssl.cnf");
        return false;
    }
    add_finding(report, DCS_FINDING_OK, "openssl", line, NULL);
    return true;
}

static void check_conf(struct report *report, const struct cli_place *place)
{
    char conf[4096];
    char text[8300];

    cli_openssl_conf(conf, sizeof(conf));
    snprintf(text, sizeof(text), "configuration in force: %s%s", conf,
             access(conf, R_OK) == 0 ? "" : " (missing or unreadable)");
    add_finding(report, access(conf, R_OK) == 0 ? DCS_FINDING_OK : DCS_FINDING_NOTE, "openssl.cnf",
                text, NULL);
    snprintf(text, sizeof(text), "%s", place->module);
    if (access(place->module, R_OK) == 0)
        add_finding(report, DCS_FINDING_OK, "module", text, NULL);
    else
        add_finding(report, DCS_FINDING_ERROR, "module", text,
                    "the provider module is not there: install digicert-store");
}

/* In `openssl list -providers` a provider's name stands alone on a line, two blanks deep. */
static bool has_provider(const char *list, const char *name)
{
    char line[64];

    snprintf(line, sizeof(line), "\n  %s\n", name);
    return strstr(list, line) != NULL;
}

static void check_providers(struct report *report, const struct cli_place *place)
{
    dcs_auto(dcs_buf) struct dcs_buf output = { .max = OUTPUT_MAX };
    char *const argv[] = { (char *)"openssl", (char *)"list", (char *)"-providers", NULL };
    char conf[4096];

    int status = run(argv, &output);
    const char *list = dcs_buf_text(&output);
    bool ours = has_provider(list, "digicert");
    if (status != 0 || !has_provider(list, "default"))
        add_finding(
            report, DCS_FINDING_ERROR, "providers",
            "the default provider is not active: programs lose their cryptography",
            "openssl.cnf must activate it beside others: [provider_sect] default = default_sect, "
            "[default_sect] activate = 1");
    else
        add_finding(report, DCS_FINDING_OK, "providers", "the default provider is active", NULL);
    cli_openssl_conf(conf, sizeof(conf));
    cli_doctor_conf(place, conf, ours, add_finding, report);
}

/* Loaded by path, whatever openssl.cnf says: is the module itself sound? The URI is malformed on
 * purpose, so that nothing is fetched and the answer must be ours. */
static void check_module(struct report *report, const struct cli_place *place)
{
    dcs_auto(dcs_buf) struct dcs_buf output = { .max = OUTPUT_MAX };
    char dir[4096];

    snprintf(dir, sizeof(dir), "%.*s", (int)(strrchr(place->module, '/') - place->module),
             place->module);
    char *const argv[] = { (char *)"openssl",           (char *)"storeutl",
                           (char *)"-provider-path",    dir,
                           (char *)"-provider",         (char *)"default",
                           (char *)"-provider",         (char *)"digicert",
                           (char *)"digicert://doctor", NULL };
    run(argv, &output);
    if (strstr(dcs_buf_text(&output), "malformed digicert: URI"))
        add_finding(report, DCS_FINDING_OK, "loader",
                    "this OpenSSL loads the module and finds the scheme", NULL);
    else
        add_finding(report, DCS_FINDING_ERROR, "loader", "this OpenSSL cannot use the module",
                    "run `openssl storeutl -provider-path DIR -provider default -provider digicert "
                    "digicert://doctor` "
                    "and look at its errors");
}

int cmd_doctor(int argc, char **argv)
{
    dcs_auto(dcs_store) struct dcs_store *store = NULL;
    struct report report = { 0 };
    struct cli_place place;
    struct cli_args args;
    int status = cli_parse("doctor", argc, argv, &args);

    if (status != CLI_DONE || !(store = cli_open_store(&status)))
        return status;
    if (args.rest_count > 0)
        return cli_usage_error("doctor", "doctor takes no argument");
    if (args.json)
        report.array = dcs_json_new_array();
    dcs_store_doctor(store, !args.values[0], add_finding, &report);
    cli_find_place(&place);
    if (check_openssl(&report)) {
        check_conf(&report, &place);
        check_providers(&report, &place);
        check_module(&report, &place);
    }
    if (args.json && !cli_print_json(report.array))
        status = CLI_LOCAL;
    dcs_json_free(report.array);
    return report.worst == DCS_FINDING_ERROR ? CLI_USAGE : status;
}
