/* SPDX-License-Identifier: Apache-2.0 */
/*
 * object.h - one object and its attributes, computed from what the catalogue knows and from the
 * certificate's DER, which is fetched only when an attribute needs it.
 */
#ifndef PKCS11_OBJECT_H
#define PKCS11_OBJECT_H

#include "catalogue.h"
#include "session.h"

enum { VALUE_ROOM = 256 };

struct object {
    enum object_kind kind;
    CK_OBJECT_HANDLE handle;
    CK_ULONG profile; /* OBJECT_PROFILE */
    struct generation *generation;
    struct issuer *issuer;
    bool needs_login; /* in its token */
    bool has_cert;
    struct dcs_bundle *bundle; /* of a generation's certificate */
    struct dcs_bytes der;
    struct der_cert cert;
};

/* Under the mutex, until object_clear. */
bool object_open(struct cryptoki *cryptoki, const struct session *session, CK_OBJECT_HANDLE handle,
                 struct object *ret_object);
void object_clear(struct object *object);

/* An attribute's value: in room, or in what the object holds. */
struct value {
    const void *data;
    size_t len;
    uint8_t room[VALUE_ROOM];
};
/* CKR_OK, CKR_ATTRIBUTE_SENSITIVE, CKR_ATTRIBUTE_TYPE_INVALID, or why it cannot be read (paused). */
CK_RV object_value(struct cryptoki *cryptoki, struct object *object, CK_ATTRIBUTE_TYPE type,
                   struct value *ret_value);

/* Whether each attribute of the template is what the object has (paused). */
bool object_matches(struct cryptoki *cryptoki, struct object *object, const CK_ATTRIBUTE *template,
                    CK_ULONG count);

/* CKO_PROFILE objects have fixed handles from here on. */
enum { PROFILES = 4, PROFILE_HANDLE = 1 };
CK_OBJECT_CLASS object_class(enum object_kind kind);

#endif
