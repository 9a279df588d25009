// Resources: a tree of type, name, language.
#include "ntdll/exception/exception.hpp"
#include "ntdll/loader/loader.hpp"

using namespace ldr;

namespace {

// Handles of data files have the low bits set: 1 a flat file mapping, 2 an image mapping without imports.
bool IsFlat(PVOID Handle) { return u64(Handle) & 1; }
PVOID BaseOf(PVOID Handle) { return reinterpret_cast<PVOID>(u64(Handle) & ~u64(3)); }

struct Tree {
    u8* Root = nullptr;
    u32 Size = 0;
    template <typename T> T* Get(u64 Offset, u64 Count = 1) const
    {
        return Offset <= Size && Count <= (Size - Offset) / sizeof(T) ? At<T>(Root, Offset) : nullptr;
    }
};

Tree TreeOf(PVOID Handle)
{
    ULONG Size = 0;
    auto* Root = static_cast<u8*>(RtlImageDirectoryEntryToData(Handle, !IsFlat(Handle), IMAGE_DIRECTORY_ENTRY_RESOURCE, &Size));
    return { Root, Root ? Size : 0 };
}

bool IsString(ULONG_PTR Id) { return Id >> 16; }

// "#123" as a name is the number 123.
bool NumberOf(ULONG_PTR& Id)
{
    if (!IsString(Id))
        return true;
    auto* Text = reinterpret_cast<const WCHAR*>(Id);
    if (*Text != '#')
        return false;
    u64 Value = 0;
    for (++Text; *Text >= '0' && *Text <= '9'; ++Text)
        Value = Value * 10 + (*Text - '0');
    if (*Text || Value > 0xFFFF)
        return false;
    Id = Value;
    return true;
}

const IMAGE_RESOURCE_DIRECTORY_ENTRY* FindIn(const Tree& T, u32 Offset, ULONG_PTR Id)
{
    auto* Directory = T.Get<IMAGE_RESOURCE_DIRECTORY>(Offset);
    if (!Directory)
        return nullptr;
    u32 Named = Directory->NumberOfNamedEntries, Total = Named + Directory->NumberOfIdEntries;
    auto* Entries = T.Get<IMAGE_RESOURCE_DIRECTORY_ENTRY>(Offset + sizeof(IMAGE_RESOURCE_DIRECTORY), Total);
    if (!Entries)
        return nullptr;
    if (NumberOf(Id)) {
        u32 Low = Named, High = Total;
        while (Low < High) {
            u32 Middle = Low + (High - Low) / 2;
            if (Entries[Middle].Name == Id)
                return &Entries[Middle];
            if (Entries[Middle].Name > Id)
                High = Middle;
            else
                Low = Middle + 1;
        }
        return nullptr;
    }
    auto* Wanted = reinterpret_cast<const WCHAR*>(Id);
    u32 Length = LengthOf(Wanted);
    for (u32 I = 0; I < Named; ++I) {
        u32 At = Entries[I].Name & ~IMAGE_RESOURCE_NAME_IS_STRING;
        auto* String = T.Get<u16>(At);
        auto* Text = String ? T.Get<WCHAR>(At + 2, *String) : nullptr;
        if (Text && SameName(Text, *String, Wanted, Length))
            return &Entries[I];
    }
    return nullptr;
}

const IMAGE_RESOURCE_DIRECTORY_ENTRY* FirstIn(const Tree& T, u32 Offset)
{
    auto* Directory = T.Get<IMAGE_RESOURCE_DIRECTORY>(Offset);
    if (!Directory || Directory->NumberOfNamedEntries + Directory->NumberOfIdEntries == 0)
        return nullptr;
    return T.Get<IMAGE_RESOURCE_DIRECTORY_ENTRY>(Offset + sizeof(IMAGE_RESOURCE_DIRECTORY));
}

// The language to show, in the order in which Windows tries.
const IMAGE_RESOURCE_DIRECTORY_ENTRY* FindLanguage(const Tree& T, u32 Offset, u16 Wanted)
{
    ULONG User = 0x409, System = 0x409;
    NtQueryDefaultLocale(1, &User);
    NtQueryDefaultLocale(0, &System);
    u16 List[12];
    u32 Count = 0;
    auto Add = [&](u16 Language) { List[Count++] = Language; };
    Add(Wanted);
    Add(Wanted & 0x3FF);                        // the primary language, neutral
    if ((Wanted & 0x3FF) == 0 || Wanted == 0) {
        Add(0);
        if (u32 Thread = Teb()->CurrentLocale) {
            Add(u16(Thread));
            Add(u16(Thread & 0x3FF));
        }
        Add(u16(User));
        Add(u16(User & 0x3FF));
        Add(u16(System));
        Add(u16(System & 0x3FF));
    }
    Add(0);
    Add(0x409);
    for (u32 I = 0; I < Count; ++I) {
        if (auto* Entry = FindIn(T, Offset, List[I]))
            return Entry;
    }
    return FirstIn(T, Offset);
}

NTSTATUS Find(PVOID Handle, const LDR_RESOURCE_INFO* Info, ULONG Level, const void** Out, bool WantDirectory)
{
    Tree T = TreeOf(Handle);
    if (!T.Root)
        return STATUS_RESOURCE_DATA_NOT_FOUND;
    u32 Offset = 0;
    const ULONG_PTR Ids[] = { Level > 0 ? Info->Type : 0, Level > 1 ? Info->Name : 0, Level > 2 ? Info->Language : 0 };
    const NTSTATUS Missing[] = { STATUS_RESOURCE_TYPE_NOT_FOUND, STATUS_RESOURCE_NAME_NOT_FOUND, STATUS_RESOURCE_LANG_NOT_FOUND };
    if (Level > 3)
        return STATUS_INVALID_PARAMETER;
    for (u32 I = 0; I < Level; ++I) {
        auto* Entry = I == 2 ? FindLanguage(T, Offset, u16(Ids[2])) : FindIn(T, Offset, Ids[I]);
        if (!Entry)
            return Missing[I];
        Offset = Entry->OffsetToData & ~IMAGE_RESOURCE_DATA_IS_DIRECTORY;
        const bool IsDirectory = Entry->OffsetToData & IMAGE_RESOURCE_DATA_IS_DIRECTORY;
        if (I + 1 == Level && IsDirectory != WantDirectory)
            return STATUS_RESOURCE_DATA_NOT_FOUND;
        if (I + 1 < Level && !IsDirectory)
            return Missing[I + 1];
    }
    *Out = T.Get<u8>(Offset, WantDirectory ? sizeof(IMAGE_RESOURCE_DIRECTORY) : sizeof(IMAGE_RESOURCE_DATA_ENTRY));
    return *Out ? STATUS_SUCCESS : STATUS_RESOURCE_DATA_NOT_FOUND;
}

}

extern "C" {

PVOID NTAPI RtlImageRvaToVa(const IMAGE_NT_HEADERS* Headers, PVOID Base, ULONG Rva, IMAGE_SECTION_HEADER** Section);

NTSTATUS NTAPI LdrFindResource_U(PVOID Handle, const LDR_RESOURCE_INFO* Info, ULONG Level, const IMAGE_RESOURCE_DATA_ENTRY** Entry)
{
    return Find(Handle, Info, Level, reinterpret_cast<const void**>(Entry), false);
}
NTSTATUS NTAPI LdrFindResourceDirectory_U(PVOID Handle, const LDR_RESOURCE_INFO* Info, ULONG Level, const IMAGE_RESOURCE_DIRECTORY** Directory)
{
    return Find(Handle, Info, Level, reinterpret_cast<const void**>(Directory), true);
}
NTSTATUS NTAPI LdrAccessResource(PVOID Handle, const IMAGE_RESOURCE_DATA_ENTRY* Entry, PVOID* Data, ULONG* Size)
{
    if (!Entry)
        return STATUS_INVALID_PARAMETER;
    if (Size)
        *Size = Entry->Size;
    if (!Data)
        return STATUS_SUCCESS;
    PVOID Base = BaseOf(Handle);
    if (IsFlat(Handle))
        *Data = RtlImageRvaToVa(RtlImageNtHeader(Base), Base, Entry->OffsetToData, nullptr);
    else
        *Data = At<void>(Base, Entry->OffsetToData);
    return *Data ? STATUS_SUCCESS : STATUS_RESOURCE_DATA_NOT_FOUND;
}

}
