// SPDX-License-Identifier: Apache-2.0
/*
 * budget.c - two rolling windows over one ring of stamps, shared by all processes on a state
 * directory. Waits outside the lock; a damaged file is empty after a pause, never a failure.
 */
#include "flow/budget.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/trace.h"

enum {
    STAMPS = 1024,
    WINDOW_SHORT_MS = 5000,
    WINDOW_LONG_MS = 180000,
    DAMAGE_PAUSE_MS = 5000,
    HALVED_FOR_MS = 600000,
    BOOT_ID_LEN = 36,
};

#define MAGIC "DCSBUDG1"

/* The file, as it stands on disk: one host's, so its byte order and sizes are the host's. */
struct record {
    char magic[8];
    char boot_id[BOOT_ID_LEN + 4];
    int64_t halved_until_ms;
    uint64_t next;          /* slot that is written next */
    int64_t stamps[STAMPS]; /* CLOCK_BOOTTIME in ms, 0 = free */
};

static void start_anew(struct record *record, const char *boot_id)
{
    memset(record, 0, sizeof(*record));
    memcpy(record->magic, MAGIC, sizeof(record->magic));
    memcpy(record->boot_id, boot_id, BOOT_ID_LEN);
}

/* False when what is there cannot be believed; the record is then empty. */
static bool load(const struct dcs_lock *lock, const char *boot_id, int64_t now_ms,
                 struct record *record)
{
    size_t len = 0;

    if (!dcs_fs_read_locked(lock, record, sizeof(*record), &len, NULL)) {
        start_anew(record, boot_id);
        return false;
    }
    bool fresh = len == 0;
    bool whole = len == sizeof(*record) && memcmp(record->magic, MAGIC, sizeof(record->magic)) == 0;
    /* After a boot the stamps of the old clock mean nothing, and the windows have passed. */
    bool same_boot = whole && memcmp(record->boot_id, boot_id, BOOT_ID_LEN) == 0;
    bool sane = same_boot && record->next < STAMPS && record->halved_until_ms >= 0 &&
                record->halved_until_ms <= now_ms + HALVED_FOR_MS;
    for (size_t i = 0; sane && i < STAMPS; i++)
        sane = record->stamps[i] >= 0 && record->stamps[i] <= now_ms;
    if (sane)
        return true;
    start_anew(record, boot_id);
    return fresh || (whole && !same_boot);
}

static size_t within(const struct record *record, int64_t now_ms, int64_t window_ms)
{
    size_t count = 0;

    for (size_t i = 0; i < STAMPS; i++)
        count += record->stamps[i] != 0 && record->stamps[i] > now_ms - window_ms;
    return count;
}

/* The moment at which one more fits into a window of `limit`: when enough of the oldest left it. */
static int64_t free_at(const struct record *record, int64_t now_ms, int64_t window_ms,
                       int64_t limit)
{
    int64_t count = (int64_t)within(record, now_ms, window_ms);
    int64_t at = now_ms;

    for (int64_t leave = count - limit + 1; leave > 0; leave--) {
        int64_t oldest = INT64_MAX;
        for (size_t i = 0; i < STAMPS; i++)
            if (record->stamps[i] + window_ms > at && record->stamps[i] < oldest &&
                record->stamps[i])
                oldest = record->stamps[i];
        if (oldest == INT64_MAX)
            break;
        at = oldest + window_ms;
    }
    return at;
}

struct limits {
    int64_t short_window, long_window;
};

static struct limits limits_of(const struct dcs_budget *budget, const struct record *record,
                               int64_t now_ms)
{
    struct limits limits = { budget->per_5s, budget->per_3min };
    bool halved = record->halved_until_ms > now_ms;

    if (halved) {
        limits.short_window /= 2;
        limits.long_window /= 2;
    }
    if (budget->is_verb) { /* a tenth stays free for doors */
        limits.short_window -= (limits.short_window + 9) / 10;
        limits.long_window -= (limits.long_window + 9) / 10;
    }
    limits.short_window = limits.short_window > 0 ? limits.short_window : 1;
    limits.long_window = limits.long_window > 0 ? limits.long_window : 1;
    if (limits.long_window > STAMPS)
        limits.long_window = STAMPS;
    return limits;
}

/* When so many more fit at once: now_ms or later. */
static int64_t when_free(const struct dcs_budget *budget, const struct record *record,
                         int64_t now_ms, int64_t places)
{
    struct limits limits = limits_of(budget, record, now_ms);
    int64_t in_short = limits.short_window - places + 1;
    int64_t in_long = limits.long_window - places + 1;
    int64_t at_short = free_at(record, now_ms, WINDOW_SHORT_MS, in_short > 1 ? in_short : 1);
    int64_t at_long = free_at(record, now_ms, WINDOW_LONG_MS, in_long > 1 ? in_long : 1);

    return at_short > at_long ? at_short : at_long;
}

/* 0: the places are free, and with `take` one was taken; else the time at which to look again. */
static int64_t try_take(const struct dcs_budget *budget, struct record *record, int64_t now_ms,
                        int64_t places, bool take)
{
    int64_t at = when_free(budget, record, now_ms, places);

    if (at > now_ms)
        return at;
    if (!take)
        return 0;
    record->stamps[record->next] = now_ms ? now_ms : 1;
    record->next = (record->next + 1) % STAMPS;
    return 0;
}

static void path_of(const struct dcs_budget *budget, char out[32])
{
    snprintf(out, 32, "budget-%s", budget->hash);
}

static bool lock_budget(const struct dcs_budget *budget, struct dcs_deadline deadline,
                        struct dcs_lock *ret_lock, struct dcs_err *err)
{
    char path[32];
    bool held = false;

    path_of(budget, path);
    for (;;) {
        if (!dcs_lock_try(budget->state_fd, path, 0600, budget->owner, &held, ret_lock, err))
            return false;
        if (held)
            return true;
        if (dcs_deadline_left_ms(budget->env, deadline) == 0)
            return dcs_fail(err, DCS_E_LIMIT, "the request budget is busy");
        dcs_env_sleep_ms(budget->env, dcs_env_jitter(budget->env, 1, 10));
    }
}

/* One look under the lock; *ret_at 0 when the place is ours. places > 0: only whether so many are free. */
static bool look(const struct dcs_budget *budget, int64_t places, struct dcs_deadline deadline,
                 int64_t *ret_at, struct dcs_err *err)
{
    dcs_auto(dcs_lock) struct dcs_lock lock = DCS_LOCK_NONE;
    struct record record;
    char boot_id[DCS_BOOT_ID];

    dcs_fs_boot_id(boot_id);
    if (!lock_budget(budget, deadline, &lock, err))
        return false;
    int64_t now_ms = dcs_env_boot_ms(budget->env);
    bool believed = load(&lock, boot_id, now_ms, &record);
    /* Others may have sent requests that the damaged file no longer tells of. */
    *ret_at = believed ? try_take(budget, &record, now_ms, places ? places : 1, places == 0)
                       : now_ms + DAMAGE_PAUSE_MS;
    if (believed && places)
        return true;
    return dcs_fs_write_locked(&lock, &record, sizeof(record), err);
}

static bool wait_for(const struct dcs_budget *budget, int64_t places, struct dcs_deadline deadline,
                     struct dcs_err *err)
{
    for (;;) {
        int64_t at = 0;
        if (!look(budget, places, deadline, &at, err))
            return false;
        if (at == 0)
            return true;
        int64_t wait = at - dcs_env_boot_ms(budget->env);
        if (wait > dcs_deadline_left_ms(budget->env, deadline)) {
            dcs_fail(err, DCS_E_LIMIT, "the request budget is used up; the next turn is in %lld s",
                     (long long)(wait + 999) / 1000);
            return dcs_hint(err, "nothing is lost; it goes on by itself at the next call");
        }
        /* Spread, so that those who wait for the same moment do not all look at once. */
        dcs_env_sleep_ms(budget->env, (wait > 0 ? wait : 1) + dcs_env_jitter(budget->env, 0, 20));
    }
}

bool dcs_budget_take(const struct dcs_budget *budget, struct dcs_deadline deadline,
                     struct dcs_err *err)
{
    return wait_for(budget, 0, deadline, err);
}

bool dcs_budget_await(const struct dcs_budget *budget, int64_t places, struct dcs_deadline deadline,
                      struct dcs_err *err)
{
    return wait_for(budget, places, deadline, err);
}

int64_t dcs_budget_estimate_s(const struct dcs_budget *budget, int64_t requests)
{
    const struct record none = { .next = 0 };
    struct limits limits = limits_of(budget, &none, 0);
    int64_t left_5s = 0;
    int64_t left_3min = 0;

    dcs_budget_left(budget, &left_5s, &left_3min);
    if (requests <= left_3min)
        return requests * WINDOW_SHORT_MS / 1000 / limits.short_window;
    return (requests - left_3min) * WINDOW_LONG_MS / 1000 / limits.long_window +
           left_3min * WINDOW_SHORT_MS / 1000 / limits.short_window;
}

void dcs_budget_halve(const struct dcs_budget *budget)
{
    dcs_auto(dcs_lock) struct dcs_lock lock = DCS_LOCK_NONE;
    struct record record;
    struct dcs_err err = { 0 };
    char boot_id[DCS_BOOT_ID];

    dcs_fs_boot_id(boot_id);
    if (!lock_budget(budget, dcs_deadline_in(budget->env, 1000), &lock, &err))
        return;
    int64_t now_ms = dcs_env_boot_ms(budget->env);
    (void)load(&lock, boot_id, now_ms, &record);
    record.halved_until_ms = now_ms + HALVED_FOR_MS;
    if (!dcs_fs_write_locked(&lock, &record, sizeof(record), &err))
        dcs_trace(budget->env, "request budget: %s", err.text);
}

void dcs_budget_left(const struct dcs_budget *budget, int64_t *ret_5s, int64_t *ret_3min)
{
    dcs_auto(dcs_lock) struct dcs_lock lock = DCS_LOCK_NONE;
    struct record record;
    char boot_id[DCS_BOOT_ID];
    char path[32];
    bool held = false;
    int64_t now_ms = dcs_env_boot_ms(budget->env);

    *ret_5s = budget->per_5s;
    *ret_3min = budget->per_3min;
    path_of(budget, path);
    if (!dcs_lock_try(budget->state_fd, path, 0, budget->owner, &held, &lock, NULL) || !held)
        return;
    dcs_fs_boot_id(boot_id);
    (void)load(&lock, boot_id, now_ms, &record);
    struct limits limits = limits_of(budget, &record, now_ms);
    int64_t left_short = limits.short_window - (int64_t)within(&record, now_ms, WINDOW_SHORT_MS);
    int64_t left_long = limits.long_window - (int64_t)within(&record, now_ms, WINDOW_LONG_MS);
    *ret_5s = left_short > 0 ? left_short : 0;
    *ret_3min = left_long > 0 ? left_long : 0;
}
