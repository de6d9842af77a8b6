/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service.h - is the CA away? What processes tell each other about it (design.md section 9).
 *
 * service-HASH.json per host and key (written by verbs only: away since, next try, last success)
 * and away-HASH (touched by a door that met "away", valid for 10 s). Doors make no attempt while
 * either forbids it; verbs always try. HASH is of API URL and key, hex, 16 characters.
 */
#ifndef DCS_FLOW_SERVICE_H
#define DCS_FLOW_SERVICE_H

#include "base/env.h"
#include "io/fs.h"
#include "io/json.h"

struct dcs_service {
    const struct dcs_env *env;
    int state_fd;
    struct dcs_fs_owner owner;
    bool is_verb;
    char hash[17];
};

struct dcs_service_state {
    int64_t away_since;   /* 0: not away */
    int64_t next_try;     /* 0: at once */
    int64_t last_success; /* 0: never */
    int failures;
    int64_t written; /* when the file was written */
    char reason[256];
};

bool dcs_service_hash(const char *api_url, const struct dcs_secret *key, char out[17],
                      struct dcs_err *err) DCS_CHECKED;
/* A missing or damaged file reads as "not away". */
void dcs_service_read(const struct dcs_service *service, struct dcs_service_state *ret_state);
/* False with DCS_E_AWAY, saying since when and when it will be tried, when a door must not try. */
bool dcs_service_may_try(const struct dcs_service *service, struct dcs_err *err) DCS_CHECKED;
/* After an answer that proves the service alive. Never fails: it is advice. */
void dcs_service_succeeded(const struct dcs_service *service);
/* After DCS_E_AWAY. A verb climbs the ladder (1, 10, 100 min, then 6 h, spread); a door touches
 * away-HASH. */
void dcs_service_failed(const struct dcs_service *service, const char *reason);

#endif
