// SPDX-License-Identifier: Apache-2.0
/*
 * store_event.c - the environment of hook and notify, and the way to run them. What the CA sent goes into
 * variables only, never into the text of a command; the API key goes nowhere near them.
 */
#include "store_event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUE_MAX = 65536 }; /* half of what Linux takes as one string */

struct rows {
    struct dcs_event_environment all;
    size_t count;
    struct dcs_err *err;
    bool failed;
};

void dcs_event_environment_drop(struct dcs_event_environment *rows)
{
    for (size_t i = 0; i < DCS_EVENT_VARIABLES; i++)
        free(rows->rows[i]);
    *rows = (struct dcs_event_environment){ 0 };
}

static void add(struct rows *rows, const char *name, const char *value)
{
    dcs_auto(dcs_buf) struct dcs_buf row = { .max = VALUE_MAX + 256 };

    if (rows->failed)
        return;
    dcs_buf_addf(&row, "%s=%s", name, value ? value : "");
    rows->failed = !dcs_buf_ok(&row, name, rows->err) ||
                   !dcs_buf_steal(&row, &rows->all.rows[rows->count++], rows->err);
}

/* As many as fit: a hook that needs all of a thousand names reads the certificate. */
static void add_names(struct rows *rows, const struct dcs_facts *facts)
{
    dcs_auto(dcs_buf) struct dcs_buf names = { .max = VALUE_MAX };

    for (size_t i = 0; facts && i < facts->name_count; i++) {
        char name[256];
        dcs_clean_text(facts->names[i], name, sizeof(name));
        if (names.len + strlen(name) + 1 >= VALUE_MAX)
            break;
        dcs_buf_addf(&names, "%s%s", i ? " " : "", name);
    }
    add(rows, "DIGICERT_STORE_NAMES", dcs_buf_text(&names));
}

bool dcs_event_environment(const struct dcs_event *event, struct dcs_event_environment *ret_rows,
                           struct dcs_err *err)
{
    struct rows rows = { .err = err };
    char order[DCS_ID_TEXT + 1];
    char uri[64];
    char end[DCS_TIME_TEXT] = "";
    char reason[1024];

    dcs_clean_text(event->reason ? event->reason : "", reason, sizeof(reason));
    snprintf(order, sizeof(order), "%lld", (long long)event->order);
    snprintf(uri, sizeof(uri), "digicert://order/%s", order);
    if (event->now)
        dcs_time_text(event->now->leaf.not_after, end);
    add(&rows, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    add(&rows, "LANG", "C.UTF-8");
    add(&rows, "DIGICERT_STORE_EVENT", event->name);
    add(&rows, "DIGICERT_STORE_URI", uri);
    add(&rows, "DIGICERT_STORE_ORDER", order);
    add(&rows, "DIGICERT_STORE_DIR", event->dir);
    add(&rows, "DIGICERT_STORE_CURRENT", event->current);
    add_names(&rows, event->now);
    add(&rows, "DIGICERT_STORE_OLD_SERIAL", event->old_serial);
    add(&rows, "DIGICERT_STORE_NEW_SERIAL", event->now ? event->now->leaf.serial : "");
    add(&rows, "DIGICERT_STORE_NOT_AFTER", end);
    add(&rows, "DIGICERT_STORE_REASON", reason);
    if (rows.failed) {
        dcs_event_environment_drop(&rows.all);
        return false;
    }
    *ret_rows = rows.all;
    return true;
}

bool dcs_event_run(struct job *job, const char *command, const struct dcs_event *event,
                   bool as_owner, int64_t left_ms, struct dcs_outcome *ret_outcome,
                   struct dcs_err *err)
{
    dcs_auto(dcs_event_environment) struct dcs_event_environment rows = { 0 };
    int64_t deadline_ms = job->settings->hook_deadline_ms;
    bool drops = as_owner && dcs_env_euid(job->env) == 0 && job->cache.owner.uid != (uid_t)-1;

    if (!dcs_event_environment(event, &rows, err))
        return false;
    const struct dcs_command run = {
        .text = command,
        .environment = (const char *const *)rows.rows,
        .deadline_ms = left_ms >= 0 && left_ms < deadline_ms ? left_ms : deadline_ms,
        .uid = drops ? job->cache.owner.uid : (uid_t)-1,
        .gid = drops ? job->cache.owner.gid : (gid_t)-1,
    };
    return dcs_command_run(job->env, &run, ret_outcome, err);
}
