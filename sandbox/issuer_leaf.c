// SPDX-License-Identifier: Apache-2.0
/* issuer_leaf.c - leaves as DigiCert issues them, and the CRLs that revoke them. */
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "clock.h"
#include "issuer_parts.h"
#include "key.h"

SB_DEFINE_DROP(drop_x509, X509 *, X509_free)

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
    X509 *ca = issuer->intermediates[leaf->ca].cert;
    sb_auto(sb_free_drop) char *names = alternative_names(leaf);
    sb_auto(sb_free_drop) char *crl =
        leaf->ca == 0 ? sb_format("URI:%sintermediate.crl", issuer->crl_base)
                      : sb_format("URI:%sintermediate-%zu.crl", issuer->crl_base, leaf->ca + 1);

    return sb_add_extension(cert, ca, NID_authority_key_identifier, "keyid:always") &&
           sb_add_extension(cert, ca, NID_subject_key_identifier, "hash") &&
           (!leaf->names->count || sb_add_extension(cert, ca, NID_subject_alt_name, names)) &&
           sb_add_extension(cert, ca, NID_key_usage, "critical,digitalSignature,keyEncipherment") &&
           sb_add_extension(cert, ca, NID_ext_key_usage, eku_of(leaf)) &&
           (!leaf->policy || sb_add_extension(cert, ca, NID_certificate_policies, leaf->policy)) &&
           sb_add_extension(cert, ca, NID_crl_distribution_points, crl) &&
           sb_add_extension(cert, ca, NID_basic_constraints, "critical,CA:FALSE") &&
           (!leaf->is_precertificate ||
            sb_add_extension(cert, ca, NID_ct_precert_poison, "critical,DER:0500"));
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
        ret_issued->pem = sb_cert_to_pem(cert);
        ret_issued->key_size = EVP_PKEY_get_bits(X509_get0_pubkey(cert));
        good = sb_key_spki(X509_get0_pubkey(cert), ret_issued->spki);
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

static const EVP_MD *hash_of(const struct sb_leaf *leaf)
{
    const char *name = leaf->hash ? leaf->hash : "sha256";

    return strcasecmp(name, "sha384") == 0   ? EVP_sha384()
           : strcasecmp(name, "sha512") == 0 ? EVP_sha512()
                                             : EVP_sha256();
}

bool sb_issuer_issue(struct sb_issuer *issuer, const struct sb_leaf *leaf, EVP_PKEY *key,
                     struct sb_issued *ret_issued)
{
    const struct sb_authority *ca = &issuer->intermediates[leaf->ca];
    const EVP_MD *hash = hash_of(leaf);
    sb_auto(drop_x509) X509 *cert =
        sb_new_cert(key, X509_get_subject_name(ca->cert), leaf->not_before, leaf->not_after);

    if (!cert ||
        !sb_set_subject(X509_get_subject_name(cert), "Example Net Ltd", leaf->common_name) ||
        !add_leaf_extensions(issuer, leaf, cert))
        return sb_complain("a certificate for %s cannot be made", leaf->common_name);
    /* Signed twice: the first time for the algorithm that the logs' contents name. */
    if (!X509_sign(cert, ca->key, hash))
        return sb_complain("the certificate for %s cannot be signed", leaf->common_name);
    if (leaf->logged && !leaf->is_precertificate &&
        !(sb_ct_embed(issuer->logs, cert, ca->cert, leaf->logged_at) &&
          X509_sign(cert, ca->key, hash)))
        return sb_complain("the SCTs for %s cannot be made", leaf->common_name);
    return fill_issued(cert, ret_issued);
}

/* ---- CRLs ---- */

static bool add_revoked(X509_CRL *crl, const char *serial, int64_t when)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    BIGNUM *number = NULL;
    ASN1_TIME *date = ASN1_TIME_set(NULL, (time_t)when);
    ASN1_INTEGER *integer = BN_hex2bn(&number, serial) ? BN_to_ASN1_INTEGER(number, NULL) : NULL;
    bool added = entry && integer && date && X509_REVOKED_set_serialNumber(entry, integer) &&
                 X509_REVOKED_set_revocationDate(entry, date) && X509_CRL_add0_revoked(crl, entry);

    if (!added)
        X509_REVOKED_free(entry);
    ASN1_INTEGER_free(integer);
    ASN1_TIME_free(date);
    BN_free(number);
    return added;
}

bool sb_issuer_crl(struct sb_issuer *issuer, size_t ca, const struct sb_revoked_list *revoked,
                   int64_t now, struct sb_buf *ret_der)
{
    const struct sb_authority *signer = &issuer->intermediates[ca];
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)now - 3600);
    ASN1_TIME *till = ASN1_TIME_set(NULL, (time_t)now + 7 * SB_DAY);
    unsigned char *der = NULL;
    bool good = crl && from && till && X509_CRL_set_version(crl, X509_CRL_VERSION_2) &&
                X509_CRL_set_issuer_name(crl, X509_get_subject_name(signer->cert)) &&
                X509_CRL_set1_lastUpdate(crl, from) && X509_CRL_set1_nextUpdate(crl, till);

    for (size_t i = 0; good && i < revoked->count; i++)
        good = add_revoked(crl, revoked->list[i].serial, revoked->list[i].when);
    int len = good && X509_CRL_sort(crl) && X509_CRL_sign(crl, signer->key, EVP_sha256())
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
