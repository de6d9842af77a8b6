/* SPDX-License-Identifier: Apache-2.0 */
/* delivery.h - what is remembered of an order's deliveries (delivery.json), as a value. */
#ifndef DCS_MODEL_DELIVERY_H
#define DCS_MODEL_DELIVERY_H

#include "io/json.h"

enum { DCS_DELIVERY_TARGET = 80, DCS_HOOK_OUTPUT = 65536 };

struct dcs_delivery {
    char target
        [DCS_DELIVERY_TARGET]; /* the generation that the rest is about: orders/123/gen-0007 */
    char stage[16];            /* what failed last: "copy", "hook", "verify"; "" nothing */
    char reason[512];          /* in words */
    char old_serial[65];       /* of the generation before, for the hook's environment */
    int64_t failures;          /* in a row */
    int64_t refusals;          /* of them, those of hook and verify: what counts for a rollback */
    int64_t failing_since, last_try, next_try;
    int64_t delivered_at; /* when the last delivery succeeded, 0 never */
    bool again;           /* rolled back to the target: the hook runs once more for it */
    char *output;         /* of the last hook that failed, cleaned, at most DCS_HOOK_OUTPUT bytes;
                             NULL none */
};
void dcs_delivery_drop(struct dcs_delivery *delivery);
/* Takes output, NULL none. */
void dcs_delivery_set_output(struct dcs_delivery *delivery, char *output);
/* What is missing or damaged reads as zeros: a delivery is then tried as the first time. */
void dcs_delivery_from_json(const struct dcs_json *object, struct dcs_delivery *ret_delivery);
bool dcs_delivery_to_json(const struct dcs_delivery *delivery, struct dcs_json **ret_object,
                          struct dcs_err *err) DCS_CHECKED;
/* Output of a command as text: lines stay, other control characters and bad UTF-8 become '?'. A heap
 * string, NULL when there is none or no memory. */
char *dcs_delivery_output(const char *data, size_t len);

#endif
