/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits.h - how long things may last, by date of issue: the industry's maximum and the CA's own.
 *
 * Data with their sources (facts/policy.md 1 and 7). The CA announces its own dates only weeks
 * ahead, so each table can be corrected in the configuration, row by row. Days are 86400 s, both
 * ends counted (BR 6.3.2): what lasts N days ends at its begin + N days - 1 s.
 */
#ifndef DCS_MODEL_LIMITS_H
#define DCS_MODEL_LIMITS_H

#include "base/env.h"

enum dcs_limit {
    DCS_LIMIT_TLS = 0,      /* life of a public TLS certificate */
    DCS_LIMIT_CODE_SIGNING, /* of a code signing certificate */
    DCS_LIMIT_SMIME,        /* of an S/MIME certificate */
    DCS_LIMIT_SHORT_LIVED,  /* up to which a certificate needs neither CRL nor OCSP */
    DCS_LIMIT_DCV_REUSE,    /* for how long a domain's validation can be used again */
    DCS_LIMIT_SII_REUSE,    /* an organization's */
    DCS_LIMIT_COUNT
};

struct dcs_limit_row {
    int64_t from; /* UTC, first second */
    int industry_days, ca_days;
};

enum { DCS_LIMIT_ROWS = 32 };
/* Rows by date; the first with industry_days 0 ends a table. */
struct dcs_limits {
    struct dcs_limit_row tables[DCS_LIMIT_COUNT][DCS_LIMIT_ROWS];
    int64_t client_auth_stop; /* from then on public TLS has no EKU clientAuth */
};

/* What is compiled in. Static storage. */
const struct dcs_limits *dcs_limits_builtin(void);
/*
 * Lays "2027-03-15:100:99, 2029-03-15:47:46" (DATE:INDUSTRY:CA) over a table: a row of the same
 * date is replaced, others are added. False with *ret_why (static) and the table as it was.
 */
bool dcs_limits_correct(struct dcs_limits *limits, enum dcs_limit table, const char *text,
                        const char **ret_why) DCS_CHECKED;
/* The row in force at that time, NULL before the first. */
const struct dcs_limit_row *dcs_limit_at(const struct dcs_limits *limits, enum dcs_limit table,
                                         int64_t when);
/* YYYY-MM-DD as its first second, nothing else. */
bool dcs_limit_read_date(const char *text, int64_t *ret_when) DCS_CHECKED;

#endif
