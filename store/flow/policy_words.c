// SPDX-License-Identifier: Apache-2.0
/* policy_words.c - decisions as words, one row a reason; decides nothing. */
#include "flow/policy_parts.h"

#include <stdio.h>
#include <string.h>

enum { DAY_S = 86400, DATE_TEXT = 11 };

static const char *named(const char *const *names, size_t count, unsigned index)
{
    return index < count && names[index] ? names[index] : "unknown";
}

static const char *const cause_names[] = {
    [DCS_CAUSE_NONE] = "none",       [DCS_CAUSE_DUE] = "due",
    [DCS_CAUSE_URGENT] = "urgent",   [DCS_CAUSE_CT_DRIFT] = "ct_drift",
    [DCS_CAUSE_NO_PAIR] = "no_pair", [DCS_CAUSE_REVOKED] = "revoked",
    [DCS_CAUSE_VERB] = "verb",
};

const char *dcs_cause_name(enum dcs_cause cause)
{
    return named(cause_names, DCS_COUNT(cause_names), (unsigned)cause);
}

enum dcs_cause dcs_cause_from_name(const char *name)
{
    for (size_t i = 0; i < DCS_COUNT(cause_names); i++)
        if (strcmp(cause_names[i], name) == 0)
            return (enum dcs_cause)i;
    return DCS_CAUSE_NONE;
}

const char *dcs_plan_action_name(enum dcs_plan_action action)
{
    static const char *const names[] = {
        [DCS_PLAN_WAIT] = "wait",           [DCS_PLAN_REISSUE] = "reissue",
        [DCS_PLAN_DUPLICATE] = "duplicate", [DCS_PLAN_REFUSED] = "refused",
        [DCS_PLAN_PENDING] = "pending",     [DCS_PLAN_RENEWAL_DUE] = "renewal_due",
    };

    return named(names, DCS_COUNT(names), (unsigned)action);
}

/* The word for records, and what is said; FRESH, GO and some others have words of their own. */
static const struct {
    const char *name, *words;
} reasons[DCS_WHY_COUNT] = {
    [DCS_WHY_GO] = { "go", "" },
    [DCS_WHY_OURS_PENDING] = { "ours_pending", "" },
    [DCS_WHY_FRESH] = { "fresh", "" },
    [DCS_WHY_NEVER] = { "never", "reissue = never: nothing is asked for without a person" },
    [DCS_WHY_LITTLE_GAIN] = { "little_gain", "" },
    [DCS_WHY_MAINTENANCE] = { "maintenance", "" },
    [DCS_WHY_ORDER_END] = { "order_end", "" },
    [DCS_WHY_NO_ORDER] = { "no_order", "the order was never read from the CA" },
    [DCS_WHY_NOT_ISSUED] = { "not_issued", "" },
    [DCS_WHY_ORDER_DEAD] = { "order_dead", "" },
    [DCS_WHY_ORDER_ENDED] = { "order_ended", "" },
    [DCS_WHY_CLOCK] = { "clock", "" },
    [DCS_WHY_PRODUCT] = { "product", "" },
    [DCS_WHY_SOFTWARE_KEY] = { "software_key", "" },
    [DCS_WHY_SUCCESSOR] = { "successor", "the renewed order (successor) serves, this one is not "
                                         "reissued again" },
    [DCS_WHY_HELD] = { "held", "the delivery of a newer certificate was rolled back and is held; "
                               "`digicert-store deliver --release` or urgency ends that" },
    [DCS_WHY_CLIENT_AUTH] = { "client_auth",
                              "client_auth = needed, and the CA has stopped to give EKU clientAuth "
                              "in public TLS; take a private product or client_auth = not-needed" },
    [DCS_WHY_FOREIGN_PENDING] = { "foreign_pending", "" },
    [DCS_WHY_NAMES] = { "names", "" },
    [DCS_WHY_ANSWERED] = { "answered",
                           "the CA refused, rejected or cancelled our last request and "
                           "nothing changed since; `digicert-store reissue` asks again" },
    [DCS_WHY_NOT_TAKEN] = { "not_taken", "" },
    [DCS_WHY_TODAY_HERE] = { "today_here", "three were asked for here today (UTC)" },
    [DCS_WHY_TODAY_THERE] = { "today_there", "" },
};

const char *dcs_plan_reason_name(enum dcs_plan_reason reason)
{
    return (unsigned)reason < DCS_WHY_COUNT ? reasons[reason].name : "unknown";
}

static const char *date(int64_t when, char out[DCS_TIME_TEXT])
{
    dcs_time_text(when, out);
    out[DATE_TEXT - 1] = '\0';
    return out;
}

enum { WINDOW_TEXT = 80, MINUTE_TEXT = 24 };

/* "2026-12-06 05:00 UTC": windows are a matter of hours. */
static const char *minute(int64_t when, char out[MINUTE_TEXT])
{
    char text[DCS_TIME_TEXT];

    dcs_time_text(when, text);
    snprintf(out, MINUTE_TEXT, "%.10s %.5s UTC", text, text + 11);
    return out;
}

static const char *window(const struct dcs_span *span, char out[WINDOW_TEXT])
{
    char start[DCS_TIME_TEXT];
    char end[MINUTE_TEXT];

    dcs_time_text(span->start, start);
    snprintf(out, WINDOW_TEXT, "the maintenance window of %.10s %.5s to %s", start, start + 11,
             minute(span->end, end));
    return out;
}

static void say_cause(const struct dcs_plan_facts *facts, const struct dcs_plan *plan, char *out,
                      size_t capacity)
{
    const struct dcs_plan_certificate *c = &facts->certificate;
    char day[DCS_TIME_TEXT];
    char span[WINDOW_TEXT];

    switch (plan->cause) {
    case DCS_CAUSE_NONE:
        snprintf(out, capacity, "nothing to do");
        break;
    case DCS_CAUSE_DUE:
        snprintf(out, capacity, "due since %s", date(plan->dates.due, day));
        break;
    case DCS_CAUSE_URGENT:
        if (plan->stage == DCS_STAGE_EXPIRED)
            snprintf(out, capacity, "expired on %s", date(c->not_after, day));
        else if (plan->hurried)
            snprintf(out, capacity, "hurried, it would be urgent on %s in %s",
                     date(plan->dates.urgent, day), window(&plan->window, span));
        else
            snprintf(out, capacity, "urgent since %s", date(plan->dates.urgent, day));
        break;
    case DCS_CAUSE_CT_DRIFT:
        snprintf(out, capacity, "%s", plan->ct.words);
        break;
    case DCS_CAUSE_NO_PAIR:
        snprintf(out, capacity, "%s",
                 c->exists ? "its private key is not here" : "no certificate is here");
        break;
    case DCS_CAUSE_REVOKED:
        snprintf(out, capacity, "%s", c->revoked ? "revoked by the CA" : "the CA will revoke it");
        break;
    case DCS_CAUSE_VERB:
        snprintf(out, capacity, "asked for");
        break;
    }
}

/* Why it is no duplicate although that is configured. */
static const char *why_no_duplicate(const struct dcs_plan_facts *facts, const struct dcs_plan *plan)
{
    if (facts->settings.via != DCS_VIA_DUPLICATE || plan->action == DCS_PLAN_DUPLICATE)
        return "";
    return plan->cause == DCS_CAUSE_CT_DRIFT
               ? "; a duplicate cannot change CT"
               : "; a duplicate would end too early with the certificate that it copies";
}

static void say_go(const struct dcs_plan_facts *facts, const struct dcs_plan *plan,
                   const char *cause, char *out, size_t capacity)
{
    const char *what = plan->action == DCS_PLAN_DUPLICATE ? "duplicate" : "reissue";
    const char *why = why_no_duplicate(facts, plan);
    char day[DCS_TIME_TEXT];

    if (plan->expected_end < 0)
        snprintf(out, capacity, "%.130s; a %s is asked for%s", cause, what, why);
    else
        snprintf(out, capacity, "%.130s; a %s would last until %s (%+lld days)%s%s", cause, what,
                 date(plan->expected_end, day), (long long)(plan->gain_s / DAY_S),
                 plan->ask_end ? ", the end of the order" : "", why);
}

/* What is asked for although the CA is announced to be away. */
static void say_inside(const struct dcs_plan *plan, char *out, size_t capacity)
{
    size_t len = strlen(out);
    char end[MINUTE_TEXT];

    if (plan->in_window)
        snprintf(out + len, capacity - len,
                 "; tried although maintenance is announced until %s, and again if that fails",
                 minute(plan->window.end, end));
}

static void say_held(const struct dcs_plan *plan, const char *cause, char *out, size_t capacity)
{
    char span[WINDOW_TEXT];
    char then[MINUTE_TEXT];

    snprintf(out, capacity, "%s, but waits for the end of %s; asked for on %s%s", cause,
             window(&plan->window, span), minute(plan->held_until, then),
             plan->held_until > plan->window.end ? ", hosts are spread" : "");
}

/* "due on 2026-12-06, but asked for on ..." */
static void say_moved(const struct dcs_plan *plan, char *out, size_t capacity)
{
    size_t len = strlen(out);
    char span[WINDOW_TEXT];
    char then[MINUTE_TEXT];

    if (plan->moved_to)
        snprintf(out + len, capacity - len, "; asked for on %s, %s %s",
                 minute(plan->moved_to, then),
                 plan->moved_to < plan->window.start ? "before" : "because of",
                 window(&plan->window, span));
}

static void say_wait(const struct dcs_plan_facts *facts, const struct dcs_plan *plan,
                     const char *cause, char *out, size_t capacity)
{
    char day[DCS_TIME_TEXT];
    char end[DCS_TIME_TEXT];
    char gain[64] = "a new one would not last longer yet";
    char again[64] = "";

    if (plan->reason == DCS_WHY_FRESH) {
        snprintf(out, capacity, "valid until %s, due on %s%s",
                 date(facts->certificate.not_after, end), date(plan->dates.due, day),
                 plan->dates.plan_point >= 0 ? ", when a new one reaches the order's end" : "");
        say_moved(plan, out, capacity);
        return;
    }
    if (plan->reason == DCS_WHY_MAINTENANCE) {
        say_held(plan, cause, out, capacity);
        return;
    }
    if (plan->gain_s > 0)
        snprintf(gain, sizeof(gain), "a new one would gain %lld days only",
                 (long long)(plan->gain_s / DAY_S));
    if (plan->next_change >= 0)
        snprintf(again, sizeof(again), "; looked at again on %s", date(plan->next_change, day));
    snprintf(out, capacity, "%s, but %s%s", cause, gain, again);
}

static void say_renewal(const struct dcs_plan_facts *facts, char *out, size_t capacity)
{
    char day[DCS_TIME_TEXT];
    char end[DCS_TIME_TEXT];

    snprintf(out, capacity,
             "renewal due: the order ends on %s and its certificate on %s, a reissue gains no day; "
             "renew it at the CA, then set `successor`",
             date(facts->order.order_end, day), date(facts->certificate.not_after, end));
}

static void say_order(const struct dcs_plan_facts *facts, const struct dcs_plan *plan, char *out,
                      size_t capacity)
{
    const char *waits = dcs_order_waits_for(facts->order.status);
    char day[DCS_TIME_TEXT];

    if (plan->reason == DCS_WHY_ORDER_ENDED && facts->order.order_end >= 0)
        snprintf(out, capacity, "the order ended on %s: renew it at the CA, then set `successor`",
                 date(facts->order.order_end, day));
    else if (plan->reason == DCS_WHY_NOT_ISSUED && waits && *waits)
        snprintf(out, capacity, "the order is not issued: it waits for %s", waits);
    else
        snprintf(out, capacity, "the order is %s", dcs_order_status_name(facts->order.status));
}

static void say_foreign(const struct dcs_plan_facts *facts, int64_t now, char *out, size_t capacity)
{
    const struct dcs_plan_request *r = &facts->foreign;
    char age[48] = "";
    char id[32] = "";

    if (r->id > 0)
        snprintf(id, sizeof(id), " %lld", (long long)r->id);
    if (r->exists && r->since >= 0 && r->since <= now)
        snprintf(age, sizeof(age), ", %lld days old", (long long)((now - r->since) / DAY_S));
    snprintf(out, capacity,
             "a request%s that was not made here is open at the CA%s: it must be finished or "
             "cancelled there first",
             id, age);
}

static void say_names(const struct dcs_names_diff *names, char *out, size_t capacity)
{
    snprintf(out, capacity,
             "%s%.120s would go, and the CA would revoke every earlier certificate of the order "
             "within 72 hours; --allow-san-change accepts that",
             names->lost_count > 0 ? "" : "the common name",
             names->lost_count > 0 ? names->lost : "");
}

static void say_ours(const struct dcs_plan_facts *facts, char *out, size_t capacity)
{
    char day[DCS_TIME_TEXT];
    char id[32] = "";
    char since[32] = "";

    if (facts->ours.id > 0)
        snprintf(id, sizeof(id), " %lld", (long long)facts->ours.id);
    if (facts->ours.since >= 0)
        snprintf(since, sizeof(since), " since %s", date(facts->ours.since, day));
    snprintf(out, capacity, "our request%s is pending at the CA%s", id, since);
}

static void say_not_taken(const struct dcs_plan_facts *facts, char *out, size_t capacity)
{
    char when[DCS_TIME_TEXT];

    dcs_time_text(facts->closed.again_at, when);
    snprintf(out, capacity,
             "our last request was sent three times and the CA does not know it; a new one is sent "
             "after %s, or at once by `digicert-store reissue`",
             when);
}

static void say_refusal(const struct dcs_plan_facts *facts, int64_t now,
                        const struct dcs_plan *plan, char *out, size_t capacity)
{
    const char *product = dcs_policy_product(facts->order.product)->name;
    int64_t skew = facts->clock_skew_s;

    snprintf(out, capacity, "%s", reasons[plan->reason].words);
    if (plan->reason == DCS_WHY_NOT_ISSUED || plan->reason == DCS_WHY_ORDER_DEAD ||
        plan->reason == DCS_WHY_ORDER_ENDED)
        say_order(facts, plan, out, capacity);
    else if (plan->reason == DCS_WHY_CLOCK)
        snprintf(out, capacity, "this host's clock is %lld minutes %s the CA's: set it right first",
                 (long long)((skew < 0 ? -skew : skew) / 60), skew < 0 ? "behind" : "ahead of");
    else if (plan->reason == DCS_WHY_PRODUCT)
        snprintf(out, capacity, "%s is not reissued without a person", product);
    else if (plan->reason == DCS_WHY_SOFTWARE_KEY)
        snprintf(out, capacity, "a key for %s must be made in a token: set key = pkcs11:...",
                 product);
    else if (plan->reason == DCS_WHY_FOREIGN_PENDING)
        say_foreign(facts, now, out, capacity);
    else if (plan->reason == DCS_WHY_NAMES)
        say_names(facts->names, out, capacity);
    else if (plan->reason == DCS_WHY_NOT_TAKEN)
        say_not_taken(facts, out, capacity);
    else if (plan->reason == DCS_WHY_TODAY_THERE)
        snprintf(out, capacity,
                 "%d reissues of this order today (UTC) are the most that "
                 "max_reissues_per_day allows",
                 facts->seen_there);
}

void dcs_plan_words(const struct dcs_plan_facts *facts, int64_t now, struct dcs_plan *plan)
{
    char cause[sizeof(plan->ct.words)];
    char refusal[sizeof(plan->words)];

    say_cause(facts, plan, cause, sizeof(cause));
    switch (plan->action) {
    case DCS_PLAN_REISSUE:
    case DCS_PLAN_DUPLICATE:
        say_go(facts, plan, cause, plan->words, sizeof(plan->words));
        say_inside(plan, plan->words, sizeof(plan->words));
        return;
    case DCS_PLAN_PENDING:
        say_ours(facts, plan->words, sizeof(plan->words));
        return;
    case DCS_PLAN_RENEWAL_DUE:
        say_renewal(facts, plan->words, sizeof(plan->words));
        return;
    case DCS_PLAN_WAIT:
        if (plan->reason != DCS_WHY_NEVER) {
            say_wait(facts, plan, cause, plan->words, sizeof(plan->words));
            return;
        }
        break;
    case DCS_PLAN_REFUSED:
        break;
    }
    say_refusal(facts, now, plan, refusal, sizeof(refusal));
    snprintf(plan->words, sizeof(plan->words), "%.*s; %.*s", 130, cause, 250, refusal);
}
