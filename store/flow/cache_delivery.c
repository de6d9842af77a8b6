// SPDX-License-Identifier: Apache-2.0
/*
 * cache_delivery.c - the links and records of deliveries, and pairs as their source; never follows a link
 * below the state directory, `current` and `delivered` apart, which are read and checked.
 */
#include "flow/cache_delivery.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "flow/cache_generation.h"

enum { DELIVERY_MAX = 1 << 19, HELD_MAX = 1 << 14, PEM_MAX = 1 << 18, KEY_MAX = 1 << 16 };

bool dcs_cache_open_order(const struct dcs_cache *cache, int64_t order, int *ret_fd,
                          struct dcs_err *err)
{
    dcs_auto(dcs_fd) int orders = -1;
    char id[DCS_ID_TEXT + 1];

    if (cache->fd < 0)
        return dcs_fail(err, DCS_E_NOT_FOUND, "%s", cache->why_reader);
    snprintf(id, sizeof(id), "%lld", (long long)order);
    return dcs_fs_open_dir(cache->fd, "orders", &orders, err) &&
           dcs_fs_open_dir(orders, id, ret_fd, err);
}

/* dir: orders/123/gen-0007, as dcs_cache_current gives it. */
static bool open_generation(const struct dcs_cache *cache, const char *dir, int *ret_fd,
                            struct dcs_err *err)
{
    dcs_auto(dcs_fd) int order_fd = -1;
    const char *slash = strrchr(dir, '/');
    int64_t order = 0;
    int number = 0;

    if (strncmp(dir, "orders/", 7) != 0 || slash <= dir + 7 ||
        !dcs_id_parse(dir + 7, (size_t)(slash - dir - 7), &order) ||
        !dcs_generation_parse(slash + 1, &number))
        return dcs_fail(err, DCS_E_STATE, "%.80s is no generation", dir);
    return dcs_cache_open_order(cache, order, &order_fd, err) &&
           dcs_fs_open_dir(order_fd, slash + 1, ret_fd, err);
}

/* ---- `delivered` ---- */

bool dcs_cache_delivered(const struct dcs_cache *cache, int64_t order, char out[DCS_GENERATION_DIR],
                         struct dcs_err *err)
{
    return dcs_generation_link(cache, order, "delivered", out, err);
}

bool dcs_cache_set_delivered(const struct dcs_cache *cache, int64_t order, const char *dir,
                             struct dcs_err *err)
{
    dcs_auto(dcs_fd) int fd = -1;
    char own[64];
    char target[DCS_GENERATION_DIR];

    snprintf(own, sizeof(own), "orders/%lld/", (long long)order);
    if (strncmp(dir, own, strlen(own)) == 0)
        snprintf(target, sizeof(target), "%s", dir + strlen(own));
    else
        snprintf(target, sizeof(target), "../%s", dir + strlen("orders/"));
    return dcs_cache_open_order(cache, order, &fd, err) &&
           dcs_fs_switch_link(fd, "delivered", target, cache->owner, err);
}

/* ---- delivery.json ---- */

static bool read_json_at(int fd, const char *name, size_t max, struct dcs_json **ret_root)
{
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = max };

    return dcs_fs_read(fd, name, max, &text, NULL, NULL) &&
           dcs_json_parse(dcs_buf_text(&text), text.len, ret_root, NULL);
}

static bool write_json_at(const struct dcs_cache *cache, int fd, const char *name,
                          const struct dcs_json *root, struct dcs_err *err)
{
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = DELIVERY_MAX };

    return dcs_json_print(root, true, &text, err) &&
           dcs_fs_write(fd, name, dcs_buf_text(&text), text.len, 0600, cache->owner, err);
}

void dcs_cache_read_delivery(const struct dcs_cache *cache, int64_t order,
                             struct dcs_delivery *ret_delivery)
{
    dcs_auto(dcs_fd) int fd = -1;
    dcs_auto(dcs_json) struct dcs_json *root = NULL;

    *ret_delivery = (struct dcs_delivery){ 0 };
    if (dcs_cache_open_order(cache, order, &fd, NULL) &&
        read_json_at(fd, "delivery.json", DELIVERY_MAX, &root))
        dcs_delivery_from_json(root, ret_delivery);
}

bool dcs_cache_write_delivery(const struct dcs_cache *cache, int64_t order,
                              const struct dcs_delivery *delivery, struct dcs_err *err)
{
    dcs_auto(dcs_fd) int fd = -1;
    dcs_auto(dcs_json) struct dcs_json *root = NULL;

    return dcs_delivery_to_json(delivery, &root, err) &&
           dcs_cache_open_order(cache, order, &fd, err) &&
           write_json_at(cache, fd, "delivery.json", root, err);
}

bool dcs_cache_lock_delivery(const struct dcs_cache *cache, int64_t order, bool *ret_held,
                             struct dcs_lock *ret_lock, struct dcs_err *err)
{
    dcs_auto(dcs_fd) int fd = -1;

    *ret_held = false;
    return dcs_cache_open_order(cache, order, &fd, err) &&
           dcs_lock_try(fd, "deliver-lock", 0600, cache->owner, ret_held, ret_lock, err);
}

/* ---- held and released ---- */

static bool has(const struct dcs_cache *cache, const char *dir, const char *name)
{
    dcs_auto(dcs_fd) int fd = -1;
    struct dcs_fs_stat stat;

    return open_generation(cache, dir, &fd, NULL) && dcs_fs_stat(fd, name, &stat, NULL);
}

bool dcs_cache_is_held(const struct dcs_cache *cache, const char *dir)
{
    return has(cache, dir, "held.json");
}

bool dcs_cache_is_released(const struct dcs_cache *cache, const char *dir)
{
    return has(cache, dir, "released.json");
}

bool dcs_cache_hold(const struct dcs_cache *cache, const char *dir, const char *reason,
                    struct dcs_err *err)
{
    dcs_auto(dcs_fd) int fd = -1;
    dcs_auto(dcs_json) struct dcs_json *root = dcs_json_new_object();

    if (dcs_cache_is_held(cache, dir) || dcs_cache_is_released(cache, dir))
        return true;
    dcs_json_add_i64(root, "since", dcs_env_now(cache->env));
    if (!dcs_json_add_text(root, "reason", reason))
        return dcs_fail(err, DCS_E_NOMEM, "out of memory");
    return open_generation(cache, dir, &fd, err) &&
           write_json_at(cache, fd, "held.json", root, err);
}

bool dcs_cache_read_held(const struct dcs_cache *cache, const char *dir, int64_t *ret_since,
                         char reason[512])
{
    dcs_auto(dcs_fd) int fd = -1;
    dcs_auto(dcs_json) struct dcs_json *root = NULL;

    if (!open_generation(cache, dir, &fd, NULL) ||
        (!read_json_at(fd, "held.json", HELD_MAX, &root) &&
         !read_json_at(fd, "released.json", HELD_MAX, &root)))
        return false;
    *ret_since = 0;
    (void)dcs_json_i64(root, "since", ret_since);
    dcs_clean_text(dcs_json_text(root, "reason"), reason, 512);
    return true;
}

bool dcs_cache_release(const struct dcs_cache *cache, int64_t order, int *ret_count,
                       struct dcs_err *err)
{
    dcs_auto(dcs_generations) struct dcs_generations list = { 0 };
    int count = 0;

    if (!dcs_generation_list(cache, order, &list, err))
        return false;
    for (size_t i = 0; i < list.count; i++) {
        dcs_auto(dcs_fd) int fd = -1;
        struct dcs_fs_stat stat;
        char dir[DCS_GENERATION_DIR];

        dcs_generation_dir(order, list.numbers[i], dir);
        if (!open_generation(cache, dir, &fd, NULL) || !dcs_fs_stat(fd, "held.json", &stat, NULL))
            continue;
        if (!dcs_fs_rename(fd, "held.json", "released.json", err))
            return false;
        count++;
    }
    *ret_count = count;
    return true;
}

/* ---- a pair as the source of a copy ---- */

void dcs_pair_drop(struct dcs_pair *pair)
{
    dcs_cert_list_drop(&pair->certs);
    dcs_key_drop(&pair->key);
}

static bool read_certs(int fd, struct dcs_cert_list *ret_certs, struct dcs_err *err)
{
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = PEM_MAX };

    return dcs_fs_read(fd, "fullchain.pem", PEM_MAX, &text, NULL, err) &&
           dcs_certs_from_pem(dcs_buf_text(&text), text.len, DCS_CHAIN_MAX + 1, ret_certs, err);
}

/* The file rules of cache_key.c, of the file that was opened. */
static bool read_key(const struct dcs_cache *cache, int fd, struct dcs_key *ret_key,
                     struct dcs_err *err)
{
    dcs_auto(dcs_secret) struct dcs_secret pem = { 0 };
    struct dcs_fs_stat stat;

    if (!dcs_fs_read_secret(fd, "privkey.pem", KEY_MAX, &pem, &stat, err))
        return false;
    if ((stat.uid != 0 && stat.uid != dcs_env_euid(cache->env) && stat.uid != cache->state_uid) ||
        stat.mode & 0027) {
        dcs_fail(err, DCS_E_KEY_FILE,
                 "privkey.pem belongs to uid %u and has mode %04o: others could read or change it",
                 stat.uid, stat.mode & 07777);
        return dcs_hint(err, "chown and chmod it to 0600, or 0640 with the group of key_group");
    }
    return dcs_key_from_our_pem((const char *)pem.data, pem.len, ret_key, err);
}

/* A key in a token, or one that lies encrypted, is matched by whoever uses it. */
static bool belong_together(const struct dcs_pair *pair, struct dcs_err *err)
{
    uint8_t hash[DCS_SHA256_LEN];
    const uint8_t *leaf = dcs_cert_info(pair->certs.certs[0])->spki_sha256;

    if (pair->key.form != DCS_KEY_PKCS8)
        return true;
    if (!dcs_key_spki_sha256(&pair->key, hash, err))
        return false;
    return memcmp(hash, leaf, sizeof(hash)) == 0 ||
           dcs_fail(err, DCS_E_REJECTED, "the private key is not that of the certificate");
}

bool dcs_cache_read_pair(const struct dcs_cache *cache, const char *dir, struct dcs_pair *ret_pair,
                         struct dcs_err *err)
{
    dcs_auto(dcs_pair) struct dcs_pair pair = { 0 };
    dcs_auto(dcs_fd) int fd = -1;

    if (!open_generation(cache, dir, &fd, err) || !read_certs(fd, &pair.certs, err) ||
        !read_key(cache, fd, &pair.key, err) || !belong_together(&pair, err))
        return dcs_fail_while(err, "reading %s/%s", cache->path, dir);
    *ret_pair = pair;
    pair = (struct dcs_pair){ 0 };
    return true;
}
