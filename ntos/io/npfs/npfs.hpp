// Private to npfs: the objects of the named-pipe device.
#pragma once
#include "ntos/io/fsrtl.hpp"
#include "ntos/io/pipe.hpp"
#include "ntos/se/se.hpp"

namespace io::npfs {

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

}
