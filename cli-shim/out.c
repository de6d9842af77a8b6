// SPDX-License-Identifier: Apache-2.0
/* out.c - results: rows of text; bytes, to a descriptor or to a file that appears whole or not at all. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

bool cli_write_all(int fd, const struct dcs_buf *data)
{
    size_t done = 0;

    while (done < data->len) {
        ssize_t put = write(fd, data->data + done, data->len - done);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        done += (size_t)put;
    }
    return true;
}

/* What a link leads to, so that the link stays; a device or a pipe is no file to replace: root would
 * put one in the place of /dev/null. */
static bool find_target(const char *path, char target[PATH_MAX], struct dcs_err *err)
{
    struct stat there;

    if (lstat(path, &there) != 0) {
        if (snprintf(target, PATH_MAX, "%s", path) < PATH_MAX)
            return true; /* a new file, or mkostemp says why not */
        return dcs_fail(err, DCS_E_INPUT, "the path is too long");
    }
    if (!realpath(path, target) || stat(target, &there) != 0)
        return dcs_fail(err, DCS_E_INPUT, "%s: %s", path, strerror(errno));
    return S_ISREG(there.st_mode) || dcs_fail(err, DCS_E_INPUT, "%s is no regular file", path);
}

bool cli_write_file(const char *name, mode_t mode, const struct dcs_buf *data, struct dcs_err *err)
{
    char path[PATH_MAX];
    char temporary[PATH_MAX + 16];

    if (!find_target(name, path, err))
        return false;
    if (snprintf(temporary, sizeof(temporary), "%s.tmp-XXXXXX", path) >= (int)sizeof(temporary))
        return dcs_fail(err, DCS_E_INPUT, "the path is too long");
    int fd = mkostemp(temporary, O_CLOEXEC); /* 0600 */
    if (fd < 0)
        return dcs_fail(err, DCS_E_STATE, "%s cannot be written: %s", path, strerror(errno));
    bool good = cli_write_all(fd, data) && fchmod(fd, mode) == 0 && fsync(fd) == 0;
    good = close(fd) == 0 && good && rename(temporary, path) == 0;
    if (!good) {
        dcs_fail(err, DCS_E_STATE, "%s cannot be written: %s", path, strerror(errno));
        unlink(temporary);
    }
    return good;
}

bool cli_parse_mode(const char *text, mode_t *ret_mode)
{
    size_t len = strlen(text);

    if (len < 3 || len > 4 || strspn(text, "01234567") != len)
        return false;
    *ret_mode = (mode_t)strtoul(text, NULL, 8);
    return true;
}

void cli_print_rows(const struct dcs_json *object, const struct cli_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct dcs_json *node = dcs_json_path(object, rows[i].path);
        const char *text = dcs_json_text(node, "");
        int64_t number = 0;
        if (dcs_json_is_null(node))
            continue;
        if (text && *text)
            printf("  %-14s %s\n", rows[i].label, text);
        else if (!text && dcs_json_i64(node, "", &number))
            printf("  %-14s %lld\n", rows[i].label, (long long)number);
        else if (!text && dcs_json_tri(node, "") != DCS_UNKNOWN)
            printf("  %-14s %s\n", rows[i].label, dcs_json_tri(node, "") == DCS_YES ? "yes" : "no");
    }
}

int64_t cli_time_of(const struct dcs_json *object, const char *path)
{
    const char *text = dcs_json_text(object, path);
    int64_t when = 0;

    return text && dcs_time_parse(text, &when) ? when : 0;
}
