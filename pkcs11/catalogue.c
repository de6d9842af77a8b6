// SPDX-License-Identifier: Apache-2.0
/*
 * catalogue.c - keeps what handles mean and which generation an order serves. Believes the store about
 * that, each time; never reads a file with the mutex held.
 */
#include "catalogue.h"

#include <stdlib.h>
#include <string.h>

#include "catalogue_parts.h"
#include "key.h"

enum { KIND_BITS = 3, SCAN_AGAIN_MS = 10000, LOOK_AGAIN_MS = 1000 };

/* In this process, since ever; those below are of fixed objects. */
static CK_OBJECT_HANDLE given = 1 << 16;

static size_t bucket_of_order(int64_t order)
{
    return (uint64_t)order * 0x9E3779B97F4A7C15u >> 52;
}

static size_t bucket_of_id(const uint8_t *id)
{
    return (size_t)(id[0] << 8 | id[1]) % BUCKETS;
}

bool catalogue_new(struct catalogue **ret_catalogue)
{
    struct catalogue *catalogue = calloc(1, sizeof(*catalogue));

    if (!catalogue)
        return false;
    catalogue->first = given + 1;
    *ret_catalogue = catalogue;
    return true;
}

void catalogue_free(struct catalogue *catalogue)
{
    if (!catalogue)
        return;
    for (size_t i = 0; i < catalogue->count; i++) {
        struct generation *g = catalogue->entries[i].generation;
        if (g) {
            dcs_bundle_unref(g->bundle);
            key_unref(g->key);
            free(g);
        }
        issuer_free(catalogue->entries[i].issuer);
    }
    for (size_t b = 0; b < BUCKETS; b++) {
        while (catalogue->orders[b]) {
            struct shown *gone = catalogue->orders[b];
            catalogue->orders[b] = gone->next;
            free(gone);
        }
    }
    free(catalogue->issuers);
    free(catalogue->entries);
    free(catalogue);
}

/* ---- handles ---- */

CK_OBJECT_HANDLE catalogue_give_handle(struct catalogue *catalogue, struct generation *generation,
                                       struct issuer *issuer)
{
    if (catalogue->count == catalogue->room) {
        size_t room = catalogue->room ? 2 * catalogue->room : 64;
        struct entry *entries = realloc(catalogue->entries, room * sizeof(*entries));
        if (!entries)
            return 0;
        catalogue->entries = entries;
        catalogue->room = room;
    }
    if (catalogue->count == 0)
        catalogue->first = given + 1;
    if (catalogue->first + catalogue->count != given + 1)
        return 0; /* finalised meanwhile, and another one goes on counting */
    catalogue->entries[catalogue->count] = (struct entry){ generation, issuer };
    given = catalogue->first + catalogue->count++;
    return given << KIND_BITS;
}

bool catalogue_resolve(const struct cryptoki *c, CK_OBJECT_HANDLE handle,
                       enum object_kind *ret_kind, struct generation **ret_generation,
                       struct issuer **ret_issuer)
{
    const struct catalogue *catalogue = c->catalogue;
    CK_OBJECT_HANDLE at = (handle >> KIND_BITS) - catalogue->first;
    unsigned kind = handle & ((1u << KIND_BITS) - 1);

    if (handle >> KIND_BITS < catalogue->first || at >= catalogue->count)
        return false;
    const struct entry *entry = &catalogue->entries[at];
    bool fits =
        entry->issuer ? kind == OBJECT_ISSUER : kind >= OBJECT_CERT && kind <= OBJECT_PRIVATE;
    if (!fits)
        return false;
    *ret_kind = (enum object_kind)kind;
    *ret_generation = entry->generation;
    *ret_issuer = entry->issuer;
    return true;
}

size_t catalogue_issuer_count(const struct cryptoki *c)
{
    return c->catalogue->issuer_count;
}

struct issuer *catalogue_issuer(const struct cryptoki *c, size_t index)
{
    return c->catalogue->issuers[index];
}

struct generation *catalogue_with_id(struct cryptoki *c, const uint8_t ckaid[DCS_SHA1_LEN])
{
    struct generation *g = c->catalogue->ids[bucket_of_id(ckaid)];

    while (g && memcmp(g->ckaid, ckaid, DCS_SHA1_LEN) != 0)
        g = g->next_of_id;
    return g;
}

/* ---- generations ---- */

static void keep_bundle(struct catalogue *catalogue, struct generation *g,
                        struct dcs_bundle *bundle)
{
    struct generation **place = &catalogue->kept[catalogue->next_kept];

    if (g->bundle)
        return;
    if (*place) {
        dcs_bundle_unref((*place)->bundle);
        (*place)->bundle = NULL;
    }
    g->bundle = dcs_bundle_ref(bundle);
    *place = g;
    catalogue->next_kept = (catalogue->next_kept + 1) % BUNDLES_KEPT;
}

static struct generation *add_generation(struct catalogue *catalogue, struct shown *shown,
                                         const struct dcs_bundle *bundle)
{
    const struct dcs_cert_info *leaf = &dcs_bundle_facts(bundle)->leaf;
    struct generation *g = calloc(1, sizeof(*g));

    if (!g)
        return NULL;
    g->base = catalogue_give_handle(catalogue, g, NULL);
    if (g->base == 0) {
        free(g);
        return NULL;
    }
    g->order = shown->order;
    g->home = dcs_bundle_order(bundle);
    g->number = dcs_bundle_generation(bundle);
    memcpy(g->ckaid, leaf->ckaid, DCS_SHA1_LEN);
    g->kind = (uint8_t)leaf->key_kind;
    g->has_key = dcs_bundle_has_key(bundle);
    g->state = GENERATION_PREVIOUS;
    g->next_of_order = shown->generations;
    shown->generations = g;
    struct generation **bucket = &catalogue->ids[bucket_of_id(g->ckaid)];
    g->next_of_id = *bucket;
    *bucket = g;
    return g;
}

static struct generation *find_generation(const struct shown *shown,
                                          const struct dcs_bundle *bundle)
{
    struct generation *g = shown->generations;

    while (g && (g->home != dcs_bundle_order(bundle) || g->number != dcs_bundle_generation(bundle)))
        g = g->next_of_order;
    return g;
}

/* The record of the order; made when it is missing and a bundle is there to be shown. */
static struct shown *shown_of(struct catalogue *catalogue, int64_t order, bool make)
{
    struct shown **bucket = &catalogue->orders[bucket_of_order(order)];
    struct shown *shown = *bucket;

    while (shown && shown->order != order)
        shown = shown->next;
    if (shown || !make)
        return shown;
    shown = calloc(1, sizeof(*shown));
    if (shown) {
        shown->order = order;
        shown->next = *bucket;
        *bucket = shown;
    }
    return shown;
}

/* The private key of a renewed certificate keeps its handle: the object is the key's. */
static void take_bundle(struct cryptoki *c, struct shown *shown, const struct dcs_look *look)
{
    struct generation *g = find_generation(shown, look->bundle);

    if (!g)
        g = add_generation(c->catalogue, shown, look->bundle);
    if (!g)
        return;
    size_t slot = slot_named(c, look->token);
    g->slot = (uint8_t)slot; /* SLOTS_MAX: in a token that came after the slots were listed */
    if (shown->current && shown->current != g && shown->current->state == GENERATION_CURRENT)
        shown->current->state = GENERATION_PREVIOUS;
    g->state = GENERATION_CURRENT;
    shown->current = g;
    keep_bundle(c->catalogue, g, look->bundle);
}

static void forget(struct shown *shown)
{
    for (struct generation *g = shown->generations; g; g = g->next_of_order)
        g->state = GENERATION_GONE;
    shown->current = NULL;
    shown->stamp = (struct dcs_stamp){ 0 };
}

/* Trouble with this host (descriptors, memory, a mount) says nothing about the order. */
static bool says_gone(enum dcs_code code)
{
    return code != DCS_E_STATE && code != DCS_E_NOMEM && code != DCS_E_BUG && code != DCS_E_TIMEOUT;
}

struct generation *catalogue_look(struct cryptoki *c, int64_t order, bool may_fetch)
{
    struct shown *shown = shown_of(c->catalogue, order, false);
    struct dcs_stamp stamp = shown ? shown->stamp : (struct dcs_stamp){ 0 };
    struct dcs_look look = { 0 };
    struct dcs_err err = { 0 };

    slots_need(c);
    cryptoki_pause();
    int64_t now_ms = dcs_env_mono_ms(dcs_env_real());
    bool served = dcs_store_look(c->store, order, may_fetch, &stamp, &look, &err);
    if (!served && may_fetch)
        dcs_trace(dcs_env_real(), "pkcs11: order-%lld: %s", (long long)order, err.text);
    cryptoki_resume();
    shown = shown_of(c->catalogue, order, look.bundle != NULL);
    if (!shown) {
        dcs_bundle_unref(look.bundle);
        return NULL;
    }
    shown->looked_ms = now_ms;
    shown->scan = c->catalogue->scans;
    if (!served) {
        if (says_gone(err.code))
            forget(shown);
        return shown->current;
    }
    if (look.bundle) {
        shown->stamp = stamp;
        take_bundle(c, shown, &look);
        if (shown->current)
            catalogue_add_issuers(c, look.bundle);
        dcs_bundle_unref(look.bundle);
    }
    return shown->current;
}

bool catalogue_still_served(struct cryptoki *c, struct generation *g)
{
    struct shown *shown = shown_of(c->catalogue, g->order, false);

    if (shown && dcs_env_mono_ms(dcs_env_real()) - shown->looked_ms > LOOK_AGAIN_MS)
        catalogue_look(c, g->order, false);
    return g->state != GENERATION_GONE;
}

/* ---- all of them ---- */

void catalogue_scan(struct cryptoki *c, catalogue_visit_fn *visit, void *context)
{
    struct catalogue *catalogue = c->catalogue;
    int64_t *orders = NULL;
    size_t count = 0;
    uint64_t scan = ++catalogue->scans;

    cryptoki_pause();
    bool listed = dcs_store_local_orders(c->store, &orders, &count, NULL);
    cryptoki_resume();
    if (!listed)
        return;
    for (size_t i = 0; i < count; i++) {
        const struct generation *g = catalogue_look(c, orders[i], false);
        if (g && visit)
            visit(context, g);
    }
    free(orders);
    for (size_t b = 0; b < BUCKETS; b++)
        for (struct shown *shown = catalogue->orders[b]; shown; shown = shown->next)
            if (shown->scan < scan)
                forget(shown);
    catalogue->scanned_ms = dcs_env_mono_ms(dcs_env_real());
}

void catalogue_scan_rarely(struct cryptoki *c)
{
    int64_t now_ms = dcs_env_mono_ms(dcs_env_real());

    if (c->catalogue->scanned_ms == 0 || now_ms - c->catalogue->scanned_ms > SCAN_AGAIN_MS)
        catalogue_scan(c, NULL, NULL);
}

/* One that the order serves no more, but that a running program may still need. */
static void add_previous(struct cryptoki *c, const struct dcs_place *place, uint8_t slot,
                         const uint8_t ckaid[DCS_SHA1_LEN])
{
    dcs_auto(dcs_bundle) struct dcs_bundle *bundle = NULL;

    cryptoki_pause();
    bool loaded = dcs_store_generation(c->store, place->order, place->generation, &bundle, NULL);
    cryptoki_resume();
    if (!loaded || memcmp(dcs_bundle_facts(bundle)->leaf.ckaid, ckaid, DCS_SHA1_LEN) != 0)
        return;
    struct shown *shown = shown_of(c->catalogue, place->order, false);
    if (!shown || find_generation(shown, bundle))
        return;
    struct generation *g = add_generation(c->catalogue, shown, bundle);
    if (g)
        g->slot = slot;
}

void catalogue_look_for_id(struct cryptoki *c, const uint8_t ckaid[DCS_SHA1_LEN])
{
    struct dcs_place places[8];
    size_t count = 0;
    struct dcs_err err = { 0 };

    cryptoki_pause();
    if (!dcs_store_by_ckaid(c->store, ckaid, places, DCS_COUNT(places), &count, &err))
        dcs_trace(dcs_env_real(), "pkcs11: index: %s", err.text);
    cryptoki_resume();
    for (size_t i = 0; i < count; i++) {
        const struct generation *now = catalogue_look(c, places[i].order, false);
        if (now && memcmp(now->ckaid, ckaid, DCS_SHA1_LEN) != 0)
            add_previous(c, &places[i], now->slot, ckaid);
    }
}

/* ---- what is on disk ---- */

bool catalogue_bundle(struct cryptoki *c, struct generation *g, struct dcs_bundle **ret_bundle,
                      struct dcs_err *err)
{
    if (g->bundle) {
        *ret_bundle = dcs_bundle_ref(g->bundle);
        return true;
    }
    cryptoki_pause();
    bool loaded = dcs_store_generation(c->store, g->home, g->number, ret_bundle, err);
    cryptoki_resume();
    if (loaded)
        keep_bundle(c->catalogue, g, *ret_bundle);
    return loaded;
}

/* Whoever misses a private key in a listing has no CKR to go by: once for each pair. */
static void trace_unusable(struct generation *g, enum dcs_key_form form, const struct dcs_err *err)
{
    const char *why = form == DCS_KEY_POINTER ? "it is in another token"
                      : form == DCS_KEY_ENCRYPTED
                          ? "it is encrypted, and key_passphrase_file is not set"
                          : err->text;

    if (!g->key_traced)
        dcs_trace(dcs_env_real(), "pkcs11: order-%lld shows no private key: %s",
                  (long long)g->order, why);
    g->key_traced = true;
}

bool catalogue_key_usable(struct cryptoki *c, struct generation *g)
{
    dcs_auto(dcs_bundle) struct dcs_bundle *bundle = NULL;
    dcs_auto(dcs_key) struct dcs_key key = { 0 };
    struct dcs_err err = { 0 };

    if (!g->has_key || g->key_usable || g->key)
        return g->has_key;
    if (!catalogue_bundle(c, g, &bundle, &err))
        return false;
    cryptoki_pause();
    bool read = dcs_store_key(c->store, bundle, &key, &err);
    cryptoki_resume();
    g->key_usable = read && key.form == DCS_KEY_PKCS8;
    if (!g->key_usable)
        trace_unusable(g, read ? key.form : DCS_KEY_PKCS8, &err);
    return g->key_usable;
}
