// SPDX-License-Identifier: Apache-2.0
/* conf_openssl.c - the providers of an openssl.cnf, by NCONF; loads and changes nothing. */
#include "io/conf_openssl.h"

#include <errno.h>
#include <openssl/conf.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

static void copy_value(const CONF *nconf, const char *section, const char *name, char *out,
                       size_t capacity)
{
    const char *value = NCONF_get_string(nconf, section, name);

    snprintf(out, capacity, "%s", value ? value : "");
}

static void take_providers(const CONF *nconf, struct dcs_openssl_conf *conf)
{
    const STACK_OF(CONF_VALUE) *list = NCONF_get_section(nconf, conf->providers_section);

    for (int i = 0; i < sk_CONF_VALUE_num(list); i++) {
        const CONF_VALUE *row = sk_CONF_VALUE_value(list, i);
        if (conf->provider_count == DCS_COUNT(conf->providers))
            return;
        struct dcs_openssl_provider *p = &conf->providers[conf->provider_count++];
        /* As libcrypto does it: what stands before a dot only makes the name unique. */
        const char *dot = strchr(row->name, '.');
        snprintf(p->name, sizeof(p->name), "%s", dot ? dot + 1 : row->name);
        snprintf(p->section, sizeof(p->section), "%s", row->value);
        copy_value(nconf, p->section, "module", p->module, sizeof(p->module));
        p->is_activated = NCONF_get_string(nconf, p->section, "activate") != NULL;
    }
}

static void take(const CONF *nconf, struct dcs_openssl_conf *conf)
{
    copy_value(nconf, NULL, "openssl_conf", conf->init_section, sizeof(conf->init_section));
    if (conf->init_section[0])
        copy_value(nconf, conf->init_section, "providers", conf->providers_section,
                   sizeof(conf->providers_section));
    if (conf->providers_section[0])
        take_providers(nconf, conf);
}

bool dcs_openssl_conf_read(const char *path, struct dcs_openssl_conf *ret_conf, struct dcs_err *err)
{
    struct dcs_openssl_conf conf = { 0 };
    long line = 0;
    bool good = false;

    if (access(path, R_OK) != 0)
        return dcs_fail(err, DCS_E_INPUT, "%s: %s", path, strerror(errno));
    ERR_set_mark();
    CONF *nconf = NCONF_new_ex(NULL, NULL);
    if (!nconf) {
        dcs_fail(err, DCS_E_NOMEM, "out of memory");
    } else if (NCONF_load(nconf, path, &line) <= 0) {
        const char *reason = ERR_reason_error_string(ERR_peek_last_error());
        dcs_fail(err, DCS_E_CONFIG, "%s:%ld: %s", path, line, reason ? reason : "not understood");
        dcs_hint(err, "OpenSSL ignores the whole file; correct that line");
    } else {
        take(nconf, &conf);
        *ret_conf = conf;
        good = true;
    }
    NCONF_free(nconf);
    ERR_pop_to_mark();
    return good;
}

const struct dcs_openssl_provider *dcs_openssl_conf_find(const struct dcs_openssl_conf *conf,
                                                         const char *name)
{
    for (size_t i = 0; i < conf->provider_count; i++)
        if (strcmp(conf->providers[i].name, name) == 0)
            return &conf->providers[i];
    return NULL;
}
