// File systems: the drivers that mount volumes, the volumes, and the files of file-system drivers.
//
// A Volume is NT's VPB: it ties a disk's device to the device a file system made for it, or to none (RAW: requests go to the disk itself). It is looked for when
// a file below the disk's name (or the disk itself, for more than its attributes) is opened and there is none: every registered file system of the disk's
// kind is asked in turn (IRP_MN_MOUNT_VOLUME), the one registered last first; opens wait meanwhile. When none knows it, those that the registry names and that have not
// run yet are started (recognize.cpp) and asked, too. A device that is a file system by its own type has its volume at once.
// An FsFile is NT's FILE_OBJECT of such a volume. Everything is a request to the file system as documented (IRP_MJ_*, buffers in the data area); the I/O manager's own
// parts (position, mode, access) are put in here.
// Cleanup: sent when the last handle is closed; NtClose waits for it. Close: when the last reference is gone.
// Death (recover.cpp): when the file system's process ends unasked, a volume with open files is Away. Its requests wait; the process started in its place mounts the disk again and opens each
// file by its path as it is now. What the process knew of an open file and nobody else does (Kept) is told it again. A file that is not there any more, or is another one, fails with
// STATUS_FILE_INVALID; when there is no other process, or another volume on the disk, all fail with STATUS_DEVICE_REMOVED.
#pragma once
#include "ntos/io/fs/stream.hpp"

namespace io::fs {

namespace wd = wire::driver;

class FsFile;

class Volume final : public RefCounted<Volume> {
public:
    enum class State : u8 { Mounting, Mounted, Raw, Away, Gone };
    // The volume of a device; made (and mounting begun by the first Open) if there is none. STATUS_ACCESS_DENIED: it is dismounted and locked.
    static Result<Ref<Volume>> For(driver::DriverDevice& On);
    ~Volume();
    State Now() const { return State_; }
    bool IsAway() const { return State_ == State::Away; }
    bool IsGone() const { return State_ == State::Gone || (State_ != State::Away && (!To || To->IsGone())); }
    // A Create that waits for the mount, or anything that waits for a volume that is away: FsFile::Continue is called when it is known how it went.
    void Wait(Request& R) { Waiting_.PushBack(R); }
    // Whether its files would be opened again.
    bool MayReturn() const { return Listed_ && State_ == State::Mounted; }
    // Of one that is away: closed meanwhile, to be told when it is back.
    Status Closed(FsFile& F);
    ke::Event Back { ke::Event::Notification, true };   // set while it is not away
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
    friend void ProcessLost(driver::Channel&, ps::Process&);
    friend void ProcessEnded(driver::Driver&);
    friend struct Recovery;
    explicit Volume(driver::DriverDevice& On) : On_(&On), Place_(On.Place) { }
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
    void TryNext();
    void Gather();                      // the file systems that have not been asked
    static ke::Task<> Recognize(Ref<Volume> V);
    void Recognized();
    void Tried(Status Outcome, u64 Serial, u64 Cookie, driver::Channel& By);
    void End(Status Outcome);           // mounting is over: the waiting go on
    void Forget();                      // out of the list
    RefPtr<driver::DriverDevice> On_;
    RefPtr<driver::Seat> Place_;
    State State_ = State::Mounting;
    bool Began_ = false, Listed_ = false, Recognized_ = false, Recovering_ = false, Lost_ = false;     // Lost_: one that was asked has ended
    u64 Serial_ = 0;                    // of the volume, as its VPB has it
    Vector<Ref<FsFile>> Closing_;
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
// The drivers of those whose process has ended and is being started again.
Status CopyReturning(Vector<Ref<driver::Driver>>& To);
// All of them have written what they keep, or do not answer. For the end of the system.
ke::Task<> Shutdown();
// A driver's process has ended, in this order. Before its requests are lost: volumes with open files are away from here on.
void ProcessLost(driver::Channel& Dead, ps::Process& P);
// Its other volumes, and its file systems, are forgotten.
void VolumesChange(driver::Channel* Dead);
// It is known whether there will be another: the volumes that are away wait for it, or are given up.
void ProcessEnded(driver::Driver& Of);
// Whether opens of this device are opens of a file system's files.
bool HasFiles(const driver::DriverDevice& D, const CreateParameters& How, bool HasRest);
Result<ob::ParseResult> Open(driver::DriverDevice& D, ob::OpenRequest& Request, CreateParameters& How, File* Start, ob::Name Rest, bool AtRoot);

// Of a name in a listing, in parts.
inline constexpr u32 NameHashStart = 2166136261u;
inline u32 NameHash(u32 Hash, const wchar_t* Text, u32 Length)
{
    for (u32 I = 0; I < Length; ++I)
        Hash = (Hash ^ Text[I]) * 16777619u;
    return Hash;
}

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
    ke::Task<> AskName(ke::Caller& Caller, ob::String& To) override { return Object::AskName(Caller, To); }
    bool IsDirectOpen() const override { return false; }
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
    Stream* StreamOf() const { return Stream_.Get(); }
    // What this request waited for (the mount, the volume to come back) is over.
    void Continue(Request& R, Status Outcome);

private:
    friend class FsIrp;
    friend class CleanupIrp;
    friend class IdIrp;
    friend class Volume;
    friend struct Recovery;
    friend void ProcessLost(driver::Channel&, ps::Process&);
    // What the file system's process knows of this open and would be lost with it.
    struct Kept {
        struct Lock {
            u64 Offset, Length;
            u32 Key;
            bool Exclusive;
            Ref<ps::Process> By;
        };
        Vector<Lock> Locks;
        Vector<u8> Pattern;             // of a listing, as it was given
        Vector<u32> Shown;              // hashes of the names that have been listed, in order
        Vector<u8> Times;               // FILE_BASIC_INFORMATION, as set last
        bool Lists = false, ListAnew = false;       // ListAnew: the next listing begins it, with the pattern
        bool Watches = false, MissedChanges = false;
        bool DeletePending = false;
        static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
        static void operator delete(void* At) { ::operator delete(At); }
    };
    Kept* Keep();                       // null: no memory
    void Remember(Request& R, u64 Information, driver::Channel& In, const driver::Irp& I);
    void Listed(const Request& R, u64 Information, driver::Channel& In, const driver::Irp& I);
    void DeletionIs(bool Pending);
    void LearnId();
    static bool MayRepeat(const Request& R);
    void Break(NTSTATUS Why);           // it fails from now on
    bool IsClosed() const { return CleanupSent_ && CleanupDone_.State(); }
    Result<ob::String> NameAfter(const Request& Rename) const;
    void RenameTo(ob::String New);
    static ke::Task<> PrepareLater(Ref<FsFile> F);
    static Result<ob::String> NameOf(const FsFile& F);
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
    Own<Kept> Kept_;
    u64 Id_ = 0;                        // FileInternalInformation; 0: not known
    NTSTATUS Broken_ = 0;
    bool Unsure_ = false;               // the Create was with a process that ended
    bool Wrote_ = false;                // by requests to the file system
    bool Modified_ = false;             // by a write the file system has not seen
    bool Opened_ = false, Target_, CaseSensitive_, DeletesOnClose_, CleanupSent_ = false, Dying_ = false;
    ke::Event CleanupDone_ { ke::Event::Notification, false };
};

}
