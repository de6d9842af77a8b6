// SPDX-License-Identifier: Apache-2.0
/*
 * cache_key.c - private key files: who may use them, and which one fits a certificate. Reads them at
 * each use, so that the file's permissions decide every time.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "flow/cache_generation.h"

enum { KEY_FILE_MAX = 1 << 16, CSR_MAX = 1 << 17 };

static bool key_file_is_safe(const struct dcs_cache *cache, const char *path,
                             const struct dcs_fs_stat *stat, struct dcs_err *err)
{
    uid_t euid = dcs_env_euid(cache->env);
    uid_t owner = cache->state_uid;
    struct dcs_fs_stat dir;

    if (stat->uid != 0 && stat->uid != euid && owner == (uid_t)-1 &&
        dcs_fs_stat_followed(cache->path, &dir, NULL))
        owner = dir.uid;
    if (stat->uid != 0 && stat->uid != euid && stat->uid != owner)
        dcs_fail(
            err, DCS_E_KEY_FILE,
            "%s belongs to uid %u; keys of root, of uid %u or of this process (uid %u) are used",
            path, stat->uid, owner, euid);
    else if (stat->mode & 0027)
        dcs_fail(err, DCS_E_KEY_FILE, "%s has mode %04o: others could read or change it", path,
                 stat->mode & 07777);
    else
        return true;
    return dcs_hint(err, "chown and chmod it to 0600, or 0640 with the group of key_group");
}

static bool key_unreadable(const struct dcs_cache *cache, const char *path,
                           const struct dcs_err *why, struct dcs_err *err)
{
    struct dcs_fs_stat stat;

    if (!dcs_fs_stat(AT_FDCWD, path, &stat, NULL))
        return dcs_fail(err, DCS_E_KEY_FILE, "the private key: %s", why->text);
    dcs_fail(err, DCS_E_KEY_FILE,
             "%s (owner uid %u, group %u, mode %04o), this process has uid %u: %s", path, stat.uid,
             stat.gid, stat.mode & 07777, dcs_env_euid(cache->env), why->text);
    return dcs_hint(err,
                    "set key_group in the order's section to a group of this process, then run "
                    "digicert-store as root or the owner; or start the server as root");
}

static bool read_key_file(const struct dcs_cache *cache, const char *path,
                          struct dcs_secret *ret_pem, uint64_t *ret_stamp, struct dcs_err *err)
{
    struct dcs_fs_stat stat;
    struct dcs_err why = { 0 };

    if (!dcs_fs_read_secret(AT_FDCWD, path, KEY_FILE_MAX, ret_pem, &stat, &why))
        return key_unreadable(cache, path, &why, err);
    *ret_stamp = (stat.device * 31 + stat.inode) * 0x9E3779B97F4A7C15u ^
                 ((uint64_t)stat.mtime_s * 1000000007u + (uint64_t)stat.mtime_ns) ^
                 (uint64_t)stat.size << 48;
    return key_file_is_safe(cache, path, &stat, err);
}

/* Against facts.json: its size each time, its hash unless this very file was hashed before. */
static bool key_is_whole(const struct dcs_bundle *bundle, const struct dcs_facts_file *listed,
                         const struct dcs_secret *pem, uint64_t stamp, struct dcs_err *err)
{
    uint8_t hash[DCS_SHA256_LEN];

    if ((int64_t)pem->len == listed->size && dcs_bundle_key_was_checked(bundle, stamp))
        return true;
    if (!dcs_sha256(pem->data, pem->len, hash, err))
        return false;
    if ((int64_t)pem->len != listed->size || memcmp(hash, listed->sha256, sizeof(hash)) != 0)
        return dcs_fail(err, DCS_E_STATE, "it is damaged: it differs from what facts.json says");
    dcs_bundle_note_key_checked(bundle, stamp);
    return true;
}

bool dcs_cache_key(const struct dcs_cache *cache, const struct dcs_bundle *bundle,
                   struct dcs_key *ret_key, struct dcs_err *err)
{
    dcs_auto(dcs_secret) struct dcs_secret pem = { 0 };
    const struct dcs_facts_file *listed = dcs_facts_file(dcs_bundle_facts(bundle), "privkey.pem");
    char path[sizeof(cache->path) + DCS_GENERATION_DIR + 16];
    uint64_t stamp = 0;

    if (!listed || cache->fd == -1)
        return dcs_fail(err, DCS_E_NO_KEY, "the private key of %s is not here",
                        dcs_bundle_dir(bundle));
    if (!dcs_cache_path(cache, (const char *const[]){ dcs_bundle_dir(bundle), "privkey.pem", NULL },
                        path, sizeof(path)))
        return dcs_fail(err, DCS_E_STATE, "%s: the path is too long", cache->path);
    if (!read_key_file(cache, path, &pem, &stamp, err))
        return false;
    if (!key_is_whole(bundle, listed, &pem, stamp, err) ||
        !dcs_key_from_our_pem((const char *)pem.data, pem.len, ret_key, err))
        return dcs_fail_while(err, "%s", path);
    return true;
}

bool dcs_generation_spki(const struct dcs_cache *cache, const char *dir, const struct dcs_key *key,
                         uint8_t out[DCS_SHA256_LEN], struct dcs_err *err)
{
    dcs_auto(dcs_buf) struct dcs_buf csr = { .max = CSR_MAX };
    dcs_auto(dcs_bundle) struct dcs_bundle *bundle = NULL;
    char path[DCS_GENERATION_DIR + 256];

    if (key->form == DCS_KEY_PKCS8)
        return dcs_key_spki_sha256(key, out, err);
    snprintf(path, sizeof(path), "%s/csr.pem", dir);
    if (dcs_fs_read(cache->fd, path, CSR_MAX, &csr, NULL, NULL))
        return dcs_csr_spki_sha256(dcs_buf_text(&csr), out, err);
    if (!dcs_cache_load_dir(cache, dir, &bundle, err))
        return false;
    memcpy(out, dcs_bundle_facts(bundle)->leaf.spki_sha256, DCS_SHA256_LEN);
    return true;
}

bool dcs_cache_find_key(const struct dcs_cache *cache, int64_t order, const uint8_t *spki_sha256,
                        struct dcs_key *ret_key, struct dcs_err *err)
{
    dcs_auto(dcs_names) struct dcs_names names = { 0 };
    char path[sizeof(cache->path) + DCS_GENERATION_DIR + 256];

    snprintf(path, sizeof(path), "orders/%lld", (long long)order);
    if (!dcs_fs_list(cache->fd, path, 100000, &names, err))
        return false;
    for (size_t i = names.count; i > 0; i--) {
        dcs_auto(dcs_secret) struct dcs_secret pem = { 0 };
        dcs_auto(dcs_key) struct dcs_key key = { 0 };
        uint8_t hash[DCS_SHA256_LEN];
        char dir[DCS_GENERATION_DIR];
        uint64_t stamp = 0;
        if (strncmp(names.names[i - 1], "gen-", 4) != 0)
            continue;
        snprintf(dir, sizeof(dir), "orders/%lld/%.40s", (long long)order, names.names[i - 1]);
        snprintf(path, sizeof(path), "%s/%s/privkey.pem", cache->path, dir);
        if (!read_key_file(cache, path, &pem, &stamp, NULL) ||
            !dcs_key_from_our_pem((const char *)pem.data, pem.len, &key, NULL) ||
            !dcs_generation_spki(cache, dir, &key, hash, NULL) ||
            memcmp(hash, spki_sha256, sizeof(hash)) != 0)
            continue;
        *ret_key = dcs_key_take(&key);
        return true;
    }
    return dcs_fail(err, DCS_E_NOT_FOUND, "no key of order %lld fits", (long long)order);
}
