/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_notify.h - events for the command `notify`: what is worth telling of an order, and how often.
 *
 * `sync` begins a notifier, tells it each order's result, and drops it. Commands run one after the
 * other, all together within hook_deadline; what did not come to its turn is said by the next run.
 */
#ifndef DCS_STORE_NOTIFY_H
#define DCS_STORE_NOTIFY_H

#include "store_instance.h"

enum { DCS_NOTICES = 4, DCS_NOTICE_KEY = 160 };

struct dcs_notice {
    const char *event;        /* "failed", "pending", "expiring", "dcv-expiring" */
    char key[DCS_NOTICE_KEY]; /* of the reason: what is new is said at once */
    char words[512];
    bool for_all;  /* it concerns the account: said once, not for each order */
    bool is_daily; /* again each day while it lasts; else once */
};
/* What is worth telling of the order (as `show --json` has it, NULL when nothing is known) after a try
 * that ended with err (code NONE: good, or none). Gives the count. Pure. */
size_t dcs_notice_judge(const struct dcs_json *order, const struct dcs_err *err, int64_t now,
                        struct dcs_notice out[DCS_NOTICES]);
/* Whether it is said now; last_key NULL: it was never said. */
bool dcs_notice_is_new(const struct dcs_notice *notice, const char *last_key, int64_t last_at,
                       int64_t now);

struct dcs_notifier;
/* *ret_notifier NULL: no notify is configured. job is lent until the drop. */
bool dcs_notifier_begin(struct job *job, struct dcs_notifier **ret_notifier,
                        struct dcs_err *err) DCS_CHECKED;
/* The result of one order ("order_id") in this run; never fails: what goes wrong is told to the trace. In
 * the thread of the job that it was begun with. notifier NULL: nothing is told. */
void dcs_notifier_tell(struct dcs_notifier *notifier, const struct dcs_json *result,
                       const struct dcs_err *err);
void dcs_notifier_drop(struct dcs_notifier **notifier);

#endif
