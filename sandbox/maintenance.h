/* SPDX-License-Identifier: Apache-2.0 */
/* maintenance.h - announced maintenance: a status page, a calendar, and what the API does meanwhile. */
#ifndef SANDBOX_MAINTENANCE_H
#define SANDBOX_MAINTENANCE_H

#include "fault.h"
#include "reply.h"

/* False with *ret_why when the setting `maintenance` cannot be understood; README.md has its form. */
bool sb_maintenance_set(cJSON **maintenance, const cJSON *wanted, const char **ret_why) SB_CHECKED;
/* What a request to the API meets now: a fault of the window that is on, if it is away. */
void sb_maintenance_apply(const struct sb_world *world, struct sb_fault *fault);
/* /status-page/api/v2/scheduled-maintenances/{upcoming,active}.json and /calendar.ics, which stand for
 * servers of their own; false: another path. */
bool sb_maintenance_answer(const struct sb_request *request, struct sb_reply *reply);

#endif
