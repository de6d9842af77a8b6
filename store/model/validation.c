// SPDX-License-Identifier: Apache-2.0
/*
 * validation.c - reads how long domains and organizations stay validated, and finds what concerns an
 * order. Never guesses an end that the CA did not tell.
 */
#include "model/validation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void dcs_validation_drop(struct dcs_validation *validation)
{
    free(validation->domains.items);
    free(validation->organizations.items);
    *validation = (struct dcs_validation){ 0 };
}

/* ---- reading ---- */

static bool grow(struct dcs_validated_list *list, struct dcs_validated **ret_item,
                 struct dcs_err *err)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 16;
        struct dcs_validated *items = NULL;
        items = realloc(list->items, capacity * sizeof(*items));
        if (!items)
            return dcs_fail(err, DCS_E_NOMEM, "out of memory");
        list->items = items;
        list->capacity = capacity;
    }
    *ret_item = &list->items[list->count];
    **ret_item = (struct dcs_validated){ .ov = -1, .ev = -1 };
    return true;
}

static bool has_lapsed(const char *status)
{
    return status && (strcasecmp(status, "expired") == 0 || strcasecmp(status, "pending") == 0);
}

static int64_t end_of(const struct dcs_json *object, const char *date, const char *status)
{
    const char *text = dcs_json_text(object, date);
    int64_t when = -1;

    if (text && dcs_time_parse(text, &when) && when > 0)
        return when;
    return has_lapsed(dcs_json_text(object, status)) ? DCS_VALIDATION_NONE : -1;
}

static void lower(char *text)
{
    for (; *text; text++)
        if (*text >= 'A' && *text <= 'Z')
            *text |= 0x20;
}

bool dcs_validation_add_domains(struct dcs_validation *validation, const struct dcs_json *rows,
                                struct dcs_err *err)
{
    struct dcs_validated *item = NULL;

    for (const struct dcs_json *r = dcs_json_is_array(rows) ? dcs_json_first(rows) : NULL; r;
         r = dcs_json_next(r)) {
        const struct dcs_json *ends = dcs_json_get(r, "dcv_expiration");
        if (validation->domains.count >= DCS_VALIDATED_MAX)
            return true;
        if (!dcs_json_text(r, "name") || dcs_json_tri(r, "is_active") == DCS_NO)
            continue;
        if (!grow(&validation->domains, &item, err))
            return false;
        dcs_clean_text(dcs_json_text(r, "name"), item->name, sizeof(item->name));
        lower(item->name);
        item->ov = end_of(ends, "ov", "ov_status");
        item->ev = end_of(ends, "ev", "ev_status");
        validation->domains.count += item->name[0] != '\0';
    }
    return true;
}

static void take_validation(const struct dcs_json *row, struct dcs_validated *item)
{
    const char *type = dcs_json_text(row, "type");
    int64_t end = end_of(row, "validated_until", "status");

    if (type && strcasecmp(type, "ov") == 0)
        item->ov = end;
    else if (type && strcasecmp(type, "ev") == 0)
        item->ev = end;
}

bool dcs_validation_add_organizations(struct dcs_validation *validation,
                                      const struct dcs_json *rows, struct dcs_err *err)
{
    struct dcs_validated *item = NULL;

    for (const struct dcs_json *r = dcs_json_is_array(rows) ? dcs_json_first(rows) : NULL; r;
         r = dcs_json_next(r)) {
        const struct dcs_json *all = dcs_json_get(r, "validations");
        int64_t id = 0;
        if (validation->organizations.count >= DCS_VALIDATED_MAX)
            return true;
        if (!dcs_json_i64(r, "id", &id) || id <= 0)
            continue;
        if (!grow(&validation->organizations, &item, err))
            return false;
        item->id = id;
        for (const struct dcs_json *v = dcs_json_is_array(all) ? dcs_json_first(all) : NULL; v;
             v = dcs_json_next(v))
            take_validation(v, item);
        validation->organizations.count++;
    }
    return true;
}

enum dcs_tri dcs_validation_account_ct(const struct dcs_json *account)
{
    /* "embed" was seen; the words for "off" are not documented (facts/certcentral-api.md 15). */
    static const char *const off[] = { "off", "none", "disabled", "disable", "no" };
    const char *word = dcs_json_text(account, "cert_transparency");

    if (word && strcasecmp(word, "embed") == 0)
        return DCS_YES;
    for (size_t i = 0; word && i < DCS_COUNT(off); i++)
        if (strcasecmp(word, off[i]) == 0)
            return DCS_NO;
    return DCS_UNKNOWN;
}

/* ---- our record ---- */

static void read_list(const struct dcs_json *rows, struct dcs_validated_list *list)
{
    struct dcs_validated *item = NULL;

    for (const struct dcs_json *r = dcs_json_is_array(rows) ? dcs_json_first(rows) : NULL; r;
         r = dcs_json_next(r)) {
        if (list->count >= DCS_VALIDATED_MAX || !grow(list, &item, NULL))
            return;
        dcs_clean_text(dcs_json_text(r, "name"), item->name, sizeof(item->name));
        if (item->name[0] || !dcs_json_i64(r, "id", &item->id) || item->id < 0)
            item->id = 0;
        if (!dcs_json_i64(r, "ov", &item->ov) || item->ov <= 0)
            item->ov = -1;
        if (!dcs_json_i64(r, "ev", &item->ev) || item->ev <= 0)
            item->ev = -1;
        list->count += item->name[0] || item->id;
    }
}

bool dcs_validation_from_json(const struct dcs_json *object, struct dcs_validation *ret_validation,
                              struct dcs_err *err)
{
    dcs_auto(dcs_validation) struct dcs_validation v = { 0 };

    if (!dcs_json_is_object(object))
        return dcs_fail(err, DCS_E_STATE, "it is no JSON object");
    if (!dcs_json_i64(object, "read_at", &v.read_at) || v.read_at < 0)
        v.read_at = 0;
    if (!dcs_json_i64(object, "next_at", &v.next_at) || v.next_at < 0)
        v.next_at = 0;
    v.account_ct = dcs_json_tri(object, "account_ct");
    read_list(dcs_json_get(object, "domains"), &v.domains);
    read_list(dcs_json_get(object, "organizations"), &v.organizations);
    *ret_validation = v;
    v = (struct dcs_validation){ 0 };
    return true;
}

static bool write_list(struct dcs_json *object, const char *name,
                       const struct dcs_validated_list *list)
{
    struct dcs_json *rows = dcs_json_add_array(object, name);
    bool good = rows != NULL;

    for (size_t i = 0; good && i < list->count; i++) {
        const struct dcs_validated *item = &list->items[i];
        struct dcs_json *row = dcs_json_add_object(rows, NULL);
        good = item->id ? dcs_json_add_i64(row, "id", item->id)
                        : dcs_json_add_text(row, "name", item->name);
        if (item->ov > 0)
            good &= dcs_json_add_i64(row, "ov", item->ov);
        if (item->ev > 0)
            good &= dcs_json_add_i64(row, "ev", item->ev);
    }
    return good;
}

bool dcs_validation_to_json(const struct dcs_validation *validation, struct dcs_json **ret_object,
                            struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *object = dcs_json_new_object();

    if (!dcs_json_add_i64(object, "read_at", validation->read_at) ||
        !dcs_json_add_i64(object, "next_at", validation->next_at) ||
        (validation->account_ct != DCS_UNKNOWN &&
         !dcs_json_add_bool(object, "account_ct", validation->account_ct == DCS_YES)) ||
        !write_list(object, "domains", &validation->domains) ||
        !write_list(object, "organizations", &validation->organizations))
        return dcs_fail(err, DCS_E_NOMEM, "out of memory");
    *ret_object = dcs_steal(&object);
    return true;
}

/* ---- one order ---- */

/* Whether the domain is the name's own or one above it. */
static bool covers(const char *domain, const char *name)
{
    size_t len = strlen(name);
    size_t tail = strlen(domain);

    return tail > 0 && tail <= len && strcmp(name + len - tail, domain) == 0 &&
           (tail == len || name[len - tail - 1] == '.');
}

/* The most specific one: that is what the CA goes by. */
static const struct dcs_validated *domain_of(const struct dcs_validation *v, const char *name)
{
    const struct dcs_validated *found = NULL;

    for (size_t i = 0; i < v->domains.count; i++)
        if (covers(v->domains.items[i].name, name) &&
            (!found || strlen(v->domains.items[i].name) > strlen(found->name)))
            found = &v->domains.items[i];
    return found;
}

static void take_domains(const struct dcs_validation *v, const struct dcs_order *order, bool is_ev,
                         struct dcs_validation_ends *ends)
{
    for (size_t i = 0; i < order->name_count; i++) {
        const char *name = order->names[i];
        const struct dcs_validated *domain =
            domain_of(v, strncmp(name, "*.", 2) == 0 ? name + 2 : name);
        int64_t end = domain ? (is_ev ? domain->ev : domain->ov) : -1;
        if (end < 0 || (ends->dcv_until >= 0 && end >= ends->dcv_until))
            continue;
        ends->dcv_until = end;
        snprintf(ends->dcv_name, sizeof(ends->dcv_name), "%s", domain->name);
    }
}

void dcs_validation_ends_of(const struct dcs_validation *validation, const struct dcs_order *order,
                            struct dcs_validation_ends *ret_ends)
{
    bool is_ev = strcmp(order->validation_type, "ev") == 0;
    bool is_ov = strcmp(order->validation_type, "ov") == 0;

    *ret_ends = (struct dcs_validation_ends){ .read_at = validation->read_at,
                                              .dcv_until = -1,
                                              .organization_until = -1,
                                              .account_ct = validation->account_ct };
    if (!is_ev && !is_ov)
        return;
    if (dcs_order_product(order) == DCS_PRODUCT_PUBLIC_TLS)
        take_domains(validation, order, is_ev, ret_ends);
    for (size_t i = 0; i < validation->organizations.count; i++) {
        const struct dcs_validated *item = &validation->organizations.items[i];
        if (item->id == order->organization_id)
            ret_ends->organization_until = is_ev ? item->ev : item->ov;
    }
}
