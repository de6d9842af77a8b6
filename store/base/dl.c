// SPDX-License-Identifier: Apache-2.0
/* dl.c - opening a library at run time. */
#include "base/dl.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

bool dcs_dl_open(const char *const *names, size_t name_count, const struct dcs_dl_symbol *symbols,
                 size_t symbol_count, void *calls, char *problem, size_t problem_size)
{
    void *library = NULL;

    for (size_t i = 0; i < name_count && !library; i++)
        library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!library) {
        const char *why = dlerror();
        snprintf(problem, problem_size, "%s", why ? why : "the library is missing");
        return false;
    }
    for (size_t i = 0; i < symbol_count; i++) {
        void *symbol = dlsym(library, symbols[i].name);
        if (!symbol) {
            snprintf(problem, problem_size, "%s lacks %s", names[0], symbols[i].name);
            return false;
        }
        memcpy((char *)calls + symbols[i].offset, &symbol, sizeof(symbol));
    }
    return true;
}
