// Requests from one driver to a device of another: the data goes from the calling driver's memory to the called one's data area and back.
#include "ntos/io/driver/remote.hpp"

#include "ntos/io/issue.hpp"

namespace io::driver {

using namespace nt;

namespace {

// Tells the caller that its IRP is complete; the caller answers, so that it takes its turn like every message.
class DoneIrp final : public Irp {
public:
    DoneIrp(u32 Tag, Status Outcome, u64 Information)
    {
        M.What = wd::Kind::RemoteDone;
        M.Parameters[0] = Tag;
        M.Related = u32(Outcome.Code());
        M.Information = Information;
    }
    void Done(Channel&, Status, u64, u64, bool) override { }
};

void Tell(Channel& From, u32 Tag, Status Outcome, u64 Information)
{
    if (From.IsDead())
        return;
    if (auto* I = new DoneIrp(Tag, Outcome, Information))
        From.Submit(*I);
}

}

class RemoteIrp final : public Irp {
public:
    RemoteIrp(Channel& From, const wd::RemoteCall& C) : From_(&From), C_(C) { All->PushBack(*this); }
    ~RemoteIrp() override { AllLink.Unlink(); }
    void Fill(DriverFile& F)
    {
        File = RefPtr<DriverFile>(&F);
        M.What = wd::Kind::Irp;
        M.Major = C_.Major;
        M.Minor = C_.Minor;
        M.StackFlags = C_.StackFlags;
        M.Mode = C_.Mode;
        M.Device = F.Device().Cookie;
        M.File = F.Cookie();
        for (u32 I = 0; I < 4; ++I)
            M.Parameters[I] = C_.Parameters[I];
        bool Shared = C_.Mode == wd::Transfer::Buffered;
        M.InputBytes = C_.InputBytes;
        M.OutputBytes = C_.OutputBytes;
        M.OutputOffset = Shared || !C_.InputBytes || !C_.OutputBytes ? 0 : u32(AlignUp(C_.InputBytes, PageSize));
        DataBytes = Shared ? (C_.InputBytes > C_.OutputBytes ? C_.InputBytes : C_.OutputBytes) : M.OutputOffset + (C_.OutputBytes ? C_.OutputBytes : C_.InputBytes);
    }
    Status CopyIn(Channel& In) override
    {
        if (!From_ || !From_->Process)
            return STATUS_CANCELLED;
        if (C_.InputBytes)
            TRY(In.DataFromUser(*this, 0, *From_->Process, C_.Input, C_.InputBytes));
        if (C_.OutputBytes && C_.Mode != wd::Transfer::Buffered && C_.Major != 3)       // not for a read
            TRY(In.DataFromUser(*this, M.OutputOffset, *From_->Process, C_.Output, C_.OutputBytes));
        return STATUS_SUCCESS;
    }
    void Done(Channel& In, Status Outcome, u64 Information, u64, bool Sent) override
    {
        if (!From_)
            return;
        Channel& From = *From_;
        if (Sent && C_.OutputBytes && !In.IsDead() && From.Process) {
            bool Whole = C_.Mode == wd::Transfer::Direct || C_.Mode == wd::Transfer::Neither;
            u64 Bytes = Whole || Information > C_.OutputBytes ? C_.OutputBytes : IsError(Outcome) ? 0 : Information;
            if (Status S = In.DataToUser(*this, M.OutputOffset, *From.Process, C_.Output, Bytes); !S.Ok()) {
                Outcome = S;
                Information = 0;
            }
        }
        Tell(From, C_.Tag, Outcome, Information);
    }
    bool IsOf(const Channel& From, u32 Tag) const { return From_ == &From && C_.Tag == Tag; }

    core::ListNode<RemoteIrp> AllLink;
    using List = core::List<RemoteIrp, &RemoteIrp::AllLink>;
    static Immortal<List> All;

private:
    RefPtr<Channel> From_;
    wd::RemoteCall C_;
    friend void RemoteCallerEnds(Channel&);
};

constinit Immortal<RemoteIrp::List> RemoteIrp::All;

Status StartRemote(Channel& From, u64 At)
{
    wd::RemoteCall C;
    TRY(mm::CopyFromUser(*From.Process, &C, At, sizeof(C)));
    ob::HandleEntry* E = From.Process->Handles().Find(reinterpret_cast<HANDLE>(C.Handle));
    if (!E || &E->Target->GetType() != &File::Type || !static_cast<File*>(E->Target)->TakesRequests()) {
        Tell(From, C.Tag, E ? STATUS_NOT_SUPPORTED : STATUS_INVALID_HANDLE, 0);
        return STATUS_SUCCESS;
    }
    auto& F = static_cast<DriverFile&>(*E->Target);
    // Opening and closing are the file's own; a driver sends none for it.
    if (C.Major == 0 || C.Major == 2 || C.Major == 0x12 || C.Major > 0x1B || C.InputBytes > 4 * MiB || C.OutputBytes > 4 * MiB) {
        Tell(From, C.Tag, STATUS_INVALID_DEVICE_REQUEST, 0);
        return STATUS_SUCCESS;
    }
    if (F.Device().IsGone()) {
        Tell(From, C.Tag, STATUS_DEVICE_REMOVED, 0);
        return STATUS_SUCCESS;
    }
    auto* I = new RemoteIrp(From, C);
    if (!I) {
        Tell(From, C.Tag, STATUS_INSUFFICIENT_RESOURCES, 0);
        return STATUS_SUCCESS;
    }
    I->Fill(F);
    F.Device().In().Submit(*I);
    return STATUS_SUCCESS;
}

void CancelRemote(Channel& From, u32 Tag)
{
    for (RemoteIrp& I : *RemoteIrp::All) {
        if (!I.IsOf(From, Tag))
            continue;
        Channel& To = I.File->Device().In();
        To.Cancel(I);
        return;
    }
}

void RemoteCallerEnds(Channel& From)
{
    for (bool Again = true; Again;) {
        Again = false;
        for (RemoteIrp& I : *RemoteIrp::All) {
            if (I.From_.Get() != &From)
                continue;
            I.From_.Reset();            // nobody is left to be told
            I.File->Device().In().Cancel(I);
            Again = true;
            break;
        }
    }
}

}
