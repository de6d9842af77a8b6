/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x509_sct.h - the signed certificate timestamps in a certificate (RFC 6962 3.3), and the list of logs
 * that an operator gives to verify them with.
 *
 * The list has OpenSSL's form (CTLOG_STORE_load_file(3)): `enabled_logs = a,b`, then a section for
 * each with `description` and `key` (base64 SubjectPublicKeyInfo). We read three more members of a
 * section: `operator`, `state` (pending, qualified, usable, readonly, retired, rejected) and
 * `retired_ms`. It is never downloaded: the browsers' lists must not be used by others.
 */
#ifndef DCS_IO_X509_SCT_H
#define DCS_IO_X509_SCT_H

#include "io/json.h"
#include "io/x509.h"

enum { DCS_SCTS_MAX = 32, DCS_LOGS_MAX = 256 };

struct dcs_log {
    uint8_t id[DCS_SHA256_LEN]; /* SHA-256 of the log's key */
    char name[128];
    char operator_name[64]; /* "" not told */
    char state[16];         /* "" not told */
    int64_t retired_ms;     /* 0 not told */
};
struct dcs_logs; /* immutable */
/* DCS_E_CONFIG when the file cannot be read as such a list; a single bad entry is left out and counted. */
bool dcs_logs_load(const char *path, struct dcs_logs **ret_logs, struct dcs_err *err) DCS_CHECKED;
void dcs_logs_free(struct dcs_logs *logs);
void dcs_logs_drop(struct dcs_logs **logs);
const struct dcs_log *dcs_logs_find(const struct dcs_logs *logs, const uint8_t *id);
size_t dcs_logs_bad_count(const struct dcs_logs *logs);
int64_t dcs_logs_written_at(const struct dcs_logs *logs); /* mtime of the file */

struct dcs_cert_sct {
    uint8_t log_id[DCS_SHA256_LEN];
    int64_t timestamp_ms;
    enum dcs_tri verified; /* UNKNOWN without the log's key or the issuer's certificate */
};
/*
 * The SCTs embedded in leaf, each judged by itself: OpenSSL's verdict on a list is success when there
 * is none. issuer and logs may be NULL. *ret_count 0 when there is no such extension;
 * DCS_E_REJECTED when it is malformed or stands twice.
 */
bool dcs_cert_scts(const struct dcs_bytes *leaf, const struct dcs_bytes *issuer,
                   const struct dcs_logs *logs, int64_t now, struct dcs_cert_sct *out,
                   size_t capacity, size_t *ret_count, struct dcs_err *err) DCS_CHECKED;

#endif
