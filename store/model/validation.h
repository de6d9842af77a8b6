/* SPDX-License-Identifier: Apache-2.0 */
/*
 * validation.h - until when the CA uses its validation of the account's domains and organizations
 * again, and whether the account logs for CT: what a reissue is held up by. No persons.
 *
 * Read from the CA's lists and from our own record, loosely: what is not told is not known, and what
 * is lost is asked for again.
 */
#ifndef DCS_MODEL_VALIDATION_H
#define DCS_MODEL_VALIDATION_H

#include "model/order.h"

/* Ends: the last second is the one before; -1 not known. */
enum { DCS_VALIDATION_NONE = 1 }; /* an end: not validated, without a date */

struct dcs_validated { /* a domain, or an organization */
    char name[256];    /* of a domain, lower case */
    int64_t id;        /* of an organization */
    int64_t ov, ev;
};
struct dcs_validated_list {
    struct dcs_validated *items;
    size_t count, capacity;
};
struct dcs_validation {
    int64_t read_at; /* 0: never */
    int64_t next_at; /* when to read it again */
    enum dcs_tri account_ct;
    struct dcs_validated_list domains, organizations;
};
void dcs_validation_drop(struct dcs_validation *validation);

enum { DCS_VALIDATED_MAX = 20000 };
/* A page of GET /domain, of GET /organization: rows that cannot be read are left out, and those beyond
 * the maximum. */
bool dcs_validation_add_domains(struct dcs_validation *validation, const struct dcs_json *rows,
                                struct dcs_err *err) DCS_CHECKED;
bool dcs_validation_add_organizations(struct dcs_validation *validation,
                                      const struct dcs_json *rows, struct dcs_err *err) DCS_CHECKED;
/* What GET /account says of CT: on, off, or a word that is not known. */
enum dcs_tri dcs_validation_account_ct(const struct dcs_json *account);

/* Our own record. */
bool dcs_validation_from_json(const struct dcs_json *object, struct dcs_validation *ret_validation,
                              struct dcs_err *err) DCS_CHECKED;
bool dcs_validation_to_json(const struct dcs_validation *validation, struct dcs_json **ret_object,
                            struct dcs_err *err) DCS_CHECKED;

/* What of it concerns one order. */
struct dcs_validation_ends {
    int64_t read_at;            /* 0: nothing is known */
    int64_t dcv_until;          /* the first end among the domains of its names; -1 not known */
    char dcv_name[256];         /* that domain */
    int64_t organization_until; /* -1 not known */
    enum dcs_tri account_ct;
};
/* DV orders never use a validation again: nothing is told of their domains. */
void dcs_validation_ends_of(const struct dcs_validation *validation, const struct dcs_order *order,
                            struct dcs_validation_ends *ret_ends);

#endif
