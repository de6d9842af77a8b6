/* SPDX-License-Identifier: Apache-2.0 */
/* functions.h - what the list of 3.0 has beyond cryptoki.h's own declarations. */
#ifndef PKCS11_FUNCTIONS_H
#define PKCS11_FUNCTIONS_H

#include "cryptoki.h"

CK_RV login_user(CK_SESSION_HANDLE handle, CK_USER_TYPE user, unsigned char *pin, CK_ULONG pin_len,
                 unsigned char *name, CK_ULONG name_len);
CK_RV session_cancel(CK_SESSION_HANDLE handle, CK_FLAGS flags);
CK_RV no_messages(CK_SESSION_HANDLE handle);

#endif
