/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pair.h - certificate and key of one order are opened one after the other; both shall come from
 * one generation although a new one may be committed in between (design.md section 3, "Pairs").
 *
 * Remembered per thread, instance and order for 60 s, in memory of the thread's own: no lock,
 * nothing that a fork could break. An "ask" is the set of types asked for.
 */
#ifndef DCS_PROVIDER_PAIR_H
#define DCS_PROVIDER_PAIR_H

#include "provider.h"

/* The serial of the generation that this thread adopted for the order, "" when none. */
const char *pair_adopted(const struct provider *provider, int64_t order);
/*
 * Settles which generation answers an ask: true = the adopted one. A new ask gets the adopted
 * generation; a repeated one starts afresh from `current`, and the memory is then that alone.
 */
bool pair_settle(const struct provider *provider, int64_t order, unsigned ask,
                 const char *current_serial);

#endif
