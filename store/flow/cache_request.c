// SPDX-License-Identifier: Apache-2.0
/*
 * cache_request.c - open generations: keys and requests without a certificate yet. Believes files;
 * never removes or replaces a key that the CA may know.
 */
#include "flow/cache_request.h"

#include <stdio.h>
#include <string.h>

#include "base/trace.h"
#include "flow/cache_generation.h"

enum { RECORD_MAX = 1 << 18, CSR_MAX = 1 << 17, KEY_FILE_MAX = 1 << 16 };

void dcs_intent_drop(struct dcs_intent *intent)
{
    dcs_request_free(intent->request);
    *intent = (struct dcs_intent){ 0 };
}

static void path_in(const char *dir, const char *name, char out[DCS_GENERATION_DIR + 24])
{
    snprintf(out, DCS_GENERATION_DIR + 24, "%s/%s", dir, name);
}

static bool read_json(const struct dcs_cache *cache, const char *dir, const char *name,
                      struct dcs_json **ret_root, struct dcs_err *err)
{
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = RECORD_MAX };
    char path[DCS_GENERATION_DIR + 24];

    path_in(dir, name, path);
    return dcs_fs_read(cache->fd, path, RECORD_MAX, &text, NULL, err) &&
           dcs_json_parse(dcs_buf_text(&text), text.len, ret_root, err);
}

static bool write_json(const struct dcs_cache *cache, const char *dir, const char *name,
                       const struct dcs_json *root, struct dcs_err *err)
{
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = RECORD_MAX };
    char path[DCS_GENERATION_DIR + 24];

    path_in(dir, name, path);
    return dcs_json_print(root, true, &text, err) &&
           dcs_fs_write(cache->fd, path, dcs_buf_text(&text), text.len, 0600, cache->owner, err);
}

/* ---- reading ---- */

/* Of a request.json that cannot be read nothing is known but that something may have been asked. A
 * reader may read neither it nor the key, and takes no step. */
static bool guess_request(const struct dcs_cache *cache, const struct dcs_intent *intent,
                          int64_t when, struct dcs_request **ret_request, struct dcs_err *err)
{
    dcs_auto(dcs_key) struct dcs_key key = { 0 };
    dcs_auto(dcs_request) struct dcs_request *request = dcs_alloc(1, sizeof(*request), err);
    bool is_keeper = cache->role == DCS_ROLE_KEEPER;

    if (!request || !dcs_request_set_names(request, NULL, 0, err) ||
        (is_keeper && (!dcs_cache_intent_key(cache, intent, &key, err) ||
                       !dcs_generation_spki(cache, intent->dir, &key, request->spki_sha256, err))))
        return false;
    snprintf(request->why, sizeof(request->why), "%s",
             is_keeper ? "its record was damaged" : "its record is for the keeper to read");
    request->created_at = when;
    request->posted_at = when;
    request->posts = 1;
    *ret_request = dcs_steal(&request);
    return true;
}

static bool read_request(const struct dcs_cache *cache, const struct dcs_intent *intent,
                         struct dcs_request **ret_request, struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *root = NULL;
    struct dcs_fs_stat stat;
    struct dcs_err why = { 0 };

    if (!dcs_generation_has(cache, intent->dir, "request.json", &stat))
        return true;
    if (read_json(cache, intent->dir, "request.json", &root, &why) &&
        dcs_request_from_json(root, ret_request, &why))
        return true;
    dcs_trace(cache->env, "%s: %s", intent->dir, why.text);
    return guess_request(cache, intent, stat.mtime_s, ret_request, err);
}

/* No certificate can serve without it: gone, or no key any more. What only cannot be read now is not
 * lost, and of somebody else's files nothing can be said. */
static bool is_key_lost(const struct dcs_cache *cache, const char *dir)
{
    dcs_auto(dcs_secret) struct dcs_secret pem = { 0 };
    dcs_auto(dcs_key) struct dcs_key key = { 0 };
    char path[DCS_GENERATION_DIR + 24];
    struct dcs_err why = { 0 };

    if (cache->role != DCS_ROLE_KEEPER)
        return false;
    path_in(dir, "privkey.pem", path);
    if (!dcs_fs_read_secret(cache->fd, path, KEY_FILE_MAX, &pem, NULL, &why))
        return why.code == DCS_E_NOT_FOUND;
    return !dcs_key_from_our_pem((const char *)pem.data, pem.len, &key, &why) &&
           why.code != DCS_E_NOMEM;
}

static bool is_open(const struct dcs_cache *cache, const char *dir)
{
    return !dcs_generation_has(cache, dir, "facts.json", NULL) &&
           !dcs_generation_has(cache, dir, "closed.json", NULL);
}

bool dcs_cache_intent(const struct dcs_cache *cache, int64_t order, struct dcs_intent *ret_intent,
                      struct dcs_err *err)
{
    dcs_auto(dcs_generations) struct dcs_generations list = { 0 };
    struct dcs_intent found = { .order = order };

    if (!dcs_generation_list(cache, order, &list, err))
        return false;
    for (size_t i = 0; i < list.count; i++) {
        struct dcs_intent one = { .order = order, .generation = list.numbers[i] };
        dcs_generation_dir(order, one.generation, one.dir);
        if (!is_open(cache, one.dir))
            continue;
        one.has_key = dcs_generation_has(cache, one.dir, "privkey.pem", NULL);
        bool asked = dcs_generation_has(cache, one.dir, "request.json", NULL);
        if (asked && is_key_lost(cache, one.dir)) {
            dcs_trace(cache->env, "%s: its private key is lost: asked for anew", one.dir);
            continue;
        }
        if (asked || (one.has_key && !found.generation))
            found = one;
        if (asked)
            break;
    }
    if (found.generation && !read_request(cache, &found, &found.request, err))
        return false;
    *ret_intent = found;
    return true;
}

bool dcs_cache_has_open_request(const struct dcs_cache *cache, int64_t order)
{
    dcs_auto(dcs_intent) struct dcs_intent intent = { 0 };

    return dcs_cache_intent(cache, order, &intent, NULL) && intent.request;
}

bool dcs_cache_intent_key(const struct dcs_cache *cache, const struct dcs_intent *intent,
                          struct dcs_key *ret_key, struct dcs_err *err)
{
    dcs_auto(dcs_secret) struct dcs_secret pem = { 0 };
    char path[DCS_GENERATION_DIR + 24];

    path_in(intent->dir, "privkey.pem", path);
    if (dcs_fs_read_secret(cache->fd, path, KEY_FILE_MAX, &pem, NULL, err) &&
        dcs_key_from_our_pem((const char *)pem.data, pem.len, ret_key, err))
        return true;
    return dcs_fail_while(err, "%s/%s", cache->path, path);
}

bool dcs_cache_intent_csr(const struct dcs_cache *cache, const struct dcs_intent *intent,
                          struct dcs_buf *ret_pem, struct dcs_err *err)
{
    char path[DCS_GENERATION_DIR + 24];

    path_in(intent->dir, "csr.pem", path);
    return dcs_fs_read(cache->fd, path, CSR_MAX, ret_pem, NULL, err);
}

/* ---- writing ---- */

static bool make_generation(const struct dcs_cache *cache, const struct dcs_access *access,
                            struct dcs_intent *intent, struct dcs_err *err)
{
    dcs_auto(dcs_generations) struct dcs_generations list = { 0 };

    if (!dcs_generation_list(cache, intent->order, &list, err))
        return false;
    dcs_generation_dir(intent->order, list.highest + 1, intent->dir);
    if (!dcs_cache_make_dir(cache, intent->dir, access, err))
        return false;
    intent->generation = list.highest + 1;
    return true;
}

bool dcs_cache_intent_put_key(const struct dcs_cache *cache, const struct dcs_access *access,
                              const struct dcs_key *key, struct dcs_intent *intent,
                              struct dcs_err *err)
{
    dcs_auto(dcs_buf) struct dcs_buf pem = { .max = KEY_FILE_MAX, .secret = true };
    char path[DCS_GENERATION_DIR + 24];

    if (intent->request)
        return dcs_fail(err, DCS_E_BUG, "%s: its key may be known to the CA", intent->dir);
    if (!intent->generation && !make_generation(cache, access, intent, err))
        return false;
    path_in(intent->dir, "privkey.pem", path);
    if (!dcs_key_to_pem(key, &pem, err) || !dcs_buf_ok(&pem, "a key", err) ||
        !dcs_fs_write(cache->fd, path, dcs_buf_text(&pem), pem.len, 0600, cache->owner, err))
        return false;
    intent->has_key = true;
    return true;
}

bool dcs_cache_intent_put_csr(const struct dcs_cache *cache, const struct dcs_intent *intent,
                              const struct dcs_buf *pem, struct dcs_err *err)
{
    char path[DCS_GENERATION_DIR + 24];

    path_in(intent->dir, "csr.pem", path);
    return dcs_fs_write(cache->fd, path, dcs_buf_text(pem), pem->len, 0600, cache->owner, err);
}

bool dcs_cache_intent_put_request(const struct dcs_cache *cache, const struct dcs_intent *intent,
                                  struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *root = NULL;

    return dcs_request_to_json(intent->request, &root, err) &&
           write_json(cache, intent->dir, "request.json", root, err);
}

bool dcs_cache_intent_close(const struct dcs_cache *cache, const struct dcs_intent *intent,
                            const struct dcs_closed *closed, struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *root = NULL;

    return dcs_closed_to_json(closed, &root, err) &&
           write_json(cache, intent->dir, "closed.json", root, err);
}

bool dcs_cache_read_closed(const struct dcs_cache *cache, const char *dir,
                           struct dcs_closed *ret_closed)
{
    dcs_auto(dcs_json) struct dcs_json *root = NULL;

    return read_json(cache, dir, "closed.json", &root, NULL) &&
           dcs_closed_from_json(root, ret_closed, NULL);
}

/* ---- the past ---- */

static bool give_past(const struct dcs_cache *cache, const char *dir, int generation,
                      dcs_past_request_cb *each, void *context)
{
    dcs_auto(dcs_json) struct dcs_json *root = NULL;
    dcs_auto(dcs_request) struct dcs_request *request = NULL;
    struct dcs_closed closed;
    struct dcs_past_request past = { .generation = generation };

    if (!read_json(cache, dir, "request.json", &root, NULL) ||
        !dcs_request_from_json(root, &request, NULL))
        return true;
    past.request = request;
    past.is_committed = dcs_generation_has(cache, dir, "facts.json", NULL);
    past.is_lost = !past.is_committed && is_key_lost(cache, dir);
    if (!past.is_committed && dcs_cache_read_closed(cache, dir, &closed))
        past.closed = &closed;
    return each(context, &past);
}

bool dcs_cache_each_request(const struct dcs_cache *cache, int64_t order, dcs_past_request_cb *each,
                            void *context, struct dcs_err *err)
{
    dcs_auto(dcs_generations) struct dcs_generations list = { 0 };
    char dir[DCS_GENERATION_DIR];

    if (!dcs_generation_list(cache, order, &list, err))
        return false;
    for (size_t i = 0; i < list.count; i++) {
        dcs_generation_dir(order, list.numbers[i], dir);
        if (!give_past(cache, dir, list.numbers[i], each, context))
            break;
    }
    return true;
}
