// SPDX-License-Identifier: Apache-2.0
/* fs_dir.c - lists directories and removes small ones; never follows a link. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "io/fs.h"
#include "io/fs_sys.h"

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void dcs_names_drop(struct dcs_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->names[i]);
    free(names->names);
    *names = (struct dcs_names){ 0 };
}

static bool add_name(struct dcs_names *names, const char *name, struct dcs_err *err)
{
    /* Powers of two: room is doubled when the count reaches one. */
    if ((names->count & (names->count - 1)) == 0) {
        size_t room = names->count ? names->count * 2 : 1;
        char **bigger = realloc(names->names, room * sizeof(*bigger));
        if (!bigger)
            return dcs_fail(err, DCS_E_NOMEM, "out of memory");
        names->names = bigger;
    }
    if (!dcs_str_copy(name, &names->names[names->count], err))
        return false;
    names->count++;
    return true;
}

bool dcs_fs_list(int at, const char *path, size_t max, struct dcs_names *ret_names,
                 struct dcs_err *err)
{
    dcs_auto(dcs_names) struct dcs_names names = { 0 };
    int fd = -1;

    if (!dcs_fs_open_dir(at, path, &fd, err))
        return false;
    DIR *dir = fdopendir(fd);
    if (!dir) {
        dcs_fd_drop(&fd);
        return dcs_fail_errno(err, errno, "listing %s", path);
    }
    bool good = true;
    for (struct dirent *entry = readdir(dir); entry && good; entry = readdir(dir)) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        good = names.count < max
                   ? add_name(&names, entry->d_name, err)
                   : dcs_fail(err, DCS_E_STATE, "%s has more than %zu entries", path, max);
    }
    closedir(dir);
    if (!good)
        return false;
    if (names.count)
        qsort(names.names, names.count, sizeof(*names.names), compare_names);
    *ret_names = names;
    names = (struct dcs_names){ 0 };
    return true;
}

static bool remove_entries(int at, const char *path, int depth, struct dcs_err *err)
{
    dcs_auto(dcs_names) struct dcs_names names = { 0 };
    dcs_auto(dcs_fd) int fd = -1;

    if (!dcs_fs_open_dir(at, path, &fd, err) || !dcs_fs_list(fd, ".", 100000, &names, err))
        return false;
    for (size_t i = 0; i < names.count; i++) {
        if (dcs_sys_unlink(fd, names.names[i], 0) == 0 || errno == ENOENT)
            continue;
        if (errno != EISDIR || depth == 0)
            return dcs_fail_errno(err, errno, "removing %s/%s", path, names.names[i]);
        if (!remove_entries(fd, names.names[i], depth - 1, err))
            return false;
        if (dcs_sys_unlink(fd, names.names[i], AT_REMOVEDIR) < 0 && errno != ENOENT)
            return dcs_fail_errno(err, errno, "removing %s/%s", path, names.names[i]);
    }
    return true;
}

bool dcs_fs_remove_dir(int at, const char *path, struct dcs_err *err)
{
    struct dcs_err why = { 0 };

    if (!remove_entries(at, path, 1, &why))
        return why.code == DCS_E_NOT_FOUND || dcs_fail(err, why.code, "%s", why.text);
    if (dcs_sys_unlink(at, path, AT_REMOVEDIR) < 0 && errno != ENOENT)
        return dcs_fail_errno(err, errno, "removing %s", path);
    return true;
}
