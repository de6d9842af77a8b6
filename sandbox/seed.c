// SPDX-License-Identifier: Apache-2.0
/* seed.c - the documented orders (README.md): one of each status, kind of product and oddity. */
#include <stdio.h>

#include "world.h"

/* What POST /_sandbox/orders would be given; dates relative to the start are filled in. */
static const char *const orders[] = {
    "{\"id\":123,\"common_name\":\"www.example.com\",\"dns_names\":[\"www.example.com\",\"example."
    "com\"],"
    "\"alternative_order_id\":\"web-prod-17\",\"is_multi_year_plan\":\"1\",\"dcv_method\":\"dns-"
    "txt-token\"}",
    "{\"id\":124,\"common_name\":\"rsa.example.com\",\"key\":\"rsa:2048\"}",
    "{\"id\":125,\"common_name\":\"elsewhere.example.com\",\"key_elsewhere\":true}",
    "{\"id\":126,\"common_name\":\"*.wild.example.com\",\"dns_names\":[\"*.wild.example.com\","
    "\"wild.example.com\"]}",
    "{\"id\":127,\"common_name\":\"unlogged.example.com\",\"disable_ct\":true}",
    "{\"id\":128,\"common_name\":\"dv.example.com\",\"product\":\"ssl_dv_geotrust_flex\"}",
    "{\"id\":129,\"common_name\":\"ev.example.com\",\"product\":\"ssl_ev_basic\"}",
    "{\"id\":130,\"common_name\":\"cross.example.com\",\"chain\":\"cross\"}",
    "{\"id\":131,\"common_name\":\"leafonly.example.com\",\"chain\":\"leaf\",\"product\":\"private_"
    "ssl_plus\"}",
    "{\"id\":132,\"common_name\":\"client.example.com\",\"client_auth\":true}",
    "{\"id\":133,\"common_name\":\"xn--bcher-kva.example.com\"}",
    "{\"id\":134,\"common_name\":\"mail.example.com\",\"dns_names\":[\"user@example.com\"],"
    "\"product\":\"secure_email_mailbox\"}",
    "{\"id\":135,\"common_name\":\"Example Net "
    "Ltd\",\"dns_names\":[],\"product\":\"code_signing\",\"key\":\"rsa:3072\"}",
    "{\"id\":136,\"common_name\":\"Example Net "
    "Ltd\",\"dns_names\":[],\"product\":\"document_signing_org_1\"}",
    "{\"id\":140,\"common_name\":\"expired.example.com\",\"valid_from\":\"2025-01-10\",\"validity_"
    "days\":90}",
    "{\"id\":141,\"common_name\":\"revoked.example.com\",\"status\":\"revoked\"}",
    "{\"id\":142,\"common_name\":\"ended.example.com\",\"valid_from\":\"2024-01-10\",\"validity_"
    "days\":300,\"order_valid_till\":\"2025-01-09\"}",
    "{\"id\":150,\"common_name\":\"pending.example.com\",\"status\":\"pending\",\"dcv_method\":"
    "\"dns-txt-token\"}",
    "{\"id\":151,\"common_name\":\"approval.example.com\",\"status\":\"needs_approval\"}",
    "{\"id\":152,\"common_name\":\"processing.example.com\",\"status\":\"processing\"}",
    "{\"id\":153,\"common_name\":\"csr.example.com\",\"status\":\"needs_csr\"}",
    "{\"id\":154,\"common_name\":\"pickup.example.com\",\"status\":\"waiting_pickup\"}",
    "{\"id\":155,\"common_name\":\"reissuing.example.com\",\"status\":\"reissue_pending\"}",
    "{\"id\":156,\"common_name\":\"rejected.example.com\",\"status\":\"rejected\"}",
    "{\"id\":157,\"common_name\":\"canceled.example.com\",\"status\":\"canceled\"}",
    "{\"id\":160,\"common_name\":\"renewed.example.com\",\"alternative_order_id\":\"shop\",\"is_"
    "renewed\":true,\"renewed_order_id\":161}",
    "{\"id\":161,\"common_name\":\"renewed.example.com\",\"alternative_order_id\":\"shop\",\"is_"
    "renewal\":true}",
    "{\"id\":162,\"common_name\":\"twin.example.com\",\"alternative_order_id\":\"twins\"}",
    "{\"id\":163,\"common_name\":\"twin.example.com\",\"alternative_order_id\":\"twins\"}",
    "{\"id\":170,\"common_name\":\"precert.example.com\",\"precertificate\":true}",
    "{\"id\":171,\"common_name\":\"toolong.example.com\",\"validity_days\":398,\"over_the_limit\":"
    "true}",
    /* What a reissue will meet. */
    "{\"id\":180,\"common_name\":\"approver.example.com\",\"switches\":{\"approval\":\"always\"}}",
    "{\"id\":181,\"common_name\":\"polls.example.com\",\"switches\":{\"polls\":3}}",
    "{\"id\":182,\"common_name\":\"lapsed.example.com\",\"dcv_method\":\"dns-txt-token\","
    "\"switches\":{\"dcv_valid_until\":\"2020-01-01\"}}",
    "{\"id\":183,\"common_name\":\"requestonly.example.com\",\"switches\":{\"answer\":\"request-"
    "only\"}}",
    "{\"id\":184,\"common_name\":\"ending.example.com\",\"age_days\":170,\"validity_days\":199,"
    "\"order_days\":40}",
    "{\"id\":185,\"common_name\":\"auto.example.com\",\"age_days\":150,\"validity_days\":199,"
    "\"order_days\":700,"
    "\"is_multi_year_plan\":\"1\",\"auto_reissue\":1}",
    "{\"id\":186,\"common_name\":\"staff.example.com\",\"switches\":{\"staff\":true}}",
    "{\"id\":187,\"common_name\":\"due.example.com\",\"age_days\":140,\"validity_days\":199,"
    "\"order_days\":225}",
    "{\"id\":188,\"common_name\":\"copies.example.com\",\"dns_names\":[\"copies.example.com\","
    "\"copies2.example.com\"],\"duplicates\":2}",
    "{\"id\":189,\"common_name\":\"drift.example.com\",\"ct_drift\":true}",
};

void sb_world_seed(struct sb_world *world)
{
    for (size_t i = 0; i < SB_COUNT(orders); i++) {
        cJSON *wanted = cJSON_Parse(orders[i]);
        const char *why = NULL;
        if (!wanted || !sb_world_make_order(world, wanted, &why))
            sb_complain("documented order %zu: %s", i, why ? why : "malformed");
        cJSON_Delete(wanted);
    }
}
