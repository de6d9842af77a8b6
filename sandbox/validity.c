// SPDX-License-Identifier: Apache-2.0
/* validity.c - reads wishes for a lifetime; whether the CA grants them is a rule (rules.h). */
#include "validity.h"

#include <stdio.h>

#include "clock.h"
#include "json.h"

enum { DAYS_MOST = 40000 };

static bool read_count(const cJSON *item, int64_t *ret_count)
{
    *ret_count = cJSON_IsNumber(item) ? (int64_t)item->valuedouble : 0;
    return *ret_count > 0 && *ret_count < DAYS_MOST && (double)*ret_count == item->valuedouble;
}

bool sb_validity_read(const cJSON *object, const char *prefix, struct sb_asked *ret_asked,
                      const char **ret_unit)
{
    const cJSON *date = sb_item(object, "custom_expiration_date");
    char name[32];

    *ret_asked = (struct sb_asked){ 0 };
    if (date && !cJSON_IsNull(date)) {
        *ret_unit = "custom_expiration_date";
        if (!cJSON_IsString(date) || !sb_time_parse(date->valuestring, &ret_asked->end))
            return false;
        ret_asked->end = sb_time_midnight(ret_asked->end) + SB_DAY - 1;
        return true;
    }
    snprintf(name, sizeof(name), "%sdays", prefix);
    *ret_unit = "validity_days";
    if (sb_item(object, name))
        return read_count(sb_item(object, name), &ret_asked->days);
    snprintf(name, sizeof(name), "%syears", prefix);
    *ret_unit = "validity_years";
    if (!sb_item(object, name))
        return true;
    bool good = read_count(sb_item(object, name), &ret_asked->days);
    ret_asked->days *= 365;
    return good;
}
