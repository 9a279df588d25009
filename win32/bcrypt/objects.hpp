// What bcrypt's handles point to. A handle's first word tells its kind, so that a wrong handle is an error and no crash.
#pragma once
#include "win32/common/win.hpp"

#include <bcrypt.h>

#include "win32/crypto/aes.hpp"
#include "win32/crypto/kdf.hpp"

namespace bc {

enum class Id : u8 { Md4, Md5, Sha1, Sha256, Sha384, Sha512, Aes, Rng, Pbkdf2 };
enum class Mode : u8 { Cbc, Ecb, Cfb, Gcm };

inline constexpr u32 AlgorithmMagic = 0x414C4742, HashMagic = 0x48534842, KeyMagic = 0x4B455942;

struct Algorithm {
    u32 Magic = AlgorithmMagic;
    Id Kind;
    bool Hmac = false, Reusable = false, Pseudo = false;
    Mode Chaining = Mode::Cbc;
};

// One running hash or HMAC of any kind; copying it copies the state.
struct HashState {
    union {
        crypto::Md4 Md4;
        crypto::Md5 Md5;
        crypto::Sha1 Sha1;
        crypto::Sha256 Sha256;
        crypto::Sha384 Sha384;
        crypto::Sha512 Sha512;
        crypto::Hmac<crypto::Md4> HmacMd4;
        crypto::Hmac<crypto::Md5> HmacMd5;
        crypto::Hmac<crypto::Sha1> HmacSha1;
        crypto::Hmac<crypto::Sha256> HmacSha256;
        crypto::Hmac<crypto::Sha384> HmacSha384;
        crypto::Hmac<crypto::Sha512> HmacSha512;
    };
    Id Kind;
    bool Hmac;

    HashState(Id Which, bool Keyed, const u8* Key, usize KeySize);
    void Update(const void* Data, usize Size);
    void Finish(u8* Out);
};

struct Hash {
    u32 Magic = HashMagic;
    bool Reusable;
    bool Finished = false;
    HashState Start, Now;
};

struct Key {
    u32 Magic = KeyMagic;
    Mode Chaining;
    u8 Size;
    u8 Secret[32];
    u8 Iv[16];
    crypto::Aes Cipher;
    bool GcmRunning = false;
    crypto::Gcm Gcm;
};

usize DigestSize(Id Kind);
usize BlockSize(Id Kind);
inline bool IsHash(Id Kind) { return Kind <= Id::Sha512; }
const WCHAR* NameOf(Id Kind);
const WCHAR* NameOf(Mode Chaining);

// Null for what is no algorithm handle; knows the pseudo handles.
Algorithm* FromHandle(BCRYPT_ALG_HANDLE Handle);
bool SameName(const WCHAR* A, const WCHAR* B);

// Property values: copies Size bytes to Out or says how many it would be.
NTSTATUS Give(const void* From, ULONG Size, PUCHAR Out, ULONG Room, ULONG* Result);

}
