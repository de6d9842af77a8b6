// SPDX-License-Identifier: Apache-2.0
/*
 * bundle_facts.c - facts.json, written by us and read strictly: a field that is missing or of a
 * wrong form means damage. Tables name each field once, for reading and for writing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/bundle.h"

enum field_kind { FIELD_I64, FIELD_INT, FIELD_U32, FIELD_BOOL, FIELD_TEXT, FIELD_HEX, FIELD_TRI };

struct field {
    const char *name;
    enum field_kind kind;
    size_t offset, size;
};

#define FIELD(name, kind, member)                                                               \
    {                                                                                           \
        name, kind, offsetof(struct dcs_facts, member), sizeof(((struct dcs_facts *)0)->member) \
    }

static const struct field fields[] = {
    FIELD("order_id", FIELD_I64, order_id),
    FIELD("certificate_id", FIELD_I64, certificate_id),
    FIELD("committed_at", FIELD_I64, committed_at),
    FIELD("public_tls", FIELD_TRI, public_tls),
    FIELD("source", FIELD_TEXT, source),
    FIELD("crl_url", FIELD_TEXT, crl_url),
    FIELD("notes", FIELD_TEXT, notes),
    FIELD("serial", FIELD_TEXT, leaf.serial),
    FIELD("not_before", FIELD_I64, leaf.not_before),
    FIELD("not_after", FIELD_I64, leaf.not_after),
    FIELD("sha1", FIELD_HEX, leaf.sha1),
    FIELD("sha256", FIELD_HEX, leaf.sha256),
    FIELD("spki_sha256", FIELD_HEX, leaf.spki_sha256),
    FIELD("ckaid", FIELD_HEX, leaf.ckaid),
    FIELD("subject_hash", FIELD_U32, leaf.subject_hash),
    FIELD("issuer_hash", FIELD_U32, leaf.issuer_hash),
    FIELD("key_kind", FIELD_INT, leaf.key_kind),
    FIELD("key_bits", FIELD_INT, leaf.key_bits),
    FIELD("common_name", FIELD_TEXT, leaf.common_name),
    FIELD("is_ca", FIELD_BOOL, leaf.is_ca),
    FIELD("sct_count", FIELD_INT, leaf.sct_count),
    FIELD("eku_any", FIELD_BOOL, leaf.eku_any),
    FIELD("eku_server_auth", FIELD_BOOL, leaf.eku_server_auth),
    FIELD("eku_client_auth", FIELD_BOOL, leaf.eku_client_auth),
    FIELD("eku_code_signing", FIELD_BOOL, leaf.eku_code_signing),
    FIELD("eku_email", FIELD_BOOL, leaf.eku_email),
    FIELD("policy", FIELD_TEXT, leaf.policy),
};

void dcs_facts_free(struct dcs_facts *facts)
{
    if (!facts)
        return;
    for (size_t i = 0; i < facts->name_count; i++)
        free(facts->names[i]);
    free(facts->names);
    free(facts);
}

void dcs_facts_drop(struct dcs_facts **facts)
{
    dcs_facts_free(*facts);
    *facts = NULL;
}

const struct dcs_facts_file *dcs_facts_file(const struct dcs_facts *facts, const char *name)
{
    for (size_t i = 0; i < facts->file_count; i++)
        if (strcmp(facts->files[i].name, name) == 0)
            return &facts->files[i];
    return NULL;
}

/* ---- reading ---- */

static bool read_hex(const struct dcs_json *node, uint8_t *out, size_t size)
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

static bool read_number(const struct dcs_json *node, int64_t min, int64_t max, int64_t *ret_value)
{
    return node && dcs_json_i64(node, "", ret_value) && *ret_value >= min && *ret_value <= max;
}

static bool read_field(const struct dcs_json *node, const struct field *field, char *to)
{
    int64_t number = 0;

    switch (field->kind) {
    case FIELD_TEXT:
        return read_text(node, to, field->size);
    case FIELD_HEX:
        return read_hex(node, (uint8_t *)to, field->size);
    case FIELD_I64:
        return read_number(node, 0, INT64_MAX, &number) && memcpy(to, &number, sizeof(number));
    case FIELD_INT:
        if (!read_number(node, -1, INT32_MAX, &number))
            return false;
        *(int *)(void *)to = (int)number;
        return true;
    case FIELD_U32:
        if (!read_number(node, 0, UINT32_MAX, &number))
            return false;
        *(uint32_t *)(void *)to = (uint32_t)number;
        return true;
    case FIELD_BOOL:
        *(bool *)to = dcs_json_tri(node, "") == DCS_YES;
        return node && dcs_json_tri(node, "") != DCS_UNKNOWN;
    case FIELD_TRI:
        *(enum dcs_tri *)(void *)to = dcs_json_tri(node, "");
        return true;
    }
    return false;
}

static bool read_names(const struct dcs_json *array, struct dcs_facts *facts, struct dcs_err *err)
{
    size_t count = dcs_json_count(array);

    if (!dcs_json_is_array(array) || count > DCS_NAMES_MAX)
        return dcs_fail(err, DCS_E_STATE, "facts.json: the names are damaged");
    facts->names = dcs_alloc(count, sizeof(*facts->names), err);
    if (!facts->names)
        return false;
    for (const struct dcs_json *n = dcs_json_first(array); n; n = dcs_json_next(n)) {
        const char *text = dcs_json_text(n, "");
        if (!text || strlen(text) > 255)
            return dcs_fail(err, DCS_E_STATE, "facts.json: a name is damaged");
        if (!dcs_str_copy(text, &facts->names[facts->name_count], err))
            return false;
        facts->name_count++;
    }
    return true;
}

static bool read_files(const struct dcs_json *object, struct dcs_facts *facts, struct dcs_err *err)
{
    if (!dcs_json_is_object(object) || dcs_json_count(object) > DCS_FACTS_FILES)
        return dcs_fail(err, DCS_E_STATE, "facts.json: the files are damaged");
    for (const struct dcs_json *f = dcs_json_first(object); f; f = dcs_json_next(f)) {
        struct dcs_facts_file *file = &facts->files[facts->file_count];
        const char *name = dcs_json_name(f);
        if (!name || strlen(name) >= sizeof(file->name) || strchr(name, '/') ||
            !read_number(dcs_json_get(f, "size"), 0, INT32_MAX, &file->size) ||
            !read_hex(dcs_json_get(f, "sha256"), file->sha256, sizeof(file->sha256)))
            return dcs_fail(err, DCS_E_STATE, "facts.json: a file's entry is damaged");
        memcpy(file->name, name, strlen(name) + 1);
        facts->file_count++;
    }
    return true;
}

bool dcs_facts_from_json(const struct dcs_json *object, struct dcs_facts **ret_facts,
                         struct dcs_err *err)
{
    dcs_auto(dcs_facts) struct dcs_facts *facts = dcs_alloc(1, sizeof(*facts), err);

    if (!facts)
        return false;
    for (size_t i = 0; i < DCS_COUNT(fields); i++)
        if (!read_field(dcs_json_get(object, fields[i].name), &fields[i],
                        (char *)facts + fields[i].offset))
            return dcs_fail(err, DCS_E_STATE, "facts.json: %s is missing or damaged",
                            fields[i].name);
    if (facts->leaf.not_after < facts->leaf.not_before || !facts->leaf.serial[0])
        return dcs_fail(err, DCS_E_STATE, "facts.json: the dates or the serial number are damaged");
    if (!read_names(dcs_json_get(object, "names"), facts, err) ||
        !read_files(dcs_json_get(object, "files"), facts, err))
        return false;
    *ret_facts = dcs_steal(&facts);
    return true;
}

/* ---- writing ---- */

static bool write_field(struct dcs_json *object, const struct field *field, const char *from)
{
    char hex[2 * DCS_SHA256_LEN + 1];
    int64_t number = 0;

    switch (field->kind) {
    case FIELD_TEXT:
        return dcs_json_add_text(object, field->name, from);
    case FIELD_HEX:
        dcs_hex((const uint8_t *)from, field->size, hex);
        return dcs_json_add_text(object, field->name, hex);
    case FIELD_I64:
        memcpy(&number, from, sizeof(number));
        return dcs_json_add_i64(object, field->name, number);
    case FIELD_INT:
        return dcs_json_add_i64(object, field->name, *(const int *)(const void *)from);
    case FIELD_U32:
        return dcs_json_add_i64(object, field->name, *(const uint32_t *)(const void *)from);
    case FIELD_BOOL:
        return dcs_json_add_bool(object, field->name, *(const bool *)from);
    case FIELD_TRI: {
        enum dcs_tri tri = *(const enum dcs_tri *)(const void *)from;
        return tri == DCS_UNKNOWN || dcs_json_add_bool(object, field->name, tri == DCS_YES);
    }
    }
    return false;
}

bool dcs_facts_to_json(const struct dcs_facts *facts, struct dcs_json **ret_object,
                       struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *object = dcs_json_new_object();
    bool good = object != NULL;

    for (size_t i = 0; good && i < DCS_COUNT(fields); i++)
        good = write_field(object, &fields[i], (const char *)facts + fields[i].offset);
    struct dcs_json *names = good ? dcs_json_add_array(object, "names") : NULL;
    good = names != NULL;
    for (size_t i = 0; good && i < facts->name_count; i++)
        good = dcs_json_add_text(names, NULL, facts->names[i]);
    struct dcs_json *files = good ? dcs_json_add_object(object, "files") : NULL;
    good = files != NULL;
    for (size_t i = 0; good && i < facts->file_count; i++) {
        char hex[2 * DCS_SHA256_LEN + 1];
        struct dcs_json *file = dcs_json_add_object(files, facts->files[i].name);
        dcs_hex(facts->files[i].sha256, DCS_SHA256_LEN, hex);
        good = dcs_json_add_i64(file, "size", facts->files[i].size) &&
               dcs_json_add_text(file, "sha256", hex);
    }
    if (!good)
        return dcs_fail(err, DCS_E_NOMEM, "out of memory");
    *ret_object = dcs_steal(&object);
    return true;
}
