/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace.h - one line per event for the person who debugs a door, off unless asked for.
 *
 * DIGICERT_STORE_TRACE=stderr|syslog|FILE, ignored when AT_SECURE. Never a secret, never a body.
 */
#ifndef DCS_BASE_TRACE_H
#define DCS_BASE_TRACE_H

#include "base/env.h"

/* A line "digicert-store[PID]: text"; does nothing when tracing is off. Opened at each use, so no
 * descriptor is held. */
void dcs_trace(const struct dcs_env *env, const char *format, ...) DCS_PRINTF(2, 3);

#endif
