// SPDX-License-Identifier: Apache-2.0
/* token_uri.c - pkcs11: URIs (RFC 7512): what a configuration says, and what a key's own URI is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/token_p11.h"

#define VENDOR_KEY "x-key" /* of ours: the kind of new keys */

static void uri_drop(P11KitUri **uri)
{
    if (*uri)
        dcs_p11.uri_free(*uri);
}

static void text_drop(char **text)
{
    free(*text);
}

bool dcs_token_parse(const char *uri, P11KitUri **ret_uri, struct dcs_err *err)
{
    P11KitUri *parsed = NULL;

    if (!dcs_token_need_p11(err))
        return false;
    parsed = dcs_p11.uri_new();
    int code = parsed ? dcs_p11.uri_parse(uri, P11_KIT_URI_FOR_ANY, parsed) : P11_KIT_URI_NO_MEMORY;
    if (code == P11_KIT_URI_OK && !dcs_p11.uri_any_unrecognized(parsed)) {
        *ret_uri = parsed;
        return true;
    }
    dcs_fail(err, DCS_E_CONFIG, "the token's URI %.200s: %s", uri,
             code == P11_KIT_URI_OK ? "it has attributes that p11-kit does not know"
                                    : dcs_p11.uri_message(code));
    uri_drop(&parsed);
    return dcs_hint(err, "for example pkcs11:token=web?pin-source=file:/etc/digicert-store/pin");
}

bool dcs_token_uri_read(const char *uri, struct dcs_token_uri *ret_said, struct dcs_err *err)
{
    dcs_auto(uri) P11KitUri *parsed = NULL;
    struct dcs_token_uri said = { .kind = "ec:P-256" };

    if (!dcs_token_parse(uri, &parsed, err))
        return false;
    if (dcs_p11.uri_get_pin_value(parsed)) {
        dcs_fail(err, DCS_E_CONFIG, "a PIN stands in the token's URI");
        return dcs_hint(err, "write it to a file of mode 0600 and say pin-source=file:/path");
    }
    const CK_TOKEN_INFO *info = dcs_p11.uri_get_token_info(parsed);
    if (!info->label[0] && !info->serialNumber[0])
        return dcs_fail(err, DCS_E_CONFIG,
                        "the token's URI %.200s has neither token= nor serial=", uri);
    const char *source = dcs_p11.uri_get_pin_source(parsed);
    const char *kind = dcs_p11.uri_get_vendor_query(parsed, VENDOR_KEY);
    if (source)
        snprintf(said.pin_source, sizeof(said.pin_source), "%s",
                 strncmp(source, "file:", 5) == 0 ? source + 5 : source);
    if (said.pin_source[0] && said.pin_source[0] != '/')
        return dcs_fail(err, DCS_E_CONFIG, "pin-source in the token's URI is no file:/path");
    if (kind)
        snprintf(said.kind, sizeof(said.kind), "%s", kind);
    *ret_said = said;
    return true;
}

bool dcs_token_uri_of_key(const char *uri, const uint8_t id[DCS_TOKEN_ID_LEN],
                          char out[DCS_TOKEN_URI], struct dcs_err *err)
{
    dcs_auto(uri) P11KitUri *parsed = NULL;
    dcs_auto(text) char *text = NULL;
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE attributes[] = { { CKA_ID, (void *)id, DCS_TOKEN_ID_LEN },
                                  { CKA_CLASS, &class, sizeof(class) } };

    if (!dcs_token_parse(uri, &parsed, err))
        return false;
    dcs_p11.uri_clear_attributes(parsed);
    (void)dcs_p11.uri_set_vendor_query(parsed, VENDOR_KEY, NULL);
    for (size_t i = 0; i < DCS_COUNT(attributes); i++)
        if (dcs_p11.uri_set_attribute(parsed, &attributes[i]) != P11_KIT_URI_OK)
            return dcs_fail(err, DCS_E_NOMEM, "the URI of a key in a token cannot be made");
    if (dcs_p11.uri_format(parsed, P11_KIT_URI_FOR_ANY, &text) != P11_KIT_URI_OK)
        return dcs_fail(err, DCS_E_NOMEM, "the URI of a key in a token cannot be made");
    if (strlen(text) >= DCS_TOKEN_URI)
        return dcs_fail(err, DCS_E_CONFIG, "the token's URI is too long");
    snprintf(out, DCS_TOKEN_URI, "%s", text);
    return true;
}

bool dcs_token_uri_id(const char *uri, uint8_t id[DCS_TOKEN_ID_LEN], struct dcs_err *err)
{
    dcs_auto(uri) P11KitUri *parsed = NULL;

    if (!dcs_token_parse(uri, &parsed, err))
        return false;
    const CK_ATTRIBUTE *attribute = dcs_p11.uri_get_attribute(parsed, CKA_ID);
    if (!attribute || attribute->ulValueLen != DCS_TOKEN_ID_LEN)
        return dcs_fail(err, DCS_E_STATE, "the pointer to a key in a token has no id of ours");
    memcpy(id, attribute->pValue, DCS_TOKEN_ID_LEN);
    return true;
}
