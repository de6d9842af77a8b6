/* SPDX-License-Identifier: Apache-2.0 */
/* limit.h - how many requests a key may make. */
#ifndef SANDBOX_LIMIT_H
#define SANDBOX_LIMIT_H

#include "world.h"

/* Counts a request of that key, or tells that it is one too many (facts 1.1: both windows, per key). */
bool sb_over_limit(struct sb_world *world, struct sb_key *key);

#endif
