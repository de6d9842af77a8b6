// SPDX-License-Identifier: Apache-2.0
/* request.c - request.json and closed.json, written by us and read strictly. */
#include "model/request.h"

#include <stdlib.h>
#include <string.h>

#include "model/record.h"

#define REQUEST(name, kind) DCS_FIELD(struct dcs_request, #name, kind, name)

static const struct dcs_field request_fields[] = {
    REQUEST(tag, TEXT),
    REQUEST(created_at, I64),
    REQUEST(cause, TEXT),
    REQUEST(why, TEXT),
    REQUEST(input, TEXT),
    REQUEST(is_duplicate, BOOL),
    REQUEST(spki_sha256, HEX),
    REQUEST(common_name, TEXT),
    REQUEST(end_date, TEXT),
    REQUEST(end_refused, I64),
    REQUEST(expected_end, I64),
    REQUEST(profile_option, TEXT),
    REQUEST(skip_approval, BOOL),
    REQUEST(drift_disable_ct, TRI),
    REQUEST(drift_account, TRI),
    REQUEST(drift_mode, INT),
    REQUEST(before_certificate, I64),
    REQUEST(before_request, I64),
    REQUEST(before_serial, TEXT),
    REQUEST(posts, I64),
    REQUEST(posted_at, I64),
    REQUEST(looks, I64),
    REQUEST(first_look_at, I64),
    REQUEST(last_look_at, I64),
    REQUEST(request_id, I64),
    REQUEST(certificate_id, I64),
    REQUEST(needs_approval, BOOL),
    REQUEST(dcv_token, TEXT),
    REQUEST(polls, I64),
    REQUEST(next_look_at, I64),
    REQUEST(waits_for, TEXT),
    REQUEST(rejected_certificate, I64),
    REQUEST(rejected_reason, TEXT),
};
static const struct dcs_record request_record = { "request.json", request_fields,
                                                  DCS_COUNT(request_fields) };

#define CLOSED(name, kind) DCS_FIELD(struct dcs_closed, #name, kind, name)

static const struct dcs_field closed_fields[] = {
    CLOSED(closed_at, I64),
    CLOSED(code, TEXT),
    CLOSED(reason, TEXT),
};
static const struct dcs_record closed_record = { "closed.json", closed_fields,
                                                 DCS_COUNT(closed_fields) };

static void free_names(struct dcs_request *request)
{
    for (size_t i = 0; i < request->name_count; i++)
        free(request->names[i]);
    free(request->names);
    request->names = NULL;
    request->name_count = 0;
}

void dcs_request_free(struct dcs_request *request)
{
    if (!request)
        return;
    free_names(request);
    free(request);
}

void dcs_request_drop(struct dcs_request **request)
{
    dcs_request_free(*request);
    *request = NULL;
}

int64_t dcs_request_wait_s(const struct dcs_request *request, int64_t now)
{
    if (request->next_look_at <= now || request->next_look_at - now > DCS_REQUEST_WAIT_MAX_S)
        return 0;
    return request->next_look_at - now;
}

bool dcs_request_set_names(struct dcs_request *request, char *const *names, size_t count,
                           struct dcs_err *err)
{
    free_names(request);
    request->names = dcs_alloc(count, sizeof(*request->names), err);
    if (!request->names)
        return false;
    for (; request->name_count < count; request->name_count++)
        if (!dcs_str_copy(names[request->name_count], &request->names[request->name_count], err))
            return false;
    return true;
}

bool dcs_request_from_json(const struct dcs_json *object, struct dcs_request **ret_request,
                           struct dcs_err *err)
{
    dcs_auto(dcs_request) struct dcs_request *request = dcs_alloc(1, sizeof(*request), err);

    if (!request || !dcs_record_read(&request_record, object, request, err) ||
        !dcs_record_read_names(&request_record, dcs_json_get(object, "names"), DCS_NAMES_MAX,
                               &request->names, &request->name_count, err))
        return false;
    *ret_request = dcs_steal(&request);
    return true;
}

bool dcs_request_to_json(const struct dcs_request *request, struct dcs_json **ret_object,
                         struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *object = dcs_json_new_object();

    if (!dcs_record_write(&request_record, request, object, err) ||
        !dcs_record_write_names(object, "names", request->names, request->name_count, err))
        return false;
    *ret_object = dcs_steal(&object);
    return true;
}

bool dcs_closed_from_json(const struct dcs_json *object, struct dcs_closed *ret_closed,
                          struct dcs_err *err)
{
    struct dcs_closed closed = { 0 };

    if (!dcs_record_read(&closed_record, object, &closed, err))
        return false;
    *ret_closed = closed;
    return true;
}

bool dcs_closed_to_json(const struct dcs_closed *closed, struct dcs_json **ret_object,
                        struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *object = dcs_json_new_object();

    if (!dcs_record_write(&closed_record, closed, object, err))
        return false;
    *ret_object = dcs_steal(&object);
    return true;
}
