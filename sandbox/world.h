/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world.h - the account that is simulated: orders, certificates, requests, domains, API keys,
 * settings, time. One mutex over all of it (held by who calls, see daemon.c). Orders are kept in the
 * very JSON that order info shows, so that loose typing and oddities are data.
 */
#ifndef SANDBOX_WORLD_H
#define SANDBOX_WORLD_H

#include <cjson/cJSON.h>

#include "base.h"
#include "clock.h"
#include "issuer.h"
#include "product.h"
#include "rules.h"

enum sb_state { SB_ISSUED, SB_PENDING, SB_REJECTED };

struct sb_certificate {
    int64_t id;
    char *pem; /* leaf; NULL while not issued, and until first asked for (bulk orders) */
    char *csr; /* as it was sent; one of ours when the sandbox made the key */
    char *common_name;
    struct sb_names names;
    char serial[48], thumbprint[41], spki[65];
    char *kind; /* "primary", "reissue", "duplicate" */
    char *hash;
    enum sb_state state;
    bool logged, client_auth;
    int key_size;
    size_t ca; /* number of the intermediate that signed it */
    int64_t created, issued, not_before, not_after;
    int64_t revoked_at; /* 0: not revoked */
    int64_t revoke_due; /* 72 hours after a reissue lost one of its names; 0: not due */
};

struct sb_order {
    int64_t id;
    cJSON *info; /* as order info shows it; NULL for a bulk order, made when asked for */
    struct sb_certificate *certificates; /* in the order of their ids */
    size_t certificate_count;
    cJSON *submissions; /* what the API calls requests (submission.h); NULL none */
    cJSON *switches;    /* of this order alone (README.md); NULL none */
    char *key_pem;      /* made here and handed out; NULL when the key is elsewhere */
    char *chain_kind;   /* "normal", "cross" (four blocks), "leaf" */
    char *bulk_name;    /* pattern with %d, for a bulk order; lent by the world */
    int64_t changed;    /* when its status or its primary did last */
    bool is_dirty;      /* to be saved */
};

enum sb_role {
    SB_ROLE_NONE = 0,
    SB_ROLE_ORDERS = 100,
    SB_ROLE_ORDERS_DOMAINS = 101,
    SB_ROLE_VIEW = 102,
    SB_ROLE_USERS = 103
};

struct sb_key {
    char *text;
    enum sb_role role;
    bool revoked;
    bool may_approve; /* its user approves requests, so may skip the approval of its own */
    int64_t *stamps;  /* of its latest requests, a ring */
    size_t next;
};

struct sb_settings {
    bool ct_off;         /* CT logging switched off for the account */
    bool per_request_ct; /* users may choose CT per request */
    bool rate_limit;
    bool pending_shows_new;       /* order info during reissue_pending */
    bool weekend_ends;            /* certificates end on working days unless a day is named */
    bool strict_validity;         /* days and years beyond the order's end are refused, not cut */
    bool last_revoked_ends_order; /* revoking the only certificate revokes the order */
    bool list_repeats_primary;    /* the reissue list begins with the first certificate */
    bool multi_year;              /* orders of over one year may be made */
    int not_issued_status;        /* 404 or 400 for downloads before issue */
    int latency_ms;
    int64_t client_auth_end;              /* 0: DigiCert's day */
    int64_t organization_valid_until;     /* 0: not told, and it never ends */
    struct sb_steps max_days, reuse_days; /* empty: DigiCert's tables */
    cJSON *switches;                      /* for every order that has none of its own */
    cJSON *maintenance;                   /* announced windows (maintenance.c) */
    char *calendar;                       /* what /calendar.ics gives instead of them */
};

/* Orders made in bulk, kept as what made them. */
struct sb_bulk {
    char *pattern;
    int64_t first, count;
};

struct sb_world {
    char *dir;
    struct sb_clock clock;
    struct sb_issuer *issuer;
    struct sb_order **orders; /* sorted by id */
    size_t order_count, order_capacity;
    struct sb_bulk *bulks;
    size_t bulk_count;
    struct sb_key *keys;
    size_t key_count;
    struct sb_settings settings;
    cJSON *domains;          /* {"name":..., "id":..., "validated":seconds}; 0: never */
    int64_t next_id;         /* of certificates, requests and domains */
    struct sb_order **by_id; /* order of certificate or request FIRST_ID + index */
    size_t by_id_count;
    int64_t next_event; /* nothing happens by itself before this time */
    int64_t acting_at;  /* while something happens by itself: its time; else 0 */
    struct sb_journal *journal;
    bool is_dirty; /* keys, settings, clock or domains are to be saved */
};

/* Reads what dir keeps, or makes the documented orders (unless seed is false). */
bool sb_world_open(const char *dir, const char *crl_base, bool seed, const int64_t *now,
                   struct sb_world **ret_world) SB_CHECKED;
/* Appends what has changed; false after a message. */
bool sb_world_save(struct sb_world *world);
void sb_world_free(struct sb_world *world);

/* ---- finding ---- */

struct sb_order *sb_world_order(const struct sb_world *world, int64_t id);
/* By number, or by SHA-1 thumbprint or serial of the primary. */
struct sb_order *sb_world_order_named(const struct sb_world *world, const char *name);
struct sb_order *sb_world_certificate(const struct sb_world *world, int64_t id,
                                      struct sb_certificate **ret_certificate);
struct sb_order *sb_world_certificate_by_serial(const struct sb_world *world, const char *serial,
                                                struct sb_certificate **ret_certificate);
/* The newest issued certificate that is no duplicate; NULL when none was issued. */
struct sb_certificate *sb_order_primary(const struct sb_order *order);
struct sb_certificate *sb_order_certificate(const struct sb_order *order, int64_t id);
const struct sb_product *sb_order_product(const struct sb_order *order);
int64_t sb_order_end(const struct sb_order *order); /* its last second; 0: not known */

/* ---- making ---- */

/* Makes an order from a request of the control API (README.md); NULL with *ret_why. */
struct sb_order *sb_world_make_order(struct sb_world *world, const cJSON *wanted,
                                     const char **ret_why);
bool sb_world_make_bulk(struct sb_world *world, const cJSON *wanted, const char **ret_why);
/* An order without a certificate, for the control and the Services API. */
struct sb_order *sb_world_new_order(struct sb_world *world, const cJSON *wanted,
                                    const struct sb_product *product, int64_t id);
void sb_world_insert(struct sb_world *world, struct sb_order *order);
/* A further certificate under the order, as the control API asks; becomes the primary. */
bool sb_world_issue(struct sb_world *world, struct sb_order *order, const cJSON *wanted,
                    const char *kind, const char **ret_why);
bool sb_world_real(struct sb_world *world, struct sb_order *order) SB_CHECKED; /* if it is bulk */
void sb_world_seed(struct sb_world *world); /* seed.c: the documented orders */

/* Signs a certificate whose names, dates, CSR, hash and ca are set; makes it the primary unless it
 * is a duplicate. A reissue that loses a name starts the 72 hours of the earlier certificates. */
bool sb_world_certify(struct sb_world *world, struct sb_order *order, struct sb_certificate *c,
                      EVP_PKEY *key, bool is_precertificate) SB_CHECKED;
void sb_order_set_status(struct sb_world *world, struct sb_order *order, const char *status);
void sb_order_revoke(struct sb_world *world, struct sb_order *order, struct sb_certificate *c,
                     int64_t when);

/* Order and world are saved at the next sb_world_save. */
void sb_world_touch(struct sb_world *world, struct sb_order *order);
/* The clock, or the time of what happens by itself just now. */
int64_t sb_world_now(const struct sb_world *world);
/* Something happens by itself then. */
void sb_world_expect(struct sb_world *world, int64_t when);
/* Lets everything happen that is due by now. */
void sb_world_tick(struct sb_world *world);

/* ---- settings; and switches, of the order or else of the account (README.md) ---- */

void sb_settings_init(struct sb_settings *settings);
bool sb_settings_set(struct sb_settings *settings, const cJSON *wanted,
                     const char **ret_why) SB_CHECKED;
cJSON *sb_settings_to_json(const struct sb_settings *settings);

const char *sb_switch_text(const struct sb_world *world, const struct sb_order *order,
                           const char *name, const char *otherwise);
int64_t sb_switch_number(const struct sb_world *world, const struct sb_order *order,
                         const char *name);
bool sb_switch_is(const struct sb_world *world, const struct sb_order *order, const char *name);
/* Takes them over into *slot; false with *ret_why when one is not known. */
bool sb_switches_set(cJSON **slot, const cJSON *wanted, const char **ret_why) SB_CHECKED;

/* ---- showing ---- */

/* Order info at this moment; the caller deletes it. */
cJSON *sb_order_info(struct sb_world *world, struct sb_order *order);
cJSON *sb_order_row(struct sb_world *world, struct sb_order *order); /* of a listing */
const char *sb_order_status(const struct sb_world *world, const struct sb_order *order);
/* Everything, for the control API. */
cJSON *sb_order_state(struct sb_world *world, struct sb_order *order);
cJSON *sb_world_counts(const struct sb_world *world);
/* The PEM of the certificate and what comes with it; makes a bulk order's at first use. */
bool sb_order_pem(struct sb_world *world, struct sb_order *order,
                  struct sb_certificate *certificate, bool chain, bool root,
                  struct sb_buf *ret_pem);
void sb_add_crlf(struct sb_buf *out,
                 const char *pem); /* lines end with CR LF, as the service has it */
bool sb_world_crl(struct sb_world *world, size_t ca, struct sb_buf *ret_der);

struct sb_key *sb_world_key(const struct sb_world *world, const char *text);
struct sb_key *sb_world_add_key(struct sb_world *world, enum sb_role role);

#endif
