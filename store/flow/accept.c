// SPDX-License-Identifier: Apache-2.0
/*
 * accept.c - judges what was downloaded before it may enter the cache; pure, and never lenient
 * about keys, signatures, serials or precertificates.
 */
#include "flow/accept.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAY_S = 86400, FUTURE_SKEW_S = 300, SENT_MAX = 32 };

/* Public TLS by issue date (facts/policy.md 1.2); the first row begins at 0, so there is one. */
static const struct dcs_limit_row *limit_at(const struct dcs_accept *expected, int64_t issued_at)
{
    return dcs_limit_at(expected->limits ? expected->limits : dcs_limits_builtin(), DCS_LIMIT_TLS,
                        issued_at);
}

void dcs_accepted_drop(struct dcs_accepted *accepted)
{
    dcs_buf_clear(&accepted->certs);
    dcs_facts_free(accepted->facts);
    *accepted = (struct dcs_accepted){ 0 };
}

/* ---- which one is the leaf ---- */

static bool fits(const struct dcs_accept *expected, const struct dcs_cert_info *info)
{
    if (expected->has_spki)
        return memcmp(info->spki_sha256, expected->spki_sha256, DCS_SHA256_LEN) == 0;
    return !info->is_ca;
}

/* By key, else the non-CA, else the one with the serial that the CA named; never by position. */
static const struct dcs_cert *find_leaf(const struct dcs_accept *expected,
                                        const struct dcs_cert_list *sent, struct dcs_err *err)
{
    const struct dcs_cert *found = NULL;
    size_t fitting = 0;

    for (size_t i = 0; i < sent->count; i++) {
        const struct dcs_cert_info *info = dcs_cert_info(sent->certs[i]);
        if (!fits(expected, info))
            continue;
        fitting++;
        bool named = expected->serial && strcmp(expected->serial, info->serial) == 0;
        if (!found || named)
            found = sent->certs[i];
    }
    if (!found && expected->has_spki)
        dcs_fail(err, DCS_E_REJECTED, "no certificate in it has the public key of our private key");
    else if (!found)
        dcs_fail(err, DCS_E_REJECTED, "it holds CA certificates only");
    else if (fitting > 1 && !(expected->serial && *expected->serial))
        dcs_fail(err, DCS_E_REJECTED, "it holds %zu end-entity certificates", fitting);
    else
        return found;
    return NULL;
}

/* ---- checks that reject ---- */

/* The CA is known to send another certificate than the one asked for. What order info names decides:
 * the serial number, or where that is missing the SHA-1 thumbprint. */
static bool check_identity(const struct dcs_accept *expected, const struct dcs_cert_info *leaf,
                           struct dcs_err *err)
{
    /* Order info speaks of one certificate: the answer to a reissue is another. */
    bool is_of_it = expected->order && expected->order->certificate_id == expected->certificate_id;
    const char *named = is_of_it ? expected->order->thumbprint : "";
    char thumbprint[2 * DCS_SHA1_LEN + 1];

    if (expected->serial && *expected->serial)
        return strcmp(expected->serial, leaf->serial) == 0 ||
               dcs_fail(err, DCS_E_REJECTED, "its serial number is %s, the CA named %s",
                        leaf->serial, expected->serial);
    dcs_hex(leaf->sha1, DCS_SHA1_LEN, thumbprint);
    return strlen(named) != 2 * DCS_SHA1_LEN || strcmp(named, thumbprint) == 0 ||
           dcs_fail(err, DCS_E_REJECTED, "its thumbprint is %s, the CA named %s", thumbprint,
                    named);
}

static bool check_leaf(const struct dcs_accept *expected, const struct dcs_cert_info *leaf,
                       bool public_tls, struct dcs_err *err)
{
    int64_t lifetime = leaf->not_after - leaf->not_before + 1;
    const struct dcs_limit_row *limit = limit_at(expected, leaf->not_before);

    if (!check_identity(expected, leaf, err))
        return false;
    if (leaf->has_poison)
        return dcs_fail(err, DCS_E_REJECTED, "it is a precertificate (CT poison)");
    if (leaf->is_ca)
        return dcs_fail(err, DCS_E_REJECTED, "it is a CA certificate");
    if (public_tls && limit && lifetime > (int64_t)limit->industry_days * DAY_S)
        return dcs_fail(err, DCS_E_REJECTED,
                        "it is valid for %lld days; %d are allowed for its issue date",
                        (long long)((lifetime + DAY_S - 1) / DAY_S), limit->industry_days);
    return true;
}

struct path {
    const struct dcs_cert *certs[DCS_CHAIN_MAX + 1];
    size_t count;
    bool lacks_issuer; /* nothing that came has issued the leaf */
};

static bool on_path(const struct path *path, const struct dcs_cert *cert)
{
    for (size_t i = 0; i < path->count; i++)
        if (memcmp(dcs_cert_info(path->certs[i])->sha256, dcs_cert_info(cert)->sha256,
                   DCS_SHA256_LEN) == 0)
            return true;
    return false;
}

/* Whoever claims to have issued it: right name. *ret_signed: and the signature fits. A self-signed
 * one ends the path, so a cross-signed twin is preferred only when there is no root. */
static const struct dcs_cert *find_issuer(const struct dcs_cert_list *sent, const struct path *path,
                                          bool *ret_claimed)
{
    const struct dcs_cert *of = path->certs[path->count - 1];
    const struct dcs_cert *found = NULL;

    for (size_t i = 0; i < sent->count; i++) {
        const struct dcs_cert *other = sent->certs[i];
        if (on_path(path, other) ||
            dcs_cert_info(other)->subject_hash != dcs_cert_info(of)->issuer_hash)
            continue;
        *ret_claimed = true;
        if (!dcs_cert_issued_by(of, other))
            continue;
        if (dcs_cert_self_signed(other))
            return other;
        if (!found)
            found = other;
    }
    return found;
}

/* Leaf upward to the highest issuer sent; the root is left out of what is kept. */
static bool build_path(const struct dcs_cert_list *sent, const struct dcs_cert *leaf,
                       struct path *path, struct dcs_err *err)
{
    path->certs[0] = leaf;
    path->count = 1;
    while (path->count <= DCS_CHAIN_MAX) {
        const struct dcs_cert *last = path->certs[path->count - 1];
        bool claimed = false;
        if (dcs_cert_self_signed(last)) {
            path->count -= path->count > 1;
            return true;
        }
        const struct dcs_cert *issuer = find_issuer(sent, path, &claimed);
        if (!issuer && claimed)
            return dcs_fail(err, DCS_E_REJECTED,
                            "the signature of \"%.80s\" is not by the issuer sent with it",
                            dcs_cert_info(last)->common_name);
        if (!issuer) {
            path->lacks_issuer = path->count == 1;
            return true;
        }
        path->certs[path->count++] = issuer;
    }
    return dcs_fail(err, DCS_E_REJECTED, "the chain is longer than %d", DCS_CHAIN_MAX);
}

/* ---- what is recorded ---- */

static void note(struct dcs_facts *facts, const char *format, ...) DCS_PRINTF(2, 3);

static void note(struct dcs_facts *facts, const char *format, ...)
{
    size_t at = strlen(facts->notes);
    va_list args;

    if (at > 0 && at + 2 < sizeof(facts->notes))
        at += (size_t)snprintf(facts->notes + at, sizeof(facts->notes) - at, "; ");
    if (at + 1 >= sizeof(facts->notes))
        return;
    va_start(args, format);
    vsnprintf(facts->notes + at, sizeof(facts->notes) - at, format, args);
    va_end(args);
}

static void note_ct(const struct dcs_order *order, const struct dcs_cert_info *leaf,
                    struct dcs_facts *facts)
{
    if (leaf->sct_count < 0)
        note(facts, "its CT extension is malformed");
    else if (order->disable_ct == DCS_YES && leaf->sct_count > 0)
        note(facts, "it was logged for CT, the order says not to log");
    else if (order->disable_ct == DCS_NO && leaf->sct_count == 0)
        note(facts, "it was not logged for CT, the order says to log: browsers refuse it");
}

static void note_names(const struct dcs_order *order, const struct dcs_cert *leaf,
                       struct dcs_facts *facts)
{
    for (size_t i = 0; i < order->name_count; i++) {
        bool found = false;
        for (size_t k = 0; k < dcs_cert_name_count(leaf) && !found; k++)
            found = strcmp(order->names[i], dcs_cert_name(leaf, k)) == 0;
        if (!found && !dcs_cert_covers(leaf, order->names[i])) {
            note(facts, "the order's name %.80s is not in it", order->names[i]);
            return;
        }
    }
}

static void note_all(const struct dcs_accept *expected, const struct dcs_cert *leaf,
                     const struct path *path, struct dcs_facts *facts)
{
    const struct dcs_cert_info *info = dcs_cert_info(leaf);
    int64_t days = (info->not_after - info->not_before + DAY_S) / DAY_S;
    enum dcs_product product =
        expected->order ? dcs_order_product(expected->order) : DCS_PRODUCT_UNKNOWN;

    if (info->not_before > expected->now + FUTURE_SKEW_S)
        note(facts, "it is not valid yet: check this host's clock");
    if (info->not_after < expected->now)
        note(facts, "it had expired when it came");
    if (path->lacks_issuer)
        note(facts, "no issuer came with it");
    if (product == DCS_PRODUCT_PUBLIC_TLS) {
        note_ct(expected->order, info, facts);
        const struct dcs_limit_row *limit = limit_at(expected, info->not_before);
        if (limit && days > limit->ca_days)
            note(facts, "%lld days are more than the CA's own maximum of %d", (long long)days,
                 limit->ca_days);
    }
    if (product == DCS_PRODUCT_PUBLIC_TLS || product == DCS_PRODUCT_PRIVATE_TLS) {
        note_names(expected->order, leaf, facts);
        if (!info->eku_any && !info->eku_server_auth)
            note(facts, "it lacks EKU serverAuth");
    }
}

static bool make_facts(const struct dcs_accept *expected, const struct dcs_cert *leaf,
                       struct dcs_facts **ret_facts, struct dcs_err *err)
{
    dcs_auto(dcs_facts) struct dcs_facts *facts = dcs_alloc(1, sizeof(*facts), err);
    size_t count = dcs_cert_name_count(leaf);

    if (!facts)
        return false;
    facts->order_id = expected->order ? expected->order->id : 0;
    facts->certificate_id = expected->certificate_id;
    facts->leaf = *dcs_cert_info(leaf);
    if (expected->order)
        facts->public_tls =
            dcs_order_product(expected->order) == DCS_PRODUCT_PUBLIC_TLS ? DCS_YES : DCS_NO;
    snprintf(facts->source, sizeof(facts->source), "%s", expected->source ? expected->source : "");
    dcs_cert_crl_url(leaf, facts->crl_url, sizeof(facts->crl_url));
    facts->names = dcs_alloc(count, sizeof(*facts->names), err);
    if (!facts->names)
        return false;
    for (; facts->name_count < count; facts->name_count++)
        if (!dcs_str_copy(dcs_cert_name(leaf, facts->name_count), &facts->names[facts->name_count],
                          err))
            return false;
    *ret_facts = dcs_steal(&facts);
    return true;
}

static bool keep_path(const struct path *path, struct dcs_accepted *accepted, struct dcs_err *err)
{
    for (size_t i = 0; i < path->count; i++) {
        struct dcs_bytes der = dcs_cert_der(path->certs[i]);
        dcs_buf_add(&accepted->certs, der.data, der.len);
        accepted->offsets[i + 1] = accepted->certs.len;
    }
    accepted->cert_count = path->count;
    return dcs_buf_ok(&accepted->certs, "a chain", err);
}

bool dcs_accept(const struct dcs_accept *expected, const char *pem, size_t pem_len,
                struct dcs_accepted *ret_accepted, struct dcs_err *err)
{
    dcs_auto(dcs_cert_list) struct dcs_cert_list sent = { 0 };
    dcs_auto(dcs_accepted) struct dcs_accepted accepted = { .certs = { .max = 1 << 18 } };
    struct path path = { 0 };
    bool public_tls =
        expected->order && dcs_order_product(expected->order) == DCS_PRODUCT_PUBLIC_TLS;

    if (!dcs_certs_from_pem(pem, pem_len, SENT_MAX, &sent, err))
        return false;
    const struct dcs_cert *leaf = find_leaf(expected, &sent, err);
    if (!leaf || !check_leaf(expected, dcs_cert_info(leaf), public_tls, err) ||
        !build_path(&sent, leaf, &path, err) || !make_facts(expected, leaf, &accepted.facts, err) ||
        !keep_path(&path, &accepted, err))
        return false;
    note_all(expected, leaf, &path, accepted.facts);
    *ret_accepted = accepted;
    accepted = (struct dcs_accepted){ 0 };
    return true;
}
