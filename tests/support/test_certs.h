/* SPDX-License-Identifier: Apache-2.0 */
/* test_certs.h - certificates made on the spot for unit tests, and pairs committed to a cache. */
#ifndef DCS_TESTS_CERTS_H
#define DCS_TESTS_CERTS_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/buf.h"

struct test_cert {
    EVP_PKEY *key;
    X509 *x509;
};

struct test_wish {
    const char *common_name;
    const char *names;              /* "DNS:a.example,IP:127.0.0.1", NULL none */
    const char *purposes;           /* extended key usage, NULL serverAuth */
    const struct test_cert *issuer; /* NULL: self-signed */
    bool is_ca, poison;
    int64_t not_before, not_after;
    const EVP_PKEY *key; /* NULL: a new P-256 key */
};
struct test_cert test_make(const struct test_wish *wish);
void test_drop(struct test_cert *cert);
void test_add_pem(struct dcs_buf *out,
                  const struct test_cert *cert); /* CR LF, as the CA sends it */
void test_serial(const struct test_cert *cert, char out[65]);

/* A new key and certificate as the newest generation of the order in dir/state. */
void test_commit_pair(const char *dir, int64_t order);
/* The same for a wish, its issuer as chain. */
void test_commit(const char *dir, int64_t order, const struct test_wish *wish);

#endif
