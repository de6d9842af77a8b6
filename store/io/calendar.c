// SPDX-License-Identifier: Apache-2.0
/*
 * calendar.c - walks the events of an iCalendar file and gives their occurrences. Never hands
 * libical what it would follow for hours: rules within a day, deep nesting, zones that change daily.
 */
#include "io/calendar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "io/calendar_time.h"

enum {
    TEXT_BYTES = 1 << 20,
    DEPTH_MAX = 6,
    EVENTS_MAX = 4000,
    RULED_EVENTS_MAX = 200, /* events that repeat */
    EXCEPTIONS_MAX = 4000,
    STEPS_MAX = 20000, /* occurrences looked at, of one event */
    TIME_MS = 5000,
    DAY_S = 86400,
};

/* An instance that does not take place as its rule says: EXDATE, or an event with RECURRENCE-ID. */
struct exception {
    const char *uid; /* lent by libical; NULL: of the event at hand */
    int64_t utc;
    int date; /* 20261205: whatever begins on that day; 0: utc counts */
};

struct walk {
    const struct dcs_calendar_input *input;
    dcs_calendar_take *take;
    void *context;
    struct dcs_calendar_report *report;
    struct dcs_deadline deadline;
    icalcomponent *calendar;
    icaltimezone *usual;          /* X-WR-TIMEZONE, NULL: this host's */
    struct exception *exceptions; /* moved instances of all events, then those of the one at hand */
    size_t moved, exception_count;
    size_t ruled;
    bool enough;
};

static void leave_out(struct walk *w, const char *why)
{
    if (w->report->left_out++ == 0)
        snprintf(w->report->why, sizeof(w->report->why), "%s", why);
}

/* ---- before libical sees it ---- */

static bool line_begins(const char *line, size_t len, const char *word)
{
    return len >= strlen(word) && strncasecmp(line, word, strlen(word)) == 0;
}

/* libical takes components apart by recursion, as deep as the file wants. */
static bool nesting_is_sane(const char *text, struct dcs_err *err)
{
    int depth = 0;
    size_t begun = 0;

    for (const char *line = text; *line;) {
        size_t len = strcspn(line, "\r\n");
        bool begins = line_begins(line, len, "BEGIN:");
        depth += begins ? 1 : line_begins(line, len, "END:") ? -1 : 0;
        begun += begins;
        if (depth < 0) /* libical would say so on stderr */
            return dcs_fail(err, DCS_E_INPUT, "the calendar ends a component that never began");
        if (depth > DEPTH_MAX || begun > 2 * EVENTS_MAX)
            return dcs_fail(err, DCS_E_INPUT, "the calendar has too many components");
        line += len;
        line += strspn(line, "\r\n");
    }
    return begun > 0 || dcs_fail(err, DCS_E_INPUT, "it is no iCalendar file");
}

static bool text_is_sane(const struct dcs_calendar_input *input, struct dcs_err *err)
{
    if (input->len > TEXT_BYTES)
        return dcs_fail(err, DCS_E_INPUT, "the calendar is larger than %d bytes", TEXT_BYTES);
    if (strlen(input->text) != input->len)
        return dcs_fail(err, DCS_E_INPUT, "it is no iCalendar file: it has NUL bytes");
    return nesting_is_sane(input->text, err);
}

/* ---- exceptions ---- */

static int day_number(icaltimetype wall)
{
    return wall.year * 10000 + wall.month * 100 + wall.day;
}

static void add_exception(struct walk *w, icalproperty *property, const char *uid)
{
    struct dcs_cal_time time;
    const char *why = NULL;

    if (w->exception_count == EXCEPTIONS_MAX ||
        !dcs_cal_property_time(w->calendar, property, w->usual, &time, &why))
        return;
    w->exceptions[w->exception_count++] = (struct exception){
        .uid = uid, .utc = dcs_cal_utc(&time), .date = time.wall.is_date ? day_number(time.wall) : 0
    };
}

static void find_moved(struct walk *w)
{
    icalcomponent *c = icalcomponent_get_first_component(w->calendar, ICAL_VEVENT_COMPONENT);

    for (; c; c = icalcomponent_get_next_component(w->calendar, ICAL_VEVENT_COMPONENT)) {
        icalproperty *id = icalcomponent_get_first_property(c, ICAL_RECURRENCEID_PROPERTY);
        const char *uid = id ? icalcomponent_get_uid(c) : NULL;
        if (uid)
            add_exception(w, id, uid);
    }
    w->moved = w->exception_count;
}

/* ---- one event ---- */

struct event {
    icalcomponent *component;
    const char *uid;
    struct dcs_cal_time start;
    int64_t length_s;
    bool is_moved; /* it is itself the exception */
    struct dcs_calendar_event out;
};

static bool is_excepted(const struct walk *w, const struct event *e, icaltimetype wall, int64_t utc)
{
    for (size_t i = 0; i < w->exception_count; i++) {
        const struct exception *x = &w->exceptions[i];
        bool is_its = x->uid ? !e->is_moved && e->uid && strcmp(x->uid, e->uid) == 0 : true;
        if (is_its && (x->date ? x->date == day_number(wall) : x->utc == utc))
            return true;
    }
    return false;
}

/* A day is a day, also where the clock is put forward or back in it. */
static int64_t end_of(const struct event *e, const struct dcs_cal_time *start, int64_t utc)
{
    struct dcs_cal_time end = *start;

    if (!start->wall.is_date)
        return utc + e->length_s;
    icaltime_adjust(&end.wall, (int)(e->length_s / DAY_S), 0, 0, 0);
    return dcs_cal_utc(&end);
}

static void give(struct walk *w, struct event *e, const struct dcs_cal_time *start, int64_t utc)
{
    e->out.start = utc;
    e->out.end = end_of(e, start, utc);
    if (e->out.end <= w->input->from || utc >= w->input->until || e->out.end <= utc ||
        is_excepted(w, e, start->wall, utc))
        return;
    w->enough |= !w->take(w->context, &e->out);
}

static void give_rule(struct walk *w, struct event *e, icalproperty *property)
{
    struct icalrecurrencetype rule = icalproperty_get_rrule(property);
    struct dcs_cal_time at = e->start;
    int64_t first_utc = dcs_cal_utc(&at); /* given already */

    if (!dcs_cal_rule_is_sane(&rule) || ++w->ruled > RULED_EVENTS_MAX) {
        leave_out(w, "a rule that repeats more often than daily, or too many of them");
        return;
    }
    at.wall.zone = NULL;
    icalrecur_iterator *iterator = icalrecur_iterator_new(rule, at.wall);
    if (!iterator) {
        leave_out(w, "a recurrence rule that makes no sense");
        return;
    }
    icaltimetype first = icaltime_from_timet_with_zone(
        (time_t)(w->input->from - e->length_s - 2 * DAY_S), at.wall.is_date, NULL);
    if (rule.count == 0 && icaltime_compare(first, at.wall) > 0)
        icalrecur_iterator_set_start(iterator, first);
    for (int step = 0; step < STEPS_MAX && !w->enough; step++) {
        at.wall = icalrecur_iterator_next(iterator);
        if (icaltime_is_null_time(at.wall))
            break;
        int64_t utc = dcs_cal_utc(&at);
        if (utc >= w->input->until)
            break;
        if (utc != first_utc)
            give(w, e, &at, utc);
    }
    icalrecur_iterator_free(iterator);
}

static void give_rdates(struct walk *w, struct event *e)
{
    icalproperty *p = icalcomponent_get_first_property(e->component, ICAL_RDATE_PROPERTY);

    for (; p && !w->enough;
         p = icalcomponent_get_next_property(e->component, ICAL_RDATE_PROPERTY)) {
        struct dcs_cal_time at;
        const char *why = NULL;
        if (dcs_cal_property_time(w->calendar, p, w->usual, &at, &why))
            give(w, e, &at, dcs_cal_utc(&at));
        else
            leave_out(w, why);
    }
}

/* DTEND, DURATION, or a whole day; 0 when it has no length. */
static bool read_length(struct walk *w, struct event *e, const char **ret_why)
{
    icalproperty *end = icalcomponent_get_first_property(e->component, ICAL_DTEND_PROPERTY);
    icalproperty *duration = icalcomponent_get_first_property(e->component, ICAL_DURATION_PROPERTY);
    struct dcs_cal_time till;

    if (end) {
        if (!dcs_cal_property_time(w->calendar, end, w->usual, &till, ret_why))
            return false;
        e->length_s = dcs_cal_utc(&till) - dcs_cal_utc(&e->start);
        if (e->start.wall.is_date) /* days of 23 and 25 hours are days */
            e->length_s = (e->length_s + DAY_S / 2) / DAY_S * DAY_S;
    } else if (duration) {
        e->length_s = icaldurationtype_as_int(icalproperty_get_duration(duration));
    } else {
        e->length_s = e->start.wall.is_date ? DAY_S : 0;
    }
    *ret_why = "an event without length";
    return e->length_s > 0 && e->length_s < 400LL * DAY_S;
}

/* libical takes out what it cannot read and leaves a note: without its rule an event would seem to
 * happen once. */
static bool lost_its_times(icalcomponent *component)
{
    static const char *const needed[] = { "in RRULE ", "in RDATE ",    "in EXDATE ",
                                          "in DTEND ", "in DURATION ", "in DTSTART " };
    icalproperty *p = icalcomponent_get_first_property(component, ICAL_XLICERROR_PROPERTY);

    for (; p; p = icalcomponent_get_next_property(component, ICAL_XLICERROR_PROPERTY)) {
        const char *text = icalproperty_get_xlicerror(p);
        for (size_t i = 0; text && i < DCS_COUNT(needed); i++)
            if (strstr(text, needed[i]))
                return true;
    }
    return false;
}

static bool read_event(struct walk *w, icalcomponent *component, struct event *e,
                       const char **ret_why)
{
    icalproperty *start = icalcomponent_get_first_property(component, ICAL_DTSTART_PROPERTY);
    const char *summary = icalcomponent_get_summary(component);

    *e = (struct event){ .component = component, .uid = icalcomponent_get_uid(component) };
    e->is_moved = icalcomponent_get_first_property(component, ICAL_RECURRENCEID_PROPERTY) != NULL;
    dcs_clean_text(summary ? summary : "", e->out.summary, sizeof(e->out.summary));
    *ret_why = "a time or recurrence rule that cannot be read";
    if (lost_its_times(component))
        return false;
    *ret_why = "an event without a beginning";
    return start && dcs_cal_property_time(w->calendar, start, w->usual, &e->start, ret_why) &&
           read_length(w, e, ret_why);
}

static void take_event(struct walk *w, icalcomponent *component)
{
    struct event e;
    const char *why = NULL;

    w->report->events++;
    if (icalcomponent_get_status(component) == ICAL_STATUS_CANCELLED)
        return;
    if (!read_event(w, component, &e, &why)) {
        leave_out(w, why);
        return;
    }
    w->exception_count = w->moved;
    icalproperty *p = icalcomponent_get_first_property(component, ICAL_EXDATE_PROPERTY);
    for (; p; p = icalcomponent_get_next_property(component, ICAL_EXDATE_PROPERTY))
        add_exception(w, p, NULL);
    p = icalcomponent_get_first_property(component, ICAL_RRULE_PROPERTY);
    /* DTSTART is the first of them, also where the rule would not have it (RFC 5545 3.8.5.3). */
    give(w, &e, &e.start, dcs_cal_utc(&e.start));
    for (; p && !e.is_moved && !w->enough;
         p = icalcomponent_get_next_property(component, ICAL_RRULE_PROPERTY))
        give_rule(w, &e, p);
    give_rdates(w, &e);
}

/* ---- the file ---- */

static void find_usual_zone(struct walk *w)
{
    icalproperty *p = icalcomponent_get_first_property(w->calendar, ICAL_X_PROPERTY);

    for (; p; p = icalcomponent_get_next_property(w->calendar, ICAL_X_PROPERTY)) {
        const char *name = icalproperty_get_x_name(p);
        const char *zone = icalproperty_get_x(p);
        if (name && zone && strcasecmp(name, "X-WR-TIMEZONE") == 0)
            w->usual = dcs_cal_zone(w->calendar, zone);
    }
}

static bool walk_calendar(struct walk *w, struct dcs_err *err)
{
    dcs_cal_drop_wild_zones(w->calendar);
    w->exception_count = w->moved = 0;
    w->usual = NULL;
    find_usual_zone(w);
    find_moved(w);
    icalcompiter at = icalcomponent_begin_component(w->calendar, ICAL_VEVENT_COMPONENT);
    for (icalcomponent *c = icalcompiter_deref(&at); c && !w->enough; c = icalcompiter_next(&at)) {
        if (w->report->events >= EVENTS_MAX)
            return dcs_fail(err, DCS_E_INPUT, "the calendar has more than %d events", EVENTS_MAX);
        if (dcs_deadline_left_ms(w->input->env, w->deadline) == 0)
            return dcs_fail(err, DCS_E_INPUT, "the calendar's rules take too long to follow");
        take_event(w, c);
    }
    return true;
}

struct parsed {
    icalcomponent *root;
    struct exception *exceptions;
};

static void parsed_drop(struct parsed *parsed)
{
    if (parsed->root)
        icalcomponent_free(parsed->root);
    free(parsed->exceptions);
    icalmemory_free_ring();
}

bool dcs_calendar_read(const struct dcs_calendar_input *input, dcs_calendar_take *take,
                       void *context, struct dcs_calendar_report *ret_report, struct dcs_err *err)
{
    dcs_auto(parsed) struct parsed parsed = { 0 };
    struct walk w = { .input = input,
                      .take = take,
                      .context = context,
                      .report = ret_report,
                      .deadline = dcs_deadline_in(input->env, TIME_MS) };

    *ret_report = (struct dcs_calendar_report){ 0 };
    if (!text_is_sane(input, err))
        return false;
    icalerror_set_errors_are_fatal(0);
    parsed.root = icalparser_parse_string(input->text);
    parsed.exceptions = dcs_alloc(EXCEPTIONS_MAX, sizeof(*parsed.exceptions), err);
    if (!parsed.exceptions)
        return false;
    w.exceptions = parsed.exceptions;
    icalcomponent_kind kind = parsed.root ? icalcomponent_isa(parsed.root) : ICAL_NO_COMPONENT;
    if (kind == ICAL_NO_COMPONENT) /* half a calendar would take windows away */
        return dcs_fail(err, DCS_E_INPUT, "the calendar ends early: END:VCALENDAR is missing");
    if (kind == ICAL_VCALENDAR_COMPONENT) {
        w.calendar = parsed.root;
        return walk_calendar(&w, err);
    }
    /* Several calendars in one file. */
    icalcomponent *c =
        kind == ICAL_XROOT_COMPONENT
            ? icalcomponent_get_first_component(parsed.root, ICAL_VCALENDAR_COMPONENT)
            : NULL;
    if (!c)
        return dcs_fail(err, DCS_E_INPUT, "it is no iCalendar file");
    for (; c; c = icalcomponent_get_next_component(parsed.root, ICAL_VCALENDAR_COMPONENT)) {
        w.calendar = c;
        if (!walk_calendar(&w, err))
            return false;
    }
    return true;
}
