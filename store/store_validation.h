/* SPDX-License-Identifier: Apache-2.0 */
/* store_validation.h - until when the CA's validations hold for an order, between store*.c. */
#ifndef DCS_STORE_VALIDATION_H
#define DCS_STORE_VALIDATION_H

#include "flow/api_validation.h"
#include "store_fetch.h"

/* What is known of that order without asking anybody: for `show`, `status` and the event dcv-expiring.
 * False when nothing is. */
bool dcs_validation_known(struct job *job, int64_t order, struct dcs_validation_ends *ret_ends);

/* Asks the CA now (three requests, more with over 1,000 domains), keeps it, and notes it for that
 * order when it is here. False: it could not be read, which stops nothing. */
bool dcs_validation_ask(struct job *job, struct dcs_api *api, const struct dcs_order *order,
                        struct dcs_validation_ends *ret_ends);
/* The same for `sync`: once a week, once a day while an order's validation ends within thirty days, and
 * noted for all those orders. Doors never ask. */
void dcs_validation_keep(struct job *job, const int64_t *orders, size_t count);
/* Under the order's lock: an order that is new here, from what the account's lists said before. True when
 * the memo changed. */
bool dcs_validation_note_new(struct job *job, const struct dcs_order *order, struct dcs_memo *memo);

/* The facts that the plan goes by. */
void dcs_validation_to_plan(const struct dcs_validation_ends *ends, struct dcs_plan_order *order);
/* "validation" of `show --json`: nothing when nothing is known. */
void dcs_show_validation(struct dcs_json *parent, const struct dcs_validation_ends *ends,
                         const struct dcs_plan *plan);
/* What of it holds up a request that is sent at that moment, in words; "" nothing. */
void dcs_validation_holds_up(const struct dcs_validation_ends *ends, int64_t now, char *out,
                             size_t capacity);

#endif
