/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.h - HTTPS requests through libcurl, opened with dlopen at the first request.
 *
 * TLS verification is always on; redirects, cookies, netrc and the environment's proxies are off;
 * NOSIGNAL. Answers are bounded in bytes, total time and speed (1 KiB/s). A struct dcs_http is used
 * by one thread at a time and keeps one connection; it must not cross a fork (checked by pid: a
 * child starts afresh). libcurl is opened RTLD_LOCAL and recorded in an ELF .note.dlopen.
 */
#ifndef DCS_IO_HTTP_H
#define DCS_IO_HTTP_H

#include "base/buf.h"
#include "base/env.h"

struct dcs_http;

struct dcs_http_options {
    const struct dcs_env *env;
    const char *ca_file;    /* "" or NULL: the system's */
    const char *ca_key;     /* the configuration key that named it, for messages; static; NULL:
                             * api_ca_file */
    const char *proxy;      /* "" or NULL: none */
    const char *user_agent; /* required */
};

struct dcs_http_request {
    const char *method; /* "GET", "POST", "PUT" */
    const char *url;    /* https://; http:// only when plain_ok (CRLs) */
    bool plain_ok;
    const char *const *headers;             /* "Name: value", NULL-terminated; may be NULL */
    const char *secret_header_name;         /* e.g. X-DC-DEVKEY; NULL: none */
    const struct dcs_secret *secret_header; /* its value; wiped by us after use */
    const void *body; /* NULL: none; Content-Length: 0 is sent on body-less POST and PUT */
    size_t body_len;
    size_t max_bytes;   /* of the answer's body */
    int64_t timeout_ms; /* whole request */
};

struct dcs_http_answer {
    int status;
    struct dcs_buf body;
    int64_t date;          /* the Date header, -1 without one */
    int64_t retry_after_s; /* -1 without one */
    char content_type[64]; /* lower case, without parameters */
};
void dcs_http_answer_drop(struct dcs_http_answer *answer);

bool dcs_http_new(const struct dcs_http_options *options, struct dcs_http **ret_http,
                  struct dcs_err *err) DCS_CHECKED;
void dcs_http_free(struct dcs_http *http);
void dcs_http_drop(struct dcs_http **http);
/*
 * True with whatever status the server gave. False: DCS_E_AWAY with curl's reason (no connection,
 * time-out, TLS, cut, too slow, too large, redirect...), DCS_E_CONFIG when ca_file is unusable or
 * libcurl is missing.
 */
bool dcs_http_send(struct dcs_http *http, const struct dcs_http_request *request,
                   struct dcs_http_answer *ret_answer, struct dcs_err *err) DCS_CHECKED;
/* Percent-encodes for a path segment or query value. */
bool dcs_http_escape(const char *text, struct dcs_buf *out, struct dcs_err *err) DCS_CHECKED;
/* Host part of a URL, lower case, into out; false when it is no https URL. */
bool dcs_http_host(const char *url, char *out, size_t capacity) DCS_CHECKED;

#endif
