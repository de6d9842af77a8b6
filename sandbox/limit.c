// SPDX-License-Identifier: Apache-2.0
/* limit.c - the service's rate limits, by a ring of the latest requests of each key. */
#include "limit.h"

enum {
    RING = 1024,
    SHORT_MS = 5000,
    SHORT_REQUESTS = 100,
    LONG_MS = 180000,
    LONG_REQUESTS = 1000,
};

bool sb_over_limit(struct sb_world *world, struct sb_key *key)
{
    int64_t now = sb_clock_elapsed_ms(&world->clock);
    size_t in_short = 0;
    size_t in_long = 0;

    if (!world->settings.rate_limit)
        return false;
    for (size_t i = 0; i < RING; i++) {
        in_short += key->stamps[i] && key->stamps[i] > now - SHORT_MS;
        in_long += key->stamps[i] && key->stamps[i] > now - LONG_MS;
    }
    if (in_short >= SHORT_REQUESTS || in_long >= LONG_REQUESTS)
        return true;
    key->stamps[key->next] = now > 0 ? now : 1;
    key->next = (key->next + 1) % RING;
    return false;
}
