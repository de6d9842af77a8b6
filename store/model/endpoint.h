/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint.h - tls://HOST:PORT?sni=NAME, where a delivered certificate must show up. */
#ifndef DCS_MODEL_ENDPOINT_H
#define DCS_MODEL_ENDPOINT_H

#include "base/mem.h"

struct dcs_endpoint {
    char host[256]; /* a name or an address, without the brackets of IPv6 */
    char port[6];   /* "443" */
    char sni[256];  /* host when it is a name and ?sni= does not say otherwise, "" for an address */
};
/* False: not of that form. */
bool dcs_endpoint_parse(const char *text, struct dcs_endpoint *ret_endpoint) DCS_CHECKED;

#endif
