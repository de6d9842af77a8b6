// SPDX-License-Identifier: Apache-2.0
/*
 * maintenance_rule.c - the configuration's own windows, START/LENGTH [ZONE] [RULE], as an iCalendar
 * file: recurrence and time zones are then one matter, libical's. Checks form, knows no time zone.
 *
 * START, length and an RFC 5545 rule that repeats daily at most is what Kubernetes Engine and
 * Composer take for their maintenance windows; cron lines know neither length nor "first Saturday".
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "model/maintenance.h"

enum { RULES_MAX = 32, ITEM_MAX = 256, WORDS_MAX = 4 };

struct rule {
    char start[20]; /* 20261205T220000 */
    int64_t length_s;
    bool is_utc;
    char zone[64];
    char repeat[160];
};

static const char EXPECTED[] =
    "expected START/LENGTH [ZONE] [RULE], such as 2026-12-05T22:00/2h America/Denver "
    "FREQ=MONTHLY;BYDAY=1SA";

/* A comma begins a new window where a date follows: rules have commas of their own. */
static size_t item_length(const char *text)
{
    size_t len = 0;

    for (; text[len]; len++) {
        if (text[len] != ',')
            continue;
        const char *next = text + len + 1 + strspn(text + len + 1, " \t");
        if (!*next || (strspn(next, "0123456789") == 4 && next[4] == '-'))
            break;
    }
    return len;
}

static bool read_number(const char **at, size_t digits, int64_t min, int64_t max, int64_t *ret)
{
    char number[8];

    if (strspn(*at, "0123456789") < digits)
        return false;
    snprintf(number, sizeof(number), "%.*s", (int)digits, *at);
    *at += digits;
    return dcs_parse_i64(number, min, max, ret);
}

static bool skip(const char **at, char c)
{
    if (**at != c)
        return false;
    (*at)++;
    return true;
}

static bool day_exists(int64_t year, int64_t month, int64_t day)
{
    char text[16];
    char again[DCS_TIME_TEXT];
    int64_t when = 0;

    snprintf(text, sizeof(text), "%04d-%02d-%02d", (int)year, (int)month, (int)day);
    if (!dcs_time_parse(text, &when))
        return false;
    dcs_time_text(when, again);
    return strncmp(text, again, 10) == 0;
}

/* 2026-12-05, or 2026-12-05T22:00[:00][Z] */
static const char *read_start(const char **at, struct rule *rule)
{
    int64_t year = 0;
    int64_t month = 0;
    int64_t day = 0;
    int64_t hour = 0;
    int64_t minute = 0;
    int64_t second = 0;

    if (!read_number(at, 4, 2000, 2199, &year) || !skip(at, '-') ||
        !read_number(at, 2, 1, 12, &month) || !skip(at, '-') || !read_number(at, 2, 1, 31, &day))
        return EXPECTED;
    if (!day_exists(year, month, day))
        return "there is no such day";
    if (skip(at, 'T') && (!read_number(at, 2, 0, 23, &hour) || !skip(at, ':') ||
                          !read_number(at, 2, 0, 59, &minute) ||
                          (skip(at, ':') && !read_number(at, 2, 0, 59, &second))))
        return "expected a time such as 22:00 (T22:00 behind the date)";
    rule->is_utc = skip(at, 'Z');
    snprintf(rule->start, sizeof(rule->start), "%04d%02d%02dT%02d%02d%02d", (int)year, (int)month,
             (int)day, (int)hour, (int)minute, (int)second);
    return NULL;
}

static const char *read_length(const char **at, struct rule *rule)
{
    static const struct {
        const char *unit;
        int64_t seconds;
    } units[] = { { "m", 60 }, { "min", 60 }, { "h", 3600 }, { "d", 86400 } };
    size_t digits = strspn(*at, "0123456789");
    int64_t number = 0;

    if (digits < 1 || digits > 5 || !read_number(at, digits, 1, 99999, &number))
        return EXPECTED;
    size_t letters = strcspn(*at, " \t");
    for (size_t i = 0; i < DCS_COUNT(units); i++)
        if (strlen(units[i].unit) == letters && strncmp(*at, units[i].unit, letters) == 0)
            rule->length_s = number * units[i].seconds;
    *at += letters;
    if (rule->length_s == 0)
        return "expected a length such as 90m, 2h or 1d, and a date behind a comma";
    return rule->length_s > DCS_SPAN_LONGEST_S ? "a window lasts 7d at most" : NULL;
}

static const char *take_zone(const char *word, struct rule *rule)
{
    if (rule->zone[0])
        return "expected one time zone";
    if (rule->is_utc)
        return "Z behind the time and a time zone contradict each other";
    for (const char *c = word; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("/_+-", *c))
            return "expected a time zone such as America/Denver or UTC";
    if (strlen(word) >= sizeof(rule->zone))
        return "expected a time zone such as America/Denver or UTC";
    snprintf(rule->zone, sizeof(rule->zone), "%s", word);
    return NULL;
}

static const char *take_repeat(const char *word, struct rule *rule)
{
    static const char *const good[] = { "FREQ=DAILY", "FREQ=WEEKLY", "FREQ=MONTHLY",
                                        "FREQ=YEARLY" };
    bool repeats = false;

    if (rule->repeat[0])
        return "expected one FREQ=... rule, without blanks";
    for (size_t i = 0; i < DCS_COUNT(good); i++) {
        size_t len = strlen(good[i]);
        repeats |= strncmp(word, good[i], len) == 0 && (!word[len] || word[len] == ';');
    }
    if (!repeats)
        return "a rule begins with FREQ=DAILY, FREQ=WEEKLY, FREQ=MONTHLY or FREQ=YEARLY";
    if (word[strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789=;,+-")] ||
        strlen(word) >= sizeof(rule->repeat))
        return "expected an RFC 5545 rule such as FREQ=MONTHLY;BYDAY=1SA";
    snprintf(rule->repeat, sizeof(rule->repeat), "%s", word);
    return NULL;
}

/* text is cut up. */
static const char *read_rule(char *text, struct rule *ret_rule)
{
    const char *at = text;
    char *rest = NULL;

    *ret_rule = (struct rule){ 0 };
    const char *why = read_start(&at, ret_rule);
    if (!why && !skip(&at, '/'))
        why = EXPECTED;
    if (!why)
        why = read_length(&at, ret_rule);
    if (why)
        return why;
    for (char *word = strtok_r(text + (at - text), " \t", &rest); word && !why;
         word = strtok_r(NULL, " \t", &rest))
        why = strncmp(word, "FREQ=", 5) == 0 ? take_repeat(word, ret_rule)
                                             : take_zone(word, ret_rule);
    return why;
}

static void write_rule(const struct rule *rule, size_t number, struct dcs_buf *out)
{
    bool has_zone = rule->zone[0] && strcmp(rule->zone, "UTC") != 0;

    dcs_buf_addf(out, "BEGIN:VEVENT\r\nUID:%zu\r\nSUMMARY:maintenance\r\n", number);
    if (has_zone)
        dcs_buf_addf(out, "DTSTART;TZID=%s:%s\r\n", rule->zone, rule->start);
    else
        dcs_buf_addf(out, "DTSTART:%sZ\r\n", rule->start);
    dcs_buf_addf(out, "DURATION:PT%lldS\r\n", (long long)rule->length_s);
    if (rule->repeat[0])
        dcs_buf_addf(out, "RRULE:%s\r\n", rule->repeat);
    dcs_buf_adds(out, "END:VEVENT\r\n");
}

/* Each window in turn; out NULL: only looks whether they can be read. */
static const char *read_all(const char *text, struct dcs_buf *out)
{
    const char *why = NULL;
    size_t count = 0;

    for (const char *at = text + strspn(text, ", \t"); *at && !why;) {
        struct rule rule;
        char item[ITEM_MAX];
        size_t len = item_length(at);
        if (len >= sizeof(item) || count == RULES_MAX)
            return len >= sizeof(item) ? EXPECTED
                                       : "more than 32 windows: write them as rules, or in a "
                                         "calendar (maintenance_calendar)";
        snprintf(item, sizeof(item), "%.*s", (int)len, at);
        why = read_rule(item, &rule);
        count++;
        if (!why && out)
            write_rule(&rule, count, out);
        at += len + strspn(at + len, ", \t");
    }
    return why;
}

const char *dcs_maintenance_check(const char *text)
{
    return read_all(text, NULL);
}

bool dcs_maintenance_calendar(const char *text, struct dcs_buf *ret_calendar, struct dcs_err *err)
{
    dcs_buf_adds(ret_calendar, "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:digicert-store\r\n");
    const char *why = read_all(text, ret_calendar);
    if (why)
        return dcs_fail(err, DCS_E_CONFIG, "maintenance = \"%.80s\": %s", text, why);
    dcs_buf_adds(ret_calendar, "END:VCALENDAR\r\n");
    return dcs_buf_ok(ret_calendar, "maintenance", err);
}
