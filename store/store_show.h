/* SPDX-License-Identifier: Apache-2.0 */
/* store_show.h - orders and plans as JSON, between the files of the coordinator. */
#ifndef DCS_STORE_SHOW_H
#define DCS_STORE_SHOW_H

#include "store_fetch.h"

/* order.json, NULL while the order was never read, and what is configured for it. */
void dcs_show_read_order(struct job *job, int64_t id, struct dcs_order **ret_order,
                         struct dcs_order_settings *ret_settings);
/* The plan by what is here alone; a fresh look at the CA may change it. at: of that moment, 0 now. */
bool dcs_show_plan_of(struct job *job, int64_t id, const struct dcs_order *order,
                      const struct dcs_order_settings *settings, int64_t at,
                      struct plan_input *ret_input, struct dcs_plan *ret_plan,
                      struct dcs_err *err) DCS_CHECKED;
/* The order as `show --json` has it, with generations and plan. at: the plan of that moment, 0 now. */
bool dcs_show_describe(struct job *job, int64_t id, struct dcs_json *root, int64_t at,
                       struct dcs_err *err) DCS_CHECKED;
/* "delivery": its state, what failed, the end of the hook's output, what is held. Nothing where nothing
 * was ever delivered, nor is to be. */
void dcs_show_delivery(struct job *job, int64_t id, const struct dcs_order_settings *settings,
                       struct dcs_json *parent);
/* "hook_output": all that was kept of it. */
void dcs_show_hook_output(struct job *job, int64_t id, struct dcs_json *parent);
/* "plan": what would be done and why, and the dates of the certificate's life. */
void dcs_show_plan(struct dcs_json *parent, const struct plan_input *input,
                   const struct dcs_plan *plan);
/* "health" of an order that was described: one word, a level and a sentence (digicert-store(1), HEALTH). */
void dcs_show_health(struct dcs_json *order, int64_t now);
/* The same of all: adds up the "orders" of a status. */
void dcs_status_health(struct dcs_json *root, int64_t now);
/* "last_sync" of a status. */
void dcs_show_last_sync(const struct job *job, struct dcs_json *root);
/* Of a preview: names compared, what the CA would revoke, what may hold it up. */
void dcs_show_consequences(struct dcs_json *root, const struct dcs_order *order,
                           const struct plan_input *input, int64_t now);

#endif
