// SPDX-License-Identifier: Apache-2.0
/* policy_names.c - compares sets of names; never takes one set for a part of the other by size. */
#include "flow/policy_names.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *common_name(const struct dcs_name_set *set)
{
    return set->common_name ? set->common_name : "";
}

/* The names, and the common name behind them. */
static const char *name_at(const struct dcs_name_set *set, size_t index)
{
    return index < set->count ? set->names[index] : common_name(set);
}

static bool holds(const struct dcs_name_set *set, const char *name, size_t before)
{
    for (size_t i = 0; i < before; i++)
        if (strcasecmp(name_at(set, i), name) == 0)
            return true;
    return false;
}

static void add_name(const char *name, char *list, size_t capacity)
{
    size_t at = strlen(list);

    snprintf(list + at, capacity - at, "%s%s", at ? ", " : "", name);
}

/* Those of `from` that `in` lacks, each once. */
static size_t list_missing(const struct dcs_name_set *from, const struct dcs_name_set *in,
                           char *list, size_t capacity)
{
    enum { TAIL = sizeof(", and 18446744073709551615 more") };
    size_t count = 0;
    size_t listed = 0;

    list[0] = '\0';
    for (size_t i = 0; i <= from->count; i++) {
        const char *name = name_at(from, i);
        if (!*name || holds(in, name, in->count + 1) || holds(from, name, i))
            continue;
        count++;
        if (listed + 1 < count || strlen(list) + strlen(name) + TAIL + 2 > capacity)
            continue; /* once one did not fit, the rest is counted */
        add_name(name, list, capacity);
        listed++;
    }
    size_t at = strlen(list);
    if (listed < count)
        snprintf(list + at, capacity - at, "%s%zu more", at ? ", and " : "", count - listed);
    return count;
}

void dcs_policy_compare_names(const struct dcs_name_set *before, const struct dcs_name_set *after,
                              struct dcs_names_diff *ret_diff)
{
    struct dcs_names_diff *d = ret_diff;
    const char *old = common_name(before);

    memset(d, 0, sizeof(*d));
    d->lost_count = list_missing(before, after, d->lost, sizeof(d->lost));
    d->added_count = list_missing(after, before, d->added, sizeof(d->added));
    /* A set read without a common name says nothing of it. */
    d->common_name_changed = *old && strcasecmp(old, common_name(after)) != 0;
    if (d->lost_count > 0 || d->common_name_changed)
        d->change = DCS_NAMES_LOST;
    else if (d->added_count > 0)
        d->change = DCS_NAMES_ADDED;
}
