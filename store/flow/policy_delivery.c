// SPDX-License-Identifier: Apache-2.0
/* policy_delivery.c - the next step of a delivery, and the ladder of retries; reads no clock, no file. */
#include "flow/policy_delivery.h"

enum { REFUSALS_TO_ROLL_BACK = 2, LADDER_TOP_S = 6 * 3600 };

int64_t dcs_delivery_next_try(int64_t failures, int64_t now)
{
    static const int64_t ladder[] = { 0, 0, 0, 600, 6000 };

    if (failures < 0)
        failures = 0;
    return now + (failures < (int64_t)DCS_COUNT(ladder) ? ladder[failures] : LADDER_TOP_S);
}

/* None ahead of the ladder's top is believed: that clock was wrong. */
static bool must_wait(const struct dcs_delivery *record, int64_t now)
{
    return record->failures > 0 && now < record->next_try && record->next_try - now <= LADDER_TOP_S;
}

static bool must_roll_back(const struct dcs_delivery_facts *f)
{
    return f->rollback && f->can_go_back && !f->is_released && !f->is_held && f->record_fits &&
           f->record->refusals >= REFUSALS_TO_ROLL_BACK;
}

enum dcs_delivery_step dcs_delivery_decide(const struct dcs_delivery_facts *f, int64_t now)
{
    bool again = f->record_fits && f->record->again;

    if (!f->has_pair)
        return DCS_DELIVERY_NOTHING;
    if (f->any_held && f->is_urgent)
        return DCS_DELIVERY_RELEASE;
    if (f->is_held && !f->settled)
        return DCS_DELIVERY_SETTLE;
    if (f->is_delivered && !f->copy_is_stale && !again)
        return DCS_DELIVERY_NOTHING;
    if (must_roll_back(f))
        return DCS_DELIVERY_ROLL_BACK;
    if (f->tried || (f->record_fits && must_wait(f->record, now) && !f->asked))
        return DCS_DELIVERY_WAIT;
    return DCS_DELIVERY_DELIVER;
}

const char *dcs_delivery_step_name(enum dcs_delivery_step step)
{
    static const char *const names[] = { "nothing", "wait",    "release",
                                         "settle",  "deliver", "roll-back" };

    return (unsigned)step < DCS_COUNT(names) ? names[step] : "?";
}
