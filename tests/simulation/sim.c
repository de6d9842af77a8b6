// SPDX-License-Identifier: Apache-2.0
/* sim.c - the simulated world of sim.h: clocks, the sandbox, its control API, chance. */
#include "sim.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { START_TRIES = 600, ANSWER_MAX = 1 << 24, CONTROL_MS = 20000 };

/* ---- chance ---- */

int64_t sim_up_to(struct sim *sim, int64_t most)
{
    uint64_t value = sim->seed += 0x9E3779B97F4A7C15u; /* splitmix64 */

    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9u;
    value = (value ^ (value >> 27)) * 0x94D049BB133111EBu;
    value ^= value >> 31;
    return most > 0 ? (int64_t)(value % (uint64_t)(most + 1)) : 0;
}

int64_t sim_number(const char *name, int64_t usual)
{
    const char *text = getenv(name);
    int64_t value = text && *text ? strtoll(text, NULL, 10) : usual;

    return value > 0 ? value : usual;
}

uint64_t sim_seed(uint64_t usual)
{
    uint64_t seed = (uint64_t)sim_number("DCS_SIM_SEED", (int64_t)usual);

    print_message("seed %llu (DCS_SIM_SEED)\n", (unsigned long long)seed);
    return seed;
}

/* ---- the sandbox ---- */

static void nap_ms(long ms)
{
    const struct timespec spec = { ms / 1000, ms % 1000 * 1000000 };

    nanosleep(&spec, NULL);
}

static void run_sandbox(const struct sim *sim, const char *program, const char *ready)
{
    char dir[4096];
    char listen[32];
    char clock[32];

    prctl(PR_SET_PDEATHSIG, SIGTERM);
    snprintf(dir, sizeof(dir), "%s/sandbox", sim->dir);
    snprintf(listen, sizeof(listen), "127.0.0.1:%d", sim->port);
    snprintf(clock, sizeof(clock), "@%lld", (long long)sim->world.now);
    if (!freopen("/dev/null", "w", stdout))
        _exit(127);
    execl(program, program, "--dir", dir, "--listen", listen, "--clock", clock, "--ready-file",
          ready, "--seed-orders", "none", "--no-rate-limit", (char *)NULL);
    _exit(127);
}

static void read_ready(struct sim *sim, const char *ready)
{
    char line[4096];
    FILE *file = fopen(ready, "re");

    assert_non_null(file);
    while (fgets(line, sizeof(line), file)) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "url=", 4) == 0)
            snprintf(sim->url, sizeof(sim->url), "%s", line + 4);
        if (strncmp(line, "ca=", 3) == 0)
            snprintf(sim->ca, sizeof(sim->ca), "%s", line + 3);
    }
    fclose(file);
    assert_int_equal(sscanf(sim->url, "https://127.0.0.1:%d/", &sim->port), 1);
}

static void tell_time(struct sim *sim)
{
    dcs_json_free(sim_control(sim, "POST", "/clock", "{\"now\":%lld,\"freeze\":true}",
                              (long long)sim->world.now));
}

void sim_start_sandbox(struct sim *sim)
{
    const char *program = getenv("DIGICERT_SANDBOX");
    char ready[4096];

    assert_non_null(program);
    snprintf(ready, sizeof(ready), "%s/ready", sim->dir);
    unlink(ready);
    sim->sandbox = fork();
    assert_true(sim->sandbox >= 0);
    if (sim->sandbox == 0)
        run_sandbox(sim, program, ready);
    for (int i = 0; access(ready, R_OK) != 0; i++) {
        int status = 0;
        if (i == START_TRIES || waitpid(sim->sandbox, &status, WNOHANG) == sim->sandbox)
            fail_msg("the sandbox does not start");
        nap_ms(20);
    }
    read_ready(sim, ready);
    tell_time(sim);
}

void sim_stop_sandbox(struct sim *sim)
{
    if (!sim->sandbox)
        return;
    kill(sim->sandbox, SIGTERM);
    waitpid(sim->sandbox, NULL, 0);
    sim->sandbox = 0;
}

/* ---- the control API ---- */

static int send(struct sim *sim, const char *method, const char *path, const char *body,
                struct dcs_http_answer *ret_answer)
{
    char url[256];
    struct dcs_err err = { 0 };

    snprintf(url, sizeof(url), "https://127.0.0.1:%d/_sandbox%s", sim->port, path);
    const struct dcs_http_request request = {
        .method = method,
        .url = url,
        .body = body,
        .body_len = body ? strlen(body) : 0,
        .max_bytes = ANSWER_MAX,
        .timeout_ms = CONTROL_MS,
    };
    if (!dcs_http_send(sim->http, &request, ret_answer, &err))
        fail_msg("%s %s: %s", method, path, err.text);
    return ret_answer->status;
}

int sim_try(struct sim *sim, const char *method, const char *path, const char *body)
{
    dcs_auto(dcs_http_answer) struct dcs_http_answer answer = { 0 };

    return send(sim, method, path, body, &answer);
}

struct dcs_json *sim_control(struct sim *sim, const char *method, const char *path,
                             const char *body, ...)
{
    dcs_auto(dcs_http_answer) struct dcs_http_answer answer = { 0 };
    struct dcs_json *json = NULL;
    char text[2048] = "";
    va_list list;

    va_start(list, body);
    if (body && vsnprintf(text, sizeof(text), body, list) >= (int)sizeof(text))
        fail_msg("too long for the control API");
    va_end(list);
    int status = send(sim, method, path, body ? text : NULL, &answer);
    if (status < 200 || status > 299)
        fail_msg("%s %s %s: %d %s", method, path, text, status,
                 answer.body.len ? dcs_buf_text(&answer.body) : "");
    if (answer.body.len &&
        !dcs_json_parse(dcs_buf_text(&answer.body), answer.body.len, &json, NULL))
        fail_msg("%s %s: no JSON", method, path);
    return json;
}

void sim_order_key(struct sim *sim, int64_t order, struct dcs_key *ret_key)
{
    dcs_auto(dcs_http_answer) struct dcs_http_answer answer = { 0 };
    struct dcs_err err = { 0 };
    char path[64];

    snprintf(path, sizeof(path), "/orders/%lld/key", (long long)order);
    assert_int_equal(send(sim, "GET", path, NULL, &answer), 200);
    if (!dcs_key_import((const uint8_t *)dcs_buf_text(&answer.body), answer.body.len, NULL, ret_key,
                        &err))
        fail_msg("%s", err.text);
}

int64_t sim_number_at(const struct dcs_json *object, const char *path)
{
    int64_t value = 0;

    if (!dcs_json_i64(object, path, &value))
        fail_msg("there is no number %s", path);
    return value;
}

int64_t sim_time_at(const struct dcs_json *object, const char *path)
{
    const char *text = dcs_json_text(object, path);
    int64_t when = -1;

    if (text && !dcs_time_parse(text, &when))
        fail_msg("%s: no time: %s", path, text);
    return when;
}

/* ---- time ---- */

static void lock(struct sim *sim)
{
    pthread_mutex_lock(sim->mutex);
}

static void unlock(struct sim *sim)
{
    pthread_mutex_unlock(sim->mutex);
}

/* With the mutex held. */
static void go_on(struct sim *sim, int64_t ms)
{
    int64_t before = sim->world.now;

    sim->world.env.sleep_ms(&sim->world, ms);
    *sim->shared_ms = sim->world.ms;
    if (sim->sandbox && sim->world.now != before)
        tell_time(sim);
}

/* Those who wait at the same time wait together: time passes once. */
static void sleep_both(void *context, int64_t ms)
{
    struct sim *sim = context;

    lock(sim);
    int64_t until = sim->world.ms + ms;
    while (sim->world.ms < until) {
        int64_t left = until - sim->world.ms;
        go_on(sim, sim->step_ms && sim->step_ms < left ? sim->step_ms : left);
        if (!sim->step_ms)
            continue;
        unlock(sim);
        nap_ms(1);
        lock(sim);
    }
    unlock(sim);
}

static int64_t now_of(void *context)
{
    struct sim *sim = context;

    lock(sim);
    int64_t now = sim->world.now;
    unlock(sim);
    return now;
}

static int64_t ms_of(void *context)
{
    struct sim *sim = context;

    lock(sim);
    int64_t ms = sim->world.ms;
    unlock(sim);
    return ms;
}

static bool random_of(void *context, void *out, size_t len)
{
    struct sim *sim = context;

    lock(sim);
    bool good = sim->world.env.random(&sim->world, out, len);
    unlock(sim);
    return good;
}

void sim_take_over_clock(struct sim *sim)
{
    lock(sim);
    if (*sim->shared_ms > sim->world.ms)
        go_on(sim, *sim->shared_ms - sim->world.ms);
    unlock(sim);
}

/* The time is seen by the parent of a child that is killed; the mutex is each process's own. */
static void make_shared(struct sim *sim)
{
    void *room =
        mmap(NULL, sizeof(int64_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_true(room != MAP_FAILED);
    sim->shared_ms = room;
    *sim->shared_ms = sim->world.ms;
    sim->mutex = calloc(1, sizeof(*sim->mutex));
    assert_non_null(sim->mutex);
    pthread_mutex_init(sim->mutex, NULL);
}

static unsigned nobody(void *context)
{
    (void)context;
    return 65534;
}

static const char *no_variable(void *context, const char *name)
{
    (void)context;
    (void)name;
    return NULL;
}

void sim_move_to(struct sim *sim, int64_t when)
{
    if (when <= sim->world.now)
        return;
    lock(sim);
    sim->world.ms += (when - sim->world.now) * 1000;
    sim->world.now = when;
    *sim->shared_ms = sim->world.ms;
    if (sim->sandbox)
        tell_time(sim);
    unlock(sim);
}

/* ---- beginning and end ---- */

void sim_begin(struct sim *sim, int64_t now, uint64_t seed)
{
    const struct dcs_http_options options = { .env = dcs_env_real(),
                                              .ca_file = sim->ca,
                                              .user_agent = "digicert-store simulation" };
    struct dcs_err err = { 0 };

    *sim = (struct sim){ .seed = seed };
    fake_world_init(&sim->world);
    sim->world.now = now;
    sim->world.seed = seed;
    make_shared(sim);
    sim->env = (struct dcs_env){ .context = sim,
                                 .now = now_of,
                                 .mono_ms = ms_of,
                                 .boot_ms = ms_of,
                                 .sleep_ms = sleep_both,
                                 .random = random_of,
                                 .getenv = no_variable };
    sim->nobody = sim->env;
    sim->nobody.euid = nobody;
    /* Thousands of small files: in memory where that is possible. */
    if (access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 0);
    sim->dir = fake_dir_new();
    snprintf(sim->ca, sizeof(sim->ca), "%s/sandbox/sandbox-ca.pem", sim->dir);
    if (!dcs_http_new(&options, &sim->http, &err))
        fail_msg("%s", err.text);
    sim_start_sandbox(sim);
}

void sim_end(struct sim *sim)
{
    sim_stop_sandbox(sim);
    dcs_http_free(sim->http);
    sim->http = NULL;
    munmap(sim->shared_ms, sizeof(*sim->shared_ms));
    pthread_mutex_destroy(sim->mutex);
    free(sim->mutex);
    if (!getenv("DCS_SIM_KEEP"))
        fake_dir_drop(&sim->dir);
    else
        print_message("left in %s\n", sim->dir);
}
