// wsprintf's own little printf: no floating point, at most 1024 characters with the terminator, and A and W forms that
// can take each other's strings. Arguments are the 8-byte slots that a Win64 va_list points to.
#pragma once
#include "lib/core/types.hpp"

namespace user32 {

inline constexpr int MaxFormatted = 1024;

// Writes to Out (room for MaxFormatted) and returns the length without the terminator. Convert(const Other* Text,
// int Count, Char* To, int Room) -> int translates strings of the other width; To null asks for the length only.
template <typename Char, typename Other, typename ConvertText>
int Format(Char* Out, const Char* Pattern, const u64* Arguments, ConvertText Convert)
{
    int Used = 0;
    auto Put = [&](u32 Value) {
        if (Used < MaxFormatted - 1) {
            Out[Used++] = Char(Value);
        }
    };
    auto Digit = [](Char C) { return C >= '0' && C <= '9'; };
    while (*Pattern) {
        if (*Pattern != '%') {
            Put(*Pattern++);
            continue;
        }
        ++Pattern;
        bool Left = false, Alternate = false, Zero = false;
        for (;; ++Pattern) {
            if (*Pattern == '-') {
                Left = true;
            } else if (*Pattern == '#') {
                Alternate = true;
            } else if (*Pattern == '0') {
                Zero = true;
            } else {
                break;
            }
        }
        int Width = 0, Precision = -1;
        if (*Pattern == '*') {
            Width = int(*Arguments++);
            ++Pattern;
            if (Width < 0) {
                Left = true;
                Width = -Width;
            }
        } else {
            while (Digit(*Pattern)) {
                Width = Width < 10000 ? Width * 10 + (*Pattern - '0') : Width;
                ++Pattern;
            }
        }
        if (*Pattern == '.') {
            ++Pattern;
            Precision = 0;
            if (*Pattern == '*') {
                Precision = int(*Arguments++);
                ++Pattern;
            } else {
                while (Digit(*Pattern)) {
                    Precision = Precision < 10000 ? Precision * 10 + (*Pattern - '0') : Precision;
                    ++Pattern;
                }
            }
        }
        bool Short = false, Long = false, Quad = false;
        if (*Pattern == 'h') {
            Short = true;
            ++Pattern;
        } else if (*Pattern == 'l') {
            Long = true;
            ++Pattern;
            if (*Pattern == 'l') {
                Quad = true;
                ++Pattern;
            }
        } else if (*Pattern == 'w') {
            Long = true;
            ++Pattern;
        } else if (*Pattern == 'I') {
            ++Pattern;
            if (Pattern[0] == '6' && Pattern[1] == '4') {
                Quad = true;
                Pattern += 2;
            } else if (Pattern[0] == '3' && Pattern[1] == '2') {
                Pattern += 2;
            } else {
                Quad = true; // pointer-sized
            }
        }
        Char Kind = *Pattern;
        if (!Kind) {
            break;
        }
        ++Pattern;

        // Whether a character or string has the other width than this function's.
        constexpr bool Wide = sizeof(Char) == 2;
        bool Opposite = false;
        if (Kind == 'c' || Kind == 's') {
            Opposite = Wide ? Short : Long;
        } else if (Kind == 'C' || Kind == 'S') {
            Opposite = Wide ? !Long : !Short;
        }
        auto Pad = [&](int Count, u32 With) {
            while (Count-- > 0 && Used < MaxFormatted - 1) {
                Put(With);
            }
        };
        u32 Fill = Zero && !Left ? u32('0') : u32(' ');

        switch (Kind) {
        case 'c':
        case 'C': {
            Char One = Char(*Arguments);
            if (Opposite) {
                Other From = Other(*Arguments);
                Convert(&From, 1, &One, 1);
            }
            ++Arguments;
            Pad(Left ? 0 : Width - 1, Fill);
            Put(One);
            Pad(Left ? Width - 1 : 0, ' ');
            break;
        }
        case 's':
        case 'S': {
            u64 Pointer = *Arguments++;
            static constexpr Char Null[] = { '(', 'n', 'u', 'l', 'l', ')', 0 };
            auto Measure = [&](auto* Text) {
                int Count = 0;
                while ((Precision < 0 || Count < Precision) && Text[Count]) {
                    ++Count;
                }
                return Count;
            };
            if (Opposite && Pointer) {
                auto Text = reinterpret_cast<const Other*>(Pointer);
                int Count = Measure(Text), Length = Convert(Text, Count, static_cast<Char*>(nullptr), 0);
                Pad(Left ? 0 : Width - Length, Fill);
                int Room = MaxFormatted - 1 - Used;
                // A string that does not fit is cut where the room ends.
                if (Length > Room) {
                    while (Count > 0 && Convert(Text, Count, static_cast<Char*>(nullptr), 0) > Room) {
                        --Count;
                    }
                }
                if (Count > 0) {
                    Used += Convert(Text, Count, Out + Used, Room);
                }
                Pad(Left ? Width - Length : 0, ' ');
            } else {
                auto Text = Pointer ? reinterpret_cast<const Char*>(Pointer) : Null;
                int Length = Measure(Text);
                Pad(Left ? 0 : Width - Length, Fill);
                for (int i = 0; i < Length; ++i) {
                    Put(Text[i]);
                }
                Pad(Left ? Width - Length : 0, ' ');
            }
            break;
        }
        case 'd':
        case 'i':
        case 'u':
        case 'x':
        case 'X':
        case 'p': {
            bool Signed = Kind == 'd' || Kind == 'i', Hex = Kind == 'x' || Kind == 'X' || Kind == 'p';
            u64 Value = *Arguments++;
            if (Kind == 'p') {
                Quad = true;
                Zero = true;
                Width = Width < 16 ? 16 : Width;
            }
            if (Short) {
                Value = Signed ? u64(i64(i16(Value))) : u64(u16(Value));
            } else if (!Quad) {
                Value = Signed ? u64(i64(i32(Value))) : u64(u32(Value));
            }
            bool Negative = Signed && i64(Value) < 0;
            if (Negative) {
                Value = 0 - Value;
            }
            Char Digits[24];
            int Count = 0;
            const char* Set = Kind == 'x' ? "0123456789abcdef" : "0123456789ABCDEF";
            u64 Base = Hex ? 16 : 10;
            do {
                Digits[Count++] = Char(Set[Value % Base]);
                Value /= Base;
            } while (Value);
            int Zeros = Precision > Count ? Precision - Count : 0;
            bool Prefix = Hex && Alternate && Kind != 'p';
            int Length = Count + Zeros + Negative + 2 * Prefix;
            if (Zero && !Left && Precision < 0) {
                Zeros += Width > Length ? Width - Length : 0;
            } else if (!Left) {
                Pad(Width - Length, ' ');
            }
            if (Negative) {
                Put('-');
            }
            if (Prefix) {
                Put('0');
                Put(Kind);
            }
            Pad(Zeros, '0');
            while (Count) {
                Put(Digits[--Count]);
            }
            Pad(Left ? Width - Length : 0, ' ');
            break;
        }
        default: // "%%", and whatever wsprintf does not know, stand for themselves
            Put(Kind);
            break;
        }
    }
    Out[Used] = 0;
    return Used;
}

}
