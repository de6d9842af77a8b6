// SPDX-License-Identifier: Apache-2.0
/* object.c - attributes by table: which object has which, and where its value comes from. */
#include "object.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mechanism.h"

static const CK_ULONG profiles[PROFILES] = { CKP_BASELINE_PROVIDER, CKP_EXTENDED_PROVIDER,
                                             CKP_AUTHENTICATION_TOKEN,
                                             CKP_PUBLIC_CERTIFICATES_TOKEN };

CK_OBJECT_CLASS object_class(enum object_kind kind)
{
    static const CK_OBJECT_CLASS classes[] = { [OBJECT_CERT] = CKO_CERTIFICATE,
                                               [OBJECT_PUBLIC] = CKO_PUBLIC_KEY,
                                               [OBJECT_PRIVATE] = CKO_PRIVATE_KEY,
                                               [OBJECT_ISSUER] = CKO_CERTIFICATE,
                                               [OBJECT_PROFILE] = CKO_PROFILE };

    return classes[kind];
}

bool object_open(struct cryptoki *c, const struct session *session, CK_OBJECT_HANDLE handle,
                 struct object *ret_object)
{
    struct object object = { .handle = handle };

    if (handle >= PROFILE_HANDLE && handle < PROFILE_HANDLE + PROFILES) {
        object.kind = OBJECT_PROFILE;
        object.profile = profiles[handle - PROFILE_HANDLE];
        *ret_object = object;
        return true;
    }
    if (!catalogue_resolve(c, handle, &object.kind, &object.generation, &object.issuer))
        return false;
    const struct generation *g = object.generation;
    object.needs_login = c->slots[session->slot].needs_pin;
    if (g &&
        (g->state == GENERATION_GONE || g->slot != session->slot ||
         (object.kind != OBJECT_CERT && g->kind != DCS_KEY_RSA && g->kind != DCS_KEY_EC) ||
         (object.kind == OBJECT_PRIVATE && (!g->has_key || !session_may_use_private(c, session)))))
        return false;
    *ret_object = object;
    return true;
}

void object_clear(struct object *object)
{
    dcs_bundle_unref(object->bundle);
    object->bundle = NULL;
    object->has_cert = false;
}

static CK_RV need_cert(struct cryptoki *c, struct object *object)
{
    struct dcs_err err = { 0 };

    if (object->has_cert)
        return CKR_OK;
    if (object->issuer) {
        object->der = object->issuer->der;
        object->cert = object->issuer->cert;
    } else {
        if (!catalogue_bundle(c, object->generation, &object->bundle, &err))
            return rv_of(&err);
        object->der = dcs_bundle_leaf(object->bundle);
        if (!der_cert_read(object->der, &object->cert)) {
            object_clear(object);
            return CKR_DEVICE_ERROR;
        }
    }
    object->has_cert = true;
    return CKR_OK;
}

/* ---- values ---- */

static CK_RV give(struct value *value, const void *data, size_t len)
{
    value->data = data;
    value->len = len;
    return CKR_OK;
}

static CK_RV give_bytes(struct value *value, struct dcs_bytes bytes)
{
    return give(value, bytes.data, bytes.len);
}

static CK_RV give_copy(struct value *value, const void *data, size_t len)
{
    memcpy(value->room, data, len);
    return give(value, value->room, len);
}

static CK_RV give_bool(struct value *value, bool is)
{
    const unsigned char byte = is ? 1 : 0;

    return give_copy(value, &byte, 1);
}

static CK_RV give_ulong(struct value *value, CK_ULONG number)
{
    return give_copy(value, &number, sizeof(number));
}

static CK_RV give_label(const struct object *object, struct value *value)
{
    char text[VALUE_ROOM];

    if (object->issuer)
        return give(value, object->issuer->label, strlen(object->issuer->label));
    if (!object->generation)
        return give(value, "", 0);
    int len = snprintf(text, sizeof(text), "order-%lld", (long long)object->generation->order);
    return give_copy(value, text, (size_t)len);
}

/* Stable wherever the object is met, which handles are not. */
static CK_RV give_unique_id(const struct object *object, struct value *value)
{
    const struct generation *g = object->generation;
    uint8_t hash[DCS_SHA256_LEN];
    char hex[2 * DCS_SHA256_LEN + 1];
    char text[VALUE_ROOM];
    int len;

    if (object->issuer) {
        if (!dcs_sha256(object->issuer->der.data, object->issuer->der.len, hash, NULL))
            return CKR_DEVICE_ERROR;
        dcs_hex(hash, sizeof(hash), hex);
        len = snprintf(text, sizeof(text), "issuer-%s", hex);
    } else if (g) {
        len = snprintf(text, sizeof(text), "order-%lld-%lld-%d-%d", (long long)g->order,
                       (long long)g->home, g->number, (int)object->kind);
    } else {
        len = snprintf(text, sizeof(text), "profile-%lu", object->profile);
    }
    return give_copy(value, text, (size_t)len);
}

/* The point as DER OCTET STRING: that is what readers of all ages understand. */
static CK_RV give_point(struct dcs_bytes bits, struct value *value)
{
    size_t head = 0;

    if (bits.len > VALUE_ROOM - 3)
        return CKR_ATTRIBUTE_TYPE_INVALID;
    value->room[head++] = 0x04;
    if (bits.len > 127)
        value->room[head++] = 0x81;
    value->room[head++] = (uint8_t)bits.len;
    memcpy(value->room + head, bits.data, bits.len);
    return give(value, value->room, head + bits.len);
}

static CK_ULONG bits_of(struct dcs_bytes number)
{
    CK_ULONG bits = 8 * number.len;

    for (uint8_t top = number.data[0]; bits > 0 && !(top & 0x80); top = (uint8_t)(top << 1))
        bits--;
    return bits;
}

/* ---- tables ---- */

enum {
    CERT = 1 << OBJECT_CERT,
    PUBLIC = 1 << OBJECT_PUBLIC,
    PRIVATE = 1 << OBJECT_PRIVATE,
    ISSUER = 1 << OBJECT_ISSUER,
    PROFILE = 1 << OBJECT_PROFILE,
    KEYS = PUBLIC | PRIVATE,
    CERTS = CERT | ISSUER,
    ALL = KEYS | CERTS | PROFILE,
};

enum { FALSE_ = 0, TRUE_ = 1, EMPTY, SECRET };

/* Attributes whose value is the same for all objects of a kind. */
static const struct {
    CK_ATTRIBUTE_TYPE type;
    int kinds;
    int value;
} constants[] = {
    { CKA_TOKEN, ALL, TRUE_ },
    { CKA_MODIFIABLE, ALL, FALSE_ },
    { CKA_COPYABLE, ALL, FALSE_ },
    { CKA_DESTROYABLE, ALL, FALSE_ },
    { CKA_TRUSTED, ISSUER, TRUE_ },
    { CKA_TRUSTED, CERT | PUBLIC, FALSE_ },
    { CKA_URL, CERTS, EMPTY },
    { CKA_HASH_OF_SUBJECT_PUBLIC_KEY, CERTS, EMPTY },
    { CKA_HASH_OF_ISSUER_PUBLIC_KEY, CERTS, EMPTY },
    { CKA_START_DATE, KEYS, EMPTY },
    { CKA_END_DATE, KEYS, EMPTY },
    { CKA_DERIVE, KEYS, FALSE_ },
    { CKA_LOCAL, KEYS, FALSE_ },
    { CKA_SIGN, PRIVATE, TRUE_ },
    { CKA_SIGN_RECOVER, PRIVATE, FALSE_ },
    { CKA_UNWRAP, PRIVATE, FALSE_ },
    { CKA_SENSITIVE, PRIVATE, TRUE_ },
    { CKA_EXTRACTABLE, PRIVATE, FALSE_ },
    { CKA_ALWAYS_SENSITIVE, PRIVATE, FALSE_ }, /* it is a file of this host: honest */
    { CKA_NEVER_EXTRACTABLE, PRIVATE, FALSE_ },
    { CKA_ALWAYS_AUTHENTICATE, PRIVATE, FALSE_ },
    { CKA_WRAP_WITH_TRUSTED, PRIVATE, FALSE_ },
    { CKA_VERIFY, PUBLIC, TRUE_ },
    { CKA_VERIFY_RECOVER, PUBLIC, FALSE_ },
    { CKA_WRAP, PUBLIC, FALSE_ },
};

static CK_RV give_constant(const struct object *object, CK_ATTRIBUTE_TYPE type, struct value *value)
{
    for (size_t i = 0; i < DCS_COUNT(constants); i++) {
        if (constants[i].type != type || !(constants[i].kinds & 1 << object->kind))
            continue;
        return constants[i].value == EMPTY ? give(value, "", 0)
                                           : give_bool(value, constants[i].value == TRUE_);
    }
    return CKR_ATTRIBUTE_TYPE_INVALID;
}

/* What is known without a certificate. CKR_ATTRIBUTE_TYPE_INVALID: not here. */
static CK_RV give_known(const struct object *object, CK_ATTRIBUTE_TYPE type, struct value *value)
{
    const struct generation *g = object->generation;
    bool is_cert = CERTS & 1 << object->kind;
    bool is_key = KEYS & 1 << object->kind;
    bool is_rsa = is_key && g->kind == DCS_KEY_RSA;

    switch (type) {
    case CKA_CLASS:
        return give_ulong(value, object_class(object->kind));
    case CKA_LABEL:
        return give_label(object, value);
    case CKA_UNIQUE_ID:
        return give_unique_id(object, value);
    case CKA_PRIVATE:
        return give_bool(value, object->kind == OBJECT_PRIVATE && object->needs_login);
    default:
        break;
    }
    if (object->kind == OBJECT_PROFILE)
        return type == CKA_PROFILE_ID ? give_ulong(value, object->profile)
                                      : CKR_ATTRIBUTE_TYPE_INVALID;
    if (type == CKA_ID)
        return give(value, g ? g->ckaid : object->issuer->ckaid, DCS_SHA1_LEN);
    if (type == CKA_CERTIFICATE_TYPE && is_cert)
        return give_ulong(value, CKC_X_509);
    if (type == CKA_CERTIFICATE_CATEGORY && is_cert)
        return give_ulong(value, g ? 1 : 2); /* the token's user, an authority */
    if (type == CKA_JAVA_MIDP_SECURITY_DOMAIN && is_cert)
        return give_ulong(value, 0);
    if (type == CKA_KEY_TYPE && is_key)
        return give_ulong(value, is_rsa ? CKK_RSA : CKK_EC);
    if (type == CKA_KEY_GEN_MECHANISM && is_key)
        return give_ulong(value, CK_UNAVAILABLE_INFORMATION);
    if ((type == CKA_DECRYPT && object->kind == OBJECT_PRIVATE) ||
        (type == CKA_ENCRYPT && object->kind == OBJECT_PUBLIC))
        return give_bool(value, is_rsa);
    if (type == CKA_ALLOWED_MECHANISMS && is_key) {
        size_t count = mechanisms_for((enum dcs_key_kind)g->kind, (CK_MECHANISM_TYPE *)value->room,
                                      VALUE_ROOM / sizeof(CK_MECHANISM_TYPE));
        return give(value, value->room, count * sizeof(CK_MECHANISM_TYPE));
    }
    return CKR_ATTRIBUTE_TYPE_INVALID;
}

static CK_RV give_of_cert(const struct object *object, CK_ATTRIBUTE_TYPE type, struct value *value)
{
    const struct der_cert *cert = &object->cert;
    uint8_t hash[DCS_SHA1_LEN];

    switch (type) {
    case CKA_SUBJECT:
        return give_bytes(value, cert->subject);
    case CKA_PUBLIC_KEY_INFO:
        return give_bytes(value, cert->spki);
    default:
        break;
    }
    if (!(CERTS & 1 << object->kind))
        return CKR_ATTRIBUTE_TYPE_INVALID;
    switch (type) {
    case CKA_ISSUER:
        return give_bytes(value, cert->issuer);
    case CKA_SERIAL_NUMBER:
        return give_bytes(value, cert->serial);
    case CKA_VALUE:
        return give_bytes(value, object->der);
    case CKA_START_DATE:
        return give(value, cert->start, sizeof(cert->start));
    case CKA_END_DATE:
        return give(value, cert->end, sizeof(cert->end));
    case CKA_CHECK_VALUE:
        return dcs_sha1(object->der.data, object->der.len, hash, NULL) ? give_copy(value, hash, 3)
                                                                       : CKR_DEVICE_ERROR;
    default:
        return CKR_ATTRIBUTE_TYPE_INVALID;
    }
}

static CK_RV give_of_key(const struct object *object, CK_ATTRIBUTE_TYPE type, struct value *value)
{
    const struct der_cert *cert = &object->cert;
    bool is_rsa = cert->kind == DCS_KEY_RSA;
    bool is_ec = cert->kind == DCS_KEY_EC;

    switch (type) {
    case CKA_MODULUS:
        return is_rsa ? give_bytes(value, cert->modulus) : CKR_ATTRIBUTE_TYPE_INVALID;
    case CKA_PUBLIC_EXPONENT:
        return is_rsa ? give_bytes(value, cert->exponent) : CKR_ATTRIBUTE_TYPE_INVALID;
    case CKA_MODULUS_BITS:
        return is_rsa && object->kind == OBJECT_PUBLIC ? give_ulong(value, bits_of(cert->modulus))
                                                       : CKR_ATTRIBUTE_TYPE_INVALID;
    case CKA_EC_PARAMS:
        return is_ec ? give_bytes(value, cert->curve) : CKR_ATTRIBUTE_TYPE_INVALID;
    case CKA_EC_POINT:
        return is_ec ? give_point(cert->key_bits, value) : CKR_ATTRIBUTE_TYPE_INVALID;
    default:
        return CKR_ATTRIBUTE_TYPE_INVALID;
    }
}

static bool is_secret(const struct object *object, CK_ATTRIBUTE_TYPE type)
{
    static const CK_ATTRIBUTE_TYPE of_rsa[] = { CKA_PRIVATE_EXPONENT, CKA_PRIME_1,
                                                CKA_PRIME_2,          CKA_EXPONENT_1,
                                                CKA_EXPONENT_2,       CKA_COEFFICIENT };

    if (object->kind != OBJECT_PRIVATE)
        return false;
    if (object->generation->kind == DCS_KEY_EC)
        return type == CKA_VALUE;
    for (size_t i = 0; i < DCS_COUNT(of_rsa); i++)
        if (of_rsa[i] == type)
            return true;
    return false;
}

CK_RV object_value(struct cryptoki *c, struct object *object, CK_ATTRIBUTE_TYPE type,
                   struct value *ret_value)
{
    if (is_secret(object, type))
        return CKR_ATTRIBUTE_SENSITIVE;
    CK_RV rv = give_known(object, type, ret_value);
    if (rv == CKR_ATTRIBUTE_TYPE_INVALID)
        rv = give_constant(object, type, ret_value);
    if (rv != CKR_ATTRIBUTE_TYPE_INVALID || object->kind == OBJECT_PROFILE)
        return rv;
    rv = need_cert(c, object);
    if (rv != CKR_OK)
        return rv;
    rv = give_of_cert(object, type, ret_value);
    if (rv == CKR_ATTRIBUTE_TYPE_INVALID && KEYS & 1 << object->kind)
        rv = give_of_key(object, type, ret_value);
    return rv;
}

bool object_matches(struct cryptoki *c, struct object *object, const CK_ATTRIBUTE *template,
                    CK_ULONG count)
{
    for (CK_ULONG i = 0; i < count; i++) {
        struct value value;
        if (object_value(c, object, template[i].type, &value) != CKR_OK ||
            value.len != template[i].ulValueLen ||
            (value.len > 0 && memcmp(value.data, template[i].pValue, value.len) != 0))
            return false;
    }
    return true;
}

/* ---- C_GetAttributeValue, C_GetObjectSize ---- */

static CK_RV fill(struct cryptoki *c, struct object *object, CK_ATTRIBUTE *attribute)
{
    struct value value;
    CK_RV rv = object_value(c, object, attribute->type, &value);

    if (rv != CKR_OK) {
        attribute->ulValueLen = CK_UNAVAILABLE_INFORMATION;
        return rv;
    }
    if (!attribute->pValue) {
        attribute->ulValueLen = value.len;
        return CKR_OK;
    }
    if (attribute->ulValueLen < value.len) {
        attribute->ulValueLen = CK_UNAVAILABLE_INFORMATION;
        return CKR_BUFFER_TOO_SMALL;
    }
    memcpy(attribute->pValue, value.data, value.len);
    attribute->ulValueLen = value.len;
    return CKR_OK;
}

CK_RV C_GetAttributeValue(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object_handle,
                          CK_ATTRIBUTE *template, CK_ULONG count)
{
    struct cryptoki *c = NULL;
    struct session *session = NULL;
    struct object object;
    CK_RV rv = session_enter(handle, &c, &session);

    if (rv != CKR_OK)
        return rv;
    if (!template && count > 0)
        return cryptoki_leave_with(c, CKR_ARGUMENTS_BAD);
    if (!object_open(c, session, object_handle, &object))
        return cryptoki_leave_with(c, CKR_OBJECT_HANDLE_INVALID);
    /* Good entries are filled, bad ones marked, all in one call; one of the reasons is given. */
    for (CK_ULONG i = 0; i < count; i++) {
        CK_RV one = fill(c, &object, &template[i]);
        if (one != CKR_OK)
            rv = one;
    }
    object_clear(&object);
    return cryptoki_leave_with(c, rv);
}

CK_RV C_GetObjectSize(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object_handle, CK_ULONG *size)
{
    struct cryptoki *c = NULL;
    struct session *session = NULL;
    struct object object;
    CK_RV rv = session_enter(handle, &c, &session);

    if (rv != CKR_OK)
        return rv;
    if (!size)
        return cryptoki_leave_with(c, CKR_ARGUMENTS_BAD);
    if (!object_open(c, session, object_handle, &object))
        return cryptoki_leave_with(c, CKR_OBJECT_HANDLE_INVALID);
    object_clear(&object);
    *size = CK_UNAVAILABLE_INFORMATION;
    return cryptoki_leave_with(c, CKR_OK);
}
