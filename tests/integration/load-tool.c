// SPDX-License-Identifier: Apache-2.0
/*
 * load-tool.c - opens store URIs in ways that the openssl program does not: in many threads, twice
 * in one thread, after a fork, through attach, looking at the error queue. The provider comes from
 * openssl.cnf or OPENSSL_MODULES.
 *
 *     load-tool count URI [TYPE]     loads all objects, prints how many of each kind; with the
 *                                    number of a type, expects that type
 *     load-tool threads N URI        the same in N threads at once; fails when one fails
 *     load-tool pair URI COMMAND     loads the certificate, runs COMMAND, loads the key: do they fit?
 *     load-tool fork URI             loads, forks; the child signs with the parent's key, loads
 *                                    again and signs with its own
 *     load-tool attach URI           OSSL_STORE_attach with the scheme
 *     load-tool leak URI             opens and ends without closing
 *     load-tool reload URI COMMAND   serial, COMMAND, serial again, in one thread
 *     load-tool malformed URI        opens with parameters of the wrong type: an error, no crash
 *     load-tool contexts URI         loads in library contexts that come and go, and with them the
 *                                    module, while a thread that used it lives on
 *     load-tool idle COMMAND         loads openssl.cnf, then runs COMMAND as its child
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
static int load_rest(OSSL_STORE_CTX *store, struct counts *counts)
{
    int rounds = 0;

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

static int load_all(const char *uri, int type, OSSL_LIB_CTX *libctx, struct counts *counts)
{
    OSSL_STORE_CTX *store = OSSL_STORE_open_ex(uri, libctx, NULL, NULL, NULL, NULL, NULL, NULL);

    if (!store)
        return complain("cannot open");
    if (type && !OSSL_STORE_expect(store, type)) {
        OSSL_STORE_close(store);
        return complain("cannot expect that type");
    }
    return load_rest(store, counts);
}

static int do_count(const char *uri, int type)
{
    struct counts c = { 0 };
    int status = load_all(uri, type, NULL, &c);

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
    return load_all(thread_uri, 0, NULL, &c) || c.certs == 0 ? (void *)1 : NULL;
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

static int sign(EVP_PKEY *key)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char signature[1024];
    size_t len = sizeof(signature);
    int good = key && context &&
               EVP_DigestSignInit_ex(context, NULL, "SHA256", NULL, NULL, key, NULL) == 1 &&
               EVP_DigestSign(context, signature, &len, (const unsigned char *)"x", 1) == 1;

    EVP_MD_CTX_free(context);
    return good ? 0 : complain("the key does not sign");
}

static int in_child(const char *uri, EVP_PKEY *parents)
{
    EVP_PKEY *own = NULL;
    int status = sign(parents) || do_count(uri, 0);

    if (!status) {
        own = load_first(uri, OSSL_STORE_INFO_PKEY);
        status = sign(own);
    }
    EVP_PKEY_free(own);
    return status;
}

static int do_fork(const char *uri)
{
    EVP_PKEY *key = load_first(uri, OSSL_STORE_INFO_PKEY);
    int status = sign(key);
    pid_t pid = status ? -1 : fork();

    if (pid == 0)
        _exit(in_child(uri, key));
    EVP_PKEY_free(key);
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

static int do_malformed(const char *uri)
{
    static char number[] = "5";
    const OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string("expect", number, 0),
                                  OSSL_PARAM_construct_end() };
    OSSL_STORE_CTX *store = OSSL_STORE_open_ex(uri, NULL, NULL, NULL, NULL, params, NULL, NULL);
    struct counts c = { 0 };

    return store ? load_rest(store, &c) : complain("cannot open");
}

static pthread_barrier_t used, gone;

/* Whatever the module keeps for this thread outlives the context, and is freed at its end. */
static void *use_context(void *libctx)
{
    struct counts c = { 0 };
    int status = load_all(thread_uri, 0, libctx, &c) || c.certs == 0;

    pthread_barrier_wait(&used);
    pthread_barrier_wait(&gone);
    return status ? (void *)1 : NULL;
}

static int do_contexts(const char *uri)
{
    int failed = 0;

    thread_uri = uri;
    pthread_barrier_init(&used, NULL, 2);
    pthread_barrier_init(&gone, NULL, 2);
    for (int i = 0; i < 20 && !failed; i++) {
        OSSL_LIB_CTX *libctx = OSSL_LIB_CTX_new();
        pthread_t thread;
        void *result = (void *)1;
        if (!libctx || !OSSL_LIB_CTX_load_config(libctx, getenv("OPENSSL_CONF")) ||
            pthread_create(&thread, NULL, use_context, libctx) != 0)
            return complain("no context or no thread");
        pthread_barrier_wait(&used);
        OSSL_LIB_CTX_free(libctx);
        pthread_barrier_wait(&gone);
        pthread_join(thread, &result);
        failed = result != NULL;
    }
    return failed ? complain("a load in a context of its own failed") : 0;
}

static int do_idle(const char *command)
{
    if (OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL) != 1)
        return complain("libcrypto does not start");
    return system(command) == 0 ? 0 : complain("the command failed");
}

int main(int argc, char **argv)
{
    if (argc >= 3 && strcmp(argv[1], "count") == 0)
        return do_count(argv[2], argc >= 4 ? atoi(argv[3]) : 0); /* banned-ok: as below */
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
    if (argc >= 3 && strcmp(argv[1], "malformed") == 0)
        return do_malformed(argv[2]);
    if (argc >= 3 && strcmp(argv[1], "contexts") == 0)
        return do_contexts(argv[2]);
    if (argc >= 3 && strcmp(argv[1], "idle") == 0)
        return do_idle(argv[2]);
    fprintf(stderr,
            "usage: load-tool count|threads|pair|reload|fork|attach|leak|malformed|contexts|"
            "idle ...\n");
    return 2;
}
