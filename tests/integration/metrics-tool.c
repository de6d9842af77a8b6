// SPDX-License-Identifier: Apache-2.0
/* metrics-tool.c - the JSON of a status on stdin, its metrics on stdout: any state, also a rare one. */
#include <stdio.h>

#include "status.h"

int main(void)
{
    static char text[1 << 20];
    dcs_auto(dcs_json) struct dcs_json *root = NULL;
    dcs_auto(dcs_buf) struct dcs_buf out = { 0 };
    struct dcs_err err = { 0 };
    size_t len = fread(text, 1, sizeof(text), stdin);

    if (!dcs_json_parse(text, len, &root, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    cli_metrics(root, &out);
    fputs(dcs_buf_text(&out), stdout);
    return 0;
}
