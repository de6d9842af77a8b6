/* SPDX-License-Identifier: Apache-2.0 */
/* api_routes.h - the routes of the Services API, by file, and what they share. */
#ifndef SANDBOX_API_ROUTES_H
#define SANDBOX_API_ROUTES_H

#include "reply.h"

typedef void sb_route(const struct sb_request *request, struct sb_reply *reply);
typedef void sb_order_route(const struct sb_request *request, struct sb_order *order,
                            struct sb_reply *reply);

/* The part of the path between prefix and the next slash, NULL when there is none. */
char *sb_segment(const char *path, const char *prefix, const char **ret_rest);
void sb_no_such_order(struct sb_reply *reply);
void sb_no_such_route(struct sb_reply *reply);
const char *sb_certificate_text(const cJSON *row, const char *name); /* "" when absent */
cJSON *sb_page_of(int64_t total, int64_t limit, int64_t offset);
enum { SB_LIMIT_MAX = 1000 };

/* api_reissue.c */
sb_order_route sb_reissue_route, sb_duplicate_route;
void sb_certificate_list(const struct sb_request *request, struct sb_order *order, const char *kind,
                         struct sb_reply *reply);
void sb_add_chain(const struct sb_world *world, const struct sb_certificate *c, cJSON *list);
/* 201 as far as the submission has got. */
void sb_reply_submission(const struct sb_request *request, struct sb_order *order,
                         const cJSON *submission, struct sb_reply *reply);
bool sb_may_skip(const struct sb_request *request, const cJSON *body);

/* api_change.c */
sb_order_route sb_ct_status_route, sb_status_route, sb_auto_reissue_route, sb_check_dcv_route;
sb_order_route sb_revoke_order_route;
void sb_revoke_certificate_route(const struct sb_request *request, const char *name,
                                 struct sb_reply *reply);

/* api_new.c, api_order.c, api_list.c, api_request.c, api_download.c, api_account.c */
void sb_new_order_route(const struct sb_request *request, const char *product,
                        struct sb_reply *reply);
sb_route sb_one_order_route;
sb_route sb_list_route, sb_alternate_route, sb_changes_route;
sb_route sb_requests_route, sb_one_request_route;
sb_route sb_download_route, sb_order_download_route;
sb_route sb_me_route, sb_account_route, sb_organization_route, sb_product_route;
sb_route sb_domain_route, sb_one_domain_route, sb_intermediates_route;
sb_route sb_organization_validation_route;

#endif
