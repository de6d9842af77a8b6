// SPDX-License-Identifier: Apache-2.0
/* policy_dates.c - when a certificate is due, the end of its order in view; looks at no clock. */
#include "flow/policy_parts.h"

enum { DAY_S = 86400 };

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t dcs_plan_life_s(const struct dcs_plan_certificate *certificate)
{
    return most(certificate->not_after - certificate->not_before + 1, 1);
}

struct dcs_term dcs_plan_term(const struct dcs_plan_facts *facts)
{
    return (struct dcs_term){
        .limits = facts->settings.limits,
        .product = facts->order.known ? facts->order.product : DCS_PRODUCT_UNKNOWN,
        .order_end = facts->order.known ? facts->order.order_end : -1,
        .usual_s = facts->certificate.exists ? dcs_plan_life_s(&facts->certificate) : 0,
    };
}

const struct dcs_limit_row *dcs_term_rows(const struct dcs_term *term)
{
    int table = dcs_policy_product(term->product)->life;

    return table == DCS_LIMIT_NONE ? NULL : term->limits->tables[table];
}

/* ---- dates ---- */

/* The first second after `when` at which another maximum holds; -1 none. */
static int64_t next_step(const struct dcs_term *term, int64_t when)
{
    const struct dcs_limit_row *rows = dcs_term_rows(term);
    int64_t longest = dcs_term_longest_s(term, when);

    for (size_t i = 0; rows && i < DCS_LIMIT_ROWS && rows[i].industry_days; i++)
        if (rows[i].from > when && (int64_t)rows[i].ca_days * DAY_S != longest)
            return rows[i].from;
    return -1;
}

/* order_end - Lmax, -1 when that maximum does not hold on that day (a step of the table). */
static int64_t reaching_point(const struct dcs_term *term, int64_t longest)
{
    int64_t point = term->order_end + 1 - longest;

    return longest > 0 && dcs_term_longest_s(term, point) == longest ? point : -1;
}

/* The first P with due < P <= latest, -1 none: from P on a new certificate reaches the order's end,
 * before it one more would be needed. */
static int64_t find_plan_point(const struct dcs_term *term, int64_t due, int64_t latest)
{
    const struct dcs_limit_row *rows = dcs_term_rows(term);
    int64_t found = -1;

    if (term->order_end < 0 || dcs_term_end(term, due) >= term->order_end)
        return -1;
    if (!rows)
        found = reaching_point(term, term->usual_s);
    if (!rows && (found <= due || found > latest))
        return -1;
    for (size_t i = 0; rows && i < DCS_LIMIT_ROWS && rows[i].industry_days; i++) {
        int64_t point = reaching_point(term, (int64_t)rows[i].ca_days * DAY_S);
        if (point > due && point <= latest && (found < 0 || point < found))
            found = point;
    }
    return found;
}

static void plan_due(const struct dcs_plan_facts *facts, struct dcs_plan_dates *dates)
{
    const struct dcs_plan_certificate *c = &facts->certificate;
    const struct dcs_term term = dcs_plan_term(facts);
    int64_t l = dcs_plan_life_s(c);
    int64_t rest = most(l / 10, least(7 * DAY_S, l / 4)); /* R */
    int64_t latest;

    if (facts->settings.human_approval)
        rest += 7 * DAY_S;
    latest = c->not_after - rest;
    int64_t point = find_plan_point(&term, dates->due, latest);
    if (point < 0)
        return;
    int64_t range = least(l / 30, latest - point);
    int64_t step = next_step(&term, point);
    if (step >= 0) /* spreading over a step would shorten what P is there for */
        range = least(range, step - point);
    dates->plan_point = point;
    dates->due = point + (range > 0 ? (int64_t)(facts->hash % (uint64_t)range) : 0);
}

void dcs_plan_dates(const struct dcs_plan_facts *facts, struct dcs_plan_dates *ret_dates)
{
    const struct dcs_plan_certificate *c = &facts->certificate;
    struct dcs_plan_dates *d = ret_dates;
    struct dcs_life life = { .not_before = c->not_before,
                             .not_after = c->not_after,
                             .human_approval = facts->settings.human_approval };
    struct dcs_life_times times;

    *d = (struct dcs_plan_dates){ -1, -1, -1, -1, -1, -1, -1, -1 };
    if (facts->order.known && facts->order.order_end >= 0) {
        d->order_end = facts->order.order_end;
        d->renew_from = d->order_end + 1 - (int64_t)DCS_RENEW_WINDOW_DAYS * DAY_S;
    }
    if (!c->exists)
        return;
    life.spread_s = dcs_policy_spread(&life, facts->hash);
    dcs_policy_times(&life, &times);
    d->due = times.due;
    d->warn = times.warn;
    d->urgent = times.urgent;
    d->critical = times.critical;
    d->expires = c->not_after + 1;
    plan_due(facts, d);
}
