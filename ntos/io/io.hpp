// The I/O manager: devices, open files, requests, completion ports.
//
// A Device is a named object that opens files: Device::Open parses the rest of a name. A File is one open (NT's FILE_OBJECT): position, mode,
// completion port, and the operations, which its device's kind of file implements by deriving from it. An operation comes first as a
// Transfer that must be answered at once (TryRead, TryWrite: the fast path; STATUS_CANT_WAIT declines), then as a Request: NT's IRP. File::Start answers a
// Request with its final status, or with STATUS_PENDING and calls Request::Complete later; until then Cancel takes it away from the
// device (File::Withdraw), or asks the device to end it soon (Request::CancelLater). Files of drivers in processes of their own (driver/driver.hpp)
// send the request over a ring; what others answer at once (opening, queries) are requests there, too (TakesRequests).
// Completion follows NT: the IO_STATUS_BLOCK, then the event or the file itself, the APC, the completion port's packet. An operation that fails at
// once (an error, not a warning) leaves the IO_STATUS_BLOCK and everything else alone.
// Synchronous files do one waiting read, write or control at a time, in order; queries do not wait behind them (on Windows they do).
// Outstanding asynchronous requests end with their thread (unless a completion port is attached) and with the last handle of their file.
#pragma once
#include "abi/nt/io.hpp"
#include "ntos/io/transfer.hpp"
#include "ntos/ob/ob.hpp"
#include "ntos/ps/thread.hpp"
#include "ntos/se/se.hpp"

namespace mm {
class PageStore;
}

namespace io {

class CompletionPort;
class Device;
class File;

// What a completion port queues.
struct Packet {
    core::ListNode<Packet> Link;
    u64 Key = 0, ApcContext = 0, Information = 0;
    NTSTATUS Status = 0;
    bool Owned = false;                 // part of another object (a wait completion packet): not deleted when taken
    void (*Taken)(Packet&) = nullptr;   // told when an owned packet leaves the queue
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
};

extern const GENERIC_MAPPING FileMapping;

// A global that is constructed at compile time and never destroyed.
template <typename T> union Immortal {
    T Value;
    constexpr Immortal() : Value() { }
    ~Immortal() { }
    T& operator*() { return Value; }
    T* operator->() { return &Value; }
};

// --- opening

struct PipeParameters {
    u32 Type, ReadMode, CompletionMode, MaximumInstances, InboundQuota, OutboundQuota;
    i64 DefaultTimeout;                 // negative: relative
};
struct MailslotParameters {
    u32 Quota, MaximumMessageSize;
    i64 ReadTimeout;
};

// What an open asks for; reaches Device::Open as ob::OpenRequest::Extra. The service has checked that the values make sense together.
struct CreateParameters {
    ACCESS_MASK Access = 0;             // generic rights mapped; may hold MAXIMUM_ALLOWED
    u32 Attributes = 0, Share = 0, Disposition = FILE_OPEN, Options = 0;
    u64 AllocationSize = 0;
    std::span<const u8> Ea;             // checked FILE_FULL_EA_INFORMATION list
    bool TargetFolder = false;          // open the folder that holds (or would hold) the last component, for renames and links
    const PipeParameters* Pipe = nullptr;
    const MailslotParameters* Mailslot = nullptr;
    // Only tell about an existing file by name: a device that can does so without making a file, and sets this to null (Found is then the
    // device itself).
    FILE_NETWORK_OPEN_INFORMATION* Query = nullptr;
    // Answers.
    ACCESS_MASK Granted = 0;
    u32 Information = FILE_OPENED;
    ob::Name Last;                      // TargetFolder: the last component, within the name given to Open
    RefPtr<ob::Object> NotReady;        // with STATUS_RETRY: the Device that has to be made ready first
};

// A device object: something in the namespace that opens files.
class Device : public ob::Object {
public:
    static const ob::TypeInfo Type;
    Device(u32 DeviceType, u32 Characteristics) : Object(Type), DeviceType(DeviceType), Characteristics(Characteristics) { }
    Result<ob::ParseResult> Parse(ob::OpenRequest& Request, ob::Name Rest) final;
    // Opens what Rest names below this device, or below Start (one of its files; Rest may then be empty: the same again). AtRoot: the name ended
    // in a backslash right after the device's own name. STATUS_REPARSE is told by Reparse in the result.
    virtual Result<ob::ParseResult> Open(ob::OpenRequest& Request, CreateParameters& How, File* Start, ob::Name Rest, bool AtRoot) = 0;
    // Open failed with STATUS_RETRY and has set How.NotReady to this device: makes it ready. The open is then done again, once.
    virtual ke::Task<> MakeReady() { return ke::Task<>(Status(nt::STATUS_DEVICE_NOT_READY)); }
    const u32 DeviceType, Characteristics;
    bool Fallback = false;              // a driver's device of the same name takes its place
};

// --- operations

enum class Operation : u8 { Read, Write, DeviceControl, FsControl, Lock, NotifyChange, Flush, Create, QueryInformation, SetInformation, QueryVolume, SetVolume, Unlock, QueryDirectory };

// An operation under way (NT's IRP).
class Request : public RefCounted<Request> {
public:
    const Operation What;
    Ref<File> const Target;
    Ref<ps::Process> const Process;
    RefPtr<ps::Thread> const Thread;    // that issued it
    Transfer Data;                      // Read, Write; FsControl etc.: Address and Length are the output buffer
    u32 Code = 0;                       // control code; completion filter; lock flags (1 exclusive, 2 fail at once)
    u64 LockLength = 0;
    u64 InputAddress = 0;
    Vector<u8> Input;                   // captured input of a control
    Vector<u8> Reply;                   // output of a control: copied to the output buffer at completion (as much as Information says)
    RefPtr<File> Other;                 // of a rename or link: the folder it goes to, opened
    bool WatchTree = false;
    bool ForExecutive = false;          // the answer stays in Reply, for the Executive
    core::ListNode<Request> Link;       // for whoever keeps a pending request
    u64 Context[2] = {};                // the same
    void (*OnEnd)(Request&) = nullptr;  // the same: told once when a pending request ends, however it does

    // Ends a request that was answered STATUS_PENDING.
    void Complete(Status Outcome, u64 Information);
    // Takes it away from its device and completes it as cancelled, if it is pending. False: it was not.
    bool Cancel(NTSTATUS Why = STATUS_CANCELLED);
    // For File::Withdraw: the request stays pending; the device completes it as soon as it can.
    void CancelLater() { CancelLater_ = true; }
    bool IsCancelling() const { return CancelLater_; }
    bool IsSynchronous() const { return Synchronous_; }
    void WaitAlways() { Synchronous_ = true; }          // whatever the mode of the file
    // A control request of an asynchronous file: the service returns when the driver's routine has, as on NT, where it runs in the caller's thread, and
    // with what that returned. The device tells that it has returned without completing the request (TellPending), or before Complete.
    bool WaitsForDispatch() const { return WaitsForDispatch_; }
    void TellPending(Status Returned)
    {
        DispatchReturned(Returned);
        Done_.Set();
    }
    void DispatchReturned(Status S)
    {
        Returned_ = S;
        HasReturned_ = true;
    }
    bool HasReturned() const { return HasReturned_; }
    // NotPended: it ends as one that was done at once, whenever its answer comes.
    enum class Mark : u8 { Unknown, Pended, NotPended };
    void WasMarked(Mark M) { Mark_ = M; }

private:
    friend class File;
    friend struct Issue;
    friend class RefCounted<Request>;
    Request(Operation What, Ref<File> Target, Ref<ps::Process> Process, RefPtr<ps::Thread> Thread);
    ~Request();
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
    void CopyReply();
    void Deliver();
    enum class State : u8 { New, Started, Pending, Done } State_ = State::New;
    // The service's return value when it is done.
    Status ToReturn() const { return HasReturned_ && !(Synchronous_ && Returned_.Code() == STATUS_PENDING) ? Returned_ : Outcome_; }
    bool Synchronous_ = false, CancelLater_ = false, WaitsForDispatch_ = false, HasReturned_ = false;
    Mark Mark_ = Mark::Unknown;
    Status Returned_;
    Status Outcome_;
    u64 Information_ = 0;
    u64 StatusBlock_ = 0, ApcRoutine_ = 0, ApcContext_ = 0;
    RefPtr<ob::Object> Event_;          // an ex::Event
    Own<Packet> Packet_;                // made at the start, so that completion cannot fail
    RefPtr<CompletionPort> Port_;
    core::ListNode<Request> FileLink_;
    ke::Event Done_ { ke::Event::Notification, false };
    struct Rundown final : ps::ThreadRundown {
        Request* Owner;
        void ThreadEnds(ps::Thread&) override;
    } Rundown_;
    core::ListNode<Request> WaitedLink_;
    using WaitedList = core::List<Request, &Request::WaitedLink_>;
    static Immortal<WaitedList> Waited_;        // synchronous and pending: some thread waits in it
    friend Status CancelRequests(File&, ps::Thread*, u64);
    friend Status CancelSynchronous(ps::Thread&, u64);
    friend Status SetCompletion(File&, RefPtr<CompletionPort>, u64);
};

// A buffer for the answer of a query: Data has room for Room bytes; Fill and Append never write beyond, and Result() tells NT's status.
class InfoBuffer {
public:
    InfoBuffer(u8* Data, u32 Room) : Data_(Data), Room_(Room) { }
    u8* Data() { return Data_; }
    u32 Room() const { return Room_; }
    u32 Used() const { return Used_; }
    // A fixed structure; the service has checked that it fits (InfoSize).
    template <typename T> void Fixed(const T& Value) { Bytes(&Value, sizeof(T)); }
    // As much as fits; the rest makes Result() STATUS_BUFFER_OVERFLOW.
    void Bytes(const void* From, usize Count);
    void Skip(u32 To) { Used_ = To; }
    Status Result() const { return Cut_ ? Status(STATUS_BUFFER_OVERFLOW) : Status(STATUS_SUCCESS); }

private:
    u8* Data_;
    u32 Room_, Used_ = 0;
    bool Cut_ = false;
};

// A listing step: fills Buffer with entries of Class.
struct ListRequest {
    u8* Buffer;
    u32 Room;
    FILE_INFORMATION_CLASS Class;
    bool Restart, Single;
    bool HasPattern;
    ob::Name Pattern;                   // used at the first step and kept by the file
    u32 Used = 0;                       // answer
};

class File : public ob::Object {
public:
    static const ob::TypeInfo Type;
    Device& GetDevice() const { return *Device_; }
    u32 Mode() const { return Options_ & (FILE_WRITE_THROUGH | FILE_SEQUENTIAL_ONLY | FILE_NO_INTERMEDIATE_BUFFERING | FILE_SYNCHRONOUS_IO_ALERT |
                                          FILE_SYNCHRONOUS_IO_NONALERT); }
    void SetMode(u32 Mode) { Options_ = (Options_ & ~0x1Eu) | Mode; }
    u32 Options() const { return Options_; }
    bool IsSynchronous() const { return Options_ & (FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT); }
    bool IsAlertable() const { return Options_ & FILE_SYNCHRONOUS_IO_ALERT; }
    bool MustWaitTurn() const { return Busy_ && IsSynchronous(); }
    u64 Position = 0;

    ke::Waitable* AsWaitable() final { return &Event_; }
    void HandleClosed(ps::Process& Process, u32 HandlesLeft, u32 InProcess) final;
    Result<ob::ParseResult> Parse(ob::OpenRequest& Request, ob::Name Rest) override;
    Result<ob::String> QueryName() override;

    // --- what kinds of files implement. Statuses are NT's; STATUS_INVALID_DEVICE_REQUEST by default.
    virtual bool HasPosition() const { return true; }       // reads and writes are at offsets
    // Position has been set by the caller. Files without position may take it as a wish to read the bytes from there again.
    virtual void PositionSet() { }
    // Queries and changes of information come as requests to Start instead of the functions below.
    virtual bool TakesRequests() const { return false; }
    virtual bool IsDirectOpen() const { return false; }         // a driver's device, opened without asking for data or files
    // A new file is open only when a request Operation::Create has succeeded; CreateEnds tells how it went.
    virtual bool NeedsCreate() const { return false; }
    virtual void CreateEnds(Status Outcome) { }
    virtual Status TryRead(Transfer& T) { return STATUS_CANT_WAIT; }
    virtual Status TryWrite(Transfer& T) { return STATUS_CANT_WAIT; }
    // Request::Data.Done / the Information in Result's place: see Request. Final: Information goes to R.Data.Done.
    virtual Status Start(Request& R) { return STATUS_INVALID_DEVICE_REQUEST; }
    virtual void Withdraw(Request& R) { R.Link.Unlink(); }
    virtual Status QueryInformation(FILE_INFORMATION_CLASS Class, InfoBuffer& To) { return STATUS_INVALID_DEVICE_REQUEST; }
    virtual Status SetInformation(ke::Caller& Caller, ACCESS_MASK Granted, FILE_INFORMATION_CLASS Class, std::span<const u8> From) { return STATUS_INVALID_DEVICE_REQUEST; }
    virtual Status QueryVolume(FSINFOCLASS Class, InfoBuffer& To);
    virtual Status SetVolume(FSINFOCLASS Class, std::span<const u8> From) { return STATUS_INVALID_DEVICE_REQUEST; }
    virtual Status List(ListRequest& L) { return STATUS_INVALID_DEVICE_REQUEST; }
    virtual Status Unlock(ps::Process& By, u64 Offset, u64 Length, u32 Key) { return STATUS_INVALID_DEVICE_REQUEST; }
    virtual Status QueryEa(ke::Caller& Caller, InfoBuffer& To, bool Single, std::span<const u8> Names, u32* Index, bool Restart) { return STATUS_EAS_NOT_SUPPORTED; }
    virtual Status SetEa(std::span<const u8> List) { return STATUS_EAS_NOT_SUPPORTED; }
    // The name below the device, with the leading backslash; empty for the device itself.
    virtual Result<ob::String> RelativeName() { return ob::String(); }
    virtual RefPtr<mm::PageStore> DataStore() { return nullptr; }
    virtual u64 DataSize() { return 0; }
    virtual Status ExtendData(u64 Size) { return STATUS_INVALID_FILE_FOR_SECTION; }
    // Of files whose driver has to be asked first: PrepareSection is awaited before DataStore and DataSize when a section is made, and ExtendDataLater instead of ExtendData.
    virtual bool WaitsForSections() const { return false; }
    virtual ke::Task<> PrepareSection() { return ke::Task<>(Status(STATUS_SUCCESS)); }
    virtual ke::Task<> ExtendDataLater(u64 Size) { return ke::Task<>(ExtendData(Size)); }
    // The last handle is closed: give up locks, shares, ... Requests still pending afterwards are cancelled.
    virtual void Cleanup() { }
    // What a close waits for after Cleanup; null: nothing.
    virtual ke::Event* CleanupEnds() { return nullptr; }
    // Cleanup now, of a file the Executive opened for itself. What to wait for, or null.
    ke::Event* CleanupNow()
    {
        CleanupOnce();
        return CleanupEnds();
    }
    virtual void HandleClosedBy(ps::Process& By, bool LastOfProcess) { }
    // From now on its device says when a wait for the file ends, not the end of its requests.
    void SignalIs(bool On)
    {
        DeviceSignals_ = true;
        On ? Event_.Set() : Event_.Reset();
    }

protected:
    File(Device& Of, const CreateParameters& How);
    ~File() override;
    // For destructors of derived classes: Cleanup if no handle ever was closed.
    void CleanupOnce();
    ACCESS_MASK OpenedAccess() const { return Granted_; }

private:
    friend struct Issue;
    friend class Request;
    friend Status SetCompletion(File&, RefPtr<CompletionPort>, u64);
    friend Status CancelRequests(File&, ps::Thread*, u64);
    friend Status SetNotificationFlags(File&, u32);
    friend Status QueryCommon(File&, ACCESS_MASK, FILE_INFORMATION_CLASS, InfoBuffer&);
    Ref<Device> Device_;
    u32 Options_;
    ACCESS_MASK Granted_;
    u32 NotificationFlags_ = 0;
    void Idle(bool Now)                 // no request is under way, or the last one has ended
    {
        if (!DeviceSignals_)
            Now ? Event_.Set() : Event_.Reset();
    }
    // Of a console's file a thread may ask anything while another one waits for input: synchronous requests do not wait for each other.
    const bool InTurn_;
    bool CleanedUp_ = false;
    bool DeviceSignals_ = false;
    bool Busy_ = false;                 // a synchronous operation waits
    u32 Waiting_ = 0;                   // threads that wait for their turn
    ke::Event Event_ { ke::Event::Notification, true };
    ke::Event Turn_ { ke::Event::Synchronization, false };
    RefPtr<CompletionPort> Port_;
    u64 Key_ = 0;
    core::List<Request, &Request::FileLink_> Requests_;
};

// --- for the Executive itself
// Of the drivers' side: the settings of the start have been followed, other volumes than the first may get letters. Null: there are no drivers.
extern void (*LettersMayBeGiven)();
Status Initialize();                    // after ob: types, \Device\Null, \Device\NamedPipe, \Device\Mailslot, the mount manager, DOS names
// Drivers (driver/driver.hpp): NtLoadDriver works from here on; StartBootDrivers starts those the registry names for the start of the system.
Status InitializeDrivers();
void StartBootDrivers();
Status InitializeHostLinkDevice();      // \Device\HostLink, when hal has the link
// The RAM volume from the boot archive (abi/wire/bootfs.hpp), whose pages are FirstFrame, FirstFrame+1 ...: they are used where they lie.
// \Device\HarddiskVolume1, \??\C:, \SystemRoot. STATUS_FILE_CORRUPT_ERROR, STATUS_REVISION_MISMATCH.
Status MountBootVolume(const u8* Archive, u64 Size, u32 FirstFrame);
// An existing file for reading, by \??\C:\..., \SystemRoot\... or \Device\HarddiskVolume1\...
Result<Ref<File>> OpenKernelFile(ob::Name Path);
Result<usize> ReadKernel(File& From, u64 Offset, void* To, usize Bytes);     // bytes read: fewer at the end
// Opens or creates what a client has named, with his rights, without a handle. How.Access holds no generic rights.
Result<Ref<File>> OpenFile(ke::Caller& Caller, ob::Attributes& Wanted, CreateParameters& How);
// Names a device in the namespace.
Status NameDevice(Ref<Device> New, ob::Name Path);

}
