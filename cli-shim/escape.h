/* SPDX-License-Identifier: Apache-2.0 */
/*
 * escape.h - texts of the CA where they leave: cleaned once more (dcs_clean_text) and escaped for the
 * language that they go into. text may be NULL: then "".
 */
#ifndef DCS_CLI_ESCAPE_H
#define DCS_CLI_ESCAPE_H

#include "digicert-store.h"

/* Text or attribute value of HTML and XML at once: & < > " ' and what XML 1.0 forbids. */
void cli_add_html(struct dcs_buf *out, const char *text);
/* name="text" of Prometheus' text format: \ and ", and no line feed is left. */
void cli_add_label(struct dcs_buf *out, const char *name, const char *text);
/* One line of a monitoring plug-in: "|" would begin the performance data. */
void cli_add_plain(struct dcs_buf *out, const char *text);

#endif
