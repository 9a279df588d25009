// The named-pipe device: names, instances, ends.
#include "ntos/io/pipe.hpp"

#include <string.h>

#include "ntos/io/create.hpp"
#include "ntos/io/fsrtl.hpp"
#include "ntos/io/issue.hpp"
#include "ntos/se/se.hpp"

namespace io {

namespace {

class PipeDevice;
class PipeEnd;
class PipeName;

// One instance: a server end and what it is connected to.
class Instance : public RefCounted<Instance> {
public:
    Instance(RefPtr<PipeName> Of, u32 InboundQuota, u32 OutboundQuota);
    ~Instance() = default;
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
    RefPtr<PipeName> Name;
    core::ListNode<Instance> Link;      // in the name
    u32 State = FILE_PIPE_LISTENING_STATE;
    PipeEnd* Server = nullptr;
    PipeEnd* Client = nullptr;
    DataQueue Inbound, Outbound;        // to the server; to the client
    core::List<Request, &Request::Link> Listeners;
    u64 ServerProcess = 0, ClientProcess = 0;
    RefPtr<ob::Object> ClientToken;     // what the server may impersonate: the client's when it connected
};

class PipeName : public RefCounted<PipeName> {
public:
    PipeName(PipeDevice& On, ob::String Text, const PipeParameters& P, u32 Configuration, bool Anonymous)
        : On(On), Text(std::move(Text)), Type(P.Type & FILE_PIPE_MESSAGE_TYPE), MaximumInstances(P.MaximumInstances), Configuration(Configuration),
          DefaultTimeout(P.DefaultTimeout), Anonymous(Anonymous)
    {
    }
    ~PipeName();
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
    Instance* FindListening();
    PipeDevice& On;
    ob::String Text;                    // without a leading backslash
    const u32 Type, MaximumInstances, Configuration;
    const i64 DefaultTimeout;
    const bool Anonymous;
    Own<se::SecurityDescriptor> Security;
    core::ListNode<PipeName> Link;
    core::List<Instance, &Instance::Link> Instances;
    u32 Count = 0;
};

// A request that waits until a pipe has a free instance.
struct Waiting {
    core::ListNode<Waiting> Link;
    Request* Who;
    ob::String Name;
    struct Expiry : ke::Timer {
        Expiry() : Timer([](Timer& T) { static_cast<Expiry&>(T).Owner->TimedOut(); }) { }
        Waiting* Owner = nullptr;
    } Timer;
    void TimedOut();
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
};

class PipeDevice final : public Device {
public:
    PipeDevice() : Device(FILE_DEVICE_NAMED_PIPE, 0) { }
    Result<ob::ParseResult> Open(ob::OpenRequest& Request, CreateParameters& How, File* Start, ob::Name Rest, bool AtRoot) override;
    PipeName* Find(ob::Name Text);
    void BecameFree(PipeName& N);       // an instance listens
    core::List<PipeName, &PipeName::Link> Names;
    core::List<Waiting, &Waiting::Link> Waiters;

private:
    Result<ob::ParseResult> CreateInstance(ob::OpenRequest& Request, CreateParameters& How, ob::Name Text, bool Anonymous);
    Result<ob::ParseResult> Connect(ob::OpenRequest& Request, CreateParameters& How, PipeName& N, Instance* Only);
};

// Files of the device: the root, or an end of a pipe.
class PipeFile : public File {
public:
    virtual PipeEnd* AsEnd() { return nullptr; }
    PipeDevice& On() const { return static_cast<PipeDevice&>(GetDevice()); }
    bool HasPosition() const override { return false; }

protected:
    using File::File;
};

// The root of the device ("\Device\NamedPipe\"), or the device itself (without the backslash), in which nothing can be opened.
class PipeRoot final : public PipeFile {
public:
    PipeRoot(Device& Of, const CreateParameters& How, bool IsRoot) : PipeFile(Of, How), IsRoot_(IsRoot) { }
    ~PipeRoot() override { CleanupOnce(); }
    bool IsRoot() const { return IsRoot_; }
    Status Start(Request& R) override;
    Status List(ListRequest& L) override;
    Status QueryInformation(FILE_INFORMATION_CLASS Class, InfoBuffer& To) override;
    Result<ob::String> RelativeName() override { return ob::String::Copy(L"\\"); }

private:
    Status WaitForPipe(Request& R);
    Pattern Pattern_;
    const bool IsRoot_;
    bool Listing_ = false;
    usize ListAt_ = 0;
};

class PipeEnd final : public PipeFile {
public:
    PipeEnd(Device& Of, const CreateParameters& How, Ref<Instance> I, bool IsServer, u32 ReadMode, u32 CompletionMode)
        : PipeFile(Of, How), I_(std::move(I)), IsServer_(IsServer), ReadMode_(ReadMode), CompletionMode_(CompletionMode)
    {
        (IsServer ? I_->Server : I_->Client) = this;
    }
    ~PipeEnd() override { CleanupOnce(); }
    PipeEnd* AsEnd() override { return this; }
    Instance& GetInstance() { return *I_; }
    bool IsServer() const { return IsServer_; }
    bool ReadsMessages() const { return ReadMode_ == FILE_PIPE_MESSAGE_MODE; }

    Status TryRead(Transfer& T) override;
    Status TryWrite(Transfer& T) override;
    Status Start(Request& R) override;
    void Withdraw(Request& R) override;
    void Cleanup() override;
    Status QueryInformation(FILE_INFORMATION_CLASS Class, InfoBuffer& To) override;
    Status SetInformation(ke::Caller& Caller, ACCESS_MASK Granted, FILE_INFORMATION_CLASS Class, std::span<const u8> From) override;
    Status QueryVolume(FSINFOCLASS Class, InfoBuffer& To) override;
    Result<ob::String> RelativeName() override;
    Status HasSecurity() const override { return Detached() ? STATUS_PIPE_DISCONNECTED : STATUS_SUCCESS; }
    const se::SecurityDescriptor* Security() const override { return I_->Name->Security.Get(); }
    void SetSecurity(Own<se::SecurityDescriptor> Descriptor) override { I_->Name->Security = std::move(Descriptor); }

private:
    DataQueue& In() { return IsServer_ ? I_->Inbound : I_->Outbound; }
    DataQueue& Out() { return IsServer_ ? I_->Outbound : I_->Inbound; }
    bool Detached() const { return !IsServer_ && I_->Client != this; }
    u32 State() const { return Detached() ? FILE_PIPE_DISCONNECTED_STATE : I_->State; }
    Status CanRead();                   // STATUS_SUCCESS: there are data; STATUS_PIPE_EMPTY: one may wait
    Status CanWrite();
    Status Control(Request& R);
    Status Listen(Request& R);
    Status Disconnect();
    Status Peek(Request& R);
    Status Transceive(Request& R);
    Status Impersonate(Request& R);
    Status Attribute(Request& R);
    Ref<Instance> I_;
    const bool IsServer_;
    u32 ReadMode_, CompletionMode_;
};

Instance::Instance(RefPtr<PipeName> Of, u32 InboundQuota, u32 OutboundQuota) : Name(std::move(Of)), Inbound(InboundQuota), Outbound(OutboundQuota)
{
    Name->Instances.PushBack(*this);
    ++Name->Count;
}

PipeName::~PipeName()
{
    Link.Unlink();
}

Instance* PipeName::FindListening()
{
    // One that somebody waits for first.
    Instance* Any = nullptr;
    for (Instance& I : Instances) {
        if (I.State != FILE_PIPE_LISTENING_STATE || !I.Server)
            continue;
        if (!I.Listeners.IsEmpty())
            return &I;
        if (!Any)
            Any = &I;
    }
    return Any;
}

// --- opening

PipeName* PipeDevice::Find(ob::Name Text)
{
    for (PipeName& N : Names)
        if (ob::Equal(N.Text.View(), Text, true))
            return &N;
    return nullptr;
}

void Waiting::TimedOut()
{
    Request* R = Who;
    R->Complete(STATUS_IO_TIMEOUT, 0);
}

void PipeDevice::BecameFree(PipeName& N)
{
    for (bool Again = true; Again;) {
        Again = false;
        for (Waiting& W : Waiters) {
            if (!ob::Equal(W.Name.View(), N.Text.View(), true))
                continue;
            W.Who->Complete(STATUS_SUCCESS, 0);
            Again = true;
            break;
        }
    }
}

Result<ob::ParseResult> PipeDevice::Open(ob::OpenRequest& Request, CreateParameters& How, File* Start, ob::Name Rest, bool AtRoot)
{
    if (How.Mailslot || How.TargetFolder)
        return STATUS_INVALID_PARAMETER;
    PipeEnd* End = Start ? static_cast<PipeFile*>(Start)->AsEnd() : nullptr;
    if (End) {
        // Relative to a server end, without a name: its other end.
        if (Rest.Length || How.Pipe)
            return STATUS_OBJECT_NAME_INVALID;
        if (!End->IsServer() || End->GetInstance().State != FILE_PIPE_LISTENING_STATE)
            return STATUS_PIPE_NOT_AVAILABLE;
        return Connect(Request, How, *End->GetInstance().Name, &End->GetInstance());
    }
    if (How.Pipe) {
        if (Start ? !static_cast<PipeRoot*>(Start)->IsRoot() : !Rest.Length)
            return STATUS_OBJECT_NAME_INVALID;
        return CreateInstance(Request, How, Rest, !Rest.Length);
    }
    if (!Rest.Length) {
        if (How.Disposition != FILE_OPEN && How.Disposition != FILE_OPEN_IF)
            return STATUS_OBJECT_NAME_COLLISION;
        How.Granted = TRY(CheckDeviceAccess(Request, *this, How.Access));
        How.Information = FILE_OPENED;
        ob::ParseResult R;
        R.Found = TRY(ob::Make<PipeRoot>(*this, How, AtRoot || Start));
        return R;
    }
    if (How.Options & FILE_DIRECTORY_FILE)
        return STATUS_NOT_A_DIRECTORY;
    PipeName* N = Find(Rest);
    if (!N)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    if (How.Query) {
        *How.Query = {};
        How.Query->FileAttributes = FILE_ATTRIBUTE_NORMAL;
        How.Query = nullptr;
        ob::ParseResult R;
        R.Found = RefPtr<ob::Object>(this);
        return R;
    }
    return Connect(Request, How, *N, nullptr);
}

Result<ob::ParseResult> PipeDevice::CreateInstance(ob::OpenRequest& Request, CreateParameters& How, ob::Name Text, bool Anonymous)
{
    const PipeParameters& P = *How.Pipe;
    u32 Configuration = How.Share == FILE_SHARE_READ ? FILE_PIPE_OUTBOUND : How.Share == FILE_SHARE_WRITE ? FILE_PIPE_INBOUND : FILE_PIPE_FULL_DUPLEX;
    RefPtr<PipeName> N(Anonymous ? nullptr : Find(Text));
    How.Information = N ? FILE_OPENED : FILE_CREATED;
    if (N) {
        ACCESS_MASK Wanted = How.Access | FILE_CREATE_PIPE_INSTANCE;
        How.Granted = How.Access & MAXIMUM_ALLOWED ? ACCESS_MASK(FILE_ALL_ACCESS) : How.Access & FILE_ALL_ACCESS;
        if (N->Security)
            How.Granted = TRY(se::AccessCheck(N->Security.Get(), Request.Caller.Thread().EffectiveToken(), Wanted, FileMapping));
        if (N->Count >= N->MaximumInstances)
            return STATUS_INSTANCE_NOT_AVAILABLE;
        if (How.Disposition == FILE_CREATE)
            return STATUS_ACCESS_DENIED;
        if (N->Configuration != Configuration || N->Type != (P.Type & FILE_PIPE_MESSAGE_TYPE))
            return STATUS_ACCESS_DENIED;
    } else {
        if (How.Disposition == FILE_OPEN)
            return STATUS_OBJECT_NAME_NOT_FOUND;
        How.Granted = How.Access & MAXIMUM_ALLOWED ? ACCESS_MASK(FILE_ALL_ACCESS) : How.Access & (FILE_ALL_ACCESS | ACCESS_SYSTEM_SECURITY);
        PipeName* New = new PipeName(*this, TRY(ob::String::Copy(Text)), P, Configuration, Anonymous);
        if (!New)
            return STATUS_INSUFFICIENT_RESOURCES;
        N = RefPtr<PipeName>::Adopt(New);
        N->Security = TRY(se::AssignSecurity(Request.Wanted.Security.Get(), nullptr, Request.Caller.Thread().EffectiveToken(), FileMapping, false));
    }
    // The server reads what comes in unless the pipe is outbound only, and so on: the configuration bounds its rights.
    Instance* Raw = new Instance(N, P.InboundQuota, P.OutboundQuota);
    if (!Raw)
        return STATUS_INSUFFICIENT_RESOURCES;
    Ref<Instance> I = Ref<Instance>::Adopt(*Raw);
    I->ServerProcess = Request.Caller.Process().Id();
    auto Made = ob::Make<PipeEnd>(*this, How, I, true, P.ReadMode, P.CompletionMode);
    if (!Made.Ok()) {
        I->Link.Unlink();
        --N->Count;
        return Made.GetStatus();
    }
    if (!Anonymous && !N->Link.IsLinked())
        Names.PushBack(*N);
    BecameFree(*N);
    ob::ParseResult R;
    R.Found = Made.Take();
    return R;
}

Result<ob::ParseResult> PipeDevice::Connect(ob::OpenRequest& Request, CreateParameters& How, PipeName& N, Instance* Only)
{
    if (How.Disposition == FILE_CREATE)
        return STATUS_ACCESS_DENIED;
    if (N.Security)
        How.Granted = TRY(se::AccessCheck(N.Security.Get(), Request.Caller.Thread().EffectiveToken(), How.Access, FileMapping));
    else
        How.Granted = How.Access & MAXIMUM_ALLOWED ? ACCESS_MASK(FILE_ALL_ACCESS) : How.Access & FILE_ALL_ACCESS;
    bool Maximum = How.Access & MAXIMUM_ALLOWED;
    if (N.Configuration == FILE_PIPE_INBOUND) {
        if ((How.Granted & FILE_READ_DATA) && !Maximum)
            return STATUS_ACCESS_DENIED;
        How.Granted &= ~FILE_READ_DATA;
    } else if (N.Configuration == FILE_PIPE_OUTBOUND) {
        if ((How.Granted & FILE_WRITE_DATA) && !Maximum)
            return STATUS_ACCESS_DENIED;
        How.Granted &= ~FILE_WRITE_DATA;
    }
    Instance* I = Only ? Only : N.FindListening();
    if (!I)
        return STATUS_PIPE_NOT_AVAILABLE;
    How.Information = FILE_OPENED;
    auto Token = TRY(se::TokenForServer(Request.Caller, Request.Wanted.ImpersonationLevel, Request.Wanted.EffectiveOnly));
    Ref<PipeEnd> End = TRY(ob::Make<PipeEnd>(*this, How, Ref<Instance>(*I), false, FILE_PIPE_BYTE_STREAM_MODE, FILE_PIPE_QUEUE_OPERATION));
    I->State = FILE_PIPE_CONNECTED_STATE;
    I->ClientProcess = Request.Caller.Process().Id();
    I->ClientToken = RefPtr<ob::Object>(std::move(Token));
    while (io::Request* L = I->Listeners.First())
        L->Complete(STATUS_SUCCESS, 0);
    ob::ParseResult R;
    R.Found = std::move(End);
    return R;
}

// --- the root

Status PipeRoot::Start(Request& R)
{
    if (R.What == Operation::Read || R.What == Operation::Write)
        return STATUS_INVALID_PARAMETER;
    if (R.What != Operation::FsControl)
        return STATUS_INVALID_DEVICE_REQUEST;
    switch (R.Code) {
    case FSCTL_PIPE_WAIT:
        return IsRoot_ ? WaitForPipe(R) : STATUS_ILLEGAL_FUNCTION;
    case FSCTL_PIPE_LISTEN:
    case FSCTL_PIPE_IMPERSONATE:
        return STATUS_ILLEGAL_FUNCTION;
    case FSCTL_PIPE_DISCONNECT:
    case FSCTL_PIPE_TRANSCEIVE:
        return STATUS_PIPE_DISCONNECTED;
    case FSCTL_PIPE_PEEK:
    case FSCTL_PIPE_QUERY_CLIENT_PROCESS:
    case FSCTL_PIPE_GET_PIPE_ATTRIBUTE:
    case FSCTL_PIPE_GET_CONNECTION_ATTRIBUTE:
        return STATUS_INVALID_PARAMETER;
    }
    return STATUS_NOT_SUPPORTED;
}

Status PipeRoot::WaitForPipe(Request& R)
{
    FILE_PIPE_WAIT_FOR_BUFFER B;
    constexpr usize NameAt = offsetof(FILE_PIPE_WAIT_FOR_BUFFER, Name);
    if (R.Input.Size() < NameAt)
        return STATUS_INVALID_PARAMETER;
    memcpy(&B, R.Input.Data(), NameAt);
    if (!B.NameLength || (B.NameLength & 1) || B.NameLength > R.Input.Size() - NameAt)
        return STATUS_INVALID_PARAMETER;
    ob::String Name;
    TRY(Name.Characters().Resize(B.NameLength / 2));
    memcpy(Name.Characters().Data(), &R.Input[NameAt], B.NameLength);
    PipeName* N = On().Find(Name.View());
    if (!N)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    if (N->FindListening())
        return STATUS_SUCCESS;
    i64 Timeout = B.TimeoutSpecified ? B.Timeout.QuadPart : N->DefaultTimeout;
    Waiting* W = new Waiting;
    if (!W)
        return STATUS_INSUFFICIENT_RESOURCES;
    W->Who = &R;
    W->Name = std::move(Name);
    W->Timer.Owner = W;
    ke::Deadline Until = ke::Deadline::From(Timeout);
    // A timeout of the most negative value is for ever.
    if (Timeout != INT64_MIN && Until.At != ke::Never) {
        if (Until.HasPassed()) {
            delete W;
            return STATUS_IO_TIMEOUT;
        }
        if (Status S = W->Timer.Set(Until.At); !S.Ok()) {
            delete W;
            return S;
        }
    }
    R.Context[0] = reinterpret_cast<u64>(W);
    R.OnEnd = [](Request& Ended) { delete reinterpret_cast<Waiting*>(Ended.Context[0]); };
    On().Waiters.PushBack(*W);
    return STATUS_PENDING;
}

Status PipeRoot::List(ListRequest& L)
{
    // A pipe shows as a file: its size is how many instances there are, its allocation how many there may be.
    u32 NameAt;
    switch (L.Class) {
    case FileDirectoryInformation:
        NameAt = 64;
        break;
    case FileFullDirectoryInformation:
        NameAt = 68;
        break;
    case FileBothDirectoryInformation:
        NameAt = 94;
        break;
    case FileNamesInformation:
        NameAt = 12;
        break;
    default:
        return STATUS_INVALID_INFO_CLASS;
    }
    bool First = !Listing_;
    if (First || L.Restart) {
        if (First || L.HasPattern)
            TRY(Pattern_.Set(L.HasPattern ? L.Pattern : ob::Name()));
        Listing_ = true;
        ListAt_ = 0;
    }
    usize At = 0;
    u32 Last = 0;
    for (PipeName& N : On().Names) {
        if (At++ < ListAt_)
            continue;
        ob::String Upper = TRY(ob::String::Copy(N.Text.View()));
        for (wchar_t& C : Upper.Characters())
            C = ob::UpCase(C);
        if (!Pattern_.Matches(Upper.View())) {
            ListAt_ = At;
            continue;
        }
        u32 Start = AlignUp(L.Used, 8), Bytes = u32(N.Text.View().Length * 2);
        if (Start + NameAt + Bytes > L.Room)
            return L.Used ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;
        if (NameAt == 12) {
            memcpy(L.Buffer + Start + 8, &Bytes, 4);
        } else {
            FILE_DIRECTORY_INFORMATION D {};
            D.EndOfFile.QuadPart = N.Count;
            D.AllocationSize.QuadPart = i32(N.MaximumInstances);
            D.FileAttributes = FILE_ATTRIBUTE_NORMAL;
            D.FileNameLength = Bytes;
            memcpy(L.Buffer + Start, &D, 64);
        }
        memcpy(L.Buffer + Start + NameAt, N.Text.View().Data, Bytes);
        if (L.Used) {
            u32 Next = Start - Last;
            memcpy(L.Buffer + Last, &Next, 4);
        }
        Last = Start;
        L.Used = Start + NameAt + Bytes;
        ListAt_ = At;
        if (L.Single)
            return STATUS_SUCCESS;
    }
    return L.Used ? STATUS_SUCCESS : First ? STATUS_NO_SUCH_FILE : STATUS_NO_MORE_FILES;
}

Status PipeRoot::QueryInformation(FILE_INFORMATION_CLASS Class, InfoBuffer& To)
{
    if (Class == FileStandardInformation) {
        FILE_STANDARD_INFORMATION S {};
        S.NumberOfLinks = 1;
        S.Directory = true;
        To.Fixed(S);
        return STATUS_SUCCESS;
    }
    if (Class == FileBasicInformation) {
        FILE_BASIC_INFORMATION B {};
        B.FileAttributes = FILE_ATTRIBUTE_DIRECTORY;
        To.Fixed(B);
        return STATUS_SUCCESS;
    }
    return STATUS_INVALID_PARAMETER;
}

// --- an end: data

Status PipeEnd::CanRead()
{
    switch (State()) {
    case FILE_PIPE_DISCONNECTED_STATE:
        return STATUS_PIPE_DISCONNECTED;
    case FILE_PIPE_LISTENING_STATE:
        return STATUS_PIPE_LISTENING;
    case FILE_PIPE_CLOSING_STATE:
        return In().IsEmpty() ? STATUS_PIPE_BROKEN : STATUS_SUCCESS;
    }
    return In().IsEmpty() ? STATUS_PIPE_EMPTY : STATUS_SUCCESS;
}

Status PipeEnd::CanWrite()
{
    switch (State()) {
    case FILE_PIPE_DISCONNECTED_STATE:
        return STATUS_PIPE_DISCONNECTED;
    case FILE_PIPE_LISTENING_STATE:
        return STATUS_PIPE_LISTENING;
    case FILE_PIPE_CLOSING_STATE:
        return STATUS_PIPE_CLOSING;
    }
    return STATUS_SUCCESS;
}

Status PipeEnd::TryRead(Transfer& T)
{
    Status S = CanRead();
    if (S == STATUS_PIPE_EMPTY && CompletionMode_ == FILE_PIPE_QUEUE_OPERATION)
        return STATUS_CANT_WAIT;
    TRY(S);
    // Those who came earlier are served first: there cannot be any while there are data.
    return In().Read(*T.Process, T.Address, T.Length, ReadsMessages(), T.Done);
}

Status PipeEnd::TryWrite(Transfer& T)
{
    TRY(CanWrite());
    bool Waits = CompletionMode_ == FILE_PIPE_QUEUE_OPERATION;
    if (Waits && T.Length > Out().Room())
        return STATUS_CANT_WAIT;        // what no reader takes at once would have to wait
    DataSource From { T.Process, T.Address, nullptr };
    return Out().Write(From, T.Length, I_->Name->Type == FILE_PIPE_MESSAGE_TYPE, nullptr, false, T.Done);
}

Status PipeEnd::Start(Request& R)
{
    switch (R.What) {
    case Operation::Read: {
        Status S = CanRead();
        if (S == STATUS_PIPE_EMPTY && CompletionMode_ == FILE_PIPE_QUEUE_OPERATION) {
            R.Context[0] = ReadsMessages();
            In().Wait(R);
            return STATUS_PENDING;
        }
        return S.Ok() ? TryRead(R.Data) : S;
    }
    case Operation::Write: {
        TRY(CanWrite());
        DataSource From { R.Data.Process, R.Data.Address, nullptr };
        bool Waits = CompletionMode_ == FILE_PIPE_QUEUE_OPERATION;
        return Out().Write(From, R.Data.Length, I_->Name->Type == FILE_PIPE_MESSAGE_TYPE, Waits ? &R : nullptr, false, R.Data.Done);
    }
    case Operation::Flush:
        // Without a reader there is nothing to wait for.
        if (Detached())
            return STATUS_PIPE_DISCONNECTED;
        return State() == FILE_PIPE_CONNECTED_STATE ? Out().Flush(R) : STATUS_SUCCESS;
    case Operation::FsControl:
        return Control(R);
    default:
        return STATUS_INVALID_DEVICE_REQUEST;
    }
}

void PipeEnd::Withdraw(Request& R)
{
    if (R.What == Operation::Write)
        Out().Withdraw(R);
    else
        R.Link.Unlink();
}

void PipeEnd::Cleanup()
{
    Instance& I = *I_;
    if (IsServer_) {
        I.Server = nullptr;
        while (Request* L = I.Listeners.First())
            L->Complete(STATUS_PIPE_BROKEN, 0);
        I.Link.Unlink();
        --I.Name->Count;
        if (!I.Name->Count)
            I.Name->Link.Unlink();
    } else {
        if (I.Client != this)
            return;                     // disconnected before
        I.Client = nullptr;
    }
    // What this end had to read is gone; what it wrote can still be read, but nobody waits to write any more.
    In().End(STATUS_PIPE_BROKEN, true);
    Out().EndWriters(STATUS_PIPE_BROKEN);
    Out().End(STATUS_PIPE_BROKEN, IsServer_ ? !I.Client : !I.Server);
    if (I.State == FILE_PIPE_CONNECTED_STATE)
        I.State = FILE_PIPE_CLOSING_STATE;
    else if (IsServer_)
        I.State = FILE_PIPE_CLOSING_STATE;
}

// --- an end: control

Status PipeEnd::Control(Request& R)
{
    switch (R.Code) {
    case FSCTL_PIPE_LISTEN:
        return Listen(R);
    case FSCTL_PIPE_DISCONNECT:
        return Disconnect();
    case FSCTL_PIPE_PEEK:
        return Peek(R);
    case FSCTL_PIPE_TRANSCEIVE:
        return Transceive(R);
    case FSCTL_PIPE_IMPERSONATE:
        return Impersonate(R);
    case FSCTL_PIPE_GET_CONNECTION_ATTRIBUTE:
    case FSCTL_PIPE_GET_PIPE_ATTRIBUTE:
        return Attribute(R);
    case FSCTL_PIPE_WAIT:
    case FSCTL_PIPE_ASSIGN_EVENT:
    case FSCTL_PIPE_QUERY_EVENT:
        return STATUS_ILLEGAL_FUNCTION;
    }
    return STATUS_NOT_SUPPORTED;
}

Status PipeEnd::Listen(Request& R)
{
    if (!IsServer_)
        return STATUS_ILLEGAL_FUNCTION;
    Instance& I = *I_;
    switch (I.State) {
    case FILE_PIPE_CONNECTED_STATE:
        return STATUS_PIPE_CONNECTED;
    case FILE_PIPE_CLOSING_STATE:
        return STATUS_PIPE_CLOSING;
    case FILE_PIPE_DISCONNECTED_STATE:
        I.State = FILE_PIPE_LISTENING_STATE;
        break;
    }
    if (CompletionMode_ == FILE_PIPE_COMPLETE_OPERATION) {
        On().BecameFree(*I.Name);
        return STATUS_PIPE_LISTENING;
    }
    I.Listeners.PushBack(R);
    On().BecameFree(*I.Name);
    return STATUS_PENDING;
}

Status PipeEnd::Disconnect()
{
    if (!IsServer_)
        return STATUS_ILLEGAL_FUNCTION;
    Instance& I = *I_;
    if (I.State == FILE_PIPE_DISCONNECTED_STATE)
        return STATUS_PIPE_DISCONNECTED;
    while (Request* L = I.Listeners.First())
        L->Complete(STATUS_PIPE_DISCONNECTED, 0);
    I.State = FILE_PIPE_DISCONNECTED_STATE;
    I.Client = nullptr;
    I.Inbound.End(STATUS_PIPE_DISCONNECTED, true);
    I.Outbound.End(STATUS_PIPE_DISCONNECTED, true);
    return STATUS_SUCCESS;
}

Status PipeEnd::Peek(Request& R)
{
    constexpr usize DataAt = offsetof(FILE_PIPE_PEEK_BUFFER, Data);
    if (R.Data.Length < DataAt)
        return STATUS_INVALID_PARAMETER;
    u32 S = State();
    if (Detached())
        return STATUS_PIPE_DISCONNECTED;
    if (S == FILE_PIPE_DISCONNECTED_STATE || S == FILE_PIPE_LISTENING_STATE)
        return STATUS_INVALID_PIPE_STATE;
    if (S == FILE_PIPE_CLOSING_STATE && In().IsEmpty())
        return STATUS_PIPE_BROKEN;
    bool MessageType = I_->Name->Type == FILE_PIPE_MESSAGE_TYPE;
    FILE_PIPE_PEEK_BUFFER B { S, u32(In().Bytes()), MessageType ? In().Messages() : 0, MessageType ? In().FirstLength() : 0, {} };
    u32 Want = R.Data.Length - u32(DataAt);
    u64 There = ReadsMessages() ? In().FirstLength() : In().Bytes();
    if (Want > There)
        Want = u32(There);
    if (Want > 1024 * 1024)
        Want = 1024 * 1024;
    TRY(R.Reply.Resize(DataAt + Want));
    memcpy(R.Reply.Data(), &B, DataAt);
    u32 Done = 0;
    if (Want)
        TRY(In().Peek(R.Reply.Data() + DataAt, Want, ReadsMessages(), Done));
    R.Data.Done = DataAt + Done;
    return MessageType && B.MessageLength > Done ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

Status PipeEnd::Transceive(Request& R)
{
    if (Detached())
        return STATUS_PIPE_DISCONNECTED;
    if (State() != FILE_PIPE_CONNECTED_STATE)
        return STATUS_INVALID_PIPE_STATE;
    if (!ReadsMessages() || I_->Name->Configuration != FILE_PIPE_FULL_DUPLEX)
        return STATUS_INVALID_PIPE_STATE;
    if (!In().IsEmpty())
        return STATUS_PIPE_BUSY;
    DataSource From;
    From.Kernel = R.Input.Data();
    u64 Written;
    TRY(Out().Write(From, u32(R.Input.Size()), true, nullptr, true, Written));
    R.Context[0] = true;
    In().Wait(R);
    return STATUS_PENDING;
}

Status PipeEnd::Impersonate(Request& R)
{
    if (!IsServer_)
        return STATUS_ILLEGAL_FUNCTION;
    if (State() != FILE_PIPE_CONNECTED_STATE && State() != FILE_PIPE_CLOSING_STATE)
        return STATUS_PIPE_DISCONNECTED;
    return R.Thread && I_->ClientToken ? se::ImpersonateClient(*R.Thread, *I_->ClientToken) : Status(STATUS_CANNOT_IMPERSONATE);
}

Status PipeEnd::Attribute(Request& R)
{
    auto Is = [&](const char* Name) {
        usize N = strlen(Name);
        return R.Input.Size() >= N && memcmp(R.Input.Data(), Name, N) == 0 && (R.Input.Size() == N || R.Input[N] == 0);
    };
    u64 Id = Is("ClientProcessId") ? I_->ClientProcess : Is("ServerProcessId") ? I_->ServerProcess : 0;
    if (!Id)
        return STATUS_NOT_FOUND;
    if (R.Data.Length < 4)
        return STATUS_BUFFER_TOO_SMALL;
    R.Data.Done = R.Data.Length < 8 ? 4 : 8;
    TRY(R.Reply.Resize(R.Data.Done));
    memcpy(R.Reply.Data(), &Id, R.Data.Done);
    return STATUS_SUCCESS;
}

// --- an end: information

Result<ob::String> PipeEnd::RelativeName()
{
    if (I_->Name->Anonymous)
        return STATUS_OBJECT_PATH_INVALID;
    ob::String S;
    TRY(S.Append(L"\\"));
    TRY(S.Append(I_->Name->Text.View()));
    return S;
}

Status PipeEnd::QueryInformation(FILE_INFORMATION_CLASS Class, InfoBuffer& To)
{
    if (Detached())
        return STATUS_PIPE_DISCONNECTED;
    PipeName& N = *I_->Name;
    FILE_STANDARD_INFORMATION Standard {};
    Standard.AllocationSize.QuadPart = i64(In().Quota) + Out().Quota;
    Standard.EndOfFile.QuadPart = i64(In().Bytes());
    Standard.NumberOfLinks = 1;
    Standard.DeletePending = true;
    FILE_BASIC_INFORMATION Basic {};
    Basic.FileAttributes = FILE_ATTRIBUTE_NORMAL;
    switch (Class) {
    case FilePipeInformation:
        To.Fixed(FILE_PIPE_INFORMATION { ReadMode_, CompletionMode_ });
        break;
    case FilePipeLocalInformation: {
        FILE_PIPE_LOCAL_INFORMATION L { N.Type, N.Configuration, N.MaximumInstances, N.Count, I_->Inbound.Quota, u32(In().Bytes()), I_->Outbound.Quota,
                                        Out().Room(), State(), IsServer_ ? FILE_PIPE_SERVER_END : FILE_PIPE_CLIENT_END };
        To.Fixed(L);
        break;
    }
    case FileStandardInformation:
        To.Fixed(Standard);
        break;
    case FileBasicInformation:
        To.Fixed(Basic);
        break;
    case FileInternalInformation:
        To.Fixed(FILE_INTERNAL_INFORMATION { { .QuadPart = i64(reinterpret_cast<u64>(I_.Get()) >> 4 & 0xFFFFFFFF) } });
        break;
    case FileEaInformation:
        To.Fixed(FILE_EA_INFORMATION { 0 });
        break;
    case FileNameInformation:
    case FileAllInformation: {
        if (Class == FileAllInformation) {
            FILE_ALL_INFORMATION A {};
            A.BasicInformation = Basic;
            A.StandardInformation = Standard;
            To.Bytes(&A, offsetof(FILE_ALL_INFORMATION, NameInformation));
        }
        ob::String Text = TRY(RelativeName());
        u32 Bytes = u32(Text.View().Length * 2);
        To.Bytes(&Bytes, 4);
        To.Bytes(Text.View().Data, Bytes);
        break;
    }
    default:
        return STATUS_INVALID_PARAMETER;
    }
    return To.Result();
}

Status PipeEnd::SetInformation(ke::Caller&, ACCESS_MASK, FILE_INFORMATION_CLASS Class, std::span<const u8> From)
{
    if (Detached())
        return STATUS_PIPE_DISCONNECTED;
    if (Class != FilePipeInformation)
        return Class == FileBasicInformation ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
    FILE_PIPE_INFORMATION I;
    memcpy(&I, From.data(), sizeof(I));
    if (I.ReadMode > 1 || I.CompletionMode > 1 || (I.ReadMode == FILE_PIPE_MESSAGE_MODE && I_->Name->Type != FILE_PIPE_MESSAGE_TYPE))
        return STATUS_INVALID_PARAMETER;
    // Somebody waits: not now.
    if (I.CompletionMode == FILE_PIPE_COMPLETE_OPERATION && CompletionMode_ == FILE_PIPE_QUEUE_OPERATION && In().HasReaders())
        return STATUS_PIPE_BUSY;
    ReadMode_ = I.ReadMode;
    CompletionMode_ = I.CompletionMode;
    return STATUS_SUCCESS;
}

Status PipeEnd::QueryVolume(FSINFOCLASS Class, InfoBuffer& To)
{
    if (Class == FileFsAttributeInformation) {
        static constexpr wchar_t Npfs[] = L"NPFS";
        FILE_FS_ATTRIBUTE_INFORMATION A {};
        A.FileSystemAttributes = FILE_CASE_PRESERVED_NAMES;
        A.MaximumComponentNameLength = 0x7FFF;
        A.FileSystemNameLength = 8;
        To.Bytes(&A, offsetof(FILE_FS_ATTRIBUTE_INFORMATION, FileSystemName));
        To.Bytes(Npfs, 8);
        return To.Result();
    }
    if (Class == FileFsVolumeInformation) {
        static constexpr wchar_t Label[] = L"NamedPipe";
        FILE_FS_VOLUME_INFORMATION V {};
        V.VolumeLabelLength = 18;
        To.Bytes(&V, offsetof(FILE_FS_VOLUME_INFORMATION, VolumeLabel));
        To.Bytes(Label, 18);
        return To.Result();
    }
    return File::QueryVolume(Class, To);
}

}

Status InitializePipes()
{
    return NameDevice(TRY(ob::Make<PipeDevice>()), L"\\Device\\NamedPipe");
}

}
