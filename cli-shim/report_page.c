// SPDX-License-Identifier: Apache-2.0
/*
 * report_page.c - the page: head, verdict, problems, service, then time line and tables. Every text that
 * is not ours goes through cli_add_html.
 */
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli-build.h"
#include "escape.h"
#include "report-style.h"

enum { PROBLEMS_SHOWN = 50, DAY_S = 86400, HOUR_S = 3600, MINUTE_S = 60 };

const char *const report_level_names[] = { "ok", "warning", "critical" };
const char *const report_level_marks[] = { "\xE2\x9C\x93", "\xE2\x96\xB2", "\xE2\x9C\x96" };

/* ---- times ---- */

void report_add_distance(struct report *r, int64_t when)
{
    static const struct {
        int64_t unit;
        const char *word;
    } units[] = { { DAY_S, "day" }, { HOUR_S, "hour" }, { MINUTE_S, "minute" } };
    int64_t left = when - r->now;
    int64_t far = left < 0 ? -left : left;

    for (size_t i = 0; i < DCS_COUNT(units); i++) {
        int64_t number = far / units[i].unit;
        if (number == 0)
            continue;
        dcs_buf_addf(r->out, "%s%lld %s%s%s", left < 0 ? "" : "in ", (long long)number,
                     units[i].word, number == 1 ? "" : "s", left < 0 ? " ago" : "");
        return;
    }
    dcs_buf_adds(r->out, "now");
}

void report_add_day(struct report *r, int64_t when)
{
    char text[DCS_TIME_TEXT];

    if (!when) {
        dcs_buf_adds(r->out, "unknown");
        return;
    }
    dcs_time_text(when, text);
    dcs_buf_addf(r->out, "<time datetime=\"%s\">%.10s</time> <span class=\"far\">", text, text);
    report_add_distance(r, when);
    dcs_buf_adds(r->out, "</span>");
}

static void add_moment(struct report *r, int64_t when)
{
    char text[DCS_TIME_TEXT];

    dcs_time_text(when, text);
    dcs_buf_addf(r->out, "<time datetime=\"%s\">%.10s %.5s UTC</time>", text, text, text + 11);
}

/* ---- head and verdict ---- */

static void add_head(struct report *r)
{
    dcs_buf_adds(r->out,
                 "<!DOCTYPE html>\n"
                 "<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\" xml:lang=\"en\">\n"
                 "<head>\n<meta charset=\"utf-8\"/>\n");
    dcs_buf_addf(r->out,
                 "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                 "style-src 'sha256-%s'; base-uri 'none'; form-action 'none'\"/>\n",
                 style_hash);
    dcs_buf_adds(r->out,
                 "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
                 "<meta name=\"color-scheme\" content=\"light dark\"/>\n"
                 "<meta name=\"referrer\" content=\"no-referrer\"/>\n"
                 "<meta name=\"robots\" content=\"noindex\"/>\n<title>");
    cli_add_html(r->out, dcs_json_text(r->root, "health.words"));
    dcs_buf_adds(r->out, " - digicert-store</title>\n<style>");
    for (size_t i = 0; i < DCS_COUNT(style); i++)
        dcs_buf_adds(r->out, style[i]);
    dcs_buf_adds(r->out, "</style>\n</head>\n");
}

static void add_verdict(struct report *r)
{
    const char *level = dcs_json_text(r->root, "health.level");
    size_t worst = REPORT_CRITICAL;

    for (size_t i = REPORT_OK; level && i <= REPORT_CRITICAL; i++)
        if (strcmp(level, report_level_names[i]) == 0)
            worst = i;
    dcs_buf_addf(r->out,
                 "<header>\n<h1>Certificates</h1>\n<p class=\"verdict %s\"><span class=\"mark\" "
                 "aria-hidden=\"true\">%s</span> <strong>%s</strong>: ",
                 report_level_names[worst], report_level_marks[worst], report_level_names[worst]);
    cli_add_html(r->out, dcs_json_text(r->root, "health.words"));
    dcs_buf_adds(r->out, "</p>\n<p class=\"far\">As of ");
    add_moment(r, r->now);
    dcs_buf_adds(r->out, ", <code>");
    cli_add_html(r->out, dcs_json_text(r->root, "state_dir"));
    dcs_buf_adds(r->out, "</code>. ");
    if (dcs_json_text(r->root, "why_reader")) {
        dcs_buf_adds(r->out, "Only what this user may read: ");
        cli_add_html(r->out, dcs_json_text(r->root, "why_reader"));
        dcs_buf_adds(r->out, ". ");
    }
    dcs_buf_adds(r->out, "All times are UTC.</p>\n</header>\n");
}

static void add_tiles(struct report *r)
{
    const struct dcs_json *states = dcs_json_path(r->root, "health.states");

    dcs_buf_adds(r->out, "<section aria-labelledby=\"h-summary\">\n"
                         "<h2 id=\"h-summary\">How many are how</h2>\n<dl class=\"tiles\">\n");
    for (const struct dcs_json *s = dcs_json_first(states); s; s = dcs_json_next(s)) {
        int64_t number = 0;
        const char *state = dcs_json_name(s);
        bool good = strcmp(state, "good") == 0;
        if (!dcs_json_i64(s, "", &number) || (number == 0 && !good))
            continue;
        dcs_buf_addf(r->out, "<div><dt>%s</dt><dd>%lld</dd></div>\n", state, (long long)number);
    }
    dcs_buf_adds(r->out, "</dl>\n</section>\n");
}

/* ---- problems ---- */

enum kind { TEXT, MOMENT, NUMBER };

struct detail {
    const char *path, *label;
    enum kind kind;
};

/* A plan that the words above give already is not said again. */
static bool is_said(const struct dcs_json *object, const char *text)
{
    const char *words = dcs_json_text(object, "health.words");

    return text && words && strcmp(text, words) == 0;
}

static void add_details(struct report *r, const struct dcs_json *object,
                        const struct detail *details, size_t count)
{
    dcs_buf_adds(r->out, "<dl>\n");
    for (size_t i = 0; i < count; i++) {
        const struct detail *d = &details[i];
        const char *text = dcs_json_text(object, d->path);
        int64_t number = 0;
        if (d->kind == NUMBER ? !dcs_json_i64(object, d->path, &number)
                              : !text || !*text || is_said(object, text))
            continue;
        dcs_buf_addf(r->out, "<div><dt>%s</dt><dd>", d->label);
        if (d->kind == NUMBER)
            dcs_buf_addf(r->out, "%lld", (long long)number);
        else if (d->kind == MOMENT && cli_time_of(object, d->path))
            add_moment(r, cli_time_of(object, d->path));
        else
            cli_add_html(r->out, text);
        dcs_buf_adds(r->out, "</dd></div>\n");
    }
    dcs_buf_adds(r->out, "</dl>\n");
}

static void add_problem(struct report *r, const struct report_order *order)
{
    static const struct detail details[] = {
        { "last_failure.hint", "What to do", TEXT },
        { "current.not_after", "Certificate ends", MOMENT },
        { "health.since", "Since", MOMENT },
        { "failures", "Failures in a row", NUMBER },
        { "next_try", "Next try", MOMENT },
        { "request.why", "Asked for because", TEXT },
        { "request.waits_for", "The CA", TEXT },
        { "request.dcv_token", "DCV token", TEXT },
        { "validation.words", "Validation", TEXT },
        { "delivery.words", "Delivery", TEXT },
        { "last_failure.service_code", "The CA's code", TEXT },
        { "plan.words", "Plan", TEXT },
    };

    dcs_buf_addf(r->out,
                 "<li class=\"%s\">\n<h3><span class=\"mark\" aria-hidden=\"true\">%s</span> "
                 "<span class=\"state\">%s: ",
                 report_level_names[order->level], report_level_marks[order->level],
                 report_level_names[order->level]);
    cli_add_html(r->out, order->state);
    dcs_buf_addf(r->out, "</span> order %lld ", (long long)order->id);
    cli_add_html(r->out, order->name);
    dcs_buf_adds(r->out, "</h3>\n<p>");
    cli_add_html(r->out, order->words);
    dcs_buf_adds(r->out, "</p>\n");
    add_details(r, order->json, details, DCS_COUNT(details));
    dcs_buf_adds(r->out, "</li>\n");
}

static void add_problems(struct report *r)
{
    size_t shown = r->problems < PROBLEMS_SHOWN ? r->problems : PROBLEMS_SHOWN;

    dcs_buf_adds(r->out, "<section aria-labelledby=\"h-problems\">\n"
                         "<h2 id=\"h-problems\">Problems</h2>\n");
    if (r->problems == 0)
        dcs_buf_adds(r->out, "<p>No order needs attention.</p>\n");
    else
        dcs_buf_adds(r->out, "<ol class=\"problems\">\n");
    for (size_t i = 0; i < shown; i++)
        add_problem(r, &r->orders[i]);
    if (r->problems > 0)
        dcs_buf_adds(r->out, "</ol>\n");
    if (r->problems > shown)
        dcs_buf_addf(r->out, "<p>And %zu more, which the tables below have.</p>\n",
                     r->problems - shown);
    dcs_buf_adds(r->out, "</section>\n");
}

/* ---- service ---- */

static void add_service(struct report *r)
{
    static const struct detail details[] = {
        { "service.api_url", "Address", TEXT },
        { "service.words", "State", TEXT },
        { "service.last_success", "Last answer", MOMENT },
        { "service.waiting", "Orders that wait for it", NUMBER },
        { "maintenance.now.title", "Maintenance now", TEXT },
        { "maintenance.now.end", "It ends", MOMENT },
        { "maintenance.next.title", "Next maintenance", TEXT },
        { "maintenance.next.start", "It begins", MOMENT },
        { "maintenance.next.end", "It ends", MOMENT },
        { "last_sync.ended", "Last sync", MOMENT },
        { "last_sync.text", "Why it did nothing", TEXT },
        { "last_sync.reissued", "New certificates by it", NUMBER },
        { "last_sync.failed", "Orders that failed in it", NUMBER },
        { "service.budget_left_5s", "Requests left in 5 seconds", NUMBER },
        { "service.budget_left_3min", "Requests left in 3 minutes", NUMBER },
    };

    dcs_buf_adds(r->out, "<section aria-labelledby=\"h-service\">\n"
                         "<h2 id=\"h-service\">Service and runs</h2>\n");
    if (!dcs_json_get(r->root, "service"))
        dcs_buf_adds(r->out, "<p>Who may not read the API key cannot tell of the service.</p>\n");
    add_details(r, r->root, details, DCS_COUNT(details));
    dcs_buf_adds(r->out, "</section>\n");
}

/* ---- the whole ---- */

static const char *text_or(const char *text, const char *otherwise)
{
    return text ? text : otherwise;
}

static void take(const struct dcs_json *json, struct report_order *order)
{
    const char *level = text_or(dcs_json_text(json, "health.level"), "");

    *order = (struct report_order){ .json = json, .level = REPORT_CRITICAL };
    (void)dcs_json_i64(json, "order_id", &order->id);
    order->not_before = cli_time_of(json, "current.not_before");
    order->not_after = cli_time_of(json, "current.not_after");
    order->due = cli_time_of(json, "current.due");
    order->urgent = cli_time_of(json, "current.urgent");
    order->order_end = cli_time_of(json, "plan.order_end");
    order->name = text_or(dcs_json_text(json, "current.common_name"),
                          text_or(dcs_json_text(json, "order.certificate.common_name"), ""));
    order->state = text_or(dcs_json_text(json, "health.state"), "unknown");
    order->words = text_or(dcs_json_text(json, "health.words"), "");
    for (enum report_level l = REPORT_OK; l <= REPORT_CRITICAL; l++)
        if (strcmp(level, report_level_names[l]) == 0)
            order->level = l;
}

static int compare(const void *a, const void *b)
{
    const struct report_order *x = a;
    const struct report_order *y = b;

    if (x->level != y->level)
        return x->level > y->level ? -1 : 1;
    if (x->not_after != y->not_after)
        return x->not_after < y->not_after ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

static bool collect(struct report *r, struct dcs_err *err)
{
    const struct dcs_json *orders = dcs_json_get(r->root, "orders");

    r->orders = dcs_alloc(dcs_json_count(orders) + 1, sizeof(*r->orders), err);
    if (!r->orders)
        return false;
    for (const struct dcs_json *o = dcs_json_first(orders); o; o = dcs_json_next(o)) {
        take(o, &r->orders[r->count]);
        r->problems += r->orders[r->count++].level != REPORT_OK;
    }
    qsort(r->orders, r->count, sizeof(*r->orders), compare);
    return true;
}

bool cli_report(const struct dcs_json *root, struct dcs_buf *out, struct dcs_err *err)
{
    struct report report = { .root = root, .now = cli_time_of(root, "now"), .out = out };

    if (!collect(&report, err))
        return false;
    add_head(&report);
    dcs_buf_adds(out, "<body>\n");
    add_verdict(&report);
    dcs_buf_adds(out, "<main>\n");
    add_tiles(&report);
    add_problems(&report);
    add_service(&report);
    report_add_timeline(&report);
    report_add_tables(&report);
    dcs_buf_adds(out, "</main>\n<footer>\n<p class=\"far\">Made by digicert-store " CLI_VERSION
                      ". <code>digicert-store show order/ID</code> tells more of an order.</p>\n"
                      "</footer>\n</body>\n</html>\n");
    free(report.orders);
    return dcs_buf_ok(out, "the page", err);
}
