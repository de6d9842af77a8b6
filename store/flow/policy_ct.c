// SPDX-License-Identifier: Apache-2.0
/* policy_ct.c - CT judged from counts and log ids; must never take "no SCT" for success. */
#include "flow/policy_ct.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { DAY_S = 86400, STALE_LIST_S = 70 * DAY_S, SCTS_MAX = 64 };

/*
 * CT_REQUIRED of facts/policy.md 7, by inclusive days. Chrome compares notAfter - notBefore, Apple
 * counts the last second too; a difference of exactly 180 days is 181 here, which suits both.
 */
static const struct required {
    int64_t up_to_days; /* 0: any */
    int scts, operators, per_operator;
} required[] = {
    { 180, 2, 2, 1 },
    { 0, 3, 2, 2 }, /* Apple counts two of one operator; Chrome wants two operators */
};

static const struct required *required_for(int64_t lifetime)
{
    for (size_t i = 0; i + 1 < DCS_COUNT(required); i++)
        if (lifetime <= required[i].up_to_days * DAY_S)
            return &required[i];
    return &required[DCS_COUNT(required) - 1];
}

int dcs_ct_needed(int64_t lifetime)
{
    return required_for(lifetime)->scts;
}

/* ---- in step? ---- */

bool dcs_ct_is_drift(enum dcs_ct_state state)
{
    return state == DCS_CT_DRIFT_LOG || state == DCS_CT_DRIFT_FEW || state == DCS_CT_DRIFT_UNLOG;
}

const char *dcs_ct_state_name(enum dcs_ct_state state)
{
    static const char *const names[] = {
        [DCS_CT_NOT_JUDGED] = "not_judged",   [DCS_CT_UNKNOWN] = "unknown",
        [DCS_CT_IN_STEP] = "in_step",         [DCS_CT_DRIFT_LOG] = "drift_not_logged",
        [DCS_CT_DRIFT_FEW] = "drift_too_few", [DCS_CT_DRIFT_UNLOG] = "drift_logged",
        [DCS_CT_MISMATCH] = "mismatch",
    };

    return (unsigned)state < DCS_COUNT(names) ? names[state] : "unknown";
}

static enum dcs_ct_state judge_state(const struct dcs_ct_facts *facts)
{
    const struct dcs_ct_wish *wish = &facts->wish;

    if (!facts->public_tls)
        return DCS_CT_NOT_JUDGED;
    if (wish->disable_ct == DCS_UNKNOWN)
        return DCS_CT_UNKNOWN;
    /* Before drift: a reissue towards a setting that the configuration does not want is no cure. */
    if ((wish->mode == DCS_CT_LOGGED && wish->disable_ct == DCS_YES) ||
        (wish->mode == DCS_CT_UNLOGGED && wish->disable_ct == DCS_NO))
        return DCS_CT_MISMATCH;
    if (wish->disable_ct == DCS_YES && facts->scts < 0)
        return DCS_CT_UNKNOWN;
    if (wish->disable_ct == DCS_YES)
        return facts->scts == 0 ? DCS_CT_IN_STEP : DCS_CT_DRIFT_UNLOG;
    if (facts->scts <= 0)
        return DCS_CT_DRIFT_LOG;
    return facts->scts < dcs_ct_needed(facts->lifetime) ? DCS_CT_DRIFT_FEW : DCS_CT_IN_STEP;
}

/* Not to know it now is no change; nor is to learn that it is off, which an uncured drift told already. */
static bool account_changed(enum dcs_tri then, enum dcs_tri now)
{
    return now != DCS_UNKNOWN && now != then && !(then == DCS_UNKNOWN && now == DCS_NO);
}

static bool same_wish(const struct dcs_ct_wish *then, const struct dcs_ct_wish *now)
{
    return then->disable_ct == now->disable_ct && then->mode == now->mode &&
           !account_changed(then->account_on, now->account_on);
}

static void say(const struct dcs_ct_facts *facts, const char *uri,
                const struct dcs_ct_judgement *judgement, char *out, size_t capacity)
{
    static const char *const texts[] = {
        [DCS_CT_NOT_JUDGED] = "CT is judged for public TLS only",
        [DCS_CT_UNKNOWN] = "CT cannot be judged: the order does not say whether it logs, or the "
                           "certificate's SCTs cannot be read",
        [DCS_CT_IN_STEP] = "CT: order and certificate agree",
        [DCS_CT_DRIFT_LOG] = "the order logs for CT, the certificate was not logged: browsers "
                             "refuse it",
        [DCS_CT_DRIFT_FEW] = "the order logs for CT, the certificate was logged too few times for "
                             "its lifetime: browsers refuse it",
        [DCS_CT_DRIFT_UNLOG] = "the order does not log for CT, the certificate was logged; its "
                               "names stay public",
        [DCS_CT_MISMATCH] = "the configuration and the order disagree about CT",
    };

    if (judgement->state == DCS_CT_MISMATCH) {
        bool logged = facts->wish.mode == DCS_CT_LOGGED;
        snprintf(out, capacity,
                 "the configuration says ct = %s, the order %s: `digicert-store ct %.100s %s` "
                 "changes the order",
                 logged ? "logged" : "unlogged", logged ? "does not log" : "logs",
                 uri ? uri : "URI", logged ? "logged" : "unlogged");
        return;
    }
    snprintf(out, capacity, "%s%s%s", texts[judgement->state],
             judgement->state == DCS_CT_IN_STEP && facts->wish.disable_ct == DCS_YES
                 ? " (not logged: browsers refuse it)"
                 : "",
             !judgement->repeated                     ? ""
             : judgement->state == DCS_CT_DRIFT_UNLOG ? "; a reissue did not change that"
             : facts->wish.account_on == DCS_NO
                 ? "; a reissue did not change that, CT is off for the account"
                 : "; a reissue did not change that, CT may be off for the account");
}

void dcs_ct_judge(const struct dcs_ct_facts *facts, const struct dcs_ct_wish *answered,
                  const char *uri, struct dcs_ct_judgement *ret_judgement)
{
    struct dcs_ct_judgement *j = ret_judgement;

    memset(j, 0, sizeof(*j));
    j->state = judge_state(facts);
    j->repeated = dcs_ct_is_drift(j->state) && answered && same_wish(answered, &facts->wish);
    say(facts, uri, j, j->words, sizeof(j->words));
}

/* ---- the browsers' rule (facts/policy.md 2.2, the conservative one) ---- */

/* What of a list may be believed: all, or nothing when there is none or it is stale. */
struct count {
    const struct dcs_sct *scts;
    size_t count;
    bool has_list;
    bool valid[SCTS_MAX];
};

static bool is_valid(const struct count *all, size_t index)
{
    const struct dcs_sct *sct = &all->scts[index];

    if (sct->verified == DCS_NO || sct->log == DCS_LOG_REJECTED)
        return false;
    if (all->has_list && sct->log == DCS_LOG_PENDING)
        return false;
    if (all->has_list && sct->log == DCS_LOG_RETIRED &&
        (!sct->retired_ms || sct->timestamp_ms >= sct->retired_ms))
        return false;
    for (size_t i = 0; i < index; i++) /* a log counts once */
        if (all->valid[i] && memcmp(all->scts[i].log_id, sct->log_id, sizeof(sct->log_id)) == 0)
            return false;
    return true;
}

static bool same_operator(const struct dcs_sct *a, const struct dcs_sct *b)
{
    return a->operator_name && b->operator_name &&
           strcasecmp(a->operator_name, b->operator_name) == 0;
}

struct tally {
    int counted;   /* at most per_operator of each */
    int operators; /* known ones */
    bool any_unknown, any_current;
};

/* Valid ones of the same operator before it; without a list nobody is told apart. */
static int earlier_of_operator(const struct count *all, size_t index)
{
    int earlier = 0;

    for (size_t k = 0; k < index; k++)
        earlier += all->valid[k] && same_operator(&all->scts[k], &all->scts[index]);
    return earlier;
}

static struct tally count_all(struct count *all, const struct required *need)
{
    struct tally tally = { 0 };

    for (size_t i = 0; i < all->count; i++) {
        const struct dcs_sct *sct = &all->scts[i];
        all->valid[i] = is_valid(all, i);
        if (!all->valid[i])
            continue;
        int earlier = earlier_of_operator(all, i);
        if (!sct->operator_name || sct->verified == DCS_UNKNOWN || sct->log == DCS_LOG_UNKNOWN)
            tally.any_unknown = true;
        if (sct->log == DCS_LOG_QUALIFIED || sct->log == DCS_LOG_USABLE ||
            sct->log == DCS_LOG_READONLY)
            tally.any_current = true;
        if (sct->operator_name && earlier == 0)
            tally.operators++;
        if (!all->has_list || earlier < need->per_operator)
            tally.counted++;
    }
    return tally;
}

void dcs_ct_browsers(const struct dcs_sct *scts, size_t count, int64_t lifetime, int64_t list_age_s,
                     struct dcs_ct_browsers *ret_verdict)
{
    const struct required *need = required_for(lifetime);
    bool has_list = list_age_s >= 0 && list_age_s <= STALE_LIST_S;
    struct count all = { .scts = scts,
                         .count = count < SCTS_MAX ? count : SCTS_MAX,
                         .has_list = has_list };
    struct tally tally = count_all(&all, need);
    struct dcs_ct_browsers *v = ret_verdict;

    memset(v, 0, sizeof(*v));
    v->needed = need->scts;
    v->operators_needed = need->operators;
    v->counted = tally.counted;
    v->operators = tally.operators;
    if (tally.counted < need->scts) {
        v->content = DCS_NO;
        snprintf(v->words, sizeof(v->words), "%d of %d SCTs that count", tally.counted, need->scts);
        return;
    }
    if (!has_list || tally.any_unknown) {
        v->content = DCS_UNKNOWN;
        snprintf(v->words, sizeof(v->words), "%d SCTs, %d needed; %s", tally.counted, need->scts,
                 !has_list && list_age_s >= 0 ? "the log list is older than 70 days"
                 : !has_list                  ? "not verified without a log list"
                                              : "not all of their logs are in the list");
        return;
    }
    v->content = tally.operators >= need->operators && tally.any_current ? DCS_YES : DCS_NO;
    snprintf(v->words, sizeof(v->words), "%d SCTs of %d operators, %d of %d needed%s",
             tally.counted, tally.operators, need->scts, need->operators,
             tally.any_current ? "" : "; none of the logs is current");
}
