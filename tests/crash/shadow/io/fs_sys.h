/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fs_sys.h - stands before store/io/fs_sys.h in the crash test's own copy of io/fs: each call is a
 * point at which the process may be killed or refused, and is recorded when it was done. The calls
 * themselves are the shipped ones, included below under other names.
 */
#ifndef DCS_IO_FS_SYS_H

#define dcs_sys_open_new shipped_open_new
#define dcs_sys_open_append shipped_open_append
#define dcs_sys_open_lock shipped_open_lock
#define dcs_sys_write shipped_write
#define dcs_sys_pwrite shipped_pwrite
#define dcs_sys_ftruncate shipped_ftruncate
#define dcs_sys_fsync shipped_fsync
#define dcs_sys_fchown shipped_fchown
#define dcs_sys_lchown shipped_lchown
#define dcs_sys_fchmod shipped_fchmod
#define dcs_sys_symlink shipped_symlink
#define dcs_sys_rename shipped_rename
#define dcs_sys_rename_new shipped_rename_new
#define dcs_sys_unlink shipped_unlink
#define dcs_sys_mkdir shipped_mkdir
#include "../../../../store/io/fs_sys.h"
#undef dcs_sys_open_new
#undef dcs_sys_open_append
#undef dcs_sys_open_lock
#undef dcs_sys_write
#undef dcs_sys_pwrite
#undef dcs_sys_ftruncate
#undef dcs_sys_fsync
#undef dcs_sys_fchown
#undef dcs_sys_lchown
#undef dcs_sys_fchmod
#undef dcs_sys_symlink
#undef dcs_sys_rename
#undef dcs_sys_rename_new
#undef dcs_sys_unlink
#undef dcs_sys_mkdir

#include "crash_point.h"

static inline int dcs_sys_open_new(int at, const char *path)
{
    if (!crash_may(CRASH_FS))
        return -1;
    int fd = shipped_open_new(at, path);
    if (fd >= 0)
        crash_record_path("create", at, path, NULL, 0);
    return fd;
}

/* An existing file is opened: nothing changes yet, but a read-only file system says no here. */
static inline int dcs_sys_open_append(int at, const char *path)
{
    return crash_may(CRASH_FS) ? shipped_open_append(at, path) : -1;
}

static inline int dcs_sys_open_lock(int at, const char *path)
{
    return crash_may(CRASH_FS) ? shipped_open_lock(at, path) : -1;
}

static inline ssize_t dcs_sys_write(int fd, const void *data, size_t len)
{
    ssize_t done = crash_may_write(&len) ? shipped_write(fd, data, len) : -1;

    if (done >= 0)
        crash_record_data("write", fd, data, (size_t)done, -1);
    crash_after_write();
    return done;
}

static inline ssize_t dcs_sys_pwrite(int fd, const void *data, size_t len, off_t offset)
{
    ssize_t done = crash_may_write(&len) ? shipped_pwrite(fd, data, len, offset) : -1;

    if (done >= 0)
        crash_record_data("write", fd, data, (size_t)done, offset);
    crash_after_write();
    return done;
}

static inline int dcs_sys_ftruncate(int fd, off_t len)
{
    int done = crash_may(CRASH_FS) ? shipped_ftruncate(fd, len) : -1;

    if (done == 0)
        crash_record_data("truncate", fd, "", 0, len);
    return done;
}

static inline int dcs_sys_fsync(int fd)
{
    int done = crash_may(CRASH_FS) ? shipped_fsync(fd) : -1;

    if (done == 0)
        crash_record_data("fsync", fd, "", 0, 0);
    return done;
}

static inline int dcs_sys_fchown(int fd, uid_t uid, gid_t gid)
{
    return crash_may(CRASH_FS) ? shipped_fchown(fd, uid, gid) : -1;
}

static inline int dcs_sys_lchown(int at, const char *path, uid_t uid, gid_t gid)
{
    return crash_may(CRASH_FS) ? shipped_lchown(at, path, uid, gid) : -1;
}

static inline int dcs_sys_fchmod(int fd, mode_t mode)
{
    int done = crash_may(CRASH_FS) ? shipped_fchmod(fd, mode) : -1;

    if (done == 0)
        crash_record_data("chmod", fd, "", 0, mode);
    return done;
}

static inline int dcs_sys_symlink(const char *target, int at, const char *path)
{
    int done = crash_may(CRASH_FS) ? shipped_symlink(target, at, path) : -1;

    if (done == 0)
        crash_record_path("symlink", at, path, target, 0);
    return done;
}

static inline int dcs_sys_rename(int at, const char *from, const char *to)
{
    int done = crash_may(CRASH_FS) ? shipped_rename(at, from, to) : -1;

    if (done == 0)
        crash_record_path("rename", at, from, to, 1);
    return done;
}

static inline int dcs_sys_rename_new(int at, const char *from, const char *to)
{
    int done = crash_may(CRASH_FS) ? shipped_rename_new(at, from, to) : -1;

    if (done == 0)
        crash_record_path("rename", at, from, to, 1);
    return done;
}

static inline int dcs_sys_unlink(int at, const char *path, int flags)
{
    int done = crash_may(CRASH_FS) ? shipped_unlink(at, path, flags) : -1;

    if (done == 0)
        crash_record_path("unlink", at, path, NULL, 0);
    return done;
}

static inline int dcs_sys_mkdir(int at, const char *path)
{
    int done = crash_may(CRASH_FS) ? shipped_mkdir(at, path) : -1;

    if (done == 0)
        crash_record_path("mkdir", at, path, NULL, 0);
    return done;
}

#endif
