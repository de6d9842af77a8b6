/* SPDX-License-Identifier: Apache-2.0 */
/*
 * position.h - up to when the CA was asked what has changed (sync-HASH.json, 0600; HASH as in
 * service.h: of API URL and key, for another account has other changes).
 *
 * Times are the CA's, from the Date of its answer, so a clock of ours that jumps costs nothing.
 */
#ifndef DCS_FLOW_POSITION_H
#define DCS_FLOW_POSITION_H

#include "base/env.h"
#include "io/fs.h"

struct dcs_position {
    const struct dcs_env *env;
    int state_fd;
    struct dcs_fs_owner owner;
    char hash[17];
};

/* 0: never, or what is there cannot be believed. */
int64_t dcs_position_read(const struct dcs_position *position);
/* Losing it costs a listing: it is written atomically, without fsync. */
bool dcs_position_write(const struct dcs_position *position, int64_t asked_at,
                        struct dcs_err *err) DCS_CHECKED;

#endif
