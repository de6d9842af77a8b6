/* SPDX-License-Identifier: Apache-2.0 */
/* store_deliver.h - one order's delivery under way, between store_deliver*.c. */
#ifndef DCS_STORE_DELIVER_H
#define DCS_STORE_DELIVER_H

#include "flow/cache_delivery.h"
#include "flow/copy.h"
#include "flow/policy_delivery.h"
#include "store_fetch.h"

struct deliver {
    struct job *job;
    const struct dcs_deliver_options *options;
    int64_t id;
    bool asked; /* a person named the order */
    struct dcs_order_settings settings;
    struct dcs_lock lock; /* deliver-lock */
    struct dcs_delivery record;
    struct dcs_bundle *current, *delivered; /* NULL: none, or damaged */
    bool tried, settled;                    /* in this run */
    const char *action;
    struct dcs_err why;
};

/* store_deliver.c: another order serves this one's pair, and delivers it. */
bool dcs_deliver_is_by_another(struct job *job, int64_t id, const struct dcs_order_settings *own);
/* store_deliver_order.c: what this order needs, until nothing is left for this run. */
void dcs_deliver_order(struct deliver *d);
/* store_deliver_steps.c */
bool dcs_deliver_now(struct deliver *d, struct dcs_err *err) DCS_CHECKED;
bool dcs_deliver_roll_back(struct deliver *d, struct dcs_err *err) DCS_CHECKED;
/* Of the order, and of its successor when there is one. */
bool dcs_deliver_release(struct deliver *d, int *ret_count, struct dcs_err *err) DCS_CHECKED;
/* `current` of that order goes to the first of the choice. */
bool dcs_deliver_settle(struct job *job, int64_t order, struct dcs_err *err) DCS_CHECKED;

/* store_copy.c: who owns a copy and which mode its key has; `owner` "USER[:GROUP]", "" this process. */
bool dcs_copy_settings(const struct job *job, const char *owner, const char *mode,
                       struct dcs_copy *ret_copy, struct dcs_err *err) DCS_CHECKED;

#endif
