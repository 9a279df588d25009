// The tables of one normalization form (norm*.nls), with every offset checked when they are loaded and every look-up bounded.
#pragma once
#include "abi/nt/rtl.hpp"

namespace rtl {

inline constexpr u32 FormIdna = 13;

// What is known of a character, one byte: in the lower six bits an index of its combining class, or all ones.
inline constexpr u8 PropertyUnassigned = 0x7F, PropertyDecomposes = 0xBF, PropertyInvalid = 0xFF;

class NormTable {
public:
    // The tables of a form, mapped once. STATUS_INVALID_PARAMETER, STATUS_OBJECT_NAME_NOT_FOUND.
    static nt::NTSTATUS Get(u32 Form, const NormTable** Table);

    u8 Properties(u32 Character) const;
    u8 CombiningClass(u32 Character) const;
    bool Composes() const { return Composition_ != 0; }
    u32 GrowthFactor() const { return Factor_; }
    // The decomposition as UTF-16 units, none for a character that vanishes; null: there is none (Character stands for
    // itself), or with *Invalid that the character may not occur. Room serves for Hangul.
    const nt::WCHAR* Decomposition(u32 Character, nt::WCHAR (&Room)[3], usize* Count, bool* Invalid) const;
    // The character that the two make, or 0.
    u32 Compose(u32 First, u32 Second) const;

private:
    bool Load(const void* Data, usize Size, u32 Form);
    u16 Word(usize Index) const { return Index < Count_ ? Words_[Index] : 0; }
    u8 Byte(usize Index) const { return Index < Count_ * 2 ? reinterpret_cast<const u8*>(Words_)[Index] : 0; }

    const u16* Words_ = nullptr;
    usize Count_ = 0;
    u32 Factor_ = 0, Decompositions_ = 0, Composition_ = 0;
    u32 Classes_ = 0, Level1_ = 0, Level2_ = 0, DecompositionHash_ = 0, DecompositionMap_ = 0, DecompositionText_ = 0, CompositionHash_ = 0,
        CompositionText_ = 0;
};

constexpr u32 HangulBase = 0xAC00, HangulEnd = 0xAC00 + 11172;
constexpr bool IsHangulRange(u32 C) { return (C >= 0x1100 && C < 0x1200) || (C >= HangulBase && C < HangulBase + 0x2C00); }

}
