// SHA-1 and SHA-256 (FIPS 180-4).
#include "win32/crypto/bytes.hpp"
#include "win32/crypto/hash.hpp"

namespace crypto {
namespace {

constexpr u32 Constants[64] = {
    0x428A2F98, 0x71374491, 0xB5C0FBCF, 0xE9B5DBA5, 0x3956C25B, 0x59F111F1, 0x923F82A4, 0xAB1C5ED5, 0xD807AA98, 0x12835B01, 0x243185BE,
    0x550C7DC3, 0x72BE5D74, 0x80DEB1FE, 0x9BDC06A7, 0xC19BF174, 0xE49B69C1, 0xEFBE4786, 0x0FC19DC6, 0x240CA1CC, 0x2DE92C6F, 0x4A7484AA,
    0x5CB0A9DC, 0x76F988DA, 0x983E5152, 0xA831C66D, 0xB00327C8, 0xBF597FC7, 0xC6E00BF3, 0xD5A79147, 0x06CA6351, 0x14292967, 0x27B70A85,
    0x2E1B2138, 0x4D2C6DFC, 0x53380D13, 0x650A7354, 0x766A0ABB, 0x81C2C92E, 0x92722C85, 0xA2BFE8A1, 0xA81A664B, 0xC24B8B70, 0xC76C51A3,
    0xD192E819, 0xD6990624, 0xF40E3585, 0x106AA070, 0x19A4C116, 0x1E376C08, 0x2748774C, 0x34B0BCB5, 0x391C0CB3, 0x4ED8AA4A, 0x5B9CCA4F,
    0x682E6FF3, 0x748F82EE, 0x78A5636F, 0x84C87814, 0x8CC70208, 0x90BEFFFA, 0xA4506CEB, 0xBEF9A3F7, 0xC67178F2,
};

}

void Sha1::Compress(const u8* Block)
{
    u32 W[80];
    for (int i = 0; i < 16; ++i) {
        W[i] = LoadBig<u32>(Block + 4 * i);
    }
    for (int i = 16; i < 80; ++i) {
        W[i] = RotateLeft(W[i - 3] ^ W[i - 8] ^ W[i - 14] ^ W[i - 16], 1);
    }
    u32 A = State_[0], B = State_[1], C = State_[2], D = State_[3], E = State_[4];
    for (int i = 0; i < 80; ++i) {
        u32 F, K;
        if (i < 20) {
            F = (B & C) | (~B & D), K = 0x5A827999;
        } else if (i < 40) {
            F = B ^ C ^ D, K = 0x6ED9EBA1;
        } else if (i < 60) {
            F = (B & C) | (B & D) | (C & D), K = 0x8F1BBCDC;
        } else {
            F = B ^ C ^ D, K = 0xCA62C1D6;
        }
        u32 Next = RotateLeft(A, 5) + F + E + K + W[i];
        E = D, D = C, C = RotateLeft(B, 30), B = A, A = Next;
    }
    State_[0] += A, State_[1] += B, State_[2] += C, State_[3] += D, State_[4] += E;
}
void Sha1::Finish(u8* Out)
{
    Pad<8, true>();
    for (usize i = 0; i < 5; ++i) {
        StoreBig(Out + 4 * i, State_[i]);
    }
}

void Sha256::Compress(const u8* Block)
{
    u32 W[64];
    for (int i = 0; i < 16; ++i) {
        W[i] = LoadBig<u32>(Block + 4 * i);
    }
    for (int i = 16; i < 64; ++i) {
        u32 S0 = RotateRight(W[i - 15], 7) ^ RotateRight(W[i - 15], 18) ^ (W[i - 15] >> 3);
        u32 S1 = RotateRight(W[i - 2], 17) ^ RotateRight(W[i - 2], 19) ^ (W[i - 2] >> 10);
        W[i] = W[i - 16] + S0 + W[i - 7] + S1;
    }
    u32 A = State_[0], B = State_[1], C = State_[2], D = State_[3], E = State_[4], F = State_[5], G = State_[6], H = State_[7];
    for (int i = 0; i < 64; ++i) {
        u32 S1 = RotateRight(E, 6) ^ RotateRight(E, 11) ^ RotateRight(E, 25);
        u32 T1 = H + S1 + ((E & F) ^ (~E & G)) + Constants[i] + W[i];
        u32 S0 = RotateRight(A, 2) ^ RotateRight(A, 13) ^ RotateRight(A, 22);
        u32 T2 = S0 + ((A & B) ^ (A & C) ^ (B & C));
        H = G, G = F, F = E, E = D + T1, D = C, C = B, B = A, A = T1 + T2;
    }
    State_[0] += A, State_[1] += B, State_[2] += C, State_[3] += D;
    State_[4] += E, State_[5] += F, State_[6] += G, State_[7] += H;
}
void Sha256::Finish(u8* Out)
{
    Pad<8, true>();
    for (usize i = 0; i < 8; ++i) {
        StoreBig(Out + 4 * i, State_[i]);
    }
}

}
