// SPDX-License-Identifier: Apache-2.0
/*
 * p11-bench.c - figures of a PKCS#11 module, one a line, for tests/bench/pkcs11.sh; times
 * are processor time; signatures are counted by the clock on the wall and by that one:
 *
 *     p11-bench find MODULE FIRST COUNT        initialise, first and later searches, memory
 *     p11-bench sign MODULE PIN LABEL THREADS  signatures per second (PIN "-": no login)
 *     p11-bench native KEYFILE THREADS         the same with EVP and a context a thread
 */
#include <dlfcn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cryptoki.h"

enum { RUN_MS = 1500 };

static CK_FUNCTION_LIST *p11;
static CK_SLOT_ID slot;
static atomic_bool stop;
static atomic_long signatures;

static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* What this process had of the processors: other work on the host does not show in it. */
static double cpu_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void need(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "p11-bench: %s\n", what);
    exit(1);
}

static void load(const char *path)
{
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    CK_RV (*get)(CK_FUNCTION_LIST **);

    need(module, "the module cannot be loaded");
    *(void **)&get = dlsym(module, "C_GetFunctionList");
    need(get && get(&p11) == CKR_OK, "the module has no function list");
}

static void initialise(void)
{
    CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
    CK_SLOT_ID slots[16];
    CK_ULONG count = 16;

    double begin = cpu_ms();
    need(p11->C_Initialize(&args) == CKR_OK, "C_Initialize");
    printf("initialise_ms %.3f\n", cpu_ms() - begin);
    need(p11->C_GetSlotList(CK_TRUE, slots, &count) == CKR_OK && count > 0, "no slot");
    slot = slots[0];
}

static CK_SESSION_HANDLE open_session(void)
{
    CK_SESSION_HANDLE session = 0;

    need(p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &session) == CKR_OK,
         "C_OpenSession");
    return session;
}

static CK_OBJECT_HANDLE find(CK_SESSION_HANDLE session, CK_ATTRIBUTE_TYPE type, void *value,
                             size_t len)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE template[] = { { CKA_CLASS, &class, sizeof(class) }, { type, value, len } };
    CK_OBJECT_HANDLE found = 0;
    CK_ULONG count = 0;

    need(p11->C_FindObjectsInit(session, template, 2) == CKR_OK &&
             p11->C_FindObjects(session, &found, 1, &count) == CKR_OK &&
             p11->C_FindObjectsFinal(session) == CKR_OK,
         "C_FindObjects");
    need(count == 1, "a key was not found");
    return found;
}

static long resident_kib(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    long total = 0;
    long resident = 0;

    need(file && fscanf(file, "%ld %ld", &total, &resident) == 2, "statm");
    fclose(file);
    return resident * 4;
}

/* ---- finding ---- */

static void time_labels(CK_SESSION_HANDLE session, const char *what, long first, long count)
{
    double begin = cpu_ms();

    for (long i = 0; i < count; i++) {
        char label[32];
        /* Spread over all: neighbours share nothing that helps. */
        int len = snprintf(label, sizeof(label), "order-%ld", first + i * 7919 % count);
        find(session, CKA_LABEL, label, (size_t)len);
    }
    printf("%s_ms %.4f\n", what, (cpu_ms() - begin) / (double)count);
}

static int bench_find(char **argv)
{
    long first = strtol(argv[3], NULL, 10);
    long count = strtol(argv[4], NULL, 10);
    enum { IDS = 1000 };
    static unsigned char ids[IDS][20];

    load(argv[2]);
    initialise();
    CK_SESSION_HANDLE session = open_session();
    long before = resident_kib();
    time_labels(session, "find_label_first", first, count);
    time_labels(session, "find_label", first, count);
    long after = resident_kib();
    printf("memory_bytes_an_order %ld\n", (after - before) * 1024 / count);
    for (long i = 0; i < IDS; i++) {
        char label[32];
        int len = snprintf(label, sizeof(label), "order-%ld", first + i * 7 % count);
        CK_ATTRIBUTE id = { CKA_ID, ids[i], sizeof(ids[i]) };
        need(p11->C_GetAttributeValue(session, find(session, CKA_LABEL, label, (size_t)len), &id,
                                      1) == CKR_OK,
             "CKA_ID");
    }
    double begin = cpu_ms();
    for (long i = 0; i < IDS; i++)
        find(session, CKA_ID, ids[i], sizeof(ids[i]));
    printf("find_id_ms %.4f\n", (cpu_ms() - begin) / IDS);
    need(p11->C_Finalize(NULL) == CKR_OK, "C_Finalize");
    /* A process that has met none of them: by the index on disk. */
    initialise();
    session = open_session();
    begin = cpu_ms();
    for (long i = 0; i < IDS; i++)
        find(session, CKA_ID, ids[i], sizeof(ids[i]));
    printf("find_id_first_ms %.4f\n", (cpu_ms() - begin) / IDS);
    begin = cpu_ms();
    CK_ULONG found = 0;
    static CK_OBJECT_HANDLE all[100000];
    need(p11->C_FindObjectsInit(session, NULL, 0) == CKR_OK &&
             p11->C_FindObjects(session, all, 100000, &found) == CKR_OK &&
             p11->C_FindObjectsFinal(session) == CKR_OK,
         "C_FindObjects");
    printf("list_all_ms %.1f\n", cpu_ms() - begin);
    printf("objects %lu\n", found);
    p11->C_Finalize(NULL);
    return 0;
}

/* ---- signing ---- */

struct worker {
    pthread_t thread;
    const char *label;
    EVP_PKEY *pkey;
};

static void *sign_p11(void *argument)
{
    const struct worker *worker = argument;
    CK_SESSION_HANDLE session = open_session();
    CK_OBJECT_HANDLE key = find(session, CKA_LABEL, (void *)worker->label, strlen(worker->label));
    CK_ULONG type = 0;
    CK_ATTRIBUTE a = { CKA_KEY_TYPE, &type, sizeof(type) };
    unsigned char hash[51] = { 1 };
    unsigned char out[512];

    need(p11->C_GetAttributeValue(session, key, &a, 1) == CKR_OK, "CKA_KEY_TYPE");
    CK_MECHANISM m = { type == CKK_RSA ? CKM_RSA_PKCS : CKM_ECDSA, NULL, 0 };
    while (!atomic_load(&stop)) {
        CK_ULONG len = sizeof(out);
        need(p11->C_SignInit(session, &m, key) == CKR_OK &&
                 p11->C_Sign(session, hash, type == CKK_RSA ? 51 : 32, out, &len) == CKR_OK,
             "C_Sign");
        atomic_fetch_add(&signatures, 1);
    }
    return NULL;
}

static void *sign_native(void *argument)
{
    const struct worker *worker = argument;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(worker->pkey, NULL);
    unsigned char hash[51] = { 1 };
    unsigned char out[512];
    size_t hash_len = EVP_PKEY_is_a(worker->pkey, "RSA") ? 51 : 32;

    need(context && EVP_PKEY_sign_init(context) > 0, "EVP_PKEY_sign_init");
    while (!atomic_load(&stop)) {
        size_t len = sizeof(out);
        need(EVP_PKEY_sign(context, out, &len, hash, hash_len) > 0, "EVP_PKEY_sign");
        atomic_fetch_add(&signatures, 1);
    }
    EVP_PKEY_CTX_free(context);
    return NULL;
}

static void run(void *(*work)(void *), const struct worker *like, long threads)
{
    struct worker workers[64];
    struct timespec pause = { RUN_MS / 1000, RUN_MS % 1000 * 1000000L };

    need(threads > 0 && threads <= 64, "threads");
    double begin = now_ms();
    double cpu = cpu_ms();
    for (long i = 0; i < threads; i++) {
        workers[i] = *like;
        need(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0, "pthread_create");
    }
    nanosleep(&pause, NULL);
    atomic_store(&stop, true);
    for (long i = 0; i < threads; i++)
        pthread_join(workers[i].thread, NULL);
    double count = (double)atomic_load(&signatures);
    printf("signatures_per_s %.0f\n", count * 1e3 / (now_ms() - begin));
    printf("signatures_per_cpu_s %.0f\n", count * 1e3 / (cpu_ms() - cpu));
}

static int bench_sign(char **argv)
{
    const struct worker like = { .label = argv[4] };

    load(argv[2]);
    initialise();
    CK_SESSION_HANDLE session = open_session();
    if (strcmp(argv[3], "-") != 0)
        need(p11->C_Login(session, CKU_USER, (unsigned char *)argv[3], strlen(argv[3])) == CKR_OK,
             "C_Login");
    run(sign_p11, &like, strtol(argv[5], NULL, 10));
    return 0;
}

static int bench_native(char **argv)
{
    FILE *file = fopen(argv[2], "r");
    struct worker like = { .label = NULL };

    need(file, "no key file");
    like.pkey = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    fclose(file);
    need(like.pkey, "no key");
    run(sign_native, &like, strtol(argv[3], NULL, 10));
    EVP_PKEY_free(like.pkey);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "find") == 0)
        return bench_find(argv);
    if (argc == 6 && strcmp(argv[1], "sign") == 0)
        return bench_sign(argv);
    need(argc == 4 && strcmp(argv[1], "native") == 0, "usage: find | sign | native ...");
    return bench_native(argv);
}
