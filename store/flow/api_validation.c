// SPDX-License-Identifier: Apache-2.0
/* api_validation.c - asks until when domains and organizations are validated; GETs only. */
#include "flow/api_validation.h"

#include <stdio.h>

#include "base/trace.h"
#include "flow/api_request.h"

enum { ACCOUNT_MAX = 1 << 20, PAGE_MAX = 8 << 20, LIMIT = 1000, PAGES_MAX = 20 };

typedef bool add_rows(struct dcs_validation *validation, const struct dcs_json *rows,
                      struct dcs_err *err);

/* A key may be restricted to orders, or the account may lack a call. */
static bool is_kept_from_us(const struct dcs_err *why)
{
    return why->code == DCS_E_DENIED || why->code == DCS_E_NOT_FOUND || why->code == DCS_E_REFUSED;
}

static bool go_without(struct dcs_api *api, const char *what, const struct dcs_err *why,
                       struct dcs_err *err)
{
    if (!is_kept_from_us(why)) {
        *err = *why;
        return dcs_fail_while(err, "reading %s", what);
    }
    dcs_trace(api->options.env, "%s cannot be read, nothing is known of them: %s", what, why->text);
    return true;
}

static bool read_account(struct dcs_api *api, struct dcs_validation *v, struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *root = NULL;
    struct dcs_err why = { 0 };

    if (!dcs_api_get(api, "/account", ACCOUNT_MAX, DCS_API_OTHER, &root, &why))
        return go_without(api, "the account's settings", &why, err);
    v->account_ct = dcs_validation_account_ct(root);
    return true;
}

static bool read_pages(struct dcs_api *api, struct dcs_validation *v, const char *name,
                       const char *path, add_rows *add, struct dcs_err *err)
{
    int64_t offset = 0;

    for (int i = 0; i < PAGES_MAX; i++) {
        dcs_auto(dcs_json) struct dcs_json *root = NULL;
        struct dcs_err why = { 0 };
        char page[160];

        snprintf(page, sizeof(page), "%s&limit=%d&offset=%lld", path, LIMIT, (long long)offset);
        if (!dcs_api_get(api, page, PAGE_MAX, DCS_API_OTHER, &root, &why))
            return go_without(api, name, &why, err);
        const struct dcs_json *rows = dcs_json_get(root, name);
        struct dcs_page_end end = dcs_api_page_end_of(root, rows, offset, LIMIT);
        if (!add(v, rows, err))
            return false;
        offset += (int64_t)end.rows;
        if (end.is_last)
            break;
    }
    return true;
}

bool dcs_api_validation(struct dcs_api *api, struct dcs_validation *ret_validation,
                        struct dcs_err *err)
{
    dcs_auto(dcs_validation) struct dcs_validation v = { 0 };

    /* Without the parameter its dates are days of Mountain Time. */
    if (!read_account(api, &v, err) ||
        !read_pages(api, &v, "domains", "/domain?include_dcv_expiration_time=true",
                    dcs_validation_add_domains, err) ||
        !read_pages(api, &v, "organizations", "/organization?include_validation=true",
                    dcs_validation_add_organizations, err))
        return false;
    *ret_validation = v;
    v = (struct dcs_validation){ 0 };
    return true;
}
