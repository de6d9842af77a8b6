// SPDX-License-Identifier: Apache-2.0
/* stub.c - key stubs, read and written. What they may name is checked here; what they may do is not. */
#include "model/stub.h"

#include <stdio.h>
#include <string.h>

#include "io/x509.h"

static bool fail_shape(struct dcs_err *err)
{
    dcs_fail(err, DCS_E_URI, "the key stub is malformed");
    return dcs_hint(err, "write it anew with `digicert-store stub order/ID --out FILE`");
}

static bool may_stand_in(const struct dcs_uri *uri, struct dcs_err *err)
{
    if (uri->kind == DCS_URI_ORDER || uri->kind == DCS_URI_NAME)
        return true;
    dcs_fail(err, DCS_E_URI, "a key stub names an order/ID or a name/HOST, not a %s",
             uri->kind == DCS_URI_LIST ? "listing" : dcs_uri_kind_name(uri->kind));
    return dcs_hint(err, "digicert-store stub order/ID, or name/HOST");
}

bool dcs_stub_read(const char *pem, size_t len, struct dcs_uri *ret_uri, struct dcs_err *err)
{
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = DCS_URI_MAX + 1 };
    struct dcs_uri uri;
    size_t offsets[2];
    size_t count = 0;

    if (len > DCS_STUB_MAX ||
        !dcs_pem_blocks(pem, len, DCS_STUB_LABEL, &text, offsets, DCS_COUNT(offsets), &count, NULL))
        return fail_shape(err);
    if (strlen(dcs_buf_text(&text)) != text.len)
        return fail_shape(err);
    if (!dcs_uri_parse(dcs_buf_text(&text), &uri, err))
        return dcs_fail_while(err, "the key stub");
    if (!may_stand_in(&uri, err))
        return false;
    if (!uri.types_given || uri.types != DCS_TYPE_KEY)
        return dcs_fail(err, DCS_E_URI, "the URI in a key stub asks for type=key and nothing else");
    *ret_uri = uri;
    return true;
}

bool dcs_stub_write(const struct dcs_uri *uri, struct dcs_buf *out, struct dcs_err *err)
{
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = DCS_URI_MAX };
    char canonical[DCS_URI_TEXT];
    char hex[2 * DCS_SHA256_LEN + 1];

    if (!may_stand_in(uri, err))
        return false;
    dcs_uri_canonical(uri, canonical);
    dcs_buf_addf(&text, "%s?type=key", canonical);
    if (uri->has_spki) {
        dcs_hex(uri->spki_sha256, sizeof(uri->spki_sha256), hex);
        dcs_buf_addf(&text, "&spki=sha256:%s", hex);
    }
    if (uri->serial[0])
        dcs_buf_addf(&text, "&serial=%s", uri->serial);
    return dcs_buf_ok(&text, "a key stub", err) &&
           dcs_pem_add(out, DCS_STUB_LABEL, (const uint8_t *)text.data, text.len, err);
}
