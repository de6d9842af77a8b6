/* SPDX-License-Identifier: Apache-2.0 */
/* site.h - one site of the hundred years: its orders one after the other, what people do to them, and a
 * ledger of what was caused by whom. */
#ifndef DCS_TESTS_SITE_H
#define DCS_TESTS_SITE_H

#include "sim.h"

/* How a CA and its people treat a kind of order. */
struct kind {
    const char *name, *product, *switches;
    int years;
    bool logs;       /* public TLS: CT means something */
    bool is_private; /* no industry limit */
    bool is_email;
    int people_days; /* a person at work there acts within so many days; 0: nobody is needed */
    bool may_reject;
    const char *order, *section; /* further members of the order, further lines of the section */
};
extern const struct kind kinds[];
extern const size_t kind_count;

/* What new certificates were caused by: counted from request.json, bounded by what was done. */
enum cause { BY_PLAN, BY_DRIFT, BY_NO_PAIR, BY_REVOCATION, BY_VERB, BY_CA, CAUSES };

struct site {
    const struct kind *kind;
    int number;
    struct sim_host host;
    int64_t order; /* 0: none now */
    int64_t begin, order_end;
    int names;                     /* besides the common name */
    struct sim_pair pair, earlier; /* the last one that was seen, and the one before */
    int64_t since;
    char known[96][65]; /* serials that were counted: an older pair may be served again */
    int known_count;
    bool has_pair, was_pending;
    int64_t people_at, rejected_at, remedy_at; /* 0: not */
    int rejections, reissued_elsewhere;
    int seen[CAUSES], allowed[CAUSES]; /* of the order at hand */
    int plan_before;                   /* what the plan allowed until the last other certificate */
    struct sim_pair segment;           /* since then */
    int64_t revoked_at, acted_at;      /* by people */
    int64_t next_timer, checked_at;
    int64_t last_disturbed; /* then an answer may have been lost */
    bool is_open;           /* the last sync did not come to its end */
    char *journal, last_note[400];
};

struct country {
    struct sim sim;
    struct site *sites;
    int count;
    bool is_down, was_killed;
    int64_t outage_begins, outage_ends, next_loss;
    int64_t faults_left; /* losses that wait for their request */
    int never_arrived;   /* requests that were lost on the way to the CA: at most so many */
    int sent_again;      /* POSTs of an intent beyond its first */
    int revoked;         /* by us who play the people */
    int64_t next_order;
    struct {
        int64_t order_s, excused_s, outages, lost, acts, pending, certificates, orders;
        int64_t by[CAUSES];
    } sum;
};

/* ---- site.c: orders and the ledger ---- */
void site_begin_order(struct country *c, struct site *site);
/* After a sync: what is served is right, and nothing was asked for without a reason. */
void site_check(struct country *c, struct site *site);
/* The order has ended: the CA's own list agrees with what was counted here. */
void site_end_order(struct country *c, struct site *site);
bool site_waits(struct country *c, const struct site *site); /* a request is open at the CA */
struct dcs_json *site_at_ca(struct country *c, const struct site *site);

/* ---- journal.c ---- */
enum { JOURNAL_MAX = 1 << 15 };
/* A line for when the test ends by this order; not twice the same. */
void site_note(struct country *c, struct site *site, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void country_note(struct country *c, const char *text);
/* Ends the test, with what both sides and the journal know of the order. */
void site_fail(struct country *c, const struct site *site, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Ends the test: whose certificates the CA is going to revoke, and why. */
void site_tell_revocations(struct country *c);

/* ---- people.c: what happens to orders and to the CA ---- */
void people_act(struct country *c, struct site *site);
void outages_act(struct country *c);
/* Whether an answer was lost in what the site's host just did. */
void outages_note(struct country *c, struct site *site);

#endif
