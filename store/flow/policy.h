/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.h - what a certificate's dates mean, and what a load does about it. Pure: facts,
 * settings and now in, a decision with its reason out; no clock, no file, no randomness.
 *
 * Formulas: design.md section 7, facts/policy.md 3.3. Times are UTC seconds, ends inclusive.
 */
#ifndef DCS_FLOW_POLICY_H
#define DCS_FLOW_POLICY_H

#include "io/json.h"

enum dcs_stage {
    DCS_STAGE_NONE = 0, /* no certificate at all */
    DCS_STAGE_FRESH,
    DCS_STAGE_DUE,
    DCS_STAGE_URGENT,
    DCS_STAGE_CRITICAL,
    DCS_STAGE_EXPIRED,
    DCS_STAGE_REVOKED, /* by the CA's word */
};
const char *dcs_stage_name(enum dcs_stage stage);

/* A certificate's life. */
struct dcs_life {
    int64_t not_before, not_after;
    int64_t spread_s; /* H(salt, order, serial) mod L/30: dcs_policy_spread */
    bool human_approval;
    bool revoked;
};

struct dcs_life_times {
    int64_t due, warn, urgent, critical; /* the first second of each stage */
};

void dcs_policy_times(const struct dcs_life *life, struct dcs_life_times *ret_times);
enum dcs_stage dcs_policy_stage(const struct dcs_life *life, int64_t now);
/* hash: 8 bytes of SHA-256(salt, order, serial), so that each host and each serial has its own. */
int64_t dcs_policy_spread(const struct dcs_life *life, uint64_t hash);

/* What a load knows before it decides. */
struct dcs_load_facts {
    enum dcs_stage stage; /* of what the cache offers; NONE when it offers nothing */
    bool has_key;         /* of that generation */
    bool is_auto;         /* reissue = auto applies to this order */
    bool is_pinned;       /* a pin or certificate/ID: exactly this one, however old */
    bool server_auth;     /* the leaf has EKU serverAuth */
    enum dcs_tri serve_expired;
};

enum dcs_action {
    DCS_ACT_SERVE = 0,          /* no network, no lock, no write */
    DCS_ACT_REFRESH_THEN_SERVE, /* one attempt within refresh_deadline when nobody else is at it */
    DCS_ACT_FETCH_OR_SERVE,     /* expired or revoked: as before, and served all the same */
    DCS_ACT_FETCH,              /* nothing usable: one attempt within load_deadline, or an error */
};

struct dcs_decision {
    enum dcs_action action;
    bool heeds_next_try; /* no attempt before the time that the last one left */
    char reason[128]; /* in words, for errors and traces: "expired on 2026-01-01" is the caller's */
};
void dcs_policy_load(const struct dcs_load_facts *facts, struct dcs_decision *ret_decision);
/* serve_expired with its default: yes when the leaf has EKU serverAuth, else no; pins always. */
bool dcs_policy_serves_expired(const struct dcs_load_facts *facts);

#endif
