// SPDX-License-Identifier: Apache-2.0
/*
 * cache_commit.c - writes a generation: its files, then facts.json; moving `current` is the
 * caller's next step (dcs_cache_settle). Never changes a generation that has a facts.json.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/trace.h"
#include "flow/cache_generation.h"
#include "flow/cache_request.h"

enum { FILE_BYTES_MAX = 1 << 19, LIST_MAX = 1000000, ABANDONED_S = 3600 };

struct writer {
    const struct dcs_cache *cache;
    struct dcs_commit *commit;
    const char *dir;
    struct dcs_fs_owner key_owner;
    mode_t key_mode;
};

static bool list_file(struct dcs_facts *facts, const char *name, const struct dcs_buf *text,
                      struct dcs_err *err)
{
    if (facts->file_count == DCS_FACTS_FILES)
        return dcs_fail(err, DCS_E_BUG, "too many files in a generation");
    struct dcs_facts_file *file = &facts->files[facts->file_count];
    snprintf(file->name, sizeof(file->name), "%s", name);
    file->size = (int64_t)text->len;
    if (!dcs_sha256(dcs_buf_text(text), text->len, file->sha256, err))
        return false;
    facts->file_count++;
    return true;
}

static bool write_file(const struct writer *w, const char *name, const struct dcs_buf *text,
                       bool is_key, struct dcs_err *err)
{
    char path[DCS_GENERATION_DIR + 24];

    snprintf(path, sizeof(path), "%s/%s", w->dir, name);
    if (!dcs_buf_ok(text, name, err) || !list_file(w->commit->facts, name, text, err))
        return false;
    return dcs_fs_write(w->cache->fd, path, dcs_buf_text(text), text->len,
                        is_key ? w->key_mode : 0644, is_key ? w->key_owner : w->cache->owner, err);
}

static bool add_certs(const struct dcs_commit *commit, size_t first, size_t end,
                      struct dcs_buf *pem, struct dcs_err *err)
{
    for (size_t i = first; i < end; i++)
        if (!dcs_pem_add(pem, "CERTIFICATE",
                         (const uint8_t *)commit->certs->data + commit->offsets[i],
                         commit->offsets[i + 1] - commit->offsets[i], err))
            return false;
    return true;
}

static bool write_certs(const struct writer *w, const char *name, size_t first, size_t end,
                        struct dcs_err *err)
{
    dcs_auto(dcs_buf) struct dcs_buf pem = { .max = FILE_BYTES_MAX };

    return add_certs(w->commit, first, end, &pem, err) && write_file(w, name, &pem, false, err);
}

static bool write_keys(const struct writer *w, struct dcs_err *err)
{
    dcs_auto(dcs_buf) struct dcs_buf pem = { .max = FILE_BYTES_MAX, .secret = true };

    if (!w->commit->key)
        return true;
    if (!dcs_key_to_pem(w->commit->key, &pem, err) ||
        !write_file(w, "privkey.pem", &pem, true, err))
        return false;
    return !w->commit->combined || (add_certs(w->commit, 0, w->commit->cert_count, &pem, err) &&
                                    write_file(w, "combined.pem", &pem, true, err));
}

static bool write_facts(const struct writer *w, struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *root = NULL;
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = FILE_BYTES_MAX };
    char path[DCS_GENERATION_DIR + 24];

    snprintf(path, sizeof(path), "%s/facts.json", w->dir);
    return dcs_facts_to_json(w->commit->facts, &root, err) &&
           dcs_json_print(root, true, &text, err) &&
           dcs_fs_write(w->cache->fd, path, dcs_buf_text(&text), text.len, 0644, w->cache->owner,
                        err);
}

static bool write_files(const struct writer *w, struct dcs_err *err)
{
    size_t count = w->commit->cert_count;

    return write_keys(w, err) && write_certs(w, "cert.pem", 0, 1, err) &&
           write_certs(w, "chain.pem", 1, count, err) &&
           write_certs(w, "fullchain.pem", 0, count, err) && write_facts(w, err);
}

static bool next_dir(const struct dcs_cache *cache, const struct dcs_commit *commit,
                     char dir[DCS_GENERATION_DIR], struct dcs_err *err)
{
    dcs_auto(dcs_generations) struct dcs_generations list = { 0 };

    if (!commit->order) {
        snprintf(dir, DCS_GENERATION_DIR, "certificates/%lld", (long long)commit->certificate_id);
        return true;
    }
    if (commit->generation) {
        dcs_generation_dir(commit->order, commit->generation, dir);
        return !dcs_generation_has(cache, dir, "facts.json", NULL) ||
               dcs_fail(err, DCS_E_BUG, "%s has its certificate already", dir);
    }
    if (!dcs_generation_list(cache, commit->order, &list, err))
        return false;
    dcs_generation_dir(commit->order, list.highest + 1, dir);
    return true;
}

bool dcs_cache_commit(const struct dcs_cache *cache, struct dcs_commit *commit,
                      char ret_dir[DCS_GENERATION_DIR], struct dcs_err *err)
{
    char dir[DCS_GENERATION_DIR];
    struct writer w = {
        .cache = cache, .commit = commit, .dir = dir, .key_owner = cache->owner, .key_mode = 0600
    };

    if (!next_dir(cache, commit, dir, err))
        return false;
    if (commit->access.key_gid != (gid_t)-1) {
        w.key_owner.gid = commit->access.key_gid;
        w.key_mode = 0640;
    }
    commit->facts->file_count = 0;
    if (!dcs_cache_make_dir(cache, dir, &commit->access, err) || !write_files(&w, err)) {
        /* The key is still where it came from; on a full disk each try would leave one more. In a
         * generation that waited for its certificate it came from there: it stays. */
        if (!commit->generation && !dcs_fs_remove_dir(cache->fd, dir, NULL))
            dcs_trace(cache->env, "cannot remove the unfinished %s/%s", cache->path, dir);
        return dcs_fail_while(err, "writing %s/%s", cache->path, dir);
    }
    snprintf(ret_dir, DCS_GENERATION_DIR, "%s", dir);
    return true;
}

/* ---- leftovers of killed processes ---- */

/* min_age_s: what is younger may be a living process's; 0 where a lock says that there is none. A time
 * ahead of now is another clock's. */
static bool is_abandoned(const struct dcs_cache *cache, const char *path, int64_t min_age_s)
{
    struct dcs_fs_stat stat;

    return min_age_s == 0 || (dcs_fs_stat(cache->fd, path, &stat, NULL) &&
                              llabs(dcs_env_now(cache->env) - stat.mtime_s) >= min_age_s);
}

static void remove_temporary(const struct dcs_cache *cache, const char *dir, int64_t min_age_s)
{
    dcs_auto(dcs_names) struct dcs_names names = { 0 };

    if (!dcs_fs_list(cache->fd, dir, LIST_MAX, &names, NULL))
        return;
    for (size_t i = 0; i < names.count; i++) {
        char path[DCS_GENERATION_DIR + 256];
        if (strncmp(names.names[i], ".tmp-", 5) != 0)
            continue;
        snprintf(path, sizeof(path), "%s/%s", dir, names.names[i]);
        if (!is_abandoned(cache, path, min_age_s))
            continue;
        if (!dcs_fs_remove(cache->fd, path, NULL) && !dcs_fs_remove_dir(cache->fd, path, NULL))
            dcs_trace(cache->env, "cannot remove %s/%s", cache->path, path);
    }
}

struct copy {
    uint8_t spki[DCS_SHA256_LEN];
    bool found;
};

static bool is_copied(void *context, struct dcs_bundle *bundle)
{
    struct copy *copy = context;

    copy->found = dcs_bundle_has_key(bundle) && memcmp(dcs_bundle_facts(bundle)->leaf.spki_sha256,
                                                       copy->spki, DCS_SHA256_LEN) == 0;
    return !copy->found;
}

/* The key of an import or a fetch that was killed: a later one has put it beside its certificate. */
static bool has_copy(const struct dcs_cache *cache, int64_t order, const char *dir)
{
    dcs_auto(dcs_key) struct dcs_key key = { 0 };
    struct dcs_intent open = { .order = order };
    struct copy copy = { 0 };

    snprintf(open.dir, sizeof(open.dir), "%s", dir);
    return dcs_cache_intent_key(cache, &open, &key, NULL) &&
           dcs_key_spki_sha256(&key, copy.spki, NULL) &&
           dcs_cache_each(cache, order, is_copied, &copy, NULL) && copy.found;
}

void dcs_cache_tidy(const struct dcs_cache *cache, int64_t order)
{
    dcs_auto(dcs_generations) struct dcs_generations list = { 0 };
    char dir[DCS_GENERATION_DIR];

    snprintf(dir, sizeof(dir), "orders/%lld", (long long)order);
    remove_temporary(cache, dir, 0);
    if (!dcs_generation_list(cache, order, &list, NULL))
        return;
    for (size_t i = 0; i < list.count; i++) {
        dcs_generation_dir(order, list.numbers[i], dir);
        remove_temporary(cache, dir, 0); /* of held.json, too */
        if (dcs_generation_has(cache, dir, "facts.json", NULL))
            continue;
        /* A request, or a key that is nowhere else, is never removed here: a certificate may exist. */
        if (dcs_generation_has(cache, dir, "request.json", NULL) ||
            (dcs_generation_has(cache, dir, "privkey.pem", NULL) && !has_copy(cache, order, dir)))
            continue;
        if (!dcs_fs_remove_dir(cache->fd, dir, NULL))
            dcs_trace(cache->env, "cannot remove the unfinished %s/%s", cache->path, dir);
    }
}

void dcs_cache_sweep(const struct dcs_cache *cache)
{
    static const char *const dirs[] = {
        ".",
        "cold",
        "crls",
        "orders",
        "certificates",
        "index",
        "index/name",
        "index/serial",
        "index/thumbprint",
        "index/certificate",
        "index/spki",
        "index/ckaid",
        "index/alternate",
    };
    dcs_auto(dcs_ids) struct dcs_ids orders = { 0 };

    for (size_t i = 0; i < DCS_COUNT(dirs); i++)
        remove_temporary(cache, dirs[i], ABANDONED_S);
    if (!dcs_cache_orders(cache, &orders, NULL))
        return;
    for (size_t i = 0; i < orders.count; i++) {
        char dir[DCS_GENERATION_DIR];
        snprintf(dir, sizeof(dir), "orders/%lld", (long long)orders.ids[i]);
        remove_temporary(cache, dir, ABANDONED_S);
    }
}
