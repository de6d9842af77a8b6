/* SPDX-License-Identifier: Apache-2.0 */
/* config_keys.h - the table of configuration keys and the parsed form, for model/config* alone. */
#ifndef DCS_MODEL_CONFIG_KEYS_H
#define DCS_MODEL_CONFIG_KEYS_H

#include <stdatomic.h>

#include "model/config.h"

enum dcs_config_key {
    KEY_API_URL,
    KEY_API_KEY_FILE,
    KEY_API_CA_FILE,
    KEY_PROXY,
    KEY_STATE_DIR,
    KEY_LOAD_DEADLINE,
    KEY_REFRESH_DEADLINE,
    KEY_BUDGET_5S,
    KEY_BUDGET_3MIN,
    KEY_NOTIFY,
    KEY_HOOK_DEADLINE,
    KEY_VERIFY_DEADLINE,
    KEY_CT_LOG_LIST,
    KEY_PIN_DIR,
    KEY_TOKEN_CHAIN,
    KEY_TLS_LIMIT,
    KEY_CODE_SIGNING_LIMIT,
    KEY_SMIME_LIMIT,
    KEY_SHORT_LIVED_LIMIT,
    KEY_DCV_REUSE,
    KEY_SII_REUSE,
    KEY_CLIENT_AUTH_STOP,
    KEY_MAINTENANCE,
    KEY_MAINTENANCE_CALENDAR,
    KEY_MAINTENANCE_STATUS_PAGE,
    KEY_MAINTENANCE_COMPONENTS,
    KEY_MAINTENANCE_REFRESH,
    KEY_MAINTENANCE_CA_FILE,
    KEY_REISSUE,
    KEY_VIA,
    KEY_KEY,
    KEY_CT,
    KEY_MAX_REISSUES_PER_DAY,
    KEY_KEY_GROUP,
    KEY_KEY_PASSPHRASE_FILE,
    KEY_CLIENT_AUTH,
    KEY_SERVE_EXPIRED,
    KEY_STUB,
    KEY_TOKEN,
    KEY_COMBINED,
    KEY_PRIVATE,
    KEY_HOOK,
    KEY_DELIVER,
    KEY_DELIVER_OWNER,
    KEY_DELIVER_MODE,
    KEY_VERIFY,
    KEY_ROLLBACK,
    KEY_SUCCESSOR,
    KEY_COUNT
};

/* A value after it was read: text as written, and its number where it has one. */
struct dcs_config_value {
    char *text; /* NULL: not set here */
    int64_t number;
    int line;
};

/* One [kind/value] section with what it sets. */
struct dcs_order_section {
    struct dcs_config_section head;
    char *value;
    char *name; /* as written in the file */
    struct dcs_config_value values[KEY_COUNT];
};

struct dcs_config {
    atomic_uint refs;
    char *origin;
    struct dcs_config_value defaults[KEY_COUNT];
    struct dcs_settings settings;
    struct dcs_limits limits;
    struct dcs_order_section *sections;
    size_t section_count;
    struct dcs_config_problem *problems;
    size_t problem_count;
    size_t *by_id; /* indexes of order/ sections, sorted by id */
    size_t by_id_count;
    size_t other_count;  /* alternate/ and name/ sections */
    bool has_successors; /* any section names one */
};

/* The order/ section of that id, NULL when there is none. */
const struct dcs_order_section *dcs_config_find_order(const struct dcs_config *config, int64_t id);

extern const struct dcs_config_row dcs_config_table[KEY_COUNT];

/* Lays a value that dcs_config_read_value took for that key over the tables; a key that is no
 * limit changes nothing. */
void dcs_config_correct_limits(enum dcs_config_key key, const char *text,
                               struct dcs_limits *limits);

/* Reads text by the type of the key; on failure *ret_why says what is expected. */
bool dcs_config_read_value(enum dcs_config_key key, const char *text, int64_t *ret_number,
                           char *ret_why, size_t why_size) DCS_CHECKED;
/* The key of that name, KEY_COUNT when there is none. */
enum dcs_config_key dcs_config_key_named(const char *name);
/* The key whose name is nearest, NULL when none is near. */
const char *dcs_config_did_you_mean(const char *name);

#endif
