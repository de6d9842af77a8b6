/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_issued.h - every certificate under an order, from the lists of its reissues and duplicates: what
 * order info, which speaks of the newest alone, does not tell (facts/certcentral-api.md 6, 6.1).
 */
#ifndef DCS_FLOW_API_ISSUED_H
#define DCS_FLOW_API_ISSUED_H

#include "flow/api.h"
#include "io/x509.h"

struct dcs_api_entry {
    int64_t certificate_id; /* 0: none yet */
    char serial[65];        /* as in struct dcs_order; "" while it is not issued */
    bool is_issued;         /* by its status, and neither revoked nor to be revoked */
    bool is_revoked;
    bool is_to_be_revoked; /* after a reissue that dropped a name: within 72 hours */
    int64_t valid_till;    /* 23:59:59 of the day, -1 unknown */
    bool has_spki;         /* its CSR is given and can be read */
    uint8_t spki_sha256[DCS_SHA256_LEN];
};
/* One row of either list; what it does not tell stays unknown. */
void dcs_api_entry_read(const struct dcs_json *row, struct dcs_api_entry *ret_entry);
typedef void dcs_api_entry_cb(void *context, const struct dcs_api_entry *entry);
/* The list may repeat entries, and hold the first certificate of the order. None is an empty list; a CA
 * without that list has an empty one. */
bool dcs_api_each_issued(struct dcs_api *api, int64_t order, bool duplicates,
                         dcs_api_entry_cb *each, void *context, struct dcs_err *err) DCS_CHECKED;

#endif
