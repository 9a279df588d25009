// File systems: the drivers that mount volumes, the volumes, and the files of file-system drivers.
//
// A Volume is NT's VPB: it ties a disk's device to the device a file system made for it, or to none (RAW: requests go to the disk itself). It is looked for when
// a file below the disk's name (or the disk itself, for more than its attributes) is opened and there is none: every registered file system of the disk's
// kind is asked in turn (IRP_MN_MOUNT_VOLUME), the one registered last first; opens wait meanwhile. When none knows it, those that the registry names and that have not
// run yet are started (recognize.cpp) and asked, too. A device that is a file system by its own type has its volume at once.
// An FsFile is NT's FILE_OBJECT of such a volume. Everything is a request to the file system as documented (IRP_MJ_*, buffers in the data area); the I/O manager's own
// parts (position, mode, access) are put in here.
// Cleanup: sent when the last handle is closed; NtClose waits for it. Close: when the last reference is gone.
// A volume whose file system's process ended is forgotten; its files fail with STATUS_DEVICE_REMOVED, the next open mounts again.
#pragma once
#include "ntos/io/fs/stream.hpp"

namespace io::fs {

namespace wd = wire::driver;

class FsFile;

class Volume final : public RefCounted<Volume> {
public:
    enum class State : u8 { Mounting, Mounted, Raw, Gone };
    // The volume of a device; made (and mounting begun by the first Open) if there is none. STATUS_ACCESS_DENIED: it is dismounted and locked.
    static Result<Ref<Volume>> For(driver::DriverDevice& On);
    ~Volume();
    State Now() const { return State_; }
    bool IsGone() const { return State_ == State::Gone || !To || To->IsGone(); }
    // A Create that waits for the mount: FsFile::Mounted is called when it is known how it went.
    void Wait(Request& Create) { Waiting_.PushBack(Create); }
    void Begin();
    void Dismounted();                  // by FSCTL_DISMOUNT_VOLUME: new opens mount again
    RefPtr<driver::DriverDevice> To;    // where requests go: the file system's device for it, or (RAW) the disk
    u32 Files = 0;
    const FsFile* LockedBy = nullptr;   // the handle that has it locked
    driver::DriverDevice& On() const { return *On_; }

private:
    friend class MountIrp;
    friend class RefCounted<Volume>;
    friend void VolumesChange(driver::Channel*);
    explicit Volume(driver::DriverDevice& On) : On_(&On), Place_(On.Place) { }
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
    void TryNext();
    void Gather();                      // the file systems that have not been asked
    static ke::Task<> Recognize(Ref<Volume> V);
    void Recognized();
    void Tried(Status Outcome, u64 Cookie, driver::Channel& By);
    void End(Status Outcome);           // mounting is over: the waiting go on
    void Forget();                      // out of the list
    RefPtr<driver::DriverDevice> On_;
    RefPtr<driver::Seat> Place_;
    State State_ = State::Mounting;
    bool Began_ = false, Listed_ = false, Recognized_ = false;
    Vector<Ref<driver::DriverDevice>> ToTry_;
    Vector<u64> Tried_;                 // ids of devices
    core::List<Request, &Request::Link> Waiting_;
    core::ListNode<Volume> AllLink_;
    using VolumeList = core::List<Volume, &Volume::AllLink_>;
    static Immortal<VolumeList> All_;
};

// Control::RegisterFileSystem: the device's file system is asked to mount from now on.
Status Register(driver::DriverDevice& Device, bool Add);
// The registered ones. Only without memory it fails.
Status CopyFileSystems(Vector<Ref<driver::DriverDevice>>& To);
// All of them have written what they keep, or do not answer. For the end of the system.
ke::Task<> Shutdown();
// A driver's process has ended: its volumes and file systems are forgotten.
void VolumesChange(driver::Channel* Dead);
// Whether opens of this device are opens of a file system's files.
bool HasFiles(const driver::DriverDevice& D, const CreateParameters& How, bool HasRest);
Result<ob::ParseResult> Open(driver::DriverDevice& D, ob::OpenRequest& Request, CreateParameters& How, File* Start, ob::Name Rest, bool AtRoot);
// A driver's message about a file (wd::ReplyKind::FileIs). False: it makes no sense.
bool FileIs(driver::Irp& Create, u64 FsContext, u64 SectionObject);

class FsFile final : public driver::DriverFile {
public:
    FsFile(driver::DriverDevice& Of, const CreateParameters& How, ob::String Name, ob::String Full, FsFile* Related, bool CaseSensitive);
    ~FsFile() override;
    bool IsOfFileSystem() const override { return true; }
    void CreateEnds(Status) override { }
    Status Start(Request& R) override;
    void Withdraw(Request& R) override;
    void Cleanup() override;
    void HandleClosedBy(ps::Process& By, bool LastOfProcess) override { ClosedBy_ = By.Id(); }
    bool HasPosition() const override { return GetDevice().DeviceType != FILE_DEVICE_MAILSLOT; }
    ke::Event* CleanupEnds() override { return CleanupSent_ ? &CleanupDone_ : nullptr; }
    Result<ob::String> RelativeName() override { return ob::String::Copy(Full_); }
    Result<ob::String> QueryName() override;
    Status QueryVolume(FSINFOCLASS Class, InfoBuffer& To) override;
    // --- cached.cpp
    Status TryRead(Transfer& T) override;
    Status TryWrite(Transfer& T) override;
    bool WaitsForSections() const override { return true; }
    ke::Task<> PrepareSection() override;
    ke::Task<> ExtendDataLater(u64 Size) override;
    RefPtr<mm::PageStore> DataStore() override;
    u64 DataSize() override;
    static FsFile* ByCookie(driver::Channel& In, u64 Cookie);   // null
    u64 FsCookie() const { return FsCookie_; }
    fs::Volume* Of() const { return Volume_.Get(); }
    // The mount this Create waited for is over.
    void Mounted(Request& Create, Status Outcome);

private:
    friend class FsIrp;
    friend class CleanupIrp;
    Status Send(Request& R);
    void SendPlain(u8 Major);
    // Whether the cache has it and the file system lets it be used without being asked.
    bool IsFast() const;
    bool IsUncached() const { return Options() & FILE_NO_INTERMEDIATE_BUFFERING; }
    bool StartCached(Request& R);
    static ke::Task<> RunCached(Ref<FsFile> F, Ref<Request> R);
    Status CheckCreate() const;
    void Renamed(const Request& R);
    RefPtr<fs::Volume> Volume_;
    RefPtr<FsFile> Start_;              // that this one was opened relative to, until it is open
    ob::String Full_;                   // name from the root of the volume
    u64 FsCookie_ = 0, ClosedBy_ = 0, AllocationSize_;
    RefPtr<Stream> Stream_;
    cc::Cursor Cursor_;
    core::ListNode<FsFile> CookieLink_;
    using CookieList = core::List<FsFile, &FsFile::CookieLink_>;
    static Immortal<CookieList> Open_;
    bool Modified_ = false;             // by a write the file system has not seen
    bool Opened_ = false, Target_, CaseSensitive_, CleanupSent_ = false, Dying_ = false;
    ke::Event CleanupDone_ { ke::Event::Notification, false };
};

}
