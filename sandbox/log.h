/* SPDX-License-Identifier: Apache-2.0 */
/* log.h - what was asked of the API, for tests that count: one row a request. */
#ifndef SANDBOX_LOG_H
#define SANDBOX_LOG_H

#include <cjson/cJSON.h>

#include "base.h"

struct sb_log;
struct sb_log *sb_log_new(void);
void sb_log_free(struct sb_log *log);

struct sb_log_row {
    const char *method, *path;
    const char *body; /* of POST and PUT: its essentials are noted */
    int status;
    int64_t when_ms;
    uint64_t connection;
};
void sb_log_add(struct sb_log *log, const struct sb_log_row *row);
cJSON *sb_log_list(const struct sb_log *log, const char *method); /* NULL: all methods */
void sb_log_clear(struct sb_log *log);

#endif
