// SPDX-License-Identifier: Apache-2.0
/*
 * world_keep.c - API keys, and the account on disk: state.jsonl, to which each change appends the
 * orders that it concerns. The last line of an order counts; a line that is cut off at the end never
 * was. Now and then, and at each start, the file is replaced by what it amounts to.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "world_parts.h"

enum { RING = 1024, JOURNAL_MAX = 256 << 20 };

struct sb_journal {
    char *path;
    struct sb_appender *file;
    struct sb_order **dirty;
    size_t dirty_count, dirty_capacity;
};

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
                            .may_approve = true,
                            .stamps = sb_alloc(RING * sizeof(int64_t)) };
    sb_world_touch(world, NULL);
    return key;
}

/* ---- what is to be written ---- */

void sb_world_touch(struct sb_world *world, struct sb_order *order)
{
    struct sb_journal *journal = world->journal;

    if (!order) {
        world->is_dirty = true;
        return;
    }
    if (order->is_dirty)
        return;
    order->is_dirty = true;
    if (journal->dirty_count == journal->dirty_capacity) {
        journal->dirty_capacity = journal->dirty_capacity ? journal->dirty_capacity * 2 : 16;
        journal->dirty =
            sb_realloc(journal->dirty, journal->dirty_capacity * sizeof(struct sb_order *));
    }
    journal->dirty[journal->dirty_count++] = order;
}

void sb_world_forget(struct sb_world *world, const struct sb_order *order)
{
    struct sb_journal *journal = world->journal;
    size_t kept = 0;

    for (size_t i = 0; i < journal->dirty_count; i++)
        if (journal->dirty[i] != order)
            journal->dirty[kept++] = journal->dirty[i];
    journal->dirty_count = kept;
    for (size_t i = 0; i < world->by_id_count; i++)
        if (world->by_id[i] == order)
            world->by_id[i] = NULL;
}

static void add_line(const struct sb_world *world, const char *name, cJSON *content,
                     struct sb_buf *lines)
{
    char *text = cJSON_PrintUnformatted(content);

    sb_buf_addf(lines, "{\"next_id\":%lld,\"%s\":", (long long)world->next_id, name);
    sb_buf_adds(lines, text ? text : "null");
    sb_buf_adds(lines, "}\n");
    cJSON_free(text);
    cJSON_Delete(content);
}

/* The whole file anew. */
static bool compact(struct sb_world *world)
{
    struct sb_journal *journal = world->journal;
    struct sb_buf lines = { 0 };

    add_line(world, "world", sb_world_to_json(world), &lines);
    for (size_t i = 0; i < world->order_count; i++) {
        if (world->orders[i]->info)
            add_line(world, "order", sb_order_to_json(world->orders[i]), &lines);
        world->orders[i]->is_dirty = false;
    }
    journal->dirty_count = 0;
    world->is_dirty = false;
    sb_appender_close(journal->file);
    journal->file = NULL;
    bool good = sb_file_write(journal->path, lines.data, lines.len, 0600) &&
                sb_appender_open(journal->path, &journal->file);
    sb_buf_clear(&lines);
    return good;
}

bool sb_world_save(struct sb_world *world)
{
    struct sb_journal *journal = world->journal;
    struct sb_buf lines = { 0 };

    if (!journal->file)
        return compact(world);
    if (!world->is_dirty && journal->dirty_count == 0)
        return true;
    if (world->is_dirty)
        add_line(world, "world", sb_world_to_json(world), &lines);
    for (size_t i = 0; i < journal->dirty_count; i++) {
        add_line(world, "order", sb_order_to_json(journal->dirty[i]), &lines);
        journal->dirty[i]->is_dirty = false;
    }
    journal->dirty_count = 0;
    world->is_dirty = false;
    bool good = sb_appender_add(journal->file, lines.data, lines.len);
    sb_buf_clear(&lines);
    /* What was only appended weighs most by then. */
    return good && (sb_appender_added(journal->file) < JOURNAL_MAX || compact(world));
}

/* ---- reading it ---- */

static void note_ids(struct sb_world *world, struct sb_order *order)
{
    for (size_t i = 0; i < order->certificate_count; i++)
        sb_note_id(world, order->certificates[i].id, order);
    for (const cJSON *s = order->submissions ? order->submissions->child : NULL; s; s = s->next)
        sb_note_id(world, sb_number_of(s, "id", 0), order);
}

/* In place of the one that there is, if any: a bulk order, or an earlier line. */
static void put_order(struct sb_world *world, struct sb_order *order)
{
    struct sb_order *old = sb_world_order(world, order->id);

    if (!old) {
        sb_world_insert(world, order);
        note_ids(world, order);
        return;
    }
    struct sb_order emptied = *old;
    *old = *order;
    old->bulk_name = emptied.bulk_name;
    *order = emptied;
    sb_free_order(order);
    note_ids(world, old);
}

static bool read_line(struct sb_world *world, const char *line, size_t len)
{
    cJSON *root = cJSON_ParseWithLength(line, len);

    if (!root)
        return false;
    world->next_id = sb_number_of(root, "next_id", SB_FIRST_ID);
    if (sb_item(root, "world"))
        sb_world_from_json(world, sb_item(root, "world"));
    if (sb_item(root, "order"))
        put_order(world, sb_order_from_json(sb_item(root, "order")));
    cJSON_Delete(root);
    return true;
}

static bool load(struct sb_world *world)
{
    struct sb_buf text = { 0 };
    bool good = sb_file_read(world->journal->path, &text);
    const char *line = sb_buf_text(&text);

    while (good && *line) {
        size_t len = strcspn(line, "\n");
        bool last = line[len] == '\0';
        good = read_line(world, line, len) || last;
        line += len + !last;
    }
    sb_buf_clear(&text);
    return good ||
           sb_complain("%s/state.jsonl is damaged; remove the directory to start anew", world->dir);
}

/* ---- open and close ---- */

static struct sb_world *new_world(const char *dir)
{
    struct sb_world *world = sb_alloc(sizeof(*world));

    world->dir = sb_strdup(dir);
    world->next_id = SB_FIRST_ID;
    world->journal = sb_alloc(sizeof(*world->journal));
    world->journal->path = sb_format("%s/state.jsonl", dir);
    sb_settings_init(&world->settings);
    return world;
}

static bool is_older(const char *dir)
{
    sb_auto(sb_free_drop) char *older = sb_format("%s/state.json", dir);

    return sb_file_exists(older);
}

bool sb_world_open(const char *dir, const char *crl_base, bool seed, const int64_t *now,
                   struct sb_world **ret_world)
{
    struct sb_world *world = new_world(dir);
    sb_auto(sb_free_drop) char *keys = sb_format("%s/keys", dir);
    bool good = sb_file_make_dir(dir) && sb_file_make_dir(keys);
    bool known = good && sb_file_exists(world->journal->path);

    if (good && !known && is_older(dir))
        good = sb_complain("%s is of an older version; remove it to start anew", dir);
    good = good && (!known || load(world));
    if (now)
        sb_clock_set(&world->clock, *now * 1000);
    good = good && sb_issuer_open(dir, crl_base, sb_clock_now(&world->clock), &world->issuer);
    if (good && !known) {
        good = sb_world_add_key(world, SB_ROLE_NONE) != NULL;
        if (good && seed)
            sb_world_seed(world);
    }
    if (good && compact(world)) {
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
    for (size_t i = 0; i < world->bulk_count; i++)
        sb_free(world->bulks[i].pattern);
    sb_free(world->bulks);
    sb_free(world->orders);
    sb_free(world->keys);
    sb_free(world->by_id);
    cJSON_Delete(world->domains);
    cJSON_Delete(world->settings.switches);
    cJSON_Delete(world->settings.maintenance);
    sb_free(world->settings.calendar);
    sb_issuer_free(world->issuer);
    sb_appender_close(world->journal->file);
    sb_free(world->journal->dirty);
    sb_free(world->journal->path);
    sb_free(world->journal);
    sb_free(world->dir);
    sb_free(world);
}
