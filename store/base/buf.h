/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf.h - bytes that grow up to a stated maximum.
 *
 * A buffer that hit its maximum or ran out of memory stays failed and ignores what follows, so
 * a writer checks once, at the end, with dcs_buf_ok(). data is NUL-terminated behind len.
 */
#ifndef DCS_BASE_BUF_H
#define DCS_BASE_BUF_H

#include "base/mem.h"

struct dcs_buf {
    char *data; /* NULL while empty */
    size_t len;
    size_t max; /* never grows beyond; 0 = the default of 1 MiB */
    size_t capacity;
    bool failed;
    bool secret; /* set before first use: wiped when it moves and when it is cleared */
};

void dcs_buf_init(struct dcs_buf *buf, size_t max);
void dcs_buf_clear(struct dcs_buf *buf); /* frees; the buffer may be used again */
void dcs_buf_drop(struct dcs_buf *buf);  /* for dcs_auto(dcs_buf) */
void dcs_buf_add(struct dcs_buf *buf, const void *data, size_t len);
void dcs_buf_adds(struct dcs_buf *buf, const char *text);
void dcs_buf_addc(struct dcs_buf *buf, char c);
void dcs_buf_addf(struct dcs_buf *buf, const char *format, ...) DCS_PRINTF(2, 3);
/* The text, "" while empty; lent. */
const char *dcs_buf_text(const struct dcs_buf *buf);
/* False with DCS_E_NOMEM, or DCS_E_BUG naming `what`, when something did not fit. */
bool dcs_buf_ok(const struct dcs_buf *buf, const char *what, struct dcs_err *err) DCS_CHECKED;
/* Moves the bytes out as a heap string (never NULL on success). */
bool dcs_buf_steal(struct dcs_buf *buf, char **ret_text, struct dcs_err *err) DCS_CHECKED;

/*
 * CA text made harmless where it enters: control characters and bad UTF-8 become '?', runs of
 * white space one blank, cut at a character. Writes at most capacity - 1 bytes and a NUL.
 */
void dcs_clean_text(const char *text, char *out, size_t capacity);

#endif
