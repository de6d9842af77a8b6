/* SPDX-License-Identifier: Apache-2.0 */
/* api_request.h - one request of the Services API, for the files of flow/api alone. */
#ifndef DCS_FLOW_API_REQUEST_H
#define DCS_FLOW_API_REQUEST_H

#include "flow/api.h"
#include "flow/api_answer.h"
#include "io/http.h"

struct dcs_api {
    struct dcs_api_options options;
    struct dcs_http *http;
    struct dcs_secret key; /* only while a request is under way */
    bool date_offset_known;
    int64_t date_offset_s;
    int requests_made;
    int64_t waited_ms; /* of the patience */
    int64_t sent_ms;   /* the last request, by the monotonic clock */
};

struct dcs_api_request {
    const char *method;
    const char *path; /* behind api_url, with the query, encoded */
    const char *body; /* JSON, NULL none */
    size_t max_bytes;
    enum dcs_api_place place;
    /* Whether a 2xx answer is what was asked for; false: AWAY, the service talks nonsense. */
    bool (*check)(const struct dcs_http_answer *answer, struct dcs_err *err);
};

bool dcs_api_send(struct dcs_api *api, const struct dcs_api_request *request,
                  struct dcs_http_answer *ret_answer, struct dcs_err *err) DCS_CHECKED;
/* A check: the answer is a JSON object. */
bool dcs_api_is_object(const struct dcs_http_answer *answer, struct dcs_err *err) DCS_CHECKED;
/* GET that gives a JSON object. */
bool dcs_api_get(struct dcs_api *api, const char *path, size_t max, enum dcs_api_place place,
                 struct dcs_json **ret_root, struct dcs_err *err) DCS_CHECKED;

#endif
