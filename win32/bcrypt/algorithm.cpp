// Algorithm providers, their properties, and random numbers.
#include <new>

#include "win32/bcrypt/objects.hpp"
#include "win32/common/entropy.hpp"

namespace bc {
namespace {

struct Row {
    Id Kind;
    const WCHAR* Name;
    ULONG Class, Operation;
    u16 Digest, Block;
    u8 Pseudo, PseudoHmac; // (handle - 1) / 16; 0xFF: none
};
const Row Rows[] = {
    { Id::Md4, L"MD4", BCRYPT_HASH_INTERFACE, BCRYPT_HASH_OPERATION, 16, 64, 0x01, 0x13 },
    { Id::Md5, L"MD5", BCRYPT_HASH_INTERFACE, BCRYPT_HASH_OPERATION, 16, 64, 0x02, 0x09 },
    { Id::Sha1, L"SHA1", BCRYPT_HASH_INTERFACE, BCRYPT_HASH_OPERATION, 20, 64, 0x03, 0x0A },
    { Id::Sha256, L"SHA256", BCRYPT_HASH_INTERFACE, BCRYPT_HASH_OPERATION, 32, 64, 0x04, 0x0B },
    { Id::Sha384, L"SHA384", BCRYPT_HASH_INTERFACE, BCRYPT_HASH_OPERATION, 48, 128, 0x05, 0x0C },
    { Id::Sha512, L"SHA512", BCRYPT_HASH_INTERFACE, BCRYPT_HASH_OPERATION, 64, 128, 0x06, 0x0D },
    { Id::Aes, L"AES", BCRYPT_CIPHER_INTERFACE, BCRYPT_CIPHER_OPERATION, 0, 16, 0xFF, 0xFF },
    { Id::Rng, L"RNG", BCRYPT_RNG_INTERFACE, BCRYPT_RNG_OPERATION, 0, 0, 0x08, 0xFF },
    { Id::Pbkdf2, L"PBKDF2", 7 /* key derivation */, 0x40, 0, 0, 0x33, 0xFF },
};
const WCHAR* const ModeNames[] = { BCRYPT_CHAIN_MODE_CBC, BCRYPT_CHAIN_MODE_ECB, BCRYPT_CHAIN_MODE_CFB, BCRYPT_CHAIN_MODE_GCM };

const Row& RowOf(Id Kind)
{
    for (const Row& R : Rows) {
        if (R.Kind == Kind) {
            return R;
        }
    }
    __builtin_unreachable();
}

// The pseudo handles' objects: made once, never freed.
Algorithm Pseudos[sizeof(Rows) / sizeof(Rows[0]) * 2 + 4];

Algorithm* PseudoOf(ULONG_PTR Handle)
{
    if ((Handle & 0xF) != 1) {
        return nullptr;
    }
    u8 Number = u8(Handle >> 4);
    for (usize i = 0; i < sizeof(Rows) / sizeof(Rows[0]); ++i) {
        const Row& R = Rows[i];
        if (R.Pseudo == Number || R.PseudoHmac == Number) {
            bool Hmac = R.Pseudo != Number;
            Algorithm& A = Pseudos[2 * i + Hmac];
            A.Kind = R.Kind;
            A.Hmac = Hmac;
            A.Pseudo = true;
            return &A;
        }
    }
    // AES comes with its mode: CBC 0x1A, ECB 0x1B, CFB 0x1C, GCM 0x1E.
    static constexpr u8 AesNumbers[] = { 0x1A, 0x1B, 0x1C, 0x1E };
    for (usize i = 0; i < 4; ++i) {
        if (Number == AesNumbers[i]) {
            Algorithm& A = Pseudos[sizeof(Rows) / sizeof(Rows[0]) * 2 + i];
            A.Kind = Id::Aes;
            A.Chaining = Mode(i);
            A.Pseudo = true;
            return &A;
        }
    }
    return nullptr;
}

}

usize DigestSize(Id Kind) { return RowOf(Kind).Digest; }
usize BlockSize(Id Kind) { return RowOf(Kind).Block; }
const WCHAR* NameOf(Id Kind) { return RowOf(Kind).Name; }
const WCHAR* NameOf(Mode Chaining) { return ModeNames[usize(Chaining)]; }
bool SameName(const WCHAR* A, const WCHAR* B) { return lstrcmpiW(A, B) == 0; }

Algorithm* FromHandle(BCRYPT_ALG_HANDLE Handle)
{
    if (ULONG_PTR(Handle) < 0x1000) {
        return PseudoOf(ULONG_PTR(Handle));
    }
    auto A = static_cast<Algorithm*>(Handle);
    return A->Magic == AlgorithmMagic ? A : nullptr;
}

NTSTATUS Give(const void* From, ULONG Size, PUCHAR Out, ULONG Room, ULONG* Result)
{
    if (!Result) {
        return STATUS_INVALID_PARAMETER;
    }
    *Result = Size;
    if (!Out) {
        return STATUS_SUCCESS;
    }
    if (Room < Size) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    __builtin_memcpy(Out, From, Size);
    return STATUS_SUCCESS;
}

namespace {

NTSTATUS GiveText(const WCHAR* Text, PUCHAR Out, ULONG Room, ULONG* Result)
{
    return Give(Text, ULONG((win::Length(Text) + 1) * sizeof(WCHAR)), Out, Room, Result);
}
NTSTATUS GiveNumber(ULONG Value, PUCHAR Out, ULONG Room, ULONG* Result) { return Give(&Value, sizeof(Value), Out, Room, Result); }

// What a key, a hash and an algorithm answer alike.
NTSTATUS Common(Id Kind, bool Hmac, const WCHAR* Name, PUCHAR Out, ULONG Room, ULONG* Result)
{
    if (SameName(Name, BCRYPT_ALGORITHM_NAME)) {
        return GiveText(NameOf(Kind), Out, Room, Result);
    }
    if (IsHash(Kind)) {
        if (SameName(Name, BCRYPT_HASH_LENGTH)) {
            return GiveNumber(ULONG(DigestSize(Kind)), Out, Room, Result);
        }
        if (SameName(Name, BCRYPT_HASH_BLOCK_LENGTH)) {
            return GiveNumber(ULONG(BlockSize(Kind)), Out, Room, Result);
        }
        if (SameName(Name, BCRYPT_OBJECT_LENGTH)) {
            return GiveNumber(sizeof(Hash), Out, Room, Result);
        }
    }
    if (Kind == Id::Aes && SameName(Name, BCRYPT_OBJECT_LENGTH)) {
        return GiveNumber(sizeof(Key), Out, Room, Result);
    }
    return STATUS_NOT_SUPPORTED;
}

NTSTATUS Cipher(Mode Chaining, const WCHAR* Name, PUCHAR Out, ULONG Room, ULONG* Result)
{
    if (SameName(Name, BCRYPT_CHAINING_MODE)) {
        return GiveText(NameOf(Chaining), Out, Room, Result);
    }
    if (SameName(Name, BCRYPT_BLOCK_LENGTH)) {
        return GiveNumber(Chaining == Mode::Cfb ? 1 : 16, Out, Room, Result);
    }
    if (SameName(Name, BCRYPT_AUTH_TAG_LENGTH)) {
        BCRYPT_AUTH_TAG_LENGTHS_STRUCT Lengths = { 12, 16, 1 };
        return Chaining == Mode::Gcm ? Give(&Lengths, sizeof(Lengths), Out, Room, Result) : STATUS_NOT_SUPPORTED;
    }
    if (SameName(Name, BCRYPT_KEY_LENGTHS)) {
        BCRYPT_KEY_LENGTHS_STRUCT Lengths = { 128, 256, 64 };
        return Give(&Lengths, sizeof(Lengths), Out, Room, Result);
    }
    return STATUS_NOT_SUPPORTED;
}

bool ModeFrom(const void* Text, ULONG Size, Mode& Out)
{
    for (usize i = 0; i < 4; ++i) {
        if (Size >= (win::Length(ModeNames[i]) + 1) * sizeof(WCHAR) && SameName(static_cast<const WCHAR*>(Text), ModeNames[i])) {
            Out = Mode(i);
            return true;
        }
    }
    return false;
}

}
}

using namespace bc;

EXPORT NTSTATUS WINAPI BCryptOpenAlgorithmProvider(BCRYPT_ALG_HANDLE* Out, LPCWSTR Name, LPCWSTR, ULONG Flags)
{
    constexpr ULONG Known = BCRYPT_ALG_HANDLE_HMAC_FLAG | BCRYPT_HASH_REUSABLE_FLAG | BCRYPT_PROV_DISPATCH;
    if (!Out || !Name || (Flags & ~Known)) {
        return STATUS_INVALID_PARAMETER;
    }
    for (const Row& R : Rows) {
        if (!SameName(R.Name, Name)) {
            continue;
        }
        bool Hmac = Flags & BCRYPT_ALG_HANDLE_HMAC_FLAG;
        if (Hmac && !IsHash(R.Kind)) {
            return STATUS_INVALID_PARAMETER;
        }
        void* Memory = win::Allocate(sizeof(Algorithm));
        if (!Memory) {
            return STATUS_NO_MEMORY;
        }
        *Out = new (Memory) Algorithm { AlgorithmMagic, R.Kind, Hmac, (Flags & BCRYPT_HASH_REUSABLE_FLAG) != 0, false, Mode::Cbc };
        return STATUS_SUCCESS;
    }
    return STATUS_NOT_FOUND;
}
EXPORT NTSTATUS WINAPI BCryptCloseAlgorithmProvider(BCRYPT_ALG_HANDLE Handle, ULONG)
{
    Algorithm* A = FromHandle(Handle);
    if (!A) {
        return STATUS_INVALID_HANDLE;
    }
    if (!A->Pseudo) {
        A->Magic = 0;
        win::Free(A);
    }
    return STATUS_SUCCESS;
}

EXPORT NTSTATUS WINAPI BCryptGetProperty(BCRYPT_HANDLE Handle, LPCWSTR Name, PUCHAR Out, ULONG Room, ULONG* Result, ULONG)
{
    if (!Handle) {
        return STATUS_INVALID_HANDLE;
    }
    if (!Name || !Result) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Algorithm* A = FromHandle(Handle)) {
        NTSTATUS Status = Common(A->Kind, A->Hmac, Name, Out, Room, Result);
        return Status == STATUS_NOT_SUPPORTED && A->Kind == Id::Aes ? Cipher(A->Chaining, Name, Out, Room, Result) : Status;
    }
    if (ULONG_PTR(Handle) < 0x1000) {
        return STATUS_INVALID_HANDLE;
    }
    if (auto H = static_cast<Hash*>(Handle); H->Magic == HashMagic) {
        return Common(H->Now.Kind, H->Now.Hmac, Name, Out, Room, Result);
    }
    if (auto K = static_cast<Key*>(Handle); K->Magic == KeyMagic) {
        if (SameName(Name, BCRYPT_KEY_LENGTH) || SameName(Name, BCRYPT_KEY_STRENGTH)) {
            return GiveNumber(K->Size * 8u, Out, Room, Result);
        }
        if (SameName(Name, BCRYPT_INITIALIZATION_VECTOR)) {
            return Give(K->Iv, 16, Out, Room, Result);
        }
        NTSTATUS Status = Common(Id::Aes, false, Name, Out, Room, Result);
        return Status == STATUS_NOT_SUPPORTED ? Cipher(K->Chaining, Name, Out, Room, Result) : Status;
    }
    return STATUS_INVALID_HANDLE;
}

EXPORT NTSTATUS WINAPI BCryptSetProperty(BCRYPT_HANDLE Handle, LPCWSTR Name, PUCHAR Value, ULONG Size, ULONG)
{
    if (!Handle) {
        return STATUS_INVALID_HANDLE;
    }
    if (!Name || !Value) {
        return STATUS_INVALID_PARAMETER;
    }
    Mode Chaining;
    if (Algorithm* A = FromHandle(Handle)) {
        if (A->Kind != Id::Aes || !SameName(Name, BCRYPT_CHAINING_MODE) || A->Pseudo) {
            return STATUS_NOT_SUPPORTED;
        }
        if (!ModeFrom(Value, Size, Chaining)) {
            return STATUS_NOT_SUPPORTED;
        }
        A->Chaining = Chaining;
        return STATUS_SUCCESS;
    }
    auto K = static_cast<Key*>(Handle);
    if (ULONG_PTR(Handle) < 0x1000 || K->Magic != KeyMagic) {
        return STATUS_INVALID_HANDLE;
    }
    if (SameName(Name, BCRYPT_CHAINING_MODE)) {
        if (!ModeFrom(Value, Size, Chaining)) {
            return STATUS_NOT_SUPPORTED;
        }
        K->Chaining = Chaining;
        return STATUS_SUCCESS;
    }
    if (SameName(Name, BCRYPT_INITIALIZATION_VECTOR)) {
        if (Size != 16) {
            return STATUS_INVALID_PARAMETER;
        }
        __builtin_memcpy(K->Iv, Value, 16);
        return STATUS_SUCCESS;
    }
    // CFB feeds back one byte, or the whole block, which is not here.
    if (SameName(Name, BCRYPT_MESSAGE_BLOCK_LENGTH)) {
        return Size == 4 && *reinterpret_cast<ULONG*>(Value) == 1 ? STATUS_SUCCESS : STATUS_NOT_SUPPORTED;
    }
    return STATUS_NOT_SUPPORTED;
}

EXPORT NTSTATUS WINAPI BCryptGenRandom(BCRYPT_ALG_HANDLE Handle, PUCHAR Out, ULONG Size, ULONG Flags)
{
    if (!Handle) {
        if (!(Flags & BCRYPT_USE_SYSTEM_PREFERRED_RNG)) {
            return STATUS_INVALID_HANDLE;
        }
    } else {
        Algorithm* A = FromHandle(Handle);
        if (!A || A->Kind != Id::Rng) {
            return STATUS_INVALID_HANDLE;
        }
    }
    if (Flags & ~ULONG(BCRYPT_USE_SYSTEM_PREFERRED_RNG | BCRYPT_RNG_USE_ENTROPY_IN_BUFFER)) {
        return STATUS_INVALID_PARAMETER;
    }
    if (!Out && Size) {
        return STATUS_INVALID_PARAMETER;
    }
    return RandomBytes(Out, Size) ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

EXPORT NTSTATUS WINAPI BCryptEnumAlgorithms(ULONG Operations, ULONG* Count, BCRYPT_ALGORITHM_IDENTIFIER** Out, ULONG)
{
    constexpr ULONG Known = BCRYPT_CIPHER_OPERATION | BCRYPT_HASH_OPERATION | BCRYPT_ASYMMETRIC_ENCRYPTION_OPERATION |
                            BCRYPT_SECRET_AGREEMENT_OPERATION | BCRYPT_SIGNATURE_OPERATION | BCRYPT_RNG_OPERATION | 0x40;
    if (!Count || !Out || !Operations || (Operations & ~Known)) {
        return STATUS_INVALID_PARAMETER;
    }
    auto List =
        static_cast<BCRYPT_ALGORITHM_IDENTIFIER*>(win::Allocate(sizeof(Rows) / sizeof(Rows[0]) * sizeof(BCRYPT_ALGORITHM_IDENTIFIER)));
    if (!List) {
        return STATUS_NO_MEMORY;
    }
    *Count = 0;
    for (const Row& R : Rows) {
        if (R.Operation & Operations) {
            List[(*Count)++] = { const_cast<LPWSTR>(R.Name), R.Class, 0 };
        }
    }
    *Out = List;
    return STATUS_SUCCESS;
}
EXPORT void WINAPI BCryptFreeBuffer(PVOID Memory) { win::Free(Memory); }
EXPORT NTSTATUS WINAPI BCryptGetFipsAlgorithmMode(BOOLEAN* Out)
{
    if (!Out) {
        return STATUS_INVALID_PARAMETER;
    }
    *Out = FALSE;
    return STATUS_SUCCESS;
}
