/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.h - cJSON behind one wall: bounded parsing, getters that accept the service's loose typing,
 * and writing.
 *
 * Parsing takes the whole text (trailing junk is an error), UTF-8, nesting of 32 at most. Getters
 * are case-sensitive, take NULL as "absent", and never fail: what is missing or of a wrong type
 * reads as absent. Getters lend. Numbers beyond 2^53 that came as text are read exactly; as JSON
 * numbers they are read only when they are whole and in range.
 */
#ifndef DCS_IO_JSON_H
#define DCS_IO_JSON_H

#include "base/buf.h"
#include "base/env.h"

struct dcs_json; /* a node; the root owns all */

/* DCS_E_AWAY "is not JSON", with the beginning of what came instead, cleaned. */
bool dcs_json_parse(const char *text, size_t len, struct dcs_json **ret_root,
                    struct dcs_err *err) DCS_CHECKED;
void dcs_json_free(struct dcs_json *root);
void dcs_json_drop(struct dcs_json **root);

const struct dcs_json *dcs_json_get(const struct dcs_json *object, const char *name);
/* "certificate.ca_cert.id" */
const struct dcs_json *dcs_json_path(const struct dcs_json *object, const char *path);
bool dcs_json_is_object(const struct dcs_json *node);
bool dcs_json_is_array(const struct dcs_json *node);
bool dcs_json_is_null(const struct dcs_json *node);  /* absent or null */
size_t dcs_json_count(const struct dcs_json *array); /* elements, or members of an object */
const struct dcs_json *dcs_json_first(const struct dcs_json *container);
const struct dcs_json *dcs_json_next(const struct dcs_json *element);
const char *dcs_json_name(const struct dcs_json *member); /* of an object member */

/* Loose: "1", 1, true; "123", 123; a number where text is wanted reads as its digits: no. */
const char *dcs_json_text(const struct dcs_json *object, const char *path); /* NULL when absent */
bool dcs_json_i64(const struct dcs_json *object, const char *path, int64_t *ret_value);
enum dcs_tri { DCS_UNKNOWN = 0, DCS_NO, DCS_YES };
enum dcs_tri dcs_json_tri(const struct dcs_json *object, const char *path);

/* Writing. New nodes are owned by the parent once added; adding to NULL or out of memory gives NULL or
 * false and leaves the node out. */
struct dcs_json *dcs_json_new_object(void);
struct dcs_json *dcs_json_new_array(void);
struct dcs_json *dcs_json_add_object(struct dcs_json *parent,
                                     const char *name); /* name NULL: array */
struct dcs_json *dcs_json_add_array(struct dcs_json *parent, const char *name);
bool dcs_json_add_text(struct dcs_json *parent, const char *name, const char *text);
bool dcs_json_add_i64(struct dcs_json *parent, const char *name, int64_t value);
bool dcs_json_add_bool(struct dcs_json *parent, const char *name, bool value);
bool dcs_json_add_time(struct dcs_json *parent, const char *name, int64_t when); /* RFC 3339 */
/* Puts a whole tree under parent; takes child, even on failure. */
bool dcs_json_attach(struct dcs_json *parent, const char *name, struct dcs_json *child);
bool dcs_json_print(const struct dcs_json *root, bool pretty, struct dcs_buf *out,
                    struct dcs_err *err) DCS_CHECKED;

#endif
