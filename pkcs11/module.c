// SPDX-License-Identifier: Apache-2.0
/*
 * module.c - C_Initialize, C_Finalize and the function lists. Opens nothing and starts nothing;
 * registers no exit handler. The one fork handler counts and makes a fresh mutex.
 */
#include "module.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue.h"
#include "functions.h"
#include "pkcs11-build.h"
#include "session.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct cryptoki *current;              /* NULL: not initialised */
static struct cryptoki *volatile left_behind; /* of a parent: never touched again, never freed */
static unsigned initialisations;              /* counts the successful ones */
static pthread_t initialiser;                 /* who made the newest */
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

/* No crypto, no free: another thread may have held any lock of the process. */
static void be_a_child(void)
{
    static const pthread_mutex_t fresh = PTHREAD_MUTEX_INITIALIZER;

    mutex = fresh;
    if (current)
        left_behind = current;
    current = NULL;
}

static void register_fork(void)
{
    pthread_atfork(NULL, NULL, be_a_child);
}

bool crypto_is_gone(void)
{
    return OPENSSL_init_crypto(0, NULL) == 0;
}

static void cryptoki_free(struct cryptoki *c)
{
    sessions_free(c);
    catalogue_free(c->catalogue);
    dcs_store_free(c->store);
    free(c);
}

CK_RV cryptoki_enter(struct cryptoki **ret_cryptoki)
{
    pthread_mutex_lock(&mutex);
    if (!current) {
        pthread_mutex_unlock(&mutex);
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    }
    current->refs++;
    *ret_cryptoki = current;
    return CKR_OK;
}

void cryptoki_leave(struct cryptoki *c)
{
    bool last = --c->refs == 0;

    pthread_mutex_unlock(&mutex);
    if (last)
        cryptoki_free(c);
}

CK_RV cryptoki_leave_with(struct cryptoki *c, CK_RV rv)
{
    cryptoki_leave(c);
    return rv;
}

void cryptoki_pause(void)
{
    pthread_mutex_unlock(&mutex);
}

void cryptoki_resume(void)
{
    pthread_mutex_lock(&mutex);
}

/* ---- C_Initialize, C_Finalize ---- */

static CK_RV check_arguments(const CK_C_INITIALIZE_ARGS *args)
{
    if (!args)
        return CKR_OK;
    if (args->pReserved)
        return CKR_ARGUMENTS_BAD;
    int callbacks = (args->CreateMutex != NULL) + (args->DestroyMutex != NULL) +
                    (args->LockMutex != NULL) + (args->UnlockMutex != NULL);
    if (callbacks != 0 && callbacks != 4)
        return CKR_ARGUMENTS_BAD;
    /* We use the mutexes of the system, or none that anybody could give us would do. */
    return callbacks == 4 && !(args->flags & CKF_OS_LOCKING_OK) ? CKR_CANT_LOCK : CKR_OK;
}

static CK_RV make_cryptoki(struct cryptoki **ret_cryptoki)
{
    const struct dcs_store_options options = { .caller = DCS_CALLER_DOOR };
    struct cryptoki *c = calloc(1, sizeof(*c));

    if (!c)
        return CKR_HOST_MEMORY;
    c->refs = 1;
    if (!catalogue_new(&c->catalogue) || !dcs_store_new(&options, &c->store, NULL)) {
        catalogue_free(c->catalogue);
        free(c);
        return CKR_HOST_MEMORY;
    }
    *ret_cryptoki = c;
    return CKR_OK;
}

CK_RV C_Initialize(void *init_args)
{
    CK_RV rv = check_arguments(init_args);
    struct cryptoki *c = NULL;

    if (rv != CKR_OK)
        return rv;
    pthread_once(&fork_once, register_fork);
    pthread_mutex_lock(&mutex);
    bool was_initialised = current != NULL;
    unsigned before = initialisations;
    pthread_mutex_unlock(&mutex);
    if (was_initialised)
        return CKR_CRYPTOKI_ALREADY_INITIALIZED;
    /* With our mutex held, this could come back to us through a provider that the configuration
     * names, and wait for the mutex for ever. */
    OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
    rv = make_cryptoki(&c);
    if (rv != CKR_OK)
        return rv;
    pthread_mutex_lock(&mutex);
    bool by_ourselves = initialisations != before && pthread_equal(initialiser, pthread_self());
    if (current) {
        pthread_mutex_unlock(&mutex);
        cryptoki_free(c);
        return by_ourselves ? CKR_OK : CKR_CRYPTOKI_ALREADY_INITIALIZED;
    }
    current = c;
    initialisations++;
    initialiser = pthread_self();
    pthread_mutex_unlock(&mutex);
    return CKR_OK;
}

CK_RV C_Finalize(void *reserved)
{
    struct cryptoki *c = NULL;

    if (reserved)
        return CKR_ARGUMENTS_BAD;
    CK_RV rv = cryptoki_enter(&c);
    if (rv != CKR_OK)
        return rv;
    current = NULL;
    c->refs--; /* the one of being current */
    /* At exit, after libcrypto's own end, what it made is left to the kernel. */
    if (crypto_is_gone()) {
        left_behind = c;
        c->refs++;
    }
    return cryptoki_leave_with(c, CKR_OK);
}

CK_RV C_GetInfo(CK_INFO *info)
{
    struct cryptoki *c = NULL;
    CK_RV rv = cryptoki_enter(&c);

    if (rv != CKR_OK)
        return rv;
    if (!info)
        return cryptoki_leave_with(c, CKR_ARGUMENTS_BAD);
    *info =
        (CK_INFO){ .cryptokiVersion = { 2, 40 }, .libraryVersion = { PKCS11_MAJOR, PKCS11_MINOR } };
    pad_text(info->manufacturerID, sizeof(info->manufacturerID), "digicert-store");
    pad_text(info->libraryDescription, sizeof(info->libraryDescription),
             "CertCentral orders as objects");
    return cryptoki_leave_with(c, CKR_OK);
}

/* ---- function lists ---- */

/* The order is that of CK_FUNCTION_LIST. */
#define FUNCTIONS(major, minor)                                                                   \
    {                                                                                             \
        { major, minor }, C_Initialize, C_Finalize, C_GetInfo, C_GetFunctionList, C_GetSlotList,  \
            C_GetSlotInfo, C_GetTokenInfo, C_GetMechanismList, C_GetMechanismInfo, C_InitToken,   \
            C_InitPIN, C_SetPIN, C_OpenSession, C_CloseSession, C_CloseAllSessions,               \
            C_GetSessionInfo, C_GetOperationState, C_SetOperationState, C_Login, C_Logout,        \
            C_CreateObject, C_CopyObject, C_DestroyObject, C_GetObjectSize, C_GetAttributeValue,  \
            C_SetAttributeValue, C_FindObjectsInit, C_FindObjects, C_FindObjectsFinal,            \
            C_EncryptInit, C_Encrypt, C_EncryptUpdate, C_EncryptFinal, C_DecryptInit, C_Decrypt,  \
            C_DecryptUpdate, C_DecryptFinal, C_DigestInit, C_Digest, C_DigestUpdate, C_DigestKey, \
            C_DigestFinal, C_SignInit, C_Sign, C_SignUpdate, C_SignFinal, C_SignRecoverInit,      \
            C_SignRecover, C_VerifyInit, C_Verify, C_VerifyUpdate, C_VerifyFinal,                 \
            C_VerifyRecoverInit, C_VerifyRecover, C_DigestEncryptUpdate, C_DecryptDigestUpdate,   \
            C_SignEncryptUpdate, C_DecryptVerifyUpdate, C_GenerateKey, C_GenerateKeyPair,         \
            C_WrapKey, C_UnwrapKey, C_DeriveKey, C_SeedRandom, C_GenerateRandom,                  \
            C_GetFunctionStatus, C_CancelFunction, C_WaitForSlotEvent                             \
    }

static CK_FUNCTION_LIST list_2 = FUNCTIONS(2, 40);

#define FIVE_TIMES(f) f, f, f, f, f
static struct function_list_3 list_3 = {
    .base = FUNCTIONS(3, 0),
    .get_interface_list = pkcs11_interface_list,
    .get_interface = pkcs11_interface,
    .login_user = login_user,
    .session_cancel = session_cancel,
    .messages = { FIVE_TIMES(no_messages), FIVE_TIMES(no_messages), FIVE_TIMES(no_messages),
                  FIVE_TIMES(no_messages) },
};

static char interface_name[] = "PKCS 11";
static struct interface interfaces[] = {
    { interface_name, &list_3, CKF_INTERFACE_FORK_SAFE },
    { interface_name, &list_2, CKF_INTERFACE_FORK_SAFE },
};

EXPORTED CK_RV C_GetFunctionList(CK_FUNCTION_LIST **function_list)
{
    if (!function_list)
        return CKR_ARGUMENTS_BAD;
    *function_list = &list_2;
    return CKR_OK;
}

CK_RV pkcs11_interface_list(struct interface *list, CK_ULONG *count)
{
    if (!count)
        return CKR_ARGUMENTS_BAD;
    CK_ULONG room = *count;
    *count = DCS_COUNT(interfaces);
    if (!list)
        return CKR_OK;
    if (room < DCS_COUNT(interfaces))
        return CKR_BUFFER_TOO_SMALL;
    memcpy(list, interfaces, sizeof(interfaces));
    return CKR_OK;
}

/* Writes on success only: NSS hands in a pointer to nothing (facts: what callers do). */
CK_RV pkcs11_interface(unsigned char *name, CK_VERSION *version, struct interface **ret_interface,
                       CK_FLAGS flags)
{
    if (!ret_interface)
        return CKR_ARGUMENTS_BAD;
    for (size_t i = 0; i < DCS_COUNT(interfaces); i++) {
        const CK_FUNCTION_LIST *list = interfaces[i].functions;
        bool fits = (!name || strcmp((const char *)name, interfaces[i].name) == 0) &&
                    (!version || (version->major == list->version.major &&
                                  version->minor == list->version.minor)) &&
                    (flags & ~interfaces[i].flags) == 0;
        if (!fits)
            continue;
        *ret_interface = &interfaces[i];
        return CKR_OK;
    }
    return CKR_FUNCTION_FAILED;
}
