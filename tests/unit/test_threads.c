// SPDX-License-Identifier: Apache-2.0
/*
 * test_threads.c - one store used by many threads while its configuration and `current` change; run
 * under the thread sanitizer. Everything comes from a cache on disk: no network.
 */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "digicert-store.h"
#include "fake.h"
#include "flow/cache.h"
#include "test_certs.h"

enum { THREADS = 8, ROUNDS = 200 };

static struct dcs_store *store;
static atomic_bool stop;
static atomic_int failures;

static void *load_for_ever(void *argument)
{
    struct dcs_uri uri;

    (void)argument;
    if (!dcs_uri_parse("digicert://order/123", &uri, NULL))
        abort();
    while (!atomic_load(&stop)) {
        dcs_auto(dcs_bundle) struct dcs_bundle *bundle = NULL;
        dcs_auto(dcs_key) struct dcs_key key = { 0 };
        uint8_t spki[DCS_SHA256_LEN];
        if (!dcs_store_open(store, &uri, false, &bundle, NULL) ||
            !dcs_store_key(store, bundle, &key, NULL) || !dcs_key_spki_sha256(&key, spki, NULL) ||
            memcmp(spki, dcs_bundle_facts(bundle)->leaf.spki_sha256, sizeof(spki)) != 0)
            atomic_fetch_add(&failures, 1);
    }
    return NULL;
}

static void threads_always_get_a_pair_while_everything_changes(void **state)
{
    dcs_auto(fake_dir) char *dir = fake_dir_new();
    struct dcs_store_options options = { .caller = DCS_CALLER_DOOR };
    char config[4096];
    char path[4096];
    pthread_t threads[THREADS];

    (void)state;
    snprintf(path, sizeof(path), "%s/t.conf", dir);
    snprintf(config, sizeof(config), "state_dir = %s/state\n", dir);
    fake_write(dir, "t.conf", config, 0644);
    options.config_path = path;
    test_commit_pair(dir, 123);
    assert_true(dcs_store_new(&options, &store, NULL));
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, load_for_ever, NULL), 0);
    for (int i = 0; i < ROUNDS; i++) {
        if (i % 20 == 0)
            test_commit_pair(dir, 123);
        snprintf(config, sizeof(config), "state_dir = %s/state\n# %d\n", dir, i);
        char temporary[4200];
        fake_write(dir, "t.conf.new", config, 0644);
        snprintf(temporary, sizeof(temporary), "%s.new", path);
        assert_int_equal(rename(temporary, path), 0);
        dcs_env_sleep_ms(dcs_env_real(), 2);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    dcs_store_free(store);
    assert_int_equal(atomic_load(&failures), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_always_get_a_pair_while_everything_changes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
