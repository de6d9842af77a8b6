/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cryptoki.h - PKCS#11 2.40 by p11-kit's header, and the little of 3.0 that it lacks before 0.25.
 * The 3.0 structures have names of our own, so that a newer header does no harm.
 */
#ifndef PKCS11_CRYPTOKI_H
#define PKCS11_CRYPTOKI_H

#include <p11-kit/pkcs11.h>

#ifndef CKO_PROFILE
#define CKO_PROFILE 9UL
#endif
#ifndef CKA_UNIQUE_ID
#define CKA_UNIQUE_ID 4UL
#endif
#ifndef CKA_PROFILE_ID
#define CKA_PROFILE_ID 0x601UL
#endif
#ifndef CKP_BASELINE_PROVIDER
#define CKP_BASELINE_PROVIDER 1UL
#define CKP_EXTENDED_PROVIDER 2UL
#define CKP_AUTHENTICATION_TOKEN 3UL
#define CKP_PUBLIC_CERTIFICATES_TOKEN 4UL
#endif
#ifndef CKR_OPERATION_CANCEL_FAILED
#define CKR_OPERATION_CANCEL_FAILED 0x202UL
#endif
#ifndef CKF_INTERFACE_FORK_SAFE
#define CKF_INTERFACE_FORK_SAFE 1UL
#endif
#ifndef CKF_END_OF_MESSAGE
#define CKF_END_OF_MESSAGE 1UL
#endif

/* What C_SessionCancel takes: the operations by the flags of their mechanisms, and this one. */
#define CANCEL_FIND_OBJECTS 0x40UL

/* The parameters of PSS and OAEP: headers disagree about their members' names. */
struct pss_params {
    CK_ULONG hash, mgf, salt;
};
struct oaep_params {
    CK_ULONG hash, mgf, source;
    unsigned char *label;
    CK_ULONG label_len;
};

struct interface {
    char *name;
    void *functions;
    CK_FLAGS flags;
};

typedef CK_RV interface_list_fn(struct interface *list, CK_ULONG *count);
typedef CK_RV get_interface_fn(unsigned char *name, CK_VERSION *version,
                               struct interface **ret_interface, CK_FLAGS flags);

/* CK_FUNCTION_LIST_3_0: that of 2.40, then these in this order (PKCS#11 3.0, 5.1). */
struct function_list_3 {
    CK_FUNCTION_LIST base;
    interface_list_fn *get_interface_list;
    get_interface_fn *get_interface;
    CK_RV(*login_user)
    (CK_SESSION_HANDLE, CK_USER_TYPE, unsigned char *pin, CK_ULONG pin_len, unsigned char *name,
     CK_ULONG name_len);
    CK_RV (*session_cancel)(CK_SESSION_HANDLE, CK_FLAGS);
    /* C_MessageEncryptInit ... C_MessageVerifyFinal: five each for encryption and decryption, five
     * each for signatures and their verification. */
    CK_RV (*messages[20])(CK_SESSION_HANDLE);
};

/* The three names that the module exports; all else is hidden. Two have C names of our own: headers from
 * 0.25 on declare them with their own structures, which are the same to the linker. */
#define EXPORTED __attribute__((visibility("default")))
EXPORTED CK_RV pkcs11_interface_list(struct interface *list,
                                     CK_ULONG *count) __asm__("C_GetInterfaceList");
EXPORTED CK_RV pkcs11_interface(unsigned char *name, CK_VERSION *version,
                                struct interface **ret_interface,
                                CK_FLAGS flags) __asm__("C_GetInterface");

#endif
