/* SPDX-License-Identifier: Apache-2.0 */
/* file.c - reads and atomically replaces the files of the simulator's directory. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool sb_file_read(const char *path, struct sb_buf *ret_content)
{
    struct sb_buf content = { 0 };
    char chunk[65536];
    ssize_t got;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 && errno == ENOENT)
        return false;
    if (fd < 0)
        return sb_complain("cannot read %s: %s", path, strerror(errno));
    while ((got = read(fd, chunk, sizeof(chunk))) > 0)
        sb_buf_add(&content, chunk, (size_t)got);
    close(fd);
    if (got < 0) {
        sb_buf_clear(&content);
        return sb_complain("cannot read %s: %s", path, strerror(errno));
    }
    *ret_content = content;
    return true;
}

static bool write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t put = write(fd, data, len);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        data += put;
        len -= (size_t)put;
    }
    return true;
}

bool sb_file_write(const char *path, const char *data, size_t len, mode_t mode)
{
    sb_auto(sb_free_drop) char *temporary = sb_format("%s.new", path);
    int fd;
    bool done;

    unlink(temporary);
    fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return sb_complain("cannot write %s: %s", temporary, strerror(errno));
    done = fchmod(fd, mode) == 0 && write_all(fd, data, len);
    if (close(fd) != 0 || !done || rename(temporary, path) != 0) {
        sb_complain("cannot write %s: %s; is there space left?", path, strerror(errno));
        unlink(temporary);
        return false;
    }
    return true;
}

struct sb_appender {
    int fd;
    size_t added;
    char *path;
};

bool sb_appender_open(const char *path, struct sb_appender **ret_appender)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);

    if (fd < 0)
        return sb_complain("cannot append to %s: %s", path, strerror(errno));
    *ret_appender = sb_alloc(sizeof(**ret_appender));
    **ret_appender = (struct sb_appender){ fd, 0, sb_strdup(path) };
    return true;
}

bool sb_appender_add(struct sb_appender *appender, const char *data, size_t len)
{
    appender->added += len;
    return write_all(appender->fd, data, len) ||
           sb_complain("cannot append to %s: %s; is there space left?", appender->path,
                       strerror(errno));
}

size_t sb_appender_added(const struct sb_appender *appender)
{
    return appender->added;
}

void sb_appender_close(struct sb_appender *appender)
{
    if (!appender)
        return;
    close(appender->fd);
    sb_free(appender->path);
    sb_free(appender);
}

bool sb_file_make_dir(const char *path)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return true;
    return sb_complain("cannot make the directory %s: %s", path, strerror(errno));
}

bool sb_file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}
