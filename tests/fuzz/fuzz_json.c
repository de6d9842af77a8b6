// SPDX-License-Identifier: Apache-2.0
/* fuzz_json.c - any bytes as JSON: parsed, asked loosely, printed, and parsed again. */
#include <stdlib.h>

#include "io/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dcs_auto(dcs_json) struct dcs_json *root = NULL;
    dcs_auto(dcs_json) struct dcs_json *again = NULL;
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = 16 << 20 };
    int64_t number = 0;

    if (!dcs_json_parse((const char *)data, size, &root, NULL))
        return 0;
    (void)dcs_json_i64(root, "id", &number);
    (void)dcs_json_tri(root, "a.b.c");
    (void)dcs_json_text(root, "certificate.common_name");
    if (dcs_json_print(root, false, &text, NULL) &&
        !dcs_json_parse(dcs_buf_text(&text), text.len, &again, NULL))
        abort();
    return 0;
}
