// SPDX-License-Identifier: Apache-2.0
/*
 * store_passphrase.c - private keys that lie encrypted on the disk: key_passphrase_file opens and closes
 * them. Without it they stay closed here, and OpenSSL asks the application for the passphrase.
 */
#include "flow/key.h"
#include "store_show.h"

bool dcs_fetch_passphrase(const struct job *job, const struct dcs_order_settings *settings,
                          struct dcs_secret *ret_passphrase, struct dcs_err *err)
{
    if (dcs_keys_read_line(job->env, "key_passphrase_file", settings->key_passphrase_file,
                           job->cache.state_uid, ret_passphrase, err))
        return true;
    return dcs_hint(err, "mend it, or take key_passphrase_file out: then OpenSSL asks the "
                         "application for the passphrase");
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
