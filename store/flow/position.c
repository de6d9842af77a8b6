// SPDX-License-Identifier: Apache-2.0
/* position.c - sync-HASH.json: where the next question for changes begins. */
#include "flow/position.h"

#include <stdio.h>

#include "io/json.h"

enum { RECORD_MAX = 4096 };

static void path_of(const struct dcs_position *position, char out[40])
{
    snprintf(out, 40, "sync-%s.json", position->hash);
}

int64_t dcs_position_read(const struct dcs_position *position)
{
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = RECORD_MAX };
    dcs_auto(dcs_json) struct dcs_json *root = NULL;
    char path[40];
    int64_t asked_at = 0;

    path_of(position, path);
    if (!dcs_fs_read(position->state_fd, path, RECORD_MAX, &text, NULL, NULL) ||
        !dcs_json_parse(dcs_buf_text(&text), text.len, &root, NULL) ||
        !dcs_json_i64(root, "asked_at", &asked_at) || asked_at < 0)
        return 0;
    return asked_at;
}

bool dcs_position_write(const struct dcs_position *position, int64_t asked_at, struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *root = dcs_json_new_object();
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = RECORD_MAX };
    char path[40];

    path_of(position, path);
    dcs_json_add_i64(root, "asked_at", asked_at);
    return dcs_json_print(root, true, &text, err) &&
           dcs_fs_write_hint(position->state_fd, path, dcs_buf_text(&text), text.len, 0600,
                             position->owner, err);
}
