// SPDX-License-Identifier: Apache-2.0
/* test_names.c - whether a set of names loses one: what starts the CA's 72-hour revocation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "flow/policy_names.h"

enum { NAMES = 6 };

static struct dcs_name_set set_of(const char *common_name, const char *const *names)
{
    struct dcs_name_set set = { .common_name = common_name, .names = names };

    while (set.count < NAMES && names[set.count])
        set.count++;
    return set;
}

static void losing_or_changing_a_name_is_told_from_adding_one(void **state)
{
    static const struct {
        const char *before_cn, *before[NAMES], *after_cn, *after[NAMES];
        enum dcs_names_change want;
        const char *lost, *added;
    } cases[] = {
        { "a.x", { "a.x", "b.x" }, "a.x", { "a.x", "b.x" }, DCS_NAMES_SAME, "", "" },
        { "a.x", { "a.x", "b.x" }, "A.X", { "B.x", "A.x" }, DCS_NAMES_SAME, "", "" },
        /* the common name need not be repeated, names may be */
        { "a.x", { "a.x", "b.x" }, "a.x", { "b.x", "b.x" }, DCS_NAMES_SAME, "", "" },
        { "a.x", { "b.x" }, "a.x", { "a.x", "b.x" }, DCS_NAMES_SAME, "", "" },
        { "a.x", { "a.x" }, "a.x", { "a.x", "b.x", "c.x" }, DCS_NAMES_ADDED, "", "b.x, c.x" },
        { "a.x", { "a.x", "b.x" }, "a.x", { "a.x" }, DCS_NAMES_LOST, "b.x", "" },
        { "a.x", { "a.x", "b.x" }, "a.x", { "a.x", "c.x" }, DCS_NAMES_LOST, "b.x", "c.x" },
        /* the same names, another common name: a change (facts/policy.md 3.5) */
        { "a.x", { "a.x", "b.x" }, "b.x", { "a.x", "b.x" }, DCS_NAMES_LOST, "", "" },
        { "a.x", { "a.x", "b.x" }, "", { "a.x", "b.x" }, DCS_NAMES_LOST, "", "" },
        { "a.x", { NULL }, "", { "b.x" }, DCS_NAMES_LOST, "a.x", "b.x" },
        /* a set that was read without a common name says nothing of it */
        { "", { "a.x", "b.x" }, "b.x", { "a.x", "b.x" }, DCS_NAMES_SAME, "", "" },
        { NULL, { "a.x" }, NULL, { "a.x" }, DCS_NAMES_SAME, "", "" },
        /* a wildcard covers a name but is not it; neither is a longer one */
        { "*.x", { "*.x", "a.x" }, "*.x", { "*.x" }, DCS_NAMES_LOST, "a.x", "" },
        { "a.x", { "a.x", "a.xy" }, "a.x", { "a.x", "a.xyz" }, DCS_NAMES_LOST, "a.xy", "a.xyz" },
        { "a.x", { "a.x" }, "", { NULL }, DCS_NAMES_LOST, "a.x", "" }, /* nothing at all */
        { "", { NULL }, "a.x", { "a.x" }, DCS_NAMES_ADDED, "", "a.x" },
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        struct dcs_name_set before = set_of(cases[i].before_cn, cases[i].before);
        struct dcs_name_set after = set_of(cases[i].after_cn, cases[i].after);
        struct dcs_names_diff diff;
        dcs_policy_compare_names(&before, &after, &diff);
        if (diff.change != cases[i].want || strcmp(diff.lost, cases[i].lost) != 0 ||
            strcmp(diff.added, cases[i].added) != 0)
            fail_msg("case %zu: %d, lost \"%s\", added \"%s\"", i, (int)diff.change, diff.lost,
                     diff.added);
    }
}

static void a_long_list_is_cut_and_counted(void **state)
{
    static char text[1000][64];
    static const char *names[1000];
    const struct dcs_name_set all = { .names = names, .count = 1000 };
    const struct dcs_name_set none = { .names = NULL };
    struct dcs_names_diff diff;
    size_t rest = 0;

    (void)state;
    for (size_t i = 0; i < 1000; i++) {
        snprintf(text[i], sizeof(text[i]), "host-%zu.department.example.com", i);
        names[i] = text[i];
    }
    dcs_policy_compare_names(&all, &none, &diff);
    assert_int_equal(diff.lost_count, 1000);
    assert_int_equal(diff.added_count, 0);
    const char *tail = strstr(diff.lost, ", and ");
    assert_non_null(tail);
    assert_int_equal(sscanf(tail, ", and %zu more", &rest), 1);
    size_t listed = 1;
    for (const char *at = diff.lost; at < tail; at++)
        listed += *at == ',';
    assert_int_equal(listed + rest, 1000);
}

/* A name longer than the list: it is counted, never written half. */
static void a_name_that_does_not_fit_is_counted(void **state)
{
    static char longest[600];
    const char *names[] = { longest };
    const struct dcs_name_set before = { .names = names, .count = 1 };
    const struct dcs_name_set after = { .names = NULL };
    struct dcs_names_diff diff;

    (void)state;
    memset(longest, 'a', sizeof(longest) - 1);
    dcs_policy_compare_names(&before, &after, &diff);
    assert_int_equal(diff.change, DCS_NAMES_LOST);
    assert_string_equal(diff.lost, "1 more");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losing_or_changing_a_name_is_told_from_adding_one),
        cmocka_unit_test(a_long_list_is_cut_and_counted),
        cmocka_unit_test(a_name_that_does_not_fit_is_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
