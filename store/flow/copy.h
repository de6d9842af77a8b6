/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copy.h - a copy of a pair in a directory of somebody else's: DIR/gen-0007/ with cert.pem, chain.pem,
 * fullchain.pem, privkey.pem and combined.pem, and the link DIR/current, switched by rename.
 *
 * DIR may belong to an unprivileged user while root copies: nothing in it is followed or overwritten,
 * names are made anew. A copy that fails leaves the one before as it was.
 */
#ifndef DCS_FLOW_COPY_H
#define DCS_FLOW_COPY_H

#include "base/env.h"
#include "io/fs.h"
#include "io/pkey.h"

struct dcs_copy {
    const struct dcs_env *env;
    const char *dir;                   /* absolute */
    struct dcs_fs_owner owner;         /* of what is made; SELF: this process */
    mode_t key_mode;                   /* of privkey.pem and combined.pem */
    const struct dcs_cert_list *certs; /* leaf first */
    const struct dcs_key *key;
};

/* DIR/current holds these very bytes, with that owner and mode. */
bool dcs_copy_is_fresh(const struct dcs_copy *copy);
/* Makes it so; an earlier copy of the same pair is used again. Removes all but that and the one before.
 * ret_name: "gen-0007". */
bool dcs_copy_make(const struct dcs_copy *copy, char ret_name[16], struct dcs_err *err) DCS_CHECKED;
/* Whether a pair that belongs together lies in DIR/current, and what its leaf is. Reads only, whoever
 * DIR belongs to. */
bool dcs_copy_usable(const char *dir, struct dcs_cert_info *ret_leaf,
                     struct dcs_err *err) DCS_CHECKED;

#endif
