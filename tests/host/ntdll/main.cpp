// Starting a program, the service trap, exceptions.
//
//   ntdll_runner [--trace] --ntdll <file> --root <folder of C:> <NT or DOS path of the program> [arguments...]
#include <asm/prctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <thread>

#include "abi/kuser.hpp"
#include "tests/host/ntdll/runner.hpp"

namespace runner {

State The;
thread_local Thread* Current;
thread_local ucontext_t* Trapped;

namespace {

struct Row {
    const char* Name;
    Handler Call;
};
std::vector<Row> Services;
uint64_t TrapAddress;
thread_local ucontext_t Outside;        // where RunThread waits for the end of its thread
thread_local bool Ended;

template <typename T> T& Out(uint64_t Argument) { return *reinterpret_cast<T*>(Argument); }

[[noreturn]] void EndProcess(int Status)
{
    fflush(stdout);
    fflush(stderr);
    // The host's exit codes have eight bits.
    _exit(Status & 0xFF ? Status & 0xFF : Status ? 255 : 0);
}

void FillKuser()
{
    auto* Page = mmap(reinterpret_cast<void*>(abi::KuserAddress), PageSize, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (Page == MAP_FAILED) {
        perror("KUSER_SHARED_DATA");
        exit(2);
    }
    auto& K = *static_cast<abi::KuserSharedData*>(Page);
    K.NtMajorVersion = 10;
    K.NtBuildNumber = 19045;
    K.NtProductType = 1;
    K.ProductTypeIsValid = 1;
    K.ActiveProcessorCount = 1;
    K.Cookie = 0x12345678;
    const wchar_t Root[] = L"C:\\Windows";
    memcpy(K.NtSystemRoot, Root, sizeof(Root));
    for (int Feature : { 2, 6, 8, 10, 12, 13, 14, 17 })
        K.ProcessorFeatures[Feature] = 1;
    auto Now = [] {
        struct timespec T;
        clock_gettime(CLOCK_REALTIME, &T);
        return uint64_t(T.tv_sec + 11644473600) * 10000000 + uint64_t(T.tv_nsec) / 100;
    };
    uint64_t Time = Now(), Tsc = __builtin_ia32_rdtsc();
    usleep(20000);
    uint64_t Time2 = Now(), Tsc2 = __builtin_ia32_rdtsc();
    K.Clock.TscBase = Tsc2;
    K.Clock.Multiplier = uint64_t((unsigned __int128)(Time2 - Time) * (uint64_t(1) << 32) / (Tsc2 - Tsc));
    K.Clock.SystemTimeBase = Time2;
    K.Clock.InterruptTimeBase = 10000000 * 60;
    K.TickCountMultiplier = 1 << 24;                    // ticks are milliseconds
    // The old fields, as a clock interrupt would write them.
    std::thread([&K, Now, Time2] {
        auto Set = [](abi::KSYSTEM_TIME& T, uint64_t Value) {
            T.High2Time = int(Value >> 32);
            T.LowPart = uint32_t(Value);
            T.High1Time = T.High2Time;
        };
        for (;; usleep(1000)) {
            uint64_t Passed = Now() - Time2 + 600000000;
            Set(K.InterruptTime, Passed);
            Set(K.SystemTime, Now());
            Set(K.TickCount, Passed / 10000);
        }
    }).detach();
}

UNICODE_STRING Wide(const std::string& Text)
{
    auto* Buffer = static_cast<wchar_t*>(calloc(Text.size() + 1, 2));
    for (size_t I = 0; I < Text.size(); ++I)
        Buffer[I] = uint8_t(Text[I]);
    return { USHORT(Text.size() * 2), USHORT(Text.size() * 2 + 2), Buffer };
}

// The register images.
constexpr int Order[16] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                            REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15 };

uint64_t Call(uint32_t Number, Arguments A)
{
    if (Number >= Services.size())
        return uint64_t(uint32_t(STATUS_INVALID_SYSTEM_SERVICE));
    auto& S = Services[Number];
    NTSTATUS Status = S.Call ? S.Call(A) : STATUS_NOT_IMPLEMENTED;
    if (The.Trace)
        fprintf(stderr, "[%u] Nt%s(%lx, %lx, %lx, %lx) = %08x%s\n", Current->Id, S.Name, A[0], A[1], A[2], A[3], unsigned(Status),
                S.Call ? "" : "  (not here)");
    return uint32_t(Status);
}

void OnSignal(int Signal, siginfo_t* Info, void* Raw)
{
    auto* C = static_cast<ucontext_t*>(Raw);
    auto* G = C->uc_mcontext.gregs;
    if (Signal == SIGILL && uint64_t(G[REG_RIP]) == TrapAddress) {
        // abi/services.hpp: words in R10, R8, R9, R15; more than four arguments come as an array.
        uint32_t Number = uint32_t(G[REG_RSI]) >> 12;
        uint64_t Four[4] = { uint64_t(G[REG_R10]), uint64_t(G[REG_R8]), uint64_t(G[REG_R9]), uint64_t(G[REG_R15]) };
        static const int Counts[] = {
#define P_IN(Type, Name) +1
#define P_PTR(Type, Name) +1
#define P_OUT(Type, Name) +1
#define P_IO(Type, Name) +1
#define P_BUF(Name) +1
#define SVC(Name, Kind, State, Text, Parameters) 0 Parameters,
#include "abi/services.def"
#undef SVC
#undef P_IN
#undef P_PTR
#undef P_OUT
#undef P_IO
#undef P_BUF
        };
        G[REG_RIP] += 2;
        Trapped = C;
        Lock();
        Arguments A = Number < std::size(Counts) && Counts[Number] > 4 ? reinterpret_cast<uint64_t*>(Four[3]) : Four;
        uint64_t Status = Call(Number, A);
        Unlock();
        if (Ended)
            setcontext(&Outside);
        if (Trapped)
            G[REG_R10] = int64_t(Status);
        return;
    }
    EXCEPTION_RECORD R {};
    R.ExceptionAddress = reinterpret_cast<PVOID>(G[REG_RIP]);
    switch (Signal) {
    case SIGSEGV:
    case SIGBUS:
        R.ExceptionCode = STATUS_ACCESS_VIOLATION;
        R.NumberParameters = 2;
        R.ExceptionInformation[0] = G[REG_ERR] & 0x10 ? 8 : G[REG_ERR] & 2 ? 1 : 0;
        R.ExceptionInformation[1] = uint64_t(Info->si_addr);
        break;
    case SIGFPE:
        R.ExceptionCode = Info->si_code == FPE_INTDIV ? STATUS_INTEGER_DIVIDE_BY_ZERO : STATUS_FLOAT_INVALID_OPERATION;
        break;
    case SIGTRAP:
        if (Info->si_code == TRAP_TRACE || Info->si_code == TRAP_HWBKPT) {
            R.ExceptionCode = STATUS_SINGLE_STEP;
            G[REG_EFL] &= ~0x100;
            break;
        }
        R.ExceptionCode = STATUS_BREAKPOINT;
        R.NumberParameters = 1;
        G[REG_RIP] -= 1;
        R.ExceptionAddress = reinterpret_cast<PVOID>(G[REG_RIP]);
        break;
    default:
        R.ExceptionCode = STATUS_ILLEGAL_INSTRUCTION;
        break;
    }
    // A fault in this program itself, not in what it runs.
    if (!FindMapping(uint64_t(G[REG_RSP]))) {
        fprintf(stderr, "runner: signal %d at %llx, address %p\n", Signal, G[REG_RIP], Info->si_addr);
        _exit(3);
    }
    if (The.Trace)
        fprintf(stderr, "[%u] exception %08x at %p (%lx %lx)\n", Current->Id, unsigned(R.ExceptionCode), R.ExceptionAddress, R.ExceptionInformation[0],
                R.ExceptionInformation[1]);
    RaiseFrom(C, R);
}

void ReportEnd(const EXCEPTION_RECORD& R, const CONTEXT& C)
{
    fprintf(stderr, "unhandled exception %08x at %p", unsigned(R.ExceptionCode), R.ExceptionAddress);
    if (Mapping* M = FindMapping(uint64_t(R.ExceptionAddress)); M && M->Image)
        fprintf(stderr, " (%s+%lx)", M->Path.substr(M->Path.rfind('/') + 1).c_str(), uint64_t(R.ExceptionAddress) - M->Base);
    fprintf(stderr, " information %lx %lx\n rax %lx rcx %lx rdx %lx rbx %lx rsp %lx rbp %lx rsi %lx rdi %lx\n", R.ExceptionInformation[0],
            R.ExceptionInformation[1], uint64_t(C.Rax), uint64_t(C.Rcx), uint64_t(C.Rdx), uint64_t(C.Rbx), uint64_t(C.Rsp), uint64_t(C.Rbp),
            uint64_t(C.Rsi), uint64_t(C.Rdi));
    auto* Stack = reinterpret_cast<uint64_t*>(C.Rsp);
    Mapping* S = FindMapping(C.Rsp);
    for (int I = 0; S && I < 400 && uint64_t(Stack + I) < S->Base + S->Size; ++I) {
        Mapping* M = FindMapping(Stack[I]);
        if (M && M->Image && (M->Pages[(Stack[I] - M->Base) / PageSize] & 0xF0))
            fprintf(stderr, "  [rsp+%x] %s+%lx\n", I * 8, M->Path.substr(M->Path.rfind('/') + 1).c_str(), Stack[I] - M->Base);
    }
}

void AddOwnServices(std::map<std::string, Handler>& Table)
{
    Table["Continue"] = [](Arguments A) -> NTSTATUS {
        Load(Trapped, Out<CONTEXT>(A[0]));
        Trapped = nullptr;
        return STATUS_SUCCESS;
    };
    Table["RaiseException"] = [](Arguments A) -> NTSTATUS {
        auto& R = Out<EXCEPTION_RECORD>(A[0]);
        auto& C = Out<CONTEXT>(A[1]);
        if (!uint8_t(A[2])) {
            ReportEnd(R, C);
            EndProcess(R.ExceptionCode);
        }
        EXCEPTION_RECORD Copy = R;
        Load(Trapped, C);
        RaiseFrom(Trapped, Copy);
        Trapped = nullptr;
        return STATUS_SUCCESS;
    };
    Table["TestAlert"] = [](Arguments) -> NTSTATUS { return STATUS_SUCCESS; };
    Table["TerminateProcess"] = [](Arguments A) -> NTSTATUS {
        if (!A[0])
            return STATUS_SUCCESS;
        EndProcess(int(A[1]));
    };
    Table["TerminateThread"] = [](Arguments A) -> NTSTATUS {
        if (A[0] && A[0] != uint64_t(-2))
            return STATUS_NOT_IMPLEMENTED;
        Current->ExitStatus = int(A[1]);
        Ended = true;
        return STATUS_SUCCESS;
    };
    Table["DisplayString"] = [](Arguments A) -> NTSTATUS {
        fprintf(stderr, "%s", Narrow(Out<UNICODE_STRING>(A[0])).c_str());
        return STATUS_SUCCESS;
    };
    Table["RaiseHardError"] = [](Arguments A) -> NTSTATUS {
        fprintf(stderr, "hard error %08x", unsigned(A[0]));
        for (unsigned I = 0; I < A[1]; ++I) {
            uint64_t P = reinterpret_cast<uint64_t*>(A[3])[I];
            if (A[2] & (1u << I))
                fprintf(stderr, " %s", Narrow(Out<UNICODE_STRING>(P)).c_str());
        }
        fprintf(stderr, "\n");
        return STATUS_SUCCESS;
    };
    Table["QueryDefaultLocale"] = [](Arguments A) -> NTSTATUS {
        Out<ULONG>(A[1]) = 0x409;
        return STATUS_SUCCESS;
    };
    Table["QueryInstallUILanguage"] = Table["QueryDefaultUILanguage"] = [](Arguments A) -> NTSTATUS {
        Out<USHORT>(A[0]) = 0x409;
        return STATUS_SUCCESS;
    };
    auto NoName = [](Arguments) -> NTSTATUS { return STATUS_OBJECT_NAME_NOT_FOUND; };
    for (const char* Name : { "OpenKey", "OpenKeyEx", "OpenDirectoryObject", "OpenSection", "OpenEvent", "OpenMutant" })
        Table[Name] = NoName;
    Table["CreateKey"] = [](Arguments) -> NTSTATUS { return STATUS_ACCESS_DENIED; };
    Table["GetCurrentProcessorNumber"] = [](Arguments) -> NTSTATUS { return 0; };
    Table["QueryInformationThread"] = [](Arguments A) -> NTSTATUS {
        auto O = Find(A[0]);
        Thread* T = O && O->TheThread ? O->TheThread : Current;
        if (A[1] == ThreadAmILastThread) {
            Out<ULONG>(A[2]) = The.Threads.size() == 1;
        } else if (A[1] == ThreadBasicInformation) {
            auto& Info = Out<THREAD_BASIC_INFORMATION>(A[2]);
            Info = {};
            Info.ExitStatus = T->ExitStatus;
            Info.TebBaseAddress = T->TheTeb;
            Info.ClientId = T->TheTeb->ClientId;
        } else {
            return STATUS_INVALID_INFO_CLASS;
        }
        return STATUS_SUCCESS;
    };
    Table["SetInformationThread"] = [](Arguments) -> NTSTATUS { return STATUS_SUCCESS; };
    Table["QueryInformationProcess"] = [](Arguments A) -> NTSTATUS {
        if (A[1] == ProcessBasicInformation) {
            auto& Info = Out<PROCESS_BASIC_INFORMATION>(A[2]);
            Info = {};
            Info.PebBaseAddress = The.ThePeb;
            Info.UniqueProcessId = 4;
            Info.AffinityMask = 1;
            return STATUS_SUCCESS;
        }
        if (A[1] == ProcessCookie) {
            Out<ULONG>(A[2]) = 0x5EED1234;
            return STATUS_SUCCESS;
        }
        return STATUS_INVALID_INFO_CLASS;
    };
    Table["SetInformationProcess"] = [](Arguments) -> NTSTATUS { return STATUS_SUCCESS; };
    Table["QuerySystemInformation"] = [](Arguments A) -> NTSTATUS {
        if (uint32_t(A[0]) == 1) {          // SystemProcessorInformation: AMD64, model, features
            memset(reinterpret_cast<void*>(A[1]), 0, 12);
            Out<uint16_t>(A[1]) = 9;
            return STATUS_SUCCESS;
        }
        if (uint32_t(A[0]) != 0)
            return STATUS_INVALID_INFO_CLASS;
        struct Basic {
            ULONG Reserved, TimerResolution, PageSizeValue, Pages, Low, High, Granularity;
            uint64_t Minimum, Maximum, Affinity;
            char Processors;
        };
        auto& B = Out<Basic>(A[1]);
        B = { 0, 156250, 4096, 65536, 1, 65536, 65536, 0x10000, 0x7FFFFFFEFFFF, 1, 1 };
        if (A[3])
            Out<ULONG>(A[3]) = sizeof(B);
        return STATUS_SUCCESS;
    };
}

void InitializeServices()
{
    std::map<std::string, Handler> Table;
    AddOwnServices(Table);
    AddMemoryServices(Table);
    AddFileServices(Table);
    AddObjectServices(Table);
#define P_IN(Type, Name)
#define P_PTR(Type, Name)
#define P_OUT(Type, Name)
#define P_IO(Type, Name)
#define P_BUF(Name)
#define SVC(Name, Kind, State, Text, Parameters) Services.push_back({ #Name, Table.count(#Name) ? Table[#Name] : nullptr });
#include "abi/services.def"
#undef SVC
}

// The instruction `mov rbx, rsp; syscall; mov rsp, rbx` of the stubs.
void PatchNtdll()
{
    uint64_t Start = FindExport(The.NtdllBase, "NtClose");
    static const uint8_t Pattern[] = { 0x48, 0x89, 0xE3, 0x0F, 0x05, 0x48, 0x89, 0xDC };
    Mapping* M = FindMapping(Start);
    for (uint64_t P = M->Base; P + 8 < M->Base + M->Size; ++P) {
        if (!(M->Pages[(P - M->Base) / PageSize] & 0xF0)) {
            P = AlignDown(P, PageSize) + PageSize - 1;
            continue;
        }
        if (memcmp(reinterpret_cast<void*>(P), Pattern, 8))
            continue;
        auto* Page = reinterpret_cast<void*>(AlignDown(P, PageSize));
        mprotect(Page, 2 * PageSize, PROT_READ | PROT_WRITE | PROT_EXEC);
        reinterpret_cast<uint8_t*>(P)[4] = 0x0B;
        mprotect(Page, 2 * PageSize, PROT_READ | PROT_EXEC);
        TrapAddress = P + 3;
        return;
    }
    fprintf(stderr, "runner: ntdll has no system call instruction\n");
    exit(2);
}

void Fill(uint64_t Base, uint64_t Size)
{
    The.Mappings[Base] = { Base, Size, false, {}, std::vector<ULONG>(Size / PageSize, PAGE_READWRITE) };
    mprotect(reinterpret_cast<void*>(Base), Size, PROT_READ | PROT_WRITE);
}

}

void Load(ucontext_t* C, const CONTEXT& From)
{
    auto* G = C->uc_mcontext.gregs;
    for (int I = 0; I < 16; ++I)
        G[Order[I]] = int64_t((&From.Rax)[I]);
    G[REG_RIP] = int64_t(From.Rip);
    G[REG_EFL] = From.EFlags;
}
void Save(CONTEXT& To, const ucontext_t* C)
{
    auto* G = C->uc_mcontext.gregs;
    To = {};
    To.ContextFlags = CONTEXT_CONTROL | CONTEXT_INTEGER | CONTEXT_SEGMENTS;
    for (int I = 0; I < 16; ++I)
        (&To.Rax)[I] = uint64_t(G[Order[I]]);
    To.Rip = uint64_t(G[REG_RIP]);
    To.EFlags = DWORD(G[REG_EFL]);
    To.SegCs = 0x33;
    To.SegSs = 0x2B;
}

void RaiseFrom(ucontext_t* C, const EXCEPTION_RECORD& Record)
{
    auto* G = C->uc_mcontext.gregs;
    uint64_t Frame = AlignDown(uint64_t(G[REG_RSP]), 16) - abi::ExceptionFrameSize;
    CONTEXT Saved;
    Save(Saved, C);
    memcpy(reinterpret_cast<void*>(Frame), &Saved, sizeof(Saved));
    memcpy(reinterpret_cast<void*>(Frame + abi::ExceptionFrameRecord), &Record, sizeof(Record));
    G[REG_RSP] = int64_t(Frame);
    G[REG_RIP] = int64_t(FindExport(The.NtdllBase, "KiUserExceptionDispatcher"));
    G[REG_EFL] &= ~0x100;
}

Thread* NewThread(uint64_t Start, uint64_t Argument, uint64_t StackSize)
{
    auto* T = new Thread;
    T->Id = The.NextThread;
    The.NextThread += 4;
    T->Start = Start;
    T->Argument = Argument;
    uint64_t TebBase = Reserve(0, 2 * PageSize);
    Fill(TebBase, 2 * PageSize);
    StackSize = AlignUp(StackSize < 0x100000 ? 0x100000 : StackSize, 0x10000);
    uint64_t Stack = Reserve(0, StackSize);
    Fill(Stack, StackSize);
    T->TheTeb = reinterpret_cast<TEB*>(TebBase);
    auto& B = *T->TheTeb;
    B.NtTib.StackBase = reinterpret_cast<PVOID>(Stack + StackSize);
    B.NtTib.StackLimit = B.DeallocationStack = reinterpret_cast<PVOID>(Stack);
    B.NtTib.Self = &B.NtTib;
    B.ClientId = B.RealClientId = { reinterpret_cast<HANDLE>(4), reinterpret_cast<HANDLE>(uint64_t(T->Id)) };
    B.ProcessEnvironmentBlock = The.ThePeb;
    T->Context = reinterpret_cast<CONTEXT*>(Stack + StackSize - 0x1000);
    *T->Context = {};
    T->Context->ContextFlags = CONTEXT_FULL;
    T->Context->Rip = FindExport(The.NtdllBase, "RtlUserThreadStart");
    T->Context->Rcx = Start;
    T->Context->Rdx = Argument;
    T->Context->Rsp = Stack + StackSize - abi::ThreadStartStackReserve;
    T->Context->EFlags = 0x200;
    T->Context->MxCsr = T->Context->FltSave.MxCsr = 0x1F80;
    T->Context->FltSave.ControlWord = 0x27F;
    The.Threads[T->Id] = T;
    return T;
}

void RunThread(Thread* T)
{
    Current = T;
    stack_t Alternate {};
    Alternate.ss_size = 256 * 1024;
    Alternate.ss_sp = malloc(Alternate.ss_size);
    sigaltstack(&Alternate, nullptr);
    syscall(SYS_arch_prctl, ARCH_SET_GS, T->TheTeb);
    getcontext(&Outside);
    if (Ended)
        return;
    uint64_t Rsp = uint64_t(T->Context) - 0x100, Rip = FindExport(The.NtdllBase, "LdrInitializeThunk");
    asm volatile("mov %0, %%rsp; mov %1, %%rcx; mov %2, %%rdx; xor %%ebp, %%ebp; jmp *%3"
                 :
                 : "r"(Rsp), "r"(T->Context), "r"(The.NtdllBase), "r"(Rip)
                 : "rcx", "rdx", "memory");
    __builtin_unreachable();
}

}

using namespace runner;

int main(int Count, char** Words)
{
    std::string Program, Line;
    for (int I = 1; I < Count; ++I) {
        std::string Word = Words[I];
        if (Program.empty() && Word == "--trace") {
            The.Trace = true;
        } else if (Program.empty() && Word == "--ntdll" && I + 1 < Count) {
            The.NtdllPath = Words[++I];
        } else if (Program.empty() && Word == "--root" && I + 1 < Count) {
            The.Root = Words[++I];
        } else if (Program.empty()) {
            Program = Word;
            Line = "\"" + Word + "\"";
        } else {
            Line += " " + Word;
        }
    }
    if (Program.empty() || The.NtdllPath.empty() || The.Root.empty()) {
        fprintf(stderr, "usage: ntdll_runner [--trace] --ntdll file --root folder program [arguments]\n");
        return 2;
    }
    FillKuser();
    InitializeServices();
    uint64_t Size, Image;
    if (NTSTATUS Status = MapImage(The.NtdllPath, The.NtdllBase, Size); Status != STATUS_SUCCESS) {
        fprintf(stderr, "runner: cannot map %s (%08x)\n", The.NtdllPath.c_str(), unsigned(Status));
        return 2;
    }
    PatchNtdll();
    UNICODE_STRING NtName = Wide("\\??\\" + Program);
    OBJECT_ATTRIBUTES Attributes { sizeof(Attributes), nullptr, &NtName, 0, nullptr, nullptr };
    std::string Path = HostPath(&Attributes);
    if (NTSTATUS Status = MapImage(Path, Image, Size); Status < 0) {
        fprintf(stderr, "runner: cannot map %s (%08x)\n", Path.c_str(), unsigned(Status));
        return 2;
    }
    uint64_t Block = Reserve(0, 0x10000);
    Fill(Block, 0x10000);
    The.ThePeb = reinterpret_cast<PEB*>(Block);
    auto* P = reinterpret_cast<RTL_USER_PROCESS_PARAMETERS*>(Block + 0x1000);
    P->MaximumLength = P->Length = sizeof(*P);
    P->Flags = RTL_USER_PROC_PARAMS_NORMALIZED;
    P->CurrentDirectory.DosPath = Wide("C:\\");
    P->CurrentDirectory.DosPath.MaximumLength = 520;
    P->CurrentDirectory.DosPath.Buffer = static_cast<wchar_t*>(memcpy(reinterpret_cast<void*>(Block + 0x2000), L"C:\\", 8));
    P->ImagePathName = Wide(Program);
    P->CommandLine = Wide(Line);
    static const wchar_t Environment[] = L"PATH=C:\\windows\\system32\0SystemRoot=C:\\windows\0TEMP=C:\\temp\0windir=C:\\windows\0";
    P->Environment = memcpy(reinterpret_cast<void*>(Block + 0x3000), Environment, sizeof(Environment));
    P->EnvironmentSize = sizeof(Environment);
    for (int Fd = 0; Fd < 3; ++Fd) {
        auto F = std::make_shared<Object>();
        F->Type = Object::Kind::File;
        F->Fd = Fd;
        (Fd == 0 ? P->StandardInput : Fd == 1 ? P->StandardOutput : P->StandardError) = reinterpret_cast<HANDLE>(NewHandle(F));
    }
    auto& B = *The.ThePeb;
    B.ImageBaseAddress = reinterpret_cast<PVOID>(Image);
    B.ProcessParameters = P;
    B.OSMajorVersion = 10;
    B.OSBuildNumber = 19045;
    B.OSPlatformId = 2;
    B.NumberOfProcessors = 1;
    B.HeapSegmentReserve = 0x100000;
    B.HeapSegmentCommit = 0x2000;

    struct sigaction Action {};
    Action.sa_sigaction = OnSignal;
    Action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    for (int Signal : { SIGILL, SIGSEGV, SIGBUS, SIGFPE, SIGTRAP })
        sigaction(Signal, &Action, nullptr);
    auto* Nt = reinterpret_cast<IMAGE_NT_HEADERS64*>(Image + reinterpret_cast<IMAGE_DOS_HEADER*>(Image)->e_lfanew);
    Thread* T = NewThread(Image + Nt->OptionalHeader.AddressOfEntryPoint, uint64_t(The.ThePeb), Nt->OptionalHeader.SizeOfStackReserve);
    RunThread(T);
    // The first thread may end before the others.
    Lock();
    The.Threads.erase(T->Id);
    while (!The.Threads.empty())
        WaitChange(nullptr);
    return T->ExitStatus & 0xFF;
}
