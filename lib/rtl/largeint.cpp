// 64-bit arithmetic as functions, from the days when compilers had none.
#include "lib/rtl/rtl.hpp"

extern "C" {

LONGLONG NTAPI RtlConvertLongToLargeInteger(LONG Value) { return Value; }
ULONGLONG NTAPI RtlConvertUlongToLargeInteger(ULONG Value) { return Value; }
LONGLONG NTAPI RtlEnlargedIntegerMultiply(INT A, INT B) { return LONGLONG(A) * B; }
ULONGLONG NTAPI RtlEnlargedUnsignedMultiply(UINT A, UINT B) { return ULONGLONG(A) * B; }
UINT NTAPI RtlEnlargedUnsignedDivide(ULONGLONG A, UINT B, UINT* Remainder)
{
    if (Remainder)
        *Remainder = UINT(A % B);
    return UINT(A / B);
}
LONGLONG NTAPI RtlExtendedIntegerMultiply(LONGLONG A, INT B) { return LONGLONG(ULONGLONG(A) * ULONGLONG(LONGLONG(B))); }
LONGLONG NTAPI RtlExtendedLargeIntegerDivide(LONGLONG A, INT B, INT* Remainder)
{
    if (Remainder)
        *Remainder = INT(A % B);
    return A / B;
}

// (A * Magic) >> (64 + Shift), with A's sign.
LONGLONG NTAPI RtlExtendedMagicDivide(LONGLONG A, LONGLONG Magic, INT Shift)
{
    bool Negative = A < 0;
    u64 Magnitude = Negative ? 0 - u64(A) : u64(A);
    u64 High = u64((static_cast<unsigned __int128>(Magnitude) * u64(Magic)) >> 64) >> (Shift & 63);
    return LONGLONG(Negative ? 0 - High : High);
}
LONGLONG NTAPI RtlLargeIntegerAdd(LONGLONG A, LONGLONG B) { return LONGLONG(u64(A) + u64(B)); }
LONGLONG NTAPI RtlLargeIntegerSubtract(LONGLONG A, LONGLONG B) { return LONGLONG(u64(A) - u64(B)); }
LONGLONG NTAPI RtlLargeIntegerNegate(LONGLONG A) { return LONGLONG(0 - u64(A)); }
LONGLONG NTAPI RtlLargeIntegerShiftLeft(LONGLONG A, INT Count) { return LONGLONG(u64(A) << (Count & 63)); }
LONGLONG NTAPI RtlLargeIntegerShiftRight(LONGLONG A, INT Count) { return LONGLONG(u64(A) >> (Count & 63)); }
LONGLONG NTAPI RtlLargeIntegerArithmeticShift(LONGLONG A, INT Count) { return A >> (Count & 63); }
ULONGLONG NTAPI RtlLargeIntegerDivide(ULONGLONG A, ULONGLONG B, ULONGLONG* Remainder)
{
    if (Remainder)
        *Remainder = A % B;
    return A / B;
}
ULONG NTAPI RtlUlongByteSwap(ULONG Value) { return __builtin_bswap32(Value); }
USHORT NTAPI RtlUshortByteSwap(USHORT Value) { return __builtin_bswap16(Value); }
ULONGLONG NTAPI RtlUlonglongByteSwap(ULONGLONG Value) { return __builtin_bswap64(Value); }

}
