// AES keys: making, copying, encrypting and decrypting.
#include <new>

#include "win32/bcrypt/objects.hpp"

using namespace bc;

namespace {

Key* FromKey(BCRYPT_KEY_HANDLE Handle)
{
    auto K = static_cast<Key*>(Handle);
    return ULONG_PTR(Handle) >= 0x1000 && K->Magic == KeyMagic ? K : nullptr;
}

NTSTATUS Make(Mode Chaining, const u8* Secret, ULONG Size, const void* Object, ULONG ObjectSize, BCRYPT_KEY_HANDLE* Out)
{
    if (!Out || !Secret || (Size != 16 && Size != 24 && Size != 32)) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Object && ObjectSize < sizeof(Key)) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    void* Memory = win::Allocate(sizeof(Key));
    if (!Memory) {
        return STATUS_NO_MEMORY;
    }
    Key* K = new (Memory) Key;
    K->Chaining = Chaining;
    K->Size = u8(Size);
    __builtin_memcpy(K->Secret, Secret, Size);
    __builtin_memset(K->Iv, 0, sizeof(K->Iv));
    K->Cipher.SetKey(Secret, Size);
    *Out = K;
    return STATUS_SUCCESS;
}

NTSTATUS Authenticated(Key& K, bool Encrypt, const u8* In, ULONG Size, BCRYPT_AUTHENTICATED_CIPHER_MODE_INFO* Info, u8* Out, ULONG Room,
                       ULONG* Result)
{
    if (!Info || Info->cbSize != sizeof(*Info) || Info->dwInfoVersion != 1) {
        return STATUS_INVALID_PARAMETER;
    }
    *Result = Size;
    if (!Out && Size) {
        return STATUS_SUCCESS;
    }
    if (Room < Size) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    bool Chained = Info->dwFlags & BCRYPT_AUTH_MODE_CHAIN_CALLS_FLAG;
    if (!K.GcmRunning) {
        if (!Info->pbNonce || !Info->cbNonce) {
            return STATUS_INVALID_PARAMETER;
        }
        K.Gcm.Start(K.Cipher, Info->pbNonce, Info->cbNonce, Info->pbAuthData, Info->pbAuthData ? Info->cbAuthData : 0);
    }
    if (!Chained && (!Info->pbTag || Info->cbTag < 12 || Info->cbTag > 16)) {
        K.GcmRunning = false;
        return STATUS_INVALID_PARAMETER;
    }
    Encrypt ? K.Gcm.Encrypt(In, Out, Size) : K.Gcm.Decrypt(In, Out, Size);
    K.GcmRunning = Chained;
    if (Chained) {
        return STATUS_SUCCESS;
    }
    u8 Tag[16];
    K.Gcm.Tag(Tag);
    if (Encrypt) {
        __builtin_memcpy(Info->pbTag, Tag, Info->cbTag);
        return STATUS_SUCCESS;
    }
    if (!crypto::SameBytes(Tag, Info->pbTag, Info->cbTag)) {
        crypto::Wipe(Out, Size);
        return NTSTATUS(0xC000A002); // STATUS_AUTH_TAG_MISMATCH
    }
    return STATUS_SUCCESS;
}

NTSTATUS Crypt(BCRYPT_KEY_HANDLE Handle, bool Encrypt, PUCHAR In, ULONG Size, void* Padding, PUCHAR Iv, ULONG IvSize, PUCHAR Out,
               ULONG Room, ULONG* Result, ULONG Flags)
{
    Key* K = FromKey(Handle);
    if (!K) {
        return STATUS_INVALID_HANDLE;
    }
    if (!Result || (Size && !In) || (Flags & ~ULONG(BCRYPT_BLOCK_PADDING))) {
        return STATUS_INVALID_PARAMETER;
    }
    if (K->Chaining == Mode::Gcm) {
        return Flags
                   ? STATUS_INVALID_PARAMETER
                   : Authenticated(*K, Encrypt, In, Size, static_cast<BCRYPT_AUTHENTICATED_CIPHER_MODE_INFO*>(Padding), Out, Room, Result);
    }
    bool Pad = Flags & BCRYPT_BLOCK_PADDING;
    bool Blocks = K->Chaining != Mode::Cfb;
    ULONG Needed = Blocks && Pad && Encrypt ? (Size / 16 + 1) * 16 : Size;
    *Result = Needed;
    if (Blocks && Size % 16 && !(Pad && Encrypt)) {
        return STATUS_INVALID_BUFFER_SIZE;
    }
    if (Iv && (K->Chaining == Mode::Ecb || IvSize < 16)) {
        return STATUS_INVALID_PARAMETER;
    }
    if (!Out) {
        return STATUS_SUCCESS;
    }
    if (Room < Needed && !(Pad && !Encrypt)) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    // Without a vector of its own a call goes on from the key's.
    u8* Vector = Iv ? Iv : K->Iv;
    if (K->Chaining == Mode::Cfb) {
        Encrypt ? crypto::Cfb8Encrypt(K->Cipher, Vector, In, Out, Size) : crypto::Cfb8Decrypt(K->Cipher, Vector, In, Out, Size);
        return STATUS_SUCCESS;
    }
    auto Some = [&](const u8* From, u8* To, ULONG Count) {
        if (K->Chaining == Mode::Cbc) {
            Encrypt ? crypto::CbcEncrypt(K->Cipher, Vector, From, To, Count) : crypto::CbcDecrypt(K->Cipher, Vector, From, To, Count);
            return;
        }
        for (ULONG At = 0; At < Count; At += 16) {
            Encrypt ? K->Cipher.Encrypt(From + At, To + At) : K->Cipher.Decrypt(From + At, To + At);
        }
    };
    if (!Pad) {
        Some(In, Out, Size);
        return STATUS_SUCCESS;
    }
    u8 Last[16];
    if (Encrypt) {
        ULONG Whole = Size / 16 * 16, Rest = Size - Whole;
        for (ULONG i = 0; i < 16; ++i) {
            Last[i] = i < Rest ? In[Whole + i] : u8(16 - Rest);
        }
        Some(In, Out, Whole);
        Some(Last, Out + Whole, 16);
        return STATUS_SUCCESS;
    }
    if (!Size) {
        return STATUS_INVALID_BUFFER_SIZE;
    }
    // The last block tells how much of it is padding; it is decrypted aside because Out may be shorter than In.
    if (Room < Size - 16) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    u8 Tail[16];
    __builtin_memcpy(Tail, In + Size - 16, 16);
    Some(In, Out, Size - 16);
    Some(Tail, Last, 16);
    u8 Count = Last[15];
    if (Count < 1 || Count > 16) {
        return STATUS_UNSUCCESSFUL;
    }
    for (int i = 16 - Count; i < 16; ++i) {
        if (Last[i] != Count) {
            return STATUS_UNSUCCESSFUL;
        }
    }
    *Result = Size - Count;
    if (Room < *Result) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    __builtin_memcpy(Out + Size - 16, Last, usize(16 - Count));
    return STATUS_SUCCESS;
}

}

EXPORT NTSTATUS WINAPI BCryptGenerateSymmetricKey(BCRYPT_ALG_HANDLE Handle, BCRYPT_KEY_HANDLE* Out, PUCHAR Object, ULONG ObjectSize,
                                                  PUCHAR Secret, ULONG SecretSize, ULONG)
{
    Algorithm* A = FromHandle(Handle);
    if (!A) {
        return STATUS_INVALID_HANDLE;
    }
    return A->Kind == Id::Aes ? Make(A->Chaining, Secret, SecretSize, Object, ObjectSize, Out) : STATUS_NOT_SUPPORTED;
}
EXPORT NTSTATUS WINAPI BCryptImportKey(BCRYPT_ALG_HANDLE Handle, BCRYPT_KEY_HANDLE Wrapping, LPCWSTR Type, BCRYPT_KEY_HANDLE* Out,
                                       PUCHAR Object, ULONG ObjectSize, PUCHAR Blob, ULONG BlobSize, ULONG)
{
    Algorithm* A = FromHandle(Handle);
    if (!A) {
        return STATUS_INVALID_HANDLE;
    }
    auto Header = reinterpret_cast<const BCRYPT_KEY_DATA_BLOB_HEADER*>(Blob);
    if (Wrapping || !Type || !SameName(Type, BCRYPT_KEY_DATA_BLOB) || A->Kind != Id::Aes) {
        return STATUS_NOT_SUPPORTED;
    }
    if (!Blob || BlobSize < sizeof(*Header) || Header->dwMagic != BCRYPT_KEY_DATA_BLOB_MAGIC ||
        Header->dwVersion != BCRYPT_KEY_DATA_BLOB_VERSION1 || Header->cbKeyData > BlobSize - sizeof(*Header)) {
        return STATUS_INVALID_PARAMETER;
    }
    return Make(A->Chaining, Blob + sizeof(*Header), Header->cbKeyData, Object, ObjectSize, Out);
}
EXPORT NTSTATUS WINAPI BCryptExportKey(BCRYPT_KEY_HANDLE Handle, BCRYPT_KEY_HANDLE Wrapping, LPCWSTR Type, PUCHAR Out, ULONG Room,
                                       ULONG* Result, ULONG)
{
    Key* K = FromKey(Handle);
    if (!K) {
        return STATUS_INVALID_HANDLE;
    }
    if (!Type || !Result) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Wrapping || !SameName(Type, BCRYPT_KEY_DATA_BLOB)) {
        return STATUS_NOT_SUPPORTED;
    }
    struct {
        BCRYPT_KEY_DATA_BLOB_HEADER Header;
        u8 Secret[32];
    } Blob = { { BCRYPT_KEY_DATA_BLOB_MAGIC, BCRYPT_KEY_DATA_BLOB_VERSION1, K->Size }, {} };
    __builtin_memcpy(Blob.Secret, K->Secret, K->Size);
    NTSTATUS Status = Give(&Blob, ULONG(sizeof(Blob.Header)) + K->Size, Out, Room, Result);
    crypto::Wipe(&Blob, sizeof(Blob));
    return Status;
}
EXPORT NTSTATUS WINAPI BCryptDuplicateKey(BCRYPT_KEY_HANDLE Handle, BCRYPT_KEY_HANDLE* Out, PUCHAR Object, ULONG ObjectSize, ULONG)
{
    Key* K = FromKey(Handle);
    if (!K) {
        return STATUS_INVALID_HANDLE;
    }
    NTSTATUS Status = Make(K->Chaining, K->Secret, K->Size, Object, ObjectSize, Out);
    if (!Status) {
        __builtin_memcpy(static_cast<Key*>(*Out)->Iv, K->Iv, sizeof(K->Iv));
    }
    return Status;
}
EXPORT NTSTATUS WINAPI BCryptDestroyKey(BCRYPT_KEY_HANDLE Handle)
{
    Key* K = FromKey(Handle);
    if (!K) {
        return STATUS_INVALID_HANDLE;
    }
    crypto::Wipe(K, sizeof(*K));
    win::Free(K);
    return STATUS_SUCCESS;
}
EXPORT NTSTATUS WINAPI BCryptEncrypt(BCRYPT_KEY_HANDLE Handle, PUCHAR In, ULONG Size, void* Padding, PUCHAR Iv, ULONG IvSize, PUCHAR Out,
                                     ULONG Room, ULONG* Result, ULONG Flags)
{
    return Crypt(Handle, true, In, Size, Padding, Iv, IvSize, Out, Room, Result, Flags);
}
EXPORT NTSTATUS WINAPI BCryptDecrypt(BCRYPT_KEY_HANDLE Handle, PUCHAR In, ULONG Size, void* Padding, PUCHAR Iv, ULONG IvSize, PUCHAR Out,
                                     ULONG Room, ULONG* Result, ULONG Flags)
{
    return Crypt(Handle, false, In, Size, Padding, Iv, IvSize, Out, Room, Result, Flags);
}
