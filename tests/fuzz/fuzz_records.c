// SPDX-License-Identifier: Apache-2.0
/*
 * fuzz_records.c - any bytes as the small files that processes leave each other: budget, service
 * state, memo, cold record. They are read as empty or as what they say, never worse.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flow/budget.h"
#include "flow/cache_delivery.h"
#include "flow/service.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int scratch(void)
{
    static char dir[] = "/tmp/dcs-fuzz-XXXXXX";
    static int fd = -1;

    if (fd < 0 && mkdtemp(dir)) {
        fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (mkdirat(fd, "orders", 0700) != 0 || mkdirat(fd, "orders/1", 0700) != 0)
            abort();
    }
    return fd;
}

static void put(const char *name, const uint8_t *data, size_t size)
{
    int fd = openat(scratch(), name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct dcs_env *env = dcs_env_real();
    struct dcs_budget budget = { .env = env,
                                 .state_fd = scratch(),
                                 .owner = DCS_FS_OWNER_SELF,
                                 .hash = "h",
                                 .per_5s = 80,
                                 .per_3min = 800 };
    struct dcs_service service = {
        .env = env, .state_fd = scratch(), .owner = DCS_FS_OWNER_SELF, .hash = "h"
    };
    struct dcs_cache cache = { .env = env, .fd = scratch(), .owner = DCS_FS_OWNER_SELF };
    struct dcs_service_state state;
    struct dcs_memo memo;
    struct dcs_cold cold;
    struct dcs_delivery delivery;
    struct dcs_lock lock = DCS_LOCK_NONE;
    int64_t left_5s = 0;
    int64_t left_3min = 0;
    bool held = false;

    put("budget-h", data, size);
    put("service-h.json", data, size);
    put("orders/1/memo.json", data, size);
    put("cold", data, size);
    dcs_budget_left(&budget, &left_5s, &left_3min);
    if (left_5s < 0 || left_5s > 80 || left_3min < 0 || left_3min > 800)
        abort();
    dcs_service_read(&service, &state);
    dcs_cache_read_memo(&cache, 1, &memo);
    if (dcs_cache_try_lock(&cache, "cold", &held, &lock, NULL) && held)
        (void)dcs_cache_cold_find(&cache, &lock, "digicert://order/1", 0, &cold);
    dcs_lock_drop(&lock);
    put("orders/1/delivery.json", data, size);
    dcs_cache_read_delivery(&cache, 1, &delivery);
    if (delivery.failures < 0 || (delivery.output && strlen(delivery.output) > DCS_HOOK_OUTPUT))
        abort();
    dcs_delivery_drop(&delivery);
    free(dcs_delivery_output((const char *)data, size));
    return 0;
}
