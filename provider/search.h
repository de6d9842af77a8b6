/* SPDX-License-Identifier: Apache-2.0 */
/*
 * search.h - the certificates and CRLs of local orders that meet search criteria, for the listing.
 * They come from memory or disk, never from the network: searches run inside handshakes.
 */
#ifndef DCS_PROVIDER_SEARCH_H
#define DCS_PROVIDER_SEARCH_H

#include "criteria.h"
#include "object.h"

struct found;

struct search {
    struct found *found;
    size_t count, next;
};

/* ask: of enum dcs_type. */
bool search_local(struct search *search, const struct provider *provider,
                  const struct criteria *criteria, unsigned ask, struct dcs_err *err);
bool search_ended(const struct search *search);
/* Hands on the next one; what the sink says. */
int search_give(struct search *search, const struct object_sink *sink);
void search_clear(struct search *search);

#endif
