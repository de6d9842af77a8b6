// SPDX-License-Identifier: Apache-2.0
/* fuzz_request.c - any JSON as request.json and closed.json: strict, and the same after being written. */
#include <stdlib.h>
#include <string.h>

#include "model/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_request(const struct dcs_json *root)
{
    dcs_auto(dcs_request) struct dcs_request *request = NULL;
    dcs_auto(dcs_request) struct dcs_request *again = NULL;
    dcs_auto(dcs_json) struct dcs_json *written = NULL;

    if (!dcs_request_from_json(root, &request, NULL))
        return;
    if (!dcs_request_to_json(request, &written, NULL) ||
        !dcs_request_from_json(written, &again, NULL) || again->name_count != request->name_count ||
        again->posts != request->posts || strcmp(again->tag, request->tag) != 0 ||
        memcmp(again->spki_sha256, request->spki_sha256, DCS_SHA256_LEN) != 0)
        abort();
}

static void try_closed(const struct dcs_json *root)
{
    dcs_auto(dcs_json) struct dcs_json *written = NULL;
    struct dcs_closed closed;
    struct dcs_closed again;

    if (!dcs_closed_from_json(root, &closed, NULL))
        return;
    if (!dcs_closed_to_json(&closed, &written, NULL) ||
        !dcs_closed_from_json(written, &again, NULL) || again.closed_at != closed.closed_at ||
        strcmp(again.reason, closed.reason) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dcs_auto(dcs_json) struct dcs_json *root = NULL;

    if (!dcs_json_parse((const char *)data, size, &root, NULL))
        return 0;
    try_request(root);
    try_closed(root);
    return 0;
}
