// Memory blocks, checksums and the old random generators.
#include "lib/rtl/crt/crt.hpp"
#include "lib/rtl/rtl.hpp"

namespace {

// Both checksums are reflected: bits go out at the low end.
template <typename T, T Polynomial> struct Table {
    T Of[256];
    constexpr Table() : Of {}
    {
        for (u32 I = 0; I < 256; ++I) {
            T Value = I;
            for (u32 J = 0; J < 8; ++J)
                Value = Value & 1 ? T(Value >> 1 ^ Polynomial) : T(Value >> 1);
            Of[I] = Value;
        }
    }
    T Sum(T Value, const void* Data, usize Size) const
    {
        auto* At = static_cast<const u8*>(Data);
        for (usize I = 0; I < Size; ++I)
            Value = Of[u8(Value) ^ At[I]] ^ Value >> 8;
        return Value;
    }
};
constexpr Table<u32, 0xEDB88320> Crc32;
constexpr Table<u64, 0x9A6C9329AC4BC9B5> Crc64;

// The generator of RtlRandom draws from a table of values and refills the place it drew from.
struct RandomState {
    ULONG Values[128];
    ULONG Selector;
    bool Filled;
};
constinit RandomState Random = {};

ULONG Draw(ULONG* Seed, ULONG& Selector)
{
    if (!Random.Filled) {
        ULONG First = 0x7BA5D3E1;
        for (ULONG& Value : Random.Values)
            Value = RtlUniform(&First);
        Random.Filled = true;
    }
    ULONG Fresh = RtlUniform(Seed);
    ULONG& Place = Random.Values[Selector & 127];
    ULONG Result = Place;
    Place = Fresh;
    Selector = Result;
    return Result;
}

}

extern "C" {

SIZE_T NTAPI RtlCompareMemory(const void* A, const void* B, SIZE_T Size)
{
    auto* X = static_cast<const u8*>(A);
    auto* Y = static_cast<const u8*>(B);
    SIZE_T I = 0;
    for (; Size - I >= 8; I += 8) {
        u64 P, Q;
        __builtin_memcpy(&P, X + I, 8);
        __builtin_memcpy(&Q, Y + I, 8);
        if (P != Q)
            return I + SIZE_T(__builtin_ctzll(P ^ Q) >> 3);
    }
    while (I < Size && X[I] == Y[I])
        ++I;
    return I;
}
SIZE_T NTAPI RtlCompareMemoryUlong(const void* At, SIZE_T Size, ULONG Pattern)
{
    auto* Words = static_cast<const ULONG*>(At);
    SIZE_T I = 0;
    while (I < Size / 4 && Words[I] == Pattern)
        ++I;
    return I * 4;
}
void NTAPI RtlCopyMemory(void* To, const void* From, SIZE_T Size) { CRT(memmove)(To, From, Size); }
void NTAPI RtlCopyMemoryNonTemporal(void* To, const void* From, SIZE_T Size) { CRT(memmove)(To, From, Size); }
void NTAPI RtlMoveMemory(void* To, const void* From, SIZE_T Size) { CRT(memmove)(To, From, Size); }
void NTAPI RtlFillMemory(void* To, SIZE_T Size, UCHAR Value) { CRT(memset)(To, Value, Size); }
void NTAPI RtlFillMemoryUlong(void* To, SIZE_T Size, ULONG Value)
{
    for (SIZE_T I = 0; I < Size / 4; ++I)
        static_cast<ULONG*>(To)[I] = Value;
}
void NTAPI RtlFillMemoryUlonglong(void* To, SIZE_T Size, ULONGLONG Value)
{
    for (SIZE_T I = 0; I < Size / 8; ++I)
        static_cast<ULONGLONG*>(To)[I] = Value;
}
void NTAPI RtlZeroMemory(void* To, SIZE_T Size) { CRT(memset)(To, 0, Size); }

ULONG NTAPI RtlComputeCrc32(ULONG Initial, const void* Data, ULONG Size) { return ~Crc32.Sum(~Initial, Data, Size); }
ULONG NTAPI RtlCrc32(const void* Data, SIZE_T Size, ULONG Initial) { return ~Crc32.Sum(~Initial, Data, Size); }
ULONGLONG NTAPI RtlCrc64(const void* Data, SIZE_T Size, ULONGLONG Initial) { return ~Crc64.Sum(~Initial, Data, Size); }

// A linear congruential generator modulo 2^31 - 1, as it is since Windows Vista.
ULONG NTAPI RtlUniform(ULONG* Seed)
{
    *Seed = ULONG((u64(*Seed) * 0x7FFFFFED + 0x7FFFFFC3) % 0x7FFFFFFF);
    return *Seed;
}
ULONG NTAPI RtlRandom(ULONG* Seed)
{
    ULONG Selector = RtlUniform(Seed);
    return Draw(Seed, Selector);
}
ULONG NTAPI RtlRandomEx(ULONG* Seed) { return Draw(Seed, Random.Selector); }

}
