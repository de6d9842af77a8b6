// SPDX-License-Identifier: Apache-2.0
/*
 * store_away.c - the service's state for a run over many orders and for `status`. Reads the API key to
 * name the files; whoever may not read it is told nothing and held back by nothing.
 */
#include "store_away.h"

#include <string.h>

#include "flow/budget.h"

static bool service_of(const struct job *job, struct dcs_service *ret_service)
{
    dcs_auto(dcs_secret) struct dcs_secret key = { 0 };

    *ret_service = (struct dcs_service){ .env = job->env,
                                         .state_fd = job->cache.fd,
                                         .owner = job->cache.owner,
                                         .is_verb = true,
                                         .run = job->run };
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

void dcs_away_show(struct job *job, struct dcs_json *root)
{
    struct dcs_service service;
    struct dcs_service_state state;

    if (!service_of(job, &service))
        return;
    struct dcs_json *object = dcs_json_add_object(root, "service");
    dcs_json_add_text(object, "api_url", job->settings->api_url);
    dcs_service_read(&service, &state);
    add_part(object, &state.parts[DCS_SERVICE_WHOLE]);
    add_part(dcs_json_add_object(object, "issuance"), &state.parts[DCS_SERVICE_ISSUANCE]);
    if (state.last_success)
        dcs_json_add_time(object, "last_success", state.last_success);
    add_budget(job, &service, object);
}
