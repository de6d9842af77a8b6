/* SPDX-License-Identifier: Apache-2.0 */
/* provider.h - what the files of OpenSSL's door share: the instance and how errors are raised. */
#ifndef DCS_PROVIDER_H
#define DCS_PROVIDER_H

#include <openssl/core.h>
#include <openssl/core_dispatch.h>

#include "digicert-store.h"

/* One per OSSL_LIB_CTX that loads the module. */
struct provider {
    const OSSL_CORE_HANDLE *handle;
    OSSL_FUNC_core_new_error_fn *new_error;
    OSSL_FUNC_core_set_error_debug_fn *set_error_debug;
    OSSL_FUNC_core_vset_error_fn *vset_error;
    OSSL_FUNC_BIO_gets_fn *bio_gets;
    uint64_t instance; /* never used twice in a process */
    struct dcs_store *store;
};

/* errors.c: raises *err as the last error of the queue, with its hint. */
void provider_raise(const struct provider *provider, const struct dcs_err *err, const char *where);
extern const OSSL_ITEM provider_reasons[];

/* loader.c, decoder.c */
extern const OSSL_DISPATCH provider_loader_functions[];
extern const OSSL_DISPATCH provider_decoder_functions[];

#endif
