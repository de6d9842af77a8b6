/* SPDX-License-Identifier: Apache-2.0 */
/*
 * module.h - one initialisation of the module: what C_Initialize makes and C_Finalize takes away.
 *
 * One mutex is over everything here. It is never held over a file, the network, or a signature:
 * whoever does such a thing holds a reference to the cryptoki and calls cryptoki_pause() first.
 * C_Finalize detaches the cryptoki; whoever still is inside keeps it alive. After a fork the child
 * is uninitialised: what the parent had is left alone, since a thread may have been half-way in it.
 */
#ifndef PKCS11_MODULE_H
#define PKCS11_MODULE_H

#include "cryptoki.h"
#include "digicert-store.h"

struct catalogue;
struct session;

enum { SLOTS_MAX = 64 };

/* One token in its slot; a slot keeps its place until C_Finalize. */
struct slot {
    CK_SLOT_ID id; /* a hash of the name: stable, never an index */
    char token[DCS_TOKEN_MAX + 1];
    bool needs_pin;
    bool logged_in; /* all sessions share it */
    bool pin_was_wrong;
    unsigned sessions, rw_sessions;
};

struct cryptoki {
    unsigned refs;
    struct dcs_store *store;
    struct slot slots[SLOTS_MAX];
    size_t slot_count;
    char serial[17]; /* of every token of this store */
    struct session **sessions;
    size_t session_room, session_count;
    struct catalogue *catalogue;
};

/* CKR_OK: the mutex is held and *ret_cryptoki is the caller's until cryptoki_leave. */
CK_RV cryptoki_enter(struct cryptoki **ret_cryptoki) DCS_CHECKED;
/* With the mutex held. */
void cryptoki_leave(struct cryptoki *cryptoki);
CK_RV cryptoki_leave_with(struct cryptoki *cryptoki, CK_RV rv);
void cryptoki_pause(void);
void cryptoki_resume(void);
/* True once libcrypto has been cleaned up at exit: then nothing of its may be freed any more. */
bool crypto_is_gone(void);

/* slot.c. Under the mutex; reads the configuration (paused) when there is no slot yet. */
void slots_need(struct cryptoki *cryptoki);
/* The index, or SLOTS_MAX. */
size_t slot_find(struct cryptoki *cryptoki, CK_SLOT_ID id);
size_t slot_named(struct cryptoki *cryptoki, const char *token);
/* Whether it wants a PIN now; paused meanwhile. */
void slot_look_for_pin(struct cryptoki *cryptoki, size_t slot);
/* Blanks behind, no NUL: as the structures of PKCS#11 want texts. */
void pad_text(unsigned char *out, size_t size, const char *text);

/* rv.c */
CK_RV rv_of(const struct dcs_err *err);

#endif
