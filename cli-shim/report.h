/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.h - the status as one page of HTML that needs nothing else: no script, no address outside,
 * well-formed as XML too. Between the files of the page; judges nothing, it shows the status' JSON.
 */
#ifndef DCS_CLI_REPORT_H
#define DCS_CLI_REPORT_H

#include "status.h"

enum report_level { REPORT_OK = 0, REPORT_WARNING, REPORT_CRITICAL };

/* One order as the page needs it; texts are lent by the JSON, times 0 when unknown. */
struct report_order {
    const struct dcs_json *json;
    int64_t id;
    int64_t not_before, not_after, due, urgent, order_end;
    const char *name, *state, *words; /* never NULL */
    enum report_level level;
};

struct report {
    const struct dcs_json *root;
    int64_t now;
    struct report_order *orders; /* problems first, the worst of them, then what ends next */
    size_t count, problems;
    struct dcs_buf *out;
};

/* The whole page. */
bool cli_report(const struct dcs_json *root, struct dcs_buf *out, struct dcs_err *err) DCS_CHECKED;

/* report_page.c: pieces that the others use. */
extern const char *const report_level_names[]; /* also the classes of the style */
extern const char *const report_level_marks[]; /* a shape, for eyes that see no colour */
/* <time> with the day, and how far away it is; "unknown" for 0. */
void report_add_day(struct report *r, int64_t when);
/* "in 12 days", "3 hours ago". */
void report_add_distance(struct report *r, int64_t when);

/* report_timeline.c, report_table.c */
void report_add_timeline(struct report *r);
void report_add_tables(struct report *r);

#endif
