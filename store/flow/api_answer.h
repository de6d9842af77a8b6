/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_answer.h - what an HTTP answer means: pure, so that recorded answers test it. A status is
 * believed only with a JSON `errors` body (design.md section 9).
 */
#ifndef DCS_FLOW_API_ANSWER_H
#define DCS_FLOW_API_ANSWER_H

#include "io/http.h"
#include "io/json.h"

enum dcs_api_place {
    DCS_API_ORDER = 0, /* an order URL: not_found means "no such order" */
    DCS_API_DOWNLOAD,  /* a certificate: not_found means "not yet" */
    DCS_API_OTHER,
};

/* True for 2xx. Otherwise NOT_FOUND, PENDING, DENIED, REFUSED, LIMIT, or AWAY for whatever cannot
 * be believed; http_status and service_code are set. */
bool dcs_api_judge(const struct dcs_http_answer *answer, enum dcs_api_place place,
                   struct dcs_err *err) DCS_CHECKED;

/* Where a page of a listing ends. Rows are what came, readable or not: the next offset is behind
 * them. A total below what was seen, or none, is no total: then a full page is followed by another. */
struct dcs_page_end {
    size_t rows;
    int64_t total; /* never less than what was seen */
    bool is_last;
};
struct dcs_page_end dcs_api_page_end(const struct dcs_json *root, int64_t offset, int limit);
/* The same of a list that is not of orders: of its rows, NULL when there are none. */
struct dcs_page_end dcs_api_page_end_of(const struct dcs_json *root, const struct dcs_json *rows,
                                        int64_t offset, int limit);

#endif
