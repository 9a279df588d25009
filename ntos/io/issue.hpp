// Private to io: how a service starts an operation on a file and how it ends.
#pragma once
#include "ntos/io/completion.hpp"
#include "ntos/io/io.hpp"

namespace io {

// An event object's waitable, or null for an object of another type.
ke::Event* EventOf(ob::Object& Object);

// The arguments that all such services share, checked: file, event, APC, status block.
struct Issue {
    ke::Caller& Caller;
    Ref<File> Target;
    ACCESS_MASK Granted;
    RefPtr<ob::Object> Event;
    u64 StatusBlock, ApcRoutine, ApcContext;

    // AnyOf: at least one of these rights (0: none needed). The event is reset when the operation starts or fails.
    // NeedsBlock: a null status block is an error (the packaged Win32 library gives none to the lock services).
    static Result<Issue> Begin(ke::Caller& Caller, HANDLE Handle, ACCESS_MASK AnyOf, HANDLE Event, PVOID ApcRoutine, PVOID ApcContext,
                               ke::UserPtr<IO_STATUS_BLOCK> StatusBlock, bool NeedsBlock = true);
    // The operation was answered at once: tells the caller (unless it is an error) and returns the status.
    Status Finish(Status Outcome, u64 Information);
    // Asynchronous reads and writes of files are always told as if they had been pending, as NT does: STATUS_PENDING, everything else as at a completion.
    Status FinishAsPended(Status Outcome, u64 Information);
    // A synchronous read at the end of a file: an error, but the status block and the event tell of it.
    Status FinishAtEnd();
    Result<Ref<Request>> Make(Operation What);
    // Starts the request; waits for it if the file is synchronous. The service's return value.
    ke::Task<> Run(Ref<Request> R);
    // Opens a file that NeedsCreate. Information: as the device tells.
    static ke::Task<> RunCreate(ke::Caller& Caller, Ref<File> New, u32& Information);
    // A request of the Executive's own: the answer stays in Request::Reply. Make, fill in, Await: the request's outcome.
    static Result<Ref<Request>> MakeOwn(ke::Caller& Caller, Ref<File> Of, Operation What);
    static ke::Task<> Await(ke::Caller& Caller, Ref<Request> R);
    // The same without a caller (own_io.hpp). The data of a write is Request::Input.
    static Result<Ref<Request>> MakeOwn(Ref<ps::Process> For, Ref<File> Of, Operation What);
    static ke::Task<> Await(Ref<Request> R);
    // The Executive closes a file it opened for itself, and waits as NtClose does.
    static ke::Task<> Close(ke::Caller& Caller, Ref<File> F);

private:
    Status Tell(Status Outcome, u64 Information, bool QueuePacket);
    static ke::Task<> RunSynchronous(ke::Caller& Caller, Ref<Request> R);
    static ke::Task<> RunDispatch(Ref<Request> R);
    static ke::Task<> RunInTurn(ke::Caller& Caller, Ref<Request> R);
    static Status StartNow(Request& R);
    static Status FinishInline(ke::Caller& Caller, Request& R);
    static Status FinishWaited(ke::Caller& Caller, Request& R);
};

// NT_ERROR: the codes for which an operation that ended at once tells nothing.
inline bool IsError(Status S) { return u32(S.Code()) >= 0xC0000000; }

Status WriteStatusBlock(ps::Process& To, u64 Address, Status Outcome, u64 Information);

// Kernel memory for a query: small ones on the stack.
class Scratch {
public:
    static constexpr usize Small = 512;
    // Zeroed memory of Bytes; STATUS_INSUFFICIENT_RESOURCES.
    Result<u8*> Get(usize Bytes);
    ~Scratch() { ::operator delete(Large_); }

private:
    alignas(16) u8 Inline_[Small];
    u8* Large_ = nullptr;
};

// Names that are given by value in a structure, and by handle.
Result<ob::String> CaptureCounted(ke::Caller& Caller, u64 Address, usize Bytes);

// What a device without a medium answers alike, from its Basic and Standard: FileStandardInformation, FileBasicInformation, FileNameInformation,
// FileAllInformation. STATUS_INVALID_PARAMETER for others.
Status QueryWithoutMedium(File& F, const FILE_BASIC_INFORMATION& Basic, const FILE_STANDARD_INFORMATION& Standard, FILE_INFORMATION_CLASS Class, InfoBuffer& To);
Status QueryCommon(File& F, ACCESS_MASK Granted, FILE_INFORMATION_CLASS Class, InfoBuffer& To);
// Of: null for every thread's. StatusBlock: 0 for all. STATUS_NOT_FOUND if there is none.
Status CancelRequests(File& F, ps::Thread* Of, u64 StatusBlock);
Status CancelSynchronous(ps::Thread& Of, u64 StatusBlock);

}
