// SPDX-License-Identifier: Apache-2.0
/*
 * report_timeline.c - when certificates are due and end, and orders end, as pictures: a bar an order for
 * the problems and what comes next, and above them, when there are more orders than bars, how many
 * of each a week. Shapes and patterns tell apart what colours do; the tables hold the same as text.
 */
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"

enum {
    DAY_S = 86400,
    WEEK_S = 7 * DAY_S,
    BARS_MAX = 60,
    WEEKS = 54,
    WIDTH = 960,
    EDGE = 12, /* room for half a mark */
    HEAD = 28, /* the names of the months */
    ROW = 42,
    WEEK_ROW = 74,
    PAST_DAYS = 14,
    AHEAD_DAYS_MIN = 60,
    AHEAD_DAYS_MAX = 400,
    NAME_MAX_BYTES = 72,
};

/* The part of time that is drawn. */
struct span {
    int64_t from, to;
    int height;
};

static double x_of(const struct span *span, int64_t when)
{
    if (when < span->from)
        when = span->from;
    if (when > span->to)
        when = span->to;
    return EDGE +
           (double)(when - span->from) / (double)(span->to - span->from) * (WIDTH - 2 * EDGE);
}

static bool is_inside(const struct span *span, int64_t when)
{
    return when >= span->from && when <= span->to;
}

static void begin_picture(struct report *r, const struct span *span, const char *id,
                          const char *title, const char *description)
{
    dcs_buf_addf(r->out,
                 "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"%s\">\n"
                 "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"timeline\" role=\"img\" "
                 "aria-labelledby=\"%s-t %s-d\" viewBox=\"0 0 %d %d\">\n"
                 "<title id=\"%s-t\">%s</title>\n<desc id=\"%s-d\">%s</desc>\n",
                 title, id, id, WIDTH, span->height, id, title, id, description);
}

static void end_picture(struct report *r)
{
    dcs_buf_adds(r->out, "</svg>\n</div>\n");
}

/* A line and a name for each month, and one for now. */
static void add_months(struct report *r, const struct span *span)
{
    double last = -100;

    for (int64_t day = dcs_time_midnight(span->from) + DAY_S; day <= span->to; day += DAY_S) {
        char text[DCS_TIME_TEXT];
        dcs_time_text(day, text);
        if (strncmp(text + 8, "01", 2) != 0)
            continue;
        double x = x_of(span, day);
        dcs_buf_addf(r->out, "<line class=\"grid\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"/>\n",
                     x, HEAD - 8, x, span->height);
        if (x - last < 64 || x > WIDTH - 40)
            continue;
        last = x;
        dcs_buf_addf(r->out, "<text x=\"%.1f\" y=\"14\">%.7s</text>\n", x, text);
    }
    double now = x_of(span, r->now);
    dcs_buf_addf(r->out, "<line class=\"now\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"/>\n", now,
                 HEAD - 10, now, span->height);
}

/* ---- a bar an order ---- */

static void add_bar(struct report *r, const struct span *span, int64_t from, int64_t to, int y,
                    const char *class)
{
    double left = x_of(span, from);
    double right = x_of(span, to);

    if (from && to && to > from && right > left)
        dcs_buf_addf(r->out,
                     "<rect class=\"%s\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"10\"/>\n",
                     class, left, y, right - left);
}

/* An arrow where a bar leaves the picture. */
static void add_beyond(struct report *r, const struct span *span, int64_t when, int y)
{
    if (when && when > span->to)
        dcs_buf_addf(r->out, "<path class=\"end\" d=\"M%d %d l8 5 l-8 5 z\"/>\n", WIDTH - EDGE, y);
    if (when && when < span->from)
        dcs_buf_addf(r->out, "<path class=\"end\" d=\"M%d %d l-8 5 l8 5 z\"/>\n", EDGE, y);
}

static void add_marks(struct report *r, const struct span *span, const struct report_order *order,
                      int y)
{
    if (order->due && is_inside(span, order->due))
        dcs_buf_addf(r->out, "<path class=\"due\" d=\"M%.1f %d l6 9 l-12 0 z\"/>\n",
                     x_of(span, order->due), y + 5);
    if (order->order_end && is_inside(span, order->order_end))
        dcs_buf_addf(r->out, "<path class=\"order\" d=\"M%.1f %d l7 7 l-7 7 l-7 -7 z\"/>\n",
                     x_of(span, order->order_end), y - 2);
    if (order->not_after && is_inside(span, order->not_after))
        dcs_buf_addf(r->out,
                     "<rect class=\"end\" x=\"%.1f\" y=\"%d\" width=\"4\" height=\"18\"/>\n",
                     x_of(span, order->not_after) - 4, y - 4);
    add_beyond(r, span, order->not_after, y);
}

static void add_label(struct report *r, const struct report_order *order, int y)
{
    char name[NAME_MAX_BYTES];
    char day[DCS_TIME_TEXT];

    dcs_clean_text(order->name, name, sizeof(name));
    dcs_buf_addf(r->out, "<text class=\"%s\" x=\"%d\" y=\"%d\">%s %lld",
                 report_level_names[order->level], EDGE, y, report_level_marks[order->level],
                 (long long)order->id);
    if (*name)
        dcs_buf_addc(r->out, ' ');
    cli_add_html(r->out, name);
    dcs_buf_adds(r->out, strlen(order->name) >= NAME_MAX_BYTES ? "\xE2\x80\xA6, " : ", ");
    cli_add_html(r->out, order->state);
    if (order->not_after) {
        dcs_time_text(order->not_after, day);
        dcs_buf_addf(r->out, ", %s %.10s", order->not_after < r->now ? "ended" : "ends", day);
    }
    dcs_buf_adds(r->out, "</text>\n");
}

static void add_order(struct report *r, const struct span *span, const struct report_order *order,
                      int y)
{
    int bar = y + 18;

    add_label(r, order, y + 12);
    add_bar(r, span, order->not_before, order->due, bar, "life");
    add_bar(r, span, order->due, order->urgent, bar, "late");
    add_bar(r, span, order->urgent, order->not_after, bar, "urgent");
    add_marks(r, span, order, bar);
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void add_bars(struct report *r, size_t count)
{
    int64_t last = r->now + AHEAD_DAYS_MIN * DAY_S;

    for (size_t i = 0; i < count; i++)
        last = later(last, later(r->orders[i].not_after, r->orders[i].order_end));
    if (last > r->now + AHEAD_DAYS_MAX * DAY_S)
        last = r->now + AHEAD_DAYS_MAX * DAY_S;
    const struct span span = { .from = r->now - PAST_DAYS * DAY_S,
                               .to = last + 7 * DAY_S,
                               .height = HEAD + (int)count * ROW };
    begin_picture(r, &span, "bars", "Time line of orders",
                  "A bar for each order from the begin to the end of its certificate, with marks "
                  "where a new one is due and where the order ends. The tables below tell the same "
                  "in words.");
    dcs_buf_adds(r->out,
                 "<defs><pattern id=\"hatch\" width=\"6\" height=\"6\" "
                 "patternUnits=\"userSpaceOnUse\"><path class=\"hatch\" d=\"M0 6 L6 0\"/></pattern>"
                 "</defs>\n");
    add_months(r, &span);
    for (size_t i = 0; i < count; i++)
        add_order(r, &span, &r->orders[i], HEAD + (int)i * ROW);
    end_picture(r);
    dcs_buf_adds(r->out, "<ul class=\"legend\">\n"
                         "<li><svg xmlns=\"http://www.w3.org/2000/svg\" aria-hidden=\"true\" "
                         "viewBox=\"0 0 28 18\"><rect class=\"life\" x=\"0\" y=\"4\" "
                         "width=\"28\" height=\"10\"/></svg> valid</li>\n"
                         "<li><svg xmlns=\"http://www.w3.org/2000/svg\" aria-hidden=\"true\" "
                         "viewBox=\"0 0 28 18\"><path class=\"due\" d=\"M14 4 l6 9 "
                         "l-12 0 "
                         "z\"/></svg> due from here</li>\n"
                         "<li><svg xmlns=\"http://www.w3.org/2000/svg\" aria-hidden=\"true\" "
                         "viewBox=\"0 0 28 18\"><rect class=\"late\" x=\"0\" y=\"4\" "
                         "width=\"28\" height=\"10\"/></svg> due</li>\n"
                         "<li><svg xmlns=\"http://www.w3.org/2000/svg\" aria-hidden=\"true\" "
                         "viewBox=\"0 0 28 18\"><rect class=\"urgent\" x=\"0\" "
                         "y=\"4\" "
                         "width=\"28\" height=\"10\"/></svg> urgent</li>\n"
                         "<li><svg xmlns=\"http://www.w3.org/2000/svg\" aria-hidden=\"true\" "
                         "viewBox=\"0 0 28 18\"><rect class=\"end\" x=\"12\" y=\"0\" "
                         "width=\"4\" height=\"18\"/></svg> the certificate ends</li>\n"
                         "<li><svg xmlns=\"http://www.w3.org/2000/svg\" aria-hidden=\"true\" "
                         "viewBox=\"0 0 28 18\"><path class=\"order\" d=\"M14 2 l7 7 "
                         "l-7 "
                         "7 l-7 -7 z\"/></svg> the order ends</li>\n"
                         "<li><svg xmlns=\"http://www.w3.org/2000/svg\" aria-hidden=\"true\" "
                         "viewBox=\"0 0 28 18\"><line class=\"now\" x1=\"14\" "
                         "y1=\"0\" "
                         "x2=\"14\" y2=\"18\"/></svg> now</li>\n</ul>\n");
}

/* ---- how many a week ---- */

struct weeks {
    size_t counts[WEEKS];
    size_t most, before, after;
};

static void count(struct report *r, int64_t when, struct weeks *weeks)
{
    int64_t week = (when - dcs_time_midnight(r->now)) / WEEK_S;

    if (!when)
        return;
    if (when < dcs_time_midnight(r->now)) {
        weeks->before++;
        return;
    }
    if (week >= WEEKS) {
        weeks->after++;
        return;
    }
    if (++weeks->counts[week] > weeks->most)
        weeks->most = weeks->counts[week];
}

static void add_week_row(struct report *r, const struct span *span, const struct weeks *weeks,
                         const char *label, const char *class, int y)
{
    const int high = WEEK_ROW - 26;

    dcs_buf_addf(r->out,
                 "<text x=\"%d\" y=\"%d\">%s: at most %zu a week; %zu before, %zu later</text>\n",
                 EDGE, y + 12, label, weeks->most, weeks->before, weeks->after);
    for (int i = 0; i < WEEKS && weeks->most > 0; i++) {
        if (weeks->counts[i] == 0)
            continue;
        int64_t begin = dcs_time_midnight(r->now) + i * (int64_t)WEEK_S;
        double part = (double)weeks->counts[i] / (double)weeks->most * high;
        double x = x_of(span, begin);
        char day[DCS_TIME_TEXT];
        part = part < 2 ? 2 : part; /* one of ten thousand is still to be seen */
        dcs_time_text(begin, day);
        dcs_buf_addf(r->out,
                     "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\">"
                     "<title>week from %.10s: %zu</title></rect>\n",
                     class, x + 1, y + WEEK_ROW - 6 - part, x_of(span, begin + WEEK_S) - x - 2,
                     part, day, weeks->counts[i]);
    }
}

static void add_weeks(struct report *r)
{
    struct weeks ends = { 0 };
    struct weeks dues = { 0 };
    struct weeks orders = { 0 };
    const struct span span = { .from = dcs_time_midnight(r->now),
                               .to = dcs_time_midnight(r->now) + WEEKS * (int64_t)WEEK_S,
                               .height = HEAD + 3 * WEEK_ROW };

    for (size_t i = 0; i < r->count; i++) {
        count(r, r->orders[i].not_after, &ends);
        count(r, r->orders[i].due, &dues);
        count(r, r->orders[i].order_end, &orders);
    }
    begin_picture(
        r, &span, "weeks", "How many a week",
        "For each week of the coming year how many certificates become due, how many end, "
        "and how many orders end.");
    add_months(r, &span);
    add_week_row(r, &span, &dues, "Become due", "late", HEAD);
    add_week_row(r, &span, &ends, "Certificates end", "life", HEAD + WEEK_ROW);
    add_week_row(r, &span, &orders, "Orders end", "order", HEAD + 2 * WEEK_ROW);
    end_picture(r);
}

void report_add_timeline(struct report *r)
{
    size_t bars = r->count < BARS_MAX ? r->count : BARS_MAX;

    dcs_buf_adds(r->out,
                 "<section aria-labelledby=\"h-time\">\n<h2 id=\"h-time\">Time line</h2>\n");
    if (r->count > bars) {
        add_weeks(r);
        dcs_buf_addf(r->out, "<p>The %zu orders of %zu that need attention first:</p>\n", bars,
                     r->count);
    }
    if (r->count > 0)
        add_bars(r, bars);
    else
        dcs_buf_adds(r->out, "<p>There are no orders.</p>\n");
    dcs_buf_adds(r->out, "</section>\n");
}
