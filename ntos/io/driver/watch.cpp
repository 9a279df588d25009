#include "ntos/io/driver/watch.hpp"

#include <string.h>

#include "abi/services.hpp"
#include "ntos/cm/key.hpp"
#include "ntos/ke/dispatch.hpp"
#include "ntos/mm/absent.hpp"
#include "ntos/ob/detail.hpp"
#include "ntos/ps/detail.hpp"

namespace io::driver {

using namespace nt;
using abi::Service;

namespace {

constexpr NTSTATUS CallbackBypass = NTSTATUS(0xC0000503);        // STATUS_CALLBACK_BYPASS
constexpr u32 MostWatchers = 8, MostData = 64 * 1024;
constinit Channel* Watchers[MostWatchers];
u32 All;                                // what anybody watches

// One service: what is told of it, and to whom.
struct Watching final : public RefCounted<Watching> {
    wd::Watched About {};
    Vector<u8> Rest;                    // behind it
    ke::Event Answered { ke::Event::Notification, false };
    Status Outcome;
    u64 Cookie = 0;
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
};

class WatchIrp final : public Irp {
public:
    WatchIrp(ke::Caller& By, Ref<Watching> Of, bool After, u64 Cookie) : Of_(std::move(Of))
    {
        M.What = wd::Kind::Watched;
        M.Process = By.Process().Id();
        M.Thread = By.Thread().Id();
        M.Parameters[0] = After;
        M.Parameters[1] = Cookie;
        About_ = Of_->About;
        M.InputBytes = DataBytes = u32(sizeof(About_) + Of_->Rest.Size());
    }
    Status CopyIn(Channel& In) override
    {
        TRY(In.WriteData(*this, 0, &About_, sizeof(About_)));
        return Of_->Rest.IsEmpty() ? Status(STATUS_SUCCESS) : In.WriteData(*this, sizeof(About_), Of_->Rest.Data(), u32(Of_->Rest.Size()));
    }
    void Done(Channel& In, Status Outcome, u64 Information, u64, bool Sent) override
    {
        // Only what may come back does.
        if (Sent && In.ReadData(*this, 0, &About_, sizeof(About_)).Ok()) {
            Of_->About.Wanted &= About_.Wanted;
            if (M.Parameters[0])
                Of_->About.Status = About_.Status;
        }
        Of_->Outcome = Sent ? Outcome : Status(STATUS_SUCCESS);
        Of_->Cookie = Information;
        Of_->Answered.Set();
    }

private:
    Ref<Watching> Of_;
    wd::Watched About_;
};

bool Submit(Channel& To, ke::Caller& By, Ref<Watching> Of, bool After, u64 Cookie)
{
    auto* I = new WatchIrp(By, std::move(Of), After, Cookie);
    if (I)
        To.Submit(*I);
    return I;
}

// Whom the service has been told of and who has not heard of its end. Destroyed with them if the client ends in between.
struct Told {
    struct One {
        RefPtr<Channel> To;
        u64 Cookie;
    };
    explicit Told(ke::Caller& C) : By(C) { }
    ~Told()
    {
        while (Count)
            if (One& O = Who[--Count]; !O.To->IsDead()) {
                Of->About.Status = u32(STATUS_CANCELLED);
                Submit(*O.To, By, Ref<Watching>(*Of), true, O.Cookie);
            }
    }
    ke::Caller& By;
    RefPtr<Watching> Of;
    One Who[MostWatchers];
    u32 Count = 0;
};

Status Append(Watching& W, const void* From, usize Bytes)
{
    usize At = W.Rest.Size();
    TRY(W.Rest.Resize(At + Bytes));
    memcpy(W.Rest.Data() + At, From, Bytes);
    return STATUS_SUCCESS;
}

Status AppendName(Watching& W, ob::Name N, u32& Bytes)
{
    Bytes = u32(N.Length * 2);
    return Append(W, N.Data, Bytes);
}

Status AppendData(ke::Caller& By, Watching& W, ke::UserBuffer From, u32 Length)
{
    W.About.DataBytes = Length < MostData ? Length : MostData;
    usize At = W.Rest.Size();
    TRY(W.Rest.Resize(At + W.About.DataBytes));
    return W.About.DataBytes ? From.Read(By, W.Rest.Data() + At, W.About.DataBytes) : Status(STATUS_SUCCESS);
}

Status OfKey(ke::Caller& By, Watching& W, HANDLE Handle, u32 Class)
{
    Ref<cm::Key> K = TRY(ob::Reference<cm::Key>(By, Handle, 0));
    W.About.Sort = wd::watch::Keys;
    W.About.What = Class;
    W.About.Object = reinterpret_cast<u64>(K.Get());
    ob::String Name = TRY(K->QueryName());
    return AppendName(W, Name, W.About.NameBytes);
}

Status OfOpen(ke::Caller& By, Watching& W, ke::UserPtr<OBJECT_ATTRIBUTES> Given, u32 Access, u32 Options, ke::UserPtr<UNICODE_STRING> Class, u32 What)
{
    ob::Attributes A = TRY(ob::Capture(By, Given));
    W.About.Sort = wd::watch::Keys;
    W.About.What = What;
    W.About.Original = W.About.Wanted = Access;
    W.About.Options = Options;
    if (A.Root && &A.Root->GetType() == &cm::Key::Type) {
        W.About.Object = reinterpret_cast<u64>(A.Root.Get());
        ob::String Name = TRY(A.Root->QueryName());
        TRY(AppendName(W, Name, W.About.NameBytes));
    }
    TRY(AppendName(W, A.Path, W.About.SecondBytes));
    if (Class) {
        ob::String Text = TRY(ob::CaptureString(By, Class));
        TRY(AppendName(W, Text, W.About.ClassBytes));
    }
    return STATUS_SUCCESS;
}

Status WithName(ke::Caller& By, Watching& W, HANDLE Handle, ke::UserPtr<UNICODE_STRING> Second, u32 Class)
{
    TRY(OfKey(By, W, Handle, Class));
    ob::String Text = Second ? TRY(ob::CaptureString(By, Second)) : ob::String();
    return AppendName(W, Text, W.About.SecondBytes);
}

void Access(Watching& W, const ob::TypeInfo& Type, u32 Desired)
{
    ACCESS_MASK Mapped = ob::MapAccess(Type, Desired);
    W.About.Original = W.About.Wanted = Mapped & MAXIMUM_ALLOWED ? Type.ValidAccess : Mapped;
}

Status OfObject(Watching& W, ob::Object& O)
{
    if (&O.GetType() == &ps::Process::Type) {
        W.About.Sort = wd::watch::Processes;
        W.About.Object = static_cast<ps::Process&>(O).Id();
    } else if (&O.GetType() == &ps::Thread::Type) {
        W.About.Sort = wd::watch::Threads;
        W.About.Object = static_cast<ps::Thread&>(O).Id();
    } else {
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    return STATUS_SUCCESS;
}

Status OfDuplicate(ke::Caller& By, Watching& W, svc::DuplicateObject& C)
{
    if (!C.TargetProcessHandle.Raw())
        return STATUS_INVALID_PARAMETER;
    Ref<ps::Process> Source = TRY(ob::Reference<ps::Process>(By, C.SourceProcessHandle, PROCESS_DUP_HANDLE));
    Ref<ps::Process> Target = TRY(ob::Reference<ps::Process>(By, C.TargetProcessHandle, PROCESS_DUP_HANDLE));
    RefPtr<ob::Object> O;
    ACCESS_MASK Had;
    if (ob::HandleEntry* E = Source->Handles().Find(C.SourceHandle)) {
        O = RefPtr<ob::Object>(E->Target);
        Had = E->Access;
    } else {
        auto R = TRY(ob::ReferenceAny(By, C.SourceHandle, 0));
        O = std::move(R.Target);
        Had = R.Granted;
    }
    TRY(OfObject(W, *O));
    W.About.What = wd::watch::Duplicate;
    W.About.Source = Source->Id();
    W.About.Target = Target->Id();
    if (C.Options & DUPLICATE_SAME_ACCESS)
        W.About.Original = W.About.Wanted = Had;
    else
        Access(W, O->GetType(), C.DesiredAccess);
    return STATUS_SUCCESS;
}

// What is to be told of the service. A failure: it is not told of, as the service fails, too.
Status Fill(ke::Caller& By, Service Number, Watching& W)
{
    wd::Watched& A = W.About;
    A = {};
    W.Rest.Clear();
    switch (Number) {
    case Service::OpenProcess:
    case Service::OpenThread: {
        auto& C = *reinterpret_cast<svc::OpenProcess*>(By.Arguments);
        CLIENT_ID Id = TRY(C.ClientId.Read(By));
        bool IsThread = Number == Service::OpenThread;
        A.Sort = IsThread ? wd::watch::Threads : wd::watch::Processes;
        A.What = wd::watch::Create;
        A.Object = reinterpret_cast<u64>(IsThread ? Id.UniqueThread : Id.UniqueProcess);
        Access(W, IsThread ? ps::Thread::Type : ps::Process::Type, C.DesiredAccess);
        return STATUS_SUCCESS;
    }
    case Service::DuplicateObject: return OfDuplicate(By, W, *reinterpret_cast<svc::DuplicateObject*>(By.Arguments));
    case Service::DeleteKey: return OfKey(By, W, reinterpret_cast<svc::DeleteKey*>(By.Arguments)->KeyHandle, 0);
    case Service::SetValueKey: {
        auto& C = *reinterpret_cast<svc::SetValueKey*>(By.Arguments);
        TRY(WithName(By, W, C.KeyHandle, C.ValueName, 1));
        A.Index = C.TitleIndex;
        A.Type = C.Type;
        A.Length = C.DataSize;
        return AppendData(By, W, C.Data, C.DataSize);
    }
    case Service::DeleteValueKey: {
        auto& C = *reinterpret_cast<svc::DeleteValueKey*>(By.Arguments);
        return WithName(By, W, C.KeyHandle, C.ValueName, 2);
    }
    case Service::SetInformationKey: {
        auto& C = *reinterpret_cast<svc::SetInformationKey*>(By.Arguments);
        TRY(OfKey(By, W, C.KeyHandle, 3));
        A.Class = C.KeySetInformationClass;
        A.Length = C.Length;
        return AppendData(By, W, C.KeySetInformation, C.Length);
    }
    case Service::RenameKey: {
        auto& C = *reinterpret_cast<svc::RenameKey*>(By.Arguments);
        return WithName(By, W, C.KeyHandle, C.NewName, 4);
    }
    case Service::EnumerateKey:
    case Service::EnumerateValueKey: {
        auto& C = *reinterpret_cast<svc::EnumerateKey*>(By.Arguments);
        TRY(OfKey(By, W, C.KeyHandle, Number == Service::EnumerateKey ? 5 : 6));
        A.Index = C.Index;
        A.Class = C.KeyInformationClass;
        A.Length = C.Length;
        return STATUS_SUCCESS;
    }
    case Service::QueryKey: {
        auto& C = *reinterpret_cast<svc::QueryKey*>(By.Arguments);
        TRY(OfKey(By, W, C.KeyHandle, 7));
        A.Class = C.KeyInformationClass;
        A.Length = C.Length;
        return STATUS_SUCCESS;
    }
    case Service::QueryValueKey: {
        auto& C = *reinterpret_cast<svc::QueryValueKey*>(By.Arguments);
        TRY(WithName(By, W, C.KeyHandle, C.ValueName, 8));
        A.Class = C.KeyValueInformationClass;
        A.Length = C.Length;
        return STATUS_SUCCESS;
    }
    case Service::Close: return OfKey(By, W, reinterpret_cast<svc::Close*>(By.Arguments)->Handle, 14);
    case Service::CreateKey: {
        auto& C = *reinterpret_cast<svc::CreateKey*>(By.Arguments);
        return OfOpen(By, W, C.ObjectAttributes, C.DesiredAccess, C.CreateOptions, C.Class, 26);
    }
    case Service::OpenKey:
    case Service::OpenKeyEx: {
        auto& C = *reinterpret_cast<svc::OpenKeyEx*>(By.Arguments);
        return OfOpen(By, W, C.ObjectAttributes, C.DesiredAccess, Number == Service::OpenKeyEx ? C.OpenOptions.Get() : 0, {}, 28);
    }
    case Service::FlushKey: return OfKey(By, W, reinterpret_cast<svc::FlushKey*>(By.Arguments)->KeyHandle, 30);
    default: return STATUS_NOT_SUPPORTED;
    }
}

// Access that was taken away.
void Restrict(ke::Caller& By, Service Number, const wd::Watched& A)
{
    if (A.Sort == wd::watch::Keys || A.Wanted == A.Original)
        return;
    if (Number == Service::DuplicateObject) {
        By.Arguments[4] = A.Wanted;
        By.Arguments[6] &= ~u64(DUPLICATE_SAME_ACCESS);
    } else {
        By.Arguments[1] = A.Wanted;
    }
}

bool MakesKey(Service Number) { return Number == Service::CreateKey || Number == Service::OpenKey || Number == Service::OpenKeyEx; }

// The handle a service has made, 0.
HANDLE Made(ke::Caller& By, Service Number)
{
    u64 At = Number == Service::DuplicateObject ? By.Arguments[3] : By.Arguments[0];
    auto H = ke::UserPtr<HANDLE>::At(At).Read(By);
    return At && H.Ok() ? H.Value() : nullptr;
}

// What came out of it, for those who hear of the end.
void FillOutcome(ke::Caller& By, Service Number, wd::Watched& A, Status Outcome)
{
    A.Status = u32(Outcome.Code());
    bool MakesHandle = MakesKey(Number) || A.Sort != wd::watch::Keys;
    if (!Outcome.Ok() || !MakesHandle)
        return;
    HANDLE H = Made(By, Number);
    if (A.Sort != wd::watch::Keys && A.What == wd::watch::Duplicate && A.Target != By.Process().Id()) {
        A.Granted = A.Wanted;
        return;
    }
    if (ob::HandleEntry* E = By.Process().Handles().Find(H)) {
        A.Granted = E->Access;
        if (MakesKey(Number))
            A.Made = reinterpret_cast<u64>(E->Target);
    }
    if (Number == Service::CreateKey && By.Arguments[6])
        if (auto D = ke::UserPtr<ULONG>::At(By.Arguments[6]).Read(By); D.Ok())
            A.Disposition = D.Value();
}

class Watch final : public ke::ServiceWatch {
public:
    bool Wants(u32 Number, ke::Caller& By) override
    {
        u32 Sorts;
        switch (Service(Number)) {
        case Service::OpenProcess: Sorts = wd::watch::Processes; break;
        case Service::OpenThread: Sorts = wd::watch::Threads; break;
        case Service::DuplicateObject: Sorts = wd::watch::Processes | wd::watch::Threads; break;
        case Service::Close: {
            if (!(All & wd::watch::Keys))
                return false;
            ob::HandleEntry* E = By.Process().Handles().Find(reinterpret_cast<HANDLE>(By.Arguments[0]));
            if (!E || &E->Target->GetType() != &cm::Key::Type)
                return false;
            Sorts = wd::watch::Keys;
            break;
        }
        case Service::DeleteKey:
        case Service::SetValueKey:
        case Service::DeleteValueKey:
        case Service::SetInformationKey:
        case Service::RenameKey:
        case Service::EnumerateKey:
        case Service::EnumerateValueKey:
        case Service::QueryKey:
        case Service::QueryValueKey:
        case Service::CreateKey:
        case Service::OpenKey:
        case Service::OpenKeyEx:
        case Service::FlushKey: Sorts = wd::watch::Keys; break;
        default: return false;
        }
        if (!(All & Sorts))
            return false;
        for (Channel* C : Watchers)
            if (C && C->Watches & Sorts && C != By.Process().Driver)
                return true;
        return false;
    }

    ke::Task<> Around(ke::Caller& By, u32 Number, const ke::ServiceInfo& Info) override
    {
        auto What = Service(Number);
        auto* New = new Watching;
        if (!New)
            co_return STATUS_INSUFFICIENT_RESOURCES;
        Ref<Watching> W = Ref<Watching>::Adopt(*New);
        for (;;) {
            Status Known = Fill(By, What, *W);
            if (Known.Ok())
                break;
            if (!(By.Attention & ke::Caller::PageMissing))
                co_return co_await ke::RunService(By, Info);
            Status There = co_await mm::WaitForMissing(By);
            mm::ForgetAbsence(By);
            if (!There.Ok())
                co_return co_await ke::RunService(By, Info);
        }
        Told To(By);
        To.Of = RefPtr<Watching>(W.Get());
        RefPtr<Channel> Whom[MostWatchers];
        for (u32 I = 0; I < MostWatchers; ++I)
            if (Watchers[I] && Watchers[I]->Watches & W->About.Sort && Watchers[I] != By.Process().Driver)
                Whom[I] = RefPtr<Channel>(Watchers[I]);
        Status Outcome;
        bool Refused = false;
        for (RefPtr<Channel>& C : Whom) {
            if (!C || Refused)
                continue;
            W->Answered.Reset();
            if (!Submit(*C, By, W, false, 0)) {
                Outcome = STATUS_INSUFFICIENT_RESOURCES;
                Refused = true;
                break;
            }
            (void)(co_await ke::WaitFor(W->Answered)).Code();
            Refused = !W->Outcome.Ok();
            if (!Refused)
                To.Who[To.Count++] = { C, W->Cookie };
            else
                Outcome = W->Outcome == CallbackBypass ? Status(STATUS_SUCCESS) : W->Outcome;
        }
        if (!Refused) {
            Restrict(By, What, W->About);
            Outcome = co_await ke::RunService(By, Info);
        }
        FillOutcome(By, What, W->About, Outcome);
        Status Was = Outcome;
        while (To.Count) {
            Told::One O = std::move(To.Who[--To.Count]);
            W->Answered.Reset();
            if (O.To->IsDead() || !Submit(*O.To, By, W, true, O.Cookie))
                continue;
            (void)(co_await ke::WaitFor(W->Answered)).Code();
            if (W->About.Sort == wd::watch::Keys)
                Outcome = Status(NTSTATUS(W->About.Status));
        }
        // Refused afterwards: what has been opened is closed again.
        if (Was.Ok() && !Outcome.Ok() && MakesKey(What))
            By.Process().Handles().Close(Made(By, What)).Ignore();
        co_return Outcome;
    }
};

constinit Watch TheWatch;

}

Status SetWatch(Channel& By, u32 What)
{
    Channel** Free = nullptr;
    Channel** Mine = nullptr;
    for (Channel*& C : Watchers) {
        if (C == &By)
            Mine = &C;
        else if (!C && !Free)
            Free = &C;
    }
    if (What && !Mine && !Free)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (What && !Mine)
        *Free = &By;
    if (!What && Mine)
        *Mine = nullptr;
    By.Watches = What;
    All = 0;
    for (Channel* C : Watchers)
        All |= C ? C->Watches : 0;
    ke::Watching = All ? &TheWatch : nullptr;
    return STATUS_SUCCESS;
}

}
