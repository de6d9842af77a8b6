// SPDX-License-Identifier: Apache-2.0
/* dcv.c - the account's domains and how long their validation lasts (facts 9, 199 days). */
#include "dcv.h"

#include <string.h>
#include <strings.h>

#include "world_parts.h"

const cJSON *sb_dcv_domain(const struct sb_world *world, const char *name)
{
    const char *domain = sb_rule_domain_of(name);
    const cJSON *item = world->domains ? world->domains->child : NULL;

    for (; item; item = item->next)
        if (strcasecmp(sb_text_of(item, "name", ""), domain) == 0)
            return item;
    return NULL;
}

int64_t sb_dcv_end(const struct sb_world *world, const cJSON *domain)
{
    int64_t validated = sb_number_of(domain, "validated", 0);
    /* The shorter time is applied retroactively: what counts is the day on which it is asked. */
    int64_t now = sb_world_now(world);

    return validated ? validated + sb_rule_reuse_days(now, &world->settings.reuse_days) * SB_DAY
                     : 0;
}

static bool has_lapsed(const struct sb_world *world, const char *name, int64_t when)
{
    const cJSON *domain = sb_dcv_domain(world, name);
    int64_t validated = sb_number_of(domain, "validated", 0);

    return validated == 0 ||
           when >= validated + sb_rule_reuse_days(when, &world->settings.reuse_days) * SB_DAY;
}

bool sb_dcv_is_open(const struct sb_world *world, const struct sb_order *order,
                    const struct sb_names *names, int64_t when)
{
    const struct sb_product *product = sb_order_product(order);
    const char *choice = sb_switch_text(world, order, "dcv", "reuse");
    const char *until = sb_switch_text(world, order, "dcv_valid_until", NULL);
    int64_t end = 0;

    if (strcmp(choice, "reuse") != 0)
        return strcmp(choice, "open") == 0;
    if (until && sb_time_parse(until, &end))
        return when >= end;
    if (!product || !sb_product_is_public(product))
        return false;
    if (sb_product_is_dv(product))
        return true;
    for (size_t i = 0; i < names->count; i++)
        if (has_lapsed(world, names->list[i], when))
            return true;
    return false;
}

static cJSON *add_domain(struct sb_world *world, const char *name)
{
    cJSON *domain = cJSON_CreateObject();

    sb_set_number(domain, "id", world->next_id++);
    sb_set_text(domain, "name", sb_rule_domain_of(name));
    if (!world->domains)
        world->domains = cJSON_CreateArray();
    cJSON_AddItemToArray(world->domains, domain);
    return domain;
}

void sb_dcv_know(struct sb_world *world, const struct sb_names *names, int64_t when)
{
    for (size_t i = 0; i < names->count; i++) {
        if (sb_dcv_domain(world, names->list[i]))
            continue;
        sb_set_number(add_domain(world, names->list[i]), "validated", when);
        sb_world_touch(world, NULL);
    }
}

void sb_dcv_validate(struct sb_world *world, struct sb_order *order, const struct sb_names *names,
                     int64_t when)
{
    const struct sb_product *product = sb_order_product(order);

    /* A day that a test has set is behind us now. */
    if (order->switches) {
        sb_set_item(order->switches, "dcv_valid_until", NULL);
        sb_world_touch(world, order);
    }
    if (product && sb_product_is_dv(product))
        return;
    for (size_t i = 0; i < names->count; i++) {
        cJSON *domain = (cJSON *)sb_dcv_domain(world, names->list[i]);
        if (!domain)
            domain = add_domain(world, names->list[i]);
        sb_set_number(domain, "validated", when);
    }
    sb_world_touch(world, NULL);
}
