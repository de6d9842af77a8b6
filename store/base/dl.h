/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dl.h - libraries that are opened at their first use and never linked: a provider is loaded into every
 * process, and must not bring them along.
 */
#ifndef DCS_BASE_DL_H
#define DCS_BASE_DL_H

#include <stdbool.h>
#include <stddef.h>

struct dcs_dl_symbol {
    const char *name;
    size_t offset; /* of the function pointer in the caller's struct */
};

/* Opens the first of the names that there is (RTLD_LOCAL, never closed) and fills in every symbol.
 * False with the reason in *problem, when none is there or one lacks a symbol. */
bool dcs_dl_open(const char *const *names, size_t name_count, const struct dcs_dl_symbol *symbols,
                 size_t symbol_count, void *calls, char *problem, size_t problem_size);

/*
 * ELF_NOTE_DLOPEN (systemd.io/ELF_DLOPEN_METADATA): packagers see what is opened at run time. text is
 * a string literal with the JSON array.
 */
#define DCS_DL_NOTE(variable, text)                          \
    static const struct {                                    \
        struct {                                             \
            unsigned name_size, content_size, type;          \
        } header;                                            \
        char name[4];                                        \
        _Alignas(4) char content[sizeof(text)];              \
    } variable __attribute__((used, section(".note.dlopen"), \
                              aligned(4))) = { { 4, sizeof(text), 0x407c0c0a }, "FDO", text }

#endif
