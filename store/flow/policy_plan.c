// SPDX-License-Identifier: Apache-2.0
/*
 * policy_plan.c - the decision about a new certificate; must never look at a clock, a file or the
 * network, and never answers "ask again" to the same facts for ever.
 */
#include "flow/policy_plan.h"

#include <stdio.h>
#include <string.h>

#include "flow/policy_parts.h"

enum {
    DAY_S = 86400,
    CLOCK_AWAY_S = 3600,
    END_SHIFT_S = 4 * DAY_S, /* the CA moves ends off weekends and holidays */
    MADE_HERE_MAX = 3,
    CANDIDATES_MAX = 9 + 4 * DCS_LIMIT_ROWS + DCS_PLAN_WINDOW_MOMENTS,
};

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static enum dcs_stage stage_at(const struct dcs_plan_facts *facts,
                               const struct dcs_plan_dates *dates, int64_t now)
{
    if (!facts->certificate.exists)
        return DCS_STAGE_NONE;
    if (facts->certificate.revoked)
        return DCS_STAGE_REVOKED;
    if (now >= dates->expires)
        return DCS_STAGE_EXPIRED;
    if (now >= dates->critical)
        return DCS_STAGE_CRITICAL;
    if (now >= dates->urgent)
        return DCS_STAGE_URGENT;
    return now >= dates->due ? DCS_STAGE_DUE : DCS_STAGE_FRESH;
}

/* ---- one look at one moment ---- */

struct look {
    const struct dcs_plan_facts *facts;
    const struct dcs_plan *plan; /* dates and ct, which do not depend on the moment */
    int64_t now;
    struct dcs_plan_windows windows;
    struct dcs_term term;
    enum dcs_cause cause;
    int64_t end; /* end(now), -1 unknown */
    int64_t gain_s;
};

struct verdict {
    enum dcs_plan_action action;
    enum dcs_cause cause;
    enum dcs_plan_reason reason;
};

static enum dcs_cause find_cause(const struct look *l)
{
    const struct dcs_plan_facts *facts = l->facts;
    const struct dcs_plan *plan = l->plan;
    const struct dcs_plan_certificate *c = &facts->certificate;

    if (facts->verb)
        return DCS_CAUSE_VERB;
    if (c->exists && (c->revoked || c->revocation_pending))
        return DCS_CAUSE_REVOKED;
    if (!c->exists || !c->has_key)
        return DCS_CAUSE_NO_PAIR;
    if (dcs_ct_is_drift(plan->ct.state) && !plan->ct.repeated)
        return DCS_CAUSE_CT_DRIFT;
    if (l->now >= plan->dates.urgent || l->windows.is_hurried)
        return DCS_CAUSE_URGENT;
    return l->now >= plan->dates.due ? DCS_CAUSE_DUE : DCS_CAUSE_NONE;
}

/* What a new certificate must gain for that cause; 0 when it need not gain anything. */
static int64_t needed_gain(const struct look *l)
{
    if (l->cause == DCS_CAUSE_DUE)
        return most(DAY_S, dcs_plan_life_s(&l->facts->certificate) / 4);
    return l->cause == DCS_CAUSE_URGENT ? DAY_S : 0;
}

static bool end_is_recorded(const struct look *l)
{
    int64_t end = l->term.order_end;

    return end >= 0 && l->facts->end_of_order == end &&
           end - l->facts->certificate.not_after < END_SHIFT_S;
}

static bool gains(const struct look *l, int64_t end)
{
    int64_t need = needed_gain(l);

    return need == 0 || end < 0 || end - l->facts->certificate.not_after >= need;
}

static bool no_day_to_gain(const struct look *l)
{
    if (needed_gain(l) == 0)
        return false;
    return end_is_recorded(l) ||
           (l->term.order_end >= 0 && l->end == l->term.order_end && l->gain_s < DAY_S);
}

static enum dcs_plan_reason order_obstacle(const struct look *l)
{
    static const enum dcs_plan_reason by_status[] = {
        [DCS_ORDER_ISSUED] = DCS_WHY_GO,
        [DCS_ORDER_REISSUE_PENDING] = DCS_WHY_GO,
        [DCS_ORDER_REJECTED] = DCS_WHY_ORDER_DEAD,
        [DCS_ORDER_CANCELED] = DCS_WHY_ORDER_DEAD,
        [DCS_ORDER_REVOKED] = DCS_WHY_ORDER_DEAD,
        [DCS_ORDER_EXPIRED] = DCS_WHY_ORDER_ENDED, /* or its certificate: see below */
        [DCS_ORDER_UNKNOWN] = DCS_WHY_NOT_ISSUED,
        [DCS_ORDER_NEEDS_APPROVAL] = DCS_WHY_NOT_ISSUED,
        [DCS_ORDER_PENDING] = DCS_WHY_NOT_ISSUED,
        [DCS_ORDER_PROCESSING] = DCS_WHY_NOT_ISSUED,
        [DCS_ORDER_NEEDS_CSR] = DCS_WHY_NOT_ISSUED,
        [DCS_ORDER_WAITING_PICKUP] = DCS_WHY_NOT_ISSUED,
    };
    enum dcs_order_status status = l->facts->order.status;
    int64_t skew = l->facts->clock_skew_s;

    if (!l->facts->order.known)
        return DCS_WHY_NO_ORDER;
    if ((unsigned)status >= DCS_COUNT(by_status))
        return DCS_WHY_NOT_ISSUED;
    /* An order whose end is ahead has not ended, whatever expired; the CA may say no. */
    bool goes_on = status == DCS_ORDER_EXPIRED && l->term.order_end > l->now;
    if (by_status[status] != DCS_WHY_GO && !goes_on)
        return by_status[status];
    if (skew > CLOCK_AWAY_S || skew < -CLOCK_AWAY_S)
        return DCS_WHY_CLOCK;
    /* end(now) <= now: nothing else can bring that about. */
    return l->term.order_end >= 0 && l->term.order_end <= l->now ? DCS_WHY_ORDER_ENDED : DCS_WHY_GO;
}

static bool foreign_is_pending(const struct dcs_plan_facts *facts)
{
    return facts->foreign.exists || facts->order.status == DCS_ORDER_REISSUE_PENDING;
}

/*
 * An intent that the CA refused is not repeated with the same input. A stronger cause is another
 * input, and reaching urgent counts once: what is asked then was asked after it.
 */
static bool is_answered(const struct look *l)
{
    const struct dcs_plan_closed *closed = &l->facts->closed;
    int64_t urgent = l->plan->dates.urgent;

    if (!closed->exists || closed->input_changed || l->cause == DCS_CAUSE_VERB ||
        l->cause > closed->cause || (closed->again_at && l->now >= closed->again_at))
        return false;
    return !(urgent >= 0 && l->now >= urgent && closed->asked_at < urgent);
}

static bool is_today(const struct look *l)
{
    return l->facts->counted_day == dcs_time_midnight(l->now);
}

static enum dcs_plan_reason obstacle(const struct look *l)
{
    const struct dcs_plan_facts *f = l->facts;
    const struct dcs_product_row *product = dcs_policy_product(f->order.product);
    bool by_person = l->cause == DCS_CAUSE_VERB;
    bool loses_name = f->names && f->names->change == DCS_NAMES_LOST;
    const struct {
        bool stands;
        enum dcs_plan_reason reason;
    } rows[] = {
        { !product->by_itself && !by_person, DCS_WHY_PRODUCT },
        { !product->software_key && !f->settings.key_in_token, DCS_WHY_SOFTWARE_KEY },
        { f->order.has_successor, DCS_WHY_SUCCESSOR },
        { f->certificate.is_held && l->cause == DCS_CAUSE_DUE, DCS_WHY_HELD },
        { product->public_tls && f->settings.client_auth_needed &&
              l->now >= f->settings.limits->client_auth_stop,
          DCS_WHY_CLIENT_AUTH },
        { foreign_is_pending(f), DCS_WHY_FOREIGN_PENDING },
        { loses_name && !(by_person && f->allow_san_change), DCS_WHY_NAMES },
        { is_answered(l), f->closed.again_at ? DCS_WHY_NOT_TAKEN : DCS_WHY_ANSWERED },
        { is_today(l) && f->made_here >= MADE_HERE_MAX && l->cause < DCS_CAUSE_REVOKED,
          DCS_WHY_TODAY_HERE },
        { is_today(l) && f->seen_there >= f->settings.max_reissues_per_day &&
              l->cause == DCS_CAUSE_DUE,
          DCS_WHY_TODAY_THERE },
    };

    for (size_t i = 0; i < DCS_COUNT(rows); i++)
        if (rows[i].stands)
            return rows[i].reason;
    return DCS_WHY_GO;
}

/* The end that a duplicate would have: that of the certificate it copies. */
static int64_t duplicate_end(const struct look *l)
{
    int64_t primary = l->facts->order.primary_not_after;

    return primary < 0 || (l->end >= 0 && l->end < primary) ? l->end : primary;
}

/*
 * A duplicate when it is configured and would do: it cannot have another CT setting, and the CA's
 * pages say both that it ends with the original and that it is shortened like a reissue
 * (facts/policy.md 3.5). So it is taken only when the original itself ends late enough.
 */
static bool duplicate_will_do(const struct look *l)
{
    int64_t primary = l->facts->order.primary_not_after;

    if (l->facts->settings.via != DCS_VIA_DUPLICATE || l->cause == DCS_CAUSE_CT_DRIFT)
        return false;
    if (primary < 0)
        return true;
    /* Not one that would be urgent at once, unless nothing lasts longer. */
    if (primary - l->now <= dcs_term_longest_s(&l->term, l->now) / 6 &&
        (l->term.order_end < 0 || primary < l->term.order_end))
        return false;
    return gains(l, duplicate_end(l));
}

static struct look look_at(const struct dcs_plan_facts *facts, const struct dcs_plan *plan,
                           int64_t now)
{
    struct look l = { .facts = facts, .plan = plan, .now = now, .term = dcs_plan_term(facts) };

    dcs_plan_look_at_windows(facts, &plan->dates, now, &l.windows);
    l.cause = find_cause(&l);
    l.end = dcs_term_end(&l.term, now);
    if (l.end >= 0)
        l.gain_s = l.end - (facts->certificate.exists ? facts->certificate.not_after : now);
    return l;
}

static struct verdict judge(const struct look *l)
{
    bool never = l->facts->settings.reissue == DCS_REISSUE_NEVER && l->cause != DCS_CAUSE_VERB;
    enum dcs_plan_reason in_order = order_obstacle(l);
    struct verdict v = { DCS_PLAN_WAIT, l->cause, DCS_WHY_FRESH };

#define SAY(what, why) ((struct verdict){ what, l->cause, why })
    if (l->facts->ours.exists && in_order != DCS_WHY_ORDER_DEAD && in_order != DCS_WHY_ORDER_ENDED)
        return SAY(DCS_PLAN_PENDING, DCS_WHY_OURS_PENDING);
    if (l->facts->ours.exists)
        return SAY(DCS_PLAN_REFUSED, in_order);
    if (l->cause == DCS_CAUSE_NONE)
        return v;
    if (!never && in_order != DCS_WHY_GO)
        return SAY(DCS_PLAN_REFUSED, in_order);
    if (no_day_to_gain(l))
        return SAY(DCS_PLAN_RENEWAL_DUE, DCS_WHY_ORDER_END);
    if (never)
        return SAY(DCS_PLAN_WAIT, DCS_WHY_NEVER);
    if (!gains(l, l->end))
        return SAY(DCS_PLAN_WAIT, DCS_WHY_LITTLE_GAIN);
    enum dcs_plan_reason in_the_way = obstacle(l);
    if (in_the_way != DCS_WHY_GO)
        return SAY(DCS_PLAN_REFUSED, in_the_way);
    if (l->cause == DCS_CAUSE_DUE && l->windows.held_until)
        return SAY(DCS_PLAN_WAIT, DCS_WHY_MAINTENANCE);
    return SAY(duplicate_will_do(l) ? DCS_PLAN_DUPLICATE : DCS_PLAN_REISSUE, DCS_WHY_GO);
#undef SAY
}

/* ---- when it changes ---- */

struct candidates {
    int64_t now;
    int64_t at[CANDIDATES_MAX];
    size_t count;
};

static void add_candidate(struct candidates *all, int64_t at)
{
    if (at > all->now && all->count < CANDIDATES_MAX)
        all->at[all->count++] = at;
}

/* With a maximum of `longest`: the midnights from which what is asked for gains enough, and the
 * moment from which a duplicate of the certificate at the CA would be urgent at once. */
static void add_gain_candidates(const struct look *l, int64_t longest, struct candidates *all)
{
    const struct dcs_plan_certificate *c = &l->facts->certificate;
    const int64_t needs[] = { DAY_S, most(DAY_S, c->exists ? dcs_plan_life_s(c) / 4 : 0) };

    for (size_t i = 0; c->exists && i < DCS_COUNT(needs); i++)
        add_candidate(all, dcs_time_midnight(c->not_after + needs[i] + 1 - longest + DAY_S - 1));
    if (l->facts->order.primary_not_after >= 0)
        add_candidate(all, l->facts->order.primary_not_after - longest / 6);
}

/* Every moment that a comparison with `now` names; between two of them nothing can change. */
static void find_candidates(const struct look *l, struct candidates *all)
{
    const struct dcs_plan_dates *d = &l->plan->dates;
    const struct dcs_limit_row *rows = dcs_term_rows(&l->term);
    int64_t moments[DCS_PLAN_WINDOW_MOMENTS];
    size_t moment_count = dcs_plan_window_moments(l->facts, d, moments);

    for (size_t i = 0; i < moment_count; i++)
        add_candidate(all, moments[i]);
    add_candidate(all, d->due);
    add_candidate(all, d->urgent);
    add_candidate(all, d->order_end);
    add_candidate(all, l->facts->settings.limits->client_auth_stop);
    add_candidate(all, l->facts->closed.again_at);
    if (is_today(l))
        add_candidate(all, dcs_time_midnight(l->now) + DAY_S);
    for (size_t i = 0; rows && i < DCS_LIMIT_ROWS && rows[i].industry_days; i++) {
        add_candidate(all, rows[i].from);
        add_gain_candidates(l, (int64_t)rows[i].ca_days * DAY_S, all);
    }
    if (!rows)
        add_gain_candidates(l, l->term.usual_s, all);
}

static int64_t first_after(const struct candidates *all, int64_t after)
{
    int64_t first = -1;

    for (size_t i = 0; i < all->count; i++)
        if (all->at[i] > after && (first < 0 || all->at[i] < first))
            first = all->at[i];
    return first;
}

static int64_t find_next_change(const struct look *l, const struct verdict *here)
{
    struct candidates all = { .now = l->now };

    find_candidates(l, &all);
    for (int64_t at = first_after(&all, l->now); at >= 0; at = first_after(&all, at)) {
        struct look then = look_at(l->facts, l->plan, at);
        struct verdict v = judge(&then);
        if (v.action != here->action || v.cause != here->cause || v.reason != here->reason)
            return at;
    }
    return -1;
}

/* ---- the whole ---- */

static void judge_ct(const struct dcs_plan_facts *facts, struct dcs_ct_judgement *ret_judgement)
{
    const struct dcs_plan_certificate *c = &facts->certificate;
    const struct dcs_ct_facts ct = {
        .public_tls =
            c->exists && facts->order.known && dcs_policy_product(facts->order.product)->public_tls,
        .scts = c->scts,
        .lifetime = dcs_plan_life_s(c),
        .wish = { facts->order.disable_ct, facts->order.account_ct, facts->settings.ct },
    };

    dcs_ct_judge(&ct, facts->answered, facts->order.uri, ret_judgement);
}

static void fill_request(const struct look *l, struct dcs_plan *plan)
{
    const struct dcs_plan_facts *f = l->facts;
    bool public_tls = dcs_policy_product(l->term.product)->public_tls;

    plan->expected_end = l->end;
    plan->gain_s = l->gain_s;
    if (plan->action == DCS_PLAN_DUPLICATE) {
        /* All but key and hash must equal the original (facts/certcentral-api.md 6.1). */
        plan->expected_end = duplicate_end(l);
        plan->gain_s -= l->end - plan->expected_end;
        return;
    }
    if (dcs_term_is_order_end(&l->term, l->now) && !f->custom_end_refused)
        plan->ask_end = l->term.order_end;
    plan->ask_client_auth = public_tls && l->now < f->settings.limits->client_auth_stop &&
                            (f->certificate.client_auth || f->settings.client_auth_needed);
}

static void fill_window(const struct look *l, const struct verdict *v, struct dcs_plan *plan)
{
    plan->in_window = l->windows.is_inside;
    plan->hurried = l->windows.is_hurried && v->cause == DCS_CAUSE_URGENT;
    if (v->reason == DCS_WHY_MAINTENANCE)
        plan->held_until = l->windows.held_until;
    if (v->cause == DCS_CAUSE_NONE)
        plan->moved_to = l->windows.moved_to;
    if (plan->in_window || plan->hurried || plan->held_until || plan->moved_to)
        plan->window = l->windows.window;
}

static int64_t said_since(const struct look *l, const struct dcs_plan *plan)
{
    const int64_t marks[] = { plan->dates.warn, plan->dates.urgent, plan->dates.critical };
    int64_t since = most(l->facts->foreign.since, 1);

    if (plan->reason != DCS_WHY_FOREIGN_PENDING)
        return dcs_time_midnight(l->now);
    for (size_t i = 0; i < DCS_COUNT(marks); i++)
        if (marks[i] <= l->now)
            since = most(since, marks[i]);
    return since;
}

void dcs_plan_decide(const struct dcs_plan_facts *facts, int64_t now, struct dcs_plan *ret_plan)
{
    struct dcs_plan *plan = ret_plan;

    memset(plan, 0, sizeof(*plan));
    dcs_plan_dates(facts, &plan->dates);
    judge_ct(facts, &plan->ct);
    plan->stage = stage_at(facts, &plan->dates, now);
    struct look l = look_at(facts, plan, now);
    struct verdict v = judge(&l);
    plan->action = v.action;
    plan->cause = v.cause;
    plan->reason = v.reason;
    fill_request(&l, plan);
    fill_window(&l, &v, plan);
    plan->next_change = find_next_change(&l, &v);
    plan->say_since = said_since(&l, plan);
    int64_t by_then = most(now, plan->dates.due) + 7 * DAY_S;
    plan->dcv_lapses = facts->order.dcv_valid_until >= 0 && facts->order.dcv_valid_until < by_then;
    plan->organization_lapses = facts->order.organization_valid_until > 0 &&
                                facts->order.organization_valid_until < by_then;
    dcs_plan_words(facts, now, plan);
}

bool dcs_plan_is_end(int64_t order_end, int64_t expected_end, int64_t came_not_after)
{
    return order_end >= 0 && expected_end == order_end && order_end - came_not_after < END_SHIFT_S;
}
