// SPDX-License-Identifier: Apache-2.0
/* mechanism.c - the table of mechanisms; nothing is done with a key here. */
#include "mechanism.h"

#include <pthread.h>
#include <string.h>

enum { RSA_MIN = 1024, RSA_MAX = 16384, EC_MIN = 224, EC_MAX = 521, LABEL_MAX = 4096 };

#define CRYPT (CKF_ENCRYPT | CKF_DECRYPT)
#define SIGN (CKF_SIGN | CKF_VERIFY)
#define CURVES (CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_UNCOMPRESS)
#define RSA(type, scheme, hash, flags)              \
    {                                               \
        type, scheme, hash, RSA_MIN, RSA_MAX, flags \
    }
#define EC(type, hash)                                          \
    {                                                           \
        type, SCHEME_ECDSA, hash, EC_MIN, EC_MAX, SIGN | CURVES \
    }
#define DIGEST(type, hash)                          \
    {                                               \
        type, SCHEME_DIGEST, hash, 0, 0, CKF_DIGEST \
    }

const struct mechanism mechanisms[] = {
    RSA(CKM_RSA_PKCS, SCHEME_RSA_PKCS1, HASH_NONE, SIGN | CRYPT),
    RSA(CKM_RSA_X_509, SCHEME_RSA_RAW, HASH_NONE, SIGN | CRYPT),
    RSA(CKM_RSA_PKCS_OAEP, SCHEME_RSA_OAEP, HASH_NONE, CRYPT),
    RSA(CKM_RSA_PKCS_PSS, SCHEME_RSA_PSS, HASH_NONE, SIGN),
    RSA(CKM_SHA1_RSA_PKCS, SCHEME_RSA_PKCS1, HASH_SHA1, SIGN),
    RSA(CKM_SHA224_RSA_PKCS, SCHEME_RSA_PKCS1, HASH_SHA224, SIGN),
    RSA(CKM_SHA256_RSA_PKCS, SCHEME_RSA_PKCS1, HASH_SHA256, SIGN),
    RSA(CKM_SHA384_RSA_PKCS, SCHEME_RSA_PKCS1, HASH_SHA384, SIGN),
    RSA(CKM_SHA512_RSA_PKCS, SCHEME_RSA_PKCS1, HASH_SHA512, SIGN),
    RSA(CKM_SHA1_RSA_PKCS_PSS, SCHEME_RSA_PSS, HASH_SHA1, SIGN),
    RSA(CKM_SHA224_RSA_PKCS_PSS, SCHEME_RSA_PSS, HASH_SHA224, SIGN),
    RSA(CKM_SHA256_RSA_PKCS_PSS, SCHEME_RSA_PSS, HASH_SHA256, SIGN),
    RSA(CKM_SHA384_RSA_PKCS_PSS, SCHEME_RSA_PSS, HASH_SHA384, SIGN),
    RSA(CKM_SHA512_RSA_PKCS_PSS, SCHEME_RSA_PSS, HASH_SHA512, SIGN),
    EC(CKM_ECDSA, HASH_NONE),
    EC(CKM_ECDSA_SHA1, HASH_SHA1),
    EC(CKM_ECDSA_SHA224, HASH_SHA224),
    EC(CKM_ECDSA_SHA256, HASH_SHA256),
    EC(CKM_ECDSA_SHA384, HASH_SHA384),
    EC(CKM_ECDSA_SHA512, HASH_SHA512),
    DIGEST(CKM_SHA_1, HASH_SHA1),
    DIGEST(CKM_SHA224, HASH_SHA224),
    DIGEST(CKM_SHA256, HASH_SHA256),
    DIGEST(CKM_SHA384, HASH_SHA384),
    DIGEST(CKM_SHA512, HASH_SHA512),
};
const size_t mechanism_count = DCS_COUNT(mechanisms);

const struct mechanism *mechanism_find(CK_MECHANISM_TYPE type)
{
    for (size_t i = 0; i < mechanism_count; i++)
        if (mechanisms[i].type == type)
            return &mechanisms[i];
    return NULL;
}

size_t mechanisms_for(enum dcs_key_kind kind, CK_MECHANISM_TYPE *out, size_t capacity)
{
    size_t count = 0;

    for (size_t i = 0; i < mechanism_count && count < capacity; i++) {
        enum scheme scheme = mechanisms[i].scheme;
        bool fits = kind == DCS_KEY_EC ? scheme == SCHEME_ECDSA
                                       : scheme != SCHEME_ECDSA && scheme != SCHEME_DIGEST;
        if (fits)
            out[count++] = mechanisms[i].type;
    }
    return count;
}

/* ---- hashes ---- */

static const struct {
    const char *name;
    size_t len;
    CK_MECHANISM_TYPE type;
    CK_ULONG mgf;
} hashes[HASHES] = {
    [HASH_SHA1] = { "SHA1", 20, CKM_SHA_1, CKG_MGF1_SHA1 },
    [HASH_SHA224] = { "SHA2-224", 28, CKM_SHA224, CKG_MGF1_SHA224 },
    [HASH_SHA256] = { "SHA2-256", 32, CKM_SHA256, CKG_MGF1_SHA256 },
    [HASH_SHA384] = { "SHA2-384", 48, CKM_SHA384, CKG_MGF1_SHA384 },
    [HASH_SHA512] = { "SHA2-512", 64, CKM_SHA512, CKG_MGF1_SHA512 },
};
static EVP_MD *fetched[HASHES];
static pthread_once_t fetch_once = PTHREAD_ONCE_INIT;

static void fetch_all(void)
{
    OSSL_LIB_CTX *libctx = dcs_crypto(NULL);

    for (int i = 1; libctx && i < HASHES; i++)
        fetched[i] = EVP_MD_fetch(libctx, hashes[i].name, NULL);
}

const EVP_MD *hash_md(enum hash hash)
{
    pthread_once(&fetch_once, fetch_all);
    return fetched[hash];
}

size_t hash_len(enum hash hash)
{
    return hashes[hash].len;
}

static enum hash hash_of_type(CK_MECHANISM_TYPE type)
{
    for (int i = 1; i < HASHES; i++)
        if (hashes[i].type == type)
            return (enum hash)i;
    return HASH_NONE;
}

static enum hash hash_of_mgf(CK_ULONG mgf)
{
    for (int i = 1; i < HASHES; i++)
        if (hashes[i].mgf == mgf)
            return (enum hash)i;
    return HASH_NONE;
}

/* ---- parameters ---- */

static CK_RV read_pss(const CK_MECHANISM *m, struct setup *setup)
{
    struct pss_params params;

    if (!m->pParameter || m->ulParameterLen != sizeof(params))
        return CKR_MECHANISM_PARAM_INVALID;
    memcpy(&params, m->pParameter, sizeof(params));
    enum hash hash = hash_of_type(params.hash);
    setup->mgf = hash_of_mgf(params.mgf);
    if (hash == HASH_NONE || setup->mgf == HASH_NONE || params.salt > RSA_MAX / 8 ||
        (setup->hash != HASH_NONE && setup->hash != hash))
        return CKR_MECHANISM_PARAM_INVALID;
    setup->hash = hash;
    setup->salt = params.salt;
    return CKR_OK;
}

static CK_RV read_oaep(const CK_MECHANISM *m, struct setup *setup)
{
    struct oaep_params params;

    if (!m->pParameter || m->ulParameterLen != sizeof(params))
        return CKR_MECHANISM_PARAM_INVALID;
    memcpy(&params, m->pParameter, sizeof(params));
    setup->hash = hash_of_type(params.hash);
    setup->mgf = hash_of_mgf(params.mgf);
    bool has_label = params.label_len > 0;
    if (setup->hash == HASH_NONE || setup->mgf == HASH_NONE ||
        (has_label &&
         (params.source != CKZ_DATA_SPECIFIED || !params.label || params.label_len > LABEL_MAX)))
        return CKR_MECHANISM_PARAM_INVALID;
    setup->label = has_label ? params.label : NULL;
    setup->label_len = params.label_len;
    return CKR_OK;
}

CK_RV setup_read(const CK_MECHANISM *m, CK_FLAGS wanted, struct setup *ret_setup)
{
    const struct mechanism *found = mechanism_find(m->mechanism);

    if (!found || !(found->flags & wanted))
        return CKR_MECHANISM_INVALID;
    *ret_setup = (struct setup){ .mechanism = found, .hash = found->hash };
    if (found->scheme == SCHEME_RSA_PSS)
        return read_pss(m, ret_setup);
    if (found->scheme == SCHEME_RSA_OAEP)
        return read_oaep(m, ret_setup);
    /* No parameter. What some programs send along with none is not looked at. */
    return !m->pParameter && m->ulParameterLen > 0 ? CKR_MECHANISM_PARAM_INVALID : CKR_OK;
}

bool setup_same(const struct setup *a, const struct setup *b)
{
    return a->mechanism == b->mechanism && a->hash == b->hash && a->mgf == b->mgf &&
           a->salt == b->salt && !a->label && !b->label;
}
