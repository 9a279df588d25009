// AES (FIPS 197) and the modes CBC, CFB8 and GCM (SP 800-38A, 800-38D); tables of 256 bytes only, so that the cache tells
// little about the key.
#pragma once
#include "lib/core/types.hpp"

namespace crypto {

class Aes {
public:
    static constexpr usize BlockSize = 16;

    // 16, 24 or 32 bytes of key; false for another length.
    bool SetKey(const u8* Key, usize Size);
    void Encrypt(const u8* In, u8* Out) const; // In and Out may be the same
    void Decrypt(const u8* In, u8* Out) const;

private:
    u8 Round_[15][16];
    int Rounds_ = 0;
};

// Whole blocks; Iv is updated to what the next call goes on with. In and Out may be the same.
void CbcEncrypt(const Aes& Cipher, u8* Iv, const u8* In, u8* Out, usize Size);
void CbcDecrypt(const Aes& Cipher, u8* Iv, const u8* In, u8* Out, usize Size);
// Any size, eight bits of feedback.
void Cfb8Encrypt(const Aes& Cipher, u8* Iv, const u8* In, u8* Out, usize Size);
void Cfb8Decrypt(const Aes& Cipher, u8* Iv, const u8* In, u8* Out, usize Size);

// Galois/counter mode: nonce and associated data first, then any number of pieces, then the tag.
class Gcm {
public:
    void Start(const Aes& Cipher, const u8* Nonce, usize NonceSize, const u8* Associated, usize AssociatedSize);
    void Encrypt(const u8* In, u8* Out, usize Size);
    void Decrypt(const u8* In, u8* Out, usize Size);
    void Tag(u8* Out); // 16 bytes

private:
    void Multiply(u8* Value) const;
    void Hash(const u8* Data, usize Size);
    void Stream(const u8* In, u8* Out, usize Size);

    const Aes* Cipher_ = nullptr;
    u8 Key_[16], First_[16], Counter_[16], Pad_[16], Sum_[16];
    usize PadUsed_ = 16, PartialUsed_ = 0;
    u64 AssociatedBits_ = 0, DataBits_ = 0;
};

}
