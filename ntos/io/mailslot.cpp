// Mailslots: a server reads messages that any number of writers leave.
#include <string.h>

#include "ntos/io/create.hpp"
#include "ntos/io/issue.hpp"
#include "ntos/io/pipe.hpp"

namespace io {

namespace {

class Slot : public RefCounted<Slot> {
public:
    Slot(ob::String Text, const MailslotParameters& P) : Text(std::move(Text)), MaximumMessage(P.MaximumMessageSize), AskedQuota(P.Quota), ReadTimeout(P.ReadTimeout) { }
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
    ob::String Text;
    core::ListNode<Slot> Link;          // unlinked: the server end is closed
    const u32 MaximumMessage, AskedQuota;
    i64 ReadTimeout;                    // negative: relative; -1 from the Win32 library: for ever
    DataQueue Messages { 0xFFFFFFFF };
};

class MailslotDevice final : public Device {
public:
    MailslotDevice() : Device(FILE_DEVICE_MAILSLOT, 0) { }
    Result<ob::ParseResult> Open(ob::OpenRequest& Request, CreateParameters& How, File* Start, ob::Name Rest, bool AtRoot) override;
    core::List<Slot, &Slot::Link> Slots;
};

class SlotEnd final : public File {
public:
    SlotEnd(Device& Of, const CreateParameters& How, Ref<Slot> S, bool IsServer) : File(Of, How), S_(std::move(S)), IsServer_(IsServer) { }
    ~SlotEnd() override { CleanupOnce(); }
    bool HasPosition() const override { return false; }
    Status TryRead(Transfer& T) override;
    Status TryWrite(Transfer& T) override;
    Status Start(Request& R) override;
    void Withdraw(Request& R) override;
    void Cleanup() override;
    Status QueryInformation(FILE_INFORMATION_CLASS Class, InfoBuffer& To) override;
    Status SetInformation(ke::Caller& Caller, ACCESS_MASK Granted, FILE_INFORMATION_CLASS Class, std::span<const u8> From) override;
    Result<ob::String> RelativeName() override;

private:
    Ref<Slot> S_;
    const bool IsServer_;
};

class MailslotRoot final : public File {
public:
    using File::File;
    MailslotRoot(Device& Of, const CreateParameters& How) : File(Of, How) { }
    ~MailslotRoot() override { CleanupOnce(); }
    bool HasPosition() const override { return false; }
    Result<ob::String> RelativeName() override { return ob::String::Copy(L"\\"); }
    Status QueryInformation(FILE_INFORMATION_CLASS, InfoBuffer&) override { return STATUS_INVALID_PARAMETER; }
};

// A read that gives up after a while.
struct TimedRead {
    struct Expiry : ke::Timer {
        Expiry() : Timer([](Timer& T) { static_cast<Expiry&>(T).Owner->Expired(); }) { }
        TimedRead* Owner = nullptr;
    } Timer;
    Request* Who = nullptr;
    void Expired()
    {
        Who->Complete(STATUS_IO_TIMEOUT, 0);    // deletes this
    }
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
};

Result<ob::ParseResult> MailslotDevice::Open(ob::OpenRequest& Request, CreateParameters& How, File*, ob::Name Rest, bool)
{
    if (How.Pipe || How.TargetFolder)
        return STATUS_INVALID_PARAMETER;
    How.Granted = TRY(CheckDeviceAccess(Request, *this, How.Access));
    How.Information = FILE_OPENED;
    ob::ParseResult R;
    if (!Rest.Length) {
        if (How.Mailslot)
            return STATUS_OBJECT_NAME_INVALID;
        R.Found = TRY(ob::Make<MailslotRoot>(*this, How));
        return R;
    }
    Slot* Found = nullptr;
    for (Slot& S : Slots)
        if (ob::Equal(S.Text.View(), Rest, true))
            Found = &S;
    if (!How.Mailslot) {
        if (!Found)
            return STATUS_OBJECT_NAME_NOT_FOUND;
        if (!(How.Share & FILE_SHARE_READ))
            return STATUS_SHARING_VIOLATION;    // the server reads it
        R.Found = TRY(ob::Make<SlotEnd>(*this, How, Ref<Slot>(*Found), false));
        return R;
    }
    if (Found)
        return STATUS_OBJECT_NAME_COLLISION;
    Slot* Raw = new Slot(TRY(ob::String::Copy(Rest)), *How.Mailslot);
    if (!Raw)
        return STATUS_INSUFFICIENT_RESOURCES;
    Ref<Slot> New = Ref<Slot>::Adopt(*Raw);
    How.Information = FILE_CREATED;
    R.Found = TRY(ob::Make<SlotEnd>(*this, How, New, true));
    Slots.PushBack(*New);
    return R;
}

Status SlotEnd::TryRead(Transfer& T)
{
    if (!IsServer_)
        return STATUS_INVALID_PARAMETER;
    if (S_->Messages.IsEmpty())
        return S_->ReadTimeout == 0 ? STATUS_IO_TIMEOUT : STATUS_CANT_WAIT;
    if (S_->Messages.FirstLength() > T.Length)
        return STATUS_BUFFER_TOO_SMALL;         // the message stays
    return S_->Messages.Read(*T.Process, T.Address, T.Length, true, T.Done);
}

Status SlotEnd::TryWrite(Transfer& T)
{
    if (IsServer_)
        return STATUS_INVALID_PARAMETER;
    if (!S_->Link.IsLinked())
        return STATUS_FILE_CLOSED;
    if ((S_->MaximumMessage && T.Length > S_->MaximumMessage) || T.Length > 1024 * 1024)
        return STATUS_INVALID_PARAMETER;
    DataSource From { T.Process, T.Address, nullptr };
    return S_->Messages.Write(From, T.Length, true, nullptr, true, T.Done);
}

Status SlotEnd::Start(Request& R)
{
    if (R.What == Operation::Write)
        return TryWrite(R.Data);
    if (R.What == Operation::Flush)
        return STATUS_SUCCESS;
    if (R.What != Operation::Read)
        return STATUS_INVALID_DEVICE_REQUEST;
    Status S = TryRead(R.Data);
    if (S.Code() != STATUS_CANT_WAIT)
        return S;
    if (S_->ReadTimeout != -1 && S_->ReadTimeout != INT64_MIN) {
        TimedRead* Timed = new TimedRead;
        if (!Timed)
            return STATUS_INSUFFICIENT_RESOURCES;
        Timed->Who = &R;
        Timed->Timer.Owner = Timed;
        if (Status Set = Timed->Timer.Set(ke::Deadline::From(S_->ReadTimeout).At); !Set.Ok()) {
            delete Timed;
            return Set;
        }
        R.Context[1] = reinterpret_cast<u64>(Timed);
        R.OnEnd = [](Request& Ended) { delete reinterpret_cast<TimedRead*>(Ended.Context[1]); };
    }
    R.Context[0] = true;
    S_->Messages.Wait(R);
    return STATUS_PENDING;
}

void SlotEnd::Withdraw(Request& R)
{
    S_->Messages.Withdraw(R);
}

void SlotEnd::Cleanup()
{
    if (!IsServer_)
        return;
    S_->Link.Unlink();
    S_->Messages.End(STATUS_FILE_CLOSED, true);
}

Result<ob::String> SlotEnd::RelativeName()
{
    ob::String S;
    TRY(S.Append(L"\\"));
    TRY(S.Append(S_->Text.View()));
    return S;
}

Status SlotEnd::QueryInformation(FILE_INFORMATION_CLASS Class, InfoBuffer& To)
{
    if (Class == FileMailslotQueryInformation) {
        if (!IsServer_)
            return STATUS_INVALID_PARAMETER;
        FILE_MAILSLOT_QUERY_INFORMATION M {};
        M.MaximumMessageSize = S_->MaximumMessage;
        M.MailslotQuota = S_->AskedQuota;
        M.MessagesAvailable = S_->Messages.Messages();
        M.NextMessageSize = M.MessagesAvailable ? S_->Messages.FirstLength() : 0xFFFFFFFF;
        M.ReadTimeout.QuadPart = S_->ReadTimeout;
        To.Fixed(M);
        return STATUS_SUCCESS;
    }
    if (Class == FileStandardInformation) {
        FILE_STANDARD_INFORMATION S {};
        S.NumberOfLinks = 1;
        To.Fixed(S);
        return STATUS_SUCCESS;
    }
    if (Class == FileNameInformation) {
        ob::String Text = TRY(RelativeName());
        u32 Bytes = u32(Text.View().Length * 2);
        To.Bytes(&Bytes, 4);
        To.Bytes(Text.View().Data, Bytes);
        return To.Result();
    }
    return STATUS_INVALID_PARAMETER;
}

Status SlotEnd::SetInformation(ke::Caller& Caller, ACCESS_MASK, FILE_INFORMATION_CLASS Class, std::span<const u8> From)
{
    if (Class != FileMailslotSetInformation || !IsServer_)
        return STATUS_INVALID_PARAMETER;
    u64 Address;
    memcpy(&Address, From.data(), 8);
    if (Address)
        S_->ReadTimeout = TRY(ke::UserPtr<i64>::At(Address).Read(Caller));
    return STATUS_SUCCESS;
}

}

Status InitializeMailslots()
{
    auto Slots = TRY(ob::Make<MailslotDevice>());
    Slots->Fallback = true;             // a driver's may take its place
    return NameDevice(std::move(Slots), L"\\Device\\Mailslot");
}

}
