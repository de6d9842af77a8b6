/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dcv.h - validation of domains: once for OV and EV, reused for so many days; DV never reuses.
 * Orders that the control API makes bring their domains along, validated at that moment.
 */
#ifndef SANDBOX_DCV_H
#define SANDBOX_DCV_H

#include "world.h"

/* Must a domain of these names be validated before a certificate of the order is issued? */
bool sb_dcv_is_open(const struct sb_world *world, const struct sb_order *order,
                    const struct sb_names *names, int64_t when);
/* The account has these domains; those that are new were validated just now. */
void sb_dcv_know(struct sb_world *world, const struct sb_names *names, int64_t when);
void sb_dcv_validate(struct sb_world *world, struct sb_order *order, const struct sb_names *names,
                     int64_t when);
const cJSON *sb_dcv_domain(const struct sb_world *world, const char *name); /* NULL: not there */
/* When the validation of a domain ends; 0 when it has none. */
int64_t sb_dcv_end(const struct sb_world *world, const cJSON *domain);

#endif
