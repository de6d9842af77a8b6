/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_plan.h - whether a new certificate is to be asked for, how, why, and when that changes.
 *
 * Pure: facts and now in, a decision out; the same for `sync`, a verb, `show --at` (give that
 * day as now) and `reissue --dry-run`. It decides, it records nothing: what must be recorded is
 * named at each field. design.md section 7; facts/policy.md 3. Times are UTC seconds, ends
 * inclusive, -1 unknown unless said otherwise. A zeroed struct is a sound beginning except for
 * the times.
 */
#ifndef DCS_FLOW_POLICY_PLAN_H
#define DCS_FLOW_POLICY_PLAN_H

#include "flow/policy.h"
#include "flow/policy_ct.h"
#include "flow/policy_limits.h"
#include "flow/policy_names.h"
#include "model/maintenance.h"

/* Stronger ones later: what is merely due is also urgent one day. */
enum dcs_cause {
    DCS_CAUSE_NONE = 0,
    DCS_CAUSE_DUE,
    DCS_CAUSE_URGENT, /* urgent, critical or expired */
    DCS_CAUSE_CT_DRIFT,
    DCS_CAUSE_NO_PAIR, /* no certificate, or its private key is not here */
    DCS_CAUSE_REVOKED, /* or going to be, by the CA's word */
    DCS_CAUSE_VERB,    /* a person asks */
};
const char *dcs_cause_name(enum dcs_cause cause);
enum dcs_cause dcs_cause_from_name(const char *name); /* NONE when unknown: for request.json */

enum dcs_plan_action {
    DCS_PLAN_WAIT = 0,
    DCS_PLAN_REISSUE,
    DCS_PLAN_DUPLICATE,
    DCS_PLAN_REFUSED,     /* there is a cause, and something in the way that a person should know */
    DCS_PLAN_RENEWAL_DUE, /* a reissue gains no day: the order ends */
    DCS_PLAN_PENDING,     /* a request of ours is under way: carry on with it */
};
const char *dcs_plan_action_name(enum dcs_plan_action action);

enum dcs_plan_reason {
    DCS_WHY_GO = 0, /* REISSUE, DUPLICATE */
    /* PENDING */
    DCS_WHY_OURS_PENDING,
    /* WAIT */
    DCS_WHY_FRESH,       /* no cause before next_change */
    DCS_WHY_NEVER,       /* reissue = never, and nobody asks */
    DCS_WHY_LITTLE_GAIN, /* due, and waiting makes the next one longer or this one urgent */
    DCS_WHY_MAINTENANCE, /* due, and the CA is announced to be away: after the window */
    /* RENEWAL_DUE */
    DCS_WHY_ORDER_END,
    /* REFUSED */
    DCS_WHY_NO_ORDER,        /* order info was never read */
    DCS_WHY_NOT_ISSUED,      /* pending, needs approval, a status that we do not know, ... */
    DCS_WHY_ORDER_DEAD,      /* canceled, rejected or revoked as a whole */
    DCS_WHY_ORDER_ENDED,     /* its end has passed */
    DCS_WHY_CLOCK,           /* over an hour away from the CA's */
    DCS_WHY_PRODUCT,         /* not reissued without a person */
    DCS_WHY_SOFTWARE_KEY,    /* this product needs a key in a token */
    DCS_WHY_SUCCESSOR,       /* the renewed order serves */
    DCS_WHY_HELD,            /* a delivery was rolled back: due waits */
    DCS_WHY_CLIENT_AUTH,     /* client_auth = needed, and the CA gives it no more */
    DCS_WHY_FOREIGN_PENDING, /* somebody else's request is open at the CA */
    DCS_WHY_NAMES,           /* a name would go: 72-hour revocation */
    DCS_WHY_ANSWERED,        /* our last request was refused, rejected or cancelled; same input */
    DCS_WHY_NOT_TAKEN,       /* our last request never reached the CA, however often it was sent */
    DCS_WHY_TODAY_HERE,      /* three reissues made here on this UTC day */
    DCS_WHY_TODAY_THERE,     /* max_reissues_per_day seen at the CA: due waits */
    DCS_WHY_COUNT
};
/* A stable word for records and JSON ("foreign_pending"). */
const char *dcs_plan_reason_name(enum dcs_plan_reason reason);

/* The certificate that decides: what `current` names. */
struct dcs_plan_certificate {
    bool exists, has_key;
    bool revoked;            /* by the CA's word */
    bool revocation_pending; /* the CA will revoke it */
    bool is_held;            /* held.json: a delivery of a newer one was rolled back */
    bool client_auth;        /* it has EKU clientAuth */
    int scts;                /* dcs_cert_info.sct_count */
    int64_t not_before, not_after;
};

struct dcs_plan_order {
    bool known;                   /* order info was read; the rest counts only then */
    const char *uri;              /* "order/123", for commands in words; lent, NULL: "URI" */
    enum dcs_order_status status; /* REISSUE_PENDING counts as issued */
    enum dcs_product product;
    int64_t order_end; /* order_valid_till as it is in struct dcs_order */
    enum dcs_tri disable_ct, account_ct;
    bool has_successor; /* `successor` is configured and has a usable pair */
    /* The end of the certificate that order info names: a duplicate ends with it. 0: revoked or
     * none. -1: not known, a duplicate is then taken to get a life of its own. */
    int64_t primary_not_after;
    int64_t dcv_valid_until; /* first of the domains', -1 unknown; decides nothing, see below */
    int64_t organization_valid_until; /* the same of its organization; -1 or 0 unknown */
};

struct dcs_plan_settings {
    const struct dcs_limits *limits; /* dcs_settings.limits */
    enum dcs_reissue reissue;
    enum dcs_via via;
    enum dcs_ct ct;
    bool client_auth_needed;
    bool key_in_token; /* key = pkcs11:... */
    bool human_approval;
    int64_t max_reissues_per_day;
};

/* A request that is open at the CA, or an intent of ours that is not. */
struct dcs_plan_request {
    bool exists;
    int64_t id;    /* 0 unknown */
    int64_t since; /* -1 unknown */
};

/* Our last intent when it ended without a certificate (closed.json) and nothing newer came. */
struct dcs_plan_closed {
    bool exists;
    int64_t asked_at;     /* when its request was written */
    enum dcs_cause cause; /* of request.json */
    bool input_changed;   /* names, key kind, order_end, settings or `current` differ since then */
    int64_t
        again_at; /* the CA never took it, and refused nothing: asked anew from then; 0 refused */
};

struct dcs_plan_facts {
    struct dcs_plan_certificate certificate;
    struct dcs_plan_order order;
    struct dcs_plan_settings settings;
    struct dcs_plan_request ours, foreign;
    struct dcs_plan_closed closed;
    const struct dcs_spans *windows; /* announced maintenance; NULL none */
    uint64_t hash;                   /* H(salt, order, serial): first 8 bytes of the SHA-256 */
    bool verb; /* a person asks now; one who names the way (`duplicate`) sets settings.via */
    bool allow_san_change;
    const struct dcs_names_diff *names; /* request against what the CA has; NULL not compared yet */
    int64_t clock_skew_s; /* now minus the Date of the answer just fetched; 0 without one */
    /* Reissues and duplicates of that UTC day (midnight of it); on other days they are none. */
    int64_t counted_day;
    int made_here, seen_there;
    /* Records (memo.json). */
    int64_t end_of_order;               /* order_end for which dcs_plan_is_end said yes; 0 none */
    bool custom_end_refused;            /* the CA refused custom_expiration_date for order_end */
    const struct dcs_ct_wish *answered; /* written before a CT_DRIFT request is sent; NULL none */
};

/* First seconds of each stage, for the certificate in hand; all -1 without one. */
struct dcs_plan_dates {
    int64_t due; /* with spread, approval and plan point */
    int64_t warn, urgent, critical, expires;
    int64_t plan_point; /* P: from then on a new one reaches the order's end; -1 does not count */
    int64_t order_end;
    int64_t renew_from; /* the order can be renewed from then (90 days before), -1 unknown */
};

struct dcs_plan {
    enum dcs_plan_action action;
    enum dcs_cause cause;
    enum dcs_plan_reason reason;
    char words[384]; /* one or two sentences for a person, without full stop at the end */

    /* What to ask for, when it is REISSUE or DUPLICATE. */
    int64_t ask_end;      /* custom_expiration_date is this day; 0 leave it out */
    bool ask_client_auth; /* profile_option = server_client_auth_eku */
    int64_t expected_end; /* notAfter to expect if asked now; -1 nothing known */
    int64_t gain_s; /* expected_end - notAfter of the cached one (- now without one); may be < 0 */

    enum dcs_stage stage; /* by the dates below, plan point included */
    struct dcs_plan_dates dates;
    struct dcs_ct_judgement ct;
    bool dcv_lapses; /* domain validation ends before the next request, or within 7 days of it */
    bool organization_lapses; /* the same of its organization's */
    /* Announced maintenance: the window that plays a part here, end 0 without one. */
    struct dcs_span window;
    bool in_window;     /* now is inside: the CA may not answer */
    bool hurried;       /* URGENT ahead of its time, which lies inside the window */
    int64_t held_until; /* DCS_WHY_MAINTENANCE: asked for then, 0 otherwise */
    int64_t moved_to;   /* FRESH: asked for then and not when due, because of the window; 0 no */
    /* The first second at which action, cause or reason change if no fact does; -1 never. */
    int64_t next_change;
    /* REFUSED and RENEWAL_DUE are said when they were last said before this moment: foreign requests
     * at once and again at warn, urgent and critical, an ending order once a day. */
    int64_t say_since;
};

/* settings.limits must be set. */
void dcs_plan_decide(const struct dcs_plan_facts *facts, int64_t now, struct dcs_plan *ret_plan);
void dcs_plan_dates(const struct dcs_plan_facts *facts, struct dcs_plan_dates *ret_dates);

/*
 * On the commit of an answer: whether what came is the order's end although it ends up to four days
 * earlier, because the CA moves ends off weekends. expected_end is of the decision that asked.
 * Record order_end in end_of_order then, or those days are asked for again and again.
 */
bool dcs_plan_is_end(int64_t order_end, int64_t expected_end, int64_t came_not_after);

#endif
