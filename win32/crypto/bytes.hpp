// Bytes and words for the ciphers and hashes.
#pragma once
#include "lib/core/types.hpp"

namespace crypto {

template <typename T> constexpr T RotateLeft(T Value, unsigned Count) { return T((Value << Count) | (Value >> (sizeof(T) * 8 - Count))); }
template <typename T> constexpr T RotateRight(T Value, unsigned Count) { return T((Value >> Count) | (Value << (sizeof(T) * 8 - Count))); }

template <typename T> T LoadLittle(const u8* From)
{
    T Value = 0;
    for (usize i = 0; i < sizeof(T); ++i) {
        Value = T(Value | T(From[i]) << (8 * i));
    }
    return Value;
}
template <typename T> T LoadBig(const u8* From)
{
    T Value = 0;
    for (usize i = 0; i < sizeof(T); ++i) {
        Value = T(Value << 8 | From[i]);
    }
    return Value;
}
template <typename T> void StoreLittle(u8* To, T Value)
{
    for (usize i = 0; i < sizeof(T); ++i) {
        To[i] = u8(Value >> (8 * i));
    }
}
template <typename T> void StoreBig(u8* To, T Value)
{
    for (usize i = 0; i < sizeof(T); ++i) {
        To[i] = u8(Value >> (8 * (sizeof(T) - 1 - i)));
    }
}

// Overwrites secrets; the compiler may not leave it out.
inline void Wipe(void* Memory, usize Size)
{
    auto Bytes = static_cast<volatile u8*>(Memory);
    while (Size--) {
        *Bytes++ = 0;
    }
}

// Compares in a time that does not depend on where the difference is.
inline bool SameBytes(const u8* A, const u8* B, usize Size)
{
    u8 Difference = 0;
    for (usize i = 0; i < Size; ++i) {
        Difference = u8(Difference | (A[i] ^ B[i]));
    }
    return Difference == 0;
}

}
