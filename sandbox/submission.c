// SPDX-License-Identifier: Apache-2.0
/* submission.c - one request from its arrival to its effect; each step may be weeks apart. */
#include "submission.h"

#include <stdio.h>
#include <string.h>

#include "dcv.h"
#include "key.h"
#include "validity.h"
#include "world_parts.h"

/* ---- finding ---- */

const char *sb_stage(const cJSON *submission)
{
    static const char *const stages[] = { "approval", "dcv", "staff" };

    if (strcmp(sb_text_of(submission, "status", ""), "rejected") == 0)
        return "rejected";
    if (sb_flag_of(submission, "done"))
        return "done";
    for (size_t i = 0; i < SB_COUNT(stages); i++)
        if (sb_flag_of(submission, stages[i]))
            return stages[i];
    return "wait";
}

bool sb_is_open(const cJSON *submission)
{
    const char *stage = sb_stage(submission);

    return strcmp(stage, "done") != 0 && strcmp(stage, "rejected") != 0;
}

cJSON *sb_open_submission(const struct sb_order *order, const char *type)
{
    cJSON *found = NULL;

    for (cJSON *s = order->submissions ? order->submissions->child : NULL; s; s = s->next)
        if (sb_is_open(s) && (!type || strcmp(sb_text_of(s, "type", ""), type) == 0))
            found = s;
    return found;
}

struct sb_order *sb_world_submission(const struct sb_world *world, int64_t id,
                                     cJSON **ret_submission)
{
    size_t index = (size_t)(id - SB_FIRST_ID);
    struct sb_order *order =
        id >= SB_FIRST_ID && index < world->by_id_count ? world->by_id[index] : NULL;

    for (cJSON *s = order && order->submissions ? order->submissions->child : NULL; s;
         s = s->next) {
        if (sb_number_of(s, "id", 0) != id)
            continue;
        *ret_submission = s;
        return order;
    }
    return NULL;
}

static struct sb_certificate *certificate_of(const struct sb_order *order, const cJSON *submission)
{
    return sb_order_certificate(order, sb_number_of(submission, "certificate_id", 0));
}

static bool is_type(const cJSON *submission, const char *type)
{
    return strcmp(sb_text_of(submission, "type", ""), type) == 0;
}

/* ---- what the order shows of it ---- */

static void show(struct sb_world *world, struct sb_order *order, const cJSON *submission)
{
    static const char *const shown[] = { "id", "date", "type", "status", "comments" };
    static const struct {
        const char *stage, *status;
    } statuses[] = {
        { "approval", "needs_approval" }, { "dcv", "pending" }, { "staff", "pending" },
        { "wait", "processing" },         { "done", "issued" }, { "rejected", "rejected" }
    };
    cJSON *requests = cJSON_CreateArray();
    const char *stage = sb_stage(submission);

    for (const cJSON *s = order->submissions->child; s; s = s->next) {
        cJSON *row = cJSON_CreateObject();
        for (size_t i = 0; i < SB_COUNT(shown); i++)
            sb_copy_item(row, s, shown[i]);
        cJSON_AddItemToArray(requests, row);
    }
    sb_set_item(order->info, "requests", requests);
    if (is_type(submission, "reissue"))
        sb_order_set_status(world, order, sb_is_open(submission) ? "reissue_pending" : "issued");
    for (size_t i = 0; i < SB_COUNT(statuses) && is_type(submission, "new_request"); i++)
        if (strcmp(statuses[i].stage, stage) == 0)
            sb_order_set_status(world, order, statuses[i].status);
    sb_world_touch(world, order);
}

/* ---- taking effect ---- */

static bool issue(struct sb_world *world, struct sb_order *order, const cJSON *submission,
                  int64_t when)
{
    struct sb_certificate *c = certificate_of(order, submission);
    const struct sb_product *product = sb_order_product(order);
    const cJSON *wanted = sb_item(sb_item(submission, "wanted"), "certificate");
    struct sb_asked asked = { 0 };
    const char *unit = NULL;
    int64_t end = sb_order_end(order);
    EVP_PKEY *key = c && c->csr ? sb_csr_key(c->csr) : NULL;

    if (!key || !product || (end && end <= when) ||
        !sb_validity_read(sb_item(wanted, "cert_validity"), "", &asked, &unit)) {
        EVP_PKEY_free(key);
        return false;
    }
    const struct sb_settings *settings = &world->settings;
    const struct sb_term term = {
        .max_days = sb_rule_max_days(product->kind, when, &settings->max_days),
        .order_end = end,
        .asked_days = asked.days,
        .asked_end = asked.end,
        .weekends_off = settings->weekend_ends,
    };
    const struct sb_span span = sb_rule_span(&term, when);
    const struct sb_certificate *primary = sb_order_primary(order);
    c->not_before = span.from;
    c->not_after = span.till;
    c->issued = when;
    c->client_auth = c->client_auth && sb_rule_gives_client_auth(when, settings->client_auth_end);
    c->logged = strcmp(c->kind, "duplicate") == 0 && primary
                    ? primary->logged
                    : sb_product_is_public(product) && !settings->ct_off &&
                          !sb_flag_of(order->info, "disable_ct");
    if (!sb_issuer_find(world->issuer, sb_text_of(wanted, "ca_cert_id", ""), &c->ca))
        c->ca = sb_issuer_count(world->issuer) - 1;
    bool good = sb_world_certify(world, order, c, key, false);
    EVP_PKEY_free(key);
    return good;
}

static void revoke(struct sb_world *world, struct sb_order *order, const cJSON *submission,
                   int64_t when)
{
    int64_t wanted = sb_number_of(submission, "certificate_id", 0);
    bool any_left = false;

    for (size_t i = 0; i < order->certificate_count; i++) {
        struct sb_certificate *c = &order->certificates[i];
        if (c->state == SB_ISSUED && !c->revoked_at && (!wanted || c->id == wanted))
            sb_order_revoke(world, order, c, when);
        any_left |= c->state == SB_ISSUED && !c->revoked_at;
    }
    if (!wanted || (!any_left && world->settings.last_revoked_ends_order))
        sb_order_set_status(world, order, "revoked");
}

static void finish(struct sb_world *world, struct sb_order *order, cJSON *submission, int64_t when)
{
    sb_set_flag(submission, "done", true);
    if (is_type(submission, "revoke"))
        revoke(world, order, submission, when);
    else if (!issue(world, order, submission, when))
        sb_reject(world, order, submission, "The order has ended.");
}

void sb_settle(struct sb_world *world, struct sb_order *order, cJSON *submission)
{
    int64_t when = sb_world_now(world);
    struct sb_certificate *c = certificate_of(order, submission);

    if (!sb_is_open(submission))
        return;
    /* Another order may have validated the domains meanwhile. */
    if (sb_flag_of(submission, "dcv") && c && !sb_dcv_is_open(world, order, &c->names, when))
        sb_set_flag(submission, "dcv", false);
    if (strcmp(sb_stage(submission), "wait") == 0) {
        int64_t seconds = sb_number_of(submission, "seconds", 0);
        int64_t ready = sb_number_of(submission, "ready_at", 0);
        if (seconds && !ready) {
            ready = when + seconds;
            sb_set_number(submission, "ready_at", ready);
        }
        if (ready > when)
            sb_world_expect(world, ready);
        else if (sb_number_of(submission, "polls", 0) <= 0)
            finish(world, order, submission, when);
    }
    show(world, order, submission);
}

/* ---- arriving ---- */

/* The order as it was then; the service never brings it up to date. */
static cJSON *stale_order(const struct sb_order *order)
{
    static const char *const kept[] = { "id", "status", "organization", "product", "date_created" };
    const cJSON *now = sb_item(order->info, "certificate");
    cJSON *stale = cJSON_CreateObject();
    cJSON *certificate = cJSON_CreateObject();

    for (size_t i = 0; i < SB_COUNT(kept); i++)
        sb_copy_item(stale, order->info, kept[i]);
    sb_copy_item(certificate, now, "id");
    sb_copy_item(certificate, now, "common_name");
    sb_copy_item(certificate, now, "dns_names");
    sb_set_item(stale, "certificate", certificate);
    return stale;
}

static cJSON *new_submission(struct sb_world *world, struct sb_order *order, const char *type)
{
    cJSON *submission = cJSON_CreateObject();

    sb_set_number(submission, "id", sb_new_id(world, order));
    sb_set_date(submission, "date", sb_world_now(world), true);
    sb_set_text(submission, "type", type);
    if (!order->submissions)
        order->submissions = cJSON_CreateArray();
    cJSON_AddItemToArray(order->submissions, submission);
    return submission;
}

/* The place of the certificate that shall come of it. */
static int64_t place_certificate(struct sb_world *world, struct sb_order *order, const char *type,
                                 const cJSON *wanted)
{
    const cJSON *certificate = sb_item(wanted, "certificate");
    const char *kind = strcmp(type, "new_request") == 0 ? "primary" : type;
    struct sb_certificate *c = sb_add_certificate(order, sb_new_id(world, order), kind);

    c->state = SB_PENDING;
    c->created = sb_world_now(world);
    c->common_name = sb_strdup(sb_text_of(certificate, "common_name", NULL));
    c->csr = sb_strdup(sb_text_of(certificate, "csr", NULL));
    c->hash = sb_strdup(sb_text_of(certificate, "signature_hash", "sha256"));
    c->client_auth =
        strcmp(sb_text_of(certificate, "profile_option", ""), "server_client_auth_eku") == 0;
    sb_names_of(sb_item(certificate, "dns_names"), &c->names);
    if (c->common_name && !sb_names_has(&c->names, c->common_name))
        sb_names_add(&c->names, c->common_name);
    return c->id;
}

static void add_token(cJSON *submission)
{
    unsigned char bytes[16];
    char hex[33];

    if (!sb_random(bytes, sizeof(bytes)))
        return;
    sb_hex(bytes, sizeof(bytes), hex);
    sb_auto(sb_free_drop) char *token = sb_format("_%s", hex);
    sb_set_text(submission, "token", token);
}

/* People look at an organization again before anything is issued in its name. */
static bool organization_has_lapsed(const struct sb_world *world, const struct sb_order *order,
                                    int64_t now)
{
    const struct sb_product *product = sb_order_product(order);
    int64_t end = world->settings.organization_valid_until;

    return end && now >= end && product && !sb_product_is_dv(product);
}

cJSON *sb_submit(struct sb_world *world, struct sb_order *order, const char *type,
                 const cJSON *wanted, bool may_skip)
{
    int64_t now = sb_world_now(world);
    cJSON *stale = stale_order(order);
    cJSON *s = new_submission(world, order, type);
    const char *approval = sb_switch_text(world, order, "approval", "skippable");
    bool approve =
        strcmp(approval, "always") == 0 || (strcmp(approval, "skippable") == 0 && !may_skip);

    sb_set_item(s, "order", stale);
    sb_copy_item(s, wanted, "comments");
    sb_set_item(s, "wanted", cJSON_Duplicate(wanted, 1));
    sb_set_flag(s, "approval", approve);
    sb_set_text(s, "status", approve ? "pending" : "approved");
    if (strcmp(type, "revoke") == 0) {
        sb_copy_item(s, wanted, "certificate_id");
    } else {
        sb_set_number(s, "certificate_id", place_certificate(world, order, type, wanted));
        const struct sb_certificate *c = certificate_of(order, s);
        bool dcv = sb_dcv_is_open(world, order, &c->names, now);
        sb_set_flag(s, "dcv", dcv);
        if (dcv)
            add_token(s);
        sb_set_flag(s, "staff",
                    sb_switch_is(world, order, "staff") ||
                        organization_has_lapsed(world, order, now));
        sb_set_number(s, "polls", sb_switch_number(world, order, "polls"));
        sb_set_number(s, "seconds", sb_switch_number(world, order, "seconds"));
    }
    sb_settle(world, order, s);
    return s;
}

cJSON *sb_submit_past(struct sb_world *world, struct sb_order *order, const char *type,
                      const struct sb_certificate *certificate)
{
    cJSON *s = new_submission(world, order, type);

    sb_set_text(s, "status", "approved");
    sb_set_flag(s, "done", true);
    if (certificate)
        sb_set_number(s, "certificate_id", certificate->id);
    sb_set_item(s, "order", stale_order(order));
    cJSON *requests = (cJSON *)sb_item(order->info, "requests");
    cJSON *row = cJSON_CreateObject();
    sb_copy_item(row, s, "id");
    sb_copy_item(row, s, "date");
    sb_copy_item(row, s, "type");
    sb_copy_item(row, s, "status");
    cJSON_AddItemToArray(requests ? requests : cJSON_AddArrayToObject(order->info, "requests"),
                         row);
    sb_world_touch(world, order);
    return s;
}

/* ---- going on ---- */

static void processed(const struct sb_world *world, cJSON *submission, const char *status,
                      const char *comment)
{
    sb_set_text(submission, "status", status);
    sb_set_date(submission, "date_processed", sb_world_now(world), true);
    if (comment)
        sb_set_text(submission, "processor_comment", comment);
}

void sb_approve(struct sb_world *world, struct sb_order *order, cJSON *submission,
                const char *comment)
{
    processed(world, submission, "approved", comment);
    sb_set_flag(submission, "approval", false);
    sb_settle(world, order, submission);
}

void sb_reject(struct sb_world *world, struct sb_order *order, cJSON *submission,
               const char *comment)
{
    struct sb_certificate *c =
        is_type(submission, "revoke") ? NULL : certificate_of(order, submission);

    processed(world, submission, "rejected", comment);
    if (c && c->state == SB_PENDING)
        c->state = SB_REJECTED;
    show(world, order, submission);
}

void sb_validated(struct sb_world *world, struct sb_order *order, cJSON *submission)
{
    int64_t now = sb_world_now(world);
    const struct sb_certificate *c = certificate_of(order, submission);

    if (c)
        sb_dcv_validate(world, order, &c->names, now);
    sb_set_flag(submission, "dcv", false);
    sb_settle(world, order, submission);
}

void sb_complete(struct sb_world *world, struct sb_order *order, cJSON *submission)
{
    if (sb_flag_of(submission, "approval"))
        processed(world, submission, "approved", NULL);
    sb_set_flag(submission, "approval", false);
    sb_set_flag(submission, "dcv", false);
    sb_set_flag(submission, "staff", false);
    sb_set_number(submission, "polls", 0);
    sb_set_number(submission, "seconds", 0);
    sb_set_number(submission, "ready_at", 0);
    sb_settle(world, order, submission);
}

void sb_order_was_read(struct sb_world *world, struct sb_order *order)
{
    for (cJSON *s = order->submissions ? order->submissions->child : NULL; s; s = s->next) {
        if (!sb_is_open(s))
            continue;
        /* The records are there, and the CA looks by itself, too. */
        if (strcmp(sb_stage(s), "dcv") == 0 && sb_switch_is(world, order, "dcv_published"))
            sb_validated(world, order, s);
        int64_t polls = sb_number_of(s, "polls", 0);
        if (polls > 0 && strcmp(sb_stage(s), "wait") == 0)
            sb_set_number(s, "polls", polls - 1);
        sb_settle(world, order, s);
    }
}

void sb_auto_reissue(struct sb_world *world, struct sb_order *order)
{
    const struct sb_certificate *primary = sb_order_primary(order);
    cJSON *wanted = cJSON_CreateObject();
    cJSON *certificate = cJSON_AddObjectToObject(wanted, "certificate");

    sb_set_text(certificate, "common_name", primary->common_name);
    sb_set_item(certificate, "dns_names", sb_names_json(&primary->names));
    sb_set_text(certificate, "csr", primary->csr);
    sb_set_text(certificate, "signature_hash", primary->hash);
    if (primary->client_auth)
        sb_set_text(certificate, "profile_option", "server_client_auth_eku");
    sb_set_text(wanted, "comments", "Auto-reissue");
    sb_submit(world, order, "reissue", wanted, true);
    cJSON_Delete(wanted);
}
