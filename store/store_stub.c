// SPDX-License-Identifier: Apache-2.0
/*
 * store_stub.c - the key behind a key stub, and the stub of an order. Anybody can hand a stub to a
 * program that parses keys, so it opens what is cached here and allowed, and asks nobody.
 */
#include <string.h>

#include "model/stub.h"
#include "store_show.h"

static bool may_be_stubbed(struct dcs_store *store, int64_t id, struct dcs_err *err)
{
    dcs_auto(dcs_order) struct dcs_order *order = NULL;
    struct dcs_order_settings settings;
    struct job job;

    if (!dcs_job_begin(store, &job, err))
        return false;
    dcs_show_read_order(&job, id, &order, &settings);
    dcs_job_end(&job);
    if (settings.stub)
        return true;
    dcs_fail(err, DCS_E_POLICY, "order %lld: key stubs are not allowed for it", (long long)id);
    return dcs_hint(err, "set stub = yes in [order/%lld]", (long long)id);
}

bool dcs_store_stub_key(struct dcs_store *store, const struct dcs_uri *uri, struct dcs_key *ret_key,
                        struct dcs_err *err)
{
    dcs_auto(dcs_bundle) struct dcs_bundle *bundle = NULL;

    if (uri->kind == DCS_URI_ORDER && !may_be_stubbed(store, uri->id, err))
        return false;
    return dcs_store_open_cached(store, uri, &bundle, err) &&
           (uri->kind == DCS_URI_ORDER || may_be_stubbed(store, dcs_bundle_order(bundle), err)) &&
           dcs_store_key(store, bundle, ret_key, err);
}

bool dcs_store_stub(struct dcs_store *store, const struct dcs_uri *uri, bool pinned,
                    struct dcs_buf *ret_pem, struct dcs_err *err)
{
    dcs_auto(dcs_bundle) struct dcs_bundle *bundle = NULL;
    dcs_auto(dcs_key) struct dcs_key key = { 0 };
    struct dcs_uri pin = *uri;

    /* Not asked of a stub that only names an order: it may be written before the first load. */
    if (uri->kind == DCS_URI_ORDER && !may_be_stubbed(store, uri->id, err))
        return false;
    if (pinned || uri->kind == DCS_URI_NAME) {
        if (!dcs_store_open_cached(store, uri, &bundle, err) ||
            !may_be_stubbed(store, dcs_bundle_order(bundle), err) ||
            !dcs_store_key(store, bundle, &key, err))
            return false;
    }
    if (pinned) {
        pin.has_spki = true;
        memcpy(pin.spki_sha256, dcs_bundle_facts(bundle)->leaf.spki_sha256,
               sizeof(pin.spki_sha256));
    }
    return dcs_stub_write(&pin, ret_pem, err);
}
