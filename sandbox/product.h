/* SPDX-License-Identifier: Apache-2.0 */
/* product.h - what can be ordered, by its name_id. */
#ifndef SANDBOX_PRODUCT_H
#define SANDBOX_PRODUCT_H

#include "base.h"
#include "rules.h"

struct sb_product {
    const char *name_id, *name, *type;
    const char *validation; /* "dv", "ov", "ev" */
    const char *policy;     /* CA/B Forum policy OID, NULL none */
    enum sb_kind kind;
};

const struct sb_product *sb_product_named(const char *name_id); /* NULL: not known */
bool sb_product_is_dv(const struct sb_product *product);
/* Server certificates: they have a common name that is a host's. */
bool sb_product_is_tls(const struct sb_product *product);
/* Public TLS: logged, limited, validated. */
bool sb_product_is_public(const struct sb_product *product);

/* All of them, in turn; NULL at the end. */
const struct sb_product *sb_product_at(size_t index);

#endif
