// SPDX-License-Identifier: Apache-2.0
/* key.c - key pairs for requests; knows no order, no cache and no CA. */
#include "flow/key.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "io/fs.h"
#include "io/token.h"

enum { LINE_MAX_BYTES = 1024 };

#define CREDENTIAL "digicert-token-pin"

bool dcs_keys_read_line(const struct dcs_env *env, const char *what, const char *path, uid_t owner,
                        struct dcs_secret *ret_line, struct dcs_err *err)
{
    dcs_auto(dcs_secret) struct dcs_secret text = { 0 };
    uid_t euid = dcs_env_euid(env);
    struct dcs_fs_stat stat;
    struct dcs_err why = { 0 };

    if (!dcs_fs_read_secret(AT_FDCWD, path, LINE_MAX_BYTES, &text, &stat, &why)) {
        dcs_fail(err, DCS_E_KEY_FILE, "%s: %s", what, why.text);
        return dcs_hint(err, "make it readable for uid %u", euid);
    }
    if ((stat.uid != 0 && stat.uid != euid && stat.uid != owner) || (stat.mode & 0027)) {
        dcs_fail(err, DCS_E_KEY_FILE, "%s %s (owner uid %u, mode %04o) is not guarded", what, path,
                 stat.uid, stat.mode & 07777);
        return dcs_hint(err, "it must belong to root or to uid %u: chmod 0600, or 0640", euid);
    }
    size_t len = text.len > 0 ? strcspn((const char *)text.data, "\r\n") : 0;
    if (len == 0)
        return dcs_fail(err, DCS_E_KEY_FILE, "%s %s: its first line is empty", what, path);
    return dcs_secret_copy(text.data, len, ret_line, err);
}

static bool is_in_token(const char *kind)
{
    return strncmp(kind, "pkcs11:", 7) == 0;
}

/* From pin-source, or the unit's credential; empty where neither is. */
static bool read_pin(const struct dcs_env *env, const struct dcs_token_uri *said,
                     struct dcs_secret *ret_pin, struct dcs_err *err)
{
    const char *credentials = dcs_env_get(env, "CREDENTIALS_DIRECTORY");
    char path[4096];
    struct dcs_fs_stat stat;

    if (said->pin_source[0])
        return dcs_keys_read_line(env, "pin-source", said->pin_source, (uid_t)-1, ret_pin, err);
    if (!credentials || credentials[0] != '/' ||
        snprintf(path, sizeof(path), "%s/" CREDENTIAL, credentials) >= (int)sizeof(path) ||
        !dcs_fs_stat(AT_FDCWD, path, &stat, NULL))
        return true;
    return dcs_keys_read_line(env, "the credential", path, (uid_t)-1, ret_pin, err);
}

static bool open_token(const struct dcs_env *env, const char *uri, struct dcs_token **ret_token,
                       struct dcs_err *err)
{
    dcs_auto(dcs_secret) struct dcs_secret pin = { 0 };
    struct dcs_token_uri said;

    return dcs_token_uri_read(uri, &said, err) && read_pin(env, &said, &pin, err) &&
           dcs_token_open(uri, &pin, ret_token, err);
}

bool dcs_keys_prepare(const struct dcs_env *env, const char *kind, struct dcs_key *ret_key,
                      struct dcs_err *err)
{
    uint8_t id[DCS_TOKEN_ID_LEN];
    char uri[DCS_TOKEN_URI];

    if (!is_in_token(kind))
        return dcs_key_generate(kind, ret_key, err);
    return dcs_env_random(env, id, sizeof(id), err) && dcs_token_uri_of_key(kind, id, uri, err) &&
           dcs_key_point_at(uri, ret_key, err);
}

/* A session with the token that the pointer names, and the key's id there. */
static bool follow(const struct dcs_env *env, const struct dcs_key *key,
                   struct dcs_token **ret_token, uint8_t id[DCS_TOKEN_ID_LEN], struct dcs_err *err)
{
    char uri[DCS_TOKEN_URI];

    return dcs_key_pointed_at(key, uri, sizeof(uri), err) && dcs_token_uri_id(uri, id, err) &&
           open_token(env, uri, ret_token, err);
}

bool dcs_keys_make(const struct dcs_env *env, const struct dcs_key *key, const char *kind,
                   const char *label, const struct dcs_csr_subject *subject,
                   struct dcs_buf *ret_csr, struct dcs_err *err)
{
    dcs_auto(dcs_token) struct dcs_token *token = NULL;
    uint8_t id[DCS_TOKEN_ID_LEN];
    struct dcs_token_uri said;

    if (key->form != DCS_KEY_POINTER)
        return dcs_csr_make(key, subject, ret_csr, err);
    return dcs_token_uri_read(kind, &said, err) && follow(env, key, &token, id, err) &&
           dcs_token_generate(token, said.kind, id, label, err) &&
           dcs_csr_make_in_token(token, id, subject, ret_csr, err);
}

bool dcs_keys_request(const struct dcs_env *env, const struct dcs_key *key,
                      const struct dcs_csr_subject *subject, struct dcs_buf *ret_csr,
                      struct dcs_err *err)
{
    dcs_auto(dcs_token) struct dcs_token *token = NULL;
    uint8_t id[DCS_TOKEN_ID_LEN];

    if (key->form != DCS_KEY_POINTER)
        return dcs_csr_make(key, subject, ret_csr, err);
    return follow(env, key, &token, id, err) &&
           dcs_csr_make_in_token(token, id, subject, ret_csr, err);
}

bool dcs_keys_destroy(const struct dcs_env *env, const struct dcs_key *key, struct dcs_err *err)
{
    dcs_auto(dcs_token) struct dcs_token *token = NULL;
    uint8_t id[DCS_TOKEN_ID_LEN];

    return key->form != DCS_KEY_POINTER ||
           (follow(env, key, &token, id, err) && dcs_token_destroy(token, id, err));
}
