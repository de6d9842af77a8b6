// SPDX-License-Identifier: Apache-2.0
/* tls.c - one TLS handshake for the server's certificate; sends nothing over it, trusts nothing of it. */
#include "io/tls.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "io/x509_context.h"

struct connection {
    const struct dcs_env *env;
    struct dcs_deadline deadline;
    int fd;
    SSL_CTX *context;
    SSL *ssl;
};

static void connection_drop(struct connection *c)
{
    SSL_free(c->ssl);
    SSL_CTX_free(c->context);
    if (c->fd >= 0)
        close(c->fd);
}

static bool wait_for(struct connection *c, short events, struct dcs_err *err)
{
    struct pollfd ready = { .fd = c->fd, .events = events };
    int64_t left = dcs_deadline_left_ms(c->env, c->deadline);

    int done = poll(&ready, 1, (int)(left < 60000 ? left : 60000));
    if (done > 0 || (done < 0 && errno == EINTR && left > 0))
        return true;
    return dcs_fail(err, DCS_E_STATE, "it does not answer");
}

static bool connect_one(struct connection *c, const struct addrinfo *address, struct dcs_err *err)
{
    int error = 0;
    socklen_t len = sizeof(error);

    c->fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (c->fd < 0)
        return dcs_fail_errno(err, errno, "socket");
    if (connect(c->fd, address->ai_addr, address->ai_addrlen) == 0)
        return true;
    error = errno;
    if (error == EINPROGRESS) {
        if (!wait_for(c, POLLOUT, err))
            return false;
        if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
            error = errno;
    }
    return error == 0 || dcs_fail_errno(err, error, "connecting");
}

static bool connect_any(struct connection *c, const struct dcs_tls_server *server,
                        struct dcs_err *err)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC };
    struct addrinfo *all = NULL;
    struct dcs_err why = { 0 };

    int failed = getaddrinfo(server->host, server->port, &hints, &all);
    if (failed)
        return dcs_fail(err, DCS_E_STATE, "%s: %s", server->host, gai_strerror(failed));
    bool connected = false;
    for (const struct addrinfo *a = all; a && !connected; a = a->ai_next) {
        if (c->fd >= 0)
            close(c->fd);
        c->fd = -1;
        connected = connect_one(c, a, &why);
    }
    freeaddrinfo(all);
    return connected || dcs_fail(err, DCS_E_STATE, "%s", why.text);
}

static bool begin(struct connection *c, const struct dcs_tls_server *server, struct dcs_err *err)
{
    OSSL_LIB_CTX *libctx = dcs_crypto(err);

    if (!libctx)
        return false;
    c->context = SSL_CTX_new_ex(libctx, NULL, TLS_client_method());
    if (!c->context || !SSL_CTX_set_min_proto_version(c->context, TLS1_2_VERSION))
        return dcs_fail(err, DCS_E_BUG, "no TLS context: %s", dcs_crypto_reason());
    SSL_CTX_set_verify(c->context, SSL_VERIFY_NONE, NULL);
    c->ssl = SSL_new(c->context);
    if (!c->ssl || !SSL_set_fd(c->ssl, c->fd) ||
        (server->sni[0] && !SSL_set_tlsext_host_name(c->ssl, server->sni)))
        return dcs_fail(err, DCS_E_BUG, "no TLS connection: %s", dcs_crypto_reason());
    return true;
}

static bool shake_hands(struct connection *c, struct dcs_err *err)
{
    for (;;) {
        ERR_clear_error();
        int done = SSL_connect(c->ssl);
        if (done == 1)
            return true;
        int error = SSL_get_error(c->ssl, done);
        if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
            return dcs_fail(err, DCS_E_STATE, "no TLS handshake: %s",
                            error == SSL_ERROR_SYSCALL ? "the connection was closed"
                                                       : dcs_crypto_reason());
        if (dcs_deadline_left_ms(c->env, c->deadline) == 0)
            return dcs_fail(err, DCS_E_STATE, "the TLS handshake does not come to its end");
        if (!wait_for(c, error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, err))
            return false;
    }
}

static bool leaf_hash(struct connection *c, uint8_t out[DCS_SHA256_LEN], struct dcs_err *err)
{
    unsigned char *der = NULL;
    X509 *leaf = SSL_get1_peer_certificate(c->ssl);
    int len = leaf ? i2d_X509(leaf, &der) : -1;
    bool good = len > 0 ? dcs_sha256(der, (size_t)len, out, err)
                        : dcs_fail(err, DCS_E_STATE, "it presents no certificate");

    OPENSSL_free(der);
    X509_free(leaf);
    return good;
}

bool dcs_tls_leaf(const struct dcs_env *env, const struct dcs_tls_server *server,
                  int64_t deadline_ms, uint8_t ret_sha256[DCS_SHA256_LEN], struct dcs_err *err)
{
    dcs_auto(connection) struct connection c = { .env = env,
                                                 .deadline = dcs_deadline_in(env, deadline_ms),
                                                 .fd = -1 };
    dcs_auto(dcs_quiet) int quiet = dcs_quiet_begin();
    uint8_t hash[DCS_SHA256_LEN];

    (void)quiet;
    signal(SIGPIPE, SIG_IGN); /* a server that closes while we write */
    if (!connect_any(&c, server, err) || !begin(&c, server, err) || !shake_hands(&c, err) ||
        !leaf_hash(&c, hash, err))
        return false;
    SSL_shutdown(c.ssl);
    memcpy(ret_sha256, hash, sizeof(hash));
    return true;
}
