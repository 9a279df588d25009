// Exports, forwarders, and the import tables that name them.
#include "ntdll/loader/loader.hpp"

namespace ldr {

namespace {

// Wanted against the name at Rva, which may run into the end of the image: then it is greater.
int Compare(const char* Wanted, const Image& View, u32 Rva)
{
    const u32 Size = View.Size();
    if (Rva >= Size)
        return -1;
    const char* Name = At<const char>(View.Base(), Rva);
    const char* End = At<const char>(View.Base(), Size);
    for (; *Wanted == *Name; ++Wanted, ++Name) {
        if (!*Wanted)
            return 0;
        if (Name + 1 == End)
            return -1;
    }
    return int(u8(*Wanted)) - int(u8(*Name));
}

// A one-byte-per-character name as a wide one.
struct WideName {
    WCHAR Text[260];
    u32 Length = 0;
    explicit WideName(const char* Ascii, u32 Limit = ~0u)
    {
        while (Length < 259 && Length < Limit && Ascii[Length]) {
            Text[Length] = u8(Ascii[Length]);
            ++Length;
        }
        Text[Length] = 0;
    }
};

// Index into AddressOfFunctions, or ~0.
u32 IndexOfName(const Image& View, const IMAGE_EXPORT_DIRECTORY& Exports, const char* Name, u32 Hint)
{
    auto* Names = View.Get<u32>(Exports.AddressOfNames, Exports.NumberOfNames);
    auto* Ordinals = View.Get<u16>(Exports.AddressOfNameOrdinals, Exports.NumberOfNames);
    if (!Names || !Ordinals)
        return ~0u;
    auto Matches = [&](u32 I) { return Compare(Name, View, Names[I]); };
    if (Hint < Exports.NumberOfNames && Matches(Hint) == 0)
        return Ordinals[Hint];
    u32 Low = 0, High = Exports.NumberOfNames;
    while (Low < High) {
        u32 Middle = Low + (High - Low) / 2;
        int Order = Matches(Middle);
        if (!Order)
            return Ordinals[Middle];
        if (Order < 0)
            High = Middle;
        else
            Low = Middle + 1;
    }
    return ~0u;
}

bool Writable(const Image& View, u32 Rva)
{
    auto& Nt = *View.Headers();
    auto* Sections = IMAGE_FIRST_SECTION(&Nt);
    for (u32 I = 0; I < Nt.FileHeader.NumberOfSections; ++I) {
        u32 Size = Sections[I].Misc.VirtualSize ? Sections[I].Misc.VirtualSize : Sections[I].SizeOfRawData;
        if (Rva >= Sections[I].VirtualAddress && Rva - Sections[I].VirtualAddress < Size)
            return Sections[I].Characteristics & IMAGE_SCN_MEM_WRITE;
    }
    return false;
}

// Calls Action(descriptor, name) for each descriptor until it fails.
template <typename F> Status ForEachImport(const Image& View, F Action)
{
    u32 Bytes;
    auto* First = View.Directory<IMAGE_IMPORT_DESCRIPTOR>(IMAGE_DIRECTORY_ENTRY_IMPORT, Bytes);
    if (!First)
        return STATUS_SUCCESS;
    for (u64 Rva = u64(First) - u64(View.Base());; Rva += sizeof(IMAGE_IMPORT_DESCRIPTOR)) {
        auto* D = View.Get<IMAGE_IMPORT_DESCRIPTOR>(Rva);
        if (!D)
            return STATUS_INVALID_IMAGE_FORMAT;
        if (!D->Name || !D->FirstThunk)
            return STATUS_SUCCESS;
        const char* Name = View.String(D->Name);
        if (!Name)
            return STATUS_INVALID_IMAGE_FORMAT;
        if (Status S = Action(*D, Name); !S.Ok())
            return S;
    }
}

Status BindOne(Module* M, Module* From, const IMAGE_IMPORT_DESCRIPTOR& D, const char* FromName)
{
    Image View = M->View();
    u64 NameRva = D.OriginalFirstThunk ? D.OriginalFirstThunk : D.FirstThunk, TableRva = D.FirstThunk;
    u32 Count = 0;
    for (;; ++Count) {
        auto* Thunk = View.Get<u64>(NameRva + u64(Count) * 8);
        if (!Thunk || !View.Get<u64>(TableRva + u64(Count) * 8))
            return STATUS_INVALID_IMAGE_FORMAT;
        if (!*Thunk)
            break;
    }
    if (!Count)
        return STATUS_SUCCESS;
    auto* Names = View.Get<u64>(NameRva, Count);
    auto* Table = View.Get<u64>(TableRva, Count);
    ULONG Old = 0;
    const bool Protected = !Writable(View, u32(TableRva));
    if (Protected && !ProtectRange(Table, u64(Count) * 8, PAGE_READWRITE, Old))
        return STATUS_INVALID_PAGE_PROTECTION;
    Status Answer = STATUS_SUCCESS;
    for (u32 I = 0; I < Count; ++I) {
        const u64 Thunk = Names[I];
        Result<PVOID> Target = STATUS_INVALID_IMAGE_FORMAT;
        const char* Symbol = nullptr;
        if (Thunk & IMAGE_ORDINAL_FLAG64) {
            Target = FindExport(From, nullptr, u32(Thunk & 0xFFFF), 0, M);
        } else {
            auto* Hint = View.Get<u16>(Thunk);
            Symbol = View.String(Thunk + 2);
            if (Hint && Symbol)
                Target = FindExport(From, Symbol, 0, *Hint, M);
        }
        if ((Target.Code() == STATUS_ENTRYPOINT_NOT_FOUND || Target.Code() == STATUS_ORDINAL_NOT_FOUND) && IsSystemModule(From)) {
            if (PVOID Stub = AbsentStub(From, Symbol, u32(Thunk & 0xFFFF))) {
                Table[I] = u64(Stub);
                continue;
            }
        }
        if (!Target.Ok()) {
            DbgPrint("ldr: %wZ wants %s!%s", &M->BaseDllName, FromName, Symbol ? Symbol : "");
            if (!Symbol)
                DbgPrint("#%u", u32(Thunk & 0xFFFF));
            DbgPrint(", which %wZ does not have (status %08x)\n", &From->BaseDllName, Target.Code());
            ReportMissing(Target.Code(), Symbol, M);
            Answer = Target.GetStatus();
            break;
        }
        Table[I] = u64(Target.Value());
    }
    if (Protected)
        ProtectRange(Table, u64(Count) * 8, Old, Old);
    return Answer;
}

}

Result<PVOID> FindExport(Module* M, const char* Name, u32 Ordinal, u32 Hint, Module* User)
{
    char Symbol[512];
    for (u32 Depth = 0; Depth < 16; ++Depth) {
        Image View = M->View();
        u32 Bytes;
        auto* Exports = View.Directory<IMAGE_EXPORT_DIRECTORY>(IMAGE_DIRECTORY_ENTRY_EXPORT, Bytes);
        const NTSTATUS NotFound = Name ? STATUS_ENTRYPOINT_NOT_FOUND : STATUS_ORDINAL_NOT_FOUND;
        if (!Exports)
            return NtStatus(NotFound);
        u32 Index = Name ? IndexOfName(View, *Exports, Name, Hint) : Ordinal - Exports->Base;
        auto* Functions = View.Get<u32>(Exports->AddressOfFunctions, Exports->NumberOfFunctions);
        const bool Has = Functions && Index < Exports->NumberOfFunctions && Functions[Index];
        // A system DLL keeps the packaged ones' own: kernel32 would need winsup.dll, which starts after it.
        if (!Has || (Name && IsReplaced(M, Name) && !(User && IsSystemModule(User)))) {
            if (!Name || (!Has && !IsSupplied(M, Name)))
                return NtStatus(NotFound);
            Module* Supplement = TRY(FindOrMap({ L"winsup.dll", 10, nullptr, 0, M }, LoadReasonStaticForwarderDependency));
            if (!AddNeed(M, Supplement) || (User && !AddNeed(User, Supplement)))
                return NtStatus(STATUS_NO_MEMORY);
            M = Supplement;
            Hint = ~0u;
            continue;
        }
        const u32 Rva = Functions[Index];
        const u64 Start = u64(Exports) - u64(View.Base());
        if (!View.Has(Rva, 1))
            return NtStatus(STATUS_INVALID_IMAGE_FORMAT);
        if (Rva < Start || Rva >= Start + Bytes)
            return At<void>(View.Base(), Rva);

        // A forwarder: "module.symbol" or "module.#ordinal".
        const char* Text = View.String(Rva);
        u32 Dot = ~0u, Length = 0;
        for (; Text && Text[Length]; ++Length) {
            if (Text[Length] == '.')
                Dot = Length;
        }
        if (!Text || Dot == ~0u || Length - Dot >= sizeof(Symbol))
            return NtStatus(STATUS_INVALID_IMAGE_FORMAT);
        __builtin_memcpy(Symbol, Text + Dot + 1, Length - Dot);
        WideName Host(Text, Dot);
        if (Host.Length > 255)
            return NtStatus(STATUS_INVALID_IMAGE_FORMAT);
        __builtin_memcpy(Host.Text + Host.Length, L".dll", 10);
        Host.Length += 4;
        Module* Target = TRY(FindOrMap({ Host.Text, Host.Length, nullptr, 0, M }, LoadReasonStaticForwarderDependency));
        if (!AddNeed(M, Target) || (User && !AddNeed(User, Target)))
            return NtStatus(STATUS_NO_MEMORY);
        M = Target;
        Hint = ~0u;
        Name = Symbol;
        if (Symbol[0] == '#') {
            Name = nullptr;
            Ordinal = 0;
            for (const char* P = Symbol + 1; *P >= '0' && *P <= '9'; ++P)
                Ordinal = Ordinal * 10 + u32(*P - '0');
        }
    }
    return NtStatus(STATUS_INVALID_IMAGE_FORMAT);
}

Status MapImports(Module* M)
{
    if (M->NoResolve)
        return STATUS_SUCCESS;
    return ForEachImport(M->View(), [&](const IMAGE_IMPORT_DESCRIPTOR&, const char* Ascii) -> Status {
        WideName Name(Ascii);
        auto Found = FindOrMap({ Name.Text, Name.Length, nullptr, 0, M }, LoadReasonStaticDependency);
        if (!Found.Ok()) {
            ReportMissingModule(Name.Text, Name.Length, M);
            return Found.GetStatus();
        }
        return AddNeed(M, Found.Value()) ? STATUS_SUCCESS : STATUS_NO_MEMORY;
    });
}

Status BindImports(Module* M)
{
    if (M->NoResolve)
        return STATUS_SUCCESS;
    return ForEachImport(M->View(), [&](const IMAGE_IMPORT_DESCRIPTOR& D, const char* Ascii) -> Status {
        WideName Name(Ascii);
        Module* From = FindLoaded({ Name.Text, Name.Length, nullptr, 0, M });
        return From ? BindOne(M, From, D, Ascii) : STATUS_DLL_NOT_FOUND;
    });
}

}
