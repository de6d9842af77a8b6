// SPDX-License-Identifier: Apache-2.0
/* world_json.c - orders and the rest of the account as JSON, for state.jsonl. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "world_parts.h"

/* Members of a certificate that are numbers, and those that are flags. */
#define NUMBER(m)                              \
    {                                          \
#m, offsetof(struct sb_certificate, m) \
    }
static const struct {
    const char *name;
    size_t offset;
} numbers[] = { NUMBER(id),        NUMBER(created),    NUMBER(issued),    NUMBER(not_before),
                NUMBER(not_after), NUMBER(revoked_at), NUMBER(revoke_due) };

static int64_t *number_at(const struct sb_certificate *c, size_t which)
{
    return (int64_t *)((char *)c + numbers[which].offset);
}

static cJSON *certificate_to_json(const struct sb_certificate *c)
{
    cJSON *object = cJSON_CreateObject();

    for (size_t i = 0; i < SB_COUNT(numbers); i++)
        if (*number_at(c, i))
            cJSON_AddNumberToObject(object, numbers[i].name, (double)*number_at(c, i));
    cJSON_AddStringToObject(object, "kind", c->kind);
    cJSON_AddNumberToObject(object, "state", c->state);
    cJSON_AddNumberToObject(object, "ca", (double)c->ca);
    cJSON_AddNumberToObject(object, "key_size", c->key_size);
    cJSON_AddBoolToObject(object, "logged", c->logged);
    cJSON_AddBoolToObject(object, "client_auth", c->client_auth);
    cJSON_AddStringToObject(object, "serial", c->serial);
    cJSON_AddStringToObject(object, "thumbprint", c->thumbprint);
    cJSON_AddStringToObject(object, "spki", c->spki);
    sb_set_text(object, "pem", c->pem);
    sb_set_text(object, "csr", c->csr);
    sb_set_text(object, "hash", c->hash);
    sb_set_text(object, "common_name", c->common_name);
    cJSON_AddItemToObject(object, "names", sb_names_json(&c->names));
    return object;
}

static void certificate_from_json(struct sb_order *order, const cJSON *object)
{
    struct sb_certificate *c = sb_add_certificate(order, 0, sb_text_of(object, "kind", "primary"));

    for (size_t i = 0; i < SB_COUNT(numbers); i++)
        *number_at(c, i) = sb_number_of(object, numbers[i].name, 0);
    c->state = (enum sb_state)sb_number_of(object, "state", SB_ISSUED);
    c->ca = (size_t)sb_number_of(object, "ca", 0);
    c->key_size = (int)sb_number_of(object, "key_size", 0);
    c->logged = sb_flag_of(object, "logged");
    c->client_auth = sb_flag_of(object, "client_auth");
    snprintf(c->serial, sizeof(c->serial), "%s", sb_text_of(object, "serial", ""));
    snprintf(c->thumbprint, sizeof(c->thumbprint), "%s", sb_text_of(object, "thumbprint", ""));
    snprintf(c->spki, sizeof(c->spki), "%s", sb_text_of(object, "spki", ""));
    c->pem = sb_strdup(sb_text_of(object, "pem", NULL));
    c->csr = sb_strdup(sb_text_of(object, "csr", NULL));
    c->hash = sb_strdup(sb_text_of(object, "hash", NULL));
    c->common_name = sb_strdup(sb_text_of(object, "common_name", NULL));
    sb_names_of(sb_item(object, "names"), &c->names);
}

/* References, not copies: the object is printed and deleted at once. */
cJSON *sb_order_to_json(const struct sb_order *order)
{
    cJSON *object = cJSON_CreateObject();

    cJSON_AddNumberToObject(object, "id", (double)order->id);
    cJSON_AddNumberToObject(object, "changed", (double)order->changed);
    cJSON_AddItemReferenceToObject(object, "info", order->info);
    if (order->submissions)
        cJSON_AddItemReferenceToObject(object, "submissions", order->submissions);
    if (order->switches)
        cJSON_AddItemReferenceToObject(object, "switches", order->switches);
    sb_set_text(object, "key", order->key_pem);
    cJSON_AddStringToObject(object, "chain", order->chain_kind);
    cJSON *list = cJSON_AddArrayToObject(object, "certificates");
    for (size_t i = 0; i < order->certificate_count; i++)
        cJSON_AddItemToArray(list, certificate_to_json(&order->certificates[i]));
    return object;
}

static cJSON *copy_of(const cJSON *object, const char *name)
{
    const cJSON *item = sb_item(object, name);

    return item ? cJSON_Duplicate(item, 1) : NULL;
}

struct sb_order *sb_order_from_json(const cJSON *object)
{
    struct sb_order *order = sb_alloc(sizeof(*order));
    const cJSON *list = sb_item(object, "certificates");

    order->id = sb_number_of(object, "id", 0);
    order->changed = sb_number_of(object, "changed", 0);
    order->info = copy_of(object, "info");
    order->submissions = copy_of(object, "submissions");
    order->switches = copy_of(object, "switches");
    order->key_pem = sb_strdup(sb_text_of(object, "key", NULL));
    order->chain_kind = sb_strdup(sb_text_of(object, "chain", "normal"));
    for (const cJSON *c = list ? list->child : NULL; c; c = c->next)
        certificate_from_json(order, c);
    return order;
}

/* ---- keys, bulk orders, domains, clock ---- */

cJSON *sb_world_to_json(const struct sb_world *world)
{
    cJSON *root = cJSON_CreateObject();
    cJSON *keys = cJSON_AddArrayToObject(root, "keys");
    cJSON *bulks = cJSON_AddArrayToObject(root, "bulks");

    cJSON_AddNumberToObject(root, "clock_offset_ms", (double)world->clock.offset_ms);
    if (world->clock.frozen)
        cJSON_AddNumberToObject(root, "clock_frozen_ms", (double)world->clock.frozen_ms);
    for (size_t i = 0; i < world->key_count; i++) {
        cJSON *key = cJSON_CreateObject();
        cJSON_AddStringToObject(key, "text", world->keys[i].text);
        cJSON_AddNumberToObject(key, "role", world->keys[i].role);
        cJSON_AddBoolToObject(key, "revoked", world->keys[i].revoked);
        cJSON_AddBoolToObject(key, "may_approve", world->keys[i].may_approve);
        cJSON_AddItemToArray(keys, key);
    }
    for (size_t i = 0; i < world->bulk_count; i++) {
        cJSON *bulk = cJSON_CreateObject();
        cJSON_AddStringToObject(bulk, "pattern", world->bulks[i].pattern);
        cJSON_AddNumberToObject(bulk, "first", (double)world->bulks[i].first);
        cJSON_AddNumberToObject(bulk, "count", (double)world->bulks[i].count);
        cJSON_AddItemToArray(bulks, bulk);
    }
    if (world->domains)
        cJSON_AddItemReferenceToObject(root, "domains", world->domains);
    cJSON_AddItemToObject(root, "settings", sb_settings_to_json(&world->settings));
    return root;
}

static void free_keys(struct sb_world *world)
{
    for (size_t i = 0; i < world->key_count; i++) {
        sb_free(world->keys[i].text);
        sb_free(world->keys[i].stamps);
    }
    world->key_count = 0;
}

void sb_world_from_json(struct sb_world *world, const cJSON *object)
{
    const cJSON *item = NULL;
    const char *why = NULL;
    size_t known = 0;

    world->clock.offset_ms = sb_number_of(object, "clock_offset_ms", 0);
    world->clock.frozen_ms = sb_number_of(object, "clock_frozen_ms", 0);
    world->clock.frozen = world->clock.frozen_ms != 0;
    free_keys(world);
    cJSON_ArrayForEach(item, sb_item(object, "keys"))
    {
        struct sb_key *key = sb_world_add_key(world, (enum sb_role)sb_number_of(item, "role", 0));
        if (!key)
            continue;
        sb_set(&key->text, sb_text_of(item, "text", ""));
        key->revoked = sb_flag_of(item, "revoked");
        key->may_approve = sb_flag_of(item, "may_approve");
    }
    /* A later line repeats the bulks of an earlier one and may add more. */
    cJSON_ArrayForEach(item, sb_item(object, "bulks"))
    {
        if (known++ < world->bulk_count)
            continue;
        sb_add_bulk(world, sb_text_of(item, "pattern", ""), sb_number_of(item, "first", 0),
                    sb_number_of(item, "count", 0));
    }
    cJSON_Delete(world->domains);
    world->domains = copy_of(object, "domains");
    cJSON_Delete(world->settings.switches);
    world->settings.switches = NULL;
    if (!sb_settings_set(&world->settings, sb_item(object, "settings"), &why))
        sb_complain("a setting in state.jsonl is not known: %s", why);
}
