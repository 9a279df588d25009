// \Device\HostLink: the streams to the host (ntos/hal/hostlink.hpp) as files. stdin is read, the others are written; a read waits
// for bytes and ends with STATUS_PIPE_BROKEN when the host has closed its end, as a pipe does. Programs see a pipe.
// stdin remembers what the last read took: the packaged command interpreter reads a whole buffer and then sets the position back to the end of the
// first line, which loses the other lines on a plain pipe. Setting the position into that buffer gives its rest to the next read, whoever reads.
#include "ntos/hal/hostlink.hpp"

#include <string.h>

#include "ntos/io/create.hpp"
#include "ntos/io/issue.hpp"
#include "ntos/mm/mm.hpp"
#include "ntos/se/token.hpp"

namespace io {

namespace {

using hal::HostPort;
using RequestList = core::List<Request, &Request::Link>;
Immortal<RequestList> Readers[hal::HostPorts], Writers[hal::HostPorts];

constexpr ob::Name Names[hal::HostPorts] = { L"stdin", L"stdout", L"stderr", L"control" };
constexpr u32 Piece = 4096;

// What the last read of stdin took, as far as it fits, and how much of its end is to be read again.
constexpr u32 RememberedBytes = 16384;
u8 Remembered[RememberedBytes];
u32 RememberedLength, Again;
u64 StdinTaken;                         // position behind the last byte taken from the port

Status ReadNow(HostPort Port, Transfer& T)
{
    // A read of nothing waits for something to read, too: event loops use it for that.
    if (!Again && !hal::HostReadable(Port))
        return hal::HostHasEnded(Port) ? STATUS_PIPE_BROKEN : STATUS_CANT_WAIT;
    u32 Bytes = T.Length;
    if (usize There = Again ? Again : hal::HostReadable(Port); Bytes > There)
        Bytes = u32(There);
    TRY(mm::ProbeForWrite(*T.Process, T.Address, Bytes));       // what is taken from the port must arrive
    if (Again) {
        TRY(mm::CopyToUser(*T.Process, T.Address, Remembered + RememberedLength - Again, Bytes));
        Again -= Bytes;
        T.Done = Bytes;
        return STATUS_SUCCESS;
    }
    RememberedLength = 0;
    u8 Buffer[512];
    while (T.Done < Bytes) {
        usize Now = hal::HostRead(Port, Buffer, Bytes - T.Done < sizeof(Buffer) ? Bytes - T.Done : sizeof(Buffer));
        TRY(mm::CopyToUser(*T.Process, T.Address + T.Done, Buffer, Now));
        if (Bytes <= RememberedBytes) {
            memcpy(Remembered + RememberedLength, Buffer, Now);
            RememberedLength += u32(Now);
        }
        T.Done += Now;
    }
    StdinTaken += Bytes;
    return STATUS_SUCCESS;
}

// Sends as much as there is room for; STATUS_CANT_WAIT if something is left.
Status WriteNow(HostPort Port, Transfer& T)
{
    while (T.Done < T.Length) {
        u8* Room = hal::HostBuffer(Port);
        if (!Room)
            return STATUS_CANT_WAIT;
        u32 Now = T.Length - T.Done < Piece ? u32(T.Length - T.Done) : Piece;
        if (Status S = mm::CopyFromUser(*T.Process, Room, T.Address + T.Done, Now); !S.Ok()) {
            hal::HostSend(Port, Room, 0);
            return S;
        }
        hal::HostSend(Port, Room, Now);
        T.Done += Now;
    }
    return STATUS_SUCCESS;
}

void PortChanged(HostPort Port)
{
    while (Request* R = Readers[u32(Port)]->First()) {
        Status S = ReadNow(Port, R->Data);
        if (S == STATUS_CANT_WAIT)
            break;
        R->Link.Unlink();
        R->Target->Position = StdinTaken - Again;
        R->Complete(S, R->Data.Done);
    }
    while (Request* R = Writers[u32(Port)]->First()) {
        Status S = WriteNow(Port, R->Data);
        if (S == STATUS_CANT_WAIT)
            break;
        R->Link.Unlink();
        R->Complete(S, R->Data.Done);
    }
}

class HostFile final : public File {
public:
    HostFile(Device& Of, const CreateParameters& How, HostPort Port) : File(Of, How), Port_(Port) { }
    ~HostFile() override { CleanupOnce(); }
    bool HasPosition() const override { return false; }
    Status TryRead(Transfer& T) override
    {
        if (Port_ != HostPort::Stdin)
            return STATUS_INVALID_DEVICE_REQUEST;
        Status S = Readers[u32(Port_)]->IsEmpty() ? ReadNow(Port_, T) : Status(STATUS_CANT_WAIT);
        Position = StdinTaken - Again;
        return S;
    }
    void PositionSet() override
    {
        if (Port_ == HostPort::Stdin && Position <= StdinTaken && Position + RememberedLength >= StdinTaken)
            Again = u32(StdinTaken - Position);
    }
    Status TryWrite(Transfer& T) override
    {
        if (Port_ == HostPort::Stdin)
            return STATUS_INVALID_DEVICE_REQUEST;
        // All or nothing: what is begun here cannot be handed on as a request.
        if (!Writers[u32(Port_)]->IsEmpty() || hal::HostRoom(Port_) < T.Length)
            return STATUS_CANT_WAIT;
        return WriteNow(Port_, T);
    }
    Status Start(Request& R) override
    {
        switch (R.What) {
        case Operation::Read:
        case Operation::Write: {
            bool Read = R.What == Operation::Read;
            if (Read != (Port_ == HostPort::Stdin))
                return STATUS_INVALID_DEVICE_REQUEST;
            RequestList& List = Read ? *Readers[u32(Port_)] : *Writers[u32(Port_)];
            if (List.IsEmpty())
                if (Status S = Read ? ReadNow(Port_, R.Data) : WriteNow(Port_, R.Data); S != STATUS_CANT_WAIT) {
                    Position = Read ? StdinTaken - Again : 0;
                    return S;
                }
            List.PushBack(R);
            return STATUS_PENDING;
        }
        case Operation::Flush: return STATUS_SUCCESS;
        case Operation::FsControl:
            if (R.Code == FSCTL_PIPE_PEEK)
                return Peek(R);
            return STATUS_INVALID_DEVICE_REQUEST;
        default: return STATUS_INVALID_DEVICE_REQUEST;
        }
    }
    Status QueryInformation(FILE_INFORMATION_CLASS Class, InfoBuffer& To) override;
    Status SetInformation(ke::Caller& Caller, ACCESS_MASK Granted, FILE_INFORMATION_CLASS Class, std::span<const u8> From) override;
    Result<ob::String> RelativeName() override
    {
        ob::String Name = TRY(ob::String::Copy(L"\\"));
        TRY(Name.Append(Names[u32(Port_)]));
        return Name;
    }

private:
    // How much could be read; the bytes themselves are not shown.
    Status Peek(Request& R)
    {
        struct {
            ULONG State, Available, Messages, MessageLength;
        } Answer {};
        if (Port_ != HostPort::Stdin || R.Data.Length < sizeof(Answer))
            return Port_ != HostPort::Stdin ? STATUS_INVALID_DEVICE_REQUEST : STATUS_INFO_LENGTH_MISMATCH;
        Answer.Available = ULONG(Again + hal::HostReadable(Port_));
        if (!Answer.Available && hal::HostHasEnded(Port_))
            return STATUS_PIPE_BROKEN;
        Answer.State = 3;               // FILE_PIPE_CONNECTED_STATE
        TRY(R.Reply.Resize(sizeof(Answer)));
        __builtin_memcpy(R.Reply.Data(), &Answer, sizeof(Answer));
        R.Data.Done = sizeof(Answer);
        return STATUS_SUCCESS;
    }
    HostPort Port_;
};

Status HostFile::QueryInformation(FILE_INFORMATION_CLASS Class, InfoBuffer& To)
{
    FILE_STANDARD_INFORMATION Standard {};
    Standard.NumberOfLinks = 1;
    Standard.EndOfFile.QuadPart = i64(hal::HostReadable(Port_));
    FILE_BASIC_INFORMATION Basic {};
    Basic.FileAttributes = FILE_ATTRIBUTE_NORMAL;
    switch (Class) {
    case FilePipeInformation:
        To.Fixed(FILE_PIPE_INFORMATION { FILE_PIPE_BYTE_STREAM_MODE, FILE_PIPE_QUEUE_OPERATION });
        break;
    case FilePipeLocalInformation: {
        FILE_PIPE_LOCAL_INFORMATION L { FILE_PIPE_BYTE_STREAM_TYPE, Port_ == HostPort::Stdin ? FILE_PIPE_OUTBOUND : FILE_PIPE_INBOUND, 1, 1, 65536, u32(hal::HostReadable(Port_)), 65536, 65536,
                                        hal::HostHasEnded(Port_) ? FILE_PIPE_CLOSING_STATE : FILE_PIPE_CONNECTED_STATE, FILE_PIPE_CLIENT_END };
        To.Fixed(L);
        break;
    }
    case FileInternalInformation:
        To.Fixed(FILE_INTERNAL_INFORMATION { { .QuadPart = i64(Port_) + 1 } });
        break;
    default:
        return QueryWithoutMedium(*this, Basic, Standard, Class, To);
    }
    return To.Result();
}

Status HostFile::SetInformation(ke::Caller&, ACCESS_MASK, FILE_INFORMATION_CLASS Class, std::span<const u8> From)
{
    if (Class != FilePipeInformation)
        return STATUS_INVALID_PARAMETER;
    FILE_PIPE_INFORMATION I;
    memcpy(&I, From.data(), sizeof(I));
    return I.ReadMode == FILE_PIPE_BYTE_STREAM_MODE && I.CompletionMode == FILE_PIPE_QUEUE_OPERATION ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

class HostLinkDevice final : public Device {
public:
    using Device::Device;
    Result<ob::ParseResult> Open(ob::OpenRequest& Request, CreateParameters& How, File* Start, ob::Name Rest, bool AtRoot) override
    {
        if (How.Pipe || How.Mailslot || How.TargetFolder || Start || AtRoot)
            return STATUS_INVALID_PARAMETER;
        if (How.Options & FILE_DIRECTORY_FILE)
            return STATUS_NOT_A_DIRECTORY;
        for (u32 I = 0; I < hal::HostPorts; ++I) {
            if (!ob::Equal(Rest, Names[I], true))
                continue;
            How.Granted = TRY(CheckDeviceAccess(Request, *this, How.Access));
            How.Information = FILE_OPENED;
            ob::ParseResult R;
            R.Found = TRY(ob::Make<HostFile>(*this, How, HostPort(I)));
            return R;
        }
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
};

}

Status InitializeHostLinkDevice()
{
    hal::OnHostPort = PortChanged;
    auto Device = TRY(ob::Make<HostLinkDevice>(FILE_DEVICE_NAMED_PIPE, 0));
    // The host believes what comes over it: programs get the streams that are theirs as handles.
    static const se::Allowed Who[] = { { se::sid::LocalSystem, FILE_ALL_ACCESS }, { se::sid::Administrators, FILE_ALL_ACCESS } };
    Device->SetSecurity(TRY(se::MakeDescriptor(Who)));
    return NameDevice(Device, L"\\Device\\HostLink");
}

}
