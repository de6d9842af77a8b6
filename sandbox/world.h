/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world.h - the account that is simulated: orders, certificates, API keys, settings, time. One
 * mutex over all of it (held by who calls, see daemon.c). Orders are kept in the very JSON that
 * order info shows, so that loose typing and oddities are data.
 */
#ifndef SANDBOX_WORLD_H
#define SANDBOX_WORLD_H

#include <cjson/cJSON.h>

#include "base.h"
#include "clock.h"
#include "issuer.h"

struct sb_certificate {
    int64_t id;
    char *pem; /* leaf; NULL until first asked for (bulk orders) */
    char serial[48], thumbprint[41];
    char *kind; /* "primary", "reissue", "duplicate" */
    bool revoked;
};

struct sb_order {
    int64_t id;
    cJSON *info; /* as order info shows it; NULL for a bulk order, made when asked for */
    struct sb_certificate *certificates; /* newest last */
    size_t certificate_count;
    char *key_pem;    /* made here and handed out; NULL when the key is elsewhere */
    char *chain_kind; /* "normal", "cross" (four blocks), "leaf" */
    char *bulk_name;  /* pattern with %d, for a bulk order */
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
    int64_t *stamps; /* of its latest requests, a ring */
    size_t next;
};

struct sb_settings {
    bool ct_off; /* CT logging switched off for the account */
    bool rate_limit;
    bool pending_shows_new; /* order info during reissue_pending */
    int not_issued_status;  /* 404 or 400 for downloads before issue */
    int latency_ms;
};

struct sb_world {
    char *dir;
    struct sb_clock clock;
    struct sb_issuer *issuer;
    struct sb_order **orders; /* sorted by id */
    size_t order_count;
    struct sb_key *keys;
    size_t key_count;
    struct sb_settings settings;
    int64_t next_id; /* of certificates and requests */
};

/* Reads dir/state.json, or makes the documented orders (unless seed is false). */
bool sb_world_open(const char *dir, const char *crl_url, bool seed, const int64_t *now,
                   struct sb_world **ret_world) SB_CHECKED;
bool sb_world_save(const struct sb_world *world) SB_CHECKED;
void sb_world_free(struct sb_world *world);

struct sb_order *sb_world_order(const struct sb_world *world, int64_t id);
/* By number, or by SHA-1 thumbprint or serial of the primary. */
struct sb_order *sb_world_order_named(const struct sb_world *world, const char *name);
struct sb_order *sb_world_certificate(const struct sb_world *world, int64_t id,
                                      struct sb_certificate **ret_certificate);
/* Makes an order from a request of the control API (README.md); NULL with *ret_why. */
struct sb_order *sb_world_make_order(struct sb_world *world, const cJSON *wanted,
                                     const char **ret_why);
bool sb_world_make_bulk(struct sb_world *world, const cJSON *wanted, const char **ret_why);
/* A further certificate under the order: new key or the CSR's; becomes the primary. */
bool sb_world_issue(struct sb_world *world, struct sb_order *order, const cJSON *wanted,
                    const char *kind, const char **ret_why);
void sb_world_seed(struct sb_world *world); /* seed.c: the documented orders */

/* Order info at this moment; the caller deletes it. */
cJSON *sb_order_info(struct sb_world *world, struct sb_order *order);
cJSON *sb_order_row(struct sb_world *world, struct sb_order *order); /* of a listing */
/* The PEM of the certificate and what comes with it; makes a bulk order's at first use. */
bool sb_order_pem(struct sb_world *world, struct sb_order *order,
                  struct sb_certificate *certificate, bool chain, bool root,
                  struct sb_buf *ret_pem);

struct sb_key *sb_world_key(const struct sb_world *world, const char *text);
struct sb_key *sb_world_add_key(struct sb_world *world, enum sb_role role);
bool sb_world_crl(struct sb_world *world, struct sb_buf *ret_der);

#endif
