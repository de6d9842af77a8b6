// SPDX-License-Identifier: Apache-2.0
/*
 * fs.c - bounded reads and writes that survive a power cut; the only file that opens files. Never
 * follows a link in the last part of a path unless a user named it.
 */
#include "io/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/fs_sys.h"

enum { TEMP_PATH = PATH_MAX + 64 };

void dcs_fd_drop(int *fd)
{
    int saved = errno;

    if (fd && *fd >= 0)
        close(*fd);
    if (fd)
        *fd = -1;
    errno = saved;
}

/* Missing is a code of its own, because callers go on from there. */
static bool fail_path(struct dcs_err *err, int error_number, const char *path)
{
    if (error_number == ENOENT || error_number == ENOTDIR)
        return dcs_fail(err, DCS_E_NOT_FOUND, "%s does not exist", path);
    return dcs_fail_errno(err, error_number, "%s", path);
}

static void fill_stat(const struct stat *from, struct dcs_fs_stat *ret_stat)
{
    *ret_stat = (struct dcs_fs_stat){ .device = from->st_dev,
                                      .inode = from->st_ino,
                                      .size = from->st_size,
                                      .mtime_s = from->st_mtim.tv_sec,
                                      .mtime_ns = from->st_mtim.tv_nsec,
                                      .uid = from->st_uid,
                                      .gid = from->st_gid,
                                      .mode = from->st_mode };
}

bool dcs_fs_open_dir(int at, const char *path, int *ret_fd, struct dcs_err *err)
{
    int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

    /* The state directory itself may be a link that its owner made. */
    if (fd < 0 && errno == ENOTDIR && at == AT_FDCWD)
        fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* Missing and in the way are two things: the first one is made, the second one is said. */
    struct dcs_fs_stat there;
    if (fd < 0 && errno == ENOTDIR && dcs_fs_stat(at, path, &there, NULL))
        return dcs_fail(err, DCS_E_STATE, "%s is no directory", path);
    if (fd < 0)
        return fail_path(err, errno, path);
    *ret_fd = fd;
    return true;
}

bool dcs_fs_stat(int at, const char *path, struct dcs_fs_stat *ret_stat, struct dcs_err *err)
{
    struct stat stat;

    if (fstatat(at, path, &stat, AT_SYMLINK_NOFOLLOW) < 0)
        return fail_path(err, errno, path);
    fill_stat(&stat, ret_stat);
    return true;
}

bool dcs_fs_stat_followed(const char *path, struct dcs_fs_stat *ret_stat, struct dcs_err *err)
{
    struct stat found;

    if (stat(path, &found) < 0)
        return fail_path(err, errno, path);
    fill_stat(&found, ret_stat);
    return true;
}

/* ---- reading ---- */

/* O_NONBLOCK: a FIFO in the place of a file must not hang; it is then refused as no file. */
static bool open_regular(int at, const char *path, int follow, size_t max, int *ret_fd,
                         struct stat *ret_stat, struct dcs_err *err)
{
    dcs_auto(dcs_fd) int fd = openat(at, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | follow);

    if (fd < 0 && errno == ELOOP)
        return dcs_fail(err, DCS_E_STATE, "%s is a symbolic link, which is not followed here",
                        path);
    if (fd < 0 || fstat(fd, ret_stat) < 0)
        return fail_path(err, errno, path);
    if (!S_ISREG(ret_stat->st_mode))
        return dcs_fail(err, DCS_E_STATE, "%s is no regular file", path);
    if (ret_stat->st_size < 0 || (uint64_t)ret_stat->st_size > max)
        return dcs_fail(err, DCS_E_STATE, "%s is larger than %zu bytes", path, max);
    *ret_fd = fd;
    fd = -1;
    return true;
}

/* Fills out with what the file holds, at most capacity; *ret_len capacity + 1 when there is more. */
static bool read_all(int fd, const char *path, void *out, size_t capacity, size_t *ret_len,
                     struct dcs_err *err)
{
    size_t len = 0;

    for (;;) {
        char beyond;
        bool full = len == capacity;
        ssize_t got = read(fd, full ? &beyond : (char *)out + len, full ? 1 : capacity - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return dcs_fail_errno(err, errno, "reading %s", path);
        len += (size_t)got;
        /* A regular file gives less than was asked for at its end only. */
        if (got == 0 || full || len < capacity) {
            *ret_len = len;
            return true;
        }
    }
}

static bool read_open_file(int fd, const char *path, const struct stat *stat, size_t max,
                           struct dcs_secret *ret_secret, struct dcs_err *err)
{
    dcs_auto(dcs_secret) struct dcs_secret secret = { 0 };
    size_t len = 0;

    if (!dcs_secret_new((size_t)stat->st_size, &secret, err) ||
        !read_all(fd, path, secret.data, secret.len + 1, &len,
                  err)) /* the NUL's place shows growth */
        return false;
    if (len > secret.len)
        return dcs_fail(err, DCS_E_STATE, "%s grew while it was read%s", path,
                        len > max ? " beyond its bound" : "");
    secret.len = len;
    secret.data[len] = '\0';
    *ret_secret = dcs_secret_take(&secret);
    return true;
}

static bool read_path(int at, const char *path, int follow, size_t max,
                      struct dcs_secret *ret_secret, struct dcs_fs_stat *ret_stat,
                      struct dcs_err *err)
{
    dcs_auto(dcs_fd) int fd = -1;
    struct stat stat;

    if (!open_regular(at, path, follow, max, &fd, &stat, err) ||
        !read_open_file(fd, path, &stat, max, ret_secret, err))
        return false;
    if (ret_stat)
        fill_stat(&stat, ret_stat);
    return true;
}

bool dcs_fs_read_secret(int at, const char *path, size_t max, struct dcs_secret *ret_secret,
                        struct dcs_fs_stat *ret_stat, struct dcs_err *err)
{
    return read_path(at, path, O_NOFOLLOW, max, ret_secret, ret_stat, err);
}

static bool read_into(int at, const char *path, int follow, size_t max, struct dcs_buf *buf,
                      struct dcs_fs_stat *ret_stat, struct dcs_err *err)
{
    dcs_auto(dcs_secret) struct dcs_secret bytes = { 0 };

    if (!read_path(at, path, follow, max, &bytes, ret_stat, err))
        return false;
    dcs_buf_add(buf, bytes.data, bytes.len);
    return dcs_buf_ok(buf, path, err);
}

bool dcs_fs_read(int at, const char *path, size_t max, struct dcs_buf *buf,
                 struct dcs_fs_stat *ret_stat, struct dcs_err *err)
{
    return read_into(at, path, O_NOFOLLOW, max, buf, ret_stat, err);
}

bool dcs_fs_read_user_file(const char *path, size_t max, struct dcs_buf *buf,
                           struct dcs_fs_stat *ret_stat, struct dcs_err *err)
{
    return read_into(AT_FDCWD, path, 0, max, buf, ret_stat, err);
}

bool dcs_fs_read_proc(const char *path, struct dcs_buf *buf, struct dcs_err *err)
{
    char text[4096];
    size_t len = 0;
    dcs_auto(dcs_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return fail_path(err, errno, path);
    if (!read_all(fd, path, text, sizeof(text), &len, err))
        return false;
    dcs_buf_add(buf, text, len < sizeof(text) ? len : sizeof(text));
    return dcs_buf_ok(buf, path, err);
}

void dcs_fs_boot_id(char out[DCS_BOOT_ID])
{
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = 4096 };

    memset(out, 0, DCS_BOOT_ID);
    if (dcs_fs_read_proc("/proc/sys/kernel/random/boot_id", &text, NULL))
        snprintf(out, DCS_BOOT_ID, "%.36s", dcs_buf_text(&text));
}

bool dcs_fs_read_link(int at, const char *link, char *out, size_t capacity, struct dcs_err *err)
{
    ssize_t len = readlinkat(at, link, out, capacity);

    if (len < 0 && errno == EINVAL)
        return dcs_fail(err, DCS_E_STATE, "%s is no symbolic link", link);
    if (len < 0)
        return fail_path(err, errno, link);
    if ((size_t)len >= capacity)
        return dcs_fail(err, DCS_E_STATE, "%s points to something too long", link);
    out[len] = '\0';
    return true;
}

/* ---- writing ---- */

/* DIR/.tmp-PID-COUNT: beside the final name, recognizable when its process was killed. */
static bool temporary_name(const char *path, char out[TEMP_PATH], struct dcs_err *err)
{
    static atomic_uint count;
    const char *slash = strrchr(path, '/');
    int dir_len = slash ? (int)(slash - path + 1) : 0;
    int len = snprintf(out, TEMP_PATH, "%.*s.tmp-%ld-%u", dir_len, path, (long)getpid(),
                       atomic_fetch_add(&count, 1));

    if (len < 0 || len >= TEMP_PATH)
        return dcs_fail(err, DCS_E_STATE, "%s: the path is too long", path);
    return true;
}

static bool sync_parent(int at, const char *path, struct dcs_err *err)
{
    char parent[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int len = slash ? (int)(slash - path) : 0;

    if (len >= PATH_MAX)
        return dcs_fail(err, DCS_E_STATE, "%s: the path is too long", path);
    snprintf(parent, sizeof(parent), "%.*s", len, path);
    return dcs_fs_sync_dir(at, len ? parent : slash ? "/" : ".", err);
}

bool dcs_fs_sync_dir(int at, const char *path, struct dcs_err *err)
{
    dcs_auto(dcs_fd) int fd = -1;

    if (!dcs_fs_open_dir(at, path, &fd, err))
        return false;
    if (dcs_sys_fsync(fd) < 0)
        return dcs_fail_errno(err, errno, "fsync of %s", path);
    return true;
}

static bool write_all(int fd, const char *path, const void *data, size_t len, struct dcs_err *err)
{
    const char *at = data;

    while (len > 0) {
        ssize_t done = dcs_sys_write(fd, at, len);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return dcs_fail_errno(err, errno, "writing %s", path);
        at += done;
        len -= (size_t)done;
    }
    return true;
}

/* Owner before mode: the file is 0600 and ours until both fit, never wider for a moment. */
static bool set_owner_and_mode(int fd, const char *path, mode_t mode, struct dcs_fs_owner owner,
                               struct dcs_err *err)
{
    bool leave = owner.uid == (uid_t)-1 && owner.gid == (gid_t)-1;

    if (!leave && dcs_sys_fchown(fd, owner.uid, owner.gid) < 0) {
        dcs_fail_errno(err, errno, "giving %s to uid %d, group %d", path, (int)owner.uid,
                       (int)owner.gid);
        return dcs_hint(err,
                        "the owner of the state directory must be a member of key_group, or run "
                        "this as root");
    }
    if (dcs_sys_fchmod(fd, mode) < 0)
        return dcs_fail_errno(err, errno, "setting the mode of %s", path);
    return true;
}

bool dcs_fs_set_dir(int fd, mode_t mode, struct dcs_fs_owner owner, struct dcs_err *err)
{
    if (!set_owner_and_mode(fd, "the directory", mode, owner, err))
        return false;
    return dcs_sys_fsync(fd) == 0 || dcs_fail_errno(err, errno, "fsync of a directory");
}

struct new_file {
    const void *data;
    size_t len;
    mode_t mode;
    struct dcs_fs_owner owner;
    bool durable, only_if_missing;
};

static bool fill_new_file(int fd, const char *path, const struct new_file *file,
                          struct dcs_err *err)
{
    if (!set_owner_and_mode(fd, path, file->mode, file->owner, err) ||
        !write_all(fd, path, file->data, file->len, err))
        return false;
    if (file->durable && dcs_sys_fsync(fd) < 0)
        return dcs_fail_errno(err, errno, "fsync of %s", path);
    return true;
}

static bool replace_file(int at, const char *path, const struct new_file *file, struct dcs_err *err)
{
    char temporary[TEMP_PATH];

    if (!temporary_name(path, temporary, err))
        return false;
    int fd = dcs_sys_open_new(at, temporary);
    if (fd < 0)
        return dcs_fail_errno(err, errno, "creating %s", path);
    bool filled = fill_new_file(fd, path, file, err);
    /* close reports delayed write errors on some file systems */
    if (close(fd) < 0 && filled)
        filled = dcs_fail_errno(err, errno, "closing %s", path);
    bool placed = filled && (file->only_if_missing ? dcs_sys_rename_new(at, temporary, path)
                                                   : dcs_sys_rename(at, temporary, path)) == 0;
    if (placed)
        return !file->durable || sync_parent(at, path, err);
    if (filled && !(file->only_if_missing && errno == EEXIST))
        filled = dcs_fail_errno(err, errno, "renaming to %s", path);
    dcs_sys_unlink(at, temporary, 0);
    return filled;
}

bool dcs_fs_write(int at, const char *path, const void *data, size_t len, mode_t mode,
                  struct dcs_fs_owner owner, struct dcs_err *err)
{
    return replace_file(at, path, &(struct new_file){ data, len, mode, owner, true, false }, err);
}

bool dcs_fs_write_hint(int at, const char *path, const void *data, size_t len, mode_t mode,
                       struct dcs_fs_owner owner, struct dcs_err *err)
{
    return replace_file(at, path, &(struct new_file){ data, len, mode, owner, false, false }, err);
}

bool dcs_fs_make_empty(int at, const char *path, mode_t mode, struct dcs_fs_owner owner,
                       struct dcs_err *err)
{
    return replace_file(at, path, &(struct new_file){ "", 0, mode, owner, false, true }, err);
}

bool dcs_fs_append(int at, const char *path, const void *data, size_t len, mode_t mode,
                   struct dcs_fs_owner owner, struct dcs_err *err)
{
    dcs_auto(dcs_fd) int fd = dcs_sys_open_append(at, path);

    if (fd < 0)
        return fail_path(err, errno, path);
    return fill_new_file(fd, path, &(struct new_file){ data, len, mode, owner, true, false }, err);
}

/* beside: where the temporary link stands, beside that path. */
static bool switch_link(int at, const char *link, const char *target, struct dcs_fs_owner owner,
                        const char *beside, struct dcs_err *err)
{
    char temporary[TEMP_PATH];
    bool leave = owner.uid == (uid_t)-1 && owner.gid == (gid_t)-1;

    if (!temporary_name(beside, temporary, err))
        return false;
    if (dcs_sys_symlink(target, at, temporary) < 0)
        return dcs_fail_errno(err, errno, "creating the link %s", link);
    if ((!leave && dcs_sys_lchown(at, temporary, owner.uid, owner.gid) < 0) ||
        dcs_sys_rename(at, temporary, link) < 0) {
        dcs_fail_errno(err, errno, "switching %s to %s", link, target);
        dcs_sys_unlink(at, temporary, 0);
        return false;
    }
    return true;
}

bool dcs_fs_switch_link(int at, const char *link, const char *target, struct dcs_fs_owner owner,
                        struct dcs_err *err)
{
    return switch_link(at, link, target, owner, link, err) && sync_parent(at, link, err);
}

bool dcs_fs_link_hint(int at, const char *link, const char *target, struct dcs_fs_owner owner,
                      struct dcs_err *err)
{
    char dir[PATH_MAX];
    const char *slash = strrchr(link, '/');

    snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - link) : 0, link);
    return switch_link(at, link, target, owner, slash ? dir : link, err);
}

bool dcs_fs_rename(int at, const char *from, const char *to, struct dcs_err *err)
{
    if (dcs_sys_rename(at, from, to) < 0)
        return fail_path(err, errno, from);
    return sync_parent(at, to, err);
}

/* It gets its name when its owner and mode are final: a process that is killed on the way leaves no
 * directory that others cannot enter. */
static bool make_new_dir(int at, const char *path, mode_t mode, struct dcs_fs_owner owner,
                         struct dcs_err *err)
{
    char temporary[TEMP_PATH];
    dcs_auto(dcs_fd) int fd = -1;

    if (!temporary_name(path, temporary, err))
        return false;
    if (dcs_sys_mkdir(at, temporary) < 0)
        return fail_path(err, errno, path);
    bool good =
        dcs_fs_open_dir(at, temporary, &fd, err) && set_owner_and_mode(fd, path, mode, owner, err);
    if (good && dcs_sys_rename_new(at, temporary, path) == 0)
        return sync_parent(at, path, err);
    if (good && errno != EEXIST && errno != ENOTEMPTY) /* else somebody else was first */
        good = dcs_fail_errno(err, errno, "renaming to %s", path);
    dcs_sys_unlink(at, temporary, AT_REMOVEDIR);
    return good;
}

bool dcs_fs_make_dir(int at, const char *path, mode_t mode, struct dcs_fs_owner owner,
                     struct dcs_err *err)
{
    struct dcs_fs_stat there;

    if (!dcs_fs_stat(at, path, &there, NULL))
        return make_new_dir(at, path, mode, owner, err);
    /* The state directory itself may be a link; what it leads to shows when it is opened. */
    return S_ISDIR(there.mode) || S_ISLNK(there.mode) ||
           dcs_fail(err, DCS_E_STATE, "%s is no directory", path);
}

bool dcs_fs_remove(int at, const char *path, struct dcs_err *err)
{
    if (dcs_sys_unlink(at, path, 0) < 0 && errno != ENOENT)
        return dcs_fail_errno(err, errno, "removing %s", path);
    return true;
}
