// SPDX-License-Identifier: Apache-2.0
/* mem.c - allocation with one failure path, and memory that never outlives its secret. */
#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void dcs_wipe(void *data, size_t len)
{
    if (data && len)
        explicit_bzero(data, len);
}

DCS_AT_START void *dcs_alloc(size_t count, size_t size, struct dcs_err *err)
{
    void *memory = calloc(count ? count : 1, size);

    if (!memory)
        dcs_fail(err, DCS_E_NOMEM, "out of memory");
    return memory;
}

bool dcs_secret_new(size_t len, struct dcs_secret *ret_secret, struct dcs_err *err)
{
    if (len == SIZE_MAX)
        return dcs_fail(err, DCS_E_NOMEM, "out of memory");
    uint8_t *data = dcs_alloc(len + 1, 1, err);
    if (!data)
        return false;
    ret_secret->data = data;
    ret_secret->len = len;
    return true;
}

bool dcs_secret_copy(const void *data, size_t len, struct dcs_secret *ret_secret,
                     struct dcs_err *err)
{
    struct dcs_secret copy = { 0 };

    if (!dcs_secret_new(len, &copy, err))
        return false;
    if (len)
        memcpy(copy.data, data, len);
    *ret_secret = copy;
    return true;
}

struct dcs_secret dcs_secret_take(struct dcs_secret *secret)
{
    struct dcs_secret taken = { 0 };

    if (!secret)
        return taken;
    taken = *secret;
    secret->data = NULL;
    secret->len = 0;
    return taken;
}

void dcs_secret_clear(struct dcs_secret *secret)
{
    if (!secret)
        return;
    dcs_wipe(secret->data, secret->len);
    free(secret->data);
    secret->data = NULL;
    secret->len = 0;
}

void dcs_secret_drop(struct dcs_secret *secret)
{
    dcs_secret_clear(secret);
}

void dcs_str_drop(char **text)
{
    if (!text)
        return;
    free(*text);
    *text = NULL;
}

DCS_AT_START bool dcs_str_copy(const char *text, char **ret_copy, struct dcs_err *err)
{
    char *copy = strdup(text ? text : "");

    if (!copy)
        return dcs_fail(err, DCS_E_NOMEM, "out of memory");
    *ret_copy = copy;
    return true;
}

bool dcs_parse_i64(const char *text, int64_t min, int64_t max, int64_t *ret_value)
{
    char *end = NULL;

    if (!text || !(*text == '-' || (*text >= '0' && *text <= '9')))
        return false;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || end == text || *end || value < min || value > max)
        return false;
    *ret_value = value;
    return true;
}

void dcs_hex(const uint8_t *data, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[data[i] >> 4];
        out[2 * i + 1] = digits[data[i] & 15];
    }
    out[2 * len] = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool dcs_unhex(const char *text, uint8_t *out, size_t capacity, size_t *ret_len)
{
    size_t len = 0;

    while (*text) {
        int high = hex_value(text[0]);
        int low = high < 0 ? -1 : hex_value(text[1]);
        if (low < 0 || len == capacity)
            return false;
        out[len++] = (uint8_t)(high << 4 | low);
        text += 2;
        if (*text == ':' && *++text == '\0')
            return false;
    }
    *ret_len = len;
    return true;
}
