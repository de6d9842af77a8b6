// SPDX-License-Identifier: Apache-2.0
/* digest.c - C_Digest* and random numbers, from libcrypto in our own library context. */
#include <openssl/rand.h>

#include "operation.h"

static CK_RV finish(struct op *op, unsigned char *digest, CK_ULONG *digest_len)
{
    unsigned len = 0;

    if (EVP_DigestFinal_ex(op->hashing, digest, &len) != 1)
        return CKR_FUNCTION_FAILED;
    *digest_len = len;
    return CKR_OK;
}

CK_RV C_DigestInit(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism)
{
    return op_begin(handle, OP_DIGEST, mechanism, CK_INVALID_HANDLE);
}

CK_RV C_Digest(CK_SESSION_HANDLE handle, unsigned char *data, CK_ULONG data_len,
               unsigned char *digest, CK_ULONG *digest_len)
{
    struct call call;
    bool go = false;
    CK_RV rv = op_enter(handle, OP_DIGEST, &call);

    if (rv != CKR_OK)
        return rv;
    if ((!data && data_len > 0) || !digest_len)
        return op_done(&call, false, CKR_ARGUMENTS_BAD);
    if (call.op->started)
        return op_done(&call, true, CKR_OPERATION_ACTIVE);
    call.op->whole = true;
    rv = op_room(digest, digest_len, call.op->size, &go);
    if (!go)
        return op_done(&call, true, rv);
    rv = op_update(call.op, data, data_len);
    return op_done(&call, false, rv == CKR_OK ? finish(call.op, digest, digest_len) : rv);
}

CK_RV C_DigestUpdate(CK_SESSION_HANDLE handle, unsigned char *part, CK_ULONG part_len)
{
    struct call call;
    CK_RV rv = op_enter_parts(handle, OP_DIGEST, &call);

    if (rv != CKR_OK)
        return rv;
    rv = !part && part_len > 0 ? CKR_ARGUMENTS_BAD : op_update(call.op, part, part_len);
    return op_done(&call, rv == CKR_OK, rv);
}

/* There are no secret keys here whose value could be hashed. */
CK_RV C_DigestKey(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE key)
{
    struct call call;
    CK_RV rv = op_enter(handle, OP_DIGEST, &call);

    if (rv != CKR_OK)
        return rv;
    rv = key == CK_INVALID_HANDLE ? CKR_KEY_HANDLE_INVALID : CKR_KEY_INDIGESTIBLE;
    return op_done(&call, true, rv);
}

CK_RV C_DigestFinal(CK_SESSION_HANDLE handle, unsigned char *digest, CK_ULONG *digest_len)
{
    struct call call;
    bool go = false;
    CK_RV rv = op_enter_parts(handle, OP_DIGEST, &call);

    if (rv != CKR_OK)
        return rv;
    if (!digest_len)
        return op_done(&call, false, CKR_ARGUMENTS_BAD);
    rv = op_room(digest, digest_len, call.op->size, &go);
    if (!go)
        return op_done(&call, true, rv);
    return op_done(&call, false, finish(call.op, digest, digest_len));
}

/* ---- random numbers ---- */

CK_RV C_SeedRandom(CK_SESSION_HANDLE handle, unsigned char *seed, CK_ULONG seed_len)
{
    struct cryptoki *c = NULL;
    struct session *session = NULL;
    CK_RV rv = session_enter(handle, &c, &session);

    if (rv != CKR_OK)
        return rv;
    if (!seed)
        return cryptoki_leave_with(c, CKR_ARGUMENTS_BAD);
    /* As additional input of one more reseeding: it can do no harm, whatever it is. */
    cryptoki_pause();
    OSSL_LIB_CTX *libctx = dcs_crypto(NULL);
    EVP_RAND_CTX *generator = libctx ? RAND_get0_public(libctx) : NULL;
    bool good = generator && EVP_RAND_reseed(generator, 0, NULL, 0, seed, seed_len) == 1;
    cryptoki_resume();
    return cryptoki_leave_with(c, good ? CKR_OK : CKR_RANDOM_SEED_NOT_SUPPORTED);
}

CK_RV C_GenerateRandom(CK_SESSION_HANDLE handle, unsigned char *random, CK_ULONG random_len)
{
    struct cryptoki *c = NULL;
    struct session *session = NULL;
    CK_RV rv = session_enter(handle, &c, &session);

    if (rv != CKR_OK)
        return rv;
    if (!random)
        return cryptoki_leave_with(c, CKR_ARGUMENTS_BAD);
    cryptoki_pause();
    OSSL_LIB_CTX *libctx = dcs_crypto(NULL);
    bool good = libctx && RAND_bytes_ex(libctx, random, random_len, 0) == 1;
    cryptoki_resume();
    return cryptoki_leave_with(c, good ? CKR_OK : CKR_DEVICE_ERROR);
}
