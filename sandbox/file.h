/* SPDX-License-Identifier: Apache-2.0 */
/* file.h - files of the simulator's directory; each is replaced as a whole or not at all. */
#ifndef SANDBOX_FILE_H
#define SANDBOX_FILE_H

#include "base.h"

#include <sys/types.h>

/* False without a message when the file is not there; with one for any other trouble. */
bool sb_file_read(const char *path, struct sb_buf *ret_content) SB_CHECKED;
/* A temporary file beside it, then rename: a reader sees the old or the new content. */
bool sb_file_write(const char *path, const char *data, size_t len, mode_t mode) SB_CHECKED;
/* Appends without waiting for the disk: survives the process, not the machine. */
struct sb_appender;
bool sb_appender_open(const char *path, struct sb_appender **ret_appender) SB_CHECKED;
bool sb_appender_add(struct sb_appender *appender, const char *data, size_t len) SB_CHECKED;
size_t sb_appender_added(const struct sb_appender *appender); /* bytes since it was opened */
void sb_appender_close(struct sb_appender *appender);
/* Makes one directory, 0700; one that is there already is fine. */
bool sb_file_make_dir(const char *path) SB_CHECKED;
bool sb_file_exists(const char *path);

#endif
