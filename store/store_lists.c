// SPDX-License-Identifier: Apache-2.0
/*
 * store_lists.c - what the CA's lists of reissues and duplicates say that order info, which speaks of the
 * order's newest certificate alone, does not: that an earlier pair of ours was revoked, and that a key
 * whose request was closed got its certificate after all. For `sync` and `show --refresh`; no door asks.
 */
#include <stdio.h>
#include <string.h>

#include "base/trace.h"
#include "flow/api_issued.h"
#include "store_fetch.h"

enum { POLL_MAX_S = 6 * 3600, POLLS_IN_LIFE = 48, DAY_S = 86400, SOUGHT_MAX = 32 };

struct sought {
    struct fetch *f;
    const struct dcs_order *order;
    int64_t now;
    /* Pairs in date, newest first. */
    struct pair {
        int64_t certificate_id;
        char serial[65];
        int64_t not_before, not_after;
        uint8_t spki_sha256[DCS_SHA256_LEN];
        bool is_seen;
    } pairs[SOUGHT_MAX];
    size_t pair_count;
    const struct pair *served; /* the newest that is not revoked, NULL none */
    /* Keys that wait for nothing any more, and what was found for them. */
    struct kept {
        uint8_t spki_sha256[DCS_SHA256_LEN];
        int64_t certificate_id; /* 0: nothing */
    } kept[SOUGHT_MAX];
    size_t kept_count;
    bool changed; /* the memo */
};

/* ---- what is sought ---- */

static bool add_pair(void *context, struct dcs_bundle *bundle)
{
    struct sought *s = context;
    const struct dcs_facts *facts = dcs_bundle_facts(bundle);
    struct pair *pair = &s->pairs[s->pair_count];

    if (!dcs_bundle_has_key(bundle) || s->now > facts->leaf.not_after)
        return true;
    *pair = (struct pair){ .certificate_id = facts->certificate_id,
                           .not_before = facts->leaf.not_before,
                           .not_after = facts->leaf.not_after };
    snprintf(pair->serial, sizeof(pair->serial), "%s", facts->leaf.serial);
    memcpy(pair->spki_sha256, facts->leaf.spki_sha256, DCS_SHA256_LEN);
    return ++s->pair_count < SOUGHT_MAX;
}

static bool has_pair_of(const struct sought *s, const uint8_t *spki_sha256)
{
    for (size_t i = 0; i < s->pair_count; i++)
        if (memcmp(s->pairs[i].spki_sha256, spki_sha256, DCS_SHA256_LEN) == 0)
            return true;
    return false;
}

static bool add_kept(void *context, const struct dcs_past_request *past)
{
    struct sought *s = context;
    const uint8_t *spki = past->request->spki_sha256;

    if (past->is_committed || past->is_lost || !past->closed || has_pair_of(s, spki))
        return true;
    memcpy(s->kept[s->kept_count].spki_sha256, spki, DCS_SHA256_LEN);
    return ++s->kept_count < SOUGHT_MAX;
}

static bool is_the_orders(const struct dcs_order *order, const struct pair *pair)
{
    return pair->certificate_id == order->certificate_id ||
           (order->serial[0] && strcmp(order->serial, pair->serial) == 0);
}

static const struct pair *served_of(const struct sought *s)
{
    for (size_t i = 0; i < s->pair_count; i++)
        if (!dcs_revoked_has(s->f->memo.revoked_serials, s->pairs[i].serial))
            return &s->pairs[i];
    return NULL;
}

/* Order info is silent about the pair that is served. */
static bool is_untold(const struct sought *s)
{
    return s->served && s->order->certificate_id && !is_the_orders(s->order, s->served);
}

/* min(6 h, L/48), as for order info; once a day for what is unlikely ever to come. */
static int64_t interval_s(bool is_untold, int64_t life_s)
{
    int64_t part = life_s / POLLS_IN_LIFE;

    if (!is_untold)
        return DAY_S;
    return part < POLL_MAX_S ? part : POLL_MAX_S;
}

static bool is_time(const struct sought *s)
{
    int64_t last = s->f->memo.lists_at;
    int64_t life_s = s->served ? s->served->not_after - s->served->not_before + 1 : 0;

    return s->f->begins_nothing || last > s->now ||
           s->now - last >= interval_s(is_untold(s), life_s);
}

/* ---- what is found ---- */

static void take_fate(struct sought *s, const struct pair *pair, const struct dcs_api_entry *entry)
{
    struct dcs_memo *memo = &s->f->memo;
    bool was_to_be = strcmp(memo->to_be_revoked, pair->serial) == 0;

    if (entry->is_revoked && !dcs_revoked_has(memo->revoked_serials, pair->serial)) {
        dcs_revoked_note(memo->revoked_serials, pair->serial, true);
        s->changed = true;
    }
    if (entry->is_to_be_revoked == was_to_be)
        return;
    /* One is noted: that of the pair that is served. */
    if (entry->is_to_be_revoked && pair != s->served && memo->to_be_revoked[0])
        return;
    snprintf(memo->to_be_revoked, sizeof(memo->to_be_revoked), "%s",
             entry->is_to_be_revoked ? pair->serial : "");
    s->changed = true;
}

static void take_entry(void *context, const struct dcs_api_entry *entry)
{
    struct sought *s = context;

    for (size_t i = 0; i < s->pair_count; i++) {
        struct pair *pair = &s->pairs[i];
        bool is_it = entry->serial[0]
                         ? strcmp(entry->serial, pair->serial) == 0
                         : entry->certificate_id && entry->certificate_id == pair->certificate_id;
        if (is_it) {
            pair->is_seen = true;
            take_fate(s, pair, entry);
        }
    }
    for (size_t i = 0; entry->has_spki && entry->is_issued && i < s->kept_count; i++)
        if (memcmp(entry->spki_sha256, s->kept[i].spki_sha256, DCS_SHA256_LEN) == 0 &&
            entry->certificate_id > s->kept[i].certificate_id)
            s->kept[i].certificate_id = entry->certificate_id;
}

static bool all_was_found(const struct sought *s)
{
    for (size_t i = 0; i < s->kept_count; i++)
        if (!s->kept[i].certificate_id)
            return false;
    return !s->served || s->served->is_seen;
}

static bool read_lists(struct sought *s, struct dcs_api *api, struct dcs_err *err)
{
    return dcs_api_each_issued(api, s->f->id, false, take_entry, s, err) &&
           (all_was_found(s) || dcs_api_each_issued(api, s->f->id, true, take_entry, s, err));
}

static void save(struct fetch *f)
{
    struct dcs_err why = { 0 };

    if (!dcs_cache_write_memo(&f->job->cache, f->id, &f->memo, &why))
        dcs_trace(f->job->env, "order %lld: %s", (long long)f->id, why.text);
}

bool dcs_fetch_lists(struct fetch *f, struct dcs_api *api, const struct dcs_order *order)
{
    struct sought s = { .f = f, .order = order, .now = dcs_env_now(f->job->env) };
    struct dcs_err why = { 0 };
    bool adopted = false;

    if (f->job->is_door || !(f->may_repeat || f->begins_nothing) ||
        !dcs_cache_each(&f->job->cache, f->id, add_pair, &s, NULL) ||
        !dcs_cache_each_request(&f->job->cache, f->id, add_kept, &s, NULL))
        return false;
    s.served = served_of(&s);
    if (!(is_untold(&s) || s.kept_count > 0) || !is_time(&s))
        return false;
    if (!read_lists(&s, api, &why)) {
        dcs_trace(f->job->env, "order %lld: its lists: %s", (long long)f->id, why.text);
        return false;
    }
    f->memo.lists_at = s.now;
    save(f); /* at once: the plan of this very attempt reads it there */
    for (size_t i = 0; i < s.kept_count; i++)
        if (s.kept[i].certificate_id)
            adopted |=
                dcs_fetch_adopt(f, api, order, s.kept[i].certificate_id, s.kept[i].spki_sha256);
    return s.changed || adopted;
}

bool dcs_lists_are_due(const struct plan_input *input, const struct dcs_order *order, int64_t now)
{
    const struct dcs_plan_certificate *c = &input->facts.certificate;
    bool is_untold = c->exists && c->has_key && order->certificate_id &&
                     order->certificate_id != input->here.certificate_id &&
                     strcmp(order->serial, input->here.serial) != 0;
    int64_t last =
        input->memo.lists_at > input->memo.read_at ? input->memo.lists_at : input->memo.read_at;

    return (is_untold || input->has_kept_key) &&
           (last > now || now - last >= interval_s(is_untold, c->not_after - c->not_before + 1));
}
