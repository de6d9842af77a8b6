// SPDX-License-Identifier: Apache-2.0
/*
 * provider.c - OSSL_provider_init and the instance. Runs inside libcrypto's start-up, in every
 * process: it fetches nothing, opens nothing and starts nothing.
 */
#include "provider.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "provider-build.h"

static const OSSL_ALGORITHM loaders[] = {
    /* fips=yes, as OpenSSL's own loaders say: it does no cryptography (facts, D9). */
    { "digicert", "provider=digicert,fips=yes", provider_loader_functions,
      "digicert: URIs of CertCentral orders" },
    { NULL, NULL, NULL, NULL },
};

static const OSSL_ALGORITHM decoders[] = {
    /* "DER" is what comes out. One entry: each is tried in every chain that libcrypto builds. */
    { "DER", "provider=digicert,fips=yes,input=pem", provider_decoder_functions,
      "PEM key stubs of digicert: URIs" },
    { NULL, NULL, NULL, NULL },
};

static DCS_AT_START const OSSL_ALGORITHM *query_operation(void *provctx, int operation,
                                                          int *no_cache)
{
    (void)provctx;
    *no_cache = 0;
    switch (operation) {
    case OSSL_OP_STORE:
        return loaders;
    case OSSL_OP_DECODER:
        return decoders;
    default:
        return NULL;
    }
}

static const OSSL_PARAM *gettable_params(void *provctx)
{
    static const OSSL_PARAM table[] = {
        OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_NAME, NULL, 0),
        OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_VERSION, NULL, 0),
        OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_BUILDINFO, NULL, 0),
        OSSL_PARAM_int(OSSL_PROV_PARAM_STATUS, NULL),
        OSSL_PARAM_END,
    };

    (void)provctx;
    return table;
}

static int get_params(void *provctx, OSSL_PARAM params[])
{
    static const struct {
        const char *name, *value;
    } texts[] = {
        { OSSL_PROV_PARAM_NAME, "DigiCert CertCentral store" },
        { OSSL_PROV_PARAM_VERSION, PROVIDER_VERSION },
        { OSSL_PROV_PARAM_BUILDINFO, "digicert-store " PROVIDER_VERSION },
    };
    OSSL_PARAM *p = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_STATUS);

    (void)provctx;
    if (p && !OSSL_PARAM_set_int(p, 1))
        return 0;
    for (size_t i = 0; i < DCS_COUNT(texts); i++) {
        p = OSSL_PARAM_locate(params, texts[i].name);
        if (p && !OSSL_PARAM_set_utf8_ptr(p, texts[i].value))
            return 0;
    }
    return 1;
}

static DCS_AT_START const OSSL_ITEM *get_reason_strings(void *provctx)
{
    (void)provctx;
    return provider_reasons;
}

static void teardown(void *provctx)
{
    struct provider *provider = provctx;

    dcs_store_free(provider->store);
    free(provider);
}

static const OSSL_DISPATCH provider_functions[] = {
    { OSSL_FUNC_PROVIDER_TEARDOWN, (void (*)(void))teardown },
    { OSSL_FUNC_PROVIDER_GETTABLE_PARAMS, (void (*)(void))gettable_params },
    { OSSL_FUNC_PROVIDER_GET_PARAMS, (void (*)(void))get_params },
    { OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query_operation },
    { OSSL_FUNC_PROVIDER_GET_REASON_STRINGS, (void (*)(void))get_reason_strings },
    { 0, NULL },
};

static OSSL_FUNC_core_get_params_fn *take_core(struct provider *provider, const OSSL_DISPATCH *in)
{
    OSSL_FUNC_core_get_params_fn *core_get_params = NULL;

    for (; in->function_id; in++) {
        switch (in->function_id) {
        case OSSL_FUNC_CORE_GET_PARAMS:
            core_get_params = OSSL_FUNC_core_get_params(in);
            break;
        case OSSL_FUNC_CORE_NEW_ERROR:
            provider->new_error = OSSL_FUNC_core_new_error(in);
            break;
        case OSSL_FUNC_CORE_SET_ERROR_DEBUG:
            provider->set_error_debug = OSSL_FUNC_core_set_error_debug(in);
            break;
        case OSSL_FUNC_CORE_VSET_ERROR:
            provider->vset_error = OSSL_FUNC_core_vset_error(in);
            break;
        case OSSL_FUNC_BIO_GETS:
            provider->bio_gets = OSSL_FUNC_BIO_gets(in);
            break;
        default:
            break;
        }
    }
    return core_get_params;
}

/* `config = FILE` in the provider's section of openssl.cnf. */
static const char *config_of(const OSSL_CORE_HANDLE *handle, OSSL_FUNC_core_get_params_fn *get)
{
    char *config = NULL;
    OSSL_PARAM params[] = { OSSL_PARAM_utf8_ptr("config", &config, 0), OSSL_PARAM_END };

    return get && get(handle, params) ? config : NULL;
}

__attribute__((visibility("default"))) int OSSL_provider_init(const OSSL_CORE_HANDLE *handle,
                                                              const OSSL_DISPATCH *in,
                                                              const OSSL_DISPATCH **out,
                                                              void **provctx)
{
    static atomic_uint_fast64_t instances;
    struct provider *provider = calloc(1, sizeof(*provider));
    struct dcs_store_options options = { .caller = DCS_CALLER_DOOR };

    if (!provider)
        return 0;
    provider->handle = handle;
    provider->instance = atomic_fetch_add(&instances, 1) + 1;
    options.config_path = config_of(handle, take_core(provider, in));
    if (!dcs_store_new(&options, &provider->store, NULL)) {
        free(provider);
        return 0;
    }
    *provctx = provider;
    *out = provider_functions;
    return 1;
}
