/* SPDX-License-Identifier: Apache-2.0 */
/* pack.h - certificates packed as the service packs them: PKCS#7 in PEM armour, or a ZIP. */
#ifndef SANDBOX_PACK_H
#define SANDBOX_PACK_H

#include "base.h"

/* A degenerate PKCS#7 of all certificates in pem. */
bool sb_pack_pkcs7(const char *pem, struct sb_buf *ret_pem) SB_CHECKED;

struct sb_zip {
    struct sb_buf files, directory;
    unsigned count;
};
/* Stored, not compressed. Add the files, then finish; everything is freed by finish. */
void sb_zip_add(struct sb_zip *zip, const char *name, const char *text);
void sb_zip_finish(struct sb_zip *zip, struct sb_buf *ret_zip);

#endif
