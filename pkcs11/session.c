// SPDX-License-Identifier: Apache-2.0
/* session.c - sessions and login. A handle is never given twice in a process. */
#include "session.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "functions.h"
#include "operation.h"

/* A handle is a place in the table and a count, so that it is found at once and never seen again. */
enum { PLACE_BITS = 20, SESSIONS_MAX = 1 << PLACE_BITS };

static CK_ULONG opened; /* in this process, since ever */

struct session *session_find(struct cryptoki *c, CK_SESSION_HANDLE handle)
{
    size_t place = handle & (SESSIONS_MAX - 1);

    if (place >= c->session_room || !c->sessions[place] || c->sessions[place]->handle != handle)
        return NULL;
    return c->sessions[place];
}

CK_RV session_enter(CK_SESSION_HANDLE handle, struct cryptoki **ret_cryptoki,
                    struct session **ret_session)
{
    CK_RV rv = cryptoki_enter(ret_cryptoki);

    if (rv != CKR_OK)
        return rv;
    *ret_session = session_find(*ret_cryptoki, handle);
    return *ret_session ? CKR_OK : cryptoki_leave_with(*ret_cryptoki, CKR_SESSION_HANDLE_INVALID);
}

bool session_may_use_private(const struct cryptoki *c, const struct session *session)
{
    const struct slot *slot = &c->slots[session->slot];

    return !slot->needs_pin || slot->logged_in;
}

/* ---- opening and closing ---- */

/* A free place; SESSIONS_MAX when there is no memory for one. */
static size_t find_place(struct cryptoki *c)
{
    if (c->session_count == c->session_room) {
        size_t room = c->session_room ? 2 * c->session_room : 16;
        if (room > SESSIONS_MAX)
            return SESSIONS_MAX;
        struct session **sessions = realloc(c->sessions, room * sizeof(struct session *));
        if (!sessions)
            return SESSIONS_MAX;
        memset(sessions + c->session_room, 0, (room - c->session_room) * sizeof(struct session *));
        c->sessions = sessions;
        c->session_room = room;
    }
    size_t place = opened % c->session_room;
    while (c->sessions[place])
        place = (place + 1) % c->session_room;
    return place;
}

CK_RV C_OpenSession(CK_SLOT_ID id, CK_FLAGS flags, void *application, CK_NOTIFY notify,
                    CK_SESSION_HANDLE *ret_handle)
{
    struct cryptoki *c = NULL;
    CK_RV rv = cryptoki_enter(&c);

    (void)application;
    (void)notify; /* nothing to tell */
    if (rv != CKR_OK)
        return rv;
    slots_need(c);
    size_t slot = slot_find(c, id);
    if (slot == SLOTS_MAX)
        return cryptoki_leave_with(c, CKR_SLOT_ID_INVALID);
    if (!ret_handle)
        return cryptoki_leave_with(c, CKR_ARGUMENTS_BAD);
    if (!(flags & CKF_SERIAL_SESSION))
        return cryptoki_leave_with(c, CKR_SESSION_PARALLEL_NOT_SUPPORTED);
    slot_look_for_pin(c, slot);
    struct session *session = calloc(1, sizeof(*session));
    size_t place = session ? find_place(c) : SESSIONS_MAX;
    if (place == SESSIONS_MAX) {
        free(session);
        return cryptoki_leave_with(c, CKR_HOST_MEMORY);
    }
    *session = (struct session){ .handle = ++opened << PLACE_BITS | place,
                                 .slot = slot,
                                 .flags = flags & (CKF_SERIAL_SESSION | CKF_RW_SESSION) };
    c->sessions[place] = session;
    c->session_count++;
    c->slots[slot].sessions++;
    c->slots[slot].rw_sessions += (flags & CKF_RW_SESSION) != 0;
    *ret_handle = session->handle;
    return cryptoki_leave_with(c, CKR_OK);
}

void session_end_find(struct session *session)
{
    free(session->found);
    session->found = NULL;
    session->found_count = session->found_next = 0;
    session->finding = false;
}

static void close_one(struct cryptoki *c, struct session *session)
{
    struct slot *slot = &c->slots[session->slot];

    slot->sessions--;
    slot->rw_sessions -= (session->flags & CKF_RW_SESSION) != 0;
    if (slot->sessions == 0)
        slot->logged_in = false;
    c->sessions[session->handle & (SESSIONS_MAX - 1)] = NULL;
    c->session_count--;
    for (int kind = 0; kind < OP_KINDS; kind++)
        op_free(session->ops[kind]);
    session_end_find(session);
    free(session);
}

CK_RV C_CloseSession(CK_SESSION_HANDLE handle)
{
    struct cryptoki *c = NULL;
    struct session *session = NULL;
    CK_RV rv = session_enter(handle, &c, &session);

    if (rv != CKR_OK)
        return rv;
    close_one(c, session);
    return cryptoki_leave_with(c, CKR_OK);
}

CK_RV C_CloseAllSessions(CK_SLOT_ID id)
{
    struct cryptoki *c = NULL;
    CK_RV rv = cryptoki_enter(&c);

    if (rv != CKR_OK)
        return rv;
    slots_need(c);
    size_t slot = slot_find(c, id);
    if (slot == SLOTS_MAX)
        return cryptoki_leave_with(c, CKR_SLOT_ID_INVALID);
    for (size_t i = 0; i < c->session_room; i++)
        if (c->sessions[i] && c->sessions[i]->slot == slot)
            close_one(c, c->sessions[i]);
    return cryptoki_leave_with(c, CKR_OK);
}

void sessions_free(struct cryptoki *c)
{
    for (size_t i = 0; i < c->session_room; i++)
        if (c->sessions[i])
            close_one(c, c->sessions[i]);
    free(c->sessions);
}

CK_RV C_GetSessionInfo(CK_SESSION_HANDLE handle, CK_SESSION_INFO *info)
{
    struct cryptoki *c = NULL;
    struct session *session = NULL;
    CK_RV rv = session_enter(handle, &c, &session);

    if (rv != CKR_OK)
        return rv;
    if (!info)
        return cryptoki_leave_with(c, CKR_ARGUMENTS_BAD);
    bool user = c->slots[session->slot].logged_in;
    *info = (CK_SESSION_INFO){ .slotID = c->slots[session->slot].id, .flags = session->flags };
    if (session->flags & CKF_RW_SESSION)
        info->state = user ? CKS_RW_USER_FUNCTIONS : CKS_RW_PUBLIC_SESSION;
    else
        info->state = user ? CKS_RO_USER_FUNCTIONS : CKS_RO_PUBLIC_SESSION;
    return cryptoki_leave_with(c, CKR_OK);
}

/* ---- login ---- */

static CK_RV check_user(const struct slot *slot, CK_USER_TYPE user)
{
    switch (user) {
    case CKU_USER:
        return slot->logged_in ? CKR_USER_ALREADY_LOGGED_IN : CKR_OK;
    case CKU_SO: /* nothing here that an officer could do */
        if (slot->logged_in)
            return CKR_USER_ANOTHER_ALREADY_LOGGED_IN;
        return slot->sessions > slot->rw_sessions ? CKR_SESSION_READ_ONLY_EXISTS
                                                  : CKR_PIN_INCORRECT;
    case CKU_CONTEXT_SPECIFIC: /* no key asks for it */
        return CKR_OPERATION_NOT_INITIALIZED;
    default:
        return CKR_USER_TYPE_INVALID;
    }
}

/* Without a PIN of its own a token takes any: many programs log in whatever its flags say. */
static CK_RV check_pin(struct cryptoki *c, size_t slot, const unsigned char *pin, CK_ULONG len)
{
    dcs_auto(dcs_secret) struct dcs_secret right = { 0 };
    bool has = false;

    cryptoki_pause();
    bool read = dcs_store_token_pin(c->store, c->slots[slot].token, &has, &right, NULL);
    bool same = read && (!has || (pin && right.len > 0 && right.len == len &&
                                  CRYPTO_memcmp(right.data, pin, len) == 0));
    cryptoki_resume();
    c->slots[slot].needs_pin = !read || has;
    c->slots[slot].pin_was_wrong = !same;
    return same ? CKR_OK : CKR_PIN_INCORRECT;
}

CK_RV C_Login(CK_SESSION_HANDLE handle, CK_USER_TYPE user, unsigned char *pin, CK_ULONG pin_len)
{
    struct cryptoki *c = NULL;
    struct session *session = NULL;
    CK_RV rv = session_enter(handle, &c, &session);

    if (rv != CKR_OK)
        return rv;
    size_t slot = session->slot;
    rv = check_user(&c->slots[slot], user);
    if (rv == CKR_OK && !pin && pin_len > 0)
        rv = CKR_ARGUMENTS_BAD;
    if (rv == CKR_OK)
        rv = check_pin(c, slot, pin, pin_len);
    /* The session may have been closed meanwhile, and with the last one the login ends. */
    if (rv == CKR_OK && !session_find(c, handle))
        rv = CKR_SESSION_HANDLE_INVALID;
    if (rv == CKR_OK)
        c->slots[slot].logged_in = true;
    return cryptoki_leave_with(c, rv);
}

CK_RV login_user(CK_SESSION_HANDLE handle, CK_USER_TYPE user, unsigned char *pin, CK_ULONG pin_len,
                 unsigned char *name, CK_ULONG name_len)
{
    if (!name && name_len > 0) {
        struct cryptoki *c = NULL;
        CK_RV rv = cryptoki_enter(&c);
        return rv != CKR_OK ? rv : cryptoki_leave_with(c, CKR_ARGUMENTS_BAD);
    }
    return C_Login(handle, user, pin, pin_len); /* there is one user, whatever the name */
}

CK_RV C_Logout(CK_SESSION_HANDLE handle)
{
    struct cryptoki *c = NULL;
    struct session *session = NULL;
    CK_RV rv = session_enter(handle, &c, &session);

    if (rv != CKR_OK)
        return rv;
    struct slot *slot = &c->slots[session->slot];
    rv = slot->logged_in ? CKR_OK : CKR_USER_NOT_LOGGED_IN;
    slot->logged_in = false;
    /* What was begun with a private object of this token ends (PKCS#11, C_Logout). */
    for (size_t i = 0; rv == CKR_OK && slot->needs_pin && i < c->session_room; i++) {
        struct session *other = c->sessions[i];
        if (!other || other->slot != session->slot)
            continue;
        op_free(other->ops[OP_SIGN]);
        op_free(other->ops[OP_DECRYPT]);
        other->ops[OP_SIGN] = other->ops[OP_DECRYPT] = NULL;
    }
    return cryptoki_leave_with(c, rv);
}

/* ---- 3.0 ---- */

CK_RV session_cancel(CK_SESSION_HANDLE handle, CK_FLAGS flags)
{
    static const CK_FLAGS of_kind[OP_KINDS] = { [OP_SIGN] = CKF_SIGN,
                                                [OP_VERIFY] = CKF_VERIFY,
                                                [OP_DIGEST] = CKF_DIGEST,
                                                [OP_ENCRYPT] = CKF_ENCRYPT,
                                                [OP_DECRYPT] = CKF_DECRYPT };
    struct cryptoki *c = NULL;
    struct session *session = NULL;
    CK_RV rv = session_enter(handle, &c, &session);

    if (rv != CKR_OK)
        return rv;
    for (int kind = 0; kind < OP_KINDS; kind++) {
        if (!(flags & of_kind[kind]))
            continue;
        if (session->busy[kind])
            rv = CKR_OPERATION_CANCEL_FAILED;
        op_free(session->ops[kind]);
        session->ops[kind] = NULL;
    }
    if (flags & CANCEL_FIND_OBJECTS)
        session_end_find(session);
    return cryptoki_leave_with(c, rv);
}
