// SPDX-License-Identifier: Apache-2.0
/*
 * store_reissue.c - a reissue within an attempt: the open request's next step, or a new request when
 * policy or a person wants one. The order's lock is held; what comes is committed here.
 */
#include <stdio.h>
#include <string.h>

#include "base/trace.h"
#include "store_fetch.h"

/* ---- what is wanted ---- */

struct goal_text {
    char end_date[16];
};

static void goal_of(const struct fetch *f, const struct plan_input *input,
                    const struct dcs_plan *plan, struct goal_text *text,
                    struct dcs_reissue_goal *ret_goal)
{
    char when[DCS_TIME_TEXT];

    text->end_date[0] = '\0';
    if (plan->ask_end > 0) {
        dcs_time_text(plan->ask_end, when);
        snprintf(text->end_date, sizeof(text->end_date), "%.10s", when);
    }
    *ret_goal = (struct dcs_reissue_goal){
        .cause = dcs_cause_name(plan->cause),
        .why = f->wish && f->wish->why ? f->wish->why : plan->words,
        .input = input->input,
        .is_duplicate = plan->action == DCS_PLAN_DUPLICATE,
        .key_kind = f->settings.key,
        .end_date = text->end_date,
        .profile_option = plan->ask_client_auth ? "server_client_auth_eku" : "",
        .expected_end = plan->expected_end > 0 ? plan->expected_end : 0,
        .drift_disable_ct = input->facts.order.disable_ct,
        .drift_account = input->facts.order.account_ct,
        .drift_mode = (int)input->facts.settings.ct,
    };
}

/* ---- taking in ---- */

static bool commit(struct fetch *f, const struct dcs_order *order, const struct dcs_intent *intent,
                   struct dcs_accepted *accepted, struct dcs_err *err)
{
    dcs_auto(dcs_key) struct dcs_key key = { 0 };

    if (!dcs_cache_intent_key(&f->job->cache, intent, &key, err) ||
        !dcs_fetch_commit(f->job, order, &f->settings, accepted, &key, intent->generation, err))
        return false;
    f->reissued = true;
    return true;
}

/* NULL where none is configured, or it cannot be read now: a key that exists is closed already. */
static const struct dcs_secret *passphrase_of(const struct fetch *f, struct dcs_secret *passphrase)
{
    return *f->settings.key_passphrase_file &&
                   dcs_fetch_passphrase(f->job, &f->settings, passphrase, NULL)
               ? passphrase
               : NULL;
}

static bool step(struct fetch *f, struct dcs_api *api, const struct dcs_order *order,
                 struct dcs_intent *intent, struct dcs_err *err)
{
    dcs_auto(dcs_accepted) struct dcs_accepted accepted = { 0 };
    dcs_auto(dcs_secret) struct dcs_secret passphrase = { 0 };
    const struct dcs_reissue_run run = { .env = f->job->env,
                                         .cache = &f->job->cache,
                                         .api = api,
                                         .order = order,
                                         .limits = f->job->settings->limits,
                                         .may_repeat =
                                             f->may_repeat || (f->wish && f->wish->reissue),
                                         .impatient = f->wish != NULL,
                                         .passphrase = passphrase_of(f, &passphrase) };

    return dcs_reissue_step(&run, intent, &accepted, err) &&
           commit(f, order, intent, &accepted, err);
}

static bool begin(struct fetch *f, struct dcs_api *api, const struct dcs_order *order,
                  const struct plan_input *input, const struct dcs_plan *plan,
                  struct dcs_intent *intent, struct dcs_err *err)
{
    dcs_auto(dcs_secret) struct dcs_secret passphrase = { 0 };
    const struct dcs_reissue_run run = { .env = f->job->env,
                                         .cache = &f->job->cache,
                                         .api = api,
                                         .order = order,
                                         .passphrase = *f->settings.key_passphrase_file
                                                           ? &passphrase
                                                           : NULL };
    struct dcs_reissue_goal goal;
    struct goal_text text;

    goal_of(f, input, plan, &text, &goal);
    /* While the CA issues nothing no keys are made for it. */
    if (!dcs_api_may_change(api, err) ||
        !dcs_fetch_access(f->job, &f->settings, &goal.access, err) ||
        (run.passphrase && !dcs_fetch_passphrase(f->job, &f->settings, &passphrase, err)))
        return false;
    dcs_trace(f->job->env, "order %lld: asking for a new certificate: %s", (long long)f->id,
              goal.why);
    return dcs_reissue_begin(&run, &goal, intent, err) && step(f, api, order, intent, err);
}

/* ---- deciding ---- */

/* An order is `auto` when it is managed and its settings say so; without any key here only with a
 * section of its own. */
static bool is_auto(const struct fetch *f, const struct plan_input *input)
{
    return f->settings.reissue == DCS_REISSUE_AUTO &&
           (f->settings.has_section || input->facts.certificate.has_key);
}

static bool fail_plan(const struct fetch *f, const struct dcs_plan *plan, struct dcs_err *err)
{
    dcs_fail(err, DCS_E_POLICY, "order %lld: %s", (long long)f->id, plan->words);
    return dcs_hint(err, "`digicert-store show order/%lld` explains", (long long)f->id);
}

static bool decide(struct fetch *f, struct dcs_api *api, const struct dcs_order *order,
                   struct plan_input *ret_input, struct dcs_plan *ret_plan, struct dcs_err *err)
{
    int64_t now = dcs_env_now(f->job->env);
    int64_t ahead_s = 0;

    if (!dcs_plan_gather(f->job, f->id, order, &f->settings, now, ret_input, err))
        return false;
    if (dcs_api_clock_offset(api, &ahead_s))
        ret_input->facts.clock_skew_s = -ahead_s;
    ret_input->facts.verb = f->wish && f->wish->reissue;
    ret_input->facts.allow_san_change = f->wish && f->wish->allow_san_change;
    if (f->wish && f->wish->reissue) /* the verb names the way: a duplicate cannot change CT */
        ret_input->facts.settings.via = f->wish->is_duplicate ? DCS_VIA_DUPLICATE : DCS_VIA_REISSUE;
    if (!is_auto(f, ret_input))
        ret_input->facts.settings.reissue = DCS_REISSUE_NEVER;
    dcs_plan_decide(&ret_input->facts, now, ret_plan);
    return true;
}

bool dcs_fetch_reissue(struct fetch *f, struct dcs_api *api, const struct dcs_order *order,
                       struct dcs_err *err)
{
    dcs_auto(dcs_intent) struct dcs_intent intent = { 0 };
    struct plan_input input;
    struct dcs_plan plan;

    if (!dcs_cache_intent(&f->job->cache, f->id, &intent, err))
        return false;
    /* What is out at the CA is gone on with, whatever the settings say now. */
    if (intent.request && intent.request->posted_at)
        return step(f, api, order, &intent, err);
    if (f->begins_nothing || (f->wish && !f->wish->reissue) ||
        (!f->wish && !intent.request && f->settings.reissue == DCS_REISSUE_NEVER))
        return true;
    if (!decide(f, api, order, &input, &plan, err))
        return false;
    /* A person's request that never got out is still wanted. */
    if (intent.request && dcs_cause_from_name(intent.request->cause) == DCS_CAUSE_VERB) {
        input.facts.verb = true;
        dcs_plan_decide(&input.facts, dcs_env_now(f->job->env), &plan);
    }
    switch (plan.action) {
    case DCS_PLAN_REISSUE:
    case DCS_PLAN_DUPLICATE:
        return intent.request ? step(f, api, order, &intent, err)
                              : begin(f, api, order, &input, &plan, &intent, err);
    case DCS_PLAN_REFUSED:
    case DCS_PLAN_RENEWAL_DUE:
        return fail_plan(f, &plan, err);
    case DCS_PLAN_WAIT:
    case DCS_PLAN_PENDING:
        return true;
    }
    return true;
}
