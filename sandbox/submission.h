/* SPDX-License-Identifier: Apache-2.0 */
/*
 * submission.h - what the API calls a request: one new order, reissue, duplicate or revocation on its
 * way. It waits, in this order, for approval, for validation of domains, for DigiCert's staff, and
 * for as many looks or seconds as a test has ordered; then it takes effect.
 *
 * Kept as JSON in the order: id, type, status, date, comments, wanted (the body), certificate_id,
 * and what it still waits for: approval, dcv, staff, polls, ready_at.
 */
#ifndef SANDBOX_SUBMISSION_H
#define SANDBOX_SUBMISSION_H

#include "world.h"

/* type: new_request, reissue, duplicate, revoke. may_skip: the caller may do without approval and
 * said so. The order is real (not bulk) and the body was checked. */
cJSON *sb_submit(struct sb_world *world, struct sb_order *order, const char *type,
                 const cJSON *wanted, bool may_skip);
/* One that was approved and done in the past, for orders that the control API makes. */
cJSON *sb_submit_past(struct sb_world *world, struct sb_order *order, const char *type,
                      const struct sb_certificate *certificate);

/* "approval", "dcv", "staff", "wait", "done", "rejected" */
const char *sb_stage(const cJSON *submission);
bool sb_is_open(const cJSON *submission);
/* The newest open one of that type (NULL: any). */
cJSON *sb_open_submission(const struct sb_order *order, const char *type);
/* By its id, anywhere. */
struct sb_order *sb_world_submission(const struct sb_world *world, int64_t id,
                                     cJSON **ret_submission);

/* These let it go on; it takes effect when nothing is left to wait for. */
void sb_approve(struct sb_world *world, struct sb_order *order, cJSON *submission,
                const char *comment);
void sb_reject(struct sb_world *world, struct sb_order *order, cJSON *submission,
               const char *comment);
void sb_validated(struct sb_world *world, struct sb_order *order, cJSON *submission);
void sb_complete(struct sb_world *world, struct sb_order *order, cJSON *submission);
/* Nothing was done to it, but time has passed. */
void sb_settle(struct sb_world *world, struct sb_order *order, cJSON *submission);
/* Somebody has read order info: one look less. */
void sb_order_was_read(struct sb_world *world, struct sb_order *order);

/* DigiCert's own reissue 30 days before the end, with the CSR that it has. */
void sb_auto_reissue(struct sb_world *world, struct sb_order *order);

#endif
