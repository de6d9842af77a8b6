/* SPDX-License-Identifier: Apache-2.0 */
/* api_routes.h - the routes of the Services API that stand in files of their own. */
#ifndef SANDBOX_API_ROUTES_H
#define SANDBOX_API_ROUTES_H

#include "reply.h"

/* The part of the path between prefix and the next slash, NULL when there is none. */
char *sb_segment(const char *path, const char *prefix, const char **ret_rest);
void sb_no_such_order(struct sb_reply *reply);
const char *sb_certificate_text(const cJSON *row, const char *name); /* "" when absent */

void sb_download_route(const struct sb_request *request, struct sb_reply *reply);
void sb_order_download_route(const struct sb_request *request, struct sb_reply *reply);
void sb_me_route(const struct sb_request *request, struct sb_reply *reply);
void sb_account_route(const struct sb_request *request, struct sb_reply *reply);
void sb_organization_route(const struct sb_request *request, struct sb_reply *reply);
void sb_domain_route(const struct sb_request *request, struct sb_reply *reply);
void sb_product_route(const struct sb_request *request, struct sb_reply *reply);
void sb_request_route(const struct sb_request *request, struct sb_reply *reply);
void sb_intermediates_route(const struct sb_request *request, struct sb_reply *reply);

#endif
