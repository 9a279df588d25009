// A double as decimal text, exactly, with integers only: the Executive has no FPU and ntdll needs none.
#pragma once
#include "abi/nt/basic.hpp"

namespace crt {

// The text without sign for a conversion of e, E, f, F, g, G. Zeros more zeros belong before Text[ZerosAt]: a precision
// may be far greater than any number of digits that are not zero.
struct FloatText {
    FloatText(u64 Bits, char Kind, i32 Precision, bool Alternate);

    bool Negative, Finite;
    u32 Count = 0;
    u32 ZerosAt = 0;
    i64 Zeros = 0;
    char Text[1500];

private:
    void Put(char C) { Text[Count++] = C; }
    void PutDigit(i32 Place);
    u32 DigitsOf(u64 Mantissa, i32 Exponent);
    bool Round(i32 Keep);

    char Digits_[1200];     // most significant first, the first not zero (unless the value is)
    u32 DigitCount_ = 0;
    i32 Point_ = 0;         // the value is 0.D0 D1 D2 … times ten to the Point_
};

}
