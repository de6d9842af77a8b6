/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session.h - sessions, and what is under way in each. All under the module's mutex; an operation that
 * works is taken out of its session meanwhile, so that nobody can close it away.
 */
#ifndef PKCS11_SESSION_H
#define PKCS11_SESSION_H

#include "module.h"

enum op_kind { OP_SIGN = 0, OP_VERIFY, OP_DIGEST, OP_ENCRYPT, OP_DECRYPT, OP_KINDS };

struct op;

struct session {
    CK_SESSION_HANDLE handle;
    size_t slot;
    CK_FLAGS flags;
    struct op *ops[OP_KINDS];
    bool busy[OP_KINDS]; /* taken out by a call that is under way */
    bool finding;
    CK_OBJECT_HANDLE *found;
    size_t found_count, found_next;
};

/* NULL when there is none. */
struct session *session_find(struct cryptoki *cryptoki, CK_SESSION_HANDLE handle);
/* Enters, and finds the session: CKR_OK with the mutex held. */
CK_RV session_enter(CK_SESSION_HANDLE handle, struct cryptoki **ret_cryptoki,
                    struct session **ret_session) DCS_CHECKED;
/* Private objects are there for this session. */
bool session_may_use_private(const struct cryptoki *cryptoki, const struct session *session);
void session_end_find(struct session *session);
void sessions_free(struct cryptoki *cryptoki);

#endif
