// SPDX-License-Identifier: Apache-2.0
/* cache_record.c - order.json, memo.json, cold/NN and the salt: small JSON files of the cache. */
#include "flow/cache.h"

#include <stdio.h>
#include <string.h>

#include "base/trace.h"
#include "model/record.h"

enum { RECORD_MAX = 1 << 20, COLD_MAX = 4096, COLD_RECORDS = 6 };

static bool read_json(const struct dcs_cache *cache, const char *path, struct dcs_json **ret_root,
                      struct dcs_err *err)
{
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = RECORD_MAX };

    if (cache->fd < 0)
        return dcs_fail(err, DCS_E_NOT_FOUND, "%s: %s", path, cache->why_reader);
    return dcs_fs_read(cache->fd, path, RECORD_MAX, &text, NULL, err) &&
           dcs_json_parse(dcs_buf_text(&text), text.len, ret_root, err);
}

static void record_path(int64_t order, const char *name, char out[64])
{
    snprintf(out, 64, "orders/%lld/%s", (long long)order, name);
}

bool dcs_cache_read_order(const struct dcs_cache *cache, int64_t order,
                          struct dcs_order **ret_order, struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *root = NULL;
    dcs_auto(dcs_order) struct dcs_order *read = NULL;
    char path[64];

    record_path(order, "order.json", path);
    if (!read_json(cache, path, &root, err) || !dcs_order_from_json(root, &read, err))
        return false;
    if (read->id != order)
        return dcs_fail(err, DCS_E_STATE, "%s/%s is of order %lld", cache->path, path,
                        (long long)read->id);
    *ret_order = dcs_steal(&read);
    return true;
}

bool dcs_cache_write_order(const struct dcs_cache *cache, const struct dcs_order *order,
                           struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *root = NULL;
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = RECORD_MAX };
    char path[64];

    record_path(order->id, "order.json", path);
    return dcs_order_to_json(order, &root, err) && dcs_json_print(root, true, &text, err) &&
           dcs_fs_write_hint(cache->fd, path, dcs_buf_text(&text), text.len, 0644, cache->owner,
                             err);
}

/* Stamps of CLOCK_BOOTTIME mean nothing after a boot or on another host: the boot that they count
 * from stands beside them. A stamp ahead of now is no stamp either. */
static void mark_boot(struct dcs_json *object)
{
    char boot[DCS_BOOT_ID];

    dcs_fs_boot_id(boot);
    dcs_json_add_text(object, "boot", boot);
}

static bool is_of_this_boot(const struct dcs_json *object, const struct dcs_env *env,
                            int64_t stamp_ms)
{
    char boot[DCS_BOOT_ID];
    const char *marked = dcs_json_text(object, "boot");

    dcs_fs_boot_id(boot);
    return marked && strcmp(marked, boot) == 0 && stamp_ms <= dcs_env_boot_ms(env);
}

/* ---- memo.json ---- */

#define MEMO(name, kind) DCS_FIELD(struct dcs_memo, #name, kind, name)

static const struct dcs_field memo_fields[] = {
    MEMO(read_at, I64),
    MEMO(attempt_at, I64),
    MEMO(next_try, I64),
    MEMO(failures, I64),
    MEMO(failing_since, I64),
    MEMO(attempt_boot_ms, I64),
    MEMO(elsewhere_certificate, I64),
    MEMO(elsewhere_not_after, I64),
    MEMO(rejected_certificate, I64),
    MEMO(elsewhere_serial, TEXT),
    MEMO(rejected_reason, TEXT),
    MEMO(revoked_serials, TEXT),
    MEMO(to_be_revoked, TEXT),
    MEMO(lists_at, I64),
    MEMO(validation_at, I64),
    MEMO(dcv_until, I64),
    MEMO(organization_until, I64),
    MEMO(dcv_name, TEXT),
    MEMO(account_ct, TRI),
};
static const struct dcs_record memo_record = { "memo.json", memo_fields, DCS_COUNT(memo_fields) };

static void failure_from_json(const struct dcs_json *object, struct dcs_err *ret_failure)
{
    int64_t status = 0;

    *ret_failure = (struct dcs_err){ 0 };
    if (!dcs_json_is_object(object))
        return;
    ret_failure->code = dcs_code_from_name(dcs_json_text(object, "code"));
    if (dcs_json_i64(object, "http_status", &status) && status > 0 && status < 1000)
        ret_failure->http_status = (int)status;
    dcs_clean_text(dcs_json_text(object, "service_code"), ret_failure->service_code,
                   sizeof(ret_failure->service_code));
    dcs_clean_text(dcs_json_text(object, "text"), ret_failure->text, sizeof(ret_failure->text));
    dcs_clean_text(dcs_json_text(object, "hint"), ret_failure->hint, sizeof(ret_failure->hint));
}

static void failure_to_json(const struct dcs_err *failure, struct dcs_json *parent,
                            const char *name)
{
    if (failure->code == DCS_E_NONE)
        return;
    struct dcs_json *object = dcs_json_add_object(parent, name);
    dcs_json_add_text(object, "code", dcs_code_name(failure->code));
    if (failure->http_status)
        dcs_json_add_i64(object, "http_status", failure->http_status);
    if (failure->service_code[0])
        dcs_json_add_text(object, "service_code", failure->service_code);
    dcs_json_add_text(object, "text", failure->text);
    if (failure->hint[0])
        dcs_json_add_text(object, "hint", failure->hint);
}

void dcs_cache_read_memo(const struct dcs_cache *cache, int64_t order, struct dcs_memo *ret_memo)
{
    dcs_auto(dcs_json) struct dcs_json *root = NULL;
    char path[64];

    *ret_memo = (struct dcs_memo){ 0 };
    record_path(order, "memo.json", path);
    if (!read_json(cache, path, &root, NULL))
        return;
    dcs_record_read_loosely(&memo_record, root, ret_memo);
    failure_from_json(dcs_json_get(root, "failure"), &ret_memo->failure);
    if (!is_of_this_boot(root, cache->env, ret_memo->attempt_boot_ms))
        ret_memo->attempt_boot_ms = 0;
}

bool dcs_cache_write_memo(const struct dcs_cache *cache, int64_t order, const struct dcs_memo *memo,
                          struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *root = dcs_json_new_object();
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = RECORD_MAX };
    char path[64];

    if (!dcs_record_write(&memo_record, memo, root, err))
        return false;
    failure_to_json(&memo->failure, root, "failure");
    mark_boot(root);
    record_path(order, "memo.json", path);
    return dcs_json_print(root, true, &text, err) &&
           dcs_fs_write_hint(cache->fd, path, dcs_buf_text(&text), text.len, 0644, cache->owner,
                             err);
}

bool dcs_revoked_has(const char *serials, const char *serial)
{
    size_t len = strlen(serial);

    for (const char *at = serials; at && len > 0 && *at; at += strspn(at, " ")) {
        size_t word = strcspn(at, " ");
        if (word == len && memcmp(at, serial, len) == 0)
            return true;
        at += word;
    }
    return false;
}

void dcs_revoked_note(char serials[DCS_REVOKED_TEXT], const char *serial, bool revoked)
{
    char was[DCS_REVOKED_TEXT];
    size_t used = 0;

    memcpy(was, serials, sizeof(was));
    serials[0] = '\0';
    if (revoked)
        used = (size_t)snprintf(serials, DCS_REVOKED_TEXT, "%s", serial);
    for (const char *at = was; *at; at += strspn(at, " ")) {
        size_t word = strcspn(at, " ");
        bool same = word == strlen(serial) && memcmp(at, serial, word) == 0;
        if (!same && used + word + 2 <= DCS_REVOKED_TEXT)
            used += (size_t)snprintf(serials + used, DCS_REVOKED_TEXT - used, "%s%.*s",
                                     used ? " " : "", (int)word, at);
        at += word;
    }
}

/* ---- cold/NN ---- */

/* The records of this boot. */
static bool cold_read(const struct dcs_cache *cache, const struct dcs_lock *lock,
                      struct dcs_json **ret_root)
{
    dcs_auto(dcs_json) struct dcs_json *root = NULL;
    char text[COLD_MAX];
    size_t len = 0;

    if (!dcs_fs_read_locked(lock, text, sizeof(text), &len, NULL) || len == 0 ||
        !dcs_json_parse(text, len, &root, NULL) || !is_of_this_boot(root, cache->env, 0))
        return false;
    *ret_root = dcs_steal(&root);
    return true;
}

static bool cold_hash(const char *canonical, char out[33])
{
    uint8_t hash[DCS_SHA256_LEN];

    if (!dcs_sha256(canonical, strlen(canonical), hash, NULL))
        return false;
    dcs_hex(hash, 16, out);
    return true;
}

bool dcs_cache_cold_find(const struct dcs_cache *cache, const struct dcs_lock *lock,
                         const char *canonical, int64_t began_boot_ms, struct dcs_cold *ret_cold)
{
    dcs_auto(dcs_json) struct dcs_json *root = NULL;
    char hash[33];

    if (!cold_hash(canonical, hash) || !cold_read(cache, lock, &root))
        return false;
    const struct dcs_json *records = dcs_json_get(root, "records");
    for (const struct dcs_json *r = dcs_json_first(records); r; r = dcs_json_next(r)) {
        struct dcs_cold cold = { 0 };
        const char *uri = dcs_json_text(r, "uri");
        if (!uri || strcmp(uri, hash) != 0 || !dcs_json_i64(r, "boot_ms", &cold.boot_ms) ||
            cold.boot_ms < began_boot_ms || cold.boot_ms > dcs_env_boot_ms(cache->env))
            continue;
        if (!dcs_json_i64(r, "when", &cold.when))
            continue;
        failure_from_json(dcs_json_get(r, "failure"), &cold.failure);
        if (!dcs_json_i64(r, "order", &cold.order) && cold.failure.code == DCS_E_NONE)
            continue;
        *ret_cold = cold;
        return true;
    }
    return false;
}

static void cold_put(struct dcs_json *records, const char *hash, const struct dcs_cold *cold)
{
    struct dcs_json *record = dcs_json_add_object(records, NULL);

    dcs_json_add_text(record, "uri", hash);
    dcs_json_add_i64(record, "when", cold->when);
    dcs_json_add_i64(record, "boot_ms", cold->boot_ms);
    if (cold->order)
        dcs_json_add_i64(record, "order", cold->order);
    failure_to_json(&cold->failure, record, "failure");
}

/* The newest comes first; others are kept while the whole fits. */
void dcs_cache_cold_store(const struct dcs_cache *cache, const struct dcs_lock *lock,
                          const char *canonical, const struct dcs_cold *cold)
{
    dcs_auto(dcs_json) struct dcs_json *old = NULL;
    char hash[33];

    if (!cold_hash(canonical, hash))
        return;
    (void)cold_read(cache, lock, &old);
    for (int keep = COLD_RECORDS - 1; keep >= 0; keep--) {
        dcs_auto(dcs_json) struct dcs_json *root = dcs_json_new_object();
        dcs_auto(dcs_buf) struct dcs_buf text = { .max = COLD_MAX };
        mark_boot(root);
        struct dcs_json *records = dcs_json_add_array(root, "records");
        int kept = 0;

        cold_put(records, hash, cold);
        const struct dcs_json *r = dcs_json_first(dcs_json_get(old, "records"));
        for (; r && kept < keep; r = dcs_json_next(r)) {
            struct dcs_cold other = { 0 };
            const char *uri = dcs_json_text(r, "uri");
            if (!uri || strlen(uri) != 32 || strcmp(uri, hash) == 0)
                continue;
            (void)dcs_json_i64(r, "when", &other.when);
            (void)dcs_json_i64(r, "boot_ms", &other.boot_ms);
            (void)dcs_json_i64(r, "order", &other.order);
            failure_from_json(dcs_json_get(r, "failure"), &other.failure);
            cold_put(records, uri, &other);
            kept++;
        }
        if (!dcs_json_print(root, false, &text, NULL) || text.failed)
            continue;
        if (!dcs_fs_write_locked(lock, dcs_buf_text(&text), text.len, NULL))
            dcs_trace(cache->env, "cannot write %s/cold", cache->path);
        return;
    }
}

/* ---- salt ---- */

void dcs_cache_salt(const struct dcs_cache *cache, uint8_t out[32])
{
    dcs_auto(dcs_buf) struct dcs_buf salt = { .max = 64 };
    uint8_t fresh[32];

    memset(out, 0, 32);
    if (cache->fd < 0)
        return;
    if (dcs_fs_read(cache->fd, "salt", 64, &salt, NULL, NULL) && salt.len == 32) {
        memcpy(out, salt.data, 32);
        return;
    }
    if (cache->role != DCS_ROLE_KEEPER || !dcs_env_random(cache->env, fresh, sizeof(fresh), NULL) ||
        !dcs_fs_write(cache->fd, "salt", fresh, sizeof(fresh), 0600, cache->owner, NULL))
        return;
    memcpy(out, fresh, 32);
}
