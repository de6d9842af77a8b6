/* SPDX-License-Identifier: Apache-2.0 */
/* issuer_ct.h - three Certificate Transparency logs whose timestamps verify (RFC 6962). */
#ifndef SANDBOX_ISSUER_CT_H
#define SANDBOX_ISSUER_CT_H

#include <openssl/x509.h>

#include "base.h"

enum { SB_CT_LOGS = 3 };

struct sb_ct_log {
    EVP_PKEY *key;
    unsigned char id[32]; /* SHA-256 of its public key */
};

/* Keys from dir or new there; also writes dir/ct_log_list.cnf in OpenSSL's format. */
bool sb_ct_logs_open(const char *dir, struct sb_ct_log logs[SB_CT_LOGS]) SB_CHECKED;
void sb_ct_logs_close(struct sb_ct_log logs[SB_CT_LOGS]);
/* Adds the SCT list to a signed certificate, which must be signed again afterwards. */
bool sb_ct_embed(const struct sb_ct_log logs[SB_CT_LOGS], X509 *cert, X509 *issuer,
                 int64_t when) SB_CHECKED;

#endif
