// SPDX-License-Identifier: Apache-2.0
/*
 * cache_generation.c - reads generations and chooses among them; believes files that match their
 * facts.json, never names or flags. Nothing here decodes a certificate: it is on the warm path.
 */
#include "flow/cache_generation.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/trace.h"

enum {
    FACTS_MAX = 1 << 18,
    CHAIN_BYTES_MAX = 1 << 18,
    KEY_BYTES_MAX = 1 << 16,
    PRUNED_RETRIES = 3
};

bool dcs_generation_parse(const char *name, int *ret_number)
{
    int64_t number = 0;
    size_t len = strlen(name);

    if (strncmp(name, "gen-", 4) != 0 || len < 8 || len > 12 || (len > 8 && name[4] == '0') ||
        name[4] == '-' || !dcs_parse_i64(name + 4, 1, 99999999, &number))
        return false;
    *ret_number = (int)number;
    return true;
}

/* "gen-0007" of this order, or "../456/gen-0007" of its successor; nothing else is followed. */
static bool current_to_dir(const char *target, int64_t order, char out[DCS_GENERATION_DIR])
{
    int number = 0;
    int64_t other = order;

    if (strncmp(target, "../", 3) == 0) {
        const char *slash = strchr(target + 3, '/');
        if (!slash || !dcs_id_parse(target + 3, (size_t)(slash - target - 3), &other))
            return false;
        target = slash + 1;
    }
    if (!dcs_generation_parse(target, &number))
        return false;
    snprintf(out, DCS_GENERATION_DIR, "orders/%lld/%s", (long long)other, target);
    return true;
}

bool dcs_generation_link(const struct dcs_cache *cache, int64_t order, const char *name,
                         char out[DCS_GENERATION_DIR], struct dcs_err *err)
{
    char link[sizeof(cache->path) + 64];
    char target[64];

    char id[DCS_ID_TEXT + 1];

    snprintf(id, sizeof(id), "%lld", (long long)order);
    if (!dcs_cache_path(cache, (const char *const[]){ "orders", id, name, NULL }, link,
                        sizeof(link)))
        return dcs_fail(err, DCS_E_STATE, "%s: the path is too long", cache->path);
    if (cache->fd == -1)
        return dcs_fail(err, DCS_E_NOT_FOUND, "%s", cache->why_reader);
    if (!dcs_fs_read_link(AT_FDCWD, link, target, sizeof(target), err))
        return false;
    if (!current_to_dir(target, order, out))
        return dcs_fail(err, DCS_E_STATE, "%s points to \"%.40s\", which is no generation", link,
                        target);
    return true;
}

bool dcs_cache_current(const struct dcs_cache *cache, int64_t order, char out[DCS_GENERATION_DIR],
                       struct dcs_err *err)
{
    return dcs_generation_link(cache, order, "current", out, err);
}

/* ---- one generation ---- */

static bool damaged(bool *ret_damaged, struct dcs_err *err, const char *dir, const char *what)
{
    *ret_damaged = true;
    return dcs_fail(err, DCS_E_STATE, "%s is damaged: %s", dir, what);
}

static bool read_facts(int fd, const char *dir, struct dcs_facts **ret_facts, bool *ret_damaged,
                       struct dcs_err *err)
{
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = FACTS_MAX };
    dcs_auto(dcs_json) struct dcs_json *root = NULL;

    if (!dcs_fs_read(fd, "facts.json", FACTS_MAX, &text, NULL, err))
        return false; /* missing: not committed, no damage */
    if (!dcs_json_parse(dcs_buf_text(&text), text.len, &root, NULL) ||
        !dcs_facts_from_json(root, ret_facts, NULL))
        return damaged(ret_damaged, err, dir, "facts.json cannot be read");
    return true;
}

/* Reads a listed file and compares it with what facts.json says. */
static bool read_listed(int fd, const char *dir, const struct dcs_facts_file *file,
                        struct dcs_buf *text, bool *ret_damaged, struct dcs_err *err)
{
    uint8_t hash[DCS_SHA256_LEN];
    struct dcs_err why = { 0 };

    if (!dcs_fs_read(fd, file->name, CHAIN_BYTES_MAX, text, NULL, &why)) {
        if (why.code == DCS_E_NOT_FOUND)
            return damaged(ret_damaged, err, dir, "a file that facts.json lists is missing");
        return dcs_fail(err, why.code, "%s", why.text);
    }
    if (!dcs_sha256(dcs_buf_text(text), text->len, hash, err))
        return false;
    if ((int64_t)text->len != file->size || memcmp(hash, file->sha256, sizeof(hash)) != 0)
        return damaged(ret_damaged, err, dir, "a file differs from what facts.json says");
    return true;
}

/* A key that this process may not read is another matter than a damaged one. */
static bool key_differs(int fd, const struct dcs_facts_file *listed)
{
    dcs_auto(dcs_secret) struct dcs_secret pem = { 0 };
    uint8_t hash[DCS_SHA256_LEN];

    return dcs_fs_read_secret(fd, listed->name, KEY_BYTES_MAX, &pem, NULL, NULL) &&
           dcs_sha256(pem.data, pem.len, hash, NULL) &&
           memcmp(hash, listed->sha256, sizeof(hash)) != 0;
}

static bool check_key_file(int fd, const char *dir, bool read_it, struct dcs_bundle_parts *parts,
                           bool *ret_damaged, struct dcs_err *err)
{
    const struct dcs_facts_file *listed = dcs_facts_file(parts->facts, "privkey.pem");
    struct dcs_fs_stat stat;
    struct dcs_err why = { 0 };

    parts->has_key = listed != NULL;
    if (!listed)
        return true;
    if (!dcs_fs_stat(fd, "privkey.pem", &stat, &why))
        return why.code == DCS_E_NOT_FOUND
                   ? damaged(ret_damaged, err, dir, "privkey.pem is missing")
                   : dcs_fail(err, why.code, "%s", why.text);
    if (!S_ISREG(stat.mode) || stat.size != listed->size)
        return damaged(ret_damaged, err, dir, "privkey.pem has another size than facts.json says");
    if (read_it && key_differs(fd, listed))
        return damaged(ret_damaged, err, dir, "privkey.pem differs from what facts.json says");
    return true;
}

static bool fill_parts(int fd, const char *dir, bool check_keys, struct dcs_bundle_parts *parts,
                       bool *ret_damaged, struct dcs_err *err)
{
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = CHAIN_BYTES_MAX };
    uint8_t hash[DCS_SHA256_LEN];
    size_t count = 0;

    const struct dcs_facts_file *chain = dcs_facts_file(parts->facts, "fullchain.pem");
    if (!chain)
        return damaged(ret_damaged, err, dir, "facts.json lists no fullchain.pem");
    if (!read_listed(fd, dir, chain, &text, ret_damaged, err) ||
        !check_key_file(fd, dir, check_keys, parts, ret_damaged, err))
        return false;
    parts->certs.max = CHAIN_BYTES_MAX;
    if (!dcs_pem_blocks(dcs_buf_text(&text), text.len, "CERTIFICATE", &parts->certs, parts->offsets,
                        DCS_CHAIN_MAX + 2, &count, NULL) ||
        count == 0 || count > DCS_CHAIN_MAX + 1)
        return damaged(ret_damaged, err, dir, "fullchain.pem holds no certificates");
    parts->cert_count = count;
    if (!dcs_sha256(parts->certs.data, parts->offsets[1], hash, err))
        return false;
    if (memcmp(hash, parts->facts->leaf.sha256, sizeof(hash)) != 0)
        return damaged(ret_damaged, err, dir, "its certificate is another than facts.json says");
    return true;
}

static bool load_dir(const struct dcs_cache *cache, const char *dir, struct dcs_bundle **ret_bundle,
                     bool *ret_damaged, struct dcs_err *err)
{
    struct dcs_bundle_parts parts = { 0 };
    const char *name = strrchr(dir, '/');
    dcs_auto(dcs_fd) int fd = -1;

    if (cache->fd < 0)
        return dcs_fail(err, DCS_E_NOT_FOUND, "%s", cache->why_reader);
    if (!dcs_fs_open_dir(cache->fd, dir, &fd, err))
        return false;
    snprintf(parts.dir, sizeof(parts.dir), "%s", dir);
    if (!name || !dcs_generation_parse(name + 1, &parts.generation))
        parts.generation = 0;
    if (read_facts(fd, dir, &parts.facts, ret_damaged, err) &&
        fill_parts(fd, dir, cache->check_keys, &parts, ret_damaged, err))
        return dcs_bundle_new(&parts, ret_bundle, err);
    dcs_facts_free(parts.facts);
    dcs_buf_clear(&parts.certs);
    return false;
}

bool dcs_cache_load_dir(const struct dcs_cache *cache, const char *dir,
                        struct dcs_bundle **ret_bundle, struct dcs_err *err)
{
    bool is_damaged = false;

    return load_dir(cache, dir, ret_bundle, &is_damaged, err);
}

/* ---- all generations of an order ---- */

bool dcs_generation_list(const struct dcs_cache *cache, int64_t order,
                         struct dcs_generations *ret_list, struct dcs_err *err)
{
    dcs_auto(dcs_names) struct dcs_names names = { 0 };
    struct dcs_err why = { 0 };
    char path[64];

    *ret_list = (struct dcs_generations){ 0 };
    if (cache->fd < 0)
        return true;
    snprintf(path, sizeof(path), "orders/%lld", (long long)order);
    if (!dcs_fs_list(cache->fd, path, 100000, &names, &why))
        return why.code == DCS_E_NOT_FOUND ? true : dcs_fail(err, why.code, "%s", why.text);
    int *numbers = dcs_alloc(names.count, sizeof(*numbers), err);
    if (!numbers)
        return false;
    for (size_t i = 0; i < names.count; i++) {
        int number = 0;
        /* gen-0007.bad-TIME counts too: its number is never given again. */
        char base[16];
        snprintf(base, sizeof(base), "%.*s", (int)strcspn(names.names[i], "."), names.names[i]);
        if (!dcs_generation_parse(base, &number))
            continue;
        ret_list->highest = number > ret_list->highest ? number : ret_list->highest;
        if (strcmp(base, names.names[i]) == 0)
            numbers[ret_list->count++] = number;
    }
    /* Names sort as text; numbers beyond 9999 need more than that. Newest first. */
    for (size_t i = 1; i < ret_list->count; i++)
        for (size_t k = i; k > 0 && numbers[k] > numbers[k - 1]; k--) {
            int swap = numbers[k];
            numbers[k] = numbers[k - 1];
            numbers[k - 1] = swap;
        }
    ret_list->numbers = numbers;
    return true;
}

void dcs_generations_drop(struct dcs_generations *list)
{
    free(list->numbers);
    *list = (struct dcs_generations){ 0 };
}

void dcs_generation_dir(int64_t order, int number, char out[DCS_GENERATION_DIR])
{
    snprintf(out, DCS_GENERATION_DIR, "orders/%lld/gen-%04d", (long long)order, number);
}

bool dcs_generation_has(const struct dcs_cache *cache, const char *dir, const char *name,
                        struct dcs_fs_stat *ret_stat)
{
    char path[DCS_GENERATION_DIR + 24];
    struct dcs_fs_stat stat = { 0 };
    struct dcs_err why = { 0 };

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    bool there = dcs_fs_stat(cache->fd, path, &stat, &why) || why.code != DCS_E_NOT_FOUND;
    if (ret_stat)
        *ret_stat = stat;
    return there;
}

bool dcs_cache_each(const struct dcs_cache *cache, int64_t order, dcs_bundle_cb *each,
                    void *context, struct dcs_err *err)
{
    dcs_auto(dcs_generations) struct dcs_generations list = { 0 };

    if (!dcs_generation_list(cache, order, &list, err))
        return false;
    for (size_t i = 0; i < list.count; i++) {
        dcs_auto(dcs_bundle) struct dcs_bundle *bundle = NULL;
        char dir[DCS_GENERATION_DIR];

        dcs_generation_dir(order, list.numbers[i], dir);
        if (dcs_cache_load_dir(cache, dir, &bundle, NULL) && !each(context, bundle))
            return true;
    }
    return true;
}

/* ---- the choice ---- */

static bool is_held(const struct dcs_cache *cache, const char *dir)
{
    struct dcs_fs_stat stat;
    char path[DCS_GENERATION_DIR + 16];

    snprintf(path, sizeof(path), "%s/held.json", dir);
    return dcs_fs_stat(cache->fd, path, &stat, NULL);
}

bool dcs_cache_has_held(const struct dcs_cache *cache, int64_t order)
{
    dcs_auto(dcs_generations) struct dcs_generations list = { 0 };
    char dir[DCS_GENERATION_DIR];

    if (!dcs_generation_list(cache, order, &list, NULL))
        return false;
    for (size_t i = 0; i < list.count; i++) {
        dcs_generation_dir(order, list.numbers[i], dir);
        if (is_held(cache, dir))
            return true;
    }
    return false;
}

/* "Ours first", 1 best; an expired one never comes before a valid one of its kind; 5 is what only
 * explains why nothing can be served. */
static int rank_of(const struct dcs_cache *cache, const struct dcs_bundle *bundle,
                   const struct dcs_choice *choice)
{
    const struct dcs_cert_info *leaf = &dcs_bundle_facts(bundle)->leaf;
    bool revoked = dcs_revoked_has(choice->revoked_serials, leaf->serial);

    bool good = choice->now <= leaf->not_after && !revoked;

    if (!dcs_bundle_has_key(bundle))
        return good ? 3 : 4;
    if (is_held(cache, dcs_bundle_dir(bundle)))
        return 5;
    if (good)
        return 1;
    bool serves = choice->serve_expired == DCS_UNKNOWN ? leaf->eku_server_auth
                                                       : choice->serve_expired == DCS_YES;
    return serves ? 2 : 5;
}

static void set_aside(const struct dcs_cache *cache, const char *dir, int64_t now)
{
    char bad[DCS_GENERATION_DIR + 32];
    struct dcs_err err = { 0 };

    snprintf(bad, sizeof(bad), "%s.bad-%lld", dir, (long long)now);
    if (dcs_fs_rename(cache->fd, dir, bad, &err))
        dcs_trace(cache->env, "%s/%s was damaged and is now %s", cache->path, dir, bad);
    else
        dcs_trace(cache->env, "cannot set aside %s/%s: %s", cache->path, dir, err.text);
}

bool dcs_generation_choose(struct dcs_cache *cache, int64_t order, const struct dcs_choice *choice,
                           bool may_set_aside, struct dcs_bundle **ret_bundle, struct dcs_err *err)
{
    dcs_auto(dcs_generations) struct dcs_generations list = { 0 };
    dcs_auto(dcs_bundle) struct dcs_bundle *best = NULL;
    int best_rank = 6;

    if (!dcs_generation_list(cache, order, &list, err))
        return false;
    for (size_t i = 0; i < list.count && best_rank > 1; i++) {
        dcs_auto(dcs_bundle) struct dcs_bundle *bundle = NULL;
        struct dcs_err why = { 0 };
        char dir[DCS_GENERATION_DIR];
        bool is_damaged = false;

        dcs_generation_dir(order, list.numbers[i], dir);
        if (!load_dir(cache, dir, &bundle, &is_damaged, &why)) {
            if (why.code == DCS_E_NOMEM)
                return dcs_fail(err, why.code, "%s", why.text);
            cache->saw_damage |= is_damaged;
            dcs_trace(cache->env, "skipping: %s", why.text);
            if (is_damaged && may_set_aside)
                set_aside(cache, dir, choice->now);
            continue;
        }
        int rank = rank_of(cache, bundle, choice);
        if (rank < best_rank) {
            best_rank = rank;
            dcs_bundle_unref(best);
            best = dcs_steal(&bundle);
        }
    }
    if (!best)
        return dcs_fail(err, DCS_E_NOT_FOUND, "nothing usable is cached for order %lld",
                        (long long)order);
    *ret_bundle = dcs_steal(&best);
    return true;
}

bool dcs_cache_load(struct dcs_cache *cache, int64_t order, const struct dcs_choice *choice,
                    bool holds_lock, struct dcs_bundle **ret_bundle, struct dcs_err *err)
{
    struct dcs_err why = { 0 };
    char dir[DCS_GENERATION_DIR];

    /* `current` may be pruned between the two looks: start again. */
    for (int i = 0; i < PRUNED_RETRIES && dcs_cache_current(cache, order, dir, &why); i++) {
        bool is_damaged = false;
        if (load_dir(cache, dir, ret_bundle, &is_damaged, &why))
            return true;
        cache->saw_damage |= is_damaged;
        if (why.code != DCS_E_NOT_FOUND)
            break;
    }
    bool may_write = holds_lock && cache->role == DCS_ROLE_KEEPER;
    if (!dcs_generation_choose(cache, order, choice, may_write, ret_bundle, err))
        return false;
    cache->saw_damage = true; /* there is something to serve, and `current` did not name it */
    if (may_write && !dcs_cache_settle(cache, order, choice, &why))
        dcs_trace(cache->env, "order %lld: %s", (long long)order, why.text);
    return true;
}

bool dcs_cache_usable_pair(const struct dcs_cache *cache, int64_t order, int64_t now,
                           char out[DCS_GENERATION_DIR])
{
    dcs_auto(dcs_bundle) struct dcs_bundle *bundle = NULL;

    return order && dcs_cache_current(cache, order, out, NULL) &&
           dcs_cache_load_dir(cache, out, &bundle, NULL) && dcs_bundle_has_key(bundle) &&
           !is_held(cache, out) && now <= dcs_bundle_facts(bundle)->leaf.not_after;
}

/* Points the order's `current` at a generation of its own, or of another order. */
static bool point_at(const struct dcs_cache *cache, int64_t order, const char *dir,
                     struct dcs_err *err)
{
    char own[64];
    char link[72];
    char target[DCS_GENERATION_DIR];
    char was[DCS_GENERATION_DIR] = "";

    if (dcs_cache_current(cache, order, was, NULL) && strcmp(was, dir) == 0)
        return true;
    snprintf(own, sizeof(own), "orders/%lld/", (long long)order);
    snprintf(link, sizeof(link), "%scurrent", own);
    if (strncmp(dir, own, strlen(own)) == 0)
        snprintf(target, sizeof(target), "%s", dir + strlen(own));
    else
        snprintf(target, sizeof(target), "../%s", dir + strlen("orders/"));
    return dcs_fs_switch_link(cache->fd, link, target, cache->owner, err);
}

bool dcs_cache_settle(const struct dcs_cache *cache, int64_t order, const struct dcs_choice *choice,
                      struct dcs_err *err)
{
    dcs_auto(dcs_bundle) struct dcs_bundle *best = NULL;
    struct dcs_cache look = *cache; /* lent descriptor; only saw_damage differs */
    char successor[DCS_GENERATION_DIR];

    if (dcs_cache_usable_pair(cache, choice->successor, choice->now, successor))
        return point_at(cache, order, successor, err);
    return dcs_generation_choose(&look, order, choice, false, &best, err) &&
           point_at(cache, order, dcs_bundle_dir(best), err);
}
