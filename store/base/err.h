/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err.h - the one error convention of the room.
 *
 * What can fail returns bool and takes a struct dcs_err last. True: done, *err untouched. False:
 * *err says why and no output was written. Nothing is allocated to report a failure; nobody
 * branches on the text. Each door turns codes into its own language, by table.
 */
#ifndef DCS_BASE_ERR_H
#define DCS_BASE_ERR_H

#include <stdbool.h>

#define DCS_CHECKED __attribute__((warn_unused_result))
#define DCS_PRINTF(f, a) __attribute__((format(printf, f, a)))

enum dcs_code {
    DCS_E_NONE = 0, /* no error; the value of a zeroed struct dcs_err */
    DCS_E_BUG,      /* unforeseen: ours */
    DCS_E_NOMEM,    /* allocation failed */
    DCS_E_URI,      /* not a digicert: URI that we understand */
    DCS_E_CONFIG,   /* the configuration is missing, unsafe or wrong */
    DCS_E_INPUT,    /* a file or value that the user gave is not usable */
    DCS_E_NOT_FOUND, /* the service knows no such order or certificate, or no generation meets a pin */
    DCS_E_NO_KEY,    /* certificates are here, the private key that was asked for is not */
    DCS_E_KEY_FILE, /* the private key is here but this process may not or must not use the file */
    DCS_E_DENIED,   /* the service refuses the API key or its permission (401, 403) */
    DCS_E_REFUSED, /* the service refused the request itself (400); permanent until input changes */
    DCS_E_PENDING, /* not issued yet; call again, nothing is lost */
    DCS_E_AWAY,    /* the service cannot be reached or talks nonsense; a cached answer may do */
    DCS_E_LIMIT,   /* over a request limit, the service's or our own budget */
    DCS_E_READER,  /* nothing usable is cached and this process may only read */
    DCS_E_STATE,   /* local state: disk, permission, lock, damage */
    DCS_E_TIMEOUT, /* waited for another process until the deadline */
    DCS_E_REJECTED, /* what the service sent failed our checks and was set aside */
    DCS_E_POLICY,   /* our policy says no (expired and serve_expired = no, ...) */
    DCS_E_ENDED,    /* the order ended (rejected, canceled) without a certificate: none will come */
    DCS_E_COUNT
};

struct dcs_err {
    enum dcs_code code;
    int http_status;       /* of the service's answer, 0 without one */
    char service_code[64]; /* the CA's own error code, "" without one */
    char text[512];        /* cut at a word; what happened, with the CA's own words */
    char hint[256];        /* what to do, "" when unknown */
};

/* Sets *err (NULL is fine) and returns false, so that `return dcs_fail(err, ...)` reads well. */
bool dcs_fail(struct dcs_err *err, enum dcs_code code, const char *format, ...) DCS_PRINTF(3, 4);
/* Puts "while text: " before the text; keeps code and hint; returns false. */
bool dcs_fail_while(struct dcs_err *err, const char *format, ...) DCS_PRINTF(2, 3);
/* Sets the hint, replacing one; returns false. */
bool dcs_hint(struct dcs_err *err, const char *format, ...) DCS_PRINTF(2, 3);
/* DCS_E_STATE with strerror(error_number) behind the text; ENOMEM gives DCS_E_NOMEM. */
bool dcs_fail_errno(struct dcs_err *err, int error_number, const char *format, ...)
    DCS_PRINTF(3, 4);
/* A stable name for records and JSON ("away"); "bug" for what is no code. Static storage. */
const char *dcs_code_name(enum dcs_code code);
/* The code of that name, DCS_E_BUG when unknown. */
enum dcs_code dcs_code_from_name(const char *name);

#endif
