// SPDX-License-Identifier: Apache-2.0
/* test_maintenance.c - announced windows: the configuration's form, a status page's, merging, the record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/maintenance.h"

#define HOUR 3600LL
#define DAY 86400LL
static const int64_t T0 = 1795478400; /* 2026-11-24, a midnight */

/* ---- maintenance = ... ---- */

static void windows_of_the_configuration_become_a_calendar(void **state)
{
    static const struct {
        const char *text, *has, *has_too;
    } cases[] = {
        { "2026-12-05T22:00/2h America/Denver", "DTSTART;TZID=America/Denver:20261205T220000\r\n",
          "DURATION:PT7200S\r\n" },
        { "2026-12-05T22:00:30/90m", "DTSTART:20261205T220030Z\r\n", "DURATION:PT5400S\r\n" },
        { "2026-12-05T22:00Z/1d", "DTSTART:20261205T220000Z\r\n", "DURATION:PT86400S\r\n" },
        { "2026-12-05/1d UTC", "DTSTART:20261205T000000Z\r\n", "DURATION:PT86400S\r\n" },
        /* a rule, before or behind the zone; its commas begin no window */
        { "2026-01-03T22:00/2h FREQ=MONTHLY;BYDAY=1SA,2SA America/Denver",
          "RRULE:FREQ=MONTHLY;BYDAY=1SA,2SA\r\n", "TZID=America/Denver" },
        { "2026-01-15T22:00/2h FREQ=MONTHLY;BYMONTHDAY=1,15, 2027-01-01T00:00/1h",
          "RRULE:FREQ=MONTHLY;BYMONTHDAY=1,15\r\n", "DTSTART:20270101T000000Z\r\n" },
        { "2024-02-29T00:00/7d", "DTSTART:20240229T000000Z\r\n", "DURATION:PT604800S\r\n" },
        { ", 2026-12-05T22:00/2h ,", "DTSTART:20261205T220000Z\r\n", "END:VCALENDAR\r\n" },
        { "", "BEGIN:VCALENDAR\r\n", "END:VCALENDAR\r\n" },
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        dcs_auto(dcs_buf) struct dcs_buf out = { 0 };
        const char *why = dcs_maintenance_check(cases[i].text);
        if (why)
            fail_msg("\"%s\": %s", cases[i].text, why);
        assert_true(dcs_maintenance_calendar(cases[i].text, &out, NULL));
        if (!strstr(dcs_buf_text(&out), cases[i].has) ||
            !strstr(dcs_buf_text(&out), cases[i].has_too))
            fail_msg("\"%s\" gave %s", cases[i].text, dcs_buf_text(&out));
    }
}

static void what_is_wrong_with_a_window_is_said(void **state)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        { "tomorrow", "START/LENGTH" },
        { "2026-12-05T22:00", "START/LENGTH" },
        { "2026-12-05T22:00/", "START/LENGTH" },
        { "2026-12-05 22:00/2h", "START/LENGTH" },
        { "2026-02-29T22:00/2h", "no such day" },
        { "2026-13-01T22:00/2h", "START/LENGTH" },
        { "2026-12-05T24:00/2h", "22:00" },
        { "2026-12-05T22:60/2h", "22:00" },
        { "2026-12-05T22:00/2", "length" },
        { "2026-12-05T22:00/2w", "length" },
        { "2026-12-05T22:00/0h", "START/LENGTH" },
        { "2026-12-05T22:00/8d", "7d at most" },
        { "2026-12-05T22:00/2h America/Denver UTC", "one time zone" },
        { "2026-12-05T22:00Z/2h America/Denver", "contradict" },
        { "2026-12-05T22:00/2h ../../etc/passwd", "time zone such as" },
        { "2026-12-05T22:00/2h A;B", "time zone such as" },
        { "2026-12-05T22:00/2h FREQ=HOURLY", "FREQ=DAILY" },
        { "2026-12-05T22:00/2h FREQ=DAILYISH", "FREQ=DAILY" },
        { "2026-12-05T22:00/2h FREQ=DAILY FREQ=DAILY", "one FREQ" },
        { "2026-12-05T22:00/2h FREQ=MONTHLY;BYDAY=1SA:X", "RFC 5545" },
        { "2026-12-05T22:00/2h, nonsense", "date behind a comma" },
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        struct dcs_err err = { 0 };
        dcs_auto(dcs_buf) struct dcs_buf out = { 0 };
        const char *why = dcs_maintenance_check(cases[i].text);
        if (!why || !strstr(why, cases[i].why))
            fail_msg("\"%s\": %s", cases[i].text, why ? why : "taken");
        assert_false(dcs_maintenance_calendar(cases[i].text, &out, &err));
        assert_int_equal(err.code, DCS_E_CONFIG);
    }
}

static void more_than_32_windows_belong_in_a_calendar(void **state)
{
    dcs_auto(dcs_buf) struct dcs_buf text = { 0 };

    (void)state;
    for (int i = 0; i < 32; i++)
        dcs_buf_addf(&text, "%s2026-12-05T22:00/2h", i ? ", " : "");
    assert_null(dcs_maintenance_check(dcs_buf_text(&text)));
    dcs_buf_adds(&text, ", 2026-12-05T22:00/2h");
    assert_non_null(strstr(dcs_maintenance_check(dcs_buf_text(&text)), "maintenance_calendar"));
}

/* ---- status pages ---- */

static const char PAGE[] =
    "{\"page\":{\"id\":\"1\",\"time_zone\":\"Etc/UTC\"},\"scheduled_maintenances\":["
    "{\"name\":\"CertCentral upgrade\",\"status\":\"scheduled\",\"impact\":\"maintenance\","
    " \"scheduled_for\":\"2026-12-06T05:00:00.000Z\",\"scheduled_until\":\"2026-12-06T07:00:00."
    "000Z\","
    " \"components\":[{\"id\":\"a\",\"name\":\"CertCentral\"},"
    "                 {\"id\":\"b\",\"name\":\"CertCentral Services API\"}]},"
    "{\"name\":\"QuoVadis\",\"status\":\"scheduled\",\"impact\":\"none\","
    " \"scheduled_for\":\"2026-12-07T22:00:00-07:00\",\"scheduled_until\":\"2026-12-08T00:00:00-07:"
    "00\","
    " \"components\":[{\"name\":\"QuoVadis TrustLink\"}]},"
    "{\"name\":\"all of it\",\"status\":\"scheduled\",\"components\":[],"
    " \"scheduled_for\":\"2026-12-09T00:00:00Z\",\"scheduled_until\":\"2026-12-09T01:00:00Z\"},"
    "{\"name\":\"over\",\"status\":\"completed\","
    " \"scheduled_for\":\"2026-11-24T00:00:00Z\",\"scheduled_until\":\"2026-11-30T01:00:00Z\"},"
    "{\"name\":\"no times\",\"status\":\"scheduled\"},17,"
    "{\"name\":\"backwards\",\"status\":\"scheduled\","
    " \"scheduled_for\":\"2026-12-09T02:00:00Z\",\"scheduled_until\":\"2026-12-09T01:00:00Z\"}]}";

static void a_status_page_gives_its_windows(void **state)
{
    static const struct {
        const char *components;
        size_t count;
        const char *first;
    } cases[] = {
        { "", 3, "CertCentral upgrade" },
        { "CertCentral Services API", 2, "CertCentral upgrade" },
        { " certcentral services api ,Other", 2, "CertCentral upgrade" },
        { "QuoVadis TrustLink", 2, "QuoVadis" },
        { "Services API", 1, "all of it" }, /* the whole name, not a part of it */
        { ",,", 1, "all of it" },
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        dcs_auto(dcs_windows) struct dcs_windows windows = { 0 };
        assert_true(
            dcs_status_page_read(PAGE, strlen(PAGE), cases[i].components, T0, &windows, NULL));
        dcs_windows_sort(&windows);
        assert_int_equal(windows.count, cases[i].count);
        assert_string_equal(windows.items[0].title, cases[i].first);
    }
}

static void times_of_a_status_page_have_their_zone(void **state)
{
    dcs_auto(dcs_windows) struct dcs_windows windows = { 0 };

    (void)state;
    assert_true(dcs_status_page_read(PAGE, strlen(PAGE), "", T0, &windows, NULL));
    dcs_windows_sort(&windows);
    assert_int_equal(windows.items[0].start, T0 + 12 * DAY + 5 * HOUR);
    assert_int_equal(windows.items[0].end, T0 + 12 * DAY + 7 * HOUR);
    assert_int_equal(windows.items[1].start, T0 + 14 * DAY + 5 * HOUR); /* 22:00 -07:00 */
    assert_string_equal(windows.items[0].status, "scheduled");
    assert_string_equal(windows.items[0].impact, "maintenance");
}

static void what_is_under_way_and_overdue_lasts_an_hour_from_the_look(void **state)
{
    static const char page[] =
        "{\"scheduled_maintenances\":[{\"name\":\"x\",\"status\":\"in_progress\","
        "\"scheduled_for\":\"2026-11-23T22:00:00Z\",\"scheduled_until\":\"2026-11-24T00:00:00Z\"},"
        "{\"name\":\"y\",\"status\":\"scheduled\","
        "\"scheduled_for\":\"2026-11-23T21:00:00Z\",\"scheduled_until\":\"2026-11-24T00:00:00Z\"}]"
        "}";
    static const struct {
        int64_t read_at, end;
    } cases[] = {
        { T0 - 1, T0 },    /* still within what was announced */
        { T0, T0 + HOUR }, /* its last second has passed */
        { T0 + 3 * HOUR, T0 + 4 * HOUR },
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        dcs_auto(dcs_windows) struct dcs_windows windows = { 0 };
        assert_true(dcs_status_page_read(page, strlen(page), "", cases[i].read_at, &windows, NULL));
        assert_int_equal(windows.items[0].end, cases[i].end);
        assert_int_equal(windows.items[1].end, T0); /* nobody says that it began */
    }
}

static void what_is_no_status_page_is_refused(void **state)
{
    static const char *const cases[] = { "",
                                         "<html>",
                                         "[]",
                                         "{}",
                                         "{\"scheduled_maintenances\":{}}",
                                         "{\"scheduled_maintenances\":null}" };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        dcs_auto(dcs_windows) struct dcs_windows windows = { 0 };
        struct dcs_err err = { 0 };
        assert_false(dcs_status_page_read(cases[i], strlen(cases[i]), "", T0, &windows, &err));
        assert_int_equal(err.code, DCS_E_AWAY);
    }
}

/* ---- merging ---- */

static void add(struct dcs_windows *windows, int64_t start, int64_t end)
{
    const struct dcs_window window = { .start = start, .end = end, .title = "a\x01 b" };

    assert_true(dcs_windows_add(windows, &window, NULL));
}

static void windows_of_all_sources_are_merged(void **state)
{
    struct dcs_maintenance m = { .count = 2 };
    struct dcs_spans spans;

    (void)state;
    add(&m.sources[0].windows, T0 + 5 * HOUR, T0 + 7 * HOUR);
    add(&m.sources[1].windows, T0 + 6 * HOUR, T0 + 8 * HOUR);              /* overlaps */
    add(&m.sources[1].windows, T0 + 9 * HOUR - 1, T0 + 10 * HOUR);         /* 59:59 between */
    add(&m.sources[0].windows, T0 + 11 * HOUR, T0 + 12 * HOUR);            /* an hour: its own */
    add(&m.sources[0].windows, T0 + 11 * HOUR + 60, T0 + 11 * HOUR + 120); /* within */
    add(&m.sources[0].windows, T0 - 2 * HOUR, T0);                         /* past */
    add(&m.sources[0].windows, T0 + DAY, T0 + 9 * DAY);                    /* over a week */
    dcs_maintenance_spans(&m, T0, &spans);
    assert_int_equal(spans.count, 2);
    assert_int_equal(spans.list[0].start, T0 + 5 * HOUR);
    assert_int_equal(spans.list[0].end, T0 + 10 * HOUR);
    assert_int_equal(spans.list[1].start, T0 + 11 * HOUR);
    assert_int_equal(spans.list[1].end, T0 + 12 * HOUR);
    assert_null(dcs_span_at(&spans, T0 + 5 * HOUR - 1));
    assert_ptr_equal(dcs_span_at(&spans, T0 + 5 * HOUR), &spans.list[0]);
    assert_null(dcs_span_at(&spans, T0 + 10 * HOUR));
    dcs_maintenance_clear(&m);
}

/* A calendar that is "maintenance" all day, every day, says nothing. */
static void windows_without_end_are_not_planned_by(void **state)
{
    struct dcs_maintenance m = { .count = 1 };
    struct dcs_spans spans;

    (void)state;
    for (int day = 0; day < 30; day++)
        add(&m.sources[0].windows, T0 + day * DAY, T0 + (day + 1) * DAY);
    add(&m.sources[0].windows, T0 + 40 * DAY, T0 + 41 * DAY);
    dcs_maintenance_spans(&m, T0, &spans);
    assert_int_equal(spans.count, 1);
    assert_int_equal(spans.list[0].start, T0 + 40 * DAY);
    dcs_maintenance_clear(&m);
}

static void lists_are_bounded_and_the_earliest_stay(void **state)
{
    struct dcs_maintenance m = { .count = 1 };
    struct dcs_windows *windows = &m.sources[0].windows;
    struct dcs_spans spans;

    (void)state;
    for (int i = 9999; i >= 0; i--)
        add(windows, T0 + (i % 1000) * DAY, T0 + (i % 1000) * DAY + HOUR);
    dcs_windows_sort(windows);
    assert_int_equal(windows->count, DCS_WINDOWS_MAX);
    assert_true(windows->is_cut);
    assert_int_equal(windows->items[0].start, T0);
    assert_string_equal(windows->items[0].title, "a? b");
    dcs_maintenance_spans(&m, T0, &spans);
    assert_true(spans.count <= DCS_SPANS_MAX);
    dcs_maintenance_clear(&m);
}

/* ---- the record ---- */

static void the_record_is_read_as_it_was_written(void **state)
{
    struct dcs_maintenance m = { .count = 2 };
    struct dcs_maintenance again;
    dcs_auto(dcs_json) struct dcs_json *root = NULL;

    (void)state;
    m.sources[0] = (struct dcs_maintenance_source){ .kind = "status_page",
                                                    .id = "0123456789abcdef",
                                                    .place = "https://status.example.com/...",
                                                    .fetched_at = T0,
                                                    .tried_at = T0 + 1,
                                                    .next_at = T0 + 2,
                                                    .problem = "no answer",
                                                    .note = "2 left out" };
    add(&m.sources[0].windows, T0, T0 + HOUR);
    snprintf(m.sources[1].id, sizeof(m.sources[1].id), "x");
    assert_true(dcs_maintenance_to_json(&m, &root, NULL));
    dcs_maintenance_from_json(root, &again);
    assert_int_equal(again.count, 2);
    const struct dcs_maintenance_source *s = dcs_maintenance_find(&again, "0123456789abcdef");
    assert_non_null(s);
    assert_string_equal(s->kind, "status_page");
    assert_string_equal(s->place, m.sources[0].place);
    assert_string_equal(s->problem, "no answer");
    assert_string_equal(s->note, "2 left out");
    assert_int_equal(s->fetched_at, T0);
    assert_int_equal(s->tried_at, T0 + 1);
    assert_int_equal(s->next_at, T0 + 2);
    assert_int_equal(s->windows.count, 1);
    assert_int_equal(s->windows.items[0].end, T0 + HOUR);
    assert_null(dcs_maintenance_find(&again, "y"));
    dcs_maintenance_clear(&m);
    dcs_maintenance_clear(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_of_the_configuration_become_a_calendar),
        cmocka_unit_test(what_is_wrong_with_a_window_is_said),
        cmocka_unit_test(more_than_32_windows_belong_in_a_calendar),
        cmocka_unit_test(a_status_page_gives_its_windows),
        cmocka_unit_test(times_of_a_status_page_have_their_zone),
        cmocka_unit_test(what_is_under_way_and_overdue_lasts_an_hour_from_the_look),
        cmocka_unit_test(what_is_no_status_page_is_refused),
        cmocka_unit_test(windows_of_all_sources_are_merged),
        cmocka_unit_test(windows_without_end_are_not_planned_by),
        cmocka_unit_test(lists_are_bounded_and_the_earliest_stay),
        cmocka_unit_test(the_record_is_read_as_it_was_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
