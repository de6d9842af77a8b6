/* SPDX-License-Identifier: Apache-2.0 */
/* x509_cert.h - struct dcs_cert, for the files of io/x509 alone. */
#ifndef DCS_IO_X509_CERT_H
#define DCS_IO_X509_CERT_H

#include <openssl/x509.h>

#include "io/x509.h"

struct dcs_cert {
    X509 *x509;
    uint8_t *der;
    size_t len;
    unsigned char *spki; /* libcrypto's allocation */
    size_t spki_len;
    struct dcs_cert_info info;
    char **names;
    size_t name_count;
};

bool dcs_cert_read_names(struct dcs_cert *cert, struct dcs_err *err) DCS_CHECKED;

#endif
