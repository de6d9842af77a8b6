// SPDX-License-Identifier: Apache-2.0
/*
 * config_keys.c - the table of configuration keys and how their values are read. Parsing,
 * `digicert-store config`, the man page and "did you mean" come from this table alone.
 */
#include "model/config_keys.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "dcs-build.h"
#include "model/endpoint.h"
#include "model/maintenance.h"

enum { NEAR_ENOUGH = 2, NAME_BYTES = 32, CALENDARS_MAX = 8 };

const struct dcs_config_row dcs_config_table[KEY_COUNT] = {
    [KEY_API_URL] = { "api_url", DCS_KEY_GLOBAL, "url", "https://www.digicert.com/services/v2",
                      "CertCentral Services API; accounts of the Europe instance use "
                      "https://certcentral.digicert.eu/services/v2." },
    [KEY_API_KEY_FILE] = { "api_key_file", DCS_KEY_GLOBAL, "path", "",
                           "File with the API key, mode 0600; the systemd credential "
                           "digicert-api-key "
                           "comes first where a unit has it." },
    [KEY_API_CA_FILE] = { "api_ca_file", DCS_KEY_GLOBAL, "path", "",
                          "PEM file with the CA of a private API endpoint such as the sandbox." },
    [KEY_PROXY] = { "proxy", DCS_KEY_GLOBAL, "proxy", "",
                    "HTTP proxy for requests to the CA; the environment's proxies are never "
                    "used." },
    [KEY_STATE_DIR] = { "state_dir", DCS_KEY_GLOBAL, "path", DCS_STATE_DIR,
                        "Where certificates, keys and records are kept." },
    [KEY_LOAD_DEADLINE] = { "load_deadline", DCS_KEY_GLOBAL, "duration", "30s",
                            "How long a load may wait for the CA when nothing usable is cached." },
    [KEY_REFRESH_DEADLINE] = { "refresh_deadline", DCS_KEY_GLOBAL, "duration", "5s",
                               "How long a load may wait for the CA when what is cached is "
                               "urgently "
                               "due." },
    [KEY_BUDGET_5S] = { "budget_5s", DCS_KEY_GLOBAL, "number", "80",
                        "Requests within 5 seconds, for all processes on one state_dir." },
    [KEY_BUDGET_3MIN] = { "budget_3min", DCS_KEY_GLOBAL, "number", "800",
                          "Requests within 3 minutes, for all processes on one state_dir." },
    [KEY_NOTIFY] = { "notify", DCS_KEY_GLOBAL, "command", "",
                     "Command for events other than a renewal (failed, expiring, pending, "
                     "dcv-expiring), run by `sync`." },
    [KEY_HOOK_DEADLINE] = { "hook_deadline", DCS_KEY_GLOBAL, "duration", "60s",
                            "How long hook and notify may take; then their process group is "
                            "ended." },
    [KEY_VERIFY_DEADLINE] = { "verify_deadline", DCS_KEY_GLOBAL, "duration", "30s",
                              "How long a server may take until verify sees the new "
                              "certificate." },
    [KEY_CT_LOG_LIST] = { "ct_log_list", DCS_KEY_GLOBAL, "path", "",
                          "CT logs with their keys, in OpenSSL's ct_log_list.cnf form, to verify "
                          "SCTs with." },
    [KEY_PIN_DIR] = { "pin_dir", DCS_KEY_GLOBAL, "path", "",
                      "Directory with the PINs of PKCS#11 tokens, one file a token, named like it; "
                      "a "
                      "token without file needs no login." },
    [KEY_TOKEN_CHAIN] = { "token_chain", DCS_KEY_GLOBAL, "yes|no", "yes",
                          "Show the issuers of certificates in PKCS#11 tokens, too." },
    [KEY_TLS_LIMIT] = { "tls_limit", DCS_KEY_GLOBAL, "limits", "",
                        "Lifetimes of public TLS certificates by date of issue, over the built-in "
                        "ones: DATE:INDUSTRY_DAYS:CA_DAYS, ..." },
    [KEY_CODE_SIGNING_LIMIT] = { "code_signing_limit", DCS_KEY_GLOBAL, "limits", "",
                                 "The same for code signing certificates." },
    [KEY_SMIME_LIMIT] = { "smime_limit", DCS_KEY_GLOBAL, "limits", "",
                          "The same for S/MIME certificates." },
    [KEY_SHORT_LIVED_LIMIT] = { "short_lived_limit", DCS_KEY_GLOBAL, "limits", "",
                                "The same for certificates that need neither CRL nor OCSP." },
    [KEY_DCV_REUSE] = { "dcv_reuse", DCS_KEY_GLOBAL, "limits", "",
                        "For how long the validation of a domain is used again, written the same "
                        "way." },
    [KEY_SII_REUSE] = { "sii_reuse", DCS_KEY_GLOBAL, "limits", "",
                        "For how long the validation of an organization is used again, written "
                        "the same way." },
    [KEY_CLIENT_AUTH_STOP] = { "client_auth_stop", DCS_KEY_GLOBAL, "date", "2027-03-01",
                               "From when on the CA gives no EKU clientAuth in public TLS "
                               "certificates." },
    [KEY_MAINTENANCE] = { "maintenance", DCS_KEY_GLOBAL, "windows", "",
                          "When the CA is known to be away: START/LENGTH [ZONE] [RULE], separated "
                          "by "
                          "commas." },
    [KEY_MAINTENANCE_CALENDAR] = { "maintenance_calendar", DCS_KEY_GLOBAL, "calendars", "",
                                   "iCalendar files (RFC 5545) of such windows: absolute paths or "
                                   "https:// URLs, separated by blanks, 8 at most." },
    [KEY_MAINTENANCE_STATUS_PAGE] = { "maintenance_status_page", DCS_KEY_GLOBAL, "page", "",
                                      "Status page whose scheduled maintenances are such windows; "
                                      "DigiCert's is https://status.digicert.com." },
    [KEY_MAINTENANCE_COMPONENTS] = { "maintenance_components", DCS_KEY_GLOBAL, "names", "",
                                     "Names of the status page's components that count, in full, "
                                     "separated by commas; without it all of them." },
    [KEY_MAINTENANCE_REFRESH] = { "maintenance_refresh", DCS_KEY_GLOBAL, "duration", "6h",
                                  "How long what was read from such a URL is good before it is "
                                  "read again." },
    [KEY_MAINTENANCE_CA_FILE] = { "maintenance_ca_file", DCS_KEY_GLOBAL, "path", "",
                                  "PEM file with the CA of a private calendar or status page "
                                  "server." },
    [KEY_REISSUE] = { "reissue", DCS_KEY_ORDER, "never|auto", "never",
                      "Whether a new key and certificate may be asked for without a person." },
    [KEY_VIA] = { "via", DCS_KEY_ORDER, "reissue|duplicate", "reissue",
                  "How they are asked for; duplicate leaves earlier copies untouched." },
    [KEY_KEY] = { "key", DCS_KEY_ORDER, "key", "ec:P-256",
                  "Kind of new keys: rsa:2048, rsa:3072, rsa:4096, ec:P-256, ec:P-384 or a pkcs11: "
                  "URI of a token." },
    [KEY_CT] = { "ct", DCS_KEY_ORDER, "as-order|logged|unlogged", "as-order",
                 "Whether certificates shall be logged for Certificate Transparency." },
    [KEY_MAX_REISSUES_PER_DAY] = { "max_reissues_per_day", DCS_KEY_ORDER, "number", "12",
                                   "When the CA shows that many reissues of an order on one day, "
                                   "what is merely due waits for the next." },
    [KEY_KEY_GROUP] = { "key_group", DCS_KEY_ORDER, "group", "",
                        "Group that may read the private key, which then has mode 0640." },
    [KEY_KEY_PASSPHRASE_FILE] = { "key_passphrase_file", DCS_KEY_ORDER, "path", "",
                                  "File whose first line is the passphrase under which the "
                                  "order's private keys lie encrypted; of a key that is "
                                  "encrypted without it, OpenSSL asks the application." },
    [KEY_CLIENT_AUTH] = { "client_auth", DCS_KEY_ORDER, "needed|not-needed", "not-needed",
                          "Refuse a new certificate that lacks EKU clientAuth." },
    [KEY_SERVE_EXPIRED] = { "serve_expired", DCS_KEY_ORDER, "yes|no", "",
                            "Serve an expired certificate when there is no other; without it, yes "
                            "for "
                            "certificates with EKU serverAuth." },
    [KEY_STUB] = { "stub", DCS_KEY_ORDER, "yes|no", "no",
                   "Allow key stubs, PEM files that stand for this order's key." },
    [KEY_TOKEN] = { "token", DCS_KEY_ORDER, "token", DCS_TOKEN_DEFAULT,
                    "PKCS#11 token in which the order is shown." },
    [KEY_COMBINED] = { "combined", DCS_KEY_ORDER, "yes|no", "no",
                       "Also write combined.pem (key, leaf, chain) into each generation." },
    [KEY_PRIVATE] = { "private", DCS_KEY_ORDER, "yes|no", "no",
                      "Keep the order's directories to the owner and key_group (mode 0750)." },
    [KEY_HOOK] = { "hook", DCS_KEY_ORDER, "command", "",
                   "Command that makes the server take the new pair; `deliver` runs it after each "
                   "new certificate, until it succeeds." },
    [KEY_DELIVER] = { "deliver", DCS_KEY_ORDER, "path", "",
                      "Directory that gets a copy of the pair: a generation directory and a link "
                      "current." },
    [KEY_DELIVER_OWNER] = { "deliver_owner", DCS_KEY_ORDER, "owner", "",
                            "Owner of the delivered copy, USER or USER:GROUP; without it, who "
                            "runs `deliver`." },
    [KEY_DELIVER_MODE] = { "deliver_mode", DCS_KEY_ORDER, "mode", "0600",
                           "Mode of the delivered private key." },
    [KEY_VERIFY] = { "verify", DCS_KEY_ORDER, "tls-url", "",
                     "tls://HOST:PORT?sni=NAME where the new certificate must show up after the "
                     "hook, three times in a row." },
    [KEY_ROLLBACK] = { "rollback", DCS_KEY_ORDER, "yes|no", "no",
                       "Go back to the delivered generation when hook or verify fails twice." },
    [KEY_SUCCESSOR] = { "successor", DCS_KEY_ORDER, "order", "",
                        "Order that takes this one's place after a renewal." },
};

const struct dcs_config_row *dcs_config_rows(size_t *ret_count)
{
    *ret_count = KEY_COUNT;
    return dcs_config_table;
}

enum dcs_config_key dcs_config_key_named(const char *name)
{
    for (int i = 0; i < KEY_COUNT; i++)
        if (strcmp(dcs_config_table[i].name, name) == 0)
            return (enum dcs_config_key)i;
    return KEY_COUNT;
}

/* Edit distance, for names of up to NAME_BYTES bytes. */
static size_t distance(const char *a, const char *b)
{
    size_t row[NAME_BYTES + 1];
    size_t b_len = strlen(b);

    if (b_len > NAME_BYTES)
        return NAME_BYTES;
    for (size_t k = 0; k <= b_len; k++)
        row[k] = k;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t k = 0; k < b_len; k++) {
            size_t change = diagonal + (a[i] != b[k]);
            size_t shorter = (row[k] < row[k + 1] ? row[k] : row[k + 1]) + 1;
            diagonal = row[k + 1];
            row[k + 1] = change < shorter ? change : shorter;
        }
    }
    return row[b_len];
}

const char *dcs_config_did_you_mean(const char *name)
{
    const char *nearest = NULL;
    size_t best = NEAR_ENOUGH + 1;
    char wanted[NAME_BYTES + 1];

    if (strlen(name) > NAME_BYTES)
        return NULL;
    for (size_t i = 0; i <= strlen(name); i++)
        wanted[i] =
            (char)(name[i] == '-' ? '_' : name[i] | (name[i] >= 'A' && name[i] <= 'Z' ? 0x20 : 0));
    for (int i = 0; i < KEY_COUNT; i++) {
        size_t far = distance(wanted, dcs_config_table[i].name);
        if (far < best) {
            best = far;
            nearest = dcs_config_table[i].name;
        }
    }
    return nearest;
}

/* ---- values by type ---- */

bool dcs_config_duration(const char *text, int64_t *ret_ms)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = { { "", 1000 },      { "ms", 1 },         { "s", 1000 },
                  { "m", 60000 },    { "min", 60000 },    { "h", 3600000 },
                  { "d", 86400000 }, { "day", 86400000 }, { "days", 86400000 } };
    size_t digits = strspn(text, "0123456789");
    char number[16];
    int64_t value = 0;

    if (digits == 0 || digits > 9)
        return false;
    snprintf(number, sizeof(number), "%.*s", (int)digits, text);
    if (!dcs_parse_i64(number, 1, 999999999, &value))
        return false;
    text += digits + strspn(text + digits, " ");
    for (size_t i = 0; i < DCS_COUNT(units); i++) {
        if (strcmp(text, units[i].unit) != 0)
            continue;
        *ret_ms = value * units[i].ms;
        return true;
    }
    return false;
}

static bool read_yes_no(const char *text, int64_t *ret_yes)
{
    static const struct {
        const char *word;
        int64_t yes;
    } words[] = { { "yes", 1 }, { "no", 0 },  { "true", 1 }, { "false", 0 },
                  { "on", 1 },  { "off", 0 }, { "1", 1 },    { "0", 0 } };

    for (size_t i = 0; i < DCS_COUNT(words); i++) {
        if (strcasecmp(text, words[i].word) != 0)
            continue;
        *ret_yes = words[i].yes;
        return true;
    }
    return false;
}

/* The position of text among the words of "never|auto". */
static bool read_choice(const char *choices, const char *text, int64_t *ret_index)
{
    int64_t index = 0;
    size_t len = strlen(text);

    for (const char *at = choices; at; index++) {
        const char *bar = strchr(at, '|');
        size_t word = bar ? (size_t)(bar - at) : strlen(at);
        if (word == len && strncasecmp(at, text, len) == 0) {
            *ret_index = index;
            return true;
        }
        at = bar ? bar + 1 : NULL;
    }
    return false;
}

static bool is_key_kind(const char *text)
{
    static const char *const kinds[] = { "rsa:2048", "rsa:3072", "rsa:4096", "ec:P-256",
                                         "ec:P-384" };

    for (size_t i = 0; i < DCS_COUNT(kinds); i++)
        if (strcmp(text, kinds[i]) == 0)
            return true;
    return strncmp(text, "pkcs11:", 7) == 0 && text[7];
}

/* A file name in pin_dir, too: no slash, no leading dot. */
static bool is_token(const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

    return strchr("-_.", text[0]) == NULL && strlen(text) <= DCS_TOKEN_MAX &&
           strspn(text, plain) == strlen(text);
}

static bool is_mode(const char *text)
{
    size_t len = strlen(text);

    return len >= 3 && len <= 4 && strspn(text, "01234567") == len;
}

/* The one mode in the file is that of a private key: nothing for others, nothing to execute. */
static bool is_key_mode(const char *text)
{
    return is_mode(text) && strspn(text, "0246") == strlen(text) && text[strlen(text) - 1] == '0';
}

static bool is_owner(const char *text)
{
    size_t user = strcspn(text, ":");

    return user > 0 && !strpbrk(text, " \t/") &&
           (!text[user] || (text[user + 1] && !strchr(text + user + 1, ':')));
}

static bool is_endpoint(const char *text)
{
    struct dcs_endpoint endpoint;

    return dcs_endpoint_parse(text, &endpoint);
}

static bool is_https(const char *text)
{
    return strncasecmp(text, "https://", 8) == 0 && text[8] && !strpbrk(text, " \t@?#");
}

/* Neither a fragment nor a name with a password, and nothing that could end a request line. */
static bool is_https_address(const char *text, size_t len)
{
    size_t host = len > 8 ? strcspn(text + 8, "/?") : 0;

    return len > 8 && len < 1000 && strncasecmp(text, "https://", 8) == 0 && host > 0 &&
           host < len && !memchr(text + 8, '@', host < len - 8 ? host : len - 8) &&
           !memchr(text, '#', len);
}

static const char *check_calendars(const char *text)
{
    size_t count = 0;

    for (const char *at = text + strspn(text, " \t"); *at; at += strspn(at, " \t")) {
        size_t len = strcspn(at, " \t");
        if ((at[0] != '/' || len >= 1000) && !is_https_address(at, len))
            return "expected absolute paths and https:// URLs, separated by blanks";
        if (++count > CALENDARS_MAX)
            return "more than 8 calendars";
        at += len;
    }
    return NULL;
}

static const char *check_limits(const char *text)
{
    struct dcs_limits scratch = *dcs_limits_builtin();
    const char *why = NULL;

    return dcs_limits_correct(&scratch, DCS_LIMIT_TLS, text, &why) ? NULL : why;
}

void dcs_config_correct_limits(enum dcs_config_key key, const char *text, struct dcs_limits *limits)
{
    static const struct {
        enum dcs_config_key key;
        enum dcs_limit table;
    } rows[] = {
        { KEY_TLS_LIMIT, DCS_LIMIT_TLS },       { KEY_CODE_SIGNING_LIMIT, DCS_LIMIT_CODE_SIGNING },
        { KEY_SMIME_LIMIT, DCS_LIMIT_SMIME },   { KEY_SHORT_LIVED_LIMIT, DCS_LIMIT_SHORT_LIVED },
        { KEY_DCV_REUSE, DCS_LIMIT_DCV_REUSE }, { KEY_SII_REUSE, DCS_LIMIT_SII_REUSE },
    };
    const char *why = NULL;

    if (key == KEY_CLIENT_AUTH_STOP)
        (void)!dcs_limit_read_date(text, &limits->client_auth_stop);
    for (size_t i = 0; i < DCS_COUNT(rows); i++)
        if (rows[i].key == key)
            (void)!dcs_limits_correct(limits, rows[i].table, text, &why);
}

bool dcs_config_read_value(enum dcs_config_key key, const char *text, int64_t *ret_number,
                           char *ret_why, size_t why_size)
{
    const char *type = dcs_config_table[key].type;
    const char *why = NULL;

    *ret_number = 0;
    if (strcmp(type, "duration") == 0)
        why = dcs_config_duration(text, ret_number)
                  ? NULL
                  : "expected a duration such as 30s, 5m, 2h or 1d";
    else if (strcmp(type, "number") == 0)
        why = dcs_parse_i64(text, 1, 1000, ret_number) ? NULL : "expected a number from 1 to 1000";
    else if (strcmp(type, "limits") == 0)
        why = check_limits(text);
    else if (strcmp(type, "date") == 0)
        why = dcs_limit_read_date(text, ret_number) ? NULL : "expected a date such as 2027-03-01";
    else if (strcmp(type, "yes|no") == 0)
        why = read_yes_no(text, ret_number) ? NULL : "expected yes or no";
    else if (strchr(type, '|'))
        why = read_choice(type, text, ret_number) ? NULL : "";
    else if (strcmp(type, "order") == 0)
        why = dcs_id_parse(text, strlen(text), ret_number) ? NULL : "expected an order number";
    else if (strcmp(type, "path") == 0)
        why = text[0] == '/' && strlen(text) < 4000 ? NULL : "expected an absolute path";
    else if (strcmp(type, "url") == 0)
        why = is_https(text) ? NULL
                             : "expected an https:// URL: the API key must not travel in clear";
    else if (strcmp(type, "key") == 0)
        why = is_key_kind(text)
                  ? NULL
                  : "expected rsa:2048, rsa:3072, rsa:4096, ec:P-256, ec:P-384 or pkcs11:...";
    else if (strcmp(type, "token") == 0)
        why = is_token(text) ? NULL
                             : "expected 1 to 32 letters, digits, dots, dashes or underscores, "
                               "with a letter or digit first";
    else if (strcmp(type, "mode") == 0)
        why = is_key_mode(text) ? NULL : "expected the mode of a private key, such as 0600 or 0640";
    else if (strcmp(type, "owner") == 0)
        why = is_owner(text) ? NULL : "expected USER or USER:GROUP";
    else if (strcmp(type, "windows") == 0)
        why = dcs_maintenance_check(text);
    else if (strcmp(type, "calendars") == 0)
        why = check_calendars(text);
    else if (strcmp(type, "page") == 0)
        why = is_https_address(text, strlen(text)) && !strpbrk(text, " \t?")
                  ? NULL
                  : "expected the https:// URL of a status page";
    else if (strcmp(type, "tls-url") == 0)
        why = is_endpoint(text) ? NULL : "expected tls://HOST:PORT?sni=NAME";
    if (!why)
        return true;
    if (*why)
        snprintf(ret_why, why_size, "%s", why);
    else
        snprintf(ret_why, why_size, "expected one of %s", type);
    return false;
}
