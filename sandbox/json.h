/* SPDX-License-Identifier: Apache-2.0 */
/* json.h - members of cJSON objects with a default; set replaces. */
#ifndef SANDBOX_JSON_H
#define SANDBOX_JSON_H

#include <cjson/cJSON.h>

#include "base.h"

void sb_set_item(cJSON *object, const char *name, cJSON *item);      /* takes item; NULL removes */
void sb_set_text(cJSON *object, const char *name, const char *text); /* NULL removes */
void sb_set_number(cJSON *object, const char *name, int64_t number);
void sb_set_flag(cJSON *object, const char *name, bool flag);
void sb_set_date(cJSON *object, const char *name, int64_t when, bool with_time);
void sb_copy_item(cJSON *to, const cJSON *from, const char *name); /* when it is there */

const cJSON *sb_item(const cJSON *object, const char *name);
const char *sb_text_of(const cJSON *object, const char *name, const char *otherwise);
int64_t sb_number_of(const cJSON *object, const char *name, int64_t otherwise);
bool sb_flag_of(const cJSON *object, const char *name);

cJSON *sb_names_json(const struct sb_names *names);
/* The strings of an array; one that is there already is left out. */
void sb_names_of(const cJSON *array, struct sb_names *ret_names);

#endif
