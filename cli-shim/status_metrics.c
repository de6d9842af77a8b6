// SPDX-License-Identifier: Apache-2.0
/*
 * status_metrics.c - `status --prometheus`: the status in Prometheus' text format 0.0.4, for the
 * textfile collector of the node exporter: no time stamps behind the values, no series twice, the
 * samples of a metric together below its HELP and TYPE. What is unknown has no sample. Labels hold
 * nothing that the CA may make up at will but names, cleaned and escaped.
 */
#include "status.h"

#include <string.h>

#include "cli-build.h"
#include "escape.h"

enum kind { TIME, NUMBER, COUNT, MILLISECONDS, ACTIVE, YES_NO, NO_YES, IN_STEP };

struct metric {
    const char *name, *help, *path;
    enum kind kind;
    const char *label; /* with its value, of the path that is once for all; NULL none */
};

/* Of the service and the host: one sample each. */
static const struct metric general[] = {
    { "collected_timestamp_seconds", "When these metrics were made.", "now", TIME, NULL },
    { "service_up", "Whether the service answered when it was last asked.", "service.away", NO_YES,
      NULL },
    { "service_away_since_timestamp_seconds", "Since when the service has been away.",
      "service.away_since", TIME, NULL },
    { "service_next_try_timestamp_seconds", "When the service is asked again while it is away.",
      "service.next_try", TIME, NULL },
    { "service_last_success_timestamp_seconds",
      "When the service last answered; written every ten minutes at most.", "service.last_success",
      TIME, NULL },
    { "issuance_up", "Whether the CA issues, as far as it was asked to.", "service.issuance.away",
      NO_YES, NULL },
    { "issuance_away_since_timestamp_seconds", "Since when the CA has answered and issued nothing.",
      "service.issuance.away_since", TIME, NULL },
    { "orders_waiting", "Orders that wait for the service.", "service.waiting", NUMBER, NULL },
    { "request_budget_left", "Requests that may be sent at this moment, in each window.",
      "service.budget_left_5s", NUMBER, "window=\"5s\"" },
    { "request_budget_left", "", "service.budget_left_3min", NUMBER, "window=\"3min\"" },
    { "maintenance_active", "1 while the CA's announced maintenance lasts.",
      "maintenance.now.start", ACTIVE, NULL },
    { "maintenance_start_timestamp_seconds", "When the next announced maintenance begins.",
      "maintenance.next.start", TIME, NULL },
    { "maintenance_end_timestamp_seconds", "When the one that lasts ends.", "maintenance.now.end",
      TIME, NULL },
    { "sync_last_run_timestamp_seconds", "When the last sync ended.", "last_sync.ended", TIME,
      NULL },
    { "sync_last_run_success", "Whether it could do anything at all.", "last_sync.done", YES_NO,
      NULL },
    { "sync_last_run_duration_seconds", "How long it took.", "last_sync.elapsed_ms", MILLISECONDS,
      NULL },
    { "sync_last_run_requests", "Requests that it sent.", "last_sync.requests", NUMBER, NULL },
    { "sync_last_run_orders", "Orders of the last sync, by what came of them.",
      "last_sync.reissued", NUMBER, "result=\"reissued\"" },
    { "sync_last_run_orders", "", "last_sync.fetched", NUMBER, "result=\"fetched\"" },
    { "sync_last_run_orders", "", "last_sync.pending", NUMBER, "result=\"pending\"" },
    { "sync_last_run_orders", "", "last_sync.failed", NUMBER, "result=\"failed\"" },
    { "sync_last_run_orders", "", "last_sync.refused", NUMBER, "result=\"refused\"" },
    { "sync_last_run_orders", "", "last_sync.waiting", NUMBER, "result=\"waiting\"" },
};

/* Of each order that has them. */
static const struct metric of_order[] = {
    { "certificate_not_before_timestamp_seconds", "Begin of the certificate that is served.",
      "current.not_before", TIME, NULL },
    { "certificate_not_after_timestamp_seconds", "End of the certificate that is served.",
      "current.not_after", TIME, NULL },
    { "certificate_due_timestamp_seconds", "When a new certificate is due.", "current.due", TIME,
      NULL },
    { "certificate_urgent_timestamp_seconds",
      "When a new certificate is urgent: by then it should be here.", "current.urgent", TIME,
      NULL },
    { "certificate_critical_timestamp_seconds", "When the end of the certificate is near.",
      "current.critical", TIME, NULL },
    { "certificate_key_present", "Whether the private key is here.", "current.has_key", YES_NO,
      NULL },
    { "certificate_scts", "Signed certificate timestamps in the certificate.", "current.sct_count",
      NUMBER, NULL },
    { "certificate_ct_in_step", "Whether the certificate is as the order's CT setting wants it.",
      "plan.ct.state", IN_STEP, NULL },
    { "order_end_timestamp_seconds", "End of the order: what is paid for.", "plan.order_end", TIME,
      NULL },
    { "order_failures", "Attempts that failed in a row.", "failures", COUNT, NULL },
    { "order_failing_since_timestamp_seconds", "The first of the failures.", "failing_since", TIME,
      NULL },
    { "order_next_try_timestamp_seconds", "When the order is tried again after failures.",
      "next_try", TIME, NULL },
    { "order_pending_since_timestamp_seconds",
      "When the new certificate was asked for that the CA has not issued yet.", "request.sent",
      TIME, NULL },
    { "order_dcv_valid_until_timestamp_seconds",
      "When the first domain of the order must be validated anew.", "validation.dcv_until", TIME,
      NULL },
    { "delivery_failures", "Deliveries of the present pair that failed in a row.",
      "delivery.failures", NUMBER, NULL },
    { "delivery_failing_since_timestamp_seconds", "The first of them.", "delivery.failing_since",
      TIME, NULL },
    { "delivery_last_success_timestamp_seconds", "When a pair was last delivered.",
      "delivery.delivered_at", TIME, NULL },
};

/* The head of a metric; its HELP texts have neither backslash nor line feed. */
static void add_head(struct dcs_buf *out, const char *name, const char *help)
{
    dcs_buf_addf(out, "# HELP digicert_store_%s %s\n# TYPE digicert_store_%s gauge\n", name, help,
                 name);
}

static bool value_of(const struct dcs_json *object, const struct metric *m, int64_t *ret_value)
{
    const char *text = dcs_json_text(object, m->path);
    enum dcs_tri tri = DCS_UNKNOWN;

    switch (m->kind) {
    case TIME:
        *ret_value = cli_time_of(object, m->path);
        return *ret_value != 0;
    case ACTIVE:
        *ret_value = cli_time_of(object, m->path) != 0;
        return dcs_json_get(object, "maintenance") != NULL;
    case NUMBER:
    case MILLISECONDS:
        return dcs_json_i64(object, m->path, ret_value) && *ret_value >= 0;
    case COUNT:
        if (!dcs_json_i64(object, m->path, ret_value))
            *ret_value = 0;
        return true;
    case YES_NO:
    case NO_YES:
        tri = dcs_json_tri(object, m->path);
        *ret_value = (tri == DCS_YES) == (m->kind == YES_NO);
        return tri != DCS_UNKNOWN;
    case IN_STEP:
        *ret_value = text && strcmp(text, "in_step") == 0;
        return *ret_value ||
               (text && (strncmp(text, "drift", 5) == 0 || strcmp(text, "mismatch") == 0));
    }
    return false;
}

static void add_general(struct dcs_buf *out, const struct dcs_json *root)
{
    const char *last = "";

    for (size_t i = 0; i < DCS_COUNT(general); i++) {
        const struct metric *m = &general[i];
        int64_t value = 0;
        if (!value_of(root, m, &value))
            continue;
        if (strcmp(last, m->name) != 0)
            add_head(out, m->name, m->help);
        last = m->name;
        dcs_buf_addf(out, "digicert_store_%s%s%s%s ", m->name, m->label ? "{" : "",
                     m->label ? m->label : "", m->label ? "}" : "");
        if (m->kind == MILLISECONDS)
            dcs_buf_addf(out, "%lld.%03lld\n", (long long)(value / 1000),
                         (long long)(value % 1000));
        else
            dcs_buf_addf(out, "%lld\n", (long long)value);
    }
}

static void add_info(struct dcs_buf *out, const struct dcs_json *root)
{
    add_head(out, "info", "The program, and whether it may change the state directory.");
    dcs_buf_adds(out, "digicert_store_info{");
    cli_add_label(out, "version", CLI_VERSION);
    dcs_buf_addc(out, ',');
    cli_add_label(out, "role", dcs_json_text(root, "role"));
    dcs_buf_adds(out, "} 1\n");
}

static void add_states(struct dcs_buf *out, const struct dcs_json *root)
{
    const struct dcs_json *states = dcs_json_path(root, "health.states");

    add_head(out, "orders", "Orders by how well they are (digicert-store(1), HEALTH).");
    for (const struct dcs_json *s = dcs_json_first(states); s; s = dcs_json_next(s)) {
        int64_t value = 0;
        if (!dcs_json_i64(s, "", &value))
            continue;
        dcs_buf_adds(out, "digicert_store_orders{");
        cli_add_label(out, "state", dcs_json_name(s));
        dcs_buf_addf(out, "} %lld\n", (long long)value);
    }
}

/* ---- orders ---- */

static void begin_sample(struct dcs_buf *out, const char *name, const struct dcs_json *order)
{
    int64_t id = 0;

    (void)dcs_json_i64(order, "order_id", &id);
    dcs_buf_addf(out, "digicert_store_%s{order=\"%lld\"", name, (long long)id);
}

/* Names change seldom: they stand in one series of an order, to be joined on `order`. */
static void add_order_info(struct dcs_buf *out, const struct dcs_json *orders)
{
    static const struct {
        const char *label, *paths[2];
    } labels[] = {
        { "common_name", { "current.common_name", "order.certificate.common_name" } },
        { "product", { "order.product.name_id", "" } },
        { "status", { "order.status", "" } },
        { "reissue", { "config.reissue", "" } },
    };

    if (dcs_json_count(orders) > 0)
        add_head(out, "order_info", "What an order is called, and the CA's word for its status.");
    for (const struct dcs_json *o = dcs_json_first(orders); o; o = dcs_json_next(o)) {
        begin_sample(out, "order_info", o);
        for (size_t i = 0; i < DCS_COUNT(labels); i++) {
            const char *text = dcs_json_text(o, labels[i].paths[0]);
            if (!text && *labels[i].paths[1])
                text = dcs_json_text(o, labels[i].paths[1]);
            dcs_buf_addc(out, ',');
            cli_add_label(out, labels[i].label, text);
        }
        dcs_buf_adds(out, "} 1\n");
    }
}

static void add_problems(struct dcs_buf *out, const struct dcs_json *orders)
{
    bool begun = false;

    for (const struct dcs_json *o = dcs_json_first(orders); o; o = dcs_json_next(o)) {
        const char *state = dcs_json_text(o, "health.state");
        if (!state || strcmp(state, "good") == 0)
            continue;
        if (!begun)
            add_head(out, "order_problem", "1 for each order that is not good.");
        begun = true;
        begin_sample(out, "order_problem", o);
        dcs_buf_addc(out, ',');
        cli_add_label(out, "state", state);
        dcs_buf_addc(out, ',');
        cli_add_label(out, "level", dcs_json_text(o, "health.level"));
        dcs_buf_adds(out, "} 1\n");
    }
}

static void add_of_orders(struct dcs_buf *out, const struct dcs_json *orders,
                          const struct metric *m)
{
    bool begun = false;

    for (const struct dcs_json *o = dcs_json_first(orders); o; o = dcs_json_next(o)) {
        int64_t value = 0;
        if (!value_of(o, m, &value))
            continue;
        if (!begun)
            add_head(out, m->name, m->help);
        begun = true;
        begin_sample(out, m->name, o);
        dcs_buf_addf(out, "} %lld\n", (long long)value);
    }
}

void cli_metrics(const struct dcs_json *root, struct dcs_buf *out)
{
    const struct dcs_json *orders = dcs_json_get(root, "orders");

    add_info(out, root);
    add_general(out, root);
    add_states(out, root);
    add_order_info(out, orders);
    add_problems(out, orders);
    for (size_t i = 0; i < DCS_COUNT(of_order); i++)
        add_of_orders(out, orders, &of_order[i]);
}
