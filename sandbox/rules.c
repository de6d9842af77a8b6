// SPDX-License-Identifier: Apache-2.0
/* rules.c - tables by date (facts/policy: DigiCert's own dates), and what follows from them. */
#include "rules.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "clock.h"

enum { LABEL_MAX = 63, NAME_MAX_LEN = 253 };

/* 2026-02-24, 2027-03-15, 2029-03-15; before: 397. */
static const struct sb_steps tls_days = {
    { { 0, 397 }, { 1771891200, 199 }, { 1805068800, 99 }, { 1868227200, 46 } }, 4
};
/* S/MIME: Legacy ended on 2025-07-10. Code signing: 459 days since 2026-02-24. */
static const struct sb_steps email_days = { { { 0, 1184 }, { 1752105600, 824 } }, 2 };
static const struct sb_steps code_days = { { { 0, 1185 }, { 1771891200, 459 } }, 2 };
static const struct sb_steps private_days = { { { 0, 1095 } }, 1 };
static const struct sb_steps reuse_days = {
    { { 0, 397 }, { 1771891200, 199 }, { 1805068800, 99 }, { 1868227200, 9 } }, 4
};
/* 2027-03-01 (ALERT53) */
static const int64_t client_auth_end = 1803859200;

static int64_t days_on(const struct sb_steps *steps, int64_t when)
{
    int64_t days = steps->list[0].days;

    for (size_t i = 0; i < steps->count; i++)
        if (when >= steps->list[i].from)
            days = steps->list[i].days;
    return days;
}

int64_t sb_rule_max_days(enum sb_kind kind, int64_t when, const struct sb_steps *tls)
{
    switch (kind) {
    case SB_KIND_TLS:
        return days_on(tls && tls->count ? tls : &tls_days, when);
    case SB_KIND_EMAIL:
        return days_on(&email_days, when);
    case SB_KIND_CODE:
        return days_on(&code_days, when);
    case SB_KIND_PRIVATE_TLS:
        break;
    }
    return days_on(&private_days, when);
}

int64_t sb_rule_reuse_days(int64_t when, const struct sb_steps *reuse)
{
    return days_on(reuse && reuse->count ? reuse : &reuse_days, when);
}

bool sb_rule_gives_client_auth(int64_t when, int64_t end)
{
    return when < (end ? end : client_auth_end);
}

/* Saturday, Sunday, and the holidays whose date is fixed. */
static bool is_day_off(int64_t when)
{
    static const int fixed[][2] = { { 0, 1 }, { 5, 19 }, { 6, 4 }, { 10, 11 }, { 11, 25 } };
    time_t seconds = (time_t)when;
    struct tm day = { 0 };

    gmtime_r(&seconds, &day);
    for (size_t i = 0; i < SB_COUNT(fixed); i++)
        if (day.tm_mon == fixed[i][0] && day.tm_mday == fixed[i][1])
            return true;
    return day.tm_wday == 0 || day.tm_wday == 6;
}

struct sb_span sb_rule_span(const struct sb_term *term, int64_t when)
{
    struct sb_span span = { .from = sb_time_midnight(when) };
    bool named = term->asked_end > 0 || term->asked_days > 0;

    span.till = span.from + term->max_days * SB_DAY - 1;
    if (term->asked_end > 0 && term->asked_end < span.till)
        span.till = term->asked_end;
    else if (term->asked_days > 0 && term->asked_days < term->max_days)
        span.till = span.from + term->asked_days * SB_DAY - 1;
    /* The end of the order is a day that was named, too. */
    if (term->order_end > 0 && term->order_end <= span.till) {
        span.till = term->order_end;
        return span;
    }
    while (term->weekends_off && !named && span.till > span.from + SB_DAY && is_day_off(span.till))
        span.till -= SB_DAY;
    return span;
}

static bool is_label(const char *label, size_t len)
{
    if (len == 0 || len > LABEL_MAX || label[0] == '-' || label[len - 1] == '-')
        return false;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)label[i]) && label[i] != '-')
            return false;
    return true;
}

bool sb_rule_is_host(const char *name, bool wildcard_allowed)
{
    size_t labels = 0;
    size_t total = strlen(name);

    if (total > NAME_MAX_LEN)
        return false;
    if (strncmp(name, "*.", 2) == 0) {
        if (!wildcard_allowed)
            return false;
        name += 2;
    }
    for (const char *at = name;; labels++) {
        size_t len = strcspn(at, ".");
        if (!is_label(at, len))
            return false;
        at += len;
        if (!*at)
            return labels + 1 >= 2;
        at++;
    }
}

const char *sb_rule_domain_of(const char *name)
{
    const char *domain = name;
    const char *last = strrchr(name, '.');

    for (const char *at = name; last && at < last; at++)
        if (*at == '.')
            domain = at + 1;
    const char *mail = strchr(domain, '@');
    return mail ? mail + 1 : domain;
}

bool sb_rule_is_below(const struct sb_names *names, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < names->count; i++) {
        const char *wild = names->list[i];
        size_t tail = strlen(wild);
        if (strncmp(wild, "*.", 2) != 0)
            continue;
        if (len > tail - 1 && strcasecmp(name + len - (tail - 1), wild + 1) == 0)
            return true;
    }
    return false;
}

bool sb_rule_loses(const struct sb_names *before, const struct sb_names *after)
{
    for (size_t i = 0; i < before->count; i++)
        if (!sb_names_has(after, before->list[i]))
            return true;
    return false;
}
