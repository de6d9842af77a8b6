// SPDX-License-Identifier: Apache-2.0
/* product.c - the table of products (facts 7) with the policy each certificate names. */
#include "product.h"

#include <string.h>

#define DV "2.23.140.1.2.1"
#define OV "2.23.140.1.2.2"
#define EV "2.23.140.1.1"
#define SSL "ssl_certificate"
#define DV_SSL "dv_ssl_certificate"

static const struct sb_product products[] = {
    { "ssl_basic", "Basic OV", SSL, "ov", OV, SB_KIND_TLS },
    { "ssl_securesite", "Secure Site", SSL, "ov", OV, SB_KIND_TLS },
    { "ssl_securesite_flex", "Secure Site OV", SSL, "ov", OV, SB_KIND_TLS },
    { "ssl_securesite_pro", "Secure Site Pro", SSL, "ov", OV, SB_KIND_TLS },
    { "ssl_geotrust_truebizid", "GeoTrust TrueBusiness ID OV", SSL, "ov", OV, SB_KIND_TLS },
    { "ssl_plus", "Standard SSL", SSL, "ov", OV, SB_KIND_TLS },
    { "ssl_multi_domain", "Multi-Domain SSL", SSL, "ov", OV, SB_KIND_TLS },
    { "ssl_wildcard", "Wildcard", SSL, "ov", OV, SB_KIND_TLS },
    { "ssl_ev_basic", "Basic EV", SSL, "ev", EV, SB_KIND_TLS },
    { "ssl_ev_securesite_flex", "Secure Site EV", SSL, "ev", EV, SB_KIND_TLS },
    { "ssl_ev_securesite_pro", "Secure Site Pro EV", SSL, "ev", EV, SB_KIND_TLS },
    { "ssl_ev_plus", "Extended Validation SSL", SSL, "ev", EV, SB_KIND_TLS },
    { "ssl_ev_multi_domain", "EV Multi-Domain", SSL, "ev", EV, SB_KIND_TLS },
    { "ssl_dv_geotrust_flex", "GeoTrust DV", DV_SSL, "dv", DV, SB_KIND_TLS },
    { "ssl_dv_geotrust", "GeoTrust Standard DV", DV_SSL, "dv", DV, SB_KIND_TLS },
    { "ssl_dv_rapidssl", "RapidSSL Standard DV", DV_SSL, "dv", DV, SB_KIND_TLS },
    { "wildcard_dv_geotrust", "GeoTrust Wildcard DV", DV_SSL, "dv", DV, SB_KIND_TLS },
    { "wildcard_dv_rapidssl", "RapidSSL Wildcard DV", DV_SSL, "dv", DV, SB_KIND_TLS },
    { "cloud_dv_geotrust", "GeoTrust Cloud DV", DV_SSL, "dv", DV, SB_KIND_TLS },
    { "private_ssl_plus", "Private SSL", SSL, "ov", NULL, SB_KIND_PRIVATE_TLS },
    { "private_ssl_wildcard", "Private Wildcard", SSL, "ov", NULL, SB_KIND_PRIVATE_TLS },
    { "secure_email_mailbox", "Secure Email", "secure_email_certificate", "ov", NULL,
      SB_KIND_EMAIL },
    { "client_premium_sha2", "Premium", "client_certificate", "ov", NULL, SB_KIND_EMAIL },
    { "code_signing", "Code Signing", "code_signing_certificate", "ov", NULL, SB_KIND_CODE },
    { "document_signing_org_1", "Document Signing", "document_signing_certificate", "ov", NULL,
      SB_KIND_EMAIL },
};

const struct sb_product *sb_product_named(const char *name_id)
{
    for (size_t i = 0; i < SB_COUNT(products); i++)
        if (strcmp(products[i].name_id, name_id) == 0)
            return &products[i];
    return NULL;
}

const struct sb_product *sb_product_at(size_t index)
{
    return index < SB_COUNT(products) ? &products[index] : NULL;
}

bool sb_product_is_dv(const struct sb_product *product)
{
    return strcmp(product->validation, "dv") == 0;
}

bool sb_product_is_tls(const struct sb_product *product)
{
    return product->kind == SB_KIND_TLS || product->kind == SB_KIND_PRIVATE_TLS;
}

bool sb_product_is_public(const struct sb_product *product)
{
    return product->kind == SB_KIND_TLS;
}
