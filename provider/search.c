// SPDX-License-Identifier: Apache-2.0
/* search.c - walks the local orders once and keeps what meets the criteria; opens no socket. */
#include "search.h"

#include <stdlib.h>
#include <string.h>

enum { FOUND_MAX = 256 };

struct found {
    struct dcs_buf der;
    bool is_crl;
};

static bool keep_found(struct search *search, struct dcs_bytes der, bool is_crl)
{
    for (size_t i = 0; i < search->count; i++)
        if (search->found[i].der.len == der.len &&
            memcmp(search->found[i].der.data, der.data, der.len) == 0)
            return true; /* orders share their issuers */
    if (!search->found)
        search->found = calloc(FOUND_MAX, sizeof(*search->found));
    if (!search->found || search->count == FOUND_MAX)
        return false;
    struct found *found = &search->found[search->count];
    found->is_crl = is_crl;
    found->der.max = der.len;
    dcs_buf_add(&found->der, der.data, der.len);
    if (found->der.failed)
        return false;
    search->count++;
    return true;
}

static void search_order(struct search *search, const struct provider *provider,
                         const struct criteria *criteria, int64_t order, unsigned ask)
{
    dcs_auto(dcs_bundle) struct dcs_bundle *bundle = NULL;
    dcs_auto(dcs_buf) struct dcs_buf crl = { 0 };
    struct dcs_uri uri = { .kind = DCS_URI_ORDER, .id = order, .types = DCS_TYPE_DEFAULT };

    if (!dcs_store_open_cached(provider->store, &uri, &bundle, NULL))
        return;
    for (size_t i = 0; i <= dcs_bundle_chain_count(bundle); i++) {
        struct dcs_bytes cert = i ? dcs_bundle_chain(bundle, i - 1) : dcs_bundle_leaf(bundle);
        if (ask & (i == 0 ? DCS_TYPE_CERT : DCS_TYPE_CA) &&
            criteria_meet_cert(criteria, bundle, cert, i == 0) && !keep_found(search, cert, false))
            return;
    }
    if (!(ask & DCS_TYPE_CRL) || !(criteria->subject.len || criteria->issuer.len) ||
        !dcs_store_crl(provider->store, bundle, true, &crl, NULL) || crl.len == 0)
        return;
    struct dcs_bytes der = { (const uint8_t *)crl.data, crl.len };
    if (criteria_meet_crl(criteria, der))
        (void)keep_found(search, der, true);
}

bool search_local(struct search *search, const struct provider *provider,
                  const struct criteria *criteria, unsigned ask, struct dcs_err *err)
{
    dcs_auto(dcs_listing) struct dcs_listing *local = NULL;
    struct dcs_entry entry;
    bool done = false;
    bool good = false;

    if (!dcs_store_list(provider->store, DCS_SCOPE_LOCAL, &local, err))
        return false;
    while ((good = dcs_listing_next(local, &entry, &done, err)) && !done)
        search_order(search, provider, criteria, entry.order_id, ask);
    return good;
}

bool search_ended(const struct search *search)
{
    return search->next == search->count;
}

int search_give(struct search *search, const struct object_sink *sink)
{
    const struct found *found = &search->found[search->next++];
    struct dcs_bytes der = { (const uint8_t *)found->der.data, found->der.len };

    return found->is_crl ? object_crl(sink, der) : object_cert(sink, der);
}

void search_clear(struct search *search)
{
    for (size_t i = 0; i < search->count; i++)
        dcs_buf_clear(&search->found[i].der);
    free(search->found);
    *search = (struct search){ 0 };
}
