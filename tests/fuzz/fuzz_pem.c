// SPDX-License-Identifier: Apache-2.0
/* fuzz_pem.c - any bytes as PEM, for the strict reader, the tolerant one, and acceptance. */
#include <stdlib.h>
#include <string.h>

#include "flow/accept.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dcs_auto(dcs_buf) struct dcs_buf der = { 0 };
    dcs_auto(dcs_buf) struct dcs_buf pem = { 0 };
    dcs_auto(dcs_accepted) struct dcs_accepted accepted = { 0 };
    const struct dcs_accept expected = { .certificate_id = 1, .now = 1795521600 };
    size_t offsets[10];
    size_t count = 0;
    const char *text = (const char *)data;

    /* What the strict reader takes is byte for byte what the writer writes. */
    if (dcs_pem_blocks(text, size, "CERTIFICATE", &der, offsets, 10, &count, NULL)) {
        for (size_t i = 0; i < count; i++)
            if (!dcs_pem_add(&pem, "CERTIFICATE", (const uint8_t *)der.data + offsets[i],
                             offsets[i + 1] - offsets[i], NULL))
                abort();
    }
    (void)!dcs_accept(&expected, text, size, &accepted, NULL);
    return 0;
}
