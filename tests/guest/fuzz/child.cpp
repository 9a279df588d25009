// fuzzchild.exe: the hostile caller. Several threads call services and do worse, while another rewrites the memory they use.
#include "tests/guest/fuzz/child.hpp"

namespace fuzz {

Anchor Anchors[HostileThreads];
static Shared* The;
static u64 ThreadTebs[HostileThreads];
static volatile u32 Live;

u32 SelfIndex()
{
    u64 Teb = __builtin_ia32_rdgsbase64();
    for (u32 I = 0; I < HostileThreads; ++I)
        if (ThreadTebs[I] == Teb)
            return I;
    return HostileThreads;
}

// Any exception of a hostile thread takes it back to its loop; one that comes back too often has lost its memory.
static LONG NTAPI Land(EXCEPTION_POINTERS* Why)
{
    u32 I = SelfIndex();
    if (I == HostileThreads || !Anchors[I].Set || Anchors[I].Landings >= 4)
        NtTerminateProcess(Self(), STATUS_UNHANDLED_EXCEPTION);
    Anchors[I].Landings = Anchors[I].Landings + 1;
    memcpy(Why->ContextRecord, &Anchors[I].At, sizeof(CONTEXT));
    return -1;
}

static void Tell(u32 Thread, u32 Number, const Service& S, const u64* Arguments)
{
    DbgPrint("fuzz %u.%u.%u Nt%s %I64x %I64x %I64x %I64x %I64x %I64x\n", The->Run, Thread, Number, S.Name, Arguments[0], Arguments[1], Arguments[2], Arguments[3],
             Arguments[4], Arguments[5]);
}

static void CallService(Random& R, u32 Thread, u32 Number)
{
    u32 Which = R.Below(ServiceCount);
    if (IsDeadly(Which) && !R.Percent(12))
        Which = R.Below(ServiceCount);
    if (The->OnlyService)
        Which = The->OnlyService - 1;
    const Service& S = TheServices()[Which];
    u64 Arguments[20] = {};
    for (u32 I = 0; I < S.Count; ++I)
        Arguments[I] = AnyArgument(R, S, I);
    // The argument array, sometimes, at the end of a page or nowhere.
    u64 Array = reinterpret_cast<u64>(Arguments);
    if (R.Percent(3))
        Array = AnyAddress(R, sizeof(Arguments), 80);
    if (The->Trace)
        Tell(Thread, Number, S, Arguments);
    RawCall({ u64(-1), 1, u64(Which) << 12 | 4, { Arguments[0], Arguments[1], Arguments[2], S.Count > 4 ? Array : Arguments[3] } });
}

static void Loop(u32 Thread)
{
    ThreadTebs[Thread] = __builtin_ia32_rdgsbase64();
    Anchor& A = Anchors[Thread];
    RtlCaptureContext(&A.At);
    A.Set = true;
    // What is needed after a landing comes out of memory: the registers are those of the capture.
    volatile u32* Done = &The->Done[Thread];
    while (*Done < The->Quota) {
        u32 Number = *Done;
        *Done = Number + 1;
        Random R(Mix(Mix(The->Seed, The->Run), u64(Thread) << 32 | Number));
        u32 Way = R.Below(100);
        if (Way < 12)
            Refresh(R, Kind(R.Below(KindCount)), R.Below(SlotsPerKind));
        if (Way == 99 && !The->OnlyService) {
            if (The->Trace)
                DbgPrint("fuzz %u.%u.%u below the stubs\n", The->Run, Thread, Number);
            Hostility(R);
        } else {
            CallService(R, Thread, Number);
        }
        A.Landings = 0;
    }
    __atomic_sub_fetch(&Live, 1, __ATOMIC_SEQ_CST);
    RtlExitUserThread(0);
}

static ULONG NTAPI Hostile(PVOID Argument)
{
    Loop(u32(u64(Argument)));
    return 0;
}

// Changes the structures that others are just passing, and wakes those that wait.
static ULONG NTAPI Change(PVOID)
{
    Random R(Mix(The->Seed, ~u64(The->Run)));
    while (Live) {
        for (u32 I = 0; I < 200; ++I)
            reinterpret_cast<volatile u64*>(Memory.Good)[R.Below(GoodBytes / 8)] = R.Percent(50) ? AnyNumber(R) : AnyAddress(R, 64, 30);
        Sleep(1);
    }
    return 0;
}

}

using namespace fuzz;

extern "C" void NtProcessStartup(PEB*)
{
    The = MapShared();
    if (!The || !MakeMemory())
        RtlExitUserProcess(2);
    memset(Memory.Code, 0xC3, PageSize);
    Random R(Mix(The->Seed, The->Run));
    for (u32 K = 0; K < KindCount; ++K)
        for (u32 Slot = 0; Slot < SlotsPerKind; ++Slot)
            Refresh(R, Kind(K), Slot);
    RtlAddVectoredExceptionHandler(1, Land);
    Live = HostileThreads;
    HANDLE Threads[HostileThreads + 1];
    for (u32 I = 0; I < HostileThreads; ++I)
        RtlCreateUserThread(Self(), nullptr, 0, 0, 0, 0, reinterpret_cast<PVOID>(Hostile), reinterpret_cast<PVOID>(u64(I)), &Threads[I], nullptr);
    Change(nullptr);
    RtlExitUserProcess(0);
}
