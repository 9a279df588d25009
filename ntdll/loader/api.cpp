// The Ldr functions that programs call.
#include "ntdll/exception/exception.hpp"
#include "ntdll/loader/loader.hpp"

using namespace ldr;

namespace {

struct LDR_DLL_NOTIFICATION_DATA {
    ULONG Flags;
    const UNICODE_STRING* FullDllName;
    const UNICODE_STRING* BaseDllName;
    PVOID DllBase;
    ULONG SizeOfImage;
};
using NOTIFICATION = void NTAPI(ULONG Reason, const LDR_DLL_NOTIFICATION_DATA* Data, PVOID Context);
struct Listener {
    LIST_ENTRY Links;
    NOTIFICATION* Function;
    PVOID Context;
};
constinit LIST_ENTRY Listeners { &Listeners, &Listeners };
constinit u64 LockCookie = 0;

// kernelbase passes the LOAD_LIBRARY_ flags by value, Windows programs a pointer to DLL characteristics.
ULONG FlagsOf(u64 Argument)
{
    if (Argument < 0x10000)
        return ULONG(Argument);
    ULONG Characteristics = *reinterpret_cast<ULONG*>(Argument);
    return Characteristics & 0x2 ? DONT_RESOLVE_DLL_REFERENCES : 0;     // IMAGE_FILE_EXECUTABLE_IMAGE stands for that
}

// The search path may be a string, or flags with the low bit set.
const WCHAR* PathOf(const WCHAR* Path, ULONG& Flags)
{
    if (u64(Path) & 1) {
        Flags |= ULONG(u64(Path)) & ~1u;
        return nullptr;
    }
    return Path;
}

void SetLoadCount(Module* M)
{
    if (M->Pinned)
        return;
    M->Node.LoadCount = LONG(M->Roots ? M->Roots : 1);
    M->ObsoleteLoadCount = USHORT(M->Node.LoadCount);
}

}

namespace ldr {
void NotifyLoaded(Module* M, bool Loaded)
{
    LDR_DLL_NOTIFICATION_DATA Data { 0, &M->FullDllName, &M->BaseDllName, M->DllBase, M->SizeOfImage };
    for (LIST_ENTRY* I = Listeners.Flink; I != &Listeners;) {
        Listener* L = RECORD_OF(I, Listener, Links);
        I = I->Flink;
        L->Function(Loaded ? 1 : 2, &Data, L->Context);
    }
}
}

extern "C" {

NTSTATUS NTAPI LdrLoadDll(const WCHAR* Path, u64 FlagsArgument, const UNICODE_STRING* DllName, PVOID* Base)
{
    if (!DllName || !Base)
        return STATUS_INVALID_PARAMETER;
    *Base = nullptr;
    ULONG Flags = FlagsOf(FlagsArgument);
    Path = PathOf(Path, Flags);
    SectionGuard Held(Lock());
    BeginBatch();
    Request R { DllName->Buffer, DllName->Length / 2u, Path, Flags, nullptr };
    Result<Module*> Found = FindOrMap(R, LoadReasonDynamicLoad);
    if (!Found.Ok())
        return Found.Code();
    Module* M = Found.Value();
    if (M->Phase == State::Mapped && Flags & DONT_RESOLVE_DLL_REFERENCES)
        M->NoResolve = true;
    ++M->Roots;
    Status S = M->Phase <= State::Bound ? Complete(M, TheProcess.Initialized || TheProcess.Program->Phase != State::Mapped)
                                        : Status(STATUS_SUCCESS);
    if (!S.Ok()) {
        // A failed link has removed it; a failed attach has not.
        if (FindByHandle(M->DllBase) == M) {
            --M->Roots;
            Sweep();
        }
        return S.Code();
    }
    SetLoadCount(M);
    *Base = M->DllBase;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI LdrUnloadDll(PVOID Base)
{
    SectionGuard Held(Lock());
    Module* M = FindByHandle(Base);
    if (!M)
        return STATUS_DLL_NOT_FOUND;
    if (M->Pinned)
        return STATUS_SUCCESS;
    if (M->Roots) {
        --M->Roots;
        SetLoadCount(M);
        if (!M->Roots)
            Sweep();
    }
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI LdrAddRefDll(ULONG Flags, PVOID Base)
{
    if (Flags & ~1u)                            // LDR_ADDREF_DLL_PIN
        return STATUS_INVALID_PARAMETER;
    SectionGuard Held(Lock());
    Module* M = FindByHandle(Base);
    if (!M)
        return STATUS_INVALID_PARAMETER;
    if (Flags & 1) {
        M->Pinned = true;
        M->ObsoleteLoadCount = 0xFFFF;
        M->Node.LoadCount = -1;
    } else {
        ++M->Roots;
        SetLoadCount(M);
    }
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI LdrGetDllHandleEx(ULONG Flags, const WCHAR* Path, u64 CharacteristicsArgument, const UNICODE_STRING* Name, PVOID* Base)
{
    constexpr ULONG Unchanged = 1, Pin = 2;
    if (Flags & ~(Unchanged | Pin) || (Flags & (Unchanged | Pin)) == (Unchanged | Pin) || !Name || (!Base && !(Flags & Pin)))
        return STATUS_INVALID_PARAMETER;
    SectionGuard Held(Lock());
    if (Base)
        *Base = nullptr;
    Module* M = FindLoaded({ Name->Buffer, Name->Length / 2u, nullptr, 0, nullptr });
    if (!M)
        return STATUS_DLL_NOT_FOUND;
    if (Base)
        *Base = M->DllBase;
    if (Flags & Pin)
        return LdrAddRefDll(1, M->DllBase);
    return Flags & Unchanged ? STATUS_SUCCESS : LdrAddRefDll(0, M->DllBase);
}
NTSTATUS NTAPI LdrGetDllHandle(const WCHAR* Path, u64 Characteristics, const UNICODE_STRING* Name, PVOID* Base)
{
    return LdrGetDllHandleEx(1, Path, Characteristics, Name, Base);
}
NTSTATUS NTAPI LdrGetDllHandleByName(const UNICODE_STRING* BaseName, const UNICODE_STRING* FullName, PVOID* Base)
{
    SectionGuard Held(Lock());
    Module* M = BaseName ? FindByBaseName(BaseName->Buffer, BaseName->Length / 2) : FindByFullName(FullName->Buffer, FullName->Length / 2);
    if (!M)
        return STATUS_DLL_NOT_FOUND;
    *Base = M->DllBase;
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI LdrGetDllHandleByMapping(PVOID Address, PVOID* Base)
{
    Module* M = FindByAddress(Address);
    if (!M)
        return STATUS_DLL_NOT_FOUND;
    *Base = M->DllBase;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI LdrGetDllFullName(PVOID Base, UNICODE_STRING* Name)
{
    SectionGuard Held(Lock());
    Module* M = FindByHandle(Base ? Base : Peb()->ImageBaseAddress);
    if (!M)
        return STATUS_DLL_NOT_FOUND;
    u32 Room = Name->MaximumLength, Bytes = M->FullDllName.Length;
    u32 Copied = Bytes < Room ? Bytes : Room;
    __builtin_memcpy(Name->Buffer, M->FullDllName.Buffer, Copied);
    Name->Length = USHORT(Copied);
    if (Bytes + 2 > Room)
        return STATUS_BUFFER_TOO_SMALL;
    Name->Buffer[Bytes / 2] = 0;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI LdrDisableThreadCalloutsForDll(PVOID Base)
{
    SectionGuard Held(Lock());
    Module* M = FindByHandle(Base);
    if (!M)
        return STATUS_DLL_NOT_FOUND;
    // With static TLS the notifications are needed.
    if (M->TlsIndex)
        return STATUS_UNSUCCESSFUL;
    M->Flags |= LDRP_DONT_CALL_FOR_THREADS;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI LdrGetProcedureAddressForCaller(PVOID Base, const ANSI_STRING* Name, ULONG Ordinal, PVOID* Address, ULONG, PVOID*)
{
    char Text[512];
    SectionGuard Held(Lock());
    Module* M = FindByHandle(Base);
    if (!M)
        return STATUS_DLL_NOT_FOUND;
    const char* Symbol = nullptr;
    if (Name && Name->Length) {
        if (Name->Length >= sizeof(Text))
            return STATUS_PROCEDURE_NOT_FOUND;
        __builtin_memcpy(Text, Name->Buffer, Name->Length);
        Text[Name->Length] = 0;
        Symbol = Text;
    }
    BeginBatch();
    auto Found = FindExport(M, Symbol, Ordinal, ~0u, nullptr);
    if (!Found.Ok()) {
        if (Found.Code() == STATUS_DLL_NOT_FOUND)
            return STATUS_PROCEDURE_NOT_FOUND;
        return Found.Code() == STATUS_ENTRYPOINT_NOT_FOUND ? STATUS_ENTRYPOINT_NOT_FOUND : Found.Code();
    }
    // A forwarder may have brought modules.
    if (Status S = Complete(M, true); !S.Ok())
        return S.Code();
    *Address = Found.Value();
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI LdrGetProcedureAddress(PVOID Base, const ANSI_STRING* Name, ULONG Ordinal, PVOID* Address)
{
    return LdrGetProcedureAddressForCaller(Base, Name, Ordinal, Address, 0, nullptr);
}
NTSTATUS NTAPI LdrGetProcedureAddressEx(PVOID Base, const ANSI_STRING* Name, ULONG Ordinal, PVOID* Address, ULONG Flags)
{
    return LdrGetProcedureAddressForCaller(Base, Name, Ordinal, Address, Flags, nullptr);
}

NTSTATUS NTAPI LdrFindEntryForAddress(PVOID Address, LDR_DATA_TABLE_ENTRY** Entry)
{
    Module* M = FindByAddress(Address);
    if (!M)
        return STATUS_NO_MORE_ENTRIES;
    *Entry = M;
    return STATUS_SUCCESS;
}
PVOID NTAPI RtlPcToFileHeader(PVOID Pc, PVOID* Base)
{
    Module* M = FindByAddress(Pc);
    return *Base = M ? M->DllBase : nullptr;
}

NTSTATUS NTAPI LdrEnumerateLoadedModules(ULONG Flags, void NTAPI (*Callback)(LDR_DATA_TABLE_ENTRY*, PVOID, BOOLEAN*), PVOID Context)
{
    if (Flags || !Callback)
        return STATUS_INVALID_PARAMETER;
    SectionGuard Held(Lock());
    BOOLEAN Stop = 0;
    for (Module* M = FirstModule(); M && !Stop; M = NextModule(M))
        Callback(M, Context, &Stop);
    return STATUS_SUCCESS;
}

struct RTL_PROCESS_MODULE_INFORMATION {
    HANDLE Section;
    PVOID MappedBase, ImageBase;
    ULONG ImageSize, Flags;
    USHORT LoadOrderIndex, InitOrderIndex, LoadCount, OffsetToFileName;
    UCHAR FullPathName[256];
};
static_assert(sizeof(RTL_PROCESS_MODULE_INFORMATION) == 296);

NTSTATUS NTAPI LdrQueryProcessModuleInformation(PVOID Buffer, ULONG Size, ULONG* Needed)
{
    SectionGuard Held(Lock());
    ULONG Count = 0, Used = 8;
    NTSTATUS Status = STATUS_SUCCESS;
    for (Module* M = FirstModule(); M; M = NextModule(M)) {
        Used += sizeof(RTL_PROCESS_MODULE_INFORMATION);
        if (Used > Size) {
            Status = STATUS_INFO_LENGTH_MISMATCH;
            continue;
        }
        auto& Out = *At<RTL_PROCESS_MODULE_INFORMATION>(Buffer, Used - sizeof(RTL_PROCESS_MODULE_INFORMATION));
        Out = {};
        Out.ImageBase = M->DllBase;
        Out.ImageSize = M->SizeOfImage;
        Out.Flags = M->Flags;
        Out.LoadOrderIndex = USHORT(Count);
        Out.LoadCount = M->ObsoleteLoadCount;
        u32 Length = M->FullDllName.Length / 2 < 255 ? M->FullDllName.Length / 2 : 255;
        for (u32 I = 0; I < Length; ++I)
            Out.FullPathName[I] = M->FullDllName.Buffer[I] < 128 ? UCHAR(M->FullDllName.Buffer[I]) : '?';
        Out.OffsetToFileName = USHORT((M->FullDllName.Length - M->BaseDllName.Length) / 2);
        ++Count;
    }
    if (Status >= 0)
        *static_cast<ULONG*>(Buffer) = Count;
    if (Needed)
        *Needed = Used;
    return Status;
}

NTSTATUS NTAPI LdrRegisterDllNotification(ULONG Flags, NOTIFICATION* Function, PVOID Context, PVOID* Cookie)
{
    if (Flags || !Function || !Cookie)
        return STATUS_INVALID_PARAMETER;
    auto* L = NewZeroed<Listener>();
    if (!L)
        return STATUS_NO_MEMORY;
    L->Function = Function;
    L->Context = Context;
    SectionGuard Held(Lock());
    InsertTailList(&Listeners, &L->Links);
    *Cookie = L;
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI LdrUnregisterDllNotification(PVOID Cookie)
{
    SectionGuard Held(Lock());
    for (LIST_ENTRY* I = Listeners.Flink; I != &Listeners; I = I->Flink) {
        Listener* L = RECORD_OF(I, Listener, Links);
        if (L != Cookie)
            continue;
        RemoveEntryList(&L->Links);
        Free(L);
        return STATUS_SUCCESS;
    }
    return STATUS_DLL_NOT_FOUND;
}

NTSTATUS NTAPI LdrLockLoaderLock(ULONG Flags, ULONG* Result, u64* Cookie)
{
    if (Result)
        *Result = 0;
    if (Cookie)
        *Cookie = 0;
    if (Flags & ~3u)
        return STATUS_INVALID_PARAMETER_1;
    if (!Cookie)
        return STATUS_INVALID_PARAMETER_3;
    if (Flags & 2) {
        if (!Result)
            return STATUS_INVALID_PARAMETER_2;
        *Result = RtlTryEnterCriticalSection(&Lock()) ? 1 : 2;
        if (*Result == 2)
            return STATUS_SUCCESS;
    } else {
        RtlEnterCriticalSection(&Lock());
        if (Result)
            *Result = 1;
    }
    *Cookie = u64(CurrentThreadId()) << 16 | (++LockCookie & 0xFFFF);
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI LdrUnlockLoaderLock(ULONG Flags, u64 Cookie)
{
    if (Flags & ~1u)
        return STATUS_INVALID_PARAMETER_1;
    if (Cookie && Cookie >> 16 != CurrentThreadId())
        return STATUS_INVALID_PARAMETER_2;
    if (Cookie)
        RtlLeaveCriticalSection(&Lock());
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI LdrQueryImageFileExecutionOptions(const UNICODE_STRING*, const WCHAR*, ULONG, PVOID, ULONG, ULONG*)
{
    return STATUS_OBJECT_NAME_NOT_FOUND;
}
NTSTATUS NTAPI LdrQueryImageFileExecutionOptionsEx(const UNICODE_STRING*, const WCHAR*, ULONG, PVOID, ULONG, ULONG*, BOOLEAN)
{
    return STATUS_OBJECT_NAME_NOT_FOUND;
}
NTSTATUS NTAPI LdrOpenImageFileOptionsKey(const UNICODE_STRING*, BOOLEAN, HANDLE*) { return STATUS_OBJECT_NAME_NOT_FOUND; }
void NTAPI LdrSetAppCompatDllRedirectionCallback() { }
NTSTATUS NTAPI LdrSetDllManifestProber(PVOID) { return STATUS_SUCCESS; }

IMAGE_BASE_RELOCATION* NTAPI LdrProcessRelocationBlock(PVOID Page, ULONG Count, u16* Entries, u64 Delta)
{
    for (ULONG I = 0; I < Count; ++I) {
        PVOID Where = At<>(Page, Entries[I] & 0xFFF);
        switch (Entries[I] >> 12) {
        case IMAGE_REL_BASED_ABSOLUTE:
            break;
        case IMAGE_REL_BASED_HIGH:
            *static_cast<u16*>(Where) = u16(((u32(*static_cast<u16*>(Where)) << 16) + u32(Delta)) >> 16);
            break;
        case IMAGE_REL_BASED_LOW:
            *static_cast<u16*>(Where) += u16(Delta);
            break;
        case IMAGE_REL_BASED_HIGHLOW:
            *static_cast<u32*>(Where) += u32(Delta);
            break;
        case IMAGE_REL_BASED_DIR64:
            *static_cast<u64*>(Where) += Delta;
            break;
        default:
            return nullptr;
        }
    }
    return reinterpret_cast<IMAGE_BASE_RELOCATION*>(Entries + Count);
}

PVOID NTAPI RtlFindExportedRoutineByName(PVOID Base, const char* Name)
{
    Module* M = FindByHandle(Base);
    if (!M)
        return nullptr;
    SectionGuard Held(Lock());
    auto Found = FindExport(M, Name, 0, ~0u, nullptr);
    return Found.Ok() ? Found.Value() : nullptr;
}
ULONG NTAPI RtlGetNtGlobalFlags() { return Peb()->NtGlobalFlag; }

}
