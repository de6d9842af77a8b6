// SPDX-License-Identifier: Apache-2.0
/* operation.c - begins operations, lends them to calls, ends them. */
#include "operation.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

enum { INPUT_MAX = 1 << 16 };

void op_free(struct op *op)
{
    if (!op)
        return;
    bool gone = crypto_is_gone();
    if (op->context && op->key && !gone && !op->setup.label)
        key_give_context(op->key, &op->setup, op->kind == OP_DECRYPT, op->context);
    else if (!gone)
        EVP_PKEY_CTX_free(op->context);
    if (!gone) {
        EVP_PKEY_free(op->public_key);
        EVP_MD_CTX_free(op->hashing);
    }
    key_unref(op->key);
    dcs_buf_clear(&op->input);
    dcs_secret_clear(&op->result);
    free(op);
}

/* ---- setting up, with no mutex held ---- */

static bool set_rsa(EVP_PKEY_CTX *context, const struct op *op)
{
    const struct setup *s = &op->setup;
    static const int paddings[] = { [SCHEME_RSA_PKCS1] = RSA_PKCS1_PADDING,
                                    [SCHEME_RSA_RAW] = RSA_NO_PADDING,
                                    [SCHEME_RSA_PSS] = RSA_PKCS1_PSS_PADDING,
                                    [SCHEME_RSA_OAEP] = RSA_PKCS1_OAEP_PADDING };
    enum scheme scheme = s->mechanism->scheme;

    if (EVP_PKEY_CTX_set_rsa_padding(context, paddings[scheme]) <= 0)
        return false;
    if (scheme == SCHEME_RSA_PKCS1 && s->hash != HASH_NONE)
        return EVP_PKEY_CTX_set_signature_md(context, hash_md(s->hash)) > 0;
    if (scheme == SCHEME_RSA_PSS)
        return EVP_PKEY_CTX_set_signature_md(context, hash_md(s->hash)) > 0 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(context, (int)s->salt) > 0 &&
               EVP_PKEY_CTX_set_rsa_mgf1_md(context, hash_md(s->mgf)) > 0;
    if (scheme != SCHEME_RSA_OAEP)
        return true;
    if (EVP_PKEY_CTX_set_rsa_oaep_md(context, hash_md(s->hash)) <= 0 ||
        EVP_PKEY_CTX_set_rsa_mgf1_md(context, hash_md(s->mgf)) <= 0)
        return false;
    if (!s->label)
        return true;
    void *label = OPENSSL_memdup(s->label, s->label_len); /* the context takes it */
    if (label && EVP_PKEY_CTX_set0_rsa_oaep_label(context, label, (int)s->label_len) > 0)
        return true;
    OPENSSL_free(label);
    return false;
}

static CK_RV set_up_context(struct op *op)
{
    static int (*const inits[OP_KINDS])(EVP_PKEY_CTX *) = {
        [OP_SIGN] = EVP_PKEY_sign_init,
        [OP_VERIFY] = EVP_PKEY_verify_init,
        [OP_ENCRYPT] = EVP_PKEY_encrypt_init,
        [OP_DECRYPT] = EVP_PKEY_decrypt_init,
    };
    EVP_PKEY *pkey = op->key ? key_pkey(op->key) : op->public_key;
    bool recovers = op->kind == OP_VERIFY && op->setup.mechanism->scheme == SCHEME_RSA_RAW;

    if (op->context)
        return CKR_OK;
    op->context = EVP_PKEY_CTX_new_from_pkey(dcs_crypto(NULL), pkey, NULL);
    if (!op->context)
        return CKR_HOST_MEMORY;
    int good = recovers ? EVP_PKEY_verify_recover_init(op->context) : inits[op->kind](op->context);
    if (good > 0 && (op->setup.mechanism->scheme == SCHEME_ECDSA || set_rsa(op->context, op)))
        return CKR_OK;
    EVP_PKEY_CTX_free(op->context);
    op->context = NULL;
    /* Taken by our table and not by libcrypto: a salt or hash too long for the key. */
    return op->setup.mechanism->scheme == SCHEME_RSA_PSS ||
                   op->setup.mechanism->scheme == SCHEME_RSA_OAEP
               ? CKR_MECHANISM_PARAM_INVALID
               : CKR_FUNCTION_FAILED;
}

static CK_RV set_up_hashing(struct op *op)
{
    enum hash hash = op->setup.mechanism->hash;

    if (hash == HASH_NONE)
        return CKR_OK;
    op->hashing = EVP_MD_CTX_new();
    if (!op->hashing)
        return CKR_HOST_MEMORY;
    return hash_md(hash) && EVP_DigestInit_ex(op->hashing, hash_md(hash), NULL) == 1
               ? CKR_OK
               : CKR_FUNCTION_FAILED;
}

static CK_RV set_up(struct op *op)
{
    ERR_set_mark();
    CK_RV rv = set_up_hashing(op);
    if (rv == CKR_OK && op->kind != OP_DIGEST)
        rv = set_up_context(op);
    ERR_pop_to_mark();
    if (rv != CKR_OK)
        return rv;
    if (op->kind == OP_DIGEST) {
        op->size = hash_len(op->setup.hash);
        return CKR_OK;
    }
    const EVP_PKEY *pkey = op->key ? key_pkey(op->key) : op->public_key;
    size_t bytes = ((size_t)EVP_PKEY_get_bits(pkey) + 7) / 8;
    op->size = op->setup.mechanism->scheme == SCHEME_ECDSA ? 2 * bytes : bytes;
    return CKR_OK;
}

/* ---- the key ---- */

static CK_RV check_key(const struct op *op, const struct object *object)
{
    bool needs_private = op->kind == OP_SIGN || op->kind == OP_DECRYPT;

    if (object->kind != OBJECT_PRIVATE && object->kind != OBJECT_PUBLIC)
        return CKR_KEY_HANDLE_INVALID;
    if ((object->kind == OBJECT_PRIVATE) != needs_private)
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    bool is_ec = object->generation->kind == DCS_KEY_EC;
    return is_ec == (op->setup.mechanism->scheme == SCHEME_ECDSA) ? CKR_OK
                                                                  : CKR_KEY_TYPE_INCONSISTENT;
}

static CK_RV take_key(struct cryptoki *c, struct op *op, struct object *object)
{
    dcs_auto(dcs_bundle) struct dcs_bundle *bundle = NULL;
    struct der_cert cert;
    struct dcs_err err = { 0 };

    CK_RV rv = check_key(op, object);
    if (rv != CKR_OK)
        return rv;
    if (!catalogue_still_served(c, object->generation))
        return CKR_KEY_HANDLE_INVALID;
    if (object->kind == OBJECT_PRIVATE) {
        rv = key_of(c, object->generation, &op->key);
        if (rv == CKR_OK)
            op->context = key_take_context(op->key, &op->setup, op->kind == OP_DECRYPT);
        return rv;
    }
    if (!catalogue_bundle(c, object->generation, &bundle, &err))
        return rv_of(&err);
    if (!der_cert_read(dcs_bundle_leaf(bundle), &cert))
        return CKR_DEVICE_ERROR;
    cryptoki_pause();
    op->public_key = key_public(cert.spki);
    cryptoki_resume();
    return op->public_key ? CKR_OK : CKR_DEVICE_ERROR;
}

static CK_RV find_key(struct cryptoki *c, const struct session *session, struct op *op,
                      CK_OBJECT_HANDLE key)
{
    struct object object;

    if (op->kind == OP_DIGEST)
        return CKR_OK;
    if (!object_open(c, session, key, &object))
        return CKR_KEY_HANDLE_INVALID;
    CK_RV rv = take_key(c, op, &object);
    object_clear(&object);
    return rv;
}

/* ---- beginning ---- */

static CK_RV cancel(struct session *session, enum op_kind kind)
{
    if (session->busy[kind])
        return CKR_OPERATION_CANCEL_FAILED;
    if (!session->ops[kind])
        return CKR_ARGUMENTS_BAD;
    op_free(session->ops[kind]);
    session->ops[kind] = NULL;
    return CKR_OK;
}

static CK_RV store_op(struct cryptoki *c, CK_SESSION_HANDLE handle, struct op *op)
{
    struct session *session = session_find(c, handle);

    if (!session)
        return CKR_SESSION_HANDLE_INVALID;
    if (session->ops[op->kind] || session->busy[op->kind])
        return CKR_OPERATION_ACTIVE;
    session->ops[op->kind] = op;
    return CKR_OK;
}

CK_RV op_begin(CK_SESSION_HANDLE handle, enum op_kind kind, const CK_MECHANISM *mechanism,
               CK_OBJECT_HANDLE key)
{
    static const CK_FLAGS flags[OP_KINDS] = { [OP_SIGN] = CKF_SIGN,
                                              [OP_VERIFY] = CKF_VERIFY,
                                              [OP_DIGEST] = CKF_DIGEST,
                                              [OP_ENCRYPT] = CKF_ENCRYPT,
                                              [OP_DECRYPT] = CKF_DECRYPT };
    struct cryptoki *c = NULL;
    struct session *session = NULL;
    CK_RV rv = session_enter(handle, &c, &session);

    if (rv != CKR_OK)
        return rv;
    if (!mechanism)
        return cryptoki_leave_with(c, cancel(session, kind));
    if (session->ops[kind] || session->busy[kind])
        return cryptoki_leave_with(c, CKR_OPERATION_ACTIVE);
    struct op *op = calloc(1, sizeof(*op));
    if (!op)
        return cryptoki_leave_with(c, CKR_HOST_MEMORY);
    op->kind = kind;
    op->input = (struct dcs_buf){ .max = INPUT_MAX, .secret = true };
    rv = setup_read(mechanism, flags[kind], &op->setup);
    if (rv == CKR_OK)
        rv = find_key(c, session, op, key);
    if (rv == CKR_OK) {
        cryptoki_pause();
        rv = set_up(op);
        cryptoki_resume();
    }
    if (rv == CKR_OK)
        rv = store_op(c, handle, op);
    if (rv != CKR_OK)
        op_free(op);
    return cryptoki_leave_with(c, rv);
}

/* ---- calls ---- */

CK_RV op_enter(CK_SESSION_HANDLE handle, enum op_kind kind, struct call *ret_call)
{
    struct cryptoki *c = NULL;
    struct session *session = NULL;
    CK_RV rv = session_enter(handle, &c, &session);

    if (rv != CKR_OK)
        return rv;
    if (session->busy[kind])
        return cryptoki_leave_with(c, CKR_OPERATION_ACTIVE);
    if (!session->ops[kind])
        return cryptoki_leave_with(c, CKR_OPERATION_NOT_INITIALIZED);
    *ret_call = (struct call){ c, handle, kind, session->ops[kind] };
    session->ops[kind] = NULL;
    session->busy[kind] = true;
    cryptoki_pause();
    ERR_set_mark();
    return CKR_OK;
}

CK_RV op_enter_parts(CK_SESSION_HANDLE handle, enum op_kind kind, struct call *ret_call)
{
    CK_RV rv = op_enter(handle, kind, ret_call);

    if (rv != CKR_OK || !ret_call->op->whole)
        return rv;
    return op_done(ret_call, false, CKR_OPERATION_ACTIVE);
}

CK_RV op_done(struct call *call, bool goes_on, CK_RV rv)
{
    ERR_pop_to_mark();
    cryptoki_resume();
    struct session *session = session_find(call->c, call->handle);
    if (session)
        session->busy[call->kind] = false;
    if (session && goes_on)
        session->ops[call->kind] = call->op;
    else
        op_free(call->op);
    return cryptoki_leave_with(call->c, rv);
}

CK_RV op_room(const void *out, CK_ULONG *len, size_t size, bool *ret_go)
{
    *ret_go = false;
    if (!out) {
        *len = size;
        return CKR_OK;
    }
    if (*len < size) {
        *len = size;
        return CKR_BUFFER_TOO_SMALL;
    }
    *ret_go = true;
    return CKR_OK;
}

CK_RV op_update(struct op *op, const unsigned char *part, CK_ULONG len)
{
    struct dcs_err err = { 0 };

    op->started = true;
    if (len == 0)
        return CKR_OK;
    if (op->hashing)
        return EVP_DigestUpdate(op->hashing, part, len) == 1 ? CKR_OK : CKR_FUNCTION_FAILED;
    dcs_buf_add(&op->input, part, len);
    if (dcs_buf_ok(&op->input, "input", &err))
        return CKR_OK;
    return err.code == DCS_E_NOMEM ? CKR_HOST_MEMORY : CKR_DATA_LEN_RANGE;
}

CK_RV op_input(struct op *op, uint8_t hash[EVP_MAX_MD_SIZE], struct dcs_bytes *ret_input)
{
    unsigned len = 0;

    if (!op->hashing) {
        *ret_input = (struct dcs_bytes){ (const uint8_t *)dcs_buf_text(&op->input), op->input.len };
        return CKR_OK;
    }
    if (EVP_DigestFinal_ex(op->hashing, hash, &len) != 1)
        return CKR_FUNCTION_FAILED;
    *ret_input = (struct dcs_bytes){ hash, len };
    return CKR_OK;
}
