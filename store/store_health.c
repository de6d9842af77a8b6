// SPDX-License-Identifier: Apache-2.0
/*
 * store_health.c - how well an order is, in one word, a level and a sentence, and all orders together.
 * Judges by the JSON that `show` and `status` give and by nothing else, so that monitoring, metrics
 * and report cannot disagree with what a person is shown.
 */
#include <stdio.h>
#include <string.h>

#include "store_show.h"

enum {
    HOUR_S = 3600,
    DAY_S = 86400,
    PENDING_AFTER_S = HOUR_S, /* the CA needs seconds; after an hour somebody should know */
    UNTRIED_AFTER_S = DAY_S,  /* `sync` runs every few minutes, or at least every hour */
    FAILING_AFTER = 3,        /* failures in a row of an order that is not due */
};

enum level { OK = 0, WARNING, CRITICAL };
static const char *const level_names[] = { "ok", "warning", "critical" };

/* What is known of an order, as the verdict sees it. */
struct sight {
    const struct dcs_json *order;
    const char *stage;   /* NULL: no certificate is here */
    const char *failure; /* code, NULL none */
    const char *action, *cause, *reason;
    int64_t now, failures;
    int64_t due, not_after, last_attempt, sent; /* 0 unknown */
};

static int64_t time_of(const struct dcs_json *object, const char *path)
{
    const char *text = dcs_json_text(object, path);
    int64_t when = 0;

    return text && dcs_time_parse(text, &when) ? when : 0;
}

static bool is(const char *text, const char *word)
{
    return text && strcmp(text, word) == 0;
}

static void look(const struct dcs_json *order, int64_t now, struct sight *s)
{
    *s = (struct sight){ .order = order, .now = now };
    s->stage = dcs_json_text(order, "current.stage");
    s->failure = dcs_json_text(order, "last_failure.code");
    s->action = dcs_json_text(order, "plan.action");
    s->cause = dcs_json_text(order, "plan.cause");
    s->reason = dcs_json_text(order, "plan.reason");
    (void)dcs_json_i64(order, "failures", &s->failures);
    s->due = time_of(order, "current.due");
    s->not_after = time_of(order, "current.not_after");
    s->last_attempt = time_of(order, "last_attempt");
    s->sent = time_of(order, "request.sent");
}

/* ---- what may be wrong ---- */

static bool is_expired(const struct sight *s)
{
    return is(s->stage, "expired");
}

static bool is_revoked(const struct sight *s)
{
    return is(s->stage, "revoked");
}

static bool is_urgent(const struct sight *s)
{
    return is(s->stage, "urgent") || is(s->stage, "critical");
}

static bool is_denied(const struct sight *s)
{
    return is(s->failure, "denied");
}

/* The first pair, or a new certificate that was asked for over an hour ago. */
static bool is_pending(const struct sight *s)
{
    if (!s->stage || is(s->cause, "no_pair"))
        return is(s->failure, "pending") || s->sent;
    return s->sent && s->now - s->sent >= PENDING_AFTER_S;
}

/* Somebody waits for what the service has: without that, an absence concerns nobody. */
static bool is_away(const struct sight *s)
{
    return (is(s->failure, "away") || is(s->failure, "limit")) && !is(s->stage, "fresh");
}

static bool was_refused(const struct sight *s)
{
    return !s->stage &&
           (is(s->failure, "refused") || is(s->failure, "rejected") || is(s->failure, "policy"));
}

static bool is_missing(const struct sight *s)
{
    return !s->stage;
}

static bool is_due_and_fails(const struct sight *s)
{
    return is(s->stage, "due") && s->failure && !is(s->failure, "pending");
}

/* There is a cause, and something in the way that a person should know. */
static bool is_held_up(const struct sight *s)
{
    return is(s->action, "renewal_due") ||
           (is(s->action, "refused") && !is(s->reason, "successor"));
}

static bool is_untried(const struct sight *s)
{
    return is(s->stage, "due") && (is(s->action, "reissue") || is(s->action, "duplicate")) &&
           s->due && s->now - s->due >= UNTRIED_AFTER_S &&
           s->now - s->last_attempt >= UNTRIED_AFTER_S;
}

static bool fails_again_and_again(const struct sight *s)
{
    return s->failure && !is(s->failure, "pending") && !is(s->failure, "away") &&
           !is(s->failure, "limit") && s->failures >= FAILING_AFTER;
}

/* The first failure is tried again at once; and while a hook runs it counts as one. */
static bool is_undelivered(const struct sight *s)
{
    const char *state = dcs_json_text(s->order, "delivery.state");
    int64_t failures = 0;

    (void)dcs_json_i64(s->order, "delivery.failures", &failures);
    return is(state, "rolled-back") || failures > 1;
}

static bool is_never_delivered(const struct sight *s)
{
    int64_t since = time_of(s->order, "current.since");

    return is(dcs_json_text(s->order, "delivery.state"), "waiting") && since &&
           s->now - since >= UNTRIED_AFTER_S;
}

static bool is_good(const struct sight *s)
{
    (void)s;
    return true;
}

/* ---- what is said of it: the first that holds ---- */

struct verdict {
    bool (*holds)(const struct sight *s);
    const char *state;
    enum level level;
    const char *words;      /* before the details; "" the details alone */
    const char *details[2]; /* paths, the first that is there */
    const char *since;      /* path */
    bool outranks_plan;     /* without details its words are said, not the plan's */
};

#define FAILURE "last_failure.text"
#define WAITS "request.waits_for"
#define DELIVERY "delivery.words"
#define UNDELIVERED "the new pair waits for a day: does `digicert-store deliver` run?"
#define UNTRIED "due, and nothing was tried for a day: does `digicert-store sync` run?"

static const struct verdict verdicts[] = {
    { is_expired, "expired", CRITICAL, "expired", { FAILURE, WAITS }, "current.not_after" },
    { is_revoked, "revoked", CRITICAL, "revoked by the CA", { NULL }, NULL },
    { is_urgent, "urgent", CRITICAL, "urgent", { FAILURE, WAITS }, "current.urgent" },
    { is_denied, "denied", CRITICAL, "", { FAILURE }, "failing_since" },
    { is_pending, "pending", WARNING, "", { WAITS, FAILURE }, "request.sent" },
    { is_away, "away", WARNING, "", { FAILURE }, "failing_since" },
    { was_refused, "stuck", CRITICAL, "", { FAILURE }, "failing_since" },
    { is_missing, "missing", CRITICAL, "no certificate is here", { FAILURE }, "failing_since" },
    { is_due_and_fails, "stuck", WARNING, "due, and it fails", { FAILURE }, "current.due" },
    { is_held_up, "stuck", WARNING, "", { NULL }, NULL },
    { is_untried, "stuck", WARNING, UNTRIED, { NULL }, "current.due", true },
    { fails_again_and_again, "failing", WARNING, "", { FAILURE }, "failing_since" },
    { is_undelivered, "undelivered", WARNING, "", { DELIVERY }, "delivery.failing_since" },
    { is_never_delivered, "undelivered", WARNING, UNDELIVERED, { NULL }, "current.since", true },
    { is_good, "good", OK, "", { NULL }, NULL },
};

/* A failure or what the CA waits for says more than the plan, which names the state itself. */
static void say_why(const struct verdict *v, const struct dcs_json *order, char *out,
                    size_t capacity)
{
    const char *plan = dcs_json_text(order, "plan.words");

    for (size_t i = 0; i < DCS_COUNT(v->details) && v->details[i]; i++) {
        const char *text = dcs_json_text(order, v->details[i]);
        if (!text)
            continue;
        snprintf(out, capacity, "%s%s%s", v->words, *v->words ? ": " : "", text);
        return;
    }
    snprintf(out, capacity, "%s", plan && !v->outranks_plan ? plan : v->words);
}

void dcs_show_health(struct dcs_json *order, int64_t now)
{
    const struct verdict *v = verdicts;
    struct sight s;
    char words[1024];

    look(order, now, &s);
    while (!v->holds(&s))
        v++;
    say_why(v, order, words, sizeof(words));
    struct dcs_json *object = dcs_json_add_object(order, "health");
    dcs_json_add_text(object, "state", v->state);
    dcs_json_add_text(object, "level", level_names[v->level]);
    dcs_json_add_text(object, "words", words);
    if (v->since && time_of(order, v->since))
        dcs_json_add_time(object, "since", time_of(order, v->since));
}

/* ---- all orders ---- */

struct tally {
    int64_t orders, not_good, next_expiry;
    int64_t states[DCS_COUNT(verdicts)]; /* at the first row of that state */
    enum level worst;
};

static size_t row_of(const char *state)
{
    size_t i = 0;

    while (i + 1 < DCS_COUNT(verdicts) && !is(state, verdicts[i].state))
        i++;
    return i;
}

static void count(const struct dcs_json *order, int64_t now, struct tally *tally)
{
    size_t row = row_of(dcs_json_text(order, "health.state"));
    const char *level = dcs_json_text(order, "health.level");
    int64_t not_after = time_of(order, "current.not_after");

    tally->orders++;
    tally->states[row]++;
    tally->not_good += verdicts[row].level != OK;
    for (enum level l = OK; l <= CRITICAL; l++)
        if (is(level, level_names[l]) && l > tally->worst)
            tally->worst = l;
    if (not_after > now && (!tally->next_expiry || not_after < tally->next_expiry))
        tally->next_expiry = not_after;
}

static void say(struct dcs_json *object, const struct tally *tally, bool away)
{
    const char *plural = tally->orders == 1 ? "" : "s";
    char words[160];

    if (tally->orders == 0)
        snprintf(words, sizeof(words), "no orders are here%s", away ? ", the service is away" : "");
    else if (tally->not_good > 0)
        snprintf(words, sizeof(words), "%lld of %lld order%s need%s attention%s",
                 (long long)tally->not_good, (long long)tally->orders, plural,
                 tally->not_good == 1 ? "s" : "", away ? ", the service is away" : "");
    else
        snprintf(words, sizeof(words), "%lld order%s, all good%s", (long long)tally->orders, plural,
                 away ? ", but the service is away" : "");
    dcs_json_add_text(object, "words", words);
}

void dcs_status_health(struct dcs_json *root, int64_t now)
{
    const struct dcs_json *orders = dcs_json_get(root, "orders");
    bool away = dcs_json_tri(root, "service.away") == DCS_YES ||
                dcs_json_tri(root, "service.issuance.away") == DCS_YES;
    struct tally tally = { .worst = away ? WARNING : OK };

    for (const struct dcs_json *o = dcs_json_first(orders); o; o = dcs_json_next(o))
        count(o, now, &tally);
    struct dcs_json *object = dcs_json_add_object(root, "health");
    dcs_json_add_text(object, "level", level_names[tally.worst]);
    say(object, &tally, away);
    dcs_json_add_i64(object, "orders", tally.orders);
    struct dcs_json *states = dcs_json_add_object(object, "states");
    for (size_t i = 0; i < DCS_COUNT(verdicts); i++)
        if (row_of(verdicts[i].state) == i)
            dcs_json_add_i64(states, verdicts[i].state, tally.states[i]);
    if (tally.next_expiry)
        dcs_json_add_time(object, "next_expiry", tally.next_expiry);
}
