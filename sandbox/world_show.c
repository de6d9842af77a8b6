// SPDX-License-Identifier: Apache-2.0
/* world_show.c - what the account shows of its orders: order info, listing rows, PEM, CRL. */
#include <stdio.h>
#include <string.h>

#include "submission.h"
#include "world_parts.h"

/* An order ends by the clock; an expired certificate of a running order stays "issued". */
const char *sb_order_status(const struct sb_world *world, const struct sb_order *order)
{
    const char *status = sb_text_of(order->info, "status", "issued");
    int64_t end = sb_order_end(order);
    bool runs = strcmp(status, "issued") == 0 || strcmp(status, "reissue_pending") == 0;

    return runs && end && sb_clock_now(&world->clock) > end ? "expired" : status;
}

/* The certificate that is on its way, in place of the one that there is. */
static void show_pending(cJSON *info, const struct sb_certificate *c)
{
    static const char *const issued[] = { "thumbprint", "serial_number", "date_issued",
                                          "valid_from", "valid_till",    "days_remaining",
                                          "ca_cert",    "key_size" };
    cJSON *certificate = (cJSON *)sb_item(info, "certificate");

    for (size_t i = 0; i < SB_COUNT(issued); i++)
        sb_set_item(certificate, issued[i], NULL);
    sb_set_number(certificate, "id", c->id);
    sb_set_text(certificate, "common_name", c->common_name);
    sb_set_item(certificate, "dns_names", sb_names_json(&c->names));
    sb_set_text(certificate, "csr", c->csr);
}

static void show_submission(const struct sb_world *world, const struct sb_order *order, cJSON *info)
{
    const cJSON *fresh = sb_open_submission(order, "new_request");
    const cJSON *reissue = sb_open_submission(order, "reissue");
    const cJSON *s = fresh ? fresh : reissue;
    const struct sb_certificate *c =
        s ? sb_order_certificate(order, sb_number_of(s, "certificate_id", 0)) : NULL;

    if (!c || (s == reissue && !world->settings.pending_shows_new))
        return;
    show_pending(info, c);
    cJSON *certificate = (cJSON *)sb_item(info, "certificate");
    if (s == reissue)
        sb_set_text(certificate, "status", "pending");
    else if (strcmp(sb_stage(s), "approval") == 0)
        sb_set_item(certificate, "id", NULL);
}

cJSON *sb_order_info(struct sb_world *world, struct sb_order *order)
{
    if (!sb_world_real(world, order))
        return NULL;
    cJSON *info = cJSON_Duplicate(order->info, 1);
    sb_set_text(info, "status", sb_order_status(world, order));
    show_submission(world, order, info);
    return info;
}

static cJSON *bulk_row(const struct sb_world *world, const struct sb_order *order)
{
    sb_auto(sb_free_drop) char *name = sb_bulk_name(order);
    cJSON *row = cJSON_CreateObject();
    cJSON *certificate = cJSON_AddObjectToObject(row, "certificate");
    int64_t now = sb_time_midnight(sb_clock_now(&world->clock));

    cJSON_AddNumberToObject(row, "id", (double)order->id);
    cJSON_AddNumberToObject(certificate, "id", (double)(order->id + SB_BULK_CERTIFICATE));
    cJSON_AddStringToObject(certificate, "common_name", name);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(certificate, "dns_names"),
                         cJSON_CreateString(name));
    sb_set_date(certificate, "valid_till", now + 199 * SB_DAY - 1, false);
    cJSON_AddStringToObject(row, "status", "issued");
    cJSON_AddStringToObject(row, "product_name_id", "ssl_basic");
    return row;
}

static int64_t count_kind(const struct sb_order *order, const char *kind)
{
    int64_t count = 0;

    for (size_t i = 0; i < order->certificate_count; i++)
        count += strcmp(order->certificates[i].kind, kind) == 0;
    return count;
}

/* The short form: no persons, no CSR, counts instead of lists, strings for numbers. */
cJSON *sb_order_row(struct sb_world *world, struct sb_order *order)
{
    static const char *const left_out[] = { "requests", "auto_renew", "dcv_method", "disable_ct" };

    if (!order->info)
        return bulk_row(world, order);
    cJSON *row = sb_order_info(world, order);
    for (size_t i = 0; i < SB_COUNT(left_out); i++)
        sb_set_item(row, left_out[i], NULL);
    sb_set_item((cJSON *)sb_item(row, "certificate"), "csr", NULL);
    int64_t duplicates = count_kind(order, "duplicate");
    int64_t reissues = count_kind(order, "reissue");
    sb_set_flag(row, "has_duplicates", duplicates > 0);
    sb_set_number(row, "duplicates_count", duplicates);
    sb_set_flag(row, "has_reissues", reissues > 0);
    sb_set_number(row, "reissues_count", reissues);
    sb_set_number(row, "price", 454);
    return row;
}

/* ---- all of it, for tests ---- */

static void add_time(cJSON *object, const char *name, int64_t when)
{
    if (when)
        sb_set_date(object, name, when, true);
}

static cJSON *certificate_state(const struct sb_world *world, const struct sb_certificate *c)
{
    static const char *const states[] = { "issued", "pending", "rejected" };
    cJSON *object = cJSON_CreateObject();

    sb_set_number(object, "id", c->id);
    sb_set_text(object, "kind", c->kind);
    sb_set_text(object, "state", states[c->state]);
    sb_set_text(object, "common_name", c->common_name);
    sb_set_item(object, "dns_names", sb_names_json(&c->names));
    sb_set_text(object, "csr", c->csr);
    add_time(object, "created", c->created);
    if (c->state == SB_ISSUED) {
        sb_set_text(object, "serial", c->serial);
        sb_set_text(object, "thumbprint", c->thumbprint);
        sb_set_text(object, "spki_sha256", c->spki);
        sb_set_flag(object, "logged", c->logged);
        sb_set_flag(object, "client_auth", c->client_auth);
        sb_set_text(object, "ca", sb_issuer_name(world->issuer, c->ca));
        add_time(object, "issued", c->issued);
        add_time(object, "not_before", c->not_before);
        add_time(object, "not_after", c->not_after);
    }
    add_time(object, "revoked_at", c->revoked_at);
    add_time(object, "revoke_due", c->revoke_due);
    return object;
}

cJSON *sb_order_state(struct sb_world *world, struct sb_order *order)
{
    cJSON *info = sb_order_info(world, order);
    cJSON *state = cJSON_CreateObject();
    cJSON *certificates = cJSON_AddArrayToObject(state, "certificates");
    cJSON *submissions = cJSON_AddArrayToObject(state, "requests");

    if (!info) {
        cJSON_Delete(state);
        return NULL;
    }
    sb_set_number(state, "id", order->id);
    sb_set_text(state, "status", sb_order_status(world, order));
    for (size_t i = 0; i < order->certificate_count; i++)
        cJSON_AddItemToArray(certificates, certificate_state(world, &order->certificates[i]));
    for (const cJSON *s = order->submissions ? order->submissions->child : NULL; s; s = s->next) {
        cJSON *row = cJSON_Duplicate(s, 1);
        sb_set_text(row, "stage", sb_stage(s));
        sb_set_item(row, "order", NULL);
        cJSON_AddItemToArray(submissions, row);
    }
    sb_set_item(state, "switches",
                order->switches ? cJSON_Duplicate(order->switches, 1) : cJSON_CreateObject());
    sb_set_item(state, "info", info);
    return state;
}

cJSON *sb_world_counts(const struct sb_world *world)
{
    static const char *const names[] = { "orders",          "certificates", "primaries",
                                         "reissues",        "duplicates",   "revoked",
                                         "revocations_due", "open_requests" };
    int64_t n[SB_COUNT(names)] = { (int64_t)world->order_count };
    cJSON *counts = cJSON_CreateObject();

    for (size_t i = 0; i < world->order_count; i++) {
        const struct sb_order *order = world->orders[i];
        const cJSON *s = order->submissions ? order->submissions->child : NULL;
        for (size_t k = 0; k < order->certificate_count; k++) {
            const struct sb_certificate *c = &order->certificates[k];
            if (c->state != SB_ISSUED)
                continue;
            n[1]++;
            n[2] += strcmp(c->kind, "primary") == 0;
            n[3] += strcmp(c->kind, "reissue") == 0;
            n[4] += strcmp(c->kind, "duplicate") == 0;
            n[5] += c->revoked_at != 0;
            n[6] += c->revoke_due != 0;
        }
        for (; s; s = s->next)
            n[7] += sb_is_open(s);
    }
    for (size_t i = 0; i < SB_COUNT(names); i++)
        sb_set_number(counts, names[i], n[i]);
    return counts;
}

/* ---- PEM and CRL ---- */

/* The service separates blocks and lines with CR LF. */
void sb_add_crlf(struct sb_buf *out, const char *pem)
{
    while (*pem) {
        size_t line = strcspn(pem, "\n");
        sb_buf_add(out, pem, line);
        pem += line;
        if (*pem++)
            sb_buf_adds(out, "\r\n");
        else
            return;
    }
}

bool sb_order_pem(struct sb_world *world, struct sb_order *order,
                  struct sb_certificate *certificate, bool chain, bool root, struct sb_buf *ret_pem)
{
    if (!order->info) {
        if (!sb_world_real(world, order))
            return false;
        certificate = &order->certificates[0];
    }
    if (!certificate || !certificate->pem)
        return false;
    sb_add_crlf(ret_pem, certificate->pem);
    if (!chain || strcmp(order->chain_kind, "leaf") == 0)
        return true;
    sb_add_crlf(ret_pem, sb_issuer_intermediate(world->issuer, certificate->ca));
    if (strcmp(order->chain_kind, "cross") == 0)
        sb_add_crlf(ret_pem, sb_issuer_cross(world->issuer));
    if (root)
        sb_add_crlf(ret_pem, sb_issuer_root(world->issuer));
    return true;
}

bool sb_world_crl(struct sb_world *world, size_t ca, struct sb_buf *ret_der)
{
    struct sb_revoked_list revoked = { 0 };
    size_t room = 0;

    if (ca >= sb_issuer_count(world->issuer))
        return false;
    for (size_t i = 0; i < world->order_count; i++)
        for (size_t k = 0; k < world->orders[i]->certificate_count; k++) {
            const struct sb_certificate *c = &world->orders[i]->certificates[k];
            if (!c->revoked_at || c->ca != ca)
                continue;
            if (revoked.count == room) {
                room = room ? room * 2 : 64;
                revoked.list = sb_realloc(revoked.list, room * sizeof(*revoked.list));
            }
            revoked.list[revoked.count].serial = c->serial;
            revoked.list[revoked.count++].when = c->revoked_at;
        }
    bool good = sb_issuer_crl(world->issuer, ca, &revoked, sb_clock_now(&world->clock), ret_der);
    sb_free(revoked.list);
    return good;
}
