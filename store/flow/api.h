/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api.h - the CertCentral Services API: every request of ours, through the shared budget.
 *
 * One struct dcs_api serves one operation of one thread over one connection. It reads the API key
 * file at each use, sends it to the configured host only, classifies errors as section 2 of
 * facts/certcentral-api.md and section 9 of the design say, retries 429 within the deadline, and
 * tells flow/service what it saw. Answers are hostile until parsed.
 */
#ifndef DCS_FLOW_API_H
#define DCS_FLOW_API_H

#include <stdatomic.h>

#include "flow/budget.h"
#include "flow/service.h"
#include "model/config.h"
#include "model/maintenance.h"
#include "model/order.h"

struct dcs_api;

struct dcs_api_options {
    const struct dcs_env *env;
    const struct dcs_settings *settings; /* lent; must outlive the api */
    int state_fd;              /* of state_dir, lent: budget, service and away files live there */
    struct dcs_fs_owner owner; /* of what is created there */
    bool is_verb; /* the CLI: always tries, keeps a tenth of the budget free, writes the ladder */
    struct dcs_service_run *run; /* of many orders, NULL none; lent */
    struct dcs_deadline deadline;
    /* How long it may wait, beyond the deadline, for its turn in the budget and after a 429: what is
     * waited so moves the deadline. For runs over many orders, whose requests are their own crowd. */
    int64_t patience_ms;
    atomic_llong *counter;           /* of requests that were sent, NULL none */
    const struct dcs_spans *windows; /* announced maintenance, NULL none; lent */
};

/* Reads no file and connects nowhere yet. */
bool dcs_api_new(const struct dcs_api_options *options, struct dcs_api **ret_api,
                 struct dcs_err *err) DCS_CHECKED;
void dcs_api_free(struct dcs_api *api);
void dcs_api_drop(struct dcs_api **api);

/* GET /order/certificate/{id}: id may be an order number, SHA-1 thumbprint or serial (hex). */
bool dcs_api_order(struct dcs_api *api, const char *id, struct dcs_order **ret_order,
                   struct dcs_err *err) DCS_CHECKED;
/* GET /certificate/{id}/download/format/pem_all. DCS_E_PENDING for "not yet". */
bool dcs_api_download(struct dcs_api *api, int64_t certificate_id, struct dcs_buf *ret_pem,
                      struct dcs_err *err) DCS_CHECKED;

/* GET /certificate/download/order/{order}/format/pem_all: the order's active certificate, whatever its
 * id; no duplicate and no earlier one (facts/certcentral-api.md 5). PENDING for "not yet". */
bool dcs_api_download_active(struct dcs_api *api, int64_t order, struct dcs_buf *ret_pem,
                             struct dcs_err *err) DCS_CHECKED;

struct dcs_order_refs {
    struct dcs_order_ref {
        int64_t order_id, certificate_id; /* certificate_id 0 when absent */
        char status[32];
    } * refs;
    size_t count;
};
void dcs_order_refs_drop(struct dcs_order_refs *refs);
/* GET /order/alternate/{reference}, all pages. Empty when there is none. */
bool dcs_api_alternate(struct dcs_api *api, const char *reference, struct dcs_order_refs *ret_refs,
                       struct dcs_err *err) DCS_CHECKED;
/* GET /order/certificate/status-changes of the last `seconds` (at most 604800). {} is empty. */
bool dcs_api_status_changes(struct dcs_api *api, int64_t seconds, struct dcs_order_refs *ret_refs,
                            struct dcs_err *err) DCS_CHECKED;

/* One page of GET /order/certificate. filters: "filters[domain_name]=x", already encoded, or "". */
struct dcs_order_page {
    struct dcs_order **orders;
    size_t count; /* of orders: rows that could be read */
    size_t rows;  /* that came: the next page begins at offset + rows */
    int64_t total, offset;
    bool is_last;
};
void dcs_order_page_drop(struct dcs_order_page *page);
/* An answer over 8 MiB is asked for again with limit 250 (the page then holds what that gave). */
bool dcs_api_page(struct dcs_api *api, const char *filters, int64_t offset,
                  struct dcs_order_page *ret_page, struct dcs_err *err) DCS_CHECKED;

/* GET /user/me: what the key may do, for doctor. */
struct dcs_api_self {
    char username[128], account[32];
    char roles[256]; /* names, comma-separated */
    bool is_admin;
};
bool dcs_api_self(struct dcs_api *api, struct dcs_api_self *ret_self,
                  struct dcs_err *err) DCS_CHECKED;
/* A CRL over plain HTTP or HTTPS, 16 MiB at most, without API key, not counted in the budget. */
bool dcs_api_crl(struct dcs_api *api, const char *url, struct dcs_buf *ret_data,
                 struct dcs_err *err) DCS_CHECKED;

/* Whether the CA would be asked to change something now; AWAY when this caller waits with that because
 * the service answers and issues nothing. Looked at before something is made for such a request. */
bool dcs_api_may_change(struct dcs_api *api, struct dcs_err *err) DCS_CHECKED;
/* Until so many requests could be sent at once, so that an attempt is begun (and its order locked)
 * when it can be finished; false when that is beyond deadline and patience. */
bool dcs_api_await_turns(struct dcs_api *api, int64_t turns, struct dcs_err *err) DCS_CHECKED;
/* The hash that names budget, service and position of this API URL and key. */
bool dcs_api_hash(const struct dcs_api *api, char out[17], struct dcs_err *err) DCS_CHECKED;
/* How long so many requests take from now on, by the budget alone. */
int64_t dcs_api_estimate_s(struct dcs_api *api, int64_t requests);

/* Seconds that the CA's clock is ahead of ours, from the Date of the last answer; false before one. */
bool dcs_api_clock_offset(const struct dcs_api *api, int64_t *ret_offset_s);
int dcs_api_requests_made(const struct dcs_api *api);
/* Reads and checks the API key: file or systemd credential (CREDENTIALS_DIRECTORY/digicert-api-key).
 * DCS_E_CONFIG when missing, empty, malformed, or readable/writable by others. */
bool dcs_api_read_key(const struct dcs_env *env, const struct dcs_settings *settings,
                      struct dcs_secret *ret_key, struct dcs_err *err) DCS_CHECKED;

#endif
