#include "lib/rtl/normalize.hpp"

#include "lib/rtl/nls.hpp"
#include "lib/rtl/platform.hpp"
#include "lib/rtl/rtl.hpp"

namespace rtl {

namespace {

constexpr u32 LBase = 0x1100, VBase = 0x1161, TBase = 0x11A7, LCount = 19, VCount = 21, TCount = 28;
constexpr u32 FormCount = 16;
constinit NormTable Tables[FormCount];
constinit u8 State[FormCount] = {};     // 0 not loaded, 1 loading, 2 there

}

// The header: the form at word 0x14, the factor at 0x15, sizes of the two hashes at 0x17 and 0x18, from word 0x1A on eight
// offsets in words, in ascending order.
bool NormTable::Load(const void* Data, usize Size, u32 Form)
{
    Words_ = static_cast<const u16*>(Data);
    Count_ = Size / 2;
    if (Size <= 0x44 || Words_[0x14] != Form)
        return false;
    u32* const Offsets[] = { &Classes_, &Level1_, &Level2_, &DecompositionHash_, &DecompositionMap_, &DecompositionText_, &CompositionHash_, &CompositionText_ };
    u32 Last = 0x22;
    for (u32 I = 0; I < 8; ++I) {
        *Offsets[I] = Words_[0x1A + I];
        if (*Offsets[I] > Count_ || *Offsets[I] < Last)
            return false;
        Last = *Offsets[I];
    }
    Factor_ = Words_[0x15];
    Decompositions_ = Words_[0x17];
    Composition_ = Words_[0x18];
    return Decompositions_ != 0;
}

NTSTATUS NormTable::Get(u32 Form, const NormTable** Table)
{
    if (!Form)
        return STATUS_INVALID_PARAMETER;
    if (Form >= FormCount)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    if (__atomic_load_n(&State[Form], __ATOMIC_ACQUIRE) != 2) {
        void* Data;
        ULONG Size;
        if (NTSTATUS Status = platform::NlsSection(NLS_SECTION_NORMALIZE, Form, &Data, &Size); Status < 0)
            return Status;
        NormTable New;
        if (!New.Load(Data, Size, Form))
            return STATUS_INVALID_PARAMETER;
        // Whoever comes second maps it in vain; both mappings hold the same.
        u8 None = 0;
        if (__atomic_compare_exchange_n(&State[Form], &None, u8(1), false, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE)) {
            Tables[Form] = New;
            __atomic_store_n(&State[Form], u8(2), __ATOMIC_RELEASE);
        } else {
            while (__atomic_load_n(&State[Form], __ATOMIC_ACQUIRE) != 2)
                asm volatile("pause");
        }
    }
    *Table = &Tables[Form];
    return STATUS_SUCCESS;
}

// Level 1 has a byte for 128 characters: the number of a level-2 block, or at both ends of the range one value for all.
u8 NormTable::Properties(u32 Character) const
{
    u8 Block = Byte(usize(Level1_) * 2 + Character / 128);
    if (!Block || Block >= 0xFB)
        return u8(Block << 5 | Block >> 3);
    return Byte(usize(Level2_) * 2 + usize(Block - 1) * 128 + Character % 128);
}

u8 NormTable::CombiningClass(u32 Character) const
{
    u8 Index = Properties(Character) & 0x3F;
    return Index == 0x3F ? 0 : Byte(usize(Classes_) * 2 + Index);
}

// A hash bucket holds one entry (length in the top three bits, place of the text below), or the start of its pairs of
// character and such an entry in the map.
const WCHAR* NormTable::Decomposition(u32 Character, WCHAR (&Room)[3], usize* Count, bool* Invalid) const
{
    *Invalid = false;
    u8 Property = Properties(Character);
    if (!Property || Property == PropertyUnassigned)
        return nullptr;
    if (Property == PropertyInvalid) {
        if (Character >= HangulBase && Character < HangulEnd) {
            u32 Index = Character - HangulBase;
            Room[0] = WCHAR(LBase + Index / (VCount * TCount));
            Room[1] = WCHAR(VBase + Index / TCount % VCount);
            Room[2] = WCHAR(TBase + Index % TCount);
            *Count = Index % TCount ? 3 : 2;
            return Room;
        }
        *Invalid = !IsHangulRange(Character);
        return nullptr;
    }
    u32 Hash = Character % Decompositions_;
    u16 Entry = Word(DecompositionHash_ + Hash);
    if (Entry >> 13) {
        if (Property != PropertyDecomposes)
            return nullptr;
    } else {
        usize Pair = Entry, End = 0;
        for (u32 Next = Hash + 1; Next < Decompositions_ && !End; ++Next)
            if (u16 Other = Word(DecompositionHash_ + Next); !(Other >> 13))
                End = Other;
        Entry = 0;
        for (; !End || Pair < End; ++Pair) {
            usize At = DecompositionMap_ + Pair * 2;
            if (At + 1 >= Count_ || (!End && !Words_[At]))
                break;
            if (Words_[At] == u16(Character)) {
                Entry = Words_[At + 1];
                break;
            }
        }
        if (!Entry)
            return nullptr;
    }
    usize At = DecompositionText_ + (Entry & 0x1FFFu), Length = Entry >> 13;
    if (Length == 7)
        while (Word(At + Length))
            ++Length;
    if (At + Length > Count_)
        return nullptr;
    *Count = Words_[At] ? Length : 0;
    return reinterpret_cast<const WCHAR*>(Words_ + At);
}

// Hangul by arithmetic, all else from a hash of triples.
u32 NormTable::Compose(u32 First, u32 Second) const
{
    if (First - LBase < LCount && Second - VBase < VCount)
        return HangulBase + ((First - LBase) * VCount + (Second - VBase)) * TCount;
    if (First - HangulBase < HangulEnd - HangulBase && (First - HangulBase) % TCount == 0 && Second - TBase - 1 < TCount - 1)
        return First + (Second - TBase);
    if (!Composition_)
        return 0;
    u32 Hash = (First + 95 * Second) % Composition_;
    usize At = CompositionText_ + Word(CompositionHash_ + Hash), End = CompositionText_ + usize(Word(CompositionHash_ + Hash + 1));
    if (End > Count_)
        return 0;
    auto* Text = reinterpret_cast<const WCHAR*>(Words_);
    while (At < End) {
        u32 Triple[3] = {};
        for (u32 I = 0; I < 3 && At < End; ++I)
            Triple[I] = DecodeUtf16(Text, End, At);
        if (Triple[0] == First && Triple[1] == Second)
            return Triple[2];
    }
    return 0;
}

}
