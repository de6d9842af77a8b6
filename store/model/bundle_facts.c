// SPDX-License-Identifier: Apache-2.0
/*
 * bundle_facts.c - facts.json, written by us and read strictly: a field that is missing or of a
 * wrong form means damage.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/bundle.h"
#include "model/record.h"

#define FIELD(name, kind, member) DCS_FIELD(struct dcs_facts, name, kind, member)

static const struct dcs_field fields[] = {
    FIELD("order_id", I64, order_id),
    FIELD("certificate_id", I64, certificate_id),
    FIELD("committed_at", I64, committed_at),
    FIELD("public_tls", TRI, public_tls),
    FIELD("source", TEXT, source),
    FIELD("crl_url", TEXT, crl_url),
    FIELD("notes", TEXT, notes),
    FIELD("serial", TEXT, leaf.serial),
    FIELD("not_before", I64, leaf.not_before),
    FIELD("not_after", I64, leaf.not_after),
    FIELD("sha1", HEX, leaf.sha1),
    FIELD("sha256", HEX, leaf.sha256),
    FIELD("spki_sha256", HEX, leaf.spki_sha256),
    FIELD("ckaid", HEX, leaf.ckaid),
    FIELD("subject_hash", U32, leaf.subject_hash),
    FIELD("issuer_hash", U32, leaf.issuer_hash),
    FIELD("key_kind", INT, leaf.key_kind),
    FIELD("key_bits", INT, leaf.key_bits),
    FIELD("common_name", TEXT, leaf.common_name),
    FIELD("is_ca", BOOL, leaf.is_ca),
    FIELD("sct_count", INT, leaf.sct_count),
    FIELD("eku_any", BOOL, leaf.eku_any),
    FIELD("eku_server_auth", BOOL, leaf.eku_server_auth),
    FIELD("eku_client_auth", BOOL, leaf.eku_client_auth),
    FIELD("eku_code_signing", BOOL, leaf.eku_code_signing),
    FIELD("eku_email", BOOL, leaf.eku_email),
    FIELD("policy", TEXT, leaf.policy),
};

static const struct dcs_record record = { "facts.json", fields, DCS_COUNT(fields) };

void dcs_facts_free(struct dcs_facts *facts)
{
    if (!facts)
        return;
    for (size_t i = 0; i < facts->name_count; i++)
        free(facts->names[i]);
    free(facts->names);
    free(facts);
}

void dcs_facts_drop(struct dcs_facts **facts)
{
    dcs_facts_free(*facts);
    *facts = NULL;
}

const struct dcs_facts_file *dcs_facts_file(const struct dcs_facts *facts, const char *name)
{
    for (size_t i = 0; i < facts->file_count; i++)
        if (strcmp(facts->files[i].name, name) == 0)
            return &facts->files[i];
    return NULL;
}

/* ---- reading ---- */

static bool read_files(const struct dcs_json *object, struct dcs_facts *facts, struct dcs_err *err)
{
    if (!dcs_json_is_object(object) || dcs_json_count(object) > DCS_FACTS_FILES)
        return dcs_fail(err, DCS_E_STATE, "facts.json: the files are damaged");
    for (const struct dcs_json *f = dcs_json_first(object); f; f = dcs_json_next(f)) {
        struct dcs_facts_file *file = &facts->files[facts->file_count];
        const char *name = dcs_json_name(f);
        if (!name || strlen(name) >= sizeof(file->name) || strchr(name, '/') ||
            !dcs_record_number(dcs_json_get(f, "size"), 0, INT32_MAX, &file->size) ||
            !dcs_record_hex(dcs_json_get(f, "sha256"), file->sha256, sizeof(file->sha256)))
            return dcs_fail(err, DCS_E_STATE, "facts.json: a file's entry is damaged");
        memcpy(file->name, name, strlen(name) + 1);
        facts->file_count++;
    }
    return true;
}

bool dcs_facts_from_json(const struct dcs_json *object, struct dcs_facts **ret_facts,
                         struct dcs_err *err)
{
    dcs_auto(dcs_facts) struct dcs_facts *facts = dcs_alloc(1, sizeof(*facts), err);

    if (!facts || !dcs_record_read(&record, object, facts, err))
        return false;
    if (facts->leaf.not_after < facts->leaf.not_before || !facts->leaf.serial[0])
        return dcs_fail(err, DCS_E_STATE, "facts.json: the dates or the serial number are damaged");
    if (!dcs_record_read_names(&record, dcs_json_get(object, "names"), DCS_NAMES_MAX, &facts->names,
                               &facts->name_count, err) ||
        !read_files(dcs_json_get(object, "files"), facts, err))
        return false;
    *ret_facts = dcs_steal(&facts);
    return true;
}

/* ---- writing ---- */

bool dcs_facts_to_json(const struct dcs_facts *facts, struct dcs_json **ret_object,
                       struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *object = dcs_json_new_object();

    if (!dcs_record_write(&record, facts, object, err) ||
        !dcs_record_write_names(object, "names", facts->names, facts->name_count, err))
        return false;
    struct dcs_json *files = dcs_json_add_object(object, "files");
    bool good = files != NULL;
    for (size_t i = 0; good && i < facts->file_count; i++) {
        char hex[2 * DCS_SHA256_LEN + 1];
        struct dcs_json *file = dcs_json_add_object(files, facts->files[i].name);
        dcs_hex(facts->files[i].sha256, DCS_SHA256_LEN, hex);
        good = dcs_json_add_i64(file, "size", facts->files[i].size) &&
               dcs_json_add_text(file, "sha256", hex);
    }
    if (!good)
        return dcs_fail(err, DCS_E_NOMEM, "out of memory");
    *ret_object = dcs_steal(&object);
    return true;
}
