// SPDX-License-Identifier: Apache-2.0
/*
 * load-tool.c - opens store URIs in ways that the openssl program does not: in many threads, twice
 * in one thread, after a fork, through attach, looking at the error queue. The provider comes from
 * openssl.cnf or OPENSSL_MODULES.
 *
 *     load-tool count URI            loads all objects, prints how many of each kind
 *     load-tool threads N URI        the same in N threads at once; fails when one fails
 *     load-tool pair URI COMMAND     loads the certificate, runs COMMAND, loads the key: do they fit?
 *     load-tool fork URI             loads, forks, loads in the child
 *     load-tool attach URI           OSSL_STORE_attach with the scheme
 *     load-tool leak URI             opens and ends without closing
 *     load-tool reload URI COMMAND   serial, COMMAND, serial again, in one thread
 */
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/store.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct counts {
    int certs, keys, crls, names, publics;
};

static int complain(const char *what)
{
    fprintf(stderr, "load-tool: %s\n", what);
    ERR_print_errors_fp(stderr);
    return 1;
}

static void count_one(OSSL_STORE_INFO *info, struct counts *counts)
{
    switch (OSSL_STORE_INFO_get_type(info)) {
    case OSSL_STORE_INFO_CERT:
        counts->certs++;
        break;
    case OSSL_STORE_INFO_PKEY:
        counts->keys++;
        break;
    case OSSL_STORE_INFO_CRL:
        counts->crls++;
        break;
    case OSSL_STORE_INFO_NAME:
        counts->names++;
        break;
    case OSSL_STORE_INFO_PUBKEY:
        counts->publics++;
        break;
    default:
        break;
    }
}

/* The loop that nginx, stunnel and others use: it must end. */
static int load_all(const char *uri, struct counts *counts)
{
    OSSL_STORE_CTX *store = OSSL_STORE_open(uri, NULL, NULL, NULL, NULL);
    int rounds = 0;

    if (!store)
        return complain("cannot open");
    while (!OSSL_STORE_eof(store)) {
        OSSL_STORE_INFO *info = OSSL_STORE_load(store);
        if (++rounds > 100000) {
            OSSL_STORE_close(store);
            return complain("load() never reaches the end");
        }
        if (!info)
            continue;
        count_one(info, counts);
        OSSL_STORE_INFO_free(info);
    }
    int failed = OSSL_STORE_error(store);
    OSSL_STORE_close(store);
    return failed ? complain("load failed") : 0;
}

static int do_count(const char *uri)
{
    struct counts c = { 0 };
    int status = load_all(uri, &c);

    if (status)
        return status;
    if (ERR_peek_error())
        return complain("the error queue is not empty after success");
    printf("certs=%d keys=%d crls=%d names=%d publics=%d\n", c.certs, c.keys, c.crls, c.names,
           c.publics);
    return 0;
}

static const char *thread_uri;

static void *thread_main(void *argument)
{
    struct counts c = { 0 };

    (void)argument;
    return load_all(thread_uri, &c) || c.certs == 0 ? (void *)1 : NULL;
}

static int do_threads(int count, const char *uri)
{
    pthread_t threads[256];
    int failed = 0;

    thread_uri = uri;
    if (count < 1 || count > 256)
        return complain("1 to 256 threads");
    for (int i = 0; i < count; i++)
        if (pthread_create(&threads[i], NULL, thread_main, NULL) != 0)
            return complain("no thread");
    for (int i = 0; i < count; i++) {
        void *result = NULL;
        pthread_join(threads[i], &result);
        failed |= result != NULL;
    }
    return failed;
}

static void *load_first(const char *uri, int type)
{
    OSSL_STORE_CTX *store = OSSL_STORE_open(uri, NULL, NULL, NULL, NULL);
    void *object = NULL;

    if (!store || !OSSL_STORE_expect(store, type))
        return NULL;
    while (!object && !OSSL_STORE_eof(store)) {
        OSSL_STORE_INFO *info = OSSL_STORE_load(store);
        if (info && type == OSSL_STORE_INFO_CERT)
            object = OSSL_STORE_INFO_get1_CERT(info);
        else if (info)
            object = OSSL_STORE_INFO_get1_PKEY(info);
        OSSL_STORE_INFO_free(info);
    }
    OSSL_STORE_close(store);
    return object;
}

static int do_pair(const char *uri, const char *command)
{
    X509 *cert = load_first(uri, OSSL_STORE_INFO_CERT);
    int status =
        cert && system(command) == 0 ? 0 : complain("no certificate, or the command failed");
    EVP_PKEY *key = status ? NULL : load_first(uri, OSSL_STORE_INFO_PKEY);

    if (!status && (!key || X509_check_private_key(cert, key) != 1))
        status = complain("certificate and key do not fit");
    X509_free(cert);
    EVP_PKEY_free(key);
    return status;
}

static void print_serial(const char *uri)
{
    X509 *cert = load_first(uri, OSSL_STORE_INFO_CERT);
    BIGNUM *number = cert ? ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL) : NULL;
    char *text = number ? BN_bn2hex(number) : NULL;

    printf("%s\n", text ? text : "none");
    fflush(stdout);
    OPENSSL_free(text);
    BN_free(number);
    X509_free(cert);
}

static int do_reload(const char *uri, const char *command)
{
    print_serial(uri);
    if (system(command) != 0)
        return complain("the command failed");
    print_serial(uri);
    return 0;
}

static int do_fork(const char *uri)
{
    int status = do_count(uri);
    pid_t pid = status ? -1 : fork();

    if (pid == 0)
        _exit(do_count(uri));
    if (pid < 0 || waitpid(pid, &status, 0) < 0)
        return 1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int do_attach(const char *scheme)
{
    BIO *bio = BIO_new_mem_buf("x", 1);
    OSSL_STORE_CTX *store =
        OSSL_STORE_attach(bio, scheme, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    int attached = store != NULL;

    OSSL_STORE_close(store);
    BIO_free(bio);
    return attached ? complain("attach succeeded") : 0;
}

int main(int argc, char **argv)
{
    if (argc >= 3 && strcmp(argv[1], "count") == 0)
        return do_count(argv[2]);
    if (argc >= 4 && strcmp(argv[1], "threads") == 0)
        return do_threads(atoi(argv[2]), argv[3]); /* banned-ok: a test's own argument */
    if (argc >= 4 && strcmp(argv[1], "pair") == 0)
        return do_pair(argv[2], argv[3]);
    if (argc >= 4 && strcmp(argv[1], "reload") == 0)
        return do_reload(argv[2], argv[3]);
    if (argc >= 3 && strcmp(argv[1], "fork") == 0)
        return do_fork(argv[2]);
    if (argc >= 3 && strcmp(argv[1], "attach") == 0)
        return do_attach("digicert");
    if (argc >= 3 && strcmp(argv[1], "leak") == 0)
        return OSSL_STORE_open(argv[2], NULL, NULL, NULL, NULL) ? 0 : complain("cannot open");
    fprintf(stderr, "usage: load-tool count|threads|pair|reload|fork|attach|leak ...\n");
    return 2;
}
