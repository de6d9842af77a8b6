// SPDX-License-Identifier: Apache-2.0
/* delivery.c - delivery.json to and from its struct; believes no number that makes no sense. */
#include "model/delivery.h"

#include <stdlib.h>
#include <string.h>

#include "model/record.h"

#define DELIVERY(name, kind) DCS_FIELD(struct dcs_delivery, #name, kind, name)

static const struct dcs_field fields[] = {
    DELIVERY(target, TEXT),     DELIVERY(stage, TEXT),        DELIVERY(reason, TEXT),
    DELIVERY(old_serial, TEXT), DELIVERY(failures, I64),      DELIVERY(refusals, I64),
    DELIVERY(last_try, I64),    DELIVERY(failing_since, I64), DELIVERY(next_try, I64),
    DELIVERY(again, BOOL),      DELIVERY(delivered_at, I64),
};
static const struct dcs_record record = { "delivery.json", fields, DCS_COUNT(fields) };

void dcs_delivery_drop(struct dcs_delivery *delivery)
{
    free(delivery->output);
    *delivery = (struct dcs_delivery){ 0 };
}

void dcs_delivery_set_output(struct dcs_delivery *delivery, char *output)
{
    free(delivery->output);
    delivery->output = output;
}

/* The length of the UTF-8 character there, 0 when it is none (overlong forms and surrogates too). */
static size_t character(const unsigned char *at, size_t left)
{
    size_t len = at[0] < 0x80 ? 1 : at[0] < 0xC2 ? 0 : at[0] < 0xE0 ? 2 : at[0] < 0xF0 ? 3 : 4;

    if (len == 0 || len > left || at[0] > 0xF4)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((at[i] & 0xC0) != 0x80)
            return 0;
    if ((at[0] == 0xE0 && at[1] < 0xA0) || (at[0] == 0xED && at[1] > 0x9F) ||
        (at[0] == 0xF0 && at[1] < 0x90) || (at[0] == 0xF4 && at[1] > 0x8F))
        return 0;
    return len;
}

char *dcs_delivery_output(const char *data, size_t len)
{
    size_t kept = len < DCS_HOOK_OUTPUT ? len : DCS_HOOK_OUTPUT;
    char *text = kept ? malloc(kept + 1) : NULL;
    size_t used = 0;

    for (size_t i = 0; text && i < kept;) {
        const unsigned char *at = (const unsigned char *)data + len - kept + i;
        size_t width = character(at, kept - i);
        bool harmless =
            width > 1 ? !(at[0] == 0xC2 && at[1] < 0xA0) /* C1 controls */
                      : width == 1 && (*at == '\n' || *at == '\t' || (*at >= 0x20 && *at != 0x7F));
        if (!width)
            width = 1;
        if (harmless) {
            memcpy(text + used, at, width);
            used += width;
        } else {
            text[used++] = '?';
        }
        i += width;
    }
    if (text)
        text[used] = '\0';
    return text;
}

void dcs_delivery_from_json(const struct dcs_json *object, struct dcs_delivery *ret_delivery)
{
    const char *output = dcs_json_text(object, "output");

    *ret_delivery = (struct dcs_delivery){ 0 };
    dcs_record_read_loosely(&record, object, ret_delivery);
    if (output)
        ret_delivery->output = dcs_delivery_output(output, strlen(output));
}

bool dcs_delivery_to_json(const struct dcs_delivery *delivery, struct dcs_json **ret_object,
                          struct dcs_err *err)
{
    dcs_auto(dcs_json) struct dcs_json *object = dcs_json_new_object();

    if (!object || !dcs_record_write(&record, delivery, object, err))
        return false;
    if (delivery->output && !dcs_json_add_text(object, "output", delivery->output))
        return dcs_fail(err, DCS_E_NOMEM, "out of memory");
    *ret_object = dcs_steal(&object);
    return true;
}
