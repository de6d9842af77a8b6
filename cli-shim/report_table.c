// SPDX-License-Identifier: Apache-2.0
/*
 * report_table.c - all orders as tables: one while they are few, else one for each month in which
 * certificates end, folded, so that ten thousand open at once.
 */
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"

enum { UNFOLDED_MAX = 200, TABLE_MAX = 500, MONTH_TEXT = 8 };

static void add_names(struct report *r, const struct report_order *order)
{
    size_t names = dcs_json_count(dcs_json_path(order->json, "current.names"));

    dcs_buf_addf(r->out, "<th scope=\"row\">%lld<br/>", (long long)order->id);
    cli_add_html(r->out, *order->name ? order->name : "no name");
    if (names > 1)
        dcs_buf_addf(r->out, " <span class=\"far\">and %zu more</span>", names - 1);
    dcs_buf_adds(r->out, "</th>");
}

/* Logged or not, and whether the order wants it so. */
static void add_ct(struct report *r, const struct report_order *order)
{
    const char *ct = dcs_json_text(order->json, "current.ct");
    const char *state = dcs_json_text(order->json, "plan.ct.state");

    dcs_buf_adds(r->out, "<td>");
    cli_add_html(r->out, ct ? ct : "-");
    if (state && (strncmp(state, "drift", 5) == 0 || strcmp(state, "mismatch") == 0))
        dcs_buf_addf(r->out, " <strong><span aria-hidden=\"true\">%s</span> out of step</strong>",
                     report_level_marks[REPORT_WARNING]);
    dcs_buf_adds(r->out, "</td>");
}

static void add_day_cell(struct report *r, int64_t when)
{
    dcs_buf_adds(r->out, "<td>");
    if (when)
        report_add_day(r, when);
    else
        dcs_buf_adds(r->out, "-");
    dcs_buf_adds(r->out, "</td>");
}

static void add_row(struct report *r, const struct report_order *order)
{
    enum dcs_tri key = dcs_json_tri(order->json, "current.has_key");

    dcs_buf_addf(r->out, "<tr class=\"%s\">", report_level_names[order->level]);
    add_names(r, order);
    dcs_buf_addf(r->out, "<td class=\"state\"><span class=\"mark\" aria-hidden=\"true\">%s</span> ",
                 report_level_marks[order->level]);
    cli_add_html(r->out, order->state);
    dcs_buf_adds(r->out, "</td>");
    add_day_cell(r, order->not_after);
    add_day_cell(r, order->due);
    add_day_cell(r, order->order_end);
    add_ct(r, order);
    dcs_buf_addf(r->out, "<td>%s</td><td class=\"words\">",
                 key == DCS_YES  ? "here"
                 : key == DCS_NO ? "not here"
                                 : "-");
    cli_add_html(r->out, order->words);
    dcs_buf_adds(r->out, "</td></tr>\n");
}

static void add_table(struct report *r, const struct report_order *const *orders, size_t count,
                      const char *caption)
{
    static const char *const columns[] = { "Order",      "State", "Certificate ends", "Due",
                                           "Order ends", "CT",    "Private key",      "Why" };

    /* A region that scrolls must be reachable by the keyboard, and named. */
    dcs_buf_addf(r->out,
                 "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"%s\">\n"
                 "<table>\n<caption>%s</caption>\n<thead><tr>",
                 caption, caption);
    for (size_t i = 0; i < DCS_COUNT(columns); i++)
        dcs_buf_addf(r->out, "<th scope=\"col\">%s</th>", columns[i]);
    dcs_buf_adds(r->out, "</tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < count; i++)
        add_row(r, orders[i]);
    dcs_buf_adds(r->out, "</tbody>\n</table>\n</div>\n");
}

/* ---- many ---- */

static int by_end(const void *a, const void *b)
{
    const struct report_order *x = *(const struct report_order *const *)a;
    const struct report_order *y = *(const struct report_order *const *)b;

    if (x->not_after != y->not_after)
        return x->not_after < y->not_after ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

static void month_of(const struct report_order *order, char out[MONTH_TEXT])
{
    char text[DCS_TIME_TEXT];

    dcs_time_text(order->not_after, text);
    snprintf(out, MONTH_TEXT, "%.7s", order->not_after ? text : "");
}

static void add_fold(struct report *r, const struct report_order *const *orders, size_t count,
                     const char *month)
{
    char caption[160];
    size_t problems = 0;

    for (size_t i = 0; i < count; i++)
        problems += orders[i]->level != REPORT_OK;
    if (*month)
        snprintf(caption, sizeof(caption), "Certificates that end in %s: %zu orders from %lld",
                 month, count, (long long)orders[0]->id);
    else
        snprintf(caption, sizeof(caption), "Without a certificate: %zu orders from %lld", count,
                 (long long)orders[0]->id);
    dcs_buf_addf(r->out, "<details>\n<summary>%s", caption);
    if (problems > 0)
        dcs_buf_addf(r->out,
                     ", <strong><span aria-hidden=\"true\">%s</span> %zu with a problem</strong>",
                     report_level_marks[REPORT_WARNING], problems);
    dcs_buf_adds(r->out, "</summary>\n");
    add_table(r, orders, count, caption);
    dcs_buf_adds(r->out, "</details>\n");
}

static void add_folds(struct report *r, const struct report_order **orders)
{
    qsort(orders, r->count, sizeof(*orders), by_end);
    for (size_t i = 0, next; i < r->count; i = next) {
        char month[MONTH_TEXT];
        char other[MONTH_TEXT];
        month_of(orders[i], month);
        for (next = i + 1; next < r->count && next - i < TABLE_MAX; next++) {
            month_of(orders[next], other);
            if (strcmp(month, other) != 0)
                break;
        }
        add_fold(r, orders + i, next - i, month);
    }
}

void report_add_tables(struct report *r)
{
    const struct report_order **orders = calloc(r->count + 1, sizeof(const struct report_order *));

    if (!orders) {
        r->out->failed = true;
        return;
    }
    for (size_t i = 0; i < r->count; i++)
        orders[i] = &r->orders[i];
    dcs_buf_adds(r->out, "<section aria-labelledby=\"h-orders\">\n"
                         "<h2 id=\"h-orders\">All orders</h2>\n");
    if (r->count == 0)
        dcs_buf_adds(r->out, "<p>There are none.</p>\n");
    else if (r->count <= UNFOLDED_MAX)
        add_table(r, orders, r->count, "All orders, problems first, then what ends next");
    else
        add_folds(r, orders);
    dcs_buf_adds(r->out, "</section>\n");
    free(orders);
}
