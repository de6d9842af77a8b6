/* SPDX-License-Identifier: Apache-2.0 */
/* token_p11.h - p11-kit as the files of io/token see it; nobody else includes it. */
#ifndef DCS_IO_TOKEN_P11_H
#define DCS_IO_TOKEN_P11_H

#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>

#include "io/token.h"

/* The calls that we use, by their own types. */
struct p11_calls {
    __typeof__(p11_kit_modules_load_and_initialize) *modules_load_and_initialize;
    __typeof__(p11_kit_modules_finalize_and_release) *modules_finalize_and_release;
    __typeof__(p11_kit_module_load) *module_load;
    __typeof__(p11_kit_module_initialize) *module_initialize;
    __typeof__(p11_kit_module_finalize) *module_finalize;
    __typeof__(p11_kit_module_release) *module_release;
    __typeof__(p11_kit_strerror) *strerror;
    __typeof__(p11_kit_uri_new) *uri_new;
    __typeof__(p11_kit_uri_free) *uri_free;
    __typeof__(p11_kit_uri_parse) *uri_parse;
    __typeof__(p11_kit_uri_format) *uri_format;
    __typeof__(p11_kit_uri_message) *uri_message;
    __typeof__(p11_kit_uri_get_attribute) *uri_get_attribute;
    __typeof__(p11_kit_uri_set_attribute) *uri_set_attribute;
    __typeof__(p11_kit_uri_clear_attributes) *uri_clear_attributes;
    __typeof__(p11_kit_uri_get_token_info) *uri_get_token_info;
    __typeof__(p11_kit_uri_match_module_info) *uri_match_module_info;
    __typeof__(p11_kit_uri_match_token_info) *uri_match_token_info;
    __typeof__(p11_kit_uri_any_unrecognized) *uri_any_unrecognized;
    __typeof__(p11_kit_uri_get_pin_value) *uri_get_pin_value;
    __typeof__(p11_kit_uri_get_pin_source) *uri_get_pin_source;
    __typeof__(p11_kit_uri_get_module_path) *uri_get_module_path;
    __typeof__(p11_kit_uri_get_vendor_query) *uri_get_vendor_query;
    __typeof__(p11_kit_uri_set_vendor_query) *uri_set_vendor_query;
};
extern struct p11_calls dcs_p11; /* after dcs_token_need_p11 */

struct dcs_token {
    CK_FUNCTION_LIST **modules; /* those that p11-kit is configured with, or */
    CK_FUNCTION_LIST *module;   /* the one of module-path */
    bool initialized;           /* that one */
    CK_FUNCTION_LIST *fn;       /* of the token's module; lent */
    CK_SESSION_HANDLE session;
    bool has_session;
};

bool dcs_token_need_p11(struct dcs_err *err) DCS_CHECKED;
/* The caller frees with uri_free. */
bool dcs_token_parse(const char *uri, P11KitUri **ret_uri, struct dcs_err *err) DCS_CHECKED;
/* DCS_E_KEY_FILE with the token's word; false. */
bool dcs_token_refused(const char *what, CK_RV rv, struct dcs_err *err);

#endif
