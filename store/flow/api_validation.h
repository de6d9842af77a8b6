/* SPDX-License-Identifier: Apache-2.0 */
/* api_validation.h - the account's CT setting, domains and organizations (facts/certcentral-api.md 9,
 * 10): three requests, more with over 1,000 domains. No persons are kept. */
#ifndef DCS_FLOW_API_VALIDATION_H
#define DCS_FLOW_API_VALIDATION_H

#include "flow/api.h"
#include "model/validation.h"

/* What the key may not ask for stays unknown, with a trace line. False: the service is away, or over
 * its limit. */
bool dcs_api_validation(struct dcs_api *api, struct dcs_validation *ret_validation,
                        struct dcs_err *err) DCS_CHECKED;

#endif
