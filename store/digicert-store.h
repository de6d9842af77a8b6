/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digicert-store.h - the room as the doors see it: the only header of ours that provider/,
 * pkcs11/ and cli-shim/ include.
 *
 * A struct dcs_store is one instance (per provider instance, per PKCS#11 module, per CLI run).
 * Making one opens no file and no socket and starts no thread; it may be used by any number of
 * threads, and in a forked child. Nothing here prints or exits.
 */
#ifndef DIGICERT_STORE_H
#define DIGICERT_STORE_H

#include <stdatomic.h>

#include "base/buf.h"
#include "base/env.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/trace.h"
#include "io/calendar.h"
#include "io/conf_openssl.h"
#include "io/json.h"
#include "io/pkey.h"
#include "io/tls.h"
#include "model/affected.h"
#include "model/bundle.h"
#include "model/config.h"
#include "model/stub.h"
#include "model/uri.h"

struct dcs_store;

enum dcs_caller {
    DCS_CALLER_DOOR = 0, /* applications: load rules of design.md section 6, cold-order limit */
    DCS_CALLER_VERB,     /* the CLI: always tries, a configuration with errors is refused */
};

struct dcs_store_options {
    enum dcs_caller caller;
    const char
        *config_path; /* `config =` of the provider's section; NULL or "": the search order */
    const struct dcs_env *env;     /* NULL: the real world; lent, must outlive the store */
    dcs_calendar_reader *calendar; /* dcs_calendar_read where libical is linked; doors: NULL */
};

bool dcs_store_new(const struct dcs_store_options *options, struct dcs_store **ret_store,
                   struct dcs_err *err) DCS_CHECKED;
void dcs_store_free(struct dcs_store *store);
void dcs_store_drop(struct dcs_store **store);

/* ---- loading ---- */

/*
 * Resolves one URI (not a listing) to a bundle by the table of design.md section 6: serves from
 * the cache, or fetches when this process is a keeper and nothing usable is here. need_key: fail
 * early when the key is not here or not readable (`?type=key`). On success *ret_bundle is the
 * caller's reference.
 * Codes: URI CONFIG NOT_FOUND NO_KEY KEY_FILE DENIED PENDING AWAY LIMIT READER STATE TIMEOUT
 * REJECTED POLICY.
 */
bool dcs_store_open(struct dcs_store *store, const struct dcs_uri *uri, bool need_key,
                    struct dcs_bundle **ret_bundle, struct dcs_err *err) DCS_CHECKED;
/* The same from memory or disk only: criteria searches and whatever must not wait. */
bool dcs_store_open_cached(struct dcs_store *store, const struct dcs_uri *uri,
                           struct dcs_bundle **ret_bundle, struct dcs_err *err) DCS_CHECKED;
/* Reads the key file of that generation now; file rules of section 5. It comes DCS_KEY_ENCRYPTED when it
 * is and no key_passphrase_file is configured. NO_KEY names import and
 * reissue = auto; KEY_FILE names owner, mode, this uid and key_group. */
bool dcs_store_key(struct dcs_store *store, const struct dcs_bundle *bundle,
                   struct dcs_key *ret_key, struct dcs_err *err) DCS_CHECKED;
/* The CRLs for the leaf's issuer, DER, fetched by a keeper when missing or past nextUpdate unless
 * cached_only. An empty *ret_crl (len 0) means that the certificate names none. */
bool dcs_store_crl(struct dcs_store *store, const struct dcs_bundle *bundle, bool cached_only,
                   struct dcs_buf *ret_crl, struct dcs_err *err) DCS_CHECKED;

/* ---- key stubs (model/stub.h) ---- */

/* The key that a stub stands for, from the cache only, whoever asks. DCS_E_POLICY when the order does
 * not say stub = yes; else as dcs_store_open_cached and dcs_store_key. */
bool dcs_store_stub_key(struct dcs_store *store, const struct dcs_uri *uri, struct dcs_key *ret_key,
                        struct dcs_err *err) DCS_CHECKED;
/* Appends the PEM stub of uri. pinned: to the key that is served now. */
bool dcs_store_stub(struct dcs_store *store, const struct dcs_uri *uri, bool pinned,
                    struct dcs_buf *ret_pem, struct dcs_err *err) DCS_CHECKED;

/* ---- listing ---- */

struct dcs_entry {
    char uri[DCS_URI_TEXT]; /* digicert://order/123 */
    int64_t order_id;
    char common_name[256];
    char status[32];   /* the CA's word, or "cached" */
    int64_t not_after; /* -1 unknown */
    bool is_local;     /* has a directory in orders/ or a section */
    bool has_key;
};
struct dcs_listing;
/* Nothing is fetched until the first next. */
bool dcs_store_list(struct dcs_store *store, enum dcs_scope scope, struct dcs_listing **ret_listing,
                    struct dcs_err *err) DCS_CHECKED;
/* *ret_done true: no entry came, the end. No order comes twice. */
bool dcs_listing_next(struct dcs_listing *listing, struct dcs_entry *ret_entry, bool *ret_done,
                      struct dcs_err *err) DCS_CHECKED;
/* After the end: why the account's orders are missing or old, NULL when they are not. Lent. */
const struct dcs_err *dcs_listing_shortfall(const struct dcs_listing *listing);
void dcs_listing_free(struct dcs_listing *listing);
void dcs_listing_drop(struct dcs_listing **listing);

/* ---- many orders at once: tokens (pkcs11/) ---- */

/* What a door keeps of an order that it looked at; zeros before the first look. */
struct dcs_stamp {
    uint64_t generation, memo, config; /* hashes: another value is another one */
    int64_t until;                     /* when policy may say something else, by itself */
    int64_t attempt_at;                /* when a look that may fetch asks the CA */
};
struct dcs_look {
    struct dcs_bundle *bundle;     /* NULL: nothing changed since the stamp; else the caller's */
    char token[DCS_TOKEN_MAX + 1]; /* in which the order is shown, with a bundle */
};
/*
 * What a load of digicert:order/ID would serve now, from the cache; two system calls when nothing
 * changed. may_fetch: an order with a section of its own is fetched and refreshed as by
 * dcs_store_open. Keeps nothing in memory but *stamp. False: the order serves nothing (the codes of
 * dcs_store_open).
 */
bool dcs_store_look(struct dcs_store *store, int64_t order, bool may_fetch, struct dcs_stamp *stamp,
                    struct dcs_look *ret_look, struct dcs_err *err) DCS_CHECKED;
/* One generation, whether `current` names it or not; DCS_E_NOT_FOUND when it was pruned. */
bool dcs_store_generation(struct dcs_store *store, int64_t order, int generation,
                          struct dcs_bundle **ret_bundle, struct dcs_err *err) DCS_CHECKED;
/* Where the index says that a CKA_ID was last; the reader checks. At most capacity of them. */
struct dcs_place {
    int64_t order;
    int generation;
};
bool dcs_store_by_ckaid(struct dcs_store *store, const uint8_t ckaid[DCS_SHA1_LEN],
                        struct dcs_place *places, size_t capacity, size_t *ret_count,
                        struct dcs_err *err) DCS_CHECKED;
/* Order numbers with a directory here, sorted; the caller frees. */
bool dcs_store_local_orders(struct dcs_store *store, int64_t **ret_orders, size_t *ret_count,
                            struct dcs_err *err) DCS_CHECKED;
/* The PIN of a token (pin_dir); *ret_has false: it has none. False: there may be one, and this
 * process cannot read it. */
bool dcs_store_token_pin(struct dcs_store *store, const char *token, bool *ret_has,
                         struct dcs_secret *ret_pin, struct dcs_err *err) DCS_CHECKED;

/* ---- what the CLI shows and does ---- */

/* What is known of the URI's order as a JSON object (the fields are those of `show --json`,
 * digicert-store(1)), with the plan: what would be done, and why. refresh asks the CA for order info
 * first. at: the plan of that moment, 0 now. */
struct dcs_show_options {
    bool refresh;
    int64_t at;
};
bool dcs_store_show(struct dcs_store *store, const struct dcs_uri *uri,
                    const struct dcs_show_options *options, struct dcs_json **ret_object,
                    struct dcs_err *err) DCS_CHECKED;
/* All local orders, service state and budget as a JSON object (`status --json`); no network. */
bool dcs_store_status(struct dcs_store *store, struct dcs_json **ret_object,
                      struct dcs_err *err) DCS_CHECKED;
/* The service alone, as in status: "away", since when, "words", requests left in the budget; empty
 * for who may not read the API key. No network. */
bool dcs_store_service(struct dcs_store *store, struct dcs_json **ret_object,
                       struct dcs_err *err) DCS_CHECKED;
/* Puts a private key beside the certificate of the order that it matches (fetching it first when
 * needed) as a new generation with key, and makes it current. Takes *key. seal: the passphrase under
 * which it is to lie on the disk; NULL: key_passphrase_file's, or in clear. */
bool dcs_store_import(struct dcs_store *store, const struct dcs_uri *uri, struct dcs_key *key,
                      const struct dcs_secret *seal, struct dcs_bundle **ret_bundle,
                      struct dcs_err *err) DCS_CHECKED;
/* ---- new certificates (design.md 7 and 8; digicert-store(1)) ---- */

struct dcs_reissue_options {
    bool is_duplicate;     /* a further copy instead of a new primary certificate */
    bool allow_san_change; /* although the CA will revoke the earlier certificates */
    bool again;            /* although one was reissued within the last minute */
    int64_t wait_ms;       /* how long the CA may take; then DCS_E_PENDING, and nothing is lost */
};
/* Asks the CA for a new certificate under the order, with a new key, or goes on with the request that
 * is open. *ret_report: the order as in show, with "action": "reissued" or "already". */
bool dcs_store_reissue(struct dcs_store *store, const struct dcs_uri *uri,
                       const struct dcs_reissue_options *options, struct dcs_json **ret_report,
                       struct dcs_err *err) DCS_CHECKED;
/* What dcs_store_reissue would do and what the CA would do then; asks for order info, changes
 * nothing. The plan as in show, with names compared. */
bool dcs_store_preview(struct dcs_store *store, const struct dcs_uri *uri,
                       const struct dcs_reissue_options *options, struct dcs_json **ret_report,
                       struct dcs_err *err) DCS_CHECKED;
/* Until the order has its certificate and no request of ours is open, or PENDING after wait_ms. */
bool dcs_store_wait(struct dcs_store *store, const struct dcs_uri *uri, int64_t wait_ms,
                    struct dcs_json **ret_report, struct dcs_err *err) DCS_CHECKED;
/* The order's CT setting, the SCTs in its certificate (verified with ct_log_list) and whether they
 * agree, as a JSON object (`ct --json`, digicert-store(1)); no network. */
bool dcs_store_ct(struct dcs_store *store, const struct dcs_uri *uri, struct dcs_json **ret_object,
                  struct dcs_err *err) DCS_CHECKED;
/* Switches CT logging for the order at the CA and, as DigiCert demands, reissues at once, once,
 * with the same names, when certificate and setting disagree. */
bool dcs_store_set_ct(struct dcs_store *store, const struct dcs_uri *uri, bool logged,
                      int64_t wait_ms, struct dcs_json **ret_report,
                      struct dcs_err *err) DCS_CHECKED;

/* ---- sync ---- */

/*
 * One order of a run, always in the thread that called: {"order_id", "uri", "action": "nothing" |
 * "changed" (current.source: "reissue" when it was asked for here) | "pending" | "failed" | "waiting"
 * (something is due, and the service is away), ...}. Of an order that was worked on, all that `show`
 * has; of the others plan.words, current.common_name, current.not_after and current.stage. err is
 * code NONE unless it is pending or failed. Orders without work come first, by number; the others as
 * they finish.
 */
typedef void dcs_sync_cb(void *context, const struct dcs_json *result, const struct dcs_err *err);

struct dcs_sync_progress {
    int64_t orders, to_do, done, not_done, requests;
    int64_t eta_s; /* by the request budget and what orders cost so far; -1 nothing known */
};
typedef void dcs_sync_progress_cb(void *context, const struct dcs_sync_progress *progress);

struct dcs_sync_summary {
    int64_t orders, reissued, fetched, pending, failed, refused, waiting, requests, elapsed_ms;
    int64_t next_due; /* of the certificates that are kept here, -1 none */
    int64_t eta_s;    /* of a dry run: how long the request budget makes it, -1 unknown */
    /* Why nobody could tell what has changed at the CA, when that will not get better by itself. */
    struct dcs_err trouble;
};

struct dcs_sync_options {
    bool tries_now;                 /* although the service is away and its next try is ahead */
    const atomic_bool *stop;        /* true: no further order is begun; NULL none */
    dcs_sync_progress_cb *progress; /* several times a second, with the context of the results; NULL
                                       none */
    struct dcs_sync_summary *ret_summary; /* NULL none */
};
/*
 * Does what is due for all managed orders: asks what has changed at the CA, fetches that, goes on
 * with open requests, reissues in order of urgency, several at a time within the request budget,
 * prunes. A failing, hanging or pending order holds up no other; when the service is away, what is
 * left waits for a later run. May be killed and called again at any moment. False only when nothing
 * could be done at all. options may be NULL.
 */
bool dcs_store_sync(struct dcs_store *store, const struct dcs_sync_options *options,
                    dcs_sync_cb *each, void *context, struct dcs_err *err) DCS_CHECKED;

/*
 * Reissues the certificates that a revocation notice names, whatever is due, each once: one that is no longer
 * served here is told as "already". May be killed and called again at any moment with the same notice.
 * Results as in sync, with the line of the notice; "failed" with DCS_E_NOT_FOUND for what is not
 * managed here. is_dry: nothing is asked for ("would-reissue"), and the summary has an estimate.
 */
bool dcs_store_affected(struct dcs_store *store, const struct dcs_affected *notice, bool is_dry,
                        const struct dcs_sync_options *options, dcs_sync_cb *each, void *context,
                        struct dcs_err *err) DCS_CHECKED;

/* ---- delivery (design.md 11; digicert-store(1)) ---- */

struct dcs_deliver_options {
    bool release; /* what is held may serve again */
    /* How `verify` looks: io/tls.h, in programs that link libssl. NULL: verify fails. */
    bool (*handshake)(const struct dcs_env *env, const struct dcs_tls_server *server,
                      int64_t deadline_ms, uint8_t ret_sha256[DCS_SHA256_LEN], struct dcs_err *err);
};
/* One order of a delivery: {"order_id", "action": "nothing" | "delivered" | "waits" | "busy" |
 * "rolled-back" | "failed", ...}. err is code NONE unless something failed in this run. */
typedef void dcs_deliver_cb(void *context, const struct dcs_json *result,
                            const struct dcs_err *err);
/*
 * From `current` to a running program, for the orders of the URIs, or for all that have a pair here:
 * copy, hook, verify, `delivered`. Needs no API key and asks the CA nothing. A failing order holds up no
 * other. May be killed and called again at any moment: hooks run at least once.
 */
bool dcs_store_deliver(struct dcs_store *store, const struct dcs_uri *uris, size_t count,
                       const struct dcs_deliver_options *options, dcs_deliver_cb *each,
                       void *context, struct dcs_err *err) DCS_CHECKED;
struct dcs_deliver_to_options {
    const char *dir;          /* absolute */
    const char *owner, *mode; /* NULL: deliver_owner, deliver_mode */
};
/* Copies the order's pair into dir, and nothing else; needs to read the state directory only. True when a
 * usable pair lies there afterwards: "action": "copied", or "kept" with the "reason". */
bool dcs_store_deliver_to(struct dcs_store *store, const struct dcs_uri *uri,
                          const struct dcs_deliver_to_options *options,
                          struct dcs_json **ret_report, struct dcs_err *err) DCS_CHECKED;
/*
 * When the CA is announced to be away, from the configuration, calendars and a status page (`maintenance
 * --json`, digicert-store(1)). A keeper reads the sources whose time has come; asks_now: all of them.
 * A source that cannot be read is a "problem" in the object, no failure.
 */
bool dcs_store_maintenance(struct dcs_store *store, bool asks_now, struct dcs_json **ret_object,
                           struct dcs_err *err) DCS_CHECKED;

/* The configuration in force (read anew when the file changed); the caller's reference. */
bool dcs_store_config(struct dcs_store *store, struct dcs_config **ret_config,
                      struct dcs_err *err) DCS_CHECKED;

/* DCS_E_CONFIG with the first problem of the configuration, or why the file cannot be used. */
bool dcs_store_config_ok(struct dcs_store *store, struct dcs_err *err) DCS_CHECKED;

/* One finding of doctor. */
enum dcs_finding { DCS_FINDING_OK = 0, DCS_FINDING_NOTE, DCS_FINDING_WARNING, DCS_FINDING_ERROR };
typedef void dcs_finding_cb(void *context, enum dcs_finding level, const char *subject,
                            const char *text, const char *hint);
/* Configuration, directories, modes, role; when online also the API key, its rights and the clock.
 * Gives the worst level. */
enum dcs_finding dcs_store_doctor(struct dcs_store *store, bool online, dcs_finding_cb *report,
                                  void *context);

#endif
