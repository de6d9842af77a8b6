/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crash_point.h - the points at which the crash test kills or refuses: every system call of ours that
 * changes a file system, and every connect, send and receive of libcurl. Also the recorder that power
 * loss is replayed from. Never part of a shipped binary.
 */
#ifndef CRASH_POINT_H
#define CRASH_POINT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum crash_class { CRASH_FS = 1, CRASH_NET = 2 };
enum crash_mode {
    CRASH_NEVER = 0,
    CRASH_KILL,   /* before the n-th call */
    CRASH_TORN,   /* the n-th call, when it writes, after half of it; else as CRASH_KILL */
    CRASH_ONCE,   /* the n-th call fails */
    CRASH_ALWAYS, /* the n-th call and all later ones of its class fail; a write after half of it */
};

struct crash_plan {
    enum crash_mode mode;
    int classes; /* that are counted */
    int64_t n;
    int error; /* errno of a call that is refused */
};

/* In the child, before the store is used. log: descriptor for the recorder, -1 none; calls: where the
 * parent reads how many points were passed, shared. */
void crash_arm(const struct crash_plan *plan, int log, volatile int64_t *calls);

/* False: the call must not be made, and errno is set. */
bool crash_may(enum crash_class class);
bool crash_may_write(size_t *len);
void crash_after_write(void);

void crash_record_path(const char *op, int at, const char *path, const char *other,
                       int other_is_path);
void crash_record_data(const char *op, int fd, const void *data, size_t len, int64_t number);

#endif
