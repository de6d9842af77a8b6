/* SPDX-License-Identifier: Apache-2.0 */
/* idset.h - a set of positive numbers that only grows: 16 bytes an entry, no order. */
#ifndef DCS_BASE_IDSET_H
#define DCS_BASE_IDSET_H

#include "base/mem.h"

struct dcs_idset {  /* zeroed: empty */
    int64_t *slots; /* 0: free */
    size_t capacity, count;
};
void dcs_idset_drop(struct dcs_idset *set);
/* id must be positive. *ret_is_new false: it was in the set already. */
bool dcs_idset_add(struct dcs_idset *set, int64_t id, bool *ret_is_new,
                   struct dcs_err *err) DCS_CHECKED;

#endif
