/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_ct.h - Certificate Transparency: whether order, certificate and configuration agree, and
 * whether browsers would be content. Pure: counts and log ids in; OpenSSL is elsewhere.
 *
 * design.md section 7, facts/policy.md 2.2 and 2.5. No SCT is never success, and what cannot be
 * judged is unknown, not failed.
 */
#ifndef DCS_FLOW_POLICY_CT_H
#define DCS_FLOW_POLICY_CT_H

#include "io/json.h"
#include "model/config.h"

/* ---- in step? ---- */

/* What decides whether a reissue for drift makes sense; a record of it is kept before one is sent,
 * and removed when the certificate is in step. */
struct dcs_ct_wish {
    enum dcs_tri disable_ct; /* of the order */
    enum dcs_tri account_on; /* CT of the account, UNKNOWN when it was not asked */
    enum dcs_ct mode;        /* configured */
};

struct dcs_ct_facts {
    bool public_tls;  /* CT is judged for nothing else */
    int scts;         /* embedded; -1 malformed or repeated */
    int64_t lifetime; /* seconds, both ends counted */
    struct dcs_ct_wish wish;
};

enum dcs_ct_state {
    DCS_CT_NOT_JUDGED = 0, /* no public TLS, or no certificate */
    DCS_CT_UNKNOWN,        /* order does not say, or SCTs that cannot be read where none belong */
    DCS_CT_IN_STEP,
    DCS_CT_DRIFT_LOG,   /* the order logs, the certificate has no SCT that could be read */
    DCS_CT_DRIFT_FEW,   /* the order logs, the certificate has too few SCTs for its lifetime */
    DCS_CT_DRIFT_UNLOG, /* the order does not log, the certificate was: its names stay public */
    DCS_CT_MISMATCH,    /* order and configuration disagree: a person decides (verb `ct`) */
};
bool dcs_ct_is_drift(enum dcs_ct_state state);
const char *dcs_ct_state_name(enum dcs_ct_state state);

struct dcs_ct_judgement {
    enum dcs_ct_state state;
    bool repeated;   /* a drift that this very wish was already answered with a reissue for */
    char words[256]; /* for people; a MISMATCH ends with the command that changes the order */
};
/* answered: the record, NULL none. uri: the order's, for the command. */
void dcs_ct_judge(const struct dcs_ct_facts *facts, const struct dcs_ct_wish *answered,
                  const char *uri, struct dcs_ct_judgement *ret_judgement);

/* ---- the browsers' rule ---- */

enum dcs_log_state {
    DCS_LOG_UNKNOWN = 0, /* not in the list that we have */
    DCS_LOG_PENDING,
    DCS_LOG_QUALIFIED,
    DCS_LOG_USABLE,
    DCS_LOG_READONLY,
    DCS_LOG_RETIRED,
    DCS_LOG_REJECTED, /* its key is public (the mimic logs), or it never was one */
};

struct dcs_sct {
    unsigned char log_id[32];
    int64_t timestamp_ms;
    enum dcs_tri verified; /* signature over the precertificate; UNKNOWN without the log's key */
    const char *operator_name; /* NULL unknown */
    enum dcs_log_state log;
    int64_t retired_ms; /* of a RETIRED log, 0 unknown */
};

struct dcs_ct_browsers {
    enum dcs_tri content; /* UNKNOWN: no list, or one older than 70 days, and nothing against it */
    int counted, needed;  /* SCTs */
    int operators, operators_needed; /* 0 operators also when none is known */
    char words[160];
};
/* How many SCTs that lifetime needs: 2 up to 180 days, both ends counted, else 3. */
int dcs_ct_needed(int64_t lifetime);
/* list_age_s: of the log list, -1 when there is none. */
void dcs_ct_browsers(const struct dcs_sct *scts, size_t count, int64_t lifetime, int64_t list_age_s,
                     struct dcs_ct_browsers *ret_verdict);

#endif
