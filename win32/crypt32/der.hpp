// Reading DER: one element after the other, never beyond the end of what was given.
#pragma once
#include "lib/core/types.hpp"

namespace crypt32 {

struct Element {
    u8 Tag = 0;
    const u8* Whole = nullptr; // with tag and length
    usize WholeSize = 0;
    const u8* Data = nullptr;
    usize Size = 0;
};

class Reader {
public:
    Reader(const u8* Data, usize Size) : At_(Data), Left_(Size) {}
    explicit Reader(const Element& E) : At_(E.Data), Left_(E.Size) {}

    bool Empty() const { return Left_ == 0; }
    u8 PeekTag() const { return Left_ ? *At_ : u8(0); }

    // False at the end or when the encoding is wrong: indefinite lengths, long tags, lengths that reach too far.
    bool Next(Element& Out)
    {
        if (Left_ < 2 || (At_[0] & 0x1F) == 0x1F) {
            return false;
        }
        usize Header = 2, Size = At_[1];
        if (Size & 0x80) {
            usize Count = Size & 0x7F;
            if (Count == 0 || Count > 4 || Left_ < 2 + Count) {
                return false;
            }
            Size = 0;
            for (usize i = 0; i < Count; ++i) {
                Size = Size << 8 | At_[2 + i];
            }
            Header += Count;
        }
        if (Size > Left_ - Header) {
            return false;
        }
        Out = { At_[0], At_, Header + Size, At_ + Header, Size };
        At_ += Out.WholeSize;
        Left_ -= Out.WholeSize;
        return true;
    }
    bool Next(u8 Tag, Element& Out) { return PeekTag() == Tag && Next(Out); }

private:
    const u8* At_;
    usize Left_;
};

inline constexpr u8 DerInteger = 0x02, DerBits = 0x03, DerOctets = 0x04, DerNull = 0x05, DerOid = 0x06, DerSequence = 0x30,
                    DerUtcTime = 0x17, DerTime = 0x18, DerBoolean = 0x01;

// "1.2.840.113549" with a terminator; false if it is wrong or Out has no room.
inline bool OidText(const Element& Oid, char* Out, usize Room)
{
    usize Used = 0;
    auto PutNumber = [&](u64 Value, bool Dot) {
        char Digits[24];
        usize Count = 0;
        do {
            Digits[Count++] = char('0' + Value % 10);
            Value /= 10;
        } while (Value);
        if (Used + Count + Dot + 1 > Room) {
            return false;
        }
        if (Dot) {
            Out[Used++] = '.';
        }
        while (Count) {
            Out[Used++] = Digits[--Count];
        }
        return true;
    };
    u64 Value = 0;
    bool First = true;
    for (usize i = 0; i < Oid.Size; ++i) {
        if (Value >> 56) {
            return false;
        }
        Value = Value << 7 | (Oid.Data[i] & 0x7F);
        if (Oid.Data[i] & 0x80) {
            if (i + 1 == Oid.Size) {
                return false;
            }
            continue;
        }
        bool Good;
        if (First) {
            u64 Top = Value < 40 ? 0 : Value < 80 ? 1 : 2;
            Good = PutNumber(Top, false) && PutNumber(Value - 40 * Top, true);
            First = false;
        } else {
            Good = PutNumber(Value, true);
        }
        if (!Good) {
            return false;
        }
        Value = 0;
    }
    if (First) {
        return false;
    }
    Out[Used] = 0;
    return true;
}

// UTCTime and GeneralizedTime ("…Z") as 100 ns since 1601; false for what they may not be.
inline bool TimeValue(const Element& E, u64& Out)
{
    usize YearDigits = E.Tag == DerUtcTime ? 2 : E.Tag == DerTime ? 4 : 0;
    if (!YearDigits || E.Size != YearDigits + 11 || E.Data[E.Size - 1] != 'Z') {
        return false;
    }
    for (usize i = 0; i + 1 < E.Size; ++i) {
        if (E.Data[i] < '0' || E.Data[i] > '9') {
            return false;
        }
    }
    auto Two = [&](usize At) { return u64(E.Data[At] - '0') * 10 + (E.Data[At + 1] - '0'); };
    u64 Year = YearDigits == 4 ? Two(0) * 100 + Two(2) : Two(0) < 50 ? 2000 + Two(0) : 1900 + Two(0);
    usize At = YearDigits;
    u64 Month = Two(At), Day = Two(At + 2), Hour = Two(At + 4), Minute = Two(At + 6), Second = Two(At + 8);
    if (Year < 1601 || Month < 1 || Month > 12 || Day < 1 || Day > 31 || Hour > 23 || Minute > 59 || Second > 59) {
        return false;
    }
    // Days since 1 March of the year 0, months counted from March.
    u64 M = (Month + 9) % 12, Y = Year - (Month < 3);
    u64 Days = Y * 365 + Y / 4 - Y / 100 + Y / 400 + (M * 306 + 5) / 10 + Day - 1;
    constexpr u64 Epoch = 1600 * 365 + 1600 / 4 - 1600 / 100 + 1600 / 400 + 306; // 1 January 1601
    Out = ((Days - Epoch) * 86400 + Hour * 3600 + Minute * 60 + Second) * 10000000;
    return true;
}

}
