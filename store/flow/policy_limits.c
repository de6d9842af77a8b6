// SPDX-License-Identifier: Apache-2.0
/* policy_limits.c - rows by product, and the end of a certificate by date; looks at no clock. */
#include "flow/policy_limits.h"

enum { DAY_S = 86400 };

const struct dcs_product_row *dcs_policy_product(enum dcs_product product)
{
    /* design.md section 7; what a request of each kind takes: facts/certcentral-api.md 6 and 7. */
    static const struct dcs_product_row rows[] = {
        /* No table and no fields that we know: fetched and served, never reissued by itself. */
        [DCS_PRODUCT_UNKNOWN] = { .name = "an unknown product",
                                  .life = DCS_LIMIT_NONE,
                                  .sends_common_name = true,
                                  .software_key = true },
        [DCS_PRODUCT_PUBLIC_TLS] = { .name = "public TLS",
                                     .life = DCS_LIMIT_TLS,
                                     .by_itself = true,
                                     .sends_names = true,
                                     .sends_common_name = true,
                                     .software_key = true,
                                     .public_tls = true },
        /* No limit by the CA/B Forum; the product's setting is the CA's (facts/policy.md 1.3). */
        [DCS_PRODUCT_PRIVATE_TLS] = { .name = "private TLS",
                                      .life = DCS_LIMIT_NONE,
                                      .by_itself = true,
                                      .sends_names = true,
                                      .sends_common_name = true,
                                      .software_key = true },
        [DCS_PRODUCT_SMIME] = { .name = "S/MIME",
                                .life = DCS_LIMIT_SMIME,
                                .by_itself = true,
                                .sends_email = true,
                                .sends_common_name = true,
                                .software_key = true },
        /* Keys in hardware since 2023-06-01 (CSBR). */
        [DCS_PRODUCT_CODE_SIGNING] = { .name = "code signing",
                                       .life = DCS_LIMIT_CODE_SIGNING,
                                       .by_itself = true },
        [DCS_PRODUCT_DOCUMENT_SIGNING] = { .name = "document signing",
                                           .life = DCS_LIMIT_NONE,
                                           .by_itself = true,
                                           .software_key = true },
        [DCS_PRODUCT_CLIENT] = { .name = "client",
                                 .life = DCS_LIMIT_NONE,
                                 .by_itself = true,
                                 .sends_email = true,
                                 .sends_common_name = true,
                                 .software_key = true },
        /* A request needs the mark itself, which order info does not give. */
        [DCS_PRODUCT_MARK] = { .name = "a verified mark",
                               .life = DCS_LIMIT_NONE,
                               .sends_common_name = true,
                               .software_key = true },
    };

    return (unsigned)product < DCS_COUNT(rows) ? &rows[product] : &rows[DCS_PRODUCT_UNKNOWN];
}

int64_t dcs_term_longest_s(const struct dcs_term *term, int64_t when)
{
    int table = dcs_policy_product(term->product)->life;

    if (table == DCS_LIMIT_NONE)
        return term->usual_s;
    const struct dcs_limit_row *row = dcs_limit_at(term->limits, (enum dcs_limit)table, when);
    return row ? (int64_t)row->ca_days * DAY_S : 0;
}

static int64_t own_end(const struct dcs_term *term, int64_t when)
{
    int64_t longest = dcs_term_longest_s(term, when);

    return longest > 0 ? dcs_time_midnight(when) + longest - 1 : -1;
}

int64_t dcs_term_end(const struct dcs_term *term, int64_t when)
{
    int64_t end = own_end(term, when);

    if (term->order_end >= 0 && (end < 0 || term->order_end < end))
        return term->order_end;
    return end;
}

bool dcs_term_is_order_end(const struct dcs_term *term, int64_t when)
{
    /* Where nothing is known of the product, its limit may be the shorter one: not asked for. */
    return term->order_end >= 0 && own_end(term, when) >= term->order_end;
}

int64_t dcs_policy_reuse_until(const struct dcs_limits *limits, enum dcs_limit table,
                               int64_t validated_at, int64_t now)
{
    const struct dcs_limit_row *then_row = dcs_limit_at(limits, table, validated_at);
    const struct dcs_limit_row *now_row = dcs_limit_at(limits, table, now);

    if (!then_row || !now_row)
        return -1;
    int days = then_row->ca_days < now_row->ca_days ? then_row->ca_days : now_row->ca_days;
    return validated_at + (int64_t)days * DAY_S - 1;
}
