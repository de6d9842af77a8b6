// SPDX-License-Identifier: Apache-2.0
/* slot.c - slots and tokens: one by default, more where the configuration groups orders. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mechanism.h"
#include "module.h"
#include "pkcs11-build.h"

void pad_text(unsigned char *out, size_t size, const char *text)
{
    size_t len = strnlen(text, size);

    memset(out, ' ', size);
    memcpy(out, text, len);
}

/* FNV-1a: the same for ever, and no order of the configuration shows in it. */
static CK_SLOT_ID id_of(const char *token)
{
    uint32_t hash = 2166136261u;

    for (const char *at = token; *at; at++)
        hash = (hash ^ (unsigned char)*at) * 16777619u;
    return hash & 0x7FFFFFFFu;
}

static void add_slot(struct cryptoki *c, const char *token)
{
    if (c->slot_count == SLOTS_MAX || slot_named(c, token) != SLOTS_MAX)
        return;
    struct slot *slot = &c->slots[c->slot_count];
    *slot = (struct slot){ .id = id_of(token) };
    while (slot_find(c, slot->id) != SLOTS_MAX)
        slot->id++;
    snprintf(slot->token, sizeof(slot->token), "%s", token);
    c->slot_count++;
}

/* Without a usable configuration: the default token, empty. A slot never goes away. */
static void read_slots(struct cryptoki *c)
{
    dcs_auto(dcs_config) struct dcs_config *config = NULL;
    const char *names[SLOTS_MAX] = { DCS_TOKEN_DEFAULT };
    size_t count = 1;
    uint8_t hash[DCS_SHA256_LEN] = { 0 };
    char serial[sizeof(c->serial)] = "";

    cryptoki_pause();
    if (dcs_store_config(c->store, &config, NULL)) {
        const char *dir = dcs_config_settings(config)->state_dir;
        count = dcs_config_tokens(config, names, SLOTS_MAX);
        if (dcs_sha256(dir, strlen(dir), hash, NULL))
            dcs_hex(hash, (sizeof(serial) - 1) / 2, serial);
    }
    cryptoki_resume();
    for (size_t i = 0; i < count; i++)
        add_slot(c, names[i]);
    memcpy(c->serial, serial, sizeof(serial));
}

void slots_need(struct cryptoki *c)
{
    if (c->slot_count == 0)
        read_slots(c);
}

size_t slot_find(struct cryptoki *c, CK_SLOT_ID id)
{
    for (size_t i = 0; i < c->slot_count; i++)
        if (c->slots[i].id == id)
            return i;
    return SLOTS_MAX;
}

size_t slot_named(struct cryptoki *c, const char *token)
{
    for (size_t i = 0; i < c->slot_count; i++)
        if (strcmp(c->slots[i].token, token) == 0)
            return i;
    return SLOTS_MAX;
}

void slot_look_for_pin(struct cryptoki *c, size_t slot)
{
    dcs_auto(dcs_secret) struct dcs_secret pin = { 0 };
    bool has = false;

    cryptoki_pause();
    if (!dcs_store_token_pin(c->store, c->slots[slot].token, &has, &pin, NULL))
        has = true; /* one that this process cannot read: nobody gets in */
    cryptoki_resume();
    c->slots[slot].needs_pin = has;
}

CK_RV C_GetSlotList(unsigned char token_present, CK_SLOT_ID *slot_list, CK_ULONG *count)
{
    struct cryptoki *c = NULL;
    CK_RV rv = cryptoki_enter(&c);

    (void)token_present; /* all slots have their token */
    if (rv != CKR_OK)
        return rv;
    if (!count)
        return cryptoki_leave_with(c, CKR_ARGUMENTS_BAD);
    if (!slot_list) /* the one moment at which the list may change */
        read_slots(c);
    slots_need(c);
    if (slot_list && *count < c->slot_count)
        rv = CKR_BUFFER_TOO_SMALL;
    for (size_t i = 0; slot_list && rv == CKR_OK && i < c->slot_count; i++)
        slot_list[i] = c->slots[i].id;
    *count = c->slot_count;
    return cryptoki_leave_with(c, rv);
}

/* Enters, and finds the slot. */
static CK_RV enter_slot(CK_SLOT_ID id, struct cryptoki **ret_cryptoki, size_t *ret_slot)
{
    CK_RV rv = cryptoki_enter(ret_cryptoki);

    if (rv != CKR_OK)
        return rv;
    slots_need(*ret_cryptoki);
    *ret_slot = slot_find(*ret_cryptoki, id);
    return *ret_slot != SLOTS_MAX ? CKR_OK
                                  : cryptoki_leave_with(*ret_cryptoki, CKR_SLOT_ID_INVALID);
}

CK_RV C_GetSlotInfo(CK_SLOT_ID id, CK_SLOT_INFO *info)
{
    struct cryptoki *c = NULL;
    size_t slot = 0;
    CK_RV rv = enter_slot(id, &c, &slot);
    char text[64];

    if (rv != CKR_OK)
        return rv;
    if (!info)
        return cryptoki_leave_with(c, CKR_ARGUMENTS_BAD);
    *info = (CK_SLOT_INFO){ .flags = CKF_TOKEN_PRESENT,
                            .hardwareVersion = { PKCS11_MAJOR, PKCS11_MINOR },
                            .firmwareVersion = { PKCS11_MAJOR, PKCS11_MINOR } };
    snprintf(text, sizeof(text), "digicert-store: %s", c->slots[slot].token);
    pad_text(info->slotDescription, sizeof(info->slotDescription), text);
    pad_text(info->manufacturerID, sizeof(info->manufacturerID), "digicert-store");
    return cryptoki_leave_with(c, CKR_OK);
}

CK_RV C_GetTokenInfo(CK_SLOT_ID id, CK_TOKEN_INFO *info)
{
    struct cryptoki *c = NULL;
    size_t at = 0;
    CK_RV rv = enter_slot(id, &c, &at);

    if (rv != CKR_OK)
        return rv;
    if (!info)
        return cryptoki_leave_with(c, CKR_ARGUMENTS_BAD);
    slot_look_for_pin(c, at);
    const struct slot *slot = &c->slots[at];
    /* Initialised with a PIN even without one: NSS would ask for its initialisation. */
    *info = (CK_TOKEN_INFO){
        .flags = CKF_RNG | CKF_WRITE_PROTECTED | CKF_TOKEN_INITIALIZED | CKF_USER_PIN_INITIALIZED |
                 (slot->needs_pin ? CKF_LOGIN_REQUIRED : 0) |
                 (slot->pin_was_wrong ? CKF_USER_PIN_COUNT_LOW : 0),
        .ulMaxSessionCount = CK_EFFECTIVELY_INFINITE,
        .ulSessionCount = slot->sessions,
        .ulMaxRwSessionCount = CK_EFFECTIVELY_INFINITE,
        .ulRwSessionCount = slot->rw_sessions,
        .ulMaxPinLen = 255,
        .ulMinPinLen = slot->needs_pin ? 1 : 0,
        .ulTotalPublicMemory = CK_UNAVAILABLE_INFORMATION,
        .ulFreePublicMemory = CK_UNAVAILABLE_INFORMATION,
        .ulTotalPrivateMemory = CK_UNAVAILABLE_INFORMATION,
        .ulFreePrivateMemory = CK_UNAVAILABLE_INFORMATION,
        .hardwareVersion = { PKCS11_MAJOR, PKCS11_MINOR },
        .firmwareVersion = { PKCS11_MAJOR, PKCS11_MINOR },
    };
    pad_text(info->label, sizeof(info->label), slot->token);
    pad_text(info->manufacturerID, sizeof(info->manufacturerID), "digicert-store");
    pad_text(info->model, sizeof(info->model), "CertCentral");
    pad_text(info->serialNumber, sizeof(info->serialNumber), c->serial);
    pad_text(info->utcTime, sizeof(info->utcTime), "");
    return cryptoki_leave_with(c, CKR_OK);
}

CK_RV C_GetMechanismList(CK_SLOT_ID id, CK_MECHANISM_TYPE *list, CK_ULONG *count)
{
    struct cryptoki *c = NULL;
    size_t slot = 0;
    CK_RV rv = enter_slot(id, &c, &slot);

    if (rv != CKR_OK)
        return rv;
    if (!count)
        return cryptoki_leave_with(c, CKR_ARGUMENTS_BAD);
    if (list && *count < mechanism_count)
        rv = CKR_BUFFER_TOO_SMALL;
    for (size_t i = 0; list && rv == CKR_OK && i < mechanism_count; i++)
        list[i] = mechanisms[i].type;
    *count = mechanism_count;
    return cryptoki_leave_with(c, rv);
}

CK_RV C_GetMechanismInfo(CK_SLOT_ID id, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info)
{
    struct cryptoki *c = NULL;
    size_t slot = 0;
    CK_RV rv = enter_slot(id, &c, &slot);

    if (rv != CKR_OK)
        return rv;
    if (!info)
        return cryptoki_leave_with(c, CKR_ARGUMENTS_BAD);
    const struct mechanism *m = mechanism_find(type);
    if (!m)
        return cryptoki_leave_with(c, CKR_MECHANISM_INVALID);
    *info = (CK_MECHANISM_INFO){ m->min_bits, m->max_bits, m->flags };
    return cryptoki_leave_with(c, CKR_OK);
}

/* Nothing is ever plugged in or out; a thread that waits for it would never come back. */
CK_RV C_WaitForSlotEvent(CK_FLAGS flags, CK_SLOT_ID *slot, void *reserved)
{
    struct cryptoki *c = NULL;
    CK_RV rv = cryptoki_enter(&c);

    if (rv != CKR_OK)
        return rv;
    if (!slot || reserved)
        rv = CKR_ARGUMENTS_BAD;
    else
        rv = flags & CKF_DONT_BLOCK ? CKR_NO_EVENT : CKR_FUNCTION_NOT_SUPPORTED;
    return cryptoki_leave_with(c, rv);
}

/* The token belongs to the configuration; nothing is initialised from here. */
CK_RV C_InitToken(CK_SLOT_ID id, unsigned char *pin, CK_ULONG pin_len, unsigned char *label)
{
    struct cryptoki *c = NULL;
    size_t slot = 0;
    CK_RV rv = enter_slot(id, &c, &slot);

    if (rv != CKR_OK)
        return rv;
    if ((!pin && pin_len > 0) || !label)
        rv = CKR_ARGUMENTS_BAD;
    else
        rv = c->slots[slot].sessions > 0 ? CKR_SESSION_EXISTS : CKR_TOKEN_WRITE_PROTECTED;
    return cryptoki_leave_with(c, rv);
}
