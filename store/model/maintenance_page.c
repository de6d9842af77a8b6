// SPDX-License-Identifier: Apache-2.0
/*
 * maintenance_page.c - the list of scheduled maintenances that a status page gives
 * (/api/v2/scheduled-maintenances/upcoming.json, active.json) as windows. Believes no field to be
 * there; what has no times is left out.
 */
#include <string.h>
#include <strings.h>

#include "model/maintenance.h"

enum { OVERDUE_S = 3600 };

/* Whether name is one of "CertCentral, CertCentral Services API", without regard to case. */
static bool is_wanted(const char *wanted, const char *name)
{
    size_t len = strlen(name);

    for (const char *at = wanted; *at;) {
        at += strspn(at, ", \t");
        size_t part = strcspn(at, ",");
        size_t trimmed = part;
        while (trimmed > 0 && (at[trimmed - 1] == ' ' || at[trimmed - 1] == '\t'))
            trimmed--;
        if (trimmed > 0 && trimmed == len && strncasecmp(at, name, len) == 0)
            return true;
        at += part;
    }
    return false;
}

/* A maintenance that names no component may concern any of them. */
static bool concerns(const struct dcs_json *entry, const char *components)
{
    const struct dcs_json *list = dcs_json_get(entry, "components");
    const struct dcs_json *c = dcs_json_is_array(list) ? dcs_json_first(list) : NULL;

    if (!*components || !c)
        return true;
    for (; c; c = dcs_json_next(c)) {
        const char *name = dcs_json_text(c, "name");
        if (name && is_wanted(components, name))
            return true;
    }
    return false;
}

static void clean(const struct dcs_json *entry, const char *name, char *out, size_t size)
{
    const char *text = dcs_json_text(entry, name);

    dcs_clean_text(text ? text : "", out, size);
}

static bool take(const struct dcs_json *entry, const char *components, int64_t read_at,
                 struct dcs_windows *windows, struct dcs_err *err)
{
    struct dcs_window window = { 0 };

    clean(entry, "name", window.title, sizeof(window.title));
    clean(entry, "status", window.status, sizeof(window.status));
    clean(entry, "impact", window.impact, sizeof(window.impact));
    if (strcmp(window.status, "completed") == 0 || !concerns(entry, components) ||
        !dcs_time_parse(dcs_json_text(entry, "scheduled_for"), &window.start) ||
        !dcs_time_parse(dcs_json_text(entry, "scheduled_until"), &window.end))
        return true;
    bool is_on =
        strcmp(window.status, "in_progress") == 0 || strcmp(window.status, "verifying") == 0;
    if (is_on && window.end <= read_at)
        window.end = read_at + OVERDUE_S;
    return dcs_windows_add(windows, &window, err);
}

bool dcs_status_page_read(const char *text, size_t len, const char *components, int64_t read_at,
                          struct dcs_windows *windows, struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *root = NULL;

    if (!dcs_json_parse(text, len, &root, err))
        return false;
    const struct dcs_json *list = dcs_json_get(root, "scheduled_maintenances");
    if (!dcs_json_is_array(list))
        return dcs_fail(err, DCS_E_AWAY, "the answer has no list \"scheduled_maintenances\"");
    for (const struct dcs_json *e = dcs_json_first(list); e; e = dcs_json_next(e))
        if (dcs_json_is_object(e) && !take(e, components, read_at, windows, err))
            return false;
    return true;
}
