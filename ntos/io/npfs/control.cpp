// An end of a pipe: the control codes.
#include "ntos/io/npfs/npfs.hpp"

#include <string.h>

#include "ntos/io/issue.hpp"
#include "ntos/ps/thread.hpp"

namespace io::npfs {

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

}
