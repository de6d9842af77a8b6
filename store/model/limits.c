// SPDX-License-Identifier: Apache-2.0
/* limits.c - the tables of maximum lifetimes, and how the configuration corrects them. */
#include "model/limits.h"

#include <string.h>

enum { DAYS_MAX = 9999, TEXT_MAX = 1024 };

/* Tags S, S2, I: read in a primary source, in a secondary one, inferred (facts/policy.md). */
static const struct dcs_limits builtin = {
    .tables = {
        [DCS_LIMIT_TLS] = {
            { 0, 1187, 1187 },        /* 39 months from 2015-04-01 (BR, S), as days */
            { 1519862400, 825, 825 }, /* 2018-03-01, BR (S) */
            { 1598572800, 825, 397 }, /* 2020-08-28, DigiCert goes first (S) */
            { 1598918400, 398, 397 }, /* 2020-09-01, BR (S) */
            { 1771891200, 398, 199 }, /* 2026-02-24, DigiCert goes first (S) */
            { 1773532800, 200, 199 }, /* 2026-03-15, BR 2.2.6, 6.3.2 (S) */
            { 1805068800, 100, 99 },  /* 2027-03-15, BR (S); DigiCert's date is not announced (I) */
            { 1868227200, 47, 46 },   /* 2029-03-15, BR (S); DigiCert says "by 2029" */
        },
        [DCS_LIMIT_CODE_SIGNING] = {
            { 0, 1187, 1187 },         /* 39 months (CSBR, S), as days */
            { 1771891200, 1187, 459 }, /* 2026-02-24, DigiCert (S) */
            { 1772323200, 460, 459 },  /* 2026-03-01, CSC-31 (S) */
        },
        [DCS_LIMIT_SMIME] = {
            { 0, 1185, 1184 },         /* the Legacy profile (S) */
            { 1752105600, 1185, 824 }, /* 2025-07-10, DigiCert stops it (S) */
            { 1752537600, 825, 824 },  /* 2025-07-15, S/MIME BR: Multipurpose, Strict (S) */
        },
        [DCS_LIMIT_SHORT_LIVED] = {
            { 1710460800, 10, 10 }, /* 2024-03-15, BR 7.1.2.11.2 (S) */
            { 1773532800, 7, 7 },   /* 2026-03-15 (S) */
        },
        [DCS_LIMIT_DCV_REUSE] = {
            { 0, 398, 397 },          /* BR 4.2.1 (S) */
            { 1771891200, 398, 199 }, /* 2026-02-24, DigiCert (S) */
            { 1773532800, 200, 199 }, /* 2026-03-15 (S) */
            { 1805068800, 100, 99 },  /* 2027-03-15 (S); DigiCert's own days inferred (I) */
            { 1868227200, 10, 9 },    /* 2029-03-15 (S); DigiCert's own days inferred (I) */
        },
        [DCS_LIMIT_SII_REUSE] = {
            { 0, 825, 825 },          /* BR 4.2.1 (S) */
            { 1771891200, 825, 397 }, /* 2026-02-24, DigiCert (S) */
            { 1773532800, 398, 397 }, /* 2026-03-15 (S) */
        },
    },
    .client_auth_stop = 1803859200, /* 2027-03-01, DigiCert ALERT53 of 2026-03-03 (S) */
};

const struct dcs_limits *dcs_limits_builtin(void)
{
    return &builtin;
}

static size_t row_count(const struct dcs_limit_row *rows)
{
    size_t count = 0;

    while (count < DCS_LIMIT_ROWS && rows[count].industry_days)
        count++;
    return count;
}

const struct dcs_limit_row *dcs_limit_at(const struct dcs_limits *limits, enum dcs_limit table,
                                         int64_t when)
{
    const struct dcs_limit_row *rows = limits->tables[table];
    const struct dcs_limit_row *found = NULL;
    size_t count = row_count(rows);

    for (size_t i = 0; i < count && rows[i].from <= when; i++)
        found = &rows[i];
    return found;
}

bool dcs_limit_read_date(const char *text, int64_t *ret_when)
{
    /* The length alone keeps times and zones out, which dcs_time_parse would take. */
    return strlen(text) == 10 && dcs_time_parse(text, ret_when);
}

static bool read_days(const char *text, int *ret_days)
{
    int64_t days = 0;

    if (!dcs_parse_i64(text, 1, DAYS_MAX, &days))
        return false;
    *ret_days = (int)days;
    return true;
}

/* "2027-03-15:100:99", blanks around it allowed; text is cut up. */
static const char *read_row(char *text, struct dcs_limit_row *ret_row)
{
    char *date = text + strspn(text, " \t");
    char *industry = strchr(date, ':');
    char *ca = industry ? strchr(industry + 1, ':') : NULL;

    if (!ca)
        return "expected rows such as 2027-03-15:100:99 (DATE:INDUSTRY_DAYS:CA_DAYS)";
    ca[1 + strcspn(ca + 1, " \t")] = '\0';
    *industry++ = '\0';
    *ca++ = '\0';
    if (!dcs_limit_read_date(date, &ret_row->from))
        return "expected a date such as 2027-03-15 in each row";
    if (!read_days(industry, &ret_row->industry_days) || !read_days(ca, &ret_row->ca_days))
        return "expected days from 1 to 9999 in each row";
    if (ret_row->ca_days > ret_row->industry_days)
        return "the CA's own days cannot be more than the industry's";
    return NULL;
}

static bool put_row(struct dcs_limit_row *rows, const struct dcs_limit_row *row)
{
    size_t count = row_count(rows);
    size_t at = 0;

    while (at < count && rows[at].from < row->from)
        at++;
    if (at == count || rows[at].from != row->from) {
        if (count == DCS_LIMIT_ROWS)
            return false;
        memmove(&rows[at + 1], &rows[at], (count - at) * sizeof(*rows));
    }
    rows[at] = *row;
    return true;
}

/* What follows a row may only be blanks and the comma before the next one. */
static bool ends_cleanly(const char *row)
{
    const char *at = row + strspn(row, " \t");

    at += strcspn(at, " \t");
    return at[strspn(at, " \t")] == '\0';
}

bool dcs_limits_correct(struct dcs_limits *limits, enum dcs_limit table, const char *text,
                        const char **ret_why)
{
    struct dcs_limit_row rows[DCS_LIMIT_ROWS];
    char copy[TEXT_MAX];
    char *next = copy;

    *ret_why = "too long";
    if (strlen(text) >= sizeof(copy))
        return false;
    memcpy(copy, text, strlen(text) + 1);
    memcpy(rows, limits->tables[table], sizeof(rows));
    while (next) {
        struct dcs_limit_row row;
        char *comma = strchr(next, ',');
        if (comma)
            *comma = '\0';
        *ret_why = ends_cleanly(next) ? NULL : "expected a comma between rows";
        if (!*ret_why)
            *ret_why = read_row(next, &row);
        if (!*ret_why && !put_row(rows, &row))
            *ret_why = "too many rows";
        if (*ret_why)
            return false;
        next = comma ? comma + 1 : NULL;
    }
    memcpy(limits->tables[table], rows, sizeof(rows));
    return true;
}
