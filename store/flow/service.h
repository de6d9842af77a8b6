/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service.h - is the CA away? What processes tell each other about it (design.md section 9).
 *
 * service-HASH.json per host and key (written by verbs only: away since, next try, last success)
 * and away-HASH (touched by a door that met "away", valid for 10 s). Doors make no attempt while
 * either forbids it; verbs always try. HASH is of API URL and key, hex, 16 characters.
 *
 * The service has two parts: it may answer and issue nothing. What asks it to change something (a
 * reissue, an order's CT setting) heeds both, all else the whole alone.
 */
#ifndef DCS_FLOW_SERVICE_H
#define DCS_FLOW_SERVICE_H

#include <pthread.h>

#include "base/env.h"
#include "io/fs.h"
#include "io/json.h"

enum dcs_service_part { DCS_SERVICE_WHOLE, DCS_SERVICE_ISSUANCE, DCS_SERVICE_PARTS };

/* One part, as the file has it. */
struct dcs_away {
    int64_t since;              /* 0: not away */
    int64_t next_try;           /* 0: at once */
    int64_t written;            /* when it was last found away */
    int64_t was_from, was_till; /* the last outage that has ended; 0: none */
    int failures;               /* rungs of the ladder */
    char reason[256];
};

struct dcs_service_state {
    struct dcs_away parts[DCS_SERVICE_PARTS];
    int64_t last_success; /* 0: never */
};

/*
 * One run over many orders, shared by its threads. It follows the ladder, where a verb for one order
 * always tries; after three requests in a row that met "away" it makes no more, and the ladder is
 * climbed by one rung, so that an outage costs a run three time-outs and not one an order. One order
 * that the CA always answers badly does not make the service away.
 */
struct dcs_service_run {
    pthread_mutex_t mutex;
    struct dcs_service_state began; /* what was written when it began */
    struct dcs_run_part {
        int in_a_row; /* failures since the last answer, of requests that were sent after it */
        int64_t first_failure;
        int64_t answered_ms; /* of the monotonic clock */
        bool answered, is_away;
        bool was_limit; /* the last failure was a 429: no reason to climb the ladder */
        char reason[256];
    } parts[DCS_SERVICE_PARTS];
};

struct dcs_service {
    const struct dcs_env *env;
    int state_fd;
    struct dcs_fs_owner owner;
    bool is_verb;
    struct dcs_service_run *run; /* NULL: one call by itself */
    int64_t sent_ms;             /* the request, by the monotonic clock; 0 not known */
    /* End of the maintenance that is announced for now, 0 none: the ladder tries soon after it. */
    int64_t announced_end;
    char hash[17];
};

bool dcs_service_hash(const char *api_url, const struct dcs_secret *key, char out[17],
                      struct dcs_err *err) DCS_CHECKED;
/* A missing or damaged file reads as "not away". */
void dcs_service_read(const struct dcs_service *service, struct dcs_service_state *ret_state);
/* Seconds until that part is tried again by itself, 0 when it is not away or its time has come. */
int64_t dcs_service_wait_s(const struct dcs_service_state *state, enum dcs_service_part part,
                           int64_t now);
/* Whether an "away" of that moment was the service's, and not the order's own. */
bool dcs_service_was_away(const struct dcs_service_state *state, int64_t when);
/* False with DCS_E_AWAY, saying since when and when it will be tried, when that part must not be
 * tried: by a door, or in a run that found it away. */
bool dcs_service_may_try(const struct dcs_service *service, enum dcs_service_part part,
                         struct dcs_err *err) DCS_CHECKED;
/* After an answer that proves that part alive. Never fails: it is advice. */
void dcs_service_succeeded(const struct dcs_service *service, enum dcs_service_part part);
/* After DCS_E_AWAY. A verb climbs the ladder (1, 10, 100 min, then 6 h, spread), one rung when its
 * time has come; a door touches away-HASH. */
void dcs_service_failed(const struct dcs_service *service, enum dcs_service_part part,
                        const char *reason);
/* After a 429 that the deadline did not outlast: ends a run like "away", climbs no ladder. */
void dcs_service_limited(const struct dcs_service *service, const char *reason);

/* tries_now: although the next try is ahead. */
void dcs_service_run_begin(const struct dcs_service *service, bool tries_now,
                           struct dcs_service_run *ret_run);
/* Whether what wants that part waits for another run. */
bool dcs_service_run_holds(struct dcs_service_run *run, enum dcs_service_part part);
/* Climbs the ladder for what failed and was answered by nothing: a run of one or two orders. */
void dcs_service_run_end(const struct dcs_service *service);

/* ---- between the files of this module ---- */

/* One request in a run failed. True: for this run it was one too many. */
bool dcs_service_run_failed(const struct dcs_service *service, enum dcs_service_part part,
                            bool is_limit, const char *reason);
void dcs_service_run_answered(struct dcs_service_run *run, enum dcs_service_part part,
                              int64_t now_ms);
/* first: when it was first met, for an outage that begins. */
void dcs_service_climb(const struct dcs_service *service, enum dcs_service_part part, int64_t first,
                       const char *reason);

#endif
