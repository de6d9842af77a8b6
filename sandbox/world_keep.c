// SPDX-License-Identifier: Apache-2.0
/* world_keep.c - API keys, and the account on disk: state.json as a whole, at each change. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "world_parts.h"

enum { RING = 1024 };

/* ---- API keys ---- */

struct sb_key *sb_world_key(const struct sb_world *world, const char *text)
{
    for (size_t i = 0; text && i < world->key_count; i++)
        if (strcmp(world->keys[i].text, text) == 0)
            return &world->keys[i];
    return NULL;
}

struct sb_key *sb_world_add_key(struct sb_world *world, enum sb_role role)
{
    unsigned char bytes[32];
    char hex[65];

    if (!sb_random(bytes, sizeof(bytes)))
        return NULL;
    sb_hex(bytes, sizeof(bytes), hex);
    world->keys = sb_realloc(world->keys, (world->key_count + 1) * sizeof(*world->keys));
    struct sb_key *key = &world->keys[world->key_count++];
    *key = (struct sb_key){ .text = sb_strdup(hex),
                            .role = role,
                            .stamps = sb_alloc(RING * sizeof(int64_t)) };
    return key;
}

/* ---- keeping it ---- */

static cJSON *certificate_to_json(const struct sb_certificate *c)
{
    cJSON *object = cJSON_CreateObject();

    cJSON_AddNumberToObject(object, "id", (double)c->id);
    if (c->pem)
        cJSON_AddStringToObject(object, "pem", c->pem);
    cJSON_AddStringToObject(object, "serial", c->serial);
    cJSON_AddStringToObject(object, "thumbprint", c->thumbprint);
    cJSON_AddStringToObject(object, "kind", c->kind);
    cJSON_AddBoolToObject(object, "revoked", c->revoked);
    return object;
}

static cJSON *order_to_json(const struct sb_order *order)
{
    cJSON *object = cJSON_CreateObject();

    cJSON_AddNumberToObject(object, "id", (double)order->id);
    if (order->info)
        cJSON_AddItemToObject(object, "info", cJSON_Duplicate(order->info, 1));
    if (order->key_pem)
        cJSON_AddStringToObject(object, "key", order->key_pem);
    if (order->bulk_name)
        cJSON_AddStringToObject(object, "bulk_name", order->bulk_name);
    cJSON_AddStringToObject(object, "chain", order->chain_kind);
    cJSON *list = cJSON_AddArrayToObject(object, "certificates");
    for (size_t i = 0; i < order->certificate_count; i++)
        cJSON_AddItemToArray(list, certificate_to_json(&order->certificates[i]));
    return object;
}

bool sb_world_save(const struct sb_world *world)
{
    sb_auto(sb_free_drop) char *path = sb_format("%s/state.json", world->dir);
    cJSON *root = cJSON_CreateObject();
    cJSON *orders = cJSON_AddArrayToObject(root, "orders");
    cJSON *keys = cJSON_AddArrayToObject(root, "keys");

    cJSON_AddNumberToObject(root, "next_id", (double)world->next_id);
    cJSON_AddNumberToObject(root, "clock_offset_ms", (double)world->clock.offset_ms);
    for (size_t i = 0; i < world->order_count; i++)
        cJSON_AddItemToArray(orders, order_to_json(world->orders[i]));
    for (size_t i = 0; i < world->key_count; i++) {
        cJSON *key = cJSON_CreateObject();
        cJSON_AddStringToObject(key, "text", world->keys[i].text);
        cJSON_AddNumberToObject(key, "role", world->keys[i].role);
        cJSON_AddBoolToObject(key, "revoked", world->keys[i].revoked);
        cJSON_AddItemToArray(keys, key);
    }
    char *text = cJSON_PrintUnformatted(root);
    bool saved = text && sb_file_write(path, text, strlen(text), 0600);
    cJSON_free(text);
    cJSON_Delete(root);
    return saved;
}

static void order_from_json(struct sb_world *world, const cJSON *object)
{
    struct sb_order *order = sb_alloc(sizeof(*order));
    const cJSON *info = cJSON_GetObjectItemCaseSensitive(object, "info");
    const cJSON *c = NULL;

    order->id = sb_number_of(object, "id", 0);
    order->info = info ? cJSON_Duplicate(info, 1) : NULL;
    order->key_pem = sb_strdup(sb_text_of(object, "key", NULL));
    order->bulk_name = sb_strdup(sb_text_of(object, "bulk_name", NULL));
    order->chain_kind = sb_strdup(sb_text_of(object, "chain", "normal"));
    cJSON_ArrayForEach(c, cJSON_GetObjectItemCaseSensitive(object, "certificates"))
    {
        struct sb_certificate *to =
            sb_add_certificate(order, sb_number_of(c, "id", 0), sb_text_of(c, "kind", "primary"));
        to->pem = sb_strdup(sb_text_of(c, "pem", NULL));
        snprintf(to->serial, sizeof(to->serial), "%s", sb_text_of(c, "serial", ""));
        snprintf(to->thumbprint, sizeof(to->thumbprint), "%s", sb_text_of(c, "thumbprint", ""));
        to->revoked = sb_flag_of(c, "revoked");
    }
    sb_append_order(world, order);
}

static bool load(struct sb_world *world, const char *text, size_t len)
{
    cJSON *root = cJSON_ParseWithLength(text, len);
    const cJSON *item = NULL;

    if (!root)
        return sb_complain("%s/state.json is damaged; remove the directory to start anew",
                           world->dir);
    world->next_id = sb_number_of(root, "next_id", 700000000);
    world->clock.offset_ms = sb_number_of(root, "clock_offset_ms", 0);
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(root, "orders"))
        order_from_json(world, item);
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(root, "keys"))
    {
        struct sb_key *key = sb_world_add_key(world, (enum sb_role)sb_number_of(item, "role", 0));
        if (!key)
            continue;
        sb_set(&key->text, sb_text_of(item, "text", ""));
        key->revoked = sb_flag_of(item, "revoked");
    }
    cJSON_Delete(root);
    sb_sort_orders(world);
    return true;
}

bool sb_world_open(const char *dir, const char *crl_url, bool seed, const int64_t *now,
                   struct sb_world **ret_world)
{
    struct sb_world *world = sb_alloc(sizeof(*world));
    sb_auto(sb_free_drop) char *state = sb_format("%s/state.json", dir);
    sb_auto(sb_free_drop) char *keys = sb_format("%s/keys", dir);
    struct sb_buf text = { 0 };

    world->dir = sb_strdup(dir);
    world->next_id = 700000000;
    world->settings = (struct sb_settings){ .rate_limit = true, .not_issued_status = 404 };
    bool known = sb_file_make_dir(dir) && sb_file_make_dir(keys) && sb_file_exists(state);
    bool good = !known || (sb_file_read(state, &text) && load(world, sb_buf_text(&text), text.len));
    if (now)
        sb_clock_set(&world->clock, *now * 1000);
    good = good && sb_issuer_open(dir, crl_url, sb_clock_now(&world->clock), &world->issuer);
    if (good && !known) {
        good = sb_world_add_key(world, SB_ROLE_NONE) != NULL;
        if (good && seed)
            sb_world_seed(world);
        good = good && sb_world_save(world);
    }
    sb_buf_clear(&text);
    if (good) {
        *ret_world = world;
        return true;
    }
    sb_world_free(world);
    return false;
}

void sb_world_free(struct sb_world *world)
{
    for (size_t i = 0; i < world->order_count; i++)
        sb_free_order(world->orders[i]);
    for (size_t i = 0; i < world->key_count; i++) {
        sb_free(world->keys[i].text);
        sb_free(world->keys[i].stamps);
    }
    sb_free(world->orders);
    sb_free(world->keys);
    sb_issuer_free(world->issuer);
    sb_free(world->dir);
    sb_free(world);
}
