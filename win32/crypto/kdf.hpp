// HMAC (RFC 2104) over any hash of hash.hpp, and what is built on it: PBKDF2 (RFC 8018) and HKDF (RFC 5869).
#pragma once
#include "win32/crypto/bytes.hpp"
#include "win32/crypto/hash.hpp"

namespace crypto {

template <typename Hash> class Hmac {
public:
    static constexpr usize DigestSize = Hash::DigestSize;

    Hmac(const u8* Key, usize Size)
    {
        u8 Block[Hash::BlockSize] = {};
        if (Size > Hash::BlockSize) {
            Hash Long;
            Long.Update(Key, Size);
            Long.Finish(Block);
        } else {
            for (usize i = 0; i < Size; ++i) {
                Block[i] = Key[i];
            }
        }
        for (u8& Byte : Block) {
            Byte = u8(Byte ^ 0x36);
        }
        Inner_.Update(Block, sizeof(Block));
        for (u8& Byte : Block) {
            Byte = u8(Byte ^ 0x36 ^ 0x5C);
        }
        Outer_.Update(Block, sizeof(Block));
        Wipe(Block, sizeof(Block));
    }
    void Update(const void* Data, usize Size) { Inner_.Update(Data, Size); }
    void Finish(u8* Out)
    {
        u8 Digest[Hash::DigestSize];
        Inner_.Finish(Digest);
        Outer_.Update(Digest, sizeof(Digest));
        Outer_.Finish(Out);
    }

private:
    Hash Inner_, Outer_;
};

template <typename Hash>
void Pbkdf2(const u8* Password, usize PasswordSize, const u8* Salt, usize SaltSize, u64 Rounds, u8* Out, usize Size)
{
    const Hmac<Hash> Keyed(Password, PasswordSize);
    for (u32 Block = 1; Size; ++Block) {
        u8 Number[4], U[Hash::DigestSize], T[Hash::DigestSize];
        StoreBig(Number, Block);
        Hmac<Hash> First = Keyed;
        First.Update(Salt, SaltSize);
        First.Update(Number, 4);
        First.Finish(U);
        for (usize i = 0; i < sizeof(T); ++i) {
            T[i] = U[i];
        }
        for (u64 Round = 1; Round < Rounds; ++Round) {
            Hmac<Hash> Next = Keyed;
            Next.Update(U, sizeof(U));
            Next.Finish(U);
            for (usize i = 0; i < sizeof(T); ++i) {
                T[i] = u8(T[i] ^ U[i]);
            }
        }
        usize Part = Size < sizeof(T) ? Size : sizeof(T);
        for (usize i = 0; i < Part; ++i) {
            *Out++ = T[i];
        }
        Size -= Part;
        Wipe(T, sizeof(T));
        Wipe(U, sizeof(U));
    }
}

}
