/* SPDX-License-Identifier: Apache-2.0 */
/* control.h - what the files of the control API share. */
#ifndef SANDBOX_CONTROL_H
#define SANDBOX_CONTROL_H

#include "reply.h"

struct sb_control {
    const struct sb_request *request;
    struct sb_faults *faults;
    struct sb_log *log;
    cJSON *body;      /* NULL when there is none or it is no JSON */
    const char *rest; /* of the path, behind the route */
};

void sb_control_refuse(struct sb_reply *reply, const char *why);
void sb_control_add_orders(struct sb_control *c, struct sb_reply *reply);
void sb_control_get_order(struct sb_control *c, struct sb_reply *reply);
void sb_control_patch_order(struct sb_control *c, struct sb_reply *reply);
void sb_control_act(struct sb_control *c, struct sb_reply *reply);

#endif
