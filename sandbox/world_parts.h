/* SPDX-License-Identifier: Apache-2.0 */
/* world_parts.h - what the files of world share; nobody else includes it. */
#ifndef SANDBOX_WORLD_PARTS_H
#define SANDBOX_WORLD_PARTS_H

#include "world.h"

void sb_free_order(struct sb_order *order);
void sb_append_order(struct sb_world *world, struct sb_order *order); /* sort afterwards */
void sb_sort_orders(struct sb_world *world);
struct sb_certificate *sb_add_certificate(struct sb_order *order, int64_t id, const char *kind);
/* A bulk order's name, and the ordinary order that it becomes when its certificate is asked for. */
char *sb_bulk_name(const struct sb_order *order);
bool sb_make_real(struct sb_world *world, struct sb_order *order) SB_CHECKED;

/* Members of JSON objects; set replaces. */
void sb_set_item(cJSON *object, const char *name, cJSON *item);
void sb_set_date(cJSON *object, const char *name, int64_t when, bool with_time);
const char *sb_text_of(const cJSON *object, const char *name, const char *otherwise);
int64_t sb_number_of(const cJSON *object, const char *name, int64_t otherwise);
bool sb_flag_of(const cJSON *object, const char *name);

#endif
