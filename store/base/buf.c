// SPDX-License-Identifier: Apache-2.0
/* buf.c - the growing buffer; a failed one ignores what follows. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_MAX = 1 << 20 };

void dcs_buf_init(struct dcs_buf *buf, size_t max)
{
    *buf = (struct dcs_buf){ .max = max };
}

void dcs_buf_clear(struct dcs_buf *buf)
{
    if (!buf)
        return;
    if (buf->secret)
        dcs_wipe(buf->data, buf->capacity);
    free(buf->data);
    *buf = (struct dcs_buf){ .max = buf->max, .secret = buf->secret };
}

void dcs_buf_drop(struct dcs_buf *buf)
{
    dcs_buf_clear(buf);
}

/* Makes room for more bytes and the NUL; realloc would leave a copy of a secret behind. */
static bool grow(struct dcs_buf *buf, size_t more)
{
    size_t max = buf->max ? buf->max : DEFAULT_MAX;

    if (buf->failed || more > max - buf->len) {
        buf->failed = true;
        return false;
    }
    size_t need = buf->len + more + 1;
    if (need <= buf->capacity)
        return true;
    size_t capacity = buf->capacity ? buf->capacity : 128;
    while (capacity < need)
        capacity *= 2;
    char *data = malloc(capacity);
    if (!data) {
        buf->failed = true;
        return false;
    }
    if (buf->len)
        memcpy(data, buf->data, buf->len);
    if (buf->secret)
        dcs_wipe(buf->data, buf->capacity);
    free(buf->data);
    buf->data = data;
    buf->capacity = capacity;
    return true;
}

void dcs_buf_add(struct dcs_buf *buf, const void *data, size_t len)
{
    if (!grow(buf, len))
        return;
    if (len)
        memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void dcs_buf_adds(struct dcs_buf *buf, const char *text)
{
    dcs_buf_add(buf, text, strlen(text));
}

void dcs_buf_addc(struct dcs_buf *buf, char c)
{
    dcs_buf_add(buf, &c, 1);
}

void dcs_buf_addf(struct dcs_buf *buf, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int wanted = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (wanted < 0 || !grow(buf, (size_t)wanted)) {
        buf->failed = true;
        return;
    }
    va_start(args, format);
    vsnprintf(buf->data + buf->len, (size_t)wanted + 1, format, args);
    va_end(args);
    buf->len += (size_t)wanted;
}

const char *dcs_buf_text(const struct dcs_buf *buf)
{
    return buf->data ? buf->data : "";
}

bool dcs_buf_ok(const struct dcs_buf *buf, const char *what, struct dcs_err *err)
{
    size_t max = buf->max ? buf->max : DEFAULT_MAX;

    if (!buf->failed)
        return true;
    if (buf->len >= max / 2)
        return dcs_fail(err, DCS_E_BUG, "%s does not fit into %zu bytes", what, max);
    return dcs_fail(err, DCS_E_NOMEM, "out of memory for %s", what);
}

bool dcs_buf_steal(struct dcs_buf *buf, char **ret_text, struct dcs_err *err)
{
    dcs_buf_add(buf, "", 0);
    if (!dcs_buf_ok(buf, "a text", err))
        return false;
    *ret_text = buf->data;
    buf->data = NULL;
    buf->len = buf->capacity = 0;
    return true;
}

/* Length of the UTF-8 character at p, 0 when it is malformed (RFC 3629 section 4). */
static size_t utf8_length(const unsigned char *p)
{
    static const struct {
        unsigned char first_low, first_high, second_low, second_high;
        size_t len;
    } forms[] = {
        { 0xC2, 0xDF, 0x80, 0xBF, 2 }, { 0xE0, 0xE0, 0xA0, 0xBF, 3 }, { 0xE1, 0xEC, 0x80, 0xBF, 3 },
        { 0xED, 0xED, 0x80, 0x9F, 3 }, { 0xEE, 0xEF, 0x80, 0xBF, 3 }, { 0xF0, 0xF0, 0x90, 0xBF, 4 },
        { 0xF1, 0xF3, 0x80, 0xBF, 4 }, { 0xF4, 0xF4, 0x80, 0x8F, 4 },
    };

    if (*p < 0x80)
        return 1;
    for (size_t i = 0; i < DCS_COUNT(forms); i++) {
        if (*p < forms[i].first_low || *p > forms[i].first_high)
            continue;
        if (p[1] < forms[i].second_low || p[1] > forms[i].second_high)
            return 0;
        for (size_t k = 2; k < forms[i].len; k++)
            if ((p[k] & 0xC0) != 0x80)
                return 0;
        return forms[i].len;
    }
    return 0;
}

/* C0, DEL, the C1 range (U+0080..9F) and the bidirectional overrides turn a terminal's text. */
static bool is_control(const unsigned char *p, size_t len)
{
    if (len == 1)
        return *p < 0x20 || *p == 0x7F;
    if (len == 2)
        return p[0] == 0xC2 && p[1] < 0xA0;
    if (len == 3 && p[0] == 0xE2 && p[1] == 0x80)
        return (p[2] >= 0xA8 && p[2] <= 0xAE) || p[2] == 0x8E || p[2] == 0x8F;
    return len == 3 && p[0] == 0xE2 && p[1] == 0x81 && p[2] >= 0xA6 && p[2] <= 0xA9;
}

void dcs_clean_text(const char *text, char *out, size_t capacity)
{
    const unsigned char *p = (const unsigned char *)(text ? text : "");
    size_t at = 0;

    if (capacity == 0)
        return;
    while (*p) {
        size_t len = utf8_length(p);
        bool blank = *p == ' ' || *p == '\t' || *p == '\n' || *p == '\r';
        bool bad = !blank && (len == 0 || is_control(p, len));
        size_t add = blank || bad ? 1 : len;

        if (at + add >= capacity)
            break;
        if (!blank && !bad)
            memcpy(out + at, p, len);
        else
            out[at] = blank ? ' ' : '?';
        if (!(blank && at > 0 && out[at - 1] == ' '))
            at += add;
        p += len ? len : 1;
    }
    out[at] = '\0';
}
