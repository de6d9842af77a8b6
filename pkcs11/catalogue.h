/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalogue.h - the objects that this process has met: generations of orders, and their issuers.
 *
 * An object's handle never means another one, in this process. Of ten thousand orders only what is
 * needed to find them again is kept; certificates are read when somebody asks for them. Everything
 * here is under the module's mutex; what says "paused" lets go of it meanwhile.
 */
#ifndef PKCS11_CATALOGUE_H
#define PKCS11_CATALOGUE_H

#include "der.h"
#include "module.h"

enum object_kind {
    OBJECT_CERT = 1,
    OBJECT_PUBLIC,
    OBJECT_PRIVATE,
    OBJECT_ISSUER,
    OBJECT_PROFILE,
};

enum generation_state {
    GENERATION_CURRENT = 1, /* what the order serves */
    GENERATION_PREVIOUS,    /* by handle, and by its exact CKA_ID */
    GENERATION_GONE,        /* the order serves nothing any more: its handles are invalid */
};

struct key;

struct generation {
    struct generation *next_of_order, *next_of_id;
    CK_OBJECT_HANDLE base; /* handle of its objects, kind not yet added */
    int64_t order;         /* the label */
    int64_t home;          /* the order in whose directory it lies: a successor's, perhaps */
    int number;
    uint8_t ckaid[DCS_SHA1_LEN];
    uint8_t slot;
    uint8_t state;
    uint8_t kind;    /* enum dcs_key_kind */
    bool has_key;    /* privkey.pem is there */
    bool key_usable; /* and was read by this process, and is no pointer into another token */
    bool key_traced; /* it was not, and the trace says why */
    struct key *key;
    struct dcs_bundle *bundle; /* when it is among those read last */
};

struct issuer {
    CK_OBJECT_HANDLE base;
    uint8_t ckaid[DCS_SHA1_LEN];
    char label[128];
    struct dcs_bytes der; /* owned */
    struct der_cert cert;
};

bool catalogue_new(struct catalogue **ret_catalogue);
void catalogue_free(struct catalogue *catalogue);

/* Looks at the order again (paused). NULL when it serves nothing: what was there is gone. */
struct generation *catalogue_look(struct cryptoki *cryptoki, int64_t order, bool may_fetch);
/* Looks at all local orders (paused), and visits what each serves while its certificate is at hand. */
typedef void catalogue_visit_fn(void *context, const struct generation *generation);
void catalogue_scan(struct cryptoki *cryptoki, catalogue_visit_fn *visit, void *context);
/* The same, when the last one is some time ago: for an id that nobody knows. */
void catalogue_scan_rarely(struct cryptoki *cryptoki);
/* What the index says of an id that was not met yet (paused). */
void catalogue_look_for_id(struct cryptoki *cryptoki, const uint8_t ckaid[DCS_SHA1_LEN]);
/* Whether this process may use its private key; the file is read when that is not known (paused). */
bool catalogue_key_usable(struct cryptoki *cryptoki, struct generation *generation);
/* Its certificates, from memory or from disk (paused); the caller's reference. */
bool catalogue_bundle(struct cryptoki *cryptoki, struct generation *generation,
                      struct dcs_bundle **ret_bundle, struct dcs_err *err) DCS_CHECKED;
/* Whether the order still serves something: looked at once in a second (paused). */
bool catalogue_still_served(struct cryptoki *cryptoki, struct generation *generation);

struct generation *catalogue_with_id(struct cryptoki *cryptoki,
                                     const uint8_t ckaid[DCS_SHA1_LEN]); /* the first of a chain */
size_t catalogue_issuer_count(const struct cryptoki *cryptoki);
struct issuer *catalogue_issuer(const struct cryptoki *cryptoki, size_t index);

/* What a handle means: exactly one of the two, with the kind; false for none. */
bool catalogue_resolve(const struct cryptoki *cryptoki, CK_OBJECT_HANDLE handle,
                       enum object_kind *ret_kind, struct generation **ret_generation,
                       struct issuer **ret_issuer);

#endif
