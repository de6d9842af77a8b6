// SPDX-License-Identifier: Apache-2.0
/*
 * conf.c - OpenSSL configuration syntax: a plain scan for places and complaints, NCONF for values.
 * Opens no file: .include and .pragma lines are refused.
 */
#include "io/conf.h"

#include <openssl/conf.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONF_MAX = 1 << 20, ENTRIES_MAX = 100000, RETRIES_MAX = 100, NAME_MAX_BYTES = 127 };

struct section {
    uint32_t hash; /* of the name: ten thousand sections are compared by number first */
    char *name;
    int line;
};

struct dcs_conf {
    struct section *sections;
    size_t section_count;
    struct dcs_conf_value *values; /* name and value owned; section points into sections */
    size_t value_count;
    struct dcs_conf_complaint *complaints;
    size_t complaint_count;
};

static void free_const(const char *text)
{
    free((void *)(uintptr_t)text);
}

void dcs_conf_free(struct dcs_conf *conf)
{
    if (!conf)
        return;
    for (size_t i = 0; i < conf->section_count; i++)
        free(conf->sections[i].name);
    for (size_t i = 0; i < conf->value_count; i++) {
        free_const(conf->values[i].section);
        free_const(conf->values[i].name);
        free_const(conf->values[i].value);
    }
    free(conf->sections);
    free(conf->values);
    free(conf->complaints);
    free(conf);
}

void dcs_conf_drop(struct dcs_conf **conf)
{
    dcs_conf_free(*conf);
    *conf = NULL;
}

size_t dcs_conf_section_count(const struct dcs_conf *conf)
{
    return conf->section_count;
}

const char *dcs_conf_section(const struct dcs_conf *conf, size_t index)
{
    return conf->sections[index].name;
}

int dcs_conf_section_line(const struct dcs_conf *conf, size_t index)
{
    return conf->sections[index].line;
}

size_t dcs_conf_value_count(const struct dcs_conf *conf)
{
    return conf->value_count;
}

const struct dcs_conf_value *dcs_conf_value(const struct dcs_conf *conf, size_t index)
{
    return &conf->values[index];
}

size_t dcs_conf_complaint_count(const struct dcs_conf *conf)
{
    return conf->complaint_count;
}

const struct dcs_conf_complaint *dcs_conf_complaint(const struct dcs_conf *conf, size_t index)
{
    return &conf->complaints[index];
}

/* Room for one more; doubles at each power of two. */
static bool grow(void **array, size_t count, size_t size, struct dcs_err *err)
{
    if ((count & (count - 1)) != 0)
        return true;
    if (count >= ENTRIES_MAX)
        return dcs_fail(err, DCS_E_CONFIG, "the configuration is too long");
    void *bigger = realloc(*array, (count ? count * 2 : 1) * size);
    if (!bigger)
        return dcs_fail(err, DCS_E_NOMEM, "out of memory");
    *array = bigger;
    return true;
}

/* ---- the scan ---- */

struct scan {
    struct dcs_conf *conf;
    struct dcs_buf clean; /* what NCONF gets: the same lines, refused ones made harmless */
    const char *section;
    int line;
    bool continued;     /* the line before ended with a backslash */
    size_t first_value; /* of the present section: duplicates are looked for from here on */
};

static bool complain(struct scan *scan, int line, const char *text, struct dcs_err *err)
{
    struct dcs_conf *conf = scan->conf;
    void *array = conf->complaints;

    if (!grow(&array, conf->complaint_count, sizeof(*conf->complaints), err))
        return false;
    conf->complaints = array;
    struct dcs_conf_complaint *c = &conf->complaints[conf->complaint_count++];
    *c = (struct dcs_conf_complaint){ .line = line };
    snprintf(c->section, sizeof(c->section), "%.*s", NAME_MAX_BYTES, scan->section);
    snprintf(c->text, sizeof(c->text), "%s", text);
    return true;
}

static uint32_t hash_name(const char *name)
{
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    return hash;
}

static bool add_section(struct scan *scan, const char *name, struct dcs_err *err)
{
    struct dcs_conf *conf = scan->conf;
    uint32_t hash = hash_name(name);
    char text[256];

    scan->first_value = conf->value_count;
    for (size_t i = 0; i < conf->section_count; i++) {
        if (conf->sections[i].hash != hash || strcmp(conf->sections[i].name, name) != 0)
            continue;
        scan->section = conf->sections[i].name;
        scan->first_value = 0;
        if (conf->sections[i].line == 0)
            return true; /* [default] after the unnamed beginning is the same section */
        snprintf(text, sizeof(text), "section [%.100s] stands in line %d too; both are read as one",
                 name, conf->sections[i].line);
        return complain(scan, scan->line, text, err);
    }
    void *array = conf->sections;
    if (!grow(&array, conf->section_count, sizeof(*conf->sections), err))
        return false;
    conf->sections = array;
    struct section *s = &conf->sections[conf->section_count];
    if (!dcs_str_copy(name, &s->name, err))
        return false;
    s->line = scan->line;
    s->hash = hash;
    scan->section = s->name;
    conf->section_count++;
    return true;
}

static bool add_value(struct scan *scan, const char *name, struct dcs_err *err)
{
    struct dcs_conf *conf = scan->conf;
    char text[256];

    for (size_t i = scan->first_value; i < conf->value_count; i++) {
        if (strcmp(conf->values[i].section, scan->section) != 0 ||
            strcmp(conf->values[i].name, name) != 0)
            continue;
        snprintf(text, sizeof(text), "\"%.60s\" stands in line %d too; the last one counts", name,
                 conf->values[i].line);
        conf->values[i].line = scan->line;
        return complain(scan, scan->line, text, err);
    }
    void *array = conf->values;
    if (!grow(&array, conf->value_count, sizeof(*conf->values), err))
        return false;
    conf->values = array;
    char *section_copy = NULL;
    char *name_copy = NULL;
    if (!dcs_str_copy(scan->section, &section_copy, err) || !dcs_str_copy(name, &name_copy, err)) {
        free(section_copy);
        return false;
    }
    conf->values[conf->value_count++] =
        (struct dcs_conf_value){ .section = section_copy, .name = name_copy, .line = scan->line };
    return true;
}

static bool section_line(struct scan *scan, const char *line, struct dcs_err *err)
{
    const char *close = strchr(line, ']');
    const char *start = line + 1 + strspn(line + 1, " \t");
    char name[NAME_MAX_BYTES + 1];
    char text[256];

    size_t len = close && close > start ? (size_t)(close - start) : 0;
    while (len > 0 && (start[len - 1] == ' ' || start[len - 1] == '\t'))
        len--;
    bool good = len > 0 && len < sizeof(name);
    for (size_t i = 0; good && i < len; i++)
        good = start[i] > 0x20 && start[i] < 0x7F && !strchr(":\"'\\#$=[", start[i]);
    if (!good) {
        /* The lines below belong to a section that cannot be named: not to the one before. */
        snprintf(name, sizeof(name), "line-%d", scan->line);
        if (!add_section(scan, name, err))
            return false;
        dcs_buf_addf(&scan->clean, "[%s]\n", name);
        return complain(
            scan, scan->line,
            "this section head cannot be read: write [order/123]; percent-encode what is "
            "not a letter, a digit or one of - . _ / % *",
            err);
    }
    snprintf(name, sizeof(name), "%.*s", (int)len, start);
    if (!add_section(scan, name, err))
        return false;
    dcs_buf_addf(&scan->clean, "[%s]\n", name);
    const char *rest = close + 1 + strspn(close + 1, " \t");
    if (!*rest || *rest == '#')
        return true;
    snprintf(text, sizeof(text), "\"%.60s\" after ] is ignored; put it on a line of its own", rest);
    return complain(scan, scan->line, text, err);
}

static bool value_line(struct scan *scan, const char *line, struct dcs_err *err)
{
    const char *equals = strchr(line, '=');
    char name[NAME_MAX_BYTES + 1];
    char text[256];

    size_t len = equals ? (size_t)(equals - line) : 0;
    while (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '\t'))
        len--;
    if (len == 0 || len >= sizeof(name) || memchr(line, ':', len)) {
        dcs_buf_addc(&scan->clean, '\n');
        snprintf(text, sizeof(text), "\"%.60s\" is no line of the form NAME = VALUE", line);
        return complain(scan, scan->line, text, err);
    }
    snprintf(name, sizeof(name), "%.*s", (int)len, line);
    if (!add_value(scan, name, err))
        return false;
    dcs_buf_addf(&scan->clean, "%s\n", line);
    if (strchr(equals, '$') && !strstr(equals, "\\$") &&
        !complain(scan, scan->line, "OpenSSL expands $ in values; write \\$ for a dollar sign",
                  err))
        return false;
    if (strpbrk(equals, "\"'`"))
        return complain(scan, scan->line,
                        "OpenSSL removes quotes in values; write \\\" for a quote, or leave it out",
                        err);
    return true;
}

static bool scan_line(struct scan *scan, const char *line, struct dcs_err *err)
{
    size_t len = strlen(line);
    bool continued = scan->continued;

    scan->line++;
    scan->continued = len > 0 && line[len - 1] == '\\';
    if (continued) {
        dcs_buf_addf(&scan->clean, "%s\n", line);
        return true;
    }
    line += strspn(line, " \t");
    if (*line == '\0' || *line == '#') {
        dcs_buf_addc(&scan->clean, '\n');
        return true;
    }
    if (*line == '[')
        return section_line(scan, line, err);
    if (*line == '.') {
        dcs_buf_addc(&scan->clean, '\n');
        return complain(scan, scan->line, "directives such as .include are not used in this file",
                        err);
    }
    return value_line(scan, line, err);
}

static bool scan_text(struct scan *scan, const char *text, size_t len, struct dcs_err *err)
{
    const char *end = text + len;

    scan->section = "default";
    if (!add_section(scan, "default", err))
        return false;
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t line_len = (size_t)((newline ? newline : end) - text);
        char *line = strndup(text, line_len);
        if (!line)
            return dcs_fail(err, DCS_E_NOMEM, "out of memory");
        if (line_len > 0 && line[strlen(line) - (*line != '\0')] == '\r')
            line[strlen(line) - 1] = '\0';
        bool good = scan_line(scan, line, err);
        free(line);
        if (!good)
            return false;
        text = newline ? newline + 1 : end;
    }
    return dcs_buf_ok(&scan->clean, "the configuration", err);
}

/* ---- NCONF ---- */

static void blank_line(struct dcs_buf *text, long line)
{
    char *at = text->data;

    for (long i = 1; at && i < line; i++) {
        at = strchr(at, '\n');
        at = at ? at + 1 : NULL;
    }
    for (; at && *at && *at != '\n'; at++)
        *at = ' ';
}

/* A line that NCONF refuses is complained of and left out; the others are still used. */
static bool load(struct scan *scan, CONF *nconf, struct dcs_err *err)
{
    for (int i = 0; i < RETRIES_MAX; i++) {
        long line = 0;
        BIO *bio = BIO_new_mem_buf(dcs_buf_text(&scan->clean), (int)scan->clean.len);
        if (!bio)
            return dcs_fail(err, DCS_E_NOMEM, "out of memory");
        bool loaded = NCONF_load_bio(nconf, bio, &line) > 0;
        BIO_free(bio);
        if (loaded)
            return true;
        const char *reason = ERR_reason_error_string(ERR_peek_last_error());
        char text[256];
        snprintf(text, sizeof(text), "OpenSSL cannot read this line: %s",
                 reason ? reason : "unknown");
        if (line <= 0 || line > scan->line)
            return dcs_fail(err, DCS_E_CONFIG, "the configuration cannot be read: %s",
                            reason ? reason : "unknown");
        if (!complain(scan, (int)line, text, err))
            return false;
        blank_line(&scan->clean, line);
    }
    return dcs_fail(err, DCS_E_CONFIG, "more than %d lines of the configuration cannot be read",
                    RETRIES_MAX);
}

static bool take_values(struct dcs_conf *conf, const CONF *nconf, struct dcs_err *err)
{
    for (size_t i = 0; i < conf->value_count; i++) {
        const char *value = NCONF_get_string(nconf, conf->values[i].section, conf->values[i].name);
        char *copy = NULL;
        if (!dcs_str_copy(value, &copy, err))
            return false;
        conf->values[i].value = copy;
    }
    return true;
}

bool dcs_conf_parse(const char *text, size_t len, const char *origin, struct dcs_conf **ret_conf,
                    struct dcs_err *err)
{
    dcs_auto(dcs_conf) struct dcs_conf *conf = dcs_alloc(1, sizeof(*conf), err);
    struct scan scan = { .conf = conf, .clean = { .max = CONF_MAX } };
    CONF *nconf = NULL;

    if (!conf)
        return false;
    if (memchr(text, '\0', len)) {
        dcs_fail(err, DCS_E_CONFIG, "%s is no text file", origin);
        return dcs_hint(err, "digicert-store.conf(5) describes the configuration");
    }
    ERR_set_mark();
    nconf = NCONF_new_ex(NULL, NULL);
    bool good = nconf ? scan_text(&scan, text, len, err) && load(&scan, nconf, err) &&
                            take_values(conf, nconf, err)
                      : dcs_fail(err, DCS_E_NOMEM, "out of memory");
    NCONF_free(nconf);
    ERR_pop_to_mark();
    dcs_buf_clear(&scan.clean);
    if (!good)
        return dcs_fail_while(err, "%s", *origin ? origin : "configuration");
    *ret_conf = dcs_steal(&conf);
    return true;
}
