/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bundle.h - a generation in memory: leaf, chain and what facts.json says; and facts.json itself.
 *
 * A bundle never changes once it is made, so threads share it without a lock; whoever holds an old
 * one keeps it until unref. The private key is not in it: the key file is read at each use
 * (flow/cache), so that file permissions decide, every time.
 */
#ifndef DCS_MODEL_BUNDLE_H
#define DCS_MODEL_BUNDLE_H

#include "io/json.h"
#include "io/x509.h"

enum { DCS_CHAIN_MAX = 8, DCS_FACTS_FILES = 8 };

struct dcs_facts_file {
    char name[24];
    int64_t size;
    uint8_t sha256[DCS_SHA256_LEN];
};

/* facts.json of a generation: what a load decides from without decoding a certificate. */
struct dcs_facts {
    int64_t order_id;
    int64_t certificate_id; /* 0 unknown */
    struct dcs_cert_info leaf;
    char **names;
    size_t name_count;
    enum dcs_tri public_tls; /* of the order's product; unknown without order info */
    int64_t committed_at;
    char source[16]; /* "fetch", "import", "reissue" */
    char crl_url[512];
    char notes[256]; /* what was recorded although served: CT state, CA's own maximum, names */
    struct dcs_facts_file files[DCS_FACTS_FILES];
    size_t file_count;
};

bool dcs_facts_from_json(const struct dcs_json *object, struct dcs_facts **ret_facts,
                         struct dcs_err *err)
    DCS_CHECKED; /* strict: ours; DCS_E_STATE when damaged */
bool dcs_facts_to_json(const struct dcs_facts *facts, struct dcs_json **ret_object,
                       struct dcs_err *err) DCS_CHECKED;
void dcs_facts_free(struct dcs_facts *facts);
void dcs_facts_drop(struct dcs_facts **facts);
const struct dcs_facts_file *dcs_facts_file(const struct dcs_facts *facts, const char *name);

struct dcs_bundle;

struct dcs_bundle_parts {
    char dir[80];            /* the generation relative to state_dir: orders/123/gen-0007 or
                                   certificates/456 */
    int generation;          /* 7; 0 for certificates/ID */
    bool has_key;            /* privkey.pem is listed in facts.json */
    struct dcs_facts *facts; /* taken */
    struct dcs_buf certs;    /* taken: DER, leaf first, chain upward, root left out */
    size_t offsets[DCS_CHAIN_MAX + 2]; /* where each begins; one more than the count */
    size_t cert_count;
};
/* Takes everything in *parts, even on failure. */
bool dcs_bundle_new(struct dcs_bundle_parts *parts, struct dcs_bundle **ret_bundle,
                    struct dcs_err *err) DCS_CHECKED;
struct dcs_bundle *dcs_bundle_ref(struct dcs_bundle *bundle);
void dcs_bundle_unref(struct dcs_bundle *bundle);
void dcs_bundle_drop(struct dcs_bundle **bundle);

const struct dcs_facts *dcs_bundle_facts(const struct dcs_bundle *bundle);
const char *dcs_bundle_dir(const struct dcs_bundle *bundle);
int dcs_bundle_generation(const struct dcs_bundle *bundle);
int64_t dcs_bundle_order(const struct dcs_bundle *bundle);
bool dcs_bundle_has_key(const struct dcs_bundle *bundle);
/* A number of the key file (device, inode, size, time) whose content was compared with facts.json: an
 * unchanged file is not hashed again. The one thing in a bundle that changes; atomic. */
bool dcs_bundle_key_was_checked(const struct dcs_bundle *bundle, uint64_t stamp);
void dcs_bundle_note_key_checked(const struct dcs_bundle *bundle, uint64_t stamp);
struct dcs_bytes dcs_bundle_leaf(const struct dcs_bundle *bundle);
size_t dcs_bundle_chain_count(const struct dcs_bundle *bundle);
struct dcs_bytes dcs_bundle_chain(const struct dcs_bundle *bundle, size_t index);

#endif
