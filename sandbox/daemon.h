/* SPDX-License-Identifier: Apache-2.0 */
/* daemon.h - the sockets: HTTPS for API and control, plain HTTP for CRLs; loopback only. */
#ifndef SANDBOX_DAEMON_H
#define SANDBOX_DAEMON_H

#include "world.h"

struct sb_daemon;

/* Port 0: any. The ports really taken are told. */
bool sb_daemon_start(struct sb_world *world, int port, const char *tls_key, const char *tls_cert,
                     struct sb_daemon **ret_daemon) SB_CHECKED;
int sb_daemon_port(const struct sb_daemon *daemon);
/* The CRL port is opened first, because certificates name it. */
bool sb_daemon_start_crl(int port, struct sb_daemon **ret_daemon) SB_CHECKED;
void sb_daemon_set_world(struct sb_daemon *daemon, struct sb_world *world);
void sb_daemon_stop(struct sb_daemon *daemon);

#endif
