// SPDX-License-Identifier: Apache-2.0
/* test_delivery.c - what a run of deliver does about one order, as a table and as lives; the record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flow/policy_delivery.h"
#include "model/endpoint.h"

enum { NOW = 1795500000, HOUR = 3600 };

/* ---- the table ---- */

struct given {
    struct dcs_delivery_facts facts;
    struct dcs_delivery record;
};

static void nothing_special(struct given *g)
{
    (void)g;
}

static void no_pair(struct given *g)
{
    g->facts.has_pair = false;
}

static void delivered(struct given *g)
{
    g->facts.is_delivered = true;
}

static void delivered_and_stale(struct given *g)
{
    g->facts.is_delivered = g->facts.copy_is_stale = true;
}

static void delivered_and_once_more(struct given *g)
{
    g->facts.is_delivered = g->facts.record_fits = g->record.again = true;
}

static void another_ones_once_more(struct given *g)
{
    g->facts.is_delivered = g->record.again = true;
}

static void failed(struct given *g, int failures, int refusals)
{
    g->facts.record_fits = true;
    g->record.failures = failures;
    g->record.refusals = refusals;
    g->record.next_try = dcs_delivery_next_try(failures, NOW);
}

static void failed_once(struct given *g)
{
    failed(g, 1, 1);
}

static void failed_three_times(struct given *g)
{
    failed(g, 3, 3);
}

static void failed_three_times_and_asked(struct given *g)
{
    failed(g, 3, 3);
    g->facts.asked = true;
}

static void failed_three_times_of_another(struct given *g)
{
    failed(g, 3, 3);
    g->facts.record_fits = false;
}

/* A next try beyond the ladder's top was written by a clock that was wrong. */
static void failed_by_a_wrong_clock(struct given *g)
{
    failed(g, 3, 3);
    g->record.next_try = NOW + 400 * 24 * HOUR;
}

static void tried_in_this_run(struct given *g)
{
    failed(g, 1, 1);
    g->facts.tried = true;
}

static void refused_twice(struct given *g)
{
    failed(g, 2, 2);
    g->facts.rollback = g->facts.can_go_back = g->facts.tried = true;
}

static void refused_twice_without_rollback(struct given *g)
{
    refused_twice(g);
    g->facts.rollback = false;
}

static void refused_twice_without_a_way_back(struct given *g)
{
    refused_twice(g);
    g->facts.can_go_back = false;
}

static void refused_twice_after_a_release(struct given *g)
{
    refused_twice(g);
    g->facts.is_released = true;
}

static void copy_failed_twice(struct given *g)
{
    refused_twice(g);
    g->record.refusals = 0;
}

static void held_in_front(struct given *g)
{
    g->facts.is_held = g->facts.any_held = true;
}

static void held_in_front_and_nothing_else(struct given *g)
{
    held_in_front(g);
    g->facts.settled = true;
}

static void held_and_urgent(struct given *g)
{
    g->facts.is_delivered = g->facts.any_held = g->facts.is_urgent = true;
}

static void held_and_fresh(struct given *g)
{
    g->facts.is_delivered = g->facts.any_held = true;
}

static void each_fact_has_its_step(void **state)
{
    static const struct {
        void (*give)(struct given *);
        enum dcs_delivery_step step;
    } rows[] = {
        { nothing_special, DCS_DELIVERY_DELIVER },
        { no_pair, DCS_DELIVERY_NOTHING },
        { delivered, DCS_DELIVERY_NOTHING },
        { delivered_and_stale, DCS_DELIVERY_DELIVER },
        { delivered_and_once_more, DCS_DELIVERY_DELIVER },
        { another_ones_once_more, DCS_DELIVERY_NOTHING },
        { failed_once, DCS_DELIVERY_DELIVER },
        { failed_three_times, DCS_DELIVERY_WAIT },
        { failed_three_times_and_asked, DCS_DELIVERY_DELIVER },
        { failed_three_times_of_another, DCS_DELIVERY_DELIVER },
        { failed_by_a_wrong_clock, DCS_DELIVERY_DELIVER },
        { tried_in_this_run, DCS_DELIVERY_WAIT },
        { refused_twice, DCS_DELIVERY_ROLL_BACK },
        { refused_twice_without_rollback, DCS_DELIVERY_WAIT },
        { refused_twice_without_a_way_back, DCS_DELIVERY_WAIT },
        { refused_twice_after_a_release, DCS_DELIVERY_WAIT },
        { copy_failed_twice, DCS_DELIVERY_WAIT },
        { held_in_front, DCS_DELIVERY_SETTLE },
        { held_in_front_and_nothing_else, DCS_DELIVERY_DELIVER },
        { held_and_urgent, DCS_DELIVERY_RELEASE },
        { held_and_fresh, DCS_DELIVERY_NOTHING },
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(rows); i++) {
        struct given g = { .facts = { .has_pair = true } };
        rows[i].give(&g);
        g.facts.record = &g.record;
        enum dcs_delivery_step step = dcs_delivery_decide(&g.facts, NOW);
        if (step != rows[i].step)
            fail_msg("row %zu: %s, wanted %s", i, dcs_delivery_step_name(step),
                     dcs_delivery_step_name(rows[i].step));
    }
}

static void two_tries_follow_at_once_then_the_ladder(void **state)
{
    static const int64_t waits[] = { 0, 0, 0, 600, 6000, 21600, 21600 };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(waits); i++)
        assert_int_equal(dcs_delivery_next_try((int64_t)i, NOW) - NOW, waits[i]);
    assert_int_equal(dcs_delivery_next_try(INT64_MAX, NOW) - NOW, 21600);
    assert_int_equal(dcs_delivery_next_try(-1, NOW) - NOW, 0);
}

/* ---- lives: generations, a hook that refuses some of them, time that passes ---- */

enum { GENERATIONS = 12 };

struct world {
    bool exists[GENERATIONS], held[GENERATIONS], released[GENERATIONS], bad[GENERATIONS];
    int current, delivered; /* -1 none */
    int target;             /* of the record */
    struct dcs_delivery record;
    int rollbacks[GENERATIONS];
    int64_t now, urgent_from; /* of what is older than the newest */
};

static void settle_world(struct world *w)
{
    w->current = -1;
    for (int g = GENERATIONS - 1; g >= 0 && w->current < 0; g--)
        if (w->exists[g] && !w->held[g])
            w->current = g;
    for (int g = GENERATIONS - 1; g >= 0 && w->current < 0; g--)
        if (w->exists[g])
            w->current = g;
}

static bool any(const bool *flags)
{
    for (int g = 0; g < GENERATIONS; g++)
        if (flags[g])
            return true;
    return false;
}

static void deliver_world(struct world *w)
{
    if (w->target != w->current)
        w->record = (struct dcs_delivery){ 0 };
    w->target = w->current;
    if (!w->bad[w->current]) {
        w->record = (struct dcs_delivery){ 0 };
        w->delivered = w->current;
        return;
    }
    w->record.failures++;
    w->record.refusals++;
    w->record.next_try = dcs_delivery_next_try(w->record.failures, w->now);
}

/* One run, as store_deliver_order.c does it. */
static void run_world(struct world *w)
{
    bool tried = false;
    bool settled = false;

    for (int i = 0; i < 8; i++) {
        bool can_go_back = w->delivered >= 0 && w->delivered != w->current &&
                           !w->held[w->delivered] && w->now < w->urgent_from;
        const struct dcs_delivery_facts f = {
            .has_pair = w->current >= 0,
            .is_delivered = w->current == w->delivered,
            .is_held = w->held[w->current],
            .is_released = w->released[w->current],
            .any_held = any(w->held),
            .is_urgent = any(w->held) && w->now >= w->urgent_from,
            .can_go_back = can_go_back,
            .rollback = true,
            .tried = tried,
            .settled = settled,
            .record = &w->record,
            .record_fits = w->target == w->current,
        };
        switch (dcs_delivery_decide(&f, w->now)) {
        case DCS_DELIVERY_NOTHING:
        case DCS_DELIVERY_WAIT:
            return;
        case DCS_DELIVERY_RELEASE:
            for (int g = 0; g < GENERATIONS; g++) {
                w->released[g] |= w->held[g];
                w->held[g] = false;
            }
            settle_world(w);
            break;
        case DCS_DELIVERY_SETTLE:
            settled = true;
            settle_world(w);
            break;
        case DCS_DELIVERY_DELIVER:
            tried = true;
            deliver_world(w);
            break;
        case DCS_DELIVERY_ROLL_BACK:
            w->rollbacks[w->current]++;
            for (int g = w->delivered + 1; g < GENERATIONS; g++)
                w->held[g] = w->exists[g] && !w->released[g];
            w->target = w->delivered;
            w->record = (struct dcs_delivery){ .again = true };
            settle_world(w);
            tried = false;
            break;
        }
    }
    fail_msg("a run does not come to its end");
}

static unsigned draw(uint64_t *seed, unsigned below)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(*seed >> 33) % below;
}

static void a_rollback_comes_once_and_never_flip_flops(void **state)
{
    (void)state;
    for (uint64_t life = 1; life <= 3000; life++) {
        uint64_t seed = life;
        struct world w = { .delivered = -1, .target = -1, .now = NOW };
        int made = 0;
        int moves = 0;
        w.urgent_from = NOW + (int64_t)draw(&seed, 400) * HOUR;
        for (int hour = 0; hour < 600; hour++, w.now += HOUR) {
            if (made < GENERATIONS && (hour == 0 || draw(&seed, 60) == 0)) {
                w.exists[made] = true;
                w.bad[made] = made > 0 && draw(&seed, 2);
                made++;
                settle_world(&w);
            }
            if (draw(&seed, 100) == 0) /* somebody mends a server, or breaks it */
                w.bad[draw(&seed, GENERATIONS)] ^= true;
            int before = w.current;
            run_world(&w);
            moves += before != w.current;
        }
        for (int g = 0; g < GENERATIONS; g++)
            assert_in_range(w.rollbacks[g], 0, 1);
        /* Back at most once a generation, and forward once at the release. */
        assert_in_range(moves, 0, made + 1);
        /* What serves when all is over is the newest one, once the older ones come to their end. */
        assert_false(w.now >= w.urgent_from && any(w.held));
    }
}

/* ---- the record ---- */

static void output_stays_readable_and_harmless(void **state)
{
    static const struct {
        const char *in, *out;
        size_t len;
    } rows[] = {
        { "plain\nlines\tand tabs", "plain\nlines\tand tabs", 0 },
        { "bell\a escape\033[31m", "bell? escape?[31m", 0 },
        { "caf\xC3\xA9", "caf\xC3\xA9", 0 },
        { "cut \xC3", "cut ?", 0 },
        { "\xFF\xFE", "??", 0 },
        { "overlong \xC0\xAF", "overlong ??", 0 },
        { "surrogate \xED\xA0\x80", "surrogate ???", 0 },
        { "C1 \xC2\x9B", "C1 ?", 0 },
        { "nul\0here", "nul?here", 8 },
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(rows); i++) {
        char *text =
            dcs_delivery_output(rows[i].in, rows[i].len ? rows[i].len : strlen(rows[i].in));
        assert_non_null(text);
        assert_string_equal(text, rows[i].out);
        free(text);
    }
    assert_null(dcs_delivery_output(NULL, 0));
}

static void the_last_64_KiB_of_the_output_are_kept(void **state)
{
    size_t len = 3 * DCS_HOOK_OUTPUT;
    char *much = malloc(len);

    (void)state;
    assert_non_null(much);
    memset(much, 'a', len);
    memcpy(much + len - 3, "end", 3);
    char *text = dcs_delivery_output(much, len);
    assert_int_equal(strlen(text), DCS_HOOK_OUTPUT);
    assert_string_equal(text + DCS_HOOK_OUTPUT - 4, "aend");
    free(text);
    free(much);
}

static void a_record_reads_as_it_was_written(void **state)
{
    struct dcs_delivery out = { .target = "orders/5/gen-0002",
                                .stage = "hook",
                                .reason = "exit status 3",
                                .old_serial = "0a",
                                .failures = 3,
                                .refusals = 2,
                                .failing_since = 1,
                                .last_try = 2,
                                .next_try = 3,
                                .delivered_at = 4,
                                .again = true,
                                .output = (char *)"two\nlines" };
    dcs_auto(dcs_delivery) struct dcs_delivery in = { 0 };
    dcs_auto(dcs_json) struct dcs_json *json = NULL;

    (void)state;
    assert_true(dcs_delivery_to_json(&out, &json, NULL));
    dcs_delivery_from_json(json, &in);
    assert_string_equal(in.target, out.target);
    assert_string_equal(in.stage, out.stage);
    assert_string_equal(in.reason, out.reason);
    assert_string_equal(in.old_serial, out.old_serial);
    assert_string_equal(in.output, out.output);
    assert_int_equal(in.failures, 3);
    assert_int_equal(in.refusals, 2);
    assert_int_equal(in.failing_since, 1);
    assert_int_equal(in.last_try, 2);
    assert_int_equal(in.next_try, 3);
    assert_int_equal(in.delivered_at, 4);
    assert_true(in.again);
    dcs_delivery_drop(&in);
    dcs_delivery_from_json(NULL, &in); /* missing: as the first time */
    assert_int_equal(in.failures, 0);
    assert_null(in.output);
}

/* ---- verify = ---- */

static void an_endpoint_is_host_port_and_sni(void **state)
{
    static const struct {
        const char *text, *host, *port, *sni; /* host NULL: refused */
    } rows[] = {
        { "tls://127.0.0.1:443?sni=www.example.com", "127.0.0.1", "443", "www.example.com" },
        { "tls://www.example.com:8443", "www.example.com", "8443", "www.example.com" },
        { "tls://127.0.0.1:443", "127.0.0.1", "443", "" },
        { "tls://[::1]:443?sni=a.b", "::1", "443", "a.b" },
        { "tls://host:0443", "host", "443", "host" },
        { "tls://:443", NULL, NULL, NULL },
        { "tls://host", NULL, NULL, NULL },
        { "tls://host:", NULL, NULL, NULL },
        { "tls://host:0", NULL, NULL, NULL },
        { "tls://host:65536", NULL, NULL, NULL },
        { "tls://host:443/", NULL, NULL, NULL },
        { "tls://host:443?sni=", NULL, NULL, NULL },
        { "tls://host:443?name=x", NULL, NULL, NULL },
        { "tls://[::1:443", NULL, NULL, NULL },
        { "tls://[127.0.0.1]:443", NULL, NULL, NULL },
        { "tls://ho st:443", NULL, NULL, NULL },
        { "https://host:443", NULL, NULL, NULL },
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(rows); i++) {
        struct dcs_endpoint e;
        bool read = dcs_endpoint_parse(rows[i].text, &e);
        if (read != (rows[i].host != NULL))
            fail_msg("%s: %s", rows[i].text, read ? "was taken" : "was refused");
        if (!read)
            continue;
        assert_string_equal(e.host, rows[i].host);
        assert_string_equal(e.port, rows[i].port);
        assert_string_equal(e.sni, rows[i].sni);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fact_has_its_step),
        cmocka_unit_test(two_tries_follow_at_once_then_the_ladder),
        cmocka_unit_test(a_rollback_comes_once_and_never_flip_flops),
        cmocka_unit_test(output_stays_readable_and_harmless),
        cmocka_unit_test(the_last_64_KiB_of_the_output_are_kept),
        cmocka_unit_test(a_record_reads_as_it_was_written),
        cmocka_unit_test(an_endpoint_is_host_port_and_sni),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
