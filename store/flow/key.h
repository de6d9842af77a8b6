/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key.h - the key pair of a new request, made here or in a token, and the files with the words that open
 * keys. A key in a token is named by a pointer that is written before the key exists: a process that is
 * killed in between leaves nothing that nobody knows of.
 */
#ifndef DCS_FLOW_KEY_H
#define DCS_FLOW_KEY_H

#include <sys/types.h>

#include "base/env.h"
#include "io/pkey.h"

/* kind: `key =` of the configuration. Of a key in a token the pointer alone, with a fresh id. */
bool dcs_keys_prepare(const struct dcs_env *env, const char *kind, struct dcs_key *ret_key,
                      struct dcs_err *err) DCS_CHECKED;
/* What the pointer names is made in the token, with that label; a key here is there already. Then the
 * request for it. */
bool dcs_keys_make(const struct dcs_env *env, const struct dcs_key *key, const char *kind,
                   const char *label, const struct dcs_csr_subject *subject,
                   struct dcs_buf *ret_csr, struct dcs_err *err) DCS_CHECKED;
/* The request anew. */
bool dcs_keys_request(const struct dcs_env *env, const struct dcs_key *key,
                      const struct dcs_csr_subject *subject, struct dcs_buf *ret_csr,
                      struct dcs_err *err) DCS_CHECKED;
/* Removes a key from its token; nothing to do for others. */
bool dcs_keys_destroy(const struct dcs_env *env, const struct dcs_key *key,
                      struct dcs_err *err) DCS_CHECKED;

/* The first line of a file that only root, this uid or `owner` ((uid_t)-1: nobody) may write, and others
 * may not read. what: the configuration's word for it. DCS_E_KEY_FILE. */
bool dcs_keys_read_line(const struct dcs_env *env, const char *what, const char *path, uid_t owner,
                        struct dcs_secret *ret_line, struct dcs_err *err) DCS_CHECKED;

#endif
