// SPDX-License-Identifier: Apache-2.0
/*
 * store_passphrase.c - private keys that lie encrypted on the disk: key_passphrase_file opens and closes
 * them. Without it they stay closed here, and OpenSSL asks the application for the passphrase.
 */
#include <fcntl.h>
#include <string.h>

#include "store_show.h"

enum { PASSPHRASE_MAX = 1024 };

static bool is_guarded(const struct job *job, const char *path, const struct dcs_fs_stat *stat,
                       struct dcs_err *err)
{
    uid_t euid = dcs_env_euid(job->env);

    if ((stat->uid == 0 || stat->uid == euid || stat->uid == job->cache.state_uid) &&
        (stat->mode & 0027) == 0)
        return true;
    dcs_fail(err, DCS_E_KEY_FILE, "key_passphrase_file %s (owner uid %u, mode %04o) is not guarded",
             path, stat->uid, stat->mode & 07777);
    return dcs_hint(err, "it must belong to root or to uid %u: chmod 0600, or 0640 for key_group",
                    euid);
}

bool dcs_fetch_passphrase(const struct job *job, const struct dcs_order_settings *settings,
                          struct dcs_secret *ret_passphrase, struct dcs_err *err)
{
    const char *path = settings->key_passphrase_file;
    struct dcs_fs_stat stat;
    dcs_auto(dcs_secret) struct dcs_secret text = { 0 };
    size_t len;

    if (!dcs_fs_read_secret(AT_FDCWD, path, PASSPHRASE_MAX, &text, &stat, err)) {
        dcs_fail_while(err, "key_passphrase_file");
        err->code = DCS_E_KEY_FILE;
        return dcs_hint(err,
                        "make it readable for uid %u, or take key_passphrase_file out: then "
                        "the application is asked for the passphrase",
                        dcs_env_euid(job->env));
    }
    if (!is_guarded(job, path, &stat, err))
        return false;
    len = text.len > 0 ? strcspn((const char *)text.data, "\r\n") : 0;
    if (len == 0)
        return dcs_fail(err, DCS_E_KEY_FILE, "key_passphrase_file %s: its first line is empty",
                        path);
    return dcs_secret_copy(text.data, len, ret_passphrase, err);
}

bool dcs_fetch_seal(const struct job *job, const struct dcs_order_settings *settings,
                    const struct dcs_key *key, struct dcs_key *ret_sealed, struct dcs_err *err)
{
    dcs_auto(dcs_secret) struct dcs_secret passphrase = { 0 };

    if (key->form != DCS_KEY_PKCS8)
        return true;
    if (job->seal)
        return dcs_key_encrypt(key, job->seal, ret_sealed, err);
    return !*settings->key_passphrase_file ||
           (dcs_fetch_passphrase(job, settings, &passphrase, err) &&
            dcs_key_encrypt(key, &passphrase, ret_sealed, err));
}

/* Stays encrypted where no passphrase is configured. */
static bool unseal(struct job *job, int64_t order_id, struct dcs_key *key, struct dcs_err *err)
{
    dcs_auto(dcs_order) struct dcs_order *order = NULL;
    dcs_auto(dcs_secret) struct dcs_secret passphrase = { 0 };
    dcs_auto(dcs_key) struct dcs_key open = { 0 };
    struct dcs_order_settings settings;

    dcs_show_read_order(job, order_id, &order, &settings);
    if (!*settings.key_passphrase_file)
        return true;
    if (!dcs_fetch_passphrase(job, &settings, &passphrase, err))
        return false;
    if (!dcs_key_decrypt(key, &passphrase, &open, err)) {
        if (err)
            err->code = DCS_E_KEY_FILE;
        dcs_fail_while(err, "order %lld", (long long)order_id);
        return dcs_hint(err,
                        "key_passphrase_file %s holds another passphrase than the key was "
                        "encrypted with",
                        settings.key_passphrase_file);
    }
    dcs_key_drop(key);
    *key = dcs_key_take(&open);
    return true;
}

bool dcs_store_unseal(struct dcs_store *store, int64_t order_id, struct dcs_key *key,
                      struct dcs_err *err)
{
    struct dcs_err why = { 0 };
    struct job job;

    if (!dcs_job_begin(store, &job, err))
        return false;
    bool done = unseal(&job, order_id, key, &why);
    dcs_job_end(&job);
    if (!done && err)
        *err = why;
    return done;
}
