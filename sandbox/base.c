/* SPDX-License-Identifier: Apache-2.0 */
/* base.c - memory, growing text and lists for the simulator; ends the program when memory is out. */
#include "base.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/rand.h>

static void *checked(void *block)
{
    if (block)
        return block;
    sb_complain("out of memory");
    exit(1);
}

void *sb_alloc(size_t size)
{
    return checked(calloc(1, size > 0 ? size : 1));
}

void *sb_realloc(void *old, size_t size)
{
    return checked(realloc(old, size > 0 ? size : 1));
}

char *sb_strdup(const char *text)
{
    return text ? checked(strdup(text)) : NULL;
}

char *sb_strndup(const char *text, size_t len)
{
    return checked(strndup(text, len));
}

char *sb_format(const char *format, ...)
{
    char *text = NULL;
    va_list args;

    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    return checked(text);
}

void sb_free(void *block)
{
    free(block);
}

void sb_free_drop(void *owner)
{
    free(*(void **)owner);
}

void sb_set(char **slot, const char *text)
{
    char *copy = sb_strdup(text);

    free(*slot);
    *slot = copy;
}

bool sb_complain(const char *format, ...)
{
    va_list args;

    fputs("digicert-sandbox: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return false;
}

static void reserve(struct sb_buf *buf, size_t more)
{
    size_t want = buf->len + more + 1;

    if (want <= buf->capacity)
        return;
    buf->capacity = want < 256 ? 256 : want + want / 2;
    buf->data = sb_realloc(buf->data, buf->capacity);
}

void sb_buf_add(struct sb_buf *buf, const void *data, size_t len)
{
    reserve(buf, len);
    if (len > 0)
        memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void sb_buf_adds(struct sb_buf *buf, const char *text)
{
    sb_buf_add(buf, text, strlen(text));
}

void sb_buf_addf(struct sb_buf *buf, const char *format, ...)
{
    char *text = NULL;
    va_list args;

    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    checked(text);
    sb_buf_adds(buf, text);
    free(text);
}

void sb_buf_fill(struct sb_buf *buf, char c, size_t count)
{
    reserve(buf, count);
    memset(buf->data + buf->len, c, count);
    buf->len += count;
    buf->data[buf->len] = '\0';
}

void sb_buf_add_number(struct sb_buf *buf, uint64_t number, unsigned bytes)
{
    while (bytes-- > 0) {
        unsigned char byte = (unsigned char)(number >> (8 * bytes));

        sb_buf_add(buf, &byte, 1);
    }
}

const char *sb_buf_text(const struct sb_buf *buf)
{
    return buf->data ? buf->data : "";
}

char *sb_buf_steal(struct sb_buf *buf)
{
    char *text = buf->data ? buf->data : sb_strdup("");

    *buf = (struct sb_buf){ 0 };
    return text;
}

void sb_buf_clear(struct sb_buf *buf)
{
    free(buf->data);
    *buf = (struct sb_buf){ 0 };
}

void sb_names_add(struct sb_names *names, const char *name)
{
    names->list = sb_realloc(names->list, (names->count + 1) * sizeof(*names->list));
    names->list[names->count++] = sb_strdup(name);
}

void sb_names_copy(struct sb_names *names, const struct sb_names *from)
{
    struct sb_names copy = { 0 };

    for (size_t i = 0; i < from->count; i++)
        sb_names_add(&copy, from->list[i]);
    sb_names_clear(names);
    *names = copy;
}

bool sb_names_has(const struct sb_names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcasecmp(names->list[i], name) == 0)
            return true;
    }
    return false;
}

void sb_names_clear(struct sb_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->list[i]);
    free(names->list);
    *names = (struct sb_names){ 0 };
}

void sb_hex(const unsigned char *bytes, size_t len, char *out)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * len] = '\0';
}

bool sb_random(void *out, size_t len)
{
    if (len > INT_MAX || RAND_bytes(out, (int)len) != 1)
        return sb_complain("no random bytes; check that this system's OpenSSL works");
    return true;
}

bool sb_parse_number(const char *text, int64_t low, int64_t high, int64_t *ret_number)
{
    char *end = NULL;
    long long number;

    if (!text || !(isdigit((unsigned char)text[0]) || text[0] == '-'))
        return false;
    errno = 0;
    number = strtoll(text, &end, 10);
    if (errno != 0 || *end != '\0' || number < low || number > high)
        return false;
    *ret_number = number;
    return true;
}

int sb_find_name(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (names[i] && strcmp(names[i], name) == 0)
            return (int)i;
    }
    return -1;
}
