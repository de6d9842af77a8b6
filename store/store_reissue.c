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

struct decision {
    struct plan_input input;
    struct dcs_plan plan;
};

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

static struct dcs_reissue_run run_of(const struct fetch *f, struct dcs_api *api,
                                     const struct dcs_order *order,
                                     const struct dcs_secret *passphrase)
{
    return (struct dcs_reissue_run){ .env = f->job->env,
                                     .cache = &f->job->cache,
                                     .api = api,
                                     .order = order,
                                     .limits = f->job->settings->limits,
                                     .may_repeat = f->may_repeat || (f->wish && f->wish->reissue),
                                     .impatient = f->wish != NULL,
                                     .passphrase = passphrase };
}

/* *ret_denied: the CA does not know the request; whether it is sent again is the caller's to decide. */
static bool step(struct fetch *f, struct dcs_api *api, const struct dcs_order *order,
                 struct dcs_intent *intent, bool *ret_denied, struct dcs_err *err)
{
    dcs_auto(dcs_accepted) struct dcs_accepted accepted = { 0 };
    dcs_auto(dcs_secret) struct dcs_secret passphrase = { 0 };
    const struct dcs_reissue_run run = run_of(f, api, order, passphrase_of(f, &passphrase));

    return dcs_reissue_step(&run, intent, ret_denied, &accepted, err) &&
           commit(f, order, intent, &accepted, err);
}

static bool begin(struct fetch *f, struct dcs_api *api, const struct dcs_order *order,
                  const struct decision *d, struct dcs_intent *intent, struct dcs_err *err)
{
    dcs_auto(dcs_secret) struct dcs_secret passphrase = { 0 };
    const struct dcs_reissue_run run =
        run_of(f, api, order, *f->settings.key_passphrase_file ? &passphrase : NULL);
    struct dcs_reissue_goal goal;
    struct goal_text text;
    bool denied = false;

    goal_of(f, &d->input, &d->plan, &text, &goal);
    /* While the CA issues nothing no keys are made for it. */
    if (!dcs_api_may_change(api, err) ||
        !dcs_fetch_access(f->job, &f->settings, &goal.access, err) ||
        (run.passphrase && !dcs_fetch_passphrase(f->job, &f->settings, &passphrase, err)))
        return false;
    dcs_trace(f->job->env, "order %lld: asking for a new certificate: %s", (long long)f->id,
              goal.why);
    return dcs_reissue_begin(&run, &goal, intent, err) && step(f, api, order, intent, &denied, err);
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

/* A person's request that got no answer is still wanted, in that person's way. Names that would go were
 * agreed to by a person for that moment alone. */
static void take_wish(const struct fetch *f, const struct dcs_request *open,
                      struct dcs_plan_facts *facts)
{
    const struct dcs_wish *wish = f->wish && f->wish->reissue ? f->wish : NULL;
    bool was_asked = open && dcs_cause_from_name(open->cause) == DCS_CAUSE_VERB;
    bool is_duplicate = wish ? wish->is_duplicate : was_asked && open->is_duplicate;

    facts->verb = wish || was_asked;
    facts->allow_san_change = wish && wish->allow_san_change;
    if (facts->verb) /* the verb names the way: a duplicate cannot change CT */
        facts->settings.via = is_duplicate ? DCS_VIA_DUPLICATE : DCS_VIA_REISSUE;
}

/* open: a request that is decided on again as if it had never been sent, NULL none. */
static bool decide(struct fetch *f, struct dcs_api *api, const struct dcs_order *order,
                   const struct dcs_request *open, struct decision *ret_decision,
                   struct dcs_err *err)
{
    struct dcs_plan_facts *facts = &ret_decision->input.facts;
    const struct plan_query query = { .id = f->id,
                                      .order = order,
                                      .settings = &f->settings,
                                      .now = dcs_env_now(f->job->env),
                                      .is_anew = open != NULL };
    int64_t ahead_s = 0;

    if (!dcs_plan_gather(f->job, &query, &ret_decision->input, err))
        return false;
    if (dcs_api_clock_offset(api, &ahead_s))
        facts->clock_skew_s = -ahead_s;
    take_wish(f, open, facts);
    if (!is_auto(f, &ret_decision->input))
        facts->settings.reissue = DCS_REISSUE_NEVER;
    dcs_plan_decide(facts, query.now, &ret_decision->plan);
    return true;
}

static bool wants_one(const struct dcs_plan *plan)
{
    return plan->action == DCS_PLAN_REISSUE || plan->action == DCS_PLAN_DUPLICATE;
}

static bool is_its_way(const struct dcs_plan *plan, const struct dcs_request *request)
{
    return plan->action == (request->is_duplicate ? DCS_PLAN_DUPLICATE : DCS_PLAN_REISSUE);
}

/* Without an open request, or with one that was never sent. */
static bool act(struct fetch *f, struct dcs_api *api, const struct dcs_order *order,
                const struct decision *d, struct dcs_intent *intent, struct dcs_err *err)
{
    bool denied = false;

    if (wants_one(&d->plan))
        return intent->request ? step(f, api, order, intent, &denied, err)
                               : begin(f, api, order, d, intent, err);
    if (d->plan.action == DCS_PLAN_REFUSED || d->plan.action == DCS_PLAN_RENEWAL_DUE)
        return fail_plan(f, &d->plan, err);
    return true; /* WAIT, PENDING */
}

/* The CA does not know what was sent to it: the same policy as before a first POST says whether it is
 * sent again. If not, that request is given up, and what is wanted now is done instead. */
static bool decide_anew(struct fetch *f, struct dcs_api *api, const struct dcs_order *order,
                        struct dcs_intent *intent, struct dcs_err *err)
{
    dcs_auto(dcs_accepted) struct dcs_accepted accepted = { 0 };
    dcs_auto(dcs_intent) struct dcs_intent fresh = { .order = f->id };
    dcs_auto(dcs_secret) struct dcs_secret passphrase = { 0 };
    const struct dcs_reissue_run run = run_of(f, api, order, passphrase_of(f, &passphrase));
    struct decision d;

    if (!decide(f, api, order, intent->request, &d, err))
        return false;
    if (wants_one(&d.plan) && is_its_way(&d.plan, intent->request))
        return dcs_reissue_repeat(&run, intent, &accepted, err) &&
               commit(f, order, intent, &accepted, err);
    dcs_trace(f->job->env, "order %lld: what the CA does not know is not asked for again: %s",
              (long long)f->id, d.plan.words);
    return dcs_reissue_abandon(&run, intent, d.plan.words, err) &&
           act(f, api, order, &d, &fresh, err);
}

static bool go_on(struct fetch *f, struct dcs_api *api, const struct dcs_order *order,
                  struct dcs_intent *intent, struct dcs_err *err)
{
    struct dcs_err why = { 0 };
    bool denied = false;

    if (step(f, api, order, intent, &denied, &why))
        return true;
    if (denied)
        return decide_anew(f, api, order, intent, err);
    *err = why;
    return false;
}

bool dcs_fetch_reissue(struct fetch *f, struct dcs_api *api, const struct dcs_order *order,
                       struct dcs_err *err)
{
    dcs_auto(dcs_intent) struct dcs_intent intent = { 0 };
    struct decision d;

    if (!dcs_cache_intent(&f->job->cache, f->id, &intent, err))
        return false;
    /* What is out at the CA is gone on with, whatever the settings say now. */
    if (intent.request && intent.request->posted_at)
        return go_on(f, api, order, &intent, err);
    if (f->begins_nothing || (f->wish && !f->wish->reissue) ||
        (!f->wish && !intent.request && f->settings.reissue == DCS_REISSUE_NEVER))
        return true;
    return decide(f, api, order, intent.request, &d, err) && act(f, api, order, &d, &intent, err);
}
