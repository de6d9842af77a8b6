// SPDX-License-Identifier: Apache-2.0
/* fuzz_config.c - any bytes as a configuration: problems, never a crash, and settings for any order. */
#include "model/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct dcs_config_places places = { .origin = "f", .default_state_dir = "/s" };
    const char *const names[] = { "www.example.com" };
    const struct dcs_order_names order = {
        .id = 123, .alternative_id = "a", .names = names, .name_count = 1
    };
    dcs_auto(dcs_config) struct dcs_config *config = NULL;
    dcs_auto(dcs_json) struct dcs_json *report = NULL;
    struct dcs_order_settings settings;

    if (!dcs_config_parse((const char *)data, size, &places, &config, NULL))
        return 0;
    dcs_config_order(config, &order, &settings);
    (void)!dcs_config_check(config, 0, NULL);
    (void)!dcs_config_report(config, &report, NULL);
    return 0;
}
