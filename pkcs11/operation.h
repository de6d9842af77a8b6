/* SPDX-License-Identifier: Apache-2.0 */
/*
 * operation.h - a cryptographic operation of a session: begun by C_XInit, taken out of the session
 * while it works, put back when it goes on. No mutex is held while libcrypto works.
 */
#ifndef PKCS11_OPERATION_H
#define PKCS11_OPERATION_H

#include "key.h"
#include "mechanism.h"
#include "object.h"
#include "session.h"

struct op {
    enum op_kind kind;
    struct setup setup;
    struct key *key;          /* signing and decrypting */
    EVP_PKEY *public_key;     /* verifying and encrypting; owned */
    EVP_PKEY_CTX *context;    /* set up with one of the two */
    EVP_MD_CTX *hashing;      /* when the mechanism hashes */
    size_t size;              /* of the result: signature, modulus, digest */
    bool started;             /* in parts, by C_XUpdate */
    bool whole;               /* C_X was asked for the length: it goes on with C_X alone */
    struct dcs_buf input;     /* of mechanisms that do not hash, when it comes in parts */
    struct dcs_secret result; /* decrypted, and its caller had no room */
};

/* Under the mutex; NULL is fine. */
void op_free(struct op *op);
/* What C_XInit does (paused): checks, finds the key, sets up. mechanism NULL cancels. */
CK_RV op_begin(CK_SESSION_HANDLE handle, enum op_kind kind, const CK_MECHANISM *mechanism,
               CK_OBJECT_HANDLE key);
/* A call on an operation under way: CKR_OK, and the mutex is not held until op_done. */
struct call {
    struct cryptoki *c;
    CK_SESSION_HANDLE handle;
    enum op_kind kind;
    struct op *op;
};
CK_RV op_enter(CK_SESSION_HANDLE handle, enum op_kind kind, struct call *ret_call);
/* The same for C_XUpdate and C_XFinal: what was begun as a whole ends with CKR_OPERATION_ACTIVE. */
CK_RV op_enter_parts(CK_SESSION_HANDLE handle, enum op_kind kind, struct call *ret_call);
/* Puts it back (goes_on), or ends it; gives rv. */
CK_RV op_done(struct call *call, bool goes_on, CK_RV rv);

/* The two-call convention. *ret_go: write now, up to size bytes fit; else rv is the answer and the
 * operation goes on. */
CK_RV op_room(const void *out, CK_ULONG *len, size_t size, bool *ret_go);

/* Feeds the hash, or collects. */
CK_RV op_update(struct op *op, const unsigned char *part, CK_ULONG len);
/* What is signed: the hash of what came, or what came. */
CK_RV op_input(struct op *op, uint8_t hash[EVP_MAX_MD_SIZE], struct dcs_bytes *ret_input);

#endif
