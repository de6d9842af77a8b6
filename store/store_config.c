// SPDX-License-Identifier: Apache-2.0
/*
 * store_config.c - finds, checks and reads the configuration file; read again when device, inode,
 * size or mtime changed, looked at when a URI is opened.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/trace.h"
#include "dcs-build.h"
#include "store_instance.h"

enum { CONFIG_MAX = 1 << 20, PATH_BYTES = 4096, LOOK_AGAIN_MS = 20 };

struct place {
    char path[PATH_BYTES];
    char state_dir[PATH_BYTES]; /* the default that goes with this file */
    bool required;              /* somebody named it: its absence is an error */
};

/* $NAME/digicert-store..., or ~/FALLBACK/...; false without a home. */
static bool user_path(const struct dcs_env *env, const char *variable, const char *fallback,
                      const char *rest, char out[PATH_BYTES])
{
    const char *base = dcs_env_get(env, variable);
    const char *home = dcs_env_get(env, "HOME");

    if (base && base[0] == '/')
        return snprintf(out, PATH_BYTES, "%s/%s", base, rest) < PATH_BYTES;
    return home && home[0] == '/' &&
           snprintf(out, PATH_BYTES, "%s/%s/%s", home, fallback, rest) < PATH_BYTES;
}

static bool exists(const char *path, struct dcs_fs_stat *ret_stat)
{
    struct dcs_err err = { 0 };

    /* Only "missing" is absence: an unreadable file must be heard of. */
    return dcs_fs_stat(AT_FDCWD, path, ret_stat, &err) || err.code != DCS_E_NOT_FOUND;
}

/* The first that applies (design.md section 4); files are never merged. */
static void find_place(const struct dcs_store *store, struct place *ret_place)
{
    const char *named = dcs_env_get(store->env, "DIGICERT_STORE_CONF");
    struct dcs_fs_stat stat = { 0 };

    *ret_place = (struct place){ 0 };
    snprintf(ret_place->state_dir, PATH_BYTES, "%s", DCS_STATE_DIR);
    if (!named && store->config_path[0])
        named = store->config_path;
    if (named) {
        snprintf(ret_place->path, PATH_BYTES, "%s", named);
        ret_place->required = true;
        return;
    }
    if (dcs_env_euid(store->env) != 0 && !store->env->at_secure &&
        user_path(store->env, "XDG_CONFIG_HOME", ".config", "digicert-store/digicert-store.conf",
                  ret_place->path) &&
        exists(ret_place->path, &stat)) {
        if (!user_path(store->env, "XDG_STATE_HOME", ".local/state", "digicert-store",
                       ret_place->state_dir))
            snprintf(ret_place->state_dir, PATH_BYTES, "%s", DCS_STATE_DIR);
        return;
    }
    snprintf(ret_place->path, PATH_BYTES, "%s/digicert-store/digicert-store.conf", DCS_SYSCONFDIR);
    if (!exists(ret_place->path, &stat))
        ret_place->path[0] = '\0';
}

static bool owner_is_safe(const struct dcs_store *store, const char *path,
                          const struct dcs_fs_stat *stat, struct dcs_err *err)
{
    uid_t euid = dcs_env_euid(store->env);

    if (stat->uid != 0 && stat->uid != euid) {
        dcs_fail(err, DCS_E_CONFIG, "%s belongs to uid %u; it must belong to root or to uid %u",
                 path, stat->uid, euid);
        return dcs_hint(err, "chown root %s", path);
    }
    if (stat->mode & 0022) {
        dcs_fail(err, DCS_E_CONFIG, "%s has mode %04o: others could change it", path,
                 stat->mode & 07777);
        return dcs_hint(err, "chmod go-w %s", path);
    }
    return true;
}

static bool read_place(const struct dcs_store *store, const struct place *place,
                       struct dcs_fs_stat *ret_stat, struct dcs_buf *text, struct dcs_err *err)
{
    struct dcs_err why = { 0 };

    if (!place->path[0])
        return true;
    if (!dcs_fs_read_user_file(place->path, CONFIG_MAX, text, ret_stat, &why)) {
        dcs_fail(err, DCS_E_CONFIG, "the configuration: %s", why.text);
        return dcs_hint(err, "%s",
                        place->required ? "it was named by DIGICERT_STORE_CONF or by "
                                          "`config =` in openssl.cnf"
                                        : "make it readable: mode 0644");
    }
    return owner_is_safe(store, place->path, ret_stat, err);
}

/* A file that cannot be used as a whole leaves the built-in values, and the reason. */
static bool read_config(const struct dcs_store *store, const struct place *place,
                        struct dcs_fs_stat *ret_stat, struct dcs_config **ret_config,
                        struct dcs_err *ret_why, struct dcs_err *err)
{
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = CONFIG_MAX + 1 };
    const struct dcs_config_places places = { .origin = place->path,
                                              .default_state_dir = place->state_dir };

    if (read_place(store, place, ret_stat, &text, ret_why) &&
        dcs_config_parse(dcs_buf_text(&text), text.len, &places, ret_config, ret_why))
        return true;
    dcs_trace(store->env, "%s", ret_why->text);
    return dcs_config_parse("", 0, &places, ret_config, err);
}

static bool same_file(const struct dcs_fs_stat *a, const struct dcs_fs_stat *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->mtime_s == b->mtime_s && a->mtime_ns == b->mtime_ns && a->mode == b->mode &&
           a->uid == b->uid;
}

/* The one in memory when the file is still the same one. */
static struct dcs_config *still_good(struct dcs_store *store, const struct place *place)
{
    struct dcs_fs_stat stat = { 0 };
    struct dcs_config *config = NULL;

    if (place->path[0] && !dcs_fs_stat_followed(place->path, &stat, NULL))
        return NULL;
    dcs_store_enter(store);
    if (store->config && strcmp(store->config_file, place->path) == 0 &&
        same_file(&stat, &store->config_stat))
        config = dcs_config_ref(store->config);
    dcs_store_leave(store);
    return config;
}

/* Looked at a moment ago: a crowd of loads does not ask the file system each time. */
static struct dcs_config *just_looked(struct dcs_store *store)
{
    struct dcs_config *config = NULL;
    int64_t now_ms = dcs_env_mono_ms(store->env);

    dcs_store_enter(store);
    if (store->config && now_ms - store->config_looked_ms < LOOK_AGAIN_MS)
        config = dcs_config_ref(store->config);
    dcs_store_leave(store);
    return config;
}

static void note_look(struct dcs_store *store)
{
    int64_t now_ms = dcs_env_mono_ms(store->env);

    dcs_store_enter(store);
    store->config_looked_ms = now_ms;
    dcs_store_leave(store);
}

static bool look(struct dcs_store *store, struct dcs_config **ret_config, struct dcs_err *err)
{
    struct place place;
    struct dcs_fs_stat stat = { 0 };
    struct dcs_err why = { 0 };
    struct dcs_config *config = NULL;

    find_place(store, &place);
    config = still_good(store, &place);
    if (config) {
        *ret_config = config;
        return true;
    }
    if (!read_config(store, &place, &stat, &config, &why, err))
        return false;
    dcs_store_enter(store);
    struct dcs_config *old = store->config;
    store->config = dcs_config_ref(config);
    store->config_err = why;
    store->config_stat = stat;
    store->config_serial++;
    snprintf(store->config_file, sizeof(store->config_file), "%s", place.path);
    dcs_store_leave(store);
    dcs_config_unref(old);
    *ret_config = config;
    return true;
}

bool dcs_store_config(struct dcs_store *store, struct dcs_config **ret_config, struct dcs_err *err)
{
    *ret_config = just_looked(store);
    if (*ret_config)
        return true;
    if (!look(store, ret_config, err))
        return false;
    note_look(store);
    return true;
}

bool dcs_store_config_ok(struct dcs_store *store, struct dcs_err *err)
{
    dcs_auto(dcs_config) struct dcs_config *config = NULL;
    struct dcs_err why;

    if (!dcs_store_config(store, &config, err))
        return false;
    dcs_store_enter(store);
    why = store->config_err;
    dcs_store_leave(store);
    if (why.code == DCS_E_NONE)
        return dcs_config_check(config, 0, err);
    if (err)
        *err = why;
    return false;
}
