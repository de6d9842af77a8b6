// SPDX-License-Identifier: Apache-2.0
/*
 * status_line.c - `status --check` and `--nagios`: the state of all in an exit status and one line. The
 * line is that of monitoring plug-ins (monitoring-plugins.org/doc/guidelines.html, 2.1 and 2.6).
 */
#include "status.h"

#include <string.h>

#include "escape.h"

/* What a plug-in ends with, and calls it. */
static const struct {
    const char *level, *word;
    int status;
} levels[] = { { "ok", "OK", 0 }, { "warning", "WARNING", 1 }, { "critical", "CRITICAL", 2 } };

/* By "health.state" of an order. */
static const struct {
    const char *state;
    int status;
} states[] = { { "good", CLI_DONE },         { "pending", CLI_PENDING },
               { "away", CLI_AWAY },         { "denied", CLI_DENIED },
               { "urgent", CLI_POLICY },     { "stuck", CLI_POLICY },
               { "failing", CLI_POLICY },    { "undelivered", CLI_POLICY },
               { "expired", CLI_NOT_FOUND }, { "revoked", CLI_NOT_FOUND },
               { "missing", CLI_NOT_FOUND } };

static bool is(const char *text, const char *word)
{
    return text && strcmp(text, word) == 0;
}

static int status_of(const struct dcs_json *order)
{
    const char *state = dcs_json_text(order, "health.state");

    for (size_t i = 0; i < DCS_COUNT(states); i++)
        if (is(state, states[i].state))
            return states[i].status;
    return CLI_BUG;
}

static bool is_away(const struct dcs_json *root)
{
    return dcs_json_tri(root, "service.away") == DCS_YES ||
           dcs_json_tri(root, "service.issuance.away") == DCS_YES;
}

int cli_check_status(const struct dcs_json *root)
{
    const struct dcs_json *orders = dcs_json_get(root, "orders");
    int status = CLI_DONE;

    for (const struct dcs_json *o = dcs_json_first(orders); o; o = dcs_json_next(o))
        status = cli_worst(status, status_of(o));
    return status == CLI_DONE && is_away(root) ? CLI_AWAY : status;
}

static size_t level_of(const struct dcs_json *object)
{
    const char *level = dcs_json_text(object, "health.level");
    size_t i = 0;

    while (i + 1 < DCS_COUNT(levels) && !is(level, levels[i].level))
        i++;
    return i;
}

int cli_plugin_status(const struct dcs_json *root)
{
    return levels[level_of(root)].status;
}

/* The first of the worst, NULL when all are good. */
static const struct dcs_json *worst_order(const struct dcs_json *root)
{
    const struct dcs_json *orders = dcs_json_get(root, "orders");
    const struct dcs_json *worst = NULL;

    for (const struct dcs_json *o = dcs_json_first(orders); o; o = dcs_json_next(o))
        if (level_of(o) > (worst ? level_of(worst) : 0))
            worst = o;
    return worst;
}

static void add_worst(struct dcs_buf *out, const struct dcs_json *root)
{
    const struct dcs_json *worst = worst_order(root);
    int64_t id = 0;

    if (!worst) {
        if (is_away(root)) {
            dcs_buf_adds(out, ": ");
            cli_add_plain(out, dcs_json_text(root, "service.words"));
        }
        return;
    }
    (void)dcs_json_i64(worst, "order_id", &id);
    dcs_buf_addf(out, "; order %lld ", (long long)id);
    if (dcs_json_text(worst, "current.common_name")) {
        dcs_buf_addc(out, '(');
        cli_add_plain(out, dcs_json_text(worst, "current.common_name"));
        dcs_buf_adds(out, ") ");
    }
    dcs_buf_addf(out, "is %s: ", dcs_json_text(worst, "health.state"));
    cli_add_plain(out, dcs_json_text(worst, "health.words"));
}

static void add_performance(struct dcs_buf *out, const struct dcs_json *root)
{
    static const struct {
        const char *path, *label;
    } numbers[] = { { "health.orders", "orders" },
                    { "service.budget_left_5s", "budget_left_5s" },
                    { "service.budget_left_3min", "budget_left_3min" } };
    const struct dcs_json *by_state = dcs_json_path(root, "health.states");
    int64_t next = cli_time_of(root, "health.next_expiry");
    int64_t value = 0;

    for (size_t i = 0; i < DCS_COUNT(numbers); i++)
        if (dcs_json_i64(root, numbers[i].path, &value))
            dcs_buf_addf(out, " %s=%lld;;;0", numbers[i].label, (long long)value);
    for (const struct dcs_json *s = dcs_json_first(by_state); s; s = dcs_json_next(s))
        if (dcs_json_i64(s, "", &value))
            dcs_buf_addf(out, " %s=%lld;;;0", dcs_json_name(s), (long long)value);
    if (next)
        dcs_buf_addf(out, " next_expiry=%llds;;;0", (long long)(next - cli_time_of(root, "now")));
}

void cli_check_line(const struct dcs_json *root, struct dcs_buf *out)
{
    dcs_buf_addf(out, "DIGICERT-STORE %s - ", levels[level_of(root)].word);
    cli_add_plain(out, dcs_json_text(root, "health.words"));
    add_worst(out, root);
    dcs_buf_adds(out, " |");
    add_performance(out, root);
    dcs_buf_addc(out, '\n');
}
