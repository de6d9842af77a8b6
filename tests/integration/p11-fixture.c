// SPDX-License-Identifier: Apache-2.0
/*
 * p11-fixture.c - writes pairs straight into a state directory, from a CA of its own: certificates
 * that every client in the PKCS#11 tests takes (names, purposes), as many as wanted, without waiting.
 *
 *     p11-fixture DIR ORDER rsa|ec [COUNT]    COUNT orders from ORDER on, or the next pair of ORDER
 */
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/env.h"
#include "test_certs.h"

static void need(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "p11-fixture: %s\n", what);
    exit(1);
}

static FILE *file_of(const char *dir, const char *name, const char *mode)
{
    char path[4096];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return fopen(path, mode);
}

static void save(const char *dir, const char *name, const struct test_cert *cert)
{
    char key_name[64];
    FILE *file = file_of(dir, name, "w");

    need(file && PEM_write_X509(file, cert->x509) == 1, "cannot write a certificate");
    fclose(file);
    snprintf(key_name, sizeof(key_name), "%s.key", name);
    file = file_of(dir, key_name, "w");
    need(file && PEM_write_PrivateKey(file, cert->key, NULL, NULL, 0, NULL, NULL) == 1,
         "cannot write a key");
    fclose(file);
}

static bool load(const char *dir, const char *name, struct test_cert *cert)
{
    char key_name[64];
    FILE *file = file_of(dir, name, "r");

    if (!file)
        return false;
    cert->x509 = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    snprintf(key_name, sizeof(key_name), "%s.key", name);
    file = file_of(dir, key_name, "r");
    need(file, "the CA has lost its key");
    cert->key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    fclose(file);
    return cert->x509 && cert->key;
}

/* A root and one issuer, made when they are not there yet. */
static void find_ca(const char *dir, struct test_cert *root, struct test_cert *issuer)
{
    const int64_t now = dcs_env_now(dcs_env_real());
    struct test_wish wish = { .common_name = "Fixture Root",
                              .is_ca = true,
                              .not_before = now - 86400,
                              .not_after = now + 900 * 86400LL };

    if (load(dir, "root.pem", root) && load(dir, "issuer.pem", issuer))
        return;
    *root = test_make(&wish);
    wish.common_name = "Fixture Issuing CA";
    wish.issuer = root;
    *issuer = test_make(&wish);
    save(dir, "root.pem", root);
    save(dir, "issuer.pem", issuer);
}

int main(int argc, char **argv)
{
    const int64_t now = dcs_env_now(dcs_env_real());
    struct test_cert root = { 0 };
    struct test_cert issuer = { 0 };
    int64_t order = 0;
    int64_t count = 1;

    need(argc >= 4 && dcs_parse_i64(argv[2], 1, INT64_MAX, &order) &&
             (argc == 4 || dcs_parse_i64(argv[4], 1, 100000, &count)),
         "usage: p11-fixture DIR ORDER rsa|ec [COUNT]");
    find_ca(argv[1], &root, &issuer);
    /* One RSA key for many orders: making each its own would take an hour. */
    EVP_PKEY *rsa = strcmp(argv[3], "rsa") == 0 ? EVP_RSA_gen(2048) : NULL;
    for (int64_t i = 0; i < count; i++) {
        const struct test_wish wish = {
            .common_name = "localhost",
            .names = "DNS:localhost,IP:127.0.0.1,email:someone@example.com",
            .purposes = "serverAuth,clientAuth,emailProtection,codeSigning",
            .issuer = &issuer,
            .not_before = now - 86400,
            .not_after = now + 190 * 86400LL,
            .key = rsa,
        };
        test_commit(argv[1], order + i, &wish);
    }
    EVP_PKEY_free(rsa);
    test_drop(&root);
    test_drop(&issuer);
    return 0;
}
