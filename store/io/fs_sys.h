/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fs_sys.h - every system call of ours that changes a file system, one line each and in one place,
 * so that a recorder can stand here. Only io/fs* includes it. Conventions are those of the calls.
 */
#ifndef DCS_IO_FS_SYS_H
#define DCS_IO_FS_SYS_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* A new file, 0600 until its owner and mode are set. */
static inline int dcs_sys_open_new(int at, const char *path)
{
    return openat(at, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static inline int dcs_sys_open_append(int at, const char *path)
{
    return openat(at, path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

static inline int dcs_sys_open_lock(int at, const char *path)
{
    return openat(at, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

static inline ssize_t dcs_sys_write(int fd, const void *data, size_t len)
{
    return write(fd, data, len);
}

static inline ssize_t dcs_sys_pwrite(int fd, const void *data, size_t len, off_t offset)
{
    return pwrite(fd, data, len, offset);
}

static inline int dcs_sys_ftruncate(int fd, off_t len)
{
    return ftruncate(fd, len);
}

static inline int dcs_sys_fsync(int fd)
{
    return fsync(fd);
}

static inline int dcs_sys_fchown(int fd, uid_t uid, gid_t gid)
{
    return fchown(fd, uid, gid);
}

static inline int dcs_sys_lchown(int at, const char *path, uid_t uid, gid_t gid)
{
    return fchownat(at, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}

static inline int dcs_sys_fchmod(int fd, mode_t mode)
{
    return fchmod(fd, mode);
}

static inline int dcs_sys_symlink(const char *target, int at, const char *path)
{
    return symlinkat(target, at, path);
}

static inline int dcs_sys_rename(int at, const char *from, const char *to)
{
    return renameat(at, from, at, to);
}

/* EEXIST when there is something of that name already, also an empty directory. */
static inline int dcs_sys_rename_new(int at, const char *from, const char *to)
{
    int done = renameat2(at, from, at, to, RENAME_NOREPLACE);

    /* A file system without that flag: the name was looked at a moment ago. */
    return done < 0 && (errno == EINVAL || errno == ENOSYS) ? renameat(at, from, at, to) : done;
}

static inline int dcs_sys_unlink(int at, const char *path, int flags)
{
    return unlinkat(at, path, flags);
}

/* 0700 until its owner and mode are set. */
static inline int dcs_sys_mkdir(int at, const char *path)
{
    return mkdirat(at, path, 0700);
}

#endif
