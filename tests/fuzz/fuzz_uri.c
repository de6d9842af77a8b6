// SPDX-License-Identifier: Apache-2.0
/* fuzz_uri.c - any bytes as a URI; what is accepted must read the same from its canonical form. */
#include <stdlib.h>
#include <string.h>

#include "model/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = calloc(size + 1, 1);
    struct dcs_uri uri;
    struct dcs_uri again;
    char canonical[DCS_URI_TEXT];

    if (!text)
        return 0;
    memcpy(text, data, size);
    if (dcs_uri_parse_loose(text, &uri, NULL)) {
        dcs_uri_canonical(&uri, canonical);
        if (strlen(canonical) <= DCS_URI_MAX &&
            (!dcs_uri_parse(canonical, &again, NULL) || again.kind != uri.kind ||
             strcmp(again.value, uri.value) != 0))
            abort();
    }
    free(text);
    return 0;
}
