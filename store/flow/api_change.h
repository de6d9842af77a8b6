/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_change.h - the calls that change something at the CA, and those that tell what became of them
 * (facts/certcentral-api.md 6 to 8). None is ever sent twice by itself; 429 apart, which says that
 * the request was not looked at.
 */
#ifndef DCS_FLOW_API_CHANGE_H
#define DCS_FLOW_API_CHANGE_H

#include "flow/api.h"
#include "io/x509.h"

/* One submission: POST /order/certificate/{order}/reissue or .../duplicate. All text is lent. */
struct dcs_api_ask {
    int64_t order;
    bool is_duplicate;
    const char *common_name; /* "" for products without one */
    const char *const
        *names; /* the complete set, hosts and e-mail addresses: the CA drops the rest */
    size_t name_count;
    const char *csr;            /* PEM */
    const char *end_date;       /* custom_expiration_date, YYYY-MM-DD; "" the CA's own choice */
    const char *profile_option; /* EKU profile, "" none */
    const char *comments;       /* holds our tag: how a lost answer is found again */
    bool skip_approval;         /* without it no certificate id comes back */
};
struct dcs_api_asked {
    int64_t request_id, certificate_id; /* 0: the answer named none */
    char dcv_token[128];                /* random value to publish when validation is open, "" */
};
/*
 * *ret_taken tells what the CA may have done when false is returned: DCS_NO when it certainly did
 * nothing (never sent, or refused with its own error body), DCS_UNKNOWN when the answer was lost.
 * Codes: REFUSED (the input), DENIED, LIMIT, NOT_FOUND, AWAY.
 */
bool dcs_api_ask(struct dcs_api *api, const struct dcs_api_ask *ask,
                 struct dcs_api_asked *ret_asked, enum dcs_tri *ret_taken,
                 struct dcs_err *err) DCS_CHECKED;

/* An entry of GET /order/certificate/{order}/reissue or .../duplicate. */
struct dcs_api_issued {
    int64_t certificate_id; /* 0: none yet */
    char status[16];        /* approved, issued, pending, rejected, revoked; "" when absent */
};
enum { DCS_UNREAD_MAX = 16 };
struct dcs_api_list_look {
    bool found;
    struct dcs_api_issued issued; /* with found */
    /* Entries whose CSR is not given or cannot be read: only their certificates tell whose they are.
     * Highest ids first; left_out: there were more of them. */
    int64_t unread[DCS_UNREAD_MAX];
    size_t unread_count;
    bool left_out;
};
/* Looks in that list for the public key. The list may repeat the primary certificate, so of several
 * the one with the highest id counts. */
bool dcs_api_find_issued(struct dcs_api *api, int64_t order, bool is_duplicate,
                         const uint8_t spki_sha256[DCS_SHA256_LEN],
                         struct dcs_api_list_look *ret_look, struct dcs_err *err) DCS_CHECKED;

/* GET /request/{id}: what people at the CA or in the account did with it. */
struct dcs_api_request_state {
    char status[16];   /* submitted, pending, approved, rejected */
    char comment[256]; /* the processor's words, "" none */
};
bool dcs_api_request_state(struct dcs_api *api, int64_t request_id,
                           struct dcs_api_request_state *ret_state,
                           struct dcs_err *err) DCS_CHECKED;

/* PUT /order/certificate/{order}/ct-status. disable true: do not log. 204 in the docs. */
bool dcs_api_set_ct(struct dcs_api *api, int64_t order, bool disable,
                    struct dcs_err *err) DCS_CHECKED;

#endif
