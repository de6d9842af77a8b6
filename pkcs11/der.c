// SPDX-License-Identifier: Apache-2.0
/* der.c - walks a certificate (RFC 5280, 4.1); reads within its bounds, whatever it says. */
#include "der.h"

#include <string.h>

enum {
    TAG_INTEGER = 0x02,
    TAG_BITS = 0x03,
    TAG_OID = 0x06,
    TAG_SEQUENCE = 0x30,
    TAG_UTC = 0x17,
    TAG_GENERALIZED = 0x18,
    TAG_VERSION = 0xA0,
    ANY = -1,
};

/* Takes one element off the front of *in; whole is with tag and length, content is what they hold. */
static bool take(struct dcs_bytes *in, int tag, struct dcs_bytes *whole, struct dcs_bytes *content)
{
    size_t head = 2;
    size_t len;

    if (in->len < 2 || (tag != ANY && in->data[0] != tag) || (in->data[0] & 0x1F) == 0x1F)
        return false;
    len = in->data[1];
    if (len & 0x80) {
        size_t octets = len & 0x7F;
        if (octets == 0 || octets > 4 || in->len < 2 + octets)
            return false;
        head += octets;
        len = 0;
        for (size_t i = 0; i < octets; i++)
            len = len << 8 | in->data[2 + i];
    }
    if (len > in->len - head)
        return false;
    *whole = (struct dcs_bytes){ in->data, head + len };
    *content = (struct dcs_bytes){ in->data + head, len };
    in->data += head + len;
    in->len -= head + len;
    return true;
}

static bool take_date(struct dcs_bytes *in, char out[8])
{
    bool is_utc = in->len > 0 && in->data[0] == TAG_UTC;
    struct dcs_bytes whole;
    struct dcs_bytes text;
    size_t digits = is_utc ? 6 : 8;

    if (!take(in, is_utc ? TAG_UTC : TAG_GENERALIZED, &whole, &text) || text.len < digits)
        return false;
    for (size_t i = 0; i < digits; i++)
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
    if (is_utc) /* RFC 5280, 4.1.2.5.1 */
        memcpy(out, text.data[0] >= '5' ? "19" : "20", 2);
    memcpy(out + 8 - digits, text.data, digits);
    return true;
}

static struct dcs_bytes without_zeros(struct dcs_bytes number)
{
    while (number.len > 1 && number.data[0] == 0) {
        number.data++;
        number.len--;
    }
    return number;
}

static bool read_rsa(struct der_cert *cert)
{
    struct dcs_bytes in = cert->key_bits;
    struct dcs_bytes whole;
    struct dcs_bytes pair;

    if (!take(&in, TAG_SEQUENCE, &whole, &pair) ||
        !take(&pair, TAG_INTEGER, &whole, &cert->modulus) ||
        !take(&pair, TAG_INTEGER, &whole, &cert->exponent) || cert->modulus.len == 0 ||
        cert->exponent.len == 0)
        return false;
    cert->modulus = without_zeros(cert->modulus);
    cert->exponent = without_zeros(cert->exponent);
    return true;
}

static bool read_key(struct dcs_bytes info, struct der_cert *cert)
{
    static const uint8_t rsa[] = { 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01 };
    static const uint8_t ec[] = { 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01 };
    struct dcs_bytes whole;
    struct dcs_bytes algorithm;
    struct dcs_bytes oid;
    struct dcs_bytes bits;

    if (!take(&info, TAG_SEQUENCE, &whole, &algorithm) ||
        !take(&algorithm, TAG_OID, &whole, &oid) || !take(&info, TAG_BITS, &whole, &bits) ||
        bits.len < 2 || bits.data[0] != 0)
        return false;
    cert->key_bits = (struct dcs_bytes){ bits.data + 1, bits.len - 1 };
    cert->kind = DCS_KEY_OTHER;
    if (oid.len == sizeof(rsa) && memcmp(oid.data, rsa, sizeof(rsa)) == 0) {
        cert->kind = DCS_KEY_RSA;
        return read_rsa(cert);
    }
    if (oid.len == sizeof(ec) && memcmp(oid.data, ec, sizeof(ec)) == 0) {
        cert->kind = DCS_KEY_EC;
        cert->curve = algorithm;
        return algorithm.len > 2;
    }
    return true;
}

bool der_cert_read(struct dcs_bytes der, struct der_cert *ret_cert)
{
    struct der_cert cert = { 0 };
    struct dcs_bytes whole;
    struct dcs_bytes body;
    struct dcs_bytes tbs;
    struct dcs_bytes skipped;
    struct dcs_bytes dates;
    struct dcs_bytes info;

    if (!take(&der, TAG_SEQUENCE, &whole, &body) || !take(&body, TAG_SEQUENCE, &whole, &tbs))
        return false;
    if (tbs.len > 0 && tbs.data[0] == TAG_VERSION && !take(&tbs, TAG_VERSION, &whole, &skipped))
        return false;
    if (!take(&tbs, TAG_INTEGER, &cert.serial, &skipped) ||
        !take(&tbs, TAG_SEQUENCE, &whole, &skipped) ||
        !take(&tbs, TAG_SEQUENCE, &cert.issuer, &skipped) ||
        !take(&tbs, TAG_SEQUENCE, &whole, &dates) ||
        !take(&tbs, TAG_SEQUENCE, &cert.subject, &skipped) ||
        !take(&tbs, TAG_SEQUENCE, &cert.spki, &info) || !take_date(&dates, cert.start) ||
        !take_date(&dates, cert.end) || !read_key(info, &cert))
        return false;
    *ret_cert = cert;
    return true;
}
