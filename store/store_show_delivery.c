// SPDX-License-Identifier: Apache-2.0
/* store_show_delivery.c - the state of an order's delivery as JSON, for show and status; reads only. */
#include <stdio.h>
#include <string.h>

#include "flow/cache_delivery.h"
#include "store_deliver.h"
#include "store_show.h"

enum { TAIL = 2048 };

static void add_generation(struct dcs_json *object, const struct dcs_cache *cache, const char *dir)
{
    dcs_auto(dcs_bundle) struct dcs_bundle *bundle = NULL;

    dcs_json_add_text(object, "dir", dir);
    if (dcs_cache_load_dir(cache, dir, &bundle, NULL))
        dcs_json_add_text(object, "serial", dcs_bundle_facts(bundle)->leaf.serial);
}

struct held {
    const struct dcs_cache *cache;
    struct dcs_json *array;
};

static bool add_held(void *context, struct dcs_bundle *bundle)
{
    struct held *held = context;
    const char *dir = dcs_bundle_dir(bundle);
    char reason[512];
    int64_t since = 0;

    if (!dcs_cache_is_held(held->cache, dir) ||
        !dcs_cache_read_held(held->cache, dir, &since, reason))
        return true;
    struct dcs_json *object = dcs_json_add_object(held->array, NULL);
    dcs_json_add_i64(object, "generation", dcs_bundle_generation(bundle));
    dcs_json_add_text(object, "serial", dcs_bundle_facts(bundle)->leaf.serial);
    dcs_json_add_time(object, "since", since);
    dcs_json_add_text(object, "reason", reason);
    return true;
}

static void add_failure(struct dcs_json *object, const struct dcs_delivery *record)
{
    const char *output = record->output;
    size_t len = output ? strlen(output) : 0;

    dcs_json_add_i64(object, "failures", record->failures);
    dcs_json_add_time(object, "failing_since", record->failing_since);
    dcs_json_add_time(object, "last_try", record->last_try);
    dcs_json_add_time(object, "next_try", record->next_try);
    if (record->stage[0])
        dcs_json_add_text(object, "stage", record->stage);
    if (!output)
        return;
    output += len <= TAIL ? 0 : len - TAIL;
    while (((unsigned char)*output & 0xC0) == 0x80) /* not within a character */
        output++;
    dcs_json_add_text(object, "output", output);
}

static const char *state_of(const struct dcs_delivery *record, bool is_delivered, bool any_held)
{
    if (record->failures > 0)
        return record->again ? "rolling-back" : "failing";
    if (!is_delivered)
        return "waiting";
    return any_held ? "rolled-back" : "delivered";
}

/* For a person who looks at the order as a whole. */
static void add_words(struct dcs_json *object, const struct dcs_delivery *record,
                      const struct dcs_json *held)
{
    const struct dcs_json *first = dcs_json_first(held);
    char words[700];
    int64_t generation = 0;

    if (record->failures > 0) {
        snprintf(words, sizeof(words), "not delivered, %lld times: %.500s",
                 (long long)record->failures, record->reason);
    } else if (first && dcs_json_i64(first, "generation", &generation)) {
        snprintf(words, sizeof(words), "generation %lld is held: %.500s", (long long)generation,
                 dcs_json_text(first, "reason"));
    } else {
        return;
    }
    dcs_json_add_text(object, "words", words);
}

/* delivery.json is of another generation after each new one: it then says nothing of this one. */
static void drop_old(struct dcs_delivery *record, const char *current)
{
    int64_t delivered_at = record->delivered_at;

    if (strcmp(record->target, current) == 0)
        return;
    dcs_delivery_drop(record);
    record->delivered_at = delivered_at;
}

/* Somebody counts on `deliver`, which has not run yet. */
static bool is_awaited(struct job *job, int64_t id, const char *current,
                       const struct dcs_order_settings *settings)
{
    dcs_auto(dcs_bundle) struct dcs_bundle *bundle = NULL;

    return (settings->hook[0] || settings->deliver[0] || settings->verify[0]) &&
           dcs_cache_load_dir(&job->cache, current, &bundle, NULL) && dcs_bundle_has_key(bundle) &&
           !dcs_deliver_is_by_another(job, id, settings);
}

void dcs_show_delivery(struct job *job, int64_t id, const struct dcs_order_settings *settings,
                       struct dcs_json *parent)
{
    dcs_auto(dcs_delivery) struct dcs_delivery record = { 0 };
    char current[DCS_GENERATION_DIR] = "";
    char delivered[DCS_GENERATION_DIR] = "";

    if (!dcs_cache_delivered(&job->cache, id, delivered, NULL))
        delivered[0] = '\0';
    dcs_cache_read_delivery(&job->cache, id, &record);
    if (!dcs_cache_current(&job->cache, id, current, NULL) ||
        (!delivered[0] && !record.last_try && !is_awaited(job, id, current, settings)))
        return;
    struct dcs_json *object = dcs_json_add_object(parent, "delivery");
    struct held held = { &job->cache, dcs_json_new_array() };
    (void)!dcs_cache_each(&job->cache, id, add_held, &held, NULL);
    bool any_held = dcs_json_count(held.array) > 0;
    drop_old(&record, current);
    dcs_json_add_text(object, "state",
                      state_of(&record, strcmp(current, delivered) == 0, any_held));
    if (delivered[0])
        add_generation(dcs_json_add_object(object, "delivered"), &job->cache, delivered);
    if (record.delivered_at)
        dcs_json_add_time(object, "delivered_at", record.delivered_at);
    if (record.reason[0])
        dcs_json_add_text(object, "reason", record.reason);
    if (record.failures > 0)
        add_failure(object, &record);
    add_words(object, &record, held.array);
    if (any_held)
        dcs_json_attach(object, "held", held.array);
    else
        dcs_json_free(held.array);
}

void dcs_show_hook_output(struct job *job, int64_t id, struct dcs_json *parent)
{
    dcs_auto(dcs_delivery) struct dcs_delivery record = { 0 };

    dcs_cache_read_delivery(&job->cache, id, &record);
    if (record.failures > 0 && record.output)
        dcs_json_add_text(parent, "hook_output", record.output);
}
