/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_openssl.h - what an openssl.cnf says of providers, read as libcrypto reads it: .include is
 * followed, sections of one name are merged. For `doctor` and `exec`; activates nothing.
 */
#ifndef DCS_IO_CONF_OPENSSL_H
#define DCS_IO_CONF_OPENSSL_H

#include <stddef.h>

#include "base/err.h"

struct dcs_openssl_provider {
    char name[64];
    char section[128];
    char module[1024]; /* "" = by its name in the modules' directory */
    bool is_activated;
};

struct dcs_openssl_conf {
    char init_section[128];      /* what `openssl_conf =` names; "" = the line is missing */
    char providers_section[128]; /* what `providers =` names there; "" = nothing */
    struct dcs_openssl_provider providers[16]; /* in the order in which libcrypto takes them */
    size_t provider_count;
};

/* DCS_E_INPUT: there is no such file or it may not be read. DCS_E_CONFIG: not understood, with the
 * line; libcrypto then ignores the file as a whole, silently in most programs. */
bool dcs_openssl_conf_read(const char *path, struct dcs_openssl_conf *ret_conf,
                           struct dcs_err *err) DCS_CHECKED;
/* NULL when it is not listed. */
const struct dcs_openssl_provider *dcs_openssl_conf_find(const struct dcs_openssl_conf *conf,
                                                         const char *name);

#endif
