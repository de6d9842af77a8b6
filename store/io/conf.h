/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf.h - a file in OpenSSL's configuration syntax (config(5ssl)), read with NCONF.
 *
 * NCONF keeps no line numbers, drops text after ']', lets duplicates win silently, eats quotes and
 * expands '$'. A second, plain scan of the same bytes finds lines, duplicates and stray text. Both
 * results are here: values from NCONF, positions and complaints from the scan.
 */
#ifndef DCS_IO_CONF_H
#define DCS_IO_CONF_H

#include "base/buf.h"

struct dcs_conf;

struct dcs_conf_value {
    const char *section; /* "default" for what stands before the first section */
    const char *name;
    const char *value; /* trimmed */
    int line;          /* 0 when the scan did not find it (an .include'd file) */
};

struct dcs_conf_complaint {
    int line;
    char section[128]; /* "" when it concerns the whole file */
    char text[256];    /* "duplicate of line 12", "text after ']' is ignored by OpenSSL" ... */
};

/* Syntax errors that NCONF reports fail with DCS_E_CONFIG and the line. `origin` is for messages. */
bool dcs_conf_parse(const char *text, size_t len, const char *origin, struct dcs_conf **ret_conf,
                    struct dcs_err *err) DCS_CHECKED;
void dcs_conf_free(struct dcs_conf *conf);
void dcs_conf_drop(struct dcs_conf **conf);
size_t dcs_conf_section_count(const struct dcs_conf *conf); /* in file order, "default" first */
const char *dcs_conf_section(const struct dcs_conf *conf, size_t index);
int dcs_conf_section_line(const struct dcs_conf *conf, size_t index);
size_t dcs_conf_value_count(const struct dcs_conf *conf);
const struct dcs_conf_value *dcs_conf_value(const struct dcs_conf *conf, size_t index);
size_t dcs_conf_complaint_count(const struct dcs_conf *conf);
const struct dcs_conf_complaint *dcs_conf_complaint(const struct dcs_conf *conf, size_t index);

#endif
