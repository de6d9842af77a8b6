// SPDX-License-Identifier: Apache-2.0
/* world.c - the account's content: finding and keeping orders and certificates in memory. */
#include "world.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "world_parts.h"

/* ---- finding ---- */

/* The place of the first order whose id is not below id. */
static size_t place_of(const struct sb_world *world, int64_t id)
{
    size_t low = 0;
    size_t high = world->order_count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (world->orders[middle]->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct sb_order *sb_world_order(const struct sb_world *world, int64_t id)
{
    size_t place = place_of(world, id);

    return place < world->order_count && world->orders[place]->id == id ? world->orders[place]
                                                                        : NULL;
}

struct sb_certificate *sb_order_primary(const struct sb_order *order)
{
    for (size_t i = order->certificate_count; i > 0; i--) {
        struct sb_certificate *c = &order->certificates[i - 1];
        if (c->state == SB_ISSUED && strcmp(c->kind, "duplicate") != 0)
            return c;
    }
    return NULL;
}

struct sb_certificate *sb_order_certificate(const struct sb_order *order, int64_t id)
{
    for (size_t i = 0; i < order->certificate_count; i++)
        if (order->certificates[i].id == id)
            return &order->certificates[i];
    return NULL;
}

const struct sb_product *sb_order_product(const struct sb_order *order)
{
    return sb_product_named(sb_text_of(order->info, "product_name_id", "ssl_basic"));
}

int64_t sb_order_end(const struct sb_order *order)
{
    const char *till = sb_text_of(order->info, "order_valid_till", NULL);
    int64_t end = 0;

    return till && sb_time_parse(till, &end) ? sb_time_midnight(end) + SB_DAY - 1 : 0;
}

struct sb_order *sb_world_order_named(const struct sb_world *world, const char *name)
{
    int64_t id = 0;

    if (strlen(name) < 19 && sb_parse_number(name, 1, INT64_MAX, &id))
        return sb_world_order(world, id);
    for (size_t i = 0; i < world->order_count; i++) {
        const struct sb_certificate *primary = sb_order_primary(world->orders[i]);
        if (primary &&
            (strcasecmp(primary->serial, name) == 0 || strcasecmp(primary->thumbprint, name) == 0))
            return world->orders[i];
    }
    return NULL;
}

struct sb_order *sb_world_certificate(const struct sb_world *world, int64_t id,
                                      struct sb_certificate **ret_certificate)
{
    struct sb_order *order =
        id > SB_BULK_CERTIFICATE ? sb_world_order(world, id - SB_BULK_CERTIFICATE) : NULL;

    if (!order || !order->bulk_name)
        order = id >= SB_FIRST_ID && (size_t)(id - SB_FIRST_ID) < world->by_id_count
                    ? world->by_id[id - SB_FIRST_ID]
                    : NULL;
    *ret_certificate = order ? sb_order_certificate(order, id) : NULL;
    return *ret_certificate || (order && !order->info) ? order : NULL;
}

struct sb_order *sb_world_certificate_by_serial(const struct sb_world *world, const char *serial,
                                                struct sb_certificate **ret_certificate)
{
    for (size_t i = 0; i < world->order_count; i++) {
        struct sb_order *order = world->orders[i];
        for (size_t k = 0; k < order->certificate_count; k++) {
            if (strcasecmp(order->certificates[k].serial, serial) != 0)
                continue;
            *ret_certificate = &order->certificates[k];
            return order;
        }
    }
    return NULL;
}

/* ---- keeping ---- */

void sb_clear_certificate(struct sb_certificate *certificate)
{
    sb_free(certificate->pem);
    sb_free(certificate->csr);
    sb_free(certificate->common_name);
    sb_names_clear(&certificate->names);
    sb_free(certificate->kind);
    sb_free(certificate->hash);
    *certificate = (struct sb_certificate){ 0 };
}

void sb_free_order(struct sb_order *order)
{
    for (size_t i = 0; i < order->certificate_count; i++)
        sb_clear_certificate(&order->certificates[i]);
    sb_free(order->certificates);
    sb_free(order->key_pem);
    sb_free(order->chain_kind);
    cJSON_Delete(order->info);
    cJSON_Delete(order->submissions);
    cJSON_Delete(order->switches);
    sb_free(order);
}

void sb_append_order(struct sb_world *world, struct sb_order *order)
{
    if (world->order_count == world->order_capacity) {
        world->order_capacity = world->order_capacity ? world->order_capacity * 2 : 64;
        world->orders = sb_realloc(world->orders, world->order_capacity * sizeof(*world->orders));
    }
    world->orders[world->order_count++] = order;
}

static int compare_orders(const void *a, const void *b)
{
    int64_t x = (*(struct sb_order *const *)a)->id;
    int64_t y = (*(struct sb_order *const *)b)->id;

    return x < y ? -1 : x > y;
}

void sb_sort_orders(struct sb_world *world)
{
    qsort(world->orders, world->order_count, sizeof(*world->orders), compare_orders);
}

void sb_world_insert(struct sb_world *world, struct sb_order *order)
{
    size_t place = place_of(world, order->id);

    sb_append_order(world, order);
    memmove(&world->orders[place + 1], &world->orders[place],
            (world->order_count - 1 - place) * sizeof(*world->orders));
    world->orders[place] = order;
}

void sb_note_id(struct sb_world *world, int64_t id, struct sb_order *order)
{
    if (id < SB_FIRST_ID)
        return;
    size_t index = (size_t)(id - SB_FIRST_ID);
    if (index >= world->by_id_count) {
        size_t count = index < 1024 ? 1024 : index * 2;
        world->by_id = sb_realloc(world->by_id, count * sizeof(*world->by_id));
        memset(&world->by_id[world->by_id_count], 0,
               (count - world->by_id_count) * sizeof(*world->by_id));
        world->by_id_count = count;
    }
    world->by_id[index] = order;
}

int64_t sb_new_id(struct sb_world *world, struct sb_order *order)
{
    int64_t id = world->next_id++;

    sb_note_id(world, id, order);
    return id;
}

struct sb_certificate *sb_add_certificate(struct sb_order *order, int64_t id, const char *kind)
{
    order->certificates = sb_realloc(order->certificates,
                                     (order->certificate_count + 1) * sizeof(*order->certificates));
    struct sb_certificate *certificate = &order->certificates[order->certificate_count++];
    *certificate = (struct sb_certificate){ .id = id, .kind = sb_strdup(kind) };
    return certificate;
}

void sb_add_bulk(struct sb_world *world, const char *pattern, int64_t first, int64_t count)
{
    world->bulks = sb_realloc(world->bulks, (world->bulk_count + 1) * sizeof(*world->bulks));
    struct sb_bulk *bulk = &world->bulks[world->bulk_count++];
    *bulk = (struct sb_bulk){ sb_strdup(pattern), first, count };
    for (int64_t i = 0; i < count; i++) {
        struct sb_order *order = sb_alloc(sizeof(*order));
        order->id = first + i;
        order->bulk_name = bulk->pattern;
        order->chain_kind = sb_strdup("normal");
        sb_append_order(world, order);
    }
    sb_sort_orders(world);
}

/* The name of a bulk order: its number in place of %d. */
char *sb_bulk_name(const struct sb_order *order)
{
    const char *mark = strstr(order->bulk_name, "%d");

    if (!mark)
        return sb_strdup(order->bulk_name);
    return sb_format("%.*s%lld%s", (int)(mark - order->bulk_name), order->bulk_name,
                     (long long)order->id, mark + 2);
}

void sb_world_expect(struct sb_world *world, int64_t when)
{
    if (when > 0 && when < world->next_event)
        world->next_event = when;
}

int64_t sb_world_now(const struct sb_world *world)
{
    return world->acting_at ? world->acting_at : sb_clock_now(&world->clock);
}
