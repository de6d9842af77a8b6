/* SPDX-License-Identifier: Apache-2.0 */
/*
 * issuer.h - a throw-away public CA: root, intermediates, a cross-signed twin of the root, three CT
 * logs, leaves as DigiCert issues them, and CRLs. Keys and certificates live in the simulator's
 * directory, so that a restart issues under the same CA.
 */
#ifndef SANDBOX_ISSUER_H
#define SANDBOX_ISSUER_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base.h"

struct sb_issuer;

/* Reads the CA from dir, or makes it there. Leaves point to crl_base + "intermediate.crl",
 * "intermediate-2.crl"... */
bool sb_issuer_open(const char *dir, const char *crl_base, int64_t now,
                    struct sb_issuer **ret_issuer) SB_CHECKED;
void sb_issuer_free(struct sb_issuer *issuer);

struct sb_leaf {
    const char *common_name;
    const struct sb_names *names;
    const char *policy;     /* CA/B Forum policy OID, NULL none */
    bool logged;            /* SCTs embedded */
    bool client_auth;       /* EKU clientAuth beside serverAuth */
    bool email, code;       /* S/MIME, code signing EKU instead of serverAuth */
    bool is_precertificate; /* poison instead of SCTs: what must never be served */
    const char *hash;       /* of the signature: sha256 (also NULL), sha384, sha512 */
    size_t ca;              /* number of the intermediate */
    int64_t not_before, not_after, logged_at;
};

/* PEM and facts of one issued certificate. */
struct sb_issued {
    char *pem;
    char serial[48];     /* upper-case hex */
    char thumbprint[41]; /* upper-case SHA-1 */
    char spki[65];       /* upper-case SHA-256 of the public key */
    int key_size;
};
void sb_issued_clear(struct sb_issued *issued);
bool sb_issuer_issue(struct sb_issuer *issuer, const struct sb_leaf *leaf, EVP_PKEY *key,
                     struct sb_issued *ret_issued) SB_CHECKED;
/* A new intermediate from here on, as DigiCert does every half year. */
bool sb_issuer_rotate(struct sb_issuer *issuer, int64_t now) SB_CHECKED;

size_t sb_issuer_count(const struct sb_issuer *issuer); /* of intermediates; the last issues */
bool sb_issuer_find(const struct sb_issuer *issuer, const char *id, size_t *ret_ca) SB_CHECKED;
const char *sb_issuer_name(const struct sb_issuer *issuer, size_t ca); /* its common name */
const char *sb_issuer_id(const struct sb_issuer *issuer, size_t ca);   /* as ca_cert.id shows it */

/* PEM of the CA certificates: those that come with a leaf, upward. */
const char *sb_issuer_intermediate(const struct sb_issuer *issuer, size_t ca);
const char *sb_issuer_root(const struct sb_issuer *issuer);
const char *sb_issuer_cross(const struct sb_issuer *issuer); /* the root signed by an older one */

struct sb_revoked_list {
    struct {
        const char *serial; /* lent */
        int64_t when;
    } * list;
    size_t count;
};
/* DER of an intermediate's CRL. */
bool sb_issuer_crl(struct sb_issuer *issuer, size_t ca, const struct sb_revoked_list *revoked,
                   int64_t now, struct sb_buf *ret_der) SB_CHECKED;
/* TLS key and certificate for the simulator's own loopback port, and the CA that signed it. */
bool sb_issuer_server(const char *dir, int64_t now, char **ret_key, char **ret_cert) SB_CHECKED;

#endif
