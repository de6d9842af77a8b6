// SPDX-License-Identifier: Apache-2.0
/*
 * service.c - the word between processes about an away service; advice only, it never fails a
 * call and never holds back a verb.
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

static void state_path(const struct dcs_service *service, char out[40])
{
    snprintf(out, 40, "service-%s.json", service->hash);
}

static void mark_path(const struct dcs_service *service, char out[40])
{
    snprintf(out, 40, "away-%s", service->hash);
}

void dcs_service_read(const struct dcs_service *service, struct dcs_service_state *ret_state)
{
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = RECORD_MAX };
    dcs_auto(dcs_json) struct dcs_json *root = NULL;
    char path[40];
    int64_t failures = 0;

    *ret_state = (struct dcs_service_state){ 0 };
    state_path(service, path);
    if (!dcs_fs_read(service->state_fd, path, RECORD_MAX, &text, NULL, NULL) ||
        !dcs_json_parse(dcs_buf_text(&text), text.len, &root, NULL))
        return;
    const struct {
        const char *name;
        int64_t *to;
    } numbers[] = { { "away_since", &ret_state->away_since },
                    { "next_try", &ret_state->next_try },
                    { "last_success", &ret_state->last_success },
                    { "written", &ret_state->written },
                    { "failures", &failures } };
    for (size_t i = 0; i < DCS_COUNT(numbers); i++)
        if (!dcs_json_i64(root, numbers[i].name, numbers[i].to) || *numbers[i].to < 0)
            *numbers[i].to = 0;
    ret_state->failures = failures < 1000 ? (int)failures : 1000;
    dcs_clean_text(dcs_json_text(root, "reason"), ret_state->reason, sizeof(ret_state->reason));
}

static void write_state(const struct dcs_service *service, struct dcs_service_state *state)
{
    dcs_auto(dcs_json) struct dcs_json *root = dcs_json_new_object();
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = RECORD_MAX };
    struct dcs_err err = { 0 };
    char path[40];

    state->written = dcs_env_now(service->env);
    dcs_json_add_i64(root, "away_since", state->away_since);
    dcs_json_add_i64(root, "next_try", state->next_try);
    dcs_json_add_i64(root, "last_success", state->last_success);
    dcs_json_add_i64(root, "written", state->written);
    dcs_json_add_i64(root, "failures", state->failures);
    dcs_json_add_text(root, "reason", state->reason);
    state_path(service, path);
    if (!dcs_json_print(root, true, &text, &err) ||
        !dcs_fs_write_hint(service->state_fd, path, dcs_buf_text(&text), text.len, 0600,
                           service->owner, &err))
        dcs_trace(service->env, "service state: %s", err.text);
}

/* A time in the future was written by a clock that was wrong: not heeded. */
static bool is_recent(const struct dcs_service *service, int64_t when, int64_t seconds)
{
    int64_t age = dcs_env_now(service->env) - when;

    return age >= 0 && age <= seconds;
}

bool dcs_service_may_try(const struct dcs_service *service, struct dcs_err *err)
{
    struct dcs_service_state state;
    struct dcs_fs_stat mark;
    char path[40];
    char since[DCS_TIME_TEXT];
    char next[DCS_TIME_TEXT];

    if (service->is_verb)
        return true;
    mark_path(service, path);
    if (dcs_fs_stat(service->state_fd, path, &mark, NULL) &&
        is_recent(service, mark.mtime_s, AWAY_MARK_S))
        return dcs_fail(err, DCS_E_AWAY,
                        "the service was found away by another process seconds ago");
    dcs_service_read(service, &state);
    if (!state.away_since || state.next_try <= dcs_env_now(service->env) ||
        !is_recent(service, state.written, HEEDED_S))
        return true;
    dcs_time_text(state.away_since, since);
    dcs_time_text(state.next_try, next);
    dcs_fail(err, DCS_E_AWAY, "the service has been away since %s (%s); it is tried again at %s",
             since, state.reason, next);
    return dcs_hint(err, "`digicert-store get URI` tries at once");
}

void dcs_service_succeeded(const struct dcs_service *service)
{
    struct dcs_service_state state;

    if (!service->is_verb)
        return;
    dcs_service_read(service, &state);
    int64_t now = dcs_env_now(service->env);
    if (!state.away_since && now - state.last_success < SUCCESS_EVERY_S &&
        now >= state.last_success)
        return;
    state = (struct dcs_service_state){ .last_success = now };
    write_state(service, &state);
}

/* 1, 10, 100 min, then 6 h, each spread over half its length. */
static int64_t ladder_s(const struct dcs_service *service, int failures)
{
    int64_t wait = 60;

    for (int i = 1; i < failures && wait < LADDER_TOP_S; i++)
        wait *= 10;
    wait = wait < LADDER_TOP_S ? wait : LADDER_TOP_S;
    return wait / 2 + dcs_env_jitter(service->env, 0, wait / 2);
}

void dcs_service_failed(const struct dcs_service *service, const char *reason)
{
    struct dcs_service_state state;
    struct dcs_err err = { 0 };
    char path[40];

    if (!service->is_verb) {
        mark_path(service, path);
        if (!dcs_fs_write_hint(service->state_fd, path, "", 0, 0600, service->owner, &err))
            dcs_trace(service->env, "away mark: %s", err.text);
        return;
    }
    dcs_service_read(service, &state);
    int64_t now = dcs_env_now(service->env);
    /* Several failures within one run are one step of the ladder. */
    bool same_run = state.away_since && now < state.next_try && now - state.written < 30;
    if (!same_run)
        state.failures++;
    if (!state.away_since)
        state.away_since = now;
    if (!same_run)
        state.next_try = now + ladder_s(service, state.failures);
    snprintf(state.reason, sizeof(state.reason), "%.250s", reason);
    write_state(service, &state);
}
