// Certificate contexts: decoding, references, properties, small questions about them.
#include "win32/crypt32/der.hpp"
#include "win32/crypt32/store.hpp"
#include "win32/crypto/hash.hpp"

namespace crypt32 {

SRWLOCK Lock = SRWLOCK_INIT;

namespace {

// Memory that lives as long as the certificate: names of algorithms, extension records, turned numbers.
class Arena {
public:
    Arena(u8* Memory, usize Size) : At_(Memory), Left_(Size) {}
    void* Take(usize Size)
    {
        Size = AlignUp(Size, 8);
        if (Size > Left_) {
            return nullptr;
        }
        void* Part = At_;
        At_ += Size;
        Left_ -= Size;
        return Part;
    }

private:
    u8* At_;
    usize Left_;
};

DATA_BLOB Blob(const Element& E) { return { DWORD(E.WholeSize), const_cast<BYTE*>(E.Whole) }; }

LPSTR TakeOid(Arena& A, const Element& E)
{
    char Text[128];
    if (!OidText(E, Text, sizeof(Text))) {
        return nullptr;
    }
    usize Size = win::Length(Text) + 1;
    auto Copy = static_cast<char*>(A.Take(Size));
    if (Copy) {
        __builtin_memcpy(Copy, Text, Size);
    }
    return Copy;
}

bool ReadAlgorithm(Arena& A, const Element& From, CRYPT_ALGORITHM_IDENTIFIER& Out)
{
    Reader R(From);
    Element Oid, Parameters;
    if (!R.Next(DerOid, Oid)) {
        return false;
    }
    Out.pszObjId = TakeOid(A, Oid);
    if (R.Next(Parameters)) {
        Out.Parameters = Blob(Parameters);
    }
    return Out.pszObjId != nullptr;
}

bool ReadTime(Reader& R, FILETIME& Out)
{
    Element E;
    u64 Value;
    if (!R.Next(E) || !TimeValue(E, Value)) {
        return false;
    }
    Out = { DWORD(Value), DWORD(Value >> 32) };
    return true;
}

bool ReadExtensions(Arena& A, const Element& List, CERT_INFO& Out)
{
    Reader Count(List);
    Element E;
    DWORD Number = 0;
    while (Count.Next(DerSequence, E)) {
        ++Number;
    }
    auto Records = static_cast<CERT_EXTENSION*>(A.Take(Number * sizeof(CERT_EXTENSION)));
    if (!Count.Empty() || (Number && !Records)) {
        return false;
    }
    Reader R(List);
    for (DWORD i = 0; i < Number; ++i) {
        Element One, Oid, Flag, Value;
        if (!R.Next(One)) {
            return false;
        }
        Reader Fields(One);
        Records[i] = {};
        if (!Fields.Next(DerOid, Oid)) {
            return false;
        }
        if (Fields.Next(DerBoolean, Flag)) {
            Records[i].fCritical = Flag.Size && Flag.Data[0];
        }
        Records[i].pszObjId = TakeOid(A, Oid);
        if (!Fields.Next(DerOctets, Value) || !Records[i].pszObjId) {
            return false;
        }
        Records[i].Value = { DWORD(Value.Size), const_cast<BYTE*>(Value.Data) };
    }
    Out.cExtension = Number;
    Out.rgExtension = Records;
    return true;
}

// X.509's Certificate with its TBSCertificate, RFC 5280 section 4.1.
bool Decode(Arena& A, const u8* Data, usize Size, CERT_INFO& Out)
{
    Reader Top(Data, Size);
    Element Whole, Signed, E, Part;
    if (!Top.Next(DerSequence, Whole) || Whole.WholeSize != Size) {
        return false;
    }
    Reader Outer(Whole);
    Element Algorithm, Signature;
    if (!Outer.Next(DerSequence, Signed) || !Outer.Next(DerSequence, Algorithm) || !Outer.Next(DerBits, Signature) || !Outer.Empty()) {
        return false;
    }
    Reader R(Signed);
    if (R.Next(0xA0, E)) {
        Reader Version(E);
        if (!Version.Next(DerInteger, Part) || Part.Size != 1 || Part.Data[0] > CERT_V3) {
            return false;
        }
        Out.dwVersion = Part.Data[0];
    }
    if (!R.Next(DerInteger, Part) || !Part.Size) {
        return false;
    }
    // Numbers are little-endian in CERT_INFO.
    auto Serial = static_cast<BYTE*>(A.Take(Part.Size));
    if (!Serial) {
        return false;
    }
    for (usize i = 0; i < Part.Size; ++i) {
        Serial[i] = Part.Data[Part.Size - 1 - i];
    }
    usize Used = Part.Size;
    while (Used > 1 && Serial[Used - 1] == 0) {
        --Used;
    }
    Out.SerialNumber = { DWORD(Used), Serial };
    Element Issuer, Validity, Subject, Key;
    if (!R.Next(DerSequence, E) || !ReadAlgorithm(A, E, Out.SignatureAlgorithm) || !R.Next(DerSequence, Issuer) ||
        !R.Next(DerSequence, Validity) || !R.Next(DerSequence, Subject) || !R.Next(DerSequence, Key)) {
        return false;
    }
    Out.Issuer = Blob(Issuer);
    Out.Subject = Blob(Subject);
    Reader Times(Validity);
    if (!ReadTime(Times, Out.NotBefore) || !ReadTime(Times, Out.NotAfter)) {
        return false;
    }
    Reader KeyParts(Key);
    if (!KeyParts.Next(DerSequence, E) || !ReadAlgorithm(A, E, Out.SubjectPublicKeyInfo.Algorithm) || !KeyParts.Next(DerBits, Part) ||
        !Part.Size || Part.Data[0] > 7) {
        return false;
    }
    Out.SubjectPublicKeyInfo.PublicKey = { DWORD(Part.Size - 1), const_cast<BYTE*>(Part.Data + 1), Part.Data[0] };
    while (R.Next(E)) {
        if (E.Tag == 0xA3) {
            Reader List(E);
            if (!List.Next(DerSequence, Part) || !ReadExtensions(A, Part, Out)) {
                return false;
            }
        } else if (E.Tag != 0x81 && E.Tag != 0x82 && E.Tag != 0xA1 && E.Tag != 0xA2) {
            return false;
        }
    }
    return R.Empty();
}

Property** FindProperty(Certificate& C, DWORD Id)
{
    Property** At = &C.Properties;
    while (*At && (*At)->Id != Id) {
        At = &(*At)->Next;
    }
    return At;
}

bool SetBytes(Certificate& C, DWORD Id, const void* Data, DWORD Size)
{
    auto P = static_cast<Property*>(win::Allocate(sizeof(Property) + Size));
    if (!P) {
        return false;
    }
    P->Id = Id;
    P->Size = Size;
    __builtin_memcpy(P->Value(), Data, Size);
    win::Guard Hold(Lock);
    Property** At = FindProperty(C, Id);
    Property* Old = *At;
    P->Next = Old ? Old->Next : nullptr;
    *At = P;
    win::Free(Old);
    return true;
}

template <typename Hash> bool Digest(Certificate& C, DWORD Id)
{
    Hash H;
    u8 Out[Hash::DigestSize];
    H.Update(C.Context.pbCertEncoded, C.Context.cbCertEncoded);
    H.Finish(Out);
    return SetBytes(C, Id, Out, sizeof(Out));
}

}

Certificate* NewCertificate(DWORD Encoding, const BYTE* Data, DWORD Size)
{
    if ((Encoding & 0xFFFF) != X509_ASN_ENCODING) {
        SetLastError(E_INVALIDARG);
        return nullptr;
    }
    // The records derived from the encoding are bounded by it: every extension takes at least 8 bytes of it.
    usize Derived = 1024 + usize(Size) * 12;
    auto C = static_cast<Certificate*>(Data ? win::Allocate(sizeof(Certificate) + AlignUp(usize(Size), 8) + Derived) : nullptr);
    if (!C) {
        SetLastError(Data ? DWORD(E_OUTOFMEMORY) : DWORD(E_INVALIDARG));
        return nullptr;
    }
    auto Copy = reinterpret_cast<u8*>(C + 1);
    __builtin_memcpy(Copy, Data, Size);
    Arena A(Copy + AlignUp(usize(Size), 8), Derived);
    if (!Decode(A, Copy, Size, C->Info)) {
        win::Free(C);
        SetLastError(DWORD(CRYPT_E_ASN1_BADTAG));
        return nullptr;
    }
    C->References = 1;
    C->Context = { Encoding, Copy, Size, &C->Info, nullptr };
    return C;
}

void Release(Certificate* C)
{
    if (C && InterlockedDecrement(&C->References) == 0) {
        while (Property* P = C->Properties) {
            C->Properties = P->Next;
            win::Free(P);
        }
        win::Free(C);
    }
}

bool SelfIssued(const Certificate& C)
{
    return C.Info.Issuer.cbData == C.Info.Subject.cbData &&
           !__builtin_memcmp(C.Info.Issuer.pbData, C.Info.Subject.pbData, C.Info.Issuer.cbData);
}

}

using namespace crypt32;

EXPORT PCCERT_CONTEXT WINAPI CertCreateCertificateContext(DWORD Encoding, const BYTE* Data, DWORD Size)
{
    Certificate* C = NewCertificate(Encoding, Data, Size);
    return C ? &C->Context : nullptr;
}
EXPORT PCCERT_CONTEXT WINAPI CertDuplicateCertificateContext(PCCERT_CONTEXT Context)
{
    if (Context) {
        InterlockedIncrement(&From(Context)->References);
    }
    return Context;
}
EXPORT BOOL WINAPI CertFreeCertificateContext(PCCERT_CONTEXT Context)
{
    Release(From(Context));
    return TRUE;
}

EXPORT BOOL WINAPI CertGetCertificateContextProperty(PCCERT_CONTEXT Context, DWORD Id, void* Out, DWORD* Size)
{
    Certificate& C = *From(Context);
    if (Id == CERT_SHA1_HASH_PROP_ID || Id == CERT_MD5_HASH_PROP_ID || Id == CERT_SHA256_HASH_PROP_ID) {
        bool Known;
        {
            win::Guard Hold(Lock);
            Known = *FindProperty(C, Id) != nullptr;
        }
        bool Good = Known || (Id == CERT_SHA1_HASH_PROP_ID  ? Digest<crypto::Sha1>(C, Id)
                              : Id == CERT_MD5_HASH_PROP_ID ? Digest<crypto::Md5>(C, Id)
                                                            : Digest<crypto::Sha256>(C, Id));
        if (!Good) {
            return win::Fail(DWORD(E_OUTOFMEMORY));
        }
    }
    win::Guard Hold(Lock);
    Property* P = *FindProperty(C, Id);
    if (!P) {
        return win::Fail(DWORD(CRYPT_E_NOT_FOUND));
    }
    DWORD Room = *Size;
    *Size = P->Size;
    if (!Out) {
        return TRUE;
    }
    if (Room < P->Size) {
        return win::Fail(ERROR_MORE_DATA);
    }
    __builtin_memcpy(Out, P->Value(), P->Size);
    return TRUE;
}
EXPORT BOOL WINAPI CertSetCertificateContextProperty(PCCERT_CONTEXT Context, DWORD Id, DWORD, const void* Data)
{
    Certificate& C = *From(Context);
    if (!Id || Id > CERT_LAST_USER_PROP_ID) {
        return win::Fail(DWORD(E_INVALIDARG));
    }
    if (!Data) {
        win::Guard Hold(Lock);
        Property** At = FindProperty(C, Id);
        if (Property* P = *At) {
            *At = P->Next;
            win::Free(P);
        }
        return TRUE;
    }
    switch (Id) {
    case CERT_KEY_PROV_INFO_PROP_ID:
    case CERT_KEY_CONTEXT_PROP_ID:
    case CERT_KEY_PROV_HANDLE_PROP_ID:
        return win::Fail(ERROR_CALL_NOT_IMPLEMENTED); // they are not blobs, and there are no key containers
    default: {
        auto B = static_cast<const DATA_BLOB*>(Data);
        return SetBytes(C, Id, B->pbData, B->cbData) || win::Fail(DWORD(E_OUTOFMEMORY));
    }
    }
}
EXPORT DWORD WINAPI CertEnumCertificateContextProperties(PCCERT_CONTEXT Context, DWORD After)
{
    win::Guard Hold(Lock);
    Property* P = After ? *FindProperty(*From(Context), After) : nullptr;
    P = After ? (P ? P->Next : nullptr) : From(Context)->Properties;
    return P ? P->Id : 0;
}

EXPORT BOOL WINAPI CertCompareCertificateName(DWORD, PCERT_NAME_BLOB A, PCERT_NAME_BLOB B)
{
    return A->cbData == B->cbData && !__builtin_memcmp(A->pbData, B->pbData, A->cbData);
}
EXPORT BOOL WINAPI CertCompareIntegerBlob(PCRYPT_INTEGER_BLOB A, PCRYPT_INTEGER_BLOB B)
{
    return A->cbData == B->cbData && !__builtin_memcmp(A->pbData, B->pbData, A->cbData);
}
EXPORT BOOL WINAPI CertCompareCertificate(DWORD Encoding, PCERT_INFO A, PCERT_INFO B)
{
    return CertCompareCertificateName(Encoding, &A->Issuer, &B->Issuer) && CertCompareIntegerBlob(&A->SerialNumber, &B->SerialNumber);
}
EXPORT PCERT_EXTENSION WINAPI CertFindExtension(LPCSTR Oid, DWORD Count, CERT_EXTENSION* List)
{
    for (DWORD i = 0; Oid && i < Count; ++i) {
        if (lstrcmpA(List[i].pszObjId, Oid) == 0) {
            return &List[i];
        }
    }
    return nullptr;
}
EXPORT LONG WINAPI CertVerifyTimeValidity(LPFILETIME When, PCERT_INFO Info)
{
    FILETIME Now;
    if (!When) {
        GetSystemTimeAsFileTime(&Now);
        When = &Now;
    }
    return CompareFileTime(When, &Info->NotBefore) < 0 ? -1 : CompareFileTime(When, &Info->NotAfter) > 0 ? 1 : 0;
}
