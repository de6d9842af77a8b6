// SPDX-License-Identifier: Apache-2.0
/*
 * loader.c - the OSSL_STORE loader for digicert: URIs. open() resolves and may wait for the CA;
 * load() delivers one object a call. load() never fails without reaching the end, because nginx,
 * stunnel and others ask again for ever (facts/openssl-store.md 1.5).
 */
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/store.h>
#include <stdlib.h>
#include <string.h>

#include "criteria.h"
#include "object.h"
#include "pair.h"
#include "provider.h"
#include "search.h"

enum stage { STAGE_CERTS = 0, STAGE_KEY, STAGE_PUBLIC, STAGE_CRL, STAGE_END };

struct loader {
    const struct provider *provider;
    struct dcs_uri uri;
    int expect;
    struct criteria criteria;
    struct dcs_bundle *bundle;  /* what serves; `current`'s until settled */
    struct dcs_bundle *adopted; /* what this thread was given before, when it is another one */
    struct dcs_buf crl;
    bool crl_loaded;
    bool settled;
    struct dcs_err pending; /* the next load() raises it: errors are looked for there */
    bool fatal;             /* raised: the end */
    unsigned ask;
    bool key_is_wanted; /* asked for by name: its absence is an error */
    enum stage stage;
    size_t next_cert; /* 0 the leaf */
    struct dcs_listing *listing;
    struct dcs_entry entry;
    bool has_entry;
    struct search search; /* what met the criteria, for a listing */
};

static bool is_listing(const struct loader *loader)
{
    return loader->uri.kind == DCS_URI_LIST;
}

static void loader_free(struct loader *loader)
{
    if (!loader)
        return;
    search_clear(&loader->search);
    dcs_listing_free(loader->listing);
    dcs_bundle_unref(loader->bundle);
    dcs_bundle_unref(loader->adopted);
    dcs_buf_clear(&loader->crl);
    criteria_clear(&loader->criteria);
    free(loader);
}

static void loader_drop(struct loader **loader)
{
    loader_free(*loader);
    *loader = NULL;
}

/* The one way in which load() fails: what is pending is raised, and then comes the end. */
static int give_up(struct loader *loader)
{
    loader->fatal = true;
    provider_raise(loader->provider, &loader->pending, "load");
    return 0;
}

/* ---- open and close ---- */

/* Pins and certificate/ID neither use nor change the memory of pairs. */
static bool uses_pairs(const struct loader *loader)
{
    return !is_listing(loader) && loader->uri.kind != DCS_URI_CERTIFICATE &&
           !loader->uri.has_spki && !loader->uri.serial[0];
}

/* The generation that this thread was given before is opened too, from disk or memory. */
static void open_adopted(struct loader *loader)
{
    int64_t order = dcs_bundle_order(loader->bundle);
    const char *serial = pair_adopted(loader->provider, order);
    struct dcs_uri uri = { .kind = DCS_URI_ORDER, .id = order, .types = DCS_TYPE_DEFAULT };

    if (!*serial || strcmp(serial, dcs_bundle_facts(loader->bundle)->leaf.serial) == 0)
        return;
    memcpy(uri.serial, serial, strlen(serial) + 1);
    if (!dcs_store_open_cached(loader->provider->store, &uri, &loader->adopted, NULL))
        loader->adopted = NULL; /* pruned meanwhile: `current` serves */
}

static bool load_crl(struct loader *loader, bool cached_only, struct dcs_err *err)
{
    if (loader->crl_loaded)
        return true;
    loader->crl_loaded = true;
    return dcs_store_crl(loader->provider->store, loader->bundle, cached_only, &loader->crl, err);
}

static bool open_uri(struct loader *loader, struct dcs_err *err)
{
    bool key_only = loader->uri.types_given && loader->uri.types == DCS_TYPE_KEY;

    if (is_listing(loader))
        return dcs_store_list(loader->provider->store, loader->uri.scope, &loader->listing, err);
    if (!dcs_store_open(loader->provider->store, &loader->uri, key_only, &loader->bundle, err))
        return false;
    if (uses_pairs(loader))
        open_adopted(loader);
    return !(loader->uri.types & DCS_TYPE_CRL) || load_crl(loader, false, err);
}

static void *loader_open(void *provctx, const char *uri)
{
    const struct provider *provider = provctx;
    dcs_auto(loader) struct loader *loader = calloc(1, sizeof(*loader));
    struct dcs_err err = { 0 };

    if (!loader)
        return NULL;
    loader->provider = provider;
    if (!dcs_uri_parse(uri, &loader->uri, &err) || !open_uri(loader, &err)) {
        provider_raise(provider, &err, "open");
        return NULL;
    }
    return dcs_steal(&loader);
}

/* Without it OSSL_STORE_attach() calls NULL on 3.0 (facts, 1.1). */
static void *loader_attach(void *provctx, OSSL_CORE_BIO *bio)
{
    struct dcs_err err = { 0 };

    (void)bio;
    dcs_fail(&err, DCS_E_URI, "digicert: objects cannot be read from a stream");
    provider_raise(provctx, &err, "attach");
    return NULL;
}

static int loader_close(void *context)
{
    loader_free(context);
    return 1;
}

/* ---- parameters ---- */

static const OSSL_PARAM *loader_settable(void *provctx)
{
    static const OSSL_PARAM table[] = {
        OSSL_PARAM_int(OSSL_STORE_PARAM_EXPECT, NULL),
        OSSL_PARAM_octet_string(OSSL_STORE_PARAM_SUBJECT, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_STORE_PARAM_ISSUER, NULL, 0),
        OSSL_PARAM_BN(OSSL_STORE_PARAM_SERIAL, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_STORE_PARAM_DIGEST, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_STORE_PARAM_FINGERPRINT, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_STORE_PARAM_ALIAS, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_STORE_PARAM_PROPERTIES, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_STORE_PARAM_INPUT_TYPE, NULL, 0),
        OSSL_PARAM_END,
    };

    (void)provctx; /* NULL when asked through OpenSSL 4.0's loader object */
    return table;
}

static int loader_set_params(void *context, const OSSL_PARAM params[])
{
    struct loader *loader = context;

    if (!params)
        return 1;
    const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, OSSL_STORE_PARAM_EXPECT);
    /* Never 0: OSSL_STORE_open_ex() of 3.0 then hands out a context without a loader, and its user
     * crashes; by_store.c does not look, and would be given what the criterion was to keep away. */
    if ((p && !OSSL_PARAM_get_int(p, &loader->expect)) || !criteria_set(&loader->criteria, params))
        dcs_fail(&loader->pending, DCS_E_INPUT,
                 "a search criterion or an expected type is malformed or too long");
    return 1;
}

/* ---- what is asked ---- */

/* type= and expect together; what the URI does not say, expect says. */
static unsigned ask_of(const struct loader *loader)
{
    static const struct {
        int expect;
        unsigned allowed, otherwise;
    } rows[] = {
        { OSSL_STORE_INFO_CERT, DCS_TYPE_CHAIN, DCS_TYPE_CHAIN },
        { OSSL_STORE_INFO_PKEY, DCS_TYPE_KEY, DCS_TYPE_KEY },
        { OSSL_STORE_INFO_PUBKEY, DCS_TYPE_PUBLIC, DCS_TYPE_PUBLIC },
        { OSSL_STORE_INFO_CRL, DCS_TYPE_CRL, DCS_TYPE_CRL },
    };

    if (loader->expect == 0)
        return loader->uri.types;
    for (size_t i = 0; i < DCS_COUNT(rows); i++)
        if (rows[i].expect == loader->expect)
            return loader->uri.types_given ? loader->uri.types & rows[i].allowed
                                           : rows[i].otherwise;
    return 0; /* names, parameters: there are none */
}

/* ---- one order's objects ---- */

static struct dcs_bytes cert_at(const struct dcs_bundle *bundle, size_t index)
{
    return index == 0 ? dcs_bundle_leaf(bundle) : dcs_bundle_chain(bundle, index - 1);
}

static bool wants_cert(const struct loader *loader, size_t index)
{
    if (!(loader->ask & (index == 0 ? DCS_TYPE_CERT : DCS_TYPE_CA)))
        return false;
    return !loader->criteria.given ||
           criteria_meet_cert(&loader->criteria, loader->bundle, cert_at(loader->bundle, index),
                              index == 0);
}

static struct dcs_bytes crl_of(const struct loader *loader)
{
    return (struct dcs_bytes){ (const uint8_t *)loader->crl.data, loader->crl.len };
}

static bool wants_stage(struct loader *loader)
{
    switch (loader->stage) {
    case STAGE_CERTS:
        while (loader->next_cert <= dcs_bundle_chain_count(loader->bundle)) {
            if (wants_cert(loader, loader->next_cert))
                return true;
            loader->next_cert++;
        }
        return false;
    case STAGE_KEY:
        return loader->ask & DCS_TYPE_KEY &&
               (dcs_bundle_has_key(loader->bundle) || loader->key_is_wanted);
    case STAGE_PUBLIC:
        return loader->ask & DCS_TYPE_PUBLIC;
    case STAGE_CRL:
        return loader->ask & DCS_TYPE_CRL && loader->crl.len &&
               (!loader->criteria.given || criteria_meet_crl(&loader->criteria, crl_of(loader)));
    case STAGE_END:
        return true;
    }
    return true;
}

/* Moves on to what is wanted, so that eof() tells the truth before load() is called. */
static void skip_unwanted(struct loader *loader)
{
    while (!is_listing(loader) && loader->stage != STAGE_END && !wants_stage(loader))
        loader->stage++;
}

static bool settle(struct loader *loader, struct dcs_err *err)
{
    loader->ask = ask_of(loader);
    if (loader->criteria.given)
        loader->ask &= DCS_TYPE_CHAIN | DCS_TYPE_CRL;
    else if (uses_pairs(loader) && loader->ask &&
             pair_settle(loader->provider, dcs_bundle_order(loader->bundle), loader->ask,
                         dcs_bundle_facts(loader->bundle)->leaf.serial) &&
             loader->adopted) {
        dcs_bundle_unref(loader->bundle);
        loader->bundle = dcs_steal(&loader->adopted);
    }
    loader->key_is_wanted = loader->uri.types_given || loader->expect == OSSL_STORE_INFO_PKEY;
    if (loader->ask & DCS_TYPE_CRL && !load_crl(loader, loader->criteria.given, err)) {
        if (!loader->criteria.given)
            return false;
        loader->ask &= ~(unsigned)DCS_TYPE_CRL; /* inside a handshake: what is there is served */
    }
    skip_unwanted(loader);
    return true;
}

static int give_key(struct loader *loader, const struct object_sink *sink, struct dcs_err *err)
{
    dcs_auto(dcs_key) struct dcs_key key = { 0 };

    return dcs_store_key(loader->provider->store, loader->bundle, &key, err) &&
           object_key(sink, &key, err);
}

static int give_public(struct loader *loader, const struct object_sink *sink, struct dcs_err *err)
{
    dcs_auto(dcs_cert) struct dcs_cert *cert = NULL;
    struct dcs_bytes leaf = dcs_bundle_leaf(loader->bundle);

    return dcs_cert_parse(leaf.data, leaf.len, &cert, err) &&
           object_public(sink, dcs_cert_spki(cert));
}

static int give_stage(struct loader *loader, const struct object_sink *sink, struct dcs_err *err)
{
    switch (loader->stage) {
    case STAGE_CERTS:
        return object_cert(sink, cert_at(loader->bundle, loader->next_cert++));
    case STAGE_KEY:
        loader->stage++;
        return give_key(loader, sink, err);
    case STAGE_PUBLIC:
        loader->stage++;
        return give_public(loader, sink, err);
    case STAGE_CRL:
        loader->stage++;
        return object_crl(sink, crl_of(loader));
    case STAGE_END:
        break;
    }
    return 0;
}

static int load_order(struct loader *loader, const struct object_sink *sink)
{
    struct dcs_err *err = &loader->pending;

    if (loader->stage == STAGE_END)
        return 0;
    if (give_stage(loader, sink, err)) {
        skip_unwanted(loader);
        return 1;
    }
    if (err->code == DCS_E_NONE)
        dcs_fail(err, DCS_E_BUG, "OpenSSL did not take an object of order %lld",
                 (long long)dcs_bundle_order(loader->bundle));
    return give_up(loader);
}

/* ---- listings ---- */

static bool next_entry(struct loader *loader, struct dcs_err *err)
{
    bool done = false;

    if (!dcs_listing_next(loader->listing, &loader->entry, &done, err))
        return false;
    loader->has_entry = !done;
    return true;
}

static int load_listing(struct loader *loader, const struct object_sink *sink)
{
    int taken;

    if (loader->criteria.given) {
        if (search_ended(&loader->search))
            return 0;
        taken = search_give(&loader->search, sink);
    } else {
        if (!loader->has_entry)
            return 0;
        taken = object_name(sink, &loader->entry);
        if (taken)
            (void)next_entry(loader, &loader->pending); /* this one was delivered */
    }
    if (taken)
        return 1;
    dcs_fail(&loader->pending, DCS_E_BUG, "OpenSSL did not take an object of the listing");
    return give_up(loader);
}

/* ---- load and eof ---- */

static bool settle_listing(struct loader *loader, struct dcs_err *err)
{
    unsigned ask = ask_of(loader);

    if (!loader->criteria.given)
        return next_entry(loader, err);
    if (loader->expect == 0)
        ask |= DCS_TYPE_CRL; /* whoever searches an issuer may want either */
    return search_local(&loader->search, loader->provider, &loader->criteria, ask, err);
}

static bool settle_now(struct loader *loader)
{
    struct dcs_err err = { 0 };

    loader->settled = true;
    bool good = is_listing(loader) ? settle_listing(loader, &err) : settle(loader, &err);
    if (!good)
        loader->pending = err;
    return good;
}

/* Once, at the first question after open. What fails waits for load(). */
static bool settle_once(struct loader *loader)
{
    if (loader->pending.code != DCS_E_NONE)
        return false;
    return loader->settled || settle_now(loader);
}

static int loader_eof(void *context)
{
    struct loader *loader = context;

    if (loader->fatal)
        return 1;
    /* Not the end: OSSL_STORE_load() asks here first, and an error raised here looks like none. */
    if (!settle_once(loader))
        return 0;
    if (!is_listing(loader))
        return loader->stage == STAGE_END;
    return loader->criteria.given ? search_ended(&loader->search) : !loader->has_entry;
}

static int loader_load(void *context, OSSL_CALLBACK *object_cb, void *object_cbarg,
                       OSSL_PASSPHRASE_CALLBACK *pw_cb, void *pw_cbarg)
{
    struct loader *loader = context;
    const struct object_sink sink = { object_cb, object_cbarg };

    (void)pw_cb;
    (void)pw_cbarg;
    if (loader->fatal)
        return 0;
    if (!settle_once(loader))
        return give_up(loader);
    return is_listing(loader) ? load_listing(loader, &sink) : load_order(loader, &sink);
}

const OSSL_DISPATCH provider_loader_functions[] = {
    { OSSL_FUNC_STORE_OPEN, (void (*)(void))loader_open },
    { OSSL_FUNC_STORE_ATTACH, (void (*)(void))loader_attach },
    { OSSL_FUNC_STORE_SETTABLE_CTX_PARAMS, (void (*)(void))loader_settable },
    { OSSL_FUNC_STORE_SET_CTX_PARAMS, (void (*)(void))loader_set_params },
    { OSSL_FUNC_STORE_LOAD, (void (*)(void))loader_load },
    { OSSL_FUNC_STORE_EOF, (void (*)(void))loader_eof },
    { OSSL_FUNC_STORE_CLOSE, (void (*)(void))loader_close },
    { 0, NULL },
};
