// SPDX-License-Identifier: Apache-2.0
/*
 * maintenance.c - reads announcements of maintenance into the record. Sends no API key anywhere, and
 * takes no window away because a source cannot be read.
 */
#include "flow/maintenance.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/trace.h"
#include "dcs-build.h"
#include "io/http.h"
#include "io/x509.h"

enum {
    SOURCE_BYTES = 1 << 20,
    RECORD_BYTES = 2 << 20,
    ASK_MS = 10000,
    AGAIN_PARTS = 6,    /* what failed is tried again after a sixth of the time */
    LOCAL_AGE_S = 3600, /* how old the record of what lies on this host may look */
    ADDRESS_BYTES = 1024,
};

static const char RECORD[] = "maintenance.json";

/* ---- one source ---- */

static bool is_url(const char *address)
{
    return strncasecmp(address, "https://", 8) == 0;
}

struct source {
    const struct dcs_maintenance_run *run;
    const char *address; /* a path, a URL, or the text of `maintenance` */
    struct dcs_maintenance_source *to;
    int64_t now;
    bool failed; /* err is why */
    struct dcs_err err;
};

/* A new place in the list, with what was known of that source before. */
static struct dcs_maintenance_source *begin_source(const struct dcs_maintenance_run *run,
                                                   const char *kind, const char *address,
                                                   struct dcs_maintenance *old,
                                                   struct dcs_maintenance *all)
{
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = 1 << 20 };
    uint8_t hash[DCS_SHA256_LEN] = { 0 };
    struct dcs_maintenance_source fresh = { 0 };

    if (all->count == DCS_MAINTENANCE_SOURCES)
        return NULL;
    dcs_buf_addf(&text, "%s\n%s\n%s", kind, address,
                 strcmp(kind, "status_page") == 0 ? run->settings->maintenance_components : "");
    if (text.failed || !dcs_sha256(dcs_buf_text(&text), text.len, hash, NULL))
        return NULL;
    snprintf(fresh.kind, sizeof(fresh.kind), "%s", kind);
    dcs_hex(hash, 8, fresh.id);
    struct dcs_maintenance_source *to = &all->sources[all->count++];
    struct dcs_maintenance_source *known = dcs_maintenance_find(old, fresh.id);
    *to = known ? *known : fresh;
    if (known)
        known->windows = (struct dcs_windows){ 0 };
    return to;
}

struct taking {
    struct dcs_windows *windows;
    struct dcs_err *err;
    bool failed;
};

static bool take_event(void *context, const struct dcs_calendar_event *event)
{
    struct taking *taking = context;
    struct dcs_window window = { .start = event->start, .end = event->end };

    snprintf(window.title, sizeof(window.title), "%.*s", (int)sizeof(window.title) - 1,
             event->summary);
    taking->failed = !dcs_windows_add(taking->windows, &window, taking->err);
    return !taking->failed && !taking->windows->is_cut;
}

static bool read_calendar(struct source *s, const struct dcs_buf *text, struct dcs_windows *windows,
                          struct dcs_err *err)
{
    const struct dcs_calendar_input input = { .text = dcs_buf_text(text),
                                              .len = text->len,
                                              .from = s->now - DCS_WINDOWS_BACK_S,
                                              .until = s->now + DCS_WINDOWS_AHEAD_S,
                                              .env = s->run->env };
    struct taking taking = { windows, err, false };
    struct dcs_calendar_report report;

    if (!s->run->calendar)
        return dcs_fail(err, DCS_E_CONFIG, "this program reads no calendars");
    if (!s->run->calendar(&input, take_event, &taking, &report, err) || taking.failed)
        return false;
    s->to->note[0] = '\0';
    if (report.left_out > 0)
        snprintf(s->to->note, sizeof(s->to->note), "%zu of %zu events left out: %.90s",
                 report.left_out, report.events, report.why);
    return true;
}

/* What is over is no longer announced, but plans still spread what waited for its end. */
static void keep_recent(struct source *s, struct dcs_windows *windows)
{
    const struct dcs_windows *old = &s->to->windows;

    for (size_t i = 0; i < old->count; i++)
        if (old->items[i].end <= s->now && old->items[i].end > s->now - DCS_WINDOWS_BACK_S)
            (void)!dcs_windows_add(windows, &old->items[i], NULL);
}

static void finish_source(struct source *s, struct dcs_windows *windows)
{
    int64_t wait = s->run->settings->maintenance_refresh_ms / 1000;

    s->to->tried_at = s->now;
    if (s->failed) {
        dcs_windows_clear(windows);
        dcs_clean_text(s->err.text, s->to->problem, sizeof(s->to->problem));
        dcs_trace(s->run->env, "maintenance, %s: %s", s->to->place, s->err.text);
        wait = wait / AGAIN_PARTS;
    } else {
        dcs_windows_sort(windows);
        dcs_windows_clear(&s->to->windows);
        s->to->windows = *windows;
        s->to->problem[0] = '\0';
        s->to->fetched_at = s->now;
    }
    /* Hosts that were started together do not ask together for ever. */
    s->to->next_at =
        is_url(s->address) ? s->now + wait + dcs_env_jitter(s->run->env, 0, wait / 4) : 0;
}

/* ---- the configuration's own windows ---- */

static void add_configured(const struct dcs_maintenance_run *run, struct dcs_maintenance *old,
                           struct dcs_maintenance *all)
{
    const char *value = run->settings->maintenance;
    struct source s = { .run = run, .address = value, .now = dcs_env_now(run->env) };
    dcs_auto(dcs_buf) struct dcs_buf calendar = { 0 };
    struct dcs_windows windows = { 0 };

    if (!*value || !(s.to = begin_source(run, "configuration", value, old, all)))
        return;
    snprintf(s.to->place, sizeof(s.to->place), "maintenance");
    s.failed = !dcs_maintenance_calendar(value, &calendar, &s.err) ||
               !read_calendar(&s, &calendar, &windows, &s.err);
    finish_source(&s, &windows);
    if (s.to->note
            [0]) /* its events are numbered, not written by somebody else: that is a mistake */
        snprintf(s.to->problem, sizeof(s.to->problem), "%s", s.to->note);
}

/* ---- files and URLs ---- */

static bool ask(const struct dcs_maintenance_run *run, const char *url, const char *accept,
                struct dcs_buf *ret_text, struct dcs_err *err)
{
    const struct dcs_http_options options = { .env = run->env,
                                              .ca_file = run->settings->maintenance_ca_file,
                                              .ca_key = "maintenance_ca_file",
                                              .proxy = run->settings->proxy,
                                              .user_agent = "digicert-store/" DCS_VERSION };
    const char *const headers[] = { accept, NULL };
    const struct dcs_http_request request = { .method = "GET",
                                              .url = url,
                                              .headers = headers,
                                              .max_bytes = SOURCE_BYTES,
                                              .timeout_ms = ASK_MS };
    dcs_auto(dcs_http) struct dcs_http *http = NULL;
    struct dcs_http_answer answer = { 0 };

    if (!dcs_http_new(&options, &http, err) || !dcs_http_send(http, &request, &answer, err))
        return false;
    *ret_text = answer.body;
    if (answer.status == 200)
        return true;
    return dcs_fail(err, DCS_E_AWAY, "HTTP %d%s", answer.status,
                    answer.status / 100 == 3 ? ": redirects are not followed, configure the "
                                               "address that it leads to"
                                             : "");
}

/* A clock that was put back makes a record of the future: not waited for. */
static bool is_time(const struct source *s)
{
    return s->run->asks_now || !is_url(s->address) || s->now >= s->to->next_at ||
           s->to->tried_at > s->now;
}

static void name_place(const char *address, char *out, size_t size)
{
    char host[128];

    if (!is_url(address))
        dcs_clean_text(address, out, size);
    else if (dcs_http_host(address, host, sizeof(host))) /* the rest may be a secret */
        snprintf(out, size, "https://%s", host);
    else
        snprintf(out, size, "a URL");
}

static bool read_one_calendar(struct source *s, struct dcs_windows *windows, struct dcs_err *err)
{
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = SOURCE_BYTES + 1 };

    return (is_url(s->address)
                ? ask(s->run, s->address, "Accept: text/calendar, */*;q=0.1", &text, err)
                : dcs_fs_read_user_file(s->address, SOURCE_BYTES, &text, NULL, err)) &&
           read_calendar(s, &text, windows, err);
}

static void add_calendar(const struct dcs_maintenance_run *run, const char *address,
                         struct dcs_maintenance *old, struct dcs_maintenance *all)
{
    struct source s = { .run = run, .address = address, .now = dcs_env_now(run->env) };
    struct dcs_windows windows = { 0 };

    if (!(s.to = begin_source(run, "calendar", address, old, all)) || !is_time(&s))
        return;
    name_place(address, s.to->place, sizeof(s.to->place));
    s.failed = !read_one_calendar(&s, &windows, &s.err);
    finish_source(&s, &windows);
}

static bool read_page(struct source *s, struct dcs_windows *windows, struct dcs_err *err)
{
    static const char *const lists[] = { "upcoming", "active" };
    size_t len = strlen(s->address);

    while (len > 0 && s->address[len - 1] == '/')
        len--;
    for (size_t i = 0; i < DCS_COUNT(lists); i++) {
        dcs_auto(dcs_buf) struct dcs_buf text = { 0 };
        char url[ADDRESS_BYTES + 64];
        snprintf(url, sizeof(url), "%.*s/api/v2/scheduled-maintenances/%s.json", (int)len,
                 s->address, lists[i]);
        if (!ask(s->run, url, "Accept: application/json", &text, err) ||
            !dcs_status_page_read(dcs_buf_text(&text), text.len,
                                  s->run->settings->maintenance_components, s->now, windows, err))
            return false;
    }
    keep_recent(s, windows);
    return true;
}

static void add_page(const struct dcs_maintenance_run *run, struct dcs_maintenance *old,
                     struct dcs_maintenance *all)
{
    const char *address = run->settings->maintenance_status_page;
    struct source s = { .run = run, .address = address, .now = dcs_env_now(run->env) };
    struct dcs_windows windows = { 0 };

    if (!*address || !(s.to = begin_source(run, "status_page", address, old, all)) || !is_time(&s))
        return;
    name_place(address, s.to->place, sizeof(s.to->place));
    s.failed = !read_page(&s, &windows, &s.err);
    finish_source(&s, &windows);
}

/* ---- all of them ---- */

void dcs_maintenance_read(int state_fd, struct dcs_maintenance *ret_maintenance)
{
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = RECORD_BYTES + 1 };
    dcs_auto(dcs_json) struct dcs_json *root = NULL;

    *ret_maintenance = (struct dcs_maintenance){ 0 };
    if (state_fd >= 0 && dcs_fs_read(state_fd, RECORD, RECORD_BYTES, &text, NULL, NULL) &&
        dcs_json_parse(dcs_buf_text(&text), text.len, &root, NULL))
        dcs_maintenance_from_json(root, ret_maintenance);
}

void dcs_maintenance_now(const struct dcs_maintenance_run *run,
                         struct dcs_maintenance *ret_maintenance)
{
    dcs_auto(dcs_maintenance) struct dcs_maintenance old = { 0 };
    struct dcs_maintenance *all = ret_maintenance;

    *all = (struct dcs_maintenance){ 0 };
    dcs_maintenance_read(run->state_fd, &old);
    add_configured(run, &old, all);
    for (size_t i = 0; i < old.count && all->count < DCS_MAINTENANCE_SOURCES; i++) {
        if (strcmp(old.sources[i].kind, "configuration") == 0)
            continue;
        all->sources[all->count++] = old.sources[i];
        old.sources[i].windows = (struct dcs_windows){ 0 };
    }
}

static bool same_windows(const struct dcs_windows *a, const struct dcs_windows *b)
{
    return a->count == b->count &&
           (a->count == 0 || memcmp(a->items, b->items, a->count * sizeof(*a->items)) == 0);
}

/* Whether the record need not be written: what lies on this host is read at each run. */
static bool is_as_before(const struct dcs_maintenance *old, const struct dcs_maintenance *all)
{
    if (old->count != all->count)
        return false;
    for (size_t i = 0; i < all->count; i++) {
        const struct dcs_maintenance_source *a = &old->sources[i];
        const struct dcs_maintenance_source *b = &all->sources[i];
        bool is_remote = strncmp(b->place, "https://", 8) == 0;
        if (strcmp(a->id, b->id) != 0 || strcmp(a->problem, b->problem) != 0 ||
            strcmp(a->note, b->note) != 0 || !same_windows(&a->windows, &b->windows) ||
            b->tried_at < a->tried_at || b->tried_at - a->tried_at >= (is_remote ? 1 : LOCAL_AGE_S))
            return false;
    }
    return true;
}

static bool write_record(const struct dcs_maintenance_run *run, const struct dcs_maintenance *all,
                         struct dcs_err *err)
{
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = RECORD_BYTES };
    dcs_auto(dcs_json) struct dcs_json *root = NULL;

    if (all->count == 0)
        return dcs_fs_remove(run->state_fd, RECORD, err);
    return dcs_maintenance_to_json(all, &root, err) && dcs_json_print(root, false, &text, err) &&
           dcs_fs_write(run->state_fd, RECORD, dcs_buf_text(&text), text.len, 0644, run->owner,
                        err);
}

static void add_calendars(const struct dcs_maintenance_run *run, struct dcs_maintenance *old,
                          struct dcs_maintenance *all)
{
    const char *at = run->settings->maintenance_calendar;

    for (at += strspn(at, " \t"); *at; at += strspn(at, " \t")) {
        char address[ADDRESS_BYTES];
        size_t len = strcspn(at, " \t");
        if (len < sizeof(address)) {
            snprintf(address, sizeof(address), "%.*s", (int)len, at);
            add_calendar(run, address, old, all);
        }
        at += len;
    }
}

bool dcs_maintenance_refresh(const struct dcs_maintenance_run *run,
                             struct dcs_maintenance *ret_maintenance, struct dcs_err *err)
{
    dcs_auto(dcs_maintenance) struct dcs_maintenance old = { 0 };
    dcs_auto(dcs_maintenance) struct dcs_maintenance before = { 0 };
    dcs_auto(dcs_maintenance) struct dcs_maintenance all = { 0 };

    dcs_maintenance_read(run->state_fd, &old);
    dcs_maintenance_read(run->state_fd, &before);
    add_configured(run, &old, &all);
    add_calendars(run, &old, &all);
    add_page(run, &old, &all);
    if (!is_as_before(&before, &all) && !write_record(run, &all, err))
        return false;
    *ret_maintenance = all;
    all.count = 0;
    return true;
}
