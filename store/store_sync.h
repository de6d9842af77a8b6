/* SPDX-License-Identifier: Apache-2.0 */
/* store_sync.h - a run over many orders, between the files of the coordinator (store_sync*.c). */
#ifndef DCS_STORE_SYNC_H
#define DCS_STORE_SYNC_H

#include "flow/position.h"
#include "store_notify.h"
#include "store_show.h"

/* What is done first comes first. */
enum sync_rank {
    SYNC_NOTHING = 0,
    SYNC_CRITICAL, /* expired, revoked or about to expire */
    SYNC_URGENT,
    SYNC_NO_PAIR,
    SYNC_DUE,
    SYNC_POLL,  /* a request of ours is open */
    SYNC_FETCH, /* the CA may have something that is not here */
    SYNC_READ,  /* the weekly look, for what no list of changes tells */
};

/* Who is told of results, in its own thread. */
struct sync_listener {
    const struct dcs_sync_options *options;
    dcs_sync_cb *each;
    void *context;
    struct dcs_sync_summary *summary; /* is added to */
    struct dcs_notifier *notifier;    /* is told after `each`; NULL none */
};
/* store_sync_last.c. After a run; why: nothing could be done, NULL it could. */
void dcs_sync_last_write(const struct job *job, const struct dcs_sync_summary *summary,
                         const struct dcs_err *why);
void dcs_sync_tell(const struct sync_listener *listener, const struct dcs_json *result,
                   const struct dcs_err *err);

/* ---- store_sync_changes.c: what the CA says has changed ---- */

struct sync_changes {
    bool is_told; /* false: the service did not tell; what lies here decides alone */
    struct dcs_err trouble;
    struct dcs_order_refs refs; /* sorted by order */
    int64_t since;              /* of ours: what was learned later, the refs may be about */
    int64_t asked_at;           /* of the CA: where the next question begins */
    bool was_listed;            /* in several requests */
    bool all;                   /* nothing is known of the time before: each order is to be read */
    struct dcs_position position;
};
/* ids: of the orders here, sorted. */
void dcs_sync_ask_changes(struct job *job, const struct dcs_ids *ids,
                          struct sync_changes *ret_changes);
/* The CA's line about that order, NULL none. */
const struct dcs_order_ref *dcs_sync_change_of(const struct sync_changes *changes, int64_t id);
/* All that changed was looked at: the next run begins here. */
void dcs_sync_advance(struct job *job, const struct sync_changes *changes);
void sync_changes_drop(struct sync_changes *changes);

/* ---- store_sync_look.c: one order by what lies here ---- */

struct sync_look {
    bool is_managed;
    enum sync_rank rank;
    bool waits;        /* for a service that answers and issues nothing */
    bool is_changed;   /* by the CA's word */
    bool is_weekly;    /* its weekly look has come */
    bool needs_house;  /* something may be pruned, or its successor leads */
    int64_t not_after; /* -1 none */
    int64_t read_at, next_due;
    struct dcs_json *result; /* for the caller of sync, as long as nothing was done */
    struct dcs_err err;      /* it could not be looked at */
    struct dcs_err refusal;  /* nothing usable is here, and policy refuses what would help */
};
void dcs_sync_look(struct job *job, int64_t id, const struct sync_changes *changes,
                   struct sync_look *ret_look);
void sync_look_drop(struct sync_look *look);
/* An order with a section of its own, or with a generation with key here. */
bool dcs_sync_is_managed(struct job *job, int64_t id);
/* What needs no question to the CA: the successor's pair, and what nobody needs any more. */
void dcs_sync_keep_house(struct job *job, int64_t id);

/* ---- store_sync_pool.c: several orders at a time ---- */

struct sync_task {
    int64_t id; /* 0: the section tells, after it was resolved */
    const struct dcs_config_section *section;
    enum sync_rank rank;
    int64_t key; /* within the rank, lower first */
    bool is_changed;
    const struct dcs_wish *wish; /* NULL: what policy wants */
    int line;                    /* of a notice, 0 none */
    const char *serial;          /* only while this certificate is served; NULL whichever */
    /* Of the pool. */
    int64_t first_ms, at_ms; /* when it was first tried; not to be tried before */
    int64_t began_boot_ms;   /* the last try */
    int64_t since_boot_ms;   /* another process has worked on it since then, 0 none */
    int rounds;
    bool is_done; /* it was looked at: what changed was read */
};

struct sync_pool {
    struct job *job;
    struct sync_task *tasks; /* sorted here */
    size_t count;
    const struct dcs_ids *known; /* ids that a section must not bring a second time; NULL none */
    const struct sync_listener *listener;
    int64_t orders; /* for the progress */
};
void dcs_sync_pool_run(struct sync_pool *pool);
enum { DCS_SYNC_PATIENCE_MS = 900000 }; /* for the request budget and after a 429 */

struct sync_tasks {
    struct sync_task *list;
};
void sync_tasks_drop(struct sync_tasks *tasks);

/* ---- store_sync.c ---- */

/* The managed orders that are known by number, sorted. */
bool dcs_sync_managed(struct job *job, struct dcs_ids *ret_ids, struct dcs_err *err) DCS_CHECKED;
int dcs_sync_by_id(const void *a, const void *b); /* of int64_t */

/* ---- store_sync_work.c: one order of a run, in any thread ---- */

/* What to give out of it; NULL: nothing, or with task->at_ms not yet. */
struct dcs_json *dcs_sync_work(const struct sync_pool *pool, struct job *job,
                               struct sync_task *task, struct dcs_err *why);
/* The order as `show` has it, with the action; of a section without one its value. */
struct dcs_json *dcs_sync_describe(struct job *job, const struct sync_task *task,
                                   const char *action);

#endif
