/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.h - between a struct of ours and its JSON file, by a table that names each field once, for
 * reading and for writing. Files that we wrote ourselves are read strictly.
 */
#ifndef DCS_MODEL_RECORD_H
#define DCS_MODEL_RECORD_H

#include <stddef.h>

#include "io/json.h"

enum dcs_field_kind {
    DCS_FIELD_I64,
    DCS_FIELD_INT,
    DCS_FIELD_U32,
    DCS_FIELD_BOOL,
    DCS_FIELD_TEXT, /* char[size] */
    DCS_FIELD_HEX,  /* uint8_t[size] */
    DCS_FIELD_TRI,  /* absent when unknown */
};

struct dcs_field {
    const char *name;
    enum dcs_field_kind kind;
    size_t offset, size;
};
/* DCS_FIELD(struct dcs_facts, "serial", TEXT, leaf.serial) */
#define DCS_FIELD(type, name, kind, member)                                         \
    {                                                                               \
        name, DCS_FIELD_##kind, offsetof(type, member), sizeof(((type *)0)->member) \
    }

struct dcs_record {
    const char *file; /* for messages */
    const struct dcs_field *fields;
    size_t count;
};

/* DCS_E_STATE naming the field that is missing or damaged. Numbers are not negative, INT apart,
 * which may be -1. */
bool dcs_record_read(const struct dcs_record *record, const struct dcs_json *object, void *into,
                     struct dcs_err *err) DCS_CHECKED;
/* What is missing or damaged stays as it is: for records whose loss costs nothing. Text is cleaned. */
void dcs_record_read_loosely(const struct dcs_record *record, const struct dcs_json *object,
                             void *into);
bool dcs_record_write(const struct dcs_record *record, const void *from, struct dcs_json *object,
                      struct dcs_err *err) DCS_CHECKED;

/* An array of texts of at most 255 bytes each, into *ret_names (an array of heap strings; the
 * caller's, also on failure). */
bool dcs_record_read_names(const struct dcs_record *record, const struct dcs_json *array,
                           size_t max, char ***ret_names, size_t *ret_count,
                           struct dcs_err *err) DCS_CHECKED;
bool dcs_record_write_names(struct dcs_json *object, const char *name, char *const *names,
                            size_t count, struct dcs_err *err) DCS_CHECKED;

/* Single values, for what stands in a nested object. */
bool dcs_record_number(const struct dcs_json *node, int64_t min, int64_t max, int64_t *ret_value);
bool dcs_record_hex(const struct dcs_json *node, uint8_t *out, size_t size);

#endif
