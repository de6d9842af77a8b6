// SPDX-License-Identifier: Apache-2.0
/* api_issued.c - reads the lists of reissues and duplicates, entry by entry; GETs only. */
#include "flow/api_issued.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "flow/api_request.h"
#include "io/pkey.h"

enum { LIST_MAX = 8 << 20, DAY_S = 86400, WORD = 32 };

/* Letters alone, lower case: the API writes words with underscores, its pages with blanks. */
static void letters(const char *text, char out[WORD])
{
    size_t len = 0;

    for (; text && *text && len < WORD - 1; text++)
        if (isalpha((unsigned char)*text))
            out[len++] = (char)tolower((unsigned char)*text);
    out[len] = '\0';
}

static void read_status(const char *text, struct dcs_api_entry *entry)
{
    char word[WORD];

    letters(text, word);
    entry->is_revoked = strcmp(word, "revoked") == 0;
    entry->is_to_be_revoked =
        strcmp(word, "revocationpending") == 0 || strcmp(word, "pendingrevocation") == 0;
    entry->is_issued = strcmp(word, "issued") == 0 || strcmp(word, "approved") == 0;
}

void dcs_api_entry_read(const struct dcs_json *row, struct dcs_api_entry *ret_entry)
{
    struct dcs_api_entry *entry = ret_entry;
    const char *csr = dcs_json_text(row, "csr");
    const char *till = dcs_json_text(row, "valid_till");

    *entry = (struct dcs_api_entry){ .valid_till = -1 };
    if (!dcs_json_i64(row, "id", &entry->certificate_id) || entry->certificate_id < 0)
        entry->certificate_id = 0;
    dcs_order_read_serial(row, "serial_number", entry->serial);
    read_status(dcs_json_text(row, "status"), entry);
    if (till && dcs_time_parse(till, &entry->valid_till))
        entry->valid_till = dcs_time_midnight(entry->valid_till) + DAY_S - 1;
    entry->has_spki = csr && dcs_csr_spki_sha256(csr, entry->spki_sha256, NULL);
}

bool dcs_api_each_issued(struct dcs_api *api, int64_t order, bool duplicates,
                         dcs_api_entry_cb *each, void *context, struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *root = NULL;
    struct dcs_err why = { 0 };
    char path[128];

    snprintf(path, sizeof(path), "/order/certificate/%lld/%s", (long long)order,
             duplicates ? "duplicate?show_archived=true" : "reissue");
    if (!dcs_api_get(api, path, LIST_MAX, DCS_API_ORDER, &root, &why)) {
        if (why.code == DCS_E_NOT_FOUND)
            return true;
        *err = why;
        return false;
    }
    const struct dcs_json *rows = dcs_json_get(root, "certificates"); /* omitted when empty */
    for (const struct dcs_json *r = dcs_json_is_array(rows) ? dcs_json_first(rows) : NULL; r;
         r = dcs_json_next(r)) {
        struct dcs_api_entry entry;
        dcs_api_entry_read(r, &entry);
        each(context, &entry);
    }
    return true;
}
