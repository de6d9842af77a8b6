// SPDX-License-Identifier: Apache-2.0
/* err.c - fills struct dcs_err; allocates nothing, prints nothing. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const code_names[DCS_E_COUNT] = {
    [DCS_E_NONE] = "none",           [DCS_E_BUG] = "bug",
    [DCS_E_NOMEM] = "out-of-memory", [DCS_E_URI] = "uri",
    [DCS_E_CONFIG] = "config",       [DCS_E_INPUT] = "input",
    [DCS_E_NOT_FOUND] = "not-found", [DCS_E_NO_KEY] = "no-key",
    [DCS_E_KEY_FILE] = "key-file",   [DCS_E_DENIED] = "denied",
    [DCS_E_REFUSED] = "refused",     [DCS_E_PENDING] = "pending",
    [DCS_E_AWAY] = "away",           [DCS_E_LIMIT] = "limit",
    [DCS_E_READER] = "reader",       [DCS_E_STATE] = "state",
    [DCS_E_TIMEOUT] = "timeout",     [DCS_E_REJECTED] = "rejected",
    [DCS_E_POLICY] = "policy",       [DCS_E_ENDED] = "ended",
};

/* A text that was too long ends at a word, with an ellipsis, so that it never reads as whole. */
static void cut_at_word(char *text, size_t capacity, int wanted)
{
    if (wanted < 0 || (size_t)wanted < capacity)
        return;
    size_t at = capacity - 5;
    while (at > capacity / 2 && text[at] != ' ')
        at--;
    /* Never leave half a UTF-8 character behind. */
    while (at > 0 && ((unsigned char)text[at] & 0xC0) == 0x80)
        at--;
    memcpy(text + at, " ...", 5);
}

static void put(char *out, size_t capacity, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

static void put(char *out, size_t capacity, const char *format, va_list args)
{
    int wanted = vsnprintf(out, capacity, format, args);

    cut_at_word(out, capacity, wanted);
}

bool dcs_fail(struct dcs_err *err, enum dcs_code code, const char *format, ...)
{
    va_list args;

    if (!err)
        return false;
    err->code = code;
    err->http_status = 0;
    err->service_code[0] = '\0';
    err->hint[0] = '\0';
    va_start(args, format);
    put(err->text, sizeof(err->text), format, args);
    va_end(args);
    return false;
}

bool dcs_fail_while(struct dcs_err *err, const char *format, ...)
{
    char inner[sizeof(err->text)];
    char outer[sizeof(err->text)];
    va_list args;

    if (!err)
        return false;
    memcpy(inner, err->text, sizeof(inner));
    va_start(args, format);
    put(outer, sizeof(outer), format, args);
    va_end(args);
    int wanted = snprintf(err->text, sizeof(err->text), "%s: %s", outer, inner);
    cut_at_word(err->text, sizeof(err->text), wanted);
    return false;
}

bool dcs_hint(struct dcs_err *err, const char *format, ...)
{
    va_list args;

    if (!err)
        return false;
    va_start(args, format);
    put(err->hint, sizeof(err->hint), format, args);
    va_end(args);
    return false;
}

bool dcs_fail_errno(struct dcs_err *err, int error_number, const char *format, ...)
{
    char what[sizeof(err->text)];
    char reason[128];
    va_list args;

    if (!err)
        return false;
    va_start(args, format);
    put(what, sizeof(what), format, args);
    va_end(args);
    return dcs_fail(err, error_number == ENOMEM ? DCS_E_NOMEM : DCS_E_STATE, "%s: %s", what,
                    strerror_r(error_number, reason, sizeof(reason)));
}

const char *dcs_code_name(enum dcs_code code)
{
    if ((unsigned)code >= DCS_E_COUNT)
        return code_names[DCS_E_BUG];
    return code_names[code];
}

enum dcs_code dcs_code_from_name(const char *name)
{
    for (int i = 0; name && i < DCS_E_COUNT; i++)
        if (strcmp(name, code_names[i]) == 0)
            return (enum dcs_code)i;
    return DCS_E_BUG;
}
