// Structured exceptions: __try/__except/__finally, nesting, unwinding, vectored handlers, continuing, faults of the processor.
#include "tests/guest/tap.hpp"

extern "C" {
void NTAPI RtlRaiseException(EXCEPTION_RECORD* Record);
void NTAPI RtlRaiseStatus(NTSTATUS Status);
PVOID NTAPI RtlAddVectoredExceptionHandler(ULONG First, LONG NTAPI (*Handler)(EXCEPTION_POINTERS*));
ULONG NTAPI RtlRemoveVectoredExceptionHandler(PVOID Handle);
PVOID NTAPI RtlAddVectoredContinueHandler(ULONG First, LONG NTAPI (*Handler)(EXCEPTION_POINTERS*));
ULONG NTAPI RtlRemoveVectoredContinueHandler(PVOID Handle);
USHORT NTAPI RtlCaptureStackBackTrace(ULONG Skip, ULONG Count, PVOID* Trace, ULONG* Hash);
void NTAPI RtlCaptureContext(CONTEXT* Context);
void NTAPI RtlUnwind(PVOID Frame, PVOID Ip, EXCEPTION_RECORD* Record, PVOID Value);
size_t strlen(const char*);
}

namespace {

volatile int Sink;
[[gnu::noinline]] void Touch(volatile int* P) { Sink = *P; }
[[gnu::noinline]] void Store(volatile int* P) { *P = 1; }
[[gnu::noinline]] int Divide(volatile int* A, volatile int* B) { return *A / *B; }
[[gnu::noinline]] void Illegal() { asm volatile("ud2"); }
[[gnu::noinline]] void Breakpoint() { asm volatile("int3"); }

EXCEPTION_RECORD Seen;
LONG Note(EXCEPTION_POINTERS* P)
{
    Seen = *P->ExceptionRecord;
    return EXCEPTION_EXECUTE_HANDLER;
}
#define POINTERS static_cast<EXCEPTION_POINTERS*>(_exception_info())

int Order[16], Steps;
void Step(int N) { Order[Steps++] = N; }

[[gnu::noinline]] void Inner(int Kind)
{
    __try {
        Step(1);
        if (Kind == 0)
            RtlRaiseStatus(STATUS_UNSUCCESSFUL);
        else
            Touch(reinterpret_cast<int*>(16));
        Step(99);
    } __finally {
        Step(2);
    }
}
[[gnu::noinline]] NTSTATUS Outer(int Kind)
{
    NTSTATUS Code = 0;
    __try {
        __try {
            Inner(Kind);
        } __finally {
            Step(3);
        }
    } __except (Step(10), Note(POINTERS)) {
        Code = NTSTATUS(_exception_code());
        Step(4);
    }
    return Code;
}

int Fixed;
LONG NTAPI FixRegister(EXCEPTION_POINTERS* P)
{
    if (P->ExceptionRecord->ExceptionCode != STATUS_ACCESS_VIOLATION)
        return EXCEPTION_CONTINUE_SEARCH;
    ++Fixed;
    // The faulting instruction is skipped: `mov eax, [rcx]`, two bytes.
    P->ContextRecord->Rip += 2;
    P->ContextRecord->Rax = 0x1234;
    return EXCEPTION_CONTINUE_EXECUTION;
}
int Continued;
LONG NTAPI CountContinue(EXCEPTION_POINTERS*)
{
    ++Continued;
    return EXCEPTION_CONTINUE_SEARCH;
}
[[gnu::noinline]] u64 LoadWithRegisters(double& Kept)
{
    u64 Value = 0;
    double D = 3.25;
    asm volatile("movsd %2, %%xmm7\n\t"
                 "xorl %%ecx, %%ecx\n\t"
                 ".byte 0x8b, 0x01\n\t"
                 "movsd %%xmm7, %1"
                 : "=&a"(Value), "=m"(Kept)
                 : "m"(D)
                 : "rcx", "xmm7", "memory");
    return Value;
}

// An exception inside a __finally block that runs during an unwind.
[[gnu::noinline]] void FaultInFinally()
{
    __try {
        RtlRaiseStatus(STATUS_UNSUCCESSFUL);
    } __finally {
        Step(21);
        __try {
            Touch(nullptr);
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            Step(22);
        }
        Step(23);
    }
}
// A second exception leaves the first one's __finally: collided unwind.
[[gnu::noinline]] void RaiseInFinally()
{
    __try {
        RtlRaiseStatus(STATUS_UNSUCCESSFUL);
    } __finally {
        Step(31);
        RtlRaiseStatus(STATUS_INVALID_PARAMETER);
    }
}

[[gnu::noinline]] int Deep(int N, volatile char* Up)
{
    volatile char Here[512];
    Here[0] = char(N);
    if (!N) {
        RtlRaiseStatus(STATUS_TIMEOUT + 0xC0000000u);
        return 0;
    }
    return Deep(N - 1, Here) + Here[0] + (Up ? Up[0] : 0);
}

[[gnu::noinline]] void Continuable()
{
    EXCEPTION_RECORD R {};
    R.ExceptionCode = 0x20001234;
    R.NumberParameters = 2;
    R.ExceptionInformation[0] = 77;
    RtlRaiseException(&R);
}
LONG Resume(EXCEPTION_POINTERS* P)
{
    Note(P);
    return EXCEPTION_CONTINUE_EXECUTION;
}

// Frames of the x86 kind, as Wine's DLLs use them on x64.
struct TebFrame {
    EXCEPTION_REGISTRATION_RECORD Record;
    int Calls;
    ULONG Flags;
    u64 Rip, Rsp;
};
TEB* Self()
{
    TEB* T;
    asm("movq %%gs:0x30, %0" : "=r"(T));
    return T;
}
EXCEPTION_DISPOSITION TebHandler(EXCEPTION_RECORD* Record, EXCEPTION_REGISTRATION_RECORD* Frame, CONTEXT* Context, void*)
{
    auto* F = reinterpret_cast<TebFrame*>(Frame);
    ++F->Calls;
    F->Flags = Record->ExceptionFlags;
    if (Record->ExceptionFlags & EXCEPTION_UNWIND)
        return ExceptionContinueSearch;
    Context->Rip += 2;
    Context->Rax = 0x77;
    return ExceptionContinueExecution;
}
[[gnu::noinline]] u64 LoadNull()
{
    u64 Value = 0;
    asm volatile("xorl %%ecx, %%ecx\n\t.byte 0x8b, 0x01" : "=&a"(Value) : : "rcx", "memory");
    return Value;
}
[[gnu::noinline]] u64 WithTebFrame(TebFrame& F)
{
    F.Record = { Self()->NtTib.ExceptionList, reinterpret_cast<PVOID>(&TebHandler) };
    Self()->NtTib.ExceptionList = &F.Record;
    u64 Value = LoadNull();
    Self()->NtTib.ExceptionList = F.Record.Next;
    return Value;
}
[[gnu::noinline]] void LeavesTebFrame()
{
    TebFrame F {};
    F.Record = { Self()->NtTib.ExceptionList, reinterpret_cast<PVOID>(+[](EXCEPTION_RECORD*, EXCEPTION_REGISTRATION_RECORD*, CONTEXT*, void*) {
                     Step(41);
                     return ExceptionContinueSearch;
                 }) };
    Self()->NtTib.ExceptionList = &F.Record;
    RtlRaiseStatus(STATUS_UNSUCCESSFUL);
}

}

TAP_MAIN()
{
    __try {
        Touch(reinterpret_cast<int*>(0x10));
        CHECK(!"reached");
    } __except (Note(POINTERS)) {
        CHECK_EQ(u32(_exception_code()), u32(STATUS_ACCESS_VIOLATION));
    }
    CHECK_EQ(Seen.NumberParameters, 2);
    CHECK_EQ(Seen.ExceptionInformation[0], 0);
    CHECK_EQ(Seen.ExceptionInformation[1], 0x10);
    __try {
        Store(reinterpret_cast<int*>(0x20));
    } __except (Note(POINTERS)) {
    }
    CHECK_EQ(Seen.ExceptionInformation[0], 1);
    __try {
        volatile int One = 1, Zero = 0;
        Sink = Divide(&One, &Zero);
    } __except (Note(POINTERS)) {
    }
    CHECK_EQ(u32(Seen.ExceptionCode), u32(STATUS_INTEGER_DIVIDE_BY_ZERO));
    __try {
        Illegal();
    } __except (Note(POINTERS)) {
    }
    CHECK_EQ(u32(Seen.ExceptionCode), u32(STATUS_ILLEGAL_INSTRUCTION));
    __try {
        Breakpoint();
    } __except (Note(POINTERS)) {
    }
    CHECK_EQ(u32(Seen.ExceptionCode), u32(STATUS_BREAKPOINT));
    CHECK_EQ(*static_cast<u8*>(Seen.ExceptionAddress), 0xCC);
    __try {
        reinterpret_cast<void (*)()>(0x30)();
    } __except (Note(POINTERS)) {
    }
    CHECK_EQ(u32(Seen.ExceptionCode), u32(STATUS_ACCESS_VIOLATION));
    CHECK_EQ(Seen.ExceptionInformation[0], 8);
    __try {
        Sink = int(strlen(reinterpret_cast<char*>(0x40)));      // a fault inside ntdll
    } __except (Note(POINTERS)) {
    }
    CHECK_EQ(Seen.ExceptionInformation[1] & ~15ull, 0x40);

    // filters before finally blocks, inner before outer
    for (int Kind = 0; Kind < 2; ++Kind) {
        Steps = 0;
        NTSTATUS Code = Outer(Kind);
        CHECK_EQ(u32(Code), Kind ? u32(STATUS_ACCESS_VIOLATION) : u32(STATUS_UNSUCCESSFUL));
        const int Expected[] = { 1, 10, 2, 3, 4 };
        CHECK_EQ(Steps, 5);
        CHECK(!memcmp(Order, Expected, sizeof(Expected)));
    }

    __try {
        Continuable();
        CHECK(true);
    } __except (Resume(POINTERS)) {
        CHECK(!"not continued");
    }
    CHECK_EQ(Seen.ExceptionInformation[0], 77);

    Steps = 0;
    __try {
        FaultInFinally();
    } __except (Step(20), Note(POINTERS)) {
        Step(24);
    }
    {
        const int Expected[] = { 20, 21, 22, 23, 24 };
        CHECK_EQ(Steps, 5);
        CHECK(!memcmp(Order, Expected, sizeof(Expected)));
    }
    Steps = 0;
    __try {
        __try {
            RaiseInFinally();
        } __except (Seen = *POINTERS->ExceptionRecord, Seen.ExceptionCode == NTSTATUS(STATUS_UNSUCCESSFUL) ? EXCEPTION_EXECUTE_HANDLER : EXCEPTION_CONTINUE_SEARCH) {
            Step(32);
        }
    } __except (Note(POINTERS)) {
        Step(33);
    }
    CHECK_EQ(Order[0], 31);
    CHECK_EQ(Order[Steps - 1], 33);
    CHECK_EQ(u32(Seen.ExceptionCode), u32(STATUS_INVALID_PARAMETER));

    __try {
        Sink = Deep(40, nullptr);
    } __except (Note(POINTERS)) {
        CHECK(true);
    }

    // vectored handlers
    PVOID Handle = RtlAddVectoredExceptionHandler(1, FixRegister);
    PVOID ContinueHandle = RtlAddVectoredContinueHandler(1, CountContinue);
    double Kept = 0;
    CHECK_EQ(LoadWithRegisters(Kept), 0x1234);
    CHECK(Kept == 3.25);
    CHECK_EQ(Fixed, 1);
    CHECK_EQ(Continued, 1);
    CHECK_EQ(RtlRemoveVectoredExceptionHandler(Handle), 1);
    CHECK_EQ(RtlRemoveVectoredExceptionHandler(Handle), 0);
    CHECK_EQ(RtlRemoveVectoredContinueHandler(ContinueHandle), 1);

    // TEB frames
    TebFrame F {};
    CHECK_EQ(WithTebFrame(F), 0x77);
    CHECK_EQ(F.Calls, 1);
    auto* Before = Self()->NtTib.ExceptionList;
    Steps = 0;
    __try {
        LeavesTebFrame();
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Step(42);
    }
    CHECK(Self()->NtTib.ExceptionList == Before);
    CHECK_EQ(Order[0], 41);
    CHECK_EQ(Order[Steps - 1], 42);

    PVOID Trace[32];
    USHORT Frames = RtlCaptureStackBackTrace(0, 32, Trace, nullptr);
    CHECK(Frames >= 2 && Frames < 10);

    // many, so that nothing is left behind on the stack or in a list
    int Caught = 0;
    for (int I = 0; I < 2000; ++I) {
        __try {
            Touch(nullptr);
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            ++Caught;
        }
    }
    CHECK_EQ(Caught, 2000);
}
