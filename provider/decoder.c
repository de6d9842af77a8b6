// SPDX-License-Identifier: Apache-2.0
/*
 * decoder.c - the OSSL_DECODER for key stubs: PEM labelled "DIGICERT URI" becomes the private key that
 * it stands for. Every PEM text that an application parses comes by here first, a stranger's too:
 * what is not a stub costs one line's reading, and a stub opens nothing but the cache.
 */
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <stdlib.h>
#include <string.h>

#include "object.h"
#include "provider.h"

enum {
    LINE_BYTES = 256,
    TEXT_MAX =
        1 << 16, /* bytes looked through for a BEGIN (openssl's -text stands there), or an END */
};

#define PEM_BEGIN "-----BEGIN "
#define STUB_BEGIN PEM_BEGIN DCS_STUB_LABEL "-----"
#define STUB_END "-----END " DCS_STUB_LABEL "-----"

struct decoder {
    const struct provider *provider;
};

static void *decoder_new(void *provctx)
{
    struct decoder *decoder = calloc(1, sizeof(*decoder));

    if (decoder)
        decoder->provider = provctx;
    return decoder;
}

static void decoder_free(void *context)
{
    free(context);
}

/* Somebody who looks for a public key or parameters finds none in a stub. */
static int decoder_does_selection(void *provctx, int selection)
{
    (void)provctx;
    return selection == 0 || (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0;
}

/* One line without its end, in pieces of LINE_BYTES; *ret_whole: up to the line's end. */
static bool next_line(const struct decoder *decoder, OSSL_CORE_BIO *in, char line[LINE_BYTES],
                      size_t *ret_len, bool *ret_whole)
{
    int got = decoder->provider->bio_gets(in, line, LINE_BYTES);
    size_t len = got > 0 ? (size_t)got : 0;

    *ret_len = len;
    *ret_whole = len > 0 && line[len - 1] == '\n';
    while (len > 0 && strchr("\r\n \t", line[len - 1]))
        len--;
    line[len] = '\0';
    return got > 0;
}

/* Up to the first PEM block; true when it is a stub. */
static bool finds_stub(const struct decoder *decoder, OSSL_CORE_BIO *in)
{
    char line[LINE_BYTES];
    bool at_start = true;
    size_t len = 0;

    for (size_t seen = 0; seen < TEXT_MAX; seen += len) {
        bool whole = false;
        if (!next_line(decoder, in, line, &len, &whole))
            return false;
        if (at_start && strncmp(line, PEM_BEGIN, strlen(PEM_BEGIN)) == 0)
            return strcmp(line, STUB_BEGIN) == 0;
        at_start = whole;
    }
    return false;
}

/* The block in the form that is written, whatever an editor made of its line ends. It is read to its
 * end, however long: from the middle of it others would go on. */
static bool read_stub(const struct decoder *decoder, OSSL_CORE_BIO *in, struct dcs_uri *ret_uri,
                      struct dcs_err *err)
{
    dcs_auto(dcs_buf) struct dcs_buf pem = { .max = DCS_STUB_MAX };
    char line[LINE_BYTES];
    size_t len = 0;
    size_t seen = 0;
    bool whole = false;

    dcs_buf_adds(&pem, STUB_BEGIN "\n");
    for (; seen < TEXT_MAX && next_line(decoder, in, line, &len, &whole); seen += len) {
        dcs_buf_adds(&pem, line);
        dcs_buf_addc(&pem, '\n');
        if (strcmp(line, STUB_END) == 0)
            break;
    }
    return dcs_stub_read(dcs_buf_text(&pem), pem.failed ? DCS_STUB_MAX + 1 : pem.len, ret_uri, err);
}

static int decoder_decode(void *context, OSSL_CORE_BIO *in, int selection, OSSL_CALLBACK *data_cb,
                          void *data_cbarg, OSSL_PASSPHRASE_CALLBACK *pw_cb, void *pw_cbarg)
{
    const struct decoder *decoder = context;
    const struct object_sink sink = { data_cb, data_cbarg };
    dcs_auto(dcs_key) struct dcs_key key = { 0 };
    struct dcs_err err = { 0 };
    struct dcs_uri uri;

    (void)pw_cb;
    (void)pw_cbarg;
    /* 1 and nothing delivered: not ours, others shall try. */
    if (!decoder->provider->bio_gets || !decoder_does_selection(NULL, selection) ||
        !finds_stub(decoder, in))
        return 1;
    if (read_stub(decoder, in, &uri, &err) &&
        dcs_store_stub_key(decoder->provider->store, &uri, &key, &err) &&
        object_key(&sink, &key, &err))
        return 1;
    if (err.code != DCS_E_NONE)
        provider_raise(decoder->provider, &err, "decode");
    return 0;
}

const OSSL_DISPATCH provider_decoder_functions[] = {
    { OSSL_FUNC_DECODER_NEWCTX, (void (*)(void))decoder_new },
    { OSSL_FUNC_DECODER_FREECTX, (void (*)(void))decoder_free },
    { OSSL_FUNC_DECODER_DOES_SELECTION, (void (*)(void))decoder_does_selection },
    { OSSL_FUNC_DECODER_DECODE, (void (*)(void))decoder_decode },
    { 0, NULL },
};
