// Requests from one driver to a device of another: the data goes from the calling driver's memory to the called one's data area and back.
#include "ntos/io/driver/remote.hpp"

#include "ntos/io/driver/stack.hpp"
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
    Status Fill(Irp* Parent, DriverFile* Of);
    void Address() override;
    Status CopyIn(Channel& In) override;
    void Done(Channel& In, Status Outcome, u64 Information, u64 Cookie, bool Sent) override;
    bool IsOf(const Channel& From, u32 Tag) const { return From_ == &From && C_.Tag == Tag; }

    core::ListNode<RemoteIrp> AllLink;
    using List = core::List<RemoteIrp, &RemoteIrp::AllLink>;
    static Immortal<List> All;

private:
    bool Has(u8 Flag) const { return C_.Flags & Flag; }
    bool IsWrite() const { return C_.Major == mj::Write; }
    void CanRepeat();
    void Introduce(Channel& In, Channel& By, Channel& To, u32 At, u64 Bytes);
    RefPtr<Channel> From_;
    wd::RemoteCall C_;
    u32 CopyAt_ = 0;                    // where the output lies in the data area, when it is not lent
    friend void RemoteCallerEnds(Channel&);
    friend bool HasOrphans();
};

// SCSI commands that only read, or write the same again.
static bool IsRepeatable(const wd::Srb& S)
{
    constexpr u8 ExecuteScsi = 0, Function = 2, Cdb = 72;
    if (S.Block[Function] != ExecuteScsi)
        return false;
    switch (S.Block[Cdb]) {
    case 0x00: case 0x03: case 0x08: case 0x0A: case 0x12: case 0x1A: case 0x25: case 0x28: case 0x2A: case 0x35: case 0x5A: case 0x88: case 0x8A: case 0x91:
    case 0x9E: case 0xA0: case 0xA8: case 0xAA:
        return true;
    }
    return false;
}

// Controls of storage devices that only ask (ntdddisk.h, ntddstor.h, mountdev.h).
static bool OnlyAsks(u32 Code)
{
    switch (Code) {
    case 0x00070000: case 0x000700A0: case 0x0007405C:      // IOCTL_DISK_GET_DRIVE_GEOMETRY, _EX, GET_LENGTH_INFO
    case 0x00074004: case 0x00070048:                       // GET_PARTITION_INFO, _EX
    case 0x0007400C: case 0x00070050:                       // GET_DRIVE_LAYOUT, _EX
    case 0x00070024: case 0x00074800: case 0x00070800:      // IS_WRITABLE, CHECK_VERIFY
    case 0x002D1080: case 0x002D1400: case 0x002D0800: case 0x002D4800: // IOCTL_STORAGE_GET_DEVICE_NUMBER, QUERY_PROPERTY, CHECK_VERIFY2, CHECK_VERIFY
    case 0x004D0000: case 0x004D0008: case 0x004D000C:      // IOCTL_MOUNTDEV_QUERY_UNIQUE_ID, _DEVICE_NAME, _SUGGESTED_LINK_NAME
        return true;
    }
    return false;
}

void RemoteIrp::CanRepeat()
{
    constexpr u32 ControlCode = 2;      // of the stack location's parameters
    if (C_.Major == mj::DeviceControl && C_.Mode != wd::Transfer::Srb && OnlyAsks(u32(C_.Parameters[ControlCode]))) {
        MayRepeat = true;
    } else if (C_.Major == mj::Read || C_.Major == mj::Write || C_.Major == mj::FlushBuffers) {
        MayRepeat = true;
    } else if (C_.Mode == wd::Transfer::Srb && C_.InputBytes == sizeof(wd::Srb)) {
        wd::Srb S;
        MayRepeat = mm::CopyFromUser(*From_->Process, &S, C_.Input, sizeof(S)).Ok() && IsRepeatable(S);
    }
}

Status RemoteIrp::Fill(Irp* Parent, DriverFile* Of)
{
    File = RefPtr<DriverFile>(Of);
    if (Parent)
        Lower = Parent->Lower;
    else if (Of)
        Lower = Of->Lower;
    M.What = wd::Kind::Irp;
    M.Major = C_.Major;
    M.Minor = C_.Minor;
    M.StackFlags = C_.StackFlags;
    M.Mode = C_.Mode;
    M.IrpFlags = C_.IrpFlags;
    for (u32 I = 0; I < 4; ++I)
        M.Parameters[I] = C_.Parameters[I];
    if (C_.Major == mj::Create) {
        // As the one that is sent on.
        if (!Parent || Parent->M.Major != mj::Create)
            return STATUS_INVALID_DEVICE_REQUEST;
        M.Options = Parent->M.Options;
        M.Access = Parent->M.Access;
        M.Share = Parent->M.Share;
        M.Attributes = Parent->M.Attributes;
        M.Process = Parent->M.Process;
        M.Parameters[0] = 0;            // extended attributes stay with the top
    }
    CanRepeat();
    M.InputBytes = C_.InputBytes;
    M.OutputBytes = C_.OutputBytes;
    if (Has(wd::call::PagesOfParent)) {
        if (!Parent || !Parent->Pages())
            return STATUS_INVALID_PARAMETER;
        TRY(Lend(TRY(Parent->Pages()->Part(C_.LentOffset, C_.OutputBytes, !Has(wd::call::OutputBack | wd::call::OutputBackWhole)))));
        IsPartOf(*Parent);
        return STATUS_SUCCESS;
    }
    if (Has(wd::call::MayLend) && C_.OutputBytes >= 2 * PageSize) {
        auto Pages = Loan::OfMemory(*From_->Process, C_.Output, C_.OutputBytes, !Has(wd::call::OutputBack | wd::call::OutputBackWhole));
        if (Pages.Ok())
            return Lend(Pages.Take());
    }
    if (C_.OutputBytes > 8 * MiB)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (C_.Mode == wd::Transfer::Buffered) {
        M.OutputOffset = 0;
        DataBytes = C_.InputBytes > C_.OutputBytes ? C_.InputBytes : C_.OutputBytes;
    } else if (IsWrite()) {
        M.InputBytes = C_.OutputBytes;  // a write's data is its input
        M.OutputBytes = M.OutputOffset = 0;
        DataBytes = M.InputBytes;
    } else {
        M.OutputOffset = !C_.InputBytes || !C_.OutputBytes ? 0 : u32(AlignUp(C_.InputBytes, C_.OutputBytes >= PageSize ? PageSize : u64(64)));
        DataBytes = M.OutputOffset + (C_.OutputBytes ? C_.OutputBytes : C_.InputBytes);
    }
    CopyAt_ = M.OutputOffset;
    return STATUS_SUCCESS;
}

// The devices in relations: who is told of them may reach them, if who tells may.
void RemoteIrp::Introduce(Channel& In, Channel& By, Channel& To, u32 At, u64 Bytes)
{
    if (C_.Major != mj::Pnp || C_.Minor != mj::QueryDeviceRelations)
        return;
    for (u64 Id; Bytes >= sizeof(Id); At += sizeof(Id), Bytes -= sizeof(Id))
        if (In.ReadData(*this, At, &Id, sizeof(Id)).Ok() && (By.MayReach(Id) || By.Of().Find(Id)))
            To.Grant(Id).Ignore();      // without memory it is not told of it
}

void RemoteIrp::Address()
{
    M.File = Lower ? Lower->Find(*Device) : 0;
    if (!M.File && File && &File->Device() == Device.Get())
        M.File = File->Cookie();
}

Status RemoteIrp::CopyIn(Channel& In)
{
    if (!From_ || !From_->Process)
        return STATUS_CANCELLED;
    if (C_.InputBytes)
        TRY(In.DataFromUser(*this, 0, *From_->Process, C_.Input, C_.InputBytes));
    Introduce(In, *From_, In, 0, C_.InputBytes);
    if (C_.OutputBytes && Has(wd::call::OutputIn) && !Lent())
        TRY(In.DataFromUser(*this, CopyAt_, *From_->Process, C_.Output, C_.OutputBytes));
    return STATUS_SUCCESS;
}

void RemoteIrp::Done(Channel& In, Status Outcome, u64 Information, u64 Cookie, bool Sent)
{
    if (C_.Major == mj::Create && Outcome.Ok() && Sent && Lower)
        Lower->Put(*Device, Cookie);
    if (!From_)
        return;
    Channel& From = *From_;
    if (Sent && !In.IsDead() && From.Process) {
        u64 Bytes = Has(wd::call::OutputBackWhole) || Information > C_.OutputBytes ? C_.OutputBytes : IsError(Outcome) ? 0 : Information;
        Status S = STATUS_SUCCESS;
        if (Has(wd::call::OutputBack | wd::call::OutputBackWhole) && C_.OutputBytes && !Lent())
            S = In.DataToUser(*this, CopyAt_, *From.Process, C_.Output, Bytes);
        if (S.Ok() && Has(wd::call::InputBack))
            S = In.DataToUser(*this, 0, *From.Process, C_.Input, C_.InputBytes);
        if (!S.Ok()) {
            Outcome = S;
            Information = 0;
        } else if (Outcome.Ok()) {
            Introduce(In, In, From, CopyAt_, Bytes);
        }
    }
    Tell(From, C_.Tag, Outcome, Information);
}

constinit Immortal<RemoteIrp::List> RemoteIrp::All;

Status StartRemote(Channel& From, u64 At)
{
    wd::RemoteCall C;
    TRY(mm::CopyFromUser(*From.Process, &C, At, sizeof(C)));
    Irp* Parent = C.Parent == ~0u ? nullptr : From.FindSent(C.Parent);
    DriverFile* Of = nullptr;
    RefPtr<Seat> To;
    auto Check = [&]() -> Status {
        if (C.Handle) {
            ob::HandleEntry* E = From.Process->Handles().Find(reinterpret_cast<HANDLE>(C.Handle));
            if (!E)
                return STATUS_INVALID_HANDLE;
            if (&E->Target->GetType() != &File::Type || !static_cast<File*>(E->Target)->TakesRequests())
                return STATUS_NOT_SUPPORTED;
            Of = static_cast<DriverFile*>(E->Target);
            To = Of->Device().Place;
        } else if (C.Device && From.MayReach(C.Device)) {
            To = Seat::Find(C.Device);
        }
        if (!To)
            return STATUS_DEVICE_REMOVED;
        // Opening and closing are a file's own; a driver only sends on what it has got.
        bool OfFile = C.Major == mj::Create || C.Major == mj::Close || C.Major == mj::Cleanup;
        if ((OfFile && (!Parent || Of)) || C.Major > mj::Most || C.InputBytes > 4 * MiB || C.OutputBytes > 64 * MiB)
            return STATUS_INVALID_DEVICE_REQUEST;
        return STATUS_SUCCESS;
    };
    Status S = Check();
    auto* I = S.Ok() ? new RemoteIrp(From, C) : nullptr;
    if (S.Ok())
        S = I ? I->Fill(Parent, Of) : Status(STATUS_INSUFFICIENT_RESOURCES);
    if (!S.Ok()) {
        delete static_cast<Irp*>(I);
        Tell(From, C.Tag, S, 0);
        return STATUS_SUCCESS;
    }
    To->Send(*I);
    return STATUS_SUCCESS;
}

void CancelRemote(Channel& From, u32 Tag)
{
    for (RemoteIrp& I : *RemoteIrp::All) {
        if (I.IsOf(From, Tag)) {
            I.Cancel();
            return;
        }
    }
}

bool HasOrphans()
{
    for (RemoteIrp& I : *RemoteIrp::All)
        if (!I.From_)
            return true;
    return false;
}

void RemoteCallerEnds(Channel& From)
{
    for (bool Again = true; Again;) {
        Again = false;
        for (RemoteIrp& I : *RemoteIrp::All) {
            if (I.From_.Get() != &From)
                continue;
            I.From_.Reset();            // nobody is left to be told
            I.Cancel();
            Again = true;
            break;
        }
    }
}

}
