// SPDX-License-Identifier: Apache-2.0
/*
 * policy_windows.c - what announced maintenance does to a plan: what is merely due waits until after
 * a window, what would become urgent inside one is asked for before it. Looks at no clock.
 *
 * Nothing that is urgent waits: announced windows are often shorter than announced or are called off.
 */
#include "flow/policy_parts.h"

enum { DAY_S = 86400, SPREAD_LEAST_S = 600 };

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Of the same for every host and order, but not the spread of `due`, which put them all here. */
static uint64_t mix(uint64_t hash)
{
    hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccdULL;
    return hash ^ hash >> 33;
}

/* Over how long hosts are spread before and after a window: a day, less when certificates are short. */
static int64_t spread_s(const struct dcs_plan_facts *facts)
{
    int64_t part = least(DAY_S, dcs_plan_life_s(&facts->certificate) / 30);

    return part > SPREAD_LEAST_S ? part : SPREAD_LEAST_S;
}

static int64_t within(const struct dcs_plan_facts *facts, int64_t seconds)
{
    return seconds > 1 ? (int64_t)(mix(facts->hash) % (uint64_t)seconds) : 0;
}

/* When an order that waits for the end of a window is asked for. */
static int64_t after(const struct dcs_plan_facts *facts, size_t i)
{
    const struct dcs_spans *w = facts->windows;
    int64_t room = spread_s(facts);

    if (i + 1 < w->count)
        room = least(room, (w->list[i + 1].start - w->list[i].end) / 4 * 3);
    return w->list[i].end + within(facts, room);
}

/* When one that would become urgent in it is asked for: with time left for an answer. */
static int64_t before(const struct dcs_plan_facts *facts, size_t i)
{
    const struct dcs_spans *w = facts->windows;
    int64_t room = spread_s(facts);

    if (i > 0)
        room = least(room, w->list[i].start - w->list[i - 1].end);
    return w->list[i].start - room / 4 - within(facts, room / 4 * 3);
}

static bool becomes_urgent_in(const struct dcs_plan_dates *dates, const struct dcs_span *window)
{
    return window->start <= dates->urgent && dates->urgent < window->end;
}

/* At that moment: what is due since `due` waits until the returned one; 0 it does not wait. */
static int64_t held_until(const struct dcs_plan_facts *facts, const struct dcs_plan_dates *dates,
                          int64_t now, struct dcs_span *ret_window)
{
    const struct dcs_spans *w = facts->windows;

    for (size_t i = 0; now < dates->urgent && i < w->count && w->list[i].start <= now; i++) {
        int64_t till = least(after(facts, i), dates->urgent);
        /* What becomes due after the end has a spread of its own. */
        if (now >= till || (now >= w->list[i].end && dates->due >= w->list[i].end))
            continue;
        *ret_window = w->list[i];
        return till;
    }
    return 0;
}

/* Also inside the window, when nobody came to it before: a cause does not go away again. */
static bool is_hurried(const struct dcs_plan_facts *facts, const struct dcs_plan_dates *dates,
                       int64_t now, struct dcs_span *ret_window)
{
    const struct dcs_spans *w = facts->windows;

    for (size_t i = 0; now < dates->urgent && i < w->count; i++) {
        if (!becomes_urgent_in(dates, &w->list[i]) || now < before(facts, i))
            continue;
        *ret_window = w->list[i];
        return true;
    }
    return false;
}

/* When what is due later will be asked for, if a window moves that; 0 none does. */
static int64_t moved_to(const struct dcs_plan_facts *facts, const struct dcs_plan_dates *dates,
                        struct dcs_span *ret_window)
{
    const struct dcs_spans *w = facts->windows;

    for (size_t i = 0; i < w->count; i++) {
        if (!becomes_urgent_in(dates, &w->list[i]) || before(facts, i) >= dates->due)
            continue;
        *ret_window = w->list[i];
        return before(facts, i);
    }
    return held_until(facts, dates, dates->due, ret_window);
}

void dcs_plan_look_at_windows(const struct dcs_plan_facts *facts,
                              const struct dcs_plan_dates *dates, int64_t now,
                              struct dcs_plan_windows *ret_look)
{
    *ret_look = (struct dcs_plan_windows){ 0 };
    if (!facts->windows || facts->windows->count == 0)
        return;
    const struct dcs_span *here = dcs_span_at(facts->windows, now);
    ret_look->is_inside = here != NULL;
    if (here)
        ret_look->window = *here;
    if (!facts->certificate.exists)
        return;
    ret_look->held_until = held_until(facts, dates, now, &ret_look->window);
    ret_look->is_hurried = is_hurried(facts, dates, now, &ret_look->window);
    if (now < dates->due && !ret_look->is_hurried)
        ret_look->moved_to = moved_to(facts, dates, &ret_look->window);
}

size_t dcs_plan_window_moments(const struct dcs_plan_facts *facts,
                               const struct dcs_plan_dates *dates,
                               int64_t ret_moments[DCS_PLAN_WINDOW_MOMENTS])
{
    const struct dcs_spans *w = facts->windows;
    size_t count = 0;

    for (size_t i = 0; facts->certificate.exists && w && i < w->count; i++) {
        if (after(facts, i) <= dates->due || w->list[i].start > dates->urgent)
            continue; /* it changes nothing for this certificate */
        ret_moments[count++] = before(facts, i);
        ret_moments[count++] = w->list[i].start;
        ret_moments[count++] = w->list[i].end;
        ret_moments[count++] = after(facts, i);
    }
    return count;
}
