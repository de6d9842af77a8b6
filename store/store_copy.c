// SPDX-License-Identifier: Apache-2.0
/*
 * store_copy.c - `deliver URI --to DIR`: copies a pair and does nothing else. What lies in DIR already
 * is good enough when nothing newer can be had: a server that starts must not fail over it.
 */
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_deliver.h"

/* ---- owner and mode ---- */

static bool find_user(const char *name, uid_t *ret_uid, gid_t *ret_gid)
{
    char room[8192];
    struct passwd entry;
    struct passwd *found = NULL;

    if (getpwnam_r(name, &entry, room, sizeof(room), &found) != 0 || !found)
        return false;
    *ret_uid = found->pw_uid;
    *ret_gid = found->pw_gid;
    return true;
}

static bool find_group(const char *name, gid_t *ret_gid)
{
    char room[8192];
    struct group entry;
    struct group *found = NULL;

    if (getgrnam_r(name, &entry, room, sizeof(room), &found) != 0 || !found)
        return false;
    *ret_gid = found->gr_gid;
    return true;
}

static bool find_owner(const struct job *job, const char *text, struct dcs_fs_owner *ret_owner,
                       struct dcs_err *err)
{
    struct dcs_fs_owner owner = DCS_FS_OWNER_SELF;
    char user[256];
    const char *colon = strchr(text, ':');
    uid_t euid = dcs_env_euid(job->env);

    *ret_owner = owner;
    if (!*text)
        return true;
    snprintf(user, sizeof(user), "%.*s", colon ? (int)(colon - text) : 255, text);
    if (!find_user(user, &owner.uid, &owner.gid)) {
        dcs_fail(err, DCS_E_CONFIG, "deliver_owner %s: there is no such user", text);
        return dcs_hint(err, "create it, or name another in deliver_owner");
    }
    if (colon && !find_group(colon + 1, &owner.gid)) {
        dcs_fail(err, DCS_E_CONFIG, "deliver_owner %s: there is no such group", text);
        return dcs_hint(err, "create it (groupadd --system %.100s), or name another", colon + 1);
    }
    if (euid != 0 && owner.uid != euid) {
        dcs_fail(err, DCS_E_STATE, "uid %u cannot give files to %s", euid, user);
        return dcs_hint(err, "run this as root; `sync` needs no root, `deliver` may");
    }
    *ret_owner = owner;
    return true;
}

bool dcs_copy_settings(const struct job *job, const char *owner, const char *mode,
                       struct dcs_copy *ret_copy, struct dcs_err *err)
{
    struct dcs_copy copy = { .env = job->env };
    char *end = NULL;
    unsigned long bits = strtoul(mode, &end, 8);

    if (!*mode || *end || bits & ~0660ul) {
        dcs_fail(err, DCS_E_INPUT, "\"%.20s\" is no mode for a private key", mode);
        return dcs_hint(err, "0600, or 0640 for the owner's group");
    }
    copy.key_mode = (mode_t)bits;
    if (!find_owner(job, owner, &copy.owner, err))
        return false;
    *ret_copy = copy;
    return true;
}

/* ---- --to DIR ---- */

struct copy_to {
    struct job *job;
    const struct dcs_deliver_to_options *options;
    int64_t id;
    struct dcs_order_settings settings;
    struct dcs_cert_info leaf; /* of what lies in DIR afterwards */
};

static bool is_good(const struct copy_to *to, const struct dcs_cert_info *leaf)
{
    return dcs_env_now(to->job->env) <= leaf->not_after ||
           (to->settings.serve_expired == DCS_UNKNOWN ? leaf->eku_server_auth
                                                      : to->settings.serve_expired == DCS_YES);
}

/* By what is here; nobody is asked. */
static bool find_pair(struct copy_to *to, struct dcs_bundle **ret_bundle, struct dcs_err *err)
{
    dcs_auto(dcs_bundle) struct dcs_bundle *bundle = NULL;
    struct dcs_memo memo;

    dcs_cache_read_memo(&to->job->cache, to->id, &memo);
    struct dcs_choice choice = dcs_fetch_choice(to->job, &to->settings, memo.revoked_serials);
    if (!dcs_cache_load(&to->job->cache, to->id, &choice, false, &bundle, err)) {
        return dcs_hint(err,
                        "`digicert-store sync` as the owner of %.150s, or `digicert-store "
                        "reissue order/%lld`, brings one",
                        to->job->settings->state_dir, (long long)to->id);
    }
    if (!dcs_bundle_has_key(bundle))
        return dcs_fail(err, DCS_E_NO_KEY,
                        "order %lld: its certificate is here, its private key is not",
                        (long long)to->id);
    if (!is_good(to, &dcs_bundle_facts(bundle)->leaf))
        return dcs_fail(err, DCS_E_POLICY, "order %lld: its certificate has expired",
                        (long long)to->id);
    *ret_bundle = dcs_steal(&bundle);
    return true;
}

static bool copy_pair(struct copy_to *to, struct dcs_err *err)
{
    const struct dcs_deliver_to_options *o = to->options;
    dcs_auto(dcs_bundle) struct dcs_bundle *bundle = NULL;
    dcs_auto(dcs_pair) struct dcs_pair pair = { 0 };
    struct dcs_copy copy;
    char name[16];

    if (!find_pair(to, &bundle, err) ||
        !dcs_copy_settings(to->job, o->owner ? o->owner : to->settings.deliver_owner,
                           o->mode ? o->mode : to->settings.deliver_mode, &copy, err) ||
        !dcs_cache_read_pair(&to->job->cache, dcs_bundle_dir(bundle), &pair, err))
        return false;
    copy.dir = o->dir;
    copy.certs = &pair.certs;
    copy.key = &pair.key;
    to->leaf = *dcs_cert_info(pair.certs.certs[0]);
    return dcs_copy_make(&copy, name, err);
}

static void settings_of(struct copy_to *to)
{
    dcs_auto(dcs_order) struct dcs_order *order = NULL;

    if (dcs_cache_read_order(&to->job->cache, to->id, &order, NULL))
        dcs_fetch_settings(to->job, order, &to->settings);
    else
        dcs_config_order(to->job->config, &(struct dcs_order_names){ .id = to->id }, &to->settings);
}

static bool copy_order(struct copy_to *to, const struct dcs_uri *uri, struct dcs_err *err)
{
    to->job->cached_only = true;
    if (!dcs_job_check_config(to->job, 0, err) || !dcs_resolve(to->job, uri, &to->id, err))
        return false;
    settings_of(to);
    return copy_pair(to, err);
}

static bool copy_as_configured(struct dcs_store *store, const struct dcs_uri *uri,
                               struct copy_to *to, struct dcs_err *err)
{
    struct job job;

    if (!dcs_job_begin(store, &job, err))
        return false;
    to->job = &job;
    bool done = copy_order(to, uri, err);
    dcs_job_end(&job);
    to->job = NULL;
    return done;
}

static bool report(const struct copy_to *to, const char *action, const struct dcs_err *why,
                   struct dcs_json **ret_report, struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *root = dcs_json_new_object();

    if (to->id)
        dcs_json_add_i64(root, "order_id", to->id);
    dcs_json_add_text(root, "action", action);
    dcs_json_add_text(root, "directory", to->options->dir);
    dcs_json_add_text(root, "serial", to->leaf.serial);
    dcs_json_add_time(root, "not_after", to->leaf.not_after);
    if (why->code != DCS_E_NONE && !dcs_json_add_text(root, "reason", why->text))
        return dcs_fail(err, DCS_E_NOMEM, "out of memory");
    *ret_report = dcs_steal(&root);
    return true;
}

bool dcs_store_deliver_to(struct dcs_store *store, const struct dcs_uri *uri,
                          const struct dcs_deliver_to_options *options,
                          struct dcs_json **ret_report, struct dcs_err *err)
{
    struct copy_to to = { .options = options };
    struct job clock = { .env = store->env };
    struct dcs_err why = { 0 };

    if (copy_as_configured(store, uri, &to, &why))
        return report(&to, "copied", &why, ret_report, err);
    to.job = &clock;
    if (why.code != DCS_E_INPUT && dcs_copy_usable(options->dir, &to.leaf, NULL) &&
        is_good(&to, &to.leaf))
        return report(&to, "kept", &why, ret_report, err);
    if (err)
        *err = why;
    return false;
}
