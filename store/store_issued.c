// SPDX-License-Identifier: Apache-2.0
/*
 * store_issued.c - what the CA has issued for an order, next to what is here: downloaded when it is new,
 * checked, and taken in where it displaces nothing better ("ours first"). Under the order's lock.
 */
#include <stdio.h>
#include <string.h>

#include "base/trace.h"
#include "store_fetch.h"

/* ---- ours first ---- */

struct ours {
    const struct dcs_facts *fresh;
    int64_t now;
    struct dcs_bundle *same_certificate, *same_key, *best_pair, *best;
};

static bool in_date(const struct dcs_bundle *bundle, int64_t now)
{
    return now <= dcs_bundle_facts(bundle)->leaf.not_after;
}

static void keep(struct dcs_bundle **slot, struct dcs_bundle *bundle)
{
    if (!*slot)
        *slot = dcs_bundle_ref(bundle);
}

static bool compare_with_ours(void *context, struct dcs_bundle *bundle)
{
    struct ours *ours = context;
    const struct dcs_cert_info *leaf = &dcs_bundle_facts(bundle)->leaf;
    bool has_key = dcs_bundle_has_key(bundle);

    if (memcmp(leaf->sha256, ours->fresh->leaf.sha256, DCS_SHA256_LEN) == 0)
        keep(&ours->same_certificate, bundle);
    if (has_key && memcmp(leaf->spki_sha256, ours->fresh->leaf.spki_sha256, DCS_SHA256_LEN) == 0)
        keep(&ours->same_key, bundle);
    if (has_key && in_date(bundle, ours->now))
        keep(&ours->best_pair, bundle);
    if (in_date(bundle, ours->now))
        keep(&ours->best, bundle);
    return true;
}

static void ours_drop(struct ours *ours)
{
    dcs_bundle_unref(ours->same_certificate);
    dcs_bundle_unref(ours->same_key);
    dcs_bundle_unref(ours->best_pair);
    dcs_bundle_unref(ours->best);
}

static void note_elsewhere(struct fetch *f, const struct dcs_facts *fresh)
{
    f->memo.elsewhere_certificate = fresh->certificate_id;
    f->memo.elsewhere_not_after = fresh->leaf.not_after;
    snprintf(f->memo.elsewhere_serial, sizeof(f->memo.elsewhere_serial), "%s", fresh->leaf.serial);
}

/* What our open request asked for is taken in by the reissue's own step, with its stricter checks; here
 * its id is noted, which a lost answer may have kept from us. */
static bool answers_open_request(struct fetch *f, const struct dcs_facts *fresh)
{
    dcs_auto(dcs_intent) struct dcs_intent intent = { 0 };
    struct dcs_err err = { 0 };

    if (!dcs_cache_intent(&f->job->cache, f->id, &intent, NULL) || !intent.request ||
        memcmp(intent.request->spki_sha256, fresh->leaf.spki_sha256, DCS_SHA256_LEN) != 0)
        return false;
    if (intent.request->certificate_id == fresh->certificate_id)
        return true;
    intent.request->certificate_id = fresh->certificate_id;
    intent.request->next_look_at = 0;
    if (!dcs_cache_intent_put_request(&f->job->cache, &intent, &err))
        dcs_trace(f->job->env, "order %lld: %s", (long long)f->id, err.text);
    return true;
}

/* "Ours first": a newer certificate whose key is not here never displaces a pair of ours, nor an
 * expired one a valid one; it is recorded and shown. */
static bool take_in(struct fetch *f, const struct dcs_order *order, struct dcs_accepted *accepted,
                    struct dcs_err *err)
{
    dcs_auto(ours) struct ours ours = { .fresh = accepted->facts, .now = dcs_env_now(f->job->env) };
    dcs_auto(dcs_key) struct dcs_key key = { 0 };

    if (!dcs_cache_each(&f->job->cache, f->id, compare_with_ours, &ours, err))
        return false;
    f->memo.elsewhere_certificate = 0;
    f->memo.elsewhere_serial[0] = '\0';
    f->memo.elsewhere_not_after = 0;
    if (ours.same_certificate && (dcs_bundle_has_key(ours.same_certificate) || !ours.same_key))
        return true;
    if (f->job->offered &&
        memcmp(f->job->offered_spki, accepted->facts->leaf.spki_sha256, DCS_SHA256_LEN) == 0)
        return dcs_fetch_commit(f->job, order, &f->settings, accepted, f->job->offered, 0, err);
    if (answers_open_request(f, accepted->facts))
        return true;
    bool fresh_is_good = ours.now <= accepted->facts->leaf.not_after;
    bool has_key =
        dcs_cache_find_key(&f->job->cache, f->id, accepted->facts->leaf.spki_sha256, &key, NULL);
    if (!has_key && (ours.best_pair || (ours.best && !fresh_is_good))) {
        note_elsewhere(f, accepted->facts);
        return true;
    }
    return dcs_fetch_commit(f->job, order, &f->settings, accepted, has_key ? &key : NULL, 0, err);
}

static bool reject(struct fetch *f, const struct dcs_order *order, const struct dcs_err *why,
                   struct dcs_err *err)
{
    f->memo.rejected_certificate = order->certificate_id;
    snprintf(f->memo.rejected_reason, sizeof(f->memo.rejected_reason), "%.250s", why->text);
    dcs_fail(err, why->code, "order %lld: certificate %lld as sent by the CA was set aside: %s",
             (long long)order->id, (long long)order->certificate_id, why->text);
    return dcs_hint(err, "nothing that was cached is lost; it is asked for again later");
}

static bool anything(void *context, struct dcs_bundle *bundle)
{
    (void)bundle;
    *(bool *)context = true;
    return false;
}

/* While a reissue is pending, order info may name the certificate that is to come. The one before is
 * valid all the same: who has nothing yet takes it by the order. *ret_certificate: 0, not told. */
static bool get_pem(struct fetch *f, struct dcs_api *api, const struct dcs_order *order,
                    struct dcs_buf *ret_pem, int64_t *ret_certificate, struct dcs_err *err)
{
    struct dcs_err why = { 0 };
    bool has_some = false;

    *ret_certificate = order->certificate_id;
    if (dcs_api_download(api, order->certificate_id, ret_pem, &why))
        return true;
    if (why.code == DCS_E_PENDING &&
        dcs_cache_each(&f->job->cache, f->id, anything, &has_some, NULL) && !has_some &&
        dcs_api_download_active(api, order->id, ret_pem, NULL)) {
        *ret_certificate = 0;
        return true;
    }
    *err = why;
    return dcs_fail_while(err, "order %lld", (long long)order->id);
}

static bool download(struct fetch *f, struct dcs_api *api, const struct dcs_order *order,
                     struct dcs_err *err)
{
    dcs_auto(dcs_buf) struct dcs_buf pem = { .max = 1 << 20 };
    dcs_auto(dcs_accepted) struct dcs_accepted accepted = { 0 };
    struct dcs_accept expected = { .order = order,
                                   .limits = f->job->settings->limits,
                                   .source = "fetch",
                                   .now = dcs_env_now(f->job->env) };
    struct dcs_err why = { 0 };

    if (!get_pem(f, api, order, &pem, &expected.certificate_id, err))
        return false;
    if (expected.certificate_id)
        expected.serial = order->serial;
    if (!dcs_accept(&expected, dcs_buf_text(&pem), pem.len, &accepted, &why))
        return reject(f, order, &why, err);
    f->memo.rejected_certificate = 0;
    f->memo.rejected_reason[0] = '\0';
    return take_in(f, order, &accepted, err);
}

/* ---- the certificate that the order names ---- */

struct known {
    const struct dcs_order *order;
    bool found;
};

static bool is_the_one_named(void *context, struct dcs_bundle *bundle)
{
    struct known *known = context;
    const struct dcs_facts *facts = dcs_bundle_facts(bundle);

    known->found =
        facts->certificate_id == known->order->certificate_id &&
        (!known->order->serial[0] || strcmp(known->order->serial, facts->leaf.serial) == 0);
    return !known->found;
}

bool dcs_fetch_issued(struct fetch *f, struct dcs_api *api, const struct dcs_order *order,
                      struct dcs_err *err)
{
    struct known known = { order, false };

    if (!dcs_cache_each(&f->job->cache, f->id, is_the_one_named, &known, err))
        return false;
    return known.found || download(f, api, order, err);
}

/* ---- one that order info does not name ---- */

static bool outlasts_ours(const struct fetch *f, const struct dcs_facts *fresh)
{
    dcs_auto(ours) struct ours ours = { .fresh = fresh, .now = dcs_env_now(f->job->env) };

    if (ours.now > fresh->leaf.not_after ||
        !dcs_cache_each(&f->job->cache, f->id, compare_with_ours, &ours, NULL) || ours.same_key ||
        ours.same_certificate)
        return false;
    return !ours.best_pair ||
           dcs_bundle_facts(ours.best_pair)->leaf.not_after < fresh->leaf.not_after ||
           dcs_revoked_has(f->memo.revoked_serials, dcs_bundle_facts(ours.best_pair)->leaf.serial);
}

bool dcs_fetch_adopt(struct fetch *f, struct dcs_api *api, const struct dcs_order *order,
                     int64_t certificate_id, const uint8_t spki_sha256[DCS_SHA256_LEN])
{
    dcs_auto(dcs_buf) struct dcs_buf pem = { .max = 1 << 20 };
    dcs_auto(dcs_accepted) struct dcs_accepted accepted = { 0 };
    dcs_auto(dcs_key) struct dcs_key key = { 0 };
    struct dcs_accept expected = { .order = order,
                                   .limits = f->job->settings->limits,
                                   .certificate_id = certificate_id,
                                   .has_spki = true,
                                   .source = "fetch",
                                   .now = dcs_env_now(f->job->env) };
    struct dcs_err why = { 0 };

    memcpy(expected.spki_sha256, spki_sha256, DCS_SHA256_LEN);
    bool done = dcs_api_download(api, certificate_id, &pem, &why) &&
                dcs_accept(&expected, dcs_buf_text(&pem), pem.len, &accepted, &why);
    if (done && !outlasts_ours(f, accepted.facts))
        return false;
    done = done && dcs_cache_find_key(&f->job->cache, f->id, spki_sha256, &key, &why) &&
           dcs_fetch_commit(f->job, order, &f->settings, &accepted, &key, 0, &why);
    if (!done)
        dcs_trace(f->job->env, "order %lld: certificate %lld for a key that is kept here: %s",
                  (long long)f->id, (long long)certificate_id, why.text);
    return done;
}
