/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stub.h - a key stub: a PEM file that stands for the private key of an order (docs/design.md).
 *
 *     -----BEGIN DIGICERT URI-----
 *     base64 of "digicert://order/123?type=key"
 *     -----END DIGICERT URI-----
 *
 * Whoever parses a PEM key may have got it from a stranger: a stub names an order or a host name and
 * pins, nothing else, and is 1 KiB at most.
 */
#ifndef DCS_MODEL_STUB_H
#define DCS_MODEL_STUB_H

#include "base/buf.h"
#include "model/uri.h"

#define DCS_STUB_LABEL "DIGICERT URI"

enum { DCS_STUB_MAX = 1024 }; /* bytes of the PEM text */

/* pem: the one block, from BEGIN to the line end after END. DCS_E_URI with what is wrong. */
bool dcs_stub_read(const char *pem, size_t len, struct dcs_uri *ret_uri,
                   struct dcs_err *err) DCS_CHECKED;
/* Appends the stub of uri; its pins are kept, what it asks for becomes type=key. */
bool dcs_stub_write(const struct dcs_uri *uri, struct dcs_buf *out,
                    struct dcs_err *err) DCS_CHECKED;

#endif
