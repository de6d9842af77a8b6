// SPDX-License-Identifier: Apache-2.0
/* issuer_ct.c - signs SCTs over the precertificate's contents, as a log would (RFC 6962 3.2). */
#include "issuer_ct.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "file.h"
#include "key.h"

enum { HASH_LEN = 32, SIGNATURE_MAX = 128 };

static bool sha256(const void *data, size_t len, unsigned char out[HASH_LEN])
{
    return EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL) == 1;
}

static bool log_id(EVP_PKEY *key, unsigned char out[HASH_LEN], struct sb_buf *ret_base64)
{
    unsigned char *spki = NULL;
    int len = i2d_PUBKEY(key, &spki);
    unsigned char text[512];
    bool good = len > 0 && len < 300 && sha256(spki, (size_t)len, out);

    if (good)
        sb_buf_add(ret_base64, text, (size_t)EVP_EncodeBlock(text, spki, len));
    OPENSSL_free(spki);
    return good;
}

static EVP_PKEY *log_key(const char *dir, int number)
{
    sb_auto(sb_free_drop) char *path = sb_format("%s/ct-log-%d.key", dir, number);
    struct sb_buf text = { 0 };
    EVP_PKEY *key = NULL;

    if (sb_file_exists(path) && sb_file_read(path, &text)) {
        key = sb_key_from_pem(sb_buf_text(&text));
    } else if ((key = sb_key_make("ec:P-256"))) {
        sb_auto(sb_free_drop) char *pem = sb_key_to_pem(key);
        if (!sb_file_write(path, pem, strlen(pem), 0600)) {
            EVP_PKEY_free(key);
            key = NULL;
        }
    }
    sb_buf_clear(&text);
    return key;
}

bool sb_ct_logs_open(const char *dir, struct sb_ct_log logs[SB_CT_LOGS])
{
    sb_auto(sb_free_drop) char *path = sb_format("%s/ct_log_list.cnf", dir);
    struct sb_buf list = { 0 };
    bool good = true;

    sb_buf_adds(&list, "enabled_logs = sandbox1,sandbox2,sandbox3\n");
    for (int i = 0; i < SB_CT_LOGS && good; i++) {
        struct sb_buf base64 = { 0 };
        logs[i].key = log_key(dir, i + 1);
        good = logs[i].key && log_id(logs[i].key, logs[i].id, &base64);
        sb_buf_addf(&list,
                    "[sandbox%d]\ndescription = Sandbox log %d\nkey = %s\noperator = Operator %d\n"
                    "state = usable\n",
                    i + 1, i + 1, sb_buf_text(&base64), i + 1);
        sb_buf_clear(&base64);
    }
    good = good && sb_file_write(path, sb_buf_text(&list), list.len, 0644);
    sb_buf_clear(&list);
    return good;
}

void sb_ct_logs_close(struct sb_ct_log logs[SB_CT_LOGS])
{
    for (int i = 0; i < SB_CT_LOGS; i++)
        EVP_PKEY_free(logs[i].key);
}

/* What is signed: version, type, time, entry type, issuer key hash, TBS, extensions. */
static bool signed_data(X509 *cert, X509 *issuer, int64_t when_ms, struct sb_buf *out)
{
    unsigned char *spki = NULL;
    unsigned char *tbs = NULL;
    unsigned char hash[HASH_LEN];
    int spki_len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(issuer), &spki);
    int tbs_len = i2d_re_X509_tbs(cert, &tbs);
    bool good = spki_len > 0 && tbs_len > 0 && sha256(spki, (size_t)spki_len, hash);

    if (good) {
        sb_buf_add_number(out, 0, 1); /* v1 */
        sb_buf_add_number(out, 0, 1); /* certificate_timestamp */
        sb_buf_add_number(out, (uint64_t)when_ms, 8);
        sb_buf_add_number(out, 1, 2); /* precert_entry */
        sb_buf_add(out, hash, sizeof(hash));
        sb_buf_add_number(out, (uint64_t)tbs_len, 3);
        sb_buf_add(out, tbs, (size_t)tbs_len);
        sb_buf_add_number(out, 0, 2); /* no extensions */
    }
    OPENSSL_free(spki);
    OPENSSL_free(tbs);
    return good;
}

static bool add_sct(const struct sb_ct_log *log, const struct sb_buf *data, int64_t when_ms,
                    struct sb_buf *list)
{
    unsigned char signature[SIGNATURE_MAX];
    size_t len = sizeof(signature);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good =
        context && EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, log->key) == 1 &&
        EVP_DigestSign(context, signature, &len, (const unsigned char *)data->data, data->len) == 1;

    EVP_MD_CTX_free(context);
    if (!good)
        return false;
    sb_buf_add_number(list, 1 + HASH_LEN + 8 + 2 + 2 + 2 + len, 2);
    sb_buf_add_number(list, 0, 1);
    sb_buf_add(list, log->id, HASH_LEN);
    sb_buf_add_number(list, (uint64_t)when_ms, 8);
    sb_buf_add_number(list, 0, 2);
    sb_buf_add_number(list, 4, 1); /* sha256 */
    sb_buf_add_number(list, 3, 1); /* ecdsa */
    sb_buf_add_number(list, len, 2);
    sb_buf_add(list, signature, len);
    return true;
}

/* The extension's value is an OCTET STRING that holds the TLS-encoded list. */
static bool add_list(X509 *cert, const struct sb_buf *list)
{
    struct sb_buf whole = { 0 };
    ASN1_OCTET_STRING *inner = ASN1_OCTET_STRING_new();
    unsigned char *der = NULL;
    bool added = false;

    sb_buf_add_number(&whole, list->len, 2);
    sb_buf_add(&whole, list->data, list->len);
    if (inner && ASN1_OCTET_STRING_set(inner, (const unsigned char *)whole.data, (int)whole.len)) {
        int len = i2d_ASN1_OCTET_STRING(inner, &der);
        ASN1_OCTET_STRING *outer = ASN1_OCTET_STRING_new();
        X509_EXTENSION *extension = NULL;
        if (len > 0 && outer && ASN1_OCTET_STRING_set(outer, der, len))
            extension = X509_EXTENSION_create_by_NID(NULL, NID_ct_precert_scts, 0, outer);
        added = extension && X509_add_ext(cert, extension, -1) == 1;
        X509_EXTENSION_free(extension);
        ASN1_OCTET_STRING_free(outer);
        OPENSSL_free(der);
    }
    ASN1_OCTET_STRING_free(inner);
    sb_buf_clear(&whole);
    return added;
}

bool sb_ct_embed(const struct sb_ct_log logs[SB_CT_LOGS], X509 *cert, X509 *issuer, int64_t when)
{
    struct sb_buf data = { 0 };
    struct sb_buf list = { 0 };
    int64_t when_ms = when * 1000;
    bool good = signed_data(cert, issuer, when_ms, &data);

    for (int i = 0; i < SB_CT_LOGS && good; i++)
        good = add_sct(&logs[i], &data, when_ms, &list);
    good = good && add_list(cert, &list);
    sb_buf_clear(&data);
    sb_buf_clear(&list);
    return good;
}
