// SPDX-License-Identifier: Apache-2.0
/* crypt.c - C_Encrypt* and C_Decrypt* with RSA; what was decrypted is wiped when it was handed over. */
#include <string.h>

#include "operation.h"

enum { MODULUS_MAX = 2048, PKCS1_OVERHEAD = 11 };

static CK_RV encrypt(struct op *op, struct dcs_bytes data, unsigned char *out, CK_ULONG *out_len)
{
    unsigned char padded[MODULUS_MAX] = { 0 };
    enum scheme scheme = op->setup.mechanism->scheme;
    size_t overhead = scheme == SCHEME_RSA_PKCS1  ? PKCS1_OVERHEAD
                      : scheme == SCHEME_RSA_OAEP ? 2 * hash_len(op->setup.hash) + 2
                                                  : 0;
    size_t len = op->size;

    if (op->size > sizeof(padded))
        return CKR_KEY_SIZE_RANGE;
    if (data.len + overhead > op->size)
        return CKR_DATA_LEN_RANGE;
    if (scheme == SCHEME_RSA_RAW) {
        if (data.len > 0)
            memcpy(padded + op->size - data.len, data.data, data.len);
        data = (struct dcs_bytes){ padded, op->size };
    }
    if (EVP_PKEY_encrypt(op->context, out, &len, data.data, data.len) <= 0)
        return scheme == SCHEME_RSA_RAW ? CKR_DATA_INVALID : CKR_FUNCTION_FAILED;
    *out_len = len;
    return CKR_OK;
}

/* Into op->result: how long it is, only the decryption tells. */
static CK_RV decrypt(struct op *op, struct dcs_bytes data)
{
    unsigned char opened[MODULUS_MAX];
    size_t len = sizeof(opened);
    CK_RV rv = CKR_ENCRYPTED_DATA_INVALID;

    if (op->size > sizeof(opened))
        return CKR_KEY_SIZE_RANGE;
    if (data.len != op->size)
        return CKR_ENCRYPTED_DATA_LEN_RANGE;
    if (EVP_PKEY_decrypt(op->context, opened, &len, data.data, data.len) > 0)
        rv = dcs_secret_copy(opened, len, &op->result, NULL) ? CKR_OK : CKR_HOST_MEMORY;
    dcs_wipe(opened, sizeof(opened));
    return rv;
}

/* Gives op->result, decrypting first when that was not done; ends the operation or goes on. */
static CK_RV give_decrypted(struct call *call, struct dcs_bytes data, unsigned char *out,
                            CK_ULONG *out_len)
{
    struct op *op = call->op;
    bool go = false;

    if (!out && !op->result.data) { /* the most that it can be, without a decryption */
        *out_len = op->size;
        return op_done(call, true, CKR_OK);
    }
    CK_RV rv = op->result.data ? CKR_OK : decrypt(op, data);
    if (rv != CKR_OK)
        return op_done(call, false, rv);
    rv = op_room(out, out_len, op->result.len, &go);
    if (!go)
        return op_done(call, true, rv);
    if (op->result.len > 0)
        memcpy(out, op->result.data, op->result.len);
    *out_len = op->result.len;
    return op_done(call, false, CKR_OK);
}

static struct dcs_bytes collected(const struct op *op)
{
    return (struct dcs_bytes){ (const uint8_t *)dcs_buf_text(&op->input), op->input.len };
}

/* ---- encryption ---- */

CK_RV C_EncryptInit(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    return op_begin(handle, OP_ENCRYPT, mechanism, key);
}

CK_RV C_Encrypt(CK_SESSION_HANDLE handle, unsigned char *data, CK_ULONG data_len,
                unsigned char *encrypted, CK_ULONG *encrypted_len)
{
    struct call call;
    bool go = false;
    CK_RV rv = op_enter(handle, OP_ENCRYPT, &call);

    if (rv != CKR_OK)
        return rv;
    if ((!data && data_len > 0) || !encrypted_len)
        return op_done(&call, false, CKR_ARGUMENTS_BAD);
    if (call.op->started)
        return op_done(&call, true, CKR_OPERATION_ACTIVE);
    call.op->whole = true;
    rv = op_room(encrypted, encrypted_len, call.op->size, &go);
    if (!go)
        return op_done(&call, true, rv);
    rv = encrypt(call.op, (struct dcs_bytes){ data, data_len }, encrypted, encrypted_len);
    return op_done(&call, false, rv);
}

/* All comes out at the end: RSA has one block. */
static CK_RV update(CK_SESSION_HANDLE handle, enum op_kind kind, struct dcs_bytes part,
                    const void *out, CK_ULONG *out_len)
{
    struct call call;
    CK_RV rv = op_enter_parts(handle, kind, &call);

    if (rv != CKR_OK)
        return rv;
    if ((!part.data && part.len > 0) || !out_len)
        return op_done(&call, false, CKR_ARGUMENTS_BAD);
    *out_len = 0;
    if (!out) /* asks for the length */
        return op_done(&call, true, CKR_OK);
    rv = op_update(call.op, part.data, part.len);
    return op_done(&call, rv == CKR_OK, rv);
}

CK_RV C_EncryptUpdate(CK_SESSION_HANDLE handle, unsigned char *part, CK_ULONG part_len,
                      unsigned char *encrypted, CK_ULONG *encrypted_len)
{
    return update(handle, OP_ENCRYPT, (struct dcs_bytes){ part, part_len }, encrypted,
                  encrypted_len);
}

CK_RV C_EncryptFinal(CK_SESSION_HANDLE handle, unsigned char *last, CK_ULONG *last_len)
{
    struct call call;
    bool go = false;
    CK_RV rv = op_enter_parts(handle, OP_ENCRYPT, &call);

    if (rv != CKR_OK)
        return rv;
    if (!last_len)
        return op_done(&call, false, CKR_ARGUMENTS_BAD);
    rv = op_room(last, last_len, call.op->size, &go);
    if (!go)
        return op_done(&call, true, rv);
    return op_done(&call, false, encrypt(call.op, collected(call.op), last, last_len));
}

/* ---- decryption ---- */

CK_RV C_DecryptInit(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    return op_begin(handle, OP_DECRYPT, mechanism, key);
}

CK_RV C_Decrypt(CK_SESSION_HANDLE handle, unsigned char *encrypted, CK_ULONG encrypted_len,
                unsigned char *data, CK_ULONG *data_len)
{
    struct call call;
    CK_RV rv = op_enter(handle, OP_DECRYPT, &call);

    if (rv != CKR_OK)
        return rv;
    if ((!encrypted && encrypted_len > 0) || !data_len)
        return op_done(&call, false, CKR_ARGUMENTS_BAD);
    if (call.op->started)
        return op_done(&call, true, CKR_OPERATION_ACTIVE);
    call.op->whole = true;
    return give_decrypted(&call, (struct dcs_bytes){ encrypted, encrypted_len }, data, data_len);
}

CK_RV C_DecryptUpdate(CK_SESSION_HANDLE handle, unsigned char *encrypted, CK_ULONG encrypted_len,
                      unsigned char *part, CK_ULONG *part_len)
{
    return update(handle, OP_DECRYPT, (struct dcs_bytes){ encrypted, encrypted_len }, part,
                  part_len);
}

CK_RV C_DecryptFinal(CK_SESSION_HANDLE handle, unsigned char *last, CK_ULONG *last_len)
{
    struct call call;
    CK_RV rv = op_enter_parts(handle, OP_DECRYPT, &call);

    if (rv != CKR_OK)
        return rv;
    if (!last_len)
        return op_done(&call, false, CKR_ARGUMENTS_BAD);
    return give_decrypted(&call, collected(call.op), last, last_len);
}
