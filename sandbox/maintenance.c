// SPDX-License-Identifier: Apache-2.0
/*
 * maintenance.c - windows that are announced on a status page and in a calendar, and happen, or not, by
 * the clock. The page answers in the form that Statuspage made common.
 */
#include "maintenance.h"

#include <string.h>

#include "json.h"

/* What the API does in a window; the first is the usual one. */
static const struct {
    const char *name;
    int status;
    bool html;
    const char *body;
} answers[] = {
    { "html503", 503, true, NULL },
    { "html404", 404, true, NULL },
    { "json404", 404, false,
      "{\"errors\":[{\"code\":\"not_found|order\",\"message\":\"The order was not found.\"}]}" },
    { "up", 0, false, NULL }, /* announced, and it never happens */
};

static size_t answer_of(const cJSON *window)
{
    const char *name = sb_text_of(window, "answers", answers[0].name);
    size_t i = 0;

    while (i < SB_COUNT(answers) && strcmp(answers[i].name, name) != 0)
        i++;
    return i;
}

static bool times_of(const cJSON *window, int64_t *ret_from, int64_t *ret_until)
{
    return sb_time_parse(sb_text_of(window, "from", ""), ret_from) &&
           sb_time_parse(sb_text_of(window, "until", ""), ret_until) && *ret_until > *ret_from;
}

bool sb_maintenance_set(cJSON **maintenance, const cJSON *wanted, const char **ret_why)
{
    int64_t from = 0;
    int64_t until = 0;

    if (!cJSON_IsArray(wanted) && !cJSON_IsNull(wanted)) {
        *ret_why = "maintenance is an array of windows";
        return false;
    }
    for (const cJSON *w = wanted->child; w; w = w->next) {
        if (times_of(w, &from, &until) && answer_of(w) < SB_COUNT(answers))
            continue;
        *ret_why =
            "a window has \"from\" before \"until\", and answers html503, html404, json404 or up";
        return false;
    }
    cJSON_Delete(*maintenance);
    *maintenance = cJSON_IsArray(wanted) ? cJSON_Duplicate(wanted, 1) : NULL;
    return true;
}

void sb_maintenance_apply(const struct sb_world *world, struct sb_fault *fault)
{
    const cJSON *list = world->settings.maintenance;
    int64_t now = sb_clock_now(&world->clock);
    int64_t from = 0;
    int64_t until = 0;

    for (const cJSON *w = list ? list->child : NULL; w; w = w->next) {
        size_t how = answer_of(w);
        if (!times_of(w, &from, &until) || now < from || now >= until || !answers[how].status)
            continue;
        sb_fault_clear(fault);
        fault->status = answers[how].status;
        fault->html = answers[how].html;
        fault->body = answers[how].body ? sb_strdup(answers[how].body) : NULL;
        return;
    }
}

/* ---- the page ---- */

static void add_components(cJSON *object, const cJSON *window)
{
    const cJSON *names = sb_item(window, "components");
    cJSON *list = cJSON_CreateArray();

    for (const cJSON *name = names ? names->child : NULL; name; name = name->next) {
        cJSON *one = cJSON_CreateObject();
        sb_set_text(one, "id", "z8z7k9gcrh4r");
        sb_set_text(one, "name", cJSON_IsString(name) ? name->valuestring : "");
        sb_set_text(one, "status", "operational");
        cJSON_AddItemToArray(list, one);
    }
    sb_set_item(object, "components", list);
}

static cJSON *on_page(const cJSON *window, int64_t from, int64_t until, bool is_active)
{
    cJSON *object = cJSON_CreateObject();
    char text[SB_TIME_TEXT];

    sb_set_text(object, "id", "w1zdr745wmfy");
    sb_set_text(object, "name", sb_text_of(window, "name", "Scheduled maintenance"));
    sb_set_text(object, "status", is_active ? "in_progress" : "scheduled");
    sb_set_text(object, "impact", "maintenance");
    sb_time_iso(from, text);
    sb_set_text(object, "scheduled_for", text);
    sb_time_iso(until, text);
    sb_set_text(object, "scheduled_until", text);
    sb_set_item(object, "incident_updates", cJSON_CreateArray());
    add_components(object, window);
    return object;
}

static void answer_page(const struct sb_world *world, bool active, struct sb_reply *reply)
{
    const cJSON *list = world->settings.maintenance;
    int64_t now = sb_clock_now(&world->clock);
    cJSON *root = cJSON_CreateObject();
    cJSON *out = cJSON_CreateArray();
    cJSON *page = cJSON_CreateObject();
    int64_t from = 0;
    int64_t until = 0;

    sb_set_text(page, "name", "Sandbox");
    sb_set_text(page, "time_zone", "Etc/UTC");
    sb_set_item(root, "page", page);
    for (const cJSON *w = list ? list->child : NULL; w; w = w->next) {
        if (!times_of(w, &from, &until) || now >= until || (now >= from) != active)
            continue;
        cJSON_AddItemToArray(out, on_page(w, from, until, active));
    }
    sb_set_item(root, "scheduled_maintenances", out);
    sb_reply_json(reply, 200, root);
}

/* ---- the calendar ---- */

static void add_time(struct sb_buf *out, const char *name, int64_t when)
{
    char iso[SB_TIME_TEXT];

    sb_time_iso(when, iso); /* 2026-03-02T10:11:12+00:00 */
    sb_buf_addf(out, "%s:%.4s%.2s%.2s%c%.2s%.2s%.2sZ\r\n", name, iso, iso + 5, iso + 8, 'T',
                iso + 11, iso + 14, iso + 17);
}

static void answer_calendar(const struct sb_world *world, struct sb_reply *reply)
{
    const cJSON *list = world->settings.maintenance;
    int64_t from = 0;
    int64_t until = 0;
    size_t number = 0;

    reply->content_type = "text/calendar";
    if (world->settings.calendar) {
        sb_buf_adds(&reply->body, world->settings.calendar);
        return;
    }
    sb_buf_adds(&reply->body,
                "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//digicert-sandbox//EN\r\n");
    for (const cJSON *w = list ? list->child : NULL; w; w = w->next) {
        if (!times_of(w, &from, &until))
            continue;
        sb_buf_addf(&reply->body, "BEGIN:VEVENT\r\nUID:%zu@sandbox\r\nSUMMARY:%.200s\r\n", ++number,
                    sb_text_of(w, "name", "Scheduled maintenance"));
        add_time(&reply->body, "DTSTAMP", from);
        add_time(&reply->body, "DTSTART", from);
        add_time(&reply->body, "DTEND", until);
        sb_buf_adds(&reply->body, "END:VEVENT\r\n");
    }
    sb_buf_adds(&reply->body, "END:VCALENDAR\r\n");
}

bool sb_maintenance_answer(const struct sb_request *request, struct sb_reply *reply)
{
    static const char lists[] = "/status-page/api/v2/scheduled-maintenances/";
    bool is_page = strncmp(request->path, lists, strlen(lists)) == 0;
    const char *which = is_page ? request->path + strlen(lists) : "";

    if (!is_page && strcmp(request->path, "/calendar.ics") != 0)
        return false;
    if (request->key) /* of a client that gives its key to whom it is no business of */
        sb_reply_error(reply, 400, "bad_request_format", "This is no place for an API key.");
    else if (!is_page)
        answer_calendar(request->world, reply);
    else if (strcmp(which, "upcoming.json") == 0 || strcmp(which, "active.json") == 0)
        answer_page(request->world, which[0] == 'a', reply);
    else
        sb_reply_error(reply, 404, "not_found", "There is no such list.");
    return true;
}
