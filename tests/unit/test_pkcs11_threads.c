// SPDX-License-Identifier: Apache-2.0
/*
 * test_pkcs11_threads.c - the PKCS#11 module used by many threads while new pairs come, sessions are
 * closed by others, children are forked and the module is finalised; run under the thread sanitizer.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cryptoki.h"
#include "digicert-store.h"
#include "fake.h"
#include "test_certs.h"

enum { THREADS = 6, PAIRS = 8, FORKS = 10, ORDERS = 3 };

static CK_FUNCTION_LIST *p11;
static CK_SLOT_ID slot;
static char *dir;
static atomic_bool stop;
static atomic_int failures;
static atomic_int signatures;

static void fail_here(int line, CK_RV rv)
{
    if (atomic_fetch_add(&failures, 1) < 5)
        fprintf(stderr, "line %d: 0x%lx\n", line, rv);
}

static CK_OBJECT_HANDLE find(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class,
                             CK_ATTRIBUTE_TYPE type, void *value, CK_ULONG len)
{
    CK_ATTRIBUTE template[] = { { CKA_CLASS, &class, sizeof(class) }, { type, value, len } };
    CK_OBJECT_HANDLE found = 0;
    CK_ULONG count = 0;

    if (p11->C_FindObjectsInit(session, template, 2) != CKR_OK ||
        p11->C_FindObjects(session, &found, 1, &count) != CKR_OK ||
        p11->C_FindObjectsFinal(session) != CKR_OK || count != 1)
        return 0;
    return found;
}

/* One signature, verified with the public key of the same id: a pair, whatever comes meanwhile. */
static void sign_and_verify(CK_SESSION_HANDLE session, char *label, CK_ULONG len)
{
    CK_MECHANISM m = { CKM_ECDSA_SHA256, NULL, 0 };
    unsigned char id[20];
    unsigned char out[64];
    CK_ULONG out_len = sizeof(out);
    CK_ATTRIBUTE a = { CKA_ID, id, sizeof(id) };
    CK_OBJECT_HANDLE key = find(session, CKO_PRIVATE_KEY, CKA_LABEL, label, len);

    CK_RV rv = p11->C_GetAttributeValue(session, key, &a, 1);
    if (rv != CKR_OK) {
        fail_here(__LINE__, rv);
        return;
    }
    CK_OBJECT_HANDLE public = find(session, CKO_PUBLIC_KEY, CKA_ID, id, sizeof(id));
    rv = p11->C_SignInit(session, &m, key);
    if (rv == CKR_OK)
        rv = p11->C_SignUpdate(session, id, sizeof(id));
    if (rv == CKR_OK)
        rv = p11->C_SignFinal(session, out, &out_len);
    if (rv != CKR_OK) {
        fail_here(__LINE__, rv);
        return;
    }
    rv = p11->C_VerifyInit(session, &m, public);
    if (rv == CKR_OK)
        rv = p11->C_Verify(session, id, sizeof(id), out, out_len);
    if (rv != CKR_OK) {
        fail_here(__LINE__, rv);
        return;
    }
    atomic_fetch_add(&signatures, 1);
}

static void *use_for_ever(void *argument)
{
    int order = 1 + (int)(intptr_t)argument % ORDERS;
    char label[32];
    int len = snprintf(label, sizeof(label), "order-%d", order);

    while (!atomic_load(&stop)) {
        CK_SESSION_HANDLE session = 0;
        CK_RV rv = p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &session);
        if (rv != CKR_OK)
            fail_here(__LINE__, rv);
        for (int i = 0; i < 5; i++)
            sign_and_verify(session, label, (CK_ULONG)len);
        rv = p11->C_CloseSession(session);
        if (rv != CKR_OK)
            fail_here(__LINE__, rv);
    }
    return NULL;
}

/* Lists all, which looks at every order, with sessions that another thread may close. */
static void *list_for_ever(void *argument)
{
    CK_OBJECT_HANDLE found[64];
    CK_ULONG count = 0;

    (void)argument;
    while (!atomic_load(&stop)) {
        CK_SESSION_HANDLE session = 0;
        unsigned char der[4096];
        CK_ATTRIBUTE a = { CKA_VALUE, der, sizeof(der) };
        if (p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &session) != CKR_OK)
            continue;
        if (p11->C_FindObjectsInit(session, NULL, 0) == CKR_OK &&
            p11->C_FindObjects(session, found, 64, &count) == CKR_OK)
            for (CK_ULONG i = 0; i < count; i++)
                (void)p11->C_GetAttributeValue(session, found[i], &a, 1);
        p11->C_CloseSession(session);
    }
    return NULL;
}

static int in_child(void)
{
    CK_SESSION_HANDLE session = 0;
    CK_SLOT_ID one = 0;
    CK_ULONG count = 1;
    char label[] = "order-1";

    if (p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &session) !=
        CKR_CRYPTOKI_NOT_INITIALIZED)
        return 1;
    if (p11->C_Initialize(NULL) != CKR_OK || p11->C_GetSlotList(1, &one, &count) != CKR_OK ||
        p11->C_OpenSession(one, CKF_SERIAL_SESSION, NULL, NULL, &session) != CKR_OK)
        return 2;
    sign_and_verify(session, label, strlen(label));
    return atomic_load(&failures) == 0 && p11->C_Finalize(NULL) == CKR_OK ? 0 : 3;
}

#if defined(__has_feature)
#define HAS_FEATURE(x) __has_feature(x)
#else
#define HAS_FEATURE(x) 0
#endif

/* The address sanitizer's allocator does not survive a fork beside threads: a child waits for its lock
 * for ever. The C library's does. */
static void fork_one(void)
{
#if !defined(__SANITIZE_ADDRESS__) && !HAS_FEATURE(address_sanitizer)
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        alarm(20);
        _exit(in_child());
    }
    if (waitpid(pid, &status, 0) != pid || status != 0)
        fail_here(__LINE__, (CK_RV)status);
#else
    (void)in_child;
#endif
}

static void begin(const char *more)
{
    char text[4200];
    char path[4200];
    CK_ULONG count = 1;

    snprintf(path, sizeof(path), "%s/t.conf", dir);
    snprintf(text, sizeof(text), "state_dir = %s/state\n%s", dir, more);
    fake_write(dir, "t.conf", text, 0644);
    setenv("DIGICERT_STORE_CONF", path, 1);
    assert_int_equal(C_GetFunctionList(&p11), CKR_OK);
    assert_int_equal(p11->C_Initialize(NULL), CKR_OK);
    assert_int_equal(p11->C_GetSlotList(CK_TRUE, &slot, &count), CKR_OK);
}

static void threads_sign_in_pairs_while_everything_changes(void **state)
{
    pthread_t threads[THREADS];
    pthread_t lister;

    (void)state;
    for (int64_t order = 1; order <= ORDERS; order++)
        test_commit_pair(dir, order);
    begin("");
    for (intptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_for_ever, (void *)i), 0);
    assert_int_equal(pthread_create(&lister, NULL, list_for_ever, NULL), 0);
    for (int i = 0; i < PAIRS; i++) {
        test_commit_pair(dir, 1 + i % ORDERS);
        dcs_env_sleep_ms(dcs_env_real(), 20);
    }
    for (int i = 0; i < FORKS; i++)
        fork_one();
    atomic_store(&stop, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    pthread_join(lister, NULL);
    assert_int_equal(p11->C_Finalize(NULL), CKR_OK);
    assert_int_equal(atomic_load(&failures), 0);
    assert_true(atomic_load(&signatures) > THREADS);
}

/* A misuse that must not crash: all sessions closed and the module finalised under the threads. */
static void *use_and_expect_anything(void *argument)
{
    CK_MECHANISM m = { CKM_ECDSA, NULL, 0 };
    unsigned char out[64] = { 1 };
    char label[] = "order-1";

    (void)argument;
    while (!atomic_load(&stop)) {
        CK_SESSION_HANDLE session = 0;
        if (p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &session) != CKR_OK)
            continue;
        CK_OBJECT_HANDLE key = find(session, CKO_PRIVATE_KEY, CKA_LABEL, label, strlen(label));
        for (int i = 0; i < 10; i++) {
            CK_ULONG len = sizeof(out);
            if (p11->C_SignInit(session, &m, key) == CKR_OK)
                (void)p11->C_Sign(session, out, 32, out, &len);
        }
    }
    return NULL;
}

static void closing_and_finalising_under_threads_harms_nobody(void **state)
{
    pthread_t threads[THREADS];

    (void)state;
    atomic_store(&stop, false);
    begin("");
    for (intptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_and_expect_anything, NULL), 0);
    for (int i = 0; i < 30; i++) {
        dcs_env_sleep_ms(dcs_env_real(), 3);
        (void)p11->C_CloseAllSessions(slot);
        if (i % 5 == 0) {
            assert_int_equal(p11->C_Finalize(NULL), CKR_OK);
            assert_int_equal(p11->C_Initialize(NULL), CKR_OK);
        }
    }
    atomic_store(&stop, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(p11->C_Finalize(NULL), CKR_OK);
}

static int make_world(void **state)
{
    (void)state;
    dir = fake_dir_new();
    return 0;
}

static int end_world(void **state)
{
    (void)state;
    fake_dir_drop(&dir);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_sign_in_pairs_while_everything_changes),
        cmocka_unit_test(closing_and_finalising_under_threads_harms_nobody),
    };

    return cmocka_run_group_tests(tests, make_world, end_world);
}
