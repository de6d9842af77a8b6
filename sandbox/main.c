// SPDX-License-Identifier: Apache-2.0
/* main.c - digicert-sandbox: a CertCentral simulator on loopback; holds nothing worth protecting. */
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"
#include "file.h"
#include "sandbox-build.h"

struct options {
    const char *dir, *listen, *crl_listen, *ready_file;
    bool seed, rate_limit, has_clock;
    int64_t clock;
};

static void usage(FILE *to)
{
    fprintf(to, "usage: digicert-sandbox --dir DIR [--listen 127.0.0.1:PORT] [--crl-listen "
                "127.0.0.1:PORT]\n"
                "           [--seed-orders none|documented] [--no-rate-limit] [--clock TIME] "
                "[--ready-file FILE]\n"
                "Simulates DigiCert CertCentral on loopback. Prints url=, ca=, key= and crl= when "
                "it serves.\n"
                "TIME is RFC 3339 or @SECONDS. SIGTERM or SIGINT ends it; DIR keeps its state.\n");
}

static bool read_port(const char *text, int *ret_port)
{
    int64_t port = 0;

    if (strncmp(text, "127.0.0.1:", 10) != 0 || !sb_parse_number(text + 10, 0, 65535, &port))
        return sb_complain("\"%s\" is not 127.0.0.1:PORT: the simulator serves on loopback only",
                           text);
    *ret_port = (int)port;
    return true;
}

static bool read_options(int argc, char **argv, struct options *o)
{
    static const struct option names[] = {
        { "listen", required_argument, NULL, 'l' },
        { "dir", required_argument, NULL, 'd' },
        { "seed-orders", required_argument, NULL, 's' },
        { "no-rate-limit", no_argument, NULL, 'n' },
        { "clock", required_argument, NULL, 'c' },
        { "ready-file", required_argument, NULL, 'r' },
        { "crl-listen", required_argument, NULL, 'C' },
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, 'V' },
        { NULL, 0, NULL, 0 },
    };

    *o = (struct options){
        .listen = "127.0.0.1:0", .crl_listen = "127.0.0.1:0", .seed = true, .rate_limit = true
    };
    for (int c = getopt_long(argc, argv, "", names, NULL); c != -1;
         c = getopt_long(argc, argv, "", names, NULL)) {
        switch (c) {
        case 'l':
            o->listen = optarg;
            break;
        case 'C':
            o->crl_listen = optarg;
            break;
        case 'd':
            o->dir = optarg;
            break;
        case 'r':
            o->ready_file = optarg;
            break;
        case 'n':
            o->rate_limit = false;
            break;
        case 's':
            o->seed = strcmp(optarg, "none") != 0;
            if (o->seed && strcmp(optarg, "documented") != 0)
                return sb_complain("--seed-orders takes none or documented");
            break;
        case 'c':
            o->has_clock = true;
            if (!sb_time_parse(optarg, &o->clock))
                return sb_complain("--clock takes RFC 3339 or @SECONDS, not \"%s\"", optarg);
            break;
        case 'h':
            usage(stdout);
            exit(0);
        case 'V':
            puts("digicert-sandbox " SANDBOX_VERSION);
            exit(0);
        default:
            usage(stderr);
            return false;
        }
    }
    if (optind < argc || !o->dir) {
        usage(stderr);
        return false;
    }
    return true;
}

static bool announce(const struct sb_world *world, const struct options *o, int port, int crl_port)
{
    sb_auto(sb_free_drop) char *text =
        sb_format("url=https://127.0.0.1:%d/services/v2\nca=%s/sandbox-ca.pem\nkey=%s\ncrl=http://"
                  "127.0.0.1:%d/\n",
                  port, world->dir, world->keys[0].text, crl_port);
    sb_auto(sb_free_drop) char *key_file = sb_format("%s/api.key", world->dir);
    sb_auto(sb_free_drop) char *key_text = sb_format("%s\n", world->keys[0].text);

    if (!sb_file_write(key_file, key_text, strlen(key_text), 0600) ||
        (o->ready_file && !sb_file_write(o->ready_file, text, strlen(text), 0600)))
        return false;
    fputs(text, stdout);
    fflush(stdout);
    return true;
}

static bool serve(const struct options *o, int port, int crl_port)
{
    struct sb_daemon *crl = NULL;
    struct sb_daemon *api = NULL;
    struct sb_world *world = NULL;
    char *tls_key = NULL;
    char *tls_cert = NULL;
    sigset_t ends;
    int got = 0;

    /* Before any thread is there, so that all of them leave these signals to us. */
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);
    if (!sb_daemon_start_crl(crl_port, &crl))
        return false;
    sb_auto(sb_free_drop) char *crl_url = sb_format("http://127.0.0.1:%d/", sb_daemon_port(crl));
    bool good = sb_world_open(o->dir, crl_url, o->seed, o->has_clock ? &o->clock : NULL, &world);
    if (good) {
        world->settings.rate_limit = o->rate_limit;
        good = sb_issuer_server(world->dir, sb_clock_now(&world->clock), &tls_key, &tls_cert) &&
               sb_daemon_start(world, port, tls_key, tls_cert, &api);
    }
    if (good) {
        sb_daemon_set_world(crl, world);
        good = announce(world, o, sb_daemon_port(api), sb_daemon_port(crl));
    }
    if (good)
        sigwait(&ends, &got);
    sb_daemon_stop(crl);
    if (api)
        sb_daemon_stop(api);
    if (world)
        sb_world_free(world);
    sb_free(tls_key);
    sb_free(tls_cert);
    return good;
}

int main(int argc, char **argv)
{
    struct options options;
    int port = 0;
    int crl_port = 0;

    if (!read_options(argc, argv, &options) || !read_port(options.listen, &port) ||
        !read_port(options.crl_listen, &crl_port))
        return 2;
    return serve(&options, port, crl_port) ? 0 : 1;
}
