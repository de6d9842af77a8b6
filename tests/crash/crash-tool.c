// SPDX-License-Identifier: Apache-2.0
/*
 * crash-tool.c - the static store behind a test's main: does what crash.py writes to its stdin, each
 * run in a child of its own that takes the time from a shared file and may be killed at any call.
 * What is shipped has none of this.
 *
 *     run VERB CONFIG CLOCK ORDER MODE CLASSES N ERRNO LOG   tab-separated; answers
 *                                    STATUS (or minus the signal) POINTS CODE TEXT
 *     hash FILE                      SHA-256 of the public key of a certificate or private key
 *     signed CERT CHAIN              yes when the first certificate of CHAIN signed CERT
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crash_point.h"
#include "digicert-store.h"

enum { WORDS = 10, LINE = 16384, WAIT_MS = 30000, NOBODY = 65534 };

/* ---- a world whose time stands in a file ---- */

struct clock_page {
    volatile int64_t now_ms, mono_ms, boot_ms;
};

static struct clock_page *page;
static const char *config_path;

static int64_t tool_now(void *context)
{
    (void)context;
    return page->now_ms / 1000;
}

static int64_t tool_mono(void *context)
{
    (void)context;
    return page->mono_ms;
}

static int64_t tool_boot(void *context)
{
    (void)context;
    return page->boot_ms;
}

static void tool_sleep(void *context, int64_t ms)
{
    (void)context;
    if (ms < 100)
        usleep(1000); /* a hook, which is real, is waited for in such steps */
    page->now_ms += ms;
    page->mono_ms += ms;
    page->boot_ms += ms;
}

static bool tool_random(void *context, void *out, size_t len)
{
    (void)context;
    return dcs_env_real()->random(NULL, out, len);
}

static const char *tool_getenv(void *context, const char *name)
{
    (void)context;
    return strcmp(name, "DIGICERT_STORE_TRACE") == 0 ? getenv("CRASH_TRACE") : NULL;
}

static unsigned reader_euid(void *context)
{
    (void)context;
    return NOBODY;
}

static struct dcs_env world = { .now = tool_now,
                                .mono_ms = tool_mono,
                                .boot_ms = tool_boot,
                                .sleep_ms = tool_sleep,
                                .random = tool_random,
                                .getenv = tool_getenv };

static bool map_clock(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    void *map =
        fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    page = map == MAP_FAILED ? NULL : map;
    return page != NULL;
}

/* ---- verbs ---- */

static bool do_open(struct dcs_store *store, const struct dcs_uri *uri, struct dcs_err *err)
{
    dcs_auto(dcs_bundle) struct dcs_bundle *bundle = NULL;

    return dcs_store_open(store, uri, true, &bundle, err);
}

/* What an unprivileged reader gets: certificate and key must be one pair. */
static bool do_read(struct dcs_store *store, const struct dcs_uri *uri, struct dcs_err *err)
{
    dcs_auto(dcs_bundle) struct dcs_bundle *bundle = NULL;
    dcs_auto(dcs_key) struct dcs_key key = { 0 };
    uint8_t hash[DCS_SHA256_LEN];

    if (!dcs_store_open(store, uri, false, &bundle, err) ||
        !dcs_store_key(store, bundle, &key, err) || !dcs_key_spki_sha256(&key, hash, err))
        return false;
    return memcmp(hash, dcs_bundle_facts(bundle)->leaf.spki_sha256, sizeof(hash)) == 0 ||
           dcs_fail(err, DCS_E_BUG, "a reader was given a key of another certificate");
}

static bool do_reissue(struct dcs_store *store, const struct dcs_uri *uri, struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *report = NULL;

    return dcs_store_reissue(store, uri, &(struct dcs_reissue_options){ .wait_ms = WAIT_MS },
                             &report, err);
}

static bool do_duplicate(struct dcs_store *store, const struct dcs_uri *uri, struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *report = NULL;
    const struct dcs_reissue_options options = { .is_duplicate = true, .wait_ms = WAIT_MS };

    return dcs_store_reissue(store, uri, &options, &report, err);
}

static bool do_wait(struct dcs_store *store, const struct dcs_uri *uri, struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *report = NULL;

    return dcs_store_wait(store, uri, WAIT_MS, &report, err);
}

static void first_failure(void *context, const struct dcs_json *result, const struct dcs_err *why)
{
    struct dcs_err *first = context;

    (void)result;
    if (first->code == DCS_E_NONE)
        *first = *why;
}

static bool do_sync(struct dcs_store *store, const struct dcs_uri *uri, struct dcs_err *err)
{
    struct dcs_err first = { 0 };

    (void)uri;
    if (!dcs_store_sync(store, NULL, first_failure, &first, err))
        return false;
    if (first.code == DCS_E_NONE)
        return true;
    *err = first;
    return false;
}

static bool do_deliver(struct dcs_store *store, const struct dcs_uri *uri, struct dcs_err *err)
{
    const struct dcs_deliver_options options = { 0 };
    struct dcs_err first = { 0 };

    if (!dcs_store_deliver(store, uri, 1, &options, first_failure, &first, err))
        return false;
    if (first.code == DCS_E_NONE)
        return true;
    *err = first;
    return false;
}

static bool do_unlogged(struct dcs_store *store, const struct dcs_uri *uri, struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *report = NULL;

    return dcs_store_set_ct(store, uri, false, WAIT_MS, &report, err);
}

static bool read_key(const char *path, struct dcs_key *ret_key, struct dcs_err *err)
{
    char pem[8192];
    FILE *file = fopen(path, "r");
    size_t len = file ? fread(pem, 1, sizeof(pem) - 1, file) : 0;

    if (file)
        fclose(file);
    pem[len] = '\0';
    return dcs_key_from_our_pem(pem, len, ret_key, err);
}

static bool do_import(struct dcs_store *store, const struct dcs_uri *uri, const char *path,
                      struct dcs_err *err)
{
    dcs_auto(dcs_bundle) struct dcs_bundle *bundle = NULL;
    dcs_auto(dcs_key) struct dcs_key key = { 0 };

    return read_key(path, &key, err) && dcs_store_import(store, uri, &key, NULL, &bundle, err);
}

static const struct {
    const char *name;
    enum dcs_caller caller;
    bool (*run)(struct dcs_store *store, const struct dcs_uri *uri, struct dcs_err *err);
} verbs[] = {
    { "open", DCS_CALLER_DOOR, do_open },
    { "read", DCS_CALLER_DOOR, do_read },
    { "reissue", DCS_CALLER_VERB, do_reissue },
    { "wait", DCS_CALLER_VERB, do_wait },
    { "duplicate", DCS_CALLER_VERB, do_duplicate },
    { "sync", DCS_CALLER_VERB, do_sync },
    { "ct:unlogged", DCS_CALLER_VERB, do_unlogged },
    { "deliver", DCS_CALLER_VERB, do_deliver },
};

static bool run_verb(const char *name, const char *order, struct dcs_err *err)
{
    dcs_auto(dcs_store) struct dcs_store *store = NULL;
    struct dcs_store_options options = { .caller = DCS_CALLER_VERB,
                                         .config_path = config_path,
                                         .env = &world };
    struct dcs_uri uri;
    size_t i = 0;

    while (i < DCS_COUNT(verbs) && strcmp(verbs[i].name, name) != 0)
        i++;
    if (i < DCS_COUNT(verbs))
        options.caller = verbs[i].caller;
    if (strcmp(name, "read") == 0)
        world.euid = reader_euid;
    if (!dcs_uri_parse(order, &uri, err) || !dcs_store_new(&options, &store, err))
        return false;
    if (strncmp(name, "import:", 7) == 0)
        return do_import(store, &uri, name + 7, err);
    return i < DCS_COUNT(verbs) ? verbs[i].run(store, &uri, err)
                                : dcs_fail(err, DCS_E_INPUT, "no verb %s", name);
}

/* ---- one run ---- */

static const char *const modes[] = { "never", "kill", "torn", "once", "always" };

static int64_t number(const char *text)
{
    return strtoll(text, NULL, 10);
}

static void child(char *const words[WORDS], int out, volatile int64_t *calls)
{
    struct crash_plan plan = { .classes = (int)number(words[6]),
                               .n = number(words[7]),
                               .error = (int)number(words[8]) };
    int log = words[9][0] ? open(words[9], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600) : -1;
    struct dcs_err err = { 0 };
    char text[1024];

    for (size_t i = 0; i < DCS_COUNT(modes); i++)
        if (strcmp(words[5], modes[i]) == 0)
            plan.mode = (enum crash_mode)i;
    config_path = words[2];
    if (!map_clock(words[3]))
        _exit(99);
    alarm(60); /* no run takes so long; a loop without end is a failure */
    crash_arm(&plan, log, calls);
    bool done = run_verb(words[1], words[4], &err);
    crash_arm(&(struct crash_plan){ 0 }, -1, NULL);
    int len = snprintf(text, sizeof(text), "%s\t%.900s", done ? "none" : dcs_code_name(err.code),
                       done ? "" : err.text);
    if (write(out, text, (size_t)len) != len)
        _exit(98);
    _exit(0);
}

static void run(char *const words[WORDS], volatile int64_t *calls)
{
    char text[1024] = "killed\t";
    int ends[2];
    int status = 0;

    if (pipe(ends) < 0)
        abort();
    *calls = 0;
    pid_t pid = fork();
    if (pid == 0)
        child(words, ends[1], calls);
    close(ends[1]);
    ssize_t got = read(ends[0], text, sizeof(text) - 1);
    text[got > 0 ? (size_t)got : strlen(text)] = '\0';
    close(ends[0]);
    if (pid < 0 || waitpid(pid, &status, 0) < 0)
        abort();
    printf("%d\t%lld\t%s\n", WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status),
           (long long)*calls, text);
}

/* ---- looks at files, without the store's code ---- */

static EVP_PKEY *public_key(const char *path)
{
    FILE *file = fopen(path, "r");
    X509 *cert = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
    EVP_PKEY *key = cert ? X509_get_pubkey(cert) : NULL;

    if (file && !cert) {
        rewind(file);
        key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    }
    X509_free(cert);
    if (file)
        fclose(file);
    return key;
}

static void hash(const char *path)
{
    EVP_PKEY *key = public_key(path);
    unsigned char *der = NULL;
    unsigned char digest[32];
    char hex[65];
    int len = key ? i2d_PUBKEY(key, &der) : -1;

    if (len > 0 && EVP_Digest(der, (size_t)len, digest, NULL, EVP_sha256(), NULL) == 1) {
        dcs_hex(digest, sizeof(digest), hex);
        puts(hex);
    } else {
        puts("none");
    }
    OPENSSL_free(der);
    EVP_PKEY_free(key);
}

static void is_signed(const char *cert_path, const char *chain_path)
{
    FILE *file = fopen(cert_path, "r");
    X509 *cert = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
    EVP_PKEY *issuer = public_key(chain_path);

    if (file)
        fclose(file);
    puts(cert && issuer && X509_verify(cert, issuer) == 1 ? "yes" : "no");
    X509_free(cert);
    EVP_PKEY_free(issuer);
}

/* ---- the server ---- */

static void split(char *line, char *words[WORDS])
{
    static char empty[] = "";

    for (size_t i = 0; i < WORDS; i++)
        words[i] = empty;
    line[strcspn(line, "\n")] = '\0';
    for (size_t i = 0; i < WORDS && line; i++)
        words[i] = strsep(&line, "\t");
}

int main(void)
{
    static char line[LINE];
    char *words[WORDS];
    volatile int64_t *calls =
        mmap(NULL, sizeof(*calls), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (calls == MAP_FAILED)
        return 1;
    /* Loaded once, so that a child does not spend its time on relocating 33 libraries. */
    if (!dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE))
        fprintf(stderr, "crash-tool: %s\n", dlerror());
    while (fgets(line, sizeof(line), stdin)) {
        split(line, words);
        if (strcmp(words[0], "run") == 0)
            run(words, calls);
        else if (strcmp(words[0], "hash") == 0)
            hash(words[1]);
        else
            is_signed(words[1], words[2]);
        fflush(stdout);
    }
    return 0;
}
