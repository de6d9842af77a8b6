// SPDX-License-Identifier: Apache-2.0
/* criteria.c - compares certificates and CRLs with search criteria; decodes as little as it can. */
#include "criteria.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { NAME_MAX_BYTES = 65536 };

static bool take_octets(const OSSL_PARAM params[], const char *name, struct dcs_buf *to, size_t max)
{
    const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, name);
    const void *data = NULL;
    size_t len = 0;

    if (!p)
        return true;
    if (!OSSL_PARAM_get_octet_string_ptr(p, &data, &len) || len == 0 || len > max)
        return false;
    dcs_buf_clear(to);
    to->max = max;
    dcs_buf_add(to, data, len);
    return dcs_buf_ok(to, "a criterion", NULL);
}

static bool take_text(const OSSL_PARAM params[], const char *name, char *to, size_t capacity)
{
    const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, name);
    const char *text = NULL;

    if (!p)
        return true;
    if (!OSSL_PARAM_get_utf8_string_ptr(p, &text) || strlen(text) >= capacity)
        return false;
    snprintf(to, capacity, "%s", text);
    return true;
}

static bool take_serial(const OSSL_PARAM params[], char *to, size_t capacity)
{
    const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, OSSL_STORE_PARAM_SERIAL);
    unsigned char bytes[DCS_SERIAL_MAX + 1];
    BIGNUM *number = NULL;
    int len = -1;

    if (!p)
        return true;
    if (OSSL_PARAM_get_BN(p, &number) && BN_num_bytes(number) <= DCS_SERIAL_MAX)
        len = BN_bn2bin(number, bytes);
    BN_free(number);
    if (len < 0 || capacity < 2 * (size_t)len + 3)
        return false;
    if (len == 0) /* serial 0 is one zero byte in our spelling */
        bytes[len++] = 0;
    dcs_hex(bytes, (size_t)len, to);
    return true;
}

bool criteria_set(struct criteria *c, const OSSL_PARAM params[])
{
    if (!take_octets(params, OSSL_STORE_PARAM_SUBJECT, &c->subject, NAME_MAX_BYTES) ||
        !take_octets(params, OSSL_STORE_PARAM_ISSUER, &c->issuer, NAME_MAX_BYTES) ||
        !take_octets(params, OSSL_STORE_PARAM_FINGERPRINT, &c->fingerprint, DCS_DIGEST_MAX) ||
        !take_serial(params, c->serial, sizeof(c->serial)) ||
        !take_text(params, OSSL_STORE_PARAM_DIGEST, c->digest, sizeof(c->digest)) ||
        !take_text(params, OSSL_STORE_PARAM_ALIAS, c->alias, sizeof(c->alias)))
        return false;
    /* An empty alias is one, too: it meets nothing, and keeps the key away. */
    c->has_alias |= OSSL_PARAM_locate_const(params, OSSL_STORE_PARAM_ALIAS) != NULL;
    c->given =
        c->subject.len || c->issuer.len || c->fingerprint.len || c->serial[0] || c->has_alias;
    return true;
}

void criteria_clear(struct criteria *c)
{
    dcs_buf_clear(&c->subject);
    dcs_buf_clear(&c->issuer);
    dcs_buf_clear(&c->fingerprint);
}

static bool same_name(const struct dcs_buf *wanted, struct dcs_bytes name)
{
    return dcs_name_equal((const uint8_t *)wanted->data, wanted->len, name.data, name.len);
}

static bool meets_alias(const char *alias, const struct dcs_bundle *bundle)
{
    const struct dcs_facts *facts = dcs_bundle_facts(bundle);
    char label[48];

    snprintf(label, sizeof(label), "order-%lld", (long long)facts->order_id);
    if (!*alias)
        return false;
    if (strcasecmp(alias, label) == 0 || strcasecmp(alias, facts->leaf.common_name) == 0)
        return true;
    for (size_t i = 0; i < facts->name_count; i++)
        if (strcasecmp(alias, facts->names[i]) == 0)
            return true;
    return false;
}

/* The criterion is a hash of the subjectPublicKey bits, with whatever digest the caller likes. */
static bool meets_fingerprint(const struct criteria *c, const struct dcs_cert *cert)
{
    struct dcs_bytes bits = dcs_cert_key_bits(cert);
    uint8_t hash[DCS_DIGEST_MAX];
    size_t len = 0;

    return dcs_digest(c->digest, bits.data, bits.len, hash, &len, NULL) &&
           len == c->fingerprint.len && memcmp(hash, c->fingerprint.data, len) == 0;
}

/* Serial and key need the certificate decoded; names are found in the DER. */
static bool meets_decoded(const struct criteria *c, struct dcs_bytes der)
{
    dcs_auto(dcs_cert) struct dcs_cert *cert = NULL;

    if (!dcs_cert_parse(der.data, der.len, &cert, NULL))
        return false;
    if (c->serial[0] && strcmp(c->serial, dcs_cert_info(cert)->serial) != 0)
        return false;
    return !c->fingerprint.len || meets_fingerprint(c, cert);
}

bool criteria_meet_cert(const struct criteria *c, const struct dcs_bundle *bundle,
                        struct dcs_bytes cert, bool is_leaf)
{
    struct dcs_bytes name;

    if (c->subject.len &&
        (!dcs_cert_subject(cert.data, cert.len, &name) || !same_name(&c->subject, name)))
        return false;
    if (c->issuer.len &&
        (!dcs_cert_issuer(cert.data, cert.len, &name) || !same_name(&c->issuer, name)))
        return false;
    if (c->has_alias && (!is_leaf || !meets_alias(c->alias, bundle)))
        return false;
    return !(c->serial[0] || c->fingerprint.len) || meets_decoded(c, cert);
}

/* X509_STORE looks for the CRLs of an issuer by that issuer's subject. */
bool criteria_meet_crl(const struct criteria *c, struct dcs_bytes crl)
{
    struct dcs_bytes name;
    const struct dcs_buf *wanted = c->subject.len ? &c->subject : &c->issuer;

    return wanted->len && !c->serial[0] && !c->fingerprint.len && !c->has_alias &&
           dcs_crl_issuer(crl.data, crl.len, &name) && same_name(wanted, name);
}
