// SPDX-License-Identifier: Apache-2.0
/*
 * cmd_get.c - `get`: certificates, and the key only when asked, to a file or stdout. A file appears
 * whole or not at all; a private key is never written to a terminal by mistake.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

enum { OPT_FORMAT, OPT_OUT, OPT_WITH_KEY, OPT_PASS, OPT_FORCE };

const struct cli_option cli_get_options[] = {
    [OPT_FORMAT] = { "--format", "pem|der|p12", "PEM (default); DER of one object; PKCS#12" },
    [OPT_OUT] = { "--out", "FILE", "Write to FILE instead of stdout" },
    [OPT_WITH_KEY] = { "--with-key", NULL, "The private key too, first (p12: inside)" },
    [OPT_PASS] = { "--pass-file", "FILE",
                   "Passphrase of the PKCS#12 file; without it, an empty one" },
    [OPT_FORCE] = { "--force", NULL, "Write a private key or binary data to a terminal" },
    { NULL, NULL, NULL },
};

struct wanted {
    struct dcs_uri uri;
    unsigned types;
    const char *format, *out;
    bool force, has_secret, json;
    const char *pass_file;
};

struct got {
    struct dcs_bundle *bundle;
    struct dcs_key key;
    struct dcs_buf crl;
    struct dcs_buf result;
};

static void got_drop(struct got *got)
{
    dcs_bundle_unref(got->bundle);
    dcs_key_drop(&got->key);
    dcs_buf_clear(&got->crl);
    dcs_buf_clear(&got->result);
}

/* What the URI's types and options ask for; by default the chain without the key. */
static unsigned types_of(const struct dcs_uri *uri, bool with_key)
{
    unsigned types = uri->types_given ? uri->types : DCS_TYPE_CHAIN;

    return with_key ? types | DCS_TYPE_KEY : types;
}

static bool fetch(struct dcs_store *store, const struct wanted *w, struct got *got,
                  struct dcs_err *err)
{
    bool key = w->types & DCS_TYPE_KEY;

    if (!dcs_store_open(store, &w->uri, key, &got->bundle, err))
        return false;
    if (w->types & DCS_TYPE_CRL && !dcs_store_crl(store, got->bundle, false, &got->crl, err))
        return false;
    return !key || dcs_store_key(store, got->bundle, &got->key, err);
}

static struct dcs_bytes cert_at(const struct dcs_bundle *bundle, size_t index)
{
    return index == 0 ? dcs_bundle_leaf(bundle) : dcs_bundle_chain(bundle, index - 1);
}

static bool add_public(const struct dcs_bundle *bundle, bool pem, struct dcs_buf *out,
                       struct dcs_err *err)
{
    dcs_auto(dcs_cert) struct dcs_cert *cert = NULL;
    struct dcs_bytes leaf = dcs_bundle_leaf(bundle);

    if (!dcs_cert_parse(leaf.data, leaf.len, &cert, err))
        return false;
    struct dcs_bytes spki = dcs_cert_spki(cert);
    if (pem)
        return dcs_pem_add(out, "PUBLIC KEY", spki.data, spki.len, err);
    dcs_buf_add(out, spki.data, spki.len);
    return true;
}

static bool make_pem(const struct wanted *w, struct got *got, struct dcs_err *err)
{
    size_t count = dcs_bundle_chain_count(got->bundle) + 1;

    if (w->types & DCS_TYPE_KEY && !dcs_key_to_pem(&got->key, &got->result, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct dcs_bytes der = cert_at(got->bundle, i);
        if (w->types & (i == 0 ? DCS_TYPE_CERT : DCS_TYPE_CA) &&
            !dcs_pem_add(&got->result, "CERTIFICATE", der.data, der.len, err))
            return false;
    }
    if (w->types & DCS_TYPE_PUBLIC && !add_public(got->bundle, true, &got->result, err))
        return false;
    return !(w->types & DCS_TYPE_CRL) || got->crl.len == 0 ||
           dcs_pem_add(&got->result, "X509 CRL", (const uint8_t *)got->crl.data, got->crl.len, err);
}

static bool make_der(const struct wanted *w, struct got *got, struct dcs_err *err)
{
    /* Without ?type= the leaf; --with-key is one more then, and never silently left out. */
    unsigned types = w->uri.types_given ? w->types : DCS_TYPE_CERT | (w->types & DCS_TYPE_KEY);
    struct dcs_bytes leaf = dcs_bundle_leaf(got->bundle);

    switch (types) {
    case DCS_TYPE_CERT:
        dcs_buf_add(&got->result, leaf.data, leaf.len);
        return true;
    case DCS_TYPE_KEY:
        dcs_buf_add(&got->result, got->key.der.data, got->key.der.len);
        return true;
    case DCS_TYPE_PUBLIC:
        return add_public(got->bundle, false, &got->result, err);
    case DCS_TYPE_CRL:
        dcs_buf_add(&got->result, got->crl.data, got->crl.len);
        return true;
    default:
        dcs_fail(err, DCS_E_INPUT, "DER holds one object, and several are asked for");
        return dcs_hint(err,
                        "say which: order/123?type=cert, ?type=key, ?type=public or ?type=crl");
    }
}

static bool make_p12(const struct wanted *w, struct got *got, struct dcs_err *err)
{
    dcs_auto(dcs_secret) struct dcs_secret pass = { 0 };
    struct dcs_bytes certs[DCS_CHAIN_MAX + 1];
    size_t count = dcs_bundle_chain_count(got->bundle) + 1;

    if (w->pass_file) {
        if (!cli_read_file(w->pass_file, &pass, err))
            return false;
        while (pass.len > 0 && strchr("\r\n", pass.data[pass.len - 1]))
            pass.data[--pass.len] = '\0';
    }
    for (size_t i = 0; i < count; i++)
        certs[i] = cert_at(got->bundle, i);
    return dcs_pkcs12_make(w->types & DCS_TYPE_KEY ? &got->key : NULL, certs, count,
                           dcs_bundle_facts(got->bundle)->leaf.common_name, &pass, &got->result,
                           err);
}

static const struct {
    const char *name;
    bool (*make)(const struct wanted *, struct got *, struct dcs_err *);
} formats[] = { { "pem", make_pem }, { "der", make_der }, { "p12", make_p12 } };

/* ---- out ---- */

static bool write_stdout(const struct wanted *w, const struct dcs_buf *data, struct dcs_err *err)
{
    bool binary = strcmp(w->format, "pem") != 0;

    if (isatty(STDOUT_FILENO) && (w->has_secret || binary) && !w->force) {
        dcs_fail(err, DCS_E_INPUT, "%s does not belong on a terminal",
                 w->has_secret ? "a private key" : "binary data");
        return dcs_hint(err, "--out FILE writes it to a file; --force does it all the same");
    }
    fflush(stdout);
    return cli_write_all(STDOUT_FILENO, data) ||
           dcs_fail(err, DCS_E_STATE, "stdout cannot be written: %s", strerror(errno));
}

/* What was written where, or, without --out, the PEM text itself: never a key, whose bytes would stay
 * in memory that is not wiped. */
static bool print_json(const struct wanted *w, const struct got *got)
{
    dcs_auto(dcs_json) struct dcs_json *object = dcs_json_new_object();
    const struct dcs_cert_info *leaf = &dcs_bundle_facts(got->bundle)->leaf;

    if (dcs_bundle_order(got->bundle) > 0)
        dcs_json_add_i64(object, "order_id", dcs_bundle_order(got->bundle));
    dcs_json_add_text(object, "serial", leaf->serial);
    dcs_json_add_text(object, "common_name", leaf->common_name);
    dcs_json_add_time(object, "not_after", leaf->not_after);
    dcs_json_add_text(object, "format", w->format);
    dcs_json_add_bool(object, "with_key", w->has_secret);
    if (w->out)
        dcs_json_add_text(object, "file", w->out);
    else
        dcs_json_add_text(object, "pem", dcs_buf_text(&got->result));
    return cli_print_json(object);
}

static int get(struct dcs_store *store, struct wanted *w)
{
    dcs_auto(got) struct got got = { .result = { .max = 4 << 20, .secret = true } };
    struct dcs_err err = { 0 };
    size_t format = 0;

    while (format < DCS_COUNT(formats) && strcmp(formats[format].name, w->format) != 0)
        format++;
    if (format == DCS_COUNT(formats))
        return cli_usage_error("get", "--format is pem, der or p12, not \"%s\"", w->format);
    w->has_secret = w->types & DCS_TYPE_KEY;
    if (!fetch(store, w, &got, &err) || !formats[format].make(w, &got, &err) ||
        !(w->out    ? cli_write_file(w->out, w->has_secret ? 0600 : 0644, &got.result, &err)
          : w->json ? true
                    : write_stdout(w, &got.result, &err)))
        return cli_fail(&err);
    return !w->json || print_json(w, &got) ? CLI_DONE : CLI_LOCAL;
}

int cmd_get(int argc, char **argv)
{
    dcs_auto(dcs_store) struct dcs_store *store = NULL;
    struct wanted wanted = { 0 };
    struct dcs_err err = { 0 };
    struct cli_args args;
    int status = cli_parse("get", argc, argv, &args);

    if (status != CLI_DONE)
        return status;
    if (args.rest_count != 1)
        return cli_usage_error("get", "get wants one URI, for example order/123");
    wanted.json = args.json;
    if (!dcs_uri_parse_loose(args.rest[0], &wanted.uri, &err))
        return cli_fail(&err);
    wanted.types = types_of(&wanted.uri, args.values[OPT_WITH_KEY]);
    wanted.format = args.values[OPT_FORMAT] ? args.values[OPT_FORMAT] : "pem";
    wanted.out = args.values[OPT_OUT];
    wanted.pass_file = args.values[OPT_PASS];
    wanted.force = args.values[OPT_FORCE];
    if (wanted.json && !wanted.out &&
        (wanted.types & DCS_TYPE_KEY || strcmp(wanted.format, "pem") != 0))
        return cli_usage_error("get", "with --json, keys and binary formats want --out FILE");
    store = cli_open_store(&status);
    return store ? get(store, &wanted) : status;
}
