// SPDX-License-Identifier: Apache-2.0
/* uri.c - reads digicert: URIs; touches no file and no network, allocates nothing. */
#include "model/uri.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"

#define SCHEME "digicert:"

enum { SHOWN_MAX = 80, HEX_MAX = 32 };

static const char *const kind_names[] = {
    [DCS_URI_LIST] = "",
    [DCS_URI_ORDER] = "order",
    [DCS_URI_CERTIFICATE] = "certificate",
    [DCS_URI_ALTERNATE] = "alternate",
    [DCS_URI_NAME] = "name",
    [DCS_URI_SERIAL] = "serial",
    [DCS_URI_THUMBPRINT] = "thumbprint",
};

static const struct {
    const char *name;
    unsigned types;
} type_names[] = {
    { "cert", DCS_TYPE_CERT }, { "ca", DCS_TYPE_CA },         { "chain", DCS_TYPE_CHAIN },
    { "key", DCS_TYPE_KEY },   { "public", DCS_TYPE_PUBLIC }, { "crl", DCS_TYPE_CRL },
};

const char *dcs_uri_kind_name(enum dcs_uri_kind kind)
{
    return (unsigned)kind < DCS_COUNT(kind_names) ? kind_names[kind] : "";
}

bool dcs_uri_has_scheme(const char *text)
{
    return text && strncasecmp(text, SCHEME, strlen(SCHEME)) == 0;
}

/* The URI as the person wrote it, made harmless and short. */
static bool fail_uri(struct dcs_err *err, const char *uri, const char *why, const char *hint)
{
    char shown[SHOWN_MAX];

    for (size_t i = 0; i < sizeof(shown); i++) {
        unsigned char c = (unsigned char)uri[i];
        shown[i] = (char)(c && (c < 0x20 || c >= 0x7F) ? '?' : c);
        if (!c)
            break;
    }
    shown[sizeof(shown) - 1] = '\0';
    dcs_fail(err, DCS_E_URI, "\"%s%s\": %s", shown, strlen(uri) >= sizeof(shown) ? "..." : "", why);
    return dcs_hint(err, "%s", hint);
}

/* ---- parts ---- */

bool dcs_id_parse(const char *text, size_t len, int64_t *ret_id)
{
    int64_t id = 0;

    if (len == 0 || len > 18 || text[0] == '0')
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        id = id * 10 + (text[i] - '0');
    }
    *ret_id = id;
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool dcs_uri_unescape(const char *text, size_t len, char *out, size_t capacity)
{
    char clean[DCS_URI_TEXT];
    size_t at = 0;

    for (size_t i = 0; i < len; i++) {
        int c = (unsigned char)text[i];
        if (c == '%') {
            int high = i + 2 < len ? hex_digit(text[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
            if (low < 0)
                return false;
            c = high << 4 | low;
            i += 2;
        }
        if (c < 0x20 || c == 0x7F || at + 1 >= capacity || at + 1 >= sizeof(clean))
            return false;
        out[at++] = (char)c;
    }
    out[at] = '\0';
    /* Cleaning changes what is bad UTF-8, a control or a direction mark; then it is refused. Runs of
     * blanks are folded there, so they are no reference either. */
    dcs_clean_text(out, clean, sizeof(clean));
    return strcmp(out, clean) == 0;
}

void dcs_uri_escape(const char *text, char *out, size_t capacity)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t at = 0;

    for (; *text && at + 4 <= capacity; text++) {
        unsigned char c = (unsigned char)*text;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     strchr("-._~", c);
        if (plain) {
            out[at++] = (char)c;
            continue;
        }
        out[at++] = '%';
        out[at++] = digits[c >> 4];
        out[at++] = digits[c & 15];
    }
    if (capacity)
        out[at < capacity ? at : capacity - 1] = '\0';
}

/* LDH labels of 63 at most, underscores tolerated; a wildcard only as the whole first label. */
static bool is_dns_name(const char *name)
{
    size_t label = 0;
    const char *at = strncmp(name, "*.", 2) == 0 ? name + 2 : name;

    if (!*at || strlen(name) > 253)
        return false;
    for (; *at; at++) {
        bool plain = (*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') || *at == '_';
        if (*at == '.') {
            if (label == 0 || at[-1] == '-')
                return false;
            label = 0;
            continue;
        }
        if (!(plain || (*at == '-' && label > 0)) || ++label > 63)
            return false;
    }
    return label > 0 && at[-1] != '-';
}

bool dcs_host_normalize(const char *text, char *out, size_t capacity)
{
    unsigned char address[16];
    size_t len = strlen(text);

    if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    if (len > 1 && text[len - 1] == '.')
        len--;
    if (len == 0 || len >= capacity)
        return false;
    for (size_t i = 0; i < len; i++)
        out[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] | 0x20 : text[i]);
    out[len] = '\0';
    if (inet_pton(AF_INET6, out, address) == 1)
        return inet_ntop(AF_INET6, address, out, (socklen_t)capacity) != NULL;
    return is_dns_name(out);
}

/* Hex with or without colons, to lower case; leading zero octets are dropped when asked. */
static bool read_hex(const char *text, bool drop_zeros, size_t min, size_t max, char *out,
                     size_t *ret_octets)
{
    uint8_t octets[HEX_MAX];
    size_t len = 0;
    size_t first = 0;

    if (!dcs_unhex(text, octets, max < HEX_MAX ? max : HEX_MAX, &len) || len < min)
        return false;
    while (drop_zeros && first + 1 < len && octets[first] == 0)
        first++;
    dcs_hex(octets + first, len - first, out);
    *ret_octets = len;
    return true;
}

/* ---- value ---- */

static bool read_id(const char *uri, struct dcs_uri *to, struct dcs_err *err)
{
    if (dcs_id_parse(to->value, strlen(to->value), &to->id))
        return true;
    return fail_uri(err, uri, "the id must be 1 to 18 digits without leading zero",
                    "for example digicert://order/123");
}

static bool read_host(const char *uri, struct dcs_uri *to, struct dcs_err *err)
{
    char host[sizeof(to->value)];

    if (!dcs_host_normalize(to->value, host, sizeof(host)))
        return fail_uri(
            err, uri, "this is no host name or IP address",
            "international names go in their xn-- form: digicert://name/www.example.com");
    snprintf(to->value, sizeof(to->value), "%s", host);
    return true;
}

static bool read_serial(const char *uri, struct dcs_uri *to, struct dcs_err *err)
{
    char hex[2 * HEX_MAX + 1];
    size_t octets = 0;

    if (!read_hex(to->value, true, 1, 32, hex, &octets))
        return fail_uri(err, uri, "a serial number is 1 to 32 pairs of hexadecimal digits",
                        "for example digicert://serial/0a:1b:2c or digicert://serial/0a1b2c");
    snprintf(to->value, sizeof(to->value), "%s", hex);
    return true;
}

static bool read_thumbprint(const char *uri, struct dcs_uri *to, struct dcs_err *err)
{
    char hex[2 * HEX_MAX + 1];
    size_t octets = 0;

    if (!read_hex(to->value, false, 20, 32, hex, &octets) || (octets != 20 && octets != 32))
        return fail_uri(err, uri, "a thumbprint is 40 (SHA-1) or 64 (SHA-256) hexadecimal digits",
                        "`openssl x509 -noout -fingerprint` prints it");
    snprintf(to->value, sizeof(to->value), "%s", hex);
    return true;
}

static bool read_reference(const char *uri, struct dcs_uri *to, struct dcs_err *err)
{
    (void)uri;
    (void)to;
    (void)err;
    return true;
}

static bool (*const value_readers[])(const char *, struct dcs_uri *, struct dcs_err *) = {
    [DCS_URI_ORDER] = read_id,
    [DCS_URI_CERTIFICATE] = read_id,
    [DCS_URI_ALTERNATE] = read_reference,
    [DCS_URI_NAME] = read_host,
    [DCS_URI_SERIAL] = read_serial,
    [DCS_URI_THUMBPRINT] = read_thumbprint,
};

static bool read_path(const char *uri, const char *path, size_t len, struct dcs_uri *to,
                      struct dcs_err *err)
{
    static const char forms[] =
        "the forms are digicert://order/ID, certificate/ID, alternate/REF, "
        "name/HOST, serial/HEX, thumbprint/HEX, and digicert: for the listing";
    const char *slash = memchr(path, '/', len);
    size_t kind_len = slash ? (size_t)(slash - path) : len;

    if (len == 0)
        return true;
    if (path[0] == '/')
        return fail_uri(err, uri, "there is one slash too many or too few after the colon",
                        "write digicert:order/123 or digicert://order/123");
    for (size_t i = DCS_URI_ORDER; i < DCS_COUNT(kind_names); i++)
        if (strlen(kind_names[i]) == kind_len && strncasecmp(path, kind_names[i], kind_len) == 0)
            to->kind = (enum dcs_uri_kind)i;
    if (to->kind == DCS_URI_LIST)
        return fail_uri(
            err, uri,
            slash ? "this kind of thing is not known" : "there is no kind before the value", forms);
    if (!slash || kind_len + 1 == len)
        return fail_uri(err, uri, "the value is missing", forms);
    if (memchr(slash + 1, '/', len - kind_len - 1))
        return fail_uri(err, uri, "there is a slash in the value",
                        "write a slash in a value as %2F");
    if (!dcs_uri_unescape(slash + 1, len - kind_len - 1, to->value, sizeof(to->value)))
        return fail_uri(err, uri,
                        "the value holds a malformed %XX, a control character or bad UTF-8",
                        "percent-encode what is not a letter, a digit or one of - . _ ~");
    return value_readers[to->kind](uri, to, err);
}

/* ---- parameters ---- */

static bool set_type(const char *uri, const char *value, struct dcs_uri *to, struct dcs_err *err)
{
    for (size_t i = 0; i < DCS_COUNT(type_names); i++) {
        if (strcasecmp(value, type_names[i].name) != 0)
            continue;
        to->types = (to->types_given ? to->types : 0) | type_names[i].types;
        to->types_given = true;
        return true;
    }
    return fail_uri(err, uri, "this type is not known",
                    "types are cert, ca, chain, key, public and crl; type= may repeat");
}

static bool set_spki(const char *uri, const char *value, struct dcs_uri *to, struct dcs_err *err)
{
    char hex[2 * HEX_MAX + 1];
    size_t octets = 0;

    if (strncasecmp(value, "sha256:", 7) == 0)
        value += 7;
    if (to->has_spki || !read_hex(value, false, 32, 32, hex, &octets) ||
        !dcs_unhex(hex, to->spki_sha256, sizeof(to->spki_sha256), &octets))
        return fail_uri(err, uri,
                        "spki= takes the SHA-256 of the public key once, 64 hexadecimal digits",
                        "`digicert-store show` prints it as spki_sha256");
    to->has_spki = true;
    return true;
}

static bool set_serial(const char *uri, const char *value, struct dcs_uri *to, struct dcs_err *err)
{
    char hex[2 * HEX_MAX + 1];
    size_t octets = 0;

    if (to->serial[0] || !read_hex(value, true, 1, 32, hex, &octets))
        return fail_uri(err, uri, "serial= takes one serial number, hexadecimal",
                        "`openssl x509 -noout -serial` prints it");
    snprintf(to->serial, sizeof(to->serial), "%s", hex);
    return true;
}

static bool set_scope(const char *uri, const char *value, struct dcs_uri *to, struct dcs_err *err)
{
    bool local = strcasecmp(value, "local") == 0;

    if (to->kind != DCS_URI_LIST || (!local && strcasecmp(value, "account") != 0))
        return fail_uri(err, uri, "scope= is local or account, and belongs to the listing",
                        "digicert:?scope=local lists what is cached or configured on this host");
    to->scope = local ? DCS_SCOPE_LOCAL : DCS_SCOPE_ACCOUNT;
    return true;
}

static const struct {
    const char *name;
    bool (*set)(const char *uri, const char *value, struct dcs_uri *to, struct dcs_err *err);
    bool for_listing;
} parameters[] = {
    { "type", set_type, true },
    { "spki", set_spki, false },
    { "serial", set_serial, false },
    { "scope", set_scope, true },
};

static bool read_parameter(const char *uri, const char *text, size_t len, struct dcs_uri *to,
                           struct dcs_err *err)
{
    const char *equals = memchr(text, '=', len);
    size_t name_len = equals ? (size_t)(equals - text) : len;
    char value[DCS_URI_MAX + 1];

    if (!equals || name_len == 0)
        return fail_uri(err, uri, "a parameter is written NAME=VALUE",
                        "for example digicert://order/123?type=key");
    if (!dcs_uri_unescape(equals + 1, len - name_len - 1, value, sizeof(value)) || !*value)
        return fail_uri(err, uri, "a parameter has no value, or one that cannot be read",
                        "for example digicert://order/123?type=key");
    for (size_t i = 0; i < DCS_COUNT(parameters); i++) {
        if (strlen(parameters[i].name) != name_len ||
            strncasecmp(text, parameters[i].name, name_len) != 0)
            continue;
        if (to->kind == DCS_URI_LIST && !parameters[i].for_listing)
            return fail_uri(err, uri, "the listing takes no pins",
                            "pins belong to digicert://order/ID");
        return parameters[i].set(uri, value, to, err);
    }
    return fail_uri(err, uri, "this parameter is not known",
                    "parameters are type=, spki=, serial=, and scope= for the listing");
}

bool dcs_uri_parse(const char *text, struct dcs_uri *ret_uri, struct dcs_err *err)
{
    struct dcs_uri uri = { .types = DCS_TYPE_DEFAULT };

    if (!dcs_uri_has_scheme(text))
        return fail_uri(err, text ? text : "",
                        "this does not begin with digicert:", "for example digicert://order/123");
    if (strnlen(text, DCS_URI_MAX + 1) > DCS_URI_MAX)
        return fail_uri(err, text, "the URI is longer than 512 bytes",
                        "name the order by its number");
    for (const unsigned char *at = (const unsigned char *)text; *at; at++)
        if (*at < 0x20 || *at == 0x7F)
            return fail_uri(err, text, "there is a control character in the URI",
                            "percent-encode references; look for a stray line end");
    const char *path = text + strlen(SCHEME);
    if (strncmp(path, "//", 2) == 0)
        path += 2;
    size_t len = strcspn(path, "?;");
    if (!read_path(text, path, len, &uri, err))
        return false;
    const char *at = path + len;
    while (*at) {
        at++;
        size_t one = strcspn(at, "&;,");
        if (!read_parameter(text, at, one, &uri, err))
            return false;
        at += one;
    }
    *ret_uri = uri;
    return true;
}

bool dcs_uri_parse_loose(const char *text, struct dcs_uri *ret_uri, struct dcs_err *err)
{
    char full[DCS_URI_MAX + 32];
    int64_t id = 0;

    if (dcs_uri_has_scheme(text))
        return dcs_uri_parse(text, ret_uri, err);
    bool bare = dcs_id_parse(text, strcspn(text, "?;"), &id);
    int len = snprintf(full, sizeof(full), "digicert://%s%s", bare ? "order/" : "", text);
    if (len < 0 || (size_t)len >= sizeof(full))
        return fail_uri(err, text, "the URI is longer than 512 bytes",
                        "name the order by its number");
    return dcs_uri_parse(full, ret_uri, err);
}

void dcs_uri_canonical(const struct dcs_uri *uri, char out[DCS_URI_TEXT])
{
    char value[3 * DCS_URI_MAX + 1];

    if (uri->kind == DCS_URI_LIST) {
        snprintf(out, DCS_URI_TEXT, "digicert://");
        return;
    }
    if (uri->id)
        snprintf(value, sizeof(value), "%lld", (long long)uri->id);
    else
        dcs_uri_escape(uri->value, value, sizeof(value));
    snprintf(out, DCS_URI_TEXT, "digicert://%s/%s", dcs_uri_kind_name(uri->kind), value);
}
