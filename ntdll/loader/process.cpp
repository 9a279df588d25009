// LdrpInitializeThread: the first code of every thread. The first thread makes the process: heap, PEB, NLS, module list, imports,
// entry points. Then RtlUserThreadStart, and the end of threads and of the process.
#include "ntdll/exception/exception.hpp"
#include "ntdll/loader/loader.hpp"
#include "ntdll/process/process.hpp"

using namespace ldr;

namespace {

constinit u64 InitState = 0;                    // 0 new, 1 under way, 2 done
constinit RTL_CRITICAL_SECTION FastLock { nullptr, -1, 0, nullptr, nullptr, 0 };
constinit PVOID Heaps[16] {};

[[noreturn]] void Die(NTSTATUS Status, const char* Doing)
{
    DbgPrint("ldr: process cannot start: %s (status %08x)\n", Doing, Status);
    NtTerminateProcess(CurrentProcess(), Status);
    for (;;)
        DbgBreakPoint();
}

void InitializePeb()
{
    PEB* P = Peb();
    P->FastPebLock = &FastLock;
    RtlpInitializeTls();
    if (!P->CriticalSectionTimeout.QuadPart)
        P->CriticalSectionTimeout.QuadPart = -25920000000000;       // thirty days
    P->ProcessHeaps = Heaps;
    P->MaximumNumberOfHeaps = 16;
    auto& Nt = *Image(P->ImageBaseAddress).Headers();
    P->ImageSubsystem = Nt.OptionalHeader.Subsystem;
    P->ImageSubsystemMajorVersion = Nt.OptionalHeader.MajorSubsystemVersion;
    P->ImageSubsystemMinorVersion = Nt.OptionalHeader.MinorSubsystemVersion;
    P->CrossProcessFlags |= PEB_PROCESS_INITIALIZING;
}

Module* AddStatic(PVOID Base, const WCHAR* Name, u32 Length)
{
    auto Added = AddModule(Base, Name, Length, LoadReasonStaticDependency);
    if (!Added.Ok())
        Die(Added.Code(), "no memory for the module list");
    Module* M = Added.Value();
    M->Pinned = true;
    M->ObsoleteLoadCount = 0xFFFF;
    M->Node.LoadCount = -1;
    return M;
}

// The program's path as Win32 writes it.
ldr::Name ProgramName()
{
    auto& Path = Peb()->ProcessParameters->ImagePathName;
    ldr::Name N { Path.Buffer, Path.Length / 2u };
    if (N.Length > 4 && N.Text[0] == '\\' && (N.Text[1] == '?' || N.Text[1] == '\\') && N.Text[2] == '?' && N.Text[3] == '\\')
        N = { N.Text + 4, N.Length - 4 };
    return N;
}

// The parameters name the current directory; programs that open files relative to it want its handle. One that is gone is replaced by the root of
// the system's drive, as on Windows.
void OpenCurrentDirectory()
{
    UNICODE_STRING Path = Peb()->ProcessParameters->CurrentDirectory.DosPath;
    Peb()->ProcessParameters->CurrentDirectory.Handle = nullptr;        // if there is one, it is of another process
    if (RtlSetCurrentDirectory_U(&Path) >= 0)
        return;
    RtlInitUnicodeString(&Path, L"C:\\");
    RtlSetCurrentDirectory_U(&Path);
}

void InitializeProcess(PVOID NtdllBase)
{
    PEB* P = Peb();
    // The heap comes first: everything else allocates.
    auto& Nt = *Image(P->ImageBaseAddress).Headers();
    P->ProcessHeap = RtlCreateHeap(HEAP_GROWABLE, nullptr, Nt.OptionalHeader.SizeOfHeapReserve < 64 * MiB ? Nt.OptionalHeader.SizeOfHeapReserve : 0,
                                   Nt.OptionalHeader.SizeOfHeapCommit <= MiB ? Nt.OptionalHeader.SizeOfHeapCommit : 0, nullptr, nullptr);
    if (!P->ProcessHeap)
        Die(STATUS_NO_MEMORY, "no memory for the heap");
    if (!RtlpMoveProcessParameters())
        Die(STATUS_NO_MEMORY, "no memory for the parameters");
    InitializePeb();
    RtlpInitializeNls();

    BeginBatch();
    ldr::Name Program = ProgramName();
    TheProcess.Program = AddStatic(P->ImageBaseAddress, Program.Text, Program.Length);
    TheProcess.Ntdll = AddStatic(NtdllBase, L"C:\\Windows\\System32\\ntdll.dll", 29);
    TheProcess.Ntdll->Phase = State::Ready;
    TheProcess.Ntdll->Attached = true;
    TheProcess.Ntdll->TlsDone = true;
    RtlpInitializeActivationContexts();
    LdrpLinkFirst();
    if (Status S = Relocate(TheProcess.Program->View()); !S.Ok())
        Die(S.Code(), "the program cannot be relocated");
    RtlpStartInitialThread();
    if (AttachThreadTls().Code() < 0)
        Die(STATUS_NO_MEMORY, "no memory for thread-local storage");

    const bool Native = P->ImageSubsystem == IMAGE_SUBSYSTEM_NATIVE;
    if (!Native) {
        InitializeApiSets();
        auto Kernel = FindOrMap({ L"kernel32.dll", 12 }, LoadReasonStaticDependency);
        if (!Kernel.Ok())
            Die(Kernel.Code(), "kernel32.dll is missing");
        TheProcess.Kernel32 = Kernel.Value();
        TheProcess.Kernel32->Pinned = true;
        if (Status S = Complete(TheProcess.Kernel32, false); !S.Ok())
            Die(S.Code(), "imports cannot be resolved");
        auto Thunk = FindExport(TheProcess.Kernel32, "BaseThreadInitThunk", 0, 0, nullptr);
        if (Thunk.Ok())
            TheProcess.BaseThreadInitThunk = Thunk.Value();
    } else if (Status S = Complete(TheProcess.Program, false); !S.Ok()) {
        Die(S.Code(), "imports cannot be resolved");
    }
    for (Module* M = FirstModule(); M; M = NextModule(M)) {
        M->ObsoleteLoadCount = 0xFFFF;
        M->Node.LoadCount = -1;
        M->Pinned = true;
    }
    if (P->BeingDebugged)
        DbgBreakPoint();
    if (!Native)
        OpenCurrentDirectory();
    if (TheProcess.Kernel32) {
        if (Status S = AttachAll(TheProcess.Kernel32); !S.Ok())
            Die(S.Code(), "kernel32.dll does not start");
    }
    Status S = AttachAll(TheProcess.Program);
    if (!S.Ok())
        Die(S.Code(), "a DLL does not start");
    if (P->PostProcessInitRoutine)
        reinterpret_cast<void (*)()>(P->PostProcessInitRoutine)();
    P->CrossProcessFlags &= ~PEB_PROCESS_INITIALIZING;
    TheProcess.Initialized = true;
}

void AttachThread()
{
    SectionGuard Held(Lock());
    if (AttachThreadTls().Code() < 0)
        DbgPrint("ldr: no memory for thread-local storage of thread %u\n", CurrentThreadId());
    RtlpStartThread();
    if (Teb()->SameTebFlags & TEB_SKIP_THREAD_ATTACH || TheProcess.ShuttingDown)
        return;
    LIST_ENTRY& Attached = Peb()->Ldr->InInitializationOrderModuleList;
    for (LIST_ENTRY* I = Attached.Flink; I != &Attached; I = I->Flink) {
        auto* M = static_cast<Module*>(RECORD_OF(I, LDR_DATA_TABLE_ENTRY, InInitializationOrderLinks));
        if (M->Phase == State::Ready && M->Attached && !(M->Flags & LDRP_DONT_CALL_FOR_THREADS))
            CallEntry(M, DLL_THREAD_ATTACH, nullptr);
    }
    // The program itself has no entry point of this kind, but may have TLS callbacks.
    CallTlsCallbacks(TheProcess.Program, DLL_THREAD_ATTACH);
}

LONG Unhandled(EXCEPTION_POINTERS* Pointers)
{
    UNHANDLED_FILTER* Filter = RtlpUnhandledFilter();
    if (!Filter)
        return EXCEPTION_CONTINUE_SEARCH;
    LONG Answer = Filter(Pointers);
    if (Answer == EXCEPTION_EXECUTE_HANDLER) {      // the process ends here: the system's log gets the report that the second chance would make
        const EXCEPTION_RECORD& R = *Pointers->ExceptionRecord;
        ULONG_PTR Parameters[] = { u32(R.ExceptionCode), u64(R.ExceptionAddress), R.ExceptionInformation[0], R.ExceptionInformation[1], u64(Pointers->ContextRecord) };
        ULONG Response;
        NtRaiseHardError(STATUS_UNHANDLED_EXCEPTION, 5, 0, Parameters, 1, &Response);       // OptionOk
    }
    return Answer;
}

using THREAD_START = ULONG NTAPI(PVOID);
using THREAD_INIT_THUNK = void NTAPI(ULONG Unused, THREAD_START* Start, PVOID Argument);

}

extern "C" {

[[noreturn]] void LdrpInitializeThread(CONTEXT* Context, PVOID NtdllBase)
{
    TEB* T = Teb();
    T->NtTib.ExceptionList = reinterpret_cast<EXCEPTION_REGISTRATION_RECORD*>(~u64(0));
    T->StaticUnicodeString = { 0, sizeof(T->StaticUnicodeBuffer), T->StaticUnicodeBuffer };
    u64 New = 0;
    if (__atomic_compare_exchange_n(&InitState, &New, u64(1), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
        RtlEnterCriticalSection(&Lock());
        InitializeProcess(NtdllBase);
        RtlLeaveCriticalSection(&Lock());
        __atomic_store_n(&InitState, u64(2), __ATOMIC_SEQ_CST);
        sync::Wake(&InitState, true);
    } else {
        while (__atomic_load_n(&InitState, __ATOMIC_SEQ_CST) != 2)
            sync::Wait(&InitState, &InitState, 1, ~u64(0), nullptr);
        AttachThread();
    }
    NTSTATUS Status = NtContinue(Context, 1);
    RtlRaiseStatus(Status);
    __builtin_unreachable();
}

void NTAPI RtlUserThreadStart(THREAD_START* Start, PVOID Argument)
{
    __try {
        if (TheProcess.BaseThreadInitThunk)
            reinterpret_cast<THREAD_INIT_THUNK*>(TheProcess.BaseThreadInitThunk)(0, Start, Argument);
        else
            RtlExitUserThread(NTSTATUS(Start(Argument)));
    } __except (Unhandled(static_cast<EXCEPTION_POINTERS*>(_exception_info()))) {
        NtTerminateProcess(CurrentProcess(), NTSTATUS(_exception_code()));
    }
}

// Where a thread begins that a console makes in a process for Ctrl-C and its like: the Win32 library calls the program's handlers.
void NTAPI LdrConsoleControlThread(PVOID Event)
{
    THREAD_START* Routine = nullptr;
    if (TheProcess.Kernel32) {
        SectionGuard Held(Lock());
        if (auto Found = FindExport(TheProcess.Kernel32, "CtrlRoutine", 0, 0, nullptr); Found.Ok())
            Routine = reinterpret_cast<THREAD_START*>(Found.Value());
    }
    if (Routine)
        Routine(Event);
    RtlExitUserThread(STATUS_SUCCESS);
}

NTSTATUS NTAPI LdrShutdownThread()
{
    if (TheProcess.ShuttingDown)
        return STATUS_SUCCESS;
    SectionGuard Held(Lock());
    RtlpEndThreadCallbacks();
    if (!TheProcess.ShuttingDown && !(Teb()->SameTebFlags & TEB_SKIP_THREAD_ATTACH)) {
        CallTlsCallbacks(TheProcess.Program, DLL_THREAD_DETACH);
        LIST_ENTRY& Attached = Peb()->Ldr->InInitializationOrderModuleList;
        for (LIST_ENTRY* I = Attached.Blink; I != &Attached;) {
            auto* M = static_cast<Module*>(RECORD_OF(I, LDR_DATA_TABLE_ENTRY, InInitializationOrderLinks));
            I = I->Blink;
            if (M->Phase == State::Ready && M->Attached && !(M->Flags & LDRP_DONT_CALL_FOR_THREADS))
                CallEntry(M, DLL_THREAD_DETACH, nullptr);
        }
    }
    DetachThreadTls();
    RtlpEndThread();
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI LdrShutdownProcess()
{
    if (TheProcess.ShuttingDown)
        return STATUS_SUCCESS;
    TheProcess.ShuttingDown = true;
    if (!Peb()->Ldr)
        return STATUS_SUCCESS;
    Peb()->Ldr->ShutdownInProgress = 1;
    Peb()->Ldr->ShutdownThreadId = Teb()->ClientId.UniqueThread;
    RtlpEndThreadCallbacks();
    if (TheProcess.Program)
        CallTlsCallbacks(TheProcess.Program, DLL_PROCESS_DETACH);
    LIST_ENTRY& Attached = Peb()->Ldr->InInitializationOrderModuleList;
    for (LIST_ENTRY* I = Attached.Blink; I != &Attached; I = I->Blink) {
        auto* M = static_cast<Module*>(RECORD_OF(I, LDR_DATA_TABLE_ENTRY, InInitializationOrderLinks));
        if (M->Phase == State::Ready && M->Attached)
            CallEntry(M, DLL_PROCESS_DETACH, At<void>(nullptr, 1));
    }
    return STATUS_SUCCESS;
}
BOOLEAN NTAPI RtlDllShutdownInProgress() { return TheProcess.ShuttingDown; }

void NTAPI RtlExitUserProcess(NTSTATUS Status)
{
    RtlEnterCriticalSection(&Lock());
    RtlEnterCriticalSection(&FastLock);
    NtTerminateProcess(nullptr, Status);        // the other threads
    // They may have died holding locks that entry points want.
    RtlpForgetLocks();
    LdrShutdownProcess();
    for (;;)
        NtTerminateProcess(CurrentProcess(), Status);
}

// Told before one process ends another, for a monitor of silent exits; none can be registered, and then there is nothing to do.
NTSTATUS NTAPI RtlReportSilentProcessExit(HANDLE, NTSTATUS) { return STATUS_SUCCESS; }

void NTAPI RtlExitUserThread(NTSTATUS Status)
{
    ULONG Last = 0;
    if (NtQueryInformationThread(CurrentThread(), ThreadAmILastThread, &Last, sizeof(Last), nullptr) >= 0 && Last)
        RtlExitUserProcess(Status);
    LdrShutdownThread();
    for (;;)
        NtTerminateThread(CurrentThread(), Status);
}

}
