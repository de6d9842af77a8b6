/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_instance.h - what the files of the coordinator (store*.c) share: the instance, and one
 * public call under way. Nobody else includes it.
 */
#ifndef DCS_STORE_INSTANCE_H
#define DCS_STORE_INSTANCE_H

#include <pthread.h>
#include <stdatomic.h>

#include "digicert-store.h"
#include "flow/accept.h"
#include "flow/api.h"
#include "flow/cache.h"
#include "flow/maintenance.h"
#include "flow/policy.h"

enum {
    MEMORY_BUCKETS = 512,
    FAILURES_KEPT = 64,
    FAILURE_KEPT_MS = 60000, /* a failed cold open, and "away", stop a process's requests so long */
    COLD_ORDERS_PER_MINUTE =
        20, /* that doors open, orders with a section of their own not counted */
    MEMO_KEPT_MS = 5000,
};

/* One order as this process last saw it. */
struct memory {
    struct memory *next;
    int64_t order;
    struct dcs_bundle *bundle;
    struct dcs_config *config; /* whose settings these are */
    struct dcs_order_settings settings;
    bool human_approval;
    bool is_revoked; /* by the CA's word */
    int64_t memo_read_ms;
};

struct failure {
    uint64_t hash; /* of the canonical URI; 0 = free */
    int64_t until_ms;
    struct dcs_err err;
};

struct dcs_store {
    const struct dcs_env *env;
    enum dcs_caller caller;
    char *config_path;
    dcs_calendar_reader *calendar;
    atomic_uint forks;     /* the process's fork count that the mutex belongs to */
    pthread_mutex_t mutex; /* over what follows; never held over a file, network or callback */
    struct dcs_config *config;
    struct dcs_err config_err; /* why the file could not be used as a whole */
    char config_file[4096];    /* "" = built-in defaults */
    struct dcs_fs_stat config_stat;
    uint64_t config_serial; /* counts the configurations that were read */
    int64_t config_looked_ms;
    struct memory *memory[MEMORY_BUCKETS];
    struct failure *failures; /* FAILURES_KEPT of them, 55 KiB, made at the first: most processes
                               * that load the module never open a URI */
    struct cold_open {
        uint64_t hash; /* of the canonical URI */
        int64_t ms;
    } cold_opens[COLD_ORDERS_PER_MINUTE];
    int64_t away_until_ms;
};

void dcs_store_enter(struct dcs_store *store); /* lock, fork-aware */
void dcs_store_leave(struct dcs_store *store);

/* One public call: the configuration it works with, and its view of the state directory. */
struct job {
    struct dcs_store *store;
    const struct dcs_env *env;
    struct dcs_config *config;
    struct dcs_err config_err;
    const struct dcs_settings *settings;
    struct dcs_cache cache; /* a peek until dcs_job_keeper looked */
    bool looked;            /* the role is known */
    bool cached_only;
    bool forgets; /* what is loaded is not kept in memory: of many orders each is looked at once */
    bool is_door;
    bool waits;                /* the deadline has been set */
    struct dcs_spans *windows; /* announced maintenance, once it was read */
    struct dcs_deadline deadline;
    struct dcs_service_run *run;   /* of a sync, NULL: one order by itself */
    int64_t patience_ms;           /* of its requests, beyond their deadline (flow/api.h) */
    atomic_llong *counter;         /* of its requests; NULL none */
    const struct dcs_key *offered; /* a key that a person imports: a fresh certificate may be its */
    const uint8_t *offered_spki;   /* SHA-256 of its SubjectPublicKeyInfo */
    const struct dcs_secret *seal; /* passphrase that an imported key keeps, NULL none */
};
bool dcs_job_begin(struct dcs_store *store, struct job *ret_job, struct dcs_err *err) DCS_CHECKED;
void dcs_job_end(struct job *job);
#define job_scope_drop dcs_job_end
/* Finds the role, making the state directory when it is missing and we may. */
bool dcs_job_look(struct job *job, struct dcs_err *err) DCS_CHECKED;
/* load_deadline, once for all that this call waits for, from the first time that it may wait. */
struct dcs_deadline dcs_job_deadline(struct job *job);
/* Refuses what the configuration says wrongly for that order (0: any error), before a request. */
bool dcs_job_check_config(const struct job *job, int64_t order, struct dcs_err *err) DCS_CHECKED;
bool dcs_job_api(struct job *job, struct dcs_deadline deadline, struct dcs_api **ret_api,
                 struct dcs_err *err) DCS_CHECKED;

/* store_passphrase.c. Opens an encrypted key of the order in place; it stays encrypted when no passphrase
 * is configured. */
bool dcs_store_unseal(struct dcs_store *store, int64_t order_id, struct dcs_key *key,
                      struct dcs_err *err) DCS_CHECKED;

/* store_maintenance.c: the announced windows as plans see them, NULL none. Read once a call. */
const struct dcs_spans *dcs_job_windows(struct job *job);
/* Reads the sources whose time has come; what fails is in the record and in the trace. */
void dcs_maintenance_keep(struct job *job);
/* "maintenance" for status: the window that is on, and the next one. */
void dcs_show_maintenance(struct job *job, struct dcs_json *root);

/* store_memory.c */
bool dcs_memory_find(struct job *job, int64_t order, const char *dir, struct memory *ret_copy);
void dcs_memory_copy_drop(struct memory *copy); /* of a copy that find or put gave */
void dcs_memory_put(struct job *job, struct dcs_bundle *bundle, struct memory *ret_copy);
void dcs_memory_forget(struct dcs_store *store, int64_t order);
bool dcs_memory_failed(struct job *job, const char *canonical,
                       struct dcs_err *err); /* true: refuse */
void dcs_memory_note_failure(struct job *job, const char *canonical, const struct dcs_err *err);
bool dcs_memory_may_open_cold(struct job *job, const char *canonical,
                              struct dcs_err *err) DCS_CHECKED;

/* store_load.c: an order whose number is known. */
bool dcs_load_order(struct job *job, int64_t order, const struct dcs_uri *uri,
                    struct dcs_bundle **ret_bundle, struct dcs_err *err) DCS_CHECKED;
/* The same without a pin, with what policy knows of it; *ret_offer is a copy to be dropped. */
bool dcs_load_served(struct job *job, int64_t order, const struct dcs_uri *uri,
                     struct memory *ret_offer, struct dcs_err *err) DCS_CHECKED;
/* What this process remembers of the generation that `current` names, when policy serves it as it
 * is: two system calls, no descriptor. False: go the long way. */
bool dcs_load_remembered(struct job *job, const struct dcs_uri *uri,
                         struct dcs_bundle **ret_bundle);
/* What the cache offers now, with its settings and stage; DCS_E_NOT_FOUND when nothing. */
bool dcs_load_offer(struct job *job, int64_t order, struct memory *ret_offer,
                    enum dcs_stage *ret_stage, struct dcs_err *err) DCS_CHECKED;
/* Sets damaged generations aside and moves `current`, when this process may. */
void dcs_load_mend(struct job *job, int64_t order);
void dcs_load_life(const struct memory *offer, struct dcs_life *ret_life);
/* What a person asks for, beyond what policy wants by itself. */
struct dcs_wish {
    bool reissue;      /* ask for a new certificate now; false: only go on with an open request */
    bool is_duplicate; /* the verb `duplicate` */
    bool allow_san_change; /* after a preview: earlier certificates will be revoked */
    const char *why;       /* in words, NULL: "asked for by a person" */
};
struct dcs_fetch_options {
    const char *seen_dir; /* the generation that the caller's decision was made on, "" none; a
                             different one is an answer */
    struct dcs_deadline deadline;
    bool only_if_free;   /* never waits for a lock, nor for the CA to issue */
    bool begins_nothing; /* only looks, and goes on with what is open */
    bool may_repeat;     /* a POST whose answer was lost, as a wish to reissue does */
    bool comes_back; /* the caller does, later: waits here neither for a lock (TIMEOUT) nor for the
                        CA to issue (PENDING) */
    int64_t since_boot_ms; /* an attempt of others that ended later is an answer; 0: than now */
    const struct dcs_wish *wish; /* NULL: none */
};
/* store_fetch.c: one attempt, single-flight; the answer is in the cache afterwards. */
bool dcs_fetch_order(struct job *job, int64_t order, const struct dcs_fetch_options *options,
                     struct dcs_err *err) DCS_CHECKED;
bool dcs_fetch_may_try(const struct dcs_memo *memo, int64_t now);
struct dcs_choice dcs_fetch_choice(const struct job *job, const struct dcs_order_settings *settings,
                                   const char *revoked_serials);
void dcs_fetch_settings(struct job *job, const struct dcs_order *order,
                        struct dcs_order_settings *ret_settings);
/* store_commit.c. The group that key_group names; (gid_t)-1 for "". */
bool dcs_fetch_group(const struct dcs_config *config, const char *name, gid_t *ret_gid,
                     struct dcs_err *err) DCS_CHECKED;
/* generation: one that waits for this certificate, 0 a new one. key NULL: certificates only. */
bool dcs_fetch_commit(struct job *job, const struct dcs_order *order,
                      const struct dcs_order_settings *settings, struct dcs_accepted *accepted,
                      const struct dcs_key *key, int generation, struct dcs_err *err) DCS_CHECKED;
/* store_resolve.c: any URI to an order number. */
bool dcs_resolve(struct job *job, const struct dcs_uri *uri, int64_t *ret_order,
                 struct dcs_err *err) DCS_CHECKED;
/* What nothing here answers to. */
bool dcs_resolve_at_ca(struct job *job, const struct dcs_uri *uri, int64_t *ret_order,
                       struct dcs_err *err) DCS_CHECKED;
/* store_certificate.c: certificate/ID. */
bool dcs_load_certificate(struct job *job, const struct dcs_uri *uri,
                          struct dcs_bundle **ret_bundle, struct dcs_err *err) DCS_CHECKED;

#endif
