/* SPDX-License-Identifier: Apache-2.0 */
/* cache_prune.h - old generations go, by the last row of design.md section 8; `sync` alone calls it. */
#ifndef DCS_FLOW_CACHE_PRUNE_H
#define DCS_FLOW_CACHE_PRUNE_H

#include "flow/cache_request.h"

/*
 * Under the order's lock. Stays: what `current` or `delivered` names, here or in the order that this one
 * succeeds (0: none), and the committed one before each; what is held; each until 7 days after
 * the next one's commit; closed ones for 90 days; any key whose request is open or unknown. What
 * cannot be removed is told to the trace and tried again.
 */
void dcs_cache_prune(const struct dcs_cache *cache, int64_t order, int64_t predecessor,
                     int64_t now);

#endif
