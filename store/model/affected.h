/* SPDX-License-Identifier: Apache-2.0 */
/*
 * affected.h - a revocation notice as a list: serial numbers, thumbprints, order numbers or host names, one a
 * line, or the first column of a simple table with commas, semicolons or tabs between the columns.
 *
 * Works on bytes in memory. What is not understood is kept as a problem with its line, and never guessed at.
 */
#ifndef DCS_MODEL_AFFECTED_H
#define DCS_MODEL_AFFECTED_H

#include "model/uri.h"

enum { DCS_AFFECTED_BYTES_MAX = 16 << 20, DCS_AFFECTED_LINES_MAX = 1000000 };

struct dcs_affected_entry {
    int line;
    /* ORDER; NAME; SERIAL; THUMBPRINT (64 digits: SHA-256). 40 digits may be a serial number or a SHA-1
     * thumbprint, and come as SERIAL. */
    enum dcs_uri_kind kind;
    int64_t id;  /* of ORDER */
    char *value; /* host in lower case; hex in lower case without colons and leading zeros */
};

struct dcs_affected_problem {
    int line;
    char text[160];
};

struct dcs_affected {
    struct dcs_affected_entry *entries;
    size_t count;
    struct dcs_affected_problem *problems;
    size_t problem_count;
};

/* Fails only when out of memory, over the limits, or with DCS_E_INPUT where most lines say nothing. */
bool dcs_affected_parse(const char *text, size_t len, struct dcs_affected *ret_notice,
                        struct dcs_err *err) DCS_CHECKED;
void dcs_affected_clear(struct dcs_affected *notice);
#define dcs_affected_drop dcs_affected_clear

#endif
