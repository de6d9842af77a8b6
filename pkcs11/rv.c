// SPDX-License-Identifier: Apache-2.0
/* rv.c - our error codes in PKCS#11's words. The text goes to the trace, for there is no other place. */
#include "module.h"

CK_RV rv_of(const struct dcs_err *err)
{
    static const CK_RV table[DCS_E_COUNT] = {
        [DCS_E_NONE] = CKR_OK,
        [DCS_E_BUG] = CKR_GENERAL_ERROR,
        [DCS_E_NOMEM] = CKR_HOST_MEMORY,
        [DCS_E_URI] = CKR_ARGUMENTS_BAD,
        [DCS_E_CONFIG] = CKR_DEVICE_ERROR,
        [DCS_E_INPUT] = CKR_DEVICE_ERROR,
        [DCS_E_NOT_FOUND] = CKR_OBJECT_HANDLE_INVALID,
        [DCS_E_NO_KEY] = CKR_KEY_HANDLE_INVALID,
        [DCS_E_KEY_FILE] = CKR_KEY_FUNCTION_NOT_PERMITTED,
        [DCS_E_DENIED] = CKR_DEVICE_ERROR,
        [DCS_E_REFUSED] = CKR_DEVICE_ERROR,
        [DCS_E_PENDING] = CKR_DEVICE_ERROR,
        [DCS_E_AWAY] = CKR_DEVICE_ERROR,
        [DCS_E_LIMIT] = CKR_DEVICE_ERROR,
        [DCS_E_READER] = CKR_OBJECT_HANDLE_INVALID,
        [DCS_E_STATE] = CKR_DEVICE_ERROR,
        [DCS_E_TIMEOUT] = CKR_DEVICE_ERROR,
        [DCS_E_REJECTED] = CKR_DEVICE_ERROR,
        [DCS_E_POLICY] = CKR_OBJECT_HANDLE_INVALID,
        [DCS_E_ENDED] = CKR_OBJECT_HANDLE_INVALID,
    };

    dcs_trace(dcs_env_real(), "pkcs11: %s: %s", dcs_code_name(err->code), err->text);
    return (unsigned)err->code < DCS_E_COUNT ? table[err->code] : CKR_GENERAL_ERROR;
}
