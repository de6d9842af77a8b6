// SPDX-License-Identifier: Apache-2.0
/* cache.c - opens a state directory, finds the role, and takes locks; never talks to the network. */
#include "flow/cache.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/trace.h"
#include "dcs-build.h"

enum { LOCK_POLL_MIN_MS = 5, LOCK_POLL_MAX_MS = 100 };

void dcs_cache_drop(struct dcs_cache *cache)
{
    if (cache && cache->fd != AT_FDCWD)
        dcs_fd_drop(&cache->fd);
}

void dcs_cache_bare(const struct dcs_env *env, const char *state_dir, struct dcs_cache *ret_cache)
{
    ret_cache->env = env;
    ret_cache->fd = AT_FDCWD;
    ret_cache->role = DCS_ROLE_READER;
    ret_cache->owner = DCS_FS_OWNER_SELF;
    ret_cache->state_uid = (uid_t)-1;
    ret_cache->saw_damage = false;
    ret_cache->why_reader[0] = '\0';
    size_t len = strnlen(state_dir, sizeof(ret_cache->path) - 1);
    memcpy(ret_cache->path, state_dir, len);
    ret_cache->path[len] = '\0';
}

bool dcs_cache_path(const struct dcs_cache *cache, const char *const *parts, char *out,
                    size_t capacity)
{
    size_t at = strlen(cache->path);

    if (at >= capacity)
        return false;
    memcpy(out, cache->path, at);
    for (; *parts; parts++) {
        size_t len = strlen(*parts);
        if (at + len + 2 > capacity)
            return false;
        out[at++] = '/';
        memcpy(out + at, *parts, len);
        at += len;
    }
    out[at] = '\0';
    return true;
}

/* The packages' directory belongs to user digicert-store when there is one. */
static struct dcs_fs_owner owner_of_new(const struct dcs_cache *cache)
{
    char room[4096];
    struct passwd entry;
    struct passwd *found = NULL;

    if (dcs_env_euid(cache->env) != 0 || strcmp(cache->path, DCS_STATE_DIR) != 0 ||
        getpwnam_r("digicert-store", &entry, room, sizeof(room), &found) != 0 || !found)
        return DCS_FS_OWNER_SELF;
    return (struct dcs_fs_owner){ entry.pw_uid, entry.pw_gid };
}

static bool make_with_parents(const struct dcs_cache *cache, struct dcs_err *err)
{
    mode_t parent_mode = dcs_env_euid(cache->env) == 0 ? 0755 : 0700;
    char part[sizeof(cache->path)];

    for (const char *slash = strchr(cache->path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        struct dcs_fs_stat there;
        snprintf(part, sizeof(part), "%.*s", (int)(slash - cache->path), cache->path);
        if (dcs_fs_stat(AT_FDCWD, part, &there, NULL))
            continue;
        if (!dcs_fs_make_dir(AT_FDCWD, part, parent_mode, DCS_FS_OWNER_SELF, err))
            return false;
    }
    return dcs_fs_make_dir(AT_FDCWD, cache->path, 0755, owner_of_new(cache), err);
}

/* What is missing is made, also when somebody removed it later. */
static bool make_layout(const struct dcs_cache *cache, struct dcs_err *err)
{
    static const char *const dirs[] = { "orders", "certificates", "index", "cold", "crls" };

    for (size_t i = 0; i < DCS_COUNT(dirs); i++)
        if (!dcs_fs_make_dir(cache->fd, dirs[i], 0755, cache->owner, err))
            return false;
    return cache->format != 0 ||
           dcs_fs_write(cache->fd, "FORMAT", "1\n", 2, 0644, cache->owner, err);
}

/* 0: there is none yet. What cannot be read was not written by this version. */
static int64_t read_format(const struct dcs_cache *cache)
{
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = 64 };
    struct dcs_err why = { 0 };
    int64_t format = 0;

    if (!dcs_fs_read(cache->fd, "FORMAT", 64, &text, NULL, &why))
        return why.code == DCS_E_NOT_FOUND ? 0 : INT64_MAX;
    char *newline = text.data ? strchr(text.data, '\n') : NULL;
    if (newline)
        *newline = '\0';
    return dcs_parse_i64(dcs_buf_text(&text), 1, 1000000, &format) ? format : INT64_MAX;
}

static void become_reader(struct dcs_cache *cache, const char *why)
{
    cache->role = DCS_ROLE_READER;
    snprintf(cache->why_reader, sizeof(cache->why_reader), "%s", why);
}

/* Keeper: owner or root, not set-uid, the lock opens read-write (a read-only mount says no). */
static void find_role(struct dcs_cache *cache)
{
    uid_t euid = dcs_env_euid(cache->env);
    struct dcs_err err = { 0 };
    char why[256];

    if (cache->env->at_secure) {
        become_reader(cache, "set-uid and set-gid programs may only read");
    } else if (euid != cache->state_uid && euid != 0) {
        snprintf(why, sizeof(why), "uid %u may only read: %.150s belongs to uid %u", euid,
                 cache->path, cache->state_uid);
        become_reader(cache, why);
    } else if (!dcs_fs_opens_rw(cache->fd, "lock", 0600, cache->owner, &err)) {
        snprintf(why, sizeof(why), "%.150s: %.90s", cache->path, err.text);
        become_reader(cache, why);
    } else {
        cache->role = DCS_ROLE_KEEPER;
    }
}

static bool open_state_dir(struct dcs_cache *cache, enum dcs_cache_how how, struct dcs_err *err)
{
    struct dcs_err why = { 0 };
    struct dcs_fs_stat there;
    char text[256];

    if (dcs_fs_open_dir(AT_FDCWD, cache->path, &cache->fd, &why))
        return true;
    if (why.code != DCS_E_NOT_FOUND) {
        dcs_fail(err, why.code, "state directory: %s", why.text);
        return dcs_hint(err, "it and what it lies in must be open to this process (mode 0755), or "
                             "state_dir must name another");
    }
    if (dcs_fs_stat_followed(cache->path, &there, NULL)) {
        dcs_fail(err, DCS_E_STATE, "state directory: %.3000s is no directory", cache->path);
        return dcs_hint(err, "move it away, or let state_dir name another");
    }
    if (how == DCS_CACHE_CREATE && !cache->env->at_secure) {
        if (make_with_parents(cache, &why))
            return dcs_fs_open_dir(AT_FDCWD, cache->path, &cache->fd, err);
        if (why.code == DCS_E_NOMEM)
            return dcs_fail(err, why.code, "%s", why.text);
    }
    snprintf(text, sizeof(text), "%.150s does not exist%s", cache->path,
             how == DCS_CACHE_CREATE ? " and this process cannot make it" : "");
    become_reader(cache, text);
    return true;
}

static bool settle_role(struct dcs_cache *cache, struct dcs_err *err)
{
    cache->format = read_format(cache);
    if (cache->format > DCS_CACHE_FORMAT) {
        become_reader(cache, cache->format == INT64_MAX
                                 ? "its FORMAT cannot be read"
                                 : "the state directory was written by a newer digicert-store");
        return true;
    }
    find_role(cache);
    if (cache->role != DCS_ROLE_KEEPER)
        return true;
    if (!make_layout(cache, err))
        return dcs_fail_while(err, "preparing %s", cache->path);
    cache->format = DCS_CACHE_FORMAT;
    return true;
}

bool dcs_cache_open(const struct dcs_env *env, const char *state_dir, enum dcs_cache_how how,
                    struct dcs_cache *ret_cache, struct dcs_err *err)
{
    dcs_auto(
        dcs_cache) struct dcs_cache cache = { .env = env, .fd = -1, .owner = DCS_FS_OWNER_SELF };
    struct dcs_fs_stat stat;

    if (strlen(state_dir) >= sizeof(cache.path) || state_dir[0] != '/')
        return dcs_fail(err, DCS_E_CONFIG, "state_dir must be an absolute path: \"%.200s\"",
                        state_dir);
    snprintf(cache.path, sizeof(cache.path), "%s", state_dir);
    if (!open_state_dir(&cache, how, err))
        return false;
    if (cache.fd >= 0) {
        if (!dcs_fs_stat(cache.fd, ".", &stat, err))
            return false;
        cache.state_uid = stat.uid;
        if (dcs_env_euid(env) == 0)
            cache.owner = (struct dcs_fs_owner){ stat.uid, stat.gid };
        if (how != DCS_CACHE_PEEK && !settle_role(&cache, err))
            return false;
    }
    *ret_cache = cache;
    cache.fd = -1;
    return true;
}

bool dcs_cache_need_keeper(const struct dcs_cache *cache, struct dcs_err *err)
{
    if (cache->role == DCS_ROLE_KEEPER)
        return true;
    dcs_fail(err, DCS_E_STATE, "cannot write the state directory: %s", cache->why_reader);
    return dcs_hint(err, "run this as root or as the owner of %.200s", cache->path);
}

bool dcs_cache_try_lock(const struct dcs_cache *cache, const char *path, bool *ret_held,
                        struct dcs_lock *ret_lock, struct dcs_err *err)
{
    return dcs_lock_try(cache->fd, path, 0600, cache->owner, ret_held, ret_lock, err);
}

static bool lock_path(const struct dcs_cache *cache, const char *path, const char *what,
                      struct dcs_deadline deadline, struct dcs_lock *ret_lock, struct dcs_err *err)
{
    int64_t pause = LOCK_POLL_MIN_MS;

    for (;;) {
        bool held = false;
        if (!dcs_cache_try_lock(cache, path, &held, ret_lock, err))
            return false;
        if (held)
            return true;
        int64_t left = dcs_deadline_left_ms(cache->env, deadline);
        if (left == 0)
            return dcs_fail(err, DCS_E_TIMEOUT,
                            "another process has been working on %s for longer than the deadline",
                            what);
        int64_t wait = dcs_env_jitter(cache->env, LOCK_POLL_MIN_MS, pause);
        dcs_env_sleep_ms(cache->env, wait < left ? wait : left);
        pause = pause * 2 < LOCK_POLL_MAX_MS ? pause * 2 : LOCK_POLL_MAX_MS;
    }
}

bool dcs_cache_lock_order(const struct dcs_cache *cache, int64_t order,
                          struct dcs_deadline deadline, struct dcs_lock *ret_lock,
                          struct dcs_err *err)
{
    char path[64];
    char what[64];

    snprintf(path, sizeof(path), "orders/%lld/lock", (long long)order);
    snprintf(what, sizeof(what), "order %lld", (long long)order);
    return lock_path(cache, path, what, deadline, ret_lock, err);
}

void dcs_cache_cold_path(const char *canonical, char out[16])
{
    uint32_t hash = 2166136261u; /* FNV-1a: spreads, no secret */

    for (const char *at = canonical; *at; at++)
        hash = (hash ^ (unsigned char)*at) * 16777619u;
    snprintf(out, 16, "cold/%02u", (hash ^ hash >> 16) % 64u);
}

bool dcs_cache_lock_cold(const struct dcs_cache *cache, const char *canonical,
                         struct dcs_deadline deadline, struct dcs_lock *ret_lock,
                         struct dcs_err *err)
{
    char path[16];

    dcs_cache_cold_path(canonical, path);
    return lock_path(cache, path, canonical, deadline, ret_lock, err);
}

/* ---- orders ---- */

void dcs_ids_drop(struct dcs_ids *ids)
{
    free(ids->ids);
    *ids = (struct dcs_ids){ 0 };
}

bool dcs_cache_has_order(const struct dcs_cache *cache, int64_t order)
{
    char path[64];
    struct dcs_fs_stat stat;

    snprintf(path, sizeof(path), "orders/%lld", (long long)order);
    return cache->fd >= 0 && dcs_fs_stat(cache->fd, path, &stat, NULL) && S_ISDIR(stat.mode);
}

static int compare_ids(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

bool dcs_cache_orders(const struct dcs_cache *cache, struct dcs_ids *ret_ids, struct dcs_err *err)
{
    dcs_auto(dcs_names) struct dcs_names names = { 0 };
    struct dcs_err why = { 0 };

    *ret_ids = (struct dcs_ids){ 0 };
    if (cache->fd < 0)
        return true;
    if (!dcs_fs_list(cache->fd, "orders", 1000000, &names, &why))
        return why.code == DCS_E_NOT_FOUND ? true : dcs_fail(err, why.code, "%s", why.text);
    int64_t *ids = dcs_alloc(names.count, sizeof(*ids), err);
    if (!ids)
        return false;
    size_t count = 0;
    for (size_t i = 0; i < names.count; i++)
        if (dcs_id_parse(names.names[i], strlen(names.names[i]), &ids[count]))
            count++;
    qsort(ids, count, sizeof(*ids), compare_ids);
    *ret_ids = (struct dcs_ids){ ids, count };
    return true;
}

bool dcs_cache_make_dir(const struct dcs_cache *cache, const char *path,
                        const struct dcs_access *access, struct dcs_err *err)
{
    struct dcs_fs_owner owner = cache->owner;

    /* Whoever may read the key must get to it. */
    if (access->is_private && access->key_gid != (gid_t)-1)
        owner.gid = access->key_gid;
    return dcs_fs_make_dir(cache->fd, path, access->is_private ? 0750 : 0755, owner, err);
}

/* A new order's directory appears with its lock already held: nobody can slip in between. */
static bool make_new_order(const struct dcs_cache *cache, const char *temporary, const char *final,
                           const struct dcs_access *access, struct dcs_lock *ret_lock,
                           struct dcs_err *err)
{
    char lock_name[128];
    bool held = false;

    snprintf(lock_name, sizeof(lock_name), "%s/lock", temporary);
    return dcs_cache_make_dir(cache, temporary, access, err) &&
           dcs_cache_try_lock(cache, lock_name, &held, ret_lock, err) &&
           dcs_fs_rename(cache->fd, temporary, final, err);
}

bool dcs_cache_make_order(const struct dcs_cache *cache, int64_t order,
                          const struct dcs_access *access, struct dcs_deadline deadline,
                          struct dcs_lock *ret_lock, struct dcs_err *err)
{
    struct dcs_err why = { 0 };
    char temporary[96];
    char final[64];
    uint64_t draw = 0;

    if (dcs_cache_has_order(cache, order))
        return dcs_cache_lock_order(cache, order, deadline, ret_lock, err);
    if (!dcs_env_random(cache->env, &draw, sizeof(draw), err))
        return false;
    snprintf(final, sizeof(final), "orders/%lld", (long long)order);
    snprintf(temporary, sizeof(temporary), "orders/.tmp-%lld-%016llx", (long long)order,
             (unsigned long long)draw);
    if (make_new_order(cache, temporary, final, access, ret_lock, &why))
        return true;
    dcs_lock_drop(ret_lock);
    if (!dcs_fs_remove_dir(cache->fd, temporary, NULL))
        dcs_trace(cache->env, "cannot remove %s/%s", cache->path, temporary);
    if (dcs_cache_has_order(cache, order))
        return dcs_cache_lock_order(cache, order, deadline, ret_lock, err);
    return dcs_fail(err, why.code, "%s", why.text);
}
