// SPDX-License-Identifier: Apache-2.0
/* pair.c - remembers what a thread was given; never holds an object, only a serial number. */
#include "pair.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REMEMBERED = 8, ASKS = 8, KEPT_MS = 60000 };

struct pair {
    uint64_t instance; /* 0 = free */
    int64_t order;
    int64_t until_ms;
    unsigned asks[ASKS];
    size_t ask_count;
    char serial[65];
};

/* A pthread key and not _Thread_local, which would add the dynamic linker to what the module needs. */
static pthread_key_t pairs_key;
static bool pairs_key_made;
static pthread_once_t pairs_once = PTHREAD_ONCE_INIT;

static void make_key(void)
{
    pairs_key_made = pthread_key_create(&pairs_key, free) == 0;
}

/* This thread's pairs, NULL when there is no memory for them. */
static struct pair *mine(void)
{
    pthread_once(&pairs_once, make_key);
    if (!pairs_key_made)
        return NULL;
    struct pair *pairs = pthread_getspecific(pairs_key);
    if (pairs)
        return pairs;
    pairs = calloc(REMEMBERED, sizeof(*pairs));
    if (pairs && pthread_setspecific(pairs_key, pairs) != 0) {
        free(pairs);
        return NULL;
    }
    return pairs;
}

static struct pair *find(const struct provider *provider, int64_t order)
{
    int64_t now_ms = dcs_env_mono_ms(dcs_env_real());
    struct pair *pairs = mine();

    for (size_t i = 0; pairs && i < REMEMBERED; i++)
        if (pairs[i].instance == provider->instance && pairs[i].order == order &&
            pairs[i].until_ms > now_ms)
            return &pairs[i];
    return NULL;
}

const char *pair_adopted(const struct provider *provider, int64_t order)
{
    const struct pair *pair = find(provider, order);

    return pair ? pair->serial : "";
}

static struct pair *oldest(void)
{
    struct pair *pairs = mine();
    struct pair *found = pairs;

    for (size_t i = 1; pairs && i < REMEMBERED; i++)
        if (pairs[i].until_ms < found->until_ms)
            found = &pairs[i];
    return found;
}

bool pair_settle(const struct provider *provider, int64_t order, unsigned ask,
                 const char *current_serial)
{
    struct pair *pair = find(provider, order);
    bool repeated = false;

    for (size_t i = 0; pair && i < pair->ask_count; i++)
        repeated |= pair->asks[i] == ask;
    if (pair && !repeated && pair->ask_count < ASKS) {
        pair->asks[pair->ask_count++] = ask;
        return strcmp(pair->serial, current_serial) != 0;
    }
    if (!pair)
        pair = oldest();
    if (!pair)
        return false;
    *pair = (struct pair){ .instance = provider->instance,
                           .order = order,
                           .until_ms = dcs_env_mono_ms(dcs_env_real()) + KEPT_MS,
                           .asks = { ask },
                           .ask_count = 1 };
    snprintf(pair->serial, sizeof(pair->serial), "%s", current_serial);
    return false;
}
