// SPDX-License-Identifier: Apache-2.0
/* pack.c - PKCS#7 through libcrypto, and ZIP archives of stored files (PKWARE APPNOTE 4.3). */
#include "pack.h"

#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <string.h>

bool sb_pack_pkcs7(const char *pem, struct sb_buf *ret_pem)
{
    BIO *in = BIO_new_mem_buf(pem, -1);
    BIO *out = BIO_new(BIO_s_mem());
    PKCS7 *p7 = PKCS7_new();
    X509 *cert = NULL;
    char *data = NULL;
    bool good = in && out && p7 && PKCS7_set_type(p7, NID_pkcs7_signed) == 1 &&
                PKCS7_content_new(p7, NID_pkcs7_data) == 1;

    while (good && (cert = PEM_read_bio_X509(in, NULL, NULL, NULL))) {
        good = PKCS7_add_certificate(p7, cert) == 1;
        X509_free(cert);
    }
    good = good && PEM_write_bio_PKCS7(out, p7) == 1;
    long len = good ? BIO_get_mem_data(out, &data) : 0;
    if (len > 0)
        sb_buf_add(ret_pem, data, (size_t)len);
    PKCS7_free(p7);
    BIO_free(in);
    BIO_free(out);
    return len > 0;
}

static uint32_t crc32_of(const char *data, size_t len)
{
    uint32_t crc = 0xFFFFFFFFu;

    for (size_t i = 0; i < len; i++) {
        crc ^= (unsigned char)data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
    }
    return ~crc;
}

static void add_little(struct sb_buf *buf, uint32_t number, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        unsigned char byte = (unsigned char)(number >> (8 * i));
        sb_buf_add(buf, &byte, 1);
    }
}

/* What local header and directory entry share: version, flags, method, time, date, CRC, sizes, name. */
static void add_common(struct sb_buf *buf, const char *name, const char *text)
{
    size_t len = strlen(text);

    add_little(buf, 20, 2);
    add_little(buf, 0, 2);
    add_little(buf, 0, 2);
    add_little(buf, 0, 2);
    add_little(buf, 0x5C21, 2); /* 2026-01-01 */
    add_little(buf, crc32_of(text, len), 4);
    add_little(buf, (uint32_t)len, 4);
    add_little(buf, (uint32_t)len, 4);
    add_little(buf, (uint32_t)strlen(name), 2);
    add_little(buf, 0, 2);
}

void sb_zip_add(struct sb_zip *zip, const char *name, const char *text)
{
    uint32_t offset = (uint32_t)zip->files.len;

    add_little(&zip->files, 0x04034B50, 4);
    add_common(&zip->files, name, text);
    sb_buf_adds(&zip->files, name);
    sb_buf_adds(&zip->files, text);
    add_little(&zip->directory, 0x02014B50, 4);
    add_little(&zip->directory, 20, 2);
    add_common(&zip->directory, name, text);
    add_little(&zip->directory, 0, 2); /* comment, disk, attributes */
    add_little(&zip->directory, 0, 2);
    add_little(&zip->directory, 0, 2);
    add_little(&zip->directory, 0, 4);
    add_little(&zip->directory, offset, 4);
    sb_buf_adds(&zip->directory, name);
    zip->count++;
}

void sb_zip_finish(struct sb_zip *zip, struct sb_buf *ret_zip)
{
    sb_buf_add(ret_zip, zip->files.data, zip->files.len);
    sb_buf_add(ret_zip, zip->directory.data, zip->directory.len);
    add_little(ret_zip, 0x06054B50, 4);
    add_little(ret_zip, 0, 4);
    add_little(ret_zip, zip->count, 2);
    add_little(ret_zip, zip->count, 2);
    add_little(ret_zip, (uint32_t)zip->directory.len, 4);
    add_little(ret_zip, (uint32_t)zip->files.len, 4);
    add_little(ret_zip, 0, 2);
    sb_buf_clear(&zip->files);
    sb_buf_clear(&zip->directory);
}
