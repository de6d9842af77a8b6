/* SPDX-License-Identifier: Apache-2.0 */
/*
 * maintenance.h - when the CA is announced to be away: windows as values, where they come from, and
 * the record of them. Times are UTC seconds; a window is [start, end).
 *
 * Announcements are outside text: bounded in number and length, cleaned where they enter. What is
 * longer than a week is shown, but nobody plans by it: that is no maintenance but a mistake.
 */
#ifndef DCS_MODEL_MAINTENANCE_H
#define DCS_MODEL_MAINTENANCE_H

#include "io/json.h"

enum {
    DCS_WINDOW_TEXT = 96,
    DCS_WINDOWS_MAX = 256, /* of one source; the earliest stay */
    DCS_SPANS_MAX = 128,   /* that one plan looks at */
    DCS_SPAN_LONGEST_S = 7 * 86400,
    DCS_SPAN_GAP_S = 3600, /* windows that are closer are one: no time for work between them */
    DCS_WINDOWS_BACK_S = 86400,
    DCS_WINDOWS_AHEAD_S = 400 * 86400,
};

struct dcs_window {
    int64_t start, end;
    char title[DCS_WINDOW_TEXT];
    char status[24], impact[24]; /* a status page's words, "" without one */
};

struct dcs_windows {
    struct dcs_window *items;
    size_t count, capacity;
    bool is_cut; /* there were more */
};
void dcs_windows_clear(struct dcs_windows *windows);
void dcs_windows_drop(struct dcs_windows *windows);
/* A copy with its texts cleaned, unless it is empty, backwards or before the year 2000. */
bool dcs_windows_add(struct dcs_windows *windows, const struct dcs_window *window,
                     struct dcs_err *err) DCS_CHECKED;
/* By start, then end; those beyond DCS_WINDOWS_MAX go, is_cut tells. */
void dcs_windows_sort(struct dcs_windows *windows);

/* ---- for the plan ---- */

struct dcs_span {
    int64_t start, end;
};
struct dcs_spans {
    struct dcs_span list[DCS_SPANS_MAX]; /* sorted, DCS_SPAN_GAP_S apart, none over a week */
    size_t count;
};
/* The span that holds now, NULL when there is none. */
const struct dcs_span *dcs_span_at(const struct dcs_spans *spans, int64_t now);

/* ---- where they come from ---- */

struct dcs_maintenance_source {
    char kind[16];      /* "configuration", "calendar", "status_page" */
    char id[17];        /* of kind and address: an address may be a secret, its host is not */
    char place[160];    /* for people: a path, https://HOST/..., "maintenance" */
    int64_t fetched_at; /* when these windows were read, 0 never */
    int64_t tried_at;   /* the last attempt, 0 never */
    int64_t next_at;    /* when a URL is asked again */
    char problem[256];  /* why the last attempt failed, "" when it did not */
    char note[160];     /* what in it could not be used */
    struct dcs_windows windows;
};
enum { DCS_MAINTENANCE_SOURCES = 10 };
struct dcs_maintenance {
    struct dcs_maintenance_source sources[DCS_MAINTENANCE_SOURCES];
    size_t count;
};
void dcs_maintenance_clear(struct dcs_maintenance *maintenance);
void dcs_maintenance_drop(struct dcs_maintenance *maintenance);
struct dcs_maintenance_source *dcs_maintenance_find(struct dcs_maintenance *maintenance,
                                                    const char *id);

/* maintenance.json. What is damaged is left out: it is all fetched again. */
void dcs_maintenance_from_json(const struct dcs_json *root,
                               struct dcs_maintenance *ret_maintenance);
bool dcs_maintenance_to_json(const struct dcs_maintenance *maintenance, struct dcs_json **ret_root,
                             struct dcs_err *err) DCS_CHECKED;
/* All sources' windows that end after `from`, merged; what is over a week on end is left out. */
void dcs_maintenance_spans(const struct dcs_maintenance *maintenance, int64_t from,
                           struct dcs_spans *ret_spans);

/* ---- reading announcements ---- */

/*
 * A status page's list (upcoming.json or active.json) into windows, those that concern one of the
 * components (names, separated by commas; "" all), added to *windows. read_at: one that is under way
 * and over its announced end lasts an hour longer from then. DCS_E_AWAY when it is no such list.
 */
bool dcs_status_page_read(const char *text, size_t len, const char *components, int64_t read_at,
                          struct dcs_windows *windows, struct dcs_err *err) DCS_CHECKED;

/*
 * The value of `maintenance`: "START/LENGTH [ZONE] [RULE]" separated by commas, as an iCalendar
 * file. NULL, or what is wrong with it (static). ZONE is checked by who knows time zones.
 */
const char *dcs_maintenance_check(const char *text);
bool dcs_maintenance_calendar(const char *text, struct dcs_buf *ret_calendar,
                              struct dcs_err *err) DCS_CHECKED;

#endif
