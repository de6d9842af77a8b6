// SPDX-License-Identifier: Apache-2.0
/*
 * store_commit.c - takes an accepted certificate into the cache: who may read its key, the generation,
 * the switch of `current`, the index. Under the order's lock.
 */
#include <grp.h>
#include <stdio.h>
#include <string.h>

#include "store_fetch.h"

bool dcs_fetch_group(const struct dcs_config *config, const char *name, gid_t *ret_gid,
                     struct dcs_err *err)
{
    char room[8192];
    struct group entry;
    struct group *found = NULL;

    *ret_gid = (gid_t)-1;
    if (!name[0])
        return true;
    if (getgrnam_r(name, &entry, room, sizeof(room), &found) != 0 || !found) {
        dcs_fail(err, DCS_E_CONFIG, "key_group = %s in %s: there is no such group", name,
                 dcs_config_origin(config));
        return dcs_hint(
            err, "create it (groupadd --system %s), or name another in the configuration", name);
    }
    *ret_gid = entry.gr_gid;
    return true;
}

bool dcs_fetch_access(const struct job *job, const struct dcs_order_settings *settings,
                      struct dcs_access *ret_access, struct dcs_err *err)
{
    ret_access->is_private = settings->is_private;
    return dcs_fetch_group(job->config, settings->key_group, &ret_access->key_gid, err);
}

bool dcs_fetch_commit(struct job *job, const struct dcs_order *order,
                      const struct dcs_order_settings *settings, struct dcs_accepted *accepted,
                      const struct dcs_key *key, int generation, struct dcs_err *err)
{
    dcs_auto(dcs_bundle) struct dcs_bundle *bundle = NULL;
    struct dcs_choice choice = dcs_fetch_choice(job, settings, NULL);
    struct dcs_commit commit = { .order = order->id,
                                 .generation = generation,
                                 .certificate_id = accepted->facts->certificate_id,
                                 .facts = accepted->facts,
                                 .certs = &accepted->certs,
                                 .offsets = accepted->offsets,
                                 .cert_count = accepted->cert_count,
                                 .key = key,
                                 .combined = settings->combined };
    dcs_auto(dcs_key) struct dcs_key sealed = { 0 };
    struct dcs_memo memo;
    char dir[DCS_GENERATION_DIR];

    if (!dcs_fetch_access(job, settings, &commit.access, err) ||
        (key && !dcs_fetch_seal(job, settings, key, &sealed, err)))
        return false;
    if (sealed.form)
        commit.key = &sealed;
    dcs_cache_tidy(&job->cache, order->id);
    dcs_cache_read_memo(&job->cache, order->id, &memo);
    choice.revoked_serials = memo.revoked_serials;
    accepted->facts->order_id = order->id;
    accepted->facts->committed_at = dcs_env_now(job->env);
    if (!dcs_cache_commit(&job->cache, &commit, dir, err) ||
        !dcs_cache_settle(&job->cache, order->id, &choice, err))
        return false;
    if (dcs_cache_load_dir(&job->cache, dir, &bundle, NULL))
        dcs_cache_index_add(&job->cache, bundle, order->alternative_id);
    return true;
}
