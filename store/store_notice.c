// SPDX-License-Identifier: Apache-2.0
/* store_notice.c - which events an order gives, from its JSON alone, and when each is said again. */
#include <stdio.h>
#include <string.h>

#include "store_notify.h"

enum { DAY_S = 86400 };

struct notices {
    const struct dcs_json *order;
    const struct dcs_err *err;
    int64_t now;
    struct dcs_notice *out;
    size_t count;
};

static int64_t time_of(const struct notices *n, const char *path)
{
    const char *text = dcs_json_text(n->order, path);
    int64_t when = 0;

    return text && dcs_time_parse(text, &when) ? when : 0;
}

static const char *text_of(const struct notices *n, const char *path, const char *otherwise)
{
    const char *text = dcs_json_text(n->order, path);

    return text ? text : otherwise;
}

static struct dcs_notice *add(struct notices *n, const char *event, const char *key,
                              const char *words)
{
    struct dcs_notice *notice = &n->out[n->count++];

    *notice = (struct dcs_notice){ .event = event, .is_daily = true };
    snprintf(notice->key, sizeof(notice->key), "%s", key);
    snprintf(notice->words, sizeof(notice->words), "%s", words);
    return notice;
}

/* What concerns the API key or the service is the same for ten thousand orders. */
static void judge_failure(struct notices *n)
{
    enum dcs_code code = n->err->code;
    char key[DCS_NOTICE_KEY];

    if (code == DCS_E_NONE || code == DCS_E_PENDING)
        return;
    bool for_all = code == DCS_E_AWAY || code == DCS_E_LIMIT || code == DCS_E_DENIED;
    snprintf(key, sizeof(key), "%s", dcs_code_name(code));
    if (!for_all)
        snprintf(key, sizeof(key), "%s %d %s", dcs_code_name(code), n->err->http_status,
                 n->err->service_code);
    add(n, "failed", key, n->err->text)->for_all = for_all;
}

static void judge_pending(struct notices *n)
{
    const char *waits = text_of(n, "request.waits_for", NULL);
    char words[512];

    if (n->err->code != DCS_E_PENDING)
        return;
    if (waits)
        snprintf(words, sizeof(words), "a new certificate was asked for, the CA %s", waits);
    else
        snprintf(words, sizeof(words), "%s", n->err->text);
    add(n, "pending", waits ? waits : n->err->service_code, words);
}

/* Due for a day, and not because policy waits for a better moment. */
static bool is_due_missed(const struct notices *n)
{
    bool waits = strcmp(text_of(n, "plan.action", ""), "wait") == 0 &&
                 strcmp(text_of(n, "plan.reason", ""), "never") != 0;
    int64_t due = time_of(n, "current.due");

    return due && n->now >= due + DAY_S && !waits;
}

static void judge_life(struct notices *n)
{
    static const struct {
        const char *path, *step;
        bool is_daily;
    } steps[] = { { "current.not_after", "expired", true },
                  { "current.critical", "critical", true },
                  { "current.urgent", "urgent", false },
                  { "current.warn", "warn", false } };
    const char *step = is_due_missed(n) ? "due-missed" : NULL;
    bool is_daily = false;

    for (size_t i = 0; i < DCS_COUNT(steps); i++) {
        int64_t when = time_of(n, steps[i].path);
        if (!when || n->now < when)
            continue;
        step = steps[i].step;
        is_daily = steps[i].is_daily;
        break;
    }
    if (!step)
        return;
    char key[DCS_NOTICE_KEY];
    char words[512];
    /* Of this certificate: the next one's steps are new. */
    snprintf(key, sizeof(key), "%s %s", step, text_of(n, "current.serial", ""));
    snprintf(words, sizeof(words), "%s: valid until %s; %s", step,
             text_of(n, "current.not_after", "?"), text_of(n, "plan.words", "nothing is planned"));
    add(n, "expiring", key, words)->is_daily = is_daily;
}

static void judge_validation(struct notices *n)
{
    char key[DCS_NOTICE_KEY];
    char words[512];

    if (dcs_json_tri(n->order, "validation.dcv_lapses") != DCS_YES)
        return;
    const char *domain = text_of(n, "validation.dcv_first", "a domain");
    const char *until = text_of(n, "validation.dcv_until", "?");
    snprintf(key, sizeof(key), "%s %s", domain, until);
    snprintf(words, sizeof(words), "the validation of %s at the CA ends %s: %s", domain, until,
             text_of(n, "validation.words", "validate it anew"));
    add(n, "dcv-expiring", key, words);
}

size_t dcs_notice_judge(const struct dcs_json *order, const struct dcs_err *err, int64_t now,
                        struct dcs_notice out[DCS_NOTICES])
{
    struct notices n = { .order = order, .err = err, .now = now, .out = out };

    judge_failure(&n);
    judge_pending(&n);
    judge_life(&n);
    judge_validation(&n);
    return n.count;
}

/* A time ahead of now was another clock's. */
bool dcs_notice_is_new(const struct dcs_notice *notice, const char *last_key, int64_t last_at,
                       int64_t now)
{
    if (!last_key || strcmp(last_key, notice->key) != 0)
        return true;
    return notice->is_daily && (now - last_at >= DAY_S || last_at > now);
}
