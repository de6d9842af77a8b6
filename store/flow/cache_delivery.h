/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache_delivery.h - the part of an order's directory that deliveries use: `delivered`, delivery.json,
 * deliver-lock, held.json and released.json. `deliver` may run as root in a directory of another
 * user: what it changes here and reads as a source is opened name by name, following no link.
 */
#ifndef DCS_FLOW_CACHE_DELIVERY_H
#define DCS_FLOW_CACHE_DELIVERY_H

#include "flow/cache.h"
#include "model/delivery.h"

/* orders/ID as a descriptor; none of the names on the way is a link. */
bool dcs_cache_open_order(const struct dcs_cache *cache, int64_t order, int *ret_fd,
                          struct dcs_err *err) DCS_CHECKED;
/* Like dcs_cache_current, for the link `delivered`. */
bool dcs_cache_delivered(const struct dcs_cache *cache, int64_t order, char out[DCS_GENERATION_DIR],
                         struct dcs_err *err) DCS_CHECKED;
/* Under the order's lock: points `delivered` at dir, a generation of this or another order. */
bool dcs_cache_set_delivered(const struct dcs_cache *cache, int64_t order, const char *dir,
                             struct dcs_err *err) DCS_CHECKED;

/* A missing or damaged one reads as zeros. */
void dcs_cache_read_delivery(const struct dcs_cache *cache, int64_t order,
                             struct dcs_delivery *ret_delivery);
/* Under the order's lock. */
bool dcs_cache_write_delivery(const struct dcs_cache *cache, int64_t order,
                              const struct dcs_delivery *delivery, struct dcs_err *err) DCS_CHECKED;
/* One delivery of an order at a time; one try. */
bool dcs_cache_lock_delivery(const struct dcs_cache *cache, int64_t order, bool *ret_held,
                             struct dcs_lock *ret_lock, struct dcs_err *err) DCS_CHECKED;

/* dir is a generation, "orders/123/gen-0007". */
bool dcs_cache_is_held(const struct dcs_cache *cache, const char *dir);
bool dcs_cache_is_released(const struct dcs_cache *cache, const char *dir);
/* held.json into that generation, unless it was released once. Under its order's lock. */
bool dcs_cache_hold(const struct dcs_cache *cache, const char *dir, const char *reason,
                    struct dcs_err *err) DCS_CHECKED;
/* What held.json or released.json says: since when, and why. False: there is none. */
bool dcs_cache_read_held(const struct dcs_cache *cache, const char *dir, int64_t *ret_since,
                         char reason[512]);
/* held.json of each of the order's generations becomes released.json: never held again. Under the
 * order's lock. */
bool dcs_cache_release(const struct dcs_cache *cache, int64_t order, int *ret_count,
                       struct dcs_err *err) DCS_CHECKED;

/* A generation's pair as it was read once, parsed, and found to belong together. */
struct dcs_pair {
    struct dcs_cert_list certs; /* leaf first */
    struct dcs_key key;
};
void dcs_pair_drop(struct dcs_pair *pair);
/* REJECTED: key and certificate do not belong together. KEY_FILE: the rules of section 5. */
bool dcs_cache_read_pair(const struct dcs_cache *cache, const char *dir, struct dcs_pair *ret_pair,
                         struct dcs_err *err) DCS_CHECKED;

#endif
