/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache_request.h - generations that wait for their certificate: a key, then what was asked of the
 * CA, perhaps why nothing will come. All under the order's lock, but for reading.
 *
 * A generation is open while it has neither facts.json nor closed.json. Every step is a file that
 * was written and synced before the next begins, so a killed process leaves a step to go on from.
 */
#ifndef DCS_FLOW_CACHE_REQUEST_H
#define DCS_FLOW_CACHE_REQUEST_H

#include "flow/cache.h"
#include "model/request.h"

struct dcs_intent {
    int64_t order;
    int generation;               /* 0: there is no open one */
    char dir[DCS_GENERATION_DIR]; /* "" without one */
    bool has_key;                 /* privkey.pem is there */
    struct dcs_request *request;  /* NULL: nothing was asked yet; the intent's own */
};
void dcs_intent_drop(struct dcs_intent *intent);

/*
 * The order's open intent, found by looking at every generation; generation 0 when there is none. One
 * whose request.json was written comes before one that has a key only. A request.json that cannot
 * be read counts as asked, at the time of the file: it is found again by its public key.
 */
bool dcs_cache_intent(const struct dcs_cache *cache, int64_t order, struct dcs_intent *ret_intent,
                      struct dcs_err *err) DCS_CHECKED;
/* Whether something was asked of the CA for this order and is still open; false when unknown. */
bool dcs_cache_has_open_request(const struct dcs_cache *cache, int64_t order);

/* A key that nobody was told of yet, into the intent's own generation (a new one for generation 0),
 * replacing an earlier such key. 0600 until the generation is committed. */
bool dcs_cache_intent_put_key(const struct dcs_cache *cache, const struct dcs_access *access,
                              const struct dcs_key *key, struct dcs_intent *intent,
                              struct dcs_err *err) DCS_CHECKED;
bool dcs_cache_intent_key(const struct dcs_cache *cache, const struct dcs_intent *intent,
                          struct dcs_key *ret_key, struct dcs_err *err) DCS_CHECKED;
bool dcs_cache_intent_put_csr(const struct dcs_cache *cache, const struct dcs_intent *intent,
                              const struct dcs_buf *pem, struct dcs_err *err) DCS_CHECKED;
bool dcs_cache_intent_csr(const struct dcs_cache *cache, const struct dcs_intent *intent,
                          struct dcs_buf *ret_pem, struct dcs_err *err) DCS_CHECKED;
/* Writes intent->request as request.json. */
bool dcs_cache_intent_put_request(const struct dcs_cache *cache, const struct dcs_intent *intent,
                                  struct dcs_err *err) DCS_CHECKED;
/* Nothing will come of it; its key stays for 90 days and is matched against later certificates. */
bool dcs_cache_intent_close(const struct dcs_cache *cache, const struct dcs_intent *intent,
                            const struct dcs_closed *closed, struct dcs_err *err) DCS_CHECKED;

/* closed.json of that generation; false when there is none that can be read. */
bool dcs_cache_read_closed(const struct dcs_cache *cache, const char *dir,
                           struct dcs_closed *ret_closed);
/* One request that was ever written here, newest generation first, until each returns false. */
struct dcs_past_request {
    int generation;
    bool is_committed;               /* a certificate came */
    bool is_lost;                    /* its private key is gone: nothing can come of it */
    const struct dcs_closed *closed; /* NULL: it did not end without one */
    const struct dcs_request *request;
};
typedef bool dcs_past_request_cb(void *context, const struct dcs_past_request *past);
bool dcs_cache_each_request(const struct dcs_cache *cache, int64_t order, dcs_past_request_cb *each,
                            void *context, struct dcs_err *err) DCS_CHECKED;

#endif
