// SPDX-License-Identifier: Apache-2.0
/* cache_validation.c - keeps what the CA said of validations: hints, whose loss costs a request. */
#include "flow/cache_validation.h"

#include <stdio.h>
#include <string.h>

enum { RECORD_MAX = 8 << 20 };

void dcs_cache_read_validation(const struct dcs_cache *cache, struct dcs_validation *ret_validation)
{
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = RECORD_MAX };
    dcs_auto(dcs_json) struct dcs_json *root = NULL;

    *ret_validation = (struct dcs_validation){ 0 };
    if (cache->fd < 0 ||
        !dcs_fs_read(cache->fd, "validation.json", RECORD_MAX, &text, NULL, NULL) ||
        !dcs_json_parse(dcs_buf_text(&text), text.len, &root, NULL) ||
        !dcs_validation_from_json(root, ret_validation, NULL))
        *ret_validation = (struct dcs_validation){ 0 };
}

bool dcs_cache_write_validation(const struct dcs_cache *cache,
                                const struct dcs_validation *validation, struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *root = NULL;
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = RECORD_MAX };

    return dcs_validation_to_json(validation, &root, err) &&
           dcs_json_print(root, false, &text, err) &&
           dcs_fs_write_hint(cache->fd, "validation.json", dcs_buf_text(&text), text.len, 0600,
                             cache->owner, err);
}

/* In the memo 0 is "not known": its numbers are not negative. */
static int64_t known(int64_t end)
{
    return end > 0 ? end : -1;
}

void dcs_validation_of_memo(const struct dcs_memo *memo, struct dcs_validation_ends *ret_ends)
{
    *ret_ends = (struct dcs_validation_ends){ .read_at = memo->validation_at,
                                              .dcv_until = known(memo->dcv_until),
                                              .organization_until = known(memo->organization_until),
                                              .account_ct = memo->account_ct };
    snprintf(ret_ends->dcv_name, sizeof(ret_ends->dcv_name), "%s", memo->dcv_name);
}

bool dcs_validation_to_memo(const struct dcs_validation_ends *ends, struct dcs_memo *memo)
{
    int64_t dcv = ends->dcv_until > 0 ? ends->dcv_until : 0;
    int64_t organization = ends->organization_until > 0 ? ends->organization_until : 0;

    if (memo->validation_at == ends->read_at && memo->dcv_until == dcv &&
        memo->organization_until == organization && memo->account_ct == ends->account_ct &&
        strcmp(memo->dcv_name, ends->dcv_name) == 0)
        return false;
    memo->validation_at = ends->read_at;
    memo->dcv_until = dcv;
    memo->organization_until = organization;
    memo->account_ct = ends->account_ct;
    snprintf(memo->dcv_name, sizeof(memo->dcv_name), "%s", ends->dcv_name);
    return true;
}
