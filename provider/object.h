/* SPDX-License-Identifier: Apache-2.0 */
/*
 * object.h - hands one thing to OpenSSL as an object description. Types and structures are always
 * said: without these hints a key costs libcrypto several times as much (facts, D7).
 */
#ifndef DCS_PROVIDER_OBJECT_H
#define DCS_PROVIDER_OBJECT_H

#include "provider.h"

/* Where an object goes. */
struct object_sink {
    OSSL_CALLBACK *callback;
    void *context;
};

/* Each gives what the callback says: 1 taken, 0 not. */
int object_cert(const struct object_sink *sink, struct dcs_bytes der);
int object_crl(const struct object_sink *sink, struct dcs_bytes der);
/* *err is set when a key in a token was not taken: somebody else's provider opens those. */
int object_key(const struct object_sink *sink, const struct dcs_key *key, struct dcs_err *err);
int object_public(const struct object_sink *sink, struct dcs_bytes spki);
int object_name(const struct object_sink *sink, const struct dcs_entry *entry);

#endif
