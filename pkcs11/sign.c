// SPDX-License-Identifier: Apache-2.0
/* sign.c - C_Sign* and C_Verify*; signatures of ECDSA are r and s side by side, as PKCS#11 has them. */
#include <openssl/ecdsa.h>
#include <string.h>

#include "operation.h"

enum { SIGNATURE_MAX = 2048, PKCS1_OVERHEAD = 11 };

/* ---- one signature, with no mutex held ---- */

/* Data that no key of this size can sign. */
static CK_RV check_data(const struct op *op, struct dcs_bytes data)
{
    switch (op->setup.mechanism->scheme) {
    case SCHEME_RSA_PKCS1:
        return data.len + PKCS1_OVERHEAD > op->size && op->setup.hash == HASH_NONE
                   ? CKR_DATA_LEN_RANGE
                   : CKR_OK;
    case SCHEME_RSA_RAW:
        return data.len > op->size ? CKR_DATA_LEN_RANGE : CKR_OK;
    case SCHEME_RSA_PSS:
        return data.len != hash_len(op->setup.hash) ? CKR_DATA_LEN_RANGE : CKR_OK;
    case SCHEME_ECDSA:
        return data.len == 0 ? CKR_DATA_LEN_RANGE : CKR_OK;
    case SCHEME_RSA_OAEP:
    case SCHEME_DIGEST:
        break;
    }
    return CKR_GENERAL_ERROR;
}

/* DER to r and s side by side. */
static bool flatten(const uint8_t *der, size_t len, unsigned char *out, size_t size)
{
    const unsigned char *at = der;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)len);
    int half = (int)(size / 2);

    bool good = sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, half) == half &&
                BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + half, half) == half;
    ECDSA_SIG_free(sig);
    return good;
}

static CK_RV sign_ec(struct op *op, struct dcs_bytes data, unsigned char *out)
{
    unsigned char der[256];
    size_t len = sizeof(der);

    if (EVP_PKEY_sign(op->context, der, &len, data.data, data.len) <= 0 ||
        !flatten(der, len, out, op->size))
        return CKR_FUNCTION_FAILED;
    return CKR_OK;
}

static CK_RV sign_rsa(struct op *op, struct dcs_bytes data, unsigned char *out)
{
    unsigned char padded[SIGNATURE_MAX] = { 0 };
    size_t len = op->size;

    if (op->size > sizeof(padded))
        return CKR_KEY_SIZE_RANGE;
    if (op->setup.mechanism->scheme == SCHEME_RSA_RAW) {
        memcpy(padded + op->size - data.len, data.data, data.len);
        data = (struct dcs_bytes){ padded, op->size };
    }
    if (EVP_PKEY_sign(op->context, out, &len, data.data, data.len) > 0)
        return CKR_OK;
    /* A number over the modulus; with the paddings, nothing that a caller may give. */
    return op->setup.mechanism->scheme == SCHEME_RSA_RAW ? CKR_DATA_INVALID : CKR_FUNCTION_FAILED;
}

static CK_RV sign(struct op *op, struct dcs_bytes data, unsigned char *out, CK_ULONG *out_len)
{
    CK_RV rv = check_data(op, data);

    if (rv == CKR_OK)
        rv = op->setup.mechanism->scheme == SCHEME_ECDSA ? sign_ec(op, data, out)
                                                         : sign_rsa(op, data, out);
    if (rv == CKR_OK)
        *out_len = op->size;
    return rv;
}

static CK_RV finish_sign(struct op *op, unsigned char *out, CK_ULONG *out_len)
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    struct dcs_bytes input;
    CK_RV rv = op_input(op, hash, &input);

    return rv != CKR_OK ? rv : sign(op, input, out, out_len);
}

CK_RV C_SignInit(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    return op_begin(handle, OP_SIGN, mechanism, key);
}

CK_RV C_Sign(CK_SESSION_HANDLE handle, unsigned char *data, CK_ULONG data_len,
             unsigned char *signature, CK_ULONG *signature_len)
{
    struct call call;
    bool go = false;
    CK_RV rv = op_enter(handle, OP_SIGN, &call);

    if (rv != CKR_OK)
        return rv;
    if ((!data && data_len > 0) || !signature_len)
        return op_done(&call, false, CKR_ARGUMENTS_BAD);
    if (call.op->started) /* C_SignFinal ends that one */
        return op_done(&call, true, CKR_OPERATION_ACTIVE);
    call.op->whole = true;
    rv = op_room(signature, signature_len, call.op->size, &go);
    if (!go)
        return op_done(&call, true, rv);
    if (call.op->hashing) {
        rv = op_update(call.op, data, data_len);
        if (rv == CKR_OK)
            rv = finish_sign(call.op, signature, signature_len);
    } else {
        rv = sign(call.op, (struct dcs_bytes){ data, data_len }, signature, signature_len);
    }
    return op_done(&call, false, rv);
}

CK_RV C_SignUpdate(CK_SESSION_HANDLE handle, unsigned char *part, CK_ULONG part_len)
{
    struct call call;
    CK_RV rv = op_enter_parts(handle, OP_SIGN, &call);

    if (rv != CKR_OK)
        return rv;
    rv = !part && part_len > 0 ? CKR_ARGUMENTS_BAD : op_update(call.op, part, part_len);
    return op_done(&call, rv == CKR_OK, rv);
}

CK_RV C_SignFinal(CK_SESSION_HANDLE handle, unsigned char *signature, CK_ULONG *signature_len)
{
    struct call call;
    bool go = false;
    CK_RV rv = op_enter_parts(handle, OP_SIGN, &call);

    if (rv != CKR_OK)
        return rv;
    if (!signature_len)
        return op_done(&call, false, CKR_ARGUMENTS_BAD);
    rv = op_room(signature, signature_len, call.op->size, &go);
    if (!go)
        return op_done(&call, true, rv);
    return op_done(&call, false, finish_sign(call.op, signature, signature_len));
}

/* ---- verifying ---- */

/* r and s side by side to DER. */
static int verify_ec(struct op *op, struct dcs_bytes data, const unsigned char *signature)
{
    int half = (int)(op->size / 2);
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature, half, NULL);
    BIGNUM *s = BN_bin2bn(signature + half, half, NULL);
    unsigned char *der = NULL;
    int good = 0;

    if (sig && r && s && ECDSA_SIG_set0(sig, r, s) == 1) {
        r = s = NULL; /* taken */
        int len = i2d_ECDSA_SIG(sig, &der);
        if (len > 0)
            good = EVP_PKEY_verify(op->context, der, (size_t)len, data.data, data.len);
    }
    OPENSSL_free(der);
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(sig);
    return good;
}

static int verify_raw(struct op *op, struct dcs_bytes data, const unsigned char *signature)
{
    unsigned char opened[SIGNATURE_MAX];
    size_t len = sizeof(opened);

    if (op->size > sizeof(opened) ||
        EVP_PKEY_verify_recover(op->context, opened, &len, signature, op->size) <= 0 ||
        len < data.len)
        return 0;
    for (size_t i = 0; i < len - data.len; i++)
        if (opened[i] != 0)
            return 0;
    return memcmp(opened + len - data.len, data.data, data.len) == 0;
}

static CK_RV verify(struct op *op, struct dcs_bytes data, const unsigned char *signature,
                    CK_ULONG len)
{
    CK_RV rv = check_data(op, data);
    int good;

    if (rv != CKR_OK)
        return rv;
    if (len != op->size)
        return CKR_SIGNATURE_LEN_RANGE;
    if (op->setup.mechanism->scheme == SCHEME_ECDSA)
        good = verify_ec(op, data, signature);
    else if (op->setup.mechanism->scheme == SCHEME_RSA_RAW)
        good = verify_raw(op, data, signature);
    else
        good = EVP_PKEY_verify(op->context, signature, len, data.data, data.len);
    return good == 1 ? CKR_OK : CKR_SIGNATURE_INVALID;
}

static CK_RV finish_verify(struct op *op, const unsigned char *signature, CK_ULONG len)
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    struct dcs_bytes input;
    CK_RV rv = op_input(op, hash, &input);

    return rv != CKR_OK ? rv : verify(op, input, signature, len);
}

CK_RV C_VerifyInit(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    return op_begin(handle, OP_VERIFY, mechanism, key);
}

CK_RV C_Verify(CK_SESSION_HANDLE handle, unsigned char *data, CK_ULONG data_len,
               unsigned char *signature, CK_ULONG signature_len)
{
    struct call call;
    CK_RV rv = op_enter(handle, OP_VERIFY, &call);

    if (rv != CKR_OK)
        return rv;
    if ((!data && data_len > 0) || !signature)
        return op_done(&call, false, CKR_ARGUMENTS_BAD);
    if (call.op->started)
        return op_done(&call, true, CKR_OPERATION_ACTIVE);
    if (call.op->hashing) {
        rv = op_update(call.op, data, data_len);
        if (rv == CKR_OK)
            rv = finish_verify(call.op, signature, signature_len);
    } else {
        rv = verify(call.op, (struct dcs_bytes){ data, data_len }, signature, signature_len);
    }
    return op_done(&call, false, rv);
}

CK_RV C_VerifyUpdate(CK_SESSION_HANDLE handle, unsigned char *part, CK_ULONG part_len)
{
    struct call call;
    CK_RV rv = op_enter_parts(handle, OP_VERIFY, &call);

    if (rv != CKR_OK)
        return rv;
    rv = !part && part_len > 0 ? CKR_ARGUMENTS_BAD : op_update(call.op, part, part_len);
    return op_done(&call, rv == CKR_OK, rv);
}

CK_RV C_VerifyFinal(CK_SESSION_HANDLE handle, unsigned char *signature, CK_ULONG signature_len)
{
    struct call call;
    CK_RV rv = op_enter_parts(handle, OP_VERIFY, &call);

    if (rv != CKR_OK)
        return rv;
    rv = signature ? finish_verify(call.op, signature, signature_len) : CKR_ARGUMENTS_BAD;
    return op_done(&call, false, rv);
}
