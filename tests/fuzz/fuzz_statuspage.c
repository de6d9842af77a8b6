// SPDX-License-Identifier: Apache-2.0
/* fuzz_statuspage.c - any bytes as a status page's list: bounded windows, or a refusal. */
#include <stdlib.h>
#include <string.h>

#include "model/maintenance.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dcs_auto(dcs_windows) struct dcs_windows windows = { 0 };
    static const int64_t now = 1795478400;

    if (!dcs_status_page_read((const char *)data, size, "CertCentral, CertCentral Services API",
                              now, &windows, NULL))
        return 0;
    dcs_windows_sort(&windows);
    if (windows.count > DCS_WINDOWS_MAX)
        abort();
    for (size_t i = 0; i < windows.count; i++)
        if (windows.items[i].end <= windows.items[i].start ||
            (i > 0 && windows.items[i].start < windows.items[i - 1].start) ||
            strchr(windows.items[i].title, '\n'))
            abort();
    return 0;
}
