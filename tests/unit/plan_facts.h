/* SPDX-License-Identifier: Apache-2.0 */
/* plan_facts.h - facts for tests of flow/policy_plan: a sound order, and one way to ask each. */
#ifndef TEST_PLAN_FACTS_H
#define TEST_PLAN_FACTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flow/policy_plan.h"

#define DAY 86400LL
static const int64_t T0 = 1795478400; /* 2026-11-24, a midnight */

/* One maximum for ever: steps have tests of their own. */
static inline const struct dcs_limits *of_199_days(void)
{
    static struct dcs_limits limits;

    if (!limits.tables[DCS_LIMIT_TLS][0].industry_days) {
        limits = *dcs_limits_builtin();
        memset(limits.tables[DCS_LIMIT_TLS], 0, sizeof(limits.tables[DCS_LIMIT_TLS]));
        limits.tables[DCS_LIMIT_TLS][0] = (struct dcs_limit_row){ 0, 200, 199 };
    }
    return &limits;
}

/* A pair of 199 days issued at T0, under an order that lasts three years; nothing is wrong. */
static inline struct dcs_plan_facts sound(void)
{
    return (struct dcs_plan_facts){
        .certificate = { .exists = true,
                         .has_key = true,
                         .scts = 3,
                         .not_before = T0,
                         .not_after = T0 + 199 * DAY - 1 },
        .order = { .known = true,
                   .uri = "order/123",
                   .status = DCS_ORDER_ISSUED,
                   .product = DCS_PRODUCT_PUBLIC_TLS,
                   .order_end = T0 + 1095 * DAY - 1,
                   .disable_ct = DCS_NO,
                   .primary_not_after = -1,
                   .dcv_valid_until = -1 },
        .settings = { .limits = of_199_days(),
                      .reissue = DCS_REISSUE_AUTO,
                      .max_reissues_per_day = 12 },
    };
}

static inline struct dcs_plan decide(const struct dcs_plan_facts *facts, int64_t now)
{
    struct dcs_plan plan;

    dcs_plan_decide(facts, now, &plan);
    assert_true(plan.words[0]);
    return plan;
}

/* Without spread (hash 0): due at two thirds, urgent with L/20 or seven days left. */
enum { DUE = 132 * 86400 + 57600, URGENT = 189 * 86400 + 4320 };

/* Causes as bits, weakest first: due, urgent, CT drift, no pair, revoked, verb. */
enum { D = 1, U = 2, C = 4, N = 8, R = 16, V = 32, ALL = 63 };

/* A fact that asks for a new certificate for that cause alone, and when. */
static inline struct dcs_plan_facts asking(int cause, int64_t *ret_now)
{
    struct dcs_plan_facts f = sound();

    *ret_now = T0 + (cause == U ? 195 : 150) * DAY;
    if (cause != D && cause != U) /* fresh but for that */
        f.certificate.not_before = *ret_now - DAY;
    f.certificate.not_after = f.certificate.not_before + 199 * DAY - 1;
    f.certificate.scts = cause == C ? 0 : 3;
    f.certificate.has_key = cause != N;
    f.certificate.revoked = cause == R;
    f.verb = cause == V;
    f.counted_day = *ret_now;
    return f;
}

#endif
