// SPDX-License-Identifier: Apache-2.0
/* fuzz_order.c - any JSON as an order: what is accepted survives being written and read again. */
#include <stdlib.h>
#include <string.h>

#include "flow/api_answer.h"
#include "model/order.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dcs_auto(dcs_json) struct dcs_json *root = NULL;
    dcs_auto(dcs_json) struct dcs_json *written = NULL;
    dcs_auto(dcs_order) struct dcs_order *order = NULL;
    dcs_auto(dcs_order) struct dcs_order *again = NULL;
    struct dcs_http_answer answer = { .status = 404 };
    struct dcs_err err = { 0 };

    dcs_buf_add(&answer.body, data, size);
    (void)!dcs_api_judge(&answer, DCS_API_ORDER, &err);
    dcs_buf_clear(&answer.body);
    if (!dcs_json_parse((const char *)data, size, &root, NULL) ||
        !dcs_order_from_json(root, &order, NULL) || !dcs_order_to_json(order, &written, NULL))
        return 0;
    if (!dcs_order_from_json(written, &again, NULL) || again->id != order->id ||
        again->status != order->status || strcmp(again->serial, order->serial) != 0 ||
        again->order_valid_till != order->order_valid_till)
        abort();
    return 0;
}
