/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uri.h - a digicert: URI as a value (design.md section 3 is the grammar).
 *
 *     digicert: [//] [KIND/VALUE] [? or ;  NAME=VALUE (& or ; or , NAME=VALUE)...]
 *
 * Parsing touches no file and no network, allocates nothing, and accepts 512 bytes at most.
 */
#ifndef DCS_MODEL_URI_H
#define DCS_MODEL_URI_H

#include "base/mem.h"

enum { DCS_URI_MAX = 512, DCS_URI_TEXT = 2048, DCS_ID_TEXT = 20 };

enum dcs_uri_kind {
    DCS_URI_LIST = 0, /* digicert: */
    DCS_URI_ORDER,
    DCS_URI_CERTIFICATE,
    DCS_URI_ALTERNATE,
    DCS_URI_NAME,
    DCS_URI_SERIAL,
    DCS_URI_THUMBPRINT,
};

/* What `type=` asks for; a set. */
enum dcs_type {
    DCS_TYPE_CERT = 1,
    DCS_TYPE_CA = 2,
    DCS_TYPE_KEY = 4,
    DCS_TYPE_PUBLIC = 8,
    DCS_TYPE_CRL = 16,
    DCS_TYPE_CHAIN = DCS_TYPE_CERT | DCS_TYPE_CA,
    DCS_TYPE_DEFAULT = DCS_TYPE_CERT | DCS_TYPE_CA | DCS_TYPE_KEY,
};

enum dcs_scope { DCS_SCOPE_ACCOUNT = 0, DCS_SCOPE_LOCAL };

struct dcs_uri {
    enum dcs_uri_kind kind;
    int64_t id;                  /* order and certificate: 1 to 18 digits, no leading zero */
    char value[DCS_URI_MAX + 1]; /* decoded: reference, host (lower case, A-label or IP), hex (lower
                                   case without colons); the digits for ids */
    unsigned types;              /* of enum dcs_type; never 0 */
    bool types_given;
    enum dcs_scope scope;
    bool has_spki;
    uint8_t spki_sha256[32];
    char serial[65]; /* lower-case hex pin without leading zeros, "" when none */
};

/* DCS_E_URI with what is wrong and an example of the right form. */
bool dcs_uri_parse(const char *text, struct dcs_uri *ret_uri, struct dcs_err *err) DCS_CHECKED;
/* As dcs_uri_parse, but the scheme may be missing ("order/123", and "123" = order/123): the CLI. */
bool dcs_uri_parse_loose(const char *text, struct dcs_uri *ret_uri,
                         struct dcs_err *err) DCS_CHECKED;
/* True when text begins with the scheme, whatever follows. */
bool dcs_uri_has_scheme(const char *text);
/* "digicert://order/123" without selectors and pins: for names, listings, lock hashes. */
void dcs_uri_canonical(const struct dcs_uri *uri, char out[DCS_URI_TEXT]);
/* Percent-encodes what is not unreserved. */
void dcs_uri_escape(const char *text, char *out, size_t capacity);
/* Decodes %XX; false on malformed escapes, control characters, bad UTF-8, or no room. */
bool dcs_uri_unescape(const char *text, size_t len, char *out, size_t capacity) DCS_CHECKED;
const char *dcs_uri_kind_name(enum dcs_uri_kind kind); /* "order", ... */
/* A decimal order or certificate id: 1 to 18 digits, no leading zero. */
bool dcs_id_parse(const char *text, size_t len, int64_t *ret_id) DCS_CHECKED;
/* A DNS name (wildcard label allowed) or IP literal as we compare it: lower case, no trailing dot,
 * IPv6 without brackets. False when it is neither. */
bool dcs_host_normalize(const char *text, char *out, size_t capacity) DCS_CHECKED;

#endif
