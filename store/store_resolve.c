// SPDX-License-Identifier: Apache-2.0
/*
 * store_resolve.c - any URI to an order number: local knowledge first, then the CA, one asker at a
 * time (cold/NN); several candidates are settled by the configuration or end in an error.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/trace.h"
#include "io/http.h"
#include "store_instance.h"

enum { CANDIDATES_MAX = 64, PAGES_MAX = 20, RESOLVED_KEPT_MS = 60000, HEX_TEXT = 65 };

struct candidate {
    int64_t order;
    bool configured;
    bool usable; /* issued, in date, not renewed */
};

struct candidates {
    struct job *job;
    struct candidate list[CANDIDATES_MAX];
    size_t count;
    bool overflow;
};

static struct candidate *add_candidate(struct candidates *all, int64_t order)
{
    struct dcs_order_settings settings;

    for (size_t i = 0; i < all->count; i++)
        if (all->list[i].order == order)
            return &all->list[i];
    if (all->count == CANDIDATES_MAX) {
        all->overflow = true;
        return NULL;
    }
    struct candidate *c = &all->list[all->count++];
    dcs_config_order(all->job->config, &(struct dcs_order_names){ .id = order }, &settings);
    *c = (struct candidate){ .order = order, .configured = settings.has_section };
    return c;
}

/* The configured one, else the only usable one, else the only one. */
static int64_t pick(const struct candidates *all)
{
    static const struct {
        bool configured, usable;
    } preferences[] = { { true, true }, { true, false }, { false, true }, { false, false } };

    for (size_t p = 0; p < DCS_COUNT(preferences); p++) {
        int64_t found = 0;
        size_t matches = 0;
        for (size_t i = 0; i < all->count; i++) {
            const struct candidate *c = &all->list[i];
            if ((preferences[p].configured && !c->configured) ||
                (preferences[p].usable && !c->usable))
                continue;
            found = c->order;
            matches++;
        }
        if (matches == 1)
            return found;
        if (matches > 1 && preferences[p].usable)
            return 0; /* a real choice: not ours to make */
    }
    return 0;
}

static bool fail_ambiguous(const struct candidates *all, const char *canonical, struct dcs_err *err)
{
    char list[256] = "";
    size_t at = 0;

    for (size_t i = 0; i < all->count && at < sizeof(list) - 24; i++)
        at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%lld", i ? ", " : "",
                               (long long)all->list[i].order);
    dcs_fail(err, DCS_E_NOT_FOUND, "%s fits several orders: %s%s", canonical, list,
             all->overflow || at >= sizeof(list) - 24 ? " and more" : "");
    return dcs_hint(err, "name one (digicert://order/ID), or give one a section [order/ID] in the "
                         "configuration");
}

/* ---- local knowledge ---- */

static bool take_local(void *context, struct dcs_bundle *bundle)
{
    struct candidates *all = context;
    dcs_auto(dcs_order) struct dcs_order *order = NULL;
    int64_t now = dcs_env_now(all->job->env);
    struct candidate *c = add_candidate(all, dcs_bundle_order(bundle));

    if (!c)
        return false;
    bool renewed = dcs_cache_read_order(&all->job->cache, c->order, &order, NULL) &&
                   order->is_renewed == DCS_YES;
    c->usable |= !renewed && now <= dcs_bundle_facts(bundle)->leaf.not_after;
    return true;
}

static bool find_local(struct candidates *all, enum dcs_index index, const char *key,
                       struct dcs_err *err)
{
    return dcs_cache_find(&all->job->cache, index, key, take_local, all, err);
}

/* "*.example.com" for "www.example.com"; false when no wildcard can cover it. */
static bool wildcard_of(const char *host, char out[DCS_URI_MAX + 1])
{
    const char *dot = strchr(host, '.');

    if (host[0] == '*' || !dot || !strchr(dot + 1, '.') || strchr(host, ':'))
        return false;
    snprintf(out, DCS_URI_MAX + 1, "*%s", dot);
    return true;
}

/* Sections say it too: [alternate/REF] and [name/HOST] make no order known, [order/ID] does. */
static bool find_locally(struct candidates *all, const struct dcs_uri *uri, struct dcs_err *err)
{
    static const enum dcs_index index_of[] = {
        [DCS_URI_ALTERNATE] = DCS_INDEX_ALTERNATE,
        [DCS_URI_NAME] = DCS_INDEX_NAME,
        [DCS_URI_SERIAL] = DCS_INDEX_SERIAL,
        [DCS_URI_THUMBPRINT] = DCS_INDEX_THUMBPRINT,
    };
    char wildcard[DCS_URI_MAX + 1];

    if (!find_local(all, index_of[uri->kind], uri->value, err))
        return false;
    if (uri->kind == DCS_URI_NAME && all->count == 0 && wildcard_of(uri->value, wildcard))
        return find_local(all, DCS_INDEX_NAME, wildcard, err);
    return true;
}

/* ---- asking the CA ---- */

/* As TLS would match: exactly, else one label under a wildcard. */
static bool row_covers(const struct dcs_order *row, const char *host, const char *wildcard)
{
    for (size_t i = 0; i < row->name_count; i++)
        if (strcmp(row->names[i], host) == 0 || (wildcard && strcmp(row->names[i], wildcard) == 0))
            return true;
    return strcmp(row->common_name, host) == 0 ||
           (wildcard && strcmp(row->common_name, wildcard) == 0);
}

static void take_row(struct candidates *all, const struct dcs_order *row)
{
    int64_t now = dcs_env_now(all->job->env);

    if (!dcs_order_has_certificate(row) && dcs_order_is_over(row->status))
        return; /* nothing will come of it */
    struct candidate *c = add_candidate(all, row->id);
    if (c)
        c->usable = row->status == DCS_ORDER_ISSUED && row->is_renewed != DCS_YES &&
                    (row->valid_till < 0 || now <= row->valid_till);
}

static bool ask_listing(struct candidates *all, struct dcs_api *api, const char *filter,
                        const char *value, const char *host, struct dcs_err *err)
{
    dcs_auto(dcs_buf) struct dcs_buf query = { .max = 4096 };
    int64_t offset = 0;

    dcs_buf_addf(&query, "filters[%s]=", filter);
    if (!dcs_http_escape(value, &query, err) || !dcs_buf_ok(&query, "a filter", err))
        return false;
    for (int i = 0; i < PAGES_MAX; i++) {
        dcs_auto(dcs_order_page) struct dcs_order_page page = { 0 };
        if (!dcs_api_page(api, dcs_buf_text(&query), offset, &page, err))
            return false;
        for (size_t k = 0; k < page.count; k++)
            /* The service's filters were seen to be ignored: look at each row. */
            if (!host || row_covers(page.orders[k], host, value[0] == '*' ? value : NULL))
                take_row(all, page.orders[k]);
        offset += (int64_t)page.rows;
        if (page.is_last || all->overflow)
            break;
    }
    return true;
}

static bool ask_name(struct candidates *all, struct dcs_api *api, const struct dcs_uri *uri,
                     struct dcs_err *err)
{
    char wildcard[DCS_URI_MAX + 1];

    if (!ask_listing(all, api, "domain_name", uri->value, uri->value, err))
        return false;
    if (all->count > 0 || !wildcard_of(uri->value, wildcard))
        return true;
    return ask_listing(all, api, "domain_name", wildcard, wildcard, err);
}

/* An order comes once for each of its certificates. */
static bool named_before(const struct dcs_order_refs *refs, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (refs->refs[i].order_id == refs->refs[index].order_id)
            return true;
    return false;
}

static bool ask_alternate(struct candidates *all, struct dcs_api *api, const struct dcs_uri *uri,
                          struct dcs_err *err)
{
    dcs_auto(dcs_order_refs) struct dcs_order_refs refs = { 0 };
    char id[DCS_ID_TEXT + 1];

    if (!dcs_api_alternate(api, uri->value, &refs, err))
        return false;
    if (refs.count == 1) {
        (void)add_candidate(all, refs.refs[0].order_id);
        return true;
    }
    /* Several are the normal case after a renewal: only order info says which one was renewed. */
    for (size_t i = 0; i < refs.count && i < CANDIDATES_MAX; i++) {
        dcs_auto(dcs_order) struct dcs_order *order = NULL;
        struct dcs_err why = { 0 };
        if (named_before(&refs, i))
            continue;
        snprintf(id, sizeof(id), "%lld", (long long)refs.refs[i].order_id);
        if (dcs_api_order(api, id, &order, &why))
            take_row(all, order);
        else if (why.code != DCS_E_NOT_FOUND) { /* an order that is gone hides no other */
            *err = why;
            return false;
        }
    }
    return true;
}

/* As the CA itself writes them; nothing says that it looks without regard to case. */
static void ca_hex(const char *hex, char out[HEX_TEXT])
{
    size_t i = 0;

    for (; hex[i] && i + 1 < HEX_TEXT; i++)
        out[i] = (char)(hex[i] >= 'a' && hex[i] <= 'f' ? hex[i] & ~0x20 : hex[i]);
    out[i] = '\0';
}

static bool same_serial(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static bool ask_serial(struct candidates *all, struct dcs_api *api, const struct dcs_uri *uri,
                       struct dcs_err *err)
{
    dcs_auto(dcs_order_page) struct dcs_order_page page = { 0 };
    dcs_auto(dcs_buf) struct dcs_buf query = { .max = 256 };
    char hex[HEX_TEXT];

    ca_hex(uri->value, hex);
    dcs_buf_addf(&query, "filters[serial_number]=%s", hex);
    if (!dcs_buf_ok(&query, "a filter", err) ||
        !dcs_api_page(api, dcs_buf_text(&query), 0, &page, err))
        return false;
    for (size_t i = 0; i < page.count; i++)
        /* The filter also finds duplicates, whose rows show the primary's serial: a lone row is it. */
        if (page.count == 1 || same_serial(page.orders[i]->serial, uri->value))
            (void)add_candidate(all, page.orders[i]->id);
    return true;
}

static bool ask_thumbprint(struct candidates *all, struct dcs_api *api, const struct dcs_uri *uri,
                           struct dcs_err *err)
{
    dcs_auto(dcs_order) struct dcs_order *order = NULL;
    char hex[HEX_TEXT];

    if (strlen(uri->value) != 2 * DCS_SHA1_LEN) {
        dcs_fail(err, DCS_E_NOT_FOUND, "no certificate kept here has this SHA-256 thumbprint");
        return dcs_hint(err, "the CA finds SHA-1 thumbprints and serial numbers only");
    }
    ca_hex(uri->value, hex);
    if (!dcs_api_order(api, hex, &order, err))
        return false;
    (void)add_candidate(all, order->id);
    return true;
}

static bool ask(struct candidates *all, struct dcs_api *api, const struct dcs_uri *uri,
                struct dcs_err *err)
{
    static bool (*const askers[])(struct candidates *, struct dcs_api *, const struct dcs_uri *,
                                  struct dcs_err *) = {
        [DCS_URI_ALTERNATE] = ask_alternate,
        [DCS_URI_NAME] = ask_name,
        [DCS_URI_SERIAL] = ask_serial,
        [DCS_URI_THUMBPRINT] = ask_thumbprint,
    };

    return askers[uri->kind](all, api, uri, err);
}

static bool decide(const struct candidates *all, const char *canonical, int64_t *ret_order,
                   struct dcs_err *err)
{
    if (all->count == 0) {
        dcs_fail(err, DCS_E_NOT_FOUND, "%s: no order of this account fits", canonical);
        return dcs_hint(err, "`digicert-store list` shows the account's orders");
    }
    *ret_order = pick(all);
    return *ret_order != 0 || fail_ambiguous(all, canonical, err);
}

/* Under the cold lock of the URI, so that a crowd asks once. */
static bool ask_locked(struct candidates *all, const struct dcs_uri *uri, const char *canonical,
                       const struct dcs_lock *lock, int64_t *ret_order, struct dcs_err *err)
{
    dcs_auto(dcs_api) struct dcs_api *api = NULL;
    struct dcs_deadline deadline = dcs_job_deadline(all->job);
    struct dcs_cold cold = { 0 };
    struct dcs_err why = { 0 };

    bool found = dcs_job_api(all->job, deadline, &api, &why) && ask(all, api, uri, &why) &&
                 decide(all, canonical, ret_order, &why);
    cold.when = dcs_env_now(all->job->env);
    cold.boot_ms = dcs_env_boot_ms(all->job->env);
    cold.order = found ? *ret_order : 0;
    cold.failure = found ? (struct dcs_err){ 0 } : why;
    dcs_cache_cold_store(&all->job->cache, lock, canonical, &cold);
    if (!found)
        *err = why;
    return found;
}

static bool resolve_remotely(struct job *job, const struct dcs_uri *uri, const char *canonical,
                             int64_t *ret_order, struct dcs_err *err)
{
    dcs_auto(dcs_lock) struct dcs_lock lock = DCS_LOCK_NONE;
    struct candidates *all = NULL;
    struct dcs_cold cold;
    int64_t began = dcs_env_boot_ms(job->env);

    if (!dcs_cache_lock_cold(&job->cache, canonical, dcs_job_deadline(job), &lock, err))
        return false;
    /* A name that was resolved a moment ago may not be in the index yet: its order is being fetched.
     * A failure is our answer only when it came while we waited. */
    if (dcs_cache_cold_find(&job->cache, &lock, canonical, began - RESOLVED_KEPT_MS, &cold)) {
        if (cold.order) {
            *ret_order = cold.order;
            return true;
        }
        if (cold.boot_ms >= began) {
            *err = cold.failure;
            return false;
        }
    }
    all = dcs_alloc(1, sizeof(*all), err);
    if (!all)
        return false;
    all->job = job;
    bool found = ask_locked(all, uri, canonical, &lock, ret_order, err);
    free(all);
    return found;
}

static bool ask_the_ca(struct job *job, const struct dcs_uri *uri, const char *canonical,
                       int64_t *ret_order, struct dcs_err *err)
{
    struct dcs_err why = { 0 };

    if (!dcs_job_look(job, err))
        return false;
    if (job->cached_only || job->cache.role != DCS_ROLE_KEEPER) {
        dcs_fail(err, DCS_E_READER,
                 "%s fits nothing that is cached, and this process may not ask "
                 "the CA: %.180s",
                 canonical,
                 job->cached_only ? "this kind of access never does" : job->cache.why_reader);
        return dcs_hint(err, "run `digicert-store get %s` as root", canonical);
    }
    if (dcs_memory_failed(job, canonical, err) || !dcs_job_check_config(job, 0, &why) ||
        !dcs_memory_may_open_cold(job, canonical, err)) {
        if (why.code != DCS_E_NONE)
            *err = why;
        return false;
    }
    if (resolve_remotely(job, uri, canonical, ret_order, &why))
        return true;
    dcs_memory_note_failure(job, canonical, &why);
    *err = why;
    return false;
}

bool dcs_resolve_at_ca(struct job *job, const struct dcs_uri *uri, int64_t *ret_order,
                       struct dcs_err *err)
{
    char canonical[DCS_URI_TEXT];

    dcs_uri_canonical(uri, canonical);
    return ask_the_ca(job, uri, canonical, ret_order, err);
}

bool dcs_resolve(struct job *job, const struct dcs_uri *uri, int64_t *ret_order,
                 struct dcs_err *err)
{
    char canonical[DCS_URI_TEXT];

    if (uri->kind == DCS_URI_ORDER) {
        *ret_order = uri->id;
        return true;
    }
    dcs_uri_canonical(uri, canonical);
    struct candidates *all = dcs_alloc(1, sizeof(*all), err);
    if (!all)
        return false;
    all->job = job;
    bool looked = find_locally(all, uri, err);
    int64_t order = looked ? pick(all) : 0;
    bool ambiguous = looked && all->count > 1 && order == 0;
    if (ambiguous)
        fail_ambiguous(all, canonical, err);
    free(all);
    if (order) {
        *ret_order = order;
        return true;
    }
    return looked && !ambiguous && ask_the_ca(job, uri, canonical, ret_order, err);
}
