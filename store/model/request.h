/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request.h - one submission to the CA, as request.json keeps it: what was asked and why, when, and
 * what is known of its fate. Written and synced before the CA is asked, so that a lost answer is
 * found again by tag, request id or public key; never a second submission on a guess.
 */
#ifndef DCS_MODEL_REQUEST_H
#define DCS_MODEL_REQUEST_H

#include "io/json.h"
#include "io/x509.h"

struct dcs_request {
    char tag[33]; /* random, in the request's comments at the CA; "" of a damaged record */
    int64_t created_at;
    char cause[16]; /* dcs_cause_name of flow/policy_plan */
    char why[384];  /* in words */
    char input[65]; /* hash of what the decision was made on: a refusal holds while it is so */
    bool is_duplicate;
    uint8_t spki_sha256[DCS_SHA256_LEN];
    char common_name[256];
    char **names; /* the complete set that is asked for */
    size_t name_count;
    char end_date[16];       /* custom_expiration_date asked for, "" none */
    int64_t end_refused;     /* the order's end for which the CA refused such a date; 0 none */
    int64_t expected_end;    /* notAfter that the decision expected; 0 unknown */
    char profile_option[40]; /* EKU profile asked for, "" none */
    bool skip_approval;
    enum dcs_tri drift_disable_ct, drift_account; /* the CT wish of that moment: it answers drift */
    int drift_mode;                               /* enum dcs_ct; of the same */

    /* What stood at the CA before the POST. */
    int64_t before_certificate, before_request;
    char before_serial[65];

    /* The POSTs that may have taken effect. posted_at 0: none is out. */
    int64_t posts, posted_at;
    /* Looks since the last POST that were answered and found nothing. */
    int64_t looks, first_look_at, last_look_at;

    /* The answer, or what was found; 0 and "" unknown. */
    int64_t request_id, certificate_id;
    bool needs_approval; /* the answer named no certificate: people approve this order */
    char dcv_token[128];

    /* Waiting. */
    int64_t polls, next_look_at;
    char waits_for[256]; /* in the CA's words */
    int64_t rejected_certificate;
    char rejected_reason[256];
};

/* Why a generation will not get a certificate any more: closed.json. */
struct dcs_closed {
    int64_t closed_at;
    char code[24];    /* dcs_code_name */
    char reason[512]; /* the CA's words */
};

bool dcs_request_from_json(const struct dcs_json *object, struct dcs_request **ret_request,
                           struct dcs_err *err) DCS_CHECKED; /* strict; DCS_E_STATE */
bool dcs_request_to_json(const struct dcs_request *request, struct dcs_json **ret_object,
                         struct dcs_err *err) DCS_CHECKED;
void dcs_request_free(struct dcs_request *request);
void dcs_request_drop(struct dcs_request **request);
enum { DCS_REQUEST_WAIT_MAX_S = 3600 };
/* Seconds until the next look is due, 0 when it is. One further ahead than we ever wait was written
 * under a wrong clock, and is due. */
int64_t dcs_request_wait_s(const struct dcs_request *request, int64_t now);
/* The name set as the request's own; replaces one. */
bool dcs_request_set_names(struct dcs_request *request, char *const *names, size_t count,
                           struct dcs_err *err) DCS_CHECKED;

bool dcs_closed_from_json(const struct dcs_json *object, struct dcs_closed *ret_closed,
                          struct dcs_err *err) DCS_CHECKED;
bool dcs_closed_to_json(const struct dcs_closed *closed, struct dcs_json **ret_object,
                        struct dcs_err *err) DCS_CHECKED;

#endif
