/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calendar.h - iCalendar files (RFC 5545) through libical: events as spans of UTC time.
 *
 * A library of its own (store/meson.build): only programs that read calendars link libical, never
 * a door. They hand dcs_calendar_read to the store (dcs_store_options.calendar).
 *
 * Calendars come from outside: size, events, nesting, recurrence and time are bounded. What cannot
 * be used (an unknown time zone, a rule that repeats more often than daily) is left out and said,
 * the rest is read. Cancelled events are none.
 */
#ifndef DCS_IO_CALENDAR_H
#define DCS_IO_CALENDAR_H

#include "base/buf.h"
#include "base/env.h"

struct dcs_calendar_input {
    const char *text;
    size_t len;
    int64_t from, until; /* occurrences that overlap [from, until) */
    const struct dcs_env *env;
};

struct dcs_calendar_event {
    int64_t start, end; /* UTC, end not included */
    char summary[128];
};
/* False: that is enough. */
typedef bool dcs_calendar_take(void *context, const struct dcs_calendar_event *event);

struct dcs_calendar_report {
    size_t events;   /* VEVENTs in the file */
    size_t left_out; /* of them, because they could not be understood */
    char why[128];   /* of the first of those */
};

/*
 * DCS_E_INPUT when it is no calendar, or beyond the bounds. Times without a zone and whole days are
 * those of the calendar's X-WR-TIMEZONE, else of this host (TZ, /etc/localtime).
 */
typedef bool dcs_calendar_reader(const struct dcs_calendar_input *input, dcs_calendar_take *take,
                                 void *context, struct dcs_calendar_report *ret_report,
                                 struct dcs_err *err);
dcs_calendar_reader dcs_calendar_read DCS_CHECKED;

#endif
