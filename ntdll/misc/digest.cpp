// MD4, MD5 and SHA-1 with the contexts that ntdll exports (RFC 1320, RFC 1321, FIPS 180-4).
#include "ntdll/ntdll.hpp"

namespace {

struct MD_CTX {
    u32 Bits[2];
    u32 State[4];
    u8 Buffer[64];
    u8 Digest[16];
};
struct SHA_CTX {
    u32 Unknown[6];
    u32 State[5];
    u32 Count[2];           // bits, high word first
    u8 Buffer[64];
};

u32 Rotate(u32 X, u32 N) { return X << N | X >> (32 - N); }
u32 Little(const u8* P) { return u32(P[0]) | u32(P[1]) << 8 | u32(P[2]) << 16 | u32(P[3]) << 24; }
u32 Big(const u8* P) { return u32(P[3]) | u32(P[2]) << 8 | u32(P[1]) << 16 | u32(P[0]) << 24; }

void Md4(u32* S, const u8* Block)
{
    u32 X[16];
    for (u32 I = 0; I < 16; ++I)
        X[I] = Little(Block + I * 4);
    u32 V[4] = { S[0], S[1], S[2], S[3] };
    static constexpr u8 Shifts[3][4] = { { 3, 7, 11, 19 }, { 3, 5, 9, 13 }, { 3, 9, 11, 15 } };
    static constexpr u8 Order3[16] = { 0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15 };
    for (u32 I = 0; I < 48; ++I) {
        u32 Round = I / 16, J = I % 16;
        u32 &A = V[(0 - I) & 3], B = V[(1 - I) & 3], C = V[(2 - I) & 3], D = V[(3 - I) & 3];
        u32 F = Round == 0 ? (B & C) | (~B & D) : Round == 1 ? (B & C) | (B & D) | (C & D) : B ^ C ^ D;
        u32 K = Round == 0 ? J : Round == 1 ? (J % 4) * 4 + J / 4 : Order3[J];
        u32 Add = Round == 0 ? 0 : Round == 1 ? 0x5A827999 : 0x6ED9EBA1;
        A = Rotate(A + F + X[K] + Add, Shifts[Round][I & 3]);
    }
    for (u32 I = 0; I < 4; ++I)
        S[I] += V[I];
}

constexpr u32 SineTable[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501, 0x698098d8, 0x8b44f7af, 0xffff5bb1,
    0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821, 0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453,
    0xd8a1e681, 0xe7d3fbc8, 0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a, 0xfffa3942,
    0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70, 0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05,
    0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665, 0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d,
    0x85845dd1, 0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};

void Md5(u32* S, const u8* Block)
{
    u32 X[16];
    for (u32 I = 0; I < 16; ++I)
        X[I] = Little(Block + I * 4);
    u32 V[4] = { S[0], S[1], S[2], S[3] };
    static constexpr u8 Shifts[4][4] = { { 7, 12, 17, 22 }, { 5, 9, 14, 20 }, { 4, 11, 16, 23 }, { 6, 10, 15, 21 } };
    for (u32 I = 0; I < 64; ++I) {
        u32 Round = I / 16;
        u32 &A = V[(0 - I) & 3], B = V[(1 - I) & 3], C = V[(2 - I) & 3], D = V[(3 - I) & 3];
        u32 F = Round == 0 ? (B & C) | (~B & D) : Round == 1 ? (D & B) | (~D & C) : Round == 2 ? B ^ C ^ D : C ^ (B | ~D);
        u32 K = Round == 0 ? I : Round == 1 ? (5 * I + 1) & 15 : Round == 2 ? (3 * I + 5) & 15 : (7 * I) & 15;
        A = B + Rotate(A + F + X[K] + SineTable[I], Shifts[Round][I & 3]);
    }
    for (u32 I = 0; I < 4; ++I)
        S[I] += V[I];
}

void Sha1(u32* S, const u8* Block)
{
    u32 W[80];
    for (u32 I = 0; I < 16; ++I)
        W[I] = Big(Block + I * 4);
    for (u32 I = 16; I < 80; ++I)
        W[I] = Rotate(W[I - 3] ^ W[I - 8] ^ W[I - 14] ^ W[I - 16], 1);
    u32 A = S[0], B = S[1], C = S[2], D = S[3], E = S[4];
    for (u32 I = 0; I < 80; ++I) {
        u32 F = I < 20 ? (B & C) | (~B & D) : I < 40 ? B ^ C ^ D : I < 60 ? (B & C) | (B & D) | (C & D) : B ^ C ^ D;
        u32 K = I < 20 ? 0x5A827999 : I < 40 ? 0x6ED9EBA1 : I < 60 ? 0x8F1BBCDC : 0xCA62C1D6;
        u32 T = Rotate(A, 5) + F + E + K + W[I];
        E = D;
        D = C;
        C = Rotate(B, 30);
        B = A;
        A = T;
    }
    S[0] += A;
    S[1] += B;
    S[2] += C;
    S[3] += D;
    S[4] += E;
}

void InitMd(MD_CTX* C)
{
    *C = {};
    C->State[0] = 0x67452301;
    C->State[1] = 0xefcdab89;
    C->State[2] = 0x98badcfe;
    C->State[3] = 0x10325476;
}

template <void (*Transform)(u32*, const u8*)> void UpdateMd(MD_CTX* C, const u8* Data, u32 Length)
{
    u32 Have = C->Bits[0] >> 3 & 63;
    u64 Bits = (u64(C->Bits[1]) << 32 | C->Bits[0]) + u64(Length) * 8;
    C->Bits[0] = u32(Bits);
    C->Bits[1] = u32(Bits >> 32);
    while (Length) {
        u32 N = 64 - Have < Length ? 64 - Have : Length;
        __builtin_memcpy(C->Buffer + Have, Data, N);
        Have += N;
        Data += N;
        Length -= N;
        if (Have == 64) {
            Transform(C->State, C->Buffer);
            Have = 0;
        }
    }
}

template <void (*Transform)(u32*, const u8*)> void FinalMd(MD_CTX* C)
{
    static constexpr u8 Padding[64] = { 0x80 };
    u32 Bits[2] = { C->Bits[0], C->Bits[1] };
    u32 Have = C->Bits[0] >> 3 & 63;
    UpdateMd<Transform>(C, Padding, Have < 56 ? 56 - Have : 120 - Have);
    UpdateMd<Transform>(C, reinterpret_cast<const u8*>(Bits), 8);
    __builtin_memcpy(C->Digest, C->State, 16);
}

}

extern "C" {

void NTAPI MD4Init(MD_CTX* C) { InitMd(C); }
void NTAPI MD4Update(MD_CTX* C, const u8* Data, ULONG Length) { UpdateMd<Md4>(C, Data, Length); }
void NTAPI MD4Final(MD_CTX* C) { FinalMd<Md4>(C); }
void NTAPI MD5Init(MD_CTX* C) { InitMd(C); }
void NTAPI MD5Update(MD_CTX* C, const u8* Data, ULONG Length) { UpdateMd<Md5>(C, Data, Length); }
void NTAPI MD5Final(MD_CTX* C) { FinalMd<Md5>(C); }

void NTAPI A_SHAInit(SHA_CTX* C)
{
    *C = {};
    C->State[0] = 0x67452301;
    C->State[1] = 0xefcdab89;
    C->State[2] = 0x98badcfe;
    C->State[3] = 0x10325476;
    C->State[4] = 0xc3d2e1f0;
}
void NTAPI A_SHAUpdate(SHA_CTX* C, const u8* Data, ULONG Length)
{
    u64 Bytes = u64(C->Count[0]) << 32 | C->Count[1];
    u32 Have = u32(Bytes & 63);
    Bytes += Length;
    C->Count[0] = u32(Bytes >> 32);
    C->Count[1] = u32(Bytes);
    while (Length) {
        u32 N = 64 - Have < Length ? 64 - Have : Length;
        __builtin_memcpy(C->Buffer + Have, Data, N);
        Have += N;
        Data += N;
        Length -= N;
        if (Have == 64) {
            Sha1(C->State, C->Buffer);
            Have = 0;
        }
    }
}
void NTAPI A_SHAFinal(SHA_CTX* C, u32* Result)
{
    static constexpr u8 Padding[64] = { 0x80 };
    u64 Bits = (u64(C->Count[0]) << 32 | C->Count[1]) * 8;
    u8 Length[8];
    for (u32 I = 0; I < 8; ++I)
        Length[I] = u8(Bits >> (56 - I * 8));
    u32 Have = C->Count[1] & 63;
    A_SHAUpdate(C, Padding, Have < 56 ? 56 - Have : 120 - Have);
    A_SHAUpdate(C, Length, 8);
    for (u32 I = 0; I < 5; ++I)
        Result[I] = __builtin_bswap32(C->State[I]);
    A_SHAInit(C);
}

}
