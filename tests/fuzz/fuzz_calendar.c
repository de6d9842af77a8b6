// SPDX-License-Identifier: Apache-2.0
/* fuzz_calendar.c - any bytes as an iCalendar file: events within the span that was asked for, or none. */
#include <stdlib.h>

#include "io/calendar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { EVENTS_ENOUGH = 5000 };

struct seen {
    const struct dcs_calendar_input *input;
    size_t count;
};

static bool see(void *context, const struct dcs_calendar_event *event)
{
    struct seen *seen = context;

    if (event->end <= event->start || event->end <= seen->input->from ||
        event->start >= seen->input->until)
        abort();
    return ++seen->count < EVENTS_ENOUGH;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = 1 << 21 };
    struct dcs_calendar_input input = { .from = 1795478400, /* 2026-11-24 */
                                        .until = 1795478400 + 400LL * 86400,
                                        .env = dcs_env_real() };
    struct seen seen = { .input = &input };
    struct dcs_calendar_report report;

    dcs_buf_add(&text, data, size); /* with the NUL behind it that the store's buffers have */
    input.text = dcs_buf_text(&text);
    input.len = text.len;
    (void)!dcs_calendar_read(&input, see, &seen, &report, NULL);
    return 0;
}
