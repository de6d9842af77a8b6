/* SPDX-License-Identifier: Apache-2.0 */
/* api_check.h - is the body of a reissue, duplicate or new order what the service accepts? */
#ifndef SANDBOX_API_CHECK_H
#define SANDBOX_API_CHECK_H

#include "reply.h"

/* The body as an object; NULL after 400 bad_request_format. */
cJSON *sb_body(const struct sb_request *request, struct sb_reply *reply);
/* 400 "invalid_value:FIELD" and "missing_value:FIELD"; both return false. */
bool sb_refuse_value(struct sb_reply *reply, const char *field);
bool sb_refuse_missing(struct sb_reply *reply, const char *field);

struct sb_check {
    const struct sb_request *request;
    const struct sb_product *product;
    const struct sb_order *order; /* NULL: a new one */
    int64_t order_from, order_end;
};
/* Looks at "certificate" and what concerns it; false after an answer. */
bool sb_check_certificate(const struct sb_check *check, const cJSON *body, struct sb_reply *reply);

#endif
