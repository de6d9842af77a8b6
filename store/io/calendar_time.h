/* SPDX-License-Identifier: Apache-2.0 */
/* calendar_time.h - wall-clock times of an iCalendar file and what they are in UTC; for io/calendar*. */
#ifndef DCS_IO_CALENDAR_TIME_H
#define DCS_IO_CALENDAR_TIME_H

#include <libical/ical.h>

#include "base/env.h"

/* A time as it stands on a wall somewhere. */
struct dcs_cal_time {
    icaltimetype wall;  /* is_date: a whole day, from midnight on */
    icaltimezone *zone; /* NULL: this host's own */
};

/*
 * UTC seconds. What a wall clock shows twice is the first time, what it skips is reckoned with the
 * offset before (RFC 5545 3.3.5); libical goes by the one after.
 */
int64_t dcs_cal_utc(const struct dcs_cal_time *time);

/* The zone of that name: the file's own VTIMEZONE, else the system's. NULL when there is neither. */
icaltimezone *dcs_cal_zone(icalcomponent *calendar, const char *name);
/* The date or time that a property holds, with its TZID looked up; usual: where it has none. */
bool dcs_cal_property_time(icalcomponent *calendar, icalproperty *property, icaltimezone *usual,
                           struct dcs_cal_time *ret_time, const char **ret_why) DCS_CHECKED;
/* Takes out VTIMEZONEs that change more often than some times a year: libical would list each
 * change for centuries. */
void dcs_cal_drop_wild_zones(icalcomponent *calendar);
/* A rule that libical walks in steps of a day or more, a few times a day at most. */
bool dcs_cal_rule_is_sane(const struct icalrecurrencetype *rule) DCS_CHECKED;

#endif
