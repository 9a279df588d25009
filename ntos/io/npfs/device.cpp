// The named-pipe device: names and instances, opening.
#include "ntos/io/npfs/npfs.hpp"

#include "ntos/io/create.hpp"
#include "ntos/io/issue.hpp"
#include "ntos/ps/thread.hpp"

namespace io {

namespace npfs {

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

}

Status InitializePipes()
{
    return NameDevice(TRY(ob::Make<npfs::PipeDevice>()), L"\\Device\\NamedPipe");
}

}
