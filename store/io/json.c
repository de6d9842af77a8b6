// SPDX-License-Identifier: Apache-2.0
/*
 * json.c - cJSON behind one wall; the only file that includes it. Never trusts an answer's depth,
 * length or types.
 */
#include "io/json.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A value takes 64 bytes and more, in the text it may take two: the largest page that the service
 * sends has a tenth of these. */
enum { DEPTH_MAX = 32, VALUES_MAX = 1 << 19, SHOWN_START = 60, PATH_PART_MAX = 64 };

/* struct dcs_json is cJSON's node under a name of ours: the root's free frees all. */
static const cJSON *in(const struct dcs_json *node)
{
    return (const cJSON *)node;
}

static const struct dcs_json *out(const cJSON *node)
{
    return (const struct dcs_json *)node;
}

static cJSON *in_mutable(struct dcs_json *node)
{
    return (cJSON *)node;
}

/* ---- parsing ---- */

/* What cJSON would make of it, before it sees the text: it recurses, and allocates every value. */
struct extent {
    size_t depth, values; /* the deepest place; at most so many values */
};

static struct extent extent_of(const char *text, size_t len)
{
    struct extent extent = { .values = 1 };
    size_t depth = 0;
    bool in_string = false;

    for (size_t i = 0; i < len; i++) {
        if (in_string) {
            if (text[i] == '\\')
                i++;
            else if (text[i] == '"')
                in_string = false;
        } else if (text[i] == '"') {
            in_string = true;
        } else if (text[i] == ',') {
            extent.values++;
        } else if (text[i] == '[' || text[i] == '{') {
            extent.values++;
            depth++;
            extent.depth = depth > extent.depth ? depth : extent.depth;
        } else if ((text[i] == ']' || text[i] == '}') && depth > 0) {
            depth--;
        }
    }
    return extent;
}

static bool fail_parse(struct dcs_err *err, const char *text, size_t len, const char *why)
{
    char start[SHOWN_START + 1];
    char clean[SHOWN_START + 1];

    snprintf(start, sizeof(start), "%.*s", (int)(len < SHOWN_START ? len : SHOWN_START), text);
    dcs_clean_text(start, clean, sizeof(clean));
    return dcs_fail(err, DCS_E_AWAY, "%s; it begins with \"%s\"", why, clean);
}

bool dcs_json_parse(const char *text, size_t len, struct dcs_json **ret_root, struct dcs_err *err)
{
    const char *end = NULL;

    if (len == 0)
        return dcs_fail(err, DCS_E_AWAY, "the text is empty, not JSON");
    struct extent extent = extent_of(text, len);
    if (extent.depth > DEPTH_MAX)
        return fail_parse(err, text, len, "the JSON is nested too deeply");
    if (extent.values > VALUES_MAX)
        return fail_parse(err, text, len, "the JSON has too many values");
    cJSON *root = cJSON_ParseWithLengthOpts(text, len, &end, 0);
    if (!root)
        return fail_parse(err, text, len, "this is not JSON");
    while (end < text + len && (*end == ' ' || *end == '\t' || *end == '\r' || *end == '\n'))
        end++;
    if (end != text + len) {
        cJSON_Delete(root);
        return fail_parse(err, text, len, "something follows the JSON");
    }
    *ret_root = (struct dcs_json *)root;
    return true;
}

void dcs_json_free(struct dcs_json *root)
{
    cJSON_Delete(in_mutable(root));
}

void dcs_json_drop(struct dcs_json **root)
{
    dcs_json_free(*root);
    *root = NULL;
}

/* ---- reading ---- */

const struct dcs_json *dcs_json_get(const struct dcs_json *object, const char *name)
{
    if (!cJSON_IsObject(in(object)))
        return NULL;
    return out(cJSON_GetObjectItemCaseSensitive(in(object), name));
}

const struct dcs_json *dcs_json_path(const struct dcs_json *object, const char *path)
{
    const struct dcs_json *node = object;

    while (node) {
        char part[PATH_PART_MAX];
        const char *dot = strchr(path, '.');
        int len = dot ? (int)(dot - path) : (int)strlen(path);

        snprintf(part, sizeof(part), "%.*s", len, path);
        node = dcs_json_get(node, part);
        if (!dot)
            return node;
        path = dot + 1;
    }
    return NULL;
}

bool dcs_json_is_object(const struct dcs_json *node)
{
    return cJSON_IsObject(in(node));
}

bool dcs_json_is_array(const struct dcs_json *node)
{
    return cJSON_IsArray(in(node));
}

bool dcs_json_is_null(const struct dcs_json *node)
{
    return !node || cJSON_IsNull(in(node));
}

size_t dcs_json_count(const struct dcs_json *array)
{
    if (!dcs_json_is_array(array) && !dcs_json_is_object(array))
        return 0;
    return (size_t)cJSON_GetArraySize(in(array));
}

const struct dcs_json *dcs_json_first(const struct dcs_json *container)
{
    if (!dcs_json_is_array(container) && !dcs_json_is_object(container))
        return NULL;
    return out(in(container)->child);
}

const struct dcs_json *dcs_json_next(const struct dcs_json *element)
{
    return element ? out(in(element)->next) : NULL;
}

const char *dcs_json_name(const struct dcs_json *member)
{
    return member ? in(member)->string : NULL;
}

const char *dcs_json_text(const struct dcs_json *object, const char *path)
{
    const struct dcs_json *node = path && *path ? dcs_json_path(object, path) : object;

    return cJSON_IsString(in(node)) ? in(node)->valuestring : NULL;
}

/* A JSON number is a double: from 2^53 on it no longer says which integer was meant. */
static bool whole_number(double value, int64_t *ret_value)
{
    /* Without libm, which a light door does not have. */
    if (!(value > -9007199254740992.0 && value < 9007199254740992.0))
        return false;
    int64_t whole = (int64_t)value;
    if ((double)whole < value || (double)whole > value)
        return false;
    *ret_value = whole;
    return true;
}

bool dcs_json_i64(const struct dcs_json *object, const char *path, int64_t *ret_value)
{
    const struct dcs_json *node = path && *path ? dcs_json_path(object, path) : object;

    if (cJSON_IsNumber(in(node)))
        return whole_number(in(node)->valuedouble, ret_value);
    if (cJSON_IsString(in(node)))
        return dcs_parse_i64(in(node)->valuestring, INT64_MIN, INT64_MAX, ret_value);
    return false;
}

enum dcs_tri dcs_json_tri(const struct dcs_json *object, const char *path)
{
    const struct dcs_json *node = path && *path ? dcs_json_path(object, path) : object;
    int64_t number = 0;

    if (cJSON_IsBool(in(node)))
        return cJSON_IsTrue(in(node)) ? DCS_YES : DCS_NO;
    if (cJSON_IsString(in(node))) {
        if (strcmp(in(node)->valuestring, "true") == 0)
            return DCS_YES;
        if (strcmp(in(node)->valuestring, "false") == 0)
            return DCS_NO;
    }
    if (node && dcs_json_i64(node, "", &number))
        return number != 0 ? DCS_YES : DCS_NO;
    return DCS_UNKNOWN;
}

/* ---- writing ---- */

struct dcs_json *dcs_json_new_object(void)
{
    return (struct dcs_json *)cJSON_CreateObject();
}

struct dcs_json *dcs_json_new_array(void)
{
    return (struct dcs_json *)cJSON_CreateArray();
}

static cJSON *add(struct dcs_json *parent, const char *name, cJSON *child)
{
    cJSON *to = in_mutable(parent);
    bool added = false;

    if (to && child && cJSON_IsObject(to) && name)
        added = cJSON_AddItemToObject(to, name, child);
    else if (to && child && cJSON_IsArray(to))
        added = cJSON_AddItemToArray(to, child);
    if (added)
        return child;
    cJSON_Delete(child);
    return NULL;
}

struct dcs_json *dcs_json_add_object(struct dcs_json *parent, const char *name)
{
    return (struct dcs_json *)add(parent, name, cJSON_CreateObject());
}

struct dcs_json *dcs_json_add_array(struct dcs_json *parent, const char *name)
{
    return (struct dcs_json *)add(parent, name, cJSON_CreateArray());
}

bool dcs_json_add_text(struct dcs_json *parent, const char *name, const char *text)
{
    return add(parent, name, cJSON_CreateString(text ? text : "")) != NULL;
}

/* From 2^53 on as text, which our getter reads exactly. */
bool dcs_json_add_i64(struct dcs_json *parent, const char *name, int64_t value)
{
    char digits[24];

    if (value < 9007199254740992 && value > -9007199254740992)
        return add(parent, name, cJSON_CreateNumber((double)value)) != NULL;
    snprintf(digits, sizeof(digits), "%lld", (long long)value);
    return add(parent, name, cJSON_CreateString(digits)) != NULL;
}

bool dcs_json_add_bool(struct dcs_json *parent, const char *name, bool value)
{
    return add(parent, name, cJSON_CreateBool(value)) != NULL;
}

bool dcs_json_add_time(struct dcs_json *parent, const char *name, int64_t when)
{
    char text[DCS_TIME_TEXT];

    dcs_time_text(when, text);
    return dcs_json_add_text(parent, name, text);
}

bool dcs_json_attach(struct dcs_json *parent, const char *name, struct dcs_json *child)
{
    return add(parent, name, in_mutable(child)) != NULL;
}

bool dcs_json_print(const struct dcs_json *root, bool pretty, struct dcs_buf *buf,
                    struct dcs_err *err)
{
    char *text = NULL;

    if (root)
        text = pretty ? cJSON_Print(in(root)) : cJSON_PrintUnformatted(in(root));
    if (!text)
        return dcs_fail(err, DCS_E_NOMEM, "out of memory");
    dcs_buf_adds(buf, text);
    if (pretty)
        dcs_buf_addc(buf, '\n');
    cJSON_free(text);
    return dcs_buf_ok(buf, "a JSON text", err);
}
