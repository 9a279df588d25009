// Random calls of every service of ob and ex, from several threads of two processes: nothing may fault, assert or leak.
#include "abi/nt/lpc.hpp"
#include "tests/host/support/gtest.hpp"

#include <memory>
#include <random>

#include "tests/host/ex/double/system.hpp"

using fake::Client;

namespace {

using NowHandler = Status (*)(ke::Caller&, void*);
using WaitsHandler = ke::Task<> (*)(ke::Caller&, void*);
struct Service {
    NowHandler Now;
    WaitsHandler Waits;
};

#define NOW(Name) { [](ke::Caller& C, void* A) { return Nt##Name(C, *static_cast<svc::Name*>(A)); }, nullptr }
#define WAITS(Name) { nullptr, [](ke::Caller& C, void* A) { return Nt##Name(C, *static_cast<svc::Name*>(A)); } }
const Service Services[] = {
    WAITS(Close), WAITS(Close), NOW(DuplicateObject), WAITS(QueryObject), NOW(SetInformationObject), NOW(MakeTemporaryObject), NOW(MakePermanentObject),
    NOW(CompareObjects), NOW(CreateDirectoryObject), NOW(OpenDirectoryObject), NOW(QueryDirectoryObject), NOW(CreateSymbolicLinkObject),
    NOW(OpenSymbolicLinkObject), NOW(QuerySymbolicLinkObject), NOW(QuerySecurityObject), NOW(CreateEvent), NOW(OpenEvent), NOW(SetEvent),
    NOW(ResetEvent), NOW(ClearEvent), NOW(PulseEvent), NOW(QueryEvent), NOW(CreateMutant), NOW(OpenMutant), NOW(ReleaseMutant), NOW(QueryMutant),
    NOW(CreateSemaphore), NOW(OpenSemaphore), NOW(ReleaseSemaphore), NOW(QuerySemaphore), NOW(CreateTimer), NOW(OpenTimer), NOW(SetTimer),
    NOW(CancelTimer), NOW(QueryTimer), NOW(CreateKeyedEvent), NOW(OpenKeyedEvent), NOW(AddAtom), NOW(FindAtom), NOW(DeleteAtom),
    NOW(QueryInformationAtom), NOW(AllocateLocallyUniqueId), NOW(AllocateUuids), NOW(QuerySystemInformation), NOW(QuerySystemInformationEx),
    NOW(SetSystemInformation), NOW(DisplayString), NOW(SystemDebugControl), NOW(QueryDebugFilterState), NOW(SetDebugFilterState),
    NOW(PowerInformation), NOW(SetThreadExecutionState), NOW(QueryTimerResolution), NOW(SetTimerResolution), NOW(SetDefaultLocale),
    WAITS(WaitForSingleObject), WAITS(WaitForSingleObject), WAITS(WaitForMultipleObjects), WAITS(WaitForMultipleObjects),
    WAITS(SignalAndWaitForSingleObject), WAITS(DelayExecution), WAITS(WaitForKeyedEvent), WAITS(ReleaseKeyedEvent), WAITS(RaiseHardError),
    NOW(CreatePort), NOW(AcceptConnectPort), NOW(CompleteConnectPort), NOW(RequestPort), NOW(ReplyPort), NOW(RegisterThreadTerminatePort),
    WAITS(ConnectPort), WAITS(ListenPort), WAITS(RequestWaitReplyPort), WAITS(ReplyWaitReceivePort),
};

struct Fuzz : testing::Test {
    std::mt19937_64 Random { 7 };
    std::vector<std::unique_ptr<Client>> Threads;

    u64 Pick(std::initializer_list<u64> From) { return From.begin()[Random() % From.size()]; }

    // Client memory filled with things services look for: names, attributes, timeouts, lists of handles.
    void Furnish(Client& C)
    {
        static const wchar_t* Names[] = { L"\\BaseNamedObjects\\a", L"\\BaseNamedObjects\\b", L"\\p", L"\\??\\l", L"\\??\\l\\a", L"\\BaseNamedObjects\\d",
                                          L"\\BaseNamedObjects\\d\\x", L"a", L"", L"\\", L"\\BaseNamedObjects\\\\a", L"\\ObjectTypes\\Event" };
        C.Forget();
        Interesting.clear();
        for (const wchar_t* N : Names) {
            Interesting.push_back(C.PutString(N));
            Interesting.push_back(C.PutAttributes(N, u32(Random()) & (OBJ_OPENIF | OBJ_CASE_INSENSITIVE | OBJ_INHERIT)));
            Interesting.push_back(C.PutAttributes(N, 0, HANDLE(Random() % 64 * 4)));
        }
        Interesting.push_back(C.Put(i64(-50)));
        Interesting.push_back(C.Put(i64(0)));
        u64 List = C.Room(8 * 64);
        for (u32 I = 0; I < 64; ++I)
            C.At<u64>(List + 8 * I) = Random() % 64 * 4;
        Interesting.push_back(List);
        for (SHORT Type : { LPC_REQUEST, LPC_DATAGRAM })
            Interesting.push_back(C.Put(PORT_MESSAGE { 16, 56, Type, 0, { HANDLE(C.Process().Id()), HANDLE(C.Thread().Id()) }, ULONG(Random() % 200), {} }));
        Interesting.push_back(C.Room(1024));
        Interesting.push_back(C.Room(1024));
        Interesting.push_back(C.Room(1024));
    }
    std::vector<u64> Interesting;

    u64 Argument()
    {
        switch (Random() % 12) {
        case 0: return Random();
        case 1: return Random() % 256;
        case 2: return 0;
        case 3: return Pick({ ~u64(0), ~u64(1), 0xFFFFFFFF, 0x80000000, 0x7FFFFFFF, GENERIC_ALL, MAXIMUM_ALLOWED, 0x10, ps::MemoryBase + ps::MemorySize - 4 });
        case 4: case 5: case 6: return Random() % 40 * 4;
        case 7: return Random() % 5;
        default: return Interesting[Random() % Interesting.size()];
        }
    }
};

TEST_F(Fuzz, RandomCalls)
{
    fake::HasPrivileges = false;
    for (int P = 0; P < 2; ++P) {
        Threads.push_back(std::make_unique<Client>());
        for (int T = 0; T < 2; ++T)
            Threads.push_back(std::make_unique<Client>(*Threads[Threads.size() - 1 - T]));
    }
    Furnish(*Threads[0]);
    Furnish(*Threads[3]);
    u64 Waited = 0, Succeeded = 0;
    for (int I = 0; I < 200000; ++I) {
        Client& C = *Threads[Random() % Threads.size()];
        if (Random() % 64 == 0)
            fake::AdvanceClock(Random() % 200);
        if (Random() % 3000 == 0)
            Furnish(C);
        if (Random() % 4000 == 0)
            C.Process().Handles().CloseAll();
        if (C.IsBlocked()) {
            C.Reply();
            if (C.IsBlocked() && Random() % 20 == 0) {
                if (Random() % 2)
                    C.Thread().CurrentWait() ? C.Thread().CurrentWait()->End(STATUS_USER_APC) : void();
                else
                    C.Thread().Cancel();
            }
            continue;
        }
        const Service& S = Services[Random() % std::size(Services)];
        u64* Arguments = C.Thread().Arguments;
        for (u32 A = 0; A < ke::Caller::MaximumArguments; ++A)
            Arguments[A] = Argument();
        Status Outcome;
        if (S.Now) {
            Outcome = S.Now(C.Thread(), Arguments);
        } else {
            C.Thread().HasReply = false;
            if (!C.Thread().Activity::Start([&] { return S.Waits(C.Thread(), Arguments); }, Outcome)) {
                ++Waited;
                continue;
            }
        }
        Succeeded += Outcome.Ok();
        while (ps::UserApc* Apc = C.Thread().Apcs.PopFront())
            (void)Apc;
    }
    EXPECT_GT(Waited, 100u);
    EXPECT_GT(Succeeded, 5000u);
    Threads.clear();
    fake::HasPrivileges = true;
    EXPECT_EQ(ex::Event::Type.Handles, 0u);
    EXPECT_EQ(ex::Event::Type.Objects, 0u);
}

}
