// SPDX-License-Identifier: Apache-2.0
/* affected.c - the lines of a revocation notice; reads bytes, asks nobody. */
#include "model/affected.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

enum {
    CELL_MAX = 512,
    SERIAL_MIN = 8,  /* hex digits; fewer say nothing */
    SERIAL_MAX = 40, /* 20 octets (RFC 5280) */
    SHA256_DIGITS = 64,
    ORDER_DIGITS = 18,
    SHOWN = 40,
};

void dcs_affected_clear(struct dcs_affected *notice)
{
    for (size_t i = 0; i < notice->count; i++)
        free(notice->entries[i].value);
    free(notice->entries);
    free(notice->problems);
    *notice = (struct dcs_affected){ 0 };
}

/* ---- growing ---- */

static bool is_full(size_t count)
{
    return (count & (count + 1)) == 0; /* 0, 1, 3, 7, ... */
}

static bool add_entry(struct dcs_affected *notice, const struct dcs_affected_entry *entry,
                      const char *value, struct dcs_err *err)
{
    if (is_full(notice->count)) {
        void *bigger = realloc(notice->entries, (2 * notice->count + 2) * sizeof(*notice->entries));
        if (!bigger)
            return dcs_fail(err, DCS_E_NOMEM, "out of memory");
        notice->entries = bigger;
    }
    struct dcs_affected_entry *to = &notice->entries[notice->count];
    *to = *entry;
    if (!dcs_str_copy(value, &to->value, err))
        return false;
    notice->count++;
    return true;
}

static bool add_problem(struct dcs_affected *notice, int line, const char *cell,
                        struct dcs_err *err)
{
    char clean[CELL_MAX + 1];

    if (is_full(notice->problem_count)) {
        void *bigger =
            realloc(notice->problems, (2 * notice->problem_count + 2) * sizeof(*notice->problems));
        if (!bigger)
            return dcs_fail(err, DCS_E_NOMEM, "out of memory");
        notice->problems = bigger;
    }
    struct dcs_affected_problem *to = &notice->problems[notice->problem_count++];
    to->line = line;
    dcs_clean_text(cell, clean, sizeof(clean));
    snprintf(to->text, sizeof(to->text),
             "\"%.*s%s\" is no serial number, thumbprint, order number or host name", SHOWN, clean,
             strlen(clean) > SHOWN ? "..." : "");
    return true;
}

/* ---- one cell ---- */

/* The digits of hex with colons, dashes or blanks between them, in lower case. False: it is not. */
static bool only_hex(const char *cell, char out[CELL_MAX + 1], size_t *ret_len)
{
    size_t len = 0;

    if (cell[0] == '0' && (cell[1] == 'x' || cell[1] == 'X'))
        cell += 2;
    for (; *cell; cell++) {
        if (isxdigit((unsigned char)*cell))
            out[len++] = (char)tolower((unsigned char)*cell);
        else if (!strchr(":- ", *cell))
            return false;
    }
    out[len] = '\0';
    *ret_len = len;
    return len > 0;
}

static bool read_hex(const char *cell, struct dcs_affected_entry *entry, char out[CELL_MAX + 1])
{
    char hex[CELL_MAX + 1];
    size_t len = 0;

    if (!only_hex(cell, hex, &len) || len < SERIAL_MIN ||
        (len > SERIAL_MAX + 2 && len != SHA256_DIGITS))
        return false;
    entry->kind = len == SHA256_DIGITS ? DCS_URI_THUMBPRINT : DCS_URI_SERIAL;
    const char *digits = hex + strspn(hex, "0");
    snprintf(out, CELL_MAX + 1, "%s", *digits ? digits : "0");
    return entry->kind == DCS_URI_THUMBPRINT || strlen(out) <= SERIAL_MAX;
}

static bool read_host(const char *cell, struct dcs_affected_entry *entry, char out[CELL_MAX + 1])
{
    entry->kind = DCS_URI_NAME;
    return strchr(cell, '.') && dcs_host_normalize(cell, out, CELL_MAX + 1);
}

/* order/123, digicert://serial/0A1B, name/www.example.com */
static bool read_uri(const char *cell, struct dcs_affected_entry *entry, char out[CELL_MAX + 1])
{
    struct dcs_uri uri;

    if (!strchr(cell, '/') || !dcs_uri_parse_loose(cell, &uri, NULL))
        return false;
    entry->id = uri.id;
    switch (uri.kind) {
    case DCS_URI_ORDER:
        entry->kind = uri.kind;
        out[0] = '\0';
        return true;
    case DCS_URI_SERIAL:
    case DCS_URI_THUMBPRINT:
        return read_hex(uri.value, entry, out);
    case DCS_URI_NAME:
        return read_host(uri.value, entry, out);
    case DCS_URI_LIST:
    case DCS_URI_CERTIFICATE:
    case DCS_URI_ALTERNATE:
        break;
    }
    return false;
}

static bool read_cell(const char *cell, struct dcs_affected_entry *entry, char out[CELL_MAX + 1])
{
    out[0] = '\0';
    entry->kind = DCS_URI_ORDER;
    if (strlen(cell) <= ORDER_DIGITS && dcs_id_parse(cell, strlen(cell), &entry->id))
        return true;
    return read_uri(cell, entry, out) || read_hex(cell, entry, out) || read_host(cell, entry, out);
}

/* ---- lines ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\0';
}

/* The first column, without blanks and quotes around it. False: it is too long to be anything. */
static bool first_cell(const char *line, size_t len, char out[CELL_MAX + 1])
{
    size_t begin = 0;

    while (begin < len && is_blank(line[begin]))
        begin++;
    bool quoted = begin < len && line[begin] == '"';
    begin += quoted;
    size_t end = begin;
    while (end < len && (quoted ? line[end] != '"' : !strchr(",;\t", line[end])))
        end++;
    while (end > begin && is_blank(line[end - 1]))
        end--;
    bool fits = end - begin <= CELL_MAX;
    size_t kept = fits ? end - begin : CELL_MAX;
    memcpy(out, line + begin, kept);
    out[kept] = '\0';
    return fits && strlen(out) == kept;
}

/* "Serial Number", "order_id", "Common Name", ...: the head of a table. */
static bool is_head(const char *cell)
{
    static const char *const heads[] = {
        "serial",     "serialnumber", "certificateserialnumber",
        "serialno",   "thumbprint",   "fingerprint",
        "order",      "orderid",      "ordernumber",
        "orderno",    "name",         "commonname",
        "hostname",   "host",         "domain",
        "domainname", "dnsname",      "cn",
    };
    char word[32];
    size_t len = 0;

    for (; *cell && len + 1 < sizeof(word); cell++)
        if (isalnum((unsigned char)*cell))
            word[len++] = (char)tolower((unsigned char)*cell);
    word[len] = '\0';
    for (size_t i = 0; i < DCS_COUNT(heads); i++)
        if (strcmp(word, heads[i]) == 0)
            return true;
    return false;
}

/* Rows of nothing but separators are what spreadsheets write below a table. */
static bool is_empty_row(const char *line, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!is_blank(line[i]) && !strchr(",;\"", line[i]))
            return false;
    return true;
}

static bool read_line(struct dcs_affected *notice, const char *line, size_t len, int number,
                      struct dcs_err *err)
{
    struct dcs_affected_entry entry = { .line = number };
    char cell[CELL_MAX + 1];
    char value[CELL_MAX + 1];

    bool fits = first_cell(line, len, cell);
    if (cell[0] == '#' || is_empty_row(line, len))
        return true;
    if (cell[0] == '\0') { /* the serial numbers may be in another column */
        size_t shown = len < CELL_MAX ? len : CELL_MAX;
        memcpy(cell, line, shown);
        cell[shown] = '\0';
        return add_problem(notice, number, cell, err);
    }
    if (fits && read_cell(cell, &entry, value))
        return add_entry(notice, &entry, value, err);
    if (notice->count + notice->problem_count == 0 && is_head(cell))
        return true;
    return add_problem(notice, number, cell, err);
}

bool dcs_affected_parse(const char *text, size_t len, struct dcs_affected *ret_notice,
                        struct dcs_err *err)
{
    dcs_auto(dcs_affected) struct dcs_affected notice = { 0 };
    size_t at = len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;

    if (len > DCS_AFFECTED_BYTES_MAX)
        return dcs_fail(err, DCS_E_INPUT, "a list of over %d MiB is not read",
                        DCS_AFFECTED_BYTES_MAX >> 20);
    for (int number = 1; at < len; number++) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t width = end ? (size_t)(end - (text + at)) : len - at;
        if (number > DCS_AFFECTED_LINES_MAX)
            return dcs_fail(err, DCS_E_INPUT, "a list of over %d lines is not read",
                            DCS_AFFECTED_LINES_MAX);
        if (!read_line(&notice, text + at, width, number, err))
            return false;
        at += width + 1;
    }
    if (notice.problem_count > notice.count) {
        dcs_fail(err, DCS_E_INPUT, "line %d: %s; most lines are not understood",
                 notice.problems[0].line, notice.problems[0].text);
        return dcs_hint(err,
                        "one serial number, thumbprint, order number or host name a line, or in "
                        "the first column of a CSV file");
    }
    *ret_notice = notice;
    notice = (struct dcs_affected){ 0 };
    return true;
}
