// SPDX-License-Identifier: Apache-2.0
/* token_make.c - key pairs made in a token, which keeps the private half. */
#include <string.h>

#include "io/token_p11.h"

/* DER of the namedCurve OIDs (RFC 5480 2.1.1.1). */
static CK_BYTE p256[] = { 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07 };
static CK_BYTE p384[] = { 0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22 };

static const struct {
    const char *kind;
    CK_ULONG bits; /* RSA */
    CK_BYTE *curve;
    CK_ULONG curve_len;
} kinds[] = {
    { "ec:P-256", 0, p256, sizeof(p256) }, { "ec:P-384", 0, p384, sizeof(p384) },
    { "rsa:2048", 2048, NULL, 0 },         { "rsa:3072", 3072, NULL, 0 },
    { "rsa:4096", 4096, NULL, 0 },
};

bool dcs_token_generate(struct dcs_token *token, const char *kind,
                        const uint8_t id[DCS_TOKEN_ID_LEN], const char *label, struct dcs_err *err)
{
    static CK_BBOOL yes = CK_TRUE;
    static CK_BBOOL no = CK_FALSE;
    static CK_BYTE exponent[] = { 0x01, 0x00, 0x01 };
    size_t row = 0;
    CK_OBJECT_HANDLE public = 0;
    CK_OBJECT_HANDLE private = 0;

    while (row < DCS_COUNT(kinds) && strcmp(kinds[row].kind, kind) != 0)
        row++;
    if (row == DCS_COUNT(kinds))
        return dcs_fail(err, DCS_E_CONFIG, "no key of kind \"%.40s\" can be made in a token", kind);
    bool is_rsa = kinds[row].bits != 0;
    CK_ULONG bits = kinds[row].bits;
    CK_MECHANISM mechanism = { is_rsa ? CKM_RSA_PKCS_KEY_PAIR_GEN : CKM_EC_KEY_PAIR_GEN, NULL, 0 };
    CK_ATTRIBUTE common[] = { { CKA_TOKEN, &yes, sizeof(yes) },
                              { CKA_ID, (void *)id, DCS_TOKEN_ID_LEN },
                              { CKA_LABEL, (void *)label, strlen(label) } };
    CK_ATTRIBUTE of_public[8] = {
        common[0], common[1], common[2], { CKA_VERIFY, &yes, sizeof(yes) }
    };
    CK_ULONG public_count = 4;
    CK_ATTRIBUTE of_private[] = { common[0],
                                  common[1],
                                  common[2],
                                  { CKA_PRIVATE, &yes, sizeof(yes) },
                                  { CKA_SENSITIVE, &yes, sizeof(yes) },
                                  { CKA_EXTRACTABLE, &no, sizeof(no) },
                                  { CKA_SIGN, &yes, sizeof(yes) },
                                  /* for TLS 1.2's RSA key exchange, RSA alone */
                                  { CKA_DECRYPT, &yes, sizeof(yes) } };
    CK_ULONG private_count = DCS_COUNT(of_private) - (is_rsa ? 0 : 1);

    if (is_rsa) {
        of_public[public_count++] = (CK_ATTRIBUTE){ CKA_MODULUS_BITS, &bits, sizeof(bits) };
        of_public[public_count++] =
            (CK_ATTRIBUTE){ CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent) };
    } else {
        of_public[public_count++] =
            (CK_ATTRIBUTE){ CKA_EC_PARAMS, kinds[row].curve, kinds[row].curve_len };
    }
    CK_RV rv = token->fn->C_GenerateKeyPair(token->session, &mechanism, of_public, public_count,
                                            of_private, private_count, &public, &private);
    return rv == CKR_OK || dcs_token_refused("making a key pair", rv, err);
}
