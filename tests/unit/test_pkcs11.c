// SPDX-License-Identifier: Apache-2.0
/*
 * test_pkcs11.c - the PKCS#11 module as a program calls it, through its function list: what each call
 * answers, right or wrong, and what objects there are. From a cache on disk, without network.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/rsa.h>

#include "cryptoki.h"
#include "digicert-store.h"
#include "fake.h"
#include "test_certs.h"

enum { RSA_ORDER = 123, EC_ORDER = 125, NONE = 99, BAD = 0x7777 };

static char *dir;
static CK_FUNCTION_LIST *p11;
static struct test_cert root, issuer;
static EVP_PKEY *rsa_key;

/* ---- the world ---- */

static void write_config(const char *more)
{
    char text[4096];

    snprintf(text, sizeof(text), "state_dir = %s/state\n%s", dir, more);
    fake_write(dir, "t.conf", text, 0644);
    dcs_env_sleep_ms(dcs_env_real(), 25); /* the store looks at it every 20 ms */
}

static void commit(int64_t order, EVP_PKEY *key)
{
    const int64_t now = dcs_env_now(dcs_env_real());
    const struct test_wish wish = { .common_name = "www.example.com",
                                    .names = "DNS:www.example.com",
                                    .issuer = &issuer,
                                    .not_before = now - 86400,
                                    .not_after = now + 190 * 86400LL,
                                    .key = key };

    test_commit(dir, order, &wish);
}

static int make_world(void **state)
{
    const int64_t now = dcs_env_now(dcs_env_real());
    char path[4096];

    (void)state;
    dir = fake_dir_new();
    snprintf(path, sizeof(path), "%s/t.conf", dir);
    setenv("DIGICERT_STORE_CONF", path, 1);
    write_config("");
    struct test_wish wish = { .common_name = "Test Root",
                              .is_ca = true,
                              .not_before = now - 86400,
                              .not_after = now + 999 * 86400LL };
    root = test_make(&wish);
    wish.common_name = "Test Issuing CA";
    wish.issuer = &root;
    issuer = test_make(&wish);
    rsa_key = EVP_RSA_gen(2048);
    commit(RSA_ORDER, rsa_key);
    commit(EC_ORDER, NULL);
    assert_int_equal(C_GetFunctionList(&p11), CKR_OK);
    return 0;
}

static int end_world(void **state)
{
    (void)state;
    test_drop(&root);
    test_drop(&issuer);
    EVP_PKEY_free(rsa_key);
    fake_dir_drop(&dir);
    return 0;
}

static CK_SLOT_ID slot;
static CK_SESSION_HANDLE session;

static CK_SESSION_HANDLE open_session(CK_FLAGS flags)
{
    CK_SESSION_HANDLE opened = 0;

    assert_int_equal(p11->C_OpenSession(slot, CKF_SERIAL_SESSION | flags, NULL, NULL, &opened),
                     CKR_OK);
    return opened;
}

static int begin(void **state)
{
    CK_ULONG count = 1;

    (void)state;
    assert_int_equal(p11->C_Initialize(NULL), CKR_OK);
    assert_int_equal(p11->C_GetSlotList(CK_TRUE, &slot, &count), CKR_OK);
    session = open_session(0);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    (void)p11->C_Finalize(NULL);
    return 0;
}

static size_t find(CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *out, size_t room)
{
    CK_ULONG found = 0;

    assert_int_equal(p11->C_FindObjectsInit(session, template, count), CKR_OK);
    assert_int_equal(p11->C_FindObjects(session, out, room, &found), CKR_OK);
    assert_int_equal(p11->C_FindObjectsFinal(session), CKR_OK);
    return found;
}

/* The one object of that class with that label; 0 when there is none. */
static CK_OBJECT_HANDLE labelled(int64_t order, CK_OBJECT_CLASS class)
{
    char label[32];
    int len = snprintf(label, sizeof(label), "order-%lld", (long long)order);
    CK_ATTRIBUTE template[] = { { CKA_CLASS, &class, sizeof(class) },
                                { CKA_LABEL, label, (CK_ULONG)len } };
    CK_OBJECT_HANDLE found[4] = { 0 };
    size_t count = find(template, 2, found, 4);

    assert_true(count <= 1);
    return found[0];
}

static CK_ULONG attribute(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, void *out, CK_ULONG room)
{
    CK_ATTRIBUTE a = { type, out, room };

    assert_int_equal(p11->C_GetAttributeValue(session, object, &a, 1), CKR_OK);
    return a.ulValueLen;
}

static CK_OBJECT_HANDLE with_id(const uint8_t *id, CK_OBJECT_CLASS class)
{
    CK_ATTRIBUTE template[] = { { CKA_CLASS, &class, sizeof(class) },
                                { CKA_ID, (void *)id, DCS_SHA1_LEN } };
    CK_OBJECT_HANDLE found[4] = { 0 };

    assert_true(find(template, 2, found, 4) <= 1);
    return found[0];
}

/* ---- initialising ---- */

static CK_RV no_mutex(void *mutex)
{
    (void)mutex;
    return CKR_OK;
}

static CK_RV make_no_mutex(void **mutex)
{
    *mutex = NULL;
    return CKR_OK;
}

static void initialising_takes_what_the_standard_allows(void **state)
{
    int something = 0;
    const struct {
        CK_C_INITIALIZE_ARGS args;
        CK_RV rv;
    } cases[] = {
        { { NULL, NULL, NULL, NULL, 0, NULL }, CKR_OK },
        { { NULL, NULL, NULL, NULL, CKF_OS_LOCKING_OK, NULL }, CKR_OK },
        { { make_no_mutex, no_mutex, no_mutex, no_mutex, CKF_OS_LOCKING_OK, NULL }, CKR_OK },
        { { make_no_mutex, no_mutex, no_mutex, no_mutex, 0, NULL }, CKR_CANT_LOCK },
        { { make_no_mutex, no_mutex, no_mutex, NULL, CKF_OS_LOCKING_OK, NULL }, CKR_ARGUMENTS_BAD },
        { { make_no_mutex, NULL, NULL, NULL, 0, NULL }, CKR_ARGUMENTS_BAD },
        { { NULL, NULL, NULL, NULL, CKF_OS_LOCKING_OK, &something }, CKR_ARGUMENTS_BAD },
        { { NULL, NULL, NULL, NULL, CKF_LIBRARY_CANT_CREATE_OS_THREADS, NULL }, CKR_OK },
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        CK_C_INITIALIZE_ARGS args = cases[i].args;
        assert_int_equal(p11->C_Initialize(&args), cases[i].rv);
        if (cases[i].rv == CKR_OK) {
            assert_int_equal(p11->C_Initialize(NULL), CKR_CRYPTOKI_ALREADY_INITIALIZED);
            assert_int_equal(p11->C_Finalize(&something), CKR_ARGUMENTS_BAD);
            assert_int_equal(p11->C_Finalize(NULL), CKR_OK);
        }
        assert_int_equal(p11->C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
    }
}

typedef CK_RV any_function(CK_ULONG, void *, CK_ULONG, void *, void *, CK_ULONG, void *, void *);

/* Each function of both lists, but those that say what lists there are. */
static void nothing_works_before_initialising(void **state)
{
    struct interface *found = NULL;
    CK_ULONG number = 0;
    unsigned char text[32] = "";

    (void)state;
    assert_int_equal(pkcs11_interface(NULL, NULL, &found, 0), CKR_OK);
    const struct function_list_3 *list = found->functions;
    any_function *const *functions = (any_function *const *)(const void *)&list->base.C_Initialize;
    size_t count = (sizeof(list->base) - offsetof(CK_FUNCTION_LIST, C_Initialize)) / sizeof(void *);
    for (size_t i = 0; i < count; i++) {
        assert_non_null(functions[i]);
        /* C_Initialize, C_Finalize, C_GetInfo and C_GetFunctionList come first in the list. */
        if (i < 4)
            continue;
        assert_int_equal(functions[i](1, text, 1, text, &number, 1, &number, &number),
                         CKR_CRYPTOKI_NOT_INITIALIZED);
    }
    CK_INFO info;
    assert_int_equal(p11->C_GetInfo(&info), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_int_equal(list->login_user(1, CKU_USER, text, 1, text, 1), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_int_equal(list->session_cancel(1, 0), CKR_CRYPTOKI_NOT_INITIALIZED);
    for (size_t i = 0; i < DCS_COUNT(list->messages); i++)
        assert_int_equal(list->messages[i](1), CKR_CRYPTOKI_NOT_INITIALIZED);
}

static void interfaces_are_found_by_name_version_and_flags(void **state)
{
    struct interface list[4];
    struct interface *found = NULL;
    CK_VERSION three = { 3, 0 };
    CK_VERSION two = { 2, 40 };
    CK_VERSION four = { 4, 0 };
    CK_ULONG count = 0;
    unsigned char name[] = "PKCS 11";
    unsigned char other[] = "Vendor";

    (void)state;
    assert_int_equal(pkcs11_interface_list(NULL, &count), CKR_OK);
    assert_int_equal(count, 2);
    count = 1;
    assert_int_equal(pkcs11_interface_list(list, &count), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(pkcs11_interface_list(list, &count), CKR_OK);
    assert_int_equal(pkcs11_interface_list(list, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(pkcs11_interface(name, &three, &found, CKF_INTERFACE_FORK_SAFE), CKR_OK);
    assert_int_equal(((CK_FUNCTION_LIST *)found->functions)->version.major, 3);
    assert_int_equal(pkcs11_interface(name, &two, &found, 0), CKR_OK);
    assert_ptr_equal(found->functions, p11);
    assert_int_equal(p11->version.major, 2);
    assert_int_equal(p11->version.minor, 40);
    found = NULL; /* left alone on failure */
    assert_int_equal(pkcs11_interface(name, &four, &found, 0), CKR_FUNCTION_FAILED);
    assert_int_equal(pkcs11_interface(other, NULL, &found, 0), CKR_FUNCTION_FAILED);
    assert_int_equal(pkcs11_interface(name, NULL, &found, 0x100), CKR_FUNCTION_FAILED);
    assert_null(found);
    assert_int_equal(pkcs11_interface(name, NULL, NULL, 0), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_GetFunctionList(NULL), CKR_ARGUMENTS_BAD);
}

/* ---- slots and sessions ---- */

static void slots_and_tokens_describe_themselves(void **state)
{
    CK_ULONG count = 0;
    CK_SLOT_ID one = 0;
    CK_SLOT_INFO info;
    CK_TOKEN_INFO token;
    CK_MECHANISM_INFO mechanism;
    CK_MECHANISM_TYPE types[64];
    CK_SLOT_ID event = 0;

    (void)state;
    assert_int_equal(p11->C_GetSlotList(CK_TRUE, NULL, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(p11->C_GetSlotList(CK_FALSE, NULL, &count), CKR_OK);
    assert_int_equal(count, 1);
    count = 0;
    assert_int_equal(p11->C_GetSlotList(CK_FALSE, &one, &count), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(count, 1);
    assert_int_equal(p11->C_GetSlotInfo(BAD, &info), CKR_SLOT_ID_INVALID);
    assert_int_equal(p11->C_GetSlotInfo(slot, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(p11->C_GetSlotInfo(slot, &info), CKR_OK);
    assert_int_equal(info.flags, CKF_TOKEN_PRESENT);
    assert_int_equal(p11->C_GetTokenInfo(BAD, &token), CKR_SLOT_ID_INVALID);
    assert_int_equal(p11->C_GetTokenInfo(slot, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(p11->C_GetTokenInfo(slot, &token), CKR_OK);
    assert_memory_equal(token.label, "digicert                        ", 32);
    assert_int_equal(token.flags & CKF_LOGIN_REQUIRED, 0);
    assert_int_equal(token.ulSessionCount, 1);
    count = 0;
    assert_int_equal(p11->C_GetMechanismList(slot, NULL, &count), CKR_OK);
    assert_true(count > 20 && count < 64);
    CK_ULONG too_few = count - 1;
    assert_int_equal(p11->C_GetMechanismList(slot, types, &too_few), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(p11->C_GetMechanismList(slot, types, &count), CKR_OK);
    assert_int_equal(p11->C_GetMechanismList(BAD, types, &count), CKR_SLOT_ID_INVALID);
    for (CK_ULONG i = 0; i < count; i++)
        assert_int_equal(p11->C_GetMechanismInfo(slot, types[i], &mechanism), CKR_OK);
    assert_int_equal(p11->C_GetMechanismInfo(slot, CKM_AES_CBC, &mechanism), CKR_MECHANISM_INVALID);
    assert_int_equal(p11->C_GetMechanismInfo(slot, CKM_RSA_PKCS, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, &event, NULL), CKR_NO_EVENT);
    assert_int_equal(p11->C_WaitForSlotEvent(0, &event, NULL), CKR_FUNCTION_NOT_SUPPORTED);
    assert_int_equal(p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, NULL, NULL), CKR_ARGUMENTS_BAD);
}

static void sessions_open_close_and_are_counted(void **state)
{
    CK_SESSION_HANDLE many[500];
    CK_SESSION_HANDLE opened = 0;
    CK_SESSION_INFO info;
    CK_TOKEN_INFO token;

    (void)state;
    assert_int_equal(p11->C_OpenSession(BAD, CKF_SERIAL_SESSION, NULL, NULL, &opened),
                     CKR_SLOT_ID_INVALID);
    assert_int_equal(p11->C_OpenSession(slot, 0, NULL, NULL, &opened),
                     CKR_SESSION_PARALLEL_NOT_SUPPORTED);
    assert_int_equal(p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, NULL),
                     CKR_ARGUMENTS_BAD);
    for (size_t i = 0; i < DCS_COUNT(many); i++)
        many[i] = open_session(i % 2 ? CKF_RW_SESSION : 0);
    assert_int_equal(p11->C_GetTokenInfo(slot, &token), CKR_OK);
    assert_int_equal(token.ulSessionCount, 501);
    assert_int_equal(token.ulRwSessionCount, 250);
    assert_int_equal(p11->C_GetSessionInfo(many[1], &info), CKR_OK);
    assert_int_equal(info.state, CKS_RW_PUBLIC_SESSION);
    assert_int_equal(info.slotID, slot);
    assert_int_equal(p11->C_GetSessionInfo(many[1], NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(p11->C_CloseSession(many[7]), CKR_OK);
    assert_int_equal(p11->C_CloseSession(many[7]), CKR_SESSION_HANDLE_INVALID);
    opened = open_session(0);
    assert_int_not_equal(opened, many[7]); /* the place may be the same, the handle is new */
    assert_int_equal(p11->C_CloseAllSessions(BAD), CKR_SLOT_ID_INVALID);
    assert_int_equal(p11->C_CloseAllSessions(slot), CKR_OK);
    assert_int_equal(p11->C_GetSessionInfo(many[3], &info), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(p11->C_GetSessionInfo(0, &info), CKR_SESSION_HANDLE_INVALID);
}

static void a_token_without_pin_takes_any(void **state)
{
    unsigned char pin[] = "whatever";
    CK_SESSION_INFO info;

    (void)state;
    assert_int_equal(p11->C_Logout(session), CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(p11->C_Login(BAD, CKU_USER, pin, 4), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(p11->C_Login(session, 77, pin, 4), CKR_USER_TYPE_INVALID);
    assert_int_equal(p11->C_Login(session, CKU_SO, pin, 4), CKR_SESSION_READ_ONLY_EXISTS);
    assert_int_equal(p11->C_Login(session, CKU_CONTEXT_SPECIFIC, pin, 4),
                     CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(p11->C_Login(session, CKU_USER, NULL, 4), CKR_ARGUMENTS_BAD);
    assert_int_equal(p11->C_Login(session, CKU_USER, pin, 8), CKR_OK);
    assert_int_equal(p11->C_Login(session, CKU_USER, pin, 8), CKR_USER_ALREADY_LOGGED_IN);
    CK_SESSION_HANDLE other = open_session(CKF_RW_SESSION);
    assert_int_equal(p11->C_GetSessionInfo(other, &info), CKR_OK);
    assert_int_equal(info.state, CKS_RW_USER_FUNCTIONS);
    assert_int_equal(p11->C_GetSessionInfo(session, &info), CKR_OK);
    assert_int_equal(info.state, CKS_RO_USER_FUNCTIONS);
    assert_int_equal(p11->C_Logout(other), CKR_OK);
    assert_int_equal(p11->C_GetSessionInfo(session, &info), CKR_OK);
    assert_int_equal(info.state, CKS_RO_PUBLIC_SESSION);
    assert_int_equal(p11->C_Login(session, CKU_USER, NULL, 0), CKR_OK);
    assert_int_equal(p11->C_CloseAllSessions(slot), CKR_OK);
    session = open_session(0);
    assert_int_equal(p11->C_GetSessionInfo(session, &info), CKR_OK);
    assert_int_equal(info.state, CKS_RO_PUBLIC_SESSION); /* the login ended with the last session */
}

static void a_pin_hides_private_keys_until_login(void **state)
{
    unsigned char pin[] = "123456";
    CK_TOKEN_INFO token;
    char config[4096];

    (void)state;
    snprintf(config, sizeof(config), "pin_dir = %s/pins\n", dir);
    fake_write(dir, "pins/digicert", "123456\n", 0600);
    write_config(config);
    session = open_session(0);
    assert_int_equal(p11->C_GetTokenInfo(slot, &token), CKR_OK);
    assert_int_equal(token.flags & CKF_LOGIN_REQUIRED, CKF_LOGIN_REQUIRED);
    assert_int_equal(labelled(EC_ORDER, CKO_PRIVATE_KEY), 0);
    assert_int_not_equal(labelled(EC_ORDER, CKO_PUBLIC_KEY), 0);
    assert_int_not_equal(labelled(EC_ORDER, CKO_CERTIFICATE), 0);
    assert_int_equal(p11->C_Login(session, CKU_USER, pin, 5), CKR_PIN_INCORRECT);
    assert_int_equal(p11->C_GetTokenInfo(slot, &token), CKR_OK);
    assert_int_equal(token.flags & CKF_USER_PIN_COUNT_LOW, CKF_USER_PIN_COUNT_LOW);
    assert_int_equal(p11->C_Login(session, CKU_USER, NULL, 0), CKR_PIN_INCORRECT);
    assert_int_equal(p11->C_Login(session, CKU_USER, pin, 6), CKR_OK);
    CK_OBJECT_HANDLE key = labelled(EC_ORDER, CKO_PRIVATE_KEY);
    assert_int_not_equal(key, 0);
    unsigned char is_private = 0;
    attribute(key, CKA_PRIVATE, &is_private, 1);
    assert_int_equal(is_private, 1);
    CK_MECHANISM ecdsa = { CKM_ECDSA, NULL, 0 };
    assert_int_equal(p11->C_SignInit(session, &ecdsa, key), CKR_OK);
    assert_int_equal(p11->C_Logout(session), CKR_OK);
    unsigned char out[64];
    CK_ULONG len = sizeof(out);
    assert_int_equal(p11->C_Sign(session, pin, 6, out, &len), CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(p11->C_SignInit(session, &ecdsa, key), CKR_KEY_HANDLE_INVALID);
    write_config("");
}

/* ---- objects ---- */

static void each_order_has_its_three_objects(void **state)
{
    const int64_t orders[] = { RSA_ORDER, EC_ORDER };
    uint8_t ids[3][DCS_SHA1_LEN];

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(orders); i++) {
        const CK_OBJECT_CLASS classes[] = { CKO_CERTIFICATE, CKO_PUBLIC_KEY, CKO_PRIVATE_KEY };
        for (size_t k = 0; k < 3; k++) {
            CK_OBJECT_HANDLE object = labelled(orders[i], classes[k]);
            assert_int_not_equal(object, 0);
            assert_int_equal(attribute(object, CKA_ID, ids[k], DCS_SHA1_LEN), DCS_SHA1_LEN);
            assert_memory_equal(ids[k], ids[0], DCS_SHA1_LEN);
            assert_int_equal(with_id(ids[k], classes[k]), object);
        }
    }
    assert_int_equal(labelled(NONE, CKO_CERTIFICATE), 0);
}

static void a_listing_has_all_and_the_issuer_once(void **state)
{
    CK_OBJECT_HANDLE all[64];
    CK_OBJECT_CLASS class = CKO_CERTIFICATE;
    unsigned char yes = 1;
    char label[64] = "";
    CK_ULONG category = 0;
    CK_ATTRIBUTE trusted[] = { { CKA_TRUSTED, &yes, 1 }, { CKA_CLASS, &class, sizeof(class) } };

    (void)state;
    /* Two orders of three objects, four profiles, one issuer; no root. */
    assert_int_equal(find(NULL, 0, all, 64), 11);
    assert_int_equal(find(trusted, 2, all, 64), 1);
    assert_int_equal(attribute(all[0], CKA_LABEL, label, sizeof(label)), strlen("Test Issuing CA"));
    assert_string_equal(label, "Test Issuing CA");
    attribute(all[0], CKA_CERTIFICATE_CATEGORY, &category, sizeof(category));
    assert_int_equal(category, 2);
    yes = 0;
    CK_ATTRIBUTE of_session[] = { { CKA_TOKEN, &yes, 1 } };
    assert_int_equal(find(of_session, 1, all, 64), 0);
    write_config("token_chain = no\n");
    yes = 1;
    assert_int_equal(find(trusted, 2, all, 64), 0);
    write_config("");
}

static void orders_are_grouped_into_tokens(void **state)
{
    CK_SLOT_ID slots[4];
    CK_ULONG count = 4;

    (void)state;
    write_config("[order/125]\ntoken = web\n");
    assert_int_equal(p11->C_GetSlotList(CK_TRUE, NULL, &count), CKR_OK);
    assert_int_equal(count, 2);
    assert_int_equal(p11->C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
    assert_int_equal(labelled(EC_ORDER, CKO_CERTIFICATE), 0);
    assert_int_not_equal(labelled(RSA_ORDER, CKO_CERTIFICATE), 0);
    assert_int_equal(slots[0], slot);
    slot = slots[1];
    session = open_session(0);
    assert_int_not_equal(labelled(EC_ORDER, CKO_CERTIFICATE), 0);
    assert_int_equal(labelled(RSA_ORDER, CKO_CERTIFICATE), 0);
    write_config("");
}

static void attributes_answer_one_by_one(void **state)
{
    CK_OBJECT_HANDLE key = labelled(RSA_ORDER, CKO_PRIVATE_KEY);
    CK_ULONG type = 0;
    char small[2];
    unsigned char modulus[256];
    unsigned char secret[512];
    CK_ATTRIBUTE all[] = { { CKA_KEY_TYPE, &type, sizeof(type) },
                           { CKA_PRIVATE_EXPONENT, secret, sizeof(secret) },
                           { CKA_EC_POINT, secret, sizeof(secret) },
                           { CKA_LABEL, small, sizeof(small) },
                           { CKA_PRIME_1, NULL, 0 },
                           { CKA_MODULUS, modulus, sizeof(modulus) },
                           { CKA_LABEL, NULL, 0 } };

    (void)state;
    CK_RV rv = p11->C_GetAttributeValue(session, key, all, DCS_COUNT(all));
    assert_true(rv == CKR_ATTRIBUTE_SENSITIVE || rv == CKR_ATTRIBUTE_TYPE_INVALID ||
                rv == CKR_BUFFER_TOO_SMALL);
    assert_int_equal(type, CKK_RSA);
    for (size_t i = 1; i <= 4; i++)
        assert_true(all[i].ulValueLen == CK_UNAVAILABLE_INFORMATION);
    assert_int_equal(all[5].ulValueLen, 256);
    assert_int_equal(all[6].ulValueLen, strlen("order-123"));
    assert_int_equal(p11->C_GetAttributeValue(session, key, &all[1], 1), CKR_ATTRIBUTE_SENSITIVE);
    assert_int_equal(p11->C_GetAttributeValue(session, key, &all[2], 1),
                     CKR_ATTRIBUTE_TYPE_INVALID);
    all[3].ulValueLen = 2;
    assert_int_equal(p11->C_GetAttributeValue(session, key, &all[3], 1), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(p11->C_GetAttributeValue(session, key, NULL, 1), CKR_ARGUMENTS_BAD);
    assert_int_equal(p11->C_GetAttributeValue(session, BAD, all, 1), CKR_OBJECT_HANDLE_INVALID);
    CK_ULONG size = 0;
    assert_int_equal(p11->C_GetObjectSize(session, key, &size), CKR_OK);
    assert_int_equal(p11->C_GetObjectSize(session, BAD, &size), CKR_OBJECT_HANDLE_INVALID);
}

static void searches_keep_their_state(void **state)
{
    CK_OBJECT_HANDLE found[3];
    CK_ULONG count = 0;
    CK_OBJECT_CLASS class = CKO_CERTIFICATE;
    CK_ATTRIBUTE bad_class = { CKA_CLASS, &class, 1 };
    CK_ATTRIBUTE no_value = { CKA_LABEL, NULL, 5 };

    (void)state;
    assert_int_equal(p11->C_FindObjects(session, found, 3, &count), CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(p11->C_FindObjectsFinal(session), CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(p11->C_FindObjectsInit(session, NULL, 1), CKR_ARGUMENTS_BAD);
    assert_int_equal(p11->C_FindObjectsInit(session, &bad_class, 1), CKR_ATTRIBUTE_VALUE_INVALID);
    assert_int_equal(p11->C_FindObjectsInit(session, &no_value, 1), CKR_ATTRIBUTE_VALUE_INVALID);
    assert_int_equal(p11->C_FindObjectsInit(session, NULL, 0), CKR_OK);
    assert_int_equal(p11->C_FindObjectsInit(session, NULL, 0), CKR_OPERATION_ACTIVE);
    assert_int_equal(p11->C_FindObjects(session, found, 3, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(p11->C_FindObjects(session, NULL, 3, &count), CKR_ARGUMENTS_BAD);
    size_t all = 0;
    do {
        assert_int_equal(p11->C_FindObjects(session, found, 3, &count), CKR_OK);
        all += count;
    } while (count > 0);
    assert_int_equal(all, 11);
    assert_int_equal(p11->C_FindObjectsFinal(session), CKR_OK);
}

static void nothing_can_be_written(void **state)
{
    CK_SESSION_HANDLE writable = open_session(CKF_RW_SESSION);
    CK_OBJECT_HANDLE key = labelled(RSA_ORDER, CKO_PRIVATE_KEY);
    CK_OBJECT_HANDLE made = 0;
    CK_MECHANISM generate = { CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0 };
    unsigned char label[32];

    (void)state;
    memset(label, ' ', sizeof(label));
    CK_OBJECT_CLASS class = CKO_DATA;
    CK_ATTRIBUTE data = { CKA_CLASS, &class, sizeof(class) };
    assert_int_equal(p11->C_CreateObject(session, &data, 1, &made), CKR_SESSION_READ_ONLY);
    assert_int_equal(p11->C_CreateObject(writable, &data, 1, &made), CKR_TOKEN_WRITE_PROTECTED);
    assert_int_equal(p11->C_CreateObject(writable, NULL, 0, &made), CKR_TEMPLATE_INCOMPLETE);
    assert_int_equal(p11->C_CreateObject(writable, NULL, 3, &made), CKR_ARGUMENTS_BAD);
    assert_int_equal(p11->C_CopyObject(writable, key, NULL, 0, &made), CKR_TOKEN_WRITE_PROTECTED);
    assert_int_equal(p11->C_DestroyObject(writable, key), CKR_TOKEN_WRITE_PROTECTED);
    assert_int_equal(p11->C_SetAttributeValue(writable, key, NULL, 0), CKR_TOKEN_WRITE_PROTECTED);
    assert_int_equal(p11->C_GenerateKeyPair(writable, &generate, NULL, 0, NULL, 0, &made, &made),
                     CKR_TOKEN_WRITE_PROTECTED);
    assert_int_equal(p11->C_InitPIN(writable, label, 4), CKR_TOKEN_WRITE_PROTECTED);
    assert_int_equal(p11->C_SetPIN(writable, label, 4, label, 4), CKR_TOKEN_WRITE_PROTECTED);
    assert_int_equal(p11->C_InitToken(slot, label, 4, label), CKR_SESSION_EXISTS);
    assert_int_equal(p11->C_CloseAllSessions(slot), CKR_OK);
    assert_int_equal(p11->C_InitToken(slot, label, 4, label), CKR_TOKEN_WRITE_PROTECTED);
}

/* ---- signing ---- */

static const struct {
    CK_MECHANISM_TYPE type;
    int64_t order;
    struct pss_params pss;
    size_t data_len; /* 0: any, and in parts, too */
} signatures[] = {
    { CKM_RSA_PKCS, RSA_ORDER, { 0 }, 51 },
    { CKM_RSA_X_509, RSA_ORDER, { 0 }, 200 },
    { CKM_SHA1_RSA_PKCS, RSA_ORDER, { 0 }, 0 },
    { CKM_SHA224_RSA_PKCS, RSA_ORDER, { 0 }, 0 },
    { CKM_SHA256_RSA_PKCS, RSA_ORDER, { 0 }, 0 },
    { CKM_SHA384_RSA_PKCS, RSA_ORDER, { 0 }, 0 },
    { CKM_SHA512_RSA_PKCS, RSA_ORDER, { 0 }, 0 },
    { CKM_RSA_PKCS_PSS, RSA_ORDER, { CKM_SHA256, CKG_MGF1_SHA256, 32 }, 32 },
    { CKM_RSA_PKCS_PSS, RSA_ORDER, { CKM_SHA512, CKG_MGF1_SHA256, 0 }, 64 },
    { CKM_SHA256_RSA_PKCS_PSS, RSA_ORDER, { CKM_SHA256, CKG_MGF1_SHA256, 32 }, 0 },
    { CKM_SHA384_RSA_PKCS_PSS, RSA_ORDER, { CKM_SHA384, CKG_MGF1_SHA384, 48 }, 0 },
    { CKM_SHA512_RSA_PKCS_PSS, RSA_ORDER, { CKM_SHA512, CKG_MGF1_SHA512, 64 }, 0 },
    { CKM_ECDSA, EC_ORDER, { 0 }, 32 },
    { CKM_ECDSA, EC_ORDER, { 0 }, 64 },
    { CKM_ECDSA_SHA1, EC_ORDER, { 0 }, 0 },
    { CKM_ECDSA_SHA256, EC_ORDER, { 0 }, 0 },
    { CKM_ECDSA_SHA384, EC_ORDER, { 0 }, 0 },
    { CKM_ECDSA_SHA512, EC_ORDER, { 0 }, 0 },
};

static void what_is_signed_verifies_whole_and_in_parts(void **state)
{
    unsigned char data[256];
    unsigned char signature[256];

    (void)state;
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (unsigned char)(i * 7);
    for (size_t i = 0; i < DCS_COUNT(signatures); i++) {
        bool has_pss = signatures[i].pss.hash != 0;
        struct pss_params pss = signatures[i].pss;
        CK_MECHANISM m = { signatures[i].type, has_pss ? &pss : NULL, has_pss ? sizeof(pss) : 0 };
        CK_OBJECT_HANDLE private = labelled(signatures[i].order, CKO_PRIVATE_KEY);
        CK_OBJECT_HANDLE public = labelled(signatures[i].order, CKO_PUBLIC_KEY);
        CK_ULONG data_len = signatures[i].data_len ? signatures[i].data_len : sizeof(data);
        CK_ULONG want = signatures[i].order == RSA_ORDER ? 256 : 64;
        CK_ULONG len = 1;

        /* Asking for the length, or with too little room, ends nothing. */
        assert_int_equal(p11->C_SignInit(session, &m, private), CKR_OK);
        assert_int_equal(p11->C_SignInit(session, &m, private), CKR_OPERATION_ACTIVE);
        assert_int_equal(p11->C_Sign(session, data, data_len, NULL, &len), CKR_OK);
        assert_int_equal(len, want);
        len = want - 1;
        assert_int_equal(p11->C_Sign(session, data, data_len, signature, &len),
                         CKR_BUFFER_TOO_SMALL);
        assert_int_equal(len, want);
        assert_int_equal(p11->C_Sign(session, data, data_len, signature, &len), CKR_OK);
        assert_int_equal(p11->C_Sign(session, data, data_len, signature, &len),
                         CKR_OPERATION_NOT_INITIALIZED);
        assert_int_equal(p11->C_VerifyInit(session, &m, public), CKR_OK);
        assert_int_equal(p11->C_Verify(session, data, data_len, signature, len), CKR_OK);
        assert_int_equal(p11->C_VerifyInit(session, &m, public), CKR_OK);
        assert_int_equal(p11->C_Verify(session, data, data_len, signature, len - 1),
                         CKR_SIGNATURE_LEN_RANGE);
        signature[40] ^= 1;
        assert_int_equal(p11->C_VerifyInit(session, &m, public), CKR_OK);
        assert_int_equal(p11->C_Verify(session, data, data_len, signature, len),
                         CKR_SIGNATURE_INVALID);

        assert_int_equal(p11->C_SignInit(session, &m, private), CKR_OK);
        assert_int_equal(p11->C_SignUpdate(session, data, 10), CKR_OK);
        assert_int_equal(p11->C_SignUpdate(session, data + 10, data_len - 10), CKR_OK);
        assert_int_equal(p11->C_SignFinal(session, NULL, &len), CKR_OK);
        len = 3;
        assert_int_equal(p11->C_SignFinal(session, signature, &len), CKR_BUFFER_TOO_SMALL);
        assert_int_equal(p11->C_SignFinal(session, signature, &len), CKR_OK);
        assert_int_equal(p11->C_VerifyInit(session, &m, public), CKR_OK);
        assert_int_equal(p11->C_VerifyUpdate(session, data, data_len), CKR_OK);
        assert_int_equal(p11->C_VerifyFinal(session, signature, len), CKR_OK);
    }
}

static void wrong_use_of_keys_and_mechanisms_is_refused(void **state)
{
    CK_OBJECT_HANDLE rsa = labelled(RSA_ORDER, CKO_PRIVATE_KEY);
    CK_OBJECT_HANDLE rsa_public = labelled(RSA_ORDER, CKO_PUBLIC_KEY);
    CK_OBJECT_HANDLE ec = labelled(EC_ORDER, CKO_PRIVATE_KEY);
    CK_OBJECT_HANDLE cert = labelled(EC_ORDER, CKO_CERTIFICATE);
    struct pss_params pss = { CKM_SHA256, CKG_MGF1_SHA256, 32 };
    struct pss_params long_salt = { CKM_SHA256, CKG_MGF1_SHA256, 300 };
    struct pss_params odd_hash = { CKM_MD5, CKG_MGF1_SHA256, 32 };
    unsigned char data[300] = { 1 };
    unsigned char out[256];
    const struct {
        CK_MECHANISM mechanism;
        CK_OBJECT_HANDLE key;
        CK_RV init, sign;
        CK_ULONG data_len;
    } cases[] = {
        { { CKM_AES_CBC, NULL, 0 }, rsa, CKR_MECHANISM_INVALID, 0, 0 },
        { { CKM_SHA256, NULL, 0 }, rsa, CKR_MECHANISM_INVALID, 0, 0 },
        { { CKM_RSA_PKCS_OAEP, NULL, 0 }, rsa, CKR_MECHANISM_INVALID, 0, 0 },
        { { CKM_RSA_PKCS, NULL, 0 }, ec, CKR_KEY_TYPE_INCONSISTENT, 0, 0 },
        { { CKM_ECDSA, NULL, 0 }, rsa, CKR_KEY_TYPE_INCONSISTENT, 0, 0 },
        { { CKM_ECDSA, NULL, 0 }, cert, CKR_KEY_HANDLE_INVALID, 0, 0 },
        { { CKM_ECDSA, NULL, 0 }, BAD, CKR_KEY_HANDLE_INVALID, 0, 0 },
        { { CKM_RSA_PKCS, NULL, 0 }, rsa_public, CKR_KEY_FUNCTION_NOT_PERMITTED, 0, 0 },
        { { CKM_RSA_PKCS_PSS, NULL, 0 }, rsa, CKR_MECHANISM_PARAM_INVALID, 0, 0 },
        { { CKM_RSA_PKCS_PSS, &pss, 3 }, rsa, CKR_MECHANISM_PARAM_INVALID, 0, 0 },
        { { CKM_RSA_PKCS_PSS, &odd_hash, sizeof(pss) }, rsa, CKR_MECHANISM_PARAM_INVALID, 0, 0 },
        { { CKM_SHA384_RSA_PKCS_PSS, &pss, sizeof(pss) }, rsa, CKR_MECHANISM_PARAM_INVALID, 0, 0 },
        { { CKM_RSA_PKCS, NULL, 0 }, rsa, CKR_OK, CKR_DATA_LEN_RANGE, 246 },
        { { CKM_RSA_X_509, NULL, 0 }, rsa, CKR_OK, CKR_DATA_LEN_RANGE, 257 },
        { { CKM_RSA_PKCS_PSS, &pss, sizeof(pss) }, rsa, CKR_OK, CKR_DATA_LEN_RANGE, 31 },
        { { CKM_RSA_PKCS_PSS, &long_salt, sizeof(pss) }, rsa, CKR_OK, CKR_FUNCTION_FAILED, 32 },
        { { CKM_ECDSA, NULL, 0 }, ec, CKR_OK, CKR_DATA_LEN_RANGE, 0 },
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        CK_MECHANISM m = cases[i].mechanism;
        CK_ULONG len = sizeof(out);
        assert_int_equal(p11->C_SignInit(session, &m, cases[i].key), cases[i].init);
        if (cases[i].init == CKR_OK)
            assert_int_equal(p11->C_Sign(session, data, cases[i].data_len, out, &len),
                             cases[i].sign);
        assert_int_equal(p11->C_Sign(session, data, 4, out, &len), CKR_OPERATION_NOT_INITIALIZED);
    }
    assert_int_equal(p11->C_SignInit(session, NULL, rsa), CKR_ARGUMENTS_BAD);
    CK_MECHANISM pkcs = { CKM_RSA_PKCS, NULL, 0 };
    CK_ULONG len = sizeof(out);
    assert_int_equal(p11->C_SignInit(session, &pkcs, rsa), CKR_OK);
    assert_int_equal(p11->C_Sign(session, NULL, 5, out, &len), CKR_ARGUMENTS_BAD);
    assert_int_equal(p11->C_SignInit(session, &pkcs, rsa), CKR_OK);
    assert_int_equal(p11->C_SignInit(session, NULL, 0), CKR_OK); /* 3.0: gives it up */
    assert_int_equal(p11->C_Sign(session, data, 5, out, &len), CKR_OPERATION_NOT_INITIALIZED);
}

static void what_is_encrypted_is_decrypted(void **state)
{
    struct oaep_params oaep = { CKM_SHA256, CKG_MGF1_SHA256, 0, NULL, 0 };
    unsigned char text[] = "label";
    struct oaep_params labelled_oaep = { CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, text, 5 };
    CK_MECHANISM mechanisms[] = { { CKM_RSA_PKCS, NULL, 0 },
                                  { CKM_RSA_PKCS_OAEP, &oaep, sizeof(oaep) },
                                  { CKM_RSA_PKCS_OAEP, &labelled_oaep, sizeof(oaep) } };
    CK_OBJECT_HANDLE private = labelled(RSA_ORDER, CKO_PRIVATE_KEY);
    CK_OBJECT_HANDLE public = labelled(RSA_ORDER, CKO_PUBLIC_KEY);
    unsigned char data[32] = "attack at dawn";
    unsigned char sealed[256];
    unsigned char opened[256];

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(mechanisms); i++) {
        CK_ULONG len = sizeof(sealed);
        CK_ULONG opened_len = 0;
        assert_int_equal(p11->C_EncryptInit(session, &mechanisms[i], public), CKR_OK);
        assert_int_equal(p11->C_Encrypt(session, data, sizeof(data), sealed, &len), CKR_OK);
        assert_int_equal(len, 256);
        assert_int_equal(p11->C_DecryptInit(session, &mechanisms[i], private), CKR_OK);
        assert_int_equal(p11->C_Decrypt(session, sealed, len, NULL, &opened_len), CKR_OK);
        assert_true(opened_len >= sizeof(data));
        opened_len = 31;
        assert_int_equal(p11->C_Decrypt(session, sealed, len, opened, &opened_len),
                         CKR_BUFFER_TOO_SMALL);
        assert_int_equal(opened_len, 32);
        assert_int_equal(p11->C_Decrypt(session, sealed, len, opened, &opened_len), CKR_OK);
        assert_int_equal(opened_len, sizeof(data));
        assert_memory_equal(opened, data, sizeof(data));
        assert_int_equal(p11->C_DecryptInit(session, &mechanisms[i], private), CKR_OK);
        assert_int_equal(p11->C_Decrypt(session, sealed, 255, opened, &len),
                         CKR_ENCRYPTED_DATA_LEN_RANGE);
        sealed[9] ^= 1;
        len = sizeof(opened);
        if (i > 0) { /* OAEP notices every change */
            assert_int_equal(p11->C_DecryptInit(session, &mechanisms[i], private), CKR_OK);
            assert_int_equal(p11->C_Decrypt(session, sealed, 256, opened, &len),
                             CKR_ENCRYPTED_DATA_INVALID);
        }
    }
}

static void digests_and_random_numbers_are_given(void **state)
{
    static const uint8_t abc[] = { 0xba, 0x78, 0x16, 0xbf }; /* FIPS 180, SHA-256 of "abc" */
    CK_MECHANISM sha256 = { CKM_SHA256, NULL, 0 };
    unsigned char data[] = "abc";
    unsigned char digest[32];
    unsigned char zeros[16] = { 0 };
    unsigned char random[16] = { 0 };
    CK_ULONG len = 4;

    (void)state;
    assert_int_equal(p11->C_DigestInit(session, &sha256), CKR_OK);
    assert_int_equal(p11->C_Digest(session, data, 3, digest, &len), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(p11->C_Digest(session, data, 3, digest, &len), CKR_OK);
    assert_memory_equal(digest, abc, sizeof(abc));
    assert_int_equal(p11->C_DigestInit(session, &sha256), CKR_OK);
    assert_int_equal(p11->C_DigestUpdate(session, data, 1), CKR_OK);
    assert_int_equal(p11->C_Digest(session, data, 3, digest, &len), CKR_OPERATION_ACTIVE);
    assert_int_equal(p11->C_DigestUpdate(session, data + 1, 2), CKR_OK);
    memset(digest, 0, sizeof(digest));
    assert_int_equal(p11->C_DigestFinal(session, digest, &len), CKR_OK);
    assert_memory_equal(digest, abc, sizeof(abc));
    /* Begun as a whole, by asking for the length: no end in parts. */
    assert_int_equal(p11->C_DigestInit(session, &sha256), CKR_OK);
    assert_int_equal(p11->C_Digest(session, data, 3, NULL, &len), CKR_OK);
    assert_int_equal(p11->C_DigestFinal(session, digest, &len), CKR_OPERATION_ACTIVE);
    assert_int_equal(p11->C_Digest(session, data, 3, digest, &len), CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(p11->C_GenerateRandom(session, random, sizeof(random)), CKR_OK);
    assert_memory_not_equal(random, zeros, sizeof(random));
    assert_int_equal(p11->C_GenerateRandom(session, NULL, 3), CKR_ARGUMENTS_BAD);
    assert_int_equal(p11->C_SeedRandom(session, random, 3), CKR_OK);
    assert_int_equal(p11->C_SeedRandom(session, NULL, 3), CKR_ARGUMENTS_BAD);
}

/* ---- a new certificate while a program runs (facts/pkcs11.md 3.6) ---- */

static void sign_with(CK_OBJECT_HANDLE key, CK_RV want)
{
    CK_MECHANISM ecdsa = { CKM_ECDSA_SHA256, NULL, 0 };
    unsigned char out[64];
    CK_ULONG len = sizeof(out);

    assert_int_equal(p11->C_SignInit(session, &ecdsa, key), want);
    if (want == CKR_OK)
        assert_int_equal(p11->C_Sign(session, out, sizeof(out), out, &len), CKR_OK);
}

static void a_new_pair_leaves_the_old_one_by_handle_and_id(void **state)
{
    const int64_t order = 200;
    uint8_t old_id[DCS_SHA1_LEN];
    uint8_t new_id[DCS_SHA1_LEN];
    CK_OBJECT_HANDLE all[64];
    unsigned char value[4096];

    (void)state;
    commit(order, NULL);
    CK_OBJECT_HANDLE old_key = labelled(order, CKO_PRIVATE_KEY);
    CK_OBJECT_HANDLE old_cert = labelled(order, CKO_CERTIFICATE);
    attribute(old_key, CKA_ID, old_id, sizeof(old_id));
    sign_with(old_key, CKR_OK);
    size_t before = find(NULL, 0, all, 64);
    commit(order, NULL);
    CK_OBJECT_HANDLE new_key = labelled(order, CKO_PRIVATE_KEY);
    assert_int_not_equal(new_key, 0);
    assert_int_not_equal(new_key, old_key);
    attribute(new_key, CKA_ID, new_id, sizeof(new_id));
    assert_memory_not_equal(new_id, old_id, sizeof(old_id));
    sign_with(new_key, CKR_OK);
    sign_with(old_key, CKR_OK);
    assert_true(attribute(old_cert, CKA_VALUE, value, sizeof(value)) > 100);
    assert_int_equal(with_id(old_id, CKO_PRIVATE_KEY), old_key);
    assert_int_equal(find(NULL, 0, all, 64), before); /* the old ones are in no listing */
    /* Another process, or this one started anew, finds the old pair by its id, too. */
    assert_int_equal(p11->C_Finalize(NULL), CKR_OK);
    begin(NULL);
    CK_OBJECT_HANDLE again = with_id(old_id, CKO_PRIVATE_KEY);
    assert_int_not_equal(again, 0);
    assert_int_not_equal(again, old_key); /* a handle never means something else */
    sign_with(old_key, CKR_KEY_HANDLE_INVALID);
    sign_with(again, CKR_OK);
    assert_int_equal(labelled(order, CKO_PRIVATE_KEY) == again, false);
}

static void a_removed_order_is_gone_at_once(void **state)
{
    const int64_t order = 201;
    char from[4096];
    char to[4096];

    (void)state;
    commit(order, NULL);
    CK_OBJECT_HANDLE key = labelled(order, CKO_PRIVATE_KEY);
    sign_with(key, CKR_OK);
    snprintf(from, sizeof(from), "%s/state/orders/%lld", dir, (long long)order);
    snprintf(to, sizeof(to), "%s/gone", dir);
    assert_int_equal(rename(from, to), 0);
    assert_int_equal(labelled(order, CKO_PRIVATE_KEY), 0);
    sign_with(key, CKR_KEY_HANDLE_INVALID);
    assert_int_equal(rename(to, from), 0);
    assert_int_equal(labelled(order, CKO_PRIVATE_KEY), key);
    sign_with(key, CKR_OK);
}

/* ---- fork ---- */

static int in_child(CK_OBJECT_HANDLE key)
{
    CK_SESSION_INFO info;
    CK_ULONG count = 1;

    if (p11->C_GetSessionInfo(session, &info) != CKR_CRYPTOKI_NOT_INITIALIZED ||
        p11->C_Finalize(NULL) != CKR_CRYPTOKI_NOT_INITIALIZED ||
        p11->C_Initialize(NULL) != CKR_OK ||
        p11->C_GetSessionInfo(session, &info) != CKR_SESSION_HANDLE_INVALID ||
        p11->C_GetSlotList(CK_TRUE, &slot, &count) != CKR_OK)
        return 1;
    session = open_session(0);
    CK_OBJECT_HANDLE found = labelled(EC_ORDER, CKO_PRIVATE_KEY);
    if (found == 0 || found == key)
        return 2;
    sign_with(found, CKR_OK);
    return p11->C_Finalize(NULL) == CKR_OK ? 0 : 3;
}

static void a_child_starts_anew_and_the_parent_goes_on(void **state)
{
    CK_OBJECT_HANDLE key = labelled(EC_ORDER, CKO_PRIVATE_KEY);
    int status = 0;

    (void)state;
    sign_with(key, CKR_OK);
    pid_t pid = fork();
    if (pid == 0)
        _exit(in_child(key));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    sign_with(key, CKR_OK);
}

static void without_a_store_the_token_is_empty(void **state)
{
    CK_OBJECT_HANDLE all[64];

    (void)state;
    fake_write(dir, "t.conf", "state_dir = /nonexistent/state\n", 0644);
    dcs_env_sleep_ms(dcs_env_real(), 25);
    assert_int_equal(find(NULL, 0, all, 64), 4);
    assert_int_equal(labelled(RSA_ORDER, CKO_CERTIFICATE), 0);
    fake_write(dir, "t.conf", "this is no configuration\n", 0644);
    dcs_env_sleep_ms(dcs_env_real(), 25);
    assert_int_equal(labelled(RSA_ORDER, CKO_CERTIFICATE), 0);
    write_config("");
    assert_int_not_equal(labelled(RSA_ORDER, CKO_CERTIFICATE), 0);
}

#define IN_SESSION(f) cmocka_unit_test_setup_teardown(f, begin, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(initialising_takes_what_the_standard_allows),
        cmocka_unit_test(nothing_works_before_initialising),
        cmocka_unit_test(interfaces_are_found_by_name_version_and_flags),
        IN_SESSION(slots_and_tokens_describe_themselves),
        IN_SESSION(sessions_open_close_and_are_counted),
        IN_SESSION(a_token_without_pin_takes_any),
        IN_SESSION(a_pin_hides_private_keys_until_login),
        IN_SESSION(each_order_has_its_three_objects),
        IN_SESSION(a_listing_has_all_and_the_issuer_once),
        IN_SESSION(attributes_answer_one_by_one),
        IN_SESSION(searches_keep_their_state),
        IN_SESSION(nothing_can_be_written),
        IN_SESSION(what_is_signed_verifies_whole_and_in_parts),
        IN_SESSION(wrong_use_of_keys_and_mechanisms_is_refused),
        IN_SESSION(what_is_encrypted_is_decrypted),
        IN_SESSION(digests_and_random_numbers_are_given),
        IN_SESSION(a_new_pair_leaves_the_old_one_by_handle_and_id),
        IN_SESSION(a_removed_order_is_gone_at_once),
        IN_SESSION(a_child_starts_anew_and_the_parent_goes_on),
        IN_SESSION(without_a_store_the_token_is_empty),
        IN_SESSION(orders_are_grouped_into_tokens),
    };

    return cmocka_run_group_tests(tests, make_world, end_world);
}
