// SPDX-License-Identifier: Apache-2.0
/* json.c - short names for what everybody does with cJSON objects. */
#include "json.h"

#include "clock.h"

void sb_set_item(cJSON *object, const char *name, cJSON *item)
{
    cJSON_DeleteItemFromObjectCaseSensitive(object, name);
    if (item)
        cJSON_AddItemToObject(object, name, item);
}

void sb_set_text(cJSON *object, const char *name, const char *text)
{
    sb_set_item(object, name, text ? cJSON_CreateString(text) : NULL);
}

void sb_set_number(cJSON *object, const char *name, int64_t number)
{
    sb_set_item(object, name, cJSON_CreateNumber((double)number));
}

void sb_set_flag(cJSON *object, const char *name, bool flag)
{
    sb_set_item(object, name, cJSON_CreateBool(flag));
}

void sb_set_date(cJSON *object, const char *name, int64_t when, bool with_time)
{
    char text[SB_TIME_TEXT];

    if (with_time)
        sb_time_iso(when, text);
    else
        sb_time_date(when, text);
    sb_set_text(object, name, text);
}

void sb_copy_item(cJSON *to, const cJSON *from, const char *name)
{
    const cJSON *item = sb_item(from, name);

    if (item)
        sb_set_item(to, name, cJSON_Duplicate(item, 1));
}

const cJSON *sb_item(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

const char *sb_text_of(const cJSON *object, const char *name, const char *otherwise)
{
    const cJSON *item = sb_item(object, name);

    return cJSON_IsString(item) ? item->valuestring : otherwise;
}

int64_t sb_number_of(const cJSON *object, const char *name, int64_t otherwise)
{
    const cJSON *item = sb_item(object, name);

    return cJSON_IsNumber(item) ? (int64_t)item->valuedouble : otherwise;
}

bool sb_flag_of(const cJSON *object, const char *name)
{
    return cJSON_IsTrue(sb_item(object, name));
}

cJSON *sb_names_json(const struct sb_names *names)
{
    cJSON *list = cJSON_CreateArray();

    for (size_t i = 0; i < names->count; i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(names->list[i]));
    return list;
}

void sb_names_of(const cJSON *array, struct sb_names *ret_names)
{
    const cJSON *name = NULL;

    for (name = array ? array->child : NULL; name; name = name->next)
        if (cJSON_IsString(name) && !sb_names_has(ret_names, name->valuestring))
            sb_names_add(ret_names, name->valuestring);
}
