/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls.h - which certificate a server presents. The one file that needs libssl: it is a library of its
 * own, which the CLI alone links, so that applications do not load libssl with the provider.
 */
#ifndef DCS_IO_TLS_H
#define DCS_IO_TLS_H

#include "base/env.h"
#include "io/x509.h"

struct dcs_tls_server {
    const char *host, *port; /* of the address */
    const char *sni;         /* "" sends none */
};

/*
 * One full handshake (TLS 1.2 or later) with a fresh connection. The server's chain is not judged: who
 * asks compares the leaf, byte by byte, with the one that must be there; the handshake proves that the
 * server has its key. DCS_E_STATE with the reason when there was no handshake.
 */
bool dcs_tls_leaf(const struct dcs_env *env, const struct dcs_tls_server *server,
                  int64_t deadline_ms, uint8_t ret_sha256[DCS_SHA256_LEN],
                  struct dcs_err *err) DCS_CHECKED;

#endif
