// Process parameters, RtlCreateUserProcess, RtlCreateUserThread, stacks.
#include "ntdll/heap/heap.hpp"
#include "ntdll/process/process.hpp"

namespace {

using Params = RTL_USER_PROCESS_PARAMETERS;

constexpr UNICODE_STRING* (*Fields[])(Params*) = {
    [](Params* P) { return &P->CurrentDirectory.DosPath; }, [](Params* P) { return &P->DllPath; }, [](Params* P) { return &P->ImagePathName; },
    [](Params* P) { return &P->CommandLine; },              [](Params* P) { return &P->WindowTitle; }, [](Params* P) { return &P->DesktopInfo; },
    [](Params* P) { return &P->ShellInfo; },                [](Params* P) { return &P->RuntimeData; },
};

// Bytes of an environment block, with its last NUL.
u64 EnvironmentBytes(const WCHAR* Environment)
{
    u64 N = 0;
    while (Environment[N]) {
        while (Environment[N])
            ++N;
        ++N;
    }
    return (N + 1) * 2;
}

}

extern "C" {

Params* NTAPI RtlNormalizeProcessParams(Params* P)
{
    if (P && !(P->Flags & RTL_USER_PROC_PARAMS_NORMALIZED)) {
        for (auto Field : Fields) {
            if (Field(P)->Buffer)
                Field(P)->Buffer = At<WCHAR>(P, u64(Field(P)->Buffer));
        }
        P->Flags |= RTL_USER_PROC_PARAMS_NORMALIZED;
    }
    return P;
}
Params* NTAPI RtlDeNormalizeProcessParams(Params* P)
{
    if (P && P->Flags & RTL_USER_PROC_PARAMS_NORMALIZED) {
        for (auto Field : Fields) {
            if (Field(P)->Buffer)
                Field(P)->Buffer = reinterpret_cast<WCHAR*>(u64(Field(P)->Buffer) - u64(P));
        }
        P->Flags &= ~RTL_USER_PROC_PARAMS_NORMALIZED;
    }
    return P;
}

// One heap block holds the structure, the strings and the environment.
NTSTATUS NTAPI RtlCreateProcessParametersEx(Params** Out, const UNICODE_STRING* Image, const UNICODE_STRING* DllPath,
                                            const UNICODE_STRING* Directory, const UNICODE_STRING* CommandLine, PVOID Environment,
                                            const UNICODE_STRING* Title, const UNICODE_STRING* Desktop, const UNICODE_STRING* Shell,
                                            const UNICODE_STRING* Runtime, ULONG Flags)
{
    static constexpr UNICODE_STRING None {};
    static constinit WCHAR Empty[1] {};
    static constexpr UNICODE_STRING EmptyString { 0, 2, Empty };
    if (!Image)
        return STATUS_INVALID_PARAMETER;
    RtlAcquirePebLock();
    Params* Mine = Peb()->ProcessParameters;
    if (!DllPath)
        DllPath = Mine ? &Mine->DllPath : &None;
    UNICODE_STRING Current {};
    if (Directory)
        Current = *Directory;
    else if (Mine)
        Current = Mine->CurrentDirectory.DosPath;
    if (!CommandLine)
        CommandLine = Image;
    if (!Environment && Mine)
        Environment = Mine->Environment;
    Title = Title ? Title : &EmptyString;
    Desktop = Desktop ? Desktop : &EmptyString;
    Shell = Shell ? Shell : &EmptyString;
    Runtime = Runtime ? Runtime : &None;
    const UNICODE_STRING* Sources[] = { &Current, DllPath, Image, CommandLine, Title, Desktop, Shell, Runtime };

    const u64 EnvSize = Environment ? EnvironmentBytes(static_cast<const WCHAR*>(Environment)) : 0, EnvRoom = AlignUp<u64>(EnvSize, 8);
    constexpr u64 DirectoryRoom = 260 * 2;
    auto RoomOf = [&](u32 I) -> u64 {
        u64 Room = Sources[I]->Length + 2u;
        if (I == 0)
            return Room + 2 > DirectoryRoom ? Room + 2 : DirectoryRoom;
        if (I == 4 || I == 5 || I == 6)
            return Sources[I]->MaximumLength > Room ? Sources[I]->MaximumLength : Room;
        return I == 7 && !Sources[I]->Length ? 0 : Room;
    };
    u64 Total = AlignUp<u64>(sizeof(Params), 8);
    for (u32 I = 0; I < 8; ++I)
        Total += AlignUp<u64>(RoomOf(I), 8);
    auto* P = static_cast<Params*>(RtlAllocateHeap(Peb()->ProcessHeap, HEAP_ZERO_MEMORY, Total + EnvRoom));
    if (!P) {
        RtlReleasePebLock();
        return STATUS_NO_MEMORY;
    }
    P->MaximumLength = P->Length = ULONG(Total);
    P->Flags = RTL_USER_PROC_PARAMS_NORMALIZED;
    if (Mine)
        P->ConsoleFlags = Mine->ConsoleFlags;
    u64 Offset = AlignUp<u64>(sizeof(Params), 8);
    for (u32 I = 0; I < 8; ++I) {
        u64 Room = RoomOf(I);
        UNICODE_STRING* To = Fields[I](P);
        To->Length = Sources[I]->Length;
        To->MaximumLength = USHORT(Room < 0xFFFE ? Room : 0xFFFE);
        if (!Room)
            continue;
        To->Buffer = At<WCHAR>(P, Offset);
        if (To->Length)
            __builtin_memcpy(To->Buffer, Sources[I]->Buffer, To->Length);
        Offset += AlignUp<u64>(Room, 8);
    }
    // The directory ends with a backslash.
    auto& Cwd = P->CurrentDirectory.DosPath;
    if (Cwd.Length && Cwd.Buffer[Cwd.Length / 2 - 1] != '\\') {
        Cwd.Buffer[Cwd.Length / 2] = '\\';
        Cwd.Length += 2;
    }
    if (EnvSize) {
        P->Environment = At<>(P, Total);
        P->EnvironmentSize = EnvRoom;
        __builtin_memcpy(P->Environment, Environment, EnvSize);
    }
    RtlReleasePebLock();
    if (!(Flags & RTL_USER_PROC_PARAMS_NORMALIZED))
        RtlDeNormalizeProcessParams(P);
    *Out = P;
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI RtlCreateProcessParameters(Params** Out, const UNICODE_STRING* Image, const UNICODE_STRING* DllPath, const UNICODE_STRING* Directory,
                                          const UNICODE_STRING* CommandLine, PVOID Environment, const UNICODE_STRING* Title,
                                          const UNICODE_STRING* Desktop, const UNICODE_STRING* Shell, const UNICODE_STRING* Runtime)
{
    return RtlCreateProcessParametersEx(Out, Image, DllPath, Directory, CommandLine, Environment, Title, Desktop, Shell, Runtime, 0);
}
void NTAPI RtlDestroyProcessParameters(Params* P) { Free(P); }

}

// The parameters and the environment that the creator left in memory of their own become heap blocks, as programs expect that resize
// or free them. The strings follow the structure without gaps; the current directory can grow, so it has a block of its own.
bool RtlpMoveProcessParameters()
{
    auto* Given = RtlNormalizeProcessParams(Peb()->ProcessParameters);
    if (!Given)
        return true;
    u64 Bytes = sizeof(Params);
    for (u32 I = 1; I < 8; ++I)
        Bytes += Fields[I](Given)->MaximumLength;
    auto* P = static_cast<Params*>(RtlAllocateHeap(Peb()->ProcessHeap, HEAP_ZERO_MEMORY, Bytes));
    const UNICODE_STRING& Here = Given->CurrentDirectory.DosPath;
    auto* Directory = static_cast<WCHAR*>(RtlAllocateHeap(Peb()->ProcessHeap, HEAP_ZERO_MEMORY, Here.MaximumLength));
    const u64 EnvBytes = Given->Environment ? EnvironmentBytes(static_cast<WCHAR*>(Given->Environment)) : 0;
    PVOID Environment = EnvBytes ? RtlAllocateHeap(Peb()->ProcessHeap, 0, EnvBytes) : nullptr;
    if (!P || !Directory || (EnvBytes && !Environment))
        return false;
    *P = *Given;
    P->MaximumLength = P->Length = ULONG(Bytes);
    u64 Offset = sizeof(Params);
    for (u32 I = 1; I < 8; ++I) {
        const UNICODE_STRING& From = *Fields[I](Given);
        if (!From.MaximumLength)
            continue;
        UNICODE_STRING* To = Fields[I](P);
        To->Buffer = At<WCHAR>(P, Offset);
        __builtin_memcpy(To->Buffer, From.Buffer, From.Length);
        Offset += From.MaximumLength;
    }
    __builtin_memcpy(Directory, Here.Buffer, Here.Length);
    P->CurrentDirectory.DosPath.Buffer = Directory;
    if (Environment)
        __builtin_memcpy(Environment, Given->Environment, EnvBytes);
    P->Environment = Environment;
    P->EnvironmentSize = EnvBytes;
    Peb()->ProcessParameters = P;
    PVOID Old = Given;
    SIZE_T Whole = 0;
    NtFreeVirtualMemory(CurrentProcess(), &Old, &Whole, MEM_RELEASE);
    return true;
}

extern "C" {

// Path is an NT path. The new process is suspended.
NTSTATUS NTAPI RtlCreateUserProcess(UNICODE_STRING* Path, ULONG, Params* Parameters, PVOID ProcessSecurity, PVOID ThreadSecurity, HANDLE Parent,
                                    BOOLEAN Inherit, HANDLE DebugPort, HANDLE Token, RTL_USER_PROCESS_INFORMATION* Info)
{
    struct {
        SIZE_T Total;
        PS_ATTRIBUTE A[6];
    } List {};
    u32 Count = 0;
    List.A[Count++] = { PS_ATTRIBUTE_IMAGE_NAME, Path->Length, { u64(Path->Buffer) }, nullptr };
    List.A[Count++] = { PS_ATTRIBUTE_CLIENT_ID, sizeof(CLIENT_ID), { u64(&Info->ClientId) }, nullptr };
    List.A[Count++] = { PS_ATTRIBUTE_IMAGE_INFO, sizeof(SECTION_IMAGE_INFORMATION), { u64(&Info->ImageInformation) }, nullptr };
    if (Parent)
        List.A[Count++] = { PS_ATTRIBUTE_PARENT_PROCESS, sizeof(HANDLE), { u64(Parent) }, nullptr };
    if (DebugPort)
        List.A[Count++] = { PS_ATTRIBUTE_DEBUG_OBJECT, sizeof(HANDLE), { u64(DebugPort) }, nullptr };
    if (Token)
        List.A[Count++] = { PS_ATTRIBUTE_TOKEN, sizeof(HANDLE), { u64(Token) }, nullptr };
    List.Total = sizeof(SIZE_T) + Count * sizeof(PS_ATTRIBUTE);
    PS_CREATE_INFO Create {};
    Create.Size = sizeof(Create);
    OBJECT_ATTRIBUTES Process { sizeof(OBJECT_ATTRIBUTES), nullptr, nullptr, 0, ProcessSecurity, nullptr };
    OBJECT_ATTRIBUTES Thread { sizeof(OBJECT_ATTRIBUTES), nullptr, nullptr, 0, ThreadSecurity, nullptr };
    RtlNormalizeProcessParams(Parameters);
    NTSTATUS Status = NtCreateUserProcess(&Info->ProcessHandle, &Info->ThreadHandle, PROCESS_ALL_ACCESS, THREAD_ALL_ACCESS, &Process, &Thread,
                                          Inherit ? PROCESS_CREATE_FLAGS_INHERIT_HANDLES : 0, THREAD_CREATE_FLAGS_CREATE_SUSPENDED, Parameters,
                                          &Create, reinterpret_cast<PS_ATTRIBUTE_LIST*>(&List));
    if (Status >= 0)
        Info->Length = sizeof(*Info);
    return Status;
}

NTSTATUS NTAPI RtlCreateUserThread(HANDLE Process, PVOID Security, BOOLEAN Suspended, ULONG ZeroBits, SIZE_T Reserve, SIZE_T Commit, PVOID Start,
                                   PVOID Argument, HANDLE* Handle, CLIENT_ID* Client)
{
    CLIENT_ID Id {};
    struct {
        SIZE_T Total;
        PS_ATTRIBUTE A[1];
    } List { sizeof(List), { { PS_ATTRIBUTE_CLIENT_ID, sizeof(Id), { u64(&Id) }, nullptr } } };
    OBJECT_ATTRIBUTES Attributes { sizeof(OBJECT_ATTRIBUTES), nullptr, nullptr, 0, Security, nullptr };
    HANDLE Thread;
    NTSTATUS Status = NtCreateThreadEx(&Thread, THREAD_ALL_ACCESS, &Attributes, Process, Start, Argument,
                                       Suspended ? THREAD_CREATE_FLAGS_CREATE_SUSPENDED : 0, ZeroBits, Commit, Reserve,
                                       reinterpret_cast<PS_ATTRIBUTE_LIST*>(&List));
    if (Status < 0)
        return Status;
    if (Client)
        *Client = Id;
    if (Handle)
        *Handle = Thread;
    else
        NtClose(Thread);
    return Status;
}

// A stack for a fiber: reserved, with its top committed and a guard page under that.
NTSTATUS NTAPI RtlCreateUserStack(SIZE_T Commit, SIZE_T Reserve, ULONG ZeroBits, SIZE_T CommitAlign, SIZE_T ReserveAlign, INITIAL_TEB* Stack)
{
    auto& Nt = *RtlImageNtHeader(Peb()->ImageBaseAddress);
    if (!CommitAlign || !ReserveAlign)
        return STATUS_INVALID_PARAMETER;
    if (!Reserve)
        Reserve = Nt.OptionalHeader.SizeOfStackReserve;
    if (!Commit)
        Commit = Nt.OptionalHeader.SizeOfStackCommit;
    Reserve = AlignUp(Reserve > MiB ? Reserve : MiB, ReserveAlign < 64 * KiB ? 64 * KiB : ReserveAlign);
    Commit = AlignUp(Commit, CommitAlign < PageSize ? PageSize : CommitAlign);
    if (Commit > Reserve)
        Commit = Reserve;
    bool Guarded = Commit < Reserve;        // a stack that is committed as a whole has no room for a guard page
    PVOID Base = nullptr;
    NTSTATUS Status = NtAllocateVirtualMemory(CurrentProcess(), &Base, ZeroBits, &Reserve, MEM_RESERVE, PAGE_READWRITE);
    if (Status < 0)
        return Status;
    u64 Top = u64(Base) + Reserve;
    SIZE_T Size = Commit + (Guarded ? PageSize : 0);
    PVOID Low = reinterpret_cast<PVOID>(Top - Size);
    ULONG Old;
    Status = NtAllocateVirtualMemory(CurrentProcess(), &Low, 0, &Size, MEM_COMMIT, PAGE_READWRITE);
    if (Status >= 0 && Guarded) {
        Size = PageSize;
        Status = NtProtectVirtualMemory(CurrentProcess(), &Low, &Size, PAGE_READWRITE | PAGE_GUARD, &Old);
    }
    if (Status < 0) {
        Size = 0;
        NtFreeVirtualMemory(CurrentProcess(), &Base, &Size, MEM_RELEASE);
        return Status;
    }
    *Stack = { nullptr, nullptr, reinterpret_cast<PVOID>(Top), reinterpret_cast<PVOID>(Top - Commit), Base };
    return STATUS_SUCCESS;
}
void NTAPI RtlFreeUserStack(PVOID Base)
{
    SIZE_T Size = 0;
    NtFreeVirtualMemory(CurrentProcess(), &Base, &Size, MEM_RELEASE);
}

ULONG NTAPI RtlGetCurrentProcessorNumber() { return ULONG(NtGetCurrentProcessorNumber()); }
void NTAPI RtlGetCurrentProcessorNumberEx(PROCESSOR_NUMBER* Number)
{
    *Number = { 0, BYTE(Kuser().ActiveProcessorCount > 1 ? NtGetCurrentProcessorNumber() : 0), 0 };
}
HANDLE NTAPI RtlGetCurrentProcessId() { return Teb()->ClientId.UniqueProcess; }

NTSTATUS NTAPI RtlSetThreadIsCritical(BOOLEAN New, BOOLEAN* Old, BOOLEAN)
{
    if (Old)
        *Old = 0;
    ULONG Value = New;
    return NtSetInformationThread(CurrentThread(), ThreadBreakOnTermination, &Value, sizeof(Value));
}
NTSTATUS NTAPI RtlSetProcessIsCritical(BOOLEAN New, BOOLEAN* Old, BOOLEAN)
{
    if (Old)
        *Old = 0;
    ULONG Value = New;
    return NtSetInformationProcess(CurrentProcess(), ProcessBreakOnTermination, &Value, sizeof(Value));
}

}
