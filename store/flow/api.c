// SPDX-License-Identifier: Apache-2.0
/*
 * api.c - sends requests of the Services API: key, budget, retries within the deadline, and the
 * word to flow/service. Sends the API key to the configured host only.
 */
#include "flow/api.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/trace.h"
#include "dcs-build.h"
#include "flow/api_request.h"

enum { KEY_MAX = 4096, WAIT_429_MIN_MS = 5000, WAIT_429_MAX_MS = 180000 };

void dcs_api_drop(struct dcs_api **api)
{
    dcs_api_free(*api);
    *api = NULL;
}

bool dcs_api_new(const struct dcs_api_options *options, struct dcs_api **ret_api,
                 struct dcs_err *err)
{
    const struct dcs_http_options http = { .env = options->env,
                                           .ca_file = options->settings->api_ca_file,
                                           .proxy = options->settings->proxy,
                                           .user_agent = "digicert-store/" DCS_VERSION };
    dcs_auto(dcs_api) struct dcs_api *api = dcs_alloc(1, sizeof(*api), err);

    if (!api || !dcs_http_new(&http, &api->http, err))
        return false;
    api->options = *options;
    api->date_offset_known = false;
    *ret_api = dcs_steal(&api);
    return true;
}

void dcs_api_free(struct dcs_api *api)
{
    if (!api)
        return;
    dcs_http_free(api->http);
    dcs_secret_clear(&api->key);
    free(api);
}

bool dcs_api_clock_offset(const struct dcs_api *api, int64_t *ret_offset_s)
{
    if (api->date_offset_known)
        *ret_offset_s = api->date_offset_s;
    return api->date_offset_known;
}

int dcs_api_requests_made(const struct dcs_api *api)
{
    return api->requests_made;
}

/* ---- the API key ---- */

/* A credential was given to this very process; the file of the configuration is everybody's. So a unit
 * whose user cannot read that file and a person who is root share one configuration. */
static bool key_path(const struct dcs_env *env, const struct dcs_settings *settings, char out[4096],
                     struct dcs_err *err)
{
    const char *credentials = dcs_env_get(env, "CREDENTIALS_DIRECTORY");
    struct dcs_fs_stat stat;

    if (credentials && credentials[0] == '/' &&
        snprintf(out, 4096, "%s/digicert-api-key", credentials) < 4096 &&
        (!*settings->api_key_file || dcs_fs_stat(AT_FDCWD, out, &stat, NULL)))
        return true;
    if (*settings->api_key_file) {
        snprintf(out, 4096, "%s", settings->api_key_file);
        return true;
    }
    dcs_fail(err, DCS_E_CONFIG, "no API key: api_key_file is not set");
    return dcs_hint(err,
                    "write the key to a file of mode 0600 and set api_key_file, or give the unit "
                    "LoadCredential=digicert-api-key:FILE");
}

static bool key_mode_is_safe(const struct dcs_env *env, const char *path,
                             const struct dcs_fs_stat *stat, struct dcs_err *err)
{
    unsigned euid = dcs_env_euid(env);

    if (stat->uid != 0 && stat->uid != euid) {
        dcs_fail(err, DCS_E_CONFIG,
                 "the API key file %s belongs to uid %u, neither root nor uid %u", path, stat->uid,
                 euid);
        return dcs_hint(err, "chown it to root or to the user that runs digicert-store");
    }
    if (stat->mode & 0037) {
        dcs_fail(err, DCS_E_CONFIG,
                 "the API key file %s has mode %04o: others could read or change it", path,
                 stat->mode & 07777);
        return dcs_hint(err, "chmod 600 %.200s", path);
    }
    return true;
}

/* One line of printable ASCII: nothing in it can add a header. */
static bool key_is_plain(const struct dcs_secret *text, size_t *ret_start, size_t *ret_len)
{
    size_t start = 0;
    size_t end = text->len;

    while (start < end && strchr(" \t\r\n", text->data[start]))
        start++;
    while (end > start && strchr(" \t\r\n", text->data[end - 1]))
        end--;
    for (size_t i = start; i < end; i++)
        if (text->data[i] <= 0x20 || text->data[i] >= 0x7F)
            return false;
    *ret_start = start;
    *ret_len = end - start;
    return end - start >= 8 && end - start <= 512;
}

bool dcs_api_read_key(const struct dcs_env *env, const struct dcs_settings *settings,
                      struct dcs_secret *ret_key, struct dcs_err *err)
{
    dcs_auto(dcs_secret) struct dcs_secret text = { 0 };
    struct dcs_fs_stat stat;
    struct dcs_err why = { 0 };
    char path[4096];
    size_t start = 0;
    size_t len = 0;

    if (!key_path(env, settings, path, err))
        return false;
    if (!dcs_fs_read_secret(AT_FDCWD, path, KEY_MAX, &text, &stat, &why)) {
        dcs_fail(err, DCS_E_CONFIG, "the API key file: %s", why.text);
        return dcs_hint(err, "api_key_file names a regular file with the key alone, mode 0600");
    }
    if (!key_mode_is_safe(env, path, &stat, err))
        return false;
    if (!key_is_plain(&text, &start, &len)) {
        dcs_fail(err, DCS_E_CONFIG, "the API key file %s does not hold an API key", path);
        return dcs_hint(err, "it holds one line: the key as CertCentral showed it");
    }
    return dcs_secret_copy(text.data + start, len, ret_key, err);
}

/* ---- one request ---- */

static bool prepare(struct dcs_api *api, struct dcs_service *ret_service, struct dcs_err *err)
{
    const struct dcs_api_options *o = &api->options;
    const struct dcs_span *window = dcs_span_at(o->windows, dcs_env_now(o->env));

    dcs_secret_clear(&api->key);
    if (!dcs_api_read_key(o->env, o->settings, &api->key, err))
        return false;
    *ret_service = (struct dcs_service){ .env = o->env,
                                         .state_fd = o->state_fd,
                                         .owner = o->owner,
                                         .is_verb = o->is_verb,
                                         .run = o->run,
                                         .announced_end = window ? window->end : 0 };
    return dcs_service_hash(o->settings->api_url, &api->key, ret_service->hash, err);
}

static void note_date(struct dcs_api *api, const struct dcs_http_answer *answer)
{
    if (answer->date < 0)
        return;
    api->date_offset_s = answer->date - dcs_env_now(api->options.env);
    api->date_offset_known = true;
}

static struct dcs_budget budget_of(const struct dcs_api *api, const struct dcs_service *service)
{
    struct dcs_budget budget = { .env = api->options.env,
                                 .state_fd = api->options.state_fd,
                                 .owner = api->options.owner,
                                 .per_5s = api->options.settings->budget_5s,
                                 .per_3min = api->options.settings->budget_3min,
                                 .is_verb = api->options.is_verb };

    memcpy(budget.hash, service->hash, sizeof(budget.hash));
    return budget;
}

static bool send_once(struct dcs_api *api, const struct dcs_api_request *request, const char *url,
                      struct dcs_http_answer *ret_answer, struct dcs_err *err)
{
    static const char *const headers[] = { "Accept: application/json",
                                           "Content-Type: application/json", NULL };
    const struct dcs_http_request http = { .method = request->method,
                                           .url = url,
                                           .headers = headers,
                                           .secret_header_name = "X-DC-DEVKEY",
                                           .secret_header = &api->key,
                                           .body = request->body,
                                           .body_len = request->body ? strlen(request->body) : 0,
                                           .max_bytes = request->max_bytes,
                                           .timeout_ms = dcs_deadline_left_ms(
                                               api->options.env, api->options.deadline) };

    if (http.timeout_ms == 0)
        return dcs_fail(err, DCS_E_AWAY, "the deadline passed before the service was asked");
    api->requests_made++;
    api->sent_ms = dcs_env_mono_ms(api->options.env);
    if (api->options.counter)
        atomic_fetch_add(api->options.counter, 1);
    if (!dcs_http_send(api->http, &http, ret_answer, err))
        return false;
    note_date(api, ret_answer);
    return true;
}

/* ---- turns ---- */

/* The deadline, with the patience that is left. */
static struct dcs_deadline latest(const struct dcs_api *api)
{
    return (struct dcs_deadline){ .mono_ms = api->options.deadline.mono_ms +
                                             api->options.patience_ms - api->waited_ms };
}

/* What was waited since then is no time that the service took. */
static void give_back(struct dcs_api *api, int64_t since_ms)
{
    int64_t waited = dcs_env_mono_ms(api->options.env) - since_ms;
    int64_t left = api->options.patience_ms - api->waited_ms;

    waited = waited < left ? waited : left;
    api->waited_ms += waited;
    api->options.deadline.mono_ms += waited;
}

static bool take_turn(struct dcs_api *api, const struct dcs_budget *budget, struct dcs_err *err)
{
    int64_t began_ms = dcs_env_mono_ms(api->options.env);

    if (!dcs_budget_take(budget, latest(api), err))
        return false;
    give_back(api, began_ms);
    return true;
}

/* A pause after 429, when it fits into the deadline. */
static bool pause_429(struct dcs_api *api, int attempt, const struct dcs_http_answer *answer)
{
    int64_t low = answer->retry_after_s > 0 ? answer->retry_after_s * 1000 : WAIT_429_MIN_MS;
    int64_t wait = low << (attempt < 5 ? attempt : 5);

    wait = wait < WAIT_429_MAX_MS ? wait : WAIT_429_MAX_MS;
    wait += dcs_env_jitter(api->options.env, 0, wait / 4);
    int64_t began_ms = dcs_env_mono_ms(api->options.env);
    if (wait >= dcs_deadline_left_ms(api->options.env, latest(api)))
        return false;
    dcs_env_sleep_ms(api->options.env, wait);
    give_back(api, began_ms);
    return true;
}

static bool send_with_retries(struct dcs_api *api, const struct dcs_api_request *request,
                              const char *url, const struct dcs_service *service,
                              struct dcs_http_answer *ret_answer, struct dcs_err *err)
{
    struct dcs_budget budget = budget_of(api, service);

    for (int attempt = 0;; attempt++) {
        dcs_auto(dcs_http_answer) struct dcs_http_answer answer = { 0 };
        struct dcs_err why = { 0 };

        if (!take_turn(api, &budget, err))
            return false;
        bool good = send_once(api, request, url, &answer, &why) &&
                    dcs_api_judge(&answer, request->place, &why);
        dcs_trace(api->options.env, "%s %s: HTTP %d%s%s", request->method, request->path,
                  answer.status, good ? "" : ", ", good ? "" : why.text);
        if (good) {
            *ret_answer = answer;
            answer = (struct dcs_http_answer){ 0 };
            return true;
        }
        if (why.code == DCS_E_LIMIT) {
            dcs_budget_halve(&budget);
            if (pause_429(api, attempt, &answer))
                continue;
        }
        *err = why;
        return false;
    }
}

/* What changes something needs more of the service than what looks. */
static enum dcs_service_part part_of(const struct dcs_api_request *request)
{
    return strcmp(request->method, "GET") == 0 ? DCS_SERVICE_WHOLE : DCS_SERVICE_ISSUANCE;
}

static void tell_service(const struct dcs_service *service, enum dcs_service_part part, bool good,
                         const struct dcs_err *why)
{
    if (why->code == DCS_E_AWAY)
        dcs_service_failed(service, part, why->text);
    else if (why->code == DCS_E_LIMIT && why->http_status)
        dcs_service_limited(service, why->text);
    else if (good || why->http_status)
        dcs_service_succeeded(service, part);
}

bool dcs_api_may_change(struct dcs_api *api, struct dcs_err *err)
{
    struct dcs_service service;

    bool may =
        prepare(api, &service, err) && dcs_service_may_try(&service, DCS_SERVICE_ISSUANCE, err);
    dcs_secret_clear(&api->key);
    return may;
}

/* Outages were known to answer 404 for every call, with the API's own body (facts/certcentral-api.md
 * 1.3): while one is announced no order is gone. The service answered, so it is not told away. */
static void doubt_not_found(const struct dcs_api *api, struct dcs_err *err)
{
    const struct dcs_span *window =
        dcs_span_at(api->options.windows, dcs_env_now(api->options.env));
    char until[DCS_TIME_TEXT];
    char said[sizeof(err->text)];

    if (err->code != DCS_E_NOT_FOUND || !window)
        return;
    dcs_time_text(window->end, until);
    snprintf(said, sizeof(said), "%s", err->text);
    dcs_fail(err, DCS_E_AWAY, "maintenance is announced until %s, and that is not believed: %s",
             until, said);
    dcs_hint(err, "ask again after it; `digicert-store maintenance` shows the windows");
}

bool dcs_api_send(struct dcs_api *api, const struct dcs_api_request *request,
                  struct dcs_http_answer *ret_answer, struct dcs_err *err)
{
    dcs_auto(dcs_buf) struct dcs_buf url = { .max = 8192 };
    struct dcs_service service;
    struct dcs_err why = { 0 };

    dcs_buf_addf(&url, "%s%s", api->options.settings->api_url, request->path);
    if (!dcs_buf_ok(&url, "a URL", err) || !prepare(api, &service, err) ||
        !dcs_service_may_try(&service, part_of(request), err))
        return false;
    bool good = send_with_retries(api, request, dcs_buf_text(&url), &service, ret_answer, &why);
    dcs_secret_clear(&api->key);
    if (good && request->check && !request->check(ret_answer, &why)) {
        dcs_http_answer_drop(ret_answer);
        good = false;
    }
    service.sent_ms = api->sent_ms;
    tell_service(&service, part_of(request), good, &why);
    doubt_not_found(api, &why);
    if (!good && err)
        *err = why;
    return good;
}

bool dcs_api_await_turns(struct dcs_api *api, int64_t turns, struct dcs_err *err)
{
    struct dcs_service service;

    if (!prepare(api, &service, err))
        return false;
    dcs_secret_clear(&api->key);
    struct dcs_budget budget = budget_of(api, &service);
    return dcs_budget_await(&budget, turns, latest(api), err);
}

bool dcs_api_hash(const struct dcs_api *api, char out[17], struct dcs_err *err)
{
    dcs_auto(dcs_secret) struct dcs_secret key = { 0 };

    return dcs_api_read_key(api->options.env, api->options.settings, &key, err) &&
           dcs_service_hash(api->options.settings->api_url, &key, out, err);
}

int64_t dcs_api_estimate_s(struct dcs_api *api, int64_t requests)
{
    struct dcs_service service;

    if (!prepare(api, &service, NULL))
        return 0;
    dcs_secret_clear(&api->key);
    struct dcs_budget budget = budget_of(api, &service);
    return dcs_budget_estimate_s(&budget, requests);
}

/* ---- answers that are JSON ---- */

bool dcs_api_is_object(const struct dcs_http_answer *answer, struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *root = NULL;

    if (!dcs_json_parse(dcs_buf_text(&answer->body), answer->body.len, &root, err))
        return dcs_fail_while(err, "the service answered HTTP %d", answer->status);
    return dcs_json_is_object(root) ||
           dcs_fail(err, DCS_E_AWAY, "the service answered with JSON that is no object");
}

bool dcs_api_get(struct dcs_api *api, const char *path, size_t max, enum dcs_api_place place,
                 struct dcs_json **ret_root, struct dcs_err *err)
{
    dcs_auto(dcs_http_answer) struct dcs_http_answer answer = { 0 };
    const struct dcs_api_request request = {
        .method = "GET", .path = path, .max_bytes = max, .place = place, .check = dcs_api_is_object
    };

    return dcs_api_send(api, &request, &answer, err) &&
           dcs_json_parse(dcs_buf_text(&answer.body), answer.body.len, ret_root, err);
}
