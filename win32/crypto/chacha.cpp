#include "win32/crypto/chacha.hpp"

#include "win32/crypto/bytes.hpp"

namespace crypto {
namespace {

void Quarter(u32& A, u32& B, u32& C, u32& D)
{
    A += B, D = RotateLeft(D ^ A, 16);
    C += D, B = RotateLeft(B ^ C, 12);
    A += B, D = RotateLeft(D ^ A, 8);
    C += D, B = RotateLeft(B ^ C, 7);
}

}

void ChaChaBlock(const u8* Key, u32 Counter, const u8* Nonce, u8* Out)
{
    u32 Start[16] = { 0x61707865, 0x3320646E, 0x79622D32, 0x6B206574 };
    for (int i = 0; i < 8; ++i) {
        Start[4 + i] = LoadLittle<u32>(Key + 4 * i);
    }
    Start[12] = Counter;
    for (int i = 0; i < 3; ++i) {
        Start[13 + i] = LoadLittle<u32>(Nonce + 4 * i);
    }
    u32 X[16];
    for (int i = 0; i < 16; ++i) {
        X[i] = Start[i];
    }
    for (int Round = 0; Round < 10; ++Round) {
        for (int i = 0; i < 4; ++i) {
            Quarter(X[i], X[4 + i], X[8 + i], X[12 + i]);
        }
        for (int i = 0; i < 4; ++i) {
            Quarter(X[i], X[4 + (i + 1) % 4], X[8 + (i + 2) % 4], X[12 + (i + 3) % 4]);
        }
    }
    for (int i = 0; i < 16; ++i) {
        StoreLittle(Out + 4 * i, X[i] + Start[i]);
    }
    Wipe(X, sizeof(X));
    Wipe(Start, sizeof(Start));
}

void Generator::Reseed(const u8* Digest)
{
    for (usize i = 0; i < 32; ++i) {
        Key_[i] = u8(Key_[i] ^ Digest[i]);
    }
    // The other half goes through the block function, so that both halves matter in every bit.
    u8 Block[64];
    ChaChaBlock(Key_, LoadLittle<u32>(Digest + 44), Digest + 32, Block);
    for (usize i = 0; i < 32; ++i) {
        Key_[i] = u8(Block[i] ^ Digest[32 + i]);
    }
    Wipe(Block, sizeof(Block));
    Given_ = 0;
}

void Generator::Fill(u8* Out, usize Size)
{
    static constexpr u8 Nonce[12] = {};
    u8 Block[64];
    Given_ += Size;
    // A long request is cut so that the counter never wraps and the key changes on the way.
    while (Size) {
        usize Part = Size < 1 * MiB ? Size : 1 * MiB;
        Size -= Part;
        ChaChaBlock(Key_, 0, Nonce, Block);
        u8 Next[32];
        for (usize i = 0; i < 32; ++i) {
            Next[i] = Block[i];
        }
        usize Used = 32;
        u32 Counter = 1;
        while (Part) {
            if (Used == 64) {
                ChaChaBlock(Key_, Counter++, Nonce, Block);
                Used = 0;
            }
            *Out++ = Block[Used++];
            --Part;
        }
        for (usize i = 0; i < 32; ++i) {
            Key_[i] = Next[i];
        }
        Wipe(Next, sizeof(Next));
    }
    Wipe(Block, sizeof(Block));
}

}
