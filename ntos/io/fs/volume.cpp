// Volumes and the file systems that mount them.
#include "ntos/io/fs/fs.hpp"

#include "lib/core/defer.hpp"
#include "ntos/ex/log.hpp"
#include "ntos/ps/process.hpp"

namespace io::fs {

using namespace nt;
using driver::Channel;
using driver::DriverDevice;

namespace {

constexpr u32 CdRom = 2, CdRomFileSystem = 3, Disk = 7, DiskFileSystem = 8, Mailslots = 0xC, NetworkFileSystem = 0x14, VirtualDisk = 0x24;

// The device objects that file systems registered; the one registered last is asked first.
Immortal<Vector<Ref<DriverDevice>>> FileSystems;
// Drivers whose file systems have gone with their processes.
Immortal<Vector<Ref<driver::Driver>>> Returning;

bool IsDisk(u32 Type) { return Type == Disk || Type == CdRom || Type == VirtualDisk; }
bool IsFileSystem(u32 Type) { return Type == DiskFileSystem || Type == CdRomFileSystem || Type == NetworkFileSystem || Type == Mailslots; }

}

constinit Immortal<Volume::VolumeList> Volume::All_;

Status Register(DriverDevice& Device, bool Add)
{
    for (usize I = 0; I < FileSystems->Size(); ++I) {
        if ((*FileSystems)[I].Get() != &Device)
            continue;
        if (Add)
            return STATUS_SUCCESS;
        FileSystems->RemoveAt(I);
        return STATUS_SUCCESS;
    }
    if (!Add)
        return STATUS_NOT_FOUND;
    if (!IsFileSystem(Device.DeviceType))
        return STATUS_INVALID_PARAMETER;
    return FileSystems->Push(Ref<DriverDevice>(Device));
}

Status CopyFileSystems(Vector<Ref<DriverDevice>>& To)
{
    for (Ref<DriverDevice>& F : *FileSystems)
        TRY(To.Push(Ref<DriverDevice>(*F)));
    return STATUS_SUCCESS;
}

Status CopyReturning(Vector<Ref<driver::Driver>>& To)
{
    for (usize I = Returning->Size(); I-- > 0;) {
        driver::Driver& D = *(*Returning)[I];
        if (D.Now() == driver::Driver::State::Running || !D.StartsAgain())
            Returning->RemoveAt(I);
        else
            TRY(To.Push(Ref<driver::Driver>(D)));
    }
    return STATUS_SUCCESS;
}

void VolumesChange(Channel* Dead)
{
    for (usize I = FileSystems->Size(); I-- > 0;)
        if (&(*FileSystems)[I]->In() == Dead) {
            bool Known = false;
            for (Ref<driver::Driver>& D : *Returning)
                Known |= D.Get() == &Dead->Of();
            if (!Known)
                Returning->Push(Ref<driver::Driver>(Dead->Of())).Ignore();  // without memory it is not waited for
            FileSystems->RemoveAt(I);
        }
    if (Dead)
        Stream::Ends(*Dead);                // but for those that are away
    for (bool Again = true; Again;) {
        Again = false;
        for (Volume& V : *Volume::All_) {
            if (V.State_ == Volume::State::Mounting || V.State_ == Volume::State::Away || !V.To || &V.To->In() != Dead)
                continue;
            V.Forget();
            Again = true;
            break;
        }
    }
}

bool HasFiles(const DriverDevice& D, const CreateParameters& How, bool HasRest)
{
    if (IsFileSystem(D.DeviceType))
        return true;
    // The attributes of a disk are the disk's own: that mounts nothing.
    constexpr ACCESS_MASK Harmless = FILE_READ_ATTRIBUTES | SYNCHRONIZE | READ_CONTROL | WRITE_DAC | WRITE_OWNER;
    return IsDisk(D.DeviceType) && (HasRest || (How.Access & ~Harmless));
}

// --- one volume

Result<Ref<Volume>> Volume::For(DriverDevice& On)
{
    for (Volume& V : *All_) {
        // A disk whose driver died and came back is the same disk: it has the same place.
        const RefPtr<driver::Seat>& Place = On.Awaited ? On.Awaited : On.Place;
        if (!Place || V.Place_ != Place)
            continue;
        // A RAW one nobody has open: perhaps a file system knows it by now.
        if (V.State_ == State::Gone || (V.State_ != State::Mounting && V.IsGone()) || (V.State_ == State::Raw && !V.Files)) {
            V.Forget();
            break;
        }
        return Ref<Volume>(V);
    }
    auto* New = new Volume(On);
    if (!New)
        return STATUS_INSUFFICIENT_RESOURCES;
    Ref<Volume> V = Ref<Volume>::Adopt(*New);
    if (IsFileSystem(On.DeviceType)) {
        V->To = RefPtr<DriverDevice>(&On);
        V->State_ = State::Mounted;
        V->Began_ = true;
        return V;                       // not kept: there is nothing to remember
    }
    All_->PushBack(*V);
    V->Listed_ = true;
    V->AddRef();                        // the list's
    return V;
}

Volume::~Volume()
{
    ASSERT(Waiting_.IsEmpty());
}

void Volume::Forget()
{
    if (State_ != State::Mounting)
        State_ = State_ == State::Gone || IsGone() ? State::Gone : State_;
    if (!Listed_)
        return;
    Listed_ = false;
    AllLink_.Unlink();
    Release();
}

void Volume::Dismounted()
{
    // Its files stay the file system's; whoever opens anew mounts anew.
    Forget();
}

// Asks a file system.
class MountIrp final : public driver::Irp {
public:
    MountIrp(Volume& Of, u64 Disk, DriverDevice& By) : Of_(Of)
    {
        Device = RefPtr<DriverDevice>(&By);
        M.What = wd::Kind::MountVolume;
        M.Device = By.Cookie;
        M.InputBytes = DataBytes = sizeof(About_);
        About_ = { Disk, 0, 0 };
    }
    Status CopyIn(Channel& In) override { return In.WriteData(*this, 0, &About_, sizeof(About_)); }
    void Done(Channel& In, Status Outcome, u64 Information, u64 Cookie, bool) override
    {
        if (Outcome.Ok() && !Cookie)
            Outcome = STATUS_DRIVER_INTERNAL_ERROR;
        Of_->Tried(Outcome, Information, Cookie, In);
    }

private:
    Ref<Volume> Of_;
    wd::Mount About_;
};

void Volume::Begin()
{
    if (std::exchange(Began_, true))
        return;
    Gather();
    TryNext();
}

void Volume::Gather()
{
    u32 Wanted = On().DeviceType == CdRom ? CdRomFileSystem : DiskFileSystem;
    for (Ref<DriverDevice>& F : *FileSystems) {
        bool Known = false;
        for (u64 Id : Tried_)
            Known |= Id == F->Id;
        if (F->DeviceType != Wanted || F->IsGone() || Known)
            continue;
        if (!ToTry_.Push(Ref<DriverDevice>(*F)).Ok() || !Tried_.Push(F->Id).Ok())
            break;
    }
}

void Volume::Recognized()
{
    Gather();
    TryNext();
}

void Volume::TryNext()
{
    if (On().IsGone() || !Place_) {
        End(STATUS_DEVICE_REMOVED);
        return;
    }
    driver::Seat& Disk = Place_->Top();
    while (!ToTry_.IsEmpty()) {
        Ref<DriverDevice> By = ToTry_.Last();
        ToTry_.Pop();
        if (By->IsGone())
            continue;
        Status S = By->In().Grant(Disk.Id());
        auto* I = S.Ok() ? new MountIrp(*this, Disk.Id(), *By) : nullptr;
        if (!I) {
            End(STATUS_INSUFFICIENT_RESOURCES);
            return;
        }
        By->In().Submit(*I);
        return;
    }
    if (!std::exchange(Recognized_, true)) {
        Own<ke::WorkItem> W(new (std::nothrow) ke::WorkItem);
        if (!W) {
            End(STATUS_INSUFFICIENT_RESOURCES);
            return;
        }
        ke::WorkItem::Launch(std::move(W), [&] { return Recognize(Ref<Volume>(*this)); });
        return;
    }
    // RAW: the disk itself.
    if (!Disk.Now()) {
        End(STATUS_DEVICE_NOT_READY);
        return;
    }
    To = RefPtr<DriverDevice>(Disk.Now());
    State_ = State::Raw;
    End(STATUS_SUCCESS);
}

void Volume::Tried(Status Outcome, u64 Serial, u64 Cookie, Channel& By)
{
    if (Outcome.Ok()) {
        for (DriverDevice& D : By.Of().Devices)
            if (D.Cookie == Cookie && !D.IsGone())
                To = RefPtr<DriverDevice>(&D);
        if (!To)
            Outcome = STATUS_DRIVER_INTERNAL_ERROR;
    }
    if (Outcome.Ok()) {
        State_ = State::Mounted;
        Serial_ = Serial;
        auto Name = On().QueryName();
        ex::Log("io: %S is mounted by %S\n", Name.Ok() ? Name.Value().View() : ob::Name(L"a volume"), By.Of().Name());
        End(STATUS_SUCCESS);
        return;
    }
    Lost_ |= By.IsDead();
    // Not its volume: the next. A medium that cannot be read is nobody's.
    if (Outcome == STATUS_UNRECOGNIZED_VOLUME || Outcome == STATUS_WRONG_VOLUME || Outcome == STATUS_INVALID_DEVICE_REQUEST || By.IsDead()) {
        TryNext();
        return;
    }
    End(Outcome);
}

void Volume::End(Status Outcome)
{
    Ref<Volume> Keep(*this);
    if (!Outcome.Ok()) {
        State_ = State::Gone;
        Forget();
    }
    while (Request* R = Waiting_.First()) {
        R->Link.Unlink();
        static_cast<FsFile&>(*R->Target).Continue(*R, Outcome);
    }
}

// --- opening

Result<ob::ParseResult> Open(DriverDevice& D, ob::OpenRequest& Request, CreateParameters& How, File* Start, ob::Name Rest, bool AtRoot)
{
    ob::String Name, Full;
    auto* From = static_cast<FsFile*>(Start);
    if (!From && Rest.Data)
        TRY(Name.Append(L"\\"));
    TRY(Name.Append(Rest));
    if (From) {
        TRY(Full.Append(TRY(From->RelativeName()).View()));
        if (!Rest.IsEmpty() && (Full.IsEmpty() || Full.Characters().Last() != L'\\'))
            TRY(Full.Append(L"\\"));
        TRY(Full.Append(Rest));
    } else {
        Full = TRY(ob::String::Copy(Name));
    }
    (void)AtRoot;
    How.Query = How.Query;              // answered by a request after the open
    ob::ParseResult R;
    R.Found = TRY(ob::Make<FsFile>(D, How, std::move(Name), std::move(Full), From, !(Request.Wanted.Flags & OBJ_CASE_INSENSITIVE)));
    return R;
}

}
