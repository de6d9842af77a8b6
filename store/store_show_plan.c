// SPDX-License-Identifier: Apache-2.0
/* store_show_plan.c - decisions about new certificates as JSON: what, why, when, and what then. */
#include <stdio.h>
#include <string.h>

#include "store_show.h"
#include "store_validation.h"

enum { DAY_S = 86400 };

static void add_date(struct dcs_json *object, const char *name, int64_t when)
{
    if (when > 0)
        dcs_json_add_time(object, name, when);
}

static void add_ct(struct dcs_json *parent, const struct dcs_plan *plan)
{
    struct dcs_json *ct = dcs_json_add_object(parent, "ct");

    dcs_json_add_text(ct, "state", dcs_ct_state_name(plan->ct.state));
    if (plan->ct.words[0])
        dcs_json_add_text(ct, "words", plan->ct.words);
    if (plan->ct.repeated)
        dcs_json_add_bool(ct, "already_answered", true);
}

static void add_ask(struct dcs_json *object, const struct dcs_plan *plan)
{
    char date[DCS_TIME_TEXT];

    if (plan->ask_end > 0) {
        dcs_time_text(plan->ask_end, date);
        date[10] = '\0';
        dcs_json_add_text(object, "ask_for_end", date);
    }
    if (plan->ask_client_auth)
        dcs_json_add_bool(object, "ask_for_client_auth", true);
    add_date(object, "expected_not_after", plan->expected_end);
    if (plan->expected_end > 0)
        dcs_json_add_i64(object, "gain_days", plan->gain_s / DAY_S);
}

static void add_window(struct dcs_json *object, const struct dcs_plan *plan)
{
    if (plan->window.end == 0)
        return;
    struct dcs_json *window = dcs_json_add_object(object, "maintenance");
    dcs_json_add_time(window, "start", plan->window.start);
    dcs_json_add_time(window, "end", plan->window.end);
    dcs_json_add_bool(window, "now", plan->in_window);
    if (plan->hurried)
        dcs_json_add_bool(window, "hurried", true);
    add_date(object, "held_until", plan->held_until);
    add_date(object, "moved_to", plan->moved_to);
}

void dcs_show_plan(struct dcs_json *parent, const struct plan_input *input,
                   const struct dcs_plan *plan)
{
    struct dcs_json *object = dcs_json_add_object(parent, "plan");

    dcs_json_add_text(object, "action", dcs_plan_action_name(plan->action));
    if (plan->cause != DCS_CAUSE_NONE)
        dcs_json_add_text(object, "cause", dcs_cause_name(plan->cause));
    dcs_json_add_text(object, "reason", dcs_plan_reason_name(plan->reason));
    dcs_json_add_text(object, "words", plan->words);
    if (input->facts.certificate.exists)
        dcs_json_add_text(object, "stage", dcs_stage_name(plan->stage));
    add_ask(object, plan);
    add_date(object, "due", plan->dates.due);
    add_date(object, "warn", plan->dates.warn);
    add_date(object, "urgent", plan->dates.urgent);
    add_date(object, "critical", plan->dates.critical);
    add_date(object, "plan_point", plan->dates.plan_point);
    add_date(object, "order_end", plan->dates.order_end);
    add_date(object, "renew_from", plan->dates.renew_from);
    add_date(object, "next_change", plan->next_change);
    add_window(object, plan);
    if (input->facts.certificate.exists)
        add_ct(object, plan);
}

static void add_held_up(struct dcs_json *root, const struct dcs_order *order,
                        const struct plan_input *input, int64_t now)
{
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = 1024 };
    bool is_dv = strcmp(order->validation_type, "dv") == 0;
    char lapsed[400];

    dcs_validation_holds_up(&input->validation, now, lapsed, sizeof(lapsed));
    if (input->facts.settings.human_approval)
        dcs_buf_adds(&text, "approval by a person: the last request needed it");
    if (is_dv || lapsed[0])
        dcs_buf_addf(&text, "%s%s", text.len ? "; " : "",
                     is_dv ? "domain validation: DV orders validate every name anew each time"
                           : lapsed);
    if (text.len)
        dcs_json_add_text(root, "held_up_by", dcs_buf_text(&text));
}

void dcs_show_consequences(struct dcs_json *root, const struct dcs_order *order,
                           const struct plan_input *input, int64_t now)
{
    const struct dcs_names_diff *diff = input->facts.names;
    struct dcs_json *names = dcs_json_add_array(root, "names");

    for (size_t i = 0; i < order->name_count; i++)
        dcs_json_add_text(names, NULL, order->names[i]);
    if (diff && diff->lost_count > 0)
        dcs_json_add_text(root, "names_lost", diff->lost);
    if (diff && diff->added_count > 0)
        dcs_json_add_text(root, "names_added", diff->added);
    if (diff && diff->change == DCS_NAMES_LOST)
        dcs_json_add_text(root, "revokes",
                          "every earlier certificate of the order, 72 hours after the new one");
    else
        dcs_json_add_text(root, "revokes", "nothing");
    add_held_up(root, order, input, now);
}
