// SPDX-License-Identifier: Apache-2.0
/*
 * doctor_conf.c - why openssl.cnf does not activate the provider as it should, and the lines that
 * mend it. Reads, never changes. What is active is asked of the real openssl, in cmd_doctor.c.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"

enum { TEXT_MAX = 9000 };

struct look {
    const struct cli_place *place;
    const char *path;
    struct dcs_openssl_conf conf;
    dcs_finding_cb *report;
    void *context;
};

static void find(const struct look *look, enum dcs_finding level, const char *text,
                 const char *hint)
{
    look->report(look->context, level, "providers", text, hint);
}

static bool is(const char *text, const char *other)
{
    return strcmp(text, other) == 0;
}

/* The sections have the names that our snippet uses, or are not there at all. */
bool cli_names_fit(const struct dcs_openssl_conf *conf)
{
    return (!conf->init_section[0] || is(conf->init_section, "openssl_init")) &&
           (!conf->providers_section[0] || is(conf->providers_section, "provider_sect"));
}

static void say_listed(const struct look *look, const struct dcs_openssl_provider *ours)
{
    char text[TEXT_MAX];
    char hint[TEXT_MAX];

    if (ours->module[0] == '/' && access(ours->module, R_OK) != 0) {
        snprintf(text, sizeof(text), "digicert is not active: [%s] says module = %s: %s",
                 ours->section, ours->module, strerror(errno));
        snprintf(hint, sizeof(hint), "write module = %s there", look->place->module);
    } else if (!ours->is_activated) {
        snprintf(text, sizeof(text), "digicert is not active: [%s] does not activate it",
                 ours->section);
        snprintf(hint, sizeof(hint), "add activate = 1 to [%s] in %s", ours->section, look->path);
    } else {
        snprintf(text, sizeof(text), "digicert is not active although %s activates it", look->path);
        snprintf(hint, sizeof(hint),
                 "a section before it fails, or the module does not load (see loader below)");
    }
    find(look, DCS_FINDING_ERROR, text, hint);
}

/* Not listed, and the one .include line would not help: the file has its own names. */
static void say_own_names(const struct look *look)
{
    char hint[TEXT_MAX];
    const char *list = look->conf.providers_section;

    if (list[0])
        snprintf(hint, sizeof(hint), "in %s add \"digicert = digicert_sect\" to [%s]", look->path,
                 list);
    else
        snprintf(hint, sizeof(hint),
                 "in %s add \"providers = provider_sect\" to [%s], and [provider_sect] with "
                 "\"default = default_sect\" and \"digicert = digicert_sect\", and [default_sect] "
                 "with \"activate = 1\"",
                 look->path, look->conf.init_section);
    size_t len = strlen(hint);
    snprintf(hint + len, sizeof(hint) - len,
             ", and [digicert_sect] with \"module = %s\" and \"activate = 1\"",
             look->place->module);
    find(look, DCS_FINDING_WARNING, "digicert is not active in openssl.cnf", hint);
}

static void say_inactive(const struct look *look)
{
    const struct dcs_openssl_provider *ours = dcs_openssl_conf_find(&look->conf, "digicert");
    char hint[TEXT_MAX];

    if (ours) {
        say_listed(look, ours);
        return;
    }
    if (!cli_names_fit(&look->conf)) {
        say_own_names(look);
        return;
    }
    if (look->conf.init_section[0])
        snprintf(hint, sizeof(hint),
                 "add this line at the end of %s: .include %s - or use `digicert-store exec`",
                 look->path, look->place->snippet);
    else
        snprintf(hint, sizeof(hint),
                 "%s lacks \"openssl_conf = openssl_init\" before its first section: add that, and "
                 "at its end: .include %s - or use `digicert-store exec`",
                 look->path, look->place->snippet);
    find(look, DCS_FINDING_WARNING, "digicert is not active in openssl.cnf", hint);
}

/* libcrypto asks providers in this order; `openssl list -providers` sorts them by name. */
static void check_order(const struct look *look)
{
    const struct dcs_openssl_provider *ours = dcs_openssl_conf_find(&look->conf, "digicert");
    const struct dcs_openssl_provider *standard = dcs_openssl_conf_find(&look->conf, "default");
    char hint[TEXT_MAX];

    if (!ours || !standard || standard < ours) {
        find(look, DCS_FINDING_OK, "digicert is active", NULL);
        return;
    }
    snprintf(hint, sizeof(hint), "list default first in [%s] of %s", look->conf.providers_section,
             look->path);
    find(look, DCS_FINDING_WARNING, "digicert is active, but stands before default", hint);
}

void cli_doctor_conf(const struct cli_place *place, const char *path, bool is_active,
                     dcs_finding_cb *report, void *context)
{
    struct look look = { .place = place, .path = path, .report = report, .context = context };
    struct dcs_err err = { 0 };

    if (access(place->snippet, R_OK) != 0)
        report(context, DCS_FINDING_ERROR, "openssl.cnf", place->snippet,
               "the file that openssl.cnf includes is not there: install digicert-store");
    /* A missing openssl.cnf is reported by the caller and means built-in defaults. */
    if (!dcs_openssl_conf_read(path, &look.conf, &err) && err.code != DCS_E_INPUT) {
        report(context, DCS_FINDING_ERROR, "openssl.cnf", err.text, err.hint);
        return;
    }
    if (is_active)
        check_order(&look);
    else
        say_inactive(&look);
}
