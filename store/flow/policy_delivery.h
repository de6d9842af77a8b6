/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_delivery.h - what a run of `deliver` does about one order: facts in, a step out. Pure.
 *
 * A generation goes one way: current, perhaps held (rolled back after two refusals), then released (by
 * urgency or by a person) and never held again. So a rollback comes once, and never flip-flops.
 */
#ifndef DCS_FLOW_POLICY_DELIVERY_H
#define DCS_FLOW_POLICY_DELIVERY_H

#include "model/delivery.h"

enum dcs_delivery_step {
    DCS_DELIVERY_NOTHING = 0, /* no pair, or all is done */
    DCS_DELIVERY_WAIT,        /* failed, and the time for the next try has not come */
    DCS_DELIVERY_RELEASE,     /* what is served is urgent: the held ones may serve again */
    DCS_DELIVERY_SETTLE,      /* `current` names a held one: it must move */
    DCS_DELIVERY_DELIVER,     /* copy, hook, verify, then move `delivered` */
    DCS_DELIVERY_ROLL_BACK,   /* hold what `current` names, go back to what `delivered` names */
};

struct dcs_delivery_facts {
    bool has_pair;      /* `current` names an intact pair */
    bool is_delivered;  /* `delivered` names the same */
    bool copy_is_stale; /* `deliver = DIR` is set, and DIR holds something else */
    bool is_held;       /* `current` names a held one */
    bool is_released;   /* ... or one that was released */
    bool any_held;      /* one of the order's is held */
    bool is_urgent;     /* what `current` names ends soon, or is revoked */
    bool can_go_back;   /* `delivered` names another intact pair in date, not revoked, not held, not
                            urgent */
    bool rollback;      /* is configured */
    bool asked;         /* a person names the order */
    bool tried, settled; /* in this run */
    const struct dcs_delivery *record;
    bool record_fits; /* it is about what `current` names */
};
enum dcs_delivery_step dcs_delivery_decide(const struct dcs_delivery_facts *facts, int64_t now);
const char *dcs_delivery_step_name(enum dcs_delivery_step step);

/* When the next try comes after that many failures in a row: at the next run twice, then after 10 and
 * 100 minutes, then each 6 hours. */
int64_t dcs_delivery_next_try(int64_t failures, int64_t now);

#endif
