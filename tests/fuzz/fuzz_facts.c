// SPDX-License-Identifier: Apache-2.0
/* fuzz_facts.c - any JSON as facts.json: strict, and the same after being written. */
#include <stdlib.h>

#include "model/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dcs_auto(dcs_json) struct dcs_json *root = NULL;
    dcs_auto(dcs_json) struct dcs_json *written = NULL;
    dcs_auto(dcs_facts) struct dcs_facts *facts = NULL;
    dcs_auto(dcs_facts) struct dcs_facts *again = NULL;

    if (!dcs_json_parse((const char *)data, size, &root, NULL) ||
        !dcs_facts_from_json(root, &facts, NULL) || !dcs_facts_to_json(facts, &written, NULL))
        return 0;
    if (!dcs_facts_from_json(written, &again, NULL) || again->name_count != facts->name_count)
        abort();
    return 0;
}
