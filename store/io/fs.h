/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fs.h - the only door to files: bounded reads, writes that survive a power cut, links, locks.
 *
 * Paths are relative to a directory descriptor (AT_FDCWD allowed). Everything opens O_CLOEXEC and
 * O_NOFOLLOW. A missing file or directory is DCS_E_NOT_FOUND, all else DCS_E_STATE with the path
 * and strerror. Every write is: temporary file, fchmod/fchown, fsync, rename, fsync of the
 * directory; a failed fsync is a failed write. Directory descriptors are plain ints, closed with
 * dcs_fd_drop (dcs_auto(dcs_fd) int fd = -1).
 */
#ifndef DCS_IO_FS_H
#define DCS_IO_FS_H

#include <sys/types.h>

#include "base/buf.h"

void dcs_fd_drop(int *fd); /* closes, sets -1; keeps errno */

struct dcs_fs_stat {
    uint64_t device, inode;
    int64_t size;
    int64_t mtime_s, mtime_ns;
    uid_t uid;
    gid_t gid;
    mode_t mode; /* with the type bits */
};

/* Who owns what is created; (uid_t)-1 leaves it to the process. */
struct dcs_fs_owner {
    uid_t uid;
    gid_t gid;
};
#define DCS_FS_OWNER_SELF ((struct dcs_fs_owner){ (uid_t)-1, (gid_t)-1 })

bool dcs_fs_open_dir(int at, const char *path, int *ret_fd, struct dcs_err *err) DCS_CHECKED;
/*
 * A directory that a privileged process will write into, by its absolute path, name by name: each
 * directory on the way belongs to root, this euid or `allowed` and is not open to everybody's renames;
 * links are followed only where root made them. The last one is made when it is missing (0755, for
 * `owner`); it must belong to root, this euid or `allowed`. Without privilege there is nothing to
 * abuse: then only the last one is looked at.
 */
bool dcs_fs_open_trusted_dir(const char *path, uid_t allowed, struct dcs_fs_owner owner,
                             int *ret_fd, struct dcs_err *err) DCS_CHECKED;
/* Makes one directory with exactly that mode and owner (never wider for a moment); existing is fine. */
bool dcs_fs_make_dir(int at, const char *path, mode_t mode, struct dcs_fs_owner owner,
                     struct dcs_err *err) DCS_CHECKED;
/* Gives an open directory its final owner and mode, and syncs it. */
bool dcs_fs_set_dir(int fd, mode_t mode, struct dcs_fs_owner owner,
                    struct dcs_err *err) DCS_CHECKED;
bool dcs_fs_stat(int at, const char *path, struct dcs_fs_stat *ret_stat,
                 struct dcs_err *err) DCS_CHECKED; /* does not follow a link in the last part */
/* For a path that a user named: links are followed. */
bool dcs_fs_stat_followed(const char *path, struct dcs_fs_stat *ret_stat,
                          struct dcs_err *err) DCS_CHECKED;
/* A regular file of at most max bytes, appended to *buf; ret_stat (may be NULL) is of the opened file. */
bool dcs_fs_read(int at, const char *path, size_t max, struct dcs_buf *buf,
                 struct dcs_fs_stat *ret_stat, struct dcs_err *err) DCS_CHECKED;
/* The same into wiped memory. */
bool dcs_fs_read_secret(int at, const char *path, size_t max, struct dcs_secret *ret_secret,
                        struct dcs_fs_stat *ret_stat, struct dcs_err *err) DCS_CHECKED;
/* Like dcs_fs_read for a file that a user names on a command line or in the configuration: links
 * are followed. */
bool dcs_fs_read_user_file(const char *path, size_t max, struct dcs_buf *buf,
                           struct dcs_fs_stat *ret_stat, struct dcs_err *err) DCS_CHECKED;
/* A small file of the kernel's, whose size stat does not tell; 4 KiB at most, links followed. */
bool dcs_fs_read_proc(const char *path, struct dcs_buf *buf, struct dcs_err *err) DCS_CHECKED;
/* Which boot CLOCK_BOOTTIME counts from; "" when the kernel does not tell. */
enum { DCS_BOOT_ID = 37 };
void dcs_fs_boot_id(char out[DCS_BOOT_ID]);
bool dcs_fs_write(int at, const char *path, const void *data, size_t len, mode_t mode,
                  struct dcs_fs_owner owner, struct dcs_err *err) DCS_CHECKED;
/* No fsync: for hints whose loss costs nothing (budget, away marks). Still atomic. */
bool dcs_fs_write_hint(int at, const char *path, const void *data, size_t len, mode_t mode,
                       struct dcs_fs_owner owner, struct dcs_err *err) DCS_CHECKED;
/* An empty file, with its owner and mode from the moment it has its name; existing is fine. */
bool dcs_fs_make_empty(int at, const char *path, mode_t mode, struct dcs_fs_owner owner,
                       struct dcs_err *err) DCS_CHECKED;
/* Points link at target, atomically: temporary link, rename, fsync of the directory. */
bool dcs_fs_switch_link(int at, const char *link, const char *target, struct dcs_fs_owner owner,
                        struct dcs_err *err) DCS_CHECKED;
/* The same without fsync: index entries, which are rebuilt when lost. Each has a directory of its own,
 * so what a killed process leaves stands beside that, where it is found without looking in all. */
bool dcs_fs_link_hint(int at, const char *link, const char *target, struct dcs_fs_owner owner,
                      struct dcs_err *err) DCS_CHECKED;
/* The target of a link into out; DCS_E_NOT_FOUND when there is no such link. */
bool dcs_fs_read_link(int at, const char *link, char *out, size_t capacity,
                      struct dcs_err *err) DCS_CHECKED;
bool dcs_fs_rename(int at, const char *from, const char *to,
                   struct dcs_err *err) DCS_CHECKED; /* with fsync of the directory of `to` */
bool dcs_fs_remove(int at, const char *path, struct dcs_err *err) DCS_CHECKED; /* missing is fine */
/* Removes a directory of plain files and links, one level of directories deep; missing is fine. */
bool dcs_fs_remove_dir(int at, const char *path, struct dcs_err *err) DCS_CHECKED;
bool dcs_fs_sync_dir(int at, const char *path, struct dcs_err *err) DCS_CHECKED;

/* Names in a directory, sorted, without . and ..; at most max of them (more: DCS_E_STATE). */
struct dcs_names {
    char **names;
    size_t count;
};
bool dcs_fs_list(int at, const char *path, size_t max, struct dcs_names *ret_names,
                 struct dcs_err *err) DCS_CHECKED;
void dcs_names_drop(struct dcs_names *names);

/*
 * flock(LOCK_EX). A descriptor of one's own per call, so threads exclude each other too. Unlocked
 * with LOCK_UN before close (a forked child shares the descriptor).
 */
struct dcs_lock {
    int fd; /* -1 = not held */
};
#define DCS_LOCK_NONE ((struct dcs_lock){ -1 })
/* *ret_held false when somebody else holds it. create_mode 0: never creates the file. */
bool dcs_lock_try(int at, const char *path, mode_t create_mode, struct dcs_fs_owner owner,
                  bool *ret_held, struct dcs_lock *ret_lock, struct dcs_err *err) DCS_CHECKED;
/* The same on a directory itself. */
bool dcs_lock_try_dir(int dir, bool *ret_held, struct dcs_lock *ret_lock,
                      struct dcs_err *err) DCS_CHECKED;
void dcs_lock_drop(struct dcs_lock *lock);

/* True when path opens read-write (made with create_mode when missing and that is not 0); takes no
 * lock. How a process finds out that it is a keeper: permissions and read-only mounts say no. */
bool dcs_fs_opens_rw(int at, const char *path, mode_t create_mode, struct dcs_fs_owner owner,
                     struct dcs_err *err) DCS_CHECKED;

/* In-place record file under its own lock, for the request budget: opened read-write, locked by
 * the caller through dcs_lock (the same descriptor), read and written whole, no fsync. */
bool dcs_fs_read_locked(const struct dcs_lock *lock, void *out, size_t capacity, size_t *ret_len,
                        struct dcs_err *err) DCS_CHECKED;
bool dcs_fs_write_locked(const struct dcs_lock *lock, const void *data, size_t len,
                         struct dcs_err *err) DCS_CHECKED;

/* For append-as-you-go files read line by line (account.jsonl): a writer and a reader. */
struct dcs_lines; /* opaque */
bool dcs_lines_open(int at, const char *path, struct dcs_lines **ret_lines,
                    struct dcs_err *err) DCS_CHECKED;
/* The next line without its newline, lent until the next call; *ret_line NULL at the end. A line
 * over 64 KiB is skipped. */
bool dcs_lines_next(struct dcs_lines *lines, const char **ret_line,
                    struct dcs_err *err) DCS_CHECKED;
void dcs_lines_free(struct dcs_lines *lines);
void dcs_lines_drop(struct dcs_lines **lines);
bool dcs_fs_append(int at, const char *path, const void *data, size_t len, mode_t mode,
                   struct dcs_fs_owner owner, struct dcs_err *err) DCS_CHECKED; /* with fsync */

#endif
