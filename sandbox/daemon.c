// SPDX-License-Identifier: Apache-2.0
/*
 * daemon.c - takes requests off the sockets, applies faults and rate limits, and sends answers. One
 * thread a connection, one lock over the world; waiting (delays, hangs) happens outside it.
 */
#include "daemon.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "fault.h"
#include "limit.h"
#include "log.h"
#include "maintenance.h"
#include "reply.h"

#define API_PREFIX "/services/v2"

enum {
    CONNECTIONS_MAX = 2000,
    BODY_MAX = 1 << 20,
    HANG_MS = 300000,
};

/* Over world, faults and log; the CRLs' port reads the same world. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

struct sb_daemon {
    struct MHD_Daemon *http;
    struct sb_world *world;
    struct sb_faults *faults;
    struct sb_log *log;
    atomic_uint_fast64_t connections;
    atomic_bool stopping;
    bool is_crl;
};

/* One request under way. */
struct call {
    struct sb_buf body;
    bool too_large;
};

static void pause_ms(struct sb_daemon *daemon, int64_t ms)
{
    while (ms > 0 && !atomic_load(&daemon->stopping)) {
        struct timespec step = { 0, 1000000 * (ms < 50 ? ms : 50) };
        nanosleep(&step, NULL);
        ms -= 50;
    }
}

/* ---- answers ---- */

static void add_service_headers(struct MHD_Response *response, int64_t when)
{
    static const struct {
        const char *name, *value;
    } headers[] = {
        { "Server", "nginx" },
        { "Cache-Control", "private,no-cache" },
        { "Strict-Transport-Security", "max-age=31536000" },
        { "X-CDN", "Imperva" },
        { "X-Iinfo", "9-12345678-12345679 NNNN CT(0 0 0) RT(0 0) q(0 0 0 -1) r(0 0) U5" },
        { "Set-Cookie", "visid_incap_1=a; path=/; Domain=.digicert.com" },
        { "Set-Cookie", "nlbi_1=b; path=/; Domain=.digicert.com" },
        { "Set-Cookie", "incap_ses_1=c; path=/; Domain=.digicert.com" },
    };
    char date[SB_TIME_TEXT];

    for (size_t i = 0; i < SB_COUNT(headers); i++)
        MHD_add_response_header(response, headers[i].name, headers[i].value);
    sb_time_http(when, date);
    MHD_add_response_header(response, "Date", date);
}

/* What a fault makes of an answer's body. */
static void distort(const struct sb_fault *fault, struct sb_reply *reply)
{
    static const char html[] =
        "<!DOCTYPE html><html><head><title>Service unavailable</title></head>"
        "<body><h1>We will be back soon</h1></body></html>\n";

    if (fault->status)
        reply->status = fault->status;
    if (fault->html || fault->body) {
        sb_buf_clear(&reply->body);
        sb_buf_adds(&reply->body, fault->body ? fault->body : html);
        reply->content_type = fault->html ? "text/html" : "application/json";
    }
    if (fault->depth) {
        sb_buf_clear(&reply->body);
        sb_buf_fill(&reply->body, '[', (size_t)fault->depth);
        sb_buf_fill(&reply->body, ']', (size_t)fault->depth);
    }
    if (fault->size > (int64_t)reply->body.len)
        sb_buf_fill(&reply->body, ' ', (size_t)fault->size - reply->body.len);
    if (fault->truncate && (size_t)fault->truncate < reply->body.len)
        reply->body.len = (size_t)fault->truncate;
    if (fault->content_type)
        reply->content_type = fault->content_type;
}

/* A body that comes slowly, or stops in the middle. */
struct slow_body {
    struct sb_daemon *daemon;
    char *data;
    size_t len, cut_at;
    int64_t bytes_per_s;
};

static ssize_t give_slowly(void *context, uint64_t position, char *out, size_t room)
{
    struct slow_body *slow = context;

    if (position >= slow->cut_at)
        return slow->cut_at < slow->len ? MHD_CONTENT_READER_END_WITH_ERROR
                                        : MHD_CONTENT_READER_END_OF_STREAM;
    size_t left = slow->cut_at - (size_t)position;
    size_t part = left < room ? left : room;
    if (slow->bytes_per_s) {
        size_t step = (size_t)(slow->bytes_per_s / 10 > 0 ? slow->bytes_per_s / 10 : 1);
        part = part < step ? part : step;
        pause_ms(slow->daemon, 100);
        if (atomic_load(&slow->daemon->stopping))
            return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    memcpy(out, slow->data + position, part);
    return (ssize_t)part;
}

static void free_slow(void *context)
{
    struct slow_body *slow = context;

    sb_free(slow->data);
    sb_free(slow);
}

static struct MHD_Response *make_response(struct sb_daemon *daemon, const struct sb_fault *fault,
                                          struct sb_reply *reply)
{
    if (!fault->cut_mid_body && !fault->trickle_bytes_per_s && !fault->chunked)
        return MHD_create_response_from_buffer(reply->body.len, (void *)sb_buf_text(&reply->body),
                                               MHD_RESPMEM_MUST_COPY);
    struct slow_body *slow = sb_alloc(sizeof(*slow));
    slow->daemon = daemon;
    slow->len = reply->body.len;
    slow->cut_at = fault->cut_mid_body ? slow->len / 2 : slow->len;
    slow->bytes_per_s = fault->trickle_bytes_per_s;
    slow->data = sb_buf_steal(&reply->body);
    uint64_t size = fault->chunked ? MHD_SIZE_UNKNOWN : slow->len;
    return MHD_create_response_from_callback(size, 65536, give_slowly, slow, free_slow);
}

static enum MHD_Result send_reply(struct sb_daemon *daemon, struct MHD_Connection *connection,
                                  const struct sb_fault *fault, struct sb_reply *reply)
{
    struct MHD_Response *response = make_response(daemon, fault, reply);
    enum MHD_Result sent = MHD_NO;

    if (response) {
        if (reply->content_type && reply->status != 204)
            MHD_add_response_header(response, "Content-Type", reply->content_type);
        if (fault->location)
            MHD_add_response_header(response, "Location", fault->location);
        if (!daemon->is_crl)
            add_service_headers(response, reply->date);
        sent = MHD_queue_response(connection, (unsigned)reply->status, response);
        MHD_destroy_response(response);
    }
    return sent;
}

/* ---- requests ---- */

static const char *query_of(const void *source, const char *name)
{
    return MHD_lookup_connection_value((struct MHD_Connection *)source, MHD_GET_ARGUMENT_KIND,
                                       name);
}

struct query_text {
    struct sb_buf *out;
    bool any;
};

static enum MHD_Result add_query(void *context, enum MHD_ValueKind kind, const char *name,
                                 const char *value)
{
    struct query_text *q = context;

    (void)kind;
    sb_buf_addf(q->out, "%c%s=%s", q->any ? '&' : '?', name, value ? value : "");
    q->any = true;
    return MHD_YES;
}

static uint64_t connection_id(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    uint64_t *id = info ? info->socket_context : NULL;

    return id ? *id : 0;
}

/* Another certificate's PEM for this id, as the CA was known to send. */
static void serve_wrong(struct sb_world *world, int64_t id, struct sb_reply *reply)
{
    struct sb_certificate *certificate = NULL;
    struct sb_order *order = sb_world_certificate(world, id, &certificate);

    if (!order && (order = sb_world_order(world, id)))
        certificate = sb_order_primary(order);
    sb_buf_clear(&reply->body);
    if (order && sb_order_pem(world, order, certificate, true, true, &reply->body))
        reply->status = 200;
}

/* The path within the Services API; NULL of what is none of it. */
static const char *api_path(const char *url)
{
    return strncmp(url, API_PREFIX "/", strlen(API_PREFIX) + 1) == 0 ? url + strlen(API_PREFIX)
                                                                     : NULL;
}

static void answer_api(struct sb_daemon *daemon, struct sb_request *request, struct sb_fault *fault,
                       struct sb_reply *reply)
{
    if (strncmp(request->path, "/_sandbox/", 10) == 0) {
        sb_control_answer(request, daemon->faults, daemon->log, reply);
        return;
    }
    if (sb_maintenance_answer(request, reply))
        return;
    if (!api_path(request->path)) {
        sb_reply_error(reply, 404, "not_found", "The URL is badly built.");
        return;
    }
    request->path = api_path(request->path);
    if (request->key && !request->key->revoked && sb_over_limit(daemon->world, request->key)) {
        sb_reply_error(reply, 429, "request_limit_exceeded",
                       "Service unavailable, please limit request volume");
        return;
    }
    /* A fault with a status of its own happens in front of the service: it has no effect there. */
    if (fault->cut_before || fault->hang || fault->html || (fault->status && !fault->cut_after)) {
        sb_reply_error(reply, fault->status ? fault->status : 200, "sandbox_fault", "As ordered.");
        return;
    }
    sb_api_answer(request, reply);
    if (fault->wrong_certificate)
        serve_wrong(daemon->world, fault->wrong_certificate, reply);
}

static void log_request(struct sb_daemon *daemon, struct MHD_Connection *connection,
                        const struct sb_request *request, const char *url, int status)
{
    struct sb_buf path = { 0 };
    struct query_text query = { &path, false };

    if (strncmp(url, "/_sandbox/", 10) == 0)
        return;
    sb_buf_adds(&path, api_path(url) ? api_path(url) : url);
    MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, add_query, &query);
    sb_log_add(daemon->log, &(struct sb_log_row){ .method = request->method,
                                                  .path = sb_buf_text(&path),
                                                  .body = request->body,
                                                  .status = status,
                                                  .when_ms = sb_clock_now_ms(&daemon->world->clock),
                                                  .connection = connection_id(connection) });
    sb_buf_clear(&path);
}

static enum MHD_Result answer(struct sb_daemon *daemon, struct MHD_Connection *connection,
                              const char *url, const char *method, struct call *call)
{
    struct sb_reply reply = { .status = 200 };
    struct sb_fault fault = { 0 };
    struct sb_request request = { .world = daemon->world,
                                  .method = method,
                                  .path = url,
                                  .query = query_of,
                                  .source = connection,
                                  .body = sb_buf_text(&call->body) };
    bool is_control = strncmp(url, "/_sandbox/", 10) == 0;

    request.accept = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Accept");
    pthread_mutex_lock(&mutex);
    sb_world_tick(daemon->world);
    request.key = sb_world_key(
        daemon->world, MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "X-DC-DEVKEY"));
    if (!is_control)
        sb_faults_take(daemon->faults, method, api_path(url) ? api_path(url) : url, &fault);
    if (api_path(url))
        sb_maintenance_apply(daemon->world, &fault);
    if (call->too_large)
        sb_reply_error(&reply, 413, "bad_request_format", "The request body is too large.");
    else
        answer_api(daemon, &request, &fault, &reply);
    distort(&fault, &reply);
    reply.date = sb_clock_now(&daemon->world->clock) + fault.date_offset_s;
    log_request(daemon, connection, &request, url, reply.status);
    int64_t wait = fault.delay_ms + (is_control ? 0 : daemon->world->settings.latency_ms);
    pthread_mutex_unlock(&mutex);
    pause_ms(daemon, fault.hang ? HANG_MS : wait);
    enum MHD_Result sent = MHD_NO; /* closes the connection */
    if (!fault.hang && !fault.cut_before && !fault.cut_after)
        sent = send_reply(daemon, connection, &fault, &reply);
    sb_buf_clear(&reply.body);
    sb_fault_clear(&fault);
    return sent;
}

/* "/intermediate.crl" is the first one's, "/intermediate-2.crl" the second one's. */
static size_t number_of_crl(const char *url)
{
    sb_auto(sb_free_drop) char *name = sb_strndup(url, strcspn(url, "."));
    int64_t which = 1;
    bool later = strncmp(name, "/intermediate-", 14) == 0;

    return later && sb_parse_number(name + 14, 2, INT32_MAX, &which) ? (size_t)which - 1 : 0;
}

static enum MHD_Result answer_crl(struct sb_daemon *daemon, struct MHD_Connection *connection,
                                  const char *url)
{
    struct sb_reply reply = { .status = 200, .content_type = "application/pkix-crl" };
    struct sb_fault none = { 0 };

    pthread_mutex_lock(&mutex);
    if (!daemon->world || !sb_world_crl(daemon->world, number_of_crl(url), &reply.body))
        reply.status = 503;
    pthread_mutex_unlock(&mutex);
    enum MHD_Result sent = send_reply(daemon, connection, &none, &reply);
    sb_buf_clear(&reply.body);
    return sent;
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *len, void **state)
{
    struct sb_daemon *daemon = context;
    struct call *call = *state;

    (void)version;
    if (!call) {
        *state = sb_alloc(sizeof(*call));
        return MHD_YES;
    }
    if (*len) {
        call->too_large |= call->body.len + *len > BODY_MAX;
        if (!call->too_large)
            sb_buf_add(&call->body, data, *len);
        *len = 0;
        return MHD_YES;
    }
    return daemon->is_crl ? answer_crl(daemon, connection, url)
                          : answer(daemon, connection, url, method, call);
}

static void finished(void *context, struct MHD_Connection *connection, void **state,
                     enum MHD_RequestTerminationCode code)
{
    struct call *call = *state;

    (void)context;
    (void)connection;
    (void)code;
    if (!call)
        return;
    sb_buf_clear(&call->body);
    sb_free(call);
}

/* Connections are numbered, so that tests can count them. */
static void noticed(void *context, struct MHD_Connection *connection, void **socket_context,
                    enum MHD_ConnectionNotificationCode code)
{
    struct sb_daemon *daemon = context;

    (void)connection;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        uint64_t *id = sb_alloc(sizeof(*id));
        *id = atomic_fetch_add(&daemon->connections, 1) + 1;
        *socket_context = id;
    } else {
        sb_free(*socket_context);
        *socket_context = NULL;
    }
}

/* ---- start and stop ---- */

static struct sb_daemon *new_daemon(struct sb_world *world, bool is_crl)
{
    struct sb_daemon *daemon = sb_alloc(sizeof(*daemon));

    daemon->world = world;
    daemon->is_crl = is_crl;
    daemon->faults = sb_faults_new();
    daemon->log = sb_log_new();
    return daemon;
}

static struct sockaddr_in loopback(int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

bool sb_daemon_start(struct sb_world *world, int port, const char *tls_key, const char *tls_cert,
                     struct sb_daemon **ret_daemon)
{
    struct sb_daemon *daemon = new_daemon(world, false);
    struct sockaddr_in address = loopback(port);

    daemon->http = MHD_start_daemon(
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
            MHD_USE_TLS,
        0, NULL, NULL, handle, daemon, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_HTTPS_MEM_KEY,
        tls_key, MHD_OPTION_HTTPS_MEM_CERT, tls_cert, MHD_OPTION_NOTIFY_COMPLETED, finished, NULL,
        MHD_OPTION_NOTIFY_CONNECTION, noticed, daemon, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_MAX, MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u,
        MHD_OPTION_LISTEN_BACKLOG_SIZE, 1024u, MHD_OPTION_END);
    if (!daemon->http) {
        sb_daemon_stop(daemon);
        return sb_complain("cannot listen on 127.0.0.1:%d; is another simulator running there?",
                           port);
    }
    *ret_daemon = daemon;
    return true;
}

bool sb_daemon_start_crl(int port, struct sb_daemon **ret_daemon)
{
    struct sb_daemon *daemon = new_daemon(NULL, true);
    struct sockaddr_in address = loopback(port);

    daemon->http = MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD,
                                    0, NULL, NULL, handle, daemon, MHD_OPTION_SOCK_ADDR, &address,
                                    MHD_OPTION_NOTIFY_COMPLETED, finished, NULL,
                                    MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_END);
    if (!daemon->http) {
        sb_daemon_stop(daemon);
        return sb_complain("cannot listen on 127.0.0.1:%d for CRLs", port);
    }
    *ret_daemon = daemon;
    return true;
}

void sb_daemon_set_world(struct sb_daemon *daemon, struct sb_world *world)
{
    pthread_mutex_lock(&mutex);
    daemon->world = world;
    pthread_mutex_unlock(&mutex);
}

int sb_daemon_port(const struct sb_daemon *daemon)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon->http, MHD_DAEMON_INFO_BIND_PORT);

    return info ? info->port : 0;
}

void sb_daemon_stop(struct sb_daemon *daemon)
{
    atomic_store(&daemon->stopping, true);
    if (daemon->http)
        MHD_stop_daemon(daemon->http);
    sb_faults_free(daemon->faults);
    sb_log_free(daemon->log);
    sb_free(daemon);
}
