// SPDX-License-Identifier: Apache-2.0
/*
 * unsupported.c - what a token that nobody writes to does not do: each answers as the standard says,
 * initialisation and session first.
 */
#include "functions.h"
#include "session.h"

static CK_RV in_session(CK_SESSION_HANDLE handle, CK_RV answer)
{
    struct cryptoki *c = NULL;
    struct session *session = NULL;
    CK_RV rv = session_enter(handle, &c, &session);

    return rv != CKR_OK ? rv : cryptoki_leave_with(c, answer);
}

/* Writing: p11-kit has words for these two, and for ACTION_PROHIBITED it has none. */
static CK_RV refuse_write(CK_SESSION_HANDLE handle, bool arguments_good)
{
    struct cryptoki *c = NULL;
    struct session *session = NULL;
    CK_RV rv = session_enter(handle, &c, &session);

    if (rv != CKR_OK)
        return rv;
    if (!arguments_good)
        rv = CKR_ARGUMENTS_BAD;
    else
        rv = session->flags & CKF_RW_SESSION ? CKR_TOKEN_WRITE_PROTECTED : CKR_SESSION_READ_ONLY;
    return cryptoki_leave_with(c, rv);
}

static CK_RV refuse_object_write(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object,
                                 bool arguments_good)
{
    return object == CK_INVALID_HANDLE && arguments_good
               ? in_session(handle, CKR_OBJECT_HANDLE_INVALID)
               : refuse_write(handle, arguments_good);
}

CK_RV C_InitPIN(CK_SESSION_HANDLE handle, unsigned char *pin, CK_ULONG pin_len)
{
    return refuse_write(handle, pin || pin_len == 0);
}

CK_RV C_SetPIN(CK_SESSION_HANDLE handle, unsigned char *old_pin, CK_ULONG old_len,
               unsigned char *new_pin, CK_ULONG new_len)
{
    return refuse_write(handle, (old_pin || old_len == 0) && (new_pin || new_len == 0));
}

CK_RV C_CreateObject(CK_SESSION_HANDLE handle, CK_ATTRIBUTE *template, CK_ULONG count,
                     CK_OBJECT_HANDLE *object)
{
    CK_ULONG i = 0;

    while (template && i < count && template[i].type != CKA_CLASS)
        i++;
    if (object && (template || count == 0) && i == count)
        return in_session(handle, CKR_TEMPLATE_INCOMPLETE);
    return refuse_write(handle, (template || count == 0) && object);
}

/* NSS servers copy their key into the session and use the copy, unless this fails. */
CK_RV C_CopyObject(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template,
                   CK_ULONG count, CK_OBJECT_HANDLE *copy)
{
    return refuse_object_write(handle, object, (template || count == 0) && copy);
}

CK_RV C_DestroyObject(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object)
{
    return refuse_object_write(handle, object, true);
}

CK_RV C_SetAttributeValue(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template,
                          CK_ULONG count)
{
    return refuse_object_write(handle, object, template || count == 0);
}

CK_RV C_GenerateKey(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_ATTRIBUTE *template,
                    CK_ULONG count, CK_OBJECT_HANDLE *key)
{
    return refuse_write(handle, mechanism && (template || count == 0) && key);
}

CK_RV C_GenerateKeyPair(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism,
                        CK_ATTRIBUTE *public_template, CK_ULONG public_count,
                        CK_ATTRIBUTE *private_template, CK_ULONG private_count,
                        CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key)
{
    return refuse_write(handle, mechanism && (public_template || public_count == 0) &&
                                    (private_template || private_count == 0) && public_key &&
                                    private_key);
}

/* ---- not supported at all ---- */

CK_RV C_GetOperationState(CK_SESSION_HANDLE handle, unsigned char *state, CK_ULONG *state_len)
{
    (void)state;
    return in_session(handle, state_len ? CKR_FUNCTION_NOT_SUPPORTED : CKR_ARGUMENTS_BAD);
}

CK_RV C_SetOperationState(CK_SESSION_HANDLE handle, unsigned char *state, CK_ULONG state_len,
                          CK_OBJECT_HANDLE encryption, CK_OBJECT_HANDLE authentication)
{
    (void)encryption;
    (void)authentication;
    return in_session(handle, state && state_len ? CKR_FUNCTION_NOT_SUPPORTED : CKR_ARGUMENTS_BAD);
}

CK_RV C_SignRecoverInit(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    (void)key;
    return in_session(handle, mechanism ? CKR_FUNCTION_NOT_SUPPORTED : CKR_ARGUMENTS_BAD);
}

CK_RV C_SignRecover(CK_SESSION_HANDLE handle, unsigned char *data, CK_ULONG data_len,
                    unsigned char *signature, CK_ULONG *signature_len)
{
    (void)data;
    (void)data_len;
    (void)signature;
    (void)signature_len;
    return in_session(handle, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_VerifyRecoverInit(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    (void)key;
    return in_session(handle, mechanism ? CKR_FUNCTION_NOT_SUPPORTED : CKR_ARGUMENTS_BAD);
}

CK_RV C_VerifyRecover(CK_SESSION_HANDLE handle, unsigned char *signature, CK_ULONG signature_len,
                      unsigned char *data, CK_ULONG *data_len)
{
    (void)signature;
    (void)signature_len;
    (void)data;
    (void)data_len;
    return in_session(handle, CKR_FUNCTION_NOT_SUPPORTED);
}

/* The four that do two things at once. */
#define TWO_AT_ONCE(name)                                                        \
    CK_RV name(CK_SESSION_HANDLE handle, unsigned char *part, CK_ULONG part_len, \
               unsigned char *out, CK_ULONG *out_len)                            \
    {                                                                            \
        (void)part;                                                              \
        (void)part_len;                                                          \
        (void)out;                                                               \
        (void)out_len;                                                           \
        return in_session(handle, CKR_FUNCTION_NOT_SUPPORTED);                   \
    }
TWO_AT_ONCE(C_DigestEncryptUpdate)
TWO_AT_ONCE(C_DecryptDigestUpdate)
TWO_AT_ONCE(C_SignEncryptUpdate)
TWO_AT_ONCE(C_DecryptVerifyUpdate)

CK_RV C_WrapKey(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE wrapping_key,
                CK_OBJECT_HANDLE key, unsigned char *wrapped, CK_ULONG *wrapped_len)
{
    (void)wrapping_key;
    (void)key;
    (void)wrapped;
    return in_session(handle,
                      mechanism && wrapped_len ? CKR_FUNCTION_NOT_SUPPORTED : CKR_ARGUMENTS_BAD);
}

CK_RV C_UnwrapKey(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE unwrapping,
                  unsigned char *wrapped, CK_ULONG wrapped_len, CK_ATTRIBUTE *template,
                  CK_ULONG count, CK_OBJECT_HANDLE *key)
{
    (void)unwrapping;
    (void)wrapped_len;
    bool good = mechanism && wrapped && (template || count == 0) && key;
    return in_session(handle, good ? CKR_FUNCTION_NOT_SUPPORTED : CKR_ARGUMENTS_BAD);
}

CK_RV C_DeriveKey(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE base_key,
                  CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *key)
{
    (void)base_key;
    bool good = mechanism && (template || count == 0) && key;
    return in_session(handle, good ? CKR_FUNCTION_NOT_SUPPORTED : CKR_ARGUMENTS_BAD);
}

/* Leftovers of version 1: every function runs to its end. */
CK_RV C_GetFunctionStatus(CK_SESSION_HANDLE handle)
{
    return in_session(handle, CKR_FUNCTION_NOT_PARALLEL);
}

CK_RV C_CancelFunction(CK_SESSION_HANDLE handle)
{
    return in_session(handle, CKR_FUNCTION_NOT_PARALLEL);
}

/* All of C_Message*: the caller passes more than this reads. */
CK_RV no_messages(CK_SESSION_HANDLE handle)
{
    return in_session(handle, CKR_FUNCTION_NOT_SUPPORTED);
}
