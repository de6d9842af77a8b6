// SPDX-License-Identifier: Apache-2.0
/* key.c - keys and certificate requests as PEM, and what they are known by; nothing is kept here. */
#include "key.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

SB_DEFINE_DROP(drop_bio, BIO *, BIO_free_all)
SB_DEFINE_DROP(drop_csr, X509_REQ *, X509_REQ_free)

EVP_PKEY *sb_key_make(const char *kind)
{
    static const struct {
        const char *kind, *curve;
        unsigned bits;
    } kinds[] = { { "ec:P-256", "P-256", 0 },
                  { "ec:P-384", "P-384", 0 },
                  { "rsa:2048", NULL, 2048 },
                  { "rsa:3072", NULL, 3072 },
                  { "rsa:4096", NULL, 4096 } };

    for (size_t i = 0; i < SB_COUNT(kinds); i++)
        if (strcmp(kind, kinds[i].kind) == 0)
            return kinds[i].curve ? EVP_EC_gen(kinds[i].curve) : EVP_RSA_gen(kinds[i].bits);
    return NULL;
}

static char *bio_text(BIO *bio)
{
    char *data = NULL;
    long len = BIO_get_mem_data(bio, &data);

    return sb_strndup(data ? data : "", len > 0 ? (size_t)len : 0);
}

char *sb_key_to_pem(EVP_PKEY *key)
{
    sb_auto(drop_bio) BIO *bio = BIO_new(BIO_s_mem());

    PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    return bio_text(bio);
}

EVP_PKEY *sb_key_from_pem(const char *pem)
{
    sb_auto(drop_bio) BIO *bio = BIO_new_mem_buf(pem, -1);

    return PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
}

/* The base64 between the PEM marks, or all of the text when there are none; line breaks may be
 * missing or anywhere, since clients strip them. */
static char *base64_of(const char *pem)
{
    static const char begin[] = "REQUEST-----";
    const char *from = strstr(pem, begin);
    struct sb_buf text = { 0 };

    from = from ? from + strlen(begin) : pem;
    const char *end = strstr(from, "-----END");
    for (const char *at = from; *at && at != end; at++)
        if (!strchr(" \r\n\t", *at))
            sb_buf_add(&text, at, 1);
    return sb_buf_steal(&text);
}

static X509_REQ *csr_of(const char *pem)
{
    sb_auto(sb_free_drop) char *base64 = base64_of(pem);
    size_t len = strlen(base64);
    sb_auto(sb_free_drop) unsigned char *der = sb_alloc(len + 3);
    const unsigned char *at = der;

    if (len == 0 || len % 4 != 0 || len > 65536)
        return NULL;
    int got = EVP_DecodeBlock(der, (const unsigned char *)base64, (int)len);
    return got > 0 ? d2i_X509_REQ(NULL, &at, got) : NULL;
}

EVP_PKEY *sb_csr_key(const char *pem)
{
    sb_auto(drop_csr) X509_REQ *csr = csr_of(pem);
    EVP_PKEY *key = csr ? X509_REQ_get_pubkey(csr) : NULL;

    if (key && X509_REQ_verify(csr, key) == 1)
        return key;
    EVP_PKEY_free(key);
    return NULL;
}

char *sb_csr_make(EVP_PKEY *key, const char *common_name)
{
    sb_auto(drop_csr) X509_REQ *csr = X509_REQ_new();
    sb_auto(drop_bio) BIO *bio = BIO_new(BIO_s_mem());

    if (!csr || !bio || !X509_REQ_set_pubkey(csr, key) ||
        !X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(csr), "CN", MBSTRING_UTF8,
                                    (const unsigned char *)common_name, -1, -1, 0) ||
        !X509_REQ_sign(csr, key, EVP_sha256()) || !PEM_write_bio_X509_REQ(bio, csr))
        return NULL;
    return bio_text(bio);
}

bool sb_key_spki(EVP_PKEY *key, char out[SB_SPKI_TEXT])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned char *der = NULL;
    unsigned hash_len = 0;
    int len = i2d_PUBKEY(key, &der);
    bool good = len > 0 && EVP_Digest(der, (size_t)len, hash, &hash_len, EVP_sha256(), NULL) == 1;

    OPENSSL_free(der);
    if (good)
        sb_hex(hash, hash_len, out);
    return good;
}

const char *sb_key_complaint(EVP_PKEY *key)
{
    char curve[64] = "";
    size_t len = 0;
    int bits = EVP_PKEY_get_bits(key);

    if (EVP_PKEY_is_a(key, "RSA"))
        return bits >= 2048 && bits % 8 == 0 ? NULL : "The RSA key is too short.";
    if (!EVP_PKEY_is_a(key, "EC") || EVP_PKEY_get_group_name(key, curve, sizeof(curve), &len) != 1)
        return "This kind of key is not supported.";
    return strcmp(curve, "prime256v1") == 0 || strcmp(curve, "secp384r1") == 0
               ? NULL
               : "This curve is not supported.";
}

EVP_PKEY *sb_cert_key(const char *pem)
{
    sb_auto(drop_bio) BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    EVP_PKEY *key = cert ? X509_get_pubkey(cert) : NULL;

    X509_free(cert);
    return key;
}
