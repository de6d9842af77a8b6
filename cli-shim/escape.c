// SPDX-License-Identifier: Apache-2.0
/* escape.c - the last thing that happens to a foreign text; never trusts that it was cleaned before. */
#include "escape.h"

#include <string.h>

enum { TEXT_MAX = 2048 }; /* the longest text of a status has half of it */

void cli_add_html(struct dcs_buf *out, const char *text)
{
    static const struct {
        const char *bytes, *instead;
    } forms[] = {
        { "&", "&amp;" },
        { "<", "&lt;" },
        { ">", "&gt;" },
        { "\"", "&quot;" },
        { "'", "&#39;" },
        { "\xEF\xBF\xBE", "&#xFFFD;" }, /* U+FFFE and U+FFFF are no characters in XML 1.0 */
        { "\xEF\xBF\xBF", "&#xFFFD;" },
    };
    char clean[TEXT_MAX];

    dcs_clean_text(text, clean, sizeof(clean));
    for (const char *c = clean; *c;) {
        size_t i = 0;
        while (i < DCS_COUNT(forms) && strncmp(c, forms[i].bytes, strlen(forms[i].bytes)) != 0)
            i++;
        if (i < DCS_COUNT(forms)) {
            dcs_buf_adds(out, forms[i].instead);
            c += strlen(forms[i].bytes);
        } else {
            dcs_buf_addc(out, *c++);
        }
    }
}

void cli_add_label(struct dcs_buf *out, const char *name, const char *text)
{
    char clean[TEXT_MAX];

    dcs_clean_text(text, clean, sizeof(clean));
    dcs_buf_addf(out, "%s=\"", name);
    for (const char *c = clean; *c; c++) {
        if (*c == '\\' || *c == '"')
            dcs_buf_addc(out, '\\');
        dcs_buf_addc(out, *c);
    }
    dcs_buf_addc(out, '"');
}

void cli_add_plain(struct dcs_buf *out, const char *text)
{
    char clean[TEXT_MAX];

    dcs_clean_text(text, clean, sizeof(clean));
    for (const char *c = clean; *c; c++)
        dcs_buf_addc(out, *c == '|' ? '/' : *c);
}
