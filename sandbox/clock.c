/* SPDX-License-Identifier: Apache-2.0 */
/* clock.c - the only file of the simulator that reads a real clock; the rest asks sb_clock_now(). */
#include "clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t read_ms(clockid_t which)
{
    struct timespec spec = { 0 };

    clock_gettime(which, &spec);
    return (int64_t)spec.tv_sec * 1000 + spec.tv_nsec / 1000000;
}

int64_t sb_clock_monotonic_ms(void)
{
    return read_ms(CLOCK_MONOTONIC);
}

int64_t sb_clock_now_ms(const struct sb_clock *clock)
{
    return clock->frozen ? clock->frozen_ms : read_ms(CLOCK_REALTIME) + clock->offset_ms;
}

int64_t sb_clock_now(const struct sb_clock *clock)
{
    return sb_clock_now_ms(clock) / 1000;
}

void sb_clock_set(struct sb_clock *clock, int64_t now_ms)
{
    int64_t jump = now_ms - sb_clock_now_ms(clock);

    if (jump > 0)
        clock->jumped_ms += jump;
    clock->frozen_ms = now_ms;
    clock->offset_ms = now_ms - read_ms(CLOCK_REALTIME);
}

void sb_clock_freeze(struct sb_clock *clock, bool frozen)
{
    int64_t now_ms = sb_clock_now_ms(clock);

    if (frozen && !clock->frozen)
        clock->stopped_ms = sb_clock_monotonic_ms();
    if (!frozen && clock->frozen) /* goes on from where it stood */
        clock->jumped_ms -= sb_clock_monotonic_ms() - clock->stopped_ms;
    clock->frozen = frozen;
    sb_clock_set(clock, now_ms);
}

int64_t sb_clock_elapsed_ms(const struct sb_clock *clock)
{
    return (clock->frozen ? clock->stopped_ms : sb_clock_monotonic_ms()) + clock->jumped_ms;
}

int64_t sb_time_midnight(int64_t when)
{
    return when - ((when % SB_DAY) + SB_DAY) % SB_DAY;
}

static void format_time(int64_t when, const char *format, char out[SB_TIME_TEXT])
{
    time_t seconds = (time_t)when;
    struct tm parts = { 0 };

    gmtime_r(&seconds, &parts);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* all callers are in this file */
    if (strftime(out, SB_TIME_TEXT, format, &parts) == 0)
        out[0] = '\0';
#pragma GCC diagnostic pop
}

void sb_time_iso(int64_t when, char out[SB_TIME_TEXT])
{
    format_time(when, "%Y-%m-%dT%H:%M:%S+00:00", out);
}

void sb_time_date(int64_t when, char out[SB_TIME_TEXT])
{
    format_time(when, "%Y-%m-%d", out);
}

void sb_time_plain(int64_t when, char out[SB_TIME_TEXT])
{
    format_time(when, "%Y-%m-%d %H:%M:%S", out);
}

void sb_time_http(int64_t when, char out[SB_TIME_TEXT])
{
    format_time(when, "%a, %d %b %Y %H:%M:%S GMT", out);
}

/* What may stand behind the seconds: nothing, a fraction, and Z or +hh:mm. */
static bool parse_zone(const char *text, int64_t *ret_offset_s)
{
    int hours = 0, minutes = 0, used = 0;
    char sign;

    if (*text == '.')
        text += 1 + strspn(text + 1, "0123456789");
    if (*text == '\0' || strcmp(text, "Z") == 0) {
        *ret_offset_s = 0;
        return true;
    }
    sign = *text;
    /* NOLINTNEXTLINE(cert-err34-c): two digits each, range checked below */
    if ((sign != '+' && sign != '-') ||
        sscanf(text + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2 || text[1 + used] != '\0' ||
        hours < 0 || hours > 14 || minutes < 0 || minutes > 59)
        return false;
    *ret_offset_s = (hours * 3600 + minutes * 60) * (sign == '-' ? -1 : 1);
    return true;
}

bool sb_time_parse(const char *text, int64_t *ret_when)
{
    struct tm parts = { 0 };
    int64_t offset_s = 0;
    const char *rest;

    if (text[0] == '@')
        return sb_parse_number(text + 1, 0, 253402300799, ret_when);
    rest = strptime(text, "%Y-%m-%d", &parts);
    if (!rest)
        return false;
    if (*rest == 'T' || *rest == ' ') {
        rest = strptime(rest + 1, "%H:%M:%S", &parts);
        if (!rest || !parse_zone(rest, &offset_s))
            return false;
    } else if (*rest != '\0') {
        return false;
    }
    *ret_when = (int64_t)timegm(&parts) - offset_s;
    return true;
}

/* The n-th Sunday of that month at 02:00, on a wall clock counted as if it were UTC. */
static int64_t sunday_at_two(int year, int month, int nth)
{
    struct tm first = { .tm_year = year, .tm_mon = month, .tm_mday = 1, .tm_hour = 2 };
    int64_t when = (int64_t)timegm(&first);

    return when + ((7 - first.tm_wday) % 7 + (nth - 1) * 7) * (int64_t)SB_DAY;
}

static int64_t mountain_offset(int64_t wall_standard)
{
    time_t seconds = (time_t)wall_standard;
    struct tm parts = { 0 };
    int64_t start, end;

    gmtime_r(&seconds, &parts);
    start = sunday_at_two(parts.tm_year, 2, 2);
    end = sunday_at_two(parts.tm_year, 10, 1);
    return wall_standard >= start && wall_standard < end - 3600 ? 6 * 3600 : 7 * 3600;
}

int64_t sb_time_from_mountain(int64_t wall)
{
    /* The hour that exists twice in November counts as the first, the one that never is as the last. */
    return wall + mountain_offset(wall - 3600);
}

int64_t sb_time_to_mountain(int64_t when)
{
    return when - mountain_offset(when - 7 * 3600);
}
