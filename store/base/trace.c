// SPDX-License-Identifier: Apache-2.0
/* trace.c - writes one line to where DIGICERT_STORE_TRACE says; holds nothing open. */
#include "base/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/buf.h"

/* O_NONBLOCK: a FIFO named by mistake must not hang a web server. */
static int open_target(const char *target)
{
    if (strcmp(target, "stderr") == 0)
        return fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    return open(target, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
                0600); /* not io/fs: rank 0 */
}

void dcs_trace(const struct dcs_env *env, const char *format, ...)
{
    const char *target = dcs_env_get(env, "DIGICERT_STORE_TRACE");
    char text[1024];
    char clean[1024];
    char line[1152];
    va_list args;
    int saved = errno;

    if (!target)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    dcs_clean_text(text, clean, sizeof(clean));
    if (strcmp(target, "syslog") == 0) {
        syslog(LOG_DAEMON | LOG_NOTICE, "digicert-store: %s", clean);
        errno = saved;
        return;
    }
    int len = snprintf(line, sizeof(line), "digicert-store[%ld]: %s\n", (long)getpid(), clean);
    int fd = open_target(target);
    if (fd >= 0) {
        /* One write, so that lines of several processes do not mix; a lost line is no failure. */
        ssize_t written = write(fd, line, (size_t)len);
        (void)written;
        close(fd);
    }
    errno = saved;
}
