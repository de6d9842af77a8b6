// SPDX-License-Identifier: Apache-2.0
/* fuzz_time.c - any bytes as a time of the API or an HTTP date; our own text reads back. */
#include <stdlib.h>
#include <string.h>

#include "base/env.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[128] = "";
    char ours[DCS_TIME_TEXT];
    int64_t when = 0;
    int64_t again = 0;

    memcpy(text, data, size < sizeof(text) ? size : sizeof(text) - 1);
    (void)!dcs_time_parse_http(text, &when);
    if (!dcs_time_parse(text, &when))
        return 0;
    dcs_time_text(when, ours);
    if (ours[0] != '?' && (!dcs_time_parse(ours, &again) || again != when))
        abort();
    return 0;
}
