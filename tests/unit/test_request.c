// SPDX-License-Identifier: Apache-2.0
/* test_request.c - request.json, closed.json, and generations that wait for their certificate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "flow/cache_request.h"

enum { ORDER = 7 };
static const struct dcs_access everybody = { false, (gid_t)-1 };

struct place {
    char dir[64];
    struct dcs_cache cache;
};

static int make_place(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    char order[96];

    snprintf(place->dir, sizeof(place->dir), "/tmp/dcs-request-XXXXXX");
    assert_non_null(mkdtemp(place->dir));
    snprintf(order, sizeof(order), "%s/lock", place->dir);
    assert_true(dcs_cache_open(dcs_env_real(), place->dir, DCS_CACHE_CREATE, &place->cache, NULL));
    snprintf(order, sizeof(order), "%s/orders", place->dir);
    (void)mkdir(order, 0755);
    snprintf(order, sizeof(order), "%s/orders/%d", place->dir, ORDER);
    assert_int_equal(mkdir(order, 0755), 0);
    *state = place;
    return 0;
}

static int drop_place(void **state)
{
    struct place *place = *state;
    char command[96];

    dcs_cache_drop(&place->cache);
    snprintf(command, sizeof(command), "rm -rf '%s'", place->dir);
    int status = system(command);
    free(place);
    return status;
}

static struct dcs_request *new_request(const struct dcs_key *key)
{
    static char first[] = "a.example";
    static char second[] = "b.example";
    char *const names[] = { first, second };
    struct dcs_request *request = dcs_alloc(1, sizeof(*request), NULL);

    snprintf(request->tag, sizeof(request->tag), "0123456789abcdef0123456789abcdef");
    snprintf(request->cause, sizeof(request->cause), "due");
    request->created_at = 1800000000;
    assert_true(dcs_key_spki_sha256(key, request->spki_sha256, NULL));
    assert_true(dcs_request_set_names(request, names, 2, NULL));
    return request;
}

static void put_intent(struct place *place, struct dcs_intent *intent, bool asked)
{
    dcs_auto(dcs_key) struct dcs_key key = { 0 };

    *intent = (struct dcs_intent){ .order = ORDER };
    assert_true(dcs_key_generate("ec:P-256", &key, NULL));
    assert_true(dcs_cache_intent_put_key(&place->cache, &everybody, &key, intent, NULL));
    if (!asked)
        return;
    intent->request = new_request(&key);
    assert_true(dcs_cache_intent_put_request(&place->cache, intent, NULL));
}

static void a_request_reads_back_as_it_was_written(void **state)
{
    dcs_auto(dcs_key) struct dcs_key key = { 0 };
    dcs_auto(dcs_request) struct dcs_request *request = NULL;
    dcs_auto(dcs_request) struct dcs_request *again = NULL;
    dcs_auto(dcs_json) struct dcs_json *json = NULL;

    (void)state;
    assert_true(dcs_key_generate("ec:P-256", &key, NULL));
    request = new_request(&key);
    request->posts = 2;
    request->posted_at = 1800000100;
    request->skip_approval = true;
    request->drift_disable_ct = DCS_YES;
    request->certificate_id = 900719925474099; /* beyond 32 bits */
    assert_true(dcs_request_to_json(request, &json, NULL));
    assert_true(dcs_request_from_json(json, &again, NULL));
    assert_string_equal(again->tag, request->tag);
    assert_int_equal(again->posts, 2);
    assert_int_equal(again->certificate_id, request->certificate_id);
    assert_int_equal(again->drift_disable_ct, DCS_YES);
    assert_int_equal(again->drift_account, DCS_UNKNOWN);
    assert_int_equal(again->name_count, 2);
    assert_string_equal(again->names[1], "b.example");
    assert_memory_equal(again->spki_sha256, request->spki_sha256, DCS_SHA256_LEN);
}

static void a_request_whose_field_is_missing_is_damaged(void **state)
{
    static const char text[] = "{\"tag\": \"x\", \"names\": []}";
    dcs_auto(dcs_json) struct dcs_json *json = NULL;
    dcs_auto(dcs_request) struct dcs_request *request = NULL;
    struct dcs_err err = { 0 };

    (void)state;
    assert_true(dcs_json_parse(text, sizeof(text) - 1, &json, NULL));
    assert_false(dcs_request_from_json(json, &request, &err));
    assert_int_equal(err.code, DCS_E_STATE);
    assert_non_null(strstr(err.text, "request.json"));
}

static void without_a_waiting_generation_there_is_no_intent(void **state)
{
    struct place *place = *state;
    dcs_auto(dcs_intent) struct dcs_intent intent = { 0 };

    assert_true(dcs_cache_intent(&place->cache, ORDER, &intent, NULL));
    assert_int_equal(intent.generation, 0);
    assert_null(intent.request);
    assert_false(dcs_cache_has_open_request(&place->cache, ORDER));
}

static void a_key_alone_is_an_intent_and_its_key_may_be_replaced(void **state)
{
    struct place *place = *state;
    dcs_auto(dcs_intent) struct dcs_intent first = { 0 };
    dcs_auto(dcs_intent) struct dcs_intent found = { 0 };
    dcs_auto(dcs_key) struct dcs_key key = { 0 };

    put_intent(place, &first, false);
    assert_true(dcs_cache_intent(&place->cache, ORDER, &found, NULL));
    assert_int_equal(found.generation, first.generation);
    assert_true(found.has_key);
    assert_null(found.request);
    assert_true(dcs_key_generate("rsa:2048", &key, NULL));
    assert_true(dcs_cache_intent_put_key(&place->cache, &everybody, &key, &found, NULL));
    assert_int_equal(found.generation, first.generation);
}

static void a_key_that_the_ca_may_know_is_never_replaced(void **state)
{
    struct place *place = *state;
    dcs_auto(dcs_intent) struct dcs_intent intent = { 0 };
    dcs_auto(dcs_key) struct dcs_key key = { 0 };
    struct dcs_err err = { 0 };

    put_intent(place, &intent, true);
    assert_true(dcs_key_generate("ec:P-256", &key, NULL));
    assert_false(dcs_cache_intent_put_key(&place->cache, &everybody, &key, &intent, &err));
}

static void an_older_asked_generation_comes_before_a_newer_key(void **state)
{
    struct place *place = *state;
    dcs_auto(dcs_intent) struct dcs_intent asked = { 0 };
    dcs_auto(dcs_intent) struct dcs_intent newer = { 0 };
    dcs_auto(dcs_intent) struct dcs_intent found = { 0 };

    put_intent(place, &asked, true);
    put_intent(place, &newer, false);
    assert_true(newer.generation > asked.generation);
    assert_true(dcs_cache_intent(&place->cache, ORDER, &found, NULL));
    assert_int_equal(found.generation, asked.generation);
    assert_non_null(found.request);
    assert_true(dcs_cache_has_open_request(&place->cache, ORDER));
}

static void a_closed_generation_is_no_intent_and_its_past_is_told(void **state)
{
    struct place *place = *state;
    dcs_auto(dcs_intent) struct dcs_intent intent = { 0 };
    dcs_auto(dcs_intent) struct dcs_intent found = { 0 };
    const struct dcs_closed closed = { .closed_at = 5, .code = "refused", .reason = "no" };

    put_intent(place, &intent, true);
    assert_true(dcs_cache_intent_close(&place->cache, &intent, &closed, NULL));
    assert_true(dcs_cache_intent(&place->cache, ORDER, &found, NULL));
    assert_int_equal(found.generation, 0);
}

static void a_damaged_request_counts_as_asked_and_is_known_by_its_key(void **state)
{
    struct place *place = *state;
    dcs_auto(dcs_intent) struct dcs_intent intent = { 0 };
    dcs_auto(dcs_intent) struct dcs_intent found = { 0 };
    char path[200];

    put_intent(place, &intent, true);
    snprintf(path, sizeof(path), "%s/%s/request.json", place->dir, intent.dir);
    assert_int_equal(truncate(path, 20), 0);
    assert_true(dcs_cache_intent(&place->cache, ORDER, &found, NULL));
    assert_non_null(found.request);
    assert_int_equal(found.request->posts, 1);
    assert_true(found.request->posted_at > 0);
    assert_memory_equal(found.request->spki_sha256, intent.request->spki_sha256, DCS_SHA256_LEN);
}

/* A key that does not show its public half is known by the request beside it. */
static void an_encrypted_key_is_known_by_its_request(void **state)
{
    struct place *place = *state;
    char pass[] = "correct horse";
    const struct dcs_secret passphrase = { (uint8_t *)pass, strlen(pass) };
    dcs_auto(dcs_key) struct dcs_key key = { 0 };
    dcs_auto(dcs_key) struct dcs_key sealed = { 0 };
    dcs_auto(dcs_key) struct dcs_key found = { 0 };
    dcs_auto(dcs_buf) struct dcs_buf csr = { .max = 1 << 16 };
    dcs_auto(dcs_intent) struct dcs_intent intent = { .order = ORDER };
    dcs_auto(dcs_intent) struct dcs_intent again = { 0 };
    uint8_t spki[DCS_SHA256_LEN];
    char path[200];

    assert_true(dcs_key_generate("ec:P-256", &key, NULL));
    assert_true(dcs_key_spki_sha256(&key, spki, NULL));
    assert_true(dcs_key_encrypt(&key, &passphrase, &sealed, NULL));
    assert_true(dcs_cache_intent_put_key(&place->cache, &everybody, &sealed, &intent, NULL));
    assert_false(dcs_cache_find_key(&place->cache, ORDER, spki, &found, NULL)); /* no request yet */
    assert_true(
        dcs_csr_make(&key, &(struct dcs_csr_subject){ .common_name = "a.example" }, &csr, NULL));
    assert_true(dcs_cache_intent_put_csr(&place->cache, &intent, &csr, NULL));
    assert_true(dcs_cache_find_key(&place->cache, ORDER, spki, &found, NULL));
    assert_int_equal(found.form, DCS_KEY_ENCRYPTED);
    intent.request = new_request(&key);
    assert_true(dcs_cache_intent_put_request(&place->cache, &intent, NULL));
    snprintf(path, sizeof(path), "%s/%s/request.json", place->dir, intent.dir);
    assert_int_equal(truncate(path, 20), 0);
    assert_true(dcs_cache_intent(&place->cache, ORDER, &again, NULL));
    assert_memory_equal(again.request->spki_sha256, spki, DCS_SHA256_LEN);
}

static void a_request_whose_key_is_lost_is_no_intent(void **state)
{
    struct place *place = *state;

    for (int how = 0; how < 2; how++) {
        dcs_auto(dcs_intent) struct dcs_intent intent = { 0 };
        dcs_auto(dcs_intent) struct dcs_intent found = { 0 };
        char path[200];
        put_intent(place, &intent, true);
        snprintf(path, sizeof(path), "%s/%s/privkey.pem", place->dir, intent.dir);
        assert_int_equal(how == 0 ? unlink(path) : truncate(path, 40), 0);
        assert_true(dcs_cache_intent(&place->cache, ORDER, &found, NULL));
        assert_null(found.request);
    }
}

/* It may read neither the record nor the key: request.json is a directory here, which root cannot read. */
static void a_reader_knows_that_something_was_asked(void **state)
{
    struct place *place = *state;
    dcs_auto(dcs_intent) struct dcs_intent intent = { 0 };
    dcs_auto(dcs_intent) struct dcs_intent found = { 0 };
    char path[200];

    put_intent(place, &intent, true);
    snprintf(path, sizeof(path), "%s/%s/privkey.pem", place->dir, intent.dir);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/%s/request.json", place->dir, intent.dir);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    place->cache.role = DCS_ROLE_READER;
    assert_true(dcs_cache_intent(&place->cache, ORDER, &found, NULL));
    assert_non_null(found.request);
    assert_true(found.request->posted_at > 0);
}

static void private_files_of_a_waiting_generation_are_0600(void **state)
{
    static const char *const names[] = { "privkey.pem", "request.json", "csr.pem" };
    struct place *place = *state;
    dcs_auto(dcs_intent) struct dcs_intent intent = { 0 };
    dcs_auto(dcs_buf) struct dcs_buf csr = { 0 };
    mode_t before = umask(0);

    put_intent(place, &intent, true);
    dcs_buf_adds(&csr, "a request");
    assert_true(dcs_cache_intent_put_csr(&place->cache, &intent, &csr, NULL));
    umask(before);
    for (size_t i = 0; i < DCS_COUNT(names); i++) {
        char path[200];
        struct stat st;
        snprintf(path, sizeof(path), "%s/%s/%s", place->dir, intent.dir, names[i]);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
    }
}

static bool count_past(void *context, const struct dcs_past_request *past)
{
    int *counts = context;

    counts[past->is_committed ? 0 : past->closed ? 1 : 2]++;
    return true;
}

static void past_requests_are_told_apart(void **state)
{
    struct place *place = *state;
    dcs_auto(dcs_intent) struct dcs_intent closed = { 0 };
    dcs_auto(dcs_intent) struct dcs_intent open = { 0 };
    const struct dcs_closed why = { .closed_at = 5, .code = "refused", .reason = "no" };
    int counts[3] = { 0 };

    put_intent(place, &closed, true);
    assert_true(dcs_cache_intent_close(&place->cache, &closed, &why, NULL));
    put_intent(place, &open, true);
    assert_true(dcs_cache_each_request(&place->cache, ORDER, count_past, counts, NULL));
    assert_int_equal(counts[0], 0);
    assert_int_equal(counts[1], 1);
    assert_int_equal(counts[2], 1);
}

static struct dcs_order *order_of(const char *text)
{
    dcs_auto(dcs_json) struct dcs_json *json = NULL;
    struct dcs_order *order = NULL;

    assert_true(dcs_json_parse(text, strlen(text), &json, NULL));
    assert_true(dcs_order_from_json(json, &order, NULL));
    return order;
}

static void an_email_order_names_its_addresses(void **state)
{
    (void)state;
    dcs_auto(dcs_order) struct dcs_order *mail =
        order_of("{\"id\":1,\"product\":{\"name_id\":\"secure_email_mailbox\"},"
                 "\"certificate\":{\"emails\":[\"Ann@example.net\"]}}");
    dcs_auto(dcs_order) struct dcs_order *host =
        order_of("{\"id\":1,\"product\":{\"name_id\":\"ssl_basic\"},\"certificate\":"
                 "{\"dns_names\":[\"a.example\"],\"emails\":[\"ann@example.net\"]}}");

    assert_int_equal(mail->name_count, 1);
    assert_string_equal(mail->names[0], "ann@example.net");
    assert_int_equal(host->name_count, 1);
    assert_string_equal(host->names[0], "a.example");
}

static void the_newest_requests_are_kept_in_either_order(void **state)
{
    (void)state;
    for (int backward = 0; backward < 2; backward++) {
        dcs_auto(dcs_buf) struct dcs_buf text = { 0 };
        bool has_newest = false;
        bool has_oldest = false;
        dcs_buf_addf(&text, "{\"id\":1,\"requests\":[");
        for (int i = 1; i <= 300; i++)
            dcs_buf_addf(&text, "%s{\"id\":%d}", i > 1 ? "," : "", backward ? 301 - i : i);
        dcs_buf_addf(&text, "]}");
        dcs_auto(dcs_order) struct dcs_order *order = order_of(dcs_buf_text(&text));
        for (size_t i = 0; i < order->request_count; i++) {
            has_newest |= order->requests[i].id == 300;
            has_oldest |= order->requests[i].id == 1;
        }
        assert_true(has_newest);
        assert_false(has_oldest);
    }
}

static void a_look_far_ahead_is_due(void **state)
{
    struct dcs_request request = { .next_look_at = 1000 };

    (void)state;
    assert_int_equal(dcs_request_wait_s(&request, 900), 100);
    assert_int_equal(dcs_request_wait_s(&request, 1000), 0);
    assert_int_equal(dcs_request_wait_s(&request, 2000), 0);
    request.next_look_at = 1000 + DCS_REQUEST_WAIT_MAX_S;
    assert_int_equal(dcs_request_wait_s(&request, 1000), DCS_REQUEST_WAIT_MAX_S);
    assert_int_equal(dcs_request_wait_s(&request, 999), 0); /* the clock was set back */
    request.next_look_at = INT64_MAX;
    assert_int_equal(dcs_request_wait_s(&request, 1000), 0);
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, drop_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_reads_back_as_it_was_written),
        cmocka_unit_test(a_request_whose_field_is_missing_is_damaged),
        cmocka_unit_test(a_look_far_ahead_is_due),
        cmocka_unit_test(an_email_order_names_its_addresses),
        cmocka_unit_test(the_newest_requests_are_kept_in_either_order),
        IN_PLACE(without_a_waiting_generation_there_is_no_intent),
        IN_PLACE(a_key_alone_is_an_intent_and_its_key_may_be_replaced),
        IN_PLACE(a_key_that_the_ca_may_know_is_never_replaced),
        IN_PLACE(an_older_asked_generation_comes_before_a_newer_key),
        IN_PLACE(a_closed_generation_is_no_intent_and_its_past_is_told),
        IN_PLACE(a_damaged_request_counts_as_asked_and_is_known_by_its_key),
        IN_PLACE(an_encrypted_key_is_known_by_its_request),
        IN_PLACE(a_request_whose_key_is_lost_is_no_intent),
        IN_PLACE(a_reader_knows_that_something_was_asked),
        IN_PLACE(private_files_of_a_waiting_generation_are_0600),
        IN_PLACE(past_requests_are_told_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
