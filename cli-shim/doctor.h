/* SPDX-License-Identifier: Apache-2.0 */
/* doctor.h - what doctor and exec share about the openssl.cnf in force. */
#ifndef DCS_CLI_DOCTOR_H
#define DCS_CLI_DOCTOR_H

#include "cli.h"
#include "place.h"

/* Whether our snippet can be included behind it: sections of other names are not merged with ours. */
bool cli_names_fit(const struct dcs_openssl_conf *conf);
/* Findings about the openssl.cnf at path, given whether openssl lists our provider as active. */
void cli_doctor_conf(const struct cli_place *place, const char *path, bool is_active,
                     dcs_finding_cb *report, void *context);

#endif
