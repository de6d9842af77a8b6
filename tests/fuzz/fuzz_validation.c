// SPDX-License-Identifier: Apache-2.0
/* fuzz_validation.c - any JSON as lists of domains and organizations, and as our record of them: what is
 * taken in survives being written and read again. */
#include <stdlib.h>
#include <string.h>

#include "model/validation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_list(const struct dcs_validated_list *a, const struct dcs_validated_list *b)
{
    if (a->count != b->count)
        abort();
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->items[i].name, b->items[i].name) != 0 || a->items[i].id != b->items[i].id ||
            a->items[i].ov != b->items[i].ov || a->items[i].ev != b->items[i].ev)
            abort();
}

static void write_and_read(const struct dcs_validation *v)
{
    dcs_auto(dcs_json) struct dcs_json *written = NULL;
    dcs_auto(dcs_validation) struct dcs_validation again = { 0 };

    if (!dcs_validation_to_json(v, &written, NULL) ||
        !dcs_validation_from_json(written, &again, NULL))
        abort();
    check_list(&v->domains, &again.domains);
    check_list(&v->organizations, &again.organizations);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dcs_auto(dcs_json) struct dcs_json *root = NULL;
    dcs_auto(dcs_validation) struct dcs_validation lists = { 0 };
    dcs_auto(dcs_validation) struct dcs_validation record = { 0 };
    struct dcs_validation_ends ends;
    char host[] = "www.example.com";
    char *names[] = { host };
    struct dcs_order order = { .id = 1,
                               .names = names,
                               .name_count = 1,
                               .organization_id = 112200,
                               .validation_type = "ov",
                               .product_type = "ssl_certificate" };

    if (!dcs_json_parse((const char *)data, size, &root, NULL))
        return 0;
    lists.account_ct = dcs_validation_account_ct(root);
    if (!dcs_validation_add_domains(&lists, dcs_json_get(root, "domains"), NULL) ||
        !dcs_validation_add_organizations(&lists, dcs_json_get(root, "organizations"), NULL))
        return 0;
    write_and_read(&lists);
    dcs_validation_ends_of(&lists, &order, &ends);
    if (ends.dcv_until >= 0 && !ends.dcv_name[0])
        abort();
    if (dcs_validation_from_json(root, &record, NULL))
        write_and_read(&record);
    return 0;
}
