// SPDX-License-Identifier: Apache-2.0
/* world_issue.c - certificates of the orders: signing, what order info says of them, revoking. */
#include <string.h>
#include <strings.h>

#include "key.h"
#include "world_parts.h"

enum { REVOKED_AFTER_S = 72 * 3600 };

static void show_names(cJSON *certificate, const struct sb_certificate *c)
{
    sb_set_text(certificate, "common_name", c->common_name);
    sb_set_item(certificate, "dns_names", c->names.count ? sb_names_json(&c->names) : NULL);
    sb_set_text(certificate, "csr", c->csr);
}

/* The primary as order info shows it. */
static void describe(const struct sb_world *world, struct sb_order *order,
                     const struct sb_certificate *c)
{
    cJSON *certificate = (cJSON *)sb_item(order->info, "certificate");
    cJSON *ca = cJSON_CreateObject();
    bool first = true;

    show_names(certificate, c);
    sb_set_number(certificate, "id", c->id);
    sb_set_text(certificate, "thumbprint", c->thumbprint);
    sb_set_text(certificate, "serial_number", c->serial);
    sb_set_date(certificate, "date_created", c->created, true);
    sb_set_date(certificate, "date_issued", c->issued, true);
    sb_set_date(certificate, "valid_from", c->not_before, false);
    sb_set_date(certificate, "valid_till", c->not_after, false);
    /* Positive even when expired, as a live listing was seen to show. */
    sb_set_number(certificate, "days_remaining", (c->not_after - c->not_before) / SB_DAY);
    sb_set_text(certificate, "signature_hash", c->hash ? c->hash : "sha256");
    sb_set_number(certificate, "key_size", c->key_size);
    sb_set_item(certificate, "cert_validity", cJSON_CreateObject());
    sb_set_number((cJSON *)sb_item(certificate, "cert_validity"), "days",
                  (c->not_after + 1 - c->not_before) / SB_DAY);
    sb_set_number(certificate, "user_id", 31);
    sb_set_text(ca, "id", sb_issuer_id(world->issuer, c->ca));
    sb_set_text(ca, "name", sb_issuer_name(world->issuer, c->ca));
    sb_set_item(certificate, "ca_cert", ca);
    for (size_t i = 0; i < order->certificate_count; i++)
        first =
            first && (&order->certificates[i] == c || order->certificates[i].state != SB_ISSUED ||
                      strcmp(order->certificates[i].kind, "duplicate") == 0);
    sb_set_text(certificate, "status", first ? NULL : "issued");
}

/* A reissue that drops or changes a name has the earlier certificates revoked in 72 hours: the
 * original and all its reissues and duplicates. */
static void start_revocation(struct sb_world *world, struct sb_order *order,
                             const struct sb_certificate *before, const struct sb_certificate *now)
{
    if (!before || (!sb_rule_loses(&before->names, &now->names) &&
                    strcasecmp(before->common_name ? before->common_name : "",
                               now->common_name ? now->common_name : "") == 0))
        return;
    for (size_t i = 0; i < order->certificate_count; i++) {
        struct sb_certificate *c = &order->certificates[i];
        if (c == now || c->state != SB_ISSUED || c->revoked_at || c->revoke_due)
            continue;
        c->revoke_due = now->issued + REVOKED_AFTER_S;
        sb_world_expect(world, c->revoke_due);
    }
}

bool sb_world_certify(struct sb_world *world, struct sb_order *order, struct sb_certificate *c,
                      EVP_PKEY *key, bool is_precertificate)
{
    const struct sb_product *product = sb_order_product(order);
    const struct sb_certificate *before = sb_order_primary(order);
    bool is_duplicate = strcmp(c->kind, "duplicate") == 0;
    struct sb_issued issued = { 0 };

    if (!product)
        return false;
    const struct sb_leaf leaf = {
        .common_name = c->common_name ? c->common_name : "Example Net Ltd",
        .names = &c->names,
        .policy = product->policy,
        .logged = c->logged,
        .client_auth = c->client_auth,
        .email = product->kind == SB_KIND_EMAIL,
        .code = product->kind == SB_KIND_CODE,
        .is_precertificate = is_precertificate,
        .hash = c->hash,
        .ca = c->ca,
        .not_before = c->not_before,
        .not_after = c->not_after,
        .logged_at = c->issued,
    };
    if (!sb_issuer_issue(world->issuer, &leaf, key, &issued))
        return false;
    sb_set(&c->pem, issued.pem);
    memcpy(c->serial, issued.serial, sizeof(c->serial));
    memcpy(c->thumbprint, issued.thumbprint, sizeof(c->thumbprint));
    memcpy(c->spki, issued.spki, sizeof(c->spki));
    c->key_size = issued.key_size;
    c->state = SB_ISSUED;
    sb_issued_clear(&issued);
    if (!is_duplicate) {
        describe(world, order, c);
        order->changed = c->issued;
        start_revocation(world, order, before, c);
        /* It may be time for the next auto-reissue, some day. */
        sb_world_expect(world, c->not_after - 30 * SB_DAY);
    }
    sb_world_touch(world, order);
    return true;
}

void sb_order_set_status(struct sb_world *world, struct sb_order *order, const char *status)
{
    if (strcmp(sb_text_of(order->info, "status", ""), status) != 0)
        order->changed = sb_world_now(world);
    sb_set_text(order->info, "status", status);
    sb_world_touch(world, order);
}

void sb_order_revoke(struct sb_world *world, struct sb_order *order, struct sb_certificate *c,
                     int64_t when)
{
    c->revoked_at = when;
    c->revoke_due = 0;
    order->changed = when;
    if (c == sb_order_primary(order))
        sb_set_text((cJSON *)sb_item(order->info, "certificate"), "status", "revoked");
    sb_world_touch(world, order);
}

/* ---- as the control API asks ---- */

static EVP_PKEY *key_for(const cJSON *wanted, struct sb_order *order, const char **ret_why)
{
    const char *csr = sb_text_of(wanted, "csr", NULL);
    EVP_PKEY *key = NULL;

    if (csr) {
        key = sb_csr_key(csr);
        *ret_why = "the CSR cannot be read";
        return key;
    }
    if (sb_flag_of(wanted, "same_key") && order->key_pem)
        return sb_key_from_pem(order->key_pem);
    key = sb_key_make(sb_text_of(wanted, "key", "ec:P-256"));
    *ret_why = "this kind of key is not known: ec:P-256, ec:P-384, rsa:2048, rsa:3072, rsa:4096";
    if (key && !sb_flag_of(wanted, "key_elsewhere")) {
        sb_free(order->key_pem);
        order->key_pem = sb_key_to_pem(key);
    }
    return key;
}

/* Dates as asked for: the control API may go beyond the industry's maximum, but not by accident. */
static void set_dates(const struct sb_world *world, const struct sb_order *order,
                      const cJSON *wanted, struct sb_certificate *c)
{
    const struct sb_product *product = sb_order_product(order);
    const char *text = sb_text_of(wanted, "valid_from", NULL);
    int64_t from = 0;
    bool dated = text && sb_time_parse(text, &from);

    if (!dated)
        from = sb_world_now(world) - sb_number_of(wanted, "age_days", 0) * SB_DAY;
    int64_t most = sb_rule_max_days(product->kind, from, &world->settings.max_days);
    int64_t days = sb_number_of(wanted, "validity_days", most);
    bool over = sb_flag_of(wanted, "over_the_limit");
    const struct sb_term term = { .max_days = over && days > most ? days : most,
                                  .order_end = sb_order_end(order),
                                  .asked_days = days };
    const struct sb_span span = sb_rule_span(&term, from);
    c->not_before = span.from;
    c->not_after = span.till;
    c->issued = dated ? span.from + 3600 : from;
}

static void set_names(const struct sb_order *order, const cJSON *wanted, struct sb_certificate *c)
{
    const cJSON *now = sb_item(order->info, "certificate");
    const cJSON *names = sb_item(wanted, "dns_names");

    c->common_name = sb_strdup(
        sb_text_of(wanted, "common_name", sb_text_of(now, "common_name", "nobody.example")));
    sb_names_of(names ? names : sb_item(now, "dns_names"), &c->names);
    if (c->names.count == 0 && sb_product_is_tls(sb_order_product(order)))
        sb_names_add(&c->names, c->common_name);
}

bool sb_world_issue(struct sb_world *world, struct sb_order *order, const cJSON *wanted,
                    const char *kind, const char **ret_why)
{
    const char *csr = sb_text_of(wanted, "csr", NULL);
    const struct sb_product *product = sb_order_product(order);
    EVP_PKEY *key = product ? key_for(wanted, order, ret_why) : NULL;

    if (!key)
        return false;
    struct sb_certificate *c = sb_add_certificate(order, sb_new_id(world, order), kind);
    c->state = SB_PENDING;
    c->created = sb_world_now(world);
    c->hash = sb_strdup("sha256");
    set_names(order, wanted, c);
    set_dates(world, order, wanted, c);
    c->csr = csr ? sb_strdup(csr) : sb_csr_make(key, c->common_name);
    c->client_auth = sb_flag_of(wanted, "client_auth");
    c->logged = sb_product_is_public(product) && !sb_flag_of(order->info, "disable_ct") &&
                !world->settings.ct_off;
    c->ca = sb_issuer_count(world->issuer) - 1;
    bool good = sb_world_certify(world, order, c, key, sb_flag_of(wanted, "precertificate"));
    *ret_why = "the certificate cannot be issued";
    if (!good)
        c->state = SB_REJECTED;
    EVP_PKEY_free(key);
    return good;
}
