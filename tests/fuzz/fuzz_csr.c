// SPDX-License-Identifier: Apache-2.0
/* fuzz_csr.c - any text as the certificate request that a list of the CA shows: a hash, or none. */
#include <stdlib.h>
#include <string.h>

#include "io/pkey.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dcs_auto(dcs_buf) struct dcs_buf text = { 0 };
    uint8_t hash[DCS_SHA256_LEN] = { 0 };
    struct dcs_err err = { 0 };

    dcs_buf_add(&text, data, size);
    if (text.failed)
        return 0;
    if (!dcs_csr_spki_sha256(dcs_buf_text(&text), hash, &err) && err.code == DCS_E_NONE)
        abort();
    return 0;
}
