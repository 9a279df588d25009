// The driver's process from its first instruction: attaching to the Executive, loading the driver, serving the ring.
#include "wdm/ntoskrnl/device.hpp"

namespace host {

bool EmulatePort(CONTEXT& C);            // hardware.cpp
u64 WaitOnSlot();

namespace {

struct Slots {
    u8* Base;
    u32 Bytes;
    u8* operator()(u32 I) const { return Base + I * Bytes; }
};

u8* Section;
ring::Consumer<wd::Message, wd::RequestSlots, Slots> Requests;
ring::Producer<wd::Reply, wd::ReplySlots, Slots> Replies;
Lock ReplyLock;

// Who serves the ring. Spare threads wait for Leaderless.
Lock LeaderLock;
Thread* Leader;
LONG Leaderless;                        // counts the times the ring was given up
ULONG Spares, Hosts;
constexpr ULONG MostSpares = 4;

// seL4's system calls on the capabilities of abi/wire/driver.hpp: number in RDX, capability in RDI, tag in RSI.
void Enter(i64 Number, u64 Capability, u64& Badge)
{
    u64 Rdi = Capability, Rsi = 0;
    asm volatile("movq %%rsp, %%rbx\n\tsyscall\n\tmovq %%rbx, %%rsp"
                 : "+D"(Rdi), "+S"(Rsi)
                 : "d"(Number)
                 : "rbx", "rcx", "r11", "r8", "r9", "r10", "r15", "memory");
    Badge = Rdi;
}
constexpr i64 SysSend = -3, SysRecv = -5;

void RingDoorbell()
{
    u64 Badge;
    Enter(SysSend, wd::DoorbellSlot, Badge);
}

void NTAPI HostThread(PVOID)
{
    Current()->IsHost = true;
    ServeRing();
}

// With LeaderLock held: somebody takes the ring.
void Appoint()
{
    __atomic_add_fetch(&Leaderless, 1, __ATOMIC_RELEASE);
    if (Spares) {
        RtlWakeAddressSingle(&Leaderless);
        return;
    }
    auto* T = New<Thread>();
    if (!T)
        return;                         // the blocked thread takes it again when it comes back
    T->References = 1;
    InitializeListHead(&T->Header.WaitListHead);
    ++Hosts;
    if (StartThread(T, HostThread, nullptr) < 0) {
        --Hosts;
        Free(T);
    }
}

}

// The ring's notification; for the interrupt thread, that of interrupts. The badge.
u64 WaitOnSlot()
{
    u64 Badge;
    Enter(SysRecv, wd::WaitSlot, Badge);
    return Badge;
}

void* Allocate(usize Bytes) { return RtlAllocateHeap(ProcessHeap(), HEAP_ZERO_MEMORY, Bytes); }
void Free(void* At)
{
    if (At)
        RtlFreeHeap(ProcessHeap(), 0, At);
}

NTSTATUS Control(wd::Control Code, const void* In, usize InBytes, void* Out, usize OutBytes)
{
    return NtDriverControl(ULONG(Code), const_cast<void*>(In), ULONG(InBytes), Out, ULONG(OutBytes));
}

void Log(const char* Format, ...)
{
    char Text[400];
    va_list Arguments;
    va_start(Arguments, Format);
    int Length = _vsnprintf(Text, sizeof(Text) - 1, Format, Arguments);
    va_end(Arguments);
    if (Length < 0 || Length > int(sizeof(Text)) - 1)
        Length = sizeof(Text) - 1;
    while (Length && Text[Length - 1] == '\n')
        --Length;
    Control(wd::Control::Log, Text, usize(Length));
}

NTSTATUS Attach()
{
    wd::Attached A {};
    NTSTATUS Status = Control(wd::Control::Attach, nullptr, 0, &A, sizeof(A));
    if (Status < 0)
        return Status;
    if (A.Version != wd::Version)
        return STATUS_REVISION_MISMATCH;
    Section = reinterpret_cast<u8*>(A.Section);
    auto& H = *reinterpret_cast<wd::Header*>(Section);
    Requests.Attach(H.Requests, { Section + wd::layout::Requests * PageSize, sizeof(wd::Message) });
    Replies.Attach(H.Replies, { Section + wd::layout::Replies * PageSize, sizeof(wd::Reply) });
    return STATUS_SUCCESS;
}

u8* DataAt(u32 Page, u32 Offset) { return Section + (wd::layout::Data + u64(Page)) * PageSize + Offset; }
u64 DataFrame(u32 Page) { return reinterpret_cast<u64*>(Section + wd::layout::Frames * PageSize)[Page]; }

// --- the ring

void Post(const wd::Reply& R)
{
    for (;;) {
        ReplyLock.Acquire();
        bool There = Replies.Put(R);
        bool Notify = Replies.Publish();
        ReplyLock.Release();
        if (Notify)
            RingDoorbell();
        if (There)
            return;
        NtYieldExecution();             // the Executive is behind
    }
}

void Answer(u32 Tag, NTSTATUS Status, u64 Information, u64 File)
{
    wd::Reply R {};
    R.What = wd::ReplyKind::Done;
    R.Tag = Tag;
    R.Status = u32(Status);
    R.Information = Information;
    R.File = File;
    Post(R);
}

void ServeRing()
{
    Thread* T = Current();
    for (;;) {
        // Become the leader, or a spare.
        LeaderLock.Acquire();
        while (Leader) {
            if (Spares >= MostSpares) {
                --Hosts;
                LeaderLock.Release();
                return;
            }
            LONG Seen = Leaderless;
            ++Spares;
            LeaderLock.Release();
            RtlWaitOnAddress(&Leaderless, &Seen, sizeof(Seen), nullptr);
            LeaderLock.Acquire();
            --Spares;
        }
        Leader = T;
        LeaderLock.Release();
        wd::Message M;
        while (__atomic_load_n(&Leader, __ATOMIC_RELAXED) == T) {
            if (Requests.Take(M))
                Receive(M);             // may give the ring away
            else if (FlushText(), Requests.BeginSleep())
                WaitOnSlot();
        }
    }
}

Blocking::Blocking()
{
    if (__atomic_load_n(&Leader, __ATOMIC_RELAXED) != Current())
        return;
    LeaderLock.Acquire();
    Leader = nullptr;
    Appoint();
    LeaderLock.Release();
}

// --- threads

static Lock ThreadLock;
static LIST_ENTRY AllThreads = { &AllThreads, &AllThreads };

static void Enlist(Thread* T)
{
    Hold Held(ThreadLock);
    InsertTailList(&AllThreads, &T->Others);
}

Thread* EndedThread(HANDLE H, HANDLE Id)
{
    auto* T = New<Thread>();
    if (!T)
        return nullptr;
    T->References = 1;
    T->IsSystem = true;
    T->Handle = H;
    T->Id = Id;
    InitializeListHead(&T->Header.WaitListHead);
    T->Header.Type = 6;
    T->Header.SignalState = 1;
    Enlist(T);
    return T;
}

Thread* FindThread(HANDLE Id)
{
    Hold Held(ThreadLock);
    for (LIST_ENTRY* At = AllThreads.Flink; At != &AllThreads; At = At->Flink) {
        auto* T = CONTAINING_RECORD(At, Thread, Others);
        if (T->Id != Id || __atomic_load_n(&T->References, __ATOMIC_RELAXED) <= 0)
            continue;
        __atomic_add_fetch(&T->References, 1, __ATOMIC_RELAXED);
        return T;
    }
    return nullptr;
}

Thread* NewThreadHere()
{
    auto* T = New<Thread>();
    if (!T)
        return nullptr;
    T->References = 1;
    T->Id = reinterpret_cast<HANDLE>(OwnThreadId());
    InitializeListHead(&T->Header.WaitListHead);
    T->Header.Type = 6;
    asm volatile("movq %0, %%gs:0x188" : : "r"(T) : "memory");
    Enlist(T);
    return T;
}

static ULONG NTAPI Begin(PVOID Argument)
{
    auto* T = static_cast<Thread*>(Argument);
    T->Id = reinterpret_cast<HANDLE>(OwnThreadId());
    asm volatile("movq %0, %%gs:0x188" : : "r"(T) : "memory");
    T->Start(T->Context);
    PsTerminateSystemThread(STATUS_SUCCESS);
    return 0;
}

NTSTATUS StartThread(Thread* T, PKSTART_ROUTINE Start, PVOID Context)
{
    T->Header.Type = 6;
    T->Start = Start;
    T->Context = Context;
    Enlist(T);
    __atomic_add_fetch(&T->References, 1, __ATOMIC_RELAXED);    // it may end before we are back
    CLIENT_ID Id {};
    NTSTATUS Status = RtlCreateUserThread(NtCurrentProcess(), nullptr, FALSE, 0, 0, 0, reinterpret_cast<PVOID>(Begin), T, &T->Handle, &Id);
    if (Status >= 0) {
        T->Id = Id.UniqueThread;
        Release(T);
        return Status;
    }
    Hold Held(ThreadLock);
    RemoveEntryList(&T->Others);
    --T->References;
    return Status;
}

void Release(Thread* T)
{
    {
        Hold Held(ThreadLock);
        if (__atomic_sub_fetch(&T->References, 1, __ATOMIC_ACQ_REL) != 0)
            return;
        RemoveEntryList(&T->Others);
    }
    if (T->Handle)
        NtClose(T->Handle);
    Free(T);
}

// --- the driver

UNICODE_STRING ServiceKey;
DRIVER_OBJECT* TheDriver;

void BugCheck(ULONG Code, u64 P1, u64 P2, u64 P3, u64 P4, const char* What, const void* Caller)
{
    FlushText();
    u64 Base = TheDriver ? u64(TheDriver->DriverStart) : 0, Size = TheDriver ? TheDriver->DriverSize : 0;
    if (Base && u64(Caller) - Base < Size)
        Log("stop %08lx (%llx, %llx, %llx, %llx): %s, at %wZ+0x%llx", Code, P1, P2, P3, P4, What, &TheDriver->DriverName, u64(Caller) - Base);
    else
        Log("stop %08lx (%llx, %llx, %llx, %llx): %s, at %p", Code, P1, P2, P3, P4, What, Caller);
    for (;;)
        NtTerminateProcess(NtCurrentProcess(), NTSTATUS(0xC0DE0000 | (Code & 0xFFFF)));
}

// ImagePath of a service key as a DOS path.
static NTSTATUS FindImage(const UNICODE_STRING& Service, UNICODE_STRING* Image)
{
    OBJECT_ATTRIBUTES Attributes;
    InitializeObjectAttributes(&Attributes, const_cast<UNICODE_STRING*>(&Service), OBJ_CASE_INSENSITIVE, nullptr, nullptr);
    HANDLE Key;
    NTSTATUS Status = NtOpenKey(&Key, KEY_READ, &Attributes);
    if (Status < 0)
        return Status;
    alignas(8) static u8 Buffer[600];
    auto* Info = reinterpret_cast<KEY_VALUE_PARTIAL_INFORMATION*>(Buffer);
    UNICODE_STRING Name;
    RtlInitUnicodeString(&Name, L"ImagePath");
    ULONG Length;
    Status = NtQueryValueKey(Key, &Name, KeyValuePartialInformation, Buffer, sizeof(Buffer) - 2, &Length);
    NtClose(Key);
    static WCHAR Path[600];
    usize At = 0;
    auto Add = [&](const WCHAR* Text, usize Characters) {
        for (usize I = 0; I < Characters && At < 599; ++I)
            Path[At++] = Text[I];
    };
    auto Literal = [&](const WCHAR* Text) { Add(Text, wcslen(Text)); };
    auto StartsWith = [](const WCHAR* Text, usize Characters, const WCHAR* With) {
        UNICODE_STRING A { USHORT(Characters * 2), USHORT(Characters * 2), const_cast<WCHAR*>(Text) }, B;
        RtlInitUnicodeString(&B, With);
        return RtlPrefixUnicodeString(&B, &A, TRUE) != 0;
    };
    if (Status < 0 || (Info->Type != REG_SZ && Info->Type != REG_EXPAND_SZ) || Info->DataLength < 2) {
        // As on Windows: System32\drivers\NAME.sys.
        usize Last = Service.Length / 2;
        while (Last && Service.Buffer[Last - 1] != '\\')
            --Last;
        Literal(L"C:\\Windows\\System32\\drivers\\");
        Add(Service.Buffer + Last, Service.Length / 2 - Last);
        Literal(L".sys");
    } else {
        auto* Text = reinterpret_cast<WCHAR*>(Info->Data);
        usize Characters = Info->DataLength / 2;
        while (Characters && !Text[Characters - 1])
            --Characters;
        if (StartsWith(Text, Characters, L"\\SystemRoot\\")) {
            Literal(L"C:\\Windows\\");
            Add(Text + 12, Characters - 12);
        } else if (StartsWith(Text, Characters, L"\\??\\")) {
            Add(Text + 4, Characters - 4);
        } else {
            if (Characters < 2 || Text[1] != ':')
                Literal(L"C:\\Windows\\");
            Add(Text, Characters);
        }
    }
    *Image = { USHORT(At * 2), sizeof(Path), Path };
    // What the machine was started from comes first, so that a driver of C:'s disk can be started while that is away.
    constexpr WCHAR Windows[] = L"C:\\Windows\\";
    if (SystemDrive() != L'C' && StartsWith(Path, At, Windows)) {
        static WCHAR Nt[604] = L"\\??\\";
        memcpy(Nt + 4, Path, At * 2);
        Nt[4] = SystemDrive();
        UNICODE_STRING There { USHORT((At + 4) * 2), sizeof(Nt), Nt };
        OBJECT_ATTRIBUTES File { sizeof(OBJECT_ATTRIBUTES), nullptr, &There, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
        FILE_NETWORK_OPEN_INFORMATION About;
        if (NtQueryFullAttributesFile(&File, &About) >= 0)
            Path[0] = SystemDrive();
    }
    return STATUS_SUCCESS;
}

// The command line is "wdmhost.exe KEY".
static bool ReadCommandLine()
{
    WCHAR* Text = CommandLine().Buffer;
    usize Length = CommandLine().Length / 2, At = 0;
    while (At < Length && Text[At] != ' ')
        ++At;
    while (At < Length && Text[At] == ' ')
        ++At;
    ServiceKey = { USHORT((Length - At) * 2), USHORT((Length - At) * 2), Text + At };
    return At < Length;
}

static NTSTATUS NTAPI InvalidRequest(PDEVICE_OBJECT, PIRP Irp)
{
    Irp->IoStatus.Status = STATUS_INVALID_DEVICE_REQUEST;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_INVALID_DEVICE_REQUEST;
}

// Loads the driver of a service key (which stays where it is) and calls its DriverEntry. Main: the one the process is for.
static NTSTATUS LoadDriver(UNICODE_STRING* Service, bool Main, DRIVER_OBJECT** Out)
{
    UNICODE_STRING ImagePath;
    if (NTSTATUS S = FindImage(*Service, &ImagePath); S < 0)
        return S;
    PVOID Base;
    // Where drivers find the libraries among them: storport.sys ...
    static WCHAR Folder[] = L"C:\\Windows\\System32\\drivers";
    Folder[0] = SystemDrive();
    UNICODE_STRING Libraries;
    RtlInitUnicodeString(&Libraries, Folder);
    LdrSetDllDirectory(&Libraries);
    // Drivers are linked for the address that programs have, too. They leave it free if they can: the driver may attach to a program's process.
    PVOID Programs = reinterpret_cast<PVOID>(0x140000000);
    SIZE_T Room = 0x10000;
    bool Kept = NtAllocateVirtualMemory(NtCurrentProcess(), &Programs, 0, &Room, MEM_RESERVE, PAGE_NOACCESS) >= 0;
    NTSTATUS Found = LdrLoadDll(nullptr, 0, &ImagePath, &Base);
    if (Kept)
        NtFreeVirtualMemory(NtCurrentProcess(), &Programs, &(Room = 0), MEM_RELEASE);
    if (Found == STATUS_CONFLICTING_ADDRESSES)
        Found = LdrLoadDll(nullptr, 0, &ImagePath, &Base);
    if (Found < 0)
        return Found;
    auto* Headers = static_cast<u8*>(RtlImageNtHeader(Base));
    ULONG Entry, ImageBytes;            // IMAGE_OPTIONAL_HEADER64.AddressOfEntryPoint, .SizeOfImage
    if (!Headers)
        return STATUS_INVALID_IMAGE_FORMAT;
    memcpy(&Entry, Headers + 0x28, 4);
    memcpy(&ImageBytes, Headers + 0x50, 4);
    if (!Entry)
        return STATUS_INVALID_IMAGE_FORMAT;
    TellImage(Base, ImageBytes, ImagePath);
    usize Last = Service->Length / 2;
    while (Last && Service->Buffer[Last - 1] != '\\')
        --Last;
    usize NameLength = Service->Length / 2 - Last;
    if (NameLength > 280)
        return STATUS_OBJECT_NAME_INVALID;
    auto* D = static_cast<DRIVER_OBJECT*>(Allocate(sizeof(DRIVER_OBJECT) + sizeof(DRIVER_EXTENSION) + 64 + (8 + NameLength + 1) * 2));
    if (!D)
        return STATUS_NO_MEMORY;
    auto* Name = reinterpret_cast<WCHAR*>(reinterpret_cast<u8*>(D + 1) + sizeof(DRIVER_EXTENSION) + 64);
    memcpy(Name, L"\\Driver\\", 16);
    memcpy(Name + 8, Service->Buffer + Last, NameLength * 2);
    D->Type = IO_TYPE_DRIVER;
    D->Size = sizeof(DRIVER_OBJECT);
    D->DriverStart = Base;
    D->DriverSize = ImageBytes;
    D->DriverName = { USHORT((8 + NameLength) * 2), USHORT((8 + NameLength) * 2), Name };
    D->DriverExtension = reinterpret_cast<DRIVER_EXTENSION*>(D + 1);
    D->DriverExtension->DriverObject = D;
    D->DriverExtension->ServiceKeyName = { USHORT(NameLength * 2), USHORT(NameLength * 2), Name + 8 };
    static UNICODE_STRING Hardware;
    RtlInitUnicodeString(&Hardware, L"\\REGISTRY\\MACHINE\\HARDWARE\\DESCRIPTION\\SYSTEM");
    D->HardwareDatabase = &Hardware;
    D->DriverInit = reinterpret_cast<PDRIVER_INITIALIZE>(static_cast<u8*>(Base) + Entry);
    for (auto& M : D->MajorFunction)
        M = InvalidRequest;
    if (Main)
        TheDriver = D;
    *Out = D;
    NTSTATUS Status = D->DriverInit(D, Service);
    if (Current()->Irql != PASSIVE_LEVEL)
        BugCheck(0xC9, 0, Current()->Irql, 0, 0, "DriverEntry returned at a raised IRQL", reinterpret_cast<void*>(D->DriverInit));
    TellShapes(D);
    return Status;
}

NTSTATUS LoadAnother(const WCHAR* Name, DRIVER_OBJECT** Out)
{
    static struct Other {
        Other* Next;
        DRIVER_OBJECT* Driver;
        UNICODE_STRING Key;
        WCHAR Text[200];
    }* Others;                          // messages come one after the other
    constexpr WCHAR Services[] = L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\";
    if (wcslen(Name) > 100)
        return STATUS_OBJECT_NAME_INVALID;
    WCHAR Text[200];
    wcscpy(Text, Services);
    wcscat(Text, Name);
    for (Other* O = Others; O; O = O->Next) {
        if (_wcsicmp(O->Text, Text) == 0) {
            *Out = O->Driver;
            return STATUS_SUCCESS;
        }
    }
    auto* O = New<Other>();
    if (!O)
        return STATUS_INSUFFICIENT_RESOURCES;
    wcscpy(O->Text, Text);
    RtlInitUnicodeString(&O->Key, O->Text);
    NTSTATUS Status = LoadDriver(&O->Key, false, &O->Driver);
    if (Status < 0)
        return Status;                  // its image stays; it is tried again with the next device
    O->Next = Others;
    Others = O;
    *Out = O->Driver;
    return STATUS_SUCCESS;
}

void Unload()
{
    if (!TheDriver->DriverUnload)
        return;
    wd::Status S {};
    Control(wd::Control::Stopping, &S, sizeof(S));
    TheDriver->DriverUnload(TheDriver);
    FlushText();
    // On Windows the driver's code is gone now, and the first of these to run is the end of the system.
    const char* What = nullptr;
    const void* Routine = PendingTimer(What);
    if (!Routine)
        Routine = PendingWork(What);
    if (Routine) {
        BugCheck(0xCE, u64(Routine), 0, 0, 0, What, Routine);
    }
    NtTerminateProcess(NtCurrentProcess(), STATUS_SUCCESS);
}

// Privileged instructions that drivers have inline (reading and writing CR8, which holds the IRQL, and ports), and memory of a process attached to.
static LONG NTAPI OnException(EXCEPTION_POINTERS* E)
{
    // The processor says the same of a bad non-canonical address: the bytes tell.
    if (E->ExceptionRecord->ExceptionCode != STATUS_PRIVILEGED_INSTRUCTION && E->ExceptionRecord->ExceptionCode != STATUS_ACCESS_VIOLATION)
        return EXCEPTION_CONTINUE_SEARCH;
    auto* Ip = reinterpret_cast<u8*>(E->ContextRecord->Rip);
    if (E->ExceptionRecord->ExceptionCode == STATUS_ACCESS_VIOLATION && E->ExceptionRecord->NumberParameters >= 2 && BringPage(E->ExceptionRecord->ExceptionInformation[1]))
        return EXCEPTION_CONTINUE_EXECUTION;
    if (E->ExceptionRecord->ExceptionCode == STATUS_ACCESS_VIOLATION && (E->ExceptionRecord->NumberParameters < 2 || E->ExceptionRecord->ExceptionInformation[1] != ~u64(0)))
        return EXCEPTION_CONTINUE_SEARCH;
    if (EmulatePort(*E->ContextRecord))
        return EXCEPTION_CONTINUE_EXECUTION;
    // REX.R (and REX.B for R8 to R15), 0F 20 /0: MOV r64, CR8; 0F 22 /0: MOV CR8, r64.
    if ((Ip[0] & 0xFE) != 0x44 || Ip[1] != 0x0F || (Ip[2] != 0x20 && Ip[2] != 0x22) || (Ip[3] & 0xF8) != 0xC0)
        return EXCEPTION_CONTINUE_SEARCH;
    CONTEXT& C = *E->ContextRecord;
    u64* Registers[16] = { &C.Rax, &C.Rcx, &C.Rdx, &C.Rbx, &C.Rsp, &C.Rbp, &C.Rsi, &C.Rdi, &C.R8, &C.R9, &C.R10, &C.R11, &C.R12, &C.R13, &C.R14, &C.R15 };
    u64& R = *Registers[(Ip[3] & 7) | (Ip[0] & 1) << 3];
    if (Ip[2] == 0x20)
        R = Current()->Irql;
    else if (KIRQL To = KIRQL(R & 15); To > Current()->Irql)
        Raise(To);
    else
        Lower(To);
    C.Rip += 4;
    return EXCEPTION_CONTINUE_EXECUTION;
}

}

extern "C" void NTAPI WdmHostMain()
{
    using namespace host;
    NTSTATUS Status = NewThreadHere() ? STATUS_SUCCESS : STATUS_NO_MEMORY;
    if (Status >= 0)
        Status = Attach();
    if (Status >= 0 && !ReadCommandLine())
        Status = STATUS_INVALID_PARAMETER;
    RtlAddVectoredExceptionHandler(1, OnException);
    DRIVER_OBJECT* Loaded;
    if (Status >= 0)
        Status = LoadDriver(&ServiceKey, true, &Loaded);
    wd::Status S { u32(Status), 0 };
    Control(wd::Control::Started, &S, sizeof(S));
    if (Status < 0)
        NtTerminateProcess(NtCurrentProcess(), Status);
    Current()->IsHost = true;
    ServeRing();
    RtlExitUserThread(STATUS_SUCCESS);      // as any thread: ntdll has lists of them
}
