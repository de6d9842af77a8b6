// SPDX-License-Identifier: Apache-2.0
/*
 * config_effective.c - what holds for one order after all sections were laid over each other, and
 * the report of it. Changes nothing: a parsed configuration is shared between threads.
 */
#include <stdio.h>
#include <string.h>

#include "model/config_keys.h"

/* ---- reading it ---- */

const char *dcs_config_origin(const struct dcs_config *config)
{
    return config->origin;
}

const struct dcs_settings *dcs_config_settings(const struct dcs_config *config)
{
    return &config->settings;
}

size_t dcs_config_problem_count(const struct dcs_config *config)
{
    return config->problem_count;
}

const struct dcs_config_problem *dcs_config_problem(const struct dcs_config *config, size_t index)
{
    return &config->problems[index];
}

size_t dcs_config_section_count(const struct dcs_config *config)
{
    return config->section_count;
}

const struct dcs_config_section *dcs_config_section(const struct dcs_config *config, size_t index)
{
    return &config->sections[index].head;
}

int64_t dcs_config_predecessor(const struct dcs_config *config, int64_t order)
{
    for (size_t i = 0; config->has_successors && i < config->section_count; i++)
        if (config->sections[i].head.kind == DCS_URI_ORDER &&
            config->sections[i].values[KEY_SUCCESSOR].text &&
            config->sections[i].values[KEY_SUCCESSOR].number == order)
            return config->sections[i].head.id;
    return 0;
}

bool dcs_config_check(const struct dcs_config *config, int64_t order, struct dcs_err *err)
{
    for (size_t i = 0; i < config->problem_count; i++) {
        const struct dcs_config_problem *p = &config->problems[i];
        if (order != 0 && !p->is_global && p->order != order)
            continue;
        dcs_fail(err, DCS_E_CONFIG, "%s:%d: %s", config->origin, p->line, p->text);
        return dcs_hint(err, "`digicert-store config` shows all problems; digicert-store.conf(5) "
                             "describes each key");
    }
    return true;
}

static bool names_it(const struct dcs_order_section *section, const struct dcs_order_names *names)
{
    if (section->head.kind == DCS_URI_ALTERNATE)
        return names->alternative_id && strcmp(section->value, names->alternative_id) == 0;
    for (size_t i = 0; section->head.kind == DCS_URI_NAME && names->names && i < names->name_count;
         i++)
        if (strcmp(section->value, names->names[i]) == 0)
            return true;
    return false;
}

static void lay(const struct dcs_order_section *section, const struct dcs_config_value **effective)
{
    for (int key = 0; key < KEY_COUNT; key++)
        if (section->values[key].text)
            effective[key] = &section->values[key];
}

/* Lowest first: [default], name/, alternate/, the predecessor's order/, the order's own. */
static bool lay_sections(const struct dcs_config *config, const struct dcs_order_names *names,
                         const struct dcs_config_value **effective)
{
    static const enum dcs_uri_kind layers[] = { DCS_URI_NAME, DCS_URI_ALTERNATE };
    bool named = false;

    for (size_t l = 0; config->other_count && l < DCS_COUNT(layers); l++) {
        for (size_t i = 0; i < config->section_count; i++) {
            if (config->sections[i].head.kind != layers[l] ||
                !names_it(&config->sections[i], names))
                continue;
            lay(&config->sections[i], effective);
            named = true;
        }
    }
    int64_t before = config->by_id_count ? dcs_config_predecessor(config, names->id) : 0;
    const struct dcs_order_section *predecessor =
        before ? dcs_config_find_order(config, before) : NULL;
    if (predecessor) {
        lay(predecessor, effective);
        effective[KEY_SUCCESSOR] = NULL; /* it is this order */
        named = true;
    }
    const struct dcs_order_section *own = dcs_config_find_order(config, names->id);
    if (own)
        lay(own, effective);
    return named || own;
}

static int64_t number_or_default(const struct dcs_config_value *const *effective,
                                 enum dcs_config_key key)
{
    int64_t number = 0;

    if (effective[key])
        return effective[key]->number;
    (void)!dcs_parse_i64(dcs_config_table[key].default_value, 0, INT64_MAX, &number);
    return number;
}

void dcs_config_order(const struct dcs_config *config, const struct dcs_order_names *names,
                      struct dcs_order_settings *ret_settings)
{
    const struct dcs_config_value *v[KEY_COUNT];
    struct dcs_order_settings *s = ret_settings;

    for (int key = 0; key < KEY_COUNT; key++)
        v[key] = config->defaults[key].text ? &config->defaults[key] : NULL;
    *s = (struct dcs_order_settings){ .has_section = lay_sections(config, names, v) };
#define TEXT(key) (v[key] ? v[key]->text : dcs_config_table[key].default_value)
#define NUMBER(key) (v[key] ? v[key]->number : 0)
    s->reissue = NUMBER(KEY_REISSUE) ? DCS_REISSUE_AUTO : DCS_REISSUE_NEVER;
    s->via = NUMBER(KEY_VIA) ? DCS_VIA_DUPLICATE : DCS_VIA_REISSUE;
    s->key = TEXT(KEY_KEY);
    s->ct = (enum dcs_ct)NUMBER(KEY_CT);
    s->key_group = TEXT(KEY_KEY_GROUP);
    s->hook = TEXT(KEY_HOOK);
    s->successor = NUMBER(KEY_SUCCESSOR);
    s->serve_expired = !v[KEY_SERVE_EXPIRED]       ? DCS_UNKNOWN
                       : NUMBER(KEY_SERVE_EXPIRED) ? DCS_YES
                                                   : DCS_NO;
    s->stub = NUMBER(KEY_STUB);
    s->token = TEXT(KEY_TOKEN);
    s->combined = NUMBER(KEY_COMBINED);
    s->is_private = NUMBER(KEY_PRIVATE);
    s->deliver = TEXT(KEY_DELIVER);
    s->deliver_owner = TEXT(KEY_DELIVER_OWNER);
    s->deliver_mode = TEXT(KEY_DELIVER_MODE);
    s->verify = TEXT(KEY_VERIFY);
    s->rollback = NUMBER(KEY_ROLLBACK);
    s->max_reissues_per_day = number_or_default(v, KEY_MAX_REISSUES_PER_DAY);
    s->client_auth_needed = v[KEY_CLIENT_AUTH] && NUMBER(KEY_CLIENT_AUTH) == 0;
    s->key_passphrase_file = TEXT(KEY_KEY_PASSPHRASE_FILE);
#undef TEXT
#undef NUMBER
}

size_t dcs_config_tokens(const struct dcs_config *config, const char **names, size_t capacity)
{
    size_t count = 0;

    for (size_t i = 0; i <= config->section_count && count < capacity; i++) {
        const struct dcs_config_value *value =
            i == 0 ? &config->defaults[KEY_TOKEN] : &config->sections[i - 1].values[KEY_TOKEN];
        const char *name = i == 0 && !value->text ? DCS_TOKEN_DEFAULT : value->text;
        bool is_new = name != NULL;
        for (size_t k = 0; is_new && k < count; k++)
            is_new = strcmp(names[k], name) != 0;
        if (is_new)
            names[count++] = name;
    }
    return count;
}

/* ---- for `digicert-store config` ---- */

static void report_value(struct dcs_json *object, const struct dcs_config *config, int key,
                         const struct dcs_config_value *value)
{
    char from[4200];

    if (value && value->line)
        snprintf(from, sizeof(from), "%.4000s:%d", config->origin, value->line);
    else
        snprintf(from, sizeof(from), "default");
    struct dcs_json *row = dcs_json_add_object(object, dcs_config_table[key].name);
    dcs_json_add_text(row, "value", value ? value->text : dcs_config_table[key].default_value);
    dcs_json_add_text(row, "from", from);
}

static void report_section(struct dcs_json *array, const struct dcs_config *config,
                           const struct dcs_order_section *section)
{
    struct dcs_json *object = dcs_json_add_object(array, NULL);

    dcs_json_add_text(object, "section", section->name);
    dcs_json_add_i64(object, "line", section->head.line);
    struct dcs_json *values = dcs_json_add_object(object, "values");
    for (int key = 0; key < KEY_COUNT; key++)
        if (section->values[key].text)
            report_value(values, config, key, &section->values[key]);
}

bool dcs_config_report(const struct dcs_config *config, struct dcs_json **ret_report,
                       struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *root = dcs_json_new_object();

    if (!root || !dcs_json_add_text(root, "file", config->origin))
        return dcs_fail(err, DCS_E_NOMEM, "out of memory");
    struct dcs_json *values = dcs_json_add_object(root, "values");
    for (int key = 0; key < KEY_COUNT; key++)
        report_value(values, config, key,
                     config->defaults[key].text ? &config->defaults[key] : NULL);
    struct dcs_json *sections = dcs_json_add_array(root, "sections");
    for (size_t i = 0; i < config->section_count; i++)
        report_section(sections, config, &config->sections[i]);
    struct dcs_json *problems = dcs_json_add_array(root, "problems");
    for (size_t i = 0; i < config->problem_count; i++) {
        struct dcs_json *problem = dcs_json_add_object(problems, NULL);
        dcs_json_add_i64(problem, "line", config->problems[i].line);
        dcs_json_add_text(problem, "section", config->problems[i].section);
        dcs_json_add_text(problem, "text", config->problems[i].text);
    }
    *ret_report = dcs_steal(&root);
    return true;
}
