// SPDX-License-Identifier: Apache-2.0
/*
 * store_away.c - the service's state for a run over many orders and for `status`. Reads the API key to
 * name the files; whoever may not read it is told nothing and held back by nothing.
 */
#include "store_away.h"

#include <string.h>

#include "flow/budget.h"
#include "flow/policy_plan.h"

enum { WAITING_TOLD = 100 };

static bool service_of(const struct job *job, struct dcs_service *ret_service)
{
    dcs_auto(dcs_secret) struct dcs_secret key = { 0 };
    const struct dcs_span *window = dcs_span_at(job->windows, dcs_env_now(job->env));

    *ret_service = (struct dcs_service){ .env = job->env,
                                         .state_fd = job->cache.fd,
                                         .owner = job->cache.owner,
                                         .is_verb = true,
                                         .run = job->run,
                                         .announced_end = window ? window->end : 0 };
    return job->cache.fd >= 0 && job->cache.role == DCS_ROLE_KEEPER &&
           dcs_api_read_key(job->env, job->settings, &key, NULL) &&
           dcs_service_hash(job->settings->api_url, &key, ret_service->hash, NULL);
}

/* ---- a run ---- */

void dcs_away_begin(struct job *job, bool tries_now, struct dcs_service_run *run)
{
    struct dcs_service service;

    dcs_service_run_begin(service_of(job, &service) ? &service : NULL, tries_now, run);
    job->run = run;
}

void dcs_away_end(struct job *job)
{
    struct dcs_service service;

    if (service_of(job, &service))
        dcs_service_run_end(&service);
    job->run = NULL;
}

bool dcs_away_holds(const struct job *job, enum dcs_service_part part)
{
    return job->run && dcs_service_run_holds(job->run, part);
}

bool dcs_away_explains(const struct job *job, const struct dcs_memo *memo)
{
    return job->run && (memo->failure.code == DCS_E_AWAY || memo->failure.code == DCS_E_LIMIT) &&
           dcs_service_was_away(&job->run->began, memo->attempt_at);
}

/* ---- status ---- */

static void add_span(struct dcs_buf *text, int64_t seconds)
{
    static const struct {
        int64_t unit;
        const char *one, *many;
    } units[] = { { 86400, "day", "days" },
                  { 3600, "hour", "hours" },
                  { 60, "minute", "minutes" } };

    for (size_t i = 0; i < DCS_COUNT(units); i++) {
        int64_t count = seconds / units[i].unit;
        if (count == 0)
            continue;
        dcs_buf_addf(text, "%lld %s", (long long)count, count == 1 ? units[i].one : units[i].many);
        return;
    }
    dcs_buf_adds(text, "less than a minute");
}

/* Since when, why, and when it is tried by itself. False: not away. */
static bool add_words(struct dcs_buf *text, const struct dcs_service_state *state,
                      enum dcs_service_part part, int64_t now)
{
    const struct dcs_away *away = &state->parts[part];
    char when[DCS_TIME_TEXT];

    if (!away->since)
        return false;
    dcs_time_text(away->since, when);
    dcs_buf_addf(text, "the service %s since %s (",
                 part == DCS_SERVICE_WHOLE ? "has been away" : "answers and issues nothing", when);
    add_span(text, now - away->since);
    dcs_buf_addf(text, "): %s; ", away->reason);
    if (dcs_service_wait_s(state, part, now) == 0) {
        dcs_buf_adds(text, "the next sync tries again");
        return true;
    }
    dcs_time_text(away->next_try, when);
    dcs_buf_addf(text, "the first sync after %s tries again", when);
    return true;
}

static void add_part(struct dcs_json *object, const struct dcs_away *away)
{
    dcs_json_add_bool(object, "away", away->since != 0);
    if (away->since) {
        dcs_json_add_time(object, "away_since", away->since);
        dcs_json_add_time(object, "next_try", away->next_try);
        dcs_json_add_i64(object, "failures", away->failures);
        dcs_json_add_text(object, "reason", away->reason);
    }
    if (away->was_till) {
        dcs_json_add_time(object, "was_away_from", away->was_from);
        dcs_json_add_time(object, "was_away_till", away->was_till);
    }
}

static void add_budget(const struct job *job, const struct dcs_service *service,
                       struct dcs_json *object)
{
    struct dcs_budget budget = { .env = job->env,
                                 .state_fd = job->cache.fd,
                                 .owner = job->cache.owner,
                                 .per_5s = job->settings->budget_5s,
                                 .per_3min = job->settings->budget_3min,
                                 .is_verb = true };
    int64_t left_5s = 0;
    int64_t left_3min = 0;

    memcpy(budget.hash, service->hash, sizeof(budget.hash));
    dcs_budget_left(&budget, &left_5s, &left_3min);
    dcs_json_add_i64(object, "budget_left_5s", left_5s);
    dcs_json_add_i64(object, "budget_left_3min", left_3min);
}

bool dcs_away_can_tell(const struct job *job)
{
    struct dcs_service service;

    return service_of(job, &service);
}

void dcs_away_show(const struct job *job, struct dcs_json *object)
{
    dcs_auto(dcs_buf) struct dcs_buf words = { .max = 1024 };
    struct dcs_service service;
    struct dcs_service_state state;
    int64_t now = dcs_env_now(job->env);

    if (!service_of(job, &service))
        return;
    dcs_json_add_text(object, "api_url", job->settings->api_url);
    dcs_service_read(&service, &state);
    if (add_words(&words, &state, DCS_SERVICE_WHOLE, now) ||
        add_words(&words, &state, DCS_SERVICE_ISSUANCE, now))
        dcs_json_add_text(object, "words", dcs_buf_text(&words));
    add_part(object, &state.parts[DCS_SERVICE_WHOLE]);
    add_part(dcs_json_add_object(object, "issuance"), &state.parts[DCS_SERVICE_ISSUANCE]);
    if (state.last_success)
        dcs_json_add_time(object, "last_success", state.last_success);
    add_budget(job, &service, object);
}

/* A certificate is due, was asked for and did not come, or none is here; not what waits for people. */
static bool waits_for_ca(const struct dcs_json *order)
{
    const char *action = dcs_json_text(order, "plan.action");
    const char *failure = dcs_json_text(order, "last_failure.code");

    const char *reason = dcs_json_text(order, "plan.reason");
    const struct dcs_json *request = dcs_json_get(order, "request"); /* without id: not answered */

    return (action && (strcmp(action, "reissue") == 0 || strcmp(action, "duplicate") == 0)) ||
           (reason && strcmp(reason, dcs_plan_reason_name(DCS_WHY_NOT_TAKEN)) == 0) ||
           (failure && strcmp(failure, dcs_code_name(DCS_E_AWAY)) == 0) ||
           (request && !dcs_json_get(request, "request_id") &&
            !dcs_json_get(request, "certificate_id")) ||
           !dcs_json_get(order, "current");
}

void dcs_away_count(const struct dcs_json *orders, struct dcs_json *object)
{
    struct dcs_json *list = dcs_json_add_array(object, "waiting_orders");
    int64_t count = 0;
    int64_t id = 0;

    for (const struct dcs_json *o = dcs_json_first(orders); o; o = dcs_json_next(o)) {
        if (!waits_for_ca(o) || !dcs_json_i64(o, "order_id", &id))
            continue;
        if (count++ < WAITING_TOLD)
            dcs_json_add_i64(list, NULL, id);
    }
    dcs_json_add_i64(object, "waiting", count);
}

bool dcs_store_service(struct dcs_store *store, struct dcs_json **ret_object, struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *object = dcs_json_new_object();
    struct job job;

    if (!dcs_job_begin(store, &job, err))
        return false;
    job.cached_only = true;
    bool done = dcs_job_check_config(&job, 0, err) && dcs_job_look(&job, err);
    if (done)
        dcs_away_show(&job, object);
    dcs_job_end(&job);
    if (done)
        *ret_object = dcs_steal(&object);
    return done;
}
