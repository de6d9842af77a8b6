// SPDX-License-Identifier: Apache-2.0
/* fuzz_key.c - any bytes as a private key file, ours and a user's. */
#include "io/pkey.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dcs_auto(dcs_key) struct dcs_key ours = { 0 };
    dcs_auto(dcs_key) struct dcs_key brought = { 0 };
    uint8_t hash[DCS_SHA256_LEN];

    (void)!dcs_key_from_our_pem((const char *)data, size, &ours, NULL);
    struct dcs_key pointer = { .form = DCS_KEY_POINTER, .der = { (uint8_t *)data, size } };
    char uri[200];
    (void)!dcs_key_pointed_at(&pointer, uri, sizeof(uri), NULL);
    if (dcs_key_import(data, size, NULL, &brought, NULL))
        (void)!dcs_key_spki_sha256(&brought, hash, NULL);
    return 0;
}
