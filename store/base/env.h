/* SPDX-License-Identifier: Apache-2.0 */
/*
 * env.h - the world as a parameter: time, waiting, randomness, environment, identity.
 *
 * Nobody else in store/ reads a clock, sleeps or calls getenv, so a test stands at any second and
 * waits for nothing. A struct dcs_env never changes once a store was made with it.
 */
#ifndef DCS_BASE_ENV_H
#define DCS_BASE_ENV_H

#include "base/mem.h"

struct dcs_env {
    void *context;
    int64_t (*now)(void *context);     /* UTC, seconds since 1970 */
    int64_t (*mono_ms)(void *context); /* CLOCK_MONOTONIC, for deadlines */
    int64_t (*boot_ms)(void *context); /* CLOCK_BOOTTIME, comparable between processes */
    void (*sleep_ms)(void *context, int64_t ms);
    bool (*random)(void *context, void *out, size_t len);
    const char *(*getenv)(void *context, const char *name); /* NULL always when AT_SECURE */
    bool at_secure;                  /* set-uid, set-gid or file capabilities */
    unsigned (*euid)(void *context); /* NULL: geteuid() */
};

/* The real world. Static storage; at_secure is set. */
const struct dcs_env *dcs_env_real(void);
int64_t dcs_env_now(const struct dcs_env *env);
int64_t dcs_env_mono_ms(const struct dcs_env *env);
int64_t dcs_env_boot_ms(const struct dcs_env *env);
void dcs_env_sleep_ms(const struct dcs_env *env, int64_t ms);
bool dcs_env_random(const struct dcs_env *env, void *out, size_t len,
                    struct dcs_err *err) DCS_CHECKED;
const char *dcs_env_get(const struct dcs_env *env, const char *name);
unsigned dcs_env_euid(const struct dcs_env *env);
/* Uniform in [low, high]; low when randomness fails. */
int64_t dcs_env_jitter(const struct dcs_env *env, int64_t low, int64_t high);

/* A point on mono_ms that a call may wait for. */
struct dcs_deadline {
    int64_t mono_ms;
};
struct dcs_deadline dcs_deadline_in(const struct dcs_env *env, int64_t ms);
int64_t dcs_deadline_left_ms(const struct dcs_env *env, struct dcs_deadline deadline); /* >= 0 */

/* Time as text. Parsing accepts what the CA sends: YYYY-MM-DD, ISO 8601 with zone, "Y-M-D H:M:S". */
#define DCS_TIME_TEXT 24
void dcs_time_text(int64_t when, char out[DCS_TIME_TEXT]); /* 2026-11-24T10:00:00Z */
/* The same moment by this host's own clock: 2026-11-24T03:00:00-07:00 */
#define DCS_TIME_LOCAL 32
void dcs_time_local(int64_t when, char out[DCS_TIME_LOCAL]);
bool dcs_time_parse(const char *text, int64_t *ret_when) DCS_CHECKED;
/* An RFC 9110 Date header (IMF-fixdate). */
bool dcs_time_parse_http(const char *text, int64_t *ret_when) DCS_CHECKED;
/* Midnight UTC of that day. */
int64_t dcs_time_midnight(int64_t when);

#endif
