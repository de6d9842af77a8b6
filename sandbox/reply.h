/* SPDX-License-Identifier: Apache-2.0 */
/* reply.h - a request as the routes see it, and what they answer; knows nothing of sockets. */
#ifndef SANDBOX_REPLY_H
#define SANDBOX_REPLY_H

#include "world.h"

struct sb_request {
    struct sb_world *world;
    const char *method;
    const char *path;                                           /* decoded, without /services/v2 */
    const char *(*query)(const void *source, const char *name); /* NULL when absent */
    const void *source;
    const char *accept;
    const char *body;
    struct sb_key *key; /* NULL for the control API */
};

struct sb_reply {
    int status;
    const char *content_type;
    struct sb_buf body;
    int64_t date; /* of the Date header */
};

void sb_reply_json(struct sb_reply *reply, int status, cJSON *json); /* takes json */
/* {"errors":[{"code":...,"message":...}]} */
void sb_reply_error(struct sb_reply *reply, int status, const char *code, const char *message);

/* api.c: the CertCentral routes. control.c: /_sandbox/...; both answer 404 for what is not there. */
void sb_api_answer(const struct sb_request *request, struct sb_reply *reply);
struct sb_faults;
struct sb_log;
void sb_control_answer(const struct sb_request *request, struct sb_faults *faults,
                       struct sb_log *log, struct sb_reply *reply);

/* The query's number, or otherwise. */
int64_t sb_query_number(const struct sb_request *request, const char *name, int64_t otherwise);

#endif
