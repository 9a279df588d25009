// Open files of drivers' devices: requests become Irps.
#include <string.h>

#include "ntos/io/create.hpp"
#include "ntos/io/driver/client_irp.hpp"
#include "ntos/io/driver/stack.hpp"
#include "ntos/io/fs/fs.hpp"
#include "ntos/io/issue.hpp"
#include "ntos/io/pnp/pnp.hpp"

namespace io::driver {

using namespace nt;

static Immortal<core::List<DriverFile, &DriverFile::OpenLink>> OpenFiles;

DriverFile* DriverFile::Find(Channel& In, u64 DeviceId, u64 Cookie)
{
    for (DriverFile& F : *OpenFiles)
        if (F.Cookie_ == Cookie && F.Device().Id == DeviceId && &F.Device().In() == &In)
            return &F;
    return nullptr;
}

// The Irp of a client's request.
class RequestIrp final : public ClientIrp {
public:
    explicit RequestIrp(Request& R) : ClientIrp(R) { }
    Status Fill();
    Status CopyIn(Channel& In) override;
    void Done(Channel& In, Status Outcome, u64 Information, u64 Cookie, bool Sent) override;
    void Pends(Status Returned) override { R_.TellPending(Returned); }
    void Ends(u8 How, Status Returned) override
    {
        if (How & wd::HasReturned)
            R_.DispatchReturned(Returned);
        R_.WasMarked(How & wd::Pended ? Request::Mark::Pended : Request::Mark::NotPended);
    }
    ps::Process* Client() override
    {
        if (!Device)
            Device = RefPtr<DriverDevice>(&static_cast<DriverFile&>(*R_.Target).Device());
        return &*R_.Process;
    }

private:
    bool LendData(bool ReadOnly);
};

// Two pages or more of the client's go as they are, if they can.
bool RequestIrp::LendData(bool ReadOnly)
{
    if (R_.Data.Length < 2 * PageSize)
        return false;
    auto Pages = Loan::OfMemory(*R_.Process, R_.Data.Address, R_.Data.Length, ReadOnly);
    if (!Pages.Ok())
        return false;                   // bad memory is told by the copy
    Device = RefPtr<DriverDevice>(&static_cast<DriverFile&>(*R_.Target).Device());
    return Lend(Pages.Take()).Ok();
}

Status RequestIrp::Fill()
{
    auto& F = static_cast<DriverFile&>(*R_.Target);
    M.What = wd::Kind::Irp;
    M.RequestorMode = 1;
    if (R_.WaitsForDispatch())
        M.Flags |= wd::TellPending;
    if (R_.What == Operation::DeviceControl && !R_.ForExecutive)
        M.Flags |= wd::TellReturn;
    if (F.Lower)
        Lower = F.Lower;
    M.Device = F.Device().Cookie;
    M.File = F.Cookie();
    M.Process = R_.Process->Id();
    M.Thread = R_.Thread ? R_.Thread->Id() : 0;
    u64* P = M.Parameters;
    switch (R_.What) {
    case Operation::Create: {
        M.Major = mj::Create;
        u32 Name = u32(F.Name_.View().Length * 2), Ea = u32(F.Ea_.Size());
        M.Options = F.Disposition_ << 24 | (F.Options() & 0xFFFFFF);
        M.Access = F.OpenedAccess();
        M.Share = u16(F.Share_);
        M.Attributes = u16(F.Attributes_);
        M.Related = F.Related_;
        P[0] = Ea;
        // The file is of the device that was opened, the request goes to the top of its stack.
        if (auto& Opened = static_cast<DriverDevice&>(F.GetDevice()); !Opened.IsGone() && &Opened.In() == &F.Device().In())
            P[2] = Opened.Cookie;
        Layout(Name, Ea, false);
        M.Mode = wd::Transfer::None;
        return STATUS_SUCCESS;
    }
    case Operation::Read:
    case Operation::Write: {
        bool Write = R_.What == Operation::Write;
        M.Major = Write ? mj::Write : mj::Read;
        P[0] = R_.Data.Length;
        P[1] = R_.Data.Key;
        P[2] = R_.Data.Append ? ~u64(0) : R_.Data.Offset;
        if (F.Device().IsDirect() && LendData(Write))
            return STATUS_SUCCESS;
        if (R_.Data.Length > wd::DataPages * PageSize)
            return STATUS_INSUFFICIENT_RESOURCES;
        if (Write) {
            Layout(R_.Data.Length, 0, false);
            InputFromUser_ = R_.Data.Length;
        } else {
            Layout(0, R_.Data.Length, false);
        }
        return STATUS_SUCCESS;
    }
    case Operation::DeviceControl:
    case Operation::FsControl:
        FillControl();
        if (M.Mode == wd::Transfer::Direct) {
            M.InputBytes = u32(R_.Input.Size());
            if (LendData((R_.Code & 3) == 1))
                return STATUS_SUCCESS;
        }
        return CopyControl();
    default:
        return FillOther();             // the rest is for file systems only
    }
}

Status RequestIrp::CopyIn(Channel& In)
{
    auto& F = static_cast<DriverFile&>(*R_.Target);
    if (R_.What == Operation::Create) {
        TRY(In.WriteData(*this, 0, F.Name_.View().Data, M.InputBytes));
        return M.OutputBytes ? In.WriteData(*this, M.OutputOffset, F.Ea_.Data(), M.OutputBytes) : Status(STATUS_SUCCESS);
    }
    return CopyInData(In);
}

void RequestIrp::Done(Channel& In, Status Outcome, u64 Information, u64 Cookie, bool Sent)
{
    auto& F = static_cast<DriverFile&>(*R_.Target);
    if (Outcome == STATUS_PENDING && !R_.HasReturned())      // no final status: a mistake of the driver's
        Outcome = STATUS_DRIVER_INTERNAL_ERROR;
    if (R_.What == Operation::Create && Sent) {
        F.Cookie_ = Cookie;
        if (!F.IsOfFileSystem())
            OpenFiles->PushBack(F);
    }
    bool ReadsBack = R_.What != Operation::Create && M.OutputBytes && !Lent();
    if (Sent && ReadsBack && (BackWhole_ || !IsError(Outcome)) && !In.IsDead()) {
        u64 Bytes = BackWhole_ || Information > M.OutputBytes ? M.OutputBytes : Information;
        Status S;
        if (R_.ForExecutive) {
            S = R_.Reply.Resize(Bytes);
            if (S.Ok())
                S = In.ReadData(*this, M.OutputOffset, R_.Reply.Data(), u32(Bytes));
        } else {
            S = In.DataToUser(*this, M.OutputOffset, *R_.Process, R_.Data.Address, Bytes);
        }
        if (!S.Ok()) {
            Outcome = S;
            Information = 0;
            if (R_.HasReturned())
                R_.DispatchReturned(S);
        }
    }
    R_.Context[0] = 0;
    R_.Complete(Outcome, Information);
}

// A request without a client: cleanup and close.
class PlainIrp final : public Irp {
public:
    void Done(Channel&, Status, u64, u64, bool) override { }
};

DriverFile::DriverFile(DriverDevice& Of, DriverDevice& Top, const CreateParameters& How, ob::String Name, u64 Related)
    : File(Of, How), Top_(Top), Name_(std::move(Name)), Related_(Related), Share_(How.Share), Attributes_(How.Attributes), Disposition_(How.Disposition)
{
    if (How.Mailslot) {
        Mailslot_ = *How.Mailslot;
        MakesMailslot_ = true;
    }
    ++Of.Opens;
    if (&Of != &Top)                    // without memory the drivers below see no file
        if (auto* L = new LowerFiles)
            Lower = RefPtr<LowerFiles>::Adopt(L);
    for (u8 B : How.Ea)
        if (!Ea_.Push(B).Ok())
            break;
}

DriverFile::~DriverFile()
{
    OpenLink.Unlink();
    CleanupOnce();
    auto& Of = static_cast<DriverDevice&>(GetDevice());
    --Of.Opens;
    if (Created_)
        SendPlain(mj::Close);
    if (!Of.Opens && Of.Place && Of.Place->Leaves)
        pnp::LastCloses();
}

void DriverFile::CreateEnds(Status Outcome)
{
    Created_ = Outcome.Ok();
    Ea_.Clear();
}

// What NT sets FO_DIRECT_DEVICE_OPEN for: the device itself, with rights that need no driver.
bool DriverFile::IsDirectOpen() const
{
    constexpr ACCESS_MASK NoDriver = SYNCHRONIZE | FILE_READ_ATTRIBUTES | READ_CONTROL | ACCESS_SYSTEM_SECURITY | WRITE_OWNER | WRITE_DAC;
    return Name_.IsEmpty() && !Related_ && !(OpenedAccess() & ~NoDriver);
}

// The device's name, and behind it what the driver says the file's is. A driver that names no files is no mistake.
ke::Task<> DriverFile::AskName(ke::Caller& Caller, ob::String& To)
{
    constexpr u32 Room = 4096;
    To = CO_TRY(GetDevice().QueryName());
    Ref<Request> R = CO_TRY(Issue::MakeOwn(Caller, Ref<File>(*this), Operation::QueryInformation));
    R->Code = FileNameInformation;
    R->Data.Length = Room;
    Status S = co_await Issue::Await(Caller, R);
    if (S == STATUS_INVALID_DEVICE_REQUEST || S == STATUS_INVALID_PARAMETER || S == STATUS_NOT_IMPLEMENTED || S == STATUS_INVALID_INFO_CLASS || S == STATUS_NOT_SUPPORTED)
        co_return STATUS_SUCCESS;
    if (IsError(S))
        co_return S;
    constexpr usize NameAt = offsetof(FILE_NAME_INFORMATION, FileName);
    if (R->Reply.Size() <= NameAt)
        co_return STATUS_SUCCESS;
    u32 Bytes;
    memcpy(&Bytes, R->Reply.Data(), sizeof(Bytes));
    if (usize Here = R->Reply.Size() - NameAt; Bytes > Here)
        Bytes = u32(Here);
    usize Before = To.View().Length;
    CO_TRY(To.Characters().Resize(Before + Bytes / 2));
    memcpy(To.Characters().Data() + Before, R->Reply.Data() + NameAt, Bytes / 2 * 2);
    co_return STATUS_SUCCESS;
}

void DriverFile::SendPlain(u8 Major)
{
    if (Device().IsGone())
        return;
    auto* I = new PlainIrp;
    if (!I)
        return;                         // without memory the driver does not hear of it
    I->M.What = wd::Kind::Irp;
    I->M.Major = Major;
    I->M.Device = Device().Cookie;
    I->M.File = Cookie_;
    I->Device = RefPtr<DriverDevice>(&Device());
    I->Lower = Lower;
    Device().In().Submit(*I);
}

void DriverFile::Cleanup()
{
    if (Created_)
        SendPlain(mj::Cleanup);
}

Status DriverFile::Start(Request& R)
{
    if (Device().IsGone())
        return STATUS_DEVICE_REMOVED;
    auto* I = new RequestIrp(R);
    if (!I)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (Status S = I->Fill(); !S.Ok()) {
        delete static_cast<Irp*>(I);
        return S;
    }
    R.Context[0] = reinterpret_cast<u64>(static_cast<Irp*>(I));
    Ref<Channel> In(Device().In());
    In->SubmitAndLook(*I);
    return STATUS_PENDING;
}

void DriverFile::Withdraw(Request& R)
{
    auto* I = reinterpret_cast<Irp*>(R.Context[0]);
    ASSERT(I);
    R.CancelLater();
    Device().In().Cancel(*I);
}

// --- the device

Result<ob::ParseResult> DriverDevice::Open(ob::OpenRequest& Request, CreateParameters& How, File* Start, ob::Name Rest, bool AtRoot)
{
    // Its file system may serve what it has while the device is away.
    bool HasFiles = Start ? static_cast<DriverFile*>(Start)->IsOfFileSystem() : fs::HasFiles(*this, How, Rest.Data && (!Rest.IsEmpty() || AtRoot));
    if (How.Pipe || (How.Mailslot && DeviceType != FILE_DEVICE_MAILSLOT) || (How.TargetFolder && !HasFiles))
        return STATUS_INVALID_PARAMETER;
    if (IsGone() && !(HasFiles && Awaited))
        return Awaited ? STATUS_DEVICE_NOT_READY : STATUS_DEVICE_REMOVED;
    if (Place && Place->Leaves)
        return STATUS_NO_SUCH_DEVICE;
    if (Exclusive && Opens)
        return STATUS_ACCESS_DENIED;
    How.Granted = TRY(CheckDeviceAccess(Request, *this, How.Access));
    How.Information = FILE_OPENED;
    if (HasFiles)
        return fs::Open(*this, Request, How, Start, Rest, AtRoot);
    ob::String Name;
    if (!Start && Rest.Data)
        TRY(Name.Append(L"\\"));
    TRY(Name.Append(Rest));
    ob::ParseResult R;
    // The requests go to whatever lies on top.
    DriverDevice* Top = Place->Top().Now();
    if (!Top || Top->IsGone())
        return STATUS_DEVICE_NOT_READY;
    R.Found = TRY(ob::Make<DriverFile>(*this, *Top, How, std::move(Name), Start ? static_cast<DriverFile*>(Start)->Cookie() : 0));
    return R;
}

DriverDevice::DriverDevice(Ref<Channel> In, u64 Cookie, u32 DeviceType, u32 Characteristics, bool Exclusive)
    : Device(DeviceType, Characteristics), Cookie(Cookie), Exclusive(Exclusive), In_(std::move(In)) { }

DriverDevice::~DriverDevice()
{
    DriverLink.Unlink();
}

void DriverDevice::TakeAway(bool ComesBack)
{
    Gone = true;
    DriverLink.Unlink();
    Former.Reset();
    RefPtr<Seat> Was = std::move(Place);
    if (Was)
        Was->Lost();
    if (!Awaited)
        Awaited = std::move(Was);
    if (ComesBack && Awaited && Awaited->Node && !Awaited->NameOf && Parent() && !Replaced) {
        Awaited->NameOf = this;
        In_->Of().Away.PushBack(*this);
        return;
    }
    LeaveName();
}

void DriverDevice::LeaveName()
{
    Ref<DriverDevice> Keep(*this);
    DriverLink.Unlink();
    if (Awaited && Awaited->NameOf == this)
        Awaited->NameOf = nullptr;
    Awaited.Reset();
    RefPtr<io::Device> Old = std::move(Replaced);
    ob::String Path;
    if (Old)
        if (auto Name = QueryName(); Name.Ok())
            Path = Name.Take();
    ob::MakePermanent(*this, false);
    if (Parent())
        Parent()->Remove(*this);
    if (!Path.IsEmpty())
        NameDevice(Ref<io::Device>(*Old), Path).Ignore();       // without memory the name is lost until a driver takes it
}

}
