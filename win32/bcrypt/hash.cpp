// Hash and HMAC objects, and key derivation.
#include <new>

#include "win32/bcrypt/objects.hpp"

namespace bc {

// Calls Use with the member that is in use.
template <typename State, typename Function> void With(State& S, Function Use)
{
    switch (S.Kind) {
    case Id::Md4:
        return S.Hmac ? Use(S.HmacMd4) : Use(S.Md4);
    case Id::Md5:
        return S.Hmac ? Use(S.HmacMd5) : Use(S.Md5);
    case Id::Sha1:
        return S.Hmac ? Use(S.HmacSha1) : Use(S.Sha1);
    case Id::Sha256:
        return S.Hmac ? Use(S.HmacSha256) : Use(S.Sha256);
    case Id::Sha384:
        return S.Hmac ? Use(S.HmacSha384) : Use(S.Sha384);
    default:
        return S.Hmac ? Use(S.HmacSha512) : Use(S.Sha512);
    }
}

HashState::HashState(Id Which, bool Keyed, const u8* Key, usize KeySize) : Kind(Which), Hmac(Keyed)
{
    With(*this, [&]<typename T>(T& Member) {
        if constexpr (requires { T(Key, KeySize); }) {
            new (&Member) T(Key, KeySize);
        } else {
            new (&Member) T();
        }
    });
}
void HashState::Update(const void* Data, usize Size)
{
    With(*this, [&](auto& Member) { Member.Update(Data, Size); });
}
void HashState::Finish(u8* Out)
{
    With(*this, [&](auto& Member) { Member.Finish(Out); });
}

namespace {

Hash* FromHash(BCRYPT_HASH_HANDLE Handle)
{
    auto H = static_cast<Hash*>(Handle);
    return H && H->Magic == HashMagic ? H : nullptr;
}

template <typename T> bool ForHash(Id Kind, T Use)
{
    switch (Kind) {
    case Id::Md4:
        Use(crypto::Md4());
        return true;
    case Id::Md5:
        Use(crypto::Md5());
        return true;
    case Id::Sha1:
        Use(crypto::Sha1());
        return true;
    case Id::Sha256:
        Use(crypto::Sha256());
        return true;
    case Id::Sha384:
        Use(crypto::Sha384());
        return true;
    case Id::Sha512:
        Use(crypto::Sha512());
        return true;
    default:
        return false;
    }
}

}
}

using namespace bc;

EXPORT NTSTATUS WINAPI BCryptCreateHash(BCRYPT_ALG_HANDLE Handle, BCRYPT_HASH_HANDLE* Out, PUCHAR Object, ULONG ObjectSize, PUCHAR Secret,
                                        ULONG SecretSize, ULONG Flags)
{
    Algorithm* A = FromHandle(Handle);
    if (!A) {
        return STATUS_INVALID_HANDLE;
    }
    if (!Out || (Flags & ~ULONG(BCRYPT_HASH_REUSABLE_FLAG)) || (SecretSize && !Secret)) {
        return STATUS_INVALID_PARAMETER;
    }
    if (!IsHash(A->Kind)) {
        return STATUS_NOT_SUPPORTED;
    }
    if (Object && ObjectSize < sizeof(Hash)) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    if (!A->Hmac && SecretSize) {
        return STATUS_INVALID_PARAMETER;
    }
    void* Memory = win::Allocate(sizeof(Hash));
    if (!Memory) {
        return STATUS_NO_MEMORY;
    }
    HashState Start(A->Kind, A->Hmac, Secret, SecretSize);
    *Out = new (Memory) Hash { HashMagic, A->Reusable || (Flags & BCRYPT_HASH_REUSABLE_FLAG), false, Start, Start };
    return STATUS_SUCCESS;
}
EXPORT NTSTATUS WINAPI BCryptHashData(BCRYPT_HASH_HANDLE Handle, PUCHAR Data, ULONG Size, ULONG)
{
    Hash* H = FromHash(Handle);
    if (!H) {
        return STATUS_INVALID_HANDLE;
    }
    if (H->Finished) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Size && !Data) {
        return STATUS_INVALID_PARAMETER;
    }
    H->Now.Update(Data, Size);
    return STATUS_SUCCESS;
}
EXPORT NTSTATUS WINAPI BCryptFinishHash(BCRYPT_HASH_HANDLE Handle, PUCHAR Out, ULONG Size, ULONG)
{
    Hash* H = FromHash(Handle);
    if (!H) {
        return STATUS_INVALID_HANDLE;
    }
    if (!Out || H->Finished || Size != DigestSize(H->Now.Kind)) {
        return STATUS_INVALID_PARAMETER;
    }
    H->Now.Finish(Out);
    if (H->Reusable) {
        H->Now = H->Start;
    } else {
        H->Finished = true;
    }
    return STATUS_SUCCESS;
}
EXPORT NTSTATUS WINAPI BCryptDuplicateHash(BCRYPT_HASH_HANDLE Handle, BCRYPT_HASH_HANDLE* Out, UCHAR* Object, ULONG ObjectSize, ULONG)
{
    Hash* H = FromHash(Handle);
    if (!H) {
        return STATUS_INVALID_HANDLE;
    }
    if (!Out) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Object && ObjectSize < sizeof(Hash)) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    void* Memory = win::Allocate(sizeof(Hash));
    if (!Memory) {
        return STATUS_NO_MEMORY;
    }
    *Out = new (Memory) Hash(*H);
    return STATUS_SUCCESS;
}
EXPORT NTSTATUS WINAPI BCryptDestroyHash(BCRYPT_HASH_HANDLE Handle)
{
    Hash* H = FromHash(Handle);
    if (!H) {
        return STATUS_INVALID_HANDLE;
    }
    crypto::Wipe(H, sizeof(*H));
    win::Free(H);
    return STATUS_SUCCESS;
}
EXPORT NTSTATUS WINAPI BCryptHash(BCRYPT_ALG_HANDLE Handle, PUCHAR Secret, ULONG SecretSize, PUCHAR In, ULONG InSize, PUCHAR Out,
                                  ULONG OutSize)
{
    BCRYPT_HASH_HANDLE H;
    NTSTATUS Status = BCryptCreateHash(Handle, &H, nullptr, 0, Secret, SecretSize, 0);
    if (Status) {
        return Status;
    }
    Status = BCryptHashData(H, In, InSize, 0);
    if (!Status) {
        Status = BCryptFinishHash(H, Out, OutSize, 0);
    }
    BCryptDestroyHash(H);
    return Status;
}

EXPORT NTSTATUS WINAPI BCryptDeriveKeyPBKDF2(BCRYPT_ALG_HANDLE Prf, PUCHAR Password, ULONG PasswordSize, PUCHAR Salt, ULONG SaltSize,
                                             ULONGLONG Rounds, PUCHAR Out, ULONG OutSize, ULONG)
{
    Algorithm* A = FromHandle(Prf);
    if (!A || !IsHash(A->Kind) || !A->Hmac) {
        return STATUS_INVALID_HANDLE;
    }
    if (!Rounds || !Out || !OutSize || (PasswordSize && !Password) || (SaltSize && !Salt)) {
        return STATUS_INVALID_PARAMETER;
    }
    ForHash(A->Kind, [&]<typename T>(T) { crypto::Pbkdf2<T>(Password, PasswordSize, Salt, SaltSize, Rounds, Out, OutSize); });
    return STATUS_SUCCESS;
}
