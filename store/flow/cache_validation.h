/* SPDX-License-Identifier: Apache-2.0 */
/* cache_validation.h - validation.json, what the account's lists said, and its notes in memo.json. */
#ifndef DCS_FLOW_CACHE_VALIDATION_H
#define DCS_FLOW_CACHE_VALIDATION_H

#include "flow/cache.h"
#include "model/validation.h"

/* A missing or damaged one reads as never read. Only the keeper may: it names the account's domains. */
void dcs_cache_read_validation(const struct dcs_cache *cache,
                               struct dcs_validation *ret_validation);
bool dcs_cache_write_validation(const struct dcs_cache *cache,
                                const struct dcs_validation *validation,
                                struct dcs_err *err) DCS_CHECKED;

/* What the memo holds of it: for whoever looks at one order, readers, too. */
void dcs_validation_of_memo(const struct dcs_memo *memo, struct dcs_validation_ends *ret_ends);
/* True when that changed the memo. */
bool dcs_validation_to_memo(const struct dcs_validation_ends *ends, struct dcs_memo *memo);

#endif
