// SPDX-License-Identifier: Apache-2.0
/* bundle.c - a generation in memory; never changes once made, never holds a private key. */
#include "model/bundle.h"

#include <stdatomic.h>
#include <stdlib.h>

struct dcs_bundle {
    atomic_uint refs;
    atomic_uint_fast64_t *key_checked; /* through a pointer: everything else is constant */
    struct dcs_bundle_parts parts;
    atomic_uint_fast64_t key_stamp;
};

static void clear_parts(struct dcs_bundle_parts *parts)
{
    dcs_facts_free(parts->facts);
    dcs_buf_clear(&parts->certs);
    parts->facts = NULL;
}

bool dcs_bundle_new(struct dcs_bundle_parts *parts, struct dcs_bundle **ret_bundle,
                    struct dcs_err *err)
{
    struct dcs_bundle *bundle = dcs_alloc(1, sizeof(*bundle), err);

    if (!bundle || !parts->facts || parts->cert_count == 0 ||
        parts->cert_count > DCS_CHAIN_MAX + 1) {
        if (bundle)
            dcs_fail(err, DCS_E_BUG, "a bundle needs a leaf and its facts");
        free(bundle);
        clear_parts(parts);
        return false;
    }
    atomic_init(&bundle->refs, 1);
    atomic_init(&bundle->key_stamp, 0);
    bundle->key_checked = &bundle->key_stamp;
    bundle->parts = *parts;
    parts->facts = NULL;
    parts->certs = (struct dcs_buf){ 0 };
    *ret_bundle = bundle;
    return true;
}

struct dcs_bundle *dcs_bundle_ref(struct dcs_bundle *bundle)
{
    if (bundle)
        atomic_fetch_add_explicit(&bundle->refs, 1, memory_order_relaxed);
    return bundle;
}

void dcs_bundle_unref(struct dcs_bundle *bundle)
{
    if (!bundle || atomic_fetch_sub_explicit(&bundle->refs, 1, memory_order_acq_rel) != 1)
        return;
    clear_parts(&bundle->parts);
    free(bundle);
}

void dcs_bundle_drop(struct dcs_bundle **bundle)
{
    dcs_bundle_unref(*bundle);
    *bundle = NULL;
}

const struct dcs_facts *dcs_bundle_facts(const struct dcs_bundle *bundle)
{
    return bundle->parts.facts;
}

const char *dcs_bundle_dir(const struct dcs_bundle *bundle)
{
    return bundle->parts.dir;
}

int dcs_bundle_generation(const struct dcs_bundle *bundle)
{
    return bundle->parts.generation;
}

int64_t dcs_bundle_order(const struct dcs_bundle *bundle)
{
    return bundle->parts.facts->order_id;
}

bool dcs_bundle_has_key(const struct dcs_bundle *bundle)
{
    return bundle->parts.has_key;
}

bool dcs_bundle_key_was_checked(const struct dcs_bundle *bundle, uint64_t stamp)
{
    return stamp != 0 && atomic_load_explicit(bundle->key_checked, memory_order_relaxed) == stamp;
}

void dcs_bundle_note_key_checked(const struct dcs_bundle *bundle, uint64_t stamp)
{
    atomic_store_explicit(bundle->key_checked, stamp, memory_order_relaxed);
}

static struct dcs_bytes cert_at(const struct dcs_bundle *bundle, size_t index)
{
    const size_t *offsets = bundle->parts.offsets;

    if (index >= bundle->parts.cert_count)
        return (struct dcs_bytes){ NULL, 0 };
    return (struct dcs_bytes){ (const uint8_t *)bundle->parts.certs.data + offsets[index],
                               offsets[index + 1] - offsets[index] };
}

struct dcs_bytes dcs_bundle_leaf(const struct dcs_bundle *bundle)
{
    return cert_at(bundle, 0);
}

size_t dcs_bundle_chain_count(const struct dcs_bundle *bundle)
{
    return bundle->parts.cert_count - 1;
}

struct dcs_bytes dcs_bundle_chain(const struct dcs_bundle *bundle, size_t index)
{
    return cert_at(bundle, index + 1);
}
