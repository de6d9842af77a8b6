/* SPDX-License-Identifier: Apache-2.0 */
/* store_fetch.h - an attempt under way, between store_fetch.c, store_reissue.c and store_plan.c. */
#ifndef DCS_STORE_FETCH_H
#define DCS_STORE_FETCH_H

#include "flow/cache_validation.h"
#include "flow/policy_plan.h"
#include "flow/reissue.h"
#include "store_instance.h"

struct fetch {
    struct job *job;
    int64_t id;
    char canonical[64];
    int64_t began_boot_ms;
    const char *seen_dir; /* the generation that our caller knew, "" none */
    bool only_if_free;    /* and only when the time for the next try has come */
    bool never_waits;     /* for a lock */
    struct dcs_deadline deadline;
    bool begins_nothing, may_repeat;
    const struct dcs_wish *wish; /* what a person asks for, NULL: what policy wants */
    struct dcs_lock cold, lock;  /* cold while the order has no directory */
    struct dcs_memo memo;
    struct dcs_order_settings settings;
    bool reissued;        /* this attempt took in a new certificate for a key of ours */
    int64_t look_again_s; /* a request of ours is under way: when to look again, 0 none */
};

/* Who may read the order's keys, by its settings. */
bool dcs_fetch_access(const struct job *job, const struct dcs_order_settings *settings,
                      struct dcs_access *ret_access, struct dcs_err *err) DCS_CHECKED;

/* store_passphrase.c. What key_passphrase_file holds; KEY_FILE when it cannot be used. */
bool dcs_fetch_passphrase(const struct job *job, const struct dcs_order_settings *settings,
                          struct dcs_secret *ret_passphrase, struct dcs_err *err) DCS_CHECKED;
/* The key as it is to lie on the disk when that is encrypted; *ret_sealed stays untouched when not. */
bool dcs_fetch_seal(const struct job *job, const struct dcs_order_settings *settings,
                    const struct dcs_key *key, struct dcs_key *ret_sealed,
                    struct dcs_err *err) DCS_CHECKED;

/* After a commit: the order that this one succeeds serves its pair from now on, when it is usable. Takes
 * that order's lock, with no other held; whoever is killed before is made up for by `sync`. */
void dcs_fetch_lead(struct job *job, int64_t order);

/* store_issued.c: the certificate that order info names, when it is not here yet. REJECTED: it was set
 * aside, and nothing here changed. */
bool dcs_fetch_issued(struct fetch *f, struct dcs_api *api, const struct dcs_order *order,
                      struct dcs_err *err) DCS_CHECKED;

/* store_issued.c: a certificate of that id for a key that is kept here, by its public key. False when it
 * is not to be had now, or nothing that is here would be bettered; that stops nothing. */
bool dcs_fetch_adopt(struct fetch *f, struct dcs_api *api, const struct dcs_order *order,
                     int64_t certificate_id, const uint8_t spki_sha256[DCS_SHA256_LEN]);

/* store_lists.c: what the lists of reissues and duplicates say of pairs that order info does not name,
 * and of keys whose request was closed. True when that changed what is here. */
bool dcs_fetch_lists(struct fetch *f, struct dcs_api *api, const struct dcs_order *order);
struct plan_input;
/* Whether those lists are worth another look by now, by what lies here. */
bool dcs_lists_are_due(const struct plan_input *input, const struct dcs_order *order, int64_t now);

/* store_reissue.c: after order info was read and what the CA has issued was fetched: begins a reissue when policy or a
 * person wants one, or takes the next step of the one that is open. True also when there is
 * nothing to do. */
bool dcs_fetch_reissue(struct fetch *f, struct dcs_api *api, const struct dcs_order *order,
                       struct dcs_err *err) DCS_CHECKED;

/* ---- store_plan.c: the facts that policy decides on, from files and order info ---- */

struct plan_input {
    struct dcs_plan_facts facts;
    struct dcs_names_diff names;
    struct dcs_ct_wish answered;
    struct dcs_validation_ends validation;
    bool has_kept_key; /* of a request that was closed */
    char input[65];    /* hash of what a refusal was answered to */
    struct dcs_memo memo;
    bool has_intent, intent_was_sent; /* a request was written here; the CA may know it */
    int64_t intent_wait_s;            /* until its next step */
    struct dcs_plan_here {
        char serial[65], common_name[256];
        int64_t certificate_id, committed_at;
    } here; /* of `current`; "" none */
    char uri[40];
};
struct plan_query {
    int64_t id;
    const struct dcs_order *order; /* NULL: never read */
    const struct dcs_order_settings *settings;
    int64_t now;  /* of the decision */
    bool is_anew; /* as if the open request had never been sent: the CA does not know it */
};
bool dcs_plan_gather(struct job *job, const struct plan_query *query, struct plan_input *ret_input,
                     struct dcs_err *err) DCS_CHECKED;
/* Whether the certificate would be urgent (or worse), were it the one that `current` names. */
bool dcs_plan_would_be_urgent(struct job *job, int64_t id, const struct dcs_order *order,
                              const struct dcs_order_settings *settings,
                              const struct dcs_bundle *bundle);

#endif
