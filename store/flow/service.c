// SPDX-License-Identifier: Apache-2.0
/*
 * service.c - the word between processes about an away service; advice only, it never fails a
 * call and never holds back a verb for one order.
 */
#include "flow/service.h"

#include <stdio.h>
#include <string.h>

#include "base/trace.h"
#include "io/x509.h"

enum {
    RECORD_MAX = 4096,
    AWAY_MARK_S = 10,      /* a door's mark is good for so long */
    HEEDED_S = 600,        /* doors heed the verbs' file for so long after it was written */
    SUCCESS_EVERY_S = 600, /* a success is recorded anew no more often than this */
    LADDER_TOP_S = 6 * 3600,
    SOON_S = 1800,
};

bool dcs_service_hash(const char *api_url, const struct dcs_secret *key, char out[17],
                      struct dcs_err *err)
{
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = 8192, .secret = true };
    uint8_t hash[DCS_SHA256_LEN];

    dcs_buf_addf(&text, "%s\n", api_url);
    dcs_buf_add(&text, key->data, key->len);
    if (!dcs_buf_ok(&text, "an API key", err) || !dcs_sha256(text.data, text.len, hash, err))
        return false;
    dcs_hex(hash, 8, out);
    return true;
}

/* ---- the files ---- */

static void state_path(const struct dcs_service *service, char out[40])
{
    snprintf(out, 40, "service-%s.json", service->hash);
}

static void mark_path(const struct dcs_service *service, char out[40])
{
    snprintf(out, 40, "away-%s", service->hash);
}

static const char *const part_names[DCS_SERVICE_PARTS] = { "service", "issuance" };

static void read_part(const struct dcs_json *object, struct dcs_away *ret_away)
{
    int64_t failures = 0;
    const struct {
        const char *name;
        int64_t *to;
    } numbers[] = { { "away_since", &ret_away->since },  { "next_try", &ret_away->next_try },
                    { "written", &ret_away->written },   { "was_from", &ret_away->was_from },
                    { "was_till", &ret_away->was_till }, { "failures", &failures } };

    for (size_t i = 0; i < DCS_COUNT(numbers); i++)
        if (!dcs_json_i64(object, numbers[i].name, numbers[i].to) || *numbers[i].to < 0)
            *numbers[i].to = 0;
    ret_away->failures = failures < 1000 ? (int)failures : 1000;
    dcs_clean_text(dcs_json_text(object, "reason"), ret_away->reason, sizeof(ret_away->reason));
}

void dcs_service_read(const struct dcs_service *service, struct dcs_service_state *ret_state)
{
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = RECORD_MAX };
    dcs_auto(dcs_json) struct dcs_json *root = NULL;
    char path[40];

    *ret_state = (struct dcs_service_state){ 0 };
    state_path(service, path);
    if (!dcs_fs_read(service->state_fd, path, RECORD_MAX, &text, NULL, NULL) ||
        !dcs_json_parse(dcs_buf_text(&text), text.len, &root, NULL))
        return;
    if (!dcs_json_i64(root, "last_success", &ret_state->last_success) ||
        ret_state->last_success < 0)
        ret_state->last_success = 0;
    for (size_t i = 0; i < DCS_SERVICE_PARTS; i++)
        read_part(dcs_json_get(root, part_names[i]), &ret_state->parts[i]);
}

static void write_part(struct dcs_json *object, const struct dcs_away *away)
{
    dcs_json_add_i64(object, "away_since", away->since);
    dcs_json_add_i64(object, "next_try", away->next_try);
    dcs_json_add_i64(object, "written", away->written);
    dcs_json_add_i64(object, "failures", away->failures);
    dcs_json_add_i64(object, "was_from", away->was_from);
    dcs_json_add_i64(object, "was_till", away->was_till);
    dcs_json_add_text(object, "reason", away->reason);
}

static void write_state(const struct dcs_service *service, const struct dcs_service_state *state)
{
    dcs_auto(dcs_json) struct dcs_json *root = dcs_json_new_object();
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = RECORD_MAX };
    struct dcs_err err = { 0 };
    char path[40];

    dcs_json_add_i64(root, "last_success", state->last_success);
    for (size_t i = 0; i < DCS_SERVICE_PARTS; i++)
        write_part(dcs_json_add_object(root, part_names[i]), &state->parts[i]);
    state_path(service, path);
    if (!dcs_json_print(root, true, &text, &err) ||
        !dcs_fs_write_hint(service->state_fd, path, dcs_buf_text(&text), text.len, 0600,
                           service->owner, &err))
        dcs_trace(service->env, "service state: %s", err.text);
}

/* ---- what they say ---- */

/* A time in the future was written by a clock that was wrong: not heeded. */
static bool is_recent(int64_t now, int64_t when, int64_t seconds)
{
    int64_t age = now - when;

    return age >= 0 && age <= seconds;
}

int64_t dcs_service_wait_s(const struct dcs_service_state *state, enum dcs_service_part part,
                           int64_t now)
{
    const struct dcs_away *away = &state->parts[part];
    int64_t left = away->next_try - now;

    /* Nothing further ahead than the ladder is long is believed either. */
    return away->since && left > 0 && left <= LADDER_TOP_S ? left : 0;
}

bool dcs_service_was_away(const struct dcs_service_state *state, int64_t when)
{
    for (size_t i = 0; i < DCS_SERVICE_PARTS; i++) {
        const struct dcs_away *away = &state->parts[i];
        if ((away->since && when >= away->since) ||
            (away->was_till && when >= away->was_from && when <= away->was_till))
            return true;
    }
    return false;
}

static bool fail_away(const struct dcs_away *away, enum dcs_service_part part, struct dcs_err *err)
{
    static const char *const words[] = { "the service has been away",
                                         "the service answers and issues nothing" };
    char since[DCS_TIME_TEXT];
    char next[DCS_TIME_TEXT];

    dcs_time_text(away->since, since);
    dcs_time_text(away->next_try, next);
    return dcs_fail(err, DCS_E_AWAY, "%s since %s (%s); it is tried again at %s", words[part],
                    since, away->reason, next);
}

/* A door heeds what verbs wrote, no longer than ten minutes after they did. */
static bool door_may_try(const struct dcs_service *service, enum dcs_service_part part,
                         struct dcs_err *err)
{
    int64_t now = dcs_env_now(service->env);
    struct dcs_service_state state;
    struct dcs_fs_stat mark;
    char path[40];

    mark_path(service, path);
    if (dcs_fs_stat(service->state_fd, path, &mark, NULL) &&
        is_recent(now, mark.mtime_s, AWAY_MARK_S))
        return dcs_fail(err, DCS_E_AWAY,
                        "the service was found away by another process seconds ago");
    dcs_service_read(service, &state);
    for (int p = DCS_SERVICE_WHOLE; p <= (int)part; p++) {
        if (dcs_service_wait_s(&state, (enum dcs_service_part)p, now) == 0 ||
            !is_recent(now, state.parts[p].written, HEEDED_S))
            continue;
        fail_away(&state.parts[p], (enum dcs_service_part)p, err);
        return dcs_hint(err, "`digicert-store get URI` tries at once");
    }
    return true;
}

static bool fail_in_run(struct dcs_service_run *run, enum dcs_service_part part,
                        struct dcs_err *err)
{
    char reason[256];

    if (!dcs_service_run_holds(run, part))
        return true;
    pthread_mutex_lock(&run->mutex);
    enum dcs_service_part whose = run->parts[DCS_SERVICE_WHOLE].is_away ? DCS_SERVICE_WHOLE : part;
    snprintf(reason, sizeof(reason), "%s", run->parts[whose].reason);
    pthread_mutex_unlock(&run->mutex);
    dcs_fail(err, DCS_E_AWAY, "not asked for in this run: %s%s",
             whose == DCS_SERVICE_ISSUANCE ? "the service answers and issues nothing: " : "",
             reason);
    return dcs_hint(err, "nothing is lost; it goes on by itself when the service is back");
}

bool dcs_service_may_try(const struct dcs_service *service, enum dcs_service_part part,
                         struct dcs_err *err)
{
    if (service->run)
        return fail_in_run(service->run, part, err);
    return service->is_verb || door_may_try(service, part, err);
}

/* ---- the ladder ---- */

/* 1, 10, 100 min, then 6 h, each spread over half its length. */
static int64_t ladder_s(const struct dcs_service *service, int failures)
{
    int64_t wait = 60;

    for (int i = 1; i < failures && wait < LADDER_TOP_S; i++)
        wait *= 10;
    wait = wait < LADDER_TOP_S ? wait : LADDER_TOP_S;
    return wait / 2 + dcs_env_jitter(service->env, 0, wait / 2);
}

/* Within half an hour after announced maintenance, so that hosts do not all come back at its end. */
static int64_t soon_after(const struct dcs_service *service, int64_t now, int64_t next_try)
{
    if (service->announced_end <= now || next_try <= service->announced_end)
        return next_try;
    int64_t after = service->announced_end + dcs_env_jitter(service->env, 0, SOON_S);
    return next_try < after ? next_try : after;
}

void dcs_service_climb(const struct dcs_service *service, enum dcs_service_part part, int64_t first,
                       const char *reason)
{
    int64_t now = dcs_env_now(service->env);
    struct dcs_service_state state;

    dcs_service_read(service, &state);
    struct dcs_away *away = &state.parts[part];
    if (!away->since || away->since > now) {
        away->since = first;
        away->next_try = 0;
        away->failures = 0;
    }
    /* Who tries before its time has come, a person, is no rung. */
    if (dcs_service_wait_s(&state, part, now) == 0) {
        away->failures++;
        away->next_try = soon_after(service, now, now + ladder_s(service, away->failures));
    }
    away->written = now;
    snprintf(away->reason, sizeof(away->reason), "%.250s", reason);
    write_state(service, &state);
}

void dcs_service_succeeded(const struct dcs_service *service, enum dcs_service_part part)
{
    int64_t now = dcs_env_now(service->env);
    struct dcs_service_state state;
    bool changed = false;

    if (!service->is_verb)
        return;
    if (service->run)
        dcs_service_run_answered(service->run, part, dcs_env_mono_ms(service->env));
    dcs_service_read(service, &state);
    for (int p = DCS_SERVICE_WHOLE; p <= (int)part; p++) {
        struct dcs_away *away = &state.parts[p];
        if (!away->since)
            continue;
        *away = (struct dcs_away){ .was_from = away->since, .was_till = now, .written = now };
        changed = true;
    }
    if (!changed && is_recent(now, state.last_success, SUCCESS_EVERY_S))
        return;
    state.last_success = now;
    write_state(service, &state);
}

void dcs_service_failed(const struct dcs_service *service, enum dcs_service_part part,
                        const char *reason)
{
    static const char prefix[] = "the service is away: "; /* what is said around it says so */
    int64_t now = dcs_env_now(service->env);
    struct dcs_err err = { 0 };
    char path[40];

    if (strncmp(reason, prefix, sizeof(prefix) - 1) == 0)
        reason += sizeof(prefix) - 1;
    if (!service->is_verb) {
        mark_path(service, path);
        if (!dcs_fs_write_hint(service->state_fd, path, "", 0, 0600, service->owner, &err))
            dcs_trace(service->env, "away mark: %s", err.text);
    } else if (!service->run) {
        dcs_service_climb(service, part, now, reason);
    } else if (dcs_service_run_failed(service, part, false, reason)) {
        dcs_service_climb(service, part, service->run->parts[part].first_failure, reason);
    }
}
