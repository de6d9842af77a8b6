/* SPDX-License-Identifier: Apache-2.0 */
/* world_parts.h - what the files of world share; nobody else includes it. */
#ifndef SANDBOX_WORLD_PARTS_H
#define SANDBOX_WORLD_PARTS_H

#include "json.h"
#include "world.h"

enum {
    SB_FIRST_ID = 700000000,
    /* Bulk orders' certificates have the order's id plus this, so that they are found without a
     * list. */
    SB_BULK_CERTIFICATE = 500000000
};

void sb_free_order(struct sb_order *order);
/* At the end; sb_sort_orders puts it in its place, as sb_world_insert does at once. */
void sb_append_order(struct sb_world *world, struct sb_order *order);
void sb_sort_orders(struct sb_world *world);
/* A new id of a certificate or request of that order. */
int64_t sb_new_id(struct sb_world *world, struct sb_order *order);
void sb_note_id(struct sb_world *world, int64_t id, struct sb_order *order);
struct sb_certificate *sb_add_certificate(struct sb_order *order, int64_t id, const char *kind);
void sb_clear_certificate(struct sb_certificate *certificate);
char *sb_bulk_name(const struct sb_order *order);
void sb_add_bulk(struct sb_world *world, const char *pattern, int64_t first, int64_t count);

/* Nothing refers to the order any more: it is about to be freed. */
void sb_world_forget(struct sb_world *world, const struct sb_order *order);

/* world_json.c */
cJSON *sb_order_to_json(const struct sb_order *order);
struct sb_order *sb_order_from_json(const cJSON *object);
cJSON *sb_world_to_json(const struct sb_world *world); /* all but the orders */
void sb_world_from_json(struct sb_world *world, const cJSON *object);

#endif
