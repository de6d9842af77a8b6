// SPDX-License-Identifier: Apache-2.0
/* issuer.c - real X.509 from a throw-away CA; its keys protect nothing. */
#include "issuer.h"

#include <openssl/conf.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "clock.h"
#include "file.h"
#include "issuer_parts.h"
#include "key.h"

SB_DEFINE_DROP(drop_pkey, EVP_PKEY *, EVP_PKEY_free)
SB_DEFINE_DROP(drop_bio, BIO *, BIO_free_all)

/* ---- PEM ---- */

static char *bio_text(BIO *bio)
{
    char *data = NULL;
    long len = BIO_get_mem_data(bio, &data);

    return sb_strndup(data ? data : "", len > 0 ? (size_t)len : 0);
}

char *sb_cert_to_pem(X509 *cert)
{
    sb_auto(drop_bio) BIO *bio = BIO_new(BIO_s_mem());

    PEM_write_bio_X509(bio, cert);
    return bio_text(bio);
}

static X509 *cert_from_pem(const char *pem)
{
    sb_auto(drop_bio) BIO *bio = BIO_new_mem_buf(pem, -1);

    return PEM_read_bio_X509(bio, NULL, NULL, NULL);
}

/* ---- building certificates ---- */

bool sb_add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    CONF *empty = NCONF_new(NULL); /* certificatePolicies asks for a configuration, any */
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    X509V3_set_nconf(&context, empty);
    X509_EXTENSION *extension = X509V3_EXT_nconf_nid(empty, &context, nid, value);
    bool added = extension && X509_add_ext(cert, extension, -1) == 1;

    NCONF_free(empty);

    X509_EXTENSION_free(extension);
    return added || sb_complain("extension %s = %s cannot be made", OBJ_nid2sn(nid), value);
}

bool sb_set_subject(X509_NAME *name, const char *organization, const char *common_name)
{
    return (!organization ||
            (X509_NAME_add_entry_by_txt(name, "C", MBSTRING_ASC, (const unsigned char *)"US", -1,
                                        -1, 0) &&
             X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8,
                                        (const unsigned char *)organization, -1, -1, 0))) &&
           (!common_name ||
            X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                       (const unsigned char *)common_name, -1, -1, 0));
}

static bool set_serial(X509 *cert)
{
    unsigned char bytes[16];
    BIGNUM *number = NULL;

    if (RAND_bytes(bytes, sizeof(bytes)) != 1)
        return false;
    bytes[0] =
        (unsigned char)((bytes[0] & 0x0F) | 0x01); /* positive, and never a leading zero byte */
    number = BN_bin2bn(bytes, sizeof(bytes), NULL);
    bool set = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
    BN_free(number);
    return set;
}

X509 *sb_new_cert(EVP_PKEY *key, const X509_NAME *issuer, int64_t not_before, int64_t not_after)
{
    X509 *cert = X509_new();

    if (cert && X509_set_version(cert, X509_VERSION_3) && set_serial(cert) &&
        ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)not_before) &&
        ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)not_after) && X509_set_pubkey(cert, key) &&
        (!issuer || X509_set_issuer_name(cert, issuer)))
        return cert;
    X509_free(cert);
    return NULL;
}

/* A CA certificate for key; signer NULL: self-signed. */
static X509 *make_ca(EVP_PKEY *key, const char *common_name, const struct sb_authority *signer,
                     int64_t now, bool is_root)
{
    int64_t begin = sb_time_midnight(now) - 365 * (int64_t)SB_DAY * (is_root ? 4 : 1);
    X509 *cert = sb_new_cert(key, NULL, begin, sb_time_midnight(now) + 3650 * (int64_t)SB_DAY - 1);
    X509 *issuer = signer ? signer->cert : cert;

    if (cert && sb_set_subject(X509_get_subject_name(cert), "Sandbox CA Ltd", common_name) &&
        X509_set_issuer_name(cert, X509_get_subject_name(issuer)) &&
        sb_add_extension(cert, issuer, NID_basic_constraints,
                         is_root ? "critical,CA:TRUE" : "critical,CA:TRUE,pathlen:0") &&
        sb_add_extension(cert, issuer, NID_key_usage,
                         "critical,digitalSignature,keyCertSign,cRLSign") &&
        sb_add_extension(cert, issuer, NID_subject_key_identifier, "hash") &&
        (!signer || sb_add_extension(cert, issuer, NID_authority_key_identifier, "keyid:always")) &&
        X509_sign(cert, signer ? signer->key : key, EVP_sha256()))
        return cert;
    X509_free(cert);
    return NULL;
}

/* ---- the CA's files ---- */

static bool write_text(const char *dir, const char *name, const char *text, mode_t mode)
{
    sb_auto(sb_free_drop) char *path = sb_format("%s/%s", dir, name);

    return sb_file_write(path, text, strlen(text), mode);
}

static bool read_text(const char *dir, const char *name, struct sb_buf *ret_text)
{
    sb_auto(sb_free_drop) char *path = sb_format("%s/%s", dir, name);

    return sb_file_exists(path) && sb_file_read(path, ret_text);
}

static EVP_PKEY *stored_key(const char *dir, const char *name, const char *kind)
{
    struct sb_buf text = { 0 };
    EVP_PKEY *key = NULL;

    if (read_text(dir, name, &text)) {
        key = sb_key_from_pem(sb_buf_text(&text));
    } else if ((key = sb_key_make(kind))) {
        sb_auto(sb_free_drop) char *pem = sb_key_to_pem(key);
        if (!write_text(dir, name, pem, 0600)) {
            EVP_PKEY_free(key);
            key = NULL;
        }
    }
    sb_buf_clear(&text);
    return key;
}

static bool open_authority(const char *dir, const char *file, const char *common_name,
                           const struct sb_authority *signer, int64_t now,
                           struct sb_authority *ret_authority)
{
    sb_auto(sb_free_drop) char *key_file = sb_format("%s.key", file);
    sb_auto(sb_free_drop) char *cert_file = sb_format("%s.pem", file);
    struct sb_buf text = { 0 };

    ret_authority->key = stored_key(dir, key_file, "ec:P-256");
    if (!ret_authority->key)
        return sb_complain("cannot make the key %s", key_file);
    if (read_text(dir, cert_file, &text))
        ret_authority->cert = cert_from_pem(sb_buf_text(&text));
    else
        ret_authority->cert = make_ca(ret_authority->key, common_name, signer, now, !signer);
    sb_buf_clear(&text);
    if (!ret_authority->cert)
        return sb_complain("cannot make the CA certificate %s", cert_file);
    ret_authority->pem = sb_cert_to_pem(ret_authority->cert);
    return write_text(dir, cert_file, ret_authority->pem, 0644);
}

static void close_authority(struct sb_authority *authority)
{
    EVP_PKEY_free(authority->key);
    X509_free(authority->cert);
    sb_free(authority->pem);
    sb_free(authority->name);
    *authority = (struct sb_authority){ 0 };
}

static bool open_cross(struct sb_issuer *issuer, int64_t now)
{
    struct sb_authority older = { 0 };
    X509 *cross = NULL;

    bool opened = open_authority(issuer->dir, "old-root", "Sandbox Old Root", NULL, now, &older);
    if (opened)
        cross = make_ca(issuer->root.key, "Sandbox Global Root G2", &older, now, true);
    issuer->cross_pem = cross ? sb_cert_to_pem(cross) : NULL;
    X509_free(cross);
    close_authority(&older);
    return issuer->cross_pem != NULL;
}

/* "intermediate", "intermediate-2"...: the name of its files and of its CRL. */
static char *intermediate_file(size_t number)
{
    return number == 0 ? sb_strdup("intermediate") : sb_format("intermediate-%zu", number + 1);
}

static bool note_name(struct sb_authority *authority)
{
    char name[128] = "";
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    if (X509_NAME_get_text_by_NID(X509_get_subject_name(authority->cert), NID_commonName, name,
                                  sizeof(name)) < 0 ||
        X509_digest(authority->cert, EVP_sha256(), hash, &len) != 1)
        return sb_complain("an intermediate has no name");
    sb_set(&authority->name, name);
    sb_hex(hash, (sizeof(authority->id) - 1) / 2, authority->id);
    return true;
}

/* Opens the intermediate of that number, or makes it. */
static bool add_intermediate(struct sb_issuer *issuer, int64_t now)
{
    struct sb_authority next = { 0 };
    sb_auto(sb_free_drop) char *file = intermediate_file(issuer->count);
    sb_auto(sb_free_drop) char *name = sb_format("Sandbox TLS 2026 CA%zu", issuer->count + 1);

    if (!open_authority(issuer->dir, file, name, &issuer->root, now, &next) || !note_name(&next)) {
        close_authority(&next);
        return false;
    }
    issuer->intermediates =
        sb_realloc(issuer->intermediates, (issuer->count + 1) * sizeof(*issuer->intermediates));
    issuer->intermediates[issuer->count++] = next;
    return true;
}

static bool has_another(const struct sb_issuer *issuer)
{
    sb_auto(sb_free_drop) char *file = intermediate_file(issuer->count);
    sb_auto(sb_free_drop) char *path = sb_format("%s/%s.pem", issuer->dir, file);

    return sb_file_exists(path);
}

bool sb_issuer_open(const char *dir, const char *crl_base, int64_t now,
                    struct sb_issuer **ret_issuer)
{
    struct sb_issuer *issuer = sb_alloc(sizeof(*issuer));

    issuer->dir = sb_strdup(dir);
    issuer->crl_base = sb_strdup(crl_base);
    bool good = open_authority(dir, "root", "Sandbox Global Root G2", NULL, now, &issuer->root) &&
                add_intermediate(issuer, now);
    while (good && has_another(issuer))
        good = add_intermediate(issuer, now);
    if (good && open_cross(issuer, now) && write_text(dir, "roots.pem", issuer->root.pem, 0644) &&
        sb_ct_logs_open(dir, issuer->logs)) {
        *ret_issuer = issuer;
        return true;
    }
    sb_issuer_free(issuer);
    return false;
}

void sb_issuer_free(struct sb_issuer *issuer)
{
    if (!issuer)
        return;
    close_authority(&issuer->root);
    for (size_t i = 0; i < issuer->count; i++)
        close_authority(&issuer->intermediates[i]);
    sb_free(issuer->intermediates);
    sb_ct_logs_close(issuer->logs);
    sb_free(issuer->cross_pem);
    sb_free(issuer->crl_base);
    sb_free(issuer->dir);
    sb_free(issuer);
}

bool sb_issuer_rotate(struct sb_issuer *issuer, int64_t now)
{
    return add_intermediate(issuer, now);
}

size_t sb_issuer_count(const struct sb_issuer *issuer)
{
    return issuer->count;
}

bool sb_issuer_find(const struct sb_issuer *issuer, const char *id, size_t *ret_ca)
{
    for (size_t i = 0; i < issuer->count; i++) {
        if (strcasecmp(issuer->intermediates[i].id, id) != 0)
            continue;
        *ret_ca = i;
        return true;
    }
    return false;
}

const char *sb_issuer_intermediate(const struct sb_issuer *issuer, size_t ca)
{
    return issuer->intermediates[ca].pem;
}

const char *sb_issuer_name(const struct sb_issuer *issuer, size_t ca)
{
    return issuer->intermediates[ca].name;
}

const char *sb_issuer_id(const struct sb_issuer *issuer, size_t ca)
{
    return issuer->intermediates[ca].id;
}

const char *sb_issuer_root(const struct sb_issuer *issuer)
{
    return issuer->root.pem;
}

const char *sb_issuer_cross(const struct sb_issuer *issuer)
{
    return issuer->cross_pem;
}

/* ---- the simulator's own TLS certificate ---- */

bool sb_issuer_server(const char *dir, int64_t now, char **ret_key, char **ret_cert)
{
    struct sb_authority ca = { 0 };
    sb_auto(drop_pkey) EVP_PKEY *key = sb_key_make("ec:P-256");
    X509 *cert = NULL;
    /* Clients judge it by their clock, tests move ours: valid for long on both sides. */
    int64_t begin = sb_time_midnight(now) - 3650 * (int64_t)SB_DAY;

    if (key && open_authority(dir, "sandbox-ca", "digicert-sandbox TLS CA", NULL, now, &ca))
        cert =
            sb_new_cert(key, X509_get_subject_name(ca.cert), begin, begin + 7300 * (int64_t)SB_DAY);
    bool good =
        cert && sb_set_subject(X509_get_subject_name(cert), NULL, "localhost") &&
        sb_add_extension(cert, ca.cert, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1") &&
        sb_add_extension(cert, ca.cert, NID_ext_key_usage, "serverAuth") &&
        sb_add_extension(cert, ca.cert, NID_authority_key_identifier, "keyid:always") &&
        X509_sign(cert, ca.key, EVP_sha256());
    if (good) {
        *ret_key = sb_key_to_pem(key);
        *ret_cert = sb_cert_to_pem(cert);
    }
    X509_free(cert);
    close_authority(&ca);
    return good;
}
