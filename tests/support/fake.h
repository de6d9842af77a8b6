/* SPDX-License-Identifier: Apache-2.0 */
/* fake.h - a world for unit tests: time that only moves when told to, and a scratch directory. */
#ifndef DCS_TESTS_FAKE_H
#define DCS_TESTS_FAKE_H

#include "base/env.h"

struct fake_world {
    struct dcs_env env; /* give &world.env to what is under test */
    int64_t now;        /* seconds */
    int64_t ms;         /* monotonic and boot time; sleeping advances both this and now */
    int64_t slept_ms;   /* in all */
    uint64_t seed;      /* of the random bytes: the same bytes each run */
    const char *names[16], *values[16]; /* the environment */
    unsigned euid;
};

/* 2026-11-24T12:00:00Z, uid of the process. */
void fake_world_init(struct fake_world *world);
void fake_setenv(struct fake_world *world, const char *name, const char *value);

/* A fresh directory under the system's temporary one; removed with all below by fake_dir_drop. */
char *fake_dir_new(void);
void fake_dir_drop(char **dir);
/* Writes a file for a test, with parents; mode as given. */
void fake_write(const char *dir, const char *name, const char *text, unsigned mode);

#endif
