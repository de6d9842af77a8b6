/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base.h - what every file of the simulator uses: memory, growing text, lists of names, cleanup.
 *
 * Memory never runs out here: an allocation that fails ends the program with a message, because a
 * throw-away simulator has nothing to save. So nothing below returns NULL unless it says so.
 */
#ifndef SANDBOX_BASE_H
#define SANDBOX_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SB_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define SB_CHECKED __attribute__((warn_unused_result))
#define SB_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* sb_auto(X, free_function) T *x = ...: freed at the end of the block. */
#define sb_auto(drop) __attribute__((cleanup(drop)))
#define SB_DEFINE_DROP(name, type, free_function) \
    static inline void name(type *owner)          \
    {                                             \
        if (*owner)                               \
            free_function(*owner);                \
    }

void *sb_alloc(size_t size); /* zeroed */
void *sb_realloc(void *old, size_t size);
char *sb_strdup(const char *text); /* NULL gives NULL */
char *sb_strndup(const char *text, size_t len);
char *sb_format(const char *format, ...) SB_PRINTF(1, 2);
void sb_free(void *block);
void sb_free_drop(void *owner); /* for sb_auto on any pointer from sb_alloc */
/* Frees *slot and puts a copy of text (NULL is fine) there. */
void sb_set(char **slot, const char *text);

/* "digicert-sandbox: text" to stderr; returns false, so that `return sb_complain(...)` reads well. */
bool sb_complain(const char *format, ...) SB_PRINTF(1, 2);

/* Bytes that grow; data is NUL-terminated behind len, and never NULL after the first addition. */
struct sb_buf {
    char *data;
    size_t len;
    size_t capacity;
};
void sb_buf_add(struct sb_buf *buf, const void *data, size_t len);
void sb_buf_adds(struct sb_buf *buf, const char *text);
void sb_buf_addf(struct sb_buf *buf, const char *format, ...) SB_PRINTF(2, 3);
void sb_buf_fill(struct sb_buf *buf, char c, size_t count);
/* Big-endian number of `bytes` bytes, as TLS and CT structures want it. */
void sb_buf_add_number(struct sb_buf *buf, uint64_t number, unsigned bytes);
const char *sb_buf_text(const struct sb_buf *buf); /* "" while empty */
char *sb_buf_steal(struct sb_buf *buf);            /* the caller frees; "" when empty */
void sb_buf_clear(struct sb_buf *buf);

/* A list of strings that it owns. */
struct sb_names {
    char **list;
    size_t count;
};
void sb_names_add(struct sb_names *names, const char *name);
void sb_names_copy(struct sb_names *names, const struct sb_names *from); /* replaces */
bool sb_names_has(const struct sb_names *names, const char *name); /* without regard to case */
void sb_names_clear(struct sb_names *names);

/* Upper-case hex of len bytes; out holds 2 * len + 1. */
void sb_hex(const unsigned char *bytes, size_t len, char *out);
bool sb_random(void *out, size_t len) SB_CHECKED;
/* A whole decimal number and nothing else, within [low, high]. */
bool sb_parse_number(const char *text, int64_t low, int64_t high, int64_t *ret_number) SB_CHECKED;
/* A name's place in a table of names, -1 when it is not there. */
int sb_find_name(const char *const *names, size_t count, const char *name);

#endif
