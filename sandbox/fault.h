/* SPDX-License-Identifier: Apache-2.0 */
/* fault.h - the queue of one-shot faults. */
#ifndef SANDBOX_FAULT_H
#define SANDBOX_FAULT_H

#include <cjson/cJSON.h>

#include "base.h"

/* One fault, as it applies to one request; the JSON form is in README.md. */
struct sb_fault {
    int status; /* 0: as it would be */
    char *body, *content_type, *location;
    int64_t delay_ms, size, depth, truncate, trickle_bytes_per_s, date_offset_s, wrong_certificate;
    bool hang, html, chunked, cut_before, cut_after, cut_mid_body;
};
void sb_fault_clear(struct sb_fault *fault);

struct sb_faults;
struct sb_faults *sb_faults_new(void);
void sb_faults_free(struct sb_faults *faults);
/* False with *ret_why when the JSON cannot be understood. */
bool sb_faults_add(struct sb_faults *faults, const cJSON *json, const char **ret_why) SB_CHECKED;
void sb_faults_clear(struct sb_faults *faults);
cJSON *sb_faults_list(const struct sb_faults *faults);
/* Takes the first that matches "METHOD /path" from the queue. */
bool sb_faults_take(struct sb_faults *faults, const char *method, const char *path,
                    struct sb_fault *ret_fault);

#endif
