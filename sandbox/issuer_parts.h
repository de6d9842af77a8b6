/* SPDX-License-Identifier: Apache-2.0 */
/* issuer_parts.h - what the files of the issuer share; nobody else includes it. */
#ifndef SANDBOX_ISSUER_PARTS_H
#define SANDBOX_ISSUER_PARTS_H

#include "issuer.h"
#include "issuer_ct.h"

struct sb_authority {
    EVP_PKEY *key;
    X509 *cert;
    char *pem, *name;
    char id[17]; /* as ca_cert.id shows it */
};

struct sb_issuer {
    char *dir, *crl_base;
    struct sb_authority root;
    struct sb_authority *intermediates; /* the newest issues, unless another is asked for */
    size_t count;
    char *cross_pem;
    struct sb_ct_log logs[SB_CT_LOGS];
};

bool sb_add_extension(X509 *cert, X509 *issuer, int nid, const char *value) SB_CHECKED;
bool sb_set_subject(X509_NAME *name, const char *organization, const char *common_name) SB_CHECKED;
X509 *sb_new_cert(EVP_PKEY *key, const X509_NAME *issuer, int64_t not_before, int64_t not_after);
char *sb_cert_to_pem(X509 *cert);

#endif
