// SPDX-License-Identifier: Apache-2.0
/*
 * fuzz_pkcs11.c - the C_ interface with calls, templates, mechanisms and buffers made of the input;
 * every buffer is exactly as large as it says, so that the address sanitizer sees each byte too many.
 * After every input the module must work as before.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cryptoki.h"
#include "digicert-store.h"
#include "fake.h"
#include "test_certs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ATTRIBUTES_MAX = 8, SESSIONS = 4, OBJECTS = 16, CALLS_MAX = 64 };

static CK_FUNCTION_LIST *p11;
static struct function_list_3 *p11_3;
static CK_SLOT_ID slot;
static CK_SESSION_HANDLE sessions[SESSIONS];
static CK_OBJECT_HANDLE objects[OBJECTS];

struct input {
    const uint8_t *data;
    size_t left;
};

static unsigned take(struct input *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->data++;
}

/* A buffer of its own with the next bytes; NULL for none. */
static uint8_t *take_bytes(struct input *in, CK_ULONG *ret_len)
{
    size_t len = take(in);
    uint8_t *copy;

    if (len == 255) { /* says that it has bytes, and has none */
        *ret_len = take(in);
        return NULL;
    }
    copy = malloc(len ? len : 1);
    for (size_t i = 0; i < len; i++)
        copy[i] = (uint8_t)take(in);
    *ret_len = len;
    return copy;
}

static CK_ULONG take_type(struct input *in)
{
    static const CK_ULONG usual[] = { CKA_CLASS,
                                      CKA_TOKEN,
                                      CKA_PRIVATE,
                                      CKA_LABEL,
                                      CKA_ID,
                                      CKA_VALUE,
                                      CKA_SUBJECT,
                                      CKA_ISSUER,
                                      CKA_SERIAL_NUMBER,
                                      CKA_TRUSTED,
                                      CKA_CERTIFICATE_TYPE,
                                      CKA_CERTIFICATE_CATEGORY,
                                      CKA_KEY_TYPE,
                                      CKA_MODULUS,
                                      CKA_PUBLIC_EXPONENT,
                                      CKA_EC_PARAMS,
                                      CKA_EC_POINT,
                                      CKA_START_DATE,
                                      CKA_PRIVATE_EXPONENT,
                                      CKA_ALLOWED_MECHANISMS,
                                      CKA_CHECK_VALUE,
                                      CKA_UNIQUE_ID,
                                      CKA_PROFILE_ID,
                                      CKA_PUBLIC_KEY_INFO,
                                      CKA_URL,
                                      CKA_MODULUS_BITS };
    unsigned which = take(in);

    if (which < DCS_COUNT(usual))
        return usual[which];
    return (CK_ULONG)take(in) << 24 | (CK_ULONG)take(in) << 8 | which;
}

struct template
{
    CK_ATTRIBUTE list[ATTRIBUTES_MAX];
    CK_ULONG count;
};

/* Values that lead somewhere come by one byte: classes, labels. */
static void take_template(struct input *in, struct template *t)
{
    static const char *const labels[] = { "order-1", "order-2", "order-",
                                          "order-999999999999999999", "Fuzz Issuer" };

    memset(t, 0, sizeof(*t));
    t->count = take(in) % (ATTRIBUTES_MAX + 1);
    for (CK_ULONG i = 0; i < t->count; i++) {
        CK_ATTRIBUTE *a = &t->list[i];
        a->type = take_type(in);
        unsigned shortcut = take(in);
        if (a->type == CKA_CLASS && shortcut < 10) {
            a->ulValueLen = sizeof(CK_ULONG);
            a->pValue = malloc(sizeof(CK_ULONG));
            memcpy(a->pValue, &(CK_ULONG){ shortcut }, sizeof(CK_ULONG));
        } else if (a->type == CKA_LABEL && shortcut < DCS_COUNT(labels)) {
            a->ulValueLen = strlen(labels[shortcut]);
            a->pValue = malloc(a->ulValueLen);
            memcpy(a->pValue, labels[shortcut], a->ulValueLen);
        } else {
            a->pValue = take_bytes(in, &a->ulValueLen);
        }
    }
}

static void drop_template(struct template *t)
{
    for (CK_ULONG i = 0; i < t->count; i++)
        free(t->list[i].pValue);
}

/* A parameter of the right shape or of any. */
static void take_mechanism(struct input *in, CK_MECHANISM *m)
{
    static const CK_MECHANISM_TYPE usual[] = { CKM_RSA_PKCS,      CKM_RSA_X_509,
                                               CKM_RSA_PKCS_PSS,  CKM_SHA256_RSA_PKCS,
                                               CKM_RSA_PKCS_OAEP, CKM_SHA256_RSA_PKCS_PSS,
                                               CKM_ECDSA,         CKM_ECDSA_SHA256,
                                               CKM_SHA256,        CKM_SHA_1 };
    unsigned which = take(in);

    memset(m, 0, sizeof(*m));
    m->mechanism = which < DCS_COUNT(usual) ? usual[which] : take(in);
    unsigned shape = take(in);
    if (shape == 1 || shape == 2) {
        CK_ULONG fields[3] = { shape == 1 ? CKM_SHA256 : take(in), shape == 1 ? 2 : take(in),
                               take(in) };
        m->pParameter = malloc(sizeof(fields));
        m->ulParameterLen = sizeof(fields);
        memcpy(m->pParameter, fields, sizeof(fields));
    } else if (shape == 3) {
        struct oaep_params oaep = { CKM_SHA_1, CKG_MGF1_SHA1, take(in), NULL, take(in) };
        m->pParameter = malloc(sizeof(oaep));
        m->ulParameterLen = sizeof(oaep);
        memcpy(m->pParameter, &oaep, sizeof(oaep));
    } else if (shape > 3) {
        m->pParameter = take_bytes(in, &m->ulParameterLen);
    }
}

/* ---- calls ---- */

static void call_find(struct input *in, CK_SESSION_HANDLE session)
{
    struct template t;
    CK_ULONG count = 0;

    take_template(in, &t);
    if (p11->C_FindObjectsInit(session, t.list, t.count) == CKR_OK) {
        CK_ULONG room = take(in) % (OBJECTS + 1);
        (void)p11->C_FindObjects(session, objects, room, &count);
        if (take(in) & 1)
            (void)p11->C_FindObjectsFinal(session);
    }
    drop_template(&t);
}

static void call_attributes(struct input *in, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
{
    struct template t;

    take_template(in, &t);
    (void)p11->C_GetAttributeValue(session, object, t.list, t.count);
    (void)p11->C_SetAttributeValue(session, object, t.list, t.count);
    (void)p11->C_CreateObject(session, t.list, t.count, &object);
    drop_template(&t);
}

typedef CK_RV init_fn(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE);
typedef CK_RV whole_fn(CK_SESSION_HANDLE, unsigned char *, CK_ULONG, unsigned char *, CK_ULONG *);
typedef CK_RV part_fn(CK_SESSION_HANDLE, unsigned char *, CK_ULONG);
typedef CK_RV final_fn(CK_SESSION_HANDLE, unsigned char *, CK_ULONG *);

static void call_init(struct input *in, init_fn *init, CK_SESSION_HANDLE session,
                      CK_OBJECT_HANDLE key)
{
    CK_MECHANISM m;

    take_mechanism(in, &m);
    (void)init(session, take(in) == 255 ? NULL : &m, key);
    free(m.pParameter);
}

static CK_RV digest_init(CK_SESSION_HANDLE session, CK_MECHANISM *m, CK_OBJECT_HANDLE key)
{
    (void)key;
    return p11->C_DigestInit(session, m);
}

static void call_whole(struct input *in, whole_fn *whole, CK_SESSION_HANDLE session)
{
    CK_ULONG data_len;
    CK_ULONG out_len = (CK_ULONG)take(in) * 2;
    uint8_t *data = take_bytes(in, &data_len);
    uint8_t *out = take(in) == 255 ? NULL : malloc(out_len ? out_len : 1);

    (void)whole(session, data, data_len, out, &out_len);
    free(data);
    free(out);
}

static void call_part(struct input *in, part_fn *part, CK_SESSION_HANDLE session)
{
    CK_ULONG len;
    uint8_t *data = take_bytes(in, &len);

    (void)part(session, data, len);
    free(data);
}

static void call_final(struct input *in, final_fn *final, CK_SESSION_HANDLE session)
{
    CK_ULONG len = (CK_ULONG)take(in) * 2;
    uint8_t *out = take(in) == 255 ? NULL : malloc(len ? len : 1);

    (void) final(session, out, &len);
    free(out);
}

static CK_RV verify(CK_SESSION_HANDLE session, unsigned char *data, CK_ULONG data_len,
                    unsigned char *signature, CK_ULONG *len)
{
    if (signature)
        memset(signature, 7, *len);
    return p11->C_Verify(session, data, data_len, signature, *len);
}

static void call_session(struct input *in)
{
    unsigned which = take(in) % SESSIONS;
    unsigned what = take(in);
    CK_ULONG len;
    uint8_t *pin = take_bytes(in, &len);
    CK_SESSION_INFO info;

    if (what & 1)
        (void)p11->C_CloseSession(sessions[which]);
    if (what & 2)
        (void)p11->C_OpenSession(slot, CKF_SERIAL_SESSION | (what & CKF_RW_SESSION), NULL, NULL,
                                 &sessions[which]);
    if (what & 4)
        (void)p11->C_Login(sessions[which], what >> 6, pin, len);
    if (what & 8)
        (void)p11->C_Logout(sessions[which]);
    if (what & 16)
        (void)p11_3->session_cancel(sessions[which], (CK_FLAGS)take(in) << 8 | take(in));
    (void)p11->C_GetSessionInfo(sessions[which], &info);
    free(pin);
}

static void call_one(struct input *in)
{
    static CK_OBJECT_HANDLE any = 1;
    unsigned what = take(in);
    CK_SESSION_HANDLE session = sessions[what >> 5 & (SESSIONS - 1)];
    unsigned pick = take(in);
    CK_OBJECT_HANDLE object = pick < OBJECTS ? objects[pick] : any++ % 64;

    switch (what & 31) {
    case 0:
        call_session(in);
        break;
    case 1:
    case 2:
        call_find(in, session);
        break;
    case 3:
    case 4:
        call_attributes(in, session, object);
        break;
    case 5:
        call_init(in, p11->C_SignInit, session, object);
        break;
    case 6:
        call_init(in, p11->C_VerifyInit, session, object);
        break;
    case 7:
        call_init(in, p11->C_EncryptInit, session, object);
        break;
    case 8:
        call_init(in, p11->C_DecryptInit, session, object);
        break;
    case 9:
        call_init(in, digest_init, session, object);
        break;
    case 10:
        call_whole(in, p11->C_Sign, session);
        break;
    case 11:
        call_whole(in, verify, session);
        break;
    case 12:
        call_whole(in, p11->C_Encrypt, session);
        break;
    case 13:
        call_whole(in, p11->C_Decrypt, session);
        break;
    case 14:
        call_whole(in, p11->C_Digest, session);
        break;
    case 15:
        call_whole(in, p11->C_EncryptUpdate, session);
        break;
    case 16:
        call_whole(in, p11->C_DecryptUpdate, session);
        break;
    case 17:
        call_part(in, p11->C_SignUpdate, session);
        break;
    case 18:
        call_part(in, p11->C_VerifyUpdate, session);
        break;
    case 19:
        call_part(in, p11->C_DigestUpdate, session);
        break;
    case 20:
        call_part(in, p11->C_VerifyFinal, session);
        break;
    case 21:
        call_final(in, p11->C_SignFinal, session);
        break;
    case 22:
        call_final(in, p11->C_DigestFinal, session);
        break;
    case 23:
        call_final(in, p11->C_EncryptFinal, session);
        break;
    case 24:
        call_final(in, p11->C_DecryptFinal, session);
        break;
    case 25:
        call_part(in, p11->C_GenerateRandom, session);
        break;
    case 26:
        (void)p11->C_DigestKey(session, object);
        (void)p11->C_DestroyObject(session, object);
        break;
    default:
        break;
    }
}

/* ---- the world ---- */

static char *dir;

static void end_world(void)
{
    (void)p11->C_Finalize(NULL);
    fake_dir_drop(&dir);
}

static void make_world(void)
{
    char text[4200];
    char path[4200];
    struct interface *found = NULL;
    CK_ULONG count = 1;

    dir = fake_dir_new();
    atexit(end_world);
    const int64_t now = dcs_env_now(dcs_env_real());
    struct test_wish wish = { .common_name = "Fuzz Root",
                              .is_ca = true,
                              .not_before = now - 86400,
                              .not_after = now + 900 * 86400LL };
    struct test_cert root = test_make(&wish);

    wish.common_name = "Fuzz Issuer";
    wish.issuer = &root;
    struct test_cert issuer = test_make(&wish);
    wish = (struct test_wish){ .common_name = "localhost",
                               .names = "DNS:localhost",
                               .issuer = &issuer,
                               .not_before = now - 86400,
                               .not_after = now + 190 * 86400LL,
                               .key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048) };
    test_commit(dir, 1, &wish);
    EVP_PKEY_free((EVP_PKEY *)wish.key);
    wish.key = NULL;
    test_commit(dir, 2, &wish);
    test_drop(&issuer);
    test_drop(&root);
    snprintf(path, sizeof(path), "%s/t.conf", dir);
    snprintf(text, sizeof(text), "state_dir = %s/state\n", dir);
    fake_write(dir, "t.conf", text, 0644);
    setenv("DIGICERT_STORE_CONF", path, 1);
    if (C_GetFunctionList(&p11) != CKR_OK || pkcs11_interface(NULL, NULL, &found, 0) != CKR_OK ||
        p11->C_Initialize(NULL) != CKR_OK || p11->C_GetSlotList(1, &slot, &count) != CKR_OK)
        abort();
    p11_3 = found->functions;
}

/* All objects are there, and one of them signs. */
static void expect_good_order(void)
{
    CK_OBJECT_HANDLE all[64];
    CK_SESSION_HANDLE session = 0;
    CK_ULONG count = 0;

    if (p11->C_CloseAllSessions(slot) != CKR_OK ||
        p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &session) != CKR_OK ||
        p11->C_FindObjectsInit(session, NULL, 0) != CKR_OK ||
        p11->C_FindObjects(session, all, 64, &count) != CKR_OK || count != 11 ||
        p11->C_CloseSession(session) != CKR_OK)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { data, size };

    if (!p11)
        make_world();
    memset(objects, 0, sizeof(objects));
    for (size_t i = 0; i < SESSIONS; i++)
        if (p11->C_OpenSession(slot, CKF_SERIAL_SESSION | (i & 1 ? CKF_RW_SESSION : 0), NULL, NULL,
                               &sessions[i]) != CKR_OK)
            abort();
    for (int i = 0; i < CALLS_MAX && in.left > 0; i++)
        call_one(&in);
    expect_good_order();
    return 0;
}
