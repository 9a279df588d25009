// Drivers in processes of their own: the Executive's side.
//
// A Driver is a service key's driver: \Driver\Name, and the process that runs it (wdm/host). Its Channel is the shared memory with
// the two rings (abi/wire/driver.hpp). A DriverDevice is a device the driver made; a DriverFile is an open file of it, whose requests become Irps.
// An Irp is queued (no room in the ring or in the data area), sent, or done. What a driver writes into the rings is copied, checked, and believed only
// where it concerns the driver itself: an answer to a request that was not sent ends its process.
// A cancelled request stays with the driver until the driver completes it, as on NT; its client may be gone by then.
// Death: when the process ends, its Irps complete with STATUS_DEVICE_REMOVED, its devices leave the namespace (handles to them fail with the same
// status), and unless it ended on purpose the driver is started again after a pause, which doubles each time, a limited number of times. Irps sent to
// a seat of a device stack (stack.hpp) that can be repeated wait for that instead. A process that takes no request for ten seconds although there are some
// (it spins in a dispatch routine or above) is ended.
// Large direct transfers are lent: the driver gets frame numbers, and the pages themselves if it asks (Loan); small ones, and those of METHOD_NEITHER, are
// copied through the data area. An Irp whose pages were lent on with another one is done only when that one is.
// Differs from Windows: NtClose does not wait for IRP_MJ_CLEANUP (it is sent before anything that is issued later); pages lent for a write cannot be
// written to.
#pragma once
#include "abi/wire/driver.hpp"
#include "ntos/io/io.hpp"
#include "ntos/mm/phys.hpp"
#include "ntos/mm/section.hpp"
#include "ntos/ps/process.hpp"

namespace io::driver {

namespace wd = wire::driver;

class Channel;
class Driver;
class Hardware;
class DriverDevice;
class DriverFile;
class Seat;

// IRP_MJ_ and IRP_ flags, as wdm.h has them.
namespace mj {
inline constexpr u8 Create = 0x00, Close = 0x02, Read = 0x03, Write = 0x04, QueryInformation = 0x05, SetInformation = 0x06, FlushBuffers = 0x09,
                    QueryVolume = 0x0A, SetVolume = 0x0B, DirectoryControl = 0x0C, FsControl = 0x0D, DeviceControl = 0x0E, InternalControl = 0x0F, Shutdown = 0x10,
                    LockControl = 0x11, Cleanup = 0x12, Power = 0x16, SystemControl = 0x17, Pnp = 0x1B, Most = 0x1B;
// Of Pnp:
inline constexpr u8 QueryDeviceRelations = 0x07;
}
inline constexpr u32 IrpNoCache = 0x1, IrpPagingIo = 0x2, IrpSynchronousPagingIo = 0x40;

// --- requests of the Executive's own whose data is whole frames: paging I/O, the cache.

// How it ended; called once, perhaps before SendPages returns, on the dispatcher thread. Bytes: the driver's Information, at most what was asked for.
using PagesDone = void (*)(void* Context, Status Outcome, u64 Bytes);
struct PagesCall {
    u8 Major = mj::Read;                // or mj::Write
    u8 StackFlags = 0;
    u32 IrpFlags = IrpPagingIo | IrpNoCache;
    u64 Offset = 0;                     // bytes, in the device or file
    u32 Bytes = 0;
    u32 FirstByte = 0;                  // of the data in the first frame
    std::span<const mm::Pfn> Frames;    // copied by SendPages, which takes references of its own until the driver has answered
    u64 FileCookie = 0;                 // of the FILE_OBJECT in the driver's process; 0: none
    RefPtr<ob::Object> Keep;            // kept until it is done (the file of that cookie)
    PagesDone Done = nullptr;
    void* Context = nullptr;
};
// Sends it to the top of To's stack. The driver reaches the frames (by address only if it maps them, and for a write only to read) until it answers, not later.
void SendPages(DriverDevice& To, const PagesCall& Call);

// Frames lent with a request.
struct Loan {
    ~Loan();                            // gives the references back
    // Takes references. Address: of a process's memory, made present (Write: as for writing). STATUS_ACCESS_VIOLATION ...
    static Result<Own<Loan>> OfFrames(std::span<const mm::Pfn> Frames, u32 Offset, u32 Bytes, bool ReadOnly);
    static Result<Own<Loan>> OfMemory(ps::Process& P, u64 Address, u32 Bytes, bool ReadOnly);
    Result<Own<Loan>> Part(u32 FromFirstPage, u32 Bytes, bool ReadOnly) const;
    Vector<mm::Pfn> Frames;
    u32 Offset = 0, Bytes = 0;          // of the first byte in the first frame; length
    bool ReadOnly = false;
    u64 MappedAt = 0;                   // in the driver's process; 0: not
    static void* operator new(usize Size) noexcept { return ::operator new(Size, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
};

// The FILE_OBJECTs that drivers below the top of a stack have made for one open file, when its IRP_MJ_CREATE was sent on to them.
class LowerFiles : public RefCounted<LowerFiles> {
public:
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
    u64 Find(const DriverDevice& Of) const;     // the cookie; 0
    void Put(DriverDevice& Of, u64 Cookie);

private:
    struct One {
        RefPtr<DriverDevice> Device;
        u64 Cookie;
    };
    Vector<One> Files_;
};

// One request on its way through a driver process. Deletes itself after Done.
class Irp {
public:
    core::ListNode<Irp> Link;           // of its channel (queued or sent) or seat (held)
    wd::Message M {};
    u32 DataBytes = 0;                  // wanted of the data area
    RefPtr<DriverFile> File;            // kept until it is done
    RefPtr<DriverDevice> Device;
    RefPtr<LowerFiles> Lower;           // of the file it is for
    bool MayRepeat = false;             // having been done twice is as good as once
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
    // Fills the data (Room for DataBytes; a client's memory is copied). A failure is the end of the request.
    virtual Status CopyIn(Channel& In) { return STATUS_SUCCESS; }
    // It ended. Sent tells whether the driver has had it (and the data area what it left there).
    virtual void Done(Channel& In, Status Outcome, u64 Information, u64 Cookie, bool Sent) = 0;
    // The dispatch routine has returned without an answer (told if M.Flags has TellPending).
    virtual void Pends(Status Returned) { }
    // Before Done, of an answer: Reply::Minor and, with HasReturned, what the dispatch routine returned.
    virtual void Ends(u8 How, Status Returned) { }
    // Of a Create of a file system's: the driver's message about the file (wd::ReplyKind::FileIs). False: it makes no sense.
    virtual bool Learn(u64 FsContext, u64 SectionObject) { return false; }
    // It is about to be sent to Device: whatever names something of its process.
    virtual void Address() { }
    // Whose memory the driver may have lent later (Channel::LockClient); null. Device is set then.
    virtual ps::Process* Client() { return nullptr; }
    Irp();
    virtual ~Irp();
    // The output is in these pages instead of the data area; after InputBytes is set.
    Status Lend(Own<Loan> Pages);
    // Pages lent while it is under way, which are not its output. STATUS_NOT_SUPPORTED: there are some already.
    Status LendLate(Own<Loan> Pages);
    const Loan* Lent() const { return More_ && !More_->Late ? More_->Lent.Get() : nullptr; }
    const Loan* Pages() const { return More_ ? More_->Lent.Get() : nullptr; }      // in either way
    // Its pages are part of those of Other, which is under way with lent pages, as this one is.
    void IsPartOf(Irp& Other);
    void Cancel();                      // wherever it is

private:
    friend class Channel;
    friend class Seat;
    enum class After : u8 { Nothing, Finish, Hold };
    // Of those with lent pages or a seat.
    struct More {
        explicit More(Irp& Of);
        ~More();
        Irp& Self;
        Own<Loan> Lent;
        RefPtr<Seat> To;
        Seat* HeldBy = nullptr;
        Irp* Whole = nullptr;
        core::ListNode<More> PartLink;
        core::List<More, &More::PartLink> Parts;
        After Then = After::Nothing;    // when the last part has ended
        Status Outcome;
        u64 Information = 0, Cookie = 0, HeldSince = 0;
        u8 Repeats = 0;
        bool WholeEnds = false, Late = false;
        static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
        static void operator delete(void* At) { ::operator delete(At); }
    };
    bool NeedsMore();                   // makes it; false: no memory
    void PartEnds();
    void CancelParts();
    Own<More> More_;
    bool Sent_ = false, CancelWanted_ = false;
    u32 Pages_ = 0;
};
using IrpList = core::List<Irp, &Irp::Link>;

class Channel final : public RefCounted<Channel>, public ps::DriverLink {
public:
    static Result<Ref<Channel>> Create(Driver& Of);
    ~Channel();
    mm::Section& Shared() const { return *Section_; }
    // Sends now or when there is room. Irp.Done is called in any case, perhaps before this returns.
    void Submit(Irp& I);
    // The same for a client that probably waits: if the driver was asleep it is let run first, and what it answers at once is taken at once, so that the
    // client's call can be answered directly (kernel entries of about 2,000 instructions less).
    void SubmitAndLook(Irp& I);
    void Cancel(Irp& I);
    // The request with this tag, if the driver has it.
    Irp* FindSent(u32 Tag);
    // Maps the pages lent with it for the driver: the address of the first one.
    Result<u64> MapLent(u32 Tag);
    RefPtr<DriverDevice> FindDevice(u64 Cookie) const;      // of the driver; null
    // The driver may send requests to this device: it has been told of it.
    Status Grant(u64 Device);
    bool MayReach(u64 Device) const;
    Status LockClient(ke::Caller& Caller, svc::DriverControl& Call);
    // Executive's address of a byte of the data area, and how many follow it in its page.
    u8* DataAt(u32 Page, u32 Offset, u32& Run);
    Status ReadData(const Irp& I, u32 Offset, void* To, u32 Bytes);
    Status WriteData(const Irp& I, u32 Offset, const void* From, u32 Bytes);
    Status DataToUser(const Irp& I, u32 Offset, ps::Process& To, u64 Address, u64 Bytes);
    Status DataFromUser(const Irp& I, u32 Offset, ps::Process& From, u64 Address, u64 Bytes);
    void Drain();                       // takes what the driver has answered
    bool IsDead() const { return Dead_; }
    Driver& Of() const { return Driver_; }
    u32 Outstanding() const { return Outstanding_; }
    bool HasServed() const { return Served_; }          // it has moved data: a request that may be repeated has succeeded

    ps::Process* Process = nullptr;     // while it runs
    u64 SectionAddress = 0;
    u32 Watches = 0;                    // wd::watch::, of services of others
    u32 Closes = 0;                     // IRP_MJ_CLOSE of file systems' files that are not answered
    ke::Event ClosesEnd { ke::Event::Notification, false };

    // --- ps::DriverLink
    void ProcessEnds(ps::Process& P) override;

private:
    friend class RefCounted<Channel>;
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
    explicit Channel(Driver& Of) : Driver_(Of) { }
    Status Build();
    void Misbehaves(const char* What);
    bool Send(Irp& I);                  // false: no room
    void Pump();
    void Finish(Irp& I, Status Outcome, u64 Information, u64 Cookie);
    void Conclude(Irp& I);
    void Lose(Irp& I);                  // the process is gone
    friend class Irp;
    Result<u32> TakePages(u32 Count);
    void FreePages(u32 First, u32 Count);
    void Call(const wd::Reply& R);
    struct Slots {
        u8* const* Pages;
        u32 Bytes;
        u8* operator()(u32 I) const { return Pages[I * Bytes >> PageShift] + (I * Bytes & PageMask); }
    };
    Driver& Driver_;
    RefPtr<mm::Section> Section_;
    mm::KernelHandle Notification_;
    u8* Fixed_[wd::layout::Data] = {};
    u8* Data_[wd::DataPages] = {};
    u64 Used_[wd::DataPages / 64] = {};
    ring::Producer<wd::Message, wd::RequestSlots, Slots> Requests_;
    ring::Consumer<wd::Reply, wd::ReplySlots, Slots> Replies_;
    IrpList Queued_, Sent_;
    static constexpr u32 MaximumSent = 2048;
    struct Tag {
        Irp* I = nullptr;
        u16 Generation = 0, NextFree = 0;
    };
    Vector<Tag> Tags_;
    u16 FreeTag_ = 0;                   // index + 1
    u32 Outstanding_ = 0, CancelsWanted_ = 0;
    u32 LooksToSkip_ = 0, Skips_ = 1;
    u32 LastTaken_ = 0, Stuck_ = 0;     // seconds
    friend struct Watchdog;
    bool Dead_ = false, Woken_ = false, Served_ = false;
    Vector<u64> Granted_;
    core::ListNode<Channel> AllLink_;
    using ChannelList = core::List<Channel, &Channel::AllLink_>;
    static Immortal<ChannelList> All_;
    friend void DrainAll();
};

class DriverDevice final : public Device {
public:
    DriverDevice(Ref<Channel> In, u64 Cookie, u32 DeviceType, u32 Characteristics, bool Exclusive);
    ~DriverDevice() override;
    Result<ob::ParseResult> Open(ob::OpenRequest& Request, CreateParameters& How, File* Start, ob::Name Rest, bool AtRoot) override;
    Channel& In() const { return *In_; }
    bool IsGone() const { return Gone || In_->IsDead(); }
    // What is open fails from now on. It leaves the namespace, unless ComesBack and its seat waits for another: then the name stays, so that the files of
    // a file system above are found, until the driver makes a device of that name again or the seat is given up.
    void TakeAway(bool ComesBack = false);
    void LeaveName();
    bool IsDirect() const { return Flags & 0x10; }      // DO_DIRECT_IO
    const u64 Cookie;
    const bool Exclusive;
    bool Gone = false;
    u32 Opens = 0;
    u64 Id = 0;                         // in the whole system: its seat's, or one that leads there
    u32 Flags = 0, StackSize = 1, AlignmentRequirement = 0, SectorSize = 0;     // of its DEVICE_OBJECT, as last told
    RefPtr<Seat> Place;                 // in a device stack; null when it is gone
    RefPtr<Seat> Former;                // the one it was made with, when it has taken another
    RefPtr<Seat> Awaited;               // the seat that its name stands for: of one that is gone, or has not taken it yet
    core::ListNode<DriverDevice> DriverLink;
    RefPtr<Device> Replaced;            // the Executive's own device of that name, back when this one goes

private:
    Ref<Channel> In_;
};

class DriverFile : public File {
public:
    // Of: whose name was opened; Top: the top of its stack, which gets the requests.
    DriverFile(DriverDevice& Of, DriverDevice& Top, const CreateParameters& How, ob::String Name, u64 Related);
    ~DriverFile() override;
    DriverDevice& Device() const { return *Top_; }
    bool NeedsCreate() const override { return true; }
    bool TakesRequests() const override { return true; }
    virtual bool IsOfFileSystem() const { return false; }       // an fs::FsFile
    void CreateEnds(Status Outcome) override;
    Status Start(Request& R) override;
    void Withdraw(Request& R) override;
    void Cleanup() override;
    Result<ob::String> RelativeName() override { return ob::String::Copy(Name_); }
    ke::Task<> AskName(ke::Caller& Caller, ob::String& To) override;
    bool IsDirectOpen() const override;
    u64 Cookie() const { return Cookie_; }
    // Of a device of this channel's, no file system's, that its driver has opened; null: there is none.
    static DriverFile* Find(Channel& In, u64 DeviceId, u64 Cookie);
    RefPtr<LowerFiles> Lower;
    core::ListNode<DriverFile> OpenLink;

protected:
    friend class RequestIrp;
    void SendPlain(u8 Major);
    Ref<DriverDevice> Top_;
    ob::String Name_;
    Vector<u8> Ea_;
    MailslotParameters Mailslot_ {};
    bool MakesMailslot_ = false;
    u64 Related_, Cookie_ = 0;
    u32 Share_, Attributes_, Disposition_;
    bool Created_ = false;
};

// \Driver\Name.
class Driver final : public ob::Object {
public:
    static const ob::TypeInfo Type;
    Driver(ob::String Name, ob::String Key) : Object(Type), Name_(std::move(Name)), Key_(std::move(Key)), Again_(*this), LinksEnd_(*this) { }
    ~Driver() override;
    enum class State : u8 { Stopped, Starting, Running, Unloading, Failed };
    Status StartProcess();
    // From its process.
    void HasStarted(Status Outcome);
    void HasEnded(ps::Process& P);      // the process
    Status BeginUnload();
    State Now() const { return State_; }
    Status Outcome() const { return Outcome_; }
    ke::Event Changed { ke::Event::Notification, false };      // set when it is running, failed or stopped
    ob::Name Name() const { return Name_.View(); }
    ob::Name Key() const { return Key_.View(); }
    Channel* In() const { return In_.Get(); }
    DriverDevice* Find(u64 Id);
    // It runs, or is going to.
    bool StartsAgain() const { return State_ == State::Running || (State_ == State::Stopped && Again_.IsSet()) || State_ == State::Starting; }
    bool WasUnloaded() const { return Unloaded_; }      // on purpose: only NtLoadDriver starts it again, or an open of a name it waits under
    bool HasDied() const { return Deaths_ != 0; }
    void ForgetDeaths() { Deaths_ = 0; }
    Status Control(ke::Caller& Caller, svc::DriverControl& Call);
    core::List<DriverDevice, &DriverDevice::DriverLink> Devices;
    core::List<DriverDevice, &DriverDevice::DriverLink> Away;  // of processes that have ended, whose names stay
    DriverDevice* FindAway(const ob::Object& Named);            // null: not one of those

private:
    Status CreateDevice(ke::Caller& Caller, svc::DriverControl& Call);
    RefPtr<Seat> Reach(u64 Id);
    Result<wd::DeviceShape> AttachDevice(u64 Upper, u64 Lower);
    Status Link(ke::Caller& Caller, svc::DriverControl& Call, bool Make);
    void StartAgain();
    void DropLinks();
    bool TakeLink(const ob::String& Name, const ob::String& Target);
    ob::String Name_, Key_;
    State State_ = State::Stopped;
    Status Outcome_;
    RefPtr<Channel> In_;
    Hardware* Hardware_ = nullptr;      // what the process has of it
    u64 StartedAt_ = 0;
    u32 Deaths_ = 0;
    bool Unloaded_ = false;
    Vector<ob::String> Links_;
    Vector<ob::String> Left_;           // of the process before: they stay until the next one has made them again, or has had the time to
    struct Restart : ke::Timer {
        explicit Restart(Driver& Of) : Timer(Expired), Owner(Of) { }
        static void Expired(ke::Timer& T);
        Driver& Owner;
    } Again_;
    struct LinksEnd : ke::Timer {
        explicit LinksEnd(Driver& Of) : Timer([](ke::Timer& T) { static_cast<LinksEnd&>(T).Owner.DropLinks(); }), Owner(Of) { }
        Driver& Owner;
    } LinksEnd_;
};

// By service key (\Registry\Machine\System\CurrentControlSet\Services\X). STATUS_OBJECT_NAME_NOT_FOUND, STATUS_OBJECT_PATH_SYNTAX_BAD.
Result<Ref<Driver>> FindOrMakeDriver(ob::Name Key);
Status DeviceRequest(ke::Caller& Caller, svc::DriverControl& Call);
void DrainAll();
// Whether requests of processes that have ended are still with other drivers.
bool HasOrphans();

}
