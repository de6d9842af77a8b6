// SPDX-License-Identifier: Apache-2.0
/* record.c - structs to JSON and back by table; strict about what we wrote ourselves. */
#include "model/record.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 255, HEX_MAX_BYTES = 64 };

bool dcs_record_hex(const struct dcs_json *node, uint8_t *out, size_t size)
{
    const char *text = dcs_json_text(node, "");
    size_t len = 0;

    return text && dcs_unhex(text, out, size, &len) && len == size;
}

static bool read_text(const struct dcs_json *node, char *out, size_t size)
{
    const char *text = dcs_json_text(node, "");

    if (!text || strlen(text) >= size)
        return false;
    memcpy(out, text, strlen(text) + 1);
    return true;
}

bool dcs_record_number(const struct dcs_json *node, int64_t min, int64_t max, int64_t *ret_value)
{
    return node && dcs_json_i64(node, "", ret_value) && *ret_value >= min && *ret_value <= max;
}

static bool read_field(const struct dcs_json *node, const struct dcs_field *field, char *to)
{
    int64_t number = 0;

    switch (field->kind) {
    case DCS_FIELD_TEXT:
        return read_text(node, to, field->size);
    case DCS_FIELD_HEX:
        return dcs_record_hex(node, (uint8_t *)to, field->size);
    case DCS_FIELD_I64:
        return dcs_record_number(node, 0, INT64_MAX, &number) &&
               memcpy(to, &number, sizeof(number));
    case DCS_FIELD_INT:
        if (!dcs_record_number(node, -1, INT32_MAX, &number))
            return false;
        *(int *)(void *)to = (int)number;
        return true;
    case DCS_FIELD_U32:
        if (!dcs_record_number(node, 0, UINT32_MAX, &number))
            return false;
        *(uint32_t *)(void *)to = (uint32_t)number;
        return true;
    case DCS_FIELD_BOOL:
        *(bool *)to = dcs_json_tri(node, "") == DCS_YES;
        return node && dcs_json_tri(node, "") != DCS_UNKNOWN;
    case DCS_FIELD_TRI:
        *(enum dcs_tri *)(void *)to = dcs_json_tri(node, "");
        return true;
    }
    return false;
}

static bool write_field(struct dcs_json *object, const struct dcs_field *field, const char *from)
{
    char hex[2 * HEX_MAX_BYTES + 1];
    int64_t number = 0;

    switch (field->kind) {
    case DCS_FIELD_TEXT:
        return dcs_json_add_text(object, field->name, from);
    case DCS_FIELD_HEX:
        dcs_hex((const uint8_t *)from, field->size, hex);
        return dcs_json_add_text(object, field->name, hex);
    case DCS_FIELD_I64:
        memcpy(&number, from, sizeof(number));
        return dcs_json_add_i64(object, field->name, number);
    case DCS_FIELD_INT:
        return dcs_json_add_i64(object, field->name, *(const int *)(const void *)from);
    case DCS_FIELD_U32:
        return dcs_json_add_i64(object, field->name, *(const uint32_t *)(const void *)from);
    case DCS_FIELD_BOOL:
        return dcs_json_add_bool(object, field->name, *(const bool *)from);
    case DCS_FIELD_TRI: {
        enum dcs_tri tri = *(const enum dcs_tri *)(const void *)from;
        return tri == DCS_UNKNOWN || dcs_json_add_bool(object, field->name, tri == DCS_YES);
    }
    }
    return false;
}

bool dcs_record_read(const struct dcs_record *record, const struct dcs_json *object, void *into,
                     struct dcs_err *err)
{
    for (size_t i = 0; i < record->count; i++) {
        const struct dcs_field *field = &record->fields[i];
        if (!read_field(dcs_json_get(object, field->name), field, (char *)into + field->offset))
            return dcs_fail(err, DCS_E_STATE, "%s: %s is missing or damaged", record->file,
                            field->name);
    }
    return true;
}

void dcs_record_read_loosely(const struct dcs_record *record, const struct dcs_json *object,
                             void *into)
{
    for (size_t i = 0; i < record->count; i++) {
        const struct dcs_field *field = &record->fields[i];
        const struct dcs_json *node = dcs_json_get(object, field->name);
        char *to = (char *)into + field->offset;
        if (field->kind == DCS_FIELD_TEXT)
            dcs_clean_text(dcs_json_text(node, ""), to, field->size);
        else
            (void)read_field(node, field, to);
    }
}

bool dcs_record_write(const struct dcs_record *record, const void *from, struct dcs_json *object,
                      struct dcs_err *err)
{
    for (size_t i = 0; i < record->count; i++) {
        const struct dcs_field *field = &record->fields[i];
        if (!write_field(object, field, (const char *)from + field->offset))
            return dcs_fail(err, DCS_E_NOMEM, "out of memory");
    }
    return true;
}

bool dcs_record_read_names(const struct dcs_record *record, const struct dcs_json *array,
                           size_t max, char ***ret_names, size_t *ret_count, struct dcs_err *err)
{
    size_t count = dcs_json_count(array);

    if (!dcs_json_is_array(array) || count > max)
        return dcs_fail(err, DCS_E_STATE, "%s: the names are damaged", record->file);
    *ret_names = dcs_alloc(count, sizeof(**ret_names), err);
    if (!*ret_names)
        return false;
    for (const struct dcs_json *n = dcs_json_first(array); n; n = dcs_json_next(n)) {
        const char *text = dcs_json_text(n, "");
        if (!text || strlen(text) > NAME_MAX_BYTES)
            return dcs_fail(err, DCS_E_STATE, "%s: a name is damaged", record->file);
        if (!dcs_str_copy(text, &(*ret_names)[*ret_count], err))
            return false;
        ++*ret_count;
    }
    return true;
}

bool dcs_record_write_names(struct dcs_json *object, const char *name, char *const *names,
                            size_t count, struct dcs_err *err)
{
    struct dcs_json *array = dcs_json_add_array(object, name);
    bool good = array != NULL;

    for (size_t i = 0; good && i < count; i++)
        good = dcs_json_add_text(array, NULL, names[i]);
    return good || dcs_fail(err, DCS_E_NOMEM, "out of memory");
}
