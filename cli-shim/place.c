// SPDX-License-Identifier: Apache-2.0
/* place.c - finds our own files and the system's openssl.cnf; opens nothing. */
#include "place.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli-build.h"

void cli_find_place(struct cli_place *p)
{
    char self[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

    *p = (struct cli_place){ 0 };
    snprintf(p->exec_conf, sizeof(p->exec_conf), "%s/openssl-exec.cnf", CLI_DATADIR);
    snprintf(p->module, sizeof(p->module), "%s/digicert.so", CLI_MODULESDIR);
    snprintf(p->snippet, sizeof(p->snippet), "%s/digicert-store.cnf", CLI_SSL_CONFDIR);
    self[len > 0 ? len : 0] = '\0';
    char *slash = strrchr(self, '/');
    if (!slash)
        return;
    *slash = '\0';
    char conf[PATH_MAX + 64];
    snprintf(conf, sizeof(conf), "%s/../provider/openssl-exec.cnf", self);
    if (access(conf, R_OK) != 0)
        return;
    p->in_build_tree = true;
    snprintf(p->exec_conf, sizeof(p->exec_conf), "%.4000s/../provider/openssl-exec.cnf", self);
    snprintf(p->module, sizeof(p->module), "%.4000s/../provider/digicert.so", self);
    snprintf(p->snippet, sizeof(p->snippet), "%.4000s/../provider/digicert-store.cnf", self);
}

void cli_openssl_conf(char *out, int capacity)
{
    const char *named = getenv("OPENSSL_CONF");

    if (named && *named) {
        snprintf(out, (size_t)capacity, "%s", named);
        return;
    }
    snprintf(out, (size_t)capacity, "%s/openssl.cnf", CLI_OPENSSLDIR);
}
