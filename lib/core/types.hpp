// Integer names used everywhere below the NT ABI.
#pragma once
#include <stddef.h>
#include <stdint.h>

using u8 = uint8_t;
using u16 = uint16_t;
using u32 = uint32_t;
using u64 = uint64_t;
using i8 = int8_t;
using i16 = int16_t;
using i32 = int32_t;
using i64 = int64_t;
using usize = size_t;

static_assert(sizeof(wchar_t) == 2, "UTF-16 everywhere: compile with -fshort-wchar");

inline constexpr u64 KiB = 1024, MiB = 1024 * KiB, GiB = 1024 * MiB;
inline constexpr u64 PageShift = 12, PageSize = 1 << PageShift, PageMask = PageSize - 1;

template <typename T> constexpr T AlignUp(T Value, u64 To) { return T((u64(Value) + To - 1) & ~(To - 1)); }
template <typename T> constexpr T AlignDown(T Value, u64 To) { return T(u64(Value) & ~(To - 1)); }
