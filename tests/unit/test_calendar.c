// SPDX-License-Identifier: Apache-2.0
/*
 * test_calendar.c - iCalendar files as spans of time. What is expected is written as UTC, worked out by
 * hand: Denver is UTC-7, UTC-6 from 2026-03-08 02:00 to 2026-11-01 02:00 (09:00 and 08:00 UTC).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "fake.h"
#include "io/calendar.h"

enum { SHOWN_MAX = 2048 };

struct shown {
    char text[SHOWN_MAX];
    size_t count, max;
};

/* "2026-12-06T05:00:00Z+7200 " for each */
static bool show(void *context, const struct dcs_calendar_event *event)
{
    struct shown *shown = context;
    char start[DCS_TIME_TEXT];
    size_t len = strlen(shown->text);

    dcs_time_text(event->start, start);
    snprintf(shown->text + len, sizeof(shown->text) - len, "%s+%lld ", start,
             (long long)(event->end - event->start));
    return ++shown->count != shown->max;
}

static int64_t when(const char *text)
{
    int64_t at = 0;

    assert_true(dcs_time_parse(text, &at));
    return at;
}

static struct fake_world world;

static bool read_it(const char *text, const char *from, const char *until, struct shown *shown,
                    struct dcs_calendar_report *report, struct dcs_err *err)
{
    const struct dcs_calendar_input input = { .text = text,
                                              .len = strlen(text),
                                              .from = when(from),
                                              .until = when(until),
                                              .env = &world.env };

    return dcs_calendar_read(&input, show, shown, report, err);
}

static void one(const char *lines, const char *from, const char *until, const char *expected)
{
    dcs_auto(dcs_buf) struct dcs_buf text = { 0 };
    struct shown shown = { 0 };
    struct dcs_calendar_report report;
    struct dcs_err err = { 0 };

    dcs_buf_addf(&text, "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:test\r\n%sEND:VCALENDAR\r\n",
                 lines);
    if (!read_it(dcs_buf_text(&text), from, until, &shown, &report, &err))
        fail_msg("%s: %s", lines, err.text);
    if (strcmp(shown.text, expected) != 0)
        fail_msg("%s\ngave     %s\nexpected %s\n%s", lines, shown.text, expected, report.why);
}

#define EVENT(lines) "BEGIN:VEVENT\r\nUID:1\r\n" lines "END:VEVENT\r\n"
#define DENVER "TZID=America/Denver:"

static void events_become_spans_of_utc(void **state)
{
    static const struct {
        const char *lines, *from, *until, *expected;
    } cases[] = {
        { EVENT("DTSTART:20261206T050000Z\r\nDTEND:20261206T070000Z\r\n"), "2026-11-24",
          "2027-01-01", "2026-12-06T05:00:00Z+7200 " },
        /* Olson names without a VTIMEZONE; winter, summer */
        { EVENT("DTSTART;" DENVER "20261205T220000\r\nDURATION:PT2H\r\n"), "2026-11-24",
          "2027-01-01", "2026-12-06T05:00:00Z+7200 " },
        { EVENT("DTSTART;" DENVER "20260704T220000\r\nDURATION:PT2H\r\n"), "2026-06-01",
          "2027-01-01", "2026-07-05T04:00:00Z+7200 " },
        /* first Saturdays over both changes; the 7th of March is the night before the one */
        { EVENT("DTSTART;" DENVER "20260103T220000\r\nDURATION:PT2H\r\n"
                "RRULE:FREQ=MONTHLY;BYDAY=1SA\r\n"),
          "2026-03-01", "2026-05-01", "2026-03-08T05:00:00Z+7200 2026-04-05T04:00:00Z+7200 " },
        { EVENT("DTSTART;" DENVER "20260103T220000\r\nDURATION:PT2H\r\n"
                "RRULE:FREQ=MONTHLY;BYDAY=1SA\r\n"),
          "2026-10-01", "2026-12-01", "2026-10-04T04:00:00Z+7200 2026-11-08T05:00:00Z+7200 " },
        /* DTEND of two hours on the night when the clock goes forward: one hour by the clock on the wall */
        { EVENT("DTSTART;" DENVER "20260308T013000\r\nDTEND;" DENVER "20260308T033000\r\n"),
          "2026-03-01", "2026-05-01", "2026-03-08T08:30:00Z+3600 " },
        /* a time that does not exist: by the offset before (RFC 5545 3.3.5) */
        { EVENT("DTSTART;" DENVER "20260308T023000\r\nDURATION:PT1H\r\n"), "2026-03-01",
          "2026-05-01", "2026-03-08T09:30:00Z+3600 " },
        /* a time that comes twice: the first */
        { EVENT("DTSTART;" DENVER "20261101T013000\r\nDURATION:PT1H\r\n"), "2026-10-01",
          "2026-12-01", "2026-11-01T07:30:00Z+3600 " },
        { EVENT("DTSTART;" DENVER "20261101T003000\r\nDTEND;" DENVER "20261101T023000\r\n"),
          "2026-10-01", "2026-12-01", "2026-11-01T06:30:00Z+10800 " },
        /* daily over the change */
        { EVENT("DTSTART;" DENVER
                "20260306T220000\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY;COUNT=3\r\n"),
          "2026-03-01", "2026-05-01",
          "2026-03-07T05:00:00Z+3600 2026-03-08T05:00:00Z+3600 2026-03-09T04:00:00Z+3600 " },
        /* EXDATE, by time and by day; UNTIL */
        { EVENT("DTSTART;" DENVER "20260306T220000\r\nDURATION:PT1H\r\n"
                "RRULE:FREQ=DAILY;UNTIL=20260310T040000Z\r\n"
                "EXDATE;" DENVER "20260307T220000\r\nEXDATE;VALUE=DATE:20260308\r\n"),
          "2026-03-01", "2026-05-01", "2026-03-07T05:00:00Z+3600 2026-03-10T04:00:00Z+3600 " },
        /* RDATE */
        { EVENT("DTSTART:20260103T220000Z\r\nDURATION:PT1H\r\n"
                "RDATE:20260203T220000Z,20260303T220000Z\r\n"),
          "2026-02-01", "2026-05-01", "2026-02-03T22:00:00Z+3600 2026-03-03T22:00:00Z+3600 " },
        /* cancelled; tentative ones may well be held */
        { EVENT("STATUS:CANCELLED\r\nDTSTART:20261206T050000Z\r\nDURATION:PT2H\r\n")
              EVENT("STATUS:TENTATIVE\r\nDTSTART:20261207T050000Z\r\nDURATION:PT2H\r\n"),
          "2026-11-24", "2027-01-01", "2026-12-07T05:00:00Z+7200 " },
        /* one of a series moved, another cancelled */
        { EVENT("DTSTART:20261201T050000Z\r\nDURATION:PT2H\r\nRRULE:FREQ=DAILY;COUNT=3\r\n") EVENT(
              "RECURRENCE-ID:20261202T050000Z\r\nDTSTART:20261202T090000Z\r\nDURATION:PT1H\r\n")
              EVENT("RECURRENCE-ID:20261203T050000Z\r\nDTSTART:20261203T050000Z\r\n"
                    "DURATION:PT2H\r\nSTATUS:CANCELLED\r\n"),
          "2026-11-24", "2027-01-01", "2026-12-01T05:00:00Z+7200 2026-12-02T09:00:00Z+3600 " },
        /* only what overlaps the time that is asked for, however old the series */
        { EVENT("DTSTART:19990101T230000Z\r\nDURATION:PT2H\r\nRRULE:FREQ=DAILY\r\n"), "2026-12-01",
          "2026-12-02", "2026-11-30T23:00:00Z+7200 2026-12-01T23:00:00Z+7200 " },
        /* folded lines, in the middle of a word; LF alone; lower case */
        { "begin:vevent\nuid:1\nsummary:a long\n  text\nDTST\n ART:20261206T050000Z\nDURATION:PT\n"
          "\t2H\nend:vevent\n",
          "2026-11-24", "2027-01-01", "2026-12-06T05:00:00Z+7200 " },
        /* without length */
        { EVENT("DTSTART:20261206T050000Z\r\n"), "2026-11-24", "2027-01-01", "" },
        { EVENT("DTSTART:20261206T050000Z\r\nDTEND:20261206T040000Z\r\n"), "2026-11-24",
          "2027-01-01", "" },
        /* what is no event */
        { "BEGIN:VTODO\r\nUID:1\r\nDTSTART:20261206T050000Z\r\nDURATION:PT2H\r\nEND:VTODO\r\n",
          "2026-11-24", "2027-01-01", "" },
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++)
        one(cases[i].lines, cases[i].from, cases[i].until, cases[i].expected);
}

/* ---- zones ---- */

#define OWN_ZONE(rule)                                                                        \
    "BEGIN:VTIMEZONE\r\nTZID:Mountain Standard Time\r\nBEGIN:STANDARD\r\n"                    \
    "DTSTART:16010101T020000\r\nTZOFFSETFROM:-0600\r\nTZOFFSETTO:-0700\r\n"                   \
    "RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=1SU;BYMONTH=11\r\nEND:STANDARD\r\n"                   \
    "BEGIN:DAYLIGHT\r\nDTSTART:16010101T020000\r\nTZOFFSETFROM:-0700\r\nTZOFFSETTO:-0600\r\n" \
    "RRULE:" rule "\r\nEND:DAYLIGHT\r\nEND:VTIMEZONE\r\n"
#define OUTLOOK "TZID=Mountain Standard Time:"

static void a_file_brings_its_own_zones(void **state)
{
    (void)state;
    one(OWN_ZONE("FREQ=YEARLY;INTERVAL=1;BYDAY=2SU;BYMONTH=3")
            EVENT("DTSTART;" OUTLOOK "20260103T220000\r\nDURATION:PT2H\r\n"
                  "RRULE:FREQ=MONTHLY;BYDAY=1SA\r\n"),
        "2026-03-01", "2026-05-01", "2026-03-08T05:00:00Z+7200 2026-04-05T04:00:00Z+7200 ");
}

static void all_day_and_floating_events_are_of_the_calendars_zone(void **state)
{
    (void)state;
    one("X-WR-TIMEZONE:America/Denver\r\n" EVENT("DTSTART;VALUE=DATE:20261205\r\n"), "2026-11-24",
        "2027-01-01", "2026-12-05T07:00:00Z+86400 ");
    /* a day of 23 hours is a day, and the end is not included */
    one("X-WR-TIMEZONE:America/Denver\r\n" EVENT(
            "DTSTART;VALUE=DATE:20260307\r\nDTEND;VALUE=DATE:20260309\r\n"),
        "2026-03-01", "2026-05-01", "2026-03-07T07:00:00Z+169200 ");
    one("X-WR-TIMEZONE:America/Denver\r\n" EVENT("DTSTART:20260704T220000\r\nDURATION:PT2H\r\n"),
        "2026-06-01", "2027-01-01", "2026-07-05T04:00:00Z+7200 ");
}

static void without_one_they_are_of_this_host(void **state)
{
    (void)state;
    assert_int_equal(setenv("TZ", "Asia/Tokyo", 1), 0);
    tzset();
    one(EVENT("DTSTART;VALUE=DATE:20261205\r\n"), "2026-11-24", "2027-01-01",
        "2026-12-04T15:00:00Z+86400 ");
    one(EVENT("DTSTART:20261205T220000\r\nDURATION:PT2H\r\n"), "2026-11-24", "2027-01-01",
        "2026-12-05T13:00:00Z+7200 ");
    assert_int_equal(setenv("TZ", "UTC", 1), 0);
    tzset();
}

/* ---- what cannot be used ---- */

static void what_cannot_be_understood_is_left_out_and_said(void **state)
{
    static const char good[] = EVENT("DTSTART:20261206T050000Z\r\nDURATION:PT2H\r\n");
    static const struct {
        const char *lines, *why;
    } cases[] = {
        { EVENT("DTSTART;TZID=Mars/Olympus:20261205T220000\r\nDURATION:PT1H\r\n"), "time zone" },
        { EVENT("DTSTART;TZID=../../etc/passwd:20261205T220000\r\nDURATION:PT1H\r\n"),
          "time zone" },
        { EVENT("DTSTART:20270105T220000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=SECONDLY\r\n"),
          "more often than daily" },
        { EVENT("DTSTART:20270105T220000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=MINUTELY\r\n"),
          "more often than daily" },
        { EVENT("DTSTART:20270105T220000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY;BYSECOND=1,2\r\n"),
          "more often than daily" },
        { EVENT("DTSTART:20270105T220000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=MONTHLY;BYDAY=XX\r\n"),
          "cannot be read" },
        { EVENT("DTSTART:20270105T220000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY;INTERVAL=0\r\n"),
          "cannot be read" },
        { EVENT("DTSTART:20270105T220000Z\r\nDURATION:PT1H\r\nEXDATE:often\r\n"),
          "cannot be read" },
        { EVENT("SUMMARY:no beginning\r\nDURATION:PT1H\r\n"), "beginning" },
        { EVENT("DTSTART:soon\r\nDURATION:PT1H\r\n"), "" },
        /* zones that change by the second, or have no offset at all */
        { OWN_ZONE("FREQ=SECONDLY")
              EVENT("DTSTART;" OUTLOOK "20260103T220000\r\nDURATION:PT2H\r\n"),
          "time zone" },
        { OWN_ZONE("FREQ=YEARLY;BYMONTH=3;BYHOUR=1,2,3,4,5")
              EVENT("DTSTART;" OUTLOOK "20260103T220000\r\nDURATION:PT2H\r\n"),
          "time zone" },
        { "BEGIN:VTIMEZONE\r\nTZID:Mountain Standard Time\r\nEND:VTIMEZONE\r\n" EVENT(
              "DTSTART;" OUTLOOK "20260103T220000\r\nDURATION:PT2H\r\n"),
          "time zone" },
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        dcs_auto(dcs_buf) struct dcs_buf text = { 0 };
        struct shown shown = { 0 };
        struct dcs_calendar_report report;
        struct dcs_err err = { 0 };
        dcs_buf_addf(&text, "BEGIN:VCALENDAR\r\n%s%sEND:VCALENDAR\r\n", cases[i].lines, good);
        if (!read_it(dcs_buf_text(&text), "2026-11-24", "2027-01-01", &shown, &report, &err))
            fail_msg("%s: %s", cases[i].lines, err.text);
        if (strcmp(shown.text, "2026-12-06T05:00:00Z+7200 ") != 0 || report.left_out != 1 ||
            report.events != 2 || !strstr(report.why, cases[i].why))
            fail_msg("%s\ngave %s, %zu of %zu left out: %s", cases[i].lines, shown.text,
                     report.left_out, report.events, report.why);
    }
}

static void what_is_no_calendar_is_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "<html><body>BEGIN:VCALENDAR</body></html>",
        "BEGIN:",
        "END:VCALENDAR\r\n",
        "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\nEND:VEVENT\r\n",
        "BEGIN:VEVENT\r\nDTSTART:20261206T050000Z\r\nEND:VEVENT\r\n",
        "{\"scheduled_maintenances\":[]}"
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        struct shown shown = { 0 };
        struct dcs_calendar_report report;
        struct dcs_err err = { 0 };
        if (read_it(cases[i], "2026-11-24", "2027-01-01", &shown, &report, &err))
            fail_msg("\"%s\" is a calendar", cases[i]);
        assert_int_equal(err.code, DCS_E_INPUT);
    }
}

/* Half a calendar would take windows away that are still announced. */
static void a_file_that_ends_early_is_refused(void **state)
{
    struct shown shown = { 0 };
    struct dcs_calendar_report report;
    struct dcs_err err = { 0 };

    (void)state;
    assert_false(read_it("BEGIN:VCALENDAR\r\n" EVENT(
                             "DTSTART:20261206T050000Z\r\nDURATION:PT2H\r\n") "BEGIN:VEVENT\r\nUID:"
                                                                              "2\r\nDTSTART:202612",
                         "2026-11-24", "2027-01-01", &shown, &report, &err));
    assert_non_null(strstr(err.text, "ends early"));
    assert_int_equal(shown.count, 0);
}

static void hostile_calendars_are_bounded(void **state)
{
    struct shown shown = { 0 };
    struct dcs_calendar_report report;
    struct dcs_err err = { 0 };
    dcs_auto(dcs_buf) struct dcs_buf deep = { .max = 2 << 20 };
    dcs_auto(dcs_buf) struct dcs_buf many = { .max = 2 << 20 };
    dcs_auto(dcs_buf) struct dcs_buf large = { .max = 2 << 20 };

    (void)state;
    for (int i = 0; i < 40000; i++)
        dcs_buf_adds(&deep, "BEGIN:VCALENDAR\r\n");
    assert_false(read_it(dcs_buf_text(&deep), "2026-11-24", "2027-01-01", &shown, &report, &err));
    for (int i = 0; i < 9000; i++)
        dcs_buf_adds(&many, EVENT("DTSTART:20261206T050000Z\r\n"));
    assert_false(read_it(dcs_buf_text(&many), "2026-11-24", "2027-01-01", &shown, &report, &err));
    while (large.len <= 1 << 20)
        dcs_buf_adds(&large, "BEGIN:VCALENDAR\r\n");
    assert_false(read_it(dcs_buf_text(&large), "2026-11-24", "2027-01-01", &shown, &report, &err));
    assert_non_null(strstr(err.text, "larger"));
}

/* "That is enough" of who takes is heeded at once, also within a series. */
static void the_taker_may_stop(void **state)
{
    struct shown shown = { .max = 2 };
    struct dcs_calendar_report report;

    (void)state;
    assert_true(
        read_it("BEGIN:VCALENDAR\r\n" EVENT("DTSTART:20261206T050000Z\r\nDURATION:PT2H\r\nRRULE:"
                                            "FREQ=DAILY\r\n") "END:VCALENDAR\r\n",
                "2026-11-24", "2027-12-01", &shown, &report, NULL));
    assert_int_equal(shown.count, 2);
}

static int begin(void **state)
{
    (void)state;
    fake_world_init(&world);
    assert_int_equal(setenv("TZ", "UTC", 1), 0);
    tzset();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_become_spans_of_utc),
        cmocka_unit_test(a_file_brings_its_own_zones),
        cmocka_unit_test(all_day_and_floating_events_are_of_the_calendars_zone),
        cmocka_unit_test(without_one_they_are_of_this_host),
        cmocka_unit_test(what_cannot_be_understood_is_left_out_and_said),
        cmocka_unit_test(what_is_no_calendar_is_refused),
        cmocka_unit_test(a_file_that_ends_early_is_refused),
        cmocka_unit_test(hostile_calendars_are_bounded),
        cmocka_unit_test(the_taker_may_stop),
    };

    return cmocka_run_group_tests(tests, begin, NULL);
}
