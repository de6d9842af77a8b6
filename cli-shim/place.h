/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place.h - where the installed files are, or those of the build tree when this binary runs there:
 * the build tree is recognized by ../provider/openssl-exec.cnf beside the executable's directory.
 */
#ifndef DCS_CLI_PLACE_H
#define DCS_CLI_PLACE_H

#include <stdbool.h>

struct cli_place {
    char exec_conf[4096]; /* openssl-exec.cnf */
    char module[4096];    /* digicert.so */
    char snippet[4096];   /* what openssl.cnf includes */
    bool in_build_tree;
};
void cli_find_place(struct cli_place *ret_place);
/* The openssl.cnf in force: OPENSSL_CONF, else the library's default; "" when unknown. */
void cli_openssl_conf(char *out, int capacity);

#endif
