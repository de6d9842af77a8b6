// SPDX-License-Identifier: Apache-2.0
/*
 * token.c - sessions with tokens: finds the one that a URI names, logs in, and asks it for keys and
 * signatures. Never tries a PIN that the token says could be the last.
 */
#include "io/token_p11.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/dl.h"

enum { SLOTS_MAX = 256, ATTRIBUTE_MAX = 8192 };

DCS_DL_NOTE(dlopen_note,
            "[{\"feature\":\"token\",\"description\":\"Private keys in PKCS#11 tokens\","
            "\"priority\":\"suggested\",\"soname\":[\"libp11-kit.so.0\"]}]");

#define SYMBOL(name)                                       \
    {                                                      \
        "p11_kit_" #name, offsetof(struct p11_calls, name) \
    }
static const struct dcs_dl_symbol symbols[] = {
    SYMBOL(modules_load_and_initialize),
    SYMBOL(modules_finalize_and_release),
    SYMBOL(module_load),
    SYMBOL(module_initialize),
    SYMBOL(module_finalize),
    SYMBOL(module_release),
    SYMBOL(strerror),
    SYMBOL(uri_new),
    SYMBOL(uri_free),
    SYMBOL(uri_parse),
    SYMBOL(uri_format),
    SYMBOL(uri_message),
    SYMBOL(uri_get_attribute),
    SYMBOL(uri_set_attribute),
    SYMBOL(uri_clear_attributes),
    SYMBOL(uri_get_token_info),
    SYMBOL(uri_match_module_info),
    SYMBOL(uri_match_token_info),
    SYMBOL(uri_any_unrecognized),
    SYMBOL(uri_get_pin_value),
    SYMBOL(uri_get_pin_source),
    SYMBOL(uri_get_module_path),
    SYMBOL(uri_get_vendor_query),
    SYMBOL(uri_set_vendor_query),
};

struct p11_calls dcs_p11;
static bool p11_is_there;
static char p11_problem[256];
static pthread_once_t p11_once = PTHREAD_ONCE_INIT;

static void open_p11(void)
{
    static const char *const names[] = { "libp11-kit.so.0" };

    p11_is_there = dcs_dl_open(names, DCS_COUNT(names), symbols, DCS_COUNT(symbols), &dcs_p11,
                               p11_problem, sizeof(p11_problem));
}

bool dcs_token_need_p11(struct dcs_err *err)
{
    pthread_once(&p11_once, open_p11);
    if (p11_is_there)
        return true;
    dcs_fail(err, DCS_E_CONFIG, "keys in tokens need p11-kit: %s", p11_problem);
    return dcs_hint(err, "install the package libp11-kit0 and the module of the token");
}

bool dcs_token_refused(const char *what, CK_RV rv, struct dcs_err *err)
{
    const char *words = dcs_p11.strerror(rv);

    return dcs_fail(err, DCS_E_KEY_FILE, "the token: %s: %s (0x%lx)", what,
                    words ? words : "no reason given", rv);
}

/* ---- which token ---- */

struct search {
    P11KitUri *uri;
    CK_FUNCTION_LIST *module;
    CK_SLOT_ID slot;
    CK_TOKEN_INFO info;
    size_t found;
};

static void look_at_slots(struct search *search, CK_FUNCTION_LIST *module)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX;
    CK_INFO info;

    if (module->C_GetInfo(&info) != CKR_OK || !dcs_p11.uri_match_module_info(search->uri, &info) ||
        module->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK)
        return;
    for (CK_ULONG i = 0; i < count; i++) {
        CK_TOKEN_INFO token;
        if (module->C_GetTokenInfo(slots[i], &token) != CKR_OK ||
            !(token.flags & CKF_TOKEN_INITIALIZED) ||
            !dcs_p11.uri_match_token_info(search->uri, &token))
            continue;
        if (search->found++ > 0)
            continue;
        search->module = module;
        search->slot = slots[i];
        search->info = token;
    }
}

static bool load_modules(struct dcs_token *token, const P11KitUri *uri, struct dcs_err *err)
{
    const char *path = dcs_p11.uri_get_module_path(uri);
    CK_RV rv;

    if (!path) {
        token->modules = dcs_p11.modules_load_and_initialize(0);
        return token->modules ||
               dcs_fail(err, DCS_E_KEY_FILE, "p11-kit cannot load its PKCS#11 modules");
    }
    token->module = dcs_p11.module_load(path, 0);
    if (!token->module)
        return dcs_fail(err, DCS_E_KEY_FILE, "the PKCS#11 module %s cannot be loaded", path);
    rv = dcs_p11.module_initialize(token->module);
    token->initialized = rv == CKR_OK;
    return token->initialized || dcs_token_refused("initialising its module", rv, err);
}

static bool find_token(struct dcs_token *token, struct search *search, const char *uri,
                       struct dcs_err *err)
{
    if (token->module)
        look_at_slots(search, token->module);
    for (size_t i = 0; token->modules && token->modules[i]; i++)
        look_at_slots(search, token->modules[i]);
    if (search->found == 1)
        return true;
    dcs_fail(err, DCS_E_KEY_FILE, "%s token matches %.200s", search->found ? "more than one" : "no",
             uri);
    return dcs_hint(err, search->found ? "add serial= or model= to the URI"
                                       : "`p11tool --list-tokens` lists what p11-kit sees");
}

static bool log_in(struct dcs_token *token, const struct search *search,
                   const struct dcs_secret *pin, struct dcs_err *err)
{
    bool asks_itself = search->info.flags & CKF_PROTECTED_AUTHENTICATION_PATH;

    if (!(search->info.flags & CKF_LOGIN_REQUIRED))
        return true;
    if (!asks_itself && pin->len == 0) {
        dcs_fail(err, DCS_E_KEY_FILE, "the token wants a PIN, and none is configured");
        return dcs_hint(err, "add ?pin-source=file:/path to the pkcs11: URI, or give the unit "
                             "LoadCredential=digicert-token-pin:FILE");
    }
    if (search->info.flags & (CKF_USER_PIN_LOCKED | CKF_USER_PIN_FINAL_TRY)) {
        dcs_fail(err, DCS_E_KEY_FILE, "the token %s",
                 search->info.flags & CKF_USER_PIN_LOCKED
                     ? "has its PIN locked"
                     : "allows one more PIN before it locks; it is not tried");
        return dcs_hint(err, "log in once with another tool, or have the PIN reset");
    }
    CK_RV rv = token->fn->C_Login(token->session, CKU_USER, asks_itself ? NULL : pin->data,
                                  asks_itself ? 0 : pin->len);
    return rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN ||
           dcs_token_refused("logging in", rv, err);
}

static void uri_drop(P11KitUri **uri)
{
    if (*uri)
        dcs_p11.uri_free(*uri);
}

bool dcs_token_open(const char *uri, const struct dcs_secret *pin, struct dcs_token **ret_token,
                    struct dcs_err *err)
{
    dcs_auto(dcs_token) struct dcs_token *token = NULL;
    dcs_auto(uri) P11KitUri *parsed = NULL;
    struct search search = { 0 };
    CK_RV rv;

    if (!dcs_token_parse(uri, &parsed, err) || !(token = dcs_alloc(1, sizeof(*token), err)) ||
        !load_modules(token, parsed, err))
        return false;
    search.uri = parsed;
    if (!find_token(token, &search, uri, err))
        return false;
    token->fn = search.module;
    rv = token->fn->C_OpenSession(search.slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL,
                                  &token->session);
    if (rv != CKR_OK)
        return dcs_token_refused("opening a session", rv, err);
    token->has_session = true;
    if (!log_in(token, &search, pin, err))
        return false;
    *ret_token = dcs_steal(&token);
    return true;
}

void dcs_token_close(struct dcs_token *token)
{
    if (!token)
        return;
    if (token->has_session)
        token->fn->C_CloseSession(token->session);
    if (token->modules)
        dcs_p11.modules_finalize_and_release(token->modules);
    if (token->initialized)
        dcs_p11.module_finalize(token->module);
    if (token->module)
        dcs_p11.module_release(token->module);
    free(token);
}

void dcs_token_drop(struct dcs_token **token)
{
    dcs_token_close(*token);
    *token = NULL;
}

/* ---- objects ---- */

static bool find(struct dcs_token *token, CK_OBJECT_CLASS class, const uint8_t id[DCS_TOKEN_ID_LEN],
                 CK_OBJECT_HANDLE *ret_object, CK_RV *ret_rv)
{
    CK_ATTRIBUTE wanted[] = { { CKA_CLASS, &class, sizeof(class) },
                              { CKA_ID, (void *)id, DCS_TOKEN_ID_LEN } };
    CK_ULONG count = 0;

    *ret_rv = token->fn->C_FindObjectsInit(token->session, wanted, DCS_COUNT(wanted));
    if (*ret_rv != CKR_OK)
        return false;
    *ret_rv = token->fn->C_FindObjects(token->session, ret_object, 1, &count);
    token->fn->C_FindObjectsFinal(token->session);
    return *ret_rv == CKR_OK && count == 1;
}

static bool need(struct dcs_token *token, CK_OBJECT_CLASS class, const uint8_t id[DCS_TOKEN_ID_LEN],
                 CK_OBJECT_HANDLE *ret_object, struct dcs_err *err)
{
    CK_RV rv = CKR_OK;

    if (find(token, class, id, ret_object, &rv))
        return true;
    return rv == CKR_OK ? dcs_fail(err, DCS_E_KEY_FILE, "the key is not in the token (any more)")
                        : dcs_token_refused("looking for the key", rv, err);
}

static bool read_attribute(struct dcs_token *token, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
                           struct dcs_buf *out, struct dcs_err *err)
{
    uint8_t room[ATTRIBUTE_MAX];
    CK_ATTRIBUTE attribute = { type, room, sizeof(room) };
    CK_RV rv = token->fn->C_GetAttributeValue(token->session, object, &attribute, 1);

    if (rv != CKR_OK || attribute.ulValueLen > sizeof(room))
        return dcs_token_refused("reading the public key", rv, err);
    dcs_buf_add(out, room, attribute.ulValueLen);
    return dcs_buf_ok(out, "a public key", err);
}

/* CKA_EC_POINT is an OCTET STRING with the point in it (PKCS#11 2.40, 2.3.3); some tokens give it bare. */
static void unwrap_point(struct dcs_buf *point)
{
    const uint8_t *data = (const uint8_t *)point->data;
    size_t skip = 0;

    if (point->len > 3 && data[0] == 0x04 && data[1] == point->len - 2 && data[2] == 0x04)
        skip = 2;
    else if (point->len > 4 && data[0] == 0x04 && data[1] == 0x81 && data[2] == point->len - 3)
        skip = 3;
    memmove(point->data, point->data + skip, point->len - skip);
    point->len -= skip;
}

void dcs_token_public_drop(struct dcs_token_public *public)
{
    dcs_buf_clear(&public->first);
    dcs_buf_clear(&public->second);
}

static bool key_type(struct dcs_token *token, CK_OBJECT_HANDLE object, CK_KEY_TYPE *ret_type,
                     struct dcs_err *err)
{
    CK_ATTRIBUTE attribute = { CKA_KEY_TYPE, ret_type, sizeof(*ret_type) };
    CK_RV rv = token->fn->C_GetAttributeValue(token->session, object, &attribute, 1);

    if (rv != CKR_OK)
        return dcs_token_refused("reading the kind of the key", rv, err);
    return *ret_type == CKK_RSA || *ret_type == CKK_EC ||
           dcs_fail(err, DCS_E_KEY_FILE, "the key in the token is neither RSA nor EC");
}

bool dcs_token_public(struct dcs_token *token, const uint8_t id[DCS_TOKEN_ID_LEN],
                      struct dcs_token_public *ret_public, struct dcs_err *err)
{
    dcs_auto(dcs_token_public) struct dcs_token_public public = { 0 };
    CK_OBJECT_HANDLE object = 0;
    CK_KEY_TYPE type = 0;

    if (!need(token, CKO_PUBLIC_KEY, id, &object, err) || !key_type(token, object, &type, err))
        return false;
    bool is_rsa = type == CKK_RSA;
    public.kind = is_rsa ? DCS_TOKEN_RSA : DCS_TOKEN_EC;
    if (!read_attribute(token, object, is_rsa ? CKA_MODULUS : CKA_EC_PARAMS, &public.first, err) ||
        !read_attribute(token, object, is_rsa ? CKA_PUBLIC_EXPONENT : CKA_EC_POINT, &public.second,
                        err))
        return false;
    if (!is_rsa)
        unwrap_point(&public.second);
    *ret_public = public;
    public = (struct dcs_token_public){ 0 };
    return true;
}

bool dcs_token_sign(struct dcs_token *token, const uint8_t id[DCS_TOKEN_ID_LEN],
                    struct dcs_bytes data, struct dcs_buf *ret_signature, struct dcs_err *err)
{
    uint8_t room[ATTRIBUTE_MAX];
    CK_ULONG len = sizeof(room);
    CK_MECHANISM mechanism = { CKM_ECDSA, NULL, 0 };
    CK_OBJECT_HANDLE object = 0;
    CK_KEY_TYPE type = 0;
    CK_RV rv;

    if (!need(token, CKO_PRIVATE_KEY, id, &object, err) || !key_type(token, object, &type, err))
        return false;
    if (type == CKK_RSA)
        mechanism.mechanism = CKM_RSA_PKCS;
    rv = token->fn->C_SignInit(token->session, &mechanism, object);
    if (rv == CKR_OK)
        rv = token->fn->C_Sign(token->session, (CK_BYTE *)data.data, data.len, room, &len);
    if (rv != CKR_OK)
        return dcs_token_refused("signing", rv, err);
    dcs_buf_add(ret_signature, room, len);
    return dcs_buf_ok(ret_signature, "a signature", err);
}

bool dcs_token_destroy(struct dcs_token *token, const uint8_t id[DCS_TOKEN_ID_LEN],
                       struct dcs_err *err)
{
    static const CK_OBJECT_CLASS classes[] = { CKO_PRIVATE_KEY, CKO_PUBLIC_KEY };

    for (size_t i = 0; i < DCS_COUNT(classes); i++) {
        CK_OBJECT_HANDLE object = 0;
        CK_RV rv = CKR_OK;
        if (find(token, classes[i], id, &object, &rv))
            rv = token->fn->C_DestroyObject(token->session, object);
        if (rv != CKR_OK)
            return dcs_token_refused("removing a key", rv, err);
    }
    return true;
}
