// SPDX-License-Identifier: Apache-2.0
/* log.c - keeps the log as JSON; of a body what tells intents apart: tag, public key, names. */
#include "log.h"

#include <string.h>

#include "json.h"
#include "key.h"

enum { LOG_MAX = 200000 };

struct sb_log {
    cJSON *rows;
    int count;
};

struct sb_log *sb_log_new(void)
{
    struct sb_log *log = sb_alloc(sizeof(*log));

    log->rows = cJSON_CreateArray();
    return log;
}

void sb_log_free(struct sb_log *log)
{
    cJSON_Delete(log->rows);
    sb_free(log);
}

static void add_key(cJSON *row, const char *csr)
{
    char spki[SB_SPKI_TEXT];
    EVP_PKEY *key = csr ? sb_csr_key(csr) : NULL;

    if (key && sb_key_spki(key, spki))
        sb_set_text(row, "csr_spki_sha256", spki);
    EVP_PKEY_free(key);
}

static void add_body(cJSON *row, const char *text)
{
    static const char *const shown[] = { "comments",   "skip_approval", "status",
                                         "disable_ct", "note",          "alternative_order_id" };
    static const char *const named[] = { "common_name", "dns_names", "profile_option",
                                         "cert_validity" };
    cJSON *body = cJSON_Parse(text);
    const cJSON *certificate = sb_item(body, "certificate");

    if (body && !cJSON_IsObject(body))
        sb_set_text(row, "body", "not an object");
    for (size_t i = 0; cJSON_IsObject(body) && i < SB_COUNT(shown); i++)
        /* The answer's status has that name already. */
        if (sb_item(body, shown[i]))
            sb_set_item(row, strcmp(shown[i], "status") == 0 ? "status_wanted" : shown[i],
                        cJSON_Duplicate(sb_item(body, shown[i]), 1));
    for (size_t i = 0; i < SB_COUNT(named); i++)
        sb_copy_item(row, certificate, named[i]);
    add_key(row, sb_text_of(certificate, "csr", NULL));
    cJSON_Delete(body);
}

void sb_log_add(struct sb_log *log, const struct sb_log_row *from)
{
    cJSON *row = cJSON_CreateObject();

    if (log->count >= LOG_MAX)
        sb_log_clear(log);
    cJSON_AddStringToObject(row, "method", from->method);
    cJSON_AddStringToObject(row, "path", from->path);
    cJSON_AddNumberToObject(row, "status", from->status);
    cJSON_AddNumberToObject(row, "time_ms", (double)from->when_ms);
    cJSON_AddNumberToObject(row, "connection", (double)from->connection);
    if (from->body && *from->body)
        add_body(row, from->body);
    cJSON_AddItemToArray(log->rows, row);
    log->count++;
}

cJSON *sb_log_list(const struct sb_log *log, const char *method)
{
    cJSON *list = NULL;

    if (!method)
        return cJSON_Duplicate(log->rows, 1);
    list = cJSON_CreateArray();
    for (const cJSON *row = log->rows->child; row; row = row->next)
        if (strcmp(sb_text_of(row, "method", ""), method) == 0)
            cJSON_AddItemToArray(list, cJSON_Duplicate(row, 1));
    return list;
}

void sb_log_clear(struct sb_log *log)
{
    cJSON_Delete(log->rows);
    log->rows = cJSON_CreateArray();
    log->count = 0;
}
