// SPDX-License-Identifier: Apache-2.0
/* api_download.c - certificates by id and by order, in the formats that clients ask for. */
#include <string.h>

#include "api_routes.h"
#include "pack.h"

static const struct {
    const char *name;
    bool chain, root;
} formats[] = {
    { "pem_all", true, true },
    { "pem_noroot", true, false },
    { "pem_nointermediate", false, false },
    { "29", true, true }, /* the platform that means pem_all */
};

static void not_issued(const struct sb_request *request, struct sb_reply *reply)
{
    int status = request->world->settings.not_issued_status;

    sb_reply_error(reply, status, status == 404 ? "not_found" : "certificate_not_issued",
                   "The certificate is not available for download.");
}

/* Separate files in one ZIP: the leaf, the intermediate and, in some formats, the root. */
static bool send_zip(const struct sb_request *request, struct sb_order *order,
                     struct sb_certificate *certificate, const char *ending, bool root,
                     struct sb_reply *reply)
{
    struct sb_buf leaf = { 0 };
    struct sb_zip zip = { 0 };
    sb_auto(sb_free_drop) char *leaf_name = sb_format("certificate.%s", ending);
    sb_auto(sb_free_drop) char *ca_name = sb_format("DigiCertCA.%s", ending);
    sb_auto(sb_free_drop) char *root_name = sb_format("TrustedRoot.%s", ending);

    if (!sb_world_real(request->world, order))
        return false;
    certificate = certificate ? certificate : sb_order_primary(order);
    if (!sb_order_pem(request->world, order, certificate, false, false, &leaf))
        return false;
    sb_zip_add(&zip, leaf_name, sb_buf_text(&leaf));
    sb_zip_add(&zip, ca_name, sb_issuer_intermediate(request->world->issuer, certificate->ca));
    if (root)
        sb_zip_add(&zip, root_name, sb_issuer_root(request->world->issuer));
    sb_zip_finish(&zip, &reply->body);
    sb_buf_clear(&leaf);
    reply->content_type = "application/zip";
    return true;
}

static bool send_pkcs7(const struct sb_request *request, struct sb_order *order,
                       struct sb_certificate *certificate, struct sb_reply *reply)
{
    struct sb_buf all = { 0 };
    bool good = sb_order_pem(request->world, order, certificate, true, true, &all) &&
                sb_pack_pkcs7(sb_buf_text(&all), &reply->body);

    sb_buf_clear(&all);
    reply->content_type = "application/x-pkcs7-certificates";
    return good;
}

/* The packed formats; false when this is none of them. */
static bool send_packed(const struct sb_request *request, struct sb_order *order,
                        struct sb_certificate *certificate, const char *format,
                        struct sb_reply *reply)
{
    static const struct {
        const char *name, *ending; /* no ending: PKCS#7 */
        bool root;
    } packed[] = { { "p7b", NULL, true },          { "cer", NULL, true },
                   { "default", "crt", true },     { "default_pem", "crt", true },
                   { "default_cer", "cer", true }, { "apache", "crt", false } };

    for (size_t i = 0; i < SB_COUNT(packed); i++) {
        if (strcmp(packed[i].name, format) != 0)
            continue;
        bool sent = packed[i].ending ? send_zip(request, order, certificate, packed[i].ending,
                                                packed[i].root, reply)
                                     : send_pkcs7(request, order, certificate, reply);
        reply->status = 200;
        if (!sent)
            not_issued(request, reply);
        return true;
    }
    return false;
}

static void send_pem(const struct sb_request *request, struct sb_order *order,
                     struct sb_certificate *certificate, const char *format, struct sb_reply *reply)
{
    for (size_t i = 0; i < SB_COUNT(formats); i++) {
        if (strcmp(formats[i].name, format) != 0)
            continue;
        if (!sb_order_pem(request->world, order, certificate, formats[i].chain, formats[i].root,
                          &reply->body)) {
            not_issued(request, reply);
            return;
        }
        reply->status = 200;
        reply->content_type = "application/x-pem-file";
        return;
    }
    if (send_packed(request, order, certificate, format, reply))
        return;
    sb_reply_error(reply, 400, "invalid_value:format", "format contains an invalid value.");
}

/* Despite its name it holds the leaf first. */
static void chain_route(const struct sb_request *request, struct sb_order *order,
                        struct sb_certificate *certificate, struct sb_reply *reply)
{
    cJSON *root = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(root, "intermediates");

    if (sb_world_real(request->world, order) && !certificate)
        certificate = sb_order_primary(order);
    if (certificate && certificate->pem)
        sb_add_chain(request->world, certificate, list);
    sb_reply_json(reply, 200, root);
}

void sb_download_route(const struct sb_request *request, struct sb_reply *reply)
{
    const char *rest = NULL;
    sb_auto(sb_free_drop) char *name = sb_segment(request->path, "/certificate/", &rest);
    struct sb_certificate *certificate = NULL;
    int64_t id = 0;

    struct sb_order *order = name && sb_parse_number(name, 1, INT64_MAX, &id)
                                 ? sb_world_certificate(request->world, id, &certificate)
                                 : NULL;
    bool is_get = strcmp(request->method, "GET") == 0;
    if (name && strcmp(rest, "/revoke") == 0 && strcmp(request->method, "PUT") == 0)
        sb_revoke_certificate_route(request, name, reply);
    else if (!order || !is_get)
        not_issued(request, reply);
    else if (strcmp(rest, "/chain") == 0)
        chain_route(request, order, certificate, reply);
    else if (strncmp(rest, "/download/format/", 17) == 0)
        send_pem(request, order, certificate, rest + 17, reply);
    else if (strcmp(rest, "/download/platform") == 0)
        send_pem(request, order, certificate, "default", reply);
    else if (strncmp(rest, "/download/platform/", 19) == 0)
        send_pem(request, order, certificate, rest + 19, reply);
    else
        sb_no_such_route(reply);
}

void sb_order_download_route(const struct sb_request *request, struct sb_reply *reply)
{
    const char *rest = NULL;
    sb_auto(sb_free_drop) char *name =
        sb_segment(request->path, "/certificate/download/order/", &rest);
    struct sb_order *order = name ? sb_world_order_named(request->world, name) : NULL;

    if (!order)
        sb_no_such_order(reply);
    else if (!sb_world_real(request->world, order) || !sb_order_primary(order))
        not_issued(request, reply);
    else
        send_pem(request, order, sb_order_primary(order),
                 strncmp(rest, "/format/", 8) == 0 ? rest + 8 : "default", reply);
}
