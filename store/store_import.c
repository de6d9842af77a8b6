// SPDX-License-Identifier: Apache-2.0
/*
 * store_import.c - puts a private key that a person brings beside the certificate that it belongs
 * to. Nothing is replaced: the pair becomes a generation of its own.
 */
#include <stdio.h>
#include <string.h>

#include "store_fetch.h"

struct wanted {
    const uint8_t *spki;
    struct dcs_bundle *found; /* newest that fits the key */
    struct dcs_bundle *pair;  /* newest that has it already */
};

static bool fits_key(void *context, struct dcs_bundle *bundle)
{
    struct wanted *wanted = context;

    if (memcmp(dcs_bundle_facts(bundle)->leaf.spki_sha256, wanted->spki, DCS_SHA256_LEN) != 0)
        return true;
    if (!wanted->found)
        wanted->found = dcs_bundle_ref(bundle);
    if (!wanted->pair && dcs_bundle_has_key(bundle))
        wanted->pair = dcs_bundle_ref(bundle);
    return true;
}

static void wanted_drop(struct wanted *wanted)
{
    dcs_bundle_unref(wanted->found);
    dcs_bundle_unref(wanted->pair);
}

/* A copy of the generation's certificates, as if they had just been accepted. */
static bool copy_certs(const struct dcs_bundle *bundle, struct dcs_accepted *ret_accepted,
                       struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *json = NULL;
    dcs_auto(dcs_accepted) struct dcs_accepted copy = { .certs = { .max = 1 << 18 } };
    size_t chain = dcs_bundle_chain_count(bundle);

    for (size_t i = 0; i <= chain; i++) {
        struct dcs_bytes der = i ? dcs_bundle_chain(bundle, i - 1) : dcs_bundle_leaf(bundle);
        dcs_buf_add(&copy.certs, der.data, der.len);
        copy.offsets[i + 1] = copy.certs.len;
    }
    copy.cert_count = chain + 1;
    if (!dcs_buf_ok(&copy.certs, "a chain", err) ||
        !dcs_facts_to_json(dcs_bundle_facts(bundle), &json, err) ||
        !dcs_facts_from_json(json, &copy.facts, err))
        return false;
    snprintf(copy.facts->source, sizeof(copy.facts->source), "import");
    *ret_accepted = copy;
    copy = (struct dcs_accepted){ 0 };
    return true;
}

static bool commit_pair(struct job *job, int64_t order, const struct dcs_bundle *certs,
                        const struct dcs_key *key, struct dcs_err *err)
{
    dcs_auto(dcs_accepted) struct dcs_accepted accepted = { 0 };
    dcs_auto(dcs_order) struct dcs_order *known = NULL;
    struct dcs_order_settings settings;

    if (!copy_certs(certs, &accepted, err))
        return false;
    if (!dcs_cache_read_order(&job->cache, order, &known, err))
        return dcs_fail_while(err, "reading what is known of order %lld", (long long)order);
    dcs_fetch_settings(job, known, &settings);
    return dcs_fetch_commit(job, known, &settings, &accepted, key, 0, err);
}

static bool import_locked(struct job *job, int64_t order, const struct dcs_key *key,
                          struct dcs_err *err)
{
    uint8_t spki[DCS_SHA256_LEN];
    dcs_auto(wanted) struct wanted wanted = { .spki = spki };

    if (!dcs_key_spki_sha256(key, spki, err) ||
        !dcs_cache_each(&job->cache, order, fits_key, &wanted, err))
        return false;
    if (!wanted.found) {
        dcs_fail(err, DCS_E_INPUT,
                 "this private key belongs to no certificate of order %lld that is here",
                 (long long)order);
        return dcs_hint(
            err,
            "compare `openssl pkey -in FILE -pubout` with `digicert-store get order/%lld | "
            "openssl x509 -pubkey -noout`",
            (long long)order);
    }
    if (!wanted.pair && !commit_pair(job, order, wanted.found, key, err))
        return false;
    /* `current` may name another generation although the pair was here already. */
    struct dcs_order_settings settings;
    struct dcs_memo memo;
    dcs_config_order(job->config, &(struct dcs_order_names){ .id = order }, &settings);
    dcs_cache_read_memo(&job->cache, order, &memo);
    struct dcs_choice choice = dcs_fetch_choice(job, &settings, memo.revoked_serials);
    return dcs_cache_settle(&job->cache, order, &choice, err);
}

static bool key_fits_here(struct job *job, int64_t order, const uint8_t *spki)
{
    dcs_auto(wanted) struct wanted wanted = { .spki = spki };

    return dcs_cache_each(&job->cache, order, fits_key, &wanted, NULL) && wanted.found;
}

static bool fetch_current(struct job *job, int64_t order, struct dcs_deadline deadline,
                          struct dcs_err *err)
{
    char seen[DCS_GENERATION_DIR];

    if (!dcs_cache_current(&job->cache, order, seen, NULL))
        seen[0] = '\0';
    const struct dcs_fetch_options options = { .seen_dir = seen,
                                               .deadline = deadline,
                                               .begins_nothing = true };
    return dcs_fetch_order(job, order, &options, err);
}

static bool import_key(struct job *job, const struct dcs_uri *uri, const struct dcs_key *key,
                       int64_t *ret_order, struct dcs_err *err)
{
    dcs_auto(dcs_lock) struct dcs_lock lock = DCS_LOCK_NONE;
    struct dcs_deadline deadline = dcs_deadline_in(job->env, job->settings->load_deadline_ms);
    uint8_t spki[DCS_SHA256_LEN];

    if (uri->kind == DCS_URI_CERTIFICATE || uri->has_spki || uri->serial[0]) {
        dcs_fail(err, DCS_E_URI, "a key is imported into an order");
        return dcs_hint(err, "name the order: digicert-store import order/ID --key FILE");
    }
    if (!dcs_job_look(job, err) || !dcs_cache_need_keeper(&job->cache, err) ||
        !dcs_resolve(job, uri, ret_order, err) || !dcs_key_spki_sha256(key, spki, err))
        return false;
    /* The certificate comes first: a key without one proves nothing. What the CA has newer than
     * our pair is not kept without its key, so the key is offered to the fetch. */
    job->offered = key;
    job->offered_spki = spki;
    bool fetched =
        key_fits_here(job, *ret_order, spki) || fetch_current(job, *ret_order, deadline, err);
    job->offered = NULL;
    if (!fetched)
        return false;
    if (!dcs_cache_lock_order(&job->cache, *ret_order, deadline, &lock, err))
        return false;
    return import_locked(job, *ret_order, key, err);
}

bool dcs_store_import(struct dcs_store *store, const struct dcs_uri *uri, struct dcs_key *key,
                      const struct dcs_secret *seal, struct dcs_bundle **ret_bundle,
                      struct dcs_err *err)
{
    dcs_auto(dcs_key) struct dcs_key taken = dcs_key_take(key);
    struct dcs_uri order = { .kind = DCS_URI_ORDER, .types = DCS_TYPE_DEFAULT };
    struct job job;

    if (uri->kind == DCS_URI_LIST)
        return dcs_fail(err, DCS_E_URI, "\"digicert:\" names no single order");
    if (!dcs_key_sound(&taken, err) || !dcs_job_begin(store, &job, err))
        return false;
    job.seal = seal;
    bool done = dcs_job_check_config(&job, 0, err) && import_key(&job, uri, &taken, &order.id, err);
    if (done)
        dcs_fetch_lead(&job, order.id);
    dcs_job_end(&job);
    if (!done)
        return false;
    dcs_memory_forget(store, order.id);
    return dcs_store_open(store, &order, false, ret_bundle, err);
}
