// SPDX-License-Identifier: Apache-2.0
/* world_switch.c - how an order behaves where the service leaves a choice: README.md, "Switches". */
#include <string.h>

#include "world_parts.h"

static const char *const approvals[] = { "skippable", "always", "never", NULL };
static const char *const answers[] = { "immediate", "id-only", "request-only", NULL };
static const char *const validations[] = { "reuse", "valid", "open", NULL };
static const char *const seconds[] = { "refuse", "replace", NULL };

/* values NULL: a number, or a flag, or (is_text) any text. */
static const struct {
    const char *name;
    const char *const *values;
    bool is_text;
} switches[] = {
    { "approval", approvals, false },  { "answer", answers, false },
    { "dcv", validations, false },     { "second_reissue", seconds, false },
    { "dcv_valid_until", NULL, true }, { "polls", NULL, false },
    { "seconds", NULL, false },        { "staff", NULL, false },
    { "dcv_published", NULL, false },  { "caa", NULL, true },
    { "answer_request", NULL, false },
};

static const cJSON *switch_of(const struct sb_world *world, const struct sb_order *order,
                              const char *name)
{
    const cJSON *item = order ? sb_item(order->switches, name) : NULL;

    return item ? item : sb_item(world->settings.switches, name);
}

const char *sb_switch_text(const struct sb_world *world, const struct sb_order *order,
                           const char *name, const char *otherwise)
{
    const cJSON *item = switch_of(world, order, name);

    return cJSON_IsString(item) ? item->valuestring : otherwise;
}

int64_t sb_switch_number(const struct sb_world *world, const struct sb_order *order,
                         const char *name)
{
    const cJSON *item = switch_of(world, order, name);

    return cJSON_IsNumber(item) ? (int64_t)item->valuedouble : 0;
}

bool sb_switch_is(const struct sb_world *world, const struct sb_order *order, const char *name)
{
    return cJSON_IsTrue(switch_of(world, order, name));
}

static bool fits(size_t which, const cJSON *item)
{
    int64_t when = 0;

    if (cJSON_IsNull(item))
        return true;
    for (size_t i = 0; switches[which].values && switches[which].values[i]; i++)
        if (cJSON_IsString(item) && strcmp(switches[which].values[i], item->valuestring) == 0)
            return true;
    if (switches[which].values)
        return false;
    if (strcmp(switches[which].name, "dcv_valid_until") == 0)
        return cJSON_IsString(item) && sb_time_parse(item->valuestring, &when);
    return switches[which].is_text ? cJSON_IsString(item)
                                   : cJSON_IsBool(item) || cJSON_IsNumber(item);
}

bool sb_switches_set(cJSON **slot, const cJSON *wanted, const char **ret_why)
{
    for (const cJSON *item = wanted ? wanted->child : NULL; item; item = item->next) {
        size_t which = 0;
        while (which < SB_COUNT(switches) && strcmp(switches[which].name, item->string) != 0)
            which++;
        if (which < SB_COUNT(switches) && fits(which, item))
            continue;
        *ret_why = "a switch or its value is not known; README.md lists them";
        return false;
    }
    if (!*slot)
        *slot = cJSON_CreateObject();
    for (const cJSON *item = wanted ? wanted->child : NULL; item; item = item->next)
        sb_set_item(*slot, item->string, cJSON_IsNull(item) ? NULL : cJSON_Duplicate(item, 1));
    return true;
}
