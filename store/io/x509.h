/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x509.h - certificates, names and CRLs through libcrypto, in a library context of our own.
 *
 * The context (default provider only, no openssl.cnf) is made at the first use, never in a
 * provider's init, and lives as long as the process. Takes and gives DER bytes; holds no files.
 */
#ifndef DCS_IO_X509_H
#define DCS_IO_X509_H

#include "base/buf.h"
#include "base/env.h"

enum {
    DCS_SHA1_LEN = 20,
    DCS_SHA256_LEN = 32,
    DCS_DIGEST_MAX = 64,
    DCS_SERIAL_MAX = 32,
    DCS_NAMES_MAX = 1000
};

/* One certificate, parsed; immutable. */
struct dcs_cert;

enum dcs_key_kind { DCS_KEY_UNKNOWN = 0, DCS_KEY_RSA, DCS_KEY_EC, DCS_KEY_OTHER };

struct dcs_cert_info {
    char serial[2 * DCS_SERIAL_MAX + 1]; /* lower-case hex, no leading zero byte unless alone */
    int64_t not_before, not_after;       /* notAfter is inclusive (RFC 5280 4.1.2.5) */
    uint8_t sha1[DCS_SHA1_LEN];          /* of the DER: the "thumbprint" */
    uint8_t sha256[DCS_SHA256_LEN];
    uint8_t spki_sha256[DCS_SHA256_LEN]; /* of the DER SubjectPublicKeyInfo */
    uint8_t ckaid[DCS_SHA1_LEN];        /* SHA-1 of the subjectPublicKey bits (RFC 5280 method 1) */
    uint32_t subject_hash, issuer_hash; /* canonical, as X509_NAME_hash_ex */
    enum dcs_key_kind key_kind;
    int key_bits;
    char common_name[128]; /* cleaned; "" when absent */
    bool is_ca;
    bool has_poison; /* 1.3.6.1.4.1.11129.2.4.3: a precertificate, never to be served */
    int sct_count;   /* embedded; -1 = extension present but malformed or repeated */
    bool eku_any, eku_server_auth, eku_client_auth, eku_code_signing,
        eku_email;   /* eku_any: no EKU */
    char policy[24]; /* the CA/B Forum reserved policy OID found, or "" */
};

bool dcs_cert_parse(const uint8_t *der, size_t len, struct dcs_cert **ret_cert, struct dcs_err *err)
    DCS_CHECKED; /* DCS_E_REJECTED; trailing bytes are an error */
void dcs_cert_free(struct dcs_cert *cert);
void dcs_cert_drop(struct dcs_cert **cert);
const struct dcs_cert_info *dcs_cert_info(const struct dcs_cert *cert);
struct dcs_bytes dcs_cert_der(const struct dcs_cert *cert);
struct dcs_bytes dcs_cert_spki(const struct dcs_cert *cert); /* DER SubjectPublicKeyInfo */
/* The bits of subjectPublicKey, which CKA_ID and OSSL_STORE's fingerprint are hashes of. */
struct dcs_bytes dcs_cert_key_bits(const struct dcs_cert *cert);
/* DNS names and IP addresses (as text) of the subjectAltName, A-labels, lower case. */
size_t dcs_cert_name_count(const struct dcs_cert *cert);
const char *dcs_cert_name(const struct dcs_cert *cert, size_t index);
/* As TLS would match (no partial wildcards, never the subject): host is a DNS name or IP text. */
bool dcs_cert_covers(const struct dcs_cert *cert, const char *host);
/* subject == issuer by name and its own key verifies it. */
bool dcs_cert_self_signed(const struct dcs_cert *cert);
/* issuer's subject, key id and signature fit. */
bool dcs_cert_issued_by(const struct dcs_cert *cert, const struct dcs_cert *issuer);
/* First http: URL in the CRL distribution points, "" when none. */
void dcs_cert_crl_url(const struct dcs_cert *cert, char *out, size_t capacity);

/* PEM blocks "CERTIFICATE" (others are skipped) with LF or CRLF; text between blocks is allowed. */
struct dcs_cert_list {
    struct dcs_cert **certs;
    size_t count;
};
bool dcs_certs_from_pem(const char *pem, size_t len, size_t max, struct dcs_cert_list *ret_list,
                        struct dcs_err *err)
    DCS_CHECKED; /* DCS_E_REJECTED: truncated, none at all ... */
void dcs_cert_list_drop(struct dcs_cert_list *list);
/* Appends the PEM block with LF line ends. */
bool dcs_pem_add(struct dcs_buf *out, const char *label, const uint8_t *der, size_t len,
                 struct dcs_err *err) DCS_CHECKED;
/* Splits our own strict PEM quickly into DER: blocks of `label` only, in order, appended to out;
 * offsets[i] is where block i begins (count+1 entries). For the warm path: no parsing of DER. */
bool dcs_pem_blocks(const char *pem, size_t len, const char *label, struct dcs_buf *out,
                    size_t *offsets, size_t capacity, size_t *ret_count,
                    struct dcs_err *err) DCS_CHECKED;

/* Distinguished names as DER, for search criteria. */
bool dcs_name_hash(const uint8_t *der, size_t len, uint32_t *ret_hash) DCS_CHECKED;
bool dcs_name_equal(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len); /* canonical */
/* DER subject / issuer Name inside a certificate or the issuer of a CRL, found without copying. */
bool dcs_cert_subject(const uint8_t *der, size_t len, struct dcs_bytes *ret_name) DCS_CHECKED;
bool dcs_cert_issuer(const uint8_t *der, size_t len, struct dcs_bytes *ret_name) DCS_CHECKED;
bool dcs_crl_issuer(const uint8_t *der, size_t len, struct dcs_bytes *ret_name) DCS_CHECKED;
/* A name as one line, RFC 2253, cleaned. */
void dcs_name_text(const uint8_t *der, size_t len, char *out, size_t capacity);

/* The OSSL_LIB_CTX of this file, for a door that does cryptography itself; never freed. */
struct ossl_lib_ctx_st;
struct ossl_lib_ctx_st *dcs_crypto(struct dcs_err *err);

struct dcs_crl_info {
    int64_t this_update, next_update; /* next_update 0 when absent */
    uint32_t issuer_hash;
};
/* DER or PEM in; DER out when PEM came. Signature by issuer is verified. */
bool dcs_crl_check(const uint8_t *data, size_t len, const struct dcs_cert *issuer,
                   struct dcs_buf *ret_der, struct dcs_crl_info *ret_info,
                   struct dcs_err *err) DCS_CHECKED;

/* From the process-wide context; one-shot. */
bool dcs_sha256(const void *data, size_t len, uint8_t out[DCS_SHA256_LEN],
                struct dcs_err *err) DCS_CHECKED;
bool dcs_sha1(const void *data, size_t len, uint8_t out[DCS_SHA1_LEN],
              struct dcs_err *err) DCS_CHECKED;
/* With any digest of libcrypto's default provider, by any of its names. */
bool dcs_digest(const char *name, const void *data, size_t len, uint8_t out[DCS_DIGEST_MAX],
                size_t *ret_len, struct dcs_err *err) DCS_CHECKED;

#endif
