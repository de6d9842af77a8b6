// SPDX-License-Identifier: Apache-2.0
/*
 * crash_point.c - counts calls, kills or refuses at the n-th, records what was done. The connect,
 * send and recv of this program stand before libc's for libcurl too.
 */
#undef _FORTIFY_SOURCE /* its recv is an inline function, which ours would be taken for */
#include "crash_point.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct crash_plan plan;
static int log_fd = -1;
static volatile int64_t *calls;
static _Thread_local bool die_after_write;

void crash_arm(const struct crash_plan *wanted, int log, volatile int64_t *shared_calls)
{
    plan = *wanted;
    log_fd = log;
    calls = shared_calls;
}

static void die(void)
{
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

/* Counts; true when this call is one that must not simply be made. */
static bool is_hit(enum crash_class class)
{
    if (!calls || !(plan.classes & (int)class))
        return false;
    int64_t n = __atomic_add_fetch(calls, 1, __ATOMIC_SEQ_CST); /* sync has threads */
    if (plan.mode == CRASH_ALWAYS)
        return n >= plan.n;
    return plan.mode != CRASH_NEVER && n == plan.n;
}

bool crash_may(enum crash_class class)
{
    if (!is_hit(class))
        return true;
    if (plan.mode == CRASH_KILL || plan.mode == CRASH_TORN)
        die();
    errno = plan.error;
    return false;
}

/* A disk that fills up takes a part of a write first; the next write of the same data fails. */
bool crash_may_write(size_t *len)
{
    if (!is_hit(CRASH_FS))
        return true;
    if (plan.mode == CRASH_KILL)
        die();
    die_after_write = plan.mode == CRASH_TORN;
    bool is_first = *calls == plan.n;
    if (*len > 1 && (die_after_write || (plan.mode == CRASH_ALWAYS && is_first))) {
        *len /= 2;
        return true;
    }
    errno = plan.error;
    return false;
}

void crash_after_write(void)
{
    if (die_after_write)
        die();
}

/* ---- the recorder ---- */

static void full_path(int at, const char *path, char out[PATH_MAX])
{
    char link[64];
    char dir[PATH_MAX] = "";

    if (path[0] != '/') {
        snprintf(link, sizeof(link), "/proc/self/fd/%d", at);
        ssize_t len = at == AT_FDCWD ? 0 : readlink(link, dir, sizeof(dir) - 1);
        dir[len > 0 ? len : 0] = '\0';
    }
    if ((size_t)snprintf(out, PATH_MAX, "%s%s%s", dir, path[0] == '/' ? "" : "/", path) >= PATH_MAX)
        abort();
}

static void put(const char *head, const void *data, size_t len)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

    pthread_mutex_lock(&mutex);
    /* One descriptor, one process: a short write to a file in memory does not happen. */
    if (write(log_fd, head, strlen(head)) < 0 || (len && write(log_fd, data, len) < 0))
        abort();
    pthread_mutex_unlock(&mutex);
}

void crash_record_path(const char *op, int at, const char *path, const char *other,
                       int other_is_path)
{
    char head[2 * PATH_MAX + 64];
    char one[PATH_MAX];
    char two[PATH_MAX] = "";
    int saved = errno;

    if (log_fd < 0)
        return;
    full_path(at, path, one);
    if (other && other_is_path)
        full_path(at, other, two);
    else if (other)
        snprintf(two, sizeof(two), "%s", other);
    snprintf(head, sizeof(head), "%s\t%s\t%s\t0\t0\n", op, one, two);
    put(head, "", 0);
    errno = saved;
}

void crash_record_data(const char *op, int fd, const void *data, size_t len, int64_t number)
{
    char head[PATH_MAX + 128];
    char link[64];
    char path[PATH_MAX] = "";
    int saved = errno;

    if (log_fd < 0)
        return;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t got = readlink(link, path, sizeof(path) - 1);
    path[got > 0 ? got : 0] = '\0';
    snprintf(head, sizeof(head), "%s\t%s\t\t%lld\t%zu\n", op, path, (long long)number, len);
    put(head, data, len);
    errno = saved;
}

/* ---- the network ---- */

static void *libc_call(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);

    if (!found)
        abort();
    return found;
}

__attribute__((visibility("default"))) int connect(int fd, __CONST_SOCKADDR_ARG to, socklen_t len)
{
    int (*call)(int, __CONST_SOCKADDR_ARG, socklen_t) = NULL;
    void *found = libc_call("connect");

    memcpy(&call, &found, sizeof(call));
    return crash_may(CRASH_NET) ? call(fd, to, len) : -1;
}

__attribute__((visibility("default"))) ssize_t send(int fd, const void *data, size_t len, int flags)
{
    ssize_t (*call)(int, const void *, size_t, int) = NULL;
    void *found = libc_call("send");

    memcpy(&call, &found, sizeof(call));
    return crash_may(CRASH_NET) ? call(fd, data, len, flags) : -1;
}

__attribute__((visibility("default"))) ssize_t recv(int fd, void *out, size_t len, int flags)
{
    ssize_t (*call)(int, void *, size_t, int) = NULL;
    void *found = libc_call("recv");

    memcpy(&call, &found, sizeof(call));
    return crash_may(CRASH_NET) ? call(fd, out, len, flags) : -1;
}
