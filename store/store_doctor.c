// SPDX-License-Identifier: Apache-2.0
/*
 * store_doctor.c - checks configuration, state directory, key files, API key, its rights and the
 * clock; reports findings with their cure, changes nothing but what any verb would.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "store_instance.h"

enum { CLOCK_OFF_S = 3600, CLOCK_NOTE_S = 120, SHOWN_PROBLEMS = 50 };
/* No order has this id: only what concerns everything is a problem of it. */
static const int64_t NO_ORDER = INT64_MAX;

struct doctor {
    struct job *job;
    dcs_finding_cb *report;
    void *context;
    enum dcs_finding worst;
};

static void find_hint(struct doctor *d, enum dcs_finding level, const char *subject,
                      const char *text, const char *hint)
{
    d->report(d->context, level, subject, text, hint && *hint ? hint : NULL);
    if (level > d->worst)
        d->worst = level;
}

static void find_f(struct doctor *d, enum dcs_finding level, const char *subject,
                   const char *format, ...) DCS_PRINTF(4, 5);

static void find_f(struct doctor *d, enum dcs_finding level, const char *subject,
                   const char *format, ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    find_hint(d, level, subject, text, NULL);
}

static void find_err(struct doctor *d, enum dcs_finding level, const char *subject,
                     const struct dcs_err *err)
{
    find_hint(d, level, subject, err->text, err->hint);
}

/* ---- configuration ---- */

/* A group is looked up when a key is written: hours later, unless doctor does it now. */
static bool check_group(struct doctor *d, const struct dcs_json *values)
{
    const struct dcs_json *row = dcs_json_get(values, "key_group");
    const char *name = dcs_json_text(row, "value");
    struct dcs_err err = { 0 };
    struct dcs_err placed = { 0 };
    gid_t gid;

    if (!name || dcs_fetch_group(d->job->config, name, &gid, &err))
        return true;
    dcs_fail(&placed, DCS_E_CONFIG, "%s: key_group = %s: there is no such group",
             dcs_json_text(row, "from"), name);
    dcs_hint(&placed, "%s", err.hint);
    find_err(d, DCS_FINDING_ERROR, "configuration", &placed);
    return false;
}

static bool check_groups(struct doctor *d)
{
    dcs_auto(dcs_json) struct dcs_json *report = NULL;
    struct dcs_err err = { 0 };

    if (!dcs_config_report(d->job->config, &report, &err)) {
        find_err(d, DCS_FINDING_ERROR, "configuration", &err);
        return false;
    }
    bool good = check_group(d, dcs_json_get(report, "values"));
    const struct dcs_json *sections = dcs_json_get(report, "sections");
    for (const struct dcs_json *s = dcs_json_first(sections); s; s = dcs_json_next(s))
        good = check_group(d, dcs_json_get(s, "values")) && good;
    return good;
}

static void check_config(struct doctor *d)
{
    const struct dcs_config *config = d->job->config;
    size_t count = dcs_config_problem_count(config);
    const char *origin = dcs_config_origin(config);

    if (d->job->config_err.code != DCS_E_NONE) {
        find_err(d, DCS_FINDING_ERROR, "configuration", &d->job->config_err);
        return;
    }
    if (!*origin)
        find_hint(d, DCS_FINDING_ERROR, "configuration", "no configuration file was found",
                  "create /etc/digicert-store/digicert-store.conf, or (not for root) "
                  "~/.config/digicert-store/digicert-store.conf; digicert-store.conf(5) shows one");
    for (size_t i = 0; i < count && i < SHOWN_PROBLEMS; i++) {
        const struct dcs_config_problem *problem = dcs_config_problem(config, i);
        find_f(d, DCS_FINDING_ERROR, "configuration", "%s:%d: %s", origin, problem->line,
               problem->text);
    }
    if (check_groups(d) && *origin && count == 0)
        find_f(d, DCS_FINDING_OK, "configuration", "%s, %zu sections for orders", origin,
               dcs_config_section_count(config));
}

/* ---- state directory ---- */

/* What others may write, or own, they may replace, whatever the modes of the files in it. */
static void check_directory(struct doctor *d, const char *path)
{
    const struct dcs_cache *cache = &d->job->cache;
    const char *slash = *path ? "/" : "";
    struct dcs_fs_stat stat;
    struct dcs_err err = { 0 };

    if (!dcs_fs_stat(cache->fd, *path ? path : ".", &stat, NULL) || !S_ISDIR(stat.mode))
        return;
    if (stat.mode & 0022) {
        dcs_fail(&err, DCS_E_STATE, "%s%s%s: group or others may write it", cache->path, slash,
                 path);
        dcs_hint(&err, "chmod go-w %s%s%s: keys and certificates could be replaced", cache->path,
                 slash, path);
        find_err(d, DCS_FINDING_ERROR, "state directory", &err);
    }
    if (stat.uid != 0 && stat.uid != cache->state_uid) {
        dcs_fail(&err, DCS_E_STATE, "%s%s%s belongs to uid %u, the state directory to uid %u",
                 cache->path, slash, path, stat.uid, cache->state_uid);
        dcs_hint(&err, "chown -R %u %s%s%s", cache->state_uid, cache->path, slash, path);
        find_err(d, DCS_FINDING_ERROR, "state directory", &err);
    }
}

static void check_order_directories(struct doctor *d, int64_t order)
{
    struct dcs_names names = { 0 };
    char path[64];
    char inner[400];

    snprintf(path, sizeof(path), "orders/%lld", (long long)order);
    check_directory(d, path);
    if (!dcs_fs_list(d->job->cache.fd, path, 10000, &names, NULL))
        return;
    for (size_t i = 0; i < names.count; i++) {
        snprintf(inner, sizeof(inner), "%s/%s", path, names.names[i]);
        check_directory(d, inner);
    }
    dcs_names_drop(&names);
}

static void check_key_files(struct doctor *d, int64_t order)
{
    dcs_auto(dcs_key) struct dcs_key key = { 0 };
    struct memory offer = { 0 };
    enum dcs_stage stage = DCS_STAGE_NONE;
    struct dcs_err err = { 0 };
    char subject[48];

    snprintf(subject, sizeof(subject), "order %lld", (long long)order);
    if (!dcs_load_offer(d->job, order, &offer, &stage, &err)) {
        find_err(d, err.code == DCS_E_NOT_FOUND ? DCS_FINDING_NOTE : DCS_FINDING_ERROR, subject,
                 &err);
        return;
    }
    if (stage == DCS_STAGE_EXPIRED || stage == DCS_STAGE_REVOKED || stage == DCS_STAGE_CRITICAL)
        find_f(d, DCS_FINDING_WARNING, subject, "its certificate is %s", dcs_stage_name(stage));
    if (dcs_bundle_has_key(offer.bundle) &&
        !dcs_cache_key(&d->job->cache, offer.bundle, &key, &err))
        find_err(d, DCS_FINDING_ERROR, subject, &err);
    dcs_memory_copy_drop(&offer);
}

static void check_state(struct doctor *d)
{
    static const char *const directories[] = {
        "", "orders", "certificates", "index", "cold", "crls"
    };
    const struct dcs_cache *cache = &d->job->cache;
    dcs_auto(dcs_ids) struct dcs_ids orders = { 0 };
    struct dcs_fs_stat stat;
    struct dcs_err err = { 0 };

    if (cache->fd < 0) {
        find_hint(
            d, DCS_FINDING_ERROR, "state directory", cache->why_reader,
            "run doctor as root or as the user that shall own it; it is made at the first use");
        return;
    }
    if (!dcs_fs_stat(cache->fd, ".", &stat, &err)) {
        find_err(d, DCS_FINDING_ERROR, "state directory", &err);
        return;
    }
    for (size_t i = 0; i < DCS_COUNT(directories); i++)
        check_directory(d, directories[i]);
    if (cache->role == DCS_ROLE_KEEPER)
        find_f(d, DCS_FINDING_OK, "state directory", "%s, owner uid %u; this process is a keeper",
               cache->path, stat.uid);
    else
        find_f(d, DCS_FINDING_NOTE, "state directory", "%s; this process may only read: %s",
               cache->path, cache->why_reader);
    if (!dcs_cache_orders(cache, &orders, &err)) {
        find_err(d, DCS_FINDING_ERROR, "state directory", &err);
        return;
    }
    for (size_t i = 0; i < orders.count; i++) {
        check_order_directories(d, orders.ids[i]);
        check_key_files(d, orders.ids[i]);
    }
    find_f(d, DCS_FINDING_OK, "cache", "%zu orders", orders.count);
}

/* ---- the service ---- */

static void check_clock(struct doctor *d, const struct dcs_api *api)
{
    int64_t offset = 0;

    if (!dcs_api_clock_offset(api, &offset))
        return;
    int64_t off = offset < 0 ? -offset : offset;
    if (off > CLOCK_OFF_S) {
        char text[128];
        snprintf(text, sizeof(text), "this host's clock is %lld s %s the CA's", (long long)off,
                 offset > 0 ? "behind" : "ahead of");
        find_hint(d, DCS_FINDING_ERROR, "clock", text,
                  "start a time service (systemd-timesyncd, chrony): with a wrong clock validity "
                  "cannot be judged");
    } else {
        find_f(d, off > CLOCK_NOTE_S ? DCS_FINDING_NOTE : DCS_FINDING_OK, "clock",
               "%lld s apart from the CA's", (long long)off);
    }
}

/* Whether the key may read orders is asked of the orders themselves, one row at most. */
static void check_rights(struct doctor *d, struct dcs_api *api)
{
    dcs_auto(dcs_order_page) struct dcs_order_page page = { 0 };
    struct dcs_api_self self = { 0 };
    struct dcs_err err = { 0 };
    struct dcs_err denied = { 0 };

    bool known = dcs_api_self(api, &self, &err);
    if (!known && err.code != DCS_E_DENIED) {
        find_err(d, DCS_FINDING_ERROR, "service", &err);
        return;
    }
    if (!dcs_api_page(api, "filters[status]=issued", 0, &page, &denied)) {
        find_err(d, DCS_FINDING_ERROR, denied.code == DCS_E_DENIED ? "API key" : "service",
                 &denied);
        return;
    }
    find_f(d, DCS_FINDING_OK, "API key", "may read orders; the account shows %lld issued ones",
           (long long)page.total);
    if (!known) {
        find_err(d, DCS_FINDING_NOTE, "API key", &err);
    } else {
        find_f(d, DCS_FINDING_OK, "API key", "belongs to %s (%s)",
               self.username[0] ? self.username : "a user without a name",
               self.roles[0] ? self.roles : "no role named");
        if (self.is_admin)
            find_hint(
                d, DCS_FINDING_NOTE, "API key", "its user is an administrator: more than is needed",
                "link the key to a service user and restrict it to \"Orders\" in CertCentral");
    }
}

/* A mode that lets others in is refused when the key is read; a group is allowed, and said. */
static void check_key_file(struct doctor *d)
{
    const char *path = d->job->settings->api_key_file;
    struct dcs_fs_stat stat;
    struct dcs_err err = { 0 };

    if (!*path || !dcs_fs_stat_followed(path, &stat, NULL) || !(stat.mode & 0077))
        return;
    dcs_fail(&err, DCS_E_CONFIG, "%s has mode %04o: its group may read it", path,
             stat.mode & 07777);
    dcs_hint(&err, "chmod 600 %s, unless that is meant", path);
    find_err(d, DCS_FINDING_WARNING, "API key", &err);
}

static void check_service(struct doctor *d)
{
    dcs_auto(dcs_secret) struct dcs_secret key = { 0 };
    dcs_auto(dcs_api) struct dcs_api *api = NULL;
    struct dcs_deadline deadline = dcs_deadline_in(d->job->env, d->job->settings->load_deadline_ms);
    struct dcs_err err = { 0 };

    if (d->job->cache.role != DCS_ROLE_KEEPER) {
        find_f(d, DCS_FINDING_NOTE, "service", "not asked: only a keeper reads the API key");
        return;
    }
    /* With a file that is not read as it was meant, the built-in api_url would get the key. */
    if (!dcs_job_check_config(d->job, NO_ORDER, &err)) {
        find_hint(d, DCS_FINDING_NOTE, "service", "not asked: the configuration is not read whole",
                  "mend the configuration first");
        return;
    }
    if (!dcs_api_read_key(d->job->env, d->job->settings, &key, &err)) {
        find_err(d, DCS_FINDING_ERROR, "API key", &err);
        return;
    }
    check_key_file(d);
    if (!dcs_job_api(d->job, deadline, &api, &err)) {
        find_err(d, DCS_FINDING_ERROR, "service", &err);
        return;
    }
    check_rights(d, api);
    check_clock(d, api);
}

enum dcs_finding dcs_store_doctor(struct dcs_store *store, bool online, dcs_finding_cb *report,
                                  void *context)
{
    struct job job;
    struct doctor d = { .job = &job, .report = report, .context = context };
    struct dcs_err err = { 0 };

    if (!dcs_job_begin(store, &job, &err)) {
        find_err(&d, DCS_FINDING_ERROR,
                 err.code == DCS_E_STATE ? "state directory" : "configuration", &err);
        return d.worst;
    }
    check_config(&d);
    if (!dcs_job_look(&job, &err))
        find_err(&d, DCS_FINDING_ERROR, "state directory", &err);
    else {
        check_state(&d);
        if (online)
            check_service(&d);
    }
    dcs_job_end(&job);
    return d.worst;
}
