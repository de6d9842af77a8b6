/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache_generation.h - what the parts of flow/cache share about generations; nobody else includes
 * it.
 */
#ifndef DCS_FLOW_CACHE_GENERATION_H
#define DCS_FLOW_CACHE_GENERATION_H

#include "flow/cache.h"

struct dcs_generations {
    int *numbers; /* newest first, those set aside left out */
    size_t count;
    int highest; /* ever given, those set aside included */
};
void dcs_generations_drop(struct dcs_generations *list);
bool dcs_generation_list(const struct dcs_cache *cache, int64_t order,
                         struct dcs_generations *ret_list, struct dcs_err *err) DCS_CHECKED;
/* "gen-0007", four digits at least. */
bool dcs_generation_parse(const char *name, int *ret_number) DCS_CHECKED;
void dcs_generation_dir(int64_t order, int number, char out[DCS_GENERATION_DIR]);
/* What the order's link of that name names: "gen-0007" or "../456/gen-0007", as a directory relative to
 * state_dir. */
bool dcs_generation_link(const struct dcs_cache *cache, int64_t order, const char *name,
                         char out[DCS_GENERATION_DIR], struct dcs_err *err) DCS_CHECKED;
/* Whether that file is in the generation; *ret_stat (may be NULL) is zeros when it cannot be told. What
 * cannot be looked at counts as there: nothing is removed or replaced on a doubt. */
bool dcs_generation_has(const struct dcs_cache *cache, const char *dir, const char *name,
                        struct dcs_fs_stat *ret_stat);
/* SHA-256 of the SubjectPublicKeyInfo of the generation's key; of one that does not show its public half
 * (in a token, encrypted) by the request or the certificate beside it. */
bool dcs_generation_spki(const struct dcs_cache *cache, const char *dir, const struct dcs_key *key,
                         uint8_t out[DCS_SHA256_LEN], struct dcs_err *err) DCS_CHECKED;
/* The first intact one of the choice; sets cache->saw_damage. */
bool dcs_generation_choose(struct dcs_cache *cache, int64_t order, const struct dcs_choice *choice,
                           bool may_set_aside, struct dcs_bundle **ret_bundle,
                           struct dcs_err *err) DCS_CHECKED;

#endif
