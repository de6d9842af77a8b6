/* SPDX-License-Identifier: Apache-2.0 */
/* reissue_fate.h - between the files of flow/reissue alone: records, ends, looks and polls. */
#ifndef DCS_FLOW_REISSUE_FATE_H
#define DCS_FLOW_REISSUE_FATE_H

#include "flow/reissue.h"

bool dcs_reissue_save(const struct dcs_reissue_run *r, const struct dcs_intent *intent,
                      struct dcs_err *err) DCS_CHECKED;
/* For what may be lost without harm: the next step finds it out again. */
void dcs_reissue_save_if_possible(const struct dcs_reissue_run *r, const struct dcs_intent *intent);
/* Writes closed.json with what *err says; returns false. */
bool dcs_reissue_close(const struct dcs_reissue_run *r, const struct dcs_intent *intent,
                       struct dcs_err *err);
/* DCS_E_PENDING with what is waited for; returns false. */
bool dcs_reissue_fail_pending(const struct dcs_reissue_run *r, const struct dcs_intent *intent,
                              struct dcs_err *err);
/* After a lost answer. True: found. *ret_denied: the CA denied it long enough for another POST, and we
 * may send it. */
bool dcs_reissue_look(const struct dcs_reissue_run *r, struct dcs_intent *intent, bool *ret_denied,
                      struct dcs_err *err) DCS_CHECKED;
/* With a request or certificate id: asks, downloads, checks. */
bool dcs_reissue_poll(const struct dcs_reissue_run *r, struct dcs_intent *intent,
                      struct dcs_accepted *ret_accepted, struct dcs_err *err) DCS_CHECKED;

#endif
