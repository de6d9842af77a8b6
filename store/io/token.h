/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token.h - private keys in PKCS#11 tokens, through p11-kit, which is opened at the first use. Makes key
 * pairs that cannot be taken out, and signs requests for them; programs use such keys through
 * pkcs11-provider, never through us.
 *
 * Knows RFC 7512 URIs; knows no files, no PINs but the one that it is given, and no certificates.
 */
#ifndef DCS_IO_TOKEN_H
#define DCS_IO_TOKEN_H

#include "base/buf.h"

enum { DCS_TOKEN_URI = 1024, DCS_TOKEN_ID_LEN = 16 };

/* What a pkcs11: URI says beside the token: DCS_E_CONFIG when it cannot be read, holds a PIN itself, or
 * names no token. */
struct dcs_token_uri {
    char kind[16];        /* the vendor's attribute x-key: "ec:P-256" (default), ... */
    char pin_source[512]; /* "" none; "file:" is cut off */
};
bool dcs_token_uri_read(const char *uri, struct dcs_token_uri *ret_said,
                        struct dcs_err *err) DCS_CHECKED;
/* The URI of the private key with that CKA_ID in the token of uri, pin-source kept: what
 * pkcs11-provider is given. */
bool dcs_token_uri_of_key(const char *uri, const uint8_t id[DCS_TOKEN_ID_LEN],
                          char out[DCS_TOKEN_URI], struct dcs_err *err) DCS_CHECKED;
/* The CKA_ID in such a URI. */
bool dcs_token_uri_id(const char *uri, uint8_t id[DCS_TOKEN_ID_LEN],
                      struct dcs_err *err) DCS_CHECKED;

/* A session with the one token that the URI matches, logged in when it wants that. pin may be empty.
 * DCS_E_KEY_FILE with the token's word; never tries a PIN that could be the last. */
struct dcs_token;
bool dcs_token_open(const char *uri, const struct dcs_secret *pin, struct dcs_token **ret_token,
                    struct dcs_err *err) DCS_CHECKED;
void dcs_token_close(struct dcs_token *token);
void dcs_token_drop(struct dcs_token **token);

/* A pair of that kind ("ec:P-256", "rsa:2048", ...), not extractable. */
bool dcs_token_generate(struct dcs_token *token, const char *kind,
                        const uint8_t id[DCS_TOKEN_ID_LEN], const char *label,
                        struct dcs_err *err) DCS_CHECKED;

enum dcs_token_kind { DCS_TOKEN_RSA = 1, DCS_TOKEN_EC };
/* The public half: modulus and exponent, or the DER of ECParameters and the uncompressed point. */
struct dcs_token_public {
    enum dcs_token_kind kind;
    struct dcs_buf first, second;
};
void dcs_token_public_drop(struct dcs_token_public *public);
bool dcs_token_public(struct dcs_token *token, const uint8_t id[DCS_TOKEN_ID_LEN],
                      struct dcs_token_public *ret_public, struct dcs_err *err) DCS_CHECKED;
/* RSA: PKCS#1 v1.5 of a DigestInfo; EC: r and s of a digest, of equal length. */
bool dcs_token_sign(struct dcs_token *token, const uint8_t id[DCS_TOKEN_ID_LEN],
                    struct dcs_bytes data, struct dcs_buf *ret_signature,
                    struct dcs_err *err) DCS_CHECKED;
/* Both halves; true also when there was nothing. */
bool dcs_token_destroy(struct dcs_token *token, const uint8_t id[DCS_TOKEN_ID_LEN],
                       struct dcs_err *err) DCS_CHECKED;

#endif
