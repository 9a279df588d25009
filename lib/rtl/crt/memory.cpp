// memcpy and its family. User-mode code copies 16 bytes at a time with SSE2; the Executive, which may not touch the FPU,
// 8 at a time. No REP instructions: under instruction counting each iteration of one counts. None of these calls
// another function or keeps a frame, so a fault inside unwinds like any leaf.
#include "lib/rtl/crt/crt.hpp"

namespace {

#if defined(__SSE2__)
using Word = long long __attribute__((vector_size(16)));
Word Fill(u8 Value)
{
    u64 Eight = Value * 0x0101010101010101ull;
    return Word { i64(Eight), i64(Eight) };
}
#else
using Word = u64;
Word Fill(u8 Value) { return Value * 0x0101010101010101ull; }
#endif
constexpr usize W = sizeof(Word);

// At any alignment; the builtin never becomes a call.
template <typename T> [[gnu::always_inline]] inline T Load(const void* P, usize At = 0)
{
    T Value;
    __builtin_memcpy_inline(&Value, static_cast<const u8*>(P) + At, sizeof(T));
    return Value;
}
template <typename T> [[gnu::always_inline]] inline void Store(void* P, usize At, T Value)
{
    __builtin_memcpy_inline(static_cast<u8*>(P) + At, &Value, sizeof(T));
}

// All loads before all stores: right for overlapping blocks too. Size < W.
[[gnu::always_inline]] inline void MoveShort(void* To, const void* From, usize Size)
{
    if (Size >= 8) {
        u64 A = Load<u64>(From), B = Load<u64>(From, Size - 8);
        Store<u64>(To, 0, A);
        Store<u64>(To, Size - 8, B);
    } else if (Size >= 4) {
        u32 A = Load<u32>(From), B = Load<u32>(From, Size - 4);
        Store<u32>(To, 0, A);
        Store<u32>(To, Size - 4, B);
    } else if (Size >= 2) {
        u16 A = Load<u16>(From), B = Load<u16>(From, Size - 2);
        Store<u16>(To, 0, A);
        Store<u16>(To, Size - 2, B);
    } else if (Size) {
        Store<u8>(To, 0, Load<u8>(From));
    }
}

// Size from W to 4 W.
[[gnu::always_inline]] inline void MoveMiddle(void* To, const void* From, usize Size)
{
    Word First = Load<Word>(From), Last = Load<Word>(From, Size - W);
    if (Size > 2 * W) {
        Word Second = Load<Word>(From, W), Third = Load<Word>(From, Size - 2 * W);
        Store<Word>(To, W, Second);
        Store<Word>(To, Size - 2 * W, Third);
    }
    Store<Word>(To, 0, First);
    Store<Word>(To, Size - W, Last);
}

[[gnu::always_inline]] inline void MoveUp(void* To, const void* From, usize Size)
{
    Word Last = Load<Word>(From, Size - W);
    auto* T = static_cast<u8*>(To);
    auto* F = static_cast<const u8*>(From);
    u8* End = T + Size - W;
    for (; End - T >= ptrdiff_t(4 * W); T += 4 * W, F += 4 * W) {
        Word A = Load<Word>(F), B = Load<Word>(F, W), C = Load<Word>(F, 2 * W), D = Load<Word>(F, 3 * W);
        Store<Word>(T, 0, A);
        Store<Word>(T, W, B);
        Store<Word>(T, 2 * W, C);
        Store<Word>(T, 3 * W, D);
    }
    for (; T < End; T += W, F += W)
        Store<Word>(T, 0, Load<Word>(F));
    Store<Word>(End, 0, Last);
}

[[gnu::always_inline]] inline void MoveDown(void* To, const void* From, usize Size)
{
    Word First = Load<Word>(From);
    usize At = Size;
    for (; At > 4 * W; At -= 4 * W) {
        Word A = Load<Word>(From, At - W), B = Load<Word>(From, At - 2 * W), C = Load<Word>(From, At - 3 * W), D = Load<Word>(From, At - 4 * W);
        Store<Word>(To, At - W, A);
        Store<Word>(To, At - 2 * W, B);
        Store<Word>(To, At - 3 * W, C);
        Store<Word>(To, At - 4 * W, D);
    }
    for (; At > W; At -= W)
        Store<Word>(To, At - W, Load<Word>(From, At - W));
    Store<Word>(To, 0, First);
}

constexpr u8 Lower(u8 C) { return C >= 'A' && C <= 'Z' ? C + 32 : C; }

}

extern "C" {

void* CRT(memmove)(void* To, const void* From, usize Size)
{
    if (Size < W)
        MoveShort(To, From, Size);
    else if (Size <= 4 * W)
        MoveMiddle(To, From, Size);
    else if (usize(static_cast<u8*>(To) - static_cast<const u8*>(From)) >= Size)
        MoveUp(To, From, Size);         // To is below From, or beyond its end
    else
        MoveDown(To, From, Size);
    return To;
}

// ntdll's memcpy is its memmove: programs rely on it.
void* CRT(memcpy)(void* To, const void* From, usize Size)
{
    if (Size < W)
        MoveShort(To, From, Size);
    else if (Size <= 4 * W)
        MoveMiddle(To, From, Size);
    else if (usize(static_cast<u8*>(To) - static_cast<const u8*>(From)) >= Size)
        MoveUp(To, From, Size);
    else
        MoveDown(To, From, Size);
    return To;
}

void* CRT(memset)(void* To, int Value, usize Size)
{
    auto* T = static_cast<u8*>(To);
    if (Size < W) {
        u64 Eight = u8(Value) * 0x0101010101010101ull;
        if (Size >= 8) {
            Store<u64>(T, 0, Eight);
            Store<u64>(T, Size - 8, Eight);
        } else if (Size >= 4) {
            Store<u32>(T, 0, u32(Eight));
            Store<u32>(T, Size - 4, u32(Eight));
        } else if (Size >= 2) {
            Store<u16>(T, 0, u16(Eight));
            Store<u16>(T, Size - 2, u16(Eight));
        } else if (Size) {
            *T = u8(Value);
        }
        return To;
    }
    Word All = Fill(u8(Value));
    u8* End = T + Size - W;
    for (; End - T >= ptrdiff_t(4 * W); T += 4 * W) {
        Store<Word>(T, 0, All);
        Store<Word>(T, W, All);
        Store<Word>(T, 2 * W, All);
        Store<Word>(T, 3 * W, All);
    }
    for (; T < End; T += W)
        Store<Word>(T, 0, All);
    Store<Word>(End, 0, All);
    return To;
}

int CRT(memcmp)(const void* A, const void* B, usize Size)
{
    usize At = 0;
    for (; Size - At >= 8; At += 8) {
        u64 X = Load<u64>(A, At), Y = Load<u64>(B, At);
        if (X != Y) {
            X = __builtin_bswap64(X);
            Y = __builtin_bswap64(Y);
            return X < Y ? -1 : 1;
        }
    }
    for (; At < Size; ++At) {
        u8 X = Load<u8>(A, At), Y = Load<u8>(B, At);
        if (X != Y)
            return X < Y ? -1 : 1;
    }
    return 0;
}

void* CRT(memchr)(const void* In, int Value, usize Size)
{
    auto* P = static_cast<const u8*>(In);
    for (usize I = 0; I < Size; ++I)
        if (P[I] == u8(Value))
            return const_cast<u8*>(P + I);
    return nullptr;
}

void* CRT(_memccpy)(void* To, const void* From, int Stop, usize Size)
{
    auto* T = static_cast<u8*>(To);
    auto* F = static_cast<const u8*>(From);
    for (usize I = 0; I < Size; ++I)
        if ((T[I] = F[I]) == u8(Stop))
            return T + I + 1;
    return nullptr;
}

int CRT(_memicmp)(const void* A, const void* B, usize Size)
{
    auto* X = static_cast<const u8*>(A);
    auto* Y = static_cast<const u8*>(B);
    for (usize I = 0; I < Size; ++I)
        if (int Difference = Lower(X[I]) - Lower(Y[I]))
            return Difference;
    return 0;
}

int CRT(memcpy_s)(void* To, usize Room, const void* From, usize Size)
{
    if (!Size)
        return 0;
    if (!To)
        return crt::Invalid;
    if (!From || Room < Size) {
        CRT(memset)(To, 0, Room);
        return From ? crt::Range : crt::Invalid;
    }
    CRT(memmove)(To, From, Size);
    return 0;
}

int CRT(memmove_s)(void* To, usize Room, const void* From, usize Size)
{
    if (!Size)
        return 0;
    if (!To || !From)
        return crt::Invalid;
    if (Room < Size)
        return crt::Range;
    CRT(memmove)(To, From, Size);
    return 0;
}

}
