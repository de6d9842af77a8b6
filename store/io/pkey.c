// SPDX-License-Identifier: Apache-2.0
/*
 * pkey.c - private keys as PKCS#8 bytes: our own files fast, foreign ones through libcrypto's
 * decoders. Key bytes reach no log and no error text.
 */
#include "io/pkey.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/decoder.h>
#include <openssl/encoder.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <string.h>

#include "io/pkey_evp.h"

enum { RSA_MIN_BITS = 2048, RSA_MAX_BITS = 16384, FERMAT_ROUNDS = 100, SMALL_FACTOR_MAX = 752 };

static const char *const labels[] = {
    [DCS_KEY_PKCS8] = "PRIVATE KEY",
    [DCS_KEY_POINTER] = "PKCS#11 PROVIDER URI",
    [DCS_KEY_ENCRYPTED] = "ENCRYPTED PRIVATE KEY",
};

void dcs_key_drop(struct dcs_key *key)
{
    dcs_secret_clear(&key->der);
    *key = (struct dcs_key){ 0 };
}

struct dcs_key dcs_key_take(struct dcs_key *key)
{
    struct dcs_key taken = *key;

    *key = (struct dcs_key){ 0 };
    return taken;
}

/* ---- our own files ---- */

/* PrivateKeyInfo (RFC 5958): version, then the AlgorithmIdentifier whose OID names the kind. */
static enum dcs_key_kind kind_of(const uint8_t *der, size_t len)
{
    static const uint8_t rsa[] = {
        0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01
    };
    static const uint8_t ec[] = { 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01 };
    size_t at = 1;

    if (len < 24 || der[0] != 0x30)
        return DCS_KEY_UNKNOWN;
    at += der[1] & 0x80 ? 1u + (der[1] & 0x7Fu) : 1u; /* length of the outer SEQUENCE */
    if (at + 5 > len || der[at] != 0x02 || der[at + 1] != 1)
        return DCS_KEY_UNKNOWN;
    at += 3;
    if (der[at] != 0x30 || der[at + 1] & 0x80)
        return DCS_KEY_UNKNOWN;
    at += 2;
    if (len - at > sizeof(rsa) && memcmp(der + at, rsa, sizeof(rsa)) == 0)
        return DCS_KEY_RSA;
    if (len - at > sizeof(ec) && memcmp(der + at, ec, sizeof(ec)) == 0)
        return DCS_KEY_EC;
    return DCS_KEY_OTHER;
}

bool dcs_key_from_our_pem(const char *pem, size_t len, struct dcs_key *ret_key, struct dcs_err *err)
{
    dcs_auto(dcs_key) struct dcs_key key = { .form = DCS_KEY_PKCS8 };
    dcs_auto(dcs_buf) struct dcs_buf der = { .max = 1 << 16, .secret = true };
    size_t offsets[2];
    size_t count = 0;

    for (size_t i = DCS_KEY_PKCS8; i < DCS_COUNT(labels); i++)
        if (len > 11 + strlen(labels[i]) && memcmp(pem, "-----BEGIN ", 11) == 0 &&
            memcmp(pem + 11, labels[i], strlen(labels[i])) == 0)
            key.form = (enum dcs_key_form)i;
    if (!dcs_pem_blocks(pem, len, labels[key.form], &der, offsets, 2, &count, err))
        return false;
    if (count != 1)
        return dcs_fail(err, DCS_E_STATE, "a key file holds one key");
    if (!dcs_secret_copy(der.data, der.len, &key.der, err))
        return false;
    if (key.form == DCS_KEY_PKCS8)
        key.kind = kind_of(key.der.data, key.der.len);
    *ret_key = dcs_key_take(&key);
    return true;
}

bool dcs_key_to_pem(const struct dcs_key *key, struct dcs_buf *out, struct dcs_err *err)
{
    return dcs_pem_add(out, labels[key->form], key->der.data, key->der.len, err);
}

void dcs_evp_drop(EVP_PKEY **pkey)
{
    EVP_PKEY_free(*pkey);
    *pkey = NULL;
}

EVP_PKEY *dcs_key_to_evp(const struct dcs_key *key, struct dcs_err *err)
{
    const unsigned char *at = key->der.data;
    OSSL_LIB_CTX *libctx = dcs_crypto(err);
    EVP_PKEY *pkey = NULL;

    if (!libctx)
        return NULL;
    if (key->form != DCS_KEY_PKCS8) {
        dcs_fail(err, DCS_E_INPUT,
                 key->form == DCS_KEY_POINTER
                     ? "the key is in a token: its bytes are not here"
                     : "the key is encrypted, and its passphrase is not known here");
        return NULL;
    }
    pkey = d2i_AutoPrivateKey_ex(NULL, &at, (long)key->der.len, libctx, NULL);
    if (!pkey)
        dcs_fail(err, DCS_E_INPUT, "the private key cannot be decoded: %s", dcs_crypto_reason());
    return pkey;
}

bool dcs_evp_spki_sha256(EVP_PKEY *pkey, uint8_t out[DCS_SHA256_LEN], struct dcs_err *err)
{
    unsigned char *spki = NULL;
    int len = i2d_PUBKEY(pkey, &spki);

    if (len <= 0)
        return dcs_fail(err, DCS_E_INPUT, "the key has no public half: %s", dcs_crypto_reason());
    bool good = dcs_sha256(spki, (size_t)len, out, err);
    OPENSSL_free(spki);
    return good;
}

bool dcs_key_spki_sha256(const struct dcs_key *key, uint8_t out[DCS_SHA256_LEN],
                         struct dcs_err *err)
{
    dcs_auto(dcs_quiet) int quiet = dcs_quiet_begin();
    dcs_auto(dcs_evp) EVP_PKEY *pkey = dcs_key_to_evp(key, err);

    (void)quiet;
    return pkey && dcs_evp_spki_sha256(pkey, out, err);
}

/* ---- what a user brings ---- */

struct passphrase {
    const struct dcs_secret *given;
    bool was_asked;
};

static int give_passphrase(char *out, int size, int rwflag, void *context)
{
    struct passphrase *p = context;

    (void)rwflag;
    p->was_asked = true;
    if (!p->given || size < 0 || p->given->len > (size_t)size)
        return -1;
    memcpy(out, p->given->data, p->given->len);
    return (int)p->given->len;
}

static bool fail_decode(const uint8_t *data, size_t len, const struct passphrase *p,
                        struct dcs_err *err)
{
    static const struct {
        const char *found, *text, *hint;
    } guesses[] = {
        { "BEGIN CERTIFICATE-----", "this is a certificate, not a private key",
          "name the file that holds the private key" },
        { "BEGIN CERTIFICATE REQUEST", "this is a certificate request, not a private key",
          "name the key that the request was made with" },
        { "BEGIN PUBLIC KEY", "this is a public key, not a private key",
          "name the file that holds the private key" },
        { "BEGIN OPENSSH PRIVATE KEY", "this is a key in OpenSSH's own format",
          "convert a copy with ssh-keygen -p -m PEM" },
    };

    if (p->was_asked && !p->given) {
        dcs_fail(err, DCS_E_INPUT, "the private key is encrypted, and no passphrase was given");
        return dcs_hint(err, "add --passphrase-file FILE");
    }
    if (p->was_asked)
        return dcs_fail(err, DCS_E_INPUT, "the private key cannot be decrypted: wrong passphrase?");
    for (size_t i = 0; i < DCS_COUNT(guesses); i++) {
        if (!memmem(data, len, guesses[i].found, strlen(guesses[i].found)))
            continue;
        dcs_fail(err, DCS_E_INPUT, "%s", guesses[i].text);
        return dcs_hint(err, "%s", guesses[i].hint);
    }
    dcs_fail(err, DCS_E_INPUT, "there is no private key in it that can be read");
    return dcs_hint(err,
                    "PKCS#8, PKCS#1 and SEC1 keys are read, PEM or DER; `openssl pkey -in FILE` "
                    "should accept it");
}

static EVP_PKEY *decode(const uint8_t *data, size_t len, struct passphrase *p, OSSL_LIB_CTX *libctx)
{
    EVP_PKEY *pkey = NULL;
    const unsigned char *at = data;
    size_t left = len;
    OSSL_DECODER_CTX *decoder = OSSL_DECODER_CTX_new_for_pkey(
        &pkey, NULL, NULL, NULL, OSSL_KEYMGMT_SELECT_KEYPAIR, libctx, NULL);

    if (decoder && OSSL_DECODER_CTX_set_pem_password_cb(decoder, give_passphrase, p) == 1 &&
        OSSL_DECODER_from_data(decoder, &at, &left) != 1) {
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }
    OSSL_DECODER_CTX_free(decoder);
    return pkey;
}

bool dcs_key_from_evp(EVP_PKEY *pkey, struct dcs_key *ret_key, struct dcs_err *err)
{
    dcs_auto(dcs_key) struct dcs_key key = { .form = DCS_KEY_PKCS8 };
    unsigned char *der = NULL;
    int len = 0;
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);

    if (info)
        len = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    PKCS8_PRIV_KEY_INFO_free(info);
    if (len <= 0)
        return dcs_fail(err, DCS_E_INPUT, "the key has no private half");
    bool copied = dcs_secret_copy(der, (size_t)len, &key.der, err);
    OPENSSL_clear_free(der, (size_t)len);
    if (!copied)
        return false;
    key.kind = kind_of(key.der.data, key.der.len);
    *ret_key = dcs_key_take(&key);
    return true;
}

bool dcs_key_import(const uint8_t *data, size_t len, const struct dcs_secret *passphrase,
                    struct dcs_key *ret_key, struct dcs_err *err)
{
    dcs_auto(dcs_quiet) int quiet = dcs_quiet_begin();
    struct passphrase p = { passphrase, false };
    OSSL_LIB_CTX *libctx = dcs_crypto(err);

    (void)quiet;
    if (!libctx)
        return false;
    EVP_PKEY *pkey = decode(data, len, &p, libctx);
    if (!pkey)
        return fail_decode(data, len, &p, err);
    bool good = dcs_key_from_evp(pkey, ret_key, err);
    EVP_PKEY_free(pkey);
    return good;
}

/* ---- soundness of imported keys (facts/policy.md 5) ---- */

static bool has_small_factor(const BIGNUM *n)
{
    for (BN_ULONG p = 3; p < SMALL_FACTOR_MAX; p += 2)
        if (BN_mod_word(n, p) == 0)
            return true;
    return false;
}

/* Newton's integer square root: libcrypto has no public one. */
static bool square_root(BIGNUM *root, const BIGNUM *n, BN_CTX *ctx)
{
    BIGNUM *next = BN_CTX_get(ctx);
    BIGNUM *quotient = BN_CTX_get(ctx);

    if (!quotient || !BN_one(root) || !BN_lshift(root, root, (BN_num_bits(n) + 1) / 2))
        return false;
    for (;;) {
        if (!BN_div(quotient, NULL, n, root, ctx) || !BN_add(next, root, quotient) ||
            !BN_rshift1(next, next))
            return false;
        if (BN_cmp(next, root) >= 0)
            return true;
        if (!BN_copy(root, next))
            return false;
    }
}

/* Primes too close together fall to Fermat within so many rounds (BR 6.1.1.3). */
static bool falls_to_fermat(const BIGNUM *n, BN_CTX *ctx)
{
    bool falls = false;

    BN_CTX_start(ctx);
    BIGNUM *a = BN_CTX_get(ctx);
    BIGNUM *b2 = BN_CTX_get(ctx);
    BIGNUM *b = BN_CTX_get(ctx);
    BIGNUM *square = BN_CTX_get(ctx);
    bool good = square && square_root(a, n, ctx);
    for (int i = 0; good && !falls && i <= FERMAT_ROUNDS; i++) {
        BN_CTX_start(ctx);
        good = BN_sqr(b2, a, ctx) && BN_sub(b2, b2, n);
        if (good && !BN_is_negative(b2)) {
            good = BN_is_zero(b2) ? BN_zero(b), true : square_root(b, b2, ctx);
            falls = good && BN_sqr(square, b, ctx) && BN_cmp(square, b2) == 0;
        }
        good = good && BN_add_word(a, 1);
        BN_CTX_end(ctx);
    }
    BN_CTX_end(ctx);
    return falls;
}

static bool rsa_is_sound(EVP_PKEY *pkey, struct dcs_err *err)
{
    BIGNUM *n = NULL;
    BIGNUM *e = NULL;
    BN_CTX *ctx = BN_CTX_new();
    int bits = EVP_PKEY_get_bits(pkey);
    bool good = ctx && EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
                EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) == 1;

    if (!good)
        dcs_fail(err, DCS_E_INPUT, "the RSA key cannot be read");
    else if (bits < RSA_MIN_BITS || bits > RSA_MAX_BITS)
        good = dcs_fail(err, DCS_E_INPUT, "the RSA key has %d bits; %d at least are needed", bits,
                        RSA_MIN_BITS);
    else if (!BN_is_odd(e) || BN_num_bits(e) < 17)
        good = dcs_fail(err, DCS_E_INPUT, "the RSA key's public exponent is below 65537");
    else if (!BN_is_odd(n) || has_small_factor(n) || falls_to_fermat(n, ctx))
        good = dcs_fail(err, DCS_E_INPUT, "the RSA key is weak: its modulus can be factored");
    BN_free(n);
    BN_free(e);
    BN_CTX_free(ctx);
    return good;
}

bool dcs_key_sound(const struct dcs_key *key, struct dcs_err *err)
{
    dcs_auto(dcs_quiet) int quiet = dcs_quiet_begin();
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *check = NULL;
    bool good = true;

    (void)quiet;
    if (key->form == DCS_KEY_POINTER)
        return true; /* the token vouches for it */
    pkey = dcs_key_to_evp(key, err);
    if (!pkey)
        return false;
    check = EVP_PKEY_CTX_new_from_pkey(dcs_crypto(NULL), pkey, NULL);
    if (EVP_PKEY_is_a(pkey, "RSA"))
        good = rsa_is_sound(pkey, err);
    if (good && (!check || EVP_PKEY_pairwise_check(check) != 1))
        good = dcs_fail(err, DCS_E_INPUT, "the private and the public half of the key do not fit");
    EVP_PKEY_CTX_free(check);
    EVP_PKEY_free(pkey);
    return good;
}
