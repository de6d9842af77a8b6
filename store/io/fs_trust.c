// SPDX-License-Identifier: Apache-2.0
/*
 * fs_trust.c - walks to a directory that others may have a hand in, without being led elsewhere: each
 * name is opened relative to the one before, and looked at after it was opened.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "io/fs.h"
#include "io/fs_sys.h"

enum { LINKS_MAX = 16 };

struct walk {
    const char *path; /* as it was asked for */
    uid_t allowed, euid;
    struct dcs_fs_owner owner;
    char rest[2 * PATH_MAX]; /* names still to go */
    int fd;                  /* where we are */
    int links;
};

static bool is_trusted(const struct walk *w, uid_t uid)
{
    return uid == 0 || uid == w->euid || uid == w->allowed;
}

/* The directory that was opened; is_last: what will be written into. */
static bool judge(const struct walk *w, bool is_last, struct dcs_err *err)
{
    struct dcs_fs_stat stat;

    if (!dcs_fs_stat(w->fd, ".", &stat, err))
        return false;
    if (!is_last && w->euid != 0)
        return true;
    if (!is_trusted(w, stat.uid)) {
        dcs_fail(err, DCS_E_POLICY,
                 "%.300s: %s belongs to uid %u, who could put something else in its place", w->path,
                 is_last ? "it" : "a directory above it", stat.uid);
        return dcs_hint(err, is_last
                                 ? "set deliver_owner to that user, or give the directory to root"
                                 : "choose a directory below ones of root or of deliver_owner");
    }
    if (stat.mode & S_IWOTH && (is_last || !(stat.mode & S_ISVTX))) {
        dcs_fail(err, DCS_E_POLICY, "%.300s: %s can be written by everybody", w->path,
                 is_last ? "it" : "a directory above it");
        return dcs_hint(err, "chmod o-w");
    }
    return true;
}

/* The next name off the rest: "" at the end; "." and repeated slashes are skipped. */
static bool next_name(struct walk *w, char name[NAME_MAX + 1], bool *ret_is_last,
                      struct dcs_err *err)
{
    char *at = w->rest;

    do {
        at += strspn(at, "/");
        size_t len = strcspn(at, "/");
        if (len > NAME_MAX)
            return dcs_fail(err, DCS_E_INPUT, "%.300s: a name is too long", w->path);
        memcpy(name, at, len);
        name[len] = '\0';
        at += len;
    } while (strcmp(name, ".") == 0);
    *ret_is_last = at[strspn(at, "/.")] == '\0';
    memmove(w->rest, at, strlen(at) + 1);
    return true;
}

/* A link of root's: its target takes the place of its name. */
static bool follow(struct walk *w, const char *name, struct dcs_err *err)
{
    char target[PATH_MAX];
    char rest[2 * PATH_MAX];
    struct dcs_fs_stat stat;

    if (!dcs_fs_stat(w->fd, name, &stat, err) ||
        !dcs_fs_read_link(w->fd, name, target, sizeof(target), err))
        return false;
    if (stat.uid != 0 && w->euid == 0) {
        dcs_fail(err, DCS_E_POLICY,
                 "%.300s: \"%.60s\" in it is a symbolic link of uid %u, which is not followed",
                 w->path, name, stat.uid);
        return dcs_hint(err, "name the directory that it leads to");
    }
    if (++w->links > LINKS_MAX)
        return dcs_fail(err, DCS_E_STATE, "%.300s: too many symbolic links", w->path);
    int len = snprintf(rest, sizeof(rest), "%s/%s", target, w->rest);
    if (len < 0 || (size_t)len >= sizeof(w->rest))
        return dcs_fail(err, DCS_E_STATE, "%.300s: the path is too long", w->path);
    memcpy(w->rest, rest, (size_t)len + 1);
    if (target[0] != '/')
        return true;
    dcs_fd_drop(&w->fd);
    return dcs_fs_open_dir(AT_FDCWD, "/", &w->fd, err);
}

static bool enter(struct walk *w, const char *name, bool is_last, struct dcs_err *err)
{
    struct dcs_fs_stat stat;
    struct dcs_err why = { 0 };
    int fd = -1;

    bool is_there = dcs_fs_stat(w->fd, name, &stat, &why);
    if (is_there && S_ISLNK(stat.mode))
        return follow(w, name, err);
    if (!is_there && (why.code != DCS_E_NOT_FOUND || !is_last))
        return dcs_fail(err, why.code, "%.300s: %.150s", w->path, why.text);
    if (!is_there && !dcs_fs_make_dir(w->fd, name, 0755, w->owner, err))
        return dcs_fail_while(err, "making %.300s", w->path);
    if (!dcs_fs_open_dir(w->fd, name, &fd, err))
        return dcs_fail_while(err, "%.300s", w->path);
    dcs_fd_drop(&w->fd);
    w->fd = fd;
    return judge(w, false, err);
}

static bool walk_all(struct walk *w, struct dcs_err *err)
{
    char name[NAME_MAX + 1];
    bool is_last = false;

    if (!dcs_fs_open_dir(AT_FDCWD, "/", &w->fd, err))
        return false;
    for (;;) {
        if (!next_name(w, name, &is_last, err))
            return false;
        if (!name[0])
            return judge(w, true, err);
        if (!enter(w, name, is_last, err))
            return false;
    }
}

bool dcs_fs_open_trusted_dir(const char *path, uid_t allowed, struct dcs_fs_owner owner,
                             int *ret_fd, struct dcs_err *err)
{
    struct walk w = {
        .path = path, .allowed = allowed, .euid = geteuid(), .owner = owner, .fd = -1
    };

    if (path[0] != '/' || strlen(path) >= PATH_MAX)
        return dcs_fail(err, DCS_E_INPUT, "%.300s is no absolute path of a directory", path);
    snprintf(w.rest, sizeof(w.rest), "%s", path);
    if (!walk_all(&w, err)) {
        dcs_fd_drop(&w.fd);
        return false;
    }
    *ret_fd = w.fd;
    return true;
}
