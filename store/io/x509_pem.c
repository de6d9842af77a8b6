// SPDX-License-Identifier: Apache-2.0
/*
 * x509_pem.c - PEM in and out. Two readers: a strict, fast one for what we wrote ourselves (the
 * warm path), and a tolerant one for what the CA sends.
 */
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/x509_cert.h"
#include "io/x509_context.h"

enum { LABEL_MAX = 64, PEM_LINE = 64, BLOCK_MAX = 1 << 20 };

bool dcs_pem_add(struct dcs_buf *out, const char *label, const uint8_t *der, size_t len,
                 struct dcs_err *err)
{
    unsigned char line[PEM_LINE + 8];

    dcs_buf_addf(out, "-----BEGIN %s-----\n", label);
    for (size_t at = 0; at < len; at += PEM_LINE / 4 * 3) {
        size_t part = len - at < PEM_LINE / 4 * 3 ? len - at : PEM_LINE / 4 * 3;
        int written = EVP_EncodeBlock(line, der + at, (int)part);
        dcs_buf_add(out, line, (size_t)written);
        dcs_buf_addc(out, '\n');
    }
    dcs_wipe(line, sizeof(line));
    dcs_buf_addf(out, "-----END %s-----\n", label);
    return dcs_buf_ok(out, "a PEM text", err);
}

/* ---- strict and fast ---- */

/* 0..63, 64 for everything that is no base64 digit. */
static const uint8_t base64_values[256] = {
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 62, 64, 64, 64, 63,
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 64, 64, 64, 64, 64, 64, 64, 0,  1,  2,  3,  4,  5,  6,
    7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 64, 64, 64, 64, 64,
    64, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48,
    49, 50, 51, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
};

/* One line of whole groups; writes at most len / 4 * 3 bytes. *ret_padded: nothing may follow. */
static bool decode_line(const uint8_t *line, size_t len, uint8_t *out, size_t *ret_len,
                        bool *ret_padded)
{
    size_t at = 0;

    if (len == 0 || len % 4 != 0)
        return false;
    for (size_t i = 0; i < len; i += 4) {
        uint8_t a = base64_values[line[i]];
        uint8_t b = base64_values[line[i + 1]];
        uint8_t c = base64_values[line[i + 2]];
        uint8_t d = base64_values[line[i + 3]];
        if (((a | b | c | d) & 64) == 0) {
            out[at++] = (uint8_t)(a << 2 | b >> 4);
            out[at++] = (uint8_t)(b << 4 | c >> 2);
            out[at++] = (uint8_t)(c << 6 | d);
            continue;
        }
        if (i + 4 != len || (a | b) & 64 || line[i + 3] != '=')
            return false;
        *ret_padded = true;
        out[at++] = (uint8_t)(a << 2 | b >> 4);
        if (c != 64)
            out[at++] = (uint8_t)(b << 4 | c >> 2);
        else if (line[i + 2] != '=')
            return false;
    }
    *ret_len = at;
    return true;
}

static bool decode_body(const char *at, const char *end, struct dcs_buf *out)
{
    uint8_t bytes[PEM_LINE / 4 * 3];
    bool padded = false;
    bool good = true;

    while (at < end && good) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((newline ? newline : end) - at);
        size_t got = 0;
        good = newline && !padded && len <= PEM_LINE &&
               decode_line((const uint8_t *)at, len, bytes, &got, &padded);
        if (good) {
            dcs_buf_add(out, bytes, got);
            at = newline + 1;
        }
    }
    dcs_wipe(bytes, sizeof(bytes));
    return good;
}

bool dcs_pem_blocks(const char *pem, size_t len, const char *label, struct dcs_buf *out,
                    size_t *offsets, size_t capacity, size_t *ret_count, struct dcs_err *err)
{
    char begin[LABEL_MAX + 24];
    char finish[LABEL_MAX + 24];
    const char *at = pem;
    const char *end = pem + len;
    size_t begin_len =
        (size_t)snprintf(begin, sizeof(begin), "-----BEGIN %.*s-----\n", LABEL_MAX, label);
    size_t finish_len =
        (size_t)snprintf(finish, sizeof(finish), "-----END %.*s-----\n", LABEL_MAX, label);
    size_t count = 0;

    if (capacity == 0)
        return dcs_fail(err, DCS_E_BUG, "no room for PEM offsets");
    offsets[0] = out->len;
    while (at < end) {
        if ((size_t)(end - at) < begin_len || memcmp(at, begin, begin_len) != 0)
            return dcs_fail(err, DCS_E_STATE, "this is not the PEM that we write");
        at += begin_len;
        const char *body_end = memmem(at, (size_t)(end - at), finish, finish_len);
        if (!body_end || body_end == at || count + 1 >= capacity || !decode_body(at, body_end, out))
            return dcs_fail(err, DCS_E_STATE, "a PEM block is damaged");
        at = body_end + finish_len;
        offsets[++count] = out->len;
    }
    if (!dcs_buf_ok(out, "a PEM text", err))
        return false;
    *ret_count = count;
    return true;
}

/* ---- tolerant ---- */

void dcs_cert_list_drop(struct dcs_cert_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        dcs_cert_free(list->certs[i]);
    free(list->certs);
    *list = (struct dcs_cert_list){ 0 };
}

/* One block of any kind from the BIO; false at the end or when one is malformed. */
static bool take_block(BIO *bio, struct dcs_cert_list *list, size_t max, struct dcs_err *err)
{
    char *name = NULL;
    char *header = NULL;
    unsigned char *data = NULL;
    long len = 0;
    bool good = true;

    if (PEM_read_bio(bio, &name, &header, &data, &len) != 1)
        return false;
    if (strcmp(name, "CERTIFICATE") == 0) {
        if (list->count == max)
            good = dcs_fail(err, DCS_E_REJECTED, "more than %zu certificates came", max);
        else if (dcs_cert_parse(data, (size_t)len, &list->certs[list->count], err))
            list->count++;
        else
            good = false;
    }
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(data);
    return good;
}

static size_t count_text(const char *text, size_t len, const char *what)
{
    size_t count = 0;
    const char *end = text + len;

    for (const char *at = memmem(text, len, what, strlen(what)); at;
         at = memmem(at + 1, (size_t)(end - at - 1), what, strlen(what)))
        count++;
    return count;
}

/* The service gives PKCS#7 in PEM too: say what came. */
static bool fail_no_certificate(const char *pem, size_t len, struct dcs_err *err)
{
    static const char begin[] = "-----BEGIN ";
    const char *at = memmem(pem, len, begin, sizeof(begin) - 1);
    char start[LABEL_MAX];
    char label[LABEL_MAX];

    if (!at)
        return dcs_fail(err, DCS_E_REJECTED, "there is no certificate in it");
    at += sizeof(begin) - 1;
    snprintf(start, sizeof(start), "%.*s", (int)(pem + len - at), at);
    start[strcspn(start, "-\r\n")] = '\0';
    dcs_clean_text(start, label, sizeof(label));
    return dcs_fail(err, DCS_E_REJECTED, "there is no certificate in it but \"%s\"", label);
}

bool dcs_certs_from_pem(const char *pem, size_t len, size_t max, struct dcs_cert_list *ret_list,
                        struct dcs_err *err)
{
    dcs_auto(dcs_cert_list) struct dcs_cert_list list = { 0 };
    dcs_auto(dcs_quiet) int quiet = dcs_quiet_begin();
    struct dcs_err why = { 0 };

    (void)quiet;
    if (len > BLOCK_MAX)
        return dcs_fail(err, DCS_E_REJECTED, "the PEM text is too large");
    list.certs = dcs_alloc(max, sizeof(*list.certs), err);
    if (!list.certs)
        return false;
    BIO *bio = BIO_new_mem_buf(pem, (int)len);
    if (!bio)
        return dcs_fail(err, DCS_E_NOMEM, "out of memory");
    while (take_block(bio, &list, max, &why))
        continue;
    BIO_free(bio);
    if (why.code != DCS_E_NONE) {
        if (err)
            *err = why;
        return false;
    }
    /* The reader stops at a damaged block as it does at the end: every begin must have given one. */
    if (count_text(pem, len, "-----BEGIN CERTIFICATE-----") != list.count)
        return dcs_fail(err, DCS_E_REJECTED, "the PEM text is cut off or damaged");
    if (list.count == 0)
        return fail_no_certificate(pem, len, err);
    *ret_list = list;
    list = (struct dcs_cert_list){ 0 };
    return true;
}
