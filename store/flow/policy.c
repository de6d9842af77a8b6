// SPDX-License-Identifier: Apache-2.0
/* policy.c - formulas and the load table; must never look at a clock, a file or the network. */
#include "flow/policy.h"

#include <stdio.h>

enum { DAY_S = 86400 };

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Both ends count (RFC 5280 4.1.2.5). */
static int64_t lifetime_s(const struct dcs_life *life)
{
    return most(life->not_after - life->not_before + 1, 1);
}

const char *dcs_stage_name(enum dcs_stage stage)
{
    static const char *const names[] = {
        [DCS_STAGE_NONE] = "none",         [DCS_STAGE_FRESH] = "fresh",
        [DCS_STAGE_DUE] = "due",           [DCS_STAGE_URGENT] = "urgent",
        [DCS_STAGE_CRITICAL] = "critical", [DCS_STAGE_EXPIRED] = "expired",
        [DCS_STAGE_REVOKED] = "revoked",
    };

    return (unsigned)stage < DCS_COUNT(names) ? names[stage] : "none";
}

int64_t dcs_policy_spread(const struct dcs_life *life, uint64_t hash)
{
    int64_t range = lifetime_s(life) / 30;

    return range > 0 ? (int64_t)(hash % (uint64_t)range) : 0;
}

void dcs_policy_times(const struct dcs_life *life, struct dcs_life_times *ret_times)
{
    int64_t l = lifetime_s(life);
    int64_t end = life->not_after + 1;
    int64_t approval = life->human_approval ? least(7 * DAY_S, l / 6) : 0;
    int64_t due = life->not_before + (l >= 10 * DAY_S ? l / 3 * 2 : l / 2);

    if (life->human_approval)
        due -= least(14 * DAY_S, l / 10);
    ret_times->due = due - life->spread_s;
    ret_times->warn = end - l / 10 - approval;
    ret_times->urgent = end - most(l / 20, least(7 * DAY_S, l / 6)) - approval;
    ret_times->critical = end - (l >= 10 * DAY_S ? most(l / 50, DAY_S) : l / 50);
}

enum dcs_stage dcs_policy_stage(const struct dcs_life *life, int64_t now)
{
    struct dcs_life_times times;

    if (life->revoked)
        return DCS_STAGE_REVOKED;
    if (now > life->not_after)
        return DCS_STAGE_EXPIRED;
    dcs_policy_times(life, &times);
    if (now >= times.critical)
        return DCS_STAGE_CRITICAL;
    if (now >= times.urgent)
        return DCS_STAGE_URGENT;
    return now >= times.due ? DCS_STAGE_DUE : DCS_STAGE_FRESH;
}

bool dcs_policy_serves_expired(const struct dcs_load_facts *facts)
{
    if (facts->is_pinned)
        return true;
    if (facts->serve_expired == DCS_UNKNOWN)
        return facts->server_auth;
    return facts->serve_expired == DCS_YES;
}

/* The table of design.md section 6, by stage of what the cache offers. */
static const struct {
    enum dcs_action action;
    const char *reason;
} load_table[] = {
    [DCS_STAGE_NONE] = { DCS_ACT_FETCH, "nothing is cached" },
    [DCS_STAGE_FRESH] = { DCS_ACT_SERVE, "valid" },
    [DCS_STAGE_DUE] = { DCS_ACT_SERVE, "valid, due for a new one" },
    [DCS_STAGE_URGENT] = { DCS_ACT_REFRESH_THEN_SERVE, "valid, urgently due for a new one" },
    [DCS_STAGE_CRITICAL] = { DCS_ACT_REFRESH_THEN_SERVE, "valid, about to expire" },
    [DCS_STAGE_EXPIRED] = { DCS_ACT_FETCH_OR_SERVE, "expired" },
    [DCS_STAGE_REVOKED] = { DCS_ACT_FETCH_OR_SERVE, "revoked" },
};

void dcs_policy_load(const struct dcs_load_facts *facts, struct dcs_decision *ret_decision)
{
    enum dcs_action action = load_table[facts->stage].action;
    const char *reason = load_table[facts->stage].reason;
    /* Something is here: asking at each load would be one request for each process of a fleet. */
    bool heeds_next_try = facts->stage != DCS_STAGE_NONE;

    if (facts->stage != DCS_STAGE_NONE && facts->is_pinned) {
        action = DCS_ACT_SERVE;
        reason = "pinned";
    } else if (facts->stage != DCS_STAGE_NONE && facts->is_auto && !facts->has_key) {
        /* Or -cert and -key of one order would part. */
        action = DCS_ACT_FETCH;
        reason = "cached without its private key, and reissue = auto";
        heeds_next_try = false;
    } else if (action == DCS_ACT_FETCH_OR_SERVE && !dcs_policy_serves_expired(facts)) {
        action = DCS_ACT_FETCH;
    }
    ret_decision->action = action;
    ret_decision->heeds_next_try = heeds_next_try;
    snprintf(ret_decision->reason, sizeof(ret_decision->reason), "%s", reason);
}
