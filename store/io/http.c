// SPDX-License-Identifier: Apache-2.0
/*
 * http.c - requests through libcurl, which is opened at the first one and never linked: a provider
 * is loaded into every process. Never follows redirects, never uses the environment's proxies.
 */
#include "io/http.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/dl.h"

enum { CONNECT_MS = 10000, SLOW_BYTES_S = 1024, SLOW_FOR_S = 10, HEADERS_MAX = 16 };

DCS_DL_NOTE(dlopen_note, "[{\"feature\":\"http\",\"description\":\"Requests to CertCentral\","
                         "\"priority\":\"recommended\",\"soname\":[\"libcurl.so.4\"]}]");

/* The calls that we use, by their own types. */
struct curl_calls {
    __typeof__(curl_global_init) *global_init;
    __typeof__(curl_easy_init) *easy_init;
    __typeof__(curl_easy_setopt) *easy_setopt;
    __typeof__(curl_easy_perform) *easy_perform;
    __typeof__(curl_easy_getinfo) *easy_getinfo;
    __typeof__(curl_easy_reset) *easy_reset;
    __typeof__(curl_easy_cleanup) *easy_cleanup;
    __typeof__(curl_easy_strerror) *easy_strerror;
    __typeof__(curl_slist_append) *slist_append;
    __typeof__(curl_slist_free_all) *slist_free_all;
};

static const struct dcs_dl_symbol symbols[] = {
    { "curl_global_init", offsetof(struct curl_calls, global_init) },
    { "curl_easy_init", offsetof(struct curl_calls, easy_init) },
    { "curl_easy_setopt", offsetof(struct curl_calls, easy_setopt) },
    { "curl_easy_perform", offsetof(struct curl_calls, easy_perform) },
    { "curl_easy_getinfo", offsetof(struct curl_calls, easy_getinfo) },
    { "curl_easy_reset", offsetof(struct curl_calls, easy_reset) },
    { "curl_easy_cleanup", offsetof(struct curl_calls, easy_cleanup) },
    { "curl_easy_strerror", offsetof(struct curl_calls, easy_strerror) },
    { "curl_slist_append", offsetof(struct curl_calls, slist_append) },
    { "curl_slist_free_all", offsetof(struct curl_calls, slist_free_all) },
};

static struct curl_calls curl;
static bool curl_is_there;
static char curl_problem[256];
static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

/* Runs in the first request, never in a provider's init, where curl's own set-up would deadlock
 * (facts/openssl-store.md 2.1). Never closed: libcurl leaves atexit handlers behind. */
static void open_curl(void)
{
    static const char *const names[] = { "libcurl.so.4", "libcurl-gnutls.so.4" };

    curl_is_there = dcs_dl_open(names, DCS_COUNT(names), symbols, DCS_COUNT(symbols), &curl,
                                curl_problem, sizeof(curl_problem)) &&
                    curl.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

struct dcs_http {
    const struct dcs_env *env;
    char *ca_file, *proxy, *user_agent;
    const char *ca_key;
    CURL *easy;
    pid_t pid; /* that made easy: it must not cross a fork */
};

bool dcs_http_new(const struct dcs_http_options *options, struct dcs_http **ret_http,
                  struct dcs_err *err)
{
    dcs_auto(dcs_http) struct dcs_http *http = dcs_alloc(1, sizeof(*http), err);

    if (!http || !dcs_str_copy(options->ca_file, &http->ca_file, err) ||
        !dcs_str_copy(options->proxy, &http->proxy, err) ||
        !dcs_str_copy(options->user_agent, &http->user_agent, err))
        return false;
    http->env = options->env;
    http->ca_key = options->ca_key ? options->ca_key : "api_ca_file";
    *ret_http = dcs_steal(&http);
    return true;
}

void dcs_http_free(struct dcs_http *http)
{
    if (!http)
        return;
    if (http->easy && http->pid == getpid())
        curl.easy_cleanup(http->easy);
    free(http->ca_file);
    free(http->proxy);
    free(http->user_agent);
    free(http);
}

void dcs_http_drop(struct dcs_http **http)
{
    dcs_http_free(*http);
    *http = NULL;
}

void dcs_http_answer_drop(struct dcs_http_answer *answer)
{
    dcs_buf_clear(&answer->body);
    *answer = (struct dcs_http_answer){ 0 };
}

/* A handle that the parent of a fork made is left alone: its connection is the parent's. */
static bool ready(struct dcs_http *http, struct dcs_err *err)
{
    pthread_once(&curl_once, open_curl);
    if (!curl_is_there) {
        dcs_fail(err, DCS_E_CONFIG, "libcurl cannot be used: %s", curl_problem);
        return dcs_hint(err, "install libcurl (Debian: libcurl4)");
    }
    if (http->easy && http->pid == getpid())
        return true;
    http->easy = curl.easy_init();
    http->pid = getpid();
    return http->easy || dcs_fail(err, DCS_E_NOMEM, "out of memory");
}

/* ---- what comes back ---- */

struct receiver {
    struct dcs_http_answer *answer;
    size_t max;
    bool too_large;
};

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    struct receiver *r = context;
    size_t len = size * count;

    if (len > r->max - r->answer->body.len) {
        r->too_large = true;
        return 0;
    }
    dcs_buf_add(&r->answer->body, data, len);
    return r->answer->body.failed ? 0 : len;
}

/* The value of "name: value" into out, trimmed; false when it is another header. */
static bool header_value(const char *data, size_t len, const char *name, char *out, size_t capacity)
{
    size_t name_len = strlen(name);

    if (len <= name_len + 1 || strncasecmp(data, name, name_len) != 0 || data[name_len] != ':')
        return false;
    const char *value = data + name_len + 1;
    size_t left = len - name_len - 1;
    while (left > 0 && (*value == ' ' || *value == '\t')) {
        value++;
        left--;
    }
    while (left > 0 &&
           (value[left - 1] == '\r' || value[left - 1] == '\n' || value[left - 1] == ' '))
        left--;
    snprintf(out, capacity, "%.*s", (int)(left < capacity ? left : capacity - 1), value);
    return true;
}

static size_t take_header(char *data, size_t size, size_t count, void *context)
{
    struct receiver *r = context;
    size_t len = size * count;
    char value[128];
    int64_t number = 0;

    if (header_value(data, len, "Date", value, sizeof(value)) &&
        dcs_time_parse_http(value, &number))
        r->answer->date = number;
    if (header_value(data, len, "Retry-After", value, sizeof(value)) &&
        dcs_parse_i64(value, 0, 86400, &number))
        r->answer->retry_after_s = number;
    if (header_value(data, len, "Content-Type", value, sizeof(value))) {
        value[strcspn(value, "; \t")] = '\0';
        for (char *at = value; *at; at++)
            if (*at >= 'A' && *at <= 'Z')
                *at |= 0x20;
        snprintf(r->answer->content_type, sizeof(r->answer->content_type), "%.60s", value);
    }
    return len;
}

/* ---- sending ---- */

struct headers {
    struct curl_slist *list;
};

/* curl copies each line; the copy of the API key is wiped before it is freed. */
static void headers_drop(struct headers *headers)
{
    if (!headers->list)
        return;
    for (struct curl_slist *at = headers->list; at; at = at->next)
        dcs_wipe(at->data, strlen(at->data));
    curl.slist_free_all(headers->list);
    headers->list = NULL;
}

static bool add_header(struct headers *headers, const char *line, struct dcs_err *err)
{
    struct curl_slist *longer = curl.slist_append(headers->list, line);

    if (!longer)
        return dcs_fail(err, DCS_E_NOMEM, "out of memory");
    headers->list = longer;
    return true;
}

static bool make_headers(const struct dcs_http_request *request, struct headers *headers,
                         struct dcs_err *err)
{
    dcs_auto(dcs_buf) struct dcs_buf line = { .max = 4096, .secret = true };
    bool is_get = strcmp(request->method, "GET") == 0;

    if (!add_header(headers, "Expect:", err))
        return false;
    for (size_t i = 0; request->headers && request->headers[i] && i < HEADERS_MAX; i++)
        if (!add_header(headers, request->headers[i], err))
            return false;
    if (!is_get && !request->body && !add_header(headers, "Content-Length: 0", err))
        return false;
    if (!request->secret_header_name)
        return true;
    dcs_buf_addf(&line, "%s: ", request->secret_header_name);
    dcs_buf_add(&line, request->secret_header->data, request->secret_header->len);
    return dcs_buf_ok(&line, "a header", err) && add_header(headers, dcs_buf_text(&line), err);
}

static void set_safety(struct dcs_http *http, const struct dcs_http_request *request)
{
    CURL *easy = http->easy;
    const char *protocols = request->plain_ok ? "https,http" : "https";

    curl.easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl.easy_setopt(easy, CURLOPT_PROTOCOLS_STR, protocols);
    curl.easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl.easy_setopt(easy, CURLOPT_PROXY, http->proxy); /* "" also switches the environment's off */
    curl.easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl.easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl.easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl.easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (*http->ca_file) {
        curl.easy_setopt(easy, CURLOPT_CAINFO, http->ca_file);
        curl.easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    curl.easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl.easy_setopt(easy, CURLOPT_USERAGENT, http->user_agent);
}

static void set_limits(struct dcs_http *http, const struct dcs_http_request *request)
{
    long timeout = (long)(request->timeout_ms > 0 ? request->timeout_ms : 1);

    curl.easy_setopt(http->easy, CURLOPT_TIMEOUT_MS, timeout);
    curl.easy_setopt(http->easy, CURLOPT_CONNECTTIMEOUT_MS,
                     timeout < CONNECT_MS ? timeout : CONNECT_MS);
    curl.easy_setopt(http->easy, CURLOPT_LOW_SPEED_LIMIT, (long)SLOW_BYTES_S);
    curl.easy_setopt(http->easy, CURLOPT_LOW_SPEED_TIME, (long)SLOW_FOR_S);
    curl.easy_setopt(http->easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)request->max_bytes);
}

static void set_request(struct dcs_http *http, const struct dcs_http_request *request)
{
    curl.easy_setopt(http->easy, CURLOPT_URL, request->url);
    if (request->body) {
        curl.easy_setopt(http->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
        curl.easy_setopt(http->easy, CURLOPT_POSTFIELDS, request->body);
    }
    if (strcmp(request->method, "GET") == 0)
        return;
    curl.easy_setopt(http->easy, CURLOPT_CUSTOMREQUEST, request->method);
    /* libcurl sends a request again by itself when a kept connection turns out to be dead. What
     * changes something at the CA goes over a new connection, which it never does that on. */
    curl.easy_setopt(http->easy, CURLOPT_FRESH_CONNECT, 1L);
}

static bool fail_transfer(const struct dcs_http *http, const struct dcs_http_request *request,
                          CURLcode code, const char *detail, bool too_large, struct dcs_err *err)
{
    char host[256];
    char reason[CURL_ERROR_SIZE];

    if (!dcs_http_host(request->url, host, sizeof(host)))
        snprintf(host, sizeof(host), "%.200s", request->url);
    dcs_clean_text(*detail ? detail : curl.easy_strerror(code), reason, sizeof(reason));
    if (too_large || code == CURLE_FILESIZE_EXCEEDED)
        return dcs_fail(err, DCS_E_AWAY, "the answer of %s is larger than %zu bytes", host,
                        request->max_bytes);
    if (code == CURLE_SSL_CACERT_BADFILE) {
        dcs_fail(err, DCS_E_CONFIG, "%s %s cannot be used: %s", http->ca_key, http->ca_file,
                 reason);
        return dcs_hint(err, "it must be a readable PEM file with CA certificates");
    }
    dcs_fail(err, DCS_E_AWAY, "no answer from %s: %s", host, reason);
    if (code == CURLE_PEER_FAILED_VERIFICATION)
        return dcs_hint(err,
                        "the server's certificate is not trusted: for a private endpoint set "
                        "%s; else look at the host's CA certificates and clock",
                        http->ca_key);
    return false;
}

static bool perform(struct dcs_http *http, const struct dcs_http_request *request,
                    const struct headers *headers, struct dcs_http_answer *answer,
                    struct dcs_err *err)
{
    char detail[CURL_ERROR_SIZE] = "";
    struct receiver receiver = { .answer = answer, .max = request->max_bytes };
    long status = 0;

    curl.easy_reset(http->easy); /* keeps the connection */
    set_safety(http, request);
    set_limits(http, request);
    set_request(http, request);
    curl.easy_setopt(http->easy, CURLOPT_HTTPHEADER, headers->list);
    curl.easy_setopt(http->easy, CURLOPT_ERRORBUFFER, detail);
    curl.easy_setopt(http->easy, CURLOPT_WRITEFUNCTION, take_body);
    curl.easy_setopt(http->easy, CURLOPT_WRITEDATA, &receiver);
    curl.easy_setopt(http->easy, CURLOPT_HEADERFUNCTION, take_header);
    curl.easy_setopt(http->easy, CURLOPT_HEADERDATA, &receiver);
    CURLcode code = curl.easy_perform(http->easy);
    /* Nothing of this call's stack stays in the handle. */
    curl.easy_setopt(http->easy, CURLOPT_ERRORBUFFER, NULL);
    curl.easy_setopt(http->easy, CURLOPT_HTTPHEADER, NULL);
    if (code != CURLE_OK)
        return fail_transfer(http, request, code, detail, receiver.too_large, err);
    curl.easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &status);
    answer->status = (int)status;
    return true;
}

bool dcs_http_send(struct dcs_http *http, const struct dcs_http_request *request,
                   struct dcs_http_answer *ret_answer, struct dcs_err *err)
{
    dcs_auto(headers) struct headers headers = { 0 };
    dcs_auto(dcs_http_answer) struct dcs_http_answer answer = { .date = -1, .retry_after_s = -1 };

    bool is_plain = strncasecmp(request->url, "http://", 7) == 0;
    if (strncasecmp(request->url, "https://", 8) != 0 && !(is_plain && request->plain_ok))
        return dcs_fail(err, DCS_E_CONFIG, "\"%.100s\" is no https:// URL", request->url);
    answer.body.max = request->max_bytes;
    if (!ready(http, err) || !make_headers(request, &headers, err) ||
        !perform(http, request, &headers, &answer, err))
        return false;
    *ret_answer = answer;
    answer = (struct dcs_http_answer){ 0 };
    return true;
}

/* ---- URLs ---- */

bool dcs_http_escape(const char *text, struct dcs_buf *out, struct dcs_err *err)
{
    static const char digits[] = "0123456789ABCDEF";

    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     strchr("-._~", c);
        if (plain)
            dcs_buf_addc(out, (char)c);
        else
            dcs_buf_addf(out, "%%%c%c", digits[c >> 4], digits[c & 15]);
    }
    return dcs_buf_ok(out, "a URL", err);
}

bool dcs_http_host(const char *url, char *out, size_t capacity)
{
    const char *start = strstr(url, "://");
    size_t len = start ? strcspn(start + 3, "/?#") : 0;

    if (len == 0 || len >= capacity || strncasecmp(url, "http", 4) != 0)
        return false;
    for (size_t i = 0; i < len; i++)
        out[i] =
            (char)(start[3 + i] >= 'A' && start[3 + i] <= 'Z' ? start[3 + i] | 0x20 : start[3 + i]);
    out[len] = '\0';
    return true;
}
