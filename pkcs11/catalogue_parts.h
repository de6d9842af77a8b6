/* SPDX-License-Identifier: Apache-2.0 */
/* catalogue_parts.h - the catalogue itself, for catalogue*.c alone. */
#ifndef PKCS11_CATALOGUE_PARTS_H
#define PKCS11_CATALOGUE_PARTS_H

#include "catalogue.h"

enum {
    BUCKETS = 4096,
    BUNDLES_KEPT = 64,
};

/* An order as it was looked at last. */
struct shown {
    struct shown *next;
    int64_t order;
    int64_t looked_ms;
    uint64_t scan; /* the last one that met it */
    struct dcs_stamp stamp;
    struct generation *generations; /* of this label, the current one among them */
    struct generation *current;     /* NULL: serves nothing */
};

/* What a handle stands for. */
struct entry {
    struct generation *generation;
    struct issuer *issuer;
};

struct catalogue {
    CK_OBJECT_HANDLE first; /* of the entries of this initialisation */
    struct entry *entries;
    size_t count, room;
    struct shown *orders[BUCKETS];
    struct generation *ids[BUCKETS];
    struct issuer **issuers;
    size_t issuer_count;
    struct generation *kept[BUNDLES_KEPT]; /* a ring of those whose bundle is in memory */
    size_t next_kept;
    uint64_t scans;
    int64_t scanned_ms; /* 0 never */
};

/* A new handle for one of the two; 0 without memory. */
CK_OBJECT_HANDLE catalogue_give_handle(struct catalogue *catalogue, struct generation *generation,
                                       struct issuer *issuer);
/* The issuers in a chain that were not met before (paused). */
void catalogue_add_issuers(struct cryptoki *cryptoki, const struct dcs_bundle *bundle);
void issuer_free(struct issuer *issuer);

#endif
