// SPDX-License-Identifier: Apache-2.0
/*
 * x509_sct.c - SCTs through OpenSSL's CT calls, around their traps: a missing store crashes, an empty
 * list counts as valid, one unknown log spoils the verdict on all (facts/policy.md 2.4).
 */
#include "io/x509_sct.h"

#include <fcntl.h>
#include <openssl/ct.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/conf.h"
#include "io/fs.h"
#include "io/x509_context.h"

enum { LIST_FILE_MAX = 1 << 20 };

struct dcs_logs {
    CTLOG_STORE *store; /* never NULL: SCT_validate dereferences it */
    struct dcs_log logs[DCS_LOGS_MAX];
    size_t count, bad;
    int64_t written_at;
};

void dcs_logs_free(struct dcs_logs *logs)
{
    if (!logs)
        return;
    CTLOG_STORE_free(logs->store);
    free(logs);
}

void dcs_logs_drop(struct dcs_logs **logs)
{
    dcs_logs_free(*logs);
    *logs = NULL;
}

const struct dcs_log *dcs_logs_find(const struct dcs_logs *logs, const uint8_t *id)
{
    for (size_t i = 0; logs && i < logs->count; i++)
        if (memcmp(logs->logs[i].id, id, DCS_SHA256_LEN) == 0)
            return &logs->logs[i];
    return NULL;
}

size_t dcs_logs_bad_count(const struct dcs_logs *logs)
{
    return logs->bad;
}

int64_t dcs_logs_written_at(const struct dcs_logs *logs)
{
    return logs->written_at;
}

/* ---- the list ---- */

static const char *member(const struct dcs_conf *conf, const char *section, const char *name)
{
    for (size_t i = 0; i < dcs_conf_value_count(conf); i++) {
        const struct dcs_conf_value *value = dcs_conf_value(conf, i);
        if (strcmp(value->section, section) == 0 && strcmp(value->name, name) == 0)
            return value->value;
    }
    return NULL;
}

/* What OpenSSL takes for this log: only then can an SCT of it be verified. */
static bool key_is_good(const char *key, const char *name, OSSL_LIB_CTX *libctx, uint8_t *ret_id)
{
    CTLOG *log = NULL;
    const uint8_t *id = NULL;
    size_t len = 0;

    if (!key || CTLOG_new_from_base64_ex(&log, key, name, libctx, NULL) != 1 || !log)
        return false;
    CTLOG_get0_log_id(log, &id, &len);
    bool good = len == DCS_SHA256_LEN;
    if (good)
        memcpy(ret_id, id, len);
    CTLOG_free(log);
    return good;
}

static void add_log(const struct dcs_conf *conf, const char *section, OSSL_LIB_CTX *libctx,
                    struct dcs_logs *logs)
{
    struct dcs_log log = { 0 };
    const char *description = member(conf, section, "description");
    const char *retired = member(conf, section, "retired_ms");

    dcs_clean_text(description ? description : section, log.name, sizeof(log.name));
    dcs_clean_text(member(conf, section, "operator"), log.operator_name, sizeof(log.operator_name));
    dcs_clean_text(member(conf, section, "state"), log.state, sizeof(log.state));
    if (retired && !dcs_parse_i64(retired, 0, INT64_MAX, &log.retired_ms))
        log.retired_ms = 0;
    if (logs->count == DCS_LOGS_MAX ||
        !key_is_good(member(conf, section, "key"), log.name, libctx, log.id))
        logs->bad++;
    else
        logs->logs[logs->count++] = log;
}

static void add_enabled(const struct dcs_conf *conf, const char *enabled, OSSL_LIB_CTX *libctx,
                        struct dcs_logs *logs)
{
    char name[128];

    while (*enabled) {
        size_t len = strcspn(enabled, ",");
        size_t start = strspn(enabled, " \t");
        size_t end = len;
        while (end > start && strchr(" \t", enabled[end - 1]))
            end--;
        snprintf(name, sizeof(name), "%.*s", (int)(end > start ? end - start : 0),
                 enabled + (start < len ? start : len));
        if (*name)
            add_log(conf, name, libctx, logs);
        enabled += len + (enabled[len] == ',');
    }
}

static bool fail_list(const char *path, const char *what, struct dcs_err *err)
{
    dcs_fail(err, DCS_E_CONFIG, "the CT log list %s %s", path, what);
    return dcs_hint(err,
                    "it has the form of CTLOG_STORE_load_file(3): enabled_logs = NAME,..., then "
                    "[NAME] with description and key");
}

bool dcs_logs_load(const char *path, struct dcs_logs **ret_logs, struct dcs_err *err)
{
    dcs_auto(dcs_quiet) int quiet = dcs_quiet_begin();
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = LIST_FILE_MAX };
    dcs_auto(dcs_conf) struct dcs_conf *conf = NULL;
    dcs_auto(dcs_logs) struct dcs_logs *logs = dcs_alloc(1, sizeof(*logs), err);
    OSSL_LIB_CTX *libctx = dcs_crypto(err);
    struct dcs_fs_stat stat;
    struct dcs_err why = { 0 };

    (void)quiet;
    if (!logs || !libctx)
        return false;
    if (!dcs_fs_read_user_file(path, LIST_FILE_MAX, &text, &stat, &why) ||
        !dcs_conf_parse(dcs_buf_text(&text), text.len, path, &conf, &why))
        return fail_list(path, why.text, err);
    const char *enabled = member(conf, "default", "enabled_logs");
    if (!enabled)
        return fail_list(path, "names no enabled_logs", err);
    logs->store = CTLOG_STORE_new_ex(libctx, NULL);
    if (!logs->store)
        return dcs_fail(err, DCS_E_NOMEM, "out of memory");
    logs->written_at = stat.mtime_s;
    /* 0 when one entry is bad, but the good ones are loaded: each is judged below. */
    (void)CTLOG_STORE_load_file(logs->store, path);
    add_enabled(conf, enabled, libctx, logs);
    if (logs->count == 0)
        return fail_list(path, "holds no log whose key can be read", err);
    *ret_logs = dcs_steal(&logs);
    return true;
}

/* ---- SCTs ---- */

struct scts {
    X509 *leaf, *issuer;
    STACK_OF(SCT) * list;
    CTLOG_STORE *empty;
    CT_POLICY_EVAL_CTX *ctx;
};

static void scts_drop(struct scts *s)
{
    SCT_LIST_free(s->list);
    CT_POLICY_EVAL_CTX_free(s->ctx);
    CTLOG_STORE_free(s->empty);
    X509_free(s->leaf);
    X509_free(s->issuer);
}

static bool prepare(struct scts *s, const struct dcs_logs *logs, int64_t now, OSSL_LIB_CTX *libctx)
{
    s->empty = CTLOG_STORE_new_ex(libctx, NULL);
    s->ctx = CT_POLICY_EVAL_CTX_new_ex(libctx, NULL);
    if (!s->empty || !s->ctx || CT_POLICY_EVAL_CTX_set1_cert(s->ctx, s->leaf) != 1 ||
        (s->issuer && CT_POLICY_EVAL_CTX_set1_issuer(s->ctx, s->issuer) != 1))
        return false;
    CT_POLICY_EVAL_CTX_set_shared_CTLOG_STORE(s->ctx, logs ? logs->store : s->empty);
    CT_POLICY_EVAL_CTX_set_time(s->ctx, (uint64_t)now * 1000);
    return true;
}

static enum dcs_tri judge(SCT *sct, const CT_POLICY_EVAL_CTX *ctx)
{
    (void)SCT_validate(sct,
                       ctx); /* its result mixes failure and "not known": the status does not */
    switch (SCT_get_validation_status(sct)) {
    case SCT_VALIDATION_STATUS_VALID:
        return DCS_YES;
    case SCT_VALIDATION_STATUS_INVALID:
        return DCS_NO;
    case SCT_VALIDATION_STATUS_NOT_SET:
    case SCT_VALIDATION_STATUS_UNKNOWN_LOG:
    case SCT_VALIDATION_STATUS_UNVERIFIED:
    case SCT_VALIDATION_STATUS_UNKNOWN_VERSION:
        return DCS_UNKNOWN;
    }
    return DCS_UNKNOWN;
}

bool dcs_cert_scts(const struct dcs_bytes *leaf, const struct dcs_bytes *issuer,
                   const struct dcs_logs *logs, int64_t now, struct dcs_cert_sct *out,
                   size_t capacity, size_t *ret_count, struct dcs_err *err)
{
    dcs_auto(dcs_quiet) int quiet = dcs_quiet_begin();
    dcs_auto(scts) struct scts s = { 0 };
    OSSL_LIB_CTX *libctx = dcs_crypto(err);
    int critical = 0;

    (void)quiet;
    if (!libctx)
        return false;
    s.leaf = dcs_x509_from_der(leaf, libctx);
    if (!s.leaf)
        return dcs_fail(err, DCS_E_REJECTED, "the certificate cannot be read");
    s.issuer = issuer ? dcs_x509_from_der(issuer, libctx) : NULL;
    s.list = X509_get_ext_d2i(s.leaf, NID_ct_precert_scts, &critical, NULL);
    *ret_count = 0;
    if (!s.list && critical == -1)
        return true;
    if (!s.list)
        return dcs_fail(err, DCS_E_REJECTED, "the certificate's CT extension is %s",
                        critical == -2 ? "there twice" : "malformed");
    if (!prepare(&s, logs, now, libctx))
        return dcs_fail(err, DCS_E_NOMEM, "out of memory");
    for (int i = 0; i < sk_SCT_num(s.list) && *ret_count < capacity; i++) {
        SCT *sct = sk_SCT_value(s.list, i);
        struct dcs_cert_sct *to = &out[(*ret_count)++];
        unsigned char *id = NULL;
        *to = (struct dcs_cert_sct){ .timestamp_ms = (int64_t)SCT_get_timestamp(sct) };
        if (SCT_get0_log_id(sct, &id) == DCS_SHA256_LEN)
            memcpy(to->log_id, id, DCS_SHA256_LEN);
        to->verified = judge(sct, s.ctx);
    }
    return true;
}
