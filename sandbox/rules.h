/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules.h - the CA's rules as pure functions: limits by date, the end of a certificate, reuse of
 * validations, names. No state, no clock; a table given by a test replaces the one that is built in.
 */
#ifndef SANDBOX_RULES_H
#define SANDBOX_RULES_H

#include "base.h"

enum sb_kind { SB_KIND_TLS, SB_KIND_PRIVATE_TLS, SB_KIND_EMAIL, SB_KIND_CODE };

/* From that day on so many days; ascending, the first from the beginning of time. */
struct sb_steps {
    struct {
        int64_t from;
        int64_t days;
    } list[8];
    size_t count; /* 0: the table that is built in */
};

/* The longest certificate of that kind on the day of issue. */
int64_t sb_rule_max_days(enum sb_kind kind, int64_t when, const struct sb_steps *tls);
/* How long a domain's validation is reused (OV and EV; DV never). */
int64_t sb_rule_reuse_days(int64_t when, const struct sb_steps *reuse);
/* Is clientAuth still given in public TLS on that day? */
bool sb_rule_gives_client_auth(int64_t when, int64_t end);

struct sb_span {
    int64_t from, till; /* midnight, and the last second of a day */
};

struct sb_term {
    int64_t max_days;
    int64_t order_end;  /* last second; 0: none */
    int64_t asked_days; /* 0: not asked */
    int64_t asked_end;  /* last second of a day that was named; 0: none */
    bool weekends_off;  /* the CA moves ends that nobody named off weekends and holidays */
};
/* Whichever is soonest: maximum, end of order, wish. */
struct sb_span sb_rule_span(const struct sb_term *term, int64_t when);

/* A host name that a public CA certifies: letters, digits, hyphens; a star alone and leftmost. */
bool sb_rule_is_host(const char *name, bool wildcard_allowed);
/* The domain whose validation covers the name: its last two labels. */
const char *sb_rule_domain_of(const char *name);
/* Does the wildcard in the list cover this name at any depth? */
bool sb_rule_is_below(const struct sb_names *names, const char *name);
/* Is a name of `before` missing from `after`? */
bool sb_rule_loses(const struct sb_names *before, const struct sb_names *after);

#endif
