// SPDX-License-Identifier: Apache-2.0
/* api_calls.c - the calls of the Services API that we use, each a request and what it gives. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/trace.h"
#include "flow/api_request.h"

enum {
    ANSWER_MAX = 1 << 20,
    PAGE_MAX = 8 << 20,
    CRL_MAX = 16 << 20,
    PAGE_LIMIT = 1000,
    PAGE_LIMIT_SMALL = 250,
    ROWS_MAX = 10 * PAGE_LIMIT, /* of one page: a service may ignore our limit, within bounds */
    REF_PAGES_MAX = 50,
};

/* ---- what 2xx answers must look like ---- */

static bool is_pem(const struct dcs_http_answer *answer, struct dcs_err *err)
{
    const char *text = dcs_buf_text(&answer->body);
    char start[80];
    char clean[80];

    if (strstr(text, "-----BEGIN "))
        return true;
    snprintf(start, sizeof(start), "%.60s", text);
    dcs_clean_text(start, clean, sizeof(clean));
    return dcs_fail(err, DCS_E_AWAY, "a certificate was asked for, the service sent \"%s\"", clean);
}

/* ---- orders ---- */

bool dcs_api_order(struct dcs_api *api, const char *id, struct dcs_order **ret_order,
                   struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *root = NULL;
    char path[160];

    snprintf(path, sizeof(path), "/order/certificate/%s", id);
    return dcs_api_get(api, path, ANSWER_MAX, DCS_API_ORDER, &root, err) &&
           dcs_order_from_json(root, ret_order, err);
}

static bool download(struct dcs_api *api, const char *path, struct dcs_buf *ret_pem,
                     struct dcs_err *err)
{
    dcs_auto(dcs_http_answer) struct dcs_http_answer answer = { 0 };
    const struct dcs_api_request request = { .method = "GET",
                                             .path = path,
                                             .max_bytes = ANSWER_MAX,
                                             .place = DCS_API_DOWNLOAD,
                                             .check = is_pem };

    if (!dcs_api_send(api, &request, &answer, err))
        return false;
    dcs_buf_add(ret_pem, answer.body.data, answer.body.len);
    return dcs_buf_ok(ret_pem, "a download", err);
}

bool dcs_api_download(struct dcs_api *api, int64_t certificate_id, struct dcs_buf *ret_pem,
                      struct dcs_err *err)
{
    char path[96];

    snprintf(path, sizeof(path), "/certificate/%lld/download/format/pem_all",
             (long long)certificate_id);
    return download(api, path, ret_pem, err);
}

bool dcs_api_download_active(struct dcs_api *api, int64_t order, struct dcs_buf *ret_pem,
                             struct dcs_err *err)
{
    char path[96];

    snprintf(path, sizeof(path), "/certificate/download/order/%lld/format/pem_all",
             (long long)order);
    return download(api, path, ret_pem, err);
}

/* ---- lists of references ---- */

void dcs_order_refs_drop(struct dcs_order_refs *refs)
{
    free(refs->refs);
    *refs = (struct dcs_order_refs){ 0 };
}

static bool add_refs(const struct dcs_json *rows, struct dcs_order_refs *refs, struct dcs_err *err)
{
    size_t count = dcs_json_is_array(rows) ? dcs_json_count(rows) : 0;
    struct dcs_order_ref *bigger = realloc(refs->refs, (refs->count + count + 1) * sizeof(*bigger));

    if (!bigger)
        return dcs_fail(err, DCS_E_NOMEM, "out of memory");
    refs->refs = bigger;
    for (const struct dcs_json *r = count ? dcs_json_first(rows) : NULL; r; r = dcs_json_next(r)) {
        struct dcs_order_ref *ref = &refs->refs[refs->count];
        *ref = (struct dcs_order_ref){ 0 };
        if (!dcs_json_i64(r, "order_id", &ref->order_id) || ref->order_id <= 0)
            continue;
        if (!dcs_json_i64(r, "certificate_id", &ref->certificate_id) || ref->certificate_id < 0)
            ref->certificate_id = 0;
        dcs_clean_text(dcs_json_text(r, "status"), ref->status, sizeof(ref->status));
        refs->count++;
    }
    return true;
}

bool dcs_api_alternate(struct dcs_api *api, const char *reference, struct dcs_order_refs *ret_refs,
                       struct dcs_err *err)
{
    dcs_auto(dcs_order_refs) struct dcs_order_refs refs = { 0 };
    dcs_auto(dcs_buf) struct dcs_buf base = { .max = 4096 };
    int64_t offset = 0;

    dcs_buf_adds(&base, "/order/alternate/");
    if (!dcs_http_escape(reference, &base, err))
        return false;
    for (int i = 0; i < REF_PAGES_MAX; i++) {
        dcs_auto(dcs_json) struct dcs_json *root = NULL;
        dcs_auto(dcs_buf) struct dcs_buf path = { .max = 4096 };
        struct dcs_err why = { 0 };

        dcs_buf_addf(&path, "%s?limit=%d&offset=%lld", dcs_buf_text(&base), PAGE_LIMIT,
                     (long long)offset);
        if (!dcs_api_get(api, dcs_buf_text(&path), ANSWER_MAX, DCS_API_ORDER, &root, &why)) {
            if (why.code == DCS_E_NOT_FOUND)
                break; /* no order has this reference */
            *err = why;
            return false;
        }
        if (!add_refs(dcs_json_get(root, "orders"), &refs, err))
            return false;
        struct dcs_page_end end = dcs_api_page_end(root, offset, PAGE_LIMIT);
        offset += (int64_t)end.rows;
        if (end.is_last)
            break;
    }
    *ret_refs = refs;
    refs = (struct dcs_order_refs){ 0 };
    return true;
}

bool dcs_api_status_changes(struct dcs_api *api, int64_t seconds, struct dcs_order_refs *ret_refs,
                            struct dcs_err *err)
{
    dcs_auto(dcs_order_refs) struct dcs_order_refs refs = { 0 };
    dcs_auto(dcs_json) struct dcs_json *root = NULL;
    char path[96];

    if (seconds < 1 || seconds > 604800)
        return dcs_fail(err, DCS_E_BUG, "status changes of %lld s were asked for",
                        (long long)seconds);
    snprintf(path, sizeof(path), "/order/certificate/status-changes?seconds=%lld",
             (long long)seconds);
    if (!dcs_api_get(api, path, PAGE_MAX, DCS_API_OTHER, &root, err) ||
        !add_refs(dcs_json_get(root, "orders"), &refs, err))
        return false;
    *ret_refs = refs;
    refs = (struct dcs_order_refs){ 0 };
    return true;
}

/* ---- pages of orders ---- */

void dcs_order_page_drop(struct dcs_order_page *page)
{
    for (size_t i = 0; i < page->count; i++)
        dcs_order_free(page->orders[i]);
    free(page->orders);
    *page = (struct dcs_order_page){ 0 };
}

static bool read_page(const struct dcs_json *root, int64_t offset, int limit,
                      struct dcs_order_page *ret_page, struct dcs_err *err)
{
    struct dcs_page_end end = dcs_api_page_end(root, offset, limit);
    dcs_auto(dcs_order_page) struct dcs_order_page page = {
        .offset = offset, .rows = end.rows, .total = end.total, .is_last = end.is_last
    };
    const struct dcs_json *first = end.rows ? dcs_json_first(dcs_json_get(root, "orders")) : NULL;

    if (end.rows > ROWS_MAX)
        return dcs_fail(err, DCS_E_AWAY, "the service sent %zu orders, %d were asked for", end.rows,
                        limit);
    page.orders = dcs_alloc(end.rows, sizeof(struct dcs_order *), err);
    if (!page.orders)
        return false;
    for (const struct dcs_json *r = first; r; r = dcs_json_next(r)) {
        struct dcs_err why = { 0 };
        if (dcs_order_from_json(r, &page.orders[page.count], &why))
            page.count++;
        else if (why.code == DCS_E_NOMEM)
            return dcs_fail(err, why.code, "%s", why.text);
    }
    *ret_page = page;
    page = (struct dcs_order_page){ 0 };
    return true;
}

static bool get_page(struct dcs_api *api, const char *filters, int64_t offset, int limit,
                     struct dcs_order_page *ret_page, struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *root = NULL;
    dcs_auto(dcs_buf) struct dcs_buf path = { .max = 8192 };

    dcs_buf_addf(&path, "/order/certificate?limit=%d&offset=%lld%s%s", limit, (long long)offset,
                 *filters ? "&" : "", filters);
    if (!dcs_buf_ok(&path, "a URL", err) ||
        !dcs_api_get(api, dcs_buf_text(&path), PAGE_MAX, DCS_API_OTHER, &root, err))
        return false;
    return read_page(root, offset, limit, ret_page, err);
}

bool dcs_api_page(struct dcs_api *api, const char *filters, int64_t offset,
                  struct dcs_order_page *ret_page, struct dcs_err *err)
{
    struct dcs_err why = { 0 };

    if (get_page(api, filters, offset, PAGE_LIMIT, ret_page, &why))
        return true;
    if (why.code == DCS_E_AWAY && strstr(why.text, "larger than"))
        return get_page(api, filters, offset, PAGE_LIMIT_SMALL, ret_page, err);
    *err = why;
    return false;
}

/* ---- who we are ---- */

bool dcs_api_self(struct dcs_api *api, struct dcs_api_self *ret_self, struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *root = NULL;
    struct dcs_api_self self = { 0 };
    int64_t account = 0;
    size_t at = 0;

    if (!dcs_api_get(api, "/user/me", ANSWER_MAX, DCS_API_OTHER, &root, err))
        return false;
    dcs_clean_text(dcs_json_text(root, "username"), self.username, sizeof(self.username));
    if (dcs_json_i64(root, "account_id", &account))
        snprintf(self.account, sizeof(self.account), "%lld", (long long)account);
    const struct dcs_json *roles = dcs_json_get(root, "access_roles");
    for (const struct dcs_json *r = dcs_json_first(roles); r; r = dcs_json_next(r)) {
        char name[64];
        int64_t id = 0;
        dcs_clean_text(dcs_json_text(r, "name"), name, sizeof(name));
        if (name[0] && at < sizeof(self.roles) - 1)
            at += (size_t)snprintf(self.roles + at, sizeof(self.roles) - at, "%s%s", at ? ", " : "",
                                   name);
        self.is_admin |= dcs_json_i64(r, "id", &id) && id == 1;
    }
    *ret_self = self;
    return true;
}

/* ---- CRLs ---- */

bool dcs_api_crl(struct dcs_api *api, const char *url, struct dcs_buf *ret_data,
                 struct dcs_err *err)
{
    dcs_auto(dcs_http_answer) struct dcs_http_answer answer = { 0 };
    const struct dcs_http_request request = { .method = "GET",
                                              .url = url,
                                              .plain_ok = true,
                                              .max_bytes = CRL_MAX,
                                              .timeout_ms = dcs_deadline_left_ms(
                                                  api->options.env, api->options.deadline) };

    if (!dcs_http_send(api->http, &request, &answer, err))
        return false;
    dcs_trace(api->options.env, "GET %s: HTTP %d", url, answer.status);
    if (answer.status != 200)
        return dcs_fail(err, DCS_E_AWAY, "HTTP %d", answer.status);
    if (ret_data->max == 0)
        ret_data->max = CRL_MAX;
    dcs_buf_add(ret_data, answer.body.data, answer.body.len);
    return dcs_buf_ok(ret_data, "a CRL", err);
}
