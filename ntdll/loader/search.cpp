// Where DLLs are looked for: the default path, LOAD_LIBRARY_SEARCH_ flags, AddDllDirectory; and the reports of what was not found.
#include "ntdll/loader/loader.hpp"

namespace ldr {

namespace {

struct Directory {
    LIST_ENTRY Links;
    u32 Length;
    WCHAR Path[1];
};

constinit LIST_ENTRY UserDirectories { &UserDirectories, &UserDirectories };
constinit WCHAR* DllDirectory = nullptr;        // SetDllDirectory
constinit ULONG DefaultFlags = 0;               // SetDefaultDllDirectories
constinit ULONG SafeSearch = 1;                 // current directory after the system ones

const Name SystemDirectories[] = { { L"C:\\Windows\\System32", 19 }, { L"C:\\Windows\\system", 17 }, { L"C:\\Windows", 10 } };

void Part(Text& Out, Name N)
{
    if (!N.Length)
        return;
    if (Out.Length())
        Out.Add(L";", 1);
    Out.Add(N);
}

Name ProgramDirectory()
{
    if (TheProcess.Program)
        return DirectoryOf(TheProcess.Program->FullDllName);
    return DirectoryOf(Peb()->ProcessParameters->ImagePathName);
}

void Environment(Text& Out)
{
    UNICODE_STRING Variable, Value {};
    RtlInitUnicodeString(&Variable, L"PATH");
    if (RtlQueryEnvironmentVariable_U(nullptr, &Variable, &Value) != STATUS_BUFFER_TOO_SMALL)
        return;
    Value.MaximumLength = USHORT(Value.Length + 2);
    Value.Buffer = static_cast<WCHAR*>(RtlAllocateHeap(Peb()->ProcessHeap, 0, Value.MaximumLength));
    if (!Value.Buffer)
        return;
    if (RtlQueryEnvironmentVariable_U(nullptr, &Variable, &Value) >= 0)
        Part(Out, { Value.Buffer, Value.Length / 2u });
    Free(Value.Buffer);
}

bool Build(ULONG Flags, Name LoadDirectory, Text& Out)
{
    if (!(Flags & SearchFlags) && !(Flags & LOAD_WITH_ALTERED_SEARCH_PATH))
        Flags |= DefaultFlags;
    if (Flags & SearchFlags) {
        if (Flags & LOAD_LIBRARY_SEARCH_DEFAULT_DIRS)
            Flags |= LOAD_LIBRARY_SEARCH_APPLICATION_DIR | LOAD_LIBRARY_SEARCH_USER_DIRS | LOAD_LIBRARY_SEARCH_SYSTEM32;
        if (Flags & LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR)
            Part(Out, LoadDirectory);
        if (Flags & LOAD_LIBRARY_SEARCH_APPLICATION_DIR)
            Part(Out, ProgramDirectory());
        if (Flags & LOAD_LIBRARY_SEARCH_USER_DIRS) {
            for (LIST_ENTRY* I = UserDirectories.Flink; I != &UserDirectories; I = I->Flink) {
                Directory* D = RECORD_OF(I, Directory, Links);
                Part(Out, { D->Path, D->Length });
            }
            if (DllDirectory)
                Part(Out, { DllDirectory, LengthOf(DllDirectory) });
        }
        if (Flags & LOAD_LIBRARY_SEARCH_SYSTEM32)
            Part(Out, SystemDirectories[0]);
        return Out.Ok();
    }
    Part(Out, Flags & LOAD_WITH_ALTERED_SEARCH_PATH && LoadDirectory.Length ? LoadDirectory : ProgramDirectory());
    if (DllDirectory)
        Part(Out, { DllDirectory, LengthOf(DllDirectory) });
    else if (!SafeSearch)
        Part(Out, { L".", 1 });
    for (const Name& N : SystemDirectories)
        Part(Out, N);
    if (!DllDirectory && SafeSearch)
        Part(Out, { L".", 1 });
    Environment(Out);
    return Out.Ok();
}

Name LoadDirectoryOf(const WCHAR* Module)
{
    if (!Module)
        return {};
    UNICODE_STRING S { USHORT(LengthOf(Module) * 2), 0, const_cast<WCHAR*>(Module) };
    return DirectoryOf(S);
}

bool Absolute(const WCHAR* Path)
{
    u32 Type = RtlDetermineDosPathNameType_U(Path);
    return Type == 1 || Type == 2 || Type == 6 || Type == 7;       // UNC, drive absolute, local and root device
}

NTSTATUS HardError(NTSTATUS Code, ULONG Count, ULONG_PTR* Parameters, ULONG Mask)
{
    ULONG Response;
    return NtRaiseHardError(Code, Count, Mask, Parameters, 1, &Response);      // OptionOk
}

}

bool SearchPath(const Request& R, Text& Out)
{
    if (R.Path) {
        Out.Add(R.Path, LengthOf(R.Path));
        return Out.Ok();
    }
    return Build(R.Flags, R.Importer ? DirectoryOf(R.Importer->FullDllName) : Name {}, Out);
}

// Only while the program itself starts is a missing import the end; a dynamic load just returns its status.
void ReportMissing(NTSTATUS Status, const char* What, Module* Who)
{
    if (TheProcess.Initialized)
        return;
    ANSI_STRING Symbol;
    UNICODE_STRING Wide {};
    WCHAR Text[260];
    RtlInitAnsiString(&Symbol, What ? What : "");
    for (u32 I = 0; I < Symbol.Length && I < 259; ++I)
        Text[Wide.Length++] = u8(Symbol.Buffer[I]);
    Wide.Length *= 2;
    Wide.MaximumLength = Wide.Length;
    Wide.Buffer = Text;
    ULONG_PTR Parameters[] = { u64(&Wide), u64(&Who->FullDllName) };
    HardError(Status, 2, Parameters, 3);
}

void ReportMissingModule(const WCHAR* Name, u32 Length, Module* Who)
{
    UNICODE_STRING Wanted { USHORT(Length * 2), USHORT(Length * 2), const_cast<WCHAR*>(Name) };
    DbgPrint("ldr: %wZ wants %wZ, which cannot be loaded\n", &Who->BaseDllName, &Wanted);
    if (TheProcess.Initialized)
        return;
    ULONG_PTR Parameters[] = { u64(&Wanted), u64(&Who->FullDllName) };
    HardError(STATUS_DLL_NOT_FOUND, 2, Parameters, 3);
}

}

using namespace ldr;

extern "C" {

// Path: to be given back with RtlReleasePath. Unknown is set to null.
NTSTATUS NTAPI LdrGetDllPath(const WCHAR* Module, ULONG Flags, WCHAR** Path, WCHAR** Unknown)
{
    SectionGuard Held(Lock());
    Text Out;
    *Path = nullptr;
    if (Unknown)
        *Unknown = nullptr;
    if (Flags & SearchFlags && Flags & LOAD_WITH_ALTERED_SEARCH_PATH)
        return STATUS_INVALID_PARAMETER;
    if (Flags & LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR && (!Module || !Absolute(Module)))
        return STATUS_INVALID_PARAMETER;
    if (Flags & LOAD_WITH_ALTERED_SEARCH_PATH && Module && !Absolute(Module))
        Module = nullptr;
    if (!Build(Flags, LoadDirectoryOf(Module), Out))
        return STATUS_NO_MEMORY;
    *Path = Out.Leak();
    return STATUS_SUCCESS;
}
void NTAPI RtlReleasePath(WCHAR* Path) { Free(Path); }
NTSTATUS NTAPI RtlGetSearchPath(WCHAR** Path) { return LdrGetDllPath(nullptr, 0, Path, nullptr); }
NTSTATUS NTAPI RtlGetExePath(const WCHAR* Name, WCHAR** Path)
{
    Text Out;
    Part(Out, ProgramDirectory());
    bool Relative = true;
    for (const WCHAR* P = Name; *P; ++P)
        Relative &= *P != '\\';
    if (Relative)
        Part(Out, { L".", 1 });
    for (const ldr::Name& N : SystemDirectories)
        Part(Out, N);
    if (!Relative)
        Part(Out, { L".", 1 });
    Environment(Out);
    *Path = Out.Ok() ? Out.Leak() : nullptr;
    return *Path ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}
NTSTATUS NTAPI RtlSetSearchPathMode(ULONG Flags)
{
    constexpr ULONG Enable = 1, Disable = 0x10000, Permanent = 0x8000;
    static constinit bool Fixed = false;
    switch (Flags) {
    case Enable:
        if (Fixed)
            return STATUS_ACCESS_DENIED;
        SafeSearch = 1;
        return STATUS_SUCCESS;
    case Disable:
        if (Fixed)
            return STATUS_ACCESS_DENIED;
        SafeSearch = 0;
        return STATUS_SUCCESS;
    case Enable | Permanent:
        SafeSearch = 1;
        Fixed = true;
        return STATUS_SUCCESS;
    default:
        return STATUS_INVALID_PARAMETER;
    }
}

NTSTATUS NTAPI LdrSetDllDirectory(const UNICODE_STRING* Path)
{
    WCHAR* New = nullptr;
    for (u32 I = 0; I < Path->Length / 2u; ++I) {
        if (Path->Buffer[I] == ';')
            return STATUS_INVALID_PARAMETER;
    }
    if (Path->Buffer) {
        Text Copy;
        Copy.Add(Path->Buffer, Path->Length / 2);
        if (!Copy.Ok())
            return STATUS_NO_MEMORY;
        New = Copy.Leak();
    }
    SectionGuard Held(Lock());
    Free(DllDirectory);
    DllDirectory = New;
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI LdrGetDllDirectory(UNICODE_STRING* Path)
{
    SectionGuard Held(Lock());
    u32 Length = DllDirectory ? LengthOf(DllDirectory) * 2 : 0;
    Path->Length = USHORT(Length);
    if (Path->MaximumLength < Length + 2) {
        Path->Length = USHORT(Length + 2);
        return STATUS_BUFFER_TOO_SMALL;
    }
    if (Length)
        __builtin_memcpy(Path->Buffer, DllDirectory, Length);
    Path->Buffer[Length / 2] = 0;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI LdrAddDllDirectory(const UNICODE_STRING* Path, PVOID* Cookie)
{
    Text Copy;
    Copy.Add(Path->Buffer, Path->Length / 2);
    if (!Copy.Ok())
        return STATUS_NO_MEMORY;
    if (!Absolute(Copy.Chars()))
        return STATUS_INVALID_PARAMETER;
    UNICODE_STRING Nt;
    if (!RtlDosPathNameToNtPathName_U(Copy.Chars(), &Nt, nullptr, nullptr))
        return STATUS_OBJECT_NAME_INVALID;
    OBJECT_ATTRIBUTES Attributes { sizeof(OBJECT_ATTRIBUTES), nullptr, &Nt, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
    u64 Basic[8] {};                            // FILE_BASIC_INFORMATION
    NTSTATUS Status = NtQueryAttributesFile(&Attributes, reinterpret_cast<FILE_BASIC_INFORMATION*>(Basic));
    RtlFreeUnicodeString(&Nt);
    if (Status < 0)
        return Status;
    auto* D = NewZeroed<Directory>(Path->Length);
    if (!D)
        return STATUS_NO_MEMORY;
    D->Length = Path->Length / 2;
    __builtin_memcpy(D->Path, Path->Buffer, Path->Length);
    SectionGuard Held(Lock());
    InsertHeadList(&UserDirectories, &D->Links);
    *Cookie = D;
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI LdrRemoveDllDirectory(PVOID Cookie)
{
    SectionGuard Held(Lock());
    for (LIST_ENTRY* I = UserDirectories.Flink; I != &UserDirectories; I = I->Flink) {
        Directory* D = RECORD_OF(I, Directory, Links);
        if (D != Cookie)
            continue;
        RemoveEntryList(&D->Links);
        Free(D);
        return STATUS_SUCCESS;
    }
    return STATUS_INVALID_PARAMETER;
}
NTSTATUS NTAPI LdrSetDefaultDllDirectories(ULONG Flags)
{
    constexpr ULONG Valid = SearchFlags & ~LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR;
    if (!Flags || Flags & ~Valid)
        return STATUS_INVALID_PARAMETER;
    DefaultFlags = Flags;
    return STATUS_SUCCESS;
}

}
