/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.h - the configuration as a value: one table of keys, one struct per scope.
 *
 * Every key is one row (name, scope, type, default, help): parsing, `digicert-store config`, the
 * man page and "did you mean" come from it. Works on bytes in memory, never opens a file: the
 * coordinator reads it (store.c) and checks who owns it. Immutable and reference-counted, so
 * threads share one.
 */
#ifndef DCS_MODEL_CONFIG_H
#define DCS_MODEL_CONFIG_H

#include "io/json.h"
#include "model/limits.h"
#include "model/uri.h"

struct dcs_config;

enum dcs_key_scope { DCS_KEY_GLOBAL = 1, DCS_KEY_ORDER = 2 };

struct dcs_config_row {
    const char *name;
    enum dcs_key_scope scope;
    const char *type;          /* "path", "url", "duration", "yes|no", "never|auto", ... */
    const char *default_value; /* as text, "" = none */
    const char *help;          /* one sentence */
};
const struct dcs_config_row *dcs_config_rows(size_t *ret_count);

/* A PKCS#11 token: what CK_TOKEN_INFO has room for. */
enum { DCS_TOKEN_MAX = 32 };
#define DCS_TOKEN_DEFAULT "digicert"

enum dcs_reissue { DCS_REISSUE_NEVER = 0, DCS_REISSUE_AUTO };
enum dcs_via { DCS_VIA_REISSUE = 0, DCS_VIA_DUPLICATE };
enum dcs_ct { DCS_CT_AS_ORDER = 0, DCS_CT_LOGGED, DCS_CT_UNLOGGED };

/* Global settings; strings lent by the config, "" when not set. */
struct dcs_settings {
    const char *api_url; /* without trailing slash */
    const char *api_key_file;
    const char *api_ca_file;
    const char *proxy;
    const char *state_dir;
    const char *notify;
    const char *ct_log_list;
    const char *pin_dir; /* PINs of PKCS#11 tokens */
    bool token_chain;    /* issuers are objects of the tokens, too */
    const char *maintenance, *maintenance_calendar, *maintenance_status_page;
    const char *maintenance_components, *maintenance_ca_file;
    int64_t maintenance_refresh_ms;
    int64_t load_deadline_ms, refresh_deadline_ms;
    int64_t hook_deadline_ms, verify_deadline_ms;
    int64_t budget_5s, budget_3min;  /* requests */
    const struct dcs_limits *limits; /* what is compiled in, with the rows of the file laid over */
};

/* What holds for one order after all sections were laid over each other. */
struct dcs_order_settings {
    bool has_section; /* named by a section of its own (order/, alternate/ or name/) */
    enum dcs_reissue reissue;
    enum dcs_via via;
    const char *key; /* "ec:P-256", ... */
    enum dcs_ct ct;
    const char *key_group;
    const char *hook;
    int64_t successor;          /* 0 = none */
    enum dcs_tri serve_expired; /* unknown: yes when the leaf has EKU serverAuth, else no */
    bool stub, combined, is_private;
    const char *token; /* in which PKCS#11 token the order is shown */
    const char *deliver, *deliver_owner, *deliver_mode, *verify;
    bool rollback;
    bool client_auth_needed;
    int64_t max_reissues_per_day; /* seen at the CA; over it what is merely due waits */
    const char *key_passphrase_file;
};

/* What the caller knows of an order when it asks for its settings. */
struct dcs_order_names {
    int64_t id;
    const char *alternative_id; /* NULL or "" when unknown */
    const char *const *names;   /* DNS names of its certificate; may be NULL */
    size_t name_count;
};

struct dcs_config_problem {
    int line;
    int64_t order;  /* the order it concerns, 0 = global or not known */
    bool is_global; /* concerns everything */
    char section[128];
    char text[384]; /* with "did you mean" */
};

struct dcs_config_places {
    const char *origin;            /* file name for messages; "" = built-in defaults */
    const char *default_state_dir; /* what applies when state_dir is not set */
};

/*
 * Never fails for what the file says: broken parts become problems, the rest is used. Fails only
 * when out of memory or when NCONF cannot read the text at all (DCS_E_CONFIG with the line).
 */
bool dcs_config_parse(const char *text, size_t len, const struct dcs_config_places *places,
                      struct dcs_config **ret_config, struct dcs_err *err) DCS_CHECKED;
struct dcs_config *dcs_config_ref(struct dcs_config *config);
void dcs_config_unref(struct dcs_config *config);
void dcs_config_drop(struct dcs_config **config);

const char *dcs_config_origin(const struct dcs_config *config);
const struct dcs_settings *dcs_config_settings(const struct dcs_config *config);
/* order/ wins over alternate/ over name/ over [default] over the table. */
void dcs_config_order(const struct dcs_config *config, const struct dcs_order_names *names,
                      struct dcs_order_settings *ret_settings);
size_t dcs_config_problem_count(const struct dcs_config *config);
const struct dcs_config_problem *dcs_config_problem(const struct dcs_config *config, size_t index);
/* DCS_E_CONFIG with the first problem that is global or concerns that order (0: any at all). */
bool dcs_config_check(const struct dcs_config *config, int64_t order,
                      struct dcs_err *err) DCS_CHECKED;

/* The sections that name orders, in file order. */
struct dcs_config_section {
    enum dcs_uri_kind kind; /* DCS_URI_ORDER, DCS_URI_ALTERNATE, DCS_URI_NAME */
    int64_t id;
    const char *value;
    int line;
};
size_t dcs_config_section_count(const struct dcs_config *config);
const struct dcs_config_section *dcs_config_section(const struct dcs_config *config, size_t index);
/* The order whose section says `successor = order`, 0 when none. */
int64_t dcs_config_predecessor(const struct dcs_config *config, int64_t order);

/* The names of all PKCS#11 tokens, the default one first; at most capacity of them, lent. */
size_t dcs_config_tokens(const struct dcs_config *config, const char **names, size_t capacity);

/* Effective values with where each comes from, for `digicert-store config`: an object. */
bool dcs_config_report(const struct dcs_config *config, struct dcs_json **ret_report,
                       struct dcs_err *err) DCS_CHECKED;

/* 30s, 5m, 2h, 1d; a bare number is seconds. */
bool dcs_config_duration(const char *text, int64_t *ret_ms) DCS_CHECKED;

#endif
