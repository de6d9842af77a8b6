// SPDX-License-Identifier: Apache-2.0
/* errors.c - our codes in OpenSSL's language: reason numbers by table, the text as error data. */
#include <stdarg.h>
#include <stdio.h>

#include "provider.h"

/* The reason number is our code; OpenSSL adds the library number of this instance. */
const OSSL_ITEM provider_reasons[] = {
    { DCS_E_BUG, (char *)"unforeseen error in digicert-store" },
    { DCS_E_NOMEM, (char *)"out of memory" },
    { DCS_E_URI, (char *)"malformed digicert: URI" },
    { DCS_E_CONFIG, (char *)"configuration of digicert-store" },
    { DCS_E_INPUT, (char *)"unusable input" },
    { DCS_E_NOT_FOUND, (char *)"no such order or certificate" },
    { DCS_E_NO_KEY, (char *)"the private key is not here" },
    { DCS_E_KEY_FILE, (char *)"the private key file may not be used" },
    { DCS_E_DENIED, (char *)"the CA denies the API key" },
    { DCS_E_REFUSED, (char *)"the CA refuses the request" },
    { DCS_E_PENDING, (char *)"pending at the CA" },
    { DCS_E_AWAY, (char *)"the CA's service is away" },
    { DCS_E_LIMIT, (char *)"over a request limit" },
    { DCS_E_READER, (char *)"not cached, and this process may only read" },
    { DCS_E_STATE, (char *)"state directory" },
    { DCS_E_TIMEOUT, (char *)"waited for another process" },
    { DCS_E_REJECTED, (char *)"what the CA sent was set aside" },
    { DCS_E_POLICY, (char *)"refused by policy" },
    { DCS_E_ENDED, (char *)"the order ended without a certificate" },
    { 0, NULL },
};

static void vraise(const struct provider *provider, uint32_t reason, const char *where,
                   const char *format, ...) DCS_PRINTF(4, 5);

static void vraise(const struct provider *provider, uint32_t reason, const char *where,
                   const char *format, ...)
{
    va_list args;

    if (!provider->new_error || !provider->vset_error)
        return;
    provider->new_error(provider->handle);
    if (provider->set_error_debug)
        provider->set_error_debug(provider->handle, "digicert", 0, where);
    va_start(args, format);
    provider->vset_error(provider->handle, reason, format, args);
    va_end(args);
}

void provider_raise(const struct provider *provider, const struct dcs_err *err, const char *where)
{
    uint32_t reason = err->code ? (uint32_t)err->code : DCS_E_BUG;

    if (err->hint[0])
        vraise(provider, reason, where, "%s; hint: %s", err->text, err->hint);
    else
        vraise(provider, reason, where, "%s", err->text);
}
