// SPDX-License-Identifier: Apache-2.0
/* issuer.c - real X.509 from a throw-away CA; its keys protect nothing. */
#include "issuer.h"

#include <openssl/conf.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "file.h"
#include "issuer_ct.h"

struct authority {
    EVP_PKEY *key;
    X509 *cert;
    char *pem;
};

struct sb_issuer {
    char *dir, *crl_url;
    struct authority root, intermediate;
    char *cross_pem, *name;
    struct sb_ct_log logs[SB_CT_LOGS];
};

SB_DEFINE_DROP(drop_x509, X509 *, X509_free)
SB_DEFINE_DROP(drop_pkey, EVP_PKEY *, EVP_PKEY_free)
SB_DEFINE_DROP(drop_bio, BIO *, BIO_free_all)

/* ---- keys ---- */

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

EVP_PKEY *sb_csr_key(const char *pem)
{
    sb_auto(drop_bio) BIO *bio = BIO_new_mem_buf(pem, -1);
    X509_REQ *csr = PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL);
    EVP_PKEY *key = csr ? X509_REQ_get_pubkey(csr) : NULL;

    if (key && X509_REQ_verify(csr, key) != 1) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    X509_REQ_free(csr);
    return key;
}

static char *cert_to_pem(X509 *cert)
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

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
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

static bool set_name(X509_NAME *name, const char *organization, const char *common_name)
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

static X509 *new_cert(EVP_PKEY *key, const X509_NAME *issuer, int64_t not_before, int64_t not_after)
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
static X509 *make_ca(EVP_PKEY *key, const char *common_name, const struct authority *signer,
                     int64_t now, bool is_root)
{
    int64_t begin = sb_time_midnight(now) - 365 * (int64_t)SB_DAY * (is_root ? 4 : 1);
    X509 *cert = new_cert(key, NULL, begin, sb_time_midnight(now) + 3650 * (int64_t)SB_DAY - 1);
    X509 *issuer = signer ? signer->cert : cert;

    if (cert && set_name(X509_get_subject_name(cert), "Sandbox CA Ltd", common_name) &&
        X509_set_issuer_name(cert, X509_get_subject_name(issuer)) &&
        add_extension(cert, issuer, NID_basic_constraints,
                      is_root ? "critical,CA:TRUE" : "critical,CA:TRUE,pathlen:0") &&
        add_extension(cert, issuer, NID_key_usage,
                      "critical,digitalSignature,keyCertSign,cRLSign") &&
        add_extension(cert, issuer, NID_subject_key_identifier, "hash") &&
        (!signer || add_extension(cert, issuer, NID_authority_key_identifier, "keyid:always")) &&
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
                           const struct authority *signer, int64_t now,
                           struct authority *ret_authority)
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
    ret_authority->pem = cert_to_pem(ret_authority->cert);
    return write_text(dir, cert_file, ret_authority->pem, 0644);
}

static void close_authority(struct authority *authority)
{
    EVP_PKEY_free(authority->key);
    X509_free(authority->cert);
    sb_free(authority->pem);
    *authority = (struct authority){ 0 };
}

static bool open_cross(struct sb_issuer *issuer, int64_t now)
{
    struct authority older = { 0 };
    X509 *cross = NULL;

    bool opened = open_authority(issuer->dir, "old-root", "Sandbox Old Root", NULL, now, &older);
    if (opened)
        cross = make_ca(issuer->root.key, "Sandbox Global Root G2", &older, now, true);
    issuer->cross_pem = cross ? cert_to_pem(cross) : NULL;
    X509_free(cross);
    close_authority(&older);
    return issuer->cross_pem != NULL;
}

static void note_name(struct sb_issuer *issuer)
{
    char name[128] = "";

    X509_NAME_get_text_by_NID(X509_get_subject_name(issuer->intermediate.cert), NID_commonName,
                              name, sizeof(name));
    sb_set(&issuer->name, name);
}

bool sb_issuer_open(const char *dir, const char *crl_url, int64_t now,
                    struct sb_issuer **ret_issuer)
{
    struct sb_issuer *issuer = sb_alloc(sizeof(*issuer));

    issuer->dir = sb_strdup(dir);
    issuer->crl_url = sb_strdup(crl_url);
    if (open_authority(dir, "root", "Sandbox Global Root G2", NULL, now, &issuer->root) &&
        open_authority(dir, "intermediate", "Sandbox TLS 2026 CA1", &issuer->root, now,
                       &issuer->intermediate) &&
        open_cross(issuer, now) && write_text(dir, "roots.pem", issuer->root.pem, 0644) &&
        sb_ct_logs_open(dir, issuer->logs)) {
        note_name(issuer);
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
    close_authority(&issuer->intermediate);
    sb_ct_logs_close(issuer->logs);
    sb_free(issuer->cross_pem);
    sb_free(issuer->name);
    sb_free(issuer->crl_url);
    sb_free(issuer->dir);
    sb_free(issuer);
}

bool sb_issuer_rotate(struct sb_issuer *issuer, int64_t now)
{
    sb_auto(sb_free_drop) char *name = sb_format("Sandbox TLS %lld CA2", (long long)now);
    EVP_PKEY *key = sb_key_make("ec:P-256");
    X509 *cert = key ? make_ca(key, name, &issuer->root, now, false) : NULL;

    if (!cert) {
        EVP_PKEY_free(key);
        return false;
    }
    close_authority(&issuer->intermediate);
    issuer->intermediate = (struct authority){ key, cert, cert_to_pem(cert) };
    note_name(issuer);
    sb_auto(sb_free_drop) char *pem = sb_key_to_pem(key);
    return write_text(issuer->dir, "intermediate.key", pem, 0600) &&
           write_text(issuer->dir, "intermediate.pem", issuer->intermediate.pem, 0644);
}

const char *sb_issuer_intermediate(const struct sb_issuer *issuer)
{
    return issuer->intermediate.pem;
}

const char *sb_issuer_root(const struct sb_issuer *issuer)
{
    return issuer->root.pem;
}

const char *sb_issuer_cross(const struct sb_issuer *issuer)
{
    return issuer->cross_pem;
}

const char *sb_issuer_name(const struct sb_issuer *issuer)
{
    return issuer->name;
}

/* ---- leaves ---- */

static char *alternative_names(const struct sb_leaf *leaf)
{
    struct sb_buf text = { 0 };

    for (size_t i = 0; i < leaf->names->count; i++) {
        const char *name = leaf->names->list[i];
        bool is_ip = strspn(name, "0123456789.") == strlen(name) || strchr(name, ':');
        sb_buf_addf(&text, "%s%s:%s", i ? "," : "",
                    strchr(name, '@') ? "email"
                    : is_ip           ? "IP"
                                      : "DNS",
                    name);
    }
    return sb_buf_steal(&text);
}

static const char *eku_of(const struct sb_leaf *leaf)
{
    if (leaf->email)
        return "emailProtection";
    if (leaf->code)
        return "codeSigning";
    return leaf->client_auth ? "serverAuth,clientAuth" : "serverAuth";
}

static bool add_leaf_extensions(struct sb_issuer *issuer, const struct sb_leaf *leaf, X509 *cert)
{
    X509 *ca = issuer->intermediate.cert;
    sb_auto(sb_free_drop) char *names = alternative_names(leaf);
    sb_auto(sb_free_drop) char *crl = sb_format("URI:%s", issuer->crl_url);

    return add_extension(cert, ca, NID_authority_key_identifier, "keyid:always") &&
           add_extension(cert, ca, NID_subject_key_identifier, "hash") &&
           (!leaf->names->count || add_extension(cert, ca, NID_subject_alt_name, names)) &&
           add_extension(cert, ca, NID_key_usage, "critical,digitalSignature,keyEncipherment") &&
           add_extension(cert, ca, NID_ext_key_usage, eku_of(leaf)) &&
           (!leaf->policy || add_extension(cert, ca, NID_certificate_policies, leaf->policy)) &&
           add_extension(cert, ca, NID_crl_distribution_points, crl) &&
           add_extension(cert, ca, NID_basic_constraints, "critical,CA:FALSE") &&
           (!leaf->is_precertificate ||
            add_extension(cert, ca, NID_ct_precert_poison, "critical,DER:0500"));
}

static bool fill_issued(X509 *cert, struct sb_issued *ret_issued)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    BIGNUM *serial = ASN1_INTEGER_to_BN(X509_get_serialNumber(cert), NULL);
    char *hex = serial ? BN_bn2hex(serial) : NULL;
    bool good = hex && X509_digest(cert, EVP_sha1(), hash, &len) == 1;

    if (good) {
        snprintf(ret_issued->serial, sizeof(ret_issued->serial), "%s", hex);
        sb_hex(hash, len, ret_issued->thumbprint);
        ret_issued->pem = cert_to_pem(cert);
    }
    OPENSSL_free(hex);
    BN_free(serial);
    return good;
}

void sb_issued_clear(struct sb_issued *issued)
{
    sb_free(issued->pem);
    *issued = (struct sb_issued){ 0 };
}

bool sb_issuer_issue(struct sb_issuer *issuer, const struct sb_leaf *leaf, EVP_PKEY *key,
                     struct sb_issued *ret_issued)
{
    const struct authority *ca = &issuer->intermediate;
    sb_auto(drop_x509) X509 *cert =
        new_cert(key, X509_get_subject_name(ca->cert), leaf->not_before, leaf->not_after);

    if (!cert || !set_name(X509_get_subject_name(cert), "Example Net Ltd", leaf->common_name) ||
        !add_leaf_extensions(issuer, leaf, cert) || !X509_sign(cert, ca->key, EVP_sha256()))
        return sb_complain("a certificate for %s cannot be made", leaf->common_name);
    if (leaf->logged && !leaf->is_private && !leaf->is_precertificate &&
        !(sb_ct_embed(issuer->logs, cert, ca->cert, leaf->not_before) &&
          X509_sign(cert, ca->key, EVP_sha256())))
        return sb_complain("the SCTs for %s cannot be made", leaf->common_name);
    return fill_issued(cert, ret_issued);
}

/* ---- CRLs ---- */

static bool add_revoked(X509_CRL *crl, const char *serial, int64_t now)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    BIGNUM *number = NULL;
    ASN1_TIME *when = ASN1_TIME_set(NULL, (time_t)now);
    ASN1_INTEGER *integer = BN_hex2bn(&number, serial) ? BN_to_ASN1_INTEGER(number, NULL) : NULL;
    bool added = entry && integer && when && X509_REVOKED_set_serialNumber(entry, integer) &&
                 X509_REVOKED_set_revocationDate(entry, when) && X509_CRL_add0_revoked(crl, entry);

    if (!added)
        X509_REVOKED_free(entry);
    ASN1_INTEGER_free(integer);
    ASN1_TIME_free(when);
    BN_free(number);
    return added;
}

bool sb_issuer_crl(struct sb_issuer *issuer, const struct sb_names *revoked, int64_t now,
                   struct sb_buf *ret_der)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)now - 3600);
    ASN1_TIME *till = ASN1_TIME_set(NULL, (time_t)now + 7 * SB_DAY);
    unsigned char *der = NULL;
    bool good = crl && from && till && X509_CRL_set_version(crl, X509_CRL_VERSION_2) &&
                X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->intermediate.cert)) &&
                X509_CRL_set1_lastUpdate(crl, from) && X509_CRL_set1_nextUpdate(crl, till);

    for (size_t i = 0; good && i < revoked->count; i++)
        good = add_revoked(crl, revoked->list[i], now);
    int len =
        good && X509_CRL_sort(crl) && X509_CRL_sign(crl, issuer->intermediate.key, EVP_sha256())
            ? i2d_X509_CRL(crl, &der)
            : 0;
    if (len > 0)
        sb_buf_add(ret_der, der, (size_t)len);
    OPENSSL_free(der);
    ASN1_TIME_free(from);
    ASN1_TIME_free(till);
    X509_CRL_free(crl);
    return len > 0;
}

/* ---- the simulator's own TLS certificate ---- */

bool sb_issuer_server(const char *dir, int64_t now, char **ret_key, char **ret_cert)
{
    struct authority ca = { 0 };
    sb_auto(drop_pkey) EVP_PKEY *key = sb_key_make("ec:P-256");
    X509 *cert = NULL;
    /* Clients judge it by their clock, tests move ours: valid for long on both sides. */
    int64_t begin = sb_time_midnight(now) - 3650 * (int64_t)SB_DAY;

    if (key && open_authority(dir, "sandbox-ca", "digicert-sandbox TLS CA", NULL, now, &ca))
        cert = new_cert(key, X509_get_subject_name(ca.cert), begin, begin + 7300 * (int64_t)SB_DAY);
    bool good = cert && set_name(X509_get_subject_name(cert), NULL, "localhost") &&
                add_extension(cert, ca.cert, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1") &&
                add_extension(cert, ca.cert, NID_ext_key_usage, "serverAuth") &&
                add_extension(cert, ca.cert, NID_authority_key_identifier, "keyid:always") &&
                X509_sign(cert, ca.key, EVP_sha256());
    if (good) {
        *ret_key = sb_key_to_pem(key);
        *ret_cert = cert_to_pem(cert);
    }
    X509_free(cert);
    close_authority(&ca);
    return good;
}
