// File systems on demand: when a volume is looked at that no file system in memory knows, those that the registry names are started, as NT's recognizer does.
// They are the services of the type SERVICE_FILE_SYSTEM_DRIVER, not disabled, of the groups "Boot File System" and "File System".
#include <string.h>

#include "ntos/cm/key.hpp"
#include "ntos/ex/log.hpp"
#include "ntos/io/fs/fs.hpp"

namespace io::fs {

using namespace nt;
using driver::Driver;

namespace {

constexpr ob::Name Services = L"\\Registry\\Machine\\System\\CurrentControlSet\\Services";
constexpr u32 RegSz = 1, FileSystemDriver = 2, Disabled = 4;
constexpr u64 Patience = 30 * 10'000'000ull;

bool IsInGroup(cm::Node& Of, ob::Name Group)
{
    const cm::Value* V = Of.FindValue(L"Group");
    if (!V || V->Type != RegSz || V->Data.Size() < Group.Length * 2)
        return false;
    for (usize I = 0; I < V->Data.Size() / 2; ++I) {
        wchar_t C;
        memcpy(&C, &V->Data[I * 2], 2);
        if (I >= Group.Length)
            return !C;
        if (ob::UpCase(C) != ob::UpCase(Group.Data[I]))
            return false;
    }
    return true;
}

// Those that are being started now or have been by this. One whose process has ended is started again by its own clock, and waited for, too.
Status StartWanted(Vector<Ref<Driver>>& Starting)
{
    TRY(CopyReturning(Starting));
    Ref<cm::Node> Keys = TRY(cm::OpenNode(Services, false));
    for (usize I = 0; I < Keys->ChildCount(); ++I) {
        cm::Node& N = *Keys->Child(I);
        if (N.Number(L"Type", 0) != FileSystemDriver || N.Number(L"Start", Disabled) >= Disabled)
            continue;
        if (!IsInGroup(N, L"Boot File System") && !IsInGroup(N, L"File System"))
            continue;
        ob::String Path = TRY(ob::String::Copy(Services));
        TRY(Path.Append(L"\\"));
        TRY(Path.Append(N.Name()));
        auto D = driver::FindOrMakeDriver(Path);
        if (!D.Ok())
            continue;
        if (D.Value()->Now() == Driver::State::Stopped && !D.Value()->HasDied() && !D.Value()->WasUnloaded())
            if (Status S = D.Value()->StartProcess(); !S.Ok())
                ex::Log("driver %S: cannot be started: 0x%x\n", N.Name(), u32(S.Code()));
        if (D.Value()->Now() != Driver::State::Running && D.Value()->StartsAgain())
            TRY(Starting.Push(D.Take()));
    }
    return STATUS_SUCCESS;
}

}

ke::Task<> Volume::Recognize(Ref<Volume> V)
{
    Vector<Ref<Driver>> Starting;
    if (V->Lost_) {                     // whether it is started again is known when its end is over
        ke::Event Never { ke::Event::Notification, false };
        (void)co_await ke::WaitFor(Never, false, ke::Deadline { ke::InterruptTime() + 100'000 });
    }
    StartWanted(Starting).Ignore();           // without memory: those there are
    ke::Deadline Until { ke::InterruptTime() + Patience };
    for (Ref<Driver>& D : Starting)
        while (D->Now() != Driver::State::Running && D->StartsAgain() && !Until.HasPassed()) {
            // Stopped: until its pause is over.
            ke::Event Never { ke::Event::Notification, false };
            bool Starts = D->Now() == Driver::State::Starting;
            (void)co_await ke::WaitFor(Starts ? D->Changed : Never, false, Starts ? Until : ke::Deadline { ke::InterruptTime() + 100'000 });
        }
    V->Recognized();
    co_return STATUS_SUCCESS;
}

}
