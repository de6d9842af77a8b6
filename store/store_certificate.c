// SPDX-License-Identifier: Apache-2.0
/*
 * store_certificate.c - certificate/ID: exactly that certificate, whatever the order serves now;
 * and the CRLs that certificates name. Never moves `current`.
 */
#include <stdio.h>
#include <string.h>

#include "base/trace.h"
#include "store_instance.h"

enum { CRL_MAX = 16 << 20 };

static bool take_first(void *context, struct dcs_bundle *bundle)
{
    struct dcs_bundle **found = context;

    /* Newest first; one with its key is worth more than one without. */
    if (*found && (dcs_bundle_has_key(*found) || !dcs_bundle_has_key(bundle)))
        return true;
    dcs_bundle_unref(*found);
    *found = dcs_bundle_ref(bundle);
    return true;
}

static bool find_cached(struct job *job, const struct dcs_uri *uri, struct dcs_bundle **ret_bundle,
                        struct dcs_err *err)
{
    char dir[DCS_GENERATION_DIR];

    if (!dcs_cache_find(&job->cache, DCS_INDEX_CERTIFICATE, uri->value, take_first, ret_bundle,
                        err))
        return false;
    if (*ret_bundle)
        return true;
    snprintf(dir, sizeof(dir), "certificates/%lld", (long long)uri->id);
    return dcs_cache_load_dir(&job->cache, dir, ret_bundle, err);
}

static bool fetch_certificate(struct job *job, const struct dcs_uri *uri, struct dcs_err *err)
{
    dcs_auto(dcs_api) struct dcs_api *api = NULL;
    dcs_auto(dcs_buf) struct dcs_buf pem = { .max = 1 << 20 };
    dcs_auto(dcs_accepted) struct dcs_accepted accepted = { 0 };
    struct dcs_deadline deadline = dcs_job_deadline(job);
    const struct dcs_accept expected = { .certificate_id = uri->id,
                                         .source = "fetch",
                                         .limits = job->settings->limits,
                                         .now = dcs_env_now(job->env) };
    char dir[DCS_GENERATION_DIR];

    if (!dcs_job_api(job, deadline, &api, err) || !dcs_api_download(api, uri->id, &pem, err) ||
        !dcs_accept(&expected, dcs_buf_text(&pem), pem.len, &accepted, err))
        return dcs_fail_while(err, "certificate %lld", (long long)uri->id);
    accepted.facts->committed_at = dcs_env_now(job->env);
    struct dcs_commit commit = { .certificate_id = uri->id,
                                 .facts = accepted.facts,
                                 .certs = &accepted.certs,
                                 .offsets = accepted.offsets,
                                 .cert_count = accepted.cert_count,
                                 .access = { false, (gid_t)-1 } };
    return dcs_cache_commit(&job->cache, &commit, dir, err);
}

/* One asker at a time; what the one before found is the answer. */
static bool fetch_single_flight(struct job *job, const struct dcs_uri *uri, const char *canonical,
                                struct dcs_bundle **ret_bundle, struct dcs_err *err)
{
    dcs_auto(dcs_lock) struct dcs_lock lock = DCS_LOCK_NONE;
    struct dcs_cold cold = { .boot_ms = dcs_env_boot_ms(job->env) };
    struct dcs_err why = { 0 };

    if (!dcs_cache_lock_cold(&job->cache, canonical, dcs_job_deadline(job), &lock, err))
        return false;
    if (find_cached(job, uri, ret_bundle, NULL))
        return true;
    if (dcs_cache_cold_find(&job->cache, &lock, canonical, cold.boot_ms, &cold)) {
        *err = cold.failure;
        return false;
    }
    if (fetch_certificate(job, uri, &why))
        return find_cached(job, uri, ret_bundle, err);
    cold = (struct dcs_cold){ .when = dcs_env_now(job->env),
                              .boot_ms = dcs_env_boot_ms(job->env),
                              .failure = why };
    dcs_cache_cold_store(&job->cache, &lock, canonical, &cold);
    *err = why;
    return false;
}

static bool meets_pins(const struct dcs_uri *uri, const struct dcs_bundle *bundle,
                       struct dcs_err *err)
{
    const struct dcs_cert_info *leaf = &dcs_bundle_facts(bundle)->leaf;

    if ((uri->has_spki && memcmp(uri->spki_sha256, leaf->spki_sha256, DCS_SHA256_LEN) != 0) ||
        (uri->serial[0] && strcmp(uri->serial, leaf->serial) != 0))
        return dcs_fail(err, DCS_E_NOT_FOUND, "certificate %lld does not meet the pin in the URI",
                        (long long)uri->id);
    return true;
}

bool dcs_load_certificate(struct job *job, const struct dcs_uri *uri,
                          struct dcs_bundle **ret_bundle, struct dcs_err *err)
{
    dcs_auto(dcs_bundle) struct dcs_bundle *bundle = NULL;
    char canonical[DCS_URI_TEXT];
    struct dcs_err why = { 0 };

    dcs_uri_canonical(uri, canonical);
    if (!find_cached(job, uri, &bundle, NULL)) {
        if (!dcs_job_look(job, err))
            return false;
        if (job->cached_only || job->cache.role != DCS_ROLE_KEEPER) {
            dcs_fail(err, DCS_E_READER,
                     "certificate %lld is not cached, and this process may not "
                     "fetch: %.180s",
                     (long long)uri->id,
                     job->cached_only ? "this kind of access never does" : job->cache.why_reader);
            return dcs_hint(err, "run `digicert-store get %s` as root", canonical);
        }
        if (dcs_memory_failed(job, canonical, err) || !dcs_job_check_config(job, 0, err) ||
            !dcs_memory_may_open_cold(job, canonical, err))
            return false;
        if (!fetch_single_flight(job, uri, canonical, &bundle, &why)) {
            dcs_memory_note_failure(job, canonical, &why);
            *err = why;
            return false;
        }
    }
    if (!meets_pins(uri, bundle, err))
        return false;
    *ret_bundle = dcs_steal(&bundle);
    return true;
}

/* ---- CRLs ---- */

static bool crl_path(const char *url, char out[64], struct dcs_err *err)
{
    uint8_t hash[DCS_SHA256_LEN];
    char hex[33];

    if (!dcs_sha256(url, strlen(url), hash, err))
        return false;
    dcs_hex(hash, 16, hex);
    snprintf(out, 64, "crls/%s.crl", hex);
    return true;
}

static bool read_crl(struct job *job, const char *path, const struct dcs_cert *issuer,
                     struct dcs_buf *ret_crl, bool *ret_fresh, struct dcs_err *err)
{
    dcs_auto(dcs_buf) struct dcs_buf der = { .max = CRL_MAX };
    struct dcs_crl_info info = { 0 };

    *ret_fresh = false;
    if (job->cache.fd < 0)
        return dcs_fail(err, DCS_E_NOT_FOUND, "%s", job->cache.why_reader);
    if (!dcs_fs_read(job->cache.fd, path, CRL_MAX, &der, NULL, err) ||
        !dcs_crl_check((const uint8_t *)dcs_buf_text(&der), der.len, issuer, ret_crl, &info, err))
        return false;
    *ret_fresh = info.next_update > dcs_env_now(job->env);
    return true;
}

static bool fetch_crl(struct job *job, const char *url, const char *path,
                      const struct dcs_cert *issuer, struct dcs_buf *ret_crl, struct dcs_err *err)
{
    dcs_auto(dcs_api) struct dcs_api *api = NULL;
    dcs_auto(dcs_buf) struct dcs_buf data = { .max = CRL_MAX };
    struct dcs_crl_info info = { 0 };
    struct dcs_deadline deadline = dcs_deadline_in(job->env, job->settings->load_deadline_ms);

    dcs_buf_clear(ret_crl);
    return dcs_job_api(job, deadline, &api, err) && dcs_api_crl(api, url, &data, err) &&
           dcs_crl_check((const uint8_t *)dcs_buf_text(&data), data.len, issuer, ret_crl, &info,
                         err) &&
           dcs_fs_write_hint(job->cache.fd, path, dcs_buf_text(ret_crl), ret_crl->len, 0644,
                             job->cache.owner, err);
}

static bool load_crl(struct job *job, const char *url, bool cached_only,
                     const struct dcs_cert *issuer, struct dcs_buf *ret_crl, struct dcs_err *err)
{
    dcs_auto(dcs_buf) struct dcs_buf fresh_crl = { .max = CRL_MAX };
    char path[64];
    bool fresh = false;
    struct dcs_err why = { 0 };

    if (!crl_path(url, path, err))
        return false;
    bool cached = read_crl(job, path, issuer, ret_crl, &fresh, &why);
    if (fresh || (cached_only && cached))
        return true;
    if (!cached_only && !dcs_job_look(job, err))
        return false;
    if (cached_only || job->cache.role != DCS_ROLE_KEEPER)
        return cached || dcs_fail(err, DCS_E_READER,
                                  "the CRL %s is not cached, and this process may "
                                  "not fetch it: %.180s",
                                  url, job->cache.why_reader);
    if (!fetch_crl(job, url, path, issuer, &fresh_crl, &why)) {
        dcs_trace(job->env, "CRL %s: %s", url, why.text);
        return cached || dcs_fail(err, why.code, "the CRL %s: %s", url, why.text);
    }
    dcs_buf_clear(ret_crl);
    *ret_crl = fresh_crl;
    fresh_crl = (struct dcs_buf){ 0 };
    return true;
}

bool dcs_store_crl(struct dcs_store *store, const struct dcs_bundle *bundle, bool cached_only,
                   struct dcs_buf *ret_crl, struct dcs_err *err)
{
    dcs_auto(dcs_cert) struct dcs_cert *issuer = NULL;
    dcs_auto(dcs_buf) struct dcs_buf crl = { .max = CRL_MAX };
    const char *url = dcs_bundle_facts(bundle)->crl_url;
    struct job job;

    if (!url[0])
        return true;
    if (dcs_bundle_chain_count(bundle) == 0)
        return dcs_fail(err, DCS_E_STATE,
                        "the CRL cannot be checked: the issuing CA's certificate "
                        "did not come with the leaf");
    struct dcs_bytes der = dcs_bundle_chain(bundle, 0);
    if (!dcs_cert_parse(der.data, der.len, &issuer, err) || !dcs_job_begin(store, &job, err))
        return false;
    bool loaded = load_crl(&job, url, cached_only || job.cached_only, issuer, &crl, err);
    dcs_job_end(&job);
    if (!loaded)
        return false;
    dcs_buf_clear(ret_crl);
    *ret_crl = crl;
    crl = (struct dcs_buf){ 0 };
    return true;
}
