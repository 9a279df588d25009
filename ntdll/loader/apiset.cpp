// API sets: names of contracts ("api-ms-win-core-file-l1-2-0") that stand for the DLL that implements them. The map is the .apiset
// section of apisetschema.dll, version 6: a hash table over the names without their last "-n" part.
#include "abi/process.hpp"
#include "ntdll/loader/loader.hpp"

namespace ldr {

namespace {

struct Namespace {
    u32 Version, Size, Flags, Count, EntryOffset, HashOffset, HashFactor;
};
struct Entry {
    u32 Flags, NameOffset, NameLength, HashedLength, ValueOffset, ValueCount;
};
struct Value {
    u32 Flags, NameOffset, NameLength, ValueOffset, ValueLength;
};
struct HashEntry {
    u32 Hash, Index;
};

constinit const Namespace* Map = nullptr;

template <typename T> const T* Inside(u64 Offset, u64 Count = 1)
{
    return Offset <= Map->Size && Count <= (Map->Size - Offset) / sizeof(T) ? At<const T>(Map, Offset) : nullptr;
}

WCHAR Lower(WCHAR C) { return C >= 'A' && C <= 'Z' ? WCHAR(C + 32) : C; }

// Maps apisetschema.dll and finds its section.
const Namespace* MapSchema()
{
    // A process of the system's own takes it from the volume it is from itself: the disk that is C: may be away.
    WCHAR Text[] = L"\\??\\C:\\Windows\\System32\\apisetschema.dll";
    const UNICODE_STRING& Program = Peb()->ProcessParameters->ImagePathName;
    constexpr WCHAR Folder[] = L":\\Windows\\System32\\";
    if (Program.Length > sizeof(Folder) && __builtin_memcmp(Program.Buffer + 1, Folder, sizeof(Folder) - 2) == 0)
        Text[4] = Program.Buffer[0];
    UNICODE_STRING Path;
    RtlInitUnicodeString(&Path, Text);
    OBJECT_ATTRIBUTES Attributes { sizeof(OBJECT_ATTRIBUTES), nullptr, &Path, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
    IO_STATUS_BLOCK Io {};
    HANDLE File, Section;
    if (NtOpenFile(&File, SYNCHRONIZE | 0x21, &Attributes, &Io, 5, 0x60) < 0)
        return nullptr;
    NTSTATUS Status = NtCreateSection(&Section, SECTION_MAP_READ | SECTION_MAP_EXECUTE | SECTION_QUERY, nullptr, nullptr, PAGE_EXECUTE_READ, SEC_IMAGE, File);
    NtClose(File);
    if (Status < 0)
        return nullptr;
    // Not at its own base, which many programs' DLLs have.
    PVOID Base = reinterpret_cast<PVOID>(abi::NtdllBase - 2 * MiB);
    SIZE_T Size = 0;
    Status = NtMapViewOfSection(Section, CurrentProcess(), &Base, 0, 0, nullptr, &Size, ViewShare, 0, PAGE_EXECUTE_READ);
    if (Status < 0) {
        Base = nullptr;
        Status = NtMapViewOfSection(Section, CurrentProcess(), &Base, 0, 0, nullptr, &Size, ViewShare, 0, PAGE_EXECUTE_READ);
    }
    NtClose(Section);
    if (Status < 0)
        return nullptr;
    auto View = Image::Check(Base, Size);
    if (!View.Ok())
        return nullptr;
    auto& Nt = *View->Headers();
    auto* Sections = IMAGE_FIRST_SECTION(&Nt);
    for (u32 I = 0; I < Nt.FileHeader.NumberOfSections; ++I) {
        if (__builtin_memcmp(Sections[I].Name, ".apiset", 8))
            continue;
        auto* Found = View->Get<Namespace>(Sections[I].VirtualAddress);
        if (Found && Found->Version == 6 && View->Has(Sections[I].VirtualAddress, Found->Size))
            return Found;
    }
    return nullptr;
}

const Entry* FindEntry(const WCHAR* Set, u32 Length)
{
    // The part after the last '-' is a revision that does not count.
    u32 Hashed = Length;
    if (Hashed > 4 && Lower(Set[Hashed - 4]) == '.' && Lower(Set[Hashed - 3]) == 'd')
        Hashed -= 4;
    while (Hashed && Set[Hashed - 1] != '-')
        --Hashed;
    if (!Hashed)
        return nullptr;
    --Hashed;
    u32 Hash = 0;
    for (u32 I = 0; I < Hashed; ++I)
        Hash = Hash * Map->HashFactor + Lower(Set[I]);
    auto* Table = Inside<HashEntry>(Map->HashOffset, Map->Count);
    auto* Entries = Inside<Entry>(Map->EntryOffset, Map->Count);
    if (!Table || !Entries)
        return nullptr;
    u32 Low = 0, High = Map->Count;
    while (Low < High) {
        u32 Middle = Low + (High - Low) / 2;
        if (Table[Middle].Hash < Hash)
            Low = Middle + 1;
        else
            High = Middle;
    }
    for (; Low < Map->Count && Table[Low].Hash == Hash; ++Low) {
        if (Table[Low].Index >= Map->Count)
            return nullptr;
        const Entry& E = Entries[Table[Low].Index];
        auto* Text = Inside<WCHAR>(E.NameOffset, E.HashedLength / 2);
        if (Text && SameName(Text, E.HashedLength / 2, Set, Hashed))
            return &E;
    }
    return nullptr;
}

}

void InitializeApiSets()
{
    if (!Peb()->ApiSetMap)
        Peb()->ApiSetMap = const_cast<Namespace*>(MapSchema());
    Map = static_cast<const Namespace*>(Peb()->ApiSetMap);
    if (Map && Map->Version != 6)
        Map = nullptr;
}

bool IsApiSet(const WCHAR* Name, u32 Length)
{
    if (Length < 5 || Name[3] != '-')
        return false;
    WCHAR A = Lower(Name[0]), B = Lower(Name[1]), C = Lower(Name[2]);
    return (A == 'a' && B == 'p' && C == 'i') || (A == 'e' && B == 'x' && C == 't');
}

Name ResolveApiSet(const WCHAR* Set, u32 Length, const WCHAR* Importer, u32 ImporterLength)
{
    if (!Map)
        return {};
    const Entry* E = FindEntry(Set, Length);
    if (!E || !E->ValueCount)
        return {};
    auto* Values = Inside<Value>(E->ValueOffset, E->ValueCount);
    if (!Values)
        return {};
    // The first value is the default, the others are for one importer each.
    const Value* Chosen = Values;
    for (u32 I = 1; I < E->ValueCount && ImporterLength; ++I) {
        auto* Text = Inside<WCHAR>(Values[I].NameOffset, Values[I].NameLength / 2);
        if (Text && SameName(Text, Values[I].NameLength / 2, Importer, ImporterLength))
            Chosen = &Values[I];
    }
    auto* Host = Inside<WCHAR>(Chosen->ValueOffset, Chosen->ValueLength / 2);
    return Host ? Name { Host, Chosen->ValueLength / 2 } : Name {};
}

}

extern "C" {

BOOLEAN NTAPI ApiSetQueryApiSetPresence(const UNICODE_STRING* Set, BOOLEAN* Present)
{
    *Present = ldr::ResolveApiSet(Set->Buffer, Set->Length / 2, nullptr, 0).Length != 0;
    return 0;
}
NTSTATUS NTAPI ApiSetQueryApiSetPresenceEx(const UNICODE_STRING* Set, BOOLEAN* InSchema, BOOLEAN* Present)
{
    if (!ldr::IsApiSet(Set->Buffer, Set->Length / 2))
        return STATUS_INVALID_PARAMETER;
    *InSchema = ldr::Map && ldr::FindEntry(Set->Buffer, Set->Length / 2);
    *Present = ldr::ResolveApiSet(Set->Buffer, Set->Length / 2, nullptr, 0).Length != 0;
    return STATUS_SUCCESS;
}

}
