// SPDX-License-Identifier: Apache-2.0
/* idset.c - open addressing, at most half full; never shrinks. */
#include "base/idset.h"

#include <stdlib.h>

enum { CAPACITY_MIN = 64 };

void dcs_idset_drop(struct dcs_idset *set)
{
    free(set->slots);
    *set = (struct dcs_idset){ 0 };
}

/* The id's slot, or the free one where it belongs. Fibonacci hashing: order numbers come in rows. */
static int64_t *slot_of(int64_t *slots, size_t capacity, int64_t id)
{
    size_t at = (size_t)(((uint64_t)id * 0x9E3779B97F4A7C15U) >> 32) & (capacity - 1);

    while (slots[at] && slots[at] != id)
        at = (at + 1) & (capacity - 1);
    return &slots[at];
}

static bool grow(struct dcs_idset *set, struct dcs_err *err)
{
    size_t capacity = set->capacity ? set->capacity * 2 : CAPACITY_MIN;
    int64_t *slots = dcs_alloc(capacity, sizeof(*slots), err);

    if (!slots)
        return false;
    for (size_t i = 0; i < set->capacity; i++)
        if (set->slots[i])
            *slot_of(slots, capacity, set->slots[i]) = set->slots[i];
    free(set->slots);
    set->slots = slots;
    set->capacity = capacity;
    return true;
}

bool dcs_idset_add(struct dcs_idset *set, int64_t id, bool *ret_is_new, struct dcs_err *err)
{
    if (id <= 0)
        return dcs_fail(err, DCS_E_BUG, "%lld is no id", (long long)id);
    if (2 * (set->count + 1) > set->capacity && !grow(set, err))
        return false;
    int64_t *slot = slot_of(set->slots, set->capacity, id);
    *ret_is_new = *slot == 0;
    set->count += *slot == 0;
    *slot = id;
    return true;
}
