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

/* What maintenance windows do at one moment (policy_windows.c). */
struct dcs_plan_windows {
    bool is_inside;         /* now is in a window */
    bool is_hurried;        /* it would become urgent inside the coming window: asked for now */
    int64_t held_until;     /* what is merely due waits until then, 0 it does not */
    int64_t moved_to;       /* due later, and then asked for at that moment; 0 when it is due */
    struct dcs_span window; /* the one that decides, else the one that now is in */
};
void dcs_plan_look_at_windows(const struct dcs_plan_facts *facts,
                              const struct dcs_plan_dates *dates, int64_t now,
                              struct dcs_plan_windows *ret_look);
/* Every moment at which that changes for this certificate. */
enum { DCS_PLAN_WINDOW_MOMENTS = 4 * DCS_SPANS_MAX };
size_t dcs_plan_window_moments(const struct dcs_plan_facts *facts,
                               const struct dcs_plan_dates *dates,
                               int64_t ret_moments[DCS_PLAN_WINDOW_MOMENTS]);
/* Fills words from the rest of the plan. */
void dcs_plan_words(const struct dcs_plan_facts *facts, int64_t now, struct dcs_plan *plan);

#endif
