// Guessing whether bytes are UTF-16 text.
#include "lib/rtl/rtl.hpp"

namespace {

constexpr u32 IS_TEXT_UNICODE_ASCII16 = 0x1, IS_TEXT_UNICODE_STATISTICS = 0x2, IS_TEXT_UNICODE_CONTROLS = 0x4, IS_TEXT_UNICODE_SIGNATURE = 0x8,
              IS_TEXT_UNICODE_REVERSE_ASCII16 = 0x10, IS_TEXT_UNICODE_REVERSE_STATISTICS = 0x20,
              IS_TEXT_UNICODE_REVERSE_CONTROLS = 0x40,
              IS_TEXT_UNICODE_REVERSE_SIGNATURE = 0x80, IS_TEXT_UNICODE_ODD_LENGTH = 0x200, IS_TEXT_UNICODE_NULL_BYTES = 0x1000;
constexpr u32 UnicodeMask = 0x0F, ReverseMask = 0xF0, NotUnicodeMask = 0xF00, NotAsciiMask = 0xF000;

bool IsControl(u16 C) { return C == '\r' || C == '\n' || C == '\t' || C == ' ' || C == 0x3000 || !C; }
bool IsReverseControl(u16 C) { return C == 0x0D00 || C == 0x0A00 || C == 0x0900 || C == 0x2000 || !C; }

}

// The tests asked for in *Tests are made on the first 256 characters; those passed come back in it.
extern "C" BOOLEAN NTAPI RtlIsTextUnicode(const void* Text, INT Size, INT* Tests)
{
    if (Size < 2) {
        if (Tests)
            *Tests = 0;
        return false;
    }
    const u32 Wanted = Tests ? u32(*Tests) : ~0u;
    auto* Bytes = static_cast<const u8*>(Text);
    u32 Passed = Size & 1 ? IS_TEXT_UNICODE_ODD_LENGTH : 0;
    if (!Bytes[Size - 1])               // the end of a terminator says nothing
        --Size;
    usize Count = usize(Size) / 2 < 256 ? usize(Size) / 2 : 256;
    bool Control = false, ReverseControl = false, HalfEmpty = false;
    // How much each half of the characters changes from one to the next.
    u32 LowChange = 0, HighChange = 0, LastLow = 0, LastHigh = 0;
    auto Distance = [](u32 A, u32 B) { return A > B ? A - B : B - A; };
    for (usize I = 0; I < Count; ++I) {
        u16 C = u16(Bytes[2 * I] | Bytes[2 * I + 1] << 8);
        if (!I && C == 0xFEFF)
            Passed |= IS_TEXT_UNICODE_SIGNATURE;
        if (!I && C == 0xFFFE)
            Passed |= IS_TEXT_UNICODE_REVERSE_SIGNATURE;
        LowChange += Distance(C & 0xFF, LastLow);
        HighChange += Distance(C >> 8, LastHigh);
        LastLow = C & 0xFF;
        LastHigh = C >> 8;
        Control |= IsControl(C);
        ReverseControl |= IsReverseControl(C);
        HalfEmpty |= !(C & 0xFF) || !(C >> 8);
    }
    if (LowChange < 127 && !HighChange)
        Passed |= IS_TEXT_UNICODE_ASCII16;
    if (HighChange && !LowChange)
        Passed |= IS_TEXT_UNICODE_REVERSE_ASCII16;
    if (3 * HighChange < LowChange)
        Passed |= IS_TEXT_UNICODE_STATISTICS;
    if (3 * LowChange < HighChange)
        Passed |= IS_TEXT_UNICODE_REVERSE_STATISTICS;
    if (HalfEmpty)
        Passed |= IS_TEXT_UNICODE_NULL_BYTES;
    if (Control)
        Passed |= IS_TEXT_UNICODE_CONTROLS;
    if (ReverseControl)
        Passed |= IS_TEXT_UNICODE_REVERSE_CONTROLS;
    // A signature or an odd length always counts; the others where asked for.
    constexpr u32 Always = IS_TEXT_UNICODE_SIGNATURE | IS_TEXT_UNICODE_REVERSE_SIGNATURE | IS_TEXT_UNICODE_ODD_LENGTH;
    Passed &= Wanted | Always;
    if (Tests) {
        Passed &= Wanted;
        *Tests = INT(Passed);
    }
    if (Passed & (ReverseMask | NotUnicodeMask))
        return false;
    return (Passed & (NotAsciiMask | UnicodeMask)) != 0;
}
