// SPDX-License-Identifier: Apache-2.0
/*
 * fuzz_maintenance.c - any text as the value of `maintenance`, and as maintenance.json: what is taken
 * becomes a calendar without stray lines; the record reads back as it was written.
 */
#include <stdlib.h>
#include <string.h>

#include "model/maintenance.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_value(const char *text)
{
    dcs_auto(dcs_buf) struct dcs_buf out = { 0 };
    bool good = dcs_maintenance_check(text) == NULL;
    size_t lines = 0;
    size_t events = 0;

    if (dcs_maintenance_calendar(text, &out, NULL) != good)
        abort();
    if (!good)
        return;
    for (const char *at = dcs_buf_text(&out); (at = strstr(at, "\r\n")); at += 2)
        lines++;
    for (const char *at = dcs_buf_text(&out); (at = strstr(at, "BEGIN:VEVENT\r\n")); at += 2)
        events++;
    if (lines < 4 + 6 * events || lines > 4 + 7 * events || strlen(dcs_buf_text(&out)) != out.len)
        abort();
}

static void try_record(const char *data, size_t size)
{
    dcs_auto(dcs_json) struct dcs_json *root = NULL;
    dcs_auto(dcs_json) struct dcs_json *written = NULL;
    dcs_auto(dcs_maintenance) struct dcs_maintenance m = { 0 };
    dcs_auto(dcs_maintenance) struct dcs_maintenance again = { 0 };
    struct dcs_spans spans;
    struct dcs_spans spans_again;

    if (!dcs_json_parse(data, size, &root, NULL))
        return;
    dcs_maintenance_from_json(root, &m);
    if (!dcs_maintenance_to_json(&m, &written, NULL))
        abort();
    dcs_maintenance_from_json(written, &again);
    dcs_maintenance_spans(&m, 0, &spans);
    dcs_maintenance_spans(&again, 0, &spans_again);
    if (again.count != m.count || spans.count != spans_again.count)
        abort();
    for (size_t i = 0; i < spans.count; i++)
        if (spans.list[i].end - spans.list[i].start > DCS_SPAN_LONGEST_S ||
            (i > 0 && spans.list[i].start < spans.list[i - 1].end + DCS_SPAN_GAP_S))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    try_value(text);
    try_record(text, size);
    free(text);
    return 0;
}
