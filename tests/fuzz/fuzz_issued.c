// SPDX-License-Identifier: Apache-2.0
/* fuzz_issued.c - any JSON as rows of the lists of reissues and duplicates. */
#include <stdlib.h>
#include <string.h>

#include "flow/api_issued.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dcs_auto(dcs_json) struct dcs_json *root = NULL;

    if (!dcs_json_parse((const char *)data, size, &root, NULL))
        return 0;
    const struct dcs_json *rows = dcs_json_get(root, "certificates");
    for (const struct dcs_json *r = dcs_json_first(rows); r; r = dcs_json_next(r)) {
        struct dcs_api_entry entry;
        dcs_api_entry_read(r, &entry);
        /* A serial number is compared as it is, and one fate excludes the others. */
        if (strspn(entry.serial, "0123456789abcdef") != strlen(entry.serial) ||
            entry.certificate_id < 0 ||
            entry.is_issued + entry.is_revoked + entry.is_to_be_revoked > 1)
            abort();
    }
    return 0;
}
