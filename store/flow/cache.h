/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache.h - the state directory: generations, the one commit point, index, records, locks, roles.
 *
 * Layout and modes: design.md section 5. State is derived from which files exist and verify, never
 * from a flag. A struct dcs_cache is one look at one state directory by one thread; it holds one
 * directory descriptor and is made anew for each operation that the memory of the store cannot
 * answer. Readers open no lock and write nothing.
 */
#ifndef DCS_FLOW_CACHE_H
#define DCS_FLOW_CACHE_H

#include "io/fs.h"
#include "io/pkey.h"
#include "model/bundle.h"
#include "model/order.h"
#include "model/uri.h"

enum { DCS_CACHE_FORMAT = 1, DCS_GENERATION_DIR = 80 };

/* Serial numbers with blanks between them, newest first; the oldest are forgotten. */
enum { DCS_REVOKED_TEXT = 16 * 65 };
bool dcs_revoked_has(const char *serials, const char *serial);
/* Puts the serial into the list, or takes it out. */
void dcs_revoked_note(char serials[DCS_REVOKED_TEXT], const char *serial, bool revoked);

enum dcs_role { DCS_ROLE_READER = 0, DCS_ROLE_KEEPER };

struct dcs_cache {
    const struct dcs_env *env;
    char path[4096]; /* state_dir */
    int fd;          /* of state_dir; -1 when it does not exist (a reader's empty cache) */
    enum dcs_role role;
    struct dcs_fs_owner
        owner;       /* what we create gets: SELF, or state_dir's when root works for it */
    uid_t state_uid; /* (uid_t)-1: not looked at */
    int64_t format;
    char why_reader[256]; /* in words, "" for a keeper */
    bool saw_damage;      /* a load met a damaged generation or `current` */
    bool check_keys; /* key files are compared with facts.json, too: something is wrong there */
};

enum dcs_cache_how {
    DCS_CACHE_PEEK = 0, /* two system calls: reads only, the role stays "reader"; the warm path */
    DCS_CACHE_LOOK,     /* finds the role by trying; makes no directory */
    DCS_CACHE_CREATE,   /* also makes a missing state_dir (0755) when this process can */
};
/* A directory that is missing and was not made reads as an empty cache of a reader. */
bool dcs_cache_open(const struct dcs_env *env, const char *state_dir, enum dcs_cache_how how,
                    struct dcs_cache *ret_cache, struct dcs_err *err) DCS_CHECKED;
void dcs_cache_drop(struct dcs_cache *cache);
/* No descriptor at all, for dcs_cache_current and dcs_cache_key alone: they then go by whole paths.
 * Needs no drop. */
void dcs_cache_bare(const struct dcs_env *env, const char *state_dir, struct dcs_cache *ret_cache);
/* state_dir/PART/PART..., parts ended by NULL; without snprintf, for the warm path. */
bool dcs_cache_path(const struct dcs_cache *cache, const char *const *parts, char *out,
                    size_t capacity) DCS_CHECKED;
/* DCS_E_STATE with why this process may only read and who may write. */
bool dcs_cache_need_keeper(const struct dcs_cache *cache, struct dcs_err *err) DCS_CHECKED;

/* ---- generations ---- */

/* How `current` is chosen among an order's generations ("ours first", design.md section 6). */
struct dcs_choice {
    int64_t now;
    enum dcs_tri serve_expired;  /* unknown: those with EKU serverAuth */
    const char *revoked_serials; /* by the CA's word (dcs_revoked_has), NULL or "" none */
    int64_t successor;           /* its pair comes first once it has a usable one; 0 none */
};

/* "gen-0007" or "../456/gen-0007" into out; DCS_E_NOT_FOUND without one, DCS_E_STATE when unsafe. */
bool dcs_cache_current(const struct dcs_cache *cache, int64_t order, char out[DCS_GENERATION_DIR],
                       struct dcs_err *err)
    DCS_CHECKED; /* relative to state_dir: orders/123/gen-0007 */
/*
 * What `current` names; when that is damaged or missing, the first intact one of the choice. A
 * keeper (holds_lock) sets damaged ones aside as .bad-TIME and moves `current`. DCS_E_NOT_FOUND
 * when there is nothing intact.
 */
bool dcs_cache_load(struct dcs_cache *cache, int64_t order, const struct dcs_choice *choice,
                    bool holds_lock, struct dcs_bundle **ret_bundle,
                    struct dcs_err *err) DCS_CHECKED;
/* One generation by its directory relative to state_dir, checked against its facts.json. */
bool dcs_cache_load_dir(const struct dcs_cache *cache, const char *dir,
                        struct dcs_bundle **ret_bundle, struct dcs_err *err) DCS_CHECKED;
/* Calls for every intact committed generation of the order, newest first, until it returns false. */
typedef bool dcs_bundle_cb(void *context, struct dcs_bundle *bundle);
bool dcs_cache_each(const struct dcs_cache *cache, int64_t order, dcs_bundle_cb *each,
                    void *context, struct dcs_err *err) DCS_CHECKED;

/* What the order's `current` names when that is a pair in date that is not held: usable in a
 * predecessor's place. */
bool dcs_cache_usable_pair(const struct dcs_cache *cache, int64_t order, int64_t now,
                           char out[DCS_GENERATION_DIR]) DCS_CHECKED;
/* Whether a generation of the order was rolled back after its delivery failed (held.json). */
bool dcs_cache_has_held(const struct dcs_cache *cache, int64_t order);

/* Who may enter an order's directories and read its keys. */
struct dcs_access {
    bool is_private; /* directories 0750 instead of 0755 */
    gid_t key_gid;   /* (gid_t)-1: keys 0600; else 0640 with this group, private directories too */
};
/* What is committed: taken from `accepted` and the key beside it. */
struct dcs_commit {
    int64_t order;  /* 0: certificates/ID, never current */
    int generation; /* one that waits for this certificate; 0: a new one */
    int64_t certificate_id;
    struct dcs_facts *facts;     /* lent; its files are filled in */
    const struct dcs_buf *certs; /* DER, leaf first */
    const size_t *offsets;
    size_t cert_count;
    const struct dcs_key *key; /* NULL: certificates only */
    bool combined;             /* combined.pem for programs that read one file */
    struct dcs_access access;
    const char *alternative_id; /* for the index; NULL none */
};
/* Under the order's lock (or a cold lock for certificates/ID). Writes the files, facts.json last,
 * and gives the new directory; `current` is not moved yet. When it fails nothing is left: a key
 * that exists nowhere else is written by whoever made it, before. */
bool dcs_cache_commit(const struct dcs_cache *cache, struct dcs_commit *commit,
                      char ret_dir[DCS_GENERATION_DIR], struct dcs_err *err) DCS_CHECKED;
/* Moves `current` to the first of the choice: the one commit point. */
bool dcs_cache_settle(const struct dcs_cache *cache, int64_t order, const struct dcs_choice *choice,
                      struct dcs_err *err) DCS_CHECKED;
/* Removes what a killed process left: temporary files, generations without facts and without key. */
void dcs_cache_tidy(const struct dcs_cache *cache, int64_t order);
/* The same for the directories that no order's lock protects, and for orders in which nothing new was
 * committed since: temporary files and directories of over an hour ago. */
void dcs_cache_sweep(const struct dcs_cache *cache);

/* The key file of that generation, by the rules of section 5 (regular; owner root, this euid or
 * the owner of state_dir; not group-writable; nothing to others); checked against facts.json. */
bool dcs_cache_key(const struct dcs_cache *cache, const struct dcs_bundle *bundle,
                   struct dcs_key *ret_key, struct dcs_err *err) DCS_CHECKED;

/* The key of that public key in any generation of the order, damaged ones, those set aside and those
 * without a certificate included: a key that fits is never lost to a damaged neighbour. */
bool dcs_cache_find_key(const struct dcs_cache *cache, int64_t order, const uint8_t *spki_sha256,
                        struct dcs_key *ret_key, struct dcs_err *err) DCS_CHECKED;

/* ---- orders ---- */

/* Makes orders/ID with its lock held, or locks the one that somebody else just made. */
bool dcs_cache_make_order(const struct dcs_cache *cache, int64_t order,
                          const struct dcs_access *access, struct dcs_deadline deadline,
                          struct dcs_lock *ret_lock, struct dcs_err *err) DCS_CHECKED;
/* A directory of the order: orders/ID or a generation. */
bool dcs_cache_make_dir(const struct dcs_cache *cache, const char *path,
                        const struct dcs_access *access, struct dcs_err *err) DCS_CHECKED;
bool dcs_cache_has_order(const struct dcs_cache *cache, int64_t order);
/* Ids of the directories in orders/, sorted; those that this uid cannot read are left out. */
struct dcs_ids {
    int64_t *ids;
    size_t count;
};
void dcs_ids_drop(struct dcs_ids *ids);
bool dcs_cache_orders(const struct dcs_cache *cache, struct dcs_ids *ret_ids,
                      struct dcs_err *err) DCS_CHECKED;

bool dcs_cache_read_order(const struct dcs_cache *cache, int64_t order,
                          struct dcs_order **ret_order, struct dcs_err *err) DCS_CHECKED;
bool dcs_cache_write_order(const struct dcs_cache *cache, const struct dcs_order *order,
                           struct dcs_err *err) DCS_CHECKED;

/* memo.json: what happened to this order, for people and for backoff; losing it costs nothing. */
struct dcs_memo {
    int64_t read_at;               /* order info last read from the CA, 0 never */
    int64_t attempt_at;            /* last attempt */
    int64_t next_try;              /* 0: at once */
    int64_t failures;              /* in a row */
    int64_t failing_since;         /* the first of them, 0 none */
    int64_t attempt_boot_ms;       /* the same in CLOCK_BOOTTIME; 0: in another boot, or never */
    struct dcs_err failure;        /* code NONE: the last attempt succeeded */
    int64_t elsewhere_certificate; /* newer at the CA, its key is not here; 0 none */
    char elsewhere_serial[65];
    int64_t elsewhere_not_after;
    int64_t rejected_certificate; /* set aside with the reason; 0 none */
    char rejected_reason[256];
    char revoked_serials[DCS_REVOKED_TEXT]; /* of certificates that the CA called revoked */
    char to_be_revoked[65]; /* serial of a certificate that the CA will revoke, "" none */
    int64_t lists_at;       /* when the lists of reissues and duplicates were last read */
    /* What the account's validations say of this order, as of then; 0: never, or not known. */
    int64_t validation_at, dcv_until, organization_until;
    char dcv_name[256];
    enum dcs_tri account_ct;
};
/* A missing or damaged one reads as zeros. */
void dcs_cache_read_memo(const struct dcs_cache *cache, int64_t order, struct dcs_memo *ret_memo);
bool dcs_cache_write_memo(const struct dcs_cache *cache, int64_t order, const struct dcs_memo *memo,
                          struct dcs_err *err) DCS_CHECKED;

/* ---- locks and cold records ---- */

/* orders/ID/lock; polls until the deadline: DCS_E_TIMEOUT naming what it waited for. */
bool dcs_cache_lock_order(const struct dcs_cache *cache, int64_t order,
                          struct dcs_deadline deadline, struct dcs_lock *ret_lock,
                          struct dcs_err *err) DCS_CHECKED;
/* cold/NN, NN = hash of the canonical URI mod 64. */
bool dcs_cache_lock_cold(const struct dcs_cache *cache, const char *canonical,
                         struct dcs_deadline deadline, struct dcs_lock *ret_lock,
                         struct dcs_err *err) DCS_CHECKED;
/* One try, no waiting. */
bool dcs_cache_try_lock(const struct dcs_cache *cache, const char *path, bool *ret_held,
                        struct dcs_lock *ret_lock, struct dcs_err *err) DCS_CHECKED;
void dcs_cache_cold_path(const char *canonical, char out[16]);

/* What cold/NN remembers of a URI: a failure, or the order that it resolved to. */
struct dcs_cold {
    int64_t when, boot_ms;
    int64_t order;          /* 0: a failure */
    struct dcs_err failure; /* code NONE when resolved */
};
/* False when there is no record of this URI since began_boot_ms of this boot. */
bool dcs_cache_cold_find(const struct dcs_cache *cache, const struct dcs_lock *lock,
                         const char *canonical, int64_t began_boot_ms, struct dcs_cold *ret_cold);
void dcs_cache_cold_store(const struct dcs_cache *cache, const struct dcs_lock *lock,
                          const char *canonical, const struct dcs_cold *cold);

/* ---- index ---- */

enum dcs_index {
    DCS_INDEX_NAME = 0,
    DCS_INDEX_ALTERNATE,
    DCS_INDEX_SERIAL,
    DCS_INDEX_THUMBPRINT,
    DCS_INDEX_CERTIFICATE,
    DCS_INDEX_SPKI,
    DCS_INDEX_CKAID,
};
/* Bundles that the index names for this key, believed only where facts.json agrees; newest first
 * per order. When the index is missing, every local order is looked at instead. */
bool dcs_cache_find(const struct dcs_cache *cache, enum dcs_index index, const char *key,
                    dcs_bundle_cb *each, void *context, struct dcs_err *err) DCS_CHECKED;
/* What the index says alone, unread and unchecked: where the newest generation with that key was. */
struct dcs_hint {
    int64_t order;
    int generation;
};
bool dcs_cache_hints(const struct dcs_cache *cache, enum dcs_index index, const char *key,
                     struct dcs_hint *hints, size_t capacity, size_t *ret_count,
                     struct dcs_err *err) DCS_CHECKED;
void dcs_cache_index_add(const struct dcs_cache *cache, const struct dcs_bundle *bundle,
                         const char *alternative_id);
/* Writes the whole index anew from facts.json files; under state_dir/lock. */
bool dcs_cache_reindex(const struct dcs_cache *cache, struct dcs_err *err) DCS_CHECKED;

/* ---- the account's listing ---- */

enum { DCS_ACCOUNT_FRESH_S = 6 * 3600 };
struct dcs_account_state {
    int64_t fetched; /* when the complete listing was begun, 0 none */
    int64_t partial; /* orders in an unfinished one */
    int64_t partial_begun;
};
void dcs_account_read(const struct dcs_cache *cache, struct dcs_account_state *ret_state);
/* Appends a page to the unfinished listing (started anew when begin), or makes it the complete one. */
bool dcs_account_begin(const struct dcs_cache *cache, struct dcs_err *err) DCS_CHECKED;
/* Before the first page that is added to an unfinished listing of another process. */
bool dcs_account_resume(const struct dcs_cache *cache, struct dcs_err *err) DCS_CHECKED;
bool dcs_account_add(const struct dcs_cache *cache, struct dcs_order *const *orders, size_t count,
                     struct dcs_err *err) DCS_CHECKED;
bool dcs_account_finish(const struct dcs_cache *cache, struct dcs_err *err) DCS_CHECKED;
/* The listing to read: complete, else what there is so far; DCS_E_NOT_FOUND when there is none. */
bool dcs_account_open(const struct dcs_cache *cache, struct dcs_lines **ret_lines,
                      struct dcs_err *err) DCS_CHECKED;

/* 32 random bytes of this host, made by a keeper; zeros for a reader that finds none. */
void dcs_cache_salt(const struct dcs_cache *cache, uint8_t out[32]);

#endif
