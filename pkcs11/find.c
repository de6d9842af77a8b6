// SPDX-License-Identifier: Apache-2.0
/*
 * find.c - searches. A label or an id leads straight to its order, by name or by index; only a search
 * without either looks at all orders. What was found is a snapshot taken at C_FindObjectsInit.
 */
#include <stdlib.h>
#include <string.h>

#include "object.h"

struct search {
    struct cryptoki *c;
    CK_SESSION_HANDLE session;
    const CK_ATTRIBUTE *template;
    CK_ULONG count;
    bool has_class;
    CK_OBJECT_CLASS class;
    const CK_ATTRIBUTE *label, *id, *subject;
    bool wants_trusted;
    bool wants_nothing; /* no object of ours can be meant */
    CK_OBJECT_HANDLE *found;
    size_t found_count, room;
    bool out_of_memory;
};

/* ---- what is asked for ---- */

static bool says_false(const CK_ATTRIBUTE *a)
{
    return a->ulValueLen != 1 || *(const unsigned char *)a->pValue == 0;
}

static CK_RV read_template(struct search *search)
{
    if (!search->template && search->count > 0)
        return CKR_ARGUMENTS_BAD;
    for (CK_ULONG i = 0; i < search->count; i++) {
        const CK_ATTRIBUTE *a = &search->template[i];
        if (!a->pValue && a->ulValueLen > 0)
            return CKR_ATTRIBUTE_VALUE_INVALID;
        bool is_class = a->type == CKA_CLASS;
        if (is_class && a->ulValueLen != sizeof(search->class))
            return CKR_ATTRIBUTE_VALUE_INVALID;
        if (is_class)
            memcpy(&search->class, a->pValue, sizeof(search->class));
        search->has_class |= is_class;
        if (a->type == CKA_LABEL)
            search->label = a;
        if (a->type == CKA_ID)
            search->id = a;
        if (a->type == CKA_SUBJECT)
            search->subject = a;
        if (a->type == CKA_TOKEN && says_false(a))
            search->wants_nothing = true; /* there are no session objects */
        if (a->type == CKA_TRUSTED && !says_false(a))
            search->wants_trusted = true;
    }
    if (search->has_class && search->class != CKO_CERTIFICATE && search->class != CKO_PUBLIC_KEY &&
        search->class != CKO_PRIVATE_KEY && search->class != CKO_PROFILE)
        search->wants_nothing = true; /* trust objects, data, secret keys: asked for often */
    return CKR_OK;
}

/* "order-123" */
static bool order_of_label(const CK_ATTRIBUTE *label, int64_t *ret_order)
{
    static const char prefix[] = "order-";
    const char *text = label->pValue;
    size_t len = sizeof(prefix) - 1;

    return label->ulValueLen > len && memcmp(text, prefix, len) == 0 &&
           dcs_id_parse(text + len, label->ulValueLen - len, ret_order);
}

/* ---- candidates ---- */

static void add(struct search *search, CK_OBJECT_HANDLE handle)
{
    if (search->found_count == search->room) {
        size_t room = search->room ? 2 * search->room : 8;
        CK_OBJECT_HANDLE *found = realloc(search->found, room * sizeof(*found));
        if (!found) {
            search->out_of_memory = true;
            return;
        }
        search->found = found;
        search->room = room;
    }
    search->found[search->found_count++] = handle;
}

static bool consider(struct search *search, CK_OBJECT_HANDLE handle)
{
    const struct session *session = session_find(search->c, search->session);
    struct object object;

    if (!session || !object_open(search->c, session, handle, &object))
        return false;
    bool fits =
        (!search->has_class || object_class(object.kind) == search->class) &&
        (object.kind != OBJECT_PRIVATE || catalogue_key_usable(search->c, object.generation)) &&
        object_matches(search->c, &object, search->template, search->count);
    object_clear(&object);
    if (fits)
        add(search, handle);
    return fits;
}

static bool consider_generation(struct search *search, const struct generation *g)
{
    bool any = false;

    for (int kind = OBJECT_CERT; kind <= OBJECT_PRIVATE; kind++)
        any |= consider(search, g->base | (unsigned)kind);
    return any;
}

static bool consider_issuers(struct search *search)
{
    bool any = false;

    for (size_t i = 0; i < catalogue_issuer_count(search->c); i++)
        any |= consider(search, catalogue_issuer(search->c, i)->base | OBJECT_ISSUER);
    return any;
}

static void consider_profiles(struct search *search)
{
    for (CK_OBJECT_HANDLE i = 0; i < PROFILES; i++)
        consider(search, PROFILE_HANDLE + i);
}

/* The current generation of each order with that id; else the newest one that had it. */
static bool consider_id(struct search *search, const uint8_t *id)
{
    bool any = false;

    for (struct generation *g = catalogue_with_id(search->c, id); g; g = g->next_of_id)
        if (memcmp(g->ckaid, id, DCS_SHA1_LEN) == 0)
            catalogue_look(search->c, g->order, false);
    for (struct generation *g = catalogue_with_id(search->c, id); g; g = g->next_of_id)
        if (g->state == GENERATION_CURRENT && memcmp(g->ckaid, id, DCS_SHA1_LEN) == 0)
            any |= consider_generation(search, g);
    for (struct generation *g = catalogue_with_id(search->c, id); g && !any; g = g->next_of_id)
        if (g->state == GENERATION_PREVIOUS && memcmp(g->ckaid, id, DCS_SHA1_LEN) == 0)
            any |= consider_generation(search, g);
    return any;
}

static void find_by_id(struct search *search)
{
    uint8_t id[DCS_SHA1_LEN];

    if (search->id->ulValueLen != sizeof(id))
        return;
    memcpy(id, search->id->pValue, sizeof(id));
    bool any = consider_id(search, id);
    if (search->label && any) /* the label is an order's */
        return;
    any |= consider_issuers(search);
    if (any || catalogue_with_id(search->c, id))
        return; /* found, or known and another kind of object than asked for */
    catalogue_look_for_id(search->c, id);
    if (catalogue_with_id(search->c, id)) {
        consider_id(search, id);
        return;
    }
    catalogue_scan_rarely(search->c); /* an issuer not met yet, or a hint that was lost */
    if (!consider_id(search, id))
        consider_issuers(search);
}

static void find_by_label(struct search *search, int64_t order)
{
    struct generation *g = catalogue_look(search->c, order, true);

    if (!g)
        return;
    if (search->id)
        find_by_id(search);
    else
        consider_generation(search, g);
}

static void visit(void *context, const struct generation *g)
{
    consider_generation(context, g);
}

static void find_all(struct search *search)
{
    /* Whoever looks for an issuer's name, or for what is trusted, builds a chain: the issuers of what
     * was met before are there. */
    if ((search->subject || search->label) && consider_issuers(search))
        return;
    catalogue_scan(search->c, search->wants_trusted ? NULL : visit, search);
    consider_issuers(search);
}

static bool shows_issuers(struct search *search)
{
    dcs_auto(dcs_config) struct dcs_config *config = NULL;

    cryptoki_pause();
    bool shown = !dcs_store_config(search->c->store, &config, NULL) ||
                 dcs_config_settings(config)->token_chain;
    cryptoki_resume();
    return shown;
}

static void drop_issuers(struct search *search)
{
    size_t kept = 0;

    for (size_t i = 0; i < search->found_count; i++)
        if ((search->found[i] & 7) != OBJECT_ISSUER || search->found[i] <= PROFILES)
            search->found[kept++] = search->found[i];
    search->found_count = kept;
}

static void run(struct search *search)
{
    int64_t order = 0;

    if (search->wants_nothing)
        return;
    if (!search->has_class || search->class == CKO_PROFILE)
        consider_profiles(search);
    if (search->has_class && search->class == CKO_PROFILE)
        return;
    if (search->label && order_of_label(search->label, &order))
        find_by_label(search, order);
    else if (search->id)
        find_by_id(search);
    else
        find_all(search);
    if (search->found_count > 0 && !shows_issuers(search))
        drop_issuers(search);
}

/* ---- C_FindObjects* ---- */

CK_RV C_FindObjectsInit(CK_SESSION_HANDLE handle, CK_ATTRIBUTE *template, CK_ULONG count)
{
    struct session *session = NULL;
    struct search search = { .session = handle, .template = template, .count = count };
    CK_RV rv = session_enter(handle, &search.c, &session);

    if (rv != CKR_OK)
        return rv;
    rv = session->finding ? CKR_OPERATION_ACTIVE : read_template(&search);
    if (rv != CKR_OK)
        return cryptoki_leave_with(search.c, rv);
    session->finding = true;
    run(&search);
    session = session_find(search.c, handle); /* files were read meanwhile */
    if (!session || search.out_of_memory) {
        if (session)
            session->finding = false;
        free(search.found);
        return cryptoki_leave_with(search.c,
                                   session ? CKR_HOST_MEMORY : CKR_SESSION_HANDLE_INVALID);
    }
    session_end_find(session);
    session->finding = true;
    session->found = search.found;
    session->found_count = search.found_count;
    return cryptoki_leave_with(search.c, CKR_OK);
}

CK_RV C_FindObjects(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE *objects, CK_ULONG max,
                    CK_ULONG *count)
{
    struct cryptoki *c = NULL;
    struct session *session = NULL;
    CK_RV rv = session_enter(handle, &c, &session);

    if (rv != CKR_OK)
        return rv;
    if (!count || (!objects && max > 0))
        return cryptoki_leave_with(c, CKR_ARGUMENTS_BAD);
    if (!session->finding)
        return cryptoki_leave_with(c, CKR_OPERATION_NOT_INITIALIZED);
    *count = 0;
    while (*count < max && session->found_next < session->found_count)
        objects[(*count)++] = session->found[session->found_next++];
    return cryptoki_leave_with(c, CKR_OK);
}

CK_RV C_FindObjectsFinal(CK_SESSION_HANDLE handle)
{
    struct cryptoki *c = NULL;
    struct session *session = NULL;
    CK_RV rv = session_enter(handle, &c, &session);

    if (rv != CKR_OK)
        return rv;
    rv = session->finding ? CKR_OK : CKR_OPERATION_NOT_INITIALIZED;
    session_end_find(session);
    return cryptoki_leave_with(c, rv);
}
