// SPDX-License-Identifier: Apache-2.0
/* fuzz_cert.c - any bytes as a certificate, a name and a CRL, in DER. */
#include "io/x509.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dcs_auto(dcs_cert) struct dcs_cert *cert = NULL;
    dcs_auto(dcs_buf) struct dcs_buf der = { 0 };
    struct dcs_bytes name;
    struct dcs_crl_info info;
    uint32_t hash = 0;
    char text[512];

    (void)!dcs_cert_subject(data, size, &name);
    (void)!dcs_crl_issuer(data, size, &name);
    (void)!dcs_name_hash(data, size, &hash);
    dcs_name_text(data, size, text, sizeof(text));
    if (!dcs_cert_parse(data, size, &cert, NULL))
        return 0;
    (void)dcs_cert_covers(cert, "www.example.com");
    (void)dcs_cert_self_signed(cert);
    dcs_cert_crl_url(cert, text, sizeof(text));
    (void)!dcs_crl_check(data, size, cert, &der, &info, NULL);
    return 0;
}
