// SPDX-License-Identifier: Apache-2.0
/* fake.c - the fake world of fake.h. */
#include "fake.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int64_t fake_now(void *context)
{
    return ((struct fake_world *)context)->now;
}

static int64_t fake_ms(void *context)
{
    return ((struct fake_world *)context)->ms;
}

static void fake_sleep(void *context, int64_t ms)
{
    struct fake_world *world = context;
    int64_t before = world->ms / 1000;

    world->ms += ms;
    world->slept_ms += ms;
    world->now += world->ms / 1000 - before;
}

static bool fake_random(void *context, void *out, size_t len)
{
    struct fake_world *world = context;
    uint8_t *at = out;

    for (size_t i = 0; i < len; i++) {
        world->seed = world->seed * 6364136223846793005u + 1442695040888963407u;
        at[i] = (uint8_t)(world->seed >> 56);
    }
    return true;
}

static const char *fake_getenv(void *context, const char *name)
{
    struct fake_world *world = context;

    for (size_t i = 0; i < DCS_COUNT(world->names); i++)
        if (world->names[i] && strcmp(world->names[i], name) == 0)
            return world->values[i];
    return NULL;
}

static unsigned fake_euid(void *context)
{
    return ((struct fake_world *)context)->euid;
}

void fake_world_init(struct fake_world *world)
{
    *world = (struct fake_world){ .now = 1795521600, .ms = 1000000, .seed = 1, .euid = geteuid() };
    world->env = (struct dcs_env){ .context = world,
                                   .now = fake_now,
                                   .mono_ms = fake_ms,
                                   .boot_ms = fake_ms,
                                   .sleep_ms = fake_sleep,
                                   .random = fake_random,
                                   .getenv = fake_getenv,
                                   .euid = fake_euid };
}

void fake_setenv(struct fake_world *world, const char *name, const char *value)
{
    for (size_t i = 0; i < DCS_COUNT(world->names); i++) {
        if (world->names[i] && strcmp(world->names[i], name) != 0)
            continue;
        world->names[i] = name;
        world->values[i] = value;
        return;
    }
    abort();
}

char *fake_dir_new(void)
{
    const char *base = getenv("TMPDIR");
    char *dir = NULL;

    if (asprintf(&dir, "%s/dcs-test-XXXXXX", base ? base : "/tmp") < 0 || !mkdtemp(dir))
        abort();
    return dir;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

void fake_dir_drop(char **dir)
{
    if (!dir || !*dir)
        return;
    nftw(*dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(*dir);
    *dir = NULL;
}

void fake_write(const char *dir, const char *name, const char *text, unsigned mode)
{
    char path[4096];

    for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
        snprintf(path, sizeof(path), "%s/%.*s", dir, (int)(slash - name), name);
        mkdir(path, 0755);
    }
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0 || fchmod(fd, mode) < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        abort();
    close(fd);
}
