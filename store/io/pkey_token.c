// SPDX-License-Identifier: Apache-2.0
/*
 * pkey_token.c - keys in tokens as libcrypto sees them: the pointer that pkcs11-provider reads, and
 * certificate requests that the token signs.
 */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/objects.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "io/pkey_evp.h"
#include "io/token.h"

#define POINTER_DESCRIPTION "PKCS#11 Provider URI v1.0"

/* ---- the pointer: SEQUENCE { VisibleString description, UTF8String uri } ---- */

static void sequence_drop(ASN1_SEQUENCE_ANY **sequence)
{
    sk_ASN1_TYPE_pop_free(*sequence, ASN1_TYPE_free);
}

static bool push_text(ASN1_SEQUENCE_ANY *sequence, int type, const char *text)
{
    ASN1_TYPE *item = ASN1_TYPE_new();
    ASN1_STRING *value = ASN1_STRING_type_new(type);

    if (!item || !value || ASN1_STRING_set(value, text, -1) != 1) {
        ASN1_TYPE_free(item);
        ASN1_STRING_free(value);
        return false;
    }
    ASN1_TYPE_set(item, type, value);
    if (sk_ASN1_TYPE_push(sequence, item) > 0)
        return true;
    ASN1_TYPE_free(item);
    return false;
}

bool dcs_key_point_at(const char *uri, struct dcs_key *ret_key, struct dcs_err *err)
{
    dcs_auto(sequence) ASN1_SEQUENCE_ANY *sequence = sk_ASN1_TYPE_new_null();
    dcs_auto(dcs_key) struct dcs_key key = { .form = DCS_KEY_POINTER };
    unsigned char *der = NULL;

    if (!sequence || !push_text(sequence, V_ASN1_VISIBLESTRING, POINTER_DESCRIPTION) ||
        !push_text(sequence, V_ASN1_UTF8STRING, uri))
        return dcs_fail(err, DCS_E_NOMEM, "the pointer to a key in a token cannot be made");
    int len = i2d_ASN1_SEQUENCE_ANY(sequence, &der);
    if (len <= 0)
        return dcs_fail(err, DCS_E_NOMEM, "the pointer to a key in a token cannot be made");
    bool copied = dcs_secret_copy(der, (size_t)len, &key.der, err);
    OPENSSL_free(der);
    if (copied)
        *ret_key = dcs_key_take(&key);
    return copied;
}

bool dcs_key_pointed_at(const struct dcs_key *key, char *out, size_t capacity, struct dcs_err *err)
{
    dcs_auto(dcs_quiet) int quiet = dcs_quiet_begin();
    const unsigned char *at = key->der.data;
    dcs_auto(sequence) ASN1_SEQUENCE_ANY *sequence = NULL;

    (void)quiet;
    if (key->form == DCS_KEY_POINTER)
        sequence = d2i_ASN1_SEQUENCE_ANY(NULL, &at, (long)key->der.len);
    const ASN1_TYPE *item =
        sk_ASN1_TYPE_num(sequence) == 2 ? sk_ASN1_TYPE_value(sequence, 1) : NULL;
    if (!item || item->type != V_ASN1_UTF8STRING ||
        memchr(item->value.utf8string->data, '\0', (size_t)item->value.utf8string->length) ||
        (size_t)item->value.utf8string->length >= capacity)
        return dcs_fail(err, DCS_E_STATE, "the pointer to a key in a token is malformed");
    memcpy(out, item->value.utf8string->data, (size_t)item->value.utf8string->length);
    out[item->value.utf8string->length] = '\0';
    return true;
}

/* ---- its public half ---- */

static void params_drop(OSSL_PARAM **params)
{
    OSSL_PARAM_free(*params);
}

static void builder_drop(OSSL_PARAM_BLD **builder)
{
    OSSL_PARAM_BLD_free(*builder);
}

static void number_drop(BIGNUM **number)
{
    BN_free(*number);
}

static BIGNUM *number_of(const struct dcs_buf *bytes)
{
    return BN_bin2bn((const unsigned char *)bytes->data, (int)bytes->len, NULL);
}

static const char *curve_of(const struct dcs_buf *parameters)
{
    const unsigned char *at = (const unsigned char *)parameters->data;
    ASN1_OBJECT *oid = d2i_ASN1_OBJECT(NULL, &at, (long)parameters->len);
    int nid = oid ? OBJ_obj2nid(oid) : NID_undef;

    ASN1_OBJECT_free(oid);
    return nid == NID_X9_62_prime256v1 ? "P-256" : nid == NID_secp384r1 ? "P-384" : NULL;
}

static EVP_PKEY *make_public(const char *algorithm, OSSL_PARAM *params)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(dcs_crypto(NULL), algorithm, NULL);
    EVP_PKEY *pkey = NULL;

    if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

static EVP_PKEY *public_key(const struct dcs_token_public *public)
{
    dcs_auto(builder) OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    dcs_auto(number) BIGNUM *n = NULL;
    dcs_auto(number) BIGNUM *e = NULL;
    dcs_auto(params) OSSL_PARAM *params = NULL;
    bool good = builder != NULL;

    if (public->kind == DCS_TOKEN_RSA) {
        n = number_of(&public->first);
        e = number_of(&public->second);
        good = good && n && e && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) &&
               OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e);
    } else {
        const char *curve = curve_of(&public->first);
        good = good && curve &&
               OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, curve, 0) &&
               OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY,
                                                public->second.data, public->second.len);
    }
    params = good ? OSSL_PARAM_BLD_to_param(builder) : NULL;
    return params ? make_public(public->kind == DCS_TOKEN_RSA ? "RSA" : "EC", params) : NULL;
}

/* ---- requests ---- */

/* DigestInfo of a SHA-256 digest (RFC 8017 9.2, note 1). */
static const uint8_t digest_info[] = { 0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                       0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20 };

/* r and s as a token gives them become ECDSA-Sig-Value (RFC 3279 2.2.3). */
static bool encode_ecdsa(struct dcs_buf *signature)
{
    int half = (int)signature->len / 2;
    const unsigned char *raw = (const unsigned char *)signature->data;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw, half, NULL);
    BIGNUM *s = BN_bin2bn(raw + half, half, NULL);
    unsigned char *der = NULL;
    int len = 0;

    if (pair && r && s && ECDSA_SIG_set0(pair, r, s) == 1) {
        len = i2d_ECDSA_SIG(pair, &der);
    } else {
        BN_free(r);
        BN_free(s);
    }
    ECDSA_SIG_free(pair);
    dcs_buf_clear(signature);
    if (len > 0)
        dcs_buf_add(signature, der, (size_t)len);
    OPENSSL_free(der);
    return len > 0 && !signature->failed;
}

static bool sign_bytes(struct dcs_token *token, const uint8_t *id, enum dcs_token_kind kind,
                       struct dcs_bytes data, struct dcs_buf *ret_signature, struct dcs_err *err)
{
    uint8_t input[sizeof(digest_info) + DCS_SHA256_LEN];
    uint8_t *digest = input + sizeof(digest_info);

    memcpy(input, digest_info, sizeof(digest_info));
    if (!dcs_sha256(data.data, data.len, digest, err))
        return false;
    const struct dcs_bytes whole = { input, sizeof(input) };
    const struct dcs_bytes bare = { digest, DCS_SHA256_LEN };
    if (!dcs_token_sign(token, id, kind == DCS_TOKEN_RSA ? whole : bare, ret_signature, err))
        return false;
    return kind == DCS_TOKEN_RSA || encode_ecdsa(ret_signature) ||
           dcs_fail(err, DCS_E_KEY_FILE, "the token's signature cannot be encoded");
}

static void algorithm_drop(X509_ALGOR **algorithm)
{
    X509_ALGOR_free(*algorithm);
}

static bool set_algorithm(X509_REQ *request, enum dcs_token_kind kind)
{
    dcs_auto(algorithm) X509_ALGOR *algorithm = X509_ALGOR_new();
    bool is_rsa = kind == DCS_TOKEN_RSA;

    return algorithm &&
           X509_ALGOR_set0(
               algorithm, OBJ_nid2obj(is_rsa ? NID_sha256WithRSAEncryption : NID_ecdsa_with_SHA256),
               is_rsa ? V_ASN1_NULL : V_ASN1_UNDEF, NULL) == 1 &&
           X509_REQ_set1_signature_algo(request, algorithm) == 1;
}

static bool put_signature(X509_REQ *request, const struct dcs_buf *signature)
{
    ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();

    if (!bits ||
        ASN1_BIT_STRING_set(bits, (unsigned char *)signature->data, (int)signature->len) != 1) {
        ASN1_BIT_STRING_free(bits);
        return false;
    }
    bits->flags &= ~(ASN1_STRING_FLAG_BITS_LEFT | 0x07);
    bits->flags |= ASN1_STRING_FLAG_BITS_LEFT; /* whole bytes: no unused bits */
    X509_REQ_set0_signature(request, bits);
    return true;
}

static bool sign_request(struct dcs_token *token, const uint8_t *id, enum dcs_token_kind kind,
                         X509_REQ *request, EVP_PKEY *public, struct dcs_err *err)
{
    dcs_auto(dcs_buf) struct dcs_buf signature = { .max = 1 << 14 };
    unsigned char *tbs = NULL;
    int len = set_algorithm(request, kind) ? i2d_re_X509_REQ_tbs(request, &tbs) : 0;

    if (len <= 0)
        return dcs_fail(err, DCS_E_BUG, "making a certificate request: %s", dcs_crypto_reason());
    bool good =
        sign_bytes(token, id, kind, (struct dcs_bytes){ tbs, (size_t)len }, &signature, err);
    OPENSSL_free(tbs);
    if (!good)
        return false;
    if (!put_signature(request, &signature) || X509_REQ_verify(request, public) != 1)
        return dcs_fail(err, DCS_E_KEY_FILE,
                        "the token's signature does not fit the public key that it shows");
    return true;
}

bool dcs_csr_make_in_token(struct dcs_token *token, const uint8_t id[DCS_TOKEN_ID_LEN],
                           const struct dcs_csr_subject *subject, struct dcs_buf *ret_pem,
                           struct dcs_err *err)
{
    dcs_auto(dcs_quiet) int quiet = dcs_quiet_begin();
    dcs_auto(dcs_token_public) struct dcs_token_public public = { 0 };
    dcs_auto(dcs_evp) EVP_PKEY *pkey = NULL;
    dcs_auto(dcs_csr) X509_REQ *request = NULL;

    (void)quiet;
    if (!dcs_crypto(err) || !dcs_token_public(token, id, &public, err))
        return false;
    pkey = public_key(&public);
    if (!pkey)
        return dcs_fail(err, DCS_E_KEY_FILE, "the public key in the token cannot be read: %s",
                        dcs_crypto_reason());
    request = dcs_csr_unsigned(pkey, subject, err);
    return request && sign_request(token, id, public.kind, request, pkey, err) &&
           dcs_csr_print(request, ret_pem, err);
}
