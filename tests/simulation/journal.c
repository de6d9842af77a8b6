// SPDX-License-Identifier: Apache-2.0
/* journal.c - what happened to an order, told when the test ends by it: keys and serial numbers are new in
 * each run, so that a failure must explain itself. */
#include "site.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void site_note(struct country *c, struct site *site, const char *format, ...)
{
    char when[DCS_TIME_TEXT];
    char line[400];
    va_list list;

    va_start(list, format);
    int got = vsnprintf(line, sizeof(line), format, list);
    va_end(list);
    if (got < 0 || !site->order || strcmp(line, site->last_note) == 0)
        return;
    snprintf(site->last_note, sizeof(site->last_note), "%s", line);
    if (!site->journal)
        site->journal = calloc(1, JOURNAL_MAX);
    assert_non_null(site->journal);
    size_t len = strlen(site->journal);
    if (len + sizeof(line) + sizeof(when) + 4 > JOURNAL_MAX) { /* the older half is forgotten */
        const char *half = strchr(site->journal + len / 2, '\n');
        assert_non_null(half);
        memmove(site->journal, half + 1, strlen(half));
        len = strlen(site->journal);
    }
    dcs_time_text(c->sim.world.now, when);
    snprintf(site->journal + len, JOURNAL_MAX - len, "%s %s\n", when, line);
}

void country_note(struct country *c, const char *text)
{
    for (int i = 0; i < c->count; i++)
        site_note(c, &c->sites[i], "%s", text);
}

static void print_part(const char *title, const struct dcs_json *part)
{
    dcs_auto(dcs_buf) struct dcs_buf text = { .max = 1 << 20 };

    if (part && dcs_json_print(part, true, &text, NULL))
        fprintf(stderr, "%s: %s\n", title, dcs_buf_text(&text));
}

/* With what both sides know. */
void site_fail(struct country *c, const struct site *site, const char *format, ...)
{
    dcs_auto(dcs_json) struct dcs_json *shown = sim_show(&site->host, site->order, 0);
    dcs_auto(dcs_json) struct dcs_json *at_ca = c->is_down ? NULL : site_at_ca(c, site);
    char when[DCS_TIME_TEXT];
    char why[400];
    va_list list;

    va_start(list, format);
    vsnprintf(why, sizeof(why), format, list);
    va_end(list);
    print_part("plan", dcs_json_get(shown, "plan"));
    print_part("request", dcs_json_get(shown, "request"));
    print_part("last failure", dcs_json_get(shown, "last_failure"));
    print_part("generations", dcs_json_get(shown, "generations"));
    print_part("requests at the CA", dcs_json_get(at_ca, "requests"));
    print_part("certificates at the CA", dcs_json_get(at_ca, "certificates"));
    fprintf(stderr, "%s", site->journal ? site->journal : "");
    dcs_time_text(c->sim.world.now, when);
    fail_msg("order %lld (%s) on %s: %s", (long long)site->order, site->kind->name, when, why);
}

void site_tell_revocations(struct country *c)
{
    for (int i = 0; i < c->count; i++) {
        if (!c->sites[i].order)
            continue;
        dcs_auto(dcs_json) struct dcs_json *order = site_at_ca(c, &c->sites[i]);
        const struct dcs_json *one = dcs_json_first(dcs_json_get(order, "certificates"));
        while (one && sim_time_at(one, "revoke_due") < 0)
            one = dcs_json_next(one);
        if (one)
            site_fail(c, &c->sites[i], "its certificates will be revoked");
    }
    fail_msg("certificates of an order that has ended will be revoked");
}
