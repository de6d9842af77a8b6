/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.h - the simulator's own time, and time as text.
 *
 * The clock is the real one until somebody sets it. A set clock runs on from there, or stands still
 * when frozen. All times are seconds since 1970 in UTC.
 */
#ifndef SANDBOX_CLOCK_H
#define SANDBOX_CLOCK_H

#include "base.h"

#define SB_DAY 86400
#define SB_TIME_TEXT 40

struct sb_clock {
    int64_t offset_ms; /* added to the real time while running */
    int64_t frozen_ms; /* the time itself while frozen */
    bool frozen;
    int64_t stopped_ms; /* of the monotonic clock, when it was frozen */
    int64_t jumped_ms;  /* the sum of all jumps forward; keeps sb_clock_elapsed_ms() rising */
};

int64_t sb_clock_now(const struct sb_clock *clock);
int64_t sb_clock_now_ms(const struct sb_clock *clock);
void sb_clock_set(struct sb_clock *clock, int64_t now_ms);
void sb_clock_freeze(struct sb_clock *clock, bool frozen);
/* Never goes back and feels jumps forward, and stands still with the clock: what rate windows are
 * measured with. */
int64_t sb_clock_elapsed_ms(const struct sb_clock *clock);
int64_t sb_clock_monotonic_ms(void);

int64_t sb_time_midnight(int64_t when);
void sb_time_iso(int64_t when, char out[SB_TIME_TEXT]);   /* 2026-03-02T10:11:12+00:00 */
void sb_time_date(int64_t when, char out[SB_TIME_TEXT]);  /* 2026-03-02 */
void sb_time_plain(int64_t when, char out[SB_TIME_TEXT]); /* 2026-03-02 10:11:12 */
void sb_time_http(int64_t when, char out[SB_TIME_TEXT]);  /* Mon, 02 Mar 2026 10:11:12 GMT */
/* RFC 3339, "YYYY-MM-DD HH:MM:SS", "YYYY-MM-DDTHH:MM:SS", a bare date (midnight), or @epoch. */
bool sb_time_parse(const char *text, int64_t *ret_when) SB_CHECKED;
/* Wall-clock time in Denver (as if it were UTC) to real UTC, by the United States' summer rule. */
int64_t sb_time_from_mountain(int64_t wall);
int64_t sb_time_to_mountain(int64_t when);

#endif
