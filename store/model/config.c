// SPDX-License-Identifier: Apache-2.0
/*
 * config.c - the configuration in force, from text; a broken part becomes a problem and the rest
 * is used. Opens no file.
 */
#include "model/config.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/conf.h"
#include "model/config_keys.h"

enum { PROBLEMS_MAX = 200 };

static void clear_values(struct dcs_config_value *values)
{
    for (int i = 0; i < KEY_COUNT; i++)
        free(values[i].text);
}

static void config_free(struct dcs_config *config)
{
    clear_values(config->defaults);
    for (size_t i = 0; i < config->section_count; i++) {
        clear_values(config->sections[i].values);
        free(config->sections[i].value);
        free(config->sections[i].name);
    }
    free(config->sections);
    free(config->problems);
    free(config->by_id);
    free(config->origin);
    free(config);
}

struct dcs_config *dcs_config_ref(struct dcs_config *config)
{
    if (config)
        atomic_fetch_add_explicit(&config->refs, 1, memory_order_relaxed);
    return config;
}

void dcs_config_unref(struct dcs_config *config)
{
    if (config && atomic_fetch_sub_explicit(&config->refs, 1, memory_order_acq_rel) == 1)
        config_free(config);
}

void dcs_config_drop(struct dcs_config **config)
{
    dcs_config_unref(*config);
    *config = NULL;
}

/* ---- problems ---- */

static void add_problem(struct dcs_config *config, int line,
                        const struct dcs_order_section *section, const char *format, ...)
    DCS_PRINTF(4, 5);

static void add_problem(struct dcs_config *config, int line,
                        const struct dcs_order_section *section, const char *format, ...)
{
    va_list args;

    if (!config->problems || config->problem_count == PROBLEMS_MAX)
        return;
    struct dcs_config_problem *p = &config->problems[config->problem_count++];
    *p = (struct dcs_config_problem){ .line = line, .is_global = !section };
    if (section) {
        p->order = section->head.kind == DCS_URI_ORDER ? section->head.id : 0;
        snprintf(p->section, sizeof(p->section), "%s", section->name);
    }
    va_start(args, format);
    vsnprintf(p->text, sizeof(p->text), format, args);
    va_end(args);
}

/* ---- sections ---- */

static bool read_head(struct dcs_order_section *section, const char *name)
{
    static const enum dcs_uri_kind kinds[] = { DCS_URI_ORDER, DCS_URI_ALTERNATE, DCS_URI_NAME };
    char value[DCS_URI_MAX + 1];
    char host[DCS_URI_MAX + 1];
    const char *slash = strchr(name, '/');

    for (size_t i = 0; slash && i < DCS_COUNT(kinds); i++) {
        const char *kind = dcs_uri_kind_name(kinds[i]);
        if (strlen(kind) != (size_t)(slash - name) || strncmp(kind, name, strlen(kind)) != 0)
            continue;
        if (!dcs_uri_unescape(slash + 1, strlen(slash + 1), value, sizeof(value)) || !value[0])
            return false;
        section->head.kind = kinds[i];
        if (kinds[i] == DCS_URI_ORDER && !dcs_id_parse(value, strlen(value), &section->head.id))
            return false;
        if (kinds[i] == DCS_URI_NAME) {
            if (!dcs_host_normalize(value, host, sizeof(host)))
                return false;
            memcpy(value, host, sizeof(value));
        }
        section->value = strdup(value);
        section->head.value = section->value;
        return section->value != NULL;
    }
    return false;
}

static void set_value(struct dcs_config *config, struct dcs_order_section *section,
                      const struct dcs_conf_value *from)
{
    enum dcs_config_key key = dcs_config_key_named(from->name);
    struct dcs_config_value *values = section ? section->values : config->defaults;
    int64_t number = 0;
    char why[160];

    if (key == KEY_COUNT) {
        const char *nearest = dcs_config_did_you_mean(from->name);
        add_problem(config, from->line, section, "\"%.60s\" is not a key%s%s%s", from->name,
                    nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                    nearest ? "\"?" : "");
        return;
    }
    if (section && dcs_config_table[key].scope == DCS_KEY_GLOBAL) {
        add_problem(config, from->line, section,
                    "\"%s\" holds for everything; put it before the first section", from->name);
        return;
    }
    if (!*from->value)
        return; /* "api_ca_file =" leaves the default */
    if (!dcs_config_read_value(key, from->value, &number, why, sizeof(why))) {
        add_problem(config, from->line, section, "%s = \"%.80s\": %s", from->name, from->value,
                    why);
        return;
    }
    free(values[key].text);
    values[key] = (struct dcs_config_value){ strdup(from->value), number, from->line };
}

/* Complaints of the syntax, each in the section that it stands in. */
static void take_complaints(struct dcs_config *config, const struct dcs_conf *conf)
{
    for (size_t i = 0; i < dcs_conf_complaint_count(conf); i++) {
        const struct dcs_conf_complaint *c = dcs_conf_complaint(conf, i);
        const struct dcs_order_section *section = NULL;
        for (size_t k = 0; k < config->section_count && !section; k++)
            if (strcmp(config->sections[k].name, c->section) == 0)
                section = &config->sections[k];
        if (!section && strncmp(c->section, "default", 7) != 0 && c->section[0]) {
            struct dcs_order_section nobody = { .name = (char *)c->section };
            add_problem(config, c->line, &nobody, "%s", c->text);
            continue;
        }
        add_problem(config, c->line, section, "%s", c->text);
    }
}

static bool take_sections(struct dcs_config *config, const struct dcs_conf *conf,
                          struct dcs_err *err)
{
    size_t count = dcs_conf_section_count(conf);

    config->sections = dcs_alloc(count, sizeof(*config->sections), err);
    if (!config->sections)
        return false;
    for (size_t i = 0; i < count; i++) {
        const char *name = dcs_conf_section(conf, i);
        struct dcs_order_section *section = &config->sections[config->section_count];
        if (strcmp(name, "default") == 0)
            continue;
        section->head.line = dcs_conf_section_line(conf, i);
        if (!dcs_str_copy(name, &section->name, err))
            return false;
        if (!read_head(section, name)) {
            if (strncmp(name, "line-", 5) != 0)
                add_problem(
                    config, section->head.line, section,
                    "[%.80s] names no order: write [order/123], [alternate/REF] or [name/HOST]",
                    name);
            free(section->name);
            free(section->value);
            memset(section, 0, sizeof(*section));
            continue;
        }
        config->section_count++;
    }
    return true;
}

/* Values come in file order, so the section of the one before is nearly always the one. */
static void take_values(struct dcs_config *config, const struct dcs_conf *conf)
{
    size_t near = 0;

    for (size_t i = 0; i < dcs_conf_value_count(conf); i++) {
        const struct dcs_conf_value *value = dcs_conf_value(conf, i);
        if (strcmp(value->section, "default") == 0) {
            set_value(config, NULL, value);
            continue;
        }
        for (size_t k = 0; k < config->section_count; k++) {
            size_t at = (near + k) % config->section_count;
            if (strcmp(config->sections[at].name, value->section) != 0)
                continue;
            near = at;
            set_value(config, &config->sections[at], value);
            break;
        }
    }
}

/* ---- checks over sections ---- */

static void check_names(struct dcs_config *config)
{
    for (size_t i = 0; i < config->section_count; i++) {
        struct dcs_order_section *a = &config->sections[i];
        if (a->head.kind != DCS_URI_NAME)
            continue;
        for (size_t k = 0; k < i; k++) {
            const struct dcs_order_section *b = &config->sections[k];
            if (b->head.kind != DCS_URI_NAME || strcmp(a->value, b->value) != 0)
                continue;
            add_problem(config, a->head.line, a, "[%.60s] and line %d name the same host", a->name,
                        b->head.line);
        }
    }
}

const struct dcs_order_section *dcs_config_find_order(const struct dcs_config *config, int64_t id)
{
    size_t low = 0;
    size_t high = config->by_id_count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct dcs_order_section *s = &config->sections[config->by_id[middle]];
        if (s->head.id == id)
            return s;
        if (s->head.id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static void check_successors(struct dcs_config *config)
{
    for (size_t i = 0; i < config->section_count; i++) {
        struct dcs_order_section *section = &config->sections[i];
        const struct dcs_order_section *at = section;
        for (size_t steps = 0; at && at->values[KEY_SUCCESSOR].text; steps++) {
            at = dcs_config_find_order(config, at->values[KEY_SUCCESSOR].number);
            if (at != section && steps <= config->section_count)
                continue;
            add_problem(config, section->values[KEY_SUCCESSOR].line, section,
                        "successor leads back to where it began");
            break;
        }
    }
}

static int compare_copies(const void *a, const void *b, void *context)
{
    const struct dcs_order_section *sections = context;
    size_t x = *(const size_t *)a;
    size_t y = *(const size_t *)b;
    int order = strcmp(sections[x].values[KEY_DELIVER].text, sections[y].values[KEY_DELIVER].text);

    return order ? order : (x > y) - (x < y);
}

static bool succeeds(const struct dcs_order_section *a, const struct dcs_order_section *b)
{
    return a->values[KEY_SUCCESSOR].text && a->values[KEY_SUCCESSOR].number == b->head.id;
}

/* Two orders that copy into one directory would take turns there; a renewal stands in the place of the
 * order before it. */
static bool check_copies(struct dcs_config *config, struct dcs_err *err)
{
    size_t *with = dcs_alloc(config->section_count, sizeof(*with), err);
    size_t count = 0;

    if (!with)
        return false;
    for (size_t i = 0; i < config->section_count; i++)
        if (config->sections[i].values[KEY_DELIVER].text)
            with[count++] = i;
    qsort_r(with, count, sizeof(*with), compare_copies, config->sections);
    for (size_t i = 1; i < count; i++) {
        const struct dcs_order_section *a = &config->sections[with[i - 1]];
        const struct dcs_order_section *b = &config->sections[with[i]];
        const struct dcs_config_value *dir = &b->values[KEY_DELIVER];
        if (strcmp(a->values[KEY_DELIVER].text, dir->text) == 0 && !succeeds(a, b) &&
            !succeeds(b, a))
            add_problem(config, dir->line, b, "[%.60s] and line %d deliver to the same directory",
                        b->name, a->values[KEY_DELIVER].line);
    }
    free(with);
    if (config->defaults[KEY_DELIVER].text)
        add_problem(config, config->defaults[KEY_DELIVER].line, NULL,
                    "\"deliver\" is one order's directory: put it into that order's section");
    return true;
}

static int compare_by_id(const void *a, const void *b, void *context)
{
    const struct dcs_order_section *sections = context;
    int64_t x = sections[*(const size_t *)a].head.id;
    int64_t y = sections[*(const size_t *)b].head.id;

    return x < y ? -1 : x > y;
}

static bool sort_sections(struct dcs_config *config, struct dcs_err *err)
{
    config->by_id = dcs_alloc(config->section_count, sizeof(*config->by_id), err);
    if (!config->by_id)
        return false;
    for (size_t i = 0; i < config->section_count; i++) {
        if (config->sections[i].head.kind == DCS_URI_ORDER)
            config->by_id[config->by_id_count++] = i;
        else
            config->other_count++;
        config->has_successors |= config->sections[i].values[KEY_SUCCESSOR].text != NULL;
    }
    qsort_r(config->by_id, config->by_id_count, sizeof(*config->by_id), compare_by_id,
            config->sections);
    return true;
}

/* ---- effective values ---- */

static const char *text_of(const struct dcs_config *config, enum dcs_config_key key)
{
    return config->defaults[key].text ? config->defaults[key].text
                                      : dcs_config_table[key].default_value;
}

static int64_t number_of(const struct dcs_config *config, enum dcs_config_key key)
{
    int64_t number = 0;
    char why[160];

    if (config->defaults[key].text)
        return config->defaults[key].number;
    if (!dcs_config_read_value(key, dcs_config_table[key].default_value, &number, why, sizeof(why)))
        return 0;
    return number;
}

static void settle(struct dcs_config *config)
{
    char *url = config->defaults[KEY_API_URL].text;

    for (size_t len = url ? strlen(url) : 0; len > 0 && url[len - 1] == '/'; len--)
        url[len - 1] = '\0';
    config->limits = *dcs_limits_builtin();
    for (int key = 0; key < KEY_COUNT; key++)
        if (config->defaults[key].text)
            dcs_config_correct_limits((enum dcs_config_key)key, config->defaults[key].text,
                                      &config->limits);
    config->settings = (struct dcs_settings){
        .api_url = text_of(config, KEY_API_URL),
        .api_key_file = text_of(config, KEY_API_KEY_FILE),
        .api_ca_file = text_of(config, KEY_API_CA_FILE),
        .proxy = text_of(config, KEY_PROXY),
        .state_dir = text_of(config, KEY_STATE_DIR),
        .notify = text_of(config, KEY_NOTIFY),
        .ct_log_list = text_of(config, KEY_CT_LOG_LIST),
        .pin_dir = text_of(config, KEY_PIN_DIR),
        .token_chain = number_of(config, KEY_TOKEN_CHAIN) != 0,
        .maintenance = text_of(config, KEY_MAINTENANCE),
        .maintenance_calendar = text_of(config, KEY_MAINTENANCE_CALENDAR),
        .maintenance_status_page = text_of(config, KEY_MAINTENANCE_STATUS_PAGE),
        .maintenance_components = text_of(config, KEY_MAINTENANCE_COMPONENTS),
        .maintenance_ca_file = text_of(config, KEY_MAINTENANCE_CA_FILE),
        .maintenance_refresh_ms = number_of(config, KEY_MAINTENANCE_REFRESH),
        .load_deadline_ms = number_of(config, KEY_LOAD_DEADLINE),
        .refresh_deadline_ms = number_of(config, KEY_REFRESH_DEADLINE),
        .hook_deadline_ms = number_of(config, KEY_HOOK_DEADLINE),
        .verify_deadline_ms = number_of(config, KEY_VERIFY_DEADLINE),
        .budget_5s = number_of(config, KEY_BUDGET_5S),
        .budget_3min = number_of(config, KEY_BUDGET_3MIN),
        .limits = &config->limits,
    };
}

static bool fill(struct dcs_config *config, const struct dcs_conf *conf,
                 const struct dcs_config_places *places, struct dcs_err *err)
{
    config->problems = dcs_alloc(PROBLEMS_MAX, sizeof(*config->problems), err);
    if (!config->problems || !dcs_str_copy(places->origin, &config->origin, err) ||
        !take_sections(config, conf, err))
        return false;
    take_complaints(config, conf);
    take_values(config, conf);
    if (!sort_sections(config, err))
        return false;
    check_names(config);
    check_successors(config);
    if (!check_copies(config, err))
        return false;
    if (!config->defaults[KEY_STATE_DIR].text && places->default_state_dir &&
        !dcs_str_copy(places->default_state_dir, &config->defaults[KEY_STATE_DIR].text, err))
        return false;
    settle(config);
    return true;
}

bool dcs_config_parse(const char *text, size_t len, const struct dcs_config_places *places,
                      struct dcs_config **ret_config, struct dcs_err *err)
{
    dcs_auto(dcs_conf) struct dcs_conf *conf = NULL;
    dcs_auto(dcs_config) struct dcs_config *config = NULL;

    if (!dcs_conf_parse(text, len, places->origin ? places->origin : "", &conf, err))
        return false;
    config = dcs_alloc(1, sizeof(*config), err);
    if (!config)
        return false;
    atomic_init(&config->refs, 1);
    if (!fill(config, conf, places, err))
        return false;
    *ret_config = dcs_steal(&config);
    return true;
}
