// SPDX-License-Identifier: Apache-2.0
/*
 * cache_account.c - account.jsonl: one order a line, written page by page, never held as a whole.
 *
 * While it is being fetched it is account.part; the rename makes it complete. The first line says
 * when it was begun.
 */
#include <stdio.h>
#include <string.h>

#include "flow/cache.h"

#define COMPLETE "account.jsonl"
#define PARTIAL "account.part"

static int64_t begun_at(struct dcs_lines *lines)
{
    dcs_auto(dcs_json) struct dcs_json *head = NULL;
    const char *line = NULL;
    int64_t begun = 0;

    if (!dcs_lines_next(lines, &line, NULL) || !line ||
        !dcs_json_parse(line, strlen(line), &head, NULL) || !dcs_json_i64(head, "begun", &begun))
        return 0;
    return begun;
}

/* A line that was cut off by a kill or a full disk is no order, and was not listed. */
static bool is_order(const char *line)
{
    dcs_auto(dcs_json) struct dcs_json *row = NULL;
    int64_t id = 0;

    return dcs_json_parse(line, strlen(line), &row, NULL) && dcs_json_i64(row, "id", &id);
}

void dcs_account_read(const struct dcs_cache *cache, struct dcs_account_state *ret_state)
{
    dcs_auto(dcs_lines) struct dcs_lines *complete = NULL;
    dcs_auto(dcs_lines) struct dcs_lines *partial = NULL;
    const char *line = NULL;

    *ret_state = (struct dcs_account_state){ 0 };
    if (cache->fd < 0)
        return;
    if (dcs_lines_open(cache->fd, COMPLETE, &complete, NULL))
        ret_state->fetched = begun_at(complete);
    if (!dcs_lines_open(cache->fd, PARTIAL, &partial, NULL))
        return;
    ret_state->partial_begun = begun_at(partial);
    while (ret_state->partial_begun && dcs_lines_next(partial, &line, NULL) && line)
        ret_state->partial += is_order(line);
}

bool dcs_account_begin(const struct dcs_cache *cache, struct dcs_err *err)
{
    char line[64];
    int len =
        snprintf(line, sizeof(line), "{\"begun\":%lld}\n", (long long)dcs_env_now(cache->env));

    return dcs_fs_write(cache->fd, PARTIAL, line, (size_t)len, 0600, cache->owner, err);
}

bool dcs_account_resume(const struct dcs_cache *cache, struct dcs_err *err)
{
    /* Ends a line that was cut off, or the next order would be lost with it. */
    return dcs_fs_append(cache->fd, PARTIAL, "\n", 1, 0600, cache->owner, err);
}

bool dcs_account_add(const struct dcs_cache *cache, struct dcs_order *const *orders, size_t count,
                     struct dcs_err *err)
{
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = 1 << 22 };

    for (size_t i = 0; i < count; i++) {
        dcs_auto(dcs_json) struct dcs_json *line = dcs_json_new_object();
        dcs_json_add_i64(line, "id", orders[i]->id);
        dcs_json_add_text(line, "common_name", orders[i]->common_name);
        dcs_json_add_text(line, "status", orders[i]->status_text);
        if (orders[i]->valid_till >= 0)
            dcs_json_add_i64(line, "valid_till", orders[i]->valid_till);
        if (!dcs_json_print(line, false, &text, err))
            return false;
        dcs_buf_addc(&text, '\n');
    }
    return dcs_buf_ok(&text, "a page of the listing", err) &&
           dcs_fs_append(cache->fd, PARTIAL, dcs_buf_text(&text), text.len, 0600, cache->owner,
                         err);
}

bool dcs_account_finish(const struct dcs_cache *cache, struct dcs_err *err)
{
    return dcs_fs_rename(cache->fd, PARTIAL, COMPLETE, err);
}

bool dcs_account_open(const struct dcs_cache *cache, struct dcs_lines **ret_lines,
                      struct dcs_err *err)
{
    static const char *const names[] = { COMPLETE, PARTIAL };

    if (cache->fd < 0)
        return dcs_fail(err, DCS_E_NOT_FOUND, "%s", cache->why_reader);
    for (size_t i = 0; i < DCS_COUNT(names); i++) {
        dcs_auto(dcs_lines) struct dcs_lines *lines = NULL;
        if (dcs_lines_open(cache->fd, names[i], &lines, NULL) && begun_at(lines) > 0) {
            *ret_lines = dcs_steal(&lines);
            return true;
        }
    }
    return dcs_fail(err, DCS_E_NOT_FOUND, "the account's orders were never listed");
}
