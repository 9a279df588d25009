// Names as cells hold them: one byte per character where all fit, UTF-16 otherwise.
#pragma once
#include <string.h>

#include "lib/regf/format.hpp"
#include "lib/regf/regf.hpp"

namespace regf {

struct StoredName {
    const u8* Bytes = nullptr;
    u32 Length = 0;                     // characters
    bool Compressed = false;
    wchar_t operator[](u32 I) const
    {
        if (Compressed)
            return wchar_t(Bytes[I]);
        u16 C;
        memcpy(&C, Bytes + 2 * I, 2);
        return wchar_t(C);
    }
    Status CopyTo(Vector<wchar_t>& To) const
    {
        TRY(To.Resize(Length));
        for (u32 I = 0; I < Length; ++I)
            To[I] = (*this)[I];
        return nt::STATUS_SUCCESS;
    }
};

inline StoredName NameOf(const disk::Key* K)
{
    bool Short = K->Flags & disk::Key::Compressed;
    return { reinterpret_cast<const u8*>(K + 1), u32(Short ? K->NameBytes : K->NameBytes / 2), Short };
}

inline StoredName NameOf(const disk::Value* V)
{
    bool Short = V->Flags & disk::Value::Compressed;
    return { reinterpret_cast<const u8*>(V + 1), u32(Short ? V->NameBytes : V->NameBytes / 2), Short };
}

inline bool FitsBytes(Text Name)
{
    for (wchar_t C : Name)
        if (C > 0xFF)
            return false;
    return true;
}

inline void StoreName(u8* To, Text Name, bool Compressed)
{
    for (usize I = 0; I < Name.size(); ++I) {
        if (Compressed) {
            To[I] = u8(Name[I]);
        } else {
            u16 C = u16(Name[I]);
            memcpy(To + 2 * I, &C, 2);
        }
    }
}

// A leaf of a subkey list: its entries are 4 or 8 bytes.
struct LeafView {
    const u8* Entries;
    u32 Count, Stride;
    explicit LeafView(const u8* Payload)
    {
        disk::List Head;
        memcpy(&Head, Payload, sizeof(Head));
        Entries = Payload + sizeof(Head);
        Count = Head.Count;
        Stride = Head.Signature == disk::List::Fast || Head.Signature == disk::List::Hashed ? 8 : 4;
    }
    u32 operator[](u32 I) const
    {
        u32 Cell;
        memcpy(&Cell, Entries + usize(I) * Stride, 4);
        return Cell;
    }
};

inline constexpr u32 LeafMaximum = 500;

}
