// SPDX-License-Identifier: Apache-2.0
/*
 * service_run.c - when a run over many orders gives up for this time: after a few failures in a row,
 * whoever of its threads met them. Decides nothing about a single order.
 */
#include <stdio.h>

#include "flow/service.h"

enum { FAILURES_IN_A_ROW = 3 };

void dcs_service_run_begin(const struct dcs_service *service, bool tries_now,
                           struct dcs_service_run *ret_run)
{
    *ret_run = (struct dcs_service_run){ .mutex = PTHREAD_MUTEX_INITIALIZER };
    if (!service)
        return;
    dcs_service_read(service, &ret_run->began);
    for (int p = 0; p < DCS_SERVICE_PARTS; p++) {
        struct dcs_run_part *part = &ret_run->parts[p];
        part->is_away = !tries_now && dcs_service_wait_s(&ret_run->began, (enum dcs_service_part)p,
                                                         dcs_env_now(service->env)) > 0;
        snprintf(part->reason, sizeof(part->reason), "%s", ret_run->began.parts[p].reason);
    }
}

bool dcs_service_run_holds(struct dcs_service_run *run, enum dcs_service_part part)
{
    pthread_mutex_lock(&run->mutex);
    bool holds = run->parts[DCS_SERVICE_WHOLE].is_away || run->parts[part].is_away;
    pthread_mutex_unlock(&run->mutex);
    return holds;
}

/* A few orders that hang while others are answered tell nothing of the service. */
bool dcs_service_run_failed(const struct dcs_service *service, enum dcs_service_part part,
                            bool is_limit, const char *reason)
{
    struct dcs_service_run *run = service->run;
    struct dcs_run_part *p = &run->parts[part];
    int64_t now = dcs_env_now(service->env);

    pthread_mutex_lock(&run->mutex);
    if (service->sent_ms && service->sent_ms < p->answered_ms) {
        pthread_mutex_unlock(&run->mutex);
        return false;
    }
    if (p->in_a_row++ == 0)
        p->first_failure = now;
    bool gives_up = p->in_a_row == FAILURES_IN_A_ROW;
    p->is_away |= gives_up;
    p->was_limit = is_limit;
    snprintf(p->reason, sizeof(p->reason), "%.250s", reason);
    pthread_mutex_unlock(&run->mutex);
    return gives_up;
}

/* Over the limit is not away: the run ends, and the next one is as early as usual. */
void dcs_service_limited(const struct dcs_service *service, const char *reason)
{
    if (service->run)
        (void)dcs_service_run_failed(service, DCS_SERVICE_WHOLE, true, reason);
}

void dcs_service_run_answered(struct dcs_service_run *run, enum dcs_service_part part,
                              int64_t now_ms)
{
    pthread_mutex_lock(&run->mutex);
    for (int p = DCS_SERVICE_WHOLE; p <= (int)part; p++)
        run->parts[p] = (struct dcs_run_part){ .answered = true, .answered_ms = now_ms };
    pthread_mutex_unlock(&run->mutex);
}

void dcs_service_run_end(const struct dcs_service *service)
{
    struct dcs_service_run *run = service->run;

    for (int p = 0; p < DCS_SERVICE_PARTS; p++) {
        const struct dcs_run_part *part = &run->parts[p];
        if (part->in_a_row > 0 && !part->is_away && !part->answered && !part->was_limit)
            dcs_service_climb(service, (enum dcs_service_part)p, part->first_failure, part->reason);
    }
}
