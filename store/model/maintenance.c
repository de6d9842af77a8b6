// SPDX-License-Identifier: Apache-2.0
/* maintenance.c - lists of announced windows: kept small, sorted, merged, written and read back. */
#include "model/maintenance.h"

#include <stdlib.h>
#include <string.h>

enum { YEAR_2000 = 946684800, GROW_BY = 32 };
/* While reading more than is kept: which are the earliest shows only at the end. */
enum { WINDOWS_READ_MAX = 16 * DCS_WINDOWS_MAX };
/* The year 9999: what a date can be written for. */
static const int64_t LATEST = 253402300799;

/* ---- windows ---- */

void dcs_windows_clear(struct dcs_windows *windows)
{
    free(windows->items);
    *windows = (struct dcs_windows){ 0 };
}

void dcs_windows_drop(struct dcs_windows *windows)
{
    dcs_windows_clear(windows);
}

static bool grow(struct dcs_windows *windows, struct dcs_err *err)
{
    size_t capacity = windows->capacity + GROW_BY + windows->capacity / 2;
    struct dcs_window *more = dcs_alloc(capacity, sizeof(*more), err);

    if (!more)
        return false;
    if (windows->count > 0)
        memcpy(more, windows->items, windows->count * sizeof(*more));
    free(windows->items);
    windows->items = more;
    windows->capacity = capacity;
    return true;
}

bool dcs_windows_add(struct dcs_windows *windows, const struct dcs_window *window,
                     struct dcs_err *err)
{
    if (window->end <= window->start || window->start < YEAR_2000 || window->end > LATEST)
        return true;
    if (windows->count == WINDOWS_READ_MAX) {
        windows->is_cut = true;
        return true;
    }
    if (windows->count == windows->capacity && !grow(windows, err))
        return false;
    struct dcs_window *to = &windows->items[windows->count++];
    to->start = window->start;
    to->end = window->end;
    dcs_clean_text(window->title, to->title, sizeof(to->title));
    dcs_clean_text(window->status, to->status, sizeof(to->status));
    dcs_clean_text(window->impact, to->impact, sizeof(to->impact));
    return true;
}

static int by_time(const void *a, const void *b)
{
    const struct dcs_window *x = a;
    const struct dcs_window *y = b;

    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

void dcs_windows_sort(struct dcs_windows *windows)
{
    if (windows->count == 0)
        return;
    qsort(windows->items, windows->count, sizeof(*windows->items), by_time);
    if (windows->count > DCS_WINDOWS_MAX) {
        windows->count = DCS_WINDOWS_MAX;
        windows->is_cut = true;
    }
}

/* ---- spans ---- */

const struct dcs_span *dcs_span_at(const struct dcs_spans *spans, int64_t now)
{
    for (size_t i = 0; spans && i < spans->count; i++)
        if (spans->list[i].start <= now && now < spans->list[i].end)
            return &spans->list[i];
    return NULL;
}

static int span_by_start(const void *a, const void *b)
{
    const struct dcs_span *x = a;
    const struct dcs_span *y = b;

    return (x->start > y->start) - (x->start < y->start);
}

static size_t collect(const struct dcs_maintenance *maintenance, int64_t from, struct dcs_span *all)
{
    size_t count = 0;

    for (size_t s = 0; s < maintenance->count; s++) {
        const struct dcs_windows *windows = &maintenance->sources[s].windows;
        for (size_t i = 0; i < windows->count && i < DCS_WINDOWS_MAX; i++)
            if (windows->items[i].end > from &&
                windows->items[i].end - windows->items[i].start <= DCS_SPAN_LONGEST_S)
                all[count++] = (struct dcs_span){ windows->items[i].start, windows->items[i].end };
    }
    qsort(all, count, sizeof(*all), span_by_start);
    return count;
}

void dcs_maintenance_spans(const struct dcs_maintenance *maintenance, int64_t from,
                           struct dcs_spans *ret_spans)
{
    struct dcs_span all[DCS_MAINTENANCE_SOURCES * DCS_WINDOWS_MAX];
    size_t count = collect(maintenance, from, all);
    struct dcs_span open = { 0 };

    ret_spans->count = 0;
    for (size_t i = 0; i <= count; i++) {
        bool joins = i < count && open.end > 0 && all[i].start < open.end + DCS_SPAN_GAP_S;
        if (joins) {
            open.end = all[i].end > open.end ? all[i].end : open.end;
            continue;
        }
        /* Windows without end are no reason to put everything off. */
        if (open.end > 0 && open.end - open.start <= DCS_SPAN_LONGEST_S &&
            ret_spans->count < DCS_SPANS_MAX)
            ret_spans->list[ret_spans->count++] = open;
        if (i < count)
            open = all[i];
    }
}

/* ---- the record ---- */

void dcs_maintenance_clear(struct dcs_maintenance *maintenance)
{
    for (size_t i = 0; i < maintenance->count; i++)
        dcs_windows_clear(&maintenance->sources[i].windows);
    maintenance->count = 0;
}

void dcs_maintenance_drop(struct dcs_maintenance *maintenance)
{
    dcs_maintenance_clear(maintenance);
}

struct dcs_maintenance_source *dcs_maintenance_find(struct dcs_maintenance *maintenance,
                                                    const char *id)
{
    for (size_t i = 0; i < maintenance->count; i++)
        if (strcmp(maintenance->sources[i].id, id) == 0)
            return &maintenance->sources[i];
    return NULL;
}

static void text_of(const struct dcs_json *object, const char *name, char *out, size_t size)
{
    const char *text = dcs_json_text(object, name);

    dcs_clean_text(text ? text : "", out, size);
}

static void time_of(const struct dcs_json *object, const char *name, int64_t *ret_when)
{
    if (!dcs_json_i64(object, name, ret_when) || *ret_when < 0 || *ret_when > LATEST)
        *ret_when = 0;
}

static void read_windows(const struct dcs_json *list, struct dcs_windows *windows)
{
    const struct dcs_json *entry = dcs_json_is_array(list) ? dcs_json_first(list) : NULL;

    for (; entry; entry = dcs_json_next(entry)) {
        struct dcs_window window = { 0 };
        time_of(entry, "start", &window.start);
        time_of(entry, "end", &window.end);
        text_of(entry, "title", window.title, sizeof(window.title));
        text_of(entry, "status", window.status, sizeof(window.status));
        text_of(entry, "impact", window.impact, sizeof(window.impact));
        if (!dcs_windows_add(windows, &window, NULL))
            break;
    }
    dcs_windows_sort(windows);
}

static void read_source(const struct dcs_json *object, struct dcs_maintenance_source *s)
{
    *s = (struct dcs_maintenance_source){ 0 };
    text_of(object, "kind", s->kind, sizeof(s->kind));
    text_of(object, "id", s->id, sizeof(s->id));
    text_of(object, "place", s->place, sizeof(s->place));
    text_of(object, "problem", s->problem, sizeof(s->problem));
    text_of(object, "note", s->note, sizeof(s->note));
    time_of(object, "fetched_at", &s->fetched_at);
    time_of(object, "tried_at", &s->tried_at);
    time_of(object, "next_at", &s->next_at);
    read_windows(dcs_json_get(object, "windows"), &s->windows);
    s->windows.is_cut |= dcs_json_tri(object, "is_cut") == DCS_YES;
}

void dcs_maintenance_from_json(const struct dcs_json *root, struct dcs_maintenance *ret_maintenance)
{
    const struct dcs_json *list = dcs_json_get(root, "sources");
    const struct dcs_json *entry = dcs_json_is_array(list) ? dcs_json_first(list) : NULL;
    struct dcs_maintenance *m = ret_maintenance;

    *m = (struct dcs_maintenance){ 0 };
    for (; entry && m->count < DCS_MAINTENANCE_SOURCES; entry = dcs_json_next(entry))
        if (dcs_json_is_object(entry))
            read_source(entry, &m->sources[m->count++]);
}

static void write_window(struct dcs_json *list, const struct dcs_window *window)
{
    struct dcs_json *object = dcs_json_add_object(list, NULL);

    dcs_json_add_i64(object, "start", window->start);
    dcs_json_add_i64(object, "end", window->end);
    dcs_json_add_text(object, "title", window->title);
    if (window->status[0])
        dcs_json_add_text(object, "status", window->status);
    if (window->impact[0])
        dcs_json_add_text(object, "impact", window->impact);
}

static void write_source(struct dcs_json *list, const struct dcs_maintenance_source *s)
{
    struct dcs_json *object = dcs_json_add_object(list, NULL);

    dcs_json_add_text(object, "kind", s->kind);
    dcs_json_add_text(object, "id", s->id);
    dcs_json_add_text(object, "place", s->place);
    dcs_json_add_i64(object, "fetched_at", s->fetched_at);
    dcs_json_add_i64(object, "tried_at", s->tried_at);
    dcs_json_add_i64(object, "next_at", s->next_at);
    dcs_json_add_text(object, "problem", s->problem);
    dcs_json_add_text(object, "note", s->note);
    dcs_json_add_bool(object, "is_cut", s->windows.is_cut);
    struct dcs_json *windows = dcs_json_add_array(object, "windows");
    for (size_t i = 0; i < s->windows.count; i++)
        write_window(windows, &s->windows.items[i]);
}

bool dcs_maintenance_to_json(const struct dcs_maintenance *maintenance, struct dcs_json **ret_root,
                             struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *root = dcs_json_new_object();
    struct dcs_json *list = dcs_json_add_array(root, "sources");

    if (!list)
        return dcs_fail(err, DCS_E_NOMEM, "out of memory");
    for (size_t i = 0; i < maintenance->count; i++)
        write_source(list, &maintenance->sources[i]);
    *ret_root = dcs_steal(&root);
    return true;
}
