/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x509_context.h - the library context that io/x509* and io/pkey* share; nobody else includes it.
 */
#ifndef DCS_IO_X509_CONTEXT_H
#define DCS_IO_X509_CONTEXT_H

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "io/x509.h"

/* dcs_crypto (io/x509.h) is made at the first use, with the default provider and no openssl.cnf; lives
 * as long as the process. NULL with DCS_E_BUG when it cannot be made. */
const EVP_MD *dcs_crypto_sha256(void); /* after dcs_crypto */
const EVP_MD *dcs_crypto_sha1(void);

/* Whatever libcrypto raises between these two leaves no trace in the caller's error queue:
 * dcs_auto(dcs_quiet) int quiet = dcs_quiet_begin(); */
static inline int dcs_quiet_begin(void)
{
    ERR_set_mark();
    return 1;
}

static inline void dcs_quiet_drop(int *quiet)
{
    (void)quiet;
    ERR_pop_to_mark();
}

/* A certificate in our context, NULL when it cannot be read; the caller frees. */
X509 *dcs_x509_from_der(const struct dcs_bytes *der, OSSL_LIB_CTX *libctx) DCS_CHECKED;

/* The reason of the newest error in the queue, for our texts; "unknown reason" without one. */
const char *dcs_crypto_reason(void);

#endif
