/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mem.h - ownership: cleanup attribute, moves, and memory that is wiped.
 *
 * Lifetime words: X_init/X_clear for the caller's struct, X_new/X_free on the heap, X_ref/X_unref
 * when shared, X_drop for dcs_auto, X_take consumes, even on failure. All accept NULL or zeroed.
 */
#ifndef DCS_BASE_MEM_H
#define DCS_BASE_MEM_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* dcs_auto(dcs_secret) struct dcs_secret key = {0}; runs dcs_secret_drop(&key) at scope end. */
#define dcs_auto(name) __attribute__((cleanup(name##_drop)))

/* Moves a pointer out of its owner: `*ret = dcs_steal(&p);` */
#define dcs_steal(pointer)                                             \
    __extension__({                                                    \
        __typeof__(pointer) dcs_steal_from = (pointer);                \
        __typeof__(*dcs_steal_from) dcs_steal_value = *dcs_steal_from; \
        *dcs_steal_from = NULL;                                        \
        dcs_steal_value;                                               \
    })

/* Runs whenever a process activates the provider: such functions stand together in the module, or each
 * would bring 64 KiB of its neighbours into the memory of every process (the kernel maps around). */
#define DCS_AT_START __attribute__((hot))

#define DCS_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Bytes lent: die with the object that lent them. */
struct dcs_bytes {
    const uint8_t *data;
    size_t len;
};

/* Bytes that are wiped before they are freed: private keys, API keys, passphrases. */
struct dcs_secret {
    uint8_t *data; /* NUL behind the last byte, not counted */
    size_t len;
};

bool dcs_secret_new(size_t len, struct dcs_secret *ret_secret, struct dcs_err *err) DCS_CHECKED;
bool dcs_secret_copy(const void *data, size_t len, struct dcs_secret *ret_secret,
                     struct dcs_err *err) DCS_CHECKED;
struct dcs_secret dcs_secret_take(struct dcs_secret *secret);
void dcs_secret_clear(struct dcs_secret *secret);
void dcs_secret_drop(struct dcs_secret *secret);
/* Wipes; the compiler cannot leave it out. */
void dcs_wipe(void *data, size_t len);

/* char *: for dcs_auto(dcs_str). */
void dcs_str_drop(char **text);
/* A copy, or NULL with *err set to DCS_E_NOMEM. text may be NULL: then "". */
bool dcs_str_copy(const char *text, char **ret_copy, struct dcs_err *err) DCS_CHECKED;

/* Zeroed memory for count objects; DCS_E_NOMEM also on overflow. Typed by the caller's pointer. */
void *dcs_alloc(size_t count, size_t size, struct dcs_err *err) DCS_CHECKED;

/* Reads a decimal integer as a whole; false when anything else is in the text or out of range. */
bool dcs_parse_i64(const char *text, int64_t min, int64_t max, int64_t *ret_value) DCS_CHECKED;

/* Lower-case hex of len bytes into out[2 * len + 1]. */
void dcs_hex(const uint8_t *data, size_t len, char *out);
/* Reads hex, colons allowed between bytes; false when malformed or longer than capacity. */
bool dcs_unhex(const char *text, uint8_t *out, size_t capacity, size_t *ret_len) DCS_CHECKED;

#endif
