/* SPDX-License-Identifier: Apache-2.0 */
/*
 * issuer.h - a throw-away public CA: root, intermediate, a cross-signed twin of the root, three CT
 * logs, leaves as DigiCert issues them, and CRLs. Keys and certificates live in the simulator's
 * directory, so that a restart issues under the same CA.
 */
#ifndef SANDBOX_ISSUER_H
#define SANDBOX_ISSUER_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base.h"

struct sb_issuer;

/* Reads the CA from dir, or makes it there. crl_url is what leaves point to. */
bool sb_issuer_open(const char *dir, const char *crl_url, int64_t now,
                    struct sb_issuer **ret_issuer) SB_CHECKED;
void sb_issuer_free(struct sb_issuer *issuer);

struct sb_leaf {
    const char *common_name;
    const struct sb_names *names;
    const char *policy;     /* CA/B Forum policy OID, NULL none */
    bool is_private;        /* private TLS: no SCTs, no policy */
    bool logged;            /* SCTs embedded */
    bool client_auth;       /* EKU clientAuth beside serverAuth */
    bool email, code;       /* S/MIME, code signing EKU instead of serverAuth */
    bool is_precertificate; /* poison instead of SCTs: what must never be served */
    int64_t not_before, not_after;
};

/* PEM and facts of one issued certificate. */
struct sb_issued {
    char *pem;
    char serial[48];     /* upper-case hex */
    char thumbprint[41]; /* upper-case SHA-1 */
};
void sb_issued_clear(struct sb_issued *issued);
bool sb_issuer_issue(struct sb_issuer *issuer, const struct sb_leaf *leaf, EVP_PKEY *key,
                     struct sb_issued *ret_issued) SB_CHECKED;
/* A new intermediate from here on, as DigiCert does every half year. */
bool sb_issuer_rotate(struct sb_issuer *issuer, int64_t now) SB_CHECKED;

/* PEM of the CA certificates: those that come with a leaf, upward. */
const char *sb_issuer_intermediate(const struct sb_issuer *issuer);
const char *sb_issuer_root(const struct sb_issuer *issuer);
const char *sb_issuer_cross(const struct sb_issuer *issuer); /* the root signed by an older one */
const char *sb_issuer_name(const struct sb_issuer *issuer);  /* common name of the intermediate */
/* DER of the CRL, with the given serials revoked. */
bool sb_issuer_crl(struct sb_issuer *issuer, const struct sb_names *revoked, int64_t now,
                   struct sb_buf *ret_der) SB_CHECKED;
/* TLS key and certificate for the simulator's own loopback port, and the CA that signed it. */
bool sb_issuer_server(const char *dir, int64_t now, char **ret_key, char **ret_cert) SB_CHECKED;

/* "ec:P-256", "rsa:2048"...; NULL for a kind that is not known. */
EVP_PKEY *sb_key_make(const char *kind);
char *sb_key_to_pem(EVP_PKEY *key);
EVP_PKEY *sb_key_from_pem(const char *pem);
EVP_PKEY *
sb_csr_key(const char *pem); /* NULL when the CSR cannot be read or its signature is wrong */

#endif
