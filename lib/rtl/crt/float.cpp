#include "lib/rtl/crt/float.hpp"

#include "lib/rtl/crt/crt.hpp"

namespace crt {

// Mantissa times two to the Exponent, as decimal digits. The whole part is divided down, the fraction multiplied up, in
// nine-digit limbs.
u32 FloatText::DigitsOf(u64 Mantissa, i32 Exponent)
{
    constexpr u32 Billion = 1'000'000'000;
    u32 Limbs[40] = {};                 // whole part: up to 1024 bits, least first
    u32 LimbCount = 0;
    u64 Whole = Exponent >= 0 ? Mantissa : Exponent > -64 ? Mantissa >> -Exponent : 0;
    for (; Whole; Whole /= Billion)
        Limbs[LimbCount++] = u32(Whole % Billion);
    for (i32 Left = Exponent; Left > 0;) {
        i32 Step = Left < 29 ? Left : 29;
        u64 Carry = 0;
        for (u32 I = 0; I < LimbCount; ++I) {
            Carry += u64(Limbs[I]) << Step;
            Limbs[I] = u32(Carry % Billion);
            Carry /= Billion;
        }
        if (Carry)
            Limbs[LimbCount++] = u32(Carry);
        Left -= Step;
    }
    DigitCount_ = 0;
    for (u32 I = LimbCount; I-- > 0;) {
        u32 Divisor = Billion / 10;
        for (u32 J = 0; J < 9; ++J, Divisor /= 10) {
            char Digit = char('0' + Limbs[I] / Divisor % 10);
            if (DigitCount_ || Digit != '0')
                Digits_[DigitCount_++] = Digit;
        }
    }
    Point_ = i32(DigitCount_);
    if (Exponent >= 0)
        return DigitCount_;
    // The fraction as binary words: bit 31 of Fraction[0] is one half.
    u32 Fraction[36] = {};
    u32 Words = u32(-Exponent + 31) / 32;
    for (i32 Bit = 0; Bit < 53; ++Bit)
        if (Mantissa >> Bit & 1) {
            i32 Place = Exponent + Bit;     // weight two to the Place
            if (Place < 0)
                Fraction[(-Place - 1) / 32] |= 0x80000000u >> ((-Place - 1) % 32);
        }
    while (Words && DigitCount_ < sizeof(Digits_) - 9) {
        u64 Carry = 0;
        bool Any = false;
        for (u32 I = Words; I-- > 0;) {
            Carry += u64(Fraction[I]) * Billion;
            Fraction[I] = u32(Carry);
            Carry >>= 32;
            Any |= Fraction[I] != 0;
        }
        u32 Divisor = Billion / 10;
        for (u32 J = 0; J < 9; ++J, Divisor /= 10) {
            char Digit = char('0' + u32(Carry) / Divisor % 10);
            if (DigitCount_ || Digit != '0')
                Digits_[DigitCount_++] = Digit;
            else
                --Point_;
        }
        if (!Any)
            break;
    }
    return DigitCount_;
}

// Keeps so many digits, rounding to nearest, ties to even; true if a carry made one digit more before the point.
bool FloatText::Round(i32 Keep)
{
    if (Keep >= i32(DigitCount_))
        return false;
    if (Keep < 0) {
        DigitCount_ = 0;
        return false;
    }
    bool Up = Digits_[Keep] > '5';
    if (Digits_[Keep] == '5') {
        for (u32 I = u32(Keep) + 1; I < DigitCount_ && !Up; ++I)
            Up = Digits_[I] != '0';
        if (!Up)
            Up = Keep > 0 && (Digits_[Keep - 1] & 1);
    }
    DigitCount_ = u32(Keep);
    if (!Up)
        return false;
    for (i32 I = Keep; I-- > 0;) {
        if (Digits_[I] != '9') {
            ++Digits_[I];
            return false;
        }
        Digits_[I] = '0';
    }
    CRT(memmove)(Digits_ + 1, Digits_, DigitCount_);
    Digits_[0] = '1';
    ++DigitCount_;
    ++Point_;
    return true;
}

// The digit with weight ten to the minus Place - 1 counted from the first digit.
void FloatText::PutDigit(i32 Place) { Put(Place >= 0 && Place < i32(DigitCount_) ? Digits_[Place] : '0'); }

FloatText::FloatText(u64 Bits, char Kind, i32 Precision, bool Alternate)
{
    Negative = Bits >> 63;
    i32 Exponent = i32(Bits >> 52 & 0x7FF);
    u64 Mantissa = Bits & ((u64(1) << 52) - 1);
    bool Upper = Kind >= 'A' && Kind <= 'Z';
    Finite = Exponent != 0x7FF;
    if (!Finite) {
        const char* Word = Mantissa ? (Upper ? "NAN" : "nan") : (Upper ? "INF" : "inf");
        while (*Word)
            Put(*Word++);
        ZerosAt = Count;
        return;
    }
    if (Exponent)
        Mantissa |= u64(1) << 52;
    else
        Exponent = 1;
    DigitsOf(Mantissa, Exponent - 1075);
    if (!DigitCount_)
        Point_ = 0;
    if (Precision < 0)
        Precision = 6;
    char Lower = char(Kind | 0x20);
    bool Trim = false;
    if (Lower == 'g') {
        if (!Precision)
            Precision = 1;
        Round(Precision);
        i32 Scale = DigitCount_ ? Point_ - 1 : 0;
        Trim = !Alternate;
        if (Scale < -4 || Scale >= Precision) {
            Lower = 'e';
            Precision -= 1;
        } else {
            Lower = 'f';
            Precision -= Scale + 1;
        }
        if (Trim) {                     // as many places as are needed
            while (DigitCount_ && Digits_[DigitCount_ - 1] == '0')
                --DigitCount_;
            i32 Needed = i32(DigitCount_) - (Lower == 'e' ? 1 : Point_);
            if (Precision > Needed)
                Precision = Needed < 0 ? 0 : Needed;
        }
    } else if (Lower == 'e') {
        Round(DigitCount_ ? Precision < INT32_MAX ? Precision + 1 : Precision : 0);
    } else {
        Round(i64(Point_) + Precision > INT32_MAX ? INT32_MAX : Point_ + Precision);
    }
    if (!DigitCount_)
        Point_ = Lower == 'e' ? 1 : 0;
    i32 First = 0, WholeDigits = Lower == 'e' ? 1 : Point_;
    if (WholeDigits <= 0) {
        Put('0');
        First = WholeDigits;            // zeros between the point and the first digit
    } else {
        for (i32 I = 0; I < WholeDigits; ++I)
            PutDigit(First++);
    }
    if (Precision > 0 || Alternate)
        Put('.');
    i32 Known = i32(DigitCount_) - First;   // digits that are more than zeros
    if (Known < 0)
        Known = 0;
    i32 Places = Precision < Known ? Precision : Known;
    for (i32 I = 0; I < Places; ++I)
        PutDigit(First++);
    ZerosAt = Count;
    Zeros = Precision - Places;
    if (Lower == 'e') {
        i32 Scale = DigitCount_ ? Point_ - 1 : 0;
        Put(Upper ? 'E' : 'e');
        Put(Scale < 0 ? '-' : '+');
        u32 Magnitude = u32(Scale < 0 ? -Scale : Scale);
        Put(char('0' + Magnitude / 100));   // three digits, as ntdll's printf always has
        Put(char('0' + Magnitude / 10 % 10));
        Put(char('0' + Magnitude % 10));
    }
}

}
