// SPDX-License-Identifier: Apache-2.0
/* fault.c - keeps the faults as JSON; called under the daemon's lock. */
#include "fault.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

struct sb_faults {
    cJSON *queue;
};

void sb_fault_clear(struct sb_fault *fault)
{
    sb_free(fault->body);
    sb_free(fault->content_type);
    sb_free(fault->location);
    *fault = (struct sb_fault){ 0 };
}

struct sb_faults *sb_faults_new(void)
{
    struct sb_faults *faults = sb_alloc(sizeof(*faults));

    faults->queue = cJSON_CreateArray();
    return faults;
}

void sb_faults_free(struct sb_faults *faults)
{
    cJSON_Delete(faults->queue);
    sb_free(faults);
}

void sb_faults_clear(struct sb_faults *faults)
{
    cJSON_Delete(faults->queue);
    faults->queue = cJSON_CreateArray();
}

cJSON *sb_faults_list(const struct sb_faults *faults)
{
    return cJSON_Duplicate(faults->queue, 1);
}

static int64_t number(const cJSON *json, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);

    return cJSON_IsNumber(item) ? (int64_t)item->valuedouble : 0;
}

static const char *text(const cJSON *json, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));
}

bool sb_faults_add(struct sb_faults *faults, const cJSON *json, const char **ret_why)
{
    static const char *const known[] = { "match",
                                         "times",
                                         "after",
                                         "delay_ms",
                                         "status",
                                         "body",
                                         "content_type",
                                         "cut",
                                         "hang",
                                         "html",
                                         "chunked",
                                         "size",
                                         "depth",
                                         "truncate",
                                         "trickle_bytes_per_s",
                                         "date_offset_s",
                                         "wrong_certificate",
                                         "redirect" };
    static const char *const cuts[] = { "before", "after", "mid-body" };
    const cJSON *item = NULL;

    *ret_why = "a fault is an object with at least \"match\": \"GET /order/certificate/123*\"";
    if (!cJSON_IsObject(json) || !text(json, "match"))
        return false;
    cJSON_ArrayForEach(item, json)
    {
        *ret_why = "a member of the fault is not known; README.md lists them";
        if (sb_find_name(known, SB_COUNT(known), item->string) < 0)
            return false;
    }
    *ret_why = "cut is before, after or mid-body";
    if (text(json, "cut") && sb_find_name(cuts, SB_COUNT(cuts), text(json, "cut")) < 0)
        return false;
    cJSON *copy = cJSON_Duplicate(json, 1);
    if (!number(copy, "times")) {
        cJSON_DeleteItemFromObjectCaseSensitive(copy, "times");
        cJSON_AddNumberToObject(copy, "times", 1);
    }
    return cJSON_AddItemToArray(faults->queue, copy);
}

static void fill(const cJSON *json, struct sb_fault *to)
{
    const char *cut = text(json, "cut");

    *to = (struct sb_fault){ .status = (int)number(json, "status"),
                             .body = sb_strdup(text(json, "body")),
                             .content_type = sb_strdup(text(json, "content_type")),
                             .location = sb_strdup(text(json, "redirect")),
                             .delay_ms = number(json, "delay_ms"),
                             .size = number(json, "size"),
                             .depth = number(json, "depth"),
                             .truncate = number(json, "truncate"),
                             .trickle_bytes_per_s = number(json, "trickle_bytes_per_s"),
                             .date_offset_s = number(json, "date_offset_s"),
                             .wrong_certificate = number(json, "wrong_certificate"),
                             .hang = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "hang")),
                             .html = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "html")) };
    to->chunked = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "chunked"));
    to->cut_before = cut && strcmp(cut, "before") == 0;
    to->cut_after = cut && strcmp(cut, "after") == 0;
    to->cut_mid_body = cut && strcmp(cut, "mid-body") == 0;
}

/* A prefix, or a pattern of fnmatch(3) where * also takes slashes. */
static bool matches(const char *pattern, const char *request)
{
    return strncmp(pattern, request, strlen(pattern)) == 0 || fnmatch(pattern, request, 0) == 0;
}

bool sb_faults_take(struct sb_faults *faults, const char *method, const char *path,
                    struct sb_fault *ret_fault)
{
    sb_auto(sb_free_drop) char *request = sb_format("%s %s", method, path);

    for (cJSON *f = faults->queue->child; f; f = f->next) {
        if (!matches(text(f, "match"), request))
            continue;
        int64_t after = number(f, "after");
        if (after > 0) {
            cJSON_SetNumberValue(cJSON_GetObjectItemCaseSensitive(f, "after"), (double)(after - 1));
            continue;
        }
        fill(f, ret_fault);
        int64_t times = number(f, "times");
        if (times > 1)
            cJSON_SetNumberValue(cJSON_GetObjectItemCaseSensitive(f, "times"), (double)(times - 1));
        else
            cJSON_Delete(cJSON_DetachItemViaPointer(faults->queue, f));
        return true;
    }
    return false;
}
