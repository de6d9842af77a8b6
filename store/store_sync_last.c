// SPDX-License-Identifier: Apache-2.0
/*
 * store_sync_last.c - what the last run of sync came to (last-sync.json), for status: that no run came
 * for a while must be told by somebody else. Losing it costs nothing.
 */
#include "base/trace.h"
#include "model/record.h"
#include "store_sync.h"

enum { RECORD_MAX = 8192 };

static const char file[] = "last-sync.json";

#define COUNT(name) DCS_FIELD(struct dcs_sync_summary, #name, I64, name)

static const struct dcs_field counts[] = {
    COUNT(orders),  COUNT(reissued), COUNT(fetched),  COUNT(pending),    COUNT(failed),
    COUNT(refused), COUNT(waiting),  COUNT(requests), COUNT(elapsed_ms),
};
static const struct dcs_record record = { file, counts, DCS_COUNT(counts) };

void dcs_sync_last_write(const struct job *job, const struct dcs_sync_summary *summary,
                         const struct dcs_err *why)
{
    dcs_auto(dcs_json) struct dcs_json *root = dcs_json_new_object();
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = RECORD_MAX };
    struct dcs_err err = { 0 };

    if (job->cache.fd < 0 || job->cache.role != DCS_ROLE_KEEPER)
        return;
    dcs_json_add_i64(root, "ended_at", dcs_env_now(job->env));
    if (why) {
        dcs_json_add_text(root, "code", dcs_code_name(why->code));
        dcs_json_add_text(root, "text", why->text);
    }
    if (!dcs_record_write(&record, summary, root, &err) ||
        !dcs_json_print(root, true, &text, &err) ||
        !dcs_fs_write_hint(job->cache.fd, file, dcs_buf_text(&text), text.len, 0644,
                           job->cache.owner, &err))
        dcs_trace(job->env, "%s: %s", file, err.text);
}

void dcs_show_last_sync(const struct job *job, struct dcs_json *root)
{
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = RECORD_MAX };
    dcs_auto(dcs_json) struct dcs_json *read = NULL;
    struct dcs_sync_summary summary = { 0 };
    struct dcs_err none = { 0 };
    char why[sizeof(none.text)];
    int64_t ended_at = 0;

    if (job->cache.fd < 0 || !dcs_fs_read(job->cache.fd, file, RECORD_MAX, &text, NULL, NULL) ||
        !dcs_json_parse(dcs_buf_text(&text), text.len, &read, NULL) ||
        !dcs_json_i64(read, "ended_at", &ended_at) || ended_at <= 0)
        return;
    dcs_record_read_loosely(&record, read, &summary);
    struct dcs_json *object = dcs_json_add_object(root, "last_sync");
    dcs_json_add_time(object, "ended", ended_at);
    dcs_json_add_bool(object, "done", dcs_json_text(read, "code") == NULL);
    if (dcs_json_text(read, "code")) {
        dcs_clean_text(dcs_json_text(read, "text"), why, sizeof(why));
        dcs_json_add_text(object, "text", why);
    }
    (void)!dcs_record_write(&record, &summary, object, &none);
}
