// SPDX-License-Identifier: Apache-2.0
/* calendar_time.c - time zones of iCalendar files; asks the system for those that a file only names. */
#include "io/calendar_time.h"

#include <string.h>
#include <time.h>

enum { ZONES_MAX = 32, ZONE_RULES_MAX = 8, DAY_S = 86400 };

/* ---- bounds ---- */

static size_t listed(const short *list, size_t size)
{
    size_t count = 0;

    while (count < size && list[count] != ICAL_RECURRENCE_ARRAY_MAX)
        count++;
    return count;
}

bool dcs_cal_rule_is_sane(const struct icalrecurrencetype *rule)
{
    switch (rule->freq) {
    case ICAL_YEARLY_RECURRENCE:
    case ICAL_MONTHLY_RECURRENCE:
    case ICAL_WEEKLY_RECURRENCE:
    case ICAL_DAILY_RECURRENCE:
        break;
    case ICAL_HOURLY_RECURRENCE:
    case ICAL_MINUTELY_RECURRENCE:
    case ICAL_SECONDLY_RECURRENCE:
    case ICAL_NO_RECURRENCE:
        return false;
    }
    return listed(rule->by_second, DCS_COUNT(rule->by_second)) <= 1 &&
           listed(rule->by_minute, DCS_COUNT(rule->by_minute)) <= 1 &&
           listed(rule->by_hour, DCS_COUNT(rule->by_hour)) <= 24;
}

/* At most a few days of certain months, as all zones of the world have it. */
static bool zone_rule_is_sane(const struct icalrecurrencetype *rule)
{
    return rule->freq == ICAL_YEARLY_RECURRENCE && dcs_cal_rule_is_sane(rule) &&
           listed(rule->by_hour, DCS_COUNT(rule->by_hour)) <= 1 &&
           listed(rule->by_day, DCS_COUNT(rule->by_day)) <= 1 &&
           listed(rule->by_month, DCS_COUNT(rule->by_month)) == 1 &&
           listed(rule->by_year_day, DCS_COUNT(rule->by_year_day)) == 0 &&
           listed(rule->by_week_no, DCS_COUNT(rule->by_week_no)) == 0;
}

static bool zone_is_sane(icalcomponent *zone)
{
    size_t rules = 0;
    icalcomponent *part = icalcomponent_get_first_component(zone, ICAL_ANY_COMPONENT);

    if (!part)
        return false; /* it would pass for UTC */
    for (; part; part = icalcomponent_get_next_component(zone, ICAL_ANY_COMPONENT)) {
        icalproperty *p = icalcomponent_get_first_property(part, ICAL_RRULE_PROPERTY);
        for (; p; p = icalcomponent_get_next_property(part, ICAL_RRULE_PROPERTY)) {
            struct icalrecurrencetype rule = icalproperty_get_rrule(p);
            if (++rules > ZONE_RULES_MAX || !zone_rule_is_sane(&rule))
                return false;
        }
    }
    return true;
}

void dcs_cal_drop_wild_zones(icalcomponent *calendar)
{
    icalcomponent *next = NULL;
    size_t count = 0;

    for (icalcomponent *zone =
             icalcomponent_get_first_component(calendar, ICAL_VTIMEZONE_COMPONENT);
         zone; zone = next) {
        next = icalcomponent_get_next_component(calendar, ICAL_VTIMEZONE_COMPONENT);
        if (++count <= ZONES_MAX && zone_is_sane(zone))
            continue;
        icalcomponent_remove_component(calendar, zone);
        icalcomponent_free(zone);
        next = icalcomponent_get_first_component(calendar, ICAL_VTIMEZONE_COMPONENT);
        count = 0;
        if (!next)
            return;
    }
}

/* ---- zones ---- */

icaltimezone *dcs_cal_zone(icalcomponent *calendar, const char *name)
{
    if (strcmp(name, "UTC") == 0)
        return icaltimezone_get_utc_timezone();
    icaltimezone *own = calendar ? icalcomponent_get_timezone(calendar, name) : NULL;
    return own ? own : icaltimezone_get_builtin_timezone(name);
}

/* ---- what a wall clock shows ---- */

static int64_t as_if_utc(const icaltimetype *wall)
{
    icaltimetype plain = *wall;

    if (plain.is_date)
        plain.hour = plain.minute = plain.second = 0;
    plain.is_date = 0;
    plain.zone = NULL;
    return icaltime_as_timet(plain);
}

static int64_t host_utc(const icaltimetype *wall)
{
    struct tm parts = { .tm_year = wall->year - 1900,
                        .tm_mon = wall->month - 1,
                        .tm_mday = wall->day,
                        .tm_hour = wall->is_date ? 0 : wall->hour,
                        .tm_min = wall->is_date ? 0 : wall->minute,
                        .tm_sec = wall->is_date ? 0 : wall->second,
                        .tm_isdst = -1 };

    return mktime(&parts);
}

static int64_t offset_at(icaltimezone *zone, int64_t utc)
{
    icaltimetype when =
        icaltime_from_timet_with_zone((time_t)utc, 0, icaltimezone_get_utc_timezone());
    int is_daylight = 0;

    return icaltimezone_get_utc_offset_of_utc_time(zone, &when, &is_daylight);
}

int64_t dcs_cal_utc(const struct dcs_cal_time *time)
{
    if (!time->zone)
        return host_utc(&time->wall);
    int64_t wall = as_if_utc(&time->wall);
    if (time->zone == icaltimezone_get_utc_timezone())
        return wall;
    /* A day earlier no change of this day has happened yet. */
    int64_t before = offset_at(time->zone, wall - DAY_S);
    if (offset_at(time->zone, wall - before) == before)
        return wall - before;
    int64_t after = offset_at(time->zone, wall + DAY_S);
    return offset_at(time->zone, wall - after) == after ? wall - after : wall - before;
}

bool dcs_cal_property_time(icalcomponent *calendar, icalproperty *property, icaltimezone *usual,
                           struct dcs_cal_time *ret_time, const char **ret_why)
{
    icalparameter *tzid = icalproperty_get_first_parameter(property, ICAL_TZID_PARAMETER);
    const char *name = tzid ? icalparameter_get_tzid(tzid) : NULL;
    icalvalue *value = icalproperty_get_value(property);

    *ret_why = "a time that cannot be read";
    if (!value)
        return false;
    icalvalue_kind kind = icalvalue_isa(value);
    if (kind != ICAL_DATE_VALUE && kind != ICAL_DATETIME_VALUE && kind != ICAL_DATETIMEPERIOD_VALUE)
        return false;
    icaltimetype wall = icalvalue_get_datetime(value);
    if (kind == ICAL_DATETIMEPERIOD_VALUE) {
        struct icaldatetimeperiodtype either = icalvalue_get_datetimeperiod(value);
        wall = icaltime_is_null_time(either.time) ? either.period.start : either.time;
    }
    if (icaltime_is_null_time(wall) || !icaltime_is_valid_time(wall))
        return false;
    *ret_time = (struct dcs_cal_time){ .wall = wall, .zone = usual };
    if (icaltime_is_utc(wall))
        ret_time->zone = icaltimezone_get_utc_timezone();
    else if (name && !wall.is_date)
        ret_time->zone = dcs_cal_zone(calendar, name);
    *ret_why = "a time zone that is neither in the file nor known to the system";
    return !name || wall.is_date || ret_time->zone;
}
