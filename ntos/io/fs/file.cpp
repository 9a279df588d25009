// Files of file-system drivers: their requests as IRPs.
#include <string.h>

#include "ntos/io/create.hpp"
#include "ntos/io/driver/client_irp.hpp"
#include "ntos/io/driver/stack.hpp"
#include "ntos/io/fs/fs.hpp"
#include "ntos/io/issue.hpp"

namespace io::fs {

using namespace nt;
using driver::Channel;
using driver::DriverDevice;
using driver::Irp;

namespace mj = driver::mj;
using driver::IrpNoCache;
// wdm.h's SL_OPEN_TARGET_DIRECTORY and SL_CASE_SENSITIVE
constexpr u8 OpenTargetDirectory = 0x04, CaseSensitive = 0x80;
// More is done in parts, so that one request does not take the whole data area.
constexpr u32 MostAtOnce = 512 * 1024, MostLent = 16 * MiB;

class FsIrp final : public driver::ClientIrp {
public:
    explicit FsIrp(Request& R) : ClientIrp(R) { }
    Status Fill();
    Status CopyIn(Channel& In) override;
    void Done(Channel& In, Status Outcome, u64 Information, u64 Cookie, bool Sent) override;
    void Learn(u64 FsContext, u64 SectionObject)
    {
        auto& F = static_cast<FsFile&>(*R_.Target);
        if (auto S = Stream::Of(Device->In(), SectionObject, FsContext); S.Ok())
            F.Stream_ = RefPtr<Stream>(S.Take());       // without memory it is not cached
    }
    bool IsCreate() const { return R_.What == Operation::Create; }

private:
    Status Transfer(bool Write);
    void Succeeded(Channel& In, u64 Information, u64 Cookie);
};

bool FileIs(Irp& Create, u64 FsContext, u64 SectionObject)
{
    if (Create.M.What != wd::Kind::Irp || Create.M.Major != mj::Create || !Create.IsOfFileSystem)
        return false;
    static_cast<FsIrp&>(Create).Learn(FsContext, SectionObject);
    return true;
}

// Context[1] counts the bytes of the parts that are done.
Status FsIrp::Transfer(bool Write)
{
    auto& T = R_.Data;
    auto& F = static_cast<FsFile&>(*R_.Target);
    u64 Before = PartAt_ = R_.Context[1], Left = T.Length - Before;
    bool Lends = !R_.ForExecutive && Left >= 2 * PageSize && (F.Volume_->Now() == Volume::State::Raw || F.Options() & FILE_NO_INTERMEDIATE_BUFFERING);
    if (Lends) {
        // As it is, without a copy.
        u32 All = Left < MostLent ? u32(Left) : MostLent;
        auto Pages = driver::Loan::OfMemory(*R_.Process, T.Address + Before, All, Write);
        Device = F.Volume_->To;
        Lends = Pages.Ok() && Device && Lend(Pages.Take()).Ok();
        Left = Lends ? All : Left;
    }
    u32 Now = Lends || Left < MostAtOnce ? u32(Left) : MostAtOnce;
    M.Major = Write ? mj::Write : mj::Read;
    M.Parameters[0] = Now;
    M.Parameters[1] = T.Key;
    M.Parameters[2] = T.Append ? ~u64(0) : T.Offset + Before;
    if (R_.Target->Options() & FILE_NO_INTERMEDIATE_BUFFERING)
        M.IrpFlags |= IrpNoCache;
    if (Lends)
        return STATUS_SUCCESS;
    if (Write) {
        Layout(Now, 0, false);
        if (!R_.ForExecutive)
            InputFromUser_ = Now;       // else it is Request::Input
    } else {
        Layout(0, Now, false);
    }
    return STATUS_SUCCESS;
}

Status FsIrp::Fill()
{
    auto& F = static_cast<FsFile&>(*R_.Target);
    IsOfFileSystem = true;
    M.What = wd::Kind::Irp;
    M.RequestorMode = 1;
    Device = F.Volume_->To;
    M.Device = Device->Cookie;
    M.File = F.FsCookie_;
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
        M.Related = F.Start_ ? F.Start_->FsCookie_ : 0;
        M.StackFlags = u8((F.Target_ ? OpenTargetDirectory : 0) | (F.CaseSensitive_ ? CaseSensitive : 0));
        P[0] = Ea;
        P[1] = F.AllocationSize_;
        Layout(Name, Ea, false);
        M.Mode = wd::Transfer::None;
        return STATUS_SUCCESS;
    }
    case Operation::Read: return Transfer(false);
    case Operation::Write: return Transfer(true);
    case Operation::DeviceControl:
    case Operation::FsControl:
        FillControl();
        return CopyControl();
    case Operation::SetInformation:
        if (R_.Code == FileRenameInformation || R_.Code == FileLinkInformation || R_.Code == FileRenameInformationEx || R_.Code == FileLinkInformationEx) {
            auto* Other = static_cast<FsFile*>(R_.Other.Get());
            P[2] = Other ? Other->FsCookie_ : 0;
            P[3] = R_.Input[0] & 1;     // ReplaceIfExists; in the Ex forms the flag of that meaning
        }
        return FillOther();
    case Operation::Unlock:
        M.Major = mj::LockControl;
        M.Minor = 2;                    // IRP_MN_UNLOCK_SINGLE
        P[0] = R_.LockLength;
        P[1] = R_.Data.Key;
        P[2] = R_.Data.Offset;
        return STATUS_SUCCESS;
    case Operation::QueryDirectory:
        M.Major = mj::DirectoryControl;
        M.Minor = 1;                    // IRP_MN_QUERY_DIRECTORY
        M.StackFlags = u8(R_.LockLength);       // SL_RESTART_SCAN, SL_RETURN_SINGLE_ENTRY
        P[0] = R_.Data.Length;
        P[2] = R_.Code;
        Layout(u32(R_.Input.Size()), R_.Data.Length, false);
        return STATUS_SUCCESS;
    default:
        return FillOther();
    }
}

Status FsIrp::CopyIn(Channel& In)
{
    auto& F = static_cast<FsFile&>(*R_.Target);
    if (R_.What == Operation::Create) {
        TRY(In.WriteData(*this, 0, F.Name_.View().Data, M.InputBytes));
        return M.OutputBytes ? In.WriteData(*this, M.OutputOffset, F.Ea_.Data(), M.OutputBytes) : Status(STATUS_SUCCESS);
    }
    return CopyInData(In);
}

// What the I/O manager itself knows of a request that went well.
void FsIrp::Succeeded(Channel& In, u64 Information, u64 Cookie)
{
    auto& F = static_cast<FsFile&>(*R_.Target);
    switch (R_.What) {
    case Operation::Create:
        F.FsCookie_ = Cookie;
        F.Opened_ = true;
        FsFile::Open_->PushFront(F);
        break;
    case Operation::Write:
        // A write at the end went where the file system says.
        if (R_.Data.Append && Cookie >= Information && R_.Target->IsSynchronous())
            R_.Data.Offset = Cookie - Information - R_.Context[1];
        break;
    case Operation::QueryInformation:
        // The I/O manager's parts of the answer.
        if (R_.Code == FileAllInformation && Information >= offsetof(FILE_ALL_INFORMATION, NameInformation)) {
            constexpr u32 At = offsetof(FILE_ALL_INFORMATION, AccessInformation);
            struct {
                u32 Access;
                u32 Position[2];
                u32 Mode, Alignment;
            } Mine { u32(R_.InputAddress), { u32(F.Position), u32(F.Position >> 32) }, F.Mode(), 0 };
            static_assert(offsetof(FILE_ALL_INFORMATION, PositionInformation) == At + 4 && offsetof(FILE_ALL_INFORMATION, NameInformation) == At + sizeof(Mine));
            In.WriteData(*this, At, &Mine, sizeof(Mine)).Ignore();      // it is in the data area, whose length was checked
        }
        break;
    case Operation::SetInformation:
        if (R_.Code == FileRenameInformation || R_.Code == FileRenameInformationEx)
            F.Renamed(R_);
        break;
    case Operation::FsControl:
        if (R_.Code == FSCTL_LOCK_VOLUME)
            F.Volume_->LockedBy = &F;
        else if (R_.Code == FSCTL_UNLOCK_VOLUME)
            F.Volume_->LockedBy = nullptr;
        else if (R_.Code == FSCTL_DISMOUNT_VOLUME)
            F.Volume_->Dismounted();
        break;
    default: break;
    }
}

void FsIrp::Done(Channel& In, Status Outcome, u64 Information, u64 Cookie, bool Sent)
{
    auto& F = static_cast<FsFile&>(*R_.Target);
    if (Outcome == STATUS_PENDING)      // no final status: a mistake of the driver's
        Outcome = STATUS_DRIVER_INTERNAL_ERROR;
    if (R_.What == Operation::Create)
        F.Start_.Reset();
    if (Sent && Outcome.Ok() && !In.IsDead())
        Succeeded(In, Information, Cookie);
    bool ReadsBack = R_.What != Operation::Create && M.OutputBytes && !Lent();
    if (Sent && ReadsBack && (BackWhole_ || !IsError(Outcome)) && !In.IsDead()) {
        u64 Bytes = BackWhole_ || Information > M.OutputBytes ? M.OutputBytes : Information;
        Status S;
        if (R_.ForExecutive) {
            S = R_.Reply.Resize(Bytes);
            if (S.Ok() && Bytes)
                S = In.ReadData(*this, M.OutputOffset, R_.Reply.Data(), u32(Bytes));
        } else {
            S = In.DataToUser(*this, M.OutputOffset, *R_.Process, R_.Data.Address + (R_.What == Operation::Read ? R_.Context[1] : 0), Bytes);
        }
        if (!S.Ok()) {
            Outcome = S;
            Information = 0;
        }
    }
    R_.Context[0] = 0;
    if ((R_.What == Operation::Read || R_.What == Operation::Write) && !IsError(Outcome)) {
        R_.Context[1] += Information;
        bool More = Information == M.Parameters[0] && R_.Context[1] < R_.Data.Length;
        if (More && !R_.IsCancelling() && F.Send(R_) == STATUS_PENDING)
            return;
        Information = R_.Context[1];
    } else if (R_.Context[1] && (R_.What == Operation::Read || R_.What == Operation::Write)) {
        // A part failed behind others that went well: those are what was done.
        Outcome = STATUS_SUCCESS;
        Information = R_.Context[1];
    }
    R_.Complete(Outcome, Information);
}

// A request without a client: close, and cleanup where nobody waits.
class PlainIrp final : public Irp {
public:
    explicit PlainIrp(Volume& Of) : Of_(Of) { }
    void Done(Channel& In, Status, u64, u64, bool) override
    {
        if (M.Major == mj::Close && --In.Closes == 0)
            In.ClosesEnd.Set();
    }

private:
    Ref<Volume> Of_;
};

class CleanupIrp final : public Irp {
public:
    explicit CleanupIrp(FsFile& Of) : Of_(Of) { }
    void Done(Channel&, Status, u64, u64, bool) override { Of_->CleanupDone_.Set(); }

private:
    Ref<FsFile> Of_;
};

FsFile::FsFile(DriverDevice& Of, const CreateParameters& How, ob::String Name, ob::String Full, FsFile* Related, bool CaseSensitive)
    : DriverFile(Of, Of, How, std::move(Name), 0), Start_(Related), Full_(std::move(Full)), AllocationSize_(How.AllocationSize), Target_(How.TargetFolder), CaseSensitive_(CaseSensitive)
{
}

FsFile::~FsFile()
{
    Dying_ = true;
    CleanupOnce();
    CookieLink_.Unlink();
    Stream_.Reset();
    if (Opened_)
        SendPlain(mj::Close);
    if (Volume_)
        --Volume_->Files;
}

void FsFile::SendPlain(u8 Major)
{
    if (!Volume_ || Volume_->IsGone())
        return;
    auto* I = new PlainIrp(*Volume_);
    if (!I)
        return;                         // without memory the driver does not hear of it
    I->M.What = wd::Kind::Irp;
    I->M.Major = Major;
    I->Device = Volume_->To;
    I->M.Device = I->Device->Cookie;
    I->M.File = FsCookie_;
    I->M.Process = ClosedBy_;
    I->M.Parameters[0] = Major == mj::Cleanup && Modified_;
    Ref<Channel> In(Volume_->To->In());
    In->Closes += Major == mj::Close;
    In->Submit(*I);
}

void FsFile::Cleanup()
{
    if (Volume_ && Volume_->LockedBy == this)
        Volume_->LockedBy = nullptr;
    if (!Opened_ || Volume_->IsGone())
        return;
    if (Dying_) {
        SendPlain(mj::Cleanup);
        return;
    }
    auto* I = new CleanupIrp(*this);
    if (!I)
        return;
    I->M.What = wd::Kind::Irp;
    I->M.Major = mj::Cleanup;
    I->M.Parameters[0] = Modified_;
    I->Device = Volume_->To;
    I->M.Device = I->Device->Cookie;
    I->M.File = FsCookie_;
    I->M.Process = ClosedBy_;
    CleanupSent_ = true;
    Ref<Channel>(Volume_->To->In())->SubmitAndLook(*I);
}

// A disk with a file system is told as one: GetDriveType of the packaged kernelbase asks for that (docs/DIFFERENCES.md).
Status FsFile::QueryVolume(FSINFOCLASS Class, InfoBuffer& To)
{
    u32 On = GetDevice().DeviceType;
    if (Class != FileFsDeviceInformation || !Volume_ || Volume_->Now() != fs::Volume::State::Mounted || (On != FILE_DEVICE_DISK && On != FILE_DEVICE_CD_ROM))
        return File::QueryVolume(Class, To);
    To.Fixed(FILE_FS_DEVICE_INFORMATION { On == FILE_DEVICE_DISK ? FILE_DEVICE_DISK_FILE_SYSTEM : FILE_DEVICE_CD_ROM_FILE_SYSTEM, GetDevice().Characteristics });
    return STATUS_SUCCESS;
}

Result<ob::String> FsFile::QueryName()
{
    // By the drive letter, if there is one: that is what the Win32 library used here takes apart.
    ob::String Path = TRY(GetDevice().QueryName());
    wchar_t Link[] = L"\\GLOBAL??\\A:";
    for (wchar_t Letter = L'A'; Letter <= L'Z'; ++Letter) {
        Link[10] = Letter;
        auto Found = ob::LookupKernel(ob::Name(Link, 12), true);
        if (!Found.Ok() || &Found.Value()->GetType() != &ob::SymbolicLink::Type || !ob::Equal(static_cast<ob::SymbolicLink&>(*Found.Value()).Target(), Path, true))
            continue;
        Path.Characters().Clear();
        TRY(Path.Append(L"\\??\\A:"));
        Path.Characters()[4] = Letter;
        break;
    }
    TRY(Path.Append(Full_.View()));
    return Path;
}

// The name it has from now on. Without memory the old one stays: it is only told.
void FsFile::Renamed(const Request& R)
{
    ob::String New;
    if (auto* To = static_cast<FsFile*>(R.Other.Get())) {
        auto Copy = ob::String::Copy(To->Full_);
        if (Copy.Ok())
            Full_ = Copy.Take();
        return;
    }
    constexpr usize NameAt = offsetof(FILE_RENAME_INFORMATION, FileName);
    usize Folder = Full_.View().Length;
    while (Folder && Full_.View().Data[Folder - 1] != L'\\')
        --Folder;
    auto Put = [&]() -> Status {
        TRY(New.Append(Full_.View().Up(Folder)));
        return New.Append(ob::Name(reinterpret_cast<const wchar_t*>(R.Input.Data() + NameAt), (R.Input.Size() - NameAt) / 2));
    };
    if (R.Input.Size() > NameAt && Put().Ok())
        Full_ = std::move(New);
}

// What only the I/O manager can refuse.
Status FsFile::CheckCreate() const
{
    if (Volume_->Now() == Volume::State::Raw && !Name_.IsEmpty() && !(Name_.View().Length == 1))
        return STATUS_UNRECOGNIZED_VOLUME;
    return STATUS_SUCCESS;
}

Status FsFile::Start(Request& R)
{
    if (R.What == Operation::Create && !Volume_) {
        if (Start_) {
            if (!Start_->Volume_ || !Start_->Opened_)
                return STATUS_OBJECT_PATH_NOT_FOUND;
            Volume_ = Start_->Volume_;
        } else {
            Volume_ = RefPtr<Volume>(TRY(Volume::For(Device())));
        }
        ++Volume_->Files;
        if (Volume_->Now() == Volume::State::Mounting) {
            R.Context[0] = 0;
            Volume_->Wait(R);
            RefPtr<Volume> Keep = Volume_;
            Keep->Begin();
            return STATUS_PENDING;
        }
    }
    if (!Volume_ || Volume_->IsGone())
        return STATUS_DEVICE_REMOVED;
    if (R.What == Operation::Create)
        TRY(CheckCreate());
    R.Context[1] = 0;
    if (StartCached(R))
        return STATUS_PENDING;
    return Send(R);
}

void FsFile::Mounted(Request& R, Status Outcome)
{
    if (Outcome.Ok())
        Outcome = CheckCreate();
    if (Outcome.Ok())
        Outcome = Send(R);
    if (!(Outcome == STATUS_PENDING))
        R.Complete(Outcome, 0);
}

Status FsFile::Send(Request& R)
{
    if (Volume_->IsGone())
        return STATUS_DEVICE_REMOVED;
    auto* I = new FsIrp(R);
    if (!I)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (Status S = I->Fill(); !S.Ok()) {
        delete static_cast<Irp*>(I);
        return S;
    }
    R.Context[0] = reinterpret_cast<u64>(static_cast<Irp*>(I));
    Ref<Channel>(Volume_->To->In())->SubmitAndLook(*I);
    return STATUS_PENDING;
}

void FsFile::Withdraw(Request& R)
{
    auto* I = reinterpret_cast<Irp*>(R.Context[0]);
    if (!I && R.What == Operation::Create) {    // it waits for the mount
        R.Link.Unlink();
        return;
    }
    R.CancelLater();
    if (!I)                             // the cache has it: it ends soon
        return;
    I->Cancel();
}

}
