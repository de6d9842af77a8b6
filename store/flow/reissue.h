/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reissue.h - a new certificate under an order: one loop that starts and recovers (design.md 8).
 *
 * State is which files an open generation has (flow/cache_request.h); each call takes the next step
 * under the order's lock and returns, so waiting holds no lock and a killed process is gone on from.
 * At most one POST is sent for an intent unless the CA itself denied for ten minutes that it knows
 * the first, and the caller decided anew that it is still wanted.
 */
#ifndef DCS_FLOW_REISSUE_H
#define DCS_FLOW_REISSUE_H

#include "flow/accept.h"
#include "flow/api_change.h"
#include "flow/cache_request.h"

struct dcs_reissue_run {
    const struct dcs_env *env;
    const struct dcs_cache *cache; /* with the order's lock held */
    struct dcs_api *api;
    const struct dcs_order *order; /* as the CA described it just now */
    const struct dcs_limits *limits;
    bool may_repeat;                     /* a POST whose answer was lost: `sync` and `reissue` */
    bool impatient;                      /* a person waits: asks before next_look_at too */
    const struct dcs_secret *passphrase; /* of keys that lie encrypted on the disk, NULL none */
};

/* What is wanted, by policy or by a person. */
struct dcs_reissue_goal {
    const char *cause;    /* dcs_cause_name */
    const char *why;      /* in words */
    const char *input;    /* hash of what was decided on */
    bool is_duplicate;    /* `via = duplicate`, or the verb */
    const char *key_kind; /* "ec:P-256", ... */
    struct dcs_access access;
    const char *end_date;       /* "" none */
    const char *profile_option; /* "" none */
    int64_t expected_end;       /* 0 unknown */
    enum dcs_tri drift_disable_ct, drift_account;
    int drift_mode;
};

/*
 * Makes the key and writes what will be asked, up to the moment before the POST. intent: open one
 * without a request, or none at all (generation 0).
 */
bool dcs_reissue_begin(const struct dcs_reissue_run *run, const struct dcs_reissue_goal *goal,
                       struct dcs_intent *intent, struct dcs_err *err) DCS_CHECKED;

/*
 * The next step of an intent that has a request: POST, look for a lost answer, poll, download and
 * check. True: *ret_accepted is the certificate for the intent's key, to be committed into its
 * generation. False: PENDING (err says what is waited for), AWAY, LIMIT, DENIED (asked again at the
 * next step), REFUSED (closed.json was written; nothing will come), REJECTED (kept aside; asked again
 * later), STATE. *ret_denied with may_repeat, and PENDING: the CA denied it long enough; the caller
 * decides between the next two.
 */
bool dcs_reissue_step(const struct dcs_reissue_run *run, struct dcs_intent *intent,
                      bool *ret_denied, struct dcs_accepted *ret_accepted,
                      struct dcs_err *err) DCS_CHECKED;
/* After *ret_denied: the POST once more, for the same key, and the steps behind it. POLICY, and
 * abandoned, when a name that was asked for is not the order's any more. */
bool dcs_reissue_repeat(const struct dcs_reissue_run *run, struct dcs_intent *intent,
                        struct dcs_accepted *ret_accepted, struct dcs_err *err) DCS_CHECKED;
/* After *ret_denied: closed.json with why it is not asked for again (POLICY: no answer of the CA, and
 * no obstacle to a new intent). The key stays. */
bool dcs_reissue_abandon(const struct dcs_reissue_run *run, const struct dcs_intent *intent,
                         const char *why, struct dcs_err *err) DCS_CHECKED;

/* A request of somebody else that the order waits for; NULL when there is none. */
const struct dcs_order_request *dcs_reissue_foreign(const struct dcs_order *order,
                                                    const struct dcs_request *ours);

#endif
