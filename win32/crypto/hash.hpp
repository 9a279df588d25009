// Hash functions with one shape: a state that can be copied, Update any number of times, Finish once.
#pragma once
#include "lib/core/types.hpp"

namespace crypto {

inline constexpr usize MaxDigest = 64, MaxBlock = 144;

// Collects input into blocks of Derived::BlockSize bytes and gives them to Derived::Compress.
template <typename Derived, usize Block> class BlockHash {
public:
    static constexpr usize BlockSize = Block;

    void Update(const void* Data, usize Size)
    {
        auto Bytes = static_cast<const u8*>(Data);
        Total_ += Size;
        while (Size) {
            if (Used_ == 0 && Size >= Block) {
                static_cast<Derived*>(this)->Compress(Bytes);
                Bytes += Block;
                Size -= Block;
                continue;
            }
            Buffer_[Used_++] = *Bytes++;
            --Size;
            if (Used_ == Block) {
                static_cast<Derived*>(this)->Compress(Buffer_);
                Used_ = 0;
            }
        }
    }

protected:
    // The MD4 family's end: a one bit, zeros, the length in bits in the last LengthSize bytes.
    template <usize LengthSize, bool Big> void Pad()
    {
        u64 Bits = Total_ * 8;
        u8 One = 0x80, Zero = 0;
        Update(&One, 1);
        while (Used_ != Block - LengthSize) {
            Update(&Zero, 1);
        }
        u8 Length[16] = {};
        for (usize i = 0; i < 8; ++i) {
            Length[Big ? LengthSize - 1 - i : i] = u8(Bits >> (8 * i));
        }
        Update(Length, LengthSize);
    }

private:
    u64 Total_ = 0;
    usize Used_ = 0;
    u8 Buffer_[Block];
};

class Md4 : public BlockHash<Md4, 64> {
public:
    static constexpr usize DigestSize = 16;
    void Finish(u8* Out);
    void Compress(const u8* Block);

private:
    u32 State_[4] = { 0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476 };
};

class Md5 : public BlockHash<Md5, 64> {
public:
    static constexpr usize DigestSize = 16;
    void Finish(u8* Out);
    void Compress(const u8* Block);

private:
    u32 State_[4] = { 0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476 };
};

class Sha1 : public BlockHash<Sha1, 64> {
public:
    static constexpr usize DigestSize = 20;
    void Finish(u8* Out);
    void Compress(const u8* Block);

private:
    u32 State_[5] = { 0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0 };
};

class Sha256 : public BlockHash<Sha256, 64> {
public:
    static constexpr usize DigestSize = 32;
    void Finish(u8* Out);
    void Compress(const u8* Block);

private:
    u32 State_[8] = { 0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19 };
};

class Sha512 : public BlockHash<Sha512, 128> {
public:
    static constexpr usize DigestSize = 64;
    Sha512() = default;
    explicit Sha512(const u64 (&Start)[8]);
    void Finish(u8* Out);
    void Compress(const u8* Block);

protected:
    void FinishPart(u8* Out, usize Size);

private:
    u64 State_[8] = { 0x6A09E667F3BCC908, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B, 0xA54FF53A5F1D36F1,
                      0x510E527FADE682D1, 0x9B05688C2B3E6C1F, 0x1F83D9ABFB41BD6B, 0x5BE0CD19137E2179 };
};

class Sha384 : public Sha512 {
public:
    static constexpr usize DigestSize = 48;
    Sha384();
    void Finish(u8* Out) { FinishPart(Out, DigestSize); }
};

}
