// SPDX-License-Identifier: Apache-2.0
/*
 * copy.c - writes copies of pairs into directories that others own. Works on descriptors; follows no
 * link in DIR, and believes nothing that lies there without comparing it.
 */
#include "flow/copy.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { LOCK_POLL_MS = 50, LOCK_WAIT_MS = 10000 };
enum { FILES = 5, PEM_MAX = 1 << 19, NAMES_MAX = 10000, KEPT = 2, CERTS_MAX = 16 };

struct file {
    const char *name;
    bool is_key;
    struct dcs_buf text;
};

struct copying {
    const struct dcs_copy *copy;
    int dir; /* of DIR; flock'ed while copying */
    struct file files[FILES];
    char names[KEPT + 1][16]; /* generation directories there, newest first */
    size_t name_count;
    int64_t highest;
};

static void copying_drop(struct copying *c)
{
    dcs_fd_drop(&c->dir);
    for (size_t i = 0; i < FILES; i++)
        dcs_buf_clear(&c->files[i].text);
}

/* ---- what is to lie there ---- */

static bool add_certs(const struct dcs_cert_list *certs, size_t first, size_t end,
                      struct dcs_buf *pem, struct dcs_err *err)
{
    for (size_t i = first; i < end; i++) {
        struct dcs_bytes der = dcs_cert_der(certs->certs[i]);
        if (!dcs_pem_add(pem, "CERTIFICATE", der.data, der.len, err))
            return false;
    }
    return true;
}

static bool fill_files(struct copying *c, struct dcs_err *err)
{
    static const struct {
        const char *name;
        bool has_key;
        size_t first, end; /* certificates */
    } rows[FILES] = { { "cert.pem", false, 0, 1 },
                      { "chain.pem", false, 1, CERTS_MAX },
                      { "fullchain.pem", false, 0, CERTS_MAX },
                      { "privkey.pem", true, 0, 0 },
                      { "combined.pem", true, 0, CERTS_MAX } };

    for (size_t i = 0; i < FILES; i++) {
        struct file *file = &c->files[i];
        size_t count = c->copy->certs->count;
        *file = (struct file){ rows[i].name, rows[i].has_key, { .max = PEM_MAX, .secret = true } };
        if ((file->is_key && !dcs_key_to_pem(c->copy->key, &file->text, err)) ||
            !add_certs(c->copy->certs, rows[i].first, rows[i].end < count ? rows[i].end : count,
                       &file->text, err) ||
            !dcs_buf_ok(&file->text, file->name, err))
            return false;
    }
    return true;
}

static mode_t mode_of(const struct copying *c, const struct file *file)
{
    return file->is_key ? c->copy->key_mode : 0644;
}

/* ---- what lies there ---- */

static bool owner_fits(const struct dcs_copy *copy, const struct dcs_fs_stat *stat)
{
    return (copy->owner.uid == (uid_t)-1 || stat->uid == copy->owner.uid) &&
           (copy->owner.gid == (gid_t)-1 || stat->gid == copy->owner.gid);
}

static bool file_fits(const struct copying *c, int generation, const struct file *file)
{
    dcs_auto(dcs_secret) struct dcs_secret there = { 0 };
    struct dcs_fs_stat stat;

    return dcs_fs_read_secret(generation, file->name, PEM_MAX, &there, &stat, NULL) &&
           there.len == file->text.len &&
           (there.len == 0 || memcmp(there.data, file->text.data, there.len) == 0) &&
           owner_fits(c->copy, &stat) && (stat.mode & 07777) == mode_of(c, file);
}

static bool generation_fits(const struct copying *c, const char *name)
{
    dcs_auto(dcs_fd) int fd = -1;

    if (!dcs_fs_open_dir(c->dir, name, &fd, NULL))
        return false;
    for (size_t i = 0; i < FILES; i++)
        if (!file_fits(c, fd, &c->files[i]))
            return false;
    return true;
}

/* "gen-0007", as DIR/current names it; never a path. */
static bool is_generation(const char *name, int64_t *ret_number)
{
    return strncmp(name, "gen-", 4) == 0 && strlen(name) >= 8 && strlen(name) < 16 &&
           name[4] != '-' && dcs_parse_i64(name + 4, 1, 9999999999, ret_number);
}

static bool current_name(int dir, char out[16])
{
    int64_t number = 0;

    return dcs_fs_read_link(dir, "current", out, 16, NULL) && is_generation(out, &number);
}

static bool look_around(struct copying *c, struct dcs_err *err)
{
    dcs_auto(dcs_names) struct dcs_names names = { 0 };
    int64_t numbers[KEPT + 1] = { 0 };

    if (!dcs_fs_list(c->dir, ".", NAMES_MAX, &names, err))
        return false;
    for (size_t i = 0; i < names.count; i++) {
        int64_t number = 0;
        if (!is_generation(names.names[i], &number))
            continue;
        size_t at = c->name_count < KEPT + 1 ? c->name_count++ : KEPT;
        if (at == KEPT && numbers[KEPT] > number)
            continue;
        for (; at > 0 && numbers[at - 1] < number; at--) {
            numbers[at] = numbers[at - 1];
            memcpy(c->names[at], c->names[at - 1], sizeof(c->names[at]));
        }
        numbers[at] = number;
        snprintf(c->names[at], sizeof(c->names[at]), "%s", names.names[i]);
        c->highest = number > c->highest ? number : c->highest;
    }
    return true;
}

static bool copying_begin(struct copying *c, const struct dcs_copy *copy, struct dcs_err *err)
{
    c->copy = copy;
    return fill_files(c, err) &&
           dcs_fs_open_trusted_dir(copy->dir, copy->owner.uid, copy->owner, &c->dir, err);
}

/* ---- making one ---- */

static bool write_files(const struct copying *c, int fd, struct dcs_err *err)
{
    for (size_t i = 0; i < FILES; i++) {
        const struct file *file = &c->files[i];
        if (!dcs_fs_write(fd, file->name, dcs_buf_text(&file->text), file->text.len,
                          mode_of(c, file), c->copy->owner, err))
            return false;
    }
    return true;
}

/* Nobody else can enter it until it is whole. */
static bool write_generation(struct copying *c, const char *name, struct dcs_err *err)
{
    dcs_auto(dcs_fd) int fd = -1;
    char temporary[32];

    snprintf(temporary, sizeof(temporary), ".tmp-%s", name);
    if (!dcs_fs_remove_dir(c->dir, temporary, err) ||
        !dcs_fs_make_dir(c->dir, temporary, 0700, DCS_FS_OWNER_SELF, err) ||
        !dcs_fs_open_dir(c->dir, temporary, &fd, err))
        return false;
    if (write_files(c, fd, err) && dcs_fs_set_dir(fd, 0755, c->copy->owner, err) &&
        dcs_fs_rename(c->dir, temporary, name, err))
        return true;
    (void)!dcs_fs_remove_dir(c->dir, temporary, NULL);
    return false;
}

/* The one that is wanted when it is there already, as after a rollback. */
static bool find_or_write(struct copying *c, char ret_name[16], struct dcs_err *err)
{
    for (size_t i = 0; i < c->name_count; i++) {
        if (!generation_fits(c, c->names[i]))
            continue;
        snprintf(ret_name, 16, "%s", c->names[i]);
        return true;
    }
    if (c->highest < 0 || c->highest >= 9999999999)
        return dcs_fail(err, DCS_E_STATE, "%.200s: no number is left for another copy",
                        c->copy->dir);
    snprintf(ret_name, 16, "gen-%04lld", (long long)(c->highest + 1) % 10000000000);
    return write_generation(c, ret_name, err);
}

/* Of a directory or a link that was on its way. */
static bool is_temporary(const char *name)
{
    return strncmp(name, ".tmp-gen-", 9) == 0 ||
           (strncmp(name, ".tmp-", 5) == 0 && name[5] >= '0' && name[5] <= '9');
}

/* What a killed run left, and all copies but the new one and the one before. What cannot be removed is
 * no reason to fail: the copy is there. before: NULL where no copy was made, and all stay. */
static void clean_up(const struct copying *c, const char *name, const char *before)
{
    dcs_auto(dcs_names) struct dcs_names names = { 0 };
    int64_t number = 0;

    if (!dcs_fs_list(c->dir, ".", NAMES_MAX, &names, NULL))
        return;
    for (size_t i = 0; i < names.count; i++) {
        const char *there = names.names[i];
        bool is_old = before && is_generation(there, &number) && strcmp(there, name) != 0 &&
                      strcmp(there, before) != 0;
        if (!is_old && !is_temporary(there))
            continue;
        if (!dcs_fs_remove(c->dir, there, NULL))
            (void)!dcs_fs_remove_dir(c->dir, there, NULL);
    }
}

static bool copy_locked(struct copying *c, char ret_name[16], struct dcs_err *err)
{
    char before[16] = "";

    if (!look_around(c, err))
        return false;
    if (!current_name(c->dir, before))
        before[0] = '\0';
    if (before[0] && generation_fits(c, before)) {
        snprintf(ret_name, 16, "%s", before);
        clean_up(c, before, NULL);
        return true;
    }
    if (!find_or_write(c, ret_name, err))
        return false;
    if (strcmp(before, ret_name) != 0 &&
        !dcs_fs_switch_link(c->dir, "current", ret_name, c->copy->owner, err))
        return false;
    clean_up(c, ret_name, before);
    return true;
}

/* Who owns DIR can hold the lock for ever. */
static bool lock_dir(const struct copying *c, struct dcs_lock *ret_lock, struct dcs_err *err)
{
    struct dcs_deadline deadline = dcs_deadline_in(c->copy->env, LOCK_WAIT_MS);
    bool held = false;

    for (;;) {
        if (!dcs_lock_try_dir(c->dir, &held, ret_lock, err))
            return false;
        if (held)
            return true;
        if (dcs_deadline_left_ms(c->copy->env, deadline) == 0)
            return dcs_fail(err, DCS_E_TIMEOUT, "another process holds a lock on it");
        dcs_env_sleep_ms(c->copy->env, LOCK_POLL_MS);
    }
}

bool dcs_copy_make(const struct dcs_copy *copy, char ret_name[16], struct dcs_err *err)
{
    dcs_auto(copying) struct copying c = { .dir = -1 };
    dcs_auto(dcs_lock) struct dcs_lock lock = DCS_LOCK_NONE;

    if (!copying_begin(&c, copy, err) || !lock_dir(&c, &lock, err) ||
        !copy_locked(&c, ret_name, err))
        return dcs_fail_while(err, "copying to %.200s", copy->dir);
    return true;
}

/* ---- looking at one ---- */

bool dcs_copy_is_fresh(const struct dcs_copy *copy)
{
    dcs_auto(copying) struct copying c = { .dir = -1 };
    struct dcs_fs_stat there;
    char name[16];

    return dcs_fs_stat_followed(copy->dir, &there, NULL) && copying_begin(&c, copy, NULL) &&
           current_name(c.dir, name) && generation_fits(&c, name);
}

static bool pair_in(int fd, struct dcs_cert_info *ret_leaf, struct dcs_err *err)
{
    dcs_auto(dcs_buf) struct dcs_buf chain = { .max = PEM_MAX };
    dcs_auto(dcs_secret) struct dcs_secret pem = { 0 };
    dcs_auto(dcs_cert_list) struct dcs_cert_list certs = { 0 };
    dcs_auto(dcs_key) struct dcs_key key = { 0 };
    uint8_t hash[DCS_SHA256_LEN];

    if (!dcs_fs_read(fd, "fullchain.pem", PEM_MAX, &chain, NULL, err) ||
        !dcs_certs_from_pem(dcs_buf_text(&chain), chain.len, CERTS_MAX, &certs, err) ||
        !dcs_fs_read_secret(fd, "privkey.pem", PEM_MAX, &pem, NULL, err) ||
        !dcs_key_from_our_pem((const char *)pem.data, pem.len, &key, err))
        return false;
    *ret_leaf = *dcs_cert_info(certs.certs[0]);
    if (key.form != DCS_KEY_PKCS8)
        return true;
    return dcs_key_spki_sha256(&key, hash, err) &&
           (memcmp(hash, ret_leaf->spki_sha256, sizeof(hash)) == 0 ||
            dcs_fail(err, DCS_E_REJECTED, "key and certificate do not belong together"));
}

bool dcs_copy_usable(const char *dir, struct dcs_cert_info *ret_leaf, struct dcs_err *err)
{
    dcs_auto(dcs_fd) int fd = -1;
    dcs_auto(dcs_fd) int generation = -1;
    char name[16];

    if (!dcs_fs_open_dir(AT_FDCWD, dir, &fd, err))
        return false;
    if (!current_name(fd, name))
        return dcs_fail(err, DCS_E_NOT_FOUND, "there is no pair in %.300s", dir);
    return dcs_fs_open_dir(fd, name, &generation, err) && pair_in(generation, ret_leaf, err);
}
