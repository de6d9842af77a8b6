// SPDX-License-Identifier: Apache-2.0
/* fuzz_affected.c - any bytes as a revocation notice; an entry read alone is read the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/affected.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_alone(const struct dcs_affected_entry *entry)
{
    dcs_auto(dcs_affected) struct dcs_affected again = { 0 };
    char text[600];

    if (entry->kind == DCS_URI_ORDER)
        snprintf(text, sizeof(text), "order/%lld", (long long)entry->id);
    else if (entry->kind == DCS_URI_NAME)
        snprintf(text, sizeof(text), "%s", entry->value);
    else
        snprintf(text, sizeof(text), "%0*d%s",
                 (int)((entry->kind == DCS_URI_THUMBPRINT ? 64 : 40) - strlen(entry->value)), 0,
                 entry->value);
    if (entry->kind != DCS_URI_ORDER && entry->kind != DCS_URI_NAME &&
        strlen(entry->value) == (entry->kind == DCS_URI_THUMBPRINT ? 64 : 40))
        snprintf(text, sizeof(text), "%s", entry->value);
    if (!dcs_affected_parse(text, strlen(text), &again, NULL) || again.count != 1 ||
        again.entries[0].kind != entry->kind || again.entries[0].id != entry->id ||
        strcmp(again.entries[0].value, entry->value) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dcs_auto(dcs_affected) struct dcs_affected notice = { 0 };

    if (!dcs_affected_parse((const char *)data, size, &notice, NULL))
        return 0;
    for (size_t i = 0; i < notice.count; i++)
        read_alone(&notice.entries[i]);
    return 0;
}
