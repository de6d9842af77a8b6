// SPDX-License-Identifier: Apache-2.0
/* world_settings.c - the account's settings as one table: read, kept and shown from it. */
#include <stddef.h>
#include <string.h>

#include "maintenance.h"
#include "world_parts.h"

enum type { FLAG, NUMBER, DAY, STEPS, TEXT, WINDOWS, SWITCHES };

#define ROW(name, type)                                 \
    {                                                   \
#name, type, offsetof(struct sb_settings, name) \
    }
static const struct row {
    const char *name;
    enum type type;
    size_t offset;
} rows[] = {
    ROW(ct_off, FLAG),
    ROW(per_request_ct, FLAG),
    ROW(rate_limit, FLAG),
    ROW(pending_shows_new, FLAG),
    ROW(weekend_ends, FLAG),
    ROW(strict_validity, FLAG),
    ROW(last_revoked_ends_order, FLAG),
    ROW(list_repeats_primary, FLAG),
    ROW(multi_year, FLAG),
    ROW(not_issued_status, NUMBER),
    ROW(latency_ms, NUMBER),
    ROW(client_auth_end, DAY),
    ROW(organization_valid_until, DAY),
    ROW(max_days, STEPS),
    ROW(reuse_days, STEPS),
    ROW(switches, SWITCHES),
    ROW(maintenance, WINDOWS),
    ROW(calendar, TEXT),
};

void sb_settings_init(struct sb_settings *settings)
{
    *settings = (struct sb_settings){ .per_request_ct = true,
                                      .rate_limit = true,
                                      .weekend_ends = true,
                                      .list_repeats_primary = true,
                                      .multi_year = true,
                                      .not_issued_status = 404 };
}

/* A day as text, or its second; null is none. */
static bool read_day(const cJSON *item, int64_t *ret_when)
{
    *ret_when = cJSON_IsNumber(item) ? (int64_t)item->valuedouble : 0;
    return cJSON_IsNumber(item) || cJSON_IsNull(item) ||
           (cJSON_IsString(item) && sb_time_parse(item->valuestring, ret_when));
}

/* [{"from": "2026-02-24", "days": 199}, ...]; null is DigiCert's own. */
static bool read_steps(const cJSON *list, struct sb_steps *ret_steps)
{
    struct sb_steps steps = { 0 };

    for (const cJSON *item = list->child; item; item = item->next) {
        if (steps.count == SB_COUNT(steps.list) ||
            !read_day(sb_item(item, "from"), &steps.list[steps.count].from))
            return false;
        steps.list[steps.count].days = sb_number_of(item, "days", 0);
        if (steps.list[steps.count++].days < 1)
            return false;
    }
    *ret_steps = steps;
    return cJSON_IsArray(list) || cJSON_IsNull(list);
}

static bool read_text(const cJSON *item, char **text)
{
    if (!cJSON_IsString(item) && !cJSON_IsNull(item))
        return false;
    sb_free(*text);
    *text = cJSON_IsString(item) ? sb_strdup(item->valuestring) : NULL;
    return true;
}

static bool set_row(struct sb_settings *settings, const struct row *row, const cJSON *item,
                    const char **ret_why)
{
    void *at = (char *)settings + row->offset;

    switch (row->type) {
    case FLAG:
        *(bool *)at = cJSON_IsTrue(item);
        return cJSON_IsBool(item);
    case NUMBER:
        *(int *)at = cJSON_IsNumber(item) ? (int)item->valuedouble : 0;
        return cJSON_IsNumber(item);
    case DAY:
        return read_day(item, at);
    case STEPS:
        return read_steps(item, at);
    case TEXT:
        return read_text(item, at);
    case WINDOWS:
        return sb_maintenance_set(at, item, ret_why);
    case SWITCHES:
        break;
    }
    return sb_switches_set(at, item, ret_why);
}

bool sb_settings_set(struct sb_settings *settings, const cJSON *wanted, const char **ret_why)
{
    for (const cJSON *item = wanted ? wanted->child : NULL; item; item = item->next) {
        size_t which = 0;
        *ret_why = "a setting is not known; README.md lists them";
        while (which < SB_COUNT(rows) && strcmp(rows[which].name, item->string) != 0)
            which++;
        if (which == SB_COUNT(rows))
            return false;
        *ret_why = "a setting has a value of the wrong kind; README.md tells which";
        if (!set_row(settings, &rows[which], item, ret_why))
            return false;
    }
    return true;
}

static cJSON *steps_to_json(const struct sb_steps *steps)
{
    cJSON *list = cJSON_CreateArray();

    for (size_t i = 0; i < steps->count; i++) {
        cJSON *step = cJSON_CreateObject();
        sb_set_number(step, "from", steps->list[i].from);
        sb_set_number(step, "days", steps->list[i].days);
        cJSON_AddItemToArray(list, step);
    }
    return list;
}

cJSON *sb_settings_to_json(const struct sb_settings *settings)
{
    cJSON *object = cJSON_CreateObject();
    const cJSON *windows = settings->maintenance;

    for (size_t i = 0; i < SB_COUNT(rows); i++) {
        const void *at = (const char *)settings + rows[i].offset;
        const cJSON *switches = settings->switches;
        switch (rows[i].type) {
        case FLAG:
            sb_set_flag(object, rows[i].name, *(const bool *)at);
            break;
        case NUMBER:
            sb_set_number(object, rows[i].name, *(const int *)at);
            break;
        case DAY:
            sb_set_number(object, rows[i].name, *(const int64_t *)at);
            break;
        case STEPS:
            sb_set_item(object, rows[i].name, steps_to_json(at));
            break;
        case TEXT:
            sb_set_text(object, rows[i].name, *(char *const *)at);
            break;
        case WINDOWS:
            sb_set_item(object, rows[i].name,
                        windows ? cJSON_Duplicate(windows, 1) : cJSON_CreateArray());
            break;
        case SWITCHES:
            sb_set_item(object, rows[i].name,
                        switches ? cJSON_Duplicate(switches, 1) : cJSON_CreateObject());
            break;
        }
    }
    return object;
}
