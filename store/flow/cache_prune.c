// SPDX-License-Identifier: Apache-2.0
/*
 * cache_prune.c - removes generations that nobody can want any more (design.md 8). A key whose request is
 * open, or whose fate is unknown, is never removed; on a doubt nothing is.
 */
#include "flow/cache_prune.h"

#include <stdio.h>
#include <string.h>

#include "base/trace.h"
#include "flow/cache_generation.h"
#include "flow/key.h"

enum { DAY_S = 86400, KEPT_AFTER_NEXT_S = 7 * DAY_S, CLOSED_KEPT_S = 90 * DAY_S };

struct prune {
    const struct dcs_cache *cache;
    int64_t order, now;
    int named[8]; /* what links name, and the committed one before each */
    size_t named_count;
    int64_t
        next_committed_at; /* of the committed generation just looked at, newest first; 0 none */
};

static bool is_named(const struct prune *p, int generation)
{
    for (size_t i = 0; i < p->named_count; i++)
        if (p->named[i] == generation)
            return true;
    return false;
}

/* The number of a generation of ours that the link of `of` names: 0 when it names none. */
static int named_by(const struct prune *p, int64_t of, const char *link)
{
    char path[64];
    char target[64];
    char prefix[40];
    int number = 0;

    snprintf(path, sizeof(path), "orders/%lld/%s", (long long)of, link);
    if (!dcs_fs_read_link(p->cache->fd, path, target, sizeof(target), NULL))
        return 0;
    snprintf(prefix, sizeof(prefix), "../%lld/", (long long)p->order);
    const char *name = target;
    if (of != p->order) {
        if (strncmp(target, prefix, strlen(prefix)) != 0)
            return 0;
        name = target + strlen(prefix);
    }
    return dcs_generation_parse(name, &number) ? number : 0;
}

static bool is_committed(const struct prune *p, int number, int64_t *ret_when)
{
    dcs_auto(dcs_bundle) struct dcs_bundle *bundle = NULL;
    char dir[DCS_GENERATION_DIR];

    dcs_generation_dir(p->order, number, dir);
    if (!dcs_cache_load_dir(p->cache, dir, &bundle, NULL))
        return false;
    *ret_when = dcs_bundle_facts(bundle)->committed_at;
    return true;
}

static void keep(struct prune *p, const struct dcs_generations *list, int number)
{
    int64_t when = 0;

    if (!number || p->named_count + 2 > DCS_COUNT(p->named))
        return;
    p->named[p->named_count++] = number;
    for (size_t i = 0; i < list->count; i++) {
        if (list->numbers[i] >= number || !is_committed(p, list->numbers[i], &when))
            continue;
        p->named[p->named_count++] = list->numbers[i];
        return;
    }
}

static bool is_over(struct prune *p, int number)
{
    struct dcs_closed closed;
    char dir[DCS_GENERATION_DIR];
    int64_t when = 0;

    dcs_generation_dir(p->order, number, dir);
    if (is_committed(p, number, &when)) {
        int64_t next = p->next_committed_at;
        p->next_committed_at = when;
        return next && p->now - next > KEPT_AFTER_NEXT_S &&
               !dcs_generation_has(p->cache, dir, "held.json", NULL);
    }
    return dcs_cache_read_closed(p->cache, dir, &closed) &&
           p->now - closed.closed_at > CLOSED_KEPT_S;
}

/* A key in a token goes first: once its pointer is gone, nobody finds it there. */
static bool empties_token(const struct prune *p, const char *dir)
{
    struct dcs_intent gone = { .order = p->order };
    dcs_auto(dcs_key) struct dcs_key key = { 0 };
    struct dcs_err why = { 0 };

    snprintf(gone.dir, sizeof(gone.dir), "%s", dir);
    if (!dcs_cache_intent_key(p->cache, &gone, &key, NULL) ||
        dcs_keys_destroy(p->cache->env, &key, &why))
        return true;
    dcs_trace(p->cache->env, "%s/%s stays: %s", p->cache->path, dir, why.text);
    return false;
}

/* Out of sight first: half of a generation could be taken for one that waits for its certificate. What a
 * killed process leaves under that name is tidied up. */
static void remove_generation(const struct prune *p, int number)
{
    char dir[DCS_GENERATION_DIR];
    char gone[DCS_GENERATION_DIR];
    struct dcs_err why = { 0 };

    dcs_generation_dir(p->order, number, dir);
    if (!empties_token(p, dir))
        return;
    snprintf(gone, sizeof(gone), "orders/%lld/.tmp-gen-%04d", (long long)p->order, number);
    if (dcs_fs_rename(p->cache->fd, dir, gone, &why) && dcs_fs_remove_dir(p->cache->fd, gone, &why))
        dcs_trace(p->cache->env, "removed %s/%s, which nobody needs any more", p->cache->path, dir);
    else
        dcs_trace(p->cache->env, "%s", why.text);
}

void dcs_cache_prune(const struct dcs_cache *cache, int64_t order, int64_t predecessor, int64_t now)
{
    dcs_auto(dcs_generations) struct dcs_generations list = { 0 };
    struct prune p = { .cache = cache, .order = order, .now = now };
    static const char *const links[] = { "current", "delivered" };

    if (!dcs_generation_list(cache, order, &list, NULL))
        return;
    for (size_t i = 0; i < DCS_COUNT(links); i++) {
        keep(&p, &list, named_by(&p, order, links[i]));
        if (predecessor)
            keep(&p, &list, named_by(&p, predecessor, links[i]));
    }
    for (size_t i = 0; i < list.count; i++) {
        bool over = is_over(&p, list.numbers[i]);
        if (!over || is_named(&p, list.numbers[i]))
            continue;
        remove_generation(&p, list.numbers[i]);
    }
}
