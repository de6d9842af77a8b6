// SPDX-License-Identifier: Apache-2.0
/* endpoint.c - reads tls://HOST:PORT?sni=NAME; looks nothing up. */
#include "model/endpoint.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { PORT_MAX = 65535 };

static bool is_address(const char *host)
{
    unsigned char bytes[16];

    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

static bool is_name(const char *text, size_t len)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "-._";

    return len > 0 && len < 256 && strspn(text, allowed) >= len;
}

/* HOST or [IPV6]; *ret_rest is what follows. */
static bool read_host(const char *text, char out[256], const char **ret_rest)
{
    if (text[0] == '[') {
        size_t len = strcspn(text + 1, "]");
        if (text[len + 1] != ']' || len >= 256)
            return false;
        snprintf(out, 256, "%.*s", (int)len, text + 1);
        *ret_rest = text + len + 2;
        return strchr(out, ':') && is_address(out);
    }
    size_t len = strcspn(text, ":?/");
    if (!is_name(text, len))
        return false;
    snprintf(out, 256, "%.*s", (int)len, text);
    *ret_rest = text + len;
    return true;
}

bool dcs_endpoint_parse(const char *text, struct dcs_endpoint *ret_endpoint)
{
    struct dcs_endpoint e = { 0 };
    const char *at = NULL;
    char port[8];
    int64_t number = 0;

    if (strncmp(text, "tls://", 6) != 0 || !read_host(text + 6, e.host, &at) || *at++ != ':')
        return false;
    size_t digits = strspn(at, "0123456789");
    if (digits == 0 || digits > 5)
        return false;
    snprintf(port, sizeof(port), "%.*s", (int)digits, at);
    if (!dcs_parse_i64(port, 1, PORT_MAX, &number))
        return false;
    snprintf(e.port, sizeof(e.port), "%d", (int)number);
    at += digits;
    if (!is_address(e.host))
        snprintf(e.sni, sizeof(e.sni), "%s", e.host);
    if (strncmp(at, "?sni=", 5) == 0) {
        size_t len = strlen(at + 5);
        if (!is_name(at + 5, len))
            return false;
        snprintf(e.sni, sizeof(e.sni), "%s", at + 5);
        at += 5 + len;
    }
    if (*at)
        return false;
    *ret_endpoint = e;
    return true;
}
