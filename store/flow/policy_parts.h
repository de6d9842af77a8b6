/* SPDX-License-Identifier: Apache-2.0 */
/* policy_parts.h - what the files of the plan share, for flow/policy_* alone. */
#ifndef DCS_FLOW_POLICY_PARTS_H
#define DCS_FLOW_POLICY_PARTS_H

#include "flow/policy_plan.h"

/* What limits the end of a certificate of this order. */
struct dcs_term dcs_plan_term(const struct dcs_plan_facts *facts);
/* The product's table of lives, NULL without one. */
const struct dcs_limit_row *dcs_term_rows(const struct dcs_term *term);
/* Of the cached certificate, both ends counted. */
int64_t dcs_plan_life_s(const struct dcs_plan_certificate *certificate);
/* Fills words from the rest of the plan. */
void dcs_plan_words(const struct dcs_plan_facts *facts, int64_t now, struct dcs_plan *plan);

#endif
