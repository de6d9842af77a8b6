/* SPDX-License-Identifier: Apache-2.0 */
/* store_away.h - whether the service is away, between the files of the coordinator. */
#ifndef DCS_STORE_AWAY_H
#define DCS_STORE_AWAY_H

#include "store_instance.h"

/* A run over many orders: job->run is set from begin to end. tries_now: although the service is away
 * and its next try ahead, as for a person who knows that it is back. */
void dcs_away_begin(struct job *job, bool tries_now, struct dcs_service_run *run);
void dcs_away_end(struct job *job);
/* Whether what wants that part of the service waits for another run; it is then not tried. */
bool dcs_away_holds(const struct job *job, enum dcs_service_part part);
/* Whether the order's last failure was the service's: then its own backoff does not count, so that all
 * goes on when the service is back, as fast as the request budget lets it. */
bool dcs_away_explains(const struct job *job, const struct dcs_memo *memo);
/* Whether this process can name the files at all: it must be able to read the API key. */
bool dcs_away_can_tell(const struct job *job);
/* "service" of status: away since when, next try, in words; requests left. */
void dcs_away_show(const struct job *job, struct dcs_json *object);
/* "waiting" and "waiting_orders" there: what has something due that only the CA can do; orders as show
 * has them. */
void dcs_away_count(const struct dcs_json *orders, struct dcs_json *object);

#endif
