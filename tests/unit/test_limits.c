// SPDX-License-Identifier: Apache-2.0
/* test_limits.c - the tables of maximum lifetimes, each row against its source. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/limits.h"

/* Industry and CA days on that day, 0 when there is no row. */
static void each_step_comes_on_the_day_of_its_source(void **state)
{
    static const struct {
        enum dcs_limit table;
        const char *date;
        int industry, ca;
    } cases[] = {
        { DCS_LIMIT_TLS, "2018-02-28", 1187, 1187 }, /* 39 months */
        { DCS_LIMIT_TLS, "2018-03-01", 825, 825 },
        { DCS_LIMIT_TLS, "2020-08-27", 825, 825 },
        { DCS_LIMIT_TLS, "2020-08-28", 825, 397 }, /* DigiCert's step comes first */
        { DCS_LIMIT_TLS, "2020-09-01", 398, 397 },
        { DCS_LIMIT_TLS, "2026-02-23", 398, 397 },
        { DCS_LIMIT_TLS, "2026-02-24", 398, 199 }, /* and again */
        { DCS_LIMIT_TLS, "2026-03-14", 398, 199 },
        { DCS_LIMIT_TLS, "2026-03-15", 200, 199 },
        { DCS_LIMIT_TLS, "2027-03-14", 200, 199 },
        { DCS_LIMIT_TLS, "2027-03-15", 100, 99 },
        { DCS_LIMIT_TLS, "2029-03-14", 100, 99 },
        { DCS_LIMIT_TLS, "2029-03-15", 47, 46 },
        { DCS_LIMIT_CODE_SIGNING, "2026-02-23", 1187, 1187 },
        { DCS_LIMIT_CODE_SIGNING, "2026-02-24", 1187, 459 },
        { DCS_LIMIT_CODE_SIGNING, "2026-03-01", 460, 459 }, /* CSC-31 */
        { DCS_LIMIT_SMIME, "2025-07-09", 1185, 1184 },
        { DCS_LIMIT_SMIME, "2025-07-10", 1185, 824 },
        { DCS_LIMIT_SMIME, "2025-07-15", 825, 824 },
        { DCS_LIMIT_SHORT_LIVED, "2024-03-14", 0, 0 },
        { DCS_LIMIT_SHORT_LIVED, "2024-03-15", 10, 10 },
        { DCS_LIMIT_SHORT_LIVED, "2026-03-15", 7, 7 },
        { DCS_LIMIT_DCV_REUSE, "2026-02-23", 398, 397 },
        { DCS_LIMIT_DCV_REUSE, "2026-02-24", 398, 199 },
        { DCS_LIMIT_DCV_REUSE, "2026-03-15", 200, 199 },
        { DCS_LIMIT_DCV_REUSE, "2027-03-15", 100, 99 },
        { DCS_LIMIT_DCV_REUSE, "2029-03-15", 10, 9 },
        { DCS_LIMIT_SII_REUSE, "2026-02-23", 825, 825 },
        { DCS_LIMIT_SII_REUSE, "2026-02-24", 825, 397 },
        { DCS_LIMIT_SII_REUSE, "2026-03-15", 398, 397 },
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++) {
        int64_t when = 0;
        assert_true(dcs_limit_read_date(cases[i].date, &when));
        const struct dcs_limit_row *row = dcs_limit_at(dcs_limits_builtin(), cases[i].table, when);
        if ((row ? row->industry_days : 0) != cases[i].industry ||
            (row ? row->ca_days : 0) != cases[i].ca)
            fail_msg("%d at %s: %d, %d", (int)cases[i].table, cases[i].date,
                     row ? row->industry_days : 0, row ? row->ca_days : 0);
    }
}

/* facts/policy.md 1.2 and 7 name these seconds: the linters' thresholds, 00:00:00 UTC. */
static void steps_begin_with_the_first_second_of_the_day(void **state)
{
    static const struct {
        int64_t when;
        int industry;
    } cases[] = {
        { 1598918399, 825 }, { 1598918400, 398 }, { 1773532799, 398 }, { 1773532800, 200 },
        { 1805068799, 200 }, { 1805068800, 100 }, { 1868227199, 100 }, { 1868227200, 47 },
    };

    (void)state;
    for (size_t i = 0; i < DCS_COUNT(cases); i++)
        assert_int_equal(
            dcs_limit_at(dcs_limits_builtin(), DCS_LIMIT_TLS, cases[i].when)->industry_days,
            cases[i].industry);
    assert_int_equal(dcs_limits_builtin()->client_auth_stop, 1803859200); /* 2027-03-01 */
}

static void tables_are_in_the_order_of_dates_and_the_ca_stays_below_the_industry(void **state)
{
    (void)state;
    for (int table = 0; table < DCS_LIMIT_COUNT; table++) {
        const struct dcs_limit_row *rows = dcs_limits_builtin()->tables[table];
        assert_true(rows[0].industry_days > 0);
        for (size_t i = 0; rows[i].industry_days; i++) {
            assert_true(rows[i].ca_days > 0 && rows[i].ca_days <= rows[i].industry_days);
            assert_true(rows[i].from % 86400 == 0);
            assert_true(i == 0 || rows[i].from > rows[i - 1].from);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_step_comes_on_the_day_of_its_source),
        cmocka_unit_test(steps_begin_with_the_first_second_of_the_day),
        cmocka_unit_test(tables_are_in_the_order_of_dates_and_the_ca_stays_below_the_industry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
