/* SPDX-License-Identifier: Apache-2.0 */
/*
 * maintenance.h - the record of announced maintenance (maintenance.json) and how it is kept up to date:
 * from the configuration, from iCalendar files and URLs, from a status page.
 *
 * URLs are asked with TLS verified, without API key, cookies or redirects, in 10 s and 1 MiB, at most
 * once in maintenance_refresh; what was read last stays good when that fails. These requests are no
 * business of the CA's budget, and none of doors: a door reads the record.
 */
#ifndef DCS_FLOW_MAINTENANCE_H
#define DCS_FLOW_MAINTENANCE_H

#include "io/calendar.h"
#include "io/fs.h"
#include "model/config.h"
#include "model/maintenance.h"

struct dcs_maintenance_run {
    const struct dcs_env *env;
    const struct dcs_settings *settings;
    int state_fd;
    struct dcs_fs_owner owner;
    dcs_calendar_reader *calendar; /* NULL: this program reads no calendars */
    bool asks_now;                 /* URLs too whose time has not come */
};

/* The record as it lies there; empty when it is missing or damaged. */
void dcs_maintenance_read(int state_fd, struct dcs_maintenance *ret_maintenance);
/* The same with the windows of the configuration as it is now: no network, no write. */
void dcs_maintenance_now(const struct dcs_maintenance_run *run,
                         struct dcs_maintenance *ret_maintenance);
/*
 * Reads the sources whose time has come and writes the record when it changed. A source that fails is
 * a `problem` in it, never a failure of this; false only when the record cannot be written.
 */
bool dcs_maintenance_refresh(const struct dcs_maintenance_run *run,
                             struct dcs_maintenance *ret_maintenance,
                             struct dcs_err *err) DCS_CHECKED;

#endif
