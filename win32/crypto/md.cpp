// MD4 (RFC 1320) and MD5 (RFC 1321).
#include "win32/crypto/bytes.hpp"
#include "win32/crypto/hash.hpp"

namespace crypto {
namespace {

constexpr u32 Sines[64] = {
    0xD76AA478, 0xE8C7B756, 0x242070DB, 0xC1BDCEEE, 0xF57C0FAF, 0x4787C62A, 0xA8304613, 0xFD469501, 0x698098D8, 0x8B44F7AF, 0xFFFF5BB1,
    0x895CD7BE, 0x6B901122, 0xFD987193, 0xA679438E, 0x49B40821, 0xF61E2562, 0xC040B340, 0x265E5A51, 0xE9B6C7AA, 0xD62F105D, 0x02441453,
    0xD8A1E681, 0xE7D3FBC8, 0x21E1CDE6, 0xC33707D6, 0xF4D50D87, 0x455A14ED, 0xA9E3E905, 0xFCEFA3F8, 0x676F02D9, 0x8D2A4C8A, 0xFFFA3942,
    0x8771F681, 0x6D9D6122, 0xFDE5380C, 0xA4BEEA44, 0x4BDECFA9, 0xF6BB4B60, 0xBEBFBC70, 0x289B7EC6, 0xEAA127FA, 0xD4EF3085, 0x04881D05,
    0xD9D4D039, 0xE6DB99E5, 0x1FA27CF8, 0xC4AC5665, 0xF4292244, 0x432AFF97, 0xAB9423A7, 0xFC93A039, 0x655B59C3, 0x8F0CCC92, 0xFFEFF47D,
    0x85845DD1, 0x6FA87E4F, 0xFE2CE6E0, 0xA3014314, 0x4E0811A1, 0xF7537E82, 0xBD3AF235, 0x2AD7D2BB, 0xEB86D391,
};
constexpr u8 Shifts[4][4] = { { 7, 12, 17, 22 }, { 5, 9, 14, 20 }, { 4, 11, 16, 23 }, { 6, 10, 15, 21 } };

void Load(const u8* Block, u32 (&X)[16])
{
    for (int i = 0; i < 16; ++i) {
        X[i] = LoadLittle<u32>(Block + 4 * i);
    }
}
void Store(u32 (&State)[4], u8* Out)
{
    for (int i = 0; i < 4; ++i) {
        StoreLittle(Out + 4 * i, State[i]);
    }
}

}

void Md5::Compress(const u8* Block)
{
    u32 X[16];
    Load(Block, X);
    u32 A = State_[0], B = State_[1], C = State_[2], D = State_[3];
    for (unsigned i = 0; i < 64; ++i) {
        u32 F;
        unsigned Word;
        switch (i / 16) {
        case 0:
            F = (B & C) | (~B & D), Word = i;
            break;
        case 1:
            F = (D & B) | (~D & C), Word = (5 * i + 1) % 16;
            break;
        case 2:
            F = B ^ C ^ D, Word = (3 * i + 5) % 16;
            break;
        default:
            F = C ^ (B | ~D), Word = 7 * i % 16;
            break;
        }
        u32 Next = B + RotateLeft(A + F + Sines[i] + X[Word], Shifts[i / 16][i % 4]);
        A = D, D = C, C = B, B = Next;
    }
    State_[0] += A, State_[1] += B, State_[2] += C, State_[3] += D;
}
void Md5::Finish(u8* Out)
{
    Pad<8, false>();
    Store(State_, Out);
}

void Md4::Compress(const u8* Block)
{
    static constexpr u8 Order[3][16] = { { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
                                         { 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15 },
                                         { 0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15 } };
    static constexpr u8 Turns[3][4] = { { 3, 7, 11, 19 }, { 3, 5, 9, 13 }, { 3, 9, 11, 15 } };
    static constexpr u32 Add[3] = { 0, 0x5A827999, 0x6ED9EBA1 };
    u32 X[16];
    Load(Block, X);
    u32 A = State_[0], B = State_[1], C = State_[2], D = State_[3];
    for (unsigned i = 0; i < 48; ++i) {
        unsigned Round = i / 16;
        u32 F = Round == 0 ? (B & C) | (~B & D) : Round == 1 ? (B & C) | (B & D) | (C & D) : B ^ C ^ D;
        u32 Next = RotateLeft(A + F + X[Order[Round][i % 16]] + Add[Round], Turns[Round][i % 4]);
        A = D, D = C, C = B, B = Next;
    }
    State_[0] += A, State_[1] += B, State_[2] += C, State_[3] += D;
}
void Md4::Finish(u8* Out)
{
    Pad<8, false>();
    Store(State_, Out);
}

}
