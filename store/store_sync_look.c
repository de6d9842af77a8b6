// SPDX-License-Identifier: Apache-2.0
/*
 * store_sync_look.c - one managed order by what lies here and what the CA said has changed: what is to be
 * done for it in this run, and how urgent that is. Asks nobody.
 */
#include <stdio.h>
#include <string.h>

#include "base/trace.h"
#include "flow/cache_generation.h"
#include "flow/cache_prune.h"
#include "store_away.h"
#include "store_sync.h"

enum {
    DAY_S = 86400,
    WEEK_S = 7 * DAY_S,
    JUST_READ_S = 600, /* of a run that was killed: not read again for want of a position */
    KEPT_ANYWAY = 2,   /* generations: `current` and the one before are never pruned */
};

void sync_look_drop(struct sync_look *look)
{
    dcs_json_free(look->result);
    look->result = NULL;
}

/* ---- is it ours ---- */

static bool has_key_here(void *context, struct dcs_bundle *bundle)
{
    bool *found = context;

    *found = dcs_bundle_has_key(bundle);
    return !*found;
}

/* An order with a section of its own, or with a generation with key here. */
static bool is_managed(struct job *job, int64_t id, const struct dcs_order_settings *settings,
                       const struct plan_input *input)
{
    bool found = false;

    if (settings->has_section || input->facts.certificate.has_key)
        return true;
    return dcs_cache_each(&job->cache, id, has_key_here, &found, NULL) && found;
}

bool dcs_sync_is_managed(struct job *job, int64_t id)
{
    dcs_auto(dcs_order) struct dcs_order *order = NULL;
    struct dcs_order_settings settings;
    bool found = false;

    dcs_show_read_order(job, id, &order, &settings);
    return settings.has_section ||
           (dcs_cache_each(&job->cache, id, has_key_here, &found, NULL) && found);
}

/* ---- what is to be done ---- */

/* Whether the CA's line tells more than was learned of the order since the time that it is about. */
static bool is_news(const struct sync_changes *changes, const struct dcs_order_ref *ref,
                    const struct dcs_order *order, const struct plan_input *input)
{
    bool same_status = strcmp(ref->status, order->status_text) == 0;

    if (!same_status)
        return true;
    if (ref->certificate_id == order->certificate_id)
        return input->memo.read_at < changes->since &&
               (ref->certificate_id != input->here.certificate_id ||
                input->here.committed_at < changes->since);
    /* What was reissued here after order info was read. */
    return ref->certificate_id != input->here.certificate_id ||
           input->here.committed_at < changes->since;
}

static bool has_changed(const struct sync_changes *changes, int64_t id,
                        const struct dcs_order *order, const struct plan_input *input, int64_t now)
{
    const struct dcs_order_ref *ref = dcs_sync_change_of(changes, id);

    if (changes->all)
        return input->memo.read_at > now || now - input->memo.read_at > JUST_READ_S;
    return ref && is_news(changes, ref, order, input);
}

/* Each order has its moment of the week, so that no day has them all; none is read twice within 24 h. */
static bool is_weekly(const struct plan_input *input, int64_t now)
{
    int64_t moment = (int64_t)(input->facts.hash % WEEK_S);
    int64_t last = now - (now - moment) % WEEK_S;
    int64_t read_at = input->memo.read_at;

    return read_at > now || (read_at < last && now - read_at >= DAY_S);
}

/* What failed for a reason that time may cure is tried again when its time has come. */
static bool is_to_be_retried(const struct dcs_memo *memo)
{
    switch (memo->failure.code) {
    case DCS_E_AWAY:
    case DCS_E_LIMIT:
    case DCS_E_TIMEOUT:
    case DCS_E_STATE:
    case DCS_E_REJECTED:
    case DCS_E_DENIED:
    case DCS_E_CONFIG:
    case DCS_E_NOMEM:
    case DCS_E_BUG:
        return memo->failures > 0;
    case DCS_E_NONE:
    case DCS_E_URI:
    case DCS_E_INPUT:
    case DCS_E_NOT_FOUND:
    case DCS_E_NO_KEY:
    case DCS_E_KEY_FILE:
    case DCS_E_REFUSED:
    case DCS_E_PENDING:
    case DCS_E_READER:
    case DCS_E_POLICY:
    case DCS_E_ENDED:
    case DCS_E_COUNT:
        break;
    }
    return false;
}

/* What stands in the way is looked at and said again from time to time, until somebody acts. */
static bool is_to_be_said(const struct dcs_memo *memo, const struct dcs_plan *plan)
{
    return (plan->action == DCS_PLAN_REFUSED || plan->action == DCS_PLAN_RENEWAL_DUE) &&
           memo->attempt_at < plan->say_since;
}

static enum sync_rank rank_of_reissue(const struct dcs_plan *plan, const struct plan_input *input)
{
    if (plan->cause == DCS_CAUSE_REVOKED || plan->stage >= DCS_STAGE_CRITICAL)
        return SYNC_CRITICAL;
    if (plan->stage == DCS_STAGE_URGENT)
        return SYNC_URGENT;
    if (plan->cause == DCS_CAUSE_NO_PAIR || !input->facts.certificate.has_key)
        return SYNC_NO_PAIR;
    return SYNC_DUE;
}

static bool backs_off(const struct job *job, const struct dcs_memo *memo, int64_t now)
{
    return memo->failures > 0 && !dcs_fetch_may_try(memo, now) && !dcs_away_explains(job, memo);
}

static bool asks_for_one(const struct dcs_plan *plan)
{
    return plan->action == DCS_PLAN_REISSUE || plan->action == DCS_PLAN_DUPLICATE;
}

/* What failed then was another thing: it was not yet wanted. So a pause that ends, or a certificate that
 * becomes due, waits for no backoff of a failure before. */
static bool became_due_since(const struct plan_input *input, const struct dcs_plan *plan)
{
    struct dcs_plan then;

    if (!asks_for_one(plan) || input->memo.attempt_at <= 0)
        return false;
    dcs_plan_decide(&input->facts, input->memo.attempt_at, &then);
    return !asks_for_one(&then);
}

static enum sync_rank rank_of(const struct plan_input *input, const struct dcs_plan *plan,
                              bool is_changed, bool backs_off)
{
    bool asks = asks_for_one(plan);

    if (input->intent_was_sent)
        return is_changed || input->intent_wait_s == 0 ? SYNC_POLL : SYNC_NOTHING;
    if (asks && !backs_off)
        return rank_of_reissue(plan, input);
    if (is_changed)
        return SYNC_FETCH;
    if (backs_off)
        return SYNC_NOTHING;
    if (input->has_intent)
        return SYNC_POLL;
    bool wants = !input->facts.certificate.exists || is_to_be_retried(&input->memo) ||
                 is_to_be_said(&input->memo, plan);
    return wants ? SYNC_FETCH : SYNC_NOTHING;
}

/* ---- what is told of an order that needs nothing ---- */

static struct dcs_json *result_of(int64_t id, const struct plan_input *input,
                                  const struct dcs_plan *plan, bool waits)
{
    dcs_auto(dcs_json) struct dcs_json *result = dcs_json_new_object();
    char uri[64];

    snprintf(uri, sizeof(uri), "digicert://order/%lld", (long long)id);
    waits |= plan->reason == DCS_WHY_MAINTENANCE;
    dcs_json_add_text(result, "action", waits ? "waiting" : "nothing");
    dcs_json_add_text(result, "uri", uri);
    dcs_json_add_i64(result, "order_id", id);
    if (input->facts.certificate.exists) {
        struct dcs_json *current = dcs_json_add_object(result, "current");
        dcs_json_add_text(current, "serial", input->here.serial);
        dcs_json_add_text(current, "common_name", input->here.common_name);
        dcs_json_add_time(current, "not_after", input->facts.certificate.not_after);
        dcs_json_add_text(current, "stage", dcs_stage_name(plan->stage));
    }
    struct dcs_json *words = dcs_json_add_object(result, "plan");
    dcs_json_add_text(words, "action", dcs_plan_action_name(plan->action));
    dcs_json_add_text(words, "words", plan->words);
    return dcs_steal(&result);
}

/* ---- the look ---- */

static bool has_leftovers(struct job *job, int64_t id, int *ret_generations)
{
    dcs_auto(dcs_names) struct dcs_names names = { 0 };
    bool any = false;
    char path[64];

    *ret_generations = 0;
    snprintf(path, sizeof(path), "orders/%lld", (long long)id);
    if (!dcs_fs_list(job->cache.fd, path, 100000, &names, NULL))
        return true;
    for (size_t i = 0; i < names.count; i++) {
        any |= names.names[i][0] == '.';
        *ret_generations += strncmp(names.names[i], "gen-", 4) == 0;
    }
    return any;
}

static bool needs_house(struct job *job, int64_t id, const struct dcs_order_settings *settings,
                        const struct plan_input *input)
{
    int generations = 0;

    return has_leftovers(job, id, &generations) || generations > KEPT_ANYWAY ||
           settings->successor || input->facts.closed.exists;
}

/* An auto order that has nothing usable and may not get it: said in every run until somebody acts, also
 * when nobody need be asked. What merely waits behind a valid pair has its own times (say_since). */
static void note_refusal(int64_t id, const struct plan_input *input, const struct dcs_plan *plan,
                         struct dcs_err *refusal)
{
    const struct dcs_plan_certificate *c = &input->facts.certificate;
    bool is_refused = plan->action == DCS_PLAN_REFUSED || plan->action == DCS_PLAN_RENEWAL_DUE;
    bool is_usable = c->exists && c->has_key && plan->stage != DCS_STAGE_EXPIRED &&
                     plan->stage != DCS_STAGE_REVOKED;

    if (!is_refused || is_usable || input->facts.settings.reissue != DCS_REISSUE_AUTO)
        return;
    dcs_fail(refusal, DCS_E_POLICY, "order %lld: %s", (long long)id, plan->words);
    dcs_hint(refusal, "`digicert-store show order/%lld` explains", (long long)id);
}

void dcs_sync_look(struct job *job, int64_t id, const struct sync_changes *changes,
                   struct sync_look *ret_look)
{
    dcs_auto(dcs_order) struct dcs_order *order = NULL;
    struct dcs_order_settings settings;
    struct sync_look *look = ret_look;
    struct plan_input input;
    struct dcs_plan plan;
    int64_t now = dcs_env_now(job->env);

    *look = (struct sync_look){ .not_after = -1, .next_due = -1, .is_managed = true };
    dcs_show_read_order(job, id, &order, &settings);
    const struct plan_query query = { .id = id, .order = order, .settings = &settings, .now = now };
    if (!dcs_plan_gather(job, &query, &input, &look->err))
        return;
    look->is_managed = is_managed(job, id, &settings, &input);
    if (!look->is_managed)
        return;
    dcs_plan_decide(&input.facts, now, &plan);
    look->is_changed = !order || has_changed(changes, id, order, &input, now);
    bool is_early = backs_off(job, &input.memo, now) && !became_due_since(&input, &plan);
    look->rank = rank_of(&input, &plan, look->is_changed, is_early);
    look->waits = look->rank >= SYNC_CRITICAL && look->rank <= SYNC_DUE && !look->is_changed &&
                  input.facts.certificate.exists && dcs_away_holds(job, DCS_SERVICE_ISSUANCE);
    look->is_weekly =
        look->rank == SYNC_NOTHING && !input.intent_was_sent && !is_early && !plan.in_window &&
        (is_weekly(&input, now) || (order && dcs_lists_are_due(&input, order, now))) &&
        !dcs_away_holds(job, DCS_SERVICE_WHOLE);
    look->read_at = input.memo.read_at;
    look->not_after = input.facts.certificate.not_after;
    look->next_due = plan.dates.due > now ? plan.dates.due : -1;
    look->needs_house = order && needs_house(job, id, &settings, &input);
    look->result = result_of(id, &input, &plan, look->waits);
    if (order && look->rank == SYNC_NOTHING)
        note_refusal(id, &input, &plan, &look->refusal);
}

void dcs_sync_keep_house(struct job *job, int64_t id)
{
    dcs_auto(dcs_order) struct dcs_order *order = NULL;
    dcs_auto(dcs_lock) struct dcs_lock lock = DCS_LOCK_NONE;
    struct dcs_order_settings settings;
    char path[64];
    bool held = false;

    dcs_show_read_order(job, id, &order, &settings);
    if (settings.successor)
        dcs_fetch_lead(job, settings.successor);
    snprintf(path, sizeof(path), "orders/%lld/lock", (long long)id);
    /* An order that another process works on is left to the next run. */
    if (!dcs_cache_has_order(&job->cache, id) ||
        !dcs_cache_try_lock(&job->cache, path, &held, &lock, NULL) || !held)
        return;
    dcs_cache_tidy(&job->cache, id);
    dcs_cache_prune(&job->cache, id, dcs_config_predecessor(job->config, id),
                    dcs_env_now(job->env));
}
