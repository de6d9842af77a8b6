/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkey.h - private keys as bytes, through libcrypto in the context of io/x509.
 *
 * Key bytes live in struct dcs_secret and reach no log and no error.
 */
#ifndef DCS_IO_PKEY_H
#define DCS_IO_PKEY_H

#include "io/token.h"
#include "io/x509.h"

enum dcs_key_form {
    DCS_KEY_PKCS8 = 1, /* DER PrivateKeyInfo */
    DCS_KEY_POINTER,   /* DER of a "PKCS#11 PROVIDER URI" block: the key is in a token */
    DCS_KEY_ENCRYPTED, /* DER EncryptedPrivateKeyInfo (RFC 5958 3) */
};

struct dcs_key {
    enum dcs_key_form form;
    enum dcs_key_kind kind; /* of a PKCS#8 key, read from its AlgorithmIdentifier */
    struct dcs_secret der;
};
void dcs_key_drop(struct dcs_key *key);
struct dcs_key dcs_key_take(struct dcs_key *key);

/* The strict form that we write: one PEM block. Fast, no decoders: for the warm path. */
bool dcs_key_from_our_pem(const char *pem, size_t len, struct dcs_key *ret_key,
                          struct dcs_err *err) DCS_CHECKED;
/* What a user brings: PKCS#8, PKCS#1, SEC1, encrypted ones with passphrase (NULL: none), PEM or
 * DER. DCS_E_INPUT with what is wrong, e.g. "is encrypted". */
bool dcs_key_import(const uint8_t *data, size_t len, const struct dcs_secret *passphrase,
                    struct dcs_key *ret_key, struct dcs_err *err) DCS_CHECKED;
/* The PKCS#8 key under a passphrase: PBES2 (RFC 8018) with AES-256-CBC. */
bool dcs_key_encrypt(const struct dcs_key *key, const struct dcs_secret *passphrase,
                     struct dcs_key *ret_key, struct dcs_err *err) DCS_CHECKED;
/* DCS_E_INPUT when the passphrase does not fit. */
bool dcs_key_decrypt(const struct dcs_key *key, const struct dcs_secret *passphrase,
                     struct dcs_key *ret_key, struct dcs_err *err) DCS_CHECKED;
/* SHA-256 of the DER SubjectPublicKeyInfo of the key. A PKCS#8 key alone shows its public half. */
bool dcs_key_spki_sha256(const struct dcs_key *key, uint8_t out[DCS_SHA256_LEN],
                         struct dcs_err *err) DCS_CHECKED;
/* Checks for imported keys: size, RSA exponent, consistency (policy.md 5). */
bool dcs_key_sound(const struct dcs_key *key, struct dcs_err *err) DCS_CHECKED;
/* A new key of that kind: ec:P-256, ec:P-384, rsa:2048, rsa:3072, rsa:4096 (what the CA takes,
 * policy.md 5). DCS_E_CONFIG for another kind. */
bool dcs_key_generate(const char *kind, struct dcs_key *ret_key, struct dcs_err *err) DCS_CHECKED;
/* Who a request is for: the common name ("" none) and the names as subjectAltName, IP addresses as such.
 * The CA takes names from its own request fields; they stand here for people and for other CAs'
 * habits. */
struct dcs_csr_subject {
    const char *common_name;
    const char *const *names;
    size_t name_count;
};
/* A PKCS#10 request (RFC 2986) as PEM, signed with SHA-256. */
bool dcs_csr_make(const struct dcs_key *key, const struct dcs_csr_subject *subject,
                  struct dcs_buf *ret_pem, struct dcs_err *err) DCS_CHECKED;
/* The same for a key in a token, which signs it. */
bool dcs_csr_make_in_token(struct dcs_token *token, const uint8_t id[DCS_TOKEN_ID_LEN],
                           const struct dcs_csr_subject *subject, struct dcs_buf *ret_pem,
                           struct dcs_err *err) DCS_CHECKED;
/* The pointer to a key in a token that pkcs11-provider's decoder reads, and the URI in it. */
bool dcs_key_point_at(const char *uri, struct dcs_key *ret_key, struct dcs_err *err) DCS_CHECKED;
bool dcs_key_pointed_at(const struct dcs_key *key, char *out, size_t capacity,
                        struct dcs_err *err) DCS_CHECKED;
/* SHA-256 of the SubjectPublicKeyInfo in a PEM request of whatever line ends; DCS_E_REJECTED when it
 * cannot be read. */
bool dcs_csr_spki_sha256(const char *pem, uint8_t out[DCS_SHA256_LEN],
                         struct dcs_err *err) DCS_CHECKED;
/* PEM of what we store: "PRIVATE KEY", "ENCRYPTED PRIVATE KEY" or "PKCS#11 PROVIDER URI". */
bool dcs_key_to_pem(const struct dcs_key *key, struct dcs_buf *out,
                    struct dcs_err *err) DCS_CHECKED;
/* PKCS#12 with leaf, chain and key (key may be NULL); passphrase may be empty. */
bool dcs_pkcs12_make(const struct dcs_key *key, const struct dcs_bytes *certs, size_t count,
                     const char *friendly_name, const struct dcs_secret *passphrase,
                     struct dcs_buf *ret_der, struct dcs_err *err) DCS_CHECKED;

#endif
