/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim.h - years in minutes: the real store in this process and a real digicert-sandbox beside it, both
 * at the same simulated second. Whatever goes wrong ends the test.
 *
 * The seed fixes what people and the network do; keys, serial numbers and with them the spread of
 * due dates are OpenSSL's, new in each run.
 */
#ifndef DCS_TESTS_SIM_H
#define DCS_TESTS_SIM_H

#include <pthread.h>
#include <sys/types.h>

#include "digicert-store.h"
#include "fake.h"
#include "io/http.h"

enum { SIM_HOUR = 3600, SIM_DAY = 86400 };

struct sim {
    struct fake_world world; /* world.now is the time */
    struct dcs_env env;      /* for the store: its sleep moves the CA's clock, too */
    struct dcs_env nobody;   /* the same, for a user who is not the keeper */
    char *dir;               /* all that this simulation writes */
    pid_t sandbox;           /* 0: not running */
    int port;                /* the same one after each start */
    char url[4096], ca[4096];
    struct dcs_http *http; /* of the control API */
    uint64_t seed;
    /* The clock goes on when somebody waits, and not while others are talking to the CA: in small steps
     * when there are several threads. Shared with children that are made with fork(). */
    pthread_mutex_t *mutex;
    int64_t step_ms;    /* 0: at once to where who waits wants to be */
    int64_t *shared_ms; /* world.ms, for who waits for a child that is killed */
};

/* DIGICERT_SANDBOX names the program. */
void sim_begin(struct sim *sim, int64_t now, uint64_t seed);
void sim_end(struct sim *sim);           /* DCS_SIM_KEEP=1 leaves the directory, and says where */
void sim_stop_sandbox(struct sim *sim);  /* connections are refused from then on */
void sim_start_sandbox(struct sim *sim); /* again, with what it had */
/* After a child that went on with the clock. */
void sim_take_over_clock(struct sim *sim);
/* Both clocks; never back. */
void sim_move_to(struct sim *sim, int64_t when);
/* A random number from 0 to most. */
int64_t sim_up_to(struct sim *sim, int64_t most);
/* DCS_SIM_SEED, else usual; printed, so that a run can be repeated. */
uint64_t sim_seed(uint64_t usual);
/* A number from the environment, for longer or shorter runs. */
int64_t sim_number(const char *name, int64_t usual);

/* The control API below /_sandbox; body is a format, NULL none. sim_control wants success and gives
 * the answer as JSON (NULL without a body), sim_try the status. */
struct dcs_json *sim_control(struct sim *sim, const char *method, const char *path,
                             const char *body, ...) __attribute__((format(printf, 4, 5)));
int sim_try(struct sim *sim, const char *method, const char *path, const char *body);
/* The private key that the CA's simulator made for an order. */
void sim_order_key(struct sim *sim, int64_t order, struct dcs_key *ret_key);
int64_t sim_number_at(const struct dcs_json *object, const char *path); /* must be there */
int64_t sim_time_at(const struct dcs_json *object, const char *path);   /* -1 absent */

/* ---- a host: a configuration, a state directory, an application and a timer ---- */

struct sim_host {
    char *dir; /* holds conf and state/ */
    char *conf;
    struct dcs_store *door;   /* as OpenSSL's provider */
    struct dcs_store *verb;   /* as the command line */
    struct dcs_store *reader; /* as an unprivileged server: it asks nobody and writes nothing */
};
void sim_host_begin(struct sim *sim, struct sim_host *host, const char *name, const char *sections);
void sim_host_configure(struct sim *sim, struct sim_host *host, const char *sections);
void sim_host_end(struct sim_host *host);
/* A line of configuration: TLS certificates last so many days, whenever they are issued. */
void sim_only_days(int days, char *out, size_t capacity);
/* Removes what a host has of an order that has ended. */
void sim_host_forget(const struct sim_host *host, int64_t order);

struct dcs_uri sim_uri(int64_t order);
/* What an application gets now: by sim_load a keeper's, which may ask the CA, by sim_read another's, which
 * gets what is here. False: it gets nothing, *err says why. A key that does not fit ends the test. */
struct sim_pair {
    char serial[65];
    char dir[128]; /* of the generation, whole path */
    char source[16];
    int64_t not_before, not_after;
    uint8_t spki_sha256[DCS_SHA256_LEN];
};
bool sim_load(struct sim_host *host, int64_t order, struct sim_pair *ret_pair,
              struct dcs_err *err) DCS_CHECKED;
bool sim_read(struct sim_host *host, int64_t order, struct sim_pair *ret_pair,
              struct dcs_err *err) DCS_CHECKED;
/* request.json of a generation, NULL without one. */
struct dcs_json *sim_request(const struct sim_pair *pair);
/* The earliest moment at which a certificate is due, by the page and not by the code: two thirds less
 * the greatest spread, less what approval by a person takes. */
int64_t sim_due(int64_t not_before, int64_t not_after, bool approval);
struct dcs_json *sim_show(const struct sim_host *host, int64_t order, int64_t at);

#endif
