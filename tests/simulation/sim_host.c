// SPDX-License-Identifier: Apache-2.0
/* sim_host.c - a host of sim.h: its configuration and state directory, and what an application there
 * gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "io/fs.h"
#include "sim.h"

enum { REQUEST_MAX = 1 << 17 };

void sim_host_configure(struct sim *sim, struct sim_host *host, const char *sections)
{
    char *text = NULL;

    if (asprintf(&text,
                 "api_url = %s\napi_key_file = %s/sandbox/api.key\napi_ca_file = %s\n"
                 "state_dir = %s/state\n%s",
                 sim->url, sim->dir, sim->ca, host->dir, sections) < 0)
        abort();
    fake_write(host->dir, "conf.new", text, 0600);
    free(text);
    if (asprintf(&text, "%s.new", host->conf) < 0 || rename(text, host->conf) != 0)
        abort();
    free(text);
}

static struct dcs_store *open_store(const struct dcs_env *env, const struct sim_host *host,
                                    enum dcs_caller caller)
{
    const struct dcs_store_options options = { .caller = caller,
                                               .config_path = host->conf,
                                               .env = env };
    struct dcs_store *store = NULL;
    struct dcs_err err = { 0 };

    if (!dcs_store_new(&options, &store, &err))
        fail_msg("%s", err.text);
    return store;
}

void sim_host_begin(struct sim *sim, struct sim_host *host, const char *name, const char *sections)
{
    *host = (struct sim_host){ 0 };
    if (asprintf(&host->dir, "%s/%s", sim->dir, name) < 0 ||
        asprintf(&host->conf, "%s/conf", host->dir) < 0 || mkdir(host->dir, 0755) != 0)
        abort();
    sim_host_configure(sim, host, sections);
    host->door = open_store(&sim->env, host, DCS_CALLER_DOOR);
    host->verb = open_store(&sim->env, host, DCS_CALLER_VERB);
    host->reader = open_store(&sim->nobody, host, DCS_CALLER_DOOR);
}

void sim_host_end(struct sim_host *host)
{
    dcs_store_free(host->door);
    dcs_store_free(host->verb);
    dcs_store_free(host->reader);
    free(host->dir);
    free(host->conf);
    *host = (struct sim_host){ 0 };
}

void sim_host_forget(const struct sim_host *host, int64_t order)
{
    char *dir = NULL;

    if (asprintf(&dir, "%s/state/orders/%lld", host->dir, (long long)order) < 0)
        abort();
    fake_dir_drop(&dir);
}

struct dcs_uri sim_uri(int64_t order)
{
    char text[64];
    struct dcs_uri uri;
    struct dcs_err err = { 0 };

    snprintf(text, sizeof(text), "digicert://order/%lld", (long long)order);
    if (!dcs_uri_parse(text, &uri, &err))
        fail_msg("%s", err.text);
    return uri;
}

static bool load(struct sim_host *host, struct dcs_store *store, int64_t order,
                 struct sim_pair *ret_pair, struct dcs_err *err)
{
    dcs_auto(dcs_bundle) struct dcs_bundle *bundle = NULL;
    dcs_auto(dcs_key) struct dcs_key key = { 0 };
    struct dcs_uri uri = sim_uri(order);
    uint8_t spki[DCS_SHA256_LEN];

    if (!dcs_store_open(store, &uri, true, &bundle, err) ||
        !dcs_store_key(store, bundle, &key, err) || !dcs_key_spki_sha256(&key, spki, err))
        return false;
    const struct dcs_facts *facts = dcs_bundle_facts(bundle);
    if (memcmp(spki, facts->leaf.spki_sha256, sizeof(spki)) != 0)
        fail_msg("order %lld: the key is not the certificate's", (long long)order);
    snprintf(ret_pair->serial, sizeof(ret_pair->serial), "%s", facts->leaf.serial);
    snprintf(ret_pair->dir, sizeof(ret_pair->dir), "%s/state/%s", host->dir,
             dcs_bundle_dir(bundle));
    snprintf(ret_pair->source, sizeof(ret_pair->source), "%s", facts->source);
    ret_pair->not_before = facts->leaf.not_before;
    ret_pair->not_after = facts->leaf.not_after;
    memcpy(ret_pair->spki_sha256, spki, sizeof(spki));
    return true;
}

bool sim_load(struct sim_host *host, int64_t order, struct sim_pair *ret_pair, struct dcs_err *err)
{
    return load(host, host->door, order, ret_pair, err);
}

bool sim_read(struct sim_host *host, int64_t order, struct sim_pair *ret_pair, struct dcs_err *err)
{
    return load(host, host->reader, order, ret_pair, err);
}

struct dcs_json *sim_request(const struct sim_pair *pair)
{
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = REQUEST_MAX };
    struct dcs_json *json = NULL;
    char path[192];

    snprintf(path, sizeof(path), "%s/request.json", pair->dir);
    if (!dcs_fs_read_user_file(path, REQUEST_MAX, &text, NULL, NULL) ||
        !dcs_json_parse(dcs_buf_text(&text), text.len, &json, NULL))
        return NULL;
    return json;
}

int64_t sim_due(int64_t not_before, int64_t not_after, bool approval)
{
    int64_t life = not_after - not_before + 1;
    int64_t due = life < 10LL * SIM_DAY ? life / 2 : life * 2 / 3;
    int64_t early = life / 10 < 14LL * SIM_DAY ? life / 10 : 14LL * SIM_DAY;

    return not_before + due - life / 30 - (approval ? early : 0);
}

struct dcs_json *sim_show(const struct sim_host *host, int64_t order, int64_t at)
{
    const struct dcs_show_options options = { .at = at };
    struct dcs_uri uri = sim_uri(order);
    struct dcs_json *json = NULL;
    struct dcs_err err = { 0 };

    if (!dcs_store_show(host->verb, &uri, &options, &json, &err))
        fail_msg("show order %lld: %s", (long long)order, err.text);
    return json;
}

void sim_only_days(int days, char *out, size_t capacity)
{
    static const char *const dates[] = { "2018-03-01", "2020-08-28", "2020-09-01", "2026-02-24",
                                         "2026-03-15", "2027-03-15", "2029-03-15" };
    size_t len = (size_t)snprintf(out, capacity, "tls_limit = ");

    for (size_t i = 0; i < DCS_COUNT(dates); i++)
        len += (size_t)snprintf(out + len, capacity - len, "%s%s:%d:%d", i ? ", " : "", dates[i],
                                days + 1, days);
    snprintf(out + len, capacity - len, "\n\n");
}
