// SPDX-License-Identifier: Apache-2.0
/* fs_lock.c - flock files, record files under their lock, and files read line by line. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include "io/fs.h"
#include "io/fs_sys.h"

enum { LINE_MAX_BYTES = 65536, READ_AHEAD = 65536 };

/* Opens the lock, making it (with its final owner and mode) when it is missing. */
static bool open_lock(int at, const char *path, mode_t create_mode, struct dcs_fs_owner owner,
                      int *ret_fd, struct dcs_err *err)
{
    int fd = dcs_sys_open_lock(at, path);

    if (fd < 0 && errno == ENOENT && create_mode) {
        if (!dcs_fs_make_empty(at, path, create_mode, owner, err))
            return false;
        fd = dcs_sys_open_lock(at, path);
    }
    if (fd < 0) {
        if (errno == ENOENT)
            return dcs_fail(err, DCS_E_NOT_FOUND, "%s does not exist", path);
        return dcs_fail_errno(err, errno, "opening %s", path);
    }
    *ret_fd = fd;
    return true;
}

bool dcs_fs_opens_rw(int at, const char *path, mode_t create_mode, struct dcs_fs_owner owner,
                     struct dcs_err *err)
{
    dcs_auto(dcs_fd) int fd = -1;

    return open_lock(at, path, create_mode, owner, &fd, err);
}

/* Takes *fd when the lock is held. */
static bool lock_fd(int *fd, const char *path, bool *ret_held, struct dcs_lock *ret_lock,
                    struct dcs_err *err)
{
    while (flock(*fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno == EINTR)
            continue;
        if (errno != EWOULDBLOCK)
            return dcs_fail_errno(err, errno, "locking %s", path);
        *ret_held = false;
        return true;
    }
    ret_lock->fd = *fd;
    *fd = -1;
    *ret_held = true;
    return true;
}

bool dcs_lock_try(int at, const char *path, mode_t create_mode, struct dcs_fs_owner owner,
                  bool *ret_held, struct dcs_lock *ret_lock, struct dcs_err *err)
{
    dcs_auto(dcs_fd) int fd = -1;

    return open_lock(at, path, create_mode, owner, &fd, err) &&
           lock_fd(&fd, path, ret_held, ret_lock, err);
}

bool dcs_lock_try_dir(int dir, bool *ret_held, struct dcs_lock *ret_lock, struct dcs_err *err)
{
    dcs_auto(dcs_fd) int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return dcs_fail_errno(err, errno, "opening a directory");
    return lock_fd(&fd, "a directory", ret_held, ret_lock, err);
}

void dcs_lock_drop(struct dcs_lock *lock)
{
    if (!lock || lock->fd < 0)
        return;
    /* A forked child shares the descriptor: without this it would go on holding the lock. */
    flock(lock->fd, LOCK_UN);
    dcs_fd_drop(&lock->fd);
}

bool dcs_fs_read_locked(const struct dcs_lock *lock, void *out, size_t capacity, size_t *ret_len,
                        struct dcs_err *err)
{
    size_t len = 0;

    while (len < capacity) {
        ssize_t got = pread(lock->fd, (char *)out + len, capacity - len, (off_t)len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return dcs_fail_errno(err, errno, "reading a record file");
        if (got == 0)
            break;
        len += (size_t)got;
    }
    *ret_len = len;
    return true;
}

bool dcs_fs_write_locked(const struct dcs_lock *lock, const void *data, size_t len,
                         struct dcs_err *err)
{
    size_t done = 0;

    while (done < len) {
        ssize_t put = dcs_sys_pwrite(lock->fd, (const char *)data + done, len - done, (off_t)done);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return dcs_fail_errno(err, errno, "writing a record file");
        done += (size_t)put;
    }
    if (dcs_sys_ftruncate(lock->fd, (off_t)len) < 0)
        return dcs_fail_errno(err, errno, "writing a record file");
    return true;
}

/* ---- line by line ---- */

struct dcs_lines {
    int fd;
    size_t begin, end; /* of what is in the buffer and not given out yet */
    bool at_end, skipping;
    char buffer[READ_AHEAD + 1];
};

bool dcs_lines_open(int at, const char *path, struct dcs_lines **ret_lines, struct dcs_err *err)
{
    struct stat stat;
    dcs_auto(dcs_fd) int fd = openat(at, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return dcs_fail(err, DCS_E_NOT_FOUND, "%s does not exist", path);
    if (fd < 0 || fstat(fd, &stat) < 0)
        return dcs_fail_errno(err, errno, "%s", path);
    if (!S_ISREG(stat.st_mode))
        return dcs_fail(err, DCS_E_STATE, "%s is no regular file", path);
    struct dcs_lines *lines = dcs_alloc(1, sizeof(*lines), err);
    if (!lines)
        return false;
    lines->fd = fd;
    fd = -1;
    *ret_lines = lines;
    return true;
}

void dcs_lines_free(struct dcs_lines *lines)
{
    if (!lines)
        return;
    dcs_fd_drop(&lines->fd);
    free(lines);
}

void dcs_lines_drop(struct dcs_lines **lines)
{
    dcs_lines_free(*lines);
    *lines = NULL;
}

static bool refill(struct dcs_lines *lines, struct dcs_err *err)
{
    memmove(lines->buffer, lines->buffer + lines->begin, lines->end - lines->begin);
    lines->end -= lines->begin;
    lines->begin = 0;
    if (lines->end == READ_AHEAD) { /* no newline in all of it: too long to be one of ours */
        lines->end = 0;
        lines->skipping = true;
    }
    ssize_t got = read(lines->fd, lines->buffer + lines->end, READ_AHEAD - lines->end);
    if (got < 0 && errno == EINTR)
        return true;
    if (got < 0)
        return dcs_fail_errno(err, errno, "reading a listing");
    lines->end += (size_t)got;
    lines->at_end = got == 0;
    return true;
}

bool dcs_lines_next(struct dcs_lines *lines, const char **ret_line, struct dcs_err *err)
{
    for (;;) {
        char *start = lines->buffer + lines->begin;
        char *newline = memchr(start, '\n', lines->end - lines->begin);
        if (newline) {
            *newline = '\0';
            lines->begin = (size_t)(newline - lines->buffer) + 1;
            bool skip = lines->skipping || newline - start >= LINE_MAX_BYTES;
            lines->skipping = false;
            if (skip)
                continue;
            *ret_line = start;
            return true;
        }
        if (lines->at_end) {
            /* A last line without newline was cut off while it was written. */
            *ret_line = NULL;
            return true;
        }
        if (!refill(lines, err))
            return false;
    }
}
