// A volume whose file system's process has ended, and the process started in its place (docs/file-systems.md, "Death").
//
// Order: the disk is mounted again, and must be the same volume. Files that are closed, but whose dirty pages are still to be written, are opened, given their size and closed again. Then the
// open ones are opened, in the order in which they were; the sizes are told, so that paging goes on; then what a file system keeps for each open: times, locks, the place in a listing, that it is to be
// deleted; then what was closed meanwhile is closed. Only then the requests that waited go on. If that process ends, too, all of it begins anew with the next.
#include <string.h>

#include "ntos/ex/log.hpp"
#include "ntos/io/fs/ask.hpp"

namespace io::fs {

using namespace nt;
using driver::Channel;
using driver::Driver;
using driver::DriverDevice;
using driver::Irp;

namespace mj = driver::mj;

namespace {

constexpr u64 Millisecond = 10'000;
constexpr u8 RestartScan = 1, SingleEntry = 2;
constexpr ACCESS_MASK Writing = FILE_WRITE_DATA | FILE_APPEND_DATA;

ke::Task<> Pause()
{
    ke::Event Never { ke::Event::Notification, false };
    (void)co_await ke::WaitFor(Never, false, ke::Deadline { ke::InterruptTime() + 10 * Millisecond });
    co_return STATUS_SUCCESS;
}

}

struct Recovery {
    using Files = Vector<Ref<FsFile>>;

    static bool IsDead(Volume& V) { return !V.To || V.To->IsGone(); }

    static ke::Task<> Run(Ref<Volume> V, Ref<Driver> By)
    {
        u64 Until = ke::InterruptTime() + Patience;
        for (;;) {
            while (By->Now() != Driver::State::Running || !By->In()) {
                if (!By->StartsAgain() || ke::InterruptTime() > Until) {
                    GiveUp(*V, STATUS_DEVICE_REMOVED);
                    co_return STATUS_SUCCESS;
                }
                (void)co_await Pause();
            }
            // What the last one had sent to the disk is not to come after what this one sends.
            while (driver::HasOrphans() && ke::InterruptTime() < Until)
                (void)co_await Pause();
            V->To.Reset();
            Status S = co_await Remount(V, By);
            if (S.Ok() && !IsDead(*V)) {
                Resume(*V);
                co_return STATUS_SUCCESS;
            }
            if (V->To ? IsDead(*V) : By->Now() != Driver::State::Running)
                continue;               // it has ended, too
            GiveUp(*V, S.Ok() ? Status(STATUS_DEVICE_REMOVED) : S);
            co_return STATUS_SUCCESS;
        }
    }

    static void GiveUp(Volume& V, Status Why)
    {
        Ref<Volume> Keep(V);
        auto Name = (V.Place_ && V.Place_->Now() ? *V.Place_->Now() : V.On()).QueryName();
        ex::Log("io: %S does not come back: 0x%x\n", Name.Ok() ? Name.Value().View() : ob::Name(L"a volume"), u32(Why.Code()));
        V.State_ = Volume::State::Gone;
        V.Recovering_ = false;
        Files All;
        Collect(V, All).Ignore();
        for (Ref<FsFile>& F : All) {
            F->FsCookie_ = 0;
            F->CleanupDone_.Set();
            if (F->Stream_ && F->Stream_->IsAway())
                F->Stream_->End();
        }
        V.Closing_.Clear();
        V.Back.Set();
        V.Forget();
        for (usize Count = V.Waiting_.Count(); Count; --Count)
            if (Request* R = V.Waiting_.PopFront())
                Lose(V, *R);
    }

    // Who waits to open something by its whole name mounts anew.
    static void Lose(Volume& V, Request& R)
    {
        auto& F = static_cast<FsFile&>(*R.Target);
        if (R.What != Operation::Create || F.Start_) {
            F.Continue(R, STATUS_DEVICE_REMOVED);
            return;
        }
        --V.Files;
        F.Volume_.Reset();
        if (Status S = F.Start(R); !(S == STATUS_PENDING))
            R.Complete(S, 0);
    }

    static void Resume(Volume& V)
    {
        Ref<Volume> Keep(V);
        V.State_ = Volume::State::Mounted;
        V.Recovering_ = false;
        auto Name = (V.Place_ && V.Place_->Now() ? *V.Place_->Now() : V.On()).QueryName();
        ex::Log("io: %S is mounted again by %S\n", Name.Ok() ? Name.Value().View() : ob::Name(L"a volume"), V.To->In().Of().Name());
        V.Back.Set();
        Vector<Ref<FsFile>> Closed = std::move(V.Closing_);
        for (usize Count = V.Waiting_.Count(); Count && !V.IsAway(); --Count) {
            Request* R = V.Waiting_.PopFront();
            if (!R)
                return;
            if (R->What == Operation::NotifyChange)
                if (auto* K = static_cast<FsFile&>(*R->Target).Kept_.Get())
                    K->MissedChanges = false;
            static_cast<FsFile&>(*R->Target).Continue(*R, STATUS_SUCCESS);
        }
    }

    // Oldest first.
    static Status Collect(Volume& V, Files& To)
    {
        for (FsFile& F : *FsFile::Open_)
            if (F.Volume_ == &V)
                TRY(To.Push(Ref<FsFile>(F)));
        for (usize I = 0, J = To.Size(); I + 1 < J; ++I)
            std::swap(To[I], To[--J]);
        return STATUS_SUCCESS;
    }

    static ke::Task<> Remount(Ref<Volume> V, Ref<Driver> By)
    {
        CO_TRY(co_await Mount(V, By));
        Files All;
        CO_TRY(Collect(*V, All));
        for (Ref<FsFile>& F : All)
            F->FsCookie_ = 0;
        // Those with a rename that nobody has answered: the names of what lies below depend on it.
        for (Ref<FsFile>& F : All)
            if (!IsDead(*V) && !F->IsClosed() && !F->Broken_ && RenameOf(*V, *F))
                (void)co_await OpenLive(V, F);
        // Closed ones that nobody has open, with something to write.
        for (Ref<FsFile>& F : All) {
            if (IsDead(*V))
                co_return STATUS_DEVICE_REMOVED;
            if (!F->IsClosed() || F->Broken_)
                continue;
            RefPtr<Stream> S = F->Stream_;
            if (!S || !S->Map() || S->By() != F.Get() || HasOpen(All, *S))
                continue;
            if (!S->Map()->IsDirty() && !S->IsUsed() && !S->WasWritten() && !S->HasSize) {
                S->End();               // it is read again when somebody wants it
                continue;
            }
            Status Outcome = co_await Reopen(V, F, FsFile::NameOf(*F), false);
            if (Outcome.Ok())
                Outcome = co_await Settle(V, F);
            if (Outcome.Ok())
                Outcome = co_await Plain(V, F, mj::Cleanup);
            if (!Outcome.Ok() && !IsDead(*V))
                Fail(*F, Outcome);
        }
        for (Ref<FsFile>& F : All) {
            if (IsDead(*V))
                co_return STATUS_DEVICE_REMOVED;
            if (!F->IsClosed() && !F->Broken_ && !F->FsCookie_)
                (void)co_await OpenLive(V, F);
        }
        for (Ref<FsFile>& F : All) {
            if (IsDead(*V))
                co_return STATUS_DEVICE_REMOVED;
            if (F->IsClosed() || F->Broken_ || !F->Stream_ || (F->Stream_->Map() && !F->Stream_->IsAway()))
                continue;
            if (Status Outcome = co_await Settle(V, F); !Outcome.Ok() && !IsDead(*V))
                FailAll(All, *F, Outcome);
        }
        for (Ref<FsFile>& F : All) {
            if (IsDead(*V))
                co_return STATUS_DEVICE_REMOVED;
            if (F->IsClosed() || F->Broken_)
                continue;
            F->Modified_ |= F->Wrote_;
            if (F->Kept_)
                if (Status Outcome = co_await Restore(V, F); !Outcome.Ok() && !IsDead(*V))
                    Fail(*F, Outcome);
        }
        // Nothing can be opened any more that is to be deleted: last.
        for (Ref<FsFile>& F : All)
            if (!F->Broken_ && !F->IsClosed() && F->Kept_ && F->Kept_->DeletePending) {
                u8 Yes = 1;
                (void)co_await Set(V, F, FileDispositionInformation, &Yes, sizeof(Yes));
            }
        for (bool Again = true; Again;) {
            Again = false;
            for (usize I = 0; I < V->Closing_.Size() + All.Size(); ++I) {
                Ref<FsFile> F = I < All.Size() ? All[I] : V->Closing_[I - All.Size()];
                if (!F->CleanupSent_ || F->CleanupDone_.State())
                    continue;
                if (F->FsCookie_)
                    (void)co_await Plain(V, F, mj::Cleanup);
                if (IsDead(*V))
                    co_return STATUS_DEVICE_REMOVED;
                F->CleanupDone_.Set();
                Again = true;
                break;
            }
        }
        co_return STATUS_SUCCESS;
    }

    static ke::Task<> OpenLive(Ref<Volume> V, Ref<FsFile> F)
    {
        Status Outcome = co_await Reopen(V, F, FsFile::NameOf(*F), F->DeletesOnClose_);
        if (!Outcome.Ok() && !IsDead(*V) && RenameOf(*V, *F)) {
            CloseNow(*F);
            Outcome = co_await ReopenRenamed(V, F);
        }
        if (!Outcome.Ok() && !IsDead(*V))
            Fail(*F, Outcome);
        co_return STATUS_SUCCESS;
    }

    static ke::Task<> Mount(Ref<Volume> V, Ref<Driver> By)
    {
        if (!V->Place_)
            co_return STATUS_DEVICE_REMOVED;
        Vector<Ref<DriverDevice>> Known;
        CO_TRY(CopyFileSystems(Known));
        driver::Seat& Disk = V->Place_->Top();
        Status Outcome = STATUS_UNRECOGNIZED_VOLUME;
        for (usize I = Known.Size(); I-- > 0;) {
            Ref<DriverDevice> F = Known[I];
            if (&F->In().Of() != By.Get() || F->IsGone())
                continue;
            CO_TRY(F->In().Grant(Disk.Id()));
            Asked A = CO_TRY(Make(*F, 0, 0));
            wd::Mount About { Disk.Id(), 0, 0 };
            A.Q->M.What = wd::Kind::MountVolume;
            if (Status S = A.Q->Give(&About, sizeof(About)); !S.Ok()) {
                delete static_cast<Irp*>(A.Q);
                co_return S;
            }
            Ref<Answer> Told = A.To;
            Outcome = co_await Await(std::move(A));
            if (!Outcome.Ok())
                continue;
            for (DriverDevice& D : By->Devices)
                if (D.Cookie == Told->Cookie && !D.IsGone())
                    V->To = RefPtr<DriverDevice>(&D);
            if (!V->To)
                co_return STATUS_DEVICE_REMOVED;
            co_return Told->Information == V->Serial_ ? STATUS_SUCCESS : STATUS_WRONG_VOLUME;
        }
        co_return Outcome;
    }

    static bool HasOpen(Files& All, const Stream& S)
    {
        for (Ref<FsFile>& F : All)
            if (F->Stream_ == &S && !F->IsClosed() && !F->Broken_)
                return true;
        return false;
    }

    // Opens it as it was, by this name.
    static ke::Task<> Reopen(Ref<Volume> V, Ref<FsFile> F, Result<ob::String> Name, bool DeleteOnClose)
    {
        if (!Name.Ok())
            co_return Name.GetStatus();
        constexpr u32 NotAgain = FILE_DELETE_ON_CLOSE | FILE_COMPLETE_IF_OPLOCKED | FILE_RESERVE_OPFILTER | FILE_OPEN_REQUIRING_OPLOCK;
        u32 Options = (F->Options() & 0xFFFFFF & ~NotAgain) | (DeleteOnClose ? FILE_DELETE_ON_CLOSE : 0);
        ACCESS_MASK Access = F->OpenedAccess();
        RefPtr<Answer> Told;
        Status Outcome;
        // A file may have been made read-only since; who has it open for writing goes on.
        for (u32 Try = 0; Try < 2; ++Try) {
            Asked A = CO_TRY(Make(*V->To, mj::Create, 0));
            wd::Message& M = A.Q->M;
            M.Options = u32(FILE_OPEN) << 24 | Options;
            M.Access = Access;
            M.Share = u16(F->Share_);
            M.StackFlags = u8((F->Target_ ? 0x04 : 0) | (F->CaseSensitive_ ? 0x80 : 0));       // SL_OPEN_TARGET_DIRECTORY, SL_CASE_SENSITIVE
            if (Status S = A.Q->Give(Name.Value().View().Data, Name.Value().View().Length * 2); !S.Ok()) {
                delete static_cast<Irp*>(A.Q);
                co_return S;
            }
            Told = RefPtr<Answer>(A.To);
            Outcome = co_await Await(std::move(A));
            if (!(Outcome == STATUS_ACCESS_DENIED) || !(Access & Writing))
                break;
            Access &= ~Writing;
        }
        CO_TRY(Outcome);
        F->FsCookie_ = Told->Cookie;
        u64 Id = F->Id_;
        if (Id) {
            Asked A = CO_TRY(Query(*V->To, F->FsCookie_, FileInternalInformation, sizeof(u64)));
            Ref<Answer> Of = A.To;
            CO_TRY(co_await Await(std::move(A)));
            u64 Now = 0;
            if (Of->Output.Size() == sizeof(Now))
                memcpy(&Now, Of->Output.Data(), sizeof(Now));
            if (Now != Id)
                co_return STATUS_FILE_INVALID;
        }
        Channel& In = V->To->In();
        if (!Told->Section)
            co_return F->Stream_ ? STATUS_FILE_INVALID : STATUS_SUCCESS;
        if (!F->Stream_) {
            F->Stream_ = RefPtr<Stream>(CO_TRY(Stream::Of(In, Told->Section, Told->FsContext)));
            co_return STATUS_SUCCESS;
        }
        Stream& S = *F->Stream_;
        bool Same = &S.In() == &In ? S.Section() == Told->Section : S.Move(In, Told->Section, Told->FsContext);
        co_return Same ? STATUS_SUCCESS : STATUS_FILE_INVALID;
    }

    static RefPtr<Request> RenameOf(Volume& V, const FsFile& F)
    {
        for (Request& R : V.Waiting_)
            if (R.Target.Get() == &F && R.What == Operation::SetInformation && (R.Code == FileRenameInformation || R.Code == FileRenameInformationEx))
                return RefPtr<Request>(&R);
        return nullptr;
    }

    // It is not there under its name: a rename that nobody has answered may have been done.
    static ke::Task<> ReopenRenamed(Ref<Volume> V, Ref<FsFile> F)
    {
        RefPtr<Request> Rename = RenameOf(*V, *F);
        if (!Rename)                    // taken back meanwhile
            co_return STATUS_OBJECT_NAME_NOT_FOUND;
        F->Id_ = 0;
        Status Outcome = co_await Reopen(V, F, F->NameAfter(*Rename), F->DeletesOnClose_);
        if (Outcome.Ok() && Rename->Link.IsLinked()) {
            F->Renamed(*Rename);
            Rename->Link.Unlink();
            Rename->Complete(STATUS_SUCCESS, 0);
        }
        co_return Outcome;
    }

    static void CloseNow(FsFile& F)
    {
        if (u64 Cookie = std::exchange(F.FsCookie_, 0); Cookie && F.Volume_->To && !F.Volume_->To->IsGone())
            for (u8 Major : { mj::Cleanup, mj::Close })
                if (auto A = Make(*F.Volume_->To, Major, Cookie); A.Ok())
                    F.Volume_->To->In().Submit(*A.Value().Q);
    }

    // What was being closed with it to be deleted is gone, and no loss.
    static void Fail(FsFile& F, Status Why)
    {
        if (!(F.CleanupSent_ && !F.CleanupDone_.State()))
            ex::Log("io: %S is lost with its file system's process: 0x%x\n", F.Full_.View(), u32(Why.Code()));
        CloseNow(F);
        F.Break(STATUS_FILE_INVALID);
        if (F.Stream_ && F.Stream_->By() == &F && F.Stream_->IsAway()) {
            // Somebody else may have it open.
            for (FsFile& Other : *FsFile::Open_)
                if (&Other != &F && Other.Stream_ == F.Stream_ && !Other.Broken_ && !Other.IsClosed())
                    return;
            F.Stream_->End();
        }
    }

    static void FailAll(Files& All, FsFile& F, Status Why)
    {
        RefPtr<Stream> S = F.Stream_;
        for (Ref<FsFile>& Other : All)
            if (Other->Stream_ == S && !Other->Broken_)
                Fail(*Other, Why);
        if (S && S->IsAway())
            S->End();
    }

    static ke::Task<> Plain(Ref<Volume> V, Ref<FsFile> F, u8 Major)
    {
        Asked A = CO_TRY(Make(*V->To, Major, F->FsCookie_));
        A.Q->M.Process = F->ClosedBy_;
        A.Q->M.Parameters[0] = F->Modified_;
        co_return co_await Await(std::move(A));
    }

    static ke::Task<> Set(Ref<Volume> V, Ref<FsFile> F, u32 Class, const void* From, u32 Bytes)
    {
        Asked A = CO_TRY(Make(*V->To, mj::SetInformation, F->FsCookie_));
        A.Q->M.Mode = wd::Transfer::Buffered;
        A.Q->M.Parameters[0] = Bytes;
        A.Q->M.Parameters[1] = Class;
        if (Status S = A.Q->Give(From, Bytes); !S.Ok()) {
            delete static_cast<Irp*>(A.Q);
            co_return S;
        }
        co_return co_await Await(std::move(A));
    }

    // The file's size, if the medium has less of it; then paging goes on through F.
    static ke::Task<> Settle(Ref<Volume> V, Ref<FsFile> F)
    {
        RefPtr<Stream> S = F->Stream_;
        if (!S || (!S->Map() && !S->HasSize && !S->Direct))
            co_return STATUS_SUCCESS;
        Asked A = CO_TRY(Query(*V->To, F->FsCookie_, FileStandardInformation, sizeof(FILE_STANDARD_INFORMATION)));
        Ref<Answer> Told = A.To;
        CO_TRY(co_await Await(std::move(A)));
        FILE_STANDARD_INFORMATION About {};
        if (Told->Output.Size() < offsetof(FILE_STANDARD_INFORMATION, NumberOfLinks))
            co_return STATUS_FILE_INVALID;
        memcpy(&About, Told->Output.Data(), Told->Output.Size() < sizeof(About) ? Told->Output.Size() : sizeof(About));
        u64 There = u64(About.EndOfFile.QuadPart), Wanted = S->Map() ? S->Map()->GetSizes().File : S->HasSize ? S->Size : There;
        // What was written past the cache is nowhere else.
        if (There < S->Direct && S->Direct <= Wanted)
            co_return STATUS_FILE_INVALID;
        if (There < Wanted) {
            // Neither is what was written, forgotten here and not kept there; what is still here is written once more.
            if (S->Map()) {
                mm::PageStore& Pages = S->Map()->Store();
                u64 First = There >> PageShift, End = (Wanted + PageMask) >> PageShift;
                if (!Pages.HasAll(First, End - First))
                    co_return STATUS_FILE_INVALID;
                for (; First < End; ++First)
                    Pages.MarkDirty(First);
            }
            CO_TRY(co_await Set(V, F, FileEndOfFileInformation, &Wanted, sizeof(Wanted)));
        } else if (There > Wanted && S->Map()) {
            cc::Sizes Sizes = S->Map()->GetSizes();
            Sizes.File = Sizes.Allocation = There;
            CO_TRY(S->Map()->SetSizes(Sizes));
        }
        if (!S->Map())
            co_return STATUS_SUCCESS;
        S->Return(F.Get());
        // The file system is to know that there is a cache: it begins to use it with the first read.
        if (!Wanted || F->IsUncached())
            co_return STATUS_SUCCESS;
        Asked Read = CO_TRY(Make(*V->To, mj::Read, F->FsCookie_));
        Read.Q->M.Parameters[0] = 1;
        Read.Q->Want(1, false);
        (void)co_await Await(std::move(Read));
        co_return STATUS_SUCCESS;
    }

    static ke::Task<> Restore(Ref<Volume> V, Ref<FsFile> F)
    {
        FsFile::Kept& K = *F->Kept_;
        K.MissedChanges = K.Watches;
        if (K.Times.Size() >= sizeof(FILE_BASIC_INFORMATION)) {
            FILE_BASIC_INFORMATION Basic;
            memcpy(&Basic, K.Times.Data(), sizeof(Basic));
            Basic.FileAttributes = 0;
            (void)co_await Set(V, F, FileBasicInformation, &Basic, sizeof(Basic));
        }
        for (usize I = 0; I < K.Locks.Size(); ++I) {
            FsFile::Kept::Lock& L = K.Locks[I];
            Asked A = CO_TRY(Make(*V->To, mj::LockControl, F->FsCookie_));
            wd::Message& M = A.Q->M;
            M.Minor = 1;
            M.StackFlags = u8((L.Exclusive ? 2 : 0) | 1);
            M.Parameters[0] = L.Length;
            M.Parameters[1] = L.Key;
            M.Parameters[2] = L.Offset;
            M.Process = L.By->Id();
            CO_TRY(co_await Await(std::move(A)));
        }
        co_return K.Lists ? co_await Relist(V, F) : Status(STATUS_SUCCESS);
    }

    static Result<Asked> AskListing(Volume& V, FsFile& F, u8 Flags)
    {
        Asked A = TRY(Make(*V.To, mj::DirectoryControl, F.FsCookie_));
        A.Q->M.Minor = 1;
        A.Q->M.StackFlags = Flags;
        A.Q->M.Parameters[0] = PageSize;
        A.Q->M.Parameters[2] = FileNamesInformation;
        Status S = A.Q->Give(F.Kept_->Pattern.Data(), Flags & RestartScan ? F.Kept_->Pattern.Size() : 0);
        if (!S.Ok()) {
            delete static_cast<Irp*>(A.Q);
            return S;
        }
        A.Q->Want(PageSize, false);
        return A;
    }

    // To the same place in the listing: counts the entries up to the last that has been shown, then passes so many.
    static ke::Task<> Relist(Ref<Volume> V, Ref<FsFile> F)
    {
        FsFile::Kept& K = *F->Kept_;
        usize Next = 0, Passed = 0, Count = 0;
        for (u8 Flags = RestartScan; Next < K.Shown.Size(); Flags = 0) {
            Asked A = CO_TRY(AskListing(*V, *F, Flags));
            Ref<Answer> Told = A.To;
            Status S = co_await Await(std::move(A));
            if (S == STATUS_NO_MORE_FILES || S == STATUS_NO_SUCH_FILE)
                break;
            CO_TRY(S);
            Vector<u8>& Out = Told->Output;
            for (usize At = 0; At + 12 <= Out.Size();) {
                u32 Step, Bytes;
                memcpy(&Step, &Out[At], 4);
                memcpy(&Bytes, &Out[At + 8], 4);
                if (Bytes > Out.Size() - At - 12)
                    co_return STATUS_FILE_INVALID;
                ++Count;
                u32 Hash = NameHash(NameHashStart, reinterpret_cast<const wchar_t*>(&Out[At + 12]), Bytes / 2);
                for (usize I = Next; I < K.Shown.Size(); ++I)
                    if (K.Shown[I] == Hash) {
                        Next = I + 1;
                        Passed = Count;
                        break;
                    }
                if (!Step)
                    break;
                At += Step;
            }
            if (Out.IsEmpty())
                break;
        }
        K.ListAnew = !Passed;
        for (u8 Flags = RestartScan; Passed; --Passed, Flags = 0)
            CO_TRY(co_await Await(CO_TRY(AskListing(*V, *F, u8(Flags | SingleEntry)))));
        co_return STATUS_SUCCESS;
    }
};

Result<ob::String> FsFile::NameOf(const FsFile& F) { return ob::String::Copy(F.Full_); }

Status Volume::Closed(FsFile& F) { return Closing_.Push(Ref<FsFile>(F)); }

void ProcessLost(Channel& Dead, ps::Process& P)
{
    bool OnPurpose = Dead.Of().Now() == Driver::State::Unloading;
    for (Volume& V : *Volume::All_)
        if (V.State_ == Volume::State::Mounted && V.To && &V.To->In() == &Dead && V.Files && !V.LockedBy && !OnPurpose) {
            V.State_ = Volume::State::Away;
            V.Back.Reset();
        }
    for (FsFile& F : *FsFile::Open_)
        if (F.Volume_ && F.Volume_->IsAway() && F.Stream_ && &F.Stream_->In() == &Dead && F.Stream_->Map() && !F.Stream_->IsAway() && F.Stream_->By() && F.Stream_->By()->Of() == F.Of())
            F.Stream_->Lose(P);
}

void ProcessEnded(Driver& Of)
{
    for (bool Again = true; Again;) {
        Again = false;
        for (Volume& V : *Volume::All_) {
            if (!V.IsAway() || V.Recovering_ || &V.To->In().Of() != &Of)
                continue;
            V.Recovering_ = true;
            Own<ke::WorkItem> W(new (std::nothrow) ke::WorkItem);
            if (!W || !Of.StartsAgain())
                Recovery::GiveUp(V, STATUS_DEVICE_REMOVED);
            else
                ke::WorkItem::Launch(std::move(W), [&] { return Recovery::Run(Ref<Volume>(V), Ref<Driver>(Of)); });
            Again = true;
            break;
        }
    }
}

}
