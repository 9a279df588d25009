// Certificate stores.
#include "win32/crypt32/store.hpp"

namespace crypt32 {

Store* FromStore(HCERTSTORE Handle)
{
    auto S = static_cast<Store*>(Handle);
    return S && S->Magic == StoreMagic ? S : nullptr;
}

namespace {

Store* Make()
{
    auto S = static_cast<Store*>(win::Allocate(sizeof(Store)));
    if (!S) {
        SetLastError(DWORD(E_OUTOFMEMORY));
        return nullptr;
    }
    S->Magic = StoreMagic;
    S->References = 1;
    return S;
}

bool SameEncoding(const Certificate& A, const Certificate& B)
{
    return A.Context.cbCertEncoded == B.Context.cbCertEncoded &&
           !__builtin_memcmp(A.Context.pbCertEncoded, B.Context.pbCertEncoded, A.Context.cbCertEncoded);
}

// Takes over the caller's reference of C.
BOOL Add(Store& S, Certificate* C, DWORD Disposition, PCCERT_CONTEXT* Out)
{
    if (Disposition < CERT_STORE_ADD_NEW || Disposition > CERT_STORE_ADD_NEWER_INHERIT_PROPERTIES) {
        Release(C);
        return win::Fail(DWORD(E_INVALIDARG));
    }
    Certificate* Gone = nullptr; // released outside the lock
    bool Exists = false;
    {
        win::Guard Hold(Lock);
        Certificate** At = &S.First;
        while (*At && (Disposition == CERT_STORE_ADD_ALWAYS || !SameEncoding(**At, *C))) {
            At = &(*At)->Next;
        }
        Certificate* Old = *At;
        Certificate* Result = C;
        if (Old && Disposition == CERT_STORE_ADD_NEW) {
            Exists = true;
            Gone = C;
            Result = nullptr;
        } else if (Old && Disposition != CERT_STORE_ADD_REPLACE_EXISTING &&
                   Disposition != CERT_STORE_ADD_REPLACE_EXISTING_INHERIT_PROPERTIES) {
            // USE_EXISTING, and the NEWER ones: the same encoding is never newer.
            Gone = C;
            Result = Old;
        } else {
            C->Next = Old ? Old->Next : nullptr;
            C->Home = &S;
            C->Context.hCertStore = &S;
            *At = C;
            if (Old) {
                Old->Next = nullptr;
                Old->Home = nullptr;
                Gone = Old;
            }
        }
        if (Out) {
            *Out = Result ? &Result->Context : nullptr;
            if (Result) {
                InterlockedIncrement(&Result->References);
            }
        }
    }
    Release(Gone);
    return Exists ? win::Fail(DWORD(CRYPT_E_EXISTS)) : TRUE;
}

bool Matches(Certificate& C, DWORD Kind, const void* Value)
{
    auto Wanted = static_cast<const DATA_BLOB*>(Value);
    switch (Kind) {
    case CERT_FIND_ANY:
        return true;
    case CERT_FIND_EXISTING:
        return SameEncoding(C, *From(static_cast<PCCERT_CONTEXT>(Value)));
    case CERT_FIND_SUBJECT_NAME:
        return CertCompareCertificateName(0, &C.Info.Subject, const_cast<PCERT_NAME_BLOB>(Wanted));
    case CERT_FIND_ISSUER_NAME:
        return CertCompareCertificateName(0, &C.Info.Issuer, const_cast<PCERT_NAME_BLOB>(Wanted));
    case CERT_FIND_SUBJECT_CERT:
        return CertCompareCertificate(0, &C.Info, const_cast<PCERT_INFO>(static_cast<const CERT_INFO*>(Value)));
    case CERT_FIND_ISSUER_OF:
        return CertCompareCertificateName(0, &C.Info.Subject, &From(static_cast<PCCERT_CONTEXT>(Value))->Info.Issuer);
    case CERT_FIND_SHA1_HASH:
    case CERT_FIND_MD5_HASH: {
        u8 Digest[20];
        DWORD Size = sizeof(Digest);
        return CertGetCertificateContextProperty(&C.Context, Kind == CERT_FIND_SHA1_HASH ? CERT_SHA1_HASH_PROP_ID : CERT_MD5_HASH_PROP_ID,
                                                 Digest, &Size) &&
               Wanted->cbData == Size && !__builtin_memcmp(Wanted->pbData, Digest, Size);
    }
    default:
        return false;
    }
}

// The certificate after Previous, with a reference; Previous' reference is given up.
Certificate* Following(Store& S, PCCERT_CONTEXT Previous)
{
    Certificate* Next;
    {
        win::Guard Hold(Lock);
        Next = Previous ? From(Previous)->Next : S.First;
        if (Next) {
            InterlockedIncrement(&Next->References);
        }
    }
    Release(From(Previous));
    return Next;
}

}
}

using namespace crypt32;

EXPORT HCERTSTORE WINAPI CertOpenStore(LPCSTR Provider, DWORD, HCRYPTPROV_LEGACY, DWORD Flags, const void* Parameter)
{
    // Providers are numbers or names.
    static const struct {
        LPCSTR Number;
        const char* Name;
        bool System;
    } Providers[] = {
        { CERT_STORE_PROV_MEMORY, sz_CERT_STORE_PROV_MEMORY, false },
        { CERT_STORE_PROV_COLLECTION, sz_CERT_STORE_PROV_COLLECTION, false },
        { CERT_STORE_PROV_SYSTEM_W, sz_CERT_STORE_PROV_SYSTEM_W, true },
        { CERT_STORE_PROV_SYSTEM_A, "", true },
        { CERT_STORE_PROV_SYSTEM_REGISTRY_W, sz_CERT_STORE_PROV_SYSTEM_REGISTRY_W, true },
        { CERT_STORE_PROV_SYSTEM_REGISTRY_A, "", true },
        { CERT_STORE_PROV_PHYSICAL_W, sz_CERT_STORE_PROV_PHYSICAL_W, true },
    };
    for (auto& P : Providers) {
        if (ULONG_PTR(Provider) < 0x10000 ? P.Number != Provider : lstrcmpiA(P.Name, Provider) != 0) {
            continue;
        }
        if (P.System && !Parameter) {
            SetLastError(DWORD(E_INVALIDARG));
            return nullptr;
        }
        if (Flags & CERT_STORE_DELETE_FLAG) {
            SetLastError(ERROR_ACCESS_DENIED);
            return nullptr;
        }
        return Make();
    }
    SetLastError(ERROR_FILE_NOT_FOUND);
    return nullptr;
}
EXPORT HCERTSTORE WINAPI CertOpenSystemStoreW(HCRYPTPROV_LEGACY, LPCWSTR Name)
{
    return CertOpenStore(CERT_STORE_PROV_SYSTEM_W, 0, 0, 0, Name);
}
EXPORT HCERTSTORE WINAPI CertOpenSystemStoreA(HCRYPTPROV_LEGACY, LPCSTR Name)
{
    return CertOpenStore(CERT_STORE_PROV_SYSTEM_A, 0, 0, 0, Name);
}
EXPORT HCERTSTORE WINAPI CertDuplicateStore(HCERTSTORE Handle)
{
    if (Store* S = FromStore(Handle)) {
        InterlockedIncrement(&S->References);
    }
    return Handle;
}
EXPORT BOOL WINAPI CertCloseStore(HCERTSTORE Handle, DWORD)
{
    if (!Handle) {
        return TRUE;
    }
    Store* S = FromStore(Handle);
    if (!S) {
        return win::Fail(DWORD(E_INVALIDARG));
    }
    if (InterlockedDecrement(&S->References) == 0) {
        // Certificates somebody still holds live on without a store.
        while (Certificate* C = S->First) {
            S->First = C->Next;
            C->Next = nullptr;
            C->Home = nullptr;
            C->Context.hCertStore = nullptr;
            Release(C);
        }
        S->Magic = 0;
        win::Free(S);
    }
    return TRUE;
}
EXPORT BOOL WINAPI CertControlStore(HCERTSTORE Handle, DWORD, DWORD Control, const void*)
{
    // In memory there is nothing to write back; a store that cannot change needs no notification.
    if (!FromStore(Handle)) {
        return win::Fail(DWORD(E_INVALIDARG));
    }
    return Control == CERT_STORE_CTRL_COMMIT || Control == CERT_STORE_CTRL_RESYNC || Control == CERT_STORE_CTRL_AUTO_RESYNC ||
           win::Fail(ERROR_CALL_NOT_IMPLEMENTED);
}

EXPORT BOOL WINAPI CertAddEncodedCertificateToStore(HCERTSTORE Handle, DWORD Encoding, const BYTE* Data, DWORD Size, DWORD Disposition,
                                                    PCCERT_CONTEXT* Out)
{
    Store* S = FromStore(Handle);
    if (!S) {
        return win::Fail(DWORD(E_INVALIDARG));
    }
    Certificate* C = NewCertificate(Encoding, Data, Size);
    return C && Add(*S, C, Disposition, Out);
}
EXPORT BOOL WINAPI CertAddCertificateContextToStore(HCERTSTORE Handle, PCCERT_CONTEXT Context, DWORD Disposition, PCCERT_CONTEXT* Out)
{
    Store* S = FromStore(Handle);
    if (!S || !Context) {
        return win::Fail(DWORD(E_INVALIDARG));
    }
    Certificate* C = NewCertificate(Context->dwCertEncodingType, Context->pbCertEncoded, Context->cbCertEncoded);
    if (!C) {
        return FALSE;
    }
    {
        win::Guard Hold(Lock);
        Property** End = &C->Properties;
        for (Property* P = From(Context)->Properties; P; P = P->Next) {
            auto Copy = static_cast<Property*>(win::Allocate(sizeof(Property) + P->Size));
            if (Copy) {
                __builtin_memcpy(Copy, P, sizeof(Property) + P->Size);
                Copy->Next = nullptr;
                *End = Copy;
                End = &Copy->Next;
            }
        }
    }
    return Add(*S, C, Disposition, Out);
}
EXPORT BOOL WINAPI CertDeleteCertificateFromStore(PCCERT_CONTEXT Context)
{
    if (!Context) {
        return TRUE;
    }
    Certificate* C = From(Context);
    bool Held = false;
    {
        win::Guard Hold(Lock);
        for (Certificate** At = C->Home ? &C->Home->First : nullptr; At && *At; At = &(*At)->Next) {
            if (*At == C) {
                *At = C->Next;
                C->Next = nullptr;
                C->Home = nullptr;
                Held = true;
                break;
            }
        }
    }
    if (Held) {
        Release(C);
    }
    Release(C); // the caller's reference goes too, whatever happens
    return TRUE;
}
EXPORT PCCERT_CONTEXT WINAPI CertEnumCertificatesInStore(HCERTSTORE Handle, PCCERT_CONTEXT Previous)
{
    return CertFindCertificateInStore(Handle, X509_ASN_ENCODING, 0, CERT_FIND_ANY, nullptr, Previous);
}
EXPORT PCCERT_CONTEXT WINAPI CertFindCertificateInStore(HCERTSTORE Handle, DWORD, DWORD, DWORD Kind, const void* Value,
                                                        PCCERT_CONTEXT Previous)
{
    Store* S = FromStore(Handle);
    if (!S || (Kind != CERT_FIND_ANY && !Value)) {
        Release(From(Previous));
        SetLastError(DWORD(E_INVALIDARG));
        return nullptr;
    }
    Certificate* C = Following(*S, Previous);
    while (C && !Matches(*C, Kind, Value)) {
        C = Following(*S, &C->Context);
    }
    if (!C) {
        SetLastError(DWORD(CRYPT_E_NOT_FOUND));
        return nullptr;
    }
    return &C->Context;
}
EXPORT PCCERT_CONTEXT WINAPI CertGetSubjectCertificateFromStore(HCERTSTORE Handle, DWORD Encoding, PCERT_INFO Info)
{
    return CertFindCertificateInStore(Handle, Encoding, 0, CERT_FIND_SUBJECT_CERT, Info, nullptr);
}
EXPORT PCCRL_CONTEXT WINAPI CertEnumCRLsInStore(HCERTSTORE, PCCRL_CONTEXT)
{
    SetLastError(DWORD(CRYPT_E_NOT_FOUND));
    return nullptr;
}
// System stores are not shared between opens, so there is nothing to join.
EXPORT BOOL WINAPI CertAddStoreToCollection(HCERTSTORE Handle, HCERTSTORE, DWORD, DWORD)
{
    return FromStore(Handle) ? win::Fail(ERROR_CALL_NOT_IMPLEMENTED) : win::Fail(DWORD(E_INVALIDARG));
}
EXPORT void WINAPI CertRemoveStoreFromCollection(HCERTSTORE, HCERTSTORE) {}
