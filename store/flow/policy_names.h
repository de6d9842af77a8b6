/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_names.h - whether a request would drop a name. Pure.
 *
 * The CA revokes every earlier certificate of an order within 72 hours of a reissue that loses or
 * changes a name, the common name included (facts/policy.md 3.5); adding names revokes nothing.
 */
#ifndef DCS_FLOW_POLICY_NAMES_H
#define DCS_FLOW_POLICY_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/* Lent. The common name counts as a name whether it is repeated among the names or not. */
struct dcs_name_set {
    const char *common_name; /* "" or NULL: none or not known */
    const char *const *names;
    size_t count;
};

enum dcs_names_change {
    DCS_NAMES_SAME = 0,
    DCS_NAMES_ADDED, /* all are kept, some are new */
    DCS_NAMES_LOST,  /* one goes, or the common name is another */
};

struct dcs_names_diff {
    enum dcs_names_change change;
    bool common_name_changed;
    size_t lost_count, added_count;
    char lost[512], added[512]; /* "a.example.com, b.example.com"; cut: "..., and 12 more" */
};

/* A-labels, compared whole and without regard to case; order and repetition do not matter. */
void dcs_policy_compare_names(const struct dcs_name_set *before, const struct dcs_name_set *after,
                              struct dcs_names_diff *ret_diff);

#endif
