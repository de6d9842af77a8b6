// SPDX-License-Identifier: Apache-2.0
/*
 * cache_index.c - hints from names, serials and keys to orders; believed only where facts.json
 * agrees, so a wrong or missing entry costs time and never truth.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/trace.h"
#include "flow/cache_generation.h"

enum { KEY_MAX = 200 };

static const char *const index_names[] = {
    [DCS_INDEX_NAME] = "name",
    [DCS_INDEX_ALTERNATE] = "alternate",
    [DCS_INDEX_SERIAL] = "serial",
    [DCS_INDEX_THUMBPRINT] = "thumbprint",
    [DCS_INDEX_CERTIFICATE] = "certificate",
    [DCS_INDEX_SPKI] = "spki",
    [DCS_INDEX_CKAID] = "ckaid",
};

/* A file name of that key, or false: names from the CA never become paths unchecked. */
static bool key_to_name(enum dcs_index index, const char *key, char out[KEY_MAX + 1])
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789.-_*:";
    char escaped[3 * KEY_MAX + 1];

    if (index == DCS_INDEX_ALTERNATE) {
        if (strlen(key) > KEY_MAX)
            return false;
        dcs_uri_escape(key, escaped, sizeof(escaped));
        key = escaped;
    } else if (strspn(key, plain) != strlen(key)) {
        return false;
    }
    if (*key == '\0' || *key == '.' || strlen(key) > KEY_MAX)
        return false;
    memcpy(out, key, strlen(key) + 1);
    return true;
}

static void add_one(const struct dcs_cache *cache, enum dcs_index index, const char *key,
                    const struct dcs_bundle *bundle)
{
    char name[KEY_MAX + 1];
    char path[KEY_MAX + 96];
    char target[DCS_GENERATION_DIR + 16];
    struct dcs_err err = { 0 };

    if (!key || !key_to_name(index, key, name))
        return;
    snprintf(path, sizeof(path), "index/%s", index_names[index]);
    bool made = dcs_fs_make_dir(cache->fd, path, 0755, cache->owner, &err);
    snprintf(path, sizeof(path), "index/%s/%s", index_names[index], name);
    made = made && dcs_fs_make_dir(cache->fd, path, 0755, cache->owner, &err);
    snprintf(path, sizeof(path), "index/%s/%s/%lld", index_names[index], name,
             (long long)dcs_bundle_order(bundle));
    snprintf(target, sizeof(target), "../../../%s", dcs_bundle_dir(bundle));
    if (!made || !dcs_fs_link_hint(cache->fd, path, target, cache->owner, &err))
        dcs_trace(cache->env, "index entry %s: %s", path, err.text);
}

void dcs_cache_index_add(const struct dcs_cache *cache, const struct dcs_bundle *bundle,
                         const char *alternative_id)
{
    const struct dcs_facts *facts = dcs_bundle_facts(bundle);
    char hex[2 * DCS_SHA256_LEN + 1];
    char id[DCS_ID_TEXT + 1];
    struct dcs_err err = { 0 };

    if (!dcs_fs_make_dir(cache->fd, "index", 0755, cache->owner, &err))
        return;
    for (size_t i = 0; i < facts->name_count; i++)
        add_one(cache, DCS_INDEX_NAME, facts->names[i], bundle);
    add_one(cache, DCS_INDEX_ALTERNATE, alternative_id, bundle);
    add_one(cache, DCS_INDEX_SERIAL, facts->leaf.serial, bundle);
    dcs_hex(facts->leaf.sha1, DCS_SHA1_LEN, hex);
    add_one(cache, DCS_INDEX_THUMBPRINT, hex, bundle);
    dcs_hex(facts->leaf.sha256, DCS_SHA256_LEN, hex);
    add_one(cache, DCS_INDEX_THUMBPRINT, hex, bundle);
    dcs_hex(facts->leaf.spki_sha256, DCS_SHA256_LEN, hex);
    add_one(cache, DCS_INDEX_SPKI, hex, bundle);
    dcs_hex(facts->leaf.ckaid, DCS_SHA1_LEN, hex);
    add_one(cache, DCS_INDEX_CKAID, hex, bundle);
    snprintf(id, sizeof(id), "%lld", (long long)facts->certificate_id);
    if (facts->certificate_id)
        add_one(cache, DCS_INDEX_CERTIFICATE, id, bundle);
}

/* ---- finding ---- */

struct search {
    const struct dcs_cache *cache;
    enum dcs_index index;
    const char *key;
    dcs_bundle_cb *each;
    void *context;
    bool found, stop;
};

static bool has_name(const struct dcs_facts *facts, const char *key)
{
    for (size_t i = 0; i < facts->name_count; i++)
        if (strcmp(facts->names[i], key) == 0)
            return true;
    return false;
}

static bool hex_equals(const uint8_t *data, size_t len, const char *key)
{
    char hex[2 * DCS_SHA256_LEN + 1];

    dcs_hex(data, len, hex);
    return strcmp(hex, key) == 0;
}

static bool agrees(const struct search *search, const struct dcs_bundle *bundle)
{
    const struct dcs_facts *facts = dcs_bundle_facts(bundle);
    const char *key = search->key;
    char id[DCS_ID_TEXT + 1];

    switch (search->index) {
    case DCS_INDEX_NAME:
        return has_name(facts, key);
    case DCS_INDEX_SERIAL:
        return strcmp(facts->leaf.serial, key) == 0;
    case DCS_INDEX_THUMBPRINT:
        return hex_equals(facts->leaf.sha1, DCS_SHA1_LEN, key) ||
               hex_equals(facts->leaf.sha256, DCS_SHA256_LEN, key);
    case DCS_INDEX_CERTIFICATE:
        snprintf(id, sizeof(id), "%lld", (long long)facts->certificate_id);
        return strcmp(id, key) == 0;
    case DCS_INDEX_SPKI:
        return hex_equals(facts->leaf.spki_sha256, DCS_SHA256_LEN, key);
    case DCS_INDEX_CKAID:
        return hex_equals(facts->leaf.ckaid, DCS_SHA1_LEN, key);
    case DCS_INDEX_ALTERNATE:
        break; /* asked of order.json */
    }
    return true;
}

static bool take_if_it_agrees(void *context, struct dcs_bundle *bundle)
{
    struct search *search = context;

    if (!agrees(search, bundle))
        return true;
    search->found = true;
    search->stop = !search->each(search->context, bundle);
    return !search->stop;
}

static bool search_order(struct search *search, int64_t order, struct dcs_err *err)
{
    if (search->index == DCS_INDEX_ALTERNATE) {
        dcs_auto(dcs_order) struct dcs_order *known = NULL;
        if (!dcs_cache_read_order(search->cache, order, &known, NULL) ||
            strcmp(known->alternative_id, search->key) != 0)
            return true;
    }
    return dcs_cache_each(search->cache, order, take_if_it_agrees, search, err);
}

static bool search_hints(struct search *search, struct dcs_err *err)
{
    dcs_auto(dcs_names) struct dcs_names names = { 0 };
    char name[KEY_MAX + 1];
    char path[KEY_MAX + 32];

    if (!key_to_name(search->index, search->key, name))
        return true;
    snprintf(path, sizeof(path), "index/%s/%s", index_names[search->index], name);
    if (!dcs_fs_list(search->cache->fd, path, 10000, &names, NULL))
        return true;
    for (size_t i = 0; i < names.count && !search->stop; i++) {
        int64_t order = 0;
        if (dcs_id_parse(names.names[i], strlen(names.names[i]), &order) &&
            !search_order(search, order, err))
            return false;
    }
    return true;
}

bool dcs_cache_find(const struct dcs_cache *cache, enum dcs_index index, const char *key,
                    dcs_bundle_cb *each, void *context, struct dcs_err *err)
{
    struct search search = { cache, index, key, each, context, false, false };
    dcs_auto(dcs_ids) struct dcs_ids orders = { 0 };

    if (cache->fd < 0)
        return true;
    if (!search_hints(&search, err))
        return false;
    if (search.found)
        return true;
    /* A hint may have been lost (it is written without fsync): look at every order. */
    if (!dcs_cache_orders(cache, &orders, err))
        return false;
    for (size_t i = 0; i < orders.count && !search.stop; i++)
        if (!search_order(&search, orders.ids[i], err))
            return false;
    return true;
}

/* "../../../orders/123/gen-0007", as add_one wrote it. */
static bool read_hint(const char *target, struct dcs_hint *ret_hint)
{
    static const char up[] = "../../../orders/";

    if (strncmp(target, up, sizeof(up) - 1) != 0)
        return false;
    const char *id = target + sizeof(up) - 1;
    const char *slash = strchr(id, '/');
    return slash && dcs_id_parse(id, (size_t)(slash - id), &ret_hint->order) &&
           dcs_generation_parse(slash + 1, &ret_hint->generation);
}

bool dcs_cache_hints(const struct dcs_cache *cache, enum dcs_index index, const char *key,
                     struct dcs_hint *hints, size_t capacity, size_t *ret_count,
                     struct dcs_err *err)
{
    dcs_auto(dcs_names) struct dcs_names names = { 0 };
    char name[KEY_MAX + 1];
    char path[2 * KEY_MAX + 64];
    char target[DCS_GENERATION_DIR + 16];
    struct dcs_err why = { 0 };
    size_t count = 0;

    if (cache->fd < 0 || !key_to_name(index, key, name)) {
        *ret_count = 0;
        return true;
    }
    snprintf(path, sizeof(path), "index/%s/%s", index_names[index], name);
    if (!dcs_fs_list(cache->fd, path, 10000, &names, &why) && why.code != DCS_E_NOT_FOUND)
        return dcs_fail(err, why.code, "%s", why.text);
    for (size_t i = 0; i < names.count && count < capacity; i++) {
        snprintf(path, sizeof(path), "index/%s/%s/%.200s", index_names[index], name,
                 names.names[i]);
        if (dcs_fs_read_link(cache->fd, path, target, sizeof(target), NULL) &&
            read_hint(target, &hints[count]))
            count++;
    }
    *ret_count = count;
    return true;
}

/* ---- writing it anew ---- */

static bool add_bundle(void *context, struct dcs_bundle *bundle)
{
    const struct dcs_cache *cache = context;
    dcs_auto(dcs_order) struct dcs_order *order = NULL;

    bool known = dcs_cache_read_order(cache, dcs_bundle_order(bundle), &order, NULL);
    dcs_cache_index_add(cache, bundle, known ? order->alternative_id : NULL);
    return true;
}

bool dcs_cache_reindex(const struct dcs_cache *cache, struct dcs_err *err)
{
    dcs_auto(dcs_ids) struct dcs_ids orders = { 0 };

    if (!dcs_cache_orders(cache, &orders, err))
        return false;
    for (size_t i = 0; i < orders.count; i++)
        if (!dcs_cache_each(cache, orders.ids[i], add_bundle, (void *)cache, err))
            return false;
    return true;
}
