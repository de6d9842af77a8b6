/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status.h - the JSON of dcs_store_status in the words of others: monitoring plug-ins, Prometheus, a
 * page for people. Each says what stands there and judges nothing itself.
 */
#ifndef DCS_CLI_STATUS_H
#define DCS_CLI_STATUS_H

#include "cli.h"

/* The exit status of `status --check` for all orders and the service. */
int cli_check_status(const struct dcs_json *root);
/* One line in the manner of monitoring plug-ins: state, text, "|", performance data. */
void cli_check_line(const struct dcs_json *root, struct dcs_buf *out);
/* The exit status of such a plug-in: 0 OK, 1 WARNING, 2 CRITICAL. */
int cli_plugin_status(const struct dcs_json *root);

/* The status in Prometheus' text format 0.0.4. */
void cli_metrics(const struct dcs_json *root, struct dcs_buf *out);

#endif
