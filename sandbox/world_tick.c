// SPDX-License-Identifier: Apache-2.0
/* world_tick.c - what happens by itself when time has passed: certificates revoked 72 hours after
 * their names were lost, requests that are ready, DigiCert's own reissues. */
#include <string.h>

#include "submission.h"
#include "world_parts.h"

enum { AUTO_REISSUE_DAYS = 30, AT_ONCE_MAX = 50 };

/* The clock of an event is its own, however far the clock has jumped beyond it. */
static void act_at(struct sb_world *world, int64_t when)
{
    world->acting_at = when;
}

static void revoke_due(struct sb_world *world, struct sb_order *order, int64_t now)
{
    for (size_t i = 0; i < order->certificate_count; i++) {
        struct sb_certificate *c = &order->certificates[i];
        if (c->revoke_due && c->revoke_due <= now)
            sb_order_revoke(world, order, c, c->revoke_due);
        else
            sb_world_expect(world, c->revoke_due);
    }
}

static void settle_ready(struct sb_world *world, struct sb_order *order, int64_t now)
{
    for (cJSON *s = order->submissions ? order->submissions->child : NULL; s; s = s->next) {
        int64_t ready = sb_number_of(s, "ready_at", 0);
        if (!ready || !sb_is_open(s))
            continue;
        if (ready <= now) {
            act_at(world, ready);
            sb_settle(world, order, s);
            act_at(world, 0);
        } else {
            sb_world_expect(world, ready);
        }
    }
}

/* Within 30 days of the end of the certificate, while the order goes on longer. */
static int64_t next_auto_reissue(const struct sb_order *order)
{
    const struct sb_certificate *primary = sb_order_primary(order);

    if (!primary || sb_number_of(order->info, "auto_reissue", 0) != 1 ||
        strcmp(sb_text_of(order->info, "status", ""), "issued") != 0 ||
        sb_order_end(order) <= primary->not_after + SB_DAY || !primary->csr)
        return 0;
    return primary->not_after - (int64_t)AUTO_REISSUE_DAYS * SB_DAY;
}

static void reissue_due(struct sb_world *world, struct sb_order *order, int64_t now)
{
    int64_t due = next_auto_reissue(order);

    for (int i = 0; due && due <= now && i < AT_ONCE_MAX; i++) {
        const struct sb_certificate *primary = sb_order_primary(order);
        act_at(world, due > primary->issued ? due : primary->issued);
        sb_auto_reissue(world, order);
        act_at(world, 0);
        due = next_auto_reissue(order);
    }
    sb_world_expect(world, due > now ? due : 0);
}

void sb_world_tick(struct sb_world *world)
{
    int64_t now = sb_clock_now(&world->clock);

    if (now < world->next_event)
        return;
    world->next_event = INT64_MAX;
    for (size_t i = 0; i < world->order_count; i++) {
        struct sb_order *order = world->orders[i];
        if (!order->info)
            continue;
        settle_ready(world, order, now);
        reissue_due(world, order, now);
        revoke_due(world, order, now);
    }
    if (!sb_world_save(world))
        sb_complain("what happened by itself could not be saved");
}
