// SPDX-License-Identifier: Apache-2.0
/* api_check.c - the rules for what a client sends, one by one; the first that is broken answers. */
#include "api_check.h"

#include <string.h>
#include <strings.h>

#include "json.h"
#include "key.h"
#include "validity.h"

enum { COMMON_NAME_MAX = 64, NAMES_MAX = 250 };

cJSON *sb_body(const struct sb_request *request, struct sb_reply *reply)
{
    cJSON *body = cJSON_Parse(request->body);

    if (cJSON_IsObject(body))
        return body;
    cJSON_Delete(body);
    sb_reply_error(reply, 400, "bad_request_format", "The request body is not valid JSON.");
    return NULL;
}

bool sb_refuse_value(struct sb_reply *reply, const char *field)
{
    sb_auto(sb_free_drop) char *code = sb_format("invalid_value:%s", field);
    sb_auto(sb_free_drop) char *message = sb_format("%s contains an invalid value.", field);

    sb_reply_error(reply, 400, code, message);
    return false;
}

bool sb_refuse_missing(struct sb_reply *reply, const char *field)
{
    sb_auto(sb_free_drop) char *code = sb_format("missing_value:%s", field);
    sb_auto(sb_free_drop) char *message = sb_format("%s is required.", field);

    sb_reply_error(reply, 400, code, message);
    return false;
}

/* ---- the parts ---- */

static bool check_csr(const cJSON *certificate, struct sb_reply *reply)
{
    const char *csr = sb_text_of(certificate, "csr", NULL);
    EVP_PKEY *key = csr ? sb_csr_key(csr) : NULL;
    const char *complaint = key ? sb_key_complaint(key) : NULL;

    EVP_PKEY_free(key);
    if (!csr || !*csr)
        return sb_refuse_missing(reply, "csr");
    if (key && !complaint)
        return true;
    sb_reply_error(reply, 400, complaint ? "invalid_value:csr" : "csr_invalid_cannot_parse",
                   complaint ? complaint : "The CSR could not be parsed.");
    return false;
}

/* EV has no wildcards. Names come from the request alone, whatever the CSR says. */
static bool check_names(const struct sb_check *check, const cJSON *certificate,
                        struct sb_reply *reply)
{
    const char *common_name = sb_text_of(certificate, "common_name", NULL);
    const cJSON *names = sb_item(certificate, "dns_names");
    bool wild = strcmp(check->product->validation, "ev") != 0;

    if (!sb_product_is_tls(check->product))
        return true;
    if (!common_name || !*common_name)
        return sb_refuse_missing(reply, "common_name");
    if (strlen(common_name) > COMMON_NAME_MAX || !sb_rule_is_host(common_name, wild))
        return sb_refuse_value(reply, "common_name");
    if (names && (!cJSON_IsArray(names) || cJSON_GetArraySize(names) > NAMES_MAX))
        return sb_refuse_value(reply, "dns_names");
    for (const cJSON *name = names ? names->child : NULL; name; name = name->next)
        if (!cJSON_IsString(name) || !sb_rule_is_host(name->valuestring, wild))
            return sb_refuse_value(reply, "dns_names");
    return true;
}

static bool is_one_of(const char *const *list, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(list[i], text) == 0)
            return true;
    return false;
}

static bool check_choices(const struct sb_check *check, const cJSON *body, struct sb_reply *reply)
{
    static const char *const hashes[] = { "sha256", "sha384", "sha512" };
    static const char *const profiles[] = { "server_client_auth_eku", "server_auth_only_eku",
                                            "kdc_smart_card", "http_signed_exchange" };
    static const char *const methods[] = {
        "email",      "dns-txt-token",      "dns-cname-token",
        "http-token", "http-token-dynamic", "http-token-static"
    };
    const struct sb_world *world = check->request->world;
    const cJSON *certificate = sb_item(body, "certificate");
    const char *hash = sb_text_of(certificate, "signature_hash", NULL);
    const char *profile = sb_text_of(certificate, "profile_option", NULL);
    const char *ca = sb_text_of(certificate, "ca_cert_id", NULL);
    const char *method = sb_text_of(body, "dcv_method", NULL);
    size_t which = 0;

    if (hash && !is_one_of(hashes, SB_COUNT(hashes), hash))
        return sb_refuse_value(reply, "signature_hash");
    if (profile && *profile && !is_one_of(profiles, SB_COUNT(profiles), profile))
        return sb_refuse_value(reply, "profile_option");
    if (profile && strcmp(profile, "server_client_auth_eku") == 0 &&
        !sb_rule_gives_client_auth(sb_clock_now(&world->clock), world->settings.client_auth_end))
        return sb_refuse_value(reply, "profile_option");
    if (ca && *ca && !sb_issuer_find(world->issuer, ca, &which))
        return sb_refuse_value(reply, "ca_cert_id");
    if (method && *method && !is_one_of(methods, SB_COUNT(methods), method))
        return sb_refuse_value(reply, "dcv_method");
    return true;
}

/* Within the order's whole length is enough: the service cuts what goes beyond its end, unless a
 * test wants it strict. */
static bool check_validity(const struct sb_check *check, const cJSON *certificate,
                           struct sb_reply *reply)
{
    const struct sb_world *world = check->request->world;
    int64_t now = sb_clock_now(&world->clock);
    struct sb_asked asked = { 0 };
    const char *unit = NULL;

    if (!sb_validity_read(sb_item(certificate, "cert_validity"), "", &asked, &unit))
        return sb_refuse_value(reply, unit);
    if (asked.end && asked.end < now)
        return sb_refuse_value(reply, unit);
    int64_t from = world->settings.strict_validity ? sb_time_midnight(now) : check->order_from;
    int64_t end = asked.end ? asked.end : sb_time_midnight(from) + asked.days * SB_DAY - 1;
    if (!check->order_end || (!asked.end && !asked.days) || end <= check->order_end)
        return true;
    sb_reply_error(reply, 400, "cert_validity_exceeds_order_validity",
                   "The certificate validity exceeds the order validity.");
    return false;
}

bool sb_check_certificate(const struct sb_check *check, const cJSON *body, struct sb_reply *reply)
{
    const cJSON *certificate = sb_item(body, "certificate");
    const char *caa = sb_switch_text(check->request->world, check->order, "caa", NULL);

    if (!cJSON_IsObject(certificate))
        return sb_refuse_missing(reply, "certificate");
    if (!check_names(check, certificate, reply) || !check_csr(certificate, reply) ||
        !check_choices(check, body, reply) || !check_validity(check, certificate, reply))
        return false;
    if (caa && *caa) {
        sb_reply_error(reply, 400, caa, "The CAA records of a domain do not allow the issuance.");
        return false;
    }
    return true;
}
