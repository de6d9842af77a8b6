/* SPDX-License-Identifier: Apache-2.0 */
/*
 * budget.h - the request budget that all processes on one state_dir share (design.md section 9).
 *
 * budget-HASH: 1,024 CLOCK_BOOTTIME stamps and a header (boot id, halved until) under its own
 * flock, no fsync. Damaged, or a stamp ahead of now, is empty after a pause of 5 s. Waiting
 * happens outside the lock.
 */
#ifndef DCS_FLOW_BUDGET_H
#define DCS_FLOW_BUDGET_H

#include "base/env.h"
#include "io/fs.h"

struct dcs_budget {
    const struct dcs_env *env;
    int state_fd;
    struct dcs_fs_owner owner;
    char hash[17];
    int64_t per_5s, per_3min;
    bool is_verb; /* leaves a tenth of both to doors */
};

/* Takes one place, waiting for it; DCS_E_LIMIT at once when the turn lies beyond the deadline. */
bool dcs_budget_take(const struct dcs_budget *budget, struct dcs_deadline deadline,
                     struct dcs_err *err) DCS_CHECKED;
/* Waits until so many places are free at once, and takes none. */
bool dcs_budget_await(const struct dcs_budget *budget, int64_t places, struct dcs_deadline deadline,
                      struct dcs_err *err) DCS_CHECKED;
/* How long so many requests take from now on. */
int64_t dcs_budget_estimate_s(const struct dcs_budget *budget, int64_t requests);
/* The CA said 429: others use the key too. Halves the own rate for 10 min. */
void dcs_budget_halve(const struct dcs_budget *budget);
/* Places free at this moment in both windows, for status. */
void dcs_budget_left(const struct dcs_budget *budget, int64_t *ret_5s, int64_t *ret_3min);

#endif
