// SPDX-License-Identifier: Apache-2.0
/* object.c - object descriptions as OSSL_PARAMs; copies nothing. */
#include "object.h"

#include <openssl/core_names.h>
#include <openssl/core_object.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <stdio.h>

/* OSSL_OBJECT_PARAM_INPUT_TYPE is younger than 3.0; older versions ignore it. */
#define PARAM_INPUT_TYPE "input-type"

static int give(const struct object_sink *sink, int type, const char *data_type,
                const char *data_structure, struct dcs_bytes der)
{
    OSSL_PARAM params[6];
    OSSL_PARAM *p = params;

    *p++ = OSSL_PARAM_construct_int(OSSL_OBJECT_PARAM_TYPE, &type);
    if (data_type)
        *p++ = OSSL_PARAM_construct_utf8_string(OSSL_OBJECT_PARAM_DATA_TYPE, (char *)data_type, 0);
    if (data_structure) {
        *p++ = OSSL_PARAM_construct_utf8_string(OSSL_OBJECT_PARAM_DATA_STRUCTURE,
                                                (char *)data_structure, 0);
        *p++ = OSSL_PARAM_construct_utf8_string(PARAM_INPUT_TYPE, (char *)"DER", 0);
    }
    *p++ = OSSL_PARAM_construct_octet_string(OSSL_OBJECT_PARAM_DATA, (void *)der.data, der.len);
    *p = OSSL_PARAM_construct_end();
    return sink->callback(params, sink->context);
}

int object_cert(const struct object_sink *sink, struct dcs_bytes der)
{
    return give(sink, OSSL_OBJECT_CERT, NULL, NULL, der);
}

int object_crl(const struct object_sink *sink, struct dcs_bytes der)
{
    return give(sink, OSSL_OBJECT_CRL, NULL, NULL, der);
}

int object_public(const struct object_sink *sink, struct dcs_bytes spki)
{
    return give(sink, OSSL_OBJECT_PKEY, NULL, "SubjectPublicKeyInfo", spki);
}

/* pkcs11-provider's decoders know this structure by this name. */
static int give_pointer(const struct object_sink *sink, struct dcs_bytes der, struct dcs_err *err)
{
    if (give(sink, OSSL_OBJECT_PKEY, NULL, "pk11-uri", der))
        return 1;
    dcs_fail(
        err, DCS_E_KEY_FILE,
        "the private key is in a token, and no provider here opens it: is pkcs11-provider active?");
    dcs_hint(err, "install pkcs11-provider and activate it in openssl.cnf beside digicert "
                  "(provider-digicert(7), KEYS IN TOKENS); its own errors stand before this one");
    return 0;
}

int object_key(const struct object_sink *sink, const struct dcs_key *key, struct dcs_err *err)
{
    static const char *const types[] = {
        [DCS_KEY_UNKNOWN] = NULL, [DCS_KEY_RSA] = "RSA", [DCS_KEY_EC] = "EC", [DCS_KEY_OTHER] = NULL
    };
    struct dcs_bytes der = { key->der.data, key->der.len };

    if (key->form == DCS_KEY_POINTER)
        return give_pointer(sink, der, err);
    /* libcrypto asks the application for the passphrase. */
    if (key->form == DCS_KEY_ENCRYPTED)
        return give(sink, OSSL_OBJECT_PKEY, NULL, "EncryptedPrivateKeyInfo", der);
    /* 3.0 and 3.1 build their chain of decoders anew each time: naming the structure makes it short.
     * From 3.2 on chains are remembered, and the name only adds a step (3.5.9, P-256: 0.315 of the
     * time of file: without it, 0.331 with it). */
    bool remembers_chains = OPENSSL_version_major() > 3 || OPENSSL_version_minor() >= 2;
    return give(sink, OSSL_OBJECT_PKEY, types[key->kind],
                remembers_chains && types[key->kind] ? NULL : "PrivateKeyInfo", der);
}

int object_name(const struct object_sink *sink, const struct dcs_entry *entry)
{
    int type = OSSL_OBJECT_NAME;
    char when[DCS_TIME_TEXT];
    char desc[sizeof(entry->common_name) + 96];

    dcs_time_text(entry->not_after, when);
    snprintf(desc, sizeof(desc), "%s, %s%s%s%s",
             entry->common_name[0] ? entry->common_name : "no name", entry->status,
             entry->not_after >= 0 ? ", expires " : "", entry->not_after >= 0 ? when : "",
             entry->has_key ? ", with key" : "");
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_int(OSSL_OBJECT_PARAM_TYPE, &type),
        OSSL_PARAM_construct_utf8_string(OSSL_OBJECT_PARAM_DATA, (char *)entry->uri, 0),
        OSSL_PARAM_construct_utf8_string(OSSL_OBJECT_PARAM_DESC, desc, 0),
        OSSL_PARAM_construct_end(),
    };
    /* From 3.5 on libcrypto first takes the URI for octets, and leaves that error behind (its own
     * file: directories show it, too). */
    ERR_set_mark();
    int taken = sink->callback(params, sink->context);
    if (taken)
        ERR_pop_to_mark();
    else
        ERR_clear_last_mark();
    return taken;
}
