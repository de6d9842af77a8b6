/* SPDX-License-Identifier: Apache-2.0 */
/* validity.h - {"years"|"days"|"custom_expiration_date"} as requests carry it. */
#ifndef SANDBOX_VALIDITY_H
#define SANDBOX_VALIDITY_H

#include <cjson/cJSON.h>

#include "base.h"

struct sb_asked {
    int64_t days; /* 0: not asked */
    int64_t end;  /* last second of the day that was named; 0: none */
};

/* A date comes before days, days before years. False: *ret_unit names the member that is wrong.
 * prefix is "" or "validity_". */
bool sb_validity_read(const cJSON *object, const char *prefix, struct sb_asked *ret_asked,
                      const char **ret_unit) SB_CHECKED;

#endif
