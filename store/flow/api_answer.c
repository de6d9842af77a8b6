// SPDX-License-Identifier: Apache-2.0
/* api_answer.c - turns statuses and error bodies into codes; believes no status without its body. */
#include "flow/api_answer.h"

#include <stdio.h>
#include <string.h>

struct service_error {
    char code[64];
    char message[256];
};

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool take_error(const struct dcs_json *entry, struct service_error *ret_error)
{
    const char *code = dcs_json_text(entry, "code");

    if (!code)
        return false;
    dcs_clean_text(code, ret_error->code, sizeof(ret_error->code));
    dcs_clean_text(dcs_json_text(entry, "message"), ret_error->message, sizeof(ret_error->message));
    return true;
}

/* The docs say an array; an object was seen. Of several the first that names a code we know well
 * decides, so that order does not matter. */
static bool read_errors(const struct dcs_http_answer *answer, struct service_error *ret_error)
{
    static const char *const telling[] = { "request_limit_exceeded", "access_denied", "not_found" };
    dcs_auto(dcs_json) struct dcs_json *root = NULL;
    bool found = false;

    if (!dcs_json_parse(dcs_buf_text(&answer->body), answer->body.len, &root, NULL))
        return false;
    const struct dcs_json *errors = dcs_json_get(root, "errors");
    if (dcs_json_is_object(errors))
        return take_error(errors, ret_error);
    for (const struct dcs_json *e = dcs_json_first(errors); e; e = dcs_json_next(e)) {
        struct service_error one = { 0 };
        if (!dcs_json_is_object(e) || !take_error(e, &one))
            continue;
        bool tells = false;
        for (size_t i = 0; i < DCS_COUNT(telling); i++)
            tells |= starts_with(one.code, telling[i]);
        if (!found || tells)
            *ret_error = one;
        found = true;
        if (tells)
            break;
    }
    return found;
}

static bool fail_service(struct dcs_err *err, enum dcs_code code,
                         const struct dcs_http_answer *answer, const struct service_error *e,
                         const char *what, const char *hint)
{
    if (!err)
        return false;
    dcs_fail(err, code, "%s: the service said \"%s\" (HTTP %d, %s)", what,
             e->message[0] ? e->message : e->code, answer->status, e->code);
    err->http_status = answer->status;
    snprintf(err->service_code, sizeof(err->service_code), "%s", e->code);
    return hint ? dcs_hint(err, "%s", hint) : false;
}

/* Who answers so is not the API: what stands between, or another place. */
static const char *away_hint(int status)
{
    static const struct {
        int low, high;
        const char *hint;
    } hints[] = {
        { 300, 399,
          "redirects are never followed, the API key would go along: look at api_url; the European "
          "instance is https://certcentral.digicert.eu/services/v2" },
        { 401, 403,
          "a proxy or firewall on the way refused it, not CertCentral: look at api_url and proxy" },
        { 404, 404,
          "outages look like this; if it stays, look at api_url: it ends in /services/v2" },
        { 407, 407, "the proxy wants a name and password: look at proxy" },
    };

    for (size_t i = 0; i < DCS_COUNT(hints); i++)
        if (status >= hints[i].low && status <= hints[i].high)
            return hints[i].hint;
    return NULL;
}

static bool fail_away(struct dcs_err *err, const struct dcs_http_answer *answer)
{
    const char *hint = away_hint(answer->status);
    char start[80];
    char clean[80];

    if (!err)
        return false;
    snprintf(start, sizeof(start), "%.60s", dcs_buf_text(&answer->body));
    dcs_clean_text(start, clean, sizeof(clean));
    dcs_fail(err, DCS_E_AWAY, "the service is away: HTTP %d without an error of the API%s%s%s",
             answer->status, clean[0] ? ", beginning \"" : "", clean, clean[0] ? "\"" : "");
    err->http_status = answer->status;
    return hint ? dcs_hint(err, "%s", hint) : false;
}

static bool fail_denied(struct dcs_err *err, const struct dcs_http_answer *answer,
                        const struct service_error *e)
{
    static const struct {
        const char *code, *hint;
    } hints[] = {
        { "access_denied|access_denied_invalid_key",
          "the API key is wrong or revoked: make one in CertCentral and put it into api_key_file" },
        { "access_denied|missing_permission",
          "the API key's user or restriction lacks a permission; \"Orders\" is what is needed" },
    };

    for (size_t i = 0; i < DCS_COUNT(hints); i++)
        if (starts_with(e->code, hints[i].code))
            return fail_service(err, DCS_E_DENIED, answer, e, "denied", hints[i].hint);
    return fail_service(err, DCS_E_DENIED, answer, e, "denied",
                        "look at the API key and its user's role in CertCentral");
}

static bool fail_not_yet(struct dcs_err *err, const struct dcs_http_answer *answer,
                         const struct service_error *e)
{
    return fail_service(err, DCS_E_PENDING, answer, e, "not issued yet",
                        "nothing is lost; a certificate that does not exist looks the same: if it "
                        "stays so, check the number");
}

/* Codes that tell of the service's state and not of the request, whatever status they come with: taken
 * for a refusal they would hold until the input changes. */
static bool is_passing(const char *code)
{
    static const char *const codes[] = { "service_unavailable",
                                         "temporarily_unavailable",
                                         "service_temporarily_unavailable",
                                         "maintenance",
                                         "internal_server_error",
                                         "internal_error",
                                         "server_error",
                                         "timeout",
                                         "gateway_timeout" };

    for (size_t i = 0; i < DCS_COUNT(codes); i++)
        if (starts_with(code, codes[i]))
            return true;
    return false;
}

bool dcs_api_judge(const struct dcs_http_answer *answer, enum dcs_api_place place,
                   struct dcs_err *err)
{
    struct service_error e = { 0 };
    int status = answer->status;

    if (status >= 200 && status < 300)
        return true;
    if (status < 400 || !read_errors(answer, &e))
        return fail_away(err, answer);
    if (status == 429 || starts_with(e.code, "request_limit_exceeded"))
        return fail_service(err, DCS_E_LIMIT, answer, &e, "over the service's request limit",
                            "nothing is lost; others use this API key too");
    if (status == 401 || status == 403)
        return fail_denied(err, answer, &e);
    if (status == 404 && starts_with(e.code, "not_found") && place == DCS_API_DOWNLOAD)
        return fail_not_yet(err, answer, &e);
    /* "not_found" alone is a badly built URL, and what an outage answered for every call. */
    if (status == 404 && starts_with(e.code, "not_found") && place == DCS_API_ORDER)
        return fail_service(err, DCS_E_NOT_FOUND, answer, &e, "no such order in this account",
                            "`digicert-store list` shows the account's orders; check the number");
    /* 406 came from the service in trouble too (facts/certcentral-api.md 2). */
    if (status == 404 || status == 406 || status == 408 || status >= 500 || is_passing(e.code))
        return fail_service(err, DCS_E_AWAY, answer, &e, "the service is away", NULL);
    if (place == DCS_API_DOWNLOAD && strstr(e.code, "not_issued"))
        return fail_not_yet(err, answer, &e);
    return fail_service(err, DCS_E_REFUSED, answer, &e, "refused",
                        "it is refused until something changes; the service's words say what");
}

struct dcs_page_end dcs_api_page_end(const struct dcs_json *root, int64_t offset, int limit)
{
    return dcs_api_page_end_of(root, dcs_json_get(root, "orders"), offset, limit);
}

struct dcs_page_end dcs_api_page_end_of(const struct dcs_json *root, const struct dcs_json *rows,
                                        int64_t offset, int limit)
{
    struct dcs_page_end end = { .rows = dcs_json_is_array(rows) ? dcs_json_count(rows) : 0 };
    int64_t seen = offset + (int64_t)end.rows;
    int64_t served = 0;

    if (dcs_json_i64(root, "page.total", &end.total) && end.total >= seen) {
        end.is_last = end.rows == 0 || end.total == seen;
        return end;
    }
    if (dcs_json_i64(root, "page.limit", &served) && served > 0 && served < limit)
        limit = (int)served;
    end.total = seen;
    end.is_last = end.rows < (size_t)limit;
    return end;
}
