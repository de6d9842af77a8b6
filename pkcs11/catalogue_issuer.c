// SPDX-License-Identifier: Apache-2.0
/* catalogue_issuer.c - the few issuers that many orders share; roots are left out. */
#include <stdlib.h>
#include <string.h>

#include "catalogue_parts.h"

enum { ISSUERS_MAX = 4096 };

void issuer_free(struct issuer *issuer)
{
    if (!issuer)
        return;
    free((void *)issuer->der.data);
    free(issuer);
}

static bool is_known(const struct catalogue *catalogue, struct dcs_bytes der)
{
    for (size_t i = 0; i < catalogue->issuer_count; i++)
        if (catalogue->issuers[i]->der.len == der.len &&
            memcmp(catalogue->issuers[i]->der.data, der.data, der.len) == 0)
            return true;
    return false;
}

static struct issuer *make_issuer(struct dcs_bytes der)
{
    dcs_auto(dcs_cert) struct dcs_cert *parsed = NULL;
    struct issuer *issuer = calloc(1, sizeof(*issuer));
    uint8_t *copy = malloc(der.len);

    if (issuer && copy && dcs_cert_parse(der.data, der.len, &parsed, NULL)) {
        memcpy(copy, der.data, der.len);
        issuer->der = (struct dcs_bytes){ copy, der.len };
        memcpy(issuer->ckaid, dcs_cert_info(parsed)->ckaid, DCS_SHA1_LEN);
        memcpy(issuer->label, dcs_cert_info(parsed)->common_name, sizeof(issuer->label));
        if (der_cert_read(issuer->der, &issuer->cert))
            return issuer;
    }
    free(copy);
    free(issuer);
    return NULL;
}

/* Roots make no statement here, and a chain is sent without them. */
static bool is_root(struct dcs_bytes der)
{
    struct der_cert cert;

    return !der_cert_read(der, &cert) ||
           (cert.issuer.len == cert.subject.len &&
            memcmp(cert.issuer.data, cert.subject.data, cert.issuer.len) == 0);
}

static void add_issuer(struct cryptoki *c, struct dcs_bytes der)
{
    struct catalogue *catalogue = c->catalogue;

    if (is_known(catalogue, der) || catalogue->issuer_count == ISSUERS_MAX || is_root(der))
        return;
    cryptoki_pause();
    struct issuer *issuer = make_issuer(der);
    cryptoki_resume();
    if (!issuer || is_known(catalogue, der)) {
        issuer_free(issuer);
        return;
    }
    struct issuer **more =
        realloc(catalogue->issuers, (catalogue->issuer_count + 1) * sizeof(struct issuer *));
    if (more)
        catalogue->issuers = more;
    issuer->base = more ? catalogue_give_handle(catalogue, NULL, issuer) : 0;
    if (issuer->base == 0) {
        issuer_free(issuer);
        return;
    }
    catalogue->issuers[catalogue->issuer_count++] = issuer;
}

void catalogue_add_issuers(struct cryptoki *c, const struct dcs_bundle *bundle)
{
    for (size_t i = 0; i < dcs_bundle_chain_count(bundle); i++)
        add_issuer(c, dcs_bundle_chain(bundle, i));
}
