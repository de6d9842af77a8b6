// SPDX-License-Identifier: Apache-2.0
/* env.c - the only place that reads clocks, sleeps, draws random bytes or looks at the environment. */
#include "base/env.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

static int64_t clock_ms(clockid_t clock)
{
    struct timespec t = { 0 };

    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t real_now(void *context)
{
    (void)context;
    return (int64_t)time(NULL);
}

static int64_t real_mono_ms(void *context)
{
    (void)context;
    return clock_ms(CLOCK_MONOTONIC);
}

static int64_t real_boot_ms(void *context)
{
    (void)context;
    return clock_ms(CLOCK_BOOTTIME);
}

static void real_sleep_ms(void *context, int64_t ms)
{
    (void)context;
    struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

    while (ms > 0 && nanosleep(&left, &left) < 0 && errno == EINTR)
        continue;
}

static bool real_random(void *context, void *out, size_t len)
{
    (void)context;
    uint8_t *at = out;

    while (len > 0) {
        ssize_t got = getrandom(at, len, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += got;
        len -= (size_t)got;
    }
    return true;
}

static const char *real_getenv(void *context, const char *name)
{
    (void)context;
    return secure_getenv(name);
}

DCS_AT_START const struct dcs_env *dcs_env_real(void)
{
    /* Two constants, so that no thread ever writes. */
    static const struct dcs_env plain = { .now = real_now,
                                          .mono_ms = real_mono_ms,
                                          .boot_ms = real_boot_ms,
                                          .sleep_ms = real_sleep_ms,
                                          .random = real_random,
                                          .getenv = real_getenv };
    static const struct dcs_env secure = { .now = real_now,
                                           .mono_ms = real_mono_ms,
                                           .boot_ms = real_boot_ms,
                                           .sleep_ms = real_sleep_ms,
                                           .random = real_random,
                                           .getenv = real_getenv,
                                           .at_secure = true };

    return getauxval(AT_SECURE) ? &secure : &plain;
}

int64_t dcs_env_now(const struct dcs_env *env)
{
    return env->now(env->context);
}

int64_t dcs_env_mono_ms(const struct dcs_env *env)
{
    return env->mono_ms(env->context);
}

int64_t dcs_env_boot_ms(const struct dcs_env *env)
{
    return env->boot_ms(env->context);
}

void dcs_env_sleep_ms(const struct dcs_env *env, int64_t ms)
{
    if (ms > 0)
        env->sleep_ms(env->context, ms);
}

bool dcs_env_random(const struct dcs_env *env, void *out, size_t len, struct dcs_err *err)
{
    if (env->random(env->context, out, len))
        return true;
    return dcs_fail(err, DCS_E_BUG, "the system gives no random bytes");
}

const char *dcs_env_get(const struct dcs_env *env, const char *name)
{
    const char *value = env->at_secure ? NULL : env->getenv(env->context, name);

    return value && *value ? value : NULL;
}

unsigned dcs_env_euid(const struct dcs_env *env)
{
    return env->euid ? env->euid(env->context) : geteuid();
}

int64_t dcs_env_jitter(const struct dcs_env *env, int64_t low, int64_t high)
{
    uint32_t draw = 0;

    if (high <= low || !env->random(env->context, &draw, sizeof(draw)))
        return low;
    return low + draw % (high - low + 1);
}

struct dcs_deadline dcs_deadline_in(const struct dcs_env *env, int64_t ms)
{
    return (struct dcs_deadline){ .mono_ms = dcs_env_mono_ms(env) + ms };
}

int64_t dcs_deadline_left_ms(const struct dcs_env *env, struct dcs_deadline deadline)
{
    int64_t left = deadline.mono_ms - dcs_env_mono_ms(env);

    return left > 0 ? left : 0;
}

void dcs_time_text(int64_t when, char out[DCS_TIME_TEXT])
{
    struct tm parts;
    time_t t = (time_t)when;

    if (!gmtime_r(&t, &parts) || parts.tm_year < 1000 - 1900 || parts.tm_year > 9999 - 1900 ||
        strftime(out, DCS_TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
        snprintf(out, DCS_TIME_TEXT,
                 "?"); /* before the year 1000 %Y has fewer digits than we read */
}

void dcs_time_local(int64_t when, char out[DCS_TIME_LOCAL])
{
    struct tm parts;
    time_t at = (time_t)when;

    if (!localtime_r(&at, &parts) || parts.tm_year < -1900 || parts.tm_year > 8099) {
        snprintf(out, DCS_TIME_LOCAL, "?");
        return;
    }
    long minutes = parts.tm_gmtoff / 60;
    long away = minutes < 0 ? -minutes : minutes;
    size_t len = strftime(out, DCS_TIME_LOCAL, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(out + len, DCS_TIME_LOCAL - len, "%c%02d:%02d", minutes < 0 ? '-' : '+',
             (int)(away / 60 % 100), (int)(away % 60));
}

/* Digits of exactly that width, or -1. */
static int digits(const char **at, int width)
{
    int value = 0;

    for (int i = 0; i < width; i++) {
        if ((*at)[i] < '0' || (*at)[i] > '9')
            return -1;
        value = value * 10 + ((*at)[i] - '0');
    }
    *at += width;
    return value;
}

static bool make_time(const struct tm *wanted, int64_t *ret_when)
{
    struct tm parts = *wanted;
    time_t t = timegm(&parts);

    /* timegm moves 31 June to 1 July; a date that moved was none. */
    if (parts.tm_mday != wanted->tm_mday || parts.tm_mon != wanted->tm_mon || wanted->tm_hour > 23)
        return false;
    *ret_when = (int64_t)t;
    return true;
}

static bool parse_zone(const char *at, int64_t *ret_offset_s)
{
    int sign = *at == '-' ? -1 : 1;

    *ret_offset_s = 0;
    if (*at == '\0' || strcmp(at, "Z") == 0)
        return true;
    if (*at != '+' && *at != '-')
        return false;
    at++;
    int hours = digits(&at, 2);
    if (*at == ':')
        at++;
    int minutes = digits(&at, 2);
    if (hours < 0 || hours > 14 || minutes < 0 || minutes > 59 || *at)
        return false;
    *ret_offset_s = sign * (hours * 3600 + minutes * 60);
    return true;
}

bool dcs_time_parse(const char *text, int64_t *ret_when)
{
    struct tm parts = { 0 };
    int64_t offset = 0;
    const char *at = text ? text : "";
    int year = digits(&at, 4);
    int month = year >= 0 && *at++ == '-' ? digits(&at, 2) : -1;
    int day = month >= 0 && *at++ == '-' ? digits(&at, 2) : -1;

    if (day < 1 || day > 31 || month < 1 || month > 12)
        return false;
    parts.tm_year = year - 1900;
    parts.tm_mon = month - 1;
    parts.tm_mday = day;
    if (*at == 'T' || *at == ' ') {
        at++;
        parts.tm_hour = digits(&at, 2);
        parts.tm_min = parts.tm_hour >= 0 && *at++ == ':' ? digits(&at, 2) : -1;
        parts.tm_sec = parts.tm_min >= 0 && *at++ == ':' ? digits(&at, 2) : -1;
        if (parts.tm_sec < 0 || parts.tm_min > 59 || parts.tm_sec > 60)
            return false;
        if (*at == '.')
            at += 1 + strspn(at + 1, "0123456789");
    }
    if (!parse_zone(at, &offset) || !make_time(&parts, ret_when))
        return false;
    *ret_when -= offset;
    return true;
}

bool dcs_time_parse_http(const char *text, int64_t *ret_when)
{
    static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    struct tm parts = { .tm_mon = -1 };
    const char *at = text ? strchr(text, ',') : NULL;

    if (!at || at[1] != ' ')
        return false;
    at += 2;
    parts.tm_mday = digits(&at, 2);
    if (parts.tm_mday < 0 || *at++ != ' ')
        return false;
    for (int i = 0; i < 12; i++)
        if (strncmp(at, months[i], 3) == 0)
            parts.tm_mon = i;
    if (parts.tm_mon < 0 || at[3] != ' ')
        return false;
    at += 4;
    parts.tm_year = digits(&at, 4) - 1900;
    if (parts.tm_year < 0 || *at++ != ' ')
        return false;
    parts.tm_hour = digits(&at, 2);
    parts.tm_min = parts.tm_hour >= 0 && *at++ == ':' ? digits(&at, 2) : -1;
    parts.tm_sec = parts.tm_min >= 0 && *at++ == ':' ? digits(&at, 2) : -1;
    return parts.tm_sec >= 0 && strcmp(at, " GMT") == 0 && make_time(&parts, ret_when);
}

int64_t dcs_time_midnight(int64_t when)
{
    int64_t into = when % 86400;

    return when - (into < 0 ? into + 86400 : into);
}
