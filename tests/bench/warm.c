// SPDX-License-Identifier: Apache-2.0
/*
 * warm.c - times open, load all, close of one order (leaf, chain, key) through digicert:, through
 * file: on the same PEM files, and bare d2i, in turns within one run; prints medians and ratios.
 *
 *     warm DIGICERT_URI FILE_URI
 */
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/store.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 41, LOADS = 50, OBJECTS_MAX = 16 };

struct object {
    int type;
    unsigned char *der;
    int len;
};

static struct object objects[OBJECTS_MAX];
static int object_count;

static double now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void keep(OSSL_STORE_INFO *info)
{
    struct object *o = &objects[object_count];

    o->type = OSSL_STORE_INFO_get_type(info);
    if (o->type == OSSL_STORE_INFO_CERT)
        o->len = i2d_X509(OSSL_STORE_INFO_get0_CERT(info), &o->der);
    else if (o->type == OSSL_STORE_INFO_PKEY)
        o->len = i2d_PrivateKey(OSSL_STORE_INFO_get0_PKEY(info), &o->der);
    object_count += o->len > 0 && object_count + 1 < OBJECTS_MAX;
}

static int load_all(const char *uri, int keep_them)
{
    OSSL_STORE_CTX *store = OSSL_STORE_open(uri, NULL, NULL, NULL, NULL);
    int count = 0;

    if (!store) {
        ERR_print_errors_fp(stderr);
        exit(1);
    }
    while (!OSSL_STORE_eof(store)) {
        OSSL_STORE_INFO *info = OSSL_STORE_load(store);
        if (!info)
            continue;
        count++;
        if (keep_them)
            keep(info);
        OSSL_STORE_INFO_free(info);
    }
    OSSL_STORE_close(store);
    return count;
}

static void load_store(const char *uri)
{
    load_all(uri, 0);
}

/* What no loader can be faster than. */
static void load_bare(const char *unused)
{
    (void)unused;
    for (int i = 0; i < object_count; i++) {
        const unsigned char *at = objects[i].der;
        if (objects[i].type == OSSL_STORE_INFO_CERT)
            X509_free(d2i_X509(NULL, &at, objects[i].len));
        else
            EVP_PKEY_free(d2i_AutoPrivateKey(NULL, &at, objects[i].len));
    }
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof(*values), compare);
    return values[ROUNDS / 2];
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: warm DIGICERT_URI FILE_URI\n");
        return 2;
    }
    const struct {
        const char *name, *uri;
        void (*load)(const char *);
    } ways[] = { { "digicert:", argv[1], load_store },
                 { "file:", argv[2], load_store },
                 { "bare d2i", NULL, load_bare } };
    double times[3][ROUNDS];
    double medians[3];

    if (load_all(argv[1], 1) != load_all(argv[2], 0)) {
        fprintf(stderr, "warm: the two do not give the same number of objects\n");
        return 1;
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int way = 0; way < 3; way++) {
            double begun = now_us();
            for (int i = 0; i < LOADS; i++)
                ways[way].load(ways[way].uri);
            times[way][round] = (now_us() - begun) / LOADS;
        }
    }
    for (int way = 0; way < 3; way++)
        medians[way] = median(times[way]);
    int is_30 = OPENSSL_version_major() == 3 && OPENSSL_version_minor() == 0;
    double limit = is_30 ? 1.0 / 2 : 1.0 / 3;
    double ratio = medians[0] / medians[1];
    printf("%-10s %8.1f us\n%-10s %8.1f us\n%-10s %8.1f us\n", ways[0].name, medians[0],
           ways[1].name, medians[1], ways[2].name, medians[2]);
    printf("ratio to file: %.3f (at most %.3f on OpenSSL %s): %s; to bare d2i: %.2f\n", ratio,
           limit, OpenSSL_version(OPENSSL_VERSION_STRING), ratio <= limit ? "within" : "OVER",
           medians[0] / medians[2]);
    return ratio <= limit ? 0 : 3;
}
