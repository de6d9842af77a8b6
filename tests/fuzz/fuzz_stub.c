// SPDX-License-Identifier: Apache-2.0
/* fuzz_stub.c - any bytes as a key stub; what is read comes out the same when it is written. */
#include <stdlib.h>
#include <string.h>

#include "model/stub.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dcs_auto(dcs_buf) struct dcs_buf pem = { 0 };
    struct dcs_uri uri;
    struct dcs_uri again;

    if (!dcs_stub_read((const char *)data, size, &uri, NULL))
        return 0;
    if (!dcs_stub_write(&uri, &pem, NULL) ||
        !dcs_stub_read(dcs_buf_text(&pem), pem.len, &again, NULL))
        abort();
    if (uri.kind != again.kind || strcmp(uri.value, again.value) != 0 ||
        uri.has_spki != again.has_spki ||
        memcmp(uri.spki_sha256, again.spki_sha256, sizeof(uri.spki_sha256)) != 0 ||
        strcmp(uri.serial, again.serial) != 0)
        abort();
    return 0;
}
